"""What was measured, by its name: runs of this build, runs on a real study, and what stands accepted.

Numbers come from the JSON that the scraper left beside each page, and from records; nothing is read
off a page.
"""

import json
from pathlib import Path

from markupsafe import Markup
from sphinx.errors import ExtensionError

from _helpers.contracts import CONTRACTS, parse
from _helpers.filters import get
from _helpers.gallery import figure_text
from _helpers.pages import short_name
from _helpers.record import RecordError, drift, load


def tutorial(srcdir, word):
    """What a tutorial gave in this build.

    Parameters
    ----------
    srcdir : path-like
        Folder of the documentation's sources, with ``auto_examples/`` in it.
    word : str
        Short name, e.g. ``plot_73``.

    Returns
    -------
    path : pathlib.Path
        The file beside the generated page.
    content : dict
        ``contract`` and ``figures``.

    Raises
    ------
    ExtensionError
        If there is no such tutorial, or it shows no contract.
    """
    pages = sorted(Path(srcdir, "auto_examples").glob("plot_*.rst"))
    found = [page for page in pages if page.stem.startswith(f"{word}_")]
    if len(found) != 1:
        names = [page.stem for page in pages]
        raise ExtensionError(f"there is no tutorial {word!r}: there are {names}")
    path = found[0].with_suffix(".json")
    content = json.loads(path.read_text("utf-8")) if path.is_file() else {}
    if "contract" not in content:
        raise ExtensionError(f"{found[0].name} shows no contract of {word}")
    return path, content


def kept(srcdir, study, name):
    """A result on a real study, as ``docs/real`` keeps it; parameters and errors as in `tutorial`."""
    path = Path(srcdir, "real", study, f"{name}.json")
    try:
        result = load(path).model_dump()
    except RecordError as err:
        raise ExtensionError(f"real.{study}.{name}: {err}") from err
    for figure in result["figures"]:
        figure["file"] = f"real/{study}/{figure['file']}"
    return path, result


def source_of(srcdir, name):
    """File of a name, what it holds, and the keys that are left of the name."""
    word, *keys = name.split(".")
    if word != "real":
        return *tutorial(srcdir, word), keys
    if len(keys) < 2:
        raise ExtensionError(f"{name} is not real.STUDY.TUTORIAL.KEY")
    return *kept(srcdir, *keys[:2]), keys[2:]


def flat(record):
    """A contract, with what is known of its run beside its keys."""
    rest = {
        key: value for key, value in record.items() if key not in ("contract", "figures")
    }
    return rest | record["contract"]


def look_up(srcdir, name):
    """One value of a contract, from the run of this build or from a real study.

    Parameters
    ----------
    srcdir : path-like
        Folder of the documentation's sources.
    name : str
        Tutorial and keys, separated by dots; a number is a place in a list:
        ``plot_73.accuracy_ci.full-finetune.0``. With ``real.nm000109.`` in front, the value of a
        run on that study, whose ``provenance`` is a key as well.

    Returns
    -------
    object
        Number, string or bool.

    Raises
    ------
    ExtensionError
        If the tutorial, its contract or a key is not there, or the value is not a single one.
    """
    _, content, keys = source_of(srcdir, name)
    if name.startswith("real.") and not keys:
        raise ExtensionError(f"{name} is not real.STUDY.TUTORIAL.KEY")
    value = flat(content)
    for key in keys:
        try:
            value = get(value, key)
        except (KeyError, IndexError, ValueError, TypeError) as err:
            known = sorted(value) if isinstance(value, dict) else value
            raise ExtensionError(f"{name}: no {key!r}, there is {known}") from err
    if isinstance(value, dict | list):
        raise ExtensionError(f"{name} is not one value but {value}: add a key")
    return value


def figure(srcdir, name, number):
    """A figure of a tutorial, or of its run on a real study.

    Parameters
    ----------
    srcdir : path-like
        Folder of the documentation's sources.
    name : str
        For instance ``plot_73`` or ``real.nm000109.plot_73``.
    number : int
        Place on its page, from 1.

    Returns
    -------
    path : pathlib.Path
        The JSON file that says so; the generated page is beside it.
    text : Markup
        Restructured text.

    Raises
    ------
    ExtensionError
        If the page has no such figure.
    """
    path, content, _ = source_of(srcdir, name)
    figures = content["figures"]
    if not 1 <= number <= len(figures):
        there = list(range(1, len(figures) + 1))
        raise ExtensionError(f"{path.stem} has figures {there}, not {number}")
    return path, Markup(figure_text(**figures[number - 1]))


def standings(pages, runs, references):
    """The last run of every tutorial beside its reference.

    Parameters
    ----------
    pages : list of str
        Names of the tutorials' files, e.g. ``["plot_73_finetune_pretrained_model"]``.
    runs, references : dict of str to dict
        Records by tutorial: of the last run here, and those that were accepted.

    Returns
    -------
    dict
        ``pages``, a row for each tutorial, and ``runs``, a record for each machine and day.

    Raises
    ------
    ContractError
        If a record breaks its schema.
    """
    rows, made_on = [], {}
    for page in pages:
        name = short_name(page)
        row = {"page": page, "name": name, "last": runs.get(name) or references.get(name)}
        rows.append(row)
        if (last := row["last"]) is None:
            continue
        contract, promise = last["contract"], CONTRACTS[name]
        parse(json.dumps(contract))
        again = name in runs and name in references
        where = json.dumps([last["machine"], last["versions"], last["date"]])
        made_on.setdefault(where, last)
        row |= {
            "headline": promise.headline.format(**contract),
            "accepted": name in references,
            "again": again,
            "moved": drift(contract, references[name]["contract"]) if again else {},
            "fields": promise.model_fields,
            "run": list(made_on).index(where) + 1,
        }
    return {"pages": rows, "runs": list(made_on.values())}
