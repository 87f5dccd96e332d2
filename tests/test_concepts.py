"""Concept pages: their sentences follow the numbers they were given."""

import copy
import json

import pytest

from _helpers.filters import sign_test
from _helpers.pages import DOCS
from _helpers.show import environment


def filled(page, /, **names):
    template = environment(DOCS).from_string(
        (DOCS / "concepts" / f"{page}.rst").read_text("utf-8")
    )
    return " ".join(template.render(names).replace("\\", "").split())


def draws(gains):
    return [
        {"ridge_minus_network": {"mean": gain, "ci": [gain - 0.1, gain + 0.1]}}
        for gain in gains
    ]


def features(gains, power=0.7):
    line = {"accuracy": {"band power": power, "from-scratch": 0.6, "full-finetune": 0.5}}
    line["gains"] = {"band power": {"mean": 0.5 - power, "ci": [-0.3, 0.1]}}
    given = {"real": {"nm000109": {"plot_75": line}}, "evidence": {"plot_81": draws(gains)}}
    return filled("features_and_networks", **given)


@pytest.mark.parametrize(
    ("k", "n", "p"), [(19, 24, 0.00661), (5, 24, 0.00661), (2, 4, 1.0), (5, 5, 0.0625)]
)
def test_sign_test(k, n, p):
    assert sign_test(k, n) == pytest.approx(p, abs=1e-5)


def test_who_is_better_is_read_from_the_draws():
    text = features([0.2] * 19 + [-0.05] * 5)
    assert "In 24 draws the network had the smaller error in 19" in text
    assert "p = 0.0066" in text
    assert "in favour of the network in 19 of them and in favour of ridge in 0." in text
    assert "the network has the smaller error more often" in text
    assert "ridge has the smaller error more often" in features([-0.2] * 20)
    assert "do not show which of the two is better" in features([-0.2] * 4 + [0.2] * 5)
    assert "at best rediscover" not in text


def test_the_last_sentence_follows_the_real_study():
    assert "as in that study, needs another justification" in features([0.1])
    assert "as in that study" not in features([0.1], power=0.5)


COVERAGE = json.loads((DOCS / "benchmarks.json").read_text("utf-8"))["coverage"]
LINE = {"n_test_subjects": 40, "pearson_r": 0.5, "null_r": -0.1}
SCORES = {name: {"tutorial": name, **LINE} for name in ("plot_80", "plot_81", "plot_82")}
SCORES |= {
    "evidence": {"plot_80": []},
    "page": "{}_x".format,
    "best_of_nulls": lambda people, runs: people / 100 + runs / 1e4,
}


def test_each_correlation_stands_beside_luck():
    text = filled("leakage_and_evaluation", benchmarks={"coverage": COVERAGE}, **SCORES)
    assert (
        "network (:doc:`/auto_examples/plot_81_x`) - 40 - +0.50 - −0.10 - +0.40 - +0.41"
        in text
    )


def test_every_measured_coverage_is_shown():
    benchmarks = json.loads((DOCS / "benchmarks.json").read_text("utf-8"))
    text = filled("leakage_and_evaluation", benchmarks=benchmarks, **SCORES)
    for row in benchmarks["coverage"]["rows"]:
        assert row["score"] in text
        for share in row["coverage"].values():
            assert f"{share:.1%}" in text
    changed = copy.deepcopy(benchmarks)
    for row in changed["coverage"]["rows"]:
        row["coverage"]["percentile"] = 0.95
    n = len(changed["coverage"]["rows"])
    assert f"percentile bootstrap in 0 of {n} rows" in filled(
        "leakage_and_evaluation", benchmarks=changed, **SCORES
    )


def test_the_glossary_has_what_the_pages_say():
    text = (DOCS / "glossary.rst").read_text("utf-8")
    for term in (
        "attribution", "BIDS", "buffer", "cohort", "draw", "effect", "GFLOP", "interval",
        "regime", "sign test", "validation people", "z-score", "zero-shot",
    ):  # fmt: skip
        assert f"\n   {term}\n      " in text, term
