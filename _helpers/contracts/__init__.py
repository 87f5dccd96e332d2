"""The JSON line that ends every tutorial: each page's promise, and a parser that checks it.

``plot_NN.py`` here holds ``Page``, the promise of ``examples/plot_NN_*.py``: its keys, what must hold
between them, its headline, and on which data its claim is shown again.
"""

import importlib
import json
import pkgutil
from typing import Literal

from pydantic import ValidationError, create_model

from _helpers.contracts.base import ContractError

NAMES = sorted(m.name for m in pkgutil.iter_modules(__path__) if "plot_" in m.name)


def _promise(name):
    """The model of a page: that of its file, for lines that say its name."""
    page = importlib.import_module(f"{__name__}.{name}").Page
    return create_model(name, __base__=page, tutorial=(Literal[name], ...))


#: Short name of a page -> the model of its line.
CONTRACTS = {name: _promise(name) for name in NAMES}


def _reject_constant(name):
    raise ContractError(f"the JSON line holds {name}, which is not a finite number")


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
    try:
        values = json.loads(line, parse_constant=_reject_constant)
    except json.JSONDecodeError as err:
        raise ContractError(f"the last line is not JSON ({err}): {start}") from err
    if not isinstance(values, dict) or "tutorial" not in values:
        what = "the last line is not a contract, it has no key 'tutorial'"
        raise ContractError(f"{what}: {start}")
    if (name := values["tutorial"]) not in CONTRACTS:
        raise ContractError(f"unknown tutorial {name!r}: known are {sorted(CONTRACTS)}")
    try:
        # Through JSON, so that lists become tuples and integers stay integers.
        return CONTRACTS[name].model_validate_json(line)
    except ValidationError as err:
        problems = []
        for error in err.errors():
            where = ".".join(map(str, error["loc"])) or "contract"
            problems.append(f"{where}: {error['msg'].removeprefix('Value error, ')}")
        raise ContractError(f"{name}: {'; '.join(problems)}") from err
