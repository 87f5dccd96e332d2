"""Features of a window: the power of its rhythms."""

import numpy as np
from scipy.signal import welch

from _score.scores import ScoreError

#: Frequency bands in Hz, lower edge included.
BANDS = {
    "delta": (1, 4),
    "theta": (4, 8),
    "alpha": (8, 13),
    "low beta": (13, 20),
    "high beta": (20, 30),
}


def log_band_power(windows, sfreq):
    """Natural logarithm of the mean power in five bands.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_chans, n_times)
        Signals; with microvolts the power is in uV^2/Hz.
    sfreq : float
        Sampling frequency in Hz.

    Returns
    -------
    ndarray, shape (n_windows, n_chans * 5)
        Bands of ``BANDS`` run fastest.

    Raises
    ------
    ScoreError
        If a window is too short to have a frequency in every band, or a channel is flat, whose
        power has no logarithm.
    """
    freqs, power = welch(windows, fs=sfreq, nperseg=windows.shape[-1])
    inside = {name: (freqs >= low) & (freqs < high) for name, (low, high) in BANDS.items()}
    empty = [name for name, rows in inside.items() if not rows.any()]
    if empty:
        raise ScoreError(
            f"windows of {windows.shape[-1] / sfreq:g} s at {sfreq:g} Hz hold no frequency of the "
            f"bands {empty}: cut longer windows"
        )
    bands = [power[..., rows].mean(axis=-1) for rows in inside.values()]
    features = np.stack(bands, axis=-1)
    flat = np.flatnonzero((features <= 0).any(axis=(0, 2)))
    if len(flat):
        raise ScoreError(
            f"channels number {flat.tolist()} are flat, and the logarithm of no power is minus "
            "infinity: re-reference before picking, or leave these channels out"
        )
    return np.log(features).reshape(len(windows), -1)
