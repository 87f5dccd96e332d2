"""Where a checkpoint comes from, and how one is left for the next person."""

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import save

from _model.checkpoint import CONFIG, CheckpointError, read_checkpoint
from _model.families import WEIGHTS, family_of
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
#: What ``save_pretrained`` writes: each stands for its folder.
WRITTEN = (CONFIG, WEIGHTS, "pytorch_model.bin", CARD)
#: Endings of files with weights that are no folder, and no id either.
ONE_FILE = (
    ".pt",
    ".pth",
    ".ckpt",
    ".bin",
    ".pkl",
    ".h5",
    ".onnx",
    ".safetensors",
    ".zip",
    ".gz",
)
#: Words of a licence under which a modified copy cannot be passed on, and of no licence.
NO_COPIES = {
    "nd",
    "noderivatives",
    "noderivs",
    "gated",
    "unknown",
    "none",
    "other",
    "proprietary",
}
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

    def share_or_keep(self, model, name, about):
        """Share a model, or say why not and keep it on this machine: see :meth:`share`.

        Parameters
        ----------
        model : torch.nn.Module
            The adapted model.
        name, about : str
            Its folder and what the card says.

        Returns
        -------
        pathlib.Path
            The folder.
        """
        try:
            return self.share(model, name, about)
        except CheckpointError as refusal:
            print(refusal)
            return self.share(model, name, about, for_others=False)

    def share(self, model, name, about, *, for_others=True):
        """Save a model that was adapted from it: :func:`share`, with its scale, licence and origin.

        Parameters
        ----------
        model : torch.nn.Module
            The adapted model.
        name : str
            Of its folder below the cache.
        about : str
            What the card says: trained on whom, how good on whom.
        for_others : bool
            False keeps a copy on this machine, whatever the licence.

        Returns
        -------
        pathlib.Path
            The folder.

        Raises
        ------
        CheckpointError
            If its licence forbids to pass a modified copy on, or is not known.
        """
        card = {"licence": self.licence, "origin": self.origin, "about": about}
        card["for_others"] = for_others
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
    family = family_of(origin.partition("@")[0])
    licence = (family.licence or "unknown") if family else licence_of(folder)
    return Checkpoint(folder, origin, licence, network, expected)


def find_checkpoint(where):
    """The folder of a checkpoint, fetched from the hub if the reader asked for it.

    Parameters
    ----------
    where : str or path-like
        A folder, a file that ``save_pretrained`` wrote there, or an id on the hub such as
        ``organisation/name@revision``. Fetching needs ``EEG_TUTORIAL_DOWNLOAD=1``; its size is
        printed before.

    Returns
    -------
    folder : pathlib.Path
        Where its files are.
    name : str
        What a result has to say about its origin: name of the folder, or id and commit.

    Raises
    ------
    CheckpointError
        If it is another file, or nothing, or cannot be fetched.
    """
    shown = str(where)[:200]
    try:
        folder = Path(where).expanduser()
        is_file, is_folder = folder.is_file(), folder.is_dir()
    except (OSError, RuntimeError) as err:  # a name too long, a home of nobody
        raise CheckpointError(f"{shown!r} cannot be a folder: {err}") from err
    if is_file and folder.name in WRITTEN and _is_whole(folder.parent):
        folder, is_folder = folder.parent, True
    if is_folder:
        return folder, folder.resolve().name
    if is_file:
        raise CheckpointError(
            f"{shown} is a file, and a checkpoint is a folder: weights do not say which class, electrodes "
            "and rate they are for, and pickles (.pt, .ckpt, .bin) are not read, as they can run code. "
            "Where it was trained, load it into its Braindecode model, write "
            "model.save_pretrained('folder'), and give that folder"
        )
    asked = HUB.fullmatch(str(where))
    if not asked or folder.suffix in ONE_FILE or shown.startswith((".", "~")):
        raise CheckpointError(
            f"no such file or folder: {folder.absolute()}. Give a folder that save_pretrained wrote, or an "
            "id on the hub such as organisation/name@revision"
        )
    return _from_hub(**asked.groupdict())


def _is_whole(folder):
    return all((folder / name).is_file() for name in (CONFIG, WEIGHTS))


def _from_hub(name, revision):
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    family = family_of(name)
    weights = family.weights if family else WEIGHTS
    how = {
        "cache_dir": get_cache_dir() / "hub",
        "allow_patterns": [CONFIG, weights, SCALE_FILE, CARD],
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


def share(model, name, *, scale, licence, origin, about, for_others=True):
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
    for_others : bool
        False keeps a copy on this machine, whatever the licence.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    CheckpointError
        If the licence forbids to pass a modified copy on, or is not known.
    """
    words = set(re.split(r"[^a-z]+", licence.lower()))
    if for_others and words & NO_COPIES:
        raise CheckpointError(
            f"what was adapted from {origin} is not shared: the licence of its weights is {licence}, which "
            "does not let you pass a modified copy on. Share what is yours, the head and your code, or ask "
            f"the authors of the weights. If they are your own, write a licence into the {CARD} beside them: "
            "---, license: cc-by-4.0 and --- are its first three lines"
        )
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
    header = re.match(r"---\n(.*?)^---", text, re.M | re.S)
    header = header[1] if header else ""
    line = re.search(r"^license:[\s-]*[\"']?([\w.][\w. ()-]{0,59})[\"']?\s*$", header, re.M)
    licence = line[1].strip() if line else "unknown"
    return f"{licence} (gated)" if re.search(r"^(extra_)?gated", header, re.M) else licence
