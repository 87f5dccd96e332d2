"""Which events of a study become classes: decided over all of its tables, before a window is cut."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd

from _study.catalogue import SHOWN, StudyError, shorten
from _study.events import is_bad, is_mark
from _study.tables import entity
from _study.trials import WHOLE, refuse_unusable

#: How the classes of a study are said by somebody who runs a page, or calls the door.
SAY_CLASSES = 'Write classes = ["one", "other"] into the file that EEG_TUTORIAL_RECIPE names, or pass classes='
#: Names that stand for one window of a person each may still be classes if they are not more than this.
FEW = 4


def find_classes(root, recordings, recipe, by_event, whole=False):
    """The recipe with its classes, which are among the events; where it names none, those shared.

    Parameters
    ----------
    root : pathlib.Path
        The study's folder, for messages.
    recordings : list of _study.trials.Recorded
        All of the study. Those without usable events have no vote, and are refused when they are opened.
    recipe : _study.catalogue.Recipe
        Classes, if it names them, rate and window.
    by_event : bool
        Is the label of a window the class of its event? Otherwise every event counts.
    whole : bool
        May a recording without an event that lasts a window be cut from its start to its end?

    Returns
    -------
    recipe : _study.catalogue.Recipe
        With ``classes``.
    notes : list of str
        What has to be said about it.

    Raises
    ------
    StudyError
        If no recording has usable events, a class is no event of the study, or there are fewer than
        two to tell apart; see also :func:`choose_classes`.
    """
    whole = whole and recipe.classes is None and not recipe.blocks
    usable = [one for one in recordings if one.is_usable]
    if not usable:
        refuse_unusable(root, recordings, whole=whole)
        usable = recordings
    rows = _list_events(usable, recipe)
    names = sorted(set(rows["name"]) | set(rows["plain"]))
    notes = []
    if recipe.classes is None:
        rows = _events_to_tell_apart(root, rows, notes)
        names = sorted(set(rows["name"]))
        if whole:
            classes = _classes_of_anything(root, rows, recipe, len(recordings), notes)
        else:
            classes = _choose(root, rows, recipe, by_event, notes)
        recipe = replace(recipe, classes=classes)
    unknown = [name for name in recipe.classes if name not in [*names, WHOLE]]
    if not unknown and len(recipe.classes) >= (2 if by_event else 1):
        return recipe, notes
    refuse_unusable(root, recordings, whole=whole)
    if not unknown or not names:
        _refuse_no_name(usable, names)
    raise StudyError(
        f"no event {unknown or 'to tell apart'} in {root.name}: the events there are {names}. {SAY_CLASSES}"
    )


def _refuse_no_name(recordings, names):
    """Tables in which no event, or only one, has a name: classes= is no help there."""
    events = recordings[0].events
    if len(set(names) - {"n/a"}) > 1 or events.path is None:
        return
    what = "no column names the events"
    if not np.isfinite(events.onset).any():
        raise StudyError(
            f"{events.path}: no event has an onset, and nobody knows where it is. Write seconds into the column "
            "onset: where there is a column sample, that divided by the sampling frequency"
        )
    if events.column is not None:
        what = f"{events.column} has no name but {shorten(names) or 'n/a'} inside the recordings"
    raise StudyError(
        f"{events.path}: {what}, so there is nothing to tell apart. Its columns are "
        f"{list(events.table.columns)}: write two names or more into the column trial_type. A column of "
        "participants.tsv (EEG_TUTORIAL_TARGET in a page about a score, or column=) needs no events"
    )


def _list_events(recordings, recipe):
    """A row for each event that has a name, begins inside its recording and is no mark of it."""
    parts = []
    for one in recordings:
        events = one.events.last_until_next(recipe.blocks, one.seconds)
        part = {"name": events.names, "plain": events.plain, "onset": events.onset}
        part = pd.DataFrame(part | {"duration": events.duration})
        part["windows"] = np.maximum(events.n_windows(recipe, one.seconds), 1)
        part["recording"] = one.path.name
        part["subject"] = entity(one.path.name, "sub")
        part["task"] = entity(one.path.name, "task")
        part["column"] = events.column
        inside = (events.onset >= 0) & (events.onset < one.seconds)
        parts.append(part[inside & part["name"].notna()])
    rows = pd.concat(parts, ignore_index=True)
    marks = {name for name in {*rows["name"], *rows["plain"]} if is_mark(name)}
    rows = rows[~(rows["name"].isin(marks) | rows["plain"].isin(marks))]
    return rows.reset_index(drop=True)


def _events_to_tell_apart(root, rows, notes):
    """The same rows with the names that tell them apart, without segments to leave out; it is said."""
    for column in sorted(
        set(rows["column"].dropna()) - {"trial_type", "stim_type", "value"}
    ):
        notes.append(f"{root.name}: names of events are those of the column {column}")
    if rows["name"].ne(rows["plain"]).any() and _counts(rows, 2):
        n_names = rows["name"].nunique()
        notes.append(
            f"{root.name}: the column value is left out: with it the {rows['plain'].nunique()} kinds of "
            f"events would be {n_names}, each once or twice a recording"
        )
        rows = rows.assign(name=rows["plain"])
    bad = sorted(name for name in set(rows["name"]) if is_bad(name))
    for name in [name for name in bad if not name.startswith("BAD")]:
        if _takes_turns(rows, name, bad):
            bad.remove(name)
            notes.append(
                f"{root.name}: {name!r} takes turns with the other events: taken for one of them, and for no segment to "
                "leave out"
            )
        else:
            notes.append(
                f"{root.name}: {name!r} marks what to leave out: it lies over other events, or is not as "
                f"long as they. If it is one of them: {SAY_CLASSES}"
            )
    return rows[~rows["name"].isin(bad)]


def _counts(rows, most):
    """Do names rather number the events: more than a few, each ``most`` windows of a recording at most?"""
    windows = rows.groupby(["recording", "name"])["windows"].sum()
    return rows["name"].nunique() > FEW and windows.mean() <= most


def _takes_turns(rows, name, bad):
    """Are these events like others: about as long, and none at the time of another?"""
    others = rows[~rows["name"].isin(bad)]
    mine = rows[rows["name"] == name]
    length, usual = mine["duration"].median(), others["duration"].median()
    if not len(others) or not usual / 2 <= length <= 2 * usual:
        return False
    for recording, part in mine.groupby("recording"):
        near = others[others["recording"] == recording]
        ends = (near["onset"] + near["duration"]).to_numpy()
        for onset, seconds in zip(part["onset"], part["duration"], strict=True):
            late = near["onset"].to_numpy() < onset + seconds
            if (late & (ends > onset)).any():
                return False
    return True


def _choose(root, rows, recipe, by_event, notes):
    """Classes where nobody named them, of events that last a window, or of cues."""
    longest = rows.groupby("name")["duration"].max() + 1 / recipe.sfreq
    long = set(longest.index[longest >= recipe.window_s])
    chosen = rows[rows["name"].isin(long)] if len(long) > 1 else rows
    chosen = _without_blocks(root, chosen, 2 if by_event else 1, notes)
    if by_event and _counts(chosen, 1):
        events = chosen[chosen["subject"] == chosen["subject"].iloc[0]]
        raise StudyError(
            f"{root.name}: {events['column'].iloc[0]} has {events['name'].nunique()} names for the "
            f"{len(events)} events of sub-{events['subject'].iloc[0]} ({shorten(sorted(set(events['name'])))}), "
            "and what never comes back is no class. Write what the events have in common into the column "
            "trial_type. A column of participants.tsv (EEG_TUTORIAL_TARGET in a page about a score, or "
            "column=) needs no classes"
        )
    if by_event:
        chosen = _without_single(root, chosen, notes)
    people = {subject: set() for subject in rows["subject"]}
    tasks = {task: set() for task in rows["task"]}
    for key, groups in (("subject", people), ("task", tasks)):
        groups.update(chosen.groupby(key)["name"].agg(set))
    return choose_classes(people, tasks, by_event=by_event, root=root, notes=notes)


def _classes_of_anything(root, rows, recipe, n_recordings, notes):
    """Events that last a window, and whole recordings where there are none: any window will do."""
    long = rows[rows["duration"] + 1 / recipe.sfreq >= recipe.window_s]
    long = _without_blocks(root, long, 1, notes)
    whole = [WHOLE] if long["recording"].nunique() < n_recordings else []
    return (*sorted(set(long["name"])), *whole)


def _without_blocks(root, rows, n_names, notes):
    """Events without those that only hold others, if so many names are left; it is said."""
    holders = []
    for name in sorted(set(rows["name"])):
        blocks = rows[rows["name"] == name]
        others = rows[rows["name"] != name]
        n_holding = 0
        for recording, part in blocks.groupby("recording"):
            inner = others[others["recording"] == recording].sort_values("onset")
            n_holding += _n_holding(part, inner)
        if 2 * n_holding > len(blocks):
            holders.append(name)
    left = rows[~rows["name"].isin(holders)]
    if not holders or left["name"].nunique() < n_names:
        return rows
    notes.append(
        f"{root.name}: {shorten([repr(name) for name in holders])} left out: such an event holds others, which "
        "are used instead"
    )
    return left


def _without_single(root, rows, notes):
    """Events without those that come once, if two others come again: they would leave a window each."""
    counts = rows.groupby(["name", "subject"])["windows"].sum().groupby("name")
    windows = counts.median()
    single = windows.index[(windows < 2) & (counts.size() == rows["subject"].nunique())]
    if not len(single) or len(windows) - len(single) < 2:
        return rows
    notes.append(
        f"{root.name}: {shorten([repr(name) for name in single])} left out: one window a person, and the other "
        f"events give {windows.drop(single).min():g} or more. {SAY_CLASSES}"
    )
    return rows[~rows["name"].isin(single)]


def _n_holding(blocks, inner):
    """How many of these events have a shorter one inside them; all of one recording."""
    first = np.searchsorted(inner["onset"], blocks["onset"] - 1e-3)
    known = first < len(inner)
    start = inner["onset"].to_numpy()[first[known]]
    length = inner["duration"].to_numpy()[first[known]]
    ends = (blocks["onset"] + blocks["duration"]).to_numpy()[known]
    shorter = length < blocks["duration"].to_numpy()[known] / 1.5
    return int(np.sum((start + length <= ends + 1e-3) & (start < ends - 1e-3) & shorter))


def choose_classes(people, tasks, *, by_event, root, notes):
    """Events that become classes where nobody named them: those that everybody has.

    Parameters
    ----------
    people : dict of str to set of str
        Events of each person.
    tasks : dict of str to set of str
        Events of each task.
    by_event : bool
        Is the label of a window the class of its event? Otherwise every event counts.
    root : pathlib.Path
        The study's folder, for messages.
    notes : list of str
        What has to be said is added to it.

    Returns
    -------
    tuple of str
        Sorted. Where less than two are had by everybody, those that at least half have.

    Raises
    ------
    StudyError
        If events of two tasks would become one question, or too few people share any.
    """
    names = sorted(set().union(*people.values()))
    if not by_event:
        return tuple(names)
    shared = _shared_events(people, names)
    if len(shared) < 2 <= len(names):
        raise StudyError(
            f"the people of {root.name} share {shared or 'no event'}, so there is nothing to tell apart: "
            f"{_who_has(people, names)}. {SAY_CLASSES}"
        )
    rest = [name for name in names if name not in shared]
    if rest and len(people) > 1:
        notes.append(
            f"{root.name}: not everybody has these events, left out: {_who_has(people, rest)}"
        )
    _ask_one_question(tasks, shared, root, notes)
    return tuple(shared)


def _shared_events(people, names):
    """Events that everybody has; where less than two are, those that at least half have."""
    counts = Counter(name for events in people.values() for name in events)
    shared = [name for name in names if counts[name] == len(people)]
    if len(shared) < 2:
        shared = [name for name in names if 2 * counts[name] >= len(people)]
    return shared


def _ask_one_question(tasks, shared, root, notes):
    """Refuse two tasks that each ask a question of their own; tell where they differ otherwise."""
    questions = {task: sorted(events & set(shared)) for task, events in tasks.items()}
    if len({tuple(events) for events in questions.values()}) < 2:
        return
    each = ", ".join(f"{task} {events}" for task, events in questions.items())
    if sum(len(events) > 1 for events in questions.values()) > 1:
        raise StudyError(
            f"the tasks of {root.name} ask different questions: {each}. Write task = with one of them into the "
            "file that EEG_TUTORIAL_RECIPE names, or classes = to tell these apart; or pass task= or classes="
        )
    notes.append(f"{root.name}: one question over {len(questions)} tasks: {each}")


def _who_has(people, names):
    """Who has each of these events, in words; of many people their number."""
    parts = []
    for name in names[:SHOWN]:
        having = [f"sub-{subject}" for subject, events in people.items() if name in events]
        if len(having) == 1:
            parts.append(f"{having[0]} has {name!r}")
        elif len(having) <= 3:
            parts.append(f"{', '.join(having)} have {name!r}")
        else:
            parts.append(f"{len(having)} of {len(people)} have {name!r}")
    more = f"; and {len(names) - SHOWN} more events" if len(names) > SHOWN else ""
    return "; ".join(parts) + more
