"""
How do I adapt a pretrained EEG model to a new task?
====================================================

You have an encoder that learned on other people, and a few labelled people of your own.
Should the encoder stay frozen, move along, or is it better to start afresh? On this page
you train all three, on EEG read from a BIDS dataset, and compare them on people none of
them saw.

.. admonition:: What you will be able to do
   :class: tip

   - set up *from-scratch*, *linear-probe* and *full-finetune* and say what learns in each;
   - prove that a frozen encoder did not move;
   - choose learning rate and regime without looking at the test people;
   - report a score with its interval, its controls and its cost.

You need: :doc:`splits that do not leak </auto_examples/plot_11_leakage_safe_split>`,
PyTorch.

Tags: :tag:`fine-tuning`, :tag:`transfer`, :tag:`classification`, :tag:`controls`
"""

# %%
# Open the data
# -------------
# The signals are **simulated**, so that the page runs anywhere, but they travel the road of
# real EEG: EDF files in a BIDS folder, read by :class:`~eegdash.EEGDashDataset`, cut by
# :func:`~braindecode.preprocessing.create_windows_from_events`. To ask the same of your own
# data, set ``EEG_TUTORIAL_STUDY`` to a BIDS folder or an EEGDash dataset id.
import json
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import _runtime
import _study
import numpy as np
import pandas as pd
import torch
from _encoder import (
    check_head,
    encoder_state,
    is_head,
    load_encoder,
    split_where_learning_starts,
)
from _features import log_band_power
from _finetune_figure import draw_budget_figure, draw_finetune_figure, draw_frozen_figure
from _ledger import count_parameters, ledger
from _scores import difference, interval, per_subject, rounded, with_interval
from _splits import assert_no_leakage, nested_subjects, split_subjects
from _training import evaluate, make_optimizer, to_tensors

DEVICE = _runtime.setup()  # one thread, and CUDA if it is there
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-transfer")
CACHE = _study.get_cache_dir()  # EEGDASH_CACHE_DIR, else ./eegdash_cache
source = _study.open_study(STUDY, cohort="source")
target = _study.open_study(
    STUDY, cohort="target", classes=source.classes, channels=source.ch_names
)

# %%
# The task: which of two rhythms does *one* place in the head produce, slow (delta) or fast
# (alpha)? Two other places produce the same rhythms at random, so it is not enough to see
# a rhythm; a model has to know where it comes from.
#
# There are two groups of people. The **source** people have plenty of windows: there the
# encoder learns. The **target** people are others, they are asked the same question, and in
# the simulation the place that matters projects differently onto their electrodes and its
# rhythms are a little faster. That is the mildest kind of new task. Each row of the table
# belongs to one window.
print(target.metadata.head(3).to_string())
print(f"unit: {target.unit}, classes: {', '.join(target.classes)}")
print(f"channels: {', '.join(target.ch_names)}")

# %%
# Split people, not windows
# -------------------------
# Windows of one person look alike, so a person must not be on both sides of a split
# :cite:p:`brookshire2024leakage`. Test people are looked at when every choice is made;
# validation people make the choices; the rest is the **pool** whose labels we may buy.
# First we buy few. Later the budget grows, person by person, so the groups are nested. How
# many people, and how many steps of training, depends on the study and is written down in
# the table of ``_study_catalogue.py``.
BUDGET = _study.get_budget(STUDY, target.metadata["subject"].nunique())
N_LABELLED, N_VALIDATION, N_TEST = BUDGET.n_labelled, BUDGET.n_validation, BUDGET.n_test
N_STEPS, PRETRAIN_STEPS = BUDGET.n_steps, BUDGET.pretrain_steps
EVERY = max(1, N_STEPS // 10)  # steps between two looks at the validation people
sizes = {"test": N_TEST, "validation": N_VALIDATION}
parts = split_subjects(target.metadata, sizes, rest="pool", seed=0)
budgets = nested_subjects(target.metadata, parts["pool"], BUDGET.n_labelled_curve, seed=0)
parts["train"] = budgets[N_LABELLED]
print(f"{PRETRAIN_STEPS} steps to pretrain, {N_STEPS} steps for each regime")

rows = {name: target.metadata.iloc[index] for name, index in parts.items()}
people = {name: table["subject"].nunique() for name, table in rows.items()}
reports = [
    assert_no_leakage(source.metadata, target.metadata),
    assert_no_leakage(rows["pool"], rows["validation"]),
    assert_no_leakage(pd.concat([rows["pool"], rows["validation"]]), rows["test"]),
]

# %%
# Amplitude differs between people for reasons that have nothing to do with the task. Each
# window is divided by its own standard deviation, averaged over channels: no statistic is
# borrowed from anyone else, so nothing can leak.
X_source, y_source = to_tensors(source.windows, source.targets, DEVICE)
X_target, y_target = to_tensors(target.windows, target.targets, DEVICE)
data = {name: (X_target[index], y_target[index]) for name, index in parts.items()}
for name in ("train", "validation", "test"):
    print(f"{name:<12}{people[name]:>3} people, windows {tuple(data[name][0].shape)}")

# %%
# One network, three regimes
# --------------------------
# :class:`~braindecode.models.ShallowFBCSPNet` :cite:p:`schirrmeister2017` filters in time,
# mixes electrodes, normalises over the batch, squares, averages and takes the logarithm: a
# learned band-power estimate. Dropout and one last layer read it out.
from braindecode.models import ShallowFBCSPNet


def build_model(seed):
    torch.manual_seed(seed)  # regimes that share a seed share their starting head
    return ShallowFBCSPNet(
        n_chans=len(target.ch_names),
        n_outputs=len(target.classes),
        n_times=X_target.shape[-1],
        sfreq=target.sfreq,
    ).to(DEVICE)


print(f"{'count':>6}  parameter or buffer")
for name, value in [*build_model(0).named_parameters(), *build_model(0).named_buffers()]:
    print(f"{value.numel():>6}  {name:<36}{tuple(value.shape)}")

# %%
# The last three rows are **buffers**: no optimiser touches them, batch normalisation
# rewrites them while it trains. ``final_layer`` is the :term:`head`. Everything before it
# is the :term:`encoder`, the part worth pretraining. A regime says where the weights come
# from and which of them learn:
#
# ================ ====================== ===================
# regime           encoder starts         what learns
# ================ ====================== ===================
# from-scratch     at random              encoder and head
# linear-probe     pretrained, frozen     the head
# full-finetune    pretrained             encoder and head
# ================ ====================== ===================
EVERYTHING = ("",)  # every name starts with nothing
LEARNS = {
    "from-scratch": EVERYTHING,
    "linear-probe": ("final_layer",),
    "full-finetune": EVERYTHING,
}


def configure_regime(model, regime):
    """Mark what learns; return the model and its (frozen, trainable, total) counts."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith(LEARNS[regime])
    return model, count_parameters(model)


counts = {regime: configure_regime(build_model(0), regime)[1] for regime in LEARNS}
print("regime           frozen + trainable = total")
for regime, (frozen, trainable, total) in counts.items():
    sign = "=" if frozen + trainable == total else "is NOT"
    print(f"{regime:<14}{frozen:>9,} + {trainable:>9,} {sign} {total:,}")

# %%
# Train, without hurry and without peeking
# ----------------------------------------
# One loop serves every regime: :class:`~torch.optim.AdamW`, a fixed number of steps,
# batches dealt from reshuffled windows. The batch order has its own generator, so regimes
# that share a seed also see the same windows in the same order.


def fit(
    module,
    X,
    y,
    optimizer,
    *,
    n_steps,
    batch_size=16,
    seed=0,
    loss=torch.nn.functional.cross_entropy,
    schedule=None,
    watch=None,
    every=1,
):
    """Train in place; return what ``watch()`` saw along the way, behind its epoch."""
    order = torch.Generator().manual_seed(seed)
    deck, seen = torch.empty(0, dtype=torch.long), []
    for step in range(1, n_steps + 1):
        if len(deck) < batch_size:
            deck = torch.cat([deck, torch.randperm(len(X), generator=order)])
        batch, deck = deck[:batch_size].to(X.device), deck[batch_size:]
        module.train()
        optimizer.zero_grad()
        loss(module(X[batch]), y[batch]).backward()
        optimizer.step()
        if schedule:
            schedule.step()
        if watch and step % every == 0:
            seen.append((step * batch_size / len(X), *watch()))
    return np.array(seen)


# %%
# Layers in front of the first one that learns give the same answer in every step. They run
# once, and what learns trains on their stored output.
#
# **Pretraining** uses the source people only. Braindecode saves a model as a folder with
# its weights and its configuration, and loads it from there without a network.
def pretrain(labels, n_steps=PRETRAIN_STEPS):
    model = build_model(0)
    learner, X = split_where_learning_starts(model, X_source)
    fit(learner, X, labels, make_optimizer(learner, 2e-3), n_steps=n_steps, batch_size=64)
    return model


start = time.process_time()
pretrained = pretrain(y_source)
pretraining_cpu = time.process_time() - start

checkpoint = CACHE / f"pretrained-{source.name}"
checkpoint.mkdir(exist_ok=True)
with TemporaryDirectory(dir=CACHE) as unfinished:
    pretrained.save_pretrained(unfinished)
    for file in Path(unfinished).iterdir():  # a reader never meets half a file
        file.replace(checkpoint / file.name)

# %%
# The saved head answers the old question, so only the encoder is taken over. Some models
# have ``reset_head`` for this; ours does not, so we copy by name and insist that nothing is
# missing but the head.
from braindecode.models.base import EEGModuleMixin
from braindecode.models.util import models_dict


saved = ShallowFBCSPNet.from_pretrained(checkpoint).to(DEVICE)
ENCODER = encoder_state(saved)


def pretrained_model(seed, encoder=ENCODER):
    """A pretrained encoder under a fresh head."""
    model = build_model(seed)
    load_encoder(model, encoder)
    return model


print(f"under a fresh head: {load_encoder(build_model(1), ENCODER)}")
check_head(saved, data["validation"][0])  # features, then head: the same bits as the model
own = [n for n, m in models_dict.items() if m.reset_head is not EEGModuleMixin.reset_head]
print(f"{len(own)} of {len(models_dict)} Braindecode models have reset_head of their own,")
print(f"among them {', '.join(own[:6])}; ShallowFBCSPNet: {'ShallowFBCSPNet' in own}")
answers = [evaluate(model, *data["validation"]) for model in (pretrained, saved)]
print(f"saved and loaded model agree on every window: {np.array_equal(*answers)}")

# %%
# Frozen is not frozen
# --------------------
# ``requires_grad = False`` stops the optimiser. It does not stop batch normalisation, which
# updates its running statistics in every forward pass in training mode
# :cite:p:`ioffe2015batchnorm`, and it does not stop dropout: a surprise reported again and
# again (`PyTorch issue 86590 <https://github.com/pytorch/pytorch/issues/86590>`__). This
# ledger of everything a model holds shows what moved.
naive, _ = configure_regime(pretrained_model(1), "linear-probe")
optimizer = make_optimizer(naive, 1e-2)
before = ledger(naive, optimizer)
var_before = naive.bnorm.running_var.clone()


def look(model, learner, X_val):
    """Validation accuracy, and the running variance as a multiple of the pretrained one."""
    ratio = (model.bnorm.running_var / var_before).mean().item()
    return evaluate(learner, X_val, data["validation"][1]).mean(), ratio


how = {"n_steps": N_STEPS, "every": EVERY}
naive_history = fit(
    naive,
    *data["train"],
    optimizer,
    watch=lambda: look(naive, naive, data["validation"][0]),
    **how,
)
after = ledger(naive)
print(before.assign(moved=before["sha256"] != after["sha256"]).to_string())

# %%
# The rows that moved without being allowed to learn are the leak. The cure: what does not
# learn runs **once**, in evaluation mode, as ``split_where_learning_starts`` does, and the
# head trains on the stored features. Nothing is left that could move, and the probe's head
# sees no dropout.
frozen, _ = configure_regime(pretrained_model(1), "linear-probe")
optimizer = make_optimizer(frozen, 1e-2)
before = ledger(frozen, optimizer)
inputs = data["train"][0], data["validation"][0]
head, X, X_val = split_where_learning_starts(frozen, *inputs)
frozen_history = fit(
    head, X, data["train"][1], optimizer, watch=lambda: look(frozen, head, X_val), **how
)
after = ledger(frozen)
print(before.assign(moved=before["sha256"] != after["sha256"]).to_string())
print(f"running variance after the naive probe: x{naive_history[-1, 2]:.2f}")
print(f"running variance after the frozen probe: x{frozen_history[-1, 2]:.2f}")
figure = draw_frozen_figure(
    naive_history.T,
    frozen_history.T,
    provenance=f"data: {target.data}",
    alt="Two panels over epochs, for a naive probe and a frozen one: the running "
    "variance of batch normalisation, and validation accuracy. The variance ends at "
    f"{naive_history[-1, 2]:.2f} of its start when naive, {frozen_history[-1, 2]:.2f} when "
    "frozen.",
)

# %%
# Whether the moved statistics help or hurt is another question, and panel B answers it for
# this draw only. What is certain is that the naive probe is a different regime from the one
# its name promises.


# %%
# One adaptation, from loading to the last step.
class Run(NamedTuple):
    model: torch.nn.Module
    history: np.ndarray  # (epoch, validation accuracy) rows
    encoder_unchanged: bool


def adapt(regime, seed, lr, *, n_steps=N_STEPS, data=data, encoder=ENCODER, watched=True):
    afresh = encoder is None or regime == "from-scratch"
    model = build_model(seed) if afresh else pretrained_model(seed, encoder)
    model, _ = configure_regime(model, regime)
    before = ledger(model)["sha256"]
    (X, y), (X_val, y_val) = data["train"], data["validation"]
    learner, X, *X_val = split_where_learning_starts(
        model, X, *([X_val] if watched else [])
    )

    def watch():
        return [evaluate(learner, *X_val, y_val).mean()]

    watch = watch if watched else None
    how = {"n_steps": n_steps, "seed": seed, "watch": watch, "every": EVERY}
    history = fit(learner, X, y, make_optimizer(learner, lr), **how)
    moved = before.index[before != ledger(model)["sha256"]]
    return Run(model, history, all(is_head(name, model) for name in moved))


# %%
# Predict before you run
# ----------------------
# The people are new, the topography is new, and the labelled people are few. Write down an
# order of the three regimes, and how far above chance you expect each one. Then go on.
#
# The learning rate alone can decide such a contest, so each regime gets three to choose
# from, and **validation people choose**, first the learning rate and then the regime.
# Several initialisations are averaged; initialisation number *k* is the same for every
# regime.
GRID = {
    "from-scratch": (1e-3, 3e-3, 1e-2),
    "linear-probe": (3e-3, 1e-2, 3e-2),
    "full-finetune": (1e-3, 3e-3, 1e-2),
}
SEEDS = (1, 2)


class Choice(NamedTuple):
    lr: float
    score: float  # validation accuracy at the end, mean over initialisations
    runs: list


def choose(regime):
    start, tried = time.process_time(), []
    for lr in GRID[regime]:
        runs = [adapt(regime, seed, lr) for seed in SEEDS]
        score = float(np.mean([run.history[-1, 1] for run in runs]))
        tried.append(Choice(lr, score, runs))
    best = max(tried, key=lambda choice: choice.score)
    scores = "  ".join(f"lr {choice.lr:g}: {choice.score:.3f}" for choice in tried)
    cpu = time.process_time() - start
    print(f"{regime:<15}{scores}  -> {best.lr:g}  ({cpu:.1f} s of CPU for all)")
    return best


chosen = {regime: choose(regime) for regime in LEARNS}

# %%
# Was the choice close? Few validation people cannot separate regimes that score alike. A
# tie goes to the regime with fewer trainable parameters.
best_regime = max(chosen, key=lambda r: (chosen[r].score, -counts[r][1]))
print(f"validation prefers {best_regime}")
held_still = {r: all(run.encoder_unchanged for run in c.runs) for r, c in chosen.items()}
for regime, still in held_still.items():
    print(f"{regime:<14}encoder bit-identical before and after: {still}")

# %%
# Look at the test people
# -----------------------
# Every choice is made, so now they may be looked at. The unit is the person: accuracy is
# computed per person, averaged over initialisations, and the interval resamples people
# (:func:`scipy.stats.bootstrap`). Classes are balanced, so chance is known by design, but a
# few windows are easily lucky :cite:p:`combrisson2015chance` and so are a few people
# :cite:p:`varoquaux2018cv`. The intervals say how much the *test* people could vary; other
# labelled people, or another pretrained encoder, would vary the result further.
from scipy.stats import binom

test_subjects = rows["test"]["subject"].to_numpy()


def score(models):
    """Accuracy of each test person, mean over initialisations."""
    correct = [evaluate(model, *data["test"]) for model in models]
    return per_subject(np.mean(correct, axis=0), test_subjects)


accuracies = {r: score([run.model for run in c.runs]) for r, c in chosen.items()}
chance, n_windows = 1 / len(target.classes), len(rows["test"])
lucky = [float(end) / n_windows for end in binom.interval(0.95, n_windows, chance)]
print(f"guessing on {n_windows} windows: {lucky[0]:.3f} to {lucky[1]:.3f}, 19 times of 20")

# %%
# Brackets hold intervals; the last column is the mean difference from training from
# scratch, taken within each person.


def print_table(accuracies, scratch=accuracies["from-scratch"]):
    print(f"{'':<24}{'learns':>7}  {'accuracy':<22}over from-scratch")
    for name, values in accuracies.items():
        learns = f"{counts[name][1]:,}" if name in counts else ""
        gap = "" if values is scratch else with_interval(values - scratch, "+")
        print(f"{name:<24}{learns:>7}  {with_interval(values):<22}{gap}")


print_table(accuracies)

# %%
# Was your order right? Each **difference** below is taken within people, with its interval
# and the probability of one at least as large if the two regimes were exchangeable within
# every person (signs flipped in every way, :func:`scipy.stats.permutation_test`).
PAIRS = [
    ("full-finetune", "from-scratch"),
    ("linear-probe", "from-scratch"),
    ("full-finetune", "linear-probe"),
]
paired = {}
for one, other in PAIRS:
    name = f"{one} - {other}"
    paired[name] = difference(accuracies[one], accuracies[other])
    print(f"{name:<30}{paired[name]}")

# %%
# If an interval contains zero, these people do not settle the matter, whatever the order
# of the means.
results = {}
for regime, choice in chosen.items():
    curves = np.stack([run.history[:, 1] for run in choice.runs])
    results[regime] = {
        "epochs": choice.runs[0].history[:, 0],
        "curves": curves,
        "curve": curves.mean(axis=0),
        "per_subject": accuracies[regime],
        "accuracy": accuracies[regime].mean(),
        "interval": interval(accuracies[regime]),
        "trainable": counts[regime][1],
    }

# %%
# The figure has three panels. A: does a regime still climb when it stops? B: how much do
# people differ, compared with how much regimes differ? C: what does accuracy cost in
# parameters that learn?
said = "; ".join(
    f"{k} {v['accuracy']:.2f}, {v['trainable']:,} parameters" for k, v in results.items()
)
budget = f"{N_LABELLED} people to train on, {N_VALIDATION} to choose, {N_TEST} to test"
figure = draw_finetune_figure(
    results,
    chance=chance,
    title="Which part of the network should learn?",
    subtitle=f"{target.question}; {budget}",
    provenance=f"data: {target.data}",
    alt="Three panels: validation accuracy by epoch, test accuracy by regime with one dot "
    "per person, and test accuracy against trainable parameters. "
    f"Test accuracy: {said}; chance {chance:.2f}.",
)
# sphinx_gallery_thumbnail_number = 2

# %%
# Controls beside the claim
# -------------------------
# A gain over training from scratch can have dull reasons. Five controls, printed whatever
# they say:
#
# - *zero-shot*: the pretrained model as it is, head included. Nothing learns;
# - *shuffled pretraining*: fine-tune an encoder that was pretrained on shuffled labels.
#   What remains of the gain comes from a warmed-up start, not from what was learned;
# - *random frozen encoder*: probe an encoder that never saw EEG;
# - *band power*: the classical baseline, logistic regression on log band power;
# - *recalibrated*: recompute the batch-norm statistics on the labelled windows. A regime
#   that jumps here had learned all along; only its statistics lagged behind.
import copy

from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def recalibrate(model, X):
    """A copy of the model whose batch-norm statistics are those of ``X``."""
    model = copy.deepcopy(model).train()
    model.bnorm.reset_running_stats()
    model.bnorm.momentum = None  # the plain average over batches; here there is one
    with torch.no_grad():
        model(X)
    return model


def band_power(X):
    """Log power in five bands per channel, shape (n_windows, n_chans * 5)."""
    return log_band_power(X.cpu().numpy(), target.sfreq)


# %%
# Learning rates stay the ones that validation chose for the regime a control belongs to.
X_train, y_train = data["train"]
X_test, y_test = data["test"]
fine, probe = chosen["full-finetune"].lr, chosen["linear-probe"].lr
mixed = np.random.default_rng(73).permutation(len(y_source))
blind = encoder_state(pretrain(y_source[mixed]))


def build_classical():
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


classical = build_classical().fit(band_power(X_train), y_train.cpu())


def adapted_models(regime, lr, **kwargs):
    return [adapt(regime, seed, lr, watched=False, **kwargs).model for seed in SEEDS]


controls = {
    "zero-shot": score([pretrained]),
    "shuffled pretraining": score(adapted_models("full-finetune", fine, encoder=blind)),
    "random frozen encoder": score(adapted_models("linear-probe", probe, encoder=None)),
    "band power": per_subject(
        classical.predict(band_power(X_test)) == y_test.cpu().numpy(), test_subjects
    ),
}
for regime in ("from-scratch", "full-finetune"):
    models = [recalibrate(run.model, X_train) for run in chosen[regime].runs]
    controls[f"{regime}, recal."] = score(models)
print_table({**accuracies, **controls})

# %%
# Read the table downwards. Does full fine-tuning stand above the same network pretrained on
# shuffled labels? Does it stand above band power, which needs no network at all?
#
# How many labels make pretraining superfluous?
# ---------------------------------------------
# The same regimes with a growing number of labelled people. Learning rates stay as chosen
# above, so the points to the left and right are not tuned.
curves = {}
for regime, choice in chosen.items():
    curves[regime] = {}
    for n, index in budgets.items():
        values = accuracies[regime]
        if n != N_LABELLED:
            bought = {**data, "train": (X_target[index], y_target[index])}
            values = score(adapted_models(regime, choice.lr, data=bought))
        curves[regime][n] = (values.mean(), *interval(values))

print(f"{'people':<8}" + "".join(f"{regime:<23}" for regime in curves))
for n in budgets:
    cells = ["{:.3f} [{:.3f}, {:.3f}]".format(*points[n]) for points in curves.values()]
    print(f"{n:<8}" + "".join(f"{cell:<23}" for cell in cells))

# %%
# In panel A, find where scratch overtakes the probe, and where scratch and full fine-tuning
# merge: beyond that point the labels have replaced the pretraining. Panel B shows the
# differences of the table above, person by person.
by_budget = {r: np.transpose(list(points.values())) for r, points in curves.items()}
means = "; ".join(f"{r} {' '.join(f'{m:.2f}' for m in v[0])}" for r, v in by_budget.items())
figure = draw_budget_figure(
    list(budgets),
    by_budget,
    {
        name: (accuracies[one] - accuracies[other], found.mean, found.ci)
        for (one, other), (name, found) in zip(PAIRS, paired.items(), strict=True)
    },
    chance=chance,
    title="How many labelled people, and who gains?",
    subtitle=f"{target.question}; B: {N_LABELLED} labelled people, one dot per test person",
    provenance=f"data: {target.data}",
    alt="Two panels. A: test accuracy against the number of labelled people "
    f"({', '.join(map(str, budgets))}): {means}. B: differences between regimes within "
    "each test person, with mean and interval.",
)

# %%
# Other draws of people are on the :doc:`evidence page </evidence>`. The ranking belongs to
# this task and these budgets. Benchmarks of large pretrained EEG models find that probing
# often falls short and that networks trained from scratch stay competitive
# :cite:p:`liu2026eegfm`.
#
# Other people's labels, or a person's own?
# -----------------------------------------
# So far nobody is tested who gave a label. If a new person can be labelled for a moment,
# there is another way: a model of their own, learned from their *first* windows of each
# class and tested on the *later* ones. To compare like with like, one logistic regression
# reads the stored output of the encoder, or band power, and learns from the source people,
# from the labelled people, or from the person. All are judged on the same later windows.
grouped = rows["test"].groupby(["subject", "target"])["target"]
early = (grouped.cumcount() < grouped.transform("size") // 2).to_numpy()
print(f"{early.sum()} own windows to learn from, {(~early).sum()} later ones to judge on")

still, _ = configure_regime(pretrained_model(1), "linear-probe")
_, *stored = split_where_learning_starts(still, X_source, X_train, X_test)
features = {
    "encoder": [X.flatten(start_dim=1).cpu().numpy() for X in stored],
    "band power": [band_power(X) for X in (X_source, X_train, X_test)],
}


def later_accuracy(guess):
    """Accuracy on the later windows of each test person."""
    return per_subject((guess == y_test.cpu().numpy())[~early], test_subjects[~early])


def own_guess(X, y):
    """One model per person, from the early windows; what it says of all of them."""
    guess = np.empty(len(y), int)
    for person in np.unique(test_subjects):
        own = test_subjects == person
        model = build_classical().fit(X[own & early], y[own & early])
        guess[own] = model.predict(X[own])
    return guess


# %%
# Predict: do a few windows of a person's own outweigh many of other people? And careful:
# where each class is a recording of its own, as in many real studies, a person's own model
# can tell the *recordings* apart, by a drift or a cap that settled, without any notion of
# the task. Models that learn from other people can only use what people share. What came
# out on real people is on the page :doc:`/real`.
labels_from, own_gain = {}, {}
for kind, (X_many, X_few, X_own) in features.items():
    labels_from[kind] = {
        name: later_accuracy(build_classical().fit(X, y.cpu()).predict(X_own))
        for name, X, y in (
            ("source people", X_many, y_source),
            ("labelled people", X_few, y_train),
        )
    }
    labels_from[kind]["own windows"] = later_accuracy(
        own_guess(X_own, y_test.cpu().numpy())
    )
    one, other = (labels_from[kind][name] for name in ("own windows", "labelled people"))
    own_gain[kind] = difference(one, other)
    for name, values in labels_from[kind].items():
        print(f"{kind:<11} labels from {name:<16} {with_interval(values)}")
    print(f"{kind:<11} own - labelled people        {own_gain[kind]}")

# %%
# What it costs
# -------------
# Floating-point operations are counted, not timed, so they come out the same on every
# machine; the seconds are of this one. Every step costs the same, so two steps tell what
# all of them cost. Pretraining is paid once, for every target to come.
from torch.utils.flop_counter import FlopCounterMode


def gflop(work, n_steps):
    """Floating-point operations of ``work(n_steps)``, in units of 1e9."""
    counted = []
    for few in (1, 2):
        with FlopCounterMode(display=False) as counter:
            work(few)
        counted.append(counter.get_total_flops() / 1e9)
    one, two = counted
    return one + (n_steps - 1) * (two - one)


def adapt_briefly(regime, n_steps):
    return adapt(regime, SEEDS[0], chosen[regime].lr, n_steps=n_steps, watched=False)


operations = gflop(lambda n: pretrain(y_source, n), PRETRAIN_STEPS)
spent = {"pretraining, once": (operations, pretraining_cpu)}
for regime in LEARNS:
    start = time.process_time()
    adapt_briefly(regime, N_STEPS)
    seconds = time.process_time() - start
    spent[regime] = (gflop(lambda n: adapt_briefly(regime, n), N_STEPS), seconds)
print(f"{'':<20}{'learns':>8}{'GFLOP':>9}{'CPU s':>8}")
for name, (operations, seconds) in spent.items():
    learns = counts.get(name, counts["from-scratch"])[1]
    print(f"{name:<20}{learns:>8,}{operations:>9.2f}{seconds:>8.2f}")

# %%
# A common mistake: channels that do not match
# --------------------------------------------
# Somebody sends recordings with one electrode missing and the rest in another order.
recorded = list(target.ch_names[::-1])
recorded.remove(target.ch_names[(len(recorded) - 1) // 2])
columns = [target.ch_names.index(name) for name in recorded]
X_val, y_val = data["validation"]
adapted = [run.model for run in chosen[best_regime].runs]
try:
    evaluate(adapted[0], X_val[:, columns], y_val)
except RuntimeError as error:
    print(f"{type(error).__name__}: {error}")

# %%
# That error is the lucky case. With the right *number* of channels in the wrong *order*
# nothing complains: compare the first two scores below. The recovery is to match by name,
# never by position, to fill what was not recorded with the mean of what was, and to adapt
# the pretrained encoder on windows that lack the same electrode. It mends the order.
# Whether it makes up for the lost electrode, the last rows tell; information that was not
# recorded does not come back.


def match_channels(X, have, want):
    """Reorder channels by name; an absent one becomes the mean of the recorded ones."""
    filler = X.mean(dim=1)
    return torch.stack([X[:, have.index(c)] if c in have else filler for c in want], dim=1)


without = {}
for part in ("train", "validation"):
    X, y = data[part]
    without[part] = (match_channels(X[:, columns], recorded, target.ch_names), y)
lr = chosen[best_regime].lr
again = adapted_models(best_regime, lr, data=without)
for what, models, (X, y) in [
    ("right order", adapted, data["validation"]),
    ("reversed order, no error", adapted, (X_val.flip(1), y_val)),
    ("one missing, matched by name", adapted, without["validation"]),
    ("one missing, matched, adapted without it", again, without["validation"]),
]:
    print(f"{what:<43}{np.mean([evaluate(model, X, y).mean() for model in models]):.3f}")

# %%
# Modify
# ------
# Three exercises on the functions above. Predict the row before you unfold a solution. The
# test people have been looked at by now, so read every new row as exploration; none of them
# is part of the result.
#
# **1. Let the last block learn.** Between the probe and full fine-tuning there is a middle
# way: batch normalisation and head learn, the convolutions stay. How many parameters learn?
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: last block</summary>
LEARNS["last-block"] = ("bnorm", "final_layer")
GRID["last-block"] = GRID["full-finetune"]
counts["last-block"] = configure_regime(build_model(0), "last-block")[1]
print_table({"last-block": score([run.model for run in choose("last-block").runs])})

# %%
# .. raw:: html
#
#    </details>
#
# **2. Probe, then fine-tune.** Fine-tuning can distort good features before it improves
# them. Train the head first, then everything from there, with half the steps each
# :cite:p:`kumar2022lpft`.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: probe, then fine-tune</summary>


def probe_then_finetune(seed):
    model = pretrained_model(seed)
    for regime in ("linear-probe", "full-finetune"):
        model, _ = configure_regime(model, regime)
        learner, X = split_where_learning_starts(model, X_train)
        optimizer = make_optimizer(learner, chosen[regime].lr)
        fit(learner, X, y_train, optimizer, n_steps=N_STEPS // 2, seed=seed)
    return model


counts["LP-FT"] = counts["full-finetune"]
print_table({"LP-FT": score([probe_then_finetune(seed) for seed in SEEDS])})

# %%
# .. raw:: html
#
#    </details>
#
# **3. Low-rank adaptation.** With `peft <https://huggingface.co/docs/peft>`__ installed,
# let a low-rank correction of the head learn in place of the head. This network multiplies
# the weights of its two convolutions before it uses them, so a correction put on those
# layers would never be called: look for that in any model before you trust LoRA on it.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: LoRA</summary>
import importlib.util


def low_rank(seed):
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=2, target_modules=["final_layer.conv_classifier"])
    model = get_peft_model(pretrained_model(seed), config).base_model.model
    learns = sum(p.numel() for p in model.parameters() if p.requires_grad)
    counts["LoRA"] = (0, learns, 0)
    learner, X = split_where_learning_starts(model, X_train)
    fit(learner, X, y_train, make_optimizer(learner, probe), n_steps=N_STEPS, seed=seed)
    return model


if importlib.util.find_spec("peft"):
    print_table({"LoRA": score([low_rank(seed) for seed in SEEDS])})
else:
    print("peft is not installed here: python -m pip install peft, and run this cell again")

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# - A regime is two decisions: where the weights come from, and which of them learn.
# - Frozen is a claim about parameters *and* buffers. Take a fingerprint.
# - Validation people choose learning rate and regime; test people are asked afterwards.
# - A score comes with an interval over people, a difference with a paired one, and a gain
#   with the controls that could explain it away.
#
# **Try it yourself.** Set ``N_LABELLED`` to eight: which control comes close to which
# regime? Change ``seed=`` in the split: how much of the ranking survives other people? Run
# the page on real EEG :cite:p:`zyma2019arithmetic`; the size of the download is printed
# before anything is fetched:
#
# .. code-block:: console
#
#    $ export EEG_TUTORIAL_STUDY=nm000109 EEG_TUTORIAL_DOWNLOAD=1
#    $ python plot_73_finetune_pretrained_model.py
#
# The result, as one line
# -----------------------
# Everything a reader or a test needs to check this run.
best, scratch = accuracies[best_regime], accuracies["from-scratch"]

accuracy = rounded({regime: values.mean() for regime, values in accuracies.items()})
contract = {
    "tutorial": "plot_73",
    "version": 3,
    "data": target.data,
    "pretrain_task": f"{source.question} (source cohort)",
    "target_task": f"{target.question} (target cohort)",
    "n_train_subjects": people["train"],
    "n_val_subjects": people["validation"],
    "n_test_subjects": people["test"],
    "best_regime": best_regime,
    "best_accuracy": accuracy[best_regime],
    "chance_level": chance,
    "chance_interval": lucky,
    "gap_vs_chance": accuracy[best_regime] - chance,
    "gap_vs_scratch": accuracy[best_regime] - accuracy["from-scratch"],
    "gap_vs_scratch_ci": interval(best - scratch),
    "trainable_params": {regime: counts[regime][1] for regime in accuracies},
    "total_params": counts[best_regime][2],
    "accuracy": accuracy,
    "accuracy_ci": {regime: interval(values) for regime, values in accuracies.items()},
    "lr": {regime: choice.lr for regime, choice in chosen.items()},
    "budgets": curves,
    "paired": paired,
    "controls": {name: values.mean() for name, values in controls.items()},
    "controls_ci": {name: interval(values) for name, values in controls.items()},
    "controls_over_scratch": {
        name: {"mean": (own - scratch).mean(), "ci": interval(own - scratch)}
        for name, own in controls.items()
    },
    "labels_from": {
        kind: {name: values.mean() for name, values in own.items()}
        for kind, own in labels_from.items()
    },
    "labels_from_ci": {
        kind: {name: interval(values) for name, values in own.items()}
        for kind, own in labels_from.items()
    },
    "own_gain": own_gain,
    "n_source_subjects": source.metadata["subject"].nunique(),
    "n_windows": {"source": len(y_source), **{n: len(r) for n, r in rows.items()}},
    "n_steps": {"pretraining": PRETRAIN_STEPS, "regime": N_STEPS},
    "gflop": {name: round(operations, 2) for name, (operations, _) in spent.items()},
    "naive_running_var": naive_history[-1, 2],
    "frozen_running_var": frozen_history[-1, 2],
    "frozen_state_unchanged": held_still["linear-probe"],
    "subject_overlap": sum(report["overlap"] for report in reports),
}
contract = rounded(contract, p=5)
print(json.dumps(contract))

# %%
# References
# ----------
# The network is from :cite:t:`schirrmeister2017`; probing before fine-tuning from
# :cite:t:`kumar2022lpft`; the real study from :cite:t:`zyma2019arithmetic`. Full records
# are on the :doc:`references page </references>`.
