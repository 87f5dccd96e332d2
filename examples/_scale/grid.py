"""Cells of a grid of trainings: plain functions that any engine can call."""

import numpy as np
import torch

import _runtime
from _model.encoder import encoder_state, freeze_encoder, load_encoder
from _model.ledger import fingerprint
from _model.training import evaluate, make_optimizer, shuffled_batches, train
from _scale.files import WindowFiles
from _study import StudyError
from _study.cache import replacing


def refuse_few(study, source, target):
    """Refuse a study with too few people for the grid, before anything slow starts.

    Parameters
    ----------
    study : str
        Its name, for the message.
    source, target : sequence of str
        People to pretrain on and people to adapt to.

    Raises
    ------
    StudyError
        If there is nobody to pretrain on, or there are no two people each to learn from and to test.
    """
    if len(source) < 1 or len(target) < 4:
        raise StudyError(
            f"{study} has {len(source)} people to pretrain on and {len(target)} to adapt to: the grid "
            "needs one and four, two of whom are test people. Open a study with six people or more"
        )


def build_model(windows, seed):
    """A :class:`~braindecode.models.ShallowFBCSPNet` that fits some windows.

    Parameters
    ----------
    windows : WindowFiles
        Windows of any people.
    seed : int
        Seed of the weights.

    Returns
    -------
    torch.nn.Module
        The network.
    """
    from braindecode.models import ShallowFBCSPNet  # after _study, which calms its import

    torch.manual_seed(seed)
    n_chans, n_times = windows.files[0].shape[1:]
    return ShallowFBCSPNet(
        n_chans=n_chans,
        n_outputs=len(windows.classes),
        n_times=n_times,
        sfreq=windows.sfreq,
    )


def train_from_files(model, windows, *, lr, **how):
    """Train what may learn, on windows that are read batch by batch.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place.
    windows : WindowFiles
        Windows to learn from.
    lr : float
        Learning rate.
    **how
        ``n_steps``, ``batch_size`` and ``seed`` of :func:`_model.training.shuffled_batches`.
    """
    train(
        model, shuffled_batches(windows, windows.targets, **how), make_optimizer(model, lr)
    )


def pretrain(folder, subjects, checkpoint, n_steps=150):
    """Train an encoder on some people and save it; a checkpoint that is there is made again.

    Parameters
    ----------
    folder : str
        Files of :func:`save_person`.
    subjects : tuple of str
        Whom to learn from.
    checkpoint : str
        File to write.
    n_steps : int
        Length of training.

    Returns
    -------
    dict
        ``status``, and ``weights``: a fingerprint of what was learned.
    """
    _runtime.setup()
    windows = WindowFiles(folder, subjects)
    model = build_model(windows, seed=0)
    train_from_files(model, windows, lr=2e-3, n_steps=n_steps, batch_size=64, seed=0)
    with replacing(checkpoint) as file:
        torch.save(encoder_state(model), file)
    return {"status": "done", "weights": fingerprint(model)}


def train_cell(folder, checkpoint, regime, seed, train_people, test_people, lr, n_steps=45):
    """One cell of the grid: a regime, a seed and a fold in, a score per test person out.

    Parameters
    ----------
    folder : str
        Files of :func:`save_person`.
    checkpoint : str
        File of :func:`pretrain`.
    regime : {"from-scratch", "linear-probe", "full-finetune"}
        What the encoder starts from, and what learns.
    seed : int
        Head, weights and order of the windows. Regimes with one seed share all three.
    train_people, test_people : tuple of str
        Both sides of the fold.
    lr : float
        Learning rate.
    n_steps : int
        Length of training.

    Returns
    -------
    dict
        ``status``; ``correct``, test windows answered correctly per test person; ``windows``,
        how many each has; ``weights``, a fingerprint of the trained network.

    Raises
    ------
    _model.encoder.EncoderError
        If the checkpoint is of another network.
    """
    _runtime.setup()
    windows, unseen = WindowFiles(folder, train_people), WindowFiles(folder, test_people)
    model = build_model(windows, seed)
    if regime != "from-scratch":
        load_encoder(model, torch.load(checkpoint))
    if regime == "linear-probe":
        freeze_encoder(model)
    train_from_files(model, windows, lr=lr, n_steps=n_steps, batch_size=16, seed=seed)
    batches = torch.arange(len(unseen)).split(64)
    hits = [evaluate(model, unseen[rows], unseen.targets[rows]) for rows in batches]
    hits, subjects = np.concatenate(hits), np.array(unseen.metadata["subject"])
    own = {person: hits[subjects == person] for person in test_people}
    return {
        "status": "done",
        "correct": {person: int(values.sum()) for person, values in own.items()},
        "windows": {person: len(values) for person, values in own.items()},
        "weights": fingerprint(model),
    }
