"""The figure of the page of the evidence: every claim, over all draws of people."""

from pathlib import Path

from markupsafe import Markup

from _helpers.contracts import CONTRACTS
from _helpers.figures import save
from _helpers.filters import above, each
from _helpers.gallery import figure_text
from _helpers.pages import sibling

FILE = "auto_examples/images/measured_evidence_{page}.svg"


def claims(page):
    """Claims that a page is run again for."""
    return CONTRACTS[page].evidence.claims


def draw(page, runs, path):
    """A panel per claim: each draw with its interval, against where nothing is gained."""
    import matplotlib.pyplot as plt

    style_of, found = sibling("_figure_style"), claims(page)
    said = [
        f"{claim.words}: above {claim.zero:g} in {above(each(runs, claim.key), claim.zero)}"
        for claim in found
    ]
    margins = {"left": 0.09, "top": 0.74, "bottom": 0.2, "wspace": 0.32}
    fig, axes = style_of.page_figure(
        3.8,
        (1, max(2, len(found))),
        margins=margins,
        title=f"{len(runs)} draws of people",
        provenance="data: simulated",
        alt=f"Values of {len(runs)} draws. {'; '.join(said)} of {len(runs)}.",
    )
    for ax in axes[len(found) :]:
        ax.set_axis_off()
    for ax, letter, claim in zip(axes, "ABCDEF", found, strict=False):
        values = each(runs, claim.key)
        ax.plot(values, "o", color=style_of.BLUE, markersize=5, zorder=3)
        if claim.ci:
            ends = each(runs, claim.ci)
            lows, highs = zip(*ends, strict=True)
            ax.vlines(range(len(ends)), lows, highs, color=style_of.BLUE, linewidth=1)
        style_of.draw_reference(ax, claim.zero)
        ax.set(xlabel="draw", ylabel=claim.unit)
        ax.set_xticks(range(0, len(runs), 4))
        style_of.panel_title(ax, letter, claim.short)
    style_of.footnote(fig, f"lines: {style_of.INTERVAL}; dashed: nothing gained")
    path.parent.mkdir(parents=True, exist_ok=True)
    words = save(fig, path)
    plt.close(fig)
    return words


def evidence_figure(srcdir, page, runs):
    """The draws of one page, drawn from ``evidence.json``."""
    file = FILE.format(page=page)
    return Markup(figure_text(file, **draw(page, runs, Path(srcdir, file))))
