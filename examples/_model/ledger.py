"""All that a model holds: sizes, what may learn, and fingerprints of parameters and buffers."""

import hashlib

import pandas as pd
import torch

from _runtime import TutorialError


class ModelError(TutorialError, RuntimeError):
    """A model cannot be looked at, or does not fit; the message says why."""


def tensors(model, only=None):
    """Parameters and buffers by name, those that are not saved last.

    Parameters
    ----------
    model : torch.nn.Module
        A network.
    only : callable or None
        Takes a name; which of them to return.

    Returns
    -------
    dict of str to torch.Tensor
        The tensors themselves, no copies.

    Raises
    ------
    ModelError
        If one of them has no shape yet.
    """
    held = {k: v for k, v in model.state_dict().items() if torch.is_tensor(v)}
    held |= {k: v for k, v in model.named_buffers() if k not in held}
    if only is not None:
        held = {name: value for name, value in held.items() if only(name)}
    lazy = [name for name, value in held.items() if torch.nn.parameter.is_lazy(value)]
    if lazy:
        raise ModelError(
            f"{type(model).__name__} has parameters without a shape ({', '.join(lazy)}): run it "
            "once on a window, then ask again"
        )
    return held


def other_shapes(expected, given):
    """Tensors by which two models differ: that are missing, too many, or of another shape.

    Parameters
    ----------
    expected, given : dict of str to tuple of int
        Shapes by name.

    Returns
    -------
    missing, unknown, reshaped : list of str
        Names; those of another shape with both.
    """
    missing = [name for name in expected if name not in given]
    unknown = [name for name in given if name not in expected]
    reshaped = [
        f"{name} {given[name]}, not {shape}"
        for name, shape in expected.items()
        if name in given and given[name] != shape
    ]
    return missing, unknown, reshaped


def shapes_of(state):
    """Shape of each tensor of a state, as a tuple of int."""
    return {name: tuple(value.shape) for name, value in state.items()}


def _bytes(value):
    value = value.detach().cpu().contiguous().reshape(-1)
    return value.view(torch.uint8).numpy().tobytes()


def _sha256(value):
    return hashlib.sha256(_bytes(value)).hexdigest()


def count_parameters(model):
    """Numbers of frozen, trainable and all parameters, as a tuple of int."""
    tensors(model)  # none without a shape
    sizes = [(p.numel(), p.requires_grad) for p in model.parameters()]
    frozen = sum(size for size, learns in sizes if not learns)
    trainable = sum(size for size, learns in sizes if learns)
    return frozen, trainable, sum(size for size, _ in sizes)


def fingerprints(model):
    """SHA-256 of every parameter and buffer by name, as hexadecimal digits."""
    return {name: _sha256(value) for name, value in tensors(model).items()}


def fingerprint(model):
    """SHA-256 over every saved parameter and buffer: equal only if each bit is.

    Parameters
    ----------
    model : torch.nn.Module
        A network.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    saved = model.state_dict()
    digest = hashlib.sha256()
    for name, value in tensors(model, only=lambda name: name in saved).items():
        digest.update(name.encode())
        digest.update(_bytes(value))
    return digest.hexdigest()


def ledger(model, optimizer=None):
    """Size, permission to learn, optimiser group and fingerprint of all that a model holds.

    Parameters
    ----------
    model : torch.nn.Module
        A network.
    optimizer : torch.optim.Optimizer or None
        What moves its parameters.

    Returns
    -------
    pandas.DataFrame
        One row per parameter or buffer: ``count``; ``learns``, which is ``"buffer"`` for a
        buffer; ``group`` of the optimiser, ``"-"`` for none; ``sha256``, eight digits.
    """
    parameters = dict(model.named_parameters(remove_duplicate=False))
    groups = optimizer.param_groups if optimizer else []
    group = {id(p): i for i, entry in enumerate(groups) for p in entry["params"]}
    held = tensors(model)
    return pd.DataFrame(
        {
            "count": value.numel(),
            "learns": parameters[name].requires_grad if name in parameters else "buffer",
            "group": group.get(id(parameters.get(name)), "-"),
            "sha256": _sha256(value)[:8],
        }
        for name, value in held.items()
    ).set_index(pd.Index(held, name="name"))
