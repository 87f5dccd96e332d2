"""Events of a recording: read from ``events.tsv``, checked row by row, accounted for, and made classes."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from _runtime import quiet_imports
from _study.catalogue import SHOWN, StudyError, shorten
from _study.pauses import CUT_OF_TABLE, cut_seconds, is_joint, place_events
from _study.tables import MISSING, entity, find_sidecar, read_numbers, read_table

with quiet_imports():
    import mne


@dataclass(frozen=True)
class Events:
    """Rows of an ``events.tsv``, as they stand there.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    rows : ndarray of int
        Row of the file of each event, 2 for the first below the header.
    onset, duration : ndarray of float
        In seconds; NaN and 0 where they are missing.
    names : ndarray of object
        See :func:`name_events`.
    table : pandas.DataFrame
        All columns, as text.
    paused : ndarray of bool
        Which lie inside a pause of the recording, and have no onset.
    """

    path: Path
    rows: np.ndarray
    onset: np.ndarray
    duration: np.ndarray
    names: np.ndarray
    table: pd.DataFrame
    paused: np.ndarray = np.False_

    def n_windows(self, recipe, seconds=None):
        """Windows that fit into each event; a sample short is no matter.

        Parameters
        ----------
        recipe : _study.catalogue.Recipe
            Window and rate.
        seconds : float or None
            Length of the recording, where an event ends at the latest; None asks nothing of it.

        Returns
        -------
        ndarray of int
            0 where the onset is missing.
        """
        length = self.duration
        if seconds is not None:
            length = np.minimum(length, seconds - self.onset)
        return np.nan_to_num((length + 1 / recipe.sfreq) // recipe.window_s).astype(int)


def read_events(root, path):
    """Events of a recording.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    path : pathlib.Path
        A data file in it.

    Returns
    -------
    Events
        Of its ``events.tsv``.

    Raises
    ------
    StudyError
        If there is no such file, or a row has a negative duration or a word for a number.
    """
    table_path = find_sidecar(root, path, "events.tsv")
    if table_path is None:
        raise StudyError(
            f"{path} has no events.tsv, from which the labels of its windows come: fetch "
            f"{path.name.rpartition('_')[0]}_events.tsv, or write it with the columns onset, duration "
            "and trial_type"
        )
    table = read_table(table_path, "onset", "duration")
    onset = read_numbers(table, "onset", table_path)
    duration = read_numbers(table, "duration", table_path)
    for at in np.flatnonzero(duration < 0)[:1]:
        raise StudyError(
            f"{table_path}: duration is {table['duration'].iloc[at]} in row {table.index[at]}, and an event "
            "cannot end before it starts. Write how many seconds it lasts, or n/a."
        )
    names = name_events(table, np.isfinite(onset))
    rows = table.index.to_numpy()
    events = Events(table_path, rows, onset, np.nan_to_num(duration), names, table)
    return place_events(events, path)


def name_events(table, has_onset):
    """Name of each event, as :func:`mne_bids.events_file_to_annotation_kwargs` gives it.

    The column is ``trial_type``, else ``stim_type``, else ``value``. A trial type that goes with
    several values is told apart by them: ``left/1`` and ``left/2``.

    Parameters
    ----------
    table : pandas.DataFrame
        Text, as :func:`_study.tables.read_table` gives it.
    has_onset : ndarray of bool
        Events without an onset tell nothing apart.

    Returns
    -------
    ndarray of object
        None where an event has no name.
    """
    columns = [c for c in ("trial_type", "stim_type", "value") if c in table.columns]
    if not columns:
        return np.full(len(table), "n/a", dtype=object)
    chosen = columns[0]
    if "value" in columns and table[chosen].eq("n/a").all():
        chosen = "value"
    names = [None if name in ("n/a", "") else name for name in table[chosen]]
    if "value" in columns and chosen != "value":
        names = _tell_apart(names, table["value"].tolist(), has_onset)
    return np.array(names, dtype=object)


def _tell_apart(names, values, has_onset):
    """Names with their value behind a slash, where a name has several."""
    values_of = {}
    for name, value, counts in zip(names, values, has_onset, strict=True):
        if counts:
            values_of.setdefault(name, set()).add(value)
    longer = []
    for name, value in zip(names, values, strict=True):
        if name and len(values_of.get(name, ())) > 1:
            longer.append(f"{name}/{'na' if value == 'n/a' else value}")
        else:
            longer.append(name)
    return longer


def annotate(raw, events):
    """Give a recording the events of its table, in place of those that its file may hold.

    Segments that the file itself marks as bad stay, and so do its cuts; a row that is named as a
    joint of two pieces is one more cut.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Changed in place.
    events : Events
        Of :func:`read_events`.

    Returns
    -------
    mne.io.BaseRaw
        ``raw``.
    """
    has_name = np.array([name is not None for name in events.names], bool)
    inside = has_name & (events.onset >= 0) & (events.onset <= raw.times[-1])
    joints = inside & np.array([is_joint(name) for name in events.names], bool)
    inside = inside & ~joints
    notes = raw.annotations
    bad = np.array([is_bad(name) for name in notes.description], bool)
    cuts = cut_seconds(raw, events.onset[joints])
    # All in seconds since the first sample; a file may have begun to count before.
    onset = [events.onset[inside], notes.onset[bad] - raw.first_time, cuts]
    duration = [events.duration[inside], notes.duration[bad], 0 * cuts]
    names = [*events.names[inside], *notes.description[bad], *[CUT_OF_TABLE] * len(cuts)]
    return raw.set_annotations(
        mne.Annotations(np.concatenate(onset), np.concatenate(duration), names)
    )


def is_bad(name):
    """Does MNE take a span of this name for one to leave out?"""
    return str(name).lower().startswith("bad")


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


def longest_events(raw):
    """Seconds of the longest event of each name among the annotations of a recording."""
    longest = {}
    notes = raw.annotations
    for name, seconds in zip(notes.description, notes.duration, strict=True):
        longest[str(name)] = max(longest.get(str(name), 0.0), float(seconds))
    return longest


def find_classes(root, recordings, recipe, by_event):
    """The recipe with its classes, which are among the events; where it names none, those shared.

    Parameters
    ----------
    root : pathlib.Path
        The study's folder, for messages.
    recordings : list of tuple
        Path (:class:`pathlib.Path`) and annotated signals (:class:`mne.io.BaseRaw`) of each.
    recipe : _study.catalogue.Recipe
        Classes, if it names them, rate and window.
    by_event : bool
        Is the label of a window the class of its event? Otherwise every event counts.

    Returns
    -------
    _study.catalogue.Recipe
        With ``classes``.

    Raises
    ------
    StudyError
        If a class is no event of the study, or there are fewer than two to tell apart; see also
        :func:`choose_classes`.
    """
    people, tasks = {}, {}
    longest = {}
    for path, raw in recordings:
        events = {n: s for n, s in longest_events(raw).items() if not is_bad(n)}
        people.setdefault(entity(path.name, "sub"), set()).update(events)
        tasks.setdefault(entity(path.name, "task"), set()).update(events)
        for name, seconds in events.items():
            longest[name] = max(longest.get(name, 0.0), seconds)
    names = sorted(longest)
    if recipe.classes is None:
        long = {n for n in names if longest[n] + 1 / recipe.sfreq >= recipe.window_s}
        long = long if len(long) > 1 else set(names)
        people = {subject: events & long for subject, events in people.items()}
        tasks = {task: events & long for task, events in tasks.items()}
        classes = choose_classes(people, tasks, by_event=by_event, root=root)
        recipe = replace(recipe, classes=classes)
    unknown = [name for name in recipe.classes if name not in names]
    if unknown or len(recipe.classes) < (2 if by_event else 1):
        raise StudyError(
            f"no event {unknown or 'to tell apart'} in {root.name}: "
            f"the events there are {names}. Pass classes=('one', 'other')"
        )
    return recipe


def choose_classes(people, tasks, *, by_event, root):
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
            f"{_who_has(people, names)}. Pass classes=('one', 'other')"
        )
    rest = [name for name in names if name not in shared]
    if rest and len(people) > 1:
        print(
            f"{root.name}: not everybody has these events, left out: {_who_has(people, rest)}"
        )
    _ask_one_question(tasks, shared, root)
    return tuple(shared)


def _shared_events(people, names):
    """Events that everybody has; where less than two are, those that at least half have."""
    counts = Counter(name for events in people.values() for name in events)
    shared = [name for name in names if counts[name] == len(people)]
    if len(shared) < 2:
        shared = [name for name in names if 2 * counts[name] >= len(people)]
    return shared


def _ask_one_question(tasks, shared, root):
    """Refuse two tasks that each ask a question of their own; tell where they differ otherwise."""
    questions = {task: sorted(events & set(shared)) for task, events in tasks.items()}
    if len({tuple(events) for events in questions.values()}) < 2:
        return
    each = ", ".join(f"{task} {events}" for task, events in questions.items())
    if sum(len(events) > 1 for events in questions.values()) > 1:
        raise StudyError(
            f"the tasks of {root.name} ask different questions: {each}. Pass task= with one of them, "
            "or classes= to tell these apart"
        )
    print(f"{root.name}: one question over {len(questions)} tasks: {each}")


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


def refuse_overlap(events, recipe):
    """Two events of the classes may not claim the same samples: their windows would be two labels for one.

    Parameters
    ----------
    events : Events
        Of :func:`read_events`.
    recipe : _study.catalogue.Recipe
        Classes, rate, window and blocks: cues that last until the next one cannot overlap.

    Raises
    ------
    StudyError
        With the rows of the two.
    """
    if recipe.blocks:
        return
    n_windows = events.n_windows(recipe)
    of_classes = np.isin(events.names, recipe.classes)
    at = np.flatnonzero(of_classes & (n_windows > 0) & np.isfinite(events.onset))
    at = at[np.argsort(events.onset[at], kind="stable")]
    starts = events.onset[at]
    ends = starts + n_windows[at] * recipe.window_s
    early = starts[1:] + 1.5 / recipe.sfreq < ends[:-1]
    for i in np.flatnonzero(early)[:1]:
        both = [
            f"{events.names[k]!r} from {events.onset[k]:g} s on for {events.duration[k]:g} s"
            for k in at[i : i + 2]
        ]
        raise StudyError(
            f"{events.path}: the events in rows {events.rows[at[i]]} and {events.rows[at[i + 1]]} overlap "
            f"({' and '.join(both)}). Remove one, correct the durations, or pass classes= without it."
        )


def lost_events(events, seconds, recipe):
    """Events of the recipe's classes that cannot give all of their windows, and why.

    Parameters
    ----------
    events : Events
        Of :func:`read_events`.
    seconds : float
        Length of the recording.
    recipe : _study.catalogue.Recipe
        Classes, window and blocks: a cue has no length of its own, and is never too short.

    Returns
    -------
    dict of str to list of int
        Rows of the table, per reason.
    """
    onset = events.onset
    whole = events.n_windows(recipe)
    reasons = {
        "inside a pause of the recording": events.paused,
        "no onset": np.isnan(onset),
        "before the recording": onset < 0,
        "after its end": onset >= seconds,
        "shorter than a window": (whole == 0) & (recipe.blocks is None),
        "reaching beyond its end": events.n_windows(recipe, seconds) < whole,
    }
    left = np.isin(events.names, recipe.classes)
    lost = {}
    for reason, applies in reasons.items():
        if (applies & left).any():
            lost[reason] = events.rows[applies & left].tolist()
        left = left & ~applies
    return lost


def tell_lost(events, lost):
    """Print which rows of a table gave no window, or fewer than they hold, and why.

    Parameters
    ----------
    events : Events
        Of :func:`read_events`.
    lost : dict of str to list of int
        Of :func:`lost_events`.
    """
    parts = []
    for reason, rows in lost.items():
        word = "rows" if len(rows) > 1 else "row"
        parts.append(f"{word} {shorten([str(row) for row in rows])} ({reason})")
    if parts:
        print(f"{events.path.name}: events lose windows: {'; '.join(parts)}")


def event_values(metadata, root, paths, column, recipe):
    """Value of a column of ``events.tsv`` for each window: that of the event it was cut from.

    Parameters
    ----------
    metadata : pandas.DataFrame
        One row per window, as :func:`_study.windows.read_windows` gives it; its ``target`` is the
        class of its event.
    root : pathlib.Path
        The study's folder.
    paths : list of pathlib.Path
        Recordings.
    column : str
        Which column.
    recipe : _study.catalogue.Recipe
        Classes, rate and window.

    Returns
    -------
    pandas.Series of float
        NaN where the event has no value.

    Raises
    ------
    StudyError
        If a value is not a number.
    """
    values = pd.Series(np.nan, index=metadata.index)
    for path in paths:
        events = read_events(root, path)
        if column not in events.table.columns:
            continue
        numbers = _event_numbers(events, column)
        windows = metadata[metadata["recording"] == path.name.rpartition("_")[0]]
        # A short event inside a long one gave no window; a cue has no length of its own.
        whole = (events.n_windows(recipe) > 0) | (recipe.blocks is not None)
        for code, name in enumerate(recipe.classes):
            starts = windows.loc[windows["target"] == code, "start_s"]
            of_class = np.flatnonzero((events.names == name) & whole & (events.onset >= 0))
            if len(starts) and len(of_class):
                of_class = of_class[np.argsort(events.onset[of_class], kind="stable")]
                # Half a sample of grace: onsets were rounded when the recording was resampled.
                late = starts + 0.5 / recipe.sfreq
                at = np.searchsorted(events.onset[of_class], late, side="right") - 1
                values[starts.index] = numbers[of_class[np.maximum(at, 0)]]
    return values


def _event_numbers(events, column):
    """A column of an ``events.tsv`` as float, NaN where the value is missing."""
    words = events.table[column]
    numbers = pd.to_numeric(words, errors="coerce").to_numpy(float)
    wrong = np.isnan(numbers) & ~words.str.lower().isin(MISSING).to_numpy()
    for at in np.flatnonzero(wrong)[:1]:
        raise StudyError(
            f"{events.path} has a value of {column!r} that is not a number ({words.iloc[at]!r} in row "
            f"{events.rows[at]}): correct it, or write n/a"
        )
    return numbers
