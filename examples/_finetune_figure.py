"""The figures of the fine-tuning page: arrays and the words of ``page_figure`` in, Figure out."""

from matplotlib.patches import FancyBboxPatch

from _figure_style import (
    ACCURACY,
    HAIR,
    INK,
    INTERVAL,
    MUTED,
    PALE,
    REGIMES,
    STARTS,
    draw_interval,
    draw_reference,
    footnote,
    note,
    page_figure,
    panel_title,
    show_on_card,
    small_legend,
    spread_dots,
)


def draw_regimes_figure(learns, **words):
    """Draw encoder and head of each regime: what they start from, and whether they learn.

    Parameters
    ----------
    learns : dict of str to tuple of str
        Regime -> beginnings of the names of parameters that learn; ``""`` is all of them.
    **words : str
        For ``page_figure``, in the place of those given here.
    """
    frozen = {regime: "" not in names for regime, names in learns.items()}
    encoders = [
        f"{regime}: {STARTS[regime]} encoder that {'is frozen' if frozen[regime] else 'learns'}"
        for regime in learns
    ]
    alt = (
        f"A network per regime, an encoder below a head that learns. {'; '.join(encoders)}."
    )
    title = "Which part of the network learns?"
    words = {"title": title, "provenance": "a drawing, no data", "alt": alt, **words}
    margins = {"left": 0.08, "right": 0.985, "top": 0.76, "bottom": 0.10, "wspace": 0.08}
    fig, axes = page_figure(3.7, (1, len(learns)), margins=margins, **words)
    for ax, letter, regime in zip(axes, "ABCDEFGH", learns, strict=False):
        colour, _ = REGIMES[regime]
        parts = {
            "head": (0.56, "random start", False),
            "encoder": (0.10, f"{STARTS[regime]} start", frozen[regime]),
        }
        for name, (bottom, begins, still) in parts.items():
            style = {
                "facecolor": PALE if still else colour,
                "alpha": 0.25,
                "linestyle": "--" if still else "-",
                "edgecolor": INK,
            }
            box = FancyBboxPatch((0.12, bottom), 0.76, 0.28, "round,pad=0.03", **style)
            ax.add_patch(box)
            state = f"{begins}, {'frozen' if still else 'learns'}"
            where = {"ha": "center", "va": "center"}
            ax.text(0.5, bottom + 0.19, name, fontweight="bold", color=INK, **where)
            ax.text(0.5, bottom + 0.07, state, fontsize=9, color=INK, **where)
        arrow = {"arrowstyle": "-|>", "color": MUTED}
        ax.annotate("", (0.5, 0.53), (0.5, 0.41), arrowprops=arrow)
        ax.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
        ax.set_axis_off()
        panel_title(ax, letter, regime)
    return fig


def draw_finetune_figure(results, *, trainable, chance, **words):
    """Draw learning curves, test accuracy and cost of the fine-tuning regimes, side by side.

    Parameters
    ----------
    results : dict of str to tuple
        Per regime, keyed like ``_figure_style.REGIMES``: epochs, shape (n_points,); validation
        accuracy, shape (n_inits, n_points); test accuracy of each person, shape (n_subjects,);
        their mean, and its (low, high).
    trainable : dict of str to int
        Number of parameters that learn.
    chance : float
        Accuracy of guessing, from 0 to 1.
    **words : str
        For ``page_figure``.
    """
    shape = {"width_ratios": (1.25, 1, 1), "margins": {"wspace": 0.36}}
    fig, (left, middle, right) = page_figure(4.2, (1, 3), **shape, **words)
    for row, (regime, (epochs, curves, points, mean, ends)) in enumerate(results.items()):
        colour, marker = REGIMES[regime]
        style = {"color": colour, "marker": marker, "markersize": 3.5, "linewidth": HAIR}
        for number, curve in enumerate(curves):
            left.plot(epochs, curve, label=None if number else regime, **style)
        style = {"s": 12, "color": colour, "alpha": 0.45, "linewidths": 0}
        middle.scatter(spread_dots(row, len(points)), points, **style)
        draw_interval(middle, row, mean, ends, regime)
        draw_interval(right, trainable[regime], mean, ends, regime)
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
    counts = sorted(set(trainable.values()))
    right.set(xlabel="trainable parameters", ylabel="test accuracy", xscale="log")
    right.set_xlim(counts[0] / 3, counts[-1] * 4)
    right.set_xticks(counts, [f"{count:,}" for count in counts])
    right.set_xticks([], minor=True)
    panel_title(right, "C", "By parameters")
    show_on_card(middle)
    footnote(fig, f"A: a line per initialisation; whiskers: {INTERVAL}")
    return fig
