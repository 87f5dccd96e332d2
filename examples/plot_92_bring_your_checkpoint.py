"""
How do I adapt my own checkpoint?
=================================

A checkpoint was trained on other electrodes, at another rate and in another unit than your
recordings, and :doc:`most models take a wrong order, rate or unit </models>` without an
error. Here you bring your windows to it, adapt it, and leave it for the next person.

.. admonition:: What you will be able to do
   :class: tip

   - read a checkpoint, and see what its windows were like;
   - match electrodes, rate and scale;
   - adapt any Braindecode model, and share it.

You need: :doc:`three regimes </auto_examples/plot_73_finetune_pretrained_model>`, a minute
and 1.5 GB of memory. Nothing is downloaded.

Tags: :tag:`fine-tuning`, :tag:`transfer`
"""

# %%
# A checkpoint to bring
# ---------------------
# The signals are **simulated**. Yours: see *Wrap-up*.
import json
import os

import _runtime
import numpy as np
import torch
from _adapt_figure import draw_rows_figure
from _model.fit import channel_infos
from _model.share import open_checkpoint, share
from _model.encoder import encoder_state, is_head, precompute_frozen
from _model.transfer import open_transfer
from _score.scores import difference, values_mean_ci, per_subject, print_accuracies
from _score.scores import compare_within_people, for_json, means_and_intervals
from _model.training import shuffled_batches, evaluate, train, make_optimizer, to_tensors
from mne.filter import resample

# %%
# People are split as on the page about three regimes: source people, target people with
# labels, validation people who choose, and test people.
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-transfer")
device = _runtime.setup()  # one thread, and CUDA if it is there
yours = os.environ.get("EEG_TUTORIAL_CHECKPOINT")  # is looked at before the study
checkpoint = open_checkpoint(yours, device) if yours else None
transfer = open_transfer(STUDY, device)
source, target = transfer.source, transfer.target
budget = transfer.budget

# %%
# Without a checkpoint of yours, the page makes one. Another laboratory has its electrodes
# sorted by name, at 200 Hz.


def record_elsewhere(rate=200.0):
    """Windows of the source people as recorded there, and what a model is told."""
    names = sorted(source.ch_names)
    order = [source.ch_names.index(name) for name in names]
    windows = source.windows[:, order].astype(float)
    windows = resample(windows, up=rate, down=source.sfreq, verbose="ERROR")
    there = {"n_chans": len(names), "chs_info": channel_infos(names), "sfreq": rate}
    return windows.astype("float32"), there | {"n_times": windows.shape[2]}


# %%
# It trains a small :class:`~braindecode.models.BIOT` :cite:p:`yang2023biot`. Like other
# foundation models this one has attention, layer normalisation and dropout; with two layers
# it trains in seconds.
from braindecode.models import BIOT


def train_elsewhere():
    """Train and share a small BIOT on the source people."""
    windows, there = record_elsewhere()
    small = {"embed_dim": 64, "num_heads": 4, "num_layers": 2, "max_seq_len": 512}
    torch.manual_seed(0)
    model = BIOT(n_outputs=len(source.classes), **there, **small).to(device)
    X, y = to_tensors(windows, source.targets, device)
    batches = shuffled_batches(X, y, n_steps=budget.pretrain_steps, batch_size=32)
    train(model, batches, make_optimizer(model, 1e-3))
    card = {"licence": "cc0-1.0", "origin": source.data, "about": "Made for a tutorial."}
    return share(model, f"elsewhere-{source.name}", scale="window", **card)


# %%
# Read it as data
# ---------------
# A folder from a stranger is read as data, never as code: classes come from a list, pickles
# are not opened, and every tensor has to find its place. ``from_pretrained`` is not strict
# by default: it takes a folder of another class, loads nothing, and says nothing.
checkpoint = checkpoint or open_checkpoint(train_elsewhere(), device)
expected = checkpoint.expected
total = sum(parameter.numel() for parameter in checkpoint.network.parameters())
print(f"{expected.kind}, {total:,} parameters, ", end="")
print(f"licence of the weights: {checkpoint.licence}")
print(f"electrodes: {', '.join(expected.channels)}")
print(f"windows: {expected.n_times} samples at {expected.sfreq:g} Hz, ", end="")
print(f"scale: {expected.scale}")

# %%
# The file with the weights does not hold any of this. ``config.json`` holds the electrodes
# and the rate if whoever saved it gave them to the model; how windows were scaled stands in
# neither. For classes with published weights, the scale of those weights is taken; anything
# else that nobody says is asked for. Scale *window*: each window is divided by its own
# standard deviation.
#
# Bring the windows to it
# -----------------------
# Electrodes are matched by name. One that your cap lacks is estimated from the places of
# the others, by a spherical spline
# (:class:`~braindecode.modules.ChannelInterpolationLayer`). To have such a case, the second
# electrode of the simulated cap is taken away first.
ch_names = list(target.ch_names)
if target.data == "simulated":
    ch_names.remove(ch_names[1])
recorded = target.windows[:, [target.ch_names.index(name) for name in ch_names]]
X, steps = checkpoint.windows(recorded, ch_names, target.sfreq)
for what, names in steps.items():
    print(f"{what:<13}{', '.join(names) or 'none'}")
print(f"{recorded.shape[1:]} -> {X.shape[1:]}")

# %%
# One function makes the network of each regime. The encoder is taken over under a fresh
# head, which has the outputs of the new task; the old head belongs to another one.
X, y = torch.tensor(X, device=device), torch.tensor(target.targets, device=device)
data = {part: (X[rows], y[rows]) for part, rows in transfer.parts.items()}
(X_train, y_train), (X_val, y_val) = data["train"], data["validation"]


def adapt(regime, seed, lr):
    """One regime: the network, and how many validation windows it gets right."""
    torch.manual_seed(seed)  # regimes that share a seed share their starting head
    pretrained = regime != "from-scratch"
    network, _ = checkpoint.model(X.shape[2], len(target.classes), keep=pretrained)
    for name, parameter in network.named_parameters():
        parameter.requires_grad = regime != "linear-probe" or is_head(name, network)
    learner, A, A_val = precompute_frozen(network, X_train, X_val)
    batches = shuffled_batches(A, y_train, n_steps=budget.n_steps, seed=seed)
    train(learner, batches, make_optimizer(learner, lr))
    return network, int(evaluate(learner, A_val, y_val).sum())


# %%
# Every tensor of the encoder has to arrive; those that were different before show that
# they did.
_, loaded = checkpoint.model(X.shape[2], len(target.classes))
print(f"under a fresh head: {loaded}")

# %%
# Predict, then run
# -----------------
# The checkpoint was trained on other people. How much does it gain over the same network
# from scratch?
#
# Validation people choose the learning rate of each regime, with the first initialisation,
# and then the regime; a tie goes to the lower rate, and to fewer trainable parameters.
RATES = {
    "linear-probe": (3e-3, 1e-2, 3e-2),
    "full-finetune": (1e-3, 3e-3),
    "from-scratch": (1e-3, 3e-3),
}
SEEDS = (1, 2, 3)

# %%
lr, runs = {}, {}
for regime, rates in RATES.items():
    tried = {rate: adapt(regime, SEEDS[0], rate) for rate in rates}
    lr[regime] = max(rates, key=lambda rate: tried[rate][1])  # the first of equals
    more = [adapt(regime, seed, lr[regime]) for seed in SEEDS[1:]]
    runs[regime] = [tried[lr[regime]], *more]
n_correct = {regime: sum(n for _, n in tried) for regime, tried in runs.items()}
n_val, best = len(SEEDS) * len(y_val), max(n_correct, key=n_correct.get)
print(f"of {n_val} ({len(SEEDS)} initialisations, {len(y_val)} windows) right: {n_correct}")
print(f"chosen: {best}; learning rates: {lr}")

# %%
# The probe must not have moved what it was given.
kept = encoder_state(checkpoint.network)
after = [encoder_state(network) for network, _ in runs["linear-probe"]]
still = all(torch.equal(state[name], kept[name]) for state in after for name in kept)
print(f"the encoder of the probe is the same, bit for bit: {still}")

# %%
# Look at the test people
# -----------------------
# Accuracy is computed per person and averaged over initialisations; the interval is over
# people. p is corrected for both differences (Holm), the intervals are not.
hits, accuracies = {}, {}
for regime, tried in runs.items():
    hits[regime] = [evaluate(network, *data["test"]) for network, _ in tried]
    accuracies[regime] = per_subject(np.mean(hits[regime], 0), transfer.subjects)
print_accuracies(accuracies, transfer.chance, hits=hits)
pairs = [(regime, "from-scratch") for regime in list(runs)[:2]]
compare_within_people(accuracies, pairs, transfer.chance)
gain = difference(accuracies[best], accuracies["from-scratch"])
print(f"gain of {best}, which was chosen, over from-scratch: {gain.mean:+.3f}")

# %%
# The same, person by person:
means = ", ".join(f"{regime} {rows.mean():.2f}" for regime, rows in accuracies.items())
figure = draw_rows_figure(
    {r: values_mean_ci(accuracy, share=True) for r, accuracy in accuracies.items()},
    zero=transfer.chance,
    xlabel="accuracy of a test person",
    title=f"What does a checkpoint of {expected.kind} buy?",
    subtitle=f"{target.question}; people with labels: {transfer.people['train']}",
    provenance=f"data: {target.data}",
    alt=f"Test accuracy of each person by regime ({means}), beside chance.",
)

# %%
# A common mistake: windows as they are
# -------------------------------------
# You give the adapted network windows that it takes, but something on the way was wrong:
# the order of electrodes, the rate or the size. Below, one mistake at a time for the
# validation people.
rows = transfer.parts["validation"]
unchanged, _ = checkpoint.windows(recorded[rows], ch_names, expected.sfreq)
given = {
    "all steps": X_val,
    "electrodes reversed": X_val.flip(1),
    "rate as recorded": torch.tensor(unchanged, device=device),
    "a hundred times larger": 100 * X_val,
}
for what, windows in given.items():
    try:
        right = sum(int(evaluate(m, windows, y_val).sum()) for m, _ in runs[best])
        print(f"{what:<24}no error, {right} of {n_val} validation answers right")
    except (RuntimeError, ValueError) as error:
        print(f"{what:<24}{type(error).__name__}: {str(error).splitlines()[0][:70]}")

# %%
# Where there is no error, nothing but a lower score tells you, and with few windows it may
# not. The recovery is the first row: ``checkpoint.windows`` with the names and the rate of
# the recording.
#
# Share it
# --------
# ``save_pretrained`` writes the licence of the *class* beside the weights.
# ``share_or_keep`` writes the licence of the weights they came from, how windows were
# scaled, the number of people and the score. A licence that forbids modified copies, or
# that nobody knows, is refused, and the copy stays here. Whoever loads it should get the
# same answers.
network, score = runs[best][0][0], accuracies[best].mean()
about = f"{best} on {transfer.people['train']} people; accuracy {score:.2f} on "
whose = "simulated people" if target.data == "simulated" else f"people of {target.data}"
about += f"{transfer.people['test']} {whose}, chance {transfer.chance:.2f}."
shared = checkpoint.share_or_keep(network, f"adapted-{target.name}", about)
print((shared / "README.md").read_text("utf-8"))

# %%
# **Exercise.** Load the folder as a stranger would, and compare the answers to the windows
# of the test people with those of the network that was saved.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution</summary>
again, X_test = open_checkpoint(shared, device), data["test"][0]
with torch.no_grad():
    same = torch.equal(again.network(X_test), network.eval()(X_test))
print(f"the same answers, bit for bit: {same}; {again.expected.scale}")

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# A checkpoint is weights *and* the windows they were trained on: electrodes in their order,
# rate, length and scale. Shapes are checked when weights are loaded; the rest is up to you.
# :doc:`plot_75_what_explains_the_gain` shows how to find out whether a gain is due to the
# pretraining.
#
# **Your own.** Give a folder that ``save_pretrained`` wrote, or an id on the hub; its size
# is printed before anything is fetched. Weights of the hub were not run where this site is
# built. If the page lacks something, it says what to set:
#
# .. code-block:: console
#
#    $ export EEG_TUTORIAL_CHECKPOINT=path/to/folder EEG_TUTORIAL_STUDY=path/to/bids
#    $ python plot_92_bring_your_checkpoint.py

# %%
# The :term:`contract`: first what was brought and on whom, then the result.
asked = {"tutorial": "plot_92", "version": 1, "data": target.data}
asked |= {"checkpoint": checkpoint.origin, "model": expected.kind, "total_params": total}
asked |= {"tensors_loaded": loaded.n, "tensors_total": loaded.of}
asked |= {"n_by_name": len(steps["by name"]), "n_by_position": len(steps["by position"])}
asked |= {"n_train_subjects": transfer.people["train"], "chance_level": transfer.chance}
asked |= {"n_test_subjects": transfer.people["test"], "subject_overlap": transfer.overlap}
asked |= {"frozen_state_unchanged": still, "reloaded_unchanged": same}

# %%
contract = asked | {"best_regime": best, "gap_vs_scratch": gain.mean}
contract |= {"gap_vs_scratch_ci": gain.ci, "n_val_windows": n_val}
contract |= means_and_intervals(accuracies) | {"lr": lr, "val_n_correct": n_correct}
contract = for_json(contract)
print(json.dumps(contract))
