"""What is known of a study by its name: facts, recipes, sizes. No disk but EEGDash's own list.

The simulation takes its electrodes, classes and rates from here: one place says what a study is.
"""

import importlib.util
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from _runtime import TutorialError

#: Name of a simulated study; its seed is another draw of people.
SIMULATED = re.compile(
    r"(?P<kind>simulated-[a-z]+)(?:-(?P<seed>\d+))?(?:-effect(?P<effect>\d+(?:\.\d+)?))?"
)
#: Cues of the Healthy Brain Network at rest.
EYES = ("instructed_toOpenEyes", "instructed_toCloseEyes")
#: Eight places of the HydroCel cap from front to back, Cz among them.
#: Beside each, the place of the 10-20 system near it.
PLACES = {
    "E11": "Fz",
    "Cz": "Cz",
    "E62": "Pz",
    "E75": "Oz",
    "E36": "C3",
    "E104": "C4",
    "E52": "P3",
    "E92": "P4",
}
HYDROCEL = tuple(PLACES)
#: Electrodes of the simulated transfer study and of the one of new people.
TRANSFER_CH_NAMES = ("Fz", "Cz", "Pz", "Oz", "C3", "C4", "P3", "P4")
#: Class names of the transfer study; the position is the label.
TRANSFER_CLASSES = ("delta", "alpha")
#: Class names of the study of new people; the position is the label.
PERSON_CLASSES = ("left hand", "right hand", "feet", "tongue")
#: Sampling frequency of the transfer study, in Hz.
TRANSFER_SFREQ = 128.0
#: Sampling frequency of the p-factor study and of the one of three tasks, in Hz.
PFACTOR_SFREQ = 100.0
#: Sampling frequency of the study of new people, in Hz.
PERSON_SFREQ = 64.0
#: Events of each task of the study of three tasks; the position is the label.
TASK_EVENTS = {
    "RestingState": EYES,
    "contrastChangeDetection": ("left_target", "right_target"),
    "flicker": ("slow_flicker", "fast_flicker"),
}
#: Effect planted in a simulated study unless its name says another. Of a score: change of log
#: alpha amplitude for each unit. Of new people: how much they differ.
USUAL_EFFECT = {"simulated-pfactor": 0.5, "simulated-person": 1.0}

#: How many names a message lists before it only counts.
SHOWN = 8


class StudyError(TutorialError, ValueError):
    """A study that cannot be opened as asked; the message names the thing, its value and the fix."""


def shorten(names, separator=", "):
    """Names for a message: the first few, and how many more there are.

    Parameters
    ----------
    names : list of str
        All of them.
    separator : str
        What stands between them: ``"; "`` for sentences, of which fewer are shown.

    Returns
    -------
    str
        Without a full stop.
    """
    shown = SHOWN if separator == ", " else 3
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return separator.join(names[:shown]) + more


def to_write(key, *choices):
    """How somebody sets names in a recipe, from a page or from code, for a message.

    Parameters
    ----------
    key : str
        A setting, such as ``"task"``.
    *choices : list of str
        Names to set; any one of several.

    Returns
    -------
    str
        Without a full stop.
    """
    texts = [json.dumps(list(names), ensure_ascii=False) for names in choices]
    return (
        f"write {key} = {' or '.join(texts)} into the file that EEG_TUTORIAL_RECIPE names, or pass it in "
        "recipe="
    )


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
    """What a study needs beyond its name.

    For a study of your own, pass one as ``recipe=`` to :func:`_study.find_study`, or write the
    values that differ into a TOML file, see :func:`_study.settings.get_recipe`.

    Attributes
    ----------
    task : tuple of str or None
        BIDS tasks to load; None loads all of them.
    classes : tuple of str or None
        Event names that become labels 0, 1, ...; None takes the event names found in the study.
    channels : tuple of str or None
        Channels to keep, in this order; None keeps the EEG channels that everybody has.
    entities : tuple of str or None
        What stands in the names of the recordings to load, such as ``"acq-clean"``, where a study
        has versions of them; ``"acq-"`` is a name without it. None loads all.
    sfreq : float or None
        Sampling frequency of the windows in Hz; None keeps that of most recordings.
    reference : "average", tuple of str or None
        Re-reference to the mean of these channels; ``"average"`` is all EEG channels that
        everybody has, also where ``channels`` keeps some of them.
    l_freq, h_freq : float or None
        Band-pass edges in Hz.
    window_s : float
        Window length in seconds; windows do not overlap.
    balance : bool
        Keep, per person, equally many windows of each class, evenly spread over the recording.
    blocks : tuple of str or None
        Cues without a duration of their own: each lasts until the next of them, and the last one
        ends the task.
    cues : tuple of str or None
        Classes whose events start something that outlasts them: each gives one window from its
        onset. None takes those of which no event lasts a quarter of a window.
    megabytes : float or None
        Known size of one person's recordings of ``task`` in MB, where the catalogue only knows
        the size of everything.
    n_source : int or None
        People of the ``"source"`` cohort where ``participants.tsv`` has no column ``cohort``.
    subject_target : str
        Column of ``participants.tsv`` that the pages about a score per person predict.
    n_hold_out : int or float
        Test people of those pages, as a number or as a share.
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
    entities: tuple | None = None
    sfreq: float | None = 128.0
    reference: str | tuple | None = "average"
    l_freq: float | None = 1.0
    h_freq: float | None = 40.0
    window_s: float = 2.0
    balance: bool = True
    blocks: tuple | None = None
    cues: tuple | None = None
    megabytes: float | None = None
    n_source: int | None = None
    subject_target: str = "age"
    n_hold_out: int | float = 0.5
    budget: Budget = Budget()
    question: str = ""
    credit: str = ""

    @property
    def n_times(self):
        """Samples of a window."""
        return round(self.window_s * self.sfreq)


#: A simulated study is opened as it was written.
AS_WRITTEN = {"reference": None, "l_freq": None, "h_freq": None, "credit": "simulated"}

RECIPES = {
    "simulated-transfer": Recipe(
        classes=TRANSFER_CLASSES,
        channels=TRANSFER_CH_NAMES,
        question="delta vs alpha",
        **AS_WRITTEN,
    ),
    "simulated-pfactor": Recipe(
        task=("RestingState",),
        classes=EYES[:1],
        channels=HYDROCEL,
        sfreq=PFACTOR_SFREQ,
        blocks=EYES,
        subject_target="p_factor",
        n_hold_out=40,
        **AS_WRITTEN,
    ),
    "simulated-tasks": Recipe(
        channels=HYDROCEL,
        sfreq=PFACTOR_SFREQ,
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
    known = RECIPES.get(name, Recipe()).megabytes
    each = known or float(row["size_bytes"]) / 1e6 / n_all
    if recordings:
        each = recordings * float(row["size_bytes"]) / 1e6 / float(row["n_records"])
    return n_subjects, each * n_subjects


class SimulatedName(NamedTuple):
    """What the name of a simulated study says.

    Attributes
    ----------
    kind : str
        A key of ``RECIPES``.
    seed : int or None
        Which draw of people; None is that of the tutorials.
    effect : float or None
        Size of the planted effect; None where there is none to set.
    """

    kind: str
    seed: int | None
    effect: float | None


def parse_simulated(name):
    """Take the name of a simulated study apart, such as ``simulated-pfactor-7-effect0.25``.

    Parameters
    ----------
    name : str
        Any name.

    Returns
    -------
    SimulatedName or None
        None where it is no name of a simulated study.
    """
    match = SIMULATED.fullmatch(str(name))
    if match is None or match["kind"] not in RECIPES:
        return None
    usual = USUAL_EFFECT.get(match["kind"])
    if match["effect"] and usual is None:
        return None
    seed = int(match["seed"]) if match["seed"] else None
    effect = float(match["effect"]) if match["effect"] else usual
    return SimulatedName(match["kind"], seed, effect)


def is_simulated(name):
    """Is this the name of a simulated study?"""
    return parse_simulated(name) is not None


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
    simulated = parse_simulated(name)
    if simulated is None or simulated.effect is None:
        return None
    seed = "" if simulated.seed is None else f"-{simulated.seed}"
    return f"{simulated.kind}{seed}-effect0"


def planted_effect(name):
    """Effect planted in a simulated study, or None where nobody knows."""
    simulated = parse_simulated(name)
    return None if simulated is None else simulated.effect


def known_names():
    """What a study can be called, for messages."""
    simulated = ", ".join(n for n in RECIPES if n.startswith("simulated-"))
    return (
        f"Known: {simulated}; any dataset id of the EEGDash catalogue, such as nm000109; "
        "or the path of a BIDS folder, such as ./my_study"
    )


def catalogue():
    """EEGDash's own list of datasets, which ships with the package: sizes without a network."""
    package = Path(importlib.util.find_spec("eegdash").origin).parent
    return pd.read_csv(package / "dataset" / "dataset_summary.csv", index_col="dataset")
