"""What a study holds is counted: nobody twice, nobody lost without a word, no channel by its place."""

import dataclasses
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

import _study
from _study import StudyError
from _study.cut import _check_counts, _whole_windows
from _study.events import name_events, read_events
from _study.tables import read_table
from _study.twins import cast_shadows, find_twins
from tools import snapshot


def test_names_of_events_are_those_of_mne_bids(tmp_path):
    from mne_bids import events_file_to_annotation_kwargs

    path = tmp_path / "events.tsv"
    tables = [
        {"trial_type": ["a", "a", "b", "n/a"], "value": ["1", "2", "3", "4"]},
        {"trial_type": ["a", "b", "b", "n/a"], "value": ["1", "n/a", "3", "4"]},
        {"trial_type": ["n/a"] * 4, "value": ["1", "2", "n/a", "4"]},
        {"stim_type": ["a", "b", "b", "c"]},
        {"value": ["7", "7", "8", "n/a"]},
        {},
    ]
    for columns in tables:
        rows = {"onset": [0.0, 1.0, 2.0, 3.0], "duration": [1.0] * 4, **columns}
        pd.DataFrame(rows).to_csv(path, sep="\t", index=False)
        names = name_events(read_table(path), np.ones(4, bool))
        wanted = events_file_to_annotation_kwargs(path, verbose="ERROR")["description"]
        assert [name for name in names if name is not None] == list(wanted)


def test_interpolation_uses_the_neighbours():
    from _study.channels import mend_bad_channels

    names = ["Fz", "Cz", "Pz", "Oz", "C3", "C4", "F3", "F4"]
    raw = mne.io.RawArray(
        np.tile(np.sin(np.arange(400) / 9), (8, 1)) * 1e-5,
        mne.create_info(names, 100.0, "eeg"),
        verbose="ERROR",
    )
    raw._data[1] = 1.0
    raw.info["bads"] = ["Cz"]

    path = Path("/nowhere/sub-01/eeg/sub-01_task-x_eeg.edf")
    said = mend_bad_channels(raw, Path("/nowhere"), path, names)
    assert said == [f"{path.name}: interpolated what channels.tsv calls bad: Cz"]
    assert raw.info["bads"] == []
    np.testing.assert_allclose(raw.get_data("Cz"), raw.get_data("Fz"), rtol=0.1)


def test_people_without_a_signal_in_common_are_no_twins():
    rng = np.random.default_rng(0)
    windows = rng.standard_normal((200, 2, 256)).cumsum(axis=2).astype(np.float32)
    people = np.repeat(list("abcd"), 50)
    assert find_twins(cast_shadows(windows), people) == []
    windows[170] = 3 * windows[20] + 5
    windows[[0, 60]] = 0  # flat is no signal
    assert find_twins(cast_shadows(windows), people) == [(20, 170)]


def test_a_read_only_folder_opens(bids):
    before = snapshot(bids)
    folders = [bids, *(p for p in bids.rglob("*") if p.is_dir())]
    try:
        for folder in folders:
            folder.chmod(0o555)
        assert _study.open_study(bids).metadata["subject"].nunique() == 3
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert snapshot(bids) == before


def test_a_table_above_the_recordings_is_the_one_that_is_read(bids):
    tables = sorted(bids.glob("sub-*/eeg/*_events.tsv"))
    above = tables[0].rename(bids / "task-oddball_events.tsv")
    tables[2].unlink()
    recording = bids / "sub-03" / "eeg" / "sub-03_task-oddball_eeg.edf"
    assert read_events(bids, recording).path == above


def test_records_asked_for_twice_are_refused(bids):
    found = _study.find_study(bids)
    twice = found.records["01"] * 2
    with pytest.raises(
        StudyError, match="gave the window sub-01_task-oddball_sample-000000 twice"
    ):
        _study.open_records(bids, twice)
    with pytest.raises(StudyError, match="no recordings of .*mystudy to open"):
        _study.open_records(bids, [])


def test_a_table_that_may_not_be_read(bids, monkeypatch):
    read = Path.read_bytes

    def denied(path):
        if path.name == "participants.tsv":
            raise PermissionError(13, "Permission denied")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(StudyError, match="participants.tsv cannot be read .Permission"):
        _study.open_study(bids)


def test_what_braindecode_refuses_is_said_of_the_study(bids, monkeypatch):
    def cut(*args, **kwargs):
        raise ValueError("too short")

    monkeypatch.setattr("_study.cut.create_windows_from_events", cut)
    with pytest.raises(StudyError, match=r"cut windows of mystudy \(too short\): look at"):
        _study.open_study(bids)


def test_windows_are_counted_against_the_events():
    raw = mne.io.RawArray(np.zeros((1, 800)), mne.create_info(1, 100.0), verbose="ERROR")
    names = ["event: left", "event: right"]
    raw.set_annotations(mne.Annotations([0.0, 2.0], [2.0, 4.0], names))
    recipe = _study.get_recipe("x")
    recipe = dataclasses.replace(recipe, classes=("left", "right"))
    room = _whole_windows(raw, recipe, 200)
    _check_counts(np.array([0, 1, 1]), room, recipe, "sub-01")
    with pytest.raises(
        StudyError, match=r"sub-01 gave \[1, 1\] windows .* room for \[1, 2\]"
    ):
        _check_counts(np.array([0, 1]), room, recipe, "sub-01")
