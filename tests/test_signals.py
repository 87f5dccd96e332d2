"""Planted faults that must be found, and clean recordings of which nothing may be said."""

import functools
import itertools
import os
import re

import mne
import numpy as np
import pytest

import _study
import _study.measure
import _study.quality
import _study.simulated.signals
from _study import StudyError
from conftest import environment, write_bids

NAMES = ("Fz", "Cz", "Pz", "Oz", "C3", "C4", "P3", "P4")
SFREQ, SECONDS = 250.0, 20
PEOPLE = ("01", "02", "03", "04")


@functools.cache
def signals(subject):
    """Clean signals in uV: noise like that of EEG, in part common to neighbours, and some mains."""
    rng = np.random.default_rng([1, int(subject)])
    shape = (len(NAMES) + 1, int(SFREQ * SECONDS))
    noise = 8 * _study.simulated.signals.pink_noise(rng, shape, SFREQ, 1.0)
    offsets = rng.uniform(-300, 300, (len(NAMES), 1))  # electrodes have offsets
    hum = 3 * np.sin(2 * np.pi * 50 * np.arange(shape[1]) / SFREQ)
    return noise[:-1] + 0.7 * noise[-1] + offsets + hum


def record(subject, X, *, bads=(), notes=None):
    """A recording with these signals in uV, as if read from a file."""
    info = mne.create_info(list(NAMES), SFREQ, "eeg")
    raw = mne.io.RawArray(X * 1e-6, info, verbose="ERROR")
    raw.info["bads"] = list(bads)
    return raw if notes is None else raw.set_annotations(notes)


@functools.cache
def measured_clean(subject, referenced):
    return measured(subject, record(subject, signals(subject)), referenced)


def measured(subject, raw, referenced):
    """What is measured in a recording (None is a clean one), and its windows after reference and filter."""
    if raw is None:
        return measured_clean(subject, referenced)
    stats = _study.measure.measure_signal(raw, f"sub-{subject}_task-rest_eeg.edf")
    raw = raw.copy()
    if referenced:
        raw.set_eeg_reference("average", verbose="ERROR")
    n = int(2 * SFREQ)
    X = raw.filter(1, 40, verbose="ERROR").get_data()
    X = X[:, : raw.n_times // n * n].reshape(len(NAMES), -1, n)
    return stats, (X.transpose(1, 0, 2) * 1e6).astype(np.float32)


def faults(people, *, referenced=True, check=False):
    """What is found in the recordings of some people, read as a study is."""
    both = [measured(subject, raw, referenced) for subject, raw in people.items()]
    stats, windows = zip(*both, strict=True)
    recordings = np.repeat([one.recording for one in stats], [len(X) for X in windows])
    windows = np.concatenate(windows)
    if check:
        return _study.quality.check("mine", stats, windows, recordings, NAMES, referenced)
    return _study.quality.find_faults(stats, NAMES, referenced, windows, recordings)


def spoiled(spoil, who="03"):
    """Recordings of four people, one of them spoiled, or all for ``who=None``."""
    return {s: record(s, spoil(signals(s))) if who in (s, None) else None for s in PEOPLE}


def only(channel, change):
    """Spoil one channel."""

    def spoil(X):
        X = X.copy()
        X[NAMES.index(channel)] = change(X[NAMES.index(channel)])
        return X

    return spoil


def half(X):
    return np.where(np.arange(X.shape[-1]) < X.shape[-1] // 2, 0.0, X)


def hum(X, size=500.0):
    return X + size * np.sin(2 * np.pi * 50 * np.arange(X.shape[-1]) / SFREQ)


def jumps(X):
    return X + 20_000.0 * (np.arange(X.shape[-1]) // (7 * int(SFREQ)) % 2)


def late_jump(X):
    return X + 20_000.0 * (np.arange(X.shape[-1]) > 19.5 * SFREQ)


def slow_jump(X):
    step = np.arange(X.shape[-1]) > 7.3 * SFREQ
    return X + 20_000.0 * np.convolve(step, np.ones(25) / 25)[: len(step)] * step


def loose(X):
    return np.where(
        np.arange(len(X))[:, None] < 4, 400 * (X - X.mean(axis=1, keepdims=True)), X
    )


def loud_under_hum(X):
    return hum(only("Pz", lambda x: x * 15)(X))


def clip(X, most=6):
    middle = np.median(X, axis=-1, keepdims=True)
    return np.clip(X, middle - most, middle + most)


def bridge(X):
    X = X.copy()
    X[4] = X[5] + 0.05 * np.random.default_rng(5).standard_normal(X.shape[1])
    return X


ALL = "all 8 channels"
#: Fault -> how it is planted, the kind that has to be found, in how many channels, and is it gross?
PLANTED = {
    "a million times": (lambda X: X * 1e6, "scale", ALL, True),
    "a thousand times": (lambda X: X * 1e3, "scale", ALL, True),
    "a thousandth": (lambda X: X / 1e3, "scale", ALL, True),
    "a millionth": (lambda X: X / 1e6, "scale", ALL, True),
    "a tenth": (lambda X: X / 10, "person", "all channels", False),
    "fifteen times": (lambda X: X * 15, "person", "all channels", False),
    "one channel in mV": (only("Pz", lambda x: x / 1e3), "flat", "Pz", True),
    "one channel of volts": (only("Pz", lambda x: x * 1e3), "electrode", "Pz", True),
    "one channel too loud": (only("Pz", lambda x: x * 15), "channel", "Pz", False),
    "a dead channel": (only("Cz", lambda x: 0 * x), "flat", "Cz", True),
    "a constant channel": (only("Cz", lambda x: 0 * x + 77.3), "flat", "Cz", True),
    "half a channel": (only("Cz", half), "flat", "Cz", True),
    "half of everything": (half, "flat", ALL, True),
    "clipped": (clip, "clipped", ALL, True),
    "four of eight loose": (loose, "electrode", "Fz, Cz, Pz, Oz", True),
    "mains": (functools.partial(hum, size=100.0), "mains", ALL, False),
    "a hum of 500 uV that all share": (hum, "common", ALL, False),
    "a hum that saturates": (lambda X: clip(hum(X, 1700.0), 1000), "clipped", ALL, True),
    "one channel too loud under a hum": (loud_under_hum, "channel", "Pz", False),
    "a bridge under a hum": (
        lambda X: hum(bridge(X), 5000.0),
        "bridge",
        "C3 and C4",
        False,
    ),
    "mains in one channel": (only("P4", hum), "mains", "P4", False),
    "jumps": (only("C3", jumps), "jump", "C3", False),
    "a jump at the very end": (only("C3", late_jump), "jump", "C3", False),
    "a jump behind a filter": (only("C3", slow_jump), "jump", "C3", False),
    "a bridge": (bridge, "bridge", "C3 and C4", False),
}


@pytest.mark.parametrize("name", PLANTED)
def test_every_planted_fault_is_found_in_the_person_who_has_it_and_in_nobody_else(name):
    spoil, kind, channels, gross = PLANTED[name]
    found = faults(spoiled(spoil))
    rows = found[found["kind"] == kind]
    assert set(found["subject"]) == {"03"}
    assert rows[["channels", "gross"]].to_numpy().tolist() == [[channels, gross]]
    if gross:
        with pytest.raises(
            StudyError, match=rf"sub-03, sub-03_task-rest_eeg.edf, {channels}: "
        ):
            faults(spoiled(spoil), check=True)


@pytest.mark.parametrize(
    "name", [name for name, (_, kind, *_) in PLANTED.items() if kind != "person"]
)
def test_a_fault_that_everybody_has_is_found_in_everybody(name):
    spoil, kind, _, _ = PLANTED[name]
    if name in ("a dead channel", "a constant channel"):
        pytest.skip("flat in everybody is the recording reference: tested below")
    found = faults(spoiled(spoil, who=None))
    assert set(found.loc[found["kind"] == kind, "subject"]) == set(PEOPLE)


@pytest.mark.parametrize("referenced", [True, False])
def test_nothing_is_said_of_clean_recordings(referenced, capsys):
    people = dict.fromkeys(PEOPLE)
    assert faults(people, referenced=referenced, check=True).empty
    assert capsys.readouterr().out == ""


def test_doubtful_signals_are_one_line_each_with_person_file_channel_and_fix(capsys):
    faults(spoiled(only("C3", jumps)), check=True)
    line = r"mine, doubtful: sub-03, sub-03_task-rest_eeg.edf, C3: a jump of (20,0|19,9)\d\d uV at [0-9.]+ s. .*BAD_jump\n"
    assert re.fullmatch(line, capsys.readouterr().out)


def test_a_fault_of_many_people_is_one_line_with_a_count_and_the_first_names():
    people = {f"{i:02d}": record(f"{i:02d}", 1e3 * signals(f"{i:02d}")) for i in range(12)}
    line = (
        r"mine: the signals of 12 of 12 recordings cannot be used:\n  12 of 12 recordings: sub-00, .*all 8 channels: "
        r"1,000 times too large, as if uV were read as mV: .*; likewise sub-01_.*, sub-08_task-rest and 3 more. [^\n]*"
    )
    with pytest.raises(StudyError) as err:
        faults(people, check=True)
    assert re.fullmatch(line, str(err.value))


def test_the_recording_reference_is_flat_in_everybody_and_is_no_fault():
    people = spoiled(only("Cz", lambda x: 0 * x), who=None)
    assert faults(people).empty
    both = people | {
        "03": record("03", only("P3", lambda x: 0 * x)(people["03"].get_data() * 1e6))
    }
    found = faults(both)  # a dead electrode beside it does not make it one
    assert found[["subject", "channels"]].to_numpy().tolist() == [["03", "P3"]]
    # It stays flat where nobody references the signals again.
    assert set(faults(people, referenced=False)["subject"]) == set(PEOPLE)


def test_of_one_person_alone_only_an_electrode_with_the_name_of_a_reference_may_be_flat():
    assert faults({"01": record("01", only("Cz", lambda x: 0 * x)(signals("01")))}).empty
    found = faults({"01": record("01", only("P3", lambda x: 0 * x)(signals("01")))})
    assert found[["channels", "gross"]].to_numpy().tolist() == [["P3", True]]


def test_recordings_of_nothing_are_refused_at_once():
    with pytest.raises(StudyError, match="sub-03.*all 8 channels are flat"):
        faults(spoiled(lambda X: 0 * X))


def test_a_recording_without_eeg_is_refused():
    raw = record("01", signals("01"))
    raw.set_channel_types(dict.fromkeys(NAMES, "eog"), verbose="ERROR")
    with pytest.raises(StudyError, match="sub-01.*has no EEG channel: correct the types"):
        _study.measure.measure_signal(raw, "sub-01_task-rest_eeg.edf")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused_with_channel_and_second(value):
    X = signals("03").copy()
    X[2, int(19.9 * SFREQ)] = value  # beyond the last whole piece, too
    with pytest.raises(StudyError, match="sub-03.*1 samples of Pz are not finite.*19.9 s"):
        faults({"03": record("03", X)})


def test_what_the_messages_advise_is_an_answer_to_them():
    X = only("Cz", lambda x: 0 * x)(signals("03"))
    assert len(faults({"03": record("03", X, bads=["Cz"])})) == 0
    X = signals("03").copy()
    X[3, int(10 * SFREQ) :] += 20_000
    notes = mne.Annotations([9.5], [1.0], ["BAD_jump"])
    assert list(faults({"03": record("03", X)})["kind"]) == ["jump"]
    assert len(faults({"03": record("03", X, notes=notes)})) == 0


def edf_of(root, dimension):
    """Write a study whose first recording says another unit in its header; return that file."""
    write_bids(root, subjects=("01",))
    path = next(root.rglob("*.edf"))
    n = int(path.read_bytes()[252:256])
    with path.open("r+b") as file:
        file.seek(256 + n * (16 + 80))
        file.write(
            dimension.ljust(8).encode("latin-1") * (n - 1)
        )  # the last one holds notes
    return path


@pytest.mark.parametrize("dimension", ["mV", "", "counts"])
def test_an_edf_whose_header_says_another_unit_is_refused_by_that_unit(tmp_path, dimension):
    path = edf_of(tmp_path, dimension)
    raw = mne.io.read_raw(path, verbose="ERROR")
    found = _study.quality.find_faults(
        [_study.measure.measure_signal(raw, path)], raw.ch_names, True
    )
    scale = found[found["kind"] == "scale"]
    assert scale["gross"].all()
    assert len(scale) == 1
    assert f"the unit as {dimension!r}" in scale["what"].iloc[0].replace(
        "'n/a'", repr(dimension)
    )


def test_a_table_that_says_another_unit_than_the_file_is_doubtful(tmp_path):
    path = edf_of(tmp_path, "uV")
    table = next(tmp_path.rglob("*_channels.tsv"))
    raw = mne.io.read_raw(path, verbose="ERROR")
    assert _study.quality.find_faults(
        [_study.measure.measure_signal(raw, path)], raw.ch_names, True
    ).empty
    table.write_text(table.read_text("utf-8").replace("µV", "V"), "utf-8")
    found = _study.quality.find_faults(
        [_study.measure.measure_signal(raw, path)], raw.ch_names, True
    )
    assert list(found["kind"]) == ["unit"]
    assert not found["gross"].any()
    assert re.search("the file says .V, channels.tsv says V", found["what"].iloc[0])


def stats_of(root, pattern="sub-*/**/*_eeg.edf"):
    for path in sorted(root.glob(pattern)):
        raw = mne.io.read_raw(path, verbose="ERROR")
        yield _study.measure.measure_signal(raw, path), tuple(raw.ch_names)


def in_memory(kind):
    """Names, rate and signals in uV of the first people of a simulated study."""
    if kind == "tasks":
        people = itertools.islice(_study.simulated.signals.simulate_two_tasks(), 4)
        found = [windows for tasks in people for windows, *_ in tasks.values()]
    else:
        given = {"n_open": 15, "n_closed": 12}
        people = itertools.islice(_study.simulated.signals.simulate_pfactor(**given), 8)
        found = [windows for _, windows in people]
    return [np.concatenate(list(windows), axis=1) for windows in found]


@pytest.mark.parametrize("kind", ["tasks", "pfactor"])
def test_no_simulated_signal_is_refused_or_doubted(kind):
    info = mne.create_info(
        list(_study.catalogue.HYDROCEL),
        _study.catalogue.PFACTOR_SFREQ,
        "eeg",
    )
    stats = [
        _study.measure.measure_signal(
            mne.io.RawArray(X * 1e-6, info, verbose="ERROR"), f"sub-{i}_eeg.edf"
        )
        for i, X in enumerate(in_memory(kind))
    ]
    assert len(stats) >= 8
    assert _study.quality.find_faults(stats, info["ch_names"], False).empty


@pytest.mark.parametrize(
    ("name", "referenced"), [("simulated-transfer", False), ("simulated-highdensity", True)]
)
def test_no_simulated_recording_is_refused_or_doubted(name, referenced, cache):
    with environment(cache_dir=cache):
        stats, names = zip(*stats_of(_study.find_study(name).root), strict=True)
    assert _study.quality.find_faults(stats, names[0], referenced).empty


@pytest.mark.skipif(
    not os.environ.get("EEG_TUTORIAL_REAL"), reason="EEG_TUTORIAL_REAL names no real study"
)
def test_no_clean_recording_of_a_real_study_is_refused_or_doubted():
    study = _study.find_study(os.environ["EEG_TUTORIAL_REAL"])
    stats, names = zip(*stats_of(study.root), strict=True)
    assert _study.quality.find_faults(stats, names[0], True).empty
