"""Measure plot_90: cost against people, memory, loop against workers, reading for training.

People are HBN-shaped: 129 channels at 500 Hz in ``.set`` files. A few are simulated; a cohort is a
folder in which each person is a set of links to one of them, so that 256 people cost no disk. What
is read is the same number of bytes; that they may be in the machine's file cache is on purpose.
"""

import json
import os
import re
import statistics
import tempfile
import time
from itertools import chain
from pathlib import Path

from _helpers.measure import Meter, paired
from _helpers.pages import EXAMPLES, ROOT
from _helpers.sandbox import run_alone

#: Name of a study with the recipe of HBN-shaped people.
NAME = "simulated-highdensity"
PEOPLE = (16, 64, 256)
#: Blocks of eyes open and closed, in seconds: a minute, and the median length at rest in HBN.
MINUTE = ((4, "open"), *((10, "open"), (10, "closed")) * 2, (16, "open"))
HBN_REST = ((39, "open"), *((20, "open"), (40, "closed")) * 5, (42, "open"))
CELL_STEPS, N_CELLS = 200, 8


def write_person(root, subject, blocks, seed):
    """Write one simulated person as an EEGLAB file with its sidecars."""
    import mne
    import numpy as np
    from mne_bids import BIDSPath, write_raw_bids

    import _simulate
    import _study_simulated

    names, places = _study_simulated.high_density_cap()
    rng = np.random.default_rng([90, seed])
    recorded, _ = _simulate.simulate_high_density(rng, places, blocks)
    raw = mne.io.RawArray(
        recorded * 1e-6, mne.create_info(names, 500.0, "eeg"), verbose="ERROR"
    )
    onsets = np.cumsum([seconds for seconds, _ in blocks])[:-1]
    shown = [_simulate.EYES[i % 2] for i in range(len(onsets))]
    raw.set_annotations(mne.Annotations(onsets, 0.0, shown))
    raw.info["line_freq"] = 60
    write_raw_bids(
        raw,
        BIDSPath(subject=subject, task="RestingState", datatype="eeg", root=root),
        format="EEGLAB",
        event_id={name: code + 1 for code, name in enumerate(_simulate.EYES)},
        allow_preload=True,
        verbose="ERROR",
    )


def write_cohort(root, blocks, n_people, n_different=4):
    """Write a study of ``n_people``, of whom ``n_different`` differ and the rest are links."""
    import _study_simulated

    root = Path(root)
    root.mkdir(parents=True)
    for number in range(n_different):
        write_person(root, f"{number:04d}", blocks, number)
    for number in range(n_different, n_people):
        like = root / f"sub-{number % n_different:04d}" / "eeg"
        own = root / f"sub-{number:04d}" / "eeg"
        own.mkdir(parents=True)
        for path in like.iterdir():
            own.joinpath(re.sub(r"sub-\d+", own.parent.name, path.name)).symlink_to(path)
    rows = [{"participant_id": f"sub-{number:04d}"} for number in range(n_people)]
    _study_simulated.write_tables(root, rows, {}, "Simulated cohort (NOT real EEG)")
    return {}


def records_of(root, people):
    """Records of each person. Most people are links to a few: as a study they would be refused."""
    import _study_find

    root = Path(root)
    paths = {person: root.glob(f"sub-{person}/eeg/*_eeg.set") for person in people}
    return {
        p: [_study_find.record_of(root, one) for one in own] for p, own in paths.items()
    }


def process_people(root, n_people, folder):
    """In a fresh process: a loop over people, then one pass of the training reader.

    A first person is not counted. ``first_mb`` is the memory after them.
    """
    import torch

    import _runtime
    import _scale_files
    import _scale_workers

    _runtime.setup()
    people = [f"{number:04d}" for number in range(n_people)]
    records = records_of(root, people)
    tasks = [(root, person, records[person], folder, {}) for person in people]
    first = root, people[0], records[people[0]], f"{folder}-first", {}
    _scale_files.save_person(*first)
    first_mb = Meter().look().peak
    wall, cpu = time.perf_counter(), time.process_time()
    outcomes = _scale_workers.run_tasks(_scale_files.save_person, tasks)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    failed = [outcome for outcome in outcomes if outcome["status"] != "done"]
    if failed:
        raise RuntimeError(f"{len(failed)} people failed, the first: {failed[0]}")
    windows = _scale_files.WindowFiles(folder, people)
    n_read = sum(len(windows[rows]) for rows in torch.randperm(len(windows)).split(64))
    return {
        "people": n_people,
        "cpu_seconds": cpu,
        "wall_seconds": wall,
        "first_mb": first_mb,
        "n_windows": n_read,
        "window_bytes": sum(file.nbytes for file in windows.files),
    }


def process_at_once(root, n_people):
    """In a fresh process: the same people opened as one study."""
    import _runtime
    import _study

    _runtime.setup()
    records = records_of(root, [f"{number:04d}" for number in range(n_people)])
    wall, cpu = time.perf_counter(), time.process_time()
    _study.open_records(root, list(chain.from_iterable(records.values())))
    return {
        "people": n_people,
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
    }


def in_fresh_process(function, workplace, *args):
    """Call a function of this module in a new interpreter that can import the siblings.

    What it returns is a dictionary and gets ``peak_mb``, of its process and the children; its
    arguments are what ``repr`` can write.
    """
    code = (
        f"import json\nfrom {__name__} import {function.__name__} as work\n"
        f"print(json.dumps(work(*{args!r})))"
    )
    path = os.pathsep.join(map(str, (ROOT, EXAMPLES)))
    ran = run_alone(["-c", code], workplace, timeout=3600, PYTHONPATH=path)
    found = json.loads(ran.stdout.splitlines()[-1])
    return {**found, "peak_mb": max(ran.memory.peak, found.get("first_mb", 0))}


def compare(cells, rounds):
    """Loop and two warm workers in turn: seconds of both, and the ratio of each round."""
    import _scale_grid
    import _scale_workers

    rows, cell = [], _scale_grid.train_cell
    with _scale_workers.local_workers(2) as client:
        begin = time.perf_counter()
        expected = _scale_workers.run_tasks(cell, cells[:2], client)  # not counted: imports
        first = time.perf_counter() - begin
        for _ in range(rounds):
            row = []
            for where in (None, client):
                begin = time.perf_counter()
                results = _scale_workers.run_tasks(cell, cells, where)
                row.append(time.perf_counter() - begin)
                if results[:2] != expected:
                    raise RuntimeError("loop and workers gave different bits")
            rows.append(row)
    loop, workers = zip(*rows, strict=True)
    ratios = [a / b for a, b in rows]
    return {
        "loop_seconds": statistics.median(loop),
        "workers_seconds": statistics.median(workers),
        "first_seconds": first,
        "ratio": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
    }


def nothing(number):
    """An empty task."""
    return {}


def price_of_workers():
    """Seconds to start two workers, and of an empty task on them."""
    import _scale_workers

    begin = time.perf_counter()
    with _scale_workers.local_workers(2) as client:
        start = time.perf_counter() - begin
        _scale_workers.run_tasks(nothing, [(i,) for i in range(20)], client)
        begin = time.perf_counter()
        _scale_workers.run_tasks(nothing, [(i,) for i in range(400)], client)
        return start, (time.perf_counter() - begin) / 400


def make_cells(workplace):
    """Arguments of the cells of a grid, of people and an encoder that are made for it."""
    import _scale_files
    import _scale_grid
    import _scale_workers
    import _study

    found = _study.find_study("simulated-transfer", cohort="target")
    people, study = list(found.people.index)[:8], str(found.root)
    folder, checkpoint = str(workplace / "grid"), str(workplace / "encoder.pt")
    settings = {"classes": ["delta", "alpha"]}
    tasks = [(study, p, found.records[p], folder, settings) for p in people]
    _scale_workers.run_tasks(_scale_files.save_person, tasks)
    _scale_grid.pretrain(folder, tuple(people[:4]), checkpoint, n_steps=20)
    sides = tuple(people[:4]), tuple(people[4:])
    return [
        (folder, checkpoint, "full-finetune", seed, *sides, 1e-3, CELL_STEPS)
        for seed in range(N_CELLS)
    ]


def process_workers(workplace, rounds):
    """In a fresh process: loop against two workers, the grid as the page has it."""
    main = compare(make_cells(Path(workplace)), rounds)
    start, each = price_of_workers()
    cell = main["loop_seconds"] / N_CELLS
    # Imports are paid with the first cell of each worker.
    paid_once = start + max(main["first_seconds"] - cell, 0)
    saved = 1 - 1 / main["ratio"]
    return {
        "ways": {"this page": main},
        "cell_seconds": cell,
        "n_cells": N_CELLS,
        "rounds": rounds,
        "start_seconds": start,
        "paid_once_seconds": paid_once,
        "task_seconds": each,
        # A run pays from this length of the loop on, a task from this length; None: never.
        "pays_from_seconds": paid_once / saved if saved > 0 else None,
        "task_pays_from_seconds": each / saved if saved > 0 else None,
    }


def process_reader(folder, n_people):
    """In a fresh process: the training reader against one memmap, in one random order."""
    import numpy as np

    import _scale_files

    people = [f"{number:04d}" for number in range(n_people)]
    windows = _scale_files.WindowFiles(folder, people)
    whole = Path(folder, "whole.npy")
    np.save(whole, np.concatenate(windows.files))
    whole = np.load(whole, mmap_mode="r")
    order = np.random.default_rng(0).permutation(len(windows))
    batches = np.array_split(order, len(order) // 64)
    if not np.array_equal(windows.read(batches[0]), whole[batches[0]]):
        raise RuntimeError("the reader and the memmap differ")

    def read(source):
        return lambda: [source(batch) for batch in batches]

    found = paired(read(windows.read), read(lambda batch: whole[batch]))
    return {
        "people": n_people,
        "n_windows": len(windows),
        "bytes_per_window": int(whole[0].nbytes),
        "windows_per_second": len(windows) / found.pop("seconds"),
        "memmap_windows_per_second": len(windows) / found.pop("against_seconds"),
        **found,
    }


def bench_scale(rounds):
    """Everything the Benchmarks page and the concept page say about cohorts."""
    import numpy as np

    with tempfile.TemporaryDirectory() as name:
        workplace = Path(name)
        minute, long = (str(workplace / part / NAME) for part in ("minute", "long"))
        windows = str(workplace / "windows")

        def measure(function, *args):
            return in_fresh_process(function, workplace, *args)

        measure(write_cohort, minute, MINUTE, max(PEOPLE))
        measure(write_cohort, long, HBN_REST, 6, 2)
        sizes = []
        for n in PEOPLE:
            sizes.append(measure(process_people, minute, n, f"{windows}-{n}"))
            print(f"{n} people: {sizes[-1]['cpu_seconds']:.1f} CPU-s", flush=True)
        one = measure(process_people, long, 6, f"{windows}-long")
        at_once = measure(process_at_once, minute, PEOPLE[1])
        reader = measure(process_reader, f"{windows}-{max(PEOPLE)}", max(PEOPLE))
        workers = measure(process_workers, name, rounds)
    slope, offset = np.polyfit(PEOPLE, [s["cpu_seconds"] for s in sizes], 1)
    off = [s["cpu_seconds"] - slope * s["people"] - offset for s in sizes]
    return {
        "recording_seconds": sum(seconds for seconds, _ in MINUTE),
        "sizes": sizes,
        "seconds_per_person": float(slope),
        "worst_residual": float(max(map(abs, off))),
        "at_once": at_once,
        "hbn": {"recording_seconds": sum(seconds for seconds, _ in HBN_REST), **one},
        "reader": reader,
        "workers": workers,
    }


def show_scale(result):
    """Print what was measured."""
    print(f"{'people':>7}{'CPU ms each':>13}{'wall s':>9}{'peak MB':>9}")
    for row in [*result["sizes"], result["at_once"]]:
        each = row["cpu_seconds"] / row["people"] * 1e3
        wall = f"{row['wall_seconds']:>9.1f}{row['peak_mb']:>9.0f}"
        print(f"{row['people']:>7}{each:>13.0f}{wall}")
    print("the last row: the same people opened as one study")
    more, off = result["seconds_per_person"] * 1e3, result["worst_residual"] * 1e3
    print(f"{more:.0f} ms of CPU for one more person; worst residual {off:.0f} ms")
    hbn, reader, workers = result["hbn"], result["reader"], result["workers"]
    cpu, mb = hbn["cpu_seconds"] / hbn["people"], hbn["peak_mb"]
    print(f"a person of {hbn['recording_seconds']} s: {cpu:.2f} CPU-s, {mb:.0f} MB")
    for name, way in workers["ways"].items():
        spread = f"{way['lowest']:.2f}-{way['highest']:.2f}"
        print(f"two workers, {name}: {way['ratio']:.2f}x ({spread})")
    own, memmap = reader["windows_per_second"], reader["memmap_windows_per_second"]
    print(
        f"reader: {own:,.0f} windows/s, memmap {memmap:,.0f} ({reader['ratio']:.2f} of its time)"
    )
