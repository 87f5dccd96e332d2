"""From a name to a folder and its people: located, written or fetched, chosen. The disk is asked once."""

import os
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

import _study.cache
import _study.catalogue
import _study.folder
import _study.simulated.write
from _runtime import quiet_imports
from _study.catalogue import StudyError, known_names
from _study.folder import entity

with quiet_imports():
    from eegdash import EEGDashDataset
    from eegdash.schemas import create_record


@dataclass(frozen=True)
class People:
    """What is known of a study without reading a signal.

    Attributes
    ----------
    root : pathlib.Path
        Its folder.
    recipe : _study.catalogue.Recipe
        What it needs.
    table : pandas.DataFrame
        ``participants.tsv`` as text, indexed by subject.
    files : dict of str to list of pathlib.Path
        Recordings of each chosen subject, in the order of their names.
    values : dict of str to float or None
        Value of ``column`` of each chosen subject; None where it is a column of the events.
    column, cohort, on_missing : str or None
        As asked.
    effect : float or None
        Size of the planted effect; 0 where nothing can be learned, None where nobody knows.
    without : list of str
        People of the table who have no recording.
    """

    root: Path
    recipe: _study.catalogue.Recipe
    table: pd.DataFrame
    files: dict
    values: dict | None
    column: str | None
    cohort: str
    on_missing: str
    effect: float | None
    without: list


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
    said = {key: entity(path.name, key) or None for key in ("sub", "ses", "task", "run")}
    return create_record(
        dataset=root.name,
        storage_base=str(root),
        bids_relpath=path.relative_to(root).as_posix(),
        subject=said["sub"],
        session=said["ses"],
        task=said["task"],
        run=said["run"],
        storage_backend="local",
    )


def is_written_here(root):
    """Is this folder a simulated study, by its name and by the list of files it was written with?"""
    written = root.joinpath(_study.simulated.write.MANIFEST).is_file()
    return written and _study.catalogue.is_simulated(root.name)


def recipe_of(root):
    """The recipe of a folder, and the effect planted in it: a name alone makes nothing simulated."""
    real = _study.catalogue.is_simulated(root.name) and not is_written_here(root)
    recipe = _study.catalogue.get_recipe("" if real else root.name)
    return recipe, None if real else _study.catalogue.planted_effect(root.name)


def find_people(name, *, cohort, task, column, on_missing):
    """Locate a study and choose its people; see :func:`_study.find_study` for the parameters."""
    if cohort not in ("all", "source", "target"):
        raise StudyError(f"cohort={cohort!r} is unknown: use 'all', 'source' or 'target'")
    if on_missing not in ("raise", "drop"):
        raise StudyError(f"on_missing={on_missing!r} is unknown: use 'raise' or 'drop'")
    most = _most_people(name)
    root = _locate(name, task, most)
    recipe, effect = recipe_of(root)
    recipe = _study.catalogue.override_recipe(recipe, task, None, None)
    table = _study.folder.read_participants(root)
    files = _study.folder.find_recordings(root, recipe, table)
    chosen = _choose_cohort(sorted(files), table, recipe, cohort, root)[:most]
    values, chosen = _subject_targets(table, chosen, column, on_missing, root)
    return People(
        root=root,
        recipe=recipe,
        table=table,
        files={subject: files[subject] for subject in chosen},
        values=values,
        column=column,
        cohort=cohort,
        on_missing=on_missing,
        effect=effect,
        without=[subject for subject in table.index if subject not in files],
    )


def some_people(root, recipe, effect):
    """What opening a few recordings of a study takes that was found before, perhaps elsewhere."""
    return People(
        root=root,
        recipe=recipe,
        table=pd.DataFrame(),
        files={},
        values=None,
        column=None,
        cohort="all",
        on_missing="raise",
        effect=effect,
        without=[],
    )


def exchange_values(people):
    """The same people, with their values dealt out anew: at random, but always in the same way.

    Raises
    ------
    StudyError
        If people have no value that could be exchanged.
    """
    if people.values is None:
        raise StudyError(
            f"{people.root.name} has no values to exchange between people: pass column=, a numeric "
            "column of participants.tsv; only simulated-pfactor has an effect to leave out"
        )
    chosen = list(people.values)
    order = np.random.default_rng(zlib.crc32(people.root.name.encode()))
    dealt = [chosen[i] for i in order.permutation(len(chosen))]
    print(f"{people.root.name}: values of {people.column} are exchanged between people")
    values = {s: people.values[other] for s, other in zip(chosen, dealt, strict=True)}
    return replace(people, values=values, effect=0.0)


def _most_people(name):
    """How many people of a real study the environment asks for; None is everybody."""
    asked_for = os.environ.get("EEG_TUTORIAL_MAX_SUBJECTS", "").strip()
    if not asked_for or _study.catalogue.is_simulated(name):
        return None
    if not asked_for.isdecimal() or len(asked_for) > 9 or int(asked_for) < 1:
        raise StudyError(
            f"EEG_TUTORIAL_MAX_SUBJECTS is {asked_for[:80]!r}, not a number of people: set it to a "
            "positive whole number, or unset it"
        )
    return int(asked_for)


def _locate(name, task, most):
    """Folder of the study; a simulated one is written, a remote one downloaded if allowed."""
    text = "" if name is None else os.fspath(name)
    if not text:
        raise StudyError(f"the name of the study is empty. {known_names()}")
    if _study.catalogue.is_simulated(text):
        return _study.simulated.write.write_simulated(text)
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
        return folder.absolute()
    if os.sep in text or text.startswith((".", "~")):
        raise StudyError(
            f"no folder {shown}: pass the path of a BIDS dataset. {known_names()}"
        )
    listed = _study.catalogue.catalogue()
    if text not in listed.index:
        raise StudyError(
            f"unknown study {shown!r}, and no such folder here. {known_names()}"
        )
    cached = _study.cache.get_cache_dir(writable=False) / text
    if cached.joinpath("dataset_description.json").is_file():
        return cached
    return _download(text, listed.loc[text], task, most, cached)


def _download(name, row, task, most, cached):
    """Fetch a dataset of the catalogue after saying what it costs, and only with permission."""
    n_all = int(row["n_subjects"])
    n_subjects, estimate = _study.catalogue.download_size(name, most)
    print(
        f"{name} is not on this machine: {n_all} people, {int(row['n_records'])} recordings, "
        f"{float(row['size_bytes']) / 1e6:,.1f} MB in all ({row['license']}); {n_subjects} people are about {estimate:,.1f} MB"
    )
    offline = f"or fetch it elsewhere and pass its folder, or use the simulated study: {known_names()}"
    _study.cache.get_cache_dir()
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
    wanted = task or _study.catalogue.get_recipe(name).task
    if wanted:
        query["task"] = [wanted] if isinstance(wanted, str) else list(wanted)
    if n_subjects < n_all:
        listed = EEGDashDataset(**query).datasets
        everybody = sorted({str(ds.description["subject"]) for ds in listed})
        query["subject"] = everybody[:n_subjects]
    EEGDashDataset(**query).download_all()
    return cached


def _choose_cohort(subjects, people, recipe, cohort, root):
    """Subjects of one cohort, sorted."""
    if cohort == "all":
        return subjects
    if "cohort" in people.columns:
        chosen = [s for s in subjects if people.loc[s, "cohort"] == cohort]
    else:
        n_source = recipe.n_source or len(subjects) // 3
        chosen = subjects[:n_source] if cohort == "source" else subjects[n_source:]
    if not chosen:
        raise StudyError(
            f"{root} has {len(subjects)} people with the task {list(recipe.task or ['any'])} and "
            f"none of them is in the {cohort} cohort: pass cohort='all', or another task"
        )
    return chosen


def _subject_targets(people, subjects, target, on_missing, root):
    """Numeric target per subject (or None) and the subjects that have one."""
    if target is None:
        return None, subjects
    table = root / "participants.tsv"
    if target not in people.columns:
        if target in _study.folder.event_columns(root):
            return None, subjects
        raise StudyError(
            f"no column {target!r} in {table}, nor in the events.tsv files: the columns of the people "
            f"are {list(people.columns)}, those of the events {_study.folder.event_columns(root)}"
        )
    raw = people.loc[subjects, target]
    missing = raw.str.strip().str.lower().isin(["n/a", "", "nan"])
    number = pd.to_numeric(raw, errors="coerce")
    number = number.where(np.isfinite(number))
    for subject in raw.index[number.isna() & ~missing]:
        raise StudyError(
            f"the target {target!r} of sub-{subject} is {raw[subject]!r} in {table}, not a finite number: "
            "correct it, or write n/a and pass on_missing='drop'"
        )
    if missing.any():
        who = ", ".join(f"sub-{s}" for s in raw.index[missing])
        if on_missing == "raise":
            raise StudyError(
                f"the target {target!r} of {who} is {raw[missing].iloc[0]!r} in {table}: "
                "fill it in, or pass on_missing='drop'"
            )
        print(f"dropped {who}: no {target} in participants.tsv")
    if missing.all():
        raise StudyError(
            f"nobody in {table} has a value of {target!r}: choose another target"
        )
    kept = number[~missing]
    return kept.to_dict(), list(kept.index)
