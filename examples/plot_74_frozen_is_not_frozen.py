"""
Is my frozen encoder frozen?
============================

You set ``requires_grad = False`` for an encoder and train a head on it. Does the encoder
stay what it was? On this page you check every tensor of the network.

.. admonition:: What you will be able to do
   :class: tip

   - list what moved in a network that was meant to stand still;
   - freeze the encoder of a Braindecode model;
   - measure what an encoder that moves does to the score.

You need: :doc:`three regimes </auto_examples/plot_73_finetune_pretrained_model>`,
a minute and 1.5 GB of memory.
Background: :doc:`/concepts/what_frozen_means`.

Tags: :tag:`fine-tuning`, :tag:`transfer`
"""

# %%
# A probe that looks frozen
# -------------------------
# The task and the pretraining are those of :doc:`plot_73_finetune_pretrained_model`. The
# data are **simulated**.
import json
import os

import _runtime
import numpy as np
from _adapt_figure import draw_frozen_figure
from _model.adapt import adapt, pretrain
from _model.encoder import encoder_state, features_at_head, freeze_encoder, is_head
from _model.encoder import load_encoder
from _regimes import REGIMES
from _model.transfer import SEEDS, accuracy, open_transfer
from _model.ledger import fingerprints, ledger
from _score.scores import compare_within_people, print_accuracies
from _score.scores import for_json, means_and_intervals
from _model.training import shuffled_batches, evaluate, train, make_optimizer
from _model.zoo import SLOW, try_models

# %%
# The pretrained encoder below a head that has seen one batch:
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-transfer")
transfer = open_transfer(STUDY, _runtime.setup())
budget = transfer.budget
X_source, y_source = transfer.data["source"]
X_train, y_train = transfer.data["train"]
pretrained = pretrain(transfer.build, X_source, y_source, n_steps=budget.pretrain_steps)
encoder = encoder_state(pretrained)


def linear_probe(seed, n_steps):
    """The linear probe of the fine-tuning page."""
    how = {"encoder": encoder, "seed": seed, "n_steps": n_steps}
    return adapt(transfer.build, X_train, y_train, "linear-probe", **how)


still = linear_probe(seed=1, n_steps=1)  # only its head took a step

# %%
# **Predict.** The optimiser gets the parameters of the head and nothing else. What else
# will change: weights, biases, :term:`running statistics`? ``ledger`` lists every tensor,
# each :term:`buffer` included, with a short hash of its numbers: another hash, other
# numbers.
LR = REGIMES["linear-probe"].lr


def naive_probe(model, n_steps=budget.n_steps, seed=1, watch=None):
    """Train the head; the whole network runs in training mode, as in most loops."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad = is_head(name, model)
    batches = shuffled_batches(X_train, y_train, n_steps=n_steps, seed=seed)
    train(model, batches, make_optimizer(model, LR), watch=watch)
    return model


before = ledger(still)
import copy

after = ledger(naive_probe(copy.deepcopy(still)))
print(before.assign(moved=before["sha256"] != after["sha256"]).to_string(index_names=False))

# %%
# The rows that are buffers and moved are the running statistics of
# :class:`~torch.nn.BatchNorm2d` :cite:p:`ioffe2015batchnorm`. No optimiser touches them:
# each forward pass in training mode rewrites them. Dropout stays on in training mode, too.
#
# Run what is frozen once
# -----------------------
# ``features_at_head`` runs the encoder once, in evaluation mode, and returns the head and
# its input. The head trains on these features, so nothing in the encoder can move.
X_val, y_val = transfer.data["validation"]
EVERY = max(1, budget.n_steps // 12)


def follow(probe, seed):
    """Train one probe; return running variance over its start, and accuracy, as it goes."""
    model, seen = transfer.build(seed), []
    load_encoder(model, encoder)
    start = model.bnorm.running_var.clone()

    def watch(step):
        if step % EVERY == 0:
            ratio = (model.bnorm.running_var / start).mean().item()
            seen.append((ratio, evaluate(model, X_val, y_val).mean()))

    probe(model, seed=seed, watch=watch)
    return model, np.transpose(seen)


# %%
def frozen_probe(model, seed, watch):
    """The same head, batches and steps, on features that were computed once."""
    head, X = features_at_head(model, X_train)  # the head is still part of the model
    batches = shuffled_batches(X, y_train, n_steps=budget.n_steps, seed=seed)
    train(head, batches, make_optimizer(head, LR), watch=watch)


probes = {"naive": naive_probe, "frozen": frozen_probe}
runs = {name: [follow(probe, seed) for seed in SEEDS] for name, probe in probes.items()}
variance = {
    name: np.array([seen[0] for _, seen in starts]) for name, starts in runs.items()
}
for name, ratios in variance.items():
    print(f"{name:<7}running variance ends at {ratios[:, -1].mean():.3f} of its start")

# %%
epochs = np.arange(EVERY, budget.n_steps + 1, EVERY) * 16 / len(y_train)
curves = {
    name: (epochs, variance[name], np.array([seen[1] for _, seen in starts]))
    for name, starts in runs.items()
}
ends = {name: ratios[:, -1].mean() for name, ratios in variance.items()}
figure = draw_frozen_figure(
    *curves.values(),
    title="Frozen is not frozen",
    provenance=f"data: {transfer.target.data}",
    alt="Running variance and validation accuracy over epochs. The variance ends at "
    f"{ends['naive']:.2f} of its start when naive, {ends['frozen']:.2f} when frozen.",
)

# %%
# Does it help or hurt?
# ---------------------
# The moved statistics are those of a few labelled people. That can help or hurt. Test
# accuracy is compared within people, after few and after many steps.
scores = {}
for name, starts in runs.items():
    scores[f"{name}, all steps"] = accuracy(transfer, [model for model, _ in starts])
N_FEW = 10
few = {"naive": [], "frozen": []}
for seed in SEEDS:
    few["frozen"].append(linear_probe(seed, N_FEW))
    model = transfer.build(seed)
    load_encoder(model, encoder)
    few["naive"].append(naive_probe(model, N_FEW, seed))
for name, models in few.items():
    scores[f"{name}, {N_FEW} steps"] = accuracy(transfer, models)
print_accuracies(scores, transfer.chance)

# %%
# The same, within people:
WHEN = (f"{N_FEW} steps", "all steps")
PAIRS = [(f"naive, {when}", f"frozen, {when}") for when in WHEN]
costs = compare_within_people(scores, PAIRS, transfer.chance)
for when, gap in zip(WHEN, costs.values(), strict=True):
    low, high = gap.ci
    where = "is above zero" if low > 0 else "is below zero" if high < 0 else "holds zero"
    print(f"naive minus frozen, {when}: the interval {where}")

# %%
# This is one draw of people, and p is corrected for both differences, the intervals are
# not. The :doc:`evidence page </evidence>` has other draws. Whatever the sign, the naive
# probe is not the frozen encoder that you would report.
#
# A common mistake: ``eval()`` once, before the loop
# --------------------------------------------------
# You call ``eval()`` on the network and then train. The loop calls ``train()`` in each
# step, so the network is in training mode again.
model = copy.deepcopy(still).eval()
before = fingerprints(model)
naive_probe(model)
moved = [name for name, bits in fingerprints(model).items() if bits != before[name]]
print(f"moved, head aside: {[name for name in moved if not is_head(name, model)]}")

# %%
# ``freeze_encoder`` is the recovery where the encoder has to run in each step, for instance
# if windows are altered at random (augmentation): before each forward pass it puts the
# encoder into evaluation mode.
model = copy.deepcopy(still)
freeze_encoder(model)
train(
    model,
    shuffled_batches(X_train, y_train, n_steps=60, seed=1),
    make_optimizer(model, 1e-2),
)
moved = [name for name, bits in fingerprints(model).items() if bits != before[name]]
print(f"moved, head aside: {[name for name in moved if not is_head(name, model)]}")

# %%
# Other models
# ------------
# Is this a matter of one small network? The models of Braindecode are built with random
# weights, all their parameters are frozen, and one batch runs in training mode. Models that
# are foundation models by their documentation are counted apart.
table = try_models()
groups = table.groupby(table["foundation"].map({True: "foundation", False: "other"}))
counts = groups[["state moves", "output differs"]].sum().assign(models=groups.size())
print(counts.to_string(index_names=False))
print(f"left out because they take longer: {', '.join(SLOW)}")

# %%
# A *state that moves* is a buffer, such as those of batch normalisation; an *output that
# differs* from evaluation mode can also be dropout. Look at the row of foundation models: a
# state that stands still does not make the output the same.
#
# Exercise: which models move?
# ----------------------------
# Print the names of the models whose state moves, and find one you know.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution</summary>
print(", ".join(table.index[table["state moves"]]))

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# A frozen encoder has parameters and buffers that do not change, and no dropout. Compute
# the features once in evaluation mode, and take fingerprints before and after.
contract = {"tutorial": "plot_74", "version": 1, "data": transfer.target.data}
contract |= {"n_train_subjects": transfer.people["train"]}
contract |= {"n_test_subjects": transfer.people["test"], "chance_level": transfer.chance}
contract |= {"running_var": ends, **means_and_intervals(scores), "n_few_steps": N_FEW}
contract["naive_minus_frozen"] = {
    when: costs[" - ".join(pair)] for when, pair in zip(("few", "all"), PAIRS, strict=True)
}
contract["models_moved"] = int(table["state moves"].sum())
contract["foundation_moved"] = int(table[table["foundation"]]["state moves"].sum())
contract["foundation_differs"] = int(table[table["foundation"]]["output differs"].sum())
contract |= {"n_models": len(table), "n_foundation": int(table["foundation"].sum())}
contract |= {"n_moved_when_frozen": sum(not is_head(name, model) for name in moved)}
contract["subject_overlap"] = transfer.overlap
contract = for_json(contract)
print(json.dumps(contract))
