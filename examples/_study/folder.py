"""A BIDS folder without its signals: people and files, and what is refused before anything slow starts."""

import os
import re
import shlex

import pandas as pd

from _study.catalogue import StudyError
from _study.formats import (
    DATA_SUFFIXES,
    FORMATS,
    SPLIT,
    format_of,
    is_data,
    parts_of,
    signal_file,
)
from _study.tables import entities, read_table

#: Where BIDS keeps EEG; a link to a folder counts, a loop of links is not followed.
EEG_FOLDERS = ("sub-*/eeg", "sub-*/ses-*/eeg")
#: How many names a message lists before it only counts.
SHOWN = 8


def read_participants(root):
    """The table of people.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.

    Returns
    -------
    pandas.DataFrame
        ``participants.tsv`` as text, indexed by subject label without ``sub-``.

    Raises
    ------
    StudyError
        If the folder is not BIDS, the table is missing or broken, or a person stands in it twice.
    """
    if not (root / "dataset_description.json").is_file():
        raise StudyError(
            f"{root} is not a BIDS dataset: it has no dataset_description.json. Pass the folder "
            "that holds that file, participants.tsv and the sub-* folders."
        )
    path = root / "participants.tsv"
    if not path.is_file():
        raise StudyError(
            f"{root} has no participants.tsv. Write one, a row per person, with at least the "
            "column participant_id (sub-01, sub-02, ...)."
        )
    table = read_table(path, "participant_id")
    labels = table["participant_id"].str.removeprefix("sub-")
    twice = labels[labels.duplicated(keep=False) & labels.ne("")]
    if len(twice):
        label = twice.iloc[0]
        rows = list(twice.index[twice == label])
        raise StudyError(
            f"{path} has sub-{label} in rows {', '.join(map(str, rows))}. Keep the row that is right: "
            "a person has one."
        )
    return table.set_index(pd.Index(labels, name="participant_id"))


def find_recordings(root, recipe, people):
    """Data files of each subject.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    recipe : _study.catalogue.Recipe
        Its ``task`` names the recordings; None takes all.
    people : pandas.DataFrame
        What :func:`read_participants` returned.

    Returns
    -------
    dict of str to list of pathlib.Path
        In the order of their names.

    Raises
    ------
    StudyError
        If something is missing on disk or in ``participants.tsv``, if a name is not BIDS, or if
        two files are one recording.
    """
    stems = _list_stems(root)
    tasks = sorted({entity(stem.name, "task") for stem in stems})
    stems = {
        stem: sidecars
        for stem, sidecars in stems.items()
        if recipe.task is None or entity(stem.name, "task") in recipe.task
    }
    if not stems:
        instead = "it holds no sub-*/eeg/ recording at all"
        if tasks:
            instead = f"the tasks there are {tasks}"
        raise StudyError(
            f"no recording of task {list(recipe.task or ())} in {root}: {instead}"
        )
    data = {stem: _data_files(stem, sidecars) for stem, sidecars in stems.items()}
    _refuse_endings(stems, data)
    _refuse_missing(root, data)
    files = {}
    for stem, paths in data.items():
        _refuse_names(root, stem)
        if len(paths) > 1:
            raise StudyError(
                f"{stem.name} has {len(paths)} data files: {', '.join(sorted(f.name for f in paths))}. "
                "Keep one of them."
            )
        subject = entity(stem.name, "sub")
        if subject not in people.index:
            raise StudyError(
                f"sub-{subject} has recordings but no row in {root / 'participants.tsv'}. "
                "Add the row, or move the recordings away."
            )
        files.setdefault(subject, []).append(paths[0])
    refuse_copies([path for paths in files.values() for path in paths])
    for subject, paths in files.items():
        absent = set(recipe.task or ()) - {entity(p.name, "task") for p in paths}
        if absent:
            raise StudyError(
                f"sub-{subject} has no recording of task {sorted(absent)} in {root}: fetch it, or pass task= "
                f"without it (the tasks there are {tasks})"
            )
    return files


def _list_stems(root):
    """Recordings by what their names begin with, each with all of its files; others are said."""
    stems = {}
    paths = sorted(f for where in EEG_FOLDERS for f in root.glob(f"{where}/sub-*"))
    in_parts = {re.sub(SPLIT, "_", p.name) for p in paths if p.suffix.lower() == ".fif"}
    for path in paths:
        stem, _, suffix = path.name.rpartition("_")
        whole = re.sub(SPLIT, "_", f"{stem}_").rstrip("_")
        if f"{whole}_eeg.fif" in in_parts:
            stem = whole
        kind = suffix.split(".")[0]
        if kind in ("eeg", "events", "channels") and "_task-" in stem:
            stems.setdefault(path.parent / stem, []).append(path)
        elif kind == "eeg" and is_data(path):
            print(f"left out {path.relative_to(root)!s}: its name has no _task-")
    return stems


def _data_files(stem, paths):
    """Those files of a recording that can hold its signals; of one in parts the first, which leads on."""
    files = [p for p in paths if is_data(p) and "_eeg." in p.name]
    numbers = {p: re.search(SPLIT, p.name) for p in files if p.suffix.lower() == ".fif"}
    parts = {int(number[1]): p for p, number in numbers.items() if number}
    for number in range(1, max(parts, default=0)):
        if number not in parts:
            raise StudyError(
                f"part {number} of {stem.name} is missing: {', '.join(p.name for p in parts.values())} cannot "
                f"be read without {stem.name}_split-{number:02d}_eeg.fif. Fetch it."
            )
    tables = [p for p in paths if p.name.endswith("_events.tsv") and p.is_file()]
    if parts and len({p.read_bytes() for p in tables}) > 1:
        raise StudyError(
            f"{stem.name} is one recording in {len(parts)} parts and has {len(tables)} events.tsv that differ: "
            "write all events, in seconds since the start of the first part, into each of them."
        )
    later = [parts[number] for number in parts if number > 1]
    return [p for p in files if p not in later]


def _refuse_endings(stems, data):
    """Files that are there and not read as they stand, with what makes them readable."""
    other = []
    for stem, paths in stems.items():
        beside = {end for form in FORMATS.values() for end in form.parts} | {
            ".json",
            ".tsv",
        }
        if not data[stem]:
            other += [
                p for p in paths if "_eeg." in p.name and p.suffix.lower() not in beside
            ]
        for path in data[stem]:
            if not path.suffix.islower() and not format_of(path).any_case:
                other.append(path)
    if not other:
        return
    path = other[0]
    ending = path.name.partition("_eeg")[2]
    if ending.endswith(".gz"):
        remedy = "is packed: unpack it (gunzip)"
    elif is_data(path):
        remedy = f"has an ending in capital letters, which MNE does not read: rename it to {ending.lower()}"
    else:
        remedy = (
            f"is in none of the formats of BIDS for EEG ({', '.join(DATA_SUFFIXES)}): convert it, for instance "
            "with mne_bids.write_raw_bids(mne.io.read_raw(path, preload=True), bids_path, "
            "format='BrainVision', allow_preload=True)"
        )
    raise StudyError(
        f"{path} {remedy}. {len(other)} of {len(stems)} recordings end in {ending}."
    )


def shorten(names):
    """Names for a message: the first few, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _refuse_missing(root, data):
    """Recordings of which only sidecars or links are here, counted."""
    gone = []
    for stem, paths in data.items():
        if not any(path.exists() or path.is_fifo() for path in paths):
            gone.append(stem)
    if gone:
        stem = gone[0]
        what = (
            f"the data file of {stem.name} is missing: {stem.parent} has its sidecars but no readable "
            f"{stem.name}_eeg with {', '.join(DATA_SUFFIXES)}. Fetch the file, or move its sidecars out of the study."
        )
        links = [f for s in gone for f in data[s] if f.is_symlink()]
        if len(gone) > 1:
            which = sorted({entity(s.name, "task") for s in gone})
            are = "are links to nothing" if len(links) == len(gone) else "have no data file"
            what += f" So do {len(gone) - 1} more: {len(gone)} of {len(data)} recordings of {', '.join(which)} {are}."
        if links and "annex" in os.readlink(links[0]):
            where = sorted({f.relative_to(root).as_posix() for f in links})
            some = shlex.join(where[:SHOWN]) if len(where) <= SHOWN else "sub-*"
            what += f" In that folder: cd {shlex.quote(str(root))} && datalad get {some}"
        raise StudyError(what)
    for paths in data.values():
        for path in paths:
            _refuse_no_file(path)


def _refuse_no_file(data_file):
    """A recording, and what its header names, has to be a file."""
    named = [
        (part, f"{part}, which {data_file.name} names,") for part in parts_of(data_file)
    ]
    for path, words in [(data_file, data_file), *named]:
        if path.exists() and not path.is_file():
            kind = "a folder" if path.is_dir() else "no regular file"
            raise StudyError(
                f"{words} is {kind}, where the signals of a recording should be. Fetch the file, or "
                "remove it with its sidecars."
            )


def _refuse_names(root, stem):
    """A name has to say where the file lies, in letters and digits that BIDS allows."""
    labels = entities(stem.name)
    folders = stem.relative_to(root).parts[:-2]
    for folder in folders:
        if folder not in stem.name.split("_"):
            raise StudyError(
                f"{str(stem.relative_to(root))!r} lies in {folder!r} and does not say so: rename the "
                f"recording and its sidecars, so that {folder} stands in their names."
            )
    for key, label in labels.items():
        if not label.isalnum():
            raise StudyError(
                f"{stem.name!r} has the {key} {label!r}: BIDS allows letters and digits only. Rename the "
                "recording and its sidecars."
            )


def refuse_copies(paths):
    """Two files with the same samples are one recording: on both sides of a split it is a leak.

    Copies have the same size, so that only those are read, and of them only a piece in the middle
    and the end: a header that somebody renamed does not hide a copy.

    Parameters
    ----------
    paths : list of pathlib.Path
        Data files of a study.

    Raises
    ------
    StudyError
        If two hold the same signal.
    """
    by_size = {}
    for path in paths:
        data = signal_file(path)
        by_size.setdefault(data.stat().st_size, []).append((path, data))
    for size, alike in by_size.items():
        seen = {}
        for path, data in alike if len(alike) > 1 else ():
            with data.open("rb") as stream:
                pieces = []
                for start in (size // 2, max(size - 2**16, 0)):
                    stream.seek(start)
                    pieces.append(stream.read(2**16))
            first = seen.setdefault(tuple(pieces), path)
            # A stretch of one and the same byte is no signal to compare.
            if first is not path and len(set(pieces[0])) > 1:
                raise StudyError(
                    f"{first.name} and {path.name} hold the same signal: one is a copy, and would stand on "
                    "both sides of a split. Find out which is right, and remove the other."
                )


def entity(name, key):
    """Value of a BIDS entity in a file name.

    Parameters
    ----------
    name : str
        A file name.
    key : str
        For instance ``"task"``.

    Returns
    -------
    str
        Empty where the name does not have it.
    """
    return entities(name).get(key, "")


def event_columns(root):
    """Columns of all ``events.tsv`` files of a dataset, sorted."""
    columns = set()
    paths = [path for where in EEG_FOLDERS for path in root.glob(f"{where}/*_events.tsv")]
    for path in (*paths, *root.glob("*events.tsv")):
        if path.is_file():
            columns |= set(read_table(path).columns)
    return sorted(columns - {""})
