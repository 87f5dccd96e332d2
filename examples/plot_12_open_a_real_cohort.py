"""
How is a real cohort with a score opened?
=========================================

A cohort is a table with a row for each person, and many gigabytes of signals. Look at the
cost first, then at the table, and at the signals last.

.. admonition:: What you will be able to do
   :class: tip

   - print what a cohort costs before anything is fetched;
   - see who has a score, and drop the others by rule;
   - write the call for a release of the Healthy Brain Network.

You need: :doc:`windows </auto_examples/plot_10_preprocess_and_window>` and half a minute.
Nothing is downloaded. Background: :doc:`/concepts/from_simulated_to_real`.

Tags: :tag:`p-factor`, :tag:`BIDS`, :tag:`preprocessing`
"""

# %%
# What does it cost?
# ------------------
# ``ds005505`` is the first release of the Healthy Brain Network
# :cite:p:`alexander2017hbn,shirazi2024hbneeg`. EEGDash ships the sizes of datasets on
# OpenNeuro and NEMAR :cite:p:`delorme2022nemar`.
import json
import os

import mne
import numpy as np
import pandas as pd
from eegdash import EEGDashDataset

import _runtime
import _study
from _cohort_figure import draw_cohort_figure
from _score.person import MIN_PEOPLE
from _score.scores import for_json, interval

_runtime.setup()
mne.set_log_level("ERROR")  # one line per filter and recording is too much to read
CACHE = _study.get_cache_dir()

# %%
# Resting state is one recording of each person. The second row is the smallest sample for
# which these pages print an interval, with as many people to train on as to test. The last
# row is the small version of another release, made for a competition
# :cite:p:`aristimunha2025challenge`. People and recordings are taken to be equally large.
sizes = {
    "ds005505, everybody": _study.download_size("ds005505"),
    "ds005505, some": _study.download_size("ds005505", 2 * MIN_PEOPLE),
    "release R5, mini": _study.download_size("EEG2025r5mini", recordings=1),
}
for name, (n, megabytes) in sizes.items():
    print(f"{name:<20}{n:>4} people {megabytes / 1e3:6.1f} GB of resting state")

# %%
# So this is a good first real step:
#
# .. code-block:: python
#
#    from eegdash import EEGChallengeDataset
#
#    dataset = EEGChallengeDataset(
#        release="R5", mini=True, task="RestingState", cache_dir=CACHE, download=True
#    )
#
# :class:`~eegdash.EEGChallengeDataset` is *not identical* to the originals: its signals are
# already filtered and resampled. Develop on it, and do not mix it with them.
#
# People before signals
# ---------------------
# The score here is the :term:`p-factor`: one number for many symptoms, the general factor
# of a model of what parents report in the Child Behavior Checklist (CBCL). The idea is
# from another cohort :cite:p:`caspi2014pfactor`. The number is no diagnosis.
#
# The people below are **simulated** and sit in the same kind of folder; the calls for a
# real one are shown, not run. ``find_study`` reads the tables and no signal. Predict: does
# everybody have a score?
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-pfactor")
everybody = _study.list_people(STUDY)
cohort = _study.find_study(STUDY, column="p_factor", on_missing="drop")
scores = cohort.people["target"].to_numpy()
missing = everybody.index.difference(cohort.people.index)
mean, sd = scores.mean(), scores.std(ddof=1)
low, high = interval(scores)
print(everybody.head(3).to_string(index_names=False))
print(f"{len(everybody)} people, {len(scores)} of them with a score")
print(f"mean {mean:+.2f} [{low:+.2f}, {high:+.2f}], sd {sd:.2f}")

# %%
# Whoever has no score is dropped by name, before a split. Say so in a report: people
# without a score can differ from the others, for instance in age.
figure = draw_cohort_figure(
    pd.to_numeric(cohort.people["age"]).to_numpy(),
    scores,
    pd.to_numeric(everybody.loc[missing, "age"]).to_numpy(),
    {f"{name}\n{n} people": size / 1e3 for name, (n, size) in sizes.items()},
    title="Look at people and cost before you fetch signals",
    subtitle=f"{len(everybody)} simulated people; sizes of real downloads",
    provenance="data: simulated (A), catalogue of EEGDash (B)",
    alt=f"Two panels. A: score against age, a dot for each of {len(scores)} people; no "
    f"score: {len(missing)}. B: size of resting state in GB: "
    + ", ".join(f"{name} {size / 1e3:.1f}" for name, (_, size) in sizes.items())
    + ".",
)

# %%
# A common mistake: the score is text
# -----------------------------------
# This is the call for the real cohort:
#
# .. code-block:: python
#
#    dataset = EEGDashDataset(
#        cache_dir=CACHE, dataset="ds005505", task="RestingState", download=True
#    )
#
# Here the same call opens three simulated people, one of whom has no score.
three = sorted([*cohort.people.index[:2], *missing[:1]])
query = {"cache_dir": CACHE, "task": "RestingState", "subject": three, "download": False}
dataset = EEGDashDataset(dataset=STUDY, **query)
print(dataset.description["p_factor"].tolist())
try:
    print(dataset.description["p_factor"].mean())
except TypeError as error:
    mistake = type(error).__name__
    print(f"{mistake}: {error}")

# %%
# Scores arrive as text. A missing one is ``n/a`` in ``participants.tsv`` and can arrive as
# ``nan``. The recovery: both mean no score, any other word is an error, and people without
# a score are dropped.


def keep_scored(dataset):
    score = pd.to_numeric(dataset.description["p_factor"].replace("n/a", np.nan))
    dataset.set_description({"p_factor": score.to_numpy()}, overwrite=True)
    return dataset.split({"scored": np.flatnonzero(score.notna()).tolist()})["scored"]


dataset = keep_scored(dataset)
print(dataset.description["p_factor"].tolist())

# %%
# Signals last
# ------------
# The cap numbers its electrodes. These eight are near known places of the 10-20 system, and
# the order of the steps is that of :doc:`the page on windows
# </auto_examples/plot_10_preprocess_and_window>`.
from braindecode.preprocessing import Preprocessor, create_windows_from_events, preprocess

PLACES = _study.PLACES
print(PLACES)
EYES = ("instructed_toOpenEyes", "instructed_toCloseEyes")
STEPS = [
    Preprocessor("set_eeg_reference", ref_channels="average", apply_on_array=False),
    Preprocessor("reorder_channels", ch_names=list(PLACES), apply_on_array=False),
    Preprocessor("resample", sfreq=100, apply_on_array=False),
    Preprocessor("filter", l_freq=1, h_freq=30, apply_on_array=False),
    Preprocessor(_study.until_next_cue, cues=EYES, apply_on_array=False),
]

# %%
# Windows of two seconds with open eyes, the score behind each, and whose it is:


def open_windows(dataset):
    cut = create_windows_from_events(
        preprocess(dataset, STEPS),
        window_size_samples=200,
        window_stride_samples=200,
        mapping={EYES[0]: 0},
        preload=True,
        on_last_window="drop",
        accepted_bads_ratio=1.0,  # skip short blocks: cues have durations now
    )
    X = np.stack([window for recording in cut.datasets for window, *_ in recording]) * 1e6
    repeat = [len(recording) for recording in cut.datasets]
    about = cut.description.loc[np.repeat(cut.description.index, repeat)]
    return X, about["p_factor"].to_numpy(float), about["subject"].to_numpy()


# %%
X, y, subjects = open_windows(dataset)
print(f"windows {X.shape}, people {np.unique(subjects).tolist()}, scores {np.unique(y)}")

# %%
# The other pages use ``cohort.open()``, which has more checks and takes its steps from a
# table of studies. For these simulated signals the table has no reference and no filter, so
# the signals differ; every window has to be of the same person.
study = cohort.open(np.unique(subjects))
same = study.metadata["subject"].tolist() == subjects.tolist()
print(f"as many windows, each of the same person: {same}")

# %%
# Modify
# ------
# **Another column.** Open the same study with ``column="age"``, and then with the score and
# ``on_missing="raise"``. How many people, and what happens? Predict, then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: nobody is dropped in silence</summary>
print(f"with an age: {len(_study.list_people(STUDY, column='age'))} people")
try:
    _study.list_people(STUDY, column="p_factor", on_missing="raise")
except _study.StudyError as error:
    print(f"{type(error).__name__}: {error}".replace(f"{CACHE}{os.sep}", ""))

# %%
# .. raw:: html
#
#    </details>
#
# **A real study for pages about a score.** Put these lines before the first cell of such
# a page, in a notebook as well. The size is printed first; the last line permits fetching.
#
# .. code-block:: python
#
#    os.environ["EEG_TUTORIAL_STUDY"] = "ds005505"
#    os.environ["EEG_TUTORIAL_MAX_SUBJECTS"] = "20"
#    os.environ["EEG_TUTORIAL_DOWNLOAD"] = "1"
#
# The result, as one line
# -----------------------
# A cohort is opened in this order: cost, people, score as a number, signals.
people = {
    "n_people": len(everybody),
    "n_scored": len(scores),
    "n_dropped": len(missing),
}
spread = {"score_mean": mean, "score_mean_ci": [low, high], "score_sd": sd}
opened = {
    "n_asked": len(three),
    "n_opened": len(np.unique(subjects)),
    "n_windows": len(X),
    "n_chans": X.shape[1],
}

# %%
contract = {
    "tutorial": "plot_12",
    "version": 1,
    "data": study.data,
    "target": "p_factor",
    **people,
    **spread,
    "mistake": mistake,
    "n_download": {name: n for name, (n, _) in sizes.items()},
    "gigabytes": {name: size / 1e3 for name, (_, size) in sizes.items()},
    **opened,
    "same_as_find_study": same,
}
contract = for_json(contract)
print(json.dumps(contract))

# %%
# References
# ----------
# The cohort is from :cite:t:`alexander2017hbn`, its EEG in BIDS and the score from
# :cite:t:`shirazi2024hbneeg`, the competition from :cite:t:`aristimunha2025challenge`, the
# archive from :cite:t:`delorme2022nemar`. Full records are on the
# :doc:`references page </references>`.
