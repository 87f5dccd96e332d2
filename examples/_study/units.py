"""Units of voltage under the spellings that people and devices give them."""

import re
from collections import defaultdict

import numpy as np

from _study.catalogue import shorten
from _study.edf import read_edf_header

#: Volts of one unit, by what stands before "v" or "volt" in small letters. Devices that do not write
#: the sign for micro put one or two others there.
SPELLINGS = {
    1.0: r"",
    1e-3: r"m|milli",
    1e-6: r"u|mu|mc|micro|[^a-z0-9]{1,2}",
    1e-9: r"n|nano",
}
#: How each is usually spelled.
USUAL = {1.0: "V", 1e-3: "mV", 1e-6: "uV", 1e-9: "nV"}
#: What MNE 1.13 takes as it is meant in the header of an EDF or BDF file; the rest are volts to it.
OF_MNE = ("uV", "\u00b5V", "\u03bcV", "\x83\xcaV", "mV", "V")
#: Size of EEG in uV, and seconds to tell it from: where nobody gives a unit, it is asked whether the
#: numbers are uV.
LIKELY_UV = (0.5, 200.0)
SECONDS, PIECE_S = 60, 2


def volts_of(unit):
    """Volts of one unit.

    Parameters
    ----------
    unit : str
        As somebody wrote it, such as ``uV``, ``.V`` or ``microvolts``.

    Returns
    -------
    float or None
        None where it is no unit of voltage.
    """
    text = re.sub(r"\s", "", unit.lower())
    for volts, before in SPELLINGS.items():
        if re.fullmatch(f"({before})v(olts?)?", text):
            return volts
    return None


def read_header_units(raw, path):
    """Unit of each channel as the header of an EDF or BDF file spells it, which MNE does not keep.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        A recording, with the channel names of its file.
    path : pathlib.Path
        The file.

    Returns
    -------
    list of str or None
        In the order of its channels; None for other kinds of files, where MNE is believed.
    """
    header = read_edf_header(path)
    if header is None:
        return [None] * len(raw.ch_names)
    unit_of = dict(zip(header.labels, header.units, strict=True))
    # MNE gives a number to names that come twice.
    return [
        unit_of.get(name, unit_of.get(name.rpartition("-")[0])) for name in raw.ch_names
    ]


def mend_units(raw, header, table):
    """Bring EEG to volts where MNE does not know the unit of the header.

    The header counts under any spelling, else ``channels.tsv``, else the size of the signals: what
    would be EEG in uV is.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Changed in place.
    header : list of str or None
        Unit of each channel, see :func:`read_header_units`.
    table : dict of str
        Units of ``channels.tsv``, by the names in ``raw``.

    Returns
    -------
    list of str
        What has to be said about it.
    """
    picks = defaultdict(list)
    nobody = []
    kinds = raw.get_channel_types()
    for at, (name, kind, unit) in enumerate(zip(raw.ch_names, kinds, header, strict=True)):
        if kind != "eeg" or unit is None or unit in OF_MNE:
            continue
        by_header, by_table = volts_of(unit), volts_of(table.get(name, ""))
        if by_header is not None:
            picks[f"the unit {unit!r} of the header is read as", by_header].append(at)
        elif by_table is not None:
            picks[f"the header has the unit {unit!r}; channels.tsv says", by_table].append(
                at
            )
        else:
            nobody.append(at)
    if nobody and LIKELY_UV[0] <= _typical_size(raw, nobody) <= LIKELY_UV[1]:
        units = shorten(sorted({repr(header[at]) for at in nobody}))
        text = f"no unit in the header ({units}) nor in channels.tsv; by its size it is"
        picks[text, 1e-6] = nobody
    for (_, volts), some in picks.items():
        _scale(raw, some, volts)
    return [f"{text} {USUAL[volts]}" for text, volts in picks]


def _typical_size(raw, picks):
    """Standard deviation in a typical piece of a typical channel, in the middle of the recording."""
    sfreq = raw.info["sfreq"]
    n_piece = min(max(1, round(PIECE_S * sfreq)), raw.n_times)
    n_pieces = min(SECONDS // PIECE_S, raw.n_times // n_piece)
    start = (raw.n_times - n_pieces * n_piece) // 2
    signals = raw.get_data(picks, start, start + n_pieces * n_piece)
    return float(np.median(signals.reshape(len(picks), n_pieces, n_piece).std(axis=2)))


def _scale(raw, picks, volts):
    """Multiply some channels, before or after they are loaded."""
    if raw.preload:
        raw.apply_function(lambda signal: signal * volts, picks=picks, verbose="ERROR")
    else:
        raw._cals[picks] *= volts  # private, and what MNE multiplies by when it reads
