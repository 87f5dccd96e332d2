"""
Does a network predict the score better?
========================================

A network that reads the signal may find more in it than band power, or nothing at all.
Here an EEG Conformer is compared with ridge, with the train mean, and with its own null.

.. admonition:: What you will be able to do
   :class: tip

   - train a regression without choosing anything on test people;
   - report the spread over training seeds;
   - compare two models within people.

You need: :doc:`band power and its null </auto_examples/plot_80_pfactor_features>`,
PyTorch.

Takes half a minute and 20 MB of disk. Nothing is downloaded. In depth:
:doc:`features and networks </concepts/features_and_networks>`.

Tags: :tag:`p-factor`, :tag:`regression`, :tag:`deep network`
"""

# %%
# The people of the feature page
# ------------------------------
# The same **simulated** people, and the same split.
import json
import os

import numpy as np
import torch

import _model.pfactor as net
import _runtime
from _pfactor_deep_figure import draw_pfactor_deep_figure
from _score.features import log_band_power
from _score.person import print_scores, score_people
from _score.scores import difference, for_json, with_interval

# %%
# The study is the one of the feature page.
DEVICE = _runtime.setup()
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-pfactor")

# %%
# The :term:`p-factor` of the Healthy Brain Network :cite:p:`alexander2017hbn` comes from a
# questionnaire for parents, the Child Behavior Checklist (CBCL)
# :cite:p:`shirazi2024hbneeg`. The simulation has electrodes of that study's cap; the
# printed pairs give their usual names. How real recordings differ is on
# :doc:`another page </concepts/from_simulated_to_real>`. The EEG Foundation Challenge of
# 2025 :cite:p:`aristimunha2025challenge` scored ``externalizing``, not the p-factor.
# ``open_pfactor`` finds, splits and opens the people, and their null, as
# :doc:`plot_80_pfactor_features` does.
people = net.open_pfactor(STUDY)
train = people.train
test = people.test
print("electrodes:", ", ".join(net.with_places(train.ch_names)))

# %%
# One network
# -----------
# :class:`~braindecode.models.EEGConformer` :cite:p:`song2023conformer` filters in time and
# over electrodes, and a small transformer weighs the pieces. Each channel of each window is
# z-scored. This removes the gain of the electrode, so the network sees a rhythm's share of
# the power, while ridge sees the power itself: the two are compared as complete methods.
from braindecode.models import EEGConformer

SEEDS = (0, 1, 2)
SHAPE = train.shape
print(f"windows: {SHAPE}")
print(f"network: {net.CONFORMER}")

# %%
# A training seed sets the first weights and the order of the windows. Three of them show
# how much of a result is luck of the start.


def build_network(seed):
    torch.manual_seed(seed)
    model = EEGConformer(n_outputs=1, **SHAPE, **net.CONFORMER)
    # In this memory layout a CPU convolves faster.
    return model.to(DEVICE, memory_format=torch.channels_last)


n_parameters = sum(p.numel() for p in build_network(0).parameters())
print(f"{n_parameters:,} parameters, {people.report['n_train']} people to train on")

# %%
# Train, and choose nothing on test people
# ----------------------------------------
# With far more parameters than people, it would be easy to stop at the epoch that suits the
# test people. So the number of epochs was fixed in advance, such that the page
# runs quickly. The learning rate rises and falls once
# (:class:`~torch.optim.lr_scheduler.OneCycleLR`), and the score is z-scored with mean and
# deviation of the training people. A person's prediction is the mean over their windows.
#
# **Predict before you run.** Ridge gets the power of bands, the network the signal. Which
# will have the smaller error? How far will three seeds differ? And on the null, will the
# network's error equal that of the train mean?
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

print(f"{net.N_EPOCHS} epochs")


def predict_by_ridge(train, test):
    """The model of the feature page."""
    X = net.of_people(train, log_band_power(train.windows, train.sfreq))
    y = net.of_people(train, train.targets)
    X_test = net.of_people(test, log_band_power(test.windows, test.sfreq))
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 3, 15)))
    return ridge.fit(X, y).predict(X_test)


# %%
# The network is trained by ``train_network`` of ``_model/pfactor.py``, in a folder beside
# this page. It never gets the test people.


def predict_by_network(train, test, seed, build=build_network):
    """Predictions for the people of both sides."""
    model = net.train_network(build(seed), train, seed=seed)
    scale = net.score_scale(train)
    return [net.predict_people(model, side, scale) for side in (train, test)]


# %%
# The prediction that is judged is the mean of the three networks, so that no seed has to be
# picked. Each seed has a row of its own as well. This is one split of the people; for fewer
# than 40, :doc:`plot_80_pfactor_features` prints how far another one moves the scores.


def judge(train, test, predicted):
    """Scores of predictions for test people, beside the mean of the training people."""
    baseline = net.of_people(train, train.targets).mean()
    return score_people(net.of_people(test, test.targets), predicted, baseline)


by_seed = [predict_by_network(train, test, seed)[1] for seed in SEEDS]
predicted = {"network": np.mean(by_seed, axis=0), "ridge": predict_by_ridge(train, test)}
scores = {name: judge(train, test, guess) for name, guess in predicted.items()}
seeds = {n: judge(train, test, guess) for n, guess in zip(SEEDS, by_seed, strict=True)}
print_scores({f"network, seed {n}": score for n, score in seeds.items()})
print_scores({"network, mean of three": scores["network"], "ridge": scores["ridge"]})
r_sd = np.std([score["pearson_r"] for score in seeds.values()], ddof=1)
ratio_sd = np.std([score["mse_ratio"] for score in seeds.values()], ddof=1)
print(f"sd over training seeds: r {r_sd:.3f}, MSE / train mean's {ratio_sd:.3f}")

# %%
# How much of this can be expected of recordings? NeuralBench compares published models on a
# score of psychopathology in this cohort, externalizing, in the people of release 5
# :cite:p:`banville2026neuralbench`. The highest correlation among its `results
# <https://facebookresearch.github.io/neuroai/neuralbench/tasks/eeg/psychopathology.html>`__,
# a mean of three training seeds, stands beside a score of the same kind only:
PUBLISHED_R = 0.137
if train.question in ("externalizing", "p_factor"):
    here = f"{train.question} here: r {scores['network']['pearson_r']:+.3f}"
    print(f"externalizing, published: r {PUBLISHED_R:+.3f}; {here}")

# %%
# The effect of the simulation was chosen large, so that a page can show it with few people.
#
# The same steps are run on the null: the same people, three seeds, ridge, and no trace of
# the score in any signal.
null_by_seed = [
    predict_by_network(people.null_train, people.null_test, seed) for seed in SEEDS
]
null_fitted = np.mean([fitted for fitted, _ in null_by_seed], axis=0)
null_predicted = np.mean([predicted for _, predicted in null_by_seed], axis=0)
scores["network, null"] = judge(people.null_train, people.null_test, null_predicted)
null_ridge = predict_by_ridge(people.null_train, people.null_test)
scores["ridge, null"] = judge(people.null_train, people.null_test, null_ridge)
print_scores({name: score for name, score in scores.items() if "null" in name})
on_train = judge(people.null_train, people.null_train, null_fitted)["mse_ratio"]
print(f"network, null, on its own training people: {on_train:.2f} of their mean's MSE")

# %%
# Compare two errors of the null network: on the people it was trained on, and on the test
# people. The distance between them is overfitting.
#
# Is it better than ridge?
# ------------------------
# Two intervals side by side do not answer this. The same people were predicted twice, so
# errors are compared within people, with a paired interval and a sign-flip p.
truth = net.of_people(test, test.targets)
errors = {name: (guess - truth) ** 2 for name, guess in predicted.items()}
gain = difference(errors["ridge"], errors["network"])
print(f"squared error of ridge minus that of the network, {len(truth)} people:")
print(f"  mean of three   {gain}")
for n, guess in zip(SEEDS, by_seed, strict=True):
    gain_of_seed = errors["ridge"] - (guess - truth) ** 2
    print(f"  seed {n}          {with_interval(gain_of_seed, '+')}")

# %%
# This is one draw of people, and other people may move the difference further than other
# seeds do. The verdict is left to the :doc:`evidence page </evidence>`, which counts over
# many draws how often the network has the smaller error.
null_truth = net.of_people(people.null_test, people.null_test.targets)
panels = {
    "The study": (truth, predicted["network"], scores["network"]),
    "Null": (null_truth, null_predicted, scores["network, null"]),
}
rows = {
    "ridge": scores["ridge"],
    "network": scores["network"],
    **{f"seed {n}": score for n, score in seeds.items()},
    **{name: score for name, score in scores.items() if "null" in name},
}
ratios = "; ".join(f"{name} {score['mse_ratio']:.2f}" for name, score in rows.items())

# %%
figure = draw_pfactor_deep_figure(
    panels,
    {name: (score["mse_ratio"], score["mse_ratio_ci"]) for name, score in rows.items()},
    baselines=[net.score_scale(side)[0] for side in (train, people.null_train)],
    title="Does a network predict the score better?",
    subtitle=f"{train.question}; {people.report['n_train']} people to train on",
    provenance=f"data: {train.data}",
    alt="Three panels. A and B: predicted against true score, r "
    f"{scores['network']['pearson_r']:+.2f} in the study and "
    f"{scores['network, null']['pearson_r']:+.2f} in the null. C: squared error as a part "
    f"of the train mean's: {ratios}.",
)

# %%
# A common mistake: (n, 1) against (n,)
# -------------------------------------
# A network with one output returns shape (n, 1), and scores have shape (n,). The loss warns
# once and goes on. Each prediction is then compared with everybody's score. For which of
# two predictions is such a loss smaller: the network's, or the mean for everybody?
import warnings

from torch.nn.functional import mse_loss

target = torch.tensor(truth)
guesses = {"network": torch.tensor(predicted["network"])[:, None]}
guesses["their mean"] = torch.full_like(guesses["network"], truth.mean())
with warnings.catch_warnings(record=True) as caught:
    wrong = {name: mse_loss(guess, target).item() for name, guess in guesses.items()}
print(f"{caught[0].category.__name__}: {caught[0].message}")
print(f"broadcast: {for_json(wrong)}, smaller for {min(wrong, key=wrong.get)}")

# %%
# The recovery is to drop the last dimension before the loss, as ``net.squared_error``
# does.
right = {name: net.squared_error(guess, target).item() for name, guess in guesses.items()}
print(f"squeezed:  {for_json(right)}, smaller for {min(right, key=right.get)}")

# %%
# Exercise: another network
# -------------------------
# Put :class:`~braindecode.models.ShallowFBCSPNet` in the place of the Conformer, with one
# seed. Is its error smaller than that of ridge? Test people have been looked at by now, so
# this is exploration. Predict, then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: ShallowFBCSPNet</summary>
from braindecode.models import ShallowFBCSPNet


def build_shallow(seed):
    torch.manual_seed(seed)
    return ShallowFBCSPNet(n_outputs=1, **SHAPE).to(DEVICE)


shallow = predict_by_network(train, test, 0, build=build_shallow)[1]
print_scores({"ShallowFBCSPNet": judge(train, test, shallow)})
print(f"ridge minus ShallowFBCSPNet: {difference(errors['ridge'], (shallow - truth) ** 2)}")

# %%
# .. raw:: html
#
#    </details>
#
# What the result means
# ---------------------
# Use a network if its error is smaller than that of ridge on the same people, by a paired
# interval that excludes zero or in most draws, and if its null shows nothing. A correlation
# over people is about a group. It says nothing about one person, and the score is not a
# diagnosis. What the network uses is the question of :doc:`the next page
# </auto_examples/plot_82_which_rhythm>`.
#
# **Try it yourself.** Pass ``n_epochs=60`` to ``net.train_network``: what happens to the
# error, in the study and in the null? Average ten seeds instead of three.
#
# The line has everything a reader or a test needs to check this run. Full records of what
# is cited are on the :doc:`references page </references>`.
study_and_split = {
    "data": train.data,
    "target": train.question,
    "effect": train.effect,
    "n_train_subjects": people.report["n_train"],
    "n_test_subjects": people.report["n_test"],
    "subject_overlap": people.report["overlap"],
}
null_keys = {
    "null_r_ci": scores["network, null"]["r_ci"],
    "null_mse_ratio": scores["network, null"]["mse_ratio"],
    "null_mse_ratio_ci": scores["network, null"]["mse_ratio_ci"],
    "null_r": scores["network, null"]["pearson_r"],
}

# %%
network = {key: value for key, value in scores["network"].items() if "mae" not in key}
ridge = {key: value for key, value in scores["ridge"].items() if "mae" not in key}
r_of_seeds = [score["pearson_r"] for score in seeds.values()]
mse_of_seeds = [score["mse"] for score in seeds.values()]

# %%
contract = {
    "tutorial": "plot_81",
    "version": 2,
    **study_and_split,
    "n_parameters": n_parameters,
    **network,
    "ridge": ridge,
    "seeds": {"pearson_r": r_of_seeds, "mse": mse_of_seeds},
    "ridge_minus_network": gain,
    **null_keys,
}
contract = for_json(contract)
print(json.dumps(contract))
