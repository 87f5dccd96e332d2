"""
Does one task help with another?
================================

You have EEG of one task and want to decode another. On this page an encoder is pretrained
on each of three tasks and fine-tuned for each of them, and each is compared with an encoder
that was pretrained on shuffled labels.

.. admonition:: What you will be able to do
   :class: tip

   - keep people apart *across* tasks;
   - tell transfer from a warmed-up start;
   - find negative transfer.

You need: :doc:`controls </auto_examples/plot_75_what_explains_the_gain>`,
a minute and 1.5 GB of memory.

Tags: :tag:`fine-tuning`, :tag:`transfer`, :tag:`controls`
"""

# %%
# Three tasks of the same people
# ------------------------------
# The data are **simulated**; two of the tasks are modelled on those of a competition
# :cite:p:`aristimunha2025challenge`.
import json
import os

import _runtime
import _study
import numpy as np
import pandas as pd
import torch
from _model.adapt import adapt, build_model, pretrain, train_layers
from _model.encoder import encoder_state, load_encoder
from _score.scores import difference, holm, per_subject, print_accuracies, for_json
from _score.splits import assert_no_leakage, split_subjects
from _model.training import evaluate, to_tensors
from _transfer_figure import draw_transfer_figure

DEVICE = _runtime.setup()

# %%
# At *rest*, eyes are open or closed. In *contrast change detection*, people watch for a
# change on the left or right *side*. The third task is a *flicker*, slow or fast. Attention
# to a side lowers alpha over the other half of the head; closed eyes raise it on both; the
# flicker drives other rhythms.
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
# A person is on one side of the split in *every* task. If the encoder were pretrained on
# the test people at rest, the test score could be too high.
sizes = {"test": 20, "labelled": 1}
table = studies["side"].metadata
parts = split_subjects(table, sizes, rest="others", seed=0)
groups = {name: set(table["subject"].iloc[index]) for name, index in parts.items()}
groups["train"] = groups["labelled"] | groups["others"]

# %%
# Windows and labels by task and group of people.
tables, data = {group: [] for group in groups}, {}
for name, study in studies.items():
    X, y = to_tensors(study.windows, study.targets, DEVICE)
    for group, people in groups.items():
        rows = study.metadata["subject"].isin(people).to_numpy(copy=True)  # writable
        data[name, group] = X[rows], y[rows]
        tables[group].append(study.metadata[rows])  # in the order of the tasks
report = assert_no_leakage(pd.concat(tables["train"]), pd.concat(tables["test"]))

# %%
# One encoder per task
# --------------------
# Labels of the source task exist for all training people, labels of the target task for one
# of them. All networks that are trained as a whole get the same learning rate; none is
# tuned.
LR = 3e-3
STEPS = {"n_steps": 80, "batch_size": 32}


def build(seed):
    n_chans, n_times = data["side", "train"][0].shape[1:]
    shape = {"n_chans": n_chans, "n_times": n_times, "sfreq": studies["side"].sfreq}
    filters = {"n_filters_time": 16, "n_filters_spat": 16}  # fewer than 40, to be quick
    return build_model(n_outputs=2, seed=seed, device=DEVICE, **shape, **filters)


# %%
# The same training on *shuffled* labels is the control of each source.
def pretrained_encoder(task, shuffled=False):
    """State of an encoder that learned one task, or its shuffled labels."""
    X, y = data[task, "train"]
    if shuffled:
        order = torch.Generator().manual_seed(79)
        y = y[torch.randperm(len(y), generator=order).to(DEVICE)]
    return encoder_state(pretrain(build, X, y, lr=LR, **STEPS))


encoders = {task: pretrained_encoder(task) for task in TASKS}
blind = {task: pretrained_encoder(task, shuffled=True) for task in TASKS}


# %%
# Predict, then run
# -----------------
# Which encoder helps most with the side of attention, and which with the flicker? Is there
# a pair for which training from scratch is better? Write down one of each.
def accuracy(target, encoder, regime="full-finetune"):
    """Accuracy of each test person, from one initialisation that all sources share."""
    X, y = data[target, "labelled"]
    model = adapt(build, X, y, regime, encoder=encoder, seed=1, n_steps=40)
    subjects = tables["test"][list(TASKS).index(target)]["subject"]
    return per_subject(evaluate(model, *data[target, "test"]), subjects)


# %%
# Every pair of tasks, and for each target training from scratch.
scratch = {target: accuracy(target, None, "from-scratch") for target in TASKS}
pairs = [(source, target) for source in TASKS for target in TASKS]
full = {(s, t): accuracy(t, encoders[s]) for s, t in pairs}
control = {(s, t): accuracy(t, blind[s]) for s, t in pairs}
probe = {(s, t): accuracy(t, encoders[s], "linear-probe") for s, t in pairs}

# %%
# Chance is .5 in every task. All scores are of the same test people.
for target in TASKS:
    print(f"\ntarget {target}")
    rows = {"from-scratch": scratch[target]}
    rows |= {f"{s}, full-finetune": full[s, target] for s in TASKS}
    rows |= {f"{s}, linear-probe": probe[s, target] for s in TASKS}
    print_accuracies(rows, 0.5)

# %%
# Gains, within people
# --------------------
# Two differences for each pair: full fine-tuning minus training from scratch, which is what
# you would gain, and minus the *same* source with shuffled labels, which is what the labels
# of the source task gave. A difference above zero is positive transfer, one below zero
# :term:`negative transfer`, if its interval excludes zero and p, corrected within each of
# the two, is below .05. A gain over from-scratch that is gone in the second list came from
# a :term:`warm start`. Where shuffled labels are worse than from scratch, the second
# difference is larger than what you would gain.
gains = {
    "minus from-scratch": {p: difference(full[p], scratch[p[1]]) for p in pairs},
    "minus shuffled labels": {p: difference(full[p], control[p]) for p in pairs},
}
for name, by_pair in gains.items():
    print(f"\nfull-finetune {name}")
    corrected = holm([gain.p for gain in by_pair.values()])
    for pair, p in zip(pairs, corrected, strict=True):
        by_pair[pair] = by_pair[pair]._replace(p=p)
        print(f"{' -> '.join(pair):<20}{by_pair[pair]}")
    for what, end, sign in (("above", 0, 1), ("below", 1, -1)):
        clear = [" -> ".join(p) for p in pairs if by_pair[p].ci[end] * sign > 0]
        print(f"interval {what} zero: {', '.join(clear) or 'no pair'}")

# %%
matrices = {
    name: np.array([[(gain[s, t].mean, *gain[s, t].ci) for t in TASKS] for s in TASKS])
    for name, gain in gains.items()
}
over = gains["minus from-scratch"]
means = "; ".join(f"{s} to {t} {over[s, t].mean:+.2f}" for s, t in pairs if s != t)
figure = draw_transfer_figure(
    matrices,
    sources=list(TASKS),
    targets=list(TASKS),
    title="Does one task help with another?",
    subtitle=f"full fine-tuning; people with labels: {sizes['labelled']}",
    provenance=f"data: {studies['side'].data}",
    alt=f"Gains in accuracy, source by target task. Over from-scratch: {means}.",
)

# %%
# Dots mark gains whose interval, which is not corrected, excludes zero. The diagonal is
# pretraining on the target task itself. Where its gain is near zero although the linear
# probe scores high, the features were useful, and full fine-tuning on one person did not
# use them. The intervals are over test people; another labelled person would change these
# numbers too, and the :doc:`evidence page </evidence>` has other draws.
#
# A common mistake: test people in the pretraining
# ------------------------------------------------
# The pretraining takes the resting state of everybody. No target label is used, but people
# are on both sides, so the check stops it.
everybody = studies["rest"].metadata
try:
    assert_no_leakage(everybody, tables["test"][list(TASKS).index("side")])
except ValueError as error:
    print(f"{type(error).__name__}: {error}")

# %%
# The recovery is to leave the test people out of every task.
rest = everybody[~everybody["subject"].isin(groups["test"])]
report_rest = assert_no_leakage(rest, tables["test"][list(TASKS).index("side")])

# %%
# Exercise: one task after the other
# ----------------------------------
# Does an encoder that learned the flicker and then rest help with the side?
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution</summary>
model = build(0)
load_encoder(model, encoders["flicker"])
train_layers(model, *data["rest", "train"], ("",), lr=LR, **STEPS)
both = accuracy("side", encoder_state(model))
print_accuracies({"flicker, rest -> side": both, "rest -> side": full["rest", "side"]}, 0.5)

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# Compare with training from scratch at the same learning rate, which says what you would
# gain, and with shuffled labels of the same source, which says what its labels gave.
names = {pair: ">".join(pair) for pair in pairs}
contract = {"tutorial": "plot_79", "version": 2, "data": studies["side"].data}
contract |= {"tasks": list(TASKS), "n_train_subjects": len(groups["train"])}
contract |= {"n_labelled_subjects": sizes["labelled"], "n_test_subjects": sizes["test"]}
contract |= {"chance_level": 0.5, "scratch": {t: v.mean() for t, v in scratch.items()}}
for key, by_pair in zip(("gain", "learned"), gains.values(), strict=True):
    contract[key] = {names[pair]: gain.mean for pair, gain in by_pair.items()}
    contract[f"{key}_ci"] = {names[pair]: gain.ci for pair, gain in by_pair.items()}
contract["subject_overlap"] = report["overlap"]
contract = for_json(contract, digits=3)
print(json.dumps(contract))
