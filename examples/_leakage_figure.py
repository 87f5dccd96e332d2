"""The figure of the splitting page: arrays in, Figure out."""

import matplotlib.pyplot as plt
from eegdash.viz import style_figure

from _figure_style import (
    EEGDASH_INK,
    EEGDASH_MUTED,
    panel_title,
    show_on_card,
    use_eegdash_style,
)


def draw_leakage_scatter(found, *, title, subtitle, provenance, alt):
    """Draw predicted against true values of windows, a panel per way to split.

    Parameters
    ----------
    found : dict of str to tuple
        Way to split -> ``(true, predicted, r)``: values of shape (n_windows,), and their
        correlation. The first leaks, the second does not.
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
    fig, axes = plt.subplots(1, 2, figsize=(8.2, 4.3), sharex=True, sharey=True)
    style_figure(fig, title=title, subtitle=subtitle, source=provenance)
    fig.subplots_adjust(left=0.08, right=0.985, top=0.73, bottom=0.21, wspace=0.1)
    looks = [("#C2410C", "X"), ("#006CA3", "o")]
    for ax, letter, (colour, marker), (name, (true, predicted, r)) in zip(
        axes, "AB", looks, found.items(), strict=True
    ):
        ends = [min(true), max(true)]
        ax.plot(ends, ends, color=EEGDASH_MUTED, linewidth=1, linestyle=":", zorder=1)
        ax.scatter(
            true,
            predicted,
            s=16,
            color=colour,
            marker=marker,
            alpha=0.6,
            linewidths=0,
            zorder=3,
        )
        ax.text(
            0.03,
            0.97,
            f"r = {r:+.2f}",
            transform=ax.transAxes,
            va="top",
            fontsize=11,
            fontweight="bold",
            color=EEGDASH_INK,
        )
        ax.set_xlabel("true value")
        panel_title(ax, letter, name)
    axes[0].set_ylabel("predicted value")
    show_on_card(axes[0])
    fig.set_label(alt)
    return fig
