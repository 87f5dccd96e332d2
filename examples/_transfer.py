"""Training and transfer in a few functions. The fine-tuning page writes them out and explains them."""

import torch


def is_head(name):
    """Does a parameter or buffer belong to the last layer?"""
    return name.startswith("final_layer")


def encoder_of(model):
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
    return {k: v.clone() for k, v in model.state_dict().items() if not is_head(k)}


def load_encoder(model, encoder):
    """Put an encoder under the head of a model, in place.

    Parameters
    ----------
    model : torch.nn.Module
        A Braindecode model.
    encoder : dict of str to torch.Tensor
        What :func:`encoder_of` returned.

    Returns
    -------
    torch.nn.Module
        ``model``.

    Raises
    ------
    RuntimeError
        If anything but the head is missing, or something is left over.
    """
    loaded = model.load_state_dict(encoder, strict=False)
    if loaded.unexpected_keys or not all(map(is_head, loaded.missing_keys)):
        raise RuntimeError(f"the encoder does not fit this model: {loaded}")
    return model


def freeze_encoder(model):
    """Let nothing but the head learn, in place; return ``model``."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad = is_head(name)
    return model


def fit(model, X, y, *, lr, n_steps, batch_size=16, seed=0):
    """Train what may learn for a number of steps; layers in front of it run once and stay.

    Parameters
    ----------
    model : torch.nn.Module
        A Braindecode model whose layers follow each other. Trained in place.
    X : torch.Tensor, shape (n_windows, n_chans, n_times)
        Windows.
    y : torch.Tensor of int, shape (n_windows,)
        Labels.
    lr : float
        Learning rate of :class:`torch.optim.AdamW`.
    n_steps, batch_size : int
        Steps, and windows in each.
    seed : int
        Seed of the order of the windows and of dropout.

    Returns
    -------
    torch.nn.Module
        ``model``, in evaluation mode.
    """
    layers = list(model.children())
    learns = [any(p.requires_grad for p in layer.parameters()) for layer in layers]
    first = learns.index(True)
    with torch.no_grad():
        X = torch.nn.Sequential(*layers[:first]).eval()(X)
    # In this memory layout a CPU convolves faster.
    X = X.contiguous(memory_format=torch.channels_last)
    learner = torch.nn.Sequential(*layers[first:])
    order = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    learning = [p for p in learner.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=lr, weight_decay=1e-4)
    deck = torch.empty(0, dtype=torch.long)
    for _ in range(n_steps):
        if len(deck) < batch_size:
            deck = torch.cat([deck, torch.randperm(len(X), generator=order)])
        batch, deck = deck[:batch_size].to(X.device), deck[batch_size:]
        learner.train()
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(learner(X[batch]), y[batch]).backward()
        optimizer.step()
    return model.eval()
