"""open_study: what it gives, and what it refuses."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import mne
import numpy as np
import pandas as pd
import pytest
import requests

import _runtime
import _study
import _study.cache
import _study.catalogue
import _study.find
import _study.simulated.signals
import _study.simulated.write
import _study.windows
from _helpers.pages import EXAMPLES
from _helpers.run_example import find_data
from _study import StudyError
from conftest import CH_NAMES, VARIABLES, environment, write_bids
from tools import Fork, look, namespaces_are_allowed


def split_environment(how):
    """What of some arguments is a variable of the environment, and the rest."""
    outside = {name: how.pop(name) for name in list(how) if name in VARIABLES}
    return outside, how


def open_study(name, **how):
    """Open a study; a cache, a limit or a permission are set as a user sets them."""
    outside, how = split_environment(how)
    with environment(**outside):
        return _study.open_study(name, **how)


def list_people(name, **how):
    outside, how = split_environment(how)
    with environment(**outside):
        return _study.list_people(name, **how)


def refused(match, folder, *args, **kwargs):
    """Assert a StudyError that matches, and that no file below ``folder`` changed."""
    before = look(folder)
    with pytest.raises(StudyError, match=match):
        open_study(*args, **kwargs)
    assert look(folder) == before


@pytest.fixture
def few_people(monkeypatch):
    """Simulated studies are of a few people, here and in forks: how they are written is the same."""
    few = {
        "simulate_transfer": ("n_target", 2),
        "simulate_pfactor": ("n_subjects", 14),
        "simulate_two_tasks": ("n_subjects", 2),
    }
    for name, (argument, number) in few.items():
        defaults = getattr(_study.simulated.signals, name).__kwdefaults__
        monkeypatch.setitem(defaults, argument, number)


# ------------------------------------------------------------------------------ what it gives


def test_simulated_study_survives_the_way_through_edf_bids_and_eegdash(cache):
    study = open_study("simulated-transfer", cohort="target", cache_dir=cache)
    made = [
        person
        for person in _study.simulated.signals.simulate_transfer()
        if person[0] == "target"
    ]
    windows = np.concatenate([windows for _, windows, _ in made])
    labels = np.concatenate([labels for _, _, labels in made])
    assert study.windows.dtype == np.float32
    assert study.windows.shape == (36 * 12, 8, 256)
    # EDF stores 16 bits: errors stay far below the 10 uV of the background.
    assert np.abs(study.windows - windows).max() < 0.02
    np.testing.assert_array_equal(study.targets, labels)
    assert (study.unit, study.data, study.sfreq) == ("uV", "simulated", 128.0)
    assert study.ch_names == _study.catalogue.TRANSFER_CH_NAMES


def test_another_seed_is_another_study(few_people, tmp_path):
    study = open_study(
        "simulated-transfer-4", cohort="source", cache_dir=tmp_path, subjects=["01"]
    )
    _, windows, labels = next(_study.simulated.signals.simulate_transfer(4))
    assert np.abs(study.windows - windows).max() < 0.02
    np.testing.assert_array_equal(study.targets, labels)
    assert (study.name, study.data) == ("simulated-transfer-4", "simulated")


def test_metadata_has_one_row_per_window_and_unique_ids(cache):
    study = open_study(
        "simulated-transfer", cohort="source", cache_dir=cache, subjects=["01", "02", "03"]
    )
    columns = ["sample_id", "subject", "task", "recording", "start_s", "target"]
    assert list(study.metadata.columns) == columns
    assert len(study.metadata) == len(study.windows) == len(study.targets) == 120
    assert study.metadata["sample_id"].is_unique
    assert study.metadata["subject"].nunique() == 3
    assert set(study.metadata["task"]) == {"source"}


def test_cohorts_share_nobody_and_make_the_whole(cache):
    source, target = (
        set(open_study("simulated-transfer", cohort=c, cache_dir=cache).metadata["subject"])
        for c in ("source", "target")
    )
    assert (len(source), len(target), source & target) == (16, 36, set())


def test_a_local_bids_folder_opens_with_classes_from_its_events(bids, capsys):
    study = open_study(bids)
    assert study.classes == ("left", "right")
    assert study.data == "mystudy"
    assert study.windows.shape == (3 * 10, len(CH_NAMES), 256)
    counts = study.metadata.groupby(["subject", "target"]).size()
    assert set(counts) == {5}
    assert "3 people" in capsys.readouterr().out


def test_a_folder_is_not_simulated_by_its_name(bids, capsys):
    named = shutil.copytree(bids, bids.parent / "simulated-transfer")
    study = open_study(named)
    assert (study.data, study.effect, study.ch_names[:2]) == (
        "folder:simulated-transfer",
        None,
        ("Fz", "Cz"),
    )
    assert "no licence needed" not in capsys.readouterr().out


def test_words_beyond_ascii_are_listed(bids):
    table = pd.read_csv(bids / "participants.tsv", sep="\t")
    table.assign(name=["Zoë", "Łukasz", "美咲"]).to_csv(
        bids / "participants.tsv", sep="\t", index=False
    )
    assert list_people(bids).loc["03", "name"] == "美咲"


def test_channels_come_in_the_order_asked(bids):
    whole = open_study(bids).windows
    part = open_study(bids, channels=("Oz", "Fz")).windows
    # The average reference is over all four channels, whatever is kept afterwards.
    np.testing.assert_allclose(part, whole[:, [3, 0]], atol=1e-4)


def test_numeric_target_of_the_person(bids):
    study = open_study(bids, column="age")
    assert study.targets.dtype == np.float32
    assert dict(zip(study.metadata["subject"], study.targets, strict=True)) == {
        "01": 20.5,
        "02": 21.5,
        "03": 22.5,
    }
    assert study.classes == ()


def test_people_have_equally_many_windows_of_each_class(tmp_path):
    root = write_bids(
        tmp_path / "odd", seconds=22
    )  # 11 events: six of one class, five of the other
    counts = open_study(root).metadata.groupby(["subject", "target"]).size()
    assert set(counts) == {5}


SCRIPT = """
import logging
import sys

logging.basicConfig(level=logging.ERROR)
root = logging.getLogger()
before = list(root.handlers), root.level
sys.path.insert(0, {examples!r})
import _study

assert (list(root.handlers), root.level) == before, (root.handlers, root.level)
import _runtime

_runtime.setup()
_study.open_study("no/such/folder")
"""


def test_a_script_keeps_its_logging_and_ends_with_the_message(tmp_path):
    script = tmp_path / "page.py"
    script.write_text(SCRIPT.format(examples=str(EXAMPLES)))
    run = [sys.executable, "-W", "error::FutureWarning", script]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith("StudyError: no folder no/such/folder: pass the")
    assert "Traceback" not in done.stderr


def test_a_developer_sees_the_calls(monkeypatch):
    monkeypatch.setattr(
        _runtime.sys, "modules", {"__main__": types.SimpleNamespace(__file__="x")}
    )
    monkeypatch.setattr(_runtime.sys, "excepthook", sys.excepthook)
    for dev_mode in (False, True):
        flags = types.SimpleNamespace(interactive=False, dev_mode=dev_mode)
        monkeypatch.setattr(_runtime.sys, "flags", flags)
        assert _runtime.short_errors() is not dev_mode


# ------------------------------------------------------------------------------ what it refuses


def test_unknown_name_lists_the_known_ones(tmp_path):
    refused(
        "unknown study 'simulated-trasnfer'.*simulated-transfer.*path of a BIDS folder",
        tmp_path,
        "simulated-trasnfer",
    )


def test_empty_name(tmp_path):
    refused("name of the study is empty.*simulated-transfer", tmp_path, "")


def test_no_name_at_all(tmp_path):
    refused("name of the study is empty", tmp_path, None)


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("x" * 300, r"x\.\.\. .300 characters.' cannot be a folder .File name too long"),
        ("~nosuchuser/x", "'~nosuchuser/x' cannot be a folder"),
        ("no\0where", "unknown study"),
    ],
)
def test_names_that_no_folder_can_have(name, match):
    with pytest.raises(StudyError, match=match):
        _study.open_study(name)


@pytest.mark.parametrize("value", ["9" * 5000, "²", "3 people"])
def test_a_limit_that_is_no_number(bids, monkeypatch, value):
    monkeypatch.setenv("EEG_TUTORIAL_MAX_SUBJECTS", value)
    with pytest.raises(StudyError, match="EEG_TUTORIAL_MAX_SUBJECTS is .*not a number"):
        _study.find_study(bids)


def test_folder_that_does_not_exist(tmp_path):
    refused(
        "no folder .*nowhere: pass the path of a BIDS dataset",
        tmp_path,
        tmp_path / "nowhere",
    )


def test_recording_that_eegdash_passes_over(bids, monkeypatch):
    real = _study.windows.EEGDashDataset

    def forgetful(**kwargs):
        dataset = real(**kwargs)
        dataset.datasets.pop()
        return dataset

    monkeypatch.setattr(_study.windows, "EEGDashDataset", forgetful)
    refused(r"EEGDash does not see \['.*sub-03_task-oddball_eeg.edf'\]", bids, bids)


def test_events_shorter_than_a_window(bids, monkeypatch):
    monkeypatch.setitem(
        _study.catalogue.RECIPES, "mystudy", _study.catalogue.Recipe(window_s=3.0)
    )
    message = (
        "sub-01_task-oddball_eeg.edf has no event left or right as long as a window of 3 s"
    )
    refused(message, bids, bids)


def test_samples_that_are_not_finite(tmp_path, monkeypatch):
    root = write_bids(tmp_path / "eeglab", fmt="EEGLAB", spoil=np.nan)
    plain = _study.catalogue.Recipe(reference=None, l_freq=None, h_freq=None)
    monkeypatch.setitem(_study.catalogue.RECIPES, "eeglab", plain)
    refused("eeglab holds samples that are not finite", root, root)


def test_refusals_come_before_eegdash_reads_anything(bids, monkeypatch):
    monkeypatch.setattr(
        _study.find, "EEGDashDataset", lambda **kwargs: pytest.fail("too late")
    )
    (bids / "sub-02" / "eeg" / "sub-02_task-oddball_eeg.edf").unlink()
    refused("data file of sub-02_task-oddball is missing", bids, bids)


WRITES = {
    "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "os.utime", "shutil.rmtree", "shutil.move",
}  # fmt: skip


def open_watched(root):
    """Open a study, and print whatever was to be written below it, even for a moment."""
    changed = []

    def watch(event, args):
        if event == "open":
            path, _, flags = args
            writes = (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        else:
            path, writes = args[0] if args else "", event in WRITES
        if writes and isinstance(path, str | os.PathLike) and str(path).startswith(root):
            changed.append((event, str(path)))

    sys.addaudithook(watch)
    _study.open_study(root)
    print("changed", changed)


@pytest.mark.parametrize("fmt", ["EDF", "BrainVision", "EEGLAB"])
def test_nothing_below_a_study_is_opened_for_writing_even_for_a_moment(fmt, tmp_path):
    root = write_bids(tmp_path / "study", fmt=fmt)
    table = root / "sub-02" / "eeg" / "sub-02_task-oddball_events.tsv"
    text = table.read_text("utf-8")
    assert "\n4.0\t" in text
    table.write_text(
        text.replace("\n4.0\t", "\nn/a\t"), "utf-8"
    )  # what EEGDash would repair
    lock = root / "sub-01" / "eeg" / "sub-01_task-oddball_eeg.json.lock"
    lock.write_text("4242\nanother-container\n")  # and wait for
    before = look(root)
    printed = Fork(open_watched, tmp_path, str(root)).printed()
    assert printed.splitlines()[-1] == "changed []"
    assert "rm -rf" not in printed
    assert look(root) == before


def test_the_watch_sees_what_is_written(tmp_path, monkeypatch):
    monkeypatch.setattr(_study, "open_study", lambda root: Path(root, "new.txt").touch())
    printed = Fork(open_watched, tmp_path, str(tmp_path)).printed()
    assert "new.txt" in printed.splitlines()[-1]


# ------------------------------------------------------------------------- cache and two processes


def test_cache_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("in the way")
    refused(
        "cannot write to the cache folder .*Set EEGDASH_CACHE_DIR",
        tmp_path,
        "simulated-transfer",
        cache_dir=tmp_path / "file" / "cache",
    )


def test_cache_that_is_read_only(tmp_path, monkeypatch):
    # root may write anywhere, so the answer of the system is put in its mouth
    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(_study.cache.os, "access", lambda path, mode: False)
    with pytest.raises(
        StudyError, match="cannot write to the cache folder .*Permission denied"
    ):
        _study.get_cache_dir()
    assert _study.get_cache_dir(writable=False) == tmp_path


def test_full_disk_is_told_as_an_unwritable_cache(tmp_path, monkeypatch):
    def no_space(root, name):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_study.simulated.write, "write_study", no_space)
    with pytest.raises(StudyError, match="the disk is full.*set EEGDASH_CACHE_DIR"):
        open_study("simulated-transfer", cache_dir=tmp_path)
    assert not (tmp_path / "simulated-transfer").exists()


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory):
    """A cache of this module's own, to damage."""
    return tmp_path_factory.mktemp("own")


@pytest.mark.parametrize(
    "damage", ["recording deleted", "recording cut", "never finished", "older code"]
)
def test_incomplete_simulated_study_is_written_again(few_people, own_cache, damage, capsys):
    list_people("simulated-transfer", cache_dir=own_cache)
    root = own_cache / "simulated-transfer"
    recording = root / "sub-17" / "eeg" / "sub-17_task-target_eeg.edf"
    whole = recording.read_bytes()
    if damage == "recording deleted":
        recording.unlink()
    elif damage == "recording cut":
        recording.write_bytes(whole[:1000])
    elif damage == "never finished":
        (root / _study.simulated.write.MANIFEST).unlink()
    else:
        manifest = root / _study.simulated.write.MANIFEST
        manifest.write_text(
            manifest.read_text().replace(_study.simulated.write.writers_digest(), "0" * 64)
        )
    study = open_study("simulated-transfer", cohort="target", cache_dir=own_cache)
    assert "written again" in capsys.readouterr().err
    assert study.metadata["subject"].nunique() == 2
    assert recording.stat().st_size == len(whole)


def open_target(printed="sum"):
    study = _study.open_study("simulated-transfer", cohort="target")
    print(printed, study.windows.sum())


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
def test_a_killed_run_leaves_nothing_that_a_later_run_trusts(few_people, tmp_path):
    cache = tmp_path / "cache"
    fork = Fork(open_target, tmp_path, EEGDASH_CACHE_DIR=cache)
    building = cache / ".simulated-transfer.building"
    while len(list(building.glob("sub-*"))) < 5:
        assert fork.exitcode is None, f"it ended before it was killed: {fork.printed()}"
        time.sleep(0.005)
    os.kill(fork.process.pid, signal.SIGKILL)
    fork.printed()
    assert building.is_dir()
    assert not (cache / "simulated-transfer").exists()
    study = open_study("simulated-transfer", cache_dir=cache)
    assert study.metadata["subject"].nunique() == 18
    assert not building.exists()


def test_two_processes_at_once_make_one_dataset(few_people, tmp_path):
    cache = tmp_path / "cache"
    both = [Fork(open_target, tmp_path, EEGDASH_CACHE_DIR=cache) for _ in range(2)]
    first, second = (fork.printed().splitlines()[-1] for fork in both)
    assert first == second
    assert first.startswith("sum")
    assert [fork.exitcode for fork in both] == [0, 0]
    assert [p.name for p in cache.iterdir() if p.is_dir()] == ["simulated-transfer"]


def test_a_complete_study_is_not_written_twice(cache, monkeypatch):
    monkeypatch.setattr(
        _study.simulated.write, "write_study", lambda *args: pytest.fail("written again")
    )
    list_people("simulated-transfer", cohort="target", cache_dir=cache)


# --------------------------------------------------------------------------------------- download


def test_nothing_is_downloaded_unasked_and_the_size_is_told(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("EEG_TUTORIAL_DOWNLOAD", raising=False)
    monkeypatch.setattr(
        requests, "head", lambda *a, **k: pytest.fail("touched the network")
    )
    refused(
        "nm000109 would download about 183.0 MB.*EEG_TUTORIAL_DOWNLOAD=1.*EEG_TUTORIAL_MAX_SUBJECTS.*simulated-transfer",
        tmp_path, "nm000109", cache_dir=tmp_path,
    )  # fmt: skip
    assert (
        "36 people, 72 recordings, 183.0 MB in all (ODC-By-1.0)" in capsys.readouterr().out
    )


def test_fewer_people_cost_less_and_that_is_told_before_anything(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.delenv("EEG_TUTORIAL_DOWNLOAD", raising=False)
    monkeypatch.setenv("EEG_TUTORIAL_MAX_SUBJECTS", "9")
    monkeypatch.setattr(
        requests, "head", lambda *a, **k: pytest.fail("touched the network")
    )
    refused("would download about 45.8 MB", tmp_path, "nm000109", cache_dir=tmp_path)
    assert "183.0 MB in all (ODC-By-1.0); 9 people are about 45.8 MB" in (
        capsys.readouterr().out
    )


def test_only_a_1_is_permission(tmp_path, monkeypatch):
    monkeypatch.setattr(
        requests, "head", lambda *a, **k: pytest.fail("touched the network")
    )
    for word in ("", "0", "no", "true"):
        monkeypatch.setenv("EEG_TUTORIAL_DOWNLOAD", word)
        refused("nobody asked for that", tmp_path, "nm000109", cache_dir=tmp_path)


def test_no_network_is_told_in_seconds_with_a_way_out(tmp_path, monkeypatch, capsys):
    def unreachable(*args, **kwargs):
        raise requests.ConnectionError

    monkeypatch.setattr(requests, "head", unreachable)
    monkeypatch.setattr(
        _study.find, "EEGDashDataset", lambda **kwargs: pytest.fail("too late")
    )
    refused(
        "cannot be reached .ConnectionError.*pass its folder, or use the simulated study",
        tmp_path,
        "nm000109",
        cache_dir=tmp_path,
        download=1,
    )
    assert "183.0 MB" in capsys.readouterr().out


@pytest.mark.skipif(
    not namespaces_are_allowed("net"), reason="a process cannot give up its network here"
)
def test_no_network_for_real(tmp_path):
    cache = tmp_path / "cache"
    fork = Fork(
        _study.open_study, tmp_path, "nm000109",
        namespaces=("net",), EEGDASH_CACHE_DIR=cache, EEG_TUTORIAL_DOWNLOAD=1,
    )  # fmt: skip
    assert "cannot be reached" in fork.printed()
    assert fork.exitcode == 1
    assert list(cache.iterdir()) == []


def test_the_session_fetches_what_it_was_allowed_to_fetch(tmp_path, monkeypatch):
    """With a stand-in for the fetch; what it says and refuses is tested with open_study."""
    asked = []

    def stand_in(name, row, task, max_subjects, cached):
        asked.append((name, max_subjects))
        for each in ("rest", "arithmetic"):
            write_bids(cached, task=each)
        return cached

    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(_study.find, "_download", stand_in)
    root, data = find_data("nm000109")
    assert (root, asked) == (tmp_path / "nm000109", [("nm000109", None)])
    assert (data["n_people"], data["n_recordings"]) == (3, 6)
    assert data["megabytes_catalogue"] == 183.0
    assert "Zyma" in data["credit"]


def test_download_asks_for_the_capped_people_only(tmp_path, monkeypatch, capsys):
    """With a stand-in for EEGDash that writes what a download would leave behind."""
    asked = []

    class StandIn:
        def __init__(self, **query):
            asked.append(query)
            self.query = query
            self.datasets = [
                type("D", (), {"description": {"subject": f"{s:02d}"}}) for s in range(36)
            ]

        def download_all(self):
            assert (
                "2 people are about 10.2 MB" in capsys.readouterr().out
            )  # told before, not after
            write_bids(tmp_path / "nm000109", subjects=self.query["subject"], task="rest")
            write_bids(
                tmp_path / "nm000109", subjects=self.query["subject"], task="arithmetic"
            )

    real = _study.find.EEGDashDataset
    monkeypatch.setattr(requests, "head", lambda *a, **k: None)
    monkeypatch.setattr(
        _study.find,
        "EEGDashDataset",
        lambda **q: StandIn(**q) if q["download"] else real(**q),
    )
    study = open_study(
        "nm000109",
        cache_dir=tmp_path,
        max_subjects=2,
        download=1,
        classes=("left", "right"),
    )
    assert asked[-1]["subject"] == ["00", "01"]
    assert asked[-1]["task"] == ["rest", "arithmetic"]
    assert set(study.metadata["subject"]) == {"00", "01"}


# ------------------------------------------------------------------------------------- real EEG


def test_the_real_study_opens():
    path = os.environ.get("EEG_TUTORIAL_REAL")
    if not path:
        pytest.skip("no real EEG here: set EEG_TUTORIAL_REAL to a local copy of nm000109")
    study = open_study(path, cohort="target")
    assert study.classes == ("rest", "arithmetic")
    assert study.windows.shape[1:] == (19, 256)
    assert (
        study.metadata["subject"].nunique()
        == 36 - _study.catalogue.RECIPES["nm000109"].n_source
    )
    budget = _study.get_budget(path, study.metadata["subject"].nunique())
    assert (
        budget == _study.catalogue.RECIPES["nm000109"].budget
    )  # these people suffice for all of it
    # Rest lasts three times as long as arithmetic; after balancing both have the same windows.
    assert (
        study.metadata.groupby(["subject", "target"])
        .size()
        .unstack()
        .diff(axis=1)
        .iloc[:, 1]
        .eq(0)
        .all()
    )


# ------------------------------------------------------------------------- people, null, cues


@pytest.fixture(scope="module")
def pfactor_cache(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pfactor")
    list_people("simulated-pfactor", cache_dir=folder)
    return folder


def test_people_are_listed_before_any_signal_is_read(pfactor_cache, monkeypatch, capsys):
    monkeypatch.setattr(
        _study.windows, "_open_recordings", lambda *a: pytest.fail("signals were read")
    )
    everybody = list_people("simulated-pfactor", cache_dir=pfactor_cache)
    kept = list_people(
        "simulated-pfactor",
        column="p_factor",
        on_missing="drop",
        cache_dir=pfactor_cache,
    )
    assert "dropped sub-13: no p_factor" in capsys.readouterr().out
    assert (len(everybody), len(kept)) == (77, 76)
    assert "target" not in everybody
    assert kept.index.name == "subject"
    assert kept["target"].dtype == float
    np.testing.assert_allclose(kept["target"], kept["p_factor"].astype(float))


def test_exactly_the_people_asked_for(pfactor_cache):
    study = open_study(
        "simulated-pfactor",
        column="p_factor",
        on_missing="drop",
        subjects=["07", "02"],
        cache_dir=pfactor_cache,
    )
    assert study.metadata["subject"].unique().tolist() == ["02", "07"]
    assert study.metadata.groupby("subject").size().tolist() == [12, 12]
    assert study.windows.shape == (24, 8, 200)
    assert (study.effect, study.classes, study.question) == (0.5, (), "p_factor")


@pytest.mark.parametrize("subjects", [["02", "99"], []])
def test_people_who_are_not_there(pfactor_cache, subjects):
    with pytest.raises(StudyError, match="are not among the 77 people .*list_people"):
        open_study("simulated-pfactor", subjects=subjects, cache_dir=pfactor_cache)


def test_null_of_the_simulation_is_written_beside_it(few_people, tmp_path):
    who = ["01", "02"]
    with environment(cache_dir=tmp_path):
        found = _study.find_study("simulated-pfactor", column="p_factor", on_missing="drop")
        planted, null = found.open(who), found.without_effect().open(who)
        again = _study.find_study(
            "simulated-pfactor-effect0.5", column="p_factor", on_missing="drop"
        ).open(who)
    assert (null.effect, null.name, null.data) == (
        0.0,
        "simulated-pfactor-effect0",
        "simulated",
    )
    np.testing.assert_array_equal(planted.targets, null.targets)
    assert not np.allclose(planted.windows[:, 1], null.windows[:, 1])
    assert again.effect == planted.effect == 0.5
    np.testing.assert_array_equal(again.windows, planted.windows)


def test_null_of_a_real_study_exchanges_values_always_alike(bids, capsys):
    found = _study.find_study(bids, column="age")
    nulls = [found.without_effect(), found.without_effect()]
    ages = [one.people["target"] for one in (found, *nulls)]
    assert "values of age are exchanged between people" in capsys.readouterr().out
    assert sorted(ages[0]) == sorted(ages[1])
    assert not ages[0].equals(ages[1])
    assert ages[1].equals(ages[2])
    some = nulls[0].open(["02"])
    assert some.targets[0] == ages[1]["02"]
    assert (found.open(["02"]).effect, some.effect) == (None, 0.0)


def test_a_null_needs_an_effect_or_values(cache, timed):
    with environment(cache_dir=cache):
        found = _study.find_study("simulated-transfer")
    for one in (found, _study.find_study(timed, column="rt")):
        with pytest.raises(StudyError, match="only simulated-pfactor has an effect"):
            one.without_effect()


@pytest.mark.parametrize(
    ("name", "known"),
    [
        ("simulated-pfactor-3-effect0.25", True),
        ("simulated-tasks-4", True),
        ("simulated-transfer-effect1", False),
        ("simulated-pfactor-effect1.2.3", False),
        ("simulated-pfactor-effect1.", False),
    ],
)
def test_names_of_simulated_studies(name, known):
    assert _study.catalogue.is_simulated(name) is known


def test_cues_last_until_the_next_and_the_last_one_goes():
    raw = mne.io.RawArray(
        np.zeros((1, 6000)), mne.create_info(["Cz"], 100.0, "eeg"), verbose="ERROR"
    )
    notes = mne.Annotations(
        [2, 5, 9, 12, 30], [0, 0, 1, 0, 0], ["open", "close", "boundary", "open", "close"]
    )
    _study.until_next_cue(raw.set_annotations(notes), ("open", "close"))
    left = raw.annotations
    assert left.description.tolist() == ["open", "close", "boundary", "open"]
    np.testing.assert_allclose(left.duration, [3, 7, 1, 18])
    _study.until_next_cue(raw, ("none", "of these"))
    assert len(raw.annotations) == 4


def test_environment_limits_the_people_of_real_studies_only(
    bids, pfactor_cache, monkeypatch
):
    monkeypatch.setenv("EEG_TUTORIAL_MAX_SUBJECTS", "2")
    assert len(list_people(bids)) == 2
    assert len(list_people("simulated-pfactor", cache_dir=pfactor_cache)) == 77
    monkeypatch.setenv("EEG_TUTORIAL_MAX_SUBJECTS", "few")
    with pytest.raises(StudyError, match="EEG_TUTORIAL_MAX_SUBJECTS is 'few'"):
        list_people(bids)


def test_size_of_a_download_is_known_without_a_network():
    assert _study.download_size("ds005505") == (136, pytest.approx(15_096))
    n_people, megabytes = _study.download_size("ds005505", 9)
    assert (n_people, megabytes) == (9, pytest.approx(999))
    with pytest.raises(StudyError, match="no dataset 'ds9'"):
        _study.download_size("ds9")


def test_recipe_of_a_study_and_a_target_from_outside(monkeypatch):
    assert _study.get_recipe("simulated-pfactor-7-effect0").subject_target == "p_factor"
    assert _study.get_recipe("/data/nm000109").subject_target == "age"
    monkeypatch.setenv("EEG_TUTORIAL_TARGET", "iq")
    assert _study.get_recipe("nm000109").subject_target == "iq"


def test_null_of_a_real_study_where_somebody_has_no_value(bids):
    table = bids / "participants.tsv"
    table.write_text(table.read_text().replace("21.5", "n/a"))
    found = _study.find_study(bids, column="age", on_missing="drop")
    assert found.people.index.tolist() == ["01", "03"]
    null = found.without_effect()
    assert set(null.open(["03"]).targets) <= set(found.people["target"])
    with pytest.raises(StudyError, match=r"subjects=\['02'\] are not among the 2 people"):
        null.open(["02"])


def test_a_study_remembers_its_cohort_and_its_records_are_plain_values(bids):
    found = _study.find_study(bids, cohort="target")
    study = found.open()
    assert (study.cohort, list(found.records)) == ("target", ["02", "03"])
    plain = json.loads(json.dumps(found.records["03"]))
    alone = _study.open_records(str(found.root), plain)
    own = (study.metadata["subject"] == "03").to_numpy()
    np.testing.assert_array_equal(alone.windows, study.windows[own])


# ------------------------------------------------------------------------ a target of the event


@pytest.fixture
def timed(bids):
    """The small dataset with a reaction time per event: 0.1 for the first, 0.2 for the second..."""
    for path in bids.glob("sub-*/eeg/*_events.tsv"):
        table = pd.read_csv(path, sep="\t", keep_default_na=False)
        table["rt"] = [f"{0.1 * (i + 1):.1f}" for i in range(len(table))]
        table.to_csv(path, sep="\t", index=False)
    return bids


def test_each_window_gets_the_value_of_its_event(timed):
    study = open_study(timed, column="rt", subjects=["02"])
    np.testing.assert_allclose(study.targets, 0.1 * np.arange(1, 11), rtol=1e-5)
    assert (study.classes, study.question, study.targets.dtype) == ((), "rt", np.float32)
    one = open_study(timed, column="rt", subjects=["02"], classes=("left", "right"))
    np.testing.assert_array_equal(one.targets, study.targets)


def test_events_without_a_value(timed, capsys):
    (path,) = timed.glob("sub-02/eeg/*_events.tsv")
    path.write_text(path.read_text().replace("\t0.3\n", "\tn/a\n"))
    with pytest.raises(StudyError, match="1 of 10 windows have no rt: pass on_missing"):
        open_study(timed, column="rt", subjects=["02"])
    study = open_study(timed, column="rt", subjects=["02"], on_missing="drop")
    assert "1 of 10 windows have no rt, dropped" in capsys.readouterr().out
    assert len(study.targets) == len(study.windows) == len(study.metadata) == 9


def test_a_value_of_an_event_that_is_a_word(timed):
    (path,) = timed.glob("sub-02/eeg/*_events.tsv")
    path.write_text(path.read_text().replace("\t0.3\n", "\tfast\n"))
    with pytest.raises(
        StudyError, match="events.tsv has a value of 'rt' that is not a number .*fast"
    ):
        open_study(timed, column="rt", subjects=["02"])


def test_a_target_that_is_nowhere_names_both_tables(timed):
    with pytest.raises(
        StudyError, match="no column 'iq' .*'age'.*those of the events .*'rt'"
    ):
        open_study(timed, column="iq")


@pytest.mark.parametrize(
    ("name", "task", "shape"),
    [
        ("simulated-tasks", "flicker", (24, 8, 200)),
        ("simulated-highdensity", "RestingState", (20, 8, 200)),
    ],
)
def test_other_simulated_studies_open(few_people, name, task, shape, tmp_path):
    study = open_study(name, task=task, subjects=["01"], cache_dir=tmp_path)
    assert study.windows.shape == shape
    assert len(study.classes) == 2
