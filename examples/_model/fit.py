"""A checkpoint of somebody else and windows of your own: what it was trained on, and how to get there.

``config.json`` of a Braindecode model says which channels, rate and length a model expects, as far
as its author knew; nothing checks them afterwards. Here windows are brought there step by step, and
every step is named; what cannot be known is asked for instead of guessed.
"""

import functools
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

with quiet_imports():
    from braindecode.modules import ChannelInterpolationLayer

# BIOT has no window for its Fourier transform on purpose.
warnings.filterwarnings("ignore", "A window was not provided", UserWarning)

#: How windows in uV become what a network is shown.
SCALES = {
    "window": normalise,
    "uV": lambda X: X,
    "uV/100": lambda X: X / 100,
    "z-score": lambda X: (X - X.mean(-1, keepdims=True)) / X.std(-1, keepdims=True),
    "percentile": lambda X: X / np.quantile(np.abs(X), 0.95, axis=-1, keepdims=True),
    "min-max": lambda X: (
        2 * (X - X.min((-2, -1), keepdims=True)) / np.ptp(X, (-2, -1), keepdims=True) - 1
    ),
}
#: Beside a checkpoint: how its windows were scaled, which Braindecode does not keep.
SCALE_FILE = "windows.json"
#: Typical windows of EEG, in uV; what lies outside is in another unit.
TYPICAL_UV = (0.5, 200.0)
#: A spline over fewer electrodes says nothing.
FEWEST_POSITIONS = 4


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
        Positions of electrodes in m, of those that have one.
    sfreq : float
        In Hz.
    n_times : int
        Samples of a window.
    scale : str
        A key of :data:`SCALES`.
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
    """How windows were scaled: from the file beside the weights, by family, or as told."""
    file, saved = folder / SCALE_FILE, scale_of(kind)
    if file.is_file():
        try:
            saved = json.loads(file.read_text("utf-8"))["scale"] or saved
        except (ValueError, KeyError, TypeError) as err:
            raise CheckpointError(f"{file} has no key scale: {err}") from err
    told = os.environ.get("EEG_TUTORIAL_CHECKPOINT_SCALE", "").strip() or None
    scale = _one_of(folder, "scale", saved, told)
    if not isinstance(scale, str) or scale not in SCALES:
        raise CheckpointError(
            f"{folder}: the scale of its windows is {str(scale)[:80]}: set EEG_TUTORIAL_CHECKPOINT_SCALE "
            f"to one of {', '.join(SCALES)}"
        )
    return scale


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
        those of the windows; ``rate`` and ``scale`` are sentences.

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
    steps["scale"] = [expected.scale]
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
        One 1 per row where names agree, a spherical spline elsewhere.
    steps : dict of str to list of str
        Channels of the checkpoint ``by name`` and ``by position``, and recorded ones ``not used``.

    Raises
    ------
    CheckpointError
        If a channel of the checkpoint was not recorded and has no place, or if fewer than four
        recorded electrodes have one.
    """
    have = {name.lower(): name for name in ch_names}
    absent = [name for name in expected.channels if name.lower() not in have]
    places = {**_standard_places(), **{k.lower(): v for k, v in expected.places.items()}}
    lost = [name for name in absent if name.lower() not in places]
    known = [name for name in ch_names if name.lower() in places]
    if lost or (absent and len(known) < FEWEST_POSITIONS):
        why = f"only {known} have a place"
        if lost:
            why = f"no place is known for {', '.join(lost)}"
        raise CheckpointError(
            f"{expected.kind} was trained with {', '.join(absent)}, which the study has not, and {why}: "
            "rename the channels of the study to those of the checkpoint, or save it with positions"
        )
    used = known if absent else list(ch_names)

    def infos(names):
        locs = [places.get(name.lower()) for name in names]
        pairs = zip(names, locs, strict=True)
        return [{"ch_name": name, "kind": "eeg", "loc": loc} for name, loc in pairs]

    with warnings.catch_warnings(), mne.use_log_level("ERROR"):
        warnings.filterwarnings("ignore", r"Only \d+ head|\(X, Y\) fit", RuntimeWarning)
        layer = ChannelInterpolationLayer(
            infos(used), infos(expected.channels), mode="name_match"
        )
    matrix = np.zeros((len(expected.channels), len(ch_names)))
    matrix[:, [list(ch_names).index(name) for name in used]] = layer.matrix.numpy()
    wanted = {name.lower() for name in expected.channels}
    left = [] if absent else [name for name in ch_names if name.lower() not in wanted]
    by_name = [name for name in expected.channels if name not in absent]
    steps = {"by name": by_name, "by position": absent, "not used": left}
    return matrix, steps


@functools.cache
def _standard_places():
    """Places of electrodes by name in small letters, in m: the HydroCel net and the 10-05 system."""
    places = {}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Montage name", FutureWarning)
        for title in ("GSN-HydroCel-129", "standard_1005"):
            montage = mne.channels.make_standard_montage(title)
            for name, place in montage.get_positions()["ch_pos"].items():
                places[name.lower()] = place
    return places


def channel_infos(names):
    """Electrodes as Braindecode saves them with a model: name, kind and standard place in m.

    Parameters
    ----------
    names : sequence of str
        Electrodes; those without a standard place get none.

    Returns
    -------
    list of dict
        For the argument ``chs_info`` of a model.
    """
    places, infos = _standard_places(), []
    for name in names:
        infos.append({"ch_name": name, "kind": "eeg"})
        if name.lower() in places:
            infos[-1]["loc"] = np.asarray(places[name.lower()], float)
    return infos


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
