"""A recording with faults that are planted, and the table of what is found in it."""

import numpy as np

from _study.measure import measure_signal
from _study.quality import find_faults


def spoil(raw):
    """Plant four faults of four kinds, each in a channel of its own.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A loaded recording with the channels of a HydroCel cap. It stays as it is.

    Returns
    -------
    mne.io.BaseRaw
        A copy, in which ``E62`` is dead, ``E75`` was written as mV, ``E11`` is clipped at 5 uV
        and ``E36`` has 500 uV of mains.
    """
    faults = {
        "E62": lambda x: 0 * x,
        "E75": lambda x: 1000 * x,
        "E11": lambda x: np.clip(x, -5e-6, 5e-6),
        "E36": lambda x: x + 500e-6 * np.sin(2 * np.pi * 60 * raw.times),
    }
    copy = raw.copy()
    for channel, change in faults.items():
        copy.apply_function(change, [channel], verbose="ERROR")
    return copy


def print_faults(recordings):
    """Print what :func:`_study.quality.find_faults` finds in some recordings.

    Parameters
    ----------
    recordings : dict of str to mne.io.BaseRaw
        What they are called, and loaded recordings, to be referenced again later.
    """
    for name, raw in recordings.items():
        faults = find_faults(
            [measure_signal(raw, raw.filenames[0])], raw.ch_names, referenced=True
        )
        print(f"{name}: faults of {len(faults)} kinds in {len(raw.ch_names)} channels")
        for one in faults.itertuples():
            weight = "gross" if one.gross else "doubtful"
            print(f"{one.channels:<6}{one.kind:<10}{weight:<10}{one.what}")
