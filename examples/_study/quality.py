"""Are these signals EEG? Each recording is measured as it was read, and all people are judged together.

:func:`measure_signal` measures a recording before anything was done to it: afterwards an average
reference has filled a dead electrode with the mean of the others, and a filter has hidden the mains.
:func:`find_faults` compares what was measured in all people, and in their windows, with the limits
below, and :func:`check` refuses what is gross and prints what is doubtful. A channel in
``raw.info["bads"]`` and pieces under a ``BAD_`` annotation are not measured, so both are ways to answer
a refusal.

Why rules of our own: :func:`mne.preprocessing.annotate_amplitude` with the limits people use (peak
500 uV, flat 0.1 uV) marks pieces of 45 of the 72 clean recordings of nm000109, a quarter of their time,
and sees neither the unit nor clipping nor a bridge. :func:`mne.preprocessing.compute_bridged_electrodes`
reports two pairs in the first six of them. The rules below had no false alarm there, and were set with
these recordings in view.
"""

import contextlib
import csv
import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist, squareform

from _study.catalogue import StudyError
from _study.folder import entity
from _study.formats import format_of

#: Seconds of a piece. A piece loses its mean, so that slow drifts and offsets do not count.
PIECE_S = 2.0
#: Standard deviation within a piece, in uV, of a typical piece of a channel. EEG of adults has 3 to
#: 30, of sleeping children up to 150; an amplifier without a head still has 0.3. Outside the outer
#: pair the unit is wrong.
DOUBTFUL_UV, GROSS_UV = (0.5, 200.0), (0.1, 1000.0)
#: Times that a channel is larger or smaller than the median channel of its recording, and a person
#: than the median of all others. Clean recordings stay below 3.5.
CHANNEL_TIMES = 10.0
PERSON_TIMES, GROSS_TIMES = 5.0, 30.0
#: A piece is flat below this in uV, or below this share of the loudest piece where all are small.
FLAT_UV, FLAT_SHARE = 0.05, 0.005
#: Share of flat pieces. A pause at the end of a clean recording was 3 of 100.
DOUBTFUL_FLAT, GROSS_FLAT = 0.10, 0.25
#: Share of samples that sit exactly on the largest or the smallest value; 16 bits give 1 in 1,000.
DOUBTFUL_CLIPPED, GROSS_CLIPPED = 0.005, 0.05
#: Difference of two successive samples, in uV. A blink has 30, a loose electrode 300.
JUMP_UV = 2000.0
#: Amplitude of the mains in uV, at 50 or 60 Hz, from which shielding or grounding failed.
MAINS_HZ, MAINS_UV = (50.0, 60.0), 50.0
#: Two electrodes are one if their difference is below this in uV, less than the noise of two
#: amplifiers, and its power below this share of the signal. Neighbours on a dense cap have 0.03.
BRIDGE_UV, BRIDGE_SHARE = 0.7, 0.003
#: Electrodes against which others are recorded: flat until the signals are referenced again.
REFERENCES = ("cz", "fcz", "ref", "vref", "e129", "e257", "a1", "a2", "m1", "m2")
#: Units that a table of channels may give, and what they are in uV.
UNITS = {"v": 1e6, "mv": 1e3, "uv": 1.0, "µv": 1.0, "μv": 1.0, "microv": 1.0, "nv": 1e-3}

#: Lines of one weight that are shown; of more, the number.
MOST_LINES = 8
#: What helps against a channel, a unit, a span.
BAD_CHANNEL = "write status bad for it in channels.tsv, or leave the recording out"
UNIT = "correct the unit in the header of the file or export it again"
BAD_SPAN = "look at it in MNE, and mark it with an event BAD_jump"
#: What helps, by kind of fault.
FIXES = {
    "scale": UNIT,
    "unit": "correct the units in channels.tsv, or find out which of the two is right",
    "person": UNIT,
    "flat": BAD_CHANNEL,
    "clipped": BAD_CHANNEL,
    "jump": BAD_SPAN,
    "mains": "look at its spectrum; a filter below the mains takes it away",
    "bridge": "look at them in MNE, and write status bad for one of them in channels.tsv",
    "channel": BAD_CHANNEL,
}
#: What is said of each kind, filled in from a row of :attr:`SignalStats.channels`.
WORDS = {
    "scale": "{scale:,.4g} uV in a typical piece as read and {late:,.4g} uV in windows, where EEG has "
    "3 to 30; the header gives the unit as {header!r}",
    "unit": "the file says {header}, channels.tsv says {table}",
    "person": "{size:.3g} uV in a typical window, {times:.2g} times the median of {n} others",
    "flat": "flat in {flat:.0%} of the recording",
    "clipped": "clipped: {clipped:.1%} of the samples are the largest or the smallest value",
    "jump": "a jump of {jump:,.0f} uV at {jump_at:.1f} s",
    "mains": "{mains:,.0f} uV of {mains_hz:g} Hz, the mains",
    "bridge": "one signal, by a bridge of gel or by a copy",
    "channel": "{times:.2g} times as large as the median channel",
}
#: Columns of :func:`find_faults`.
COLUMNS = ("subject", "file", "channels", "kind", "what", "gross", "fix")


class NotFiniteError(StudyError):
    """A sample of a recording is infinite, or no number."""


@dataclass(frozen=True)
class SignalStats:
    """What was measured in one recording.

    Attributes
    ----------
    subject : str
        Whose it is.
    file : str
        Name of its file.
    channels : pandas.DataFrame
        A row per EEG channel that is not marked as bad. ``name``; ``scale``: median over pieces
        of the standard deviation within a piece, in uV; ``flat``, ``still``, ``clipped``: share of
        flat pieces, of constant ones, and of samples at the largest or the smallest value;
        ``jump``: largest difference of two successive samples in uV where it matters, else 0, and
        ``jump_at`` its second; ``mains``: amplitude in uV in a typical piece, and ``mains_hz`` its
        frequency; ``header``, ``table``: units in the file, where MNE knows them, and in
        ``channels.tsv``.
    bridges : list of tuple of str
        Pairs of channels with one signal.
    reference : str
        What the sidecar calls the reference.
    """

    subject: str
    file: str
    channels: pd.DataFrame
    bridges: list
    reference: str

    @property
    def recording(self):
        """Name of the file up to ``_eeg``, as a table of windows has it."""
        return self.file.rpartition("_")[0]


def measure_signal(raw, path):
    """Measure the EEG channels of a recording as it was read.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A recording before any step; its samples are loaded if they are not.
    path : path-like
        Its file. The tables beside it are read if they are there.

    Returns
    -------
    SignalStats
        What was measured.

    Raises
    ------
    NotFiniteError
        If a sample is not finite.
    StudyError
        If there is no EEG channel, or none holds a signal.
    """
    path = Path(path)
    raw.load_data(verbose="ERROR")
    subject = entity(path.name, "sub")
    label = f"sub-{subject}, {path.name}"
    kinds = zip(raw.ch_names, raw.get_channel_types(), strict=True)
    is_eeg = [kind == "eeg" and name not in raw.info["bads"] for name, kind in kinds]
    picks = np.flatnonzero(is_eeg)
    if not len(picks):
        raise StudyError(f"{label} has no EEG channel: correct the types in channels.tsv")
    names = [raw.ch_names[i] for i in picks]
    n = min(round(PIECE_S * raw.info["sfreq"]), raw.n_times)
    good = np.flatnonzero(_good_pieces(raw, n))
    parts = []
    step = max(1, 2**18 // raw.n_times)  # so many channels at a time stay in a cache
    for first in range(0, len(picks), step):
        parts.append(_measure_channels(raw, picks[first : first + step], n, good, label))
    std = np.concatenate([part.std for part in parts])
    if not std.any():
        raise StudyError(
            f"{label}: all {len(names)} channels are flat lines: fetch or export the recording again, "
            "or leave it out"
        )
    units, reference = _read_beside(path)
    header = getattr(raw, "_orig_units", None) or {}  # private: it may go away
    known = format_of(path).unit
    flat = std <= min(FLAT_UV, FLAT_SHARE * std.max())
    channels = pd.concat([part.table for part in parts], ignore_index=True)
    channels["clipped"] = channels["clipped"].where(~flat.any(axis=1), 0.0)
    channels["name"] = names
    channels["scale"] = np.median(std, axis=1)
    channels["flat"] = flat.mean(axis=1)
    channels["still"] = (std == 0).mean(axis=1)
    channels["header"] = [str(header.get(name, known)) for name in names]
    channels["table"] = [units.get(name, "") for name in names]
    bridges = _bridges(names, np.concatenate([part.some for part in parts]))
    return SignalStats(subject, path.name, channels, bridges, reference)


def _good_pieces(raw, n):
    """Which pieces of ``n`` samples have no ``BAD_`` annotation; all, where none would be left."""
    good = np.ones(max(1, raw.n_times // n), bool)
    for note in raw.annotations:
        if note["description"].lower().startswith("bad"):
            start = (note["onset"] - raw.first_time) * raw.info["sfreq"] / n
            stop = start + note["duration"] * raw.info["sfreq"] / n
            good[max(0, int(start)) : max(0, int(np.ceil(stop)))] = False
    return good if good.any() else ~good


class _Part(NamedTuple):
    """What was measured in a few channels.

    Attributes
    ----------
    table : pandas.DataFrame
        A row per channel: ``clipped``, ``jump``, ``jump_at``, ``mains`` and ``mains_hz``.
    std : ndarray, shape (n_chans, n_good)
        Standard deviation within each good piece, in uV.
    some : ndarray, shape (n_chans, n_some, n_samples)
        A few samples of a few good pieces, in uV, for :func:`_bridges`.
    """

    table: pd.DataFrame
    std: np.ndarray
    some: np.ndarray


def _measure_channels(raw, picks, n, good, label):
    """Measure a few channels, in pieces of ``n`` samples of which ``good`` count."""
    sfreq = raw.info["sfreq"]
    signals = raw.get_data(picks)
    signals *= 1e6
    _refuse_not_finite(raw, picks, signals, label)
    pieces = signals[:, : raw.n_times // n * n].reshape(len(picks), -1, n)
    chosen = good[np.linspace(0, len(good) - 1, min(20, len(good))).astype(int)]
    some = pieces[:, chosen, :: max(1, n // 50)]
    pieces = pieces if len(good) == pieces.shape[1] else pieces[:, good]
    low, high = pieces.min(axis=2), pieces.max(axis=2)
    std, mains = _std_and_mains(pieces, sfreq)
    std = np.where(high > low, std, 0.0)
    jump, jump_at = _largest_steps(signals, n, good, high.max(axis=1) - low.min(axis=1))
    table = pd.DataFrame(
        {
            "clipped": _clipped(pieces, low, high),
            "jump": jump,
            "jump_at": jump_at / sfreq,
            **mains,
        }
    )
    return _Part(table, std, some)


def _refuse_not_finite(raw, picks, signals, label):
    """Every sample has to be a number, also beyond the last whole piece."""
    for i in np.flatnonzero(~np.isfinite(signals.sum(axis=1))):
        at = np.flatnonzero(~np.isfinite(signals[i]))
        raise NotFiniteError(
            f"{label}: {len(at)} samples of {raw.ch_names[picks[i]]} are not finite, the first at "
            f"{at[0] / raw.info['sfreq']:.1f} s: {BAD_CHANNEL}"
        )


def _std_and_mains(pieces, sfreq):
    """Standard deviation of each piece, and the mains of each channel: amplitude and frequency.

    One product gives the mean and the parts of each frequency, which is why they stand together.
    """
    n = pieces.shape[2]
    hz = [f for f in MAINS_HZ if 2 * f < sfreq]
    waves = np.exp(2j * np.pi * np.outer(np.arange(n) / sfreq, hz)) * 2 / n
    waves = np.hstack([waves.real, waves.imag, np.full((n, 1), 1 / n)])
    *parts, mean = np.split(pieces @ waves, [len(hz), 2 * len(hz)], axis=2)
    power = np.einsum("ckn,ckn->ck", pieces, pieces) / n - mean[..., 0] ** 2
    std = np.sqrt(np.maximum(power, 0))
    if not hz:
        return std, {"mains": 0.0, "mains_hz": 0.0}
    amplitude = np.median(np.hypot(*parts), axis=1)  # of a typical piece
    loudest = np.array(hz)[amplitude.argmax(axis=1)]
    return std, {"mains": amplitude.max(axis=1), "mains_hz": loudest}


def _clipped(pieces, low, high):
    """Share of samples at the smallest or the largest value of a channel, where many pieces reach it."""
    share = np.zeros(len(pieces))
    for values, end in ((low, low.min(axis=1)), (high, high.max(axis=1))):
        often = (values == end[:, None]).mean(axis=1) >= 0.1  # worth a count
        for i in np.flatnonzero(often):
            share[i] = max(share[i], (pieces[i] == end[i]).mean())
    return share


def _largest_steps(signals, n, good, reach):
    """Largest difference of successive samples, and where, of channels whose range has room for it."""
    jump, jump_at = np.zeros((2, len(signals)))
    for i in np.flatnonzero(reach > JUMP_UV):
        steps = np.abs(np.diff(signals[i]))
        piece = np.arange(len(steps) + 1) // n
        inside = np.isin(piece, good) | (piece > good[-1])
        steps[~(inside[1:] & inside[:-1])] = 0.0
        jump[i], jump_at[i] = steps.max(), steps.argmax()
    return jump, jump_at


def _bridges(names, pieces):
    """Pairs of channels of which one is the other, from the power of their difference in some pieces."""
    pieces = (pieces - pieces.mean(axis=2, keepdims=True)).reshape(len(names), -1)
    power = (pieces**2).mean(axis=1)
    apart = squareform(pdist(pieces, "sqeuclidean")) / pieces.shape[1]
    same = apart < np.minimum(
        BRIDGE_UV**2, BRIDGE_SHARE * np.minimum(power[:, None], power)
    )
    return [(names[i], names[j]) for i, j in np.argwhere(np.triu(same, 1))]


def _read_beside(path):
    """Units of ``channels.tsv`` and the reference of the sidecar, as far as they can be read."""
    stem = path.name.rpartition("_")[0]
    units, reference = {}, ""
    with contextlib.suppress(OSError, ValueError, KeyError):
        text = path.with_name(f"{stem}_channels.tsv").read_text("utf-8-sig")
        for row in csv.DictReader(text.splitlines(), delimiter="\t"):
            units[row["name"]] = (row["units"] or "").strip()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sidecar = json.loads(path.with_name(f"{stem}_eeg.json").read_text("utf-8"))
        reference = str(sidecar.get("EEGReference", ""))
    return units, reference


def check(name, stats, windows, recordings, channels, referenced):
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
        Of each window, as :attr:`SignalStats.recording`; windows of a recording are together.
    channels : sequence of str
        Of the windows.
    referenced : bool
        Were the signals referenced again, so that a channel may be flat in the file?

    Returns
    -------
    pandas.DataFrame
        See :func:`find_faults`.

    Raises
    ------
    StudyError
        If a fault is gross. All of them are counted, and the first are named.
    """
    faults = find_faults(stats, channels, referenced, windows, recordings)
    is_gross = faults["gross"].astype(bool)
    gross = _lines(faults[is_gross])
    if gross:
        n_files = faults.loc[is_gross, "file"].nunique()
        raise StudyError(
            f"{name}: the signals of {n_files} of {len(stats)} recordings are no EEG:\n  "
            + "\n  ".join(gross)
        )
    for line in _lines(faults[~is_gross]):
        print(f"{name}, doubtful: {line}")
    return faults


def _lines(faults):
    """The first faults in words, and how many more there are."""
    lines = [
        f"sub-{row.subject}, {row.file}, {row.channels}: {row.what}. {row.fix}"
        for row in faults.itertuples()
    ]
    if len(lines) <= MOST_LINES:
        return lines
    return [*lines[:MOST_LINES], f"and {len(lines) - MOST_LINES} more"]


def find_faults(stats, channels, referenced, windows=None, recordings=()):
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

    Returns
    -------
    pandas.DataFrame
        ``subject``, ``file``, ``channels`` (their names, as text), ``kind`` (a key of ``FIXES``),
        ``what`` in words, ``gross``, and ``fix``.
    """
    scales, n_empty = _measure_windows(windows, recordings, channels)
    table = _join(stats, scales, channels)
    if referenced:
        table = table[~table["name"].isin(_recorded_against(stats, table))]
    table = table.assign(times=_times_typical(table))
    rows = _faults_of_channels(stats, table)
    dead = {row["file"] for row in rows if row["kind"] == "flat" and row["gross"]}
    for one in stats:
        if n_empty.get(one.recording) and one.file not in dead:
            what = f"{n_empty[one.recording]} windows are zero in all channels"
            rows.append(_row(one, ["all channels"], "flat", what, True))
        if one.bridges:
            pairs = [" and ".join(pair) for pair in one.bridges]
            rows.append(_row(one, pairs, "bridge", WORDS["bridge"], False))
    known = {row["subject"] for row in rows if row["gross"]}
    rows += _far_people(stats, table, known)
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


def _times_typical(table):
    """How many times as large as the median channel of its recording each channel is."""
    alive = table["flat"] < GROSS_FLAT
    typical = table["scale"].where(alive).groupby(table["at"]).transform("median")
    return table["scale"] / typical.fillna(1.0).replace(0.0, 1.0)


def _faults_of_channels(stats, table):
    """A row for each recording and kind of fault of its channels; what is gross comes first."""
    rows = []
    for kind, (refused, doubted) in _judge(table).items():
        for gross, mask in ((True, refused), (False, doubted & ~refused)):
            for at, channels in table[mask].groupby("at"):
                what = WORDS[kind].format(**channels.iloc[0])
                rows.append(_row(stats[at], list(channels["name"]), kind, what, gross))
    return rows


def _judge(table):
    """For each kind of fault, which channels are refused and which are doubtful."""
    scale, late = table["scale"], table["late"]
    flat, clipped = table["flat"], table["clipped"]
    alive, never = flat < GROSS_FLAT, flat < 0
    # One broken channel reaches all others by the average: then only what was read counts.
    wrong = alive & _outside(scale, GROSS_UV)
    late = late.where(~wrong.groupby(table["at"]).transform("any"), scale)
    gross = wrong | (alive & _outside(late, GROSS_UV))
    mains = alive & ~gross & (table["mains"] >= MAINS_UV)
    odd = alive & ~mains & (_outside(scale, DOUBTFUL_UV) | _outside(late, DOUBTFUL_UV))
    clear = alive & ~gross & ~mains & ~odd  # of the others, nothing else is said
    far = _outside(table["times"], (1 / CHANNEL_TIMES, CHANNEL_TIMES))
    header, told = (table[key].str.lower().map(UNITS) for key in ("header", "table"))
    return {
        "scale": (gross, odd),
        "flat": (table["used"] & (flat >= GROSS_FLAT), flat >= DOUBTFUL_FLAT),
        "clipped": (
            clear & table["used"] & (clipped >= GROSS_CLIPPED),
            clear & (clipped >= DOUBTFUL_CLIPPED),
        ),
        "jump": (never, alive & ~gross & (table["jump"] >= JUMP_UV)),
        "mains": (never, mains),
        "channel": (never, clear & far),
        "unit": (never, header.notna() & told.notna() & (header != told)),
    }


def _outside(values, limits):
    return (values < limits[0]) | (values > limits[1])


def _far_people(stats, table, known):
    """A row for each person whose signals are far larger or smaller than those of all others.

    Of those in ``known``, something gross was said already.
    """
    first = {one.subject: one for one in reversed(stats)}
    subjects = table["at"].map(lambda at: stats[at].subject)
    sizes = table["late"].groupby(subjects).median()
    if len(sizes) < 3:
        return []
    rows = []
    for subject, size in sizes.items():
        others = sizes.drop(subject).median()
        if subject in known or not others > 0:
            continue
        times = size / others
        if _outside(times, (1 / PERSON_TIMES, PERSON_TIMES)):
            what = WORDS["person"].format(size=size, times=times, n=len(sizes) - 1)
            gross = bool(_outside(times, (1 / GROSS_TIMES, GROSS_TIMES)))
            rows.append(_row(first[subject], ["all channels"], "person", what, gross))
    return rows


def _row(one, channels, kind, what, gross):
    """A row of :func:`find_faults`; of more than five channels, four are named."""
    names = channels if len(channels) <= 5 else [*channels[:4], f"{len(channels) - 4} more"]
    return {
        "subject": one.subject,
        "file": one.file,
        "channels": ", ".join(names),
        "kind": kind,
        "what": what,
        "gross": gross,
        "fix": FIXES[kind],
    }
