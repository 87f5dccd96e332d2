"""Subject-level regression: features per person, and the scores a result has to bring along."""

import warnings

import numpy as np
import pandas as pd
from scipy.signal import welch
from scipy.stats import (
    ConstantInputWarning,
    DegenerateDataWarning,
    bootstrap,
    pearsonr,
    permutation_test,
)

#: Frequency bands in Hz, lower edge included.
BANDS = {
    "delta": (1, 4),
    "theta": (4, 8),
    "alpha": (8, 13),
    "low beta": (13, 20),
    "high beta": (20, 30),
}


#: Test people below which an interval over people means nothing.
MIN_PEOPLE = 10


def log_band_power(windows, sfreq):
    """Natural logarithm of the mean power in five bands.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_chans, n_times)
        Signals; with microvolts the power is in uV^2/Hz.
    sfreq : float
        Sampling frequency in Hz.

    Returns
    -------
    ndarray, shape (n_windows, n_chans * 5)
        Bands of ``BANDS`` run fastest.

    Raises
    ------
    ValueError
        If a window is too short to have a frequency in every band, or a channel is flat, whose
        power has no logarithm.
    """
    freqs, power = welch(windows, fs=sfreq, nperseg=windows.shape[-1])
    inside = {name: (freqs >= low) & (freqs < high) for name, (low, high) in BANDS.items()}
    empty = [name for name, own in inside.items() if not own.any()]
    if empty:
        raise ValueError(
            f"windows of {windows.shape[-1] / sfreq:g} s at {sfreq:g} Hz hold no frequency of the "
            f"bands {empty}: cut longer windows"
        )
    features = np.stack([power[..., own].mean(axis=-1) for own in inside.values()], axis=-1)
    flat = np.flatnonzero((features <= 0).any(axis=(0, 2)))
    if len(flat):
        raise ValueError(
            f"channels number {flat.tolist()} are flat, and the logarithm of no power is minus "
            "infinity: re-reference before picking, or leave these channels out"
        )
    return np.log(features).reshape(len(windows), -1)


def per_person(values, subjects):
    """Mean over the windows of each person.

    Parameters
    ----------
    values : array-like, shape (n_windows,) or (n_windows, n_features)
        One value or one row per window.
    subjects : array-like of str, shape (n_windows,)
        Whose window it is.

    Returns
    -------
    ndarray, shape (n_subjects,) or (n_subjects, n_features)
        People in sorted order.
    """
    means = pd.DataFrame(np.asarray(values)).groupby(np.asarray(subjects)).mean().to_numpy()
    return means[:, 0] if np.ndim(values) == 1 else means


def interval_over_people(values):
    """95 % percentile bootstrap interval of a mean over people.

    Parameters
    ----------
    values : ndarray, shape (n_subjects,)
        One value per person; for a difference, the difference within each person.

    Returns
    -------
    list of float
        Lower and upper end.
    """
    rng = np.random.default_rng(0)
    found = bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=rng)
    return [float(end) for end in found.confidence_interval]


def score_people(true, predicted, baseline, *, n_resamples=4000, seed=0):
    """Everything a prediction for people has to be judged by, on one hold-out.

    Parameters
    ----------
    true, predicted : ndarray, shape (n_subjects,)
        One value per person who was not trained on.
    baseline : float
        What needs no features: the mean of the training people.
    n_resamples : int
        Resamples of the interval and of the permutation test.
    seed : int
        Seed of both.

    Returns
    -------
    dict of float
        ``pearson_r``; ``r_ci``, a list with the ends of its 95 % percentile bootstrap interval
        over people; ``permutation_p``, two-sided, with people exchanged; ``r2`` against the mean
        of ``true``; ``mae`` and ``mse``; ``baseline_mae`` and ``baseline_mse`` of the baseline;
        ``mse_ratio = mse / baseline_mse`` and its interval ``mse_ratio_ci``.

    Raises
    ------
    ValueError
        If lengths differ, fewer than ``MIN_PEOPLE`` are given, where no interval means anything,
        or one side does not vary, where a correlation is not defined.

    Notes
    -----
    Where many people share a value, such as an age in years, a resample may hold that value only.
    It has no correlation, and is left out of the interval of r.

    Made for *one* hold-out. The pooled predictions of a K-fold come from models that share
    training people, and neither resampling nor permuting them gives honest uncertainty.
    """
    true, predicted = np.asarray(true, float), np.asarray(predicted, float)
    if true.shape != predicted.shape or true.ndim != 1:
        raise ValueError(
            f"true has shape {true.shape} and predicted {predicted.shape}: pass one value per "
            "person, for the same people"
        )
    if len(true) < MIN_PEOPLE:
        raise ValueError(
            f"{len(true)} test people are too few for an interval or a test: open a study with "
            f"more people, so that at least {MIN_PEOPLE} are held out"
        )
    for name, values in (("true", true), ("predicted", predicted)):
        if np.ptp(values) == 0:
            raise ValueError(
                f"{name} is {values[0]:g} for everybody: a correlation with a constant is not "
                "defined; compare errors instead"
            )

    def r(x, y, axis=-1):
        return pearsonr(x, y, axis=axis).statistic

    def ratio(x, y, axis=-1):
        return ((y - x) ** 2).mean(axis=axis) / ((baseline - x) ** 2).mean(axis=axis)

    def interval(statistic):
        with warnings.catch_warnings():  # of the few resamples that are left out below
            for kind in (ConstantInputWarning, DegenerateDataWarning):
                warnings.simplefilter("ignore", kind)
            found = bootstrap(
                (true, predicted),
                statistic,
                paired=True,
                vectorized=True,
                method="percentile",
                n_resamples=n_resamples,
                rng=np.random.default_rng(seed),
            )
        drawn = found.bootstrap_distribution
        if np.isnan(drawn).any():
            return np.nanpercentile(drawn, [2.5, 97.5]).tolist()
        return [float(end) for end in found.confidence_interval]

    exchanged = permutation_test(
        (predicted,),
        lambda x, axis=-1: r(x, np.broadcast_to(true, x.shape), axis=axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=n_resamples,
        rng=np.random.default_rng(seed),
    )
    mse, baseline_mse = np.mean((predicted - true) ** 2), np.mean((baseline - true) ** 2)
    return {
        "pearson_r": float(r(true, predicted)),
        "r_ci": interval(r),
        "permutation_p": float(exchanged.pvalue),
        "r2": float(1 - mse / np.var(true)),
        "mae": float(np.mean(np.abs(predicted - true))),
        "mse": float(mse),
        "baseline_mae": float(np.mean(np.abs(baseline - true))),
        "baseline_mse": float(baseline_mse),
        "mse_ratio": float(mse / baseline_mse),
        "mse_ratio_ci": interval(ratio),
    }


def print_scores(scores):
    """Print a table with a row per entry, as :func:`score_people` returns them.

    Parameters
    ----------
    scores : dict of str to dict
        Name -> scores.
    """
    print(f"{'':<24}{'r':<22}{'p':<8}{'R2':<7}{'MAE':<6}{'MSE':<6}MSE / train mean's")
    for name, s in scores.items():
        r = "{:+.2f} [{:+.2f}, {:+.2f}]".format(s["pearson_r"], *s["r_ci"])
        ratio = "{:.2f} [{:.2f}, {:.2f}]".format(s["mse_ratio"], *s["mse_ratio_ci"])
        errors = f"{s['r2']:<+7.2f}{s['mae']:<6.2f}{s['mse']:<6.2f}"
        print(f"{name:<24}{r:<22}{s['permutation_p']:<8.4f}{errors}{ratio}")
