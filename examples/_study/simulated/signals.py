"""Signal models behind the simulated studies: pure functions, arrays in and arrays out.

Simulated EEG here is a teaching device with known answers, not a model of the brain. Every
function takes a :class:`numpy.random.Generator`, so cohorts never share noise. No file is touched.
"""

import numpy as np

from _study.catalogue import (
    HYDROCEL,
    PFACTOR_SFREQ,
    TRANSFER_CH_NAMES,
    TRANSFER_SFREQ,
    USUAL_EFFECT,
)

#: Samples in one window of the transfer study (2 s).
TRANSFER_N_TIMES = 256


def _unit(vectors):
    """Scale the last axis to Euclidean length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _head_model(n_chans):
    """Topographies shared by everybody: of the source that matters, turned, and of two distractors."""
    # One head for all cohorts: the domains differ, not the physics.
    rng = np.random.default_rng(2024)
    relevant = _unit(rng.standard_normal(n_chans))
    other = rng.standard_normal(n_chans)
    rotated = _unit(other - relevant * (relevant @ other))
    distractors = _unit(rng.standard_normal((2, n_chans)))
    return relevant, rotated, distractors


def _check_balance(**counts):
    """Refuse numbers of windows that two classes cannot share equally."""
    for name, n in counts.items():
        if n < 2 or n % 2:
            raise ValueError(
                f"{name}={n} cannot be balanced: pass an even number of at least 2"
            )


def _tones(rng, freqs, times):
    """Unit-variance sinusoids of random phase, shape ``(len(freqs), len(times))``."""
    phase = rng.uniform(0, 2 * np.pi, len(freqs))
    return np.sqrt(2) * np.sin(2 * np.pi * freqs[:, None] * times + phase[:, None])


def pink_noise(rng, shape, sfreq, slope):
    r"""Gaussian noise whose power falls as :math:`1 / f^{slope}`, each row at unit variance.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    shape : tuple of int
        Shape of the result; the last axis is time.
    sfreq : float
        Sampling frequency in Hz.
    slope : float
        Exponent of the power spectrum. EEG lies between 0.8 and 1.4 or so.

    Returns
    -------
    ndarray, shape ``shape``
        Noise without a unit, standard deviation 1 along time.
    """
    n_times = shape[-1]
    freqs = np.fft.rfftfreq(n_times, 1 / sfreq)
    # No DC, and flat below 0.5 Hz so that a 2 s window is not one slow drift.
    weight = np.where(freqs > 0, np.maximum(freqs, 0.5) ** (-slope / 2), 0.0)
    white = np.fft.rfft(rng.standard_normal(shape), axis=-1)
    noise = np.fft.irfft(white * weight, n=n_times, axis=-1)
    return noise / noise.std(axis=-1, keepdims=True)


def simulate_transfer_subject(
    rng, n_windows, *, snr=0.6, distractor=1.0, rotation=0.0, freq_shift=0.0, jitter=0.25
):
    """One person watching for a rhythm: alpha (label 1) or delta (label 0) at one source.

    Two distractor sources switch between the *same two rhythms* without regard to the label, so
    the answer is where a rhythm sits, not whether it is there. A person has traits: gain of each
    electrode, tilt of the topographies, an alpha frequency, a 1/f slope. The phase is random in
    every window.

    Parameters
    ----------
    rng : numpy.random.Generator
        This person's stream.
    n_windows : int
        Windows of 2 s; labels are balanced and shuffled.
    snr : float
        Amplitude of that rhythm against background noise of standard deviation 1.
    distractor : float
        Amplitude of each distractor as a multiple of ``snr``.
    rotation : float
        Domain shift: angle in radians by which the topography of that source is turned.
    freq_shift : float
        Domain shift: how far the alpha rhythm is moved, in Hz.
    jitter : float
        Spread of the topographies between people.

    Returns
    -------
    windows : ndarray of float32, shape (n_windows, 8, 256)
        Signals in microvolts; background noise has a standard deviation of 10 uV.
    labels : ndarray of int64, shape (n_windows,)
        0 for delta, 1 for alpha.

    Raises
    ------
    ValueError
        If ``n_windows`` is odd or below 2, so that the classes could not be balanced.
    """
    _check_balance(n_windows=n_windows)
    n_chans, n_times = len(TRANSFER_CH_NAMES), TRANSFER_N_TIMES
    times = np.arange(n_times) / TRANSFER_SFREQ
    relevant, rotated, distractors = _head_model(n_chans)
    relevant = np.cos(rotation) * relevant + np.sin(rotation) * rotated

    gain = np.exp(rng.normal(0, 0.2, n_chans))
    spread = jitter / np.sqrt(n_chans)
    relevant = _unit(relevant + spread * rng.standard_normal(n_chans))
    distractors = _unit(distractors + spread * rng.standard_normal(distractors.shape))
    alpha = rng.normal(10.0, 0.5) + freq_shift
    delta = rng.normal(2.5, 0.2) + 0.3 * freq_shift
    slope = rng.uniform(0.8, 1.4)

    labels = rng.permutation(np.arange(n_windows) % 2)
    signal = pink_noise(rng, (n_windows, n_chans, n_times), TRANSFER_SFREQ, slope)
    rhythm = _tones(rng, np.where(labels == 1, alpha, delta), times)
    signal += snr * rhythm[:, None, :] * relevant[:, None]
    for topography in distractors:
        coin = rng.integers(0, 2, n_windows)  # has nothing to do with the label
        rhythm = _tones(rng, np.where(coin == 1, alpha + rng.normal(0, 0.2), delta), times)
        signal += distractor * snr * rhythm[:, None, :] * topography[:, None]
    return (10.0 * gain[:, None] * signal).astype(np.float32), labels.astype(np.int64)


def simulate_transfer(
    seed=2, *, n_source=16, n_target=36, source_windows=40, target_windows=12
):
    """The two cohorts of the fine-tuning tutorial, one person at a time.

    The source cohort has many windows per person. The target cohort has few, the
    topography of its source is rotated by 0.8 rad (the distractors stay where they are) and its
    rhythms are faster by up to 0.7 Hz: other people, another projection of the source that matters, the
    same question.

    Parameters
    ----------
    seed : int
        Another seed is another pair of cohorts. The default is a typical draw, not a lucky one:
        of seeds 0 to 11 it is in the middle in what full fine-tuning gains over training from
        scratch in the fine-tuning tutorial.
    n_source, n_target : int
        People in each cohort.
    source_windows, target_windows : int
        Windows per person in each cohort.

    Yields
    ------
    cohort : {"source", "target"}
        Cohort of this person.
    windows : ndarray of float32, shape (n_windows, 8, 256)
        Signals in microvolts.
    labels : ndarray of int64, shape (n_windows,)
        Class of each window.
    """
    source, target = np.random.default_rng([73, seed]).spawn(2)
    for rng in source.spawn(n_source):
        yield "source", *simulate_transfer_subject(rng, source_windows)
    for rng in target.spawn(n_target):
        yield (
            "target",
            *simulate_transfer_subject(rng, target_windows, rotation=0.8, freq_shift=0.7),
        )


# ------------------------------------------------------------------------------- p-factor study

#: Samples in one window of the p-factor study (2 s).
PFACTOR_N_TIMES = 200
#: Change of log alpha amplitude per unit of the score, unless another is asked for.
PFACTOR_EFFECT = USUAL_EFFECT["simulated-pfactor"]
#: Where alpha follows the target, and how strongly: Cz and E62.
PFACTOR_SOURCE = {"Cz": 1.0, "E62": 0.85}
#: Where closing the eyes adds alpha, and how strongly: over the back of the head.
EYES_CLOSED_SOURCE = {"E75": 1.0, "E62": 0.6, "E52": 0.5, "E92": 0.5}


def _topography(weights):
    """Weights per channel name as a column, shape (8, 1)."""
    return np.array([[weights.get(name, 0.0)] for name in HYDROCEL])


def _personal_traits(rng, n_chans):
    """What tells people apart: 1/f slope, gain, mixing of electrodes, own alpha frequency."""
    slope = rng.uniform(0.8, 1.4)
    gain = np.exp(rng.normal(0, 0.25, n_chans))
    mixing = np.eye(n_chans) + 0.25 * rng.standard_normal((n_chans, n_chans))
    return slope, gain, mixing, rng.normal(10.0, 0.4)


def simulate_pfactor_subject(rng, p_factor, n_open, n_closed, *, effect=PFACTOR_EFFECT):
    r"""One person at rest, whose alpha rhythm over Cz and E62 grows with a score.

    The score acts on the *logarithm of the amplitude*: an oscillation has no sign to carry it,
    and its phase is random in every window. Each person also has a level of alpha that has
    nothing to do with the score (it limits what anyone can predict) and traits: gain of each
    electrode, mixing between electrodes, 1/f slope, alpha frequency. Closing the eyes adds
    alpha over the back of the head.

    Parameters
    ----------
    rng : numpy.random.Generator
        This person's stream. The same stream with another ``effect`` is the same person, except
        for the effect.
    p_factor : float
        The score, in standard deviations.
    n_open, n_closed : int
        Windows of 2 s with eyes open and with eyes closed.
    effect : float
        Change of log alpha amplitude per unit of the score; 0 leaves nothing to be learned.

    Returns
    -------
    windows : ndarray of float32, shape (n_open + n_closed, 8, 200)
        Signals in microvolts, eyes open first; background noise has a standard deviation of
        about 10 uV.
    """
    n_windows, n_chans = n_open + n_closed, len(HYDROCEL)
    times = np.arange(PFACTOR_N_TIMES) / PFACTOR_SFREQ
    slope, gain, mixing, alpha = _personal_traits(rng, n_chans)
    own_level = rng.normal(0, 0.35)
    closing = 1.2 * np.exp(rng.normal(0, 0.3))

    shape = (n_windows, n_chans, PFACTOR_N_TIMES)
    signal = mixing @ pink_noise(rng, shape, PFACTOR_SFREQ, slope)
    amplitude = 0.9 * np.exp(effect * p_factor + own_level)
    frequency = np.full(n_windows, alpha)
    # sqrt(2) of _tones is taken back: amplitudes here are peaks, as in the log-amplitude model.
    rhythm = _tones(rng, frequency, times)[:, None, :] / np.sqrt(2)
    signal += amplitude * _topography(PFACTOR_SOURCE) * rhythm
    rhythm = _tones(rng, frequency, times)[:, None, :] / np.sqrt(2)
    eyes = np.arange(n_windows)[:, None, None] >= n_open
    signal += eyes * closing * _topography(EYES_CLOSED_SOURCE) * rhythm
    return (10.0 * gain[:, None] * signal).astype(np.float32)


def simulate_pfactor(
    seed=12, *, effect=PFACTOR_EFFECT, n_subjects=77, n_open=15, n_closed=12
):
    """A resting-state study with a score per person, one person at a time.

    Parameters
    ----------
    seed : int
        Another seed is another set of people. The default is a typical draw, not a lucky one: of
        seeds 0 to 23 it lies nearest to their mean in what ridge and network of the p-factor
        tutorials reach, with the effect and without it.
    effect : float
        See :func:`simulate_pfactor_subject`. People differ between effects in nothing else.
    n_subjects : int
        Number of people.
    n_open, n_closed : int
        Windows of 2 s per person with eyes open and closed.

    Yields
    ------
    person : dict
        ``p_factor`` (float, standard normal), ``age`` in years (5 to 21) and ``sex`` ("F" or
        "M"); age and sex have nothing to do with signal or score.
    windows : ndarray of float32, shape (n_open + n_closed, 8, 200)
        Signals in microvolts, eyes open first.
    """
    for rng in np.random.default_rng([80, seed]).spawn(n_subjects):
        person = {
            "p_factor": round(float(rng.standard_normal()), 4),
            "age": round(float(rng.uniform(5, 21)), 1),
            "sex": str(rng.choice(["F", "M"])),
        }
        windows = simulate_pfactor_subject(
            rng, person["p_factor"], n_open, n_closed, effect=effect
        )
        yield person, windows


# ------------------------------------------------------------------------------ two-task study

#: Where alpha sits in the left and in the right half of the back of the head.
LEFT_SOURCE = {"E52": 1.0, "E75": 0.5, "E62": 0.4}
RIGHT_SOURCE = {"E92": 1.0, "E75": 0.5, "E62": 0.4}
#: Where a flickering screen drives the brain.
FLICKER_SOURCE = {"E75": 1.0, "E62": 0.5}


def simulate_two_task_subject(rng, n_rest=24, n_trials=32, n_flicker=24, *, depth=0.45):
    """One person in three tasks: at rest, choosing a side, watching a flicker.

    *Rest*: closing the eyes raises alpha in both halves of the back of the head. *Side*: looking
    out for a change on the left lowers alpha on the right, and the other way round; how awake a
    person is in a trial scales alpha in both halves and slows the answer. *Flicker*: a screen
    drives a slow or a fast rhythm in the middle, while alpha comes and goes without regard to
    it. The person's gain, mixing, slope, own alpha frequency and level are the same in all three.

    Parameters
    ----------
    rng : numpy.random.Generator
        This person's stream.
    n_rest, n_trials, n_flicker : int
        Windows of 2 s in each task; labels are balanced and shuffled.
    depth : float
        Log ratio of alpha amplitude between the attended and the other side.

    Returns
    -------
    dict of str to tuple
        Task -> ``(windows, labels, reaction_times)``: float32 of shape (n, 8, 200) in microvolts,
        int64 of shape (n,), and seconds of shape (n,), NaN where nothing is answered.

    Raises
    ------
    ValueError
        If a number of windows is odd or below 2, so that the classes could not be balanced.
    """
    _check_balance(n_rest=n_rest, n_trials=n_trials, n_flicker=n_flicker)
    n_chans = len(HYDROCEL)
    times = np.arange(PFACTOR_N_TIMES) / PFACTOR_SFREQ
    slope, gain, mixing, alpha = _personal_traits(rng, n_chans)
    level = 0.9 * np.exp(rng.normal(0, 0.35))
    pace = rng.normal(0, 0.25)

    def record(amplitudes):
        """Background and rhythms; ``amplitudes`` is (topography, amplitude, frequency) rows."""
        n = len(amplitudes[0][1])
        signal = mixing @ pink_noise(
            rng, (n, n_chans, PFACTOR_N_TIMES), PFACTOR_SFREQ, slope
        )
        for weights, amplitude, frequency in amplitudes:
            rhythm = _tones(rng, np.broadcast_to(frequency, n), times)[:, None] / np.sqrt(2)
            signal += amplitude[:, None, None] * _topography(weights) * rhythm
        return (10.0 * gain[:, None] * signal).astype(np.float32)

    tasks = {}
    labels = rng.permutation(np.arange(n_rest) % 2)
    eyes = level * np.where(labels == 1, 1.6, 0.6)
    jitter = np.exp(rng.normal(0, 0.2, (2, n_rest)))
    windows = record(
        [(LEFT_SOURCE, eyes * jitter[0], alpha), (RIGHT_SOURCE, eyes * jitter[1], alpha)]
    )
    tasks["RestingState"] = windows, labels, np.full(n_rest, np.nan)

    labels = rng.permutation(np.arange(n_trials) % 2)
    drowsy = rng.standard_normal(n_trials)
    common = level * np.exp(0.35 * drowsy)
    # Left attended: alpha stays on the left.
    toward = np.where(labels == 0, depth / 2, -depth / 2)
    windows = record(
        [
            (LEFT_SOURCE, common * np.exp(toward), alpha),
            (RIGHT_SOURCE, common * np.exp(-toward), alpha),
        ]
    )
    slowing = 0.25 * drowsy + rng.normal(0, 0.15, n_trials)
    tasks["contrastChangeDetection"] = windows, labels, 1.2 * np.exp(pace + slowing)

    labels = rng.permutation(np.arange(n_flicker) % 2)
    driven = np.where(labels == 1, 16.0, 6.0)
    coming = level * np.exp(rng.normal(0, 0.5, (2, n_flicker)))
    windows = record(
        [
            (FLICKER_SOURCE, np.full(n_flicker, 0.8), driven),
            (LEFT_SOURCE, coming[0], alpha),
            (RIGHT_SOURCE, coming[1], alpha),
        ]
    )
    tasks["flicker"] = windows, labels, np.full(n_flicker, np.nan)
    return {name: (w, y.astype(np.int64), rt) for name, (w, y, rt) in tasks.items()}


def simulate_two_tasks(seed=4, *, n_subjects=36):
    """People of the two-task study, one at a time.

    Parameters
    ----------
    seed : int
        Another seed is another set of people. The default is of seeds 0 to 11 in the middle in
        what labels of rest give for the side of attention in the transfer tutorial.
    n_subjects : int
        Number of people.

    Yields
    ------
    dict
        See :func:`simulate_two_task_subject`.
    """
    for rng in np.random.default_rng([71, seed]).spawn(n_subjects):
        yield simulate_two_task_subject(rng)


# ---------------------------------------------------------------------------- high-density rest


def _potential(positions, source, direction):
    """Potential of a current dipole at unit-sphere positions, infinite medium, largest is 1."""
    reach = positions - source
    potential = reach @ direction / np.linalg.norm(reach, axis=1) ** 3
    return potential / np.abs(potential).max()


def simulate_high_density(rng, positions, blocks, *, sfreq=500.0, reference=-1):
    """A minute of rest under a high-density cap, recorded against one of its electrodes.

    Thirty dipoles of 1/f activity, three of alpha at the back that grow when the eyes close,
    blinks while they are open, 60 Hz from the mains and noise of each sensor. The reference
    electrode is subtracted from everybody, itself included.

    Parameters
    ----------
    rng : numpy.random.Generator
        This person's stream.
    positions : ndarray, shape (n_chans, 3)
        Electrodes on the unit sphere; x to the right, y to the front, z up.
    blocks : sequence of tuple
        ``(seconds, eyes)`` in order, with eyes ``"open"`` or ``"closed"``.
    sfreq : float
        Sampling frequency in Hz.
    reference : int
        Row of the electrode everything is recorded against.

    Returns
    -------
    recorded : ndarray, shape (n_chans, n_times)
        Signals in microvolts; the row of the reference is zero.
    truth : ndarray, shape (n_chans, n_times)
        The same before the reference was subtracted.
    """
    lengths = [round(seconds * sfreq) for seconds, _ in blocks]
    n_times = sum(lengths)
    times = np.arange(n_times) / sfreq
    closed = np.repeat([eyes == "closed" for _, eyes in blocks], lengths)
    truth = np.zeros((len(positions), n_times))
    for source, direction in zip(*_unit(rng.standard_normal((2, 30, 3))), strict=True):
        noise = pink_noise(rng, (1, n_times), sfreq, 1.2)[0]
        truth += 6.0 * _potential(positions, 0.5 * source, direction)[:, None] * noise
    frequency = rng.normal(10.0, 0.5)
    swell = 1 + 0.4 * np.sin(2 * np.pi * 0.15 * times + rng.uniform(0, 6))
    for place in np.array([[-0.35, -0.85, 0.35], [0.35, -0.85, 0.35], [0.0, -0.75, 0.65]]):
        tone = _tones(rng, np.array([frequency + rng.normal(0, 0.1)]), times)[0]
        strength = np.where(closed, 14.0, 5.0) * swell
        truth += _potential(positions, 0.5 * place, _unit(place))[:, None] * strength * tone
    blinks = np.zeros(n_times)
    length = round(0.35 * sfreq)
    for start in np.arange(round(sfreq), n_times - length, round(3.1 * sfreq)):
        if not closed[start : start + length].any():
            blinks[start : start + length] += 90 * np.hanning(length)
    forehead = np.array([0.0, 0.95, -0.2])
    truth += _potential(positions, 0.7 * forehead, _unit(forehead))[:, None] * blinks
    # The cable lies behind the chair.
    mains = 2.0 - 1.5 * positions[:, 1] + 0.3 * rng.standard_normal(len(positions))
    truth += mains[:, None] * np.sin(2 * np.pi * 60 * times)
    truth += 1.0 * rng.standard_normal(truth.shape)
    return truth - truth[reference], truth
