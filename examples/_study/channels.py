"""Channels of a recording and of a study: what each one is, which are mended, which everybody has.

A row of ``channels.tsv`` is a channel by its name, never by its place. What it calls bad is interpolated
or left out before anything is referenced to it, and what is left has to be there for everybody.
"""

import difflib
import re

import numpy as np

from _runtime import quiet_imports
from _study.catalogue import StudyError
from _study.edf import read_edf_header
from _study.places import give_positions
from _study.tables import MISSING, find_sidecar, read_numbers, read_table

with quiet_imports():
    pass

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
#: Units of voltage, in small letters; both of the signs for micro.
VOLTS = re.compile(r"(m|u|n|\u00b5|\u03bc|micro)?v(olts?)?")


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
    table_path : pathlib.Path or None
        Of its table, see :func:`read_channels`.
    table : pandas.DataFrame or None
        The table itself; without one, types are guessed by name.

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
    now = kinds_of(raw)
    other = {name: kind for name, kind in kinds.items() if now[name] != kind}
    if other:
        raw.set_channel_types(other, on_unit_change="ignore")
    if "status" in table.columns:
        raw.info["bads"] = [
            n for n, s in zip(names, table["status"], strict=True) if s.lower() == "bad"
        ]
    eeg = np.array([kind == "eeg" for kind in kinds.values()], bool)
    _refuse_other_rate(raw, path, table_path, table, eeg)
    notes = _odd_units(table_path, table[eeg])
    odd = [name for name in names if kinds[name] == "eeg" and _kind_of(name) != "eeg"]
    if odd:
        notes.append(f"{table_path.name} calls {', '.join(odd)} EEG: taken for EEG")
    return notes


def _refuse_other_rate(raw, path, table_path, table, eeg):
    """The rates of the EEG channels of a table have to be that of the recording, or their own in an EDF file."""
    if "sampling_frequency" not in table.columns:
        return
    sfreq = raw.info["sfreq"]
    rates = read_numbers(table, "sampling_frequency", table_path)
    other = np.flatnonzero(eeg & (np.abs(rates - sfreq) > 1e-3 * sfreq))
    header = read_edf_header(path) if len(other) else None
    in_file = {} if header is None else header.rates()
    for at in other:
        if np.isclose(in_file.get(table["name"].iloc[at], 0), rates[at], rtol=1e-3):
            continue  # MNE raised it
        raise StudyError(
            f"{path.name} is sampled at {sfreq:g} Hz but {table_path.name} says {rates[at]:g} Hz in row "
            f"{table.index[at]}. Correct the table, or get the recording that belongs to it."
        )


def _odd_units(table_path, table):
    """A line for a table of EEG channels with a unit that is none of voltage."""
    if "units" not in table.columns:
        return []
    units = {unit for unit in table["units"] if unit.lower() not in MISSING}
    odd = sorted(unit for unit in units if not VOLTS.fullmatch(unit.lower()))
    if not odd:
        return []
    return [
        f"{table_path.name} gives EEG in {', '.join(odd)}, no unit of voltage: taken as MNE reads it"
    ]


def eeg_names(raw):
    """Names of the EEG channels of a recording, bad ones among them."""
    return [name for name, kind in kinds_of(raw).items() if kind == "eeg"]


def kinds_of(raw):
    """Type of each channel of a recording, by its name."""
    return dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))


def _kind_of(name):
    """Kind of a channel by its name alone."""
    for kind, pattern in BY_NAME.items():
        if re.match(pattern, name.strip().lower()):
            return kind
    return "eeg"


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
    ch_names = [c for c, kind in kinds_of(raw).items() if c in names or kind != "stim"]
    if set(ch_names) == set(names):
        bare, wanted = ch_names, names
    else:
        bare = [_bare(name) for name in ch_names]
        wanted = [_bare(name) for name in names]
    if set(bare) != set(wanted) or len(bare) != len(set(bare)) or len(bare) != len(wanted):
        only_file = [c for c in ch_names if c not in names]
        only_table = [c for c in names if c not in ch_names]
        raise StudyError(
            f"{table_path} and {path.name} name different channels: only the recording has {only_file}, only "
            f"the table has {only_table}. Write the names of the recording into the table, a row for each."
        )
    if bare != wanted:
        raise StudyError(
            f"{table_path} lists {names} and {path.name} holds {ch_names}: the same channels in another order, and "
            "one of the two may have exchanged them. Write the rows in the order of the recording."
        )
    used = [min(both, key=len) for both in zip(names, ch_names, strict=True)]
    new_names = {old: new for old, new in zip(ch_names, used, strict=True) if old != new}
    if new_names:
        raw.rename_channels(new_names)
    return used


def _bare(name):
    """A label without what says how it was recorded."""
    return AROUND.sub("", name.strip().lower())


def mend_bad_channels(raw, root, path, wanted):
    """Interpolate what ``channels.tsv`` calls bad, before anything is referenced to it.

    Spherical splines over the good channels, by :meth:`mne.io.Raw.interpolate_bads`. What has no
    place on the head, or too few neighbours, is taken out.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Changed in place, and loaded if it has a bad channel.
    root : pathlib.Path
        The BIDS folder.
    path : pathlib.Path
        The recording.
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
    if any(name in wanted for name in bad) and can_mend(raw, root, path):
        raw.load_data(verbose="ERROR")
        try:
            raw.interpolate_bads(verbose="ERROR")
        except (ValueError, RuntimeError):  # too few places for a sphere of their own
            raw.interpolate_bads(origin=(0.0, 0.0, 0.04), verbose="ERROR")
        return [f"{path.name}: interpolated what channels.tsv calls bad: {', '.join(bad)}"]
    raw.drop_channels(bad)
    return [f"{path.name}: left out what channels.tsv calls bad: {', '.join(bad)}"]


def can_mend(raw, root, path):
    """Can a bad channel be interpolated: do enough good ones and all places stand around it?

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A recording; places are given to its channels.
    root : pathlib.Path
        The BIDS folder.
    path : pathlib.Path
        The recording.

    Returns
    -------
    bool
        True where :func:`mend_bad_channels` interpolates.
    """
    names = eeg_names(raw)
    good = len(names) - len(raw.info["bads"])
    return good >= max(4, len(names) / 2) and give_positions(raw, names, root, path)


def refuse_absent(path, raw, channels):
    """Refuse a recording that lacks a channel; what is near to its name is told.

    Parameters
    ----------
    path : pathlib.Path
        Its file.
    raw : mne.io.BaseRaw
        The recording.
    channels : sequence of str
        Channels that it needs.

    Raises
    ------
    StudyError
        With the channels it has.
    """
    absent = [name for name in channels if name not in raw.ch_names]
    if not absent:
        return
    lower = {name.lower(): name for name in raw.ch_names}
    near = set()
    for name in absent:
        near.update(difflib.get_close_matches(name.lower(), lower, 1, 0.5))
    near = sorted({lower[match] for match in near})
    raise StudyError(
        f"{path.name} has no channel {absent}: it has {raw.ch_names}. Pass channels= as a "
        f"tuple of names that every recording has{f' (near: {near})' if near else ''}. Names are those of "
        f"{path.name.rpartition('_')[0]}_channels.tsv, where there is one"
    )
