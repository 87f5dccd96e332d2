"""
A new person arrives: what does a minute of theirs buy?
=======================================================

Your network was trained on other people. Now somebody new puts on the cap. Here every
person of a small study is the new one once, and you measure what their first windows are
worth, with labels and without.

.. admonition:: What you will be able to do
   :class: tip

   - adapt a network to one person, with labels or without;
   - keep statistics from looking ahead;
   - say who gains and who loses.

You need: :doc:`ways to adapt </auto_examples/plot_77_how_little_can_learn>`, a minute and
1 GB of memory.

Tags: :tag:`fine-tuning`, :tag:`transfer`, :tag:`classification`
"""

# %%
# Everybody is new once
# ---------------------
# The people are **simulated**. They differ in where a rhythm projects to, how fast it is,
# and in their electrodes, which drift.
import json
import os

import _model.new_person as new
import _runtime
import numpy as np
import torch
from _model.encoder import encoder_state, load_encoder, precompute_frozen
from _regimes import COMPARED, REGIMES
from _new_person_figure import draw_new_person_figure
from _model.new_person_run import CURVE, run_everybody, run_controls
from _score.scores import difference, interval, print_accuracies, compare_within_people
from _score.scores import for_json, means_and_intervals
from _score.splits import assert_no_leakage
from _model.training import shuffled_batches, evaluate, train, make_optimizer

# %%
# *Own* windows are the first ones of the new person's session, from which a network may be
# calibrated; all later ones are scored once. Chance is one over the number of classes.
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-person")
cohort = new.open_cohort(STUDY, _runtime.setup())
people = cohort.people
print(f"own windows: {cohort.n_own}, seconds: {[cohort.seconds(n) for n in cohort.n_own]}")
print(f"classes: {', '.join(map(str, cohort.study.classes))}; chance {cohort.chance:.2f}")
print(f"scored once, per person: {[len(p.later[1]) for p in people.values()]}")

# %%
# People are new in groups, so that the network is pretrained once per group and not once
# per person; nobody of a group is among the people it is pretrained on.
table, overlap = cohort.study.metadata, 0
for group in cohort.groups:
    is_new = table["subject"].isin(group)
    overlap += assert_no_leakage(table[~is_new], table[is_new])["overlap"]
if cohort.class_is_block:
    print("Classes come in blocks, recordings or parts of one. What differs between the")
    print("blocks of a person (time, drift, gel) counts as class here, so own labels may")
    print("buy too much. Own windows are the first part of each block, later the rest.")
else:
    print("Classes come back within a session, and own windows are its first ones.")

# %%
# Without labels
# --------------
# Three ways use nothing but the signal. *Scaling* gives every channel a standard deviation
# of 1. *Euclidean alignment* makes the mean covariance of a person the identity
# :cite:p:`he2020alignment`. *Batch norm* recomputes the statistics of the normalisation
# layer, which otherwise come from the people of the pretraining :cite:p:`li2016adabn`.
# Scaling and alignment are a matrix over channels that every person gets, in pretraining as
# well.


def without_labels(models, person, seen):
    """Right answers to later windows, with statistics of the windows that were seen."""
    (X, y), right = person.later, {}
    for method in ("scaling", "alignment"):
        matrix = new.SPATIAL[method](seen)
        right[method] = evaluate(models[method], new.apply(matrix, X, method), y)
    adapted = new.recompute_batch_norm(models["as recorded"], seen)
    return right | {"batch norm": evaluate(adapted, X, y)}


# %%
# What matters is ``seen``. *Inductive* statistics come from the own seconds and stay.
# *Transductive* ones come from the whole recording, the windows to be classified included,
# which nobody has while the person sits there. Replace all later windows by noise: what is
# inductive must not change by a byte.
person = people[cohort.groups[0][0]]
for what, seen in {
    "inductive": lambda p: p.own()[0],
    "transductive": lambda p: p.X,
}.items():
    moved = new.uses_later_windows(lambda p, seen=seen: new.alignment(seen(p)), person)
    print(f"{what:<13} alignment looks ahead: {moved}")

# %%
# With labels
# -----------
# *Band power* and *from-scratch* use no data of other people. Two probes keep the encoder
# frozen, one of them in closed form. *Full fine-tuning* puts a fresh head on it, as
# :doc:`plot_73_finetune_pretrained_model` does. *Keep the head* goes on from where
# pretraining ended: the question is the same, only the person is new.
LEARNS = {regime: REGIMES[regime].learns for regime in COMPARED}
LEARNS["keep the head"] = ("",)


# %%
# A few steps on few windows; ``after_step`` is called after each, so that one run tells
# what half of the steps would have given.
def adapt(method, model, X, y, lr, n_steps, after_step=None):
    """A network for one person, from own labelled windows."""
    adapted = cohort.build(1)
    if method == "keep the head":
        adapted.load_state_dict(model.state_dict())
    elif REGIMES[method].starts_from == "pretrained":
        load_encoder(adapted, encoder_state(model))
    for name, parameter in adapted.named_parameters():
        parameter.requires_grad = name.startswith(LEARNS[method])
    learner, X = precompute_frozen(adapted, X)
    batches = shuffled_batches(X, y, n_steps=n_steps, seed=1)
    watch = after_step and (lambda step: after_step(adapted, step))
    train(learner, batches, make_optimizer(learner, lr), watch=watch)
    return adapted


# %%
# Predict, then run
# -----------------
# Which is worth more, labels or a look at the whole recording? Does anybody lose? Write
# both down.
#
# Penalties, learning rates and numbers of steps are chosen on source people who stand in
# for the new one, with a network that was pretrained without them; so is the best way of
# each kind. *Linear-probe* and *full-finetune* are run with all own seconds only.
results = run_everybody(cohort, adapt, without_labels)

# %%
# Balanced accuracy (the mean over classes); intervals are over people. *Zero-shot* is the
# pretrained network as it is, *ahead* means transductive.
final = results.with_all(cohort)
print_accuracies(final, cohort.chance)
print("\nminus zero-shot, p corrected for all ways")
pairs = [(method, "zero-shot") for method in final if method != "zero-shot"]
gains = compare_within_people(final, pairs, cohort.chance)

# %%
# *Chosen* is, for each new person, the way that was best on source people, among all of
# them. *Pretrained* is the best of those that start from the weights of other people:
# minus from-scratch, it says what these weights are worth. Band power and from-scratch see
# the own windows only. What transductive ways have over inductive ones, they have from
# looking ahead.
final["chosen"] = results.of_choice(cohort, "with_labels")
final["pretrained"] = results.of_choice(cohort, "pretrained")
best = dict(final)
for kind, suffix in {"inductive": "", "transductive": ", ahead"}.items():
    best[kind] = results.of_choice(cohort, "without", suffix)
pairs = [(method, "from-scratch") for method in ("pretrained", "band power")]
pairs.append(("transductive", "inductive"))
compare_within_people(best, pairs, cohort.chance)
n_lose = int((final["chosen"] < final["zero-shot"]).sum())
print(f"with own labels, {n_lose} of {len(people)} people score below zero-shot")

# %%
seconds = np.array([cohort.seconds(n) for n in cohort.n_own])
n_classes = len(cohort.study.classes)


def curve(method):
    scores = [results.scores[method, n] for n in cohort.n_own]
    return seconds, [v.mean() for v in scores], [interval(v, share=True) for v in scores]


# %%
free = ("scaling", "alignment", "batch norm")
steps = {"zero-shot": best["zero-shot"], "no labels": best["inductive"]}
means = "; ".join(f"{method} {score.mean():.2f}" for method, score in final.items())
figure = draw_new_person_figure(
    {method: curve(method) for method in free},
    {method: final[f"{method}, ahead"].mean() for method in free},
    {method: curve(method) for method in CURVE},
    steps | {"own labels": best["chosen"]},
    chance=cohort.chance,
    zero_shot=best["zero-shot"].mean(),
    title="What do own seconds buy, and for whom?",
    subtitle=f"{len(people)} people, each the new one once; classes: {n_classes}",
    provenance=f"data: {cohort.study.data}",
    alt=f"Accuracy by own seconds, and a line per person; with all of them: {means}.",
)

# %%
# Is it the person, and is it the label?
# --------------------------------------
# Two controls go through *keep the head* with everything as before: the own labels
# shuffled, and instead of the own windows those of another person who is new to the
# network too.
control = run_controls(cohort, results, adapt)
against = {**control, "keep the head": final["keep the head"]}
pairs = [("keep the head", what) for what in control]
controls = compare_within_people(against, pairs, cohort.chance)


# %%
# A common mistake: a root that is not there
# ------------------------------------------
# You align windows after an average reference with the textbook's ``C ** -0.5``. The
# channels now add up to zero, so one eigenvalue of the covariance is zero up to rounding.
def inverse_root(C):
    values, vectors = torch.linalg.eigh(C)
    return vectors * values**-0.5 @ vectors.mT


X = {s: p.X.double() - p.X.double().mean(dim=1, keepdim=True) for s, p in people.items()}
roots = {s: inverse_root(new.covariance(windows)) for s, windows in X.items()}
broken = [s for s, root in roots.items() if not torch.isfinite(root).all()]
print(f"not finite: {len(broken)} of {len(people)} people; amplified rounding: the others")
for subject in broken[:1]:
    model, y = results.models[subject]["alignment"], people[subject].y
    guess = evaluate(model, (roots[subject] @ X[subject]).float(), y)
    print(f"a network takes it: {new.balanced_accuracy(guess, y)}, chance {cohort.chance}")
    try:
        new.apply(roots[subject], X[subject], "C ** -0.5")
    except new.NewPersonError as error:
        print(f"{type(error).__name__}: {error}")

# %%
# The recovery is to whiten only the directions that have a variance.
for subject in broken[:1]:
    matrix = new.alignment(X[subject])
    rank = torch.linalg.matrix_rank(matrix)
    right = evaluate(model, new.apply(matrix, X[subject], "alignment"), y)
    print(f"rank {rank} of {len(matrix)}: {new.balanced_accuracy(right, y):.3f}")

# %%
# Exercise: align, then learn
# ---------------------------
# Does *keep the head* gain from alignment? Start from the aligned network and give it
# windows aligned by the own seconds.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution</summary>
both = []
for subject, person in people.items():
    models, choice = results.models[subject], results.choices[subject]
    (X, y), (X_later, y_later) = person.own(), person.later
    matrix, method = new.alignment(X), "keep the head"
    aligned = new.apply(matrix, X)
    adapted = adapt(method, models["alignment"], aligned, y, *choice.settings[method])
    right = evaluate(adapted, new.apply(matrix, X_later), y_later)
    both.append(new.balanced_accuracy(right, y_later))
print(f"aligned - as recorded: {difference(np.array(both), final['keep the head'])}")

# %%
# .. raw:: html
#
#    </details>
#
# What the result means
# ---------------------
# What own seconds buy depends on how far people are from each other. In the study
# ``simulated-person-effect0`` they are alike: run the page on it. Which gain goes, and
# which grows? Other draws of people are on the :doc:`evidence page </evidence>`.
# Intervals over few people are wide :cite:p:`varoquaux2018cv`.
gap = difference(best["pretrained"], best["from-scratch"])
print(f"pretrained over from-scratch, half an interval: {np.ptp(gap.ci) / 2:.3f}")

# %%
# The line has every way with all own seconds.
contract = {"tutorial": "plot_78", "version": 2, "data": cohort.study.data}
contract |= {"n_people": len(people), "chance_level": cohort.chance}
contract["shift"] = cohort.study.effect
contract["own_seconds"] = float(seconds[-1])
contract["class_is_block"] = cohort.class_is_block
contract |= means_and_intervals(final)
choices = [results.choices[group[0]] for group in cohort.groups]
# One name where all groups chose the same.
contract["best_method"] = " / ".join(sorted({c.with_labels for c in choices}))
contract["best_pretrained"] = " / ".join(sorted({c.pretrained for c in choices}))
contract["best_unlabelled"] = " / ".join(sorted({c.without for c in choices}))

# %%
gaps = {"gap_vs_scratch": gap}
gaps["band_power_gap"] = difference(best["band power"], best["from-scratch"])
for kind in ("inductive", "transductive"):
    gaps[f"{kind}_gain"] = difference(best[kind], best["zero-shot"])
for name, gap in gaps.items():
    contract |= {name: gap.mean, f"{name}_ci": gap.ci}
means = [gain.mean for gain in controls.values()]
contract["minus_control"] = dict(zip(control, means, strict=True))
contract |= {"n_lose": n_lose, "subject_overlap": overlap}
contract = for_json(contract | {"accuracy_ci": for_json(contract["accuracy_ci"], 3)})
print(json.dumps(contract))
