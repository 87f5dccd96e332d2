"""From recordings to windows: files that are read whole, and steps in the right order.

The header of a recording is checked against its sidecar, its channels and events against their tables.
Then each recording is measured as it was read, preprocessed, and cut.
"""

from collections import Counter
from pathlib import Path

from _runtime import quiet_imports
from _study.catalogue import SHOWN, StudyError, shorten
from _study.channels import kinds_of, mend_bad_channels, refuse_absent
from _study.cut import cut_windows
from _study.events import annotate
from _study.measure import NotFiniteError, measure_signal
from _study.names import FEW
from _study.quality import check
from _study.shared import collect, read_recording, read_tables
from _study.trials import make_trials
from _study.twins import refuse_twins, states_of

with quiet_imports():
    import mne
    from braindecode.datasets import BaseConcatDataset
    from braindecode.preprocessing import (
        Preprocessor,
        preprocess,
    )
    from eegdash import EEGDashDataset

#: By folder and recipe: state of each file that this process opened, and of each person the typical
#: window in uV.
_SIZES = {}


def read_windows(root, records, recipe):
    """Windows of some recordings, and a table beside them.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    records : list of dict
        EEGDash's records of the recordings.
    recipe : _study.catalogue.Recipe
        What the study needs, decided; see :func:`_study.shared.decide`.

    Returns
    -------
    windows : ndarray of float32, shape (n_windows, n_chans, n_times)
        Signals in uV.
    metadata : pandas.DataFrame
        Of each window ``sample_id``, ``subject``, ``task``, ``recording`` (the name of its file up
        to ``_eeg``), ``start_s`` (seconds of its first sample in the recording) and ``target``,
        its class.

    Raises
    ------
    StudyError
        If a recording cannot be read whole, lacks a channel or an event, holds no EEG, or is that
        of two people; or if no window is left.
    """
    with mne.use_log_level("ERROR"):
        dataset = _open_recordings(root, records, recipe)
        steps = _preprocessing(recipe)
        stats = []
        for recording in dataset.datasets:  # one at a time: a cohort streams
            stats.append(_measure(root, recording))
            preprocess(BaseConcatDataset([recording]), steps)
        windows, metadata = cut_windows(dataset, recipe, root)
    referenced = recipe.reference is not None
    files, sizes = _SIZES.get((root, recipe), ({}, {}))
    if any(states != states_of(path) for path, states in files.items()):
        files, sizes = {}, {}  # somebody was mended: nobody is judged by what was before
    check(
        root.name, stats, windows, metadata["recording"], recipe.channels, referenced, sizes
    )
    paths = [_path_of(root, recording) for recording in dataset.datasets]
    files.update({path: states_of(path) for path in paths})
    _SIZES[root, recipe] = files, sizes
    refuse_twins(windows, metadata, root, recipe, paths)
    return windows, metadata


def _path_of(root, recording):
    return root / recording.record["bids_relpath"]


def _measure(root, recording):
    """What :func:`_study.measure.measure_signal` measures in a recording of a study."""
    try:
        return measure_signal(recording.raw, _path_of(root, recording))
    except NotFiniteError as err:
        raise StudyError(
            f"{root.name} holds samples that are not finite: look at the recordings in MNE. {err}"
        ) from err


def _open_recordings(root, records, recipe):
    """The EEGDash dataset with every table and header read and checked, and bad channels mended."""
    dataset = _list_recordings(root, records)
    paths = [_path_of(root, recording) for recording in dataset.datasets]
    # All tables before the first header: a wrong row is refused before anything slow starts.
    tables = collect(paths, lambda path: read_tables(root, path))
    tables = dict(zip(paths, tables, strict=True))
    opened = collect(paths, lambda path: _open_recording(root, path, tables[path], recipe))
    notes = []
    for *_, more in opened:
        notes += more
    for line in _first_lines(notes):
        print(line)
    trials = make_trials(root, [recorded for _, recorded, _ in opened], recipe)
    for recording, (raw, *_), events in zip(dataset.datasets, opened, trials, strict=True):
        recording.raw = annotate(raw, events)
    return dataset


def _open_recording(root, path, tables, recipe):
    """One recording with the channels of the recipe, its events, and what has to be said about it."""
    raw, recorded, notes = read_recording(root, path, tables, recipe)
    needed = dict.fromkeys((*recipe.channels, *(recipe.reference or ())))
    refuse_absent(path, raw, needed)
    notes += mend_bad_channels(raw, root, path, needed)
    refuse_absent(path, raw, needed)
    _refuse_other_types(path, raw, recipe.reference or ())
    return raw, recorded, notes


def _refuse_other_types(path, raw, reference):
    """What the average is taken over is EEG in the recordings that decided it, and has to be here."""
    kinds = kinds_of(raw)
    other = [name for name in reference if kinds[name] != "eeg"]
    if FEW <= len(reference) > len(other) > 0:
        raise StudyError(
            f"{path.name}: {shorten(other)} {'is' if len(other) == 1 else 'are'} "
            f"{' or '.join(sorted({kinds[name].upper() for name in other}))} here and EEG in the other recordings. "
            "Correct the types in its channels.tsv, or write reference = false and channels = without them into the "
            "file that EEG_TUTORIAL_RECIPE names"
        )


def _list_recordings(root, records):
    """The EEGDash dataset of some records, if it has all of them."""
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
    """What has to be said, in a line for each reason: of several files, the first and how many more."""
    files = {}
    for note in notes:
        file, _, reason = note.partition(": ")
        if " " in file:  # a sentence that is about no file, or about several
            file, reason = "", note
        files.setdefault(reason, []).append(file)
    lines = []
    for reason, names in files.items():
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        lines.append(f"{names[0]}{more}: {reason}" if names[0] else reason)
    if len(lines) <= SHOWN:
        return lines
    return [*lines[:SHOWN], f"and {len(lines) - SHOWN} more lines like these"]


def _preprocessing(recipe):
    """Braindecode steps in the order that is right: reference over all channels, then pick."""
    steps = []
    if recipe.reference:
        # All people have the same reference: what is left out for everybody is no part of it.
        steps.append(
            Preprocessor(
                "set_eeg_reference",
                ref_channels=list(recipe.reference),
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
