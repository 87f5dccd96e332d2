"""A fast part of the mutation suite, proofs that its oracle can fail, and faults of the environment."""

import contextlib
import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import time
import zlib

import numpy as np
import pandas as pd
import pytest

import _scale.files
import _study
from _helpers.pages import ROOT
from _study import StudyError
from fuzz import bases, oracle, run
from fuzz.tables import MUTATIONS
from tools import Fork, look, snapshot

#: One of every kind; ``nox -s fuzz`` tries all of them, and pairs.
FAST = (
    ("edf", "clean"),
    ("tasks", "clean"),
    ("edf", "people_row_twice_with_other_age"),
    ("edf", "people_quote_open"),
    ("set", "people_pilot"),
    ("edf", "events_tsv_emptied"),
    ("edf", "events_corrected_and_last_duration_negative"),
    ("fdt", "events_labels_corrected"),
    ("edf", "events_onset_na"),
    ("edf", "events_overlapping"),
    ("vhdr", "events_bad_segment"),
    ("edf", "channels_rows_permuted"),
    ("edf", "channels_tsv_deleted"),
    ("edf", "eeg_json_emptied"),
    ("edf", "sidecar_is_a_list"),
    ("edf", "copy_in_sourcedata"),
    ("edf", "loop_in_a_person"),
    ("fdt", "fdt_cut"),
    ("vhdr", "vhdr_emptied"),
    ("vhdr", "vhdr_of_another_person"),
    ("edf", "edf_a_pipe"),
    ("edf", "signal_zero"),
    ("edf", "signal_million_times"),
    ("set", "copy_but_for_its_end"),
    ("edf", "lock_left_by_another_host"),
    ("edf", "folder_in_capitals"),
    ("edf", "edf_pause_between_events"),
    ("set", "set_spliced"),
    ("fif", "fif_in_two_parts"),
    ("vhdr", "channels_beside_biosemi"),
    ("fdt", "channels_without_places"),
    ("edf", "edf_channels_exchanged"),
    ("edf", "one_sample_short"),
    ("edf", "versions_by_desc"),
    ("sessions", "events_gone_and_a_score"),
)


@pytest.fixture(scope="module")
def base_of(tmp_path_factory):
    """Bases, written once; nobody changes them."""
    folder, written = tmp_path_factory.mktemp("bases"), {}

    def write(name):
        if name not in written:
            written[name] = bases.write_base(name, folder, _study.open_study)
        return written[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EEGDASH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield write


def outcome(base, name):
    """Outcomes and faults of one mutation with seed 0."""
    return oracle.try_case(base, [MUTATIONS[name][0]], 0, save=name == "clean")


@pytest.mark.parametrize(("base", "name"), FAST)
def test_a_mutated_study_is_read_rightly_or_refused_clearly(base_of, base, name):
    outcomes, faults = outcome(base_of(base), name)
    assert set(outcomes) <= set(run.GOOD), faults


@pytest.mark.skipif(
    not os.environ.get(bases.REAL), reason=f"{bases.REAL} names no real study"
)
@pytest.mark.parametrize("name", ["clean", "copy_in_sourcedata", "channels_rows_permuted"])
def test_a_real_study_is_read_rightly_or_refused_clearly(base_of, name):
    outcomes, faults = outcome(base_of("real"), name)
    assert set(outcomes) <= set(run.GOOD), faults


# --------------------------------------------------------------------------- the oracle can fail


def spoiled(monkeypatch, base, spoil, name="clean"):
    """Outcomes where what ``open_study`` gives, or does, is spoiled on its way out."""
    real = _study.open_study

    def open_study(root, **how):
        return spoil(real(root, **how), root)

    monkeypatch.setattr(_study, "open_study", open_study)
    return oracle.try_case(base, [MUTATIONS[name][0]], 0)


def pick(study, rows):
    """A study of some of its windows."""
    return dataclasses.replace(
        study,
        windows=study.windows[rows],
        targets=study.targets[rows],
        metadata=study.metadata.iloc[rows].reset_index(drop=True),
    )


def with_column(study, column, values):
    return dataclasses.replace(study, metadata=study.metadata.assign(**{column: values}))


def swap_people(study):
    """Windows of the first person under the second, and the other way round."""
    own = [np.flatnonzero(study.metadata["subject"] == s) for s in ("01", "02")]
    windows = study.windows.copy()
    windows[own[0]], windows[own[1]] = study.windows[own[1]], study.windows[own[0]]
    return dataclasses.replace(study, windows=windows)


def one_second_late(study):
    return dataclasses.replace(study, windows=np.roll(study.windows, 128, axis=2))


SILENT = {
    "swapped channels": lambda s: dataclasses.replace(
        s, windows=s.windows[:, [1, 0, 2, 3, 4, 5]]
    ),
    "one name for another": lambda s: dataclasses.replace(
        s, ch_names=("Fz", "Cz", "Oz", "Pz", "P3", "P4")
    ),
    "a window twice": lambda s: pick(s, [0, *range(len(s.windows))]),
    "a window lost": lambda s: pick(s, list(range(1, len(s.windows)))),
    "a person lost": lambda s: pick(s, np.flatnonzero(s.metadata["subject"] != "03")),
    "a channel lost": lambda s: dataclasses.replace(
        s, windows=s.windows[:, :3], ch_names=s.ch_names[:3]
    ),
    "a label": lambda s: with_column(s, "target", 1 - s.metadata["target"]),
    "another person": lambda s: with_column(s, "subject", "01"),
    "people exchanged": swap_people,
    "volts for microvolts": lambda s: dataclasses.replace(s, windows=s.windows * 1e-6),
    "twice as large": lambda s: dataclasses.replace(s, windows=s.windows * 2),
    "upside down": lambda s: dataclasses.replace(s, windows=-s.windows),
    "another time": one_second_late,
    "not a number": lambda s: dataclasses.replace(s, windows=s.windows * np.nan),
    "another reference": lambda s: dataclasses.replace(s, windows=s.windows + 3.0),
}


@pytest.mark.parametrize("fault", SILENT)
def test_a_fault_without_a_word_is_silent(base_of, monkeypatch, fault):
    outcomes, faults = spoiled(monkeypatch, base_of("edf"), lambda s, _: SILENT[fault](s))
    assert "silent" in outcomes, fault
    assert faults


class Halves:
    """An index of which only some people are opened wrongly."""

    def __init__(self, index, spoil):
        self.index, self.records, self.spoil = index, index.records, spoil

    def open(self, subjects, **how):
        opened = self.index.open(subjects, **how)
        return self.spoil(opened) if "04" in subjects else opened


def refused(study):
    raise StudyError("sub-04 is odd")


DIFFERENT = {
    "channels in another order": lambda s: dataclasses.replace(
        s, windows=s.windows[:, ::-1], ch_names=s.ch_names[::-1]
    ),
    "another rate": lambda s: dataclasses.replace(s, sfreq=64.0),
    "other classes": lambda s: dataclasses.replace(s, classes=("left", "other")),
    "a window lost": SILENT["a window lost"],
    "a window twice": SILENT["a window twice"],
    "twice as large": SILENT["twice as large"],
    "other targets": lambda s: dataclasses.replace(s, targets=1 - s.targets),
    "refused": refused,
}


@pytest.mark.parametrize("fault", DIFFERENT)
def test_halves_that_are_not_the_whole_are_a_fault(base_of, monkeypatch, fault):
    real = _study.find_study
    monkeypatch.setattr(
        _study, "find_study", lambda *of, **how: Halves(real(*of, **how), DIFFERENT[fault])
    )
    outcomes, _ = outcome(base_of("edf"), "people_backwards")
    assert outcomes == ["halves differ"]


def test_halves_that_open_where_the_whole_is_refused_are_a_fault():
    pair = [(["01"], object(), None), (["02"], object(), None)]
    ((kind, what),) = oracle.differ(None, "two people hold one signal", [pair], [])
    assert kind == "halves differ"
    assert "01 and 02: both open" in what
    pair[1] = (["02"], None, ("refused", "sub-02 holds the signal of sub-01"))
    why = [oracle.Expectation("refuse", ("sub-01",))]
    assert oracle.differ(None, "two people hold one signal", [pair], why) == []


def test_a_person_who_is_left_out_by_name_is_not_silent(base_of, monkeypatch):
    def leave_out(study, _):
        print("dropped sub-03: no reason")
        return SILENT["a person lost"](study)

    outcomes, _ = spoiled(monkeypatch, base_of("edf"), leave_out)
    assert "silent" not in outcomes


def write_and_delete(root):
    (root / "sub-01" / "x.lock").touch()
    (root / "sub-01" / "x.lock").unlink()


def rewrite_in_place(root):
    path = root / "participants.tsv"
    path.write_bytes(path.read_bytes().replace(b"20", b"99"))
    os.utime(path, (1e9, 1e9))


CHANGED = {
    "a file more": lambda root: (root / "new.txt").touch(),
    "a lock for a moment": write_and_delete,
    "other bytes under the old date": rewrite_in_place,
    "a file less": lambda root: (root / "README").unlink(),
    "a name": lambda root: (root / "README").rename(root / "README.md"),
    "a permission": lambda root: (root / "README").chmod(0o600),
}


@pytest.mark.parametrize("fault", CHANGED)
def test_a_file_that_was_touched_is_changed(base_of, monkeypatch, fault):
    def touch(study, root):
        CHANGED[fault](root)
        return study

    outcomes, _ = spoiled(monkeypatch, base_of("edf"), touch)
    assert "changed" in outcomes


def test_the_other_end_of_a_link_is_watched(base_of, monkeypatch):
    def write_through(study, root):
        with next(root.glob("sub-01/eeg/*_eeg.edf")).open("ab") as file:
            file.write(b"\0")
        return study

    outcomes, _ = spoiled(monkeypatch, base_of("edf"), write_through, "link_to_the_data")
    assert "changed" in outcomes


def raises(error):
    def fail(study, root):
        raise error

    return fail


@pytest.mark.parametrize(
    ("error", "name", "expected"),
    [
        (KeyError("onset"), "clean", "traceback"),
        (StudyError("sub-01 is odd"), "clean", "false alarm"),
        (StudyError("the weather is bad"), "people_row_gone", "refused wrongly"),
        (StudyError("sub-01 participants.tsv: damaged or was cut short"), "people_row_gone",
         "refused wrongly"),
        (StudyError("try rm -rf x"), "people_row_gone", "advice to delete"),
    ],
)  # fmt: skip
def test_what_is_raised_is_judged(base_of, monkeypatch, error, name, expected):
    monkeypatch.setattr(_study, "open_study", lambda *_, **__: raises(error)(0, 0))
    outcomes, _ = oracle.try_case(base_of("edf"), [MUTATIONS[name][0]], 0)
    assert expected in outcomes


def test_what_takes_too_long_is_stopped(base_of, monkeypatch):
    def forever(*_, **__):
        while True:
            with contextlib.suppress(Exception):
                time.sleep(60)

    monkeypatch.setattr(oracle, "LIMIT_S", 0.2)
    monkeypatch.setattr(_study, "open_study", forever)
    outcomes, _ = oracle.try_case(base_of("edf"), [MUTATIONS["clean"][0]], 0)
    assert outcomes == ["hang"]


# ------------------------------------------------------------------------------ seeds and the table


def test_the_same_seed_gives_the_same_trees(base_of, tmp_path):
    assert run.plan(900, 3) == run.plan(900, 3) != run.plan(900, 4)
    for name in ("events_shuffled", "participants_tsv_randomised", "signal_jumps"):
        seen = []
        for seed, folder in ((1, "a"), (1, "b"), (2, "c")):
            (tmp_path / name / folder).mkdir(parents=True)
            tree = oracle.build(
                base_of("edf"), [MUTATIONS[name][0]], seed, tmp_path / name / folder
            )
            seen.append(snapshot(tree.root))
        assert seen[0] == seen[1] != seen[2], name


def test_every_mutation_is_planned_and_changes_something(base_of, tmp_path):
    cases = run.plan(900, 0)
    assert {name for _, names in cases for name in names} == set(MUTATIONS)
    assert len(cases) == 900 > len({names for _, names in cases}) > 300
    assert 300 <= len(run.plan(300, 0)) <= 310
    assert all(doc.__doc__ and "\n" not in doc.__doc__ for doc, _ in MUTATIONS.values())


def test_counts_of_the_table_are_those_of_the_trees():
    results = [
        (("edf", ("clean",)), ["right"], [], []),
        (
            ("edf", ("a", "b")),
            ["changed", "silent"],
            [("changed", "x"), ("silent", "y")],
            [],
        ),
        (("set", ("c",)), ["refused clearly"], [], ["* is odd"]),
    ]
    found = run.summary(results, 7, 1.0)
    assert found["counts"]["edf"]["trees"] == 2
    assert found["counts"]["edf"]["changed"] == found["counts"]["edf"]["silent"] == 1
    assert [fault["fault"] for fault in found["faults"]] == ["changed", "silent"]
    assert found["guards"] == {"* is odd": 1}
    assert run.table(found).splitlines()[-1].split()[:4] == ["all", "3", "1", "1"]


# -------------------------------------------------------------------------- faults around the study


def open_and_sum(root):
    study = _study.open_study(root)
    print("sum", zlib.crc32(study.windows.tobytes()), len(study.windows))


def find_and_say(name):
    print("ready")
    _study.find_study(name)
    print("found")


def save_everybody(root, folder):
    found = _study.find_study(root)
    print("ready")
    for subject, records in found.records.items():
        settings = {"classes": ["left", "right"]}
        _scale.files.save_person(str(root), subject, records, str(folder), settings)
    print("saved")


def last_line(fork):
    return fork.printed().splitlines()[-1]


def test_four_processes_open_one_study_at_once(base_of, tmp_path):
    root, cache = base_of("fdt").copy_to(tmp_path / "study"), tmp_path / "cache"
    before = look(root)
    four = [Fork(open_and_sum, tmp_path, root, EEGDASH_CACHE_DIR=cache) for _ in range(4)]
    (printed,) = {last_line(fork) for fork in four}
    assert printed.startswith("sum")
    assert not oracle.changes(before, look(root))


def can_mount():
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return (
        shutil.which("unshare") is not None
        and subprocess.run(command, capture_output=True).returncode == 0
    )


needs_mount = pytest.mark.skipif(not can_mount(), reason="nothing can be mounted here")


def mount(*words):
    subprocess.run(["mount", *map(str, words)], check=True)


def open_read_only(root):
    mount("--bind", root, root)
    mount("-o", "remount,ro,bind", root)
    open_and_sum(root)


def write_read_only(root):
    mount("--bind", root, root)
    mount("-o", "remount,ro,bind", root)
    (root / "new.txt").touch()


@needs_mount
def test_a_study_on_a_read_only_disk_opens(base_of, tmp_path):
    root = base_of("vhdr").copy_to(tmp_path)
    refused = Fork(write_read_only, tmp_path, root, namespaces=("mount",))
    assert "Read-only file system" in refused.printed()
    fork = Fork(
        open_read_only, tmp_path, root,
        namespaces=("mount",), EEGDASH_CACHE_DIR=tmp_path / "cache",
    )  # fmt: skip
    assert last_line(fork).startswith("sum")


def fill_the_disk(cache, size):
    mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs", cache)
    try:
        _study.find_study("simulated-transfer")
    except StudyError as err:
        print("refused", err)
    print(sorted(name for name in os.listdir(cache) if not name.endswith(".lock")))


@needs_mount
@pytest.mark.slow
@pytest.mark.parametrize("size", ["64k", "400k", "2m"])
def test_a_simulated_study_on_a_full_disk_is_refused_and_leaves_room(tmp_path, size):
    cache = tmp_path / "small"
    cache.mkdir()
    fork = Fork(
        fill_the_disk, tmp_path, cache, size,
        namespaces=("mount",), EEGDASH_CACHE_DIR=cache,
    )  # fmt: skip
    *_, refusal, left = fork.printed().splitlines()
    assert refusal.startswith("refused cannot write to the cache folder")
    assert left == "[]"


def kill_within(fork, seconds, how=signal.SIGKILL):
    """Wait until a process is ready, then some seconds, then kill it; gives what it printed."""
    fork.until("ready")
    time.sleep(seconds)
    os.kill(fork.process.pid, how)
    return fork.printed()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_study_killed_while_it_is_written_is_whole_afterwards(tmp_path, seed):
    wait, cache = random.Random(seed).uniform(0.1, 5), tmp_path / "cache"
    name = "simulated-transfer"
    kill_within(Fork(find_and_say, tmp_path, name, EEGDASH_CACHE_DIR=cache), wait)
    fork = Fork(open_and_sum, tmp_path, name, EEGDASH_CACHE_DIR=cache)
    assert last_line(fork).startswith("sum")
    left = [path.name for path in cache.iterdir() if not path.name.endswith(".lock")]
    assert left == [name]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL] * 10 + [signal.SIGINT] * 5)
def test_people_saved_again_after_a_kill_are_those_of_an_undisturbed_run(
    base_of, tmp_path, how, request
):
    root, cache = base_of("edf").copy_to(tmp_path / "study"), tmp_path / "cache"
    before = look(root)
    wait = random.Random(request.node.name).uniform(0.0, 1.5)

    def save(folder):
        where = tmp_path / folder
        return Fork(save_everybody, tmp_path, root, where, EEGDASH_CACHE_DIR=cache)

    printed = kill_within(save("windows"), wait, how)
    assert how == signal.SIGKILL or "KeyboardInterrupt" in printed or "saved" in printed
    for folder in ("windows", "clean"):
        assert "saved" in save(folder).printed()
    again, undisturbed = (snapshot(tmp_path / folder) for folder in ("windows", "clean"))
    assert again == undisturbed
    assert not oracle.changes(before, look(root))


def test_a_refusal_is_put_down_to_its_guard(base_of):
    oracle.GUARDS.clear()
    case = [MUTATIONS["people_row_twice_with_other_age"][0]]
    outcomes, _ = oracle.try_case(base_of("edf"), case, 0)
    assert outcomes == ["refused clearly"]
    (guard,) = oracle.GUARDS
    assert guard in oracle.all_guards()
    assert guard == "* has *. Keep the row that is right: a"


#: Refusals that no broken study reaches, and the test, or the row of a table, that does.
ELSEWHERE = {
    "* has no EEG channel that can be used:": "test_faults.py::channels: none to reference to",
    "* holds samples that are not finite: look at": "test_study.py::test_samples_that_are_not_finite",
    "* is *: correct the type in channels.tsv, or write": "test_world_shared.py::test_a_channel_that_is_asked_for_has_one_type",
    "*: duration is * in row *, and all of * lasts": "test_world_events.py::durations in ms",
    "*: no channel * to use: channels.tsv calls it bad,": "test_faults.py::channels: a bad one asked for",
    "*: the events * have no duration, or a brief": "test_world_events.py::cues too fast",
    "the tasks of * ask different questions: *. Write task": "test_faults.py::events: two tasks",
    "*: * * * here and EEG in the other recordings. Correct": "test_world_reports.py::most are MISC in one person",
    "*: choose another target: *": "test_world_reports.py::test_people_without_a_value_of_an_event_are_no_study",
    "*: no event has an onset, and nobody knows": "test_world_reports.py::onset n/a beside sample",
    "* cannot be a folder (*): pass the path of": "test_study.py::test_names_that_no_folder_can_have",
    "* cannot be read (*). Make it readable.": "test_door_counts.py::test_a_table_that_may_not_be_read",
    "* gave * windows of * where its events have room": "test_door_counts.py::test_windows_are_counted_against_the_events",
    "* gave the window * twice: two recordings have one": "test_door_counts.py::test_records_asked_for_twice_are_refused",
    "* has * people in its target cohort, too few": "test_second_study.py::test_a_budget_for_few_people",
    "* has * people with the task * and none of": "test_faults.py::nobody in the cohort",
    "* has a value of * that is not a": "test_study.py::test_a_value_of_an_event_that_is_a_word",
    "* has no values to exchange between people: pass": "test_study.py::test_a_null_needs_an_effect_or_values",
    "* has no window left of *: look at the": "test_faults.py::events: all in bad segments",
    "* has to be downloaded (about * MB) and the": "test_study.py::test_no_network_is_told_in_seconds_with_a_way_out",
    "* is sampled at * Hz but * says * Hz in": "test_faults.py::channels: rate of another file",
    "*: MNE reads the ending * in small letters only.": "test_world_time.py::capitals, SET",
    "* does not lead on to *: recordings of their": "test_world_time.py::parts of no whole",
    "* goes on in another file, which is missing:": "test_world_time.py::the second part gone",
    "* holds a * file, by its first bytes: rename": "test_world_time.py::BDF named EDF",
    "* is one recording in * parts and has * events.tsv": "test_world_time.py::parts that differ",
    "part * of * is missing: * cannot be read without": "test_world_time.py::the first part gone",
    "* would download about * MB and nobody asked for": "test_study.py::test_fewer_people_cost_less_and_that_is_told_before_anything",
    "*: pass on_missing='drop'": "test_study.py::test_events_without_a_value",
    "Braindecode cannot cut windows of * (*): look at the": "test_door_counts.py::test_what_braindecode_refuses_is_said_of_the_study",
    "EEGDash does not see * in *: check their names": "test_study.py::test_recording_that_eegdash_passes_over",
    "EEG_TUTORIAL_MAX_SUBJECTS is *, not a number of people: set": "test_study.py::test_a_limit_that_is_no_number",
    "cohort=* is unknown: use 'all', 'source' or 'target'": "test_faults.py::cohort that is none",
    "no dataset * in the catalogue of EEGDash. *": "test_study.py::test_size_of_a_download_is_known_without_a_network",
    "no recording in * has the entities *: there are": "test_world_folder.py::entities that nobody has",
    "no folder *: pass the path of a BIDS": "test_study.py::test_folder_that_does_not_exist",
    "no recordings of * to open: take them from": "test_door_counts.py::test_records_asked_for_twice_are_refused",
    "nobody in * has a value of *: choose another": "test_faults.py::people: nobody has an age",
    "nobody in * has windows of all classes *: pass": "test_faults.py::events: nobody has both",
    "on_missing=* is unknown: use 'raise' or 'drop'": "test_faults.py::word that means nothing",
    "the name of the study is empty. *": "test_study.py::test_empty_name",
    "the people of * share *, so there is nothing": "test_faults.py::events: none in common",
    "unknown study *, and no such folder here. *": "test_study.py::test_names_that_no_folder_can_have",
    "* is not TOML (*). Correct that line: write key": "test_recipe.py::test_a_bad_file_is_refused_by_name_before_anything_is_read",
    "*: * is * Hz and sfreq is * Hz. Write an": "test_recipe.py::test_a_bad_file_is_refused_by_name_before_anything_is_read",
    "*: * is *. Write *": "test_recipe.py::test_a_bad_file_is_refused_by_name_before_anything_is_read",
    "*: * is no setting. *": "test_recipe.py::test_a_bad_file_is_refused_by_name_before_anything_is_read",
    "*: budget is *. Write a line [budget], and below": "test_recipe.py::test_a_bad_file_is_refused_by_name_before_anything_is_read",
    "*: l_freq is * Hz and h_freq is * Hz. Write": "test_recipe.py::test_a_bad_file_is_refused_by_name_before_anything_is_read",
    "*: window_s is * s, less than a sample at": "test_recipe.py::test_a_bad_file_is_refused_by_name_before_anything_is_read",
    "EEGDash opens none of the recordings of * (*): write": "test_windows.py::test_recordings_that_eegdash_drops_are_a_refusal_with_their_ending",
    "EEG_TUTORIAL_RECIPE is *, and there is no such file:": "test_recipe.py::test_a_file_that_is_not_there",
    "recipe=* is no recipe: pass Recipe(...), with Budget(...) as": "test_recipe.py::test_a_bad_argument_is_refused_before_a_study_is_looked_for",
}


def test_every_guard_of_the_door_refuses_a_broken_study():
    kept = json.loads(run.OUT.read_text("utf-8"))["guards"]
    guards = oracle.all_guards()
    assert len(guards) == len(set(guards)) > 60
    assert set(kept) <= set(guards)
    assert set(guards) - set(kept) == set(ELSEWHERE)
    for test in ELSEWHERE.values():
        file, _, name = test.partition("::")
        text = (ROOT / "tests" / file).read_text("utf-8")
        assert f"def {name}(" in text or f'"{name}": ' in text, test


def test_the_kept_counts_are_of_a_whole_run():
    kept = json.loads(run.OUT.read_text("utf-8"))
    totals = pd.DataFrame(kept["counts"]).sum(axis=1)
    assert totals["trees"] == kept["trees"] >= 300
    assert set(bases.SYNTHETIC) <= set(kept["counts"])
    assert len(kept["faults"]) >= sum(totals[list(oracle.FAULTS)])
