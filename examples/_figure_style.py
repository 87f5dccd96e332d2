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

#: Colour and marker of a planted effect and of the null beside it, the same on every page.
CONDITIONS = {"effect": ("#D97706", "o"), "null": ("#334155", "s")}

#: What every interval on the site is; say it once per figure.
INTERVAL = "95 % bootstrap interval over people"

__all__ = [
    "CONDITIONS",
    "EEGDASH_INK",
    "EEGDASH_MUTED",
    "INTERVAL",
    "REGIMES",
    "draw_interval",
    "footnote",
    "panel_title",
    "scatter_prediction",
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


def show_on_card(*axes):
    """Name the panels that make the small picture of a page: its point at a glance.

    Parameters
    ----------
    *axes : matplotlib.axes.Axes
        Panels; their ``gid`` is set. A figure without any is shown whole.
    """
    for number, ax in enumerate(axes):
        ax.set_gid(f"card-{number}")


def footnote(fig, text):
    """Write a small line at the lower right of a figure.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        The figure.
    text : str
        What whiskers, bands, brackets or dots mean.
    """
    style = {"ha": "right", "va": "bottom", "fontsize": 8, "color": EEGDASH_MUTED}
    fig.text(0.985, 0.018, text, **style)


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


def scatter_prediction(ax, true, predicted, scores, baseline, condition):
    """Draw predicted against true values, a dot per person, with r and its interval written.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where to draw.
    true, predicted : ndarray, shape (n_subjects,)
        Values of each person.
    scores : dict
        ``pearson_r`` and ``r_ci``.
    baseline : float
        Mean of the training people, drawn as a line.
    condition : {"effect", "null"}
        A key of ``CONDITIONS``; sets colour and marker.
    """
    colour, marker = CONDITIONS[condition]
    ax.axhline(baseline, color=EEGDASH_MUTED, linestyle="--", linewidth=1, zorder=1)
    ends = [min(true), max(true)]
    ax.plot(ends, ends, color=EEGDASH_MUTED, linewidth=1, linestyle=":", zorder=1)
    ax.scatter(
        true,
        predicted,
        s=30,
        color=colour,
        marker=marker,
        alpha=0.8,
        linewidths=0,
        zorder=3,
    )
    low, high = scores["r_ci"]
    ax.text(
        0.03,
        0.97,
        f"r = {scores['pearson_r']:+.2f} [{low:+.2f}, {high:+.2f}]",
        transform=ax.transAxes,
        va="top",
        fontsize=9,
        fontweight="bold",
        color=EEGDASH_INK,
    )
    ax.annotate(
        "train mean",
        (1, baseline),
        xycoords=("axes fraction", "data"),
        xytext=(-2, 3),
        textcoords="offset points",
        ha="right",
        fontsize=8,
        color=EEGDASH_MUTED,
    )
