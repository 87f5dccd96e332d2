"""Time that is not continuous, and headers as devices write them: what opens is right, the rest is named."""

import re

import mne
import numpy as np
import pytest

import _study
import tidy
from _study import StudyError
from _study.edf import read_edf_header

TWO = ("01", "02")
RATE = tidy.SFREQ


@pytest.fixture
def root(tmp_path):
    return tidy.write_study(tmp_path / "small", TWO)


def files(root, ending="eeg.edf"):
    return sorted(root.glob(f"sub-*/eeg/*_{ending}"))


def put(at, value, pick=slice(None)):
    """A spoiler: bytes of the headers of EDF files."""

    def spoil(root):
        for path in files(root)[pick]:
            content = bytearray(path.read_bytes())
            content[at : at + len(value)] = value
            path.write_bytes(content)

    return spoil


def sidecars(pick=slice(None), **more):
    """A spoiler: sidecars say something else."""

    def spoil(root):
        for path in files(root, "eeg.json")[pick]:
            tidy.write_sidecar(path, **more)

    return spoil


def renamed(old, new, before=None):
    """A spoiler: data files have another ending."""

    def spoil(root):
        if before:
            before(root)
        for path in files(root, f"eeg{old}"):
            path.rename(path.with_name(path.name.replace(f"_eeg{old}", f"_eeg{new}")))

    return spoil


def tell_times(path, times):
    """Tell in a file when each of its records was taken."""
    header = read_edf_header(path)
    content = bytearray(path.read_bytes())
    content[192:197] = b"BDF+D" if header.width == 3 else b"EDF+D"
    size = header.width * int(header.n_samples[-1])
    record = header.width * int(header.n_samples.sum())
    for i in range(header.n_present):
        end = header.n_bytes + (i + 1) * record
        _, _, rest = bytes(content[end - size : end]).partition(b"\0")
        notes = f"+{times(i * header.record_s):g}\x14\x14\0".encode() + rest
        content[end - size : end] = notes.rstrip(b"\0").ljust(size, b"\0")
    path.write_bytes(content)


def pauses(*cuts, notes=(), ending=".edf", rows=None, more=()):
    """A spoiler: after so many s of the file a pause of so many s, and tables in real time."""

    def real(second):
        return second + sum(pause for at, pause in cuts if second >= at)

    def spoil(root):
        trials = tidy.trials() if rows is None else rows
        for path, subject in zip(files(root), TWO, strict=True):
            data = tidy.signal(subject, trials)
            moved = [(real(at), real(at + s) - real(at), name) for at, s, name in trials]
            room = [(0.1, 0, "x" * 60), *((real(at), *rest) for at, *rest in notes)]
            tidy.write_edf(path, data, notes=room, record=1.0)
            if ending == ".bdf":
                raw = mne.io.read_raw(path, preload=True, verbose="ERROR")
                path.unlink()
                path = path.with_suffix(".bdf")
                raw.set_annotations(mne.Annotations([0.1], [0], ["x" * 60]))
                raw.export(path, verbose="ERROR")
            tell_times(path, real)
            tidy.write_events(
                path.with_name(path.name.replace("eeg" + ending, "events.tsv")),
                [*moved, *more],
            )

    return spoil


def untimed(root):
    for path in files(root):
        header = read_edf_header(path)
        samples = np.fromfile(path, "<i2", offset=header.n_bytes).reshape(
            header.n_present, -1
        )
        samples[:, -header.n_samples[-1] :] = 0
        path.write_bytes(path.read_bytes()[: header.n_bytes] + samples.tobytes())
    put(192, b"EDF+D")(root)


def written(ending, *notes, rows=None, first=0, date=None, table_cuts=(), **how):
    """A spoiler: another format, with notes (onset, duration, text) of its own."""

    def spoil(root):
        trials = tidy.trials() if rows is None else rows
        for path, subject in zip(files(root), TWO, strict=True):
            path.unlink()
            data = tidy.signal(subject, trials) * 1e-6
            info = mne.create_info(list(tidy.NAMES), RATE, "eeg")
            raw = mne.io.RawArray(data, info, first_samp=first, verbose="ERROR")
            raw.set_meas_date(date)
            if notes:
                raw.set_annotations(mne.Annotations(*zip(*notes, strict=True)))
            new = path.with_suffix(ending)
            if ending == ".fif":
                raw.save(new, verbose="ERROR", **how)
            else:
                raw.export(new, verbose="ERROR")
            if ending == ".vhdr":
                marks = new.with_suffix(".vmrk")
                text = re.sub(
                    "=Comment,New Segment", "=New Segment,", marks.read_text("utf-8")
                )
                marks.write_text(text, "utf-8")
            events = new.with_name(new.name.replace("eeg" + ending, "events.tsv"))
            tidy.write_events(events, sorted([*trials, *table_cuts]))

    return spoil


def several_rates(fast=512.0, names=("ECG",), kind="ECG", table=True):
    """A spoiler: a channel at another rate than the EEG."""

    def spoil(root):
        for path, subject in zip(files(root), TWO, strict=True):
            data = list(tidy.signal(subject, tidy.trials()))
            more = [
                np.random.default_rng(i).normal(0, 8, round(fast * 40))
                for i in range(len(names))
            ]
            all_names = (*tidy.NAMES, *names)
            rates = [RATE] * len(tidy.NAMES) + [fast] * len(names)
            tidy.write_edf(path, [*data, *more], all_names, rates)
            at = path.with_name(path.name.replace("eeg.edf", "channels.tsv"))
            tidy.write_channels(at, all_names, rates, dict.fromkeys(names, kind))
            if not table:
                at.unlink()

    return spoil


def inherited(seconds):
    """A spoiler: one sidecar for everybody, and files of other lengths."""

    def spoil(root):
        for path in files(root, "eeg.json"):
            path.unlink()
        tidy.write_sidecar(root / "task-motor_eeg.json", seconds=seconds)

    return spoil


def split(*parts, gone=None):
    """A spoiler: files in parts as MNE writes them, with a set of tables for each of ``parts``."""

    def spoil(root):
        rows = tidy.trials(46)
        for path, subject in zip(files(root), TWO, strict=True):
            path.unlink()
            data = tidy.signal(subject, rows, sfreq=512.0, seconds=120.0) * 1e-6
            info = mne.create_info(list(tidy.NAMES), 512.0, "eeg")
            raw = mne.io.RawArray(data, info, verbose="ERROR")
            how = {"split_size": "2MB", "buffer_size_sec": 1.0, "split_naming": "bids"}
            raw.save(path.with_suffix(".fif"), verbose="ERROR", **how)
            path.with_name(path.name.replace("eeg.edf", "eeg.json")).unlink()
            for kind, write in {
                "events.tsv": tidy.write_events,
                "channels.tsv": tidy.write_channels,
            }.items():
                whole = path.with_name(path.name.replace("eeg.edf", kind))
                whole.unlink()
                for part in parts:
                    at = whole.with_name(whole.name.replace(kind, part + kind))
                    write(at, rows) if kind == "events.tsv" else write(
                        at, tidy.NAMES, 512.0
                    )
        if gone:
            files(root, f"{gone}_eeg.fif")[0].unlink()

    return spoil


BLOCKS = [(2.0, 16.0, "left"), (20.0, 16.0, "right")]
HERE = "small: 2 people"
MOVED = "and 1 more: has pauses: events are moved to their place"
#: What was done, how many windows are right of 28, and what is said.
READ = {
    "nothing": (lambda root: None, 28, f"^{HERE}"),
    # Pauses: trials begin at 2 s and then each 2.5 s; the one at 12 s begins after the cut.
    "a pause between trials": (pauses((12, 3.7)), 28, MOVED),
    "two pauses": (pauses((12, 3.7), (22, 100.25)), 28, MOVED),
    "a pause, BDF": (pauses((12, 3.7), ending=".bdf"), 28, MOVED),
    "a pause in a trial": (pauses((10, 3.7)), 24, "2 of 28 windows span a cut"),
    "an event in a pause": (pauses((12, 3.7), more=[(12.5, 2, "left")]), 28, "2 events lose windows, inside a pause of the recording: .* row 16"),
    "the rest of a trial in a pause": (pauses((12, 3.7), more=[(11.7, 2, "left")]), 28, "shorter than a window: .* row 16"),
    "a pause in a block": (pauses((11, 20), rows=BLOCKS), 28, "2 of 32 windows span a cut"),
    "a bad segment after a pause": (pauses((12, 30), notes=[(12.2, 0.1, "BAD_x")]), 24, "2 of 28 windows .*marked bad"),
    "EDF+D without a pause": (pauses(), 28, f"^{HERE}"),
    "EDF+D without times": (untimed, 28, r"may have pauses \(EDF\+D\) and does not tell when"),
    # Joints: the trial at 9.5 s spans one, that at 12 s begins at another.
    ".set boundaries": (written(".set", (10.5, 0, "boundary"), (12.0, 0, "boundary")), 24, "2 of 28 windows span a cut"),
    ".set boundaries of some length": (written(".set", (10.5, 4.3, "boundary"), (12.0, 9.0, "boundary")), 24, "2 of 28 windows span a cut"),
    "a new segment": (written(".vhdr", (0, 0, "New Segment"), (10.5, 0, "New Segment"), (12.0, 0, "New Segment")), 24, "2 of 28 windows span a cut"),
    "raws joined by MNE": (written(".fif", (10.5, 0, "EDGE boundary"), (10.5, 0, "BAD boundary"), (12.0, 0, "EDGE boundary"), (12.0, 0, "BAD boundary")), 24, "2 of 28 windows span a cut"),
    "samples skipped": (written(".fif", (10.5, 0.5, "BAD_ACQ_SKIP")), 24, "2 of 28 .*marked bad"),
    "samples skipped, counted from 5 s": (written(".fif", (10.5, 0.5, "BAD_ACQ_SKIP"), first=1280), 24, "2 of 28 .*marked bad"),
    "samples skipped, with a date": (written(".fif", (10.5, 0.5, "BAD_ACQ_SKIP"), first=1280, date=1e9), 24, "2 of 28 .*marked bad"),
    "a boundary in the table": (written(".vhdr", table_cuts=[(10.5, 4.3, "boundary"), (12.0, 2, "New Segment/")]), 24, "2 of 28 windows span a cut"),
    "a joint in a block": (written(".set", (9.0, 0, "boundary"), rows=BLOCKS), 28, "2 of 32 windows span a cut"),
    # Parts.
    "parts, one table": (split(""), 92, f"^{HERE}"),
    "parts, a table each": (split("split-01_", "split-02_"), 92, f"^{HERE}"),
    # Headers.
    "a recorder not stopped": (put(236, b"-1      "), 28, "and 1 more: .*counts fewer records than follow"),
    "too few records counted": (put(236, b"7       ", slice(1)), 28, "^sub-01_task-motor_eeg.edf: the header counts fewer records"),
    "a fast heart": (several_rates(), 28, r"faster than the EEG \(256 Hz\) and not read: ECG"),
    "a fast heart, no table": (several_rates(table=False), 28, "not read: ECG"),
    "a slow heart": (several_rates(64.0), 28, f"^{HERE}"),
    "slow EEG": (several_rates(128.0, ("T7",), "EEG"), 28, "EEG that MNE raises to 256 Hz: T7"),
    "a sidecar for all": (inherited(37.0), 28, "and 1 more: not as long as task-motor_eeg.json says"),
    "a longer sidecar for all": (inherited(3600.0), 28, "and 1 more: not as long as task-motor_eeg.json says"),
    "a sidecar with less": (sidecars(slice(1), seconds=0), 28, "^sub-01_task-motor_eeg.edf: not as long as its own eeg.json"),
    "a sidecar in ms": (sidecars(seconds=40_000), 28, "not as long as its own eeg.json"),
    "a sidecar in samples": (sidecars(seconds=10_240), 28, "not as long as its own eeg.json"),
    "capitals, EDF": (renamed(".edf", ".EDF"), 28, f"^{HERE}"),
    "capitals, FIF": (renamed(".fif", ".FIF", written(".fif")), 28, f"^{HERE}"),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_can_be_read_is_right_and_said(root, capsys, name):
    spoil, n_windows, said = READ[name]
    spoil(root)
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    capsys.readouterr()
    study = _study.open_study(root)
    printed = capsys.readouterr().out
    assert len(study.windows) == n_windows
    assert tidy.share_on_right_side(study) == 1
    assert study.classes == ("left", "right")
    assert re.search(said, printed, re.MULTILINE), printed
    assert before == {path: path.stat().st_mtime_ns for path in root.rglob("*")}


def packed(root):
    for path in files(root):
        path.rename(path.with_name(path.name + ".gz"))


def other_format(ending):
    def spoil(root):
        for path in files(root):
            path.rename(path.with_suffix(ending))

    return spoil


def in_epochs(root):
    written(".set")(root)
    path = files(root, "eeg.set")[1]
    raw = mne.io.read_raw(path, preload=True, verbose="ERROR")
    epochs = mne.make_fixed_length_epochs(raw, 2.0, preload=True, verbose="ERROR")
    epochs.export(path, overwrite=True, verbose="ERROR")


def other_events(root):
    split("split-01_", "split-02_")(root)
    tidy.write_events(files(root, "split-02_events.tsv")[0], tidy.trials(3))


def loose_parts(root):
    written(".fif")(root)
    for path in files(root, "eeg.fif"):
        for part in ("_split-01_", "_split-02_"):
            path.with_name(path.name.replace("_eeg", part + "eeg")).write_bytes(
                path.read_bytes()
            )
        path.unlink()


def bdf_named_edf(root):
    pauses(ending=".bdf")(root)
    renamed(".bdf", ".edf")(root)


REFUSED = {
    "capitals, SET": (renamed(".set", ".SET", written(".set")), "sub-01_task-motor_eeg.SET, sub-02.*in small letters only. Rename it to .set"),
    "capitals, VHDR": (renamed(".vhdr", ".VHDR", written(".vhdr")), "sub-01_task-motor_eeg.VHDR, sub-02.*in small letters only. Rename it to .vhdr"),
    "packed": (packed, r"There is sub-01_task-motor_eeg.edf.gz; sub-02.*: packed. Unpack it .gunzip."),
    "packed under its name": (put(0, b"\x1f\x8b"), "sub-01_task-motor_eeg.edf is packed by gzip: unpack it"),
    **{f"another format, {end}": (other_format(end), f"There is sub-01_task-motor_eeg{end}; sub-02.*another ending than .edf.*write_raw_bids") for end in (".gdf", ".cnt", ".mff", ".xdf")},
    "epochs": (in_epochs, "sub-02_task-motor_eeg.set is cut into epochs, by its own header"),
    "BDF named EDF": (bdf_named_edf, "sub-01_task-motor_eeg.edf holds a .bdf file, by its first bytes: rename it to sub-01_task-motor_eeg.bdf"),
    "the second part gone": (split("", gone="split-02"), "sub-01_task-motor_split-01_eeg.fif goes on in another file.*fetch .*split-02_eeg.fif"),
    "the first part gone": (split("", gone="split-01"), "part 1 of sub-01_task-motor is missing.*Fetch it"),
    "parts that differ": (other_events, "sub-01_task-motor is one recording in 2 parts and has 2 events.tsv that differ"),
    "parts of no whole": (loose_parts, "split-01_eeg.fif does not lead on to sub-01_task-motor_split-02_eeg.fif: .*run-"),
    "records missing": (put(236, b"99      "), "counts 99 records of .* samples, which does not match the file size: 40 are there.*fetch it again"),
    "a longer sidecar of its own": (sidecars(seconds=47.0), "sub-01_task-motor_eeg.edf holds 40.0 s but sub-01_task-motor_eeg.json says 47"),
    "a channel without samples": (put(256 + 216 * 9, b"0       "), "does not match the file size"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_named_with_its_remedy(root, name):
    spoil, words = REFUSED[name]
    spoil(root)
    with pytest.raises(StudyError, match=words) as caught:
        _study.open_study(root)
    assert "delete" not in str(caught.value)
