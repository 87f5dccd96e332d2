"""Tutorials open with their answer and ask before they show: pages made from every promise and its reference."""

import html
import json
import re
import shutil

import pytest

from _helpers.contracts import CONTRACTS
from _helpers.filters import get, say
from _helpers.pages import DOCS, ROOT, short_name, tutorials
from _helpers.record import REFERENCE, records
from tools import run_sphinx

REFERENCES = records(REFERENCE)
STEMS = {short_name(script): script.stem for script in tutorials()}
PAGE = """Is it a question?
=================

You need: :doc:`another </auto_examples/{before}>`, patience.

.. code-block:: Python

   print("the first code")
"""
CONF = f"""
import sys; sys.path.insert(0, {str(ROOT)!r})
extensions = ["_helpers.show", "_helpers.site"]
html_theme = "pydata_sphinx_theme"
templates_path, html_static_path = [{str(DOCS / "_templates")!r}], [{str(DOCS / "_static")!r}]
html_css_files = ["site.css"]
html_context = {{"default_mode": "auto"}}
"""


def build(site):
    done = run_sphinx("-q", "-E", "-b", "html", site, site / "out")
    assert done.returncode == 0, done.stderr


def give(site, name, contract):
    page = site / "auto_examples" / f"{STEMS[name]}.json"
    page.write_text(json.dumps({"contract": contract, "figures": []}))


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    site = tmp_path_factory.mktemp("answers")
    (site / "auto_examples").mkdir()
    (site / "conf.py").write_text(CONF)
    (site / "index.rst").write_text("Home\n====\n\nWords.\n")
    shutil.copy(DOCS / "predictions.rst", site)
    shutil.copytree(REFERENCE, site / "reference")
    first = next(iter(STEMS.values()))
    for name, stem in STEMS.items():
        (site / "auto_examples" / f"{stem}.rst").write_text(PAGE.format(before=first))
        give(site, name, REFERENCES[name]["contract"])
    build(site)
    return site


def text_of(site, name):
    return (site / "out" / "auto_examples" / f"{STEMS[name]}.html").read_text("utf-8")


@pytest.mark.parametrize("name", STEMS)
def test_page_opens_with_its_answer(site, name):
    page = text_of(site, name)
    (box,) = re.findall(r"<div class=\"answer\" data-answer>(.*?)\n</div>", page, re.S)
    said = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", box)).split())
    contract, run = REFERENCES[name]["contract"], REFERENCES[name]
    assert said.startswith("Is it a question?")
    assert say(CONTRACTS[name].headline, contract) in said
    assert f"{contract['data']} data" in said
    assert f"{run['seconds'] / 60:.1f} min, {run['peak_mb']} MB on {run['date']}" in said
    assert "read before: Is it a question?" in said
    assert page.index("data-answer") < page.index("the first code")


@pytest.mark.parametrize("name", STEMS)
def test_questions_stand_before_the_first_code_and_ask_for_what_the_line_holds(site, name):
    page, contract = text_of(site, name), REFERENCES[name]["contract"]
    asked = [html.unescape(spec) for spec in re.findall(r'data-predict="([^"]+)"', page)]
    assert asked == list(CONTRACTS[name].asked())
    for spec in asked:
        kind, key = spec.split(" ", 1)
        if kind == "yes":
            sides = re.fullmatch(r"(.+) [<>] (.+)", key).groups()
            values = [
                s if re.fullmatch(r"-?[\d.]+", s) else get(contract, s) for s in sides
            ]
            assert all(isinstance(float(value), float) for value in values)
        elif kind == "order":
            assert 2 < len(get(contract, key)) < 6
        else:
            assert kind == "number"
            assert isinstance(get(contract, key), int | float)
    if asked:
        assert page.rindex("data-predict") < page.index("the first code")
        line = re.search(r'id="contract">(.*?)</script>', page)[1]
        assert json.loads(line) == contract


def test_there_are_enough_questions_and_a_small_script():
    assert sum(len(page.asked()) for page in CONTRACTS.values()) >= 24
    assert (DOCS / "_static" / "predict.js").stat().st_size < 10 * 1024


def test_words_of_an_answer_follow_its_values():
    contract = dict(REFERENCES["plot_81"]["contract"])
    contract["ridge_minus_network"] = {"mean": 0.2, "ci": [0.1, 0.3], "p": 0.01}
    assert say(CONTRACTS["plot_81"].headline, contract).startswith("Yes:")
    contract["ridge_minus_network"] = {"mean": -0.2, "ci": [-0.3, -0.1], "p": 0.01}
    assert say(CONTRACTS["plot_81"].headline, contract).startswith("No:")


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("{a:up|flat|down}", "up"),
        ("{ci:up|flat|down}", "flat"),
        ("{ci:up|flat|down@2}", "down"),
        ("{flag:yes|no}", "no"),
        ("{ci:+.1f} {a:+.1f}", "[\u22120.5, +1.0] +0.2"),
        ("{by[-1]} {by[x y]} {many[-1]}", "2 1 4"),
    ],
)
def test_a_sentence_is_filled(sentence, said):
    line = {
        "a": 0.2,
        "ci": [-0.5, 1.0],
        "flag": False,
        "by": {"x y": 1, "z": 2},
        "many": [3, 4],
    }
    assert say(sentence, line) == said


@pytest.fixture(scope="module")
def page(site):
    from chromium import browser, served

    with served(site / "out") as base, browser() as context:
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda e: page.errors.append(str(e)))
        page.base = base
        yield page
        assert not page.errors


def open_page(page, name):
    page.goto(f"{page.base}auto_examples/{STEMS[name]}.html")
    page.evaluate("localStorage.clear()")


def answer(page, spec, *said, sure="80"):
    form = page.locator(f'form[data-predict="{spec}"]')
    kind = spec.split(" ", 1)[0]
    if kind == "yes" and said:
        form.locator(f"input[value={said[0]}]").check()
    elif kind == "number" and said:
        form.locator("input[name=said]").fill(str(said[0]))
    elif kind == "order":
        for place, name in enumerate(said):
            form.locator("select[name=said]").nth(place).select_option(name)
    form.locator("select[name=sure]").select_option(sure)
    form.locator("button").focus()
    page.keyboard.press("Enter")
    return form.locator("[role=status]").inner_text()


@pytest.mark.browser
def test_verdicts_right_wrong_empty_and_of_another_run(page):
    open_page(page, "plot_73")
    contract = REFERENCES["plot_73"]["contract"]
    best = sorted(contract["accuracy"], key=contract["accuracy"].get, reverse=True)
    assert answer(page, "order accuracy") == "Put every name in one place first."
    assert answer(page, "order accuracy", *best[::-1]).startswith("Not so.")
    assert answer(page, "order accuracy", *best).startswith("Right.")
    gap = "number gap_vs_scratch"
    assert answer(page, gap) == "Give an answer first."
    assert answer(page, gap, contract["gap_vs_scratch"]).startswith("Right.")
    assert answer(page, gap, contract["gap_vs_scratch_ci"][1] + 0.01).startswith("Not so.")
    # Another run gives another verdict: nothing about the answer is in the script or the form.
    changed = contract | {"gap_vs_scratch": -0.9, "gap_vs_scratch_ci": [-0.95, -0.85]}
    page.evaluate(
        "line => document.getElementById('contract').textContent = line",
        json.dumps(changed),
    )
    assert answer(page, gap, -0.9).startswith("Right. It came out: \u22120.9")
    page.evaluate("document.getElementById('contract').textContent = '{}'")
    assert answer(page, gap, 1) == "The run gave no gap_vs_scratch."


@pytest.mark.browser
def test_the_answer_can_be_hidden_until_all_is_predicted(page):
    open_page(page, "plot_81")
    shown = page.locator("#answer-text")
    assert shown.is_visible()
    page.locator(".predict-first").click()
    assert not shown.is_visible()
    for spec in CONTRACTS["plot_81"].asked():
        answer(page, spec, "yes" if spec.startswith("yes") else 0.0)
    assert shown.is_visible()


@pytest.mark.browser
def test_the_last_page_shows_how_well_the_reader_is_calibrated(page):
    open_page(page, "plot_80")
    r = REFERENCES["plot_80"]["contract"]["pearson_r"]
    answer(page, "number pearson_r", r, sure="90")
    answer(page, "number pearson_r", -1, sure="50")  # the first answer counts
    answer(page, "yes forest.mse < mse", "yes", sure="90")
    page.goto(f"{page.base}predictions.html")
    rows = page.locator("#calibration tbody tr").all_inner_texts()
    assert [row.split() for row in rows if row.split()[2] != "0"] == [
        ["90", "%", "2", "1", "50", "%"]
    ]
    assert "surer than you were right" in page.locator("#calibration-words").inner_text()
    page.locator("#forget").click()
    assert "not answered" in page.locator("#calibration-words").inner_text()


@pytest.mark.browser
def test_without_the_script_the_answer_is_folded(page):
    page.route("**/*.js*", lambda route: route.abort())
    page.goto(f"{page.base}auto_examples/{STEMS['plot_73']}.html")
    fold = page.locator("form[data-predict] details").first
    fold.locator("summary").click()
    best = REFERENCES["plot_73"]["contract"]["accuracy"]
    assert ", ".join(sorted(best, key=best.get, reverse=True)) in fold.inner_text()
    page.unroute("**/*.js*")
    page.errors.clear()  # of the scripts that were left out
