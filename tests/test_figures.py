"""The figure module draws what it is given, legibly, and adds nothing."""

import itertools
import re

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from _adapt_figure import draw_frozen_figure, draw_labels_figure, draw_rows_figure
from _figure_style import REGIMES
from _finetune_figure import draw_finetune_figure, draw_regimes_figure
from _helpers.figures import save
from _helpers.panels import stack_panels
from _invariant_figure import draw_invariant_figure
from _leakage_figure import draw_leakage_scatter
from _pfactor_deep_figure import draw_pfactor_deep_figure
from _pfactor_features_figure import draw_prediction_figure
from _preprocess_figure import draw_preprocess_figure
from _rhythm_figure import draw_rhythm_figure
from _scale_figure import draw_scale_figure
from _transfer_figure import draw_transfer_figure

TRAINABLE = {"from-scratch": 14802, "linear-probe": 882, "full-finetune": 14802}
WORDS = {
    "title": "A title",
    "subtitle": "a context",
    "provenance": "data: simulated",
    "alt": "Words.",
}


@pytest.fixture
def results():
    rng = np.random.default_rng(0)
    epochs = np.arange(1, 11) * 5.0
    drawn = {}
    for regime in TRAINABLE:
        points = rng.uniform(0.5, 0.9, 16)
        mean = points.mean()
        ends = (mean - 0.05, mean + 0.04)
        drawn[regime] = (epochs, rng.uniform(0.5, 0.9, (3, 10)), points, mean, ends)
    return drawn


@pytest.fixture
def figure(results):
    with mpl.rc_context():
        yield draw_finetune_figure(results, trainable=TRAINABLE, chance=0.5, **WORDS)
    plt.close("all")


def test_three_panels_with_the_given_numbers(figure, results):
    left, middle, right = figure.axes
    drawn = [line.get_ydata() for line in left.lines if len(line.get_ydata()) == 10]
    np.testing.assert_array_equal(drawn, np.concatenate([r[1] for r in results.values()]))
    dots = [c.get_offsets()[:, 1] for c in middle.collections if len(c.get_offsets()) == 16]
    assert len(dots) == 3
    for places, (_, _, points, *_) in zip(dots, results.values(), strict=True):
        # People in their own order: sorted, they would look like a trend.
        np.testing.assert_array_equal(places, points)
    for ax in (middle, right):
        tops = [bar.get_segments()[0][:, 1] for box in ax.containers for bar in box[2]]
        np.testing.assert_allclose(tops, [ends for *_, ends in results.values()])
    assert all(
        any(np.allclose(line.get_ydata(), 0.5) for line in ax.lines) for ax in figure.axes
    )


def test_words_on_the_figure_and_beside_it(figure):
    texts = [text.get_text() for text in figure.texts]
    assert {"A title", "a context", "data: simulated"} <= set(texts)
    assert any("95 % interval over people" in text for text in texts)
    assert figure.get_label() == "Words."


def ticks_out_of_sight(figure):
    """Labels of ticks beyond the ends of their axis: they exist, and are not drawn."""
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            low, high = sorted(axis.get_view_interval())
            for tick in axis.get_major_ticks():
                if not low - 1e-9 <= tick.get_loc() <= high + 1e-9:
                    yield tick.label1


def check_words(figure):
    figure.canvas.draw()
    unseen = set(ticks_out_of_sight(figure))
    width, height = figure.canvas.get_width_height()
    words = [
        text
        for text in figure.findobj(mpl.text.Text)
        if text.get_visible() and text.get_text().strip() and text not in unseen
    ]
    boxes = []
    for text in words:
        box = text.get_window_extent()
        if box.width < 1:
            continue
        assert text.get_fontsize() >= 8, text.get_text()
        assert box.x0 >= 0, text.get_text()
        assert box.y0 >= 0, text.get_text()
        assert box.x1 <= width, text.get_text()
        assert box.y1 <= height, text.get_text()
        boxes.append((text.get_text(), box))
    for i, (one, a) in enumerate(boxes):
        for other, b in boxes[i + 1 :]:
            over = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
            assert min(over) <= 1, f"{one!r} and {other!r} overlap"


def test_panels_stack_and_keep_their_words(figure, results):
    panels, width = list(figure.axes), figure.get_figwidth()
    texts = {t.get_text() for ax in panels for t in ax.findobj(mpl.text.Text)}
    stack_panels(figure)
    check_words(figure)
    assert figure.get_figwidth() < width / 2
    boxes = [ax.get_position() for ax in panels]
    for above, below in itertools.pairwise(boxes):
        assert above.y0 > below.y1
    assert {"A  While learning", "validation accuracy"} <= texts
    assert figure.axes == panels


def test_labels_of_a_row_stand_beside_every_panel_below_each_other():
    true, predicted = np.random.default_rng(0).standard_normal((2, 40))
    scores = {"pearson_r": 0.5, "r_ci": [0.2, 0.7]}
    with mpl.rc_context():
        fig = draw_prediction_figure(
            {name: (true, predicted, scores, 0.1) for name in ("One", "Two")}, **WORDS
        )
        stack_panels(fig)
        check_words(fig)
        left, right = fig.axes
        assert right.get_ylabel() == left.get_ylabel() != ""
        assert [t.get_visible() for t in right.get_yticklabels()].count(True) > 2
    plt.close(fig)


def test_an_svg_changes_its_colours_on_a_dark_page(figure, tmp_path):
    words = save(figure, tmp_path / "a.svg")
    assert words["narrow"] > words["height"]
    for name in ("a.svg", "a_narrow.svg"):
        text = (tmp_path / name).read_text("utf-8")
        rules = re.search(r"@media \(prefers-color-scheme: dark\)\{(.*?)\}\}", text)[1]
        # Every colour that is drawn has a dark one, but for the orange of the rail and the grid.
        drawn = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", text.replace(rules, "")))
        assert {c for c in drawn if c not in rules} <= {"#f7941d", "#7a8ca0"}


def test_no_word_is_small_clipped_or_on_top_of_another(figure):
    check_words(figure)


def test_frozen_figure_draws_both_probes_legibly():
    epochs, rng = np.arange(1, 11) * 5.0, np.random.default_rng(0)
    naive = epochs, rng.uniform(0.6, 0.9, (3, 10)), rng.uniform(0.5, 0.8, (3, 10))
    frozen = epochs, np.ones((3, 10)), rng.uniform(0.5, 0.8, (3, 10))
    with mpl.rc_context():
        figure = draw_frozen_figure(naive, frozen, **WORDS)
        check_words(figure)
    for ax, row in zip(figure.axes, (1, 2), strict=True):
        drawn = [line.get_ydata() for line in ax.lines]
        np.testing.assert_array_equal(drawn, np.concatenate([naive[row], frozen[row]]))
    plt.close(figure)


def test_labels_figure_draws_every_regime_legibly():
    n = np.array([1, 2, 4, 8, 16])
    mean = np.linspace(0.55, 0.8, 5)
    curves = {
        regime: np.stack([n, mean + k, mean + k - 0.05, mean + k + 0.05])
        for regime, k in {
            "from-scratch": -0.1,
            "linear-probe": 0,
            "full-finetune": 0.1,
        }.items()
    }
    with mpl.rc_context():
        figure = draw_labels_figure(curves, chance=0.5, **WORDS)
        check_words(figure)
    (ax,) = figure.axes
    drawn = [box.lines[0].get_ydata() for box in ax.containers]
    np.testing.assert_allclose(drawn, [curve[1] for curve in curves.values()])
    plt.close(figure)


def test_rows_figure_draws_people_in_their_own_order_legibly():
    rng = np.random.default_rng(0)
    rows = {
        name: (rng.uniform(-0.2, 0.3, 16), 0.05, (-0.1, 0.2))
        for name in ("minus from-scratch", "a long name\n14,802 learn", "c")
    }
    with mpl.rc_context():
        figure = draw_rows_figure(rows, zero=0, xlabel="difference in accuracy", **WORDS)
        check_words(figure)
    (ax,) = figure.axes
    dots = [c.get_offsets()[:, 0] for c in ax.collections if len(c.get_offsets()) == 16]
    for places, (values, *_) in zip(dots, rows.values(), strict=True):
        np.testing.assert_array_equal(places, values)
    plt.close(figure)


def test_the_drawing_of_the_regimes_says_what_learns():
    learns = {"from-scratch": ("",), "linear-probe": ("head",), "full-finetune": ("",)}
    with mpl.rc_context():
        figure = draw_regimes_figure(learns)
        check_words(figure)
    texts = [[t.get_text() for t in ax.texts] for ax in figure.axes]
    assert ["pretrained start, frozen" in panel for panel in texts] == [False, True, False]
    assert "linear-probe: pretrained encoder that is frozen" in figure.get_label()
    plt.close(figure)


def test_regimes_differ_in_colour_marker_and_grey():
    colours = [mpl.colors.to_rgb(colour) for colour, _ in REGIMES.values()]
    assert (
        len(set(colours)) == len({marker for _, marker in REGIMES.values()}) == len(REGIMES)
    )
    grey = sorted(np.dot(c, (0.299, 0.587, 0.114)) for c in colours)
    assert np.diff(grey).min() > 0.02


def test_same_numbers_same_bytes(results, tmp_path):
    files = []
    for name in ("one", "two"):
        figure = draw_finetune_figure(results, trainable=TRAINABLE, chance=0.5, **WORDS)
        path = tmp_path / f"{name}.svg"
        with mpl.rc_context({"svg.hashsalt": "x"}):
            figure.savefig(path, metadata={"Date": None})
        files.append(path.read_bytes())
        plt.close(figure)
    assert files[0] == files[1]


@pytest.fixture
def person_figures():
    rng = np.random.default_rng(0)
    true, predicted = rng.standard_normal((2, 40))
    scores = {"pearson_r": 0.5, "r_ci": [0.2, 0.7]}
    with mpl.rc_context():
        yield (
            {
                "prediction": draw_prediction_figure(
                    {
                        "One": (true, predicted, scores, 0.1),
                        "Two": (true, -predicted, scores, 0.2),
                    },
                    **WORDS,
                ),
                "deep": draw_pfactor_deep_figure(
                    {"One": (true, predicted, scores), "Two": (true, -predicted, scores)},
                    {"ridge": (0.5, (0.4, 0.6)), "ridge, null": (1.0, (0.9, 1.1))},
                    baselines=(0.1, 0.2),
                    **WORDS,
                ),
                "rhythm": draw_rhythm_figure(
                    {
                        k: rng.standard_normal((8, 101))
                        for k in ("trained", "null", "blank")
                    },
                    {
                        k: {"a": [0.5, 0.6], "b": [0.4], "c": [0.3]}
                        for k in ("time", "frequency")
                    },
                    freqs=np.arange(101) / 2,
                    ch_names=[f"E{i}" for i in range(8)],
                    **WORDS,
                ),
            },
            true,
            predicted,
        )
    plt.close("all")


def test_person_figures_draw_what_they_are_given(person_figures):
    figures, true, predicted = person_figures
    for name in ("prediction", "deep"):
        for sign, ax, own_mean in zip(
            (1, -1), figures[name].axes, (0.1, 0.2), strict=False
        ):
            (dots,) = ax.collections
            np.testing.assert_allclose(dots.get_offsets(), np.c_[true, sign * predicted])
            assert any("r = +0.50 [+0.20, +0.70]" in t.get_text() for t in ax.texts)
            assert any(np.allclose(line.get_ydata(), own_mean) for line in ax.lines)
    assert {"0.50", "1.00"} <= {t.get_text() for t in figures["deep"].axes[2].texts}
    images = [ax.images[0] for ax in figures["rhythm"].axes[:3]]
    assert all(np.abs(image.get_array()).max() <= 1 for image in images)


@pytest.mark.parametrize("name", ["prediction", "deep", "rhythm"])
def test_person_figures_are_legible_and_say_where_they_are_from(person_figures, name):
    figure = person_figures[0][name]
    assert figure.get_label() == "Words."
    assert {"A title", "a context", "data: simulated"} <= {
        t.get_text() for t in figure.texts
    }
    figure.canvas.draw()
    texts = [
        t for t in figure.findobj(mpl.text.Text) if t.get_text().strip() and t.get_visible()
    ]
    assert min(t.get_fontsize() for t in texts) >= 8
    edge = figure.bbox
    for text in texts:
        box = text.get_window_extent()
        if box.width and any(t is text for t in figure.texts):
            assert edge.x0 <= box.x0 <= box.x1 <= edge.x1, text.get_text()


@pytest.fixture
def road_figures():
    rng = np.random.default_rng(0)
    methods = ("none", "window", "person")
    times = np.arange(5000)
    with mpl.rc_context():
        yield {
            "transfer": draw_transfer_figure(
                {
                    r: np.array([[[0.1, 0.05, 0.2], [-0.2, -0.3, 0.1]]])
                    for r in ("probe", "full")
                },
                sources=["rest"],
                targets=["side", "flicker"],
                **WORDS,
            ),
            "invariant": draw_invariant_figure(
                *(
                    {name: (rng.uniform(0.4, 0.9, n), 0.6, (0.5, 0.7)) for name in methods}
                    for n in (18, 18, 36)
                ),
                (rng.normal(0, 0.03, 100), 0.75),
                chance=0.03,
                **WORDS,
            ),
            "preprocess": draw_preprocess_figure(
                {
                    k: 1e-5 * np.sin(times / 9) * np.ones((2, 1))
                    for k in ("recorded", "average")
                },
                {"pick before reference": 0.3, "pick last": 0.0},
                {k: (np.arange(1, 80.0), np.ones(79)) for k in ("before", "after")},
                (np.arange(101) / 2, np.ones((2, 101))),
                500.0,
                **WORDS,
            ),
            "leakage": draw_leakage_scatter(
                {
                    k: (*rng.standard_normal((2, 50)), "r = 0.50")
                    for k in ("shuffled", "whole")
                },
                **WORDS,
            ),
        }
    plt.close("all")


@pytest.mark.parametrize("name", ["transfer", "invariant", "preprocess", "leakage"])
def test_figures_of_the_road_there(road_figures, name):
    figure = road_figures[name]
    assert figure.get_label() == "Words."
    assert {"A title", "a context", "data: simulated"} <= {
        t.get_text() for t in figure.texts
    }
    figure.canvas.draw()
    texts = [t for t in figure.findobj(mpl.text.Text) if t.get_text().strip()]
    assert min(t.get_fontsize() for t in texts if t.get_visible()) >= 8


def test_a_dot_marks_what_is_clear(road_figures):
    texts = [t.get_text() for t in road_figures["transfer"].axes[0].texts]
    assert texts == ["+0.10 \u2022", "\N{MINUS SIGN}0.20"]


def test_scale_figure_shows_the_counts_of_each_pass_and_each_training():
    passes = {
        "first": {"done": 2, "skipped": 0, "failed": 1},
        "second": {"done": 1, "skipped": 1, "failed": 1},
    }
    regimes = "from-scratch", "full-finetune"
    cells = {regime: np.array([[0.6, 0.7], [0.8, 0.9]]) for regime in regimes}
    means = {
        "accuracy": dict.fromkeys(regimes, 0.75),
        "accuracy_ci": dict.fromkeys(regimes, (0.7, 0.8)),
    }
    words = {"title": "A title", "subtitle": "a context", "provenance": "data: simulated"}
    fig = draw_scale_figure(passes, cells, means, chance=0.5, alt="Words.", **words)
    top, bottom = fig.axes
    assert [bar.get_width() for bar in top.patches] == [2, 0, 1, 1, 1, 1]
    texts = [text.get_text() for text in top.texts]
    assert "2 done, 1 failed" in texts
    assert "1 done, 1 skipped, 1 failed" in texts
    heights = [xy[1] for c in bottom.collections for xy in c.get_offsets()]
    assert sum(np.isclose(heights, 0.9)) == 2
    assert [t.get_text() for t in bottom.get_xticklabels()] == list(cells)
    assert fig.get_label() == "Words."
    plt.close(fig)
