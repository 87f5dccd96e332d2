"""Run a command alone: in its own folder, without a network, for a limited time, with its memory measured."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from _helpers.contracts import ContractError, parse
from _helpers.measure import Memory, Meter
from _helpers.pages import ExampleError, copy_files, travels

#: Started inside a network namespace of its own, where even this machine's own address is down:
#: dask and Jupyter talk to their own children over it, so it comes up before the script starts.
ALONE = (
    "import fcntl, os, socket, struct, sys; "
    "fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh14x', b'lo', 1)); "  # SIOCSIFFLAGS, IFF_UP
    "os.execv(sys.argv[1], sys.argv[1:])"
)
#: Where the kernel cannot take the network away, Python itself refuses to connect.
GUARD = '''"""Written by sandbox.py: no connection leaves this machine."""
import socket
import sys

HERE = {"127.0.0.1", "::1", "localhost", "", None}


def refuse(event, args):
    if event == "socket.connect" and isinstance(args[1], tuple) and args[1][0] not in HERE:
        raise OSError(101, f"Network is unreachable (blocked for this run): {args[1]}")
    if event == "socket.getaddrinfo":
        host = args[0].decode() if isinstance(args[0], bytes) else args[0]
        if host not in HERE:
            raise socket.gaierror(-2, f"Name not known (blocked for this run): {host}")


sys.addaudithook(refuse)
'''


class Ran(NamedTuple):
    """What a command printed and took."""

    stdout: str
    seconds: float
    memory: Memory


def kernel_can_block():
    """Can this machine start a process without a network (a network namespace of its own)?"""
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0


@contextlib.contextmanager
def only_with_siblings(script):
    """A new folder with a script of ``examples/`` and what it imports from there; gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="tutorial-") as name:
        copy_files({script.name: script, **travels(script)}, Path(name))
        yield Path(name)


def _environ(folder, settings):
    """The reader's environment without what belongs to this project, and a cache of its own."""
    ours = ("EEG_TUTORIAL_", "EEGDASH_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return kept | {
        "EEGDASH_CACHE_DIR": str(folder / "eegdash_cache"),
        "HOME": str(folder),  # nothing may be written to the reader's home
        "HF_HUB_OFFLINE": "1",
        "MPLBACKEND": "Agg",
        # Listing the fonts of a machine is done once per machine, not once per run.
        "MPLCONFIGDIR": str(Path(tempfile.gettempdir()) / "tutorial-matplotlib"),
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "random",
        **settings,
    }


def _wait(process, timeout):
    """Exit code (None when time ran out) and peak memory of a child with its own children."""
    meter, deadline = Meter(process.pid), time.monotonic() + timeout
    while time.monotonic() < deadline:
        meter.sample()
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(meter.pause), meter.memory
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return None, meter.memory


def line_of(name, stdout):
    """The JSON line that ends what was printed, byte for byte, if it keeps its contract.

    Parameters
    ----------
    name : str
        Of the script, for the message.
    stdout : str
        What it printed.

    Raises
    ------
    ExampleError
        If the line breaks its contract.
    """
    try:
        parse(stdout)
    except ContractError as err:
        raise ExampleError(f"{name} broke its contract: {err}") from err
    return stdout.rstrip().splitlines()[-1]


def run_alone(words, folder, *, timeout=300, **settings):
    """Run Python in ``folder`` with the network blocked and a cache of its own.

    Parameters
    ----------
    words : sequence of str
        What comes after ``python``: a script inside ``folder``, and its arguments.
    folder : pathlib.Path
        Where the script and its siblings lie; the cache is made beside them.
    timeout : float
        Limit in seconds.
    **settings : str
        Environment variables.

    Returns
    -------
    Ran
        Standard output, seconds and peak memory.

    Raises
    ------
    ExampleError
        If the script fails or runs out of time; the message ends with what it printed last.
    """
    command, env = [sys.executable, *words], _environ(folder, settings)
    if kernel_can_block():
        command = ["unshare", "-rn", sys.executable, "-c", ALONE, *command]
    else:
        guard = folder / ".guard"
        guard.mkdir(exist_ok=True)
        (guard / "sitecustomize.py").write_text(GUARD, "utf-8")
        path = [str(guard), *filter(None, [env.get("PYTHONPATH")])]
        env["PYTHONPATH"] = os.pathsep.join(path)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        how = {"cwd": folder, "env": env, "start_new_session": True}
        how |= {"stdin": subprocess.DEVNULL, "stdout": out, "stderr": err}
        process = subprocess.Popen(command, **how)
        code, memory = _wait(process, timeout)
        seconds = time.monotonic() - start
        out.seek(0), err.seek(0)
        stdout, stderr = (file.read().decode(errors="replace") for file in (out, err))
    if code is None:
        what = f"was stopped after {timeout:g} s. It last printed:\n{stdout[-800:]}"
        raise ExampleError(f"{words[-1]} {what}")
    if code:
        what = f"ended with exit code {code}:\n{stderr[-3000:] or stdout[-800:]}"
        raise ExampleError(f"{words[-1]} {what}")
    return Ran(stdout, seconds, memory)
