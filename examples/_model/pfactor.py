"""A network that predicts a score per person: its windows, its training, its answer per person."""

import torch

from _model.training import make_optimizer, shuffled_batches
from _score.scores import per_subject

#: A small :class:`~braindecode.models.EEGConformer`: enough for a page on one thread.
CONFORMER = {
    "num_layers": 1,
    "num_heads": 4,
    "n_filters_time": 16,
    "drop_prob": 0.25,
    "att_drop_prob": 0.25,
}
#: Passes over the training windows.
N_EPOCHS = 6
#: Usual names of electrodes of the HydroCel cap.
PLACES = {
    "E11": "Fz",
    "E36": "C3",
    "E52": "P3",
    "E62": "Pz",
    "E75": "Oz",
    "E92": "P4",
    "E104": "C4",
}


def with_places(ch_names):
    """Channel names, those of the HydroCel cap with the usual name behind them: ``"E62 Pz"``."""
    return [f"{name} {PLACES.get(name, '')}".strip() for name in ch_names]


def shape_of(study):
    """What a Braindecode model has to know of a study's windows."""
    _, n_chans, n_times = study.windows.shape
    return {"n_chans": n_chans, "n_times": n_times, "sfreq": study.sfreq}


def zscored(study, device="cpu"):
    """Windows as the network takes them.

    Parameters
    ----------
    study : _study.Study
        Windows and metadata.
    device : torch.device or str
        Where they go.

    Returns
    -------
    torch.Tensor, shape (n_windows, n_chans, n_times)
        Each channel of each window minus its own mean, divided by its own deviation.
    """
    X = torch.tensor(study.windows, device=device)
    return (X - X.mean(dim=-1, keepdim=True)) / X.std(dim=-1, keepdim=True)


def of_people(study, values):
    """Mean of values of windows over the windows of each person of a study."""
    return per_subject(values, study.metadata["subject"])


def score_scale(train):
    """Mean and deviation of the score over the people of a study."""
    scores = of_people(train, train.targets)
    return scores.mean(), scores.std()


def squared_error(output, target):
    """Mean squared error of a network with one output: (n, 1) against (n,)."""
    return torch.nn.functional.mse_loss(output.squeeze(-1), target)


def fit_network(model, train, *, n_epochs=N_EPOCHS, lr=2e-3, seed=0):
    """Train in place for a fixed time, on the score z-scored over training people.

    Parameters
    ----------
    model : torch.nn.Module
        A Braindecode model with one output.
    train : _study.Study
        Training people only.
    n_epochs : int
        Passes over its windows, in batches of 32.
    lr : float
        Peak of :class:`torch.optim.lr_scheduler.OneCycleLR`.
    seed : int
        Seed of the order of the windows.

    Returns
    -------
    torch.nn.Module
        The model.
    """
    mean, sd = score_scale(train)
    X = zscored(train, next(model.parameters()).device)
    y = torch.tensor((train.targets - mean) / sd, device=X.device)
    n_steps = n_epochs * len(X) // 32
    optimizer = make_optimizer(model, lr, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=n_steps)
    batches = shuffled_batches(X, y, n_steps=n_steps, batch_size=32, seed=seed)
    train(model, batches, optimizer, squared_error, lambda step: schedule.step())
    return model


@torch.no_grad()
def predict_people(model, study, scale):
    """Mean over a person's windows, in the unit of the score.

    Parameters
    ----------
    model : torch.nn.Module
        A trained network; in evaluation mode afterwards.
    study : _study.Study
        People.
    scale : tuple of float
        :func:`score_scale` of the people it was trained on.

    Returns
    -------
    ndarray, shape (n_subjects,)
        People in sorted order.
    """
    mean, sd = scale
    said = model.eval()(zscored(study, next(model.parameters()).device))
    return (
        per_subject(said.squeeze(-1).cpu().numpy(), study.metadata["subject"]) * sd + mean
    )
