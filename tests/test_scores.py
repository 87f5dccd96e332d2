"""Scores of a prediction for people: against formulas by hand, and each error."""

import itertools
import json

import numpy as np
import pytest
from scipy.stats import ttest_1samp
from sklearn.linear_model import RidgeCV

import _score.person
from _score.features import BANDS, log_band_power
from _score.person import print_other_splits, score_people
from _score.scores import (
    difference,
    for_json,
    holm,
    interval,
    per_subject,
    ratio_interval,
    sign_flip,
    with_interval,
)


def test_band_power_finds_the_band_and_the_level():
    times = np.arange(200) / 100
    tone = 3.0 * np.sin(2 * np.pi * 10 * times)
    noise = np.random.default_rng(0).standard_normal((4, 2, 200))
    features = log_band_power(0.01 * noise + tone, 100.0).reshape(4, 2, 5)
    assert (features.argmax(axis=-1) == list(BANDS).index("alpha")).all()
    doubled = log_band_power(2 * (0.01 * noise + tone), 100.0).reshape(4, 2, 5)
    np.testing.assert_allclose(doubled - features, np.log(4), atol=1e-6)


def test_band_power_says_what_is_wrong():
    with pytest.raises(
        ValueError, match=r"windows of 0.2 s .* no frequency of the bands \['delta'"
    ):
        log_band_power(np.ones((1, 1, 20)), 100.0)
    flat = np.random.default_rng(0).standard_normal((3, 2, 200))
    flat[:, 1] = 0
    with pytest.raises(ValueError, match=r"channels number \[1\] are flat"):
        log_band_power(flat, 100.0)


def test_people_in_sorted_order():
    subjects = ["b", "a", "b"]
    np.testing.assert_allclose(per_subject([1.0, 5.0, 3.0], subjects), [5, 2])
    np.testing.assert_allclose(
        per_subject([[1, 0], [5, 1], [3, 2]], subjects), [[5, 1], [2, 1]]
    )


def test_scores_by_hand():
    rng = np.random.default_rng(0)
    true = rng.standard_normal(40)
    predicted = 0.5 * true + 0.3 * rng.standard_normal(40)
    found = score_people(true, predicted, baseline=0.2)
    assert found["pearson_r"] == pytest.approx(np.corrcoef(true, predicted)[0, 1])
    assert found["mse"] == pytest.approx(np.mean((true - predicted) ** 2))
    assert found["mae"] == pytest.approx(np.mean(np.abs(true - predicted)))
    assert found["baseline_mse"] == pytest.approx(np.mean((true - 0.2) ** 2))
    assert found["baseline_mae"] == pytest.approx(np.mean(np.abs(true - 0.2)))
    assert found["mse_ratio"] == pytest.approx(found["mse"] / found["baseline_mse"])
    assert found["r2"] == pytest.approx(1 - found["mse"] / true.var())
    low, high = found["mse_ratio_ci"]
    assert low < found["mse_ratio"] < high < 1
    # Fisher's interval is another road to nearly the same place.
    z = np.arctanh(found["pearson_r"]) + np.array([-1, 1]) * 1.96 / np.sqrt(37)
    np.testing.assert_allclose(found["r_ci"], np.tanh(z), atol=0.08)
    assert found["permutation_p"] == pytest.approx(2 / 4001)
    assert score_people(true, predicted, baseline=0.2) == found


def test_p_and_interval_are_honest_where_nothing_is(monkeypatch):
    monkeypatch.setattr(_score.person, "N_RESAMPLES", 400)
    rng = np.random.default_rng(1)
    runs = [score_people(*rng.standard_normal((2, 40)), baseline=0) for _ in range(200)]
    p = np.array([run["permutation_p"] for run in runs])
    assert 0.02 < (p < 0.05).mean() < 0.1
    covered = [run["r_ci"][0] <= 0 <= run["r_ci"][1] for run in runs]
    assert 0.88 < np.mean(covered) < 0.99


@pytest.mark.parametrize(
    ("true", "predicted", "message"),
    [
        (range(9), range(9), "9 test people are too few.*at least 10 are held out"),
        ([1, 2, 3], [1, 2], "for the same people"),
        (range(10), [4] * 10, "predicted is 4 for everybody: .*not defined"),
        ([0] * 10, range(10), "true is 0 for everybody"),
    ],
)
def test_what_cannot_be_scored(true, predicted, message):
    with pytest.raises(ValueError, match=message):
        score_people(true, predicted, baseline=0)


def test_resamples_in_which_everybody_is_alike_are_left_out(recwarn):
    # Eight of ten people are 18 years old: some resamples hold nobody else.
    true = np.array([18.0] * 8 + [19, 20])
    scores = score_people(true, np.random.default_rng(0).standard_normal(10) + 18, 18.5)
    assert np.isfinite(scores["r_ci"]).all()
    assert scores["r_ci"][0] < scores["pearson_r"] < scores["r_ci"][1]
    assert not recwarn.list


def test_the_interval_of_a_mean_is_the_t_interval():
    values = np.random.default_rng(3).normal(0.7, 1, 16)
    expected = ttest_1samp(values, 0).confidence_interval(0.95)
    np.testing.assert_allclose(interval(values), expected, rtol=1e-12)
    assert interval(values) == interval(values)
    low, high = interval(values)
    assert (
        with_interval(values, "+", 2) == f"{values.mean():+.2f} [{low:+.2f}, {high:+.2f}]"
    )
    with pytest.raises(ValueError, match="an interval over 1 people"):
        interval(values[:1])


def test_the_interval_of_a_ratio_holds_it_95_times_in_100():
    rng = np.random.default_rng(5)
    true = rng.normal(size=(400, 16))
    errors, base = (true - true * 0.5 - rng.normal(0, 0.5, true.shape)) ** 2, true**2
    held = 0
    for own, other in zip(errors, base, strict=True):
        ratio, (low, high) = ratio_interval(own, other)
        assert low < ratio < high
        held += low <= 0.5 <= high
    assert 0.9 < held / 400 < 0.99


def test_holm_is_that_of_the_textbook():
    np.testing.assert_allclose(holm([0.01, 0.04, 0.03]), [0.03, 0.06, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]


def test_signs_are_flipped_in_every_way():
    values = np.array([0.3, 0.1, -0.05, 0.2, 0.4])
    flipped = [np.mean(values * s) for s in itertools.product((1, -1), repeat=5)]
    # Two-sided, as scipy has it: twice the smaller side.
    assert sign_flip(values) == pytest.approx(2 * np.mean(flipped >= values.mean() - 1e-12))


def test_a_difference_is_taken_within_people():
    rng = np.random.default_rng(0)
    level = rng.standard_normal(16)
    found = difference(level + 0.5, level + 0.1 * rng.standard_normal(16))
    assert found.ci[0] < found.mean < found.ci[1]
    assert found.ci[1] - found.ci[0] < 0.2  # the level of a person is not in it
    assert found.p == pytest.approx(2 / 2**16)
    assert str(found).startswith(f"{found.mean:+.3f} [{found.ci[0]:+.3f}, ")


def test_what_the_line_holds():
    found = difference(np.arange(10) + 0.123456, np.arange(10.0))
    line = {
        "words": "plot_73",
        "nothing": None,
        "whole": 3,
        "numpy_whole": np.int64(3),
        "yes": True,
        "numpy_no": np.bool_(False),
        "single": np.float32(0.1),
        "ends": (0.123456, np.float64(1) / 3),
        "array": np.array([[1, 2.00004], [3, 4]]),
        "deep": {"er": {1: -0.00001, "p": 0.123456}},
        "found": found,
    }
    plain = for_json(line)
    assert json.loads(json.dumps(plain)) == {
        "words": "plot_73",
        "nothing": None,
        "whole": 3,
        "numpy_whole": 3,
        "yes": True,
        "numpy_no": False,
        "single": 0.1,
        "ends": [0.1235, 0.3333],
        "array": [[1.0, 2.0], [3.0, 4.0]],
        "deep": {"er": {"1": 0.0, "p": 0.1235}},
        "found": {"mean": 0.1235, "ci": [0.1235, 0.1235], "p": round(found.p, 4)},
    }
    assert [type(plain[key]) for key in ("whole", "numpy_whole", "yes", "numpy_no")] == [
        int,
        int,
        bool,
        bool,
    ]
    assert for_json(plain) == plain
    assert for_json(2 / 3, 2) == 0.67


def test_scores_of_few_people_move_with_the_split(capsys):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((24, 2))
    y = X[:, 0] + rng.standard_normal(24)
    found = print_other_splits(RidgeCV(), X, y, 0.5)
    assert len(found["pearson_r"]) == _score.person.N_SPLITS
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("24 people: ridge on 50 other splits")
    middle = float(said[1].split()[2])
    assert middle == pytest.approx(np.median(found["pearson_r"]), abs=0.006)
    assert np.ptp(found["pearson_r"]) > 0.1
    many = np.repeat(X, 2, axis=0)
    assert print_other_splits(RidgeCV(), many, np.repeat(y, 2), 0.5) == {}
    assert capsys.readouterr().out == ""
