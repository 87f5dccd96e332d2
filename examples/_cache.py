"""The folder that holds what the tutorials write, and files that appear whole or not at all."""

import contextlib
import errno
import os
from pathlib import Path

from _study_catalogue import StudyError


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
    """The error for a cache that cannot be written, to be raised."""
    return StudyError(
        f"cannot write to the cache folder {str(path)[:500]} ({getattr(err, 'strerror', None) or err}). "
        "Set EEGDASH_CACHE_DIR to a folder you can write to."
    )


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
