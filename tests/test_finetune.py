"""The first steps that the pages about adaptation share."""

import dataclasses

import numpy as np
import pytest
import torch
from sklearn.linear_model import RidgeClassifier
from sklearn.preprocessing import StandardScaler

import _model.regimes
from _model.encoder import encoder_state, load_encoder
from _model.zoo import SLOW, try_models


@pytest.fixture(scope="module")
def transfer(cache):
    torch.set_num_threads(1)
    transfer = _model.regimes.open_transfer("simulated-transfer")
    transfer.budget = dataclasses.replace(transfer.budget, pretrain_steps=5, n_steps=4)
    return transfer


@pytest.fixture(scope="module")
def encoder(transfer):
    return _model.regimes.pretrained_encoder(transfer)


def test_groups_of_people_are_whole_nested_and_apart(transfer):
    assert transfer.overlap == 0
    assert transfer.people["train"] == transfer.budget.n_labelled
    assert len(transfer.subjects) == len(transfer.data["test"][1])
    few, more = (transfer.data[n][0] for n in (1, 2))
    assert all((window == more).all(dim=(1, 2)).any() for window in few)
    counts = torch.bincount(transfer.data["test"][1])
    assert counts.min() == counts.max()
    assert transfer.chance == 0.5


def test_a_regime_trains_what_it_says_and_the_seed_decides_the_rest(transfer, encoder):
    for regime, learns in _model.regimes.LEARNS.items():
        one, same, other = (
            _model.regimes.adapt(transfer, regime, s, encoder) for s in (1, 1, 2)
        )
        assert all(map(torch.equal, one.parameters(), same.parameters()))
        assert not all(map(torch.equal, one.parameters(), other.parameters()))
        still = encoder_state(one)
        frozen = all(torch.equal(still[name], encoder[name]) for name in encoder)
        assert frozen == (regime == "linear-probe"), learns


def test_labels_can_be_exchanged_before_pretraining(transfer, encoder):
    _, y = transfer.data["source"]
    blind = _model.regimes.pretrained_encoder(transfer, labels=y.flip(0))
    assert any(not torch.equal(blind[name], encoder[name]) for name in encoder)


def test_the_closed_form_probe_is_that_of_scikit_learn_on_any_number_of_threads(
    transfer, encoder
):
    found = {}
    for threads in (1, 2):
        torch.set_num_threads(threads)
        found[threads] = _model.regimes.closed_form_probe(transfer, encoder)
    torch.set_num_threads(1)
    assert found[1][0].tobytes() == found[2][0].tobytes()
    assert found[1][1] == found[2][1]
    model = _model.regimes.build_model(transfer, 0)
    load_encoder(model, encoder)
    X, X_test = (
        _model.regimes.features_of(transfer, model, part) for part in ("train", "test")
    )
    assert X.dtype == np.float64
    scaler = StandardScaler().fit(X)
    plain = RidgeClassifier(found[1][1]).fit(scaler.transform(X), transfer.data["train"][1])
    right = plain.predict(scaler.transform(X_test)) == transfer.data["test"][1].numpy()
    assert right.mean() == pytest.approx(found[1][0].mean(), abs=1e-10)


def test_a_saved_model_is_whole_or_not_there(transfer, tmp_path, monkeypatch):
    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path))
    model = _model.regimes.build_model(transfer, 3)
    folder = _model.regimes.save_model(model, "mine")
    loaded = type(model).from_pretrained(folder)
    assert all(map(torch.equal, model.parameters(), loaded.parameters()))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def stop(folder):
        raise OSError("disk full")

    monkeypatch.setattr(model, "save_pretrained", stop)
    with pytest.raises(OSError, match="disk full"):
        _model.regimes.save_model(model, "mine")
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
