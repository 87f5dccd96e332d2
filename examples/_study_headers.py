"""Headers of recordings, and what a recipe leaves open filled in from them: channels and classes."""

import difflib
import warnings
from collections import Counter
from dataclasses import replace

import numpy as np

from _runtime import quiet_imports
from _study_bids import entity
from _study_catalogue import StudyError
from _study_channels import eeg_names, mend_bad_channels
from _study_events import choose_classes, is_bad
from _study_tables import find_sidecar, read_json

with quiet_imports():
    import mne

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


def _only_elsewhere(dataset, paths):
    """A line for each channel that is EEG in a later recording and not in the first."""
    kinds, found = _kinds(dataset.datasets[0].raw), {}
    for ds, path in zip(dataset.datasets, paths, strict=True):
        for name in eeg_names(ds.raw):
            if kinds.get(name) != "eeg":
                found.setdefault(name, path.name)
    said = "{0} is {1} in {2} and EEG in {3}: left out for everybody. Correct the type in channels.tsv"
    return [
        said.format(name, kinds.get(name, "absent"), paths[0].name, other)
        for name, other in found.items()
    ]


def find_channels(root, dataset, paths, recipe, notes):
    """The channels of the recipe, which every recording has, of one kind; bad ones are mended."""
    first = dataset.datasets[0].raw
    rates = Counter(float(ds.raw.info["sfreq"]) for ds in dataset.datasets)
    usual = max(rates, key=rates.get)
    for ds, path in zip(dataset.datasets, paths, strict=True):
        if ds.raw.info["sfreq"] != usual:
            rate = f"{ds.raw.info['sfreq']:g} Hz, most others at {usual:g} Hz"
            notes.append(f"{path.name} is sampled at {rate}")
    wanted = recipe.channels or tuple(eeg_names(first))
    if not recipe.channels:
        notes += _only_elsewhere(dataset, paths)
    dropped = {}
    for ds, path in zip(dataset.datasets, paths, strict=True):
        before = ds.raw.ch_names
        notes += mend_bad_channels(ds.raw, root, path, wanted)
        if eeg_names(first) and not eeg_names(ds.raw):
            raise StudyError(
                f"{path.name} has no EEG channel left: its channels.tsv calls all of them bad. Correct it, or "
                f"leave sub-{entity(path.name, 'sub')} out with subjects="
            )
        dropped |= {c: path for c in before if c not in ds.raw.ch_names}
    gone = [c for c in wanted if c in dropped]
    if gone and recipe.channels:
        raise StudyError(
            f"{dropped[gone[0]].name} has no channel {gone} to use: its channels.tsv calls it bad, and it "
            "cannot be interpolated from its neighbours. Pass channels= without it, or write electrodes.tsv"
        )
    if gone:
        notes.append(f"{root.name}: {', '.join(gone)} left out for everybody")
    recipe = replace(recipe, channels=tuple(c for c in wanted if c not in gone))
    if not recipe.channels:
        raise StudyError(
            f"{paths[0].name} has no EEG channel: its channels are {_kinds(first)}. Correct the types in "
            "channels.tsv, or pass channels="
        )
    kinds = None
    for ds, path in zip(dataset.datasets, paths, strict=True):
        own = _kinds(ds.raw)
        absent = [c for c in recipe.channels if c not in own]
        if absent:
            lower = {name.lower(): name for name in own}
            near = [difflib.get_close_matches(c.lower(), lower, 1, 0.5) for c in absent]
            near = sorted({lower[match] for matches in near for match in matches})
            raise StudyError(
                f"{path.name} has no channel {absent}: it has {list(own)}. Pass channels= as a "
                f"tuple of names that every recording has{f' (near: {near})' if near else ''}. Names are those of "
                f"{path.name.rpartition('_')[0]}_channels.tsv, where there is one"
            )
        kinds = kinds or own
        other = [c for c in recipe.channels if own[c] != kinds[c]]
        if other:
            raise StudyError(
                f"{path.name} has {other[0]} as {own[other[0]].upper()} and {paths[0].name} as "
                f"{kinds[other[0]].upper()}: correct the type in channels.tsv, or pass channels= without it"
            )
    if recipe.reference and "eeg" not in kinds.values():
        raise StudyError(
            f"{paths[0].name} has no EEG channel to reference to: its channels are {kinds}. Correct the "
            "types in channels.tsv"
        )
    return recipe


def find_classes(root, dataset, paths, recipe, by_event):
    """The recipe with classes that are among the events; where it names none, those shared."""
    people, tasks, long = {}, {}, {}
    for ds, path in zip(dataset.datasets, paths, strict=True):
        own = {n: s for n, s in longest_events(ds.raw).items() if not is_bad(n)}
        people.setdefault(entity(path.name, "sub"), set()).update(own)
        tasks.setdefault(entity(path.name, "task"), set()).update(own)
        long = {n: max(long.get(n, 0.0), s) for n, s in (long | own).items()}
    events = sorted(long)
    if recipe.classes is None:
        enough = {n for n in events if long[n] + 1 / recipe.sfreq >= recipe.window_s}
        enough = enough if len(enough) > 1 else set(events)
        people, tasks = ({k: v & enough for k, v in d.items()} for d in (people, tasks))
        classes = choose_classes(people, tasks, by_event=by_event, root=root)
        recipe = replace(recipe, classes=classes)
    unknown = [c for c in recipe.classes if c not in events]
    if unknown or len(recipe.classes) < (2 if by_event else 1):
        raise StudyError(
            f"no event {unknown or 'to tell apart'} in {root.name}: "
            f"the events there are {events}. Pass classes=('one', 'other')"
        )
    return recipe


def longest_events(raw):
    """Seconds of the longest event of each name."""
    own = {}
    for name, seconds in zip(
        raw.annotations.description, raw.annotations.duration, strict=True
    ):
        own[str(name)] = max(own.get(str(name), 0.0), float(seconds))
    return own


def _kinds(raw):
    return dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
