"""Mend torchaudio where it stands beside a CPU-only torch. Standard library only.

torchaudio's wheel for Linux links an extension against CUDA, so ``import torchaudio`` (hence
``import braindecode``) fails beside a torch without CUDA. torchaudio treats a *missing* extension as
normal, and nothing here uses it: that one file is removed from this Python's environment.
"""

import importlib.util
import subprocess
import sys
from pathlib import Path

PROBE = "import torch, sys; sys.exit(3) if torch.version.cuda else None; import torchaudio"


def _imports():
    """Exit code and stderr of importing torchaudio in a fresh interpreter; 3 means a CUDA torch."""
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True)
    return done.returncode, done.stderr


def mend():
    """Remove the extension only where torch has no CUDA and the extension cannot load."""
    spec = importlib.util.find_spec("torchaudio")
    code, stderr = _imports() if spec else (0, "")
    if code in (0, 3):
        return
    if "Could not load this library" not in stderr:
        what = "torchaudio does not import, and not for want of CUDA"
        raise RuntimeError(f"{what}:\n{stderr}")
    for path in sorted(Path(spec.origin).parent.glob("lib/_torchaudio*.so")):
        path.unlink()
        print(f"torch has no CUDA, so torchaudio's CUDA extension was removed: {path.name}")
    code, stderr = _imports()
    if code:
        raise RuntimeError(f"torchaudio still does not import:\n{stderr}")


if __name__ == "__main__":
    mend()
