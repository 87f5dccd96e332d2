"""What of the events of a table becomes windows, and what is lost: on which clock, how long, how near."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from _study.catalogue import StudyError, shorten
from _study.events import (
    Events,
    is_bad,
    is_mark,
    name_in_recording,
    window_seconds,
)
from _study.pauses import is_joint
from _study.tables import entity

#: Name of what a recording without an event that lasts a window is cut from: all of it.
WHOLE = "whole recording"
#: What a cut is called, whatever it was called in the table.
CUT = "boundary"


class Recorded(NamedTuple):
    """A recording as far as its events have to know it.

    Attributes
    ----------
    path : pathlib.Path
        The recording.
    events : _study.events.Events
        Of its table.
    sfreq : float
        Sampling frequency in Hz.
    n_times : int
        Samples.
    """

    path: Path
    events: Events
    sfreq: float
    n_times: int

    @property
    def seconds(self):
        """Length, to the end of the last sample."""
        return self.n_times / self.sfreq

    @property
    def named(self):
        """Which events have an onset and a name that is no mark of the recording."""
        named = [name is not None and not is_mark(name) for name in self.events.names]
        return np.flatnonzero(np.array(named, bool) & np.isfinite(self.events.onset))

    @property
    def outside(self):
        """Which of them begin before the first sample, or after the last one."""
        onset = self.events.onset[self.named]
        return self.named[(onset < 0) | (onset >= self.seconds)]

    @property
    def is_usable(self):
        """Are there events, most of them inside the recording, and most no longer than it?"""
        lasting = self.named[self.events.duration[self.named] > 0]
        return (
            self.events.path is not None
            and 2 * len(self.outside) <= len(self.named)
            and (
                len(lasting) < 2 or np.median(self.events.duration[lasting]) <= self.seconds
            )
        )


def refuse_unusable(root, recordings, *, whole):
    """Refuse recordings without events, and tables in samples, milliseconds or on another clock.

    Parameters
    ----------
    root : pathlib.Path
        The study's folder, for messages.
    recordings : list of Recorded
        All that are opened.
    whole : bool
        May a recording without a table be cut from its start to its end?

    Raises
    ------
    StudyError
        All of one kind at once; with the first value of a table and what it may be.
    """
    if not whole:
        _refuse_no_table(root, recordings)
    unusable = [one for one in recordings if one.events.path and not one.is_usable]
    onsets = [one for one in unusable if 2 * len(one.outside) > len(one.named)]
    durations = [one for one in unusable if one not in onsets]
    for one in onsets[:1]:
        events, row = one.events, one.outside[0]
        raise StudyError(
            f"{events.path}: onset is {events.onset[row]:g} in row {events.rows[row]}, and {one.path.name} "
            f"lasts {one.seconds:g} s: {len(one.outside)} of {len(one.named)} events lie outside of it. "
            f"{_guess_clock(one)}{_so_are(onsets)}"
        )
    for one in durations[:1]:
        events = one.events
        row = one.named[events.duration[one.named] > 0][0]
        raise StudyError(
            f"{events.path}: duration is {events.duration[row]:g} in row {events.rows[row]}, and all of "
            f"{one.path.name} lasts {one.seconds:g} s: durations are in seconds, these may be in "
            f"milliseconds or samples. Write seconds.{_so_are(durations)}"
        )


def _refuse_no_table(root, recordings):
    """All recordings without events.tsv at once, and the tasks that have one."""
    without = [one.path for one in recordings if one.events.path is None]
    if not without:
        return
    tasks = {entity(one.path.name, "task") for one in recordings}
    tasks -= {entity(path.name, "task") for path in without}
    more = ""
    if len(without) > 1:
        more = f" So do {len(without) - 1} more of {len(recordings)} recordings: {shorten([path.name for path in without[1:]])}."
    if tasks:
        more += (
            f" Or open what has events: write task = {sorted(tasks)} into the file that "
            "EEG_TUTORIAL_RECIPE names, or pass task="
        )
    raise StudyError(
        f"{without[0]} has no events.tsv, from which the labels of its windows come: fetch "
        f"{without[0].name.rpartition('_')[0]}_events.tsv, or write it with the columns onset, duration "
        f"and trial_type.{more}"
    )


def _so_are(culprits):
    """How many more there are of a kind, and whose."""
    if len(culprits) < 2:
        return ""
    people = sorted({f"sub-{entity(one.path.name, 'sub')}" for one in culprits[1:]})
    return f" So it is in {len(culprits) - 1} more: {shorten(people)}"


def _guess_clock(one):
    """What the onsets of a table may be, if they are no seconds from the start of the recording."""
    onset = one.events.onset[one.named]
    if np.ptp(onset) <= one.seconds:
        return (
            f"They run from {onset.min():g} to {onset.max():g}, as on a clock that started elsewhere: "
            "subtract the time at which the recording starts on it."
        )
    for per_second, unit in ((one.sfreq, "samples"), (1000, "milliseconds")):
        if one.seconds / 10 <= onset.max() / per_second <= one.seconds:
            return (
                f"Onsets are in seconds; these, up to {onset.max():,g}, may be {unit}: divide them by "
                f"{per_second:g}."
            )
    return f"They run to {onset.max():,g} s: fetch the whole recording, or the table that belongs to it."


def make_trials(root, recordings, recipe):
    """What each recording is cut by: events of the classes as long as their windows, and what is bad.

    Parameters
    ----------
    root : pathlib.Path
        The study's folder, for messages.
    recordings : list of Recorded
        With the events of their tables.
    recipe : _study.catalogue.Recipe
        Classes, rate, window and blocks.

    Returns
    -------
    list of _study.events.Events
        For :func:`_study.events.annotate`: of each recording the events that give windows, under
        the names that :func:`_study.events.name_in_recording` gives, each as long as its windows;
        spans to leave out; and cuts, of no length. What is lost is printed, a line for each reason.

    Raises
    ------
    StudyError
        If events of the classes overlap or follow each other faster than their windows, or a
        recording gives no window.
    """
    refuse_unusable(root, recordings, whole=WHOLE in recipe.classes)
    cues = recipe.cues
    recordings = [one._replace(events=_as_cues(one, cues, recipe)) for one in recordings]
    _refuse_hurried(recordings, cues, recipe)
    trials, lost, empty, whole = [], {}, [], []
    for one in recordings:
        events, seconds = one.events, one.seconds
        refuse_overlap(events, recipe)
        is_class = np.isin(events.names, recipe.classes) & (events.onset >= 0)
        if events.n_windows(recipe, seconds)[is_class].sum() > 0:
            for reason, rows in lost_events(events, seconds, recipe, cues).items():
                lost.setdefault(reason, []).append((events.path, rows))
        elif WHOLE in recipe.classes and seconds + 1 / recipe.sfreq >= recipe.window_s:
            events = _add_whole(events, seconds)
            whole.append(one.path)
        else:
            empty.append(one)
        trials.append(_for_recording(events, seconds, recipe))
    _refuse_empty(empty, recipe)
    _tell_marks(root, recordings)
    tell_lost(root, lost)
    if whole:
        print(
            f"{root.name}: {len(whole)} of {len(recordings)} recordings have no event in an events.tsv as long as "
            f"a window ({whole[0].name}): windows of {recipe.window_s:g} s from start to end"
        )
    if cues:
        more = (
            ""
            if len(cues) < 2
            else "; blocks = [...] in the recipe lets each last until the next"
        )
        print(
            f"{root.name}: {shorten([repr(cue) for cue in cues])} without a duration, or brief: a window of "
            f"{recipe.window_s:g} s from each onset{more}"
        )
    return trials


def _as_cues(one, cues, recipe):
    """Events under the names of the classes, where cues last a window, or nothing before the next one."""
    names = one.events.label(recipe.classes)
    events = replace(one.events, names=names).last_until_next(recipe.blocks, one.seconds)
    at = np.flatnonzero(np.isin(names, recipe.classes) & np.isfinite(events.onset))
    at = at[np.argsort(events.onset[at], kind="stable")]
    duration = events.duration.copy()
    duration[np.isin(names, cues)] = window_seconds(recipe)
    near = at[:-1][np.diff(events.onset[at]) < recipe.window_s - 1.5 / recipe.sfreq]
    duration[near[np.isin(names[near], cues)]] = 0
    return replace(events, duration=duration)


def _refuse_hurried(recordings, cues, recipe):
    """Cues of which most are followed by the next one within a window."""
    distances, n_hurried, n_cues = [], 0, 0
    for one in recordings:
        events = one.events
        is_cue = np.isin(events.names, cues)
        n_cues += is_cue.sum()
        n_hurried += (is_cue & (events.duration == 0)).sum()
        onset = events.onset[np.isin(events.names, recipe.classes)]
        distances.append(np.diff(np.sort(onset[np.isfinite(onset)])))
    if 2 * n_hurried <= n_cues:
        return
    distances = np.concatenate(distances)
    shorter = np.floor(np.percentile(distances, 10) * 100) / 100
    fix = "a shorter window_s, and "
    if shorter >= 0.1:
        fix = f"window_s = {shorter:g}, or "
    raise StudyError(
        f"{recordings[0].events.path}: the events {shorten(list(recipe.classes))} have no duration, or a brief one, and "
        f"{n_hurried} of {n_cues} are followed by the next within a window of {recipe.window_s:g} s (usual "
        f"distance {np.median(distances):.3g} s). Write {fix}classes = with those that are further apart, into the "
        "file that EEG_TUTORIAL_RECIPE names, or pass recipe= or classes="
    )


def refuse_overlap(events, recipe):
    """Two events of the classes may not claim the same samples: their windows would be two labels for one.

    Parameters
    ----------
    events : Events
        Under the names of the classes.
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
    ends = starts + n_windows[at] * window_seconds(recipe)
    early = starts[1:] + 1.5 / recipe.sfreq < ends[:-1]
    for i in np.flatnonzero(early)[:1]:
        both = [
            f"{events.names[k]!r} from {events.onset[k]:g} s on for {events.duration[k]:g} s"
            for k in at[i : i + 2]
        ]
        raise StudyError(
            f"{events.path}: the events in rows {events.rows[at[i]]} and {events.rows[at[i + 1]]} overlap "
            f"({' and '.join(both)}). Correct the onsets or durations, which are in seconds, or write classes = "
            "without one of them into the file that EEG_TUTORIAL_RECIPE names, or pass classes="
        )


def lost_events(events, seconds, recipe, cues):
    """Events of the recipe's classes that cannot give all of their windows, and why.

    Parameters
    ----------
    events : Events
        Under the names of the classes.
    seconds : float
        Length of the recording.
    recipe : _study.catalogue.Recipe
        Classes, window and blocks: a cue has no length of its own, and is never too short.
    cues : tuple of str
        Classes whose events last a window each.

    Returns
    -------
    dict of str to list of int
        Rows of the table, per reason.
    """
    onset = events.onset
    whole = events.n_windows(recipe)
    short = (whole == 0) & (recipe.blocks is None)
    reasons = {
        "inside a pause of the recording": events.paused & np.isnan(onset),
        "no onset": np.isnan(onset),
        "before the recording": onset < 0,
        "after its end": onset >= seconds,
        "followed by the next within a window": short & np.isin(events.names, cues),
        "shorter than a window": short,
        "reaching beyond its end": events.n_windows(recipe, seconds) < whole,
    }
    left = np.isin(events.names, recipe.classes)
    lost = {}
    for reason, applies in reasons.items():
        if (applies & left).any():
            lost[reason] = events.rows[applies & left].tolist()
        left = left & ~applies
    no_name = np.array([value == "" for value in events.table.get(events.column, ())], bool)
    if no_name.any():
        lost["no name"] = events.rows[no_name].tolist()
    return lost


def tell_lost(root, lost):
    """Print how many events gave no window, or fewer than they hold: a line for each reason.

    Parameters
    ----------
    root : pathlib.Path
        The study's folder.
    lost : dict of str to list of tuple
        Path of a table and its rows, per reason; see :func:`lost_events`.
    """
    for reason, tables in lost.items():
        path, rows = tables[0]
        n_events = sum(len(rows) for _, rows in tables)
        word = "rows" if len(rows) > 1 else "row"
        more = f", and {len(tables) - 1} more" if len(tables) > 1 else ""
        lose = "events lose" if n_events > 1 else "event loses"
        print(
            f"{root.name}: {n_events} {lose} windows, {reason}: {path.name} {word} "
            f"{shorten([str(row) for row in rows])}{more}"
        )


def _tell_marks(root, recordings):
    """Print which rows are marks of a recording, and no events."""
    names = []
    for one in recordings:
        names += [name for name in one.events.names if name is not None and is_mark(name)]
    if names:
        shown = shorten(sorted({repr(name) for name in names}))
        print(
            f"{root.name}: {len(names)} rows of events.tsv ({shown}) mark the recording and are no events; no "
            "window spans a cut"
        )


def _add_whole(events, seconds):
    """The same events and one more, which is the recording."""
    return replace(
        events,
        rows=np.append(events.rows, 0),
        onset=np.append(events.onset, 0.0),
        duration=np.append(events.duration, seconds),
        names=np.append(events.names, WHOLE),
        plain=np.append(events.plain, WHOLE),
    )


def _for_recording(events, seconds, recipe):
    """Trials as long as their windows, spans to leave out, and cuts; other events lose their name."""
    n_windows = events.n_windows(recipe, seconds)
    n_windows[~(np.isin(events.names, recipe.classes) & (events.onset >= 0))] = 0
    names, duration = [], events.duration.copy()
    for i, (name, plain) in enumerate(zip(events.names, events.plain, strict=True)):
        if n_windows[i] > 0:
            names.append(name_in_recording(name))
            duration[i] = n_windows[i] * window_seconds(recipe)
        elif name in (None, *recipe.classes):
            names.append(None)
        elif is_joint(name) or is_joint(plain):
            names.append(CUT)
            duration[i] = 0.0
        else:
            names.append(name if is_bad(name) else None)
    return replace(events, names=np.array(names, dtype=object), duration=duration)


def _refuse_empty(empty, recipe):
    """Recordings that give no window, all at once."""
    for one in empty[:1]:
        events = one.events
        inside = np.minimum(events.duration, one.seconds - events.onset)
        longest = {}
        for name in sorted(set(events.names) - {None}):
            longest[name] = float(max(np.nanmax(inside[events.names == name]), 0))
        length = max(longest.get(name, 0.0) for name in recipe.classes)
        fix = "Write classes = or task = that every recording has"
        if 0 < length < recipe.window_s:
            fix = f"Write window_s = {length:g}, or less"
        elif not set(recipe.classes) & set(longest):
            fix = f"Write the names that the other recordings have into it. {fix}"
        elif not length:
            fix = f"Write how many seconds they last into it. {fix}"
        raise StudyError(
            f"{one.path.name} has no event {' or '.join(recipe.classes)} as long as a window of "
            f"{recipe.window_s:g} s: the longest events of {events.path and events.path.name} are {longest}. {fix}, "
            f"into the file that EEG_TUTORIAL_RECIPE names, or pass recipe=.{_so_are(empty)}"
        )
