"""Windows of recordings: cut by Braindecode, counted against their events, and balanced."""

from pathlib import Path

import numpy as np
import pandas as pd

from _runtime import quiet_imports
from _study.catalogue import StudyError, shorten
from _study.events import is_bad, name_in_recording
from _study.pauses import CUTS
from _study.tables import entity

with quiet_imports():
    from braindecode.preprocessing import create_windows_from_events


def cut_windows(dataset, recipe, root):
    """Windows in microvolts and their metadata, in the order of the recordings.

    Parameters
    ----------
    dataset : braindecode.datasets.BaseConcatDataset
        Preprocessed recordings, each annotated with its events.
    recipe : _study.catalogue.Recipe
        Classes, rate and window.
    root : pathlib.Path
        The study's folder, for messages.

    Returns
    -------
    windows : ndarray of float32, shape (n_windows, n_chans, n_times)
        Signals in uV.
    metadata : pandas.DataFrame
        See :func:`_study.windows.read_windows`.

    Raises
    ------
    StudyError
        If no window is left, a recording gives another number than its events have room for, or two
        recordings have one name.
    """
    n_times = recipe.n_times
    numbers = [_whole_windows(each.raw, recipe, n_times) for each in dataset.datasets]
    cut = _cut(dataset, recipe, n_times, root)
    arrays = []
    tables = []
    dropped = {}
    pairs = zip(dataset.datasets, cut.datasets, numbers, strict=True)
    for recording, cut_recording, expected in pairs:
        stem = Path(recording.record["bids_relpath"]).name.rpartition("_")[0]
        starts, labels = cut_recording.metadata[["i_start_in_trial", "target"]].to_numpy().T
        _check_counts(labels, expected, recipe, stem)
        bad = _in_bad_segments(recording.raw, starts, n_times)
        across = _across_cuts(recording.raw, starts, n_times) & ~bad
        kept = ~bad & ~across
        for why, lost in (("lie in segments marked bad", bad), ("span a cut", across)):
            if lost.any():
                dropped.setdefault(why, {})[stem] = (lost.sum(), len(lost))
        arrays.extend(cut_recording[i][0] for i in np.flatnonzero(kept))
        if kept.any():
            tables.append(_table_of(stem, starts[kept], labels[kept], recipe.sfreq))
    _tell_dropped(dropped)
    if not tables:
        raise StudyError(
            f"{root.name} has no window left of {list(recipe.classes)}: look at the bad segments in its "
            "events.tsv files"
        )
    metadata = pd.concat(tables, ignore_index=True)
    twice = metadata["sample_id"].duplicated()
    if twice.any():
        raise StudyError(
            f"{root.name} gave the window {metadata['sample_id'][twice].iloc[0]} twice: two recordings have "
            "one name. Rename one, or remove it."
        )
    windows = (np.stack(arrays) * 1e6).astype(np.float32)
    return windows, metadata


def _cut(dataset, recipe, n_times, root):
    """Windows of ``n_times`` samples as Braindecode cuts them, one after the other within an event."""
    try:
        return create_windows_from_events(
            dataset,
            trial_start_offset_samples=0,
            trial_stop_offset_samples=0,
            window_size_samples=n_times,
            window_stride_samples=n_times,
            mapping={name_in_recording(c): i for i, c in enumerate(recipe.classes)},
            preload=True,
            on_last_window="drop",
        )
    except ValueError as err:
        raise StudyError(
            f"Braindecode cannot cut windows of {root.name} ({err}): look at the onsets and durations of "
            f"{list(recipe.classes)} in its events.tsv files"
        ) from err


def _table_of(stem, starts, labels, sfreq):
    """A row for each window of a recording, from their first samples and the codes of their classes."""
    return pd.DataFrame(
        {
            "sample_id": [f"{stem}_sample-{int(start):06d}" for start in starts],
            "subject": entity(stem, "sub"),
            "task": entity(stem, "task"),
            "recording": stem,
            "start_s": starts / sfreq,
            "target": labels.astype(np.int64),
        }
    )


def _whole_windows(raw, recipe, n_times):
    """Make events of the classes whole windows of samples; how many windows each class will give.

    A second is not always a whole number of samples, and the last sample of a recording may be
    missing: an event is then one sample longer, or begins one earlier.
    """
    notes = raw.annotations
    codes = {name_in_recording(name): code for code, name in enumerate(recipe.classes)}
    expected = np.zeros(len(codes), int)
    sfreq = raw.info["sfreq"]
    for i, (first, _, name) in enumerate(_notes_in_samples(raw)):
        if name in codes:
            n_windows = round(notes.duration[i] * sfreq / n_times)
            beyond = first + n_windows * n_times - raw.n_times
            notes.onset[i] -= max(beyond, 0) / sfreq
            notes.duration[i] = (n_windows * n_times + 0.5) / sfreq
            expected[codes[name]] += n_windows
    return expected.tolist()


def _check_counts(labels, expected, recipe, stem):
    """As many windows of each class as its events have room for."""
    counts = np.bincount(labels.astype(int), minlength=len(expected)).tolist()
    if counts != expected:
        raise StudyError(
            f"{stem} gave {counts} windows of {list(recipe.classes)} where its events have room for "
            f"{expected}: look at its events.tsv for two events at one time"
        )


def _tell_dropped(dropped):
    """Print for each reason how many windows of which recordings are not used."""
    for why, counts in dropped.items():
        n_lost, n_windows = np.sum(list(counts.values()), axis=0)
        print(f"{shorten(list(counts))}: {n_lost} of {n_windows} windows {why}, dropped")


def _notes_in_samples(raw):
    """First sample of each annotation of a recording, the one after its last, and its name."""
    onset = raw.annotations.onset - raw.first_time
    first = raw.time_as_index(onset, use_rounding=True)
    last = raw.time_as_index(onset + raw.annotations.duration, use_rounding=True)
    return zip(first, last, raw.annotations.description, strict=True)


def _in_bad_segments(raw, starts, n_times):
    """Which windows share samples with a segment that is marked bad?"""
    inside = np.zeros(len(starts), bool)
    for first, last, name in _notes_in_samples(raw):
        if is_bad(name) and name not in CUTS:
            inside |= (starts < max(last, first + 1)) & (starts + n_times > first)
    return inside


def _across_cuts(raw, starts, n_times):
    """Which windows have samples of both sides of a cut?"""
    across = np.zeros(len(starts), bool)
    for first, _, name in _notes_in_samples(raw):
        if name in CUTS:
            across |= (starts < first) & (starts + n_times > first)
    return across


def balance(metadata, classes):
    """Rows to keep so that every person has equally many windows of each class.

    Those that are kept are spread evenly over the windows of the person. People without a window of
    some class are dropped, and that is printed.

    Parameters
    ----------
    metadata : pandas.DataFrame
        A row per window, with ``subject`` and ``target``, the number of its class.
    classes : sequence of str
        Name of each class.

    Returns
    -------
    ndarray of int
        Row numbers, sorted.
    """
    keep = []
    for subject, windows in metadata.groupby("subject", sort=False):
        per_class = [
            windows.index[windows["target"] == code].to_numpy()
            for code in range(len(classes))
        ]
        numbers = [len(rows) for rows in per_class]
        if min(numbers) == 0:
            print(f"dropped sub-{subject}: no window of {classes[numbers.index(0)]!r}")
            continue
        for rows in per_class:
            spread = np.linspace(0, len(rows) - 1, min(numbers)).round().astype(int)
            keep.extend(rows[spread])
    return np.sort(np.array(keep, dtype=int))
