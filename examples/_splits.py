"""Splits over people, and the check that no person stands on both sides."""

import json

import numpy as np
import pandas as pd
from sklearn.model_selection import GroupShuffleSplit


class LeakageError(ValueError):
    """The same group (usually a person) is on both sides of a split."""


class SplitError(ValueError):
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
    """Deal whole people into named groups, at random, with every window of a person together.

    Parameters
    ----------
    metadata : pandas.DataFrame
        One row per window, with the column ``by``.
    sizes : dict of str to int
        Number of people in each group, dealt in this order, e.g. ``{"test": 16}``.
    rest : str
        Name of the group that takes everybody left over; it may be empty.
    by : str
        The column that says who a window belongs to.
    seed : int
        Another seed deals other people.

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
    Built on :class:`sklearn.model_selection.GroupShuffleSplit`, one deal per group.
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
        deal = GroupShuffleSplit(n_splits=1, test_size=size, random_state=seed)
        kept, dealt = next(deal.split(left, groups=groups[left]))
        parts[name], left = left[dealt], left[kept]
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
