"""The figure of the regression page: arrays in, Figure out."""

import matplotlib.pyplot as plt
import numpy as np
from eegdash.viz import style_figure

from _figure_style import (
    EEGDASH_INK,
    EEGDASH_MUTED,
    panel_title,
    show_on_card,
    use_eegdash_style,
)

COLOURS = ("#64748B", "#006CA3", "#D97706")


def draw_invariant_figure(
    within,
    who,
    null,
    *,
    observed,
    chance,
    spread,
    baseline,
    title,
    subtitle,
    provenance,
    alt,
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
    fig, axes = plt.subplots(2, 2, figsize=(8.2, 7.0))
    style_figure(fig, title=title, subtitle=subtitle, source=provenance)
    fig.subplots_adjust(
        left=0.1, right=0.985, top=0.80, bottom=0.13, wspace=0.28, hspace=0.5
    )
    (first, second), (third, fourth) = axes
    for column, ((name, values), colour) in enumerate(
        zip(within.items(), COLOURS, strict=True)
    ):
        spots = column + np.linspace(-0.22, 0.22, len(values))
        first.scatter(
            spots, np.sort(values), s=14, color=colour, alpha=0.6, linewidths=0, zorder=3
        )
        mean = sum(values) / len(values)
        first.plot([column - 0.3, column + 0.3], [mean, mean], color=colour, linewidth=2.5)
        second.bar(column, who[name], width=0.6, color=colour, zorder=3)
        second.annotate(
            f"{who[name]:.2f}",
            (column, who[name]),
            xytext=(0, 3),
            textcoords="offset points",
            ha="center",
            fontsize=9,
            color=EEGDASH_INK,
        )
    for ax in (first, second):
        ax.set_xticks(range(len(within)), list(within))
        ax.set_xlabel("normalisation")
    first.axhline(0, color=EEGDASH_MUTED, linestyle="--", linewidth=1)
    first.set_ylabel("r within a person")
    panel_title(first, "A", "When is a person slow?")
    second.axhline(chance, color=EEGDASH_MUTED, linestyle="--", linewidth=1, zorder=4)
    second.annotate(
        "chance",
        (0.5, chance),  # in the gap between the first two bars
        xytext=(0, 3),
        textcoords="offset points",
        ha="center",
        fontsize=8,
        color=EEGDASH_MUTED,
    )
    second.set(ylabel="people told apart", ylim=(0, 1.1))
    panel_title(second, "B", "Who is it?")
    show_on_card(second)
    third.hist(null, bins=15, color="#94A3B8", zorder=3)
    third.axvline(observed, color=COLOURS[2], linewidth=2.5, zorder=4)
    third.set(xlabel="mean r within people", ylabel="permutations")
    third.annotate(
        "observed",
        (observed, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-4, -4),
        textcoords="offset points",
        ha="right",
        va="top",
        fontsize=9,
        color=EEGDASH_INK,
    )
    panel_title(third, "C", "Against chance")
    ends = [0, 1.08 * max(np.max(spread), np.max(baseline))]
    fourth.plot(ends, ends, color=EEGDASH_MUTED, linewidth=1, linestyle="--")
    fourth.scatter(
        baseline, spread, s=24, color=COLOURS[2], alpha=0.8, linewidths=0, zorder=3
    )
    fourth.set(
        xlabel="sd of log reaction time", ylabel="sd of residual", xlim=ends, ylim=ends
    )
    panel_title(fourth, "D", "Residuals, person by person")
    fig.set_label(alt)
    return fig
