"""The claims of the pages, over many draws of people: the kept runs, and (slow) new ones."""

import json

import pytest

from _helpers.bench import EVIDENCE, EVIDENCE_RUNS, evidence
from _helpers.contract import parse

KEPT = json.loads(EVIDENCE.read_text("utf-8"))


def check_score(runs):
    """With the effect something is found, without it nothing is, in 11 of 12 draws or better."""
    enough = len(runs) * 11 / 12
    assert sum(run["r_ci"][0] > 0 for run in runs) >= enough
    assert sum(run["mse_ratio"] < 1 for run in runs) >= enough
    assert sum(run["null_r_ci"][0] <= 0 <= run["null_r_ci"][1] for run in runs) >= enough
    assert sum(run["null_mse_ratio"] > 1 for run in runs) >= enough


@pytest.mark.parametrize("page", list(EVIDENCE_RUNS))
def test_kept_runs_are_whole_and_keep_the_contract(page):
    part, _, n_seeds = EVIDENCE_RUNS[page]
    assert [run["seed"] for run in KEPT[part]] == list(range(n_seeds))
    for run in KEPT[part]:
        assert parse(json.dumps({k: v for k, v in run.items() if k != "seed"}))


def test_kept_runs_carry_the_claims():
    check_score(KEPT["pfactor_deep"])
    for run in KEPT["pfactor_features"]:
        assert run["window_split_r"] > run["subject_split_r"] + 0.3
    full = [
        run["paired"]["full-finetune - from-scratch"]["ci"][0] for run in KEPT["finetune"]
    ]
    assert sum(low > 0 for low in full) >= len(full) * 11 / 12


@pytest.mark.slow
def test_new_runs_of_the_network_and_its_null():
    check_score(evidence("plot_81"))
