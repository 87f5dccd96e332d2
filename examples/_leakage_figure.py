"""The figure of the splitting page: arrays and the words of ``page_figure`` in, Figure out."""

from _figure_style import (
    RIGHT,
    WRONG,
    page_figure,
    panel_title,
    scatter_true,
    show_on_card,
)


def draw_leakage_scatter(found, **words):
    """Draw predicted against true values of windows, a panel per way to split.

    Parameters
    ----------
    found : dict of str to tuple
        Way to split -> ``(true, predicted, said)``: values of shape (n_windows,), and the score
        in words. The first leaks, the second does not.
    """
    shared = {"sharex": True, "sharey": True, "margins": {"wspace": 0.1}}
    fig, axes = page_figure(4.3, (1, 2), **shared, **words)
    for ax, letter, look, (name, (true, predicted, said)) in zip(
        axes, "AB", (WRONG, RIGHT), found.items(), strict=True
    ):
        dense = {"size": 16, "alpha": 0.6}  # windows, many more than people
        scatter_true(ax, true, predicted, look, said.replace("-", "−"), **dense)
        ax.set_xlabel("true value")
        panel_title(ax, letter, name)
    axes[0].set_ylabel("predicted value")
    show_on_card(axes[0])
    return fig
