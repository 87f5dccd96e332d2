"""Channels of a recording and of a study: what each one is, which are mended, which everybody has.

A row of ``channels.tsv`` is a channel by its name, never by its place. What it calls bad is interpolated
or left out before anything is referenced to it, and what is left has to be there for everybody.
"""

import difflib
from collections import Counter, defaultdict

import numpy as np

from _study.catalogue import StudyError, shorten
from _study.edf import read_edf_header
from _study.names import FEW, NO_EEG, bare, differences, judge_names, only_count, spell
from _study.places import give_positions
from _study.tables import MISSING, find_sidecar, read_numbers, read_table
from _study.units import mend_units, read_header_units, volts_of

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
#: What is left out without a table, by what its name says; see :func:`_study.names.judge_names`.
LEFT_OUT = {
    "no EEG by their names": tuple(NO_EEG),
    "at the ears, where the reference is": ("ear",),
    "beside electrodes and none by their names (channels= or a channels.tsv takes them)": (
        "unknown",
    ),
}


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
    unknown = ~table["type"].str.upper().isin((*TYPES, "N/A"))
    if unknown.any():
        row = unknown.idxmax()
        raise StudyError(
            f"{table_path} gives {table.loc[row, 'name']!r} the type {table.loc[row, 'type']!r} in row {row}, "
            "which BIDS does not know for EEG. Write EEG, EOG, ECG, EMG, MISC or TRIG."
        )
    return table_path, table


def apply_channels(raw, path, table_path, table, wanted=()):
    """Give a recording the names, types and bad channels of its table, and its EEG a unit and usual names.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Changed in place.
    path : pathlib.Path
        Its file.
    table_path : pathlib.Path or None
        Of its table, see :func:`read_channels`.
    table : pandas.DataFrame or None
        The table itself; without one, types are guessed by name.
    wanted : sequence of str
        Channels that are asked for: without a table they are EEG whatever their names.

    Returns
    -------
    list of str
        What has to be said about it, without its name.

    Raises
    ------
    StudyError
        If the table and the file name different channels, or the table has another rate.
    """
    header = read_header_units(raw, path)  # before a name changes
    units = {}
    if table is None:
        notes = _guess_types(raw, wanted)
    else:
        names, table, notes = _match_names(raw, path, table_path, table, wanted)
        notes += _apply_table(raw, path, table_path, table, names)
        if "units" in table.columns:
            units = dict(zip(names, table["units"], strict=True))
    notes += mend_units(raw, header, units)
    return notes + _spell(raw)


def _apply_table(raw, path, table_path, table, names):
    """Types and bad channels of a table whose rows are the channels ``names``; what has to be said."""
    by_name = judge_names(names)
    kinds = {}
    untyped = []
    for name, kind in zip(names, table["type"].str.upper(), strict=True):
        if kind == "N/A":
            untyped.append(name)
            kind = by_name[name].upper()
        kinds[name] = TYPES.get(kind, "misc")
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
    notes = _odd_units(table[eeg])
    if untyped:
        some = [name for name in untyped if kinds[name] == "eeg"]
        notes.append(
            f"channels.tsv gives no type for {len(untyped)} channels: {len(some)} are EEG by their names"
        )
    judged = judge_names([name for name in names if kinds[name] == "eeg"])
    odd = [name for name, kind in judged.items() if kind not in ("eeg", "ear", "unknown")]
    if odd:
        notes.append(
            f"channels.tsv calls {shorten(odd)} EEG, which by name they are not: taken for EEG"
        )
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


def _odd_units(table):
    """A line for a table of EEG channels with a unit that is none of voltage."""
    if "units" not in table.columns:
        return []
    units = {unit for unit in table["units"] if unit.lower() not in MISSING}
    odd = sorted(unit for unit in units if volts_of(unit) is None)
    if not odd:
        return []
    return [
        f"channels.tsv gives EEG in {', '.join(odd)}, no unit of voltage: taken as the file has it"
    ]


def eeg_names(raw):
    """Names of the EEG channels of a recording, bad ones among them."""
    return [name for name, kind in kinds_of(raw).items() if kind == "eeg"]


def kinds_of(raw):
    """Type of each channel of a recording, by its name."""
    return dict(zip(raw.ch_names, raw.get_channel_types(), strict=True))


def _guess_types(raw, wanted):
    """Types by name where there is no table: what is no electrode is no part of an average reference."""
    judged = judge_names(eeg_names(raw))
    by_kind = defaultdict(list)
    for name, kind in judged.items():
        by_kind[kind].append(name)
    notes = []
    n_known, n_unknown = len(by_kind["eeg"]), len(by_kind["unknown"])
    if n_unknown and n_known < FEW and n_known <= n_unknown:
        names = shorten(by_kind.pop("unknown"))
        notes = [f"no channels.tsv, and {names} name no electrode: taken for EEG"]
    asked = {bare(name) for name in wanted}
    for reason, kinds in LEFT_OUT.items():
        names = [n for kind in kinds for n in by_kind[kind] if bare(n) not in asked]
        if names:
            types = {n: judged[n] if judged[n] in NO_EEG else "misc" for n in names}
            raw.set_channel_types(types, on_unit_change="ignore")
            notes.append(f"no channels.tsv: {shorten(names)} left out, {reason}")
    return notes


def _spell(raw):
    """Electrodes get their names in the 10-05 system: ``FZ`` is ``Fz``."""
    usual = spell(eeg_names(raw))
    times = Counter(usual.get(name, name) for name in raw.ch_names)
    other = {old: new for old, new in usual.items() if old != new and times[new] == 1}
    if not other:
        return []
    raw.rename_channels(other)
    return [shorten([f"{old} is {new}" for old, new in other.items()])]


def _match_names(raw, path, table_path, table, wanted):
    """Which channel of a recording each row of its table is: names, these rows, what has to be said.

    Rows may have another order than the file, unless theirs is that of the study, ``wanted``, and the
    order of the file is not: then somebody may have exchanged names in its header. Names that differ
    in what is around them alone, ``EEG Fz-REF`` and ``Fz``, are one; the shorter one is used. Names
    that only count take those of the table. A row that is no EEG and that the file lacks, as of a
    reference, is no channel.
    """
    ch_names = [
        c for c, kind in kinds_of(raw).items() if c in set(table["name"]) or kind != "stim"
    ]
    if len(table) > len(ch_names):
        there = table["name"].map(bare).isin([bare(c) for c in ch_names])
        table = table[there | (table["type"].str.upper() == "EEG")]
    names = list(table["name"])
    if set(ch_names) == set(names):
        orders = [[name for name in some if name in wanted] for some in (ch_names, names)]
        if orders[0] != list(wanted) == orders[1]:
            _refuse_order(path, table_path, ch_names, names)
        other_order = ["channels.tsv has another order than the file: names count"]
        return names, table, other_order if ch_names != names else []
    others = [(c, n) for c, n in zip(ch_names, names, strict=False) if c != n]
    counted = [c for c, _ in others]
    enough = len(counted) in range(min(FEW, len(names)), len(names) + 1)
    if len(names) == len(ch_names) and enough and only_count(counted):
        raw.rename_channels(dict(others))
        first, last = counted[0], counted[-1]
        in_turn = f"{first} to {last} are named by the rows of channels.tsv, in order"
        return names, table, [in_turn]
    _refuse_other_names(path, table_path, ch_names, names)
    used = [min(both, key=len) for both in zip(names, ch_names, strict=True)]
    new_names = {old: new for old, new in zip(ch_names, used, strict=True) if old != new}
    if new_names:
        raw.rename_channels(new_names)
    return used, table, []


def _refuse_other_names(path, table_path, ch_names, names):
    """File and table have to name the same channels, and in one order where their spelling differs."""
    single, wanted = [bare(name) for name in ch_names], [bare(name) for name in names]
    if set(single) != set(wanted) or not len(single) == len(set(single)) == len(wanted):
        only_file = [c for c in ch_names if c not in names]
        only_table = [c for c in names if c not in ch_names]
        raise StudyError(
            f"{table_path} and {path.name} name different channels: only the recording has {only_file}, only "
            f"the table has {only_table}. Write the names of the recording into the table, a row for each."
        )
    if single != wanted:
        _refuse_order(path, table_path, ch_names, names)


def _refuse_order(path, table_path, ch_names, names):
    raise StudyError(
        f"{table_path} lists {names} and {path.name} holds {ch_names}: the same channels in another order, and "
        "one of the two may have exchanged them. Write the rows in the order of the recording."
    )


def refuse_reference(path, names, recipe, left_out=()):
    """Refuse an average reference over too few electrodes, or over differences between electrodes.

    Of two channels it makes mirror images, of one nothing; and a difference of two electrodes holds no
    reference that others share.

    Parameters
    ----------
    path : pathlib.Path
        The BIDS folder, or a recording.
    names : sequence of str
        Channels that the average is taken over.
    recipe : _study.catalogue.Recipe
        What the study needs, among it ``reference``.
    left_out : sequence of str
        Why others are no part of it, for the message.

    Raises
    ------
    StudyError
        If there are fewer than four, or if some are differences, unless no reference is asked for.
    """
    if recipe.reference is None:
        return
    bipolar = differences(names)
    if len(names) >= FEW and not bipolar:
        return
    why = f"needs {FEW} electrodes, and {path.name} has {len(names)}: {shorten(names)}"
    if left_out:
        why += f" ({shorten(left_out)})"
    if bipolar:
        why = f"needs single electrodes, and {path.name} has differences of two: {shorten(bipolar)}"
    raise StudyError(
        f"reference={recipe.reference!r} {why}. Write reference = false into the file that "
        "EEG_TUTORIAL_RECIPE names, or pass recipe= with reference=None"
    )


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

    Raises
    ------
    StudyError
        If all of them are bad.
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
    if len(bad) == len(eeg) and not set(bad).isdisjoint(wanted):
        raise StudyError(
            f"{path.name}: channels.tsv calls all {len(bad)} EEG channels bad, and nothing is left to open. "
            "Correct the column status"
        )
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
