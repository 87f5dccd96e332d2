"""Channels of a recording: names and types of ``channels.tsv`` by identity, and bad channels mended."""

import difflib
import re
import warnings
from collections import Counter
from dataclasses import replace

import numpy as np

from _runtime import quiet_imports
from _study.catalogue import StudyError
from _study.folder import entity
from _study.tables import MISSING, find_sidecar, read_json, read_numbers, read_table

with quiet_imports():
    import mne

#: Types of channels.tsv as MNE calls them; what BIDS knows and MNE does not need is "misc".
TYPES = {
    **dict.fromkeys(("EOG", "VEOG", "HEOG"), "eog"),
    **dict.fromkeys(("TRIG", "STIM"), "stim"),
    **dict.fromkeys(
        ("MISC", "OTHER", "REF", "GSR", "PPG", "SYSCLOCK", "AUDIO", "EYEGAZE", "PUPIL", "TEMP"),
        "misc",
    ),
    **dict.fromkeys(("ACCEL", "GYRO", "MAGN", "POS", "LATENCY"), "misc"),
    **{name: name.lower() for name in ("EEG", "ECG", "EMG", "RESP", "SEEG", "ECOG", "DBS")},
}  # fmt: skip
#: What a channel without a table is, by its name.
BY_NAME = {
    "ecg": r"(ecg|ekg)\b",
    "eog": r"[hv]?eog",
    "emg": r"emg",
    "stim": r"(sti|status|trig)",
}
#: Parts of a label that say how it was recorded, not where.
AROUND = re.compile(r"^(eeg|eog|ecg|emg)[ _]+|[ _-]*(ref|le|avg|a1a2|m1m2)$")
#: Montages of MNE that know a place for names of the 10-05 system and of the HydroCel caps.
MONTAGES = ("standard_1005", "GSN-HydroCel-129")


def read_channels(root, path):
    """The table of a recording's channels.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    path : pathlib.Path
        A data file in it.

    Returns
    -------
    path : pathlib.Path or None
        Of the table; None without one.
    table : pandas.DataFrame or None
        Columns ``name`` and ``type`` and what else there is, as text.

    Raises
    ------
    StudyError
        If a name stands in it twice, or a type is none of BIDS.
    """
    table_path = find_sidecar(root, path, "channels.tsv")
    if table_path is None:
        return None, None
    table = read_table(table_path, "name", "type")
    twice = table["name"].duplicated(keep=False)
    if twice.any():
        name = table.loc[twice.idxmax(), "name"]
        rows = list(table.index[table["name"] == name])
        raise StudyError(
            f"{table_path} has the channel {name!r} in rows {', '.join(map(str, rows))}. Give each channel "
            "a name of its own, that of the recording."
        )
    unknown = ~table["type"].str.upper().isin(TYPES)
    if unknown.any():
        row = unknown.idxmax()
        raise StudyError(
            f"{table_path} gives {table.loc[row, 'name']!r} the type {table.loc[row, 'type']!r} in row {row}, "
            "which BIDS does not know for EEG. Write EEG, EOG, ECG, EMG, MISC or TRIG."
        )
    return table_path, table


def apply_channels(raw, path, table_path, table):
    """Give a recording the names, types and bad channels of its table, each by its own name.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Changed in place.
    path : pathlib.Path
        Its file, for messages.
    table_path, table
        What :func:`read_channels` returned.

    Returns
    -------
    list of str
        What has to be said about it.

    Raises
    ------
    StudyError
        If the table and the file name different channels.
    """
    if table is None:
        return _guess_types(raw, path)
    names = _match_names(raw, path, table_path, list(table["name"]))
    kinds = {n: TYPES[kind.upper()] for n, kind in zip(names, table["type"], strict=True)}
    now = dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))
    other = {name: kind for name, kind in kinds.items() if now[name] != kind}
    if other:
        raw.set_channel_types(other, on_unit_change="ignore")
    if "status" in table.columns:
        raw.info["bads"] = [
            n for n, s in zip(names, table["status"], strict=True) if s.lower() == "bad"
        ]
    notes = _check_columns(raw, path, table_path, table, kinds.values())
    odd = [name for name in names if kinds[name] == "eeg" and _kind_of(name) != "eeg"]
    if odd:
        notes.append(f"{table_path.name} calls {', '.join(odd)} EEG: taken for EEG")
    return notes


def _check_columns(raw, path, table_path, table, kinds):
    """Rates and units of a table: a rate of another file is refused, a unit that is none is said."""
    eeg = np.array([kind == "eeg" for kind in kinds], bool)
    if "sampling_frequency" in table.columns:
        rates, sfreq = (
            read_numbers(table, "sampling_frequency", table_path),
            raw.info["sfreq"],
        )
        for at in np.flatnonzero(eeg & (np.abs(rates - sfreq) > 1e-3 * sfreq))[:1]:
            raise StudyError(
                f"{path.name} is sampled at {sfreq:g} Hz but {table_path.name} says {rates[at]:g} Hz in row "
                f"{table.index[at]}. Correct the table, or get the recording that belongs to it."
            )
    notes = []
    if "units" in table.columns:
        units = {u for u in table["units"][eeg] if u.lower() not in MISSING}
        odd = sorted(
            u
            for u in units
            if not re.fullmatch(r"(m|u|n|\u00b5|\u03bc|micro)?v(olts?)?", u.lower())
        )
        if odd:
            notes.append(
                f"{table_path.name} gives EEG in {', '.join(odd)}, no unit of voltage: taken as MNE reads it"
            )
    return notes


def eeg_names(raw):
    """Names of the EEG channels of a recording, bad ones among them."""
    kinds = raw.get_channel_types()
    return [c for c, kind in zip(raw.ch_names, kinds, strict=True) if kind == "eeg"]


def _kind_of(name):
    """Kind of a channel by its name alone."""
    found = [k for k, pattern in BY_NAME.items() if re.match(pattern, name.strip().lower())]
    return found[0] if found else "eeg"


def _guess_types(raw, path):
    """Types by name where there is no table: an ECG is no part of an average reference."""
    kinds = {name: _kind_of(name) for name in eeg_names(raw)}
    kinds = {name: kind for name, kind in kinds.items() if kind != "eeg"}
    if not kinds:
        return []
    raw.set_channel_types(kinds, on_unit_change="ignore")
    each = ", ".join(f"{name} for {kind.upper()}" for name, kind in kinds.items())
    return [
        f"{path.name} has no channels.tsv: by its name, {each} is taken and left out of the EEG"
    ]


def _match_names(raw, path, table_path, names):
    """Which channel of a recording each row of its table is, where that is clear.

    Names that differ in what is around them alone, ``EEG Fz-REF`` and ``Fz``, are one; the shorter
    one is used.
    """
    kinds = zip(raw.ch_names, raw.get_channel_types(), strict=True)
    own = [c for c, kind in kinds if c in names or kind != "stim"]
    bare, wanted = (
        [AROUND.sub("", c.strip().lower()) for c in each] for each in (own, names)
    )
    if set(own) == set(names):
        bare, wanted = own, names
    if set(bare) != set(wanted) or len(bare) != len(set(bare)) or len(bare) != len(wanted):
        only_file = [c for c in own if c not in names]
        only_table = [c for c in names if c not in own]
        raise StudyError(
            f"{table_path} and {path.name} name different channels: only the recording has {only_file}, only "
            f"the table has {only_table}. Write the names of the recording into the table, a row for each."
        )
    if bare != wanted:
        raise StudyError(
            f"{table_path} lists {names} and {path.name} holds {own}: the same channels in another order, and "
            "one of the two may have exchanged them. Write the rows in the order of the recording."
        )
    used = [min(both, key=len) for both in zip(names, own, strict=True)]
    new_names = {old: new for old, new in zip(own, used, strict=True) if old != new}
    if new_names:
        raw.rename_channels(new_names)
    return used


def give_positions(raw, root, path):
    """Places of the electrodes: of ``electrodes.tsv``, else of a montage that has all the names.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Changed in place.
    root : pathlib.Path
        The BIDS folder.
    path : pathlib.Path
        The recording.

    Returns
    -------
    bool
        Has every EEG channel a place?

    Raises
    ------
    StudyError
        If ``electrodes.tsv`` or its coordinate system cannot be read.
    """
    names = eeg_names(raw)
    table_path = find_sidecar(root, path, "electrodes.tsv")
    if table_path is not None:
        table = read_table(table_path, "name", "x", "y", "z")
        places = np.stack([read_numbers(table, c, table_path) for c in "xyz"], axis=1)
        about = find_sidecar(root, path, "coordsystem.json")
        unit = read_json(about).get("EEGCoordinateUnits") if about is not None else "m"
        scale = {"mm": 1e-3, "cm": 1e-2}.get(unit, 1.0)
        known = dict(zip(table["name"], places * scale, strict=True))
        known = {name: known[name] for name in names if name in known}
        if len(known) == len(names) and np.isfinite(list(known.values())).all():
            montage = mne.channels.make_dig_montage(known, coord_frame="head")
            raw.set_montage(montage, on_missing="ignore")
            return True
    for title in MONTAGES:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Montage name", FutureWarning)
            montage = mne.channels.make_standard_montage(title)
        if set(names) <= set(montage.ch_names):
            raw.set_montage(montage, on_missing="ignore")
            return True
    return False


def mend_bad_channels(raw, root, path, wanted):
    """Interpolate what ``channels.tsv`` calls bad, before anything is referenced to it.

    Spherical splines over the good channels, by :meth:`mne.io.Raw.interpolate_bads`. What has no
    place on the head, or too few neighbours, is taken out.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Changed in place, and loaded if it has a bad channel.
    root, path
        See :func:`give_positions`.
    wanted : sequence of str
        Channels of the recipe.

    Returns
    -------
    list of str
        What has to be said about it.
    """
    eeg = eeg_names(raw)
    bad = [name for name in raw.info["bads"] if name in eeg]
    if not bad:
        return []
    table = "channels.tsv calls bad"
    if any(name in wanted for name in bad) and can_mend(raw, root, path):
        raw.load_data(verbose="ERROR")
        try:
            raw.interpolate_bads(verbose="ERROR")
        except (ValueError, RuntimeError):  # too few places for a sphere of their own
            raw.interpolate_bads(origin=(0.0, 0.0, 0.04), verbose="ERROR")
        return [f"{path.name}: interpolated what {table}: {', '.join(bad)}"]
    raw.drop_channels(bad)
    return [f"{path.name}: left out what {table}: {', '.join(bad)}"]


def can_mend(raw, root, path):
    """Can a bad channel be interpolated: do enough good ones and all places stand around it?"""
    n_eeg = len(eeg_names(raw))
    good = n_eeg - len(raw.info["bads"])
    return good >= max(4, n_eeg / 2) and give_positions(raw, root, path)


def _kinds(raw):
    return dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))


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
