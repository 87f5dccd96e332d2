"""The first steps of the fine-tuning page, for the pages after it: open, split, pretrain, adapt."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import _study
from _model.encoder import (
    encoder_state,
    features_at_head,
    load_encoder,
    precompute_frozen,
)
from _model.training import evaluate, make_optimizer, shuffled_batches, to_tensors, train
from _score.scores import expected_half_width, per_subject
from _score.splits import assert_no_leakage, nested_subjects, split_subjects

#: What learns in each regime: beginnings of names of parameters.
LEARNS = {
    "from-scratch": ("",),
    "linear-probe": ("final_layer",),
    "full-finetune": ("",),
}
#: The middle of the grid of the fine-tuning page: the same for both regimes that train everything.
LR = {"from-scratch": 3e-3, "linear-probe": 1e-2, "full-finetune": 3e-3}
SEEDS = (1, 2, 3)
#: Standard deviation of accuracies over people that is expected before anything is known.
SPREAD = 0.1


@dataclass
class Transfer:
    """A source and a target cohort, split by people.

    Attributes
    ----------
    source, target : _study.Study
        Windows of both cohorts.
    budget : _study.catalogue.Budget
        People and steps.
    data : dict of str to tuple of torch.Tensor
        Windows and labels of ``source``, ``train``, ``validation`` and ``test``, and of the
        nested groups of labelled people under their numbers.
    parts : dict of str or int to ndarray of int
        Rows of ``target`` behind each entry of ``data`` but the source.
    subjects : ndarray of str, shape (n_test_windows,)
        Whose window it is, for the test people.
    people : dict of str to int
        How many people each group has.
    overlap : int
        People on both sides of a split: 0.
    """

    source: _study.Study
    target: _study.Study
    budget: object
    data: dict
    parts: dict
    subjects: np.ndarray
    people: dict
    overlap: int

    @property
    def chance(self):
        """Accuracy of guessing; classes are balanced in every person."""
        return 1 / len(self.target.classes)


def open_transfer(name, device="cpu"):
    """Open both cohorts of a study, and split the target people as the fine-tuning page does.

    Parameters
    ----------
    name : str
        A study, see :func:`_study.find_study`.
    device : torch.device or str
        Where windows go.

    Returns
    -------
    Task
        It.
    """
    source = _study.open_study(name, cohort="source")
    like = {"classes": source.classes, "channels": source.ch_names}
    target = _study.open_study(name, cohort="target", **like)
    table = target.metadata
    budget = _study.get_budget(name, table["subject"].nunique())
    if budget.n_test < _study.get_recipe(name).budget.n_test:
        half = expected_half_width(budget.n_test, SPREAD)
        print(
            f"an interval over {budget.n_test} test people reaches about {half:.2f} to both sides "
            f"where accuracies of people spread by {SPREAD}: plot_78_a_new_person tests everybody"
        )
    sizes = {"test": budget.n_test, "validation": budget.n_validation}
    parts = split_subjects(table, sizes, rest="pool", seed=0)
    nested = nested_subjects(table, parts["pool"], budget.n_labelled_curve, seed=0)
    parts["train"] = nested[budget.n_labelled]
    rows = {part: table.iloc[index] for part, index in parts.items()}
    reports = [
        assert_no_leakage(source.metadata, table),
        assert_no_leakage(rows["pool"], rows["validation"]),
        assert_no_leakage(pd.concat([rows["pool"], rows["validation"]]), rows["test"]),
    ]
    X, y = to_tensors(target.windows, target.targets, device)
    groups = {**parts, **nested}
    data = {part: (X[index], y[index]) for part, index in groups.items()}
    data["source"] = to_tensors(source.windows, source.targets, device)
    subjects = rows["test"]["subject"].to_numpy()
    people = {part: own["subject"].nunique() for part, own in rows.items()}
    people["source"] = source.metadata["subject"].nunique()
    overlap = sum(report["overlap"] for report in reports)
    return Transfer(source, target, budget, data, groups, subjects, people, overlap)


def build_model(transfer, seed):
    """A fresh :class:`~braindecode.models.ShallowFBCSPNet`; one seed, one starting head."""
    from braindecode.models import ShallowFBCSPNet  # after _study, which calms its import

    torch.manual_seed(seed)
    X, _ = transfer.data["source"]
    model = ShallowFBCSPNet(
        n_chans=X.shape[1],
        n_outputs=len(transfer.target.classes),
        n_times=X.shape[2],
        sfreq=transfer.target.sfreq,
    )
    return model.to(X.device)


def pretrain(transfer, labels=None, seed=0):
    """A network trained on the source people.

    Parameters
    ----------
    task : Task
        Whose source people.
    labels : torch.Tensor, optional
        Instead of their own, e.g. shuffled ones.
    seed : int
        Of its weights.

    Returns
    -------
    torch.nn.Module
        It, head included.
    """
    X, y = transfer.data["source"]
    model, n_steps = build_model(transfer, seed), transfer.budget.pretrain_steps
    learner, X = precompute_frozen(model, X)
    batches = shuffled_batches(
        X, y if labels is None else labels, n_steps=n_steps, batch_size=64
    )
    train(learner, batches, make_optimizer(learner, 2e-3))
    return model


def adapt(transfer, regime, seed, encoder=None, *, train="train", lr=None, n_steps=None):
    """One regime, from one initialisation, on the labelled people.

    Parameters
    ----------
    task : Task
        Whose.
    regime : str
        A key of ``LEARNS``.
    seed : int
        Of the head, of weights that start at random, and of the order of the windows.
    encoder : dict of str to torch.Tensor, optional
        What :func:`_model.encoder.encoder_state` returned; None starts at random, and so does
        ``"from-scratch"``.
    train : str or int
        Key of ``Task.data``: ``"train"``, or a number of labelled people.
    lr : float, optional
        Instead of that of ``LR``.
    n_steps : int, optional
        Instead of that of the budget.

    Returns
    -------
    torch.nn.Module
        The trained network.
    """
    model = build_model(transfer, seed)
    if encoder is not None and regime != "from-scratch":
        load_encoder(model, encoder)
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith(LEARNS[regime])
    X, y = transfer.data[train]
    learner, X = precompute_frozen(model, X)
    batches = shuffled_batches(X, y, n_steps=n_steps or transfer.budget.n_steps, seed=seed)
    train(learner, batches, make_optimizer(learner, lr or LR[regime]))
    return model


def accuracy(transfer, models, part="test"):
    """Accuracy of each test person, mean over networks.

    Parameters
    ----------
    task : Task
        Whose test people.
    models : list of torch.nn.Module
        One per initialisation.

    Returns
    -------
    ndarray, shape (n_subjects,)
        From 0 to 1.
    """
    correct = [evaluate(model, *transfer.data[part]) for model in models]
    return per_subject(np.mean(correct, axis=0), transfer.subjects)


def pretrained_encoder(transfer, **how):
    """State of the encoder that :func:`pretrain` gives."""
    return encoder_state(pretrain(transfer, **how))


def save_model(model, name):
    """Save a Braindecode model in the cache, file by file complete or not there.

    Parameters
    ----------
    model : braindecode.models.base.EEGModuleMixin
        What is saved: weights and configuration.
    name : str
        Of its folder.

    Returns
    -------
    pathlib.Path
        The folder, which ``from_pretrained`` of the model's class reads.
    """
    folder = _study.get_cache_dir() / name
    folder.mkdir(exist_ok=True)
    with TemporaryDirectory(dir=folder.parent) as unfinished:
        model.save_pretrained(unfinished)
        for file in Path(unfinished).iterdir():
            file.replace(folder / file.name)
    return folder


def features_of(transfer, model, part):
    """What the head of a network sees of some windows, in double precision.

    Parameters
    ----------
    task : Task
        Whose windows.
    model : torch.nn.Module
        A Braindecode model.
    part : str or int
        A key of ``Task.data``.

    Returns
    -------
    ndarray, shape (n_windows, n_features)
        From the encoder in evaluation mode.
    """
    _, X = features_at_head(model, transfer.data[part][0])
    return X.flatten(start_dim=1).double().cpu().numpy()


def closed_form_probe(
    transfer, encoder, *, train="train", alphas=(1, 10, 100, 1000, 10000)
):
    """A probe without steps or learning rate: ridge regression on standardised features.

    Parameters
    ----------
    task : Task
        Whose.
    encoder : dict of str to torch.Tensor
        What :func:`_model.encoder.encoder_state` returned.
    train : str or int
        Key of ``Task.data``.
    alphas : sequence of float
        Penalties; the one with most right answers of validation people is taken, the largest
        of equals.

    Returns
    -------
    accuracy : ndarray, shape (n_subjects,)
        Of each test person.
    alpha : float
        The penalty that was chosen.
    """
    model = build_model(transfer, 0)
    load_encoder(model, encoder)
    X, X_val, X_test = (
        features_of(transfer, model, p) for p in (train, "validation", "test")
    )
    y, y_val, y_test = (
        transfer.data[p][1].cpu().numpy() for p in (train, "validation", "test")
    )
    fitted = {
        alpha: make_pipeline(StandardScaler(), RidgeClassifier(alpha)).fit(X, y)
        for alpha in sorted(alphas, reverse=True)
    }
    right = {alpha: (own.predict(X_val) == y_val).sum() for alpha, own in fitted.items()}
    alpha = max(right, key=right.get)  # the first of equals
    return per_subject(fitted[alpha].predict(X_test) == y_test, transfer.subjects), alpha
