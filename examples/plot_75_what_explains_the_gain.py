"""
Is it the pretraining?
======================

Suppose full fine-tuning of a pretrained encoder scores higher than training from scratch.
What was learned in pretraining is one explanation. On this page you test others, each with
a control.

.. admonition:: What you will be able to do
   :class: tip

   - choose a control for each explanation of a gain;
   - compare each control with the claim within people;
   - correct for several comparisons.

You need: :doc:`three regimes </auto_examples/plot_73_finetune_pretrained_model>`,
a minute and 1.5 GB of memory.

Tags: :tag:`fine-tuning`, :tag:`transfer`, :tag:`controls`
"""

# %%
# The claim
# ---------
# Task, pretraining and regimes are those of :doc:`plot_73_finetune_pretrained_model`, on
# **simulated** data. No learning rate is chosen here: both regimes that train everything
# get the middle one of that page.
import json
import os

import _runtime
import numpy as np
from _adapt_figure import draw_rows_figure
from _model.adapt import adapt, pretrain
from _model.encoder import encoder_state
from _model.transfer import SEEDS, accuracy, open_transfer
from _score.features import log_band_power
from _score.scores import compare_within_people, difference, for_json, interval
from _score.scores import means_and_intervals, per_subject, print_accuracies
from _score.scores import values_mean_ci

# %%
# One encoder, pretrained on the source people.
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-transfer")
transfer = open_transfer(STUDY, _runtime.setup())
budget = transfer.budget
X_source, y_source = transfer.data["source"]
pretrained = pretrain(transfer.build, X_source, y_source, n_steps=budget.pretrain_steps)
encoder = encoder_state(pretrained)


# %%
# Every score is of the test people.
def adapted(regime, encoder):
    """Test accuracy of each person, mean over initialisations."""
    X, y = transfer.data["train"]
    how = {"encoder": encoder, "n_steps": budget.n_steps}
    models = [adapt(transfer.build, X, y, regime, seed=seed, **how) for seed in SEEDS]
    return accuracy(transfer, models)


scores = {
    "full-finetune": adapted("full-finetune", encoder),
    "from-scratch": adapted("from-scratch", None),
}
print_accuracies(scores, transfer.chance)
claim = compare_within_people(scores, [("full-finetune", "from-scratch")], transfer.chance)

# %%
# Predict, then look at the controls
# ----------------------------------
# For each control, write down what it would score if its explanation were the whole one.
#
# - *Shuffled labels*: the encoder is pretrained on the same windows with shuffled labels.
#   It gains if a warmed-up start is enough.
# - *Random encoder*: a probe on an encoder that never saw EEG. It is high if random filters
#   are enough.
# - *Zero-shot*: the pretrained network as it is. It is high if nothing had to be adapted.
# - *Band power*: logistic regression on log band power of the labelled windows. It is high
#   if no network is needed.
order = np.random.default_rng(73).permutation(len(y_source))
y_shuffled = y_source[order]
blind = pretrain(transfer.build, X_source, y_shuffled, n_steps=budget.pretrain_steps)
scores["shuffled labels"] = adapted("full-finetune", encoder_state(blind))
scores["random encoder"] = adapted("linear-probe", None)
scores["zero-shot"] = accuracy(transfer, [pretrained])

# %%
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

sides = [transfer.data[part] for part in ("train", "test")]
(X_train, y_train), (X_test, y_test) = (
    (log_band_power(X.cpu().numpy(), transfer.target.sfreq), y.cpu().numpy())
    for X, y in sides
)
model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
right = model.fit(X_train, y_train).predict(X_test) == y_test
scores["band power"] = per_subject(right, transfer.subjects)
print_accuracies(scores, transfer.chance)

# %%
# The claim minus each control, within people; p is corrected for all of them together. An
# explanation is not the whole one where the interval lies above zero and p is below .05.
CONTROLS = ("from-scratch", "shuffled labels", "random encoder", "zero-shot", "band power")
PAIRS = [("full-finetune", control) for control in CONTROLS]
gains = compare_within_people(scores, PAIRS, transfer.chance)
for name, gain in gains.items():
    where = "above zero" if gain.ci[0] > 0 else "below" if gain.ci[1] < 0 else "holds zero"
    print(f"{name:<34}interval {where}, corrected p {'<' if gain.p < 0.05 else '>='} .05")

# %%
rows = {
    f"minus {control}": values_mean_ci(scores["full-finetune"] - scores[control])
    for control in CONTROLS
}
means = "; ".join(f"{name} {mean:+.2f}" for name, (_, mean, _) in rows.items())
figure = draw_rows_figure(
    rows,
    zero=0,
    xlabel="difference in test accuracy",
    title="Full fine-tuning, minus what could explain it",
    subtitle=f"{transfer.target.question}; people with labels: {transfer.people['train']}",
    provenance=f"data: {transfer.target.data}",
    alt=f"Difference in test accuracy for each control, a dot per person. Means: {means}.",
)

# %%
# How much of the gain over from-scratch is left with shuffled labels? Such a gain would
# come from a :term:`warm start`: weights of a fitting size, and running statistics of EEG.
# If its interval holds zero, this page has not shown that there is one. p is not corrected
# here.
warm = difference(scores["shuffled labels"], scores["from-scratch"])
whole = claim["full-finetune - from-scratch"]
print(f"whole gain                     {whole}")
print(f"of a warmed-up start           {warm}")

# %%
# A common mistake: two intervals side by side
# --------------------------------------------
# You compare the interval of the claim with that of a control. If they overlap, it is
# tempting to conclude that there is no difference. But two intervals can overlap although
# the paired one excludes zero. Both scores come from the same people, and an interval over
# few people can be wide :cite:p:`varoquaux2018cv`. Does any pair overlap here? If none
# does, both ways of looking agree.
for control in CONTROLS:
    one, other = (interval(scores[each], share=True) for each in ("full-finetune", control))
    overlap = one[0] < other[1] and other[0] < one[1]
    paired = gains[f"full-finetune - {control}"].ci
    verdict = f"overlap: {overlap}; paired interval [{paired[0]:+.3f}, {paired[1]:+.3f}]"
    print(f"{control:<17}{verdict}")

# %%
# The recovery is the paired interval: take the difference within each person first.
#
# Exercise: what does the correction cost?
# ----------------------------------------
# Compute p of each contrast without the correction. Does any verdict at .05 change, and
# why is the corrected p the one to report?
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution</summary>
for control, gain in zip(CONTROLS, gains.values(), strict=True):
    alone = difference(scores["full-finetune"], scores[control]).p
    print(f"{control:<17}alone p = {alone:.5f}, with all of them p = {gain.p:.5f}")

# %%
# .. raw:: html
#
#    </details>
#
# With several contrasts, the chance that at least one p is small by luck is larger than
# with one contrast.
#
# Wrap-up
# -------
# A gain over training from scratch does not show that it comes from what was learned.
# Report the claim minus each control, within people, with corrected p. Over other draws of
# people, the :doc:`evidence page </evidence>` counts how often each explanation is ruled
# out.
contract = {"tutorial": "plot_75", "version": 1, "data": transfer.target.data}
contract |= {"n_train_subjects": transfer.people["train"]}
contract |= {"n_test_subjects": transfer.people["test"], "chance_level": transfer.chance}
contract |= means_and_intervals(scores)
contract["gains"] = {
    control: gain for control, gain in zip(CONTROLS, gains.values(), strict=True)
}
contract |= {"warm_start": warm, "subject_overlap": transfer.overlap}
contract = for_json(contract)
print(json.dumps(contract))
