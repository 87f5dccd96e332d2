"""The figure of the transfer page: arrays and the words of ``page_figure`` in, Figure out."""

import numpy as np

from _figure_style import (
    DIVERGING,
    INTERVAL,
    ON_STRONG,
    ON_WEAK,
    colour_bar,
    footnote,
    page_figure,
    panel_title,
    show_on_card,
)


def draw_transfer_figure(matrices, *, sources, targets, **words):
    """Draw gains of every source for every target, a panel per regime, on one colour scale.

    Parameters
    ----------
    matrices : dict of str to ndarray, shape (n_sources, n_targets, 3)
        Panel -> gain in accuracy, low and high end of its interval.
    sources, targets : list of str
        Names of rows and columns.
    **words : str
        For ``page_figure``.
    """
    margins = {"left": 0.14, "right": 0.88, "top": 0.70, "wspace": 0.12}
    fig, axes = page_figure(4.4, (1, len(matrices)), margins=margins, **words)
    limit = max(np.abs(matrix[..., 0]).max() for matrix in matrices.values())
    for ax, letter, (regime, matrix) in zip(axes, "AB", matrices.items(), strict=True):
        gains = matrix[..., 0]
        image = ax.imshow(gains, cmap=DIVERGING, vmin=-limit, vmax=limit, aspect="auto")
        ax.grid(visible=False)
        for (row, column), value in np.ndenumerate(gains):
            low, high = matrix[row, column, 1:]
            text = f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")
            if low > 0 or high < 0:
                text += " \u2022"
            colour = ON_STRONG if abs(value) > 0.6 * limit else ON_WEAK
            style = {"ha": "center", "va": "center", "fontsize": 10, "color": colour}
            ax.text(column, row, text, **style)
        first = ax is axes[0]
        ax.set_xticks(range(len(targets)), targets)
        ax.set_yticks(range(len(sources)), sources if first else [""] * len(sources))
        ax.tick_params(length=0)
        ax.set_xlabel("target task")
        panel_title(ax, letter, regime)
    axes[0].set_ylabel("source task")
    show_on_card(axes[0])
    colour_bar(fig, image, (0.90, 0.21, 0.015, 0.49), "gain in accuracy")
    footnote(fig, f"dot: {INTERVAL} excludes zero")
    return fig
