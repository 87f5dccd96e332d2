"""Pretraining for a new person, what source people choose, and the two ways that have no steps."""

from typing import NamedTuple

import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from _model.encoder import features_at_head, precompute_frozen
from _model.new_person import N_GROUPS, SPATIAL, apply
from _model.training import evaluate, make_optimizer, shuffled_batches, train
from _score.features import log_band_power

#: Filters of the network, and their length in seconds: small, so that it trains often.
N_FILTERS, FILTER_S = 16, 0.2
#: Windows in a batch of pretraining.
BATCH = 32
#: Source people who stand in for the new one.
N_STAND_IN = 2
#: Penalties of the ways in closed form, strongest first, and learning rates of the others.
ALPHAS = (1000, 100, 10, 1)
RATES = {
    "from-scratch": (3e-3, 1e-2),
    "linear-probe": (1e-2, 3e-2),
    "full-finetune": (3e-3, 1e-2),
    "keep the head": (1e-3, 3e-3),
}
WITHOUT_STEPS = ("band power", "closed-form probe")


class Choice(NamedTuple):
    """What was chosen without a window of the people it is chosen for.

    Attributes
    ----------
    settings : dict of str to int or tuple
        Per way with labels its penalty, or its learning rate and number of steps.
    with_labels, without : str
        The way with most right answers of those with labels, and of those without.
    n_correct : dict of str to int
        Right answers of each way, with its setting.
    """

    settings: dict
    with_labels: str
    without: str
    n_correct: dict


def build_model(cohort, seed):
    """A small :class:`~braindecode.models.ShallowFBCSPNet`; one seed, one start."""
    from braindecode.models import ShallowFBCSPNet  # after _study, which calms its import

    torch.manual_seed(seed)
    X = next(iter(cohort.people.values())).X
    model = ShallowFBCSPNet(
        n_chans=X.shape[1],
        n_outputs=len(cohort.study.classes),
        n_times=X.shape[2],
        sfreq=cohort.study.sfreq,
        n_filters_time=N_FILTERS,
        n_filters_spat=N_FILTERS,
        filter_time_length=round(FILTER_S * cohort.study.sfreq),
    )
    return model.to(X.device)


def pretrain(cohort, subjects, spatial="as recorded"):
    """A network trained on all windows of some people.

    Parameters
    ----------
    cohort : Cohort
        Whose.
    subjects : list of str
        The source people. What is done to their windows may use all of each recording.
    spatial : str
        A key of ``SPATIAL``.

    Returns
    -------
    torch.nn.Module
        It, head included.
    """
    people, matrix = [cohort.people[s] for s in subjects], SPATIAL[spatial]
    X = torch.cat([apply(matrix(person.X), person.X, spatial) for person in people])
    y = torch.cat([person.y for person in people])
    model = build_model(cohort, 0)
    learner, X = precompute_frozen(model, X)
    batches = shuffled_batches(X, y, n_steps=cohort.budget.pretrain_steps, batch_size=BATCH)
    train(learner, batches, make_optimizer(learner, 2e-3))
    return model


def ridge(way, model, person, n, sfreq, alpha):
    """Right answers to the later windows by :class:`~sklearn.linear_model.RidgeClassifier`.

    Parameters
    ----------
    way : {"band power", "closed-form probe"}
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
    if way == "band power":
        features = [log_band_power(part.cpu().numpy(), sfreq) for part in (X, X_later)]
    else:
        _, *seen = features_at_head(model, X, X_later)
        features = [part.flatten(start_dim=1).double().cpu().numpy() for part in seen]
    fitted = make_pipeline(StandardScaler(), RidgeClassifier(alpha))
    fitted.fit(features[0], y.cpu().numpy())
    return fitted.predict(features[1]) == y_later.cpu().numpy()


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
        ``adapt(way, model, X, y, lr, n_steps, look)`` trains a network and calls
        ``look(network, step)`` after every step.
    without_labels : callable
        ``without_labels(models, person, seen)`` gives right answers per way without labels.

    Returns
    -------
    Choice
        Ties go to the way, the penalty or the rate that stands first.
    """
    stand_in = cohort.groups[(cohort.groups.index(group) + 1) % N_GROUPS]
    source = cohort.others([*group, *stand_in])
    models = {spatial: pretrain(cohort, source, spatial) for spatial in SPATIAL}
    model, most = models["as recorded"], cohort.budget.n_steps
    found, free = {}, {}

    def count(way, setting, right):
        own = found.setdefault(way, {})
        own[setting] = own.get(setting, 0) + int(right.sum())

    for person in (cohort.people[s] for s in stand_in[:N_STAND_IN]):
        for way, right in without_labels(models, person, person.own()[0]).items():
            free[way] = free.get(way, 0) + int(right.sum())
        for way in WITHOUT_STEPS:
            for alpha in ALPHAS:
                how = (model, person, person.n_own, cohort.study.sfreq, alpha)
                count(way, alpha, ridge(way, *how))
        for way, rates in RATES.items():
            for lr in rates:

                def look(network, step, way=way, lr=lr, person=person):
                    if step in (most // 2, most):
                        count(way, (lr, step), evaluate(network, *person.later))

                adapt(way, model, *person.own(), lr, most, look)
    settings = {way: max(own, key=own.get) for way, own in found.items()}
    n_correct = {way: found[way][setting] for way, setting in settings.items()}
    best = max(n_correct, key=n_correct.get)
    return Choice(settings, best, max(free, key=free.get), n_correct | free)
