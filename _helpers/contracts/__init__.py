"""The JSON line that ends every tutorial: a file for each page's promise, and a parser that says what is wrong.

``plot_NN.py`` here holds ``Page``, the promise of ``examples/plot_NN_*.py``: its keys, what must hold
between them, its headline, and on which data its claim is shown again.
"""

import importlib
import json
import pkgutil

from pydantic import ValidationError

from _helpers.contracts.base import ContractError

#: Short name of a page -> the model of its line.
CONTRACTS = {
    name: importlib.import_module(f"{__name__}.{name}").Page
    for name in sorted(module.name for module in pkgutil.iter_modules(__path__))
    if name.startswith("plot_")
}


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
        If the last line is not a JSON object, names an unknown tutorial, holds a number that is
        not finite, or breaks the tutorial's schema or invariants.
    """
    lines = stdout.rstrip().splitlines()
    if not lines:
        raise ContractError(
            "the tutorial printed nothing: its last line must be one JSON object"
        )
    try:
        values = json.loads(lines[-1], parse_constant=_reject_constant)
    except json.JSONDecodeError as err:
        raise ContractError(
            f"the last line is not JSON ({err}): {lines[-1][:120]!r}"
        ) from err
    if not isinstance(values, dict) or "tutorial" not in values:
        raise ContractError(
            f"the last line is not a contract, it has no key 'tutorial': {lines[-1][:120]!r}"
        )
    if values["tutorial"] not in CONTRACTS:
        raise ContractError(
            f"unknown tutorial {values['tutorial']!r}: known are {sorted(CONTRACTS)}"
        )
    try:
        # Through JSON, so that lists become tuples and integers stay integers.
        return CONTRACTS[values["tutorial"]].model_validate_json(lines[-1])
    except ValidationError as err:
        problems = "; ".join(
            f"{'.'.join(map(str, e['loc'])) or 'contract'}: {e['msg'].removeprefix('Value error, ')}"
            for e in err.errors()
        )
        raise ContractError(f"{values['tutorial']}: {problems}") from err
