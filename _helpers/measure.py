"""What work takes: seconds in pairs, and memory of a process with its children."""

import contextlib
import threading
import time
from typing import NamedTuple

import numpy as np
import psutil


class Memory(NamedTuple):
    """Largest memory of a process and its children, in MB.

    How many pages of shared libraries count in ``peak`` depends on the machine's file cache: the same
    run differs by a fifth between machines.
    """

    #: Largest residence of each; what they hold alone; and together, each shared page once (where
    #: the system does not say: the first).
    peak: float = 0.0
    private: float = 0.0
    together: float = 0.0


class Meter(threading.Thread):
    """Looks at a process (None: this one) with its children; as a thread, ten times a second or less.

    ``memory`` is the largest since `start_over`.
    """

    def __init__(self, pid=None):
        super().__init__(daemon=True)
        self.process = psutil.Process(pid)
        self.start_over()

    def start_over(self):
        """Forget what was seen so far."""
        self.memory, self.largest = Memory(), {}

    def sample(self):
        """Look once, for the largest so far; a process that has ended is left out."""
        rows, started = [], time.perf_counter()
        with contextlib.suppress(psutil.Error):
            for one in (self.process, *self.process.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    now = one.memory_full_info()
                    largest = max(now.rss, self.largest.get(one, 0))
                    self.largest[one] = largest
                    rows.append((largest, now.uss, getattr(now, "pss", now.rss)))
        sums = (sum(column) / 1e6 for column in zip(*rows, strict=True))
        self.memory = Memory(*map(max, sums, self.memory)) if rows else self.memory
        # A look walks through all pages, which holds the process up: at most a tenth of the time.
        self.pause = max(0.1, 9 * (time.perf_counter() - started))
        return self.memory

    def run(self):
        """Look until the process has ended."""
        while self.process.is_running():
            self.sample()
            time.sleep(self.pause)


def timed(work, *args):
    """CPU and wall seconds of a call, and what it returned.

    Parameters
    ----------
    work : callable
        What is measured.
    *args : object
        What it is called with.

    Returns
    -------
    seconds : dict
        ``cpu_seconds`` and ``wall_seconds``.
    result : object
        What the call gave.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    result = work(*args)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu_seconds": cpu, "wall_seconds": wall}, result


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
    times = [timed(work)[0]["cpu_seconds"] for work in [one, other] * (repeats + 1)]
    first, second = np.reshape(times, (-1, 2))[1:].T
    ratios = second / first
    return {
        "seconds": float(np.median(first)),
        "against_seconds": float(np.median(second)),
        "ratio": float(np.median(ratios)),
        "lowest": float(ratios.min()),
        "highest": float(ratios.max()),
    }


def straight_line(x, y):
    """Slope of the line through measurements, and their largest distance from it.

    Parameters
    ----------
    x, y : sequence of float
        The measurements.

    Returns
    -------
    slope, residual : float
        In units of y by x, and of y.
    """
    slope, offset = np.polyfit(x, y, 1)
    return float(slope), float(np.abs(np.polyval((slope, offset), x) - y).max())
