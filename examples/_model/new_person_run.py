"""Everybody is the new person once: every method on everybody, and two controls."""

from typing import NamedTuple

import numpy as np
import torch

from _model.new_person import SPATIAL, balanced_accuracy
from _model.new_person_choice import WITHOUT_STEPS, choose, pretrain_on, ridge
from _model.training import evaluate

#: Methods with labels that are run with fewer own windows too.
CURVE = (*WITHOUT_STEPS, "from-scratch", "keep the head")


class Results(NamedTuple):
    """What every method reached for every person.

    Attributes
    ----------
    scores : dict of tuple to ndarray, shape (n_subjects,)
        Method and number of own windows -> balanced accuracy on later windows. Statistics that
        look ahead have ``", ahead"`` behind the name of their method.
    models : dict of str to dict
        Subject -> networks that were pretrained without that person.
    choices : dict of str to _model.new_person_choice.Choice
        Subject -> what other people chose.
    """

    scores: dict
    models: dict
    choices: dict

    def with_all(self, cohort):
        """Scores with all own windows, by method."""
        most = cohort.n_own[-1]
        return {method: score for (method, n), score in self.scores.items() if n == most}

    def of_choice(self, cohort, kind, suffix=""):
        """Scores of the method that was chosen for each person.

        Parameters
        ----------
        cohort : _model.new_person.Cohort
            Everybody.
        kind : {"with_labels", "pretrained", "without"}
            Which choice.
        suffix : {"", ", ahead"}
            Statistics of the own windows, or of the whole recording.

        Returns
        -------
        ndarray, shape (n_subjects,)
            Balanced accuracies.
        """
        final = self.with_all(cohort)
        methods = [getattr(choice, kind) + suffix for choice in self.choices.values()]
        return np.array([final[method][row] for row, method in enumerate(methods)])


def run_everybody(cohort, adapt, without_labels):
    """Run every method on everybody, by networks and choices of other people.

    Parameters
    ----------
    cohort : _model.new_person.Cohort
        Everybody.
    adapt, without_labels : callable
        See :func:`_model.new_person_choice.choose`.

    Returns
    -------
    Results
        People in the order of ``cohort.people``.
    """
    scores, models, choices = {}, {}, {}
    for group in cohort.groups:
        source = cohort.others(group)
        pretrained = {spatial: pretrain_on(cohort, source, spatial) for spatial in SPATIAL}
        choice = choose(cohort, group, adapt, without_labels)
        print(
            f"{len(group)} people: {choice.with_labels}; from other people's weights: "
            f"{choice.pretrained}; without labels: {choice.without}"
        )
        for subject in group:
            models[subject] = pretrained
            choices[subject] = choice
            person = cohort.people[subject]
            hits = _run_person(cohort, person, pretrained, choice, adapt, without_labels)
            _, y = person.later
            for key, right in hits.items():
                scores.setdefault(key, {})[subject] = balanced_accuracy(right, y)
    return Results(
        {key: _in_order(values, cohort) for key, values in scores.items()},
        {subject: models[subject] for subject in cohort.people},
        {subject: choices[subject] for subject in cohort.people},
    )


def _in_order(values, cohort):
    """Values by subject as an array, people in the order of the cohort."""
    return np.array([values[subject] for subject in cohort.people])


def _run_person(cohort, person, models, choice, adapt, without_labels):
    """Right answers of one person, by method and number of own windows."""
    model, most = models["as recorded"], cohort.n_own[-1]
    hits = {("zero-shot", most): evaluate(model, *person.later)}
    for method, right in without_labels(models, person, person.X).items():
        hits[f"{method}, ahead", most] = right
    for n in cohort.n_own:
        X, y = person.own(n)
        for method, right in without_labels(models, person, X).items():
            hits[method, n] = right
        for method, setting in choice.settings.items():
            if method in WITHOUT_STEPS:
                alpha = setting
                hits[method, n] = ridge(method, model, person, n, cohort.study.sfreq, alpha)
            elif method in CURVE or n == most:
                lr, n_steps = setting
                adapted = adapt(method, model, X, y, lr, n_steps)
                hits[method, n] = evaluate(adapted, *person.later)
    return hits


def run_controls(cohort, results, adapt, method="keep the head"):
    """The same method with own labels shuffled, and with another person's windows and labels.

    Parameters
    ----------
    cohort : _model.new_person.Cohort
        Everybody.
    results : Results
        Of :func:`run_everybody`.
    adapt : callable
        See :func:`_model.new_person_choice.choose`.
    method : str
        A method with labels.

    Returns
    -------
    dict of str to ndarray, shape (n_subjects,)
        Balanced accuracy on the person's own later windows. The other person is of the same group,
        so the network has seen neither.
    """
    scores = {"shuffled labels": {}, "another person": {}}
    for group in cohort.groups:
        for subject, other in zip(group, np.roll(group, 1), strict=True):
            X, y = cohort.people[subject].own()
            mixed = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(0))]
            calibration = {"shuffled labels": (X, mixed)}
            calibration["another person"] = cohort.people[other].own()
            model = results.models[subject]["as recorded"]
            lr, n_steps = results.choices[subject].settings[method]
            X_later, y_later = cohort.people[subject].later
            for control, (X, y) in calibration.items():
                adapted = adapt(method, model, X, y, lr, n_steps)
                right = evaluate(adapted, X_later, y_later)
                scores[control][subject] = balanced_accuracy(right, y_later)
    return {control: _in_order(values, cohort) for control, values in scores.items()}
