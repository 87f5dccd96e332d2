"""What a study says wrongly about itself is refused by file and row, and no file of it is touched."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import _study
from _study import StudyError
from _study.tables import read_table
from conftest import write_bids

EXAMPLES = Path(_study.__file__).parent


def look_at(folder):
    """Everything below a folder: kinds, sizes, times, links, and bytes of files."""
    seen = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        state = path.lstat()
        what = os.readlink(path) if path.is_symlink() else ""
        if path.is_file() and not path.is_symlink():
            what = hashlib.sha256(path.read_bytes()).hexdigest()
        seen[str(path.relative_to(folder))] = (
            state.st_mode,
            state.st_size,
            state.st_mtime_ns,
            what,
        )
    return seen


def refused(root, match, **how):
    before = look_at(root)
    with pytest.raises(StudyError, match=match):
        _study.open_study(root, **how)
    assert look_at(root) == before


def opened(root, **how):
    before = look_at(root)
    study = _study.open_study(root, **how)
    assert look_at(root) == before
    return study


def of(root, subject, end):
    return root / f"sub-{subject}" / "eeg" / f"sub-{subject}_task-oddball_{end}"


def edit(path, old, new, count=0):
    text = path.read_text("utf-8")
    assert re.search(old, text, re.M)
    path.write_text(re.sub(old, new, text, count=count, flags=re.M), "utf-8")


PEOPLE = {
    "empty": (lambda t: t.write_text(""), "participants.tsv is empty: it has no header"),
    "ragged": (lambda t: edit(t, "^sub-02.*$", "sub-02\t1\t2\t3\t4"), "participants.tsv has 5 fields in row 3 and 3 columns"),
    "short": (lambda t: edit(t, "^sub-02.*$", "sub-02"), "has 1 fields in row 3 and 3 columns"),
    "quote": (lambda t: edit(t, "^sub-02", '"sub-02'), "participants.tsv cannot be read from row 3 on.*quotation mark"),
    "nul": (lambda t: edit(t, "21.5", "21\0.5"), "participants.tsv is no text: it holds NUL bytes"),
    "utf16": (lambda t: t.write_text(t.read_text(), "utf-16"), "participants.tsv is not UTF-8 .*byte 0xff"),
    "person twice": (lambda t: t.write_text(t.read_text() + "sub-01\t99\tn/a\n"), "participants.tsv has sub-01 in rows 2, 5.*a person has one"),
    "column twice": (lambda t: edit(t, "sex", "age"), r"participants.tsv has the column \['age'\] twice"),
}  # fmt: skip


@pytest.mark.parametrize("name", PEOPLE)
def test_participants(bids, name):
    spoil, match = PEOPLE[name]
    spoil(bids / "participants.tsv")
    refused(bids, match, column="age")


TABLES = {
    "no events": (lambda r: of(r, "02", "events.tsv").unlink(), "sub-02_task-oddball_eeg.edf has no events.tsv.*fetch sub-02_task-oddball_events.tsv"),
    "empty events": (lambda r: of(r, "02", "events.tsv").write_text(""), "sub-02_task-oddball_events.tsv is empty"),
    "no duration": (lambda r: edit(of(r, "02", "events.tsv"), "duration", "length"), "sub-02_task-oddball_events.tsv has no column duration, only"),
    "negative": (lambda r: edit(of(r, "02", "events.tsv"), r"^4.0\t2.0", "4.0\t-2.0"), "sub-02_task-oddball_events.tsv: duration is -2.0 in row 4.*or n/a"),
    "comma": (lambda r: edit(of(r, "02", "events.tsv"), r"^4.0\t", "4,0\t"), "sub-02_task-oddball_events.tsv: onset is '4,0' in row 4, not a number: write 4.0"),
    "infinite": (lambda r: edit(of(r, "02", "events.tsv"), r"^4.0\t", "inf\t"), "onset is 'inf' in row 4, not a number"),
    "cut in a row": (lambda r: edit(of(r, "02", "events.tsv"), r"^18.0.*$", "18.0\t"), r"sub-02_task-oddball_events.tsv has 2 fields in row 11 and \d columns"),
    "twice": (lambda r: edit(of(r, "02", "events.tsv"), r"^(4.0\t.*)$", r"\1\n\1"), "sub-02_task-oddball_events.tsv: the events in rows 4 and 5 overlap"),
    "overlap": (lambda r: edit(of(r, "02", "events.tsv"), r"^4.0\t2.0", "4.0\t5.0"), "rows 4 and 5 overlap .*from 4 s on for 5 s and .*from 6 s.*Remove one"),
    "folder": (lambda r: (of(r, "02", "events.tsv").unlink(), of(r, "02", "events.tsv").mkdir()), "sub-02_task-oddball_events.tsv is no file"),
    "link to nothing": (lambda r: (of(r, "02", "events.tsv").unlink(), of(r, "02", "events.tsv").symlink_to("gone.tsv")), "sub-02_task-oddball_events.tsv is a link to nothing: fetch"),
    "channels empty": (lambda r: of(r, "02", "channels.tsv").write_text(""), "sub-02_task-oddball_channels.tsv is empty"),
    "channel twice": (lambda r: edit(of(r, "02", "channels.tsv"), "^Cz", "Fz"), "sub-02_task-oddball_channels.tsv has the channel 'Fz' in rows 2, 3"),
    "channel of another name": (lambda r: edit(of(r, "02", "channels.tsv"), "^Cz", "Xz"), r"channels.tsv and sub-02_task-oddball_eeg.edf name different channels: only the recording has \['Cz'\], only the table has \['Xz'\]"),
    "channel without a row": (lambda r: edit(of(r, "02", "channels.tsv"), "^Cz.*\n", ""), r"only the recording has \['Cz'\]"),
    "type unknown": (lambda r: edit(of(r, "02", "channels.tsv"), "^Cz\tEEG", "Cz\tFOO"), "sub-02_task-oddball_channels.tsv gives 'Cz' the type 'FOO' in row 3"),
    "type of one person": (lambda r: edit(of(r, "02", "channels.tsv"), "^Cz\tEEG", "Cz\tEOG"), "sub-02_task-oddball_eeg.edf has Cz as EOG and sub-01_task-oddball_eeg.edf as EEG"),
    "all of no type": (lambda r: [edit(t, "\tEEG", "\tMISC") for t in r.glob("sub-*/eeg/*_channels.tsv")], "sub-01_task-oddball_eeg.edf has no EEG channel.*channels.tsv"),
    "sidecar empty": (lambda r: of(r, "02", "eeg.json").write_text(""), "sub-02_task-oddball_eeg.json is not JSON .Expecting value"),
    "sidecar a list": (lambda r: of(r, "02", "eeg.json").write_text("[]"), "sub-02_task-oddball_eeg.json holds a list, not an object"),
    "sidecar in latin-1": (lambda r: of(r, "02", "eeg.json").write_text('{"Manufacturer": "Zoë"}', "latin-1"), "sub-02_task-oddball_eeg.json is not UTF-8"),
    "epochs": (lambda r: of(r, "02", "eeg.json").write_text('{"RecordingType": "epoched"}'), "eeg.json says that sub-02_task-oddball_eeg.edf is cut into epochs"),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_tables_and_sidecars(bids, name):
    spoil, match = TABLES[name]
    spoil(bids)
    refused(bids, match)


FILES = {
    "a folder": (lambda p: (p.unlink(), p.mkdir()), "sub-02_task-oddball_eeg.edf is a folder, where the signals"),
    "a pipe": (lambda p: (p.unlink(), os.mkfifo(p)), "sub-02_task-oddball_eeg.edf is no regular file"),
    "a hyphen": (lambda p: rename(p.parents[2], "task-oddball", "task-odd-ball"), "has the task 'odd-ball': BIDS allows letters and digits only"),
    "a wrong folder": (lambda p: rename(p.parent, "sub-02_", "sub-07_"), "lies in 'sub-02' and does not say so"),
}  # fmt: skip


def rename(root, old, new):
    for path in [p for p in root.rglob("*") if old in p.name]:
        path.rename(path.with_name(path.name.replace(old, new)))


@pytest.mark.parametrize("name", FILES)
def test_files_and_their_names(bids, name):
    spoil, match = FILES[name]
    spoil(of(bids, "02", "eeg.edf"))
    refused(bids, match)


def test_recordings_that_were_not_fetched_are_counted_and_the_command_is_there(bids):
    for path in bids.glob("sub-*/eeg/*.edf"):
        path.unlink()
        path.symlink_to("../../.git/annex/objects/gone.edf")
    refused(
        bids,
        "data file of sub-01_task-oddball is missing.*3 of 3 recordings of oddball are links to nothing.*"
        rf"cd {bids} && datalad get sub-01/eeg/sub-01_task-oddball_eeg.edf sub-02",
    )


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("x" * 300, r"x\.\.\. .300 characters.' cannot be a folder .File name too long"),
        ("~nosuchuser/x", "'~nosuchuser/x' cannot be a folder"),
        ("no\0where", "unknown study"),
    ],
)
def test_names_that_no_folder_can_have(name, match):
    with pytest.raises(StudyError, match=match):
        _study.open_study(name)


@pytest.mark.parametrize("value", ["9" * 5000, "²", "3 people"])
def test_a_limit_that_is_no_number(bids, monkeypatch, value):
    monkeypatch.setenv("EEG_TUTORIAL_MAX_SUBJECTS", value)
    with pytest.raises(StudyError, match="EEG_TUTORIAL_MAX_SUBJECTS is .*not a number"):
        _study.find_study(bids)


def test_a_table_of_many_people_costs_nothing(bids):
    table = bids / "participants.tsv"
    many = "".join(f"sub-x{i}\t30\tn/a\n" for i in range(100_000))
    table.write_text(table.read_text() + many)
    assert len(read_table(table)) == 100_003
    assert opened(bids).metadata["subject"].nunique() == 3


def test_a_folder_is_not_simulated_by_its_name(bids, capsys):
    named = shutil.copytree(bids, bids.parent / "simulated-transfer")
    study = opened(named)
    assert (study.data, study.effect, study.ch_names[:2]) == (
        "folder:simulated-transfer",
        None,
        ("Fz", "Cz"),
    )
    assert "no licence needed" not in capsys.readouterr().out


# ---------------------------------------------------------------------------- nothing is written

WATCH = """
import os, sys
root, changed = sys.argv[1], []
WRITES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate",
          "os.chmod", "os.utime", "shutil.rmtree", "shutil.move"}
def watch(event, args):
    if event == "open":
        path, mode, flags = args
        writes = (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
    else:
        path, writes = args[0] if args else "", event in WRITES
    if writes and isinstance(path, (str, os.PathLike)) and str(path).startswith(root):
        changed.append((event, str(path)))
import _study  # before: a hook makes imports slow
sys.addaudithook(watch)
try:
    _study.open_study(root)
except _study.StudyError as err:
    print("refused", err)
print("changed", changed)
"""


@pytest.mark.parametrize("fmt", ["EDF", "BrainVision", "EEGLAB"])
def test_nothing_below_a_study_is_opened_for_writing_even_for_a_moment(fmt, tmp_path):
    root = write_bids(tmp_path / "study", fmt=fmt)
    edit(of(root, "02", "events.tsv"), r"^4.0\t", "n/a\t")  # what EEGDash would repair
    of(root, "01", "eeg.json.lock").write_text("4242\nanother-container\n")  # and wait for
    before = look_at(root)
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(root)],
        cwd=EXAMPLES, capture_output=True, text=True
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "changed []"
    assert "refused" not in done.stdout
    assert "rm -rf" not in done.stdout + done.stderr
    assert look_at(root) == before


def test_a_script_ends_with_the_message(tmp_path):
    script = tmp_path / "page.py"
    script.write_text(
        f"import sys; sys.path.insert(0, {str(EXAMPLES)!r})\n"
        "import _runtime, _study\n_runtime.setup()\n_study.open_study('no/such/folder')\n"
    )
    run = [sys.executable, str(script)]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(
        "StudyError: no folder no/such/folder: pass the"
    )
    assert "Traceback" not in done.stderr
    run.insert(1, "-Xdev")
    assert "Traceback" in subprocess.run(run, capture_output=True, text=True).stderr
