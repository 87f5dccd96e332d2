"""Small sites built by Sphinx, in a copy of this process: what is imported already is not imported again."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import sphinx.cmd.build


def build_site(*words):
    """Run ``sphinx-build`` with some words, apart from this process but without its start.

    Parameters
    ----------
    *words : str or path-like
        Arguments of ``sphinx-build``.

    Returns
    -------
    subprocess.CompletedProcess
        Return code and what was printed, as text.
    """
    command = [str(word) for word in words]
    if not sys.platform.startswith("linux"):  # elsewhere a copy of a process is not safe
        command = [sys.executable, "-m", "sphinx", *command]
        return subprocess.run(command, capture_output=True, text=True)
    with tempfile.TemporaryDirectory() as name:
        out, err = Path(name, "out"), Path(name, "err")
        child = os.fork()
        if child == 0:
            _build_and_end(command, out, err)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        return subprocess.CompletedProcess(command, code, out.read_text(), err.read_text())


def _build_and_end(command, out, err):
    """What the copy does: it never returns to pytest."""
    code = 70
    try:
        with out.open("w") as stdout, err.open("w") as stderr:
            sys.stdout, sys.stderr = stdout, stderr
            code = sphinx.cmd.build.main(command)
    finally:
        os._exit(code)
