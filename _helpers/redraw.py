"""What a figure was drawn from, as a CSV beside it, and the same figure again from that CSV.

A row per number: ``name`` is the argument of the function that draws, with the places inside it, ``kind`` its
type and shape, ``index`` the place in an array. The first row names the function.
"""

import ast
import copy
import csv
import functools
import inspect
import re
from pathlib import Path

import numpy as np

from _helpers.pages import EXAMPLES, sibling, travels

COLUMNS = ("name", "kind", "index", "value")
#: What a page calls.
DRAWS = re.compile(r"draw_\w+_(figure|scatter)")
LISTS = {"list": list, "tuple": tuple}


def remember(function):
    """Draw as before; the figure then knows its function and what that was given."""

    @functools.wraps(function)
    def draw(*args, **kwargs):
        figure = function(*args, **kwargs)
        bound = inspect.signature(function).bind(*args, **kwargs)
        given = dict(bound.arguments)
        words = given.pop("words", {})  # of **words
        # A copy: the page may go on with what it gave.
        given = copy.deepcopy({**given, **words})
        figure.drawn_by = (function.__module__, function.__name__, given)
        return figure

    return draw


def remember_figures(fname):
    """Before a page runs: its modules of figures remember what they draw from."""
    script = EXAMPLES / Path(fname).name
    modules = travels(script).values() if script.is_file() else ()
    modules = [path.stem for path in modules if path.stem.endswith("_figure")]
    if not modules:
        return
    with sibling("_runtime").quiet_imports():
        modules = [sibling(name) for name in modules]
    for module in modules:
        for name, function in list(vars(module).items()):
            draws = DRAWS.fullmatch(name) and function.__module__ == module.__name__
            if draws and not hasattr(function, "__wrapped__"):
                setattr(module, name, remember(function))


def rows_of(name, value):
    """Rows of a value and of what lies in it.

    Parameters
    ----------
    name : str
        Of the argument, with the places inside it.
    value : object
        Numbers, words, arrays, or lists and dictionaries of them.

    Raises
    ------
    TypeError
        For anything else.
    """
    if isinstance(value, dict):
        yield name, "dict", "", repr(list(value))
        for place, inner in enumerate(value.values()):
            yield from rows_of(f"{name}/{place}", inner)
    elif type(value).__name__ in LISTS and isinstance(value, list | tuple):
        yield name, type(value).__name__, "", len(value)
        for place, inner in enumerate(value):
            yield from rows_of(f"{name}/{place}", inner)
    elif isinstance(value, np.ndarray) and value.dtype != object:
        shape = "x".join(map(str, value.shape))
        yield name, f"{value.dtype.str} {shape}", "", ""
        for place in np.ndindex(value.shape):
            yield name, "", ",".join(map(str, place)), value[place].item()
    elif isinstance(value, np.generic):
        yield name, value.dtype.str, "", value.item()
    elif isinstance(value, bool | int | float | str | None):
        yield name, type(value).__name__, "", value
    else:
        raise TypeError(f"{name} of a figure is a {type(value).__name__}: give it arrays")


def write_csv(path, drawn_by):
    """Write what a figure was drawn from.

    Parameters
    ----------
    path : pathlib.Path
        Of the CSV.
    drawn_by : tuple of (str, str, dict)
        Module, function and arguments, as `remember` left them on the figure.
    """
    module, function, given = drawn_by
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerow((function, module, "", ""))
        for name, value in given.items():
            writer.writerows(rows_of(name, value))


def _value(rows, at):
    """The value that starts at a row, and the row after it."""
    _, kind, _, text = rows[at]
    at += 1
    if kind == "dict" or kind in LISTS:
        keys = ast.literal_eval(text) if kind == "dict" else range(int(text))
        values = []
        for _ in keys:
            inner, at = _value(rows, at)
            values.append(inner)
        return (
            dict(zip(keys, values, strict=True)) if kind == "dict" else LISTS[kind](values)
        ), at
    if " " in kind:
        dtype, shape = kind.split(" ")
        array = np.empty([int(n) for n in shape.split("x") if n], dtype)
        for place in np.ndindex(array.shape):
            array[place] = _plain(np.dtype(dtype).kind, rows[at][3])
            at += 1
        return array, at
    plain = {"bool": "b", "int": "i", "float": "f", "str": "U", "NoneType": "N"}
    if kind in plain:
        return _plain(plain[kind], text), at
    return np.dtype(kind).type(_plain(np.dtype(kind).kind, text)), at


def _plain(kind, text):
    read = {"b": lambda word: word == "True", "f": float, "N": lambda word: None, "U": str}
    return read.get(kind, int)(text)


def redraw(path):
    """Draw a figure again.

    Parameters
    ----------
    path : pathlib.Path
        What `write_csv` wrote.

    Returns
    -------
    matplotlib.figure.Figure
        The figure.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        _, (function, module, *_), *rows = csv.reader(stream)
    given, at = {}, 0
    while at < len(rows):
        name = rows[at][0]
        given[name], at = _value(rows, at)
    draw = inspect.unwrap(getattr(sibling(module), function))
    names = inspect.signature(draw).parameters.values()
    plain = [p.name for p in names if p.kind is p.POSITIONAL_OR_KEYWORD and p.name in given]
    args = [given.pop(name) for name in plain]
    return draw(*args, **given)
