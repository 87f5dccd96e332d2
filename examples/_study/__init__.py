"""One door from a BIDS dataset on disk to checked windows with a table beside them.

A simulated study is written once as a BIDS dataset under the cache and from then on loaded like
any other: EEGDash's records name the recordings, MNE reads them, Braindecode preprocesses them and
cuts the windows. What passes elsewhere in silence (a missing recording, a file cut short, a person
absent from ``participants.tsv``, channels in another order than their table, a target of ``n/a``) is
refused here, by name, before anything slow starts. A study is only read: EEGDash's own reader, which
repairs tables and headers in place, and MNE-BIDS, which locks them, are not asked.

Behind the door are rooms: ``_study.catalogue`` (names and numbers), ``_study.find`` (name to folder to
people), ``_study.folder``, ``_study.tables``, ``_study.events`` and ``_study.channels`` (a folder without
its signals), ``_study.windows`` (signals), ``_study.twins``, ``_study.quality``
and ``_study.quality`` (what is wrong with them) and ``_study.simulated.write`` (studies that are written here).
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

import _study.events
import _study.find
import _study.windows
from _study.cache import get_cache_dir
from _study.catalogue import (
    StudyError,
    download_size,
    get_budget,
    get_recipe,
    null_of,
    override_recipe,
)
from _study.events import until_next_cue
from _study.folder import DATA_SUFFIXES, shorten

__all__ = [
    "DATA_SUFFIXES",
    "Found",
    "Study",
    "StudyError",
    "download_size",
    "find_study",
    "get_budget",
    "get_cache_dir",
    "get_recipe",
    "list_people",
    "open_records",
    "open_study",
    "until_next_cue",
]


@dataclass(frozen=True)
class Study:
    """Windows of one study, ready for a model.

    Attributes
    ----------
    name : str
        Name of the study; for a local folder, the folder's name.
    data : str
        ``"simulated"`` or the dataset's name: what a result has to say about its origin.
    windows : ndarray of float32, shape (n_windows, n_chans, n_times)
        Signals in ``unit``.
    unit : str
        Unit of ``windows``, ``"uV"``.
    targets : ndarray, shape (n_windows,)
        int64 class labels, or float32 values when ``target=`` named a column.
    classes : tuple of str
        Name of each label; empty for a numeric target.
    metadata : pandas.DataFrame
        One row per window: ``sample_id``, ``subject``, ``task``, ``recording``, ``start_s``, ``target``.
    ch_names : tuple of str
        Channel names, in the order of the windows.
    sfreq : float
        Sampling frequency in Hz.
    question : str
        What a window is asked, e.g. ``"rest vs arithmetic"``.
    effect : float or None
        Size of the planted effect; 0 where nothing can be learned, None where nobody knows.
    cohort : {"all", "source", "target"}
        Which people.
    """

    name: str
    data: str
    windows: np.ndarray
    unit: str
    targets: np.ndarray
    classes: tuple
    metadata: pd.DataFrame
    ch_names: tuple
    sfreq: float
    question: str
    effect: float | None = None
    cohort: str = "all"


class Found:
    """A study of which everything is known but its signals; see :func:`find_study`.

    Attributes
    ----------
    root : pathlib.Path
        Its folder.
    people : pandas.DataFrame
        One row per person with recordings, indexed by ``subject``: the columns of
        ``participants.tsv`` as text, and with ``column=`` a column ``target`` of float.
    records : dict of str to list of dict
        EEGDash's records of each person: plain values, for :func:`open_records`.
    """

    def __init__(self, found):
        self._found = found
        self.root = found.root
        self.people = found.table.loc[list(found.files)].rename_axis("subject")
        if found.values is not None:
            self.people["target"] = [float(found.values[s]) for s in found.files]
        self.records = {
            subject: [_study.find.record_of(found.root, path) for path in sorted(paths)]
            for subject, paths in found.files.items()
        }

    def without_effect(self):
        """The same people with nothing to learn: no effect planted, or values exchanged.

        Returns
        -------
        Found
            The null. Where no study without the effect can be simulated, values of ``column`` are
            exchanged between people, at random but always in the same way.

        Raises
        ------
        StudyError
            If there is neither an effect to leave out nor a value per person to exchange.
        """
        found = self._found
        null = null_of(self.root.name) if _study.find.is_written_here(self.root) else None
        if null is None:
            return Found(_study.find.exchange_values(found))
        which = {"cohort": found.cohort, "task": found.recipe.task}
        return find_study(null, **which, column=found.column, on_missing=found.on_missing)

    def open(self, subjects=None, *, classes=None, channels=None):
        """Windows of these people.

        Parameters
        ----------
        subjects : sequence of str or None
            Exactly these people, for instance one side of a split of ``people``.
        classes, channels : str or tuple of str, optional
            Override the study's recipe, see :class:`_study.catalogue.Recipe`.

        Returns
        -------
        Study
            Windows in microvolts, targets and the metadata table.

        Raises
        ------
        StudyError
            If somebody is not among these people, a recording lacks a channel, an event or its
            end, or nothing is left.
        """
        found, chosen = self._found, list(self.records)
        if subjects is not None:
            asked = [str(subject) for subject in subjects]
            absent = sorted(set(asked) - set(chosen))
            if absent or not asked:
                raise StudyError(
                    f"subjects={absent or asked} are not among the {len(chosen)} people of "
                    f"{self.root}: take them from list_people()"
                )
            chosen = sorted(asked)
        records = [record for subject in chosen for record in self.records[subject]]
        recipe = override_recipe(found.recipe, None, classes, channels)
        return _open(found, records, recipe)


def find_study(name, *, cohort="all", task=None, column=None, on_missing="raise"):
    """Find a study and its people, and refuse what can be refused before a signal is read.

    Parameters
    ----------
    name : str or path-like
        ``"simulated-transfer"`` or ``"simulated-pfactor"`` (written under the cache on first use;
        ``"simulated-transfer-7"`` is another draw of people, with seed 7, and
        ``"simulated-pfactor-effect0.25"`` another effect), the path of a local BIDS dataset, or a
        dataset id of the EEGDash catalogue. ``EEG_TUTORIAL_DOWNLOAD=1`` in the environment is the
        permission to download, ``EEG_TUTORIAL_MAX_SUBJECTS`` a limit for real studies.
    cohort : {"all", "source", "target"}
        Which people. The column ``cohort`` of ``participants.tsv`` decides; without one, the
        first ``n_source`` people (a third, where the recipe does not say) are the source.
    task : str or tuple of str, optional
        Overrides the study's recipe.
    column : str or None
        None: the target of a window is the class of its event. Otherwise a numeric column of
        ``participants.tsv``, given to every window of the person, or of the ``events.tsv`` files,
        given to every window of the event.
    on_missing : {"raise", "drop"}
        What to do with people, or events, whose value is ``n/a``; what is dropped is printed.

    Returns
    -------
    Found
        ``.people`` is a table; ``.open(subjects)`` gives windows; ``.without_effect()`` is the null.

    Raises
    ------
    StudyError
        If the study is unknown, is not BIDS, has no recording of the task, lacks a participant or
        a value, must be downloaded without permission or network, or if the cache cannot be
        written.
    """
    return Found(
        _study.find.find_people(
            name, cohort=cohort, task=task, column=column, on_missing=on_missing
        )
    )


def list_people(name, **which):
    """People of a study, before any signal is read; ``which`` as in :func:`find_study`."""
    return find_study(name, **which).people


def open_study(name, *, subjects=None, classes=None, channels=None, **which):
    """Find a study and open it: :func:`find_study` with ``which``, then :meth:`Found.open`."""
    return find_study(name, **which).open(subjects, classes=classes, channels=channels)


def open_records(root, records, *, classes=None, channels=None):
    """Windows of some recordings of a study that was found, read as if they were a study alone.

    Parameters
    ----------
    root : str or pathlib.Path
        ``Found.root``; its name decides which recipe is used.
    records : list of dict
        Some of ``Found.records``.
    classes, channels : sequence of str, optional
        See :meth:`Found.open`.

    Returns
    -------
    Study
        As :meth:`Found.open` gives it.

    Raises
    ------
    StudyError
        As :meth:`Found.open` does.
    """
    root = Path(root)
    recipe, effect = _study.find.recipe_of(root)
    recipe = override_recipe(recipe, None, classes, channels)
    return _open(_study.find.some_people(root, recipe, effect), records, recipe)


def _open(found, records, recipe):
    """Read windows, give them their targets, and print what was opened."""
    root, column = found.root, found.column
    for what, names in (("channels", recipe.channels), ("classes", recipe.classes)):
        twice = sorted({name for name in names or () if names.count(name) > 1})
        if twice:
            raise StudyError(f"{what}= has {twice} twice: pass each name once")
    if found.without:
        n_with = len(found.table) - len(found.without)
        print(
            f"{root.name}: {len(found.table)} in participants.tsv, {n_with} with recordings: no "
            f"{shorten([f'sub-{subject}' for subject in found.without])}"
        )
    windows, metadata, recipe = _study.windows.read_windows(
        root, records, recipe, by_event=column is None
    )
    if found.values is not None:
        metadata["target"] = metadata["subject"].map(found.values).astype(np.float32)
    elif column is not None:
        paths = [root / record["bids_relpath"] for record in records]
        metadata["target"] = _study.events.event_values(
            metadata, root, paths, column, recipe
        )
        known = metadata["target"].notna().to_numpy()
        if not known.all():
            missing = f"{(~known).sum()} of {len(known)} windows have no {column}"
            if found.on_missing == "raise":
                raise StudyError(f"{missing}: pass on_missing='drop'")
            print(f"{root.name}: {missing}, dropped")
            windows, metadata = windows[known], metadata[known].reset_index(drop=True)
        metadata["target"] = metadata["target"].astype(np.float32)
    elif recipe.balance:
        keep = _study.windows.balance(metadata, recipe.classes)
        if not len(keep):
            raise StudyError(
                f"nobody in {root.name} has windows of all classes {list(recipe.classes)}: pass classes= "
                "that a person can have both of"
            )
        windows, metadata = windows[keep], metadata.iloc[keep].reset_index(drop=True)
    simulated = _study.find.is_written_here(root)
    named_so = root.name.startswith("simulated")  # a line must not pass for a simulated one
    label = "simulated" if simulated else f"folder:{root.name}" if named_so else root.name
    n_windows, n_chans, n_times = windows.shape
    who = f"{metadata['subject'].nunique()} people"
    who = who if found.cohort == "all" else f"{who} ({found.cohort} cohort)"
    print(
        f"{root.name}: {who}, {n_windows} windows of {n_chans} channels x {n_times} samples "
        f"at {recipe.sfreq:g} Hz"
    )
    if recipe.credit and not simulated:
        print(f"  {recipe.credit}")
    return Study(
        name=root.name,
        data=label,
        windows=windows,
        unit="uV",
        targets=metadata["target"].to_numpy(copy=True),
        classes=() if column is not None else recipe.classes,
        metadata=metadata,
        ch_names=recipe.channels,
        sfreq=recipe.sfreq,
        question=column or recipe.question or " vs ".join(recipe.classes),
        effect=found.effect,
        cohort=found.cohort,
    )
