"""The downloads of the built site as a reader takes them: unpacked in an empty folder, and run.

A notebook is run from top to bottom by `binder`, alone in a folder of its own; here it is shown that it
holds nothing but what the zip's script holds, and that its first cell writes the zip's modules offline.
"""

import contextlib
import filecmp
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sphinx_gallery.py_source_parser import remove_config_comments as uncommented
from sphinx_gallery.py_source_parser import split_code_and_text_blocks

from _helpers.pages import HTML, ExampleError, travels
from _helpers.sandbox import line_of, run_alone
from binder import environ_of

NOTEBOOK = str(Path(__file__).with_name("run_notebook.py"))


def _line(name, folder):
    """Run a script or notebook in ``folder``; its contract's line."""
    words = [name] if name.endswith(".py") else [NOTEBOOK, name]
    return line_of(name, run_alone(words, folder, timeout=600).stdout)


def _published(name):
    """A file behind a download link of the site, which has to offer exactly one."""
    found = {path.read_bytes(): path for path in HTML.glob(f"_downloads/*/{name}")}
    if len(found) != 1:
        many = f"{len(found)} different files {name} in {HTML}/_downloads"
        raise ExampleError(f"{many}: run nox -s docs")
    return next(iter(found.values()))


@contextlib.contextmanager
def _unpacked(name):
    """A new folder with a published zip in it; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="download-") as top:
        folder = Path(top, name)
        shutil.unpack_archive(_published(name), folder)
        yield folder


def _files_of(folder):
    """Paths of the files below a folder, from there."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix() for path in files}


def _check_same(where, folder, other, files):
    """Both folders hold these files with the same bytes, or it is an error."""
    _, *bad = filecmp.cmpfiles(folder, other, files, shallow=False)
    if any(bad):
        raise ExampleError(f"{where}: {[*bad[0], *bad[1]]} are not those of {other.name}")


def try_page(script):
    """Line of the script of a page's zip; its notebook holds the same and alone finds what it needs.

    Parameters
    ----------
    script : pathlib.Path
        The tutorial.

    Returns
    -------
    str
        The JSON line of the contract.

    Raises
    ------
    ExampleError
        If a download lacks something, holds something else, or fails.
    """
    lone_notebook, modules = _published(f"{script.stem}.ipynb"), travels(script)
    with _unpacked(f"{script.stem}.zip") as folder:
        wanted = {script.name, f"{script.stem}.ipynb", "requirements.txt", "README.md"}
        wanted.update(modules)
        if (names := _files_of(folder)) != wanted:
            many = f"{script.stem}.zip holds {sorted(names)}"
            raise ExampleError(f"{many}, not {sorted(wanted)}")
        if not filecmp.cmp(folder / lone_notebook.name, lone_notebook, shallow=False):
            raise ExampleError(f"{lone_notebook.name} is not that of {script.stem}.zip")
        _try_notebook(script, lone_notebook, folder, modules)
        binder = HTML / "notebooks" / "auto_examples"
        _check_same("Binder's folder", binder, folder, [lone_notebook.name, *modules])
        line = _line(script.name, folder)
    with tempfile.TemporaryDirectory(prefix="download-") as lone:
        shutil.copy(_published(script.name), lone)
        try:
            run_alone([script.name], Path(lone), timeout=20)
        except ExampleError as err:
            if "Take the zip of its page" not in str(err):
                raise
        else:
            raise ExampleError(f"{script.name} ran without its siblings")
    return line


def _try_notebook(script, notebook, folder, modules):
    """The lesson is that of the script; the first cell alone writes the modules of the zip, offline."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    first, *lesson = ["".join(c["source"]) for c in cells if c["cell_type"] == "code"]
    lesson = [re.sub(r"\A#@title .*\n", "", text).strip() for text in lesson]
    _, blocks = split_code_and_text_blocks(str(script))
    if lesson != [uncommented(b.content).strip() for b in blocks if b.type == "code"]:
        raise ExampleError(f"{notebook.name} holds another lesson than {script.name}")
    with tempfile.TemporaryDirectory(prefix="download-") as empty:
        alone = Path(empty)
        (alone / "first_cell.py").write_text(first, "utf-8")
        printed = run_alone(["first_cell.py"], alone, timeout=60).stdout
        if printed:
            raise ExampleError(f"the first cell of {notebook.name} printed {printed!r}")
        names = _files_of(alone) - {"first_cell.py"}
        if names != set(modules):
            raise ExampleError(
                f"{notebook.name} writes {sorted(names)}, not {sorted(modules)}"
            )
        _check_same(notebook.name, alone, folder, list(modules))


def try_gallery(kind, scripts):
    """A zip of the whole gallery holds, byte for byte, what the pages' zips hold.

    Parameters
    ----------
    kind : {"python", "jupyter"}
        Scripts or notebooks.
    scripts : list of pathlib.Path
        The tutorials.

    Returns
    -------
    str
        The JSON line of its first page, which is run.
    """
    suffix, name = {"python": ".py", "jupyter": ".ipynb"}[kind], f"auto_examples_{kind}.zip"
    with _unpacked(name) as folder:
        for script in scripts:
            with _unpacked(f"{script.stem}.zip") as page:
                files = [script.stem + suffix, *travels(script)]
                _check_same(name, folder, page, files)
        return _line(scripts[0].stem + suffix, folder)


#: What a hosted notebook brings, in its newest release, and what runs a notebook here.
FOREIGN = (
    "torch",
    "numpy",
    "pandas",
    "scipy",
    "scikit-learn",
    "matplotlib",
    "requests",
    "tqdm",
)


def try_foreign(name, folder):
    """Run a published notebook, alone, in a new environment.

    The first cell of the notebook installs, so this run has a network.

    Parameters
    ----------
    name : str
        Of the notebook.
    folder : pathlib.Path
        An empty one.

    Returns
    -------
    line : str
        The JSON line of the contract.
    held : str
        Versions that the environment had in the end.
    """
    venv = folder / "venv"
    subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    pip = [venv / "bin" / "pip", "install", "-q", "--disable-pip-version-check"]
    subprocess.run([*pip, *FOREIGN, "nbclient", "ipykernel"], check=True)
    shutil.copy(_published(name), folder)
    # The kernel is that of the environment, and its pip as well.
    run = {"cwd": folder, "env": environ_of(venv), "capture_output": True, "text": True}
    ran = subprocess.run([venv / "bin" / "python", NOTEBOOK, name], timeout=900, **run)
    if ran.returncode:
        raise ExampleError(f"{name} in a foreign environment:\n{ran.stderr[-3000:]}")
    held = subprocess.run([*pip[:1], "freeze"], **run).stdout
    named = ("torch==", "torchaudio==", "braindecode==")
    pins = [pin for pin in held.split() if pin.startswith(named)]
    return line_of(name, ran.stdout), " ".join(pins)
