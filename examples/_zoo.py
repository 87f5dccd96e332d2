"""Models of Braindecode with random weights: what moves when every parameter is frozen."""

import contextlib
import io
import warnings

import pandas as pd
import torch
from braindecode.models.util import (
    _get_signal_params,
    models_dict,
    models_mandatory_parameters,
)

from _ledger import fingerprints

#: Take half a second or more to build and run once, or fetch a file (REVE).
SLOW = (
    "BENDR", "BrainModule", "CodeBrain", "DANCE", "EEGInceptionMI", "EEGPT", "EMG2QwertyNet",
    "Labram", "MetaNeuromotorHand", "NeuroPose", "REVE", "STEEGFormer", "VEMG2Pose", "ZUNA",
)  # fmt: skip


def build(name, seed=0):
    """A model of the size its own tests use, and random windows for it.

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
    needed, signal = next(row[1:] for row in models_mandatory_parameters if row[0] == name)
    torch.manual_seed(seed)
    model = models_dict[name](**_get_signal_params(signal, needed))
    shape = _get_signal_params(signal)
    return model, torch.randn(2, shape["n_chans"], shape["n_times"])


def look_at_models(skip=SLOW):
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
