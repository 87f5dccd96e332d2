"""A cohort: files that survive damage, kills, full disks and company; workers that change nothing."""

import inspect
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import mne
import numpy as np
import pytest
import torch

import _scale.files
import _scale.grid
import _scale.workers
import _study
import _study.cache
import _study.simulated.write
import _study.windows
from _helpers.pages import EXAMPLES
from _model.adapt import train_layers
from _model.encoder import EncoderError
from _model.training import normalise
from _scale.workers import Job, PersonJob
from conftest import write_bids
from tools import snapshot

SETTINGS = {"classes": ["delta", "alpha"]}
PEOPLE = ("17", "18", "19", "20", "21", "22")


@pytest.fixture(scope="session")
def study(cache):
    return str(cache / "simulated-transfer")


def job_of(study, person, folder, settings):
    """Arguments of ``save_person``; somebody who is not there has no records."""
    records = _study.find_study(study).records.get(person, [])
    return PersonJob(str(study), person, records, str(folder), settings)


def save_all(study, folder, people=PEOPLE, client=None):
    jobs = [job_of(study, person, folder, SETTINGS) for person in people]
    return _scale.workers.run_jobs(_scale.files.save_person, jobs, client)


def statuses(outcomes):
    return [outcome["status"] for outcome in outcomes]


@pytest.fixture(scope="session")
def clean(study, tmp_path_factory):
    """Files made by a loop that nothing disturbed; nobody changes them."""
    folder = tmp_path_factory.mktemp("clean")
    assert statuses(save_all(study, folder)) == ["done"] * len(PEOPLE)
    return folder


@pytest.fixture
def folder(clean, tmp_path):
    """A copy of those files, to break."""
    return shutil.copytree(clean, tmp_path / "windows")


def files(folder):
    """What counts: windows and records, and nothing that was left behind."""
    found = snapshot(Path(folder))
    left = [n for n in found if not n.endswith(".lock") and not n.startswith("sub-")]
    assert not left, left
    return {name: digest for name, digest in found.items() if name.startswith("sub-")}


# ----------------------------------------------------------------------------- one person, one file


def test_a_person_alone_is_the_person_of_the_whole_study(study, tmp_path):
    whole = _study.open_study(study, cohort="target", subjects=PEOPLE)
    for person in PEOPLE[:2]:
        records = _study.find_study(study).records[person]
        alone = _scale.files.read_person(study, records, SETTINGS)
        rows = (whole.metadata["subject"] == person).to_numpy()
        np.testing.assert_array_equal(alone.windows, whole.windows[rows])
        own = whole.metadata[rows].reset_index(drop=True)
        assert alone.metadata.equals(own)
        assert (alone.name, alone.data) == (whole.name, whole.data)
    assert list(tmp_path.iterdir()) == []


def test_reading_a_person_leaves_the_study_alone(bids, tmp_path):
    before = snapshot(bids)
    _scale.files.save_person(*job_of(bids, "01", tmp_path / "windows", {}))
    assert snapshot(bids) == before


def test_second_pass_skips_and_changes_nothing(study, folder):
    before = files(folder)
    assert statuses(save_all(study, folder)) == ["skipped"] * len(PEOPLE)
    assert files(folder) == before


def lose(path):
    path.unlink()


def shorten(path):
    os.truncate(path, path.stat().st_size - 8)


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def spoil(path):
    path.write_text("{")


@pytest.mark.parametrize(
    ("name", "harm", "why"),
    [
        ("sub-18.npy", lose, "sub-18.npy is gone"),
        ("sub-18.npy", shorten, "sub-18.npy holds 98,424 of 98,432 bytes"),
        ("sub-18.npy", flip, "sub-18.npy is not what was written"),
        ("sub-18.json", lose, "sub-18.npy has no record: interrupted"),
        ("sub-18.json", spoil, r"sub-18.json cannot be read \(JSONDecodeError\)"),
        ("sub-18.json", lambda path: path.write_text("[]"), "cannot be read"),
    ],
)
def test_damage_is_noticed_named_and_repaired(study, clean, folder, name, harm, why):
    harm(folder / name)
    outcomes = save_all(study, folder)
    assert statuses(outcomes) == ["skipped", "done", *["skipped"] * (len(PEOPLE) - 2)]
    with pytest.raises(AssertionError, match=why):
        raise AssertionError(outcomes[1]["again"])
    assert files(folder) == files(clean)


def test_what_changed_is_done_again(bids, tmp_path):
    job = job_of(bids, "01", tmp_path / "windows", {})
    assert _scale.files.save_person(*job)["again"] == ""
    assert _scale.files.save_person(*job)["status"] == "skipped"
    other = job._replace(settings={"channels": ["Cz", "Fz"]})
    assert "settings changed" in _scale.files.save_person(*other)["again"]
    assert "settings changed" in _scale.files.save_person(*job)["again"]
    write_bids(bids, subjects=("01",), seconds=12)
    again = _scale.files.save_person(*job)
    assert again["again"].startswith("recordings changed")
    assert again["n_windows"] == 6


def test_a_recording_that_raises_does_not_stop_the_others(bids, tmp_path):
    (edf,) = bids.glob("sub-02/eeg/*.edf")
    os.truncate(edf, edf.stat().st_size // 2)
    jobs = [job_of(bids, person, tmp_path / "w", {}) for person in ("01", "02", "03", "77")]
    outcomes = _scale.workers.run_jobs(_scale.files.save_person, jobs)
    assert statuses(outcomes) == ["done", "failed", "done", "failed"]
    assert f"StudyError: {edf}: " in outcomes[1]["reason"]
    assert f"sub-77 has no recordings in {bids}" in outcomes[3]["reason"]
    assert set(files(tmp_path / "w")) == {
        f"sub-0{i}.{end}" for i in (1, 3) for end in ("npy", "json")
    }


def test_counts_say_what_happened(capsys):
    outcomes = [
        {"status": "done", "again": "its end was gone"},
        {"status": "skipped", "again": ""},
        {"status": "failed", "reason": f"here{os.sep}file is bad"},
    ]
    assert _scale.workers.count_status(outcomes, hide="here") == {
        "done": 1,
        "skipped": 1,
        "failed": 1,
    }
    said = capsys.readouterr().out
    assert (
        said
        == "1 done, 1 skipped, 1 failed\n  done: its end was gone\n  failed: file is bad\n"
    )


def test_a_file_that_cannot_be_finished_leaves_the_old_one(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def half(path):
        with _study.cache.replacing(path) as file:
            file.write(b"new")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        half(path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


# --------------------------------------------------------------------------------------- real faults


def python(code, *args, how=(), **kwargs):
    """Start a script of its own, beside the modules; it has no guard, as a page has none."""
    command = [*how, sys.executable, "-c", textwrap.dedent(code), *map(str, args)]
    env = os.environ | {"PYTHONPATH": str(EXAMPLES), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, **kwargs)


LOOP = """
    import json, sys, time, _scale.files, _scale.workers, _study
    study, folder, people, go = sys.argv[1:]
    print("ready", flush=True)
    while not __import__("os").path.exists(go):
        time.sleep(0.005)
    records, how = _study.find_study(study).records, {"classes": ["delta", "alpha"]}
    jobs = [(study, p, records[p], folder, how) for p in people.split(",")]
    print(json.dumps(_scale.workers.run_jobs(_scale.files.save_person, jobs)))
"""


def start_loops(n, study, folder, people, tmp_path):
    """Loops in processes of their own, which begin together."""
    go = tmp_path / "go"
    loops = [python(LOOP, study, folder, ",".join(people), go) for _ in range(n)]
    for loop in loops:
        assert loop.stdout.readline() == "ready\n"
    go.touch()
    return loops


def test_a_run_killed_in_the_middle_is_finished_by_the_next(study, clean, tmp_path):
    folder = tmp_path / "windows"
    (loop,) = start_loops(1, study, folder, PEOPLE, tmp_path)
    deadline = time.monotonic() + 60
    # Killed while it works on the third: at that moment there is a lock, or half a file.
    while not (folder / f".sub-{PEOPLE[2]}.lock").exists():
        assert time.monotonic() < deadline
    loop.send_signal(signal.SIGKILL)
    loop.communicate()
    outcomes = save_all(study, folder)
    assert statuses(outcomes)[:2] == ["skipped"] * 2
    assert statuses(outcomes)[3:] == ["done"] * (len(PEOPLE) - 3)
    assert files(folder) == files(clean)


def test_two_runs_on_one_cache_do_nothing_twice(study, clean, tmp_path):
    folder = tmp_path / "windows"
    loops = start_loops(2, study, folder, PEOPLE, tmp_path)
    both = [json.loads(loop.communicate(timeout=120)[0]) for loop in loops]
    pairs = zip(*map(statuses, both), strict=True)
    assert [sorted(pair) for pair in pairs] == [["done", "skipped"]] * len(PEOPLE)
    assert files(folder) == files(clean)


def can_mount():
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(command, capture_output=True).returncode == 0


FULL_DISK = """
    import json, subprocess, sys, _scale.files, _scale.workers, _study
    study, folder, people = sys.argv[1:]
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", folder]
    subprocess.run(mount, check=True)
    ballast = open(f"{folder}/ballast", "wb")
    ballast.write(bytes(150_000)), ballast.flush()
    records, how = _study.find_study(study).records, {"classes": ["delta", "alpha"]}
    jobs = [(study, p, records[p], folder, how) for p in people.split(",")]
    first = _scale.workers.run_jobs(_scale.files.save_person, jobs)
    left = sorted(p.name for p in _scale.files.Path(folder).iterdir() if not p.name.endswith(".lock"))
    subprocess.run(["mount", "-o", "remount,size=4m", folder], check=True)
    print(json.dumps([first, left, _scale.workers.run_jobs(_scale.files.save_person, jobs)]))
"""


@pytest.mark.skipif(
    not can_mount(), reason="no small disk can be mounted here (unshare -rm)"
)
def test_a_full_disk_is_said_leaves_nothing_half_and_can_be_continued(
    study, clean, tmp_path
):
    run = python(FULL_DISK, study, tmp_path, ",".join(PEOPLE), how=["unshare", "-rm"])
    first, left, second = json.loads(run.communicate(timeout=120)[0].splitlines()[-1])
    n_fit = statuses(first).count("done")
    assert 0 < n_fit < len(PEOPLE)
    assert statuses(first) == ["done"] * n_fit + ["failed"] * (len(PEOPLE) - n_fit)
    for outcome in first[n_fit:]:
        assert "cannot be written (No space left on device). Make room" in outcome["reason"]
    whole = [f"sub-{person}{end}" for person in PEOPLE[:n_fit] for end in (".json", ".npy")]
    assert left == ["ballast", *whole]
    assert statuses(second) == ["skipped"] * n_fit + ["done"] * (len(PEOPLE) - n_fit)
    good = {p: json.loads((clean / f"sub-{p}.json").read_text())["sha256"] for p in PEOPLE}
    assert {outcome["subject"]: outcome["sha256"] for outcome in second} == good


def test_a_folder_that_cannot_be_made_is_named(study, tmp_path):
    (tmp_path / "file").touch()
    (outcome,) = save_all(study, tmp_path / "file", PEOPLE[:1])
    assert outcome["status"] == "failed"
    assert "set EEGDASH_CACHE_DIR" in outcome["reason"]


# ------------------------------------------------------------------------------------------- workers


def save_or_die(study, subject, records, folder, settings, deadly, once):
    """As ``save_person``, but ``kill -9`` meets the worker that has a deadly person."""
    if subject == deadly and not (once and os.path.exists(once)):
        if once:
            Path(once).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return _scale.files.save_person(study, subject, records, folder, settings)


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    pytest.importorskip("distributed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EEGDASH_CACHE_DIR", str(tmp_path_factory.mktemp("workers")))
        patch.delenv("DASK_SCHEDULER_ADDRESS", raising=False)
        with _scale.workers.open_workers(2) as client:
            yield client


def test_workers_have_one_thread_each(client):
    assert list(client.run(os.getenv, "OMP_NUM_THREADS").values()) == ["1", "1"]


def test_a_killed_worker_loses_nothing(client, study, clean, tmp_path):
    folder, once = tmp_path / "windows", str(tmp_path / "died")
    jobs = [(*job_of(study, p, folder, SETTINGS), PEOPLE[1], once) for p in PEOPLE]
    before = set(client.run(os.getpid).values())
    outcomes = _scale.workers.run_jobs(save_or_die, jobs, client)
    assert os.path.exists(once)
    assert statuses(outcomes) == ["done"] * len(PEOPLE)
    assert files(folder) == files(clean)
    client.wait_for_workers(2, timeout=60)
    assert set(client.run(os.getpid).values()) != before


def test_a_task_that_takes_workers_down_is_given_up_and_the_rest_go_on(
    client, study, tmp_path
):
    folder = tmp_path / "windows"
    jobs = [(*job_of(study, p, folder, SETTINGS), PEOPLE[0], "") for p in PEOPLE]
    outcomes = _scale.workers.run_jobs(save_or_die, jobs, client)
    assert statuses(outcomes)[0] == "failed"
    assert outcomes[0]["reason"].startswith("KilledWorker: ")
    # A dying worker may take the answer of a finished task with it; asked again, it is skipped.
    assert set(statuses(outcomes)[1:]) <= {"done", "skipped"}
    assert len(files(folder)) == 2 * (len(PEOPLE) - 1)


@pytest.mark.parametrize(
    ("job", "function"),
    [(PersonJob, _scale.files.save_person), (Job, _scale.grid.train_cell)],
)
def test_a_job_has_the_arguments_of_its_function(job, function):
    names = inspect.signature(function).parameters
    assert job._fields == tuple(names)
    given = {n: p.default for n, p in names.items() if p.default is not p.empty}
    assert job._field_defaults == given


def test_loop_and_workers_give_the_same_bits(client, clean, tmp_path):
    checkpoint = str(tmp_path / "encoder.pt")
    _scale.grid.pretrain_encoder(str(clean), PEOPLE[:3], checkpoint, n_steps=3)
    cells = [
        Job(str(clean), checkpoint, regime, seed, PEOPLE[:3], PEOPLE[3:], 1e-2, 5)
        for regime in ("from-scratch", "linear-probe", "full-finetune")
        for seed in (1, 2)
    ]
    results = _scale.workers.run_jobs(_scale.grid.train_cell, cells)
    assert statuses(results) == ["done"] * 6
    assert len({result["weights"] for result in results}) == 6
    assert _scale.workers.run_jobs(_scale.grid.train_cell, cells, client) == results
    assert _scale.workers.run_jobs(_scale.grid.train_cell, [], client) == []


FLAT = """
    print("the page runs")
    import os, sys, _scale.workers
    with _scale.workers.local_workers(1) as client:
        print(client.submit(os.getpid).result() != os.getpid())
    print(os.path.basename(__file__))
"""


def test_a_page_without_a_guard_is_not_run_by_its_workers(tmp_path):
    script = tmp_path / "page.py"
    script.write_text(textwrap.dedent(FLAT))
    env = os.environ | {"PYTHONPATH": str(EXAMPLES), "EEGDASH_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, script], env=env, capture_output=True, text=True)
    assert done.stdout == "the page runs\nTrue\npage.py\n", done.stderr


def test_a_scheduler_of_somebody_else_is_used(study, clean, tmp_path, monkeypatch, capsys):
    pytest.importorskip("distributed")
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", "tcp://127.0.0.1:9")
    monkeypatch.setattr(_scale.workers, "PATIENCE", 1)
    with _scale.workers.open_workers() as client:
        assert client is None
    assert "no scheduler answers at DASK_SCHEDULER_ADDRESS=tcp://127.0.0.1:9 " in (
        capsys.readouterr().out
    )
    monkeypatch.setattr(_scale.workers, "PATIENCE", 60)  # they have to import
    about = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": tmp_path}
    command = ["scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    started = [subprocess.Popen([*dask, *command, "--scheduler-file", about], **quiet)]
    try:
        deadline = time.monotonic() + 60
        while not (about.exists() and about.read_text().endswith("}")):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        monkeypatch.setenv(
            "DASK_SCHEDULER_ADDRESS", json.loads(about.read_text())["address"]
        )
        worker = [
            *dask,
            "worker",
            "--scheduler-file",
            about,
            "--nthreads",
            "1",
            "--no-nanny",
        ]
        bare = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        started.append(subprocess.Popen([*worker, "--no-dashboard"], env=bare, **quiet))
        with (
            pytest.raises(_scale.files.ScaleError, match=f"PYTHONPATH={EXAMPLES}$"),
            _scale.workers.open_workers(),
        ):
            pass
        started[-1].terminate()
        started.pop().wait(timeout=60)
        able = bare | {"PYTHONPATH": str(EXAMPLES)}
        started.append(subprocess.Popen([*worker, "--no-dashboard"], env=able, **quiet))
        with _scale.workers.open_workers() as client:
            outcomes = save_all(study, tmp_path / "windows", client=client)
        assert (
            "the scheduler of DASK_SCHEDULER_ADDRESS, 1 worker" in capsys.readouterr().out
        )
        assert statuses(outcomes) == ["done"] * len(PEOPLE)
        assert files(tmp_path / "windows") == files(clean)
    finally:
        for process in started:
            process.kill()
            process.wait(timeout=60)


WITHOUT = """
    import sys
    sys.modules["distributed"] = sys.modules["dask"] = None
    import _scale.workers
    with _scale.workers.open_workers() as client:
        print(client, _scale.workers.run_jobs(dict, [(), ()], client))
"""


def test_without_dask_everything_runs_in_a_loop_and_says_so():
    said = python(WITHOUT).communicate(timeout=120)[0]
    assert "dask is not installed" in said
    assert "None [{}, {}]" in said


# ------------------------------------------------------------------------------- reading for training


def test_windows_are_read_from_the_disk_and_are_those_that_were_written(clean):
    windows = _scale.files.WindowFiles(clean, PEOPLE)
    whole = np.concatenate([np.load(clean / f"sub-{person}.npy") for person in PEOPLE])
    assert len(windows) == len(whole) == len(windows.metadata["sample_id"])
    assert all(isinstance(file, np.memmap) for file in windows.files)
    rows = np.random.default_rng(0).permutation(len(whole))
    np.testing.assert_array_equal(windows.read(rows), whole[rows])
    np.testing.assert_array_equal(windows[torch.tensor(rows)], normalise(whole[rows]))
    subjects = list(itertools.chain.from_iterable([p] * 12 for p in PEOPLE))
    assert windows.metadata["subject"] == subjects


def test_a_person_without_a_file_is_named(clean):
    with pytest.raises(_scale.files.ScaleError, match="run save_person for '99'"):
        _scale.files.WindowFiles(clean, ["17", "99"])


def test_a_probe_moves_its_head_and_nothing_else(clean, tmp_path, monkeypatch):
    checkpoint, seen = str(tmp_path / "encoder.pt"), []
    _scale.grid.pretrain_encoder(str(clean), PEOPLE[:3], checkpoint, n_steps=3)
    encoder = torch.load(checkpoint)
    monkeypatch.setattr(
        _scale.grid, "fingerprint", lambda model: seen.append(model.state_dict())
    )
    job = Job(str(clean), checkpoint, "linear-probe", 1, PEOPLE[:3], PEOPLE[3:], 1e-2, 5)
    result = _scale.grid.train_cell(*job)
    assert set(result["correct"]) == set(PEOPLE[3:])
    assert result["windows"] == dict.fromkeys(PEOPLE[3:], 12)
    assert all(torch.equal(seen[0][name], value) for name, value in encoder.items())
    _scale.grid.train_cell(*job._replace(regime="full-finetune"))
    assert not torch.equal(seen[1]["bnorm.running_var"], encoder["bnorm.running_var"])


def test_fewer_windows_than_a_batch_still_train(clean, tmp_path):
    windows = _scale.files.WindowFiles(clean, PEOPLE[:1])
    model = _scale.grid.builder_for(windows)(seed=0)
    before = _scale.grid.fingerprint(model)
    steps = {"n_steps": 2, "batch_size": 64, "store": False}
    train_layers(model, windows, windows.targets, ("",), lr=1e-2, **steps)
    assert _scale.grid.fingerprint(model) != before


def test_a_checkpoint_of_another_network_is_refused(clean, tmp_path):
    torch.save({"other": torch.zeros(1)}, tmp_path / "x.pt")
    checkpoint = str(tmp_path / "x.pt")
    job = Job(str(clean), checkpoint, "full-finetune", 1, PEOPLE[:1], PEOPLE[1:], 1e-2)
    with pytest.raises(EncoderError, match="does not fit this model"):
        _scale.grid.train_cell(*job)


def test_the_copy_of_a_set_file_is_let_go(tmp_path):
    study = write_bids(tmp_path / "mystudy", subjects=("01",), fmt="EEGLAB")
    (path,) = study.glob("sub-01/eeg/*.set")
    raw = mne.io.read_raw_eeglab(path, verbose="ERROR").load_data(verbose="ERROR")
    signals = raw.get_data()
    assert "cached_data" in raw._raw_extras[0]  # else there is nothing to let go of
    _study.windows.release_file_buffer(raw)
    assert "cached_data" not in raw._raw_extras[0]
    np.testing.assert_array_equal(raw.get_data(), signals)
    lazy = mne.io.read_raw_eeglab(path, verbose="ERROR")
    np.testing.assert_array_equal(
        _study.windows.release_file_buffer(lazy).get_data(), signals
    )
    del raw._raw_extras
    assert _study.windows.release_file_buffer(raw) is raw


@pytest.mark.parametrize(
    ("limit", "expected"),
    [(2 * 1024**3, 1), (10**9, 1), (2_600_000_000, 2), (64 * 10**9, 4)],
)
def test_no_more_workers_than_fit(monkeypatch, limit, expected):
    monkeypatch.setenv("MEM_LIMIT", str(limit))
    assert _scale.workers.affordable_workers(4) == expected
    monkeypatch.setenv("MEM_LIMIT", "0.5G")  # not a number of bytes: the machine's own
    monkeypatch.setattr(_scale.workers.distributed.system, "MEMORY_LIMIT", limit)
    assert _scale.workers.affordable_workers(4) == expected


@pytest.mark.parametrize("odd", ["²", "٣", "-1", "1e9", " ", "9" * 5000, "\u0661" * 30])
def test_an_odd_limit_of_memory_is_the_limit_of_the_machine(monkeypatch, odd):
    monkeypatch.setenv("MEM_LIMIT", odd)
    monkeypatch.setattr(_scale.workers.distributed.system, "MEMORY_LIMIT", 2_600_000_000)
    assert _scale.workers.affordable_workers(4) == 2


OPEN = """
    import os, time
    import _scale.workers
    start = time.monotonic()
    with _scale.workers.open_workers(2) as client:
        print(client, _scale.workers.run_jobs(dict, [(), ()], client))
        print("seconds", int(time.monotonic() - start))
"""
HOSTS = {
    "without loopback": (
        ["unshare", "-n"],
        "no connection to 127.0.0.1: Network is unreachable",
    ),
    "without /dev/shm": (
        [
            "unshare",
            "-m",
            "sh",
            "-c",
            'mount -t tmpfs -o ro none /dev/shm && exec "$0" "$@"',
        ],
        "no semaphores in /dev/shm: Read-only file system",
    ),
    "without processes": (
        ["setpriv", "--reuid=65534", "--clear-groups", "prlimit", "--nproc=2"],
        "no 2 processes: Resource temporarily unavailable",
    ),
}


@pytest.mark.parametrize("host", HOSTS)
def test_where_workers_cannot_start_it_is_said_and_a_loop_runs(host, tmp_path):
    pytest.importorskip("distributed")
    command, why = HOSTS[host]
    if (
        not shutil.which(command[0])
        or subprocess.run([*command, sys.executable, "-c", ""]).returncode
    ):
        pytest.skip(f"this machine does not let us run Python {host}")
    bare = {k: v for k, v in os.environ.items() if k != "DASK_SCHEDULER_ADDRESS"}
    env = bare | {"PYTHONPATH": str(EXAMPLES), "EEGDASH_CACHE_DIR": str(tmp_path)}
    code = [*command, sys.executable, "-c", textwrap.dedent(OPEN)]
    done = subprocess.run(code, env=env, capture_output=True, text=True, timeout=120)
    said = (
        f"workers cannot start here ({why}): everything runs in a loop\nNone [{{}}, {{}}]\n"
    )
    assert done.stdout.startswith(said), done.stdout + done.stderr
    assert int(done.stdout.split()[-1]) < 10


def test_a_port_that_is_no_scheduler_is_said_within_seconds(monkeypatch, capsys):
    pytest.importorskip("distributed")
    with socket.create_server(("127.0.0.1", 0)) as server:  # listens, and never says a word
        monkeypatch.setenv(
            "DASK_SCHEDULER_ADDRESS", f"tcp://127.0.0.1:{server.getsockname()[1]}"
        )
        monkeypatch.setattr(_scale.workers, "PATIENCE", 2)
        start = time.monotonic()
        with _scale.workers.open_workers() as client:
            assert client is None
        assert time.monotonic() - start < 8
    assert "Everything runs in a loop" in capsys.readouterr().out


@pytest.mark.parametrize(
    "address", ["nonsense://x", "tcp://", "\x7f", "x" * 5000, "tcp://a:99999"]
)
def test_an_address_that_is_none_is_no_traceback(monkeypatch, capsys, address):
    pytest.importorskip("distributed")
    monkeypatch.setenv("DASK_SCHEDULER_ADDRESS", address)
    monkeypatch.setattr(_scale.workers, "PATIENCE", 2)
    with _scale.workers.open_workers() as client:
        assert client is None
    assert "no scheduler answers" in capsys.readouterr().out


def test_a_study_of_four_people_is_refused_before_anything_slow():
    with pytest.raises(
        _study.StudyError, match="mine has 1 people to pretrain on and 3 to adapt"
    ):
        _scale.grid.refuse_few("mine", ["01"], ["02", "03", "04"])
    _scale.grid.refuse_few("mine", ["01"], ["02", "03", "04", "05"])


# ------------------------------------------------------------- the cache tells the truth


def again(bids, folder):
    outcome = _scale.files.save_person(*job_of(bids, "01", folder, {}))
    return outcome["status"], outcome["again"].partition(" changed")[0]


def older(path):
    """Change a file and give it its old size and time."""
    before, text = path.stat(), path.read_bytes()
    path.write_bytes(text[:-1] + bytes([text[-1] ^ 1]))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def test_windows_are_made_again_when_what_they_depend_on_changes(
    bids, tmp_path, monkeypatch
):
    assert again(bids, tmp_path) == ("done", "")
    assert again(bids, tmp_path) == ("skipped", "")
    table = bids / "participants.tsv"
    text = table.read_text("utf-8")
    table.write_text(text.replace("21.5", "99"), "utf-8")  # another person's age
    assert again(bids, tmp_path) == ("skipped", "")
    table.write_text("\ufeff" + text.replace("20.5", "99").replace("sub-", ""), "utf-8")
    assert again(bids, tmp_path) == ("done", "row")
    older(next(bids.rglob("sub-01*.edf")))
    assert again(bids, tmp_path) == ("done", "recordings")
    monkeypatch.setattr(_scale.files, "version", lambda name: "0")
    assert again(bids, tmp_path) == ("done", "versions")
    monkeypatch.setattr(_scale.files, "code_digest", lambda: "other code")
    assert again(bids, tmp_path) == ("done", "code")
    assert again(bids, tmp_path) == ("skipped", "")


def test_the_digest_reads_every_room_behind_the_door(tmp_path, monkeypatch):
    copy = shutil.copytree(EXAMPLES, tmp_path / "examples")
    monkeypatch.setattr(_scale.files, "__file__", str(copy / "_scale" / "files.py"))
    monkeypatch.setattr(_study, "__file__", str(copy / "_study" / "__init__.py"))
    digest = _scale.files.code_digest.__wrapped__  # asked once by others
    seen = {digest()}
    rooms = ["_scale/files.py", *sorted(copy.glob("_study/**/*.py"))]
    for room in rooms:
        with (copy / room).open("a") as file:
            file.write("# changed")
        seen.add(digest())
    assert len(rooms) > 10
    assert len(seen) == len(rooms) + 1


HOLD = """
    import sys, time
    from pathlib import Path
    import _study.cache
    workshop = _study.cache.Workshop(Path(sys.argv[1]))
    Path(workshop.name, "big").write_text("x")
    print(workshop.name, flush=True)
    time.sleep(600)
"""


def test_leftovers_of_killed_runs_are_removed_and_a_living_run_is_left_alone(tmp_path):
    env = os.environ | {"PYTHONPATH": str(EXAMPLES)}
    code = [sys.executable, "-c", textwrap.dedent(HOLD), str(tmp_path)]
    holder = subprocess.Popen(code, env=env, stdout=subprocess.PIPE, text=True)
    try:
        left = Path(holder.stdout.readline().strip())
        own = _study.cache.Workshop(tmp_path)
        assert (left / "big").exists()  # its maker lives
    finally:
        holder.kill()
        holder.wait(timeout=60)
    building = tmp_path / ".simulated-tasks.building"
    building.mkdir()
    _study.cache.sweep(tmp_path)
    assert not left.exists()
    assert not building.exists()
    assert Path(own.name).is_dir()
    own.cleanup()
    assert [p.name for p in tmp_path.glob(".workshop*")] == []


def test_a_file_that_a_killed_run_did_not_finish_is_removed(bids, tmp_path):
    left = [tmp_path / f".sub-{s}.npy.unfinished" for s in ("01", "02")]
    for path in left:
        path.write_bytes(b"half")
    again(bids, tmp_path)
    assert [path.exists() for path in left] == [False, True]  # of this person: locked


@pytest.mark.parametrize(
    "err",
    [OSError(28, "No space left on device"), OSError("165440 requested and 50688 written")],
)
def test_a_full_disk_is_said_in_words_and_leaves_no_half_study(tmp_path, monkeypatch, err):
    def write(root, name):
        (root / "sub-01").mkdir()
        raise err

    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(_study.simulated.write, "write_study", write)
    with pytest.raises(
        _study.StudyError, match=r"\(the disk is full\)\. Make room, or set EEGDASH"
    ):
        _study.simulated.write.write_simulated("simulated-tasks")
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ".lock"] == []
