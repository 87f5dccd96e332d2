"""A tree is built, opened and judged: was the right thing read, or refused with the right name?"""

import ast
import collections
import contextlib
import functools
import os
import pickle
import re
import shutil
import signal
import stat
import sys
import tempfile
import threading
import traceback
import unicodedata
import zlib
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import _scale.files
import _study
from _study import StudyError
from fuzz import bases
from tools import Fork, look

#: From the worst to the mildest.
FAULTS = (
    "changed",
    "silent",
    "halves differ",
    "hang",
    "traceback",
    "advice to delete",
    "refused wrongly",
    "false alarm",
)
OUTCOMES = ("right", "refused clearly", *FAULTS)
LIMIT_S = 20.0
#: Blame of a recording; where a table is broken it is the wrong blame.
BLAME = re.compile(r"damaged or was cut short|recording is damaged", re.IGNORECASE)
#: What nobody may be told to do to files that are there.
DELETE = re.compile(r".{0,80}(rm -rf|delete (its|the) (sidecars|events)).{0,60}")
#: Where a line counts recordings, it need not name everybody.
COUNTED = re.compile(r"\b\d+ (more|others?|recordings|files)\b")


#: Guards of the door that refused something in this process, newest last.
GUARDS = []


class HangError(BaseException):
    """The time of a tree is over; no ``except Exception`` catches it."""


@dataclass
class Expectation:
    """What may happen to a mutated tree.

    Attributes
    ----------
    verdict : {"right", "refuse", "either"}
        Must it open, must it be refused, or are both right?
    culprit : tuple of str
        Patterns that all stand in the message of a refusal.
    said : tuple of str
        Patterns that are printed if it is opened.
    recording : bool
        Is the recording itself what is broken, so that calling it damaged is right?
    """

    verdict: str
    culprit: tuple = ()
    said: tuple = ()
    recording: bool = False


@dataclass
class Tree:
    """One copy of a base, which mutations change together with its truth.

    Attributes
    ----------
    top, root : pathlib.Path
        A folder of its own, and the study in it; what links lead to lies beside the study.
    rng : numpy.random.Generator
        Every choice of the mutations.
    recordings : list of bases.Recording
        Those of the base.
    truth : bases.Truth
        What has to come out.
    how : dict
        Arguments of ``open_study``.
    expectations : list of Expectation
        One of each mutation.
    dropped : set of str
        People whose recordings nobody asks for, so that they may be broken.
    """

    top: Path
    root: Path
    base: bases.Base
    rng: np.random.Generator
    recordings: list
    truth: bases.Truth
    how: dict = field(default_factory=dict)
    expectations: list = field(default_factory=list)
    dropped: set = field(default_factory=set)

    # What mutations ask for.

    def recording(self):
        """One of the recordings, by chance."""
        return self.recordings[self.rng.integers(len(self.recordings))]

    def path(self, recording, end):
        """A file of a recording: ``events.tsv``, ``eeg.json``; ``eeg`` is its data file."""
        if end == "eeg":
            end += bases.FORMATS[self.base.fmt]
        return self.root / recording.folder / f"{recording.stem}_{end}"

    def outside(self, name):
        """A path beside the study, for the other end of a link."""
        folder = self.top / "outside"
        folder.mkdir(exist_ok=True)
        return folder / name

    def untouched(self, recording, end):
        """A file of a recording, which no other mutation may have changed."""
        path = self.path(recording, end)
        # The samples of a .vhdr or a .set may stand in a file of their own.
        for file in [path, path.with_suffix(".eeg"), path.with_suffix(".fdt")]:
            written = self.base.folder / recording.folder / file.name
            if written.exists() and file.read_bytes() != written.read_bytes():
                raise ValueError(f"{file.name} is not as it was")
        return path

    def rewrite(self, recording, change=dict, notes=None, **split):
        """Write a data file anew after ``change(rows)``, which takes and gives signals by name."""
        path = self.untouched(recording, "eeg")
        rows = change(dict(zip(bases.NAMES, recording.data(), strict=True)))
        notes = recording.events if notes is None else notes
        data = list(rows.values())
        data = np.array(data) if len({len(row) for row in data}) == 1 else data
        sfreq = [round(len(row) / recording.seconds) for row in data]
        sfreq = sfreq[0] if len(set(sfreq)) == 1 else sfreq
        bases.write_signal(path, self.base.fmt, data, list(rows), sfreq, notes, **split)
        return list(rows)


def build(base, mutations, seed, top):
    """Copy a base and apply mutations one after the other; same arguments, same tree."""
    recordings, truth = bases.copy_truth(base)
    words = " ".join([base.name, *(m.__name__ for m in mutations)])
    rng = np.random.default_rng([seed, zlib.crc32(words.encode())])
    tree = Tree(top, base.copy_to(top), base, rng, recordings, truth)
    for mutation in mutations:
        mutation(tree)
    return tree


# ----------------------------------------------------------------------------- what was changed


def seal(top):
    """Date every file and folder back, so that any change of a folder moves its date."""
    for path in [*top.rglob("*"), top]:
        with contextlib.suppress(OSError, NotImplementedError):
            os.utime(path, (1e9, 1e9), follow_symlinks=False)


def changes(before, after):
    """Names of what is not as it was: files first, then folders in which something came and went."""
    names = sorted(before.keys() | after.keys())
    moved = [name for name in names if before.get(name) != after.get(name)]
    folders = [
        n for n in moved if all(n in s and stat.S_ISDIR(s[n][0]) for s in (before, after))
    ]
    return [repr(n) for n in moved if n not in folders] + [f"in {n!r}" for n in folders]


# ------------------------------------------------------------------------------ what was opened


def check(opened, truth, printed, name):
    """What is wrong with windows that were opened; an empty list if nothing is."""
    faults = []
    ids = collections.Counter(opened.metadata["sample_id"])
    twice = [name for name, n in ids.items() if n > 1]
    if twice:
        faults.append(f"{len(twice)} windows are there more than once, e.g. {twice[0]}")
    if opened.unit != "uV" or opened.data.startswith("simulated"):
        faults.append(f"unit {opened.unit}, data {opened.data}")
    if opened.name != name:
        faults.append(f"the study {name!r} is called {opened.name!r}")
    here = [ch_name.lower() for ch_name in opened.ch_names]
    gone = [ch_name for ch_name in truth.ch_names if ch_name.lower() not in here]
    if not truth.asked and any(ch_name not in printed for ch_name in gone):
        faults.append(f"channels {gone} are left out without a word")
    if not np.isfinite(opened.windows).all():
        faults.append("samples that are not finite")
    elif not truth.asked:
        rest = np.abs(opened.windows.mean(axis=1)).max(axis=1) > 0.01 * opened.windows.std(
            axis=(1, 2)
        )
        if rest.any():
            who = sorted(set(opened.metadata["subject"][rest]))
            faults.append(
                f"sub-{', sub-'.join(who)}: the reference is not the average of these channels"
            )
    known = [*truth.optional, *truth.windows]
    expected = {(w.stem, round(w.start * opened.sfreq)): w for w in known}
    by_class = collections.Counter()
    for row, window in zip(opened.metadata.itertuples(), opened.windows, strict=True):
        stem, _, start = row.sample_id.replace("_split-01", "").partition("_sample-")
        keys = [(stem, int(start) + shift) for shift in (0, 1, -1)]
        key = next((key for key in keys if key in expected), None)
        if key is None:
            faults.append(f"{row.sample_id} is no window of the study")
            continue
        want = expected[key]
        by_class[want.subject, want.label] += 1
        names = [unicodedata.normalize("NFC", name) for name in (row.subject, want.subject)]
        if names[0] != names[1]:
            faults.append(f"{row.sample_id} is said to be of sub-{row.subject}")
        if opened.classes and opened.classes[row.target] != want.label:
            got = opened.classes[row.target]
            faults.append(f"{row.sample_id} is {want.label!r} but labelled {got!r}")
        if not opened.classes and row.target != truth.values[want.subject]:
            faults.append(f"{row.sample_id} has {row.target}, not the value of its person")
        if want.subject not in truth.loose and want.signal is not None:
            fault = compare(window, want, opened.ch_names, truth)
            faults += [f"{row.sample_id}: {fault}"] if fault else []
    if len(faults) > 1:
        faults = [f"{faults[0]} (and {len(faults) - 1} more)"]
    return faults + lost(by_class, truth, opened, printed)


def compare(window, want, ch_names, truth):
    """How a window differs from the signal that was written, or None."""
    known = [ch_name.lower() for ch_name in truth.ch_names]
    try:
        rows = [known.index(ch_name.lower()) for ch_name in ch_names]
    except ValueError:
        return f"channels {ch_names}"
    if not np.isfinite(window).all():
        return None  # said above
    signal = want.signal[rows]
    if not truth.asked:  # what everybody has to do without is in nobody's reference
        signal = signal - signal.mean(axis=0)
    off = np.linalg.norm(window - signal, axis=1) / np.linalg.norm(signal, axis=1)
    worst = int(off.argmax())
    if off[worst] < 0.45:  # a resampled tone may be shifted by a part of a sample
        return None
    alike = np.abs([np.corrcoef(window[worst], row)[0, 1] for row in want.signal])
    power = np.std(window[worst]) / np.std(signal[worst])
    return (
        f"{ch_names[worst]} differs by {off[worst]:.2g} of what was written: {power:.2g} "
        f"times as large, most like {known[int(np.nanargmax(alike))]}"
    )


def lost(by_class, truth, opened, printed):
    """People and windows that should be there, are not, and that no line printed tells of."""
    wanted = collections.Counter((w.subject, w.label) for w in truth.windows)
    classes = sorted({w.label for w in truth.windows})
    faults = []
    for subject in sorted({w.subject for w in truth.windows}):
        own = [wanted[subject, label] for label in classes]
        want = [min(own)] * len(classes) if truth.balance and opened.classes else own
        got = [by_class[subject, label] for label in classes]
        if not truth.balance and opened.classes:
            want = [min(w, g) if g else w for w, g in zip(want, got, strict=True)]
        if any(g < w for g, w in zip(got, want, strict=True)):
            if COUNTED.search(printed) or re.search(
                rf"(?i)\bsub-{re.escape(subject)}(?![a-z0-9])", printed
            ):
                continue
            faults.append(
                f"sub-{subject} has {got} windows of {classes} for {want}, not a word"
            )
    return faults


# ---------------------------------------------------------------------------------- the verdict


@contextlib.contextmanager
def captured(folder):
    """Everything printed, whoever prints it, goes into two files; yields a way to read them."""
    paths = folder / "stdout", folder / "stderr"
    sys.stdout.flush(), sys.stderr.flush()
    kept = [os.dup(1), os.dup(2)]
    with open(paths[0], "w", buffering=1) as out, open(paths[1], "w", buffering=1) as err:
        os.dup2(out.fileno(), 1), os.dup2(err.fileno(), 2)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                yield lambda: [p.read_text("utf-8", errors="replace") for p in paths]
        finally:
            os.dup2(kept[0], 1), os.dup2(kept[1], 2)
            os.close(kept[0]), os.close(kept[1])


@contextlib.contextmanager
def limited(seconds):
    """Raise HangError when the time is over; only the main thread can be stopped like that."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_):
        raise HangError

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again, should a finally swallow it
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def attempt(work):
    """Result of ``work()`` and None, or None and what it raised."""
    crowd = os.getloadavg()[0] / (os.cpu_count() or 1)  # others work on this machine, too
    try:
        with limited(LIMIT_S * max(1.0, crowd)):
            return work(), None
    except (Exception, HangError, RecursionError) as err:
        return None, err


def origin(err):
    """The exception in a line, and where in the project it came from."""
    steps = [
        f"{Path(s.filename).name}:{s.lineno}"
        for s in traceback.extract_tb(err.__traceback__)
    ]
    own = [step for step in steps if step.startswith("_")]
    text = " ".join(str(err).split())[:300]
    return f"{type(err).__name__}: {text} ({(own or steps)[-1]})"


#: How many words of a message name a guard, besides the values in it.
N_WORDS = 8


def _literal(node):
    """Text of a message as it stands in the source, with ``*`` for each value."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_literal, node.values))
    if isinstance(node, ast.BinOp):
        return _literal(node.left) + _literal(node.right)
    return "*"


def _first_words(message):
    """The first words of a message, with the values between them; empty if it has no words."""
    words, n_words = [], 0
    for word in _literal(message).split():
        n_words += "*" not in word
        words.append(word)
        if n_words == N_WORDS:
            break
    return " ".join(words) if n_words else ""


@functools.cache
def guards_of(path):
    """Every ``raise StudyError(...)`` of a file: its lines -> the first words of its message.

    A message without words of its own is named by its function.
    """
    guards = {}
    for function in ast.walk(ast.parse(Path(path).read_text("utf-8"))):
        if not isinstance(function, ast.FunctionDef):
            continue
        for node in ast.walk(function):
            call = getattr(node, "exc", None)
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "StudyError":
                name = _first_words(call.args[0]) or f"a message of {function.name}()"
                guards[node.lineno, node.end_lineno] = name
    return guards


def all_guards():
    """Names of the guards of the door, in its whole package, a guard more than once if two share it."""
    door = Path(_study.__file__).parent
    return [name for path in door.rglob("*.py") for name in guards_of(str(path)).values()]


def guard_that(err):
    """Which guard raised an error, or the first of several in one; None if it was raised elsewhere."""
    if isinstance(err.__cause__, StudyError):
        return guard_that(err.__cause__)
    door = Path(_study.__file__).parent
    for step in reversed(traceback.extract_tb(err.__traceback__)):
        if door in Path(step.filename).parents:
            for (first, last), name in guards_of(step.filename).items():
                if first <= step.lineno <= last:
                    return name
    return None


def refusal_fault(message, expectations):
    """What is wrong with a refusal: a false alarm, a wrong culprit, or nothing."""
    may = [e for e in expectations if e.verdict != "right"]
    short = " ".join(message.split())[:400]
    if not may:
        return "false alarm", short
    for expectation in may:
        named = all(re.search(p, message, re.DOTALL) for p in expectation.culprit)
        if named and (expectation.recording or not BLAME.search(message)):
            return None
    wanted = " or ".join(" and ".join(e.culprit) for e in may)
    return "refused wrongly", f"should name {wanted}: {short}"


# --------------------------------------------------------------------------- in two halves


def settings_of(tree):
    """Arguments of ``find_study`` and those of ``StudyIndex.open``."""
    late = ("classes", "channels", "subjects")
    return [
        {k: v for k, v in tree.how.items() if (k in late) == side} for side in (False, True)
    ]


def outcome_of(work):
    """What a piece of work gives, and None or its fault in words, which another process can be told."""
    result, err = attempt(work)
    if err is None or isinstance(err, StudyError):
        return result, err and ("refused", str(err))
    return result, ("hang" if isinstance(err, HangError) else "traceback", origin(err))


def open_halves(tree, path):
    """Both halves of the people, split in two ways, each as outcome_of gives it, go into a file.

    In a process of its own: nothing of the study was opened there.
    """
    first, late = settings_of(tree)
    index, fault = outcome_of(lambda: _study.find_study(tree.root, **first))
    pairs = [] if fault is None else [[((), None, fault)]]
    people = list(index.records) if fault is None else []
    half = len(people) // 2
    for sides in ((people[:half], people[half:]), (people[::2], people[1::2])):
        opened = [(s, *outcome_of(lambda s=s: index.open(s, **late))) for s in sides if s]
        pairs += [opened] if len(opened) > 1 else []
    path.write_bytes(pickle.dumps(pairs))


def halves_of(tree, folder):
    """What open_halves gives, and what was printed meanwhile."""
    if "subjects" in tree.how:
        return [], ""
    fork = Fork(open_halves, folder, tree, folder / "halves")
    printed = fork.printed(12 * LIMIT_S)
    path = folder / "halves"
    if not path.exists():
        return [[((), None, ("traceback", f"halves: {printed[-300:]}"))]], printed
    return pickle.loads(path.read_bytes()), printed


def differ(whole, refused, pairs, expectations):
    """How the halves of a study differ from the whole, which was opened, or refused for a good reason."""
    faults = [
        fault for pair in pairs for _, _, fault in pair if fault and fault[0] != "refused"
    ]
    for pair in pairs if not faults else ():
        messages = [fault[1] for _, _, fault in pair if fault]
        parts = [study for _, study, _ in pair if study is not None]
        sides = " and ".join(",".join(people) for people, *_ in pair)
        if whole is None:
            said = [refusal_fault(message, expectations) for message in messages]
            if not messages:
                said = [("", f"both open, the whole is refused: {str(refused)[:150]}")]
            faults += [("halves differ", f"{sides}: {fault[1]}") for fault in said if fault]
            continue
        there = set(whole.metadata["subject"])
        messages = [
            fault[1]
            for people, _, fault in pair
            if fault and (there & set(people) or not people)
        ]
        faults += [
            ("halves differ", f"{sides}: refused, the whole opens: {m}") for m in messages
        ]
        if parts and not messages and (fault := difference(whole, parts)):
            faults.append(("halves differ", f"{sides}: {fault}"))
    return faults[:2]


def difference(whole, parts):
    """How what was opened in parts differs from the whole, or None."""
    for key in ("ch_names", "classes", "sfreq", "unit", "question"):
        values = [getattr(study, key) for study in (whole, *parts)]
        if any(value != values[0] for value in values):
            return f"{key} {values[1:]} where the whole has {values[0]}"
    ids = [sample_id for part in parts for sample_id in part.metadata["sample_id"]]
    known = list(whole.metadata["sample_id"])
    if sorted(ids) != sorted(known):
        other = sorted(set(ids) ^ set(known)) or ["none but twice"]
        return f"{len(ids)} windows where the whole has {len(known)}, other: {other[:3]}"
    order = np.argsort(known)[np.argsort(np.argsort(ids))]
    for key in ("windows", "targets"):
        values = np.concatenate([getattr(part, key) for part in parts])
        if not np.allclose(values, getattr(whole, key)[order], rtol=1e-4, atol=1e-3):
            return f"other {key} than the whole"
    return None


def judge(tree, save=False):
    """Open a tree and say what happened.

    Parameters
    ----------
    tree : Tree
        Built, not opened yet.
    save : bool
        Write the windows of every person with ``save_person`` as well, and compare.

    Returns
    -------
    outcomes : list of str
        Some of ``OUTCOMES``; one that is good if there is no fault, else every kind of fault.
    faults : list of tuple of str
        Every fault and what was seen of it.
    """
    seal(tree.top)
    before, faults = look(tree.top), []
    name = Path(os.path.normpath(tree.root)).name
    with tempfile.TemporaryDirectory() as folder, captured(Path(folder)) as read:
        pairs, of_halves = halves_of(tree, Path(folder))
        opened, err = attempt(lambda: _study.open_study(tree.root, **tree.how))
        out, _ = read()
        gone = [re.escape(f"sub-{who}_") for who in tree.dropped]
        refused = [
            e
            for e in tree.expectations
            if e.verdict == "refuse" and not any(g in p for g in gone for p in e.culprit)
        ]
        if err is None:
            for expectation in refused:
                wanted = " and ".join(expectation.culprit)
                faults.append(("silent", f"opened, but should be refused for {wanted}"))
            for pattern in (p for e in tree.expectations for p in e.said):
                if not re.search(pattern, out):
                    faults.append(("silent", f"opened, and no line says {pattern}"))
            faults += [("silent", fault) for fault in check(opened, tree.truth, out, name)]
            said = [p for e in tree.expectations for p in e.said if re.search(p, out)]
            for pattern in said if pairs else ():
                if not re.search(pattern, of_halves):
                    faults.append(
                        ("halves differ", f"no line of the halves says {pattern}")
                    )
        elif isinstance(err, HangError):
            faults.append(("hang", f"open_study takes more than {LIMIT_S:g} s"))
        elif not isinstance(err, StudyError):
            faults.append(("traceback", origin(err)))
        elif fault := refusal_fault(str(err), tree.expectations):
            faults.append(fault)
        if err is None or (isinstance(err, StudyError) and not faults):
            faults += differ(opened, err, pairs, tree.expectations)
        if save and not isinstance(err, HangError):
            faults += save_people(tree, opened, Path(folder))
        printed = f"{' '.join(read())}{err}{of_halves}"
    if isinstance(err, StudyError) and (guard := guard_that(err)):
        GUARDS.append(guard)
    if advice := DELETE.search(printed):
        faults.append(("advice to delete", advice[0]))
    moved = changes(before, look(tree.top))
    if moved:
        faults.append(("changed", f"{len(moved)} in all: {', '.join(moved[:4])}"))
    home = re.compile(re.escape(f"{tree.top}{os.sep}"))
    faults = [(kind, home.sub("", what)[:400]) for kind, what in faults]
    order = sorted({kind for kind, _ in faults}, key=FAULTS.index)
    good = "right" if err is None else "refused clearly"
    return order or [good], faults


def save_people(tree, opened, folder):
    """``save_person`` for everybody must give the windows of ``open_study``, or a clear refusal."""
    which, settings = settings_of(tree)
    settings.pop("subjects", None)
    if opened is not None:
        settings = {"classes": list(opened.classes), "channels": list(opened.ch_names)}
        if not opened.classes:
            settings = {"channels": settings["channels"]}

    index, err = attempt(lambda: _study.find_study(tree.root, **which))
    records = index.records if err is None else {}
    settings |= {"recipe": index.recipe} if err is None else {}
    own = None if opened is None else opened.metadata["subject"]
    for subject in sorted(records):
        task = (str(tree.root), subject, records[subject], folder / "windows", settings)
        _, err = attempt(lambda task=task: _scale.files.save_person(*task))
        if err is not None and not isinstance(err, StudyError):
            break
        if opened is None or not opened.classes or subject not in set(own):
            continue
        if err is not None:
            what = f"save_person refuses sub-{subject}, whom open_study reads"
            return [("false alarm", f"{what}: {origin(err)}")]
        saved = np.load(folder / "windows" / f"sub-{subject}.npy")
        if not np.array_equal(saved, opened.windows[(own == subject).to_numpy()]):
            return [("silent", f"save_person gives other windows of sub-{subject}")]
    if isinstance(err, HangError):
        return [("hang", f"save_person takes more than {LIMIT_S:g} s")]
    if err is not None and not isinstance(err, StudyError):
        return [("traceback", f"save_person: {origin(err)}")]
    return []


def try_case(base, mutations, seed, *, save=False):
    """Build one tree in a folder of its own, judge it, and take it away again.

    Returns
    -------
    tuple or None
        As :func:`judge`; None where the mutations do not combine.
    """
    top = Path(tempfile.mkdtemp(prefix="fuzz-"))
    try:
        try:
            with limited(LIMIT_S):  # one may read what another has made a pipe
                tree = build(base, mutations, seed, top)
        except (OSError, LookupError, ValueError, HangError):
            if len(mutations) < 2:
                raise
            return None
        return judge(tree, save)
    finally:
        for path in (p for p in top.rglob("*") if p.is_dir() and not p.is_symlink()):
            path.chmod(0o755)  # a read-only folder cannot be emptied
        shutil.rmtree(top, ignore_errors=True)
