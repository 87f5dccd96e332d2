"""
From a recording to windows: does the order matter?
===================================================

Four steps turn a raw recording into what a model sees: re-reference, pick channels,
resample, filter. Then it is cut. Each step is one line, and two of them in the wrong order
give numbers that look fine and are wrong. Here you see by how much.

.. admonition:: What you will be able to do
   :class: tip

   - say what the recording reference hides, and bring it back;
   - put the steps in an order that is right;
   - turn cues without a duration into windows, and count them;
   - save windows and load them without reading them all.

You need: Python. Some EEG helps.

Tags: :tag:`preprocessing`, :tag:`BIDS`
"""

# %%
# A recording
# -----------
# Two **simulated** people sat at rest under a cap of 129 electrodes, at 500 Hz, and opened
# and closed their eyes when told to: the shape of the Healthy Brain Network
# :cite:p:`alexander2017hbn`, in BIDS files :cite:p:`pernet2019eegbids`. They are opened by
# :class:`~eegdash.EEGDashDataset`, without a network, and are :class:`mne.io.Raw` inside
# :cite:p:`gramfort2013mne`.
import json

import _runtime
import _study
import mne
import numpy as np
import pandas as pd
from _preprocess_figure import draw_preprocess_figure
from _scores import rounded
from braindecode.datautil import load_concat_dataset
from braindecode.preprocessing import Preprocessor, create_windows_from_events, preprocess
from eegdash import EEGDashDataset

_runtime.setup()
mne.set_log_level("ERROR")
CACHE = _study.get_cache_dir()
STUDY = "simulated-highdensity"
_study.find_study(STUDY)  # written on first use


def open_recordings():
    query = {"dataset": STUDY, "task": "RestingState", "download": False}
    return EEGDashDataset(cache_dir=CACHE, **query)


dataset = open_recordings()
raw = dataset.datasets[0].raw.load_data().copy()  # preprocess() changes recordings in place
seconds = raw.n_times / raw.info["sfreq"]
print(f"{len(dataset.datasets)} recordings, {len(raw.ch_names)} channels, {seconds:.0f} s")
print(pd.Series(raw.annotations.description).value_counts().to_string())

# %%
# What the reference hides
# ------------------------
# A potential is a difference. Everything was recorded against ``Cz``, the
# :term:`recording reference`, so ``Cz`` itself is a
# flat line, and what happened *there* is, upside down, in all other channels. Predict: how
# large will ``Cz`` be after subtracting the mean of all channels?


def rms(raw, channel):
    return float(np.sqrt(np.mean(raw.get_data(channel) ** 2)) * 1e6)


averaged = raw.copy().set_eeg_reference("average")
for channel in ("Cz", "E75"):
    print(f"{channel:<4}{rms(raw, channel):6.2f} uV -> {rms(averaged, channel):6.2f} uV")

# %%
# Reference first, or pick first?
# -------------------------------
# Eight channels are enough for many models. Picking them first and taking their mean as the
# reference raises no error. It is the mean of eight electrodes, and not of the head.
PICKED = ["E11", "Cz", "E62", "E75", "E36", "E104", "E52", "E92"]
right = averaged.copy().reorder_channels(PICKED)
wrong = raw.copy().reorder_channels(PICKED).set_eeg_reference("average")


def difference(one, other):
    """Root mean square of the difference, as a part of the first."""
    a, b = one.get_data(), other.get_data()
    return float(np.sqrt(np.mean((a - b) ** 2) / np.mean(a**2)))


pick_first = difference(right, wrong)
print(f"picking before referencing changes the signal by {pick_first:.0%}")

# %%
# The last two steps are linear and act on each channel alone, so their order with picking
# changes nothing but the work:
late = averaged.copy().resample(100).filter(1, 30).reorder_channels(PICKED)
early = right.copy().resample(100).filter(1, 30)
print(f"picking before or after resampling and filtering: {difference(early, late):.1e}")

# %%
# What the filter does
# --------------------
# The spectrum shows it best. The mains hum at 60 Hz is gone with everything above 30 Hz;
# slow drifts below 1 Hz shrink; the alpha rhythm stays as it was.


def spectrum(raw, fmax=80):
    found = raw.compute_psd(fmin=0.2, fmax=min(fmax, raw.info["sfreq"] / 2), n_fft=4096)
    return found.freqs, found.get_data("E75")[0] * 1e12


def level(raw, frequency):
    """Power in dB at the nearest frequency."""
    freqs, power = spectrum(raw)
    return float(10 * np.log10(power[np.abs(freqs - frequency).argmin()]))


filtered = right.copy().filter(1, 30)  # still at 500 Hz, so that 60 Hz can be looked at
for frequency in (0.5, 10, 60):
    before, after = level(right, frequency), level(filtered, frequency)
    print(f"{frequency:>4} Hz: {before:6.1f} -> {after:6.1f} dB (uV^2/Hz), at the back")

# %%
# The recipe, for all recordings
# ------------------------------
# :func:`braindecode.preprocessing.preprocess` runs the steps on every recording. Cues have
# no duration: each lasts until the next, and the last one ends the task.
EYES = ("instructed_toOpenEyes", "instructed_toCloseEyes")
steps = [
    Preprocessor("set_eeg_reference", ref_channels="average", apply_on_array=False),
    Preprocessor("reorder_channels", ch_names=PICKED, apply_on_array=False),
    Preprocessor("resample", sfreq=100, apply_on_array=False),
    Preprocessor("filter", l_freq=1, h_freq=30, apply_on_array=False),
    Preprocessor(_study.until_next_cue, cues=EYES, apply_on_array=False),
]
dataset = preprocess(dataset, steps)
cues = dataset.datasets[0].raw.annotations
blocks = pd.DataFrame({"cue": cues.description, "from": cues.onset, "lasts": cues.duration})
print(blocks.round(1).to_string(index=False))

# %%
# How many windows?
# -----------------
# Predict the four numbers: windows of two or four seconds, one after the other or every
# half of a window.


def cut(dataset, window_s, stride_s):
    return create_windows_from_events(
        dataset,
        window_size_samples=round(window_s * 100),
        window_stride_samples=round(stride_s * 100),
        mapping={name: label for label, name in enumerate(EYES)},
        preload=True,
        on_last_window="drop",
        accepted_bads_ratio=1.0,  # a block shorter than a window is left out
    )


choices = [(2, 2), (2, 1), (4, 4), (4, 2)]
counts = {f"{w} s, every {s} s": len(cut(dataset, w, s)) for w, s in choices}
print(pd.Series(counts).to_string())

# %%
# Overlapping windows are more windows and not more data: neighbours share samples. Keep all
# windows of a person on one side of a split, as :doc:`the next page
# </auto_examples/plot_11_leakage_safe_split>` shows.
#
# Save once, load lazily
# ----------------------
# Windows are saved with their table, and loaded again without reading the signals: those
# come when a window is asked for.
windows = cut(dataset, 2, 2)
folder = CACHE / "windows-highdensity"
folder.mkdir(exist_ok=True)
windows.save(str(folder), overwrite=True)
again = load_concat_dataset(str(folder), preload=False)
(X, y, _), (X_again, y_again, _) = windows[7], again[7]
identical = (
    len(windows) == len(again) and y == y_again and np.allclose(X, X_again, atol=1e-9)
)
megabytes = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) / 1e6
print(f"{len(again)} windows, {megabytes:.1f} MB, the same again: {identical}")

# %%
# Is there anything in them? Closing the eyes should raise alpha at the back of the head.
values = np.stack([w for w, *_ in windows]) * 1e6
labels = np.array([label for _, label, *_ in windows])
freqs = np.fft.rfftfreq(values.shape[-1], 1 / 100)
power = np.abs(np.fft.rfft(values[:, PICKED.index("E75")])) ** 2
alpha = power[:, (freqs >= 8) & (freqs <= 13)].mean(axis=1)
ratio = float(alpha[labels == 1].mean() / alpha[labels == 0].mean())
print(f"alpha power at E75, eyes closed over open: {ratio:.1f}")

figure = draw_preprocess_figure(
    {"recorded": raw.get_data(["Cz", "E75"]), "average": averaged.get_data(["Cz", "E75"])},
    {"before": spectrum(right), "after": spectrum(filtered)},
    {"open": power[labels == 0].mean(axis=0), "closed": power[labels == 1].mean(axis=0)},
    blocks.to_numpy(),
    freqs=freqs,
    sfreq=raw.info["sfreq"],
    title="What each step does",
    subtitle="129 channels at 500 Hz, recorded against Cz",
    provenance="data: simulated",
    alt="Four panels. A: Cz and E75 as recorded and after average reference; Cz is flat "
    f"before and has {rms(averaged, 'Cz'):.1f} uV after. B: spectrum before and after the "
    "filter, without the peak at 60 Hz. C: blocks of open and closed eyes over time. D: "
    f"spectrum at E75 with eyes open and closed, alpha {ratio:.1f} times as strong.",
)

# %%
# Modify
# ------
# **Another reference.** Re-reference to the two electrodes beside the ears, ``E57`` and
# ``E100``, in place of the average. Is ``Cz`` alive? How different are the eight channels?
# Predict, then unfold.
#
# .. raw:: html
#
#    <details class="solution"><summary>Solution: beside the ears</summary>
ears = raw.copy().set_eeg_reference(["E57", "E100"]).reorder_channels(PICKED)
print(
    f"Cz {rms(ears, 'Cz'):.2f} uV, difference to the average {difference(right, ears):.0%}"
)

# %%
# .. raw:: html
#
#    </details>
#
# Wrap-up
# -------
# - Reference over *all* channels, then pick, then resample and filter.
# - A wrong order raises no error; look at the reference channel.
# - A cue is not a block, and the last cue is not a block at all.
# - Careful practice starts before any of this :cite:p:`cisotto2024tips`.
#
# **Try it yourself.** With windows of four seconds, let ``on_last_window`` be ``"keep"``:
# where does the last window of a block begin? Filter before you reference: does it matter?
#
# The result, as one line
# -----------------------
# Everything a reader or a test needs to check this run.
contract = {
    "tutorial": "plot_10",
    "version": 1,
    "data": "simulated",
    "n_recordings": len(dataset.datasets),
    "n_chans_recorded": len(raw.ch_names),
    "sfreq_recorded": raw.info["sfreq"],
    "cz_rms_before_uv": rms(raw, "Cz"),
    "cz_rms_after_uv": rms(averaged, "Cz"),
    "pick_first_difference": pick_first,
    "mains_db_removed": round(level(right, 60) - level(filtered, 60), 1),
    "alpha_db_removed": round(level(right, 10) - level(filtered, 10), 1),
    "n_windows": counts,
    "saved_and_loaded_identical": bool(identical),
    "alpha_closed_over_open": round(ratio, 2),
}
print(json.dumps(rounded(contract)))

# %%
# References
# ----------
# The format is from :cite:t:`pernet2019eegbids`, the reader from :cite:t:`gramfort2013mne`,
# the shape of the recordings from :cite:t:`alexander2017hbn`. Full records are on the
# :doc:`references page </references>`.
