"""From a laptop to a cohort: a file of windows per person, the cells of a grid, and who does them.

Every function that does work here is plain: it takes strings, numbers and tuples, reads its input
from a disk, and returns a small dictionary. A loop can call it, and so can any engine. It lives in
a module, not on a page, because a worker is another process and has to import it.
"""

import contextlib
import errno
import hashlib
import importlib.util
import io
import json
import os
import shutil
import sys
import textwrap
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from filelock import FileLock
from tqdm import tqdm

import _runtime
import _study

try:
    import distributed
except ImportError:  # everything here works without it, in a loop
    distributed = None

#: What a worker starts with: one thread per worker. dask's own list also holds
#: MALLOC_TRIM_THRESHOLD_, which hands memory back to the kernel and asks for it again.
WORKER_ENVIRON = {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1}


class ScaleError(RuntimeError):
    """A file that cannot be written or used, or workers that cannot work; the message says why."""


# ------------------------------------------------------------------------------ one person, one file


def study_folder(name):
    """Folder of a study that :func:`_study.list_people` has seen.

    Parameters
    ----------
    name : str or path-like
        See :func:`_study.open_study`.

    Returns
    -------
    str
        An absolute path: what a worker in another folder can use.
    """
    folder = Path(name).expanduser()
    if folder.joinpath("dataset_description.json").is_file():
        return str(folder.absolute())
    return str(_study.get_cache_dir(writable=False) / folder.name)


def read_person(study, subject, folder, settings):
    """Windows of one person, read as if the person were a study alone.

    EEGDash looks at every file of a study, whoever is asked for, so asking person by person
    costs the square of their number. Here it is shown a folder of links with one person in it.

    Parameters
    ----------
    study : str
        Folder of the study.
    subject : str
        Label without ``sub-``.
    folder : path-like
        Where the links are made, and removed again.
    settings : dict
        Arguments of :func:`_study.open_study` that must not differ between people.

    Returns
    -------
    _study.Study
        The windows of this person.

    Raises
    ------
    StudyError
        As :func:`_study.open_study` does.
    ScaleError
        If the links cannot be made.
    """
    study, around = Path(study), Path(folder, f".sub-{subject}.view")
    view = around / study.name  # the name decides which recipe is used
    person = study / f"sub-{subject}"
    if not person.is_dir():
        raise _study.StudyError(f"{person} is not there: take people from list_people()")
    shutil.rmtree(around, ignore_errors=True)  # of a run that was killed
    try:
        view.mkdir(parents=True)
        for path in study.iterdir():
            if path.is_file() and path.name not in ("participants.tsv", _study.MANIFEST):
                (view / path.name).symlink_to(path)
        (view / person.name).symlink_to(person)
        with (study / "participants.tsv").open(encoding="utf-8") as lines:
            head = next(lines)
            column = head.rstrip("\r\n").split("\t").index("participant_id")
            own = [x for x in lines if x.rstrip("\r\n").split("\t")[column] == person.name]
        (view / "participants.tsv").write_text("".join([head, *own]), "utf-8")
        with contextlib.redirect_stdout(io.StringIO()):  # a line per person is too much
            return _study.open_study(view, subjects=[subject], **settings)
    except _study.StudyError as err:  # name the file that is there, not the link
        raise _study.StudyError(str(err).replace(str(view), str(study))) from err
    except OSError as err:
        if err.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        raise _unwritable(around, err) from err
    finally:
        shutil.rmtree(around, ignore_errors=True)


def save_person(study, subject, folder, settings):
    """One person: recordings in, one file of windows out. Safe to stop, to repeat, to run twice.

    Parameters
    ----------
    study, subject, folder, settings
        See :func:`read_person`; ``folder`` is also where ``sub-XX.npy`` and its record
        ``sub-XX.json`` go.

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
    wanted = made_with(study, subject, settings)
    with file_lock(folder, subject):  # another run waits here, and then finds the file
        record, why = check_person(folder, subject, wanted)
        if record is None:
            person = read_person(study, subject, folder, settings)
            record = write_person(folder, subject, person, wanted)
    return {
        "status": "skipped" if why is None else "done",
        "subject": subject,
        "n_windows": record["n_windows"],
        "sha256": record["sha256"],
        "again": why or "",
    }


def made_with(study, subject, settings):
    """Everything a file of windows depends on: change it, and the file is out of date.

    Parameters
    ----------
    study, subject, settings
        See :func:`read_person`.

    Returns
    -------
    dict
        Settings, recipe, and size and time of every file of the person, as JSON holds them.
    """
    study = Path(study)
    files = {}
    for path in sorted(study.joinpath(f"sub-{subject}").rglob("*")):
        if path.is_file():
            seen = path.stat()
            files[path.relative_to(study).as_posix()] = [seen.st_size, seen.st_mtime_ns]
    recipe = asdict(_study.get_recipe(study.name))
    return json.loads(
        json.dumps({"settings": settings, "recipe": recipe, "recordings": files})
    )


def file_lock(folder, subject):
    """Lock of one person's file; the system lets go of it when its holder dies."""
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
    path, said = (Path(folder, f"sub-{subject}{suffix}") for suffix in (".npy", ".json"))
    if not said.exists():
        return None, f"{path.name} has no record: interrupted" if path.exists() else ""
    try:
        record = json.loads(said.read_text("utf-8"))
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
        return None, f"{said.name} cannot be read ({type(err).__name__})"
    return record, None


def write_person(folder, subject, person, wanted):
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
    path, said = (Path(folder, f"sub-{subject}{suffix}") for suffix in (".npy", ".json"))
    windows = np.ascontiguousarray(person.windows)
    digest = hashlib.sha256()
    try:
        said.unlink(missing_ok=True)  # from here on the old file does not count
        with replacing(path) as file:
            head = io.BytesIO()
            about = np.lib.format.header_data_from_array_1_0(windows)
            np.lib.format.write_array_header_1_0(head, about)
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
        with replacing(said) as file:
            file.write(json.dumps(record).encode())
    except OSError as err:
        raise _unwritable(path, err) from err
    return record


@contextlib.contextmanager
def replacing(path):
    """Open a file for writing under a temporary name; it gets its own when all went well.

    Parameters
    ----------
    path : path-like
        The file.

    Yields
    ------
    file object
        Binary, for writing.
    """
    path = Path(path)
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def _unwritable(path, err):
    return ScaleError(
        f"{path} cannot be written ({err.strerror or err}). Make room, or set EEGDASH_CACHE_DIR "
        "to another disk, and run again: people who are finished are skipped"
    )


# ------------------------------------------------------------------------------- reading for training


class WindowFiles(torch.utils.data.Dataset):
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
    classes : tuple of str
        Name of each label.
    sfreq : float
        Sampling frequency in Hz.

    Raises
    ------
    ScaleError
        If a person has no record: run :func:`save_person` first.
    """

    def __init__(self, folder, subjects):
        self.files, self.metadata = [], {"sample_id": [], "subject": [], "target": []}
        for subject in subjects:
            said = Path(folder, f"sub-{subject}.json")
            if not said.is_file():
                raise ScaleError(f"{said} is not there: run save_person for {subject!r}")
            record = json.loads(said.read_text("utf-8"))
            self.files.append(np.load(said.with_suffix(".npy"), mmap_mode="r"))
            self.metadata["sample_id"] += record["sample_ids"]
            self.metadata["subject"] += [subject] * record["n_windows"]
            self.metadata["target"] += record["targets"]
        self.classes, self.sfreq = tuple(record["classes"]), record["sfreq"]
        self.ends = np.cumsum([len(file) for file in self.files])
        self.targets = np.array(self.metadata["target"])

    def __len__(self):
        return int(self.ends[-1])

    def __getitem__(self, i):
        X, y = self.__getitems__([i])
        return X[0], y[0]

    def __getitems__(self, rows):
        """Windows and labels of one batch: a copy of these windows, and of nothing else.

        Parameters
        ----------
        rows : sequence of int
            Positions among all windows.

        Returns
        -------
        tuple of ndarray
            Windows in uV, shape (n, n_chans, n_times), and their targets.
        """
        rows = np.asarray(rows)
        which = np.searchsorted(self.ends, rows, side="right")
        X = np.empty((len(rows), *self.files[0].shape[1:]), np.float32)
        for place, (row, i) in enumerate(zip(rows, which, strict=True)):
            X[place] = self.files[i][row - self.ends[i]]  # counted from the end of the file
        return X, self.targets[rows]


def to_tensors(batch):
    """Divide each window by its own standard deviation, as on the fine-tuning page.

    Parameters
    ----------
    batch : tuple of ndarray
        Windows and targets.

    Returns
    -------
    tuple of torch.Tensor
        The same.
    """
    X, y = batch
    scale = X.std(axis=-1, keepdims=True).mean(axis=1, keepdims=True)
    return torch.from_numpy(X / scale), torch.from_numpy(y)


# --------------------------------------------------------------------------------- cells of the grid


def build_model(windows, seed):
    """A :class:`~braindecode.models.ShallowFBCSPNet` that fits some windows.

    Parameters
    ----------
    windows : WindowFiles
        Windows of any people.
    seed : int
        Seed of the weights.

    Returns
    -------
    torch.nn.Module
        The network.
    """
    from braindecode.models import ShallowFBCSPNet  # after _study, which calms its import

    torch.manual_seed(seed)
    n_chans, n_times = windows.files[0].shape[1:]
    return ShallowFBCSPNet(
        n_chans=n_chans,
        n_outputs=len(windows.classes),
        n_times=n_times,
        sfreq=windows.sfreq,
    )


def train(model, windows, *, lr, n_steps, batch_size, seed):
    """Train what may learn, on windows that are read batch by batch.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place; already in training or evaluation mode.
    windows : WindowFiles
        Windows to learn from.
    lr : float
        Learning rate of :class:`~torch.optim.AdamW`.
    n_steps, batch_size, seed : int
        Length of training, and the order of the windows.
    """
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=lr, weight_decay=1e-4)
    order = torch.Generator().manual_seed(seed)
    how = {"shuffle": True, "generator": order, "collate_fn": to_tensors, "drop_last": True}
    loader = torch.utils.data.DataLoader(windows, min(batch_size, len(windows)), **how)
    batches = (
        batch for _ in iter(int, 1) for batch in loader
    )  # as many passes as it takes
    for _, (X, y) in zip(range(n_steps), batches, strict=False):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(X), y).backward()
        optimizer.step()


def is_head(name):
    """Does a parameter or buffer belong to the last layer?"""
    return name.startswith("final_layer")


def pretrain(folder, subjects, checkpoint, n_steps=150):
    """Train an encoder on some people and save it; a checkpoint that is there is made again.

    Parameters
    ----------
    folder : str
        Files of :func:`save_person`.
    subjects : tuple of str
        Whom to learn from.
    checkpoint : str
        File to write.
    n_steps : int
        Length of training.

    Returns
    -------
    dict
        ``status``, and ``weights``: a fingerprint of what was learned.
    """
    _runtime.setup()
    windows = WindowFiles(folder, subjects)
    model = build_model(windows, seed=0).train()
    train(model, windows, lr=2e-3, n_steps=n_steps, batch_size=64, seed=0)
    encoder = {k: v for k, v in model.state_dict().items() if not is_head(k)}
    with replacing(checkpoint) as file:
        torch.save(encoder, file)
    return {"status": "done", "weights": fingerprint(model)}


def train_cell(folder, checkpoint, regime, seed, train_people, test_people, lr, n_steps=45):
    """One cell of the grid: a regime, a seed and a fold in, a score per test person out.

    Parameters
    ----------
    folder : str
        Files of :func:`save_person`.
    checkpoint : str
        File of :func:`pretrain`.
    regime : {"from-scratch", "linear-probe", "full-finetune"}
        What the encoder starts from, and what learns.
    seed : int
        Head, weights and order of the windows. Regimes with one seed share all three.
    train_people, test_people : tuple of str
        Both sides of the fold.
    lr : float
        Learning rate.
    n_steps : int
        Length of training.

    Returns
    -------
    dict
        ``status``; ``correct``, test windows answered correctly per test person; ``windows``,
        how many each has; ``weights``, a fingerprint of the trained network.
    """
    _runtime.setup()
    windows, unseen = WindowFiles(folder, train_people), WindowFiles(folder, test_people)
    model = build_model(windows, seed).train()
    if regime != "from-scratch":
        loaded = model.load_state_dict(torch.load(checkpoint), strict=False)
        if loaded.unexpected_keys or not all(map(is_head, loaded.missing_keys)):
            raise ScaleError(f"{checkpoint} does not fit this network: {loaded}")
    if regime == "linear-probe":
        model.eval()  # frozen: no running statistics move, no dropout
        for name, parameter in model.named_parameters():
            parameter.requires_grad = is_head(name)
    train(model, windows, lr=lr, n_steps=n_steps, batch_size=16, seed=seed)
    model.eval()
    hits = []
    with torch.no_grad():
        for batch in torch.utils.data.DataLoader(unseen, 64, collate_fn=to_tensors):
            hits.append(model(batch[0]).argmax(dim=1) == batch[1])
    hits = torch.cat(hits).numpy()
    own = {
        person: hits[np.array(unseen.metadata["subject"]) == person]
        for person in test_people
    }
    return {
        "status": "done",
        "correct": {person: int(values.sum()) for person, values in own.items()},
        "windows": {person: len(values) for person, values in own.items()},
        "weights": fingerprint(model),
    }


def fingerprint(model):
    """SHA-256 over every parameter and buffer of a network: equal only if each bit is.

    Parameters
    ----------
    model : torch.nn.Module
        A network.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()


# ------------------------------------------------------------------------------------ who does them


def run_tasks(function, tasks, client=None):
    """Call a function once per task: in a loop, or on the workers of a client.

    A task that raises does not stop the others, and a worker that dies gives its task to another
    one. After four deaths in the same task it is given up.

    Parameters
    ----------
    function : callable
        Returns a dictionary.
    tasks : sequence of tuple
        Arguments of each call.
    client : distributed.Client or None
        Where to run. None is a loop, in this process.

    Returns
    -------
    list of dict
        One per task, in order: what the function returned, or ``status`` ``"failed"`` with its
        ``reason``.
    """
    tasks = list(tasks)
    how = {
        "total": len(tasks),
        "desc": function.__name__,
        "disable": None,
    }  # terminals only
    if client is None:
        return [_attempt(lambda task=task: function(*task)) for task in tqdm(tasks, **how)]
    if not tasks:
        return []
    module, name = function.__module__, function.__name__

    def call(*task):  # a function made here travels by value: a scheduler elsewhere is
        return getattr(importlib.import_module(module), name)(*task)  # spared the import

    call = function if module == "__main__" else call
    futures = client.map(call, *zip(*tasks, strict=True), key=name, pure=False)
    outcomes = {}  # fetched at once: what a worker holds is lost with it, and done again
    for future in tqdm(distributed.as_completed(futures), **how):
        outcomes[future.key] = _attempt(future.result)
    return [outcomes[future.key] for future in futures]


def _attempt(call):
    try:
        return call()
    except Exception as err:
        return {"status": "failed", "reason": f"{type(err).__name__}: {err}"}


@contextlib.contextmanager
def local_workers(n_workers=2, *, environ=None):
    """Start workers on this machine, for as long as the ``with`` block lasts.

    Parameters
    ----------
    n_workers : int
        Processes, with one thread each.
    environ : dict or None
        What each starts with; None takes ``WORKER_ENVIRON``.

    Yields
    ------
    distributed.Client
        Connected to them.
    """
    import dask

    # A new process imports the script of its parent. A page has no guard against that, so its
    # workers are not told where the script is; they need this module, not the page.
    main = vars(sys.modules["__main__"])
    script = main.pop("__file__", None)
    try:
        with (
            dask.config.set(
                {
                    "distributed.nanny.pre-spawn-environ": environ or WORKER_ENVIRON,
                    # A worker holds one task at a time, so its death is held against no other.
                    "distributed.scheduler.worker-saturation": 1.0,
                }
            ),
            distributed.LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs="ERROR",  # a worker that is slow to stop is no news
                local_directory=str(_study.get_cache_dir() / ".workers"),
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield client
    finally:
        if script is not None:
            main["__file__"] = script


def workers_that_fit(wanted):
    """As many workers as there is memory for, one at least.

    Parameters
    ----------
    wanted : int
        How many would be nice.

    Returns
    -------
    int
        Fewer where memory is short. What counts is ``MEM_LIMIT`` in bytes, which Binder and other
        hosts of notebooks set, or else the limit of the container or the machine.
    """
    said = os.environ.get("MEM_LIMIT", "")
    limit = int(said) if said.isdigit() else distributed.system.MEMORY_LIMIT
    # A page that works in MNE and torch holds about as much, and each of its workers a bit less.
    return max(1, min(wanted, int((limit - 1e9) // 0.75e9)))


@contextlib.contextmanager
def open_workers(n_workers=2, timeout=10):
    """Workers for :func:`run_tasks`: those there are, those made here, or none.

    Parameters
    ----------
    n_workers : int
        How many to start where nobody else did; fewer where memory is short.
    timeout : float
        How long a scheduler may take to answer, in seconds.

    Yields
    ------
    distributed.Client or None
        A client of the scheduler named in ``DASK_SCHEDULER_ADDRESS``; without that, of workers
        on this machine; None where dask is not installed.

    Raises
    ------
    ScaleError
        If the scheduler does not answer or its workers cannot import this module.
    """
    address = os.environ.get("DASK_SCHEDULER_ADDRESS", "").strip()
    if distributed is None:
        print("dask is not installed (pip install distributed): everything runs in a loop")
        yield None
    elif not address:
        n_workers = workers_that_fit(n_workers)
        with local_workers(n_workers) as client:
            print(f"workers on this machine, one thread each: {n_workers}")
            yield client
    else:
        try:
            client = distributed.Client(address, timeout=timeout)
        except (OSError, ValueError) as err:
            raise ScaleError(
                f"no scheduler answers at DASK_SCHEDULER_ADDRESS={address} ({err}): start one with "
                "`dask scheduler`, or unset the variable to start workers on this machine"
            ) from err
        with client:
            with contextlib.suppress(TimeoutError):  # they may be on their way
                client.wait_for_workers(1, timeout=timeout)
            found = client.run(importlib.util.find_spec, __name__)
            lacking = sorted(worker for worker, spec in found.items() if spec is None)
            if lacking or not found:
                raise ScaleError(
                    f"the scheduler at {address} has {len(found)} workers and {len(lacking)} of them "
                    f"cannot import {__name__}: start them with PYTHONPATH={Path(__file__).absolute().parent}"
                )
            print(f"the scheduler of DASK_SCHEDULER_ADDRESS, {len(found)} workers")
            yield client


def count_status(outcomes, hide=None):
    """How many tasks were done, skipped and failed; failures and repetitions are printed.

    Parameters
    ----------
    outcomes : sequence of dict
        Of :func:`run_tasks`.
    hide : str or None
        A folder that is left out of what is printed, because its name says nothing.

    Returns
    -------
    dict of str to int
        ``done``, ``skipped`` and ``failed``.
    """
    counts = Counter(outcome["status"] for outcome in outcomes)
    counts = {status: counts[status] for status in ("done", "skipped", "failed")}
    print(", ".join(f"{n} {status}" for status, n in counts.items()))
    for outcome in outcomes:
        if why := outcome.get("reason") or outcome.get("again"):
            line = f"{outcome['status']}: {why.replace(f'{hide}{os.sep}', '')}"
            around = {"initial_indent": "  ", "subsequent_indent": "    "}
            print(textwrap.fill(line, 84, break_long_words=False, **around))
    return counts
