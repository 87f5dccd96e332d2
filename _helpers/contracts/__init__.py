"""The JSON line that ends every tutorial: each page's promise, and a parser that checks it.

``plot_NN.py`` here holds ``Page``, the promise of ``examples/plot_NN_*.py``: its keys, what must hold
between them, its headline, and on which data its claim is shown again.
"""

import importlib
import json
import pkgutil
from collections import Counter
from typing import Literal

from pydantic import Field, ValidationError, create_model

from _helpers.contracts.base import ContractError

NAMES = sorted(m.name for m in pkgutil.iter_modules(__path__) if "plot_" in m.name)


def _promise(name):
    """The model of a page: that of its file, for lines that say its name."""
    page = importlib.import_module(f"{__name__}.{name}").Page
    about = Field(description="short name of the page")
    return create_model(name, __base__=page, tutorial=(Literal[name], about))


#: Short name of a page -> the model of its line.
CONTRACTS = {name: _promise(name) for name in NAMES}


#: Characters that are looked into, far more than the 1,500 of a page, and problems that are listed.
MOST_CHARACTERS, MOST_PROBLEMS = 1_000_000, 5


def _reject_constant(name):
    raise ContractError(f"the JSON line holds {name}, which is not a finite number")


def _without_twins(pairs):
    """A dictionary of what JSON says is one; of two values for one key the last would win."""
    if len(values := dict(pairs)) < len(pairs):
        counted = Counter(key for key, _ in pairs)
        twice = [key for key, n in counted.items() if n > 1]
        raise ContractError(f"the JSON line holds a key twice: {_short(twice[:5])}")
    return values


def _short(value):
    """A value in at most 200 characters, for a message."""
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= 200 else f"{text[:190]}..."


def parse(stdout):
    """Read and check the JSON line that ends a tutorial's output.

    Parameters
    ----------
    stdout : str
        Everything the tutorial printed.

    Returns
    -------
    _helpers.contracts.base.Contract
        The model of that tutorial, with the checked values.

    Raises
    ------
    ContractError
        If the last line is not the JSON object of a known tutorial, or breaks its promise.
    """
    if not (lines := stdout.rstrip().splitlines()):
        raise ContractError("the tutorial printed nothing: a JSON object has to end it")
    line, start = lines[-1], repr(lines[-1][:120])
    if len(line) > MOST_CHARACTERS:
        raise ContractError(f"the last line has {len(line):,} characters: {start}")
    hooks = {"parse_constant": _reject_constant, "object_pairs_hook": _without_twins}
    try:
        values = json.loads(line, **hooks)
    except ContractError:
        raise
    except (ValueError, RecursionError) as err:  # also an integer of thousands of digits
        raise ContractError(
            f"the last line is not JSON ({_short(str(err))}): {start}"
        ) from err
    if not isinstance(values, dict) or "tutorial" not in values:
        what = "the last line is not a contract, it has no key 'tutorial'"
        raise ContractError(f"{what}: {start}")
    if not isinstance(name := values["tutorial"], str) or name not in CONTRACTS:
        known = sorted(CONTRACTS)
        raise ContractError(f"unknown tutorial {_short(repr(name))}: known are {known}")
    try:
        # Through JSON, so that lists become tuples and integers stay integers.
        return CONTRACTS[name].model_validate_json(line)
    except ValidationError as err:
        problems = []
        for error in err.errors(include_url=False, include_input=False)[:MOST_PROBLEMS]:
            where = _short(".".join(map(str, error["loc"])) or "contract")
            problems.append(
                _short(f"{where}: {error['msg'].removeprefix('Value error, ')}")
            )
        if (more := err.error_count() - len(problems)) > 0:
            problems.append(f"and {more} more")
        raise ContractError(f"{name}: {'; '.join(problems)}") from err
    except (
        ValueError,
        TypeError,
        RecursionError,
    ) as err:  # a rule met what it did not expect
        raise ContractError(f"{name}: {type(err).__name__}: {_short(str(err))}") from err
