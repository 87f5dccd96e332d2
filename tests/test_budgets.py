"""The budgets of the design, counted from the sources: what is too large today may only shrink."""

import ast
import io
import re
import tokenize
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "examples").glob("plot_*.py"))
SIBLINGS = sorted((ROOT / "examples").glob("_*.py"))
HELPERS = sorted((ROOT / "_helpers").rglob("*.py"))
#: Largest number of each kind.
BUDGET = {
    "lines": 350,
    "code": 150,
    "headings": 8,
    "words first": 120,
    "cell": 15,
    "functions": 5,
    "figure": 150,
    "module": 350,
    "_helpers": 4000,
    "floors": 5,
    "circles": 0,
    "sys.path": 0,
    "private": 0,
}
#: Where another number holds for good.
OTHER = {
    ("module", "examples/_study/simulated/signals.py"): 480,
    ("module", "docs/conf.py"): 130,
}
#: What is over its budget today, with its present size. Numbers here only fall; a line that is
#: within its budget is deleted.
TODAY = {}


def code_lines(text):
    """Numbers of the lines that hold code: no comment, no blank line, not the docstring on top."""
    skip = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT)
    lines = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in (*skip, tokenize.DEDENT, tokenize.ENDMARKER):
            lines.update(range(token.start[0], token.end[0] + 1))
    first = ast.parse(text).body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        lines -= set(range(first.lineno, first.end_lineno + 1))
    return lines


def words(text):
    """Number of words of prose: without roles, targets of links, directives, tags and underlines."""
    drop = r"^Tags: .*$|^\.\. [\w:-]+::|^ +:\w+:.*$|:[a-z:]+:(?=`)|<[^>]*>"
    return len(re.findall(r"[A-Za-z][\w'’.-]*", re.sub(drop, " ", text, flags=re.M)))


def page_sizes(path):
    """What is counted on one tutorial."""
    text = path.read_text("utf-8")
    lines = text.splitlines()
    code = code_lines(text)
    marks = [n for n, line in enumerate(lines, 1) if line == "# %%"]
    ends = [*marks[1:], len(lines) + 1]
    cells = [len(code & set(range(a, b))) for a, b in zip(marks, ends, strict=True)]
    headings = sum(bool(re.fullmatch(r"# (-+|=+|~+)", line)) for line in lines)
    first = "\n".join(
        line.removeprefix("#").strip() for line in lines[marks[0] : min(code) - 1]
    )
    functions = [
        node
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    return {
        "lines": len(lines),
        "code": len(code),
        "headings": headings,
        "words first": words(ast.get_docstring(ast.parse(text)) + "\n" + first),
        "cell": max(cells),
        "functions": len(functions),
    }


def imports(path):
    """Modules of ``_helpers`` that a module of it imports, wherever in its text."""
    names = {module_name(p) for p in HELPERS}
    found = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return (found & names) - {module_name(path), "_helpers"}


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def floor_of(name, graph, circles, above=()):
    """How many modules stand on each other under one, itself included; circles are noted."""
    if name in above:
        circles.add(frozenset(above[above.index(name) :]))
        return 0
    under = [floor_of(other, graph, circles, (*above, name)) for other in graph[name]]
    return 1 + max(under, default=0)


def private_names(tree):
    """Private names of other modules that a module uses: ``_runtime.setup`` is a public one."""
    modules = {path.stem for path in [*SIBLINGS, *HELPERS]}
    used = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id in modules
        and re.match("_(?!_)", node.attr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[-1] in modules:
            names = {alias.name for alias in node.names} - modules
            used |= {f"{node.module}.{name}" for name in names if name.startswith("_")}
    return used


def repeated(paths):
    """Bodies of six lines or more that stand twice: first line, and where."""
    where = {}
    blocks = ast.FunctionDef | ast.With | ast.For | ast.If | ast.Try
    for path in paths:
        nodes = ast.walk(ast.parse(path.read_text("utf-8")))
        for body in (node.body for node in nodes if isinstance(node, blocks)):
            for start, first in enumerate(body):
                if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                    continue  # a docstring
                for stop, last in enumerate(body[start:], start + 1):
                    if last.end_lineno - first.lineno >= 5:
                        text = "\n".join(map(ast.unparse, body[start:stop]))
                        where.setdefault(text, set()).add((path.name, first.lineno))
                        break
    return {text.split("\n")[0]: sorted(at) for text, at in where.items() if len(at) > 1}


def sizes():
    """Every counted thing: (kind, what) -> its size."""
    found = {}
    for path in PAGES:
        for kind, size in page_sizes(path).items():
            found[kind, path.name] = size
    for path in [*SIBLINGS, *HELPERS, ROOT / "docs" / "conf.py"]:
        name = path.relative_to(ROOT).as_posix()
        kind = "figure" if name.endswith("_figure.py") else "module"
        found[kind, name] = len(path.read_text("utf-8").splitlines())
    found["_helpers", "all"] = sum(len(p.read_text("utf-8").splitlines()) for p in HELPERS)
    graph = {module_name(path): imports(path) for path in HELPERS}
    circles = set()
    found["floors", "_helpers"] = max(floor_of(name, graph, circles) for name in graph)
    found["circles", "_helpers"] = len(circles)
    for path in [*SIBLINGS, *PAGES, *HELPERS]:
        tree = ast.parse(path.read_text("utf-8"))
        name = path.relative_to(ROOT).as_posix()
        bent = sum(ast.unparse(node) == "sys.path" for node in ast.walk(tree))
        # One room leads into examples/.
        found["sys.path", name] = bent if name != "_helpers/pages.py" else 0
        found["private", name] = len(private_names(tree))
    return found


def test_nothing_is_over_its_budget_or_larger_than_it_was():
    found = sizes()
    over = {
        key: size
        for key, size in found.items()
        if size > OTHER.get(key, BUDGET[key[0]]) and size > TODAY.get(key, 0)
    }
    assert not over, f"over budget, and larger than TODAY says: {over}"
    stale = {
        key: found.get(key)
        for key, size in TODAY.items()
        if found.get(key) != size or size <= OTHER.get(key, BUDGET[key[0]])
    }
    assert not stale, (
        f"smaller now: write these numbers into TODAY, or delete them: {stale}"
    )


def test_a_body_is_written_once():
    # The loop stands on the fine-tuning page as well; test_training.py compares the two.
    assert not repeated(
        [p for p in [*SIBLINGS, *PAGES, *HELPERS] if p.name != "_model/training.py"]
    )


def test_the_counting_counts(tmp_path):
    page = tmp_path / "plot_99_x.py"
    page.write_text(
        '"""\nTitle\n=====\n\nTwo words.\n"""\n\n# %%\n# Head\n# ----\n# Three more words.\n'
        "import os\n\n\ndef f():\n    return 1  # a comment\n\n# %%\n# words\nx = 1\n"
    )
    assert page_sizes(page) == {
        "lines": 20,
        "code": 4,
        "headings": 1,
        "words first": 7,
        "cell": 3,
        "functions": 1,
    }
    assert Counter(code_lines("a = [\n  1,\n]\n")) == Counter({1: 1, 2: 1, 3: 1})
