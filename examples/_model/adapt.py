"""Build, pretrain and adapt a network, for the pages that do not teach it."""

import torch

from _model.encoder import (
    EncoderError,
    hold_frozen,
    load_encoder,
    precompute_frozen,
)
from _model.training import make_optimizer, shuffled_batches, train
from _regimes import REGIMES


def build_model(*, n_chans, n_times, n_outputs, sfreq, seed, device="cpu", **settings):
    """A fresh :class:`~braindecode.models.ShallowFBCSPNet`; one seed, one start.

    Parameters
    ----------
    n_chans, n_times, n_outputs : int
        Channels, samples of a window, classes.
    sfreq : float
        Sampling frequency in Hz.
    seed : int
        Of the weights.
    device : torch.device or str
        Where it goes.
    **settings
        Whatever else the network takes.

    Returns
    -------
    torch.nn.Module
        The network.
    """
    from braindecode.models import ShallowFBCSPNet  # after _study, which calms its import

    torch.manual_seed(seed)
    model = ShallowFBCSPNet(
        n_chans=n_chans, n_times=n_times, n_outputs=n_outputs, sfreq=sfreq, **settings
    )
    return model.to(device)


def train_layers(
    model, X, y, learns, *, lr, n_steps, batch_size=16, seed=0, watch=None, store=True
):
    """Train the layers that are named, in place; all others stand still, in evaluation mode.

    Parameters
    ----------
    model : torch.nn.Module
        A network.
    X : torch.Tensor, shape (n_windows, n_chans, n_times)
        Windows, or an object that reads them, see :func:`_model.training.shuffled_batches`.
    y : torch.Tensor, shape (n_windows,)
        Labels.
    learns : tuple of str
        Beginnings of names of parameters.
    lr : float
        Learning rate.
    n_steps, batch_size, seed : int
        Of the batches, see :func:`_model.training.shuffled_batches`.
    watch : callable or None
        See :func:`_model.training.train`.
    store : bool
        Run what is frozen once and keep its output. False where not all windows fit into memory:
        it then runs in each step.

    Raises
    ------
    _model.encoder.EncoderError
        If no parameter has a name that begins so.
    """
    _refuse_absent(model, learns)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith(learns)
    if store:
        learner, X = precompute_frozen(model, X)
    else:
        hold_frozen(model)
        learner = model
    batches = shuffled_batches(X, y, n_steps=n_steps, batch_size=batch_size, seed=seed)
    train(learner, batches, make_optimizer(learner, lr), watch=watch)


def _refuse_absent(model, learns):
    """A beginning that fits no name would leave a layer out in silence."""
    names = [name for name, _ in model.named_parameters()]
    absent = [start for start in learns if not any(n.startswith(start) for n in names)]
    if absent:
        layers = sorted({name.split(".")[0] for name in names})
        raise EncoderError(
            f"no parameter of {type(model).__name__} begins with {', '.join(absent)}: its layers are "
            f"{', '.join(layers)}"
        )


def pretrain(build, X, y, *, n_steps, batch_size=64, lr=2e-3, seed=0, store=True):
    """A network of which everything was trained, from random weights.

    Parameters
    ----------
    build : callable
        ``build(seed=seed)`` makes the network.
    X, y : torch.Tensor
        Windows and labels of source people, see :func:`train_layers`.
    n_steps, batch_size : int
        Batches, and windows in each.
    lr : float
        Learning rate.
    seed : int
        Of the weights and of the order of the windows.
    store : bool
        See :func:`train_layers`.

    Returns
    -------
    torch.nn.Module
        The network, head included.
    """
    model = build(seed=seed)
    steps = {"n_steps": n_steps, "batch_size": batch_size, "seed": seed}
    train_layers(model, X, y, ("",), lr=lr, store=store, **steps)
    return model


def adapt(
    build, X, y, regime, *, encoder, seed, n_steps, lr=None, batch_size=16, store=True
):
    """One regime, from one initialisation, on a few labelled people.

    Parameters
    ----------
    build : callable
        ``build(seed=seed)`` makes a fresh network.
    X, y : torch.Tensor
        Windows and labels, see :func:`train_layers`.
    regime : str
        A key of :data:`_regimes.REGIMES`.
    encoder : dict of str to torch.Tensor or None
        What :func:`_model.encoder.encoder_state` returned. A regime that starts from random
        weights does not take it; None starts every regime from them.
    seed : int
        Of the head, of weights that start at random, and of the order of the windows.
    n_steps, batch_size : int
        Batches, and windows in each.
    lr : float, optional
        Instead of that of the regime.
    store : bool
        See :func:`train_layers`.

    Returns
    -------
    torch.nn.Module
        The trained network.

    Raises
    ------
    _model.encoder.EncoderError
        If the encoder is of another network, or the regime is none of the table.
    """
    if regime not in REGIMES:
        raise EncoderError(
            f"no regime is called {regime!r}: there are {', '.join(REGIMES)}"
        )
    chosen = REGIMES[regime]
    model = build(seed=seed)
    if encoder is not None and chosen.starts_from == "pretrained":
        load_encoder(model, encoder)
    steps = {"n_steps": n_steps, "batch_size": batch_size, "seed": seed}
    train_layers(model, X, y, chosen.learns, lr=lr or chosen.lr, store=store, **steps)
    return model
