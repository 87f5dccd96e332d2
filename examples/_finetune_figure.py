"""The figure of the fine-tuning page: arrays in, Figure out."""

import matplotlib.pyplot as plt
import numpy as np
from eegdash.viz import style_figure

from _figure_style import (
    EEGDASH_MUTED,
    INTERVAL,
    REGIMES,
    draw_interval,
    panel_title,
    use_eegdash_style,
)


def draw_finetune_figure(results, *, chance, title, subtitle, provenance, alt):
    """Draw learning curves, final accuracy and cost of the fine-tuning regimes, side by side.

    Parameters
    ----------
    results : dict of str to dict
        One entry per regime, keyed like ``_figure_style.REGIMES``, with

        - ``epochs``, shape (n_points,): passes over the labelled windows so far;
        - ``curve``, shape (n_points,): validation accuracy, mean over initialisations;
        - ``curves``, shape (n_inits, n_points): the same for each initialisation;
        - ``per_subject``, shape (n_subjects,): test accuracy of each person;
        - ``accuracy`` and ``interval``: mean over people, and its (low, high);
        - ``trainable``: number of parameters that learn.
    chance : float
        Accuracy of guessing, from 0 to 1.
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
    fig, (left, middle, right) = plt.subplots(
        1, 3, figsize=(8.2, 4.2), width_ratios=(1.25, 1, 1)
    )
    style_figure(fig, title=title, subtitle=subtitle, source=provenance)
    fig.subplots_adjust(left=0.08, right=0.985, top=0.73, bottom=0.21, wspace=0.36)

    for row, (regime, result) in enumerate(results.items()):
        colour, marker = REGIMES[regime]
        left.plot(
            result["epochs"], result["curves"].T, color=colour, alpha=0.25, linewidth=0.9
        )
        left.plot(
            result["epochs"],
            result["curve"],
            color=colour,
            marker=marker,
            markersize=4,
            linewidth=2,
            label=regime,
        )
        points = result["per_subject"]
        # A fixed spread instead of random jitter: the same figure every time.
        spread = row + np.linspace(-0.22, 0.22, len(points))
        middle.scatter(
            spread, np.sort(points), s=12, color=colour, alpha=0.45, linewidths=0
        )
        draw_interval(middle, row, result["accuracy"], result["interval"], regime)
        draw_interval(
            right, result["trainable"], result["accuracy"], result["interval"], regime
        )

    for ax in (left, middle, right):
        ax.axhline(chance, color=EEGDASH_MUTED, linestyle="--", linewidth=1, zorder=1)
        ax.set_ylim(0.28, 1.03)
    right.annotate(
        "chance",
        (1, chance),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        xytext=(0, 2),
        textcoords="offset points",
        fontsize=8,
        color=EEGDASH_MUTED,
    )
    left.set(xlabel="epoch", ylabel="validation accuracy")
    left.legend(loc="lower right", frameon=False, fontsize=8)
    panel_title(left, "A", "While learning")
    middle.set(ylabel="test accuracy", xlim=(-0.5, len(results) - 0.5))
    middle.set_xticks(
        range(len(results)), [name.replace("-", "-\n", 1) for name in results]
    )
    panel_title(middle, "B", "On people never seen")
    values = [result["trainable"] for result in results.values()]
    right.set(xlabel="trainable parameters", ylabel="test accuracy", xscale="log")
    right.set_xlim(min(values) / 3, max(values) * 4)
    ticks = sorted(set(values))
    right.set_xticks(ticks, [f"{value:,}" for value in ticks])
    right.set_xticks([], minor=True)
    panel_title(right, "C", "By parameters")
    fig.text(
        0.985,
        0.018,
        f"whiskers: {INTERVAL}",
        ha="right",
        va="bottom",
        fontsize=8,
        color=EEGDASH_MUTED,
    )
    fig.set_label(alt)
    return fig
