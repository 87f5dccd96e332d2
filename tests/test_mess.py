"""Real studies are untidy: what open_study survives, and what it refuses by name, on such a layout."""

import re
import shutil
import zlib

import mne
import numpy as np
import pandas as pd
import pytest
from mne_bids import BIDSPath, write_raw_bids

import _study
import _study.find
from _helpers.run_example import find_data
from _study import StudyError, open_study
from conftest import snapshot

NAMES = ("Fp1", "Cz", "Pz", "O2")
SFREQ = 160.0
SECONDS = {"rest": 30, "arithmetic": 12}


def write_recording(
    root, subject, task, seconds, *, ch_names=NAMES, sfreq=SFREQ, seed=0, **kwargs
):
    """One recording that is one event, named like its task; every channel has a scale of its own."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{subject} {task} {kwargs}".encode())])
    scale = np.array([[1.0 + NAMES.index(name) for name in ch_names]]).T * 1e-5
    data = rng.standard_normal((len(ch_names), int(seconds * sfreq))) * scale
    raw = mne.io.RawArray(
        data, mne.create_info(list(ch_names), sfreq, "eeg"), verbose="ERROR"
    )
    raw.set_annotations(mne.Annotations([0.0], [seconds], [task]))
    raw.info["line_freq"] = 50
    path = BIDSPath(subject=subject, task=task, datatype="eeg", root=root, **kwargs)
    write_raw_bids(
        raw, path, format="EDF", overwrite=True, allow_preload=True, verbose="ERROR"
    )


def write_participants(root, subjects, encoding="utf-8", **columns):
    ids = [f"sub-{s}" for s in subjects]
    table = pd.DataFrame(
        {"participant_id": ids, "age": range(18, 18 + len(ids)), **columns}
    )
    table.to_csv(root / "participants.tsv", sep="\t", index=False, encoding=encoding)


@pytest.fixture(scope="session")
def tidy(tmp_path_factory):
    """Two recordings per person, laid out like nm000109, whose recipe its name calls for."""
    root = tmp_path_factory.mktemp("mess") / "nm000109"
    subjects = ["00", "01", "02", "03"]
    for subject in subjects:
        for task, seconds in SECONDS.items():
            write_recording(root, subject, task, seconds)
    write_participants(root, subjects)
    return root


@pytest.fixture
def study(tidy, tmp_path):
    """A copy to make a mess of."""
    return shutil.copytree(tidy, tmp_path / "nm000109")


def eeg(root, subject, task, end="eeg.edf"):
    return root / f"sub-{subject}" / "eeg" / f"sub-{subject}_task-{task}_{end}"


def counts(opened):
    return opened.metadata.groupby(["subject", "target"]).size().unstack().to_numpy()


def refused(match, root, **kwargs):
    before = snapshot(root)
    with pytest.raises(StudyError, match=match):
        open_study(root, **kwargs)
    assert snapshot(root) == before


def test_the_tidy_study_opens_by_its_recipe(tidy):
    opened = open_study(tidy)
    assert opened.classes == ("rest", "arithmetic")
    assert opened.windows.shape == (4 * 2 * 6, 4, 256)
    assert (counts(opened) == 6).all()


def test_recordings_of_different_lengths_give_every_person_as_many_of_each_class(study):
    write_recording(study, "01", "rest", 14)  # much shorter than the others' 30 s
    write_recording(study, "02", "arithmetic", 20)
    opened = open_study(study)
    assert counts(opened).tolist() == [[6, 6], [6, 6], [10, 10], [6, 6]]


def test_one_recording_of_80_s_among_recordings_of_180_s(study):
    for subject, seconds in (("00", 180), ("01", 180), ("02", 80)):
        write_recording(study, subject, "rest", seconds)
        write_recording(study, subject, "arithmetic", 62)
    opened = open_study(study, subjects=["00", "01", "02"])
    assert (counts(opened) == 31).all()
    # Spread over the recording, from its first window to its last.
    own = opened.metadata.query("subject == '02' and target == 0")["sample_id"]
    starts = own.str.split("-").str[-1].astype(int) / 128
    assert (starts.min(), starts.max()) == (0, 78)


def test_a_recording_shorter_than_a_window_is_named(study):
    write_recording(study, "03", "rest", 1)
    refused(
        "sub-03_task-rest_eeg.edf has no event rest or arithmetic as long as a window of 2 s.*window_s=",
        study,
    )


def test_channels_in_another_order_line_up_by_name(study):
    tidy = open_study(study, subjects=["01"])
    write_recording(study, "01", "rest", 30, ch_names=("O2", "Fp1", "Pz", "Cz"), seed=5)
    opened = open_study(study)
    assert opened.ch_names == NAMES
    rest = (opened.metadata["subject"] == "01") & (opened.metadata["target"] == 0)
    loud = opened.windows[rest.to_numpy()].std(axis=(0, 2))
    assert (np.diff(loud) > 0).all()  # as written: the further down the list, the larger
    np.testing.assert_allclose(loud, tidy.windows[:6].std(axis=(0, 2)), rtol=0.2)


def test_a_channel_that_one_file_lacks_is_named(study):
    write_recording(study, "02", "rest", 30, ch_names=("Fp1", "Cz", "O2"))
    refused(r"sub-02_task-rest_eeg.edf has no channel \['Pz'\]", study)


def test_a_person_with_one_of_two_tasks(study, tmp_path, capsys):
    for path in study.glob("sub-01/eeg/*task-arithmetic*"):
        path.unlink()
    refused(r"sub-01 has no recording of task \['arithmetic'\].*fetch it", study)
    # A folder that no recipe knows asks for no task: who lacks a class is left out, by name.
    other = shutil.copytree(study, tmp_path / "somebody_elses")
    opened = open_study(other)
    assert set(opened.metadata["subject"]) == {"00", "02", "03"}
    assert "dropped sub-01: no window of 'arithmetic'" in capsys.readouterr().out


def test_nobody_has_both_classes(study, tmp_path):
    for path in (*study.glob("sub-0[01]/eeg/*arith*"), *study.glob("sub-0[23]/eeg/*rest*")):
        path.unlink()
    other = shutil.copytree(study, tmp_path / "somebody_elses")
    refused(
        "nobody in somebody_elses has windows of all classes .*'arithmetic', 'rest'", other
    )


def test_a_recording_filed_under_two_people(study):
    shutil.copy(eeg(study, "00", "rest"), eeg(study, "02", "rest"))
    refused(
        "sub-00_task-rest_eeg.edf and sub-02_task-rest_eeg.edf hold the same signal.*both sides",
        study,
    )


def test_a_recording_filed_twice_for_one_person(study, tmp_path):
    for path in study.glob("sub-01/eeg/sub-01_task-rest_*"):
        shutil.copy(
            path, path.with_name(path.name.replace("_task-rest_", "_task-rest_run-02_"))
        )
    refused(
        "sub-01_task-rest_eeg.edf and sub-01_task-rest_run-02_eeg.edf hold the same", study
    )


def test_two_runs_that_are_not_copies_are_two_recordings(study):
    write_recording(study, "01", "arithmetic", 12, run="02")
    assert counts(open_study(study)).tolist() == [[6, 6], [12, 12], [6, 6], [6, 6]]


def test_one_recording_in_two_formats(study):
    shutil.copy(eeg(study, "01", "rest"), eeg(study, "01", "rest", "eeg.bdf"))
    refused("sub-01_task-rest has 2 data files: .*eeg.bdf.*eeg.edf.*Keep one", study)


def test_words_beyond_ascii_in_participants(study):
    write_participants(
        study, ["00", "01", "02", "03"], name=["Zoë", "José", "Łukasz", "美咲"]
    )
    assert open_study(study).metadata["subject"].nunique() == 4
    listed = _study.list_people(study)
    assert listed.loc["03", "name"] == "美咲"


def test_participants_with_the_mark_that_spreadsheets_put_in_front(study):
    write_participants(study, ["00", "01", "02", "03"], encoding="utf-8-sig")
    assert open_study(study, column="age").metadata["subject"].nunique() == 4


def test_participants_in_another_encoding(study):
    names = ["Zoë", "José", "Jürgen", "Ann"]
    write_participants(study, ["00", "01", "02", "03"], encoding="latin-1", name=names)
    refused("participants.tsv is not UTF-8 .*byte 0xeb.*Save it as UTF-8", study)


def rename_person(root, old, new):
    (root / f"sub-{old}").rename(root / f"sub-{new}")
    for path in (root / f"sub-{new}" / "eeg").iterdir():
        path.rename(path.with_name(path.name.replace(f"sub-{old}", f"sub-{new}")))


def test_a_label_beyond_ascii(study):
    # BIDS allows letters and digits only; nothing here depends on that.
    rename_person(study, "01", "Zoë")
    write_participants(study, ["00", "Zoë", "02", "03"])
    assert sorted(set(open_study(study).metadata["subject"])) == ["00", "02", "03", "Zoë"]


def test_a_sidecar_that_disagrees_about_the_rate(study):
    sidecar = eeg(study, "02", "rest", "eeg.json")
    text = sidecar.read_text()
    assert '"SamplingFrequency": 160.0' in text
    sidecar.write_text(
        text.replace('"SamplingFrequency": 160.0', '"SamplingFrequency": 500')
    )
    refused(
        "sub-02_task-rest_eeg.edf is sampled at 160 Hz but sub-02_task-rest_eeg.json says 500 Hz.*Correct",
        study,
    )


def test_people_recorded_at_another_rate(study):
    write_recording(study, "01", "rest", 30, sfreq=200.0)
    opened = open_study(study)
    assert opened.sfreq == 128.0
    assert (counts(opened) == 6).all()


# --------------------------------------------------------- the bad inputs of any study, here as well


def test_cut_short(study):
    path = eeg(study, "02", "arithmetic")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused("sub-02_task-arithmetic_eeg.edf.*fetch it again", study)


def test_a_pointer_where_the_data_should_be(study):
    path = eeg(study, "02", "rest")
    path.unlink()
    path.symlink_to(study / ".git" / "annex" / "gone.edf")
    refused("data file of sub-02_task-rest is missing", study)


def test_nobody_knows_this_person(study):
    write_participants(study, ["00", "01", "02"])
    refused("sub-03 has recordings but no row in .*participants.tsv", study)


def test_other_words_for_the_tasks(study):
    for path in sorted(study.glob("sub-*/eeg/*arithmetic*")):
        path.rename(path.with_name(path.name.replace("arithmetic", "counting")))
    refused(
        r"sub-00 has no recording of task \['arithmetic'\].*\['counting', 'rest'\]", study
    )


def test_other_words_for_the_events(study):
    for path in study.glob("sub-*/eeg/*arithmetic_events.tsv"):
        path.write_text(re.sub(r"\barithmetic\b", "sums", path.read_text()))
    refused(r"no event \['arithmetic'\] in nm000109: the events there are", study)


def test_an_age_that_is_missing(study):
    table = study / "participants.tsv"
    table.write_text(table.read_text().replace("\t19", "\tn/a"))
    refused("target 'age' of sub-01 is 'n/a'", study, column="age")
    opened = open_study(study, column="age", on_missing="drop")
    assert set(opened.metadata["subject"]) == {"00", "02", "03"}


def test_the_session_fetches_what_it_was_allowed_to_fetch(tidy, tmp_path, monkeypatch):
    """With a stand-in for the fetch; what it says and refuses is tested with open_study."""
    asked = []

    def stand_in(name, row, task, max_subjects, cached):
        asked.append((name, max_subjects))
        return shutil.copytree(tidy, cached)

    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(_study.find, "_download", stand_in)
    root, data = find_data("nm000109")
    assert (root, asked) == (tmp_path / "nm000109", [("nm000109", None)])
    assert (data["n_people"], data["n_recordings"]) == (4, 8)
    assert data["megabytes_catalogue"] == 183.0
    assert "Zyma" in data["credit"]
