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
)

#: Colour of what can happen to a person in a pass, in the order of the bars.
STATUS = {"done": BLUE, "skipped": PALE, "failed": RED}


def draw_scale_figure(passes, cells, means, *, chance, **words):
    """Draw how many people each pass worked on, and the trainings of the grid.

    Parameters
    ----------
    passes : dict of str to dict
        Name of a pass -> number of people per status, keyed like ``STATUS``.
    cells : dict of str to ndarray, shape (n_seeds, n_draws)
        Accuracy of each training, by regime, keyed like ``_figure_style.REGIMES``.
    means : dict
        ``accuracy`` and ``accuracy_ci`` by regime.
    chance : float
        Accuracy of guessing, from 0 to 1.
    **words : str
        For ``page_figure``.
    """
    margins = {"left": 0.14, "top": 0.80, "bottom": 0.12, "hspace": 0.62}
    shape = {"height_ratios": (1.2, 2), "margins": margins}
    fig, (top, bottom) = page_figure(6.4, (2, 1), **shape, **words)
    _draw_passes(top, passes)
    panel_title(top, "A", "Tasks in each pass")
    _draw_cells(bottom, cells, means)
    draw_reference(bottom, chance)
    note(bottom, "chance", (1, chance), (-2, 3), ha="right")
    bottom.set(ylabel="test accuracy", xlim=(-0.5, len(cells) - 0.3))
    bottom.set_xticks(range(len(cells)), cells)
    panel_title(bottom, "B", "The grid: one small mark per training")
    footnote(fig, f"large mark: mean over people, seeds and draws, with its {INTERVAL}")
    show_on_card(bottom)
    return fig


def _draw_passes(ax, passes):
    for row, counts in enumerate(passes.values()):
        start = 0
        for status, colour in STATUS.items():
            ax.barh(row + 0.16, counts[status], 0.5, left=start, color=colour)
            start += counts[status]
        text = ", ".join(
            f"{counts[status]} {status}" for status in STATUS if counts[status]
        )
        style = {"xycoords": "data", "va": "bottom", "fontsize": 9}
        note(ax, text, (0, row - 0.12), (1, 1), color=INK, **style)
    ax.set(xlabel="people", ylim=(len(passes) - 0.5, -0.55), xlim=(0, None))
    ax.set_yticks(range(len(passes)), passes)
    ax.grid(False)


def _draw_cells(ax, cells, means):
    for row, (regime, accuracies) in enumerate(cells.items()):
        colour, marker = REGIMES[regime]
        style = {"color": colour, "marker": marker, "alpha": 0.6, "linewidths": 0}
        for seed, of_seed in enumerate(accuracies):
            draws = np.arange(len(of_seed)) - (len(of_seed) - 1) / 2
            ax.scatter(row + 0.14 + 0.16 * seed + 0.045 * draws, of_seed, s=26, **style)
        mean = means["accuracy"][regime]
        draw_interval(ax, row - 0.14, mean, means["accuracy_ci"][regime], regime)
        style = {"xycoords": "data", "ha": "right", "va": "center", "fontsize": 9}
        note(ax, f"{mean:.2f}", (row - 0.14, mean), (-9, 0), color=INK, **style)
