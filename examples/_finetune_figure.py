"""The figures of the fine-tuning page: arrays and the words of ``page_figure`` in, Figure out."""

import numpy as np

from _figure_style import (
    ACCURACY,
    HAIR,
    INK,
    INTERVAL,
    LINE,
    MUTED,
    REGIMES,
    RIGHT,
    WRONG,
    draw_interval,
    draw_reference,
    footnote,
    note,
    page_figure,
    panel_title,
    show_on_card,
    small_legend,
    spread_dots,
    whiskers,
)


def draw_finetune_figure(results, *, chance, **words):
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
    """
    shape = {"width_ratios": (1.25, 1, 1), "margins": {"wspace": 0.36}}
    fig, (left, middle, right) = page_figure(4.2, (1, 3), **shape, **words)
    for row, (regime, own) in enumerate(results.items()):
        colour, marker = REGIMES[regime]
        epochs = own["epochs"]
        left.plot(epochs, own["curves"].T, color=colour, alpha=0.25, linewidth=HAIR)
        style = {"color": colour, "marker": marker, "markersize": 4, "linewidth": LINE}
        left.plot(epochs, own["curve"], label=regime, **style)
        points = np.sort(own["per_subject"])
        style = {"s": 12, "color": colour, "alpha": 0.45, "linewidths": 0}
        middle.scatter(spread_dots(row, len(points)), points, **style)
        draw_interval(middle, row, own["accuracy"], own["interval"], regime)
        draw_interval(right, own["trainable"], own["accuracy"], own["interval"], regime)
    for ax in (left, middle, right):
        draw_reference(ax, chance)
        ax.set_ylim(*ACCURACY)
    note(right, "chance", (1, chance), (0, 2), ha="right", va="bottom")
    left.set(xlabel="epoch", ylabel="validation accuracy")
    small_legend(left, "lower right")
    panel_title(left, "A", "While learning")
    middle.set(ylabel="test accuracy", xlim=(-0.5, len(results) - 0.5))
    names = [name.replace("-", "-\n", 1) for name in results]
    middle.set_xticks(range(len(results)), names)
    panel_title(middle, "B", "On people never seen")
    counts = sorted({own["trainable"] for own in results.values()})
    right.set(xlabel="trainable parameters", ylabel="test accuracy", xscale="log")
    right.set_xlim(counts[0] / 3, counts[-1] * 4)
    right.set_xticks(counts, [f"{count:,}" for count in counts])
    right.set_xticks([], minor=True)
    panel_title(right, "C", "By parameters")
    show_on_card(middle)
    footnote(fig, f"whiskers: {INTERVAL}")
    return fig


def draw_frozen_figure(naive, frozen, **words):
    """Draw what a naive probe does to batch normalisation, beside a probe that is frozen.

    Parameters
    ----------
    naive, frozen : array-like, shape (3, n_points)
        Rows: epoch, validation accuracy, running variance as a multiple of its start.
    """
    words |= {"margins": {"top": 0.76, "bottom": 0.24, "wspace": 0.25}}
    fig, (left, right) = page_figure(3.8, (1, 2), title="Frozen is not frozen", **words)
    looks = {
        "naive: requires_grad = False": (naive, WRONG),
        "frozen: encoder run once": (frozen, RIGHT),
    }
    for label, ((epochs, accuracy, variance), (colour, marker)) in looks.items():
        style = {"color": colour, "marker": marker, "markersize": 5, "linewidth": LINE}
        left.plot(epochs, variance, label=label, **style)
        right.plot(epochs, accuracy, **style)
    top = max(np.max(naive[2]), np.max(frozen[2]))
    left.set(xlabel="epoch", ylabel="running variance / pretrained", ylim=(0, 1.15 * top))
    small_legend(left, "lower left")
    right.set(xlabel="epoch", ylabel="validation accuracy", ylim=ACCURACY)
    panel_title(left, "A", "What batch norm remembers")
    panel_title(right, "B", "What it does to the score")
    return fig


def draw_budget_figure(budgets, curves, paired, *, chance, **words):
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
    """
    shape = {"width_ratios": (1.2, 1), "margins": {"wspace": 0.45}}
    fig, (left, right) = page_figure(4.2, (1, 2), **shape, **words)
    for regime, (mean, low, high) in curves.items():
        colour, marker = REGIMES[regime]
        left.fill_between(budgets, low, high, color=colour, alpha=0.15, linewidth=0)
        left.plot(budgets, mean, color=colour, marker=marker, linewidth=LINE, label=regime)
    left.set_xscale("log", base=2)
    left.set_xticks(budgets, [str(n) for n in budgets])
    left.set_xticks([], minor=True)
    left.set(xlabel="labelled people", ylabel="test accuracy", ylim=ACCURACY)
    draw_reference(left, chance)
    # In the corner: on real data the curves start on the line.
    note(left, "dashed: chance", (0, 0), (4, 3), xycoords="axes fraction", va="bottom")
    small_legend(left, "lower right")
    panel_title(left, "A", "As the labels grow")
    for row, (differences, mean, interval) in enumerate(paired.values()):
        spots = spread_dots(row, len(differences), 0.25)
        right.scatter(np.sort(differences), spots, s=12, color=MUTED, alpha=0.6)
        style = {"color": INK, "marker": "D", "capsize": 4, "zorder": 4}
        right.errorbar(mean, row, xerr=whiskers(mean, interval), **style)
    draw_reference(right, 0, axis="x")
    right.set_yticks(range(len(paired)), [n.replace(" - ", "\nminus ") for n in paired])
    right.invert_yaxis()
    right.set(xlabel="difference in accuracy")
    right.grid(True, axis="x")
    right.grid(False, axis="y")
    panel_title(right, "B", "Person by person")
    footnote(fig, f"bands and whiskers: {INTERVAL}")
    return fig
