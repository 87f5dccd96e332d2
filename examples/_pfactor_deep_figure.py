"""The figure of the network page: arrays in, Figure out."""

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


def draw_pfactor_deep_figure(
    histories,
    panels,
    maps,
    *,
    freqs,
    ch_names,
    baseline,
    baseline_loss,
    title,
    subtitle,
    provenance,
    alt,
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
    fig = plt.figure(figsize=(8.2, 7.4))
    style_figure(fig, title=title, subtitle=subtitle, source=provenance)
    top = fig.add_gridspec(1, 3, left=0.08, right=0.985, top=0.80, bottom=0.51, wspace=0.3)
    low = fig.add_gridspec(1, 2, left=0.08, right=0.87, top=0.40, bottom=0.13, wspace=0.12)

    loss = fig.add_subplot(top[0])
    for condition, history in histories.items():
        colour, marker = CONDITIONS[condition]
        epochs = np.arange(1, len(history) + 1)
        loss.plot(epochs, history[:, 0], color=colour, linewidth=1.5, linestyle=":")
        loss.plot(
            epochs, history[:, 1], color=colour, linewidth=2, marker=marker, markersize=3
        )
    loss.axhline(baseline_loss, color=EEGDASH_MUTED, linestyle="--", linewidth=1)
    reach = max(history.max() for history in histories.values())
    loss.set(xlabel="epoch", ylabel="loss", ylim=(0, 1.45 * reach))
    handles = [
        plt.Line2D([], [], color=colour, linewidth=3, label=name)
        for name, (colour, _) in zip(("recorded", "null"), CONDITIONS.values(), strict=True)
    ]
    handles += [
        plt.Line2D([], [], color=EEGDASH_MUTED, linestyle=style, label=name)
        for name, style in (("test", "-"), ("train", ":"), ("train mean", "--"))
    ]
    loss.legend(
        handles=handles,
        loc="upper right",
        frameon=False,
        fontsize=8,
        ncols=2,
        handlelength=1.4,
        columnspacing=1.0,
        borderaxespad=0.1,
    )
    panel_title(loss, "A", "Loss")

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

    shown = freqs <= 30
    step = freqs[1] - freqs[0]
    extent = (-step / 2, freqs[shown][-1] + step / 2, len(ch_names) - 0.5, -0.5)
    for cell, letter, (name, values) in zip((0, 1), "DE", maps.items(), strict=True):
        ax = fig.add_subplot(low[cell])
        image = ax.imshow(
            values[:, shown] / np.abs(values[:, shown]).max(),
            aspect="auto",
            cmap="RdBu_r",
            vmin=-1,
            vmax=1,
            extent=extent,
            interpolation="nearest",
        )
        ax.grid(visible=False)
        ax.set_xlabel("frequency in Hz")
        # More names than a dozen would touch: every second one, or third.
        named = range(0, len(ch_names), -(-len(ch_names) // 12))
        ax.set_yticks(named, [ch_names[i] if cell == 0 else "" for i in named])
        panel_title(ax, letter, f"Attribution, {name}")
    bar = fig.add_axes((0.89, 0.13, 0.015, 0.27))
    fig.colorbar(image, cax=bar)
    bar.set_ylabel("d output / d log amplitude, of largest", fontsize=8)
    bar.tick_params(labelsize=8)
    footnote(fig, f"brackets: {INTERVAL}")
    fig.set_label(alt)
    return fig
