"""The figure of the network page: arrays and the words of ``page_figure`` in, Figure out."""

import matplotlib.pyplot as plt
import numpy as np

from _figure_style import (
    CONDITIONS,
    DIVERGING,
    INTERVAL,
    LINE,
    MARGINS,
    MUTED,
    SWATCH,
    THIN,
    colour_bar,
    draw_reference,
    footnote,
    page_figure,
    panel_title,
    scatter_prediction,
    show_on_card,
    small_legend,
)


def draw_pfactor_deep_figure(
    histories, panels, maps, *, freqs, ch_names, baseline, baseline_loss, **words
):
    """Draw losses, predictions as recorded and in the null, and attribution in frequency.

    Parameters
    ----------
    histories : dict of str to ndarray, shape (n_epochs, 2)
        ``"effect"`` (as recorded) and ``"null"`` -> training and test loss per epoch.
    panels : dict of str to tuple
        Panel title -> ``(true, predicted, scores)``: values of shape (n_subjects,), and a dict
        with ``pearson_r`` and ``r_ci``. As recorded first, then the null.
    maps : dict of str to ndarray, shape (n_chans, n_freqs)
        Panel title -> signed attribution, drawn as a part of its own largest value.
    freqs : ndarray, shape (n_freqs,)
        Frequencies in Hz.
    ch_names : sequence of str
        Channel names.
    baseline : float
        Mean score of the training people.
    baseline_loss : float
        Loss of predicting that mean, in the unit of ``histories``.
    """
    fig, _ = page_figure(7.4, None, **words)
    room = MARGINS | {"top": 0.80, "bottom": 0.51, "wspace": 0.3}
    top = fig.add_gridspec(1, 3, **room)
    room = MARGINS | {"right": 0.87, "top": 0.40, "bottom": 0.13, "wspace": 0.12}
    low = fig.add_gridspec(1, 2, **room)
    _draw_losses(fig.add_subplot(top[0]), histories, baseline_loss)

    first = None
    for cell, letter, condition, (name, (true, predicted, scores)) in zip(
        (1, 2), "BC", CONDITIONS, panels.items(), strict=True
    ):
        first = ax = fig.add_subplot(top[cell], sharey=first)
        scatter_prediction(ax, true, predicted, scores, baseline, condition)
        ax.set_xlabel("true value")
        panel_title(ax, letter, name)
        if cell == 1:
            ax.set_ylabel("predicted value")
            show_on_card(ax)

    # More names than a dozen would touch: every second one, or third.
    named = range(0, len(ch_names), -(-len(ch_names) // 12))
    for cell, letter, (name, values) in zip((0, 1), "DE", maps.items(), strict=True):
        ax = fig.add_subplot(low[cell])
        image = _draw_map(ax, values, freqs)
        ax.set_yticks(named, [ch_names[i] if cell == 0 else "" for i in named])
        panel_title(ax, letter, f"Attribution, {name}")
    place = (0.89, 0.13, 0.015, 0.27)
    colour_bar(fig, image, place, "d output / d log amplitude, of largest")
    footnote(fig, f"brackets: {INTERVAL}")
    return fig


def _draw_losses(ax, histories, baseline_loss):
    for condition, history in histories.items():
        colour, marker = CONDITIONS[condition]
        epochs = np.arange(1, len(history) + 1)
        ax.plot(epochs, history[:, 0], color=colour, linewidth=THIN, linestyle=":")
        style = {"color": colour, "marker": marker, "markersize": 3, "linewidth": LINE}
        ax.plot(epochs, history[:, 1], **style)
    draw_reference(ax, baseline_loss, zorder=2)
    reach = max(history.max() for history in histories.values())
    ax.set(xlabel="epoch", ylabel="loss", ylim=(0, 1.45 * reach))
    handles = [
        plt.Line2D([], [], color=colour, linewidth=SWATCH, label=name)
        for name, (colour, _) in zip(("recorded", "null"), CONDITIONS.values(), strict=True)
    ]
    handles += [
        plt.Line2D([], [], color=MUTED, linestyle=style, label=name)
        for name, style in (("test", "-"), ("train", ":"), ("train mean", "--"))
    ]
    tight = {"ncols": 2, "handlelength": 1.4, "columnspacing": 1.0, "borderaxespad": 0.1}
    small_legend(ax, "upper right", handles=handles, **tight)
    panel_title(ax, "A", "Loss")


def _draw_map(ax, values, freqs):
    shown = freqs <= 30  # Hz: the band-pass of the page ends there
    step = freqs[1] - freqs[0]
    image = ax.imshow(
        values[:, shown] / np.abs(values[:, shown]).max(),
        aspect="auto",
        cmap=DIVERGING,
        vmin=-1,
        vmax=1,
        extent=(-step / 2, freqs[shown][-1] + step / 2, len(values) - 0.5, -0.5),
        interpolation="nearest",
    )
    ax.grid(visible=False)
    ax.set_xlabel("frequency in Hz")
    return image
