"""Measure plot_90 (``nox -s cohort``): cost against people, memory, loop against workers, reading for training.

People are HBN-shaped: 129 channels at 500 Hz in ``.set`` files. A few are simulated; a cohort is a
folder in which each person is a set of links to one of them, so that 256 people cost no disk. What
is read is the same number of bytes; that they may be in the machine's file cache is on purpose.
Every ``process_`` function runs in a process of its own; person 7 of a cohort is called 0007.
"""

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path

import mne
import numpy as np
import torch
from mne_bids import BIDSPath, write_raw_bids

from _helpers.measure import Meter, straight_line, timed
from _helpers.pages import EXAMPLES, ROOT, sibling
from _helpers.sandbox import run_alone
from bench.run import keep

_runtime, _study, _scale = map(sibling, ("_runtime", "_study", "_scale"))
for name in ("_scale.files", "_scale.grid", "_scale.workers"):
    sibling(name)

#: Name of a study with the recipe of HBN-shaped people.
NAME = "simulated-highdensity"
PEOPLE = (16, 64, 256)
LABELS = [f"{number:04d}" for number in range(max(PEOPLE))]
#: Blocks of eyes open and closed, in seconds: a minute, and the median length at rest in HBN.
MINUTE = ((4, "open"), *((10, "open"), (10, "closed")) * 2, (16, "open"))
HBN_REST = ((39, "open"), *((20, "open"), (40, "closed")) * 5, (42, "open"))
CELL_STEPS, N_CELLS = 200, 8


def write_person(root, subject, blocks, seed):
    """Write one simulated person as an EEGLAB file with its sidecars."""
    names, places = _study.simulated.write.high_density_cap()
    rng = np.random.default_rng([90, seed])
    recorded, _ = _study.simulated.signals.simulate_high_density(rng, places, blocks)
    info = mne.create_info(names, 500.0, "eeg")
    raw = mne.io.RawArray(recorded * 1e-6, info, verbose="ERROR")
    onsets = np.cumsum([seconds for seconds, _ in blocks])[:-1]
    shown = [_study.catalogue.EYES[i % 2] for i in range(len(onsets))]
    raw.set_annotations(mne.Annotations(onsets, 0.0, shown))
    raw.info["line_freq"] = 60
    write_raw_bids(
        raw,
        BIDSPath(subject=subject, task="RestingState", datatype="eeg", root=root),
        format="EEGLAB",
        event_id={name: code + 1 for code, name in enumerate(_study.catalogue.EYES)},
        allow_preload=True,
        verbose="ERROR",
    )


def write_cohort(root, blocks, n_people, n_different=4):
    """Write a study of ``n_people``, of whom ``n_different`` differ and the rest are links."""
    root, people = Path(root), LABELS[:n_people]
    root.mkdir(parents=True)
    (root / _study.simulated.write.MANIFEST).touch()  # so that it is known as simulated
    for number, person in enumerate(people[:n_different]):
        write_person(root, person, blocks, number)
    for number, person in enumerate(people[n_different:], n_different):
        own = root / f"sub-{person}" / "eeg"
        own.mkdir(parents=True)
        for path in (root / f"sub-{people[number % n_different]}" / "eeg").iterdir():
            own.joinpath(re.sub(r"sub-\d+", f"sub-{person}", path.name)).symlink_to(path)
    rows = [{"participant_id": f"sub-{person}"} for person in people]
    _study.simulated.write.write_tables(root, rows, {}, "Simulated cohort (NOT real EEG)")
    return {}


def records_of(root, people):
    """Records of each person. Most people are links to a few: as a study they would be refused."""
    root, find = Path(root), _study.find.record_of
    return {
        person: [find(root, path) for path in root.glob(f"sub-{person}/eeg/*_eeg.set")]
        for person in people
    }


def save_alone(*job):
    """Save a person whose signals others have as well: the memory of who was opened is emptied."""
    _study.twins._OPENED.clear()
    return _scale.files.save_person(*job)


def process_people(root, n_people, folder):
    """A loop over people after a first one who is not counted, then one pass of the reader.

    ``first_mb`` is the memory after the first person.
    """
    _runtime.setup()
    people = LABELS[:n_people]
    records = records_of(root, people)
    tasks = [(root, person, records[person], folder, {}) for person in people]
    save_alone(root, people[0], records[people[0]], f"{folder}-first", {})
    first_mb = Meter().sample().peak
    took, outcomes = timed(_scale.workers.run_jobs, save_alone, tasks)
    if failed := [outcome for outcome in outcomes if outcome["status"] != "done"]:
        raise RuntimeError(f"{len(failed)} people failed, the first: {failed[0]}")
    windows = _scale.files.WindowFiles(folder, people)
    n_read = sum(len(windows[rows]) for rows in torch.randperm(len(windows)).split(64))
    return {
        "people": n_people,
        **took,
        "first_mb": first_mb,
        "n_windows": n_read,
        "window_bytes": sum(file.nbytes for file in windows.files),
    }


def process_at_once(root, n_people):
    """The same people opened as one study."""
    _runtime.setup()
    records = list(chain.from_iterable(records_of(root, LABELS[:n_people]).values()))
    took, _ = timed(_study.open_records, root, records)
    return {"people": n_people, **took}


def in_fresh_process(function, workplace, *args):
    """Call a function of this module in a new interpreter that can import the siblings.

    What it returns is a dictionary and gets ``peak_mb``, of its process and the children; its
    arguments are what ``repr`` can write.
    """
    code = (
        f"import json\nfrom bench.cohort import {function.__name__} as work\n"
        f"print(json.dumps(work(*{args!r})))"
    )
    path = os.pathsep.join(map(str, (ROOT, EXAMPLES, ROOT / "tests")))
    ran = run_alone(["-c", code], workplace, timeout=3600, PYTHONPATH=path)
    found = json.loads(ran.stdout.splitlines()[-1])
    return {**found, "peak_mb": max(ran.memory.peak, found.get("first_mb", 0))}


def seconds_of(function, tasks, client):
    """Wall seconds of tasks, and what they returned."""
    took, results = timed(_scale.workers.run_jobs, function, tasks, client)
    return took["wall_seconds"], results


def make_cells(workplace):
    """Arguments of the cells of a grid, of people and an encoder that are made for it."""
    found = _study.find_study("simulated-transfer", cohort="target")
    people, study = list(found.people.index)[:8], str(found.root)
    folder, checkpoint = str(workplace / "grid"), str(workplace / "encoder.pt")
    settings = {"classes": ["delta", "alpha"]}
    tasks = [(study, p, found.records[p], folder, settings) for p in people]
    _scale.workers.run_jobs(_scale.files.save_person, tasks)
    _scale.grid.pretrain_encoder(folder, tuple(people[:4]), checkpoint, n_steps=20)
    sides = tuple(people[:4]), tuple(people[4:])
    return [
        (folder, checkpoint, "full-finetune", seed, *sides, 1e-3, CELL_STEPS)
        for seed in range(N_CELLS)
    ]


def process_workers(workplace, rounds):
    """Loop and two warm workers in turn on the grid of the page, and what workers cost."""
    cells, cell, rows = make_cells(Path(workplace)), _scale.grid.train_cell, []
    begin = time.perf_counter()
    with _scale.workers.local_workers(2) as client:
        start = time.perf_counter() - begin
        first, expected = seconds_of(cell, cells[:2], client)  # not counted: imports
        for _ in range(rounds):
            both = [seconds_of(cell, cells, where) for where in (None, client)]
            if any(results[:2] != expected for _, results in both):
                raise RuntimeError("loop and workers gave different bits")
            rows.append([seconds for seconds, _ in both])
        seconds_of(dict, [({},)] * 20, client)  # empty tasks
        each = seconds_of(dict, [({},)] * 400, client)[0] / 400
    ratios = [a / b for a, b in rows]
    ratio, one = statistics.median(ratios), statistics.median(a for a, _ in rows) / N_CELLS
    # Imports are paid with the first cell of each worker.
    paid_once, saved = start + max(first - one, 0), 1 - 1 / ratio
    return {
        "ways": {
            "this page": {"ratio": ratio, "lowest": min(ratios), "highest": max(ratios)}
        },
        "cell_seconds": one,
        "n_cells": N_CELLS,
        "rounds": rounds,
        "paid_once_seconds": paid_once,
        "task_seconds": each,
        # A run pays from this length of the loop on, a task from this length; None: never.
        "pays_from_seconds": paid_once / saved if saved > 0 else None,
        "task_pays_from_seconds": each / saved if saved > 0 else None,
    }


def measure_cohort(rounds):
    """Everything the Benchmarks page and the concept page say about cohorts."""
    with tempfile.TemporaryDirectory() as name:
        workplace = Path(name)
        minute, long = (str(workplace / part / NAME) for part in ("minute", "long"))
        windows = str(workplace / "windows")

        def measure(function, *args):
            return in_fresh_process(function, workplace, *args)

        measure(write_cohort, minute, MINUTE, max(PEOPLE), PEOPLE[1])
        measure(write_cohort, long, HBN_REST, 6, 2)
        sizes = [measure(process_people, minute, n, f"{windows}-{n}") for n in PEOPLE]
        one = measure(process_people, long, 6, f"{windows}-long")
        at_once = measure(process_at_once, minute, PEOPLE[1])
        workers = measure(process_workers, name, rounds)
    slope, residual = straight_line(PEOPLE, [row["cpu_seconds"] for row in sizes])
    return {
        "recording_seconds": sum(seconds for seconds, _ in MINUTE),
        "sizes": sizes,
        "seconds_per_person": slope,
        "worst_residual": residual,
        "at_once": at_once,
        "hbn": {"recording_seconds": sum(seconds for seconds, _ in HBN_REST), **one},
        "workers": workers,
    }


def main(argv=None):
    """Measure what a cohort costs and write the part ``scale`` of docs/benchmarks.json."""
    parser = argparse.ArgumentParser(prog="nox -s cohort --", description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of loop and workers")
    keep("scale", measure_cohort(parser.parse_args(argv).rounds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
