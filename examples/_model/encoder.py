"""Head and encoder of any Braindecode model: find, load, freeze, run once.

The head is what depends on the number of outputs. Everything else is the encoder.
"""

import contextlib
from typing import NamedTuple

import numpy as np
import torch

from _model.ledger import ModelError, other_shapes, shapes_of, tensors

#: Names below which the head is, where ``final_layer`` is not the answer. Features are what goes
#: into the first of them.
HEADS = {
    "BDTCN": ("base_tcn.final_layer",),
    "DANCE": ("final_layer", "decoder.class_head"),
    "MSVTNet": ("final_layer", "branch_head"),
    "SSTDPN": ("proto_sep", "proto_cpt"),
    "VEMG2Pose": ("final_layer", "decoder"),
}


class EncoderError(ModelError):
    """A model has no head that can be found, or an encoder does not fit it."""


class Loaded(NamedTuple):
    """How many tensors of an encoder a model holds now, and how many of them it had to change.

    A model that holds the same numbers by chance (batch normalisation starts at 0 and 1
    everywhere) proves nothing about loading; those that changed do.
    """

    n: int
    of: int
    changed: int

    def __str__(self):
        return f"{self.n} of {self.of} tensors loaded, {self.changed} were different before"


def head_names(model):
    """Names below which the head of a model is.

    Parameters
    ----------
    model : torch.nn.Module
        A Braindecode model, or one whose head is called ``final_layer``.

    Returns
    -------
    tuple of str
        Names of modules or parameters.

    Raises
    ------
    EncoderError
        If no parameter stands below one of them: the model has no head, or it is elsewhere.
    """
    kind = type(model).__name__
    heads = HEADS.get(kind, ("final_layer",))
    names = [name for name, _ in model.named_parameters()]
    empty = [head for head in heads if not any(_below(name, (head,)) for name in names)]
    if empty:
        raise EncoderError(
            f"{kind} has no parameter below {', '.join(empty)}: it has no head, or the head has "
            "another name, which belongs into HEADS"
        )
    return heads


def is_head(name, model):
    """Say whether a parameter, buffer or module belongs to the head.

    Parameters
    ----------
    name : str
        Its name in the model.
    model : torch.nn.Module
        A Braindecode model.

    Returns
    -------
    bool
        True for what stands below one of :func:`head_names`.
    """
    return _below(name, head_names(model))


def _below(name, heads):
    return any(name == head or name.startswith(f"{head}.") for head in heads)


def encoder_state(model):
    """State of everything but the head.

    Parameters
    ----------
    model : torch.nn.Module
        A Braindecode model.

    Returns
    -------
    dict of str to torch.Tensor
        Copies, so that the model may go on learning.
    """
    heads, saved = head_names(model), model.state_dict()
    encoder = tensors(model, only=lambda name: name in saved and not _below(name, heads))
    return {name: value.clone() for name, value in encoder.items()}


def load_encoder(model, state):
    """Put an encoder under the head of a model, in place.

    Parameters
    ----------
    model : torch.nn.Module
        A Braindecode model, with any head.
    state : dict of str to torch.Tensor
        What :func:`encoder_state` returned.

    Returns
    -------
    Loaded
        Counts of tensors.

    Raises
    ------
    EncoderError
        If anything but the head is missing, something is left over, or a shape differs. The
        model is left as it was.
    """
    before = encoder_state(model)
    wrong = zip(
        ("missing", "left over", "of another shape"),
        other_shapes(shapes_of(before), shapes_of(state)),
        strict=True,
    )
    reasons = [f"{what}: {', '.join(names)}" for what, names in wrong if names]
    if reasons:
        raise EncoderError(f"the encoder does not fit this model: {'; '.join(reasons)}")
    model.load_state_dict(state, strict=False)
    after = encoder_state(model)
    held = [torch.equal(v, state[name].to(v)) for name, v in after.items()]
    changed = [not torch.equal(v, before[name]) for name, v in after.items()]
    if not all(held):
        names = ", ".join(np.array(list(after))[~np.array(held)])
        raise EncoderError(f"the encoder does not fit this model: not loaded: {names}")
    return Loaded(sum(held), len(held), sum(changed))


def freeze_encoder(model):
    """Let nothing but the head learn, and nothing but the head be in training mode, in place.

    Parameters
    ----------
    model : torch.nn.Module
        A Braindecode model. ``train()`` may be called on it: before each forward pass the
        encoder is put into evaluation mode again, so neither running statistics nor dropout
        move. This ends when a parameter of the encoder may learn again.
    """
    heads = head_names(model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = _below(name, heads)
    hold_frozen(model)


def hold_frozen(model):
    """Put what is frozen into evaluation mode before each forward pass, from now on.

    What is frozen is looked up each time, so it may change. It is what
    :func:`precompute_frozen` would run once; use this where windows are read or altered in each
    step.

    Parameters
    ----------
    model : torch.nn.Module
        A Braindecode model, some of whose parameters have ``requires_grad = False``.
    """
    model.register_forward_pre_hook(_hold_still)


def _hold_still(model, _):
    if _is_a_chain(model):
        frozen, _ = split_chain(model)
        frozen.eval()
    elif only_head_learns(model):
        heads = head_names(model)
        for name, module in model.named_modules():
            if not _below(name, heads):
                module.training = False


class _Reached(Exception):
    """The head is reached: what goes into it is known, and need not go through it."""


class _HeadWith(torch.nn.Module):
    """A head that is told more than its features, such as the number of channels."""

    def __init__(self, head, more):
        super().__init__()
        self.head, self.more = head, more

    def forward(self, X):
        return self.head(X, *self.more)


def features_at_head(model, *inputs):
    """The head, and each input as the head sees it. The encoder runs once, in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        A Braindecode model; in evaluation mode afterwards.
    *inputs : torch.Tensor, shape (n_windows, n_chans, n_times)
        Windows.

    Returns
    -------
    tuple of torch.nn.Module and torch.Tensor
        The head, whose weights are those of the model, and features per input.

    Raises
    ------
    EncoderError
        If the head is no module, is not called, or is told what depends on the batch.
    """
    tensors(model)  # none without a shape
    kind, where = type(model).__name__, head_names(model)[0]
    head = dict(model.named_modules()).get(where)
    if head is None:
        raise EncoderError(f"the head of {kind}, {where}, is no module: it has no features")
    seen = []

    def stop(_, args):
        seen.append(args)
        raise _Reached

    hook = head.register_forward_pre_hook(stop)
    try:
        for X in inputs:
            with contextlib.suppress(_Reached), torch.no_grad():
                model.eval()(X)
                raise EncoderError(f"{kind} never calls its head, {where}, as a whole")
    finally:
        hook.remove()
    more = seen[0][1:]
    if any(map(torch.is_tensor, more)) or any(args[1:] != more for args in seen):
        raise EncoderError(
            f"the head of {kind}, {where}, is told what depends on the batch"
        )
    head = _HeadWith(head, more) if more else head
    return head, *(args[0] for args in seen)


def only_head_learns(model):
    """Say whether no parameter outside the head may learn."""
    heads = head_names(model)
    learning = [name for name, p in model.named_parameters() if p.requires_grad]
    return all(_below(name, heads) for name in learning)


def _is_a_chain(model):
    """Say whether the layers of a model are called one after the other, and nothing else is."""
    return type(model).forward is torch.nn.Sequential.forward


def split_chain(model):
    """Split a model whose layers follow each other in front of the first layer that learns.

    Parameters
    ----------
    model : torch.nn.Sequential
        Such as :class:`~braindecode.models.ShallowFBCSPNet`.

    Returns
    -------
    frozen, learner : torch.nn.Sequential
        The layers themselves, not copies; either part may be empty.
    """
    layers = list(model)
    learns = [any(p.requires_grad for p in layer.parameters()) for layer in layers]
    first = learns.index(True) if True in learns else len(layers)
    return torch.nn.Sequential(*layers[:first]), torch.nn.Sequential(*layers[first:])


def run_frozen(frozen, X):
    """Output of frozen layers: in evaluation mode, so that it is the same in each step.

    Parameters
    ----------
    frozen : torch.nn.Module
        Layers; in evaluation mode afterwards.
    X : torch.Tensor, shape (n_windows, n_chans, n_times)
        Windows.

    Returns
    -------
    torch.Tensor, shape (n_windows, ...)
        Without gradients.
    """
    with torch.no_grad():
        return frozen.eval()(X)


def channels_last(X):
    """The same images in the memory layout in which a CPU convolves faster; others as they are."""
    return X.contiguous(memory_format=torch.channels_last) if X.dim() == 4 else X


def precompute_frozen(model, *inputs):
    """What has to be trained, and its inputs: the output of what is frozen, which runs once.

    Parameters
    ----------
    model : torch.nn.Module
        A Braindecode model.
    *inputs : torch.Tensor, shape (n_windows, n_chans, n_times)
        Windows.

    Returns
    -------
    learner : torch.nn.Module
        Part of the model, whose weights it shares. Where layers follow each other, those from
        the first one that learns (:func:`split_chain`); in any other model the head, if nothing
        else learns, or else the whole model.
    *features : torch.Tensor
        Each input as the learner takes it.
    """
    if _is_a_chain(model):
        frozen, learner = split_chain(model)
        features = [run_frozen(frozen, X) for X in inputs]
    elif only_head_learns(model):
        learner, *features = features_at_head(model, *inputs)
    else:
        learner, features = model, inputs
    return learner, *map(channels_last, features)
