"""Run tutorials the way a reader will: alone in an empty folder, offline, and timed; keep what came out.

``nox -s examples`` leaves records in ``docs/_build/runs``, or with ``--accept`` in ``docs/reference``;
``nox -s real -- --study PATH_OR_ID`` in ``docs/real/STUDY``, with figures but without the data.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tqdm import tqdm

from _helpers.contracts import CONTRACTS
from _helpers.pages import ROOT, ExampleError, short_name, sibling, tutorials
from _helpers.record import REAL, REFERENCE, RUNS, RecordError, new_record, write_json
from _helpers.sandbox import kernel_can_block, line_of, only_with_siblings, run_alone

#: Tutorials that make sense on a study of people who do or rest.
ON_REAL = [name for name, promise in CONTRACTS.items() if promise.on_real]


class Run(NamedTuple):
    """What one run of a tutorial gave: its line, byte for byte, seconds and memory of its process."""

    line: str
    seconds: float
    memory: tuple

    @classmethod
    def of(cls, script, ran):
        """The run of a script; an error if its line breaks the contract.

        Parameters
        ----------
        script : pathlib.Path
            The tutorial.
        ran : sandbox.Ran
            What it printed and took.
        """
        return cls(line_of(script.name, ran.stdout), ran.seconds, ran.memory)

    def record(self, **about):
        """The run as a record; what else is known of it is passed on."""
        return new_record(json.loads(self.line), self.seconds, self.memory, **about)


def _variables(study=None, target=None, recipe=None):
    """Environment of a run on other data than those of the page; a file is found from any folder."""
    recipe = Path(recipe).absolute() if recipe else None
    given = {"STUDY": study, "TARGET": target, "RECIPE": recipe}
    return {f"EEG_TUTORIAL_{name}": str(value) for name, value in given.items() if value}


def run_example(script, *, timeout=300, study=None, recipe=None):
    """Run one tutorial in an empty folder with nothing but its siblings; check its line.

    Parameters
    ----------
    script : pathlib.Path
        The tutorial.
    timeout : float
        Limit in seconds.
    study : str or None
        Instead of the study of the page: a name, a dataset id or a BIDS folder.
    recipe : str or None
        A TOML file with settings of the study.

    Returns
    -------
    Run
        Line, seconds and memory.
    """
    variables = _variables(study, recipe=recipe)
    with only_with_siblings(script) as folder:
        ran = run_alone([script.name], folder, timeout=timeout, **variables)
    return Run.of(script, ran)


def describe_data(root, credit="", megabytes_catalogue=None):
    """What identifies a BIDS folder: the `Provenance` known before anything runs.

    Parameters
    ----------
    root : pathlib.Path
        The folder.
    credit : str
        Licence and citation; without them what the folder says.
    megabytes_catalogue : float, optional
        Size of the study in EEGDash's catalogue.
    """
    sizes = {
        path.relative_to(root): path.stat().st_size
        for path in sorted(root.glob("sub-*/**/eeg/*_eeg.*"))
        if path.suffix != ".json" and path.is_file()
    }
    digest = hashlib.sha256((root / "participants.tsv").read_bytes())
    digest.update("".join(f"{p.as_posix()} {size}\n" for p, size in sizes.items()).encode())
    description = json.loads((root / "dataset_description.json").read_text("utf-8"))
    return {
        "dataset": root.name,
        "title": str(description.get("Name", "")),
        "credit": credit or str(description.get("License", "")),
        "sha256": digest.hexdigest(),
        "n_people": len({path.parts[0] for path in sizes}),
        "n_recordings": len({path.with_suffix("") for path in sizes}),
        "megabytes": round(sum(sizes.values()) / 1e6, 1),
        "megabytes_catalogue": megabytes_catalogue,
    }


def find_data(study):
    """Folder and description of a study; fetched only if the reader asked for that."""
    _study = sibling("_study")
    if _study.catalogue.is_simulated(study):
        raise RecordError(f"{study} is simulated: pass the path of a BIDS folder or its id")
    index = _study.find_study(study)
    root = index.root.resolve()
    size = None
    if root.name in _study.catalogue.catalogue().index:
        size = round(_study.download_size(root.name)[1], 1)
    return root, describe_data(root, index.recipe.credit, size)


def run_on_study(script, root, data, folder, *, target=None, recipe=None):
    """Run one tutorial on a study; a folder of results is left as it was if that fails.

    Parameters
    ----------
    script : pathlib.Path
        The tutorial.
    root : pathlib.Path
        The study.
    data : dict
        What `describe_data` says about it.
    folder : pathlib.Path
        Of the results.
    target : str, optional
        Column of ``participants.tsv`` to predict.
    recipe : str, optional
        A TOML file with settings of the study.

    Returns
    -------
    Record
        What was written.
    """
    tutorial = short_name(script)
    name = f"{tutorial}-{target}" if target else tutorial
    command = f"nox -s real -- {tutorial} --study {data['dataset']}"
    if target:
        command += f" --target {target}"
    if recipe:
        command += f" --recipe {Path(recipe).name}"
    variables = {**_variables(root, target, recipe), "PYTHONPATH": str(ROOT)}
    with only_with_siblings(script) as work:
        words = ["-m", "_helpers.figures", "kept", script.name]
        run = Run.of(script, run_alone(words, work, timeout=1800, **variables))
        kept = json.loads((work / "kept" / "run.json").read_text("utf-8"))
        used = json.loads(run.line)["data"]
        opened = [study for study in kept["opened"] if study.pop("data") == used]
        drawn = [{"file": f"{name}_{i}.svg", **f} for i, f in enumerate(kept["figures"], 1)]
        provenance = {**data, "opened": opened, "command": command}
        record = run.record(provenance=provenance, figures=drawn)
        folder.mkdir(parents=True, exist_ok=True)
        for old in (*folder.glob(f"{name}_*.svg"), *folder.glob(f"{name}_*.csv")):
            old.unlink()
        (work / "kept" / "run.json").unlink()
        for made in (work / "kept").iterdir():
            shutil.copy(made, folder / f"{name}_{made.name}")
    write_json(folder / f"{name}.json", record.model_dump(mode="json"))
    return record


def _twice(args):
    """Run tutorials twice, compare the JSON bytes, and print a table."""
    how = "the kernel" if kernel_can_block() else "a socket guard inside Python"
    print(f"network blocked by {how}; one thread; every run in an empty folder\n")
    head = f"{'tutorial':<40}{'seconds':>8}{'peak MB':>9}{'private':>9}  JSON bytes"
    print(f"{head}\n{'-' * len(head)}")
    failed, lines, firsts = [], [], {}
    for script in tqdm(tutorials(args.select), disable=None):
        try:  # alone, because its seconds and memory are published
            firsts[script] = run_example(script, study=args.study, recipe=args.recipe)
        except ExampleError as err:
            failed.append(f"{script.name}: {err}")
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        again = {
            s: pool.submit(run_example, s, study=args.study, recipe=args.recipe)
            for s in firsts
        }
    for script, first in firsts.items():
        if error := again[script].exception():
            failed.append(f"{script.name}, second run: {error}")
            continue
        second = again[script].result()
        same = first.line == second.line
        numbers = f"{first.seconds:>8.1f}" + "{:>9.0f}{:>9.0f}".format(*first.memory)
        print(f"{script.stem:<40}{numbers}  {'identical twice' if same else 'DIFFER'}")
        lines.append(first.line)
        if not same:
            both = f"{first.line}\n{second.line}"
            failed.append(f"{script.name}: two runs printed different lines:\n{both}")
        elif not args.study:
            for folder in (RUNS, REFERENCE) if args.accept else (RUNS,):
                content = first.record().model_dump(mode="json")
                write_json(folder / f"{short_name(script)}.json", content)
    print("", *lines, *failed, sep="\n")
    return 1 if failed else 0


def _on_real(args):
    """Run tutorials on a real study, one after the other, and write docs/real/STUDY/."""
    scripts = tutorials(args.select or ON_REAL)
    try:
        root, data = find_data(args.study)
    except (RecordError, ValueError) as err:
        print(f"{type(err).__name__}: {err}", file=sys.stderr)
        return 1
    print(
        f"{data['dataset']}: {data['n_people']} people, {data['n_recordings']} recordings, "
        f"{data['megabytes']:,.1f} MB, sha256 {data['sha256'][:12]}\n"
    )
    failed, folder = [], REAL / data["dataset"]
    for script in scripts:
        try:
            how = {"target": args.target, "recipe": args.recipe}
            run = run_on_study(script, root, data, folder, **how)
        except ExampleError as err:
            failed.append(script.stem)
            print(f"{script.stem:<40}  FAILED: {err}", flush=True)
            continue
        print(f"{script.stem:<40}{run.seconds:>8.1f} s{run.peak_mb:>8} MB", flush=True)
    if failed:
        print(f"failed, and what an earlier run wrote is kept: {', '.join(failed)}")
    return 1 if failed else 0


def main(argv=None):
    """Run tutorials alone and offline: each twice, or (--keep) on a real study."""
    name, switch = "nox -s examples|real --", {"action": "store_true"}
    parser = argparse.ArgumentParser(prog=name, description=main.__doc__)
    add = parser.add_argument
    add("select", nargs="*", help="part of a tutorial's name, e.g. 73; all that fit")
    add("--study", help="a BIDS folder or dataset id instead of the simulated study")
    add("--accept", **switch, help="make what came out the reference (docs/reference)")
    add("--keep", **switch, help="of a real study, write to docs/real (nox -s real)")
    add("--target", help="with --keep: column of participants.tsv to predict")
    add("--recipe", help="a TOML file with the settings of the study, beside its data")
    args = parser.parse_args(argv)
    if args.accept and args.study:
        parser.error("--accept is for the simulated studies, leave out --study")
    if args.keep and not args.study:
        parser.error("--keep is for a real study, add --study")
    if args.recipe and not args.study:
        parser.error("--recipe is for a study of yours, add --study")
    os.environ.update(_variables(recipe=args.recipe))  # for the look at the data
    if args.target and not args.keep:
        parser.error("--target is for a real study, run nox -s real")
    return _on_real(args) if args.keep else _twice(args)


if __name__ == "__main__":
    sys.exit(main())
