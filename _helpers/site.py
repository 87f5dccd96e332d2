"""Sphinx extension: what a page says about itself, to people, to search engines and to machines."""

import html
import re
from pathlib import Path
from urllib.parse import urljoin

from docutils import nodes
from markdownify import MarkdownConverter
from sphinx.addnodes import pending_xref
from sphinx.util.docutils import SphinxDirective, SphinxRole

from _helpers.filters import list_table
from _helpers.pages import read_before, short_name, write_if_changed
from _helpers.record import records

CARD_LINK = re.compile(
    r'(<div class="sphx-glr-thumbcontainer"[^>]*>\s*<img[^>]*>\s*<p><a class="reference internal" href="[^"]+")'
    r"(?=><span[^>]*>([^<]+)<)>"
)
SCROLL = '<div class="figure-scroll docutils container"'
#: What Sphinx writes -> what assistive technology accepts.
MENDED = {
    'role="list" class="citation-list"': 'class="citation-list"',
    ' role="doc-biblioentry"': "",
    f"{SCROLL}>": f'{SCROLL} tabindex="0" role="group" aria-label="Figure">',
}
TAG = re.compile(r":tag:`([^`]+)`")
CITE = re.compile(r":cite:[pt]:`([^`]+)`")


def describe(app, doctree):
    """Keep the first real paragraph of a page, and its picture, for search engines and links."""
    about = app.env.metadata[app.env.docname]
    for paragraph in doctree.findall(nodes.paragraph):
        text = " ".join(paragraph.astext().split())
        if len(text) > 40 and isinstance(paragraph.parent, nodes.section):
            short = text if len(text) <= 155 else text[:155].rsplit(" ", 1)[0] + " ..."
            about["og:description"] = short
            break
    thumbnail = f"sphx_glr_{Path(app.env.docname).name}_thumb.png"
    if Path(app.srcdir, "auto_examples", "images", "thumb", thumbnail).is_file():
        about["og:image"] = urljoin(app.config.html_baseurl or "", f"_images/{thumbnail}")
        for image in doctree.findall(nodes.image):
            about["og:image:alt"] = image.get("alt", "")
            break


class Markdown(MarkdownConverter):
    """HTML of a page as Markdown."""

    def convert_a(self, el, text, parent_tags):
        """Links, but not the paragraph signs beside headings."""
        if "headerlink" in (el.get("class") or []):
            return ""
        return super().convert_a(el, text, parent_tags)

    def convert_div(self, el, text, parent_tags):
        """Everything but the invitation to scroll to the downloads."""
        note = "sphx-glr-download-link-note" in (el.get("class") or [])
        return "" if note else super().convert_div(el, text, parent_tags)

    def convert_pre(self, el, text, parent_tags):
        """Code of a tutorial is Python, what it prints is text."""
        box = el.find_parent("div", class_=["highlight-Python", "highlight-python"])
        return f"\n\n```{'python' if box else 'text'}\n{el.get_text().rstrip()}\n```\n\n"


def wait_for_no_script(app, pagename, templatename, context, doctree):
    """Scripts run when the page is there; the one that inline scripts build on stays in front."""
    if pagename == "search":  # its own scripts do not wait, and build on the others
        return
    tag = context["js_tag"]

    def deferred(script):
        text = tag(script)
        first = "documentation_options.js" in text or "src=" not in text
        return text if first else text.replace("<script ", "<script defer ", 1)

    context["js_tag"] = deferred


def mend_html(app, pagename, templatename, context, doctree):
    """HTML that assistive technology accepts, and its Markdown copy beside the page."""
    if "body" not in context:
        return
    body = context["body"]
    for old, new in MENDED.items():
        body = body.replace(old, new)
    # The link of a gallery card has its words hidden by the style sheet.
    context["body"] = CARD_LINK.sub(r'\1 aria-label="\2">', body)
    if doctree is None or app.builder.name != "html":
        return
    text = Markdown(heading_style="ATX", bullets="-").convert(context["body"])
    text = re.sub(r"\n{3,}", "\n\n", text).strip()
    write_if_changed(Path(app.outdir, f"{pagename}.md"), text + "\n")
    tags = [context.get("metatags", "")]
    if words := html.escape(app.env.metadata[pagename].get("og:description", "")):
        tags.append(f'<meta name="description" content="{words}">')
    href = f"{Path(pagename).name}.md"
    tags.append(f'<link rel="alternate" type="text/markdown" href="{href}">')
    context["metatags"] = "".join(tags)


def write_llms_txt(app, exception):
    """After the build: ``llms.txt``, every page with its Markdown copy and one sentence."""
    if exception or app.builder.name != "html":
        return
    env, base = app.env, app.config.html_baseurl or ""
    lines = [f"# {app.config.project}", ""]
    if text := env.metadata[app.config.root_doc].get("og:description"):
        lines += [f"> {text}", ""]
    groups = {"Tutorials": [], "Pages": []}
    for name in sorted(env.found_docs):
        title, text = env.titles[name].astext(), env.metadata[name].get("og:description")
        line = f"- [{title}]({urljoin(base, name + '.md')})" + (f": {text}" if text else "")
        groups["Tutorials" if Path(name).name.startswith("plot_") else "Pages"].append(line)
    for group, entries in groups.items():
        lines += [f"## {group}", "", *entries, ""]
    Path(app.outdir, "llms.txt").write_text("\n".join(lines), "utf-8")


def _label(tag):
    return "tag-" + re.sub(r"\W+", "-", tag.lower()).strip("-")


class Tag(SphinxRole):
    """``:tag:`p-factor```: a link to the other pages with this tag."""

    def run(self):
        kind = {"refdomain": "std", "reftype": "ref", "refexplicit": True, "refwarn": True}
        where = {"reftarget": _label(self.text), "refdoc": self.env.docname}
        words = nodes.inline(self.text, self.text, classes=["tag"])
        return [pending_xref("", words, **kind, **where)], []


def tag_index(srcdir):
    """Every tag and the tutorials that carry it."""
    found = {}
    for page in sorted(srcdir.glob("auto_examples/plot_*.rst")):
        for tag in TAG.findall(page.read_text("utf-8")):
            found.setdefault(tag, {})[f"- :doc:`/auto_examples/{page.stem}`"] = None
    lines = []
    for tag, pages in sorted(found.items(), key=lambda item: item[0].lower()):
        lines += [f".. _{_label(tag)}:", "", f".. rubric:: {tag}", "", *pages, ""]
    return "\n".join(lines)


def reading_order(srcdir):
    """Every tutorial, what to read before it, and its seconds in the last run."""
    known = records(srcdir / "reference") | records(srcdir / "_build" / "runs")
    lines = [["page", "read before", "seconds"]]
    for page in sorted(srcdir.glob("auto_examples/plot_*.rst")):
        links = ", ".join(f":doc:`/auto_examples/{name}`" for name in read_before(page))
        run = known.get(short_name(page))
        seconds = f"{run['seconds']:.0f}" if run else "not measured"
        lines.append([f":doc:`/auto_examples/{page.stem}`", links or "nothing", seconds])
    return list_table(lines, "   :widths: 50 35 15\n")


def citations(srcdir):
    """Key of the bibliography -> names of the documents that cite it, both sorted."""
    srcdir, found = Path(srcdir), {}
    for page in sorted(srcdir.rglob("*.rst")):
        if "_build" in page.parts:
            continue
        name = page.relative_to(srcdir).with_suffix("").as_posix()
        for group in CITE.findall(page.read_text("utf-8")):
            for key in group.split(","):
                found.setdefault(key.strip(), set()).add(name)
    return {key: sorted(pages) for key, pages in sorted(found.items())}


def cited_in(srcdir):
    """Each work and the pages that cite it."""
    lines = []
    for key, pages in citations(srcdir).items():
        links = ", ".join(f":doc:`/{page}`" for page in pages)
        lines.append(f"- :cite:t:`{key}` in {links}")
    return "\n".join(lines)


LISTS = {"cited-in": cited_in, "reading-order": reading_order, "tag-index": tag_index}


class PageList(SphinxDirective):
    """``.. tag-index::`` and the others of `LISTS`: what is read from all pages."""

    def run(self):
        self.env.metadata[self.env.docname]["lists"] = True
        srcdir = Path(self.env.srcdir)
        for path in (*srcdir.glob("reference/*.json"), *srcdir.glob("_build/runs/*")):
            self.env.note_dependency(str(path))
        return self.parse_text_to_nodes(LISTS[self.name](srcdir))


def reread_lists(app, env, added, changed, removed):
    """A page with a list is read again when any other page was."""
    if not added | changed | removed:
        return []
    return [name for name, about in env.metadata.items() if about.get("lists")]


def setup(app):
    """Connect to Sphinx."""
    app.connect("doctree-read", describe)
    # Before sphinxext.opengraph looks.
    app.connect("html-page-context", mend_html, priority=400)
    app.connect("html-page-context", wait_for_no_script)
    app.connect("build-finished", write_llms_txt)
    app.connect("env-get-outdated", reread_lists)
    app.add_role("tag", Tag())
    for name in LISTS:
        app.add_directive(name, PageList)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
