"""The figure of the regression page: arrays and the words of ``page_figure`` in, Figure out."""

import numpy as np

from _figure_style import (
    AMBER,
    BLUE,
    FINE,
    HEAVY,
    INK,
    MUTED,
    PALE,
    SLATE,
    draw_reference,
    note,
    page_figure,
    panel_title,
    show_on_card,
    spread_dots,
)

#: One colour per normalisation.
COLOURS = (SLATE, BLUE, AMBER)


def draw_invariant_figure(
    within, who, null, *, observed, chance, spread, baseline, **words
):
    """Draw correlation within people, identity left in features, the null, and residuals.

    Parameters
    ----------
    within : dict of str to ndarray, shape (n_subjects,)
        Normalisation -> correlation over the trials of each person.
    who : dict of str to float
        Normalisation -> accuracy of telling people apart.
    null : ndarray, shape (n_permutations,)
        Mean correlation within people under permutation.
    observed : float
        The mean correlation that was observed.
    chance : float
        Accuracy of guessing the person.
    spread, baseline : ndarray, shape (n_subjects,)
        Standard deviation of residuals and of the target, per person.
    """
    margins = {"left": 0.1, "top": 0.80, "bottom": 0.13, "wspace": 0.28, "hspace": 0.5}
    fig, axes = page_figure(7.0, (2, 2), margins=margins, **words)
    (first, second), (third, fourth) = axes
    for column, (name, colour) in enumerate(zip(within, COLOURS, strict=True)):
        _draw_within(first, column, within[name], colour)
        _draw_who(second, column, who[name], colour)
    for ax in (first, second):
        ax.set_xticks(range(len(within)), list(within))
        ax.set_xlabel("normalisation")
    draw_reference(first, 0, zorder=2)
    first.set_ylabel("r within a person")
    panel_title(first, "A", "When is a person slow?")
    draw_reference(second, chance, zorder=4)
    # In the gap between the first two bars.
    note(second, "chance", (0.5, chance), (0, 3), xycoords="data", ha="center")
    second.set(ylabel="people told apart", ylim=(0, 1.1))
    panel_title(second, "B", "Who is it?")
    show_on_card(second)
    _draw_null(third, null, observed)
    panel_title(third, "C", "Against chance")
    _draw_residuals(fourth, baseline, spread)
    panel_title(fourth, "D", "Residuals, person by person")
    return fig


def _draw_within(ax, column, values, colour):
    spots = spread_dots(column, len(values))
    style = {"s": 14, "color": colour, "alpha": 0.6, "linewidths": 0, "zorder": 3}
    ax.scatter(spots, np.sort(values), **style)
    mean = sum(values) / len(values)
    ax.plot([column - 0.3, column + 0.3], [mean, mean], color=colour, linewidth=HEAVY)


def _draw_who(ax, column, accuracy, colour):
    ax.bar(column, accuracy, width=0.6, color=colour, zorder=3)
    style = {"xycoords": "data", "ha": "center", "fontsize": 9, "color": INK}
    note(ax, f"{accuracy:.2f}", (column, accuracy), (0, 3), **style)


def _draw_null(ax, null, observed):
    ax.hist(null, bins=15, color=PALE, zorder=3)
    ax.axvline(observed, color=COLOURS[2], linewidth=HEAVY, zorder=4)
    ax.set(xlabel="mean r within people", ylabel="permutations")
    style = {"xycoords": ("data", "axes fraction"), "ha": "right", "va": "top"}
    note(ax, "observed", (observed, 1), (-4, -4), fontsize=9, color=INK, **style)


def _draw_residuals(ax, baseline, spread):
    ends = [0, 1.08 * max(np.max(spread), np.max(baseline))]
    ax.plot(ends, ends, color=MUTED, linewidth=FINE, linestyle="--")
    style = {"s": 24, "color": COLOURS[2], "alpha": 0.8, "linewidths": 0, "zorder": 3}
    ax.scatter(baseline, spread, **style)
    ax.set(xlabel="sd of log reaction time", ylabel="sd of residual", xlim=ends, ylim=ends)
