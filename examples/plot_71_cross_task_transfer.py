"""
Does one task help with another?
================================

Resting-state EEG is cheap: nobody has to do anything. Can a network that learned on rest
help with a task that people have to work for? On this page you measure it, for several
pairs of tasks, and meet a pair where pretraining does harm.

.. admonition:: What you will be able to do
   :class: tip

   - pretrain on one task and fine-tune on another, on the same people, and test on others;
   - fill a source-by-target matrix of gains, with intervals;
   - tell positive from negative transfer, and both from a warm start.

You need: :doc:`the regimes </auto_examples/plot_73_finetune_pretrained_model>`, PyTorch.

Tags: :tag:`transfer`, :tag:`classification`, :tag:`controls`
"""

# %%
# Three tasks of the same people
# ------------------------------
# The people are **simulated**. Each was recorded three times: at *rest* with eyes open and
# closed; in *contrast change detection*, watching for a change on the left or on the right;
# and in front of a *flicker*, slow or fast. Attention to a side lowers alpha over the other
# half of the head, and closing the eyes raises it on both; the flicker drives other rhythms
# while alpha comes and goes. The tasks are those of a challenge on such transfer
# :cite:p:`aristimunha2025challenge`, except for the flicker.
import json
import os
import zlib

import _runtime
import _study
import numpy as np
import pandas as pd
import torch
from _encoder import (
    encoder_state,
    freeze_encoder,
    load_encoder,
    split_where_learning_starts,
)
from _features import log_band_power
from _scores import interval, per_subject, rounded, with_interval
from _splits import assert_no_leakage, split_subjects
from _training import evaluate, fit, make_optimizer, to_tensors
from _transfer_figure import draw_transfer_figure

DEVICE = _runtime.setup()
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-tasks")
TASKS = {
    "rest": ("RestingState", ("instructed_toOpenEyes", "instructed_toCloseEyes")),
    "side": ("contrastChangeDetection", ("left_target", "right_target")),
    "flicker": ("flicker", ("slow_flicker", "fast_flicker")),
}
studies = {
    name: _study.open_study(STUDY, task=task, classes=classes)
    for name, (task, classes) in TASKS.items()
}

# %%
# Split people across tasks
# -------------------------
# A person is on one side in *every* task. If the pretraining saw the test people at rest,
# the encoder would know them, and the test would flatter it.
N_LABELLED, N_TEST = 1, 20
table = studies["side"].metadata
parts = split_subjects(
    table, {"test": N_TEST, "labelled": N_LABELLED}, rest="others", seed=0
)
who = {name: set(table["subject"].iloc[index]) for name, index in parts.items()}
who["train"] = who["labelled"] | who["others"]


def rows_of(study, group):
    return study.metadata["subject"].isin(who[group]).to_numpy()


def metadata_of(group):
    return pd.concat([s.metadata[rows_of(s, group)] for s in studies.values()])


report = assert_no_leakage(metadata_of("train"), metadata_of("test"))

# %%
# Each window is divided by its own size. Labels of the target task are bought for
# ``N_LABELLED`` of the training people; the source task has labels for all of them.


def tensors(task, group):
    study, rows = studies[task], rows_of(studies[task], group)
    return to_tensors(study.windows[rows], study.targets[rows], DEVICE)


for task in TASKS:
    sizes = {group: len(tensors(task, group)[1]) for group in ("train", "labelled", "test")}
    print(f"{task:<9}windows: {sizes}")

# %%
# One encoder per task
# --------------------
# Seeds are made from names with :func:`zlib.crc32`. Python's own ``hash`` of a word differs
# from run to run, and a result seeded with it cannot be repeated.
from braindecode.models import ShallowFBCSPNet


def seed_of(*words):
    return zlib.crc32(" ".join(words).encode()) % 2**31


def build_model(seed):
    torch.manual_seed(seed)
    study = studies["side"]
    return ShallowFBCSPNet(
        n_chans=len(study.ch_names),
        n_outputs=2,
        n_times=study.windows.shape[-1],
        sfreq=study.sfreq,
        n_filters_time=16,
        n_filters_spat=16,
    ).to(DEVICE)


def train(model, X, y, *, lr, seed, n_steps=100, batch_size=32):
    learner, X = split_where_learning_starts(model, X)
    torch.manual_seed(seed)  # of dropout
    how = {"n_steps": n_steps, "batch_size": batch_size, "seed": seed}
    fit(learner, X, y, make_optimizer(learner, lr), **how)


def pretrain(task, labels=None):
    X, y = tensors(task, "train")
    seed = seed_of("pretrain", task)
    model = build_model(seed)
    train(model, X, y if labels is None else labels, lr=2e-3, seed=seed)
    return encoder_state(model)


encoders = {task: pretrain(task) for task in TASKS}

# %%
# The control: the same amount of training on *shuffled* labels of the resting state. What
# remains of a gain then is a warm start, not something learned about rest.
y_rest = tensors("rest", "train")[1]
shuffled = torch.randperm(len(y_rest), generator=torch.Generator().manual_seed(71))
encoders["shuffled rest"] = pretrain("rest", labels=y_rest[shuffled.to(DEVICE)])

# %%
# Predict before you run
# ----------------------
# Which encoder helps most with the side of attention, and which one with the flicker? Is
# there a pair for which starting afresh is better? Write down one of each.
#
# For every pair the head is trained on a frozen encoder (*probe*) and everything is
# fine-tuned (*full*), from two initialisations that all sources of a target share. Learning
# rates (larger from scratch) and steps were fixed beforehand; nothing is tuned here.
LR = {"scratch": 3e-3, "probe": 1e-2, "full": 1e-3}


def adapt(target, regime, encoder=None):
    """Accuracy of each test person, mean over two initialisations."""
    X, y = tensors(target, "labelled")
    X_test, y_test = tensors(target, "test")
    correct = []
    for number in "12":
        seed = seed_of(target, number)
        model = build_model(seed)
        if encoder is not None:
            load_encoder(model, encoder)
        if regime == "probe":
            freeze_encoder(model)
        train(model, X, y, lr=LR[regime], seed=seed, n_steps=60, batch_size=16)
        correct.append(evaluate(model, X_test, y_test))
    people = studies[target].metadata["subject"][rows_of(studies[target], "test")]
    return per_subject(np.mean(correct, axis=0), people)


scratch = {target: adapt(target, "scratch") for target in TASKS}
accuracy = {
    regime: {
        (source, target): adapt(target, regime, encoder)
        for source, encoder in encoders.items()
        for target in TASKS
    }
    for regime in ("probe", "full")
}
print(f"{'from':<15}" + "".join(f"{f'{t}: probe':>16}{f'{t}: full':>16}" for t in TASKS))
print(f"{'scratch':<15}" + "".join(f"{scratch[t].mean():>16.3f}{'':>16}" for t in TASKS))
for source in encoders:
    cells = [accuracy[r][source, t].mean() for t in TASKS for r in accuracy]
    print(f"{source:<15}" + "".join(f"{cell:>16.3f}" for cell in cells))


# %%
# Gains, within people
# --------------------
# The gain over training from scratch is taken within each test person, with a bootstrap
# interval over people. An interval above zero is positive transfer, one below it
# :term:`negative transfer`.
def gain(regime, source, target):
    """Mean gain over scratch and its 95 % interval."""
    values = accuracy[regime][source, target] - scratch[target]
    return values.mean(), *interval(values)


gains = {r: {pair: gain(r, *pair) for pair in accuracy[r]} for r in accuracy}
PAIRS = [("rest", "side"), ("flicker", "side"), ("shuffled rest", "side")]
for pair in [*PAIRS, ("shuffled rest", "rest")]:
    for regime in gains:
        mean, low, high = gains[regime][pair]
        sign = "positive" if low > 0 else "negative" if high < 0 else "undecided"
        found = f"{mean:+.3f} [{low:+.3f}, {high:+.3f}]"
        print(f"{' -> '.join(pair):<24}{regime:<7}{found} {sign}")

# %%
# Two more controls, per target: a frozen encoder that learned *nothing at all*, and no
# network, logistic regression on log band power of the same labelled windows.
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def band_power_accuracy(target):
    (X, y), (X_test, y_test) = (
        (log_band_power(X.cpu().numpy(), studies[target].sfreq), y.cpu().numpy())
        for X, y in (tensors(target, "labelled"), tensors(target, "test"))
    )
    classical = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return classical.fit(X, y).score(X_test, y_test)


random_encoder = encoder_state(build_model(seed_of("random")))
controls = {
    "random frozen": {t: adapt(t, "probe", random_encoder).mean() for t in TASKS},
    "band power": {t: band_power_accuracy(t) for t in TASKS},
}
for name, own in controls.items():
    print(f"{name:<15}" + "  ".join(f"{t} {value:.3f}" for t, value in own.items()))

# %%
# Most of what a frozen flicker encoder loses, a frozen random one loses too: that is the
# price of freezing what does not fit. What was *learned* lies between an encoder and the
# same one trained on shuffled labels, within people.
for source in ("rest", "flicker"):
    for regime in gains:
        own = accuracy[regime]
        found = with_interval(own[source, "side"] - own["shuffled rest", "side"], "+")
        print(f"{source} - shuffled, to side, {regime:<6}{found}")

# %%
# The intervals speak of test people. Another labelled person or another seed would move
# these numbers too, and among many cells some exclude zero by chance.
matrices = {
    regime: np.array([[gains[regime][s, t] for t in TASKS] for s in encoders])
    for regime in gains
}
said = "; ".join(
    f"{regime}, {s} to {t}: {gains[regime][s, t][0]:+.2f}"
    for regime in gains
    for s, t in [("rest", "side"), ("flicker", "side"), ("rest", "flicker")]
)
figure = draw_transfer_figure(
    matrices,
    sources=list(encoders),
    targets=list(TASKS),
    title="Does one task help with another?",
    subtitle=f"gain over scratch; {N_LABELLED} labelled, {N_TEST} to test",
    provenance=f"data: {studies['side'].data}",
    alt="Two matrices of gains in accuracy over training from scratch, source task by "
    f"target task, for probe and full fine-tuning. {said}.",
)

# %%
# Dots mark gains whose interval excludes zero. The diagonal is the same task: a reference,
# and not a ceiling.
#
# What can go wrong
# -----------------
# Suppose the pretraining had seen the test people at rest. Nobody's target label leaks, and
# the check still has to refuse it:
try:
    assert_no_leakage(
        studies["rest"].metadata, studies["side"].metadata[rows_of(studies["side"], "test")]
    )
except ValueError as error:
    print(f"{type(error).__name__}: {error}")

# %%
# Modify
# ------
# **Both at once.** Does an encoder that learned on rest *and* on the flicker help with the
# side? Label the four conditions 0 to 3, or simply train on one after the other. Predict,
# then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: one after the other</summary>
X, y = tensors("rest", "train")
model = build_model(seed_of("both"))
load_encoder(model, encoders["flicker"])
train(model, X, y, lr=2e-3, seed=0)
both = encoder_state(model)
for regime in gains:
    print(f"flicker, then rest -> side, {regime}: {adapt('side', regime, both).mean():.3f}")

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# - Transfer is a property of a *pair* of tasks, in a direction.
# - Negative transfer exists; look for it before you freeze anything.
# - Training on shuffled labels changes a start as well: compare with it.
#
# **Try it yourself.** Raise ``N_LABELLED`` to eight: which gains survive? Make pretraining
# longer: does negative transfer grow?
#
# The result, as one line
# -----------------------
# Everything a reader or a test needs to check this run.
contract = {
    "tutorial": "plot_71",
    "version": 1,
    "data": studies["side"].data,
    "tasks": list(TASKS),
    "n_train_subjects": len(who["train"]),
    "n_labelled_subjects": len(who["labelled"]),
    "n_test_subjects": len(who["test"]),
    "subject_overlap": report["overlap"],
    "chance_level": 0.5,
    "scratch": {target: values.mean() for target, values in scratch.items()},
    "controls": controls,
    "gain": {
        regime: {" -> ".join(pair): values[0] for pair, values in own.items()}
        for regime, own in gains.items()
    },
    "gain_ci": {
        regime: {" -> ".join(pair): values[1:] for pair, values in own.items()}
        for regime, own in gains.items()
    },
}
contract = rounded(contract)
print(json.dumps(contract))

# %%
# References
# ----------
# The challenge on transfer between tasks and people is :cite:t:`aristimunha2025challenge`.
# Full records are on the :doc:`references page </references>`.
