"""Splits over people, and the check that no person stands on both sides."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit

from _runtime import TutorialError


class LeakageError(TutorialError, ValueError):
    """The same group (usually a person) is on both sides of a split."""


class SplitError(TutorialError, ValueError):
    """The study has too few people for the split that was asked."""


def _groups(side, by, which):
    """The values of ``by`` in a metadata table, as an array of str."""
    if not isinstance(side, pd.DataFrame):
        raise TypeError(
            f"{which} is a {type(side).__name__}: pass the rows of a metadata table (DataFrame)"
        )
    if by not in side.columns:
        raise KeyError(
            f"{which} has no column {by!r}; its columns are {list(side.columns)}"
        )
    if side.empty:
        raise SplitError(
            f"{which} has no rows, so there is nothing to compare by {by!r}: check the split"
        )
    return side[by].astype(str).to_numpy()


def assert_no_leakage(train, test, by="subject"):
    """Check that two sets of windows share no person, and print the proof as one JSON line.

    Windows of one person resemble each other more than they resemble anyone else's, so a model
    that saw a person scores well on that person's other windows without having learned the task
    (brookshire2024leakage in refs.bib).

    Parameters
    ----------
    train, test : pandas.DataFrame
        Metadata tables, one row per window, with the column ``by``.
    by : str
        The column that must not overlap.

    Returns
    -------
    dict
        The report that was printed: ``overlap``, ``by``, ``n_train`` and ``n_test`` (counts of
        groups, not of windows).

    Raises
    ------
    LeakageError
        If a group is on both sides. The message names the shared groups.
    KeyError
        If a table lacks the column ``by``.
    SplitError
        If a table is empty.
    """
    left, right = set(_groups(train, by, "train")), set(_groups(test, by, "test"))
    shared = sorted(left & right)
    report = {"overlap": len(shared), "by": by, "n_train": len(left), "n_test": len(right)}
    if shared:
        names = ", ".join(shared[:8]) + (
            f" and {len(shared) - 8} more" if len(shared) > 8 else ""
        )
        raise LeakageError(
            f"{len(shared)} {by}(s) are in train and in test: {names}. "
            "Split over people first, then cut windows: see split_subjects()."
        )
    print(json.dumps({"leakage_report": report}))
    return report


def split_subjects(metadata, sizes, *, rest="pool", by="subject", seed=0):
    """Split people into named groups, at random, with every window of a person together.

    Parameters
    ----------
    metadata : pandas.DataFrame
        One row per window, with the column ``by``.
    sizes : dict of str to int
        Number of people in each group, drawn in this order, e.g. ``{"test": 16}``.
    rest : str
        Name of the group that takes everybody left over; it may be empty.
    by : str
        The column that says who a window belongs to.
    seed : int
        Another seed draws other people.

    Returns
    -------
    dict of str to ndarray of int
        Row numbers of ``metadata`` for each group, in the order of the table.

    Raises
    ------
    SplitError
        If there are too few people, or a size is not a positive whole number.

    Notes
    -----
    Built on :class:`sklearn.model_selection.GroupShuffleSplit`, one draw per group.
    """
    groups = _groups(metadata, by, "metadata")
    n_groups = len(np.unique(groups))
    bad = {
        name: size for name, size in sizes.items() if not isinstance(size, int) or size < 1
    }
    if bad:
        raise SplitError(
            f"group sizes must be whole numbers of people, at least 1, got {bad}"
        )
    if rest in sizes:
        raise SplitError(
            f"{rest!r} names the people left over and cannot be given a size as well"
        )
    asked = " + ".join(f"{name}={size}" for name, size in sizes.items())
    if sum(sizes.values()) > n_groups:
        raise SplitError(
            f"too few subjects: {asked} is more than the {n_groups} people there are. "
            "Lower the sizes or open a study with more people."
        )
    left, parts = np.arange(len(groups)), {}
    for name, size in sizes.items():
        if size == len(np.unique(groups[left])):  # the last people: nothing to draw
            parts[name], left = left, left[:0]
            continue
        splitter = GroupShuffleSplit(n_splits=1, test_size=size, random_state=seed)
        kept, drawn = next(splitter.split(left, groups=groups[left]))
        parts[name], left = left[drawn], left[kept]
    return {**parts, rest: left}


def nested_subjects(metadata, rows, sizes, *, by="subject", seed=0):
    """Draw groups of growing size in which every group contains the smaller ones.

    A curve over the number of people then changes by adding people, not by exchanging them.

    Parameters
    ----------
    metadata : pandas.DataFrame
        One row per window, with the column ``by``.
    rows : ndarray of int
        Row numbers of the people to draw from, e.g. the ``"pool"`` of :func:`split_subjects`.
    sizes : sequence of int
        Numbers of people. Those larger than the pool are left out, and printed.
    by : str
        The column that says who a window belongs to.
    seed : int
        Another seed draws the people in another order.

    Returns
    -------
    dict of int to ndarray of int
        Row numbers of ``metadata`` for each size, smallest first.

    Raises
    ------
    SplitError
        If the pool has fewer people than the smallest size, or a size is below 1.
    """
    groups = _groups(metadata.iloc[rows], by, "pool")
    order = np.random.default_rng(seed).permutation(np.unique(groups))
    if min(sizes) < 1 or min(sizes) > len(order):
        raise SplitError(f"cannot draw {min(sizes)} of the {len(order)} people in the pool")
    too_large = [size for size in sorted(sizes) if size > len(order)]
    if too_large:
        print(f"left out: {too_large} people, because the pool has {len(order)}")
    kept = [size for size in sorted(sizes) if size <= len(order)]
    return {size: rows[np.isin(groups, order[:size])] for size in kept}


#: Raised when the layout of a split manifest changes.
MANIFEST_VERSION = 1


def save_split(path, metadata, parts, *, by="subject", note=""):
    """Write down who is in which group, as JSON, so that anybody can split in the same way.

    Parameters
    ----------
    path : path-like
        The file; written under a temporary name and renamed.
    metadata : pandas.DataFrame
        One row per window, with the column ``by``.
    parts : dict of str to ndarray of int
        Row numbers per group, as :func:`split_subjects` returns them.
    by : str
        The column that says who a window belongs to.
    note : str
        Where the split came from, for readers.

    Returns
    -------
    dict
        What was written.

    Raises
    ------
    LeakageError
        If somebody is in two groups.
    """
    groups = {
        name: sorted(set(_groups(metadata.iloc[rows], by, name)))
        for name, rows in parts.items()
        if len(rows)
    }
    _nobody_twice(groups, by)
    manifest = {"version": MANIFEST_VERSION, "by": by, "note": note, "groups": groups}
    path = Path(path)
    unfinished = path.with_name(f"{path.name}.tmp")
    unfinished.write_text(json.dumps(manifest, indent=1) + "\n", "utf-8")
    unfinished.replace(path)
    return manifest


def load_split(path, metadata):
    """Split a metadata table as a manifest says.

    Parameters
    ----------
    path : path-like
        What :func:`save_split` wrote.
    metadata : pandas.DataFrame
        One row per window.

    Returns
    -------
    dict of str to ndarray of int
        Row numbers per group.

    Raises
    ------
    LeakageError
        If the manifest has somebody in two groups.
    SplitError
        If the file is no manifest, is of another version, or names other people than the table.
    """
    try:
        manifest = json.loads(Path(path).read_text("utf-8"))
        version, by, groups = (manifest[key] for key in ("version", "by", "groups"))
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise SplitError(
            f"{path} is not a split manifest ({type(err).__name__}: {err}): write one with save_split()"
        ) from err
    if version != MANIFEST_VERSION:
        raise SplitError(
            f"{path} has version {version} and this code reads {MANIFEST_VERSION}: write it again"
        )
    _nobody_twice(groups, by)
    there = _groups(metadata, by, "metadata")
    named = set().union(*groups.values())
    for what, people in (
        ("has no window of", named - set(there)),
        ("has windows of people the manifest does not name:", set(there) - named),
    ):
        if people:
            names = ", ".join(sorted(people)[:8])
            raise SplitError(
                f"the table {what} {names}: open the same people of the same study, or split anew"
            )
    return {name: np.flatnonzero(np.isin(there, people)) for name, people in groups.items()}


def _nobody_twice(groups, by):
    counts = Counter(name for people in groups.values() for name in people)
    twice = sorted(name for name, n in counts.items() if n > 1)
    if twice:
        raise LeakageError(
            f"{len(twice)} {by}(s) are in more than one group: {', '.join(twice[:8])}. "
            "Split over people: see split_subjects()."
        )
