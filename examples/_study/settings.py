"""Settings of a study: those that are known, those of a file beside the data, those of an argument.

Whatever comes from outside is checked here, before a folder is looked at: a wrong key or value is
refused with the file, the key, the value and what to write instead.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple

from _study.catalogue import RECIPES, Budget, Recipe, StudyError, parse_simulated
from _study.tables import read_text

#: What may stand where a study has something of its own, or where nothing is done.
OR_NONE = ", or false (in Python None) for none"


class Setting(NamedTuple):
    """How a value is read, and what to write where it cannot be.

    Attributes
    ----------
    read : callable
        Takes a value and gives it as :class:`_study.catalogue.Recipe` holds it, or raises a
        ValueError.
    write : str
        What the value has to be, for messages.
    optional : bool
        Is None a value, in TOML ``false``?
    """

    read: Callable
    write: str
    optional: bool = False


def _names(value):
    """One name, or several: a tuple in which each stands once."""
    names = (value,) if isinstance(value, str) else value
    if not isinstance(names, list | tuple) or not names:
        raise ValueError
    if not all(isinstance(name, str) and name.strip() for name in names):
        raise ValueError
    if len(set(names)) < len(names):
        raise ValueError
    return tuple(names)


def _entities(value):
    """Parts of file names, such as acq-clean, or acq- for a name without it."""
    names = _names(value)
    if not all(re.fullmatch(r"[a-z]+-[^\W_]*", name) for name in names):
        raise ValueError
    return names


def _some_names(value):
    """Several names, or none."""
    return () if isinstance(value, list | tuple) and not value else _names(value)


def _positive(value):
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError
    if not 0 < value < 1e9:  # neither is nan
        raise ValueError
    return float(value)


def _between(low, high):
    """A reader of numbers from one to another."""

    def read(value):
        number = _positive(value)
        if not low <= number <= high:
            raise ValueError
        return number

    return read


def _count(value):
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 10**9:
        raise ValueError
    return value


def _counts(value):
    if not isinstance(value, list | tuple) or not value or len(set(value)) < len(value):
        raise ValueError
    return tuple(_count(number) for number in value)


def _count_or_share(value):
    if isinstance(value, float) and 0 < value < 1:
        return value
    return _count(value)


def _flag(value):
    if not isinstance(value, bool):
        raise ValueError
    return value


def _text(value):
    if not isinstance(value, str):
        raise ValueError
    return value


def _name(value):
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    return value


def _reference(value):
    if isinstance(value, str) and value != "average":
        raise ValueError
    return value if value == "average" else _names(value)


#: What can be set of a study, by the names of :class:`_study.catalogue.Recipe`.
SETTINGS = {
    "task": Setting(_names, "names of BIDS tasks, each once" + OR_NONE, True),
    "classes": Setting(_names, "names of events, each once" + OR_NONE, True),
    "channels": Setting(_names, "names of channels, each once" + OR_NONE, True),
    "entities": Setting(
        _entities, 'parts of file names, such as ["acq-clean"], each once' + OR_NONE, True
    ),
    "sfreq": Setting(_between(1, 20_000), "a rate from 1 to 20,000 Hz" + OR_NONE, True),
    "reference": Setting(
        _reference, "'average', or names of channels in brackets" + OR_NONE, True
    ),
    "l_freq": Setting(
        _between(0.01, 1e4), "a frequency of 0.01 Hz or more" + OR_NONE, True
    ),
    "h_freq": Setting(_between(0.1, 1e4), "a frequency of 0.1 Hz or more" + OR_NONE, True),
    "window_s": Setting(_between(1e-3, 1e5), "a length in seconds, 0.001 or more"),
    "balance": Setting(_flag, "true or false"),
    "blocks": Setting(_names, "names of cues, each once" + OR_NONE, True),
    "cues": Setting(_some_names, "names of events, each once, or [] for none", True),
    "megabytes": Setting(_positive, "a size in MB above 0" + OR_NONE, True),
    "n_source": Setting(_count, "a whole number of people" + OR_NONE, True),
    "subject_target": Setting(_name, "the name of a column of participants.tsv"),
    "n_hold_out": Setting(_count_or_share, "a whole number of people, or a share below 1"),
    "question": Setting(_text, "a text in quotation marks"),
    "credit": Setting(_text, "a text in quotation marks"),
}
#: What can be set below ``[budget]``, by the names of :class:`_study.catalogue.Budget`.
BUDGET_SETTINGS = {
    "n_labelled": Setting(_count, "a whole number of people"),
    "n_validation": Setting(_count, "a whole number of people"),
    "n_test": Setting(_count, "a whole number of people"),
    "n_labelled_curve": Setting(_counts, "whole numbers of people, each once"),
    "pretrain_steps": Setting(_count, "a whole number of steps above 0"),
    "n_steps": Setting(_count, "a whole number of steps above 0"),
}


def absolute(folder):
    """Path of a folder under the name by which it is asked for; of ``..``, the name of where it leads.

    Parameters
    ----------
    folder : path-like
        Maybe a link, whose name it keeps.

    Returns
    -------
    pathlib.Path
        Absolute, without ``..``.
    """
    path = Path(folder)
    if path.name == "..":
        return path.resolve()
    return path.parent.resolve() / path.name if ".." in path.parts else path.absolute()


def get_recipe(name):
    """What is known of a study before it is opened.

    Parameters
    ----------
    name : str or path-like
        A study, see :func:`_study.find_study`.

    Returns
    -------
    Recipe
        That of ``RECIPES``, or one with its defaults for a study that is not listed there. Values
        in the TOML file that ``EEG_TUTORIAL_RECIPE`` in the environment names stand before it,
        but for simulated studies, which are opened as they were written. ``EEG_TUTORIAL_TARGET``
        replaces ``subject_target``.

    Raises
    ------
    StudyError
        If the file is not there, is not TOML, or has a key or a value that cannot be used.
    """
    short = absolute(name).name if name else ""
    simulated = parse_simulated(short)
    recipe = RECIPES.get(simulated.kind if simulated else short, Recipe())
    file = os.environ.get("EEG_TUTORIAL_RECIPE")
    if file and simulated is None:
        recipe = _with_values(recipe, _read_toml(file), file)
    column = os.environ.get("EEG_TUTORIAL_TARGET")
    return replace(recipe, subject_target=column) if column else recipe


def check_recipe(recipe):
    """A recipe that was passed as ``recipe=``, checked as a file is.

    Parameters
    ----------
    recipe : Recipe
        All settings of a study.

    Returns
    -------
    Recipe
        The same, with tuples where there were lists or single names.

    Raises
    ------
    StudyError
        If it is none, or if a value cannot be used.
    """
    if not isinstance(recipe, Recipe) or not isinstance(recipe.budget, Budget):
        raise StudyError(
            f"recipe={str(recipe)[:200]!r} is no recipe: pass Recipe(...), with Budget(...) as its budget"
        )
    values = {each.name: getattr(recipe, each.name) for each in fields(recipe)}
    budget = values["budget"]
    values["budget"] = {each.name: getattr(budget, each.name) for each in fields(budget)}
    return _with_values(recipe, values, "recipe=")


def override_recipe(recipe, *, task=None, classes=None, channels=None):
    """A recipe with the caller's own values in place of its own.

    Parameters
    ----------
    recipe : Recipe
        What a study needs.
    task, classes, channels : str or sequence of str, optional
        Instead of those of the recipe.

    Returns
    -------
    Recipe
        The recipe of this call.

    Raises
    ------
    StudyError
        If a class or a channel stands twice among them.
    """
    given = {"channels": channels, "classes": classes, "task": task}
    values = {}
    for key, value in given.items():
        if value is not None:
            values[key] = (value,) if isinstance(value, str) else tuple(value)
    for key in ("channels", "classes"):
        names = values.get(key, ())
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise StudyError(f"{key}= has {twice} twice: pass each name once")
    return replace(recipe, **values) if values else recipe


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


def _read_toml(file):
    """Keys and values of a TOML file, whatever they are."""
    try:
        path = Path(file).expanduser()
        is_file = path.is_file()
    except (OSError, RuntimeError):  # a name too long, a home of nobody
        is_file = False
    if not is_file:
        raise StudyError(
            f"EEG_TUTORIAL_RECIPE is {file[:200]!r}, and there is no such file: set it to the path of a "
            "TOML file with the settings of your study, or unset it"
        )
    try:
        return tomllib.loads(read_text(path, asked_by="TOML"))
    except (ValueError, RecursionError) as err:  # also a number of thousands of digits
        raise StudyError(
            f"{file} is not TOML ({err}). Correct that line: write key = value, words in quotation "
            'marks, several in brackets, such as channels = ["Fz", "Cz"]'
        ) from err


def _with_values(recipe, values, where):
    """A recipe with checked values in place of its own."""
    values = dict(values)
    given = values.pop("budget", {})
    if not isinstance(given, dict):
        raise StudyError(
            f"{where}: budget is {_shown(given)}. Write a line [budget], and below it such as n_steps = 60"
        )
    given = _read_values(given, BUDGET_SETTINGS, f"{where}, [budget]")
    budget = replace(recipe.budget, **given)
    if budget.n_labelled not in budget.n_labelled_curve:
        curve = tuple(sorted({*budget.n_labelled_curve, budget.n_labelled}))
        budget = replace(budget, n_labelled_curve=curve)
    values = _read_values(values, SETTINGS, where)
    recipe = replace(recipe, **values, budget=budget)
    refuse_together(recipe, where)
    return recipe


def _read_values(values, settings, where):
    """Each value as a recipe holds it, or a StudyError for a key or a value that is none."""
    read = {}
    for key, value in values.items():
        if key not in settings:
            raise StudyError(f"{where}: {key!r} is no setting. {_advice(key, settings)}")
        setting = settings[key]
        if setting.optional and (value is None or value is False):
            read[key] = None
            continue
        try:
            read[key] = setting.read(value)
        except (ValueError, TypeError) as err:
            raise StudyError(
                f"{where}: {key} is {_shown(value)}. Write {setting.write}"
            ) from err
    return read


def _advice(key, settings):
    """What to write instead of a key that is no setting."""
    if key in SETTINGS:
        return "Write it above the line [budget]"
    if key in BUDGET_SETTINGS:
        return "Write it below a line [budget]"
    near = difflib.get_close_matches(key, settings, n=1)
    if near:
        return f"Write {near[0]}, if that is what you mean, or remove it"
    return f"Remove it, or write one of {', '.join(settings)}"


def refuse_together(recipe, where):
    """Refuse values that are right alone and not beside each other.

    Parameters
    ----------
    recipe : Recipe
        Settings; where ``sfreq`` is None, what depends on it is looked at when recordings tell it.
    where : str
        Where they come from, for the message.

    Raises
    ------
    StudyError
        If an edge of the filter is not below the other, or not well below half of the rate, or if a
        window has no sample.
    """
    low, high = recipe.l_freq, recipe.h_freq
    sfreq = recipe.sfreq
    if low and high and low >= high:
        raise StudyError(
            f"{where}: l_freq is {low:g} Hz and h_freq is {high:g} Hz. Write an l_freq that is smaller"
        )
    for key, edge in (("l_freq", low), ("h_freq", high)):
        # Closer to half of the rate a filter would need more samples than fit into memory.
        if edge and sfreq and edge >= 0.99 * sfreq / 2:
            raise StudyError(
                f"{where}: {key} is {edge:g} Hz and sfreq is {sfreq:g} Hz. Write an {key} below half of "
                f"sfreq, that is below {0.99 * sfreq / 2:g} Hz, or a larger sfreq"
            )
    if sfreq and recipe.window_s * sfreq < 1:
        raise StudyError(
            f"{where}: window_s is {recipe.window_s:g} s, less than a sample at {sfreq:g} Hz. Write a "
            "longer one"
        )


def _shown(value):
    """A value for a message."""
    try:
        shown = repr(value)
    except ValueError:  # Python does not print a number of thousands of digits
        return "a number of thousands of digits"
    return shown if len(shown) <= 200 else f"{shown[:200]}..."
