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

import _runtime
import _study
import numpy as np
import pandas as pd
from _score.features import log_band_power
from _invariant_figure import draw_invariant_figure
from _score.scores import difference, holm, interval, per_subject, ratio_interval, for_json
from _score.scores import with_interval
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
y, X = np.log(study.targets), log_band_power(study.windows, study.sfreq)
by_person = pd.Series(y).groupby(subjects)
between, within = by_person.mean().std(), np.sqrt(by_person.var().mean())
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

fit, held_out = next(
    GroupShuffleSplit(1, test_size=0.5, random_state=0).split(X, groups=subjects)
)
report = assert_no_leakage(study.metadata.iloc[fit], study.metadata.iloc[held_out])

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
WAYS = ("none", "window", "person")
everything = np.ones(len(y), bool)


def normalise(way, known=everything):
    """Features; statistics of a person are those of the trials that are known."""
    if way == "window":
        return X - X.mean(axis=1, keepdims=True)
    if way == "person":
        table = pd.DataFrame(X[known]).groupby(subjects[known])
        mean, sd = (part.loc[subjects].to_numpy() for part in (table.mean(), table.std()))
        return (X - mean) / sd
    return X


# %%
def predict(features, target, fit=fit, held_out=held_out):
    """Predictions for the trials of held-out people."""
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 4, 13)))
    return ridge.fit(features[fit], target[fit]).predict(features[held_out])


def within_r(true, predicted, who=subjects[held_out]):
    """Correlation over the trials of each person, shape (n_subjects,)."""
    pairs = pd.DataFrame({"y": true, "p": predicted}).groupby(who)
    return np.array([pearsonr(own["y"], own["p"]).statistic for _, own in pairs])


def squared_errors(true, predicted, who=subjects[held_out]):
    """Mean squared error of each person: of the prediction, and of their own mean."""
    return per_subject((true - predicted) ** 2, who), per_subject(true**2, who)


# %%
truth = target[held_out]
predicted = {way: predict(normalise(way), target) for way in WAYS}
r = {way: within_r(truth, guess) for way, guess in predicted.items()}
errors = {way: squared_errors(truth, guess) for way, guess in predicted.items()}
ratio = {way: ratio_interval(*errors[way]) for way in WAYS}
print(f"{'normalisation':<15}{'within r':<23}error / own mean's")
for way, (value, (low, high)) in ratio.items():
    shown = with_interval(r[way], "+", digits=2)
    print(f"{way:<15}{shown:<23}{value:.2f} [{low:.2f}, {high:.2f}]")

# %%
# The last column is the squared error as a part of what each person's own mean leaves:
# below 1, the model says something about when a person is slow. A constant that is
# added to all predictions for a person, or a wrong scale, does not change a correlation. It
# changes the error.
gains = {
    "within r": difference(r["person"], r["none"]),
    "squared error": difference(errors["person"][0], errors["none"][0]),
}
corrected = holm([gain.p for gain in gains.values()])
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


def identity(features, learn, test):
    """How often each person is told apart from all others, shape (n_subjects,)."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    said = model.fit(features[learn], subjects[learn]).predict(features[test])
    return per_subject(said == subjects[test], subjects[test])


chance = 1 / by_person.ngroups
who = {way: identity(normalise(way, third == 0), third == 1, third == 2) for way in WAYS}
print(f"people told apart (chance {chance:.2f}):")
for way in WAYS:
    print(f"  {way:<8}{with_interval(who[way], digits=2)}")
same = identity(normalise("person", third == 1), third == 1, third == 1).mean()
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
drift = within_r(order[held_out].astype(float), y[held_out])
print(f"drift, r of log reaction time with trial number: {with_interval(drift, '+')}")
rng, null, features = np.random.default_rng(83), [], normalise("person")
for _ in range(100):
    mixed = pd.Series(target).groupby(subjects).transform(rng.permutation).to_numpy()
    null.append(within_r(mixed[held_out], predict(features, mixed)).mean())
observed = r["person"].mean()
p = (1 + np.sum(np.array(null) >= observed)) / (1 + len(null))
print(f"observed {observed:+.3f}, p {p:.3f} (1 in {len(null) + 1} at least)")
print(f"null: mean {np.mean(null):+.3f}, largest {max(null):+.3f}")

# %%
shown = {way: (ratio[way][0], r[way].mean(), who[way].mean()) for way in WAYS}
figure = draw_invariant_figure(
    {way: (errors[way][0] / errors[way][1], *ratio[way]) for way in WAYS},
    {way: (r[way], r[way].mean(), interval(r[way])) for way in WAYS},
    {way: (who[way], who[way].mean(), interval(who[way])) for way in WAYS},
    (np.array(null), float(observed)),
    chance=chance,
    title="What holds across people?",
    subtitle=f"log reaction time; {report['n_test']} test people, all in C",
    provenance=f"data: {study.data}",
    alt="Four panels. A: squared error within each person, B: correlation, C: identity "
    f"left in the features, for three normalisations, means {for_json(shown, 2)}. D: null "
    f"distribution of r and the observed {observed:+.2f}.",
)

# %%
# A common mistake: one trial of a new person
# -------------------------------------------
# A new person comes, and a prediction is wanted after the first trial.
try:
    with np.errstate(invalid="ignore"):
        predict(normalise("person", order == 0), target)
except ValueError as error:
    print(f"ValueError: {error}")

# %%
# One value has no deviation. The recovery is to wait for some unlabelled trials: statistics
# from the first third, errors from the trials after it. Compare *person* with the first
# table, where the statistics come from all trials and are known only afterwards.
later = [side[third[side] > 0] for side in (fit, held_out)]
for way in WAYS:
    guess = predict(normalise(way, third == 0), target, *later)
    own = squared_errors(target[later[1]], guess, subjects[later[1]])
    value, (low, high) = ratio_interval(*own)
    print(f"{way:<15}error {value:.2f} [{low:.2f}, {high:.2f}]")

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
found = {"none": [], "person": []}
for split in splits.split(X, groups=subjects):
    for way, values in found.items():
        guess = predict(normalise(way), target, *split)
        own = squared_errors(target[split[1]], guess, subjects[split[1]])
        values.append(ratio_interval(*own)[0])
for way, values in found.items():
    print(
        f"{way:<8}error {np.mean(values):.2f}, from {min(values):.2f} to {max(values):.2f}"
    )
n_better = sum(a < b for a, b in zip(found["person"], found["none"], strict=True))
print(f"person is better in {n_better} of {len(found['none'])} splits, which share people")

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
contract = {"tutorial": "plot_83", "version": 2, "data": study.data, "target": "rt"}
contract |= {"n_subjects": int(by_person.ngroups), "n_test_subjects": report["n_test"]}
contract |= {"n_trials": len(y), "subject_overlap": report["overlap"]}
for name, values in {"within_r": r, "identity_accuracy": who}.items():
    contract[name] = {way: own.mean() for way, own in values.items()}
    contract[f"{name}_ci"] = {way: interval(own) for way, own in values.items()}
for key, part in {"error_ratio": 0, "error_ratio_ci": 1}.items():
    contract[key] = {way: ratio[way][part] for way in WAYS}
contract["person_minus_none"] = gains
contract |= {"identity_chance": chance, "identity_same_trials": same}
contract |= {"permutation_p": p, "null_mean": np.mean(null)}
contract = for_json(contract)
print(json.dumps(contract))
