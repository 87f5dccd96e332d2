"""Seconds in pairs, and the memory of a process with its children."""

import contextlib
import math
import statistics
import time
from typing import NamedTuple

import psutil


class Memory(NamedTuple):
    """Memory of a process and its children, in MB."""

    #: Everything resident, the pages of shared libraries included. How many of those count
    #: depends on the machine's file cache: the same run differs by a fifth between machines.
    peak: float
    #: What the processes alone hold. NaN where the system does not tell.
    private: float


def tree_memory(pid):
    """Memory that a process and its children hold now.

    Parameters
    ----------
    pid : int
        The process.

    Returns
    -------
    Memory or None
        Sums in MB of what is resident and of what each holds alone; None where all have ended.
    """
    try:
        root = psutil.Process(pid)
        everyone = [root, *root.children(recursive=True)]
    except psutil.Error:
        return None
    sums = []
    for one in everyone:
        with contextlib.suppress(psutil.NoSuchProcess):  # it ended between the two looks
            sums.append([one.memory_info().rss / 1e6, _alone(one) / 1e6])
    return Memory(*map(sum, zip(*sums, strict=True))) if sums else None


def _alone(process):
    try:
        return process.memory_full_info().uss
    except psutil.AccessDenied:
        return math.nan


def paired(one, other, repeats=9):
    """Time two pieces of work in turn.

    Parameters
    ----------
    one, other : callable
        The work; each call is one measurement of CPU time.
    repeats : int
        Counted pairs, after one that is not counted.

    Returns
    -------
    dict
        Median seconds of both, and median, lowest and highest of the ratio ``other / one``.
    """
    times = []
    for _ in range(repeats + 1):
        row = []
        for work in (one, other):
            start = time.process_time()
            work()
            row.append(time.process_time() - start)
        times.append(row)
    first, second = zip(*times[1:], strict=True)
    ratios = [b / a for a, b in times[1:]]
    return {
        "seconds": statistics.median(first),
        "against_seconds": statistics.median(second),
        "ratio": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
    }
