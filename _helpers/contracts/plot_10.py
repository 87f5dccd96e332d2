"""Promise of plot_10: from a recording to windows."""

from typing import Literal

from _helpers.contracts.base import Contract, Count, Positive, Several, Size, Some

#: The title of the figure says that these two orders are the ones to avoid.
HARMFUL = ("pick before reference", "cut before filter")


class Page(Contract):
    headline = (
        "the order matters: picking before referencing changes the signal by "
        "{pick_first_difference:.0%}, cutting before filtering by "
        "{order_difference[cut before filter]:.0%}, picking last by {order_difference[pick last]:.0%}"
    )

    tutorial: Literal["plot_10"]
    n_recordings: Some
    """recordings read"""
    n_chans_recorded: Several
    """channels in the file"""
    sfreq_recorded: Positive
    """sampling frequency of the file, in Hz"""
    cz_rms_before_uv: Size
    """size of Cz as recorded, in uV"""
    cz_rms_after_uv: Positive
    """size of Cz after average reference, in uV"""
    pick_first_difference: Positive
    """rms of the error by picking before referencing, part of the signal's rms"""
    order_difference: dict[str, Size]
    """the same for every other order that was tried"""
    order_difference_without_ends: dict[str, Size]
    """the same without the first and the last second of the recording"""
    mains_db_removed: float
    """power at 60 Hz taken away by the filter, in dB"""
    alpha_db_removed: float
    """power at 10 Hz taken away, in dB"""
    n_windows: dict[str, Count]
    """windows per choice of length and stride"""
    saved_and_loaded_identical: bool
    """windows are the same after loading"""
    alpha_closed_over_open: Positive
    """alpha power at the back, eyes closed over open"""

    def check(self):
        if self.cz_rms_before_uv > 0.01 * self.cz_rms_after_uv:
            raise ValueError(f"Cz is not flat before: {self.cz_rms_before_uv} uV")
        if self.mains_db_removed < 20 or abs(self.alpha_db_removed) > 1:
            raise ValueError(
                f"the filter takes {self.mains_db_removed} dB at 60 Hz and "
                f"{self.alpha_db_removed} dB at 10 Hz"
            )
        said = self.order_difference
        if said.get("pick before reference") != self.pick_first_difference:
            raise ValueError(f"pick_first_difference is not in order_difference: {said}")
        for where in (said, self.order_difference_without_ends):
            if set(where) != set(said):
                raise ValueError(f"two lists of orders: {sorted(said)}, {sorted(where)}")
            harm = [size for name, size in where.items() if name in HARMFUL]
            rest = [size for name, size in where.items() if name not in HARMFUL]
            if len(harm) < len(HARMFUL) or min(harm) < 2 * max(rest, default=0):
                raise ValueError(f"{HARMFUL} are not the orders that do harm: {where}")
        if not self.saved_and_loaded_identical:
            raise ValueError("saved windows are not the same after loading")
