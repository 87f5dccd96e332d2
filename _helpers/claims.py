"""For the page of the evidence: every claim of a tutorial, over all draws of people."""

from typing import NamedTuple

from matplotlib.ticker import MaxNLocator

from _helpers.contracts import CONTRACTS
from _helpers.filters import get, interval_of


class Claim(NamedTuple):
    """A value over draws of people: what it is, where nothing is gained, values and intervals."""

    key: str
    words: str
    zero: float
    values: list
    ends: list

    @property
    def ticks(self):
        """Round values of an axis that holds everything."""
        all_of_it = [self.zero, *self.values, *(end for ends in self.ends for end in ends)]
        return MaxNLocator(4).tick_values(min(all_of_it), max(all_of_it)).round(6).tolist()


def nothing_gained(key, run):
    """The value of a claim that holds nothing: a share is compared with that of an even map.

    Parameters
    ----------
    key : str
        Of the claim.
    run : dict
        A contract.
    """
    even = key.startswith("attribution_share")
    return get(run, "attribution_share_even") if even else float("ratio" in key)


def claims(page, runs):
    """The claims of a tutorial in the lines of its runs.

    Parameters
    ----------
    page : str
        Short name of the tutorial.
    runs : list of dict
        Its contracts, one a draw.

    Returns
    -------
    list of Claim
        In the order of the page.
    """

    def claim(key, words):
        values = [get(run, key) for run in runs]
        intervals = (interval_of(run, key) for run in runs)
        ends = [tuple(pair) for pair in intervals if pair]
        return Claim(key, words, nothing_gained(key, runs[0]), values, ends)

    return [claim(key, words) for key, words in CONTRACTS[page].claims.items()]
