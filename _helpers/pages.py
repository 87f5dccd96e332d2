"""Where things are: the repository, its tutorials and what they import. The one way into examples/."""

import ast
import functools
import importlib
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
DOCS = ROOT / "docs"
HTML = DOCS / "_build" / "html"
NEEDS = re.compile(r"^You need: (.*?)\n\n", re.M | re.S)
DOC = re.compile(r":doc:`(?:[^<`]*<)?/?(?:auto_examples/)?(plot_\d+\w*)>?`")


class ExampleError(RuntimeError):
    """A tutorial is not there, failed, timed out, or broke its contract."""


def short_name(page):
    """Short name of a page.

    Parameters
    ----------
    page : path-like
        A script, a generated page, or the name of either.

    Returns
    -------
    str
        Such as ``"plot_73"``.
    """
    return "_".join(Path(page).stem.split("_")[:2])


def tutorials(select=()):
    """Scripts of the gallery in reading order, all or those named by parts of their names.

    A word that is part of no name is an `ExampleError`.
    """
    scripts = sorted(EXAMPLES.glob("plot_*.py"))
    for word in select:
        if not any(word in script.stem for script in scripts):
            there = [script.stem for script in scripts]
            raise ExampleError(f"no tutorial is called {word!r}: there are {there}")
    return [s for s in scripts if not select or any(word in s.stem for word in select)]


def read_before(page):
    """Names of the tutorials that the generated source of one asks for."""
    needs = NEEDS.search(page.read_text("utf-8"))
    return DOC.findall(needs[1]) if needs else []


@functools.cache
def _imported(path, changed):
    """Dotted names that a file imports; looked up again when the file has changed."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _files_of(dotted, folder):
    """Files that are read when a dotted name is imported, those that lie in a folder."""
    files, place = set(), folder
    for part in dotted.split("."):
        place = place / part
        files |= {place.with_suffix(".py"), place / "__init__.py"}
    return {path for path in files if path.is_file()}


def travels(script):
    """Private modules that a tutorial imports from its own folder, directly or through another.

    Parameters
    ----------
    script : pathlib.Path
        A Python file.

    Returns
    -------
    dict of str to pathlib.Path
        Modules beside the script and in packages beside it, sorted, under the names that a download
        gives them, such as ``"_study/find.py"``; with a module of a package the package's
        ``__init__.py``.
    """
    files, todo = set(), [script]
    while todo:
        path = todo.pop()
        names = _imported(path, path.stat().st_mtime_ns)
        new = set().union(*(_files_of(name, script.parent) for name in names)) - files
        files |= new
        todo += new
    return {path.relative_to(script.parent).as_posix(): path for path in sorted(files)}


def copy_files(files, folder):
    """Copy files into a folder; packages stay packages.

    Parameters
    ----------
    files : dict of str to pathlib.Path
        Name below the folder, as :func:`travels` gives it, and file.
    folder : pathlib.Path
        Where to.
    """
    for name, path in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)


def sibling(name):
    """Import a module of ``examples/`` as a tutorial would.

    Parameters
    ----------
    name : str
        Such as ``"_study"`` or, of a package, ``"_study.find"``.

    Returns
    -------
    module
        That of the dotted name, not its package.
    """
    sys.path.insert(0, str(EXAMPLES))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(EXAMPLES))


def write_if_changed(path, text):
    """Write by way of a temporary name; a file that says this already keeps its date.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    text : str
        What it shall say.
    """
    if not path.is_file() or path.read_text("utf-8") != text:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.tmp")
        unfinished.write_text(text, "utf-8")
        unfinished.replace(path)
