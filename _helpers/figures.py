"""Save a figure with the same bytes every time. As a script: run a tutorial, save what it drew and opened."""

import json
import runpy
import sys
from dataclasses import is_dataclass
from pathlib import Path

from _helpers.panels import dark_rules, stack_panels
from _helpers.redraw import remember_figures, write_csv


def save(figure, path):
    """Write an SVG without a date and without random names, and describe it.

    A figure of ``page_figure`` changes its colours with a dark page, and gets a second file with
    its panels below each other; it is changed for that.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Its label is the words for readers who do not see it.
    path : pathlib.Path
        Of the SVG.

    Returns
    -------
    dict
        ``alt``, and ``width`` and ``height`` in CSS pixels, 96 to the inch; ``narrow`` is the
        height of the second file, None without one; ``numbers`` tells whether a CSV is beside it,
        which is where the figure remembers what it was drawn from.
    """
    if given := getattr(figure, "drawn_by", None):
        write_csv(path.with_suffix(".csv"), given)
    framed = "_figure_style" in sys.modules
    _write(figure, path, framed)
    width, height = (round(inches * 96) for inches in figure.get_size_inches())
    alt = " ".join(str(figure.get_label()).split())
    if framed:
        stack_panels(figure)
        _write(figure, path.with_stem(f"{path.stem}_narrow"), framed)
    narrow = round(figure.get_figheight() * 96) if framed else None
    size = {"width": width, "height": height, "narrow": narrow}
    return {"alt": alt, **size, "numbers": bool(given)}


def _write(figure, path, framed):
    import matplotlib.pyplot as plt

    with plt.rc_context({"svg.hashsalt": "tutorials", "svg.fonttype": "path"}):
        figure.savefig(path, metadata={"Date": None}, facecolor="white")
    if framed:
        text = path.read_text("utf-8")
        text = text.replace("</style>", f"{dark_rules()}</style>", 1)
        path.write_text(text, "utf-8")


def _studies(value, kind):
    """Every study that is a value or lies in it, in order."""
    if isinstance(value, kind):
        yield value
    elif isinstance(value, dict | list | tuple):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _studies(inner, kind)
    elif is_dataclass(value) and not isinstance(value, type):
        yield from _studies(vars(value), kind)


def opened(names):
    """What a tutorial opened, each kind once: ``data`` and the keys of ``Opened``."""
    if "_study" not in sys.modules:
        return []
    kinds = []
    for study in _studies(names, sys.modules["_study"].Study):
        _, channels, samples = study.windows.shape
        one = {
            "data": study.data,
            "people": int(study.metadata["subject"].nunique()),
            "windows": len(study.windows),
            "channels": channels,
            "samples": samples,
            "sfreq": float(study.sfreq),
            "cohort": None if study.cohort == "all" else study.cohort,
        }
        if one not in kinds:
            kinds.append(one)
    return kinds


def main(folder, script):
    """Run a script, then write its figures and their numbers to a new folder, with ``run.json`` beside them.

    Parameters
    ----------
    folder : path-like
        It may not be there yet.
    script : path-like
        The tutorial.
    """
    remember_figures(script)
    names = runpy.run_path(script, run_name="__main__")
    import matplotlib.pyplot as plt

    folder = Path(folder)
    folder.mkdir()
    shown = enumerate(map(plt.figure, plt.get_fignums()), 1)
    drawn = [save(figure, folder / f"{i}.svg") for i, figure in shown]
    content = {"figures": drawn, "opened": opened(names)}
    (folder / "run.json").write_text(json.dumps(content), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
