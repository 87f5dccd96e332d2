"""Events of a recording: read from ``events.tsv``, checked row by row, and accounted for."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from _runtime import quiet_imports
from _study.catalogue import StudyError
from _study.folder import SHOWN, entity, shorten
from _study.tables import MISSING, find_sidecar, read_numbers, read_table

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
    """

    path: Path
    rows: np.ndarray
    onset: np.ndarray
    duration: np.ndarray
    names: np.ndarray
    table: pd.DataFrame

    def n_windows(self, recipe, seconds=None):
        """Windows that fit into each event, up to ``seconds``; a sample short is no matter."""
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
    found = find_sidecar(root, path, "events.tsv")
    if found is None:
        raise StudyError(
            f"{path} has no events.tsv, from which the labels of its windows come: fetch "
            f"{path.name.rpartition('_')[0]}_events.tsv, or write it with the columns onset, duration "
            "and trial_type"
        )
    table = read_table(found, "onset", "duration")
    onset, duration = (read_numbers(table, c, found) for c in ("onset", "duration"))
    for at in np.flatnonzero(duration < 0)[:1]:
        raise StudyError(
            f"{found}: duration is {table['duration'].iloc[at]} in row {table.index[at]}, and an event "
            "cannot end before it starts. Write how many seconds it lasts, or n/a."
        )
    names = name_events(table, np.isfinite(onset))
    rows = table.index.to_numpy()
    return Events(found, rows, onset, np.nan_to_num(duration), names, table)


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
        values, seen = table["value"].tolist(), {}
        for name, value, has in zip(names, values, has_onset, strict=True):
            if has:
                seen.setdefault(name, set()).add(value)
        names = [
            f"{name}/{'na' if value == 'n/a' else value}"
            if name and len(seen.get(name, ())) > 1
            else name
            for name, value in zip(names, values, strict=True)
        ]
    return np.array(names, dtype=object)


def annotate(raw, events):
    """Give a recording the events of its table, in place of those that its file may hold.

    Segments that the file itself marks as bad stay.

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
    named = np.array([name is not None for name in events.names], bool)
    inside = named & (events.onset >= 0) & (events.onset <= raw.times[-1])
    kept = raw.annotations[
        [i for i, note in enumerate(raw.annotations.description) if is_bad(note)]
    ]
    own = (events.onset[inside], events.duration[inside], events.names[inside].astype(str))
    raw.set_annotations(mne.Annotations(*own))
    return raw.set_annotations(raw.annotations + kept) if len(kept) else raw


def is_bad(name):
    """Does MNE take a span of this name for one to leave out?"""
    return str(name).lower().startswith("bad")


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
    onset, whole = events.onset, events.n_windows(recipe)
    reasons = {
        "no onset": np.isnan(onset),
        "before the recording": onset < 0,
        "after its end": onset >= seconds,
        "shorter than a window": (whole == 0) & (recipe.blocks is None),
        "reaching beyond its end": events.n_windows(recipe, seconds) < whole,
    }
    left, lost = np.isin(events.names, recipe.classes), {}
    for reason, applies in reasons.items():
        if (applies & left).any():
            lost[reason] = events.rows[applies & left].tolist()
        left = left & ~applies
    return lost


def tell_lost(events, lost):
    """Print which rows of a table gave no window, or fewer than they hold, and why."""
    said = [
        f"row{'s' if len(rows) > 1 else ''} {shorten([str(row) for row in rows])} ({reason})"
        for reason, rows in lost.items()
    ]
    if said:
        print(f"{events.path.name}: events lose windows: {'; '.join(said)}")


def refuse_overlap(events, recipe):
    """Two events of the classes may not claim the same samples: their windows would be two labels for one.

    Raises
    ------
    StudyError
        With the rows of the two.
    """
    if recipe.blocks:
        return
    n_windows = events.n_windows(recipe)
    own = np.flatnonzero(
        np.isin(events.names, recipe.classes) & (n_windows > 0) & np.isfinite(events.onset)
    )
    own = own[np.argsort(events.onset[own], kind="stable")]
    ends = (events.onset + n_windows * recipe.window_s)[own]
    early = events.onset[own][1:] + 1.5 / recipe.sfreq < ends[:-1]
    for i in np.flatnonzero(early)[:1]:
        both = [
            f"{events.names[at]!r} from {events.onset[at]:g} s on for {events.duration[at]:g} s"
            for at in own[i : i + 2]
        ]
        raise StudyError(
            f"{events.path}: the events in rows {events.rows[own[i]]} and {events.rows[own[i + 1]]} overlap "
            f"({' and '.join(both)}). Remove one, correct the durations, or pass classes= without it."
        )


def choose_classes(own, tasks, *, by_event, root):
    """Events that become classes where nobody named them: those that everybody has.

    Parameters
    ----------
    own : dict of str to set of str
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
    everything = sorted(set().union(*own.values()))
    if not by_event:
        return tuple(everything)
    counts = {name: sum(name in has for has in own.values()) for name in everything}
    shared = [name for name in everything if counts[name] == len(own)]
    if len(shared) < 2:
        shared = [name for name in everything if 2 * counts[name] >= len(own)]
    if len(shared) < 2 <= len(everything):
        raise StudyError(
            f"the people of {root.name} share {shared or 'no event'}, so there is nothing to tell apart: "
            f"{_who_has(own, everything)}. Pass classes=('one', 'other')"
        )
    rest = [name for name in everything if name not in shared]
    if rest and len(own) > 1:
        print(
            f"{root.name}: not everybody has these events, left out: {_who_has(own, rest)}"
        )
    asked = {task: sorted(has & set(shared)) for task, has in tasks.items()}
    if len({tuple(has) for has in asked.values()}) > 1:
        each = ", ".join(f"{task} {has}" for task, has in asked.items())
        if sum(len(has) > 1 for has in asked.values()) > 1:
            raise StudyError(
                f"the tasks of {root.name} ask different questions: {each}. Pass task= with one of them, "
                "or classes= to tell these apart"
            )
        print(f"{root.name}: one question over {len(asked)} tasks: {each}")
    return tuple(shared)


def _who_has(own, names):
    said = []
    for name in names[:SHOWN]:
        people = [f"sub-{s}" for s, has in own.items() if name in has]
        few = f"{', '.join(people)} have" if len(people) > 1 else f"{people[0]} has"
        said.append(
            f"{few if len(people) <= 3 else f'{len(people)} of {len(own)} have'} {name!r}"
        )
    more = f"; and {len(names) - SHOWN} more events" if len(names) > SHOWN else ""
    return "; ".join(said) + more


def event_values(metadata, root, paths, column, recipe):
    """Value of a column of ``events.tsv`` for each window: that of the event it was cut from.

    Parameters
    ----------
    metadata : pandas.DataFrame
        One row per window, its ``target`` the class of its event.
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
    parts = metadata["sample_id"].str.split("_sample-")
    stems, starts = parts.str[0], parts.str[1].astype(int) / recipe.sfreq
    for path in paths:
        events = read_events(root, path)
        if column not in events.table.columns:
            continue
        words = events.table[column]
        known = pd.to_numeric(words, errors="coerce").to_numpy(float)
        wrong = np.isnan(known) & ~words.str.lower().isin(MISSING).to_numpy()
        for at in np.flatnonzero(wrong)[:1]:
            raise StudyError(
                f"{events.path} has a value of {column!r} that is not a number ({words.iloc[at]!r} in row "
                f"{events.rows[at]}): correct it, or write n/a"
            )
        own = stems.index[stems == path.name.rpartition("_")[0]]
        # A short event inside a long one gave no window; a cue has no length of its own.
        whole = (events.n_windows(recipe) > 0) | (recipe.blocks is not None)
        for code, name in enumerate(recipe.classes):
            mine = own[metadata.loc[own, "target"] == code]
            of_class = np.flatnonzero((events.names == name) & whole & (events.onset >= 0))
            if len(mine) and len(of_class):
                of_class = of_class[np.argsort(events.onset[of_class], kind="stable")]
                # Half a sample of grace: onsets were rounded when the recording was resampled.
                late = starts[mine] + 0.5 / recipe.sfreq
                at = np.searchsorted(events.onset[of_class], late, side="right") - 1
                values[mine] = known[of_class[np.maximum(at, 0)]]
    return values


def longest_events(raw):
    """Seconds of the longest event of each name."""
    own = {}
    for name, seconds in zip(
        raw.annotations.description, raw.annotations.duration, strict=True
    ):
        own[str(name)] = max(own.get(str(name), 0.0), float(seconds))
    return own


def find_classes(root, dataset, paths, recipe, by_event):
    """The recipe with classes that are among the events; where it names none, those shared."""
    people, tasks, long = {}, {}, {}
    for ds, path in zip(dataset.datasets, paths, strict=True):
        own = {n: s for n, s in longest_events(ds.raw).items() if not is_bad(n)}
        people.setdefault(entity(path.name, "sub"), set()).update(own)
        tasks.setdefault(entity(path.name, "task"), set()).update(own)
        long = {n: max(long.get(n, 0.0), s) for n, s in (long | own).items()}
    events = sorted(long)
    if recipe.classes is None:
        enough = {n for n in events if long[n] + 1 / recipe.sfreq >= recipe.window_s}
        enough = enough if len(enough) > 1 else set(events)
        people, tasks = ({k: v & enough for k, v in d.items()} for d in (people, tasks))
        classes = choose_classes(people, tasks, by_event=by_event, root=root)
        recipe = replace(recipe, classes=classes)
    unknown = [c for c in recipe.classes if c not in events]
    if unknown or len(recipe.classes) < (2 if by_event else 1):
        raise StudyError(
            f"no event {unknown or 'to tell apart'} in {root.name}: "
            f"the events there are {events}. Pass classes=('one', 'other')"
        )
    return recipe
