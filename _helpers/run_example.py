"""Run one tutorial the way a reader will: alone in an empty folder, offline, and timed."""

import argparse
import json
import math
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from _helpers.contracts import ContractError, parse
from _helpers.contracts.base import Contract
from _helpers.pages import ExampleError, short_name, siblings, tutorials
from _helpers.record import REFERENCE, RUNS, new_record, write_json

#: Started inside a network namespace of its own, where even this machine's own address is down:
#: dask and Jupyter talk to their own children over it, so it comes up before the script starts.
ALONE = (
    "import fcntl, os, socket, struct, sys; "
    "fcntl.ioctl(socket.socket(), 0x8914, struct.pack('16sh14x', b'lo', 1)); "  # SIOCSIFFLAGS, IFF_UP
    "os.execv(sys.argv[1], sys.argv[1:])"
)
#: Where the kernel cannot take the network away, Python itself refuses to connect.
GUARD = '''"""Written by run_example.py: no connection leaves this machine."""
import socket

HERE = {"127.0.0.1", "::1", "localhost", "", None}


def _guarded(connect):
    def connect_here(self, address, *args):
        if isinstance(address, tuple) and address[0] not in HERE:
            raise OSError(101, f"Network is unreachable (blocked for this run): {address}")
        return connect(self, address, *args)

    return connect_here


def _refuse_lookup(host, *args, **kwargs):
    if (host.decode() if isinstance(host, bytes) else host) not in HERE:
        raise socket.gaierror(-2, f"Name or service not known (blocked for this run): {host}")
    return _lookup(host, *args, **kwargs)


socket.socket.connect = _guarded(socket.socket.connect)
socket.socket.connect_ex = _guarded(socket.socket.connect_ex)
_lookup, socket.getaddrinfo = socket.getaddrinfo, _refuse_lookup
'''


class Memory(NamedTuple):
    """Peak memory of a process and its children, in MB."""

    #: Everything resident, the pages of shared libraries included. How many of those count
    #: depends on the machine's file cache: the same run differs by a fifth between machines.
    peak: float
    #: What the processes alone hold. NaN where there is no ``/proc``.
    private: float


@dataclass(frozen=True)
class Run:
    """What one run of a tutorial showed.

    Attributes
    ----------
    contract : Contract
        The checked JSON line.
    line : str
        The same line, byte for byte.
    seconds : float
        Wall time of the whole process, imports included.
    memory : Memory
        Largest memory of the process and its children, in MB: resident, and their own.
    stdout : str
        Everything it printed.
    """

    contract: Contract
    line: str
    seconds: float
    memory: Memory
    stdout: str


def _kernel_can_block():
    """Can this machine start a process without a network (a network namespace of its own)?"""
    if not sys.platform.startswith("linux") or shutil.which("unshare") is None:
        return False
    return subprocess.run(["unshare", "-rn", "true"], capture_output=True).returncode == 0


def _tree(pid):
    """A process and everything it started that still runs."""
    found = [pid]
    for parent in found:  # grows while it is read
        for path in Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += [int(child) for child in path.read_text().split()]
            except OSError:  # it ended between the two looks
                continue
    return found


def tree_memory(pid):
    """Memory that a process and its children hold now.

    Parameters
    ----------
    pid : int
        The process.

    Returns
    -------
    Memory or None
        Sums in MB: the largest residence of each so far, and what each holds alone now. None where
        there is no ``/proc``, or the process has ended.
    """
    sums = []
    for one in _tree(pid):
        try:
            status = Path(f"/proc/{one}/status").read_text()
        except OSError:
            continue
        found = [re.search(rf"{key}:\s+(\d+) kB", status) for key in ("VmHWM", "RssAnon")]
        if all(found):
            sums.append([int(match[1]) * 1024 / 1e6 for match in found])
    return Memory(*map(sum, zip(*sums, strict=True))) if sums else None


def _wait(process, timeout):
    """Exit code (None when time ran out) and peak memory of a child with its own children.

    The kernel's own answer, ``ru_maxrss``, starts from the memory of whoever started the child,
    so on Linux the child is looked at while it runs.
    """
    peak, deadline = None, time.monotonic() + timeout
    while time.monotonic() < deadline:
        if now := tree_memory(process.pid):
            peak = Memory(*map(max, now, peak or now))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, peak or Memory(usage.ru_maxrss / 1e6, math.nan)
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return None, peak


def run_script(script, folder, *, timeout=300, study=None):
    """Run a script in ``folder`` with the network blocked and a cache of its own.

    Parameters
    ----------
    script : str or list of str
        Name of the script inside ``folder``, or all the words after ``python``.
    folder : pathlib.Path
        Where the script and its siblings lie; the cache is made beside them.
    timeout : float
        Limit in seconds.
    study : path-like or None
        Sets ``EEG_TUTORIAL_STUDY``.

    Returns
    -------
    tuple of (str, float, Memory)
        Standard output, seconds and peak memory.

    Raises
    ------
    ExampleError
        If the script fails or runs out of time; the message ends with what it printed last.
    """
    keep = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("EEG_TUTORIAL_", "EEGDASH_", "PYTHON"))
    }
    env = keep | {
        "EEGDASH_CACHE_DIR": str(folder / "eegdash_cache"),
        "HOME": str(folder),  # nothing may be written to the reader's home
        "HF_HUB_OFFLINE": "1",
        "MPLBACKEND": "Agg",
        # Listing the fonts of a machine is done once per machine, not once per run.
        "MPLCONFIGDIR": str(Path(tempfile.gettempdir()) / "tutorial-matplotlib"),
        "OMP_NUM_THREADS": "1",
        "PYTHONHASHSEED": "random",
    }
    if study:
        env["EEG_TUTORIAL_STUDY"] = str(study)
    words = [script] if isinstance(script, str) else script
    command, script = [sys.executable, *words], words[-1]
    if _kernel_can_block():
        command = ["unshare", "-rn", sys.executable, "-c", ALONE, *command]
    else:
        guard = folder / ".guard"
        guard.mkdir(exist_ok=True)
        (guard / "sitecustomize.py").write_text(GUARD, "utf-8")
        env["PYTHONPATH"] = str(guard)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        start = time.monotonic()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        code, memory = _wait(process, timeout)
        seconds = time.monotonic() - start
        out.seek(0), err.seek(0)
        stdout, stderr = (
            out.read().decode(errors="replace"),
            err.read().decode(errors="replace"),
        )
    if code is None:
        raise ExampleError(
            f"{script} was stopped after {timeout:g} s. It last printed:\n{stdout[-800:]}"
        )
    if code:
        raise ExampleError(
            f"{script} ended with exit code {code}:\n{stderr[-3000:] or stdout[-800:]}"
        )
    return stdout, seconds, memory


def run_example(script, *, timeout=300, study=None):
    """Run one tutorial in an empty folder with nothing but its siblings, and check its contract.

    Parameters
    ----------
    script : pathlib.Path
        A script of ``examples/``.
    timeout : float
        Limit in seconds.
    study : path-like or None
        Run on this study instead of the simulated one.

    Returns
    -------
    Run
        Contract, seconds and peak memory.

    Raises
    ------
    ExampleError
        If the script fails, runs out of time or breaks its contract.
    """
    with tempfile.TemporaryDirectory(prefix="tutorial-") as name:
        folder = Path(name)
        for path in (script, *siblings(script)):
            shutil.copy(path, folder)
        stdout, seconds, memory = run_script(
            script.name, folder, timeout=timeout, study=study
        )
    try:
        contract = parse(stdout)
    except ContractError as err:
        raise ExampleError(f"{script.name} broke its contract: {err}") from err
    return Run(contract, stdout.rstrip().splitlines()[-1], seconds, memory, stdout)


def main(argv=None):
    """Run tutorials twice, compare the JSON bytes, and print a table."""
    parser = argparse.ArgumentParser(prog="nox -s examples --", description=main.__doc__)
    parser.add_argument(
        "select", nargs="*", help="part of a tutorial's name, e.g. 73 (default: all)"
    )
    parser.add_argument(
        "--study",
        help="run on this BIDS folder or dataset id instead of the simulated study",
    )
    parser.add_argument(
        "--accept",
        action="store_true",
        help="make what came out the reference of the status page (docs/reference)",
    )
    args = parser.parse_args(argv)
    if args.accept and args.study:
        parser.error("--accept is for the simulated studies, leave out --study")
    how = "the kernel" if _kernel_can_block() else "a socket guard inside Python"
    print(f"network blocked by {how}; one thread; every run in an empty folder\n")
    head = f"{'tutorial':<40}{'seconds':>8}{'peak MB':>9}{'private':>9}  JSON bytes"
    print(f"{head}\n{'-' * len(head)}")
    failed, lines = [], []
    for script in tutorials(args.select):
        try:
            first, second = (run_example(script, study=args.study) for _ in range(2))
        except ExampleError as err:
            failed.append(f"{script.name}: {err}")
            print(f"{script.stem:<40}  FAILED")
            continue
        same = first.line == second.line
        memory = Memory(*map(max, first.memory, second.memory))
        seconds = min(first.seconds, second.seconds)
        numbers = f"{seconds:>8.1f}{memory.peak:>9.0f}{memory.private:>9.0f}"
        print(f"{script.stem:<40}{numbers}  {'identical twice' if same else 'DIFFER'}")
        lines.append(first.line)
        if same and not args.study:
            content = new_record(json.loads(first.line), seconds, memory).model_dump(
                mode="json"
            )
            for folder in (RUNS, REFERENCE) if args.accept else (RUNS,):
                write_json(folder / f"{short_name(script)}.json", content)
        if not same:
            failed.append(
                f"{script.name}: two runs printed different lines:\n{first.line}\n{second.line}"
            )
    print("", *lines, *failed, sep="\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
