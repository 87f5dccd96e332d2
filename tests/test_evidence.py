"""The claims of the pages, over many draws of people: the kept runs, and (slow) new ones."""

import inspect
import json

import pytest

import _study.simulated.person
import _study.simulated.signals
from _helpers.contracts import CONTRACTS
from _helpers.filters import get
from _helpers.record import EVIDENCE, NULL_EVIDENCE, Record
from bench.run import evidence

PAGES = {page: model.evidence for page, model in CONTRACTS.items() if model.evidence}
KEPT, NULL = (
    {
        page: [Record.model_validate(run) for run in runs]
        for page, runs in json.loads(path.read_text("utf-8")).items()
    }
    for path in (EVIDENCE, NULL_EVIDENCE)
)


def check_score(runs):
    """With the effect something is found, without it nothing is, in all draws but one, or better."""
    enough = len(runs) - 1
    assert sum(run["r_ci"][0] > 0 for run in runs) >= enough
    assert sum(run["mse_ratio"] < 1 for run in runs) >= enough
    assert sum(run["null_r_ci"][0] <= 0 <= run["null_r_ci"][1] for run in runs) >= enough
    assert sum(run["null_mse_ratio_ci"][1] > 1 for run in runs) >= enough


SIMULATED = {
    "simulated-transfer": _study.simulated.signals.simulate_transfer,
    "simulated-pfactor": _study.simulated.signals.simulate_pfactor,
    "simulated-tasks": _study.simulated.signals.simulate_two_tasks,
    "simulated-person": _study.simulated.person.simulate_people,
}


@pytest.mark.parametrize("page", list(PAGES))
def test_the_draw_of_the_tutorial_is_no_other_draw(page):
    study, n_draws, _, own = PAGES[page]
    seed = inspect.signature(SIMULATED[study]).parameters["seed"].default
    assert own == (seed if seed < n_draws else None)


@pytest.mark.parametrize("page", list(PAGES))
def test_kept_runs_are_whole_and_keep_the_contract(page):
    assert list(KEPT) == list(PAGES)
    assert [run.seed for run in KEPT[page]] == PAGES[page].seeds
    for run in KEPT[page]:
        assert run.checked().tutorial == page


@pytest.mark.parametrize("page", [page for page, own in PAGES.items() if own.null])
def test_runs_without_what_is_planted_find_nothing(page):
    runs = NULL[page]
    assert [run.seed for run in runs] == PAGES[page].seeds
    found = [run.checked() for run in runs]
    assert {line.shift for line in found} == {0}
    enough = len(runs) - 1
    for kind in ("inductive", "transductive"):
        ends = [getattr(line, f"{kind}_gain_ci") for line in found]
        assert sum(low <= 0 <= high for low, high in ends) >= enough, kind


def lines(page):
    return [run.contract for run in KEPT[page]]


def test_kept_runs_carry_the_claims():
    check_score(lines("plot_81"))
    for page, key in (
        ("plot_73", "gap_vs_scratch_ci"),
        ("plot_75", "gains.from-scratch.ci"),
        ("plot_75", "gains.shuffled labels.ci"),
        ("plot_76", "gain_ci.1"),
    ):
        low = [get(line, key)[0] for line in lines(page)]
        assert sum(end > 0 for end in low) >= len(low) - 1, f"{page}: {key}"
    ridge = lines("plot_80")
    assert sum(line["r_ci"][0] > 0 for line in ridge) >= len(ridge) - 1
    person = [line["person_minus_none"]["squared error"] for line in lines("plot_83")]
    assert sum(gap["ci"][1] < 0 for gap in person) >= len(person) - 1


@pytest.mark.parametrize("page", list(PAGES))
def test_a_page_that_is_run_again_says_for_which_claims(page):
    assert CONTRACTS[page].claims
    for key in CONTRACTS[page].claims:
        assert all(isinstance(get(line, key), float | int) for line in lines(page)), key


@pytest.mark.slow
def test_new_runs_of_the_network_and_its_null():
    check_score([run.contract for run in evidence("plot_81")])
