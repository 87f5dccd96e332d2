"""The figure of the page about cohorts: arrays and the words of ``page_figure`` in, Figure out."""

import numpy as np

from _figure_style import (
    BLUE,
    INK,
    INTERVAL,
    PALE,
    RED,
    REGIMES,
    draw_interval,
    draw_reference,
    footnote,
    note,
    page_figure,
    panel_title,
    show_on_card,
    small_legend,
)

#: Colour and marker of what can happen to a person in a pass, and the size of the marker: what
#: went wrong is large.
STATUS = {"done": (BLUE, "s", 30), "skipped": (PALE, "o", 12), "failed": (RED, "X", 62)}


def draw_scale_figure(passes, cells, *, chance, **words):
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
    """
    margins = {"left": 0.14, "top": 0.80, "bottom": 0.12, "hspace": 0.75}
    shape = {"height_ratios": (1, 2.4), "margins": margins}
    fig, (top, bottom) = page_figure(6.0, (2, 1), **shape, **words)
    _draw_passes(top, passes)
    panel_title(top, "A", "What each pass did")
    _draw_cells(bottom, cells)
    draw_reference(bottom, chance)
    note(bottom, "chance", (1, chance), (-2, 3), ha="right")
    bottom.set(ylabel="test accuracy", xlim=(-0.5, len(cells) - 0.3))
    bottom.set_xticks(range(len(cells)), cells)
    panel_title(bottom, "B", "The grid: one small mark per cell")
    footnote(fig, f"large mark: mean over people and seeds, with its {INTERVAL}")
    show_on_card(bottom)
    return fig


def _draw_passes(ax, passes):
    for row, own in enumerate(passes.values()):
        for status, (colour, marker, size) in STATUS.items():
            at = np.flatnonzero(np.array(own) == status) + 1
            style = {"color": colour, "marker": marker, "s": size, "linewidths": 0}
            ax.scatter(at, np.full(len(at), row), **style, zorder=3)
    for status, (colour, marker, _) in STATUS.items():
        ax.scatter([], [], color=colour, marker=marker, s=40, linewidths=0, label=status)
    ax.set(xlabel="person", ylim=(len(passes) - 0.4, -0.6), xlim=(0, len(own) + 1))
    ax.set_yticks(range(len(passes)), passes)
    ax.grid(False)
    above = {"bbox_to_anchor": (1.0, 1.0), "ncols": len(STATUS), "handletextpad": 0.2}
    small_legend(ax, "lower right", **above)


def _draw_cells(ax, cells):
    for row, (regime, own) in enumerate(cells.items()):
        colour, marker = REGIMES[regime]
        style = {"color": colour, "marker": marker, "alpha": 0.6, "linewidths": 0}
        for seed, scores in enumerate(own["scores"]):
            folds = np.arange(len(scores)) - (len(scores) - 1) / 2
            ax.scatter(row + 0.14 + 0.16 * seed + 0.045 * folds, scores, s=26, **style)
        draw_interval(ax, row - 0.14, own["accuracy"], own["interval"], regime)
        style = {"xycoords": "data", "ha": "right", "va": "center", "fontsize": 9}
        at = (row - 0.14, own["accuracy"])
        note(ax, f"{own['accuracy']:.2f}", at, (-9, 0), color=INK, **style)
