"""Models as ``docs/zoo.json`` has them: offenders that were planted are reported, none passes."""

import json

import pytest
import torch

import _model.zoo
from _helpers.pages import DOCS
from _helpers.show import environment
from _model.families import families
from bench import silence, zoo, zoo_measure

SHAPE = {"n_chans": 4, "n_times": 10, "sfreq": 100.0}
CHANGES = {
    "n_outputs": {"n_outputs": 3},
    "n_chans": {"n_chans": 3},
    "n_times": {"n_times": 5},
    "sfreq": {"sfreq": 200.0},
}


class Plain(torch.nn.Module):
    """A model without a fault; those below have one each."""

    def __init__(self, n_outputs=2, n_chans=4, n_times=10, sfreq=100.0):
        super().__init__()
        self.body = torch.nn.Sequential(
            torch.nn.Flatten(), torch.nn.Linear(n_chans * n_times, 6)
        )
        self.final_layer = torch.nn.Linear(6, n_outputs)

    def forward(self, X):
        return self.final_layer(self.body(X))


class Moves(Plain):
    """A buffer moves in evaluation mode."""

    def __init__(self, **how):
        super().__init__(**how)
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, X):
        self.calls += 1
        return super().forward(X)


class Elsewhere(Plain):
    """The head has another name."""

    def __init__(self, n_outputs=2, **how):
        super().__init__(n_outputs, **how)
        self.out = self.final_layer
        del self.final_layer

    def forward(self, X):
        return self.out(self.body(X))


class After(Plain):
    """Work follows the head."""

    def forward(self, X):
        return 2 * super().forward(X)


class Lazy(Plain):
    """A layer gets its shape from the first window."""

    def __init__(self, **how):
        super().__init__(**how)
        self.body = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.LazyLinear(6))


class Shared(Plain):
    """The head shares its weights with the encoder."""

    def __init__(self, n_outputs=2, **how):
        super().__init__(n_outputs, **how)
        self.twin = torch.nn.Linear(6, n_outputs)
        self.twin.weight = self.final_layer.weight

    def forward(self, X):
        X = self.body(X)
        return self.final_layer(X + self.twin(X).mean(-1, keepdim=True))


class Normalised(Plain):
    """Batch normalisation and dropout in the encoder."""

    def __init__(self, **how):
        super().__init__(**how)
        self.body.append(torch.nn.BatchNorm1d(6)).append(torch.nn.Dropout())


class Refuses(Plain):
    """It cannot be built offline."""

    def __init__(self, **how):
        raise OSError("https://example.org/table is not there")


def measured(kind):
    def make(**changed):
        torch.manual_seed(0)
        return kind(**changed)

    return zoo_measure.measure(make, SHAPE, **CHANGES)


def test_a_model_without_a_fault():
    found = measured(Plain)
    assert found["builds"] is found["probe_exact"] is found["freeze_exact"] is True
    assert found["head"] == ["final_layer"]
    assert found["n_params"] == 6 * 41 + 2 * 7
    assert (found["moves_when_frozen"], found["differs_in_train"]) == (0, False)
    assert found["other_n_chans"] == found["other_n_times"] == "1 of 4 do not fit"
    assert found["other_sfreq"] == "all weights fit"
    assert (found["reset_head"], found["n_lazy"], found["why"]) == ("none", 0, {})
    assert found["mistakes"] == {
        "one_channel_less": "error", "half_window": "error", "reversed_channels": "silent",
        "volts": "silent", "double_rate": "silent",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "key", "value", "why"),
    [
        (Moves, "probe_exact", False, "Moves changes in evaluation mode: calls"),
        (Moves, "freeze_exact", False, None),
        (Elsewhere, "probe_exact", None, "Elsewhere has no parameter below final_layer"),
        (Elsewhere, "freeze_exact", None, "Elsewhere has no parameter below final_layer"),
        (Elsewhere, "head", ["out"], None),
        (After, "probe_exact", False, "After does more after its head"),
        (After, "freeze_exact", True, None),
        (Lazy, "n_lazy", 2, None),
        (Lazy, "probe_exact", True, None),
        (Lazy, "other_n_chans", "1 of 4 do not fit", None),
        (Shared, "freeze_exact", False, None),
        (Normalised, "moves_when_frozen", 3, None),
        (Normalised, "differs_in_train", True, None),
        (Normalised, "freeze_exact", True, None),
        (Refuses, "builds", "OSError: fetches a file", None),
    ],
)
def test_an_offender_is_reported(kind, key, value, why):
    found = measured(kind)
    assert found[key] == value
    if why:
        assert why in found["why"][key]


class Resets(Plain):
    """A head that can be replaced, in single precision."""

    def reset_head(self, n_outputs):
        self.final_layer = torch.nn.Linear(6, n_outputs)


class Warns(Plain):
    """A model that says something about the rate."""

    def __init__(self, sfreq=100.0, **how):
        super().__init__(**how)
        if sfreq != 100:
            import warnings

            warnings.warn(f"made for 100 Hz, not {sfreq:g}", stacklevel=2)


def test_a_fresh_head_and_a_warning():
    assert measured(Resets)["reset_head"] == "breaks after .double()"
    assert measured(Warns)["mistakes"]["double_rate"] == "warns"


def test_a_model_of_braindecode_twice_and_from_a_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(zoo, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(zoo, "ROOT", tmp_path)
    monkeypatch.setattr(zoo, "ZOO", tmp_path / "zoo.json")
    assert zoo.main(["EEGNet"]) == 0
    first = (tmp_path / "zoo.json").read_bytes()
    assert "EEGNet                  True" in capsys.readouterr().out
    assert zoo.main(["EEGNet"]) == 0  # known
    assert "True" not in capsys.readouterr().out
    assert zoo.main(["--again", "EEGNet"]) == 0
    assert (tmp_path / "zoo.json").read_bytes() == first
    found = json.loads(first)["models"]["EEGNet"]
    assert found == zoo_measure.measure_model("EEGNet")
    with pytest.raises(SystemExit):
        zoo.main(["NoSuchNet"])
    assert "unknown models ['NoSuchNet']" in capsys.readouterr().err


def end(name):
    raise MemoryError(name)


def wait(name):
    import time

    time.sleep(60)


@pytest.mark.parametrize(
    ("do", "seconds", "said"),
    [(end, 600, "ends its process"), (wait, 1, "takes more than 1 s")],
)
def test_a_model_that_does_not_end_well_stops_nobody(
    do, seconds, said, tmp_path, monkeypatch
):
    monkeypatch.setattr(zoo, "KEPT", tmp_path)
    monkeypatch.setattr(zoo, "SECONDS", seconds)
    monkeypatch.setattr(zoo_measure, "measure_model", do)
    zoo.run(["One", "Other"])
    assert [json.loads(p.read_text())["builds"] for p in tmp_path.iterdir()] == [said] * 2


def test_the_page_shows_every_model():
    known = json.loads((DOCS / "zoo.json").read_text("utf-8"))
    costs = json.loads((DOCS / "silence.json").read_text("utf-8"))
    text = (DOCS / "models.rst").read_text("utf-8")
    page = (
        environment(DOCS)
        .from_string(text)
        .render(zoo=known, silence=costs, families=families())
        .replace("\\", "")
    )
    assert all(f"- {name}: left out" in page for name in known["not_measured"])
    for name, model in known["models"].items():
        assert (
            page.count(f"   * - {name}") >= 3
            if model["builds"] is True
            else f"- {name}: " in page
        )


def test_enough_models_are_proved():
    content = json.loads((DOCS / "zoo.json").read_text("utf-8"))
    known, absent = content["models"], content["not_measured"]
    assert set(known) | set(absent) == set(_model.zoo.models_dict)
    assert set(absent) <= {*_model.zoo.SLOW, *zoo.LAST}
    # Of the 47 that take less than half a second; test_encoder.py holds 47 with the slow ones.
    for key, enough in (("probe_exact", 41), ("freeze_exact", 46)):
        proved = [name for name, found in known.items() if found.get(key) is True]
        assert len(proved) >= enough, key
    for name, found in known.items():
        if found["builds"] is True:
            doubted = [k for k in ("probe_exact", "freeze_exact") if found[k] is None]
            assert set(doubted) <= set(found["why"]), name


def test_a_family_goes_through_save_load_and_all_regimes(monkeypatch):
    for name, few in {"N_PRETRAIN": 2, "N_STEPS": 2, "SEEDS": (1,)}.items():
        monkeypatch.setattr(silence, name, few)
    found = silence.measure("EEGNet")
    assert found["reloaded_unchanged"] is True
    assert found["tensors"][0] == found["tensors"][1] > 0
    assert set(found) >= {"from-scratch", "linear-probe", "full-finetune"}
    assert set(found["mistakes"]) == set(silence.MISTAKES)
    assert "Kernel size" in found["mistakes"]["one channel less"]["refused"]
    told = found["mistakes"]["channels reversed"]["full-finetune"]
    right = found["full-finetune"]["mean"]
    assert told["cost"] == pytest.approx(told["mean"] - right, abs=1.01e-4)
    assert told["cost_ci"][0] <= told["cost"] <= told["cost_ci"][1]


def test_a_mistake_is_what_its_name_says():
    import numpy as np

    t = np.arange(400) / 200
    X = np.sin(2 * np.pi * 5 * t, dtype="float32") * np.ones((1, 3, 1), "float32")
    X *= np.array([1, 2, 3], "float32")[None, :, None]
    spoilt = {name: spoil(X) for name, spoil in silence.MISTAKES.items()}
    assert spoilt["one channel less"].shape == (1, 2, 400)
    assert spoilt["half a window"].shape == (1, 3, 200)
    np.testing.assert_array_equal(spoilt["channels reversed"][0, 0], X[0, 2])
    np.testing.assert_allclose(spoilt["volts for microvolts"], X / 1e6, rtol=1e-6)
    fast = spoilt["twice the rate"]
    assert fast.shape == X.shape
    power = np.abs(np.fft.rfft(fast[0, 0]))
    assert np.fft.rfftfreq(400, 1 / 200)[power.argmax()] == 2.5  # 5 Hz, seen as half


def test_what_silence_costs_is_known_for_seven_families():
    kept = json.loads((DOCS / "silence.json").read_text("utf-8"))["families"]
    assert len(kept) >= 7
    for name, found in kept.items():
        assert found["reloaded_unchanged"] is True, name
        assert found["tensors"][0] == found["tensors"][1], name
        assert set(found["mistakes"]) == set(silence.MISTAKES), name
