"""Simulated studies as BIDS datasets under the cache: EDF, events, tables; each is written once.

A study is an entry of ``STUDIES``: a title, a generator of people with their recordings, and what
its columns mean. One function writes all of them.
"""

import hashlib
import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from filelock import FileLock

import _study.catalogue
from _runtime import quiet_imports
from _study.cache import get_cache_dir, sweep, unwritable
from _study.catalogue import (
    EYES,
    HYDROCEL,
    PERSON_CLASSES,
    PERSON_SFREQ,
    PFACTOR_SFREQ,
    TASK_EVENTS,
    TRANSFER_CH_NAMES,
    TRANSFER_CLASSES,
    TRANSFER_SFREQ,
    parse_simulated,
)
from _study.simulated.person import simulate_people
from _study.simulated.signals import (
    PFACTOR_N_TIMES,
    simulate_high_density,
    simulate_pfactor,
    simulate_transfer,
    simulate_two_tasks,
)

with quiet_imports():
    import mne
    from mne_bids import BIDSPath, write_raw_bids

#: List of the files of a finished study; a folder with it was written here.
MANIFEST = ".complete.json"
#: Every file that decides which bytes are written. What spoils a recording afterwards does not.
SOURCES = (
    Path(_study.catalogue.__file__),
    *sorted(p for p in Path(__file__).parent.glob("*.py") if p.name != "spoil.py"),
)
#: Seconds before the first cue of the p-factor study, and of each block between cues.
BEFORE_CUE_S, BLOCK_S = 4.0, 12.0
#: The person of the p-factor study who has no score, as some people of every cohort.
NO_SCORE = 13


@dataclass(frozen=True)
class Recording:
    """One recording of a person, to be written as an EDF file with its sidecars.

    Attributes
    ----------
    task : str
        BIDS task.
    windows : ndarray, shape (n_windows, n_chans, n_times)
        Signals in microvolts; windows follow each other without a gap.
    sfreq : float
        Sampling frequency in Hz.
    ch_names : sequence of str
        Channels.
    onsets : ndarray of float, shape (n_events,)
        Start of each event in seconds.
    duration : float
        Seconds that an event lasts; 0 for a cue.
    shown : list of str
        Name of each event.
    names : sequence of str
        Names that events can have; the position, counted from 1, is the code in ``events.tsv``.
    line_freq : float
        Frequency of the mains in Hz.
    event_columns : dict of str to ndarray
        Further columns of ``events.tsv``.
    """

    task: str
    windows: np.ndarray
    sfreq: float
    ch_names: tuple
    onsets: np.ndarray
    duration: float
    shown: list
    names: tuple
    line_freq: float = 50
    event_columns: dict = field(default_factory=dict)


class Person(NamedTuple):
    """A person: cells of ``participants.tsv`` by column, and recordings."""

    row: dict
    recordings: list


class SimulatedStudy(NamedTuple):
    """How a simulated study is made.

    Attributes
    ----------
    title : str
        Its name in ``dataset_description.json``.
    people : callable
        Takes ``seed=`` and, where an effect is planted, ``effect=``; yields a :class:`Person` each.
    columns : dict
        Content of ``participants.json``.
    """

    title: str
    people: Callable
    columns: dict


def writers_digest():
    """Changes when the simulation or the way it is written does, so that an old cache is redone."""
    return hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()


def _is_complete(root):
    """Was this simulated study written to the end, by this code, and is every byte still there?"""
    try:
        manifest = json.loads((root / MANIFEST).read_text("utf-8"))
        sizes = {name: (root / name).stat().st_size for name in manifest["files"]}
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return manifest.get("writers") == writers_digest() and sizes == manifest["files"]


def write_simulated(name):
    """Write a simulated study as BIDS under the cache, once; two processes may ask at once.

    Parameters
    ----------
    name : str
        Name of a simulated study, with its seed and effect.

    Returns
    -------
    pathlib.Path
        Its folder.

    Raises
    ------
    StudyError
        If the cache cannot be written.
    """
    cache_dir = get_cache_dir(writable=False)
    root = cache_dir / name
    if _is_complete(root):
        return root
    try:
        sweep(cache_dir)
        with FileLock(cache_dir / f".{name}.lock"):
            if not _is_complete(root):  # else the other process was faster
                _write_anew(root, cache_dir / f".{name}.building")
    except OSError as err:
        raise unwritable(cache_dir, err) from err
    return root


def _write_anew(root, building):
    """Write a study in a folder of its own, which gets its name when all is there."""
    for leftover in (building, root):
        if leftover.exists():
            note = "the copy in the cache is incomplete, changed or outdated: written again"
            print(f"{root.name}: {note}", file=sys.stderr)
            shutil.rmtree(leftover)
    try:
        building.mkdir()
        write_study(building, root.name)
        sizes = {
            path.relative_to(building).as_posix(): path.stat().st_size
            for path in sorted(building.rglob("*"))
            if path.is_file()
        }
        manifest = {"writers": writers_digest(), "files": sizes}
        (building / MANIFEST).write_text(json.dumps(manifest), "utf-8")
        building.rename(root)
    finally:  # what could not be finished would keep a full disk full
        shutil.rmtree(building, ignore_errors=True)


def write_study(root, name):
    """Write the people of a simulated study.

    Parameters
    ----------
    root : pathlib.Path
        An existing, empty folder.
    name : str
        Name of a simulated study, with its seed and effect.
    """
    simulated = parse_simulated(name)
    study = STUDIES[simulated.kind]
    settings = {"seed": simulated.seed, "effect": simulated.effect}
    given = {key: value for key, value in settings.items() if value is not None}
    rows = []
    for number, person in enumerate(study.people(**given), start=1):
        subject = f"{number:02d}"
        for recording in person.recordings:
            write_recording(root, subject, recording)
        rows.append({"participant_id": f"sub-{subject}", **person.row})
    write_tables(root, rows, study.columns, study.title)


def write_recording(root, subject, recording):
    """One EDF file with its sidecars.

    Parameters
    ----------
    root : pathlib.Path
        The study's folder.
    subject : str
        Label without ``sub-``.
    recording : Recording
        What to write.
    """
    info = mne.create_info(list(recording.ch_names), recording.sfreq, "eeg")
    signal = np.concatenate(list(recording.windows), axis=1) * 1e-6
    raw = mne.io.RawArray(signal, info, verbose="ERROR")
    raw.set_annotations(
        mne.Annotations(recording.onsets, recording.duration, recording.shown)
    )
    raw.info["line_freq"] = recording.line_freq
    path = BIDSPath(subject=subject, task=recording.task, datatype="eeg", root=root)
    write_raw_bids(
        raw,
        path,
        format="EDF",
        event_id={name: code for code, name in enumerate(recording.names, start=1)},
        allow_preload=True,
        verbose="ERROR",
    )
    for column, values in recording.event_columns.items():
        _add_column(root, subject, recording.task, column, values)


def _add_column(root, subject, task, name, values):
    """Add a column to the events of a recording that was just written."""
    stem = f"sub-{subject}_task-{task}_events"
    path = root / f"sub-{subject}" / "eeg" / f"{stem}.tsv"
    table = pd.read_csv(path, sep="\t", keep_default_na=False)
    table[name] = values
    table.to_csv(path, sep="\t", index=False)


def write_tables(root, rows, columns, name):
    """``participants``, ``dataset_description.json`` and README.

    Parameters
    ----------
    root : pathlib.Path
        The study's folder.
    rows : list of dict
        Rows of ``participants.tsv``.
    columns : dict
        Content of ``participants.json``.
    name : str
        The study's name in words.
    """
    table = pd.DataFrame(rows)
    table.to_csv(root / "participants.tsv", sep="\t", index=False)
    (root / "participants.json").write_text(json.dumps(columns, indent=2), "utf-8")
    description = {
        "Name": name,
        "BIDSVersion": "1.9.0",
        "DatasetType": "raw",
        "License": "CC0",
        "Authors": ["written by _study/simulated/write.py"],
    }
    (root / "dataset_description.json").write_text(
        json.dumps(description, indent=2), "utf-8"
    )
    (root / "README").write_text(
        "Simulated signals for a tutorial. No person was recorded.\n", "utf-8"
    )


def high_density_cap():
    """Names and directions of the 129 electrodes of a HydroCel cap, Cz the last.

    Returns
    -------
    names : list of str
        Of the electrodes.
    places : ndarray, shape (129, 3)
        Unit vectors from the middle of the cap.
    """
    positions = mne.channels.make_standard_montage("GSN-HydroCel-129").get_positions()
    names = [*(f"E{i}" for i in range(1, 129)), "Cz"]
    places = np.array([positions["ch_pos"][name] for name in names])
    places = places - places.mean(axis=0)
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    return names, places


def _trials(task, windows, labels, names, sfreq, ch_names):
    """A recording whose windows are its events: the name of each is that of its label."""
    seconds = windows.shape[-1] / sfreq
    return Recording(
        task=task,
        windows=windows,
        sfreq=sfreq,
        ch_names=ch_names,
        onsets=np.arange(len(labels)) * seconds,
        duration=seconds,
        shown=[names[label] for label in labels],
        names=names,
    )


def transfer_people(**given):
    """The two cohorts of :func:`_study.simulated.signals.simulate_transfer`, a recording each."""
    for cohort, windows, labels in simulate_transfer(**given):
        recording = _trials(
            cohort, windows, labels, TRANSFER_CLASSES, TRANSFER_SFREQ, TRANSFER_CH_NAMES
        )
        yield Person({"cohort": cohort}, [recording])


def pfactor_people(**given):
    """The people of :func:`_study.simulated.signals.simulate_pfactor`, at rest.

    As in the Healthy Brain Network, a cue without a duration says when to open or close the
    eyes, and the last cue ends the task. The blocks are shorter than there.
    """
    n_block = round(BLOCK_S * PFACTOR_SFREQ / PFACTOR_N_TIMES)  # windows in a block
    n_before = round(BEFORE_CUE_S * PFACTOR_SFREQ / PFACTOR_N_TIMES)
    n_open = n_before + 2 * n_block + 1
    first_open = n_before + n_block
    shown = [*EYES, *EYES, EYES[0]]
    people = simulate_pfactor(**given, n_open=n_open, n_closed=2 * n_block)
    for number, (person, windows) in enumerate(people, start=1):
        opened, closed = windows[:n_open], windows[n_open:]
        in_order = [
            opened[:first_open],
            closed[:n_block],
            opened[first_open : first_open + n_block],
            closed[n_block:],
            opened[-1:],
        ]
        recording = Recording(
            task="RestingState",
            windows=np.concatenate(in_order),
            sfreq=PFACTOR_SFREQ,
            ch_names=HYDROCEL,
            onsets=BEFORE_CUE_S + BLOCK_S * np.arange(len(shown)),
            duration=0.0,
            shown=shown,
            names=EYES,
        )
        score = "n/a" if number == NO_SCORE else f"{person['p_factor']:.4f}"
        yield Person({**person, "p_factor": score}, [recording])


def three_task_people(**given):
    """The people of :func:`_study.simulated.signals.simulate_two_tasks`: three recordings each."""
    for tasks in simulate_two_tasks(**given):
        recordings = []
        for task, (windows, labels, reaction_times) in tasks.items():
            recording = _trials(
                task, windows, labels, TASK_EVENTS[task], PFACTOR_SFREQ, HYDROCEL
            )
            if np.isfinite(reaction_times).all():
                columns = {"rt": np.round(reaction_times, 4)}
                recording = replace(recording, event_columns=columns)
            recordings.append(recording)
        yield Person({}, recordings)


def high_density_people(seed=0):
    """Two people of :func:`_study.simulated.signals.simulate_high_density` under a HydroCel cap."""
    names, places = high_density_cap()
    blocks = [(4, "open"), *[(10, "open"), (10, "closed")] * 2, (2, "open")]
    onsets = np.cumsum([seconds for seconds, _ in blocks])[:-1]
    for rng in np.random.default_rng([10, seed]).spawn(2):
        recorded, _ = simulate_high_density(rng, places, blocks)
        recording = Recording(
            task="RestingState",
            windows=recorded[None],
            sfreq=500.0,
            ch_names=names,
            onsets=onsets,
            duration=0.0,
            shown=[EYES[i % 2] for i in range(len(onsets))],
            names=EYES,
            line_freq=60,
        )
        yield Person({}, [recording])


def new_people(effect, **given):
    """The people of :func:`_study.simulated.person.simulate_people`.

    Parameters
    ----------
    effect : float
        How far they are from each other.
    **given
        ``seed``, where the name of the study has one.

    Yields
    ------
    Person
        With one recording.
    """
    for windows, labels in simulate_people(**given, shift=effect):
        recording = _trials(
            "imagery", windows, labels, PERSON_CLASSES, PERSON_SFREQ, TRANSFER_CH_NAMES
        )
        yield Person({}, [recording])


#: How each simulated study is made. Its name is that of its recipe in the catalogue.
STUDIES = {
    "simulated-transfer": SimulatedStudy(
        "Simulated transfer study (NOT real EEG)",
        transfer_people,
        {
            "cohort": {
                "Description": "simulated cohort",
                "Levels": {
                    "source": "people the encoder is pretrained on",
                    "target": "people it is adapted to",
                },
            }
        },
    ),
    "simulated-pfactor": SimulatedStudy(
        "Simulated p-factor study (NOT real EEG)",
        pfactor_people,
        {
            "p_factor": {
                "Description": "simulated score, standard normal; not a diagnosis"
            },
            "age": {"Description": "simulated age", "Units": "year"},
            "sex": {"Description": "simulated sex", "Levels": {"F": "female", "M": "male"}},
        },
    ),
    "simulated-tasks": SimulatedStudy(
        "Simulated study of three tasks (NOT real EEG)", three_task_people, {}
    ),
    "simulated-highdensity": SimulatedStudy(
        "Simulated high-density rest (NOT real EEG)", high_density_people, {}
    ),
    "simulated-person": SimulatedStudy(
        "Simulated study of new people (NOT real EEG)", new_people, {}
    ),
}
