"""Signal model of the study of new people: pure functions, arrays in and arrays out.

People differ in where a rhythm projects to, how fast it is and how their electrodes behave, so
a few windows of one's own help. One number scales all of it; at 0 people are alike.
"""

import numpy as np

from _study.catalogue import PERSON_CLASSES, PERSON_SFREQ, TRANSFER_CH_NAMES, USUAL_EFFECT
from _study.simulated.signals import pink_noise

#: Samples in a window (2 s).
N_TIMES = 128
#: How much people differ, unless another number is asked for.
SHIFT = USUAL_EFFECT["simulated-person"]


def _head():
    """Topographies shared by everybody, shape (n_classes, n_chans), of length 1."""
    shape = (len(PERSON_CLASSES), len(TRANSFER_CH_NAMES))
    weights = np.random.default_rng(2078).standard_normal(shape)
    return weights / np.linalg.norm(weights, axis=1, keepdims=True)


def simulate_person(rng, n_blocks, *, shift=SHIFT, snr=0.8):
    """One person in a session: in every window one of four places rests less than the others.

    Each place has a rhythm of random phase. That of the class is strong, the others come and go.
    What belongs to the person grows with ``shift``: the topography of every place, the frequency
    of the rhythm, a mixture of electrodes, the gain of each electrode, and how that gain drifts
    until the end of the session. Only the noise is left where the shift is 0.

    Parameters
    ----------
    rng : numpy.random.Generator
        This person's stream. The same stream with another shift is the same person and noise.
    n_blocks : int
        Blocks of one window per class, in random order within each block.
    shift : float
        How far people are from each other.
    snr : float
        Amplitude of the rhythm against background noise of standard deviation 1.

    Returns
    -------
    windows : ndarray of float32, shape (4 * n_blocks, 8, 128)
        Signals in microvolts, in the order of the session; background noise has a standard
        deviation of about 10 uV.
    labels : ndarray of int64, shape (4 * n_blocks,)
        Class of each window.
    """
    n_classes = len(PERSON_CLASSES)
    n_chans = len(TRANSFER_CH_NAMES)
    n_windows = n_classes * n_blocks
    places = _head() + shift * 0.15 * rng.standard_normal((n_classes, n_chans))
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    frequency = 10.0 + shift * rng.normal(0, 1.0)
    mixing = np.eye(n_chans) + shift * 0.15 * rng.standard_normal((n_chans, n_chans))
    gain, drift = shift * rng.normal(0, [[0.35], [0.35]], (2, n_chans))

    labels = np.concatenate([rng.permutation(n_classes) for _ in range(n_blocks)])
    signal = pink_noise(rng, (n_windows, n_chans, N_TIMES), PERSON_SFREQ, 1.0)
    amplitude = snr * np.exp(rng.normal(-1.0, 0.5, (n_windows, n_classes)))
    amplitude[np.arange(n_windows), labels] = snr
    phase = rng.uniform(0, 2 * np.pi, (n_windows, n_classes, 1))
    turns = 2 * np.pi * frequency * np.arange(N_TIMES) / PERSON_SFREQ
    rhythm = np.sqrt(2) * np.sin(turns + phase) * amplitude[:, :, None]
    signal = mixing @ (signal + np.einsum("kc,wkt->wct", places, rhythm))
    session = np.linspace(0, 1, n_windows)[:, None, None]
    volts = 10.0 * np.exp(gain[:, None] + session * drift[:, None]) * signal
    return volts.astype(np.float32), labels.astype(np.int64)


def simulate_people(seed=10, *, shift=SHIFT, n_subjects=12, n_blocks=16):
    """People of the study, one at a time.

    Parameters
    ----------
    seed : int
        Another seed is another set of people. Of seeds 0 to 11 the default one is in the middle in
        what own labels gain over training from scratch (docs/evidence.json).
    shift : float
        See :func:`simulate_person`.
    n_subjects, n_blocks : int
        Number of people, and of blocks of one window per class of each.

    Yields
    ------
    windows, labels : ndarray
        See :func:`simulate_person`.
    """
    for rng in np.random.default_rng([78, seed]).spawn(n_subjects):
        yield simulate_person(rng, n_blocks, shift=shift)
