"""Sphinx extension: what a page says about itself, to people, to search engines and to machines."""

import csv
import html
import itertools
import json
import re
import zipfile
from pathlib import Path
from urllib.parse import urljoin

from docutils import nodes
from markdownify import MarkdownConverter
from PIL import Image
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import SphinxDirective, SphinxRole

from _helpers.contracts import CONTRACTS
from _helpers.pages import short_name, write_if_changed
from _helpers.record import leaves, records

#: First digit of the numbers of a group -> its title.
GROUPS = {"1": "Get the data right", "7": "Adapt a network"}
GROUPS |= {"8": "Predict a score of a person", "9": "Make it yours"}
#: What sphinx-gallery lists in one row; ``.. cards::`` shows it in groups.
LISTED = re.compile(
    r"^\.\. thumbnail-parent-div-open\n.*^\.\. thumbnail-parent-div-close\n", re.M | re.S
)
#: The site in one file, and what Binder and Sphinx need of a build.
WHOLE, APART = (
    "eeg-transfer-tutorials.zip",
    (".doctrees", ".buildinfo", "binder", "notebooks"),
)
SCROLL = '<div class="figure-scroll docutils container"'
#: What Sphinx writes -> what assistive technology accepts.
MENDED = {
    'role="list" class="citation-list"': 'class="citation-list"',
    ' role="doc-biblioentry"': "",
    '<th class="head stub"><p></p></th>': "<td></td>",
    f"{SCROLL}>": f'{SCROLL} tabindex="0" role="group" aria-label="Figure">',
}
SENTENCES = re.compile(r".{40,199}[.?!:](?= |$)", re.S)
FIRST = re.compile(r".+?[.?!:](?= |$)", re.S)
TAG = re.compile(r":tag:`([^`]+)`")
TAGS = re.compile(r"^Tags: .*$", re.M)
CITE = re.compile(r":cite:[pt]:`([^`]+)`")


def prune_tags(app, docname, source):
    """A tag of one page leads nowhere: it goes, and its line with the last one.

    Parameters
    ----------
    app : sphinx.application.Sphinx
        The build.
    docname : str
        Name of the page.
    source : list of str
        Its text, which is changed.
    """
    source[0] = LISTED.sub("", source[0])
    if docname.startswith("auto_examples/plot_"):
        shared, shown = tagged(Path(app.srcdir)), TAGS.search(source[0])
        tags = [tag for tag in TAG.findall(shown[0]) if tag in shared] if shown else []
        line = f"Tags: {', '.join(f':tag:`{tag}`' for tag in tags)}" if tags else ""
        source[0] = TAGS.sub(line, source[0])


def _index_words(app, docname, source):
    """What readers type is an index entry of the page they want: the first that is there."""
    path = Path(app.srcdir, "search.json")
    if not path.is_file():
        return
    app.env.note_dependency(str(path), docname=docname)
    known = {short_name(n) if "/plot_" in n else n: n for n in sorted(app.env.found_docs)}
    wanted = json.loads(path.read_text("utf-8"))
    for words, pages in wanted.items():
        if next((known[page] for page in pages if page in known), None) == docname:
            source[0] = f".. index:: ! {words}\n\n{source[0]}"


def _describe(app, doctree):
    """Keep the first real paragraph of a page, and its picture, for search engines and links."""
    for note in [*doctree.findall(nodes.note)]:
        if "sphx-glr-download-link-note" in note["classes"]:  # hidden, and yet searched
            note.parent.remove(note)
    about = app.env.metadata[app.env.docname]
    for paragraph in doctree.findall(nodes.paragraph):
        words = (
            text.astext()
            for text in paragraph.findall(nodes.Text)
            if getattr(text.parent.parent, "attributes", {}).get("refdomain") != "cite"
            and getattr(text.parent, "attributes", {}).get("refdomain") != "cite"
        )
        text = re.sub(r"\s+(?=[.,;:)])", "", " ".join("".join(words).split()))
        if len(text) > 40 and isinstance(paragraph.parent, nodes.section):
            # Whole sentences: as many as a search engine shows, at least one.
            sentences = SENTENCES.match(text) or FIRST.match(text) or [text]
            about["og:description"] = sentences[0]
            break


class _Markdown(MarkdownConverter):
    """HTML of a page as Markdown."""

    def convert_a(self, el, text, parent_tags):
        """Links, but not the paragraph signs beside headings."""
        if "headerlink" in (el.get("class") or []):
            return ""
        return super().convert_a(el, text, parent_tags)

    def convert_img(self, el, text, parent_tags):
        """Figures once, not for every width of a screen."""
        narrow = "narrow" in (el.get("class") or [])
        return "" if narrow else super().convert_img(el, text, parent_tags)

    def convert_svg(self, el, text, parent_tags):
        """A drawing inside a page is its words."""
        return el.get("aria-label", "")

    def convert_pre(self, el, text, parent_tags):
        """Code of a tutorial is Python, what it prints is text."""
        box = el.find_parent("div", class_=["highlight-Python", "highlight-python"])
        return f"\n\n```{'python' if box else 'text'}\n{el.get_text().rstrip()}\n```\n\n"


def _wait_for_no_script(app, pagename, templatename, context, doctree):
    """Scripts run when the page is there; the one that inline scripts build on stays in front."""
    size = context.get("metatags", "").replace('content="1146"', 'content="1200"')
    size = size.replace('content="600"', 'content="630"')  # see `size_pictures`
    context["metatags"] = size
    if pagename == "search":  # its own scripts do not wait, and build on the others
        return
    tag = context["js_tag"]

    def deferred(script):
        text = tag(script)
        first = "documentation_options.js" in text or "src=" not in text
        return text if first else text.replace("<script ", "<script defer ", 1)

    context["js_tag"] = deferred


def _mend_html(app, pagename, templatename, context, doctree):
    """HTML that assistive technology accepts, and its Markdown copy beside the page."""
    if "body" not in context:
        return
    body = context["body"]
    for old, new in MENDED.items():
        body = body.replace(old, new)
    context["body"] = body
    if doctree is None or app.builder.name != "html":
        return
    text = _Markdown(heading_style="ATX", bullets="-").convert(context["body"])
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    if told := context.get("told"):  # the template has it, not the body
        text = text.replace("\n", f"\n\n**{told['answer']}**\n", 1)
    write_if_changed(Path(app.outdir, f"{pagename}.md"), text + "\n")
    tags = [context.get("metatags", "")]
    if words := html.escape(app.env.metadata[pagename].get("og:description", "")):
        tags.append(f'<meta name="description" content="{words}">')
    href = f"{Path(pagename).name}.md"
    tags.append(f'<link rel="alternate" type="text/markdown" href="{href}">')
    context["metatags"] = "".join(tags)


def _size_pictures(app, exception):
    """After the build: the pictures of links have the size that asks for no cropping."""
    for path in Path(app.outdir, "_images", "social_previews").glob("*.png"):
        with Image.open(path) as picture:
            if picture.size != (1200, 630):
                picture.resize((1200, 630)).save(path)


def _write_llms_txt(app, exception):
    """After the build: ``llms.txt``, every page with its Markdown copy and one sentence."""
    if exception or app.builder.name != "html":
        return
    env, base = app.env, app.config.html_baseurl or ""
    lines = [f"# {app.config.project}", ""]
    if text := env.metadata[app.config.root_doc].get("og:description"):
        lines += [f"> {text}", ""]
    groups, order = {"Tutorials": [], "Pages": []}, [app.config.root_doc]
    for name in order:  # grows while it is read
        order += [n for n in env.toctree_includes.get(name, ()) if n not in order]
    for name in [*order, *sorted(env.found_docs - {*order})]:
        title, text = env.titles[name].astext(), env.metadata[name].get("og:description")
        line = f"- [{title}]({urljoin(base, name + '.md')})" + (f": {text}" if text else "")
        groups["Tutorials" if Path(name).name.startswith("plot_") else "Pages"].append(line)
    for group, entries in groups.items():
        lines += [f"## {group}", "", *entries, ""]
    Path(app.outdir, "llms.txt").write_text("\n".join(lines), "utf-8")


def write_results(app, exception):
    """After the build: every number of every tutorial as one table, and what each key means.

    Parameters
    ----------
    app : sphinx.application.Sphinx
        The build.
    exception : Exception or None
        What ended the build.
    """
    if exception or app.builder.name != "html":
        return
    rows, keys = [("tutorial", "key", "value")], [("tutorial", "key", "meaning")]
    for page in sorted(Path(app.srcdir).glob("auto_examples/plot_*.rst")):
        gave, name = page.with_suffix(".json"), short_name(page)
        if name in CONTRACTS and "contract" in (content := json.loads(gave.read_bytes())):
            rows += [(name, key, x) for key, x in leaves(content["contract"]).items()]
            fields = CONTRACTS[name].model_fields.items()
            keys += [(name, key, field.description) for key, field in fields]
    for file, table in {"results.csv": rows, "results_keys.csv": keys}.items():
        with Path(app.outdir, file).open("w", encoding="utf-8", newline="") as stream:
            csv.writer(stream, lineterminator="\n").writerows(table)


def _pack_site(app, exception):
    """After everything else: the whole site as one zip, to be read from a folder."""
    if exception or app.builder.name != "html":
        return
    out, whole = Path(app.outdir), Path(app.outdir, WHOLE)
    files = (path for path in sorted(out.rglob("*")) if path.is_file())
    kept = [p for p in files if p != whole and p.relative_to(out).parts[0] not in APART]
    with zipfile.ZipFile(whole.with_suffix(".tmp"), "w", zipfile.ZIP_DEFLATED) as archive:
        for path in kept:
            content = path.read_bytes()
            if path.name == "index.html":  # who has unpacked it needs no link to it
                content = content.replace(f' href="{WHOLE}"'.encode(), b"")
            archive.writestr(f"{whole.stem}/{path.relative_to(out).as_posix()}", content)
    whole.with_suffix(".tmp").replace(whole)


def _label(tag):
    return "tag-" + re.sub(r"\W+", "-", tag.lower()).strip("-")


class Tag(SphinxRole):
    """``:tag:`p-factor```: a link to the other pages with this tag."""

    def run(self):
        kind = {"refdomain": "std", "reftype": "ref", "refexplicit": True, "refwarn": True}
        where = {"reftarget": _label(self.text), "refdoc": self.env.docname}
        words = nodes.inline(self.text, self.text, classes=["tag"])
        return [pending_xref("", words, **kind, **where)], []


def tagged(srcdir):
    """Tag -> the tutorials that carry it, as a list; where there are two or more."""
    pages_of = {}
    for page in sorted(srcdir.glob("auto_examples/plot_*.rst")):
        for tag in TAG.findall(page.read_text("utf-8")):
            pages_of.setdefault(tag, {})[f"- :doc:`/auto_examples/{page.stem}`"] = None
    return {tag: pages for tag, pages in pages_of.items() if len(pages) > 1}


def tag_index(srcdir):
    """Every tag and the tutorials that carry it."""
    lines = []
    for tag, pages in sorted(tagged(srcdir).items(), key=lambda item: item[0].lower()):
        lines += [f".. _{_label(tag)}:", "", f".. rubric:: {tag}", "", *pages, ""]
    return "\n".join(lines)


def cards(srcdir):
    """A card per tutorial, in reading order and in groups by the first digit of its number."""
    known = records(srcdir / "reference") | records(srcdir / "_build" / "runs")
    pages = sorted(srcdir.glob("auto_examples/plot_*.rst"))
    lines = []
    for digit, members in itertools.groupby(pages, lambda page: page.stem[len("plot_")]):
        group = GROUPS.get(digit, "More")
        lines += [f".. rubric:: {group}", "", ".. container:: cards", ""]
        for page in members:
            thumb = f"/auto_examples/images/thumb/sphx_glr_{page.stem}_thumb.webp"
            run = known.get(short_name(page))
            cost = f"{run['seconds']:.0f} s" if run else "not measured"
            lines += ["   .. container:: card-box", "", f"      .. image:: {thumb}"]
            lines += ["         :alt:", "         :loading: lazy", ""]
            lines += [f"      :doc:`/auto_examples/{page.stem}`", "", f"      {cost}", ""]
    return "\n".join(lines)


def citations(srcdir):
    """Key of the bibliography -> names of the documents that cite it, both sorted."""
    srcdir, pages_of = Path(srcdir), {}
    for page in sorted(srcdir.rglob("*.rst")):
        if "_build" in page.parts:
            continue
        name = page.relative_to(srcdir).with_suffix("").as_posix()
        for group in CITE.findall(page.read_text("utf-8")):
            for key in group.split(","):
                pages_of.setdefault(key.strip(), set()).add(name)
    return {key: sorted(pages) for key, pages in sorted(pages_of.items())}


def cited_in(srcdir):
    """Each work and the pages that cite it."""
    lines = []
    for key, pages in citations(srcdir).items():
        links = ", ".join(f":doc:`/{page}`" for page in pages)
        lines.append(f"- :cite:t:`{key}` in {links}")
    return "\n".join(lines)


LISTS = {"cited-in": cited_in, "cards": cards, "tag-index": tag_index}


class PageList(SphinxDirective):
    """``.. tag-index::`` and the others of `LISTS`: what is read from all pages."""

    def run(self):
        self.env.metadata[self.env.docname]["lists"] = True
        srcdir = Path(self.env.srcdir)
        for path in (*srcdir.glob("reference/*.json"), *srcdir.glob("_build/runs/*")):
            self.env.note_dependency(str(path))
        return self.parse_text_to_nodes(LISTS[self.name](srcdir))


def _reread_lists(app, env, added, changed, removed):
    """A page with a list is read again when any other page was."""
    if not added | changed | removed:
        return []
    return [name for name, about in env.metadata.items() if about.get("lists")]


def setup(app):
    """Connect to Sphinx."""
    app.connect("source-read", prune_tags)
    app.connect("source-read", _index_words, priority=600)
    app.connect("doctree-read", _describe)
    # Before sphinxext.opengraph looks.
    app.connect("html-page-context", _mend_html, priority=400)
    app.connect("html-page-context", _wait_for_no_script)
    app.connect("build-finished", _write_llms_txt)
    app.connect("build-finished", write_results)
    app.connect("build-finished", _size_pictures)
    app.connect("build-finished", _pack_site, priority=900)
    app.connect("env-get-outdated", _reread_lists)
    app.add_role("tag", Tag())
    for name in LISTS:
        app.add_directive(name, PageList)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
