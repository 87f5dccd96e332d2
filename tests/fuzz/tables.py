"""Mutations of tables and sidecars: how any file can be spoiled, and what each table can say wrongly."""

import json
import os
import re

from fuzz.bases import SYNTHETIC, read_tsv, write_tsv

#: Name of a mutation to the function and the bases it applies to.
MUTATIONS = {}
ALL = (*SYNTHETIC, "real")
EVENTS = ("edf", "vhdr", "set", "fdt", "sessions")


def mutation(*on):
    """Register a mutation for some bases; without any, for all that are synthetic."""

    def register(function):
        assert function.__name__ not in MUTATIONS, function.__name__
        MUTATIONS[function.__name__] = (function, on or SYNTHETIC)
        return function

    return register


def name_of(path):
    """A pattern that is the name of a file."""
    return re.escape(path.name)


# ----------------------------------------------------------------------------- any file, any way

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
PAGE = (
    b"<!DOCTYPE html><html><body><h1>Please log in</h1><script>1</script></body></html>\n"
)


def emptied(path, tree):
    path.write_bytes(b"")


def marked(path, tree):
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())


def in_utf16(path, tree):
    path.write_bytes(path.read_text("utf-8").encode("utf-16"))


def with_latin1(path, tree):
    held = path.read_bytes()
    if path.suffix == ".json":
        end = held.rindex(b"}")
        path.write_bytes(held[:end] + b', "note": "Z\xfcrich"' + held[end:])
    else:
        head, _, rows = held.partition(b"\n")
        path.write_bytes(head + b"\tnote\n" + rows.replace(b"\n", b"\tZ\xfcrich\n"))


def with_nul(path, tree):
    held = path.read_bytes()
    half = len(held) // 2
    path.write_bytes(held[:half] + bytes(16) + held[half:])


def randomised(path, tree):
    path.write_bytes(tree.rng.bytes(3000))


def cut(path, tree):
    held = path.read_bytes()
    path.write_bytes(held[: max(1, int(len(held) * 0.6))])


def a_login_page(path, tree):
    path.write_bytes(PAGE)


def a_pointer(path, tree):
    path.write_bytes(POINTER)


def a_folder(path, tree):
    path.unlink()
    path.mkdir()


def a_pipe(path, tree):
    path.unlink()
    os.mkfifo(path)


def a_link_to_nothing(path, tree):
    path.unlink()
    path.symlink_to("../.git/annex/objects/gone")


def a_link_to_itself(path, tree):
    path.unlink()
    path.symlink_to(path.name)


def behind_a_link(path, tree):
    target = tree.outside(path.name)
    path.rename(target)
    path.symlink_to(os.path.relpath(target, path.parent))


def deleted(path, tree):
    path.unlink()


def with_windows_lines(path, tree):
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


WAYS = (
    emptied, marked, in_utf16, with_latin1, with_nul, randomised, cut, a_login_page, a_pointer,
    a_folder, a_pipe, a_link_to_nothing, a_link_to_itself, behind_a_link, deleted,
    with_windows_lines,
)  # fmt: skip
HARMLESS = {behind_a_link, with_windows_lines}
#: Tables without which nothing can be right; the others may be read, repaired or ignored.
VITAL = {"participants.tsv", "events.tsv"}
OPTIONAL = (
    "eeg.json", "channels.tsv", "scans.tsv", "electrodes.tsv", "coordsystem.json",
    "events.json", "participants.json", "dataset_description.json",
)  # fmt: skip


def locate(tree, end):
    """One file of that kind, by chance."""
    found = sorted(p for p in tree.root.rglob("*") if p.name.endswith(end))
    found = [p for p in found if p.is_file() and not p.is_symlink()]
    return found[tree.rng.integers(len(found))]


def spoil_any(end, way):
    """A mutation: one file of a kind, spoiled in one way."""

    def spoiled(tree):
        path = locate(tree, end)
        way(path, tree)
        named = name_of(path)
        if way in HARMLESS or (way is marked and end == "participants.tsv"):
            tree.right()
        elif way in (with_latin1, with_nul, marked, cut) or end not in VITAL:
            tree.either(named)
        else:
            tree.refuse(named)
        if end == "channels.tsv" and way is deleted:
            # The heart may be told by its name; as EEG it would move every channel.
            tree.expectations[-1].culprit = (rf"{named}|ECG",)

    spoiled.__name__ = f"{end.replace('.', '_')}_{way.__name__}"
    spoiled.__doc__ = f"{end} is {way.__name__.replace('_', ' ')}"
    return spoiled


for _end in (*sorted(VITAL), *OPTIONAL):
    for _way in WAYS:
        _bases = ALL if _end not in ("scans.tsv", "participants.json") else SYNTHETIC
        if _end == "events.tsv" and _way is cut:  # a mutation of its own, below
            continue
        if _end == "channels.tsv" and _way is deleted:
            _bases = SYNTHETIC
        mutation(*_bases)(spoil_any(_end, _way))


# --------------------------------------------------------------------------------- participants


def people(tree):
    """Path and rows of ``participants.tsv``."""
    path = tree.root / "participants.tsv"
    return path, read_tsv(path)


def edit_people(tree, change):
    """Write ``participants.tsv`` anew from ``change(rows)``; returns what it returned."""
    path, rows = people(tree)
    got = change(rows)
    write_tsv(path, rows)
    return got


def any_row(tree, rows):
    """Number of a row below the header, by chance."""
    return int(tree.rng.integers(1, len(rows)))


@mutation(*ALL)
def people_header_only(tree):
    """participants.tsv has columns and nobody"""
    edit_people(tree, lambda rows: rows.__delitem__(slice(1, None)))
    tree.refuse("participants.tsv")


@mutation(*ALL)
def people_without_ids(tree):
    """participants.tsv has no column participant_id"""
    edit_people(tree, lambda rows: rows[0].__setitem__(0, "subject"))
    tree.refuse("participants.tsv", "participant_id")


@mutation(*ALL)
def people_row_gone(tree):
    """Somebody with recordings has no row"""
    who = edit_people(tree, lambda rows: rows.pop(any_row(tree, rows)))[0]
    tree.refuse("participants.tsv", who)


@mutation()
def people_never_recorded(tree):
    """A row for somebody without a folder"""
    edit_people(tree, lambda rows: rows.append(["sub-77", "61", "M"]))
    tree.either("sub-77|participants.tsv", said="sub-77")


@mutation()
def people_pilot(tree):
    """A row whose id resembles that of a folder without EEG"""
    edit_people(tree, lambda rows: rows.append(["sub-PILOT7", "61", "M"]))
    (tree.root / "sub-007" / "anat").mkdir(parents=True)
    tree.either("PILOT7|sub-007|participants.tsv", said="PILOT7|sub-007")


@mutation(*ALL)
def people_row_twice(tree):
    """The same row twice"""
    who = edit_people(tree, lambda rows: rows.append(rows[any_row(tree, rows)]) or rows[-1])
    tree.refuse("participants.tsv", who[0].removeprefix("sub-"))


@mutation()
def people_row_twice_with_other_age(tree):
    """Somebody twice, with two ages"""
    tree.how = {"column": "age"}
    who = edit_people(
        tree,
        lambda rows: rows.append([rows[any_row(tree, rows)][0], "99", "M"]) or rows[-1],
    )
    tree.refuse("participants.tsv", who[0].removeprefix("sub-"))


@mutation()
def people_column_twice(tree):
    """Two columns of one name"""
    tree.how = {"column": "age"}
    edit_people(tree, lambda rows: [row.append(row[1]) for row in rows])
    tree.refuse("participants.tsv", "age")


@mutation()
def people_row_ragged(tree):
    """A row with one cell too many"""
    edit_people(tree, lambda rows: rows[any_row(tree, rows)].extend(["x", "y"]))
    tree.refuse("participants.tsv")


@mutation()
def people_row_short(tree):
    """A row that ends after the id"""
    edit_people(tree, lambda rows: rows[any_row(tree, rows)].__delitem__(slice(1, None)))
    tree.either("participants.tsv")


@mutation()
def people_quote_open(tree):
    """A quotation mark that is never closed"""
    edit_people(tree, lambda rows: rows[1].__setitem__(2, '"F'))
    tree.either("participants.tsv")


@mutation()
def people_with_commas(tree):
    """Commas where tabs should be"""
    path, rows = people(tree)
    path.write_text("".join(",".join(row) + "\n" for row in rows))
    tree.refuse("participants.tsv")


@mutation()
def people_ids_bare(tree):
    """Ids without sub-"""
    edit_people(
        tree,
        lambda rows: [row.__setitem__(0, row[0].removeprefix("sub-")) for row in rows[1:]],
    )
    tree.right()


@mutation(*ALL)
def people_backwards(tree):
    """Rows in another order"""
    edit_people(tree, lambda rows: rows.__setitem__(slice(1, None), rows[:0:-1]))
    tree.right()


@mutation()
def people_ids_with_spaces(tree):
    """A space after every id"""
    edit_people(tree, lambda rows: [row.__setitem__(0, row[0] + " ") for row in rows[1:]])
    tree.either("participants.tsv")


@mutation()
def people_blank_lines(tree):
    """Blank lines between rows and at the end"""
    path, rows = people(tree)
    path.write_text("\n\n".join("\t".join(row) for row in rows) + "\n\n\n")
    tree.right()


@mutation()
def people_old_mac_lines(tree):
    """Lines that end as on an old Mac"""
    path, _ = people(tree)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r"))
    tree.either("participants.tsv")


@mutation()
def people_last_line_open(tree):
    """No line break at the end"""
    path, _ = people(tree)
    path.write_bytes(path.read_bytes().rstrip())
    tree.right()


@mutation()
def people_words_beyond_ascii(tree):
    """Names in other scripts, and a column of markup"""
    words = ["name", "Zoë", "美咲", "<script>alert(1)</script>", "=HYPERLINK(1)", "Ł"]
    edit_people(tree, lambda rows: [r.append(words[i % 6]) for i, r in enumerate(rows)])
    tree.right()


@mutation("edf")
def people_by_the_thousand(tree):
    """Three thousand rows of people without recordings"""
    more = [[f"sub-x{i}", "30", "F"] for i in range(3000)]
    edit_people(tree, lambda rows: rows.extend(more))
    tree.either("participants.tsv", said="sub-x|3,?0\\d\\d")


@mutation()
def people_in_another_case(tree):
    """Ids in capitals"""
    edit_people(tree, lambda rows: [row.__setitem__(0, row[0].upper()) for row in rows[1:]])
    tree.either("participants.tsv")


@mutation()
def people_in_cohorts(tree):
    """A cohort for everybody; one of them is opened"""
    tree.how = {"cohort": "target"}
    path, rows = people(tree)
    for i, row in enumerate(rows):
        row.append("cohort" if i == 0 else ("source" if i == 1 else "target"))
    write_tsv(path, rows)
    gone = rows[1][0].removeprefix("sub-")
    tree.truth.drop(lambda w: w.subject != gone)
    tree.right()


@mutation()
def people_in_two_cohorts(tree):
    """Somebody in both cohorts"""
    tree.how = {"cohort": "target"}
    path, rows = people(tree)
    for i, row in enumerate(rows):
        row.append("cohort" if i == 0 else "target")
    rows.append([*rows[1][:-1], "source"])
    write_tsv(path, rows)
    tree.refuse("participants.tsv", rows[1][0].removeprefix("sub-"))


@mutation()
def ages_are_the_target(tree):
    """The column age is the target, and all is well"""
    tree.how = {"column": "age"}
    tree.right()


def set_age(tree, text):
    """Give somebody another age; returns the id without sub-."""
    tree.how = {"column": "age"}
    path, rows = people(tree)
    row = rows[any_row(tree, rows)]
    row[1] = text
    write_tsv(path, rows)
    return row[0].removeprefix("sub-")


for _word, _text in {
    "a_word": "twenty", "infinite": "inf", "with_a_comma": "20,5", "not_there": "n/a",
    "blank": " ", "two_numbers": "20 21", "a_date": "2001-02-03", "hexadecimal": "0x14",
    "huge": "1e999", "nul": "2\x000",
}.items():  # fmt: skip

    def age_wrong(tree, text=_text):
        who = set_age(tree, text)
        tree.refuse(f"sub-{who}|participants.tsv", "age|participants.tsv")

    age_wrong.__name__ = f"age_{_word}"
    age_wrong.__doc__ = f"The age of somebody is {_text!r}, and age is the target"
    mutation()(age_wrong)


@mutation()
def age_not_there_and_dropped(tree):
    """Somebody without an age, and people without one are dropped"""
    who = set_age(tree, "n/a")
    tree.how = {"column": "age", "on_missing": "drop"}
    tree.truth.drop(lambda w: w.subject != who)
    tree.dropped.add(who)
    tree.right(f"sub-{who}")


@mutation()
def column_unknown(tree):
    """The target is a column that is nowhere"""
    tree.how = {"column": "p_factor"}
    tree.refuse("p_factor", "age")


# --------------------------------------------------------------------------------------- events


def edit_events(tree, change, recording=None):
    """Change rows of one ``events.tsv`` (header first); returns recording and pattern."""
    recording = recording or tree.recording()
    path = tree.path(recording, "events.tsv")
    rows = read_tsv(path)
    change(rows)
    write_tsv(path, rows)
    return recording, name_of(path)


def start_of(row):
    return float(row[0])


def lose(tree, recording, rows):
    """The windows of these rows are not in the truth any more."""
    starts = {round(start_of(row), 3) for row in rows}
    tree.truth.drop(lambda w: w.stem != recording.stem or round(w.start, 3) not in starts)


@mutation(*EVENTS)
def events_labels_corrected(tree):
    """The authors exchanged two labels in events.tsv; the marks in the file are old"""
    other = {"left": "right", "right": "left"}
    recording, _ = edit_events(
        tree, lambda rows: [row.__setitem__(2, other[row[2]]) for row in rows[1:]]
    )
    tree.truth.relabel(recording.stem, other)
    tree.right()


@mutation(*EVENTS)
def events_corrected_and_last_duration_negative(tree):
    """Exchanged labels, and a negative duration in the last row"""
    events_labels_corrected(tree)
    tree.expectations.pop()
    stems = {w.stem for w in tree.truth.windows if w.label == "right"}
    recording = next(
        r for r in tree.recordings
        if r.stem in stems and read_tsv(tree.path(r, "events.tsv"))[1][2] == "right"
    )  # fmt: skip
    _, named = edit_events(tree, lambda rows: rows[-1].__setitem__(1, "-2"), recording)
    tree.refuse(named)


@mutation(*ALL)
def events_first_duration_negative(tree):
    """A negative duration in the first row"""
    tree.refuse(edit_events(tree, lambda rows: rows[1].__setitem__(1, "-2"))[1])


@mutation(*ALL)
def events_all_durations_negative(tree):
    """Only negative durations"""

    def change(rows):
        for row in rows[1:]:
            row[1] = f"-{row[1]}"

    tree.refuse(edit_events(tree, change)[1])


def row_unusable(column, text):
    """A mutation: one cell of one row that nobody can read as a time."""

    def unusable(tree):
        picked = []

        def change(rows):
            row = rows[int(tree.rng.integers(1, len(rows)))]
            picked.append(list(row))
            row[column] = text

        recording, named = edit_events(tree, change)
        lose(tree, recording, picked)
        # An event without a label is nobody's class; BIDS writes n/a for it.
        tree.either(named, said=f"sub-{recording.subject}" if column < 2 else ())

    what = ("onset", "duration", "label")[column]
    word = re.sub(r"\W", "", text) or "blank"
    unusable.__name__ = f"events_{what}_{word}"
    unusable.__doc__ = f"The {what} of one event is {text!r}"
    mutation(*EVENTS)(unusable)


row_unusable(0, "n/a")
row_unusable(0, "")
row_unusable(0, "soon")
row_unusable(0, "inf")
row_unusable(0, "99999")
row_unusable(0, "1,5")
row_unusable(1, "n/a")
row_unusable(1, "0")
row_unusable(1, "long")
row_unusable(1, "nan")
row_unusable(2, "n/a")
row_unusable(2, "")


@mutation(*EVENTS)
def events_before_the_start(tree):
    """One event begins before the recording"""
    picked = []
    recording, named = edit_events(
        tree, lambda rows: picked.append(list(rows[1])) or rows[1].__setitem__(0, "-1")
    )
    lose(tree, recording, picked)
    tree.either(named, said=f"sub-{recording.subject}")


@mutation(*EVENTS)
def events_beyond_the_end(tree):
    """One more event long after the end"""
    recording, named = edit_events(tree, lambda rows: rows.append(["500", "2", "left"]))
    tree.either(named, said=f"sub-{recording.subject}")


@mutation(*EVENTS)
def events_in_milliseconds(tree):
    """Onsets in milliseconds"""

    def change(rows):
        for row in rows[1:]:
            row[0] = f"{1000 * float(row[0]):g}"

    recording, named = edit_events(tree, change)
    tree.truth.drop(lambda w: w.stem != recording.stem)
    tree.either(f"{named}|sub-{recording.subject}", said=f"sub-{recording.subject}")


@mutation(*EVENTS)
def events_row_twice(tree):
    """The same event twice"""
    recording, named = edit_events(tree, lambda rows: rows.insert(3, list(rows[3])))
    tree.either(f"{named}|{recording.stem}_eeg", said=f"sub-{recording.subject}")


@mutation(*EVENTS)
def events_overlapping(tree):
    """Two events of different classes at once"""
    recording, named = edit_events(tree, lambda rows: rows[3].__setitem__(0, rows[2][0]))
    tree.refuse(f"{named}|{recording.stem}_eeg")


@mutation(*EVENTS)
def events_overlapping_in_part(tree):
    """One event begins before the other ended"""
    recording, named = edit_events(
        tree, lambda rows: rows[3].__setitem__(0, f"{float(rows[3][0]) - 1:g}")
    )
    tree.refuse(f"{named}|{recording.stem}_eeg")


@mutation(*EVENTS)
def events_shuffled(tree):
    """Rows in another order"""
    order = lambda rows: tree.rng.permutation(len(rows) - 1) + 1  # noqa: E731
    edit_events(
        tree, lambda rows: rows.__setitem__(slice(1, None), [rows[i] for i in order(rows)])
    )
    tree.right()


@mutation(*EVENTS)
def events_columns_moved(tree):
    """Columns in another order, and one more"""
    edit_events(
        tree,
        lambda rows: (
            [row.__setitem__(slice(None), [row[2], "7", *row[:2]]) for row in rows]
            and rows[0].__setitem__(1, "sample")
        ),
    )
    tree.right()


@mutation(*EVENTS)
def events_without_onset(tree):
    """No column onset"""
    tree.refuse(edit_events(tree, lambda rows: rows[0].__setitem__(0, "time"))[1])


@mutation(*EVENTS)
def events_without_duration(tree):
    """No column duration"""
    tree.refuse(edit_events(tree, lambda rows: rows[0].__setitem__(1, "length"))[1])


@mutation(*EVENTS)
def events_without_labels_of_one(tree):
    """One person has no column trial_type"""
    recording, named = edit_events(
        tree, lambda rows: [row.__delitem__(slice(2, None)) for row in rows]
    )
    tree.truth.drop(lambda w: w.stem != recording.stem)
    tree.either(named, said=f"sub-{recording.subject}")


@mutation(*EVENTS)
def events_column_twice(tree):
    """Two columns trial_type that contradict each other"""

    def change(rows):
        rows[0].append("trial_type")
        for row in rows[1:]:
            row.append("left")

    tree.either(edit_events(tree, change)[1])


@mutation(*EVENTS)
def events_header_only(tree):
    """Columns and no event"""
    recording, named = edit_events(tree, lambda rows: rows.__delitem__(slice(1, None)))
    tree.refuse(f"{named}|{recording.stem}_eeg")


@mutation(*EVENTS)
def events_cut_inside_a_line(tree):
    """The table ends in the middle of a line"""
    recording = tree.recording()
    path = tree.path(recording, "events.tsv")
    rows = read_tsv(path)
    path.write_text("\n".join("\t".join(row) for row in rows[:7]) + "\n14")
    starts = {float(row[0]) for row in rows[1:7]}
    tree.truth.drop(lambda w: w.stem != recording.stem or w.start in starts)
    tree.either(name_of(path), said=f"sub-{recording.subject}")


@mutation(*EVENTS)
def events_cut_between_lines(tree):
    """Half of the rows are gone, and nothing can tell"""
    recording, _ = edit_events(tree, lambda rows: rows.__delitem__(slice(5, None)))
    starts = {start_of(r) for r in read_tsv(tree.path(recording, "events.tsv"))[1:]}
    tree.truth.drop(lambda w: w.stem != recording.stem or w.start in starts)
    tree.right()


@mutation(*EVENTS)
def events_in_scientific_notation(tree):
    """Numbers such as 2.0e+00"""

    def change(rows):
        for row in rows[1:]:
            row[:2] = [f"{float(cell):e}" for cell in row[:2]]

    edit_events(tree, change)
    tree.right()


@mutation(*EVENTS)
def events_with_commas_for_points(tree):
    """Decimal commas in every time"""

    def change(rows):
        for row in rows[1:]:
            row[:2] = [f"{float(cell):.1f}".replace(".", ",") for cell in row[:2]]

    tree.either(edit_events(tree, change)[1])


@mutation(*EVENTS)
def events_note_with_a_comma(tree):
    """A column of text with commas beside the times"""
    edit_events(
        tree, lambda rows: [r.append(["note", "10,000"][i > 0]) for i, r in enumerate(rows)]
    )
    tree.right()


@mutation(*EVENTS)
def events_with_spaces(tree):
    """Spaces around every label of one person"""
    recording, named = edit_events(
        tree, lambda rows: [row.__setitem__(2, f" {row[2]} ") for row in rows[1:]]
    )
    tree.either(f"{named}|left|sub-{recording.subject}")


@mutation(*EVENTS)
def events_in_capitals(tree):
    """One person's labels in capitals"""
    recording, named = edit_events(
        tree, lambda rows: [row.__setitem__(2, row[2].upper()) for row in rows[1:]]
    )
    tree.truth.drop(lambda w: w.stem != recording.stem)
    tree.either(
        f"{named}|LEFT|sub-{recording.subject}", said=f"sub-{recording.subject}|LEFT"
    )


def one_more_event(name, label):
    """A mutation: one person has one event that nobody else has."""

    def extra(tree):
        recording = tree.recording()
        last = recording.events[-1]
        row = [f"{last.onset + last.duration:g}", "2", label]
        edit_events(tree, lambda rows: rows.append(row), recording)
        tree.either(re.escape(label), said=re.escape(label))

    extra.__name__ = f"events_{name}_of_one"
    extra.__doc__ = f"One person has an event {label!r} that nobody else has"
    mutation(*EVENTS)(extra)


one_more_event("artifact", "artifact")
one_more_event("boundary", "boundary")
one_more_event("markup", "<script>alert(1)</script>")
one_more_event("beyond_ascii", "gauche→droite")


@mutation(*EVENTS)
def events_labels_of_all_beyond_ascii(tree):
    """Everybody's labels are words of another script"""
    names = {"left": "左", "right": "右/дa; <b>"}
    for recording in tree.recordings:
        edit_events(
            tree, lambda rows: [r.__setitem__(2, names[r[2]]) for r in rows[1:]], recording
        )
        tree.truth.relabel(recording.stem, names)
    tree.right()


@mutation(*EVENTS)
def events_labels_are_numbers(tree):
    """Labels 1 and 2 in a column value"""
    names = {"left": "1", "right": "2"}
    for recording in tree.recordings:
        edit_events(
            tree,
            lambda rows: [r.__setitem__(2, names.get(r[2], "value")) for r in rows],
            recording,
        )
        tree.truth.relabel(recording.stem, names)
    tree.either("trial_type|value|events.tsv")


@mutation(*EVENTS)
def events_bad_segment(tree):
    """A BAD_ segment lies over some windows of one person"""
    recording, named = edit_events(
        tree, lambda rows: rows.append(["4.5", "3", "BAD_muscle"])
    )
    tree.truth.drop(lambda w: w.stem != recording.stem or not 2.5 < w.start < 7.5)
    tree.either(f"BAD_|{named}", said=f"sub-{recording.subject}")


@mutation(*EVENTS)
def events_many_beside(tree):
    """Two thousand events without a duration beside those that count"""
    more = [[f"{0.01 * i:g}", "0", "frame"] for i in range(2000)]
    _, named = edit_events(tree, lambda rows: rows.extend(more))
    tree.either(f"frame|{named}")


@mutation(*EVENTS)
def events_hidden(tree):
    """A killed run left events.tsv under another name"""
    path = tree.path(tree.recording(), "events.tsv")
    path.rename(path.with_name(path.name + "._hidden"))
    tree.refuse(name_of(path))


@mutation(*EVENTS)
def events_inherited(tree):
    """One table of events for everybody, at the top of the dataset"""
    table = read_tsv(tree.path(tree.recordings[0], "events.tsv"))
    write_tsv(tree.root / "task-oddball_events.tsv", table)
    for recording in tree.recordings:
        tree.path(recording, "events.tsv").unlink()
    tree.either("events.tsv")


@mutation(*EVENTS)
def events_rounded(tree):
    """Onsets a tenth of a sample beside the sample"""
    edit_events(
        tree,
        lambda rows: [r.__setitem__(0, f"{float(r[0]) + 0.0004:.6f}") for r in rows[1:]],
    )
    tree.right()


@mutation(*EVENTS)
def events_with_a_byte_order_mark_everywhere(tree):
    """Every events.tsv was saved by a spreadsheet"""
    for recording in tree.recordings:
        marked(tree.path(recording, "events.tsv"), tree)
    tree.either("events.tsv")


@mutation("tasks")
def tasks_other_label_of_one(tree):
    """One person's event of a task has another name"""
    recording = tree.recording()
    edit_events(tree, lambda rows: rows[1].__setitem__(2, "pause"), recording)
    tree.truth.drop(lambda w: w.stem != recording.stem)
    tree.either("pause", said="pause|sub-" + recording.subject)


# ------------------------------------------------------------------------------------- channels


def edit_channels(tree, change, recording=None):
    """Change rows of one ``channels.tsv`` (header first); returns recording and pattern."""
    recording = recording or tree.recording()
    path = tree.path(recording, "channels.tsv")
    rows = read_tsv(path)
    change(rows)
    write_tsv(path, rows)
    return recording, name_of(path)


@mutation(*ALL)
def channels_rows_permuted(tree):
    """Rows in another order than in the file"""
    edit_channels(tree, lambda rows: rows.__setitem__(slice(1, None), rows[:0:-1]))
    tree.either("channels.tsv|channel")


@mutation()
def channels_two_names_swapped(tree):
    """Two names exchanged in the table only"""

    def change(rows):
        rows[1][0], rows[3][0] = rows[3][0], rows[1][0]

    tree.either(edit_channels(tree, change)[1])


@mutation()
def channels_other_names(tree):
    """Names such as EEG Fz, listed back to front"""

    def change(rows):
        for row in rows[1:]:
            row[0] = f"EEG {row[0]}"
        rows[1:] = rows[:0:-1]

    tree.either(edit_channels(tree, change)[1])


@mutation()
def channels_names_beyond_the_file(tree):
    """Names that the file does not have"""

    def change(rows):
        for i, row in enumerate(rows[1:], 1):
            row[0] = f"E{i}"

    recording, named = edit_channels(tree, change)
    tree.refuse(f"{named}|{recording.stem}_eeg")


@mutation()
def channels_one_name_twice(tree):
    """Two rows of one name"""
    tree.refuse(edit_channels(tree, lambda rows: rows[2].__setitem__(0, rows[1][0]))[1])


@mutation()
def channels_row_gone(tree):
    """One channel of the file is not in the table"""
    recording, named = edit_channels(tree, lambda rows: rows.pop(2))
    tree.either(f"{named}|{recording.stem}_eeg")


@mutation()
def channels_row_too_many(tree):
    """A channel in the table that the file does not have"""
    extra = ["T7", "EEG", "uV", "128", "good"]
    recording, named = edit_channels(tree, lambda rows: rows.insert(1, extra))
    tree.either(f"{named}|{recording.stem}_eeg")


@mutation()
def channels_header_only(tree):
    """Columns and no channel"""
    tree.either(
        edit_channels(tree, lambda rows: rows.__delitem__(slice(1, None)))[1] + "|ECG"
    )


@mutation()
def channels_heart_is_eeg(tree):
    """One person's heart is typed as EEG"""
    recording, named = edit_channels(tree, lambda rows: rows[-1].__setitem__(1, "EEG"))
    tree.truth.loose.add(recording.subject)
    tree.either(f"{named}|ECG|sub-{recording.subject}", said="ECG")


def channels_typed(name, kind, which=slice(1, None)):
    """A mutation: channels of one person have another type."""

    def typed(tree):
        def change(rows):
            for row in rows[which]:
                row[1] = kind

        recording, named = edit_channels(tree, change)
        tree.truth.loose.add(recording.subject)
        tree.either(
            f"{named}|{recording.stem}_eeg", said=f"{named}|sub-{recording.subject}"
        )

    typed.__name__ = f"channels_{name}"
    typed.__doc__ = f"Channels of one person have the type {kind!r}"
    mutation()(typed)


channels_typed("misc", "MISC")
channels_typed("unknown_type", "WIBBLE")
channels_typed("without_type", "")
channels_typed("meg", "MEGMAG")
channels_typed("one_is_eog", "EOG", slice(2, 3))


@mutation()
def channels_types_small(tree):
    """Types in small letters"""
    edit_channels(tree, lambda rows: [r.__setitem__(1, r[1].lower()) for r in rows[1:]])
    tree.either("channels.tsv|channel")


@mutation()
def channels_status_bad(tree):
    """One channel of one person is marked bad"""
    recording, _ = edit_channels(tree, lambda rows: rows[2].__setitem__(4, "bad"))
    tree.truth.loose.add(recording.subject)
    tree.either("Cz", said="Cz")


@mutation()
def channels_status_all_bad(tree):
    """Every channel of one person is marked bad"""
    recording, named = edit_channels(
        tree, lambda rows: [row.__setitem__(4, "bad") for row in rows[1:]]
    )
    tree.truth.drop(lambda w: w.subject != recording.subject)
    tree.either(f"{named}|sub-{recording.subject}", said=f"sub-{recording.subject}")


def channels_in(name, unit, said=True):
    """A mutation: the table gives another unit than the file."""

    def units(tree):
        recording, named = edit_channels(
            tree, lambda rows: [row.__setitem__(2, unit) for row in rows[1:]]
        )
        who = f"{named}|sub-{recording.subject}"
        tree.either(who, said=who if said else ())

    units.__name__ = f"channels_units_{name}"
    units.__doc__ = f"The unit of one person's channels is {unit!r} in the table"
    mutation()(units)


channels_in("volt", "V")
channels_in("millivolt", "mV")
channels_in("tesla", "T")
channels_in("not_given", "n/a", said=False)
channels_in("micro_sign", "µV", said=False)
channels_in("greek_mu", "μV", said=False)


@mutation()
def channels_names_with_spaces(tree):
    """Spaces after the names"""
    edit_channels(tree, lambda rows: [r.__setitem__(0, r[0] + "  ") for r in rows[1:]])
    tree.either("channels.tsv|channel")


@mutation()
def channels_column_more(tree):
    """One more column, with markup in it"""
    edit_channels(
        tree, lambda rows: [r.append(["note", "<b>"][i > 0]) for i, r in enumerate(rows)]
    )
    tree.right()


@mutation()
def channels_without_names(tree):
    """No column name"""
    tree.either(edit_channels(tree, lambda rows: rows[0].__setitem__(0, "label"))[1])


# ------------------------------------------------------------------------------------- sidecars


def edit_json(tree, change, end="eeg.json"):
    """Change what a sidecar holds; returns recording and pattern."""
    recording = tree.recording()
    path = tree.path(recording, end)
    held = json.loads(path.read_text("utf-8"))
    got = change(held)
    path.write_text(json.dumps(held if got is None else got), "utf-8")
    return recording, name_of(path)


def sidecar_says(name, verdict, **values):
    """A mutation: the sidecar of one recording has other values."""

    def said(tree):
        _, named = edit_json(tree, lambda held: held.update(values))
        # Of two lengths that contradict each other, either can be wrong.
        tree.either(named, recording="RecordingDuration" in values)
        tree.expectations[-1].verdict = verdict

    said.__name__ = f"sidecar_{name}"
    said.__doc__ = f"The sidecar of one recording says {values}"
    mutation(*ALL)(said)


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


@mutation(*ALL)
def sidecar_is_a_list(tree):
    """eeg.json holds a list"""
    tree.either(edit_json(tree, lambda held: [held])[1])


@mutation()
def sidecar_is_deep(tree):
    """eeg.json is nested a hundred thousand times"""
    path = tree.path(tree.recording(), "eeg.json")
    path.write_text("[" * 100_000 + "]" * 100_000)
    tree.either(name_of(path))


@mutation()
def sidecar_says_twice(tree):
    """eeg.json holds one key twice"""
    path = tree.path(tree.recording(), "eeg.json")
    path.write_text(path.read_text()[:-2] + ', "SamplingFrequency": 4096}')
    tree.either(name_of(path))


@mutation(*ALL)
def sidecars_all_gone(tree):
    """No recording has an eeg.json"""
    for path in list(tree.root.rglob("*_eeg.json")):
        path.unlink()
    tree.right()


@mutation()
def scans_of_another(tree):
    """scans.tsv lists files that are not there, at impossible times"""
    path = locate(tree, "scans.tsv")
    write_tsv(
        path,
        [
            ["filename", "acq_time"],
            ["eeg/gone_eeg.edf", "2020-13-45T99:00"],
            ["../../x", "n/a"],
        ],
    )
    tree.either(name_of(path))


@mutation()
def electrodes_elsewhere(tree):
    """Electrodes without numbers, and one a kilometre away"""
    path = locate(tree, "electrodes.tsv")
    rows = read_tsv(path)
    rows[1][1:] = ["n/a"] * 3
    rows[2][1] = "1000000"
    rows[3][0] = "Nowhere"
    write_tsv(path, rows)
    tree.either(name_of(path))


@mutation()
def electrodes_in_no_known_system(tree):
    """coordsystem.json names a system that nobody has heard of"""
    path = locate(tree, "coordsystem.json")
    path.write_text('{"EEGCoordinateSystem": "Atlantis", "EEGCoordinateUnits": "cubit"}')
    tree.either(name_of(path))


@mutation()
def electrodes_without_a_system(tree):
    """electrodes.tsv without its coordsystem.json"""
    locate(tree, "coordsystem.json").unlink()
    tree.either("coordsystem.json|electrodes.tsv")


@mutation()
def description_hostile(tree):
    """The name of the dataset is markup over several lines"""
    about = {"Name": "x\n\n.. raw:: html\n\n   <script>1</script>", "BIDSVersion": "1.9.0"}
    tree.root.joinpath("dataset_description.json").write_text(json.dumps(about))
    tree.right()


@mutation()
def description_of_a_derivative(tree):
    """The dataset says it is a derivative"""
    about = {"Name": "x", "BIDSVersion": "1.9.0", "DatasetType": "derivative"}
    tree.root.joinpath("dataset_description.json").write_text(json.dumps(about))
    tree.either("dataset_description.json")
