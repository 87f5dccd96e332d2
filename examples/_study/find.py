"""From a name to a folder and its people: located, written or fetched, chosen. No signal is read."""

import os
from pathlib import Path

import numpy as np
import pandas as pd

from _runtime import quiet_imports
from _study.cache import get_cache_dir
from _study.catalogue import (
    StudyError,
    catalogue,
    download_size,
    is_simulated,
    known_names,
    planted_effect,
    shorten,
)
from _study.folder import event_columns, read_people
from _study.settings import absolute, check_recipe, get_recipe
from _study.simulated.write import MANIFEST, write_simulated
from _study.tables import MISSING, entity, read_table

with quiet_imports():
    from eegdash import EEGDashDataset
    from eegdash.schemas import create_record

#: How a reader of a page chooses what is predicted.
ANOTHER_TARGET = "set EEG_TUTORIAL_TARGET, or write subject_target into the file that EEG_TUTORIAL_RECIPE names"


def record_of(root, path):
    """EEGDash's record of a recording: plain values, from which it can be opened alone.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    path : pathlib.Path
        A data file in it.

    Returns
    -------
    dict
        What :class:`eegdash.EEGDashDataset` takes among its ``records``.
    """
    labels = {key: entity(path.name, key) or None for key in ("sub", "ses", "task", "run")}
    return create_record(
        dataset=root.name,
        storage_base=str(root),
        bids_relpath=path.relative_to(root).as_posix(),
        subject=labels["sub"],
        session=labels["ses"],
        task=labels["task"],
        run=labels["run"],
        storage_backend="local",
    )


def is_written_here(root):
    """Is this folder a simulated study, by its name and by the list of files it was written with?"""
    return root.joinpath(MANIFEST).is_file() and is_simulated(root.name)


def recipe_of(root, recipe=None):
    """The recipe of a folder, and the effect planted in it: a name alone makes nothing simulated.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    recipe : Recipe or None
        Instead of what is known of it.

    Returns
    -------
    recipe : Recipe
        Checked.
    effect : float or None
        None where nobody knows.

    Raises
    ------
    StudyError
        If a setting cannot be used.
    """
    named_so = is_simulated(root.name) and not is_written_here(root)
    if recipe is None:
        recipe = get_recipe("" if named_so else root.name)
    else:
        recipe = check_recipe(recipe)
    return recipe, None if named_so else planted_effect(root.name)


def most_people(name):
    """How many people of a real study the environment asks for; None is everybody."""
    asked_for = os.environ.get("EEG_TUTORIAL_MAX_SUBJECTS", "").strip()
    if not asked_for or is_simulated(name):
        return None
    if not asked_for.isdecimal() or len(asked_for) > 9 or int(asked_for) < 1:
        raise StudyError(
            f"EEG_TUTORIAL_MAX_SUBJECTS is {asked_for[:80]!r}, not a number of people: set it to a "
            "positive whole number, or unset it"
        )
    return int(asked_for)


def locate(name, tasks=None, most=None):
    """Folder of a study; a simulated one is written, a remote one downloaded if allowed.

    Parameters
    ----------
    name : str or path-like
        A study, see :func:`_study.find_study`.
    tasks : str, sequence of str or None
        Tasks to download; None takes those of its recipe.
    most : int or None
        How many people to download; None is everybody.

    Returns
    -------
    pathlib.Path
        An existing folder.

    Raises
    ------
    StudyError
        If nothing has this name, or if it may or can not be fetched.
    """
    text = "" if name is None else os.fspath(name)
    if not text:
        raise StudyError(f"the name of the study is empty. {known_names()}")
    if is_simulated(text):
        return write_simulated(text)
    shown = text if len(text) <= 200 else f"{text[:80]}... ({len(text)} characters)"
    try:
        folder = Path(text).expanduser()
        is_study = folder.is_dir() and (
            os.sep in text or folder.joinpath("dataset_description.json").is_file()
        )
    except (OSError, RuntimeError) as err:  # a name too long, a home of nobody
        why = getattr(err, "strerror", None) or err
        raise StudyError(
            f"{shown!r} cannot be a folder ({why}): pass the path of a BIDS dataset. {known_names()}"
        ) from err
    if is_study:
        return absolute(folder)
    if os.sep in text or text.startswith((".", "~")):
        raise StudyError(
            f"no folder {shown}: pass the path of a BIDS dataset. {known_names()}"
        )
    listed = catalogue()
    if text not in listed.index:
        raise StudyError(
            f"unknown study {shown!r}, and no such folder here. {known_names()}"
        )
    cached = get_cache_dir(writable=False) / text
    if cached.joinpath("dataset_description.json").is_file():
        return cached
    return _download(text, listed.loc[text], tasks, most, cached)


def _download(name, row, tasks, most, cached):
    """Fetch a dataset of the catalogue after saying what it costs, and only with permission."""
    tasks = tasks or get_recipe(name).task
    n_all = int(row["n_subjects"])
    n_subjects, estimate = download_size(name, most)
    print(
        f"{name} is not on this machine: {n_all} people, {int(row['n_records'])} recordings, "
        f"{float(row['size_bytes']) / 1e6:,.1f} MB in all ({row['license']}); {n_subjects} people are about {estimate:,.1f} MB"
    )
    offline = f"or fetch it elsewhere and pass its folder, or use the simulated study: {known_names()}"
    get_cache_dir()
    if os.environ.get("EEG_TUTORIAL_DOWNLOAD") != "1":
        raise StudyError(
            f"{name} would download about {estimate:,.1f} MB and nobody asked for that. Set "
            f"EEG_TUTORIAL_DOWNLOAD=1 and, for fewer people, EEG_TUTORIAL_MAX_SUBJECTS; {offline}"
        )
    import requests
    from eegdash.http_api_client import DEFAULT_API_URL

    try:  # a clear answer in seconds instead of a long wait inside the client
        requests.head(os.environ.get("EEGDASH_API_URL", DEFAULT_API_URL), timeout=5)
    except requests.RequestException as err:
        raise StudyError(
            f"{name} has to be downloaded (about {estimate:,.1f} MB) and the EEGDash server cannot be "
            f"reached ({type(err).__name__}). Connect and run again, {offline}"
        ) from err
    query = {"dataset": name, "cache_dir": cached.parent, "download": True}
    if tasks:
        query["task"] = [tasks] if isinstance(tasks, str) else list(tasks)
    if n_subjects < n_all:
        listed = EEGDashDataset(**query).datasets
        everybody = sorted({str(ds.description["subject"]) for ds in listed})
        query["subject"] = everybody[:n_subjects]
    EEGDashDataset(**query).download_all()
    return cached


def _cohorts(subjects, people, recipe):
    """Subjects of each cohort, by the column of the table or by their number."""
    labels = people["cohort"] if "cohort" in people.columns else pd.Series(dtype=str)
    n_source = recipe.n_source or len(subjects) // 3
    cohorts = {"all": subjects}
    cohorts |= {"source": subjects[:n_source], "target": subjects[n_source:]}
    if set(labels) & {"source", "target"}:
        for cohort in ("source", "target"):
            cohorts[cohort] = [s for s in subjects if labels[s] == cohort]
    return cohorts


def first_people(subjects, people, recipe, most):
    """Whom a limit leaves of all people and of each cohort: together they decide what all share.

    Parameters
    ----------
    subjects, people, recipe
        As :func:`choose_cohort` takes them.
    most : int or None
        The limit.

    Returns
    -------
    list of str
        Sorted; the same whichever cohort is opened.
    """
    cohorts = _cohorts(subjects, people, recipe).values()
    return sorted({subject for cohort in cohorts for subject in cohort[:most]})


def choose_cohort(subjects, people, recipe, cohort, root):
    """Subjects of one cohort.

    Parameters
    ----------
    subjects : list of str
        Everybody with recordings, sorted.
    people : pandas.DataFrame
        ``participants.tsv``, indexed by subject.
    recipe : Recipe
        What the study needs.
    cohort : {"all", "source", "target"}
        Which people.
    root : pathlib.Path
        The study's folder, for messages.

    Returns
    -------
    list of str
        Sorted.

    Raises
    ------
    StudyError
        If there is nobody.
    """
    if cohort == "all":
        return subjects
    cohorts = _cohorts(subjects, people, recipe)
    labels = people["cohort"] if "cohort" in people.columns else pd.Series(dtype=str)
    known = set(labels[~labels.str.lower().isin(MISSING)])
    others = shorten(sorted(known - {"source", "target"}))
    if known & {"source", "target"}:
        if others:
            print(
                f"{root.name}: people of the cohort {others} are neither source nor target"
            )
    elif others:
        print(
            f"{root.name}: the column cohort holds {others}, not source and target: the "
            f"first {len(cohorts['source'])} people are the source cohort"
        )
    chosen = cohorts[cohort]
    if not chosen:
        raise StudyError(
            f"{root} has {len(subjects)} people with the task {list(recipe.task or ['any'])} and "
            f"none of them is in the {cohort} cohort: write source and target into a column cohort of "
            "participants.tsv, or n_source = 1 (how many people are the source cohort) into the file that "
            "EEG_TUTORIAL_RECIPE names, or pass cohort='all'"
        )
    return chosen


def subject_targets(people, subjects, column, on_missing, root):
    """Numeric target per subject (or None) and the subjects that have one.

    Parameters
    ----------
    people : pandas.DataFrame
        ``participants.tsv``, indexed by subject.
    subjects : list of str
        Who is asked for.
    column : str or None
        A column of ``participants.tsv`` or of the ``events.tsv`` files.
    on_missing : {"raise", "drop"}
        What to do with people without a value.
    root : pathlib.Path
        The study's folder.

    Returns
    -------
    targets : dict of str to float or None
        None where the column is not one of people.
    subjects : list of str
        Those that are left.

    Raises
    ------
    StudyError
        If there is no such column, a value is missing or no number, or nobody has one.
    """
    if column is None:
        return None, subjects
    table = root / "participants.tsv"
    if column not in people.columns:
        in_events = event_columns(root)
        if column in in_events:
            return None, subjects
        table, people = _find_phenotype(root, people, column, in_events)
    raw = people[column].reindex(subjects, fill_value="n/a")
    missing = raw.str.strip().str.lower().isin(MISSING)
    number = pd.to_numeric(raw, errors="coerce")
    number = number.where(np.isfinite(number))
    wrong = raw[number.isna() & ~missing]
    if len(wrong):
        values = [f"of sub-{subject} is {value!r}" for subject, value in wrong.items()]
        raise StudyError(
            f"the target {column!r} {shorten(values)} in {table}, not a finite number: correct it, or write "
            f"n/a and pass on_missing='drop'; or choose another target: {ANOTHER_TARGET}"
        )
    if missing.any():
        names = shorten([f"sub-{s}" for s in raw.index[missing]])
        if on_missing == "raise":
            raise StudyError(
                f"the target {column!r} of {names} is {raw[missing].iloc[0]!r} in {table}: "
                f"fill it in, or pass on_missing='drop'; or choose another target: {ANOTHER_TARGET}"
            )
        print(f"dropped {names}: no {column} in {table.name}")
    if missing.all():
        raise StudyError(
            f"nobody in {table} has a value of {column!r}: choose another target: {ANOTHER_TARGET}"
        )
    kept = number[~missing]
    return kept.to_dict(), list(kept.index)


def _find_phenotype(root, people, column, in_events):
    """The table of ``phenotype/`` that has a column, which participants.tsv and the events have not."""
    for path in sorted(root.glob("phenotype/[!.]*.tsv")):
        if column in read_table(path).columns:
            print(f"{root.name}: {column} is read from phenotype/{path.name}")
            return path, read_people(path)
    raise StudyError(
        f"no column {column!r} in {root / 'participants.tsv'}, nor in phenotype/, nor in the events.tsv "
        f"files: the columns of the people are {list(people.columns)}, those of the events {in_events}. "
        f"Choose one of them: {ANOTHER_TARGET}"
    )
