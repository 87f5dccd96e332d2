"""The figure of the feature page: arrays and the words of ``page_figure`` in, Figure out."""

from _figure_style import (
    CONDITIONS,
    INTERVAL,
    footnote,
    page_figure,
    panel_title,
    scatter_prediction,
    show_on_card,
)


def draw_prediction_figure(panels, **words):
    """Draw predicted against true values, one panel per prediction, on the same axes.

    Parameters
    ----------
    panels : dict of str to tuple
        Panel title -> ``(true, predicted, scores, baseline)``: values of shape (n_subjects,), a
        dict with ``pearson_r`` and ``r_ci``, and the mean of the panel's own training people,
        drawn as a line. The first is drawn as an effect, the second as a null.
    **words : str
        For ``page_figure``.
    """
    shared = {"sharex": True, "sharey": True, "margins": {"wspace": 0.1}}
    fig, axes = page_figure(4.4, (1, len(panels)), **shared, **words)
    for ax, letter, condition, (name, (true, predicted, scores, baseline)) in zip(
        axes, "AB", CONDITIONS, panels.items(), strict=True
    ):
        scatter_prediction(ax, true, predicted, scores, baseline, condition)
        ax.set_xlabel("true value")
        panel_title(ax, letter, name)
    axes[0].set_ylabel("predicted value")
    show_on_card(axes[0])
    footnote(fig, f"brackets: {INTERVAL}")
    return fig
