"""What the best of many runs scores when none of them found anything."""

import numpy as np
from scipy import integrate, optimize, special, stats

from _score.scores import ScoreError

#: Places at which a distribution is integrated.
N_GRID = 8001


def expected_best_r(n_people, n_runs):
    """Expected largest correlation of independent runs that found nothing.

    Fisher's z of a correlation over ``n`` people is close to normal with standard deviation
    ``1 / sqrt(n - 3)``. The largest of ``k`` runs is below a value if all of them are.

    Parameters
    ----------
    n_people : int
        People that a run is scored on, at least 4.
    n_runs : float or array-like
        Number of runs, 1 or more; it need not be whole.

    Returns
    -------
    float or ndarray
        One value for each number of runs.

    Raises
    ------
    ScoreError
        If there are fewer than 4 people or less than one run.
    """
    runs = _checked(n_people, n_runs)
    r = np.linspace(-1, 1, N_GRID)
    return _mean_of_best(r, 1 - _share_below(r, n_people), runs, largest=True)


def expected_best_nrmse(n_people, n_runs, sizes):
    """Expected smallest error of independent runs that predict the mean and some noise.

    With the mean known, noise of size ``a`` (in standard deviations of the score) that
    correlates ``r`` with the score has ``nRMSE**2 = 1 - 2 * a * r + a**2``.

    Parameters
    ----------
    n_people, n_runs
        As in :func:`expected_best_r`.
    sizes : tuple of float
        Smallest and largest ``a``, above 0; a run draws its own, all equally likely.

    Returns
    -------
    float or ndarray
        Root mean squared error in standard deviations of the score; 1 is the mean alone.

    Raises
    ------
    ScoreError
        As in :func:`expected_best_r`, or if sizes are not positive or not in order.
    """
    runs, (low, high) = _checked(n_people, n_runs), sizes
    if not 0 < low <= high:
        raise ScoreError(f"sizes {sizes}: give the smallest first, above 0")
    error = np.linspace(max(1 - high, 0), 1 + high, N_GRID)
    a = np.linspace(low, high, 200)[:, None]
    needed = np.clip((1 + a**2 - error**2) / (2 * a), -1, 1)
    return _mean_of_best(error, 1 - _share_below(needed, n_people).mean(0), runs)


def _checked(n_people, n_runs):
    runs = np.asarray(n_runs, float)
    if n_people < 4 or not (runs >= 1).all():
        raise ScoreError(f"{n_people} people, {n_runs} runs: give at least 4 and 1")
    return runs


def _share_below(r, n_people):
    with np.errstate(divide="ignore"):  # z of -1 and 1 is infinite, and its share 0 and 1
        return stats.norm.cdf(np.arctanh(r) * np.sqrt(n_people - 3))


def _mean_of_best(values, share_better, runs, largest=False):
    """Mean of the best of ``runs`` from the share of runs that are better than each value."""
    none_better = (1 - share_better) ** runs[..., None]
    area = integrate.trapezoid(none_better, values)
    best = values[-1] - area if largest else values[0] + area
    return float(best) if best.ndim == 0 else best


def best_of_some(values, n_runs):
    """Expected largest of 1, 2, ... of the values, drawn without putting any back.

    Parameters
    ----------
    values : array-like, shape (..., n)
        Results of runs.
    n_runs : int
        Up to how many of them, at most ``n``.

    Returns
    -------
    ndarray, shape (..., n_runs)
        The mean of the values first.

    Raises
    ------
    ScoreError
        If there are fewer values.
    """
    ordered = np.sort(np.asarray(values, float))
    n = ordered.shape[-1]
    if not 1 <= n_runs <= n:
        raise ScoreError(f"the best of {n_runs} runs, but there are {n}: give 1 to {n}")
    # The value of a rank is the largest if the others were drawn from those below it.
    below, others = np.arange(n)[:, None], np.arange(n_runs)
    log_ways = np.full((n, n_runs), -np.inf)
    some = below >= others
    gaps = special.gammaln(np.where(some, below - others, 0) + 1)
    every = special.gammaln(below + 1) - special.gammaln(others + 1) - gaps
    log_ways[some] = every[some]
    return ordered @ np.exp(log_ways - special.logsumexp(log_ways, axis=0))


def people_needed(r, power=0.8, alpha=0.05):
    """People for which a correlation is told from zero, by Fisher's z, two-sided.

    Parameters
    ----------
    r : float
        The true correlation, not 0.
    power : float
        Share of studies that shall find it.
    alpha : float
        Level of the test.

    Returns
    -------
    int
        Number of people, rounded up.

    Raises
    ------
    ScoreError
        If ``r`` is 0, which no number of people tells from zero, or not inside (-1, 1).
    """
    if not 0 < abs(r) < 1:
        raise ScoreError(f"r = {r:g}: give a correlation above 0 and below 1 in size")
    z = stats.norm.isf(alpha / 2) + stats.norm.ppf(power)
    return int(np.ceil((z / np.arctanh(abs(r))) ** 2 + 3))


def independent_runs(best_r, n_people):
    """How many independent runs would reach a best correlation: the effective number.

    Parameters
    ----------
    best_r : float
        Mean best correlation of runs that may resemble each other.
    n_people : int
        People that they are scored on.

    Returns
    -------
    float
        1 or more; 1 also where the best is not above the mean of a single run.

    Raises
    ------
    ScoreError
        If it is more than ten billion independent runs would reach.
    """
    if best_r <= expected_best_r(n_people, 1):
        return 1.0
    if best_r > expected_best_r(n_people, 1e10):
        raise ScoreError(f"r = {best_r:.2f} over {n_people} people is more than luck")
    log_runs = optimize.brentq(
        lambda log_k: expected_best_r(n_people, np.exp(log_k)) - best_r, 0, np.log(1e10)
    )
    return float(np.exp(log_runs))
