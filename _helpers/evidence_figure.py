"""The figures of the page of the evidence: every claim of a tutorial, over all draws of people."""

import textwrap
from pathlib import Path
from typing import NamedTuple

from markupsafe import Markup

from _helpers.contracts import CONTRACTS
from _helpers.figures import save
from _helpers.filters import above, get, interval_of
from _helpers.gallery import figure_text
from _helpers.pages import sibling


class Claim(NamedTuple):
    """A value over draws of people: what it is, where nothing is gained, values and intervals."""

    key: str
    words: str
    zero: float
    values: list
    ends: list


def nothing_gained(key, run):
    """The value of a claim that holds nothing: a share is compared with that of an even map."""
    even = key.startswith("attribution_share")
    return get(run, "attribution_share_even") if even else float("ratio" in key)


def claims(page, runs):
    """The claims of a tutorial in the lines of its runs."""
    return [
        Claim(
            key,
            words,
            nothing_gained(key, runs[0]),
            [get(run, key) for run in runs],
            [tuple(ends) for run in runs if (ends := interval_of(run, key))],
        )
        for key, words in CONTRACTS[page].claims.items()
    ]


def draw(found, path):
    """A panel per claim: each draw with its interval, against where nothing is gained."""
    import matplotlib.pyplot as plt

    style, n = sibling("_figure_style"), len(found[0].values)
    said = [
        f"{own.words}: above {own.zero:g} in {above(own.values, own.zero)}" for own in found
    ]
    fig, axes = style.page_figure(
        3.9,
        (1, max(2, len(found))),
        margins={"top": 0.7, "bottom": 0.2, "wspace": 0.3},
        title=f"{n} draws of people",
        provenance="data: simulated",
        alt=f"Values of {n} draws. {'; '.join(said)} of {n}.",
    )
    for ax in axes[len(found) :]:
        ax.set_axis_off()
    for ax, letter, own in zip(axes, "ABCDEF", found, strict=False):
        for number, ends in enumerate(own.ends):
            ax.vlines(number, *ends, color=style.BLUE, linewidth=style.THIN)
        ax.plot(own.values, "o", color=style.BLUE, markersize=5, zorder=3)
        style.draw_reference(ax, own.zero)
        ax.set(xlabel="draw", xticks=range(0, n, 4))
        style.panel_title(ax, letter, textwrap.fill(own.words, 26))
    style.footnote(fig, f"lines: {style.INTERVAL}; dashed: nothing gained")
    path.parent.mkdir(parents=True, exist_ok=True)
    words = save(fig, path)
    plt.close(fig)
    return words


def evidence_figure(srcdir, page, found):
    """The draws of one tutorial, drawn from ``evidence.json``."""
    file = f"auto_examples/images/measured_evidence_{page}.svg"
    return Markup(figure_text(file, **draw(found, Path(srcdir, file))))
