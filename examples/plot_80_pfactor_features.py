"""
Does band power predict a score?
================================

Before you train a network on a score per person, find out what simple features can do, and
what they seem to do where nothing can be found.

.. admonition:: What you will be able to do
   :class: tip

   - predict a score from log band power, on people nobody trained on;
   - judge the prediction by two criteria;
   - put a null beside the claim.

You need: :doc:`splits that do not leak </auto_examples/plot_11_leakage_safe_split>`,
scikit-learn.

Takes half a minute and 20 MB of disk. Nothing is downloaded. In depth:
:doc:`features and networks </concepts/features_and_networks>`.

Tags: :tag:`p-factor`, :tag:`regression`, :tag:`features`
"""

# %%
# A score and a rhythm
# --------------------
# The people are **simulated**.
import json
import os

import numpy as np
import pandas as pd

import _runtime
import _study
from _pfactor_features_figure import draw_prediction_figure
from _score.features import BANDS, log_band_power
from _score.person import print_other_splits, print_scores, score_people
from _score.scores import for_json, per_subject
from _score.splits import assert_no_leakage

_runtime.setup()
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-pfactor")
RECIPE = _study.get_recipe(STUDY)
TARGET = RECIPE.subject_target

# %%
# In the Healthy Brain Network :cite:p:`alexander2017hbn` the :term:`p-factor` is the
# general factor of a bifactor model of items of the Child Behavior Checklist (CBCL), a
# questionnaire for parents :cite:p:`shirazi2024hbneeg`. The idea of one dimension that many
# symptoms share is older :cite:p:`caspi2014pfactor`. The p-factor is a score, not a
# diagnosis. The EEG Foundation Challenge of 2025 :cite:p:`aristimunha2025challenge` scored
# another one, ``externalizing``; ``EEG_TUTORIAL_TARGET`` takes it where the study has it.
#
# Here the score changes one thing: the strength of the alpha rhythm at two of eight
# electrodes. ``effect`` is the change of its log amplitude per standard deviation of the
# score.
everybody = _study.list_people(STUDY)
cohort = _study.find_study(STUDY, column=TARGET, on_missing="drop")
people = cohort.people
print(people.head(3).to_string(index_names=False))
print(people["target"].describe().round(2).to_string())

# %%
# Split people, then compute features
# -----------------------------------
# The split is over rows of ``participants.tsv``, before any signal is read. About half of
# the people are held out: more training people give a better model, more test people a
# narrower interval. Nothing below is chosen on test people.
from sklearn.model_selection import train_test_split

train_people, test_people = train_test_split(
    people.index, test_size=RECIPE.n_hold_out, random_state=0
)


def open_sides(cohort):
    """Training and test people as two studies."""
    return cohort.open(train_people), cohort.open(test_people)


train, test = open_sides(cohort)
report = assert_no_leakage(train.metadata, test.metadata)
print(f"planted effect: {train.effect}")

# %%
# Power differs between people multiplicatively, so the features are **logarithms** of power
# in five bands, for every electrode, averaged over a person's windows.


def features_and_target(study):
    subjects = study.metadata["subject"]
    features = per_subject(log_band_power(study.windows, study.sfreq), subjects)
    return features, per_subject(study.targets, subjects)


X_train, y_train = features_and_target(train)
X_test, y_test = features_and_target(test)
bands = ", ".join(f"{band} {low}-{high} Hz" for band, (low, high) in BANDS.items())
print(f"{X_train.shape[1]} features: {len(train.ch_names)} channels x {bands}")
print(f"{len(X_train)} people to train on, {len(X_test)} to test")

# %%
# Predict before you run
# ----------------------
# Two models: :term:`ridge` (:class:`~sklearn.linear_model.RidgeCV`), which chooses its
# penalty on training people, and a :term:`random forest`. How large will r be? Which part
# of the train mean's squared error will be left? Write both down.
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def build_models():
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 3, 15)))
    return {"ridge": ridge, "random forest": RandomForestRegressor(300, random_state=0)}


def fit_and_score(model, train, test):
    """Predictions for the test people, and how good they are."""
    predicted = model.fit(*train).predict(test[0])
    return predicted, score_people(test[1], predicted, baseline=train[1].mean())


# %%
models = build_models()
predicted = {}
scores = {}
for name, model in models.items():
    predicted[name], scores[name] = fit_and_score(
        model, (X_train, y_train), (X_test, y_test)
    )
print_scores(scores)

# %%
# Read two columns. *MSE / train mean's* is the squared error as a part of what the mean of
# the training people leaves. If its whole interval is below 1, the features beat that mean.
# *R2* compares with the mean of the test people instead. The two can disagree: with few
# training people their mean may be far off, and a model that beats it can still have a
# negative R2. This page calls a score predicted if the interval is below 1 **and** R2 is
# above 0. (Why r alone is not enough, and what r of a constant is:
# :doc:`/auto_examples/plot_11_leakage_safe_split`.)


def verdict(score):
    is_predicted = score["mse_ratio_ci"][1] < 1 and score["r2"] > 0
    return "predicted" if is_predicted else "not predicted"


for name, score in scores.items():
    print(f"{name}: {verdict(score)}")

# %%
# Of fewer than 40 people in all, one split says little: another one holds out others. In
# such a study the split is repeated here, and the spread of the scores is printed.
X_all = np.concatenate([X_train, X_test])
y_all = np.concatenate([y_train, y_test])
print_other_splits(build_models()["ridge"], X_all, y_all, RECIPE.n_hold_out)

# %%
# The same people, with nothing to find
# -------------------------------------
# In the null study the score leaves no trace in any signal. (A real study cannot be
# recorded again: there, scores are exchanged between people.) Every step is repeated, the
# mean of the training people included.
null_train, null_test = open_sides(cohort.without_effect())
X_null, y_null = features_and_target(null_train)
X_null_test, y_null_test = features_and_target(null_test)
null_models = build_models()
null_predicted = {}
null_scores = {}
for name, model in null_models.items():
    null_predicted[name], null_scores[name] = fit_and_score(
        model, (X_null, y_null), (X_null_test, y_null_test)
    )
print_scores({f"{name}, null": score for name, score in null_scores.items()})
for name, score in null_scores.items():
    print(f"{name}: {verdict(score)}")

# %%
# This is one null only, and by chance some nulls look like findings. Other draws are on the
# :doc:`evidence page </evidence>`.
panels = {
    "The study": (y_test, predicted["ridge"], scores["ridge"], y_train.mean()),
    "Null": (y_null_test, null_predicted["ridge"], null_scores["ridge"], y_null.mean()),
}
results = "; ".join(
    f"{name}: r {s['pearson_r']:+.2f}, error {s['mse_ratio']:.2f} of the train mean's"
    for name, (_, _, s, _) in panels.items()
)

# %%
figure = draw_prediction_figure(
    panels,
    title="Does band power predict the score?",
    subtitle=f"{TARGET}; ridge, {len(y_train)} people to train on, one dot per test person",
    provenance=f"data: {train.data}",
    alt="Two panels of predicted against true score, one dot per test person, with the "
    f"mean of the training people as a dashed line. {results}.",
)

# %%
# Which features carry it?
# ------------------------
# The weights of a linear model do not say, because they also cancel noise that electrodes
# share. Their product with the covariance of the features, a *pattern*, does
# :cite:p:`haufe2014weights`. Both columns below have one scale: the covariance of a
# z-scored feature with the prediction, in units of the score.
columns = {"pattern": (models["ridge"], X_train), "null": (null_models["ridge"], X_null)}
patterns = {}
for name, (model, features) in columns.items():
    covariance = np.cov(model[0].transform(features).T)
    patterns[name] = covariance @ model[-1].coef_
names = [f"{channel} {band}" for channel in train.ch_names for band in BANDS]
patterns = pd.DataFrame(patterns, index=names)
largest = patterns["pattern"].abs().sort_values(ascending=False).index[:6]
print(patterns.loc[largest].round(2).to_string())
print(f"largest of all: {patterns.abs().max().round(2).to_dict()}")
by_chance = y_train.std(ddof=1) / np.sqrt(len(y_train))
print(f"by chance, one feature with the score: sd {by_chance:.2f}")

# %%
# With so few people, some features go along with any list of numbers. The null column does
# not show how far: where ridge finds nothing it can choose a large penalty, and then its
# predictions hardly differ between people. The last line is a better scale: the deviation
# of the covariance of one feature with a score it has nothing to do with. The largest of
# many features is larger than that.
#
# A common mistake: windows counted as people
# -------------------------------------------
# Fit on windows, predict windows, score. What happens?
ridge = build_models()["ridge"]
ridge.fit(log_band_power(train.windows, train.sfreq), train.targets)
of_windows = ridge.predict(log_band_power(test.windows, test.sfreq))
try:
    score_people(y_test, of_windows, y_train.mean())
except ValueError as error:
    print(f"ValueError: {error}")

# %%
# The tempting way out is to repeat the score for every window: no error any more, but an
# interval as if each window were a new person. The recovery is one mean per person. Compare
# the widths.
person = per_subject(of_windows, test.metadata["subject"])
counted = {
    "repeated per window": (test.targets, of_windows),
    "one per person": (y_test, person),
}
for name, (true, guess) in counted.items():
    low, high = score_people(true, guess, y_train.mean())["r_ci"]
    print(
        f"{name:<21}n {len(true):>4}   r [{low:+.2f}, {high:+.2f}], {high - low:.2f} wide"
    )

# %%
# Exercise: fewer people
# ----------------------
# What is left with half of the training people, and with a quarter? Watch R2 and the last
# column: where do they disagree? Predict, then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: fewer people</summary>
fewer = {}
for n in (len(X_train), len(X_train) // 2, len(X_train) // 4):
    ridge = build_models()["ridge"]
    some = X_train[:n], y_train[:n]
    _, fewer[f"ridge, {n} people"] = fit_and_score(ridge, some, (X_test, y_test))
print_scores(fewer)
for name, score in fewer.items():
    print(f"{name}: {verdict(score)}")

# %%
# .. raw:: html
#
#    </details>
#
# What the result means
# ---------------------
# A score is predicted by the two criteria above, and the null has to fail them. Even then
# the result is about a group. It says nothing about one child, and nothing here is a
# clinical tool. Good recordings come first :cite:p:`cisotto2024tips`.
#
# **Try it yourself.** Set ``STUDY`` to ``"simulated-pfactor-effect0.25"``: can you still
# tell the result from the null? Change ``random_state`` of the split: how far does r move?
# Then let :doc:`a network </auto_examples/plot_81_pfactor_deep>` try.
#
# The line has everything a reader or a test needs to check this run. Full records of what
# is cited are on the :doc:`references page </references>`.
split = {
    "n_train_subjects": report["n_train"],
    "n_test_subjects": report["n_test"],
    "n_dropped": len(everybody) - len(people),
    "subject_overlap": report["overlap"],
}
null = {
    "null_r": null_scores["ridge"]["pearson_r"],
    "null_r_ci": null_scores["ridge"]["r_ci"],
    "null_mse_ratio": null_scores["ridge"]["mse_ratio"],
    "null_mse_ratio_ci": null_scores["ridge"]["mse_ratio_ci"],
}

# %%
contract = {
    "tutorial": "plot_80",
    "version": 2,
    "data": train.data,
    "target": TARGET,
    "effect": train.effect,
    **split,
    **scores["ridge"],
    "forest": scores["random forest"],
    **null,
}
contract = for_json(contract)
print(json.dumps(contract))
