"""Files that appear whole or not at all."""

import contextlib
from pathlib import Path


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
