"""Models of Braindecode with random weights: what moves, what fits, and what is accepted in silence."""

import contextlib
import copy
import io
import warnings

import pandas as pd
import torch
from braindecode.models.util import (
    _get_signal_params,
    models_dict,
    models_mandatory_parameters,
)

import _model.encoder
from _model.ledger import fingerprints

#: Take half a second or more to build and run once, or fetch a file (REVE).
SLOW = (
    "BENDR", "BrainModule", "CodeBrain", "DANCE", "EEGInceptionMI", "EEGPT", "EMG2QwertyNet",
    "Labram", "MetaNeuromotorHand", "NeuroPose", "REVE", "STEEGFormer", "VEMG2Pose", "ZUNA",
)  # fmt: skip


def arguments(name):
    """What a model is built with, of the size its own tests use, and the shape of its windows.

    Parameters
    ----------
    name : str
        A key of :data:`braindecode.models.util.models_dict`.

    Returns
    -------
    tuple of dict
        Arguments of the constructor, and ``n_chans``, ``n_times`` and ``sfreq`` in Hz.
    """
    needed, signal = next(row[1:] for row in models_mandatory_parameters if row[0] == name)
    every = _get_signal_params(signal)
    shape = {key: every[key] for key in ("n_chans", "n_times", "sfreq")}
    return _get_signal_params(signal, needed), shape


def build(name, seed=0):
    """A model and random windows for it.

    Parameters
    ----------
    name : str
        A key of :data:`braindecode.models.util.models_dict`.
    seed : int
        Of weights and windows.

    Returns
    -------
    tuple of torch.nn.Module and torch.Tensor, shape (2, n_chans, n_times)
        Both.
    """
    how, shape = arguments(name)
    torch.manual_seed(seed)
    model = models_dict[name](**how)
    return model, torch.randn(2, shape["n_chans"], shape["n_times"])


def try_models(skip=SLOW):
    """Freeze every parameter of each model, and run one batch in training mode.

    Parameters
    ----------
    skip : sequence of str
        Models to leave out.

    Returns
    -------
    pandas.DataFrame
        One row per model: ``foundation``, does its documentation call it a foundation model;
        ``state moves``, does a parameter or buffer change; ``output differs``, does the model
        say something else than in evaluation mode.
    """
    rows = {}
    for name in sorted(set(models_dict) - set(skip)):
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            model, X = build(name)
            calm = model.eval()(X)  # also gives lazy layers their shapes
            model.requires_grad_(False)
            before = fingerprints(model)
            said = model.train()(X)
        rows[name] = {
            "foundation": "Foundation" in (models_dict[name].__doc__ or ""),
            "state moves": fingerprints(model) != before,
            "output differs": not _same(calm, said),
        }
    return pd.DataFrame(rows).T.astype(bool)


def _same(one, other):
    if torch.is_tensor(one):
        return torch.equal(one, other)
    values = one.values() if isinstance(one, dict) else one
    others = other.values() if isinstance(other, dict) else other
    return all(map(_same, values, others))


def reason(err):
    """What went wrong, short and the same on every machine."""
    said = (str(err).strip().splitlines() or [""])[0]
    fetches = isinstance(err, OSError) or "http" in said
    return f"{type(err).__name__}: {'fetches a file' if fetches else said}"[:160]


def attempt(do):
    """What a call gives and the warnings it spoke, or the error: value, warnings, error."""
    with (
        warnings.catch_warnings(record=True) as spoken,
        contextlib.redirect_stdout(io.StringIO()),
    ):
        warnings.simplefilter("always")
        try:
            value, err = do(), None
        except Exception as caught:  # a model may refuse in any way
            value, err = None, caught
    return value, {str(one.message) for one in spoken}, err


def _shapes(make, X, **changed):
    """Shape of every entry of the state, after one look at a window where layers are lazy."""
    model = make(**changed)
    if any(map(torch.nn.parameter.is_lazy, model.state_dict().values())):
        with torch.no_grad():
            model.eval()(X)
    held = model.state_dict().items()
    return {name: tuple(v.shape) for name, v in held if hasattr(v, "shape")}


def _compare_shapes(before, find, heads):
    """Which weights survive a change of the data: in words."""
    after, _, err = attempt(find)
    if err:
        return f"refused: {reason(err)}"
    lost = {name for name in before.keys() | after if before.get(name) != after.get(name)}
    if not lost:
        return "all weights fit"
    below = [any(f"{n}.".startswith(f"{head}.") for head in heads) for n in lost]
    return (
        "all but the head"
        if heads and all(below)
        else f"{len(lost)} of {len(before)} do not fit"
    )


def _adapted(model, X):
    """Does the encoder keep every bit while `_model.encoder` trains the head on it?"""
    _model.encoder.freeze_encoder(model)
    before = fingerprints(model)
    learns = [p for p in model.parameters() if p.requires_grad]
    for _ in range(2):
        model.zero_grad()
        sum(t.float().square().mean() for t in _flat(model.train()(X))).backward()
        with torch.no_grad():  # an optimiser of torch would import its compiler first
            for p in learns:
                p -= 0.1 * (0 if p.grad is None else p.grad)
    moved = [name for name, bits in fingerprints(model).items() if bits != before[name]]
    return not [name for name in moved if not _model.encoder.is_head(name, model)]


def _reset(model, X):
    """Does ``reset_head`` follow a model that is no longer in single precision?"""
    if attempt(lambda: copy.deepcopy(model).reset_head(3))[2] is not None:
        return "none"
    double, X = copy.deepcopy(model).double(), X.double()
    with torch.no_grad():
        if attempt(lambda: double(X))[2] is not None:
            return "ok"  # it takes single precision only, with any head
        double.reset_head(3)
        return "breaks after .double()" if attempt(lambda: double(X))[2] else "ok"


def _flat(said):
    """Tensors that depend on weights, with their gradients."""
    if hasattr(said, "grad_fn"):
        return [said] if said.requires_grad else []
    values = said.values() if isinstance(said, dict) else said
    return [t for value in values for t in _flat(value)]


def measure(make, shape, **changes):
    """Look at one model.

    Parameters
    ----------
    make : callable
        Builds it, with arguments that replace its own.
    shape : dict
        ``n_chans``, ``n_times`` and ``sfreq`` in Hz of its windows.
    **changes : dict
        ``n_outputs``, ``n_chans``, ``n_times`` and ``sfreq`` -> arguments that change it.

    Returns
    -------
    dict
        What ``docs/zoo.json`` holds of a model; None stands where a question does not apply, and
        ``why`` says why.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    X, why = torch.randn(3, shape["n_chans"], shape["n_times"]), {}
    model, spoken, err = attempt(make)
    if err:
        return {"builds": reason(err)}
    lazy = sum(map(torch.nn.parameter.is_lazy, model.parameters()))
    with torch.no_grad():
        calm, spoken_first, err = attempt(lambda: model.eval()(X))
    if err:
        return {"builds": f"does not run: {reason(err)}"}
    spoken |= spoken_first
    found = {
        "builds": True,
        **shape,
        "n_params": sum(p.numel() for p in model.parameters()),
    }
    found |= {"n_lazy": lazy, "foundation": "Foundation" in (type(model).__doc__ or "")}

    def ask(name, do):
        value, _, err = attempt(do)
        if err:
            after = "does more after" in str(err) or "evaluation mode" in str(err)
            value, why[name] = False if after else None, reason(err)
        found[name] = value

    ask("probe_exact", lambda: _model.encoder.check_head(model, X) is None)
    ask("freeze_exact", lambda: _adapted(copy.deepcopy(model), X))
    frozen = copy.deepcopy(model).requires_grad_(False)
    before = fingerprints(frozen)
    said, _, err = attempt(lambda: frozen.train()(X))
    moved = [key for key, bits in fingerprints(frozen).items() if bits != before[key]]
    found |= {
        "moves_when_frozen": len(moved),
        "differs_in_train": err is None and not _same(calm, said),
    }
    state = _shapes(lambda: model, X)
    after, _, err = attempt(lambda: _shapes(make, X, **changes["n_outputs"]))
    heads = [n for n in state if after and state[n] != after.get(n)]
    found["head"] = sorted({n.rpartition(".")[0] or n for n in heads})
    for name, data in (
        ("n_chans", X[:, :-1]),
        ("n_times", X[..., : shape["n_times"] // 2]),
        ("sfreq", X),
    ):
        find = lambda name=name, data=data: _shapes(make, data, **changes[name])  # noqa: E731
        found[f"other_{name}"] = _compare_shapes(state, find, found["head"])
    found["reset_head"] = _reset(model, X)

    def mistake(do):
        with torch.no_grad():
            value, heard, err = attempt(do)
        if err or heard - spoken:
            return "error" if err else "warns"
        return "no effect" if torch.is_tensor(calm) and _same(value, calm) else "silent"

    wrong = {"one_channel_less": X[:, :-1], "half_window": X[..., : shape["n_times"] // 2]}
    wrong |= {"reversed_channels": X.flip(1), "volts": X * 1e-6}
    found["mistakes"] = {
        key: mistake(lambda data=data: model(data)) for key, data in wrong.items()
    }
    fits = found["other_sfreq"] == "all weights fit"
    rate = mistake(lambda: make(**changes["sfreq"])(X)) if fits else "error"
    found["mistakes"]["double_rate"] = "silent" if rate == "no effect" else rate
    return found | {"why": why}


def measure_model(name):
    """Measure a model of Braindecode by its name; :func:`measure` says what."""
    how, shape = arguments(name)

    def make(**changed):
        torch.manual_seed(0)
        return models_dict[name](**(how | changed))

    def change(**new):
        told = {key: value for key, value in new.items() if key in how}
        if "n_chans" in new and "chs_info" in how:
            told["chs_info"] = how["chs_info"][: new["n_chans"]]
        if "input_window_seconds" in how:
            after = shape | new
            told["input_window_seconds"] = after["n_times"] / after["sfreq"]
        return told or new

    changes = {"n_outputs": {"n_outputs": how.get("n_outputs", 2) + 1}}
    changes["n_chans"] = change(n_chans=shape["n_chans"] - 1)
    changes["n_times"] = change(n_times=shape["n_times"] // 2)
    changes["sfreq"] = change(sfreq=2 * shape["sfreq"])
    return measure(make, shape, **changes)
