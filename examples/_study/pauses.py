"""Time that is not continuous: where a file joins pieces, and where an event lies in its samples.

A cut lies between two samples: no window spans it, and no filter reaches across one that the file has.
"""

import contextlib
import itertools
import re
from dataclasses import dataclass, replace

import numpy as np

from _runtime import quiet_imports
from _study.edf import read_edf_header

with quiet_imports():
    import mne

#: Name of a cut, of no duration. That of a file begins with what MNE's filters do not reach across.
CUT_OF_FILE, CUT_OF_TABLE = CUTS = ("BAD_ACQ_SKIP, cut", "BAD_cut")
#: What files call the place where two pieces were joined.
JOINT = re.compile(
    r"((bad|edge)[ _])?boundary(/.*)?|new segment(/.*)?|discontinuity(/.*)?", re.I
)


@dataclass(frozen=True)
class Pauses:
    """Pieces of a recording with pauses between them.

    Attributes
    ----------
    real, start : ndarray of float, shape (n_pieces,)
        First second of each piece, since the recording began and in the file.
    seconds : float
        Length of the file.
    notes : list of tuple
        Onset and duration in seconds since the recording began, and text, of the notes of the file.
    """

    real: np.ndarray
    start: np.ndarray
    seconds: float
    notes: list

    @property
    def span(self):
        """Seconds from the first to the last sample, with the pauses."""
        return self.real[-1] + self.seconds - self.start[-1]

    def place(self, real, ends=False):
        """Where seconds since the recording began lie in the file.

        Parameters
        ----------
        real : ndarray of float
            Seconds since the recording began.
        ends : bool
            Are these ends of events? An end inside a pause is that of the piece before it.

        Returns
        -------
        ndarray of float
            Seconds in the file; NaN inside a pause, for what is not an end.
        """
        piece = np.searchsorted(self.real, real + 1e-6, side="right") - 1
        piece = np.maximum(piece, 0)
        place = self.start[piece] + real - self.real[piece]
        stop = np.append(self.start[1:], np.inf)[piece]
        if ends:
            return np.minimum(place, stop)
        return np.where(place < stop - 1e-6, place, np.nan)


def find_pauses(path):
    """Pauses of a recording whose samples stand in the file without them.

    Parameters
    ----------
    path : pathlib.Path
        A data file.

    Returns
    -------
    pauses : Pauses or None
        None for a file without them.
    known : bool
        False for one that may have pauses and does not tell when its records were taken.
    """
    notes = []
    with contextlib.suppress(OSError, ValueError):  # is refused where it is read
        header = read_edf_header(path)
        if header is None or not header.discontinuous or header.n_present < 1:
            return None, True
        notes = header.notes()
    if not notes or not all(notes):
        return None, False
    times = np.array([float(first[0]) for first, *_ in notes])
    jumps = np.abs(np.diff(times) - header.record_s) > 1e-3
    first = np.flatnonzero(np.append(True, jumps))
    if len(first) < 2:
        return None, True
    texts = []
    for onset, duration, words in itertools.chain.from_iterable(notes):
        for word in filter(None, words.split(b"\x14")):
            text = word.decode("utf-8", "replace")
            texts.append((float(onset) - times[0], float(duration or 0), text))
    pauses = Pauses(
        real=times[first] - times[0],
        start=first * header.record_s,
        seconds=header.n_present * header.record_s,
        notes=texts,
    )
    return pauses, True


def place_events(events, path):
    """Move events to their place in a file that leaves pauses out.

    Parameters
    ----------
    events : _study.events.Events
        With onsets in seconds since the recording began.
    path : pathlib.Path
        The data file.

    Returns
    -------
    _study.events.Events
        With onsets in the file; those inside a pause have none.
    """
    pauses, _ = find_pauses(path)
    if pauses is None:
        return events
    onset = pauses.place(events.onset)
    end = pauses.place(events.onset + events.duration, ends=True)
    paused = np.isnan(onset) & np.isfinite(events.onset)
    duration = np.where(np.isnan(onset), events.duration, np.maximum(end - onset, 0))
    return replace(events, onset=onset, duration=duration, paused=paused)


def mark_cuts(raw, path):
    """Mark where a file joins pieces; notes of a file with pauses are moved to their place.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Changed in place.
    path : pathlib.Path
        Its file.

    Returns
    -------
    pauses : Pauses or None
        See :func:`find_pauses`.
    list of str
        What has to be said about it.
    """
    pauses, known = find_pauses(path)
    notes = raw.annotations
    onset, duration = notes.onset - raw.first_time, notes.duration
    names = [str(name) for name in notes.description]
    if pauses is not None:
        columns = list(zip(*pauses.notes, strict=True)) or [(), (), ()]
        onset, duration = (np.array(column, float) for column in columns[:2])
        end = pauses.place(onset + duration, ends=True)
        onset = pauses.place(onset, ends=True)
        duration, names = end - onset, list(columns[2])
        cuts = pauses.start[1:]
    else:
        is_cut = np.array([is_joint(name) for name in names], bool)
        cuts = onset[is_cut]
        onset, duration = onset[~is_cut], duration[~is_cut]
        names = [name for name in names if not is_joint(name)]
    cuts = cut_seconds(raw, cuts)
    if pauses is not None or len(cuts):
        onset, duration = np.append(onset, cuts), np.append(duration, 0 * cuts)
        raw.set_annotations(
            mne.Annotations(onset, duration, names + [CUT_OF_FILE] * len(cuts))
        )
    if not known:
        return pauses, ["may have pauses (EDF+D) and does not tell when: read without"]
    if pauses is not None:
        return pauses, ["has pauses: events are moved to their place, no window spans one"]
    return pauses, []


def is_joint(name):
    """Is this what files call a place where two pieces were joined?"""
    return JOINT.fullmatch(str(name)) is not None


def cut_seconds(raw, seconds):
    """Seconds of the first sample after each cut; what lies at either end of a recording is none.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A recording.
    seconds : ndarray of float
        Since its first sample; EEGLAB puts them between two samples.

    Returns
    -------
    ndarray of float
        Sorted, each once.
    """
    sfreq = raw.info["sfreq"]
    samples = np.unique(np.ceil(np.asarray(seconds, float) * sfreq - 1e-3))
    return samples[(samples > 0) & (samples < raw.n_times)] / sfreq
