"""Sphinx extension: the figure of the page of the benchmarks, drawn from what was measured."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

from _helpers.figures import save
from _helpers.gallery import figure_text
from _helpers.pages import sibling

#: Inches.
SIZE = (8.2, 3.4)


def draw(content, path):
    """Draw cost and memory against people; returns words for who does not see it."""
    import matplotlib.pyplot as plt

    found = content["scale"]
    rows = pd.DataFrame(found["sizes"])
    people, seconds, memory = rows["people"], rows["cpu_seconds"], rows["peak_mb"]
    once, ends = found["at_once"], np.array([0, people.max()])
    line = seconds.mean() + found["seconds_per_person"] * (ends - people.mean())
    regimes = sibling("_figure_style").REGIMES  # its colours, for other things
    grey, blue, orange = (
        regimes[name][0] for name in ("from-scratch", "linear-probe", "full-finetune")
    )
    style = {"font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
    with plt.rc_context(style):
        fig, (left, right) = plt.subplots(1, 2, figsize=SIZE, layout="constrained")
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
        path.parent.mkdir(parents=True, exist_ok=True)
        save(fig, path)
        plt.close(fig)
    return (
        f"Two panels against {people.min()} to {people.max()} people. CPU time: "
        f"{', '.join(f'{s:.0f}' for s in seconds)} s, on a line. Peak memory: "
        f"{', '.join(f'{m:.0f}' for m in memory)} MB one by one, {once['peak_mb']:.0f} MB for "
        f"{once['people']} people as one study."
    )


class ScaleFigure(SphinxDirective):
    """``.. scale-figure:: FILE``: cost and memory of a cohort, drawn from the file's numbers."""

    required_arguments = 1

    def run(self):
        """Draw and show it."""
        source = Path(self.env.srcdir, self.arguments[0])
        self.env.note_dependency(str(source))
        # Beside the figures of the tutorials, which are made anew as well.
        target = Path("auto_examples") / "images" / "measured_scale.svg"
        try:
            content = json.loads(source.read_text("utf-8"))
            alt = draw(content, Path(self.env.srcdir) / target)
        except (OSError, ValueError, KeyError) as err:
            what = f"{type(err).__name__} {err}"
            raise ExtensionError(f"{source.name} cannot be drawn: {what}") from err
        width, height = (round(inches * 96) for inches in SIZE)
        return self.parse_text_to_nodes(figure_text(target.as_posix(), alt, width, height))


def setup(app):
    """Register the directive."""
    app.add_directive("scale-figure", ScaleFigure)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
