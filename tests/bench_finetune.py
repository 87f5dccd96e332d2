"""Four questions about the speed of fine-tuning, asked of the rooms that the tutorials use."""

import copy
import os
import tempfile

import numpy as np
import torch
from braindecode import EEGClassifier
from braindecode.models import ShallowFBCSPNet

from _helpers.measure import paired
from _helpers.pages import sibling

encoder, runtime, splits = map(sibling, ("_model.encoder", "_runtime", "_score.splits"))
study_room, training = map(sibling, ("_study", "_model.training"))
STUDY, N_STEPS = "simulated-transfer", 80


def plain_loop(model, X, y, *, lr, n_steps, batch_size=16, frozen=False, look=None):
    """The textbook loop: the whole network runs in every step; a look every other one."""
    order, deck = torch.Generator().manual_seed(0), torch.empty(0, dtype=torch.long)
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=lr, weight_decay=1e-4)
    for step in range(1, n_steps + 1):
        if len(deck) < batch_size:
            deck = torch.cat([deck, torch.randperm(len(X), generator=order)])
        batch, deck = deck[:batch_size], deck[batch_size:]
        model.train(not frozen)
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(X[batch]), y[batch]).backward()
        optimizer.step()
        if look and step % 2 == 0:
            look(model)
    return model.eval()


def our_loop(model, X, y, *, lr, look=(), **how):
    """What the tutorials do: layers in front of the first one that learns run once."""
    learner, X, *seen = encoder.precompute_frozen(model, X, *look[:1])

    def watch(step):
        if look and step % 2 == 0:
            training.evaluate(learner, *seen, look[1])

    batches = training.shuffled_batches(X, y, **how)
    training.train(learner, batches, training.make_optimizer(learner, lr), watch=watch)
    return model.eval()


def classifier(model, X, y):
    """The same steps by :class:`braindecode.EEGClassifier`; one full batch is an epoch."""
    EEGClassifier(
        model,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.AdamW,
        optimizer__lr=1e-3,
        optimizer__weight_decay=1e-4,
        iterator_train__drop_last=True,
        batch_size=16,
        max_epochs=N_STEPS,
        train_split=None,
        verbose=0,
        classes=[0, 1],
    ).fit(X.numpy(), y.numpy())


def probe_row(fresh, train, look, epochs):
    """A probe on stored features against the frozen network in every step, both watched."""
    start, half = copy.deepcopy(fresh), len(train[0]) // 2
    encoder.freeze_encoder(start)
    # Two batches an epoch, and a look after each epoch.
    how = {"lr": 1e-2, "n_steps": 2 * epochs, "batch_size": half}

    def ours():
        return our_loop(copy.deepcopy(start), *train, look=look, **how)

    def naive():
        watch = lambda model: training.evaluate(model, *look)  # noqa: E731
        return plain_loop(copy.deepcopy(start), *train, frozen=True, look=watch, **how)

    one, other = (model(look[0]).softmax(dim=1) for model in (ours(), naive()))
    return {
        "what": f"linear probe, {epochs} epochs, on stored features",
        "against": "frozen network in every step",
        **paired(ours, naive),
        "difference": (one - other).abs().max().item(),
    }


def bench_finetune():
    """Measure; returns ``rows`` of ratios for the page of the benchmarks."""
    runtime.setup()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["EEGDASH_CACHE_DIR"] = cache
        study = study_room.open_study(STUDY, cohort="target")
    X, y = training.to_tensors(study.windows, study.targets)
    n_people = study.metadata["subject"].nunique()
    steps = study_room.get_budget(STUDY, n_people).n_labelled_curve
    budgets = splits.nested_subjects(study.metadata, np.arange(len(X)), steps, seed=0)
    windows_of = {n: (X[index], y[index]) for n, index in budgets.items()}
    train, look = windows_of[2], windows_of[max(windows_of)]
    torch.manual_seed(1)
    shape = {"n_chans": X.shape[1], "n_times": X.shape[2], "sfreq": study.sfreq}
    fresh = ShallowFBCSPNet(n_outputs=2, **shape)

    def ours(n_steps=N_STEPS):
        our_loop(copy.deepcopy(fresh), *train, lr=1e-3, n_steps=n_steps)

    others = {
        "a plain AdamW loop": lambda: plain_loop(
            copy.deepcopy(fresh), *train, lr=1e-3, n_steps=N_STEPS
        ),
        "braindecode EEGClassifier": lambda: classifier(copy.deepcopy(fresh), *train),
    }
    rows = [probe_row(fresh, train, look, epochs) for epochs in (4, 40)]
    for name, work in others.items():
        what = f"{N_STEPS} training steps of the page"
        rows.append({"what": what, "against": name, **paired(ours, work)})
    return {"rows": rows}
