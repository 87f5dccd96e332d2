"""What every page sets before it computes: one thread, and memory that glibc does not give back.

Kept out of the pages because it teaches nothing about EEG.
"""

import contextlib
import ctypes
import logging
import sys
import warnings

import torch


@contextlib.contextmanager
def quiet_imports():
    """Import MNE, Braindecode and EEGDash without what a reader cannot act on.

    MNE warns of a montage that it renames itself, and importing eegdash replaces the handlers and
    the level of the root logger, which are put back.
    """
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Montage name", FutureWarning)
            yield
    finally:
        root.handlers[:] = before[0]
        root.setLevel(before[1])


def keep_freed_memory():
    """Ask glibc to keep freed memory for the next step instead of handing it to the kernel.

    Training frees and takes the same large buffers in every step. By default glibc returns each
    one to the kernel, and the next step pays page faults to have it back.

    Returns
    -------
    bool
        True where it was asked for: Linux with glibc. Elsewhere nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # another C library
        return False
    mmap_threshold, trim_threshold = (
        -3,
        -1,
    )  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD of malloc.h
    return bool(mallopt(mmap_threshold, 1 << 30) and mallopt(trim_threshold, 1 << 30))


def setup():
    """Make a page fast on one core and equal from run to run.

    Returns
    -------
    torch.device
        CUDA where there is one, else the CPU.

    Notes
    -----
    One thread: for models this small more threads are slower, and the order in which they add
    changes the last digits of a sum.
    """
    torch.set_num_threads(1)
    keep_freed_memory()
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
