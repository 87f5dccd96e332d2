"""
Does a network predict the score better?
========================================

A network that reads the signal itself may find more in it than band power, or it may find
nothing and still print a handsome r. On this page an EEG Conformer predicts a score per
person, next to ridge, next to the train mean, and next to its own null.

.. admonition:: What you will be able to do
   :class: tip

   - write the call that loads a real cohort in the right order;
   - train a regression without choosing anything on test people;
   - tell a tie from a win;
   - ask a network which rhythm it uses, and check the answer against an untrained one.

You need: :doc:`band power and its null </auto_examples/plot_80_pfactor_features>`, PyTorch.

Tags: :tag:`p-factor`, :tag:`regression`, :tag:`deep network`, :tag:`attribution`
"""

# %%
# How a real cohort is loaded
# ---------------------------
# The :term:`p-factor` in the Healthy Brain Network :cite:p:`alexander2017hbn` is a score
# derived from what parents report :cite:p:`shirazi2024hbneeg`, and not a diagnosis. The
# first release with EEG in BIDS is ds005505. The function below is what it takes, and
# each line has a reason.
import json
import os

import _runtime
import _study
import mne
import numpy as np
import pandas as pd
import torch
from _encoder import encoder_state, load_encoder, split_at_head
from _features import log_band_power
from _pfactor_deep_figure import draw_pfactor_deep_figure
from _scores import MIN_PEOPLE, interval, per_subject, print_scores, rounded, score_people
from _splits import assert_no_leakage
from braindecode.preprocessing import Preprocessor, create_windows_from_events, preprocess
from eegdash import EEGDashDataset

DEVICE = _runtime.setup()
mne.set_log_level("ERROR")  # one line per filter and recording is too much to read
CACHE = _study.get_cache_dir()
CHANNELS = ["E11", "Cz", "E62", "E75", "E36", "E104", "E52", "E92"]
EYES = ("instructed_toOpenEyes", "instructed_toCloseEyes")


def hbn_windows(dataset):
    """Windows (2 s, uV) with eyes open, the score behind each window, and whose it is."""
    # participants.tsv is text: 'n/a' is nobody's score, and any other word is an error.
    score = pd.to_numeric(dataset.description["p_factor"].replace("n/a", np.nan))
    dataset.set_description({"p_factor": score.to_numpy()}, overwrite=True)
    dataset = dataset.split({"scored": np.flatnonzero(score.notna()).tolist()})["scored"]
    steps = [  # each a method of mne.io.Raw, hence apply_on_array=False
        # Cz is the recording reference, flat until re-referenced: so this comes first.
        Preprocessor("set_eeg_reference", ref_channels="average", apply_on_array=False),
        Preprocessor("reorder_channels", ch_names=CHANNELS, apply_on_array=False),
        Preprocessor("resample", sfreq=100, apply_on_array=False),
        Preprocessor("filter", l_freq=1, h_freq=30, apply_on_array=False),
        # A cue has no duration: it lasts until the next, and the last one ends the task.
        Preprocessor(_study.until_next_cue, cues=EYES, apply_on_array=False),
    ]
    windows = create_windows_from_events(
        preprocess(dataset, steps),
        window_size_samples=200,
        window_stride_samples=200,
        mapping={EYES[0]: 0},
        preload=True,
        on_last_window="drop",
        accepted_bads_ratio=1.0,  # a block shorter than a window is no reason to stop
    )
    cut = windows.datasets
    X = np.stack([w for recording in cut for w, *_ in recording]) * 1e6
    repeat = [len(recording) for recording in cut]
    y = np.repeat(windows.description["p_factor"].astype(float), repeat).to_numpy()
    return X, y, np.repeat(windows.description["subject"], repeat).to_numpy()


# %%
# For the real cohort you would pass ``EEGDashDataset(cache_dir=CACHE, dataset="ds005505",
# task="RestingState", download=True)``: 136 people, 132 of them with a score. What that
# costs; what it costs to try this function on ``subject=[...]`` of nine; and what the least
# costs on which this page gives an interval:
for n in (None, 9, 2 * MIN_PEOPLE):
    n_people, megabytes = _study.download_size("ds005505", n)
    print(f"ds005505, resting state: {n_people:>3} people, {megabytes / 1e3:4.1f} GB")

# %%
# A common mistake: the score is text
# -----------------------------------
# The people on this page are **simulated** and sit in the same kind of folder, so the same
# function reads them. Take three, one of whom has no score.
_study.list_people("simulated-pfactor")  # writes the study on first use
three = EEGDashDataset(
    cache_dir=CACHE,
    dataset="simulated-pfactor",
    task="RestingState",
    subject=["12", "13", "14"],
    download=False,
)
print(three.description["p_factor"].tolist())
try:
    print(three.description["p_factor"].mean())
except TypeError as error:
    print(f"{type(error).__name__}: {error}")

# %%
# Everything in ``participants.tsv`` is read as text, and the person whose score is ``n/a``
# arrives without one. The first lines of ``hbn_windows`` are the recovery: text to numbers,
# with an error for anything that is neither a number nor ``n/a``, and people without a
# score dropped, by you and not by chance.
X_three, y_three, who = hbn_windows(three)
print(f"windows {X_three.shape}, people {np.unique(who)}, scores {np.unique(y_three)}")

# %%
# Split people, then cut
# ----------------------
# From here on the page uses ``find_study``: the same steps with more checks, and with the
# settings of each study in a table (simulated signals need no reference and no filter). The
# people are split on the rows of ``participants.tsv``, before a window exists: no window
# can then be on both sides. It is the split of the feature page, with the same people.
from sklearn.model_selection import train_test_split

STUDY = os.environ.get("EEG_TUTORIAL_STUDY", "simulated-pfactor")
RECIPE = _study.get_recipe(STUDY)
TARGET = RECIPE.subject_target
everybody = _study.list_people(STUDY)
found = _study.find_study(STUDY, column=TARGET, on_missing="drop")
people = found.people
train_people, test_people = train_test_split(
    people.index, test_size=RECIPE.n_hold_out, random_state=0
)


def open_sides(found):
    """Training and test people as two studies."""
    return [found.open(side) for side in (train_people, test_people)]


train, test = open_sides(found)
report = assert_no_leakage(train.metadata, test.metadata)

# %%
# One network
# -----------
# :class:`~braindecode.models.EEGConformer` :cite:p:`song2023conformer` filters in time and
# over electrodes, and lets a small transformer weigh the pieces. Each channel of each
# window is z-scored by its own mean and deviation: gains are gone, and what is left of a
# rhythm's power is its part of the whole. Ridge gets the power itself. The two are compared
# as methods, not as readers of the same numbers.
from braindecode.models import EEGConformer


def build_model(seed, n_outputs=1):
    torch.manual_seed(seed)
    model = EEGConformer(
        n_chans=len(train.ch_names),
        n_outputs=n_outputs,
        n_times=train.windows.shape[-1],
        sfreq=train.sfreq,
        num_layers=2,
        num_heads=4,
        n_filters_time=16,
        drop_prob=0.25,
        att_drop_prob=0.25,
    )
    # In this memory layout a CPU convolves faster.
    return model.to(DEVICE, memory_format=torch.channels_last)


def normalize_batch(X):
    return (X - X.mean(dim=-1, keepdim=True)) / X.std(dim=-1, keepdim=True)


def to_tensor(study):
    return normalize_batch(torch.tensor(study.windows, device=DEVICE))


n_parameters = sum(p.numel() for p in build_model(0).parameters())
print(f"{n_parameters:,} parameters, {len(train_people)} people to train on")

# %%
# Far more parameters than people: what follows has to be watched.
#
# The loop trains for a fixed number of epochs with a learning rate that rises and falls
# (:class:`~torch.optim.lr_scheduler.OneCycleLR`). The target is z-scored with mean and
# deviation of the *training* people. The test loss is written down for the figure, and
# nothing looks at it.
from torch.nn.functional import mse_loss


def epoch_loop(model, X, y, *, loss=mse_loss, n_epochs=20, lr=2e-3, seed=0, watch=None):
    """Train in place; return loss on the batches, and on ``watch()``, per epoch."""
    order = torch.Generator().manual_seed(seed)
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=lr, weight_decay=1e-3)
    steps = n_epochs * -(-len(X) // 32)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    history = []
    for _ in range(n_epochs):
        model.train()
        losses = []
        for batch in torch.randperm(len(X), generator=order).to(X.device).split(32):
            optimizer.zero_grad()
            value = loss(model(X[batch]).squeeze(-1), y[batch])
            value.backward()
            optimizer.step()
            schedule.step()
            losses.append(value.item())
        history.append((np.mean(losses), watch() if watch else np.nan))
    return np.array(history)


@torch.no_grad()
def predict(model, X):
    return model.eval()(X).squeeze(-1).cpu().numpy()


# %%
# Predict before you run
# ----------------------
# Ridge is told where to look: power, in bands. The network has to find that out. Will it be
# better than ridge, equal, worse? And on the null: will r be zero, and will its error equal
# that of the train mean?


from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def of_people(study, values):
    return per_subject(values, study.metadata["subject"])


def fit_ridge(train, test):
    """The model of the feature page; its prediction for each test person."""
    X, X_test = (of_people(s, log_band_power(s.windows, s.sfreq)) for s in (train, test))
    ridge = make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 3, 15)))
    return ridge.fit(X, of_people(train, train.targets)).predict(X_test)


# %%
# The network predicts for windows; the mean over a person's windows, back in the unit of
# the score, is the prediction for that person.


def scaler_of(train):
    """Mean and deviation of the score over training people."""
    scores = of_people(train, train.targets)
    return scores.mean(), scores.std()


def fit_network(train, test, seed=0):
    """A trained network, its losses per epoch, its prediction for each test person."""
    mean, sd = scaler_of(train)
    X, X_test = to_tensor(train), to_tensor(test)
    y = torch.tensor((train.targets - mean) / sd, device=DEVICE)
    z_test = (test.targets - mean) / sd
    model = build_model(seed)
    history = epoch_loop(
        model, X, y, watch=lambda: ((predict(model, X_test) - z_test) ** 2).mean()
    )
    return model, history, of_people(test, predict(model, X_test) * sd + mean)


# %%
# Both are judged alike, by the scores of the feature page, and both go through the null as
# well, where the score has left no trace in any signal.


def judge(train, test, predicted):
    baseline = of_people(train, train.targets).mean()
    return score_people(of_people(test, test.targets), predicted, baseline)


model, history, predicted = fit_network(train, test)
null_train, null_test = open_sides(found.without_effect())
null_model, null_history, null_predicted = fit_network(null_train, null_test)
ridge_predicted = fit_ridge(train, test)
scores = {
    "network": judge(train, test, predicted),
    "ridge": judge(train, test, ridge_predicted),
    "network, null": judge(null_train, null_test, null_predicted),
    "ridge, null": judge(null_train, null_test, fit_ridge(null_train, null_test)),
}
print_scores(scores)

# %%
# Look at the last column of the null. A network with nothing to learn learns the training
# people by heart, and then says something definite, and wrong, about everybody else.
#
# Is it better than ridge?
# ------------------------
# Two intervals that overlap do not answer this. The same people were predicted twice, so
# compare errors within people.
truth = of_people(test, test.targets)


def compare(one, other):
    """Squared error of one prediction minus that of another, with its interval."""
    gain = (one - truth) ** 2 - (other - truth) ** 2
    low, high = interval(gain)
    verdict = "a tie" if low <= 0 <= high else "a difference"
    print(f"{gain.mean():+.3f} [{low:+.3f}, {high:+.3f}], {len(gain)} people: {verdict}")
    return gain.mean(), (low, high)


print("squared error of ridge minus that of the network:")
gain, gain_ci = compare(ridge_predicted, predicted)

# %%
# A tie is not proof of equality; it says what so few people cannot decide. How it comes out
# for many draws of people is on the :doc:`evidence page </evidence>`.
#
# Which rhythm does it use?
# -------------------------
# Asking a network where it looks is easy; the trouble is that it always answers. So
# **untrained** networks are asked as well, and an answer that both give says nothing about
# learning :cite:p:`adebayo2018sanity`.
#
# First the usual question, for each sample in time: how strongly does the output react to
# it? (:class:`captum.attr.Saliency`, averaged over windows.)
from captum.attr import Saliency
from scipy.stats import spearmanr

untrained = [build_model(seed).eval() for seed in range(91, 96)]
X_test = to_tensor(test)


def time_map(model):
    """Mean size of d output / d sample, shape (n_chans, n_times)."""
    X = X_test.clone().requires_grad_()
    return Saliency(model.eval()).attribute(X, target=0).mean(dim=0).detach().cpu().numpy()


def likeness(own, others):
    """Rank correlation of the size of a map with each of several others."""
    sizes = [np.abs(m).ravel() for m in (own, *others)]
    return [spearmanr(sizes[0], other).statistic for other in sizes[1:]]


def print_likeness(kind, rho):
    print(f"maps over {kind}, trained and {len(rho)} untrained networks: rank correlation")
    print(f"  mean {np.mean(rho):.2f}, from {min(rho):.2f} to {max(rho):.2f}")


time_rho = likeness(time_map(model), [time_map(m) for m in untrained])
print_likeness("time", time_rho)

# %%
# Much of this map was there before anything was learned, and a rhythm of random phase has
# no place in time to point at. It has one in **frequency**: let every frequency of every
# channel be louder by a small factor, and see what the output does.


def frequency_map(model, X):
    """Signed d output / d log amplitude, shape (n_chans, n_freqs), mean over windows."""
    spectrum = torch.fft.rfft(X)
    louder = torch.zeros(spectrum.shape, device=X.device, requires_grad=True)
    model.eval()(torch.fft.irfft(spectrum * louder.exp(), n=X.shape[-1])).sum().backward()
    return louder.grad.mean(dim=0).cpu().numpy()


freqs = np.fft.rfftfreq(X_test.shape[-1], 1 / test.sfreq)
blank = [frequency_map(m, X_test) for m in untrained]
maps = {
    "trained": frequency_map(model, X_test),
    "untrained": blank[0],
    "trained on the null": frequency_map(null_model, to_tensor(null_test)),
}
frequency_rho = likeness(maps["trained"], blank)
print_likeness("frequency", frequency_rho)
place = np.isin(test.ch_names, ("Cz", "E62"))
alpha = (freqs >= 8) & (freqs <= 13)


def share_of(m):
    """Part of a map that lies where the simulation put the effect."""
    return np.abs(m[np.ix_(place, alpha)]).sum() / np.abs(m).sum()


share = {name: share_of(m) for name, m in maps.items()}
share["untrained"] = np.mean([share_of(m) for m in blank])
uniform = place.mean() * alpha.mean()
print(f"part of the map on Cz and E62 at 8 to 13 Hz, {uniform:.3f} if spread evenly:")
for name, value in share.items():
    print(f"  {name:<21}{value:.3f}")

# %%
# The last row is a network that was trained where there was nothing to find. In some other
# draws of people it looks at alpha as well; the range is on the
# :doc:`evidence page </evidence>`. A map shows what a network uses, not that what it says
# is true.
panels = {
    "As recorded": (truth, predicted, scores["network"]),
    "Null": (
        of_people(null_test, null_test.targets),
        null_predicted,
        scores["network, null"],
    ),
}
mean, sd = scaler_of(train)
figure = draw_pfactor_deep_figure(
    {"effect": history, "null": null_history},
    panels,
    {name: maps[name] for name in ("trained", "untrained")},
    freqs=freqs,
    ch_names=test.ch_names,
    baseline=mean,
    baseline_loss=np.mean((test.targets - mean) ** 2) / sd**2,
    title="Does a network predict the score?",
    subtitle=f"{TARGET}; {len(train_people)} people to train on, one dot per test person",
    provenance=f"data: {train.data}",
    alt="Five panels. A: training and test loss by epoch, as recorded and in the null, "
    f"and the loss of the train mean. B and C: predicted against true score, r "
    f"{scores['network']['pearson_r']:+.2f} as recorded, "
    f"{scores['network, null']['pearson_r']:+.2f} in the null. D and E: attribution over "
    f"channels and frequencies; Cz and E62 at 8 to 13 Hz hold {share['trained']:.2f} of it "
    f"when trained, {share_of(maps['untrained']):.2f} when untrained.",
)

# %%
# A: where does the test loss turn away from the training loss, and where does it end
# against the train mean? It would be easy to stop at its lowest point; that would be
# choosing on test people. B and C: the same network, the same people, with and without a
# trace. D and E: trained and untrained, each as a part of its own largest value.
#
# Modify
# ------
# **Pretrain first.** Everybody opened and closed their eyes. Pretrain the network to tell
# these two apart, on training people only, then put a fresh head on it: as a linear probe,
# and fine-tuned in full. Do labels that cost nothing help with the score? Predict, then
# unfold. These rows are exploration: the test people have been looked at.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: pretrain on the eyes</summary>
eyes = _study.open_study(STUDY, classes=RECIPE.states, subjects=train_people)
pretrained = build_model(0, n_outputs=len(eyes.classes))
labels = torch.tensor(eyes.targets, device=DEVICE)
losses = epoch_loop(
    pretrained, to_tensor(eyes), labels, loss=torch.nn.functional.cross_entropy, n_epochs=5
)
print(f"pretraining loss {losses[0, 0]:.2f} -> {losses[-1, 0]:.2f}")


def fit_pretrained(regime):
    y = torch.tensor((train.targets - mean) / sd, device=DEVICE)
    learner, inputs = build_model(0), [to_tensor(train), X_test]
    load_encoder(learner, encoder_state(pretrained))
    if regime == "linear-probe":  # the encoder runs once, so that nothing in it can move
        learner, *inputs = split_at_head(learner, *inputs)
    epoch_loop(learner, inputs[0], y)
    return of_people(test, predict(learner, inputs[1]) * sd + mean)


regimes = {"from-scratch": predicted}
regimes |= {r: fit_pretrained(r) for r in ("linear-probe", "full-finetune")}
print_scores({regime: judge(train, test, p) for regime, p in regimes.items()})
print("squared error from scratch minus that of full-finetune:")
compare(predicted, regimes["full-finetune"])

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# - Re-reference before you pick, turn text into numbers, split people before you cut.
# - Compare with the train mean and with ridge, within people; call a tie a tie.
# - The null went the same road. Without it, an r is a number.
# - Show the untrained network's map beside the trained one's.
#
# And the caution that belongs to any such result: a correlation over people is a statement
# about a group. It tells nothing about one child, the score is not a diagnosis, and
# recordings from the clinic bring troubles of their own :cite:p:`cisotto2024tips`.
#
# **Try it yourself.** Set ``n_epochs`` to 60: what happens to r, and what to the error, on
# the effect and on the null? Change the seed of ``fit_network``: how far does r move with
# the initialisation alone? For the real cohort the size is printed before anything is
# fetched; leave the second line away to take everybody:
#
# .. code-block:: console
#
#    $ export EEG_TUTORIAL_STUDY=ds005505 EEG_TUTORIAL_DOWNLOAD=1
#    $ export EEG_TUTORIAL_MAX_SUBJECTS=20
#    $ python plot_81_pfactor_deep.py
#
# The result, as one line
# -----------------------
# Everything a reader or a test needs to check this run.
null = scores["network, null"]
contract = {
    "tutorial": "plot_81",
    "version": 1,
    "data": train.data,
    "target": TARGET,
    "effect": train.effect,
    "n_train_subjects": report["n_train"],
    "n_test_subjects": report["n_test"],
    "n_dropped": len(everybody) - len(people),
    "subject_overlap": report["overlap"],
    "n_parameters": n_parameters,
    **scores["network"],
    "ridge": scores["ridge"],
    "ridge_minus_network": gain,
    "ridge_minus_network_ci": gain_ci,
    "null_r": null["pearson_r"],
    "null_r_ci": null["r_ci"],
    "null_mse_ratio": null["mse_ratio"],
    "null_mse_ratio_ci": null["mse_ratio_ci"],
    "attribution_share": share["trained"],
    "attribution_share_random_init": share["untrained"],
    "attribution_share_null": share["trained on the null"],
    "time_map_rank_correlation": np.mean(time_rho),
    "frequency_map_rank_correlation": np.mean(frequency_rho),
}
contract = rounded(contract)
print(json.dumps(contract))

# %%
# References
# ----------
# The network is from :cite:t:`song2023conformer`, the check with an untrained network from
# :cite:t:`adebayo2018sanity`; the cohort from :cite:t:`alexander2017hbn` and
# :cite:t:`shirazi2024hbneeg`; the idea of one dimension of psychopathology from
# :cite:t:`caspi2014pfactor`. Full records are on the :doc:`references page </references>`.
