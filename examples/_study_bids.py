"""A BIDS folder without its signals: tables and files, and what is refused before anything slow starts."""

import pandas as pd

from _study_catalogue import StudyError

DATA_SUFFIXES = (".edf", ".bdf", ".set", ".vhdr", ".fif")


def read_participants(root):
    """``participants.tsv`` as text, indexed by subject label without ``sub-``."""
    if not (root / "dataset_description.json").is_file():
        raise StudyError(
            f"{root} is not a BIDS dataset: it has no dataset_description.json. Pass the folder "
            "that holds that file, participants.tsv and the sub-* folders."
        )
    if not (root / "participants.tsv").is_file():
        raise StudyError(
            f"{root} has no participants.tsv. Write one, a row per person, with at least the "
            "column participant_id (sub-01, sub-02, ...)."
        )
    try:
        table = pd.read_csv(
            root / "participants.tsv", sep="\t", dtype=str, keep_default_na=False
        )
    except UnicodeDecodeError as err:
        raise StudyError(
            f"{root / 'participants.tsv'} is not UTF-8 (byte {err.object[err.start]:#x} cannot be read), "
            "which BIDS asks for. Save it as UTF-8."
        ) from err
    if "participant_id" not in table.columns:
        raise StudyError(
            f"{root / 'participants.tsv'} has no column participant_id, only {list(table.columns)}"
        )
    return table.set_index(table["participant_id"].str.removeprefix("sub-"))


def find_recordings(root, recipe, people):
    """Data files per subject, or a StudyError for what is missing on disk or in participants.tsv."""
    stems = {}
    for sidecar in sorted(root.glob("sub-*/**/eeg/sub-*")):
        stem, _, suffix = sidecar.name.rpartition("_")
        if suffix.split(".")[0] in ("eeg", "events", "channels") and "_task-" in stem:
            stems.setdefault(sidecar.parent / stem, []).append(sidecar)
    tasks = sorted({entity(stem.name, "task") for stem in stems})
    stems = {
        s: f
        for s, f in stems.items()
        if recipe.task is None or entity(s.name, "task") in recipe.task
    }
    if not stems:
        found = (
            f"the tasks there are {tasks}"
            if tasks
            else "it holds no sub-*/eeg/ recording at all"
        )
        raise StudyError(
            f"no recording of task {list(recipe.task or ())} in {root}: {found}"
        )
    files = {}
    for stem, beside in stems.items():
        data = [
            f
            for f in beside
            if f.name.startswith(stem.name + "_eeg.") and f.suffix in DATA_SUFFIXES
        ]
        if not data or not data[0].exists():
            raise StudyError(
                f"the data file of {stem.name} is missing: {stem.parent} has its sidecars but no readable "
                f"{stem.name}_eeg with {', '.join(DATA_SUFFIXES)}. Fetch the file, or delete its sidecars."
            )
        if len(data) > 1:
            raise StudyError(
                f"{stem.name} has {len(data)} data files: {', '.join(sorted(f.name for f in data))}. "
                "Keep one of them."
            )
        subject = entity(stem.name, "sub")
        if subject not in people.index:
            raise StudyError(
                f"sub-{subject} has recordings but no row in {root / 'participants.tsv'}. "
                "Add the row, or move the recordings away."
            )
        files.setdefault(subject, []).append(data[0])
    refuse_copies([path for paths in files.values() for path in paths])
    if not recipe.task:
        return files
    for subject, paths in files.items():
        absent = set(recipe.task) - {entity(p.name, "task") for p in paths}
        if absent:
            raise StudyError(
                f"sub-{subject} has no recording of task {sorted(absent)} in {root}: fetch it, or pass task= "
                f"without it (the tasks there are {tasks})"
            )
    return files


def refuse_copies(paths):
    """Two files with the same samples are one recording: on both sides of a split it is a leak.

    Copies have the same size, so that only those are read, and of them only a piece in the middle
    and the end: a header that somebody renamed does not hide a copy.
    """
    by_size = {}
    for path in paths:
        beside = [path.with_suffix(end) for end in (path.suffix, ".eeg", ".fdt")]
        data = max((p for p in beside if p.is_file()), key=lambda p: p.stat().st_size)
        by_size.setdefault(data.stat().st_size, []).append((path, data))
    for size, own in by_size.items():
        seen = {}
        for path, data in own if len(own) > 1 else ():
            with data.open("rb") as stream:
                pieces = []
                for start in (size // 2, max(size - 2**16, 0)):
                    stream.seek(start)
                    pieces.append(stream.read(2**16))
            first = seen.setdefault(tuple(pieces), path)
            # A stretch of one and the same byte is no signal to compare.
            if first is not path and len(set(pieces[0])) > 1:
                raise StudyError(
                    f"{first.name} and {path.name} hold the same signal: one is a copy, and would stand on "
                    "both sides of a split. Find out which is right, and remove the other."
                )


def entity(name, key):
    """Value of a BIDS entity in a file name, or an empty string."""
    return next(
        (part[len(key) + 1 :] for part in name.split("_") if part.startswith(f"{key}-")), ""
    )


def event_columns(root):
    """Columns of all ``events.tsv`` files of a dataset, sorted."""
    columns = set()
    for path in root.glob("sub-*/**/eeg/*_events.tsv"):
        with path.open(encoding="utf-8") as lines:
            columns |= set(lines.readline().rstrip("\r\n").split("\t"))
    return sorted(columns - {""})
