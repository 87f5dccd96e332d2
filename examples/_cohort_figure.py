"""The figure of the page on cohorts: arrays and the words of ``page_figure`` in, Figure out."""

import numpy as np

from _figure_style import (
    BLUE,
    MUTED,
    RUST,
    SLATE,
    SMALL,
    note,
    page_figure,
    panel_title,
    show_on_card,
)


def draw_cohort_figure(ages, scores, ages_missing, gigabytes, **words):
    """Draw who has a score, and what some downloads cost.

    Parameters
    ----------
    ages, scores : ndarray, shape (n_people,)
        Of the people with a score, in years and in units of the score.
    ages_missing : ndarray, shape (n_missing,)
        Ages of those without.
    gigabytes : dict of str to float
        Download -> size in GB.
    **words : str
        For ``page_figure``.
    """
    margins = {"left": 0.09, "top": 0.76, "bottom": 0.19, "wspace": 0.5}
    fig, (people, cost) = page_figure(4.4, (1, 2), margins=margins, **words)
    people.scatter(ages, scores, s=26, color=BLUE, alpha=0.8, linewidths=0, zorder=3)
    ticks = np.arange(np.floor(min(scores)), np.floor(max(scores)) + 1)
    floor = ticks[0] - 1
    people.scatter(
        ages_missing, np.full(len(ages_missing), floor), s=60, color=RUST, marker="X"
    )
    dropped = f"dropped: {len(ages_missing)}"
    style = {"xycoords": "axes fraction", "color": RUST, "fontsize": 9}
    note(people, dropped, (0, 0), (4, 6), **style)
    labels = [f"{tick:.0f}".replace("-", "−") for tick in ticks]
    people.set_yticks([floor, *ticks], ["none", *labels])
    people.set(xlabel="age in years", ylabel="p-factor")
    people.set_ylim(floor - 0.9, max(scores) + 0.4)
    panel_title(people, "A", "Who has a score")
    show_on_card(people)
    rows = -np.arange(len(gigabytes))
    cost.barh(rows, list(gigabytes.values()), height=0.5, color=SLATE, zorder=3)
    for row, size in zip(rows, gigabytes.values(), strict=True):
        style = {"va": "center", "fontsize": 9, "color": MUTED}
        cost.text(size + 0.02 * max(gigabytes.values()), row, f"{size:.1f} GB", **style)
    cost.set_yticks(rows, gigabytes)
    cost.tick_params(axis="y", length=0, labelsize=SMALL)
    cost.set(xlabel="resting state in GB", xlim=(0, 1.25 * max(gigabytes.values())))
    cost.grid(False, axis="y")
    panel_title(cost, "B", "What a download costs")
    return fig
