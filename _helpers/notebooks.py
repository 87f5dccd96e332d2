"""What travels with a download: notebooks that run alone, scripts that say what they miss.

sphinx-gallery makes a notebook of a script; here it learns to run without its siblings, it keeps what
the build printed and drew, and its Sphinx markup becomes the Markdown that Jupyter reads.
"""

import ast
import base64
import re
from urllib.parse import urljoin

import jinja2

from _helpers.pages import DOCS

ROLE = re.compile(
    r":((?:[a-z]+:)*[a-z]+):`(?:([^`<]+?)\s*<([^`>]+)>|~(?:[^`]*\.)?([^`.]+)|([^`]+))`"
)
#: sphinx-gallery turns an anonymous link of reStructuredText into Markdown with a line behind it.
LINK = re.compile(r"(\]\([^)\s]+\))_(?!\w)")
ADMONITION = r"^\.\. admonition:: (.+)\n(?:   :\w+:.*\n)*\n((?:(?:   .*)?\n)+)"
RAW = re.compile(r"^\.\. raw:: html\n\n((?:(?:   .*)?(?:\n|$))+)", re.M)
SUMMARY = re.compile(r"<summary>(.*?)</summary>", re.S)
#: Removes the extension of torchaudio that a CPU-only torch cannot load, and that nothing here uses.
CPU_TORCH = (
    'python -c "import pathlib, sysconfig; [p.unlink() for p in pathlib.Path('
    "sysconfig.get_paths()['platlib'], 'torchaudio', 'lib').glob('_torchaudio*.so')]\""
)
#: Import names that are not those of the package.
IMPORTED = {"scikit-learn": "sklearn", "pyyaml": "yaml"}
#: What sphinx-gallery writes before each block of a page but the first, and around what one printed.
BLOCK = re.compile(r"^\.\. GENERATED FROM PYTHON SOURCE LINES (\d+)-\d+\n", re.M)
PRINTED = re.compile(
    r"^\.\. rst-class:: sphx-glr-script-out\n\n \.\. code-block:: none\n\n((?: .*\n|\n)+)",
    re.M,
)
#: A folded cell in JupyterLab, in Colab and in Kaggle; and one whose output is folded as well.
FOLDED = {"jupyter": {"source_hidden": True}, "cellView": "form", "_kg_hide-input": True}
ALL_FOLDED = {
    **FOLDED,
    "jupyter": {"source_hidden": True, "outputs_hidden": True},
    "collapsed": True,
    "_kg_hide-output": True,
}
#: Signs that Markdown would read as markup.
MARKS = re.compile(r"([\\`*_<])")


def _cited(role, keys, bibliography):
    """Authors, year and link of works, as ``cite:t`` or ``cite:p`` says them."""
    links = []
    for key in keys.split(","):
        entry = bibliography.entries[key.strip()]
        names = [" ".join(p.last_names) for p in entry.persons["author"]]
        names = [name.replace("{", "").replace("}", "") for name in names]
        more = len(names) > 2 or names[-1] == "others"
        authors = f"{names[0]} et al." if more else " and ".join(names)
        year, doi, url = map(entry.fields.get, ("year", "doi", "url"))
        words = f"{authors} ({year})" if role == "cite:t" else f"{authors}, {year}"
        target = f"https://doi.org/{doi}" if doi else url
        links.append(f"[{words}]({target})" if target else words)
    return ", ".join(links) if role == "cite:t" else f"({'; '.join(links)})"


def plain_text(markdown, bibliography=None, site=""):
    """Say in Markdown what roles say: code in backticks, pages and works as links.

    Parameters
    ----------
    markdown : str
        Of a cell, with roles of Sphinx.
    bibliography : pybtex.database.BibliographyData, optional
        Of the works that are cited.
    site : str
        Address that links to pages start with.
    """

    def say(match):
        role, title, target, last, whole = match.groups()
        if role.startswith("cite:") and bibliography:
            return _cited(role, whole, bibliography)
        if role == "doc":
            page = target or whole
            words, page = title or page.rsplit("/", 1)[-1], page.lstrip("/")
            return f"[{words}]({urljoin(site, f'{page}.html')})" if site else words
        words = title or last or whole
        return words if role in ("term", "tag") else f"`{words}`"

    return LINK.sub(r"\1", ROLE.sub(say, markdown))


def _unfold(text):
    """Admonitions become quotes; the HTML around a folded solution becomes its title."""

    def quote(match):
        lines = [f"> {line[3:]}".rstrip() for line in match[2].rstrip().split("\n")]
        return "\n".join([f"> **{match[1]}**", ">", *lines]) + "\n\n"

    def fold(match):
        if (summary := SUMMARY.search(match[1])) is None:
            return ""
        words = " ".join(summary[1].split())
        return f"**{words}** (the next cell is folded: open it)\n\n"

    return RAW.sub(fold, re.sub(ADMONITION, quote, text, flags=re.M))


def standalone(
    content,
    modules,
    pins,
    *,
    bibliography=None,
    site="",
    questions=(),
    answer="",
    outputs=None,
):
    """Make a notebook run alone, and be read without a run.

    Parameters
    ----------
    content : dict
        A notebook of sphinx-gallery.
    modules : dict of str to pathlib.Path
        Path beside the notebook, such as ``"_study/find.py"``, and the file that has to be there.
        One folded cell before the lesson writes them all.
    pins : list of str
        Packages, such as ``"numpy==2.0"``; the same cell installs those that are missing.
    bibliography : pybtex.database.BibliographyData, optional
        Of the works that the notebook cites.
    site : str
        Address of the site, for links to its pages.
    questions : iterable of (str, str)
        Kind and key of a number, and the question about it: a cell to answer before the run.
    answer : str
        Markdown below the title.
    outputs : list of list of dict, optional
        What each code cell gave in the build, as a notebook keeps it.

    Returns
    -------
    dict
        The notebook.
    """
    cells = _lesson(content["cells"], outputs, bibliography, site)
    # After the title, before the words that belong to the first code cell.
    code = [i for i, cell in enumerate(cells) if cell["cell_type"] == "code"]
    first = min(1, *code) if code else len(cells)
    front = [_markdown(answer)] if answer else []
    if modules:
        packages = _filled("alone.md.jinja", pins=pins)
        front += [_markdown(packages), _first_cell(modules, pins)]
    for spec, question in dict(questions).items():
        key = spec.split(" ", 1)[1]
        compare = f"Afterwards compare with `{key}` in the line that ends this notebook."
        ask = f"**Predict before you run.** {question}\n\nYour answer:\n\n{compare}"
        front.append(_markdown(ask))
    cells[first:first] = front
    count = 0
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number:03d}"
        if outputs is not None and cell["cell_type"] == "code":
            count += 1
            cell["execution_count"] = count
    return {**content, "cells": cells, "nbformat": 4, "nbformat_minor": 5}


def _lesson(cells, outputs, bibliography, site):
    """Cells of sphinx-gallery in plain Markdown, solutions folded, with what each code cell gave."""
    lesson, solution = [], ""
    n_code = sum(cell["cell_type"] == "code" for cell in cells)
    left = [[] for _ in range(n_code)] if outputs is None else list(outputs)
    if len(left) != n_code:
        raise ValueError(f"{n_code} code cells, but outputs of {len(left)}")
    for cell in cells:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            opened, closed = text.rfind("<details"), text.rfind("</details>")
            if opened > closed:
                title = SUMMARY.search(text, opened)
                solution = " ".join(title[1].split()) if title else "Solution"
            elif closed >= 0:
                solution = ""
            if text := plain_text(_unfold(text), bibliography, site).strip():
                lesson.append(_markdown(text))
        else:
            made = _code(text, solution, ALL_FOLDED if solution else {})
            lesson.append({**made, "outputs": left.pop(0)})
    return lesson


def _markdown(text):
    return {"cell_type": "markdown", "metadata": {}, "source": [text]}


def _code(text, title="", metadata=()):
    """A code cell; a title is what Colab shows of a folded one."""
    source = [f"#@title {title}\n{text}" if title else text]
    cell = {"cell_type": "code", "execution_count": None, "metadata": dict(metadata)}
    return {**cell, "outputs": [], "source": source}


def _first_cell(modules, pins):
    """The folded cell that installs what is missing and writes the modules."""
    needs = {}
    for pin in pins:
        package = pin.split("==")[0]
        needs[IMPORTED.get(package, package.replace("-", "_"))] = pin
    texts = {name: literal(path.read_bytes()) for name, path in modules.items()}
    text = _filled("first_cell.py.jinja", needs=needs, texts=texts)
    title = "Run this cell first: it installs what is missing and writes the modules"
    return _code(text.rstrip(), title, FOLDED)


def literal(content):
    """Python that gives the text of a file again, byte for byte, and can be read if possible.

    Parameters
    ----------
    content : bytes
        In UTF-8.

    Returns
    -------
    str
        A raw string over several lines; an escaped one where a raw one cannot say the same.
    """
    text = content.decode()
    for quotes in ("'''", '"""'):
        raw = f"r{quotes}{text}{quotes}"
        try:
            same = ast.literal_eval(raw) == text
        except (SyntaxError, ValueError):
            continue
        if same:
            return raw
    return repr(text)


def answer_cell(sentence, data, where):
    """What the box above a page says, for the cell below the title of its notebook.

    Parameters
    ----------
    sentence : str
        The answer, as text.
    data : str
        What the contract says about its data, such as ``"simulated"``.
    where : str
        Address of the page.
    """
    told = {"sentence": MARKS.sub(r"\\\1", sentence), "data": data, "where": where}
    return _filled("answer.md.jinja", **told).strip()


def outputs_of(page, figures, folder):
    """What the blocks of a page printed and drew in the build, as a notebook keeps it.

    Parameters
    ----------
    page : str
        Restructured text that sphinx-gallery made of a script when it ran.
    figures : list of dict
        ``file``, ``alt`` and ``width`` of each figure, as `gallery.scraper` describes it.
    folder : pathlib.Path
        That the names of the files start from.

    Returns
    -------
    dict of int to list of dict
        First line of a block in the script -> outputs of a code cell.
    """
    _, *parts = BLOCK.split(page)
    outputs = {}
    for line, part in zip(parts[::2], parts[1::2], strict=True):
        shown = outputs.setdefault(int(line), [])
        if printed := PRINTED.search(part):
            text = re.sub("^    ", "", printed[1], flags=re.M).rstrip() + "\n"
            lines = text.splitlines(keepends=True)
            shown.append({"output_type": "stream", "name": "stdout", "text": lines})
        for figure in figures:
            if f"/{figure['file']}\n" in part:
                picture = folder / picture_of(figure["file"])
                shown.append(_image(picture.read_bytes(), figure["alt"], figure["width"]))
    return outputs


def picture_of(figure):
    """Name of the PNG of a figure.

    JupyterLab shows no SVG of a notebook that is not trusted, and a downloaded one is not; GitHub
    and nbviewer draw some of them black.
    """
    return figure.removesuffix(".svg") + "_notebook.png"


def _image(png, alt, width):
    """A figure as the output of a cell; a screen of many dots shows it at the size of the site."""
    data = {"image/png": base64.b64encode(png).decode(), "text/plain": [alt]}
    metadata = {"image/png": {"width": width, "alt": alt}}
    return {"output_type": "display_data", "data": data, "metadata": metadata}


def _filled(template, **known):
    """Text of a template of the documentation."""
    text = (DOCS / "_templates" / template).read_text("utf-8")
    return jinja2.Template(text, keep_trailing_newline=True, trim_blocks=True).render(known)


def guarded(source, script, modules, where):
    """Make a script say at once what it misses, and show its figures at the end.

    Parameters
    ----------
    source : str
        Of the script.
    script : str
        Its name.
    modules : list of str
        Names that must be there to import: modules and packages beside it.
    where : str
        Address of its page.
    """
    if not modules:
        return source
    end = re.search(r'\A(?:#.*\n)*\s*r?"""(?:.|\n)*?"""\n', source).end()
    known = {"head": source[:end], "rest": source[end:], "script": script}
    return _filled("script.py.jinja", **known, modules=modules, where=where)


def readme(title, scripts):
    """README.md of a zip: the two lines to run, and the cure for a CPU-only torch.

    Parameters
    ----------
    title : str
        Of the zip.
    scripts : list of str
        Scripts and notebooks to start with; the first script is run.
    """
    first = next((name for name in scripts if name.endswith(".py")), None)
    run = f"python {first}" if first else f"jupyter lab {scripts[0]}"
    extra = "" if first else " jupyterlab"
    start = "\n".join(f"- `{name}`" for name in scripts)
    known = {"title": title, "run": run, "extra": extra, "start": start}
    return _filled("readme.md.jinja", **known, cure=CPU_TORCH)
