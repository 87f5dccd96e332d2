"""EDF and BDF files by their own header: how many records, which rates, and when a record was taken.

MNE reads the signals: it goes by the size of the file, raises every channel to the fastest, and joins
what was recorded with pauses (https://www.edfplus.info/specs/edfplus.html).
"""

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from _study.catalogue import StudyError

#: A note in an annotation signal: seconds, how long, and texts; the first of a record has none.
NOTE = re.compile(
    rb"([+-]\d+(?:\.\d*)?)(?:\x15(\d+(?:\.\d*)?))?\x14((?:[^\x14\0]*\x14)*)\0"
)
ANNOTATIONS = ("EDF Annotations", "BDF Annotations")


@dataclass(frozen=True)
class EdfHeader:
    """What the header of an EDF or BDF file says, and how many records follow it.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    discontinuous : bool
        Does it say that there may be pauses between records?
    n_records : int
        As the header counts; -1 where the recorder was not stopped.
    n_present, n_rest : int
        Whole records in the file, and bytes behind the last of them.
    record_s : float
        Seconds of a record.
    labels, units : list of str
        Name and unit of each signal.
    n_samples : ndarray of int, shape (n_signals,)
        Of each signal in a record.
    n_bytes, width : int
        Bytes of the header, and of a sample.
    """

    path: Path
    discontinuous: bool
    n_records: int
    n_present: int
    n_rest: int
    record_s: float
    labels: list
    units: list
    n_samples: np.ndarray
    n_bytes: int
    width: int

    def rates(self):
        """Rate of each signal in Hz, by its name; annotations have none."""
        rates = zip(self.labels, self.n_samples / self.record_s, strict=True)
        return {label: float(rate) for label, rate in rates if label not in ANNOTATIONS}

    def notes(self):
        """Notes of each record: a list of onset, duration (bytes, in s) and texts."""
        width = self.width * int(self.n_samples.sum())
        ends = self.width * np.cumsum(self.n_samples)
        where = [i for i, label in enumerate(self.labels) if label in ANNOTATIONS]
        shape = (self.n_present, width)
        records = np.memmap(self.path, np.uint8, "r", self.n_bytes, shape)
        notes = []
        for record in records:
            parts = [
                record[ends[i] - self.width * self.n_samples[i] : ends[i]] for i in where
            ]
            notes.append(NOTE.findall(b"".join(part.tobytes() for part in parts)))
        return notes


def _text(field):
    return field.decode("latin-1").split("\0")[0].strip()


def _column(fields, n_signals, start, width):
    """One text of each signal; ``start`` bytes of each stand before all of them."""
    texts = fields[start * n_signals : (start + width) * n_signals]
    return [_text(texts[width * i :][:width]) for i in range(n_signals)]


def read_edf_header(path):
    """Read the header of a file.

    Parameters
    ----------
    path : pathlib.Path
        An EDF or BDF file.

    Returns
    -------
    EdfHeader or None
        None for a file with another ending.

    Raises
    ------
    ValueError
        If a number of it is none.
    OSError
        If it cannot be read.
    """
    if path.suffix.lower() not in (".edf", ".bdf"):
        return None
    with path.open("rb") as file:
        fixed = file.read(256)
        n_signals = int(_text(fixed[252:256]))
        fields = file.read(256 * n_signals)
    labels = _column(fields, n_signals, 0, 16)
    units = _column(fields, n_signals, 96, 8)
    n_samples = np.array([int(text) for text in _column(fields, n_signals, 216, 8)])
    n_bytes = int(_text(fixed[184:192]))
    width = 3 if path.suffix.lower() == ".bdf" else 2
    n_present, n_rest = divmod(
        path.stat().st_size - n_bytes, max(1, width * int(n_samples.sum()))
    )
    return EdfHeader(
        path=path,
        discontinuous=fixed[192:197] in (b"EDF+D", b"BDF+D"),
        n_records=int(_text(fixed[236:244])),
        n_present=n_present,
        n_rest=n_rest,
        record_s=float(_text(fixed[244:252])) or 1.0,  # as MNE takes a record of no time
        labels=labels,
        units=units,
        n_samples=n_samples,
        n_bytes=n_bytes,
        width=width,
    )


def check_records(header):
    """Are all records there that a header counts? It may count fewer than there are.

    Parameters
    ----------
    header : EdfHeader
        Of a file.

    Returns
    -------
    list of str
        What has to be said about it.

    Raises
    ------
    StudyError
        If records are missing, or no whole records follow.
    """
    no_samples = header.n_samples.min(initial=1) < 1
    more = header.n_present > header.n_records
    # A recorder that was not stopped may leave a piece of a record.
    in_part = more and header.n_records >= 0 and header.n_rest
    if no_samples or in_part or header.n_present < header.n_records:
        raise StudyError(
            f"{header.path}: its header counts {header.n_records} records of {header.n_samples.sum()} samples, "
            f"which does not match the file size: {header.n_present} are there. The file is damaged or was "
            "cut short: fetch it again, or remove this recording."
        )
    if more:
        return ["the header counts fewer records than follow it: all are read"]
    return []


def rate_of_eeg(header, eeg, sfreq):
    """Rate of the EEG in a file whose signals have several.

    Parameters
    ----------
    header : EdfHeader
        Of a file.
    eeg : collection of str
        Names of its EEG channels, as far as a table says so.
    sfreq : float or None
        What the sidecar says.

    Returns
    -------
    float or None
        In Hz: of most of the EEG channels, or that of the sidecar if a channel has it; else None.
    """
    rates = header.rates()
    of_eeg = Counter(rate for label, rate in rates.items() if label in eeg)
    if of_eeg:
        return max(of_eeg, key=of_eeg.get)
    if isinstance(sfreq, int | float):
        near = [rate for rate in rates.values() if np.isclose(rate, sfreq, rtol=1e-3)]
        return near[0] if near else None
    return None
