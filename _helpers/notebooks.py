"""What travels with a download: notebooks that run alone, scripts that say what they miss.

sphinx-gallery makes a notebook of a script; here it learns to run without its siblings, and its
Sphinx markup becomes the Markdown that Jupyter reads.
"""

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
    """Say in Markdown what roles say: code in backticks, pages and works as links."""

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


def standalone(content, modules, pins, bibliography=None, site="", questions=()):
    """Make a notebook run alone: one folded ``%%writefile`` cell for each sibling.

    Each question, a pair of its kind and key and its words, is a cell to answer before the run.
    """
    hidden = {"jupyter": {"source_hidden": True}}
    cells, in_solution = [], False
    for cell in content["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            opened, closed = text.rfind("<details"), text.rfind("</details>")
            in_solution = opened > closed if max(opened, closed) >= 0 else in_solution
            if text := plain_text(_unfold(text), bibliography, site).strip():
                cells.append({**cell, "source": [text]})
        else:
            folded = hidden if in_solution else {}
            cells.append({**cell, "metadata": folded, "source": [text]})
    words = (
        "**This notebook runs alone.** The first of the folded cells installs what "
        "is missing; the others write the modules that it imports into its own folder. The packages are\n\n"
        f"```console\n$ python -m pip install {' '.join(pins)}\n```"
    )
    carried = [{"cell_type": "markdown", "metadata": {}, "source": [words]}]
    needs = {
        IMPORTED.get(p.split("==")[0], p.split("==")[0].replace("-", "_")): p for p in pins
    }
    cell = {"cell_type": "code", "execution_count": None, "outputs": []}
    carried.append(
        {**cell, "metadata": hidden, "source": [_filled("install.py.jinja", needs=needs)]}
    )
    for name, path in modules.items():
        text = f"%%writefile {name}\n{path.read_text('utf-8')}".rstrip("\n")
        carried.append({**cell, "metadata": hidden, "source": [text]})
    # After the title, before the words that belong to the first code cell.
    code = [i for i, cell in enumerate(cells) if cell["cell_type"] == "code"]
    first = min(1, *code) if code else len(cells)
    if modules:
        cells[first:first] = carried
    for spec, question in reversed([*dict(questions).items()]):
        where = f"Afterwards compare with `{spec.split(' ', 1)[1]}` in the line that ends this notebook."
        words = f"**Predict before you run.** {question}\n\nYour answer:\n\n{where}"
        cell = {"cell_type": "markdown", "metadata": {}, "source": [words]}
        cells.insert(first + len(carried) * bool(modules), cell)
    cells = [{**cell, "id": f"cell-{number:03d}"} for number, cell in enumerate(cells)]
    return {**content, "cells": cells, "nbformat": 4, "nbformat_minor": 5}


def _filled(template, **known):
    """Text of a template of the documentation."""
    text = (DOCS / "_templates" / template).read_text("utf-8")
    return jinja2.Template(text, keep_trailing_newline=True, trim_blocks=True).render(known)


def guarded(source, script, modules, where):
    """Make a script say at once what it misses, and show its figures at the end."""
    if not modules:
        return source
    end = re.search(r'\A(?:#.*\n)*\s*r?"""(?:.|\n)*?"""\n', source).end()
    known = {"head": source[:end], "rest": source[end:], "script": script}
    return _filled("script.py.jinja", **known, modules=modules, where=where)


def readme(title, scripts):
    """README.md of a zip: the two lines to run, and the cure for a CPU-only torch."""
    first = next((name for name in scripts if name.endswith(".py")), None)
    run = f"python {first}" if first else f"jupyter lab {scripts[0]}"
    extra = "" if first else " jupyterlab"
    start = "\n".join(f"- `{name}`" for name in scripts)
    known = {"title": title, "run": run, "extra": extra, "start": start}
    return _filled("readme.md.jinja", **known, cure=CPU_TORCH)
