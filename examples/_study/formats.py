"""Kinds of files that hold a recording: what belongs to them, and what a reader has to know of them."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from _study.catalogue import StudyError

#: Number of a part in a name: MNE cuts a .fif file that is large, and reads all parts from the first on.
SPLIT = r"_split-(\d+)_"
#: What a file begins with, whatever its name ends in.
FIRST_BYTES = {b"\xffBIOSEMI": ".bdf", b"0       ": ".edf", b"\x1f\x8b": ".gz"}


def _no_names(path):
    return []


def _names_in_vhdr(path):
    """Names of the data and marker files in a BrainVision header, the data file first."""
    names = {}
    for line in path.read_bytes().splitlines():
        key, _, value = line.decode("latin-1").partition("=")
        if key.strip().lower() in ("datafile", "markerfile") and "\0" not in value:
            name = value.strip().replace("$b", path.stem)
            names.setdefault(key.strip().lower(), name)
    return [name for _, name in sorted(names.items()) if len(name) < 256]


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes
    ----------
    parts : tuple of str
        Endings of the files that BIDS puts beside it.
    samples : str
        Which of these endings holds the samples, where the file does not and names no other.
    names_in_header : callable
        Takes the path, gives names of the files that its header leads to, that of the samples first.
    letters : dict
        What the reader of MNE takes for letters beyond ASCII.
    unit : str
        Unit of the signals by convention, where the header has none.
    any_case : bool
        Does MNE read its ending in capital letters as well?
    """

    parts: tuple = ()
    samples: str = ""
    names_in_header: Callable = _no_names
    letters: dict = field(default_factory=dict)
    unit: str = ""
    any_case: bool = True


#: What is opened, by its ending. A new format is one entry, if MNE and MNE-BIDS read it: EEGDash
#: passes over the endings that MNE-BIDS does not know.
FORMATS = {
    ".edf": Format(letters={"encoding": "latin1"}),
    ".bdf": Format(letters={"encoding": "latin1"}),
    ".set": Format(
        parts=(".fdt",),
        samples=".fdt",
        letters={"uint16_codec": "latin-1"},
        unit="uV",
        any_case=False,
    ),
    ".vhdr": Format(
        parts=(".eeg", ".vmrk"), names_in_header=_names_in_vhdr, any_case=False
    ),
    ".fif": Format(),
}
#: Their endings.
DATA_SUFFIXES = tuple(FORMATS)


def format_of(path):
    """What is known of a data file by its ending; nothing special of one that is not listed."""
    return FORMATS.get(path.suffix.lower(), Format())


def is_data(path):
    """Does the name of a file end as one that is opened, in small letters or capitals?"""
    return path.suffix.lower() in FORMATS


def data_files(stem, paths):
    """Those files of a recording that can hold its signals.

    Parameters
    ----------
    stem : pathlib.Path
        What their names begin with, for messages.
    paths : list of pathlib.Path
        All files of the recording.

    Returns
    -------
    list of pathlib.Path
        Of one that MNE wrote in parts the first, which leads on to the others.

    Raises
    ------
    StudyError
        If a part is missing before others, or the tables of the parts differ.
    """
    files = [p for p in paths if is_data(p) and "_eeg." in p.name]
    numbers = {p: re.search(SPLIT, p.name) for p in files if p.suffix.lower() == ".fif"}
    parts = {int(number[1]): p for p, number in numbers.items() if number}
    for number in range(1, max(parts, default=0)):
        if number not in parts:
            raise StudyError(
                f"part {number} of {stem.name} is missing: {', '.join(p.name for p in parts.values())} cannot "
                f"be read without {stem.name}_split-{number:02d}_eeg.fif. Fetch it."
            )
    tables = [p for p in paths if p.name.endswith("_events.tsv") and p.is_file()]
    if parts and len({p.read_bytes() for p in tables}) > 1:
        raise StudyError(
            f"{stem.name} is one recording in {len(parts)} parts and has {len(tables)} events.tsv that differ: "
            "write all events, in seconds since the start of the first part, into each of them."
        )
    later = [parts[number] for number in parts if number > 1]
    return [p for p in files if p not in later]


def refuse_capitals(paths):
    """Refuse files whose ending MNE reads in small letters only.

    Parameters
    ----------
    paths : list of pathlib.Path
        Data files.

    Raises
    ------
    StudyError
        With their names.
    """
    large = [p for p in paths if p.suffix != p.suffix.lower() and not format_of(p).any_case]
    if large:
        raise StudyError(
            f"{', '.join(path.name for path in large)}: MNE reads the ending {large[0].suffix} in small letters "
            f"only. Rename it to {large[0].suffix.lower()}."
        )


def ending_by_content(path):
    """Ending that the first bytes of a file stand for; its own where they are not known."""
    with path.open("rb") as file:
        first = file.read(8)
    for begin, ending in FIRST_BYTES.items():
        if first.startswith(begin):
            return ending
    return path.suffix.lower()


def parts_of(path):
    """Files that belong to a data file, by their names in BIDS and by its own words.

    Parameters
    ----------
    path : pathlib.Path
        A data file.

    Returns
    -------
    list of pathlib.Path
        Whether they are there or not.
    """
    if not path.is_file():
        return []
    form = format_of(path)
    beside = [path.with_suffix(ending) for ending in form.parts]
    return [*beside, *(path.parent / name for name in form.names_in_header(path))]


def signal_file(path):
    """The file that holds the samples of a recording.

    Parameters
    ----------
    path : pathlib.Path
        A data file.

    Returns
    -------
    pathlib.Path
        What its header names, or what lies beside it by convention; itself where neither is there.
    """
    form = format_of(path)
    names = form.names_in_header(path)
    other = path
    if names:
        other = path.parent / names[0]
    elif form.samples:
        other = path.with_suffix(form.samples)
    return other if other.is_file() else path
