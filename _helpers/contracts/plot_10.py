"""Promise of plot_10: from a recording to windows."""

from typing import Literal

from _helpers.contracts.base import Contract, Count, Positive, Several, Size, Some


class Page(Contract):
    headline = (
        "Cz {cz_rms_before_uv:.2f} to {cz_rms_after_uv:.2f} µV; picking before referencing is "
        "wrong by {pick_first_difference:.0%}"
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
        if not self.saved_and_loaded_identical:
            raise ValueError("saved windows are not the same after loading")
