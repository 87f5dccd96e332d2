"""Simulated studies as BIDS datasets under the cache: EDF, events, tables; each is written once."""

import hashlib
import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import FileLock

import _study.cache
import _study.simulated.person
import _study.simulated.signals
from _runtime import quiet_imports
from _study.catalogue import SIMULATED

with quiet_imports():
    import mne
    from mne_bids import BIDSPath, write_raw_bids

MANIFEST = ".complete.json"


def writers_digest():
    """Changes when the simulation or the way it is written does, so that an old cache is redone."""
    paths = (_study.simulated.signals.__file__, _study.simulated.person.__file__, __file__)
    return hashlib.sha256(b"".join(Path(path).read_bytes() for path in paths)).hexdigest()


def _is_complete(root):
    """Was this simulated study written to the end, by this code, and is every byte still there?"""
    try:
        manifest = json.loads((root / MANIFEST).read_text("utf-8"))
        sizes = {name: (root / name).stat().st_size for name in manifest["files"]}
    except (OSError, ValueError, KeyError):
        return False
    return manifest.get("fingerprint") == writers_digest() and sizes == manifest["files"]


def write_simulated(name):
    """Write a simulated study as BIDS under the cache, once; two processes may ask at once."""
    cache_dir = _study.cache.get_cache_dir(writable=False)
    root = cache_dir / name
    if _is_complete(root):
        return root
    building = cache_dir / f".{name}.building"
    try:
        _study.cache.sweep(cache_dir)
        with FileLock(cache_dir / f".{name}.lock"):
            if _is_complete(root):  # the other process was faster
                return root
            for leftover in (building, root):
                if leftover.exists():
                    note = "the copy in the cache is incomplete, changed or outdated: written again"
                    print(f"{name}: {note}", file=sys.stderr)
                    shutil.rmtree(leftover)
            try:
                building.mkdir()
                match = SIMULATED.fullmatch(name)
                given = {"seed": match["seed"], "effect": match["effect"]}
                given = {
                    k: (int if k == "seed" else float)(v)
                    for k, v in given.items()
                    if v is not None
                }
                WRITERS[match["kind"]](building, **given)
                files = {
                    p.relative_to(building).as_posix(): p.stat().st_size
                    for p in sorted(building.rglob("*"))
                    if p.is_file()
                }
                manifest = {"fingerprint": writers_digest(), "files": files}
                (building / MANIFEST).write_text(json.dumps(manifest), "utf-8")
                building.rename(root)
            finally:  # what could not be finished would keep a full disk full
                shutil.rmtree(building, ignore_errors=True)
    except OSError as err:
        raise _study.cache.unwritable(cache_dir, err) from err
    return root


#: Seconds before the first cue of the p-factor study, and of each block between cues.
BEFORE_CUE_S, BLOCK_S = 4.0, 12.0


def write_transfer(root, seed=None):
    """Write the two cohorts of :func:`_study.simulated.signals.simulate_transfer`.

    Parameters
    ----------
    root : pathlib.Path
        An existing, empty folder.
    seed : int or None
        Which people; None takes the default.
    """
    n_times, sfreq = (
        _study.simulated.signals.TRANSFER_N_TIMES,
        _study.simulated.signals.TRANSFER_SFREQ,
    )
    codes = {
        label: code + 1
        for code, label in enumerate(_study.simulated.signals.TRANSFER_CLASSES)
    }
    people = _study.simulated.signals.simulate_transfer(*([] if seed is None else [seed]))
    rows = []
    for number, (cohort, windows, labels) in enumerate(people, start=1):
        onsets = np.arange(len(labels)) * n_times / sfreq
        names = [_study.simulated.signals.TRANSFER_CLASSES[label] for label in labels]
        annotations = mne.Annotations(onsets, n_times / sfreq, names)
        write_recording(
            root,
            f"{number:02d}",
            cohort,
            windows,
            sfreq,
            _study.simulated.signals.TRANSFER_CH_NAMES,
            annotations,
            codes,
        )
        rows.append({"participant_id": f"sub-{number:02d}", "cohort": cohort})
    levels = {
        "source": "people the encoder is pretrained on",
        "target": "people it is adapted to",
    }
    columns = {"cohort": {"Description": "simulated cohort", "Levels": levels}}
    write_tables(root, rows, columns, "Simulated transfer study (NOT real EEG)")


def write_pfactor(root, seed=None, effect=None):
    """Write the people of :func:`_study.simulated.signals.simulate_pfactor` at rest.

    As in the Healthy Brain Network, a cue without a duration says when to open or close the
    eyes, and the last cue ends the task. The blocks are shorter than there.

    Parameters
    ----------
    root : pathlib.Path
        An existing, empty folder.
    seed : int or None
        Which people; None takes the default.
    effect : float or None
        Planted effect; None takes the default.
    """
    sfreq, names = (
        _study.simulated.signals.PFACTOR_SFREQ,
        _study.simulated.signals.PFACTOR_CH_NAMES,
    )
    block = round(
        BLOCK_S * sfreq / _study.simulated.signals.PFACTOR_N_TIMES
    )  # windows in a block
    before = round(BEFORE_CUE_S * sfreq / _study.simulated.signals.PFACTOR_N_TIMES)
    n_open, n_closed = before + 2 * block + 1, 2 * block
    cues = {name: code + 1 for code, name in enumerate(_study.simulated.signals.EYES)}
    shown = [*cues, *cues, _study.simulated.signals.EYES[0]]
    onsets = BEFORE_CUE_S + BLOCK_S * np.arange(len(shown))
    given = {"seed": seed, "effect": effect}
    given = {name: value for name, value in given.items() if value is not None}
    rows = []
    people = _study.simulated.signals.simulate_pfactor(
        **given, n_open=n_open, n_closed=n_closed
    )
    for number, (person, windows) in enumerate(people, start=1):
        opened, closed = windows[:n_open], windows[n_open:]
        start = before + block
        in_order = [
            opened[:start],
            closed[:block],
            opened[start : start + block],
            closed[block:],
            opened[-1:],
        ]
        annotations = mne.Annotations(onsets, 0.0, shown)
        windows = np.concatenate(in_order)
        subject = f"{number:02d}"
        write_recording(
            root, subject, "RestingState", windows, sfreq, names, annotations, cues
        )
        # One person has no score, as some people of every cohort.
        score = "n/a" if number == 13 else f"{person['p_factor']:.4f}"
        rows.append({"participant_id": f"sub-{subject}", **person, "p_factor": score})
    columns = {
        "p_factor": {"Description": "simulated score, standard normal; not a diagnosis"},
        "age": {"Description": "simulated age", "Units": "year"},
        "sex": {"Description": "simulated sex", "Levels": {"F": "female", "M": "male"}},
    }
    write_tables(root, rows, columns, "Simulated p-factor study (NOT real EEG)")


def write_two_tasks(root, seed=None):
    """Write the people of :func:`_study.simulated.signals.simulate_two_tasks`: three recordings each.

    Parameters
    ----------
    root : pathlib.Path
        An existing, empty folder.
    seed : int or None
        Which people; None takes the default.
    """
    sfreq, names = (
        _study.simulated.signals.PFACTOR_SFREQ,
        _study.simulated.signals.PFACTOR_CH_NAMES,
    )
    seconds = _study.simulated.signals.PFACTOR_N_TIMES / sfreq
    events = _study.simulated.signals.TWO_TASK_EVENTS
    rows = []
    people = _study.simulated.signals.simulate_two_tasks(*([] if seed is None else [seed]))
    for number, tasks in enumerate(people, start=1):
        subject = f"{number:02d}"
        for task, (windows, labels, reaction_times) in tasks.items():
            shown = [events[task][label] for label in labels]
            onsets = seconds * np.arange(len(labels))
            annotations = mne.Annotations(onsets, seconds, shown)
            codes = {name: code + 1 for code, name in enumerate(events[task])}
            write_recording(root, subject, task, windows, sfreq, names, annotations, codes)
            if np.isfinite(reaction_times).all():
                _add_column(root, subject, task, "rt", np.round(reaction_times, 4))
        rows.append({"participant_id": f"sub-{subject}"})
    write_tables(root, rows, {}, "Simulated study of three tasks (NOT real EEG)")


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


def write_high_density(root, seed=None):
    """Write people of :func:`_study.simulated.signals.simulate_high_density` under a HydroCel cap.

    Parameters
    ----------
    root : pathlib.Path
        An existing, empty folder.
    seed : int or None
        Which people; None takes 0.
    """
    names, places = high_density_cap()
    blocks = [(4, "open"), *[(10, "open"), (10, "closed")] * 2, (2, "open")]
    onsets = np.cumsum([seconds for seconds, _ in blocks])[:-1]
    cues = {name: code + 1 for code, name in enumerate(_study.simulated.signals.EYES)}
    shown = [list(cues)[i % 2] for i in range(len(onsets))]
    rows = []
    streams = np.random.default_rng([10, seed or 0]).spawn(2)
    for number, rng in enumerate(streams, start=1):
        subject = f"{number:02d}"
        recorded, _ = _study.simulated.signals.simulate_high_density(rng, places, blocks)
        annotations = mne.Annotations(onsets, 0.0, shown)
        write_recording(
            root,
            subject,
            "RestingState",
            recorded[None],
            500.0,
            names,
            annotations,
            cues,
            60,
        )
        rows.append({"participant_id": f"sub-{subject}"})
    write_tables(root, rows, {}, "Simulated high-density rest (NOT real EEG)")


def write_new_people(root, seed=None, effect=None):
    """Write the people of :func:`_study.simulated.person.simulate_people`; the effect is their shift."""
    given = {"seed": seed, "shift": effect}
    given = {name: value for name, value in given.items() if value is not None}
    codes = {label: code + 1 for code, label in enumerate(_study.simulated.person.CLASSES)}
    rows = []
    for number, (windows, labels) in enumerate(
        _study.simulated.person.simulate_people(**given), 1
    ):
        names = [_study.simulated.person.CLASSES[label] for label in labels]
        annotations = mne.Annotations(2.0 * np.arange(len(labels)), 2.0, names)
        cap, sfreq = _study.simulated.person.CH_NAMES, _study.simulated.person.SFREQ
        whose = (root, f"{number:02d}", "imagery")
        write_recording(*whose, windows, sfreq, cap, annotations, codes)
        rows.append({"participant_id": f"sub-{number:02d}"})
    write_tables(root, rows, {}, "Simulated study of new people (NOT real EEG)")


def _add_column(root, subject, task, name, values):
    """Add a column to the events of a recording that was just written."""
    stem = f"sub-{subject}_task-{task}_events"
    path = root / f"sub-{subject}" / "eeg" / f"{stem}.tsv"
    table = pd.read_csv(path, sep="\t", keep_default_na=False)
    table[name] = values
    table.to_csv(path, sep="\t", index=False)


def write_recording(
    root, subject, task, windows, sfreq, ch_names, annotations, event_id, line=50
):
    """One EDF with its sidecars; ``windows`` in microvolts follow each other without a gap."""
    info = mne.create_info(list(ch_names), sfreq, "eeg")
    raw = mne.io.RawArray(
        np.concatenate(list(windows), axis=1) * 1e-6, info, verbose="ERROR"
    )
    raw.set_annotations(annotations)
    raw.info["line_freq"] = line
    write_raw_bids(
        raw,
        BIDSPath(subject=subject, task=task, datatype="eeg", root=root),
        format="EDF",
        event_id=event_id,
        allow_preload=True,
        verbose="ERROR",
    )


def write_tables(root, rows, columns, name):
    """``participants``, ``dataset_description.json`` and README."""
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


WRITERS = {
    "simulated-transfer": write_transfer,
    "simulated-pfactor": write_pfactor,
    "simulated-tasks": write_two_tasks,
    "simulated-highdensity": write_high_density,
    "simulated-person": write_new_people,
}
