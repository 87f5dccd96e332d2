"""Sphinx extension around sphinx-gallery: complete downloads, honest caching, figures with words.

sphinx-gallery 0.22 puts only the script and its notebook into a page's zip, re-runs a page only
when the script itself changed, gives figures the file name as alt text, and leaves Sphinx roles
in notebooks. Each of these is mended here, through its public events.
"""

import hashlib
import html
import json
import re
import shutil
import zipfile
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError

from _helpers.run_example import siblings

ROOT = Path(__file__).resolve().parents[1]
#: Where Binder finds torch and torchaudio without CUDA: a smaller image that starts sooner.
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
POST_BUILD = """#!/usr/bin/env bash
# torchaudio beside a CPU-only torch: see cpu_torch.py. Does nothing where there is nothing to mend.
set -e
python binder/cpu_torch.py
"""


CARD_LINK = re.compile(
    r'(<div class="sphx-glr-thumbcontainer"[^>]*>\s*<img[^>]*>\s*<p><a class="reference internal" href="[^"]+")'
    r"(?=><span[^>]*>([^<]+)<)>"
)


def _pages(app):
    """(source script, generated script) of every tutorial."""
    conf = app.config.sphinx_gallery_conf
    source = (Path(app.srcdir) / conf["examples_dirs"]).resolve()
    generated = Path(app.srcdir) / conf["gallery_dirs"]
    return [(path, generated / path.name) for path in sorted(source.glob("plot_*.py"))]


def forget_stale_runs(app):
    """Before the gallery runs: a page whose siblings changed has to run again."""
    for source, generated in _pages(app):
        digest = hashlib.sha256(
            b"".join(p.read_bytes() for p in siblings(source))
        ).hexdigest()
        seen = generated.with_suffix(".siblings")
        if not seen.is_file() or seen.read_text("utf-8") != digest:
            Path(f"{generated}.md5").unlink(missing_ok=True)
            seen.parent.mkdir(parents=True, exist_ok=True)
            seen.write_text(digest, "utf-8")


def write_zip(path, files):
    """Write a zip that depends on nothing but its contents.

    Parameters
    ----------
    path : pathlib.Path
        The zip; written to a temporary name and renamed.
    files : dict of str to pathlib.Path
        Name inside the zip, and the file to put there.
    """
    unfinished = path.with_suffix(".tmp")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, file in sorted(files.items()):
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    unfinished.replace(path)


ROLE = re.compile(r":(?:[a-z]+:)+`(?:([^`<]+?)\s*<[^`>]+>|~(?:[^`]*\.)?([^`.]+)|([^`]+))`")


def plain_text(markdown):
    """Sphinx roles mean nothing in Jupyter: keep what they say."""
    return ROLE.sub(lambda m: f"`{m[1] or m[2] or m[3]}`", markdown)


def complete_downloads(app):
    """After the gallery ran: whole zips, and notebooks without Sphinx roles."""
    gallery = {}
    for source, script in _pages(app):
        notebook = script.with_suffix(".ipynb")
        content = json.loads(notebook.read_text("utf-8"))
        for cell in content["cells"]:
            if cell["cell_type"] == "markdown":
                cell["source"] = [plain_text(text) for text in cell["source"]]
        notebook.write_text(
            json.dumps(content, indent=1, ensure_ascii=False) + "\n", "utf-8"
        )
        files = {path.name: path for path in (script, notebook, *siblings(source))}
        files["requirements.txt"] = ROOT / "requirements.txt"
        write_zip(script.with_suffix(".zip"), files)
        gallery |= files
    for kind, other in (("python", ".ipynb"), ("jupyter", ".py")):
        keep = {
            n: p
            for n, p in gallery.items()
            if not (n.startswith("plot_") and n.endswith(other))
        }
        folder = Path(app.srcdir) / app.config.sphinx_gallery_conf["gallery_dirs"]
        write_zip(folder / f"{folder.name}_{kind}.zip", keep)


def publish_binder(app, exception):
    """After the site is written: what Binder builds from, and the siblings beside its notebooks."""
    if exception or app.builder.name != "html":
        return
    binder, notebooks = (
        Path(app.outdir) / "binder",
        Path(app.outdir) / "notebooks" / "auto_examples",
    )
    pins = (ROOT / "requirements.txt").read_text("utf-8")
    (binder / "requirements.txt").write_text(
        f"--extra-index-url {CPU_WHEELS}\n{pins}", "utf-8"
    )
    (binder / "runtime.txt").write_text("python-3.11\n", "utf-8")
    (binder / "postBuild").write_text(POST_BUILD, "utf-8")
    (binder / "postBuild").chmod(0o755)
    shutil.copy(ROOT / "_helpers" / "cpu_torch.py", binder)
    for source, script in _pages(app):
        for path in (script.with_suffix(".ipynb"), *siblings(source)):
            shutil.copy(path, notebooks)
    shutil.rmtree(notebooks / "images", ignore_errors=True)


def scraper(block, block_vars, gallery_conf, **kwargs):
    """Save open figures as SVG with the alt text from ``fig.set_label``, and a PNG for thumbnails."""
    import matplotlib.pyplot as plt

    rst = []
    for number in plt.get_fignums():
        figure = plt.figure(number)
        alt = " ".join(str(figure.get_label()).split())
        if not alt:
            raise ExtensionError(
                f"a figure of {block_vars['src_file']} has no alt text: call fig.set_label('...')"
            )
        path = Path(next(block_vars["image_path_iterator"])).with_suffix(".svg")
        with plt.rc_context(
            {"svg.hashsalt": "tutorials", "svg.fonttype": "path"}
        ):  # same bytes every time
            figure.savefig(path, metadata={"Date": None}, facecolor="white")
            figure.savefig(path.with_suffix(".png"), dpi=60, facecolor="white")
        # 96 CSS pixels to the inch: 8 pt on the figure are 8 pt on the page.
        width, height = (round(inches * 96) for inches in figure.get_size_inches())
        target = path.relative_to(gallery_conf["src_dir"]).as_posix()
        rst.append(
            f".. container:: figure-scroll\n\n   .. image:: /{target}\n      :alt: {alt}\n"
            f"      :width: {width}px\n      :height: {height}px\n      :loading: lazy\n\n"
        )
    plt.close("all")
    return "\n".join(rst)


def describe_page(app, pagename, templatename, context, doctree):
    """Meta description from the first real paragraph, and HTML that assistive technology accepts."""
    if "body" in context:
        context["body"] = (
            context["body"]
            .replace('role="list" class="citation-list"', 'class="citation-list"')
            .replace(' role="doc-biblioentry"', "")
            .replace(
                '<div class="figure-scroll docutils container">',
                '<div class="figure-scroll docutils container" tabindex="0" role="group" aria-label="Figure">',
            )
        )
        # The link of a gallery card has its words hidden by the style sheet.
        context["body"] = CARD_LINK.sub(r'\1 aria-label="\2">', context["body"])
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        text = " ".join(paragraph.astext().split())
        if len(text) > 40 and isinstance(paragraph.parent, nodes.section):
            short = text if len(text) <= 155 else text[:155].rsplit(" ", 1)[0] + " ..."
            context["metatags"] = (
                context.get("metatags", "")
                + f'<meta name="description" content="{html.escape(short)}">'
            )
            break


def setup(app):
    """Connect to Sphinx; the gallery itself is made at priority 500."""
    app.connect("builder-inited", forget_stale_runs, priority=400)
    app.connect("builder-inited", complete_downloads, priority=600)
    app.connect("build-finished", publish_binder, priority=600)
    app.connect("html-page-context", describe_page)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
