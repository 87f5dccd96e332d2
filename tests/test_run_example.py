"""The clean-room runner: blocks the network, limits time, measures, and reports failures."""

import re
import time
from pathlib import Path

import pytest

from _helpers import run_example, sandbox
from _helpers.pages import EXAMPLES, ExampleError, sibling, travels, tutorials
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


#: A name that begins with one underscore, where Python imports it.
IMPORTS = re.compile(r"^\s*(?:import|from) (_(?!_)[\w.]+)(?: import (\w+))?", re.M)


def named_in(path):
    """Files of ``examples/`` that the text of a file may mean by its imports."""
    names = set()
    for module, word in IMPORTS.findall(path.read_text("utf-8")):
        for dotted in (module, f"{module}.{word}"):
            place = EXAMPLES / dotted.replace(".", "/")
            names |= {place.with_suffix(".py"), place / "__init__.py"}
    return {name for name in names if name.is_file()}


@pytest.mark.parametrize("script", tutorials(), ids=lambda script: script.stem)
def test_what_travels_with_a_page(script):
    carried = travels(script)
    files = {script, *carried.values()}
    named = set().union(*map(named_in, files))
    # Nothing is missing, and a package has its ``__init__`` at every level.
    assert named <= files
    packages = {parent for name in carried for parent in Path(name).parents} - {Path()}
    inits = {(package / "__init__.py").as_posix() for package in packages}
    assert inits <= carried.keys()
    # Nothing comes along that nobody names.
    assert files - named - {EXAMPLES / name for name in inits} == {script}
    # The door is whole: the same rooms behind it on every page.
    rooms = {path for path in EXAMPLES.glob("_study/**/*.py") if path.name != "spoil.py"}
    assert rooms <= files
    # A figure comes with the page that draws it.
    figures = {path for path in files if path.name.endswith("_figure.py")}
    assert figures == {path for path in named_in(script) if path in figures}
    assert figures


def test_siblings_are_found_through_each_other(tmp_path):
    """Through a package, a module in it, a name taken from it, and not through another script."""
    texts = {
        "plot_x.py": "import _a\nfrom _pack import two\n",
        "plot_y.py": "import _pack.four\n",
        "_a.py": "def later():\n    from _pack.deep.three import THREE\n",
        "_pack/__init__.py": "",
        "_pack/two.py": "import json\nimport _a\n",
        "_pack/four.py": "",
        "_pack/deep/__init__.py": "import _pack.deep.five\n",
        "_pack/deep/three.py": "THREE = 3\n",
        "_pack/deep/five.py": "",
        "_b.py": "import plot_x\n",
    }
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert list(travels(tmp_path / "plot_x.py")) == [
        "_a.py",
        "_pack/__init__.py",
        "_pack/deep/__init__.py",
        "_pack/deep/five.py",
        "_pack/deep/three.py",
        "_pack/two.py",
    ]
    assert list(travels(tmp_path / "plot_y.py")) == ["_pack/__init__.py", "_pack/four.py"]
    with sandbox.only_with_siblings(tmp_path / "plot_y.py") as alone:
        assert (alone / "plot_y.py").is_file()
        assert (alone / "_pack" / "four.py").is_file()


def test_a_module_of_a_package_is_imported_by_its_name():
    assert sibling("_study.find") is sibling("_study").find
    assert Path(sibling("_score.scores").__file__) == EXAMPLES / "_score" / "scores.py"


def test_a_tutorial_that_is_not_there():
    with pytest.raises(
        ExampleError, match="no tutorial is called '999': there are .*plot_73"
    ):
        tutorials(["999"])
