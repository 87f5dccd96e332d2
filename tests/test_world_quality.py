"""Signals as amplifiers and electrodes give them: who is blamed, what is advised, and what opens all the same."""

import dataclasses
import re

import numpy as np
import pytest

import _study
import _study.measure
import _study.quality
import tidy
from _study import StudyError

FOUR = ("C3", "C4", "Pz", "Cz")
RNG = np.random.default_rng(7)


def written(root, change, people=("03",), names=tidy.NAMES, unit="uV"):
    """A tidy study of four people in which the signals of some are changed."""
    tidy.write_study(root, tidy.PEOPLE[:4], names=names)
    for subject in people:
        data = change(tidy.signal(subject, tidy.trials(), names=names))
        path = tidy.beside(tidy.stem(root, subject), "eeg.edf")
        tidy.write_edf(path, data, names, unit=unit)
    return root


def noisy(size, *channels):
    """These channels are noise of so many uV, whose windows hold no tone."""

    def change(data):
        data[list(channels)] = RNG.normal(0, size, (len(channels), data.shape[1]))
        return data

    return change


def hum(size, hz=50):
    return lambda data: (
        data + size * np.sin(2 * np.pi * hz * np.arange(data.shape[1]) / tidy.SFREQ)
    )


def two_jumps(data):
    data[2, 2600:2700] += 20_000
    data[2, 6000:6010] += 20_000
    return data


def bridged(data):
    return data[[0, 1, 0, 3]] + RNG.normal(0, 0.3, data.shape)


EVERYBODY = tidy.PEOPLE[:4]
BAD = ". Write status bad for it in channels.tsv, or leave the person out"
FILE = "sub-03, sub-03_task-motor_eeg.edf, "
#: What is planted, in whom, in which channels, in which unit, and the one line that is said.
REFUSED = {
    "one loose electrode of eight": (noisy(3000, 2), ("03",), tidy.NAMES, "uV", f"{FILE}Pz: [23],.* in a typical piece as read, .* times the other channels{BAD}"),
    "two loose electrodes of four": (noisy(2500, 2, 3), ("03",), FOUR, "uV", f"{FILE}Pz, Cz: 2,.*{BAD}"),
    "two that are not gross, but spread": (noisy(900, 2, 3), ("03",), FOUR, "uV", f"{FILE}Pz, Cz: .*; .* uV in a typical window, 3. times the median of 3 others{BAD}"),
    "a loose one in everybody": (noisy(3000, 2), EVERYBODY, tidy.NAMES, "uV", f"4 of 4 recordings: sub-01, .*, Pz: .*; likewise sub-02_task-motor, sub-03_task-motor, sub-04_task-motor{BAD}"),
    "a factor in all": (lambda data: data * 1000, ("03",), tidy.NAMES, "uV", f"{FILE}all 8 channels: 1,000 times too large, as if uV were read as mV: .*Correct the unit in the header.*"),
    "volts": (lambda data: data, ("03",), tidy.NAMES, "V", f"{FILE}all 8 channels: 1,000,000 times too large, as if uV were read as V: .*Correct the unit in the header.*"),
}  # fmt: skip
DOUBTED = {
    "two jumps of 20 mV": (two_jumps, ("03",), FOUR, f"{FILE}Pz: a jump of 20,0.. uV at 10.. s. .*BAD_jump"),
    "two bridged channels": (bridged, ("03",), FOUR, f"{FILE}C3 and Pz: one signal, .*"),
    "a hum of everybody": (hum(1700), EVERYBODY, tidy.NAMES, "4 of 4 recordings: sub-01, .*, all 8 channels: a signal of 1,2.. uV is common to all channels, beside [0-9.]+ uV of their own; likewise .*. It goes with the average reference"),
    "a drift": (hum(3000, 0.3), ("03",), FOUR, f"{FILE}all 4 channels: a signal of .* uV is common to all .*"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_wrong_is_named_with_a_remedy_that_helps(tmp_path, case):
    *how, line = REFUSED[case]
    root = written(tmp_path / "small", *how)
    with pytest.raises(StudyError) as err:
        _study.open_study(root)
    count = len(how[1])
    first = f"small: the signals of {count} of 4 recordings cannot be used:\n  "
    assert re.fullmatch(f"{first}{line}", str(err.value))


@pytest.mark.parametrize("case", DOUBTED)
def test_what_is_doubtful_is_one_line_and_windows_are_right(tmp_path, case, capsys):
    *how, line = DOUBTED[case]
    study = _study.open_study(written(tmp_path / "small", *how))
    printed = capsys.readouterr().out.splitlines()
    doubts = [text for text in printed if "doubtful" in text]
    assert len(doubts) == 1
    assert re.fullmatch(f"small, doubtful: {line}", doubts[0])
    assert len(study.windows) == 56
    if case != "two bridged channels":  # a copy of C3 is half of the reference
        assert tidy.share_on_right_side(study) == 1


def test_a_common_hum_changes_no_window(tmp_path):
    clean, humming = (
        _study.open_study(written(tmp_path / name, change, EVERYBODY)).windows
        for name, change in (("clean", lambda data: data), ("humming", hum(1700)))
    )
    assert np.abs(clean - humming).max() < 0.1  # a step of the file is 0.06 uV


def test_without_a_reference_a_common_hum_stays_and_the_reference_is_advised(tmp_path):
    root = written(tmp_path / "small", hum(1700), EVERYBODY)
    recipe = dataclasses.replace(_study.get_recipe("small"), reference=None)
    with pytest.raises(
        StudyError, match='(?s)4 of 4.*1,2.* Write reference = "average"'
    ) as err:
        _study.open_study(root, recipe=recipe)
    assert "unit" not in str(err.value)


@pytest.mark.parametrize(
    ("header", "table", "fix"),
    [
        ("n/a", "", "write the unit into the column units of channels.tsv"),
        ("n/a", "V", "correct the column units of channels.tsv, which says 'V'"),
        ("counts", "n/a", "write the unit into the column units of channels.tsv"),
        ("V", "uV", "correct the unit in the header of the file or export it again"),
    ],
)
def test_a_unit_that_the_header_lacks_is_for_the_table(tmp_path, header, table, fix):
    faults = found(stats_of("01", 1e6, header=header, table=table))
    assert faults.loc[faults["kind"] == "scale", "fix"].tolist() == [fix]


def test_one_channel_in_a_unit_of_its_own_is_a_unit_and_no_electrode():
    one = stats_of("01", 1.0, header="uV")
    one.channels.loc[2, ["scale", "header"]] = 8000.0, "mV"
    assert found(one)[["channels", "kind", "gross"]].to_numpy().tolist() == [
        ["Pz", "scale", True]
    ]


def test_an_average_over_one_channel_is_not_put_down_to_the_unit(tmp_path):
    one = stats_of("01", 1.0, names=("Cz",))
    windows = np.zeros((3, 1, 10), np.float32)
    faults = found(one, windows=windows, recordings=[one.recording] * 3, names=("Cz",))
    assert faults["kind"].tolist() == ["windows"]
    assert "unit" not in faults["fix"].iloc[0]


def stats_of(subject, factor, names=tidy.NAMES, **columns):
    """What is measured in a tidy recording, times a factor."""
    raw = as_raw(factor * tidy.signal(subject, tidy.trials(), names=names), names)
    one = _study.measure.measure_signal(raw, f"sub-{subject}_task-motor_eeg.edf")
    return dataclasses.replace(one, channels=one.channels.assign(**columns))


def as_raw(data, names):
    import mne

    info = mne.create_info(list(names), tidy.SFREQ, "eeg")
    return mne.io.RawArray(data * 1e-6, info, verbose="ERROR")


def found(*stats, windows=None, recordings=(), names=tidy.NAMES, remembered=None):
    return _study.quality.find_faults(stats, names, True, windows, recordings, remembered)


def test_people_are_compared_with_those_of_earlier_openings():
    remembered = {}
    assert found(
        stats_of("01", 12.0), remembered=remembered
    ).empty  # nobody to compare with
    later = [stats_of(subject, 1.0) for subject in ("02", "03", "05")]
    faults = found(*later, remembered=remembered)
    assert faults[["subject", "kind", "gross"]].to_numpy().tolist() == [
        ["01", "person", False]
    ]
    assert set(remembered) == {"01", "02", "03", "05"}
    faults = found(
        stats_of("04", 0.01), remembered=remembered
    )  # one alone is judged as well
    assert faults[["subject", "gross"]].to_numpy().tolist() == [["04", True]]
    assert "04" not in remembered  # who is refused is no measure of others
    assert found(stats_of("01", 1.0), remembered=remembered).empty  # exported again
