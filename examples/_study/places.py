"""Places of electrodes on the head, all in MNE's head frame: of a table, else of a montage that knows the names."""

import contextlib
import functools
import warnings

import numpy as np

from _runtime import quiet_imports
from _study.names import bare
from _study.tables import find_sidecar, read_json, read_numbers, read_table

with quiet_imports():
    import mne

#: Montages of MNE that know names of the HydroCel caps and of the 10-05 system, each in a frame of its own.
MONTAGES = ("GSN-HydroCel-129", "standard_1005")
#: From the origin of a frame to an electrode, in m: m, cm, mm and parts of a head are a factor of ten apart.
HEAD_M = 0.09
#: Without landmarks: electrodes of a montage that tell a frame, and how far from it one may lie, in m.
FEWEST_SHARED, FARTHEST_M = 4, 0.05
#: Names of landmarks in MNE and in BIDS.
LANDMARKS = {"nasion": "NAS", "lpa": "LPA", "rpa": "RPA"}


def give_positions(raw, names, root, path):
    """Places of the electrodes: of ``electrodes.tsv``, else of montages that know all the names.

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
    places = _places_of_table(names, root, path) or standard_places(names)
    if len(places) < len(names):
        return False
    montage = mne.channels.make_dig_montage(places, coord_frame="head")
    raw.set_montage(montage, on_missing="ignore")
    return True


def _places_of_table(names, root, path):
    """Places of all these electrodes in ``electrodes.tsv``, or None."""
    table_path = find_sidecar(root, path, "electrodes.tsv")
    if table_path is None:
        return None
    table = read_table(table_path, "name", "x", "y", "z")
    rows = np.stack([read_numbers(table, axis, table_path) for axis in "xyz"], axis=1)
    listed = dict(zip(table["name"].map(bare), rows, strict=True))
    known = {name: listed[bare(name)] for name in names if bare(name) in listed}
    if len(known) < len(names) or not np.isfinite(list(known.values())).all():
        return None
    sidecar = find_sidecar(root, path, "coordsystem.json")
    about = {} if sidecar is None else read_json(sidecar)
    return in_head_frame(
        known, _landmarks(about) or _three_of(dict(zip(table["name"], rows, strict=True)))
    )


def _landmarks(about):
    """Landmarks of ``coordsystem.json`` if they are in the frame of the electrodes, or None."""
    frames = {about.get(f"{of}CoordinateSystem") for of in ("EEG", "AnatomicalLandmark")}
    points = about.get("AnatomicalLandmarkCoordinates")
    return (
        _three_of(points) if len(frames - {None}) < 2 and isinstance(points, dict) else None
    )


def _three_of(points):
    """Nasion and both ears among points, as MNE calls them, or None where one is no place."""
    with contextlib.suppress(KeyError, TypeError, ValueError):
        three = {mne_name: np.array(points[n], float) for mne_name, n in LANDMARKS.items()}
        if np.isfinite(np.stack(list(three.values()))).all():
            return three
    return None


def in_head_frame(places, landmarks=None):
    """Places of a cap in m and in MNE's head frame, from whatever frame and unit.

    The frame is that of the landmarks; without them, electrodes that a montage of MNE knows by name
    are laid on their places there. Where these are too few, or lie elsewhere, the frame is taken for
    MNE's.

    Parameters
    ----------
    places : dict of str to array-like, shape (3,)
        Of the electrodes, finite.
    landmarks : dict of str to array-like, shape (3,), or None
        ``nasion``, ``lpa`` and ``rpa`` in the same frame.

    Returns
    -------
    dict of str to ndarray, shape (3,)
        Places of the same electrodes.
    """
    if not places:
        return {}
    points = dict(zip(places, _in_m(list(places.values())), strict=True))
    if landmarks:
        three = dict(zip(landmarks, _in_m(list(landmarks.values())), strict=True))
        montage = mne.channels.make_dig_montage(points, **three)
        return mne.channels.transform_to_head(montage).get_positions()["ch_pos"]
    known = standard_places(points)
    if len(known) < FEWEST_SHARED:
        return points
    shared = np.array([points[name] for name in known])
    with contextlib.suppress(RuntimeError):  # one of them lies elsewhere
        trans = mne.transforms.fit_matched_points(
            shared, np.array(list(known.values())), scale=True, tol=FARTHEST_M
        )
        moved = mne.transforms.apply_trans(trans, np.array(list(points.values())))
        points = dict(zip(points, moved, strict=True))
    return points


def _in_m(points):
    """Points in the power of ten of their unit that gives a head."""
    points = np.array(points, float)
    size = np.median(np.linalg.norm(points, axis=1))
    return points / 10.0 ** round(np.log10(size / HEAD_M)) if size > 0 else points


def standard_places(names):
    """Places of the electrodes that a montage of MNE knows by name, in any letters.

    Parameters
    ----------
    names : iterable of str
        Electrodes of one cap: where two montages know a name, that which knows more of them counts.

    Returns
    -------
    dict of str to ndarray, shape (3,)
        In m, in MNE's head frame.
    """
    lower = {name: name.lower() for name in names}
    wanted = set(lower.values())
    places = {}
    for montage in sorted(_montages(), key=lambda montage: len(wanted & set(montage))):
        places |= montage  # the best comes last
    return {name: places[low] for name, low in lower.items() if low in places}


@functools.cache
def _montages():
    """Places by name in small letters of each montage; its fiducials bring it into the head frame."""
    montages = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Montage name", FutureWarning)
        for title in MONTAGES:
            montage = mne.channels.make_standard_montage(title)
            places = mne.channels.transform_to_head(montage).get_positions()["ch_pos"]
            montages.append({name.lower(): place for name, place in places.items()})
    return montages
