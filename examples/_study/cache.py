"""The folder that holds what the tutorials write, and files that appear whole or not at all."""

import contextlib
import errno
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from filelock import FileLock, Timeout

from _study.catalogue import StudyError


def get_cache_dir(*, writable=True):
    """Folder that holds everything written by the tutorials, made if need be.

    Parameters
    ----------
    writable : bool
        Insist that it can be written to. Studies that are there already need only be read.

    Returns
    -------
    pathlib.Path
        An absolute, existing folder: ``EEGDASH_CACHE_DIR``, else ``./eegdash_cache``.

    Raises
    ------
    StudyError
        If the folder cannot be made or written to.
    """
    path = Path(os.environ.get("EEGDASH_CACHE_DIR") or "eegdash_cache")
    try:
        path = path.expanduser().absolute()
        path.mkdir(parents=True, exist_ok=True)
        if writable and not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except (OSError, RuntimeError, ValueError) as err:  # full, a home of nobody, a NUL
        raise unwritable(path, err) from err
    return path


def unwritable(path, err):
    """The error for a cache that cannot be written, to be raised.

    Parameters
    ----------
    path : pathlib.Path
        The cache.
    err : Exception
        What happened there.

    Returns
    -------
    StudyError
        It says why, and what to do.
    """
    # The system always says a number. Without one it is numpy, which counted the bytes of a signal
    # that went out, and fewer did: the disk is full.
    counted = type(err) is OSError and err.errno is None
    full = counted or getattr(err, "errno", None) in (errno.ENOSPC, errno.EDQUOT)
    why = "the disk is full" if full else getattr(err, "strerror", None) or err
    fix = "Make room, or set" if full else "Set"
    return StudyError(
        f"cannot write to the cache folder {str(path)[:500]} ({why}). "
        f"{fix} EEGDASH_CACHE_DIR to a folder you can write to."
    )


class Workshop(TemporaryDirectory):
    """A folder in the cache that goes with its maker: at the end, or when the next one is made.

    Its maker holds a lock in it, which the system lets go of when the maker dies, even by force.

    Parameters
    ----------
    cache_dir : pathlib.Path
        Where.
    """

    def __init__(self, cache_dir):
        with FileLock(cache_dir / ".sweep.lock"):  # nobody may sweep it before it is locked
            _sweep(cache_dir)
            super().__init__(dir=cache_dir, prefix=".workshop-", ignore_cleanup_errors=True)
            self._alive = FileLock(Path(self.name, ".alive"))
            self._alive.acquire()

    def cleanup(self):
        """Let go of the lock, and remove the folder."""
        self._alive.release()
        super().cleanup()


def sweep(cache_dir):
    """Remove what runs that were killed left in a cache; nothing of a run that lives.

    Parameters
    ----------
    cache_dir : pathlib.Path
        The cache. Half-written studies and workshops in it are removed if their lock is free.
    """
    with FileLock(cache_dir / ".sweep.lock"):
        _sweep(cache_dir)


def _sweep(cache_dir):
    locks = {path: path / ".alive" for path in cache_dir.glob(".workshop-*")}
    for path in cache_dir.glob(".*.building"):
        locks[path] = path.with_suffix(".lock")
    for path, lock in locks.items():
        with contextlib.suppress(Timeout, OSError), FileLock(lock, timeout=0):
            shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def replacing(path):
    """Open a file for writing under a temporary name; it gets its own when all went well.

    Parameters
    ----------
    path : path-like
        The file.

    Yields
    ------
    file object
        Binary, for writing.
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
