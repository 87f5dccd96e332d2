"""The figure of the preprocessing page: arrays and the words of ``page_figure`` in, Figure out."""

import numpy as np

from _figure_style import (
    AMBER,
    BLUE,
    FINE,
    INK,
    LINE,
    MUTED,
    RUST,
    SLATE,
    SMALL,
    THIN,
    VIOLET,
    note,
    page_figure,
    panel_title,
    show_on_card,
    small_legend,
)

BEFORE, AFTER = SLATE, AMBER
EYES = {"open": BLUE, "closed": VIOLET}
#: Distance between two traces, and length of the scale bar, in uV.
APART, BAR = 70, 50
#: Error from which a swap is drawn as harmful: one part in five.
HARM = 0.2


def draw_preprocess_figure(signals, errors, spectra, eyes, sfreq, **words):
    """Draw what the reference hides, what swaps and the filter do, and what is in the windows.

    Parameters
    ----------
    signals : dict of str to ndarray, shape (2, n_times)
        Before and after re-referencing -> signals of ``Cz`` and ``E75`` in V.
    errors : dict of str to float
        Swap of two steps -> size of its error, as a part of the signal.
    spectra : dict of str to tuple of ndarray
        ``"before"`` and ``"after"`` -> frequencies in Hz, and power in uV^2/Hz.
    eyes : tuple of ndarray
        Frequencies in Hz, shape (n_freqs,), and power of the windows in uV^2/Hz with eyes open
        and closed, shape (2, n_freqs).
    sfreq : float
        Sampling frequency of ``signals``, in Hz.
    **words : str
        For ``page_figure``.
    """
    margins = {"left": 0.13, "top": 0.82, "bottom": 0.11, "wspace": 0.62, "hspace": 0.5}
    fig, axes = page_figure(7.2, (2, 2), margins=margins, **words)
    (first, second), (third, fourth) = axes
    _draw_signals(first, signals, sfreq)
    panel_title(first, "A", "What the reference hides")
    _draw_errors(second, errors)
    panel_title(second, "B", "What another order does")
    show_on_card(second)
    for (name, (freqs, power)), colour in zip(
        spectra.items(), (BEFORE, AFTER), strict=True
    ):
        label = f"{name} the filter"
        third.semilogy(freqs, power, color=colour, linewidth=THIN, label=label)
    third.set(xlabel="frequency in Hz", ylabel="power in µV²/Hz", ylim=(1e-6, 1e4))
    small_legend(third, "upper right")
    panel_title(third, "C", "What the filter removes")
    freqs, powers = eyes
    for (name, colour), power in zip(EYES.items(), powers, strict=True):
        style = {"color": colour, "linewidth": LINE, "label": f"eyes {name}"}
        fourth.plot(freqs[1:], power[1:], **style)
    fourth.set(xlabel="frequency in Hz", ylabel="power in µV²/Hz", xlim=(0, 30))
    fourth.set_ylim(0, None)
    small_legend(fourth, "upper right")
    panel_title(fourth, "D", "What the windows hold")
    return fig


def _draw_signals(ax, signals, sfreq):
    labels = []
    n_times = len(next(iter(signals.values()))[0])
    times = np.arange(n_times) / sfreq
    heights = -APART * np.arange(4)
    for row, channel in enumerate(("Cz", "E75")):
        for (how, values), colour in zip(signals.items(), (BEFORE, AFTER), strict=True):
            at = heights[len(labels)]
            ax.plot(times, values[row] * 1e6 + at, color=colour, linewidth=FINE)
            labels.append(f"{channel}\n{how}")
    ax.set_yticks(heights, labels)
    ax.tick_params(axis="y", length=0, labelsize=SMALL)
    ax.set(
        xlabel="time in s", ylim=(heights[-1] - APART, APART), xlim=(0, times[-1] * 1.16)
    )
    ax.grid(False)
    place = times[-1] * 1.06
    ax.plot([place, place], [-BAR / 2, BAR / 2], color=INK, linewidth=LINE)
    style = {"xycoords": "data", "rotation": 90, "va": "center"}
    note(ax, f"{BAR} µV", (place, 0), (4, 0), **style)


def _draw_errors(ax, errors):
    rows = -np.arange(len(errors))
    values = 100 * np.array(list(errors.values()))
    colours = [RUST if value > 100 * HARM else SLATE for value in values]
    ax.barh(rows, values, height=0.55, color=colours, zorder=3)
    for row, value in zip(rows, values, strict=True):
        ax.text(value + 1, row, f"{value:.0f} %", va="center", fontsize=SMALL, color=MUTED)
    ax.set_yticks(rows, [name.replace(" before ", "\nbefore ") for name in errors])
    ax.tick_params(axis="y", length=0, labelsize=SMALL)
    ax.set(xlabel="error, % of the signal", xlim=(0, 1.2 * max(values)))
    ax.grid(False, axis="y")
