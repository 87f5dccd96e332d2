"""What several files of tests use: lists of sources, what a folder holds, and processes."""

import ast
import contextlib
import ctypes
import hashlib
import itertools
import os
import stat
import subprocess
import sys
import tempfile
import time
import traceback
from multiprocessing import get_context
from pathlib import Path

import sphinx.cmd.build

from _helpers.pages import EXAMPLES, ROOT, tutorials

PAGES = tutorials()
#: Private modules of ``examples/``, flat or in a package; a cache that a page left there is not one.
PRIVATE = sorted(
    path
    for path in EXAMPLES.rglob("*.py")
    if path.relative_to(EXAMPLES).parts[0].startswith("_")
)
HELPERS = sorted((ROOT / "_helpers").rglob("*.py"))


def dotted(path):
    """Name under which a file is imported: ``examples/_study/__init__.py`` is ``_study``."""
    top = EXAMPLES if EXAMPLES in path.parents else ROOT
    parts = path.relative_to(top).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def imported_tops(tree):
    """First parts of everything that a module imports; relative imports break in a notebook."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level
            names.add(node.module.split(".")[0])
    return names


# ------------------------------------------------------------------------------ what a folder holds


def look(top):
    """Kind, date, size and bytes of everything below a folder; links are not followed."""
    seen = {}
    for folder, folders, files in os.walk(top):
        for name in [".", *folders, *files]:
            path = os.path.join(folder, name)
            about = os.lstat(path)
            held = ""
            if stat.S_ISLNK(about.st_mode):
                held = os.readlink(path)
            elif stat.S_ISREG(about.st_mode):
                with open(path, "rb") as file:
                    held = hashlib.file_digest(file, "sha256").hexdigest()
            kind = (about.st_mode, about.st_mtime_ns, about.st_size, held)
            seen[os.path.relpath(path, top)] = kind
    return seen


def snapshot(top):
    """Every file below a folder, with a hash of its bytes: two copies are equal."""
    return {
        name: held
        for name, (mode, _, _, held) in look(top).items()
        if not stat.S_ISDIR(mode)
    }


# ---------------------------------------------------------------------------------------- processes

NAMESPACES = {"user": 0x10000000, "net": 0x40000000, "mount": 0x00020000}


def enter_namespaces(*kinds):
    """Be root of namespaces of one's own, as after ``unshare -r``: without network, or free to mount."""
    uid, gid = os.getuid(), os.getgid()
    flags = sum(NAMESPACES[kind] for kind in ("user", *kinds))
    if ctypes.CDLL(None, use_errno=True).unshare(flags):
        raise OSError(ctypes.get_errno(), f"cannot enter namespaces {kinds}")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"0 {uid} 1")
    Path("/proc/self/gid_map").write_text(f"0 {gid} 1")


class Fork:
    """A function in a process of its own, forked from this one: nothing is imported again.

    Parameters
    ----------
    work : callable
        What the process does; what it raises is printed, and ends it with exit code 1.
    folder : pathlib.Path
        Where what it prints is kept.
    *args : object
        Arguments of ``work``.
    namespaces : tuple of str
        What it has for itself: ``"net"`` is no network, ``"mount"`` may mount.
    **variables : object
        Its environment; names as the system writes them.
    """

    numbers = itertools.count()

    def __init__(self, work, folder, *args, namespaces=(), **variables):
        self.out = Path(folder, f"printed-{next(self.numbers)}.txt")
        self.out.touch()

        def run():
            with self.out.open("w", buffering=1) as out:
                os.dup2(out.fileno(), 1)
                os.dup2(out.fileno(), 2)
                with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
                    try:
                        os.environ.update({name: str(v) for name, v in variables.items()})
                        if namespaces:
                            enter_namespaces(*namespaces)
                        work(*args)
                    except SystemExit:
                        raise
                    except BaseException:
                        traceback.print_exc()
                        sys.exit(1)

        self.process = get_context("fork").Process(target=run)
        self.process.start()

    def printed(self, timeout=900):
        """Everything it printed until it ended; one that hangs is killed."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            self.process.kill()
            self.process.join()
        return self.out.read_text("utf-8", errors="replace")

    def until(self, text, timeout=300):
        """Wait until it has printed a text, or has ended."""
        deadline = time.monotonic() + timeout
        while text not in self.out.read_text("utf-8", errors="replace"):
            if not self.process.is_alive() or time.monotonic() > deadline:
                raise RuntimeError(f"no {text!r}: {self.printed(0)}")
            time.sleep(0.01)

    @property
    def exitcode(self):
        """None while it runs, negative if a signal ended it."""
        return self.process.exitcode


def namespaces_are_allowed(*kinds):
    """May a process enter namespaces here?"""
    process = get_context("fork").Process(target=enter_namespaces, args=kinds)
    with open(os.devnull, "w") as null, contextlib.redirect_stderr(null):
        process.start()
    process.join()
    return process.exitcode == 0


def run_sphinx(*words, cwd=None):
    """``python -m sphinx`` in a fork: what was imported here is not imported again.

    Parameters
    ----------
    *words : object
        Its arguments.
    cwd : path-like, optional
        Where it runs.

    Returns
    -------
    subprocess.CompletedProcess
        As `subprocess.run` gives it, with text.
    """
    words = [str(word) for word in words]
    with tempfile.TemporaryDirectory() as folder:
        errors = Path(folder, "errors.txt")

        def build():
            os.chdir(cwd or os.getcwd())
            with errors.open("w", buffering=1) as err, contextlib.redirect_stderr(err):
                sys.exit(sphinx.cmd.build.main(words))

        fork = Fork(build, folder)
        printed = fork.printed()
        return subprocess.CompletedProcess(
            words, fork.exitcode, printed, errors.read_text("utf-8")
        )
