"""What all people of a study share, decided once from headers and tables: channels, rate, reference, classes.

Whoever is opened afterwards, alone or on one side of a split, is read by the same decision. A recording
that cannot be read, or that lacks most channels of the others, has no vote, and is refused when it is
opened.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace

from _runtime import quiet_imports
from _study.catalogue import StudyError, shorten
from _study.channels import (
    apply_channels,
    can_mend,
    eeg_names,
    kinds_of,
    read_channels,
    refuse_reference,
)
from _study.classes import find_classes
from _study.events import find_cues, read_events
from _study.header import read_header
from _study.names import bare, spell
from _study.settings import refuse_together
from _study.trials import Recorded
from _study.twins import state_of

with quiet_imports():
    import mne

#: Headers that were read in this process, by path: what was beside them then, and their facts.
_KNOWN = {}


@dataclass(frozen=True)
class Facts:
    """What a decision has to know of one recording.

    Attributes
    ----------
    recorded : _study.trials.Recorded
        Its path, events, rate and length.
    kinds : dict of str to str
        Type of each channel, in the order of the file.
    lost : tuple of str
        Channels that are bad and cannot be interpolated.
    """

    recorded: Recorded
    kinds: dict
    lost: tuple

    @property
    def file(self):
        """Name of the recording's file."""
        return self.recorded.path.name

    @property
    def eeg(self):
        """EEG channels that can be used, in the order of the file."""
        return tuple(
            name
            for name, kind in self.kinds.items()
            if kind == "eeg" and name not in self.lost
        )


def collect(paths, look):
    """Look at each recording, and refuse all culprits at once.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Recordings.
    look : callable
        Takes a path and gives anything, or raises a :class:`_study.catalogue.StudyError`.

    Returns
    -------
    list
        What was given, in the order of ``paths``.

    Raises
    ------
    StudyError
        Of one recording as it was raised; of several, the first of each kind, and who else has it.
    """
    results, errors = _each(paths, look)
    if errors:
        raise _one_error(errors) from errors[0][1]
    return results


def _each(paths, look):
    """What was given of recordings, and of the others the path and the error."""
    results, errors = [], []
    for path in paths:
        try:
            results.append(look(path))
        except StudyError as err:
            errors.append((path, err))
    return results, errors


def _one_error(errors):
    """One error for several: messages that differ in names and numbers alone are one kind."""
    kinds = {}
    for path, err in errors:
        kind = re.sub(r"\S*(sub-|/)\S*|'[^']*'|\d[\d.,]*", "*", str(err))
        kinds.setdefault(kind, []).append((path, err))
    messages = []
    for alike in list(kinds.values())[:3]:
        message = str(alike[0][1])
        names = [path.name for path, _ in alike[1:]]
        if names:
            message += f" The same goes for {len(names)} more: {shorten(names)}"
        messages.append(message)
    if len(kinds) > 3:
        n_more = sum(len(alike) for alike in list(kinds.values())[3:])
        messages.append(f"and {n_more} more recordings with something else")
    return StudyError("\n".join(messages))


def read_tables(root, path):
    """Events of a recording, and path and rows of its table of channels.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    path : pathlib.Path
        A data file in it.

    Returns
    -------
    events : _study.events.Events
        See :func:`_study.events.read_events`.
    channels : tuple
        See :func:`_study.channels.read_channels`.

    Raises
    ------
    StudyError
        If a table is wrong.
    """
    return read_events(root, path), read_channels(root, path)


def read_recording(root, path, tables, recipe):
    """Header of a recording with its channels and events, as its tables give them.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    path : pathlib.Path
        A data file in it.
    tables : tuple
        Of :func:`read_tables`.
    recipe : _study.catalogue.Recipe
        Its ``channels``, where it asks for some.

    Returns
    -------
    raw : mne.io.BaseRaw
        Not loaded.
    recorded : _study.trials.Recorded
        Its path, events, rate and length.
    notes : list of str
        What has to be said about it.

    Raises
    ------
    StudyError
        If the header cannot be read, or the tables contradict it.
    """
    events, (table_path, table) = tables
    header = read_header(root, path)
    raw = header.raw
    more = apply_channels(raw, path, table_path, header.rows(table), recipe.channels or ())
    notes = [f"{path.name}: {note}" for note in [*header.notes, *more]]
    return raw, Recorded(path, events, float(raw.info["sfreq"]), raw.n_times), notes


def decide(root, paths, recipe, *, by_event, whole=False):
    """The recipe with all that people share filled in, from the headers of everybody.

    Parameters
    ----------
    root : pathlib.Path
        A BIDS folder.
    paths : sequence of pathlib.Path
        All recordings of the study.
    recipe : _study.catalogue.Recipe
        What is asked for; None, and the word "average", are decided here.
    by_event : bool
        Is the label of a window the class of its event?
    whole : bool
        May a recording without events be cut from its start to its end?

    Returns
    -------
    recipe : _study.catalogue.Recipe
        With the rate that is usual; the EEG channels that everybody has, in the order that is usual;
        all of them as ``reference`` in the place of "average"; the classes, and which are cues.
    notes : list of str
        What has to be said about it.

    Raises
    ------
    StudyError
        If no header can be read, a channel that is asked for is not there for everybody, nothing
        is left, or there are no classes to tell apart.
    """
    facts = _read_facts(root, paths, recipe)
    rates = Counter(one.recorded.sfreq for one in facts)
    usual = max(rates, key=rates.get)
    notes = []
    for rate in rates:
        if rate != usual:
            names = [one.file for one in facts if one.recorded.sfreq == rate]
            notes.append(
                f"{shorten(names)} {'is' if len(names) == 1 else 'are'} sampled at {rate:g} Hz, most others "
                f"at {usual:g} Hz"
            )
    if recipe.sfreq is None:
        recipe = replace(recipe, sfreq=usual)
        refuse_together(recipe, root.name)
    recipe, more = _decide_channels(root, facts, recipe)
    recorded = [one.recorded for one in facts]
    recipe, about_events = find_classes(root, recorded, recipe, by_event, whole)
    if recipe.cues is None:
        recipe = replace(recipe, cues=find_cues([one.events for one in recorded], recipe))
    return recipe, notes + more + about_events


def is_decided(recipe):
    """Does a recipe say all that people share?"""
    decided = (recipe.channels, recipe.classes, recipe.sfreq, recipe.cues)
    return None not in decided and recipe.reference != "average"


def _read_facts(root, paths, recipe):
    """Facts of all recordings that can be read; an error if none can."""
    folders = {}
    facts, errors = _each(paths, lambda path: _facts_of(root, path, recipe, folders))
    if not facts:
        raise _one_error(errors) from errors[0][1]
    return facts


def _facts_of(root, path, recipe, folders):
    """Facts of a recording, read again where a file beside it has changed."""
    beside = (recipe.channels, _signature(root, path, folders))
    known = _KNOWN.get(path)
    if known is None or known[0] != beside:
        with mne.use_log_level("ERROR"):
            tables = read_tables(root, path)
            raw, recorded, _ = read_recording(root, path, tables, recipe)
            eeg = eeg_names(raw)
            bad = [name for name in raw.info["bads"] if name in eeg]
            lost = () if not bad or can_mend(raw, root, path) else tuple(bad)
        known = (beside, Facts(recorded, kinds_of(raw), lost))
        _KNOWN[path] = known
    return known[1]


def _signature(root, path, folders):
    """Sizes and times of all files beside a recording and above it, which may say something of it.

    ``folders`` keeps those of each folder: the root is looked through once for everybody.
    """
    states = []
    folder = path.parent
    while folder.is_relative_to(root):
        if folder not in folders:
            files = [other for other in folder.iterdir() if not other.is_dir()]
            folders[folder] = [(str(file), state_of(file)) for file in files]
        states += folders[folder]
        folder = folder.parent
    return tuple(sorted(states, key=lambda state: state[0]))


def _decide_channels(root, facts, recipe):
    """Channels and reference that everybody has, in the order that most recordings have."""
    orders = Counter(
        tuple(n for n, kind in one.kinds.items() if kind == "eeg") for one in facts
    )
    usual = max(orders, key=orders.get)
    voters = [one for one in facts if 2 * len(set(usual) & set(one.eeg)) >= len(usual)]
    everybody = set(usual).intersection(*(one.eeg for one in voters))
    shared = tuple(name for name in usual if name in everybody)
    if not shared and (recipe.channels is None or recipe.reference == "average"):
        one = facts[0]
        raise StudyError(
            f"{one.file} has no EEG channel that can be used: its channels are {one.kinds}. Correct the types "
            "or the status in channels.tsv, or pass channels="
        )
    notes = []
    if recipe.channels is None:
        recipe = replace(recipe, channels=shared)
        notes = _left_out(root, voters, shared)
    else:
        channels = _spelled_alike(recipe.channels, facts)
        recipe = replace(recipe, channels=channels)
        _refuse_channels(voters, channels)
        if recipe.reference == "average":
            notes = _left_out(root, voters, shared, "of the reference ")
    if recipe.reference == "average":
        refuse_reference(root, shared, recipe, _left_out(root, voters, shared))
        recipe = replace(recipe, reference=shared)
    return recipe, notes


def _spelled_alike(channels, facts):
    """Channels that are asked for, in the spelling of the recordings: ``fz`` is ``Fz``."""
    names = dict.fromkeys(name for one in facts for name in one.kinds)
    known = {bare(name): name for name in names}
    usual = spell(channels)
    alike = []
    for name in channels:
        near = known.get(bare(name), usual.get(name, name))
        alike.append(name if name in names else near)
    return tuple(dict.fromkeys(alike))


def _left_out(root, facts, shared, where=""):
    """A line for each reason why EEG channels of somebody are left out for everybody."""
    reasons = {}
    names = dict.fromkeys(
        name for one in facts for name, kind in one.kinds.items() if kind == "eeg"
    )
    for name in names:
        if name in shared:
            continue
        lacking = []
        why = set()
        for one in facts:
            if name not in one.eeg:
                lacking.append(one.file)
                kind = one.kinds.get(name)
                why.add(
                    "absent" if kind is None else "bad" if kind == "eeg" else kind.upper()
                )
        reasons.setdefault((" or ".join(sorted(why)), shorten(lacking)), []).append(name)
    return [
        f"{root.name}: {shorten(left)} left out {where}for everybody: {why} in {files}"
        for (why, files), left in reasons.items()
    ]


def _refuse_channels(facts, channels):
    """Channels that are asked for have to be there for everybody, of one type, and mended."""
    for name in channels:
        lost = [one.file for one in facts if name in one.lost]
        if lost:
            raise StudyError(
                f"{shorten(lost)}: no channel {name} to use: channels.tsv calls it bad, and it cannot be "
                "interpolated from its neighbours. Write channels= without it, or electrodes.tsv"
            )
        having = {}
        for one in facts:
            if name in one.kinds:
                having.setdefault(one.kinds[name], []).append(one.file)
        if len(having) > 1:
            each = " and ".join(
                f"{kind.upper()} in {shorten(f)}" for kind, f in having.items()
            )
            raise StudyError(
                f"{name} is {each}: correct the type in channels.tsv, or write channels= without it"
            )
