"""The figure of a new person: what own seconds buy, and for whom."""

from _figure_style import (
    AMBER,
    BLUE,
    DARK,
    HAIR,
    INK,
    INTERVAL,
    LINE,
    PALE,
    REGIMES,
    RIGHT,
    RUST,
    SMALL,
    VIOLET,
    WRONG,
    draw_reference,
    footnote,
    note,
    page_figure,
    panel_title,
    show_on_card,
    small_legend,
    whiskers,
)

#: Colour and marker of each method.
LOOKS = {
    **REGIMES,
    "keep the head": (RUST, "P"),
    "band power": (PALE, "X"),
    "scaling": (BLUE, "o"),
    "alignment": (VIOLET, "^"),
    "batch norm": (AMBER, "D"),
}


def draw_new_person_figure(without, ahead, labelled, steps, *, chance, zero_shot, **words):
    """Draw accuracy against own seconds, without labels and with them, and each person's line.

    Parameters
    ----------
    without, labelled : dict of str to tuple
        Method -> own seconds, shape (n_numbers,); mean accuracy; and its (low, high) for each.
    ahead : dict of str to float
        Method without labels -> accuracy with statistics of the whole recording.
    steps : dict of str to ndarray, shape (n_subjects,)
        What is compared person by person, from left to right.
    chance, zero_shot : float
        Accuracy of guessing, and of the network as it came.
    **words : str
        For ``page_figure``.
    """
    margins = {"left": 0.075, "top": 0.77, "bottom": 0.2, "wspace": 0.1}
    fig, panels = page_figure(4.4, (1, 3), margins=margins, sharey=True, **words)
    left, middle, right = panels
    for ax, curves in ((left, without), (middle, labelled)):
        for number, (method, (seconds, mean, ends)) in enumerate(curves.items()):
            colour, marker = LOOKS[method]
            style = {"color": colour, "marker": marker, "linewidth": LINE, "markersize": 6}
            ax.plot(seconds, mean, label=method, **style)
            style = {"color": colour, "capsize": 3, "linewidth": HAIR}
            at = seconds[-1] * (1 + 0.025 * (number - (len(curves) - 1) / 2))
            ax.errorbar(at, mean[-1], whiskers(mean[-1], ends[-1]), **style)
        draw_reference(ax, zero_shot)
        note(ax, "zero-shot", (0.02, zero_shot), (0, -9))
        ax.set_xticks(seconds, [f"{s:g}" for s in seconds])
        ax.set(xlabel="own seconds", ylim=(0, 1.02), xlim=(0, 1.2 * seconds[-1]))
        small_legend(ax, "upper left", labelspacing=0.3)
    for method, accuracy in ahead.items():
        colour, marker = LOOKS[method]
        style = {"marker": marker, "s": 42, "facecolors": "none", "edgecolors": colour}
        left.scatter(1.13 * seconds[-1], accuracy, **style, zorder=4)
    left.set(ylabel="balanced accuracy")
    places = range(len(steps))
    first, *_, last = steps.values()
    for number, line in enumerate(zip(*steps.values(), strict=True)):
        colour, _ = RIGHT if last[number] >= first[number] else WRONG
        style = {"color": colour, "linewidth": HAIR, "marker": "o", "markersize": 3}
        right.plot(places, line, alpha=0.8, **style)
    n_lose = sum(end < start for start, end in zip(first, last, strict=True))
    style = {"transform": right.transAxes, "fontsize": SMALL, "color": INK, "ha": "right"}
    right.text(0.98, 0.03, f"lose: {n_lose} of {len(last)}", **style)
    right.set_xticks(places, [name.replace(" ", "\n", 1) for name in steps])
    right.set(xlim=(-0.3, len(steps) - 0.7))
    for ax in panels:
        draw_reference(ax, chance, zorder=0)
        note(ax, "chance", (0.98, chance), (0, -9), ha="right", color=DARK)
        ax.grid(True, axis="y")
    panel_title(left, "A", "Without labels")
    panel_title(middle, "B", "With labels")
    panel_title(right, "C", "Person by person")
    show_on_card(right)
    footnote(fig, f"hollow: looking ahead; whiskers: {INTERVAL}; C: orange loses")
    return fig
