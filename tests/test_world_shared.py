"""What all people of a study share is decided once: two sides of a split are the study, or refused."""

from dataclasses import replace

import numpy as np
import pytest

import tidy
from _study import StudyError, find_study, open_study

HALVES = (tidy.PEOPLE[:3], tidy.PEOPLE[3:])


def exchange_channels(root, subject):
    """Write a recording with its channels in another order, each under its right name."""
    at = tidy.stem(root, subject)
    order = [4, 5, 0, 1, 2, 3, 7, 6]
    names = [tidy.NAMES[i] for i in order]
    tidy.write_edf(
        tidy.beside(at, "eeg.edf"), tidy.signal(subject, tidy.trials())[order], names
    )
    tidy.write_channels(tidy.beside(at, "channels.tsv"), names)


@pytest.mark.parametrize("subject", ["01", "04", "06"])
def test_both_sides_of_a_split_have_one_order_of_channels(tmp_path, subject):
    root = tidy.write_study(tmp_path / "small")
    exchange_channels(root, subject)
    index = find_study(root)
    assert index.recipe.channels == index.recipe.reference == tidy.NAMES
    whole = index.open()
    halves = [index.open(half) for half in HALVES]
    assert {half.ch_names for half in halves} == {tidy.NAMES}
    both = np.concatenate([half.windows for half in halves])
    np.testing.assert_array_equal(both, whole.windows)
    assert tidy.share_on_right_side(whole) == 1.0


@pytest.mark.parametrize("subject", ["01", "05"])
def test_a_person_with_fewer_channels_costs_them_everybody_and_is_named(
    tmp_path, subject, capsys
):
    root = tidy.write_study(tmp_path / "small")
    tidy.write_recording(root, subject, names=("Fz", "Cz", "C3", "C4"))
    study = open_study(root)
    assert study.ch_names == ("Fz", "Cz", "C3", "C4")
    assert study.windows.shape[0] == 84
    said = (
        f"Pz, Oz, P3, P4 left out for everybody: absent in sub-{subject}_task-motor_eeg.edf"
    )
    assert said in capsys.readouterr().out
    np.testing.assert_allclose(study.windows.sum(axis=1), 0, atol=1e-3)
    assert tidy.share_on_right_side(study) == 1.0


def test_who_lacks_most_channels_has_no_vote_and_is_refused_by_name(tmp_path):
    root = tidy.write_study(tmp_path / "small")
    tidy.write_recording(root, "01", names=("C3", "C4", "Oz"))
    index = find_study(root)
    assert index.open(tidy.PEOPLE[1:]).ch_names == tidy.NAMES
    with pytest.raises(StudyError, match="sub-01_task-motor_eeg.edf has no channel"):
        index.open()


def test_what_is_left_out_for_everybody_is_no_part_of_the_reference(tmp_path):
    names = (*tidy.NAMES[:-1], "Q9")  # without a place, so that it cannot be interpolated
    root = tidy.write_study(tmp_path / "small", names=names)
    table = tidy.beside(tidy.stem(root, "05"), "channels.tsv")
    tidy.write_channels(table, names, status={"Q9": "bad"})
    for half in HALVES:
        study = find_study(root).open(half)
        assert study.ch_names == tidy.NAMES[:-1]
        np.testing.assert_allclose(study.windows.sum(axis=1), 0, atol=1e-3)


def test_the_rate_is_that_of_most_recordings(tmp_path):
    root = tidy.write_study(tmp_path / "small")
    tidy.write_recording(root, "01", sfreq=200.0)
    recipe = find_study(root).recipe
    assert recipe.sfreq == 128.0
    assert find_study(root, recipe=replace(recipe, sfreq=None)).recipe.sfreq == 256.0


def test_a_signal_that_two_people_share_is_found_in_two_openings(tmp_path):
    root = tidy.write_study(tmp_path / "small")
    at = tidy.stem(root, "05")
    tidy.write_edf(tidy.beside(at, "eeg.edf"), 1.3 * tidy.signal("01", tidy.trials()))
    index = find_study(root)
    index.open(HALVES[0])
    for _ in range(2):
        with pytest.raises(
            StudyError, match="sub-01_.* and sub-05_.* hold the same signal|same signal"
        ):
            index.open(HALVES[1])
    index.open(["04", "06"])
    tidy.write_recording(root, "05")
    find_study(root).open(HALVES[1])


def test_all_culprits_of_one_kind_are_in_one_message(tmp_path):
    root = tidy.write_study(tmp_path / "small")
    for subject in ("02", "03", "06"):
        table = tidy.beside(tidy.stem(root, subject), "channels.tsv")
        tidy.write_channels(table, types={"Cz": "ELECTRODE"})
    with pytest.raises(StudyError) as caught:
        open_study(root)
    message = str(caught.value)
    assert "'ELECTRODE' in row 3" in message
    assert (
        "The same goes for 2 more: sub-03_task-motor_eeg.edf, sub-06_task-motor_eeg.edf"
        in message
    )


def test_a_person_far_larger_than_others_is_found_in_two_openings(tmp_path, capsys):
    root = tidy.write_study(tmp_path / "small")
    at = tidy.stem(root, "05")
    tidy.write_edf(tidy.beside(at, "eeg.edf"), 8 * tidy.signal("05", tidy.trials()))
    index = find_study(root)
    for half in HALVES[0], ("05",):
        capsys.readouterr()
        index.open(half)
    assert "sub-05" in capsys.readouterr().out


def test_a_channel_that_is_asked_for_has_one_type(tmp_path):
    root = tidy.write_study(tmp_path / "small")
    table = tidy.beside(tidy.stem(root, "04"), "channels.tsv")
    tidy.write_channels(table, types={"Oz": "EOG"})
    with pytest.raises(
        StudyError, match="Oz is EEG in .* and EOG in sub-04_task-motor_eeg.edf: correct"
    ):
        open_study(root, channels=("Oz", "C3", "C4", "Fz"))
