"""Nothing that no page reaches travels in a download: every public name of a private module is used by some page."""

import ast
import symtable
from dataclasses import dataclass, field

from _helpers.pages import EXAMPLES, tutorials

#: Names that no page reaches and that stay, with the reason.
EXCEPTIONS = {}


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


def module_name(path):
    """Name under which a file of ``examples/`` is imported."""
    parts = path.relative_to(path.parents[len(path.parts) - 2]).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


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
            names = scopes[node.name, node.lineno]
            module.defines[node.name] = used_in(node, names)
            for decorator in node.decorator_list:
                module.defines[node.name] |= used_in(decorator)
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


def reached(modules, starts):
    """Every (module, name) that is used by some modules, or by what they use.

    Parameters
    ----------
    modules : dict of str to Module
        All of them, by name.
    starts : sequence of str
        Those that are run.
    """
    met, todo = set(), []

    def meet(dotted, inside):
        first, *rest = dotted.split(".")
        if first in modules[inside].defines:
            home = inside, first
        elif first in modules[inside].imports:
            full = ".".join([modules[inside].imports[first], *rest])
            home = home_of(full, modules)
        else:
            return
        if home and home not in met:
            met.add(home)
            todo.append(home)

    for start in starts:
        for used in modules[start].defines.values():
            modules[start].does |= used
        todo.append((start, None))
        met.add((start, None))
    while todo:
        place, name = todo.pop()
        if name is None:
            for dotted in modules[place].does:
                meet(dotted, place)
        else:
            for dotted in modules[place].defines[name]:
                meet(dotted, place)
        if (place, None) not in met:  # whoever uses a name runs its file
            met.add((place, None))
            todo.append((place, None))
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
    return {
        f"{place}.{name}"
        for place, module in modules.items()
        if place not in starts
        for name in module.defines
        if not name.startswith("_") and (place, name) not in met
    }


def test_every_public_name_that_travels_is_reached_by_a_page():
    pages = tutorials()
    files = [*pages, *EXAMPLES.glob("_*.py"), *EXAMPLES.glob("_*/**/*.py")]
    texts = {
        ".".join(
            part
            for part in path.relative_to(EXAMPLES).with_suffix("").parts
            if part != "__init__"
        ): path.read_text("utf-8")
        for path in files
    }
    left = unreached(texts, [page.stem for page in pages])
    assert left == set(EXCEPTIONS)
