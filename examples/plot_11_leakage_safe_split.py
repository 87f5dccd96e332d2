"""
Is my split leaking?
====================

A model can score well on test windows because it recognises the people they come from. The
clearest way to see this is to give it *nothing to learn* and look at its score.

.. admonition:: What you will be able to do
   :class: tip

   - recognise a split that leaks, by its score and by a check;
   - choose between hold-out, group k-fold and leaving one person out;
   - say what r of a constant is, and why folds are not pooled.

You need: :doc:`windows </auto_examples/plot_10_preprocess_and_window>`, scikit-learn, and a
minute. Nothing is downloaded. Background: :doc:`/concepts/leakage_and_evaluation`.

Tags: :tag:`leakage`, :tag:`splits`, :tag:`regression`
"""

# %%
# Nothing to learn
# ----------------
# **Simulated** people at rest, each with a score. The score left no trace in any signal
# (:term:`null study`), so an honest test finds nothing.
import json
import os

import numpy as np

import _runtime
import _study
from _leakage_figure import draw_leakage_scatter
from _score.features import log_band_power
from _score.person import MIN_PEOPLE, score_people
from _score.scores import for_json, per_subject
from _score.splits import assert_no_leakage, load_split, save_split, split_subjects

_runtime.setup()
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-pfactor")

# %%
# The score stands in the column ``p_factor`` of the table of people. People without one are
# dropped, with a message. Features are the logarithm of the :term:`band power` of each
# channel in each of five bands.
column = _study.get_recipe(STUDY).subject_target
cohort = _study.find_study(STUDY, column=column, on_missing="drop")
study = cohort.without_effect().open()
subjects = study.metadata["subject"].to_numpy()
X = log_band_power(study.windows, study.sfreq)
y = study.targets
n_people = len(np.unique(subjects))
print(f"{len(y)} windows of {n_people} people, {X.shape[1]} features")

# %%
# The same model, two splits
# --------------------------
# A quarter is kept for testing: a quarter of the *windows*, shuffled, or a quarter of the
# *people* (but never too few for an interval). Predict both correlations.
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import train_test_split

n_test = max(n_people // 4, MIN_PEOPLE)
by_person = split_subjects(study.metadata, {"test": n_test}, rest="train", seed=0)
shuffled = train_test_split(np.arange(len(y)), test_size=0.25, random_state=0)
splits = {
    "windows shuffled": dict(zip(("train", "test"), shuffled, strict=True)),
    "people kept whole": by_person,
}

# %%
# A prediction for a person is the mean over that person's test windows. The interval is
# over people, because windows of one person are not independent. For the same reason r over
# windows has none.
predictions = {}
over_people = {}
over_windows = {}
for name, parts in splits.items():
    train, test = parts["train"], parts["test"]
    forest = RandomForestRegressor(60, random_state=0).fit(X[train], y[train])
    predicted = forest.predict(X[test])
    people_y = per_subject(y[test], subjects[test])
    people_predicted = per_subject(predicted, subjects[test])
    over_people[name] = score_people(people_y, people_predicted, y[train].mean())
    over_windows[name] = float(np.corrcoef(predicted, y[test])[0, 1])
    predictions[name] = (y[test], predicted)


# %%
def correlation(score):
    return "r = {:+.2f} [{:+.2f}, {:+.2f}]".format(score["pearson_r"], *score["r_ci"])


panels = {}
for name, (true, predicted) in predictions.items():
    label = f"{correlation(over_people[name])} over people"
    panels[name] = (true, predicted, label)
    print(f"{name:<18} {label}, {over_windows[name]:+.2f} over windows")

# %%
# The first score would look like a finding. It measures how well the forest recognises
# people :cite:p:`brookshire2024leakage`. The interval of the second shows how far chance
# alone can carry so few people.
figure = draw_leakage_scatter(
    panels,
    title="The same forest, the same signals, nothing to learn",
    subtitle="each dot is a test window; r over people with its 95 % interval",
    provenance=f"data: {study.data}",
    alt="Two panels of predicted against true score over test windows. "
    + "; ".join(f"{name}: {label}" for name, (_, _, label) in panels.items())
    + ".",
)

# %%
# A common mistake: shuffled windows
# ----------------------------------
# :func:`~sklearn.model_selection.train_test_split` shuffles rows, and a row is a window. A
# check finds this without any model: it compares the *people* of both sides.
for name, parts in splits.items():
    print(name)
    sides = [study.metadata.iloc[parts[side]] for side in ("train", "test")]
    try:
        report = assert_no_leakage(*sides)
    except ValueError as error:
        print(f"{type(error).__name__}: {error}")

# %%
# The recovery is the second split: ``split_subjects`` keeps people whole. Save the split,
# because the same seed can give another one with another version of a library. A
# :term:`manifest` names the people; ``load_split`` raises an error if the table has others.
path = _study.get_cache_dir() / f"split-{study.name}.json"
save_split(path, study.metadata, by_person, note="plot_11, one quarter to test")
replayed = load_split(path, study.metadata)
same = all(np.array_equal(np.sort(by_person[part]), replayed[part]) for part in replayed)
print(f"the same rows again: {same}")

# %%
# What is r of a constant?
# ------------------------
# The simplest prediction is the mean of the training people, the same for everybody.
# Predict its correlation with the truth on the people held out.
import warnings

from scipy.stats import pearsonr

truth = per_subject(y[by_person["test"]], subjects[by_person["test"]])
constant = np.full(len(truth), y[by_person["train"]].mean())
with warnings.catch_warnings(record=True) as caught:
    print(f"one hold-out: r = {pearsonr(constant, truth).statistic}")
for warning in caught:
    print(f"{warning.category.__name__}: {warning.message}")

# %%
# It is **undefined**, and not zero. Compare such a baseline by its error, not by r.
#
# Which kind of split?
# --------------------
# Cross-validation tests everybody once. Its folds must be made of people:
# :class:`~sklearn.model_selection.GroupKFold`, or
# :class:`~sklearn.model_selection.LeaveOneGroupOut`, with one person in each fold. For the
# last column each fold predicts its own train mean, and r is taken over all folds together.
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut, cross_val_predict

kinds = {
    "k-fold over windows": KFold(5, shuffle=True, random_state=0),
    "group k-fold": GroupKFold(5, shuffle=True, random_state=0),
    "leave one person out": LeaveOneGroupOut(),
}

# %%
print(f"{'':<22}{'folds':>5}{'shared people':>15}{'r of the mean, pooled':>23}")
n_folds = {}
shared = {}
pooled = {}
for name, kind in kinds.items():
    groups = None if "windows" in name else subjects
    folds = list(kind.split(X, y, groups))
    both_sides = [np.intersect1d(subjects[train], subjects[test]) for train, test in folds]
    n_folds[name] = len(folds)
    shared[name] = max(map(len, both_sides))
    constant = cross_val_predict(DummyRegressor(), X, y, groups=groups, cv=kind)
    pooled[name] = float(pearsonr(constant, y).statistic)
    print(f"{name:<22}{n_folds[name]:>5}{shared[name]:>15}{pooled[name]:>+23.2f}")

# %%
# Leaving out somebody with a high score lowers the mean of the rest. So the pooled
# correlation of a model that uses no signal is negative, down to the lowest value there is.
# Score inside folds of many people, or on one hold-out. With few people, every one of these
# estimates varies a lot :cite:p:`varoquaux2018cv`.
#
# - *One hold-out of people*: for an interval and a test, because one model made all
#   predictions.
# - *Group k-fold*: for choosing a setting when people are few.
# - *Leave one person out*: when each person is scored alone, for instance by an accuracy.
# - *K-fold over windows*: never across people.
#
# Modify
# ------
# **A leak without a shared person.** Keep people whole, but let features be chosen: the ten
# that go along with the score best, of all features and their products. Choose them over
# *all* people, or over the training people. What is r on the test people? Predict, then
# unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: choose features inside the split</summary>
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import ShuffleSplit
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

# No score goes in here, so this may use all people.
products = make_pipeline(StandardScaler(), PolynomialFeatures(2, include_bias=False))
Z = products.fit_transform(per_subject(X, subjects))
scores = per_subject(y, subjects)
ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 7)))
print(f"{Z.shape[1]} candidates, {n_people} people")

# %%
n_splits = 20
chosen_on = {"training people": [], "all people": []}
for train, test in ShuffleSplit(n_splits, test_size=n_test, random_state=0).split(Z):
    for name, rows in {"training people": train, "all people": slice(None)}.items():
        best = SelectKBest(f_regression, k=10).fit(Z[rows], scores[rows]).transform(Z)
        predicted = ridge.fit(best[train], scores[train]).predict(best[test])
        score = score_people(scores[test], predicted, scores[train].mean())
        chosen_on[name].append(score)

# %%
r = {}
for name, of_splits in chosen_on.items():
    r[name] = np.array([score["pearson_r"] for score in of_splits])
    first = correlation(of_splits[0])
    print(f"chosen over {name:<17}first split {first}, mean of all {r[name].mean():+.2f}")

# %%
n_higher = int(np.sum(r["all people"] > r["training people"]))
print(f"the leak scores higher in {n_higher} of {n_splits} splits")

# %%
# .. raw:: html
#
#    </details>
#
# Every step that uses scores belongs inside the split.
#
# The result, as one line
# -----------------------
# So, is a split leaking? Compare the people of both sides, and run the whole pipeline where
# there is nothing to learn. There, an interval above zero means a leak or, rarely,
# chance. Try ridge instead of the forest: how much of the leak is left?
two_splits = {
    "window_split_r": over_windows["windows shuffled"],
    "window_split_person_r": over_people["windows shuffled"]["pearson_r"],
    "window_split_person_r_ci": over_people["windows shuffled"]["r_ci"],
    "subject_split_r": over_windows["people kept whole"],
    "subject_split_person_r": over_people["people kept whole"]["pearson_r"],
    "subject_split_person_r_ci": over_people["people kept whole"]["r_ci"],
}
cross_validation = {
    "shared_people": shared,
    "n_folds": n_folds,
    "pooled_r_of_train_mean": pooled,
}

# %%
selection = {
    "selection_r": {name: runs[0]["pearson_r"] for name, runs in chosen_on.items()},
    "selection_r_ci": {name: runs[0]["r_ci"] for name, runs in chosen_on.items()},
    "n_splits": n_splits,
    "n_splits_selection_leak_higher": n_higher,
}

# %%
contract = {
    "tutorial": "plot_11",
    "version": 3,
    "data": study.data,
    "effect": study.effect,
    "n_subjects": n_people,
    "n_windows": len(y),
    **two_splits,
    **cross_validation,
    "manifest_replayed": same,
    **selection,
    "subject_overlap": report["overlap"],
}
contract = for_json(contract)
print(json.dumps(contract))

# %%
# References
# ----------
# How common the leak is, and what it costs: :cite:t:`brookshire2024leakage`. How much few
# people make cross-validation vary: :cite:t:`varoquaux2018cv`. Full records are on the
# :doc:`references page </references>`.
