"""
Does band power predict a score of a person?
============================================

A score per person, such as the p-factor, gives you one number for minutes of EEG. Before a
network is asked, ask what simple features can do, on people nobody trained on, and what
they seem to do where there is nothing to find.

.. admonition:: What you will be able to do
   :class: tip

   - split people before anything is cut into windows;
   - predict a score from log band power and judge it against the train mean;
   - put a null beside the claim;
   - recognise the leak that makes a correlation out of nothing.

You need: :doc:`splits that do not leak </auto_examples/plot_11_leakage_safe_split>`,
scikit-learn.

Tags: :tag:`p-factor`, :tag:`regression`, :tag:`features`, :tag:`leakage`
"""

# %%
# A score that sits in the rhythm
# -------------------------------
# The :term:`p-factor` is a statistical summary of many symptoms, one dimension that they
# share :cite:p:`caspi2014pfactor`. In the Healthy Brain Network
# :cite:p:`alexander2017hbn` it is derived from a questionnaire that parents fill in
# :cite:p:`shirazi2024hbneeg`. It is a score, not a diagnosis.
#
# The people on this page are **simulated**: resting EEG on eight electrodes, read from BIDS
# files, with a score whose only trace is the strength of the alpha rhythm at two
# electrodes. The ``effect`` is a setting: by how much the logarithm of its amplitude grows
# with one standard deviation of the score. Without it there is no trace.
import json
import os

import _runtime
import _study
import numpy as np
import pandas as pd
from _features import BANDS, log_band_power
from _pfactor_features_figure import draw_leakage_figure, draw_prediction_figure
from _scores import per_subject, print_scores, rounded, score_people
from _splits import assert_no_leakage

_runtime.setup()
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-pfactor")
RECIPE = _study.get_recipe(STUDY)
TARGET = RECIPE.subject_target
everybody = _study.list_people(STUDY)
found = _study.find_study(STUDY, column=TARGET, on_missing="drop")
people = found.people
print(people.head(3).to_string())
print(people["target"].describe().round(2).to_string())

# %%
# Split people first
# ------------------
# No signal has been read yet, and that is on purpose. Windows of one person resemble each
# other, so whoever cuts first and splits later has the same person on both sides. Here the
# split is over rows of ``participants.tsv``. One hold-out, made once: nothing below chooses
# anything on the test people.
from sklearn.model_selection import train_test_split

train_people, test_people = train_test_split(
    people.index, test_size=RECIPE.n_hold_out, random_state=0
)


def open_sides(found):
    """Training and test people as two studies."""
    return [found.open(side) for side in (train_people, test_people)]


train, test = open_sides(found)
report = assert_no_leakage(train.metadata, test.metadata)
print(f"planted effect: {train.effect}")
print(train.metadata.head(3).to_string())

# %%
# Features of a person
# --------------------
# People differ in power by factors, so the features are **logarithms** of power in five
# bands, for every electrode, averaged over the windows of a person.


def features_and_target(study):
    subjects = study.metadata["subject"]
    features = per_subject(log_band_power(study.windows, study.sfreq), subjects)
    return features, per_subject(study.targets, subjects)


X_train, y_train = features_and_target(train)
X_test, y_test = features_and_target(test)
print(f"{X_train.shape[1]} features: {len(train.ch_names)} channels x {', '.join(BANDS)}")
print(f"{len(X_train)} people to train on, {len(X_test)} to test")

# %%
# Predict before you run: what is r of a constant?
# ------------------------------------------------
# The simplest prediction is the mean of the training people, the same for everybody. What
# is its correlation with the truth? Zero, some would say. Write down your answer.
import warnings

from scipy.stats import pearsonr
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import LeaveOneOut, cross_val_predict

constant = np.full(len(y_test), y_train.mean())
with warnings.catch_warnings(record=True) as caught:
    print(f"one hold-out: r = {pearsonr(constant, y_test).statistic:.3f}")
for warning in caught:
    print(f"{warning.category.__name__}: {warning.message}")
left_out = cross_val_predict(DummyRegressor(), X_train, y_train, cv=LeaveOneOut())
print(f"leave-one-out, pooled: r = {pearsonr(left_out, y_train).statistic:.3f}")

# %%
# On one hold-out it is **undefined**. Pooled over leave-one-out it is as low as a
# correlation can be: leaving out a high score lowers the mean of the rest. So the baseline
# is compared by its *error*, and r is computed on one hold-out, with an interval that
# resamples test people (:func:`scipy.stats.bootstrap`) and a p that exchanges them
# (:func:`scipy.stats.permutation_test`; with 4000 exchanges it cannot be below 2 in 4001).
# Both speak of the test people. Other training people would move r further.
#
# Ridge, forest, mean
# -------------------
# :class:`~sklearn.linear_model.RidgeCV` chooses its penalty on training people; of the
# forest only the number of trees is set.
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def build_ridge():
    return make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 3, 15)))


def build_forest(n_trees=300):
    return RandomForestRegressor(n_trees, random_state=0)


def fit_and_score(model, train, test):
    """Predictions for the test people, and how good they are."""
    predicted = model.fit(*train).predict(test[0])
    return predicted, score_people(test[1], predicted, baseline=train[1].mean())


sides = (X_train, y_train), (X_test, y_test)
ridge = build_ridge()
predicted, scores = {}, {}
for name, model in {"ridge": ridge, "random forest": build_forest()}.items():
    predicted[name], scores[name] = fit_and_score(model, *sides)
print_scores(scores)
first = scores["ridge"]
print(f"train mean: MAE {first['baseline_mae']:.2f}, MSE {first['baseline_mse']:.2f}")

# %%
# Read the last column first. The features know something that the mean does not if its
# whole interval lies below 1.
#
# The same people, with nothing to find
# -------------------------------------
# In the null study the score leaves no trace in anybody's signal. (In a real study, which
# cannot be recorded again, scores are exchanged between people.) Every step is repeated.
# This is what a result has to beat.
null_train, null_test = open_sides(found.without_effect())
null_sides = features_and_target(null_train), features_and_target(null_test)
null_ridge = build_ridge()
null_predicted, null_scores = {}, {}
for name, model in {"ridge": null_ridge, "random forest": build_forest()}.items():
    null_predicted[name], null_scores[name] = fit_and_score(model, *null_sides)
print_scores({f"{name}, null": s for name, s in null_scores.items()})

# %%
# One in twenty nulls looks like a finding at p = .05, and this page shows one null only.
# Many more are on the :doc:`evidence page </evidence>`.
panels = {
    "Ridge, as recorded": (y_test, predicted["ridge"], scores["ridge"]),
    "Ridge, null": (null_sides[1][1], null_predicted["ridge"], null_scores["ridge"]),
}
said = "; ".join(
    f"{name}: r {s['pearson_r']:+.2f}, error {s['mse_ratio']:.2f} of the train mean's"
    for name, (_, _, s) in panels.items()
)
figure = draw_prediction_figure(
    panels,
    baseline=y_train.mean(),
    title="Does band power predict the score?",
    subtitle=f"{TARGET}; {len(y_train)} people to train on, one dot per test person",
    provenance=f"data: {train.data}",
    alt="Two panels of predicted against true score, one dot per test person, with the "
    f"train mean as a dashed line. {said}.",
)

# %%
# Which features carry it?
# ------------------------
# The weights of a linear model do not say, because they also cancel noise that electrodes
# share. Multiplied with the covariance of the features they become a *pattern*, which does
# :cite:p:`haufe2014weights`. Again with the null beside it.


def pattern_of(ridge, X):
    return np.cov(ridge[0].transform(X).T) @ ridge[-1].coef_


names = [f"{channel} {band}" for channel in train.ch_names for band in BANDS]
patterns = {"pattern": pattern_of(ridge, X_train)}
patterns["null"] = pattern_of(null_ridge, null_sides[0][0])
patterns = pd.DataFrame({k: v / np.abs(v).max() for k, v in patterns.items()}, index=names)
largest = patterns["pattern"].abs().sort_values(ascending=False).index[:6]
print(patterns.loc[largest].round(2).to_string())

# %%
# Each column is divided by its own largest value. What stands high in both columns is not
# the score: with so few people, some features go along with any list of numbers.
#
# The leak
# --------
# Now the mistake, on the **null**, where nobody should do better than chance. The windows
# of all people are shuffled and dealt into four folds, as one does with images. Then the
# same with whole people :cite:p:`brookshire2024leakage`. Predict both before you look.
from sklearn.model_selection import GroupKFold, KFold

windows = np.concatenate([null_train.windows, null_test.windows])
target = np.concatenate([null_train.targets, null_test.targets])
groups = pd.concat([null_train.metadata, null_test.metadata])["subject"].to_numpy()
features = log_band_power(windows, null_train.sfreq)


def fold_scores(model, folds):
    """Correlation over the windows of each held-out fold."""
    found = []
    for fit, held_out in folds:
        guess = model.fit(features[fit], target[fit]).predict(features[held_out])
        found.append(pearsonr(guess, target[held_out]).statistic)
    return np.array(found)


by_window = KFold(4, shuffle=True, random_state=0).split(features)
by_person = GroupKFold(4, shuffle=True, random_state=0).split(features, groups=groups)
splits = {"windows shuffled": list(by_window), "people kept whole": list(by_person)}
leak = {
    name: {split: fold_scores(model, folds) for split, folds in splits.items()}
    for name, model in {"ridge": build_ridge(), "random forest": build_forest(60)}.items()
}
print(pd.DataFrame(leak).map(lambda r: f"{r.mean():+.2f}").to_string())

# %%
# Windows of one person resemble each other, and a model that has seen some of them with
# their score returns it for the others. Nothing about the score was learned. What is left
# with whole people is chance; the dots of the figure show how far chance reaches.
means = "; ".join(
    f"{name}, {split}: {r.mean():+.2f}"
    for name, own in leak.items()
    for split, r in own.items()
)
figure = draw_leakage_figure(
    leak,
    title="A score from nothing",
    subtitle="null study: no trace of the score in any signal; one dot per fold",
    provenance=f"data: {null_train.data}",
    alt=f"Correlation in held-out folds of the null study, mean of the folds: {means}.",
)
# sphinx_gallery_thumbnail_number = 2

# %%
# Modify
# ------
# **Fewer people.** What is left with half of the training people, and with a quarter?
# Predict r and the last column, then unfold. (The train mean gets worse as well.)
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: fewer people</summary>
fewer = {}
for n in (len(X_train), len(X_train) // 2, len(X_train) // 4):
    sides = (X_train[:n], y_train[:n]), (X_test, y_test)
    fewer[f"ridge, {n} people"] = fit_and_score(build_ridge(), *sides)[1]
print_scores(fewer)

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# - Split people before windows exist.
# - r of a constant is undefined; compare errors with the train mean.
# - A result comes with an interval over people, and with a null that went the same road.
# - Shuffled windows make a correlation out of nothing.
#
# A word on use: even a clear r on unseen people is a statement about a group. It does not
# tell anything about one child, and nothing on this page is a clinical tool. Care with the
# recording comes before all of it :cite:p:`cisotto2024tips`.
#
# **Try it yourself.** Set ``STUDY`` to ``"simulated-pfactor-effect0.25"``: with half the
# effect, can you still tell the result from the null? Replace
# :class:`~sklearn.linear_model.RidgeCV` by a model of your own: does it beat ridge on the
# effect and stay at nothing on the null? Change ``random_state`` of the split: how far does
# r move with other test people? Then let
# :doc:`a network </auto_examples/plot_81_pfactor_deep>` try.
#
# The result, as one line
# -----------------------
# Everything a reader or a test needs to check this run.
null = null_scores["ridge"]
contract = {
    "tutorial": "plot_80",
    "version": 1,
    "data": train.data,
    "target": TARGET,
    "effect": train.effect,
    "n_train_subjects": report["n_train"],
    "n_test_subjects": report["n_test"],
    "n_dropped": len(everybody) - len(people),
    "subject_overlap": report["overlap"],
    **scores["ridge"],
    "forest": scores["random forest"],
    "null_r": null["pearson_r"],
    "null_r_ci": null["r_ci"],
    "null_mse_ratio": null["mse_ratio"],
    "null_mse_ratio_ci": null["mse_ratio_ci"],
    "window_split_r": leak["random forest"]["windows shuffled"].mean(),
    "subject_split_r": leak["random forest"]["people kept whole"].mean(),
    "window_split_r_ridge": leak["ridge"]["windows shuffled"].mean(),
    "subject_split_r_ridge": leak["ridge"]["people kept whole"].mean(),
}
print(json.dumps(rounded(contract)))

# %%
# References
# ----------
# The idea of one dimension of psychopathology is from :cite:t:`caspi2014pfactor`; the real
# cohort from :cite:t:`alexander2017hbn` and its EEG in BIDS from
# :cite:t:`shirazi2024hbneeg`. Full records are on the :doc:`references page </references>`.
