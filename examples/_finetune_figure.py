"""The figure of the fine-tuning page: arrays in, Figure out."""

import matplotlib.pyplot as plt
import numpy as np
from eegdash.viz import style_figure

from _figure_style import (
    EEGDASH_INK,
    EEGDASH_MUTED,
    INTERVAL,
    REGIMES,
    draw_interval,
    footnote,
    panel_title,
    show_on_card,
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
    show_on_card(middle)
    footnote(fig, f"whiskers: {INTERVAL}")
    fig.set_label(alt)
    return fig


def draw_frozen_figure(naive, frozen, *, provenance, alt):
    """Draw what a naive probe does to batch normalisation, beside a probe that is frozen.

    Parameters
    ----------
    naive, frozen : array-like, shape (3, n_points)
        Rows: epoch, validation accuracy, running variance as a multiple of its start.
    provenance, alt : str
        Origin of the data, written on the figure, and the description for readers who do not
        see it.

    Returns
    -------
    matplotlib.figure.Figure
        The figure; its label is ``alt``.
    """
    use_eegdash_style()
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.8))
    style_figure(fig, title="Frozen is not frozen", source=provenance)
    fig.subplots_adjust(left=0.08, right=0.985, top=0.76, bottom=0.24, wspace=0.25)
    looks = {
        "naive: requires_grad = False": (naive, "#C2410C", "X"),
        "frozen: encoder run once": (frozen, *REGIMES["linear-probe"]),
    }
    for label, ((epochs, accuracy, variance), colour, marker) in looks.items():
        style = {"color": colour, "marker": marker, "markersize": 5, "linewidth": 2}
        left.plot(epochs, variance, label=label, **style)
        right.plot(epochs, accuracy, **style)
    top = max(np.max(naive[2]), np.max(frozen[2]))
    left.set(xlabel="epoch", ylabel="running variance / pretrained", ylim=(0, 1.15 * top))
    left.legend(loc="lower left", frameon=False, fontsize=8)
    right.set(xlabel="epoch", ylabel="validation accuracy", ylim=(0.28, 1.03))
    panel_title(left, "A", "What batch norm remembers")
    panel_title(right, "B", "What it does to the score")
    fig.set_label(alt)
    return fig


def draw_budget_figure(
    budgets, curves, paired, *, chance, title, subtitle, provenance, alt
):
    """Draw accuracy against the number of labelled people, and differences within people.

    Parameters
    ----------
    budgets : list of int
        Numbers of labelled people.
    curves : dict of str to array-like, shape (3, n_budgets)
        Per regime the rows mean, low and high.
    paired : dict of str to tuple
        Per pair of regimes, named ``"one - other"``: ``(differences, mean, (low, high))`` with
        one difference per test person.
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
    fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 4.2), width_ratios=(1.2, 1))
    style_figure(fig, title=title, subtitle=subtitle, source=provenance)
    fig.subplots_adjust(left=0.08, right=0.985, top=0.73, bottom=0.21, wspace=0.45)
    for regime, (mean, low, high) in curves.items():
        colour, marker = REGIMES[regime]
        left.fill_between(budgets, low, high, color=colour, alpha=0.15, linewidth=0)
        left.plot(budgets, mean, color=colour, marker=marker, linewidth=2, label=regime)
    left.set_xscale("log", base=2)
    left.set_xticks(budgets, [str(n) for n in budgets])
    left.set_xticks([], minor=True)
    left.set(xlabel="labelled people", ylabel="test accuracy", ylim=(0.28, 1.03))
    left.axhline(chance, color=EEGDASH_MUTED, linestyle="--", linewidth=1, zorder=1)
    left.annotate(
        "dashed: chance",  # in the corner: on real data the curves start on the line
        (0, 0),
        xycoords="axes fraction",
        va="bottom",
        xytext=(4, 3),
        textcoords="offset points",
        fontsize=8,
        color=EEGDASH_MUTED,
    )
    left.legend(loc="lower right", frameon=False, fontsize=8)
    panel_title(left, "A", "As the labels grow")

    for row, (differences, mean, (low, high)) in enumerate(paired.values()):
        spread = row + np.linspace(-0.25, 0.25, len(differences))
        right.scatter(np.sort(differences), spread, s=12, color=EEGDASH_MUTED, alpha=0.6)
        reach = [[max(mean - low, 0)], [max(high - mean, 0)]]
        style = {"color": EEGDASH_INK, "marker": "D", "capsize": 4, "zorder": 4}
        right.errorbar(mean, row, xerr=reach, **style)
    right.axvline(0, color=EEGDASH_MUTED, linestyle="--", linewidth=1, zorder=1)
    right.set_yticks(range(len(paired)), [n.replace(" - ", "\nminus ") for n in paired])
    right.invert_yaxis()
    right.set(xlabel="difference in accuracy")
    right.grid(True, axis="x")
    right.grid(False, axis="y")
    panel_title(right, "B", "Person by person")
    footnote(fig, f"bands and whiskers: {INTERVAL}")
    fig.set_label(alt)
    return fig
