"""Nothing that no page reaches travels in a download: every public name of a private module is used by some page."""

import ast
import symtable
from dataclasses import dataclass, field

from tools import PAGES, PRIVATE, dotted


@dataclass
class Module:
    """What a file defines, imports and does at its top level.

    Attributes
    ----------
    defines : dict of str to set of str
        Name of a function, class or constant -> dotted names that its code uses.
    imports : dict of str to str
        Name in this file -> dotted name that it stands for.
    does : set of str
        Dotted names that are used when the file is imported, whatever is taken from it.
    """

    defines: dict = field(default_factory=dict)
    imports: dict = field(default_factory=dict)
    does: set = field(default_factory=set)


def global_names(table):
    """Names that a scope and the scopes in it take from the top of their file."""
    names = {s.get_name() for s in table.get_symbols() if s.is_global()}
    return names.union(*(global_names(inner) for inner in table.get_children()))


def used_in(node, names=None):
    """Dotted names that some code uses, those that begin with a global name.

    Parameters
    ----------
    node : ast.AST
        The code.
    names : set of str or None
        The global names; None takes all, as at the top of a file.
    """
    used = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Name | ast.Attribute) and isinstance(part.ctx, ast.Load):
            dotted = ast.unparse(part)
            plain = dotted.replace(".", "").isidentifier()
            if plain and (names is None or dotted.split(".")[0] in names):
                used.add(dotted)
    return used


def at_once(node):
    """Parts of a definition that are read where it stands: decorators, defaults, bases."""
    if isinstance(node, ast.ClassDef):
        return [*node.decorator_list, *node.bases]
    return [*node.decorator_list, node.args]


def targets(node):
    """Names that a statement at the top of a file gives a value to."""
    places = node.targets if isinstance(node, ast.Assign) else [node.target]
    return [n.id for place in places for n in ast.walk(place) if isinstance(n, ast.Name)]


def imported(node):
    """Names that an import statement binds, and what they stand for."""
    if isinstance(node, ast.Import):
        plain = {a.name.split(".")[0]: a.name.split(".")[0] for a in node.names}
        return plain | {a.asname: a.name for a in node.names if a.asname}
    return {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}


def read_module(text):
    """What a file defines, imports and does.

    Parameters
    ----------
    text : str
        Its source.

    Returns
    -------
    Module
        The names.
    """
    module, tree = Module(), ast.parse(text)
    scopes = {
        (scope.get_name(), scope.get_lineno()): global_names(scope)
        for scope in symtable.symtable(text, "file", "exec").get_children()
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module.imports |= imported(node)
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = scopes[node.name, node.lineno] | set(module.imports)
            module.defines[node.name] = used_in(node, names)
            for part in at_once(node):
                module.defines[node.name] |= used_in(part)
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
            for name in targets(node):
                module.defines.setdefault(name, set()).update(used_in(node) - {name})
        else:
            module.does |= used_in(node)
    return module


def home_of(dotted, modules, seen=()):
    """Module and name that a dotted name means, behind imports; None for what is not ours."""
    parts = dotted.split(".")
    for length in range(len(parts), 0, -1):
        place, rest = ".".join(parts[:length]), parts[length:]
        if place not in modules:
            continue
        if not rest:
            return place, None
        if rest[0] in modules[place].defines:
            return place, rest[0]
        behind = modules[place].imports.get(rest[0])
        if behind and behind not in seen:
            return home_of(".".join([behind, *rest[1:]]), modules, (*seen, behind))
        return place, None
    return None


def meant(dotted, inside, modules):
    """Module and name that a dotted name means in a module; None for what is not ours."""
    first, *rest = dotted.split(".")
    if first in modules[inside].defines:
        return inside, first
    if first in modules[inside].imports:
        return home_of(".".join([modules[inside].imports[first], *rest]), modules)
    return None


def reached(modules, starts):
    """Every (module, name) that is used by some modules, or by what they use.

    Parameters
    ----------
    modules : dict of str to Module
        All of them, by name.
    starts : sequence of str
        Those that are run; all that they define counts as used.
    """
    todo = [(start, name) for start in starts for name in (None, *modules[start].defines)]
    met = set(todo)
    while todo:
        place, name = todo.pop()
        uses = modules[place].does if name is None else modules[place].defines[name]
        homes = {meant(dotted, place, modules) for dotted in uses}
        homes.add((place, None))  # to use a name is to run its file
        new = homes - met - {None}
        met |= new
        todo += new
    return met


def unreached(texts, starts):
    """Public names of files that none of the files that are run reaches.

    Parameters
    ----------
    texts : dict of str to str
        Name of a module -> its source.
    starts : sequence of str
        Modules that are run.

    Returns
    -------
    set of str
        Such as ``"_model.zoo.build"``.
    """
    modules = {name: read_module(text) for name, text in texts.items()}
    met = reached(modules, starts)
    left = set()
    for place, module in modules.items():
        for name in module.defines:
            if not name.startswith("_") and (place, name) not in met:
                left.add(f"{place}.{name}")
    return left


def travelling():
    """Source of every page and private module, by the name under which it is imported."""
    return {dotted(path): path.read_text("utf-8") for path in [*PAGES, *PRIVATE]}


def test_every_public_name_that_travels_is_reached_by_a_page():
    assert unreached(travelling(), [page.stem for page in PAGES]) == set()


TOOLS = """
import numpy as np
from _base import SIZE, scale

USED, ALSO = 1, 2
UNUSED = 3

def by_hand(X, size=SIZE):
    return _help(X)

def _help(X):
    UNUSED = X
    return scale(UNUSED)

def nobody(X):
    return X

class Kept:
    def method(self):
        return ALSO
"""
BASE = """
SIZE = 1
LIMIT = 2
SEEN = {}
SEEN |= {"a": LIMIT}

def scale(X):
    return X

def apart(X):
    import _late
    return _late.made(X)
"""


def test_what_is_used_is_followed_and_what_is_not_is_named():
    texts = {"_tools": TOOLS, "_base": BASE, "_late": "def made(X): pass", "_door": ""}
    texts["_door"] = "from _tools import by_hand\nfrom _base import apart\n"
    texts["page"] = "import _door\n_door.by_hand(1)\n"
    assert unreached(texts, ["page"]) == {
        *("_tools.USED", "_tools.ALSO", "_tools.UNUSED", "_tools.nobody", "_tools.Kept"),
        *("_base.LIMIT", "_base.SEEN", "_base.apart", "_late.made"),
    }
    texts["page"] = "import _tools, _door\nprint(_tools.Kept, _tools.USED, _door.apart)\n"
    assert unreached(texts, ["page"]) == {
        *("_tools.UNUSED", "_tools.nobody", "_tools.by_hand"),
        *("_base.SIZE", "_base.LIMIT", "_base.SEEN", "_base.scale"),
    }
