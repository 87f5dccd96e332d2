"""
Which rhythm does the network use?
==================================

An attribution map says which part of a signal a network reacts to. It can be computed for
any network, trained or not. Here you compare such maps.

.. admonition:: What you will be able to do
   :class: tip

   - compute an attribution in frequency;
   - put untrained networks, and one trained on a null, beside the trained one;
   - say whether a map differs from those of untrained networks.

You need: :doc:`a network that predicts a score </auto_examples/plot_81_pfactor_deep>`,
PyTorch, Captum.

Takes half a minute and 20 MB of disk. Nothing is downloaded. In depth:
:doc:`features and networks </concepts/features_and_networks>`.

Tags: :tag:`p-factor`, :tag:`deep network`, :tag:`attribution`
"""

# %%
# Two trained networks
# --------------------
# **Simulated** people, as before.
import itertools
import json
import os

import numpy as np
import torch

import _model.pfactor as net
import _runtime
from _rhythm_figure import draw_rhythm_figure
from _score.features import BANDS
from _score.person import print_scores, score_people
from _score.scores import for_json

# %%
# The study is the one of the score pages.
DEVICE = _runtime.setup()
STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-pfactor")

# %%
# One network learns the study and one its null, where the score leaves no trace.
people = net.open_pfactor(STUDY)
train = people.train
test = people.test
electrodes = net.with_places(test.ch_names)

# %%
# Network and training are those of the previous page, with one seed.
from braindecode.models import EEGConformer


def build_network(seed):
    torch.manual_seed(seed)
    model = EEGConformer(n_outputs=1, **train.shape, **net.CONFORMER)
    # In this memory layout a CPU convolves faster.
    return model.to(DEVICE, memory_format=torch.channels_last)


# %%
# Each is scored on people that it has not seen.
studies = {
    "trained": (train, test),
    "trained on the null": (people.null_train, people.null_test),
}
networks = {}
scores = {}
for name, (seen, held_out) in studies.items():
    networks[name] = net.train_network(build_network(0), seen)
    scale = net.score_scale(seen)
    truth = net.of_people(held_out, held_out.targets)
    predicted = net.predict_people(networks[name], held_out, scale)
    scores[name] = score_people(truth, predicted, baseline=scale[0])
print_scores(scores)

# %%
# Predict before you run
# ----------------------
# A map shows what a network reacts to. Which of these resembles the trained network's map
# more: the map of a network that was never trained, or of one trained on the null? Answer
# for a map over time, and for one over frequency.
#
# Over time: how strongly does the output react to each sample?
# (:class:`captum.attr.Saliency`, averaged over the windows of test people.)
from captum.attr import Saliency
from scipy.stats import spearmanr

X = net.zscored(test, DEVICE)
X_null = net.zscored(people.null_test, DEVICE)


def time_map(model, X):
    """Mean size of d output / d sample, shape (n_chans, n_times)."""
    X = X.clone().requires_grad_()
    saliency = Saliency(model.eval()).attribute(X, target=0)
    return saliency.mean(dim=0).detach().cpu().numpy()


# %%
# The phase of a rhythm differs from window to window, so a map over time has no moment to
# show. A map over **frequency** can show the rhythm. Make each frequency of each channel
# louder by a small factor: how much does the output change? This is done on the z-scored
# window, so it is about what the network sees. In a recording, a louder rhythm would also
# make the others smaller, by the z-score.


def frequency_map(model, X):
    """Signed d output / d log amplitude, shape (n_chans, n_freqs), mean over windows."""
    spectrum = torch.fft.rfft(X)
    louder = torch.zeros(spectrum.shape, device=X.device, requires_grad=True)
    model.eval()(torch.fft.irfft(spectrum * louder.exp(), n=X.shape[-1])).sum().backward()
    return louder.grad.mean(dim=0).cpu().numpy()


# %%
# Untrained networks
# ------------------
# What the map of an untrained network shows as well was not learned
# :cite:p:`adebayo2018sanity`. Several of them show how far chance reaches.
untrained = [build_network(seed).eval() for seed in range(91, 96)]
maps = {}
for domain, map_of in {"time": time_map, "frequency": frequency_map}.items():
    maps[domain] = {
        "trained": map_of(networks["trained"], X),
        "trained on the null": map_of(networks["trained on the null"], X_null),
        "untrained": [map_of(model, X) for model in untrained],
    }

# %%
# Two maps are compared by the rank correlation of their sizes. It needs a scale of its own:
# how much untrained networks resemble *each other*.


def likeness(pairs):
    """Rank correlation of the sizes of two maps, for each pair."""
    return [spearmanr(np.abs(a).ravel(), np.abs(b).ravel()).statistic for a, b in pairs]


rho = {}
for domain, of_domain in maps.items():
    trained = of_domain["trained"]
    blank = of_domain["untrained"]
    rho[domain] = {
        "trained and untrained": likeness([(trained, other) for other in blank]),
        "trained and null": likeness([(trained, of_domain["trained on the null"])]),
        "untrained, among them": likeness(itertools.combinations(blank, 2)),
    }
    for name, values in rho[domain].items():
        ends = f"from {min(values):.2f} to {max(values):.2f}, pairs: {len(values)}"
        print(f"{domain:<11}{name:<23}mean {np.mean(values):+.2f}, {ends}")

# %%
# Read the first row of each block against the third; the second is one pair, of two
# networks that started from the same weights. If first and third are alike, training
# changed the order of the points of a map little. Something may have been learned all the
# same: a new peak moves few ranks, however high it is. The shares below measure the peak.
mean_rho = {}
for domain, of_domain in rho.items():
    means = {name: np.mean(values) for name, values in of_domain.items()}
    mean_rho[domain] = means
    more = means["trained and untrained"] - means["untrained, among them"]
    print(f"{domain}: trained with untrained minus untrained among them {more:+.2f}")
closer = max(rho, key=lambda domain: mean_rho[domain]["trained and untrained"])
print(f"the map over {closer} resembles that of untrained networks more")

# %%
# Is the answer right?
# --------------------
# In a simulation this can be checked, because the place of the effect is known: the alpha
# rhythm at Cz and Pz (E62). Which part of each map lies there?
freqs = np.fft.rfftfreq(X.shape[-1], 1 / test.sfreq)
place = np.isin(test.ch_names, ("Cz", "E62", "Pz"))
planted = np.outer(place, (freqs >= 8) & (freqs <= 13))


def share_of(one_map):
    """Part of a map that lies on the planted rhythm."""
    return np.abs(one_map)[planted].sum() / np.abs(one_map).sum()


shares = {
    "trained": share_of(maps["frequency"]["trained"]),
    "trained on the null": share_of(maps["frequency"]["trained on the null"]),
    "untrained": np.mean([share_of(blank) for blank in maps["frequency"]["untrained"]]),
    "no structure at all": planted.mean(),
}
for name, share in shares.items():
    print(f"{name:<21}{share:.3f} of the map at {np.array(electrodes)[place]}, 8 to 13 Hz")

# %%
# Read the second row too. On the :doc:`evidence page </evidence>` it spreads widely over
# other draws of people: a network that had nothing to learn can also have a map with its
# peak in this place. A map shows what a network reacts to. It does not show that
# its predictions are right: for that, there are r and the null above.
shown = {**maps["frequency"], "untrained": maps["frequency"]["untrained"][0]}

# %%
figure = draw_rhythm_figure(
    shown,
    rho,
    freqs=freqs,
    ch_names=electrodes,
    title="Which rhythm does the network use?",
    subtitle=f"{train.question}; {people.report['n_test']} test people",
    provenance=f"data: {train.data}",
    alt="Four panels. A, B, C: attribution over channels and frequencies of the trained "
    "network, of one trained on the null and of an untrained one; shares at the place of "
    f"the effect {for_json(shares, 2)}. D: rank correlations, {for_json(mean_rho, 2)}.",
)

# %%
# A common mistake: no gradient to attribute with
# -----------------------------------------------
# Prediction runs under :class:`torch.no_grad`. An attribution cannot.
try:
    with torch.no_grad():
        frequency_map(networks["trained"], X)
except RuntimeError as error:
    print(f"RuntimeError: {error}")

# %%
# The recovery is to leave the block, or to allow gradients inside it. Is the map the same
# as before?
with torch.no_grad(), torch.enable_grad():
    again = frequency_map(networks["trained"], X)
print(f"same map: {np.array_equal(again, maps['frequency']['trained'])}")

# %%
# Exercise: take the rhythm away
# ------------------------------
# A map is a claim about the network that can be tested. Remove one band at a time from the
# windows of test people. Which one does the prediction need most? Predict, then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: one band at a time</summary>
without = {}
truth = net.of_people(test, test.targets)
mean, sd = net.score_scale(train)
for band, (low, high) in BANDS.items():
    keep = torch.tensor((freqs < low) | (freqs >= high), device=DEVICE)
    filtered = torch.fft.irfft(torch.fft.rfft(X) * keep, n=X.shape[-1])
    with torch.no_grad():
        output = networks["trained"](filtered).squeeze(-1).cpu().numpy()
    predicted = net.of_people(test, output) * sd + mean
    without[f"without {band}"] = score_people(truth, predicted, baseline=mean)
print_scores({"all bands": scores["trained"], **without})
worst = max(without, key=lambda name: without[name]["mse_ratio"])
print(f"largest error: {worst}")

# %%
# .. raw:: html
#
#    </details>
#
# What the result means
# ---------------------
# A map is informative where it differs from the maps of untrained networks. It shows what
# this network reacts to, right or wrong. It is no evidence about the brain, and none about
# one person.
#
# **Try it yourself.** Explain three seeds of the trained network: do their maps agree more
# with each other than untrained ones do? Put the z-score inside ``frequency_map``, after
# ``louder``: what does the map sum to over frequencies, and why?
#
# The line has everything a reader or a test needs to check this run. The network is from
# :cite:t:`song2023conformer`; full records are on the :doc:`references page </references>`.
study_and_split = {
    "data": train.data,
    "target": train.question,
    "effect": train.effect,
    "n_train_subjects": people.report["n_train"],
    "n_test_subjects": people.report["n_test"],
    "subject_overlap": people.report["overlap"],
}
attribution = {
    "attribution_share": shares["trained"],
    "attribution_share_null": shares["trained on the null"],
    "attribution_share_random_init": shares["untrained"],
    "attribution_share_even": shares["no structure at all"],
}

# %%
correlations = {}
for domain, means in mean_rho.items():
    correlations[f"{domain}_map_rank_correlation"] = means["trained and untrained"]
    correlations[f"{domain}_map_rank_correlation_null"] = means["trained and null"]
    correlations[f"{domain}_map_among_untrained"] = means["untrained, among them"]

# %%
contract = {
    "tutorial": "plot_82",
    "version": 1,
    **study_and_split,
    "n_untrained": len(untrained),
    "pearson_r": scores["trained"]["pearson_r"],
    "r_ci": scores["trained"]["r_ci"],
    "null_r": scores["trained on the null"]["pearson_r"],
    "null_r_ci": scores["trained on the null"]["r_ci"],
    **attribution,
    **correlations,
}
contract = for_json(contract)
print(json.dumps(contract))
