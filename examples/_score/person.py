"""How a prediction of a score per person is judged: on one hold-out, and, of few people, on many."""

import numpy as np
from scipy.stats import pearsonr, permutation_test
from sklearn.base import clone
from sklearn.model_selection import ShuffleSplit

from _score.scores import ScoreError, print_table, ratio_interval

#: Test people below which an interval over people means nothing.
MIN_PEOPLE = 10

#: Exchanges of people in the test of a correlation.
N_RESAMPLES = 4000

#: With fewer people than this, where the split falls moves a score as much as the model does.
FEW_PEOPLE, N_SPLITS = 40, 50


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
        ``pearson_r``; ``r_ci``, a list with the ends of its 95 % interval, Fisher's z over
        people; ``permutation_p``, two-sided, with people exchanged; ``r2`` against the mean
        of ``true``; ``mae`` and ``mse``; ``baseline_mae`` and ``baseline_mse`` of the baseline;
        ``mse_ratio = mse / baseline_mse`` and its interval ``mse_ratio_ci``.

    Raises
    ------
    ScoreError
        If lengths differ, fewer than ``MIN_PEOPLE`` are given, where no interval means anything,
        or one side does not vary, where a correlation is not defined.

    Notes
    -----
    Made for *one* hold-out. The pooled predictions of a K-fold come from models that share
    training people, and neither resampling nor permuting them gives honest uncertainty.
    """
    true, predicted = np.asarray(true, float), np.asarray(predicted, float)
    _check_people(true, predicted)

    def r(x, y, axis=-1):
        return pearsonr(x, y, axis=axis).statistic

    exchanged = permutation_test(
        (predicted,),
        lambda x, axis=-1: r(x, np.broadcast_to(true, x.shape), axis=axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=N_RESAMPLES,
        rng=np.random.default_rng(0),
    )
    errors, baseline_errors = (predicted - true) ** 2, (baseline - true) ** 2
    mse, baseline_mse = errors.mean(), baseline_errors.mean()
    ratio, ratio_ci = ratio_interval(errors, baseline_errors)
    correlation = pearsonr(true, predicted)
    return {
        "pearson_r": float(correlation.statistic),
        "r_ci": [float(end) for end in correlation.confidence_interval(0.95)],
        "permutation_p": float(exchanged.pvalue),
        "r2": float(1 - mse / np.var(true)),
        "mae": float(np.mean(np.abs(predicted - true))),
        "mse": float(mse),
        "baseline_mae": float(np.mean(np.abs(baseline - true))),
        "baseline_mse": float(baseline_mse),
        "mse_ratio": ratio,
        "mse_ratio_ci": ratio_ci,
    }


def _check_people(true, predicted):
    if true.shape != predicted.shape or true.ndim != 1:
        raise ScoreError(
            f"true has shape {true.shape} and predicted {predicted.shape}: pass one value per "
            "person, for the same people"
        )
    if len(true) < MIN_PEOPLE:
        raise ScoreError(
            f"{len(true)} test people are too few for an interval or a test: open a study with "
            f"more people, so that at least {MIN_PEOPLE} are held out"
        )
    for name, values in (("true", true), ("predicted", predicted)):
        if np.ptp(values) == 0:
            raise ScoreError(
                f"{name} is {values[0]:g} for everybody: a correlation with a constant is not "
                "defined; compare errors instead"
            )


def print_other_splits(model, X, y, test_size):
    """Of few people: how far scores move with the split, which no interval of one split says.

    Parameters
    ----------
    model : sklearn estimator
        Fitted anew for each split.
    X : ndarray, shape (n_subjects, n_features)
        Features of all people.
    y : ndarray, shape (n_subjects,)
        Their scores.
    test_size : int or float
        People held out in each split, or their share.

    Returns
    -------
    dict of list of float
        ``pearson_r`` and ``mse_ratio`` of each split; empty where there are ``FEW_PEOPLE`` or more.
        Splits share people, so their spread is no interval.
    """
    if len(y) >= FEW_PEOPLE:
        return {}
    scores = {"pearson_r": [], "mse_ratio": []}
    for train, test in ShuffleSplit(N_SPLITS, test_size=test_size, random_state=1).split(X):
        predicted = clone(model).fit(X[train], y[train]).predict(X[test])
        scores["pearson_r"].append(float(pearsonr(y[test], predicted).statistic))
        errors = [(guess - y[test]) ** 2 for guess in (predicted, y[train].mean())]
        scores["mse_ratio"].append(float(errors[0].mean() / errors[1].mean()))
    values = np.array(list(scores.values()))
    low, middle, high = np.quantile(values, (0.1, 0.5, 0.9), axis=1)
    print(f"{len(y)} people: ridge on {N_SPLITS} other splits of them, 10 %, 50 %, 90 %")
    ends = zip(scores, low, middle, high, strict=True)
    print_table([(name, *(f"{value:.2f}" for value in values)) for name, *values in ends])
    return scores


def print_scores(scores):
    """Print a table with a row per entry, as :func:`score_people` returns them.

    Parameters
    ----------
    scores : dict of str to dict
        Name -> scores.
    """
    rows = [("", "r", "p", "R2", "MAE", "MSE", "MSE / train mean's")]
    for name, s in scores.items():
        r = "{:+.2f} [{:+.2f}, {:+.2f}]".format(s["pearson_r"], *s["r_ci"])
        ratio = "{:.2f} [{:.2f}, {:.2f}]".format(s["mse_ratio"], *s["mse_ratio_ci"])
        errors = f"{s['r2']:+.2f}", _three_digits(s["mae"]), _three_digits(s["mse"])
        rows.append((name, r, f"{s['permutation_p']:.4f}", *errors, ratio))
    print_table(rows)


def _three_digits(error):
    """An error in units of a score, of which nobody knows whether they are large or small."""
    return f"{error:,.0f}" if error >= 1000 else f"{error:.3g}"
