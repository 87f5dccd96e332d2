"""A figure on a phone and on a dark page: its panels below each other, its colours by a rule of its style sheet."""

import textwrap

from matplotlib.artist import setp
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from _helpers.pages import sibling

#: Inches: the width of one column, which a phone of 390 px has room for, and space at its sides.
COLUMN, EDGE = 342 / 96, 0.06
#: What ground and ink become where a page is dark, and then colours of ``_figure_style``.
GROUND = {"#FFFFFF": "#14181E", "#000000": "#E2E8F0"}
ON_DARK = {
    "INK": "#E2E8F0",
    "MUTED": "#9FB0C3",
    "SLATE": "#94A3B8",
    "BLUE": "#38A8E0",
    "VIOLET": "#A78BFA",
    "AMBER": "#E6951F",
    "DARK": "#CBD5E1",
    "PALE": "#64748B",
    "RUST": "#F0703C",
    "RED": "#F87171",
}


def dark_rules():
    """Rules for the style sheet of an SVG: the figure changes its colours with the page around it.

    Words in white stand on a strong colour and stay; so do the colours of an image.
    """
    style = sibling("_figure_style")
    named = {getattr(style, name): dark for name, dark in ON_DARK.items()}
    rules = []
    for light, dark in {**GROUND, **named}.items():
        kinds = {"fill": "path" if light == "#FFFFFF" else "", "stroke": ""}
        for what, kind in kinds.items():
            rule = f'{kind}[style*="{what}: {light.lower()}"]'
            rules.append(f"{rule}{{{what}:{dark}!important}}")
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
    bars = {
        image.colorbar.ax: ax for ax in fig.axes for image in ax.images if image.colorbar
    }
    panels = [ax for ax in fig.axes if ax.has_data() and ax not in bars]
    panels.sort(key=lambda ax: (-_top(ax), ax.get_position().x0))
    _complete_rows(panels)
    inches = fig.get_figheight()
    heights = {ax: ax.get_position().height * inches for ax in panels}
    words = sorted(fig.texts, key=lambda text: -text.get_position()[1])
    n_above = sum(text.get_position()[1] > 0.5 for text in words)
    frame = words[:n_above], words[n_above:], bars
    room = dict.fromkeys(panels, (0.6, 0.1, 0.4, 0.5))
    # Twice, because what a panel needs around it is known when its words are broken and turned.
    for _ in range(2):
        _place(fig, frame, heights, room)
        for ax in panels:
            _break_lines(_title_of(ax), COLUMN - room[ax][0] - EDGE)
            _turn_names(ax)
            room[ax] = _room_around(ax, bars)
    _place(fig, frame, heights, room)


def _top(ax):
    """Upper end of a panel, the same for all panels of a row."""
    return round(ax.get_position().y1, 2)


def _complete_rows(panels):
    """Write beside every panel what only the first one of its row says."""
    first = {}
    for ax in panels:
        ax.tick_params(labelleft=True, labelbottom=True)
        if _top(ax) in first:
            _repeat_labels(first[_top(ax)], ax)
        first.setdefault(_top(ax), ax)


def _repeat_labels(first, ax):
    """Give a panel the names and the label of the y axis of another one, if it has none."""
    names = [label.get_text() for label in first.get_yticklabels()]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    silent = len(labels) == len(names) and any(names) and not any(labels)
    if silent:
        ax.set_yticks(ax.get_yticks(), names)
    shared = first.get_shared_y_axes().joined(first, ax)
    if (silent or shared) and not ax.get_ylabel():
        ax.set_ylabel(first.get_ylabel())


def _place(fig, frame, heights, room):
    """Place words, panels and their scales of colours, and make the figure as high as they need.

    Parameters
    ----------
    fig : matplotlib.figure.Figure
        The figure.
    frame : tuple of list, list and dict
        Words above the panels, words below them, and each scale of colours with its panel.
    heights : dict of matplotlib.axes.Axes to float
        Inches of each panel, from top to bottom.
    room : dict of matplotlib.axes.Axes to tuple of float
        Inches that it needs left, right, above and below.
    """
    above, below, bars = frame
    fig.set_size_inches(COLUMN, fig.get_figheight())
    tops, boxes = {}, {}
    y = _stack_words(above, 2 * EDGE, tops)
    y = _stack_boxes(heights, room, y, boxes)
    y = _stack_words(below, y, tops)
    high = y + EDGE
    fig.set_size_inches(COLUMN, high)
    for text, top in tops.items():
        text.set_position((EDGE / COLUMN, 1 - top / high))
    for ax, (left, top, width, height) in boxes.items():
        at = left / COLUMN, 1 - (top + height) / high
        ax.set_position((*at, width / COLUMN, height / high))
    for bar, ax in bars.items():
        box = ax.get_position()
        bar.set_position((box.x1 + 0.03, box.y0, 0.03, box.height))
    for rail in fig.patches:
        rail.set(x=EDGE / COLUMN, y=1 - 0.05 / high, height=0.05 / high)
    fig.canvas.draw()


def _stack_words(words, y, tops):
    """Note the upper end of each text, one below the other from ``y`` on; returns where they end."""
    for text in words:
        text.set(ha="left", va="top")
        _break_lines(text, COLUMN - 2 * EDGE)
        tops[text] = y
        y += text.get_window_extent().height / text.figure.dpi + 0.05
    return y


def _stack_boxes(heights, room, y, boxes):
    """Note the box of each panel, one below the other from ``y`` on; returns where they end."""
    y += 0.1
    for ax, height in heights.items():
        left, right, above, below = room[ax]
        boxes[ax] = (left, y + above, COLUMN - left - right, height)
        y += above + height + below + 0.1
    return y


def _room_around(ax, bars):
    """Inches that a panel needs left, right, above and below, for its words and its scale of colours."""
    scales = [bar for bar, panel in bars.items() if panel is ax]
    hull = Bbox.union([part.get_tightbbox() for part in (ax, *scales)])
    box = ax.bbox
    sides = box.x0 - hull.x0, hull.x1 - box.x1, hull.y1 - box.y1, box.y0 - hull.y0
    return tuple(max(0, side) / ax.figure.dpi + EDGE for side in sides)


def _title_of(ax):
    """The text that ``panel_title`` wrote."""
    title = ax.get_title(loc="left")
    return next(text for text in ax.findobj(Text) if text.get_text() == title)


def _break_lines(text, width):
    """Break a text into lines of at most so many inches."""
    words = text.get_text()
    inches = text.get_window_extent().width / text.figure.dpi
    if words.strip() and inches > width:
        letters = max(map(len, words.split("\n"))) * width / inches
        text.set_text(textwrap.fill(" ".join(words.split()), max(6, int(letters))))


def _turn_names(ax):
    """Turn the names below a panel where two of them touch."""
    labels = [label for label in ax.get_xticklabels() if label.get_text()]
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.x0)
    if any(a.x1 + 3 > b.x0 for a, b in zip(boxes, boxes[1:], strict=False)):  # noqa: RUF007
        setp(labels, rotation=40, ha="right", rotation_mode="anchor")
