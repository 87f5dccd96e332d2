"""Everybody is the new person once: every way on everybody, and two controls."""

from typing import NamedTuple

import numpy as np
import torch

from _model.new_person import SPATIAL, balanced_accuracy
from _model.new_person_choice import WITHOUT_STEPS, choose, pretrain, ridge
from _model.training import evaluate

#: Ways with labels that are run with fewer own windows too.
CURVE = (*WITHOUT_STEPS, "from-scratch", "keep the head")


class Results(NamedTuple):
    """What every way reached for every person.

    Attributes
    ----------
    scores : dict of tuple to ndarray, shape (n_subjects,)
        Way and number of own windows -> balanced accuracy on later windows. Statistics that
        look ahead have ``", ahead"`` behind the name of their way.
    models : dict of str to dict
        Subject -> networks that were pretrained without that person.
    choices : dict of str to _model.new_person_choice.Choice
        Subject -> what other people chose.
    """

    scores: dict
    models: dict
    choices: dict

    def with_all(self, cohort):
        """Scores with all own windows, by way."""
        return {way: own for (way, n), own in self.scores.items() if n == cohort.n_own[-1]}

    def of_choice(self, cohort, kind, suffix=""):
        """Scores of the way that was chosen for each person.

        Parameters
        ----------
        cohort : _model.new_person.Cohort
            Everybody.
        kind : {"with_labels", "without"}
            Which choice.
        suffix : {"", ", ahead"}
            Statistics of the own windows, or of the whole recording.

        Returns
        -------
        ndarray, shape (n_subjects,)
            Balanced accuracies.
        """
        final, ways = self.with_all(cohort), self.choices.values()
        ways = [getattr(choice, kind) + suffix for choice in ways]
        return np.array([final[way][row] for row, way in enumerate(ways)])


def run_everybody(cohort, adapt, without_labels):
    """Run every way on everybody, by networks and choices of other people.

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
    found, models, choices = {}, {}, {}
    for group in cohort.groups:
        source = cohort.others(group)
        own = {spatial: pretrain(cohort, source, spatial) for spatial in SPATIAL}
        choice = choose(cohort, group, adapt, without_labels)
        print(
            f"{len(group)} people: {choice.with_labels}; without labels: {choice.without}"
        )
        for subject in group:
            models[subject], choices[subject] = own, choice
            _run(cohort, subject, own, choice, adapt, without_labels, found)
    scores = {key: np.array([own[s] for s in cohort.people]) for key, own in found.items()}
    models, choices = ({s: d[s] for s in cohort.people} for d in (models, choices))
    return Results(scores, models, choices)


def _run(cohort, subject, models, choice, adapt, without_labels, found):
    """Every way on one person."""
    person, model, most = cohort.people[subject], models["as recorded"], cohort.n_own[-1]

    def keep(way, n, right):
        own = found.setdefault((way, n), {})
        own[subject] = balanced_accuracy(right, person.later[1])

    keep("zero-shot", most, evaluate(model, *person.later))
    for way, right in without_labels(models, person, person.X).items():
        keep(f"{way}, ahead", most, right)
    for n in cohort.n_own:
        for way, right in without_labels(models, person, person.own(n)[0]).items():
            keep(way, n, right)
        for way, setting in choice.settings.items():
            if way in WITHOUT_STEPS:
                how = (model, person, n, cohort.study.sfreq, setting)
                keep(way, n, ridge(way, *how))
            elif way in CURVE or n == most:
                own = adapt(way, model, *person.own(n), *setting)
                keep(way, n, evaluate(own, *person.later))


def run_controls(cohort, results, adapt, way="keep the head"):
    """The same way with own labels shuffled, and with another person's windows and labels.

    Parameters
    ----------
    cohort : _model.new_person.Cohort
        Everybody.
    results : Results
        Of :func:`run_everybody`.
    adapt : callable
        See :func:`_model.new_person_choice.choose`.
    way : str
        A way with labels.

    Returns
    -------
    dict of str to ndarray, shape (n_subjects,)
        Balanced accuracy on the person's own later windows. The other person is of the same group,
        so the network has seen neither.
    """
    found = {"shuffled labels": {}, "another person": {}}
    for group in cohort.groups:
        for subject, other in zip(group, np.roll(group, 1), strict=True):
            X, y = cohort.people[subject].own()
            mixed = y[torch.randperm(len(y), generator=torch.Generator().manual_seed(0))]
            given = {"shuffled labels": (X, mixed)}
            given["another person"] = cohort.people[other].own()
            model, later = (
                results.models[subject]["as recorded"],
                cohort.people[subject].later,
            )
            for what, windows in given.items():
                own = adapt(way, model, *windows, *results.choices[subject].settings[way])
                right = evaluate(own, *later)
                found[what][subject] = balanced_accuracy(right, later[1])
    return {what: np.array([own[s] for s in cohort.people]) for what, own in found.items()}
