"""The look of every figure: its frame, colours and widths, and what several pages draw alike."""

import textwrap

import matplotlib.pyplot as plt
import numpy as np
from eegdash.viz import EEGDASH_INK as INK
from eegdash.viz import EEGDASH_MUTED as MUTED
from eegdash.viz import style_figure, use_eegdash_style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.transforms import Bbox

from _model.regimes import TABLE

#: The palette. Colours that meet in a panel differ in lightness too, so that they stay apart in
#: grey and for colour-blind readers.
SLATE, BLUE, VIOLET, AMBER = "#64748B", "#006CA3", "#7C3AED", "#D97706"
DARK, PALE, RUST, RED = "#334155", "#94A3B8", "#C2410C", "#B91C1C"
#: The same by name, for the table of regimes.
PALETTE = {
    "slate": SLATE,
    "blue": BLUE,
    "violet": VIOLET,
    "amber": AMBER,
    "dark": DARK,
    "pale": PALE,
    "rust": RUST,
    "red": RED,
}
#: What a colour becomes where a page is dark: ground, ink, then the palette.
ON_DARK = {"#FFFFFF": "#14181E", "#000000": "#E2E8F0", INK: "#E2E8F0", MUTED: "#9FB0C3"}
ON_DARK |= {SLATE: "#94A3B8", BLUE: "#38A8E0", VIOLET: "#A78BFA", AMBER: "#E6951F"}
ON_DARK |= {DARK: "#CBD5E1", PALE: "#64748B", RUST: "#F0703C", RED: "#F87171"}
#: Values on both sides of zero, and numbers written on them.
DIVERGING, ON_STRONG, ON_WEAK = "RdBu_r", "white", "black"

#: Colour and marker of each regime, the same on every page.
REGIMES = {regime.name: (PALETTE[regime.colour], regime.marker) for regime in TABLE}
#: What the encoder of each of them starts from.
STARTS = {regime.name: regime.starts_from for regime in TABLE}
#: The same of a planted effect and of the null beside it, and of a way that misleads and one
#: that does not.
CONDITIONS = {"effect": (AMBER, "o"), "null": (DARK, "s")}
WRONG, RIGHT = (RUST, "X"), (BLUE, "o")

#: Line widths in points: one of many curves, a reference, a curve of many points, a curve, a mean
#: among dots, a colour in a legend.
HAIR, FINE, THIN, LINE, HEAVY, SWATCH = 0.9, 1, 1.5, 2, 2.5, 3
#: Points of the smallest words: smaller ones cannot be read on a phone. A test holds it.
SMALL = 8
#: Inches. At 96 dots each these are the 787 px at which the site shows a figure, never scaled.
WIDTH = 8.2
#: The same of one column, which a phone of 390 px has room for; and space at its sides.
COLUMN, EDGE = 342 / 96, 0.06
#: Where panels end, as parts of the figure: words of the frame are above and below.
MARGINS = {"left": 0.08, "right": 0.985, "top": 0.73, "bottom": 0.21}
#: Where ``style_figure`` of eegdash writes the provenance; a footnote stands on the same line.
BASELINE = 0.018
#: Ends of an axis of accuracies: under chance of three classes, and room for a marker at 1.
ACCURACY = (0.28, 1.03)

#: What every interval on the site is; say it once per figure.
INTERVAL = "95 % interval over people"


def page_figure(
    height, panels=(1, 1), *, title, provenance, alt, subtitle="", margins=(), **grid
):
    """Make the frame of a figure of a page: size, title, source, words.

    Parameters
    ----------
    height : float
        In inches; all figures are ``WIDTH`` wide.
    panels : tuple of int or None
        Rows and columns. None for a function that places its panels itself.
    title, subtitle, provenance : str
        Heading, context line and origin of the data, written on the figure.
    alt : str
        Description for readers who do not see the figure; its label.
    margins : dict
        Instead of ``MARGINS``, and space between panels: see
        :meth:`matplotlib.figure.Figure.subplots_adjust`.
    **grid : dict
        Passed to :meth:`matplotlib.figure.Figure.subplots`.

    Returns
    -------
    fig : matplotlib.figure.Figure
        The figure.
    axes : matplotlib.axes.Axes, ndarray of them, or None
        Its panels.
    """
    use_eegdash_style()
    fig = plt.figure(figsize=(WIDTH, height))
    axes = fig.subplots(*panels, **grid) if panels else None
    style_figure(fig, title=title, subtitle=subtitle, source=provenance)
    fig.subplots_adjust(**{**MARGINS, **dict(margins)})
    fig.set_label(alt)
    return fig, axes


def panel_title(ax, letter, text):
    """Write a panel's letter and its title above the axes, flush left."""
    style = {"fontsize": 10, "fontweight": "bold", "color": INK, "pad": 8}
    ax.set_title(f"{letter}  {text}", loc="left", **style)


def show_on_card(*axes):
    """Name the panels that make the small picture of a page; without any it is the first."""
    for number, ax in enumerate(axes):
        ax.set_gid(f"card-{number}")


def footnote(fig, text):
    """Write at the lower right of a figure what whiskers, bands, brackets or dots mean."""
    style = {"ha": "right", "va": "bottom", "fontsize": SMALL, "color": MUTED}
    fig.text(MARGINS["right"], BASELINE, text, **style)


def note(ax, text, at, offset, **style):
    """Write a few words in a panel, ``offset`` points from a place.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The panel.
    text : str
        The words.
    at, offset : tuple of float
        The place: a part of the width, and a value on the y axis. And points from there.
    **style : dict
        Another ``xycoords``, or what else :meth:`matplotlib.axes.Axes.annotate` takes.
    """
    usual = {"xycoords": ("axes fraction", "data"), "fontsize": SMALL, "color": MUTED}
    ax.annotate(text, at, xytext=offset, textcoords="offset points", **{**usual, **style})


def small_legend(ax, loc, **style):
    """Add a legend in small words, without a frame."""
    ax.legend(loc=loc, frameon=False, **{"fontsize": SMALL, **style})


def colour_bar(fig, image, place, text):
    """Add a scale of colours at ``(left, bottom, width, height)``, in parts of the figure."""
    bar = fig.add_axes(place)
    fig.colorbar(image, cax=bar)
    bar.set_ylabel(text, fontsize=SMALL)
    bar.tick_params(labelsize=SMALL)


def draw_reference(ax, value, *, axis="y", zorder=1):
    """Draw a dashed line that others are compared with: chance, zero, a mean."""
    draw = ax.axhline if axis == "y" else ax.axvline
    draw(value, color=MUTED, linestyle="--", linewidth=FINE, zorder=zorder)


def spread_dots(centre, n_dots, half=0.22):
    """Places of dots around one: fixed instead of random, so that each run gives the same figure."""
    return centre + np.linspace(-half, half, n_dots)


def whiskers(estimate, interval):
    """Lengths below and above an estimate, as :meth:`matplotlib.axes.Axes.errorbar` takes them."""
    low, high = interval
    return [[max(estimate - low, 0)], [max(high - estimate, 0)]]


def draw_interval(ax, x, estimate, interval, regime):
    """Draw the estimate of a regime with its interval, as a marker with whiskers."""
    colour, marker = REGIMES[regime]
    style = {"markersize": 8, "capsize": 4, "linewidth": LINE, "markeredgecolor": "white"}
    style |= {"yerr": whiskers(estimate, interval), "zorder": 4}
    ax.errorbar(x, estimate, color=colour, marker=marker, **style)


def scatter_true(ax, true, predicted, look, said, *, size=30, alpha=0.8, fontsize=9):
    """Draw predicted against true values around the line of identity, and a result in the corner."""
    colour, marker = look
    ends = [min(true), max(true)]
    ax.plot(ends, ends, color=MUTED, linewidth=FINE, linestyle=":", zorder=1)
    style = {"alpha": alpha, "linewidths": 0, "zorder": 3}
    ax.scatter(true, predicted, s=size, color=colour, marker=marker, **style)
    style = {"fontsize": fontsize, "fontweight": "bold", "color": INK}
    ax.text(0.03, 0.97, said, transform=ax.transAxes, va="top", **style)


def scatter_prediction(ax, true, predicted, scores, baseline, condition):
    """Draw predicted against true values, a dot per person, with r and its interval written.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The panel.
    true, predicted : ndarray, shape (n_subjects,)
        Values of each person.
    scores : dict
        ``pearson_r`` and ``r_ci``.
    baseline : float
        Mean of the training people, drawn as a line.
    condition : {"effect", "null"}
        A key of ``CONDITIONS``; sets colour and marker.
    """
    draw_reference(ax, baseline)
    low, high = scores["r_ci"]
    said = f"r = {scores['pearson_r']:+.2f} [{low:+.2f}, {high:+.2f}]"
    scatter_true(ax, true, predicted, CONDITIONS[condition], said)
    note(ax, "train mean", (1, baseline), (-2, 3), ha="right")


def dark_rules():
    """Rules for the style sheet of an SVG: the figure changes its colours with the page around it.

    Words in white stand on a strong colour and stay; so do the colours of an image.
    """
    rules = []
    for light, dark in ON_DARK.items():
        kinds = {"fill": "path" if light == "#FFFFFF" else "", "stroke": ""}
        rules += [
            f'{kind}[style*="{what}: {light.lower()}"]{{{what}:{dark}!important}}'
            for what, kind in kinds.items()
        ]
    return f"@media (prefers-color-scheme: dark){{{''.join(rules)}}}"


def stack_panels(fig):
    """Put the panels of a figure below each other, as wide as one column; words keep their size.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        Made by ``page_figure``. It is changed: its width becomes ``COLUMN``, its height what
        the panels need.
    """
    FigureCanvasAgg(fig).draw()  # words are measured
    high, dpi, rows = fig.get_figheight(), fig.dpi, {}
    bars = {
        image.colorbar.ax: ax for ax in fig.axes for image in ax.images if image.colorbar
    }
    panels = [ax for ax in fig.axes if ax.has_data() and ax not in bars]
    panels.sort(key=lambda ax: (-round(ax.get_position().y1, 2), ax.get_position().x0))
    for ax in panels:
        row = rows.setdefault(round(ax.get_position().y1, 2), [])
        _say_again(ax, *row[:1])
        row.append(ax)
    tall = [ax.get_position().height * high for ax in panels]
    texts = sorted(fig.texts, key=lambda text: -text.get_position()[1])
    n_above = sum(text.get_position()[1] > 0.5 for text in texts)
    room = dict.fromkeys(panels, (0.6, 0.1, 0.4, 0.5))
    # Twice, because what a panel needs around it is known when its words are broken and turned.
    for last in (False, False, True):
        fig.set_size_inches(COLUMN, high)
        y, places = 2 * EDGE, []
        for number, text in enumerate(texts):
            text.set(ha="left", va="top")
            _break_lines(text, COLUMN - 2 * EDGE)
            if number == n_above:
                y = _place_panels(panels, tall, room, y, places)
            places.append((text, EDGE, y, 0, 0))
            y += text.get_window_extent().height / dpi + 0.05
        high = y + EDGE
        fig.set_size_inches(COLUMN, high)
        for what, left, top, width, height in places:
            at = left / COLUMN, 1 - (top + height) / high
            if what in panels:
                what.set_position((*at, width / COLUMN, height / high))
            else:
                what.set_position(at)
        for bar, ax in bars.items():
            box = ax.get_position()
            bar.set_position((box.x1 + 0.03, box.y0, 0.03, box.height))
        for rail in fig.patches:
            rail.set(x=EDGE / COLUMN, y=1 - 0.05 / high, height=0.05 / high)
        fig.canvas.draw()
        for ax in () if last else panels:
            _break_lines(_title_of(ax), COLUMN - room[ax][0] - EDGE)
            _turn_names(ax)
            own = [ax, *(bar for bar, owner in bars.items() if owner is ax)]
            hull, box = Bbox.union([one.get_tightbbox() for one in own]), ax.bbox
            around = box.x0 - hull.x0, hull.x1 - box.x1, hull.y1 - box.y1, box.y0 - hull.y0
            room[ax] = tuple(max(0, side) / dpi + EDGE for side in around)


def _place_panels(panels, tall, room, y, places):
    """Note where panels go, one below the other from ``y`` on; returns where they end."""
    y += 0.1
    for ax, height in zip(panels, tall, strict=True):
        left, right, above, below = room[ax]
        places.append((ax, left, y + above, COLUMN - left - right, height))
        y += above + height + below + 0.1
    return y


def _title_of(ax):
    """The text that ``panel_title`` wrote."""
    said = ax.get_title(loc="left")
    return next(t for t in ax.findobj(plt.Text) if t.get_text() == said)


def _break_lines(text, width):
    """Break a text into lines of at most so many inches."""
    said, own = text.get_text(), text.get_window_extent().width / text.figure.dpi
    if said.strip() and own > width:
        letters = max(map(len, said.split("\n"))) * width / own
        text.set_text(textwrap.fill(" ".join(said.split()), max(6, int(letters))))


def _say_again(ax, first=None):
    """Write beside a panel what only the first panel of its row says."""
    ax.tick_params(labelleft=True, labelbottom=True)
    if first is None:
        return
    said, own = ([t.get_text() for t in a.get_yticklabels()] for a in (first, ax))
    silent = len(own) == len(said) and any(said) and not any(own)
    if silent:
        ax.set_yticks(ax.get_yticks(), said)
    if (silent or first.get_shared_y_axes().joined(first, ax)) and not ax.get_ylabel():
        ax.set_ylabel(first.get_ylabel())


def _turn_names(ax):
    """Turn the names below a panel where two of them touch."""
    labels = [label for label in ax.get_xticklabels() if label.get_text()]
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.x0)
    if any(a.x1 + 3 > b.x0 for a, b in zip(boxes, boxes[1:], strict=False)):  # noqa: RUF007
        plt.setp(labels, rotation=40, ha="right", rotation_mode="anchor")
