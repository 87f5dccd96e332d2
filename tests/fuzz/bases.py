"""Small studies that carry their own truth: what a window must hold is a formula, not a memory.

Every channel of a recording is the sum of a tone of its class and a tone of its person, times an
amplitude that belongs to the channel; the phase belongs to the event. A window that was opened can
so be compared with what was written: whose it is, of which event, class and channel, in which unit.
"""

import copy
import json
import os
import shutil
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import edfio
import mne
import numpy as np
import pybv
import scipy.io
from eeglabio.raw import export_set

EEG = ("Fz", "Cz", "Pz", "Oz", "P3", "P4")
#: Amplitude of each channel in uV; a heart beside the EEG must stay outside of the reference.
CODES = {"Fz": 10.0, "Cz": 20.0, "Pz": 35.0, "Oz": 55.0, "P3": 15.0, "P4": 45.0}
HEART = "ECG"
NAMES = (*EEG, HEART)
#: Not whole numbers: a window that begins a second late must look different.
CLASS_HZ = (6.3, 10.7)
WINDOW_S = 2.0
#: Tones rise and fall, and nothing happens at both ends: a filter must not blur the truth.
RAMP_S, QUIET_S = 0.15, 2.0
REAL = "EEG_TUTORIAL_REAL"


@dataclass
class Event:
    """One row of ``events.tsv``; ``code`` is the class whose tone is in the signal."""

    onset: float
    duration: float
    label: str
    code: int


@dataclass
class Recording:
    """One recording: its entities, where it lies, and its events as the tables give them."""

    subject: str
    task: str
    sfreq: float
    seconds: float
    events: list
    session: str = ""
    run: str = ""
    folder: str = ""

    @property
    def stem(self):
        """File name without its end."""
        parts = [f"sub-{self.subject}", f"ses-{self.session}", f"task-{self.task}"]
        parts.append(f"run-{self.run}")
        return "_".join(p for p in parts if not p.endswith("-"))

    def rng(self, *more):
        """The same numbers for the same recording, whatever happened to its name since."""
        return np.random.default_rng([zlib.crc32(self.stem.encode()), *more])

    def signal(self, times):
        """EEG in uV before any reference, shape (n_chans, n_times): a formula of time."""
        person = 12.4 + zlib.crc32(self.subject.encode()) % 7
        base = 0.4 * np.sin(2 * np.pi * person * times + self.rng(1).uniform(0, 6))
        for number, event in enumerate(self.events):
            left = np.minimum(times - event.onset, event.onset + event.duration - times)
            inside = np.clip(left / RAMP_S, 0, 1)
            phase = self.rng(2, number).uniform(0, 6)
            tone = np.sin(2 * np.pi * CLASS_HZ[event.code] * times + phase)
            base += inside * tone * (0.8 + 0.4 * self.rng(3, number).uniform())
        return np.array([[CODES[name]] for name in EEG]) * base

    def data(self):
        """What is written: the signals, a little noise, and a heart in the last row."""
        times = np.arange(round(self.seconds * self.sfreq)) / self.sfreq
        noise = self.rng(4).normal(0, 0.3, (len(EEG), len(times)))
        heart = 400 * np.exp(-((times % 0.9) ** 2) / 0.001)
        return np.vstack([self.signal(times) + noise, heart])


@dataclass
class Expected:
    """A window that has to come out: its label, and the signal that was written."""

    subject: str
    stem: str
    start: float
    label: str
    signal: np.ndarray | None


@dataclass
class Truth:
    """What is true of a tree; a mutation that changes the truth changes this as well."""

    windows: list = field(default_factory=list)
    values: dict = field(default_factory=dict)  # age of each person
    ch_names: tuple = EEG
    balance: bool = True
    #: Windows that may be there or not, e.g. under a name that was changed.
    optional: list = field(default_factory=list)
    #: Were channels asked for, so that others are rightly left out?
    asked: bool = False
    #: People whose signals are not compared, e.g. after a channel was interpolated.
    loose: set = field(default_factory=set)

    def of(self, stem):
        """Windows of a recording."""
        return [w for w in self.windows if w.stem == stem]

    def keep(self, names):
        """Only these channels are there, for everybody, and the reference is their average."""
        rows = [self.ch_names.index(name) for name in names]
        self.ch_names = tuple(names)
        for window in self.windows:
            window.signal = window.signal[rows] - window.signal[rows].mean(axis=0)

    def relabel(self, stem, names):
        """Labels of a recording by another word for each; a word of None takes the windows away."""
        for window in self.of(stem):
            window.label = names.get(window.label, window.label)
        self.windows = [w for w in self.windows if w.label is not None]

    def drop(self, keep):
        """Keep the windows for which ``keep`` is true."""
        self.windows = [w for w in self.windows if keep(w)]


FORMATS = {"edf": ".edf", "vhdr": ".vhdr", "set": ".set", "fdt": ".set", "fif": ".fif"}


def write_signal(path, fmt, data, ch_names, sfreq, events, **split):
    """Write channels by samples in uV as EDF, BrainVision, FIF or EEGLAB (alone, or with a .fdt).

    Of EDF, ``sfreq`` may be one for each channel.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    marks = [(e.onset, e.duration, e.label) for e in events]
    if fmt == "edf":
        most = max(np.abs(row).max() for row in data)
        top = min(float(f"{1.1 * most:.0f}"), 9_999_999.0)  # what eight letters can hold
        reach = (-3276.8, 3276.7) if most < 3276 else (-top, top)
        rates = np.broadcast_to(sfreq, len(data))
        signals = [
            edfio.EdfSignal(
                row.clip(*reach),
                rate,
                label=name,
                physical_dimension="uV",
                physical_range=reach,
            )
            for row, name, rate in zip(data, ch_names, rates, strict=True)
        ]
        notes = [edfio.EdfAnnotation(*mark) for mark in marks]
        edfio.Edf(signals, annotations=notes).write(path)
    elif fmt == "vhdr":
        marks = [
            {
                "onset": round(onset * sfreq),
                "duration": max(1, round(duration * sfreq)),
                "description": label,
                "type": "Comment",
            }
            for onset, duration, label in marks
        ]
        pybv.write_brainvision(
            data=data * 1e-6, sfreq=sfreq, ch_names=ch_names, fname_base=path.stem,
            folder_out=path.parent, overwrite=True, events=marks, unit="µV", resolution=0.1,
        )  # fmt: skip
    elif fmt == "fif":
        info = mne.create_info(list(ch_names), sfreq, "eeg")
        raw = mne.io.RawArray(data * 1e-6, info, verbose="ERROR")
        if marks:
            raw.set_annotations(mne.Annotations(*zip(*marks, strict=True)))
        raw.save(path, overwrite=True, verbose="ERROR", **split)
    else:
        columns = [np.array(column) for column in zip(*marks, strict=True)]
        columns = [columns[2].tolist(), columns[0], columns[1]] if columns else None
        export_set(str(path), data * 1e-6, sfreq, list(ch_names), annotations=columns)
        if fmt == "fdt":
            move_to_fdt(path)


def move_to_fdt(path):
    """Take the samples out of a .set file into a .fdt beside it, as EEGLAB saves large files."""
    held = scipy.io.loadmat(path)
    kept = {key: value for key, value in held.items() if not key.startswith("__")}
    path.with_suffix(".fdt").write_bytes(kept["data"].astype("<f4").tobytes(order="F"))
    scipy.io.savemat(path, kept | {"data": path.with_suffix(".fdt").name})


def write_tsv(path, rows):
    """Write rows of text, tab-separated, the header first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows), "utf-8")


def read_tsv(path):
    """Rows of text of a tab-separated file."""
    return [line.split("\t") for line in path.read_text("utf-8").splitlines()]


def events_table(events):
    """Rows of an ``events.tsv``."""
    rows = [[f"{e.onset:g}", f"{e.duration:g}", e.label] for e in events]
    return [["onset", "duration", "trial_type"], *rows]


def write_channels(path, ch_names, sfreq):
    """A ``channels.tsv``; the heart is no EEG."""
    rows = [["name", "type", "units", "sampling_frequency", "status"]]
    for name in ch_names:
        kind = "ECG" if name == HEART else "EEG"
        rows.append([name, kind, "uV", f"{sfreq:g}", "good"])
    write_tsv(path, rows)


def write_recording(root, recording, fmt):
    """A recording with its tables and sidecars."""
    stem, folder = recording.stem, root / recording.folder
    path = folder / f"{stem}_eeg{FORMATS[fmt]}"
    write_signal(path, fmt, recording.data(), NAMES, recording.sfreq, recording.events)
    write_tsv(folder / f"{stem}_events.tsv", events_table(recording.events))
    write_channels(folder / f"{stem}_channels.tsv", NAMES, recording.sfreq)
    sidecar = {
        "TaskName": recording.task,
        "SamplingFrequency": recording.sfreq,
        "PowerLineFrequency": 50.0,
        "EEGReference": "n/a",
        "SoftwareFilters": "n/a",
        "EEGChannelCount": len(EEG),
        "ECGChannelCount": 1,
        "RecordingDuration": recording.seconds,
        "RecordingType": "continuous",
    }
    folder.joinpath(f"{stem}_eeg.json").write_text(json.dumps(sidecar, indent=1), "utf-8")
    said = {"trial_type": {"Description": "what was shown"}}
    folder.joinpath(f"{stem}_events.json").write_text(json.dumps(said), "utf-8")


PLACES = {
    "Fz": (0, 60, 70), "Cz": (0, 0, 95), "Pz": (0, -60, 70), "Oz": (0, -95, 10), "P3": (-50, -60, 55),
    "P4": (50, -60, 55),
}  # fmt: skip


def write_study(root, fmt, recordings):
    """A whole BIDS dataset: recordings, people, what was when, and where the electrodes were."""
    for recording in recordings:
        write_recording(root, recording, fmt)
    people = sorted({r.subject for r in recordings})
    rows = [[f"sub-{s}", 20 + 3 * i, "FM"[i % 2]] for i, s in enumerate(people)]
    write_tsv(root / "participants.tsv", [["participant_id", "age", "sex"], *rows])
    said = {"age": {"Description": "age", "Units": "year"}}
    root.joinpath("participants.json").write_text(json.dumps(said), "utf-8")
    about = {"Name": "small", "BIDSVersion": "1.9.0", "DatasetType": "raw"}
    root.joinpath("dataset_description.json").write_text(json.dumps(about), "utf-8")
    root.joinpath("README").write_text("Written to be broken.\n", "utf-8")
    for folder in sorted({r.folder for r in recordings}):
        own = [r for r in recordings if r.folder == folder]
        above = root / folder.removesuffix("/eeg")
        scans = [[f"eeg/{r.stem}_eeg{FORMATS[fmt]}", "2020-01-01T10:00:00"] for r in own]
        stem = own[0].stem.split("_task-")[0]
        write_tsv(above / f"{stem}_scans.tsv", [["filename", "acq_time"], *scans])
        places = [[name, *PLACES[name]] for name in EEG]
        stem = f"{stem}_space-CapTrak"
        write_tsv(
            root / folder / f"{stem}_electrodes.tsv", [["name", "x", "y", "z"], *places]
        )
        system = {"EEGCoordinateSystem": "CapTrak", "EEGCoordinateUnits": "mm"}
        root.joinpath(folder, f"{stem}_coordsystem.json").write_text(json.dumps(system))


def trials(subject, task, labels=("left", "right"), n=12, start=0):
    """Alternating events of 2 s."""
    codes = [(i + start) % 2 for i in range(n)]
    return [Event(QUIET_S + 2.0 * i, 2.0, labels[c], c) for i, c in enumerate(codes)]


def oddball(subjects, sfreq, sessions=("",), runs=("",)):
    """Recordings of one task with two kinds of events."""
    made = []
    for subject in subjects:
        for session in sessions:
            for run in runs:
                folder = f"sub-{subject}/ses-{session}/eeg".replace("/ses-/", "/")
                events = trials(subject, "oddball", n=12 // len(sessions) // len(runs) + 2)
                seconds = 2.0 * len(events) + 2 * QUIET_S
                made.append(
                    Recording(
                        subject, "oddball", sfreq, seconds, events, session, run, folder
                    )
                )
    return made


def two_tasks(subjects, sfreq):
    """Two recordings each, one long event per recording, named like its task."""
    made = []
    for subject in subjects:
        for code, (task, seconds) in enumerate((("rest", 16.0), ("arithmetic", 10.0))):
            events = [Event(QUIET_S, seconds, task, code)]
            folder = f"sub-{subject}/eeg"
            made.append(
                Recording(
                    subject, task, sfreq, seconds + 2 * QUIET_S, events, folder=folder
                )
            )
    return made


BASES = {
    "edf": ("edf", oddball(("01", "02", "03", "04"), 128.0)),
    "vhdr": ("vhdr", oddball(("01", "02", "03", "04"), 256.0)),
    "set": ("set", oddball(("01", "02", "03"), 128.0)),
    "fdt": ("fdt", oddball(("01", "02", "03"), 200.0)),
    "fif": ("fif", oddball(("01", "02", "03"), 128.0)),
    "tasks": ("edf", two_tasks(("01", "02", "03", "04"), 160.0)),
    "sessions": ("edf", oddball(("01", "02", "03"), 128.0, ("a", "b"), ("1", "2"))),
}
SYNTHETIC = tuple(BASES)


def pieces(recording):
    """Start and label of every window that fits into an event of the recording."""
    for event in recording.events:
        for k in range(int(event.duration / WINDOW_S + 1e-9)):
            yield event.onset + k * WINDOW_S, event.label


def written(recording, start, sfreq=128.0):
    """What was written from ``start`` on for a window, in uV."""
    return recording.signal(start + np.arange(round(WINDOW_S * sfreq)) / sfreq)


def expect(recording, start, label, signal=written):
    """A window that has to come out of a recording, against the average of the EEG channels."""
    signal = signal(recording, start)
    signal = signal - signal.mean(axis=0)
    return Expected(recording.subject, recording.stem, start, label, signal)


def truth_of(recordings):
    """What is true of a base before anything happens to it."""
    windows = [expect(r, start, label) for r in recordings for start, label in pieces(r)]
    people = sorted({r.subject for r in recordings})
    return Truth(windows, {s: 20.0 + 3 * i for i, s in enumerate(people)})


def cut_real(root, n_people=3):
    """The first people of a real study, copied: the folder keeps its name, and so its recipe."""
    source = Path(os.environ[REAL])
    root.mkdir(parents=True)
    kept = sorted(p.name for p in source.glob("sub-*") if p.is_dir())[:n_people]
    for path in source.iterdir():
        if path.is_file():
            shutil.copyfile(path, root / path.name)
        elif path.name in kept:
            shutil.copytree(path, root / path.name, copy_function=shutil.copyfile)
    for path in (root, *root.rglob("*")):  # the source may be read-only
        path.chmod(0o755 if path.is_dir() else 0o644)
    rows = read_tsv(root / "participants.tsv")
    rows = [row for row in rows if row[0] == "participant_id" or row[0] in kept]
    write_tsv(root / "participants.tsv", rows)


def real_recordings(root):
    """Recordings of a real study as its tables tell of them."""
    made = []
    for table in sorted(root.glob("sub-*/**/*_events.tsv")):
        words = dict(w.split("-", 1) for w in table.name.split("_")[:-1] if "-" in w)
        head, *rows = read_tsv(table)
        events = []
        for row in rows:
            of = dict(zip(head, row, strict=False))
            label = of.get("trial_type", of.get("value", ""))
            events.append(Event(float(of["onset"]), float(of["duration"]), label, 0))
        sidecar = json.loads(table.with_name(table.name[:-10] + "eeg.json").read_text())
        said = sidecar.get("RecordingDuration") or max(e.onset + e.duration for e in events)
        made.append(
            Recording(
                words["sub"], words["task"], float(sidecar["SamplingFrequency"]), said,
                events, words.get("ses", ""), words.get("run", ""),
                table.parent.relative_to(root).as_posix(),
            )
        )  # fmt: skip
    return made


@dataclass
class Base:
    """A study to copy and to break."""

    name: str
    folder: Path
    fmt: str
    recordings: list
    truth: Truth

    def copy_to(self, top):
        """A tree of its own: small files are copied, never linked."""
        shutil.copytree(self.folder, top / self.folder.name, symlinks=True)
        return top / self.folder.name


def write_base(name, folder, open_study=None):
    """Write a base below a folder; the truth of a real study is what it gives untouched."""
    if name == "real":
        root = folder / "real" / Path(os.environ[REAL]).name
        if not root.exists():
            cut_real(root)
        recordings = real_recordings(root)
        fmt = next(p.suffix[1:] for p in root.rglob("*_eeg.*") if p.suffix[1:] in FORMATS)
        if fmt == "set" and any(root.rglob("*.fdt")):
            fmt = "fdt"
        opened = open_study(root)
        rows = zip(opened.metadata.itertuples(), opened.windows, strict=True)
        windows = []
        for row, window in rows:
            stem, _, start = row.sample_id.partition("_sample-")
            label = opened.classes[row.target]
            windows.append(
                Expected(row.subject, stem, int(start) / opened.sfreq, label, window)
            )
        truth = Truth(windows, {}, tuple(opened.ch_names), balance=False)
        return Base(name, root, fmt, recordings, truth)
    fmt, recordings = BASES[name]
    root = folder / name / "study"
    if not root.exists():
        unfinished = folder / f"{name}.{os.getpid()}"
        write_study(unfinished / "study", fmt, recordings)
        unfinished.rename(folder / name)
    return Base(name, root, fmt, recordings, truth_of(recordings))


def copy_truth(base):
    """Recordings and truth for one tree, free to be changed."""
    windows = [copy.copy(w) for w in base.truth.windows]
    truth = copy.copy(base.truth)
    truth.windows, truth.loose, truth.values = windows, set(), dict(base.truth.values)
    truth.optional = []
    return copy.deepcopy(base.recordings), truth
