"""Are these signals EEG? What was measured in all recordings is judged together.

:func:`find_faults` compares what :func:`_study.measure.measure_signal` found in all people, and their
windows, with the limits below, and :func:`check` refuses what is gross and prints what is doubtful.

Why rules of our own: :func:`mne.preprocessing.annotate_amplitude` with the limits people use (peak
500 uV, flat 0.1 uV) marks pieces of 45 of the 72 clean recordings of nm000109, a quarter of their time,
and sees neither the unit nor clipping nor a bridge. :func:`mne.preprocessing.compute_bridged_electrodes`
reports two pairs in the first six of them. The rules below had no false alarm there, and were set with
these recordings in view.
"""

import math
from dataclasses import replace

import numpy as np
import pandas as pd

from _study.catalogue import StudyError, shorten
from _study.measure import BAD_CHANNEL, JUMP_UV
from _study.units import volts_of

#: Standard deviation within a piece, in uV, of a typical piece of a channel. EEG of adults has 3 to
#: 30, of sleeping children up to 150; an amplifier without a head still has 0.3. Where all channels
#: are outside the outer pair the unit is wrong; where some are, these electrodes.
DOUBTFUL_UV, GROSS_UV = (0.5, 200.0), (0.1, 1000.0)
#: Times that a channel is larger or smaller than the median channel of its recording, and a person
#: than the median of all others. Clean recordings stay below 3.5.
CHANNEL_TIMES = 10.0
PERSON_TIMES, GROSS_TIMES = 5.0, 30.0
#: Share of flat pieces. A pause at the end of a clean recording was 3 of 100.
DOUBTFUL_FLAT, GROSS_FLAT = 0.10, 0.25
#: Share of samples that sit exactly on the largest or the smallest value; 16 bits give 1 in 1,000.
DOUBTFUL_CLIPPED, GROSS_CLIPPED = 0.005, 0.05
#: Amplitude of the mains in uV from which shielding or grounding failed.
MAINS_UV = 50.0
#: A jump is so many times as large as a typical piece; a sine, such as the mains, has steps of 2.8.
JUMP_TIMES = 4.0
#: Electrodes against which others are recorded: flat until the signals are referenced again.
REFERENCES = ("cz", "fcz", "ref", "vref", "e129", "e257", "a1", "a2", "m1", "m2")
#: What uV were taken for, or what for uV, by the factor as a power of 1000.
AS_IF = {1: ("uV", "mV"), 2: ("uV", "V"), -1: ("mV", "uV"), -2: ("V", "uV")}

#: What helps against a unit: where the header has one, where the table has to, and where it has.
UNIT = "correct the unit in the header of the file or export it again"
NO_UNIT = "write the unit into the column units of channels.tsv"
OTHER_UNIT = "correct the column units of channels.tsv"
#: What helps, by kind of fault; of "scale" one of the three above.
FIXES = {
    "unit": "correct the units in channels.tsv, or find out which of the two is right",
    "person": "look at it in MNE: its gain or its unit may be wrong; or leave the person out",
    "electrode": BAD_CHANNEL,
    "common": "it goes with the average reference",
    "windows": "the reference or the filter did that: write reference = false, or another l_freq or h_freq, into "
    "the file that EEG_TUTORIAL_RECIPE names, or pass recipe=",
    "flat": BAD_CHANNEL,
    "empty": "look at it in MNE, and mark it with an event BAD_zero",
    "clipped": BAD_CHANNEL,
    "jump": "look at it in MNE, and mark it with an event BAD_jump",
    "mains": "look at its spectrum; a filter below the mains takes it away",
    "bridge": "look at them in MNE, and write status bad for one of them in channels.tsv",
    "channel": BAD_CHANNEL,
}
#: The same without a reference.
NOT_REFERENCED = (
    'write reference = "average" into the file that EEG_TUTORIAL_RECIPE names, or pass recipe=: it takes '
    "that away"
)
#: What is said of each kind, filled in from a row of :attr:`_study.measure.SignalStats.channels`.
WORDS = {
    "scale": "{factor}{scale:,.5g} uV in a typical piece as read, where EEG has 3 to 30; the header "
    "gives the unit as {header!r}",
    "unit": "the file says {header}, channels.tsv says {table}",
    "person": "{size:.3g} uV in a typical window, {times:.2g} times the median of {n} others",
    "electrode": "{scale:,.5g} uV in a typical piece as read, {times:,.4g} times the other channels",
    "common": "a signal of {scale:,.4g} uV is common to all channels, beside {local:,.3g} uV of their own",
    "windows": "{scale:,.4g} uV in a typical piece as read, but {late:,.4g} uV in windows",
    "flat": "flat in {flat:.0%} of the recording",
    "empty": "{n} windows are zero in all channels",
    "clipped": "clipped: {clipped:.1%} of the samples are the largest or the smallest value",
    "jump": "a jump of {jump:,.0f} uV at {jump_at:.1f} s",
    "mains": "{mains:,.0f} uV of {mains_hz:g} Hz, the mains",
    "bridge": "one signal, by a bridge of gel or by a copy",
    "channel": "{times:.2g} times as large as the median channel",
}
#: Columns of :func:`find_faults`.
COLUMNS = ("subject", "file", "channels", "kind", "what", "gross", "fix")


def check(name, stats, windows, recordings, channels, referenced, remembered=None):
    """Judge the signals of a study: refuse what is gross, print what is doubtful.

    Parameters
    ----------
    name : str
        Of the study, for messages.
    stats : sequence of SignalStats
        One per recording.
    windows : ndarray, shape (n_windows, n_chans, n_times)
        In uV, after preprocessing.
    recordings : sequence of str
        Of each window, as :attr:`_study.measure.SignalStats.recording`; windows of a recording are together.
    channels : sequence of str
        Of the windows.
    referenced : bool
        Were the signals referenced again, so that a channel may be flat in the file?
    remembered : dict of str to float, optional
        See :func:`find_faults`.

    Returns
    -------
    pandas.DataFrame
        See :func:`find_faults`.

    Raises
    ------
    StudyError
        If a fault is gross. All of them are counted, and the first are named.
    """
    faults = find_faults(stats, channels, referenced, windows, recordings, remembered)
    is_gross = faults["gross"].astype(bool)
    gross = _lines(faults[is_gross], stats)
    if gross:
        n_files = faults.loc[is_gross, "file"].nunique()
        raise StudyError(
            f"{name}: the signals of {n_files} of {len(stats)} recordings cannot be used:\n  "
            + "\n  ".join(gross)
        )
    for line in _lines(faults[~is_gross], stats):
        print(f"{name}, doubtful: {line}")
    return faults


def _lines(faults, stats):
    """A line for each kind of fault and what helps: the first in words, and in whom else it is."""
    lines = []
    for (kind, _), rows in faults.groupby(["kind", "fix"], sort=False):
        first, *others = rows.itertuples()
        line = f"sub-{first.subject}, {first.file}, {first.channels}: {first.what}"
        if others:
            names = []
            for row in others:
                channels = f" ({row.channels})" if row.channels != first.channels else ""
                names.append(f"{row.file.rpartition('_')[0] or row.subject}{channels}")
            all_of = f"{len(stats)} recordings"
            if kind == "person":
                all_of = f"{len({one.subject for one in stats})} people"
            line = f"{len(rows)} of {all_of}: {line}; likewise {shorten(names)}"
        lines.append(f"{line}. {first.fix[0].upper()}{first.fix[1:]}")
    return lines


def find_faults(stats, channels, referenced, windows=None, recordings=(), remembered=None):
    """What is wrong with the signals of a study, a row per recording and kind of fault.

    Parameters
    ----------
    stats : sequence of SignalStats
        One per recording.
    channels : sequence of str
        Channels that are used.
    referenced : bool
        Were the signals referenced again, so that a channel may be flat in the file?
    windows : ndarray, shape (n_windows, n_chans, n_times), or None
        In uV, after preprocessing. Without them, what was measured in the recordings has to do.
    recordings : sequence of str
        Of each window, see :func:`check`.
    remembered : dict of str to float, optional
        In uV, the typical window of each person of this study who was opened before: others are
        compared with these as well, and their own are added.

    Returns
    -------
    pandas.DataFrame
        ``subject``, ``file``, ``channels`` (their names, as text), ``kind`` (a key of ``WORDS``),
        ``what`` in words, ``gross``, and ``fix``.
    """
    scales, n_empty = _measure_windows(windows, recordings, channels)
    table = _join(stats, scales, channels)
    if referenced:
        table = table[~table["name"].isin(_recorded_against(stats, table))]
    table = _judge_beside_others(table)
    rows = _faults_of_channels(stats, table, referenced)
    told = {
        row["file"] for row in rows if row["kind"] in ("flat", "windows") and row["gross"]
    }
    for one in stats:
        if n_empty.get(one.recording) and one.file not in told:
            what = WORDS["empty"].format(n=n_empty[one.recording])
            rows.append(_row(one, ["all channels"], "empty", what, True))
        if one.bridges:
            pairs = [" and ".join(pair) for pair in one.bridges]
            rows.append(_row(one, pairs, "bridge", WORDS["bridge"], False))
    subjects = table["at"].map(lambda at: stats[at].subject)
    sizes = table["late"].groupby(subjects).median().to_dict()
    remembered = {} if remembered is None else remembered
    _add_far_people(rows, stats, _far_people(sizes, remembered))
    refused = {row["subject"] for row in rows if row["gross"]}
    remembered.update(
        {subject: size for subject, size in sizes.items() if subject not in refused}
    )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _measure_windows(windows, recordings, channels):
    """Per recording and channel: median over windows of the standard deviation; per recording, empty windows."""
    recordings = pd.Series(list(recordings), dtype=str)
    scales, n_empty = {}, {}
    for stem, rows in recordings.groupby(recordings, sort=False).groups.items():
        # Windows of a recording are together: a view, no copy.
        std = windows[rows[0] : rows[-1] + 1].std(axis=2)
        n_empty[stem] = int((std == 0).all(axis=1).sum())
        for name, scale in zip(channels, np.median(std, axis=0), strict=True):
            scales[stem, name] = scale
    return scales, n_empty


def _join(stats, scales, channels):
    """What was measured, a row per recording and channel: ``at`` is the number of the recording.

    ``late`` is the scale in the windows, or that of the recording where there are none; ``used``
    are the channels of the windows.
    """
    tables = []
    for at, one in enumerate(stats):
        rows = zip(one.channels["name"], one.channels["scale"], strict=True)
        late = [scales.get((one.recording, name), scale) for name, scale in rows]
        tables.append(one.channels.assign(at=at, late=late))
    table = pd.concat(tables, ignore_index=True)
    table["used"] = table["name"].isin(list(channels))
    return table


def _recorded_against(stats, table):
    """The electrode that all others were recorded against, if there is one: flat in all recordings.

    One person's recordings cannot tell it from a dead electrode, but its name can.
    """
    dead = table[table["still"] > 0.95].groupby("name")["at"].nunique()
    shared = list(dead.index[dead == len(stats)])
    if len({one.subject for one in stats}) == 1:
        known = (*REFERENCES, stats[0].reference.strip().lower())
        shared = [name for name in shared if name.lower() in known]
    return shared if len(shared) == 1 else []


def _judge_beside_others(table):
    """Columns that compare a channel with the others of its recording, as they were read.

    ``common``: it is too large as all others are, and by a signal that all share. ``read``: its
    scale, without that signal. ``fits``: it is as large as EEG is, but for the mains. ``times``:
    against the channels that fit, or against all where none does. ``whole``: none fits, and it is off
    by about the factor of the others; or its header gives a unit that no fitting one has.
    """
    at, scale, header = table["at"], table["scale"], table["header"]
    alive = table["flat"] < GROSS_FLAT
    none = ~(alive & ~_outside(scale, DOUBTFUL_UV)).groupby(at).transform("any")
    local = table["local"].where(alive).groupby(at).transform("median")
    common = alive & none & (scale > DOUBTFUL_UV[1]) & ~_outside(local, DOUBTFUL_UV)
    read = scale.where(~common, table["local"])
    fits = alive & ~_outside(read, DOUBTFUL_UV)
    hum = (table["mains"] >= MAINS_UV) & (table["mains"] >= scale / 2)
    fits = fits | (alive & ~_outside(read, GROSS_UV) & hum)
    none = ~fits.groupby(at).transform("any")
    typical = read.where(fits | (alive & none)).groupby(at).transform("median")
    times = read / typical.fillna(1.0).replace(0.0, 1.0)
    unit = at.astype(str) + header
    other = ~none & (header != "") & ~unit.isin(unit[fits])
    whole = alive & (other | (none & ~_outside(times, (1 / CHANNEL_TIMES, CHANNEL_TIMES))))
    return table.assign(common=common, read=read, fits=fits, times=times, whole=whole)


def _faults_of_channels(stats, table, referenced):
    """A row for each recording and kind of fault of its channels; what is gross comes first."""
    rows = []
    for kind, (refused, doubted) in _judge(table, referenced).items():
        for gross, mask in ((True, refused), (False, doubted & ~refused)):
            for at, channels in table[mask].groupby("at"):
                first = channels.iloc[0]
                factor = _factor(first["scale"]) if gross and kind == "scale" else ""
                what = WORDS[kind].format(**first, factor=factor)
                row = _row(stats[at], list(channels["name"]), kind, what, gross)
                if kind == "scale":
                    row["fix"] = _unit_fix(first["header"], first["table"])
                elif kind == "common" and not referenced:
                    row["fix"] = NOT_REFERENCED
                rows.append(row)
    return rows


def _factor(scale):
    """By which power of 1000 a scale in uV is off, in words."""
    power = round(math.log(scale / 10, 1000))
    words = f"{1000 ** abs(power):,} times too {'large' if power > 0 else 'small'}"
    if power in AS_IF:
        right, taken = AS_IF[power]
        words = f"{words}, as if {right} were read as {taken}"
    return f"{words}: "


def _unit_fix(header, table):
    """What helps against a wrong unit: a table counts where the header has no unit that is known."""
    if not header or volts_of(header):
        return UNIT
    return f"{OTHER_UNIT}, which says {table!r}" if volts_of(table) else NO_UNIT


def _judge(table, referenced):
    """For each kind of fault, which channels are refused and which are doubtful."""
    at, late, common, whole = (table[key] for key in ("at", "late", "common", "whole"))
    flat, clipped = table["flat"], table["clipped"]
    alive, never = flat < GROSS_FLAT, flat < 0
    wrong = alive & _outside(table["read"], GROSS_UV)
    odd = alive & ~wrong & ~table["fits"]
    mains = alive & ~(wrong | odd | common) & (table["mains"] >= MAINS_UV)
    # One loose electrode reaches all others by the average: then only what was read counts.
    fine = alive & ~common & ~(wrong | odd).groupby(at).transform("any")
    lost = fine & _outside(late, GROSS_UV)
    late = fine & ~lost & ~mains & _outside(late, DOUBTFUL_UV)
    clear = alive & ~(
        wrong | mains | odd | lost | late
    )  # of the others, nothing else is said
    far = _outside(table["times"], (1 / CHANNEL_TIMES, CHANNEL_TIMES))
    volts = {unit: volts_of(unit) for unit in {*table["header"], *table["table"]}}
    header, told = (table[key].map(volts) for key in ("header", "table"))
    gross = (whole & wrong).groupby(at).transform("any") & whole
    jump = (table["jump"] >= JUMP_UV) & (table["jump"] >= JUMP_TIMES * table["scale"])
    stays = common & _outside(table["scale"], GROSS_UV) & (not referenced)
    return {
        "scale": (gross, whole & odd),
        "electrode": (wrong & ~whole, odd & ~whole),
        "common": (stays, common),
        "windows": (lost, late),
        "flat": (table["used"] & (flat >= GROSS_FLAT), flat >= DOUBTFUL_FLAT),
        "clipped": (
            clear & table["used"] & (clipped >= GROSS_CLIPPED),
            clear & (clipped >= DOUBTFUL_CLIPPED),
        ),
        "jump": (never, alive & ~wrong & ~lost & jump),
        "mains": (never, mains),
        "channel": (never, clear & far),
        "unit": (never, header.notna() & told.notna() & (header != told)),
    }


def _outside(values, limits):
    return (values < limits[0]) | (values > limits[1])


def _far_people(sizes, remembered):
    """People whose signals are far larger or smaller than those of all others: size, times, number of others.

    Those in ``remembered`` are judged as well, if there were too few to do so when they were opened.
    """
    every = pd.Series(remembered | sizes, dtype=float)
    if len(every) < 3:
        return {}
    far = {}
    for subject in every.index if len(remembered) < 3 else sizes:
        others = every.drop(subject).median()
        times = every[subject] / others if others > 0 else 1.0
        if _outside(times, (1 / PERSON_TIMES, PERSON_TIMES)):
            far[subject] = {"size": every[subject], "times": times, "n": len(every) - 1}
    return far


def _add_far_people(rows, stats, far):
    """Add to rows of faults what is said of people who are far from all others.

    What an average reference spreads is put down to the electrodes that were loose.
    """
    first = {one.subject: one for one in reversed(stats)}
    for subject, values in far.items():
        gross = subject in first and _outside(
            values["times"], (1 / GROSS_TIMES, GROSS_TIMES)
        )
        what = WORDS["person"].format(**values)
        known = [row for row in rows if row["subject"] == subject]
        causes = [row for row in known if row["kind"] in ("electrode", "common")]
        if any(row["gross"] for row in known):
            continue
        for row in causes:
            row.update(gross=bool(gross), what=f"{row['what']}; {what}")
        if not causes:
            one = first.get(subject) or replace(
                stats[0], subject=subject, file="opened before"
            )
            rows.append(_row(one, ["all channels"], "person", what, bool(gross)))


def _row(one, channels, kind, what, gross):
    """A row of :func:`find_faults`; of more than five channels, four are named, or that it is all."""
    names = channels if len(channels) <= 5 else [*channels[:4], f"{len(channels) - 4} more"]
    if len(channels) > 1 and channels == list(one.channels["name"]):
        names = [f"all {len(channels)} channels"]
    return {
        "subject": one.subject,
        "file": one.file,
        "channels": ", ".join(names),
        "kind": kind,
        "what": what,
        "gross": gross,
        "fix": FIXES.get(kind, UNIT),
    }
