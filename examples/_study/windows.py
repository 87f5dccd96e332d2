"""From recordings to windows: headers that are checked, preprocessing in the right order, cutting."""

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
)
from _study.folder import SHOWN, entity
from _study.quality import check, measure_signal
from _study.tables import find_sidecar, read_json
from _study.twins import refuse_twins

with quiet_imports():
    import mne
    from braindecode.preprocessing import (
        Preprocessor,
        create_windows_from_events,
        preprocess,
    )
    from eegdash import EEGDashDataset

#: What else to tell a reader that stumbles over letters beyond ASCII, and how its message says so.
OTHER_LETTERS = {
    "encoding='latin1'": {"encoding": "latin1"},
    "buffer is too small": {"uint16_codec": "latin-1"},
}


def read_header(path, name, said):
    """Raw of one recording, not loaded; a damaged or shortened file is an error.

    Parameters
    ----------
    path : pathlib.Path
        A data file.
    name, said : str and dict
        Its sidecar, see :func:`read_sidecar`.

    Returns
    -------
    mne.io.BaseRaw
        Its last sample can be read.

    Raises
    ------
    StudyError
        If MNE cannot read it, or its sidecar tells of another rate or length.
    """
    fix = "The file is damaged or was cut short: fetch it again, or remove this recording."
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            raw = _read_raw(path)
        raw.get_data(start=raw.n_times - 1)  # the end of it is there
    except Exception as err:  # MNE readers raise anything on a damaged file
        raise StudyError(
            f"{path} cannot be read ({type(err).__name__}: {err}). {fix}"
        ) from err
    short = [
        str(w.message) for w in caught if "does not match the file size" in str(w.message)
    ]
    if short:
        raise StudyError(f"{path}: {short[0]} {fix}")
    sfreq, rate = float(raw.info["sfreq"]), said.get("SamplingFrequency")
    if isinstance(rate, int | float) and not np.isclose(rate, sfreq, rtol=1e-3):
        raise StudyError(
            f"{path.name} is sampled at {sfreq:g} Hz but {name} says {rate:g} Hz. Correct the "
            "sidecar, or fetch the file that belongs to it."
        )
    seconds = said.get("RecordingDuration")
    holds = raw.n_times / sfreq
    if isinstance(seconds, int | float) and abs(holds - seconds) > 1.0:
        raise StudyError(
            f"{path} holds {holds:.1f} s but {name} says {seconds:.1f} s. {fix}"
        )
    return raw


def _read_raw(path):
    """What MNE reads; once more with other letters where its message asks for them."""
    try:
        return mne.io.read_raw(path, verbose="WARNING")
    except Exception as err:
        given = [how for words, how in OTHER_LETTERS.items() if words in str(err)]
        if not given:
            raise
        return mne.io.read_raw(path, verbose="WARNING", **given[0])


def read_sidecar(root, path):
    """Name and content of the ``eeg.json`` of a recording; nothing where it has none."""
    sidecar = find_sidecar(root, path, "eeg.json")
    said = {} if sidecar is None else read_json(sidecar)
    if said.get("RecordingType") == "epoched":
        raise StudyError(
            f"{sidecar} says that {path.name} is cut into epochs: fetch the continuous recording"
        )
    return ("" if sidecar is None else sidecar.name), said


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
        ``sample_id``, ``subject``, ``task`` and ``target``, the class, of each window.
    recipe : _study.catalogue.Recipe
        With channels, sampling frequency and classes filled in.
    """
    with mne.use_log_level("ERROR"):
        dataset, recipe = _open_recordings(root, records, recipe, by_event)
        looks = _Looks(root, dataset)
        preprocess(
            dataset,
            [Preprocessor(looks.add, apply_on_array=False), *_preprocessing(recipe)],
        )
        windows, metadata = _cut_windows(dataset, recipe, root)
    referenced = recipe.reference is not None
    check(
        root.name, looks.taken, windows, metadata["sample_id"], recipe.channels, referenced
    )
    refuse_twins(windows, metadata)
    return windows, metadata, recipe


class _Looks:
    """A look at each recording as it was read, taken as the first step of its preprocessing."""

    def __init__(self, root, dataset):
        self.root, self.taken = root, []
        self.left = iter([root / ds.record["bids_relpath"] for ds in dataset.datasets])

    def add(self, raw):
        """Take one, and leave the recording as it is."""
        try:
            self.taken.append(measure_signal(raw, next(self.left)))
        except StudyError as err:
            if "not finite" not in str(err):
                raise
            raise StudyError(
                f"{self.root.name} holds samples that are not finite: look at the recordings in MNE. {err}"
            ) from err
        return raw


def _open_recordings(root, records, recipe, by_event):
    """The EEGDash dataset with every table and header read and checked; the recipe filled in."""
    if not records:
        raise StudyError(f"no recordings of {root} to open: take them from find_study()")
    dataset = EEGDashDataset(
        cache_dir=root.parent, dataset=root.name, records=records, download=False
    )
    found = Counter(ds.record["bids_relpath"] for ds in dataset.datasets)
    asked = Counter(record["bids_relpath"] for record in records)
    if found != asked:
        absent = sorted((asked - found) or (found - asked))
        raise StudyError(f"EEGDash does not see {absent} in {root}: check their names")
    paths = [root / ds.record["bids_relpath"] for ds in dataset.datasets]
    tables = [(read_events(root, path), read_channels(root, path)) for path in paths]
    notes = []
    for ds, path, (events, channels) in zip(dataset.datasets, paths, tables, strict=True):
        # EEGDash would repair tables and headers in place, and lock them: only MNE reads here.
        ds.raw = read_header(path, *read_sidecar(root, path))
        notes += apply_channels(ds.raw, path, *channels)
        annotate(ds.raw, events)
        if recipe.blocks:
            until_next_cue(ds.raw, recipe.blocks)
    recipe = replace(
        recipe, sfreq=recipe.sfreq or float(dataset.datasets[0].raw.info["sfreq"])
    )
    recipe = find_channels(root, dataset, paths, recipe, notes)
    print(*_counted(notes), sep="\n", end="\n" if notes else "")
    recipe = find_classes(root, dataset, paths, recipe, by_event)
    for ds, path, (events, _) in zip(dataset.datasets, paths, tables, strict=True):
        refuse_overlap(events, recipe)
        own = longest_events(ds.raw)
        reach = max((own[c] for c in recipe.classes if c in own), default=None)
        if reach is None or reach + 1 / recipe.sfreq < recipe.window_s:
            raise StudyError(
                f"{path.name} has no event {' or '.join(recipe.classes)} as long as a window of "
                f"{recipe.window_s:g} s: the longest events of {events.path.name} are {own}. Remove the "
                "recording, or give the study a smaller window_s= in RECIPES"
            )
        tell_lost(
            events, lost_events(events, ds.raw.n_times / ds.raw.info["sfreq"], recipe)
        )
    return dataset, recipe


def _counted(notes):
    """What has to be said, without the same sentence for every recording."""
    if len(notes) <= SHOWN:
        return notes
    return [*notes[:SHOWN], f"and {len(notes) - SHOWN} more lines like these"]


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
    try:
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
    except ValueError as err:
        raise StudyError(
            f"Braindecode cannot cut windows of {root.name} ({err}): look at the onsets and durations of "
            f"{list(recipe.classes)} in its events.tsv files"
        ) from err
    arrays, rows = [], []
    for recording, windows in zip(dataset.datasets, cut.datasets, strict=True):
        stem = Path(recording.record["bids_relpath"]).name.rpartition("_")[0]
        table = windows.metadata[["i_start_in_trial", "target"]].to_numpy()
        _check_counts(recording.raw, table[:, 1], recipe, n_times, stem)
        kept = ~_in_bad_segments(recording.raw, table[:, 0], n_times)
        if not kept.all():
            print(
                f"{stem}: {(~kept).sum()} of {len(kept)} windows lie in segments marked bad, dropped"
            )
        arrays.extend(windows[i][0] for i in np.flatnonzero(kept))
        for start, label in table[kept]:
            rows.append(
                {
                    "sample_id": f"{stem}_sample-{int(start):06d}",
                    "subject": entity(stem, "sub"),
                    "task": entity(stem, "task"),
                    "target": int(label),
                }
            )
    if not rows:
        raise StudyError(
            f"{root.name} has no window left of {list(recipe.classes)}: look at the bad segments in its "
            "events.tsv files"
        )
    metadata = pd.DataFrame(rows).astype({"target": np.int64})
    twice = metadata["sample_id"].duplicated()
    if twice.any():
        raise StudyError(
            f"{root.name} gave the window {metadata['sample_id'][twice].iloc[0]} twice: two recordings have "
            "one name. Rename one, or remove it."
        )
    windows = (np.stack(arrays) * 1e6).astype(np.float32)
    return windows, metadata


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
