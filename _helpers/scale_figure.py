"""The figure of the page of the benchmarks, drawn from what was measured."""

from pathlib import Path

import numpy as np
import pandas as pd
from markupsafe import Markup

from _helpers.figures import save
from _helpers.gallery import figure_text
from _helpers.pages import sibling

#: Beside the figures of the tutorials, which are made anew as well.
FILE = "auto_examples/images/measured_scale.svg"


def draw(found, path):
    """Draw cost and memory against people; returns the figure's words and size."""
    import matplotlib.pyplot as plt

    style, rows = sibling("_figure_style"), pd.DataFrame(found["sizes"])
    once, ends = found["at_once"], np.array([0, rows["people"].max()])
    people, seconds, memory = rows["people"], rows["cpu_seconds"], rows["peak_mb"]
    alt = (
        f"Two panels against {people.min()} to {people.max()} people. CPU time: "
        f"{', '.join(f'{s:.0f}' for s in seconds)} s, on a line. Peak memory: "
        f"{', '.join(f'{m:.0f}' for m in memory)} MB one by one, "
        f"{once['peak_mb']:.0f} MB for {once['people']} people as one study."
    )
    words = {"title": "What a cohort costs", "provenance": "data: simulated", "alt": alt}
    with plt.rc_context():
        fig, (left, right) = style.page_figure(3.8, (1, 2), **words)
        line = seconds.mean() + found["seconds_per_person"] * (ends - people.mean())
        left.plot(ends, line, color=style.PALE, linewidth=1, label="straight line")
        left.plot(people, seconds, "o", color=style.BLUE, label="one by one")
        left.set(xlabel="people", ylabel="CPU time in s")
        right.plot(people, memory, "o-", color=style.BLUE, label="one by one")
        once_mb, look = once["peak_mb"], {"color": style.AMBER, "label": "as one study"}
        right.plot(once["people"], once_mb, "D", **look)
        right.set(xlabel="people", ylabel="peak memory in MB")
        right.set(ylim=(0, 1.25 * max(*memory, once_mb)))
        for axes, what in ((left, "A  CPU time"), (right, "B  Peak memory")):
            style.panel_title(axes, *what.split("  "))
            style.small_legend(axes, "best")
        path.parent.mkdir(parents=True, exist_ok=True)
        described = save(fig, path)
        plt.close(fig)
    return described


def scale_figure(srcdir, found):
    """Cost and memory of a cohort, drawn from the numbers of ``benchmarks.json``."""
    return Markup(figure_text(FILE, **draw(found, Path(srcdir, FILE))))
