"""Cells of a grid of trainings: plain functions that any engine can call."""

import hashlib

import numpy as np
import torch

import _runtime
from _cache import replacing
from _scale_files import ScaleError, WindowFiles, to_tensors


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


def train(model, windows, *, lr, n_steps, batch_size, seed):
    """Train what may learn, on windows that are read batch by batch.

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place; already in training or evaluation mode.
    windows : WindowFiles
        Windows to learn from.
    lr : float
        Learning rate of :class:`~torch.optim.AdamW`.
    n_steps, batch_size, seed : int
        Length of training, and the order of the windows.
    """
    learning = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(learning, lr=lr, weight_decay=1e-4)
    order = torch.Generator().manual_seed(seed)
    how = {"shuffle": True, "generator": order, "collate_fn": to_tensors, "drop_last": True}
    loader = torch.utils.data.DataLoader(windows, min(batch_size, len(windows)), **how)
    batches = (
        batch for _ in iter(int, 1) for batch in loader
    )  # as many passes as it takes
    for _, (X, y) in zip(range(n_steps), batches, strict=False):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(X), y).backward()
        optimizer.step()


def is_head(name):
    """Does a parameter or buffer belong to the last layer?"""
    return name.startswith("final_layer")


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
    model = build_model(windows, seed=0).train()
    train(model, windows, lr=2e-3, n_steps=n_steps, batch_size=64, seed=0)
    encoder = {k: v for k, v in model.state_dict().items() if not is_head(k)}
    with replacing(checkpoint) as file:
        torch.save(encoder, file)
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
    """
    _runtime.setup()
    windows, unseen = WindowFiles(folder, train_people), WindowFiles(folder, test_people)
    model = build_model(windows, seed).train()
    if regime != "from-scratch":
        loaded = model.load_state_dict(torch.load(checkpoint), strict=False)
        if loaded.unexpected_keys or not all(map(is_head, loaded.missing_keys)):
            raise ScaleError(f"{checkpoint} does not fit this network: {loaded}")
    if regime == "linear-probe":
        model.eval()  # frozen: no running statistics move, no dropout
        for name, parameter in model.named_parameters():
            parameter.requires_grad = is_head(name)
    train(model, windows, lr=lr, n_steps=n_steps, batch_size=16, seed=seed)
    model.eval()
    hits = []
    with torch.no_grad():
        for batch in torch.utils.data.DataLoader(unseen, 64, collate_fn=to_tensors):
            hits.append(model(batch[0]).argmax(dim=1) == batch[1])
    hits = torch.cat(hits).numpy()
    own = {
        person: hits[np.array(unseen.metadata["subject"]) == person]
        for person in test_people
    }
    return {
        "status": "done",
        "correct": {person: int(values.sum()) for person, values in own.items()},
        "windows": {person: len(values) for person, values in own.items()},
        "weights": fingerprint(model),
    }


def fingerprint(model):
    """SHA-256 over every parameter and buffer of a network: equal only if each bit is.

    Parameters
    ----------
    model : torch.nn.Module
        A network.

    Returns
    -------
    str
        Hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name, value in model.state_dict().items():
        digest.update(name.encode())
        digest.update(value.cpu().numpy().tobytes())
    return digest.hexdigest()
