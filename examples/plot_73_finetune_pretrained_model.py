"""
How do I adapt a pretrained EEG model to a new task?
====================================================

You have an encoder that was trained on other people, and a few labelled people of your own.
Here you adapt it in three ways and compare them on people that none of them saw.

.. admonition:: What you will be able to do
   :class: tip

   - set up *from-scratch*, *linear-probe* and *full-finetune*;
   - choose a learning rate and a regime on validation people;
   - report accuracy over chance, with an interval over people.

You need: :doc:`splits that do not leak </auto_examples/plot_11_leakage_safe_split>`, a
minute and 1.5 GB of memory. Nothing is downloaded.

Tags: :tag:`fine-tuning`, :tag:`transfer`, :tag:`classification`
"""

# %%
# Data, split by people
# ---------------------
# The signals are **simulated** and go through the pipeline of real EEG.
import json
import os
from itertools import combinations

import _runtime
import numpy as np
import torch
from _model.checkpoint import read_checkpoint
from _model.encoder import encoder_state, load_encoder, precompute_frozen
from _model.transfer import open_transfer, save_model
from _finetune_figure import draw_finetune_figure, draw_regimes_figure
from _model.ledger import count_parameters
from _score.scores import difference, values_mean_ci, per_subject, print_accuracies
from _score.scores import compare_within_people, for_json, means_and_intervals
from _model.training import shuffled_batches, evaluate, make_optimizer

# %%
# Windows of one person look alike, so no person may be on both sides of a split
# :cite:p:`brookshire2024leakage`. The encoder is pretrained on *source* people. Some of the
# target people have labels to train on, settings are chosen on **validation people**, and
# **test people** are looked at only after every choice has been made. The task is the same
# for all: which of two rhythms, delta or alpha, comes from *one* place in the head? For the
# target people this place projects differently onto the electrodes.
#
# Three reports follow: source against target people; the pool of people who may get labels
# against validation people; both of these against test people. ``train`` is part of the
# pool.
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-transfer")
transfer = open_transfer(STUDY, _runtime.setup())  # one thread, and CUDA if it is there
target, budget = transfer.target, transfer.budget
for name in ("source", "train", "validation", "test"):
    X, _ = transfer.data[name]
    print(f"{name:<12}{transfer.people[name]:>3} people, {tuple(X.shape)}")
print(f"classes: {', '.join(target.classes)}; channels: {', '.join(target.ch_names)}")

# %%
# Each window is divided by its own standard deviation, averaged over channels: no statistic
# of another window or person is used.
#
# One network, three regimes
# --------------------------
# A regime says where the weights come from and which of them learn.
# Each entry is the beginning of a parameter's name; ``""`` fits every parameter.
LEARNS = {"from-scratch": ("",), "linear-probe": ("final_layer",), "full-finetune": ("",)}
figure = draw_regimes_figure(LEARNS)

# %%
# Foundation models such as BENDR :cite:p:`kostas2021bendr` or LaBraM
# :cite:p:`jiang2024labram` are encoders pretrained on thousands of hours of EEG.
# :class:`~braindecode.models.ShallowFBCSPNet` :cite:p:`schirrmeister2017` stands in for
# one here: it trains in seconds, and the three regimes are set up in the same way.
from braindecode.models import ShallowFBCSPNet

X_train, y_train = transfer.data["train"]
X_val, y_val = transfer.data["validation"]


def build_model(seed, **changed):
    torch.manual_seed(seed)  # regimes that share a seed share their starting head
    n_chans, n_times = X_train.shape[1:]
    how = {"n_chans": n_chans, "n_times": n_times, "sfreq": target.sfreq} | changed
    return ShallowFBCSPNet(n_outputs=len(target.classes), **how).to(X_train.device)


def configure_regime(model, learns):
    """Mark what learns; return the numbers of frozen, trainable and all parameters."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith(learns)
    return count_parameters(model)


# %%
# The encoder is everything before ``final_layer``, the :term:`head`.
for name, parameter in build_model(0).named_parameters():
    print(f"{parameter.numel():>6}  {name:<36}{tuple(parameter.shape)}")
counts = {r: configure_regime(build_model(0), learns) for r, learns in LEARNS.items()}
for regime, (frozen, trainable, total) in counts.items():
    parts = f"frozen {frozen:>6,} + trainable {trainable:>6,} = total {total:,}"
    print(f"{regime:<15}{parts}: {frozen + trainable == total}")

# %%
# Pretrain, save, load
# --------------------
# One loop trains every network on this site. ``shuffled_batches`` reshuffles the windows
# with a seed of its own, so regimes that share a seed see the same batches.


def train(module, batches, optimizer, loss=torch.nn.functional.cross_entropy, watch=None):
    """Train in place, one step per batch; ``watch`` is called after every step."""
    for step, (X, y) in enumerate(batches, 1):
        module.train()
        optimizer.zero_grad()
        loss(module(X), y).backward()
        optimizer.step()
        if watch:
            watch(step)


# %%
# A network has two modes. In *training mode* dropout sets random features to zero and
# :term:`batch normalisation` uses the batch. In *evaluation mode* dropout is off and the
# :term:`running statistics` are used, so frozen layers return the same features each time.
# ``precompute_frozen`` computes these once, in evaluation mode;
# :doc:`plot_74_frozen_is_not_frozen` shows why. Braindecode saves a model as a
# folder with weights and configuration.
pretrained = build_model(0)
X_source, y_source = transfer.data["source"]
learner, X_source = precompute_frozen(pretrained, X_source)
batches = shuffled_batches(X_source, y_source, n_steps=budget.pretrain_steps, batch_size=64)
train(learner, batches, make_optimizer(learner, 2e-3))

checkpoint = save_model(pretrained, f"pretrained-{target.name}")

# %%
# ``read_checkpoint`` reads the folder as data: a tensor that is missing, or a name that is
# not on its list, is an error. The saved head belongs to the source task, so only the
# encoder is taken over. Loading is counted, because ``load_state_dict(strict=False)`` is
# silent about what did not fit.
encoder = encoder_state(read_checkpoint(checkpoint, "ShallowFBCSPNet"))
print(f"under a fresh head: {load_encoder(build_model(1), encoder)}")


def adapt(regime, seed, lr):
    """One regime: the network, how many validation windows are right, accuracy by epoch."""
    model, curve = build_model(seed), []
    if regime != "from-scratch":
        load_encoder(model, encoder)
    configure_regime(model, LEARNS[regime])
    learner, X, X_look = precompute_frozen(model, X_train, X_val)

    def watch(step):
        if step % EVERY == 0:  # set below, about twelve looks
            curve.append(evaluate(learner, X_look, y_val).mean())

    batches = shuffled_batches(X, y_train, n_steps=budget.n_steps, seed=seed)
    train(learner, batches, make_optimizer(learner, lr), watch=watch)
    return model, int(evaluate(learner, X_look, y_val).sum()), curve


# %%
# Predict, then run
# -----------------
# The people are new, and few of them have labels. Write down an order of the three regimes
# and how far above chance you expect each of them.
#
# Three learning rates are tried for each regime, with the first initialisation. The one
# with most validation windows right is taken; a tie goes to the lower rate. Where it is at
# an end of the grid, a still lower or higher rate could be better.
GRID = dict.fromkeys(LEARNS, (1e-3, 3e-3, 1e-2)) | {"linear-probe": (3e-3, 1e-2, 3e-2)}
SEEDS, EVERY, lr, runs = (1, 2, 3), max(1, budget.n_steps // 12), {}, {}
for regime, rates in GRID.items():
    tried = {rate: adapt(regime, SEEDS[0], rate) for rate in rates}
    lr[regime] = max(rates, key=lambda rate: tried[rate][1])  # the first of equals
    runs[regime] = [tried[lr[regime]]]
    right = "  ".join(
        f"{f'{r:g}:':>6} {n} of {len(y_val)}" for r, (_, n, _) in tried.items()
    )
    print(f"{regime:<15}{right}  -> {lr[regime]:g}", "at an end" * (lr[regime] != rates[1]))

# %%
# Two more initialisations of each regime follow. Validation people then choose the regime;
# a tie goes to the one with fewer trainable parameters.
for regime, starts in runs.items():
    starts += [adapt(regime, seed, lr[regime]) for seed in SEEDS[1:]]
n_correct = {regime: sum(run[1] for run in starts) for regime, starts in runs.items()}
n_val = len(SEEDS) * len(y_val)
best = max(runs, key=lambda regime: (n_correct[regime], -counts[regime][1]))
print(f"of {n_val} validation answers right: {n_correct}; chosen: {best}")
after = [encoder_state(run[0]) for run in runs["linear-probe"]]
still = all(torch.equal(probe[k], encoder[k]) for probe in after for k in encoder)
print(f"the encoder of the probe is the same, bit for bit: {still}")

# %%
# Look at the test people
# -----------------------
# Accuracy is computed per person and averaged over initialisations; the interval is over
# people. Chance is known, because every person has as many windows of each class.
X_test, y_test = transfer.data["test"]
hits = {r: [evaluate(m, X_test, y_test) for m, *_ in s] for r, s in runs.items()}
accuracies = {r: per_subject(np.mean(h, 0), transfer.subjects) for r, h in hits.items()}
trainable = {regime: counts[regime][1] for regime in GRID}
print_accuracies(accuracies, transfer.chance, learns=trainable, hits=hits)

# %%
# What does each contrast mean? *Full fine-tuning minus from-scratch*: did pretraining help?
# *Full fine-tuning minus probe*: does it help to change the pretrained features? *Probe
# minus from-scratch*: are these features, unchanged, better than what a network learns from
# the few labels alone?
#
# *Within people* means: first a difference for each person, then their mean. p is from a
# *sign-flip test*. If two regimes were equally good, each person's difference could as well
# have the other sign; p is the share of such flips with a mean at least as far from zero.
# It is corrected for three contrasts, after Holm. Intervals are not corrected, so one can
# exclude zero while p is above .05.
PAIRS = list(combinations(reversed(LEARNS), 2))
compare_within_people(accuracies, PAIRS, transfer.chance)

# %%
# An interval that holds zero does not settle its contrast. Other draws of people are on the
# :doc:`evidence page </evidence>`.
# A batch of shuffled_batches has 16 windows.
epochs = np.arange(EVERY, budget.n_steps + 1, EVERY) * 16 / len(y_train)
curves = {r: np.array([run[2] for run in starts]) for r, starts in runs.items()}
means = ", ".join(f"{r} {accuracy.mean():.2f}" for r, accuracy in accuracies.items())
figure = draw_finetune_figure(
    {r: (epochs, curves[r], *values_mean_ci(a, share=True)) for r, a in accuracies.items()},
    trainable=trainable,
    chance=transfer.chance,
    title="Which part of the network should learn?",
    subtitle=f"{target.question}; people with labels: {transfer.people['train']}",
    provenance=f"data: {target.data}",
    alt=f"Validation accuracy by epoch; test accuracy by regime ({means}), by parameters.",
)
# sphinx_gallery_thumbnail_number = 2

# %%
# A common mistake: a network built for another cap
# -------------------------------------------------
# You rebuild the network for a cap with one electrode less and load the old weights.
other_cap = build_model(0, n_chans=X_train.shape[1] - 1)
try:
    other_cap.load_state_dict(encoder, strict=False)
except RuntimeError as error:
    print(f"{type(error).__name__}: {error}")

# %%
# The spatial filter has weights for each electrode, in the order of pretraining. With
# equally many electrodes in another order there is no error at all, so keep the network and
# match electrodes by name. MNE estimates a missing one from its neighbours
# (:meth:`mne.io.Raw.interpolate_bads`); here it becomes the mean of the others. Small
# differences between the rows below mean little: they come from few validation people.
names = list(target.ch_names)


def match_channels(X, have):
    """Put channels into the order of the network; the mean stands in for a missing one."""
    mean = X.mean(dim=1)
    return torch.stack([X[:, have.index(c)] if c in have else mean for c in names], dim=1)


swapped, recorded = X_val[:, np.argsort(names)], X_val[:, [0, *range(2, len(names))]]
for what, X in {
    "order of pretraining": X_val,
    "sorted by name, no error": swapped,
    "sorted, then matched": match_channels(swapped, sorted(names)),
    f"{names[1]} missing, matched": match_channels(recorded, [names[0], *names[2:]]),
}.items():
    right = sum(int(evaluate(model, X, y_val).sum()) for model, *_ in runs[best])
    print(f"{what:<26} {right} of {n_val} validation answers right")

# %%
# Exercise: let the last block learn
# ----------------------------------
# :term:`Batch normalisation <batch normalisation>` and the head learn, the convolutions
# stay, at the learning rate of full fine-tuning. How many parameters learn, and how does
# accuracy compare with the probe and with full fine-tuning? The test people have been seen
# by now, so the result is exploration.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution</summary>
LEARNS["last-block"] = ("bnorm", "final_layer")
models = [adapt("last-block", seed, lr["full-finetune"])[0] for seed in SEEDS]
right = np.mean([evaluate(model, X_test, y_test) for model in models], axis=0)
learns = configure_regime(build_model(0), LEARNS["last-block"])[1]
last = {f"last-block, {learns} learn": per_subject(right, transfer.subjects)}
print_accuracies(last, transfer.chance)

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# A regime is two decisions: where the weights come from, and which of them learn. A ranking
# of regimes holds for one task, one pretraining and one number of labelled people.
#
# **Try it yourself.** Replace the network by :class:`~braindecode.models.EEGNet`. Pretrain
# for 20 steps instead. Run the page on real EEG :cite:p:`zyma2019arithmetic`, which EEGDash
# takes from NEMAR :cite:p:`delorme2022nemar`; the size is printed before anything is
# fetched:
#
# .. code-block:: console
#
#    $ export EEG_TUTORIAL_STUDY=nm000109 EEG_TUTORIAL_DOWNLOAD=1
#    $ python plot_73_finetune_pretrained_model.py

# %%
# The :term:`contract`: first what was compared and on whom, then the result.
asked = {"tutorial": "plot_73", "version": 4, "data": target.data}
asked["pretrain_task"] = f"{transfer.source.question} (source cohort)"
asked["target_task"] = f"{target.question} (target cohort)"
for short, name in {"train": "train", "val": "validation", "test": "test"}.items():
    asked[f"n_{short}_subjects"] = transfer.people[name]
asked |= {"trainable_params": trainable, "total_params": counts[best][2]}
asked |= {"frozen_state_unchanged": still, "subject_overlap": transfer.overlap}

# %%
gain = difference(accuracies[best], accuracies["from-scratch"])
mean, chance = accuracies[best].mean(), transfer.chance
contract = asked | {"best_regime": best, "best_accuracy": mean, "chance_level": chance}
contract |= {"gap_vs_chance": mean - chance, "n_val_windows": n_val}
contract |= {"gap_vs_scratch": gain.mean, "gap_vs_scratch_ci": gain.ci}
contract |= means_and_intervals(accuracies) | {"lr": lr, "val_n_correct": n_correct}
contract = for_json(contract)
print(json.dumps(contract))
