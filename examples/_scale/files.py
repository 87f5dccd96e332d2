"""One person, one file of windows; and an object that reads them batch by batch.

Every function that does work here is plain: it takes strings, numbers and tuples, reads its input
from a disk, and returns a small dictionary. A loop can call it, and so can any engine. It lives in
a module, not on a page, because a worker is another process and has to import it.
"""

import contextlib
import functools
import hashlib
import io
import json
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock

import _study
from _model.training import normalise
from _runtime import TutorialError
from _study.cache import replacing
from _study.find import recipe_of

#: Packages whose code turns recordings into windows.
PACKAGES = ("braindecode", "eegdash", "mne", "mne-bids", "numpy", "scipy")


class ScaleError(TutorialError, RuntimeError):
    """A file that cannot be written or used, or workers that cannot work; the message says why."""


def read_person(study, records, settings):
    """Windows of one person, read as if the person were a study alone.

    Parameters
    ----------
    study : str
        Folder of the study.
    records : list of dict
        The person's records, see :class:`_study.StudyIndex`. With them nobody has to look for the
        recordings again: the cost of a person does not depend on the number of people.
    settings : dict
        Arguments of :func:`_study.open_records`: classes and channels, which must not differ between
        people, and ``recipe``, that of the index: a worker on another machine does not see a file of
        the reader's settings.

    Returns
    -------
    _study.Study
        The windows of this person.

    Raises
    ------
    StudyError
        As :func:`_study.open_records` does.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # a line per person is too much
        return _study.open_records(study, records, **settings)


def save_person(study, subject, records, folder, settings):
    """One person: recordings in, one file of windows out. Safe to stop, to repeat, to run twice.

    Parameters
    ----------
    study, records, settings
        See :func:`read_person`.
    subject : str
        Label without ``sub-``.
    folder : path-like
        Where ``sub-XX.npy`` and its record ``sub-XX.json`` go.

    Returns
    -------
    dict
        ``status`` (``"done"`` or ``"skipped"``), ``subject``, ``n_windows``, ``sha256`` of the
        file, and ``again``: why it was done again, or an empty string.

    Raises
    ------
    StudyError
        If the recordings cannot be used.
    ScaleError
        If the file cannot be written. Nothing half-written stays behind.
    """
    if not records:
        raise _study.StudyError(
            f"sub-{subject} has no recordings in {study}: take people from list_people()"
        )
    wanted = made_with(study, subject, settings)
    with file_lock(folder, subject):  # another run waits here, and then finds the file
        for left in Path(folder).glob(f".sub-{subject}.*.unfinished"):
            left.unlink()  # by a run that was killed: whoever lives holds the lock
        record, why = check_person(folder, subject, wanted)
        if record is None:
            person = read_person(study, records, settings)
            record = save_windows(folder, subject, person, wanted)
    return {
        "status": "skipped" if why is None else "done",
        "subject": subject,
        "n_windows": record["n_windows"],
        "sha256": record["sha256"],
        "again": why or "",
    }


def made_with(study, subject, settings):
    """Everything a file of windows depends on: change it, and the file is out of date.

    Files of the person, and sidecars that everybody inherits, are known by size and by the times
    of their last change. One of these times belongs to the system, so that a file which was
    changed and given its old time back is noticed; a file that was copied counts as changed.
    What is not noticed: a disk that loses bits, and on Windows a change with the old time.

    Parameters
    ----------
    study, subject, settings
        See :func:`read_person`.

    Returns
    -------
    dict
        Settings, recipe, code, versions of packages, the person's row of ``participants.tsv``,
        and size and times of files, as JSON holds them.
    """
    study = Path(study)
    files = {}
    for path in [*study.joinpath(f"sub-{subject}").rglob("*"), *study.glob("task-*")]:
        if path.is_file() and path.suffix != ".lock":
            seen = path.stat()
            stamp = [seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns]
            files[path.relative_to(study).as_posix()] = stamp
    recipe = settings.get("recipe") or recipe_of(study)[0]
    made = {
        "settings": {key: value for key, value in settings.items() if key != "recipe"},
        "recipe": asdict(recipe),
        "code": code_digest(),
        "versions": {name: version(name) for name in PACKAGES},
        "row": _row_of(study / "participants.tsv", subject),
        "recordings": dict(sorted(files.items())),
    }
    return json.loads(json.dumps(made))


@functools.cache
def code_digest():
    """SHA-256 of the code that makes windows: this module and the rooms behind the door."""
    rooms = sorted(Path(_study.__file__).parent.rglob("*.py"))
    sources = [path.read_bytes() for path in (Path(__file__), *rooms)]
    return hashlib.sha256(b"".join(sources)).hexdigest()


def _row_of(table, subject):
    """A person's row as text, under the header; the door says what is wrong with a table."""
    try:
        head, *rows = table.read_text("utf-8-sig", errors="replace").splitlines()
        at = head.split("\t").index("participant_id")
    except (OSError, ValueError):
        return []
    kept, ids = [head], (subject, f"sub-{subject}")
    for row in rows:
        cells = row.split("\t")
        if len(cells) > at and cells[at].strip() in ids:
            kept.append(row)
    return kept


def file_lock(folder, subject):
    """Lock of one person's file; the system lets go of it when its holder dies.

    Parameters
    ----------
    folder : path-like
        Where the file is; made if it is not there.
    subject : str
        Label without ``sub-``.

    Returns
    -------
    filelock.FileLock
        For a ``with`` statement.

    Raises
    ------
    ScaleError
        If the folder cannot be made.
    """
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return FileLock(Path(folder, f".sub-{subject}.lock"))
    except OSError as err:
        raise _unwritable(folder, err) from err


def check_person(folder, subject, wanted=None):
    """Is the file of a person whole, unchanged and up to date?

    Parameters
    ----------
    folder : path-like
        Where the files are.
    subject : str
        Label without ``sub-``.
    wanted : dict or None
        What :func:`made_with` says today; None takes any.

    Returns
    -------
    record : dict or None
        The record of a good file.
    why : str or None
        None for a good file, ``""`` where there is none, else what is wrong with it.
    """
    path, about = _paths(folder, subject)
    if not about.exists():
        return None, f"{path.name} has no record: interrupted" if path.exists() else ""
    try:
        record = json.loads(about.read_text("utf-8"))
        if wanted is not None and record["made_with"] != wanted:
            old = record["made_with"]
            changed = [key for key in wanted if old.get(key) != wanted[key]]
            return None, f"{' and '.join(changed)} changed since {path.name} was made"
        size, expected = path.stat().st_size, record["n_bytes"]
        if size != expected:
            return None, f"{path.name} holds {size:,} of {expected:,} bytes"
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != record["sha256"]:
                return None, f"{path.name} is not what was written: its bytes changed"
    except FileNotFoundError:
        return None, f"{path.name} is gone, its record is there"
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as err:
        return None, f"{about.name} cannot be read ({type(err).__name__})"
    return record, None


def _paths(folder, subject):
    """The file of a person's windows, and its record."""
    return Path(folder, f"sub-{subject}.npy"), Path(folder, f"sub-{subject}.json")


def save_windows(folder, subject, person, wanted):
    """Write windows, then their record: a file without a record does not count.

    Parameters
    ----------
    folder : path-like
        Where to write.
    subject : str
        Label without ``sub-``.
    person : _study.Study
        The windows.
    wanted : dict
        See :func:`made_with`.

    Returns
    -------
    dict
        The record.

    Raises
    ------
    ScaleError
        If it cannot be written, for instance because the disk is full.
    """
    path, about = _paths(folder, subject)
    windows = np.ascontiguousarray(person.windows)
    digest = hashlib.sha256()
    try:
        about.unlink(missing_ok=True)  # from here on the old file does not count
        with replacing(path) as file:
            head = io.BytesIO()
            header = np.lib.format.header_data_from_array_1_0(windows)
            np.lib.format.write_array_header_1_0(head, header)
            for part in (head.getvalue(), windows.data.cast("B")):
                file.write(part)
                digest.update(part)
        record = {
            "made_with": wanted,
            "sha256": digest.hexdigest(),
            "n_bytes": path.stat().st_size,
            "n_windows": len(windows),
            "sfreq": person.sfreq,
            "classes": list(person.classes),
            "targets": person.targets.tolist(),
            "sample_ids": person.metadata["sample_id"].tolist(),
        }
        with replacing(about) as file:
            file.write(json.dumps(record).encode())
    except OSError as err:
        raise _unwritable(path, err) from err
    return record


def _unwritable(path, err):
    return ScaleError(
        f"{path} cannot be written ({err.strerror or err}). Make room, or set EEGDASH_CACHE_DIR "
        "to another disk, and run again: people who are finished are skipped"
    )


class WindowFiles:
    """Windows of many people, left on the disk: only what a batch asks for is read.

    Parameters
    ----------
    folder : path-like
        Files of :func:`save_person`.
    subjects : sequence of str
        Whose windows, in this order.

    Attributes
    ----------
    metadata : dict of str to list
        ``sample_id``, ``subject`` and ``target`` of each window.
    targets : torch.Tensor, shape (n_windows,)
        Labels.
    classes : tuple of str
        Name of each label.
    sfreq : float
        Sampling frequency in Hz.

    Raises
    ------
    ScaleError
        If a person has no record: run :func:`save_person` first.
    """

    device = "cpu"

    def __init__(self, folder, subjects):
        self.files, self.metadata = [], {"sample_id": [], "subject": [], "target": []}
        for subject in subjects:
            path, about = _paths(folder, subject)
            if not about.is_file():
                raise ScaleError(f"{about} is not there: run save_person for {subject!r}")
            record = json.loads(about.read_text("utf-8"))
            self.files.append(np.load(path, mmap_mode="r"))
            self.metadata["sample_id"] += record["sample_ids"]
            self.metadata["subject"] += [subject] * record["n_windows"]
            self.metadata["target"] += record["targets"]
        self.classes, self.sfreq = tuple(record["classes"]), record["sfreq"]
        self.ends = np.cumsum([len(file) for file in self.files])
        self.targets = torch.tensor(self.metadata["target"])

    def __len__(self):
        return int(self.ends[-1])

    def read(self, rows):
        """Windows of one batch: a copy of these, and of nothing else.

        Parameters
        ----------
        rows : sequence of int
            Positions among all windows.

        Returns
        -------
        ndarray, shape (n, n_chans, n_times)
            In uV.
        """
        rows = np.asarray(rows)
        which = np.searchsorted(self.ends, rows, side="right")
        X = np.empty((len(rows), *self.files[0].shape[1:]), np.float32)
        for place, (row, i) in enumerate(zip(rows, which, strict=True)):
            X[place] = self.files[i][row - self.ends[i]]  # counted from the end of the file
        return X

    def __getitem__(self, rows):
        """The same as the training loop takes them: each divided by its own standard deviation."""
        return torch.from_numpy(normalise(self.read(rows)))
