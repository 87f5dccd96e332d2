"""Run tutorials on a real study, and keep what came out: numbers, figures, and where they are from.

``nox -s real -- --study PATH_OR_ID`` writes ``docs/real/STUDY/plot_NN.json`` and the figures beside
it. They are committed as results; the data are not. The page *On real EEG* shows them.
"""

import argparse
import datetime
import hashlib
import json
import re
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from _helpers.contract import Contract, ContractError, parse
from _helpers.pages import ROOT, ExampleError, sibling, siblings, tutorials
from _helpers.record import machine, write_json
from _helpers.run_example import run_script

RESULTS = ROOT / "docs" / "real"
#: Tutorials that make sense on a study of people who do or rest: adaptation, leak, score.
PAGES = ("plot_73", "plot_11", "plot_80", "plot_81")
WRAPPER = '''"""Written by real.py: runs a tutorial as it is, then saves its figures with their words."""
import json
import os
import runpy
from pathlib import Path

target = {target!r}
if target:
    os.environ["EEG_TUTORIAL_TARGET"] = target
runpy.run_path({script!r}, run_name="__main__")

import matplotlib.pyplot as plt

folder, words = Path("figures"), []
folder.mkdir()
with plt.rc_context({{"svg.hashsalt": "tutorials", "svg.fonttype": "path"}}):
    for number in plt.get_fignums():
        figure = plt.figure(number)
        width, height = (round(inches * 96) for inches in figure.get_size_inches())
        alt = " ".join(str(figure.get_label()).split())
        words.append({{"alt": alt, "width": width, "height": height}})
        path = folder / f"{{len(words)}}.svg"
        figure.savefig(path, metadata={{"Date": None}}, facecolor="white")
(folder / "words.json").write_text(json.dumps(words), "utf-8")
'''
OPENED = re.compile(
    r"^(?P<study>\S+): (?P<people>\d+) people(?: \((?P<cohort>\w+) cohort\))?, (?P<windows>\d+) windows "
    r"of (?P<channels>\d+) channels x (?P<samples>\d+) samples at (?P<sfreq>[\d.]+) Hz$",
    re.M,
)


class RealError(RuntimeError):
    """Nothing was run or shown; the message names the thing, its value and the fix."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)


class Opened(_Model):
    """Windows that a tutorial opened, as it printed them."""

    people: int = Field(ge=1, description="people")
    windows: int = Field(ge=1, description="windows of all of them")
    channels: int = Field(ge=1, description="channels of a window")
    samples: int = Field(ge=1, description="samples of a window")
    sfreq: float = Field(gt=0, description="sampling frequency of a window, in Hz")
    cohort: str | None = Field(description="which part of the people, null for all")


class Provenance(_Model):
    """Where a result is from, and what it took."""

    dataset: str = Field(min_length=1, description="dataset id, or name of the folder")
    title: str = Field(description="what dataset_description.json calls it")
    credit: str = Field(description="licence and citation")
    sha256: str = Field(
        pattern="^[0-9a-f]{64}$",
        description="of participants.tsv and of the names and sizes of all recordings",
    )
    n_people: int = Field(ge=1, description="people with recordings")
    n_recordings: int = Field(ge=1, description="recordings")
    megabytes: float = Field(gt=0, description="size of the recordings on disk")
    megabytes_catalogue: float | None = Field(
        description="size of the study in EEGDash's catalogue, null if it is not there"
    )
    opened: list[Opened] = Field(min_length=1, description="what was cut into windows")
    packages: dict[str, str] = Field(min_length=1, description="versions that ran")
    machine: str = Field(description="processor and cores")
    date: str = Field(pattern=r"^\d{4}-\d\d-\d\d$", description="day in UTC")
    command: str = Field(description="what to type to have it again")
    seconds: float = Field(gt=0, description="wall time of the tutorial")
    peak_mb: float = Field(gt=0, description="peak memory of the tutorial")


class Figure(_Model):
    """One figure of the tutorial."""

    file: Annotated[str, Field(pattern=r"^plot_\d+(-\w+)?_\d+\.svg$", description="beside")]
    alt: str = Field(min_length=1, description="words for who does not see it")
    width: int = Field(ge=1, description="natural width in CSS pixels")
    height: int = Field(ge=1, description="natural height in CSS pixels")


class Result(_Model):
    """One tutorial on one real study."""

    contract: dict = Field(description="the tutorial's JSON line")
    provenance: Provenance = Field(description="where it is from")
    figures: list[Figure] = Field(description="in the order of the page")

    def checked(self) -> Contract:
        """The contract as the model of its tutorial."""
        return parse(json.dumps(self.contract))


def load_result(path):
    """Read one file of ``docs/real/`` and check all of it.

    Parameters
    ----------
    path : pathlib.Path
        ``docs/real/STUDY/plot_NN.json``.

    Returns
    -------
    Result
        The checked file.

    Raises
    ------
    RealError
        If the file is not there, breaks a model, or its figures are not beside it.
    """
    try:
        result = Result.model_validate_json(path.read_text("utf-8"))
        contract = result.checked()
    except FileNotFoundError as err:
        raise RealError(
            f"there is no {path.name} of {path.parent.name}: nox -s real -- --study makes it"
        ) from err
    except (ValidationError, ContractError) as err:
        raise RealError(f"{path.parent.name}/{path.name}: {err}") from err
    expected_names = path.stem.partition("-")[0], path.parent.name
    for said, expected in zip(
        (contract.tutorial, contract.data), expected_names, strict=True
    ):
        if said != expected:
            raise RealError(f"{path.parent.name}/{path.name} is a result of {said}")
    absent = [f.file for f in result.figures if not (path.parent / f.file).is_file()]
    if absent:
        raise RealError(f"{path.parent.name}/{path.name}: no figure {absent} beside it")
    return result


def describe_data(root, credit="", megabytes_catalogue=None):
    """What identifies a BIDS folder, without its place on this machine.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS dataset.
    credit : str
        Licence and citation.
    megabytes_catalogue : float or None
        Size of the study in EEGDash's catalogue.

    Returns
    -------
    dict
        The part of :class:`Provenance` that is known before anything runs.
    """
    recordings = sorted(
        path
        for path in root.glob("sub-*/**/eeg/*_eeg.*")
        if path.suffix != ".json" and path.is_file()
    )
    stems = {path.with_suffix("") for path in recordings}
    sizes = [path.stat().st_size for path in recordings]
    lines = [
        f"{path.relative_to(root).as_posix()} {size}\n"
        for path, size in zip(recordings, sizes, strict=True)
    ]
    digest = hashlib.sha256((root / "participants.tsv").read_bytes())
    digest.update("".join(lines).encode())
    description = json.loads((root / "dataset_description.json").read_text("utf-8"))
    return {
        "dataset": root.name,
        "title": str(description.get("Name", "")),
        "credit": credit or str(description.get("License", "")),
        "sha256": digest.hexdigest(),
        "n_people": len({path.relative_to(root).parts[0] for path in recordings}),
        "n_recordings": len(stems),
        "megabytes": round(sum(sizes) / 1e6, 1),
        "megabytes_catalogue": megabytes_catalogue,
    }


def packages():
    """Versions of what a reader installs to run a tutorial."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    names = [line.split("==")[0] for line in lines if "==" in line]
    return {name: version(name) for name in names}


def opened(stdout, study):
    """What a tutorial opened of a study, each kind once, in the order it was printed."""
    found = []
    for match in OPENED.finditer(stdout):
        if match["study"] == study:
            numbers = {
                k: int(match[k]) for k in ("people", "windows", "channels", "samples")
            }
            one = {**numbers, "sfreq": float(match["sfreq"]), "cohort": match["cohort"]}
            if one not in found:
                found.append(one)
    return found


def run_on_study(script, root, data, folder, *, target=None, timeout=1800):
    """Run one tutorial on a study in an empty folder, and write its JSON and figures.

    Parameters
    ----------
    script : pathlib.Path
        A script of ``examples/``.
    root : pathlib.Path
        A BIDS dataset on this machine.
    data : dict
        What :func:`describe_data` says of it.
    folder : pathlib.Path
        Where the results go. It is left as it was if the run fails.
    target : str or None
        Column of ``participants.tsv`` to predict, and part of the files' names; None leaves it to
        the study's recipe.
    timeout : float
        Limit in seconds.

    Returns
    -------
    Result
        What was written.

    Raises
    ------
    ExampleError
        If the tutorial fails, runs out of time or breaks its contract.
    """
    tutorial = re.match(r"plot_\d+", script.stem)[0]
    name = f"{tutorial}-{target}" if target else tutorial
    with tempfile.TemporaryDirectory(prefix="tutorial-") as temporary:
        work = Path(temporary)
        for path in (script, *siblings(script)):
            shutil.copy(path, work)
        wrapper = work / "run_and_save.py"
        wrapper.write_text(WRAPPER.format(script=script.name, target=target), "utf-8")
        stdout, seconds, memory = run_script(
            wrapper.name, work, timeout=timeout, study=root
        )
        try:
            line = parse(stdout)
        except ContractError as err:
            raise ExampleError(f"{script.name} broke its contract: {err}") from err
        words = json.loads((work / "figures" / "words.json").read_text("utf-8"))
        hardware = machine()
        result = Result(
            contract=json.loads(stdout.rstrip().splitlines()[-1]),
            provenance=Provenance(
                **data,
                opened=opened(stdout, line.data),
                packages=packages(),
                machine=f"{hardware['processor']}, {hardware['cores']} cores",
                date=datetime.datetime.now(datetime.UTC).date().isoformat(),
                command=f"nox -s real -- {tutorial} --study {data['dataset']}"
                + (f" --target {target}" if target else ""),
                seconds=round(seconds, 1),
                peak_mb=round(memory.peak),
            ),
            figures=[{"file": f"{name}_{i}.svg", **own} for i, own in enumerate(words, 1)],
        )
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{name}_*.svg"):
            old.unlink()
        for i, figure in enumerate(result.figures, 1):
            unfinished = folder / f"{figure.file}.tmp"
            shutil.copy(work / "figures" / f"{i}.svg", unfinished)
            unfinished.replace(folder / figure.file)
    write_json(folder / f"{name}.json", result.model_dump())
    return result


def find_data(study):
    """A study on this machine, and what is known of it; fetched only if the reader asked for that.

    Parameters
    ----------
    study : str
        Path of a BIDS folder, or a dataset id.

    Returns
    -------
    tuple of (pathlib.Path, dict)
        The folder, and :func:`describe_data` of it.

    Raises
    ------
    RealError
        If it is a simulated study.
    StudyError
        As ``open_study`` raises it.
    """
    _study, _study_catalogue = sibling("_study"), sibling("_study_catalogue")

    if _study_catalogue.is_simulated(study):
        raise RealError(f"{study} is simulated: pass the path of a BIDS folder, or its id")
    root = _study.find_study(study).root.resolve()
    size = None
    if root.name in _study_catalogue.catalogue().index:
        size = round(_study.download_size(root.name)[1], 1)
    return root, describe_data(root, _study.get_recipe(root.name).credit, size)


def main(argv=None):
    """Run tutorials on a real study, one after the other, and write docs/real/STUDY/."""
    parser = argparse.ArgumentParser(prog="nox -s real --", description=main.__doc__)
    parser.add_argument(
        "select", nargs="*", help=f"part of a tutorial's name (default: {' '.join(PAGES)})"
    )
    parser.add_argument("--study", required=True, help="a BIDS folder, or a dataset id")
    parser.add_argument("--target", help="column of participants.tsv to predict")
    args = parser.parse_args(argv)
    scripts = [tutorials([word]) for word in args.select or PAGES]
    try:
        root, data = find_data(args.study)
    except (RealError, ValueError) as err:
        print(f"{type(err).__name__}: {err}", file=sys.stderr)
        return 1
    print(
        f"{data['dataset']}: {data['n_people']} people, {data['n_recordings']} recordings, "
        f"{data['megabytes']:,.1f} MB, sha256 {data['sha256'][:12]}\n"
    )
    failed = []
    for script in dict.fromkeys(script for own in scripts for script in own):
        try:
            result = run_on_study(
                script, root, data, RESULTS / data["dataset"], target=args.target
            )
        except ExampleError as err:
            failed.append(script.stem)
            print(f"{script.stem:<40}  FAILED: {err}", flush=True)
            continue
        own = result.provenance
        print(f"{script.stem:<40}{own.seconds:>8.1f} s{own.peak_mb:>8.0f} MB", flush=True)
    if failed:
        print(f"failed, and what an earlier run wrote is kept: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
