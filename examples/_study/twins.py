"""Two people with one signal: found by their windows, whatever file they come from."""

import numpy as np
from scipy.spatial import cKDTree

from _study.catalogue import StudyError

#: Two windows are one signal if they are as parallel as that: a copy in another format, filtered
#: anew, stays above 0.9999, and no two people come near it.
PARALLEL = 0.9995
#: Numbers that stand for a window while neighbours are looked for.
N_DIRECTIONS = 12


def find_twins(windows, metadata):
    """Windows of two people that are one signal.

    Each window, without its mean, is a direction. Its shadow on a few fixed random directions
    is compared first; the few that fall together are then compared whole.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_chans, n_times)
        Signals.
    metadata : pandas.DataFrame
        A row per window, with ``subject``.

    Returns
    -------
    list of tuple of int
        Pairs of rows, sorted.
    """
    subjects = metadata["subject"].to_numpy()
    flat = windows - windows.mean(axis=2, keepdims=True)
    flat = flat.reshape(len(flat), -1)
    norms = np.linalg.norm(flat, axis=1)
    rows = np.flatnonzero(norms > 0)  # a flat window is no signal to compare
    if len(rows) < 2 or len(set(subjects)) < 2:
        return []
    directions = np.random.default_rng(0).standard_normal((flat.shape[1], N_DIRECTIONS))
    shadows = flat[rows] @ directions.astype(flat.dtype) / norms[rows, None]
    # Parallel unit vectors lie within sqrt(2 - 2 r); a shadow is about sqrt(n) times as long.
    radius = 1.5 * np.sqrt((2 - 2 * PARALLEL) * N_DIRECTIONS)
    pairs = cKDTree(shadows).query_pairs(radius, output_type="ndarray")
    pairs = rows[pairs[np.lexsort(pairs.T[::-1])]]
    pairs = pairs[subjects[pairs[:, 0]] != subjects[pairs[:, 1]]]
    return [
        (int(i), int(j))
        for i, j in pairs
        if flat[i] @ flat[j] > PARALLEL * norms[i] * norms[j]
    ]


def refuse_twins(windows, metadata):
    """Refuse a study in which two people have a signal in common.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_chans, n_times)
        Signals.
    metadata : pandas.DataFrame
        A row per window, with ``subject`` and ``sample_id``.

    Raises
    ------
    StudyError
        With the two windows that are one, and how many there are.
    """
    pairs = find_twins(windows, metadata)
    if pairs:
        first, second = (metadata["sample_id"].iloc[i] for i in pairs[0])
        raise StudyError(
            f"{len(pairs)} windows of two people hold the same signal, {first} and {second} first: it would "
            "stand on both sides of a split. Find out whose it is, and remove the other."
        )
