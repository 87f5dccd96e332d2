"""A checkpoint of somebody else and windows of your own: what it was trained on, and how to get there.

``config.json`` of a Braindecode model says which channels, rate and length a model expects, as far
as its author knew; nothing checks them afterwards. Here windows are brought there step by step, and
every step is named; what cannot be known is asked for instead of guessed.
"""

import json
import os
import warnings
from dataclasses import dataclass

import mne
import numpy as np
import torch

from _model.checkpoint import CONFIG, CheckpointError
from _model.encoder import encoder_state, load_encoder
from _model.families import scale_of
from _model.training import normalise
from _runtime import quiet_imports
from _study.places import in_head_frame, standard_places

with quiet_imports():
    from braindecode.modules import ChannelInterpolationLayer
    from braindecode.preprocessing import exponential_moving_standardize

# BIOT has no window for its Fourier transform on purpose.
warnings.filterwarnings("ignore", "A window was not provided", UserWarning)


def _moving(X):
    """Braindecode's exponential moving standardisation with the factors of its examples, in each window alone."""
    rows = X.reshape(-1, X.shape[-1])
    return exponential_moving_standardize(rows, 1e-3, init_block_size=1000).reshape(X.shape)


#: How windows in uV become what a network is shown; a number is a factor.
SCALES = {
    "window": normalise,
    "uV": lambda X: X,
    "uV/100": lambda X: X / 100,
    "mV": lambda X: X * 1e-3,
    "V": lambda X: X * 1e-6,
    "z-score": lambda X: (X - X.mean(-1, keepdims=True)) / X.std(-1, keepdims=True),
    "percentile": lambda X: X / np.quantile(np.abs(X), 0.95, axis=-1, keepdims=True),
    "min-max": lambda X: (
        2 * (X - X.min((-2, -1), keepdims=True)) / np.ptp(X, (-2, -1), keepdims=True) - 1
    ),
    "ems": _moving,
}
#: Beside a checkpoint: how its windows were scaled, which Braindecode does not keep.
SCALE_FILE = "windows.json"
#: Typical windows of EEG, in uV; what lies outside is in another unit.
TYPICAL_UV = (0.5, 200.0)
#: A spline over fewer electrodes says nothing.
FEWEST_POSITIONS = 4
#: Middle of a head in MNE's head frame, and radius of its scalp, in m: for the distance of an estimate.
CENTRE, RADIUS = np.array([0.0, 0.0, 0.04]), 0.095


@dataclass(frozen=True)
class Expected:
    """Windows that a checkpoint was trained on.

    Attributes
    ----------
    kind : str
        Class of the model.
    channels : tuple of str
        In the order of training.
    places : dict of str to ndarray, shape (3,)
        Positions of electrodes, of those that have one, in the frame in which they were saved.
    sfreq : float
        In Hz.
    n_times : int
        Samples of a window.
    scale : str
        A key of :data:`SCALES`, or a factor such as ``"0.01"``.
    """

    kind: str
    channels: tuple
    places: dict
    sfreq: float
    n_times: int
    scale: str


def expected_windows(folder, model):
    """What a checkpoint says about its windows, with what has to be told in ``EEG_TUTORIAL_CHECKPOINT_*``.

    Parameters
    ----------
    folder : pathlib.Path
        See :func:`_model.share.find_checkpoint`.
    model : torch.nn.Module
        What :func:`_model.checkpoint.read_checkpoint` read there.

    Returns
    -------
    Expected
        Class, channels, rate, length and scale.

    Raises
    ------
    CheckpointError
        If nobody says the channels, the rate, the length or the scale, or two say different ones.
    """
    kind, config = type(model).__name__, model.get_config()
    infos = config.get("chs_info") or []
    saved = tuple(str(info["ch_name"]) for info in infos)
    told = os.environ.get("EEG_TUTORIAL_CHECKPOINT_CHANNELS", "")
    told = tuple(name.strip() for name in told.split(",") if name.strip())
    channels = _one_of(folder, "channels", saved, told) or ()
    n_chans = config.get("n_chans") or len(infos)
    if not channels:
        raise CheckpointError(
            f"{folder / CONFIG} names no channels, and the order of {n_chans} cannot be guessed: set "
            "EEG_TUTORIAL_CHECKPOINT_CHANNELS=Fz,Cz,... in the order of its training"
        )
    names = [name.lower() for name in channels]
    if len(channels) != n_chans or len(set(names)) < len(names):
        raise CheckpointError(
            f"{folder}: the model has {n_chans} channels, but {len(set(names))} different names are "
            f"given: {', '.join(channels[:40])}"
        )
    for key in ("sfreq", "n_times"):
        if not _told(model, key):
            raise CheckpointError(
                f"{folder / CONFIG} has no {key}, and the same weights fit every {key}: write the one of "
                "its training into the file"
            )
    places = {
        info["ch_name"]: np.asarray(info["loc"], float)[:3]
        for info in infos
        if info.get("loc") is not None
    }
    places = {name: at for name, at in places.items() if np.isfinite(at).all() and at.any()}
    size = {"sfreq": float(model.sfreq), "n_times": int(model.n_times)}
    return Expected(kind, channels, places, **size, scale=_scale_of(folder, kind))


def _told(model, key):
    """What a model was told of its windows, or could derive; None where it was not."""
    try:
        return getattr(model, key)
    except ValueError:
        return None


def _one_of(folder, what, saved, told):
    if saved and told and saved != told:
        raise CheckpointError(
            f"{folder} was saved with {what} {saved}, EEG_TUTORIAL_CHECKPOINT_{what.upper()} says {told}: "
            "take the variable away, or save the checkpoint with the right ones"
        )
    return saved or told


def _scale_of(folder, kind):
    """How windows were scaled: from the file beside the weights, as told, or by family."""
    file, saved = folder / SCALE_FILE, None
    if file.is_file():
        try:
            saved = json.loads(file.read_text("utf-8"))["scale"]
        except (ValueError, KeyError, TypeError) as err:
            raise CheckpointError(f"{file} has no key scale: {err}") from err
    told = os.environ.get("EEG_TUTORIAL_CHECKPOINT_SCALE", "").strip() or None
    saved = None if saved is None else str(saved)
    scale = _one_of(folder, "scale", saved, told) or scale_of(kind)
    if scale not in SCALES and not _factor(scale):
        raise CheckpointError(
            f"{folder}: the scale of its windows is {str(scale)[:80]}: set EEG_TUTORIAL_CHECKPOINT_SCALE "
            f"to one of {', '.join(SCALES)}, or to a number by which windows in uV are multiplied, e.g. 0.01"
        )
    return scale


def _factor(scale):
    """The number that a scale is, or None."""
    try:
        factor = float(scale)
    except (TypeError, ValueError):
        return None
    return factor if np.isfinite(factor) and factor else None


def match_windows(windows, ch_names, sfreq, expected):
    """Bring windows to what a checkpoint was trained on.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_chans, n_times)
        Windows in uV.
    ch_names : sequence of str
        Their channels.
    sfreq : float
        Their sampling frequency in Hz.
    expected : Expected
        What :func:`expected_windows` returned.

    Returns
    -------
    X : ndarray of float32, shape (n_windows, n_expected_chans, n_times_at_its_rate)
        As the model has to see them; as long as they were, at the rate of the model.
    steps : dict of str to list of str
        What was done: ``by name`` and ``by position`` hold channels of the checkpoint, ``not used``
        those of the windows; ``nearest``, ``rate`` and ``scale`` are sentences.

    Raises
    ------
    CheckpointError
        If windows are not in uV, or a channel has neither a name nor a place in common.
    """
    size = float(np.median(np.std(windows, axis=-1)))
    if not TYPICAL_UV[0] <= size <= TYPICAL_UV[1]:
        raise CheckpointError(
            f"a typical window has {size:.3g}, where EEG in uV has 3 to 30: convert to uV first. "
            f"{expected.kind} would take any unit without an error"
        )
    matrix, steps = channel_matrix(ch_names, expected)
    X = np.einsum("wct,nc->wnt", windows.astype(np.float64), matrix)
    if sfreq != expected.sfreq:
        X = mne.filter.resample(X, up=expected.sfreq, down=sfreq, verbose="ERROR")
    steps["rate"] = [f"{sfreq:g} Hz, the checkpoint has {expected.sfreq:g} Hz"]
    if factor := _factor(expected.scale):
        steps["scale"] = [f"uV times {factor:g}"]
        return (X * factor).astype(np.float32), steps
    steps["scale"] = [expected.scale]
    if expected.scale == "ems":
        steps["scale"] = [
            "ems: moving standardisation within each window, not over a recording"
        ]
    return SCALES[expected.scale](X).astype(np.float32), steps


def channel_matrix(ch_names, expected):
    """Weights that turn recorded channels into those of a checkpoint: by name, then by position.

    Parameters
    ----------
    ch_names : sequence of str
        Recorded channels.
    expected : Expected
        Channels of the checkpoint and their places.

    Returns
    -------
    matrix : ndarray, shape (n_expected, n_recorded)
        One 1 per row where names agree, a spherical spline elsewhere, all places in one frame.
    steps : dict of str to list of str
        Channels of the checkpoint ``by name`` and ``by position``, with how far the ``nearest``
        recorded electrodes are from these, and recorded ones ``not used``.

    Raises
    ------
    CheckpointError
        If a channel of the checkpoint was not recorded and has no place, or if fewer than four
        recorded electrodes have one.
    """
    column = {name.lower(): at for at, name in enumerate(ch_names)}
    absent = [name for name in expected.channels if name.lower() not in column]
    theirs = {**in_head_frame(expected.places), **standard_places(expected.channels)}
    mine = {ch_names[column[n.lower()]]: theirs[n] for n in theirs if n.lower() in column}
    mine |= standard_places(ch_names)
    lost = [name for name in absent if name not in theirs]
    if lost or (absent and len(mine) < FEWEST_POSITIONS):
        why = f"only {list(mine)} have a place"
        if lost:
            why = f"no place is known for {', '.join(lost)}"
        raise CheckpointError(
            f"{expected.kind} was trained with {', '.join(absent)}, which the study has not, and {why}: "
            "rename the channels of the study to those of the checkpoint, or save it with positions"
        )
    matrix = np.zeros((len(expected.channels), len(ch_names)))
    for row, name in zip(matrix, expected.channels, strict=True):
        if name not in absent:
            row[column[name.lower()]] = 1
    by_name = [name for name in expected.channels if name not in absent]
    steps = {"by name": by_name, "by position": absent, "not used": []}
    if absent:
        theirs = {name: theirs[name] for name in absent}
        rows = [name in theirs for name in expected.channels]
        matrix[np.ix_(rows, [column[name.lower()] for name in mine])] = _spline(
            mine, theirs
        )
        steps["nearest"] = [_nearest(mine, theirs)]
    steps["not used"] = [
        name for name, weights in zip(ch_names, matrix.T, strict=True) if not weights.any()
    ]
    return matrix, steps


def _spline(mine, theirs):
    """Weights that estimate electrodes at some places from those at others."""
    with warnings.catch_warnings(), mne.use_log_level("ERROR"):
        warnings.filterwarnings("ignore", r"Only \d+ head|\(X, Y\) fit", RuntimeWarning)
        return ChannelInterpolationLayer(_infos(mine, mine), _infos(theirs, theirs)).matrix


def _nearest(mine, theirs):
    """How far from the places of estimates the nearest recorded electrode is, in mm along the head."""
    ends = []
    for places in (mine, theirs):
        arrows = np.array(list(places.values())) - CENTRE
        ends.append(arrows / np.linalg.norm(arrows, axis=1, keepdims=True))
    angles = np.arccos(np.clip(ends[1] @ ends[0].T, -1, 1))
    mm = 1e3 * RADIUS * angles.min(axis=1)
    worst = int(mm.argmax())
    near = list(mine)[angles[worst].argmin()]
    line = f"{near} is {mm[worst]:.0f} mm from {list(theirs)[worst]}"
    if len(mm) > 1:
        line += f", the farthest of {len(mm)} estimates (median {np.median(mm):.0f} mm)"
    return line


def _infos(names, places):
    """Electrodes as Braindecode takes them, with the place of each that has one."""
    infos = [{"ch_name": name, "kind": "eeg"} for name in names]
    return [
        info | {"loc": places[info["ch_name"]]} if info["ch_name"] in places else info
        for info in infos
    ]


def channel_infos(names):
    """Electrodes as Braindecode saves them with a model: name, kind and standard place.

    Parameters
    ----------
    names : sequence of str
        Electrodes; those without a standard place get none.

    Returns
    -------
    list of dict
        For the argument ``chs_info`` of a model; places in m, in MNE's head frame.
    """
    return _infos(names, standard_places(names))


def _first_line(err):
    return (str(err).splitlines() or [""])[0][:200]


def with_new_head(model, n_times, n_outputs, *, keep=True):
    """The encoder of a checkpoint under a fresh head, for windows of any length that it can take.

    Parameters
    ----------
    model : torch.nn.Module
        What :func:`_model.checkpoint.read_checkpoint` read.
    n_times, n_outputs : int
        Samples of a window at the rate of the model, and classes.
    keep : bool
        False leaves the encoder at random weights too.

    Returns
    -------
    fresh : torch.nn.Module
        The model for these windows, with a head whose weights torch's own seed decides.
    loaded : _model.encoder.Loaded or None
        How many tensors of the encoder were taken over; None where none should be.

    Raises
    ------
    CheckpointError
        If the encoder has other shapes for this length.
    """
    config = {**model.get_config(), "n_outputs": n_outputs}
    config.pop("input_window_seconds", None)
    config["n_times"], like = n_times, next(model.parameters())
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Modifying chs_info", UserWarning)
            fresh = type(model).from_config(config)
        fresh = fresh.to(like)
        loaded = load_encoder(fresh, encoder_state(model)) if keep else None
        with torch.no_grad():  # some classes are built for a length that they cannot take
            fresh.eval()(torch.zeros(2, fresh.n_chans, n_times).to(like))
        return fresh, loaded
    except Exception as err:  # a class raises anything on a length that does not fit
        raise CheckpointError(
            f"{type(model).__name__} was trained on windows of {model.n_times} samples and cannot take {n_times} "
            f"({_first_line(err)}): open the study with windows of "
            f"{model.n_times / model.sfreq:g} s: window_s in the file that EEG_TUTORIAL_RECIPE names, or "
            "with recipe="
        ) from err
