"""What a study holds is counted: nobody twice, nobody lost without a word, no channel by its place."""

import dataclasses
import re
import shutil
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest

import _study
from _study import StudyError
from _study.events import name_events, read_events
from _study.tables import read_table
from _study.twins import find_twins
from _study.windows import _check_counts
from conftest import write_bids
from test_door_tables import edit, look_at, of, opened, refused


@pytest.mark.parametrize("where", ["sourcedata", "code", "rawdata", "sub-01/eeg/loop"])
def test_copies_in_other_folders_and_loops_of_links_are_not_counted(bids, where):
    clean = _study.open_study(bids)
    if where.endswith("loop"):
        (bids / where).symlink_to(bids)
    else:
        for subject in ("01", "02", "03"):
            shutil.copytree(bids / f"sub-{subject}", bids / where / f"sub-{subject}")
    study = opened(bids)
    assert study.metadata["sample_id"].is_unique
    np.testing.assert_array_equal(study.windows, clean.windows)


@pytest.mark.parametrize("how", ["gone", "upper case", "no task"])
def test_people_without_recordings_are_said(bids, capsys, how):
    own = bids / "sub-02"
    if how == "gone":
        shutil.rmtree(own)
    elif how == "upper case":
        own.rename(bids / "SUB-02")
    else:
        for path in (own / "eeg").iterdir():
            path.rename(path.with_name(path.name.replace("_task-oddball", "")))
    assert set(opened(bids).metadata["subject"]) == {"01", "03"}
    said = capsys.readouterr().out
    assert "mystudy: 3 in participants.tsv, 2 with recordings: no sub-02" in said
    assert ("left out sub-02/eeg/sub-02_eeg.edf: its name has no _task-" in said) == (
        how == "no task"
    )


def test_events_that_give_no_window_are_named_with_their_reason(bids, capsys):
    table = of(bids, "02", "events.tsv")
    edit(table, r"^4.0\t", "n/a\t")
    edit(table, r"^0.0\t", "-1.0\t")
    edit(table, r"^16.0\t2.0", "16.0\t1.0")
    edit(table, r"^18.0\t", "60.0\t")
    study = opened(bids, classes=("left", "right"))
    assert (
        "sub-02_task-oddball_events.tsv: events lose windows: row 4 (no onset); row 2 (before the "
        "recording); row 11 (after its end); row 10 (shorter than a window)"
    ) in capsys.readouterr().out
    assert (study.metadata["subject"] == "02").sum() in (4, 6)


def test_an_event_that_outlasts_the_recording_is_said(bids, capsys):
    edit(of(bids, "02", "events.tsv"), r"^18.0\t2.0", "18.0\t8.0")
    opened(bids)
    assert "row 11 (reaching beyond its end)" in capsys.readouterr().out


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


def test_channels_in_another_order_than_their_table_are_not_renamed_by_place(bids):
    clean = _study.open_study(bids)
    table = of(bids, "02", "channels.tsv")
    head, *rows = table.read_text("utf-8").splitlines()
    names = r"lists \['Oz', 'Pz', 'Cz', 'Fz'\] and sub-02_.*edf holds \['Fz', 'Cz', 'Pz', 'Oz'\]"
    for around in ("", "EEG "):
        table.write_text(
            "\n".join([head, *(around + row for row in rows[::-1]), ""]), "utf-8"
        )
        refused(bids, "in another order" if around else f"{names}.*in another order")
    table.write_text("\n".join([head, *(f"EEG {row}" for row in rows), ""]), "utf-8")
    np.testing.assert_array_equal(
        opened(bids).windows, clean.windows
    )  # one name, said longer


def test_labels_come_from_the_table_and_never_from_marks_in_the_file(bids):
    clean = _study.open_study(bids)
    for path in bids.glob("sub-*/eeg/*_events.tsv"):
        text = path.read_text("utf-8")
        swapped = re.sub("left|right", lambda m: {"left": "right"}.get(m[0], "left"), text)
        path.write_text(swapped, "utf-8")
    np.testing.assert_array_equal(opened(bids).targets, 1 - clean.targets)


def test_an_ecg_without_a_table_stays_out_of_the_reference(bids, capsys):
    clean = _study.open_study(bids, channels=("Fz", "Cz", "Pz"))
    for path in bids.glob("sub-*/eeg/*_eeg.edf"):
        raw = mne.io.read_raw(path, verbose="ERROR").load_data()
        raw.rename_channels({"Oz": "ECG"})
        raw.export(path, overwrite=True, verbose="ERROR")
        path.with_name(path.name.replace("eeg.edf", "channels.tsv")).unlink()
    study = opened(bids)
    said = "has no channels.tsv: by its name, ECG for ECG is taken and left out of the EEG"
    assert said in capsys.readouterr().out
    assert study.ch_names == ("Fz", "Cz", "Pz")
    np.testing.assert_allclose(study.windows.mean(axis=1), 0, atol=1e-3)
    assert (
        np.abs(clean.windows.mean(axis=1)).max() > 0.1
    )  # four channels were averaged there


def test_a_bad_channel_is_interpolated_where_places_are_known(tmp_path, capsys):
    root = write_bids(tmp_path / "study")
    edit(of(root, "02", "channels.tsv"), r"^(Cz\t.*)good", r"\1bad")
    study = opened(root, subjects=["02"])
    said = capsys.readouterr().out
    assert "sub-02_task-oddball_eeg.edf: left out what channels.tsv calls bad: Cz" in said
    assert "study: Cz left out for everybody" in said  # three neighbours are too few
    assert study.ch_names == ("Fz", "Pz", "Oz")
    refused(
        root,
        r"has no channel \['Cz'\] to use: its channels.tsv calls it bad",
        channels=("Cz", "Fz"),
    )


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


def test_windows_in_segments_marked_bad_are_dropped_and_said(bids, capsys):
    table = of(bids, "02", "events.tsv")
    row = table.read_text("utf-8").splitlines()[1].split("\t")
    head = table.read_text("utf-8").splitlines()[0].split("\t")
    row[head.index("onset")], row[head.index("duration")] = "4.5", "2.0"
    row[head.index("trial_type")] = "BAD_jump"
    table.write_text(table.read_text("utf-8") + "\t".join(row) + "\n", "utf-8")
    study = opened(bids, column="age")
    assert "sub-02_task-oddball: 2 of 10 windows lie in segments marked bad, dropped" in (
        capsys.readouterr().out
    )
    assert (study.metadata["subject"] == "02").sum() == 8


def test_one_signal_of_two_people_is_found_in_another_format_and_with_another_end(bids):
    raw = mne.io.read_raw(of(bids, "01", "eeg.edf"), verbose="ERROR").load_data(
        verbose="ERROR"
    )
    raw._data[:, -1] += 1e-5
    raw._data += 1e-9
    raw.export(of(bids, "03", "eeg.edf"), overwrite=True, verbose="ERROR")
    refused(
        bids,
        "windows of two people hold the same signal, sub-01_task-oddball_sample-000.*sub-03",
    )


def test_people_without_a_signal_in_common_are_no_twins():
    rng = np.random.default_rng(0)
    windows = rng.standard_normal((200, 2, 256)).cumsum(axis=2).astype(np.float32)
    people = pd.DataFrame({"subject": np.repeat(list("abcd"), 50)})
    assert find_twins(windows, people) == []
    windows[170] = 3 * windows[20] + 5
    windows[[0, 60]] = 0  # flat is no signal
    assert find_twins(windows, people) == [(20, 170)]


def test_a_header_that_points_to_the_samples_of_another(tmp_path):
    root = write_bids(tmp_path / "study", fmt="BrainVision")
    edit(
        of(root, "03", "eeg.vhdr"),
        "^DataFile=.*$",
        "DataFile=../../sub-01/eeg/sub-01_task-oddball_eeg.eeg",
    )
    refused(
        root,
        "sub-01_task-oddball_eeg.vhdr and sub-03_task-oddball_eeg.vhdr hold the same signal",
    )


@pytest.mark.parametrize(
    "content", ["", "not a header", "<html>log in</html>", "/annex/objects/MD5E"]
)
def test_no_header_is_invented(tmp_path, content):
    root = write_bids(tmp_path / "study", fmt="BrainVision", subjects=("01", "02"))
    of(root, "02", "eeg.vhdr").write_text(content)
    refused(root, "sub-02_task-oddball_eeg.vhdr cannot be read.*fetch it again")


def test_an_event_that_one_person_has_throws_nobody_out(bids, capsys):
    edit(of(bids, "02", "events.tsv"), r"right", "artifact", count=1)
    study = opened(bids)
    assert study.classes == ("left", "right")
    assert study.metadata["subject"].nunique() == 3
    assert "not everybody has these events, left out: sub-02 has 'artifact'" in (
        capsys.readouterr().out
    )


def test_people_without_a_common_event_are_listed(bids):
    for i, path in enumerate(sorted(bids.glob("sub-*/eeg/*_events.tsv"))):
        edit(path, "left", f"l{i}")
        edit(path, "right", f"r{i}")
    refused(
        bids,
        "share no event, so there is nothing to tell apart: sub-01 has 'l0'; sub-02 has 'l1'.*Pass classes=",
    )


def test_two_tasks_are_not_one_question(bids):
    write_bids(bids, task="gonogo")
    for path in bids.glob("sub-*/eeg/*gonogo_events.tsv"):
        edit(path, "left", "go")
        edit(path, "right", "stop")
    refused(
        bids,
        r"ask different questions: gonogo \['go', 'stop'\], oddball \['left', 'right'\]. Pass task=",
    )
    assert opened(bids, task="gonogo").classes == ("go", "stop")


def test_a_short_event_inside_a_long_one_keeps_its_value_to_itself(bids):
    table = of(bids, "02", "events.tsv")
    table.write_text(
        "onset\tduration\ttrial_type\trt\n0.0\t8.0\tleft\t1.0\n3.0\t0.5\tleft\t9.0\n10.0\t2.0\tright\t2.0\n"
    )
    study = opened(bids, subjects=["02"], column="rt")
    assert study.targets.tolist() == [1.0, 1.0, 1.0, 1.0, 2.0]


def test_a_table_above_the_recordings_counts_for_all_of_them(bids):
    clean = _study.open_study(bids)
    of(bids, "01", "events.tsv").rename(bids / "task-oddball_events.tsv")
    for subject in ("02", "03"):
        of(bids, subject, "events.tsv").unlink()
    assert (
        read_events(bids, of(bids, "03", "eeg.edf")).path
        == bids / "task-oddball_events.tsv"
    )
    np.testing.assert_array_equal(opened(bids).windows, clean.windows)


def test_a_read_only_folder_opens(bids):
    before = look_at(bids)
    folders = [bids, *(p for p in bids.rglob("*") if p.is_dir())]
    try:
        for folder in folders:
            folder.chmod(0o555)
        assert _study.open_study(bids).metadata["subject"].nunique() == 3
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert {k: v[1:] for k, v in look_at(bids).items()} == {
        k: v[1:] for k, v in before.items()
    }


def test_records_asked_for_twice_are_refused(bids):
    found = _study.find_study(bids)
    twice = found.records["01"] * 2
    with pytest.raises(
        StudyError, match="gave the window sub-01_task-oddball_sample-000000 twice"
    ):
        _study.open_records(bids, twice)
    with pytest.raises(StudyError, match="no recordings of .*mystudy to open"):
        _study.open_records(bids, [])


def test_a_rate_of_another_file_in_a_table_of_channels(bids):
    table = of(bids, "02", "channels.tsv")
    own = pd.read_csv(table, sep="\t").assign(sampling_frequency=999.0)
    own.to_csv(table, sep="\t", index=False)
    refused(bids, r"sub-02.*is sampled at .* Hz but .*channels.tsv says 999 Hz in row 2")


def test_without_an_eeg_channel_there_is_no_reference(bids):
    for subject in ("01", "02", "03"):
        edit(of(bids, subject, "channels.tsv"), r"\tEEG\t", "\tEOG\t")
    names = tuple(pd.read_csv(of(bids, "01", "channels.tsv"), sep="\t")["name"])
    refused(bids, "sub-01.*has no EEG channel to reference to", channels=names)


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

    monkeypatch.setattr("_study.windows.create_windows_from_events", cut)
    refused(bids, r"Braindecode cannot cut windows of mystudy \(too short\): look at")


def test_a_study_of_bad_segments_has_no_window_left(bids):
    for subject in ("01", "02", "03"):
        table = of(bids, subject, "events.tsv")
        own = pd.read_csv(table, sep="\t")
        bad = own.iloc[:1].assign(onset=0.0, duration=19.5, trial_type="BAD_all")
        pd.concat([own, bad]).to_csv(table, sep="\t", index=False, na_rep="n/a")
    refused(
        bids, "mystudy has no window left of .*: look at the bad segments", column="age"
    )


def test_windows_are_counted_against_the_events():
    raw = mne.io.RawArray(np.zeros((1, 800)), mne.create_info(1, 100.0), verbose="ERROR")
    raw.set_annotations(mne.Annotations([0.0, 2.0], [2.0, 4.0], ["left", "right"]))
    recipe = _study.get_recipe("x")
    recipe = dataclasses.replace(recipe, classes=("left", "right"))
    _check_counts(raw, np.array([0, 1, 1]), recipe, 200, "sub-01")
    with pytest.raises(
        StudyError, match=r"sub-01 gave \[1, 1\] windows .* room for \[1, 2\]"
    ):
        _check_counts(raw, np.array([0, 1]), recipe, 200, "sub-01")
