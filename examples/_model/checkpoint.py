"""Read a folder with a Braindecode model that somebody else wrote, as data and never as code.

``from_pretrained`` resolves any import path of ``config.json`` and calls it, builds whatever size is
asked for, and is silent about weights that are missing. Here names come from lists, sizes are
counted before anything is allocated, and every tensor of the file has to find its place.
"""

import inspect
import json
import math
import warnings
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch.nn.modules import module as registration

from _model.families import WEIGHTS, family_of
from _model.ledger import ModelError, other_shapes, shapes_of
from _runtime import quiet_imports

with quiet_imports():
    import braindecode.models
    import braindecode.modules

#: Classes that a configuration may name as a value: activations and norms, by their import path.
NAMES = {
    f"{kind.__module__}.{kind.__qualname__}": kind
    for kind in (
        torch.nn.ELU,
        torch.nn.GELU,
        torch.nn.ReLU,
        torch.nn.SiLU,
        torch.nn.LeakyReLU,
        torch.nn.Tanh,
        torch.nn.Sigmoid,
        torch.nn.Mish,
        torch.nn.SELU,
        torch.nn.Softplus,
        torch.nn.Identity,
        torch.nn.LayerNorm,
        torch.nn.BatchNorm1d,
        torch.nn.BatchNorm2d,
        braindecode.modules.Square,
        braindecode.modules.SafeLog,
        braindecode.modules.LogActivation,
        braindecode.modules.SmoothMaximumUnit,
    )
}
#: Beside the weights: arguments of the class.
CONFIG = "config.json"
#: What can be read unless a caller says otherwise: parameters, and the tensors that hold them.
MOST_PARAMETERS = 500_000_000
MOST_TENSORS = 20_000
#: Numbers of a configuration; a model that cannot be built without memory gets the smaller one.
MOST_NUMBER = 1_000_000
MOST_NUMBER_BUILT = 8192
#: Bytes of a configuration.
MOST_TEXT = 2**20
#: Keys that save_pretrained adds to the arguments of the model.
ABOUT = ("braindecode_version", "model_class")


class CheckpointError(ModelError):
    """A folder is no model that can be read safely; the message says what stands in the way."""


class _NeedsNumbersError(Exception):
    """A class reads numbers of a tensor while it is built, so it cannot be built without memory."""


def read_checkpoint(folder, class_name=None, *, allowed=None, most=MOST_PARAMETERS):
    """A model from ``config.json`` and its weights, complete or not at all.

    Parameters
    ----------
    folder : path-like
        What ``save_pretrained`` wrote, ``model.safetensors`` or the file of a family. Pickles in it are
        never read.
    class_name : str or None
        Class of :mod:`braindecode.models`; None takes the key ``model_class`` of the configuration.
    allowed : sequence of str or None
        Classes that may be built; None allows every model of Braindecode.
    most : int
        Largest number of parameters.

    Returns
    -------
    torch.nn.Module
        The model in evaluation mode, every tensor as in the file, its head included.

    Raises
    ------
    CheckpointError
        If a file is missing or damaged, a name is not on its list, the model would be too large,
        tensors are missing, unknown or of another shape, or weights are not finite.
    """
    folder = Path(folder)
    config = _find_file(folder, CONFIG)
    values = _read_config(config)
    kind = _find_class(class_name or values.get("model_class"), allowed, config)
    family = family_of(kind.__name__)
    weights = _find_file(folder, WEIGHTS, *([family.weights] if family else []))
    values = _check_arguments(kind, values, config)
    shapes, dtypes = _read_shapes(weights)
    if (n := sum(map(math.prod, shapes.values()))) > most:
        raise CheckpointError(
            f"{weights} holds {n:,} numbers, more than {most:,}: pass most="
        )
    expected = _plan(kind, values, config, most)
    if expected is not None:
        _refuse_other_tensors(expected, shapes, weights)
    model = _build(kind, values, config, most, "cpu")
    _refuse_other_tensors(shapes_of(model.state_dict()), shapes, weights)
    state = {}
    with safe_open(weights, "pt") as file:
        for name in shapes:
            state[name] = file.get_tensor(name)
            if dtypes[name] != "I64" and not torch.isfinite(state[name]).all():
                n = int((~torch.isfinite(state[name])).sum())
                raise CheckpointError(
                    f"{weights}: {n} of {state[name].numel()} numbers of {name} are not finite: the model "
                    "was saved after its training had failed. Save it again from a good one"
                )
    model.load_state_dict(state, strict=True)
    return model.eval()


def _find_file(folder, *names):
    """The first of these files that is there."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise CheckpointError(
        f"{folder} has no file {' or '.join(dict.fromkeys(names))}: a checkpoint is a config.json and a "
        "model.safetensors, as save_pretrained writes them. Pickles (.bin, .pt) are not read: they can run code"
    )


def _read_config(config):
    if (size := config.stat().st_size) > MOST_TEXT:
        raise CheckpointError(f"{config} has {size:,} bytes: that is no configuration")
    try:
        values = json.loads(config.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as err:
        raise CheckpointError(f"{config} is not JSON ({str(err)[:200]})") from err
    if not isinstance(values, dict):
        raise CheckpointError(f"{config} holds no object with the arguments of a model")
    return values


def _find_class(name, allowed, config):
    known = [n for n in braindecode.models.__all__ if n != "EEGModuleMixin"]
    allowed = known if allowed is None else [n for n in allowed if n in known]
    if name is None:
        raise CheckpointError(
            f"{config} names no class, as save_pretrained leaves it: pass class_name=, or set "
            "EEG_TUTORIAL_CHECKPOINT_CLASS to the class of the model, e.g. BIOT"
        )
    if not isinstance(name, str) or name not in allowed:
        raise CheckpointError(
            f"{config} is for the class {str(name)[:80]!r}, which is not allowed: {_few(allowed)} are"
        )
    return getattr(braindecode.models, name)


def _check_arguments(kind, values, config):
    """Arguments of a class, import paths replaced by what the list has under them."""
    taken = {key: value for key, value in values.items() if key not in ABOUT}
    known = inspect.signature(kind.__init__).parameters
    unknown = [
        key for key in taken if key not in known or key in ("self", "args", "kwargs")
    ]
    if unknown:
        raise CheckpointError(
            f"{config}: {kind.__name__} has no arguments {_few(unknown)}: it takes {_few(list(known)[1:], 40)}"
        )
    return {key: _safe(value, key, known[key], config) for key, value in taken.items()}


def _safe(value, key, parameter, config):
    named = inspect.isclass(parameter.default) or "type" in str(parameter.annotation)
    if isinstance(value, str) and (value in NAMES or named or key.startswith("activation")):
        if value not in NAMES:
            raise CheckpointError(
                f"{config}: {key} is {value[:80]!r}, which is not on the list: {_few(sorted(NAMES), 40)}"
            )
        return NAMES[value]
    if key == "chs_info" and isinstance(value, list):
        value = [_with_known_place(info) for info in value]
    numbers = [value]
    while numbers:
        one = numbers.pop()
        if isinstance(one, list | dict):
            if len(one) > 10_000:
                raise CheckpointError(f"{config}: {key} has {len(one):,} entries")
            numbers.extend(one.values() if isinstance(one, dict) else one)
        elif isinstance(one, int | float) and not abs(one) <= MOST_NUMBER:
            raise CheckpointError(
                f"{config}: {key} is {str(one)[:40]}, not a number up to {MOST_NUMBER:,}"
            )
    return value


def _with_known_place(info):
    """An electrode of ``raw.info["chs"]``, whose place has NaN where MNE does not know it: three numbers or None."""
    if not isinstance(info, dict) or not isinstance(info.get("loc"), list):
        return info
    place = info["loc"][:3]
    unknown = [
        n for n in place if n is None or (isinstance(n, float) and not math.isfinite(n))
    ]
    return info | {"loc": None if unknown else place}


def _read_shapes(weights):
    try:
        with safe_open(weights, "pt") as file:
            names = file.keys()
            parts = {name: file.get_slice(name) for name in names}
            shapes = {name: tuple(part.get_shape()) for name, part in parts.items()}
            return shapes, {name: part.get_dtype() for name, part in parts.items()}
    except (SafetensorError, OSError, ValueError) as err:
        raise CheckpointError(
            f"{weights} cannot be read ({str(err)[:200]}): fetch it again"
        ) from err


def _plan(kind, values, config, most):
    """Shapes of the model, from one built without memory; None where a class needs real tensors."""
    try:
        plan = _build(kind, values, config, most, "meta")
    except _NeedsNumbersError as err:
        for key, value in values.items():
            if isinstance(value, int) and value > MOST_NUMBER_BUILT and key != "n_times":
                raise CheckpointError(
                    f"{config}: {key} is {value:,}, more than {MOST_NUMBER_BUILT:,}, and the size of "
                    f"{kind.__name__} cannot be counted before it is built"
                ) from err
        return None
    return shapes_of(plan.state_dict())


def _build(kind, values, config, most, device):
    """Build a model, and stop while it is built when it has too many parameters or parts."""
    seen = {"parameters": 0, "tensors": 0}

    def count(_, name, value):
        seen["tensors"] += 1
        seen["parameters"] += value.numel() if isinstance(value, torch.Tensor) else 0
        if seen["parameters"] > most or seen["tensors"] > MOST_TENSORS:
            raise CheckpointError(
                f"{config} asks for a {kind.__name__} of at least {seen['parameters']:,} parameters in "
                f"{seen['tensors']:,} parts, more than {most:,} in {MOST_TENSORS:,}"
            )

    hooks = [
        registration.register_module_parameter_registration_hook(count),
        registration.register_module_buffer_registration_hook(count),
        registration.register_module_module_registration_hook(count),
    ]
    try:
        with (
            torch.device(device),
            torch.random.fork_rng(devices=[]),
            warnings.catch_warnings(),
        ):
            warnings.filterwarnings("ignore", "Modifying chs_info", UserWarning)
            return kind(**values)
    except CheckpointError:
        raise
    except Exception as err:  # anything, on arguments that do not fit together
        if device == "meta" and asks_for_numbers(err):
            raise _NeedsNumbersError from err
        raise CheckpointError(
            f"{config} does not fit {kind.__name__} ({type(err).__name__}: {str(err)[:300]})"
        ) from err
    finally:
        for hook in hooks:
            hook.remove()


def asks_for_numbers(err):
    """Was torch asked for the numbers of a tensor without memory? It has no type for this, only words."""
    return "meta" in str(err)


def _refuse_other_tensors(expected, shapes, weights):
    """Refuse tensors that are missing, unknown or of another shape."""
    wrong = zip(
        ("missing", "unknown", "of another shape"),
        other_shapes(expected, shapes),
        strict=True,
    )
    parts = [f"{len(names)} {what}: {_few(names)}" for what, names in wrong if names]
    if parts:
        raise CheckpointError(
            f"{weights} does not hold this model: of {len(expected)} tensors {'; '.join(parts)}"
        )


def _few(names, n=5):
    listed = ", ".join(str(name)[:80] for name in names[:n])
    return f"{listed} and {len(names) - n} more" if len(names) > n else listed
