"""
Which pretrained model can I adapt to my data?
==============================================

Weights were trained on certain electrodes, at one rate, on windows of some length and
scale. Here you describe your recording, and see what it takes to bring it to each family
with published weights, and which classes of Braindecode run on it.

.. admonition:: What you will be able to do
   :class: tip

   - list the steps from your windows to published weights;
   - see where spatial weights are lost, and for how many electrodes;
   - find classes that take a wrong rate without a word.

You need: :doc:`three regimes </auto_examples/plot_73_finetune_pretrained_model>` and a
minute. Nothing is downloaded.

Tags: :tag:`transfer`, :tag:`fine-tuning`
"""

# %%
# Your recording
# --------------
# Described by electrodes, rate, window, unit and people. The study is **simulated**; set
# ``EEG_TUTORIAL_STUDY`` for yours.
import json
import os
from collections import Counter
from dataclasses import replace
from textwrap import shorten

import _runtime
import pandas as pd
from _model.families import families
from _score.scores import expected_half_width
from _study import find_study
from _which_figure import draw_verdicts_figure
from _model.which import VERDICTS, Recording, judge_families, try_classes

# %%
# One person is enough to know what the windows of all are like.
_runtime.setup()
index = find_study(os.environ.get("EEG_TUTORIAL_STUDY", "simulated-transfer"))
study = index.open(subjects=list(index.people.index[:1]))
mine = Recording(
    "yours",
    ch_names=study.ch_names,
    sfreq=study.sfreq,
    window_s=study.windows.shape[2] / study.sfreq,
    unit=study.unit,
    n_people=len(index.people),
)

# %%
# Two others stand beside it: a net of 129 electrodes as in the Healthy Brain Network
# :cite:p:`alexander2017hbn`, and a headband with four.
net = Recording("net", (*(f"E{n}" for n in range(1, 129)), "Cz"), 500.0, 2.0, "uV", 20)
band = Recording("headband", ("TP9", "AF7", "AF8", "TP10"), 256.0, 2.0, "uV", 20)
recordings = [mine, net, band]
for rec in recordings:
    print(f"{rec.name:<10}{len(rec.ch_names):4} electrodes, {rec.sfreq:g} Hz, ", end="")
    print(f"windows of {rec.window_s:g} s in {rec.unit}, {rec.n_people} people")

# %%
# Families with published weights
# -------------------------------
# Braindecode has classes for the families below, among them BENDR
# :cite:p:`kostas2021bendr`, BIOT :cite:p:`yang2023biot` and LaBraM
# :cite:p:`jiang2024labram`. What their windows were like stands in docstrings, in papers,
# or nowhere: ``_model/families.py`` has each fact with the words it rests on.
table = pd.DataFrame([vars(family) for family in families().values()]).set_index("name")
shown = table[["parameters", "sfreq", "scale", "licence", "corpora"]]
shown = shown.astype(object).where(shown.notna(), "not stated")
print(shown.to_string(index_names=False, col_space=13))

# %%
# Parameters are in millions, rates in Hz. *Licence* is that of the weights: a class may
# have another, which ``save_pretrained`` writes beside any weights.
n_unstated = int((table[["sfreq", "scale"]].isna()).any(axis=1).sum())
n_unlicensed = int(table["licence"].isna().sum())
print(f"of {len(table)} families, {n_unstated} lack rate or scale, ", end="")
print(f"{n_unlicensed} a licence of the weights")

# %%
# What does it take?
# ------------------
# Predict: how many families take your windows as they are?
#
# Four things are compared, and the worst decides. A few families ask for one more step,
# which comes first: a filter, or terms to agree to. **Electrodes**: some families take any,
# some need positions, some have weights for certain names; what is absent can be estimated
# from the electrodes around it. An estimate holds nothing that your electrodes do not: with
# more estimates than electrodes, the verdict is *loses spatial weights*. **Rate**: windows
# are resampled; upsampled ones stay empty above half of your rate. **Length**: windows are
# cropped to whole patches; too short ones are refused. **Scale**: an easy step that no
# class checks.
verdicts = {rec.name: judge_families(rec) for rec in recordings}
for name, each in verdicts["yours"].items():
    print(f"{name:<13}{each.verdict:<23}{'; '.join(each.steps) or 'as they are'}")

# %%
# Beside the other recordings:
counts = {}
for name, by_family in verdicts.items():
    known = Counter(each.verdict for each in by_family.values())
    counts[name] = {verdict: known[verdict] for verdict in VERDICTS}
print(pd.DataFrame(counts).to_string())

# %%
# Families that lose their spatial weights there, and why:
for rec in recordings[1:]:
    for name, each in verdicts[rec.name].items():
        if each.verdict == "loses spatial weights":
            print(f"{rec.name:<10}{name:<13}{'; '.join(each.steps)}")

# %%
# The same per family:
words = []
named, n_steps = {}, {}
for name in table.index:
    row = [verdicts[rec.name][name] for rec in recordings]
    named[name] = [each.verdict for each in row]
    n_steps[name] = [len(each.steps) for each in row]
    words.append(f"{name} {', '.join(named[name])}")

# %%
figure = draw_verdicts_figure(
    named,
    n_steps,
    [f"{rec.name}\n{len(rec.ch_names)} electrodes" for rec in recordings],
    title="What does it take to use published weights?",
    subtitle="steps to the windows of a family; loses: its spatial weights",
    provenance=f"data: {study.data}; Braindecode's source",
    alt=f"Verdict for {', '.join(verdicts)}. {'; '.join(words)}.",
)

# %%
# What the code says
# ------------------
# Any class can carry weights that you trained yourself on a large study. So each class that
# builds in half a second is built with random weights for your windows, and again for a cap
# of 19 electrodes at your rate. Weights that have another shape cannot be taken over.
cap = ["Fp1", "Fp2", "F7", "F3", "Fz", "F4", "F8", "T7", "C3", "Cz", "C4", "T8", "P7"]
cap += ["P3", "Pz", "P4", "P8", "O1", "O2"]
tried = try_classes(mine, cap)
runs = tried[tried["runs"] == "yes"]
kept = runs["other cap"].replace(r"\d+ of \d+", "some do not fit", regex=True)
print(f"{len(runs)} of {len(tried)} classes run on these windows; weights of the cap:")
print(kept.value_counts().rename_axis(None).to_string())

# %%
# Nothing but the electrodes differs between the two, so what does not fit depends on them.
# With :class:`~braindecode.modules.ChannelInterpolationLayer` in front of it, a model is
# built for the electrodes of the cap, and keeps its weights. The reasons of the classes
# that do not run:
for name, why in tried.loc[tried["runs"] != "yes", "runs"].items():
    print(f"{name:<24}{shorten(why, 64)}")

# %%
# A common mistake: it runs, so it fits
# -------------------------------------
# You give a class windows at twice the rate on which its weights were trained. Predict: how
# many of them say something? Below, each is built for both rates with windows of the same
# number of samples, as it happens when a configuration is taken over. *Silent* means the
# same shapes and no word, *says so* a warning or an error. A temporal filter that was
# learned at 10 Hz then responds to 20 Hz.
print(runs["twice the rate"].value_counts().rename_axis(None).to_string())
print()
print(runs[["other cap", "twice the rate"]].to_string(col_space=18))
n_silent = int((runs["twice the rate"] == "silent").sum())
print(f"{n_silent} of {len(runs)} take the wrong rate in silence")

# %%
# The recovery is a step of the list above: resample to the rate of the weights.
# :doc:`plot_92_bring_your_checkpoint` does it, and the other steps, for a real folder.
#
# How well will you know a score?
# -------------------------------
# With few test people the interval of an accuracy is wide. If people differ by a standard
# deviation of 0.1, and half of yours are tested, it reaches this far to both sides. For two
# models on the same people it is the standard deviation of their *differences* that counts.
for rec in recordings:
    n_test = max(2, rec.n_people // 2)
    half = expected_half_width(n_test, 0.1)
    print(f"{rec.name:<10}{n_test:4} test people: +/- {half:.2f}")

# %%
# **Exercise.** How short may a window become before the first family refuses it? Try half
# of your window, then half of that.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution</summary>
for window_s in (mine.window_s / 2**n for n in range(5)):
    shorter = judge_families(replace(mine, window_s=window_s))
    refused = [name for name, each in shorter.items() if each.verdict == "refuses"]
    print(f"{window_s:g} s: {len(refused)} refuse: {', '.join(refused) or 'none'}")

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# Published weights come with windows: electrodes, rate, length and scale. A class checks
# few of them. Choose a family whose electrodes you have, do every step, and let people whom
# nobody trained on decide, as on the page about :doc:`three regimes
# </auto_examples/plot_73_finetune_pretrained_model>`. What every class does with a new
# head, a frozen encoder and wrong windows: :doc:`/models`.

# %%
# The :term:`contract`:
contract = {"tutorial": "plot_91", "version": 1, "data": study.data}
contract |= {"n_chans": len(mine.ch_names), "sfreq": mine.sfreq, "window_s": mine.window_s}
contract |= {"n_people": mine.n_people, "n_families": len(table), "verdicts": counts}
contract |= {"n_without_rate_or_scale": n_unstated, "n_without_licence": n_unlicensed}
contract |= {"n_classes": len(tried), "n_run": len(runs), "n_silent_rate": n_silent}
contract |= {"n_all_weights": int((kept == "all").sum())}
contract |= {"n_some_lost": int((kept == "some do not fit").sum())}
print(json.dumps(contract))
