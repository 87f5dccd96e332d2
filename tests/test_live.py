"""Numbers, figures and times on hand-written pages come from the tutorials, or the build stops."""

import json
import re
import subprocess
import sys

import pytest
from sphinx.errors import ExtensionError

from _helpers.live import citations, look_up
from _helpers.pages import ROOT, tutorials

LINE = (
    '{"tutorial": "plot_99", "score": 0.5, "n": 7, "ci": [-0.25, 0.75], "by": {"a b": 1.5}}'
)
PAGE = f"""
.. _one:

A question
==========

Words.

You need: :doc:`something </auto_examples/plot_98_before>`, patience.

.. container:: figure-scroll

   .. image:: /auto_examples/images/sphx_glr_plot_99_it_001.svg
      :alt: A figure of dots.
      :width: 100px

 .. code-block:: none

    {LINE}
"""
OTHER = "Before\n======\n\nWords :cite:p:`somebody2020, other2021`.\n"
INDEX = """Title
=====

A score of :value:`plot_99.score`, from :value:`plot_99.ci.0|+.1f`, of :value:`plot_99.n` people.

.. reading-order::

.. tutorial-figure:: plot_99 1
"""


@pytest.fixture
def site(tmp_path):
    pages = tmp_path / "auto_examples"
    (pages / "images").mkdir(parents=True)
    (pages / "plot_99_it.rst").write_text(PAGE)
    (pages / "plot_98_before.rst").write_text("Before\n======\n\nWords.\n")
    for name, seconds in (("plot_98_before", 3.4), ("plot_99_it", 12.2)):
        word = name[: len("plot_99")]
        record = {"contract": {"tutorial": word}, "seconds": seconds}
        folder = tmp_path / ("reference" if word == "plot_98" else "_build/runs")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{word}.json").write_text(json.dumps(record))
    (pages / "images" / "sphx_glr_plot_99_it_001.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"/>'
    )
    (tmp_path / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nextensions = ['_helpers.live']\n"
    )
    (tmp_path / "index.rst").write_text(INDEX)
    return tmp_path


def build(site):
    # Pages outside a toctree warn, so warnings are let pass: an error still ends the build.
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-b",
        "html",
        str(site),
        str(site / "out"),
    ]
    return subprocess.run(command, capture_output=True, text=True)


def words(site):
    return re.sub(r"<[^>]+>", "", (site / "out" / "index.html").read_text())


def test_numbers_follow_the_contract(site):
    assert build(site).returncode == 0
    assert "A score of 0.50, from \u22120.2, of 7 people." in words(site)
    page = site / "auto_examples" / "plot_99_it.rst"
    page.write_text(PAGE.replace('"score": 0.5', '"score": 0.8125'))
    assert build(site).returncode == 0
    assert "A score of 0.81," in words(site)


def test_order_times_and_figures(site):
    assert build(site).returncode == 0
    text = " ".join(words(site).split())
    assert "Before nothing 3 A question Before 12" in text
    html = (site / "out" / "index.html").read_text()
    assert 'alt="A figure of dots."' in html
    assert "Made by" in text


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("plot_99.wrong", r"plot_99.wrong: no 'wrong', there is \['by', 'ci', 'n'"),
        ("plot_99.ci", "is not one value but .*add a key"),
        ("plot_99.ci.2", "no '2'"),
        ("plot_99.ci.low", "no 'low'"),
        ("plot_99.n.0", "no '0'"),
        ("plot_97.n", "there is no tutorial 'plot_97'"),
        ("plot_98.n", "plot_98_before.rst shows no contract"),
    ],
)
def test_what_is_not_there_stops_the_build(site, name, message):
    with pytest.raises(ExtensionError, match=message):
        look_up(site, name)
    (site / "index.rst").write_text(f"Title\n=====\n\n:value:`{name}`\n")
    done = build(site)
    assert done.returncode != 0
    assert name.split(".")[0] in done.stderr


def test_keys_may_hold_spaces(site):
    assert look_up(site, "plot_99.by.a b") == 1.5


def test_a_figure_that_is_not_there_stops_the_build(site):
    (site / "index.rst").write_text("Title\n=====\n\n.. tutorial-figure:: plot_99 2\n")
    done = build(site)
    assert done.returncode != 0
    assert "plot_99_it has figures [1], not 2" in done.stderr


def test_who_cites_what(site):
    (site / "auto_examples" / "plot_98_before.rst").write_text(OTHER)
    (site / "index.rst").write_text(f"{INDEX}\n:cite:t:`other2021`\n")
    assert citations(site) == {
        "other2021": ["auto_examples/plot_98_before", "index"],
        "somebody2020": ["auto_examples/plot_98_before"],
    }


def test_every_tutorial_says_what_to_read_before_and_it_is_there():
    names = {script.stem for script in tutorials()}
    for script in tutorials():
        head = script.read_text("utf-8").split('"""')[1]
        assert "\nYou need: " in head, script.name
        before = re.findall(r"</auto_examples/(plot_\w+)>", head.split("You need: ")[1])
        assert set(before) <= names
        assert all(name != script.stem for name in before)
