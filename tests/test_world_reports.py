"""Situations that people reported in public, each small: what opens has its values, the rest a remedy that works."""

import numpy as np
import pytest
import scipy.io

import tidy
from _study import StudyError, find_study, open_study

PEOPLE = tidy.PEOPLE[:4]
HEADER = ("onset", "duration", "trial_type")
TRIALS = tidy.trials()
LSL = [f"eeg_{i}" for i in range(8)]


def each(ending, write, people=PEOPLE):
    """A spoiler: ``write(path, subject)`` on a file of every person."""

    def spoil(root):
        for subject in people:
            write(tidy.beside(tidy.stem(root, subject), ending), subject)

    return spoil


def of_one(ending, write):
    return each(ending, lambda path, _: write(path), ["02"])


def table(rows, header=HEADER):
    return each("events.tsv", lambda path, _: tidy.write_events(path, rows, header))


def text(old, new):
    def write(path, _):
        path.write_text(path.read_text().replace(old, new))

    return each("events.tsv", write)


def people(*more, change=str):
    """A spoiler: rows of participants.tsv, changed, and some more of them."""

    def spoil(root):
        rows = [("participant_id", "age"), *((f"sub-{s}", "20") for s in PEOPLE), *more]
        text = "".join("\t".join(row) + "\n" for row in rows)
        (root / "participants.tsv").write_text(change(text))

    return spoil


def channels(names, in_table=None, more=()):
    """A spoiler: other names of channels in the files, and in their tables."""

    def write(path, subject):
        data = tidy.signal(subject, TRIALS)
        data = np.vstack([data, *(np.zeros_like(data[:1]) for _ in more)])
        tidy.write_edf(path, data, [*names, *more])
        rows, types = [*(in_table or names), *more], dict.fromkeys(more, "TRIG")
        at = tidy.stem(path.parents[2], subject)
        tidy.write_channels(tidy.beside(at, "channels.tsv"), rows, types=types)

    return each("eeg.edf", write)


VHDR = (
    "Brain Vision Data Exchange Header File Version 1.0\n[Common Infos]\nDataFile=FILE.eeg\nMarkerFile=FILE.vmrk\n"
    "DataFormat=BINARY\nDataOrientation=MULTIPLEXED\nNumberOfChannels=8\nSamplingInterval=3906.25\n"
    "[Binary Infos]\nBinaryFormat=IEEE_FLOAT_32\n[Channel Infos]\n"
)


def brainvision(mark=""):
    """A spoiler: BrainVision in place of EDF."""

    def write(path, subject):
        path.unlink(missing_ok=True)
        header = VHDR.replace("FILE", path.stem)
        header += "".join(f"Ch{i}={n},,1,uV\n" for i, n in enumerate(tidy.NAMES, 1))
        path.with_suffix(".vhdr").write_text(header)
        path.with_suffix(".vmrk").write_text(f"[Marker Infos]\n{mark}")
        tidy.signal(subject, TRIALS).T.astype("<f4").tofile(path.with_suffix(".eeg"))

    return each("eeg.edf", write)


def eeglab(key="EEG", **more):
    """A spoiler: ``.set`` in place of EDF."""

    def write(path, subject):
        data = tidy.signal(subject, TRIALS)
        about = dict.fromkeys(("event", "epoch", "urevent"), np.array([]))
        about |= {
            "setname": "x",
            "ref": "common",
            "data": data,
            "xmin": 0.0,
            "xmax": 39.996,
        }
        sizes = {"nbchan": 8.0, "pnts": 10240.0, "trials": 1.0, "srate": 256.0}
        about["chanlocs"] = np.array([(n,) for n in tidy.NAMES], [("labels", object)])
        path.unlink()
        path = path.with_suffix(".set")
        scipy.io.savemat(path, {key: about | sizes | more}, appendmat=False)

    return each("eeg.edf", write)


def notes_of_the_system(root):
    """What a Mac leaves beside files; the events are those of everybody."""
    for path in [*root.rglob("*.tsv"), *root.rglob("*.edf")]:
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7")
    each("events.tsv", lambda path, _: path.unlink())(root)
    tidy.write_events(root / "task-motor_events.tsv", TRIALS)


CODES = [(o, d, "NaN", {"left": 1, "right": 2}[n]) for o, d, n in TRIALS]
PLACES = {"C3": "C3", "C4": "C4", "P3": "T7/T3", "P4": "T4/T8"}
EVENT = np.array(
    [(900.0, -1.0, "x")], [(k, object) for k in ("latency", "duration", "type")]
)
OPENED = {
    "names NaN, codes in value": (table(CODES, (*HEADER, "value")), ("1", "2"), ""),
    "tabs at the ends of rows": (text("\n", "\t\t\n"), ("left", "right"), ""),
    "a tab behind the header": (text("type\n", "type\t\n"), ("left", "right"), ""),
    "tabs behind some rows": (text("left\n", "left\t\n"), ("left", "right"), ""),
    "SUB-": (people(change=lambda t: t.replace("sub-", "SUB-")), ("left", "right"), ""),
    "rows of nobody": (people(("", ""), ("n/a", "n/a"), ("n/a", "5")), ("left", "right"), ""),
    "T7/T3": (channels([PLACES.get(n, n) for n in tidy.NAMES]), ("left", "right"), "T7/T3 is T7, T4/T8 is T8"),
    "eeg_0 and stim": (channels(LSL, tidy.NAMES, ["stim"]), ("left", "right"), "eeg_0 to eeg_7 are named"),
    "files with a dot": (notes_of_the_system, ("left", "right"), ""),
}  # fmt: skip
REFUSED = {
    "onset n/a beside sample": (table([("n/a", *row[1:], 5) for row in TRIALS], (*HEADER, "sample")), "no event has an onset.*column sample, that divided by"),
    "sample for onset": (table(TRIALS, ("sample", *HEADER[1:])), "no column onset, .*Write onset, in seconds: sample divided"),
    "Onset": (text("onset", "Onset"), "Rename 'Onset' to onset"),
    "commas": (people(change=lambda t: t.replace("\t", ",")), "no column participant_id, .*Separate its fields by tabs"),
    "ALLEEG": (eeglab("ALLEEG"), "NotImplementedError.*MNE does not read what was saved like that"),
    "a mark cut short": (brainvision("Mk3=Stimulus,S  1,300\n"), "The events in the file itself are wrong"),
    "a negative duration in .set": (eeglab(event=EVENT), "The events in the file itself are wrong"),
    "all channels bad": (of_one("channels.tsv", lambda p: tidy.write_channels(p, status=dict.fromkeys(tidy.NAMES, "bad"))), "sub-02_.*calls all 8 EEG channels bad"),
    "most are MISC in one person": (of_one("channels.tsv", lambda p: tidy.write_channels(p, types=dict.fromkeys(tidy.NAMES[:5], "MISC"))), "sub-02_.*Fz, Cz, Pz, Oz, C3 are MISC here and EEG in the other"),
    "one person without durations": (of_one("events.tsv", lambda p: tidy.write_events(p, tidy.trials(duration=0))), "sub-02_.*Write how many seconds they last"),
    "one person with other names": (of_one("events.tsv", lambda p: tidy.write_events(p, tidy.trials(labels="ab"))), "sub-02_.*Write the names that the other recordings have"),
}  # fmt: skip


@pytest.mark.parametrize("name", OPENED)
def test_what_was_reported_opens(tmp_path, capsys, name):
    spoil, classes, said = OPENED[name]
    root = tidy.write_study(tmp_path / "small", PEOPLE)
    spoil(root)
    study = open_study(root)
    assert (study.classes, study.windows.shape) == (classes, (56, 8, 256))
    object.__setattr__(study, "classes", ("left", "right"))
    assert tidy.share_on_right_side(study) == 1.0
    assert said in capsys.readouterr().out


@pytest.mark.parametrize("name", REFUSED)
def test_what_was_reported_is_refused_with_a_remedy(tmp_path, name):
    spoil, message = REFUSED[name]
    root = tidy.write_study(tmp_path / "small", PEOPLE)
    spoil(root)
    with pytest.raises(StudyError, match=message):
        open_study(root)


def test_a_limit_of_people_decides_once_for_both_cohorts(tmp_path, monkeypatch):
    root = tidy.write_study(tmp_path / "small")
    tidy.write_recording(root, "03", names=tidy.NAMES[:-1])
    monkeypatch.setenv("EEG_TUTORIAL_MAX_SUBJECTS", "2")
    for cohort in ("source", "target", "all"):
        assert find_study(root, cohort=cohort).recipe.channels == tidy.NAMES[:-1]


def test_what_was_mended_beside_a_header_is_read_again(tmp_path):
    root = tidy.write_study(tmp_path / "small", PEOPLE)
    brainvision()(root)
    samples = tidy.beside(tidy.stem(root, "01"), "eeg.eeg")
    right = samples.read_bytes()
    (1.3 * tidy.signal("04", TRIALS)).T.astype("<f4").tofile(samples)
    index = find_study(root)
    index.open(PEOPLE[:2])
    with pytest.raises(StudyError, match="same signal"):
        index.open(PEOPLE[2:])
    samples.write_bytes(right)
    index.open(PEOPLE[2:])


def test_sizes_from_before_a_mend_judge_nobody(tmp_path, capsys):
    root = tidy.write_study(tmp_path / "small")
    for gain in (8, 1):
        for subject in tidy.PEOPLE:
            path = tidy.beside(tidy.stem(root, subject), "eeg.edf")
            tidy.write_edf(path, gain * tidy.signal(subject, TRIALS))
        find_study(root).open(tidy.PEOPLE[:3])
        find_study(root).open(tidy.PEOPLE[3:])
    assert "doubtful" not in capsys.readouterr().out


def test_people_without_a_value_of_an_event_are_no_study(tmp_path):
    root = tidy.write_study(tmp_path / "small")
    for subject in tidy.PEOPLE:
        rows = [(*row, "n/a" if subject == "04" else 1) for row in TRIALS]
        path = tidy.beside(tidy.stem(root, subject), "events.tsv")
        tidy.write_events(path, rows, (*HEADER, "rt"))
    index = find_study(root, column="rt", on_missing="drop")
    assert len(index.open().windows) == 70
    with pytest.raises(StudyError, match="14 of 14 windows have no rt: choose another"):
        index.open(["04"])
