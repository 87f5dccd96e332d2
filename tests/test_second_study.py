"""A study that no table knows: BrainVision files, other channels, another rate, three classes."""

import re
import shutil
import textwrap

import mne
import numpy as np
import pandas as pd
import pytest
from mne_bids import BIDSPath, write_raw_bids

import _study
import _study.catalogue
from _helpers.pages import ROOT, tutorials
from _helpers.record import load
from _helpers.run_example import describe_data, run_on_study
from _study import open_study

CH_NAMES = ("A1", "A2", "A3", "B1", "B2")
CLASSES = ("feet", "hand", "tongue")
SFREQ, SECONDS, N_EVENTS = 300.0, 2.5, 18
SUBJECTS = [f"{i:02d}" for i in range(1, 13)]


@pytest.fixture(scope="session")
def imagery(tmp_path_factory):
    """Twelve people who imagine one of three movements; each makes a channel of its own louder."""
    root = tmp_path_factory.mktemp("second") / "imagery"
    for i, subject in enumerate(SUBJECTS):
        rng = np.random.default_rng([17, i])
        names = rng.permutation(np.repeat(CLASSES, N_EVENTS // 3))
        n_times = int(SECONDS * SFREQ)
        events = rng.standard_normal((N_EVENTS, len(CH_NAMES), n_times)) * 1e-5
        for event, name in zip(events, names, strict=True):
            event[CLASSES.index(name)] *= 1.5
        info = mne.create_info(list(CH_NAMES), SFREQ, "eeg")
        raw = mne.io.RawArray(np.concatenate(events, axis=1), info, verbose="ERROR")
        raw.set_annotations(mne.Annotations(SECONDS * np.arange(N_EVENTS), SECONDS, names))
        raw.info["line_freq"] = 60
        path = BIDSPath(
            subject=subject, session="01", task="imagery", datatype="eeg", root=root
        )
        write_raw_bids(
            raw,
            path,
            format="BrainVision",
            overwrite=True,
            allow_preload=True,
            verbose="ERROR",
        )
    ids = [f"sub-{s}" for s in SUBJECTS]
    table = pd.DataFrame({"participant_id": ids, "age": np.linspace(20, 42, len(ids))})
    table.to_csv(root / "participants.tsv", sep="\t", index=False)
    return root


def test_it_opens_by_its_path_alone(imagery):
    assert len(list(imagery.rglob("*_eeg.vhdr"))) == len(SUBJECTS)
    assert not list(imagery.rglob("*.edf"))
    source = open_study(imagery, cohort="source")
    target = open_study(
        imagery, cohort="target", classes=source.classes, channels=source.ch_names
    )
    assert source.classes == CLASSES
    assert source.ch_names == CH_NAMES
    assert (source.question, source.data) == ("feet vs hand vs tongue", "imagery")
    assert source.windows.shape == (4 * N_EVENTS, len(CH_NAMES), 256)
    assert target.metadata["subject"].nunique() == 8
    assert set(target.metadata.groupby(["subject", "target"]).size()) == {N_EVENTS // 3}
    # Every class is where it was put, at the new rate and after the average reference.
    for code in range(3):
        loud = target.windows[target.targets == code].std(axis=(0, 2))[:3]
        assert loud.argmax() == code


def test_a_person_and_a_copy_of_the_signal_under_another_header(imagery, tmp_path):
    root = shutil.copytree(imagery, tmp_path / "imagery")
    one, other = (next(root.glob(f"sub-{s}/**/*_eeg.eeg")) for s in ("03", "09"))
    shutil.copy(one, other)
    with pytest.raises(
        _study.StudyError, match=r"sub-03.*vhdr and sub-09.*vhdr hold the same"
    ):
        open_study(root)


def test_a_header_whose_data_file_is_gone(imagery, tmp_path):
    root = shutil.copytree(imagery, tmp_path / "imagery")
    next(root.glob("sub-03/**/*_eeg.eeg")).unlink()
    with pytest.raises(_study.StudyError, match=r"sub-03.*vhdr cannot be read"):
        open_study(root)


def test_a_budget_for_few_people(imagery, capsys):
    budget = _study.get_budget(imagery, 8)
    assert (budget.n_labelled, budget.n_validation, budget.n_test) == (2, 2, 4)
    assert "8 target people for a budget of 22: 2 to train on, 2 to choose, 4" in (
        capsys.readouterr().out
    )
    assert _study.get_budget(imagery, 22) == _study.catalogue.Budget()
    assert 4 in _study.get_budget("nm000109", 18).n_labelled_curve
    for n_people in range(8, 22):
        budget = _study.get_budget(imagery, n_people)
        assert budget.n_labelled + budget.n_validation + budget.n_test == n_people
        assert min(budget.n_labelled, budget.n_validation) >= 2
        assert budget.n_labelled in budget.n_labelled_curve
        assert budget.n_test >= 4
    with pytest.raises(
        _study.StudyError, match="has 7 people in its target cohort, too few .* plot_78"
    ):
        _study.get_budget("imagery", 7)


@pytest.mark.slow
def test_the_fine_tuning_page_runs_on_it(imagery, tmp_path):
    (script,) = tutorials(["73"])
    folder = tmp_path / "imagery"
    run_on_study(script, imagery, describe_data(imagery), folder)
    result = load(folder / "plot_73.json")
    line = result.checked()
    assert (line.data, line.chance_level) == ("imagery", 0.3333)
    assert (line.n_source_subjects, line.n_test_subjects) == (4, 4)
    assert line.best_accuracy > 0.5  # it was made to be easy
    assert len(result.figures) == 3
    assert result.provenance.n_recordings == len(SUBJECTS)


def test_the_file_and_the_code_of_the_concept_page_are_one_recipe(tmp_path, monkeypatch):
    text = (ROOT / "docs" / "concepts" / "from_simulated_to_real.rst").read_text("utf-8")
    block = r"code-block:: {}\n\n((?:(?:   .*)?\n)+)"
    (toml,) = re.findall(block.format("toml"), text)
    (python,) = re.findall(block.format("python"), text)
    path = tmp_path / "my_study.toml"
    path.write_text(textwrap.dedent(toml))
    monkeypatch.setenv("EEG_TUTORIAL_RECIPE", str(path))
    names = {}
    exec(textwrap.dedent(python).partition("study = ")[0], names)
    assert _study.get_recipe("/somewhere/my_study") == names["recipe"]
    assert _study.get_budget("my_study", 40).n_labelled == 4
