"""The look shared by every figure: one colour and marker per regime, one way to draw an interval."""

from eegdash.viz import EEGDASH_INK, EEGDASH_MUTED, use_eegdash_style

#: Colour and marker of each regime, the same on every page. They differ in lightness too, so
#: that they stay apart in grey and for colour-blind readers.
REGIMES = {
    "from-scratch": ("#64748B", "s"),
    "linear-probe": ("#006CA3", "o"),
    "last-block": ("#7C3AED", "^"),
    "full-finetune": ("#D97706", "D"),
}

#: What every interval on the site is; say it once per figure.
INTERVAL = "95 % bootstrap interval over people"

__all__ = [
    "EEGDASH_INK",
    "EEGDASH_MUTED",
    "INTERVAL",
    "REGIMES",
    "draw_interval",
    "panel_title",
    "use_eegdash_style",
]


def panel_title(ax, letter, text):
    """Write a panel's letter and its title above the axes, flush left.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The panel.
    letter : str
        ``"A"``, ``"B"``, ...
    text : str
        A few words.
    """
    ax.set_title(
        f"{letter}  {text}",
        loc="left",
        fontsize=10,
        fontweight="bold",
        color=EEGDASH_INK,
        pad=8,
    )


def draw_interval(ax, x, estimate, interval, regime, **kwargs):
    """Draw one estimate with its interval as a marker with whiskers.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    x : float
        Position on the x axis.
    estimate : float
        The point.
    interval : tuple of float
        Lower and upper end, in the unit of ``estimate``.
    regime : str
        A key of ``REGIMES``; sets colour and marker.
    **kwargs : dict
        Passed to :meth:`matplotlib.axes.Axes.errorbar`.
    """
    colour, marker = REGIMES[regime]
    reach = [[max(estimate - interval[0], 0)], [max(interval[1] - estimate, 0)]]
    style = {
        "markersize": 8,
        "capsize": 4,
        "linewidth": 2,
        "markeredgecolor": "white",
        "zorder": 4,
    }
    ax.errorbar(x, estimate, yerr=reach, color=colour, marker=marker, **{**style, **kwargs})
