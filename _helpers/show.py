"""Sphinx extension: hand-written pages say numbers that were measured, and draw figures that were drawn.

A page is rendered by jinja2 before Sphinx reads it. ``plot_73`` is the contract of that tutorial in
this build, ``real.nm000109.plot_73`` the result on a real study, ``evidence.plot_73`` the list of its
draws, ``benchmarks`` and ``status`` are what their names say. A name that is not there stops the build;
a file that changes makes the pages that read it again. What comes out of ``{{ }}`` is text, never markup,
but for what is marked as `Markup`. For one number there is ``:value:`plot_73.chance_level|.2f```.
"""

import ast
import json
import re
import traceback
from functools import partial
from pathlib import Path

import jinja2
import numpy as np
import pandas as pd
import yaml
from docutils import nodes
from jinja2 import meta
from markupsafe import Markup
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective, SphinxRole

from _helpers.claims import claims
from _helpers.contracts import CONTRACTS, parse
from _helpers.figures import save
from _helpers.filters import FILTERS, comparison_table, escaped, get, num, say, value_ci
from _helpers.gallery import figure_text
from _helpers.pages import ROOT, read_before, short_name, sibling, tutorials
from _helpers.record import RecordError, drift, load, records
from _helpers.redraw import remember

TUTORIAL = re.compile(r"plot_\d+")
#: Beside the figures of the tutorials, which are made anew as well.
SCALE = "auto_examples/images/measured_scale.svg"


def heading_of(word):
    """Title of a tutorial, from its script, as the heading of a section."""
    (script,) = tutorials([word])
    title = ast.get_docstring(ast.parse(script.read_text("utf-8"))).splitlines()[0]
    return Markup(f"{title}\n{'-' * len(title)}")


def tutorial(srcdir, word):
    """What a tutorial gave in this build: the file beside its page, and its content.

    Parameters
    ----------
    srcdir : path-like
        Of the documentation.
    word : str
        Short name of the tutorial.

    Raises
    ------
    ExtensionError
        If there is no such page, or it shows no contract.
    """
    pages = sorted(Path(srcdir, "auto_examples").glob("plot_*.rst"))
    fitting = [page for page in pages if page.stem.startswith(f"{word}_")]
    if len(fitting) != 1:
        names = [page.stem for page in pages]
        raise ExtensionError(f"there is no tutorial {word!r}: there are {names}")
    path = fitting[0].with_suffix(".json")
    content = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if "contract" not in content:
        raise ExtensionError(f"{fitting[0].name} shows no contract of {word}")
    return path, content


def kept(srcdir, study, name):
    """A result on a real study, as ``docs/real`` keeps it: its file, and its content.

    Parameters
    ----------
    srcdir : path-like
        Of the documentation.
    study : str
        Folder of ``docs/real``.
    name : str
        Short name of the tutorial.

    Raises
    ------
    ExtensionError
        If there is no such result, or it breaks its model.
    """
    path = Path(srcdir, "real", study, f"{name}.json")
    try:
        result = load(path).model_dump(mode="json")
    except RecordError as err:
        raise ExtensionError(f"real.{study}.{name}: {err}") from err
    for figure in result["figures"]:
        figure["file"] = f"real/{study}/{figure['file']}"
    return path, result


def source_of(srcdir, name):
    """File of a name, what it holds, and the keys that are left of the name.

    Parameters
    ----------
    srcdir : path-like
        Of the documentation.
    name : str
        Such as ``"plot_73.ci.0"`` or ``"real.STUDY.plot_73.ci.0"``.
    """
    word, *keys = name.split(".")
    if word != "real":
        return *tutorial(srcdir, word), keys
    if len(keys) < 2:
        raise ExtensionError(f"{name} is not real.STUDY.TUTORIAL.KEY")
    return *kept(srcdir, *keys[:2]), keys[2:]


def flat(content):
    """A contract, beside its keys ``provenance`` and what else is kept of the ``run``."""
    about = {k: v for k, v in content.items() if k not in ("contract", "figures")}
    provenance = about.pop("provenance", None)
    return content["contract"] | ({"provenance": provenance, "run": about} if about else {})


def look_up(srcdir, name):
    """One value behind dots: ``plot_73.ci.0`` of this build, ``real.STUDY.plot_73.n``.

    Parameters
    ----------
    srcdir : path-like
        Of the documentation.
    name : str
        The value.

    Raises
    ------
    ExtensionError
        If there is none, or more than one value.
    """
    _, content, keys = source_of(srcdir, name)
    if name.startswith("real.") and not keys:
        raise ExtensionError(f"{name} is not real.STUDY.TUTORIAL.KEY")
    value = flat(content)
    for key in keys:
        try:
            value = get(value, key)
        except (KeyError, IndexError, ValueError, TypeError) as err:
            known = sorted(value) if isinstance(value, dict) else value
            raise ExtensionError(f"{name}: no {key!r}, there is {known}") from err
    if isinstance(value, dict | list):
        raise ExtensionError(f"{name} is not one value but {value}: add a key")
    return value


def figure(srcdir, name, number):
    """JSON file and text of a figure, counted from 1, of ``plot_73`` or a real study.

    Parameters
    ----------
    srcdir : path-like
        Of the documentation.
    name : str
        Of the tutorial or the result on a real study.
    number : int
        Counted from 1.
    """
    path, content, _ = source_of(srcdir, name)
    figures = content["figures"]
    if not 1 <= number <= len(figures):
        there = [*range(1, len(figures) + 1)]
        raise ExtensionError(f"{path.stem} has figures {there}, not {number}")
    return path, Markup(figure_text(**figures[number - 1]))


def draw_scale(measured):
    """Draw cost and memory against people; returns the figure."""
    style, rows = sibling("_figure_style"), pd.DataFrame(measured["sizes"])
    once, ends = measured["at_once"], np.array([0, rows["people"].max()])
    people, seconds, memory = rows["people"], rows["cpu_seconds"], rows["peak_mb"]
    alt = (
        f"Two panels against {people.min()} to {people.max()} people. CPU time: "
        f"{', '.join(f'{s:.0f}' for s in seconds)} s, on a line. Peak memory: "
        f"{', '.join(f'{m:.0f}' for m in memory)} MB one by one, "
        f"{once['peak_mb']:.0f} MB for {once['people']} people as one study."
    )
    words = {"title": "What a cohort costs", "provenance": "data: simulated", "alt": alt}
    fig, (left, right) = style.page_figure(3.8, (1, 2), **words)
    line = seconds.mean() + measured["seconds_per_person"] * (ends - people.mean())
    left.plot(ends, line, color=style.PALE, linewidth=1, label="straight line")
    left.plot(people, seconds, "o", color=style.BLUE, label="one by one")
    left.set(xlabel="people", ylabel="CPU time in s")
    right.plot(people, memory, "o-", color=style.BLUE, label="one by one")
    once_mb, look = once["peak_mb"], {"color": style.AMBER, "label": "as one study"}
    right.plot(once["people"], once_mb, "D", **look)
    right.set(xlabel="people", ylabel="peak memory in MB")
    right.set(ylim=(0, 1.25 * max(*memory, once_mb)))
    for axes, what in ((left, "A  CPU time"), (right, "B  Peak memory")):
        style.panel_title(axes, *what.split("  "))
        style.small_legend(axes, "best")
    return fig


def scale_figure(srcdir, measured):
    """Cost and memory of a cohort, drawn from the numbers of ``benchmarks.json``.

    Parameters
    ----------
    srcdir : path-like
        Of the documentation.
    measured : dict
        ``scale`` of ``benchmarks.json``.
    """
    import matplotlib.pyplot as plt

    path = Path(srcdir, SCALE)
    path.parent.mkdir(parents=True, exist_ok=True)
    with plt.rc_context():
        plt.rcdefaults()
        words = save(remember(draw_scale)(measured), path)
        plt.close("all")
    return Markup(figure_text(SCALE, **words))


class Real:
    """Studies of ``docs/real`` and the results of each, read when they are named."""

    def __init__(self, read, *names):
        self.read, self.names = read, names

    def __getitem__(self, name):
        names = (*self.names, name)
        return Real(self.read, *names) if len(names) < 2 else self.read(*names)


def standings(srcdir):
    """The last run of every tutorial beside its reference, and on what runs were made."""
    runs, references = records(srcdir / "_build" / "runs"), records(srcdir / "reference")
    rows, made_on = [], {}
    for page in sorted((srcdir / "auto_examples").glob("plot_*.rst")):
        name = short_name(page)
        last = runs.get(name) or references.get(name)
        row = {"page": page.stem, "name": name, "last": last}
        rows.append(row)
        if last is None:
            continue
        contract = last["contract"]
        parse(json.dumps(contract))
        both = name in runs and name in references
        where = json.dumps([last["machine"], last["versions"], last["date"]])
        row |= {
            "headline": say(CONTRACTS[name].headline, contract),
            "accepted": name in references,
            "again": both,
            "moved": drift(contract, references[name]["contract"]) if both else {},
            "fields": CONTRACTS[name].model_fields,
            "run": [*made_on, where].index(where) + 1,
        }
        made_on.setdefault(where, last)
    return {"pages": rows, "runs": list(made_on.values())}


def context(srcdir, note, names):
    """What a page can name; only what it does name is read, and ``note`` gets the files.

    Parameters
    ----------
    srcdir : path-like
        Of the documentation.
    note : callable
        Gets the path of every file that is read.
    names : set of str
        What the page names.
    """

    def noted(path, value):
        note(str(path))
        return value

    def read(find, *name):
        path, content = find(srcdir, *name)
        return noted(path, flat(content))

    def read_json(name):
        path = Path(srcdir, f"{name}.json")
        return noted(path, json.loads(path.read_text("utf-8")))

    def read_evidence(name):
        return {page: list(map(flat, runs)) for page, runs in read_json(name).items()}

    def read_status():
        for folder in (Path(srcdir, "_build", "runs"), Path(srcdir, "reference")):
            for path in (folder, *folder.glob("*.json")):
                note(str(path))
        return standings(Path(srcdir))

    def read_citation():
        path = ROOT / "CITATION.cff"
        return noted(path, yaml.safe_load(path.read_text("utf-8")))

    known = {n: partial(read, tutorial, n) for n in names if TUTORIAL.fullmatch(n)} | {
        "benchmarks": partial(read_json, "benchmarks"),
        "fuzz": partial(read_json, "fuzz"),
        "zoo": partial(read_json, "zoo"),
        "silence": partial(read_json, "silence"),
        "evidence": partial(read_evidence, "evidence"),
        "null_evidence": partial(read_evidence, "evidence_null"),
        "real": lambda: Real(partial(read, kept)),
        "status": read_status,
        "citation": read_citation,
        "compare": lambda: comparison_table,
        "page": lambda: lambda name: tutorial(srcdir, name)[0].stem,
        "figure": lambda: lambda name, number: noted(*figure(srcdir, name, number)),
        "scale_figure": lambda: partial(scale_figure, srcdir),
        "claims": lambda: claims,
        "this_build": lambda: lambda name: read(tutorial, name),
        "heading_of": lambda: heading_of,
        "download_size": lambda: sibling("_study").download_size,
        "families": lambda: sibling("_model.families").families(),
        "best_of_nulls": lambda: sibling("_score.luck").expected_best_r,
    }
    return {name: make() for name, make in known.items() if name in names}


def environment(srcdir):
    """The templates' language: a missing name is an error, and what is printed is text."""
    jinja = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(srcdir, "_templates")),
        undefined=jinja2.StrictUndefined,
        finalize=escaped,
        autoescape=True,  # so that what a macro wrote is not escaped again
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    jinja.filters |= FILTERS
    return jinja


def _render(app, docname, source):
    """On ``source-read``: fill in a hand-written page; pages of the gallery are left alone."""
    if docname.startswith("auto_examples/"):
        return
    note = partial(app.env.note_dependency, docname=docname)
    jinja = environment(app.srcdir)
    try:
        tree = jinja.parse(source[0])
        for name in meta.find_referenced_templates(tree):
            note(str(Path(app.srcdir, "_templates", name)))
        names = meta.find_undeclared_variables(tree)
        page = jinja.from_string(source[0])
        source[0] = page.render(context(app.srcdir, note, names))
    except (jinja2.TemplateError, OSError, ValueError, LookupError, TypeError) as err:
        steps = traceback.extract_tb(err.__traceback__)
        lines = [step.lineno for step in steps if step.filename == "<template>"]
        where = f"{docname}.rst, line {getattr(err, 'lineno', None) or (lines or [1])[-1]}"
        raise ExtensionError(f"{where}: {type(err).__name__} {err}") from err


def _tell(app, pagename, templatename, context, doctree):
    """For ``page.html`` of a tutorial: its promise, its line in this build, its last run."""
    name = short_name(pagename)
    if not (pagename.startswith("auto_examples/plot_") and name in CONTRACTS):
        return
    srcdir, promise = Path(app.srcdir), CONTRACTS[name]
    contract = tutorial(srcdir, name)[1]["contract"]
    runs = records(srcdir / "reference") | records(srcdir / "_build" / "runs")
    context["told"] = {
        "contract": contract,
        "answer": say(promise.headline, contract),
        "questions": promise.asked(),
        "get": partial(value_ci, contract),
        "value_of": partial(get, contract),
        "line": json.dumps(contract).replace("</", "<\\/"),
        "run": runs.get(name),
        "before": [
            f"auto_examples/{page}" for page in read_before(srcdir / f"{pagename}.rst")
        ],
        "titles": app.env.titles,
    }


class Value(SphinxRole):
    """``:value:`plot_73.chance_level``` or, with a format, ``:value:`plot_73.chance_level|.2f```."""

    def run(self):
        name, _, spec = self.text.partition("|")
        value = look_up(self.env.srcdir, name)
        self.env.note_dependency(str(source_of(self.env.srcdir, name)[0]))
        spec = spec or (".2f" if isinstance(value, float) else "")
        # The hyphen of a word stays one.
        text = format(value, spec) if isinstance(value, str) else num(value, spec)
        return [nodes.inline(text, text, classes=["value"])], []


class TutorialFigure(SphinxDirective):
    """``.. tutorial-figure:: plot_80 2``: the second figure of a page, with its words and a link."""

    required_arguments = 2

    def run(self):
        word, number = self.arguments
        path, text = figure(self.env.srcdir, word, int(number))
        self.env.note_dependency(str(path))
        words = f"*Made by* :doc:`/auto_examples/{path.stem}`.\n"
        return self.parse_text_to_nodes(f"{text}{words}")


def setup(app):
    """Connect to Sphinx; register role and directive."""
    app.connect("source-read", _render)
    app.connect("html-page-context", _tell, priority=300)
    app.add_role("value", Value())
    app.add_directive("tutorial-figure", TutorialFigure)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
