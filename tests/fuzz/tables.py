"""Mutations of tables and sidecars, and what a mutation is: a row of where, what and what is expected.

Each mutation is a call of :func:`row`; a function does what no way that is there can do. The order
of rows counts: it decides which bases a run draws.
"""

import dataclasses
import json
import os
import re
import shutil
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fuzz.bases import SYNTHETIC, WINDOW_S, Recording, expect, read_tsv, write_tsv
from fuzz.oracle import Expectation, Tree

#: Name of a mutation to the function and the bases it applies to.
MUTATIONS = {}
ALL = (*SYNTHETIC, "real")
ONE_TASK = ("edf", "vhdr", "set", "fdt", "fif", "sessions")
#: Bases of mutations of one file, where not all that are synthetic.
ON = {"events.tsv": ONE_TASK, "every events.tsv": ONE_TASK}
PEOPLE, DESCRIPTION = "participants.tsv", "dataset_description.json"
#: Words of a row for the recording that is meant, where it is not drawn.
NTH = {"first": 0, "second": 1, "last": -1}
#: Numbers of columns of the tables.
ONSET, DURATION, LABEL = range(3)
NAME, TYPE, UNITS, RATE, STATUS = range(5)


# ------------------------------------------------------------------------------ what is expected


def right(*said):
    """It must open; patterns in ``said`` must be printed."""
    return Expectation("right", said=said)


def refuse(*culprit, recording=False):
    """It must be refused by a message that holds each pattern."""
    return Expectation("refuse", culprit, recording=recording)


def either(*culprit, said=None, recording=False):
    """It may open and be right, after printing ``said``, or be refused naming the culprit."""
    return Expectation("either", culprit, () if said is None else (said,), recording)


# --------------------------------------------------------------------------------- where it is


@dataclass
class Spot:
    """The place of a tree that a mutation changes."""

    tree: Tree
    #: A file or folder, and the recording it is of, where one was drawn.
    path: Path
    recording: Recording | None = None
    #: Rows of a table that are no longer there as they were.
    gone: list = field(default_factory=list)
    #: What the change is about, e.g. the label of the person whose row it is.
    about: str = ""

    def fill(self, pattern):
        """A pattern with the names of this place for the words in braces.

        ``{file}`` and ``{name}`` are the name of the path with and without its end, ``{about}`` what
        a way found; ``{id}``, ``{task}``, ``{stem}`` and, escaped, ``{recording}`` are of the recording.
        """
        words = {"about": self.about}
        words["file"], words["name"] = re.escape(self.path.name), re.escape(self.path.stem)
        if self.recording is not None:
            words["id"], words["task"] = self.recording.subject, self.recording.task
            words["stem"] = self.recording.stem
            words["recording"] = re.escape(self.recording.stem)
        return pattern.format(**words)


def locate(tree, end):
    """One file of that kind, by chance, at the top or of a person."""
    found = [*tree.root.glob(f"*{end}"), *tree.root.glob(f"sub-*/**/*{end}")]
    found = sorted(p for p in found if "sourcedata" not in p.relative_to(tree.root).parts)
    found = [p for p in found if p.is_file() and not p.is_symlink()]
    return found[tree.rng.integers(len(found))]


def spots_of(tree, where):
    """The places that a row names.

    ``study`` is its folder; ``person``, ``session`` and ``folder`` are those of a recording that is
    drawn. A star is followed by the end of any file, ``every`` by that of a file of each recording,
    ``first``, ``second`` or ``last`` by that of one; else it is a file at the top, or of a recording
    that is drawn.
    """
    if where == "study":
        return [Spot(tree, tree.root)]
    if where.startswith("*"):
        return [Spot(tree, locate(tree, where[1:]))]
    if where in (PEOPLE, DESCRIPTION):
        return [Spot(tree, tree.root / where)]
    if where.startswith("every "):
        end = where.removeprefix("every ")
        return [Spot(tree, tree.untouched(one, end), one) for one in tree.recordings]
    nth, _, end = where.rpartition(" ")
    one = tree.recordings[NTH[nth]] if nth in NTH else tree.recording()
    where = end
    folders = {"person": f"sub-{one.subject}", "folder": one.folder}
    folders["session"] = one.folder.removesuffix("/eeg")
    path = tree.root / folders[where] if where in folders else tree.path(one, where)
    return [Spot(tree, path, one)]


def row(name, what, where, ways, expected, on=None):
    """Register a mutation.

    Parameters
    ----------
    name, what : str
        Its name, and in a line what is wrong then.
    where : str
        As :func:`spots_of` takes it.
    ways : callable or tuple of callable
        Each takes the :class:`Spot` and changes the tree, or what is true of it.
    expected : oracle.Expectation or callable
        With words in braces as :meth:`Spot.fill` knows them; a function of the spot gives one.
    on : tuple of str, optional
        Bases it applies to; those of ``ON``, else all that are synthetic.
    """
    ways = ways if isinstance(ways, tuple) else (ways,)

    def mutate(tree):
        for spot in spots_of(tree, where):
            for way in ways:
                way(spot)
        outcome = expected(spot) if callable(expected) else expected
        culprit = tuple(spot.fill(pattern) for pattern in outcome.culprit)
        said = tuple(spot.fill(pattern) for pattern in outcome.said)
        tree.expectations.append(dataclasses.replace(outcome, culprit=culprit, said=said))

    assert name not in MUTATIONS, name
    mutate.__name__ = name
    mutate.__doc__ = what
    MUTATIONS[name] = (mutate, on or ON.get(where, SYNTHETIC))


# ----------------------------------------------------------------------------- any file, any way

GONE = "../.git/annex/objects/gone"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
PAGE = (
    b"<!DOCTYPE html><html><body><h1>Please log in</h1><script>1</script></body></html>\n"
)


def content(change):
    """A way: a file has the bytes ``change(held)``."""
    return lambda spot: spot.path.write_bytes(change(spot.path.read_bytes()))


def holds(held):
    """A way: a file holds another text, or other bytes."""
    held = held.encode() if isinstance(held, str) else held
    return lambda spot: spot.path.write_bytes(held)


def deleted(spot):
    spot.path.unlink()


def gone(*patterns):
    """A way: all is gone that lies in a folder and fits a pattern, with words in braces."""

    def way(spot):
        for pattern in patterns:
            for path in list(spot.path.glob(spot.fill(pattern))):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    return way


def with_latin1(spot):
    held = spot.path.read_bytes()
    head, _, rows = held.partition(b"\n")
    spoiled = head + b"\tnote\n" + rows.replace(b"\n", b"\tZ\xfcrich\n")
    if spot.path.suffix == ".json":
        end = held.rindex(b"}")
        spoiled = held[:end] + b', "note": "Z\xfcrich"' + held[end:]
    spot.path.write_bytes(spoiled)


def with_nul(held):
    half = len(held) // 2
    return held[:half] + bytes(16) + held[half:]


def randomised(spot):
    spot.path.write_bytes(spot.tree.rng.bytes(3000))


def a_link_to_itself(spot):
    spot.path.symlink_to(spot.path.name)


def behind_a_link(spot):
    target = spot.tree.outside(spot.path.name)
    spot.path.rename(target)
    spot.path.symlink_to(os.path.relpath(target, spot.path.parent))


#: In which ways any file can be spoiled.
WAYS = {
    "emptied": holds(b""),
    "marked": content(lambda held: b"\xef\xbb\xbf" + held),
    "in_utf16": content(lambda held: held.decode("utf-8").encode("utf-16")),
    "with_latin1": with_latin1,
    "with_nul": content(with_nul),
    "randomised": randomised,
    "cut": content(lambda held: held[: max(1, int(len(held) * 0.6))]),
    "a_login_page": holds(PAGE),
    "a_pointer": holds(POINTER),
    "a_folder": (deleted, lambda spot: spot.path.mkdir()),
    "a_pipe": (deleted, lambda spot: os.mkfifo(spot.path)),
    "a_link_to_nothing": (deleted, lambda spot: spot.path.symlink_to(GONE)),
    "a_link_to_itself": (deleted, a_link_to_itself),
    "behind_a_link": behind_a_link,
    "deleted": deleted,
    "with_windows_lines": content(lambda held: held.replace(b"\n", b"\r\n")),
}
HARMLESS = ("behind_a_link", "with_windows_lines")
#: Tables without which nothing can be right; the others may be read, repaired or ignored.
VITAL = ("events.tsv", PEOPLE)
OPTIONAL = (
    "eeg.json", "channels.tsv", "scans.tsv", "electrodes.tsv", "coordsystem.json",
    "events.json", "participants.json", DESCRIPTION,
)  # fmt: skip


def expected_of(end, name):
    """What is expected of a file that is spoiled in one way."""
    if name in HARMLESS or (name == "marked" and end == PEOPLE):
        return right()
    if end == "channels.tsv" and name == "deleted":
        # The heart may be told by its name; as EEG it would move every channel.
        return either("{file}|ECG")
    if name in ("with_latin1", "with_nul", "marked", "cut") or end not in VITAL:
        return either("{file}")
    return refuse("{file}")


for _end in (*VITAL, *OPTIONAL):
    for _name, _way in WAYS.items():
        _id = f"{_end.replace('.', '_')}_{_name}"
        if _id == "events_tsv_cut":  # a mutation of its own, below
            continue
        _small = _end in ("scans.tsv", "participants.json") or _id == "channels_tsv_deleted"
        _what = f"{_end} is {_name.replace('_', ' ')}"
        _on = SYNTHETIC if _small else ALL
        row(_id, _what, f"*{_end}", _way, expected_of(_end, _name), _on)


# ------------------------------------------------------------------------- what a way does to rows

#: In the place of the number of a row: one below the header, by chance, or the header.
ANY, HEADER = None, 0


def table(change):
    """A way: ``change(rows, tree)`` changes rows of text in place, the header first."""

    def way(spot):
        rows = read_tsv(spot.path)
        before = [list(cells) for cells in rows]
        change(rows, spot.tree)
        write_tsv(spot.path, rows)
        spot.gone = [cells for cells in before if cells not in rows]
        for cells in [*spot.gone, *rows[-1:]][:1]:
            spot.about = cells[0].removeprefix("sub-")

    return way


def index_of(number, rows, tree):
    """Number of a row below the header, by chance if it is ``ANY``."""
    return int(tree.rng.integers(1, len(rows))) if number is ANY else number


def at(number, new):
    """A way: the row of that number becomes ``new(cells)``."""

    def change(rows, tree):
        i = index_of(number, rows, tree)
        rows[i] = new(rows[i])

    return table(change)


def again(number, new=list):
    """A way: the row of that number is there once more, at the end, as ``new(cells)``."""
    return table(lambda rows, tree: rows.append(new(rows[index_of(number, rows, tree)])))


def each(new, first=1):
    """A way: every row from ``first`` on becomes ``new(cells)``."""

    def change(rows, tree):
        rows[first:] = [new(cells) for cells in rows[first:]]

    return table(change)


def with_cell(column, text):
    """A function of a row: one cell has another text, or that which ``text(cell)`` gives."""

    def new(cells):
        cells = list(cells)
        cells[column] = text(cells[column]) if callable(text) else text
        return cells

    return new


def cell(number, column, text):
    """A way: one cell of one row has another text."""
    return at(number, with_cell(column, text))


def column(number, text):
    """A way: every cell of a column has another text."""
    return each(with_cell(number, text))


def more(*cells):
    """A way: one more row at the end."""
    return table(lambda rows, tree: rows.append(list(cells)))


def more_column(name, text):
    """A way: one more column, of one text."""

    def change(rows, tree):
        rows[0].append(name)
        for cells in rows[1:]:
            cells.append(text)

    return table(change)


def rows_until(stop):
    """A way: only so many rows are left, with the header."""
    return table(lambda rows, tree: rows.__delitem__(slice(stop, None)))


backwards = table(lambda rows, tree: rows.__setitem__(slice(1, None), rows[:0:-1]))


# ----------------------------------------------------------------- what a way does to the truth


def asked(**arguments):
    """A way: ``open_study`` is called with these arguments."""
    return lambda spot: setattr(spot.tree, "how", arguments)


def lost(spot):
    """Windows of the rows that are gone are not in the truth any more."""
    starts = {round(float(cells[ONSET]), 3) for cells in spot.gone}
    stem = spot.recording.stem
    spot.tree.truth.drop(lambda w: w.stem != stem or round(w.start, 3) not in starts)


def all_lost(spot):
    """A recording has no window any more."""
    spot.tree.truth.drop(lambda w: w.stem != spot.recording.stem)


def person_lost(spot):
    """A person has no window any more."""
    spot.tree.truth.drop(lambda w: w.subject != spot.recording.subject)


def relabelled(names):
    """A way: labels of a recording are others in the truth."""
    return lambda spot: spot.tree.truth.relabel(spot.recording.stem, names)


def loose(spot):
    """Signals of a person are not compared."""
    spot.tree.truth.loose.add(spot.recording.subject)


# --------------------------------------------------------------------------------- participants

AGE, TARGET = asked(column="age"), asked(cohort="target")


def whose_row_lost(spot):
    """Whose row it is has no window any more."""
    spot.tree.truth.drop(lambda w: w.subject != spot.about)


def dropped(spot):
    """Nobody asks for the person whose row it is."""
    spot.tree.dropped.add(spot.about)


def words_beyond_ascii(rows, tree):
    words = ["name", "Zoë", "美咲", "<script>alert(1)</script>", "=HYPERLINK(1)", "Ł"]
    for i, cells in enumerate(rows):
        cells.append(words[i % 6])


# fmt: off
row("people_header_only", "participants.tsv has columns and nobody", PEOPLE, rows_until(1), refuse(PEOPLE), ALL)
row("people_without_ids", "participants.tsv has no column participant_id",
    PEOPLE, cell(HEADER, 0, "subject"), refuse(PEOPLE, "participant_id"), ALL)
row("people_row_gone", "Somebody with recordings has no row",
    PEOPLE, table(lambda rows, tree: rows.pop(index_of(ANY, rows, tree))), refuse(PEOPLE, "sub-{about}"), ALL)
row("people_never_recorded", "A row for somebody without a folder",
    PEOPLE, more("sub-77", "61", "M"), either("sub-77|participants.tsv", said="sub-77"))
row("people_pilot", "A row whose id resembles that of a folder without EEG",
    PEOPLE, (more("sub-PILOT7", "61", "M"), lambda spot: (spot.tree.root / "sub-007/anat").mkdir(parents=True)),
    either("PILOT7|sub-007|participants.tsv", said="PILOT7|sub-007"))
row("people_row_twice", "The same row twice",
    PEOPLE, again(ANY), refuse(PEOPLE, "{about}"), ALL)
row("people_row_twice_with_other_age", "Somebody twice, with two ages",
    PEOPLE, (AGE, again(ANY, lambda cells: [cells[0], "99", "M"])), refuse(PEOPLE, "{about}"))
row("people_column_twice", "Two columns of one name",
    PEOPLE, (AGE, each(lambda cells: [*cells, cells[1]], 0)), refuse(PEOPLE, "age"))
row("people_row_ragged", "A row with one cell too many",
    PEOPLE, at(ANY, lambda cells: [*cells, "x", "y"]), refuse(PEOPLE))
row("people_row_short", "A row that ends after the id", PEOPLE, at(ANY, lambda cells: cells[:1]), either(PEOPLE))
row("people_quote_open", "A quotation mark that is never closed", PEOPLE, cell(1, 2, '"F'), either(PEOPLE))
row("people_with_commas", "Commas where tabs should be",
    PEOPLE, content(lambda held: held.replace(b"\t", b",")), refuse(PEOPLE))
row("people_ids_bare", "Ids without sub-", PEOPLE, column(0, lambda text: text.removeprefix("sub-")), right())
row("people_backwards", "Rows in another order", PEOPLE, backwards, right(), ALL)
row("people_ids_with_spaces", "A space after every id",
    PEOPLE, column(0, lambda text: text + " "), either(PEOPLE))
row("people_blank_lines", "Blank lines between rows and at the end",
    PEOPLE, content(lambda held: held.replace(b"\n", b"\n\n") + b"\n"), right())
row("people_old_mac_lines", "Lines that end as on an old Mac",
    PEOPLE, content(lambda held: held.replace(b"\n", b"\r")), either(PEOPLE))
row("people_last_line_open", "No line break at the end", PEOPLE, content(bytes.rstrip), right())
row("people_words_beyond_ascii", "Names in other scripts, and a column of markup",
    PEOPLE, table(words_beyond_ascii), right())
row("people_by_the_thousand", "Three thousand rows of people without recordings",
    PEOPLE, table(lambda rows, tree: rows.extend([f"sub-x{i}", "30", "F"] for i in range(3000))),
    either(PEOPLE, said=r"sub-x|3,?0\d\d"), ("edf",))
row("people_in_another_case", "Ids in capitals", PEOPLE, column(0, str.upper), either(PEOPLE))
row("people_in_cohorts", "A cohort for everybody; one of them is opened", PEOPLE,
    (TARGET, more_column("cohort", "target"), cell(1, -1, "source"), whose_row_lost), right())
row("people_in_two_cohorts", "Somebody in both cohorts", PEOPLE,
    (TARGET, more_column("cohort", "target"), again(1, with_cell(-1, "source"))), refuse(PEOPLE, "{about}"))
row("people_in_cohorts_of_their_own", "A column cohort that tells A from B: the first third is the source", PEOPLE,
    (TARGET, table(lambda rows, tree: [cells.append("AB"[i % 2] if i else "cohort") for i, cells in enumerate(rows)]),
     lambda spot: spot.tree.truth.drop(lambda w: w.subject != "01")), right())
row("ages_are_the_target", "The column age is the target, and all is well", "study", AGE, right())
for _word, _text in {
    "a_word": "twenty", "infinite": "inf", "with_a_comma": "20,5", "not_there": "n/a",
    "blank": " ", "two_numbers": "20 21", "a_date": "2001-02-03", "hexadecimal": "0x14",
    "huge": "1e999", "nul": "2\x000",
}.items():
    row(f"age_{_word}", f"The age of somebody is {_text!r}, and age is the target",
        PEOPLE, (AGE, cell(ANY, 1, _text)), refuse("sub-{about}|participants.tsv", "age|participants.tsv"))
row("age_not_there_and_dropped", "Somebody without an age, and people without one are dropped", PEOPLE,
    (asked(column="age", on_missing="drop"), cell(ANY, 1, "n/a"), whose_row_lost, dropped), right("sub-{about}"))
row("column_unknown", "The target is a column that is nowhere",
    "study", asked(column="p_factor"), refuse("p_factor", "age"))
# fmt: on


# --------------------------------------------------------------------------------------- events


def times(form):
    """A way: both times of every row are what ``form(time)`` writes."""

    def new(cells):
        return [form(float(cells[ONSET])), form(float(cells[DURATION])), *cells[2:]]

    return each(new)


def one_more_event(label):
    """A way: an event with this label after the last one."""

    def way(spot):
        last = spot.recording.events[-1]
        more(f"{last.onset + last.duration:g}", "2", label)(spot)

    return way


OTHER = {"left": "right", "right": "left"}
EVENT, EVENTS = "events.tsv", "every events.tsv"


CORRECTED = (column(LABEL, OTHER.__getitem__), relabelled(OTHER))


def shuffled(rows, tree):
    order = tree.rng.permutation(len(rows) - 1) + 1
    rows[1:] = [rows[i] for i in order]


def under_a_bad_segment(first, last):
    """A way: windows that begin between two times are lost."""

    def way(spot):
        stem = spot.recording.stem
        spot.tree.truth.drop(lambda w: w.stem != stem or not first < w.start < last)

    return way


def inherited(spot):
    """A way: the table of the first recording is that of all."""
    paths = [spot.tree.untouched(recording, EVENT) for recording in spot.tree.recordings]
    write_tsv(spot.path / "task-oddball_events.tsv", read_tsv(paths[0]))
    for path in paths:
        path.unlink()


def onsets(form):
    """A way: the onset of every row is ``form(seconds, recording)``."""

    def way(spot):
        column(ONSET, lambda text: f"{form(float(text), spot.recording):.7g}")(spot)

    return way


def one_sample_short(spot, step=1):
    """A way: every so many rows end a sample early."""
    short = f"{WINDOW_S - 1 / spot.recording.sfreq:.7g}"
    table(
        lambda rows, tree: [row.__setitem__(DURATION, short) for row in rows[step::step]]
    )(spot)


def events_gone(task):
    """A way: recordings of a task have no table of events; no other mutation was about one."""

    def way(spot):
        for recording in spot.tree.recordings:
            if recording.task in task:
                spot.tree.untouched(recording, EVENT).unlink()

    return way


def may_be_lost(spot):
    """A way: windows of a recording may be there or not."""
    spot.tree.truth.optional += spot.tree.truth.of(spot.recording.stem)
    all_lost(spot)


def spliced(spot, seconds=3.0):
    """A way: something was cut out so long after the first onset; no window lies across it."""
    cut, truth = spot.recording.events[0].onset + seconds, spot.tree.truth
    stem = spot.recording.stem
    truth.drop(lambda w: w.stem != stem or not w.start < cut < w.start + WINDOW_S)
    (around,) = [e for e in spot.recording.events if e.onset < cut < e.onset + e.duration]
    for k in range(int((around.onset + around.duration - cut) // WINDOW_S)):
        truth.optional.append(expect(spot.recording, cut + k * WINDOW_S, around.label))
    spot.about = f"{cut:g}"


def without_events(spot):
    """A way: windows follow each other from the first sample on; those at both ends hold a filter's edge."""
    truth = spot.tree.truth
    truth.windows = []
    for recording in spot.tree.recordings:
        own = [
            expect(recording, 2.0 * k, "")
            for k in range(int(recording.seconds // WINDOW_S))
        ]
        own[0].signal = own[-1].signal = None
        truth.windows += own


def one_sidecar(spot):
    """A way: one sidecar for everybody, with the length of somebody's recording."""
    paths = [
        spot.tree.untouched(recording, "eeg.json") for recording in spot.tree.recordings
    ]
    held = json.loads(paths[0].read_text("utf-8")) | {"RecordingDuration": 10.0}
    (spot.path / "task-oddball_eeg.json").write_text(json.dumps(held), "utf-8")
    for path in paths:
        path.unlink()


def labels_of_all(left, right):
    """Ways: both labels are other words, in the truth as well."""
    names = {"left": left, "right": right}
    return column(LABEL, names.__getitem__), relabelled(names)


# fmt: off
row("events_labels_corrected", "The authors exchanged two labels in events.tsv; the marks in the file are old",
    EVENT, CORRECTED, right())
row("events_corrected_and_last_duration_negative", "Exchanged labels, and a negative duration in the last row",
    EVENT, (*CORRECTED, cell(-1, DURATION, "-2")), refuse("{file}"))
row("events_first_duration_negative", "A negative duration in the first row",
    EVENT, cell(1, DURATION, "-2"), refuse("{file}"), ALL)
row("events_all_durations_negative", "Only negative durations",
    EVENT, column(DURATION, lambda text: f"-{text}"), refuse("{file}"), ALL)
for _number, _what, _texts in (
    (ONSET, "onset", ("n/a", "", "soon", "inf", "99999", "1,5")),
    (DURATION, "duration", ("n/a", "0", "long", "nan")),
    (LABEL, "label", ("n/a", "")),
):
    for _text in _texts:
        _word = re.sub(r"\W", "", _text) or "blank"
        row(f"events_{_what}_{_word}", f"The {_what} of one event is {_text!r}",
            EVENT, (cell(ANY, _number, _text), lost),
            # An event without a label is nobody's class; BIDS writes n/a for it.
            either("{file}", said=None if _number == LABEL else "sub-{id}"))
row("events_before_the_start", "One event begins before the recording",
    EVENT, (cell(1, ONSET, "-1"), lost), either("{file}", said="sub-{id}"))
row("events_beyond_the_end", "One more event long after the end",
    EVENT, more("500", "2", "left"), either("{file}", said="sub-{id}"))
row("events_in_milliseconds", "Onsets in milliseconds",
    EVENT, (column(ONSET, lambda text: f"{1000 * float(text):g}"), all_lost),
    either("{file}|sub-{id}", said="sub-{id}"))
row("events_row_twice", "The same event twice",
    EVENT, table(lambda rows, tree: rows.insert(3, list(rows[3]))), either("{file}|{stem}_eeg", said="sub-{id}"))
row("events_overlapping", "Two events of different classes at once",
    EVENT, table(lambda rows, tree: rows[3].__setitem__(ONSET, rows[2][ONSET])), refuse("{file}|{stem}_eeg"))
row("events_overlapping_in_part", "One event begins before the other ended",
    EVENT, cell(3, ONSET, lambda text: f"{float(text) - 1:g}"), refuse("{file}|{stem}_eeg"))
row("events_shuffled", "Rows in another order", EVENT, table(shuffled), right())
row("events_columns_moved", "Columns in another order, and one more",
    EVENT, (each(lambda cells: [cells[2], "7", *cells[:2]], 0), cell(HEADER, 1, "sample")), right())
row("events_without_onset", "No column onset", EVENT, cell(HEADER, ONSET, "time"), refuse("{file}"))
row("events_without_duration", "No column duration", EVENT, cell(HEADER, DURATION, "length"), refuse("{file}"))
row("events_without_labels_of_one", "One person has no column trial_type",
    EVENT, (each(lambda cells: cells[:2], 0), all_lost), either("{file}", said="sub-{id}"))
row("events_column_twice", "Two columns trial_type that contradict each other",
    EVENT, more_column("trial_type", "left"), either("{file}"))
row("events_header_only", "Columns and no event", EVENT, rows_until(1), refuse("{file}|{stem}_eeg"))
row("events_cut_inside_a_line", "The table ends in the middle of a line",
    EVENT, (rows_until(7), lost, content(lambda held: held + b"14")), either("{file}", said="sub-{id}"))
row("events_cut_between_lines", "Half of the rows are gone, and nothing can tell",
    EVENT, (rows_until(5), lost), right())
row("events_in_scientific_notation", "Numbers such as 2.0e+00", EVENT, times(lambda time: f"{time:e}"), right())
row("events_with_commas_for_points", "Decimal commas in every time",
    EVENT, times(lambda time: f"{time:.1f}".replace(".", ",")), either("{file}"))
row("events_note_with_a_comma", "A column of text with commas beside the times",
    EVENT, more_column("note", "10,000"), right())
row("events_with_spaces", "Spaces around every label of one person",
    EVENT, column(LABEL, lambda text: f" {text} "), either("{file}|left|sub-{id}"))
row("events_in_capitals", "One person's labels in capitals",
    EVENT, (column(LABEL, str.upper), all_lost), either("{file}|LEFT|sub-{id}", said="sub-{id}|LEFT"))
for _name, _label in {
    "artifact": "artifact", "boundary": "boundary", "markup": "<script>alert(1)</script>",
    "beyond_ascii": "gauche→droite",
}.items():
    row(f"events_{_name}_of_one", f"One person has an event {_label!r} that nobody else has",
        EVENT, one_more_event(_label), either(re.escape(_label), said=re.escape(_label)))
row("events_labels_of_all_beyond_ascii", "Everybody's labels are words of another script",
    "every events.tsv", labels_of_all("左", "右/дa; <b>"), right())
row("events_labels_are_numbers", "Labels 1 and 2 in a column value", "every events.tsv",
    (*labels_of_all("1", "2"), cell(HEADER, LABEL, "value")), either("trial_type|value|events.tsv"))
row("events_bad_segment", "A BAD_ segment lies over some windows of one person", EVENT,
    (more("4.5", "3", "BAD_muscle"), under_a_bad_segment(2.5, 7.5)), either("BAD_|{file}", said="sub-{id}"))
row("events_many_beside", "Two thousand events without a duration beside those that count",
    EVENT, table(lambda rows, tree: rows.extend([f"{0.01 * i:g}", "0", "frame"] for i in range(2000))),
    either("frame|{file}"))
row("events_hidden", "A killed run left events.tsv under another name",
    EVENT, lambda spot: spot.path.rename(f"{spot.path}._hidden"), refuse("{file}"))
row("events_inherited", "One table of events for everybody, at the top of the dataset",
    "study", inherited, either(EVENT), ONE_TASK)
row("events_rounded", "Onsets a tenth of a sample beside the sample",
    EVENT, column(ONSET, lambda text: f"{float(text) + 0.0004:.6f}"), right())
row("events_with_a_byte_order_mark_everywhere", "Every events.tsv was saved by a spreadsheet",
    "every events.tsv", WAYS["marked"], either(EVENT))
for _name, _text in {"zero": "0", "not_given": "n/a"}.items():
    row(f"cues_of_duration_{_name}", f"No event has a duration but {_text}: each is one window from its onset on",
        EVENTS, column(DURATION, _text), right("(?i)duration"))
row("value_counts_the_trials", "The only names are numbers of trials", EVENTS,
    table(lambda rows, tree: [row.__setitem__(LABEL, i or "value") for i, row in enumerate(rows)]), refuse("value"))
row("value_counts_beside_the_label", "A column value counts the trials",
    EVENTS, table(lambda rows, tree: [row.append(str(i or "value")) for i, row in enumerate(rows)]), either(r"\bvalue\b"))
row("names_in_event_type", "Names of the events are in event_type",
    EVENTS, cell(HEADER, LABEL, "event_type"), either("event_type", said="event_type"))
row("class_called_bad", "One of two classes is called bad", EVENTS, labels_of_all("good", "bad"), either(r"'bad'"))
row("block_around_the_trials", "A row block around all trials", EVENTS,
    table(lambda rows, tree: rows.insert(1, [rows[1][ONSET], f"{2 * (len(rows) - 1)}", "block"])),
    either(r"\bblock\b", said=r"\bblock\b"))
row("onsets_in_samples_of_all", "Everybody's onsets are in samples",
    EVENTS, onsets(lambda seconds, recording: seconds * recording.sfreq), either(r"events\.tsv", said="(?i)sample"))
row("onsets_in_samples_of_one", "One person's onsets are in samples", EVENT,
    (onsets(lambda seconds, recording: seconds * recording.sfreq), may_be_lost),
    either("{file}|sub-{id}", said="sub-{id}"))
row("onsets_in_milliseconds_of_all", "Everybody's onsets are in milliseconds",
    EVENTS, onsets(lambda seconds, recording: 1000 * seconds), either(r"events\.tsv", said=r"(?i)milli|\bms\b"))
row("onsets_of_another_clock", "Everybody's onsets are seconds of the day",
    EVENTS, onsets(lambda seconds, recording: 36_000 + seconds), refuse(r"events\.tsv"))
row("onset_na_of_all", "Everybody has an event whose onset is n/a",
    EVENTS, (cell(3, ONSET, "n/a"), lost), either(r"events\.tsv", said="onset"))
row("onset_negative_of_all", "Everybody's first onset is negative",
    EVENTS, (cell(1, ONSET, "-1"), lost), either(r"events\.tsv", said="before"))
row("one_sample_short", "Every event ends one sample early", EVENTS, one_sample_short, right())
row("every_fourth_one_sample_short", "Every fourth event ends one sample early",
    EVENTS, partial(one_sample_short, step=4), right())
row("events_cut_inside_a_label", "The table ends in the middle of a label",
    EVENT, (rows_until(7), lost, content(lambda held: held + b"14\t2\tlef")), either("{file}", said="lef|sub-{id}"),
    ("edf", "vhdr", "set", "fdt", "fif"))  # sessions are over at 14 s
for _label in ("boundary", "New Segment", "discontinuity", "EDGE boundary", "BAD boundary"):
    _word = _label.replace(" ", "_")
    row(f"mark_{_word}", f"Everybody has a row {_label!r} between two events; of it nothing is a class",
        EVENTS, table(lambda rows, tree, label=_label: rows.insert(3, [rows[3][ONSET], "0", label])), right())
    row(f"splice_{_word}", f"A row {_label!r} inside an event: no window lies across it", EVENT,
        (spliced, lambda spot, label=_label: more(spot.about, "0", label)(spot)), right(), (*ONE_TASK, "tasks"))
row("mark_boundary_with_a_duration", "A boundary has the length of what was cut out, 4.3 s", EVENTS,
    table(lambda rows, tree: rows.insert(3, [rows[3][ONSET], "4.3", "boundary"])), right())
row("events_gone_of_all", "No recording has an events.tsv", EVENTS, deleted,
    lambda spot: refuse(EVENT, rf"\b{len(spot.tree.recordings)}\b|{spot.recording.stem}"))
row("events_gone_and_a_score", "No recording has an events.tsv, and the target is the age", "study",
    (events_gone("rest arithmetic oddball"), asked(column="age"), without_events), right(r"events\.tsv"))
row("events_gone_at_rest", "One of two tasks has no events.tsv",
    "study", events_gone("rest"), refuse("task ?="), ("tasks",))
row("events_gone_at_rest_and_the_other_asked", "One of two tasks has no events.tsv, and the other is asked for", "study",
    (events_gone("rest"), asked(task="arithmetic", column="age"),
     lambda spot: spot.tree.truth.drop(lambda w: "arithmetic" in w.stem)), right(), ("tasks",))
row("tasks_other_label_of_one", "One person's event of a task has another name",
    EVENT, (cell(1, LABEL, "pause"), all_lost), either("pause", said="pause|sub-{id}"), ("tasks",))
# fmt: on


# ------------------------------------------------------------------------------------- channels

CHANNELS = "channels.tsv"


def two_names_swapped(rows, tree):
    rows[1][NAME], rows[3][NAME] = rows[3][NAME], rows[1][NAME]


def numbered(rows, tree):
    for i, cells in enumerate(rows[1:], 1):
        cells[NAME] = f"E{i}"


# fmt: off
row("channels_rows_permuted", "Rows in another order than in the file", CHANNELS, backwards, right(), ALL)
row("channels_gone_of_all", "No recording has a channels.tsv", "every channels.tsv", deleted, right("ECG"))
row("channels_two_names_swapped", "Two names exchanged in the table only",
    CHANNELS, table(two_names_swapped), either("{file}"))
row("channels_other_names", "Names such as EEG Fz, listed back to front",
    CHANNELS, (column(NAME, lambda text: f"EEG {text}"), backwards), either("{file}"))
row("channels_names_beyond_the_file", "Names that the file does not have",
    CHANNELS, table(numbered), refuse("{file}|{stem}_eeg"))
row("channels_one_name_twice", "Two rows of one name",
    CHANNELS, table(lambda rows, tree: rows[2].__setitem__(NAME, rows[1][NAME])), refuse("{file}"))
row("channels_row_gone", "One channel of the file is not in the table",
    CHANNELS, table(lambda rows, tree: rows.pop(2)), either("{file}|{stem}_eeg"))
row("channels_row_too_many", "A channel in the table that the file does not have",
    CHANNELS, table(lambda rows, tree: rows.insert(1, ["T7", "EEG", "uV", "128", "good"])),
    either("{file}|{stem}_eeg"))
row("channels_header_only", "Columns and no channel", CHANNELS, rows_until(1), either("{file}|ECG"))
row("channels_of_both_runs", "One table of channels for both runs of a session", "every channels.tsv",
    lambda spot: spot.path.rename(re.sub(r"_run-\d", "", f"{spot.path}")), right(), ("sessions",))
row("channels_heart_is_eeg", "One person's heart is typed as EEG",
    CHANNELS, (cell(-1, TYPE, "EEG"), loose), either("{file}|ECG|sub-{id}", said="ECG"))
for _name, _type, _way in (
    ("misc", "MISC", column), ("unknown_type", "WIBBLE", column), ("without_type", "", column),
    ("meg", "MEGMAG", column), ("one_is_eog", "EOG", partial(cell, 2)),
):
    row(f"channels_{_name}", f"Channels of one person have the type {_type!r}",
        CHANNELS, (_way(TYPE, _type), loose), either("{file}|{stem}_eeg", said="{file}|sub-{id}"))
row("channels_types_small", "Types in small letters",
    CHANNELS, column(TYPE, str.lower), either("channels.tsv|channel"))
row("channels_status_bad", "One channel of one person is marked bad",
    CHANNELS, (cell(2, STATUS, "bad"), loose), either("Cz", said="Cz"))
row("channels_status_all_bad", "Every channel of one person is marked bad",
    CHANNELS, (column(STATUS, "bad"), person_lost), either("{file}|sub-{id}", said="sub-{id}"))
for _name, _unit, _said in (
    ("volt", "V", True), ("millivolt", "mV", True), ("tesla", "T", True), ("not_given", "n/a", False),
    ("micro_sign", "µV", False), ("greek_mu", "μV", False),
):
    row(f"channels_units_{_name}", f"The unit of one person's channels is {_unit!r} in the table",
        CHANNELS, column(UNITS, _unit), either("{file}|sub-{id}", said="{file}|sub-{id}" if _said else None))
row("channels_names_with_spaces", "Spaces after the names",
    CHANNELS, column(NAME, lambda text: text + "  "), either("channels.tsv|channel"))
row("channels_column_more", "One more column, with markup in it", CHANNELS, more_column("note", "<b>"), right())
row("channels_without_names", "No column name", CHANNELS, cell(HEADER, NAME, "label"), either("{file}"))
# fmt: on


# ------------------------------------------------------------------------------------- sidecars

SIDECAR = "eeg.json"


def sidecar(change):
    """A way: a sidecar holds ``change(held)``."""

    def way(spot):
        held = json.loads(spot.path.read_text("utf-8"))
        spot.path.write_text(json.dumps(change(held)), "utf-8")

    return way


def sidecar_says(name, verdict, **values):
    """A mutation: the sidecar of one recording has other values."""
    # Of two lengths that contradict each other, either can be wrong.
    expected = Expectation(verdict, ("{file}",), recording="RecordingDuration" in values)
    what = f"The sidecar of one recording says {values}"
    way = sidecar(lambda held: held | values)
    row(f"sidecar_{name}", what, SIDECAR, way, expected, ALL)


# fmt: off
sidecar_says("rate_wrong", "refuse", SamplingFrequency=500)
sidecar_says("rate_zero", "either", SamplingFrequency=0)
sidecar_says("rate_negative", "either", SamplingFrequency=-128)
sidecar_says("rate_word", "either", SamplingFrequency="fast")
sidecar_says("rate_none", "either", SamplingFrequency=None)
sidecar_says("rate_nan", "either", SamplingFrequency=float("nan"))
sidecar_says("rate_true", "either", SamplingFrequency=True)
sidecar_says("duration_wrong", "refuse", RecordingDuration=3600)
sidecar_says("duration_word", "either", RecordingDuration="28 s")
sidecar_says("line_unknown", "right", PowerLineFrequency="n/a")
sidecar_says("line_zero", "either", PowerLineFrequency=0)
sidecar_says("line_list", "either", PowerLineFrequency=[50, 60])
sidecar_says("line_negative", "either", PowerLineFrequency=-50)
sidecar_says("huge_integer", "either", EEGChannelCount=10**400)
sidecar_says("counts_wrong", "either", EEGChannelCount=64)
sidecar_says("task_other", "either", TaskName="something else")
sidecar_says("reference_markup", "right", EEGReference="<img src=x onerror=alert(1)>")
sidecar_says("epoched", "either", RecordingType="epoched", EpochLength=2)
row("sidecar_rate_is_text", "The sampling rate is text",
    SIDECAR, sidecar(lambda held: held | {"SamplingFrequency": f"{held['SamplingFrequency']:g}"}), right(), ALL)
row("sidecar_rate_is_text_and_wrong", "The sampling rate is text, and twice that of the file",
    SIDECAR, sidecar(lambda held: held | {"SamplingFrequency": f"{2 * held['SamplingFrequency']:g}"}), refuse("{file}"))
row("sidecar_of_all_with_a_length", "One sidecar for everybody says 10 s, and the recordings are longer",
    "study", one_sidecar, either("task-oddball_eeg.json"), ONE_TASK)
row("sidecar_is_a_list", "eeg.json holds a list", SIDECAR, sidecar(lambda held: [held]), either("{file}"), ALL)
row("sidecar_is_deep", "eeg.json is nested a hundred thousand times",
    SIDECAR, holds("[" * 100_000 + "]" * 100_000), either("{file}"))
row("sidecar_says_twice", "eeg.json holds one key twice",
    SIDECAR, content(lambda held: held[:-2] + b', "SamplingFrequency": 4096}'), either("{file}"))
row("sidecars_all_gone", "No recording has an eeg.json",
    "study", gone("**/*_eeg.json"), right(), ALL)
row("scans_of_another", "scans.tsv lists files that are not there, at impossible times", "*scans.tsv",
    holds("filename\tacq_time\neeg/gone_eeg.edf\t2020-13-45T99:00\n../../x\tn/a\n"), either("{file}"))
row("electrodes_elsewhere", "Electrodes without numbers, and one a kilometre away", "*electrodes.tsv",
    (at(1, lambda cells: [cells[0], "n/a", "n/a", "n/a"]), cell(2, 1, "1000000"), cell(3, 0, "Nowhere")),
    either("{file}"))
row("electrodes_in_no_known_system", "coordsystem.json names a system that nobody has heard of", "*coordsystem.json",
    holds('{"EEGCoordinateSystem": "Atlantis", "EEGCoordinateUnits": "cubit"}'), either("{file}"))
row("electrodes_without_a_system", "electrodes.tsv without its coordsystem.json",
    "*coordsystem.json", deleted, either("coordsystem.json|electrodes.tsv"))
row("description_hostile", "The name of the dataset is markup over several lines", DESCRIPTION,
    holds(r'{"Name": "x\n\n.. raw:: html\n\n   <script>1</script>", "BIDSVersion": "1.9.0"}'), right())
row("description_of_a_derivative", "The dataset says it is a derivative", DESCRIPTION,
    holds('{"Name": "x", "BIDSVersion": "1.9.0", "DatasetType": "derivative"}'), either(DESCRIPTION))
# fmt: on
