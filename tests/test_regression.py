"""Scores of a prediction for people: against formulas by hand, and each error."""

import numpy as np
import pytest

from _regression import BANDS, log_band_power, per_person, score_people


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
    np.testing.assert_allclose(per_person([1.0, 5.0, 3.0], subjects), [5, 2])
    np.testing.assert_allclose(
        per_person([[1, 0], [5, 1], [3, 2]], subjects), [[5, 1], [2, 1]]
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


def test_p_and_interval_are_honest_where_nothing_is():
    rng = np.random.default_rng(1)
    runs = [
        score_people(*rng.standard_normal((2, 40)), baseline=0, n_resamples=400)
        for _ in range(200)
    ]
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
