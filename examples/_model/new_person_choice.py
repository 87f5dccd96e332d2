"""Pretraining for a new person, what source people choose, and the two methods without steps."""

from collections import Counter
from typing import NamedTuple

import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from _model.adapt import pretrain
from _model.encoder import features_at_head
from _model.new_person import N_GROUPS, SPATIAL, apply
from _model.training import evaluate
from _score.features import log_band_power

#: Windows in a batch of pretraining.
BATCH = 32
#: Source people who stand in for the new one.
N_STAND_IN = 2
#: Penalties of the methods in closed form, strongest first, and learning rates of the others.
ALPHAS = (1000, 100, 10, 1)
RATES = {
    "from-scratch": (3e-3, 1e-2),
    "linear-probe": (1e-2, 3e-2),
    "full-finetune": (3e-3, 1e-2),
    "keep the head": (1e-3, 3e-3),
}
WITHOUT_STEPS = ("band power", "closed-form probe")
#: All others start from a network that other people's windows have trained.
WITHOUT_PRETRAINING = ("band power", "from-scratch")


class Choice(NamedTuple):
    """What was chosen without a window of the people it is chosen for.

    Attributes
    ----------
    settings : dict of str to int or tuple
        Per method with labels its penalty, or its learning rate and number of steps.
    with_labels, pretrained, without : str
        The method with most right answers of those with labels, of those among them that start from
        other people's weights, and of those without labels.
    n_correct : dict of str to int
        Right answers of each method, with its setting.
    """

    settings: dict
    with_labels: str
    pretrained: str
    without: str
    n_correct: dict


def pretrain_on(cohort, subjects, spatial="as recorded"):
    """A network trained on all windows of some people.

    Parameters
    ----------
    cohort : _model.new_person.Cohort
        Everybody.
    subjects : list of str
        The source people. What is done to their windows may use all of each recording.
    spatial : str
        A key of ``SPATIAL``.

    Returns
    -------
    torch.nn.Module
        The network, head included.
    """
    matrix = SPATIAL[spatial]
    people = [cohort.people[subject] for subject in subjects]
    X = torch.cat([apply(matrix(person.X), person.X, spatial) for person in people])
    y = torch.cat([person.y for person in people])
    n_steps = cohort.budget.pretrain_steps
    return pretrain(cohort.build, X, y, n_steps=n_steps, batch_size=BATCH)


def ridge(method, model, person, n, sfreq, alpha):
    """Right answers to the later windows by :class:`~sklearn.linear_model.RidgeClassifier`.

    Parameters
    ----------
    method : {"band power", "closed-form probe"}
        Which features of a window: log power in bands, or what the head of the network sees.
    model : torch.nn.Module
        The pretrained network; band power needs none.
    person : _model.new_person.Person
        Whose first ``n`` windows have labels.
    n : int
        Own windows.
    sfreq : float
        Sampling frequency in Hz.
    alpha : float
        Penalty.

    Returns
    -------
    ndarray of bool, shape (n_windows,)
        Of the later windows.
    """
    (X, y), (X_later, y_later) = person.own(n), person.later
    if method == "band power":
        features = [log_band_power(part.cpu().numpy(), sfreq) for part in (X, X_later)]
    else:
        _, *seen = features_at_head(model, X, X_later)
        features = [part.flatten(start_dim=1).double().cpu().numpy() for part in seen]
    probe = make_pipeline(StandardScaler(), RidgeClassifier(alpha))
    probe.fit(features[0], y.cpu().numpy())
    return probe.predict(features[1]) == y_later.cpu().numpy()


def choose(cohort, group, adapt, without_labels):
    """Let source people stand in for the new ones, and count right answers.

    The network for them is pretrained without them and without the new people.

    Parameters
    ----------
    cohort : _model.new_person.Cohort
        Everybody.
    group : list of str
        The new people; no window of theirs is touched.
    adapt : callable
        ``adapt(method, model, X, y, lr, n_steps, after_step)`` trains a network and calls
        ``after_step(network, step)`` after every step.
    without_labels : callable
        ``without_labels(models, person, seen)`` gives right answers per method without labels.

    Returns
    -------
    Choice
        Ties go to the method, the penalty or the rate that stands first.
    """
    stand_in = cohort.groups[(cohort.groups.index(group) + 1) % N_GROUPS]
    source = cohort.others([*group, *stand_in])
    models = {spatial: pretrain_on(cohort, source, spatial) for spatial in SPATIAL}
    model = models["as recorded"]
    with_labels = Counter()  # right answers by method and setting
    without = Counter()  # right answers by method
    for subject in stand_in[:N_STAND_IN]:
        person = cohort.people[subject]
        seen, _ = person.own()
        for method, right in without_labels(models, person, seen).items():
            without[method] += int(right.sum())
        for method in WITHOUT_STEPS:
            for alpha in ALPHAS:
                n, sfreq = person.n_own, cohort.study.sfreq
                right = ridge(method, model, person, n, sfreq, alpha)
                with_labels[method, alpha] += int(right.sum())
        for method, rates in RATES.items():
            for lr in rates:
                right_after = _train_and_validate(cohort, person, adapt, method, model, lr)
                for n_steps, right in right_after.items():
                    with_labels[method, (lr, n_steps)] += int(right.sum())
    settings, n_correct = {}, {}
    for (method, setting), n in with_labels.items():
        if method not in settings or n > n_correct[method]:
            settings[method] = setting
            n_correct[method] = n
    best = max(n_correct, key=n_correct.get)
    started = {m: n for m, n in n_correct.items() if m not in WITHOUT_PRETRAINING}
    pretrained = max(started, key=started.get)
    best_without = max(without, key=without.get)
    return Choice(settings, best, pretrained, best_without, {**n_correct, **without})


def _train_and_validate(cohort, person, adapt, method, model, lr):
    """Right answers to the later windows after half of the steps, and after all of them."""
    most = cohort.budget.n_steps
    right_after = {}

    def after_step(network, step):
        if step in (most // 2, most):
            right_after[step] = evaluate(network, *person.later)

    adapt(method, model, *person.own(), lr, most, after_step)
    return right_after
