"""Cells of a grid of trainings: plain functions that any engine can call."""

import functools

import numpy as np
import torch

import _runtime
from _model.adapt import adapt, build_model, pretrain
from _model.encoder import encoder_state
from _model.ledger import fingerprint
from _model.training import evaluate
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


def builder_for(windows):
    """How to build a network that fits some windows.

    Parameters
    ----------
    windows : WindowFiles
        Windows of any people.

    Returns
    -------
    callable
        :func:`_model.adapt.build_model`; what is left to say is ``seed``.
    """
    n_chans, n_times = windows.files[0].shape[1:]
    return functools.partial(
        build_model,
        n_chans=n_chans,
        n_times=n_times,
        n_outputs=len(windows.classes),
        sfreq=windows.sfreq,
    )


def pretrain_encoder(folder, subjects, checkpoint, n_steps=150):
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
    build, y = builder_for(windows), windows.targets
    model = pretrain(build, windows, y, n_steps=n_steps, store=False)
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
        File of :func:`pretrain_encoder`.
    regime : str
        A key of :data:`_regimes.REGIMES`.
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
    model = adapt(
        builder_for(windows),
        windows,  # read batch by batch
        windows.targets,
        regime,
        encoder=torch.load(checkpoint),
        seed=seed,
        n_steps=n_steps,
        lr=lr,
        store=False,
    )
    batches = torch.arange(len(unseen)).split(64)
    hits = [evaluate(model, unseen[rows], unseen.targets[rows]) for rows in batches]
    hits, subjects = np.concatenate(hits), np.array(unseen.metadata["subject"])
    by_person = {person: hits[subjects == person] for person in test_people}
    return {
        "status": "done",
        "correct": {person: int(values.sum()) for person, values in by_person.items()},
        "windows": {person: len(values) for person, values in by_person.items()},
        "weights": fingerprint(model),
    }
