"""THE table of regimes: where the weights come from, what learns, how it is drawn. No torch here."""

from typing import NamedTuple


class Regime(NamedTuple):
    """One way to get from a network and a few labelled people to a classifier.

    Attributes
    ----------
    name : str
        As it stands in tables and figures.
    starts_from : {"random", "pretrained"}
        Weights of the encoder before the first step.
    learns : tuple of str
        Beginnings of the names of parameters that learn, in a network whose head is
        ``final_layer``; ``""`` fits every name.
    lr : float or None
        Learning rate where none is chosen: the middle of the grid of the fine-tuning page, the same
        for all that train more than the head. None where there is no step.
    colour : str
        A colour of ``_figure_style.PALETTE``.
    marker : str
        A marker of matplotlib.
    """

    name: str
    starts_from: str
    learns: tuple
    lr: float | None
    colour: str
    marker: str


#: In the order in which they are told. A new regime is one line.
TABLE = (
    Regime("from-scratch", "random", ("",), 3e-3, "slate", "s"),
    Regime("linear-probe", "pretrained", ("final_layer",), 1e-2, "blue", "o"),
    Regime("last-block", "pretrained", ("bnorm", "final_layer"), 3e-3, "violet", "^"),
    Regime("full-finetune", "pretrained", ("",), 3e-3, "amber", "D"),
    Regime("closed-form probe", "pretrained", ("final_layer",), None, "dark", "v"),
)
REGIMES = {regime.name: regime for regime in TABLE}
#: Those that every page about fine-tuning puts side by side.
COMPARED = ("from-scratch", "linear-probe", "full-finetune")
