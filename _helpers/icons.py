"""Sphinx extension: the theme's icon fonts and style sheet, with the few icons that the site shows.

Whole, they are more than half of a page's weight. The icons are those that the theme's own files and
the configuration name; a test looks for every icon of the built pages.
"""

import functools
import json
import re
from pathlib import Path

import pydata_sphinx_theme
import sphinx_gallery
from fontTools import subset

from _helpers.pages import write_if_changed

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"
STYLES = "styles/pydata-sphinx-theme.css"
FONTS = "vendor/fontawesome/webfonts"
NAME = re.compile(r"\bfa-([a-z0-9-]+)")
#: One icon's rule: its names, and its character as an escape.
RULE = re.compile(r'((?:\.fa-[\w-]+,)*\.fa-[\w-]+)\{--fa:"([^"]*)"\}')


def _style_sheet():
    return (THEME / "static" / STYLES).read_text("utf-8")


@functools.cache
def named(name):
    """Code point of an icon, e.g. of ``"house"``; None where the theme has no such icon."""
    codes = [
        rule[2] for rule in RULE.finditer(_style_sheet()) if name in NAME.findall(rule[1])
    ]
    code = codes[-1] if codes else ""
    return int(code[1:], 16) if re.fullmatch(r"\\[0-9a-f]+", code) else None


def subset_fonts(app):
    """Before the build: write the small files into a static folder of their own."""
    parts = Path(sphinx_gallery.__file__).parent.glob("components/*.html")
    files = [*THEME.rglob("*.html"), *parts, *THEME.glob("static/scripts/*-theme.js")]
    words = " ".join(path.read_text("utf-8") for path in sorted(files))
    used = set(NAME.findall(words + json.dumps(app.config.html_theme_options)))
    style, out = _style_sheet(), Path(app.srcdir) / "_build" / "icons"
    shown = lambda rule: rule[0] if used & set(NAME.findall(rule[1])) else ""  # noqa: E731
    write_if_changed(out / STYLES, RULE.sub(shown, style))
    # The style sheet itself writes some, as characters.
    wanted = {ord(character) for character in re.findall("[\ue000-\uf8ff]", style)}
    wanted |= {code for name in used if (code := named(name))}
    characters = ",".join(f"{code:x}" for code in sorted(wanted))
    drop = ["--layout-features=", "--notdef-outline", "--flavor=woff2"]
    for source in sorted((THEME / "static" / FONTS).glob("*.woff2")):
        path = out / FONTS / source.name
        path.parent.mkdir(parents=True, exist_ok=True)
        ends = [f"--unicodes={characters}", f"--output-file={path}"]
        subset.main([str(source), *ends, *drop])
    app.config.html_static_path.append(str(out))


def setup(app):
    """Connect to Sphinx."""
    app.connect("builder-inited", subset_fonts)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
