"""Checkpoints of strangers: read whole, or refused by name before anything runs or is allocated."""

import json
import shutil
import sys
import time

import psutil
import pytest
import torch
from braindecode.models import EEGNet, EEGSimpleConv, ShallowFBCSPNet
from safetensors.torch import load_file, save_file

import _model.checkpoint
from _model.checkpoint import CheckpointError, read_checkpoint

SIZES = {"n_chans": 4, "n_outputs": 2, "n_times": 200, "sfreq": 100.0}


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("saved") / "shallow"
    torch.manual_seed(3)
    model = ShallowFBCSPNet(**SIZES)
    model.save_pretrained(folder)
    return folder, model


@pytest.fixture
def folder(saved, tmp_path):
    """A copy, to break."""
    return shutil.copytree(saved[0], tmp_path / "shallow")


def configure(folder, **changes):
    path = folder / "config.json"
    values = json.loads(path.read_text("utf-8")) | changes
    path.write_text(json.dumps(values), "utf-8")


def reweigh(folder, change):
    path = folder / "model.safetensors"
    state = load_file(path)
    change(state)
    save_file(state, path)


def refused(folder, match, name="ShallowFBCSPNet", **how):
    with pytest.raises(CheckpointError, match=match) as err:
        read_checkpoint(folder, name, **how)
    assert len(str(err.value)) < 2500
    return err


def test_a_good_folder_gives_the_model_that_was_saved(saved):
    folder, model = saved
    before = torch.random.get_rng_state()
    again = read_checkpoint(
        folder, "ShallowFBCSPNet", allowed=["ShallowFBCSPNet", "EEGNet"]
    )
    assert torch.equal(before, torch.random.get_rng_state())
    assert not again.training
    own, other = model.state_dict(), again.state_dict()
    assert list(own) == list(other)
    assert all(torch.equal(own[name], other[name]) for name in own)
    x = torch.randn(3, 4, 200)
    assert torch.equal(model.eval()(x), again(x))


@pytest.mark.parametrize(
    ("kind", "more"), [(EEGNet, {"activation": torch.nn.GELU}), (EEGSimpleConv, {})]
)
def test_other_classes_and_activations_come_back_too(kind, more, tmp_path):
    model = kind(**SIZES, **more)
    model.save_pretrained(tmp_path)
    configure(tmp_path, model_class=kind.__name__)
    again = read_checkpoint(tmp_path)
    assert type(again) is kind
    x = torch.randn(2, 4, 200)
    assert torch.equal(model.eval()(x), again(x))


@pytest.mark.parametrize(
    "path", ["os.abort", "evilmod.Payload", "builtins.eval", "torch.nn.Sequential", "x", ""]
)
@pytest.mark.parametrize("key", ["activation_pool_nonlin", "conv_nonlin"])
def test_a_configuration_cannot_name_what_is_not_on_the_list(
    folder, monkeypatch, tmp_path, path, key
):
    (tmp_path / "evilmod.py").write_text("raise SystemExit('the code of a stranger runs')")
    monkeypatch.syspath_prepend(tmp_path)
    configure(folder, **{key: path})
    refused(folder, f"{key} is '{path}', which is not on the list: braindecode")
    assert "evilmod" not in sys.modules


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        (
            {"n_filters_time": 10**9},
            "n_filters_time is 1000000000, not a number up to 1,000,000",
        ),
        ({"n_filters_time": 10**6, "n_filters_spat": 10**6}, "of at least .* parameters"),
        ({"n_chans": 10**400}, "n_chans is 10000"),
        ({"drop_prob": float("nan")}, "drop_prob is nan"),
        ({"n_times": [1] * 20_000}, "n_times has 20,000 entries"),
        ({"surprise": 1, "evil": 2}, "no arguments surprise, evil: it takes n_chans"),
        ({"self": 1}, "no arguments self"),
        ({"n_filters_time": "many"}, "does not fit ShallowFBCSPNet"),
        ({"n_filters_time": -5}, "does not fit ShallowFBCSPNet"),
        (
            {"n_filters_time": 41},
            "of 10 tensors 3 of another shape: conv_time_spat.conv_time.weight .40, 1, 25, 1., not .41",
        ),
    ],
)
def test_sizes_are_bounded_before_anything_is_allocated(folder, changes, match):
    configure(folder, **changes)
    before, start = psutil.Process().memory_info().rss, time.process_time()
    refused(folder, match)
    assert psutil.Process().memory_info().rss - before < 200e6
    assert time.process_time() - start < 10


def test_a_class_that_needs_real_tensors_is_bounded_too(tmp_path):
    EEGSimpleConv(**SIZES).save_pretrained(tmp_path)
    configure(tmp_path, feature_maps=100_000)
    refused(tmp_path, "feature_maps is 100,000, more than 8,192", "EEGSimpleConv")


@pytest.mark.parametrize(
    "use",
    [
        lambda x: x.item(),
        lambda x: bool(x),
        lambda x: int(x),
        lambda x: x.cpu(),
        lambda x: x.numpy(),
        lambda x: x.tolist(),
        lambda x: torch.nonzero(x),
        lambda x: x + torch.ones(1),
    ],
)
def test_torch_says_meta_where_numbers_are_asked_for(use):
    with pytest.raises((NotImplementedError, RuntimeError, TypeError)) as caught:
        use(torch.zeros(1, device="meta"))
    assert _model.checkpoint.asks_for_numbers(caught.value)
    assert not _model.checkpoint.asks_for_numbers(ValueError("41 filters are too many"))


def test_a_limit_of_the_caller_counts(folder):
    refused(folder, "numbers, more than 100: pass most=", most=100)


@pytest.mark.parametrize(
    "name", ["os", "", "EEGModuleMixin", "ShallowFBCSPNet.forward", "../x", "A" * 999, None]
)
def test_a_class_is_one_of_a_list(folder, name):
    configure(folder, model_class="subprocess.Popen")
    refused(folder, "is for the class .* which is not allowed: ATCNet", name)


def test_the_list_of_a_caller_is_the_list(folder):
    refused(
        folder, "'ShallowFBCSPNet', which is not allowed: EEGNet are", allowed=["EEGNet"]
    )


def test_keys_are_compared_and_counted(folder):
    def rename(state):
        for name in list(state):
            state["encoder." + name] = state.pop(name)

    reweigh(folder, rename)
    refused(folder, "of 10 tensors 10 missing: .* and 5 more; 10 unknown: encoder")


def test_a_missing_encoder_is_not_random(folder):
    def only_head(state):
        for name in [n for n in state if not n.startswith("final_layer")]:
            del state[name]

    reweigh(folder, only_head)
    refused(folder, "of 10 tensors 8 missing: ")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_are_finite(folder, value):
    def spoil(state):
        state["bnorm.weight"][3] = value

    reweigh(folder, spoil)
    refused(folder, "1 of 40 numbers of bnorm.weight are not finite")


def test_pickles_are_never_read(folder):
    assert (folder / "pytorch_model.bin").exists()
    (folder / "model.safetensors").unlink()
    refused(folder, "has no file model.safetensors: .* Pickles .* are not read")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "3",
        "[" * 100_000,
        "\x00",
        '{"n_chans": ' + "9" * 5000 + "}",
        "x" * 2_000_000,
    ],
)
def test_a_configuration_that_is_none_is_refused(folder, text):
    (folder / "config.json").write_text(text)
    refused(folder, "config.json (is not JSON|holds no object|has 2,000,000 bytes)")


@pytest.mark.parametrize(
    "damage",
    [
        lambda b: b"",
        lambda b: b[:100],
        lambda b: b[:-8],
        lambda b: b"\xff" * 64,
        lambda b: b"PK" + b,
    ],
)
def test_damaged_weights_are_named(folder, damage):
    path = folder / "model.safetensors"
    path.write_bytes(damage(path.read_bytes()))
    refused(folder, "model.safetensors cannot be read")


def test_parts_that_are_no_files_are_refused(folder, tmp_path):
    (folder / "config.json").unlink()
    (folder / "config.json").mkdir()
    refused(folder, "has no file config.json")
    refused(tmp_path / "nobody", "has no file config.json")


def test_every_default_that_is_a_class_is_on_the_list():
    import inspect

    import braindecode.models as models

    lacking = set()
    for name in models.__all__:
        for parameter in inspect.signature(
            getattr(models, name).__init__
        ).parameters.values():
            if (
                inspect.isclass(parameter.default)
                and parameter.default is not inspect.Parameter.empty
            ):
                kind = parameter.default
                lacking |= {f"{kind.__module__}.{kind.__qualname__}"} - set(
                    _model.checkpoint.NAMES
                )
    assert lacking == set()
