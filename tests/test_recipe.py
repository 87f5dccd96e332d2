"""Settings of a study of one's own: by ``recipe=`` and by a TOML file the same; bad ones refused."""

import json
import pickle
import shutil
from dataclasses import asdict, fields, replace

import numpy as np
import pytest

import _scale.files
import _study
import _study.catalogue
import _study.index
import _study.settings
from _study import Budget, Recipe, StudyError, find_study, get_recipe, open_study
from conftest import write_bids
from tools import snapshot

TOML = """
task = "oddball"
classes = ["right", "left"]
channels = ["Oz", "Fz", "Pz"]
reference = false
l_freq = 0.5
h_freq = 30
sfreq = 100.0
window_s = 1
balance = false
subject_target = "age"
n_hold_out = 1
n_source = 2
question = "which side?"
credit = "mine, CC0"

[budget]
n_labelled = 3
n_steps = 20
"""
SAME = Recipe(
    task=("oddball",),
    classes=("right", "left"),
    channels=("Oz", "Fz", "Pz"),
    reference=None,
    l_freq=0.5,
    h_freq=30.0,
    sfreq=100.0,
    window_s=1.0,
    balance=False,
    subject_target="age",
    n_hold_out=1,
    n_source=2,
    question="which side?",
    credit="mine, CC0",
    budget=Budget(n_labelled=3, n_steps=20, n_labelled_curve=(1, 2, 3, 4, 8, 16)),
)


@pytest.fixture
def settings(tmp_path, monkeypatch):
    """Write a TOML file and let the environment name it."""

    def write(text):
        path = tmp_path / "my_study.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        monkeypatch.setenv("EEG_TUTORIAL_RECIPE", str(path))
        return path

    return write


def test_a_file_and_an_argument_give_the_same_windows(bids, settings, monkeypatch, capsys):
    by_argument = open_study(bids, recipe=SAME)
    source = find_study(bids, recipe=SAME, cohort="source")
    settings(TOML)
    assert get_recipe(bids) == SAME
    by_file = open_study(bids)
    assert capsys.readouterr().out.count("mine, CC0") == 2
    np.testing.assert_array_equal(by_argument.windows, by_file.windows)
    np.testing.assert_array_equal(by_argument.targets, by_file.targets)
    assert by_argument.metadata.equals(by_file.metadata)
    assert by_file.windows.shape == (3 * 20, 3, 100)
    assert by_file.ch_names == ("Oz", "Fz", "Pz")
    assert by_file.classes == ("right", "left")
    assert (by_file.question, by_file.sfreq) == ("which side?", 100.0)
    assert list(source.people.index) == ["01", "02"]
    # Another process opens its share by the same settings.
    records = json.loads(json.dumps(source.records["02"]))
    rows = (by_file.metadata["subject"] == "02").to_numpy()
    alone = _study.open_records(bids, records)
    np.testing.assert_array_equal(alone.windows, by_file.windows[rows])
    monkeypatch.delenv("EEG_TUTORIAL_RECIPE")
    alone = _study.open_records(bids, records, recipe=SAME)
    np.testing.assert_array_equal(alone.windows, by_file.windows[rows])


def test_cues_that_last_until_the_next_can_be_named_in_a_file(bids, settings):
    settings('blocks = ["left", "right"]\nwindow_s = 2.0')
    study = open_study(bids)
    assert (
        study.windows.shape[0] == 3 * 8
    )  # the last cue ends the task, and people are balanced


def test_an_argument_stands_before_the_file_and_the_file_before_what_is_known(
    bids, settings, monkeypatch
):
    monkeypatch.setitem(
        _study.catalogue.RECIPES, "mystudy", Recipe(channels=("Fz",), question="known")
    )
    settings('channels = ["Cz"]\n[budget]\nn_steps = 7')
    recipe = get_recipe(bids)
    assert (recipe.channels, recipe.question) == (("Cz",), "known")
    assert recipe.budget == replace(Budget(), n_steps=7)
    assert _study.get_budget(bids, 22).n_steps == 7
    assert open_study(bids).ch_names == ("Cz",)
    assert open_study(bids, recipe=Recipe(channels=("Pz",))).ch_names == ("Pz",)
    found = find_study(bids, recipe=Recipe(channels=("Pz",)))
    assert found.open(channels="Oz").ch_names == ("Oz",)
    monkeypatch.setenv("EEG_TUTORIAL_TARGET", "age")
    assert get_recipe(bids).subject_target == "age"


def test_simulated_studies_ignore_the_file(cache, settings, monkeypatch):
    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(cache))
    plain = get_recipe("simulated-transfer")
    settings("window_s = -1")  # not even looked at
    assert get_recipe("simulated-transfer") == get_recipe("simulated-transfer-3") == plain
    study = open_study("simulated-transfer", subjects=["01"])
    assert study.windows.shape[1:] == (8, 256)
    shorter = open_study(
        "simulated-transfer", subjects=["01"], recipe=replace(plain, window_s=1.0)
    )
    assert shorter.windows.shape[1:] == (8, 128)


def test_a_null_keeps_the_settings_that_were_passed(tmp_path, monkeypatch):
    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path))
    recipe = replace(get_recipe("simulated-person"), window_s=1.0)
    found = find_study("simulated-person", recipe=recipe)
    null = found.without_effect()
    assert (null.recipe, null.effect) == (found.recipe, 0.0)
    assert null.open(["01"]).windows.shape[2] == found.open(["01"]).windows.shape[2] == 64


def test_windows_that_were_kept_notice_a_change_of_the_file(bids, settings):
    settings("window_s = 1.0")
    before = _scale.files.made_with(bids, "01", {})
    settings("window_s = 2.0")
    after = _scale.files.made_with(bids, "01", {})
    assert [key for key in before if before[key] != after[key]] == ["recipe"]
    assert before["recipe"] == {**after["recipe"], "window_s": 1.0}


def test_a_worker_uses_the_settings_of_the_job_not_of_its_own_environment(
    bids, settings, tmp_path, monkeypatch
):
    settings("window_s = 1.0")
    index = _study.find_study(bids)
    sent = pickle.loads(pickle.dumps({"recipe": index.recipe}))
    monkeypatch.delenv("EEG_TUTORIAL_RECIPE")
    _scale.files.save_person(bids, "01", index.records["01"], tmp_path, sent)
    assert _scale.files.WindowFiles(tmp_path, ["01"]).files[0].shape[2] == 128
    again = _scale.files.save_person(bids, "01", index.records["01"], tmp_path, {})
    assert again["again"].startswith("recipe changed")


def test_a_rate_that_only_recordings_tell_is_looked_at_when_it_is_known(bids, settings):
    settings("sfreq = false\nh_freq = 200")
    with pytest.raises(StudyError, match="h_freq is 200 Hz and sfreq is 128 Hz"):
        _study.open_study(bids)


def test_the_folder_one_stands_in_has_its_name(bids, monkeypatch):
    monkeypatch.setitem(_study.catalogue.RECIPES, bids.name, Recipe(window_s=1.0))
    monkeypatch.chdir(bids)
    assert _study.get_recipe(".").window_s == _study.get_recipe(bids).window_s == 1.0


def test_every_field_of_a_recipe_can_be_set():
    names = {each.name for each in fields(Recipe)}
    assert {*_study.settings.SETTINGS, "budget"} == names
    assert list(_study.settings.BUDGET_SETTINGS) == [each.name for each in fields(Budget)]


def test_what_is_known_of_studies_passes_the_same_checks():
    for recipe in _study.catalogue.RECIPES.values():
        assert _study.settings.check_recipe(recipe) == recipe
    bare = Recipe(classes=["a", "b"], channels="Cz", l_freq=False)
    checked = _study.settings.check_recipe(bare)
    assert checked == Recipe(classes=("a", "b"), channels=("Cz",), l_freq=None)
    assert json.loads(json.dumps(asdict(checked)))["budget"]["n_steps"] == 60


NAMES = "names of channels, each once, or false"
BAD = [
    ("window = 2.0", "'window' is no setting. Write window_s, if that is what you mean"),
    ("zebra = 1", "'zebra' is no setting. Remove it, or write one of task, classes, "),
    ("n_steps = 9", "'n_steps' is no setting. Write it below a line \\[budget\\]"),
    (
        "[budget]\nsfreq = 1.0",
        "\\[budget\\]: 'sfreq' is no setting. Write it above the line",
    ),
    ("[budget]\nsteps = 1", "\\[budget\\]: 'steps' is no setting. Write n_steps, if"),
    ("channels = []", f"channels is \\[\\]. Write {NAMES}"),
    ('channels = ["Fz", "Fz"]', f"channels is \\['Fz', 'Fz'\\]. Write {NAMES}"),
    ("channels = 3", f"channels is 3. Write {NAMES}"),
    ('channels = ["Fz", 3]', f"channels is \\['Fz', 3\\]. Write {NAMES}"),
    ('channels = [["Fz"], ["Fz"]]', f"channels is .*. Write {NAMES}"),
    ('classes = ""', "classes is ''. Write names of events, each once"),
    ("task = true", "task is True. Write names of BIDS tasks"),
    ('blocks = ["a", "a"]', "blocks is .*. Write names of cues, each once"),
    ("window_s = 0", "window_s is 0. Write a length in seconds, 0.001 or more"),
    ("window_s = -2.0", "window_s is -2.0. Write a length in seconds, 0.001 or more"),
    ("window_s = nan", "window_s is nan. Write a length"),
    ("window_s = inf", "window_s is inf. Write a length"),
    ("window_s = false", "window_s is False. Write a length"),
    ('window_s = "2 s"', "window_s is '2 s'. Write a length"),
    (
        "window_s = 0.001",
        "window_s is 0.001 s, less than a sample at 128 Hz. Write a longer",
    ),
    (f"window_s = 1{'0' * 400}", "window_s is 10+[.]{3}. Write a length"),
    (f"n_source = 1{'0' * 5000}", "is not TOML .*digits"),
    (f"n_source = 0x{'f' * 5000}", "n_source is a number of thousands of digits. Write"),
    ("sfreq = 1e7", "sfreq is 10000000.0. Write a rate from 1 to 20,000 Hz"),
    ("l_freq = 1e-6", "l_freq is 1e-06. Write a frequency of 0.01 Hz or more"),
    ("h_freq = 63.9", "h_freq is 63.9 Hz and sfreq is 128 Hz. Write an h_freq below half"),
    ("sfreq = 0", "sfreq is 0. Write a rate from 1 to 20,000 Hz, or false"),
    ("sfreq = true", "sfreq is True. Write a rate from 1 to 20,000 Hz"),
    (
        'reference = "Cz"',
        "reference is 'Cz'. Write 'average', or names of channels in brackets, or false",
    ),
    ("l_freq = -1", "l_freq is -1. Write a frequency of 0.01 Hz or more, or false"),
    ("l_freq = 40", "l_freq is 40 Hz and h_freq is 40 Hz. Write an l_freq that is smaller"),
    ("h_freq = 64", "h_freq is 64 Hz and sfreq is 128 Hz. Write an h_freq below half"),
    (
        "sfreq = 64.0",
        "h_freq is 40 Hz and sfreq is 64 Hz. Write an h_freq .* below 31.68 Hz",
    ),
    ("h_freq = false\nl_freq = 70", "l_freq is 70 Hz and sfreq is 128 Hz. Write an l_freq"),
    ('balance = "yes"', "balance is 'yes'. Write true or false"),
    ("n_source = 2.5", "n_source is 2.5. Write a whole number of people"),
    ("n_hold_out = 1.5", "n_hold_out is 1.5. Write a whole number of people, or a share"),
    ("subject_target = 7", "subject_target is 7. Write the name of a column"),
    ("question = 7", "question is 7. Write a text in quotation marks"),
    ("credit = [1]", "credit is \\[1\\]. Write a text in quotation marks"),
    ("megabytes = 0", "megabytes is 0. Write a size in MB above 0"),
    ("budget = 3", "budget is 3. Write a line \\[budget\\]"),
    (
        "[budget]\nn_steps = -5",
        "\\[budget\\]: n_steps is -5. Write a whole number of steps",
    ),
    (
        "[budget]\nn_test = 1.0",
        "\\[budget\\]: n_test is 1.0. Write a whole number of people",
    ),
    ("[budget]\nn_labelled_curve = [1, 1]", "n_labelled_curve is .*. Write whole numbers"),
    ("[budget]\nn_labelled_curve = [1, 0]", "n_labelled_curve is .*. Write whole numbers"),
    ("window_s 2", "is not TOML .*line 1.*Correct that line: write key = value"),
    ("window_s = 2\nwindow_s = 3", "is not TOML .*Cannot overwrite"),
    (b"question = '\xff'", "is not UTF-8 .*which TOML asks for. Save it as UTF-8"),
    (b"question = '\x00'", "is no text: it holds NUL bytes"),
]


@pytest.mark.parametrize(("text", "message"), BAD, ids=[str(text)[:40] for text, _ in BAD])
def test_a_bad_file_is_refused_by_name_before_anything_is_read(
    bids, settings, monkeypatch, text, message
):
    monkeypatch.setattr(
        _study.index, "read_participants", lambda *a: pytest.fail("too late")
    )
    path = settings(text)
    before = snapshot(bids)
    with pytest.raises(StudyError, match=f"my_study[.]toml.*{message}") as caught:
        open_study(bids)
    assert str(path) in str(caught.value)
    assert snapshot(bids) == before


@pytest.mark.parametrize("name", ["no/such.toml", ".", "x" * 500, "~nobody-at-all/x.toml"])
def test_a_file_that_is_not_there(bids, monkeypatch, name):
    monkeypatch.setenv("EEG_TUTORIAL_RECIPE", name)
    with pytest.raises(
        StudyError, match="EEG_TUTORIAL_RECIPE is .*no such file: set it to the path"
    ):
        find_study(bids)


def test_a_file_with_a_mark_in_front_and_lines_of_windows(bids, settings):
    settings(b"\xef\xbb\xbfwindow_s = 1.0\r\nquestion = 'which?'\r\n")
    assert (get_recipe(bids).window_s, get_recipe(bids).question) == (1.0, "which?")


def test_a_bad_file_is_refused_before_a_download_is_offered(
    tmp_path, settings, monkeypatch
):
    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("EEG_TUTORIAL_DOWNLOAD", raising=False)
    settings("window_s = -1")
    with pytest.raises(StudyError, match="window_s is -1"):
        find_study("nm000109")


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ({"window_s": 1.0}, "is no recipe: pass Recipe"),
        (Recipe(budget={"n_steps": 3}), "is no recipe: pass Recipe"),
        (Recipe(window_s=0), "recipe=: window_s is 0. Write a length"),
        (Recipe(channels=()), "recipe=: channels is \\(\\). Write names of channels"),
        (Recipe(classes=("a", "a")), "recipe=: classes is .*each once"),
        (Recipe(l_freq=50.0), "recipe=: l_freq is 50 Hz and h_freq is 40 Hz"),
        (Recipe(h_freq=70.0), "recipe=: h_freq is 70 Hz and sfreq is 128 Hz"),
        (Recipe(budget=Budget(n_steps=-1)), "recipe=, \\[budget\\]: n_steps is -1"),
    ],
)
def test_a_bad_argument_is_refused_before_a_study_is_looked_for(recipe, message):
    with pytest.raises(StudyError, match=message):
        find_study("no study has this name", recipe=recipe)
    with pytest.raises(StudyError, match=message):
        find_study("nm000109", recipe=recipe)


def test_tasks_of_a_recipe_are_those_that_are_opened(tmp_path):
    root = write_bids(tmp_path / "two", task="one")
    shutil.copytree(write_bids(tmp_path / "other", task="other"), root, dirs_exist_ok=True)
    study = open_study(root, recipe=Recipe(task=("other",)))
    assert set(study.metadata["task"]) == {"other"}
    both = find_study(root, task=("one", "other"), recipe=Recipe(task=("other",)))
    assert both.recipe.task == ("one", "other")
