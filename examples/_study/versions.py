"""One recording that is there twice: copied, or raw and cleaned beside each other."""

import functools
from itertools import combinations

import numpy as np

from _study.catalogue import StudyError, shorten, to_write
from _study.formats import signal_file
from _study.header import read_header
from _study.tables import comparable, entities, entity
from _study.twins import states_of

#: Entities by which a processed file is told from what it was made of.
PROCESSED = ("desc", "proc", "space")
#: Entities that can tell two versions of one recording apart, or two recordings.
VERSIONS = (*PROCESSED, "acq", "rec")
#: Phases of two recordings that are one signal agree by more than that. On 24 recordings of each of two
#: real studies: 0.36 or more, raw against filtered with three ICA components out; 0.07 or less in pairs.
ALIKE = 0.2
#: What is compared of them: seconds in the middle, and a band in Hz that cleaning leaves.
PIECE_S = 20.0
BAND = (2.0, 20.0)


def refuse_versions(root, paths):
    """Raw and cleaned beside each other are one recording: on both sides of a split it is a leak.

    A name that says it was processed is enough. Others are one recording if their signals are.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    paths : list of pathlib.Path
        Data files in it.

    Raises
    ------
    StudyError
        With the two, and how to choose.
    """
    groups = {}
    for path in paths:
        labels = comparable(path.name)
        key = [(name, labels[name]) for name in sorted(labels) if name not in VERSIONS]
        groups.setdefault((path.parent, *key), []).append(path)
    pairs = []
    for group in groups.values():
        for one, other in combinations(group, 2):
            if _differ(one, other, PROCESSED) or are_one_signal(root, one, other):
                pairs.append((one, other))
    if pairs:
        names = shorten([f"{one.name} and {other.name}" for one, other in pairs], "; ")
        raise StudyError(
            f"{names}: two versions of one recording, which would stand on both sides of a split. Choose "
            f"one: {_choice(*pairs[0])}"
        )


def _differ(one, other, keys):
    """Those entities by which two names differ."""
    return [key for key in keys if entity(one.name, key) != entity(other.name, key)]


def _choice(one, other):
    """How a recipe takes one of two recordings of a person."""
    key = _differ(one, other, {**entities(one.name), **entities(other.name)})[-1]
    labels = [f"{key}-{entity(path.name, key)}" for path in (one, other)]
    empty = f', where "{key}-" is a name without {key}' if f"{key}-" in labels else ""
    return to_write("entities", labels[:1], labels[1:]) + empty


def refuse_copies(paths):
    """Two files with the same samples are one recording: on both sides of a split it is a leak.

    Copies have the same size, so that only those are read, and of them only a piece in the middle
    and the end: a header that somebody renamed does not hide a copy.

    Parameters
    ----------
    paths : list of pathlib.Path
        Data files of a study.

    Raises
    ------
    StudyError
        If two hold the same signal.
    """
    by_size, copies = {}, []
    for path in paths:
        data = signal_file(path)
        by_size.setdefault(data.stat().st_size, []).append((path, data))
    for size, alike in by_size.items():
        seen = {}
        for path, data in alike if len(alike) > 1 else ():
            with data.open("rb") as stream:
                pieces = []
                for start in (size // 2, max(size - 2**16, 0)):
                    stream.seek(start)
                    pieces.append(stream.read(2**16))
            first = seen.setdefault(tuple(pieces), path)
            # A stretch of one and the same byte is no signal to compare.
            if first is not path and len(set(pieces[0])) > 1:
                copies.append((first, path))
    if copies:
        names = shorten([f"{one.name} and {other.name}" for one, other in copies], "; ")
        one_person = [pair for pair in copies if not _differ(*pair, ["sub"])]
        choose = f" Or choose one: {_choice(*one_person[0])}" if one_person else ""
        raise StudyError(
            f"{names} hold the same signal: one is a copy, and would stand on both sides of a split. Find "
            f"out which is right, and remove the other.{choose}"
        )


def are_one_signal(root, one, other):
    """Do two recordings of a person hold one signal, raw and cleaned perhaps?

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    one, other : pathlib.Path
        Data files in it.

    Returns
    -------
    bool
        False where one of them cannot be read: that is told when it is opened.
    """
    return _are_one_signal(root, one, other, (states_of(one), states_of(other)))


@functools.cache
def _are_one_signal(root, one, other, states):
    """The same, read again where a file has changed."""
    try:
        raws = [read_header(root, path).raw for path in (one, other)]
    except StudyError:
        return False
    names = [name for name in raws[0].ch_names if name in raws[1].ch_names]
    end = min(raw.times[-1] for raw in raws)
    if not names or end < PIECE_S / 4:  # too few frequencies to tell
        return False
    seconds = min(PIECE_S, end)
    first, second = (_phases(raw, names, (end - seconds) / 2, seconds) for raw in raws)
    n_bins = min(first.shape[1], second.shape[1])
    first, second = first[:, :n_bins], second[:, :n_bins]
    alike = np.mean(first * second.conj(), axis=1).real
    return bool(np.median(np.abs(alike)) > ALIKE)


def _phases(raw, names, start, seconds):
    """Spectra of a piece within ``BAND``, the same bins at any rate; the average reference taken away.

    Of each frequency only the phase: a rhythm or a flicker that two recordings share is one of many.
    """
    data = raw.get_data(picks=names, tmin=start, tmax=start + seconds)
    if len(names) > 3:
        data = data - data.mean(axis=0)
    spectra = np.fft.rfft(data * np.hanning(data.shape[1]), axis=1)
    low, high = (int(edge * seconds) for edge in BAND)
    spectra = spectra[:, low:high]
    return spectra / np.maximum(np.abs(spectra), np.finfo(float).tiny)
