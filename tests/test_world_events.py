"""Events as people write them: marks, cues, counters, names elsewhere, other clocks; none where a score needs none."""

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest

import tidy
from _study import Recipe, StudyError, find_study, open_study
from _study.events import is_bad, is_mark
from _study.pauses import is_joint

HEADER = ("onset", "duration", "trial_type")


def write(root, rows, subjects=tidy.PEOPLE, header=HEADER, **settings):
    """The tidy study, with other tables of events over the signals of its trials."""
    tidy.write_study(root, **settings)
    for i, subject in enumerate(subjects):
        of_person = rows(i) if callable(rows) else rows
        path = tidy.beside(tidy.stem(root, subject), "events.tsv")
        tidy.write_events(path, of_person, header)
    return root


def longer(column, trials=None):
    """The tidy trials with one more column: of each row ``column(i)``."""
    return [(*row, column(i)) for i, row in enumerate(trials or tidy.trials())]


CUT_IN_A_BLOCK = [(2.0, 8.0, "rest"), (7.0, 0, "boundary"), (12.0, 8.0, "work")]
#: Rows, columns, windows of each person, classes, and what is said.
OPENED = {
    "a boundary that lasts": ([*tidy.trials(), (6.6, 4.3, "boundary")], HEADER, 14, ("left", "right"), r"6 rows of events.tsv \('boundary'\) mark the recording"),
    "a boundary where a window begins": ([*tidy.trials(), (4.5, 0, "New Segment/")], HEADER, 14, ("left", "right"), "mark the recording"),
    "a boundary where a window ends": ([*tidy.trials(), (4.0, 9, "EDGE boundary")], HEADER, 14, ("left", "right"), "mark the recording"),
    "a cut inside a trial": ([*tidy.trials(), (5.0, 0, "discontinuity")], HEADER, 12, ("left", "right"), "6 of 84 windows span a cut, dropped"),
    "a cut inside a block": (CUT_IN_A_BLOCK, HEADER, 6, ("rest", "work"), "sub-06_task-motor: 6 of 48 windows span a cut, dropped"),
    "a bad segment": ([*tidy.trials(), (5.0, 0.2, "BAD_jump")], HEADER, 12, ("left", "right"), "6 of 84 windows lie in segments marked bad, dropped"),
    "a class called bad": (tidy.trials(labels=("left", "bad")), HEADER, 14, ("bad", "left"), "'bad' takes turns with the other events"),
    "bad, but over others": ([*tidy.trials(), (5.0, 2.2, "bad")], HEADER, 12, ("left", "right"), "'bad' marks what to leave out"),
    "no word for bad": (tidy.trials(labels=("badminton", "Edge")), HEADER, 14, ("Edge", "badminton"), ""),
    "a counter": (longer(lambda i: i + 1), (*HEADER, "value"), 14, ("left", "right"), "the column value is left out: with it the 2 kinds of events would be 14"),
    "a reaction time": (lambda person: longer(lambda i: 0.3 + 0.01 * person + 0.001 * i), (*HEADER, "value"), 14, ("left", "right"), "the column value is left out"),
    "a value that tells apart": (longer(lambda i: i // 2 % 2), (*HEADER, "value"), 12, ("left/0", "left/1", "right/0", "right/1"), ""),
    "names in event_type": (tidy.trials(), ("onset", "duration", "event_type"), 14, ("left", "right"), "names of events are those of the column event_type"),
    "names in event, beside n/a": ([(*row[:2], "n/a", row[2]) for row in tidy.trials()], (*HEADER, "event"), 14, ("left", "right"), "of the column event"),
    "a sample short": (tidy.trials(duration=1.995), HEADER, 14, ("left", "right"), ""),
    "some a sample short": ([(o, 1.995 if i % 4 == 3 else d, n) for i, (o, d, n) in enumerate(tidy.trials())], HEADER, 14, ("left", "right"), ""),
    "cues": (tidy.trials(duration=0), HEADER, 14, ("left", "right"), "'left', 'right' without a duration, or brief: a window of 2 s from each onset; blocks ="),
    "cues of n/a": (tidy.trials(duration="n/a"), HEADER, 14, ("left", "right"), "a window of 2 s from each onset"),
    "flashes": (tidy.trials(duration=0.1), HEADER, 14, ("left", "right"), "a window of 2 s from each onset"),
    "a cue too soon": ([*tidy.trials(duration=0), (35.5, 0, "right")], HEADER, 14, ("left", "right"), "6 events lose windows, followed by the next within a window: sub-01_task-motor_events.tsv row 15, and 5 more"),
    "a block around": ([(1.5, 36.5, "block"), *tidy.trials()], HEADER, 14, ("left", "right"), "'block' left out: such an event holds others"),
    "a block around cues": ([(1.5, 36.5, "block"), *tidy.trials(duration=0)], HEADER, 14, ("left", "right"), "'block' left out"),
    "once a person": ([(0.0, 2.0, "start"), *tidy.trials()], HEADER, 14, ("left", "right"), "'start' left out: one window a person"),
    "lost, a line for each reason": ([("n/a", 2, "left"), *tidy.trials(), (-3.0, 2, "left"), (37.0, 2.0, ""), (38.5, 8.0, "right")], HEADER, 14, ("left", "right"), "6 events lose windows, no onset: sub-01_task-motor_events.tsv row 2, and 5 more\n.*before the recording: .*row 17.*\n.*shorter than a window|beyond"),
}  # fmt: skip


@pytest.mark.parametrize("name", OPENED)
def test_events_as_people_write_them_open(tmp_path, capsys, name):
    rows, header, n_windows, classes, said = OPENED[name]
    index = find_study(write(tmp_path / "small", rows, header=header))
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Trials")
        study = index.open()
    lines = capsys.readouterr().out
    assert study.classes == classes
    np.testing.assert_array_equal(study.metadata.groupby("subject").size(), n_windows)
    assert re.search(said, lines), lines
    assert lines.count("lose windows, no onset") <= 1
    sides = {c.split("/")[0] for c in classes}
    if sides == {"left", "right"}:
        short = [classes[t].split("/")[0] for t in study.targets]
        sided = replace(
            study,
            classes=("left", "right"),
            targets=np.array([("left", "right").index(s) for s in short]),
        )
        assert tidy.share_on_right_side(sided) == 1.0
    halves = [index.open(half).metadata for half in (tidy.PEOPLE[:3], tidy.PEOPLE[3:])]
    assert sum(map(len, halves)) == len(study.windows)


def scaled(scale, shift=0.0, duration=2.0):
    return [(scale * o + shift, duration, n) for o, _, n in tidy.trials()]


#: Rows, whose table, columns, what is refused.
REFUSED = {
    "samples": (scaled(256), tidy.PEOPLE, HEADER, "onset is 512 in row 2, and .* lasts 40 s: 14 of 14 .*may be samples: divide them by 256. So it is in 5 more: sub-02"),
    "samples of one": (scaled(256), ("04",), HEADER, "sub-04_task-motor_events.tsv: onset is 512 in row 2"),
    "milliseconds": (scaled(1000), tidy.PEOPLE, HEADER, "may be milliseconds: divide them by 1000"),
    "another clock": (scaled(1, 100), tidy.PEOPLE, HEADER, "from 102 to 134.5, as on a clock that started elsewhere"),
    "before the start": (scaled(1, -100), ("02",), HEADER, "sub-02.*onset is -98 in row 2.*on a clock"),
    "of a longer recording": (scaled(1.3) + scaled(1.3, 60) + scaled(1.3, 120), ("02",), HEADER, "They run to .* s: fetch the whole recording"),
    "durations in ms": (scaled(1, 0, 2000), ("05",), HEADER, "sub-05_task-motor_events.tsv: duration is 2000 in row 2.*may be in milliseconds"),
    "a name of its own each": ([(o, d, f"trial{i}") for i, (o, d, _) in enumerate(tidy.trials())], tidy.PEOPLE, HEADER, "trial_type has 14 names for the 14 events of sub-01 .*what never comes back is no class"),
    "no column of names": ([row[:2] for row in tidy.trials()], tidy.PEOPLE, HEADER[:2], r"no column names the events, so .* columns are \['onset', 'duration'\]: write two names"),
    "one name": (tidy.trials(labels=("left",)), tidy.PEOPLE, HEADER, "trial_type has no name but left inside the recordings"),
    "cues too fast": ([(2 + i, 0, ("left", "right")[i % 2]) for i in range(30)], tidy.PEOPLE, HEADER, r"174 of 180 are followed by the next within a window of 2 s \(usual distance 1 s\). Write window_s = 1, or classes ="),
    "short of a window": (tidy.trials(duration=1.5), tidy.PEOPLE, HEADER, "has no event left or right as long as a window of 2 s.*Write window_s = 1.5, or less, into the file"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_by_file_value_and_a_remedy(tmp_path, name):
    rows, subjects, header, message = REFUSED[name]
    root = write(tmp_path / "small", rows, subjects, header)
    with pytest.raises(StudyError, match=message):
        open_study(root)
    if len(subjects) == 1:  # others are opened without that person
        others = [subject for subject in tidy.PEOPLE if subject not in subjects]
        assert tidy.share_on_right_side(find_study(root).open(others)) == 1.0


@pytest.mark.parametrize("window_s", [0.35, 1.0, 1.5])
def test_a_remedy_that_is_named_opens(tmp_path, window_s):
    rows = [(2 + 1.01 * window_s * i, 0, ("left", "right")[i % 2]) for i in range(20)]
    root = write(tmp_path / "small", rows)
    with pytest.raises(StudyError, match=f"Write window_s = {window_s:g}"):
        open_study(root)
    study = open_study(root, recipe=Recipe(window_s=window_s))
    assert len(study.windows) == 20 * len(tidy.PEOPLE)


def test_a_sample_that_is_missing_at_the_end_costs_no_window(tmp_path):
    rows = tidy.trials(n=15, start=3.0 + 1 / 128)
    study = open_study(tidy.write_study(tmp_path / "small", rows=rows))
    assert study.metadata["start_s"].max() == 38.0
    assert tidy.share_on_right_side(study) == 1.0


def without_tables(root, subjects, task="motor"):
    for subject in subjects:
        tidy.beside(tidy.stem(root, subject, task), "events.tsv").unlink()


def test_a_score_needs_no_events(tmp_path, capsys):
    root = tidy.write_study(tmp_path / "small")
    without_tables(root, tidy.PEOPLE)
    study = open_study(root, column="age")
    np.testing.assert_array_equal(study.metadata.groupby("subject").size(), 20)
    assert (
        "6 of 6 recordings have no event in an events.tsv as long as a window"
        in capsys.readouterr().out
    )
    for subject in tidy.PEOPLE[:2]:
        path = tidy.beside(tidy.stem(root, subject), "events.tsv")
        tidy.write_events(path, [*tidy.trials(), (5.0, 1.0, "BAD_jump")])
    counts = open_study(root, column="age").metadata.groupby("subject").size()
    assert counts.tolist() == [13, 13, 20, 20, 20, 20]


def test_rest_without_events_beside_a_task_is_opened_by_task(tmp_path):
    root = tidy.write_study(tmp_path / "small", task="rest", rows=[])
    without_tables(root, tidy.PEOPLE, "rest")
    tidy.write_study(root, task="motor")
    message = (
        r"has no events.tsv.* So do 5 more of 12 recordings.*write task = \['motor'\] into"
    )
    with pytest.raises(StudyError, match=message):
        open_study(root)
    assert tidy.share_on_right_side(open_study(root, task="motor")) == 1.0
    study = open_study(root, column="age")
    assert set(study.metadata["task"]) == {"motor", "rest"}


def test_a_value_of_the_event_with_cues(tmp_path):
    rows = [(*row, i) for i, row in enumerate(tidy.trials(duration=0))]
    root = write(tmp_path / "small", rows, header=(*HEADER, "rt"))
    study = open_study(root, column="rt")
    assert study.targets.tolist() == [*range(14)] * len(tidy.PEOPLE)


def test_marks_are_no_class_even_if_asked_for(tmp_path):
    rows = [*tidy.trials(), (37.0, 2.0, "boundary")]
    with pytest.raises(StudyError, match=r"no event \['boundary'\] in small"):
        open_study(write(tmp_path / "small", rows), classes=("boundary", "left"))


def test_words_for_marks_and_for_bad():
    marks = "boundary", "New Segment/", "discontinuity", "EDGE boundary", "BAD_boundary"
    assert all(is_joint(name) and is_mark(name) for name in marks)
    others = "recording starts", "End of recording", "epoch", "Sync On", "Impedance/Imp"
    assert all(is_mark(name) and not is_joint(name) for name in others)
    conditions = "left", "edges", "segment", "start", "response/2", "synchronous"
    assert not any(is_mark(name) for name in conditions)
    assert all(is_bad(name) for name in ("BAD", "BAD_ACQ_SKIP", "bad segment", "Bad/1"))
    assert not any(is_bad(name) for name in ("badminton", "Badge", "not bad", "BADGE"))
