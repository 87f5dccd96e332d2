"""Channels as people name and type them, and units as devices write them: right values, or a refusal by name."""

import mne
import numpy as np
import pytest
import scipy.io

import tidy
from _study import Recipe, StudyError, open_study
from _study.names import differences, judge_names, only_count, spell
from _study.units import volts_of

PEOPLE = tidy.PEOPLE[:3]
FOUR = ("C3", "C4", "Pz", "Oz")
ALONE = Recipe(reference=None)
#: What is recorded beside EEG.
WORLD = ['EXG1', 'EXG8', 'GSR1', 'GSR2', 'Erg1', 'Resp', 'Plet', 'Temp', 'Status', 'EKG1', 'ECG2', 'PHOTIC', 'IBI', 'BURSTS', 'SUPPR', 'SpO2', 'Flow', 'Snore', 'Pulse', 'DC1', 'LOC', 'ROC', 'E1', 'E2', 'HL', 'HR', 'Vb', 'ReRef', 'Ergo-Left', 'Ergo-Right', 'X1', 'COUNTER', 'GYROX', 'GYROY', 'TIME_STAMP_ms', 'INTERPOLATED', 'RAW_CQ', 'BATTERY', 'MARKER', 'ACC_X', 'Trigger', 'TRIG', 'POL DC01', 'EEG EKG1-REF', 'EEG LOC-REF', 'O2 sat', 'Resp oro-nasal', 'EOG horizontal', 'EMG submental']  # fmt: skip


def put(root, names=tidy.NAMES, *, labels=None, more=(), unit="uV", table=None, scale=1.0):
    """Write a tidy study whose files call the channels ``labels``; ``table`` writes their table, or None does."""
    for subject in PEOPLE:
        at = tidy.stem(root, subject)
        rng = np.random.default_rng(int(subject))
        data = tidy.signal(subject, tidy.trials(), names=names)
        data = np.vstack([data, 60 * rng.standard_normal((len(more), data.shape[1]))])
        labels_of = labels(subject) if callable(labels) else labels or names
        file = tidy.beside(at, "eeg.edf")
        tidy.write_edf(file, data * scale, [*labels_of, *more], unit=unit)
        tidy.write_sidecar(tidy.beside(at, "eeg.json"))
        tidy.write_events(tidy.beside(at, "events.tsv"), tidy.trials())
        if table:
            table(tidy.beside(at, "channels.tsv"))
    tidy.write_people(root, PEOPLE)
    return root


def table_of(names=tidy.NAMES, **settings):
    return lambda path: tidy.write_channels(path, names, **settings)


def backwards(path):
    names = (*tidy.NAMES[::-1], "ECG")
    tidy.write_channels(path, names, types={"ECG": "ECG"})


def with_rows_more(path):
    names = ("REF", *tidy.NAMES, "EDF Annotations")
    tidy.write_channels(path, names, types={"REF": "REF", "EDF Annotations": "MISC"})


def check_tidy(study, n_chans=8):
    """All windows, each on its side, in uV, over an average of all channels."""
    assert study.windows.shape == (14 * len(PEOPLE), n_chans, 256)
    assert tidy.share_on_right_side(study) == 1.0
    assert 4 < np.median(study.windows.std(axis=2)) < 12
    if n_chans >= 4:
        np.testing.assert_allclose(study.windows.mean(axis=1), 0, atol=1e-3)


def without_types(path):
    names = (*tidy.NAMES, "ECG")
    tidy.write_channels(path, names, types=dict.fromkeys(names, "n/a"))


DOTS = {"Fz": "Fz..", "Cz": "Cz..", "C3": "C3.."}
#: How a study is written, and what is said in one line.
RIGHT = {
    "no EEG, without a table": ({"more": ("ECG", "EXG1", "GSR1", "Foo")}, ("no channels.tsv: ECG, EXG1, GSR1 left out, no EEG", "Foo left out, beside electrodes")),
    "ears": ({"more": ("A1", "M2")}, ("A1, M2 left out, at the ears",)),
    "clinical names": ({"labels": [f"EEG {n.upper()}-REF" for n in tidy.NAMES], "more": ("EEG EKG1-REF", "PHOTIC-REF")}, ("EEG FZ-REF is Fz", "EEG EKG1-REF, PHOTIC-REF left out")),
    "dots": ({"labels": [DOTS.get(n, n) for n in tidy.NAMES]}, ("Fz.. is Fz, Cz.. is Cz, C3.. is C3",)),
    "one person in capitals": ({"labels": lambda s: [n.upper() if s == "02" else n for n in tidy.NAMES]}, ("sub-02_task-motor_eeg.edf: FZ is Fz",)),
    "a table in another order": ({"table": backwards, "more": ("ECG",)}, ("channels.tsv has another order than the file: names count",)),
    "rows that the file lacks": ({"table": with_rows_more}, ()),
    "no types": ({"more": ("ECG",), "table": without_types}, ("channels.tsv gives no type for 9 channels: 8 are EEG by their names",)),
    "names that count": ({"labels": [f"EEG {i:03d}" for i in range(8)], "table": table_of()}, ("EEG 000 to EEG 007 are named by the rows of channels.tsv, in order",)),
    "names that count, HydroCel": ({"labels": [f"E{i}" for i in range(1, 9)], "table": table_of()}, ("E1 to E8 are named",)),
    "no unit but in the table": ({"unit": "", "table": table_of()}, ("the header has the unit ''; channels.tsv says uV",)),
    "no unit, nV in the table": ({"unit": "?", "scale": 1e3, "table": table_of(unit="nV")}, ("the header has the unit '?'; channels.tsv says nV",)),
    "no unit anywhere": ({"unit": ""}, ("no unit in the header ('') nor in channels.tsv; by its size it is uV",)),
    **{f"unit {unit}": ({"unit": unit}, (f"the unit {unit!r} of the header is read as uV",)) for unit in ("uv", "UV", "muV", ".V", "microV", "{}V")},
    "unit nV": ({"unit": "nV", "scale": 1e3}, ("the unit 'nV' of the header is read as nV",)),
}  # fmt: skip


@pytest.mark.parametrize("name", RIGHT)
def test_it_opens_with_its_values_and_says_so_once(tmp_path, capsys, name):
    settings, lines = RIGHT[name]
    check_tidy(open_study(put(tmp_path / "study", **settings)))
    printed = capsys.readouterr().out
    for line in lines:
        assert printed.count(line) == 1, printed
    assert len(printed.splitlines()) <= 2 + len(lines)


def test_a_set_without_names_takes_those_of_the_table(tmp_path, capsys):
    root = tidy.write_study(tmp_path / "study", PEOPLE)
    for path in root.glob("sub-*/eeg/*.edf"):
        raw = mne.io.read_raw(path, verbose="ERROR")
        about = dict.fromkeys(("chanlocs", "event", "epoch", "urevent"), np.array([]))
        about |= {
            "nbchan": 8.0,
            "pnts": float(raw.n_times),
            "trials": 1.0,
            "srate": 256.0,
            "ref": "common",
        }
        about |= {
            "setname": "x",
            "xmin": 0.0,
            "xmax": 40.0,
            "comments": "",
            "data": raw.get_data() * 1e6,
        }
        about |= dict.fromkeys(("icawinv", "icasphere", "icaweights", "icachansind"), np.array([]))  # fmt: skip
        scipy.io.savemat(path.with_suffix(".set"), {"EEG": about}, appendmat=False)
        path.unlink()
    check_tidy(open_study(root))
    assert "EEG 000 to EEG 007 are named by the rows" in capsys.readouterr().out


def test_names_that_nobody_knows_are_taken_and_said(tmp_path, capsys):
    labels = [f"Ch{i}" for i in range(1, 9)]
    study = open_study(put(tmp_path / "study", labels=labels, more=("ECG",)))
    assert study.ch_names == tuple(labels)
    assert (
        "Ch1, Ch2, Ch3, Ch4, Ch5, Ch6, Ch7, Ch8 name no electrode: taken for EEG"
        in capsys.readouterr().out
    )


def test_what_is_asked_for_is_eeg_under_any_spelling(tmp_path):
    root = put(tmp_path / "study", more=("A1", "Foo"))
    study = open_study(root, channels=("c3", "C4", "Foo", "A1"))
    assert study.ch_names == ("C3", "C4", "Foo", "A1")
    loud = study.windows.std(axis=(0, 2))
    assert loud[2:].min() > 1.5 * loud[:2].max()


def test_a_table_is_believed_and_that_is_said(tmp_path, capsys):
    root = put(tmp_path / "study", more=("EXG1",), table=table_of((*tidy.NAMES, "EXG1")))
    assert open_study(root).ch_names == (*tidy.NAMES, "EXG1")
    assert (
        "channels.tsv calls EXG1 EEG, which by name they are not: taken for EEG"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize("names", [("C3",), ("C3", "C4"), ("C3", "C4", "Pz")])
def test_an_average_over_few_is_refused_and_they_open_without_it(tmp_path, names):
    root = put(tmp_path / "study", names)
    with pytest.raises(StudyError, match=rf"^reference='average' needs 4 electrodes, .* has {len(names)}: C3.*reference=None"):  # fmt: skip
        open_study(root)
    study = open_study(root, recipe=ALONE)
    raw = mne.io.read_raw(next(root.glob("sub-01/eeg/*.edf")), verbose="ERROR")
    raw.load_data().filter(1, 40, verbose="ERROR").resample(128)
    first = raw.get_data(names)[:, 256:512] * 1e6
    assert np.corrcoef(study.windows[0].ravel(), first.ravel())[0, 1] > 0.98
    if len(names) > 1:
        check_tidy(study, len(names))


@pytest.mark.parametrize(
    "labels", ["Fpz-Cz Pz-Oz", "FP1-F7 F7-T7 T7-P7 P7-O1", "Fz Cz C3-P3 C4 Oz"]
)
def test_an_average_over_differences_is_refused(tmp_path, labels):
    labels = labels.split()
    root = put(tmp_path / "study", tidy.NAMES[: len(labels)], labels=labels)
    with pytest.raises(StudyError, match="needs single electrodes, and .* has differences of two: .*reference=None"):  # fmt: skip
        open_study(root)
    bipolar = [name for name in labels if "-" in name]
    assert set(bipolar) < {*open_study(root, recipe=ALONE, column="age").ch_names, ""}


@pytest.mark.parametrize(
    "labels", ["F3-Cz F4-Cz C3-Cz C4-Cz", "F3-A2 F4-A1 C3-A2 C4-A1", "F3-Ref F4-Ref C3 C4"]
)
def test_electrodes_against_a_reference_are_no_differences(labels):
    assert differences(labels.split()) == []


def test_a_page_reader_can_switch_the_reference_off(tmp_path, monkeypatch):
    root = put(tmp_path / "study", ("C3", "C4"))
    path = tmp_path / "my_study.toml"
    path.write_text("reference = false\n")
    monkeypatch.setenv("EEG_TUTORIAL_RECIPE", str(path))
    check_tidy(open_study(root), 2)


def test_a_size_that_is_no_eeg_in_uv_is_not_taken_for_it(tmp_path):
    root = put(tmp_path / "study", unit="", scale=1000.0)
    with pytest.raises(StudyError, match="the header gives the unit as 'n/a'"):
        open_study(root)


# ------------------------------------------------------------------------------------------- names


def test_what_the_world_records_beside_eeg_is_no_electrode():
    judged = judge_names([*FOUR, *WORLD])
    assert {judged[name] for name in FOUR} == {"eeg"}
    assert {name for name in WORLD if judged[name] in ("eeg", "ear", "unknown")} == set()


@pytest.mark.parametrize("names", [[f"{row}{i}" for row in "AB" for i in range(1, 33)], [f"E{i}" for i in range(1, 129)], ['E11', 'E62', 'E75', 'E36', 'E104', 'E52', 'E92', 'Cz'], ['T3', 'T4', 'T5', 'T6', 'Fc5.', 'FZ', 'Cz-A1', 'C3-A2', 'Fpz-Cz', 'F1-Ref-0', 'T1', 'TPP10h']])  # fmt: skip
def test_electrodes_are_known_by_their_caps(names):
    assert set(judge_names(names).values()) == {"eeg"}


def test_the_usual_spelling_is_that_of_single_electrodes():
    names = ["FZ", "EEG fp1-REF", "Fc5.", "C3-A2", "F1-Ref-0", "Foo", "T3", "Cz"]
    assert spell(names) == {"FZ": "Fz", "EEG fp1-REF": "Fp1", "Fc5.": "FC5", "T3": "T3", "Cz": "Cz"}  # fmt: skip


@pytest.mark.parametrize(("names", "expected"), [(["EEG 000", "EEG 001"], True), (["1", "2", "3"], True), (["Ch2", "Ch1"], False), (["Fz", "E2"], False), ([], False)])  # fmt: skip
def test_names_that_only_count_tell_their_order(names, expected):
    assert only_count(names) is expected


@pytest.mark.parametrize(("unit", "volts"), [("V", 1.0), ("mV", 1e-3), ("microvolts", 1e-6), ("\u00c2\u00b5V", 1e-6), ("\u03bcv", 1e-6), ("nV", 1e-9), ("degC", None), ("", None), ("n/a", None)])  # fmt: skip
def test_units_of_voltage_under_their_spellings(unit, volts):
    assert volts_of(unit) == volts
