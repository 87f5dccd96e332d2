"""Mutations of folders: copies, links, names, leftovers, other people's files, and clean trees."""

import copy
import dataclasses
import gzip
import re
import shutil
import unicodedata

from fuzz import bases
from fuzz.bases import SYNTHETIC
from fuzz.oracle import Expectation
from fuzz.tables import (
    ALL,
    DESCRIPTION,
    EVENT,
    GONE,
    asked,
    behind_a_link,
    content,
    deleted,
    either,
    gone,
    person_lost,
    refuse,
    right,
    row,
    rows_until,
)

ONE_TASK = ("edf", "vhdr", "set")


def file(name, held):
    """A way: a file lies in a folder, or in a folder of it; its name has words in braces."""

    def way(spot):
        path = spot.path / spot.fill(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(held)

    return way


def copied(*names):
    """A way: a file is there once more under each name, of its own stem and end."""

    def way(spot):
        for name in names:
            name = name.format(stem=spot.path.stem, end=spot.path.suffix)
            shutil.copy(spot.path, spot.path.with_name(name))

    return way


def every_file(way):
    """A way: the same for every file of a folder."""

    def ways(spot):
        for path in [p for p in spot.path.rglob("*") if p.is_file()]:
            way(dataclasses.replace(spot, path=path))

    return ways


def apple_double(spot):
    spot.path.with_name(f"._{spot.path.name}").write_bytes(b"\0\5\x16\7" + bytes(78))


# ------------------------------------------------------------------------------ clean or harmless

row("clean", "Nothing is changed", "study", (), right(), ALL)
for _name, _where, _file, _held in (
    ("ds_store", "study", ".DS_Store", b"\0\0\0\1Bud1"),
    ("ds_store_deep", "folder", ".DS_Store", b"\0\0\0\1Bud1"),
    ("thumbs", "folder", "Thumbs.db", b"\xd0\xcf"),
    ("git", "study", ".git/HEAD", b"ref: refs/heads/main\n"),
    ("bidsignore", "study", ".bidsignore", b"*\n"),
    ("changes", "study", "CHANGES", b"1.0 \xe4nderung\n"),
    ("phenotype", "study", "phenotype/age.tsv", b"participant_id\tage\nsub-01\t99\n"),
    ("notes", "folder", "notes (1).txt", b"x"),
    ("odd_name", "study", "rm -fr $(x);'\".txt", b"x"),
    ("newline", "folder", "a\nb.txt", b"x"),
    ("stimuli", "study", "stimuli/left.png", b"\x89PNG"),
    ("empty_dataset", "study", "code/run.py", b"raise SystemExit\n"),
):
    _what = f"A file {_file!r} lies in the study"
    row(f"beside_{_name}", _what, _where, file(_file, _held), right(), ALL)
# fmt: off
row("apple_doubles", "Every file has a ._ shadow, as a Mac leaves them on a foreign disk",
    "study", every_file(apple_double), either(r"\._"))
row("backup_of_a_recording", "A copy of a data file under the name that a file manager gives",
    "eeg", copied("{stem} (1){end}"), either("{name}"))
row("backup_with_another_end", "A .bak of a data file", "eeg", copied("{stem}{end}.bak"), either("{name}"))
row("backup_of_events", "An older events.tsv under another name",
    "events.tsv", copied("{stem}{end}~", "{stem}_old{end}"), either("{name}"), SYNTHETIC)
# fmt: on


# ------------------------------------------------------------------------- everything once more


def people_in(folder):
    """A way: a folder of the dataset holds every person once more."""

    def way(spot):
        (spot.path / folder).mkdir(parents=True)
        for path in sorted(spot.path.glob("sub-*")):
            shutil.copytree(path, spot.path / folder / path.name)

    return way


def first_person_in_itself(spot):
    """A way: sourcedata in the folder of a person holds all that lies in it."""
    for path in list(spot.path.glob("sub-01/*")):
        other = path.parent / "sourcedata" / path.name
        if path.is_dir():
            shutil.copytree(path, other)
        else:
            other.parent.mkdir(exist_ok=True)
            shutil.copy(path, other)


def with_other_signals(spot):
    """A way: in sourcedata lies every recording, three times as large."""
    for recording in spot.tree.recordings:
        path = spot.tree.path(recording, "eeg")
        path = spot.path / "sourcedata" / path.relative_to(spot.path)
        bases.write_signal(
            path, spot.tree.base.fmt, recording.data() * 3, bases.NAMES, recording.sfreq,
            recording.events,
        )  # fmt: skip


def person_in_itself(spot):
    """A way: the folder of a person lies in itself."""
    outside = spot.tree.outside("copy")
    shutil.copytree(spot.path, outside)
    outside.rename(spot.path / spot.path.name)


# fmt: off
for _folder in (
    "sourcedata", "code", "rawdata", "derivatives/clean", "derivatives", ".git/annex", "backup of 2020",
    "sourcedata/study",
):
    _name = re.sub(r"\W", "_", _folder)
    row(f"copy_in_{_name}", f"Every person lies in {_folder} once more",
        "study", people_in(_folder), right(), ALL if _folder == "sourcedata" else SYNTHETIC)
row("copy_in_sub_01_sourcedata", "Every person lies in sub-01/sourcedata once more",
    "study", first_person_in_itself, either("sourcedata"))
row("copy_in_sourcedata_with_other_signals", "sourcedata/ holds raw recordings under the same names",
    "study", (people_in("sourcedata"), with_other_signals), right())
row("copy_of_a_person_inside", "The folder of a person holds the whole folder once more",
    "person", person_in_itself, either("sub-{id}"))
# fmt: on


# -------------------------------------------------------------------------------------- links


def link(name, target):
    """A way: a link lies in a folder."""
    return lambda spot: (spot.path / name).symlink_to(target)


def elsewhere(spot):
    """A way: a link to a place outside of the study."""
    target = spot.tree.outside(spot.path.name)
    spot.path.rename(target)
    spot.path.symlink_to(target)


def samples_elsewhere(spot):
    """A way: a link for each file of the signals that is no header of text."""
    for path in sorted(spot.path.parent.glob(f"{spot.path.stem}.*")):
        if path.suffix in (".edf", ".set", ".fdt", ".eeg"):
            behind_a_link(dataclasses.replace(spot, path=path))


def person_of_another(spot):
    """A way: the first person is a link to the second."""
    one, other = sorted(spot.path.glob("sub-*"))[:2]
    shutil.rmtree(one)
    one.symlink_to(other.name)
    spot.about = one.name


def opened_by_a_link(spot):
    """A way: what is opened is a link to the study."""
    spot.tree.root = spot.tree.top / "by_a_link" / spot.path.name
    spot.tree.root.parent.mkdir()
    spot.tree.root.symlink_to(spot.path)


# fmt: off
row("loop_in_a_person", "A link in a person's folder leads back to it",
    "person", link("again", "."), either("sub-{id}"), ALL)
row("loop_to_the_top", "A link in a person's folder leads to the dataset",
    "person", link("all", ".."), either("sub-{id}"))
row("loop_in_eeg", "A link in the folder of the recordings leads to the person",
    "folder", link("up", ".."), either("sub-{id}"))
row("link_to_the_data", "Data files are links to a store outside of the study, as git-annex keeps them",
    "every eeg", samples_elsewhere, right(), ALL)
row("link_to_a_person", "The folder of a person is a link to somewhere else",
    "person", elsewhere, either("sub-{id}"), ALL)
row("link_to_a_session", "A session is a link to a folder outside",
    "session", elsewhere, either("sub-{id}"), ("sessions",))
row("link_to_another_person", "The folder of one person is a link to that of another",
    "study", person_of_another, either("{about}", said="{about}"))
row("link_to_the_study", "The whole study is opened by way of a link", "study", opened_by_a_link, right(), ALL)
row("link_to_all_data_is_dead", "No data file was fetched: all are links to nothing",
    "every eeg", (deleted, lambda spot: spot.path.symlink_to(f"../{GONE}")),
    lambda spot: refuse(rf"\b{len(spot.tree.recordings)}\b|_eeg"))
# fmt: on


# -------------------------------------------------------------------------------------- names


def study_named(new):
    """A way: the folder of the study has another name."""

    def way(spot):
        spot.tree.root = spot.path.rename(spot.path.with_name(new))

    return way


for _name, _new in {
    "with_a_space": "my study", "beyond_ascii": "étude 美", "simulated": "simulated-mine",
    "with_quotes": 'it\'s "mine"', "like_a_command": "$(touch x);&|", "like_an_option": "-rf",
    "like_markup": "<script>1<", "like_a_format": "{0} %s %n", "with_a_newline": "two\nlines",
    "like_a_person": "sub-01", "like_a_pattern": "a[b]*?", "with_dots": "..study..",
    "very_long": "x" * 200, "derivatives": "derivatives", "sourcedata": "sourcedata",
}.items():  # fmt: skip
    _what = f"The folder of the study is named {_new!r}"
    row(f"study_named_{_name}", _what, "study", study_named(_new), right())


def person_named(new):
    """A way: somebody has another label: in names of files, tables, headers, and the truth."""

    def way(spot):
        root, old = spot.tree.root, spot.recording.subject
        for path in sorted(root.rglob(f"*sub-{old}*"), key=lambda p: -len(p.parts)):
            if path.suffix in (".vhdr", ".vmrk", ".tsv"):
                text = path.read_text("utf-8").replace(f"sub-{old}", f"sub-{new}")
                path.write_text(text, "utf-8")
            path.rename(path.with_name(path.name.replace(f"sub-{old}", f"sub-{new}")))
        table = root / "participants.tsv"
        text = table.read_text("utf-8")  # another mutation may have taken sub- away
        text = re.sub(rf"(sub-|^){old}\t", lambda m: f"{m[1]}{new}\t", text, flags=re.M)
        table.write_text(text, "utf-8")
        for window in spot.tree.truth.windows:
            if window.subject == old:
                window.subject = new
                window.stem = window.stem.replace(f"sub-{old}", f"sub-{new}")
        # What an earlier mutation broke has a new name.
        for earlier in spot.tree.expectations:
            for of in ("culprit", "said"):
                patterns = [
                    re.sub(rf"sub\\?-{old}", lambda _: re.escape(f"sub-{new}"), pattern)
                    for pattern in getattr(earlier, of)
                ]
                setattr(earlier, of, tuple(patterns))

    return way


for _name, _new, _verdict in (
    ("beyond_ascii", "Zoë", "either"), ("with_a_hyphen", "0-2", "either"),
    ("with_a_space", "0 2", "either"), ("with_a_dot", "0.2", "either"),
    ("like_a_number", "1e3", "right"), ("like_nothing", "NA", "right"),
    ("long", "x" * 60, "right"), ("with_quotes", "o'2", "either"),
):  # fmt: skip
    row(
        f"person_named_{_name}", f"Somebody is sub-{_new}, everywhere", "eeg",
        person_named(_new), Expectation(_verdict, (re.escape(f"sub-{_new}"),)),
        (*ONE_TASK, "tasks", "sessions"),
    )  # fmt: skip


def composed(spot):
    """A way: letters in the table of people are composed."""
    path = spot.tree.root / "participants.tsv"
    path.write_text(unicodedata.normalize("NFC", path.read_text("utf-8")), "utf-8")


def version(key, folder="."):
    """A way: a recording lies there once more, a little smaller, under the same name with one more entity."""

    def way(spot):
        tree, one = spot.tree, spot.recording
        other = dataclasses.replace(
            one, task=f"{one.task}_{key}-clean", folder=f"{folder}/{one.folder}"
        )
        bases.write_recording(tree.root, other, tree.base.fmt)
        data, notes = one.data() * 0.9, one.events
        bases.write_signal(
            tree.path(other, "eeg"), tree.base.fmt, data, bases.NAMES, one.sfreq, notes
        )

    return way


def renamed_parts(pattern, new):
    """A way: what lies in a folder and fits the pattern has the name ``new(name)``."""

    def way(spot):
        for path in sorted(spot.path.glob(pattern)):
            path.rename(path.with_name(new(path.name)))

    return way


def in_capitals(spot):
    spot.path.rename(spot.path.with_name(spot.path.name.upper()))


def never_fetched(spot):
    shutil.rmtree(spot.path)
    spot.path.mkdir()


def recording_among_others(spot):
    """A way: the first recording lies in the folder of the last."""
    one, other = spot.tree.recordings[0], spot.tree.recordings[-1]
    for path in sorted((spot.path / one.folder).glob(f"{one.stem}*")):
        path.rename(spot.path / other.folder / path.name)
    spot.recording = one


def session_renamed(old, new):
    """A way: names in the first session folder are others; it may be read under either."""

    def way(spot):
        one = spot.recording = spot.tree.recordings[0]
        renamed_parts(f"{one.folder}/*", lambda name: name.replace(old, new))(spot)
        for window in spot.tree.truth.windows:
            if window.subject == one.subject and old in window.stem:
                other = copy.copy(window)
                other.stem = window.stem.replace(old, new)
                spot.tree.truth.optional.append(other)

    return way


def session_gone(spot):
    shutil.rmtree(spot.path)
    stem = f"{spot.path.parent.name}_{spot.path.name}_"
    spot.tree.truth.drop(lambda w: not w.stem.startswith(stem))


OTHER_KINDS = tuple(
    file(f"{folder}/sub-{{id}}_task-oddball_{end}", bytes(100))
    for folder, end in (("meg", "meg.fif"), ("ieeg", "ieeg.edf"), ("nirs", "nirs.snirf"), ("func", "bold.nii"))
)  # fmt: skip


def in_two_runs(spot):
    """A way: the first recording of arithmetic has a second run."""
    one = next(r for r in spot.tree.recordings if r.task == "arithmetic")
    again = dataclasses.replace(one, run="2")
    bases.write_recording(spot.path, again, spot.tree.base.fmt)
    spot.tree.truth.windows += bases.truth_of([again]).windows


def task_in_capitals(spot):
    """A way: the task of a recording is spelt in capitals, in names of files and in the truth."""
    task = spot.recording.task
    parts = f"{spot.recording.stem}_*"
    renamed_parts(parts, lambda name: name.replace(f"task-{task}", f"task-{task.upper()}"))(
        spot
    )
    for window in spot.tree.truth.of(spot.recording.stem):
        window.stem = window.stem.replace(task, task.upper())
    spot.about = task.upper()


def nothing_at_rest(spot):
    if spot.recording.task == "rest":
        rows_until(1)(spot)


def first_task(spot):
    task = spot.tree.recordings[0].task
    asked(task=task)(spot)
    if task == "rest":
        asked(task=task, classes=("rest", "arithmetic"))(spot)


def first_class_twice(spot):
    spot.about = spot.tree.truth.windows[0].label
    asked(classes=(spot.about, spot.about))(spot)


# fmt: off
for _name, _what, _way, _on in (
    ("in_capitals", "A person's folder is SUB-.. in capitals", in_capitals, SYNTHETIC),
    ("eeg_in_capitals", "The folder EEG in capitals", renamed_parts("**/eeg", str.upper), SYNTHETIC),
    ("never_fetched", "A person's folder is empty", never_fetched, SYNTHETIC),
    ("gone", "A person's folder is not there, the row is", lambda spot: shutil.rmtree(spot.path), SYNTHETIC),
    ("only_anatomy", "A person has another kind of data only",
     (never_fetched, file("anat/sub-{id}_T1w.nii.gz", b"\x1f\x8b")), SYNTHETIC),
    ("without_task", "A person's files have no task in their names",
     renamed_parts("**/*_task-*", lambda name: re.sub(r"_task-[a-z]+", "", name)), ONE_TASK),
    ("only_tables", "A person's data files are gone, tables and sidecars are there",
     gone("**/*_eeg.[!j]*"), SYNTHETIC),
):
    row(f"folder_{_name}", _what, "person", _way, either("(?i)sub-{id}"), _on)
row("data_in_capitals", "The end of a data file is in capitals",
    "eeg", lambda spot: spot.path.rename(spot.path.with_suffix(spot.path.suffix.upper())),
    either("{recording}|sub-{id}"), ("edf", "set", "tasks"))
row("data_in_capitals_of_all", "The end of every data file is in capitals", "every eeg",
    lambda spot: spot.path.rename(spot.path.with_suffix(spot.path.suffix.upper())), either(r"\.(EDF|SET)\b"),
    ("edf", "set", "tasks"))
for _end in (".edf.gz", ".gdf", ".cnt", ".xdf"):
    row(f"data_as_{_end[1:].replace('.', '_')}", f"Every data file is a {_end}", "every eeg",
        (content(gzip.compress), lambda spot, end=_end: spot.path.rename(spot.path.with_suffix(end))),
        refuse(re.escape(_end)), ("edf", "tasks"))
for _key in ("desc", "proc", "rec", "acq"):
    row(f"versions_by_{_key}", f"Everybody's recording lies there once more, as {_key}-clean", "every eeg",
        version(_key), refuse(f"_{_key}-clean", f"_task-oddball(?!_{_key})"), ("edf", "vhdr", "set", "fif"))
row("versions_in_derivatives", "Cleaned recordings lie in derivatives, as desc-clean",
    "every eeg", version("desc", "derivatives/clean"), right(), ("edf", "vhdr", "set", "fif"))
row("run_with_a_zero", "The table of events of run-1 is that of run-01",
    EVENT, lambda spot: spot.path.rename(f"{spot.path}".replace("_run-", "_run-0")), either("run-0", "run-[12]"), ("sessions",))
row("study_by_way_of_a_person", "The path of the study ends in ..",
    "study", lambda spot: setattr(spot.tree, "root", spot.path / "sub-01" / ".."), right())
row("person_named_in_decomposed_letters", "Somebody's label is decomposed in names of files, and composed in the table",
    "eeg", (person_named(unicodedata.normalize("NFD", "Zoë")), composed), either("sub-Zo", "(?i)compos|NFC|combining"),
    (*ONE_TASK, "tasks", "sessions"))
row("data_of_another_person_in_the_folder", "A recording of one person lies in the folder of another",
    "study", recording_among_others, either("{stem}|sub-{id}"), ("edf", "set"))
row("session_missing_in_the_names", "Files of a session folder do not name the session",
    "study", session_renamed("_ses-a", ""), either("sub-{id}"), ("sessions",))
row("session_other_in_the_names", "Files of one session folder name another session",
    "study", session_renamed("_ses-a", "_ses-c"), either("sub-{id}"), ("sessions",))
row("session_missing_of_one", "Somebody lacks one of two sessions", "session", session_gone, right(), ("sessions",))
row("data_of_other_kinds", "MEG, iEEG, NIRS and MRI lie beside the EEG",
    "person", OTHER_KINDS, either("sub-{id}"), (*ONE_TASK, "tasks"))
row("data_in_two_formats", "One recording lies there in two formats",
    "eeg", copied("{stem}.bdf"), refuse("{name}"), (*ONE_TASK, "tasks"))
row("data_without_tables", "One recording has no table and no sidecar at all",
    "folder", gone("{stem}_*.tsv", "{stem}_*.json"), refuse("{recording}"))
row("nobody_at_all", "A dataset without a person", "study", gone("sub-*"), refuse("sub-|recording"), ALL)
row("description_gone", "No dataset_description.json", DESCRIPTION, deleted, refuse(DESCRIPTION), ALL)
row("task_missing_of_one", "Somebody lacks one of two tasks",
    "folder", (gone("{stem}_*"), person_lost), either("sub-{id}", said="sub-{id}"), ("tasks",))
row("task_asked_for_that_one_lacks", "Both tasks are asked for, and somebody lacks one", "folder",
    (asked(task=("rest", "arithmetic")), gone("{stem}_*")), refuse("sub-{id}", "{task}"), ("tasks",))
row("task_in_two_runs", "Somebody did a task twice", "study", in_two_runs, right(), ("tasks",))
row("task_with_a_name_in_capitals", "One person's task is spelt in another case",
    "folder", task_in_capitals, either("{about}"), ("tasks",))
row("task_without_events_of_its_own", "A task in which nothing happens, at rest",
    "every events.tsv", nothing_at_rest, refuse("events.tsv|task|event"), ("tasks",))
row("task_asked_for_by_name", "One task is asked for, with its events, and nothing else is read",
    "study", first_task, lambda spot: refuse("arithmetic") if "classes" in spot.tree.how else right(),
    ("tasks", "sessions"))
row("asked_for_two_channels", "Two channels are asked for, in another order; the reference stays that of all", "study",
    (asked(channels=("Oz", "Fz")), lambda spot: setattr(spot.tree.truth, "asked", True)), right("2 channels"))
row("asked_for_a_channel_twice", "One channel is asked for twice",
    "study", asked(channels=("Oz", "Oz", "Fz")), refuse("Oz"))
row("asked_for_a_class_twice", "One class is asked for twice", "study", first_class_twice, refuse("{about}"))
row("asked_for_an_unknown_channel", "A channel is asked for that nobody has",
    "study", asked(channels=("Cz", "T7")), refuse("T7"))
row("asked_for_an_unknown_class", "A class is asked for that nobody has",
    "study", asked(classes=("left", "middle")), refuse("middle"))
row("asked_for_an_unknown_task", "A task is asked for that nobody did", "study", asked(task="sleep"), refuse("sleep"))
row("asked_for_a_task_of_nobody", "Two tasks are asked for, and nobody did one of them",
    "study", asked(task=("oddball", "sleep")), refuse(r"(?s)^(?!.*\bsub-0).*sleep"), ("edf", "vhdr", "set"))
row("asked_for_unknown_people", "People are asked for who are not there",
    "study", asked(subjects=["99", "../01"]), refuse("99"))
# fmt: on


# ---------------------------------------------------------------------------------- leftovers

LOCK = "4242\nanother-container\n"


def locked(held):
    """A way: a lock lies beside a file."""
    return lambda spot: spot.path.with_name(f"{spot.path.name}.lock").write_text(held)


def read_only(spot):
    for path in [*spot.path.rglob("*"), spot.path]:
        path.chmod(0o555 if path.is_dir() else 0o444)


def conflicting_copies(spot):
    """A way: a table of events and one of channels have a copy with other labels."""
    for end in ("events.tsv", "channels.tsv"):
        path = spot.tree.path(spot.tree.recording(), end)
        text = path.read_text("utf-8").replace("left", "wrong")
        path.with_name(f"{path.stem} (conflicted copy).tsv").write_text(text, "utf-8")


def sidecar_at_the_top(spot):
    """A way: a sidecar of the first task lies at the top."""
    path = spot.path / f"task-{spot.tree.recordings[0].task}_eeg.json"
    path.write_text('{"SamplingFrequency": 999, "TaskName": "x"}')
    spot.path = path


# fmt: off
for _name, _end, _held in (
    ("by_another_host", "eeg.json", LOCK), ("empty", "eeg.json", ""), ("at_the_events", "events.tsv", LOCK),
    ("at_the_channels", "channels.tsv", LOCK), ("at_the_data", "eeg", LOCK),
):
    row(f"lock_left_{_name}", f"A stale lock beside {_end}: {_held!r}", _end, locked(_held), right(), ALL)
row("lock_left_everywhere", "A stale lock of another host beside every file",
    "study", every_file(locked(LOCK)), right())
row("lock_is_a_folder", "A folder where a lock would be",
    "eeg.json", lambda spot: spot.path.with_name(f"{spot.path.name}.lock").mkdir(), right())
row("read_only", "Nobody may write anywhere in the study", "study", read_only, right())
row("hidden_files_of_a_synchroniser", "A synchroniser left conflicting copies of tables",
    "study", conflicting_copies, either("conflicted"))
row("inherited_sidecar_contradicts",
    "A sidecar at the top of the dataset says another rate than those of the recordings",
    "study", sidecar_at_the_top, either("{file}"))
# fmt: on
