"""The figure of the page on luck: arrays and the words of ``page_figure`` in, Figure out."""

from _figure_style import (
    AMBER,
    BLUE,
    DARK,
    LINE,
    THIN,
    footnote,
    page_figure,
    panel_title,
    show_on_card,
    small_legend,
)

#: Colour and style of a curve for each number of people, in their order.
LOOKS = ((AMBER, "-"), (BLUE, "--"), (DARK, ":"))


def draw_luck_figure(curves, simulated, nulls, **words):
    """Draw the best score of a number of runs that found nothing: formula, noise and nulls.

    Parameters
    ----------
    curves : dict of int to tuple
        People -> ``(n_runs, best_r)``, arrays of one shape; at most three.
    simulated : list of tuple
        ``(n_runs, best_r)`` of simulated leaderboards.
    nulls : dict of str to tuple
        What was exchanged -> ``(n_runs, best_r)``; the formula first.
    **words : str
        For ``page_figure``.
    """
    fig, (left, right) = page_figure(4.4, (1, 2), margins={"wspace": 0.2}, **words)
    for (people, (runs, best)), (colour, dashes) in zip(
        curves.items(), LOOKS, strict=False
    ):
        style = {"color": colour, "linestyle": dashes, "linewidth": LINE}
        left.plot(runs, best, label=f"{people:,} people", **style)
    left.plot(*zip(*simulated, strict=True), "X", color=DARK, label="simulated noise")
    for (name, (runs, best)), (colour, dashes) in zip(nulls.items(), LOOKS, strict=False):
        right.plot(runs, best, color=colour, linestyle=dashes, linewidth=LINE, label=name)
    for ax, letter, title in (
        (left, "A", "By formula"),
        (right, "B", "The null of plot_80"),
    ):
        ax.set(xscale="log", xlabel="runs that found nothing", ylim=(0, None))
        ax.axhline(0, color=DARK, linewidth=THIN)
        ax.xaxis.set_major_formatter("{x:,.0f}")  # powers would be too small to read
        panel_title(ax, letter, title)
        small_legend(ax, "upper left")
    left.set_ylabel("best r of these runs")
    for ax in (left, right):
        ax.set_ylim(0, 1.3 * ax.get_ylim()[1])  # room for the legend
    footnote(fig, "lines: expected best of so many runs")
    show_on_card(left)
    return fig
