"""The status page: records of runs, drift from the reference, nothing hidden."""

import copy
import json
import platform
import shutil

import pytest

from _helpers.contracts import CONTRACTS, ContractError
from _helpers.filters import say
from _helpers.measure import Memory
from _helpers.pages import DOCS, ROOT, short_name, tutorials
from _helpers.record import REFERENCE, drift, load, new_record, records, write_json
from _helpers.show import environment, standings

REFERENCES = records(REFERENCE)

#: Counts of broken studies, as ``nox -s fuzz`` keeps them.
BROKEN = json.loads((DOCS / "fuzz.json").read_text("utf-8"))


def names():
    return [short_name(script) for script in tutorials()]


def test_every_tutorial_has_a_reference_that_keeps_its_contract_and_a_headline():
    assert sorted(REFERENCES) == names()
    for name in names():
        assert load(REFERENCE / f"{name}.json").provenance is None
        line = say(CONTRACTS[name].headline, REFERENCES[name]["contract"])
        assert "{" not in line


@pytest.fixture
def status(tmp_path):
    """The status page, given records of runs and references."""

    def render(runs, references, fuzz=None):
        for script in tutorials():
            page = tmp_path / "auto_examples" / f"{script.stem}.rst"
            page.parent.mkdir(exist_ok=True)
            page.touch()
        for folder, kept in (("_build/runs", runs), ("reference", references)):
            shutil.rmtree(tmp_path / folder, ignore_errors=True)
            for name, content in kept.items():
                write_json(tmp_path / folder / f"{name}.json", content)
        template = environment(DOCS).from_string((DOCS / "status.rst").read_text("utf-8"))
        return template.render(status=standings(tmp_path), fuzz=fuzz or BROKEN)

    return render


@pytest.fixture
def moved():
    """Records of runs, to change."""
    return copy.deepcopy(REFERENCES)


def test_a_run_like_the_reference_held(moved, status):
    moved["plot_10"]["contract"]["alpha_closed_over_open"] += 0.03
    text = status(moved, REFERENCES)
    assert text.count("     - held\n") == len(tutorials())
    assert "Outside the band" not in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda c: c["accuracy"].update({"linear-probe": 0.9}), ("accuracy.linear-probe", 0.9)),
        (lambda c: c.update(n_test_subjects=15), ("n_test_subjects", 15)),
        (lambda c: c.update(best_regime="from-scratch"), ("best_regime", "from-scratch")),
        (lambda c: c["lr"].update({"linear-probe": 0.01}), ("lr.linear-probe", 0.01)),
        (lambda c: c["accuracy"].update({"new": 0.5}), ("accuracy.new", 0.5)),
        (lambda c: c["val_n_correct"].pop("linear-probe"), ("val_n_correct.linear-probe", None)),
        (lambda c: c["accuracy_ci"]["linear-probe"].__setitem__(1, 0.99), ("accuracy_ci.linear-probe.1", 0.99)),
    ],
)  # fmt: skip
def test_what_leaves_its_band_is_found(moved, change, said):
    contract = moved["plot_73"]["contract"]
    change(contract)
    reference = REFERENCES["plot_73"]["contract"]
    key, value = said
    assert key in drift(contract, reference)
    assert drift(contract, reference)[key][0] == value
    assert set(drift(contract, reference)) == {key}


def test_large_numbers_have_a_band_of_their_own():
    band = CONTRACTS["plot_10"].band
    assert band("mains_db_removed", 60.0) == pytest.approx(1.2)
    assert band("alpha_closed_over_open", 0.5) == 0.05
    assert CONTRACTS["plot_73"].band("lr.linear-probe", 0.003) == 0


def test_drift_is_on_the_page(moved, status):
    before = REFERENCES["plot_80"]["contract"]["null_r"]
    moved["plot_80"]["contract"]["null_r"] = 0.4
    text = status(moved, REFERENCES)
    assert "**1 values drifted**" in text
    assert f"<code>null_r</code>: 0.4, reference {before:g}" in text


def test_pages_without_a_run_and_without_a_reference_say_so(status):
    text = status({}, {})
    assert text.count("not run yet: ``nox -s examples``") == len(tutorials())
    text = status({}, REFERENCES)
    assert text.count("     - new\n") == len(tutorials())


def test_a_record_that_breaks_its_schema_stops_the_build(moved, status):
    moved["plot_73"]["contract"]["frozen_state_unchanged"] = False
    with pytest.raises(ContractError, match="the linear probe changed its encoder"):
        status(moved, REFERENCES)


def test_records_are_written_and_read(tmp_path):
    line = REFERENCES["plot_10"]["contract"]
    made = new_record(line, 1.23, Memory(700.4, 600.6), seed=3)
    write_json(tmp_path / "runs" / "plot_10.json", made.model_dump(mode="json"))
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["plot_10.json"]
    (content,) = records(tmp_path / "runs").values()
    taken = content["seconds"], content["peak_mb"], content["private_mb"], content["seed"]
    assert taken == (1.2, 700, 601, 3)
    torch = content["versions"]["torch"].split("+")[0]
    assert f"torch=={torch}" in (ROOT / "requirements.txt").read_text()
    assert content["machine"]["cpu"].endswith("cores")
    assert platform.node() not in json.dumps(content["machine"])
    assert load(tmp_path / "runs" / "plot_10.json") == made


def test_counts_and_faults_of_broken_studies_are_on_the_page(status):
    fault = {
        "base": "edf",
        "mutations": ["a", "b"],
        "fault": "silent",
        "what": "<b> *lost*",
    }
    counts = {"edf": {"trees": 3, "right": 2, "silent": 1}}
    text = status({}, REFERENCES, BROKEN | {"counts": counts, "faults": [fault]})
    assert "   * - edf\n     - 3\n     - 2\n     - 1\n" in text
    assert r"- silent, edf, a and b: \<b\> \*lost\*" in text
    assert "No study had a fault" in status({}, REFERENCES, BROKEN | {"faults": []})
