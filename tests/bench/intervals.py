"""Which interval over few people keeps its 95 %? Measured on scores like those of the tutorials.

A population is a few hundred simulated people with their scores. Samples are drawn from it, and each
method gives an interval for each sample; coverage is how often the interval holds the value of the
population.
"""

import os
import tempfile
import warnings

import numpy as np
from scipy.stats import bootstrap, pearsonr

from _helpers.pages import sibling
from bench.run import keep

SCORES = sibling("_score.scores")
N_PEOPLE, N_SAMPLES, N_RESAMPLES, N_DRAWS = (10, 16, 40), 1000, 999, 12


def accuracies():
    """Accuracy of many people: from band power, its gain over half the training people."""
    from sklearn.linear_model import LogisticRegression

    study_of, power = (
        sibling("_study").open_study,
        sibling("_score.features").log_band_power,
    )
    found = []
    for seed in range(N_DRAWS):
        parts = [
            study_of(f"simulated-transfer-{seed}", cohort=c) for c in ("source", "target")
        ]
        (X, y), (X_new, y_new) = ((power(p.windows, p.sfreq), p.targets) for p in parts)
        subjects, half = parts[1].metadata["subject"], len(y) // 8
        correct = [
            LogisticRegression(max_iter=1000).fit(X[:n], y[:n]).predict(X_new) == y_new
            for n in (len(y), half)
        ]
        found.append([SCORES.per_subject(own, subjects) for own in correct])
    many, few = np.concatenate(found, axis=1)
    return {"accuracy": many, "difference of two accuracies": many - few}


def predictions():
    """True and predicted score of many people, and the mean of those who were trained on."""
    from sklearn.linear_model import RidgeCV

    study_of, power = (
        sibling("_study").open_study,
        sibling("_score.features").log_band_power,
    )
    X, y = [], []
    for seed in range(N_DRAWS):
        study = study_of(f"simulated-pfactor-{seed}", column="p_factor", on_missing="drop")
        subjects = study.metadata["subject"]
        X.append(SCORES.per_subject(power(study.windows, study.sfreq), subjects))
        y.append(SCORES.per_subject(study.targets, subjects))
    model = RidgeCV(np.logspace(-2, 4, 13)).fit(X[0], y[0])
    return np.concatenate(y[1:]), model.predict(np.concatenate(X[1:])), y[0].mean()


def ends_of(method, samples, statistic, rng):
    """Low and high ends of the interval of every sample, by one method."""
    if method == "t":
        return np.array([SCORES.interval(own) for own in samples[0]]).T
    if method == "log t":  # of a ratio of two means
        pairs = zip(*statistic.parts(*samples), strict=True)
        return np.array([SCORES.ratio_interval(*pair)[1] for pair in pairs]).T
    if method == "Fisher z":
        return pearsonr(*samples, axis=-1).confidence_interval(0.95)
    how = {"paired": len(samples) > 1, "vectorized": True, "axis": -1, "rng": rng}
    found = bootstrap(
        samples, statistic, method=method, n_resamples=N_RESAMPLES, batch=50, **how
    )
    return found.confidence_interval


def coverage_of(methods, population, statistic, value, n_people):
    """Share of samples of so many people whose interval holds the value, per method."""
    rng = np.random.default_rng([95, n_people])
    rows = rng.integers(len(population[0]), size=(N_SAMPLES, n_people))
    samples = tuple(own[rows] for own in population)
    found = {}
    for method in methods:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            low, high = ends_of(method, samples, statistic, np.random.default_rng(0))
        found[method] = float(((low <= value) & (value <= high)).mean())
    return found


def measure():
    """Coverage per score, number of people and method, for the page about evaluation."""
    os.environ["EEGDASH_CACHE_DIR"] = (cache := tempfile.TemporaryDirectory()).name
    sibling("_runtime").setup()

    def r(x, y, axis=-1):
        return pearsonr(x, y, axis=axis).statistic

    jobs = [
        (name, ("t", "percentile", "BCa"), (values,), np.mean, values.mean())
        for name, values in accuracies().items()
    ]
    true, predicted, base = predictions()

    def ratio(x, y, axis=-1):
        return ((y - x) ** 2).mean(axis=axis) / ((base - x) ** 2).mean(axis=axis)

    ratio.parts = lambda x, y: ((y - x) ** 2, (base - x) ** 2)
    pair = (true, predicted)
    jobs += [
        ("correlation", ("Fisher z", "percentile", "BCa"), pair, r, r(*pair)),
        ("error / train mean's", ("log t", "percentile", "BCa"), pair, ratio, ratio(*pair)),
    ]
    rows = [
        {"score": name, "people": n, "coverage": coverage_of(methods, own, stat, value, n)}
        for name, methods, own, stat, value in jobs
        for n in N_PEOPLE
    ]
    cache.cleanup()
    sizes = {"accuracy": len(jobs[0][2][0]), "correlation": len(true)}
    return {"rows": rows, "samples": N_SAMPLES, "population": sizes}


if __name__ == "__main__":
    keep("coverage", measure())
