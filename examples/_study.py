"""``open_study``: one door from a BIDS dataset on disk to checked windows with a table beside them.

A simulated study is written once as a BIDS dataset under the cache and from then on loaded like
any other: EEGDash finds the recordings, Braindecode preprocesses them and cuts the windows. What
EEGDash lets pass in silence (a missing recording, a file cut short, a person absent from
``participants.tsv``, a target of ``n/a``) is refused here, by name, before anything slow starts.
"""

import difflib
import errno
import hashlib
import importlib.util
import json
import os
import re
import shutil
import sys
import unicodedata
import warnings
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

import _runtime
import _simulate

with warnings.catch_warnings(), _runtime.logging_left_alone():
    # A montage is renamed inside MNE: nothing a reader can act on.
    warnings.filterwarnings("ignore", "Montage name", FutureWarning)
    import mne
    from braindecode.preprocessing import (
        Preprocessor,
        create_windows_from_events,
        preprocess,
    )
    from eegdash import EEGDashDataset
    from filelock import FileLock

    import _write_bids

DATA_SUFFIXES = (".edf", ".bdf", ".set", ".vhdr", ".fif")
MANIFEST = ".complete.json"
#: Name of a simulated study, with its seed; only the p-factor study has an effect to set.
SIMULATED = re.compile(
    r"(?P<kind>simulated-(?:transfer|(?P<score>pfactor)|tasks|highdensity))"
    r"(?:-(?P<seed>\d+))?(?(score)(?:-effect(?P<effect>\d+(?:\.\d+)?))?)"
)
WRITERS = {
    "simulated-transfer": _write_bids.write_transfer,
    "simulated-pfactor": _write_bids.write_pfactor,
    "simulated-tasks": _write_bids.write_two_tasks,
    "simulated-highdensity": _write_bids.write_high_density,
}
#: Cues of the Healthy Brain Network at rest.
EYES = _simulate.EYES
#: Eight places of the HydroCel cap from front to back, Cz among them.
HYDROCEL = _simulate.PFACTOR_CH_NAMES


class StudyError(ValueError):
    """A study that cannot be opened as asked; the message names the thing, its value and the fix."""


@dataclass(frozen=True)
class Budget:
    """What the fine-tuning page may spend on a study: people, and steps of training.

    Attributes
    ----------
    n_labelled, n_validation, n_test : int
        People of the target cohort who are trained on, who choose, and who are looked at once.
    n_labelled_curve : tuple of int
        Numbers of labelled people of the curve; ``n_labelled`` is one of them.
    pretrain_steps : int
        Training steps on the source people, in batches of 64 windows.
    n_steps : int
        Training steps of each regime, in batches of 16 windows.
    """

    n_labelled: int = 2
    n_validation: int = 4
    n_test: int = 16
    n_labelled_curve: tuple = (1, 2, 4, 8, 16)
    pretrain_steps: int = 150
    n_steps: int = 80


@dataclass(frozen=True)
class Recipe:
    """What a study needs beyond its name. Add a line to ``RECIPES`` for a study of your own.

    Attributes
    ----------
    task : tuple of str or None
        BIDS tasks to load; None loads all of them.
    classes : tuple of str or None
        Event names that become labels 0, 1, ...; None takes the event names found in the study.
    channels : tuple of str or None
        Channels to keep, in this order; None keeps those of the first recording.
    sfreq : float or None
        Sampling frequency of the windows in Hz; None keeps the recording's own.
    reference : "average" or None
        Re-reference over all EEG channels, before any is dropped.
    l_freq, h_freq : float or None
        Band-pass edges in Hz.
    window_s : float
        Window length in seconds; windows do not overlap.
    balance : bool
        Keep, per person, equally many windows of each class, evenly spread over the recording.
    blocks : tuple of str or None
        Cues without a duration of their own: each lasts until the next of them, and the last one
        ends the task.
    megabytes : float or None
        Known size of one person's recordings of ``task`` in MB, where the catalogue only knows
        the size of everything.
    n_source : int or None
        People of the ``"source"`` cohort where ``participants.tsv`` has no column ``cohort``.
    subject_target : str
        Column of ``participants.tsv`` that the pages about a score per person predict.
    n_hold_out : int or float
        Test people of those pages, as a number or as a share.
    states : tuple of str or None
        Two events that everybody has, to pretrain a network on; None takes ``classes``.
    budget : Budget
        People and training steps of the fine-tuning page.
    question : str
        What a window is asked, for tables and figures.
    credit : str
        Licence and citation, printed when the study is opened.
    """

    task: tuple | None = None
    classes: tuple | None = None
    channels: tuple | None = None
    sfreq: float | None = 128.0
    reference: str | None = "average"
    l_freq: float | None = 1.0
    h_freq: float | None = 40.0
    window_s: float = 2.0
    balance: bool = True
    blocks: tuple | None = None
    megabytes: float | None = None
    n_source: int | None = None
    subject_target: str = "age"
    n_hold_out: int | float = 0.5
    states: tuple | None = None
    budget: Budget = Budget()
    question: str = ""
    credit: str = ""


RECIPES = {
    "simulated-transfer": Recipe(
        classes=_simulate.TRANSFER_CLASSES,
        channels=_simulate.TRANSFER_CH_NAMES,
        reference=None,
        l_freq=None,
        h_freq=None,
        question="delta vs alpha",
        credit="simulated, no licence needed",
    ),
    "simulated-pfactor": Recipe(
        task=("RestingState",),
        classes=EYES[:1],
        channels=HYDROCEL,
        sfreq=_simulate.PFACTOR_SFREQ,
        reference=None,
        l_freq=None,
        h_freq=None,
        blocks=EYES,
        subject_target="p_factor",
        n_hold_out=40,
        states=EYES,
        credit="simulated, no licence needed",
    ),
    "simulated-tasks": Recipe(
        channels=HYDROCEL,
        sfreq=_simulate.PFACTOR_SFREQ,
        reference=None,
        l_freq=None,
        h_freq=None,
        states=EYES,
        credit="simulated, no licence needed",
    ),
    "simulated-highdensity": Recipe(
        task=("RestingState",),
        classes=EYES,
        channels=HYDROCEL,
        sfreq=100.0,
        h_freq=30.0,
        blocks=EYES,
        states=EYES,
        credit="simulated, no licence needed",
    ),
    "ds005505": Recipe(
        task=("RestingState",),
        classes=EYES[:1],
        channels=HYDROCEL,
        sfreq=100.0,
        h_freq=30.0,
        blocks=EYES,
        megabytes=111.0,
        subject_target="p_factor",
        states=EYES,
        credit="CC-BY-SA 4.0; cite Shirazi et al. 2024 and Alexander et al. 2017 (shirazi2024hbneeg "
        "and alexander2017hbn in refs.bib)",
    ),
    "nm000109": Recipe(
        task=("rest", "arithmetic"),
        classes=("rest", "arithmetic"),
        n_source=18,
        # Steps chosen on validation people, whom more of either did not help.
        budget=Budget(
            n_labelled=4,
            n_test=10,
            n_labelled_curve=(1, 2, 4),
            pretrain_steps=250,
            n_steps=120,
        ),
        question="rest vs arithmetic",
        credit="ODC-By 1.0; cite Zyma et al. 2019 (zyma2019arithmetic in refs.bib)",
    ),
}


@dataclass(frozen=True)
class Study:
    """Windows of one study, ready for a model.

    Attributes
    ----------
    name : str
        Name of the study; for a local folder, the folder's name.
    data : str
        ``"simulated"`` or the dataset's name: what a result has to say about its origin.
    windows : ndarray of float32, shape (n_windows, n_chans, n_times)
        Signals in ``unit``.
    unit : str
        Unit of ``windows``, ``"uV"``.
    targets : ndarray, shape (n_windows,)
        int64 class labels, or float32 values when ``target=`` named a column.
    classes : tuple of str
        Name of each label; empty for a numeric target.
    metadata : pandas.DataFrame
        One row per window: ``sample_id``, ``subject``, ``task``, ``target``.
    ch_names : tuple of str
        Channel names, in the order of the windows.
    sfreq : float
        Sampling frequency in Hz.
    question : str
        What a window is asked, e.g. ``"rest vs arithmetic"``.
    effect : float or None
        Size of the planted effect; 0 where nothing can be learned, None where nobody knows.
    """

    name: str
    data: str
    windows: np.ndarray
    unit: str
    targets: np.ndarray
    classes: tuple
    metadata: pd.DataFrame
    ch_names: tuple
    sfreq: float
    question: str
    effect: float | None = None


def get_recipe(name):
    """What is known of a study before it is opened.

    Parameters
    ----------
    name : str or path-like
        A study, see :func:`open_study`.

    Returns
    -------
    Recipe
        That of ``RECIPES``, or one with its defaults for a study that is not listed there.
        ``EEG_TUTORIAL_TARGET`` in the environment replaces ``subject_target``.
    """
    recipe = _recipe(Path(name).name)
    column = os.environ.get("EEG_TUTORIAL_TARGET")
    return replace(recipe, subject_target=column) if column else recipe


def get_budget(name, n_people):
    """What the fine-tuning page may spend on a study that has so many target people.

    Parameters
    ----------
    name : str or path-like
        A study, see :func:`open_study`.
    n_people : int
        People of its target cohort.

    Returns
    -------
    Budget
        That of the study's recipe. With fewer people than it asks for, its groups shrink in
        proportion, and what is left is printed.

    Raises
    ------
    StudyError
        If there are fewer than four people: one to train on, one to choose with, two to test.
    """
    budget = get_recipe(name).budget
    n_asked = budget.n_labelled + budget.n_validation + budget.n_test
    if n_people >= n_asked:
        return budget
    if n_people < 4:
        raise StudyError(
            f"{name} has {n_people} people in its target cohort, too few to train on some, choose with "
            "others and test on two: open a study with more people, or give it a smaller n_source in RECIPES"
        )
    share = n_people / n_asked
    n_labelled = max(1, int(budget.n_labelled * share))
    n_validation = max(1, int(budget.n_validation * share))
    n_test = n_people - n_labelled - n_validation
    print(
        f"{n_people} target people for a budget of {n_asked}: {n_labelled} to train on, "
        f"{n_validation} to choose, {n_test} to test"
    )
    curve = tuple(sorted({*budget.n_labelled_curve, n_labelled}))
    return replace(
        budget,
        n_labelled=n_labelled,
        n_validation=n_validation,
        n_test=n_test,
        n_labelled_curve=curve,
    )


def get_study_folder(name, *, cache_dir=None, download=None):
    """Folder of a study; a simulated one is written first, a remote one fetched if that was asked.

    Parameters
    ----------
    name, cache_dir, download
        See :func:`open_study`.

    Returns
    -------
    pathlib.Path
        The BIDS folder.

    Raises
    ------
    StudyError
        As :func:`open_study` does for a study that cannot be found or fetched.
    """
    return _locate(name, None, None, cache_dir, download)


def catalogue_ids():
    """Dataset ids that EEGDash knows, from the list that ships with it.

    Returns
    -------
    list of str
        The ids.
    """
    return list(_catalogue().index)


def download_size(name, max_subjects=None):
    """Size of a dataset of EEGDash's catalogue, from the list that ships with the package.

    Parameters
    ----------
    name : str
        A dataset id.
    max_subjects : int or None
        Only so many people.

    Returns
    -------
    n_subjects : int
        People that would be downloaded.
    megabytes : float
        Their size in MB. Exact for nobody: people are taken to be equally large.

    Raises
    ------
    StudyError
        If the catalogue has no such dataset.
    """
    catalogue = _catalogue()
    if name not in catalogue.index:
        raise StudyError(
            f"no dataset {name!r} in the catalogue of EEGDash. {_known_names()}"
        )
    row = catalogue.loc[name]
    n_all = int(row["n_subjects"])
    n_subjects = min(max_subjects or n_all, n_all)
    each = _recipe(name).megabytes or float(row["size_bytes"]) / 1e6 / n_all
    return n_subjects, each * n_subjects


def get_cache_dir(cache_dir=None, *, writable=True):
    """Folder that holds everything written by the tutorials, made if need be.

    Parameters
    ----------
    cache_dir : path-like or None
        None takes ``EEGDASH_CACHE_DIR``, else ``./eegdash_cache``.
    writable : bool
        Insist that it can be written to. Studies that are there already need only be read.

    Returns
    -------
    pathlib.Path
        An absolute, existing folder.

    Raises
    ------
    StudyError
        If the folder cannot be made or written to.
    """
    path = (
        Path(cache_dir or os.environ.get("EEGDASH_CACHE_DIR") or "eegdash_cache")
        .expanduser()
        .absolute()
    )
    try:
        path.mkdir(parents=True, exist_ok=True)
        if writable and not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as err:
        raise _unwritable(path, err) from err
    return path


def _unwritable(path, err):
    return StudyError(
        f"cannot write to the cache folder {path} ({err.strerror or err}). "
        "Set EEGDASH_CACHE_DIR, or pass cache_dir=, to a folder you can write to."
    )


def list_people(
    name,
    *,
    cohort="all",
    target=None,
    on_missing_target="raise",
    task=None,
    effect=None,
    max_subjects=None,
    cache_dir=None,
    download=None,
):
    """People of a study, before any signal is read: the place to split them.

    Parameters
    ----------
    name : str or path-like
        See :func:`open_study`, also for the other parameters.
    cohort, target, on_missing_target, task, effect, max_subjects, cache_dir, download
        See :func:`open_study`.

    Returns
    -------
    pandas.DataFrame
        One row per person with recordings, indexed by ``subject``: the columns of
        ``participants.tsv`` as text, and with ``target=`` a column ``target`` of float.

    Raises
    ------
    StudyError
        As :func:`open_study` does, for everything that can be known without reading signals.
    """
    found = _find_people(
        name,
        cohort=cohort,
        subjects=None,
        target=target,
        on_missing_target=on_missing_target,
        task=task,
        effect=effect,
        max_subjects=max_subjects,
        cache_dir=cache_dir,
        download=download,
    )
    table = found.people.loc[found.subjects].rename_axis("subject")
    if found.values is not None:
        table["target"] = [float(found.values[subject]) for subject in found.subjects]
    return table


def open_study(
    name,
    *,
    cohort="all",
    subjects=None,
    target=None,
    on_missing_target="raise",
    task=None,
    classes=None,
    channels=None,
    effect=None,
    max_subjects=None,
    cache_dir=None,
    download=None,
):
    """Open a study as windows, whatever it is made of.

    Parameters
    ----------
    name : str or path-like
        ``"simulated-transfer"`` or ``"simulated-pfactor"`` (written under the cache on first use;
        ``"simulated-transfer-7"`` is another draw of people, with seed 7), the path of a local
        BIDS dataset, or a dataset id of the EEGDash catalogue.
    cohort : {"all", "source", "target"}
        Which people. The column ``cohort`` of ``participants.tsv`` decides; without one, the
        first ``n_source`` people (a third, where the recipe does not say) are the source.
    subjects : sequence of str or None
        Exactly these people, for instance one side of a split of :func:`list_people`.
    target : str or None
        None: the class of each event. Otherwise a numeric column of ``participants.tsv``, given
        to every window of the person, or of the ``events.tsv`` files, given to every window of
        the event.
    on_missing_target : {"raise", "drop"}
        What to do with people, or events, whose target is ``n/a``; what is dropped is printed.
    task, classes, channels : str or tuple of str, optional
        Override the study's recipe, see :class:`Recipe`.
    effect : float or None
        For ``"simulated-pfactor"``, how strongly the score acts on the signal. For any other
        study with a ``target``, 0 is the null: values are exchanged between people, at random
        but always in the same way, so that there is nothing to learn.
    max_subjects : int or None
        Load (and download) at most this many people, the first in sorted order. None asks the
        environment: ``EEG_TUTORIAL_MAX_SUBJECTS``, which real studies heed.
    cache_dir : path-like or None
        See :func:`get_cache_dir`.
    download : bool or None
        Permission to download. None asks the environment: ``EEG_TUTORIAL_DOWNLOAD=1``.

    Returns
    -------
    Study
        Windows in microvolts, targets and the metadata table.

    Raises
    ------
    StudyError
        If the study is unknown, is not BIDS, has no recording of the task, lacks a channel, an
        event, a participant or a target, holds a damaged file, must be downloaded without
        permission or network, or if the cache cannot be written.
    """
    found = _find_people(
        name,
        cohort=cohort,
        subjects=subjects,
        target=target,
        on_missing_target=on_missing_target,
        task=task,
        effect=effect,
        max_subjects=max_subjects,
        cache_dir=cache_dir,
        download=download,
    )
    root, values = found.root, found.values
    recipe = _adapt(found.recipe, task, classes, channels)
    files = {subject: found.files[subject] for subject in found.subjects}
    with mne.use_log_level("ERROR"):
        dataset, recipe = _open_recordings(root, recipe, files, target is None)
        preprocess(dataset, _preprocessing(recipe))
        windows, metadata = _cut_windows(dataset, recipe, root)
    if values is not None:
        metadata["target"] = metadata["subject"].map(values).astype(np.float32)
    elif target is not None:
        metadata["target"] = _event_values(metadata, files, target, recipe, root)
        known = metadata["target"].notna().to_numpy()
        if not known.all():
            missing = f"{(~known).sum()} of {len(known)} windows have no {target}"
            if on_missing_target == "raise":
                raise StudyError(f"{missing}: pass on_missing_target='drop'")
            print(f"{root.name}: {missing}, dropped")
            windows, metadata = windows[known], metadata[known].reset_index(drop=True)
        metadata["target"] = metadata["target"].astype(np.float32)
    elif recipe.balance:
        keep = _balance(metadata, recipe.classes)
        if not len(keep):
            raise StudyError(
                f"nobody in {root.name} has windows of all classes {list(recipe.classes)}: pass classes= "
                "that a person can have both of"
            )
        windows, metadata = windows[keep], metadata.iloc[keep].reset_index(drop=True)
    simulated = root.name.startswith("simulated-")
    study = Study(
        name=root.name,
        data="simulated" if simulated else root.name,
        windows=windows,
        unit="uV",
        targets=metadata["target"].to_numpy(copy=True),
        classes=() if target is not None else recipe.classes,
        metadata=metadata,
        ch_names=recipe.channels,
        sfreq=recipe.sfreq,
        question=target or recipe.question or " vs ".join(recipe.classes),
        effect=found.effect,
    )
    n_windows, n_chans, n_times = windows.shape
    who = f"{metadata['subject'].nunique()} people"
    print(
        f"{root.name}: {who if cohort == 'all' else f'{who} ({cohort} cohort)'}, {n_windows} windows of "
        f"{n_chans} channels x {n_times} samples at {recipe.sfreq:g} Hz"
    )
    if recipe.credit and not simulated:
        print(f"  {recipe.credit}")
    return study


@dataclass(frozen=True)
class _Found:
    """What is known of a study without reading a signal."""

    root: Path
    recipe: Recipe
    people: pd.DataFrame
    files: dict
    subjects: list
    values: dict | None
    effect: float | None


def _find_people(
    name,
    *,
    cohort,
    subjects,
    target,
    on_missing_target,
    task,
    effect,
    max_subjects,
    cache_dir,
    download,
):
    """Locate a study and choose its people; see :func:`open_study` for the parameters."""
    if cohort not in ("all", "source", "target"):
        raise StudyError(f"cohort={cohort!r} is unknown: use 'all', 'source' or 'target'")
    if on_missing_target not in ("raise", "drop"):
        raise StudyError(
            f"on_missing_target={on_missing_target!r} is unknown: use 'raise' or 'drop'"
        )
    asked_for = os.environ.get("EEG_TUTORIAL_MAX_SUBJECTS", "").strip()
    if max_subjects is None and asked_for and not _simulated(name):
        if not asked_for.isdecimal():
            raise StudyError(
                f"EEG_TUTORIAL_MAX_SUBJECTS is {asked_for!r}, not a number of people: set it to a "
                "positive whole number, or unset it"
            )
        max_subjects = int(asked_for)
    if max_subjects is not None and max_subjects < 1:
        raise StudyError(
            f"max_subjects={max_subjects} leaves nobody: pass a positive number or None"
        )
    root = _locate(_with_effect(name, effect), task, max_subjects, cache_dir, download)
    recipe = _adapt(_recipe(root.name), task, None, None)
    planted = _planted(root.name)
    if effect is not None and planted is None and (effect != 0 or target is None):
        raise StudyError(
            f"effect={effect} cannot be planted in {root.name}: only simulated-pfactor has an "
            "effect to set. With target=, effect=0 exchanges the values between people"
        )
    people = _read_participants(root)
    files = _check_files(root, recipe, people)
    chosen = _choose_cohort(sorted(files), people, recipe, cohort, root)[:max_subjects]
    if subjects is not None:
        asked = [str(subject) for subject in subjects]
        absent = sorted(set(asked) - set(chosen))
        if absent or not asked:
            raise StudyError(
                f"subjects={absent or asked} are not among the {len(chosen)} people of {root}: "
                "take them from list_people()"
            )
    exchange = effect == 0 and planted is None
    if exchange:
        # Over everybody who has a value, so that both sides of a split see the same exchange.
        missing = on_missing_target if subjects is None else "drop"
        values, chosen = _subject_targets(people, chosen, target, missing, root)
        order = np.random.default_rng(zlib.crc32(root.name.encode()))
        order = order.permutation(len(chosen))
        values = {s: values[chosen[i]] for s, i in zip(chosen, order, strict=True)}
        print(f"{root.name}: values of {target} are exchanged between people (effect=0)")
    if subjects is not None:
        chosen = sorted(asked)
    if subjects is not None or not exchange:
        own, chosen = _subject_targets(people, chosen, target, on_missing_target, root)
        values = {s: values[s] for s in chosen} if exchange else own
    return _Found(root, recipe, people, files, chosen, values, 0.0 if exchange else planted)


# ---------------------------------------------------------------------------- where the study is


def _recipe(name):
    """Recipe of a study by its name, whatever its seed; an empty one for a study unknown here."""
    return RECIPES.get(SIMULATED.sub(r"\g<kind>", name), Recipe())


def _simulated(name):
    return SIMULATED.fullmatch(str(name)) is not None


def _with_effect(name, effect):
    """The name of the simulated p-factor study that has this effect; other names as they are."""
    match = SIMULATED.fullmatch(str(name))
    if effect is None or not match or not match["score"]:
        return name
    if not np.isfinite(effect) or effect < 0:
        raise StudyError(f"effect={effect} is not a size: pass 0 or a positive number")
    seed = f"-{match['seed']}" if match["seed"] else ""
    usual = effect == _simulate.PFACTOR_EFFECT
    planted = "" if usual else f"-effect{np.format_float_positional(effect, trim='-')}"
    return f"{match['kind']}{seed}{planted}"


def _planted(name):
    """Effect planted in a simulated study, or None where nobody knows."""
    match = SIMULATED.fullmatch(name)
    if not match or not match["score"]:
        return None
    return float(match["effect"]) if match["effect"] else _simulate.PFACTOR_EFFECT


def _adapt(recipe, task, classes, channels):
    """The recipe with the caller's own values in place of its own."""
    given = {"task": task, "classes": classes, "channels": channels}
    as_tuple = {
        k: (v,) if isinstance(v, str) else tuple(v)
        for k, v in given.items()
        if v is not None
    }
    return replace(recipe, **as_tuple)


def _locate(name, task, max_subjects, cache_dir, download):
    """Folder of the study; a simulated one is written, a remote one downloaded if allowed."""
    text = "" if name is None else os.fspath(name)
    if not text:
        raise StudyError(f"the name of the study is empty. {_known_names()}")
    if SIMULATED.fullmatch(text):
        return _write_simulated(text, get_cache_dir(cache_dir, writable=False))
    folder = Path(text).expanduser()
    if folder.is_dir() and (
        os.sep in text or folder.joinpath("dataset_description.json").is_file()
    ):
        return folder.absolute()
    if os.sep in text or text.startswith((".", "~")):
        raise StudyError(
            f"no folder {text}: pass the path of a BIDS dataset. {_known_names()}"
        )
    catalogue = _catalogue()
    if text not in catalogue.index:
        raise StudyError(
            f"unknown study {text!r}, and no such folder here. {_known_names()}"
        )
    cached = get_cache_dir(cache_dir, writable=False) / text
    if cached.joinpath("dataset_description.json").is_file():
        return cached
    return _download(text, catalogue.loc[text], task, max_subjects, cached, download)


def _known_names():
    simulated = ", ".join(n for n in RECIPES if n.startswith("simulated-"))
    return (
        f"Known: {simulated}; any dataset id of the EEGDash catalogue, such as nm000109; "
        "or the path of a BIDS folder, such as ./my_study"
    )


def _catalogue():
    """EEGDash's own list of datasets, which ships with the package: sizes without a network."""
    package = Path(importlib.util.find_spec("eegdash").origin).parent
    return pd.read_csv(package / "dataset" / "dataset_summary.csv", index_col="dataset")


def _download(name, row, task, max_subjects, cached, download):
    """Fetch a dataset of the catalogue after saying what it costs, and only with permission."""
    n_all, recipe = int(row["n_subjects"]), _recipe(name)
    n_subjects, estimate = download_size(name, max_subjects)
    print(
        f"{name} is not on this machine: {n_all} people, {int(row['n_records'])} recordings, "
        f"{float(row['size_bytes']) / 1e6:,.1f} MB in all ({row['license']}); {n_subjects} people are about {estimate:,.1f} MB"
    )
    offline = f"or fetch it elsewhere and pass its folder, or use the simulated study: {_known_names()}"
    get_cache_dir(cached.parent)
    if download is None:
        download = os.environ.get("EEG_TUTORIAL_DOWNLOAD") == "1"
    if not download:
        raise StudyError(
            f"{name} would download about {estimate:,.1f} MB and nobody asked for that. Set "
            f"EEG_TUTORIAL_DOWNLOAD=1 (or download=True) and, for fewer people, the argument "
            f"max_subjects= of open_study; {offline}"
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
    wanted = task or recipe.task
    if wanted:
        query["task"] = [wanted] if isinstance(wanted, str) else list(wanted)
    if n_subjects < n_all:
        everybody = sorted({str(r["subject"]) for r in _records(EEGDashDataset(**query))})
        query["subject"] = everybody[:n_subjects]
    EEGDashDataset(**query).download_all()
    return cached


def _records(dataset):
    return [ds.description for ds in dataset.datasets]


# --------------------------------------------------------------------------- simulated studies


def _fingerprint():
    """Changes when the simulation or the way it is written does, so that an old cache is redone."""
    sources = [Path(module.__file__).read_bytes() for module in (_simulate, _write_bids)]
    return hashlib.sha256(b"".join(sources)).hexdigest()


def _is_complete(root):
    """Was this simulated study written to the end, by this code, and is every byte still there?"""
    try:
        manifest = json.loads((root / MANIFEST).read_text("utf-8"))
        sizes = {name: (root / name).stat().st_size for name in manifest["files"]}
    except (OSError, ValueError, KeyError):
        return False
    return manifest.get("fingerprint") == _fingerprint() and sizes == manifest["files"]


def _write_simulated(name, cache_dir):
    """Write a simulated study as BIDS under ``cache_dir``, once; two processes may ask at once."""
    root = cache_dir / name
    if _is_complete(root):
        return root
    building = cache_dir / f".{name}.building"
    try:
        with FileLock(cache_dir / f".{name}.lock"):
            if _is_complete(root):  # the other process was faster
                return root
            for leftover in (building, root):
                if leftover.exists():
                    note = "the copy in the cache is incomplete, changed or outdated: written again"
                    print(f"{name}: {note}", file=sys.stderr)
                    shutil.rmtree(leftover)
            building.mkdir()
            match = SIMULATED.fullmatch(name)
            seed, effect = match["seed"], match["effect"]
            WRITERS[match["kind"]](building, seed and int(seed), effect and float(effect))
            files = {
                p.relative_to(building).as_posix(): p.stat().st_size
                for p in sorted(building.rglob("*"))
                if p.is_file()
            }
            manifest = {"fingerprint": _fingerprint(), "files": files}
            (building / MANIFEST).write_text(json.dumps(manifest), "utf-8")
            building.rename(root)
    except OSError as err:
        raise _unwritable(cache_dir, err) from err
    return root


# ------------------------------------------------------- what must be true before anything slow


def _read_participants(root):
    """``participants.tsv`` as text, indexed by subject label without ``sub-``."""
    if not (root / "dataset_description.json").is_file():
        raise StudyError(
            f"{root} is not a BIDS dataset: it has no dataset_description.json. Pass the folder "
            "that holds that file, participants.tsv and the sub-* folders."
        )
    if not (root / "participants.tsv").is_file():
        raise StudyError(
            f"{root} has no participants.tsv. Write one, a row per person, with at least the "
            "column participant_id (sub-01, sub-02, ...)."
        )
    try:
        table = pd.read_csv(
            root / "participants.tsv", sep="\t", dtype=str, keep_default_na=False
        )
    except UnicodeDecodeError as err:
        raise StudyError(
            f"{root / 'participants.tsv'} is not UTF-8 (byte {err.object[err.start]:#x} cannot be read), "
            "which BIDS asks for. Save it as UTF-8."
        ) from err
    if "participant_id" not in table.columns:
        raise StudyError(
            f"{root / 'participants.tsv'} has no column participant_id, only {list(table.columns)}"
        )
    return table.set_index(table["participant_id"].str.removeprefix("sub-"))


def _check_files(root, recipe, people):
    """Data files per subject, or a StudyError for what is missing on disk or in participants.tsv."""
    stems = {}
    for sidecar in sorted(root.glob("sub-*/**/eeg/sub-*")):
        stem, _, suffix = sidecar.name.rpartition("_")
        if suffix.split(".")[0] in ("eeg", "events", "channels") and "_task-" in stem:
            stems.setdefault(sidecar.parent / stem, []).append(sidecar)
    tasks = sorted({_entity(stem.name, "task") for stem in stems})
    stems = {
        s: f
        for s, f in stems.items()
        if recipe.task is None or _entity(s.name, "task") in recipe.task
    }
    if not stems:
        found = (
            f"the tasks there are {tasks}"
            if tasks
            else "it holds no sub-*/eeg/ recording at all"
        )
        raise StudyError(
            f"no recording of task {list(recipe.task or ())} in {root}: {found}"
        )
    files = {}
    for stem, beside in stems.items():
        data = [
            f
            for f in beside
            if f.name.startswith(stem.name + "_eeg.") and f.suffix in DATA_SUFFIXES
        ]
        if not data or not data[0].exists():
            raise StudyError(
                f"the data file of {stem.name} is missing: {stem.parent} has its sidecars but no readable "
                f"{stem.name}_eeg with {', '.join(DATA_SUFFIXES)}. Fetch the file, or delete its sidecars."
            )
        if len(data) > 1:
            raise StudyError(
                f"{stem.name} has {len(data)} data files: {', '.join(sorted(f.name for f in data))}. "
                "Keep one of them."
            )
        subject = _entity(stem.name, "sub")
        if subject not in people.index:
            raise StudyError(
                f"sub-{subject} has recordings but no row in {root / 'participants.tsv'}"
                f"{_look_alike(subject, people)}. Add the row, or move the recordings away."
            )
        files.setdefault(subject, []).append(data[0])
    _refuse_copies([path for paths in files.values() for path in paths])
    if not recipe.task:
        return files
    for subject, paths in files.items():
        absent = set(recipe.task) - {_entity(p.name, "task") for p in paths}
        if absent:
            raise StudyError(
                f"sub-{subject} has no recording of task {sorted(absent)} in {root}: fetch it, or pass task= "
                f"without it (the tasks there are {tasks})"
            )
    return files


def _look_alike(subject, people):
    """A hint where the row is there, but its accents are made of other characters."""
    same = unicodedata.normalize("NFC", subject)
    rows = [p for p in people.index if unicodedata.normalize("NFC", p) == same]
    return (
        " (one looks the same, but its accents are other Unicode characters)"
        if rows
        else ""
    )


def _refuse_copies(paths):
    """Two files with the same samples are one recording: on both sides of a split it is a leak.

    Copies have the same size, so that only those are read, and of them only a piece in the middle
    and the end: a header that somebody renamed does not hide a copy.
    """
    by_size = {}
    for path in paths:
        beside = [path.with_suffix(end) for end in (path.suffix, ".eeg", ".fdt")]
        data = max((p for p in beside if p.is_file()), key=lambda p: p.stat().st_size)
        by_size.setdefault(data.stat().st_size, []).append((path, data))
    for size, own in by_size.items():
        seen = {}
        for path, data in own if len(own) > 1 else ():
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


def _entity(name, key):
    """Value of a BIDS entity in a file name, or an empty string."""
    return next(
        (part[len(key) + 1 :] for part in name.split("_") if part.startswith(f"{key}-")), ""
    )


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
        if target in _event_columns(root):
            return None, subjects
        raise StudyError(
            f"no column {target!r} in {table}, nor in the events.tsv files: the columns of the people "
            f"are {list(people.columns)}, those of the events {_event_columns(root)}"
        )
    raw = people.loc[subjects, target]
    missing = raw.str.strip().str.lower().isin(["n/a", "", "nan"])
    number = pd.to_numeric(raw, errors="coerce")
    number = number.where(np.isfinite(number))
    for subject in raw.index[number.isna() & ~missing]:
        raise StudyError(
            f"the target {target!r} of sub-{subject} is {raw[subject]!r} in {table}, not a finite number: "
            "correct it, or write n/a and pass on_missing_target='drop'"
        )
    if missing.any():
        who = ", ".join(f"sub-{s}" for s in raw.index[missing])
        if on_missing == "raise":
            raise StudyError(
                f"the target {target!r} of {who} is {raw[missing].iloc[0]!r} in {table}: "
                "fill it in, or pass on_missing_target='drop'"
            )
        print(f"dropped {who}: no {target} in participants.tsv")
    if missing.all():
        raise StudyError(
            f"nobody in {table} has a value of {target!r}: choose another target"
        )
    kept = number[~missing]
    return kept.to_dict(), list(kept.index)


def _event_columns(root):
    """Columns of all ``events.tsv`` files of a dataset, sorted."""
    columns = set()
    for path in root.glob("sub-*/**/eeg/*_events.tsv"):
        with path.open(encoding="utf-8") as lines:
            columns |= set(lines.readline().rstrip("\r\n").split("\t"))
    return sorted(columns - {""})


def _event_values(metadata, files, column, recipe, root):
    """Value of a column of ``events.tsv`` for each window: that of the event it was cut from."""
    values = pd.Series(np.nan, index=metadata.index)
    stems = metadata["sample_id"].str.split("_sample-").str[0]
    starts = metadata["sample_id"].str.split("_sample-").str[1].astype(int) / recipe.sfreq
    for path in (path for paths in files.values() for path in paths):
        stem = path.name.rpartition("_")[0]
        own = stems.index[stems == stem]
        table = path.with_name(f"{stem}_events.tsv")
        events = pd.read_csv(table, sep="\t", dtype=str, keep_default_na=False)
        if column not in events.columns or events.empty:
            continue
        try:
            known = pd.to_numeric(events[column].replace(["n/a", ""], np.nan))
            onsets = pd.to_numeric(events["onset"]).to_numpy()
        except ValueError as err:
            raise StudyError(
                f"{table} has a value of {column!r} that is not a number ({err}): correct it, or write n/a"
            ) from err
        named = events.get("trial_type", events.get("value"))
        of_class = np.flatnonzero(named.isin(recipe.classes)) if named is not None else []
        if len(of_class) == 0:
            continue
        order = of_class[np.argsort(onsets[of_class], kind="stable")]
        # Half a sample of grace: onsets were rounded when the recording was resampled.
        at = (
            np.searchsorted(onsets[order], starts[own] + 0.5 / recipe.sfreq, side="right")
            - 1
        )
        values[own] = known.to_numpy()[order[np.maximum(at, 0)]]
    return values


def _open_recordings(root, recipe, files, by_event):
    """The EEGDash dataset with every header read and checked; the recipe with its blanks filled."""
    query = {"task": list(recipe.task)} if recipe.task else {}
    dataset = EEGDashDataset(
        cache_dir=root.parent,
        dataset=root.name,
        download=False,
        subject=sorted(files),
        **query,
    )
    expected = {path.name: path for paths in files.values() for path in paths}
    found = {Path(ds.record["bids_relpath"]).name for ds in dataset.datasets}
    if found != set(expected):
        raise StudyError(
            f"EEGDash does not see {sorted(set(expected) - found)} in {root}: check their names"
        )
    longest = {}  # seconds of the longest event, per file and event name
    for ds in dataset.datasets:
        path = expected[Path(ds.record["bids_relpath"]).name]
        raw = _read_header(ds, path)
        recipe = replace(
            recipe,
            channels=recipe.channels or tuple(raw.copy().pick("eeg").ch_names),
            sfreq=recipe.sfreq or float(raw.info["sfreq"]),
        )
        absent = [c for c in recipe.channels if c not in raw.ch_names]
        if absent:
            lower = {name.lower(): name for name in raw.ch_names}
            near = [difflib.get_close_matches(c.lower(), lower, 1, 0.5) for c in absent]
            near = sorted({lower[match] for matches in near for match in matches})
            raise StudyError(
                f"{path.name} has no channel {absent}: it has {raw.ch_names}. Pass channels= as a "
                f"tuple of names that every recording has{f' (near: {near})' if near else ''}"
            )
        if recipe.blocks:
            until_next_cue(raw, recipe.blocks)
        own = longest[path.name] = {}
        for label, seconds in zip(
            raw.annotations.description, raw.annotations.duration, strict=True
        ):
            own[str(label)] = max(own.get(str(label), 0.0), float(seconds))
    events = sorted(set().union(*longest.values()))
    if recipe.classes is None:
        classes = tuple(event for event in events if not event.lower().startswith("bad"))
        recipe = replace(recipe, classes=classes)
    unknown = [c for c in recipe.classes if c not in events]
    if unknown or len(recipe.classes) < (2 if by_event else 1):
        raise StudyError(
            f"no event {unknown or 'to tell apart'} in {root.name}: "
            f"the events there are {events}. Pass classes=('one', 'other')"
        )
    for name, own in longest.items():
        reach = max((own[c] for c in recipe.classes if c in own), default=None)
        if reach is None or reach + 1 / recipe.sfreq < recipe.window_s:
            raise StudyError(
                f"{name} has no event {' or '.join(recipe.classes)} as long as a window of "
                f"{recipe.window_s:g} s: its events and their longest durations are {own}. Remove the "
                "recording, or give the study a smaller window_s= in RECIPES"
            )
    return dataset, recipe


def until_next_cue(raw, cues):
    """Let cues last until the next of them; the last one ends the task and is taken away.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A recording whose annotations hold the cues, usually without a duration. Changed in
        place; other annotations stay as they are.
    cues : tuple of str
        Names of the cues that take turns.

    Returns
    -------
    mne.io.BaseRaw
        ``raw``.
    """
    notes = raw.annotations
    at = np.flatnonzero(np.isin(notes.description, cues))  # sorted by onset
    duration, keep = notes.duration.copy(), np.ones(len(notes), bool)
    duration[at[:-1]] = np.diff(notes.onset[at])
    keep[at[-1:]] = False
    return raw.set_annotations(
        mne.Annotations(
            notes.onset[keep], duration[keep], notes.description[keep], notes.orig_time
        )
    )


def _read_header(ds, path):
    """Raw of one recording, not loaded; a damaged or shortened file is an error."""
    fix = "The file is damaged or was cut short: fetch it again, or remove this recording."
    try:
        raw = ds.raw
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            # EEGDash silences the one warning with which MNE tells of an EDF cut short.
            if path.suffix in (".edf", ".bdf"):
                mne.io.read_raw(path, verbose="WARNING")
    except Exception as err:  # MNE readers raise anything on a damaged file
        raise StudyError(
            f"{path} cannot be read ({type(err).__name__}: {err}). {fix}"
        ) from err
    short = [
        str(w.message) for w in caught if "does not match the file size" in str(w.message)
    ]
    if short:
        raise StudyError(f"{path}: {short[0]} {fix}")
    sidecar = path.with_name(path.name.removesuffix(path.suffix) + ".json")
    beside = json.loads(sidecar.read_text("utf-8")) if sidecar.is_file() else {}
    sfreq, rate = float(raw.info["sfreq"]), beside.get("SamplingFrequency")
    if isinstance(rate, int | float) and not np.isclose(rate, sfreq, rtol=1e-3):
        raise StudyError(
            f"{path.name} is sampled at {sfreq:g} Hz but {sidecar.name} says {rate:g} Hz. Correct the "
            "sidecar, or fetch the file that belongs to it."
        )
    said = beside.get("RecordingDuration")
    holds = raw.n_times / sfreq
    if isinstance(said, int | float) and abs(holds - said) > 1.0:
        raise StudyError(
            f"{path} holds {holds:.1f} s but {sidecar.name} says {said:.1f} s. {fix}"
        )
    return raw


# ------------------------------------------------------------------------- signals and windows


def _preprocessing(recipe):
    """Braindecode steps in the order that is right: reference over all channels, then pick."""
    steps = []
    if recipe.reference:
        steps.append(
            Preprocessor(
                "set_eeg_reference",
                ref_channels=recipe.reference,
                projection=False,
                apply_on_array=False,
            )
        )
    # Picks and sorts in one go, so files with another channel order line up.
    steps.append(
        Preprocessor(
            "reorder_channels", ch_names=list(recipe.channels), apply_on_array=False
        )
    )
    steps.append(Preprocessor("resample", sfreq=recipe.sfreq, apply_on_array=False))
    if recipe.l_freq or recipe.h_freq:
        steps.append(
            Preprocessor(
                "filter", l_freq=recipe.l_freq, h_freq=recipe.h_freq, apply_on_array=False
            )
        )
    return [*steps, Preprocessor(release_file_buffer, apply_on_array=False)]


def release_file_buffer(raw):
    """Let go of the copy of a whole ``.set`` file that MNE keeps beside the signals it loaded.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A recording. Without loaded signals, or from another kind of file, it stays as it is.

    Returns
    -------
    mne.io.BaseRaw
        ``raw``.
    """
    if raw.preload:
        for extra in getattr(raw, "_raw_extras", None) or ():  # private: it may go away
            if isinstance(extra, dict):
                extra.pop("cached_data", None)
    return raw


def _cut_windows(dataset, recipe, root):
    """Windows in microvolts and their metadata, in the order of the recordings."""
    n_times = round(recipe.window_s * recipe.sfreq)
    cut = create_windows_from_events(
        dataset,
        trial_start_offset_samples=0,
        trial_stop_offset_samples=0,
        window_size_samples=n_times,
        window_stride_samples=n_times,
        mapping={label: code for code, label in enumerate(recipe.classes)},
        preload=True,
        on_last_window="drop",
        accepted_bads_ratio=1.0,  # events shorter than a window are left out, with a warning
    )
    arrays, rows = [], []
    for recording, windows in zip(dataset.datasets, cut.datasets, strict=True):
        stem = Path(recording.record["bids_relpath"]).name.rpartition("_")[0]
        arrays.extend(windows[i][0] for i in range(len(windows)))
        for start, label in windows.metadata[["i_start_in_trial", "target"]].to_numpy():
            rows.append(
                {
                    "sample_id": f"{stem}_sample-{int(start):06d}",
                    "subject": _entity(stem, "sub"),
                    "task": _entity(stem, "task"),
                    "target": int(label),
                }
            )
    windows = (np.stack(arrays) * 1e6).astype(np.float32)
    if not np.isfinite(windows).all():
        raise StudyError(
            f"{root.name} holds samples that are not finite: look at the recordings in MNE"
        )
    return windows, pd.DataFrame(rows).astype({"target": np.int64})


def _balance(metadata, classes):
    """Rows to keep so that every person has equally many windows of each class."""
    keep = []
    for subject, rows in metadata.groupby("subject", sort=False):
        per_class = [
            rows.index[rows["target"] == code].to_numpy() for code in range(len(classes))
        ]
        n = min(map(len, per_class))
        if n == 0:
            print(
                f"dropped sub-{subject}: no window of {classes[[len(p) for p in per_class].index(0)]!r}"
            )
            continue
        for own in per_class:
            keep.extend(own[np.linspace(0, len(own) - 1, n).round().astype(int)])
    return np.sort(np.array(keep, dtype=int))
