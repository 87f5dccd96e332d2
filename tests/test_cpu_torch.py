"""The torchaudio cure acts when it must, and only then."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "_helpers" / "cpu_torch.py"
EXTENSION = "_torchaudio.abi3.so"


def fake_environment(folder, *, cuda, torchaudio):
    """A torch and a torchaudio that behave like the real ones at import."""
    (folder / "torch").mkdir()
    (folder / "torch" / "__init__.py").write_text(f"class version:\n    cuda = {cuda!r}\n")
    lib = folder / "torchaudio" / "lib"
    lib.mkdir(parents=True)
    (lib / EXTENSION).write_text("")
    (lib / "libtorchaudio.abi3.so").write_text("")
    (folder / "torchaudio" / "__init__.py").write_text(torchaudio)
    return lib


LIKE_THE_REAL_ONE = (
    "from pathlib import Path\npath = Path(__file__).parent / 'lib' / '_torchaudio.abi3.so'\n"
    "if path.exists():\n    raise OSError(f'Could not load this library: {path}')\n"
)


def run(folder):
    env = os.environ | {"PYTHONPATH": str(folder)}
    return subprocess.run(
        [sys.executable, str(SCRIPT)], env=env, capture_output=True, text=True
    )


def test_broken_extension_beside_cpu_torch_is_removed(tmp_path):
    lib = fake_environment(tmp_path, cuda=None, torchaudio=LIKE_THE_REAL_ONE)
    done = run(tmp_path)
    assert done.returncode == 0, done.stderr
    assert f"removed: {EXTENSION}" in done.stdout
    assert [p.name for p in lib.iterdir()] == ["libtorchaudio.abi3.so"]
    assert run(tmp_path).stdout == ""  # nothing left to do


@pytest.mark.parametrize(
    ("cuda", "torchaudio"),
    [("13.0", LIKE_THE_REAL_ONE), (None, "")],
    ids=["CUDA torch", "works"],
)
def test_nothing_is_touched_where_nothing_is_wrong(tmp_path, cuda, torchaudio):
    lib = fake_environment(tmp_path, cuda=cuda, torchaudio=torchaudio)
    assert run(tmp_path).returncode == 0
    assert (lib / EXTENSION).exists()


def test_another_failure_is_told_and_not_mended(tmp_path):
    lib = fake_environment(
        tmp_path, cuda=None, torchaudio="raise ImportError('numpy is missing')"
    )
    done = run(tmp_path)
    assert done.returncode == 1
    assert "not for want of CUDA" in done.stderr
    assert "numpy is missing" in done.stderr
    assert (lib / EXTENSION).exists()


def test_the_environment_of_these_tests_is_mended():
    subprocess.run([sys.executable, "-c", "import torchaudio"], check=True)
