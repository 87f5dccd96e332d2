"""The figure of the attribution page: arrays and the words of ``page_figure`` in, Figure out."""

import numpy as np

from _figure_style import (
    AMBER,
    DARK,
    DIVERGING,
    INK,
    MARGINS,
    PALE,
    colour_bar,
    draw_reference,
    footnote,
    note,
    page_figure,
    panel_title,
    show_on_card,
    spread_dots,
)

#: Colour and marker of each kind of pair.
PAIRS = ((AMBER, "o"), (DARK, "s"), (PALE, "D"))


def draw_rhythm_figure(maps, rho, *, freqs, ch_names, **words):
    """Draw attribution in frequency of several networks, and how much their maps are alike.

    Parameters
    ----------
    maps : dict of str to ndarray, shape (n_chans, n_freqs)
        Panel title -> signed attribution, drawn as a part of its own largest value.
    rho : dict of str to dict
        Kind of map -> kind of pair -> rank correlations of two maps.
    freqs : ndarray, shape (n_freqs,)
        Frequencies in Hz.
    ch_names : sequence of str
        Channel names.
    **words : str
        For ``page_figure``.
    """
    fig, _ = page_figure(7.4, None, **words)
    room = {"left": 0.12, "right": 0.87, "wspace": 0.12}
    top = fig.add_gridspec(1, len(maps), **MARGINS | room | {"top": 0.81, "bottom": 0.50})
    low = fig.add_gridspec(1, 1, **MARGINS | {"left": 0.34, "top": 0.37, "bottom": 0.12})
    # More names than a dozen would touch: every second one, or third.
    named = range(0, len(ch_names), -(-len(ch_names) // 12))
    for cell, (letter, (name, values)) in enumerate(zip("ABC", maps.items(), strict=True)):
        ax = fig.add_subplot(top[cell])
        image = _draw_map(ax, values, freqs)
        ax.set_yticks(named, [ch_names[i] if cell == 0 else "" for i in named])
        panel_title(ax, letter, name[0].upper() + name[1:])
        if letter == "A":
            show_on_card(ax)
    colour_bar(
        fig, image, (0.89, 0.50, 0.015, 0.31), "d output / d log amplitude, of largest"
    )
    _draw_likeness(fig.add_subplot(low[0]), rho)
    footnote(fig, "D: one dot per pair of networks, the number is their mean")
    return fig


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


def _draw_likeness(ax, rho):
    names = []
    row = 0
    for kind, pairs in rho.items():
        for (pair, values), (colour, marker) in zip(pairs.items(), PAIRS, strict=True):
            # In the order of the networks, spread so that none hides another.
            at = spread_dots(row, len(values)) if len(values) > 1 else [row]
            style = {
                "color": colour,
                "marker": marker,
                "s": 26,
                "linewidths": 0,
                "zorder": 3,
            }
            ax.scatter(values, at, **style)
            place = {"xycoords": ("axes fraction", "data"), "ha": "right", "color": INK}
            note(ax, f"{sum(values) / len(values):.2f}", (1, row), (-4, -3), **place)
            names.append(f"{kind}: {pair}")
            row += 1
    draw_reference(ax, 0, axis="x")
    ax.set_yticks(range(row), names)
    ax.set(ylim=(row - 0.5, -0.5), xlim=(min(-0.05, ax.get_xlim()[0]), 1.08))
    ax.set_xlabel("rank correlation of two maps")
    ax.grid(visible=False, axis="y")
    panel_title(ax, "D", "How alike are two maps?")
