"""Head and encoder of any Braindecode model, built with random weights and without a network."""

import copy
import warnings

import pytest
import torch
from braindecode.models.util import (
    _get_signal_params,
    models_dict,
    models_mandatory_parameters,
)

import _model.encoder
import _model.ledger
from _model.encoder import EncoderError
from _model.ledger import ModelError
from _model.training import make_optimizer, shuffled_batches, train
from bench import zoo_measure

torch.set_num_threads(1)
SIGNALS = {name: (needed, signal) for name, needed, signal in models_mandatory_parameters}

#: A few small ones of different families: plain convolutions, attention, filter banks, graphs,
#: recurrent, patches, a lazy head, and a head that is told more than its features.
SAMPLE = (
    "ShallowFBCSPNet",
    "EEGNet",
    "EEGConformer",
    "EEGSimpleConv",
    "FBCNet",
    "SyncNet",
    "Deep4Net",
    "DGCNN",
    "SignalJEPA_PreLocal",
    "TCFormer",
    "CBraMod",
    "EEGDINO",
)

#: Of these, for what does not depend on where the head is.
FEW = SAMPLE[:6]

#: What cannot be probed on stored features, and why.
REFUSED = {
    "ATCNet": "never calls its head, final_layer, as a whole",
    "BDTCN": "is told what depends on the batch",
    "EMG2QwertyNet": "does more after its head",
    "NeuroPose": "does more after its head",
    "SensingDynamics": "does more after its head",
    "SignalJEPA": "has no parameter below final_layer",
    "SSTDPN": "proto_sep, is no module",
    "USleep": "does more after its head",
    "VEMG2Pose": "does more after its head",
}
REVE = {"REVE"}  # its constructor fetches a table from the network
SLOW = {"MetaNeuromotorHand"}  # not EEG, and half a minute to build


def build(name, seed=0, **changed):
    needed, signal = SIGNALS[name]
    how = _get_signal_params(signal, needed) | changed
    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return models_dict[name](**how).eval()


def windows_of(name, n=3):
    signal = _get_signal_params(SIGNALS[name][1])
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, signal["n_chans"], signal["n_times"], generator=generator)


def probed(name):
    """A model with all its shapes, whose head was found to agree with it."""
    model, X = build(name), windows_of(name)
    with torch.no_grad():
        model(X)
    zoo_measure.check_head(model, X)
    return model, X


OTHERS = sorted(set(models_dict) - set(SAMPLE) - set(REFUSED) - REVE - SLOW)


def test_every_model_is_in_one_list():
    assert len(SAMPLE) + len(OTHERS) >= 47
    assert set(SAMPLE) | set(OTHERS) | set(REFUSED) | REVE | SLOW == set(models_dict)
    assert not set(SAMPLE) & set(REFUSED)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_probe_on_stored_features_is_the_model_bit_for_bit(name):
    model, X = probed(name)
    head, features = _model.encoder.features_at_head(model, X)
    with torch.no_grad():
        assert torch.equal(head(features), model(X))
    # It is the model's own head: what it learns, the model says.
    before = _model.ledger.fingerprints(model)
    torch.manual_seed(0)
    loss = lambda output, y: output.square().mean()  # noqa: E731
    optimizer = make_optimizer(head, 0.1)
    train(
        head,
        shuffled_batches(features, torch.zeros(3), n_steps=2, batch_size=3),
        optimizer,
        loss,
    )
    after = _model.ledger.fingerprints(model)
    moved = [key for key in before if before[key] != after[key]]
    assert moved
    assert all(_model.encoder.is_head(key, model) for key in moved)
    with torch.no_grad():
        assert torch.equal(head.eval()(features), model(X))


@pytest.mark.slow
@pytest.mark.parametrize("name", OTHERS)
def test_so_it_is_in_every_other_model(name):
    probed(name)


HEAVY = {
    "EMG2QwertyNet",
    "NeuroPose",
    "SensingDynamics",
    "VEMG2Pose",
}  # long windows of EMG


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n in HEAVY else ()) for n in REFUSED]
)
def test_what_does_not_fit_is_refused_by_name(name):
    with pytest.raises(EncoderError, match=f"{name}.*{REFUSED[name]}"):
        probed(name)


@pytest.mark.parametrize("name", [*FEW, "EEGDINO"])
def test_a_frozen_encoder_stays_and_says_what_it_says_in_evaluation_mode(name):
    model, X = probed(name)
    _, expected = _model.encoder.features_at_head(model, X)
    _model.encoder.freeze_encoder(model)
    before, model = _model.ledger.fingerprints(model), copy.deepcopy(model)
    seen = []
    head = dict(model.named_modules())[_model.encoder.head_names(model)[0]]
    head.register_forward_pre_hook(lambda _, args: seen.append(args[0].detach()))
    torch.manual_seed(0)
    loss = lambda output, y: output.square().mean()  # noqa: E731
    batches = shuffled_batches(X, torch.zeros(3), n_steps=2, batch_size=3)
    train(model, batches, make_optimizer(model, 0.1), loss)
    after = _model.ledger.fingerprints(model)
    moved = [key for key in before if before[key] != after[key]]
    assert moved
    assert all(_model.encoder.is_head(key, model) for key in moved)
    order = torch.Generator().manual_seed(0)
    first = torch.randperm(3, generator=order)
    torch.testing.assert_close(seen[0], expected[first], rtol=1e-4, atol=1e-5)
    assert head.training
    n_frozen, n_learns, n_all = _model.ledger.count_parameters(model)
    assert n_frozen + n_learns == n_all
    assert n_learns == sum(p.numel() for p in head.parameters())


def test_freezing_ends_when_the_encoder_may_learn_again():
    model, X = probed("ShallowFBCSPNet")
    _model.encoder.freeze_encoder(model)
    model.train()(X)
    assert not model.bnorm.training
    assert model.final_layer.training
    before = model.bnorm.running_var.clone()
    model.requires_grad_(True).train()(X)
    assert model.bnorm.training
    assert not torch.equal(model.bnorm.running_var, before)


@pytest.mark.parametrize("name", [*FEW, "CBraMod", "BDTCN", "MSVTNet", "SSTDPN"])
def test_an_encoder_goes_under_a_head_with_other_outputs(name):
    model, fresh = build(name), build(name, seed=1, n_outputs=7)
    encoder = _model.encoder.encoder_state(model)
    _model.encoder.load_encoder(fresh, encoder)
    loaded = _model.encoder.encoder_state(fresh)
    assert list(encoder) == list(loaded)
    assert all(torch.equal(encoder[key], loaded[key]) for key in encoder)
    with torch.no_grad():
        assert 7 in fresh.eval()(windows_of(name, 2)).shape


@pytest.mark.parametrize("name", FEW)
def test_loading_is_counted_against_a_copy_with_another_seed(name):
    one, other = build(name), build(name, seed=1)
    state = _model.encoder.encoder_state(one)
    found = _model.encoder.load_encoder(other, state)
    assert found.n == found.of == len(state)
    assert 0 < found.changed <= found.of
    assert str(found).startswith(f"{len(state)} of {len(state)} tensors loaded, ")
    assert _model.encoder.load_encoder(other, state).changed == 0
    assert all(
        torch.equal(v, state[k]) for k, v in _model.encoder.encoder_state(other).items()
    )
    state[next(iter(state))].zero_()  # a copy: the model it came from is not touched
    assert (
        _model.encoder.load_encoder(other, _model.encoder.encoder_state(one)).changed == 0
    )


def test_what_starts_alike_in_every_copy_proves_nothing():
    one, other = build("ShallowFBCSPNet"), build("ShallowFBCSPNet", seed=1)
    found = _model.encoder.load_encoder(other, _model.encoder.encoder_state(one))
    assert found == (8, 8, 2)  # batch normalisation starts at 0 and 1 everywhere


def test_an_encoder_that_does_not_fit_is_refused_with_names():
    model = build("ShallowFBCSPNet")
    state, before = (
        _model.encoder.encoder_state(build("ShallowFBCSPNet", 1)),
        _model.ledger.fingerprint(model),
    )
    wrong = {
        "missing: bnorm.running_var": {
            k: v for k, v in state.items() if "running_var" not in k
        },
        r"missing: .*; left over: module\.": {f"module.{k}": v for k, v in state.items()},
        "left over: final_layer.conv_classifier.weight": model.state_dict(),
        r"of another shape: bnorm.weight \(2,\), not \(40,\)": {
            **state,
            "bnorm.weight": torch.ones(2),
        },
        "missing: conv_time_spat.conv_time.weight": _model.encoder.encoder_state(
            build("EEGConformer")
        ),
    }
    for message, given in wrong.items():
        with pytest.raises(
            EncoderError, match=f"encoder does not fit this model: .*{message}"
        ):
            _model.encoder.load_encoder(model, given)
        assert _model.ledger.fingerprint(model) == before


class Elsewhere(torch.nn.Sequential):
    """A model whose head has another name."""

    def __init__(self):
        super().__init__(torch.nn.Flatten(), torch.nn.Linear(20, 2))


def test_a_head_elsewhere_is_reported():
    model, X = Elsewhere(), torch.randn(2, 2, 10)
    for ask in (
        _model.encoder.head_names,
        _model.encoder.encoder_state,
        _model.encoder.freeze_encoder,
        lambda model: _model.encoder.features_at_head(model, X),
        lambda model: _model.encoder.is_head("1.weight", model),
    ):
        with pytest.raises(
            EncoderError, match="Elsewhere has no parameter below final_layer"
        ):
            ask(model)


class Counts(torch.nn.Module):
    """A model with a buffer that moves in evaluation mode, saved or not."""

    def __init__(self, persistent):
        super().__init__()
        self.register_buffer("calls", torch.zeros(1), persistent=persistent)
        self.final_layer = torch.nn.Linear(4, 2)

    def forward(self, X):
        self.calls += 1
        return self.final_layer(X)


@pytest.mark.parametrize("persistent", [True, False])
def test_a_buffer_that_moves_in_evaluation_mode_is_reported(persistent):
    model = Counts(persistent)
    with pytest.raises(EncoderError, match="Counts changes in evaluation mode: calls"):
        zoo_measure.check_head(model, torch.randn(3, 4))
    assert "calls" in _model.ledger.ledger(model).index


def test_parameters_without_a_shape_are_reported():
    model = torch.nn.Sequential()
    model.add_module("body", torch.nn.LazyLinear(3))
    model.add_module("final_layer", torch.nn.Linear(3, 2))
    X = torch.randn(2, 5)
    for ask in (
        _model.encoder.encoder_state,
        _model.ledger.ledger,
        _model.ledger.fingerprint,
        _model.ledger.count_parameters,
        lambda model: _model.encoder.load_encoder(model, {}),
        lambda model: _model.encoder.features_at_head(model, X),
        lambda model: zoo_measure.check_head(model, X),
    ):
        with pytest.raises(ModelError, match=r"without a shape \(body.weight, body.bias\)"):
            ask(model)
    model(X)
    zoo_measure.check_head(model, X)


@pytest.mark.parametrize("what", ["head", "block", "all"])
def test_what_learns_is_all_that_runs_in_a_step(what):
    model, X = probed("ShallowFBCSPNet")
    starts = {"head": ("final_layer",), "block": ("bnorm", "final_layer"), "all": ("",)}
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith(starts[what])
    learner, stored = _model.encoder.precompute_frozen(model, X)
    with torch.no_grad():
        torch.testing.assert_close(learner.eval()(stored), model.eval()(X))
    names = [name for name, _ in learner.named_parameters()]
    assert len(names) == {"head": 2, "block": 4, "all": 7}[what]
    assert {id(p) for p in learner.parameters()} <= {id(p) for p in model.parameters()}


@pytest.mark.parametrize("what", ["head", "block", "all"])
def test_what_is_frozen_can_run_in_each_step_too(what):
    model, X = probed("ShallowFBCSPNet")
    starts = {"head": ("final_layer",), "block": ("bnorm", "final_layer"), "all": ("",)}
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith(starts[what])
    frozen, learner = _model.encoder.split_chain(model)
    assert [*frozen, *learner] == list(model)
    expected = _model.encoder.run_frozen(frozen, X)
    frozen.train()
    _model.encoder.hold_frozen(model)
    seen = []
    learner[0].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model.train()(X)
    torch.testing.assert_close(seen[0], expected)
    assert not any(module.training for module in [*frozen.modules()][1:])
    assert all(module.training for module in learner)


def test_layers_that_do_not_follow_each_other_are_split_at_the_head_or_not_at_all():
    model, X = probed("EEGNeX")
    learner, same = _model.encoder.precompute_frozen(model, X)
    assert learner is model
    assert same is X
    _model.encoder.freeze_encoder(model)
    learner, _ = _model.encoder.precompute_frozen(model, X)
    assert learner is model.final_layer


def test_the_ledger_has_every_parameter_and_buffer():
    model = build("ShallowFBCSPNet")
    _model.encoder.freeze_encoder(model)
    table = _model.ledger.ledger(model, make_optimizer(model, 1e-2))
    assert list(table.index) == list(model.state_dict())
    assert table.loc["final_layer.conv_classifier.weight"].tolist()[1:3] == [True, 0]
    assert table.loc["conv_time_spat.conv_time.weight"].tolist()[1:3] == [False, "-"]
    assert table.loc["bnorm.running_mean", "learns"] == "buffer"
    model.bnorm.running_mean[3] += 1e-3
    moved = table.index[table["sha256"] != _model.ledger.ledger(model)["sha256"]]
    assert list(moved) == ["bnorm.running_mean"]


def test_a_fingerprint_is_of_bits():
    model = build("ShallowFBCSPNet")
    before = _model.ledger.fingerprint(model)
    assert _model.ledger.fingerprint(copy.deepcopy(model)) == before
    model.to(memory_format=torch.channels_last)
    assert _model.ledger.fingerprint(model) == before
    model.bnorm.num_batches_tracked += 1
    assert _model.ledger.fingerprint(model) != before
    assert len(_model.ledger.fingerprints(model.to(torch.bfloat16))) == len(
        model.state_dict()
    )
