"""What the pages about adaptation share: data, regimes, and how a network is built and trained."""

import ast
import dataclasses
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler

import _model.transfer
from _helpers.contracts import base
from _helpers.pages import EXAMPLES
from _model.adapt import adapt, build_model, pretrain, train_layers
from _model.encoder import EncoderError, encoder_state, load_encoder
from _model.zoo import SLOW, try_models
from _regimes import COMPARED, REGIMES, TABLE
from tools import PRIVATE


@pytest.fixture(scope="module")
def transfer(cache):
    torch.set_num_threads(1)
    transfer = _model.transfer.open_transfer("simulated-transfer")
    transfer.budget = dataclasses.replace(transfer.budget, pretrain_steps=5, n_steps=4)
    return transfer


@pytest.fixture(scope="module")
def encoder(transfer):
    X, y = transfer.data["source"]
    n_steps = transfer.budget.pretrain_steps
    return encoder_state(pretrain(transfer.build, X, y, n_steps=n_steps))


def test_groups_of_people_are_whole_nested_and_apart(transfer):
    assert transfer.overlap == 0
    assert transfer.people["train"] == transfer.budget.n_labelled
    assert len(transfer.subjects) == len(transfer.data["test"][1])
    few, more = (transfer.data[n][0] for n in (1, 2))
    assert all((window == more).all(dim=(1, 2)).any() for window in few)
    counts = torch.bincount(transfer.data["test"][1])
    assert counts.min() == counts.max()
    assert transfer.chance == 0.5


@pytest.mark.parametrize("regime", [regime for regime in TABLE if regime.lr])
def test_a_regime_trains_what_it_says_and_the_seed_decides_the_rest(
    transfer, encoder, regime
):
    X, y = transfer.data["train"]
    how = {"encoder": encoder, "n_steps": 4}
    one, same, other = (
        adapt(transfer.build, X, y, regime.name, seed=seed, **how) for seed in (1, 1, 2)
    )
    assert all(map(torch.equal, one.parameters(), same.parameters()))
    assert not all(map(torch.equal, one.parameters(), other.parameters()))
    fresh = transfer.build(1)
    if regime.starts_from == "pretrained":
        load_encoder(fresh, encoder)
    start = dict(fresh.named_parameters())
    for name, parameter in one.named_parameters():
        assert torch.equal(parameter, start[name]) != name.startswith(regime.learns), name
    buffers = [name for name in encoder if name not in start and "running" in name]
    moved = [n for n in buffers if not torch.equal(one.state_dict()[n], encoder[n])]
    assert bool(moved) == ("bnorm.weight".startswith(regime.learns)), moved


@pytest.mark.parametrize("regime", ["linear-probe", "last-block", "full-finetune"])
def test_what_is_frozen_stands_still_where_it_runs_in_each_step(transfer, encoder, regime):
    X, y = transfer.data["train"]
    how = {"encoder": encoder, "seed": 1, "n_steps": 4}
    stored = adapt(transfer.build, X, y, regime, **how).state_dict()
    again = adapt(transfer.build, X, y, regime, store=False, **how).state_dict()
    for name, value in encoder.items():
        still = torch.equal(stored[name], value)
        assert still == torch.equal(again[name], value), name
    if regime == "linear-probe":  # in the others dropout draws in another memory layout
        for name, value in stored.items():
            torch.testing.assert_close(again[name], value)


def test_without_an_encoder_a_pretrained_regime_starts_at_random(transfer):
    X, y = transfer.data["train"]
    model = adapt(transfer.build, X, y, "linear-probe", encoder=None, seed=1, n_steps=2)
    start = encoder_state(transfer.build(1))
    assert all(torch.equal(v, start[name]) for name, v in encoder_state(model).items())


def test_one_seed_is_one_network_and_settings_reach_it():
    shape = {"n_chans": 3, "n_times": 256, "n_outputs": 2, "sfreq": 128.0}
    one, same, other = (build_model(seed=seed, **shape) for seed in (1, 1, 2))
    assert all(map(torch.equal, one.parameters(), same.parameters()))
    assert not all(map(torch.equal, one.parameters(), other.parameters()))
    assert build_model(seed=1, n_filters_time=5, **shape).bnorm.num_features == 40
    assert len(build_model(seed=1, n_filters_spat=6, **shape).bnorm.weight) == 6


def test_layers_are_trained_by_name_and_watched(transfer):
    model, steps = transfer.build(1), []
    before = {name: value.clone() for name, value in model.state_dict().items()}
    X, y = transfer.data["train"]
    how = {"lr": 1e-2, "n_steps": 3, "watch": steps.append}
    train_layers(model, X, y, ("final_layer",), **how)
    moved = [n for n, v in model.state_dict().items() if not torch.equal(v, before[n])]
    assert steps == [1, 2, 3]
    assert moved
    assert all(name.startswith("final_layer") for name in moved)


# ------------------------------------------------------------------------ the table of regimes


def test_the_table_is_read_without_torch():
    code = "import sys, _regimes; print(sorted({'torch', 'mne'} & set(sys.modules)))"
    environ = {**os.environ, "PYTHONPATH": str(EXAMPLES)}
    how = {"env": environ, "capture_output": True, "text": True, "check": True}
    assert subprocess.run([sys.executable, "-c", code], **how).stdout == "[]\n"


def test_names_of_regimes_stand_in_one_table():
    assert list(REGIMES) == [regime.name for regime in TABLE]
    assert set(COMPARED) <= set(REGIMES)
    assert base.REGIMES == COMPARED
    assert {regime.starts_from for regime in TABLE} == {"random", "pretrained"}
    # No other private module lists them again.
    for path in PRIVATE:
        text = path.read_text("utf-8")
        constants = {
            node.value
            for node in ast.walk(ast.parse(text))
            if isinstance(node, ast.Constant)
        }
        listed = constants & set(COMPARED)
        # A new person is adapted with rates of their own.
        assert len(listed) < 3 or path.name in ("_regimes.py", "new_person_choice.py"), path


NEW = '    Regime("filters", "pretrained", ("conv_time_spat", "final_layer"), 3e-3, "rust", "P"),\n'
USE = """
import functools
import numpy as np
import torch
from _adapt_figure import draw_labels_figure
from _finetune_figure import draw_regimes_figure
from _model.adapt import adapt, build_model, pretrain
from _model.encoder import encoder_state
from _regimes import REGIMES

X, y = torch.randn(20, 3, 256), torch.arange(20) % 2
shape = {"n_chans": 3, "n_times": 256, "n_outputs": 2, "sfreq": 128.0}
build = functools.partial(build_model, **shape)
encoder = encoder_state(pretrain(build, X, y, n_steps=2))
model = adapt(build, X, y, "filters", encoder=encoder, seed=1, n_steps=2)
start = {**build(seed=1).state_dict(), **encoder}
print([n for n, v in model.named_parameters() if not torch.equal(v, start[n])])
words = {"title": "t", "provenance": "p", "alt": "a"}
curve = np.array([[1, 2], [0.5, 0.6], [0.4, 0.5], [0.6, 0.7]])
figure = draw_labels_figure({"filters": curve}, chance=0.5, **words)
print([text.get_text() for text in figure.axes[0].get_legend().get_texts()])
learns = {name: regime.learns for name, regime in REGIMES.items()}
print(draw_regimes_figure(learns).get_label())
"""


def test_a_new_regime_is_one_line(tmp_path):
    """With one more line in the table, and nothing else, it is adapted and drawn."""
    shutil.copytree(EXAMPLES, tmp_path / "examples")
    table = tmp_path / "examples" / "_regimes.py"
    last = '    Regime("closed-form probe"'
    assert table.read_text().count(last) == 1
    table.write_text(table.read_text().replace(last, NEW + last))
    environ = {**os.environ, "PYTHONPATH": str(table.parent), "MPLBACKEND": "Agg"}
    how = {"env": environ, "cwd": tmp_path, "capture_output": True, "text": True}
    run = subprocess.run([sys.executable, "-c", USE], **how)
    assert run.returncode == 0, run.stderr
    moved, legend, alt = run.stdout.splitlines()[-3:]
    names = ast.literal_eval(moved)
    assert {name.split(".")[0] for name in names} == {"conv_time_spat", "final_layer"}
    assert legend == "['filters']"
    assert "filters: pretrained encoder that" in alt


@pytest.mark.parametrize(
    ("regime", "learns", "message"),
    [
        ("nrom", None, "no regime is called 'nrom': there are from-scratch, "),
        (
            "norm",
            ("batchnorm", "final_layer"),
            "begins with batchnorm: its layers are bnorm, ",
        ),
    ],
)
def test_a_regime_that_fits_nothing_is_refused(
    transfer, encoder, monkeypatch, regime, learns, message
):
    if learns:
        new = REGIMES["last-block"]._replace(name=regime, learns=learns)
        monkeypatch.setitem(REGIMES, regime, new)
    X, y = transfer.data["train"]
    how = {"encoder": encoder, "seed": 1, "n_steps": 1}
    with pytest.raises(EncoderError, match=message):
        adapt(transfer.build, X, y, regime, **how)


def test_the_closed_form_probe_is_that_of_scikit_learn_on_any_number_of_threads(
    transfer, encoder
):
    probes = {}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        probes[threads] = _model.transfer.closed_form_probe(transfer, encoder)
    torch.set_num_threads(1)
    assert probes[1][0].tobytes() == probes[2][0].tobytes()
    assert probes[1][1] == probes[2][1]
    model = transfer.build(0)
    load_encoder(model, encoder)
    X, X_test = (
        _model.transfer.features_of(transfer, model, part) for part in ("train", "test")
    )
    assert X.dtype == np.float64
    scaler = StandardScaler().fit(X)
    plain = RidgeClassifier(probes[1][1]).fit(
        scaler.transform(X), transfer.data["train"][1]
    )
    right = plain.predict(scaler.transform(X_test)) == transfer.data["test"][1].numpy()
    assert right.mean() == pytest.approx(probes[1][0].mean(), abs=1e-10)


def test_a_saved_model_is_whole_or_not_there(transfer, tmp_path, monkeypatch):
    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path))
    model = transfer.build(3)
    folder = _model.transfer.save_model(model, "mine")
    loaded = type(model).from_pretrained(folder)
    assert all(map(torch.equal, model.parameters(), loaded.parameters()))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def stop(folder):
        raise OSError("disk full")

    monkeypatch.setattr(model, "save_pretrained", stop)
    with pytest.raises(OSError, match="disk full"):
        _model.transfer.save_model(model, "mine")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_models_of_braindecode_are_looked_at_one_by_one():
    table = try_models(skip=[*SLOW, *(n for n in _names() if n not in FEW)])
    assert table["state moves"].to_dict() == {
        "BIOT": False, "CBraMod": False, "EEGNet": True, "ShallowFBCSPNet": True,
    }  # fmt: skip
    assert table["foundation"].to_dict() == {
        "BIOT": True, "CBraMod": True, "EEGNet": False, "ShallowFBCSPNet": False,
    }  # fmt: skip


FEW = ("BIOT", "CBraMod", "EEGNet", "ShallowFBCSPNet")


def _names():
    from braindecode.models.util import models_dict

    return models_dict
