"""Studies with one fault each: refused by name, or read rightly and said, and no file of them is touched."""

import os
import re
import shutil
import zlib
from typing import Any, NamedTuple

import mne
import numpy as np
import pandas as pd
import pytest
from mne_bids import BIDSPath, write_raw_bids

import _study
from _study import StudyError
from conftest import write_bids
from tools import look

# --------------------------------------------------------------------------------------- the bases

NAMES = ("Fp1", "Cz", "Pz", "O2")
SECONDS = {"rest": 30, "arithmetic": 12}


def write_recording(
    root, subject, task, seconds, *, ch_names=NAMES, sfreq=160.0, seed=0, **more
):
    """One recording that is one event, named like its task; every channel has a scale of its own."""
    rng = np.random.default_rng([seed, zlib.crc32(f"{subject} {task} {more}".encode())])
    scale = np.array([[1.0 + NAMES.index(name) for name in ch_names]]).T * 1e-5
    data = rng.standard_normal((len(ch_names), int(seconds * sfreq))) * scale
    info = mne.create_info(list(ch_names), sfreq, "eeg")
    raw = mne.io.RawArray(data, info, verbose="ERROR")
    raw.set_annotations(mne.Annotations([0.0], [seconds], [task]))
    raw.info["line_freq"] = 50
    path = BIDSPath(subject=subject, task=task, datatype="eeg", root=root, **more)
    how = {"format": "EDF", "overwrite": True, "allow_preload": True, "verbose": "ERROR"}
    write_raw_bids(raw, path, **how)


def write_participants(root, subjects, encoding="utf-8", **columns):
    ids = [f"sub-{subject}" for subject in subjects]
    ages = range(18, 18 + len(ids))
    table = pd.DataFrame({"participant_id": ids, "age": ages, **columns})
    table.to_csv(root / "participants.tsv", sep="\t", index=False, encoding=encoding)


@pytest.fixture(scope="session")
def tidy(tmp_path_factory):
    """Two recordings per person, laid out like nm000109, whose recipe its name calls for."""
    root = tmp_path_factory.mktemp("mess") / "nm000109"
    for subject in FOUR:
        for task, seconds in SECONDS.items():
            write_recording(root, subject, task, seconds)
    write_participants(root, FOUR)
    return root


@pytest.fixture(scope="session")
def brainvision(tmp_path_factory):
    return write_bids(tmp_path_factory.mktemp("vhdr") / "study", fmt="BrainVision")


FOUR = ("00", "01", "02", "03")
#: Name of a base: the fixture that wrote it, and the name that its copy has.
BASES = {
    "oddball": ("pristine", "mystudy"),
    "tasks": ("tidy", "nm000109"),  # with the recipe that this name calls for
    "unknown": ("tidy", "somebody_elses"),
    "vhdr": ("brainvision", "study"),
}


@pytest.fixture
def copy_of(request, tmp_path):
    def copy(base):
        fixture, name = BASES[base]
        return shutil.copytree(request.getfixturevalue(fixture), tmp_path / name)

    return copy


@pytest.fixture(scope="session")
def clean(request):
    """What a base gives to which nothing happened, read once."""
    known = {}

    def read(base):
        if base not in known:
            known[base] = _study.open_study(request.getfixturevalue(BASES[base][0]))
        return known[base]

    return read


# --------------------------------------------------------------------------------- what is spoiled


def of(root, subject, end, task="oddball"):
    """A file of a recording."""
    return root / f"sub-{subject}" / "eeg" / f"sub-{subject}_task-{task}_{end}"


def edit(path, old, new, count=0):
    text = path.read_text("utf-8")
    assert re.search(old, text, re.M), f"{old} is not in {path.name}"
    path.write_text(re.sub(old, new, text, count=count, flags=re.M), "utf-8")


def in_people(old, new):
    """A spoiler: other text in ``participants.tsv``."""
    return lambda root: edit(root / "participants.tsv", old, new)


def in_table(end, old, new, **more):
    """A spoiler: other text in a table of sub-02."""
    return lambda root: edit(of(root, "02", end), old, new, **more)


def in_all(end, old, new):
    """A spoiler: other text in a table of everybody."""

    def spoil(root):
        for path in root.glob(f"sub-*/eeg/*_{end}"):
            edit(path, old, new)

    return spoil


def instead(end, content, encoding="utf-8"):
    """A spoiler: other content of a file of sub-02."""
    content = content if isinstance(content, bytes) else content.encode(encoding)
    return lambda root: of(root, "02", end).write_bytes(content)


def gone(pattern):
    """A spoiler: files are not there."""

    def spoil(root):
        for path in list(root.glob(pattern)):
            path.unlink()

    return spoil


def put(end, make):
    """A spoiler: something else in the place of a file of sub-02."""

    def spoil(root):
        path = of(root, "02", end)
        path.unlink()
        make(path)

    return spoil


def rename(old, new, under=""):
    """A spoiler: other names of files and folders."""

    def spoil(root):
        for path in sorted(root.joinpath(under).rglob("*"), reverse=True):
            if old in path.name:
                path.rename(path.with_name(path.name.replace(old, new)))

    return spoil


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def both(*spoilers):
    """A spoiler after the other."""

    def spoil(root):
        for one in spoilers:
            one(root)

    return spoil


def recorded(*args, **more):
    """A spoiler: another recording."""
    return lambda root: write_recording(root, *args, **more)


def copied(source, target):
    """A spoiler: one file under another name as well."""
    return lambda root: shutil.copy(root / source, root / target)


def nothing(root):
    pass


def shorter_than_its_sidecar(root):
    other = write_bids(root.parent / "short", seconds=10)
    shutil.copy(of(other, "02", "eeg.edf"), of(root, "02", "eeg.edf"))


def not_fetched(root):
    for path in root.glob("sub-*/eeg/*.edf"):
        path.unlink()
        path.symlink_to("../../.git/annex/objects/gone.edf")


def second_task(root):
    write_bids(root, task="gonogo")
    for path in root.glob("sub-*/eeg/*gonogo_events.tsv"):
        edit(path, "left", "go")
        edit(path, "right", "stop")


def filed_twice(root):
    for path in root.glob("sub-01/eeg/sub-01_task-rest_*"):
        name = path.name.replace("_task-rest_", "_task-rest_run-02_")
        shutil.copy(path, path.with_name(name))


def no_common_event(root):
    for i, path in enumerate(sorted(root.glob("sub-*/eeg/*_events.tsv"))):
        edit(path, "left", f"l{i}")
        edit(path, "right", f"r{i}")


def add_event(table, onset, duration, name):
    """One more row of a table of events."""
    head, first, *_ = table.read_text("utf-8").splitlines()
    row = dict(zip(head.split("\t"), first.split("\t"), strict=True))
    row |= {"onset": onset, "duration": duration, "trial_type": name}
    with table.open("a", encoding="utf-8") as file:
        file.write("\t".join(row.values()) + "\n")


def bad_segments(root):
    for path in root.glob("sub-*/eeg/*_events.tsv"):
        add_event(path, "0.0", "19.5", "BAD_all")


def same_signal_in_another_file(root):
    raw = mne.io.read_raw(of(root, "01", "eeg.edf"), verbose="ERROR").load_data(
        verbose="ERROR"
    )
    raw._data[:, -1] += 1e-5
    raw._data += 1e-9
    raw.export(of(root, "03", "eeg.edf"), overwrite=True, verbose="ERROR")


def table_upside_down(around=""):
    """A spoiler: the rows of ``channels.tsv`` the other way round, with a word before each."""

    def spoil(root):
        table = of(root, "02", "channels.tsv")
        head, *rows = table.read_text("utf-8").splitlines()
        lines = [head, *(around + row for row in rows[::-1]), ""]
        table.write_text("\n".join(lines), "utf-8")

    return spoil


# --------------------------------------------------------------------------------- what is refused


class Fault(NamedTuple):
    """A study that has to be refused."""

    spoil: Any
    #: A pattern that the refusal holds.
    words: str
    base: str = "oddball"
    how: dict = {}  # noqa: RUF012


AGE = {"column": "age"}
FETCH = "sub-02_task-oddball_eeg.edf.*fetch it again"
REFUSED = {
    # What is asked for.
    "channel nobody has": Fault(nothing, r"sub-01_task-oddball_eeg.edf has no channel \['T7'\]: it has \['Fz', 'Cz', 'Pz', 'Oz'\]", how={"channels": ("Cz", "T7")}),
    "event nobody has": Fault(nothing, r"no event \['middle'\] in mystudy: the events there are \['left', 'right'\]", how={"classes": ("left", "middle")}),
    "task nobody has": Fault(nothing, r"no recording of task \['rest'\].*tasks there are \['oddball'\]", how={"task": "rest"}),
    "column that is not there": Fault(nothing, r"no column 'p_factor' in .*the columns of the people are \['participant_id', 'age', 'sex'\]", how={"column": "p_factor"}),
    "cohort that is none": Fault(nothing, "sauce", how={"cohort": "sauce"}),
    "word that means nothing": Fault(nothing, "ignore", how={"on_missing": "ignore"}),
    "nobody in the cohort": Fault(lambda root: [shutil.rmtree(root / f"sub-{s}") for s in ("02", "03")], "has 1 people with the task .'any'. and none of them is in the source cohort", how={"cohort": "source"}),
    # The folder.
    "no description": Fault(gone("dataset_description.json"), "is not a BIDS dataset: it has no dataset_description.json"),
    "no participants": Fault(gone("participants.tsv"), "has no participants.tsv. Write one, a row per person"),
    "a hyphen in a name": Fault(rename("task-oddball", "task-odd-ball"), "has the task 'odd-ball': BIDS allows letters and digits only"),
    "a file in the wrong folder": Fault(rename("sub-02_", "sub-07_", "sub-02"), "lies in 'sub-02' and does not say so"),
    "a task that one person lacks": Fault(gone("sub-01/eeg/*task-arithmetic*"), r"sub-01 has no recording of task \['arithmetic'\].*fetch it", "tasks"),
    "other words for the tasks": Fault(rename("arithmetic", "counting"), r"no recording of task \['arithmetic'\].*\['counting', 'rest'\]", "tasks"),
    # participants.tsv
    "people: empty": Fault(lambda root: (root / "participants.tsv").write_text(""), "participants.tsv is empty: it has no header"),
    "people: ragged": Fault(in_people("^sub-02.*$", "sub-02\t1\t2\t3\t4"), "participants.tsv has 5 fields in row 3 and 3 columns"),
    "people: short": Fault(in_people("^sub-02.*$", "sub-02"), "has 1 fields in row 3 and 3 columns"),
    "people: quote": Fault(in_people("^sub-02", '"sub-02'), "participants.tsv cannot be read from row 3 on.*quotation mark"),
    "people: nul": Fault(in_people("21.5", "21\0.5"), "participants.tsv is no text: it holds NUL bytes"),
    "people: utf-16": Fault(lambda root: (t := root / "participants.tsv").write_text(t.read_text(), "utf-16"), "participants.tsv is not UTF-8 .*byte 0xff"),
    "people: latin-1": Fault(lambda root: write_participants(root, FOUR, "latin-1", name=["Zoë", "José", "Jürgen", "Ann"]), "participants.tsv is not UTF-8 .*byte 0xeb.*Save it as UTF-8", "tasks"),
    "people: somebody twice": Fault(in_people(r"\Z", "sub-01\t99\tn/a\n"), "participants.tsv has sub-01 in rows 2, 5.*a person has one"),
    "people: a column twice": Fault(in_people("sex", "age"), r"participants.tsv has the column \['age'\] twice"),
    "people: no ids": Fault(in_people("participant_id", "who"), r"has no column participant_id, only \['who', 'age', 'sex'\]"),
    "people: somebody absent": Fault(in_people("^sub-02.*\n", ""), "sub-02 has recordings but no row in .*participants.tsv. Add the row"),
    "people: no age": Fault(in_people("21.5", "n/a"), "target 'age' of sub-02 is 'n/a' in .*participants.tsv: fill it in, or pass on_missing", how=AGE),
    "people: age a word": Fault(in_people("21.5", "old"), "target 'age' of sub-02 is 'old' in .*participants.tsv, not a finite number", how=AGE),
    "people: age infinite": Fault(in_people("21.5", "inf"), "target 'age' of sub-02 is 'inf' in .*participants.tsv, not a finite number", how=AGE),
    "people: nobody has an age": Fault(in_people(r"2\d\.5", "n/a"), "nobody in .*participants.tsv has a value of 'age'", how={**AGE, "on_missing": "drop"}),
    # Data files.
    "data: cut": Fault(lambda root: cut(of(root, "02", "eeg.edf")), FETCH),
    "data: cut, nothing to compare": Fault(both(gone("sub-02/eeg/*_eeg.json"), lambda root: cut(of(root, "02", "eeg.edf"))), "sub-02_task-oddball_eeg.edf.*does not match the file size.*fetch it again"),
    "data: shorter than its sidecar": Fault(shorter_than_its_sidecar, "holds 10.0 s but sub-02_task-oddball_eeg.json says 20"),
    "data: empty": Fault(instead("eeg.edf", b""), FETCH),
    "data: no EDF": Fault(instead("eeg.edf", b"not an EDF file at all"), FETCH),
    "data: missing": Fault(gone("sub-02/eeg/*.edf"), "data file of sub-02_task-oddball is missing.*Fetch the file"),
    "data: link to nothing": Fault(put("eeg.edf", lambda path: path.symlink_to("gone.edf")), "data file of sub-02_task-oddball is missing.*Fetch the file"),
    "data: not fetched": Fault(not_fetched, "data file of sub-01_task-oddball is missing.*3 of 3 recordings of oddball are links to nothing.*cd .*/mystudy && datalad get sub-01/eeg/sub-01_task-oddball_eeg.edf sub-02"),
    "data: a folder": Fault(put("eeg.edf", os.mkdir), "sub-02_task-oddball_eeg.edf is a folder, where the signals"),
    "data: a pipe": Fault(put("eeg.edf", os.mkfifo), "sub-02_task-oddball_eeg.edf is no regular file"),
    "data: in two formats": Fault(copied("sub-01/eeg/sub-01_task-rest_eeg.edf", "sub-01/eeg/sub-01_task-rest_eeg.bdf"), "sub-01_task-rest has 2 data files: .*eeg.bdf.*eeg.edf.*Keep one", "tasks"),
    "data: under two people": Fault(copied("sub-00/eeg/sub-00_task-rest_eeg.edf", "sub-02/eeg/sub-02_task-rest_eeg.edf"), "sub-00_task-rest_eeg.edf and sub-02_task-rest_eeg.edf hold the same signal.*both sides", "tasks"),
    "data: twice for one person": Fault(filed_twice, "sub-01_task-rest_eeg.edf and sub-01_task-rest_run-02_eeg.edf hold the same", "tasks"),
    "data: one signal, another end": Fault(same_signal_in_another_file, "windows of two people hold the same signal, sub-01_task-oddball_sample-000.*sub-03"),
    "data: samples of another": Fault(lambda root: edit(of(root, "03", "eeg.vhdr"), "^DataFile=.*$", "DataFile=../../sub-01/eeg/sub-01_task-oddball_eeg.eeg"), "sub-01_task-oddball_eeg.vhdr and sub-03_task-oddball_eeg.vhdr hold the same signal", "vhdr"),
    **{f"data: header {text!r}": Fault(instead("eeg.vhdr", text), "sub-02_task-oddball_eeg.vhdr cannot be read.*fetch it again", "vhdr") for text in ("", "not a header", "<html>log in</html>", "/annex/objects/MD5E")},
    "data: shorter than a window": Fault(recorded("03", "rest", 1), "sub-03_task-rest_eeg.edf has no event rest or arithmetic as long as a window of 2 s.*window_s = 1, or less, into the file", "tasks"),
    # Events.
    "events: none": Fault(gone("sub-02/eeg/*_events.tsv"), "sub-02_task-oddball_eeg.edf has no events.tsv.*fetch sub-02_task-oddball_events.tsv"),
    "events: empty": Fault(instead("events.tsv", ""), "sub-02_task-oddball_events.tsv is empty"),
    "events: no duration": Fault(in_table("events.tsv", "duration", "length"), "sub-02_task-oddball_events.tsv has no column duration, only"),
    "events: negative": Fault(in_table("events.tsv", r"^4.0\t2.0", "4.0\t-2.0"), "sub-02_task-oddball_events.tsv: duration is -2.0 in row 4.*or n/a"),
    "events: comma": Fault(in_table("events.tsv", r"^4.0\t", "4,0\t"), "sub-02_task-oddball_events.tsv: onset is '4,0' in row 4, not a number: write 4.0"),
    "events: infinite": Fault(in_table("events.tsv", r"^4.0\t", "inf\t"), "onset is 'inf' in row 4, not a number"),
    "events: cut in a row": Fault(in_table("events.tsv", r"^18.0.*$", "18.0\t"), r"sub-02_task-oddball_events.tsv has 2 fields in row 11 and \d columns"),
    "events: one twice": Fault(in_table("events.tsv", r"^(4.0\t.*)$", r"\1\n\1"), "sub-02_task-oddball_events.tsv: the events in rows 4 and 5 overlap"),
    "events: overlapping": Fault(in_table("events.tsv", r"^4.0\t2.0", "4.0\t5.0"), "rows 4 and 5 overlap .*from 4 s on for 5 s and .*from 6 s.*write classes = without one"),
    "events: a folder": Fault(put("events.tsv", os.mkdir), "sub-02_task-oddball_events.tsv is no file"),
    "events: link to nothing": Fault(put("events.tsv", lambda path: path.symlink_to("gone.tsv")), "sub-02_task-oddball_events.tsv is a link to nothing: fetch"),
    "events: other words": Fault(lambda root: [edit(p, r"\barithmetic\b", "sums") for p in root.glob("sub-*/eeg/*arithmetic_events.tsv")], r"no event \['arithmetic'\] in nm000109: the events there are", "tasks"),
    "events: none in common": Fault(no_common_event, "share no event, so there is nothing to tell apart: sub-01 has 'l0'; sub-02 has 'l1'.*pass classes="),
    "events: two tasks": Fault(second_task, r"ask different questions: gonogo \['go', 'stop'\], oddball \['left', 'right'\]. Write task ="),
    "events: nobody has both": Fault(both(gone("sub-0[01]/eeg/*arith*"), gone("sub-0[23]/eeg/*rest*")), "nobody in somebody_elses has windows of all classes .*'arithmetic', 'rest'", "unknown"),
    "events: all in bad segments": Fault(bad_segments, "mystudy has no window left of .*: look at the bad segments", how=AGE),
    # Channels.
    "channels: empty": Fault(instead("channels.tsv", ""), "sub-02_task-oddball_channels.tsv is empty"),
    "channels: one twice": Fault(in_table("channels.tsv", "^Cz", "Fz"), "sub-02_task-oddball_channels.tsv has the channel 'Fz' in rows 2, 3"),
    "channels: another name": Fault(in_table("channels.tsv", "^Cz", "Xz"), r"channels.tsv and sub-02_task-oddball_eeg.edf name different channels: only the recording has \['Cz'\], only the table has \['Xz'\]"),
    "channels: a row less": Fault(in_table("channels.tsv", "^Cz.*\n", ""), r"only the recording has \['Cz'\]"),
    "channels: another order, said longer": Fault(table_upside_down("EEG "), "in another order"),
    "channels: type unknown": Fault(in_table("channels.tsv", "^Cz\tEEG", "Cz\tFOO"), "sub-02_task-oddball_channels.tsv gives 'Cz' the type 'FOO' in row 3"),
    "channels: all of no type": Fault(in_all("channels.tsv", "\tEEG", "\tMISC"), "sub-01_task-oddball_eeg.edf has no EEG channel.*channels.tsv"),
    "channels: none to reference to": Fault(in_all("channels.tsv", r"\tEEG\t", "\tEOG\t"), "sub-01.*has no EEG channel that can be used", how={"channels": ("Fz", "Cz", "Pz", "Oz")}),
    "channels: a bad one asked for": Fault(in_table("channels.tsv", r"^(Cz\t.*)good", r"\1bad"), "sub-02_task-oddball_eeg.edf: no channel Cz to use: channels.tsv calls it bad", how={"channels": ("Cz", "Fz")}),
    "channels: rate of another file": Fault(in_table("channels.tsv", r"\t128.0\t", "\t999.0\t"), r"sub-02.*is sampled at .* Hz but .*channels.tsv says 999 Hz in row 2"),
    # Sidecars.
    "sidecar: empty": Fault(instead("eeg.json", ""), "sub-02_task-oddball_eeg.json is not JSON .Expecting value"),
    "sidecar: a list": Fault(instead("eeg.json", "[]"), "sub-02_task-oddball_eeg.json holds a list, not an object"),
    "sidecar: latin-1": Fault(instead("eeg.json", '{"Manufacturer": "Zoë"}', "latin-1"), "sub-02_task-oddball_eeg.json is not UTF-8"),
    "sidecar: epochs": Fault(instead("eeg.json", '{"RecordingType": "epoched"}'), "eeg.json says that sub-02_task-oddball_eeg.edf is cut into epochs"),
    "sidecar: another rate": Fault(in_table("eeg.json", '"SamplingFrequency": 128.0', '"SamplingFrequency": 500'), "sub-02_task-oddball_eeg.edf is sampled at 128 Hz but sub-02_task-oddball_eeg.json says 500 Hz.*Correct"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_fault_is_refused_by_name(copy_of, name):
    fault = REFUSED[name]
    root = copy_of(fault.base)
    fault.spoil(root)
    before = look(root)
    with pytest.raises(StudyError, match=fault.words):
        _study.open_study(root, **fault.how)
    assert look(root) == before


# ------------------------------------------------------------------------------ what is read rightly


def counts(study):
    """Windows of each class, a row per person."""
    return (
        study.metadata.groupby(["subject", "target"]).size().unstack().to_numpy().tolist()
    )


def people_of(study):
    return sorted(set(study.metadata["subject"]))


def same(study, clean):
    np.testing.assert_array_equal(study.windows, clean.windows)
    assert study.ch_names == clean.ch_names
    return study.metadata["sample_id"].tolist() == clean.metadata["sample_id"].tolist()


def has(*subjects):
    """A check: whose windows there are."""
    return lambda study, _: people_of(study) == list(subjects)


def has_counts(*rows):
    """A check: how many windows of each class."""
    return lambda study, _: counts(study) == [list(row) for row in rows]


def n_of(subject, *allowed):
    """A check: how many windows a person has."""
    return lambda study, _: (study.metadata["subject"] == subject).sum() in allowed


def spread_over_the_recording(study, _):
    short = study.metadata.query("subject == '02' and target == 0")["sample_id"]
    starts = short.str.split("-").str[-1].astype(int) / 128
    return counts(study) == [[31, 31]] * 3 and (starts.min(), starts.max()) == (0, 78)


def in_line_by_name(study, clean):
    rest = (study.metadata["subject"] == "01") & (study.metadata["target"] == 0)
    loud = study.windows[rest.to_numpy()].std(axis=(0, 2))
    np.testing.assert_allclose(loud, clean.windows[12:18].std(axis=(0, 2)), rtol=0.2)
    return (
        study.ch_names == NAMES and (np.diff(loud) > 0).all()
    )  # the further down, the larger


def copies_in(folder):
    """A spoiler: everybody once more, somewhere else."""

    def spoil(root):
        for path in list(root.glob("sub-*")):
            shutil.copytree(path, root / folder / path.name)

    return spoil


def without_a_task(root):
    for path in (root / "sub-02" / "eeg").iterdir():
        path.rename(path.with_name(path.name.replace("_task-oddball", "")))


def lost_events(root):
    table = of(root, "02", "events.tsv")
    edit(table, r"^4.0\t", "n/a\t")
    edit(table, r"^0.0\t", "-1.0\t")
    edit(table, r"^16.0\t2.0", "16.0\t1.0")
    edit(table, r"^18.0\t", "60.0\t")


def labels_swapped(root):
    for path in root.glob("sub-*/eeg/*_events.tsv"):
        edit(path, "left", "RIGHT")
        edit(path, "right", "left")
        edit(path, "RIGHT", "right")


def table_above(root):
    of(root, "01", "events.tsv").rename(root / "task-oddball_events.tsv")
    gone("sub-*/eeg/*_events.tsv")(root)


def named_beyond_ascii(root):
    write_participants(root, FOUR, name=["Zoë", "José", "Łukasz", "美咲"])


def person_beyond_ascii(root):
    rename("sub-01", "sub-Zoë")(root)
    write_participants(root, ["00", "Zoë", "02", "03"])


def many_people(root):
    rows = (f"sub-x{i}\t30\tn/a\n" for i in range(30_000))
    with (root / "participants.tsv").open("a") as table:
        table.writelines(rows)


def a_short_event_in_a_long_one(root):
    rows = ("0.0\t8.0\tleft\t1.0", "3.0\t0.5\tleft\t9.0", "10.0\t2.0\tright\t2.0", "")
    text = "onset\tduration\ttrial_type\trt\n" + "\n".join(rows)
    of(root, "02", "events.tsv").write_text(text)


NO_02 = "mystudy: 3 in participants.tsv, 2 with recordings: no sub-02"
THREE = has("01", "02", "03")


class Right(NamedTuple):
    """A study that has to be read."""

    spoil: Any
    #: Whether what was read is right, of it and of the same base without a fault.
    check: Any
    #: What is printed.
    words: str = ""
    base: str = "oddball"
    how: dict = {}  # noqa: RUF012


READ = {
    "nothing happened": Right(nothing, same),
    "nothing happened, two tasks": Right(nothing, lambda s, _: (s.classes, s.windows.shape) == (("rest", "arithmetic"), (48, 4, 256)), base="tasks"),
    # Files and people.
    **{f"copies in {folder}": Right(copies_in(folder), same) for folder in ("sourcedata", "code", "rawdata")},
    "a loop of links": Right(lambda root: (root / "sub-01/eeg/loop").symlink_to(root), same),
    "a person without a folder": Right(lambda root: shutil.rmtree(root / "sub-02"), has("01", "03"), NO_02),
    "a folder in upper case": Right(lambda root: (root / "sub-02").rename(root / "SUB-02"), has("01", "03"), NO_02),
    "names without a task": Right(without_a_task, has("01", "03"), f"left out sub-02/eeg/sub-02_eeg.edf: its name has no _task-\n{NO_02}"),
    "one of two tasks": Right(gone("sub-01/eeg/*task-arithmetic*"), has("00", "02", "03"), "dropped sub-01: no window of 'arithmetic'", "unknown"),
    "two runs": Right(recorded("01", "arithmetic", 12, run="02"), has_counts([6, 6], [12, 12], [6, 6], [6, 6]), base="tasks"),
    "another rate": Right(recorded("01", "rest", 30, sfreq=200.0), lambda s, _: s.sfreq == 128.0 and counts(s) == [[6, 6]] * 4, base="tasks"),
    "other lengths": Right(both(recorded("01", "rest", 14), recorded("02", "arithmetic", 20)), has_counts([6, 6], [6, 6], [10, 10], [6, 6]), base="tasks"),
    "80 s among 180 s": Right(both(*(recorded(s, "rest", n) for s, n in (("00", 180), ("01", 180), ("02", 80))), *(recorded(s, "arithmetic", 62) for s in FOUR[:3])), spread_over_the_recording, base="tasks", how={"subjects": FOUR[:3]}),
    # participants.tsv
    "words beyond ASCII": Right(named_beyond_ascii, has(*FOUR), base="tasks"),
    "the mark of spreadsheets": Right(lambda root: write_participants(root, FOUR, "utf-8-sig"), has(*FOUR), base="tasks", how=AGE),
    "a label beyond ASCII": Right(person_beyond_ascii, has("00", "02", "03", "Zoë"), base="tasks"),
    "thirty thousand people without recordings": Right(many_people, THREE),
    "a missing value, dropped": Right(in_people("21.5", "n/a"), has("01", "03"), "dropped sub-02: no age", how={**AGE, "on_missing": "drop"}),
    # Events.
    "a class less": Right(in_table("events.tsv", "^.*right.*\n", ""), has("01", "03"), "dropped sub-02: no window of 'right'"),
    "events that give no window": Right(lost_events, n_of("02", 4, 6), r"1 event loses windows, no onset: sub-02_task-oddball_events.tsv row 4\n.*before the recording: .* row 2\n.*after its end: .* row 11\n.*shorter than a window: .* row 10", how={"classes": ("left", "right")}),
    "an event beyond the end": Right(in_table("events.tsv", r"^18.0\t2.0", "18.0\t8.0"), THREE, r"reaching beyond its end: sub-02_task-oddball_events.tsv row 11"),
    "labels exchanged in the table": Right(labels_swapped, lambda s, clean: (s.targets == 1 - clean.targets).all()),
    "a bad segment": Right(lambda root: add_event(of(root, "02", "events.tsv"), "4.5", "2.0", "BAD_jump"), n_of("02", 8), "sub-02_task-oddball: 2 of 10 windows lie in segments marked bad, dropped", how=AGE),
    "an event that one person has": Right(in_table("events.tsv", "right", "artifact", count=1), lambda s, _: s.classes == ("left", "right") and len(people_of(s)) == 3, "not everybody has these events, left out: sub-02 has 'artifact'"),
    "one of two questions": Right(second_task, lambda s, _: s.classes == ("go", "stop"), how={"task": "gonogo"}),
    "a short event inside a long one": Right(a_short_event_in_a_long_one, lambda s, _: s.targets.tolist() == [1.0, 1.0, 1.0, 1.0, 2.0], how={"subjects": ["02"], "column": "rt"}),
    "a table above the recordings": Right(table_above, same),
    # Channels.
    "channels in another order": Right(recorded("01", "rest", 30, ch_names=("O2", "Fp1", "Pz", "Cz"), seed=5), in_line_by_name, base="tasks"),
    "one name, said longer": Right(in_table("channels.tsv", r"^(\w+\tEEG)", r"EEG \1"), same),
    "a bad channel": Right(in_table("channels.tsv", r"^(Cz\t.*)good", r"\1bad"), lambda s, _: s.ch_names == ("Fz", "Pz", "Oz"), "mystudy: Cz left out for everybody: bad in sub-02_task-oddball_eeg.edf", how={"subjects": ["02"], "recipe": _study.Recipe(reference=None)}),
    "a channel less": Right(recorded("02", "rest", 30, ch_names=("Fp1", "Cz", "O2")), lambda s, _: s.ch_names == ("Fp1", "Cz", "O2"), "Pz left out for everybody: absent in sub-02_task-rest_eeg.edf", base="tasks", how={"recipe": _study.Recipe(reference=None)}),
    "a channel of another type": Right(in_table("channels.tsv", "^Cz\tEEG", "Cz\tEOG"), lambda s, _: s.ch_names == ("Fz", "Pz", "Oz"), "Cz left out for everybody: EOG in sub-02_task-oddball_eeg.edf", how={"recipe": _study.Recipe(reference=None)}),
}  # fmt: skip


@pytest.mark.parametrize("name", READ)
def test_what_is_right_is_read_rightly_and_what_is_left_out_is_said(
    copy_of, clean, capsys, name
):
    right = READ[name]
    root, untouched = copy_of(right.base), clean(right.base)
    right.spoil(root)
    before = look(root)
    capsys.readouterr()
    study = _study.open_study(root, **right.how)
    assert re.search(right.words, capsys.readouterr().out)
    assert look(root) == before
    assert right.check(study, untouched)
