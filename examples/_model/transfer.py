"""The data of the fine-tuning page, for the pages after it: open, split by people, judge."""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import _study
from _model.adapt import build_model
from _model.encoder import features_at_head, load_encoder
from _model.training import evaluate, to_tensors
from _score.scores import expected_half_width, per_subject
from _score.splits import assert_no_leakage, nested_subjects, split_subjects

#: Initialisations of each regime.
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

    def build(self, seed):
        """A fresh network for these windows; one seed, one starting head."""
        X, _ = self.data["source"]
        n_outputs = len(self.target.classes)
        return build_model(
            **self.target.shape, n_outputs=n_outputs, seed=seed, device=X.device
        )


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
    Transfer
        Both cohorts, and their windows by group of people.
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
    people = {part: windows["subject"].nunique() for part, windows in rows.items()}
    people["source"] = source.metadata["subject"].nunique()
    overlap = sum(report["overlap"] for report in reports)
    return Transfer(source, target, budget, data, groups, subjects, people, overlap)


def accuracy(transfer, models):
    """Accuracy of each test person, mean over networks.

    Parameters
    ----------
    transfer : Transfer
        Whose test people.
    models : list of torch.nn.Module
        One per initialisation.

    Returns
    -------
    ndarray, shape (n_subjects,)
        From 0 to 1.
    """
    correct = [evaluate(model, *transfer.data["test"]) for model in models]
    return per_subject(np.mean(correct, axis=0), transfer.subjects)


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
    transfer : Transfer
        Whose windows.
    model : torch.nn.Module
        A Braindecode model.
    part : str or int
        A key of ``transfer.data``.

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
    transfer : Transfer
        Whose windows.
    encoder : dict of str to torch.Tensor
        What :func:`_model.encoder.encoder_state` returned.
    train : str or int
        Key of ``transfer.data``.
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
    model = transfer.build(0)
    load_encoder(model, encoder)
    parts = (train, "validation", "test")
    X, X_val, X_test = (features_of(transfer, model, part) for part in parts)
    y, y_val, y_test = (transfer.data[part][1].cpu().numpy() for part in parts)
    probes, n_correct = {}, {}
    for alpha in sorted(alphas, reverse=True):
        probe = make_pipeline(StandardScaler(), RidgeClassifier(alpha)).fit(X, y)
        probes[alpha] = probe
        n_correct[alpha] = (probe.predict(X_val) == y_val).sum()
    alpha = max(n_correct, key=n_correct.get)  # the first of equals
    return per_subject(probes[alpha].predict(X_test) == y_test, transfer.subjects), alpha
