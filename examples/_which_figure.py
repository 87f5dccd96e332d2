"""Figure of the page about which model fits: a field per family and recording."""

import numpy as np
from matplotlib.patches import Rectangle

from _figure_style import BLUE, DARK, INK, PALE, RUST, SMALL, page_figure

#: Colour and short word of each verdict; a number of steps takes the place of the word.
LOOKS = {
    "fits": (BLUE, "fits"),
    "fits after": (PALE, ""),
    "loses spatial weights": (RUST, "loses"),
    "refuses": (DARK, "refuses"),
}


def draw_verdicts_figure(verdicts, steps, columns, **words):
    """Draw a row per family and a column per recording, each field in the colour of its verdict.

    Parameters
    ----------
    verdicts : dict of str to list of str
        Name of a family -> its verdict for each recording, keys of :data:`LOOKS`.
    steps : dict of str to list of int
        How many steps each needs.
    columns : sequence of str
        Names of the recordings.
    **words : str
        For ``page_figure``.
    """
    height = 1.8 + 0.3 * len(verdicts)
    margins = {"left": 0.16, "top": 1 - 0.95 / height, "bottom": 0.75 / height}
    fig, ax = page_figure(height, margins=margins, **words)
    for row, (name, of_family) in enumerate(verdicts.items()):
        for column, verdict in enumerate(of_family):
            colour, text = LOOKS[verdict]
            if not text:
                n_steps = steps[name][column]
                text = "1 step" if n_steps == 1 else f"{n_steps} steps"
            style = {"facecolor": colour, "alpha": 0.25, "linewidth": 0}
            ax.add_patch(Rectangle((column - 0.47, row - 0.42), 0.94, 0.84, **style))
            ax.text(column, row, text, ha="center", va="center", color=INK, fontsize=9)
    ax.set_yticks(np.arange(len(verdicts)), verdicts)
    ax.set_xticks(np.arange(len(columns)), columns)
    ax.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(verdicts) - 0.5, -0.5))
    ax.tick_params(length=0, labelsize=SMALL)
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)
    return fig
