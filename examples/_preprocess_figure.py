"""The figure of the preprocessing page: arrays in, Figure out."""

import matplotlib.pyplot as plt
import numpy as np
from eegdash.viz import style_figure

from _figure_style import EEGDASH_MUTED, panel_title, show_on_card, use_eegdash_style

BEFORE, AFTER = "#64748B", "#D97706"


def draw_preprocess_figure(
    signals, spectra, eyes, blocks, *, freqs, sfreq, title, subtitle, provenance, alt
):
    """Draw what referencing and filtering do, where the blocks are, and what is in the windows.

    Parameters
    ----------
    signals : dict of str to ndarray, shape (2, n_times)
        ``"recorded"`` and ``"average"`` -> signals of the reference and of another channel, V.
    spectra : dict of str to tuple of ndarray
        ``"before"`` and ``"after"`` -> frequencies in Hz, and power in uV^2/Hz.
    eyes : dict of str to ndarray, shape (n_freqs,)
        ``"open"`` and ``"closed"`` -> power of the windows.
    blocks : ndarray, shape (n_blocks, 3)
        Name, onset and duration of each block, in seconds.
    freqs : ndarray, shape (n_freqs,)
        Frequencies of ``eyes``, in Hz.
    sfreq : float
        Sampling frequency of ``signals``, in Hz.
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
    fig, axes = plt.subplots(2, 2, figsize=(8.2, 6.8))
    style_figure(fig, title=title, subtitle=subtitle, source=provenance)
    fig.subplots_adjust(
        left=0.1, right=0.985, top=0.80, bottom=0.13, wspace=0.26, hspace=0.5
    )
    (first, second), (third, fourth) = axes
    shown = slice(round(5 * sfreq), round(7 * sfreq))
    times = np.arange(shown.stop - shown.start) / sfreq
    for row, channel in enumerate(("reference channel", "another channel")):
        for (name, values), colour in zip(signals.items(), (BEFORE, AFTER), strict=True):
            label = {"recorded": "as recorded", "average": "average reference"}[name]
            first.plot(
                times,
                values[row, shown] * 1e6 - 150 * row,
                color=colour,
                linewidth=1,
                label=label if row == 0 else None,
            )
        first.text(
            0.01, -150 * row + 48, channel, fontsize=8, color=EEGDASH_MUTED, va="bottom"
        )
    first.set(xlabel="time in s", ylabel="uV, shifted", ylim=(-225, 130))
    first.legend(loc="upper right", frameon=False, fontsize=8, ncols=2)
    panel_title(first, "A", "What the reference hides")
    show_on_card(first)
    for (name, (own, power)), colour in zip(spectra.items(), (BEFORE, AFTER), strict=True):
        second.semilogy(own, power, color=colour, linewidth=1.5, label=f"{name} the filter")
    second.set(xlabel="frequency in Hz", ylabel="uV^2 / Hz", ylim=(1e-6, None))
    second.legend(loc="lower left", frameon=False, fontsize=8)
    panel_title(second, "B", "What the filter removes")
    colours = {"Open": "#006CA3", "Close": "#7C3AED"}
    for name, onset, duration in blocks:
        side = "Open" if "Open" in name else "Close"
        third.barh(side, duration, left=onset, height=0.5, color=colours[side], zorder=3)
    third.set(xlabel="time in s", xlim=(0, None), ylim=(-0.6, 1.6))
    third.set_yticks([0, 1], ["eyes open", "eyes closed"])
    panel_title(third, "C", "Where the blocks are")
    for (name, power), colour in zip(eyes.items(), colours.values(), strict=True):
        fourth.plot(freqs[1:], power[1:], color=colour, linewidth=2, label=f"eyes {name}")
    fourth.set(xlabel="frequency in Hz", ylabel="power at the back", xlim=(0, 30))
    fourth.set_yticks([])
    fourth.legend(loc="upper right", frameon=False, fontsize=8)
    panel_title(fourth, "D", "What the windows hold")
    fig.set_label(alt)
    return fig
