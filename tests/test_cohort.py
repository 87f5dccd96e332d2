"""plot_12: sizes before anything is fetched, its figure, its promise."""

import json

import matplotlib as mpl
import numpy as np
import pytest

import _study
from _cohort_figure import draw_cohort_figure
from _helpers.contracts import ContractError, parse
from _helpers.record import REFERENCE, records

LINE = {
    "tutorial": "plot_12", "version": 1, "data": "simulated", "target": "p_factor",
    "n_people": 77, "n_scored": 76, "n_dropped": 1, "score_mean": 0.0,
    "score_mean_ci": [-0.2, 0.2], "score_sd": 1.0, "mistake": "TypeError",
    "n_download": {"a": 20}, "gigabytes": {"a": 0.3}, "n_asked": 3, "n_opened": 2,
    "n_windows": 24, "n_chans": 8, "same_as_find_study": True,
}  # fmt: skip


def test_the_small_release_is_counted_in_recordings():
    people, all_tasks = _study.download_size("EEG2025r5mini")
    _, one = _study.download_size("EEG2025r5mini", recordings=1)
    assert people == 20
    assert 200 < one < 400 < 3000 < all_tasks
    _, half = _study.download_size("EEG2025r5mini", 10, recordings=1)
    assert half == pytest.approx(one / 2)


def test_the_figure_says_who_is_dropped_and_what_it_costs():
    words = {"title": "A title", "provenance": "data: simulated", "alt": "Words."}
    figure = draw_cohort_figure(
        np.array([9.0, 12.0]), np.array([-1.5, 2.5]), np.array([20.0]), {"a": 2.0}, **words
    )
    people, cost = figure.axes
    assert people.get_yticklabels()[0].get_text() == "none"
    assert [t.get_text() for t in people.texts] == ["dropped: 1"]
    assert [t.get_text() for t in cost.texts] == ["2.0 GB"]
    figure.canvas.draw()
    texts = [t for t in figure.findobj(mpl.text.Text) if t.get_text().strip()]
    assert min(t.get_fontsize() for t in texts if t.get_visible()) >= 8


def test_a_good_line():
    assert parse(json.dumps(LINE)).tutorial == "plot_12"
    assert records(REFERENCE)["plot_12"]["contract"]["n_dropped"] == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_dropped": 2}, "77 people, but 76 with and 2 without"),
        ({"n_opened": 3}, "asked for 3"),
        ({"gigabytes": {"b": 1.0}}, "people of other downloads"),
        ({"same_as_find_study": False}, "do not open the same windows"),
        ({"score_mean": 0.5}, "does not contain 0.5"),
        ({"mistake": "KeyError"}, "mistake"),
    ],
)
def test_each_rule_can_fail(change, message):
    with pytest.raises(ContractError, match=message):
        parse(json.dumps(LINE | change))
