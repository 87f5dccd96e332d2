"""What every page sets before it computes: how a script ends, and how long a lock is waited for."""

import importlib
import json
import os
import pkgutil
import subprocess
import sys

import _model
import _scale
import _score
import _study
from _helpers.pages import EXAMPLES
from _runtime import LOCK_S, TutorialError

PACKAGES = (_model, _scale, _score, _study)
#: Each class is raised by a script of its own, a fork of this one, which saves the imports.
SCRIPT = """
import importlib, json, os, sys
import _runtime
_runtime.short_errors()
codes = {}
for name in sys.argv[1:]:
    module, _, kind = name.rpartition(".")
    error = getattr(importlib.import_module(module), kind)
    pid = os.fork()
    if pid == 0:
        raise error("Fz is not there: rename it")
    codes[kind] = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(json.dumps(codes))
"""


def our_errors():
    """Every public error class of the private packages, by its full name."""
    names = {}
    for package in PACKAGES:
        found = pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        for name in [package.__name__, *(module.name for module in found)]:
            for kind in vars(importlib.import_module(name)).values():
                if not isinstance(kind, type) or not issubclass(kind, Exception):
                    continue
                if kind.__module__ == name and not kind.__name__.startswith("_"):
                    names[f"{name}.{kind.__name__}"] = kind
    return names


def run(folder, text, *words):
    """Run a script beside the modules."""
    path = folder / "page.py"
    path.write_text(text)
    env = os.environ | {"PYTHONPATH": str(EXAMPLES)}
    command = [sys.executable, str(path), *words]
    return subprocess.run(command, capture_output=True, text=True, env=env)


def test_every_error_class_of_ours_is_a_tutorial_error():
    errors = our_errors()
    assert len(errors) >= 10
    others = {name for name, kind in errors.items() if not issubclass(kind, TutorialError)}
    assert others == set()


def test_a_script_ends_with_the_message_of_each_class_and_nothing_else(tmp_path):
    errors = our_errors()
    done = run(tmp_path, SCRIPT, *errors, "builtins.OSError")
    names = [kind.__name__ for kind in errors.values()]
    lines = done.stderr.splitlines()
    shown = [f"{name}: Fz is not there: rename it" for name in names]
    assert lines[: len(names)] == shown
    assert lines[len(names)].startswith("Traceback")  # not ours
    assert json.loads(done.stdout) == dict.fromkeys([*names, "OSError"], 1)


def test_mne_bids_waits_no_longer_for_a_lock_than_a_reader(tmp_path):
    code = "import _study, mne_bids._fileio as io; print(io.DEFAULT_LOCK_TIMEOUT)"
    assert float(run(tmp_path, code).stdout) == LOCK_S
