"""What silence costs: small models, pretrained here, adapted with a mistake that nobody reports (docs/silence.json).

``nox -s zoo -- --adapt``. Each family is trained on the simulated source people in a small configuration, shared,
read again as plot_92 reads a folder, and adapted by all regimes, once with the right windows and once with each
mistake, in training and in the test alike, as it happens to somebody who does not know of it.
"""

import json
import multiprocessing
import os
import sys
import tempfile
from importlib.metadata import version

import numpy as np

from _helpers.pages import DOCS, ROOT, sibling, write_if_changed

SILENCE = DOCS / "silence.json"
STUDY, RATE, SEEDS, N_PEOPLE = "simulated-transfer", 200.0, (1, 2, 3), 8
N_STEPS, N_PRETRAIN, PRETRAIN_LR = 60, 150, 1e-3
#: Validation people choose, with the right windows and the first initialisation.
RATES = dict.fromkeys(("from-scratch", "full-finetune"), (3e-4, 1e-3, 3e-3))
RATES["linear-probe"] = (1e-3, 3e-3, 1e-2)
#: Configurations that train in seconds; the last one has no published weights, and is what they are compared with.
SMALL = {
    "BENDR": {"encoder_h": 64, "contextualizer_hidden": 64},
    "BIOT": {"embed_dim": 64, "num_heads": 4, "num_layers": 2, "max_seq_len": 512},
    "CBraMod": {"n_layer": 2, "dim_feedforward": 200, "nhead": 4},
    "EEGConformer": {},
    "EEGNet": {"batch_norm_momentum": 0.1},  # at 0.01 its statistics need more steps
    "EEGPT": {"embed_dim": 32, "depth": 2, "num_heads": 4},
    "SignalJEPA_PostLocal": {},
    "STEEGFormer": {"embed_dim": 64, "depth": 2, "num_heads": 4},
}


def twice_as_fast(X):
    """A second of windows at twice the rate, as long in samples as two seconds at the right one."""
    n_times = X.shape[-1]
    faster = sibling("_model.fit").mne.filter.resample(
        X.astype(float), up=2.0, verbose="ERROR"
    )
    return faster[..., n_times // 2 : n_times // 2 + n_times].astype(np.float32)


#: BENDR takes its own 20 channels by name only; STEEGFormer fetches a list of names.
PLAIN = ("BENDR", "STEEGFormer")
MISTAKES = {
    "one channel less": lambda X: X[:, :-1],
    "half a window": lambda X: X[..., : X.shape[-1] // 2],
    "channels reversed": lambda X: X[:, ::-1].copy(),
    "twice the rate": twice_as_fast,
    "volts for microvolts": lambda X: X * np.float32(1e-6),
}


def windows(study):
    """Windows at the rate of the models, in units of 100 uV."""
    X = sibling("_model.fit").mne.filter.resample(
        study.windows.astype(float), up=RATE, down=study.sfreq, verbose="ERROR"
    )
    return (X / 100).astype(np.float32)


def open_data():
    """Source windows, target windows, and their split by people."""
    transfer = sibling("_model.transfer").open_transfer(STUDY)
    return transfer, windows(transfer.source), windows(transfer.target)


def build(name, transfer, n_outputs):
    """A small model of a family, which knows its electrodes where it can."""
    import inspect

    from braindecode.models.util import models_dict

    told = {"n_outputs": n_outputs, "n_chans": len(transfer.source.ch_names), "sfreq": RATE}
    told["n_times"] = round(RATE * transfer.source.windows.shape[2] / transfer.source.sfreq)
    if "chs_info" in inspect.signature(models_dict[name]).parameters and name not in PLAIN:
        told["chs_info"] = sibling("_model.fit").channel_infos(transfer.source.ch_names)
    return models_dict[name](**told, **SMALL[name])


def adapt(checkpoint, regime, seed, X, y, rows, lr, part="test"):
    """One regime from one initialisation: right or not for each window of a part."""
    import torch

    encoder, training = sibling("_model.encoder"), sibling("_model.training")
    torch.manual_seed(seed)
    model, _ = sibling("_model.fit").with_new_head(
        checkpoint,
        int(checkpoint.n_times),
        2,
        keep=regime != "from-scratch",
    )
    for name, parameter in model.named_parameters():
        parameter.requires_grad = regime != "linear-probe" or encoder.is_head(name, model)
    learner, A, A_test = encoder.precompute_frozen(model, X[rows["train"]], X[rows[part]])
    batches = training.shuffled_batches(A, y[rows["train"]], n_steps=N_STEPS, seed=seed)
    training.train(learner, batches, training.make_optimizer(learner, lr))
    return training.evaluate(learner, A_test, y[rows[part]])


def choose(checkpoint, regime, *data):
    """The learning rate with most validation windows right; the first of equals."""

    def right(lr):
        return adapt(checkpoint, regime, SEEDS[0], *data, lr, "validation").sum()

    return max(RATES[regime], key=right)


def score(checkpoint, regime, X, y, rows, lr, subjects):
    """Accuracy of each test person, mean over initialisations; or what the model said."""
    scores = sibling("_score.scores")
    try:
        hits = [adapt(checkpoint, regime, seed, X, y, rows, lr) for seed in SEEDS]
    except Exception as err:  # a model refuses in any way
        return sibling("_model.which").reason(err)
    return scores.per_subject(np.mean(hits, axis=0), subjects)


def measure(name):
    """Pretrain, share, read, adapt: a family with the right windows, and with each mistake."""
    runtime = sibling("_runtime")
    runtime.setup()
    import warnings

    import torch

    warnings.simplefilter("ignore")
    training, scores = sibling("_model.training"), sibling("_score.scores")
    transfer, X_source, X_target = open_data()
    torch.manual_seed(0)
    model = build(name, transfer, len(transfer.source.classes))
    y = torch.tensor(transfer.source.targets)
    batches = training.shuffled_batches(
        torch.tensor(X_source), y, n_steps=N_PRETRAIN, batch_size=64
    )
    model(torch.tensor(X_source[:2]))  # gives lazy layers their shapes
    training.train(model, batches, training.make_optimizer(model, PRETRAIN_LR))
    with tempfile.TemporaryDirectory() as folder:
        cache, os.environ["EEGDASH_CACHE_DIR"] = os.environ.get("EEGDASH_CACHE_DIR"), folder
        card = {"licence": "cc0-1.0", "origin": "simulated", "about": "Made for a table."}
        shared = sibling("_model.share").share(model, name, scale="uV/100", **card)
        again = sibling("_model.checkpoint").read_checkpoint(shared)
        os.environ.pop("EEGDASH_CACHE_DIR")
        if cache:
            os.environ["EEGDASH_CACHE_DIR"] = cache
    X = torch.tensor(X_source[:8])
    with torch.no_grad():
        same = torch.equal(again(X), model.eval()(X))
    _, loaded = sibling("_model.fit").with_new_head(again, int(again.n_times), 2)
    groups = {part: transfer.parts[part] for part in ("validation", "test")}
    groups["train"] = transfer.parts[N_PEOPLE]
    y, subjects = torch.tensor(transfer.target.targets), transfer.subjects
    row = {
        "n_params": sum(p.numel() for p in model.parameters()),
        "reloaded_unchanged": same,
        "tensors": [loaded.n, loaded.of],
    }
    right = {}
    X = torch.tensor(X_target)
    lr = {regime: choose(again, regime, X, y, groups) for regime in RATES}
    for regime in RATES:
        right[regime] = score(again, regime, X, y, groups, lr[regime], subjects)
        row[regime] = spread(right[regime]) | {"lr": lr[regime]}
    row["mistakes"] = {}
    for what, spoil in MISTAKES.items():
        wrong, told = torch.tensor(spoil(X_target)), {}
        for regime in ("linear-probe", "full-finetune"):
            people = score(again, regime, wrong, y, groups, lr[regime], subjects)
            if isinstance(people, str):
                told = {"refused": people}
                break
            cost = scores.difference(people, right[regime])
            told[regime] = spread(people) | {
                "cost": round(cost.mean, 4),
                "cost_ci": [round(end, 4) for end in cost.ci],
            }
        row["mistakes"][what] = told
    return row


def spread(people):
    """Mean over people and its interval."""
    ends = sibling("_score.scores").interval(people, share=True)
    return {"mean": round(float(people.mean()), 4), "ci": [round(end, 4) for end in ends]}


def main(names=()):
    """Measure every family and write docs/silence.json."""
    os.environ["HF_HUB_OFFLINE"] = "1"  # read when the package is imported
    sibling("_runtime")
    fork, names, results = multiprocessing.get_context("fork"), [*(names or SMALL)], {}
    with fork.Pool(2, maxtasksperchild=1) as pool:
        for name, row in zip(names, pool.imap(measure, names), strict=True):
            results[name] = row
            print(f"{name:<24}{row['full-finetune']['mean']:.2f}", flush=True)
    transfer, *_ = open_data()
    content = {
        "braindecode": version("braindecode"),
        "study": STUDY,
        "n_train_people": N_PEOPLE,
        "n_test_people": transfer.people["test"],
        "n_seeds": len(SEEDS),
        "families": results,
    }
    write_if_changed(SILENCE, json.dumps(content, indent=1, sort_keys=True) + "\n")
    print(f"{len(results)} families in {SILENCE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
