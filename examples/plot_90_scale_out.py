"""
How do I get from a laptop to a cohort?
=======================================

With thousands of people something will break: a file, a disk, a machine. On this page
the work is cut into plain functions that can be stopped, repeated and run elsewhere.

.. admonition:: What you will be able to do
   :class: tip

   - write one file of windows per person, and resume a broken run;
   - train from those files without loading the cohort;
   - run them on workers, and check that nothing changed.

You need: :doc:`fine-tuning </auto_examples/plot_73_finetune_pretrained_model>`, a minute,
2.5 GB of memory; dask is optional. Background: :doc:`from a laptop to a cohort
</concepts/laptop_to_cohort>`.

Tags: :tag:`cohort`, :tag:`classification`, :tag:`transfer`
"""

# %%
# A study and a list of people
# ----------------------------
# The people are **simulated**. A BIDS folder or an EEGDash id in ``EEG_TUTORIAL_STUDY``
# replaces them.
import json
import os
from pathlib import Path

import _runtime
import _scale.files
import _scale.grid
import _scale.workers
import _study.cache
import numpy as np
import pandas as pd
from _regimes import COMPARED, REGIMES
from _scale.workers import Job, PersonJob
from _scale_figure import draw_scale_figure
from _score.scores import print_accuracies, for_json, means_and_intervals
from _score.splits import assert_no_leakage

# %%
# The first person is read alone and sets classes and channels. Everybody else must have
# these classes and channels.
_runtime.setup()
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-transfer")
index = _study.find_study(STUDY)
source = list(_study.list_people(STUDY, cohort="source").index)
target = list(_study.list_people(STUDY, cohort="target").index)
_scale.grid.refuse_few(STUDY, source, target)
people, folder = source + target, str(index.root)
print(f"{len(source)} people to pretrain on, {len(target)} to adapt to")

first = _scale.files.read_person(folder, index.records[people[0]], {})
settings = {"classes": list(first.classes), "channels": list(first.ch_names)}
print(f"windows {first.windows.shape} in {first.unit}, {first.sfreq:g} Hz")
print(settings)
settings["recipe"] = index.recipe

# %%
# One person, one file
# --------------------
# The unit of work is a person: recordings in, one file of windows out. A worker holds one
# person at a time. The function takes strings and dictionaries and uses no variable of this
# page. This is its source without the docstring.
import inspect


def print_code(source):
    """Print a function without its docstring."""
    head, _, body = source.split('"""')
    print(head.rstrip() + body.rstrip())


print_code(inspect.getsource(_scale.files.save_person))

# %%
# - ``save_windows`` gives the file its name when it is complete, and then writes a record
#   with its SHA-256 and with everything that it was made from.
# - ``check_person`` compares file and record. A file that agrees is **skipped**.
# - The lock makes a second run on the same folder wait for this person.
#
# A job is a named tuple of arguments. The last job asks for a copy of the first person
# whose file was truncated, as an interrupted download leaves it.
import shutil

workshop = _study.cache.Workshop(_study.get_cache_dir())  # deleted at the end
windows_folder = str(Path(workshop.name, "windows"))
jobs = [PersonJob(folder, p, index.records[p], windows_folder, settings) for p in people]

copy = Path(workshop.name, "copy", Path(folder).name)
shutil.copytree(Path(folder, f"sub-{people[0]}"), copy / f"sub-{people[0]}")
for name in ("dataset_description.json", "participants.tsv"):
    shutil.copy(Path(folder, name), copy)
files = sorted(copy.rglob("*_eeg.*"))
damaged = next(path for path in files if path.suffix in _study.DATA_SUFFIXES)
os.truncate(damaged, damaged.stat().st_size // 2)

# %%
# ``_scale.workers.run_jobs`` calls the function once per job. A job that fails does not
# stop the others.


def run_pass(jobs, client=None):
    """One pass over people: print counts and reasons, and return the outcomes."""
    outcomes = _scale.workers.run_jobs(_scale.files.save_person, jobs, client)
    counts = _scale.workers.count_status(outcomes, hide=workshop.name)
    return outcomes, counts


records = _study.find_study(copy, recipe=index.recipe).records[people[0]]
elsewhere = str(copy.parent / "windows")
jobs.append(jobs[0]._replace(study=str(copy), records=records, folder=elsewhere))
outcomes, counts = run_pass(jobs)
passes = {"first": counts}

# %%
# Predict, then run: the second pass
# ----------------------------------
# Now a file of windows is deleted and another one truncated. How many jobs will be done,
# skipped and failed in the second pass? Write the three numbers down.
lost, short = (Path(windows_folder, f"sub-{person}.npy") for person in people[3:5])
lost.unlink()
os.truncate(short, short.stat().st_size - 1000)
outcomes, passes["second"] = run_pass(jobs)

# %%
# Complete files were skipped, damaged ones rebuilt, each with its reason.
#
# A common mistake: running a failed person again
# -----------------------------------------------
# The damaged recording failed in both passes, with the same message, and it will fail in
# every other one. Repeating helps where the *file of windows* is wrong. Here the recording
# is wrong, and the message says so: fetch it again, and run the same jobs.
shutil.copy(Path(folder, damaged.relative_to(copy)), damaged)
outcomes, passes["repaired"] = run_pass(jobs)
made = outcomes[: len(people)]
n_windows = sum(outcome["n_windows"] for outcome in made)
print(f"{n_windows} windows in {len(made)} files")

# %%
# A grid of plain functions
# -------------------------
# For training, the files stay on the disk: a batch copies the windows that it draws, and
# nothing else.
windows = _scale.files.WindowFiles(windows_folder, source)
X = windows.read([0, len(windows) // 2, len(windows) - 1])
print(f"{len(windows)} windows in {len(windows.files)} files")
print(f"a file: {type(windows.files[0]).__name__} {windows.files[0].shape}")
print(f"a batch of three: {X.shape}, {X.nbytes:,} bytes in memory")

# %%
# The grid is regimes x seeds x draws of labelled people. One job is one training. The loop
# of :doc:`plot_73_finetune_pretrained_model` draws window indices, and here it draws them
# from the files.
print_code(inspect.getsource(_scale.grid.train_cell))

# %%
# Half of the target people are test people in every job. The others are the pool from
# which labelled people are drawn. The learning rates were fixed in advance, so no
# validation people are needed.
LR = {regime: REGIMES[regime].lr for regime in COMPARED}
pool, test = target[::2], tuple(target[1::2])


def draw_people(n, draw):
    """People with labels: a draw from the pool."""
    order = np.random.default_rng([90, draw]).permutation(len(pool))
    return tuple(pool[i] for i in order[:n])


def metadata(people):
    """Whose windows these are, as a table."""
    return pd.DataFrame(_scale.files.WindowFiles(windows_folder, people).metadata)


report = assert_no_leakage(metadata(source + pool), metadata(test))

# %%
# The encoder is pretrained once. Then the grid runs in a loop.
checkpoint = str(Path(workshop.name, "encoder.pt"))
pretrained = _scale.grid.pretrain_encoder(windows_folder, tuple(source), checkpoint)
SEEDS = (1, 2)
N_DRAWS = 3
N_LABELLED = 4
draws = [draw_people(N_LABELLED, draw) for draw in range(N_DRAWS)]
grid = [
    Job(windows_folder, checkpoint, regime, seed, labelled, test, lr)
    for regime, lr in LR.items()
    for seed in SEEDS
    for labelled in draws
]
results = _scale.workers.run_jobs(_scale.grid.train_cell, grid)
print(f"{len(grid)} trainings; weights of the first: {results[0]['weights'][:16]}...")

# %%
# The same work on workers
# ------------------------
# A worker of a :class:`~distributed.LocalCluster` is a process with one thread. It imports
# the function, gets one tuple at a time and returns a dictionary. These windows go to the
# cache that you keep: run the page again, and the workers skip everybody.
kept_folder = str(_study.get_cache_dir() / f"windows-{Path(folder).name}")
kept_jobs = [job._replace(folder=kept_folder) for job in jobs[: len(people)]]
with _scale.workers.open_workers(n_workers=2) as client:
    engine = "loop" if client is None else "dask"
    kept, _ = run_pass(kept_jobs, client)
    on_workers = _scale.workers.run_jobs(_scale.grid.train_cell, grid, client)
same_files = [a["sha256"] == b["sha256"] for a, b in zip(made, kept, strict=True)]
same_results = [a == b for a, b in zip(results, on_workers, strict=True)]
identical = all(same_files) and all(same_results)
print(f"files, bit for bit: {sum(same_files)} of {len(same_files)} the same")
print(f"weights and answers: {sum(same_results)} of {len(same_results)} the same")

# %%
# A job takes its seed from its arguments, runs on one thread and reads nothing that
# another job of the grid wrote. So on one machine the engine and the order make no
# difference. A different processor may add numbers in another order and change the last
# digits.
#
# With ``DASK_SCHEDULER_ADDRESS`` in the environment, the page uses the workers of that
# scheduler. Under Slurm, with ``dask-jobqueue`` and a cache on a disk that all nodes see,
# these lines make the client:
#
# .. code-block:: python
#
#    from dask_jobqueue import SLURMCluster
#    from distributed import Client
#
#    path = f"export PYTHONPATH={os.getcwd()} OMP_NUM_THREADS=1"
#    job = {"cores": 1, "memory": "4GB", "walltime": "02:00:00"}
#    cluster = SLURMCluster(**job, job_script_prologue=[path])
#    cluster.scale(jobs=100)
#    client = Client(cluster)
#
# The scores are averaged over seeds and draws for each test person. The interval is over
# test people. It does not cover other draws of labelled people and other seeds, which are
# the small marks of panel B.


def shares_of(grid, results):
    """Share of right answers by regime, a row per training and a column per test person."""
    shares = {regime: [] for regime in LR}
    for job, result in zip(grid, results, strict=True):
        share = [result["correct"][p] / result["windows"][p] for p in test]
        shares[job.regime].append(share)
    return {regime: np.array(rows) for regime, rows in shares.items()}


shares = shares_of(grid, results)
by_training = {
    regime: rows.mean(axis=1).reshape(len(SEEDS), -1) for regime, rows in shares.items()
}
accuracies = {regime: rows.mean(axis=0) for regime, rows in shares.items()}
chance, means = 1 / len(first.classes), means_and_intervals(accuracies)
print_accuracies(accuracies, chance)

# %%
words = []
for name, counts in passes.items():
    listed = ", ".join(f"{n} {status}" for status, n in counts.items())
    words.append(f"{name}: {listed}")
figure = draw_scale_figure(
    passes,
    by_training,
    means,
    chance=chance,
    title="Each pass does only what is missing",
    subtitle=f"{len(people)} people and a damaged copy of one; {len(grid)} trainings",
    provenance=f"data: {first.data}",
    alt=f"Two panels. Number of tasks per pass. {'; '.join(words)}. Test accuracy by "
    f"regime, means: {', '.join(f'{r} {v:.2f}' for r, v in means['accuracy'].items())}.",
)

# %%
# Exercise: more labels
# ---------------------
# Files and functions are there. What do eight labelled people give, with one seed? Which
# regime gains most? Predict, then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution</summary>
more = []
for number, job in enumerate(grid):
    if job.seed == SEEDS[0]:
        labelled = draw_people(8, number % N_DRAWS)
        more.append(job._replace(train_people=labelled))
eight = shares_of(more, _scale.workers.run_jobs(_scale.grid.train_cell, more))
print_accuracies({regime: rows.mean(axis=0) for regime, rows in eight.items()}, chance)

# %%
# .. raw:: html
#
#    </details>
#
# What the result means
# ---------------------
# Plain functions of plain values can be repeated, skipped and moved to other machines. On a
# cluster, three more things can go wrong.
#
# - **A worker is killed.** Its job goes to another worker. A job that kills one worker
#   after another is given up and reported as failed, and the others go on.
# - **The disk is full.** Each job that cannot write says so and leaves no half file. Make
#   room and run again.
# - **A job returns windows** instead of writing them. They pile up in the memory of one
#   process. Return counts and scores.
#
# The :doc:`benchmarks </benchmarks>` show time and memory against the number of people.
# dask is :cite:t:`rocklin2015dask`; a cohort of this size is that of
# :cite:t:`alexander2017hbn`, its EEG in BIDS from :cite:t:`shirazi2024hbneeg`.
#
# **Try it yourself.** Stop the page with Ctrl-C while the workers work, and run it again.
#
# The line has everything a test needs to check this run; its counts are those of the second
# pass.
workshop.cleanup()
contract = {"tutorial": "plot_90", "version": 1, "data": first.data, "engine": engine}
contract |= {"n_recordings": len(jobs), "n_windows": n_windows, "n_tasks": len(grid)}
contract |= {f"n_{status}": n for status, n in passes["second"].items()}
contract |= {"results_identical": identical, "chance_level": chance, **means}
contract["subject_overlap"] = report["overlap"]
contract = for_json(contract)
print(json.dumps(contract))
