"""Sphinx extension around sphinx-gallery: complete downloads, honest caching, figures with words.

sphinx-gallery 0.22 zips only script and notebook, re-runs a page only when its script changed, gives
figures the file name as alt text, and leaves roles in notebooks: mended here, by events and functions.
"""

import ast
import hashlib
import json
import multiprocessing
import os
import re
import shutil
import zipfile
from pathlib import Path
from urllib.parse import urljoin

from PIL import Image
from pybtex.database import parse_file
from sphinx.errors import ExtensionError
from sphinx_gallery.notebook import jupyter_notebook
from sphinx_gallery.py_source_parser import remove_config_comments as uncommented
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from _helpers.contracts import CONTRACTS
from _helpers.figures import save
from _helpers.notebooks import guarded, readme, standalone
from _helpers.pages import ROOT, short_name, travels, write_if_changed
from _helpers.redraw import remember_figures

#: Where Binder finds torch and torchaudio without CUDA: a smaller image that starts sooner.
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
#: Larger side of the picture on a card, in pixels.
CARD_PIXELS = 480
#: Below a figure.
DATA = ".. container:: figure-data\n\n   :download:`Numbers of this figure </{}>` (CSV)\n\n"
#: What has a docstring, and what writes the simulated studies.
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef
WRITERS = (
    "_study/simulated/signals.py",
    "_study/simulated/person.py",
    "_study/simulated/write.py",
)
#: The picture of the README, and the figure that it is.
PICTURE, FIGURE = "finetune.svg", "sphx_glr_plot_73_*_002.svg"


def _pages(app):
    """(source script, generated script) of every tutorial."""
    conf = app.config.sphinx_gallery_conf
    source = (Path(app.srcdir) / conf["examples_dirs"]).resolve()
    generated = Path(app.srcdir) / conf["gallery_dirs"]
    return [(path, generated / path.name) for path in sorted(source.glob("plot_*.py"))]


def offline_and_simulated(app):
    """The environment of every page: no network, the simulated studies, a cache of this build.

    Studies that another state of the writers made are left alone, not reported as outdated.
    """
    source = Path(app.srcdir, app.config.sphinx_gallery_conf["examples_dirs"]).resolve()
    writers = [path for path in map(source.joinpath, WRITERS) if path.is_file()]
    state = hashlib.sha256(b"".join(path.read_bytes() for path in writers)).hexdigest()[:8]
    cache = Path(app.srcdir) / "_build" / "eegdash_cache" / state
    os.environ.setdefault("EEGDASH_CACHE_DIR", str(cache))
    os.environ["HF_HUB_OFFLINE"] = "1"
    os.environ.pop("EEG_TUTORIAL_STUDY", None)
    # A page that keeps files for its next run says what happens in the first.
    for kept in Path(os.environ["EEGDASH_CACHE_DIR"]).glob("windows-*"):
        shutil.rmtree(kept)


def start_as_a_script_does(gallery_conf, fname):
    """Forget that joblib started this process, so that dask's workers start as from a script.

    Figures of the page remember what they are drawn from.
    """
    multiprocessing.set_start_method(None, force=True)
    remember_figures(fname)


def meaning(page, modules):
    """Digest of what a page sees of its siblings: all but comments and docstrings.

    A page that prints the source of functions sees every byte.
    """
    seen, prints = [], "getsource(" in page.read_text("utf-8")
    for name, path in modules.items():
        tree = ast.parse(source := path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, DOCUMENTED) and ast.get_docstring(node):
                node.body = node.body[1:]
        seen += [name, source if prints else ast.dump(tree)]
    return hashlib.sha256("\n".join(seen).encode()).hexdigest()


def forget_stale_runs(app):
    """Before the gallery runs: a page that sees a change in a sibling has to run again."""
    for source, generated in _pages(app):
        digest = meaning(source, travels(source))
        seen = generated.with_suffix(".siblings")
        current = seen.is_file() and seen.read_text("utf-8") == digest
        if not (current and generated.with_suffix(".json").is_file()):
            Path(f"{generated}.md5").unlink(missing_ok=True)
            write_if_changed(seen, digest)


def _date_from(path, files):
    """Give a file of every build the date of the newest file that it is made of."""
    newest = max(file.stat().st_mtime_ns for file in files)
    os.utime(path, ns=(newest, newest))


def write_zip(path, files, texts=None):
    """Write a zip that depends on nothing but its contents.

    Parameters
    ----------
    path : pathlib.Path
        Of the zip; its date becomes that of the newest file in it.
    files : dict of str to pathlib.Path
        Name inside -> file.
    texts : dict of str to str, optional
        Name inside -> content.
    """
    unfinished = path.with_suffix(".tmp")
    contents = {name: file.read_bytes() for name, file in files.items()}
    contents |= {name: text.encode() for name, text in (texts or {}).items()}
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    unfinished.replace(path)
    _date_from(path, files.values())


def complete_downloads(app):
    """After the gallery ran: whole zips, notebooks that run alone, scripts that say what they miss."""
    conf = app.config.sphinx_gallery_conf
    folder = Path(app.srcdir, conf["gallery_dirs"])
    pins_file, bibliography = ROOT / "requirements.txt", parse_file(str(ROOT / "refs.bib"))
    pins = re.findall("^[^#\n].*", pins_file.read_text("utf-8"), re.M)
    site = app.config.html_baseurl or ""
    gallery = {"requirements.txt": pins_file}
    for source, script in _pages(app):
        modules, notebook = travels(source), script.with_suffix(".ipynb")
        _, blocks = split_code_and_text_blocks(str(source))
        if conf["remove_config_comments"]:
            blocks = [b._replace(content=uncommented(b.content)) for b in blocks]
        content = jupyter_notebook(blocks, conf, str(folder))
        promise = CONTRACTS.get(short_name(script))
        asked = promise.asked() if promise else {}
        content = standalone(content, modules, pins, bibliography, site, asked)
        text = json.dumps(content, indent=1, ensure_ascii=False)
        write_if_changed(notebook, text + "\n")
        where = urljoin(site, f"{folder.name}/{script.stem}.html")
        names = sorted({name.split("/")[0].removesuffix(".py") for name in modules})
        text = guarded(source.read_text("utf-8"), script.name, names, where)
        script.write_text(text, "utf-8")
        _date_from(script, [source, *modules.values()])
        files = {script.name: script, notebook.name: notebook, **modules}
        files["requirements.txt"] = pins_file
        about = readme(script.stem, [script.name, notebook.name])
        write_zip(script.with_suffix(".zip"), files, {"README.md": about})
        gallery |= files
    for kind, other in (("python", ".ipynb"), ("jupyter", ".py")):
        skip = re.compile(rf"plot_.*\{other}")
        keep = {n: path for n, path in gallery.items() if not skip.fullmatch(n)}
        start = [name for name in sorted(keep) if name.startswith("plot_")]
        about = readme(app.config.project, start)
        write_zip(folder / f"{folder.name}_{kind}.zip", keep, {"README.md": about})


def shrink_cards(app):
    """After the gallery ran: the pictures of cards as WebP, 320 pixels wide, in 16 colours."""
    gallery = Path(app.srcdir, app.config.sphinx_gallery_conf["gallery_dirs"])
    for path in gallery.glob("images/thumb/*_thumb.png"):
        card = path.with_suffix(".webp")
        if card.is_file() and card.stat().st_mtime_ns > path.stat().st_mtime_ns:
            continue
        with Image.open(path) as picture:
            small = picture.convert("RGB").resize((320, 224), Image.Resampling.LANCZOS)
        small = small.quantize(16, 1).convert("RGB")
        small.save(card, lossless=True, quality=100, method=6)


def publish_binder(app, exception):
    """After the site is written: what Binder builds from, and the siblings beside its notebooks."""
    if exception or app.builder.name != "html":
        return
    binder, notebooks = Path(app.outdir, "binder"), Path(app.outdir, "notebooks")
    pins = (ROOT / "requirements.txt").read_text("utf-8")
    pins = f"--extra-index-url {CPU_WHEELS}\n{pins}"
    (binder / "requirements.txt").write_text(pins, "utf-8")
    (binder / "runtime.txt").write_text("python-3.11\n", "utf-8")
    for name in ("postBuild", "cpu_torch.py"):
        shutil.copy(ROOT / "_helpers" / name, binder)
    for source, script in _pages(app):
        notebook = script.with_suffix(".ipynb")
        for name, path in {notebook.name: notebook, **travels(source)}.items():
            target = notebooks / "auto_examples" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    shutil.rmtree(notebooks / "auto_examples" / "images", ignore_errors=True)


def _card(figure):
    """Larger side in inches and extent of what the card of a page shows: named panels, or the first."""
    from matplotlib.transforms import Bbox

    named = [ax for ax in figure.axes if str(ax.get_gid()).startswith("card")]
    panels = named or figure.axes[:1]
    figure.canvas.draw()
    extent = Bbox.union([ax.get_tightbbox() for ax in panels])
    extent = extent.transformed(figure.dpi_scale_trans.inverted()).padded(0.08)
    return max(extent.size), extent


def figure_text(file, alt, width, height, narrow=None, numbers=False):
    """Restructured text of a figure, as it is and with its panels below each other.

    Parameters
    ----------
    file : str
        Path from the source folder.
    alt : str
        Words for who does not see it.
    width, height : int
        In CSS pixels.
    narrow : int, optional
        Height of the second file, which is shown on a phone. Without one the box scrolls there.
    numbers : bool, default=False
        Is there a CSV of the same name?
    """
    alt = " ".join(alt.split())  # a line break would end the option, and the rest be markup
    kinds = [(file, width, height, "wide")]
    if narrow:
        kinds.append((f"{file.removesuffix('.svg')}_narrow.svg", 342, narrow, "narrow"))
    images = (
        f"   .. image:: /{name}\n      :alt: {alt}\n      :width: {wide}px\n"
        f"      :height: {high}px\n      :loading: lazy\n      :class: dark-light {kind}\n\n"
        for name, wide, high, kind in kinds
    )
    data = DATA.format(file.replace(".svg", ".csv")) if numbers else ""
    return f".. container:: figure-scroll\n\n{''.join(images)}{data}"


def scraper(block, block_vars, gallery_conf, **kwargs):
    """Save open figures as SVG with the alt text from ``fig.set_label``, and a PNG for thumbnails.

    What the page gave so far, its contract and its figures, goes to a JSON file beside the page.
    """
    import matplotlib.pyplot as plt

    figures, rst = block_vars.setdefault("figures", []), []
    for number in plt.get_fignums():
        figure = plt.figure(number)
        if not str(figure.get_label()).strip():
            what = f"a figure of {block_vars['src_file']} has no alt text"
            raise ExtensionError(f"{what}: call fig.set_label('...')")
        path = Path(next(block_vars["image_path_iterator"])).with_suffix(".svg")
        target = path.relative_to(gallery_conf["src_dir"]).as_posix()
        figures.append({"file": target, **save(figure, path)})
        rst.append(figure_text(**figures[-1]))
        # Last: the figure is narrow now, and its letters are large beside it.
        size, extent = _card(figure)
        how = {"dpi": CARD_PIXELS / size, "bbox_inches": extent}
        figure.savefig(path.with_suffix(".png"), facecolor="white", **how)
    plt.close("all")
    found = {"figures": figures}
    if (contract := block_vars["example_globals"].get("contract")) is not None:
        found["contract"] = contract
    path = Path(block_vars["target_file"]).with_suffix(".json")
    path.write_text(json.dumps(found), "utf-8")
    return "\n".join(rst)


def refresh_picture(app):
    """After the gallery ran: the picture of the README is the figure of this build."""
    images = Path(app.srcdir, app.config.sphinx_gallery_conf["gallery_dirs"], "images")
    for figure in images.glob(FIGURE):
        write_if_changed(Path(app.srcdir, "_static", PICTURE), figure.read_text("utf-8"))


def setup(app):
    """Connect to Sphinx; the gallery itself is made at priority 500."""
    app.connect("builder-inited", offline_and_simulated, priority=300)
    app.connect("builder-inited", forget_stale_runs, priority=400)
    app.connect("builder-inited", complete_downloads, priority=600)
    app.connect("builder-inited", refresh_picture, priority=600)
    app.connect("builder-inited", shrink_cards, priority=600)
    app.connect("build-finished", publish_binder, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
