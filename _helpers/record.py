"""What a result was made on, and the one way to write JSON that is kept."""

import contextlib
import json
import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = (
    "torch",
    "braindecode",
    "eegdash",
    "mne",
    "numpy",
    "scipy",
    "scikit-learn",
    "dask",
)


def machine():
    """What this ran on: processor, cores and package versions, and no name of a machine."""
    model = platform.processor() or platform.machine()
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.split(": ")[1] for line in lines if line.startswith("model name"))
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
    }


def write_json(path, content):
    """Write to a temporary name and rename."""
    unfinished = path.with_suffix(".tmp")
    unfinished.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    unfinished.replace(path)


def kept(path):
    """What a file of results holds already, part by part."""
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}
