"""Sphinx extension: hand-written pages say numbers that were measured, and draw figures that were drawn.

A page is rendered by jinja2 before Sphinx reads it. ``plot_73`` is the contract of that tutorial in
this build, ``real.nm000109.plot_73`` the result on a real study, ``evidence.plot_73`` the list of its
draws, ``benchmarks`` and ``status`` are what their names say. A name that is not there stops the build;
a file that changes makes the pages that read it again. What comes out of ``{{ }}`` is text, never markup,
but for what is marked as `Markup`. For one number there is ``:value:`plot_73.chance_level|.2f```.
"""

import json
import re
import traceback
from pathlib import Path

import jinja2
from docutils import nodes
from jinja2 import meta
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective, SphinxRole

from _helpers.filters import FILTERS, compare, escaped, num
from _helpers.known import figure, flat, kept, look_up, source_of, standings, tutorial
from _helpers.pages import sibling
from _helpers.record import records

TUTORIAL = re.compile(r"plot_\d+")


class Real:
    """Studies of ``docs/real``, and the results of each, as attributes; each is read when it is named."""

    def __init__(self, read, *names):
        self.read, self.names = read, names

    def __getitem__(self, name):
        names = (*self.names, name)
        return Real(self.read, *names) if len(names) < 2 else self.read(*names)


def context(srcdir, note, names):
    """Everything that a page can name, of which only what it names is read.

    Parameters
    ----------
    srcdir : path-like
        Folder of the documentation's sources.
    note : callable
        Called with every file that is read.
    names : set of str
        What the page names.

    Returns
    -------
    dict
        Name -> object.
    """

    def noted(path, value):
        note(str(path))
        return value

    def read_json(name):
        path = Path(srcdir, f"{name}.json")
        return noted(path, json.loads(path.read_text("utf-8")))

    def read_evidence():
        draws = read_json("evidence")
        return {name: [flat(record) for record in runs] for name, runs in draws.items()}

    def read_kept(study, name):
        path, content = kept(srcdir, study, name)
        return noted(path, flat(content))

    def read_tutorial(name):
        path, content = tutorial(srcdir, name)
        return noted(path, flat(content))

    def read_status():
        folders = Path(srcdir, "_build", "runs"), Path(srcdir, "reference")
        for folder in folders:
            # A folder that is not there yet is noticed by its parent.
            for path in (
                folder if folder.is_dir() else folder.parent,
                *folder.glob("*.json"),
            ):
                note(str(path))
        pages = sorted(
            path.stem for path in Path(srcdir, "auto_examples").glob("plot_*.rst")
        )
        return standings(pages, *map(records, folders))

    known = {
        name: lambda n=name: read_tutorial(n) for name in names if TUTORIAL.fullmatch(name)
    }
    known |= {
        "benchmarks": lambda: read_json("benchmarks"),
        "evidence": read_evidence,
        "real": lambda: Real(read_kept),
        "status": read_status,
        "compare": lambda: compare,
        "page": lambda: lambda name: tutorial(srcdir, name)[0].stem,
        "figure": lambda: lambda name, number: noted(*figure(srcdir, name, number)),
        "download_size": lambda: sibling("_study").download_size,
    }
    return {name: make() for name, make in known.items() if name in names}


def environment(srcdir):
    """The templates' language: a missing name is an error, and what is printed is text.

    Parameters
    ----------
    srcdir : path-like
        Folder of the documentation's sources; macros are in its ``_templates``.

    Returns
    -------
    jinja2.Environment
        It.
    """
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


def render(app, docname, source):
    """On ``source-read``: fill in a hand-written page; pages of the gallery are left alone."""
    if docname.startswith("auto_examples/"):
        return

    def note(path):
        app.env.note_dependency(path, docname=docname)

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


class Value(SphinxRole):
    """``:value:`plot_73.chance_level``` or, with a format, ``:value:`plot_73.chance_level|.2f```."""

    def run(self):
        """The number as text."""
        name, _, spec = self.text.partition("|")
        value = look_up(self.env.srcdir, name)
        self.env.note_dependency(str(source_of(self.env.srcdir, name)[0]))
        if not spec:
            spec = ".2f" if isinstance(value, float) else ""
        # The hyphen of a word stays one.
        text = format(value, spec) if isinstance(value, str) else num(value, spec)
        return [nodes.inline(text, text, classes=["value"])], []


class TutorialFigure(SphinxDirective):
    """``.. tutorial-figure:: plot_80 2``: the second figure of a page, with its words and a link."""

    required_arguments = 2

    def run(self):
        """The figure, and where it was made."""
        word, number = self.arguments
        path, text = figure(self.env.srcdir, word, int(number))
        self.env.note_dependency(str(path))
        words = f"*Made by* :doc:`/auto_examples/{path.stem}`.\n"
        return self.parse_text_to_nodes(f"{text}{words}")


def setup(app):
    """Connect to Sphinx; register role and directive."""
    app.connect("source-read", render)
    app.add_role("value", Value())
    app.add_directive("tutorial-figure", TutorialFigure)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
