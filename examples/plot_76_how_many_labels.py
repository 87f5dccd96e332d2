"""
How many labels make pretraining superfluous?
=============================================

Each labelled person costs you an afternoon. On this page you double their number step by
step and watch what remains of the advantage of a pretrained encoder.

.. admonition:: What you will be able to do
   :class: tip

   - grow a budget of people in nested groups;
   - find where the gain of pretraining is no longer measurable;
   - use a probe that has no learning rate.

You need: :doc:`three regimes </auto_examples/plot_73_finetune_pretrained_model>`,
a minute and 1.5 GB of memory.

Tags: :tag:`fine-tuning`, :tag:`transfer`
"""

# %%
# Budgets of people
# -----------------
# The data are **simulated**; task and pretraining are those of
# :doc:`plot_73_finetune_pretrained_model`. A larger group contains the smaller ones, so a
# curve changes by adding people and not by exchanging them. Test people stay the same.
import json
import os

import _runtime
import numpy as np
from _adapt_figure import draw_labels_figure
from _model.adapt import adapt, pretrain
from _model.encoder import encoder_state
from _regimes import COMPARED
from _model.transfer import accuracy, closed_form_probe, open_transfer
from _score.scores import interval, compare_within_people, for_json, with_interval
from _score.splits import SplitError, split_subjects

# %%
# One encoder, pretrained on the source people, and the groups of labelled people:
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-transfer")
transfer = open_transfer(STUDY, _runtime.setup())
X_source, y_source = transfer.data["source"]
n_steps = transfer.budget.pretrain_steps
encoder = encoder_state(pretrain(transfer.build, X_source, y_source, n_steps=n_steps))
budgets = [n for n in transfer.budget.n_labelled_curve if n in transfer.data]
for n in budgets:
    print(f"{n:>3} people, {len(transfer.data[n][1]):>4} labelled windows")

# %%
# Predict, then run
# -----------------
# At which number of people does training from scratch overtake the linear probe? From
# which on is its difference to full fine-tuning too small for these test people to show?
# Write down both.
#
# Every budget gets one initialisation and the same number of steps. Learning rates are the
# middle ones of :doc:`plot_73_finetune_pretrained_model`, so no regime is tuned along the
# curve. The last way has no steps: a :class:`~sklearn.linear_model.RidgeClassifier` on the
# features of the frozen encoder, solved in closed form, with its penalty chosen on
# validation people.
scores = {regime: {} for regime in (*COMPARED, "closed-form probe")}
how = {"encoder": encoder, "seed": 1, "n_steps": transfer.budget.n_steps}
for n in budgets:
    X, y = transfer.data[n]
    for regime in COMPARED:
        model = adapt(transfer.build, X, y, regime, **how)
        scores[regime][n] = accuracy(transfer, [model])
    scores["closed-form probe"][n], _ = closed_form_probe(transfer, encoder, train=n)
for regime, by_budget in scores.items():
    print(f"\n{regime}")
    for n, values in by_budget.items():
        print(f"{n:>3} people  {with_interval(values, share=True)}")

# %%
curves = {
    regime: np.array(
        [(n, v.mean(), *interval(v, share=True)) for n, v in by_budget.items()]
    ).T
    for regime, by_budget in scores.items()
}
means = "; ".join(f"{r} {' '.join(f'{m:.2f}' for m in c[1])}" for r, c in curves.items())
figure = draw_labels_figure(
    curves,
    chance=transfer.chance,
    title="How many labelled people replace the pretraining?",
    subtitle=f"{transfer.target.question}; {transfer.people['test']} test people",
    provenance=f"data: {transfer.target.data}",
    alt=f"Test accuracy against {', '.join(map(str, budgets))} labelled people: {means}.",
)

# %%
# What pretraining is still worth
# -------------------------------
# The difference between full fine-tuning and training from scratch within people, per
# budget; p is corrected for all budgets. Where the interval holds zero, it is open whether
# pretraining still helps: it does not show that both are equal.
full = {f"full, {n}": values for n, values in scores["full-finetune"].items()}
scratch = {f"scratch, {n}": values for n, values in scores["from-scratch"].items()}
PAIRS = [(f"full, {n}", f"scratch, {n}") for n in budgets]
gains = dict(
    zip(budgets, compare_within_people(full | scratch, PAIRS).values(), strict=True)
)
open_ones = [n for n, gain in gains.items() if gain.ci[0] <= 0]
one, other = scores["from-scratch"], scores["linear-probe"]
above = [n for n in budgets if one[n].mean() > other[n].mean()]
print(f"interval holds zero or is below it at: {open_ones or 'no budget'}")
print(f"from-scratch is above the linear probe at: {above}")

# %%
# A common mistake: more people than there are
# --------------------------------------------
# You ask for more people than the pool has, because validation and test people have to
# stay apart.
table = transfer.target.metadata
n_people = table["subject"].nunique()
sizes = {"test": transfer.people["test"], "validation": transfer.people["validation"]}
try:
    split_subjects(table, sizes | {"train": n_people}, rest="pool", seed=0)
except SplitError as error:
    print(f"{type(error).__name__}: {error}")

# %%
# The recovery is to make the rest of a split the pool, and to take people from it.
pool = split_subjects(table, sizes, rest="pool", seed=0)["pool"]
print(f"the pool has {table.iloc[pool]['subject'].nunique()} of {n_people} people")

# %%
# Exercise: what is one person worth?
# -----------------------------------
# From the printed means, how many more labelled people does training from scratch need to
# reach what full fine-tuning has with the fewest?
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution</summary>
goal = scores["full-finetune"][budgets[0]].mean()
enough = [n for n in budgets if scores["from-scratch"][n].mean() >= goal]
print(f"full fine-tuning reaches {goal:.3f} with {budgets[0]}")
print(f"first of these budgets from scratch: {enough[0] if enough else 'none'}")

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# Report the gain of pretraining for several numbers of labelled people. On other draws of
# people it can end elsewhere: :doc:`evidence page </evidence>`. Benchmarks of large
# pretrained models find that networks trained from scratch stay competitive
# :cite:p:`liu2026eegfm`.
contract = {"tutorial": "plot_76", "version": 1, "data": transfer.target.data}
contract |= {"n_test_subjects": transfer.people["test"], "chance_level": transfer.chance}
contract["budgets"] = budgets
contract["accuracy"] = {
    regime: [values.mean() for values in by_budget.values()]
    for regime, by_budget in scores.items()
}
contract["gain"] = {n: gain.mean for n, gain in gains.items()}
contract["gain_ci"] = {n: gain.ci for n, gain in gains.items()}
contract["gain_p"] = {n: gain.p for n, gain in gains.items()}
contract["scratch_over_probe"] = above
contract["subject_overlap"] = transfer.overlap
contract = for_json(contract)
print(json.dumps(contract))
