"""A study of which everything is known but its signals, and the windows of some of its people."""

import contextlib
import zlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from _study.catalogue import Recipe, StudyError, null_of, shorten
from _study.cut import balance
from _study.events import event_values
from _study.find import (
    ANOTHER_TARGET,
    choose_cohort,
    first_people,
    is_written_here,
    locate,
    most_people,
    recipe_of,
    record_of,
    subject_targets,
)
from _study.folder import find_recordings, read_participants
from _study.settings import check_recipe, override_recipe
from _study.shared import decide, is_decided
from _study.windows import read_windows


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
        int64 class labels, or float32 values when ``column=`` named a column.
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

    @property
    def shape(self):
        """What a network has to know of these windows: ``n_chans``, ``n_times`` and ``sfreq``."""
        _, n_chans, n_times = self.windows.shape
        return {"n_chans": n_chans, "n_times": n_times, "sfreq": self.sfreq}


@dataclass(frozen=True, eq=False, repr=False)
class StudyIndex:
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
    recipe : _study.catalogue.Recipe
        What the study needs, with what all of its people share filled in, see
        :func:`_study.shared.decide`; as asked for, where that cannot be decided.
    effect : float or None
        Size of the planted effect; 0 where nothing can be learned, None where nobody knows.
    cohort, column, on_missing : str or None
        As asked.
    targets : dict of str to float or None
        Value of ``column`` of each person; None where it is a column of the events.
    absent : tuple of str
        People of ``participants.tsv`` who have no recording.
    n_listed : int
        People of ``participants.tsv``.
    recordings : tuple of pathlib.Path
        Of all people of the study, not of these alone: they decide what all share.
    """

    root: Path
    people: pd.DataFrame
    records: dict
    recipe: Recipe
    effect: float | None
    cohort: str = "all"
    column: str | None = None
    on_missing: str = "raise"
    targets: dict | None = None
    absent: tuple = ()
    n_listed: int = 0
    recordings: tuple = ()

    def without_effect(self):
        """The same people with nothing to learn: no effect planted, or values exchanged.

        Returns
        -------
        StudyIndex
            The null. Where no study without the effect can be simulated, values of ``column`` are
            exchanged between people, at random but always in the same way.

        Raises
        ------
        StudyError
            If there is neither an effect to leave out nor a value per person to exchange.
        """
        null = null_of(self.root.name) if is_written_here(self.root) else None
        if null is None:
            return self._exchange_targets()
        return find_study(
            null,
            cohort=self.cohort,
            column=self.column,
            on_missing=self.on_missing,
            recipe=self.recipe,
        )

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
        records = []
        for subject in self._choose(subjects):
            records += self.records[subject]
        return self.read(records, classes=classes, channels=channels)

    def read(self, records, *, classes=None, channels=None):
        """Windows of some recordings.

        Parameters
        ----------
        records : list of dict
            Some of ``records``, of any people.
        classes, channels : str or tuple of str, optional
            See :meth:`open`.

        Returns
        -------
        Study
            As :meth:`open` gives it.

        Raises
        ------
        StudyError
            As :meth:`open` does.
        """
        if not records:
            raise StudyError(
                f"no recordings of {self.root} to open: take them from find_study()"
            )
        recipe = self._final_recipe(records, classes, channels)
        self._print_absent()
        windows, metadata = read_windows(self.root, records, recipe)
        if self.targets is not None:
            values = metadata["subject"].map(self.targets)
            metadata["target"] = values.astype(np.float32)
        elif self.column is not None:
            windows, metadata = self._value_events(windows, metadata, records, recipe)
        elif recipe.balance:
            windows, metadata = self._balance(windows, metadata, recipe)
        self._print_opened(windows, metadata, recipe)
        return Study(
            name=self.root.name,
            data=self._origin(),
            windows=windows,
            unit="uV",
            targets=metadata["target"].to_numpy(copy=True),
            classes=recipe.classes if self.column is None else (),
            metadata=metadata,
            ch_names=recipe.channels,
            sfreq=recipe.sfreq,
            question=self.column or recipe.question or " vs ".join(recipe.classes),
            effect=self.effect,
            cohort=self.cohort,
        )

    def _choose(self, subjects):
        """Labels of the people to open, sorted; None is everybody."""
        if subjects is None:
            return list(self.records)
        asked = [str(subject) for subject in subjects]
        strangers = sorted(set(asked) - set(self.records))
        if strangers or not asked:
            raise StudyError(
                f"subjects={strangers or asked} are not among the {len(self.records)} people of "
                f"{self.root}: take them from list_people()"
            )
        return sorted(asked)

    def _final_recipe(self, records, classes, channels):
        """The recipe by which windows are read: the one place where it becomes final."""
        recipe = override_recipe(self.recipe, classes=classes, channels=channels)
        if recipe is self.recipe and is_decided(recipe):
            return recipe
        if classes is not None:
            recipe = replace(recipe, cues=None)
        paths = self.recordings or [self.root / one["bids_relpath"] for one in records]
        recipe, notes = decide(
            self.root,
            paths,
            recipe,
            by_event=self.column is None,
            whole=self.targets is not None,
        )
        for line in notes:
            print(line)
        return recipe

    def _exchange_targets(self):
        """The same people, with their values dealt out anew: at random, but always in the same way."""
        if self.targets is None:
            raise StudyError(
                f"{self.root.name} has no values to exchange between people: pass column=, a numeric "
                "column of participants.tsv; only simulated-pfactor has an effect to leave out"
            )
        subjects = list(self.targets)
        rng = np.random.default_rng(zlib.crc32(self.root.name.encode()))
        values = [self.targets[subjects[i]] for i in rng.permutation(len(subjects))]
        print(f"{self.root.name}: values of {self.column} are exchanged between people")
        targets = dict(zip(subjects, values, strict=True))
        people = self.people.assign(
            target=[targets[subject] for subject in self.people.index]
        )
        return replace(self, people=people, targets=targets, effect=0.0)

    def _value_events(self, windows, metadata, records, recipe):
        """Windows whose event has a value of ``column``, which becomes their target."""
        paths = [self.root / record["bids_relpath"] for record in records]
        values = event_values(metadata, self.root, paths, self.column, recipe)
        metadata["target"] = values
        known = metadata["target"].notna().to_numpy()
        if not known.all():
            missing = f"{(~known).sum()} of {len(known)} windows have no {self.column}"
            if not known.any():
                raise StudyError(f"{missing}: choose another target: {ANOTHER_TARGET}")
            if self.on_missing == "raise":
                raise StudyError(f"{missing}: pass on_missing='drop'")
            print(f"{self.root.name}: {missing}, dropped")
            windows = windows[known]
            metadata = metadata[known].reset_index(drop=True)
        metadata["target"] = metadata["target"].astype(np.float32)
        return windows, metadata

    def _balance(self, windows, metadata, recipe):
        """Equally many windows of each class for each person."""
        rows = balance(metadata, recipe.classes)
        if not len(rows):
            raise StudyError(
                f"nobody in {self.root.name} has windows of all classes {list(recipe.classes)}: pass classes= "
                "that a person can have both of"
            )
        return windows[rows], metadata.iloc[rows].reset_index(drop=True)

    def _origin(self):
        """Where signals come from: no line may pass for a simulated one by its name."""
        if is_written_here(self.root):
            return "simulated"
        named_so = self.root.name.startswith("simulated")
        return f"folder:{self.root.name}" if named_so else self.root.name

    def _print_absent(self):
        """Say who of the table has no recording."""
        if self.absent:
            n_present = self.n_listed - len(self.absent)
            names = shorten([f"sub-{subject}" for subject in self.absent])
            print(
                f"{self.root.name}: {self.n_listed} in participants.tsv, {n_present} with recordings: no "
                f"{names}"
            )

    def _print_opened(self, windows, metadata, recipe):
        """Say what was opened, and whom to thank."""
        n_windows, n_chans, n_times = windows.shape
        people = f"{metadata['subject'].nunique()} people"
        if self.cohort != "all":
            people = f"{people} ({self.cohort} cohort)"
        print(
            f"{self.root.name}: {people}, {n_windows} windows of {n_chans} channels x {n_times} samples "
            f"at {recipe.sfreq:g} Hz"
        )
        if recipe.credit and not is_written_here(self.root):
            print(f"  {recipe.credit}")


def find_study(
    name, *, cohort="all", task=None, column=None, on_missing="raise", recipe=None
):
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
        Which people. A column ``cohort`` of ``participants.tsv`` with source and target decides;
        without one, the first ``n_source`` people (a third, where the recipe does not say) are the
        source.
    task : str or tuple of str, optional
        Overrides the study's recipe.
    column : str or None
        None: the target of a window is the class of its event. Otherwise a numeric column of
        ``participants.tsv``, given to every window of the person, or of the ``events.tsv`` files,
        given to every window of the event.
    on_missing : {"raise", "drop"}
        What to do with people, or events, whose value is ``n/a``; what is dropped is printed.
    recipe : Recipe or None
        All settings of the study: classes, channels, window, filter and what else
        :class:`_study.catalogue.Recipe` lists. None takes what is known of it, see
        :func:`_study.settings.get_recipe`; to change one of these, pass
        ``dataclasses.replace(get_recipe(name), window_s=1.0)``.

    Returns
    -------
    StudyIndex
        ``.people`` is a table; ``.open(subjects)`` gives windows; ``.without_effect()`` is the null.

    Raises
    ------
    StudyError
        If the study is unknown, is not BIDS, has no recording of the task, lacks a participant or
        a value, must be downloaded without permission or network, if a setting cannot be used, or
        if the cache cannot be written.
    """
    index = _find_people(
        name, cohort=cohort, task=task, column=column, on_missing=on_missing, recipe=recipe
    )
    with contextlib.suppress(
        StudyError
    ):  # said when it is opened, perhaps with other classes
        return replace(index, recipe=index._final_recipe([], None, None))
    return index


def _find_people(
    name, *, cohort="all", task=None, column=None, on_missing="raise", recipe=None
):
    """The index of a study from its tables and the names of its files; nothing is decided yet."""
    if cohort not in ("all", "source", "target"):
        raise StudyError(f"cohort={cohort!r} is unknown: use 'all', 'source' or 'target'")
    if on_missing not in ("raise", "drop"):
        raise StudyError(f"on_missing={on_missing!r} is unknown: use 'raise' or 'drop'")
    if recipe is not None:
        recipe = check_recipe(recipe)
        task = task or recipe.task
    most = most_people(name)
    root = locate(name, task, most)
    recipe, effect = recipe_of(root, recipe)
    recipe = override_recipe(recipe, task=task)
    table = read_participants(root)
    files = find_recordings(root, recipe, table)
    everybody = first_people(sorted(files), table, recipe, most)
    subjects = choose_cohort(sorted(files), table, recipe, cohort, root)[:most]
    targets, subjects = subject_targets(table, subjects, column, on_missing, root)
    people = table.loc[subjects].rename_axis("subject")
    if targets is not None:
        people["target"] = [float(targets[subject]) for subject in subjects]
    records = {}
    for subject in subjects:
        records[subject] = [record_of(root, path) for path in sorted(files[subject])]
    return StudyIndex(
        root=root,
        people=people,
        records=records,
        recipe=recipe,
        effect=effect,
        cohort=cohort,
        column=column,
        on_missing=on_missing,
        targets=targets,
        absent=tuple(subject for subject in table.index if subject not in files),
        n_listed=len(table),
        recordings=tuple(path for subject in everybody for path in sorted(files[subject])),
    )


def list_people(name, **settings):
    """People of a study, before any signal is read.

    Parameters
    ----------
    name : str or path-like
        A study, see :func:`find_study`.
    **settings
        See :func:`find_study`.

    Returns
    -------
    pandas.DataFrame
        One row per person, see :class:`StudyIndex`.

    Raises
    ------
    StudyError
        As :func:`find_study` does.
    """
    return _find_people(name, **settings).people


def open_study(name, *, subjects=None, classes=None, channels=None, **settings):
    """Find a study and open it: :func:`find_study`, then :meth:`StudyIndex.open`.

    Parameters
    ----------
    name : str or path-like
        A study, see :func:`find_study`.
    subjects, classes, channels
        See :meth:`StudyIndex.open`.
    **settings
        See :func:`find_study`, ``recipe=`` among them.

    Returns
    -------
    Study
        Windows in microvolts, targets and the metadata table.

    Raises
    ------
    StudyError
        As both do.
    """
    index = find_study(name, **settings)
    return index.open(subjects, classes=classes, channels=channels)


def open_records(root, records, *, classes=None, channels=None, recipe=None):
    """Windows of some recordings of a study that was found, read as if they were a study alone.

    Nobody looks for recordings again, so that another process can open its share of them.

    Parameters
    ----------
    root : str or pathlib.Path
        ``StudyIndex.root``; its name decides which recipe is used.
    records : list of dict
        Some of ``StudyIndex.records``.
    classes, channels : sequence of str, optional
        See :meth:`StudyIndex.open`.
    recipe : Recipe or None
        See :func:`find_study`.

    Returns
    -------
    Study
        As :meth:`StudyIndex.open` gives it.

    Raises
    ------
    StudyError
        As :meth:`StudyIndex.open` does.
    """
    root = Path(root)
    recipe, effect = recipe_of(root, recipe)
    index = StudyIndex(root, pd.DataFrame(), {}, recipe, effect)
    return index.read(records, classes=classes, channels=channels)
