"""
How little of the network has to learn?
=======================================

Between a frozen encoder and full fine-tuning there are ways that train a small part, or
everything in another order. You compare what they score, train and cost.

.. admonition:: What you will be able to do
   :class: tip

   - train the last block, a low-rank correction, or the head first and then everything;
   - compare them with a probe that has no learning rate;
   - count what adaptation costs.

You need: :doc:`three regimes </auto_examples/plot_73_finetune_pretrained_model>`,
a minute and 1.5 GB of memory.

Tags: :tag:`fine-tuning`, :tag:`transfer`
"""

# %%
# Ways between two ends
# ---------------------
# The data are **simulated**; task and pretraining are those of
# :doc:`plot_73_finetune_pretrained_model`. Each way is a list of stages, and a stage names
# what learns by the beginnings of parameter names.
import json
import os

import _runtime
import numpy as np
import torch
from _adapt_figure import draw_rows_figure
from _model.adapt import pretrain, train_layers
from _model.encoder import encoder_state, load_encoder
from _model.transfer import SEEDS, accuracy, closed_form_probe, open_transfer
from _model.ledger import count_parameters
from _score.scores import compare_within_people, for_json, means_and_intervals
from _score.scores import print_accuracies, values_mean_ci
from _model.training import make_optimizer

# %%
# One encoder, pretrained on the source people.
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-transfer")
transfer = open_transfer(STUDY, _runtime.setup())
X_source, y_source = transfer.data["source"]
X_train, y_train = transfer.data["train"]
n_steps = transfer.budget.pretrain_steps
pretrained = pretrain(transfer.build, X_source, y_source, n_steps=n_steps)
encoder = encoder_state(pretrained)

# %%
# - *linear-probe*: the head. *last-block*: batch normalisation and the head.
# - *LP-FT*: first the head, then everything from there, with half the steps each, because
#   fine-tuning can distort good features before it improves them :cite:p:`kumar2022lpft`.
# - *LoRA*: the head, and a correction of low rank that is added to the spatial filter
#   :cite:p:`hu2022lora`.
# - *keep the head*: full fine-tuning that starts from the old head. It is possible only
#   where both tasks have the same classes, as here.
STAGES = {
    "linear-probe": [("final_layer",)],
    "last-block": [("bnorm", "final_layer")],
    "LoRA, rank 2": [("final_layer", "conv_time_spat.conv_spat.parametrizations.weight.0")],
    "LP-FT": [("final_layer",), ("",)],
    "full-finetune": [("",)],
    "keep the head": [("",)],
}


# %%
# A low-rank correction is the product of a tall and a flat matrix, so it has few numbers.
# PEFT, a library for this, replaces a layer by a corrected one. That fails here: this
# network never calls its two convolutions, it only multiplies their weights. So the
# correction is added to the weight, by ``torch.nn.utils.parametrize``, under the name
# ``parametrizations.weight.0``. It starts at zero.
class LowRank(torch.nn.Module):
    """A weight plus a matrix of low rank."""

    def __init__(self, weight, rank):
        super().__init__()
        rows, columns = len(weight), weight[0].numel()
        self.flat = torch.nn.Parameter(torch.randn(rank, columns) / columns**0.5)
        self.tall = torch.nn.Parameter(torch.zeros(rows, rank))

    def forward(self, weight):
        """The weight that the layer uses."""
        return weight + (self.tall @ self.flat).view_as(weight)


# %%
# Learning rates are not chosen: stages that train the head alone get 1e-2, all others 3e-3.
def start_of(method, seed):
    """The pretrained encoder under a fresh head, prepared for one method."""
    model = transfer.build(seed)
    load_encoder(model, encoder)
    if method == "keep the head":
        model.load_state_dict(pretrained.state_dict())
    if method.startswith("LoRA"):
        layer = model.conv_time_spat.conv_spat
        correction = LowRank(layer.weight, rank=int(method.split()[-1]))
        correction = correction.to(layer.weight.device)
        torch.nn.utils.parametrize.register_parametrization(layer, "weight", correction)
    return model


# %%
# Stages are trained one after the other.
def adapt(method, seed, n_steps=transfer.budget.n_steps):
    """Train the stages of one method, one after the other."""
    model = start_of(method, seed)
    n_each = max(1, n_steps // len(STAGES[method]))
    for learns in STAGES[method]:
        lr = 1e-2 if learns == ("final_layer",) else 3e-3
        train_layers(model, X_train, y_train, learns, lr=lr, n_steps=n_each, seed=seed)
    return model


# %%
# Predict, then run
# -----------------
# Which way comes close to full fine-tuning with the fewest parameters? The *closed-form
# probe* is :class:`~sklearn.linear_model.RidgeClassifier` on the features of the frozen
# encoder: no steps, no learning rate, no seed; validation people choose its penalty.
models = {method: [adapt(method, seed) for seed in SEEDS] for method in STAGES}
scores = {method: accuracy(transfer, starts) for method, starts in models.items()}
learns = {method: count_parameters(starts[0])[1] for method, starts in models.items()}
learns["LP-FT"] = learns["full-finetune"]
scores["closed-form probe"], alpha = closed_form_probe(transfer, encoder)
outputs = len(transfer.target.classes)  # scikit-learn needs one output for two classes
learns["closed-form probe"] = learns["linear-probe"] // (2 if outputs == 2 else 1)
print_accuracies(scores, transfer.chance, learns=learns)
print(f"penalty of the closed-form probe: {alpha:g}")

# %%
# Each way minus full fine-tuning, within people; p is corrected for all of them, the
# intervals are not, so an interval can exclude zero while p is large. An interval that
# holds zero does not show that two ways are equal: with few people it can be wide.
others = [method for method in scores if method != "full-finetune"]
PAIRS = [(method, "full-finetune") for method in others]
gaps = compare_within_people(scores, PAIRS, transfer.chance)
gaps = dict(zip(others, gaps.values(), strict=True))

# %%
order = sorted(scores, key=learns.get)
rows = {f"{m}\n{learns[m]:,} learn": values_mean_ci(scores[m], share=True) for m in order}
means = "; ".join(f"{method} {scores[method].mean():.2f}" for method in order)
figure = draw_rows_figure(
    rows,
    zero=transfer.chance,
    xlabel="test accuracy (dashed: chance)",
    title="How little has to learn?",
    subtitle=f"{transfer.target.question}; people with labels: {transfer.people['train']}",
    provenance=f"data: {transfer.target.data}",
    alt=f"Test accuracy of each way, a dot per person, fewest parameters on top: {means}.",
)

# %%
# What it costs
# -------------
# Floating-point operations are counted by torch, not timed, so they are the same on every
# machine. Every step costs the same, so the cost of all steps follows from runs of one and
# of two. Layers before the first one that learns run once; all others run in every step,
# however few of their parameters learn: compare LoRA with full fine-tuning. The closed-form
# probe is left out, because torch does not count what scikit-learn does.
from torch.utils.flop_counter import FlopCounterMode


def gflop(method, n_steps):
    """Operations of one adaptation of so many steps, in units of 1e9."""
    with FlopCounterMode(display=False) as counter:
        adapt(method, SEEDS[0], n_steps)
    return counter.get_total_flops() / 1e9


costs = {}
for method, stages in STAGES.items():
    few, more = (gflop(method, n * len(stages)) for n in (1, 2))
    costs[method] = few + (transfer.budget.n_steps / len(stages) - 1) * (more - few)
    print(f"{method:<15}{costs[method]:>7.2f} GFLOP")

# %%
# A common mistake: the optimiser was made before the freeze
# ----------------------------------------------------------
# You make the optimiser for everything, run a backward pass, and then freeze a layer. Its
# gradients are still there, so the next step of :class:`~torch.optim.AdamW` moves it.
model = start_of("full-finetune", 1)
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
model(X_train).sum().backward()
weight = model.conv_time_spat.conv_time.weight.requires_grad_(False)
before = weight.clone()
optimizer.step()
print(f"frozen, and moved: {not torch.equal(before, weight)}")

# %%
# The recovery: freeze first, then make an optimiser of what may learn. ``make_optimizer``
# takes nothing else.
before = weight.clone()
make_optimizer(model, 1e-2).step()
print(f"frozen, and moved: {not torch.equal(before, weight)}")

# %%
# Exercise: another rank
# ----------------------
# How many parameters does a correction of rank 8 train, and what does it score?
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution</summary>
STAGES["LoRA, rank 8"] = STAGES["LoRA, rank 2"]
models = [adapt("LoRA, rank 8", seed) for seed in SEEDS]
trained = {"LoRA, rank 8": count_parameters(models[0])[1]}
print_accuracies({"LoRA, rank 8": accuracy(transfer, models)}, transfer.chance, trained)

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# Report for each way what learns, what it costs and what it scores. Other draws of people
# are on the :doc:`evidence page </evidence>`.
contract = {"tutorial": "plot_77", "version": 1, "data": transfer.target.data}
contract |= {"n_train_subjects": transfer.people["train"]}
contract |= {"n_test_subjects": transfer.people["test"], "chance_level": transfer.chance}
contract |= {
    "trainable_params": learns,
    **means_and_intervals(scores),
    "closed_form_alpha": alpha,
}
contract["minus_full"] = {method: gap.mean for method, gap in gaps.items()}
contract["minus_full_p"] = {method: gap.p for method, gap in gaps.items()}
contract["gflop"] = {method: np.round(cost, 2) for method, cost in costs.items()}
contract["subject_overlap"] = transfer.overlap
contract = for_json(contract)
print(json.dumps(contract))
