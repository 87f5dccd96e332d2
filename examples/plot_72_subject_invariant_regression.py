"""
What makes a regression hold across people?
===========================================

Reaction times differ between people far more than within them, and so does the EEG. A model
that learns the differences *between* people may have nothing to say about *when* a person
is slow. On this page you separate the two, and measure how much of a person's identity is
left in the features.

.. admonition:: What you will be able to do
   :class: tip

   - tell within-person from between-person prediction;
   - choose a normalisation and know what it may look at;
   - test with permutations that refit, inside people;
   - probe how well features still say who it is.

You need: :doc:`subject-level scores </auto_examples/plot_80_pfactor_features>`.

Tags: :tag:`regression`, :tag:`splits`, :tag:`subject identity`
"""

# %%
# Slow and fast trials
# --------------------
# **Simulated** people watch for a change on the left or on the right. How awake they are in
# a trial scales their alpha rhythm and slows their answer. Each has an own pace, an own
# level of alpha and an own cap, and these have nothing to do with each other. The task is
# one of a challenge whose other half is to hold across people
# :cite:p:`aristimunha2025challenge`.
import json
import os

import _runtime
import _study
import numpy as np
import pandas as pd
from _features import log_band_power
from _invariant_figure import draw_invariant_figure
from _scores import interval, rounded, with_interval
from _splits import assert_no_leakage

_runtime.setup()
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-tasks")
study = _study.open_study(STUDY, task="contrastChangeDetection", column="rt")
subjects = study.metadata["subject"].to_numpy()
y = np.log(study.targets)
X = log_band_power(study.windows, study.sfreq)

by_person = pd.Series(y).groupby(subjects)
between, within = by_person.mean().std(), np.sqrt(by_person.var().mean())
print(f"{len(y)} trials of {by_person.ngroups} people")
print(f"log reaction time: sd {between:.2f} between people, {within:.2f} within")

# %%
# Two questions in one number
# ---------------------------
# *Within* asks: when is this person slow? *Between* asks: who is slow? Correlating all
# trials at once mixes them. Here each has its own score, from the same predictions, each
# trial predicted by a model that never saw its person
# (:class:`~sklearn.model_selection.GroupKFold`).
from scipy.stats import pearsonr
from sklearn.base import clone
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
folds = list(GroupKFold(6, shuffle=True, random_state=0).split(X, groups=subjects))
reports = [
    assert_no_leakage(study.metadata.iloc[fit], study.metadata.iloc[held_out])
    for fit, held_out in folds
]


def predict(features, target):
    """Predictions for held-out people, fold by fold."""
    predicted = np.empty_like(target)
    for fit, held_out in folds:
        model = clone(ridge).fit(features[fit], target[fit])
        predicted[held_out] = model.predict(features[held_out])
    return predicted


def within_r(target, predicted):
    """Correlation over the trials of each person, shape (n_subjects,)."""
    pairs = pd.DataFrame({"y": target, "p": predicted}).groupby(subjects)
    return np.array([pearsonr(own["y"], own["p"]).statistic for _, own in pairs])


def between_r(target, predicted):
    """Correlation over the means of people, within folds, mean of folds."""
    means = pd.DataFrame({"y": target, "p": predicted}).groupby(subjects).mean()
    if np.ptp(means["p"]) < 1e-9:  # the same for everybody, but for rounding
        return None
    found = []
    for _, held_out in folds:
        own = means.loc[np.unique(subjects[held_out])]
        found.append(pearsonr(own["y"], own["p"]).statistic)
    return float(np.mean(found))


# %%
# Three ways to normalise
# -----------------------
# Predict which one wins before you read the table.
#
# - *none*: log band power as it is;
# - *window*: relative power, each window by its own mean. Needs one window;
# - *person*: each feature minus its mean over the person's trials, divided by its
#   deviation. Needs many unlabelled trials of the new person, which is allowed, and **no
#   reaction times**, which would not be.


def normalise(features, way, by=subjects):
    if way == "window":
        return features - features.mean(axis=1, keepdims=True)
    if way == "person":
        table = pd.DataFrame(features).groupby(by)
        return ((features - table.transform("mean")) / table.transform("std")).to_numpy()
    return features


def centre(target):
    """Minus the mean of each person: what is left is when, not who."""
    return target - pd.Series(target).groupby(subjects).transform("mean").to_numpy()


# %%
# The training target is centred per person in every row, so that no model spends itself on
# who is slow. The last column is the squared error of the predictions, as a part of what
# each person's own mean leaves: below 1, the model knows when a person is slow.
WAYS = ("none", "window", "person")
features = {way: normalise(X, way) for way in WAYS}
target = centre(y)
predicted = {way: predict(features[way], target) for way in WAYS}
per_person = {way: within_r(y, predicted[way]) for way in WAYS}
error = {way: np.mean((target - predicted[way]) ** 2) / np.mean(target**2) for way in WAYS}
print(f"{'normalisation':<15}{'within r':<23}{'between r':<12}error / own mean's")
between_people = {way: between_r(y, predicted[way]) for way in WAYS}
for way in WAYS:
    values, r = per_person[way], between_people[way]
    found = with_interval(values, "+", digits=2)
    shown = "undefined" if r is None else f"{r:+.2f}"
    print(f"{way:<15}{found:<23}{shown:<12}{error[way]:.2f}")
difference = per_person["person"] - per_person["none"]
print(f"person - none, within r: {with_interval(difference, '+')}")

# %%
# Correlation within a person cannot see what the error sees: a constant added to everything
# predicted for somebody, and a scale that does not fit. *Person* takes both away before the
# model can carry them. It leaves nothing to tell people apart by, so its *between r* is not
# defined; nothing was planted there, so the other two show how far chance reaches.
#
# And note what *person* would do to a label like the p-factor, one number per person: it
# takes away every difference between people, the score included. Choose by the question.
#
# Who is it?
# ----------
# If features still say who it is, a model can use that, and a split that lets it will be
# rewarded. The probe: classify the *person*, training on the first half of each one's
# trials, testing on the second. Each half is normalised by itself: over both together, a
# half above the mean would put the other below it.
from sklearn.linear_model import LogisticRegression

order = study.metadata.groupby("subject").cumcount().to_numpy()
early = order < np.median(order)
halves = np.where(early, "early ", "late ").astype(object) + subjects


def identity(features):
    """Accuracy of telling people apart."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    return float(
        model.fit(features[early], subjects[early]).score(
            features[~early], subjects[~early]
        )
    )


who = {way: identity(normalise(X, way, by=halves)) for way in WAYS}
chance = 1 / by_person.ngroups
for way in WAYS:
    print(f"{way:<15}says who it is: {who[way]:.2f} (chance {chance:.2f})")

# %%
# A permutation test that is one
# ------------------------------
# Could within r come from :term:`chance`? Reaction times are exchanged *inside* people,
# before cross-validation, and every fold is fitted again. Permuting finished predictions
# instead is cheaper and asks less: it never tests whether fitting noise would do as well.
rng = np.random.default_rng(72)


def shuffled(target):
    """Exchange values inside each person."""
    return pd.Series(target).groupby(subjects).transform(rng.permutation).to_numpy()


null = []
for _ in range(100):
    mixed = shuffled(target)
    null.append(within_r(mixed, predict(features["person"], mixed)).mean())
observed = per_person["person"].mean()
p = (1 + np.sum(np.array(null) >= observed)) / (1 + len(null))
print(f"observed {observed:+.3f}, p {p:.3f} (1 in {len(null) + 1} at least)")
print(f"null: mean {np.mean(null):+.3f}, largest {max(null):+.3f}")

# %%
# A common mistake: one correlation over pooled folds
# ---------------------------------------------------
# When a fold holds slow people, the mean of the others is fast. A model that knows nothing
# then predicts *low* where truth is high. Take the mean of the training people as the
# prediction, and pool:
constant = np.empty_like(y)
for fit, held_out in folds:
    constant[held_out] = y[fit].mean()
print(f"train mean, folds pooled: r = {pearsonr(constant, y).statistic:+.2f}")
raw = predict(X, y)
print(f"ridge on raw features and target, pooled: r = {pearsonr(raw, y).statistic:+.2f}")
print(f"the same, within people: r = {within_r(y, raw).mean():+.2f}")

# %%
# The first number is the bias: nothing was learned, and r is negative. The recovery is to
# score inside people or inside folds, as above.
residual = centre(y) - predicted["person"]
spread = pd.Series(residual).groupby(subjects).std().to_numpy()
figure = draw_invariant_figure(
    per_person,
    who,
    np.array(null),
    observed=float(observed),
    chance=chance,
    spread=spread,
    baseline=by_person.std().to_numpy(),
    title="What holds across people?",
    subtitle=f"log reaction time; {by_person.ngroups} people, each predicted by the others",
    provenance=f"data: {study.data}",
    alt="Four panels. A: correlation within each person for three normalisations, means "
    + ", ".join(f"{way} {per_person[way].mean():+.2f}" for way in WAYS)
    + ". B: accuracy of telling people apart, "
    + ", ".join(f"{way} {who[way]:.2f}" for way in WAYS)
    + f". C: null distribution and the observed {observed:+.2f}. D: residual deviation of "
    "each person against the deviation of the reaction times.",
)

# %%
# D shows residuals per person: a dot under the line is a person for whom the prediction
# explains something. A model that holds on average can still fail somebody.
#
# Modify
# ------
# **A bad idea, measured.** Normalise over all people at once, and centre the target with
# the median of everybody. What happens to within r, to the error, and to the identity
# probe? Predict, then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: over all people</summary>
overall = (X - X.mean(axis=0)) / X.std(axis=0)
guess = predict(overall, y - np.median(y))
ratio = np.mean((target - guess) ** 2) / np.mean(target**2)
print(f"within r {within_r(y, guess).mean():+.2f}, error {ratio:.2f}")
print(f"says who it is: {identity(overall):.2f}")

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# - Ask within or between, and score the one you asked.
# - Normalising by person needs unlabelled data of that person and destroys labels that live
#   between people.
# - Permute inside people, before cross-validation, and fit again.
# - Do not pool folds into one correlation.
#
# **Try it yourself.** Give the person normalisation only the first eight trials of each
# person: is it still worth it? Replace ridge by
# :class:`~sklearn.ensemble.RandomForestRegressor`: which column of the table moves?
#
# The result, as one line
# -----------------------
# Everything a reader or a test needs to check this run.
contract = {
    "tutorial": "plot_72",
    "version": 1,
    "data": study.data,
    "target": "rt",
    "n_subjects": int(by_person.ngroups),
    "n_trials": len(y),
    "subject_overlap": sum(report["overlap"] for report in reports),
    "within_r": {way: per_person[way].mean() for way in WAYS},
    "within_r_ci": {way: interval(per_person[way]) for way in WAYS},
    "error_ratio": error,
    "between_r": {way: r for way, r in between_people.items() if r is not None},
    "identity_accuracy": who,
    "identity_chance": chance,
    "permutation_p": p,
    "null_mean": np.mean(null),
    "pooled_constant_r": pearsonr(constant, y).statistic,
}
print(json.dumps(rounded(contract)))

# %%
# References
# ----------
# The challenge is :cite:t:`aristimunha2025challenge`; why people must not be split is in
# :cite:t:`brookshire2024leakage`. Full records are on the :doc:`references page
# </references>`.
