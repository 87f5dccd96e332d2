"""The status page: records of runs, drift from the reference, nothing hidden."""

import copy
import json

import pytest

from _helpers import status
from _helpers.contract import CONTRACTS, ContractError
from _helpers.measure import Memory
from _helpers.pages import tutorials
from _helpers.run_example import Run

REFERENCES = status.records(status.REFERENCE)
PAGES = [f"auto_examples/{script.stem}" for script in tutorials()]


def names():
    return ["_".join(script.stem.split("_")[:2]) for script in tutorials()]


def test_every_tutorial_has_a_reference_that_keeps_its_contract_and_a_headline():
    assert sorted(REFERENCES) == names()
    for name in names():
        CONTRACTS[name].model_validate_json(json.dumps(REFERENCES[name]["contract"]))
        line = status.HEADLINES[name].format(**REFERENCES[name]["contract"])
        assert "{" not in line


@pytest.fixture
def moved():
    """Records of runs, to change."""
    return copy.deepcopy(REFERENCES)


def test_a_run_like_the_reference_held(moved):
    moved["plot_10"]["contract"]["alpha_closed_over_open"] += 0.03
    lines = status.status_lines(PAGES, moved, REFERENCES)
    assert lines.count("     - held") == len(PAGES)
    assert "Outside the band" not in "\n".join(lines)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["accuracy"].update({"linear-probe": 0.9}), ("accuracy.linear-probe", 0.9)),
        (lambda c: c.update(n_test_subjects=15), ("n_test_subjects", 15)),
        (lambda c: c.update(best_regime="linear-probe"), ("best_regime", "linear-probe")),
        (lambda c: c["lr"].update({"linear-probe": 0.01}), ("lr.linear-probe", 0.01)),
        (lambda c: c["controls"].update({"new": 0.5}), ("controls.new", 0.5)),
        (lambda c: c["controls"].pop("band power"), ("controls.band power", None)),
        (lambda c: c["accuracy_ci"]["linear-probe"].__setitem__(1, 0.99), ("accuracy_ci.linear-probe.1", 0.99)),
    ],
)  # fmt: skip
def test_what_leaves_its_band_is_found(moved, change, said):
    contract = moved["plot_73"]["contract"]
    change(contract)
    reference = REFERENCES["plot_73"]["contract"]
    key, value = said
    assert key in status.drift(contract, reference)
    assert status.drift(contract, reference)[key][0] == value
    assert set(status.drift(contract, reference)) == {key}


def test_large_numbers_have_a_band_of_their_own():
    band = CONTRACTS["plot_10"].band
    assert band("mains_db_removed", 60.0) == pytest.approx(1.2)
    assert band("alpha_closed_over_open", 0.5) == 0.05
    assert CONTRACTS["plot_73"].band("lr.linear-probe", 0.003) == 0


def test_drift_is_on_the_page(moved):
    moved["plot_80"]["contract"]["null_r"] = 0.4
    text = "\n".join(status.status_lines(PAGES, moved, REFERENCES))
    assert "**1 values drifted**" in text
    assert "<code>null_r</code>: 0.4, reference 0.1751" in text


def test_pages_without_a_run_and_without_a_reference_say_so():
    text = "\n".join(status.status_lines(PAGES, {}, {}))
    assert text.count("not run yet: ``nox -s examples``") == len(PAGES)
    text = "\n".join(status.status_lines(PAGES, {}, REFERENCES))
    assert text.count("this is the reference") == len(PAGES)


def test_a_record_that_breaks_its_schema_stops_the_build(moved):
    moved["plot_73"]["contract"]["frozen_running_var"] = 0.9
    with pytest.raises(ContractError, match=r"frozen_running_var is 0\.9"):
        status.status_lines(PAGES, moved, REFERENCES)


def test_records_are_written_and_read(tmp_path):
    line = json.dumps(REFERENCES["plot_10"]["contract"])
    run = Run(None, line, 1.23, Memory(700.4, float("nan")), line)
    status.write(tmp_path, status.record(run))
    assert [path.name for path in tmp_path.iterdir()] == ["plot_10.json"]
    (content,) = status.records(tmp_path).values()
    assert (content["seconds"], content["peak_mb"], content["private_mb"]) == (
        1.2,
        700,
        None,
    )
    assert (
        content["versions"]["torch"].split("+")[0]
        in (status.ROOT / "requirements.txt").read_text()
    )
    assert content["machine"]["cpu"].endswith("cores")
