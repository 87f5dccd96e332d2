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

    rows = pd.DataFrame(found["sizes"])
    people, seconds, memory = rows["people"], rows["cpu_seconds"], rows["peak_mb"]
    once, ends = found["at_once"], np.array([0, people.max()])
    line = seconds.mean() + found["seconds_per_person"] * (ends - people.mean())
    regimes = sibling("_figure_style").REGIMES  # its colours, for other things
    names = "from-scratch", "linear-probe", "full-finetune"
    grey, blue, orange = (regimes[name][0] for name in names)
    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    with plt.rc_context(style):
        fig, (left, right) = plt.subplots(1, 2, figsize=(8.2, 3.4), layout="constrained")
        left.plot(ends, line, color=grey, linewidth=1, label="straight line")
        left.plot(people, seconds, "o", color=blue, label="one by one")
        left.set(xlabel="people", ylabel="CPU time in s")
        right.plot(people, memory, "o-", color=blue, label="one by one")
        right.plot(once["people"], once["peak_mb"], "D", color=orange, label="as one study")
        right.set(xlabel="people", ylabel="peak memory in MB")
        right.set(ylim=(0, 1.25 * max(*memory, once["peak_mb"])))
        titles = "A  Cost grows in line", "B  Memory stays flat"
        for axes, title in zip((left, right), titles, strict=True):
            axes.set_title(title, loc="left", fontsize=10, fontweight="bold")
            axes.legend(frameon=False, fontsize=8, loc="best")
        fig.set_label(
            f"Two panels against {people.min()} to {people.max()} people. CPU time: "
            f"{', '.join(f'{s:.0f}' for s in seconds)} s, on a line. Peak memory: "
            f"{', '.join(f'{m:.0f}' for m in memory)} MB one by one, "
            f"{once['peak_mb']:.0f} MB for {once['people']} people as one study."
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        words = save(fig, path)
        plt.close(fig)
    return words


def scale_figure(srcdir, found):
    """Cost and memory of a cohort, drawn from the numbers of ``benchmarks.json``."""
    return Markup(figure_text(FILE, **draw(found, Path(srcdir, FILE))))
