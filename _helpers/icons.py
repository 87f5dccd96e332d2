"""Sphinx extension: the theme's icon fonts and style sheet, with what the site shows of them.

Whole, they are more than half of a page's weight. The icons are those that the theme's own files and
the configuration name; a test looks for every icon of the built pages. A rule of the style sheet stays
if the names in its selector are words of a page or a script; a test compares pages with the whole sheet.
"""

import functools
import itertools
import json
import re
from pathlib import Path

import pydata_sphinx_theme
import sphinx_gallery
import tinycss2
from fontTools import subset

from _helpers.pages import write_if_changed

THEME = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme"
STYLES = "styles/pydata-sphinx-theme.css"
FONTS = "vendor/fontawesome/webfonts"
NAME = re.compile(r"\bfa-([a-z0-9-]+)")
#: One icon's rule: its names, and its character as an escape.
RULE = re.compile(r'((?:\.fa-[\w-]+,)*\.fa-[\w-]+)\{--fa:"([^"]*)"\}')
#: In a selector: what stands in parentheses, a comma outside of them, a class or an id.
INNER, COMMA = re.compile(r"\([^()]*\)"), re.compile(r",(?![^(]*\))")
CHOSEN = re.compile(r"[.#]([A-Za-z_-][\w-]*)")


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


def _used(rules, words):
    """Text of the rules of which some selector can match."""
    for rule in rules:
        if rule.type == "qualified-rule":
            choices = COMMA.split(tinycss2.serialize(rule.prelude))
            known = (words.issuperset(CHOSEN.findall(INNER.sub("", c))) for c in choices)
            if kept := [*itertools.compress(choices, known)]:
                yield f"{','.join(kept)}{{{tinycss2.serialize(rule.content)}}}"
        elif rule.type == "at-rule" and rule.lower_at_keyword in ("media", "supports"):
            inner = tinycss2.parse_rule_list(rule.content, True, True)
            if inner := "".join(_used(inner, words)):
                yield f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{inner}}}"
        else:
            yield rule.serialize()


def _drop_rules(app, exception):
    """After the pages are written: style sheets, whole ones in every build, without rules that no page uses."""
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    files = [*out.rglob("*.html"), *out.glob("_static/**/*.js")]
    words = set().union(*(re.findall(r"[\w-]+", path.read_text("utf-8")) for path in files))
    for sheet in out.glob("_static/**/*.css"):
        rules = tinycss2.parse_stylesheet(sheet.read_text("utf-8"), True, True)
        write_if_changed(sheet, "".join(_used(rules, words)))


def setup(app):
    """Connect to Sphinx."""
    app.connect("builder-inited", subset_fonts)
    app.connect("build-finished", _drop_rules)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
