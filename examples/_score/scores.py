"""What a result is judged by: scores per person, THE interval, paired tests, numbers for the line."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import permutation_test, sem
from scipy.stats import t as student

from _runtime import TutorialError


class ScoreError(TutorialError, ValueError):
    """Values that cannot be judged as asked; the message says why."""


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


def interval(values, share=False):
    """95 % interval of a mean over people, from Student's t.

    Parameters
    ----------
    values : ndarray, shape (n_subjects,)
        One value per person; for a difference, the difference within each person.
    share : bool
        Is a value a share, such as an accuracy? Then the ends are cut at 0 and 1. Never for a
        difference, which may look like shares where everybody gains.

    Returns
    -------
    list of float
        Lower and upper end.

    Raises
    ------
    ScoreError
        If there are fewer than two people.

    Notes
    -----
    What is resampled in thought is people: other people from the same population. For 10 to 40 people
    with scores like those of the tutorials this interval holds the mean of the population 95 times
    in 100, where a percentile bootstrap of ten people holds it 89 times: the page on evaluation
    has the table.
    """
    values = np.asarray(values, float)
    if len(values) < 2:
        raise ScoreError(f"an interval over {len(values)} people: pass two or more values")
    half = student.ppf(0.975, len(values) - 1) * sem(values)
    ends = np.array([values.mean() - half, values.mean() + half])
    return (ends.clip(0, 1) if share else ends).tolist()


def expected_half_width(n_subjects, spread):
    """How far an interval will reach to both sides, before anything is measured.

    Parameters
    ----------
    n_subjects : int
        People it is over.
    spread : float
        Standard deviation over people that is expected.

    Returns
    -------
    float
        Half the width of :func:`interval`.
    """
    return float(student.ppf(0.975, n_subjects - 1) * spread / np.sqrt(n_subjects))


def ratio_interval(errors, baseline):
    """Ratio of two mean errors over the same people, and its 95 % interval on a log scale.

    Parameters
    ----------
    errors, baseline : ndarray, shape (n_subjects,)
        Squared error of each person by a prediction, and by what needs no features.

    Returns
    -------
    tuple of (float, list of float)
        The ratio, and the ends of its interval, by the delta method and Student's t.
    """
    ratio = errors.mean() / baseline.mean()
    half = student.ppf(0.975, len(errors) - 1) * sem(errors - ratio * baseline)
    ends = ratio * np.exp(np.array([-1, 1]) * half / errors.mean())
    return float(ratio), ends.tolist()


def values_mean_ci(values, share=False):
    """What a figure shows of a score.

    Parameters
    ----------
    values, share
        As for :func:`interval`.

    Returns
    -------
    tuple of (ndarray, float, list of float)
        The value of each person, their mean and its interval.
    """
    return values, values.mean(), interval(values, share)


def with_interval(values, sign="", digits=3, share=False):
    """A mean over people with its interval, as text.

    Parameters
    ----------
    values : ndarray, shape (n_subjects,)
        One value per person.
    sign : {"", "+"}
        ``"+"`` for a difference, whose sign is always shown.
    digits : int
        Decimals.
    share : bool
        As for :func:`interval`.

    Returns
    -------
    str
        For instance ``"+0.117 [+0.062, +0.172]"``.
    """
    low, high = interval(values, share)
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
    test = permutation_test(
        (differences,), np.mean, permutation_type="samples", n_resamples=2**16, rng=0
    )
    return float(test.pvalue)


def holm(p_values):
    """Correct the p of several contrasts of one page, after Holm.

    Parameters
    ----------
    p_values : sequence of float
        One p per contrast.

    Returns
    -------
    list of float
        Corrected p in the same order: the chance that any of them is as small by luck.
    """
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values)
    steps = p_values[order] * np.arange(len(order), 0, -1)
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return corrected.tolist()


class Difference(NamedTuple):
    """A mean difference within people, its paired interval, and p with signs flipped."""

    mean: float
    ci: list
    p: float

    def __str__(self):
        low, high = self.ci
        return f"{self.mean:+.3f} [{low:+.3f}, {high:+.3f}]  p = {self.p:.4f}"


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


def for_json(values, digits=4):
    """Plain Python numbers for the JSON line, fractions rounded.

    Parameters
    ----------
    values : dict, sequence, ndarray or scalar
        What the line holds: numbers, text, None, and dictionaries, named tuples and lists of
        them.
    digits : int
        Decimals of a fraction. Whole numbers and booleans stay what they are.

    Returns
    -------
    dict, list or scalar
        The same, as JSON holds it.
    """
    if hasattr(values, "_asdict"):  # a named tuple, such as Difference
        values = values._asdict()
    if isinstance(values, dict):
        return {key: for_json(value, digits) for key, value in values.items()}
    if isinstance(values, list | tuple | np.ndarray):
        return [for_json(value, digits) for value in values]
    if isinstance(values, np.generic):
        values = values.item()
    return round(values, digits) if isinstance(values, float) else values


def print_table(rows):
    """Print rows of text; each column is as wide as its widest entry, so none runs into the next.

    Parameters
    ----------
    rows : list of sequence of str
        The head, if there is one, and the rows below it, all of one length.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        print("  ".join(cells).rstrip())


def holds(values, chance):
    """Is an accuracy not told apart from chance: does its interval hold it?

    Parameters
    ----------
    values : ndarray, shape (n_subjects,)
        Accuracy of each person.
    chance : float
        Accuracy of guessing.

    Returns
    -------
    bool
        True where it does.
    """
    low, high = interval(values, share=True)
    return low <= chance <= high


def print_accuracies(accuracies, chance, learns=(), hits=None):
    """Print a table with a row per method: accuracy with its interval, and what is over chance.

    Where the interval of the highest accuracy holds chance, this is said below the table.

    Parameters
    ----------
    accuracies : dict of str to ndarray, shape (n_subjects,)
        Name -> accuracy of each person.
    chance : float
        Accuracy of guessing.
    learns : dict of str to int, optional
        Numbers of parameters that learn, where it matters.
    hits : dict of str to list of ndarray, optional
        Name -> right answers of each initialisation, to print the spread of their accuracies.
    """
    rows = [["", "accuracy", "over chance"]]
    if hits:
        rows[0].append("sd of initialisations")
    if learns:
        rows[0].append("learns")
    for name, accuracy in accuracies.items():
        row = [
            name,
            with_interval(accuracy, share=True),
            f"{accuracy.mean() - chance:+.3f}",
        ]
        if hits:
            row.append(f"{np.std([h.mean() for h in hits[name]], ddof=1):.3f}")
        if learns:
            row.append(f"{learns[name]:,}" if name in learns else "")
        rows.append(row)
    print_table(rows)
    if holds(max(accuracies.values(), key=np.mean), chance):
        print(f"nothing here is told apart from chance, {chance:.3g}")


def means_and_intervals(accuracies, name="accuracy", share=True):
    """Means over people and their intervals, for the line.

    Parameters
    ----------
    accuracies : dict of str to ndarray, shape (n_subjects,)
        Name of a method -> score of each person.
    name : str
        Of the score.
    share : bool
        As for :func:`interval`; an accuracy is one, a correlation is not.

    Returns
    -------
    dict of str to dict
        ``name`` and ``name_ci``, each by method.
    """
    means = {method: values.mean() for method, values in accuracies.items()}
    intervals = {method: interval(values, share) for method, values in accuracies.items()}
    return {name: means, f"{name}_ci": intervals}


def print_smallest_p(n_people, n_contrasts=1):
    """Say how small p can be, where no result over so few people can be below .05.

    Parameters
    ----------
    n_people : int
        People whose signs are flipped: of ``2**n`` flips, two are at least as far from zero.
    n_contrasts : int
        Contrasts that p is corrected for (:func:`holm`).
    """
    smallest = min(1, n_contrasts * 2 / 2**n_people)
    if smallest > 0.05:
        corrected = f", corrected for {n_contrasts} contrasts," if n_contrasts > 1 else ""
        print(f"{n_people} people: no p{corrected} can be below {smallest:.3g}")


def compare_within_people(scores, contrasts, chance=None):
    """Compare methods pair by pair within people, and print the table.

    Parameters
    ----------
    scores : dict of str to ndarray, shape (n_subjects,)
        Name -> score of each person.
    contrasts : list of tuple of str
        Names of one and the other.
    chance : float, optional
        Accuracy of guessing; a contrast of two methods whose intervals hold it is marked.

    Returns
    -------
    dict of str to Difference
        ``"one - other"`` -> difference, whose p is corrected for all contrasts (:func:`holm`).
    """
    differences = [difference(scores[one], scores[other]) for one, other in contrasts]
    corrected = holm([each.p for each in differences])
    table, rows = {}, []
    for pair, each, p in zip(contrasts, differences, corrected, strict=True):
        name = " - ".join(pair)
        table[name] = each._replace(p=p)
        at_chance = chance is not None and all(holds(scores[one], chance) for one in pair)
        rows.append([name, str(table[name]), "both at chance" if at_chance else ""])
    print_table(rows)
    print_smallest_p(len(scores[contrasts[0][0]]), len(contrasts))
    return table
