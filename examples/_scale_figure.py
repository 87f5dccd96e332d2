"""The figure of the page about cohorts: arrays in, Figure out."""

import matplotlib.pyplot as plt
import numpy as np
from eegdash.viz import style_figure

from _figure_style import (
    EEGDASH_INK,
    EEGDASH_MUTED,
    INTERVAL,
    REGIMES,
    draw_interval,
    footnote,
    panel_title,
    show_on_card,
    use_eegdash_style,
)

#: Colour and marker of what can happen to a person in a pass.
STATUS = {"done": ("#006CA3", "s"), "skipped": ("#94A3B8", "o"), "failed": ("#B91C1C", "X")}


def draw_scale_figure(passes, cells, *, chance, title, subtitle, provenance, alt):
    """Draw what each pass did with each person, and the cells of the grid.

    Parameters
    ----------
    passes : dict of str to list of str
        Name of a pass -> a status per person, keyed like ``STATUS``.
    cells : dict of str to dict
        One entry per regime, keyed like ``_figure_style.REGIMES``, with ``scores``, shape
        (n_seeds, n_folds), and ``accuracy`` with its ``interval``.
    chance : float
        Accuracy of guessing, from 0 to 1.
    title, subtitle, provenance : str
        Heading, context line and origin of the data, written on the figure.
    alt : str
        Description for readers who do not see the figure.

    Returns
    -------
    matplotlib.figure.Figure
        The figure; its label is ``alt``.
    """
    use_eegdash_style()
    fig, (top, bottom) = plt.subplots(2, 1, figsize=(8.2, 6.0), height_ratios=(1, 2.4))
    style_figure(fig, title=title, subtitle=subtitle, source=provenance)
    fig.subplots_adjust(left=0.14, right=0.985, top=0.80, bottom=0.12, hspace=0.75)

    for row, own in enumerate(passes.values()):
        for status, (colour, marker) in STATUS.items():
            at = np.flatnonzero(np.array(own) == status) + 1
            style = {"s": {"s": 30, "o": 12, "X": 62}[marker], "linewidths": 0}
            top.scatter(
                at, np.full(len(at), row), color=colour, marker=marker, **style, zorder=3
            )
    for status, (colour, marker) in STATUS.items():
        top.scatter([], [], color=colour, marker=marker, s=40, linewidths=0, label=status)
    top.set(xlabel="person", ylim=(len(passes) - 0.4, -0.6), xlim=(0, len(own) + 1))
    top.set_yticks(range(len(passes)), passes)
    top.grid(False)
    place = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "ncols": len(STATUS)}
    top.legend(frameon=False, fontsize=8, handletextpad=0.2, **place)
    panel_title(top, "A", "What each pass did")

    n_folds = next(iter(cells.values()))["scores"].shape[1]
    for row, (regime, own) in enumerate(cells.items()):
        colour, marker = REGIMES[regime]
        for seed, scores in enumerate(own["scores"]):
            at = row + 0.14 + 0.16 * seed + 0.045 * (np.arange(n_folds) - (n_folds - 1) / 2)
            bottom.scatter(
                at, scores, s=26, color=colour, marker=marker, alpha=0.6, linewidths=0
            )
        draw_interval(bottom, row - 0.14, own["accuracy"], own["interval"], regime)
        words = f"{own['accuracy']:.2f}"
        where = {"xytext": (-9, 0), "textcoords": "offset points", "ha": "right"}
        at = (row - 0.14, own["accuracy"])
        bottom.annotate(words, at, va="center", fontsize=9, color=EEGDASH_INK, **where)
    bottom.axhline(chance, color=EEGDASH_MUTED, linestyle="--", linewidth=1, zorder=1)
    bottom.annotate(
        "chance",
        (1, chance),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 3),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        color=EEGDASH_MUTED,
    )
    bottom.set(ylabel="test accuracy", xlim=(-0.5, len(cells) - 0.3))
    bottom.set_xticks(range(len(cells)), cells)
    panel_title(bottom, "B", "The grid: one small mark per cell")
    footnote(fig, f"large mark: mean over people and seeds, with its {INTERVAL}")
    show_on_card(bottom)
    fig.set_label(alt)
    return fig
