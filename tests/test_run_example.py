"""The clean-room runner: blocks the network, limits time, measures, and reports failures."""

import time
from pathlib import Path

import pytest

from _helpers import run_example, sandbox
from _helpers.pages import ExampleError, siblings, tutorials
from _helpers.sandbox import run_alone

CONNECT = """
import socket
for host in ("192.0.2.1", "example.org"):
    try:
        socket.create_connection((host, 9), timeout=3)
    except OSError as e:
        print(type(e).__name__, e)
server = socket.create_server(("127.0.0.1", 0))
with socket.create_connection(server.getsockname(), timeout=3):
    print("this machine reaches itself")
"""


def run(tmp_path, code, **kwargs):
    (tmp_path / "script.py").write_text(code)
    return run_alone(["script.py"], tmp_path, **kwargs)


@pytest.mark.parametrize("kernel", [True, False])
def test_only_this_machine_is_reached(tmp_path, monkeypatch, kernel):
    if kernel and not sandbox.kernel_can_block():
        pytest.skip("this kernel does not let a process give up its network")
    monkeypatch.setattr(sandbox, "kernel_can_block", lambda: kernel)
    address, name, itself = run(tmp_path, CONNECT)[0].splitlines()
    assert ("unreachable" if kernel else "blocked for this run") in address
    assert ("resolution" if kernel else "blocked for this run") in name
    assert itself == "this machine reaches itself"


def test_the_script_gets_a_clean_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("EEG_TUTORIAL_STUDY", "something")
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    names = [
        "EEG_TUTORIAL_STUDY",
        "HOME",
        "EEGDASH_CACHE_DIR",
        "MPLBACKEND",
        "OMP_NUM_THREADS",
    ]
    stdout, _, _ = run(
        tmp_path,
        f"import os, sys\nprint([os.environ.get(n) for n in {names}])\nprint('/somewhere' in sys.path)",
    )
    assert stdout.splitlines() == [
        str([None, str(tmp_path), str(tmp_path / "eegdash_cache"), "Agg", "1"]),
        "False",
    ]


def test_the_study_is_passed_on(tmp_path):
    stdout, _, _ = run(
        tmp_path,
        "import os\nprint(os.environ['EEG_TUTORIAL_STUDY'])",
        EEG_TUTORIAL_STUDY="here",
    )
    assert stdout == "here\n"


def test_time_limit_kills_the_whole_group(tmp_path):
    code = (
        "import subprocess, sys, time\nprint('started', flush=True)\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        "open('pid', 'w').write(str(child.pid))\ntime.sleep(60)\n"
    )
    start = time.monotonic()
    with pytest.raises(ExampleError, match="stopped after 2 s. It last printed:\nstarted"):
        run(tmp_path, code, timeout=2)
    assert time.monotonic() - start < 30
    time.sleep(0.2)
    pid = int((tmp_path / "pid").read_text())
    try:
        state = Path(f"/proc/{pid}/stat").read_text().split()[2]
    except FileNotFoundError:
        state = "gone"
    assert state in ("gone", "Z")


def test_failure_shows_the_error(tmp_path):
    with pytest.raises(ExampleError, match="(?s)exit code 1.*ValueError: too bad"):
        run(tmp_path, "raise ValueError('too bad')")


def test_seconds_and_memory_are_those_of_the_script(tmp_path):
    _, seconds, small = run(tmp_path, "import time; time.sleep(0.5)")
    _, _, large = run(tmp_path, "import time; x = bytearray(300_000_000); time.sleep(1)")
    assert 0.5 <= seconds < 20
    assert 250 < large.peak - small.peak < 400
    assert 250 < large.private - small.private < 400


def test_memory_of_children_counts(tmp_path):
    code = (
        "import subprocess, sys\n"
        "big = 'import time; x = bytearray(200_000_000); time.sleep(2)'\n"
        "many = [subprocess.Popen([sys.executable, '-c', big]) for _ in range(2)]\n"
        "[child.wait() for child in many]"
    )
    assert 400 < run(tmp_path, code)[2].private < 600


def test_a_broken_contract_is_an_error(tmp_path):
    (tmp_path / "plot_x.py").write_text("print('no contract')")
    with pytest.raises(
        ExampleError, match="plot_x.py broke its contract: the last line is not JSON"
    ):
        run_example.run_example(tmp_path / "plot_x.py")


def test_siblings_are_found_through_each_other():
    (script,) = tutorials(["73"])
    assert [p.name for p in siblings(script)] == [
        "_study/cache.py", "_model/checkpoint.py", "_model/encoder.py", "_figure_style.py", "_model/regimes.py", "_finetune_figure.py", "_model/ledger.py", "_runtime.py", "_score/scores.py", "_study/simulated/signals.py", "_study/simulated/person.py", "_score/splits.py", "_study/__init__.py",
        "_study/folder.py", "_study/catalogue.py", "_study/channels.py", "_study/events.py", "_study/quality.py", "_study/find.py", "_study/channels.py",
        "_study/quality.py", "_study/simulated/write.py", "_study/tables.py", "_study/twins.py", "_study/windows.py", "_model/training.py",
    ]  # fmt: skip


def test_a_tutorial_that_is_not_there():
    with pytest.raises(
        ExampleError, match="no tutorial is called '999': there are .*plot_73"
    ):
        tutorials(["999"])
