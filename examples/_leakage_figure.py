"""The figure of the splitting page: arrays and the words of ``page_figure`` in, Figure out."""

from _figure_style import (
    RIGHT,
    WRONG,
    page_figure,
    panel_title,
    scatter_true,
    show_on_card,
)


def draw_leakage_scatter(panels, **words):
    """Draw predicted against true values of windows, a panel per kind of split.

    Parameters
    ----------
    panels : dict of str to tuple
        Kind of split -> ``(true, predicted, label)``: values of shape (n_windows,), and the score
        in words. The first leaks, the second does not.
    **words : str
        For ``page_figure``.
    """
    shared = {"sharex": True, "sharey": True, "margins": {"wspace": 0.1}}
    fig, axes = page_figure(4.3, (1, 2), **shared, **words)
    dense = {"size": 16, "alpha": 0.6}  # windows, many more than people
    for ax, letter, marker, (name, (true, predicted, label)) in zip(
        axes, "AB", (WRONG, RIGHT), panels.items(), strict=True
    ):
        scatter_true(ax, true, predicted, marker, label.replace("-", "−"), **dense)
        ax.set_xlabel("true value")
        panel_title(ax, letter, name)
    axes[0].set_ylabel("predicted value")
    show_on_card(axes[0])
    return fig
