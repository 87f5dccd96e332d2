"""What a run gave, in one shape: its line, where the data are from, on what it ran, what it took.

``docs/reference``, ``docs/_build/runs``, ``docs/real/STUDY`` and ``docs/evidence.json`` are lists of it.
"""

import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import re
import subprocess
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from _helpers.contracts import CONTRACTS, ContractError, parse
from _helpers.contracts.base import Positive, Some, Strict, Text
from _helpers.pages import DOCS, ROOT, write_if_changed

RUNS, REFERENCE, REAL = DOCS / "_build" / "runs", DOCS / "reference", DOCS / "real"
EVIDENCE, NULL_EVIDENCE = DOCS / "evidence.json", DOCS / "evidence_null.json"


class RecordError(RuntimeError):
    """Nothing was run or shown; the message names the thing, its value and the fix."""


class Opened(Strict):
    """Windows of a study that a tutorial had at its end; the rate is in Hz."""

    people: Some
    windows: Some
    channels: Some
    samples: Some
    sfreq: Positive
    cohort: str | None
    """which part of the people, null for all"""


class Provenance(Strict):
    """Where data are from that were not simulated; people are those with recordings."""

    dataset: Text
    title: str
    """what dataset_description.json calls it"""
    credit: str
    """licence and citation"""
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """of participants.tsv and of the names and sizes of all recordings"""
    n_people: Some
    n_recordings: Some
    megabytes: Positive
    """size of the recordings on disk"""
    megabytes_catalogue: float | None
    """size of the study in EEGDash's catalogue, null if it is not there"""
    opened: Annotated[list[Opened], Field(min_length=1)]
    """what was cut into windows"""
    command: Text
    """what to type to have it again"""


class Figure(Strict):
    """One figure of a page: file beside the record, words, natural size in CSS pixels."""

    file: Annotated[str, Field(pattern=r"^plot_\d+(-\w+)?_\d+\.svg$")]
    alt: Text
    width: Some
    height: Some
    narrow: Some | None = None
    """height of the file with its panels below each other, null without one"""
    numbers: bool = False
    """is what it was drawn from beside it, as a CSV?"""


class Machine(Strict):
    """What numbers were made on, without its name; "not recorded" for what was not kept."""

    cpu: Text
    gpu: Text
    system: Text
    python: Text


class Record(Strict):
    """One run of one tutorial."""

    contract: dict
    provenance: Provenance | None
    """where the data are from, null for a simulated study"""
    figures: list[Figure]
    """in the order of the page, where they were kept"""
    seed: int | None
    """of the draw of people, null for the study as it is"""
    machine: Machine
    versions: Annotated[dict[str, str], Field(min_length=1)]
    seconds: Positive | None
    """wall time of the process, imports included; null where nobody measured, like memory and day"""
    peak_mb: Some | None
    """largest memory of the process and its children"""
    private_mb: Some | None
    """the part of it that no other process shares"""
    date: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None
    """day in UTC"""

    def checked(self):
        """The contract as the model of its tutorial; `ContractError` if it is not one."""
        return parse(json.dumps(self.contract))


def machine():
    """What runs this: processor and its number of cores, accelerator, system and Python."""
    cpu = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, TypeError):
        cpu = re.search(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())[1]
    query, gpu = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], ""
    with contextlib.suppress(OSError):
        gpu = subprocess.run(query, capture_output=True, text=True).stdout.strip()
    return {
        "cpu": f"{cpu}, {os.cpu_count()} cores",
        "gpu": gpu or "none",
        "system": platform.system(),
        "python": platform.python_version(),
    }


def versions():
    """Version of every package that a tutorial may import, as installed here."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    names = [line.split("==")[0] for line in lines if "==" in line and line[0] != "#"]
    return {name: importlib.metadata.version(name) for name in names}


def write_json(path, content):
    """Write in one step, so that a file is whole or as it was; make its folder.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    content : dict
        What JSON holds.
    """
    write_if_changed(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def new_record(contract, seconds, memory, *, provenance=None, figures=(), seed=None):
    """What a run on this machine, today, gave; checked, but for the contract.

    Parameters
    ----------
    contract : dict
        The line.
    seconds : float
        Of the run.
    memory : Memory
        Peaks, in MB.
    provenance : dict, optional
        Where real data are from.
    figures : sequence of dict
        Those that are kept.
    seed : int, optional
        Of a draw.
    """
    return Record(
        contract=contract,
        provenance=provenance,
        figures=list(figures),
        seed=seed,
        machine=machine(),
        versions=versions(),
        seconds=round(seconds, 1),
        peak_mb=round(memory.peak),
        private_mb=round(memory.private),
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
    )


def load(path):
    """Read a record; `RecordError` if it breaks a model or is of another page."""
    name, study = f"{path.parent.name}/{path.name}", path.parent.name
    try:
        record = Record.model_validate_json(path.read_text("utf-8"))
        contract = record.checked()
    except FileNotFoundError as err:
        none = f"there is no {path.name} of {study}"
        raise RecordError(f"{none}: nox -s real -- --study makes it") from err
    except (ValidationError, ContractError) as err:
        raise RecordError(f"{name}: {err}") from err
    pairs = [(contract.tutorial, path.stem.partition("-")[0])]
    if record.provenance:
        pairs += [(contract.data, study), (record.provenance.dataset, study)]
    for origin, expected in pairs:
        if origin != expected:
            raise RecordError(f"{name} is a result of {origin}")
    files = [f.file for f in record.figures]
    files += [f"{Path(f.file).stem}_narrow.svg" for f in record.figures if f.narrow]
    files += [f"{Path(f.file).stem}.csv" for f in record.figures if f.numbers]
    absent = [name for name in files if not (path.parent / name).is_file()]
    if absent:
        raise RecordError(f"{name}: no figure {absent} beside it")
    return record


def records(folder):
    """Records of a folder by tutorial, as they stand there, unchecked; an absent folder has none."""
    paths = sorted(folder.glob("plot_*.json"))
    contents = [json.loads(path.read_bytes()) for path in paths]
    return {content["contract"]["tutorial"]: content for content in contents}


def leaves(value, name=""):
    """Every leaf behind its keys, joined by dots.

    Parameters
    ----------
    value : dict, list or leaf
        Such as a contract.
    name : str
        Keys that lead to it.

    Returns
    -------
    dict of str to leaf
        Keys joined by dots -> value.
    """
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, dict):
        return {name: value}
    inner = [leaves(item, f"{name}.{key}" if name else key) for key, item in value.items()]
    return {key: leaf for part in inner for key, leaf in part.items()}


def drift(values, reference):
    """What left its band or is in one contract only: key -> (value, reference).

    Parameters
    ----------
    values : dict
        The contract of today.
    reference : dict
        The one that was accepted.
    """
    bands = CONTRACTS[reference["tutorial"]]
    now, then = leaves(values), leaves(reference)
    moved = {}
    for key in {**then, **now}:
        a, b = now.get(key), then.get(key)
        numbers = isinstance(a, float) and isinstance(b, int | float)
        if not (abs(a - b) <= bands.band(key, b) if numbers else a == b):
            moved[key] = (a, b)
    return moved
