"""Four questions about the speed of fine-tuning, asked of the rooms that the tutorials use."""

import copy
import os
import statistics
import tempfile
import time

from _helpers.measure import paired
from _helpers.pages import sibling

STUDY, N_STEPS = "simulated-transfer", 80


def rooms():
    """Modules of the tutorials by name."""
    names = ("_encoder", "_runtime", "_splits", "_study", "_training")
    return {name.strip("_"): sibling(name) for name in names}


def plain_loop(
    model, X, y, *, lr, n_steps, batch_size=16, frozen=False, look=None, every=1
):
    """The textbook loop: the whole network runs forward in every step."""
    import torch

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
        if look and step % every == 0:
            look(model)
    return model.eval()


def our_loop(room, model, X, y, *, lr, look=(), every=1, **how):
    """What the tutorials do: layers in front of the first one that learns run once."""
    encoder, training = room["encoder"], room["training"]
    learner, X, *seen = encoder.split_where_learning_starts(model, X, *look[:1])

    def watch(step):
        if look and step % every == 0:
            training.evaluate(learner, *seen, look[1])

    batches = training.deal(X, y, **how)
    training.fit(learner, batches, training.make_optimizer(learner, lr), watch=watch)
    return model.eval()


def classifier(model, X, y):
    """The same steps by :class:`braindecode.EEGClassifier`; one full batch is an epoch."""
    import torch
    from braindecode import EEGClassifier

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


def probe_rows(room, fresh, train, look):
    """A probe on stored features against the frozen network in every step, both watched."""
    start = copy.deepcopy(fresh)
    room["encoder"].freeze_encoder(start)
    watch = lambda model: room["training"].evaluate(model, *look)  # noqa: E731
    half = len(train[0]) // 2  # two batches an epoch, and a look after each epoch
    for epochs in (4, 40):
        how = {"lr": 1e-2, "n_steps": 2 * epochs, "batch_size": half, "every": 2}

        def ours(how=how):
            model = copy.deepcopy(start)
            return our_loop(room, model, *train, look=look, **how)

        def naive(how=how):
            model = copy.deepcopy(start)
            return plain_loop(model, *train, frozen=True, look=watch, **how)

        one, other = (model(look[0]).softmax(dim=1) for model in (ours(), naive()))
        yield {
            "what": f"linear probe, {epochs} epochs, on stored features",
            "against": "frozen network in every step",
            **paired(ours, naive),
            "difference": (one - other).abs().max().item(),
        }


def fraction_of_peak(work, seconds):
    """How much of what this core reaches in a matrix product training reaches."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work(2)
    flop = counter.get_total_flops() / 2 * N_STEPS
    A, peaks = torch.randn(1024, 1024), []
    for _ in range(9):
        begin = time.process_time()
        for _ in range(8):
            A @ A
        peaks.append(8 * 2 * 1024**3 / (time.process_time() - begin))
    peak = statistics.median(peaks)
    return {
        "sgemm_gflop_per_s": peak / 1e9,
        "training_gflop_per_s": flop / seconds / 1e9,
        "fraction": flop / seconds / peak,
    }


def price_of_people(room, fresh, windows_of):
    """CPU seconds of training with more labelled people, at 20 epochs; a straight line through them."""
    import numpy as np

    medians = []
    for X, y in windows_of.values():
        own, n_steps = [], round(20 * len(X) / 16)
        for _ in range(6):
            begin = time.process_time()
            our_loop(room, copy.deepcopy(fresh), X, y, lr=1e-3, n_steps=n_steps)
            own.append(time.process_time() - begin)
        medians.append(statistics.median(own[1:]))
    slope, offset = np.polyfit(list(windows_of), medians, 1)
    residual = np.abs(np.polyval((slope, offset), list(windows_of)) - medians).max()
    return {
        "people": list(windows_of),
        "seconds": medians,
        "seconds_per_person": float(slope),
        "worst_residual": float(residual),
    }


def bench_finetune():
    """Measure; returns ``rows`` of ratios, ``peak`` and ``line`` for the page of the benchmarks."""
    import numpy as np
    import torch
    from braindecode.models import ShallowFBCSPNet

    room = rooms()
    room["runtime"].setup()
    with tempfile.TemporaryDirectory() as cache:
        os.environ["EEGDASH_CACHE_DIR"] = cache
        study = room["study"].open_study(STUDY, cohort="target")
    X, y = room["training"].to_tensors(study.windows, study.targets)
    subjects = study.metadata["subject"].unique()
    steps = room["study"].get_budget(STUDY, len(subjects)).n_labelled_curve
    budgets = room["splits"].nested_subjects(
        study.metadata, np.arange(len(X)), steps, seed=0
    )
    windows_of = {n: (X[index], y[index]) for n, index in budgets.items()}
    train, look = windows_of[2], windows_of[max(windows_of)]
    torch.manual_seed(1)
    fresh = ShallowFBCSPNet(
        n_chans=X.shape[1], n_outputs=2, n_times=X.shape[2], sfreq=study.sfreq
    )

    def ours(n_steps=N_STEPS):
        our_loop(room, copy.deepcopy(fresh), *train, lr=1e-3, n_steps=n_steps)

    against = {
        "a plain AdamW loop": lambda: plain_loop(
            copy.deepcopy(fresh), *train, lr=1e-3, n_steps=N_STEPS
        ),
        "braindecode EEGClassifier": lambda: classifier(copy.deepcopy(fresh), *train),
    }
    found = {name: paired(ours, work) for name, work in against.items()}
    what = f"{N_STEPS} training steps of the page"
    rows = [
        *probe_rows(room, fresh, train, look),
        *({"what": what, "against": name, **row} for name, row in found.items()),
    ]
    seconds = found["a plain AdamW loop"]["seconds"]
    return {
        "rows": rows,
        "peak": fraction_of_peak(ours, seconds),
        "line": price_of_people(room, fresh, windows_of),
    }


def show_finetune(result):
    """Print what was measured."""
    print(f"{'what':<46}{'against':<32}{'ratio':>7}  lowest-highest")
    for row in result["rows"]:
        spread = f"{row['lowest']:.1f}-{row['highest']:.1f}"
        print(f"{row['what']:<46}{row['against']:<32}{row['ratio']:>6.1f}x  {spread}")
    print(f"of the speed of a matrix product: {result['peak']['fraction']:.0%}")
    print(f"ms of CPU a labelled person: {result['line']['seconds_per_person'] * 1e3:.0f}")
