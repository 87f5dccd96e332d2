"""
Is my split leaking?
====================

A model can score well on test windows because it knows the people they come from. The
cleanest way to see that is to give it *nothing to learn* and watch it score anyway. Here
you do that, and then split so that it cannot.

.. admonition:: What you will be able to do
   :class: tip

   - recognise a split that leaks, by its score and by a check;
   - choose between hold-out, group k-fold and leaving one person out;
   - write a split down, and use it again;
   - say why overlapping windows make a leak worse.

You need: :doc:`windows </auto_examples/plot_10_preprocess_and_window>`, scikit-learn.

Tags: :tag:`leakage`, :tag:`splits`, :tag:`regression`
"""

# %%
# Nothing to learn
# ----------------
# **Simulated** people at rest, each with a score. The score left no trace in any signal
# (:term:`null study`), so an honest test finds nothing.
import json
import os

import _runtime
import _study
import numpy as np
from _features import log_band_power
from _leakage_figure import draw_leakage_scatter
from _scores import MIN_PEOPLE, per_subject, rounded, score_people
from _splits import assert_no_leakage, load_split, save_split, split_subjects

_runtime.setup()
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-pfactor")
TARGET = _study.get_recipe(STUDY).subject_target
study = _study.find_study(STUDY, column=TARGET, on_missing="drop").without_effect().open()
subjects = study.metadata["subject"].to_numpy()
X, y = log_band_power(study.windows, study.sfreq), study.targets
print(f"{len(y)} windows of {len(np.unique(subjects))} people, {X.shape[1]} features")

# %%
# The same model, two splits
# --------------------------
# A quarter is kept for testing: a quarter of the *windows*, shuffled, or a quarter of the
# *people* (in a small study a few more: fewer than ten have no interval worth the name).
# Predict both correlations.
from scipy.stats import pearsonr
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import train_test_split

n_people = len(np.unique(subjects))
n_test = max(n_people // 4, MIN_PEOPLE)
by_person = split_subjects(study.metadata, {"test": n_test}, rest="train", seed=0)
rows = np.arange(len(y))
by_window = dict(
    zip(("train", "test"), train_test_split(rows, random_state=0), strict=True)
)


def fit_and_predict(parts):
    forest = RandomForestRegressor(60, random_state=0).fit(
        X[parts["train"]], y[parts["train"]]
    )
    return forest.predict(X[parts["test"]])


found, over_people = {}, {}
for name, parts in {"windows shuffled": by_window, "people kept whole": by_person}.items():
    predicted = fit_and_predict(parts)
    true, who = y[parts["test"]], subjects[parts["test"]]
    r = float(pearsonr(predicted, true).statistic)
    found[name] = (true, predicted, r)
    means = per_subject(true, who), per_subject(predicted, who)
    over_people[name] = score_people(*means, baseline=y[parts["train"]].mean())
    own, (low, high) = (over_people[name][key] for key in ("pearson_r", "r_ci"))
    print(f"{name:<19}r = {r:+.2f} over {len(true)} windows")
    print(f"{'':<19}r = {own:+.2f} [{low:+.2f}, {high:+.2f}] over {len(means[0])} people")

# %%
# The number of people is what an interval counts; windows of a person are not new evidence.
# Ask how far the honest score could lie from zero by chance alone. The first score would
# look like a finding. What it measures is how well the forest recognises
# people :cite:p:`brookshire2024leakage`. A check says it without a model: it compares the
# *people* of both sides.
for name, parts in {"people kept whole": by_person, "windows shuffled": by_window}.items():
    print(name)
    try:
        sides = [study.metadata.iloc[parts[side]] for side in ("train", "test")]
        report = assert_no_leakage(*sides)
    except ValueError as error:
        leaked = str(error)
        print(f"{type(error).__name__}: {leaked}")

figure = draw_leakage_scatter(
    found,
    title="The same forest, the same signals, nothing to learn",
    subtitle="each dot is a test window",
    provenance=f"data: {study.data}",
    alt="Two panels of predicted against true score over test windows. "
    + "; ".join(f"{name}: r {r:+.2f}" for name, (_, _, r) in found.items())
    + ".",
)

# %%
# Which kind of split?
# --------------------
# Cross-validation tests everybody once. Folds must be made of people:
# :class:`~sklearn.model_selection.GroupKFold`, or with a single person in each fold
# :class:`~sklearn.model_selection.LeaveOneGroupOut`.
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import GroupKFold, KFold, LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

kinds = {
    "k-fold over windows": KFold(5, shuffle=True, random_state=0),
    "group k-fold": GroupKFold(5, shuffle=True, random_state=0),
    "leave one person out": LeaveOneGroupOut(),
}


def splits_of(kind):
    groups = {} if isinstance(kind, KFold) else {"groups": subjects}
    return list(kind.split(X, y, **groups))


print(
    f"{'':<22}{'folds':>6}{'shared people':>15}{'r, pooled':>11}{'train mean, pooled':>20}"
)
rows_of_table = {}
for name, kind in kinds.items():
    predicted, constant, shared = np.empty_like(y), np.empty_like(y), 0
    folds = splits_of(kind)
    for fit, held_out in folds:
        ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 7)))
        predicted[held_out] = ridge.fit(X[fit], y[fit]).predict(X[held_out])
        constant[held_out] = y[fit].mean()
        shared = max(shared, len(np.intersect1d(subjects[fit], subjects[held_out])))
    pooled, empty = (float(pearsonr(guess, y).statistic) for guess in (predicted, constant))
    rows_of_table[name] = (len(folds), shared, pooled, empty)
    print(f"{name:<22}{len(folds):>6}{shared:>15}{pooled:>+11.2f}{empty:>+20.2f}")

# %%
# The last column pools the predictions of a model that knows *nothing*: the mean of the
# training people. Whoever is left out with a high score lowers that mean, so the pooled
# correlation of nothing is negative, down to -1. Score inside folds of many people, or on
# one hold-out, and expect few people to make any of them vary a great deal
# :cite:p:`varoquaux2018cv`.
#
# Write the split down
# --------------------
# A split that exists only as a seed changes with the version of a library. A manifest names
# the people, has a version, and is refused if it does not fit.
path = _study.get_cache_dir() / f"split-{study.name}.json"
manifest = save_split(path, study.metadata, by_person, note="plot_11, one quarter to test")
print(json.dumps(manifest)[:150] + " ...")
replayed = load_split(path, study.metadata)
same = all(np.array_equal(np.sort(by_person[part]), replayed[part]) for part in replayed)
print(f"the same rows again: {same}")
try:
    load_split(path, study.metadata[subjects != subjects[0]])
except ValueError as error:
    print(f"{type(error).__name__}: {error}")

# %%
# Overlapping windows
# -------------------
# Windows that overlap share samples, so a shuffled split puts *the same samples* on both
# sides. To see it without any trace of who it is, take one person at a time, give every
# two seconds a coin (as many heads as tails), and let windows start every half second: a
# window gets the coin of the two seconds that it begins in. Nothing to learn, again. When
# stretches of six seconds are kept whole, windows across their borders are left out.
from sklearn.neighbors import KNeighborsClassifier

rng = np.random.default_rng(11)


def coin_accuracy(stride_s, whole_stretches):
    """Accuracy of the nearest neighbour at guessing coins, mean over ten people."""
    n_times, step = study.windows.shape[-1], round(stride_s * study.sfreq)
    scores = []
    for person in np.unique(subjects)[:10]:
        signal = np.concatenate(list(study.windows[subjects == person]), axis=1)
        starts = np.arange(0, signal.shape[1] - n_times + 1, step)
        cut = np.stack([signal[:, s : s + n_times] for s in starts])
        stretch = starts // n_times
        coins = rng.permutation(np.arange(stretch.max() + 1) % 2)[stretch]
        if whole_stretches:
            inside = (starts + n_times - 1) // n_times // 3 == stretch // 3
            cut, coins, stretch = cut[inside], coins[inside], stretch[inside]
        kind = GroupKFold(4) if whole_stretches else KFold(4, shuffle=True, random_state=0)
        groups = {"groups": stretch // 3} if whole_stretches else {}
        features = log_band_power(cut, study.sfreq)
        for fit, held_out in kind.split(features, **groups):
            nearest = KNeighborsClassifier(1).fit(features[fit], coins[fit])
            scores.append(nearest.score(features[held_out], coins[held_out]))
    return float(np.mean(scores))


overlap = {
    "no overlap, shuffled": coin_accuracy(2.0, whole_stretches=False),
    "overlap, shuffled": coin_accuracy(0.5, whole_stretches=False),
    "overlap, stretches kept whole": coin_accuracy(0.5, whole_stretches=True),
}
for name, accuracy in overlap.items():
    print(f"{name:<31}{accuracy:.2f}")

# %%
# Cut the recording into stretches first and split those, or split people; then overlap does
# no harm.
#
# Modify
# ------
# **A leak that is not a person.** Keep people whole, but choose the three features that go
# along with the score best, once over *all* people, once over the training people. What
# does each do to the test score? Predict, then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: choose features before splitting</summary>
from sklearn.feature_selection import SelectKBest, f_regression

train, test = by_person["train"], by_person["test"]
for name, rows in {"training people": train, "all people": slice(None)}.items():
    chosen = SelectKBest(f_regression, k=3).fit(X[rows], y[rows]).transform(X)
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 7)))
    guess = ridge.fit(chosen[train], y[train]).predict(chosen[test])
    print(f"chosen over {name:<16} r = {pearsonr(guess, y[test]).statistic:+.2f}")

# %%
# .. raw:: html
#
#    </details>
#
# Every step that looks at scores belongs inside the split. With few people the honest score
# scatters as well, so one number does not always show the difference; a pipeline that never
# looks at test people does not need it to.
#
# Wrap-up
# -------
# - Test your pipeline where there is nothing to learn.
# - Split people, check people, write the people down.
# - Do not pool folds into one correlation.
# - Overlap after splitting, never before.
#
# **Try it yourself.** Give ``split_subjects`` another seed: how far does the honest r move?
# Replace the forest by ridge: how much of the leak is left?
#
# The result, as one line
# -----------------------
# Everything a reader or a test needs to check this run.
contract = {
    "tutorial": "plot_11",
    "version": 2,
    "data": study.data,
    "effect": study.effect,
    "n_subjects": n_people,
    "n_windows": len(y),
    "window_split_r": found["windows shuffled"][2],
    "subject_split_r": found["people kept whole"][2],
    "window_split_person_r": over_people["windows shuffled"]["pearson_r"],
    "subject_split_person_r": over_people["people kept whole"]["pearson_r"],
    "window_split_person_r_ci": over_people["windows shuffled"]["r_ci"],
    "subject_split_person_r_ci": over_people["people kept whole"]["r_ci"],
    "shared_people": {name: row[1] for name, row in rows_of_table.items()},
    "n_folds": {name: row[0] for name, row in rows_of_table.items()},
    "pooled_r": {name: row[2] for name, row in rows_of_table.items()},
    "pooled_r_of_train_mean": {name: row[3] for name, row in rows_of_table.items()},
    "overlap_accuracy": overlap,
    "manifest_replayed": bool(same),
    "subject_overlap": report["overlap"],
}
print(json.dumps(rounded(contract)))

# %%
# References
# ----------
# How common the leak is, and what it costs: :cite:t:`brookshire2024leakage`. How much few
# people make cross-validation vary: :cite:t:`varoquaux2018cv`. Full records are on the
# :doc:`references page </references>`.
