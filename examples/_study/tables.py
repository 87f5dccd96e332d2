"""Tables and sidecars of a BIDS folder, read strictly: what is wrong has a file and a row."""

import contextlib
import csv
import io
import json
import re
from unicodedata import normalize

import numpy as np
import pandas as pd

from _study.catalogue import StudyError

#: How a table says that a value is missing.
MISSING = ("n/a", "", "nan")


def read_table(path, *needed):
    """A ``.tsv`` file as text.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    *needed : str
        Columns that it must have.

    Returns
    -------
    pandas.DataFrame
        All columns as str; the index is the row of the file, 2 for the first below the header.

    Raises
    ------
    StudyError
        If the file is no text in UTF-8, has no header, lacks a column, has one twice, or if a row
        has more or fewer fields than the header. Tabs at the end of a line are no fields.
    """
    text = read_text(path)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter="\t", strict=True)
    rows, numbers = [], []
    try:
        for row in reader:
            if row:  # an empty line says nothing
                rows.append([field.strip() for field in row])
                numbers.append(reader.line_num)
    except csv.Error as err:
        raise StudyError(
            f"{path} cannot be read from row {numbers[-1] + 1 if numbers else 1} on ({err}). "
            "Correct that row: a quotation mark that opens has to close."
        ) from err
    if not rows:
        raise StudyError(
            f"{path} is empty: it has no header. Write its columns, or get a whole copy of this table."
        )
    # A tab at the end of a line opens a field without a name.
    n_columns = len("\t".join(rows[0]).rstrip("\t").split("\t"))
    if not any(any(row[n_columns:]) for row in rows):
        rows = [row[:n_columns] for row in rows]
    header = [normalize("NFC", name) for name in rows[0]]
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise StudyError(
            f"{path} has the column {twice} twice. Keep one of them, or give them names of their own."
        )
    for row, number in zip(rows, numbers, strict=True):
        if len(row) != len(header):
            raise StudyError(
                f"{path} has {len(row)} fields in row {number} and {len(header)} columns. Correct that "
                "row: fields are separated by tabs, and a missing value is n/a."
            )
    absent = [name for name in needed if name not in header]
    if absent:
        raise StudyError(
            f"{path} has no column {', '.join(absent)}, only {header}. {_name_columns(header, absent)}"
        )
    return pd.DataFrame(rows[1:], columns=header, index=numbers[1:], dtype=str)


def _name_columns(header, absent):
    """How a table gets the columns that it has not."""
    if len(header) == 1 and absent[0] in re.split("[,; ]+", header[0]):
        return "Separate its fields by tabs."
    small = {name.lower(): name for name in header}
    near = [f"{small[name]!r} to {name}" for name in absent if name in small]
    if near:
        return f"Rename {', '.join(near)}: BIDS writes them in small letters."
    if "onset" in absent and "sample" in header:
        return "Write onset, in seconds: sample divided by the sampling frequency."
    return "Write it, or get a whole copy of this table."


def read_numbers(table, column, path):
    """A column of :func:`read_table` as float, NaN where the value is missing.

    Parameters
    ----------
    table : pandas.DataFrame
        The table.
    column : str
        The column.
    path : pathlib.Path
        Where it was read, for messages.

    Returns
    -------
    ndarray of float, shape (n_rows,)
        Finite, or NaN.

    Raises
    ------
    StudyError
        If a value is not a finite number; the row is named.
    """
    numbers = np.full(len(table), np.nan)
    for at, value in enumerate(table[column]):
        if value.lower() in MISSING:
            continue
        with contextlib.suppress(ValueError):
            numbers[at] = float(value)
        if not np.isfinite(numbers[at]):
            near = value.replace(",", ".", 1)
            hint = f"write {near}" if near != value else "write a number, or n/a"
            raise StudyError(
                f"{path}: {column} is {value!r} in row {table.index[at]}, not a number: {hint}."
            )
    return numbers


def read_json(path):
    """A sidecar: a JSON object in UTF-8, with or without a mark in front.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    dict
        Its content.

    Raises
    ------
    StudyError
        If it is anything else; the message is the parser's.
    """
    text = read_text(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise StudyError(
            f"{path} is not JSON ({err}). Correct it, get a whole copy, or remove it."
        ) from err
    if not isinstance(content, dict):
        raise StudyError(
            f"{path} holds a {type(content).__name__}, not an object with names and values. Correct it, "
            "get a whole copy, or remove it."
        )
    return content


def entities(name):
    """Labels of a BIDS file name, ``{"sub": "01", "task": "rest"}``, without suffix and ending.

    Letters that a disk keeps in pieces are put together: they look alike, and are to be alike.
    """
    parts = normalize("NFC", name).split("_")
    return dict(part.split("-", 1) for part in parts if "-" in part)


def comparable(name):
    """Labels of a file name in which ``run-01`` is ``run-1``, as BIDS counts runs by number."""
    labels = entities(name)
    if labels.get("run", "").isdecimal():
        labels["run"] = str(int(labels["run"]))
    return labels


def entity(name, key):
    """Value of a BIDS entity in a file name.

    Parameters
    ----------
    name : str
        A file name.
    key : str
        For instance ``"task"``.

    Returns
    -------
    str
        Empty where the name does not have it.
    """
    return entities(name).get(key, "")


def find_sidecar(root, path, suffix):
    """The file that describes a recording: beside it, or above it by the inheritance principle.

    Parameters
    ----------
    root : pathlib.Path
        The BIDS folder.
    path : pathlib.Path
        A data file in it.
    suffix : str
        For instance ``"events.tsv"``.

    Returns
    -------
    pathlib.Path or None
        The nearest one whose labels do not differ from those of the recording.

    Raises
    ------
    StudyError
        If it is a link to nothing, or no file.
    """
    exact = path.with_name(f"{path.name.rpartition('_')[0]}_{suffix}")
    sidecar = exact if exact.exists() or exact.is_symlink() else None
    labels = set(comparable(path.name).items())
    folder = path.parent
    while sidecar is None and folder.is_relative_to(root):
        near = {}
        for other in folder.glob(f"*{suffix}"):
            shared = comparable(other.name)
            shared.pop("space", None)  # of electrodes: a property of theirs alone
            # A name that begins with a dot is a note of the system about a file.
            is_named = f"_{other.name}".endswith(f"_{suffix}") and other.name[0] != "."
            if is_named and set(shared.items()) <= labels:
                near[other] = len(shared)
        sidecar = max(sorted(near), key=near.get, default=None)
        folder = folder.parent
    if sidecar is not None and not sidecar.exists():
        raise StudyError(
            f"{sidecar} is a link to nothing: fetch the file it should lead to."
        )
    if sidecar is not None and not sidecar.is_file():
        raise StudyError(f"{sidecar} is no file: put the {suffix} of {path.name} there.")
    return sidecar


def read_text(path, *, asked_by="BIDS"):
    """Text of a file in UTF-8, with or without a mark in front.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    asked_by : str
        Who asks for UTF-8, for the message.

    Returns
    -------
    str
        All of it.

    Raises
    ------
    StudyError
        If it cannot be read, is not UTF-8, or holds NUL bytes.
    """
    try:
        text = path.read_bytes().decode("utf-8-sig")
        if "\0" in text:
            raise StudyError(
                f"{path} is no text: it holds NUL bytes. Write it anew, or get a whole copy."
            )
        return text
    except UnicodeDecodeError as err:
        raise StudyError(
            f"{path} is not UTF-8 (byte {err.object[err.start]:#x} cannot be read), "
            f"which {asked_by} asks for. Save it as UTF-8."
        ) from err
    except OSError as err:
        raise StudyError(
            f"{path} cannot be read ({err.strerror or err}). Make it readable."
        ) from err
