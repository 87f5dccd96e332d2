"""Results on real EEG: the kept ones, and how they are made."""

import re

import pytest

import _study
from _helpers import figures, run_example
from _helpers.pages import ROOT, ExampleError
from _helpers.record import REAL, load
from _helpers.run_example import ON_REAL, describe_data, find_data, main, run_on_study
from tools import snapshot

KEPT = sorted(REAL.glob("*/plot_*.json"))

# ------------------------------------------------------------------------------ what is committed


def test_every_tutorial_of_the_session_is_kept_for_the_study_of_the_page():
    kept = {p.stem for p in KEPT if p.parent.name == "nm000109"}
    assert kept == set(ON_REAL)


@pytest.mark.parametrize("path", KEPT, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_kept_results_keep_contract_and_provenance(path):
    result = load(path)
    assert result.checked().data == path.parent.name
    names = {f.file for f in result.figures}
    names |= {f.file.replace(".svg", "_narrow.svg") for f in result.figures if f.narrow}
    assert names == {p.name for p in path.parent.glob(f"{path.stem}_*.svg")}
    assert all((path.parent / f.file).with_suffix(".csv").is_file() for f in result.figures)
    text = path.read_text("utf-8") + "".join(
        (path.parent / f.file).read_text("utf-8") for f in result.figures
    )
    assert not re.search(r"/(home|root|work|tmp|Users)/\w", text)
    assert "<dc:date>" not in text


def test_kept_results_are_of_one_study_and_of_the_pins():
    kept = [load(p) for p in KEPT if p.parent.name == "nm000109"]
    data = [run.provenance for run in kept]
    assert len({(p.sha256, p.n_people, p.n_recordings) for p in data}) == 1
    pins = re.findall(
        r"^([\w-]+)==([\w.]+)$", (ROOT / "requirements.txt").read_text(), re.M
    )
    for run in kept:
        # A CPU build says so behind a plus; it is the same version.
        ran = {name: found.split("+")[0] for name, found in run.versions.items()}
        # A package that was pinned later, or is not needed any more, is in one of them only.
        both = ran.keys() & dict(pins).keys()
        assert len(both) > 15
        assert {name: ran[name] for name in both} == {
            name: dict(pins)[name] for name in both
        }


def test_kept_results_carry_what_the_page_leans_on():
    """Verdicts of the page are computed; what is left in words has to be so in the files."""
    kept = {page: load(REAL / "nm000109" / f"{page}.json").checked() for page in ON_REAL}
    assert kept["plot_11"].window_split_r > kept["plot_11"].subject_split_r + 0.3
    assert kept["plot_80"].r_ci[0] <= 0 <= kept["plot_80"].r_ci[1]  # cannot tell from none


# ------------------------------------------------------------------------------------ how it is made

SCRIPT = """
import json, os
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
from _study import Study
name = os.path.basename(os.environ["EEG_TUTORIAL_STUDY"])
print("a table")
source = Study(name, 3, 60, "source")
sides = {"again": [Study(name, 3, 60, "source")], "other": (Study("elsewhere", 9, 90, "all"),)}
figure, axes = plt.subplots(figsize=(4, 3))
axes.plot([0, 1], [1, 0], "o", clip_on=True)
figure.set_label("A   line.")
line = {
    "tutorial": "plot_10", "version": 2, "data": name, "n_recordings": 2,
    "n_chans_recorded": 4, "sfreq_recorded": 500.0, "cz_rms_before_uv": 0.0,
    "cz_rms_after_uv": 8.0, "pick_first_difference": 0.3, "mains_db_removed": 50.0,
    "order_difference": {"pick before reference": 0.3, "cut before filter": 0.4},
    "order_difference_without_ends": {"pick before reference": 0.3, "cut before filter": 0.4},
    "alpha_db_removed": 0.0, "n_windows": {"a": 1}, "saved_and_loaded_identical": True,
    "alpha_closed_over_open": 2.0,
}
if os.environ.get("EEG_TUTORIAL_TARGET"):
    line["n_windows"] = {os.environ["EEG_TUTORIAL_TARGET"]: 2}
print(json.dumps(line))
"""


STUDY = """
import numpy as np, pandas as pd

class Study:
    sfreq = 128.0

    def __init__(self, data, n_people, n_windows, cohort):
        self.data, self.cohort = data, cohort
        self.windows = np.zeros((n_windows, 4, 256))
        self.metadata = pd.DataFrame({"subject": np.arange(n_windows) % n_people})
"""


@pytest.fixture
def script(tmp_path):
    path = tmp_path / "scripts" / "plot_10_small.py"
    path.parent.joinpath("_study").mkdir(parents=True)
    path.write_text(SCRIPT)
    (path.parent / "_study" / "__init__.py").write_text(STUDY)
    return path


def test_a_run_writes_contract_provenance_and_figures(script, bids, tmp_path):
    before, folder = snapshot(bids), tmp_path / "results" / "mystudy"
    folder.mkdir(parents=True)
    (folder / "plot_10_2.svg").write_text("of an earlier run, that had two figures")
    data = describe_data(bids)
    result = run_on_study(script, bids, data, folder)
    assert sorted(p.name for p in folder.iterdir()) == ["plot_10.json", "plot_10_1.svg"]
    assert load(folder / "plot_10.json") == result
    assert result.figures[0].model_dump() == {
        "file": "plot_10_1.svg", "alt": "A line.", "width": 384, "height": 288, "narrow": None, "numbers": False,
    }  # fmt: skip
    own = result.provenance
    assert (own.dataset, own.n_people, own.n_recordings) == ("mystudy", 3, 3)
    assert [o.model_dump() for o in own.opened] == [
        {"people": 3, "windows": 60, "channels": 4, "samples": 256, "sfreq": 128.0, "cohort": "source"}
    ]  # fmt: skip
    assert own.command == "nox -s real -- plot_10 --study mystudy"
    assert str(tmp_path) not in (folder / "plot_10.json").read_text()
    figure = (folder / "plot_10_1.svg").read_bytes()
    run_on_study(script, bids, data, folder)
    assert (folder / "plot_10_1.svg").read_bytes() == figure  # no date, no random ids
    assert snapshot(bids) == before


def test_another_target_is_another_result(script, bids, tmp_path):
    folder, data = tmp_path / "results" / "mystudy", describe_data(bids)
    run_on_study(script, bids, data, folder)
    other = run_on_study(script, bids, data, folder, target="iq")
    assert other.contract["n_windows"] == {"iq": 2}
    assert other.provenance.command.endswith("--study mystudy --target iq")
    assert load(folder / "plot_10-iq.json") == other
    assert load(folder / "plot_10.json").contract["n_windows"] == {"a": 1}
    assert len(list(folder.iterdir())) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("print(json.dumps(line))", "broke its contract: the last line is not JSON"),
        ('figure.set_label("A   line.")', "alt"),
        ("import json, os", "exit code 1"),
    ],
)
def test_a_run_that_fails_leaves_the_earlier_result(
    script, bids, tmp_path, change, message
):
    folder, data = tmp_path / "results" / "mystudy", describe_data(bids)
    run_on_study(script, bids, data, folder)
    before = snapshot(folder)
    script.write_text(SCRIPT.replace(change, ""))
    with pytest.raises((ExampleError, ValueError), match=message):
        run_on_study(script, bids, data, folder)
    assert snapshot(folder) == before


def test_the_fingerprint_of_the_data_notices_people_and_files(bids):
    first = describe_data(bids)["sha256"]
    assert describe_data(bids)["sha256"] == first
    table = bids / "participants.tsv"
    text = table.read_text()
    table.write_text(text.replace("20.5", "20.6"))
    assert describe_data(bids)["sha256"] != first
    table.write_text(text)
    next(bids.glob("sub-02/eeg/*_eeg.edf")).open("ab").write(b"0")
    assert describe_data(bids)["sha256"] != first


def test_what_was_opened_is_found_among_the_names_of_the_page(bids):
    target, everybody = _study.open_study(bids, cohort="target"), _study.open_study(bids)
    names = {"n": 3, "sides": {"one": [(target,)]}, "again": target, "all": everybody}
    size = {"channels": 4, "samples": 256, "sfreq": 128.0, "data": "mystudy"}
    assert figures.opened(names) == [
        {**size, "people": 2, "windows": 20, "cohort": "target"},
        {**size, "people": 3, "windows": 30, "cohort": None},
    ]


@pytest.mark.parametrize(
    ("study", "message"),
    [
        ("simulated-transfer", "simulated-transfer is simulated: pass the path"),
        ("./nowhere", "no folder ./nowhere"),
        ("nm000109", "would download about 183.0 MB and nobody asked"),
    ],
)
def test_the_session_refuses_before_anything_runs(
    study, message, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(run_example, "REAL", tmp_path / "results")
    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(
        run_example, "run_on_study", lambda *a, **k: pytest.fail("too late")
    )
    assert main(["--keep", "--study", study]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def test_a_study_of_the_catalogue_says_its_size_there_as_well(bids):
    assert find_data(str(bids))[1]["megabytes_catalogue"] is None
    named = bids.rename(bids.with_name("ds002718"))
    root, data = find_data(f"{named}/")
    assert (root, data["dataset"]) == (named, "ds002718")
    assert data["megabytes_catalogue"] > 1000 > 1 > data["megabytes"] > 0


def test_one_failure_does_not_stop_the_others(bids, tmp_path, monkeypatch, capsys):
    ran = []

    def stand_in(script, root, data, folder, target, recipe):
        ran.append((script.stem[:7], root, folder.name, target))
        if script.stem.startswith("plot_11"):
            raise ExampleError("nothing to exchange")
        return load(KEPT[0])

    monkeypatch.setattr(run_example, "run_on_study", stand_in)
    assert main(["--keep", "--study", str(bids), "--target", "age"]) == 1
    assert [name for name, *_ in ran] == ON_REAL
    assert {tuple(rest) for _, *rest in ran} == {(bids, "mystudy", "age")}
    assert "FAILED: nothing to exchange" in capsys.readouterr().out
