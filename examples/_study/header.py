"""A data file before its samples: what MNE reads of it is checked against its header and its sidecar.

A recording is read by MNE alone: EEGDash's own reader repairs tables and headers in place, and locks
them.
"""

import contextlib
import re
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from _runtime import quiet_imports
from _study.catalogue import StudyError
from _study.edf import check_records, rate_of_eeg, read_edf_header
from _study.formats import SPLIT, ending_by_content, format_of
from _study.pauses import mark_cuts
from _study.tables import find_sidecar, read_json, read_table

with quiet_imports():
    import mne

DAMAGED = "The file is damaged or was cut short: fetch it again, or remove this recording."


@dataclass(frozen=True)
class Header:
    """A recording of which no sample was kept.

    Attributes
    ----------
    raw : mne.io.BaseRaw
        Its last sample can be read; cuts are marked in its annotations.
    left_out : tuple of str
        Channels of the file that are not in ``raw``.
    notes : list of str
        What has to be said about it, without its name.
    """

    raw: mne.io.BaseRaw
    left_out: tuple
    notes: list

    def rows(self, table):
        """Rows of a table of channels that are in ``raw``; None of None."""
        if table is None or not self.left_out:
            return table
        names = {*self.left_out, *(name.split()[-1] for name in self.left_out)}
        return table[~table["name"].isin(names)]


def read_header(root, path):
    """A recording, not loaded; a damaged or shortened file is an error.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    path : pathlib.Path
        A data file in it.

    Returns
    -------
    Header
        What was read and what was left out.

    Raises
    ------
    StudyError
        If MNE cannot read it, if it has fewer records than its header says, or if its sidecar tells
        of another rate, of more samples, or of epochs.
    """
    sidecar_path, sidecar = _read_sidecar(root, path)
    notes = []
    try:
        _refuse_other_content(path)
        header = read_edf_header(path)
        left_out, more = _faster_channels(root, path, header, sidecar)
        raw = _read_raw(path, left_out)
        raw.get_data(start=raw.n_times - 1)  # the end of it is there
        if header is not None:
            notes += check_records(header)
    except StudyError:
        raise
    except Exception as err:  # MNE readers raise anything on a damaged file
        _refuse_unreadable(path, err)
    _refuse_loose_parts(path, raw)
    notes += more
    sfreq = float(raw.info["sfreq"])
    rate = sidecar.get("SamplingFrequency")
    if isinstance(rate, int | float) and not np.isclose(rate, sfreq, rtol=1e-3):
        raise StudyError(
            f"{path.name} is sampled at {sfreq:g} Hz but {sidecar_path.name} says {rate:g} Hz. Correct the "
            "sidecar, or fetch the file that belongs to it."
        )
    pauses, more = mark_cuts(raw, path)
    notes += more
    span = raw.n_times / sfreq if pauses is None else pauses.span
    notes += _check_length(raw, path, span, sidecar_path, sidecar)
    return Header(raw, left_out, notes)


def _read_sidecar(root, path):
    """Path and content of the ``eeg.json`` of a recording; nothing where it has none."""
    sidecar_path = find_sidecar(root, path, "eeg.json")
    if sidecar_path is None:
        return None, {}
    sidecar = read_json(sidecar_path)
    for key in ("SamplingFrequency", "RecordingDuration"):
        with contextlib.suppress(TypeError, ValueError):  # a word says nothing
            sidecar[key] = float(sidecar.get(key))
    if sidecar.get("RecordingType") == "epoched":
        raise StudyError(
            f"{sidecar_path} says that {path.name} is cut into epochs: fetch the continuous recording"
        )
    return sidecar_path, sidecar


def _refuse_other_content(path):
    """A file of another kind than its name ends in would be read as noise."""
    ending = ending_by_content(path)
    known = path.suffix.lower()
    if ending == ".gz":
        raise StudyError(
            f"{path} is packed by gzip: unpack it, under the same name ({path.name})"
        )
    if ending != known and known in (".edf", ".bdf"):
        raise StudyError(
            f"{path} holds a {ending} file, by its first bytes: rename it to {path.stem}{ending}"
        )


def _faster_channels(root, path, header, sidecar):
    """Channels of an EDF file that are faster than its EEG, and what has to be said about rates.

    MNE raises all channels to the fastest that it reads.
    """
    if header is None or len(set(header.rates().values())) < 2:
        return (), []
    eeg = set()
    table_path = find_sidecar(root, path, "channels.tsv")
    if table_path is not None:
        table = read_table(table_path, "name", "type")
        eeg = set(table.loc[table["type"].str.upper().eq("EEG"), "name"])
    sfreq = rate_of_eeg(header, eeg, sidecar.get("SamplingFrequency"))
    rates = header.rates()
    notes = []
    fast = tuple(name for name in rates if sfreq is not None and rates[name] > sfreq)
    if fast:
        notes.append(f"faster than the EEG ({sfreq:g} Hz) and not read: {', '.join(fast)}")
    slow = [name for name in rates if name in eeg and rates[name] < (sfreq or 0)]
    if slow:
        notes.append(f"EEG that MNE raises to {sfreq:g} Hz: {', '.join(slow)}")
    return fast, notes


def _read_raw(path, left_out):
    """What MNE reads; where it fails, once more with other letters. The first error counts."""
    settings = {"exclude": left_out} if left_out else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return mne.io.read_raw(path, verbose="ERROR", **settings)
        except Exception:
            letters = format_of(path).letters
            if letters:
                with contextlib.suppress(Exception):
                    return mne.io.read_raw(path, verbose="ERROR", **settings, **letters)
            raise


def _refuse_unreadable(path, err):
    """Refuse a file on which MNE raised an error, by what it is where MNE tells that."""
    if "number of trials" in str(err):
        raise StudyError(
            f"{path} is cut into epochs, by its own header: fetch the continuous recording"
        ) from err
    part = re.search(r"next file (.+?) does not exist", str(err))
    if part:
        raise StudyError(
            f"{path} goes on in another file, which is missing: fetch {part[1]}"
        ) from err
    remedy = DAMAGED
    if isinstance(err, NotImplementedError):
        remedy = "MNE does not read what was saved like that: save one recording in another format of BIDS."
    elif _is_about_notes(err):
        remedy = (
            "The events in the file itself are wrong, one before the start, of a negative duration or with a "
            "field too few: correct them in the program that wrote it, and save it again."
        )
    raise StudyError(
        f"{path} cannot be read ({type(err).__name__}: {err}). {remedy}"
    ) from err


def _is_about_notes(err):
    """Did MNE fail in what a file says of events, and not in its signals?"""
    names = [frame.name for frame in traceback.extract_tb(err.__traceback__)]
    return any(re.search("annot|vmrk|event", name) for name in names)


def _refuse_loose_parts(path, raw):
    """The first of several parts has to lead MNE to all of them."""
    parts = path.parent.glob(re.sub(SPLIT, "_split-*_", path.name))
    loose = {part.name for part in parts} - {Path(name).name for name in raw.filenames}
    if re.search(SPLIT, path.name) and path.suffix.lower() == ".fif" and loose:
        raise StudyError(
            f"{path} does not lead on to {', '.join(sorted(loose))}: recordings of their own are told apart by "
            "run-, not by split-. Rename them and their sidecars."
        )


def _check_length(raw, path, span, sidecar_path, sidecar):
    """A recording has to be as long as its own sidecar says, or longer; other lengths are said."""
    seconds = sidecar.get("RecordingDuration")
    sfreq = raw.info["sfreq"]
    holds = raw.n_times / sfreq
    if not isinstance(seconds, int | float) or not abs(seconds - holds) > 1 < abs(
        seconds - span
    ):
        return []
    stem = re.sub(SPLIT, "_", path.name).rpartition("_")[0]
    is_own = re.sub(SPLIT, "_", sidecar_path.name) == f"{stem}_eeg.json"
    in_samples = abs(seconds - raw.n_times) <= 1
    in_ms = abs(seconds / 1000 - holds) <= 0.01
    if is_own and seconds > holds and not in_samples and not in_ms:
        raise StudyError(
            f"{path} holds {holds:.1f} s but {sidecar_path.name} says {seconds:.1f} s. {DAMAGED}"
        )
    name = "its own eeg.json" if is_own else sidecar_path.name
    return [f"not as long as {name} says (RecordingDuration): read as long as the file is"]
