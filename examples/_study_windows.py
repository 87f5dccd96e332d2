"""From recordings to windows: headers that are checked, preprocessing in the right order, cutting."""

import difflib
import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from _runtime import quiet_imports
from _study_bids import entity
from _study_catalogue import StudyError

with quiet_imports():
    import mne
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
    recipe : _study_catalogue.Recipe
        What the study needs.
    by_event : bool
        Is the label of a window the class of its event?

    Returns
    -------
    windows : ndarray of float32, shape (n_windows, n_chans, n_times)
        Signals in uV.
    metadata : pandas.DataFrame
        ``sample_id``, ``subject``, ``task`` and ``target``, the class, of each window.
    recipe : _study_catalogue.Recipe
        With channels, sampling frequency and classes filled in.
    """
    with mne.use_log_level("ERROR"):
        dataset, recipe = _open_recordings(root, records, recipe, by_event)
        preprocess(dataset, _preprocessing(recipe))
        windows, metadata = _cut_windows(dataset, recipe, root)
    return windows, metadata, recipe


def event_values(metadata, paths, column, recipe):
    """Value of a column of ``events.tsv`` for each window: that of the event it was cut from."""
    values = pd.Series(np.nan, index=metadata.index)
    stems = metadata["sample_id"].str.split("_sample-").str[0]
    starts = metadata["sample_id"].str.split("_sample-").str[1].astype(int) / recipe.sfreq
    for path in paths:
        stem = path.name.rpartition("_")[0]
        own = stems.index[stems == stem]
        table = path.with_name(f"{stem}_events.tsv")
        events = pd.read_csv(table, sep="\t", dtype=str, keep_default_na=False)
        if column not in events.columns or events.empty:
            continue
        try:
            known = pd.to_numeric(events[column].replace(["n/a", ""], np.nan))
            onsets = pd.to_numeric(events["onset"]).to_numpy()
        except ValueError as err:
            raise StudyError(
                f"{table} has a value of {column!r} that is not a number ({err}): correct it, or write n/a"
            ) from err
        named = events.get("trial_type", events.get("value"))
        of_class = np.flatnonzero(named.isin(recipe.classes)) if named is not None else []
        if len(of_class) == 0:
            continue
        order = of_class[np.argsort(onsets[of_class], kind="stable")]
        # Half a sample of grace: onsets were rounded when the recording was resampled.
        at = (
            np.searchsorted(onsets[order], starts[own] + 0.5 / recipe.sfreq, side="right")
            - 1
        )
        values[own] = known.to_numpy()[order[np.maximum(at, 0)]]
    return values


def _open_recordings(root, records, recipe, by_event):
    """The EEGDash dataset with every header read and checked; the recipe with its blanks filled."""
    dataset = EEGDashDataset(
        cache_dir=root.parent, dataset=root.name, records=records, download=False
    )
    found = {ds.record["bids_relpath"] for ds in dataset.datasets}
    asked = {record["bids_relpath"] for record in records}
    if found != asked:
        raise StudyError(
            f"EEGDash does not see {sorted(asked - found)} in {root}: check their names"
        )
    longest = {}  # seconds of the longest event, per file and event name
    for ds in dataset.datasets:
        path = root / ds.record["bids_relpath"]
        raw = _read_header(ds, path)
        recipe = replace(
            recipe,
            channels=recipe.channels or tuple(raw.copy().pick("eeg").ch_names),
            sfreq=recipe.sfreq or float(raw.info["sfreq"]),
        )
        absent = [c for c in recipe.channels if c not in raw.ch_names]
        if absent:
            lower = {name.lower(): name for name in raw.ch_names}
            near = [difflib.get_close_matches(c.lower(), lower, 1, 0.5) for c in absent]
            near = sorted({lower[match] for matches in near for match in matches})
            raise StudyError(
                f"{path.name} has no channel {absent}: it has {raw.ch_names}. Pass channels= as a "
                f"tuple of names that every recording has{f' (near: {near})' if near else ''}"
            )
        if recipe.blocks:
            until_next_cue(raw, recipe.blocks)
        own = longest[path.name] = {}
        for label, seconds in zip(
            raw.annotations.description, raw.annotations.duration, strict=True
        ):
            own[str(label)] = max(own.get(str(label), 0.0), float(seconds))
    events = sorted(set().union(*longest.values()))
    if recipe.classes is None:
        classes = tuple(event for event in events if not event.lower().startswith("bad"))
        recipe = replace(recipe, classes=classes)
    unknown = [c for c in recipe.classes if c not in events]
    if unknown or len(recipe.classes) < (2 if by_event else 1):
        raise StudyError(
            f"no event {unknown or 'to tell apart'} in {root.name}: "
            f"the events there are {events}. Pass classes=('one', 'other')"
        )
    for name, own in longest.items():
        reach = max((own[c] for c in recipe.classes if c in own), default=None)
        if reach is None or reach + 1 / recipe.sfreq < recipe.window_s:
            raise StudyError(
                f"{name} has no event {' or '.join(recipe.classes)} as long as a window of "
                f"{recipe.window_s:g} s: its events and their longest durations are {own}. Remove the "
                "recording, or give the study a smaller window_s= in RECIPES"
            )
    return dataset, recipe


def until_next_cue(raw, cues):
    """Let cues last until the next of them; the last one ends the task and is taken away.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A recording whose annotations hold the cues, usually without a duration. Changed in
        place; other annotations stay as they are.
    cues : tuple of str
        Names of the cues that take turns.

    Returns
    -------
    mne.io.BaseRaw
        ``raw``.
    """
    notes = raw.annotations
    at = np.flatnonzero(np.isin(notes.description, cues))  # sorted by onset
    duration, keep = notes.duration.copy(), np.ones(len(notes), bool)
    duration[at[:-1]] = np.diff(notes.onset[at])
    keep[at[-1:]] = False
    return raw.set_annotations(
        mne.Annotations(
            notes.onset[keep], duration[keep], notes.description[keep], notes.orig_time
        )
    )


def _read_header(ds, path):
    """Raw of one recording, not loaded; a damaged or shortened file is an error."""
    fix = "The file is damaged or was cut short: fetch it again, or remove this recording."
    try:
        raw = ds.raw
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            # EEGDash silences the one warning with which MNE tells of an EDF cut short.
            if path.suffix in (".edf", ".bdf"):
                mne.io.read_raw(path, verbose="WARNING")
    except Exception as err:  # MNE readers raise anything on a damaged file
        raise StudyError(
            f"{path} cannot be read ({type(err).__name__}: {err}). {fix}"
        ) from err
    short = [
        str(w.message) for w in caught if "does not match the file size" in str(w.message)
    ]
    if short:
        raise StudyError(f"{path}: {short[0]} {fix}")
    sidecar = path.with_name(path.name.removesuffix(path.suffix) + ".json")
    beside = json.loads(sidecar.read_text("utf-8")) if sidecar.is_file() else {}
    sfreq, rate = float(raw.info["sfreq"]), beside.get("SamplingFrequency")
    if isinstance(rate, int | float) and not np.isclose(rate, sfreq, rtol=1e-3):
        raise StudyError(
            f"{path.name} is sampled at {sfreq:g} Hz but {sidecar.name} says {rate:g} Hz. Correct the "
            "sidecar, or fetch the file that belongs to it."
        )
    said = beside.get("RecordingDuration")
    holds = raw.n_times / sfreq
    if isinstance(said, int | float) and abs(holds - said) > 1.0:
        raise StudyError(
            f"{path} holds {holds:.1f} s but {sidecar.name} says {said:.1f} s. {fix}"
        )
    return raw


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
    cut = create_windows_from_events(
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
    arrays, rows = [], []
    for recording, windows in zip(dataset.datasets, cut.datasets, strict=True):
        stem = Path(recording.record["bids_relpath"]).name.rpartition("_")[0]
        arrays.extend(windows[i][0] for i in range(len(windows)))
        for start, label in windows.metadata[["i_start_in_trial", "target"]].to_numpy():
            rows.append(
                {
                    "sample_id": f"{stem}_sample-{int(start):06d}",
                    "subject": entity(stem, "sub"),
                    "task": entity(stem, "task"),
                    "target": int(label),
                }
            )
    windows = (np.stack(arrays) * 1e6).astype(np.float32)
    if not np.isfinite(windows).all():
        raise StudyError(
            f"{root.name} holds samples that are not finite: look at the recordings in MNE"
        )
    return windows, pd.DataFrame(rows).astype({"target": np.int64})


def balance(metadata, classes):
    """Rows to keep so that every person has equally many windows of each class."""
    keep = []
    for subject, rows in metadata.groupby("subject", sort=False):
        per_class = [
            rows.index[rows["target"] == code].to_numpy() for code in range(len(classes))
        ]
        n = min(map(len, per_class))
        if n == 0:
            print(
                f"dropped sub-{subject}: no window of {classes[[len(p) for p in per_class].index(0)]!r}"
            )
            continue
        for own in per_class:
            keep.extend(own[np.linspace(0, len(own) - 1, n).round().astype(int)])
    return np.sort(np.array(keep, dtype=int))
