"""Which module knows which: rooms of ``examples/`` and ``_helpers/``, read from the syntax trees."""

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from _helpers.pages import EXAMPLES, ROOT
from tools import HELPERS, PAGES, PRIVATE, dotted, imported_tops

DOOR = "_study"


MODULES = {dotted(path): path for path in [*PAGES, *PRIVATE, *HELPERS]}
TREES = {name: ast.parse(path.read_text("utf-8")) for name, path in MODULES.items()}


def module_of(name, modules=MODULES):
    """The module in which a dotted name lies, and what is left: ``_a.b.c`` -> ``_a.b``, ``c``."""
    parts = name.split(".")
    for n in range(len(parts), 0, -1):
        if ".".join(parts[:n]) in modules:
            return ".".join(parts[:n]), ".".join(parts[n:])
    return None, name


def used_names(tree, modules=MODULES):
    """Every name of our modules that a module imports or reaches by a dot: (module, name)."""
    bound, used = {}, set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
                used.add(module_of(alias.name, modules))
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                used.add(module_of(name, modules))
                if name in modules:
                    bound[alias.asname or alias.name] = name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            root, _, rest = ast.unparse(node).partition(".")
            if root in bound and re.fullmatch(r"[\w.]+", rest):
                module, name = module_of(f"{bound[root]}.{rest}", modules)
                used.add((module, name.split(".")[0]))
    return {(module, name) for module, name in used if module}


USED = {name: used_names(tree) for name, tree in TREES.items()}
GRAPH = {name: {other for other, _ in USED[name]} - {name} for name in MODULES}


def rooms_of(graph):
    """The same graph with a package as one room."""
    rooms = defaultdict(set)
    for name, others in graph.items():
        room = name.split(".")[0]
        rooms[room] |= {other.split(".")[0] for other in others} - {room}
    return dict(rooms)


def floors(graph):
    """Floor of each room, 1 for what stands on nothing, and the circles that were met."""
    known, circles = {}, set()

    def floor(name, above):
        if name in above:
            circles.add(frozenset(above[above.index(name) :]))
            return 0
        if name not in known:
            under = [floor(other, (*above, name)) for other in sorted(graph[name])]
            known[name] = 1 + max(under, default=0)
        return known[name]

    for name in sorted(graph):
        floor(name, ())
    return known, circles


def reached(name, graph):
    """Everything that a module imports, directly or through another."""
    seen, todo = set(), [name]
    while todo:
        new = graph[todo.pop()] - seen
        seen |= new
        todo += new
    return seen


def part(graph, keep):
    """The graph of some modules."""
    names = {name for name in graph if keep(name)}
    return {name: graph[name] & names for name in names}


TRAVELS = part(GRAPH, lambda name: not name.startswith("_helpers"))
BUILDS = part(GRAPH, lambda name: name.startswith("_helpers") and name != "_helpers")


def test_the_folder_of_the_tutorials_can_be_taken_in_at_a_glance():
    entries = {
        path.name
        for path in EXAMPLES.iterdir()
        if path.name not in ("__pycache__", "eegdash_cache")
    }
    tops = {path.relative_to(EXAMPLES).parts[0] for path in [*PAGES, *PRIVATE]}
    assert entries == tops | {"GALLERY_HEADER.rst"}
    assert len(entries) <= 42


def test_five_floors_with_the_pages_on_top():
    known, circles = floors(rooms_of(TRAVELS))
    assert not circles
    assert max(known.values()) <= 5, {n: floor for n, floor in known.items() if floor > 5}


@pytest.mark.parametrize(
    "package", sorted({name.split(".")[0] for name in TRAVELS if "." in name})
)
def test_no_circle_in_a_package(package):
    _, circles = floors(part(GRAPH, lambda name: name.split(".")[0] == package))
    assert not circles


def test_the_helpers_stand_on_five_floors_without_a_circle():
    known, circles = floors(BUILDS)
    assert not circles
    assert max(known.values()) <= 5, {n: floor for n, floor in known.items() if floor > 5}


def test_what_is_known_of_studies_needs_no_simulation():
    above = reached("_study.catalogue", TRAVELS)
    assert not [name for name in above if name.startswith("_study.simulated")]


def test_every_private_module_is_reached_from_a_page():
    pages = {dotted(path) for path in PAGES}
    all_reached = set().union(*(reached(page, TRAVELS) for page in pages))
    packages = {name.rpartition(".")[0] for name in all_reached}
    assert set(TRAVELS) - pages - packages == all_reached - packages


def defined(tree):
    """Names that a module makes itself."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.For | ast.With):
            names |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    return names


def test_nothing_is_passed_on_but_by_the_door():
    makes = {name: defined(tree) for name, tree in TREES.items()}
    passed_on = {
        f"{user} takes {name} from {module}"
        for user in MODULES
        for module, name in USED[user]
        if re.match("(?!__).", name) and module in TRAVELS and module != DOOR
        if name not in makes[module]
    }
    assert not passed_on
    assert {name for name in TRAVELS if "__all__" in makes[name]} <= {DOOR}


def pinned():
    """Packages of ``requirements.txt``, as they are imported."""
    lines = (ROOT / "requirements.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", pin) for pin in pins), pins
    names = {pin.split("==")[0].replace("-", "_") for pin in pins}
    return names - {"scikit_learn", "pyyaml"} | {"sklearn", "yaml"}


def test_what_travels_imports_only_pins_and_siblings():
    """Pin it in requirements.txt, or put it beside."""
    siblings = {name.split(".")[0] for name in TRAVELS}
    known = pinned() | set(sys.stdlib_module_names) | siblings
    unknown = {name: imported_tops(TREES[name]) - known for name in TRAVELS}
    assert not {name: tops for name, tops in unknown.items() if tops}
    assert not [n for n in TRAVELS if "_helpers" in MODULES[n].read_text("utf-8")]


def test_nobody_bends_the_path():
    """One room leads into ``examples/``."""
    bent = {
        name
        for name, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "sys.path"
    }
    assert bent == {"_helpers.pages"}


def test_nobody_looks_into_another_module():
    inside = {
        f"{user} uses {module}.{name}"
        for user in MODULES
        for module, name in USED[user]
        if module != user and re.match("_(?!_)", name)
    }
    assert not inside


# ------------------------------------------------------------------------ the reading of the trees


def test_names_are_followed_to_their_module():
    modules = dict.fromkeys(("_a", "_a.b", "_c"))
    text = (
        "import _a.b\nimport _c as c\nfrom _a import b\nfrom _a.b import x as y\n"
        "_a.b.one(); c.two.three; b.four['five'].six; y.seven; other._a\n"
    )
    expected = {("_a.b", name) for name in ("", "x", "one", "four")}
    expected |= {("_c", ""), ("_c", "two")}
    assert used_names(ast.parse(text), modules) - {("_a", "")} == expected


def test_floors_and_circles_are_found():
    known, circles = floors({"a": {"b", "c"}, "b": {"c"}, "c": set()})
    assert known == {"a": 3, "b": 2, "c": 1}
    assert not circles
    assert floors({"a": {"b"}, "b": {"a"}})[1] == {frozenset("ab")}
    assert rooms_of({"p.a": {"p.b", "q"}, "p.b": set(), "q": {"p.a"}}) == {
        "p": {"q"},
        "q": {"p"},
    }
    assert reached("a", {"a": {"b"}, "b": {"c"}, "c": set()}) == {"b", "c"}


def test_what_a_module_makes_is_known():
    text = (
        "import x\nfrom y import z\nA, B = 1, 2\nc: int = 3\ndef f(): pass\nclass G: pass\n"
    )
    assert defined(ast.parse(text)) - {"int"} == {"A", "B", "c", "f", "G"}
    assert Path(MODULES["_study"]).name == "__init__.py"
