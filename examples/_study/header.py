"""A data file before its samples: what MNE reads of it is checked against its header and its sidecar.

A recording is read by MNE alone: EEGDash's own reader repairs tables and headers in place, and locks
them.
"""

import contextlib
import warnings

import numpy as np

from _runtime import quiet_imports
from _study.catalogue import StudyError
from _study.formats import format_of
from _study.tables import find_sidecar, read_json

with quiet_imports():
    import mne


def read_header(root, path):
    """Raw of one recording, not loaded; a damaged or shortened file is an error.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    path : pathlib.Path
        A data file in it.

    Returns
    -------
    mne.io.BaseRaw
        Its last sample can be read.

    Raises
    ------
    StudyError
        If MNE cannot read it, if it has fewer or more records than its header says, or if its
        sidecar tells of another rate or length, or of epochs.
    """
    name, sidecar = _read_sidecar(root, path)
    fix = "The file is damaged or was cut short: fetch it again, or remove this recording."
    try:
        raw = _read_raw(path)
        raw.get_data(start=raw.n_times - 1)  # the end of it is there
        is_whole = format_of(path).is_whole(path, raw)
    except Exception as err:  # MNE readers raise anything on a damaged file
        raise StudyError(
            f"{path} cannot be read ({type(err).__name__}: {err}). {fix}"
        ) from err
    if not is_whole:
        raise StudyError(
            f"{path}: Number of records from the header does not match the file size (perhaps the "
            f"recording was not stopped before exiting). Inferring from the file size. {fix}"
        )
    sfreq = float(raw.info["sfreq"])
    rate = sidecar.get("SamplingFrequency")
    if isinstance(rate, int | float) and not np.isclose(rate, sfreq, rtol=1e-3):
        raise StudyError(
            f"{path.name} is sampled at {sfreq:g} Hz but {name} says {rate:g} Hz. Correct the "
            "sidecar, or fetch the file that belongs to it."
        )
    holds = raw.n_times / sfreq
    seconds = sidecar.get("RecordingDuration")
    if isinstance(seconds, int | float) and abs(holds - seconds) > 1.0:
        raise StudyError(
            f"{path} holds {holds:.1f} s but {name} says {seconds:.1f} s. {fix}"
        )
    return raw


def _read_sidecar(root, path):
    """Name and content of the ``eeg.json`` of a recording; nothing where it has none."""
    sidecar_path = find_sidecar(root, path, "eeg.json")
    if sidecar_path is None:
        return "", {}
    sidecar = read_json(sidecar_path)
    if sidecar.get("RecordingType") == "epoched":
        raise StudyError(
            f"{sidecar_path} says that {path.name} is cut into epochs: fetch the continuous recording"
        )
    return sidecar_path.name, sidecar


def _read_raw(path):
    """What MNE reads; where it fails, once more with other letters. The first error counts."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return mne.io.read_raw(path, verbose="ERROR")
        except Exception:
            letters = format_of(path).letters
            if letters:
                with contextlib.suppress(Exception):
                    return mne.io.read_raw(path, verbose="ERROR", **letters)
            raise
