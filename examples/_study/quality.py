"""Are these signals EEG? One look at every recording as it was read, one judgement of all people.

:func:`measure_signal` measures a recording once its samples are in memory and before anything was done to
them: afterwards an average reference has filled a dead electrode with the mean of the others, and a
filter has hidden the mains. :func:`_study.quality.check` then takes the looks of all people and their windows.
Gross faults are a :class:`StudyError` by person, file and channel; doubtful ones are one printed line
each; and the table of both is returned.

What reads windows calls, for each recording, ``looks.append(look(raw, path))`` as the first of the
preprocessing steps (after channels were dropped that play no part, and before the reference), and
once, at the end, ``_study.quality.check(name, looks, windows, metadata["sample_id"], channels,
referenced)``. A channel in ``raw.info["bads"]`` and pieces under a ``BAD_`` annotation are not looked at, so both are
ways to answer a refusal.

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

import numpy as np
import pandas as pd
from scipy.spatial.distance import pdist, squareform

from _study.catalogue import StudyError
from _study.folder import entity

#: Seconds of a piece. A piece loses its mean, so that slow drifts and offsets do not count.
PIECE_S = 2.0
#: Standard deviation within a piece, in uV, of a typical piece of a channel. EEG of adults has 3 to
#: 30, of sleeping children up to 150; an amplifier without a head still has 0.3. Outside the outer
#: pair the unit is wrong.
DOUBTFUL_UV, GROSS_UV = (0.5, 200.0), (0.1, 1000.0)
#: Times that a channel is larger or smaller than the median channel of its recording, and a person
#: than the median of all others. Clean recordings stay below 3.5.
CHANNEL_TIMES, PERSON_TIMES, GROSS_TIMES = 10.0, 5.0, 30.0
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

#: What helps against a channel.
BAD_CHANNEL = "write status bad for it in channels.tsv, or leave the recording out"


@dataclass(frozen=True)
class SignalStats:
    """What was measured in one recording.

    Attributes
    ----------
    subject, file : str
        Whose it is, and the name of its file.
    channels : dict of str to sequence
        A value per EEG channel that is not marked as bad. ``name``; ``scale``: median over pieces
        of the standard deviation within a piece, in uV; ``flat``, ``still``, ``clipped``: share of
        flat pieces, of constant ones, and of samples at the largest or the smallest value; ``jump``: largest difference of two
        successive samples in uV where it matters, else 0, and ``jump_at`` its second; ``mains``:
        amplitude in uV in a typical piece, and ``mains_hz`` its frequency; ``header``, ``table``:
        units in the file, where MNE knows them, and in ``channels.tsv``.
    bridges : list of tuple of str
        Pairs of channels with one signal.
    reference : str
        What the sidecar calls the reference.
    """

    subject: str
    file: str
    channels: dict
    bridges: list
    reference: str


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
    Look
        What was measured.

    Raises
    ------
    StudyError
        If a sample is not finite, or if no channel holds a signal.
    """
    path, sfreq = Path(path), raw.info["sfreq"]
    raw.load_data(verbose="ERROR")
    who = f"sub-{entity(path.name, 'sub')}, {path.name}"
    kinds = zip(raw.ch_names, raw.get_channel_types(), strict=True)
    eeg = [kind == "eeg" and name not in raw.info["bads"] for name, kind in kinds]
    picks = np.flatnonzero(eeg)
    names = [raw.ch_names[i] for i in picks]
    n = min(round(PIECE_S * sfreq), raw.n_times)
    good = np.flatnonzero(_good_pieces(raw, n))
    some = good[np.linspace(0, len(good) - 1, min(20, len(good))).astype(int)]
    hz = [f for f in MAINS_HZ if 2 * f < sfreq]
    waves = np.exp(2j * np.pi * np.outer(np.arange(n) / sfreq, hz)) * 2 / n
    waves = np.hstack([waves.real, waves.imag, np.full((n, 1), 1 / n)])
    parts = []
    step = max(1, 2**18 // raw.n_times)  # so many channels at a time stay in a cache
    for first in range(0, len(names), step):
        own = names[first : first + step]
        whole = raw.get_data(picks[first : first + step])
        whole *= 1e6
        for bad in np.flatnonzero(~np.isfinite(whole.sum(axis=1))):
            at = np.flatnonzero(~np.isfinite(whole[bad]))
            raise StudyError(
                f"{who}: {len(at)} samples of {own[bad]} are not finite, the first at "
                f"{at[0] / sfreq:.1f} s: {BAD_CHANNEL}"
            )
        pieces = whole[:, : raw.n_times // n * n].reshape(len(own), -1, n)
        own = _measure(pieces, good, waves) | {"some": pieces[:, some, :: max(1, n // 50)]}
        own["jump"], own["jump_at"] = _largest_steps(whole, n, good, own.pop("range"))
        parts.append(own)
    std, clipped, jump, jump_at, mains, some = (
        np.concatenate([part[key] for part in parts])
        for key in ("std", "clipped", "jump", "jump_at", "mains", "some")
    )
    if not std.any():
        raise StudyError(
            f"{who}: all {len(names)} channels are flat lines: fetch or export the recording again, "
            "or leave it out"
        )
    flat = std <= min(FLAT_UV, FLAT_SHARE * std.max())
    header = getattr(raw, "_orig_units", None) or {}  # private: it may go away
    known = "uV" if path.suffix == ".set" else ""  # the unit of EEGLAB, by convention
    table, reference = _beside(path)
    channels = {
        "name": names,
        "scale": np.median(std, axis=1),
        "flat": flat.mean(axis=1),
        "still": (std == 0).mean(axis=1),
        "clipped": np.where(flat.any(axis=1), 0.0, clipped),
        "jump": jump,
        "jump_at": jump_at / sfreq,
        "mains": mains.max(axis=1, initial=0.0),
        "mains_hz": np.array(hz or [0.0])[
            mains.argmax(axis=1) if hz else 0 * jump.astype(int)
        ],
        "header": [str(header.get(name, known)) for name in names],
        "table": [table.get(name, "") for name in names],
    }
    return SignalStats(
        entity(path.name, "sub"), path.name, channels, _bridges(names, some), reference
    )


def _measure(pieces, good, waves):
    """What :func:`measure_signal` measures, of a few channels: pieces of shape (n_chans, n_pieces, n)."""
    n_chans, n_pieces, n = pieces.shape
    pieces = pieces if len(good) == n_pieces else pieces[:, good]
    low, high = pieces.min(axis=2), pieces.max(axis=2)
    *hum, mean = np.split(pieces @ waves, [waves.shape[1] // 2, waves.shape[1] - 1], axis=2)
    power = np.einsum("ckn,ckn->ck", pieces, pieces) / n - mean[..., 0] ** 2
    hum = np.hypot(*hum)
    clipped, ends = np.zeros(n_chans), (low.min(axis=1), high.max(axis=1))
    for values, end in zip((low, high), ends, strict=True):
        often = (values == end[:, None]).mean(
            axis=1
        ) >= 0.1  # in many pieces: worth a count
        for i in np.flatnonzero(often):
            clipped[i] = max(clipped[i], (pieces[i] == end[i]).mean())
    std = np.where(high > low, np.sqrt(np.maximum(power, 0)), 0.0)
    found = {"std": std, "clipped": clipped, "range": ends[1] - ends[0]}
    return found | {"mains": np.median(hum, axis=1)}


def _largest_steps(whole, n, good, reach):
    """Largest difference of successive samples, and where, of channels whose range has room for it."""
    jump, jump_at = np.zeros((2, len(whole)))
    for i in np.flatnonzero(reach > JUMP_UV):
        steps = np.abs(np.diff(whole[i]))
        piece = np.arange(len(steps) + 1) // n
        inside = np.isin(piece, good) | (piece > good[-1])
        steps[~(inside[1:] & inside[:-1])] = 0.0
        jump[i], jump_at[i] = steps.max(), steps.argmax()
    return jump, jump_at


def _good_pieces(raw, n):
    """Which pieces of ``n`` samples have no ``BAD_`` annotation; all, where none would be left."""
    good = np.ones(max(1, raw.n_times // n), bool)
    for note in raw.annotations:
        if note["description"].lower().startswith("bad"):
            start = (note["onset"] - raw.first_time) * raw.info["sfreq"] / n
            stop = start + note["duration"] * raw.info["sfreq"] / n
            good[max(0, int(start)) : max(0, int(np.ceil(stop)))] = False
    return good if good.any() else ~good


def _bridges(names, pieces):
    """Pairs of channels of which one is the other, from the power of their difference in some pieces."""
    pieces = (pieces - pieces.mean(axis=2, keepdims=True)).reshape(len(names), -1)
    power = (pieces**2).mean(axis=1)
    apart = squareform(pdist(pieces, "sqeuclidean")) / pieces.shape[1]
    same = apart < np.minimum(
        BRIDGE_UV**2, BRIDGE_SHARE * np.minimum(power[:, None], power)
    )
    return [(names[i], names[j]) for i, j in np.argwhere(np.triu(same, 1))]


def _beside(path):
    """Units of ``channels.tsv`` and the reference of the sidecar; who reads windows checks both."""
    stem = path.name.rpartition("_")[0]
    units, reference = {}, ""
    with contextlib.suppress(OSError, ValueError, KeyError):
        text = path.with_name(f"{stem}_channels.tsv").read_text("utf-8-sig")
        for row in csv.DictReader(text.splitlines(), delimiter="\t"):
            units[row["name"]] = (row["units"] or "").strip()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        said = json.loads(path.with_name(f"{stem}_eeg.json").read_text("utf-8"))
        reference = str(said.get("EEGReference", ""))
    return units, reference


MOST_LINES = 8


UNIT = "correct the unit in the header of the file or export it again"


BAD_SPAN = "look at it in MNE, and mark it with an event BAD_jump"


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


def check(name, looks, windows, sample_ids, channels, referenced):
    """Judge the signals of a study: refuse what is gross, print what is doubtful.

    Parameters
    ----------
    name : str
        Of the study, for messages.
    looks : sequence of Look
        One per recording.
    windows : ndarray, shape (n_windows, n_chans, n_times)
        In uV, after preprocessing.
    sample_ids : sequence of str
        Of each window, the name of its recording before ``_sample-``.
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
    found = find_faults(looks, channels, referenced, windows, sample_ids)
    lines = [
        f"sub-{row.subject}, {row.file}, {row.channels}: {row.what}. {row.fix}"
        for row in found.itertuples()
    ]
    gross = [line for line, is_gross in zip(lines, found["gross"], strict=True) if is_gross]
    doubtful = [line for line in lines if line not in gross]
    for kind in (gross, doubtful):
        kind[MOST_LINES:] = [f"and {len(kind) - MOST_LINES} more"] * (
            len(kind) > MOST_LINES
        )
    if gross:
        files = found.loc[found["gross"], "file"].nunique()
        raise StudyError(
            f"{name}: the signals of {files} of {len(looks)} recordings are no EEG:\n  "
            + "\n  ".join(gross)
        )
    for line in doubtful:
        print(f"{name}, doubtful: {line}")
    return found


def find_faults(looks, channels, referenced, windows=None, sample_ids=()):
    """What is wrong with the signals of a study, a row per recording and kind of fault.

    Parameters
    ----------
    looks, channels, referenced, windows, sample_ids
        See :func:`check`. Without windows, what was measured in the recordings has to do.

    Returns
    -------
    pandas.DataFrame
        ``subject``, ``file``, ``channels`` (their names, as text), ``kind`` (a key of ``FIXES``),
        ``what`` in words, ``gross``, and ``fix``.
    """
    scales, empty = _window_scales(windows, sample_ids, channels)
    table = pd.concat(
        [pd.DataFrame(own.channels).assign(at=at) for at, own in enumerate(looks)],
        ignore_index=True,
    )
    keys = [
        (looks[at].file.rpartition("_")[0], name)
        for at, name in zip(table["at"], table["name"], strict=True)
    ]
    table["late"] = [
        scales.get(key, scale) for key, scale in zip(keys, table["scale"], strict=True)
    ]
    table["used"] = table["name"].isin(list(channels))
    table = table[
        ~table["name"].isin(_recorded_against(looks, table) if referenced else ())
    ]
    rows = []
    for kind, (refused, doubted) in _judge(table).items():
        for gross, mask in ((True, refused), (False, doubted & ~refused)):
            for at, own in table[mask].groupby("at") if mask.any() else ():
                what = WORDS[kind].format(**own.iloc[0])
                rows.append(_row(looks[at], list(own["name"]), kind, what, gross))
    dead = {row["file"] for row in rows if row["kind"] == "flat" and row["gross"]}
    for own in looks:
        n_empty = empty.get(own.file.rpartition("_")[0])
        if n_empty and own.file not in dead:
            what = f"{n_empty} windows are zero in all channels"
            rows.append(_row(own, ["all channels"], "flat", what, True))
        if pairs := [" and ".join(pair) for pair in own.bridges]:
            rows.append(_row(own, pairs, "bridge", WORDS["bridge"], False))
    sizes = table.assign(subject=[looks[at].subject for at in table["at"]])
    rows += _far_people(looks, sizes.groupby("subject")["late"].median(), rows)
    return pd.DataFrame(rows, columns=list(_row(looks[0], [], "flat", "", False)))


def _recorded_against(looks, table):
    """The electrode that all others were recorded against, if there is one: flat in all recordings.

    One person's recordings cannot tell it from a dead electrode, but its name can.
    """
    dead = table[table["still"] > 0.95].groupby("name")["at"].nunique()
    shared = list(dead.index[dead == len(looks)])
    if len({own.subject for own in looks}) == 1:
        known = (*REFERENCES, looks[0].reference.strip().lower())
        shared = [name for name in shared if name.lower() in known]
    return shared if len(shared) == 1 else ()


def _window_scales(windows, sample_ids, channels):
    """Per file and channel: median over windows of the standard deviation; per file, empty windows."""
    stems = pd.Series(list(sample_ids), dtype=str).str.split("_sample-").str[0]
    scales, empty = {}, {}
    for stem, rows in stems.groupby(stems, sort=False).groups.items():
        std = windows[rows[0] : rows[-1] + 1].std(
            axis=2
        )  # a recording's windows are together
        empty[stem] = int((std == 0).all(axis=1).sum())
        scales |= {
            (stem, c): x for c, x in zip(channels, np.median(std, axis=0), strict=True)
        }
    return scales, empty


def _judge(table):
    """For each kind of fault, which channels are refused and which are doubtful."""
    scale, late, flat, clipped = (
        table[key] for key in ("scale", "late", "flat", "clipped")
    )
    alive, never = flat < GROSS_FLAT, flat < 0
    typical = scale.where(alive).groupby(table["at"]).transform("median")
    table["times"] = times = scale / typical.fillna(1.0).replace(0.0, 1.0)
    # One broken channel reaches all others by the average: then only what was read counts.
    wrong = alive & _outside(scale, GROSS_UV)
    late = late.where(~wrong.groupby(table["at"]).transform("any"), scale)
    gross = wrong | (alive & _outside(late, GROSS_UV))
    mains = alive & ~gross & (table["mains"] >= MAINS_UV)
    odd = alive & ~mains & (_outside(scale, DOUBTFUL_UV) | _outside(late, DOUBTFUL_UV))
    clear = alive & ~gross & ~mains & ~odd  # of the others, nothing else is said
    sizes = [table[key].str.lower().map(UNITS) for key in ("header", "table")]
    differ = sizes[0].notna() & sizes[1].notna() & (sizes[0] != sizes[1])
    return {
        "scale": (gross, odd),
        "flat": (table["used"] & (flat >= GROSS_FLAT), flat >= DOUBTFUL_FLAT),
        "clipped": (
            clear & table["used"] & (clipped >= GROSS_CLIPPED),
            clear & (clipped >= DOUBTFUL_CLIPPED),
        ),
        "jump": (never, alive & ~gross & (table["jump"] >= JUMP_UV)),
        "mains": (never, mains),
        "channel": (never, clear & _outside(times, (1 / CHANNEL_TIMES, CHANNEL_TIMES))),
        "unit": (never, differ),
    }


def _outside(values, limits):
    return (values < limits[0]) | (values > limits[1])


def _row(own, channels, kind, what, gross):
    more = [f"{len(channels) - 4} more"] if len(channels) > 5 else []
    names = ", ".join([*channels[: 4 if more else 5], *more])
    about = {"subject": own.subject, "file": own.file, "channels": names, "kind": kind}
    return about | {"what": what, "gross": gross, "fix": FIXES[kind]}


def _far_people(looks, sizes, rows):
    """A row for each person whose signals are far larger or smaller than those of all others."""
    first, found = {own.subject: own for own in reversed(looks)}, []
    known = {row["subject"] for row in rows if row["gross"]}
    for subject, size in sizes.items():
        others = sizes.drop(subject).median()
        if subject in known or len(sizes) < 3 or not others > 0:
            continue
        if _outside(times := size / others, (1 / PERSON_TIMES, PERSON_TIMES)):
            what = WORDS["person"].format(size=size, times=times, n=len(sizes) - 1)
            gross = bool(_outside(times, (1 / GROSS_TIMES, GROSS_TIMES)))
            found.append(_row(first[subject], ["all channels"], "person", what, gross))
    return found
