"""What every page sets before it computes: one thread, memory that glibc keeps, errors in one line.

Kept out of the pages because it teaches nothing about EEG.
"""

import contextlib
import ctypes
import logging
import os
import sys
import warnings

import torch

#: Seconds that MNE-BIDS waits for a lock that a killed run left beside a file, not its 60.
LOCK_S = 1.0
os.environ.setdefault("MNE_BIDS_FILELOCK_TIMEOUT", str(LOCK_S))  # before it is imported


class TutorialError(Exception):
    """Base of the errors that say everything in their message: what is wrong, and what to do."""


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
    trim_threshold, mmap_threshold = -1, -3  # of malloc.h
    return bool(mallopt(mmap_threshold, 1 << 30) and mallopt(trim_threshold, 1 << 30))


def short_errors():
    """Let a script end with the message of a TutorialError, not with the calls that led to it.

    In a notebook, under pytest and Sphinx, and with ``python -X dev`` nothing changes.

    Returns
    -------
    bool
        True where the hook is in place.
    """
    elsewhere = {"pytest", "sphinx", "ipykernel"} & sys.modules.keys()
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if elsewhere or not script or sys.flags.interactive or sys.flags.dev_mode:
        return False
    before = sys.excepthook

    def hook(kind, err, trace):
        if isinstance(err, TutorialError):
            print(f"{kind.__name__}: {err}", file=sys.stderr)
        else:
            before(kind, err, trace)

    sys.excepthook = hook
    return True


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
    short_errors()
    keep_freed_memory()
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
