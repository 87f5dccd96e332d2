"""Studies as people name and keep them: versions side by side, paddings, letters, cohorts, paths."""

import shutil
from unicodedata import normalize

import numpy as np
import pytest

from _study import Recipe, StudyError, find_study, get_recipe, open_study
from tidy import (
    SFREQ,
    beside,
    share_on_right_side,
    signal,
    stem,
    trials,
    write_edf,
    write_events,
    write_people,
    write_recording,
    write_study,
    write_table,
)

SUBJECTS = ("01", "02", "03")
N_WINDOWS = 14 * len(SUBJECTS)
ROWS = trials()


def rename(old, new, pattern="sub-*/eeg/*"):
    """Files have another part in their names; ``{n}`` is their number."""

    def spoil(root):
        for n, path in enumerate(sorted(root.glob(pattern))):
            path.rename(path.with_name(path.name.replace(old, new.format(n=n))))

    return spoil


def cleaned(subject):
    """The signal of a person between 4 and 30 Hz, ten times smaller, without one electrode."""
    data = signal(subject, ROWS) / 10
    spectrum = np.fft.rfft(data)
    hz = np.fft.rfftfreq(data.shape[1], 1 / SFREQ)
    data = np.fft.irfft(spectrum * ((hz > 4) & (hz < 30)), data.shape[1])
    data[0] = 0
    return data


def version(word, data=cleaned, rows=ROWS, raw=""):
    """Beside each recording lies another, with a word in its name; ``raw`` stands in that of the first."""

    def spoil(root):
        if raw:
            rename("_task-motor", f"_task-motor_{raw}")(root)
        for subject in SUBJECTS:
            at = stem(root, subject, f"motor_{word}")
            write_edf(beside(at, "eeg.edf"), data(subject))
            write_events(beside(at, "events.tsv"), rows)

    return spoil


def another(subject):
    return signal(f"{subject} later", ROWS)


def decomposed(root):
    """Somebody is Zoë, decomposed on disk and composed in the table."""
    names = normalize("NFD", "Zoë"), normalize("NFC", "Zoë")
    assert names[0] != names[1]
    rename("sub-02", f"sub-{names[0]}", "sub-02/eeg/*")(root)
    (root / "sub-02").rename(root / f"sub-{names[0]}")
    write_people(root, ("01", names[1], "03"))


def phenotype(*rows):
    return lambda root: write_table(
        root / "phenotype" / "mood.tsv", [("participant_id", "mood"), *rows]
    )


def people(**columns):
    return lambda root: write_people(root, SUBJECTS, **columns)


def gone(pattern):
    return lambda root: [path.unlink() for path in root.glob(pattern)]


def both(*ways):
    return lambda root: [way(root) for way in ways]


CLEAN = Recipe(entities=("acq-clean",))
MOOD = phenotype(("sub-01", 1), ("sub-02", 2.5), ("sub-03", 3))
#: What opens: how it is spoilt, how it is asked for, windows, what is said.
RIGHT = {
    "runs padded in the sidecars": (
        both(rename("_task-motor", "_task-motor_run-1"), rename("run-1", "run-01", "sub-*/eeg/*.tsv")),
        {}, N_WINDOWS, "runs are compared by number: sub-01_task-motor_run-01 goes with sub-01_task-motor_run-1_eeg.edf; ",
    ),
    "sidecars for all runs": (rename("_eeg.edf", "_run-1_eeg.edf", "*/eeg/*.edf"), {}, N_WINDOWS, ""),
    "two acquisitions that differ": (version("acq-EO", another, raw="acq-EC"), {}, 2 * N_WINDOWS, ""),
    "one of two versions": (version("acq-clean", raw="acq-raw"), {"recipe": Recipe(entities=("acq-raw",))}, N_WINDOWS, ""),
    "the one without a word": (version("desc-clean"), {"recipe": Recipe(entities=("desc-",))}, N_WINDOWS, ""),
    "a derivative by itself": (rename("_eeg.edf", "_desc-clean_eeg.edf", "*/eeg/*.edf"), {}, N_WINDOWS, ""),
    "decomposed letters": (decomposed, {}, N_WINDOWS, ""),
    "a cohort of one's own": (people(cohort="ABA"), {"cohort": "source"}, 14, "cohort holds A, B, not source and target: the first 1 people"),
    "a cohort of the project": (people(cohort=("target", "source", "pilot")), {"cohort": "source"}, 14, "cohort pilot are neither"),
    "a score in phenotype": (MOOD, {"column": "mood"}, N_WINDOWS, "mood is read from phenotype/mood.tsv"),
    "half a score in phenotype": (phenotype(("sub-01", 1), ("sub-03", 3)), {"column": "mood", "on_missing": "drop"}, 28, "dropped sub-02: no mood in mood.tsv"),
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_opens(tmp_path, capsys, case):
    spoil, how, n_windows, words = RIGHT[case]
    root = write_study(tmp_path / "study", SUBJECTS)
    spoil(root)
    study = open_study(root, **how)
    assert len(study.windows) == n_windows
    printed = capsys.readouterr().out
    assert words in printed
    assert printed.count("\n") == 1 + bool(words) + ("dropped" in words)
    if study.classes:
        assert share_on_right_side(study) == 1
    else:
        assert set(study.metadata.groupby("subject")["target"].first()) <= {1, 2.5, 3}


CHOOSE = r'entities = \["acq-clean"\] or \["acq-raw"\] into the file that EEG_TUTORIAL_RECIPE names'
AGE = {"column": "age"}
#: What is refused: how it is spoilt, how it is asked for, and what the message says.
REFUSED = {
    "raw and clean": (version("acq-clean", raw="acq-raw"), {}, f"sub-01_task-motor_acq-clean_eeg.edf and sub-01_task-motor_acq-raw_eeg.edf; .*sub-03.* versions of one recording.*{CHOOSE}"),
    "clean with fewer events": (version("acq-clean", rows=ROWS[:8], raw="acq-raw"), {}, CHOOSE),
    "raw beside what is called processed": (version("desc-clean", another), {}, r'sub-01_task-motor_eeg.edf and sub-01_task-motor_desc-clean_eeg.edf; .*entities = \["desc-"\] or \["desc-clean"\].*where "desc-" is a name without desc'),
    "a run exported twice": (version("run-2", lambda subject: signal(subject, ROWS) / 2, raw="run-1"), {}, "windows of two recordings hold the same signal, sub-01_task-motor_run-1_sample-.*run-2"),
    "a run copied": (lambda root: [shutil.copy(beside(stem(root, s), "eeg.edf"), beside(stem(root, s, "motor_run-2"), "eeg.edf")) for s in SUBJECTS], {}, r'sub-01_task-motor_eeg.edf and sub-01_task-motor_run-2_eeg.edf; .*sub-03.* hold the same signal.*entities = \["run-"\] or \["run-2"\]'),
    "entities that nobody has": (version("acq-clean", raw="acq-raw"), {"recipe": Recipe(entities=("acq-cleen",))}, r"no recording in .* has the entities \['acq-cleen'\]: there are acq-clean, acq-raw"),
    "task in another case": (rename("task-motor", "task-Motor", "sub-*/eeg/*.edf"), {"task": "motor"}, "data file of sub-01_task-motor is missing, as are those of .*3 of 3.*There is sub-01_task-Motor_eeg.edf; .*Rename sub-01_task-Motor_eeg.edf to sub-01_task-motor_eeg.edf, or the sidecars"),
    "nobody in the table": (lambda root: write_people(root, ("001", "9")), {}, "sub-01, sub-02, sub-03 have recordings but no row in .*Add the row.*There is sub-001"),
    "two rows each": (lambda root: write_people(root, SUBJECTS * 2), {}, "has sub-01 in rows 2, 5; sub-02 in rows 3, 6; sub-03 in rows 4, 7. Keep"),
    "folders where files should be": (both(gone("*/eeg/*.edf"), lambda root: [beside(stem(root, s), "eeg.edf").mkdir() for s in SUBJECTS]), {}, "sub-01_task-motor_eeg.edf is a folder; .*sub-03_task-motor_eeg.edf is a folder"),
    "a task that two lack": (lambda root: write_recording(root, "01", ROWS[:9], task="rest"), {"task": ("motor", "rest")}, r"sub-02 has no recording of task \['rest'\]; sub-03 .*fetch it, or ask .*task = \[\"motor\"\] into the file that EEG_TUTORIAL_RECIPE"),
    "a task that nobody has": (both(), {"task": "rest"}, r'tasks there are \[\'motor\'\]. Ask for one of them: write task = \["motor"\] into the file'),
    "scores that are words": (people(score=("a", "b", 1)), {"column": "score"}, "target 'score' of sub-01 is 'a', of sub-02 is 'b' in .*set EEG_TUTORIAL_TARGET, or write subject_target"),
    "no such score": (MOOD, {"column": "moods"}, "no column 'moods' in .*nor in phenotype/.*set EEG_TUTORIAL_TARGET"),
    "a score twice": (phenotype(("sub-01", 1), ("sub-01", 2)), {"column": "mood"}, "mood.tsv has sub-01 in rows 2, 3"),
    "nobody in the cohort": (people(cohort=("target",) * 3), {"cohort": "source"}, "none of them is in the source cohort: write source and target into a column .*n_source = 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_names_everybody_and_a_remedy(tmp_path, case):
    spoil, how, words = REFUSED[case]
    root = write_study(tmp_path / "study", SUBJECTS)
    spoil(root)
    with pytest.raises(StudyError, match=f"(?s){words}") as refusal:
        open_study(root, **how)
    assert "delete" not in str(refusal.value)


def test_a_study_has_the_name_of_its_folder_however_it_is_reached(tmp_path, monkeypatch):
    root = write_study(tmp_path / "nm000109", ("01",))
    (root / "code").mkdir()
    (tmp_path / "link").symlink_to(root / "code")
    (tmp_path / "mine").symlink_to(root)
    monkeypatch.chdir(root / "code")
    for path in ("..", "../.", "../../nm000109", tmp_path / "link" / "..", "../code/.."):
        assert find_study(path, task="motor").root.name == "nm000109"
        assert get_recipe(path).n_source == 18
    assert find_study("../../mine").root == tmp_path / "mine"


@pytest.mark.parametrize("value", ["clean", "Acq-clean", "acq-cl_ean", ("acq-a", "acq-a")])
def test_entities_that_are_none_are_refused(tmp_path, value):
    with pytest.raises(StudyError, match=r'parts of file names, such as \["acq-clean"\]'):
        find_study(tmp_path, recipe=Recipe(entities=value))
