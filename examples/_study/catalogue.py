"""What is known of a study by its name: recipes, budgets, sizes. No disk but EEGDash's own list."""

import importlib.util
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

import _study.simulated.signals
from _runtime import TutorialError

#: Name of a simulated study, with its seed; a score and a new person have an effect to set.
SIMULATED = re.compile(
    r"(?P<kind>simulated-(?:transfer|(?P<score>pfactor|person)|tasks|highdensity))"
    r"(?:-(?P<seed>\d+))?(?(score)(?:-effect(?P<effect>\d+(?:\.\d+)?))?)"
)
#: Cues of the Healthy Brain Network at rest.
EYES = _study.simulated.signals.EYES
#: Eight places of the HydroCel cap from front to back, Cz among them.
HYDROCEL = _study.simulated.signals.PFACTOR_CH_NAMES


class StudyError(TutorialError, ValueError):
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
    pretrain_steps: int = 100
    n_steps: int = 60


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


#: A simulated study is opened as it was written.
AS_WRITTEN = {"reference": None, "l_freq": None, "h_freq": None, "credit": "simulated"}

RECIPES = {
    "simulated-transfer": Recipe(
        classes=_study.simulated.signals.TRANSFER_CLASSES,
        channels=_study.simulated.signals.TRANSFER_CH_NAMES,
        question="delta vs alpha",
        **AS_WRITTEN,
    ),
    "simulated-pfactor": Recipe(
        task=("RestingState",),
        classes=EYES[:1],
        channels=HYDROCEL,
        sfreq=_study.simulated.signals.PFACTOR_SFREQ,
        blocks=EYES,
        subject_target="p_factor",
        n_hold_out=40,
        states=EYES,
        **AS_WRITTEN,
    ),
    "simulated-tasks": Recipe(
        channels=HYDROCEL,
        sfreq=_study.simulated.signals.PFACTOR_SFREQ,
        states=EYES,
        **AS_WRITTEN,
    ),
    "simulated-person": Recipe(
        sfreq=None,
        budget=Budget(pretrain_steps=50, n_steps=30),
        **AS_WRITTEN,
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


def get_recipe(name):
    """What is known of a study before it is opened.

    Parameters
    ----------
    name : str or path-like
        A study, see :func:`_study.find_study`.

    Returns
    -------
    Recipe
        That of ``RECIPES``, or one with its defaults for a study that is not listed there.
        ``EEG_TUTORIAL_TARGET`` in the environment replaces ``subject_target``.
    """
    recipe = RECIPES.get(SIMULATED.sub(r"\g<kind>", Path(name).name), Recipe())
    column = os.environ.get("EEG_TUTORIAL_TARGET")
    return replace(recipe, subject_target=column) if column else recipe


def get_budget(name, n_people):
    """What the fine-tuning page may spend on a study that has so many target people.

    Parameters
    ----------
    name : str or path-like
        A study, see :func:`_study.find_study`.
    n_people : int
        People of its target cohort.

    Returns
    -------
    Budget
        That of the study's recipe. With fewer people than it asks for, its groups shrink in
        proportion, never below two people, and what is left is printed.

    Raises
    ------
    StudyError
        If there are fewer than eight people: two to train on, two to choose with, four to test.
    """
    budget = get_recipe(name).budget
    n_asked = budget.n_labelled + budget.n_validation + budget.n_test
    if n_people >= n_asked:
        return budget
    if n_people < 8:
        raise StudyError(
            f"{name} has {n_people} people in its target cohort, too few for one split (2 to train on, 2 to "
            "choose, 4 to test): run plot_78_a_new_person, which makes each of them the new person once"
        )
    share = n_people / n_asked
    n_labelled = max(2, int(budget.n_labelled * share))
    n_validation = max(2, int(budget.n_validation * share))
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


def download_size(name, max_subjects=None, *, recordings=None):
    """Size of a dataset of EEGDash's catalogue, from the list that ships with the package.

    Parameters
    ----------
    name : str
        A dataset id.
    max_subjects : int or None
        Only so many people.
    recordings : int or None
        Only so many recordings of each person.

    Returns
    -------
    n_subjects : int
        People that would be downloaded.
    megabytes : float
        Their size in MB. Exact for nobody: people, and recordings, are taken to be equally large.

    Raises
    ------
    StudyError
        If the catalogue has no such dataset.
    """
    listed = catalogue()
    if name not in listed.index:
        raise StudyError(
            f"no dataset {name!r} in the catalogue of EEGDash. {known_names()}"
        )
    row = listed.loc[name]
    n_all = int(row["n_subjects"])
    n_subjects = min(max_subjects or n_all, n_all)
    each = get_recipe(name).megabytes or float(row["size_bytes"]) / 1e6 / n_all
    if recordings:
        each = recordings * float(row["size_bytes"]) / 1e6 / float(row["n_records"])
    return n_subjects, each * n_subjects


def is_simulated(name):
    """Is this the name of a simulated study?"""
    return SIMULATED.fullmatch(str(name)) is not None


def null_of(name):
    """Name of the simulated study with the same people and nothing planted.

    Parameters
    ----------
    name : str
        Name of a study.

    Returns
    -------
    str or None
        None where no effect was planted that could be left out.
    """
    match = SIMULATED.fullmatch(name)
    if not match or not match["score"]:
        return None
    seed = f"-{match['seed']}" if match["seed"] else ""
    return f"{match['kind']}{seed}-effect0"


def planted_effect(name):
    """Effect planted in a simulated study, or None where nobody knows."""
    match = SIMULATED.fullmatch(name)
    if not match or not match["score"]:
        return None
    usual = {"pfactor": _study.simulated.signals.PFACTOR_EFFECT, "person": 1.0}[
        match["score"]
    ]
    return float(match["effect"] or usual)


def override_recipe(recipe, task, classes, channels):
    """The recipe with the caller's own values in place of its own."""
    given = {"task": task, "classes": classes, "channels": channels}
    as_tuple = {
        k: (v,) if isinstance(v, str) else tuple(v)
        for k, v in given.items()
        if v is not None
    }
    return replace(recipe, **as_tuple)


def known_names():
    simulated = ", ".join(n for n in RECIPES if n.startswith("simulated-"))
    return (
        f"Known: {simulated}; any dataset id of the EEGDash catalogue, such as nm000109; "
        "or the path of a BIDS folder, such as ./my_study"
    )


def catalogue():
    """EEGDash's own list of datasets, which ships with the package: sizes without a network."""
    package = Path(importlib.util.find_spec("eegdash").origin).parent
    return pd.read_csv(package / "dataset" / "dataset_summary.csv", index_col="dataset")
