"""The page *On real EEG*: a result on people beside the simulated one, or the build stops."""

import json
import re

import pytest
from sphinx.errors import ExtensionError

from _helpers.filters import value_ci
from _helpers.pages import DOCS, ROOT
from _helpers.record import RecordError, load, records
from _helpers.show import context, environment, look_up
from tools import run_sphinx

SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'
LINE = {
    "tutorial": "plot_11", "version": 3, "data": "simulated", "effect": 0.0, "n_subjects": 10,
    "n_windows": 80, "window_split_r": 0.75, "subject_split_r": -0.125,
    "window_split_person_r": 0.8, "window_split_person_r_ci": [0.5, 0.9],
    "subject_split_person_r": 0.1, "subject_split_person_r_ci": [-0.5, 0.5],
    "shared_people": {"k-fold over windows": 9, "group k-fold": 0, "leave one person out": 0},
    "n_folds": {"k-fold over windows": 5, "group k-fold": 5, "leave one person out": 10},
    "pooled_r_of_train_mean":
        {"k-fold over windows": 0.0, "group k-fold": -0.2, "leave one person out": -1.0},
    "selection_r": {"training people": 0.0, "all people": 0.6},
    "selection_r_ci": {"training people": [-0.5, 0.5], "all people": [0.2, 0.8]},
    "n_splits": 20, "n_splits_selection_leak_higher": 19,
    "manifest_replayed": True, "subject_overlap": 0,
}  # fmt: skip
INDEX = """Title
=====

{% set study = real.mine %}
Real :value:`real.mine.plot_11.window_split_r|+.2f`, :value:`real.mine.plot_11.provenance.n_people`
people, simulated :value:`plot_11.window_split_r`, on :value:`real.mine.plot_11.run.date`.

{{ compare({"simulated": plot_11, "mine": study.plot_11}, [
  ("people", "n_subjects"),
  ("windows", "n_windows"),
  ("r, windows shuffled", "window_split_r", "+.2f"),
  ("r, *people kept whole*", "subject_split_r", "+.2f"),
  ("r over people", "subject_split_person_r", "+.2f"),
]) }}

{{ figure("plot_11", 1) }}
{{ figure("real.mine.plot_11", 1) }}
By {{ study.plot_11.provenance.title }} ({{ study.plot_11.provenance.dataset | code }}).
"""
PROVENANCE = {
    "dataset": "mine", "title": "My *study*", "credit": "CC0", "sha256": "ab" * 32, "n_people": 12,
    "n_recordings": 24, "megabytes": 50.5, "megabytes_catalogue": None,
    "opened": [{"people": 12, "windows": 99, "channels": 4, "samples": 256, "sfreq": 128.0, "cohort": None}],
    "command": "nox -s real -- plot_11 --study mine",
}  # fmt: skip
RUN = {
    "provenance": PROVENANCE, "seed": None, "versions": {"torch": "2.13.0"},
    "machine": {"cpu": "a processor, 2 cores", "gpu": "none", "system": "Linux", "python": "3.11.7"},
    "date": "2026-11-21", "seconds": 61.0, "peak_mb": 700, "private_mb": None,
}  # fmt: skip


@pytest.fixture
def site(tmp_path):
    pages, kept = tmp_path / "auto_examples", tmp_path / "real" / "mine"
    (pages / "images").mkdir(parents=True)
    kept.mkdir(parents=True)
    (pages / "plot_11_it.rst").write_text("It\n==\n\nWords.\n")
    shown = "auto_examples/images/sphx_glr_plot_11_it_001.svg"
    figure = {"file": shown, "alt": "Simulated dots.", "width": 100, "height": 50}
    found = {"contract": LINE, "figures": [figure]}
    (pages / "plot_11_it.json").write_text(json.dumps(found))
    (pages / "images" / "sphx_glr_plot_11_it_001.svg").write_text(SVG)
    figure = {"file": "plot_11_1.svg", "alt": "Real dots.", "width": 80, "height": 40}
    contract = {**LINE, "data": "mine", "window_split_r": 0.625, "n_windows": 99}
    content = {"contract": contract, "figures": [figure], **RUN}
    (kept / "plot_11.json").write_text(json.dumps(content))
    (kept / "plot_11_1.svg").write_text(SVG.replace("/>", "><g/></svg>"))
    (tmp_path / "conf.py").write_text(
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\nextensions = ['_helpers.show']\n"
    )
    (tmp_path / "index.rst").write_text(INDEX)
    return tmp_path


def build(site):
    return run_sphinx("-q", "-b", "html", site, site / "out")


def words(site):
    return " ".join(
        re.sub(r"<[^>]+>", "", (site / "out" / "index.html").read_text()).split()
    )


def change(site, **changes):
    path = site / "real" / "mine" / "plot_11.json"
    content = json.loads(path.read_text())
    content["contract"].update(changes)
    path.write_text(json.dumps(content))


def test_the_page_shows_both_columns_both_figures_and_the_cost(site):
    done = build(site)
    assert done.returncode == 0, done.stderr
    text = words(site)
    assert "Real +0.62, 12 people, simulated 0.75, on 2026-11-21." in text
    assert "simulated mine people 10 10 windows 80 99" in text
    assert "windows shuffled +0.75 +0.62" in text
    assert "people kept whole \u22120.12 \u22120.12" in text
    assert "r over people +0.10 [\u22120.50, +0.50] +0.10 [\u22120.50, +0.50]" in text
    assert "By My *study* (mine)." in text
    html = (site / "out" / "index.html").read_text()
    assert html.index('alt="Simulated dots."') < html.index('alt="Real dots."')
    change(site, window_split_r=0.5)
    assert build(site).returncode == 0
    assert "Real +0.50," in words(site)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("real.mine.plot_11.wrong", "no 'wrong'"),
        ("real.mine.plot_11", "is not real.STUDY.TUTORIAL.KEY"),
        ("real.mine.plot_73.accuracy", "there is no plot_73.json of mine: nox -s real"),
        ("real.yours.plot_11.n_windows", "there is no plot_11.json of yours"),
    ],
)
def test_what_is_not_kept_cannot_be_named(site, name, message):
    with pytest.raises(ExtensionError, match=message):
        look_up(site, name)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{{ compare({"real": real.mine.plot_11}, [("it", "nothing")]) }}', "KeyError 'nothing'"),
        ("{{ real.yours.plot_11.n_windows }}", "there is no plot_11.json of yours"),
        ("{{ real.mine.plot_11.nothing }}", "has no attribute 'nothing'"),
        ('{{ figure("real.mine.plot_11", 2) }}', "plot_11 has figures [1], not 2"),
    ],
)  # fmt: skip
def test_a_page_that_asks_for_more_stops_the_build(site, text, message):
    (site / "index.rst").write_text(f"Title\n=====\n\n{text}\n")
    done = build(site)
    assert done.returncode != 0
    assert message in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda c: c["contract"].update(subject_overlap=2), "subject_overlap"),
        (lambda c: c["contract"].update(data="simulated"), "is a result of simulated"),
        (lambda c: c["provenance"].update(sha256="?"), "sha256"),
        (
            lambda c: c["figures"][0].update(file="plot_11_2.svg"),
            "no figure .'plot_11_2.svg'.",
        ),
        (lambda c: c["figures"][0].update(alt=""), "alt"),
    ],
)
def test_a_kept_result_that_was_tampered_with_is_no_result(site, damage, message):
    path = site / "real" / "mine" / "plot_11.json"
    content = json.loads(path.read_text())
    damage(content)
    path.write_text(json.dumps(content))
    with pytest.raises(RecordError, match=message):
        load(path)


def test_an_interval_is_found_by_its_name():
    content = {
        "a": {"b": 1.0},
        "a_ci": {"b": [0.0, 2.0]},
        "d": {"mean": 1.0, "ci": [-1.0, 2.0]},
    }
    content |= {"chance": 0.5, "around": [0.25, 0.75], "word": "a-b"}
    assert value_ci(content, "a.b", ".1f") == "1.0 [0.0, 2.0]"
    assert value_ci(content, "d.mean", "+.1f") == "+1.0 [\u22121.0, +2.0]"
    assert value_ci(content, "chance", ".2f") == "0.50"
    assert value_ci(content, "chance", ".2f", "around") == "0.50 [0.25, 0.75]"
    assert value_ci(content, "word") == "a-b"


@pytest.mark.parametrize(
    ("name", "n_tables"), [("real", 4), ("real/adapt", 5), ("real/score", 3)]
)
def test_every_value_of_the_page_is_kept(name, n_tables):
    template = environment(DOCS).from_string((DOCS / f"{name}.rst").read_text("utf-8"))
    known = context(DOCS, lambda path: None, {"real", "compare", "evidence"})
    known |= {
        name: record["contract"] for name, record in records(DOCS / "reference").items()
    }
    text = template.render(known, figure=lambda name, number: name)
    assert text.count(".. list-table::") == n_tables


def test_the_page_is_of_one_and_the_same_data():
    page = (DOCS / "real.rst").read_text("utf-8")
    assert 'shown | each("provenance.sha256") | single' in page


HOSTILE = (
    "Rest\n\n.. raw:: html\n\n   <script>alert(1)</script>\n\n``x`` |y| :doc:`z` `<b>`__ {{ 1 }} "
    "</td><script src=//evil>\n=====\n"
)


@pytest.mark.parametrize(
    "value", [HOSTILE, "`" + HOSTILE, "\u2028".join(HOSTILE), "<script>"]
)
def test_nothing_of_a_study_reaches_the_page_as_markup(site, value):
    path = site / "real" / "mine" / "plot_11.json"
    content = json.loads(path.read_text())
    content["provenance"] |= {"title": value, "credit": value}
    content["figures"][0]["alt"] = value
    path.write_text(json.dumps(content))
    text = (site / "index.rst").read_text()
    (site / "auto_examples" / "plot_11_it.rst").write_text(":orphan:\n\nIt\n==\n")
    with (site / "index.rst").open("w") as page:
        page.write(text)
        page.write(
            "\n.. list-table::\n\n   * - {{ study.plot_11.provenance.credit }}\n"
            "   * - {{ study.plot_11.provenance.title | code }}\n\n"
            ":value:`real.mine.plot_11.provenance.title`\n"
        )
    done = build(site)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # no role, target or substitution was looked for
    html = (site / "out" / "index.html").read_text()
    body = html[html.index('<div class="body"') : html.index("sphinxsidebar")]
    assert "<script" not in body
    assert "<b>" not in body
    shown = body.replace("\u2028", "").replace(
        " ", ""
    )  # one of the values has a break after every letter
    assert shown.count("script&gt;") >= 4
