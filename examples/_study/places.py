"""Places of electrodes on the head: of a table, else of a montage that knows their names."""

import warnings

import numpy as np

from _runtime import quiet_imports
from _study.tables import find_sidecar, read_json, read_numbers, read_table

with quiet_imports():
    import mne

#: Montages of MNE that know a place for names of the 10-05 system and of the HydroCel caps.
MONTAGES = ("standard_1005", "GSN-HydroCel-129")


def give_positions(raw, names, root, path):
    """Places of the electrodes: of ``electrodes.tsv``, else of a montage that has all the names.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Changed in place.
    names : list of str
        Its EEG channels.
    root : pathlib.Path
        The BIDS folder.
    path : pathlib.Path
        The recording.

    Returns
    -------
    bool
        Has every EEG channel a place?

    Raises
    ------
    StudyError
        If ``electrodes.tsv`` or its coordinate system cannot be read.
    """
    montage = _montage_of_table(names, root, path)
    if montage is None:
        montage = _standard_montage(names)
    if montage is None:
        return False
    raw.set_montage(montage, on_missing="ignore")
    return True


def _montage_of_table(names, root, path):
    """Places of all these electrodes in ``electrodes.tsv``, or None."""
    table_path = find_sidecar(root, path, "electrodes.tsv")
    if table_path is None:
        return None
    table = read_table(table_path, "name", "x", "y", "z")
    places = np.stack([read_numbers(table, c, table_path) for c in "xyz"], axis=1)
    about = find_sidecar(root, path, "coordsystem.json")
    unit = read_json(about).get("EEGCoordinateUnits") if about is not None else "m"
    scale = {"mm": 1e-3, "cm": 1e-2}.get(unit, 1.0)
    known = dict(zip(table["name"], places * scale, strict=True))
    known = {name: known[name] for name in names if name in known}
    if len(known) < len(names) or not np.isfinite(list(known.values())).all():
        return None
    return mne.channels.make_dig_montage(known, coord_frame="head")


def _standard_montage(names):
    """The first of ``MONTAGES`` that has all these electrodes, or None."""
    for title in MONTAGES:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Montage name", FutureWarning)
            montage = mne.channels.make_standard_montage(title)
        if set(names) <= set(montage.ch_names):
            return montage
    return None
