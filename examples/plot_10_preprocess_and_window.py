"""
From a recording to windows: does the order matter?
===================================================

Five steps turn a raw recording into the input of a model: re-reference, pick channels,
resample, filter, cut. Some swaps are harmless. Others give wrong numbers that look fine.

.. admonition:: What you will be able to do
   :class: tip

   - show what the recording reference hides, and bring it back;
   - measure what a swap of two steps does to the signal;
   - turn cues without a duration into windows, and count them.

You need: Python, a minute, and to know what EEG is. Nothing is downloaded.

Tags: :tag:`preprocessing`, :tag:`BIDS`
"""

# %%
# A recording
# -----------
# Two **simulated** people at rest open and close their eyes when told to, under a cap like
# that of the Healthy Brain Network :cite:p:`alexander2017hbn`, in :term:`BIDS` files
# :cite:p:`pernet2019eegbids`.
import json

import mne
import numpy as np
import pandas as pd
from eegdash import EEGDashDataset

import _runtime
import _study
from _preprocess_figure import draw_preprocess_figure
from _score.scores import for_json
from _study.simulated.spoil import print_faults, spoil

_runtime.setup()
CACHE = _study.get_cache_dir()
STUDY = "simulated-highdensity"
mne.set_log_level("ERROR")  # the filter warns of short pieces, below
_study.find_study(STUDY)  # written on first use

# %%
# :class:`~eegdash.EEGDashDataset` opens them offline; each recording is an
# :class:`mne.io.Raw` :cite:p:`gramfort2013mne`. A cue tells the person what to do.
dataset = EEGDashDataset(CACHE, dataset=STUDY, task="RestingState", download=False)
raw = dataset.datasets[0].raw.load_data().copy()  # later steps change the original
sfreq = raw.info["sfreq"]
print(f"{raw.times[-1]:.0f} s, {len(raw.ch_names)} channels, {sfreq:.0f} Hz, and cues:")
print(pd.Series(raw.annotations.description).value_counts().to_string())

# %%
# **Is it EEG?** No step below repairs a dead electrode or a wrong unit, and a reference
# spreads both. So ``_study`` looks at each recording as it was read. It refuses gross
# faults and prints doubtful ones; the limits stand at the top of ``_study.quality``. Four
# faults are planted in a copy here. Predict: will all be found, and anything in the
# original?
print_faults({"as recorded": raw, "with faults": spoil(raw)})

# %%
# What the reference hides
# ------------------------
# A potential is a difference between two places. Everything here was recorded against
# ``Cz``, the :term:`recording reference`. So ``Cz`` is a flat line, and its own activity is
# in all other channels with the opposite sign. Predict: how large is ``Cz`` after
# subtracting the mean of all channels, the :term:`average reference`?


def rms(raw, channel):  # root mean square in uV
    return float(np.sqrt(np.mean(raw.get_data(channel) ** 2)) * 1e6)


averaged = raw.copy().set_eeg_reference("average")
for channel in ("Cz", "E75"):
    print(f"{channel:<4}{rms(raw, channel):6.2f} uV -> {rms(averaged, channel):6.2f} uV")

# %%
# Which order matters?
# --------------------
# Eight channels are enough for many models. The cap numbers its electrodes; beside each is
# the place of the 10-20 system near it. ``reorder_channels`` picks and sorts at once.
print(PLACES := _study.PLACES)
STEPS = {
    "reference": lambda raw: raw.set_eeg_reference("average"),
    "pick": lambda raw: raw.reorder_channels(list(PLACES)),
    "resample": lambda raw: raw.resample(100),
    "filter": lambda raw: raw.filter(1, 30),
}


def process(order):  # signals of the eight channels after these steps
    processed = raw.copy()  # each step changes the recording itself
    for step in order.split(", "):
        STEPS[step](processed)
    return processed.get_data()


# %%
# Below, each order is compared with the first. The size of the error is its root mean
# square, as a part of that of the signal. Predict: which swaps do harm?
RECIPE = "reference, pick, resample, filter"
right = process(RECIPE)
others = {
    "pick before reference": "pick, reference, resample, filter",
    "filter first": "filter, reference, pick, resample",
    "filter before resample": "reference, pick, filter, resample",
    "pick last": "reference, resample, filter, pick",
}
tried = {name: process(order) for name, order in others.items()}
whole = right.shape[1] // 200 * 200  # two-second pieces, filtered one by one
pieces = process("reference, pick, resample")[:, :whole].reshape(len(right), -1, 200)
tried["cut before filter"] = mne.filter.filter_data(pieces, 100, 1, 30).reshape(8, -1)

# %%
# Filters and resampling have no signal beyond the ends of a recording, so the second column
# leaves out the first and the last second of the recording.
size = np.sqrt(np.mean(right**2))
errors = {}
errors_inside = {}
for name, signals in tried.items():
    error = (signals - right[:, : signals.shape[1]]) / size
    errors[name] = float(np.sqrt(np.mean(error**2)))
    errors_inside[name] = float(np.sqrt(np.mean(error[:, 100:-100] ** 2)))
table = pd.DataFrame({"whole recording": errors, "without ends": errors_inside})
print(f"against {RECIPE}:\n{table.map('{:.1%}'.format)}")

# %%
# *Pick before reference* subtracts the mean of eight electrodes instead of all. *Cut before
# filter* gives the filter pieces that are shorter than the filter itself, so each piece has
# two bad ends. Neither raises an error; MNE warns of the short pieces, and its warnings are
# off on this page. *Pick last* gives the same signal and is more work.
#
# What the filter does
# --------------------
# Power in dB before and after, at ``E75``: slow drifts (0.5 Hz) shrink, the alpha rhythm
# (10 Hz) stays, the hum of the mains (60 Hz) goes.


def spectrum(raw):
    psd = raw.compute_psd(fmin=0.2, fmax=80, n_fft=4096)
    return psd.freqs, psd.get_data("E75")[0] * 1e12


unfiltered = averaged.copy().pick(["E75"])  # still at 500 Hz, so that 60 Hz is there
filtered = unfiltered.copy().filter(1, 30)
spectra = {"before": spectrum(unfiltered), "after": spectrum(filtered)}
removed = {}
for frequency in (0.5, 10, 60):
    at = np.abs(spectra["before"][0] - frequency).argmin()
    before, after = (10 * np.log10(power[at]) for _, power in spectra.values())
    removed[frequency] = float(before - after)
    print(f"{frequency:>4} Hz: {before:6.1f} -> {after:6.1f} dB (uV^2/Hz)")

# %%
# A common mistake: a cue is not a block
# --------------------------------------
# :func:`braindecode.preprocessing.preprocess` runs the recipe on every recording. Each step
# is a method of :class:`mne.io.Raw` and not a function of its array, hence
# ``apply_on_array=False``. Then windows are cut from the cues.
from braindecode.preprocessing import Preprocessor, create_windows_from_events, preprocess

EYES = ("instructed_toOpenEyes", "instructed_toCloseEyes")
steps = [
    Preprocessor("set_eeg_reference", ref_channels="average", apply_on_array=False),
    Preprocessor("reorder_channels", ch_names=list(PLACES), apply_on_array=False),
    Preprocessor("resample", sfreq=100, apply_on_array=False),
    Preprocessor("filter", l_freq=1, h_freq=30, apply_on_array=False),
]
dataset = preprocess(dataset, steps)


# %%
def cut(dataset, window_s, stride_s):
    return create_windows_from_events(
        dataset,
        window_size_samples=round(window_s * 100),
        window_stride_samples=round(stride_s * 100),
        mapping={name: label for label, name in enumerate(EYES)},
        on_last_window="drop",
        preload=True,
    )


try:
    cut(dataset, 2, 2)
except ValueError as error:
    print(f"{type(error).__name__}: {error}")

# %%
# A cue has a start and no duration. Following the advice of the message would leave out all
# trials, because all are too short. The recovery is to say what a cue means: it lasts until
# the next one, and the last cue only marks the end.


def until_next_cue(raw):
    cues = raw.annotations[np.isin(raw.annotations.description, EYES)]
    start, name = cues.onset, cues.description
    blocks = mne.Annotations(start[:-1], np.diff(start), name[:-1], cues.orig_time)
    return raw.set_annotations(blocks)


dataset = preprocess(dataset, [Preprocessor(until_next_cue, apply_on_array=False)])
for block in dataset.datasets[0].raw.annotations:
    print("{description:<24}from {onset:4.1f} s, for {duration:4.1f} s".format(**block))

# %%
# Other pages use ``_study.until_next_cue``, which does the same and keeps other marks.
# Predict the number of windows of two or four seconds, side by side or overlapping by half.
# Overlapping windows are more windows and not more data: keep all windows of a person on
# one side of a split. Only what does not fill a window at the end of a block is left out.
counts = {}
for length, stride in [(2, 2), (2, 1), (4, 4), (4, 2)]:
    counts[f"{length} s, every {stride} s"] = len(cut(dataset, length, stride))
print(pd.Series(counts).to_string())

# %%
# Windows are saved with a table of their labels. With ``preload=False`` a signal is read
# from the disk when it is used.
from braindecode.datautil import load_concat_dataset

windows = cut(dataset, 2, 2)
folder = CACHE / "windows-highdensity"
folder.mkdir(exist_ok=True)
windows.save(str(folder), overwrite=True)
again = load_concat_dataset(str(folder), preload=False)
X, y, _ = windows[7]
X_again, y_again, _ = again[7]
same = len(windows) == len(again) and y == y_again and np.allclose(X, X_again, atol=1e-9)
print(f"{len(again)} windows, the same again: {same}")

# %%
# Is anything in them? Closing the eyes should raise alpha at the back of the head, ``E75``.
oz = list(PLACES).index("E75")
powers = []  # in uV^2/Hz with eyes open and closed, for each person
for person in windows.datasets:
    signal = np.stack([window[oz] for window, *_ in person]) * 1e6
    # Twice, because half of the power is at negative frequencies, which rfft leaves out.
    power = 2 * np.abs(np.fft.rfft(signal)) ** 2 / (100 * signal.shape[1])
    powers.append([power[np.array(person.y) == label].mean(axis=0) for label in (0, 1)])
powers = np.array(powers)
freqs = np.fft.rfftfreq(200, 1 / 100)
alpha = powers[:, :, (freqs >= 8) & (freqs <= 13)].mean(axis=2)
ratios = alpha[:, 1] / alpha[:, 0]
print("alpha, eyes closed over open:", " and ".join(f"{ratio:.1f}" for ratio in ratios))

# %%
# The figure shows what the reference hides, what another order does, what the filter
# removes and what the windows hold.
two_s = {"picks": ["Cz", "E75"], "tmin": 5, "tmax": 7}
signals = {"as recorded": raw.get_data(**two_s), "average ref.": averaged.get_data(**two_s)}
listed = ", ".join(f"{name} {error:.0%}" for name, error in errors.items())

# %%
figure = draw_preprocess_figure(
    signals,
    errors,
    spectra,
    (freqs, powers.mean(axis=0)),
    sfreq,
    title="Reference before you pick, filter before you cut",
    subtitle=f"{len(raw.ch_names)} channels at {sfreq:.0f} Hz, recorded against Cz",
    provenance="data: simulated",
    alt="Four panels. A: Cz and E75 as recorded and after average reference; Cz is flat "
    f"before and has {rms(averaged, 'Cz'):.1f} uV after. B: error of other orders, "
    f"{listed} of the signal. C: spectrum before and after the filter, {removed[60]:.0f} "
    f"dB less at 60 Hz. D: spectra at E75; closing the eyes: alpha x {ratios.mean():.1f}.",
)

# %%
# Modify
# ------
# **Another reference.** Subtract the mean of the two electrodes behind the ears, ``E57``
# and ``E100``, instead of the average. Is ``Cz`` flat? How far is the result from the
# average reference? Predict, then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: behind the ears</summary>
STEPS["ears"] = lambda raw: raw.set_eeg_reference(["E57", "E100"])
ears = process(RECIPE.replace("reference", "ears"))
cz_rms = np.sqrt(np.mean(ears[list(PLACES).index("Cz")] ** 2)) * 1e6
difference = np.sqrt(np.mean((ears - right) ** 2)) / size
print(f"Cz {cz_rms:.2f} uV, difference to the average {difference:.0%}")

# %%
# .. raw:: html
#
#    </details>
#
# No reference is the true one, but all windows that go into one model need the same.
# For advice on what comes before these steps, see :cite:t:`cisotto2024tips`.
#
# The result, as one line
# -----------------------
# So the order matters where a step needs all channels, as the average does, or a long
# signal, as the filter does. Other swaps change little but the ends of a recording. To go
# on: filter from a lower frequency. Which row of the table grows, and why?
# The line below is the page's :term:`contract`: every build checks it.
recorded = {
    "n_recordings": len(dataset.datasets),
    "n_chans_recorded": len(raw.ch_names),
    "sfreq_recorded": sfreq,
}
reference = {"cz_rms_before_uv": rms(raw, "Cz"), "cz_rms_after_uv": rms(averaged, "Cz")}
removed_db = {"mains_db_removed": removed[60], "alpha_db_removed": removed[10]}
saved = {"saved_and_loaded_identical": same, "alpha_closed_over_open": ratios.mean()}

# %%
contract = {
    "tutorial": "plot_10",
    "version": 2,
    "data": "simulated",
    **recorded,
    "n_windows": counts,
    "order_difference": errors,
    **reference,
    "order_difference_without_ends": errors_inside,
    "pick_first_difference": errors["pick before reference"],
    **removed_db,
    **saved,
}
contract = for_json(contract)
print(json.dumps(contract))

# %%
# References
# ----------
# The format is from :cite:t:`pernet2019eegbids`, the reader from :cite:t:`gramfort2013mne`,
# the shape of the recordings from :cite:t:`alexander2017hbn`. Full records are on the
# :doc:`references page </references>`.
