"""Run tutorials on a real study, and keep what came out: numbers, figures, and where they are from.

``nox -s real -- --study PATH_OR_ID`` writes ``docs/real/STUDY/plot_NN.json`` and the figures beside
it. They are committed as results; the data are not. The page *On real EEG* shows them.
"""

import argparse
import hashlib
import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

from _helpers.contracts import CONTRACTS, ContractError, parse
from _helpers.pages import ExampleError, sibling, siblings, tutorials
from _helpers.record import REAL, RecordError, new_record, write_json
from _helpers.run_example import run_script

#: Tutorials that make sense on a study of people who do or rest: adaptation, leak, score.
PAGES = [name for name, model in CONTRACTS.items() if model.on_real]
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
        The part of `_helpers.record.Provenance` that is known before anything runs.
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
    Record
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
        result = new_record(
            json.loads(stdout.rstrip().splitlines()[-1]),
            seconds,
            memory,
            provenance={
                **data,
                "opened": opened(stdout, line.data),
                "command": f"nox -s real -- {tutorial} --study {data['dataset']}"
                + (f" --target {target}" if target else ""),
            },
            figures=[{"file": f"{name}_{i}.svg", **own} for i, own in enumerate(words, 1)],
        )
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{name}_*.svg"):
            old.unlink()
        for i, figure in enumerate(result.figures, 1):
            unfinished = folder / f"{figure.file}.tmp"
            shutil.copy(work / "figures" / f"{i}.svg", unfinished)
            unfinished.replace(folder / figure.file)
    write_json(folder / f"{name}.json", result.model_dump(mode="json"))
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
    RecordError
        If it is a simulated study.
    StudyError
        As ``open_study`` raises it.
    """
    _study = sibling("_study")
    if _study.SIMULATED.fullmatch(study):
        raise RecordError(
            f"{study} is simulated: pass the path of a BIDS folder, or its id"
        )
    _study.list_people(study)  # everything that can be refused before a signal is read
    root = _study.get_study_folder(study).resolve()
    size = None
    if root.name in _study.catalogue_ids():
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
    except (RecordError, ValueError) as err:
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
                script, root, data, REAL / data["dataset"], target=args.target
            )
        except ExampleError as err:
            failed.append(script.stem)
            print(f"{script.stem:<40}  FAILED: {err}", flush=True)
            continue
        print(
            f"{script.stem:<40}{result.seconds:>8.1f} s{result.peak_mb:>8} MB", flush=True
        )
    if failed:
        print(f"failed, and what an earlier run wrote is kept: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
