"""Numbers of other people's studies: intervals that are not cut, tables that do not run together, chance."""

import re

import numpy as np
import pytest

from _score.person import print_scores
from _score.scores import (
    compare_within_people,
    difference,
    interval,
    print_accuracies,
    print_table,
    values_mean_ci,
)

#: Everybody gains, everybody loses, both; shares, and scores of any size.
KINDS = {
    "all gain": lambda rng, n: rng.uniform(0, 0.1, n),
    "all lose": lambda rng, n: -rng.uniform(0, 0.1, n),
    "mixed": lambda rng, n: rng.normal(0.02, 0.05, n),
    "large": lambda rng, n: 100 * rng.standard_normal(n),
    "alike": lambda rng, n: np.zeros(n),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_people", [2, 4, 12])
def test_an_interval_of_a_difference_is_whole(kind, n_people):
    for seed in range(20):
        rng = np.random.default_rng(seed)
        level = rng.uniform(0, 1, n_people)
        one, other = level + KINDS[kind](rng, n_people), level
        gain = difference(one, other)
        assert gain.ci[0] <= gain.mean <= gain.ci[1]
        assert gain.mean - gain.ci[0] == pytest.approx(gain.ci[1] - gain.mean, abs=1e-12)
        mirrored = difference(other, one)
        assert mirrored.ci == pytest.approx([-gain.ci[1], -gain.ci[0]])
        assert mirrored.p == pytest.approx(gain.p)
        moved = difference(one + 3, other + 3)
        assert moved.ci == pytest.approx(gain.ci, abs=1e-12)


def test_shares_are_cut_where_the_caller_says_so():
    shares = np.array([1, 1, 1, 0.9])
    assert interval(shares)[1] > 1
    assert interval(shares, share=True)[1] == 1
    assert values_mean_ci(1 - shares, share=True)[2][0] == 0
    gain = difference(np.array([0.02, 0.0, 0.07, 0.01]), np.zeros(4))
    assert gain.ci == pytest.approx([-0.0245, 0.0745], abs=1e-4)


def columns(line):
    return re.split(r"  +", line.strip())


def test_columns_do_not_run_together(capsys):
    score = {"pearson_r": -0.34, "r_ci": (-0.7, 0.1), "permutation_p": 0.1, "r2": -1234.5}
    score |= {"mse_ratio": 1.03, "mse_ratio_ci": (0.9, 1.2), "mae": 79.37, "mse": 10020.01}
    print_scores({"ridge": score, "a name that is longer than 24": score | {"mse": 0.0012}})
    head, *rows = capsys.readouterr().out.splitlines()
    assert [len(columns(row)) for row in (head, *rows)] == [6, 7, 7]
    assert columns(rows[0])[3:6] == ["-1234.50", "79.4", "10,020"]
    assert columns(rows[1])[5] == "0.0012"  # a score from 0 to 1 has errors above 0.00
    print_table([("a", "123456789.0", "1"), ("b", "", "2")])
    assert capsys.readouterr().out.splitlines() == [
        "a  123456789.0  1",
        "b               2",
    ]


@pytest.mark.parametrize(
    ("n_people", "n_contrasts", "message"),
    [
        (4, 1, "4 people: no p can be below 0.125"),
        (4, 3, "4 people: no p, corrected for 3 contrasts, can be below 0.375"),
        (6, 1, ""),
        (12, 3, ""),
    ],
)
def test_few_people_have_no_small_p(capsys, n_people, n_contrasts, message):
    rng = np.random.default_rng(0)
    scores = {i: rng.uniform(0.6, 0.9, n_people) - i for i in range(n_contrasts + 1)}
    scores = {f"method {i}": values for i, values in scores.items()}
    pairs = [("method 0", f"method {i}") for i in range(1, n_contrasts + 1)]
    table = compare_within_people(scores, pairs)
    last = capsys.readouterr().out.splitlines()[n_contrasts:]
    assert last == [message] * bool(message)
    if message:  # everybody gains, and this is what p is
        assert {round(gain.p, 3) for gain in table.values()} == {float(message.split()[-1])}


@pytest.mark.parametrize("accuracy", [0.5, 0.9])
def test_what_is_at_chance_is_said_to_be(capsys, accuracy):
    spread = np.array([-0.08, 0.02, 0.08, -0.02])
    scores = {"network": accuracy + spread, "band power": 0.5 - spread}
    print_accuracies(scores, 0.5)
    compare_within_people(scores, [("network", "band power")], 0.5)
    text = capsys.readouterr().out
    assert ("nothing here is told apart from chance, 0.5" in text) == (accuracy == 0.5)
    assert ("both at chance" in text) == (accuracy == 0.5)
