"""The figure of the transfer page: arrays in, Figure out."""

import matplotlib.pyplot as plt
import numpy as np
from eegdash.viz import style_figure

from _figure_style import INTERVAL, footnote, panel_title, show_on_card, use_eegdash_style


def draw_transfer_figure(matrices, *, sources, targets, title, subtitle, provenance, alt):
    """Draw gains of every source for every target, a panel per regime, on one colour scale.

    Parameters
    ----------
    matrices : dict of str to ndarray, shape (n_sources, n_targets, 3)
        Regime -> gain in accuracy, low and high end of its interval.
    sources, targets : list of str
        Names of rows and columns.
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
    fig, axes = plt.subplots(1, len(matrices), figsize=(8.2, 4.4))
    style_figure(fig, title=title, subtitle=subtitle, source=provenance)
    fig.subplots_adjust(left=0.14, right=0.88, top=0.70, bottom=0.21, wspace=0.12)
    limit = max(np.abs(matrix[..., 0]).max() for matrix in matrices.values())
    for ax, letter, (regime, matrix) in zip(axes, "AB", matrices.items(), strict=True):
        image = ax.imshow(
            matrix[..., 0], cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto"
        )
        ax.grid(visible=False)
        for (row, column), value in np.ndenumerate(matrix[..., 0]):
            low, high = matrix[row, column, 1:]
            mark = " \u2022" if low > 0 or high < 0 else ""
            ax.text(
                column,
                row,
                f"{value:+.2f}{mark}",
                ha="center",
                va="center",
                fontsize=10,
                color="white" if abs(value) > 0.6 * limit else "black",
            )
        first = ax is axes[0]
        ax.set_xticks(range(len(targets)), targets)
        ax.set_yticks(range(len(sources)), sources if first else [""] * len(sources))
        ax.tick_params(length=0)
        ax.set_xlabel("target task")
        panel_title(ax, letter, regime)
    axes[0].set_ylabel("source task")
    show_on_card(axes[0])
    bar = fig.add_axes((0.90, 0.21, 0.015, 0.49))
    fig.colorbar(image, cax=bar)
    bar.set_ylabel("gain in accuracy", fontsize=8)
    bar.tick_params(labelsize=8)
    footnote(fig, f"dot: {INTERVAL} excludes zero")
    fig.set_label(alt)
    return fig
