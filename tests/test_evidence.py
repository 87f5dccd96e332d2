"""The claims of the pages, over many draws of people: the kept runs, and (slow) new ones."""

import json

import pytest

from _helpers.bench import evidence
from _helpers.contracts import CONTRACTS
from _helpers.record import EVIDENCE, Record

PAGES = {page: model.evidence for page, model in CONTRACTS.items() if model.evidence}
KEPT = {
    page: [Record.model_validate(run) for run in runs]
    for page, runs in json.loads(EVIDENCE.read_text("utf-8")).items()
}


def check_score(runs):
    """With the effect something is found, without it nothing is, in 11 of 12 draws or better."""
    enough = len(runs) * 11 / 12
    assert sum(run["r_ci"][0] > 0 for run in runs) >= enough
    assert sum(run["mse_ratio"] < 1 for run in runs) >= enough
    assert sum(run["null_r_ci"][0] <= 0 <= run["null_r_ci"][1] for run in runs) >= enough
    assert sum(run["null_mse_ratio_ci"][1] > 1 for run in runs) >= enough


@pytest.mark.parametrize("page", list(PAGES))
def test_kept_runs_are_whole_and_keep_the_contract(page):
    assert list(KEPT) == list(PAGES)
    assert [run.seed for run in KEPT[page]] == list(range(PAGES[page].n_draws))
    for run in KEPT[page]:
        assert run.checked().tutorial == page


def lines(page):
    return [run.contract for run in KEPT[page]]


def test_kept_runs_carry_the_claims():
    check_score(lines("plot_81"))
    ridge = lines("plot_80")
    better = sum(line["mse_ratio"] < line["null_mse_ratio"] for line in ridge)
    assert better >= len(ridge) * 11 / 12
    full = [
        line["paired"]["full-finetune - from-scratch"]["ci"][0] for line in lines("plot_73")
    ]
    assert sum(low > 0 for low in full) >= len(full) * 11 / 12


@pytest.mark.slow
def test_new_runs_of_the_network_and_its_null():
    check_score([run.contract for run in evidence("plot_81")])
