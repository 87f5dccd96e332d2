"""The figure of the preprocessing page: arrays and the words of ``page_figure`` in, Figure out."""

import numpy as np

from _figure_style import (
    AMBER,
    BLUE,
    FINE,
    LINE,
    MUTED,
    SLATE,
    SMALL,
    THIN,
    VIOLET,
    page_figure,
    panel_title,
    show_on_card,
    small_legend,
)

BEFORE, AFTER = SLATE, AMBER
EYES = {"Open": BLUE, "Close": VIOLET}


def draw_preprocess_figure(signals, spectra, eyes, blocks, *, freqs, sfreq, **words):
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
    """
    margins = {"left": 0.1, "top": 0.80, "bottom": 0.13, "wspace": 0.26, "hspace": 0.5}
    fig, axes = page_figure(6.8, (2, 2), margins=margins, **words)
    (first, second), (third, fourth) = axes
    _draw_signals(first, signals, sfreq)
    panel_title(first, "A", "What the reference hides")
    show_on_card(first)
    for (name, (own, power)), colour in zip(spectra.items(), (BEFORE, AFTER), strict=True):
        label = f"{name} the filter"
        second.semilogy(own, power, color=colour, linewidth=THIN, label=label)
    second.set(xlabel="frequency in Hz", ylabel="uV^2 / Hz", ylim=(1e-6, None))
    small_legend(second, "lower left")
    panel_title(second, "B", "What the filter removes")
    for name, onset, duration in blocks:
        side = "Open" if "Open" in name else "Close"
        third.barh(side, duration, left=onset, height=0.5, color=EYES[side], zorder=3)
    third.set(xlabel="time in s", xlim=(0, None), ylim=(-0.6, 1.6))
    third.set_yticks([0, 1], ["eyes open", "eyes closed"])
    panel_title(third, "C", "Where the blocks are")
    for (name, power), colour in zip(eyes.items(), EYES.values(), strict=True):
        label = f"eyes {name}"
        fourth.plot(freqs[1:], power[1:], color=colour, linewidth=LINE, label=label)
    fourth.set(xlabel="frequency in Hz", ylabel="power at the back", xlim=(0, 30))
    fourth.set_yticks([])
    small_legend(fourth, "upper right")
    panel_title(fourth, "D", "What the windows hold")
    return fig


def _draw_signals(ax, signals, sfreq):
    shown = slice(round(5 * sfreq), round(7 * sfreq))
    times = np.arange(shown.stop - shown.start) / sfreq
    for row, channel in enumerate(("reference channel", "another channel")):
        for (name, values), colour in zip(signals.items(), (BEFORE, AFTER), strict=True):
            label = {"recorded": "as recorded", "average": "average reference"}[name]
            ax.plot(
                times,
                values[row, shown] * 1e6 - 150 * row,
                color=colour,
                linewidth=FINE,
                label=label if row == 0 else None,
            )
        style = {"fontsize": SMALL, "color": MUTED, "va": "bottom"}
        ax.text(0.01, -150 * row + 48, channel, **style)
    ax.set(xlabel="time in s", ylabel="uV, shifted", ylim=(-225, 130))
    small_legend(ax, "upper right", ncols=2)
