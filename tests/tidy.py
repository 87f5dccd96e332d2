"""A tidy small study that carries its truth: 10 Hz on C3 in "left" and on C4 in "right".

A wrong label, a shifted window or a wrong channel shows as a share of windows on the wrong side.
A test writes it, spoils one thing, and opens it through the door.
"""

import json
import zlib

import edfio
import numpy as np

NAMES = ("Fz", "Cz", "Pz", "Oz", "C3", "C4", "P3", "P4")
PEOPLE = tuple(f"{i:02d}" for i in range(1, 7))
SFREQ = 256.0
SECONDS = 40.0
#: Where the tone of a class is.
SIDE = {"left": "C3", "right": "C4"}


def trials(n=14, start=2.0, step=2.5, duration=2.0, labels=("left", "right")):
    """Rows of an events.tsv: onset, duration and trial_type, classes in turn."""
    return [(start + step * i, duration, labels[i % len(labels)]) for i in range(n)]


def signal(subject, rows, *, sfreq=SFREQ, seconds=SECONDS, names=NAMES):
    """Signals in uV, shape (n_chans, n_times): noise of each person, 25 uV of 10 Hz on the side of an event."""
    rng = np.random.default_rng(zlib.crc32(str(subject).encode()))
    times = np.arange(round(sfreq * seconds)) / sfreq
    data = rng.normal(0, 8, (len(names), len(times)))
    for onset, duration, label in rows:
        place = SIDE.get(label)
        if place in names:
            inside = (times >= onset) & (times < onset + duration)
            data[names.index(place), inside] += 25 * np.sin(2 * np.pi * 10 * times[inside])
    return data


def write_edf(path, data, names=NAMES, rates=SFREQ, *, unit="uV", notes=(), record=None):
    """Write channels by samples as EDF; ``rates`` may be one for each channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if np.isscalar(rates):
        rates = [rates] * len(names)
    top = max(3276.7, float(np.ceil(1.1 * np.abs(np.concatenate(data)).max())))
    signals = [
        edfio.EdfSignal(
            row, rate, label=name, physical_dimension=unit, physical_range=(-top, top)
        )
        for row, name, rate in zip(data, names, rates, strict=True)
    ]
    annotations = [edfio.EdfAnnotation(*note) for note in notes]
    more = {} if record is None else {"data_record_duration": record}
    edfio.Edf(signals, annotations=annotations, **more).write(path)


def write_table(path, rows):
    """Write a .tsv file; the first row is its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["\t".join(str(field) for field in row) + "\n" for row in rows]
    path.write_text("".join(lines), "utf-8")


def write_events(path, rows, header=("onset", "duration", "trial_type")):
    """Write an events.tsv."""
    write_table(path, [header, *rows])


def write_channels(path, names=NAMES, rates=SFREQ, types=None, status=None, unit="uV"):
    """Write a channels.tsv; ``types`` and ``status`` map names to what is not EEG and not good."""
    if np.isscalar(rates):
        rates = [rates] * len(names)
    rows = [("name", "type", "units", "sampling_frequency", "status")]
    for name, rate in zip(names, rates, strict=True):
        kind = (types or {}).get(name, "EEG")
        rows.append((name, kind, unit, f"{rate:g}", (status or {}).get(name, "good")))
    write_table(path, rows)


def write_sidecar(path, sfreq=SFREQ, seconds=SECONDS, **more):
    """Write an eeg.json; ``more`` adds to it or replaces what it says."""
    said = {
        "TaskName": "motor",
        "SamplingFrequency": sfreq,
        "PowerLineFrequency": 50,
        "EEGReference": "n/a",
        "SoftwareFilters": "n/a",
        "RecordingType": "continuous",
        "RecordingDuration": seconds,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(said | more), "utf-8")


def write_people(root, subjects=PEOPLE, **columns):
    """Write participants.tsv (with age, sex and ``columns``) and dataset_description.json."""
    rows = [("participant_id", "age", "sex", *columns)]
    for i, subject in enumerate(subjects):
        more = [column[i] for column in columns.values()]
        rows.append((f"sub-{subject}", 20 + 3 * i, "FM"[i % 2], *more))
    write_table(root / "participants.tsv", rows)
    said = {"Name": "small", "BIDSVersion": "1.9.0", "DatasetType": "raw"}
    (root / "dataset_description.json").write_text(json.dumps(said), "utf-8")


def stem(root, subject, task="motor"):
    """A recording without its ending; see :func:`beside`."""
    return root / f"sub-{subject}" / "eeg" / f"sub-{subject}_task-{task}"


def beside(at, ending):
    """A file of a recording, for instance ``beside(stem(root, "01"), "events.tsv")``."""
    return at.with_name(f"{at.name}_{ending}")


def write_recording(
    root, subject, rows=None, *, task="motor", names=NAMES, sfreq=SFREQ, seconds=SECONDS
):
    """Write a recording with all of its tables."""
    at = stem(root, subject, task)
    rows = trials() if rows is None else rows
    data = signal(subject, rows, sfreq=sfreq, seconds=seconds, names=names)
    write_edf(beside(at, "eeg.edf"), data, names, sfreq)
    write_sidecar(beside(at, "eeg.json"), sfreq, seconds)
    write_channels(beside(at, "channels.tsv"), names, sfreq)
    write_events(beside(at, "events.tsv"), rows)


def write_study(root, subjects=PEOPLE, **settings):
    """Write the tidy study; ``settings`` go to :func:`write_recording`."""
    for subject in subjects:
        write_recording(root, subject, **settings)
    write_people(root, subjects)
    return root


def share_on_right_side(study):
    """Share of windows of "left" and "right" whose 10 Hz is on their side: 1 in a tidy study."""
    times = np.arange(study.windows.shape[2]) / study.sfreq
    wave = np.exp(2j * np.pi * 10 * times)
    power = np.abs(study.windows @ wave)
    left = power[:, study.ch_names.index("C3")]
    right = power[:, study.ch_names.index("C4")]
    is_left = study.targets == study.classes.index("left")
    return float(np.mean(np.where(is_left, left > right, right > left)))
