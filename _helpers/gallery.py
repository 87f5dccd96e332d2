"""Sphinx extension around sphinx-gallery: complete downloads, honest caching, figures with words.

sphinx-gallery 0.22 puts only the script and its notebook into a page's zip, re-runs a page only
when the script itself changed, gives figures the file name as alt text, and leaves Sphinx roles
in notebooks. Each of these is mended here, through events and documented functions.
"""

import hashlib
import json
import os
import shutil
import zipfile
from pathlib import Path
from urllib.parse import urljoin

from pybtex.database import parse_file
from sphinx.errors import ExtensionError
from sphinx_gallery.notebook import jupyter_notebook
from sphinx_gallery.py_source_parser import (
    remove_config_comments,
    split_code_and_text_blocks,
)

from _helpers.figures import save
from _helpers.notebooks import guarded, readme, standalone
from _helpers.pages import ROOT, siblings

#: Where Binder finds torch and torchaudio without CUDA: a smaller image that starts sooner.
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
#: Larger side of the picture on a card, in pixels.
CARD_PIXELS = 480
POST_BUILD = """#!/usr/bin/env bash
# torchaudio beside a CPU-only torch: see cpu_torch.py. Does nothing where there is nothing to mend.
set -e
python binder/cpu_torch.py
"""


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


def write_zip(path, files, texts=None):
    """Write a zip that depends on nothing but its contents.

    Parameters
    ----------
    path : pathlib.Path
        The zip; written to a temporary name and renamed.
    files : dict of str to pathlib.Path
        Name inside the zip, and the file to put there.
    texts : dict of str to str, optional
        Name inside the zip, and the words to put there.
    """
    unfinished = path.with_suffix(".tmp")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        contents = {name: file.read_bytes() for name, file in files.items()}
        contents |= {name: text.encode() for name, text in (texts or {}).items()}
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    unfinished.replace(path)


def _write_if_changed(path, text):
    """A file that Sphinx depends on keeps its date while its words stay the same."""
    if not path.is_file() or path.read_text("utf-8") != text:
        unfinished = path.with_name(f"{path.name}.tmp")
        unfinished.write_text(text, "utf-8")
        unfinished.replace(path)


def _date_from(path, files):
    """Give a file that is written in every build the date of the newest file it is made of."""
    newest = max(file.stat().st_mtime_ns for file in files)
    os.utime(path, ns=(newest, newest))


def complete_downloads(app):
    """After the gallery ran: whole zips, notebooks that run alone, scripts that say what they miss."""
    conf = app.config.sphinx_gallery_conf
    folder = Path(app.srcdir) / conf["gallery_dirs"]
    pins_file, bib_file = ROOT / "requirements.txt", ROOT / "refs.bib"
    pins = [
        line
        for line in pins_file.read_text("utf-8").splitlines()
        if line and line[0] != "#"
    ]
    bibliography, site = parse_file(str(bib_file)), app.config.html_baseurl or ""
    gallery = {"requirements.txt": pins_file}
    for source, script in _pages(app):
        modules, notebook = siblings(source), script.with_suffix(".ipynb")
        _, blocks = split_code_and_text_blocks(str(source))
        if conf["remove_config_comments"]:
            blocks = [
                block._replace(content=remove_config_comments(block.content))
                for block in blocks
            ]
        content = jupyter_notebook(blocks, conf, str(folder))
        content = standalone(content, modules, pins, bibliography, site)
        _write_if_changed(
            notebook, json.dumps(content, indent=1, ensure_ascii=False) + "\n"
        )
        where = urljoin(site, f"{folder.name}/{script.stem}.html")
        names = [path.stem for path in modules]
        script.write_text(
            guarded(source.read_text("utf-8"), script.name, names, where), "utf-8"
        )
        _date_from(script, [source, *modules])
        files = {path.name: path for path in (script, notebook, *modules)}
        files["requirements.txt"] = pins_file
        about = readme(script.stem, [script.name, notebook.name])
        write_zip(script.with_suffix(".zip"), files, {"README.md": about})
        _date_from(script.with_suffix(".zip"), files.values())
        gallery |= files
    for kind, other in (("python", ".ipynb"), ("jupyter", ".py")):
        keep = {
            n: p
            for n, p in gallery.items()
            if not (n.startswith("plot_") and n.endswith(other))
        }
        start = [name for name in sorted(keep) if name.startswith("plot_")]
        path = folder / f"{folder.name}_{kind}.zip"
        write_zip(path, keep, {"README.md": readme(app.config.project, start)})
        _date_from(path, keep.values())


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


def _card(figure):
    """Larger side in inches and extent of what the card of a page shows; None is the whole figure."""
    from matplotlib.transforms import Bbox

    panels = [ax for ax in figure.axes if str(ax.get_gid()).startswith("card")]
    if not panels:
        return max(figure.get_size_inches()), None
    figure.canvas.draw()
    extent = Bbox.union([ax.get_tightbbox() for ax in panels])
    extent = extent.transformed(figure.dpi_scale_trans.inverted()).padded(0.08)
    return max(extent.size), extent


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
        words = save(figure, path)
        size, extent = _card(figure)
        how = {"dpi": CARD_PIXELS / size, "bbox_inches": extent}
        figure.savefig(path.with_suffix(".png"), facecolor="white", **how)
        width, height = words["width"], words["height"]
        target = path.relative_to(gallery_conf["src_dir"]).as_posix()
        rst.append(
            f".. container:: figure-scroll\n\n   .. image:: /{target}\n      :alt: {alt}\n"
            f"      :width: {width}px\n      :height: {height}px\n      :loading: lazy\n\n"
        )
    plt.close("all")
    return "\n".join(rst)


def setup(app):
    """Connect to Sphinx; the gallery itself is made at priority 500."""
    app.connect("builder-inited", forget_stale_runs, priority=400)
    app.connect("builder-inited", complete_downloads, priority=600)
    app.connect("build-finished", publish_binder, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
