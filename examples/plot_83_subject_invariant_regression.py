"""
What makes a regression hold across people?
===========================================

A reaction time depends on who answers, and on when. So does the EEG. Here you predict
*when* a person is slow: you take the person out of the features, and measure how much of
the person is left.

.. admonition:: What you will be able to do
   :class: tip

   - predict within people, and judge correlation and error;
   - choose a normalisation, and say which trials it may use;
   - measure how much of a person is left in features, on other trials.

You need: :doc:`scores per person </auto_examples/plot_80_pfactor_features>`.

Takes half a minute and 15 MB of disk. Nothing is downloaded. In depth:
:doc:`leakage and evaluation </concepts/leakage_and_evaluation>`.

Tags: :tag:`regression`, :tag:`splits`, :tag:`subject identity`
"""

# %%
# Slow and fast trials
# --------------------
# **Simulated** people watch for a change on the left or right.
import json
import os

import numpy as np
import pandas as pd

import _runtime
import _score.scores as scores
import _study
from _invariant_figure import draw_invariant_figure
from _score.features import log_band_power
from _score.splits import assert_no_leakage

_runtime.setup()
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-tasks")

# %%
# In each trial a person's alertness changes two things: the size of the alpha rhythm and
# the time of the answer. Each person also has a pace, an alpha level and a fit of the cap,
# which are unrelated. The EEG Foundation Challenge of 2025 asked for reaction times in this
# task, and for predictions that hold across people :cite:p:`aristimunha2025challenge`.
study = _study.open_study(STUDY, task="contrastChangeDetection", column="rt")
subjects = study.metadata["subject"].to_numpy()
X = log_band_power(study.windows, study.sfreq)
y = np.log(study.targets)
by_person = pd.Series(y).groupby(subjects)
between = by_person.mean().std()
within = np.sqrt(by_person.var().mean())
print(f"{len(y)} trials of {by_person.ngroups} people")
print(f"log reaction time: sd {between:.2f} between people, {within:.2f} within")
target = y - by_person.transform("mean").to_numpy()

# %%
# The question is *when*, so the target is centred: each trial minus the person's own mean.
# Half of the people are held out, once. The intervals of the predictions are over these
# test people; those of the identity probe below are over everybody.
from scipy.stats import pearsonr
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.model_selection import GroupShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

halves = GroupShuffleSplit(1, test_size=0.5, random_state=0)
train, test = next(halves.split(X, groups=subjects))
report = assert_no_leakage(study.metadata.iloc[train], study.metadata.iloc[test])

# %%
# Three ways to normalise
# -----------------------
# - *none*: log band power as it is;
# - *window*: log powers minus their mean over all electrodes and bands of the window, which
#   is relative power. Needs one window;
# - *person*: each feature minus its mean over the person's trials, divided by its
#   deviation. Needs several unlabelled trials of the person, and **no reaction times**.
#
# **Predict before you run.** Which one wins in correlation, which one in error?
METHODS = ("none", "window", "person")
all_trials = np.ones(len(y), bool)


def normalise_subjects(method, known=all_trials):
    """Features; statistics of a person are those of the trials that are known."""
    if method == "window":
        return X - X.mean(axis=1, keepdims=True)
    if method == "person":
        of_people = pd.DataFrame(X[known]).groupby(subjects[known])
        mean = of_people.mean().loc[subjects].to_numpy()
        sd = of_people.std().loc[subjects].to_numpy()
        return (X - mean) / sd
    return X


# %%
def predict(features, target, train=train, test=test):
    """Predictions for the trials of held-out people."""
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
    return ridge.fit(features[train], target[train]).predict(features[test])


def within_r(true, predicted, people=subjects[test]):
    """Correlation over the trials of each person, shape (n_subjects,)."""
    pairs = pd.DataFrame({"y": true, "p": predicted}).groupby(people)
    return np.array([pearsonr(pair["y"], pair["p"]).statistic for _, pair in pairs])


def squared_errors(true, predicted, people=subjects[test]):
    """Mean squared error of each person: of the prediction, and of their own mean."""
    error = scores.per_subject((true - predicted) ** 2, people)
    return error, scores.per_subject(true**2, people)


# %%
r = {}
errors = {}
ratio = {}
print(f"{'normalisation':<15}{'within r':<23}error / own mean's")
for method in METHODS:
    predicted = predict(normalise_subjects(method), target)
    r[method] = within_r(target[test], predicted)
    errors[method] = squared_errors(target[test], predicted)
    ratio[method] = scores.ratio_interval(*errors[method])
    value, (low, high) = ratio[method]
    correlation = scores.with_interval(r[method], "+", digits=2)
    print(f"{method:<15}{correlation:<23}{value:.2f} [{low:.2f}, {high:.2f}]")

# %%
# The last column is the squared error as a part of what each person's own mean leaves:
# below 1, the model says something about when a person is slow. A constant that is
# added to all predictions for a person, or a wrong scale, does not change a correlation. It
# changes the error.
gains = {
    "within r": scores.difference(r["person"], r["none"]),
    "squared error": scores.difference(errors["person"][0], errors["none"][0]),
}
corrected = scores.holm([gain.p for gain in gains.values()])
print("person minus none, within test people:")
for (name, gain), p in zip(gains.items(), corrected, strict=True):
    print(f"  {name:<15}{gain}, corrected for two tests (Holm) {p:.5f}")

# %%
# Normalising by person also removes every difference between the means of people, and with
# them a score per person such as the p-factor. Choose by the question.
#
# Who is it?
# ----------
# A probe classifies the *person*. A linear probe on features that are centred on the very
# trials it sees is at :term:`chance` by construction, because all people have the same
# mean. So here the statistics come from the first third of a person's trials, the probe
# learns on the second third and is tested on the last.
order = study.metadata.groupby("subject").cumcount().to_numpy()
third = order * 3 // (order.max() + 1)


def identity(features, train, test):
    """How often each person is told apart from all others, shape (n_subjects,)."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    names = model.fit(features[train], subjects[train]).predict(features[test])
    return scores.per_subject(names == subjects[test], subjects[test])


# %%
chance = 1 / by_person.ngroups
print(f"people told apart (chance {chance:.2f}):")
told_apart = {}
for method in METHODS:
    features = normalise_subjects(method, known=third == 0)
    told_apart[method] = identity(features, third == 1, third == 2)
    print(f"  {method:<8}{scores.with_interval(told_apart[method], digits=2, share=True)}")
same = identity(normalise_subjects("person", third == 1), third == 1, third == 1).mean()
print(f"  person, when statistics, learning and test share trials: {same:.2f}")

# %%
# A permutation test inside people
# --------------------------------
# Could the correlation come from chance? Reaction times are exchanged *inside* people, and
# the model is fitted again each time. The p is one-sided. (Exchanging the test scores of a
# finished model, as the pages before do, is cheaper and valid too: it asks about that
# model, and this about the whole procedure.) The test assumes that the trials of a person
# are exchangeable. Real reaction times can drift over an experiment, so look at the drift
# first. A mean near zero excludes only a common linear drift. If in doubt, exchange within
# short blocks.
drift = within_r(order[test].astype(float), y[test])
drift = scores.with_interval(drift, "+")
print(f"drift, r of log reaction time with trial number: {drift}")
rng = np.random.default_rng(83)
features = normalise_subjects("person")
null = []
for _ in range(100):
    mixed = pd.Series(target).groupby(subjects).transform(rng.permutation).to_numpy()
    null.append(within_r(mixed[test], predict(features, mixed)).mean())
null = np.array(null)
observed = r["person"].mean()
p = (1 + np.sum(null >= observed)) / (1 + len(null))
print(f"observed {observed:+.3f}, p {p:.3f} (1 in {len(null) + 1} at least)")
print(f"null: mean {null.mean():+.3f}, largest {null.max():+.3f}")

# %%
ratio_rows = {m: (errors[m][0] / errors[m][1], *ratio[m]) for m in METHODS}
r_rows = {m: scores.values_mean_ci(r[m]) for m in METHODS}
identity_rows = {m: scores.values_mean_ci(told_apart[m], share=True) for m in METHODS}
means = {m: (ratio[m][0], r[m].mean(), told_apart[m].mean()) for m in METHODS}

# %%
figure = draw_invariant_figure(
    ratio_rows,
    r_rows,
    identity_rows,
    (null, float(observed)),
    chance=chance,
    title="What holds across people?",
    subtitle=f"log reaction time; {report['n_test']} test people, all in C",
    provenance=f"data: {study.data}",
    alt="Four panels. A: squared error within each person, B: correlation, C: identity "
    "left in the features, for three normalisations, means "
    f"{scores.for_json(means, 2)}. D: null distribution of r and the observed "
    f"{observed:+.2f}.",
)

# %%
# A common mistake: one trial of a new person
# -------------------------------------------
# A new person comes, and a prediction is wanted after the first trial.
try:
    with np.errstate(invalid="ignore"):
        predict(normalise_subjects("person", order == 0), target)
except ValueError as error:
    print(f"ValueError: {error}")

# %%
# One value has no deviation. The recovery is to wait for some unlabelled trials: statistics
# from the first third, errors from the trials after it. Compare *person* with the first
# table, where the statistics come from all trials and are known only afterwards.
later_train = train[third[train] > 0]
later_test = test[third[test] > 0]
for method in METHODS:
    features = normalise_subjects(method, known=third == 0)
    predicted = predict(features, target, later_train, later_test)
    of_people = squared_errors(target[later_test], predicted, subjects[later_test])
    value, (low, high) = scores.ratio_interval(*of_people)
    print(f"{method:<15}error {value:.2f} [{low:.2f}, {high:.2f}]")

# %%
# Exercise: other people
# ----------------------
# One hold-out is one choice of people. Repeat it with ten others: how far do the errors
# move, and does the better of *none* and *person* ever change? Predict, then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: ten other splits</summary>
splits = GroupShuffleSplit(10, test_size=0.5, random_state=1)
ratios = {"none": [], "person": []}
for new_train, new_test in splits.split(X, groups=subjects):
    for method in ratios:
        predicted = predict(normalise_subjects(method), target, new_train, new_test)
        of_people = squared_errors(target[new_test], predicted, subjects[new_test])
        value, _ = scores.ratio_interval(*of_people)
        ratios[method].append(value)
for method, values in ratios.items():
    ends = f"from {min(values):.2f} to {max(values):.2f}"
    print(f"{method:<8}error {np.mean(values):.2f}, {ends}")
n_better = int(np.sum(np.array(ratios["person"]) < ratios["none"]))
print(f"person is better in {n_better} of {len(ratios['none'])} splits, which share people")

# %%
# .. raw:: html
#
#    </details>
#
# What the result means
# ---------------------
# Judge a regression within people by its error, not by r alone, and probe what is left of
# the person with statistics from other trials. Compare the two tables: did the way that
# leaves least of the person have the smallest error? Even if so, three ways do not show
# that one is the cause of the other. The scores belong to this hold-out, and the exercise
# shows how far they move on others. Other splits share people with it, so their spread is
# no interval :cite:p:`varoquaux2018cv`.
#
# **Try it yourself.** Replace ridge by :class:`~sklearn.ensemble.RandomForestRegressor`:
# which column of the table moves? Use a random forest as the probe, too.
#
# The line has everything a reader or a test needs to check this run. Full records of what
# is cited are on the :doc:`references page </references>`.
study_and_split = {
    "data": study.data,
    "target": "rt",
    "n_subjects": int(by_person.ngroups),
    "n_test_subjects": report["n_test"],
    "n_trials": len(y),
    "subject_overlap": report["overlap"],
}
error_ratio = {
    "error_ratio": {method: value for method, (value, _) in ratio.items()},
    "error_ratio_ci": {method: ends for method, (_, ends) in ratio.items()},
}

# %%
contract = {
    "tutorial": "plot_83",
    "version": 2,
    **study_and_split,
    **scores.means_and_intervals(r, "within_r", share=False),
    **scores.means_and_intervals(told_apart, "identity_accuracy"),
    **error_ratio,
    "person_minus_none": gains,
    "identity_chance": chance,
    "identity_same_trials": same,
    "permutation_p": p,
    "null_mean": null.mean(),
}
contract = scores.for_json(contract)
print(json.dumps(contract))
