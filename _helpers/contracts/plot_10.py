"""Promise of plot_10: from a recording to windows."""

from _helpers.contracts import base

#: The title of the figure says that these two orders are the ones to avoid.
HARMFUL = ("pick before reference", "cut before filter")


class Page(base.Contract):
    headline = "{pick_first_difference:Yes|No@0.1}: picking before referencing changes the signal by {pick_first_difference:.0%}, cutting before filtering by {order_difference[cut before filter]:.0%}, picking last by {order_difference[pick last]:.0%}."
    questions = """number pick_first_difference: By which part of its size does picking before referencing change the signal? A tenth is 0.1.
    yes order_difference.pick last > 0.01: Does picking last change the signal by more than one percent?"""

    n_recordings: base.Some
    """recordings read"""
    n_chans_recorded: base.Several
    """channels in the file"""
    sfreq_recorded: base.Positive
    """sampling frequency of the file, in Hz"""
    cz_rms_before_uv: base.Size
    """size of Cz as recorded, in uV"""
    cz_rms_after_uv: base.Positive
    """size of Cz after average reference, in uV"""
    pick_first_difference: base.Positive
    """rms of the error by picking before referencing, part of the signal's rms"""
    order_difference: dict[str, base.Size]
    """the same for every other order that was tried"""
    order_difference_without_ends: dict[str, base.Size]
    """the same without the first and the last second of the recording"""
    mains_db_removed: float
    """power at 60 Hz taken away by the filter, in dB"""
    alpha_db_removed: float
    """power at 10 Hz taken away, in dB"""
    n_windows: dict[str, base.Count]
    """windows per choice of length and stride"""
    saved_and_loaded_identical: bool
    """windows are the same after loading"""
    alpha_closed_over_open: base.Positive
    """alpha power at the back, eyes closed over open"""

    def check(self):
        flat = self.cz_rms_before_uv <= 0.01 * self.cz_rms_after_uv
        base.refuse(not flat, f"Cz is not flat before: {self.cz_rms_before_uv} uV")
        mains, alpha = self.mains_db_removed, self.alpha_db_removed
        takes = f"the filter takes {mains} dB at 60 Hz and {alpha} dB at 10 Hz"
        base.refuse(mains < 20 or abs(alpha) > 1, takes)
        whole, inside = self.order_difference, self.order_difference_without_ends
        same = whole.get("pick before reference") == self.pick_first_difference
        base.refuse(not same, f"pick_first_difference is not in order_difference: {whole}")
        orders = f"two lists of orders: {sorted(whole)}, {sorted(inside)}"
        base.refuse(set(whole) != set(inside), orders)
        for where in (whole, inside):
            harm = [size for name, size in where.items() if name in HARMFUL]
            rest = [size for name, size in where.items() if name not in HARMFUL]
            worst = len(harm) == len(HARMFUL) and min(harm) >= 2 * max(rest, default=0)
            base.refuse(not worst, f"{HARMFUL} are not the orders that do harm: {where}")
        replayed = self.saved_and_loaded_identical
        base.refuse(not replayed, "saved windows are not the same after loading")
