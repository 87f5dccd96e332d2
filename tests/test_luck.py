"""What the best of many runs reaches by luck: the closed form against simulation and scipy."""

import itertools

import numpy as np
import pytest
from scipy import stats

from _score.luck import (
    best_of_some,
    expected_best_nrmse,
    expected_best_r,
    independent_runs,
    people_needed,
)

SIZES = (0.05, 0.19)


def noise_boards(n_people, n_runs, n_boards, shared=0.0):
    """Correlations of runs that found nothing, shape (n_boards, n_runs); runs share a part."""
    rng = np.random.default_rng(0)
    out = []
    for _ in range(n_boards):
        score = stats.zscore(rng.standard_normal(n_people))
        own = rng.standard_normal((n_runs, n_people))
        common = rng.standard_normal(n_people)
        noise = np.sqrt(shared) * common + np.sqrt(1 - shared) * own
        out.append(stats.zscore(noise, axis=1) @ score / n_people)
    return np.array(out)


@pytest.mark.parametrize(("n_people", "n_runs"), [(300, 183), (132, 400), (40, 60)])
def test_the_formula_is_within_two_percent_of_simulated_leaderboards(n_people, n_runs):
    r = noise_boards(n_people, n_runs, 300)
    size = np.random.default_rng(1).uniform(*SIZES, r.shape)
    nrmse = np.sqrt(1 - 2 * size * r + size**2).min(axis=1).mean()
    best = r.max(axis=1).mean()
    assert expected_best_r(n_people, n_runs) == pytest.approx(best, rel=0.02)
    gain = 1 - expected_best_nrmse(n_people, n_runs, SIZES)
    assert gain == pytest.approx(1 - nrmse, rel=0.03)  # of what a run gains over the mean


def test_the_formula_is_that_of_the_exact_distribution():
    # r of independent normal values has this beta distribution; Fisher's z approximates it.
    for n_people, n_runs in itertools.product((40, 132, 300), (1, 20, 1183)):
        exact = stats.beta(n_people / 2 - 1, n_people / 2 - 1, loc=-1, scale=2)
        grid = np.linspace(-1, 1, 20001)
        mean = 1 - np.trapezoid(exact.cdf(grid) ** n_runs, grid)
        assert expected_best_r(n_people, n_runs) == pytest.approx(mean, rel=0.02, abs=1e-6)
    many = expected_best_r(300, [1, 10, 100])
    assert many.shape == (3,)
    assert (np.diff(many) > 0).all()


def test_the_numbers_of_the_issue_come_out():
    runs = [183, 1183, 8622]
    assert [f"{r:.2f}" for r in expected_best_r(300, runs)] == ["0.16", "0.19", "0.22"]
    errors = expected_best_nrmse(300, runs, SIZES)
    assert [f"{e:.3f}" for e in errors] == ["0.989", "0.984", "0.980"]
    assert f"{expected_best_r(132, 1183):.2f}" == "0.28"
    assert f"{expected_best_nrmse(132, 1183, SIZES):.3f}" == "0.970"
    assert people_needed(0.137) == 416


def test_people_needed_is_the_number_with_that_power():
    z = np.arctanh(0.3) * np.sqrt(people_needed(0.3) - 3)
    limit = stats.norm.isf(0.025)
    assert 0.8 <= stats.norm.sf(limit - z) < 0.81
    assert people_needed(-0.3) == people_needed(0.3)


def test_best_of_some_is_the_mean_over_all_ways_to_draw():
    values = [0.3, -0.2, 0.5, 0.1, 0.5]
    for k, found in enumerate(best_of_some(values, 5), 1):
        drawn = [max(some) for some in itertools.combinations(values, k)]
        assert found == pytest.approx(np.mean(drawn))
    two = best_of_some([values, values[::-1]], 3)
    np.testing.assert_allclose(two[0], two[1])
    assert best_of_some(np.arange(2000.0), 2000)[-1] == pytest.approx(1999)


def test_runs_that_share_a_part_are_worth_fewer():
    alone, shared = noise_boards(60, 100, 400), noise_boards(60, 100, 400, shared=0.6)
    worth = independent_runs(alone.max(axis=1).mean(), 60)
    assert worth == pytest.approx(100, rel=0.15)
    assert independent_runs(shared.max(axis=1).mean(), 60) < 0.5 * worth
    assert independent_runs(expected_best_r(60, 37), 60) == pytest.approx(37, rel=1e-4)
    assert independent_runs(-0.1, 60) == 1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: expected_best_r(3, 10), "3 people, 10 runs: give at least 4 and 1"),
        (lambda: expected_best_r(30, 0), "30 people, 0 runs"),
        (lambda: expected_best_nrmse(30, 5, (0, 0.1)), r"sizes \(0, 0.1\)"),
        (lambda: expected_best_nrmse(30, 5, (0.2, 0.1)), "give the smallest first"),
        (lambda: people_needed(0), "r = 0: give a correlation"),
        (lambda: people_needed(1), "r = 1: give a correlation"),
        (lambda: best_of_some([1, 2], 3), "best of 3 runs, but there are 2"),
        (lambda: independent_runs(0.9, 300), "r = 0.90 over 300 people is more than luck"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
