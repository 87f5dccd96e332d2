"""What a result is judged by: scores per person, THE interval, paired tests, numbers for the line."""

import warnings
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import (
    ConstantInputWarning,
    DegenerateDataWarning,
    bootstrap,
    pearsonr,
    permutation_test,
)

#: The regimes, in the order in which they are told.
REGIMES = ("from-scratch", "linear-probe", "full-finetune")

#: Test people below which an interval over people means nothing.
MIN_PEOPLE = 10

#: Resamples of an interval, and of the permutation test of a correlation.
N_RESAMPLES = 4000


def per_subject(values, subjects):
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


def _over_people(samples, statistic):
    """95 % percentile bootstrap interval over people; resamples without a value are left out."""
    with warnings.catch_warnings():  # of the few resamples that are left out below
        for kind in (ConstantInputWarning, DegenerateDataWarning):
            warnings.simplefilter("ignore", kind)
        found = bootstrap(
            samples,
            statistic,
            paired=len(samples) > 1,
            vectorized=True,
            method="percentile",
            n_resamples=N_RESAMPLES,
            rng=np.random.default_rng(0),
        )
    drawn = found.bootstrap_distribution
    if np.isnan(drawn).any():
        return np.nanpercentile(drawn, [2.5, 97.5]).tolist()
    return [float(end) for end in found.confidence_interval]


def interval(values):
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
    return _over_people((values,), np.mean)


def with_interval(values, sign="", digits=3):
    """A mean over people with its interval, as text.

    Parameters
    ----------
    values : ndarray, shape (n_subjects,)
        One value per person.
    sign : {"", "+"}
        ``"+"`` for a difference, whose sign is always shown.
    digits : int
        Decimals.

    Returns
    -------
    str
        For instance ``"+0.117 [+0.062, +0.172]"``.
    """
    low, high = interval(values)
    how = f"{sign}.{digits}f"
    return f"{values.mean():{how}} [{low:{how}}, {high:{how}}]"


def sign_flip(differences):
    """Probability of a mean difference at least as large, if the two were exchangeable.

    Parameters
    ----------
    differences : ndarray, shape (n_subjects,)
        One difference per person.

    Returns
    -------
    float
        Two-sided p: exact up to 16 people, with random signs beyond.
    """
    found = permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=2**16, rng=0
    )
    return float(found.pvalue)


class Difference(NamedTuple):
    """A mean difference within people, its paired interval, and p with signs flipped."""

    mean: float
    ci: list
    p: float

    def __str__(self):
        low, high = self.ci
        return f"{self.mean:+.3f} [{low:+.3f}, {high:+.3f}]  p = {self.p:.5f}"


def difference(one, other):
    """Compare two scores of the same people.

    Parameters
    ----------
    one, other : ndarray, shape (n_subjects,)
        One value per person, in the same order.

    Returns
    -------
    Difference
        Of ``one - other``.
    """
    values = one - other
    return Difference(float(values.mean()), interval(values), sign_flip(values))


def score_people(true, predicted, baseline):
    """Everything a prediction for people has to be judged by, on one hold-out.

    Parameters
    ----------
    true, predicted : ndarray, shape (n_subjects,)
        One value per person who was not trained on.
    baseline : float
        What needs no features: the mean of the training people.

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
    _check_people(true, predicted)

    def r(x, y, axis=-1):
        return pearsonr(x, y, axis=axis).statistic

    def ratio(x, y, axis=-1):
        return ((y - x) ** 2).mean(axis=axis) / ((baseline - x) ** 2).mean(axis=axis)

    exchanged = permutation_test(
        (predicted,),
        lambda x, axis=-1: r(x, np.broadcast_to(true, x.shape), axis=axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=N_RESAMPLES,
        rng=np.random.default_rng(0),
    )
    mse, baseline_mse = np.mean((predicted - true) ** 2), np.mean((baseline - true) ** 2)
    return {
        "pearson_r": float(r(true, predicted)),
        "r_ci": _over_people((true, predicted), r),
        "permutation_p": float(exchanged.pvalue),
        "r2": float(1 - mse / np.var(true)),
        "mae": float(np.mean(np.abs(predicted - true))),
        "mse": float(mse),
        "baseline_mae": float(np.mean(np.abs(baseline - true))),
        "baseline_mse": float(baseline_mse),
        "mse_ratio": float(mse / baseline_mse),
        "mse_ratio_ci": _over_people((true, predicted), ratio),
    }


def _check_people(true, predicted):
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


def rounded(values, digits=4, **digits_of):
    """Plain Python numbers for the JSON line, fractions rounded.

    Parameters
    ----------
    values : dict, sequence, ndarray or scalar
        What the line holds: numbers, text, None, and dictionaries, named tuples and lists of
        them.
    digits : int
        Decimals of a fraction. Whole numbers and booleans stay what they are.
    **digits_of : int
        Decimals of what stands under a key of this name, at any depth, e.g. ``p=5``.

    Returns
    -------
    dict, list or scalar
        The same, as JSON holds it.
    """
    if hasattr(values, "_asdict"):  # a named tuple, such as Difference
        values = values._asdict()
    if isinstance(values, dict):
        return {
            key: rounded(value, digits_of.get(key, digits), **digits_of)
            for key, value in values.items()
        }
    if isinstance(values, list | tuple | np.ndarray):
        return [rounded(value, digits, **digits_of) for value in values]
    if isinstance(values, np.generic):
        values = values.item()
    return round(values, digits) if isinstance(values, float) else values
