"""The road of ds005505 without its gigabytes: a made-up tree with its names, columns and quirks."""

import ast
import shutil

import mne
import numpy as np
import pandas as pd
import pytest
from braindecode.preprocessing import (
    Preprocessor,
    create_windows_from_events,
    preprocess,
)
from eegdash import EEGDashDataset

import _study
from _helpers.pages import EXAMPLES

PAGE = EXAMPLES / "plot_12_open_a_real_cohort.py"
NAMES = [f"E{i}" for i in range(1, 129)] + ["Cz"]
SUBJECTS = {"NDARAA000AAA": "0.7560", "NDARBB111BBB": "n/a", "NDARCC222CCC": "-1.2040"}
FIRST_CUE, BLOCK, SFREQ = 9.0, 4.0, 500.0
COLUMNS = [
    "participant_id",
    "release_number",
    "sex",
    "age",
    "ehq_total",
    "commercial_use",
    "full_pheno",
    "p_factor",
    "attention",
    "internalizing",
    "externalizing",
    "RestingState",
]


def potentials(subject):
    """What the electrodes would show against a silent reference, in volts."""
    rng = np.random.default_rng(abs(int.from_bytes(subject.encode(), "big")) % 2**32)
    n_times = int((FIRST_CUE + 11 * BLOCK + 3) * SFREQ)
    common = rng.standard_normal((3, n_times)).cumsum(axis=1)
    common -= common.mean(axis=1, keepdims=True)
    mixed = rng.standard_normal((129, 3)) @ common
    return (mixed / mixed.std() + rng.standard_normal((129, n_times))) * 1e-5


@pytest.fixture(scope="session")
def hbn(tmp_path_factory):
    """The tree: 129 channels at 500 Hz against Cz, EEGLAB files, cues without a duration."""
    root = tmp_path_factory.mktemp("openneuro") / "ds005505"
    for subject in SUBJECTS:
        folder = root / f"sub-{subject}" / "eeg"
        folder.mkdir(parents=True)
        stem = f"sub-{subject}_task-RestingState"
        recorded = potentials(subject)
        recorded = recorded - recorded[-1]  # Cz is the reference: flat
        info = mne.create_info(NAMES, SFREQ, "eeg")
        raw = mne.io.RawArray(recorded, info, verbose="ERROR")
        raw.export(folder / f"{stem}_eeg.set", fmt="eeglab", verbose="ERROR")
        cues = [
            ("instructed_toOpenEyes", "instructed_toCloseEyes")[i % 2] for i in range(11)
        ]
        events = [(0.002, "9999"), (0.5, "resting_start")]
        events += [(FIRST_CUE + BLOCK * i, cue) for i, cue in enumerate(cues)]
        events.insert(5, (FIRST_CUE + 2.5 * BLOCK, "boundary"))
        table = pd.DataFrame(events, columns=["onset", "value"])
        table.insert(1, "duration", "n/a")
        table.insert(2, "sample", (table["onset"] * SFREQ).astype(int))
        table["event_code"] = "n/a"
        table.to_csv(folder / f"{stem}_events.tsv", sep="\t", index=False)
        channels = pd.DataFrame({"name": NAMES, "type": "EEG", "units": "uV"})
        channels.to_csv(folder / f"{stem}_channels.tsv", sep="\t", index=False)
        (folder / f"{stem}_eeg.json").write_text(
            '{"TaskName": "RestingState", "EEGReference": "Cz", "SamplingFrequency": 500, '
            '"PowerLineFrequency": 60, "SoftwareFilters": "n/a"}'
        )
    rows = [
        [
            f"sub-{s}",
            "R1",
            "F",
            "9.1",
            "n/a",
            "Yes",
            "Yes",
            p,
            "n/a",
            "n/a",
            "0.1",
            "available",
        ]
        for s, p in SUBJECTS.items()
    ]
    pd.DataFrame(rows, columns=COLUMNS).to_csv(
        root / "participants.tsv", sep="\t", index=False
    )
    (root / "dataset_description.json").write_text(
        '{"Name": "made up by a test", "BIDSVersion": "1.9.0"}'
    )
    return root


def page_functions(change=lambda source: source):
    """``keep_scored`` and ``open_windows`` as the page shows them, with what they use."""
    text = PAGE.read_text("utf-8")
    wanted = {"keep_scored", "open_windows", "EYES", "STEPS"}
    picked = [
        ast.get_source_segment(text, node)
        for node in ast.parse(text).body
        if getattr(node, "name", None) in wanted
        or (isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in wanted)
    ]
    assert len(picked) == 4
    names = {
        "np": np,
        "pd": pd,
        "_study": _study,
        "PLACES": _study.catalogue.PLACES,
        "Preprocessor": Preprocessor,
        "create_windows_from_events": create_windows_from_events,
        "preprocess": preprocess,
    }
    exec(change("\n\n".join(picked)), names)
    return names


def run_page(root, **kwargs):
    dataset = EEGDashDataset(
        cache_dir=root.parent, dataset="ds005505", task="RestingState", download=False
    )
    with mne.use_log_level("ERROR"):
        page = page_functions(**kwargs)
        return page["open_windows"](page["keep_scored"](dataset))


def expected(subject):
    """The windows by another road: the truth, referenced by hand, one block at a time."""
    truth = potentials(subject)
    truth = truth - truth.mean(axis=0)  # what Cz hid comes back
    channels = list(page_functions()["PLACES"])
    info = mne.create_info(channels, SFREQ, "eeg")
    raw = mne.io.RawArray(truth[[NAMES.index(c) for c in channels]], info, verbose="ERROR")
    raw.resample(100, verbose="ERROR").filter(1, 30, verbose="ERROR")
    starts = [FIRST_CUE + 2 * k * BLOCK + s for k in range(5) for s in (0.0, 2.0)]
    return (
        np.stack(
            [raw.get_data(start=round(s * 100), stop=round(s * 100) + 200) for s in starts]
        )
        * 1e6
    )


def error(found, truth):
    return np.sqrt(np.mean((found - truth) ** 2) / np.mean(truth**2))


def test_the_function_of_the_page_recovers_the_truth(hbn):
    X, y, subjects = run_page(hbn)
    assert sorted(np.unique(subjects)) == ["NDARAA000AAA", "NDARCC222CCC"]
    assert X.shape == (
        20,
        8,
        200,
    )  # five open blocks of two windows; the sixth cue ends the task
    for subject in np.unique(subjects):
        own = subjects == subject
        assert set(y[own]) == {float(SUBJECTS[subject])}
        assert error(X[own], expected(subject)) < 1e-3


def test_the_reference_moved_after_the_pick_is_found_out(hbn):
    def after_the_pick(source):
        lines = source.splitlines()
        (one,) = [i for i, line in enumerate(lines) if '"set_eeg_reference"' in line]
        (two,) = [i for i, line in enumerate(lines) if '"reorder_channels"' in line]
        lines[one], lines[two] = lines[two], lines[one]
        return "\n".join(lines)

    X, _, subjects = run_page(hbn, change=after_the_pick)
    assert error(X[subjects == "NDARAA000AAA"], expected("NDARAA000AAA")) > 0.1


def test_open_study_takes_the_same_road(hbn, capsys):
    study = _study.open_study(hbn, column="p_factor", on_missing="drop")
    assert "dropped sub-NDARBB111BBB" in capsys.readouterr().out
    X, y, subjects = run_page(hbn)
    assert study.metadata["subject"].tolist() == subjects.tolist()
    np.testing.assert_allclose(study.windows, X, atol=1e-3)
    np.testing.assert_allclose(study.targets, y, rtol=1e-6)
    assert (study.effect, study.data) == (None, "ds005505")


def test_states_are_both_there(hbn):
    study = _study.open_study(hbn, classes=_study.get_recipe(hbn).blocks)
    assert study.metadata.groupby("target").size().tolist() == [30, 30]


def test_a_score_that_is_a_word_is_refused(hbn, tmp_path):
    root = shutil.copytree(hbn, tmp_path / "ds005505")
    table = root / "participants.tsv"
    table.write_text(table.read_text().replace("0.7560", "0,7560"))
    with pytest.raises(ValueError, match="Unable to parse string .*0,7560"):
        run_page(root)
