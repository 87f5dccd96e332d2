"""What a cell prints in columns becomes a table, word for word; everything else stays text."""

import re

import numpy as np
import pytest

from _helpers.pages import DOCS
from _helpers.redraw import redraw, remember, rows_of, write_csv
from _helpers.tables import split_output

OUTPUT = re.compile(r"sphx-glr-script-out\n\n \.\. code-block:: none\n\n((?:    .*\n|\n)+)")


def words(parts):
    found = []
    for kind, *own in parts:
        rows = (
            own[0] if kind == "text" else [" ".join(row) for row in [own[0] or [], *own[1]]]
        )
        found += " ".join(rows).split()
    return found


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("one line", [("text", ["one line"])]),
        (
            "     accuracy        over chance\na    0.6 [0.5, 0.7]  +0.1\nb b  0.7 [0.6, 0.8]  +0.2",
            [
                (
                    "table",
                    ["", "accuracy", "over chance"],
                    [["a", "0.6 [0.5, 0.7]", "+0.1"], ["b b", "0.7 [0.6, 0.8]", "+0.2"]],
                )
            ],
        ),
        (  # as pandas prints: one blank between columns, words end where numbers end
            "       first col second\nx y            1   0.25\nlonger        10  -0.50",
            [
                (
                    "table",
                    ["", "first col", "second"],
                    [["x y", "1", "0.25"], ["longer", "10", "-0.50"]],
                )
            ],
        ),
        (
            "what follows:\na - b  +0.1  p = 0.1\nc - d  -0.1  p = 0.2\nand an end",
            [
                ("text", ["what follows:"]),
                (
                    "table",
                    None,
                    [["a - b", "+0.1", "p = 0.1"], ["c - d", "-0.1", "p = 0.2"]],
                ),
                ("text", ["and an end"]),
            ],
        ),
        (  # a row that does not fit tears the table: all stays text
            "short     1\nmuch longer name 2\nother     3\nfourth    4",
            [
                (
                    "text",
                    ["short     1", "much longer name 2", "other     3", "fourth    4"],
                )
            ],
        ),
        (
            "16 people: the best\n40 people: the best",
            [("text", ["16 people: the best", "40 people: the best"])],
        ),
    ],
)
def test_output_is_parted(text, parts):
    assert split_output(text) == parts


@pytest.mark.parametrize(
    "page", sorted(DOCS.glob("auto_examples/plot_*.rst")), ids=lambda p: p.stem
)
def test_no_word_of_a_page_is_lost_or_moved(page):
    blocks = OUTPUT.findall(page.read_text("utf-8"))
    assert blocks
    for block in blocks:
        text = "\n".join(line[4:] for line in block.rstrip().split("\n"))
        assert words(split_output(text)) == text.split()


def draw_bars_figure(values, *, names, **words):
    import matplotlib.pyplot as plt

    figure, ax = plt.subplots()
    ax.bar(names, values["a"][0])
    figure.given = values, names, words
    return figure


@pytest.fixture
def drawn():
    values = {
        "a": (np.array([1.5, np.nan], "float32"), [1, None, True]),
        3: np.eye(2, dtype=int),
    }
    return remember(draw_bars_figure)(
        values, names=["x, y", "z"], title='A "title"', alt="two\nlines"
    )


def test_what_a_figure_was_given_comes_back(drawn, tmp_path, monkeypatch):
    import sys

    from _helpers import redraw as room

    monkeypatch.setattr(room, "sibling", lambda name: sys.modules[__name__])
    write_csv(tmp_path / "figure.csv", drawn.drawn_by)
    values, names, words = redraw(tmp_path / "figure.csv").given
    assert names == ["x, y", "z"]
    assert words == {"title": 'A "title"', "alt": "two\nlines"}
    assert list(values) == ["a", 3]
    array, plain = values["a"]
    assert array.dtype == np.float32
    np.testing.assert_array_equal(array, [1.5, np.nan])
    assert plain == [1, None, True]
    np.testing.assert_array_equal(values[3], np.eye(2))


def test_a_figure_that_is_given_no_numbers_is_named():
    with pytest.raises(TypeError, match="data of a figure is a object: give it arrays"):
        list(rows_of("data", object()))
