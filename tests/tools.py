"""What several files of tests use: lists of sources, and what they import."""

import ast

from _helpers.pages import EXAMPLES, ROOT, tutorials

PAGES = tutorials()
#: Private modules of ``examples/``, flat or in a package; a cache that a page left there is not one.
PRIVATE = sorted(
    path
    for path in EXAMPLES.rglob("*.py")
    if path.relative_to(EXAMPLES).parts[0].startswith("_")
)
HELPERS = sorted((ROOT / "_helpers").rglob("*.py"))


def imported_tops(tree):
    """First parts of everything that a module imports; relative imports break in a notebook."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level
            names.add(node.module.split(".")[0])
    return names
