"""The downloads of the built site as a reader takes them: unpacked in an empty folder, and run."""

import contextlib
import filecmp
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from _helpers.pages import HTML, ExampleError, siblings
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
    with tempfile.TemporaryDirectory(prefix="download-") as folder:
        shutil.unpack_archive(_published(name), folder)
        yield Path(folder)


def try_page(script):
    """Zip and notebook alone of a page, and its script alone, which says what it needs: lines of both."""
    lone_notebook = _published(f"{script.stem}.ipynb")
    with _unpacked(f"{script.stem}.zip") as folder:
        wanted = {script.name, f"{script.stem}.ipynb", "requirements.txt", "README.md"}
        wanted |= {path.name for path in siblings(script)}
        if (names := {path.name for path in folder.iterdir()}) != wanted:
            many = f"{script.stem}.zip holds {sorted(names)}"
            raise ExampleError(f"{many}, not {sorted(wanted)}")
        tried = {"zip": _line(script.name, folder)}
        # The notebook of the zip is run where it lies alone, which asks more of it.
        if not filecmp.cmp(folder / lone_notebook.name, lone_notebook, shallow=False):
            raise ExampleError(f"{lone_notebook.name} is not that of {script.stem}.zip")
    with tempfile.TemporaryDirectory(prefix="download-") as alone:
        notebook = shutil.copy(lone_notebook, alone)
        tried["notebook alone"] = _line(Path(notebook).name, Path(alone))
    with tempfile.TemporaryDirectory(prefix="download-") as lone:
        shutil.copy(_published(script.name), lone)
        try:
            run_alone([script.name], Path(lone), timeout=20)
        except ExampleError as err:
            if "Take the zip of its page" not in str(err):
                raise
        else:
            raise ExampleError(f"{script.name} ran without its siblings")
    return tried


def try_gallery(kind, scripts):
    """A zip of the whole gallery holds, byte for byte, what the pages' zips hold; line of its first page."""
    suffix, name = {"python": ".py", "jupyter": ".ipynb"}[kind], f"auto_examples_{kind}.zip"
    with _unpacked(name) as folder:
        for script in scripts:
            with _unpacked(f"{script.stem}.zip") as page:
                files = [script.stem + suffix, *(path.name for path in siblings(script))]
                _, *bad = filecmp.cmpfiles(folder, page, files, shallow=False)
                if any(bad):
                    raise ExampleError(f"{name}: {bad} are not those of {script.stem}.zip")
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
    """Run a published notebook, alone, in a new environment; its line and what the environment held.

    The first cell of the notebook installs, so this run has a network.
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
    looked_at = ("torch==", "torchaudio==", "braindecode==")
    return line_of(name, ran.stdout), " ".join(
        pin for pin in held.split() if pin.startswith(looked_at)
    )
