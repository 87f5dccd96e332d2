"""From recordings to windows: files that are read whole, steps in the right order, windows that are counted.

A recording is read by MNE alone: EEGDash's own reader repairs tables and headers in place, and locks
them. Its header is checked against its sidecar, its channels and events against their tables. Then each
recording is measured as it was read, preprocessed, and cut, and the windows of each class are counted
against the events they come from.
"""

import contextlib
import warnings
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from _runtime import quiet_imports
from _study.catalogue import StudyError
from _study.channels import apply_channels, find_channels, read_channels
from _study.events import (
    annotate,
    find_classes,
    is_bad,
    longest_events,
    lost_events,
    read_events,
    refuse_overlap,
    tell_lost,
    until_next_cue,
)
from _study.folder import SHOWN, entity
from _study.formats import format_of
from _study.quality import NotFiniteError, check, measure_signal
from _study.settings import refuse_together
from _study.tables import find_sidecar, read_json
from _study.twins import refuse_twins

with quiet_imports():
    import mne
    from braindecode.datasets import BaseConcatDataset
    from braindecode.preprocessing import (
        Preprocessor,
        create_windows_from_events,
        preprocess,
    )
    from eegdash import EEGDashDataset


def read_windows(root, records, recipe, *, by_event):
    """Windows of some recordings, and a table beside them.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    records : list of dict
        EEGDash's records of the recordings.
    recipe : _study.catalogue.Recipe
        What the study needs.
    by_event : bool
        Is the label of a window the class of its event?

    Returns
    -------
    windows : ndarray of float32, shape (n_windows, n_chans, n_times)
        Signals in uV.
    metadata : pandas.DataFrame
        Of each window ``sample_id``, ``subject``, ``task``, ``recording`` (the name of its file up
        to ``_eeg``), ``start_s`` (seconds of its first sample in the recording) and ``target``,
        its class.
    recipe : _study.catalogue.Recipe
        With channels, sampling frequency and classes filled in.

    Raises
    ------
    StudyError
        If a recording cannot be read whole, lacks a channel or an event, holds no EEG, or is that
        of two people; or if no window is left.
    """
    with mne.use_log_level("ERROR"):
        dataset, recipe = _open_recordings(root, records, recipe, by_event)
        steps = _preprocessing(recipe)
        stats = []
        for recording in dataset.datasets:  # one at a time: a cohort streams
            stats.append(_measure(root, recording))
            preprocess(BaseConcatDataset([recording]), steps)
        windows, metadata = _cut_windows(dataset, recipe, root)
    referenced = recipe.reference is not None
    check(root.name, stats, windows, metadata["recording"], recipe.channels, referenced)
    refuse_twins(windows, metadata)
    return windows, metadata, recipe


def _path_of(root, recording):
    return root / recording.record["bids_relpath"]


def _measure(root, recording):
    """What :func:`_study.quality.measure_signal` measures in a recording of a study."""
    try:
        return measure_signal(recording.raw, _path_of(root, recording))
    except NotFiniteError as err:
        raise StudyError(
            f"{root.name} holds samples that are not finite: look at the recordings in MNE. {err}"
        ) from err


def _open_recordings(root, records, recipe, by_event):
    """The EEGDash dataset with every table and header read and checked; the recipe filled in."""
    dataset = _list_recordings(root, records)
    paths = [_path_of(root, recording) for recording in dataset.datasets]
    # All tables before the first header: a wrong row is refused before anything slow starts.
    tables = [(read_events(root, path), read_channels(root, path)) for path in paths]
    notes = []
    for recording, path, (events, channels) in zip(
        dataset.datasets, paths, tables, strict=True
    ):
        recording.raw = read_header(root, path)
        notes += apply_channels(recording.raw, path, *channels)
        annotate(recording.raw, events)
        if recipe.blocks:
            until_next_cue(recording.raw, recipe.blocks)
    raws = [recording.raw for recording in dataset.datasets]
    recordings = list(zip(paths, raws, strict=True))
    if recipe.sfreq is None:
        recipe = replace(recipe, sfreq=float(raws[0].info["sfreq"]))
        refuse_together(recipe, root.name)
    recipe, more = find_channels(root, recordings, recipe)
    for line in _first_lines(notes + more):
        print(line)
    recipe = find_classes(root, recordings, recipe, by_event)
    for (path, raw), (events, _) in zip(recordings, tables, strict=True):
        _check_events(path, raw, events, recipe)
    return dataset, recipe


def _list_recordings(root, records):
    """The EEGDash dataset of some records, if it has all of them."""
    if not records:
        raise StudyError(f"no recordings of {root} to open: take them from find_study()")
    try:
        dataset = EEGDashDataset(
            cache_dir=root.parent, dataset=root.name, records=records, download=False
        )
    except ValueError as err:
        # It drops endings that MNE-BIDS does not read, and none is left.
        endings = sorted({Path(record["bids_relpath"]).suffix for record in records})
        raise StudyError(
            f"EEGDash opens none of the recordings of {root} ({', '.join(endings)}): write them in "
            "a format of BIDS, such as .edf"
        ) from err
    there = Counter(recording.record["bids_relpath"] for recording in dataset.datasets)
    asked = Counter(record["bids_relpath"] for record in records)
    if there != asked:
        absent = sorted((asked - there) or (there - asked))
        raise StudyError(f"EEGDash does not see {absent} in {root}: check their names")
    return dataset


def _first_lines(notes):
    """What has to be said, without the same sentence for every recording."""
    if len(notes) <= SHOWN:
        return notes
    return [*notes[:SHOWN], f"and {len(notes) - SHOWN} more lines like these"]


def _check_events(path, raw, events, recipe):
    """Refuse events that overlap, and a recording without a window; tell of events that lose some."""
    refuse_overlap(events, recipe)
    longest = longest_events(raw)
    of_classes = [longest[name] for name in recipe.classes if name in longest]
    if not of_classes or max(of_classes) + 1 / recipe.sfreq < recipe.window_s:
        raise StudyError(
            f"{path.name} has no event {' or '.join(recipe.classes)} as long as a window of "
            f"{recipe.window_s:g} s: the longest events of {events.path.name} are {longest}. Remove the "
            "recording, or give the study a smaller window_s: in the file that EEG_TUTORIAL_RECIPE names, or "
            "with recipe="
        )
    seconds = raw.n_times / raw.info["sfreq"]
    tell_lost(events, lost_events(events, seconds, recipe))


def read_header(root, path):
    """Raw of one recording, not loaded; a damaged or shortened file is an error.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    path : pathlib.Path
        A data file in it.

    Returns
    -------
    mne.io.BaseRaw
        Its last sample can be read.

    Raises
    ------
    StudyError
        If MNE cannot read it, if it has fewer or more records than its header says, or if its
        sidecar tells of another rate or length, or of epochs.
    """
    name, sidecar = _read_sidecar(root, path)
    fix = "The file is damaged or was cut short: fetch it again, or remove this recording."
    try:
        raw = _read_raw(path)
        raw.get_data(start=raw.n_times - 1)  # the end of it is there
        is_whole = format_of(path).is_whole(path, raw)
    except Exception as err:  # MNE readers raise anything on a damaged file
        raise StudyError(
            f"{path} cannot be read ({type(err).__name__}: {err}). {fix}"
        ) from err
    if not is_whole:
        raise StudyError(
            f"{path}: Number of records from the header does not match the file size (perhaps the "
            f"recording was not stopped before exiting). Inferring from the file size. {fix}"
        )
    sfreq = float(raw.info["sfreq"])
    rate = sidecar.get("SamplingFrequency")
    if isinstance(rate, int | float) and not np.isclose(rate, sfreq, rtol=1e-3):
        raise StudyError(
            f"{path.name} is sampled at {sfreq:g} Hz but {name} says {rate:g} Hz. Correct the "
            "sidecar, or fetch the file that belongs to it."
        )
    holds = raw.n_times / sfreq
    seconds = sidecar.get("RecordingDuration")
    if isinstance(seconds, int | float) and abs(holds - seconds) > 1.0:
        raise StudyError(
            f"{path} holds {holds:.1f} s but {name} says {seconds:.1f} s. {fix}"
        )
    return raw


def _read_sidecar(root, path):
    """Name and content of the ``eeg.json`` of a recording; nothing where it has none."""
    sidecar_path = find_sidecar(root, path, "eeg.json")
    if sidecar_path is None:
        return "", {}
    sidecar = read_json(sidecar_path)
    if sidecar.get("RecordingType") == "epoched":
        raise StudyError(
            f"{sidecar_path} says that {path.name} is cut into epochs: fetch the continuous recording"
        )
    return sidecar_path.name, sidecar


def _read_raw(path):
    """What MNE reads; where it fails, once more with other letters. The first error counts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return mne.io.read_raw(path, verbose="ERROR")
        except Exception:
            letters = format_of(path).letters
            if letters:
                with contextlib.suppress(Exception):
                    return mne.io.read_raw(path, verbose="ERROR", **letters)
            raise


def _preprocessing(recipe):
    """Braindecode steps in the order that is right: reference over all channels, then pick."""
    steps = []
    if recipe.reference:
        steps.append(
            Preprocessor(
                "set_eeg_reference",
                ref_channels=recipe.reference,
                projection=False,
                apply_on_array=False,
            )
        )
    # Picks and sorts in one go, so files with another channel order line up.
    steps.append(
        Preprocessor(
            "reorder_channels", ch_names=list(recipe.channels), apply_on_array=False
        )
    )
    steps.append(Preprocessor("resample", sfreq=recipe.sfreq, apply_on_array=False))
    if recipe.l_freq or recipe.h_freq:
        steps.append(
            Preprocessor(
                "filter", l_freq=recipe.l_freq, h_freq=recipe.h_freq, apply_on_array=False
            )
        )
    return [*steps, Preprocessor(release_file_buffer, apply_on_array=False)]


def release_file_buffer(raw):
    """Let go of the copy of a whole ``.set`` file that MNE keeps beside the signals it loaded.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A recording. Without loaded signals, or from another kind of file, it stays as it is.

    Returns
    -------
    mne.io.BaseRaw
        ``raw``.
    """
    if raw.preload:
        for extra in getattr(raw, "_raw_extras", None) or ():  # private: it may go away
            if isinstance(extra, dict):
                extra.pop("cached_data", None)
    return raw


def _cut_windows(dataset, recipe, root):
    """Windows in microvolts and their metadata, in the order of the recordings."""
    n_times = round(recipe.window_s * recipe.sfreq)
    cut = _cut(dataset, recipe, n_times, root)
    arrays = []
    tables = []
    for recording, cut_recording in zip(dataset.datasets, cut.datasets, strict=True):
        stem = Path(recording.record["bids_relpath"]).name.rpartition("_")[0]
        starts, labels = cut_recording.metadata[["i_start_in_trial", "target"]].to_numpy().T
        _check_counts(recording.raw, labels, recipe, n_times, stem)
        kept = ~_in_bad_segments(recording.raw, starts, n_times)
        if not kept.all():
            print(
                f"{stem}: {(~kept).sum()} of {len(kept)} windows lie in segments marked bad, dropped"
            )
        arrays.extend(cut_recording[i][0] for i in np.flatnonzero(kept))
        if kept.any():
            tables.append(_table_of(stem, starts[kept], labels[kept], recipe.sfreq))
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
            mapping={label: code for code, label in enumerate(recipe.classes)},
            preload=True,
            on_last_window="drop",
            accepted_bads_ratio=1.0,  # events shorter than a window are left out, with a warning
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


def _check_counts(raw, labels, recipe, n_times, stem):
    """As many windows of each class as its events have room for."""
    room = Counter()
    for name, seconds in zip(
        raw.annotations.description, raw.annotations.duration, strict=True
    ):
        room[str(name)] += int(seconds * raw.info["sfreq"]) // n_times
    expected = [room[name] for name in recipe.classes]
    got = [int(n) for n in np.bincount(labels.astype(int), minlength=len(expected))]
    if got != expected:
        raise StudyError(
            f"{stem} gave {got} windows of {list(recipe.classes)} where its events have room for "
            f"{expected}: look at its events.tsv for two events at one time"
        )


def _in_bad_segments(raw, starts, n_times):
    """Which windows share samples with a segment that is marked bad?"""
    inside = np.zeros(len(starts), bool)
    notes = raw.annotations
    for onset, seconds, name in zip(
        notes.onset, notes.duration, notes.description, strict=True
    ):
        if is_bad(name):
            first, last = raw.time_as_index(
                [onset, onset + seconds], use_rounding=True, origin=notes.orig_time
            )
            inside |= (starts < max(last, first + 1)) & (starts + n_times > first)
    return inside


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
