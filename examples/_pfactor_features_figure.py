"""The figures of the feature page: arrays and the words of ``page_figure`` in, Figure out."""

from _figure_style import (
    CONDITIONS,
    INTERVAL,
    RIGHT,
    WRONG,
    draw_reference,
    footnote,
    note,
    page_figure,
    panel_title,
    scatter_prediction,
    show_on_card,
    small_legend,
    spread_dots,
)


def draw_prediction_figure(panels, *, baseline, **words):
    """Draw predicted against true values, one panel per prediction, on the same axes.

    Parameters
    ----------
    panels : dict of str to tuple
        Panel title -> ``(true, predicted, scores)``: values of shape (n_subjects,), and a dict
        with ``pearson_r`` and ``r_ci``. The first is drawn as an effect, the second as a null.
    baseline : float
        Mean of the training people, drawn as a line.
    """
    shared = {"sharey": True, "margins": {"wspace": 0.1}}
    fig, axes = page_figure(4.4, (1, len(panels)), **shared, **words)
    for ax, letter, condition, (name, (true, predicted, scores)) in zip(
        axes, "AB", CONDITIONS, panels.items(), strict=True
    ):
        scatter_prediction(ax, true, predicted, scores, baseline, condition)
        ax.set_xlabel("true value")
        panel_title(ax, letter, name)
    axes[0].set_ylabel("predicted value")
    footnote(fig, f"brackets: {INTERVAL}")
    return fig


def draw_leakage_figure(leak, **words):
    """Draw the scores of held-out folds for two ways to split, per model.

    Parameters
    ----------
    leak : dict of str to dict
        Model -> way to split -> ndarray of shape (n_folds,) with a correlation per fold. The
        first way leaks, the second does not.
    """
    margins = {"left": 0.1, "top": 0.76, "bottom": 0.19}
    fig, ax = page_figure(4.0, margins=margins, **words)
    draw_reference(ax, 0)
    for column, ways in enumerate(leak.values()):
        for offset, (way, folds), (colour, marker) in zip(
            (-0.17, 0.17), ways.items(), (WRONG, RIGHT), strict=True
        ):
            style = {"color": colour, "marker": marker, "s": 60, "zorder": 3}
            label = way if column == 0 else None
            at = spread_dots(column + offset, len(folds), 0.05)
            ax.scatter(at, folds, label=label, **style)
            middle = sum(folds) / len(folds)
            style = {"fontsize": 10, "fontweight": "bold", "color": colour}
            at = (column + offset + 0.1, middle)
            ax.annotate(f"{middle:+.2f}", at, va="center", **style)
    ax.set_xticks(range(len(leak)), list(leak))
    ax.set(ylabel="r in held-out folds", xlim=(-0.5, len(leak) - 0.5), ylim=(-0.5, 1.0))
    note(ax, "nothing to find", (0, 0), (3, -3), va="top")
    small_legend(ax, "upper left", fontsize=9)
    show_on_card(ax)
    return fig
