"""Numbers, figures and times on hand-written pages come from what was measured, or the build stops."""

import json
import platform
import re

import pytest
from sphinx.errors import ExtensionError

from _helpers import record, show
from _helpers.figures import save
from _helpers.filters import escaped
from _helpers.pages import DOCS, ROOT, tutorials
from _helpers.show import context, environment, look_up
from _helpers.site import citations
from tools import run_sphinx

LINE = {
    "tutorial": "plot_99",
    "score": 0.5,
    "n": 7,
    "ci": [-0.25, 0.75],
    "by": {"a b": 1.5},
}
FIGURE = {
    "file": "auto_examples/images/sphx_glr_plot_99_it_001.svg",
    "alt": "A figure of dots.",
    "width": 100,
    "height": 50,
}
PAGE = """
.. _one:

A question
==========

Words, and code with {{ braces }} and {% percent %}.

You need: :doc:`something </auto_examples/plot_98_before>`, patience.

More words.
"""
OTHER = "Before\n======\n\nWords :cite:p:`somebody2020, other2021`.\n"
INDEX = """Title
=====

A score of :value:`plot_99.score`, from :value:`plot_99.ci.0|+.1f`, of :value:`plot_99.n` people.

.. cards::

.. tutorial-figure:: plot_99 1
"""
SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


def give(site, **changes):
    """What plot_99 gave: figures and contract."""
    found = {"figures": [FIGURE], "contract": LINE | changes}
    (site / "auto_examples" / "plot_99_it.json").write_text(json.dumps(found))


@pytest.fixture
def site(tmp_path):
    pages = tmp_path / "auto_examples"
    (pages / "images").mkdir(parents=True)
    (pages / "plot_99_it.rst").write_text(PAGE)
    give(tmp_path)
    (pages / "plot_98_before.rst").write_text("Before\n======\n\nWords.\n")
    for name, seconds in (("plot_98_before", 3.4), ("plot_99_it", 12.2)):
        word = name[: len("plot_99")]
        record = {"contract": {"tutorial": word}, "seconds": seconds}
        folder = tmp_path / ("reference" if word == "plot_98" else "_build/runs")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{word}.json").write_text(json.dumps(record))
    (tmp_path / FIGURE["file"]).write_text(SVG)
    (tmp_path / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "extensions = ['_helpers.show', '_helpers.site']\n"
    )
    (tmp_path / "index.rst").write_text(INDEX)
    return tmp_path


def build(site, how="-q"):
    # Pages outside a toctree warn, so warnings are let pass: an error still ends the build.
    return run_sphinx(how, "-b", "html", site, site / "out")


def words(site, page="index"):
    text = (site / "out" / f"{page}.html").read_text()
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def plain(text):
    return re.sub(r"\x1b\[.*?m", "", text)


def write(site, text, page="index"):
    (site / f"{page}.rst").write_text(f"Title\n=====\n\n{text}\n")


# ------------------------------------------------------------------------- one number, one figure


def test_numbers_follow_the_contract(site):
    assert build(site).returncode == 0
    assert "A score of 0.50 , from \u22120.2 , of 7 people." in words(site)
    give(site, score=0.8125)
    assert build(site).returncode == 0
    assert "A score of 0.81 ," in words(site)


def test_order_times_and_figures(site):
    assert build(site).returncode == 0
    assert "Make it yours Before 3 s A question 12 s" in words(site)
    html = (site / "out" / "index.html").read_text()
    assert 'alt="A figure of dots."' in html
    assert "Made by" in html


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
    write(site, f":value:`{name}`")
    done = build(site)
    assert done.returncode != 0
    assert name.split(".")[0] in done.stderr


def test_keys_may_hold_spaces(site):
    assert look_up(site, "plot_99.by.a b") == 1.5


def test_a_figure_that_is_not_there_stops_the_build(site):
    write(site, ".. tutorial-figure:: plot_99 2")
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


# ------------------------------------------------------------------------------ pages as templates


def test_pages_are_filled_in_and_those_of_the_gallery_are_not(site):
    write(site, 'Of {{ plot_99.n }} people, from {{ plot_99.ci[0] | num("+.1f") }}.')
    done = build(site)
    assert done.returncode == 0, done.stderr
    assert "Of 7 people, from \u22120.2." in words(site)
    assert "code with {{ braces }} and {% percent %}" in words(
        site, "auto_examples/plot_99_it"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{{ plot_99.wrong }}", "index.rst, line 6: UndefinedError"),
        ("{{ wrong }}", "index.rst, line 6: UndefinedError 'wrong' is undefined"),
        ("{{ plot_99.score | wrong }}", "index.rst, line 6: TemplateAssertionError"),
        ("{{ plot_97.n }}", "there is no tutorial 'plot_97'"),
        ("{{ [plot_99] | each('by.b') }}", "index.rst, line 6: KeyError 'b'"),
        ("{{ evidence.plot_99 }}", "evidence.json"),
        ("{{ benchmarks.x }}", "benchmarks.json"),
        ('{{ figure("plot_99", 2) }}', "plot_99_it has figures [1], not 2"),
        ("{{ [1, 2] | single }}", "these should be one and the same: [1, 2]"),
        ("{% if %}", "index.rst, line 6: TemplateSyntaxError"),
    ],
)
def test_a_wrong_name_stops_the_build(site, text, message):
    write(site, f"Words.\n\n{text}")
    done = build(site)
    assert done.returncode != 0
    assert message in " ".join(done.stderr.split())


@pytest.mark.parametrize("content", ["", '{"machine": {}}', None])
def test_a_missing_number_stops_the_build(site, content):
    write(site, '{{ evidence.plot_73 | each("score") | mean_sd }}')
    if content is not None:
        (site / "evidence.json").write_text(content)
    done = build(site)
    assert done.returncode != 0
    assert "index.rst, line" in done.stderr


def test_a_changed_file_makes_its_pages_again_and_no_others(site):
    write(site, "{{ plot_99.n }}")
    write(site, "{{ benchmarks.x }}", page="speed")
    write(site, "Nothing.", page="other")
    (site / "benchmarks.json").write_text('{"x": 1}')
    assert build(site).returncode == 0
    for change, page in (
        (lambda: give(site, n=8), "index"),
        (lambda: (site / "benchmarks.json").write_text('{"x": 22}'), "speed"),
    ):
        change()
        done = build(site, "-v")
        assert "0 added, 1 changed, 0 removed" in done.stdout
        (read,) = re.findall(r"reading sources\.\.\. \S+ (\S+)", plain(done.stdout))
        assert read == page
    assert "22" in words(site, "speed")


@pytest.mark.parametrize(
    "text", ["*a* `b` ``c`` |d|", "sub-01_ _x_ <b>", "1. no list", "- no list", ".. x::", "a:: \\n"]
)  # fmt: skip
def test_text_from_data_is_no_markup(site, text):
    give(site, n=text)
    write(site, ".. list-table::\n\n   * - {{ plot_99.n }}\n\n{{ plot_99.n }}\n")
    done = build(site)
    assert done.returncode == 0
    assert "index.rst" not in done.stderr
    shown = text.replace("<", "&lt;").replace(">", "&gt;")
    assert words(site).count(shown) == 2, words(site)
    assert escaped(escaped(text)) == escaped(text)


# ------------------------------------------------------------------- the pages that show measurements


def filled(page, **names):
    """Words of a page of this site, with given numbers."""
    template = environment(DOCS).from_string((DOCS / f"{page}.rst").read_text("utf-8"))
    given = context(DOCS, lambda path: None, {"download_size", "claims", "heading_of"})
    given |= {"scale_figure": str, "page": str} | names
    return " ".join(re.sub(r"\\(.)", r"\1", template.render(given)).split())


def test_committed_results_can_be_shown():
    known = context(DOCS, lambda path: None, {"benchmarks", "evidence", "null_evidence"})
    known["this_build"] = lambda name: known["evidence"][name][0]
    for page in ("evidence", "benchmarks", "concepts/laptop_to_cohort"):
        assert filled(page, **known)


def test_machine_is_described_and_not_named():
    here = {"machine": record.machine(), "versions": record.versions()}
    text = filled("benchmarks", benchmarks=benchmarks(**here))
    assert "torch" in text
    assert platform.node() not in text


def test_evidence_counts_what_it_should():
    def run(gain):
        return {"gap_vs_scratch": gain, "gap_vs_scratch_ci": [gain - 0.2, gain + 0.1]}

    kept = [run(gain) | {"run": MEASURED} for gain in (0.3, 0.1, -0.2)]
    here = {"plot_73": run(0.15)}
    null = {"plot_73": [run(0.1) | {"run": MEASURED}, run(0.3) | {"run": MEASURED}]}
    text = filled(
        "evidence", evidence={"plot_73": kept}, null_evidence=null, this_build=here.get
    )
    words = "chosen regime minus from-scratch"
    assert (
        f"{words}: +0.067 on average, above 0 in 2 of 3 draws (sign test p = 1.0000)"
        in text
    )
    assert f"{words}: +0.200 on average, and the interval contains zero in 1 of 2" in text
    table = text.partition("draws below it")[2]
    # Mean and sd; intervals above and below zero; this build, and the draws below it.
    assert f"{words} - 0.067 (sd 0.252) - 1 of 3 - 1 of 3 - +0.150 - 2 of 3" in table, (
        table[:300]
    )


MEASURED = {
    "machine": {"cpu": "a processor, 2 cores", "python": "3.11.7"},
    "versions": {"torch": "2.13.0"},
}
ROW = {"what": "this", "against": "that", "ratio": 3.14, "lowest": 2.5, "highest": 4.0}
SPEED = {
    "rows": [{**ROW, "difference": 2e-7}, ROW],
}


def scale_part(ratio=1.8):
    row = {"cpu_seconds": 2.0, "wall_seconds": 2.5, "peak_mb": 500.0, "people": 20}
    way = {"ratio": ratio, "lowest": ratio - 0.1, "highest": ratio + 0.1}
    saved = 1 - 1 / ratio
    return {
        **MEASURED,
        "recording_seconds": 60,
        "sizes": [row, row | {"people": 40, "cpu_seconds": 4.0, "peak_mb": 510.0}],
        "seconds_per_person": 0.1,
        "worst_residual": 0.004,
        "at_once": row | {"peak_mb": 900.0},
        "hbn": row | {"recording_seconds": 381, "cpu_seconds": 36.0, "window_bytes": 2e7},
        "workers": {
            "ways": {"this page": way, "other": way},
            "n_cells": 8,
            "rounds": 3,
            "cell_seconds": 1.5,
            "task_seconds": 0.003,
            "paid_once_seconds": 4.0,
            "pays_from_seconds": 4.0 / saved if saved > 0 else None,
            "task_pays_from_seconds": 0.003 / saved if saved > 0 else None,
        },
    }


def benchmarks(ratio=1.8, **measured):
    return {
        "finetune": {**SPEED, **MEASURED, **measured},
        "scale": {**scale_part(ratio), **measured},
    }


def test_benchmarks_say_ratio_spread_and_difference():
    text = filled("benchmarks", benchmarks=benchmarks())
    for cell in ("3.1x", "2.5 to 4.0", "2e-07"):
        assert cell in text
    assert "Measured on a processor, 2 cores; python 3.11.7, torch 2.13.0." in text


def test_scale_says_cost_memory_gain_and_from_when_it_pays():
    text = filled("benchmarks", benchmarks=benchmarks())
    for part in ("100 ms", "500 MB", "900 MB", "as one study", "1.80x", "1.70 to 1.90"):
        assert part in text
    assert "takes a loop more than 9 s, in tasks longer than 7 ms" in text
    assert "not faster than the loop" in filled("benchmarks", benchmarks=benchmarks(0.9))


def test_cost_follows_the_benchmark_and_the_catalogue():
    from _study import download_size

    n_people, megabytes = download_size("ds005505")
    each = megabytes / n_people
    text = filled("concepts/laptop_to_cohort", benchmarks=benchmarks())
    assert f"{136 * each / 1e3:,.1f} GB" in text
    assert f"{3000 * each / 1e3:,.1f} GB" in text
    assert f"{3000 * 36 / 20 / 3600:.2f} core-hours" in text
    assert f"{3000 * 1 / 1e3:.2f} GB" in text
    assert f"{3000 * 1.8 / 1.8 / 60:.1f} min" in text


def test_scale_is_drawn_the_same_twice_and_described(tmp_path):
    paths = [tmp_path / "a" / "1.svg", tmp_path / "a" / "2.svg"]
    paths[0].parent.mkdir()
    alts = [save(show.draw_scale(scale_part()), path)["alt"] for path in paths]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert alts[0] == alts[1]
    assert "500, 510 MB one by one, 900 MB for 20 people" in alts[0]


def test_a_figure_is_drawn_from_the_numbers_of_its_file(site):
    (site / "benchmarks.json").write_text(json.dumps(benchmarks()))
    write(site, "{{ scale_figure(benchmarks.scale) }}")
    done = build(site)
    assert done.returncode == 0, done.stderr
    page = (site / "out" / "index.html").read_text()
    assert 'alt="Two panels against 20 to 40 people' in page
    (site / "benchmarks.json").write_text('{"scale": {}}')
    done = build(site)
    assert done.returncode != 0
    assert "index.rst, line 4: KeyError 'sizes'" in " ".join(done.stderr.split())
