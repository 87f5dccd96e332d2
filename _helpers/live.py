"""Sphinx extension: numbers, figures, times and citations on hand-written pages come from the tutorials.

``:value:`plot_73.accuracy.full-finetune``` is a number of a contract, with ``real.nm000109.`` in front
one of a run on real EEG that is kept in ``docs/real/``; ``.. tutorial-figure::`` is a figure with its words, ``.. reading-order::`` the table of pages, ``.. cited-in::`` the pages that
cite each work. What they name has to exist: a wrong name stops the build.
"""

import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective, SphinxRole

from _helpers.record import RecordError, load, records

CONTRACT_LINE = re.compile(r'^ +(\{"tutorial": "(plot_\d+)".*\})$', re.M)
FIGURE = re.compile(
    r"^   (\.\. image:: /\S+/sphx_glr_\S+_(\d{3})\.svg\n(?:      :\w+:.*\n)+)", re.M
)
NEEDS = re.compile(r"^You need: (.*?)\n\n", re.M | re.S)
DOC = re.compile(r":doc:`(?:[^<`]*<)?/?(?:auto_examples/)?(plot_\d+\w*)>?`")
CITE = re.compile(r":cite:[pt]:`([^`]+)`")


def _generated(srcdir, word):
    """Generated page of the tutorial whose name starts with a word, e.g. ``plot_73``."""
    found = sorted((Path(srcdir) / "auto_examples").glob(f"{word}_*.rst"))
    if len(found) != 1:
        names = sorted(p.stem for p in (Path(srcdir) / "auto_examples").glob("plot_*.rst"))
        raise ExtensionError(f"there is no tutorial {word!r}: there are {names}")
    return found[0]


def source_of(srcdir, name):
    """Where a value comes from, and everything that is known there.

    Parameters
    ----------
    srcdir : path-like
        Folder of the documentation's sources.
    name : str
        See :func:`look_up`.

    Returns
    -------
    path : pathlib.Path
        The generated page of a tutorial, or a file of ``real/``.
    content : dict
        The contract; that of a real study with ``provenance`` beside its keys.
    keys : list of str
        The keys that are left of the name.

    Raises
    ------
    ExtensionError
        If the tutorial, its line or its file is not there.
    """
    tutorial, *keys = name.split(".")
    if tutorial == "real":
        if len(keys) < 3:
            raise ExtensionError(f"{name} is not real.STUDY.TUTORIAL.KEY")
        study, tutorial, *keys = keys
        path = Path(srcdir) / "real" / study / f"{tutorial}.json"
        try:
            result = load(path)
        except RecordError as err:
            raise ExtensionError(f"{name}: {err}") from err
        provenance = result.provenance.model_dump() | {"date": result.date}
        return path, {**result.contract, "provenance": provenance}, keys
    page = _generated(srcdir, tutorial)
    lines = CONTRACT_LINE.findall(page.read_text("utf-8"))
    if not lines:
        raise ExtensionError(f"{page.name} shows no contract of {tutorial}")
    return page, json.loads(lines[-1][0]), keys


def look_up(srcdir, name):
    """Value of a contract, from the line that the tutorial printed in this build.

    Parameters
    ----------
    srcdir : path-like
        Folder of the documentation's sources, with ``auto_examples/`` in it.
    name : str
        Tutorial and keys, separated by dots; a number is a place in a list:
        ``plot_73.accuracy_ci.full-finetune.0``. With ``real.nm000109.`` in front, the value of a
        run on that study, whose ``provenance`` is a key as well.

    Returns
    -------
    object
        Number, string or bool.

    Raises
    ------
    ExtensionError
        If the tutorial, its line or a key is not there, or the value is not a single one.
    """
    _, value, keys = source_of(srcdir, name)
    for key in keys:
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, ValueError, TypeError) as err:
            known = sorted(value) if isinstance(value, dict) else value
            raise ExtensionError(f"{name}: no {key!r}, there is {known}") from err
    if isinstance(value, dict | list):
        raise ExtensionError(f"{name} is not one value but {value}: add a key")
    return value


class Value(SphinxRole):
    """``:value:`plot_73.chance_level``` or, with a format, ``:value:`plot_73.chance_level|.2f```."""

    def run(self):
        """The number as text."""
        name, _, spec = self.text.partition("|")
        value = look_up(self.env.srcdir, name)
        self.env.note_dependency(str(source_of(self.env.srcdir, name)[0]))
        if not spec:
            spec = ".2f" if isinstance(value, float) else ""
        text = format(value, spec)
        if not isinstance(value, str):  # the hyphen of a word stays one
            text = text.replace("-", "\N{MINUS SIGN}")
        return [nodes.inline(text, text, classes=["value"])], []


def figure_lines(srcdir, word, number):
    """Restructured text of a figure of a tutorial, and the generated page it is on.

    Parameters
    ----------
    srcdir : path-like
        Folder of the documentation's sources.
    word : str
        Short name of the tutorial.
    number : int
        Place on its page, from 1.

    Returns
    -------
    tuple of (str, pathlib.Path)
        The text and the page.

    Raises
    ------
    ExtensionError
        If the page has no such figure.
    """
    page = _generated(srcdir, word)
    figures = {int(n): block for block, n in FIGURE.findall(page.read_text("utf-8"))}
    if number not in figures:
        raise ExtensionError(f"{page.stem} has figures {sorted(figures)}, not {number}")
    block = figures[number].rstrip().replace("\n", "\n   ")
    return f".. container:: figure-scroll\n\n   {block}\n\n", page


class TutorialFigure(SphinxDirective):
    """``.. tutorial-figure:: plot_80 2``: the second figure of a page, with its words and a link."""

    required_arguments = 2

    def run(self):
        """The figure, and where it was made."""
        word, number = self.arguments
        text, page = figure_lines(self.env.srcdir, word, int(number))
        self.env.note_dependency(str(page))
        return self.parse_text_to_nodes(
            f"{text}*Made by* :doc:`/auto_examples/{page.stem}`.\n"
        )


class ReadingOrder(SphinxDirective):
    """``.. reading-order::``: every tutorial, what to read before it, and its seconds in the last run."""

    def run(self):
        """A table."""
        folders = [Path(self.env.srcdir) / name for name in ("reference", "_build/runs")]
        for path in (path for folder in folders for path in folder.glob("*.json")):
            self.env.note_dependency(str(path))
        known = {k: v for folder in folders for k, v in records(folder).items()}
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: 50 35 15", ""]
        lines += ["   * - page", "     - read before", "     - seconds"]
        for page in sorted((Path(self.env.srcdir) / "auto_examples").glob("plot_*.rst")):
            self.env.note_dependency(str(page))
            needs = NEEDS.search(page.read_text("utf-8"))
            before = DOC.findall(needs[1]) if needs else []
            word = "_".join(page.stem.split("_")[:2])
            run = known.get(word)
            links = (
                ", ".join(f":doc:`/auto_examples/{name}`" for name in before) or "nothing"
            )
            lines += [f"   * - :doc:`/auto_examples/{page.stem}`", f"     - {links}"]
            lines += [f"     - {run['seconds']:.0f}" if run else "     - not measured"]
        return self.parse_text_to_nodes("\n".join(lines))


def citations(srcdir):
    """Which pages cite which work.

    Parameters
    ----------
    srcdir : path-like
        Folder of the documentation's sources.

    Returns
    -------
    dict of str to list of str
        Key of the bibliography -> names of documents, both sorted.
    """
    srcdir, found = Path(srcdir), {}
    for page in sorted(srcdir.rglob("*.rst")):
        if "_build" in page.parts:
            continue
        name = page.relative_to(srcdir).with_suffix("").as_posix()
        for group in CITE.findall(page.read_text("utf-8")):
            for key in group.split(","):
                found.setdefault(key.strip(), set()).add(name)
    return {key: sorted(pages) for key, pages in sorted(found.items())}


class CitedIn(SphinxDirective):
    """``.. cited-in::``: each work and the pages that cite it."""

    def run(self):
        """A list."""
        self.env.metadata[self.env.docname]["cites"] = True
        lines = []
        for key, pages in citations(self.env.srcdir).items():
            links = ", ".join(f":doc:`/{page}`" for page in pages)
            lines.append(f"- :cite:t:`{key}` in {links}")
        return self.parse_text_to_nodes("\n".join(lines))


def reread_citations(app, env, added, changed, removed):
    """A page with ``cited-in`` is read again when any other page was."""
    if not added | changed | removed:
        return []
    return [name for name, about in env.metadata.items() if about.get("cites")]


def setup(app):
    """Register role and directives."""
    app.connect("env-get-outdated", reread_citations)
    app.add_role("value", Value())
    app.add_directive("tutorial-figure", TutorialFigure)
    app.add_directive("reading-order", ReadingOrder)
    app.add_directive("cited-in", CitedIn)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
