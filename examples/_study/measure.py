"""A recording as it was read, in numbers, before anything was done to it.

Afterwards an average reference has filled a dead electrode with the mean of the others, and a filter has
hidden the mains. A channel in ``raw.info["bads"]`` and pieces under a ``BAD_`` annotation are not
measured, so both are ways to answer a refusal.
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
from _study.formats import format_of
from _study.names import bare
from _study.tables import entity

#: Seconds of a piece. A piece loses its mean, so that slow drifts and offsets do not count.
PIECE_S = 2.0
#: A piece is flat below this in uV, or below this share of the loudest piece where all are small.
FLAT_UV, FLAT_SHARE = 0.05, 0.005
#: Difference of two samples that are so many seconds apart, in uV: a blink has 30, a loose electrode
#: 300. A jump that a filter has made slow shows as the reach of a whole piece.
JUMP_UV, JUMP_S, SLOW_JUMP_UV = 2000.0, 0.01, 10_000.0
#: Frequencies of the mains.
MAINS_HZ = (50.0, 60.0)
#: Two electrodes are one if their difference is below this in uV, less than the noise of two
#: amplifiers, and its power below this share of the signal. Neighbours on a dense cap have 0.03.
BRIDGE_UV, BRIDGE_SHARE = 0.7, 0.01
#: What helps against an electrode.
BAD_CHANNEL = "write status bad for it in channels.tsv, or leave the person out"


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
        of the standard deviation within a piece, in uV, and ``local`` without what all channels
        share; ``flat``, ``still``, ``clipped``: share of flat pieces, of constant ones, and of
        samples at the largest or the smallest value;
        ``jump``: largest difference within ``JUMP_S`` in uV where it matters, else 0, and
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
    channels["table"] = [units.get(bare(name), "") for name in names]
    some = np.concatenate([part.some for part in parts])
    some -= some.mean(axis=2, keepdims=True)
    channels["local"] = np.median((some - np.median(some, axis=0)).std(axis=2), axis=1)
    bridges = _bridges(names, some)
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
    jump, jump_at = _largest_steps(signals, n, good, max(1, int(JUMP_S * sfreq)))
    reach = high - low
    slow = (jump < JUMP_UV) & (reach.max(axis=1) >= SLOW_JUMP_UV)
    jump = np.where(slow, reach.max(axis=1), jump)
    jump_at = np.where(slow, good[reach.argmax(axis=1)] * n, jump_at)
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


def _largest_steps(signals, n, good, lag):
    """Largest difference of samples ``lag`` apart, and where, of channels whose range has room for it."""
    jump, jump_at = np.zeros((2, len(signals)))
    for i in np.flatnonzero(np.ptp(signals, axis=1) > JUMP_UV):
        steps = np.abs(signals[i, lag:] - signals[i, :-lag])
        piece = np.arange(signals.shape[1]) // n
        inside = np.isin(piece, good) | (piece > good[-1])
        steps[~(inside[lag:] & inside[:-lag])] = 0.0
        jump[i], jump_at[i] = steps.max(), steps.argmax()
    return jump, jump_at


def _bridges(names, pieces):
    """Pairs of channels of which one is the other, from the power of their difference in some pieces.

    A hum that all share is in no difference: the signal has to be larger than a bridge without it.
    """
    pieces = pieces.reshape(len(names), -1)
    power = (pieces**2).mean(axis=1)
    apart = squareform(pdist(pieces, "sqeuclidean")) / pieces.shape[1]
    if len(names) > 2:
        power = np.minimum(power, apart.max(axis=1))
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
            units[bare(row["name"])] = (row["units"] or "").strip()
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sidecar = json.loads(path.with_name(f"{stem}_eeg.json").read_text("utf-8"))
        reference = str(sidecar.get("EEGReference", ""))
    return units, reference
