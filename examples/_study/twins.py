"""Two recordings with one signal, by their windows, whenever these were opened."""

import contextlib
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from _study.catalogue import StudyError
from _study.formats import parts_of

#: Two windows are one signal if they are as parallel as that: a copy in another format, filtered
#: anew, stays above 0.9999, and no two people come near it.
PARALLEL = 0.9995
#: Numbers that stand for a window: the first few look for neighbours, all of them judge.
N_DIRECTIONS, N_LOOK = 64, 12
#: Shadows of what this process opened, by folder and recipe, then by recording.
_OPENED = {}


class Shadows(NamedTuple):
    """What is kept of the windows of one recording.

    Attributes
    ----------
    state : tuple
        Size and time of its files, see :func:`states_of`.
    subject : str
        Whose they are.
    sample_ids : list of str
        Name of each window.
    directions : ndarray of float32, shape (n_windows, 64)
        Each window as a direction, seen from fixed random sides.
    """

    state: tuple
    subject: str
    sample_ids: list
    directions: np.ndarray


def cast_shadows(windows):
    """Directions of windows on a few fixed random axes; a window that is flat has none.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_chans, n_times)
        Signals.

    Returns
    -------
    ndarray of float32, shape (n_windows, 64)
        NaN for a flat window. The squared distance of two rows is about 64 times that of the
        windows, each without its mean and of length one (Johnson and Lindenstrauss 1984).
    """
    n_numbers = windows.shape[1] * windows.shape[2]
    axes = np.random.default_rng(0).standard_normal((n_numbers, N_DIRECTIONS))
    flat = windows - windows.mean(axis=2, keepdims=True)
    flat = flat.reshape(len(flat), -1)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    norms[norms == 0] = np.nan
    return (flat @ axes.astype(flat.dtype) / norms).astype(np.float32)


def find_twins(directions, recordings):
    """Windows of two recordings that are one signal.

    Parameters
    ----------
    directions : ndarray, shape (n_windows, 64)
        Of :func:`cast_shadows`.
    recordings : sequence of str
        That of each window.

    Returns
    -------
    list of tuple of int
        Pairs of rows, sorted.
    """
    recordings = np.asarray(recordings)
    rows = np.flatnonzero(np.isfinite(directions[:, 0]))
    if len(rows) < 2 or len(set(recordings)) < 2:
        return []
    # Parallel unit vectors lie within sqrt(2 - 2 r); a shadow is about sqrt(n) times as long.
    apart = np.sqrt(2 - 2 * PARALLEL)
    look = cKDTree(directions[rows, :N_LOOK])
    pairs = look.query_pairs(1.5 * apart * np.sqrt(N_LOOK), output_type="ndarray")
    pairs = rows[pairs[np.lexsort(pairs.T[::-1])]]
    pairs = pairs[recordings[pairs[:, 0]] != recordings[pairs[:, 1]]]
    gaps = np.linalg.norm(directions[pairs[:, 0]] - directions[pairs[:, 1]], axis=1)
    return [(int(i), int(j)) for i, j in pairs[gaps < 1.2 * apart * np.sqrt(N_DIRECTIONS)]]


def refuse_twins(windows, metadata, root, recipe, paths):
    """Refuse a study in which two recordings have a signal in common.

    Recordings of all openings of a study in this process are compared, so that opening the sides of a
    split apart hides nothing. A file that has changed since, or is gone, counts no more, and neither
    does an opening that was refused.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_chans, n_times)
        Signals.
    metadata : pandas.DataFrame
        A row per window, with ``subject``, ``recording`` and ``sample_id``.
    root : pathlib.Path
        The study's folder.
    recipe : _study.catalogue.Recipe
        By which the windows were read.
    paths : list of pathlib.Path
        Data files of the recordings.

    Raises
    ------
    StudyError
        With the two windows that are one, and how many there are.
    """
    earlier = _OPENED.setdefault((root, recipe, windows.shape[1:]), {})
    directions = cast_shadows(windows)
    rows_of = metadata.groupby("recording", sort=False).indices
    now = {}
    for path in paths:
        rows = rows_of.get(path.name.rpartition("_")[0], ())
        if len(rows):
            subject = metadata["subject"].iloc[rows[0]]
            names = metadata["sample_id"].iloc[rows].tolist()
            now[path] = Shadows(states_of(path), subject, names, directions[rows])
    there = {path: one for path, one in earlier.items() if one.state == states_of(path)}
    compared = list((there | now).values())
    n_windows = [len(one.sample_ids) for one in compared]
    owners = np.repeat(np.arange(len(compared)), n_windows)
    names = np.concatenate([one.sample_ids for one in compared])
    pairs = find_twins(np.concatenate([one.directions for one in compared]), owners)
    if pairs:
        first, second = (names[i] for i in pairs[0])
        subjects = {compared[owners[i]].subject for i in pairs[0]}
        raise StudyError(
            f"{len(pairs)} windows of two {'people' if len(subjects) > 1 else 'recordings'} hold the same "
            f"signal, {first} and {second} first: it would stand on both sides of a split. Find out which "
            "is right, and remove the other."
        )
    earlier.update(now)


def states_of(path):
    """State of a recording: of its file, and of those that its header leads to, which hold the samples."""
    return tuple(state_of(part) for part in (path, *parts_of(path)))


def state_of(path):
    """Size and time of a file.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    tuple of int or None
        None where it is gone.
    """
    with contextlib.suppress(OSError):
        stat = path.stat()
        return stat.st_size, stat.st_mtime_ns
    return None
