"""Rules of DESIGN that a linter does not know, read from the syntax tree. No torch."""

import ast
import itertools
import re

import pytest

from _helpers.pages import EXAMPLES, ROOT
from tools import HELPERS, PAGES, PRIVATE, imported_tops

#: First parts of the names of private modules.
ROOMS = {path.relative_to(EXAMPLES).parts[0].removesuffix(".py") for path in PRIVATE}


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_page_keeps_the_rules(path):
    text = path.read_text("utf-8")
    lines = text.splitlines()
    tree = ast.parse(text)
    markers = [line for line in lines if line.startswith("# %%")]
    assert set(markers) == {"# %%"}, "cell markers are a bare '# %%'"
    for above, below in itertools.pairwise(lines):
        assert not (below == "# %%" and above.startswith("#")), (
            "a comment is glued to a cell marker"
        )
    assert "# sphinx_gallery_" not in text.split("# %%")[0]
    first_cell = text.split("# %%")[1]
    for sibling in imported_tops(tree) & ROOMS:
        assert re.search(rf"^(import|from) {sibling}\b", first_cell, re.M), (
            f"import {sibling} in the first cell"
        )
    calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call)]
    spoken = [ast.unparse(call.func) for call in calls]
    assert "hash" not in spoken, "hash() differs between processes"
    assert not {
        "warnings.filterwarnings",
        "warnings.simplefilter",
        "sys.path.insert",
    } & set(spoken)
    assert not any(isinstance(n, ast.Assert) for n in ast.walk(tree)), (
        "an assert speaks to a robot"
    )
    last = tree.body[-1]
    assert ast.unparse(last).startswith("print(json.dumps("), (
        "the last statement prints the contract"
    )


@pytest.mark.parametrize("path", PAGES, ids=lambda p: p.name)
def test_every_citation_has_a_record_and_none_is_typed_by_hand(path):
    text = path.read_text("utf-8")
    keys = {
        k.strip()
        for group in re.findall(r":cite:[tp]:`([^`]+)`", text)
        for k in group.split(",")
    }
    records = set(
        re.findall(r"^@\w+\{(\w+),", (ROOT / "refs.bib").read_text("utf-8"), re.M)
    )
    assert keys, "a page cites what it leans on"
    assert keys <= records
    assert "doi.org" not in text
    assert not re.search(r"\bet al\b", text)


@pytest.mark.parametrize(
    "path", [p for p in PRIVATE if p.name.endswith("_figure.py")], ids=lambda p: p.name
)
def test_figure_modules_only_draw(path):
    text = path.read_text("utf-8")
    known = {"matplotlib", "numpy", "_figure_style"}
    assert imported_tops(ast.parse(text)) <= known
    drawing = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
    ]
    assert drawing
    for function in drawing:  # the frame gets the words: alt among them, or no figure
        frame = [
            call
            for call in ast.walk(function)
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "page_figure"
        ]
        assert len(frame) == 1, function.name
        passed = [ast.unparse(k.value) for k in frame[0].keywords if k.arg is None]
        assert function.args.kwarg.arg in passed, function.name
    assert not re.search(r"#[0-9A-Fa-f]{6}\b|figsize|\.set_label\(", text), (
        "colours, size and words are those of _figure_style"
    )
    assert not re.search(
        r"np\.(mean|std|quantile|percentile|median)|bootstrap|\.mean\(", text
    ), "metrics belong to the page"


def test_no_frame_without_title_source_and_words():
    tree = ast.parse((EXAMPLES / "_figure_style.py").read_text("utf-8"))
    (frame,) = (n for n in tree.body if getattr(n, "name", None) == "page_figure")
    asked = zip(frame.args.kwonlyargs, frame.args.kw_defaults, strict=True)
    required = {name.arg for name, default in asked if default is None}
    assert {"title", "provenance", "alt"} <= required
    assert "fig.set_label(alt)" in map(ast.unparse, frame.body)


def test_docs_name_no_machine():
    tracked = [
        *ROOT.glob("*.md"),
        *ROOT.glob("docs/*.rst"),
        *ROOT.glob("docs/concepts/*.rst"),
        *ROOT.glob("docs/real/*.rst"),
        *PAGES,
        *PRIVATE,
        *HELPERS,
    ]
    for path in tracked:
        assert not re.search(r"/(home|root|work|Users)/\w", path.read_text("utf-8")), (
            path.name
        )


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.stem)
def test_a_page_needs_only_pages_before_it(page):
    """The number is the reading order, on the site and in the folder."""
    text = page.read_text("utf-8").partition("# %%")[0]
    (needs,) = re.findall(r"^You need: (.*?)\n\n", text, re.M | re.S)
    own = int(page.stem.split("_")[1])
    named = [int(number) for number in re.findall(r"auto_examples/plot_(\d+)", needs)]
    assert all(number < own for number in named), needs
    if page.stem != "plot_10_preprocess_and_window":
        assert named, "name the page to read before"
