"""Features of a window: the power of its rhythms."""

import numpy as np
from scipy.signal import welch

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
    ValueError
        If a window is too short to have a frequency in every band, or a channel is flat, whose
        power has no logarithm.
    """
    freqs, power = welch(windows, fs=sfreq, nperseg=windows.shape[-1])
    inside = {name: (freqs >= low) & (freqs < high) for name, (low, high) in BANDS.items()}
    empty = [name for name, own in inside.items() if not own.any()]
    if empty:
        raise ValueError(
            f"windows of {windows.shape[-1] / sfreq:g} s at {sfreq:g} Hz hold no frequency of the "
            f"bands {empty}: cut longer windows"
        )
    features = np.stack([power[..., own].mean(axis=-1) for own in inside.values()], axis=-1)
    flat = np.flatnonzero((features <= 0).any(axis=(0, 2)))
    if len(flat):
        raise ValueError(
            f"channels number {flat.tolist()} are flat, and the logarithm of no power is minus "
            "infinity: re-reference before picking, or leave these channels out"
        )
    return np.log(features).reshape(len(windows), -1)
