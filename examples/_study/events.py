"""Events of a recording as ``events.tsv`` writes them: checked row by row, named, given to the recording."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from _runtime import quiet_imports
from _study.catalogue import StudyError
from _study.pauses import CUT_OF_TABLE, cut_seconds, is_joint, place_events
from _study.tables import MISSING, find_sidecar, read_numbers, read_table

with quiet_imports():
    import mne

#: Columns that name events: those of MNE-BIDS, and what people write in their place. The first of them
#: in which something stands is taken; ``value``, which often is a number, comes last.
NAME_COLUMNS = (
    "trial_type",
    "stim_type",
    "event_type",
    "event_name",
    "event",
    "condition",
    "stimulus",
    "stim",
    "annotation_type",
    "value",
)
#: What a recorder or a converter writes of itself.
MARKS = re.compile(
    r"(recording|epoch|file|acquisition)[ _-]?(starts?|ends?|begins?|paused|resumed)"
    r"|(start|end|begin)[ _]?(of)?[ _]?(recording|epoch|file|acquisition)"
    r"|epoch|(segment: )?rec start.*|sync(status)?[ /:]*(sync )?(on|off)?|impedance.*",
    re.I,
)
#: Spans to leave out: BAD_jump, "bad segment", bad; but neither badminton nor Badge.
BAD = re.compile(r"bad(?![a-z])", re.I)


@dataclass(frozen=True)
class Events:
    """Rows of an ``events.tsv``, as they stand there.

    Attributes
    ----------
    path : pathlib.Path or None
        The file; None where a recording has none.
    rows : ndarray of int
        Row of the file of each event, 2 for the first below the header.
    onset, duration : ndarray of float
        In seconds; NaN and 0 where they are missing.
    names : ndarray of object
        See :func:`name_events`.
    plain : ndarray of object
        The same, but not told apart by ``value``.
    column : str or None
        Where the names come from.
    table : pandas.DataFrame
        All columns, as text.
    paused : ndarray of bool
        Which lie inside a pause of the recording, and have no onset.
    """

    path: Path | None
    rows: np.ndarray
    onset: np.ndarray
    duration: np.ndarray
    names: np.ndarray
    plain: np.ndarray
    column: str | None
    table: pd.DataFrame
    paused: np.ndarray = np.False_

    def label(self, classes):
        """Name of each event as the classes write it: told apart by ``value`` or not.

        Parameters
        ----------
        classes : tuple of str
            Of a recipe.

        Returns
        -------
        ndarray of object
            None where an event has no name.
        """
        is_plain = np.isin(self.plain, classes) & ~np.isin(self.names, classes)
        return np.where(is_plain, self.plain, self.names)

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
        n_windows = np.nan_to_num((length + 1 / recipe.sfreq) // window_seconds(recipe))
        return np.maximum(n_windows, 0).astype(int)

    def last_until_next(self, cues, seconds):
        """The same events, where cues last until the next of them and the last one is no event.

        Parameters
        ----------
        cues : tuple of str or None
            Names of the cues that take turns; None changes nothing.
        seconds : float
            Length of the recording.

        Returns
        -------
        Events
            With other durations and names.
        """
        if not cues:
            return self
        names = self.label(cues)
        inside = (self.onset >= 0) & (self.onset < seconds)
        at = np.flatnonzero(np.isin(names, cues) & inside)
        at = at[np.argsort(self.onset[at], kind="stable")]
        duration = self.duration.copy()
        duration[at[:-1]] = np.diff(self.onset[at])
        names[at[-1:]] = None
        return replace(self, duration=duration, names=names, plain=names)


def window_seconds(recipe):
    """Length of a window of whole samples, in seconds."""
    return recipe.n_times / recipe.sfreq


def is_mark(name):
    """Is this a mark of the recording, as ``boundary`` or ``recording ends``, and no condition?"""
    return is_joint(name) or MARKS.fullmatch(str(name)) is not None


def is_bad(name):
    """Does this name say that a span is to be left out, as ``BAD_jump`` does?

    MNE takes all that begins with these three letters, badminton too.
    """
    return BAD.match(str(name)) is not None


def name_in_recording(name):
    """An event's name among annotations, which MNE takes for no other, whatever it begins with."""
    return f"event: {name}"


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
        Of its ``events.tsv``; none, without a path, where there is no such file.

    Raises
    ------
    StudyError
        If a row has a negative duration or a word for a number.
    """
    table_path = find_sidecar(root, path, "events.tsv")
    if table_path is None:
        none = np.zeros(0)
        no_name = none.astype(object)
        return Events(
            None, none.astype(int), none, none, no_name, no_name, None, pd.DataFrame()
        )
    table = read_table(table_path, "onset", "duration")
    onset = read_numbers(table, "onset", table_path)
    duration = read_numbers(table, "duration", table_path)
    for at in np.flatnonzero(duration < 0)[:1]:
        raise StudyError(
            f"{table_path}: duration is {table['duration'].iloc[at]} in row {table.index[at]}, and an event "
            "cannot end before it starts. Write how many seconds it lasts, or n/a."
        )
    column, plain = _names_in(table)
    names = name_events(table, np.isfinite(onset))
    rows = table.index.to_numpy()
    duration = np.nan_to_num(duration)
    events = Events(table_path, rows, onset, duration, names, plain, column, table)
    return place_events(events, path)


def name_events(table, has_onset):
    """Name of each event, as :func:`mne_bids.events_file_to_annotation_kwargs` gives it.

    The column is the first of ``NAME_COLUMNS`` in which something stands. A ``trial_type`` or
    ``stim_type`` that goes with several values is told apart by them: ``left/1`` and ``left/2``.

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
    column, plain = _names_in(table)
    if "value" in table.columns and column in ("trial_type", "stim_type"):
        names = _tell_apart(plain.tolist(), table["value"].tolist(), has_onset)
        return np.array(names, dtype=object)
    return plain


def _names_in(table):
    """The column that names events, or None, and the name of each event in it."""
    for column in NAME_COLUMNS:
        if column not in table.columns:
            continue
        missing = table[column].str.lower().isin(MISSING)
        names = np.where(missing, None, table[column].to_numpy(object))
        some = {name for name in names if name is not None}
        # A column that is only like those of BIDS may count the rows.
        usual = column in ("trial_type", "stim_type", "value")
        if some and (usual or len(some) <= max(4, len(names) / 2)):
            return column, names
    return None, np.full(len(table), "n/a", dtype=object)


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
    classes = set(events.names)
    bad = np.array(
        [is_bad(n) and name_in_recording(n) not in classes for n in notes.description], bool
    )
    cuts = cut_seconds(raw, events.onset[joints])
    # All in seconds since the first sample; a file may have begun to count before.
    onset = [events.onset[inside], notes.onset[bad] - raw.first_time, cuts]
    duration = [events.duration[inside], notes.duration[bad], 0 * cuts]
    names = [*events.names[inside], *notes.description[bad], *[CUT_OF_TABLE] * len(cuts)]
    return raw.set_annotations(
        mne.Annotations(np.concatenate(onset), np.concatenate(duration), names)
    )


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
        Classes, cues, rate and window.

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
        names = events.label(recipe.classes)
        windows = metadata[metadata["recording"] == path.name.rpartition("_")[0]]
        # A short event inside a long one gave no window; a cue has no length of its own.
        whole = (events.n_windows(recipe) > 0) | np.isin(
            names, recipe.blocks or recipe.cues
        )
        for code, name in enumerate(recipe.classes):
            starts = windows.loc[windows["target"] == code, "start_s"]
            of_class = np.flatnonzero((names == name) & whole & (events.onset >= 0))
            if len(starts) and len(of_class):
                of_class = of_class[np.argsort(events.onset[of_class], kind="stable")]
                # Onsets were rounded, and a window may begin a sample earlier at the end.
                late = starts + 1.5 / recipe.sfreq
                at = np.searchsorted(events.onset[of_class], late, side="right") - 1
                values[starts.index] = numbers[of_class[np.maximum(at, 0)]]
    return values


def find_cues(tables, recipe):
    """Classes whose events are brief: they start something that outlasts them.

    Parameters
    ----------
    tables : list of Events
        Of all recordings of a study.
    recipe : _study.catalogue.Recipe
        Classes and window.

    Returns
    -------
    tuple of str
        Those of which no event lasts a quarter of a window; none where the recipe has ``blocks``.
    """
    longest = {}
    for events in () if recipe.blocks else tables:
        names = events.label(recipe.classes)
        for name in set(recipe.classes) & set(names):
            most = events.duration[names == name].max()
            longest[name] = max(longest.get(name, 0.0), most)
    brief = [name for name, seconds in longest.items() if seconds < recipe.window_s / 4]
    return tuple(sorted(brief))


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
