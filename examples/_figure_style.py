"""The look of every figure: its frame, colours and widths, and what several pages draw alike."""

import matplotlib.pyplot as plt
import numpy as np
from eegdash.viz import EEGDASH_INK, EEGDASH_MUTED, style_figure, use_eegdash_style

from _regimes import TABLE

#: The palette. Colours that meet in a panel differ in lightness too, so that they stay apart in
#: grey and for colour-blind readers.
INK = EEGDASH_INK
MUTED = EEGDASH_MUTED
SLATE = "#64748B"
BLUE = "#006CA3"
VIOLET = "#7C3AED"
AMBER = "#D97706"
DARK = "#334155"
PALE = "#94A3B8"
RUST = "#C2410C"
RED = "#B91C1C"
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
#: Values on both sides of zero.
DIVERGING = "RdBu_r"
#: Numbers written on them.
ON_STRONG, ON_WEAK = "white", "black"

#: Colour and marker of each regime, the same on every page.
REGIMES = {regime.name: (PALETTE[regime.colour], regime.marker) for regime in TABLE}
#: What the encoder of each of them starts from.
STARTS = {regime.name: regime.starts_from for regime in TABLE}
#: The same of a planted effect and of the null beside it, and of a method that misleads and one
#: that does not.
CONDITIONS = {"effect": (AMBER, "o"), "null": (DARK, "s")}
WRONG, RIGHT = (RUST, "X"), (BLUE, "o")

#: Line widths in points: one of many curves, a reference, a curve of many points.
HAIR = 0.9
FINE = 1
THIN = 1.5
#: The same of a curve, and of a mean among dots.
LINE = 2
HEAVY = 2.5
#: Points of the smallest words: smaller ones cannot be read on a phone. A test holds it.
SMALL = 8
#: Inches. At 96 dots each these are the 787 px at which the site shows a figure, never scaled.
WIDTH = 8.2
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
    """Write a panel's letter and its title above the axes, flush left.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The panel.
    letter, text : str
        Such as ``"A"``, and what the panel shows.
    """
    style = {"fontsize": 10, "fontweight": "bold", "color": INK, "pad": 8}
    ax.set_title(f"{letter}  {text}", loc="left", **style)


def show_on_card(*axes):
    """Name the panels that make the small picture of a page; without any it is the first."""
    for number, ax in enumerate(axes):
        ax.set_gid(f"card-{number}")


def footnote(fig, text):
    """Write at the lower right of a figure what whiskers, bands, brackets or dots mean.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        Made by :func:`page_figure`.
    text : str
        The words.
    """
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
    """Add a legend in small words, without a frame.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The panel.
    loc : str
        Where in the panel.
    **style : dict
        What else :meth:`matplotlib.axes.Axes.legend` takes.
    """
    ax.legend(loc=loc, frameon=False, **{"fontsize": SMALL, **style})


def colour_bar(fig, image, place, text):
    """Add a scale of colours.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        The figure.
    image : matplotlib.image.AxesImage
        Whose colours.
    place : tuple of float
        Left, bottom, width and height, in parts of the figure.
    text : str
        What the colours stand for.
    """
    bar = fig.add_axes(place)
    fig.colorbar(image, cax=bar)
    bar.set_ylabel(text, fontsize=SMALL)
    bar.tick_params(labelsize=SMALL)


def draw_reference(ax, value, *, axis="y", zorder=1):
    """Draw a dashed line that others are compared with: chance, zero, a mean.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The panel.
    value : float
        Where it crosses the axis.
    axis : {"y", "x"}
        Which axis it crosses.
    zorder : float
        Of the line, among what else is drawn.
    """
    draw = ax.axhline if axis == "y" else ax.axvline
    draw(value, color=MUTED, linestyle="--", linewidth=FINE, zorder=zorder)


def spread_dots(centre, n_dots, half=0.22):
    """Places of dots around one: fixed instead of random, so that each run gives the same figure.

    Parameters
    ----------
    centre : float
        The place.
    n_dots : int
        How many dots.
    half : float
        Distance of the outermost ones.

    Returns
    -------
    ndarray, shape (n_dots,)
        The places.
    """
    return centre + np.linspace(-half, half, n_dots)


def whiskers(estimate, interval):
    """Lengths below and above an estimate, as :meth:`matplotlib.axes.Axes.errorbar` takes them.

    Parameters
    ----------
    estimate : float
        The estimate.
    interval : sequence of float
        Lower and upper end.

    Returns
    -------
    list of list of float
        One length below, one above; never negative.
    """
    low, high = interval
    return [[max(estimate - low, 0)], [max(high - estimate, 0)]]


def draw_interval(ax, x, estimate, interval, regime):
    """Draw the estimate of a regime with its interval, as a marker with whiskers.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The panel.
    x : float
        Where.
    estimate : float
        The estimate.
    interval : sequence of float
        Lower and upper end.
    regime : str
        A key of ``REGIMES``; sets colour and marker.
    """
    colour, marker = REGIMES[regime]
    style = {"markersize": 8, "capsize": 4, "linewidth": LINE, "markeredgecolor": "white"}
    style |= {"yerr": whiskers(estimate, interval), "zorder": 4}
    ax.errorbar(x, estimate, color=colour, marker=marker, **style)


def scatter_true(
    ax, true, predicted, colour_marker, result, *, size=30, alpha=0.8, fontsize=9
):
    """Draw predicted against true values around the line of identity, and a result in the corner.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The panel.
    true, predicted : ndarray, shape (n_subjects,)
        Values of each person.
    colour_marker : tuple of str
        A value of ``CONDITIONS``, ``WRONG`` or ``RIGHT``.
    result : str
        Words for the upper left corner.
    size, alpha, fontsize : float
        Of the dots and of the words.
    """
    colour, marker = colour_marker
    ends = [min(true), max(true)]
    ax.plot(ends, ends, color=MUTED, linewidth=FINE, linestyle=":", zorder=1)
    style = {"alpha": alpha, "linewidths": 0, "zorder": 3}
    ax.scatter(true, predicted, s=size, color=colour, marker=marker, **style)
    style = {"fontsize": fontsize, "fontweight": "bold", "color": INK}
    ax.text(0.03, 0.97, result, transform=ax.transAxes, va="top", **style)


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
    result = f"r = {scores['pearson_r']:+.2f} [{low:+.2f}, {high:+.2f}]"
    scatter_true(ax, true, predicted, CONDITIONS[condition], result)
    note(ax, "train mean", (1, baseline), (-2, 3), ha="right")
