"""A network that predicts a score per person: its people, its training, its answer per person."""

from typing import NamedTuple

import torch
from sklearn.model_selection import train_test_split

import _study
from _model.training import make_optimizer, shuffled_batches, train
from _score.scores import per_subject
from _score.splits import assert_no_leakage
from _study.catalogue import PLACES

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


class Sides(NamedTuple):
    """People of a study with a score, split in two, and the same people without an effect.

    Attributes
    ----------
    train, test : _study.Study
        Windows of both sides of the split.
    null_train, null_test : _study.Study
        The same people where the score leaves no trace.
    report : dict
        What :func:`_score.splits.assert_no_leakage` counted.
    """

    train: _study.Study
    test: _study.Study
    null_train: _study.Study
    null_test: _study.Study
    report: dict


def open_pfactor(name):
    """Open everybody who has a score, split by people, and the null of the study.

    Parameters
    ----------
    name : str
        A study, see :func:`_study.find_study`. Its recipe says which column is the score and
        how many people are held out.

    Returns
    -------
    Sides
        Training and test people.
    """
    recipe = _study.get_recipe(name)
    study = _study.find_study(name, column=recipe.subject_target, on_missing="drop")
    sides = train_test_split(
        study.people.index, test_size=recipe.n_hold_out, random_state=0
    )
    train_side, test_side = (study.open(side) for side in sides)
    null = study.without_effect()
    null_train, null_test = (null.open(side) for side in sides)
    report = assert_no_leakage(train_side.metadata, test_side.metadata)
    return Sides(train_side, test_side, null_train, null_test, report)


def with_places(ch_names):
    """Channel names, those of the HydroCel cap with the usual name behind them: ``"E62 Pz"``."""
    places = [PLACES.get(name, name) for name in ch_names]
    both = zip(ch_names, places, strict=True)
    return [name if place == name else f"{name} {place}" for name, place in both]


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
    """Mean over the windows of each person.

    Parameters
    ----------
    study : _study.Study
        Whose windows.
    values : array-like, shape (n_windows,) or (n_windows, n_features)
        One value or one row per window.

    Returns
    -------
    ndarray, shape (n_subjects,) or (n_subjects, n_features)
        People in sorted order.
    """
    return per_subject(values, study.metadata["subject"])


def score_scale(study):
    """Mean and deviation of the score over the people of a study."""
    scores = of_people(study, study.targets)
    return scores.mean(), scores.std()


def squared_error(output, target):
    """Mean squared error of a network with one output.

    Parameters
    ----------
    output : torch.Tensor, shape (n_windows, 1)
        What the network says.
    target : torch.Tensor, shape (n_windows,)
        What it should say.

    Returns
    -------
    torch.Tensor
        One number.
    """
    return torch.nn.functional.mse_loss(output.squeeze(-1), target)


def train_network(model, study, *, n_epochs=N_EPOCHS, lr=2e-3, seed=0):
    """Train in place for a fixed time, on the score z-scored over training people.

    Parameters
    ----------
    model : torch.nn.Module
        A Braindecode model with one output.
    study : _study.Study
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
    mean, sd = score_scale(study)
    X = zscored(study, next(model.parameters()).device)
    y = torch.tensor((study.targets - mean) / sd, device=X.device)
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
    outputs = model.eval()(zscored(study, next(model.parameters()).device))
    return of_people(study, outputs.squeeze(-1).cpu().numpy()) * sd + mean
