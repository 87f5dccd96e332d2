"""Measure what the pages claim: paired, in one process, alternating, with medians and spread.

``nox -s bench`` prints tables and writes JSON under ``docs/`` that the site renders. Nothing here
asserts a time: a ratio of two things measured side by side is the only result.
"""

import argparse
import contextlib
import copy
import io
import json
import os
import statistics
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from _helpers.bench_scale import ROUNDS, bench_scale, show_scale
from _helpers.contracts import CONTRACTS
from _helpers.pages import DOCS, EXAMPLES, tutorials
from _helpers.record import EVIDENCE, machine, new_record, versions, write_json
from _helpers.run_example import run_example

BENCHMARKS = DOCS / "benchmarks.json"


def kept(path):
    """What a file of results holds already, part by part."""
    return json.loads(path.read_text("utf-8")) if path.is_file() else {}


def paired(one, other, repeats=9):
    """Time two pieces of work in turn.

    Parameters
    ----------
    one, other : callable
        The work; each call is one measurement of CPU time.
    repeats : int
        Counted pairs, after one that is not counted.

    Returns
    -------
    dict
        Median seconds of both, and median, lowest and highest of the ratio ``other / one``.
    """
    times = []
    for _ in range(repeats + 1):
        row = []
        for work in (one, other):
            start = time.process_time()
            work()
            row.append(time.process_time() - start)
        times.append(row)
    first, second = zip(*times[1:], strict=True)
    ratios = [b / a for a, b in times[1:]]
    return {
        "seconds": statistics.median(first),
        "against_seconds": statistics.median(second),
        "ratio": statistics.median(ratios),
        "lowest": min(ratios),
        "highest": max(ratios),
    }


def page_names(script, until):
    """Run a tutorial up to a heading and return the names it defined: what is measured is the page."""
    head = script.read_text("utf-8").split(f"# {until}\n")[0].rpartition("# %%")[0]
    names = {"__name__": "page"}
    sys.path.insert(0, str(EXAMPLES))
    with tempfile.TemporaryDirectory() as cache, contextlib.redirect_stdout(io.StringIO()):
        os.environ["EEGDASH_CACHE_DIR"] = cache
        import matplotlib

        matplotlib.use("Agg")
        exec(compile(head, str(script), "exec"), names)
    return names


def bench_finetune():
    """Four questions about plot_73; returns rows for the Benchmarks page."""
    import numpy as np
    import torch
    from braindecode import EEGClassifier

    (script,) = tutorials(["73"])
    page = page_names(script, "Predict before you run")
    X, y = page["data"]["train"]
    X_test = page["data"]["test"][0]
    rows = []

    def probe_model():
        model = page["load_encoder"](page["build_model"](1))
        return page["configure_regime"](model, "linear-probe")[0]

    X_val, y_val = page["data"]["validation"]
    half = len(X) // 2

    def plain_loop(model, *, frozen_encoder, n_steps, lr, batch_size=16, watch_every=0):
        """The textbook loop: the whole network forward in every step."""
        order = torch.Generator().manual_seed(0)
        learning = [p for p in model.parameters() if p.requires_grad]
        optimizer = torch.optim.AdamW(learning, lr=lr, weight_decay=1e-4)
        deck = torch.empty(0, dtype=torch.long)
        for step in range(1, n_steps + 1):
            if len(deck) < batch_size:
                deck = torch.cat([deck, torch.randperm(len(X), generator=order)])
            batch, deck = deck[:batch_size], deck[batch_size:]
            model.train(not frozen_encoder)
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(X[batch]), y[batch]).backward()
            optimizer.step()
            if watch_every and step % watch_every == 0:
                page["evaluate"](model, X_val, y_val)
        return model.eval()

    def page_loop(model, *, n_steps, lr):
        learner, seen = page["split_where_learning_starts"](model, X)
        page["adamw_loop"](learner, seen, y, lr=lr, n_steps=n_steps, seed=0)
        return model.eval()

    def watched_probe(n_steps):
        """As the page runs it, on stored features, validation after every epoch of two batches."""
        model = copy.deepcopy(start)
        learner, seen, seen_val = page["split_where_learning_starts"](model, X, X_val)
        watch = lambda: [page["evaluate"](learner, seen_val, y_val).mean()]  # noqa: E731
        how = {
            "lr": 1e-2,
            "n_steps": n_steps,
            "batch_size": half,
            "watch": watch,
            "every": 2,
        }
        page["adamw_loop"](learner, seen, y, seed=0, **how)
        return model.eval()

    def naive_probe(n_steps):
        model = copy.deepcopy(start)
        how = {"frozen_encoder": True, "lr": 1e-2, "batch_size": half, "watch_every": 2}
        return plain_loop(model, n_steps=n_steps, **how)

    # (a) the probe on stored features against the frozen network run in every step
    start = probe_model()
    for epochs in (4, 40):
        n_steps = 2 * epochs
        models = watched_probe(n_steps), naive_probe(n_steps)
        with torch.no_grad():
            a, b = (model(X_test).softmax(dim=1) for model in models)
        found = paired(lambda n=n_steps: watched_probe(n), lambda n=n_steps: naive_probe(n))
        row = {
            "what": f"linear probe, {epochs} epochs, on stored features",
            "against": "frozen network in every step",
            **found,
            "difference": float((a - b).abs().max()),
        }
        rows.append(row)

    # (b) a training step of the page against a plain loop and against EEGClassifier
    fresh = page["build_model"](1)
    found = paired(
        lambda: page_loop(copy.deepcopy(fresh), n_steps=80, lr=1e-3),
        lambda: plain_loop(copy.deepcopy(fresh), frozen_encoder=False, n_steps=80, lr=1e-3),
    )
    rows.append(
        {"what": "80 training steps of the page", "against": "a plain AdamW loop", **found}
    )
    seconds = found["seconds"]

    def classifier():
        EEGClassifier(
            copy.deepcopy(fresh),
            criterion=torch.nn.CrossEntropyLoss,
            optimizer=torch.optim.AdamW,
            optimizer__lr=1e-3,
            optimizer__weight_decay=1e-4,
            iterator_train__drop_last=True,
            batch_size=16,
            max_epochs=80,  # one full batch of 16 an epoch: 80 steps
            train_split=None,
            verbose=0,
            classes=[0, 1],
        ).fit(X.numpy(), y.numpy())

    found = paired(lambda: page_loop(copy.deepcopy(fresh), n_steps=80, lr=1e-3), classifier)
    rows.append(
        {
            "what": "80 training steps of the page",
            "against": "braindecode EEGClassifier",
            **found,
        }
    )

    # (c) how much of what this core can do is done
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        page_loop(copy.deepcopy(fresh), n_steps=2, lr=1e-3)
    flop = counter.get_total_flops() / 2 * 80
    A = torch.randn(1024, 1024)
    peaks = []
    for _ in range(9):
        begin = time.process_time()
        for _ in range(8):
            A @ A
        peaks.append(8 * 2 * 1024**3 / (time.process_time() - begin))
    peak = statistics.median(peaks)
    fraction = {
        "sgemm_gflop_per_s": peak / 1e9,
        "training_gflop_per_s": flop / seconds / 1e9,
        "fraction": flop / seconds / peak,
    }

    # (d) the price of one more labelled person, at a fixed number of epochs
    budgets = page["budgets"]
    X_all, y_all = page["X_target"], page["y_target"]
    people, medians = [], []
    for n, index in budgets.items():
        own = []
        for _ in range(6):
            model = copy.deepcopy(fresh)
            learner, seen = page["split_where_learning_starts"](model, X_all[index])
            begin = time.process_time()
            n_steps = round(20 * len(index) / 16)
            page["adamw_loop"](learner, seen, y_all[index], lr=1e-3, n_steps=n_steps)
            own.append(time.process_time() - begin)
        people.append(n)
        medians.append(statistics.median(own[1:]))
    slope, offset = np.polyfit(people, medians, 1)
    residual = np.abs(np.polyval((slope, offset), people) - medians).max()
    line = {
        "people": people,
        "seconds": medians,
        "seconds_per_person": float(slope),
        "worst_residual": float(residual),
    }
    return {"rows": rows, "peak": fraction, "line": line}


def show_finetune(result):
    """Print what was measured."""
    print(f"{'what':<46}{'against':<32}{'ratio':>7}  lowest-highest")
    for row in result["rows"]:
        spread = f"{row['lowest']:.1f}-{row['highest']:.1f}"
        print(f"{row['what']:<46}{row['against']:<32}{row['ratio']:>6.1f}x  {spread}")
        if "difference" in row:
            print(f"{'':<46}largest difference of a probability: {row['difference']:.1e}")
    peak, line = result["peak"], result["line"]
    print(
        f"training reaches {peak['training_gflop_per_s']:.0f} of "
        f"{peak['sgemm_gflop_per_s']:.0f} GFLOP/s ({peak['fraction']:.0%} of sgemm, one thread)"
    )
    print(
        f"one more labelled person costs {line['seconds_per_person'] * 1e3:.0f} ms of CPU at 20 "
        f"epochs; worst residual of the line {line['worst_residual'] * 1e3:.0f} ms"
    )


def evidence(page):
    """Run a page as it is on other simulated people, one run per seed.

    Parameters
    ----------
    page : str
        Short name of a page whose contract has ``evidence``.

    Returns
    -------
    list of _helpers.record.Record
        One for each seed.
    """
    study, n_draws = CONTRACTS[page].evidence
    (script,) = tutorials([page])

    def one(seed):
        run = run_example(script, study=f"{study}-{seed}", timeout=1200)
        print(f"{page}, seed {seed}: done", flush=True)
        return new_record(json.loads(run.line), run.seconds, run.memory, seed=seed)

    # Each run is a process of its own on one thread; what they print does not depend on speed.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(one, range(n_draws)))


def main(argv=None):
    """Measure and write ``docs/benchmarks.json`` or ``docs/evidence.json``."""
    parser = argparse.ArgumentParser(prog="nox -s bench --", description=main.__doc__)
    parser.add_argument(
        "what", nargs="?", default="finetune", choices=["finetune", "scale", "evidence"]
    )
    pages = [name for name, model in CONTRACTS.items() if model.evidence]
    parser.add_argument(
        "--page",
        choices=pages,
        help="evidence: only this page, and keep the rest of the file",
    )
    parser.add_argument(
        "--rounds", type=int, default=ROUNDS, help="scale: rounds of loop against workers"
    )
    args = parser.parse_args(argv)
    if args.what == "evidence":
        for page in [args.page] if args.page else pages:
            runs = [run.model_dump(mode="json") for run in evidence(page)]
            write_json(EVIDENCE, {**kept(EVIDENCE), page: runs})
        return 0
    if args.what == "finetune":
        result = bench_finetune()
        show_finetune(result)
    else:
        result = bench_scale(args.rounds)
        show_scale(result)
    # With its machine: another part of the file may be from another one.
    result |= {"machine": machine(), "versions": versions()}
    write_json(BENCHMARKS, {**kept(BENCHMARKS), args.what: result})
    return 0


if __name__ == "__main__":
    sys.exit(main())
