"""Models of Braindecode with random weights: what moves in them although every parameter is frozen."""

import contextlib
import io
import warnings

import pandas as pd
import torch

from _model.ledger import fingerprints
from _runtime import quiet_imports

with quiet_imports():
    from braindecode.models.util import (
        _get_signal_params,
        models_dict,
        models_mandatory_parameters,
    )

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
    table = {row[0]: row[1:] for row in models_mandatory_parameters}
    needed, signal = table[name]
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
            output = model.eval()(X)  # also gives lazy layers their shapes
            model.requires_grad_(False)
            before = fingerprints(model)
            in_training = model.train()(X)
        rows[name] = {
            "foundation": "Foundation" in (models_dict[name].__doc__ or ""),
            "state moves": fingerprints(model) != before,
            "output differs": not equal_outputs(output, in_training),
        }
    return pd.DataFrame(rows).T.astype(bool)


def equal_outputs(one, other):
    """Are two outputs of a model the same, bit for bit?

    Parameters
    ----------
    one, other : torch.Tensor, or a dict or sequence of them
        What the model said.

    Returns
    -------
    bool
        True if every tensor is.
    """
    if torch.is_tensor(one):
        return torch.equal(one, other)
    values = one.values() if isinstance(one, dict) else one
    others = other.values() if isinstance(other, dict) else other
    return all(map(equal_outputs, values, others))
