"""What is measured of one model of Braindecode with random weights: a row of ``docs/zoo.json``."""

import copy

import torch

from _helpers.pages import sibling

encoder = sibling("_model.encoder")
ledger = sibling("_model.ledger")
which = sibling("_model.which")
zoo = sibling("_model.zoo")


def check_head(model, X):
    """Does the head, on stored features, say what the model says, bit for bit?

    Parameters
    ----------
    model : torch.nn.Module
        A Braindecode model; in evaluation mode afterwards.
    X : torch.Tensor, shape (n_windows, n_chans, n_times)
        A few windows, at least two.

    Raises
    ------
    EncoderError
        If it does not, since work follows the head; if :func:`_model.encoder.features_at_head` refuses the model;
        or if the model is not the same after a forward pass in evaluation mode.
    """
    kind, before = type(model).__name__, ledger.fingerprints(model)
    head, features, _ = encoder.features_at_head(model, X, X[:1])  # two sizes of a batch
    with torch.no_grad():
        output, of_features = model(X), head(features)
    after = ledger.fingerprints(model)
    moved = [name for name, value in before.items() if value != after[name]]
    if moved:
        raise encoder.EncoderError(f"{kind} changes in evaluation mode: {', '.join(moved)}")
    if not (torch.is_tensor(output) and torch.equal(output, of_features)):
        raise encoder.EncoderError(
            f"{kind} does more after its head, {encoder.head_names(model)[0]}: a head on stored features "
            "would not say what the model says"
        )


def probe_exact(model, X):
    """Does a head on stored features say what the model says?

    Parameters
    ----------
    model : torch.nn.Module
        In evaluation mode afterwards.
    X : torch.Tensor, shape (n_windows, n_chans, n_times)
        Windows.

    Returns
    -------
    value : bool or None
        None where the head has no features to store, so that the question does not apply.
    why : str or None
        The reason, where it is not True.
    """
    _, _, err = which.attempt(lambda: encoder.features_at_head(model, X, X[:1]))
    if err:
        return None, which.reason(err)
    _, _, err = which.attempt(lambda: check_head(model, X))
    if err is None:
        return True, None
    return (False if isinstance(err, encoder.EncoderError) else None), which.reason(err)


def freeze_exact(model, X):
    """Does the encoder keep every bit while ``freeze_encoder`` lets the head learn on it?

    Parameters
    ----------
    model : torch.nn.Module
        Changed in place.
    X : torch.Tensor, shape (n_windows, n_chans, n_times)
        Windows.

    Returns
    -------
    value : bool or None
        None where no head is found, or the model does not learn.
    why : str or None
        The reason for that.
    """
    moved, _, err = which.attempt(lambda: _moved_when_frozen(model, X))
    return (None, which.reason(err)) if err else (not moved, None)


def _moved_when_frozen(model, X):
    encoder.freeze_encoder(model)
    before = ledger.fingerprints(model)
    learns = [p for p in model.parameters() if p.requires_grad]
    for _ in range(2):
        model.zero_grad()
        outputs = _with_gradient(model.train()(X))
        sum(output.float().square().mean() for output in outputs).backward()
        with torch.no_grad():  # an optimiser of torch would import its compiler first
            for p in learns:
                p -= 0.1 * (0 if p.grad is None else p.grad)
    after = ledger.fingerprints(model)
    changed = [name for name in after if after[name] != before[name]]
    return [name for name in changed if not encoder.is_head(name, model)]


def _with_gradient(output):
    """Tensors of an output that depend on weights."""
    if hasattr(output, "grad_fn"):
        return [output] if output.requires_grad else []
    tensors = []
    for value in output.values() if isinstance(output, dict) else output:
        tensors += _with_gradient(value)
    return tensors


def _shapes(make, X, **changed):
    """Shape of every entry of the state, after one window where layers are lazy."""
    model = make(**changed)
    if any(map(torch.nn.parameter.is_lazy, model.state_dict().values())):
        with torch.no_grad():
            model.eval()(X)
    state = model.state_dict().items()
    return {name: tuple(value.shape) for name, value in state if hasattr(value, "shape")}


def _survival(before, build, heads):
    """Which weights survive a change of the data: in words."""
    after, _, err = which.attempt(build)
    if err:
        return f"refused: {which.reason(err)}"
    lost = {name for name in before.keys() | after if before.get(name) != after.get(name)}
    if not lost:
        return "all weights fit"
    below = [any(f"{name}.".startswith(f"{head}.") for head in heads) for name in lost]
    if heads and all(below):
        return "all but the head"
    return f"{len(lost)} of {len(before)} do not fit"


def _reset(model, X):
    """Does ``reset_head`` follow a model that is no longer in single precision?"""
    if which.attempt(lambda: copy.deepcopy(model).reset_head(3))[2] is not None:
        return "none"
    double, X = copy.deepcopy(model).double(), X.double()
    with torch.no_grad():
        if which.attempt(lambda: double(X))[2] is not None:
            return "ok"  # it takes single precision only, with any head
        double.reset_head(3)
        return "breaks after .double()" if which.attempt(lambda: double(X))[2] else "ok"


def _mistake(run, right, warned):
    """What a model says of a mistake: an error, a warning, nothing, or the right output."""
    with torch.no_grad():
        output, heard, err = which.attempt(run)
    if err:
        return "error"
    if heard - warned:
        return "warns"
    same = torch.is_tensor(right) and zoo.equal_outputs(output, right)
    return "no effect" if same else "silent"


def measure(make, shape, **changes):
    """Measure one model.

    Parameters
    ----------
    make : callable
        Builds it, with arguments that replace its own.
    shape : dict
        ``n_chans``, ``n_times`` and ``sfreq`` in Hz of its windows.
    **changes : dict
        ``n_outputs``, ``n_chans``, ``n_times`` and ``sfreq`` -> arguments that change it.

    Returns
    -------
    dict
        What ``docs/zoo.json`` holds of a model; None stands where a question does not apply, and
        ``why`` says why.
    """
    torch.set_num_threads(1)
    torch.manual_seed(0)
    X, why = torch.randn(3, shape["n_chans"], shape["n_times"]), {}
    model, warned, err = which.attempt(make)
    if err:
        return {"builds": which.reason(err)}
    n_lazy = sum(map(torch.nn.parameter.is_lazy, model.parameters()))
    with torch.no_grad():
        right, warned_first, err = which.attempt(lambda: model.eval()(X))
    if err:
        return {"builds": f"does not run: {which.reason(err)}"}
    row = {
        "builds": True,
        **shape,
        "n_params": sum(p.numel() for p in model.parameters()),
        "n_lazy": n_lazy,
        "foundation": "Foundation" in (type(model).__doc__ or ""),
    }
    row["probe_exact"], why["probe_exact"] = probe_exact(model, X)
    row["freeze_exact"], why["freeze_exact"] = freeze_exact(copy.deepcopy(model), X)

    frozen = copy.deepcopy(model).requires_grad_(False)
    before = ledger.fingerprints(frozen)
    output, _, err = which.attempt(lambda: frozen.train()(X))
    after = ledger.fingerprints(frozen)
    row["moves_when_frozen"] = sum(after[name] != before[name] for name in after)
    row["differs_in_train"] = err is None and not zoo.equal_outputs(right, output)

    state = _shapes(lambda: model, X)
    other, _, err = which.attempt(lambda: _shapes(make, X, **changes["n_outputs"]))
    heads = [name for name in state if other and state[name] != other.get(name)]
    row["head"] = sorted({name.rpartition(".")[0] or name for name in heads})
    fewer, shorter = X[:, :-1], X[..., : shape["n_times"] // 2]
    for name, windows in {"n_chans": fewer, "n_times": shorter, "sfreq": X}.items():
        changed = changes[name]
        build = lambda windows=windows, changed=changed: _shapes(make, windows, **changed)  # noqa: E731
        row[f"other_{name}"] = _survival(state, build, row["head"])
    row["reset_head"] = _reset(model, X)

    warned |= warned_first
    wrong = {"one_channel_less": fewer, "half_window": shorter}
    wrong |= {"reversed_channels": X.flip(1), "volts": X * 1e-6}
    row["mistakes"] = {}
    for name, windows in wrong.items():
        row["mistakes"][name] = _mistake(lambda X=windows: model(X), right, warned)
    rate = "error"
    if row["other_sfreq"] == "all weights fit":
        rate = _mistake(lambda: make(**changes["sfreq"])(X), right, warned)
    row["mistakes"]["double_rate"] = "silent" if rate == "no effect" else rate
    row["why"] = {name: reason for name, reason in why.items() if reason}
    return row


def measure_model(name):
    """Measure a model of Braindecode by its name; :func:`measure` says what."""
    how, shape = zoo.arguments(name)

    def make(**changed):
        torch.manual_seed(0)
        return zoo.models_dict[name](**(how | changed))

    def change(**new):
        """Arguments of the constructor that say something new of the windows."""
        told = {key: value for key, value in new.items() if key in how}
        if "n_chans" in new and "chs_info" in how:
            told["chs_info"] = how["chs_info"][: new["n_chans"]]
        if "input_window_seconds" in how:
            after = shape | new
            told["input_window_seconds"] = after["n_times"] / after["sfreq"]
        return told or new

    changes = {"n_outputs": {"n_outputs": how.get("n_outputs", 2) + 1}}
    changes["n_chans"] = change(n_chans=shape["n_chans"] - 1)
    changes["n_times"] = change(n_times=shape["n_times"] // 2)
    changes["sfreq"] = change(sfreq=2 * shape["sfreq"])
    return measure(make, shape, **changes)
