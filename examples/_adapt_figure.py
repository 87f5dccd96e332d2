"""Figures of the pages about adaptation: frozen or not, what gains, how many labels."""

import numpy as np

from _figure_style import (
    ACCURACY,
    INK,
    INTERVAL,
    LINE,
    MUTED,
    REGIMES,
    RIGHT,
    SMALL,
    WRONG,
    draw_reference,
    footnote,
    note,
    page_figure,
    panel_title,
    small_legend,
    spread_dots,
    whiskers,
)


def draw_rows_figure(rows, *, zero, xlabel, height=None, **words):
    """Draw a row per method: a dot per person, the mean and its interval, around a reference.

    Parameters
    ----------
    rows : dict of str to tuple
        Name -> values of each person, shape (n_subjects,), their mean, and its (low, high).
    zero : float
        Where nothing is gained: chance, or 0.
    xlabel : str
        Of the values, with a unit.
    height : float, optional
        In inches.
    **words : str
        For ``page_figure``.
    """
    height = height or max(4.0, 1.9 + 0.5 * len(rows))
    margins = {"left": 0.27, "top": 1 - 0.95 / height, "bottom": 0.8 / height}
    fig, ax = page_figure(height, margins=margins, **words)
    for row, (values, mean, ends) in enumerate(rows.values()):
        style = {"s": 12, "color": MUTED, "alpha": 0.55, "linewidths": 0}
        ax.scatter(values, spread_dots(row, len(values), 0.25), **style)
        style = {
            "color": INK,
            "marker": "D",
            "markersize": 7,
            "capsize": 4,
            "zorder": 4,
            "linewidth": LINE,
            "markeredgecolor": "white",
        }
        ax.errorbar(mean, row, xerr=whiskers(mean, ends), **style)
    draw_reference(ax, zero, axis="x")
    ax.set_yticks(range(len(rows)), rows)
    ax.set(xlabel=xlabel, ylim=(len(rows) - 0.5, -0.5))
    ax.grid(True, axis="x")
    ax.grid(False, axis="y")
    footnote(fig, f"dot: a person; whiskers: {INTERVAL}")
    return fig


def draw_frozen_figure(naive, frozen, **words):
    """Draw what a naive probe does to batch normalisation, beside a probe that is frozen.

    Parameters
    ----------
    naive, frozen : tuple of ndarray
        Epochs, running variance as a multiple of its start, and validation accuracy; the last
        two have shape (n_inits, n_points).
    **words : str
        For ``page_figure``.
    """
    margins = {"top": 0.76, "bottom": 0.24, "wspace": 0.25}
    fig, (left, right) = page_figure(3.8, (1, 2), margins=margins, **words)
    probes = {
        "naive: requires_grad = False": (naive, WRONG),
        "frozen: encoder run once": (frozen, RIGHT),
    }
    for label, ((epochs, variance, accuracy), (colour, marker)) in probes.items():
        style = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1}
        for ax, curves in ((left, variance), (right, accuracy)):
            for number, curve in enumerate(curves):
                ax.plot(epochs, curve, label=None if number else label, **style)
    top = max(np.max(naive[1]), np.max(frozen[1]))
    left.set(xlabel="epoch", ylabel="running variance / pretrained", ylim=(0, 1.15 * top))
    small_legend(left, "lower left")
    right.set(xlabel="epoch", ylabel="validation accuracy", ylim=ACCURACY)
    panel_title(left, "A", "What batch norm remembers")
    panel_title(right, "B", "What it does to the score")
    footnote(fig, "a line per initialisation")
    return fig


def draw_labels_figure(curves, *, chance, **words):
    """Draw accuracy against the number of labelled people.

    Parameters
    ----------
    curves : dict of str to ndarray, shape (4, n_budgets)
        Per regime the rows labelled people, mean, low and high.
    chance : float
        Accuracy of guessing, from 0 to 1.
    **words : str
        For ``page_figure``.
    """
    fig, ax = page_figure(4.4, **words)
    shifts = np.linspace(0.97, 1.03, len(curves))
    for shift, (regime, (budgets, mean, low, high)) in zip(
        shifts, curves.items(), strict=True
    ):
        colour, marker = REGIMES[regime]
        style = {"color": colour, "marker": marker, "capsize": 3, "linewidth": LINE}
        ends = np.array([mean - low, high - mean]).clip(0)
        ax.errorbar(np.array(budgets) * shift, mean, ends, label=regime, **style)
    ax.set_xscale("log", base=2)
    ax.set_xticks(budgets, [f"{n:g}" for n in budgets])
    ax.set_xticks([], minor=True)
    ax.set(xlabel="labelled people", ylabel="test accuracy", ylim=ACCURACY)
    draw_reference(ax, chance)
    note(ax, "chance", (1, chance), (-4, 3), ha="right", fontsize=SMALL)
    small_legend(ax, "lower right", ncols=2)
    footnote(fig, f"whiskers: {INTERVAL}; points shifted sideways to be seen")
    return fig
