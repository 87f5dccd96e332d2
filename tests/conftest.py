"""Small BIDS datasets to break, and a cache with a simulated study."""

import contextlib
import shutil

import mne
import numpy as np
import pandas as pd
import pytest
from mne_bids import BIDSPath, write_raw_bids

import _study

CH_NAMES = ("Fz", "Cz", "Pz", "Oz")


def write_bids(
    root,
    *,
    subjects=("01", "02", "03"),
    task="oddball",
    seconds=20,
    sfreq=128.0,
    fmt="EDF",
    spoil=None,
):
    """Write real recordings with alternating 2 s events 'left' and 'right', and ages."""
    rng = np.random.default_rng([0, *task.encode()])  # another signal for each task
    for subject in subjects:
        info = mne.create_info(list(CH_NAMES), sfreq, "eeg")
        data = rng.standard_normal((len(CH_NAMES), int(seconds * sfreq))) * 1e-5
        if spoil is not None:
            data[0, 100] = spoil
        raw = mne.io.RawArray(data, info, verbose="ERROR")
        onsets = np.arange(0, seconds, 2.0)
        names = ["left" if i % 2 else "right" for i in range(len(onsets))]
        raw.set_annotations(mne.Annotations(onsets, 2.0, names))
        raw.info["line_freq"] = 50
        write_raw_bids(
            raw,
            BIDSPath(subject=subject, task=task, datatype="eeg", root=root),
            format=fmt,
            overwrite=True,
            allow_preload=True,
            verbose="ERROR",
        )
    ids = [f"sub-{s}" for s in subjects]
    ages = [20.5 + i for i in range(len(ids))]
    table = pd.DataFrame({"participant_id": ids, "age": ages, "sex": "n/a"})
    table.to_csv(root / "participants.tsv", sep="\t", index=False)
    return root


@pytest.fixture(scope="session")
def pristine(tmp_path_factory):
    """A small BIDS dataset, written once; nobody changes it."""
    return write_bids(tmp_path_factory.mktemp("bids") / "mystudy")


@pytest.fixture
def bids(pristine, tmp_path):
    """A copy of the small BIDS dataset, to break."""
    return shutil.copytree(pristine, tmp_path / "mystudy")


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    """A cache in which the simulated study was written."""
    folder = tmp_path_factory.mktemp("cache")
    with environment(cache_dir=folder):
        _study.find_study("simulated-transfer")
    return folder


VARIABLES = {
    "cache_dir": "EEGDASH_CACHE_DIR",
    "max_subjects": "EEG_TUTORIAL_MAX_SUBJECTS",
    "download": "EEG_TUTORIAL_DOWNLOAD",
}


@contextlib.contextmanager
def environment(**given):
    """Set, for a while, the variables that stand for a cache, a limit and a permission."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in given.items():
            patch.setenv(VARIABLES[name], str(value))
        yield
