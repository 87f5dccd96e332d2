"""Jobs, and who does them: a loop, workers on this machine, or those of a scheduler elsewhere."""

import asyncio
import contextlib
import importlib.util
import multiprocessing
import os
import socket
import subprocess
import sys
import textwrap
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

import _study
from _scale.files import ScaleError

try:
    import distributed
except ImportError:  # everything here works without it, in a loop
    distributed = None

#: Seconds that a scheduler elsewhere has to answer, and then its first worker to be there.
PATIENCE = 10


class PersonJob(NamedTuple):
    """Arguments of :func:`_scale.files.save_person`: one person, one file of windows."""

    study: str
    subject: str
    records: list
    folder: str
    settings: dict


class Job(NamedTuple):
    """Arguments of :func:`_scale.grid.train_cell`: one training of a grid."""

    folder: str
    checkpoint: str
    regime: str
    seed: int
    train_people: tuple
    test_people: tuple
    lr: float
    n_steps: int = 45


def run_jobs(function, jobs, client=None):
    """Call a function once per job: in a loop, or on the workers of a client.

    A job that raises does not stop the others, and a worker that dies gives its job to another
    one. After four deaths in the same job it is given up.

    Parameters
    ----------
    function : callable
        Returns a dictionary.
    jobs : sequence of tuple
        Arguments of each call, in their order, such as a :class:`Job`.
    client : distributed.Client or None
        Where to run. None is a loop, in this process.

    Returns
    -------
    list of dict
        One per job, in order: what the function returned, or ``status`` ``"failed"`` with its
        ``reason``.
    """
    jobs = list(jobs)
    bar = {"total": len(jobs), "desc": function.__name__, "disable": None}  # in terminals
    if client is None:
        return [_attempt(lambda job=job: function(*job)) for job in tqdm(jobs, **bar)]
    if not jobs:
        return []
    module, name = function.__module__, function.__name__

    def call(*job):  # a function made here travels by value: a scheduler elsewhere is
        return getattr(importlib.import_module(module), name)(*job)  # spared the import

    call = function if module == "__main__" else call
    futures = client.map(call, *zip(*jobs, strict=True), key=name, pure=False)
    outcomes = {}  # fetched at once: what a worker holds is lost with it, and done again
    for future in tqdm(distributed.as_completed(futures), **bar):
        outcomes[future.key] = _attempt(future.result)
    return [outcomes[future.key] for future in futures]


def _attempt(call):
    try:
        return call()
    except Exception as err:
        return {"status": "failed", "reason": f"{type(err).__name__}: {err}"}


@contextlib.contextmanager
def local_workers(n_workers=2):
    """Start worker processes on this machine, of one thread each; yield a client of them."""
    import dask

    # A new process imports the script of its parent. A page has no guard against that, so its
    # workers are not told where the script is; they need this module, not the page.
    main = vars(sys.modules["__main__"])
    script = main.pop("__file__", None)
    try:
        with (
            # A worker holds one job at a time, so its death is held against no other.
            dask.config.set({"distributed.scheduler.worker-saturation": 1.0}),
            distributed.LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs="ERROR",  # a worker that is slow to stop is no news
                local_directory=str(_study.get_cache_dir() / ".workers"),
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
    finally:
        if script is not None:
            main["__file__"] = script


def affordable_workers(wanted):
    """As many workers as are wanted and there is memory for, one at least.

    What counts is ``MEM_LIMIT`` in bytes, which Binder and other hosts of notebooks set, or else the
    limit of the container or the machine.
    """
    limit, told = distributed.system.MEMORY_LIMIT, os.environ.get("MEM_LIMIT", "")
    if told.isascii() and told.isdecimal() and len(told) < 20:
        limit = int(told)
    # Bytes. A page was seen to take 0.5e9 and each of its workers 0.62e9; the rest is margin.
    return max(1, min(wanted, int((limit - 1e9) // 0.75e9)))


@contextlib.contextmanager
def open_workers(n_workers=2):
    """Workers for :func:`run_jobs`: those there are, those made here, or none.

    Parameters
    ----------
    n_workers : int
        How many to start where nobody else did; fewer where memory is short.

    Yields
    ------
    distributed.Client or None
        A client of the scheduler named in ``DASK_SCHEDULER_ADDRESS``; without that, of workers
        on this machine; None, for a loop, where dask is not installed, the scheduler does not
        answer or workers cannot start here, which is printed.

    Raises
    ------
    ScaleError
        If the scheduler has no workers or they cannot import this module.
    """
    address = os.environ.get("DASK_SCHEDULER_ADDRESS", "").strip()
    if distributed is None:
        print("dask is not installed (pip install distributed): everything runs in a loop")
        yield None
    elif address:
        with _workers_elsewhere(address) as client:
            yield client
    else:
        n_workers = affordable_workers(n_workers)
        with contextlib.ExitStack() as started:
            try:
                _refuse_early(n_workers)
                client = started.enter_context(local_workers(n_workers))
                print(f"workers on this machine, one thread each: {n_workers}")
            except (OSError, RuntimeError) as err:
                client = None
                print(f"workers cannot start here ({_why(err)}): everything runs in a loop")
            yield client


def _refuse_early(n_workers):
    """Try at once what workers need; without it, dask tries for minutes."""
    try:
        with socket.create_server(("127.0.0.1", 0)) as server:
            socket.create_connection(server.getsockname(), timeout=2).close()
    except OSError as err:
        raise OSError(f"no connection to 127.0.0.1: {_why(err)}") from err
    try:
        multiprocessing.get_context("spawn").Lock()
    except OSError as err:
        raise OSError(f"no semaphores in /dev/shm: {_why(err)}") from err
    processes = []
    try:
        for _ in range(n_workers + 1):  # one of them keeps track of the semaphores
            idle = [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"]
            processes.append(subprocess.Popen(idle, stdin=subprocess.PIPE))
    except OSError as err:
        raise OSError(f"no {n_workers} processes: {_why(err)}") from err
    finally:
        for process in processes:
            process.communicate()


def _why(err):
    """Message of an error on one line."""
    return " ".join(
        str(getattr(err, "strerror", None) or err or type(err).__name__).split()
    )


async def _answer(address):
    """Greet a scheduler: a client would go on greeting what is none for a minute."""
    how = distributed.Security().get_connection_args("client")
    comm = await distributed.comm.connect(address, timeout=PATIENCE, **how)
    comm.abort()


@contextlib.contextmanager
def _workers_elsewhere(address):
    try:
        asyncio.run(asyncio.wait_for(_answer(address), PATIENCE))
        client = distributed.Client(address, timeout=PATIENCE)
    except (OSError, ValueError, RuntimeError, MemoryError) as err:
        print(
            f"no scheduler answers at DASK_SCHEDULER_ADDRESS={address} ({_why(err)}): start one with "
            "`dask scheduler`, or unset the variable to start workers on this machine. "
            "Everything runs in a loop"
        )
        yield None
        return
    with client:
        with contextlib.suppress(TimeoutError):  # they may be on their way
            client.wait_for_workers(1, timeout=PATIENCE)
        specs = client.run(importlib.util.find_spec, __package__)
        lacking = sum(spec is None for spec in specs.values())
        if lacking or not specs:
            folder = Path(__file__).absolute().parents[1]
            raise ScaleError(
                f"the scheduler at {address} has {len(specs)} workers and {lacking} of them "
                f"cannot import {__name__}: start them with PYTHONPATH={folder}"
            )
        print(f"the scheduler of DASK_SCHEDULER_ADDRESS, {len(specs)} workers")
        yield client


def count_status(outcomes, hide=None):
    """Count the ``done``, ``skipped`` and ``failed`` of :func:`run_jobs`; print them and reasons.

    Parameters
    ----------
    outcomes : sequence of dict
        Of :func:`run_jobs`.
    hide : str or None
        A folder that is left out of what is printed, because its name says nothing.

    Returns
    -------
    dict of str to int
        The counts.
    """
    known = Counter(outcome["status"] for outcome in outcomes)
    counts = {status: known[status] for status in ("done", "skipped", "failed")}
    print(", ".join(f"{n} {status}" for status, n in counts.items()))
    around = {"initial_indent": "  ", "subsequent_indent": "    "}
    for outcome in outcomes:
        if why := outcome.get("reason") or outcome.get("again"):
            line = f"{outcome['status']}: {why.replace(f'{hide}{os.sep}', '')}"
            print(textwrap.fill(line, 84, break_long_words=False, **around))
    return counts
