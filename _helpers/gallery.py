"""Sphinx extension around sphinx-gallery: complete downloads, honest caching, figures with words.

sphinx-gallery 0.22 zips only script and notebook, re-runs a page only when its script changed, gives
figures the file name as alt text, and leaves roles in notebooks: mended here, by events and functions.
"""

import ast
import datetime
import hashlib
import io
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
from _helpers.filters import say
from _helpers.notebooks import (
    answer_cell,
    guarded,
    outputs_of,
    picture_of,
    readme,
    standalone,
)
from _helpers.pages import ROOT, copy_files, short_name, travels, write_if_changed
from _helpers.redraw import remember_figures

#: Where Binder finds torch and torchaudio without CUDA: a smaller image that starts sooner.
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
#: Larger side of the picture on a card, in pixels.
CARD_PIXELS = 480
#: Of a figure in a notebook: half as fine again as the site shows it, which its 64 colours pay for.
NOTEBOOK_DPI, NOTEBOOK_COLOURS = 144, 64
#: Below a figure.
DATA = ".. container:: figure-data\n\n   :download:`Numbers of this figure </{}>` (CSV)\n\n"
#: What has a docstring.
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef
#: What decides the bytes of the simulated studies, and what stands beside it and does not.
WRITERS = ("_study/catalogue.py", "_study/simulated/*.py")
NO_WRITER = "spoil.py"
#: The picture of the README, and the figure that it is.
PICTURE, FIGURE = "finetune.svg", "sphx_glr_plot_73_*_002.svg"


def _pages(app):
    """(source script, generated script) of every tutorial."""
    conf = app.config.sphinx_gallery_conf
    source = (Path(app.srcdir) / conf["examples_dirs"]).resolve()
    generated = Path(app.srcdir) / conf["gallery_dirs"]
    return [(path, generated / path.name) for path in sorted(source.glob("plot_*.py"))]


def writers(source):
    """Files that decide the bytes of the simulated studies.

    Parameters
    ----------
    source : pathlib.Path
        The folder of the tutorials.

    Returns
    -------
    list of pathlib.Path
        Those of ``WRITERS``, sorted.

    Raises
    ------
    ExtensionError
        If there is none where one was: a cache would stay that other code wrote.
    """
    files = []
    for pattern in WRITERS:
        there = sorted(path for path in source.glob(pattern) if path.name != NO_WRITER)
        if not there:
            what = f"{source / pattern} is not there: it decides what the simulated studies hold"
            raise ExtensionError(f"{what}, so name in WRITERS what does now")
        files += there
    return files


def offline_and_simulated(app):
    """The environment of every page: no network, the simulated studies, a cache of this build.

    Studies that another state of the writers made are left alone, not reported as outdated.
    """
    source = Path(app.srcdir, app.config.sphinx_gallery_conf["examples_dirs"]).resolve()
    sources = b"".join(path.read_bytes() for path in writers(source))
    state = hashlib.sha256(sources).hexdigest()[:8]
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

    Parameters
    ----------
    gallery_conf : dict
        Of sphinx-gallery, which calls this before and after each page.
    fname : str
        Name of the script.
    """
    multiprocessing.set_start_method(None, force=True)
    remember_figures(fname)


def meaning(page, modules):
    """Digest of what a page sees of its siblings: all but comments and docstrings.

    A page that prints the source of functions sees every byte.

    Parameters
    ----------
    page : pathlib.Path
        The script.
    modules : dict of str to pathlib.Path
        What travels with it, by the path beside it: two modules may have one name.

    Returns
    -------
    str
        SHA-256.
    """
    prints = "getsource(" in page.read_text("utf-8")
    seen = []
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
        if not (current and _is_whole(generated, Path(app.srcdir))):
            Path(f"{generated}.md5").unlink(missing_ok=True)
            write_if_changed(seen, digest)


def _is_whole(generated, srcdir):
    """Is everything still there that a page gave when it ran?"""
    gave = generated.with_suffix(".json")
    if not gave.is_file():
        return False
    figures = json.loads(gave.read_text("utf-8"))["figures"]
    return all((srcdir / picture_of(figure["file"])).is_file() for figure in figures)


def _date_from(path, files):
    """Give a file of every build the date of the newest file that it is made of."""
    newest = max(file.stat().st_mtime_ns for file in files)
    os.utime(path, ns=(newest, newest))


def _date_of(content):
    """A date for a file in a zip that changes with its content, and with nothing else.

    Python trusts compiled code of a file of the same date and size: a newer zip that is unpacked over
    an older one would run the old code.
    """
    number = int.from_bytes(hashlib.sha256(content).digest()[:4], "big")
    # A zip counts in steps of two seconds; these are five years.
    seconds = 2 * (number % 80_000_000)
    moment = datetime.datetime(2020, 1, 1) + datetime.timedelta(seconds=seconds)
    return moment.timetuple()[:6]


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
    contents.update((name, text.encode()) for name, text in (texts or {}).items())
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(contents.items()):
            entry = zipfile.ZipInfo(name, _date_of(content))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED)
    unfinished.replace(path)
    _date_from(path, files.values())


def _gave(app, script, blocks, where):
    """What a page gave when it last ran, as `standalone` takes it: also of a page that is not run again."""
    page, srcdir = script.with_suffix(".rst"), Path(app.srcdir)
    gave = json.loads(script.with_suffix(".json").read_text("utf-8"))
    shown = outputs_of(page.read_text("utf-8"), gave["figures"], srcdir)
    outputs = [shown[block.lineno] for block in blocks if block.type == "code"]
    promise = CONTRACTS.get(short_name(script))
    if promise is None:
        return {"outputs": outputs}
    contract = gave["contract"]
    answer = answer_cell(say(promise.headline, contract), contract["data"], where)
    return {"outputs": outputs, "questions": promise.asked(), "answer": answer}


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
        where = urljoin(site, f"{folder.name}/{script.stem}.html")
        _, blocks = split_code_and_text_blocks(str(source))
        if conf["remove_config_comments"]:
            blocks = [b._replace(content=uncommented(b.content)) for b in blocks]
        content = standalone(
            jupyter_notebook(blocks, conf, str(folder)),
            modules,
            pins,
            bibliography=bibliography,
            site=site,
            **_gave(app, script, blocks, where),
        )
        text = json.dumps(content, indent=1, ensure_ascii=False)
        write_if_changed(notebook, text + "\n")
        names = sorted({name.split("/")[0].removesuffix(".py") for name in modules})
        text = guarded(source.read_text("utf-8"), script.name, names, where)
        script.write_text(text, "utf-8")
        _date_from(script, [source, *modules.values()])
        files = {script.name: script, notebook.name: notebook, **modules}
        files["requirements.txt"] = pins_file
        about = readme(script.stem, [script.name, notebook.name])
        write_zip(script.with_suffix(".zip"), files, {"README.md": about})
        gallery.update(files)
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


def _publish_binder(app, exception):
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
    files = {}  # most modules travel with every page, and are copied once
    for source, script in _pages(app):
        notebook = script.with_suffix(".ipynb")
        files.update({notebook.name: notebook, **travels(source)})
    copy_files(files, notebooks / "auto_examples")
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


def save_picture(figure, path):
    """Write the PNG of a figure for its notebook, in few colours: the same bytes every time.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        As the page drew it; `save` makes it narrow.
    path : pathlib.Path
        Of the PNG.
    """
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=NOTEBOOK_DPI, facecolor="white")
    with Image.open(drawn) as picture:
        few = picture.convert("RGB").quantize(NOTEBOOK_COLOURS, Image.Quantize.MEDIANCUT)
    few.save(path, optimize=True)


def scraper(block, block_vars, gallery_conf, **kwargs):
    """Save open figures as SVG with the alt text from ``fig.set_label``, PNG for cards and notebooks.

    What the page gave so far, its contract and its figures, goes to a JSON file beside the page.

    Parameters
    ----------
    block : sphinx_gallery.py_source_parser.Block
        That has run.
    block_vars : dict
        What sphinx-gallery knows of the page; ``figures`` are kept in it.
    gallery_conf : dict
        Of sphinx-gallery.
    **kwargs : dict
        Nothing yet; sphinx-gallery asks for it.

    Returns
    -------
    str
        Restructured text of the figures.
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
        save_picture(figure, Path(picture_of(str(path))))
        figures.append({"file": target, **save(figure, path)})
        rst.append(figure_text(**figures[-1]))
        # Last: the figure is narrow now, and its letters are large beside it.
        size, extent = _card(figure)
        how = {"dpi": CARD_PIXELS / size, "bbox_inches": extent}
        figure.savefig(path.with_suffix(".png"), facecolor="white", **how)
    plt.close("all")
    gave = {"figures": figures}
    if (contract := block_vars["example_globals"].get("contract")) is not None:
        gave["contract"] = contract
    path = Path(block_vars["target_file"]).with_suffix(".json")
    path.write_text(json.dumps(gave), "utf-8")
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
    app.connect("build-finished", _publish_binder, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
