"""The figure of the regression page: arrays and the words of ``page_figure`` in, Figure out."""

from _figure_style import (
    AMBER,
    BLUE,
    DARK,
    HEAVY,
    INK,
    INTERVAL,
    LINE,
    PALE,
    SLATE,
    draw_reference,
    footnote,
    note,
    page_figure,
    panel_title,
    show_on_card,
    spread_dots,
    whiskers,
)

#: One colour per normalisation.
COLOURS = (SLATE, BLUE, AMBER)


def draw_invariant_figure(errors, within, identity, null, *, chance, **words):
    """Draw error and correlation within people, identity left in features, and the null.

    Parameters
    ----------
    errors, within, identity : dict of str to tuple
        Normalisation -> a value of each person, shape (n_subjects,), what all people have
        together, and the ends of its interval: squared error as a part of what the person's own
        mean leaves, correlation over the person's trials, how often the person is told apart.
    null : tuple of ndarray and float
        Mean correlation within people under permutation, and the one observed.
    chance : float
        Accuracy of guessing the person.
    **words : str
        For ``page_figure``.
    """
    margins = {"left": 0.1, "top": 0.80, "bottom": 0.14, "wspace": 0.28, "hspace": 0.55}
    fig, axes = page_figure(7.2, (2, 2), margins=margins, **words)
    (first, second), (third, fourth) = axes
    for ax, values, (letter, name), (label, line, meaning) in (
        (first, errors, ("A", "Error"), ("squared error / own mean's", 1, "own mean")),
        (second, within, ("B", "Correlation"), ("r within a person", 0, "")),
        (third, identity, ("C", "Who is it?"), ("told apart", chance, "guessing")),
    ):
        draw_reference(ax, line, zorder=2)
        for column, (shown, colour) in enumerate(
            zip(values.values(), COLOURS, strict=True)
        ):
            _draw_people(ax, column, *shown, colour)
        ax.set_xticks(range(len(values)), list(values))
        ax.set(xlabel="normalisation", ylabel=label, xlim=(-0.5, len(values) - 0.3))
        note(ax, meaning, (0, line), (3, 3))
        panel_title(ax, letter, name)
    for ax in (first, second):
        ax.set_ylim(bottom=min(0, ax.get_ylim()[0]))
    show_on_card(first)
    _draw_null(fourth, *null)
    panel_title(fourth, "D", "Against chance")
    footnote(fig, f"dots: one per person; markers: all together, {INTERVAL}")
    return fig


def _draw_people(ax, column, values, together, interval, colour):
    # In the people's own order.
    spots = spread_dots(column - 0.06, len(values), 0.2)
    style = {"s": 14, "color": colour, "alpha": 0.5, "linewidths": 0, "zorder": 3}
    ax.scatter(spots, values, **style)
    style = {
        "color": colour,
        "capsize": 4,
        "linewidth": LINE,
        "zorder": 4,
        "markeredgecolor": INK,
        "markersize": 7,
    }
    at = column + 0.26
    ax.errorbar(at, together, yerr=whiskers(together, interval), fmt="D", **style)
    place = {"xycoords": "data", "color": INK}
    note(ax, f"{together:.2f}", (at, together), (6, -3), **place)


def _draw_null(ax, null, observed):
    ax.hist(null, bins=15, color=PALE, zorder=3)
    ax.axvline(observed, color=AMBER, linewidth=HEAVY, zorder=4)
    ax.set(xlabel="mean r within people, person", ylabel="permutations")
    style = {"xycoords": ("data", "axes fraction"), "ha": "right", "va": "top"}
    note(ax, "observed", (observed, 1), (-4, -4), fontsize=9, color=DARK, **style)
