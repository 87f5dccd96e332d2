"""What hand-written pages write with: text that is never markup, numbers, counts over runs, a table."""

import html
import json
import re
import string
from functools import partial
from statistics import mean, stdev

from markupsafe import Markup
from scipy.stats import binomtest

#: A value as JSON.
dumps = partial(json.dumps, ensure_ascii=False)
MARKS = re.compile(r"""([^\w\s'",;?]|_)""")


def escaped(value):
    """What a template prints: one line of text in which nothing is markup, but for what is `Markup`."""
    if isinstance(value, Markup):
        return value
    return Markup(MARKS.sub(r"\\\1", " ".join(str(value).split())))


def get(value, key):
    """Value behind keys joined by dots; a number is a place in a list, and a key may hold dots.

    Parameters
    ----------
    value : dict or list
        Such as a contract.
    key : str
        Such as ``"gap_vs_scratch_ci.0"``.
    """
    if isinstance(value, dict) and key in value:
        return value[key]
    word, dot, rest = key.partition(".")
    value = value[int(word)] if isinstance(value, list) else value[word]
    return get(value, rest) if dot else value


def num(value, spec=""):
    """A number as text; in a signed or decimal one the hyphen becomes a minus sign.

    Parameters
    ----------
    value : int or float
        The number.
    spec : str
        How Python formats it, such as ``"+.2f"``.
    """
    return format(value, spec).replace("-", "\N{MINUS SIGN}")


def code(value):
    """Text as code."""
    plain = "`" not in str(value) and "\\" not in str(value)
    return Markup(f"``{' '.join(str(value).split())}``") if plain else escaped(value)


class _Sentence(string.Formatter):
    """Fills a sentence from a line; words that depend on a value are chosen, not typed.

    ``{gain_ci:above|not apart from|below}`` chooses by the side of zero on which a value, or a whole
    interval, lies; ``...@0.5`` by another number. Of two words a flag takes the first if it is true.
    """

    def get_field(self, name, args, kwargs):
        """Value behind ``a[b][0]``; a number is a place in a list, or in a dictionary."""
        value, (first, *keys) = kwargs, re.findall(r"[^\[\]]+", name)
        for key in (first, *keys):
            places = list(value.values()) if isinstance(value, dict) else value
            is_key = isinstance(value, dict) and key in value
            value = value[key] if is_key else places[int(key)]
        return value, first

    def format_field(self, value, spec):
        """An interval in brackets, a number with a true minus sign, or one of several words."""
        ends = value if isinstance(value, list | tuple) else (value, value)
        if "|" in spec:
            words, _, zero = spec.partition("@")
            zero, words = float(zero or 0), words.split("|")
            side = 0 if ends[0] > zero else 2 if ends[-1] < zero else 1
            return words[min(side, len(words) - 1)]
        if ends is value:
            return f"[{', '.join(num(end, spec) for end in ends)}]"
        return format(value, spec) if isinstance(value, str) else num(value, spec)


def say(sentence, contract):
    """A sentence of a promise, filled from a line.

    Parameters
    ----------
    sentence : str
        With fields as `_Sentence` reads them.
    contract : dict
        The values.
    """
    return _Sentence().format(sentence, **contract)


def above(values, others):
    """How many are above a number, or above their neighbours in another list.

    Parameters
    ----------
    values : list of float
        Those that are counted.
    others : float or list of float
        What each is compared with.
    """
    others = others if isinstance(others, list) else [others] * len(values)
    return sum(a > b for a, b in zip(values, others, strict=True))


def sign_test(k, n):
    """Two-sided p of being ahead in k of n draws, if each were the toss of a coin.

    Parameters
    ----------
    k, n : int
        Draws ahead, and all draws.
    """
    return float(binomtest(k, n).pvalue)


def single(values):
    """The one value that all of them are; `ValueError` if they differ."""
    if len(set(values)) != 1:
        raise ValueError(f"these should be one and the same: {sorted(set(values))}")
    return values[0]


def interval_of(content, key):
    """The interval of a value, by its name: ``a_ci.b`` of ``a.b``, ``a.ci`` of ``a.mean``; or none.

    Parameters
    ----------
    content : dict
        A contract.
    key : str
        Of the value.

    Returns
    -------
    sequence of float
        Low and high end, or nothing.
    """
    head, dot, tail = key.partition(".")
    of_r = key.removesuffix("pearson_r") + "r_ci"  # the interval of a pearson_r is r_ci
    for name in (f"{head}_ci{dot}{tail}", f"{key.removesuffix('.mean')}.ci", of_r):
        try:
            return get(content, name)
        except (KeyError, TypeError, ValueError):
            continue
    return ()


def value_ci(content, key, spec="", interval=None):
    """A value and, with a format, its interval: ``+0.10 [-0.50, +0.50]``.

    Parameters
    ----------
    content : dict
        A contract.
    key : str
        Of the value.
    spec : str
        How Python formats it; without one there is no interval.
    interval : str, optional
        Key of the interval, where its name does not follow from that of the value.
    """
    value = get(content, key)
    if not spec:
        return format(value)
    ends = get(content, interval) if interval else interval_of(content, key)
    words = f" [{', '.join(num(end, spec) for end in ends)}]" if ends else ""
    return num(value, spec) + words


def comparison_table(columns, rows):
    """A table of contracts, by heading; rows are a heading and what `value_ci` takes.

    Parameters
    ----------
    columns : dict of str to dict
        Heading -> contract.
    rows : list of tuple
        Heading, then what `value_ci` takes after the contract.
    """
    lines = [["result", *map(escaped, columns)]]
    for name, *how in rows:
        cells = [value_ci(content, *how) for content in columns.values()]
        lines.append([name, *map(escaped, cells)])
    rows = "".join("   * - " + "\n     - ".join(cells) + "\n" for cells in lines)
    return Markup(f".. list-table::\n   :header-rows: 1\n\n{rows}")


#: What templates know besides the filters of jinja2; runs are contracts, intervals pairs of numbers.
FILTERS = {
    "above": above,
    "below": lambda values, x: sum(value < x for value in values),
    "code": code,
    "dumps": dumps,
    "each": lambda runs, key: [get(run, key) for run in runs],
    "holding": lambda intervals, x: sum(low <= x <= high for low, high in intervals),
    "in_html": lambda value: Markup(html.escape(" ".join(str(value).split()))),
    "mean": mean,
    "mean_sd": lambda values: f"{mean(values):.3f} (sd {stdev(values):.3f})",
    "num": num,
    "short": lambda value: f"{value:g}" if isinstance(value, float) else dumps(value),
    "sign_test": sign_test,
    "single": single,
    "value_ci": value_ci,
    "value_of": get,
}
