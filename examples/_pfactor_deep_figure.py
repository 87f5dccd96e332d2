"""The figure of the network page: arrays and the words of ``page_figure`` in, Figure out."""

from _figure_style import (
    CONDITIONS,
    INK,
    INTERVAL,
    LINE,
    MARGINS,
    SLATE,
    draw_reference,
    footnote,
    note,
    page_figure,
    panel_title,
    scatter_prediction,
    show_on_card,
    whiskers,
)


def draw_pfactor_deep_figure(panels, errors, *, baselines, **words):
    """Draw predictions in the study and in the null, and the error of each model.

    Parameters
    ----------
    panels : dict of str to tuple
        Panel title -> ``(true, predicted, scores)``: values of shape (n_subjects,), and a dict
        with ``pearson_r`` and ``r_ci``. The study first, then the null.
    errors : dict of str to tuple
        Model -> squared error as a part of the train mean's, and the ends of its interval. Names
        that hold "null" are drawn as a null.
    baselines : sequence of float
        Mean of the training people of each panel.
    **words : str
        For ``page_figure``.
    """
    fig, _ = page_figure(7.0, None, **words)
    top = fig.add_gridspec(1, 2, **MARGINS | {"top": 0.80, "bottom": 0.50, "wspace": 0.1})
    low = fig.add_gridspec(1, 1, **MARGINS | {"left": 0.2, "top": 0.38, "bottom": 0.12})
    first = None
    for cell, letter, condition, baseline, (name, (true, predicted, scores)) in zip(
        (0, 1), "AB", CONDITIONS, baselines, panels.items(), strict=True
    ):
        first = ax = fig.add_subplot(top[cell], sharex=first, sharey=first)
        scatter_prediction(ax, true, predicted, scores, baseline, condition)
        ax.set_xlabel("true value")
        panel_title(ax, letter, name)
        if cell == 0:
            ax.set_ylabel("predicted value")
            show_on_card(ax)
        else:
            ax.tick_params(labelleft=False)
    _draw_errors(fig.add_subplot(low[0]), errors)
    footnote(fig, f"dots in A and B: one per test person; brackets, whiskers: {INTERVAL}")
    return fig


def _draw_errors(ax, errors):
    draw_reference(ax, 1, axis="x")
    for row, (name, (ratio, interval)) in enumerate(errors.items()):
        colour, marker = CONDITIONS["null" if "null" in name else "effect"]
        colour = SLATE if name == "ridge" else colour
        style = {"capsize": 4, "linewidth": LINE, "color": colour, "zorder": 3}
        ax.errorbar(ratio, row, xerr=whiskers(ratio, interval), fmt=marker, **style)
        place = {"xycoords": "data", "ha": "center", "color": INK}
        note(ax, f"{ratio:.2f}", (ratio, row), (0, 5), **place)
    ax.set_yticks(range(len(errors)), list(errors))
    ax.set_ylim(len(errors) - 0.4, -0.8)
    ax.set_xlabel("squared error / train mean's")
    ax.grid(visible=False, axis="y")
    panel_title(ax, "C", "Error of each model; the dashed line is the train mean")
