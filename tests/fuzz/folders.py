"""Mutations of folders: copies, links, names, leftovers, other people's files, and clean trees."""

import copy
import json
import os
import re
import shutil

from fuzz import bases
from fuzz.tables import ALL, deleted, edit_events, mutation, name_of

SIGNALS = bases.SYNTHETIC


def somebody(tree):
    """Folder of one person."""
    return tree.root / f"sub-{tree.recording().subject}"


def copy_people(tree, folder):
    """A folder in the dataset that holds every person once more."""
    (tree.root / folder).mkdir(parents=True)
    for path in sorted(tree.root.glob("sub-*")):
        shutil.copytree(path, tree.root / folder / path.name)


# ------------------------------------------------------------------------------ clean or harmless


@mutation(*ALL)
def clean(tree):
    """Nothing is changed"""
    tree.right()


def beside(name, content, where="."):
    """A mutation: a file that has nothing to do with the study lies in it."""

    def harmless(tree):
        folder = tree.root if where == "." else tree.root / tree.recording().folder
        (folder / content[0]).parent.mkdir(parents=True, exist_ok=True)
        (folder / content[0]).write_bytes(content[1])
        tree.right()

    harmless.__name__ = f"beside_{name}"
    harmless.__doc__ = f"A file {content[0]!r} lies in the study"
    mutation(*ALL)(harmless)


beside("ds_store", (".DS_Store", b"\0\0\0\1Bud1"))
beside("ds_store_deep", (".DS_Store", b"\0\0\0\1Bud1"), "eeg")
beside("thumbs", ("Thumbs.db", b"\xd0\xcf"), "eeg")
beside("git", (".git/HEAD", b"ref: refs/heads/main\n"))
beside("bidsignore", (".bidsignore", b"*\n"))
beside("changes", ("CHANGES", b"1.0 \xe4nderung\n"))
beside("phenotype", ("phenotype/age.tsv", b"participant_id\tage\nsub-01\t99\n"))
beside("notes", ("notes (1).txt", b"x"), "eeg")
beside("odd_name", ("rm -fr $(x);'\".txt", b"x"))
beside("newline", ("a\nb.txt", b"x"), "eeg")
beside("stimuli", ("stimuli/left.png", b"\x89PNG"))
beside("empty_dataset", ("code/run.py", b"raise SystemExit\n"))


@mutation()
def apple_doubles(tree):
    """Every file has a ._ shadow, as a Mac leaves them on a foreign disk"""
    for path in [p for p in tree.root.rglob("*") if p.is_file()]:
        path.with_name(f"._{path.name}").write_bytes(b"\0\5\x16\7" + bytes(78))
    tree.either(r"\._")


@mutation()
def backup_of_a_recording(tree):
    """A copy of a data file under the name that a file manager gives"""
    path = tree.path(tree.recording(), "eeg")
    shutil.copy(path, path.with_name(f"{path.stem} (1){path.suffix}"))
    tree.either(re.escape(path.stem))


@mutation()
def backup_with_another_end(tree):
    """A .bak of a data file"""
    path = tree.path(tree.recording(), "eeg")
    shutil.copy(path, path.with_name(f"{path.name}.bak"))
    tree.either(re.escape(path.stem))


@mutation()
def backup_of_events(tree):
    """An older events.tsv under another name"""
    path = tree.path(tree.recording(), "events.tsv")
    shutil.copy(path, path.with_name(f"{path.name}~"))
    shutil.copy(path, path.with_name(path.name.replace("_events", "_events_old")))
    tree.either(re.escape(path.name.removesuffix(".tsv")))


# ------------------------------------------------------------------------- everything once more


for _folder in (
    "sourcedata", "code", "rawdata", "derivatives/clean", "derivatives", ".git/annex", "backup of 2020",
    "sourcedata/study", "sub-01/sourcedata",
):  # fmt: skip

    def copied_into(tree, folder=_folder):
        if folder.startswith("sub-"):
            (tree.root / folder).mkdir(parents=True)
            for path in [
                p for p in (tree.root / "sub-01").iterdir() if p.name != "sourcedata"
            ]:
                copy = shutil.copytree if path.is_dir() else shutil.copy
                copy(path, tree.root / folder / path.name)
            tree.either("sourcedata")
            return
        copy_people(tree, folder)
        tree.right()

    copied_into.__name__ = "copy_in_" + re.sub(r"\W", "_", _folder)
    copied_into.__doc__ = f"Every person lies in {_folder} once more"
    mutation(*(ALL if _folder == "sourcedata" else SIGNALS))(copied_into)


@mutation()
def copy_in_sourcedata_with_other_signals(tree):
    """sourcedata/ holds raw recordings under the same names"""
    copy_people(tree, "sourcedata")
    for recording in tree.recordings:
        path = tree.root / "sourcedata" / recording.folder
        path /= tree.path(recording, "eeg").name
        names = (*bases.EEG, bases.HEART)
        bases.write_signal(
            path, tree.base.fmt, recording.data() * 3, names, recording.sfreq,
            recording.events,
        )  # fmt: skip
    tree.right()


@mutation()
def copy_of_a_person_inside(tree):
    """The folder of a person holds the whole folder once more"""
    person = somebody(tree)
    copied = tree.outside("copy")
    shutil.copytree(person, copied)
    copied.rename(person / person.name)
    tree.either(person.name)


# -------------------------------------------------------------------------------------- links


@mutation(*ALL)
def loop_in_a_person(tree):
    """A link in a person's folder leads back to it"""
    person = somebody(tree)
    (person / "again").symlink_to(".")
    tree.either(person.name)


@mutation()
def loop_to_the_top(tree):
    """A link in a person's folder leads to the dataset"""
    person = somebody(tree)
    (person / "all").symlink_to("..")
    tree.either(person.name)


@mutation()
def loop_in_eeg(tree):
    """A link in the folder of the recordings leads to the person"""
    recording = tree.recording()
    (tree.root / recording.folder / "up").symlink_to("..")
    tree.either(f"sub-{recording.subject}")


@mutation(*ALL)
def link_to_the_data(tree):
    """Data files are links to a store outside of the study, as git-annex keeps them"""
    for recording in tree.recordings:
        path = tree.path(recording, "eeg")
        for part in sorted(path.parent.glob(f"{path.stem}.*")):
            if part.suffix in (".edf", ".set", ".fdt", ".eeg"):
                part.rename(tree.outside(part.name))
                part.symlink_to(os.path.relpath(tree.outside(part.name), part.parent))
    tree.right()


@mutation(*ALL)
def link_to_a_person(tree):
    """The folder of a person is a link to somewhere else"""
    person = somebody(tree)
    person.rename(tree.outside(person.name))
    person.symlink_to(tree.outside(person.name))
    tree.either(person.name)


@mutation("sessions")
def link_to_a_session(tree):
    """A session is a link to a folder outside"""
    recording = tree.recording()
    session = (tree.root / recording.folder).parent
    session.rename(tree.outside(session.name))
    session.symlink_to(tree.outside(session.name))
    tree.either(f"sub-{recording.subject}")


@mutation()
def link_to_another_person(tree):
    """The folder of one person is a link to that of another"""
    one, other = sorted(tree.root.glob("sub-*"))[:2]
    shutil.rmtree(one)
    one.symlink_to(other.name)
    tree.either(one.name, said=one.name)


@mutation(*ALL)
def link_to_the_study(tree):
    """The whole study is opened by way of a link"""
    real = tree.root
    tree.root = tree.top / "by_a_link" / real.name
    tree.root.parent.mkdir()
    tree.root.symlink_to(real)
    tree.right()


@mutation()
def link_to_all_data_is_dead(tree):
    """No data file was fetched: all are links to nothing"""
    for recording in tree.recordings:
        path = tree.path(recording, "eeg")
        path.unlink()
        path.symlink_to("../../.git/annex/objects/gone")
    tree.refuse(rf"\b{len(tree.recordings)}\b|_eeg")


# -------------------------------------------------------------------------------------- names


def named(name, new):
    """A mutation: the folder of the study has another name."""

    def renamed(tree):
        other = tree.root.with_name(new)
        tree.root.rename(other)
        tree.root = other
        tree.right()

    renamed.__name__ = f"study_named_{name}"
    renamed.__doc__ = f"The folder of the study is named {new!r}"
    mutation()(renamed)


named("with_a_space", "my study")
named("beyond_ascii", "étude 美")
named("simulated", "simulated-mine")
named("with_quotes", 'it\'s "mine"')
named("like_a_command", "$(touch x);&|")
named("like_an_option", "-rf")
named("like_markup", "<script>1<")
named("like_a_format", "{0} %s %n")
named("with_a_newline", "two\nlines")
named("like_a_person", "sub-01")
named("like_a_pattern", "a[b]*?")
named("with_dots", "..study..")
named("very_long", "x" * 200)
named("derivatives", "derivatives")
named("sourcedata", "sourcedata")


def rename_person(tree, old, new):
    """Rename everything of a person, in names of files, tables and headers."""
    for path in sorted(tree.root.rglob(f"*sub-{old}*"), key=lambda p: -len(p.parts)):
        if path.suffix in (".vhdr", ".vmrk", ".tsv"):
            text = path.read_text("utf-8").replace(f"sub-{old}", f"sub-{new}")
            path.write_text(text, "utf-8")
        path.rename(path.with_name(path.name.replace(f"sub-{old}", f"sub-{new}")))
    table = tree.root / "participants.tsv"
    text = table.read_text("utf-8")  # another mutation may have taken sub- away
    text = re.sub(rf"(sub-|^){old}\t", lambda m: f"{m[1]}{new}\t", text, flags=re.M)
    table.write_text(text, "utf-8")


def person_named(name, new, verdict):
    """A mutation: somebody has an odd label, everywhere."""

    def renamed(tree):
        old = tree.recording().subject
        rename_person(tree, old, new)
        for window in tree.truth.windows:
            if window.subject == old:
                window.subject = new
                window.stem = window.stem.replace(f"sub-{old}", f"sub-{new}")
        for earlier in tree.expectations:  # what an earlier mutation broke has a new name
            earlier.culprit, earlier.said = (
                tuple(
                    re.sub(rf"sub\\?-{old}", lambda _: re.escape(f"sub-{new}"), p)
                    for p in own
                )
                for own in (earlier.culprit, earlier.said)
            )
        tree.either(re.escape(f"sub-{new}"))
        tree.expectations[-1].verdict = verdict

    renamed.__name__ = f"person_named_{name}"
    renamed.__doc__ = f"Somebody is sub-{new}, everywhere"
    mutation("edf", "vhdr", "set", "tasks", "sessions")(renamed)


person_named("beyond_ascii", "Zoë", "either")
person_named("with_a_hyphen", "0-2", "either")
person_named("with_a_space", "0 2", "either")
person_named("with_a_dot", "0.2", "either")
person_named("like_a_number", "1e3", "right")
person_named("like_nothing", "NA", "right")
person_named("long", "x" * 60, "right")
person_named("with_quotes", "o'2", "either")


def folder_named(name, change, on=SIGNALS):
    """A mutation: the folder of one person, or of its EEG, has another name."""

    def renamed(tree):
        recording = tree.recording()
        change(tree, recording)
        tree.either(f"(?i)sub-{recording.subject}")

    renamed.__name__ = f"folder_{name}"
    renamed.__doc__ = change.__doc__
    mutation(*on)(renamed)


def _capitals(tree, recording):
    """A person's folder is SUB-.. in capitals"""
    folder = tree.root / f"sub-{recording.subject}"
    folder.rename(folder.with_name(folder.name.upper()))


def _eeg_capitals(tree, recording):
    """The folder EEG in capitals"""
    for folder in sorted(tree.root.glob(f"sub-{recording.subject}/**/eeg")):
        folder.rename(folder.with_name("EEG"))


def _never_fetched(tree, recording):
    """A person's folder is empty"""
    folder = tree.root / f"sub-{recording.subject}"
    shutil.rmtree(folder)
    folder.mkdir()


def _gone(tree, recording):
    """A person's folder is not there, the row is"""
    shutil.rmtree(tree.root / f"sub-{recording.subject}")


def _only_anatomy(tree, recording):
    """A person has another kind of data only"""
    folder = tree.root / f"sub-{recording.subject}"
    shutil.rmtree(folder)
    (folder / "anat").mkdir(parents=True)
    (folder / "anat" / f"{folder.name}_T1w.nii.gz").write_bytes(b"\x1f\x8b")


def _without_task(tree, recording):
    """A person's files have no task in their names"""
    for path in sorted(tree.root.glob(f"sub-{recording.subject}/**/*_task-*")):
        path.rename(path.with_name(re.sub(r"_task-[a-z]+", "", path.name)))


def _only_tables(tree, recording):
    """A person's data files are gone, tables and sidecars are there"""
    for path in list(tree.root.glob(f"sub-{recording.subject}/**/*_eeg.*")):
        if path.suffix != ".json":
            path.unlink()


folder_named("in_capitals", _capitals)
folder_named("eeg_in_capitals", _eeg_capitals)
folder_named("never_fetched", _never_fetched)
folder_named("gone", _gone)
folder_named("only_anatomy", _only_anatomy)
folder_named("without_task", _without_task, ("edf", "vhdr", "set"))
folder_named("only_tables", _only_tables)


@mutation("edf", "set", "tasks")
def data_in_capitals(tree):
    """The end of a data file is in capitals"""
    recording = tree.recording()
    path = tree.path(recording, "eeg")
    path.rename(path.with_suffix(path.suffix.upper()))
    tree.either(f"{re.escape(recording.stem)}|sub-{recording.subject}")


@mutation("edf", "set")
def data_of_another_person_in_the_folder(tree):
    """A recording of one person lies in the folder of another"""
    one, other = tree.recordings[0], tree.recordings[-1]
    for path in sorted((tree.root / one.folder).glob(f"{one.stem}*")):
        path.rename(tree.root / other.folder / path.name)
    tree.either(f"{one.stem}|sub-{one.subject}", said=())


def rename_session(tree, recording, old, new):
    """Rename what lies in one session folder; it may be read under either name."""
    for path in sorted((tree.root / recording.folder).iterdir()):
        path.rename(path.with_name(path.name.replace(old, new)))
    for window in tree.truth.windows:
        if window.subject == recording.subject and old in window.stem:
            other = copy.copy(window)
            other.stem = window.stem.replace(old, new)
            tree.truth.optional.append(other)
    tree.either(f"sub-{recording.subject}")


@mutation("sessions")
def session_missing_in_the_names(tree):
    """Files of a session folder do not name the session"""
    recording = tree.recordings[0]
    rename_session(tree, recording, f"_ses-{recording.session}", "")


@mutation("sessions")
def session_other_in_the_names(tree):
    """Files of one session folder name another session"""
    recording = tree.recordings[0]
    rename_session(tree, recording, "_ses-a", "_ses-c")


@mutation("sessions")
def session_missing_of_one(tree):
    """Somebody lacks one of two sessions"""
    folder = (tree.root / tree.recording().folder).parent
    shutil.rmtree(folder)
    gone = f"{folder.parent.name}_{folder.name}_"
    tree.truth.drop(lambda w: not w.stem.startswith(gone))
    tree.right()


@mutation("edf", "vhdr", "set", "tasks")
def data_of_other_kinds(tree):
    """MEG, iEEG, NIRS and MRI lie beside the EEG"""
    person = somebody(tree)
    for kind, end in (
        ("meg", "meg.fif"), ("ieeg", "ieeg.edf"), ("nirs", "nirs.snirf"), ("func", "bold.nii"),
    ):  # fmt: skip
        (person / kind).mkdir()
        (person / kind / f"{person.name}_task-oddball_{end}").write_bytes(b"\0" * 100)
    tree.either(person.name)


@mutation("edf", "vhdr", "set", "tasks")
def data_in_two_formats(tree):
    """One recording lies there in two formats"""
    path = tree.path(tree.recording(), "eeg")
    other = path.with_suffix(".bdf")
    shutil.copy(path, other)
    tree.refuse(re.escape(path.stem))


@mutation()
def data_without_tables(tree):
    """One recording has no table and no sidecar at all"""
    recording = tree.recording()
    for path in list((tree.root / recording.folder).glob(f"{recording.stem}_*")):
        if path.suffix in (".tsv", ".json"):
            path.unlink()
    tree.refuse(re.escape(recording.stem))


@mutation(*ALL)
def nobody_at_all(tree):
    """A dataset without a person"""
    for path in list(tree.root.glob("sub-*")):
        shutil.rmtree(path)
    tree.refuse("sub-|recording")


@mutation(*ALL)
def description_gone(tree):
    """No dataset_description.json"""
    deleted(tree.root / "dataset_description.json", tree)
    tree.refuse("dataset_description.json")


@mutation("tasks")
def task_missing_of_one(tree):
    """Somebody lacks one of two tasks"""
    recording = tree.recording()
    for path in list((tree.root / recording.folder).glob(f"{recording.stem}_*")):
        path.unlink()
    tree.truth.drop(lambda w: w.subject != recording.subject)
    tree.either(f"sub-{recording.subject}", said=f"sub-{recording.subject}")


@mutation("tasks")
def task_asked_for_that_one_lacks(tree):
    """Both tasks are asked for, and somebody lacks one"""
    tree.how = {"task": ("rest", "arithmetic")}
    recording = tree.recording()
    for path in list((tree.root / recording.folder).glob(f"{recording.stem}_*")):
        path.unlink()
    tree.refuse(f"sub-{recording.subject}", recording.task)


@mutation("tasks")
def task_in_two_runs(tree):
    """Somebody did a task twice"""
    one = next(r for r in tree.recordings if r.task == "arithmetic")
    again = bases.Recording(
        one.subject, one.task, one.sfreq, one.seconds, one.events, "", "2", one.folder
    )
    bases.write_recording(tree.root, again, tree.base.fmt)
    tree.truth.windows += [
        bases.Expected(
            again.subject, again.stem, start, label, bases.referenced(again, start)
        )
        for start, label in bases.pieces(again)
    ]
    tree.right()


@mutation("tasks")
def task_with_a_name_in_capitals(tree):
    """One person's task is spelt in another case"""
    recording = tree.recording()
    for path in sorted((tree.root / recording.folder).glob(f"{recording.stem}_*")):
        name = path.name.replace(f"task-{recording.task}", f"task-{recording.task.upper()}")
        path.rename(path.with_name(name))
    for window in tree.truth.of(recording.stem):
        window.stem = window.stem.replace(recording.task, recording.task.upper())
    tree.either(recording.task.upper())


@mutation("tasks")
def task_without_events_of_its_own(tree):
    """A task in which nothing happens, at rest"""
    for recording in tree.recordings:
        if recording.task == "rest":
            edit_events(tree, lambda rows: rows.__delitem__(slice(1, None)), recording)
    tree.refuse("events.tsv|task|event")


@mutation("tasks", "sessions")
def task_asked_for_by_name(tree):
    """One task is asked for, with its events, and nothing else is read"""
    task = tree.recordings[0].task
    tree.how = {"task": task}
    if task == "rest":
        tree.how["classes"] = ("rest", "arithmetic")
        tree.refuse("arithmetic")
    else:
        tree.right()


@mutation(*SIGNALS)
def asked_for_two_channels(tree):
    """Two channels are asked for, in another order; the reference stays that of all"""
    tree.how = {"channels": ("Oz", "Fz")}
    tree.truth.asked = True
    tree.right("2 channels")


@mutation(*SIGNALS)
def asked_for_a_channel_twice(tree):
    """One channel is asked for twice"""
    tree.how = {"channels": ("Oz", "Oz", "Fz")}
    tree.refuse("Oz")


@mutation(*SIGNALS)
def asked_for_a_class_twice(tree):
    """One class is asked for twice"""
    label = tree.truth.windows[0].label
    tree.how = {"classes": (label, label)}
    tree.refuse(label)


@mutation(*SIGNALS)
def asked_for_an_unknown_channel(tree):
    """A channel is asked for that nobody has"""
    tree.how = {"channels": ("Cz", "T7")}
    tree.refuse("T7")


@mutation(*SIGNALS)
def asked_for_an_unknown_class(tree):
    """A class is asked for that nobody has"""
    tree.how = {"classes": ("left", "middle")}
    tree.refuse("middle")


@mutation(*SIGNALS)
def asked_for_an_unknown_task(tree):
    """A task is asked for that nobody did"""
    tree.how = {"task": "sleep"}
    tree.refuse("sleep")


@mutation(*SIGNALS)
def asked_for_unknown_people(tree):
    """People are asked for who are not there"""
    tree.how = {"subjects": ["99", "../01"]}
    tree.refuse("99")


# ---------------------------------------------------------------------------------- leftovers


def lock_left(name, end, content):
    """A mutation: a lock that a killed run left beside the files."""

    def locked(tree):
        path = tree.path(tree.recording(), end)
        path.with_name(f"{path.name}.lock").write_text(content)
        tree.right()

    locked.__name__ = f"lock_left_{name}"
    locked.__doc__ = f"A stale lock beside {end}: {content!r}"
    mutation(*ALL)(locked)


lock_left("by_another_host", "eeg.json", "4242\nanother-container\n")
lock_left("empty", "eeg.json", "")
lock_left("at_the_events", "events.tsv", "4242\nanother-container\n")
lock_left("at_the_channels", "channels.tsv", "4242\nanother-container\n")
lock_left("at_the_data", "eeg", "4242\nanother-container\n")


@mutation()
def lock_left_everywhere(tree):
    """A stale lock of another host beside every file"""
    for path in [p for p in tree.root.rglob("*") if p.is_file()]:
        path.with_name(f"{path.name}.lock").write_text("4242\nanother-container\n")
    tree.right()


@mutation()
def lock_is_a_folder(tree):
    """A folder where a lock would be"""
    path = tree.path(tree.recording(), "eeg.json")
    path.with_name(f"{path.name}.lock").mkdir()
    tree.right()


@mutation()
def read_only(tree):
    """Nobody may write anywhere in the study"""
    for path in [*tree.root.rglob("*"), tree.root]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    tree.right()


@mutation()
def hidden_files_of_a_synchroniser(tree):
    """A synchroniser left conflicting copies of tables"""
    for end in ("events.tsv", "channels.tsv"):
        path = tree.path(tree.recording(), end)
        copy = path.with_name(path.name.replace(".tsv", " (conflicted copy).tsv"))
        copy.write_text(path.read_text("utf-8").replace("left", "wrong"), "utf-8")
    tree.either(r"conflicted")


@mutation()
def inherited_sidecar_contradicts(tree):
    """A sidecar at the top of the dataset says another rate than those of the recordings"""
    said = {"SamplingFrequency": 999, "TaskName": "x"}
    task = tree.recordings[0].task
    tree.root.joinpath(f"task-{task}_eeg.json").write_text(json.dumps(said))
    tree.either(name_of(tree.root / f"task-{task}_eeg.json"))
