"""Measure plot_90: cost against people, memory, loop against workers, reading for training.

People are HBN-shaped: 129 channels at 500 Hz in ``.set`` files. A few are simulated; a cohort is a
folder in which each person is a set of links to one of them, so that 256 people cost no disk. What
is read is the same number of bytes; that they may be in the machine's file cache is on purpose.
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path

from _helpers.measure import paired
from _helpers.pages import EXAMPLES, ROOT

#: Name of a study with the recipe of HBN-shaped people.
NAME = "simulated-highdensity"
PEOPLE = (16, 64, 256)
#: Blocks of eyes open and closed, in seconds: a minute, and the median length at rest in HBN.
MINUTE = ((4, "open"), *((10, "open"), (10, "closed")) * 2, (16, "open"))
HBN_REST = ((39, "open"), *((20, "open"), (40, "closed")) * 5, (42, "open"))
CELL_STEPS, N_CELLS, ROUNDS = 200, 8, 5


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


def memory_mb():
    """Largest memory of this process so far, in MB."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024 / 1e6


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

    Returns
    -------
    dict
        CPU and wall seconds of the loop, after a first person who is not counted, and memory.
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
    imported = memory_mb()
    wall, cpu = time.perf_counter(), time.process_time()
    outcomes = _scale_workers.run_tasks(_scale_files.save_person, tasks)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    failed = [outcome for outcome in outcomes if outcome["status"] != "done"]
    if failed:
        raise RuntimeError(f"{len(failed)} people failed, the first: {failed[0]}")
    windows = _scale_files.WindowFiles(folder, people)
    loader = torch.utils.data.DataLoader(
        windows, 64, shuffle=True, collate_fn=_scale_files.to_tensors
    )
    n_read = sum(len(y) for _, y in loader)
    return {
        "people": n_people,
        "cpu_seconds": cpu,
        "wall_seconds": wall,
        "first_mb": imported,
        "peak_mb": memory_mb(),
        "n_windows": n_read,
        "window_bytes": sum(file.nbytes for file in windows.files),
    }


def process_at_once(root, n_people, folder):
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
        "peak_mb": memory_mb(),
    }


def in_fresh_process(function, *args):
    """Call a function of this module in a new interpreter and return its dictionary."""
    code = (
        f"import json, sys; sys.path[:0] = [{str(ROOT)!r}, {str(EXAMPLES)!r}]\n"
        f"from _helpers import bench_scale\n"
        f"print(json.dumps(bench_scale.{function.__name__}(*{args!r})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        raise RuntimeError(f"{function.__name__}{args} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def page_cell(*task):
    """A cell as the page calls it; on workers, in a process that only trains."""
    import _scale_grid

    return _scale_grid.train_cell(*task)


def plain_cell(*task):
    """The same without asking glibc to keep freed memory: what a function does that nobody tuned."""
    import _runtime
    import _scale_grid

    _runtime.keep_freed_memory = lambda: False
    return _scale_grid.train_cell(*task)


def compare(cells, function, rounds):
    """Loop and two warm workers in turn.

    Returns
    -------
    dict
        Seconds of both, and the ratio of each round: median, lowest and highest.
    """
    import _scale_workers

    rows = []
    with _scale_workers.local_workers(2) as client:
        begin = time.perf_counter()
        expected = _scale_workers.run_tasks(
            function, cells[:2], client
        )  # not counted: imports
        first = time.perf_counter() - begin
        for _ in range(rounds):
            row = []
            for where in (None, client):
                begin = time.perf_counter()
                # The loop is always that of the page: this process keeps freed memory.
                results = _scale_workers.run_tasks(
                    page_cell if where is None else function, cells, where
                )
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


def bench_workers(workplace, rounds):
    """Loop against two workers: the grid as the page has it, and what the allocator does."""
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
    cells = [
        (folder, checkpoint, "full-finetune", seed, *sides, 1e-3, CELL_STEPS)
        for seed in range(N_CELLS)
    ]
    ways = {"this page": page_cell, "cells that do not keep freed memory": plain_cell}
    found = {}
    for name, function in ways.items():
        found[name] = compare(cells, function, rounds)
        print(f"{name}: {found[name]['ratio']:.2f}x", flush=True)
    begin = time.perf_counter()
    with _scale_workers.local_workers(2) as client:
        start = time.perf_counter() - begin
        _scale_workers.run_tasks(nothing, [(i,) for i in range(20)], client)
        begin = time.perf_counter()
        _scale_workers.run_tasks(nothing, [(i,) for i in range(400)], client)
        each = (time.perf_counter() - begin) / 400
    main = found["this page"]
    cell = main["loop_seconds"] / N_CELLS
    # Imports are paid with the first cell of each worker.
    paid_once = start + max(main["first_seconds"] - cell, 0)
    saved = 1 - 1 / main["ratio"]
    return {
        "ways": found,
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


def bench_reader(folder, n_people, repeats=9):
    """The training reader against one memmap with the same windows, in the same random order."""
    import numpy as np

    import _scale_files

    people = [f"{number:04d}" for number in range(n_people)]
    windows = _scale_files.WindowFiles(folder, people)
    whole = Path(folder, "whole.npy")
    np.save(whole, np.concatenate(windows.files))
    whole = np.load(whole, mmap_mode="r")
    order = np.random.default_rng(0).permutation(len(windows))
    batches = np.array_split(order, len(order) // 64)
    if not np.array_equal(windows.__getitems__(batches[0])[0], whole[batches[0]]):
        raise RuntimeError("the reader and the memmap differ")

    def read(source):
        return lambda: [source(batch) for batch in batches]

    found = paired(read(windows.__getitems__), read(lambda batch: whole[batch]), repeats)
    return {
        "people": n_people,
        "n_windows": len(windows),
        "bytes_per_window": int(whole[0].nbytes),
        "windows_per_second": len(windows) / found["seconds"],
        "memmap_windows_per_second": len(windows) / found["against_seconds"],
        "ratio": found["ratio"],
        "lowest": found["lowest"],
        "highest": found["highest"],
    }


def bench_scale(rounds=ROUNDS):
    """Everything the Benchmarks page and the concept page say about cohorts."""
    import numpy as np

    sys.path.insert(0, str(EXAMPLES))
    with tempfile.TemporaryDirectory() as name:
        workplace = Path(name)
        os.environ["EEGDASH_CACHE_DIR"] = name
        os.environ.pop("DASK_SCHEDULER_ADDRESS", None)
        minute, long = workplace / "minute" / NAME, workplace / "long" / NAME
        write_cohort(minute, MINUTE, max(PEOPLE))
        write_cohort(long, HBN_REST, 6, n_different=2)
        sizes = []
        for n in PEOPLE:
            folder = str(workplace / f"windows-{n}")
            sizes.append(in_fresh_process(process_people, str(minute), n, folder))
            print(f"{n} people: {sizes[-1]['cpu_seconds']:.1f} CPU-s", flush=True)
        slope, offset = np.polyfit(PEOPLE, [s["cpu_seconds"] for s in sizes], 1)
        off = [s["cpu_seconds"] - slope * s["people"] - offset for s in sizes]
        one = in_fresh_process(
            process_people, str(long), 6, str(workplace / "windows-long")
        )
        at_once = in_fresh_process(process_at_once, str(minute), PEOPLE[1], "")
        reader = bench_reader(str(workplace / f"windows-{max(PEOPLE)}"), max(PEOPLE))
        workers = bench_workers(workplace, rounds)
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
    per_person = result["seconds_per_person"] * 1e3
    print(
        f"{per_person:.0f} ms of CPU for one more person; worst residual "
        f"{result['worst_residual'] * 1e3:.0f} ms"
    )
    hbn, reader, workers = result["hbn"], result["reader"], result["workers"]
    print(
        f"a person of {hbn['recording_seconds']} s: "
        f"{hbn['cpu_seconds'] / hbn['people']:.2f} CPU-s, {hbn['peak_mb']:.0f} MB"
    )
    for name, way in workers["ways"].items():
        spread = f"{way['lowest']:.2f}-{way['highest']:.2f}"
        print(f"two workers, {name}: {way['ratio']:.2f}x ({spread})")
    print(
        f"reader: {reader['windows_per_second']:,.0f} windows/s, memmap "
        f"{reader['memmap_windows_per_second']:,.0f} ({reader['ratio']:.2f} of its time)"
    )
