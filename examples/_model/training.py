"""THE training loop, and windows as it takes them. The fine-tuning page writes the loop out."""

import torch


def normalise(windows):
    """Divide each window by its own standard deviation, averaged over channels.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_chans, n_times)
        Signals in any unit.

    Returns
    -------
    ndarray of the same shape
        No statistic is borrowed from another window, so nothing can leak.
    """
    return windows / windows.std(axis=-1, keepdims=True).mean(axis=1, keepdims=True)


def to_tensors(windows, targets, device="cpu"):
    """Normalised windows and their labels, of a study or of a batch of files.

    Parameters
    ----------
    windows : ndarray, shape (n_windows, n_chans, n_times)
        Signals.
    targets : ndarray, shape (n_windows,)
        Labels.
    device : torch.device or str
        Where they go.

    Returns
    -------
    X : torch.Tensor, shape (n_windows, n_chans, n_times)
        Each window divided by its own size, see :func:`normalise`.
    y : torch.Tensor, shape (n_windows,)
        Labels.
    """
    return (
        torch.tensor(normalise(windows), device=device),
        torch.tensor(targets, device=device),
    )


@torch.no_grad()
def evaluate(module, X, y):
    """Which windows are classified correctly.

    Parameters
    ----------
    module : torch.nn.Module
        A classifier; in evaluation mode afterwards.
    X, y : torch.Tensor
        Windows, or what the module takes in their place, and labels.

    Returns
    -------
    ndarray of bool, shape (n_windows,)
        True where the label was found.
    """
    module.eval()
    return (module(X).argmax(dim=1) == y).cpu().numpy()


def make_optimizer(module, lr, weight_decay=1e-4):
    """:class:`torch.optim.AdamW` for the parameters of a module that may learn.

    Parameters
    ----------
    module : torch.nn.Module
        Those with ``requires_grad = False`` are left out.
    lr, weight_decay : float
        Learning rate, and how strongly weights are drawn to zero.

    Returns
    -------
    torch.optim.AdamW
        With one group of parameters.
    """
    learning = [p for p in module.parameters() if p.requires_grad]
    return torch.optim.AdamW(learning, lr=lr, weight_decay=weight_decay)


def shuffled_batches(X, y, *, n_steps, batch_size=16, seed=0):
    """Batches of reshuffled windows.

    Parameters
    ----------
    X : torch.Tensor, shape (n_windows, ...)
        Windows, or what the module takes in their place. Anything that has a length and a
        device and gives the windows of a batch by their numbers will do.
    y : torch.Tensor, shape (n_windows,)
        Labels.
    n_steps, batch_size : int
        Batches, and windows in each. Windows that do not fill a batch are dealt with the next
        shuffle.
    seed : int
        Seed of the order of the windows, and of nothing else.

    Yields
    ------
    tuple of torch.Tensor
        Windows and labels of one batch.
    """
    order, deck = torch.Generator().manual_seed(seed), torch.empty(0, dtype=torch.long)
    for _ in range(n_steps):
        if len(deck) < batch_size:
            deck = torch.cat([deck, torch.randperm(len(X), generator=order)])
        batch, deck = deck[:batch_size].to(X.device), deck[batch_size:]
        yield X[batch], y[batch]


def train(module, batches, optimizer, loss=torch.nn.functional.cross_entropy, watch=None):
    """Train in place.

    Parameters
    ----------
    module : torch.nn.Module
        What is trained; in training mode in every step.
    batches : iterable of tuple of torch.Tensor
        Windows and labels, as :func:`shuffled_batches` gives them; each is one step.
    optimizer : torch.optim.Optimizer
        What :func:`make_optimizer` made for ``module``.
    loss : callable
        Takes outputs and labels of a batch.
    watch : callable or None
        Called after every step with its number, from 1: moves a schedule on, or looks at other
        windows.
    """
    for step, (X, y) in enumerate(batches, 1):
        module.train()
        optimizer.zero_grad()
        loss(module(X), y).backward()
        optimizer.step()
        if watch:
            watch(step)
