"""
How do I get from a laptop to a cohort?
=======================================

With fifty people everything goes well. With three thousand something will break on the way:
a file, a disk, a machine. On this page the work is cut into plain functions that can be
stopped, repeated and handed to any engine, and you see them give the same bits in a loop
and on workers.

.. admonition:: What you will be able to do
   :class: tip

   - write one file of windows per person, so that a run can break and go on;
   - train from those files without loading the cohort;
   - hand the same functions to dask, here or on a cluster;
   - prove that nothing changed.

You need: :doc:`three ways to adapt a model
</auto_examples/plot_73_finetune_pretrained_model>`; dask is optional.

Tags: :tag:`cohort`, :tag:`classification`, :tag:`transfer`
"""

# %%
# A study, and a list of people
# -----------------------------
# The people are **simulated**, few, and the files small, so that the page runs anywhere.
# Nothing below knows how many there are. Set ``EEG_TUTORIAL_STUDY`` to a BIDS folder or an
# EEGDash dataset id, and the same lines run on it.
import inspect
import json
import os
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import _runtime
import _scale_files
import _scale_grid
import _scale_workers
import _study
import numpy as np
import pandas as pd
from _scale_figure import draw_scale_figure
from _scores import interval, rounded
from _splits import assert_no_leakage

_runtime.setup()
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-transfer")
found = _study.find_study(STUDY)
source = list(_study.list_people(STUDY, cohort="source").index)
target = list(_study.list_people(STUDY, cohort="target").index)
people = source + target
folder = str(found.root)
print(f"{len(source)} people to pretrain on, {len(target)} to adapt to")

# %%
# The first person is read alone. Classes and channels that are found here are asked of
# everybody else: what must not differ between people is decided once, not by each worker.
CACHE = _study.get_cache_dir()
workshop = TemporaryDirectory(dir=CACHE)  # for this run; deleted at its end
first = _scale_files.read_person(folder, found.records[people[0]], {})
settings = {"classes": list(first.classes), "channels": list(first.ch_names)}
print(f"windows {first.windows.shape} in {first.unit}, {first.sfreq:g} Hz")
print(settings)

# %%
# One person, one file
# --------------------
# The unit of work is a person: recordings in, one file of windows out. One recording is in
# memory at a time, so memory does not grow with the cohort. This is the function without
# its documentation; it takes strings and a dictionary, and calls nothing on this page.
print(inspect.getsource(_scale_files.save_person).split('"""')[2])

# %%
# Four habits are in these lines. The file gets its name when it is whole, so half a file is
# never met. Its record, written after it, holds what made it and a SHA-256 of its bytes. A
# file that agrees with its record is **skipped**. And the person is locked meanwhile: a
# second run on the same cache waits for that one file, and then finds it.
#
# The call is a task: a tuple of plain values. The last task asks for a copy of the first
# person whose file was cut in half, as downloads end.
windows_folder = str(Path(workshop.name, "windows"))
tasks = [(folder, p, found.records[p], windows_folder, settings) for p in people]

broken = Path(workshop.name, "broken", Path(folder).name)
shutil.copytree(Path(folder, f"sub-{people[0]}"), broken / f"sub-{people[0]}")
for name in ("dataset_description.json", "participants.tsv"):
    shutil.copy(Path(folder, name), broken)
files = sorted(p for p in broken.rglob("*_eeg.*") if p.suffix in _study.DATA_SUFFIXES)
os.truncate(files[0], files[0].stat().st_size // 2)
records = _study.find_study(broken).records[people[0]]
tasks.append((str(broken), people[0], records, str(broken.parent / "windows"), settings))


def print_outcome(outcomes):
    """Counts and reasons; what changes from run to run, the folder, is left out."""
    return _scale_workers.count_status(outcomes, hide=workshop.name)


passes = {"first pass": _scale_workers.run_tasks(_scale_files.save_person, tasks)}
counts = print_outcome(passes["first pass"])

# %%
# One recording failed, by name and with its reason, and the others went on.
#
# Predict before you run: the second pass
# ---------------------------------------
# Between two passes a file is lost and another loses its end. How many people will be done,
# skipped and failed now? Write the three numbers down.
lost, short = (Path(windows_folder, f"sub-{person}.npy") for person in people[3:5])
lost.unlink()
os.truncate(short, short.stat().st_size - 1000)
passes["second pass"] = _scale_workers.run_tasks(_scale_files.save_person, tasks)
counts = print_outcome(passes["second pass"])

# %%
# What was whole was left alone, what was not was made again, and the page knows why. The
# broken recording is asked for in every pass; it needs you, not another pass.
made = {o["subject"]: o for o in passes["second pass"] if o["status"] != "failed"}
source, target = ([p for p in group if p in made] for group in (source, target))
n_windows = sum(outcome["n_windows"] for outcome in made.values())
print(f"{n_windows} windows in {len(made)} files")

# %%
# Train without loading the cohort
# --------------------------------
# The training loop of :doc:`plot_73_finetune_pretrained_model` deals the numbers of the
# windows. The files are memory maps: a batch copies the windows it was dealt, nothing else.
windows = _scale_files.WindowFiles(windows_folder, source)
X = windows.read([0, len(windows) // 2, len(windows) - 1])
print(f"{len(windows)} windows in {len(windows.files)} files")
print(f"a file: {type(windows.files[0]).__name__} {windows.files[0].shape}")
print(f"a batch of three: {X.shape}, {X.nbytes:,} bytes in memory")

# %%
# A grid of plain functions
# -------------------------
# The grid of the fine-tuning page: regimes x seeds x folds. Folds are over people. A cell
# is one call: folder, checkpoint, regime, seed, people on both sides and learning rate in,
# a score per person out. The learning rates are set here, not chosen.
from sklearn.model_selection import KFold

N_LABELLED, SEEDS, N_FOLDS = 4, (1, 2), 3
LR = {"from-scratch": 3e-3, "linear-probe": 1e-2, "full-finetune": 3e-3}
checkpoint = str(Path(workshop.name, "encoder.pt"))
pretrained = _scale_grid.pretrain(windows_folder, tuple(source), checkpoint)


def deal_folds(n_labelled):
    """People with labels and people to test, per fold."""
    for number, (rest, test) in enumerate(KFold(N_FOLDS).split(target)):
        labelled = np.random.default_rng([90, number]).permutation(rest)[:n_labelled]
        yield tuple(target[i] for i in labelled), tuple(target[i] for i in test)


def build_cells(n_labelled=N_LABELLED, seeds=SEEDS):
    return [
        (windows_folder, checkpoint, regime, seed, labelled, test, LR[regime])
        for regime in LR
        for seed in seeds
        for labelled, test in deal_folds(n_labelled)
    ]


def table(*groups):
    """Metadata of the windows of some people."""
    return pd.DataFrame(_scale_files.WindowFiles(windows_folder, sum(groups, ())).metadata)


reports = [
    assert_no_leakage(table(tuple(source), labelled), table(test))
    for labelled, test in deal_folds(N_LABELLED)
]
print(pd.DataFrame(reports)[["n_train", "n_test", "overlap"]].to_string())
cells = build_cells()
results = _scale_workers.run_tasks(_scale_grid.train_cell, cells)
print(f"{len(cells)} cells; the first: {results[0]['weights'][:16]}...")

# %%
# The same on workers
# -------------------
# Nothing above has to change to run elsewhere. A worker of a
# :class:`~distributed.LocalCluster` is a process that imports the functions, gets one tuple
# at a time and sends a dictionary back. dask lets each start one thread: workers that start
# a thread per core wait for each other. ``_scale_workers.local_workers`` starts them:
print(inspect.getsource(_scale_workers.local_workers).split('"""')[2])

# %%
# The windows of the workers go to the cache that you keep. Run this page a second time, and
# those people are skipped.
kept_folder = str(CACHE / f"windows-{Path(folder).name}")
kept_tasks = [(folder, p, found.records[p], kept_folder, settings) for p in people]
with _scale_workers.open_workers(n_workers=2) as client:
    engine = "loop" if client is None else "dask"
    elsewhere = _scale_workers.run_tasks(_scale_files.save_person, kept_tasks, client)
    results_elsewhere = _scale_workers.run_tasks(_scale_grid.train_cell, cells, client)
_scale_workers.count_status(elsewhere)
there = {o["subject"]: o["sha256"] for o in elsewhere if o["status"] != "failed"}
same_windows = [there.get(p) == outcome["sha256"] for p, outcome in made.items()]
same_cells = [a == b for a, b in zip(results, results_elsewhere, strict=True)]
identical = all(same_windows) and all(same_cells)
print(f"windows, bit for bit: {sum(same_windows)} of {len(same_windows)} files the same")
print(f"grid, weights and scores: {sum(same_cells)} of {len(same_cells)} cells the same")


# %%
# Not similar: the same. A cell seeds itself from its arguments, has one thread, and reads
# nothing that another cell wrote, so it cannot matter who does it, when, or after whom.
#
# **Another machine.** With ``DASK_SCHEDULER_ADDRESS`` in the environment the page starts no
# workers and uses those of that scheduler. On a cluster under Slurm these lines replace the
# ``with`` above; ``dask-jobqueue`` has to be installed, and the cache to lie on a disk that
# all nodes see:
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
# What the grid says
# ------------------
# Scores are averaged over seeds for each person; the interval resamples people. It belongs
# to these trainings: other labelled people would move it further.
def accuracy_per_person(own):
    """Correct windows of each person as a share, mean over seeds."""
    shares = [pd.Series(result["correct"]) / pd.Series(result["windows"]) for result in own]
    return pd.concat(shares).groupby(level=0).mean()


def summarise(cells, results):
    """Cells, mean over people and its interval, for each regime."""
    found = {}
    for regime in LR:
        own = [r for c, r in zip(cells, results, strict=True) if c[2] == regime]
        scores = [sum(r["correct"].values()) / sum(r["windows"].values()) for r in own]
        per_person = accuracy_per_person(own)
        found[regime] = {
            "scores": np.reshape(scores, (-1, N_FOLDS)),
            "accuracy": per_person.mean(),
            "interval": interval(per_person.to_numpy()),
        }
    return found


def print_grid(summary):
    for regime, own in summary.items():
        low, high = own["interval"]
        print(f"{regime:<16}{own['accuracy']:.3f}  [{low:.3f}, {high:.3f}]")


summary = summarise(cells, results)
chance = 1 / len(settings["classes"])
print(f"{'regime':<16}mean   interval over people; chance is {chance:.2f}")
print_grid(summary)

# %%
status = {name: [o["status"] for o in outcomes] for name, outcomes in passes.items()}
said = "; ".join(
    f"{name}: {', '.join(f'{own.count(s)} {s}' for s in ('done', 'skipped', 'failed'))}"
    for name, own in status.items()
)
means = ", ".join(f"{regime} {own['accuracy']:.2f}" for regime, own in summary.items())
figure = draw_scale_figure(
    status,
    summary,
    chance=chance,
    title="Nothing lost, nothing done twice",
    subtitle=f"{len(people)} people, a damaged copy of one; {len(cells)} cells in the grid",
    provenance=f"data: {first.data}",
    alt=f"Two panels. What each pass did with each person: {said}. Test accuracy of the "
    f"cells by regime, mean over people: {means}; chance is {chance:.2f}.",
)

# %%
# What can go wrong
# -----------------
# - **A worker is killed**, by you or by a system that ran out of memory. Its task goes to
#   another worker; files appear whole or not at all. A task that takes four workers down is
#   given up and reported, and the rest go on.
# - **The disk is full.** Each task that cannot write says so, nothing half-written stays.
#   Make room and run again.
# - **A task returns windows** instead of writing them. Then everything travels to one
#   process and piles up there. Return counts and scores.
# - **Tasks that are too small.** An engine costs a few milliseconds per task and some
#   seconds to start. The :doc:`benchmarks </benchmarks>` say from what length it pays.
# - **A function of the page.** Workers import a module. Put what they run into one, as
#   here, and give them its folder.
#
# Modify
# ------
# **More labels.** The files are there, the functions are there: what do eight labelled
# people give, with one seed? Which regime gains most? Predict, then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: more labels</summary>
more_cells = build_cells(n_labelled=8, seeds=SEEDS[:1])
more = _scale_workers.run_tasks(_scale_grid.train_cell, more_cells)
print_grid(summarise(more_cells, more))

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# - One person, one file, one record; whole, or not there.
# - Skipped, done again or failed: each with its reason.
# - Plain functions of plain values run anywhere, and give the same bits.
#
# What a larger cohort costs is on the page
# :doc:`from a laptop to a cohort </concepts/laptop_to_cohort>`.
#
# **Try it yourself.** Run the page again and read the line of the workers. Stop it with
# Ctrl-C while they work, and run it once more. In the folder of this page, start ``dask
# scheduler`` in one terminal and ``PYTHONPATH=$PWD dask worker`` in another; set
# ``DASK_SCHEDULER_ADDRESS``, run the page, and kill the worker in the middle.
#
# The result, as one line
# -----------------------
# Everything a reader or a test needs to check this run; the counts are those of the second
# pass.
workshop.cleanup()
contract = {
    "tutorial": "plot_90",
    "version": 1,
    "data": first.data,
    "engine": engine,
    "n_recordings": len(tasks),
    "n_done": counts["done"],
    "n_skipped": counts["skipped"],
    "n_failed": counts["failed"],
    "n_windows": n_windows,
    "n_tasks": len(cells),
    "results_identical": identical,
    "chance_level": chance,
    "accuracy": {regime: own["accuracy"] for regime, own in summary.items()},
    "accuracy_ci": {regime: own["interval"] for regime, own in summary.items()},
    "subject_overlap": sum(report["overlap"] for report in reports),
}
contract = rounded(contract)
print(json.dumps(contract))

# %%
# References
# ----------
# The engine is dask :cite:p:`rocklin2015dask`; the cohort that this page is cut for is that
# of :cite:t:`alexander2017hbn`, its EEG in BIDS from :cite:t:`shirazi2024hbneeg`. Full
# records are on the :doc:`references page </references>`.
