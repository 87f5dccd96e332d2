"""A fast part of the mutation suite, proofs that its oracle can fail, and faults of the environment."""

import contextlib
import dataclasses
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import _study
import fuzz
import fuzz_bases
import fuzz_oracle
from _helpers.pages import EXAMPLES, ROOT
from conftest import snapshot
from fuzz_tables import MUTATIONS

ROOMS = sorted(EXAMPLES.glob("_study*.py"))

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
)


@pytest.fixture(scope="module")
def base_of(tmp_path_factory):
    """Bases, written once; nobody changes them."""
    folder, written = tmp_path_factory.mktemp("bases"), {}

    def write(name):
        if name not in written:
            written[name] = fuzz_bases.write_base(name, folder, _study.open_study)
        return written[name]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EEGDASH_CACHE_DIR", str(tmp_path_factory.mktemp("cache")))
        yield write


def outcome(base, name):
    """Outcomes and faults of one mutation with seed 0."""
    return fuzz_oracle.try_case(base, [MUTATIONS[name][0]], 0, save=name == "clean")


@pytest.mark.parametrize(("base", "name"), FAST)
def test_a_mutated_study_is_read_rightly_or_refused_clearly(base_of, base, name):
    outcomes, faults = outcome(base_of(base), name)
    assert set(outcomes) <= set(fuzz.GOOD), faults


@pytest.mark.skipif(
    not os.environ.get(fuzz_bases.REAL), reason=f"{fuzz_bases.REAL} names no real study"
)
@pytest.mark.parametrize("name", ["clean", "copy_in_sourcedata", "channels_rows_permuted"])
def test_a_real_study_is_read_rightly_or_refused_clearly(base_of, name):
    outcomes, faults = outcome(base_of("real"), name)
    assert set(outcomes) <= set(fuzz.GOOD), faults


# --------------------------------------------------------------------------- the oracle can fail


def spoiled(monkeypatch, base, spoil, name="clean"):
    """Outcomes where what ``open_study`` gives, or does, is spoiled on its way out."""
    real = _study.open_study

    def open_study(root, **how):
        return spoil(real(root, **how), root)

    monkeypatch.setattr(_study, "open_study", open_study)
    return fuzz_oracle.try_case(base, [MUTATIONS[name][0]], 0)


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
        s, windows=s.windows[:, [1, 0, 2, 3]]
    ),
    "one name for another": lambda s: dataclasses.replace(
        s, ch_names=("Fz", "Cz", "Oz", "Pz")
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
}


@pytest.mark.parametrize("fault", SILENT)
def test_a_fault_without_a_word_is_silent(base_of, monkeypatch, fault):
    outcomes, faults = spoiled(monkeypatch, base_of("edf"), lambda s, _: SILENT[fault](s))
    assert "silent" in outcomes, fault
    assert faults


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
        (_study.StudyError("sub-01 is odd"), "clean", "false alarm"),
        (_study.StudyError("the weather is bad"), "people_row_gone", "refused wrongly"),
        (_study.StudyError("sub-01 participants.tsv: damaged or was cut short"), "people_row_gone",
         "refused wrongly"),
        (_study.StudyError("try rm -rf x"), "people_row_gone", "advice to delete"),
    ],
)  # fmt: skip
def test_what_is_raised_is_judged(base_of, monkeypatch, error, name, expected):
    monkeypatch.setattr(_study, "open_study", lambda *_, **__: raises(error)(0, 0))
    outcomes, _ = fuzz_oracle.try_case(base_of("edf"), [MUTATIONS[name][0]], 0)
    assert expected in outcomes


def test_what_takes_too_long_is_stopped(base_of, monkeypatch):
    def forever(*_, **__):
        while True:
            with contextlib.suppress(Exception):
                time.sleep(60)

    monkeypatch.setattr(fuzz_oracle, "LIMIT_S", 0.2)
    monkeypatch.setattr(_study, "open_study", forever)
    outcomes, _ = fuzz_oracle.try_case(base_of("edf"), [MUTATIONS["clean"][0]], 0)
    assert outcomes == ["hang"]


# ------------------------------------------------------------------------------ seeds and the table


def test_the_same_seed_gives_the_same_trees(base_of, tmp_path):
    assert fuzz.plan(900, 3) == fuzz.plan(900, 3) != fuzz.plan(900, 4)
    for name in ("events_shuffled", "participants_tsv_randomised", "signal_jumps"):
        seen = []
        for seed, folder in ((1, "a"), (1, "b"), (2, "c")):
            (tmp_path / name / folder).mkdir(parents=True)
            tree = fuzz_oracle.build(
                base_of("edf"), [MUTATIONS[name][0]], seed, tmp_path / name / folder
            )
            seen.append(snapshot(tree.root))
        assert seen[0] == seen[1] != seen[2], name


def test_every_mutation_is_planned_and_changes_something(base_of, tmp_path):
    cases = fuzz.plan(900, 0)
    assert {name for _, names in cases for name in names} == set(MUTATIONS)
    assert len(cases) == 900 > len({names for _, names in cases}) > 300
    assert 300 <= len(fuzz.plan(300, 0)) <= 310
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
        (("set", ("c",)), ["refused clearly"], [], ["_study.f#1"]),
    ]
    found = fuzz.summary(results, 7, 1.0)
    assert found["counts"]["edf"]["trees"] == 2
    assert found["counts"]["edf"]["changed"] == found["counts"]["edf"]["silent"] == 1
    assert [fault["fault"] for fault in found["faults"]] == ["changed", "silent"]
    assert found["guards"] == {"_study.f#1": 1}
    assert fuzz.table(found).splitlines()[-1].split()[:4] == ["all", "3", "1", "1"]


# -------------------------------------------------------------------------- faults around the study


def start(code, *args, cache, how=()):
    """A process that runs code beside the modules of the tutorials."""
    env = os.environ | {"EEGDASH_CACHE_DIR": str(cache), "OMP_NUM_THREADS": "1"}
    command = [*how, sys.executable, "-c", code, *map(str, args)]
    return subprocess.Popen(
        command, cwd=EXAMPLES, env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


OPEN = """
import sys, zlib, _study
study = _study.open_study(sys.argv[1])
print("sum", zlib.crc32(study.windows.tobytes()), len(study.windows))
"""
SAVE = """
import sys, _study, _scale_files
found = _study.find_study(sys.argv[1])
how = {"classes": ["left", "right"]}
print("ready", flush=True)
for subject in found.records:
    _scale.files.save_person(sys.argv[1], subject, found.records[subject], sys.argv[2], how)
print("saved")
"""
WRITE = "print('ready', flush=True); import _study; _study.find_study('simulated-transfer'); print('found')"


def test_four_processes_open_one_study_at_once(base_of, tmp_path):
    root = base_of("fdt").copy_to(tmp_path)
    before = fuzz_oracle.look(tmp_path)
    four = [start(OPEN, root, cache=tmp_path.parent / "cache4") for _ in range(4)]
    said = {process.communicate(timeout=900)[0].splitlines()[-1] for process in four}
    assert len(said) == 1
    assert said.pop().startswith("sum")
    after = fuzz_oracle.look(tmp_path)
    assert not fuzz_oracle.changes(before, after)


def can_mount():
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return (
        shutil.which("unshare") is not None
        and subprocess.run(command, capture_output=True).returncode == 0
    )


MOUNT = "import subprocess, sys; subprocess.run(sys.argv[{}:], check=True)\n"
needs_mount = pytest.mark.skipif(not can_mount(), reason="nothing can be mounted here")


@needs_mount
def test_a_study_on_a_read_only_disk_opens(base_of, tmp_path):
    root = base_of("vhdr").copy_to(tmp_path)
    mount = MOUNT.format(2) + (
        "subprocess.run(['mount', '-o', 'remount,ro,bind', sys.argv[1]], check=True)\n"
    )
    words = [root, "mount", "--bind", root, root]
    cache = tmp_path.parent / "cache-ro"
    process = start(mount + OPEN, *words, cache=cache, how=["unshare", "-rm"])
    assert process.communicate(timeout=900)[0].splitlines()[-1].startswith("sum")


@needs_mount
@pytest.mark.slow
@pytest.mark.parametrize("size", ["64k", "400k", "2m"])
def test_a_simulated_study_on_a_full_disk_is_refused_and_leaves_room(tmp_path, size):
    cache = tmp_path / "small"
    cache.mkdir()
    code = MOUNT.format(1) + (
        "import os, _study\n"
        "try: _study.find_study('simulated-transfer')\n"
        "except _study.StudyError as err: print('refused', err)\n"
        "print(sorted(p for p in os.listdir(sys.argv[-1]) if not p.endswith('.lock')))\n"
    )
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", cache]
    process = start(code, *mount, cache=cache, how=["unshare", "-rm"])
    *_, said, left = process.communicate(timeout=900)[0].splitlines()
    assert said.startswith("refused cannot write to the cache folder")
    assert left == "[]"


def kill_within(process, seconds, how=signal.SIGKILL):
    """Wait until a process is ready, then some seconds, then kill it; gives what it printed."""
    process.stdout.readline()
    time.sleep(seconds)
    process.send_signal(how)
    return process.communicate(timeout=60)[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_study_killed_while_it_is_written_is_whole_afterwards(tmp_path, seed):
    wait = random.Random(seed).uniform(0.5, 12)
    kill_within(start(WRITE, cache=tmp_path), wait)
    process = start(OPEN, "simulated-transfer", cache=tmp_path)
    assert process.communicate(timeout=900)[0].splitlines()[-1].startswith("sum")
    left = [p.name for p in tmp_path.iterdir() if not p.name.endswith(".lock")]
    assert left == ["simulated-transfer"]


@pytest.mark.slow
@pytest.mark.parametrize("how", [signal.SIGKILL] * 10 + [signal.SIGINT] * 5)
def test_people_saved_again_after_a_kill_are_those_of_an_undisturbed_run(
    base_of, tmp_path, how, request
):
    root, cache = base_of("edf").copy_to(tmp_path), tmp_path / "cache"
    before = fuzz_oracle.look(root)
    wait = random.Random(request.node.name).uniform(0.0, 1.5)
    began = time.monotonic()
    printed = kill_within(start(SAVE, root, tmp_path / "windows", cache=cache), wait, how)
    assert time.monotonic() - began < 60
    assert how == signal.SIGKILL or "KeyboardInterrupt" in printed or "saved" in printed
    for folder in ("windows", "clean"):
        process = start(SAVE, root, tmp_path / folder, cache=cache)
        assert "saved" in process.communicate(timeout=900)[0]
    again, undisturbed = (snapshot(tmp_path / folder) for folder in ("windows", "clean"))
    assert again == undisturbed
    assert not fuzz_oracle.changes(before, fuzz_oracle.look(root))


def test_a_refusal_is_put_down_to_its_guard(base_of):
    fuzz_oracle.GUARDS.clear()
    case = [MUTATIONS["people_row_twice_with_other_age"][0]]
    outcomes, _ = fuzz_oracle.try_case(base_of("edf"), case, 0)
    assert outcomes == ["refused clearly"]
    (guard,) = fuzz_oracle.GUARDS
    rooms = {g for p in ROOMS for g in fuzz_oracle.guards_of(str(p)).values()}
    assert guard in rooms
    assert guard.startswith("_study.folder.read_participants#")


#: Refusals that no broken study reaches, and the test that does.
ELSEWHERE = {
    "_study._open#2": "test_study.py::test_events_without_a_value",
    "_study._open#3": "test_mess.py::test_nobody_has_both_classes",
    "_study.catalogue.download_size#1": "test_study.py::test_size_of_a_download_is_known_without_a_network",
    "_study.catalogue.get_budget#1": "test_second_study.py::test_a_budget_for_few_people",
    "_study.channels._refuse_other_rate#1": "test_door_counts.py::test_a_rate_of_another_file_in_a_table_of_channels",
    "_study.events.choose_classes#1": "test_door_counts.py::test_people_without_a_common_event_are_listed",
    "_study.events._ask_one_question#1": "test_door_counts.py::test_two_tasks_are_not_one_question",
    "_study.events._event_numbers#1": "test_study.py::test_a_value_of_an_event_that_is_a_word",
    "_study.find._choose_cohort#1": "test_study.py::test_too_few_people_for_a_cohort",
    "_study.find._download#1": "test_study.py::test_fewer_people_cost_less_and_that_is_told_before_anything",
    "_study.find._download#2": "test_study.py::test_no_network_is_told_in_seconds_with_a_way_out",
    "_study.find._locate#1": "test_study.py::test_empty_name",
    "_study.find._locate#2": "test_door_tables.py::test_names_that_no_folder_can_have",
    "_study.find._locate#3": "test_study.py::test_folder_that_does_not_exist",
    "_study.find._locate#4": "test_door_tables.py::test_names_that_no_folder_can_have",
    "_study.find._most_people#1": "test_door_tables.py::test_a_limit_that_is_no_number",
    "_study.find._subject_targets#4": "test_study.py::test_target_that_nobody_has",
    "_study.find.exchange_values#1": "test_study.py::test_a_null_needs_an_effect_or_values",
    "_study.find.find_people#1": "test_study.py::test_arguments_that_mean_nothing",
    "_study.find.find_people#2": "test_study.py::test_arguments_that_mean_nothing",
    "_study.channels.find_channels#1": "test_door_counts.py::test_a_bad_channel_is_interpolated_where_places_are_known",
    "_study.channels.find_channels#3": "test_door_counts.py::test_without_an_eeg_channel_there_is_no_reference",
    "_study.quality.measure_signal#1": "test_signals.py::test_a_recording_without_eeg_is_refused",
    "_study.tables._read_text#3": "test_door_counts.py::test_a_table_that_may_not_be_read",
    "_study.windows._check_counts#1": "test_door_counts.py::test_windows_are_counted_against_the_events",
    "_study.windows._cut#1": "test_door_counts.py::test_what_braindecode_refuses_is_said_of_the_study",
    "_study.windows._cut_windows#1": "test_door_counts.py::test_a_study_of_bad_segments_has_no_window_left",
    "_study.windows._cut_windows#2": "test_door_counts.py::test_records_asked_for_twice_are_refused",
    "_study.windows._list_recordings#1": "test_door_counts.py::test_records_asked_for_twice_are_refused",
    "_study.windows._list_recordings#2": "test_study.py::test_recording_that_eegdash_passes_over",
}


def test_every_guard_of_the_door_refuses_a_broken_study():
    kept = json.loads(fuzz.OUT.read_text("utf-8"))["guards"]
    rooms = {g for p in ROOMS for g in fuzz_oracle.guards_of(str(p)).values()}
    assert rooms - set(kept) == set(ELSEWHERE)
    for test in ELSEWHERE.values():
        file, _, name = test.partition("::")
        assert f"def {name}(" in (ROOT / "tests" / file).read_text("utf-8"), test


def test_the_kept_counts_are_of_a_whole_run():
    kept = json.loads(fuzz.OUT.read_text("utf-8"))
    totals = pd.DataFrame(kept["counts"]).sum(axis=1)
    assert totals["trees"] == kept["trees"] >= 300
    assert set(fuzz_bases.SYNTHETIC) <= set(kept["counts"])
    assert len(kept["faults"]) >= sum(totals[list(fuzz_oracle.FAULTS)])
