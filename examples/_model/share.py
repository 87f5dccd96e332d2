"""Where a checkpoint comes from, and how one is left for the next person."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save

from _model.checkpoint import CONFIG, WEIGHTS, CheckpointError, read_checkpoint
from _model.fit import (
    SCALE_FILE,
    Expected,
    expected_windows,
    match_windows,
    with_new_head,
)
from _study.cache import get_cache_dir, replacing

#: The card beside a checkpoint.
CARD = "README.md"
#: Id on the hub, with a revision.
HUB = re.compile(r"(?P<name>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True)
class Checkpoint:
    """A checkpoint that was opened: its network, and the windows that this was trained on.

    Attributes
    ----------
    folder : pathlib.Path
        Where its files are.
    origin : str
        What a result has to say about it: name of the folder, or id on the hub and commit.
    licence : str
        Of the weights; ``"unknown"`` where the card does not say.
    network : torch.nn.Module
        As it was saved, with its old head, in evaluation mode.
    expected : _model.fit.Expected
        Channels, rate, length and scale of its windows.
    """

    folder: Path
    origin: str
    licence: str
    network: torch.nn.Module
    expected: Expected

    def windows(self, X, ch_names, sfreq):
        """Bring windows to what the network was trained on: :func:`_model.fit.match_windows`.

        Parameters
        ----------
        X : ndarray, shape (n_windows, n_chans, n_times)
            Windows in uV.
        ch_names : sequence of str
            Their channels.
        sfreq : float
            Their sampling frequency in Hz.

        Returns
        -------
        X : ndarray of float32, shape (n_windows, n_expected_chans, n_times_at_its_rate)
            As the network has to see them.
        steps : dict of str to list of str
            What was done.
        """
        return match_windows(X, ch_names, sfreq, self.expected)

    def model(self, n_times, n_outputs, *, keep=True):
        """Its encoder under a fresh head: :func:`_model.fit.with_new_head`.

        Parameters
        ----------
        n_times, n_outputs : int
            Samples of a window at the rate of the network, and classes.
        keep : bool
            False leaves the encoder at random weights too.

        Returns
        -------
        fresh : torch.nn.Module
            The model for these windows.
        loaded : _model.encoder.Loaded or None
            How many tensors of the encoder were taken over; None where none should be.
        """
        return with_new_head(self.network, n_times, n_outputs, keep=keep)

    def share(self, model, name, about):
        """Save a model that was adapted from it: :func:`share`, with its scale, licence and origin.

        Parameters
        ----------
        model : torch.nn.Module
            The adapted model.
        name : str
            Of its folder below the cache.
        about : str
            What the card says: trained on whom, how good on whom.

        Returns
        -------
        pathlib.Path
            The folder.
        """
        card = {"licence": self.licence, "origin": self.origin, "about": about}
        return share(model, name, scale=self.expected.scale, **card)


def open_checkpoint(where, device="cpu"):
    """Find a checkpoint, read it as data, and learn what its windows were like.

    Parameters
    ----------
    where : str or path-like
        See :func:`find_checkpoint`.
    device : torch.device or str
        Where its network goes.

    Returns
    -------
    Checkpoint
        All of it. Where ``config.json`` names no class, ``EEG_TUTORIAL_CHECKPOINT_CLASS`` does.

    Raises
    ------
    CheckpointError
        If it cannot be found or read safely, or nobody says what its windows were like.
    """
    folder, origin = find_checkpoint(where)
    class_name = os.environ.get("EEG_TUTORIAL_CHECKPOINT_CLASS")
    network = read_checkpoint(folder, class_name).to(device)
    expected = expected_windows(folder, network)
    return Checkpoint(folder, origin, licence_of(folder), network, expected)


def find_checkpoint(where):
    """The folder of a checkpoint, fetched from the hub if the reader asked for it.

    Parameters
    ----------
    where : str or path-like
        A folder, or an id on the hub such as ``organisation/name@revision``. Fetching needs
        ``EEG_TUTORIAL_DOWNLOAD=1``; its size is printed before.

    Returns
    -------
    folder : pathlib.Path
        Where its files are.
    name : str
        What a result has to say about its origin: name of the folder, or id and commit.

    Raises
    ------
    CheckpointError
        If it is neither, or cannot be fetched.
    """
    folder = Path(where).expanduser()
    if folder.is_dir():
        return folder, folder.resolve().name
    asked = HUB.fullmatch(str(where))
    if not asked:
        raise CheckpointError(
            f"EEG_TUTORIAL_CHECKPOINT is {str(where)[:200]!r}: neither a folder nor an id such as "
            "organisation/name@revision"
        )
    return _from_hub(**asked.groupdict())


def _from_hub(name, revision):
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    how = {
        "cache_dir": get_cache_dir() / "hub",
        "allow_patterns": [CONFIG, WEIGHTS, SCALE_FILE, CARD],
    }
    try:
        folder = snapshot_download(name, revision=revision, local_files_only=True, **how)
        return Path(folder), f"{name}@{Path(folder).name[:8]}"
    except LocalEntryNotFoundError as err:
        if os.environ.get("EEG_TUTORIAL_DOWNLOAD") != "1":
            raise CheckpointError(
                f"{name} is no folder here and was not fetched before: set EEG_TUTORIAL_DOWNLOAD=1 to fetch "
                "it from the hub, or give the path of a folder"
            ) from err
    try:
        info = HfApi().model_info(name, revision=revision, files_metadata=True)
        sizes = {f.rfilename: f.size or 0 for f in info.siblings}
        n = sum(size for file, size in sizes.items() if file in how["allow_patterns"])
        print(f"fetching {name}, revision {info.sha}: {n / 1e6:,.1f} MB")
        folder = snapshot_download(name, revision=info.sha, **how)
    except (OSError, ValueError, HfHubHTTPError) as err:
        raise CheckpointError(
            f"{name} could not be fetched ({type(err).__name__}: {str(err).splitlines()[0][:200]}): look "
            "whether the id and the revision exist, and whether their licence asks for an account"
        ) from err
    return Path(folder), f"{name}@{info.sha[:8]}"


def share(model, name, *, scale, licence, origin, about):
    """Save an adapted model so that somebody else can load it and knows what it is.

    Parameters
    ----------
    model : torch.nn.Module
        The adapted model.
    name : str
        Of its folder below the cache.
    scale : str
        Of its windows, a key of :data:`_model.fit.SCALES`.
    licence, origin : str
        Of the weights it started from. ``save_pretrained`` would write the licence of the class.
    about : str
        What the card says: trained on whom, how good on whom.

    Returns
    -------
    pathlib.Path
        The folder.
    """
    folder = get_cache_dir() / name
    folder.mkdir(exist_ok=True)
    card = (
        f"---\nlicense: {licence}\nlibrary_name: braindecode\nbase_model: {origin}\n---\n\n"
        f"# {type(model).__name__}, adapted from {origin}\n\n{about}\n\nLicence of the weights it "
        f"started from: {licence}. Windows were scaled by `{scale}`, channels and rate are in "
        f"`config.json`.\n"
    )
    texts = {
        CONFIG: json.dumps({**model.get_config(), "model_class": type(model).__name__}),
        SCALE_FILE: json.dumps({"scale": scale}),
        CARD: card,
    }
    for file, text in texts.items():
        with replacing(folder / file) as unfinished:
            unfinished.write(text.encode())
    with replacing(folder / WEIGHTS) as unfinished:
        unfinished.write(save({k: v.contiguous() for k, v in model.state_dict().items()}))
    return folder


def licence_of(folder):
    """Licence of the weights, from the card beside them; ``"unknown"`` where it does not say."""
    card = folder / CARD
    text = card.read_text("utf-8", "replace")[:100_000] if card.is_file() else ""
    header = re.search(
        r"\A---\n.*?^license:\s*([\w.-]{1,60})\s*$.*?^---", text, re.M | re.S
    )
    return header[1] if header else "unknown"
