"""A BIDS folder without its signals: people and files, and what is refused before anything slow starts."""

import os
import re
import shlex
from unicodedata import normalize

import pandas as pd

from _study.catalogue import SHOWN, StudyError, shorten, to_write
from _study.formats import (
    DATA_SUFFIXES,
    FORMATS,
    SPLIT,
    data_files,
    is_data,
    parts_of,
    refuse_capitals,
)
from _study.tables import (
    MISSING,
    comparable,
    entities,
    entity,
    find_sidecar,
    read_table,
)
from _study.versions import refuse_copies, refuse_versions

#: Where BIDS keeps EEG; a link to a folder counts, a loop of links is not followed.
EEG_FOLDERS = ("sub-*/eeg", "sub-*/ses-*/eeg")


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
    return read_people(path)


def read_people(path):
    """A table with one row per person.

    Parameters
    ----------
    path : pathlib.Path
        ``participants.tsv``, or another table with the column ``participant_id``.

    Returns
    -------
    pandas.DataFrame
        As text, indexed by subject label without ``sub-``.

    Raises
    ------
    StudyError
        If the table is broken, or a person stands in it twice.
    """
    table = read_table(path, "participant_id")
    table = table[~table["participant_id"].str.lower().isin(MISSING)]  # nobody
    labels = table["participant_id"].str.normalize("NFC")
    labels = labels.str.replace(r"(?i)^sub-", "", regex=True)
    rows = {}
    for label, row in zip(labels, table.index, strict=True):
        rows.setdefault(label, []).append(str(row))
    twice = [
        f"sub-{label} in rows {', '.join(rows[label])}"
        for label in rows
        if len(rows[label]) > 1
    ]
    if twice:
        raise StudyError(
            f"{path} has {shorten(twice, '; ')}. Keep the row that is right: a person has one."
        )
    return table.set_index(pd.Index(labels, name="participant_id"))


def find_recordings(root, recipe, people):
    """Data files of each subject.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    recipe : _study.catalogue.Recipe
        Its ``task`` and ``entities`` name the recordings; None takes all.
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
    chosen = _choose(root, stems, recipe, tasks)
    data = {stem: data_files(stem, paths) for stem, paths in stems.items()}
    shared = _shared(root, stems, data)
    data = {stem: data[stem] for stem in stems if stem in chosen and stem not in shared}
    _refuse_missing(root, data)
    refuse_capitals([path for paths in data.values() for path in paths])
    _refuse_names(root, data)
    several = [
        f"{stem.name} has {len(paths)} data files: {', '.join(sorted(f.name for f in paths))}"
        for stem, paths in data.items()
        if len(paths) > 1
    ]
    if several:
        raise StudyError(f"{shorten(several, '; ')}. Keep one of them.")
    files = {}
    for stem, paths in data.items():
        files.setdefault(entity(stem.name, "sub"), []).append(paths[0])
    _refuse_strangers(root, files, people)
    paths = [path for paths in files.values() for path in paths]
    refuse_copies(paths)
    refuse_versions(root, paths)
    _refuse_incomplete(root, files, recipe, tasks)
    return files


def _list_stems(root):
    """Recordings by what their names begin with, each with all of its files; others are said."""
    stems = {}
    others = []
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
            others.append(path.relative_to(root).as_posix())
    if others:
        what = "its name has" if len(others) == 1 else "their names have"
        print(f"left out {shorten(others)}: {what} no _task-")
    return stems


def _choose(root, stems, recipe, tasks):
    """Recordings of the tasks and entities that a recipe asks for."""
    chosen = {s for s in stems if not recipe.task or entity(s.name, "task") in recipe.task}
    if not chosen:
        instead = "it holds no sub-*/eeg/ recording at all"
        if tasks:
            instead = f"the tasks there are {tasks}. Ask for one of them: {to_write('task', tasks[:1])}"
        raise StudyError(
            f"no recording of task {list(recipe.task or ())} in {root}: {instead}"
        )
    labels = {}
    for text in recipe.entities or ():
        for key, label in comparable(text).items():
            labels.setdefault(key, set()).add(label)
    for key, wanted in labels.items():
        known = sorted({f"{key}-{entity(stem.name, key)}" for stem in chosen})
        chosen = {s for s in chosen if comparable(s.name).get(key, "") in wanted}
        if not chosen:
            raise StudyError(
                f"no recording in {root} has the entities {list(recipe.entities)}: there are {shorten(known)} "
                f'("{key}-" is a name without {key}). Choose among them: {to_write("entities", known[:1])}'
            )
    return chosen


def _shared(root, stems, data):
    """Names of sidecars alone, each of which serves recordings beside it.

    A name without run serves all runs, and run-1 is run-01.
    """
    shared, renumbered = set(), []
    for stem, files in stems.items():
        if data[stem]:
            continue
        beside = [
            path for other in stems if other.parent == stem.parent for path in data[other]
        ]
        served = [_served(root, file, beside) for file in files]
        if all(served):
            shared.add(stem)
            path = served[0][0]
            if entity(stem.name, "run") not in ("", entity(path.name, "run")):
                renumbered.append(f"{stem.name} goes with {path.name}")
    if renumbered:
        print(f"{root.name}: runs are compared by number: {shorten(renumbered, '; ')}")
    return shared


def _served(root, sidecar, recordings):
    """Those recordings that a sidecar describes."""
    if sidecar.suffix not in (".json", ".tsv"):
        return []
    suffix = sidecar.name.rpartition("_")[2]
    return [path for path in recordings if find_sidecar(root, path, suffix) == sidecar]


def _refuse_missing(root, data):
    """Recordings of which only sidecars or links are here: all of them, and what lies there instead."""
    gone = []
    for stem, paths in data.items():
        if not any(path.exists() or path.is_fifo() for path in paths):
            gone.append(stem)
    if gone:
        what = f"the data file of {gone[0].name} is missing"
        links = [f for s in gone for f in data[s] if f.is_symlink()]
        if len(gone) > 1:
            which = sorted({entity(s.name, "task") for s in gone})
            are = "are links to nothing" if len(links) == len(gone) else "have no data file"
            what += (
                f", as are those of {shorten([s.name for s in gone[1:]])}: {len(gone)} of {len(data)} "
                f"recordings of {', '.join(which)} {are}"
            )
        what += f". {_what_lies_there(gone)}"
        if links and "annex" in os.readlink(links[0]):
            where = sorted({f.relative_to(root).as_posix() for f in links})
            some = shlex.join(where[:SHOWN]) if len(where) <= SHOWN else "sub-*"
            what += f" In that folder: cd {shlex.quote(str(root))} && datalad get {some}"
        raise StudyError(what)
    _refuse_no_file([path for paths in data.values() for path in paths])


def _what_lies_there(gone):
    """Files that may be the missing data under another name, and what to do."""
    known = ", ".join(DATA_SUFFIXES)
    no_data = {".json", *(end for form in FORMATS.values() for end in form.parts)}
    near = []
    for stem in gone:
        labels = comparable(stem.name.casefold())
        for path in sorted(stem.parent.glob("*_eeg.*")):
            name, _, ending = path.name.rpartition("_eeg")
            is_near = comparable(name.casefold()) == labels
            if is_near and ending.lower() not in no_data and path.exists():
                near.append((path, f"{stem.name}_eeg{ending}"))
    if not near:
        return (
            f"{gone[0].parent} has its sidecars, and no readable {gone[0].name}_eeg with {known}. "
            "Fetch the file."
        )
    there = f"There is {shorten([path.name for path, _ in near], '; ')}"
    path, name = near[0]
    if path.name == name:
        if name.endswith(".gz"):
            return f"{there}: packed. Unpack it (gunzip)."
        return (
            f"{there}: another ending than {known}. Convert it to one of these formats, for instance with "
            "mne_bids.write_raw_bids(mne.io.read_raw(path, preload=True), bids_path, "
            "format='BrainVision', allow_preload=True)."
        )
    return (
        f"{there}: a recording and its sidecars have to have one name. Rename {path.name} to {name}, or the "
        "sidecars."
    )


def _refuse_no_file(data_files):
    """Recordings, and what their headers name, have to be files."""
    wrong = []
    for data_file in data_files:
        named = [(p, f"{p}, which {data_file.name} names,") for p in parts_of(data_file)]
        for path, words in [(data_file, str(data_file)), *named]:
            if path.exists() and not path.is_file():
                kind = "a folder" if path.is_dir() else "no regular file"
                wrong.append(f"{words} is {kind}")
    if wrong:
        raise StudyError(
            f"{shorten(wrong, '; ')}, where the signals of a recording should be. Fetch the file that "
            "belongs there."
        )


def _refuse_names(root, stems):
    """A name has to say where the file lies, in letters and digits that BIDS allows."""
    strays, signs = [], []
    for stem in stems:
        where = stem.relative_to(root)
        parts = normalize("NFC", stem.name).split("_")
        for folder in where.parts[:-2]:
            if normalize("NFC", folder) not in parts:
                strays.append(f"{str(where)!r} lies in {folder!r} and does not say so")
        for key, label in entities(stem.name).items():
            if not label.isalnum():
                signs.append(f"{stem.name!r} has the {key} {label!r}")
    if strays:
        raise StudyError(
            f"{shorten(strays, '; ')}: rename the recording and its sidecars, so that the folder stands in "
            "their names."
        )
    if signs:
        raise StudyError(
            f"{shorten(signs, '; ')}: BIDS allows letters and digits only. Rename the recording and its "
            "sidecars."
        )


def _refuse_strangers(root, files, people):
    """Everybody with a recording has a row."""
    strangers = [subject for subject in files if subject not in people.index]
    if strangers:
        names = shorten([f"sub-{subject}" for subject in strangers])
        rows = {label.casefold().lstrip("0"): label for label in people.index}
        near = rows.get(strangers[0].casefold().lstrip("0"))
        like = (
            f" There is sub-{near}: write it as in the names of the files." if near else ""
        )
        raise StudyError(
            f"{names} {'has' if len(strangers) == 1 else 'have'} recordings but no row in "
            f"{root / 'participants.tsv'}. Add the row, or move the recordings away.{like}"
        )


def _refuse_incomplete(root, files, recipe, tasks):
    """Everybody has a recording of each task that is asked for."""
    nobody = sorted(set(recipe.task or ()) - set(tasks))
    if nobody:
        raise StudyError(
            f"no recording of task {nobody} in {root}: the tasks there are {tasks}. "
            f"Ask for one of them: {to_write('task', tasks[:1])}"
        )
    lacking, common = [], set(recipe.task or ())
    for subject, paths in files.items():
        present = {entity(path.name, "task") for path in paths}
        absent = sorted(set(recipe.task or ()) - present)
        common &= present
        if absent:
            lacking.append(f"sub-{subject} has no recording of task {absent}")
    if lacking:
        raise StudyError(
            f"{shorten(lacking, '; ')} in {root}: fetch it, or ask for other tasks (there are {tasks}): "
            f"{to_write('task', sorted(common) or tasks[:1])}"
        )


def event_columns(root):
    """Columns of all ``events.tsv`` files of a dataset, sorted."""
    columns = set()
    paths = [path for where in EEG_FOLDERS for path in root.glob(f"{where}/*_events.tsv")]
    for path in (*paths, *root.glob("*events.tsv")):
        if path.is_file() and path.name[0] != ".":
            columns |= set(read_table(path).columns)
    return sorted(columns - {""})
