"""The figures of the feature page: arrays in, Figure out."""

import matplotlib.pyplot as plt
import numpy as np
from eegdash.viz import style_figure

from _figure_style import (
    CONDITIONS,
    EEGDASH_MUTED,
    INTERVAL,
    footnote,
    panel_title,
    scatter_prediction,
    show_on_card,
    use_eegdash_style,
)


def draw_prediction_figure(panels, *, baseline, title, subtitle, provenance, alt):
    """Draw predicted against true values, one panel per prediction, on the same axes.

    Parameters
    ----------
    panels : dict of str to tuple
        Panel title -> ``(true, predicted, scores)``: values of shape (n_subjects,), and a dict
        with ``pearson_r`` and ``r_ci``. The first is drawn as an effect, the second as a null.
    baseline : float
        Mean of the training people, drawn as a line.
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
    fig, axes = plt.subplots(1, len(panels), figsize=(8.2, 4.4), sharey=True)
    style_figure(fig, title=title, subtitle=subtitle, source=provenance)
    fig.subplots_adjust(left=0.08, right=0.985, top=0.73, bottom=0.21, wspace=0.1)
    for ax, letter, condition, (name, (true, predicted, scores)) in zip(
        axes, "AB", CONDITIONS, panels.items(), strict=True
    ):
        scatter_prediction(ax, true, predicted, scores, baseline, condition)
        ax.set_xlabel("true value")
        panel_title(ax, letter, name)
    axes[0].set_ylabel("predicted value")
    footnote(fig, f"brackets: {INTERVAL}")
    fig.set_label(alt)
    return fig


def draw_leakage_figure(leak, *, title, subtitle, provenance, alt):
    """Draw the scores of held-out folds for two ways to split, per model.

    Parameters
    ----------
    leak : dict of str to dict
        Model -> way to split -> ndarray of shape (n_folds,) with a correlation per fold. The
        first way leaks, the second does not.
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
    fig, ax = plt.subplots(figsize=(8.2, 4.0))
    style_figure(fig, title=title, subtitle=subtitle, source=provenance)
    fig.subplots_adjust(left=0.1, right=0.985, top=0.76, bottom=0.19)
    ax.axhline(0, color=EEGDASH_MUTED, linewidth=1, linestyle="--", zorder=1)
    looks = [("#C2410C", "X"), ("#006CA3", "o")]
    for column, (_, ways) in enumerate(leak.items()):
        for offset, (way, folds), (colour, marker) in zip(
            (-0.17, 0.17), ways.items(), looks, strict=True
        ):
            spread = column + offset + np.linspace(-0.05, 0.05, len(folds))
            label = way if column == 0 else None
            ax.scatter(
                spread,
                folds,
                color=colour,
                marker=marker,
                s=60,
                label=label,
                zorder=3,
            )
            middle = sum(folds) / len(folds)
            ax.annotate(
                f"{middle:+.2f}",
                (column + offset + 0.1, middle),
                fontsize=10,
                va="center",
                color=colour,
                fontweight="bold",
            )
    ax.set_xticks(range(len(leak)), list(leak))
    ax.set(ylabel="r in held-out folds", xlim=(-0.5, len(leak) - 0.5), ylim=(-0.5, 1.0))
    ax.annotate(
        "nothing to find",
        (0, 0),
        xycoords=("axes fraction", "data"),
        xytext=(3, -3),
        textcoords="offset points",
        va="top",
        fontsize=8,
        color=EEGDASH_MUTED,
    )
    ax.legend(loc="upper left", frameon=False, fontsize=9)
    show_on_card(ax)
    fig.set_label(alt)
    return fig
