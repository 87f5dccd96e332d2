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
   - report a score with an interval over people and its distance from chance.

You need: Python, a little PyTorch, a laptop.
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
from typing import NamedTuple

import _study
import numpy as np
import pandas as pd
import torch
from _finetune_figure import draw_finetune_figure
from _splits import assert_no_leakage, split_subjects

torch.set_num_threads(1)  # fast for a small model, and the same sums every time
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
# :cite:p:`brookshire2024leakage`. Test people are looked at once, at the end; validation
# people make every choice before that; the labelled people are the few we train on.
# All three groups are drawn at random.
N_LABELLED, N_VALIDATION, N_TEST = 2, 4, 16
parts = split_subjects(
    target.metadata,
    {"test": N_TEST, "validation": N_VALIDATION, "train": N_LABELLED},
    seed=0,
)
rows = {name: target.metadata.iloc[index] for name, index in parts.items()}
people = {name: table["subject"].nunique() for name, table in rows.items()}
seen = pd.concat([rows["train"], rows["validation"]])
reports = [
    assert_no_leakage(source.metadata, target.metadata),
    assert_no_leakage(rows["train"], rows["validation"]),
    assert_no_leakage(seen, rows["test"]),
]

# %%
# Amplitude differs between people for reasons that have nothing to do with the task. Each
# window is divided by its own standard deviation, averaged over channels: no statistic is
# borrowed from anyone else, so nothing can leak.
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def to_tensors(study):
    scale = study.windows.std(axis=-1, keepdims=True).mean(axis=1, keepdims=True)
    X = torch.tensor(study.windows / scale, device=DEVICE)
    return X, torch.tensor(study.targets, device=DEVICE)


X_source, y_source = to_tensors(source)
X_target, y_target = to_tensors(target)
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
# rewrites them while it trains. ``final_layer`` is the **head**. Everything before it is
# the **encoder**, the part worth pretraining. A regime says where the weights come from and
# which of them learn:
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
    frozen = sum(p.numel() for p in model.parameters() if not p.requires_grad)
    trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return model, (frozen, trainable, sum(p.numel() for p in model.parameters()))


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


@torch.no_grad()
def evaluate(module, X, y):
    """Which windows are classified correctly, as an array of bool."""
    module.eval()
    return (module(X).argmax(dim=1) == y).cpu().numpy()


def adamw_loop(module, X, y, *, lr, n_steps=80, batch_size=16, seed=0, watch=None):
    """Train in place; return (epoch, validation accuracy) rows from along the way."""
    order = torch.Generator().manual_seed(seed)
    learning = [p for p in module.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=lr, weight_decay=1e-4)
    deck, history = torch.empty(0, dtype=torch.long), []
    for step in range(1, n_steps + 1):
        if len(deck) < batch_size:
            deck = torch.cat([deck, torch.randperm(len(X), generator=order)])
        batch, deck = deck[:batch_size].to(X.device), deck[batch_size:]
        module.train()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(module(X[batch]), y[batch]).backward()
        optimizer.step()
        if watch and step % 8 == 0:
            history.append((step * batch_size / len(X), evaluate(module, *watch).mean()))
    return np.array(history)


# %%
# Layers in front of the first one that learns give the same answer in every step. They run
# once, and what learns trains on their stored output.


def split_where_learning_starts(model, *inputs):
    """The part of the model that learns, and the inputs as that part sees them."""
    layers = list(model.children())
    learns = [any(p.requires_grad for p in layer.parameters()) for layer in layers]
    first = learns.index(True)
    still = torch.nn.Sequential(*layers[:first]).eval()
    with torch.no_grad():
        outputs = [still(X) for X in inputs]
    # In this memory layout a CPU convolves faster.
    outputs = [X.contiguous(memory_format=torch.channels_last) for X in outputs]
    return torch.nn.Sequential(*layers[first:]), *outputs


# %%
# **Pretraining** uses the source people only. The encoder is saved without its head: the
# head answers the old question.
pretrained = build_model(0)
learner, X = split_where_learning_starts(pretrained, X_source)
adamw_loop(learner, X, y_source, lr=2e-3, n_steps=150, batch_size=64)
encoder = {
    name: value.cpu()
    for name, value in pretrained.state_dict().items()
    if not name.startswith("final_layer")
}

checkpoint = CACHE / f"encoder-{source.name}.pt"
unfinished = checkpoint.with_suffix(f".{os.getpid()}.tmp")
torch.save(encoder, unfinished)
unfinished.replace(checkpoint)  # whole or not at all, also when two runs share the cache


def load_encoder(model, path=checkpoint):
    """Put the saved encoder under a fresh head; nothing may be missing but the head."""
    loaded = model.load_state_dict(torch.load(path, weights_only=True), strict=False)
    astray = [k for k in loaded.missing_keys if not k.startswith("final_layer")]
    if astray or loaded.unexpected_keys:
        raise RuntimeError(f"{path} does not fit this model: {loaded}")
    return model


zero_shot = evaluate(pretrained, *data["validation"]).mean()
print(f"pretrained model as it is, on the validation people: {zero_shot:.3f}")

# %%
# Frozen means that nothing moves
# -------------------------------
# ``requires_grad = False`` stops the optimiser, but batch normalisation keeps updating its
# running statistics in every forward pass in training mode :cite:p:`ioffe2015batchnorm`,
# and dropout keeps dropping: a surprise reported again and again (`PyTorch issue 86590
# <https://github.com/pytorch/pytorch/issues/86590>`__). So everything in front of the first
# layer that learns has run **once**, in evaluation mode, and the rest trains on the stored
# features: nothing is left that could move, and the probe's head trains without dropout. A
# fingerprint of the encoder's parameters and buffers, taken before and after, shows whether
# it held still.
import hashlib


def fingerprint(model):
    """SHA-256 over all parameters and buffers of the encoder."""
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        if not name.startswith("final_layer"):
            digest.update(name.encode() + value.cpu().numpy().tobytes())
    return digest.hexdigest()


# %%
# One adaptation, from loading to the last step.
class Run(NamedTuple):
    model: torch.nn.Module
    history: np.ndarray  # (epoch, validation accuracy) rows
    encoder_unchanged: bool


def adapt(regime, seed, lr, data=data):
    model = build_model(seed)
    if regime != "from-scratch":
        load_encoder(model)
    model, _ = configure_regime(model, regime)
    before = fingerprint(model)
    (X, y), (X_val, y_val) = data["train"], data["validation"]
    learner, X, X_val = split_where_learning_starts(model, X, X_val)
    history = adamw_loop(learner, X, y, lr=lr, seed=seed, watch=(X_val, y_val))
    return Run(model, history, fingerprint(model) == before)


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
SEEDS = (1, 2, 3)


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
# Look at the test people, once
# -----------------------------
# The unit is the person: accuracy is computed per person, averaged over initialisations,
# and the interval resamples people (:func:`scipy.stats.bootstrap`). Classes are balanced,
# so chance is known by design. Intervals matter because a few people are easily lucky
# :cite:p:`varoquaux2018cv,combrisson2015chance`. They say how much the *test* people could
# vary; other labelled people, or another pretrained encoder, would vary the result further.
from scipy.stats import bootstrap

test_subjects = rows["test"]["subject"].to_numpy()


def per_subject(models):
    """Accuracy of each test person, mean over initialisations."""
    correct = np.mean([evaluate(model, *data["test"]) for model in models], axis=0)
    return pd.Series(correct).groupby(test_subjects).mean().to_numpy()


def interval(values):
    """95 % percentile bootstrap interval of a mean over people."""
    rng = np.random.default_rng(0)
    found = bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=rng)
    return [float(end) for end in found.confidence_interval]


chance = 1 / len(target.classes)
accuracies = {r: per_subject([run.model for run in c.runs]) for r, c in chosen.items()}

# %%
# ``zero-shot`` is the pretrained model as it is, head included: nothing learns, so it is
# what every regime has to beat. Brackets hold intervals; the last column is the mean
# difference from training from scratch, taken within each person.


def with_interval(values, sign=""):
    low, high = interval(values)
    return f"{values.mean():{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def print_table(accuracies):
    print(f"{'':<15}{'learns':>7}  {'accuracy':<22}{'over chance':<13}over from-scratch")
    for regime, values in accuracies.items():
        trainable = counts[regime][1] if regime in counts else 0
        gap = with_interval(values - accuracies["from-scratch"], "+")
        print(
            f"{regime:<15}{trainable:>7,}  {with_interval(values):<22}"
            f"{values.mean() - chance:<+13.3f}{'-' if regime == 'from-scratch' else gap}"
        )


print_table({"zero-shot": per_subject([pretrained]), **accuracies})
moving_or_frozen = accuracies["full-finetune"] - accuracies["linear-probe"]
print(f"\nfull-finetune over linear-probe: {with_interval(moving_or_frozen, '+')}")

# %%
# Was your order right? If the interval of a difference contains zero, these people do not
# settle the matter, whatever the order of the means.
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

# %%
# The ranking belongs to this task and this number of labelled people. Benchmarks of large
# pretrained EEG models find that probing often falls short and that networks trained from
# scratch stay competitive :cite:p:`liu2026eegfm`. Fine-tuning can also distort pretrained
# features, which is a reason to probe first and fine-tune after :cite:p:`kumar2022lpft`.
#
# A common mistake: channels that do not match
# --------------------------------------------
# Somebody sends recordings with one electrode missing and the rest in another order.
recorded = list(target.ch_names[::-1])
recorded.remove(target.ch_names[3])
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
again = [adapt(best_regime, seed, lr, without).model for seed in SEEDS]
for what, models, (X, y) in [
    ("right order", adapted, data["validation"]),
    ("reversed order, no error", adapted, (X_val.flip(1), y_val)),
    ("one missing, matched by name", adapted, without["validation"]),
    ("one missing, matched, adapted without it", again, without["validation"]),
]:
    print(f"{what:<43}{np.mean([evaluate(model, X, y).mean() for model in models]):.3f}")

# %%
# Modify: let the last block learn
# --------------------------------
# Between the probe and full fine-tuning there is a middle way: batch normalisation and head
# learn, the convolutions stay. Add the regime ``"last-block"`` to ``LEARNS`` and ``GRID``,
# and run it through the functions above. How many parameters learn? Predict its row, then
# unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution</summary>
LEARNS["last-block"] = ("bnorm", "final_layer")
GRID["last-block"] = GRID["full-finetune"]
counts["last-block"] = configure_regime(build_model(0), "last-block")[1]
last_block = [run.model for run in choose("last-block").runs]
print_table({**accuracies, "last-block": per_subject(last_block)})

# %%
# .. raw:: html
#
#    </details>
#
# The test people had been looked at before this row was added, so read it as exploration.
# It is not part of the result below.
#
# Wrap-up
# -------
# - A regime is two decisions: where the weights come from, and which of them learn.
# - Frozen is a claim about parameters *and* buffers. Take a fingerprint.
# - Validation people choose learning rate and regime; test people are asked once.
# - A score comes with an interval over people, a difference with a paired one.
#
# **Try it yourself.** Train on four or eight people (``N_LABELLED``): where does training
# from scratch catch up? Change ``seed=`` in the split: how much of the ranking survives
# other people? Run the page on real EEG :cite:p:`zyma2019arithmetic`; the size of the
# download is printed before anything is fetched:
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
rounded = {regime: round(values.mean(), 4) for regime, values in accuracies.items()}
contract = {
    "tutorial": "plot_73",
    "version": 1,
    "data": target.data,
    "pretrain_task": f"{source.question} (source cohort)",
    "target_task": f"{target.question} (target cohort)",
    "n_train_subjects": people["train"],
    "n_val_subjects": people["validation"],
    "n_test_subjects": people["test"],
    "best_regime": best_regime,
    "best_accuracy": rounded[best_regime],
    "chance_level": round(chance, 4),
    "gap_vs_chance": round(rounded[best_regime] - chance, 4),
    "gap_vs_scratch": round(rounded[best_regime] - rounded["from-scratch"], 4),
    "gap_vs_scratch_ci": [round(end, 4) for end in interval(best - scratch)],
    "trainable_params": {regime: counts[regime][1] for regime in accuracies},
    "total_params": counts[best_regime][2],
    "accuracy": rounded,
    "accuracy_ci": {
        r: [round(end, 4) for end in interval(v)] for r, v in accuracies.items()
    },
    "lr": {regime: choice.lr for regime, choice in chosen.items()},
    "frozen_state_unchanged": held_still["linear-probe"],
    "subject_overlap": sum(report["overlap"] for report in reports),
}
print(json.dumps(contract))

# %%
# References
# ----------
# The network is from :cite:t:`schirrmeister2017`; probing before fine-tuning from
# :cite:t:`kumar2022lpft`; the real study from :cite:t:`zyma2019arithmetic`. Full records
# are on the :doc:`references page </references>`.
