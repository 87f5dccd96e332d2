"""A new person: windows in the order of the session, and methods that need no label."""

import copy
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from sklearn.model_selection import KFold

import _study
from _model.adapt import build_model
from _model.training import normalise
from _runtime import TutorialError

#: Fewest people: two in each group.
N_GROUPS, MIN_PEOPLE = 3, 6
#: More people than this are adapted with half the steps, so that minutes do not become many.
MANY = 18
#: Filters of the network, and their length in seconds: small, so that it trains often.
N_FILTERS, FILTER_S = 16, 0.2
#: Eigenvalues below this share of the largest are no part of the space that is there.
RANK_TOLERANCE = 1e-6


class NewPersonError(TutorialError, ValueError):
    """A study or its windows cannot be used as asked; the message says why and what to do."""


@dataclass(frozen=True)
class Person:
    """Windows of one person, normalised, and their labels, in the order of the session.

    Attributes
    ----------
    X : torch.Tensor, shape (n_windows, n_chans, n_times)
        Each window divided by its own standard deviation, averaged over channels.
    y : torch.Tensor, shape (n_windows,)
        Class labels.
    n_own : int
        The first so many may calibrate; all others are looked at once.
    """

    X: torch.Tensor
    y: torch.Tensor
    n_own: int

    def own(self, n=None):
        """The first ``n`` windows and their labels; all that may calibrate by default."""
        n = self.n_own if n is None else n
        return self.X[:n], self.y[:n]

    @property
    def later(self):
        """Windows and labels that come after those that may calibrate."""
        return self.X[self.n_own :], self.y[self.n_own :]


@dataclass(frozen=True)
class Cohort:
    """People of a study, each of whom is the new person once.

    Attributes
    ----------
    study : _study.Study
        Their windows as opened.
    people : dict of str to Person
        By subject.
    groups : list of list of str
        Subjects who are new together: the network is pretrained on all others, once a group.
    n_own : tuple of int
        Numbers of own windows, smallest first; everybody has every class in each of them.
    class_is_block : bool
        Do classes come in blocks (recordings, or long parts of them), so that the first half of a
        session may lack one? Own windows are then the first part of each block.
    budget : _study.catalogue.Budget
        Training steps.
    """

    study: _study.Study
    people: dict
    groups: list
    n_own: tuple
    class_is_block: bool
    budget: object

    @property
    def chance(self):
        """Balanced accuracy of guessing."""
        return 1 / len(self.study.classes)

    def seconds(self, n):
        """Length of so many windows."""
        return n * self.study.windows.shape[2] / self.study.sfreq

    def others(self, group):
        """Subjects who are not in a group."""
        return [subject for subject in self.people if subject not in group]

    def build(self, seed):
        """A small network for these windows; one seed, one start."""
        X = next(iter(self.people.values())).X
        return build_model(
            **self.study.shape,
            n_outputs=len(self.study.classes),
            seed=seed,
            device=X.device,
            n_filters_time=N_FILTERS,
            n_filters_spat=N_FILTERS,
            filter_time_length=round(FILTER_S * self.study.sfreq),
        )


def open_cohort(name, device="cpu"):
    """Open everybody in a study, and put the windows of each person into the order of the session.

    Where classes come in blocks, recordings of their own or long parts of one, the first half of a
    session may lack a class. The first windows are then taken from all blocks of a person in turn.

    Parameters
    ----------
    name : str
        A study, see :func:`_study.find_study`.
    device : torch.device or str
        Where windows go.

    Returns
    -------
    Cohort
        Everybody, in groups.

    Raises
    ------
    NewPersonError
        If there are fewer than ``MIN_PEOPLE`` people, or somebody has too few windows.
    """
    listed = _study.find_study(name)
    if len(listed.people) < MIN_PEOPLE:
        raise NewPersonError(
            f"{name} has {len(listed.people)} people, too few to make each of them the new person "
            f"once: pass a study with {MIN_PEOPLE} or more"
        )
    study = listed.open()
    order, n_own, class_is_block = _calibrations(study)
    X = normalise(study.windows)
    y = study.targets
    people = {}
    for subject, rows in order.items():
        X_person = torch.tensor(X[rows], device=device)
        y_person = torch.tensor(y[rows], device=device)
        people[subject] = Person(X_person, y_person, n_own[-1])
    names = np.array(list(people))
    folds = KFold(N_GROUPS, shuffle=True, random_state=0).split(names)
    groups = [names[new].tolist() for _, new in folds]
    budget = listed.recipe.budget
    if len(people) > MANY:
        budget, n_own = replace(budget, n_steps=budget.n_steps // 2), n_own[-2:]
        print(
            f"{len(people)} people: half the training steps, {len(n_own)} numbers of windows"
        )
    return Cohort(study, people, groups, n_own, class_is_block, budget)


def _calibrations(study):
    """Row numbers of everybody's windows in order, numbers of own windows, and are they of blocks?"""
    table = study.metadata
    place = table[["subject", "recording", "target"]]
    block = (place != place.shift()).any(axis=1).cumsum()
    people = table.groupby("subject")
    orders = [({subject: _turns(rows, block) for subject, rows in people}, True)]
    if (table.groupby("recording")["target"].nunique() > 1).any():
        by_time = {subject: rows.index.to_numpy() for subject, rows in people}
        orders.insert(0, (by_time, False))
    for order, class_is_block in orders:
        most = min(map(len, order.values())) // 2
        numbers = sorted({n for n in (most // 4, most // 2, most) if n})
        n_own = tuple(n for n in numbers if not _lacking(study, order, n))
        if n_own:
            return order, n_own, class_is_block
    subject, label = _lacking(study, order, most)[0]
    raise NewPersonError(
        f"sub-{subject} lacks {label!r} among the first {most} windows or after them ({most} is half "
        "of what the person with fewest has): write a smaller window_s, or classes without this one "
        "if there are more than two, into the file that EEG_TUTORIAL_RECIPE names"
    )


def _turns(rows, block):
    """Row numbers of a person's windows by their place in their block, so that blocks take turns."""
    windows = rows.groupby(block)["target"]
    place = windows.cumcount() / windows.transform("size")
    return rows.index.to_numpy()[np.argsort(place.to_numpy(), kind="stable")]


def _lacking(study, order, n):
    """Subjects who have no window of a class among the first ``n`` or after them, and the class."""
    return [
        (subject, label)
        for subject, rows in order.items()
        for code, label in enumerate(study.classes)
        for part in (rows[:n], rows[n:])
        if code not in study.targets[part]
    ]


def balanced_accuracy(right, y):
    """Mean over classes of the share of their windows that is right.

    Parameters
    ----------
    right : ndarray of bool, shape (n_windows,)
        Was the label found?
    y : torch.Tensor, shape (n_windows,)
        Labels. Halves of a session need not hold equally many windows of each class, so guessing
        has a known value here and not in plain accuracy.

    Returns
    -------
    float
        From 0 to 1.
    """
    return float(pd.Series(right).groupby(y.cpu().numpy()).mean().mean())


def refuse_not_finite(X, what):
    """Refuse windows that a network would turn into one and the same class.

    Parameters
    ----------
    X : torch.Tensor, shape (n_windows, n_chans, n_times)
        Windows.
    what : str
        What was done to them, for the message.

    Raises
    ------
    NewPersonError
        If any value is not finite.
    """
    bad = ~torch.isfinite(X).flatten(start_dim=1).all(dim=1)
    if bad.any():
        raise NewPersonError(
            f"{int(bad.sum())} of {len(X)} windows are not finite after {what}: a network gives "
            "all of them the same class. After an average reference the covariance has no full "
            "rank: whiten in the space that is there, see alignment()"
        )


def as_recorded(seen):
    """The matrix that changes nothing."""
    return torch.eye(seen.shape[1], dtype=torch.float64)


def scaling(seen):
    """Matrix that gives every channel a standard deviation of 1 over the windows that were seen.

    Parameters
    ----------
    seen : torch.Tensor, shape (n_windows, n_chans, n_times)
        Windows of one person.

    Returns
    -------
    torch.Tensor of float64, shape (n_chans, n_chans)
        Diagonal. A flat channel stays flat.
    """
    deviation = seen.double().cpu().std(dim=(0, 2))
    there = deviation > RANK_TOLERANCE * deviation.max()
    return torch.diag(torch.where(there, 1 / deviation, 0.0))


def covariance(seen):
    """Mean covariance of windows over time, in double precision, shape (n_chans, n_chans)."""
    seen = seen.double().cpu()
    return (seen @ seen.mT / seen.shape[2]).mean(dim=0)


def alignment(seen):
    """Matrix of Euclidean alignment: the mean covariance of the windows seen becomes the identity.

    Parameters
    ----------
    seen : torch.Tensor, shape (n_windows, n_chans, n_times)
        Windows of one person.

    Returns
    -------
    torch.Tensor of float64, shape (n_chans, n_chans)
        The inverse square root of :func:`covariance` in the space that is there. After an average
        reference one direction is missing, and the others are whitened.

    Notes
    -----
    Euclidean alignment is that of He and Wu (2020), he2020alignment in refs.bib.
    """
    values, vectors = torch.linalg.eigh(covariance(seen))
    there = values > RANK_TOLERANCE * values.max()
    return vectors * torch.where(there, values.abs() ** -0.5, 0.0) @ vectors.mT


#: A network is pretrained for each of these: what is done to the windows of every person.
SPATIAL = {"as recorded": as_recorded, "scaling": scaling, "alignment": alignment}


def apply(matrix, X, what="a spatial matrix"):
    """Multiply each window by a matrix over channels.

    Parameters
    ----------
    matrix : torch.Tensor, shape (n_chans, n_chans)
        Such as :func:`alignment`.
    X : torch.Tensor, shape (n_windows, n_chans, n_times)
        Windows.
    what : str
        Name of the matrix, for the message.

    Returns
    -------
    torch.Tensor of float32, shape (n_windows, n_chans, n_times)
        Other windows.

    Raises
    ------
    NewPersonError
        If any value is not finite.
    """
    X = (matrix.double().to(X.device) @ X.double()).float()
    refuse_not_finite(X, what)
    return X


def recompute_batch_norm(model, seen):
    """A copy of a network whose batch normalisation has the statistics of the windows seen.

    Parameters
    ----------
    model : torch.nn.Module
        A pretrained network; not changed.
    seen : torch.Tensor, shape (n_windows, n_chans, n_times)
        Windows of one person.

    Returns
    -------
    torch.nn.Module
        In evaluation mode.

    Raises
    ------
    NewPersonError
        If the network has no batch normalisation.

    Notes
    -----
    The idea is that of Li and others (2016), li2016adabn in refs.bib.
    """
    model = copy.deepcopy(model).eval()
    kinds = torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d
    norms = [m for m in model.modules() if isinstance(m, kinds)]
    if not norms:
        raise NewPersonError(
            f"{type(model).__name__} has no batch normalisation to recompute"
        )
    for norm in norms:  # nothing else is in training mode: dropout stays off
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all that is shown, not a running one
        norm.train()
    with torch.no_grad():
        model(seen)
    return model.eval()


def uses_later_windows(calibrate, person):
    """Say whether what a method takes from a person depends on windows after the own ones.

    Parameters
    ----------
    calibrate : callable
        Takes a :class:`Person`, returns a tensor or a dictionary of tensors.
    person : Person
        Whose later windows are replaced by noise, ten times as large.

    Returns
    -------
    bool
        True if any byte differs.
    """
    future = torch.arange(len(person.X), device=person.X.device) >= person.n_own
    noise = torch.randn(person.X.shape, generator=torch.Generator().manual_seed(0))
    other = torch.where(future[:, None, None], 10 * noise.to(person.X), person.X)
    before, after = (
        calibrate(Person(X, person.y, person.n_own)) for X in (person.X, other)
    )
    if torch.is_tensor(before):
        return not torch.equal(before, after)
    return any(not torch.equal(before[name], after[name]) for name in before)
