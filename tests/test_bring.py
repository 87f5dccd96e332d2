"""A checkpoint of somebody else: twelve faults that Braindecode takes in silence are refused or mended by name."""

import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from braindecode.models import BIOT, CBraMod, EEGConformer, ShallowFBCSPNet
from safetensors.torch import load_file, save_file

import _model.share
from _model.checkpoint import CheckpointError, read_checkpoint
from _model.encoder import is_head
from _model.fit import (
    Expected,
    channel_infos,
    channel_matrix,
    expected_windows,
    match_windows,
    with_new_head,
)
from _model.share import find_checkpoint, licence_of, open_checkpoint, share

SHALLOW = "ShallowFBCSPNet"
CAP = ("Fz", "Cz", "Pz", "C3", "C4", "Oz")
SIZES = {"n_outputs": 2, "n_times": 200, "sfreq": 100.0, "n_chans": len(CAP)}
ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """What plain Braindecode writes: a model that knows its electrodes."""
    folder = tmp_path_factory.mktemp("theirs") / "shallow"
    torch.manual_seed(3)
    ShallowFBCSPNet(**SIZES, chs_info=channel_infos(CAP)).save_pretrained(folder)
    return folder


@pytest.fixture
def folder(saved, tmp_path):
    return shutil.copytree(saved, tmp_path / "shallow")


@pytest.fixture
def windows():
    return np.random.default_rng(0).normal(0, 10, (4, len(CAP), 200)).astype(np.float32)


def configure(folder, drop=(), **changes):
    path = folder / "config.json"
    values = json.loads(path.read_text("utf-8")) | changes
    path.write_text(json.dumps({k: v for k, v in values.items() if k not in drop}), "utf-8")


def reweigh(folder, change):
    path = folder / "model.safetensors"
    save_file(change(load_file(path)), path)


def expected(**changes):
    return Expected(
        **{"kind": "X", "channels": CAP, "places": {}, "sfreq": 100.0, "n_times": 200}
        | {"scale": "uV"}
        | changes
    )


def upstream(kind, folder):
    """What Braindecode says of a folder: nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        return kind.from_pretrained(str(folder))


def test_1_the_folder_of_another_class(folder):
    upstream(EEGConformer, folder)  # no error
    with pytest.raises(
        CheckpointError, match="EEGConformer has no arguments n_filters_spat"
    ):
        read_checkpoint(folder, "EEGConformer")
    with pytest.raises(CheckpointError, match="names no class, .*CHECKPOINT_CLASS"):
        read_checkpoint(folder)


def test_2_keys_with_the_prefix_of_a_wrapper(folder):
    reweigh(folder, lambda state: {f"module.{k}": v for k, v in state.items()})
    upstream(ShallowFBCSPNet, folder)  # no error
    with pytest.raises(CheckpointError, match=r"missing: .*unknown: module\."):
        read_checkpoint(folder, SHALLOW)


def test_3_half_of_the_keys(folder):
    reweigh(folder, lambda state: dict(list(state.items())[::2]))
    upstream(ShallowFBCSPNet, folder)  # no error
    with pytest.raises(CheckpointError, match="missing"):
        read_checkpoint(folder, SHALLOW)


def test_4_the_rate_is_brought_to_that_of_the_checkpoint_or_asked_for(folder, windows):
    t = np.arange(400) / 200
    tone = np.broadcast_to(20 * np.sin(2 * np.pi * 10 * t), (1, len(CAP), 400))
    X, steps = match_windows(tone, CAP, 200.0, expected())
    assert X.shape[2] == 200
    assert steps["rate"] == ["200 Hz, the checkpoint has 100 Hz"]
    found = np.abs(np.fft.rfft(X[0, 0])).argmax() * 100 / 200
    assert found == 10.0  # Hz; as it was, it would be 5
    configure(folder, drop=("sfreq",))
    with pytest.raises(
        CheckpointError, match="has no sfreq, and the same weights fit every"
    ):
        expected_windows(folder, read_checkpoint(folder, SHALLOW))


def test_5_half_of_the_window():
    torch.manual_seed(0)
    how = {"n_layer": 1, "nhead": 2, "dim_feedforward": 20, "emb_dim": 8}
    model = CBraMod(**SIZES | {"n_times": 400}, **how)
    with pytest.raises(
        CheckpointError, match="400 samples and cannot take 100 .*window_s in the file"
    ):
        with_new_head(model, 100, 2)


def test_6_channels_in_another_order(folder, windows):
    right, _ = match_windows(windows, CAP, 100.0, expected())
    mixed, _ = match_windows(windows[:, ::-1], CAP[::-1], 100.0, expected())
    assert np.array_equal(right, mixed)
    assert np.array_equal(right, windows)
    configure(folder, drop=("chs_info",))
    with pytest.raises(CheckpointError, match="names no channels"):
        expected_windows(folder, read_checkpoint(folder, SHALLOW))


def test_7_a_channel_that_is_missing_is_estimated_and_named(windows):
    smooth = windows.mean(axis=1, keepdims=True) + 0.1 * windows
    X, steps = match_windows(smooth[:, 1:], CAP[1:], 100.0, expected())
    assert steps["by position"] == ["Fz"]
    assert steps["by name"] == list(CAP[1:])
    assert np.corrcoef(X[0, 0], smooth[0, 0])[0, 1] > 0.9
    with pytest.raises(CheckpointError, match="only .*'Fz', 'Cz'.* have a place"):
        channel_matrix(CAP[:2], expected())


def test_8_volts(windows):
    with pytest.raises(CheckpointError, match="e-06, where EEG in uV has 3 to 30"):
        match_windows(windows * 1e-6, CAP, 100.0, expected())


def test_9_a_normalisation_that_is_not_that_of_the_model(folder, monkeypatch):
    model = read_checkpoint(folder, SHALLOW)
    with pytest.raises(CheckpointError, match="scale of its windows is None: set EEG_TUT"):
        expected_windows(folder, model)
    (folder / "windows.json").write_text('{"scale": "uV/100"}')
    assert expected_windows(folder, model).scale == "uV/100"
    monkeypatch.setenv("EEG_TUTORIAL_CHECKPOINT_SCALE", "z-score")
    with pytest.raises(
        CheckpointError, match="saved with scale uV/100, .*SCALE says z-score"
    ):
        expected_windows(folder, model)


@pytest.mark.parametrize("scale", ["window", "uV/100", "z-score", "percentile", "min-max"])
def test_every_scale_is_finite_and_keeps_the_shape(windows, scale):
    X, _ = match_windows(windows, CAP, 100.0, expected(scale=scale))
    assert X.shape == windows.shape
    assert np.isfinite(X).all()


def test_10_names_that_nobody_knows(windows):
    strange = expected(channels=("Fz", "electrode7"))
    with pytest.raises(CheckpointError, match="no place is known for electrode7"):
        match_windows(windows, CAP, 100.0, strange)
    known = expected(channels=("Fz", "electrode7"), places={"electrode7": [0, 0.05, 0.08]})
    assert match_windows(windows, CAP, 100.0, known)[1]["by position"] == ["electrode7"]


def test_channels_may_be_told_but_not_against_the_file(folder, monkeypatch):
    (folder / "windows.json").write_text('{"scale": "uV"}')
    monkeypatch.setenv("EEG_TUTORIAL_CHECKPOINT_CHANNELS", "Cz, Fz, Pz, C3, C4, Oz")
    with pytest.raises(CheckpointError, match="was saved with channels"):
        expected_windows(folder, read_checkpoint(folder, SHALLOW))
    configure(folder, drop=("chs_info",))
    found = expected_windows(folder, read_checkpoint(folder, SHALLOW))
    assert found.channels == ("Cz", "Fz", "Pz", "C3", "C4", "Oz")
    monkeypatch.setenv("EEG_TUTORIAL_CHECKPOINT_CHANNELS", "Cz,Fz")
    with pytest.raises(CheckpointError, match="has 6 channels, but 2 different names"):
        expected_windows(folder, read_checkpoint(folder, SHALLOW))


def test_11_the_head_of_the_old_task_is_never_kept(folder):
    model = read_checkpoint(folder, SHALLOW)
    torch.manual_seed(9)
    fresh, loaded = with_new_head(model, 150, 2)
    assert loaded.n == loaded.of
    old, new = model.state_dict(), fresh.state_dict()
    for name, value in new.items():
        if not name.endswith("bias"):  # of a head they start at 0
            same = value.shape == old[name].shape and torch.equal(value, old[name])
            assert same != is_head(name, model), name
    scratch, none = with_new_head(model, 150, 2, keep=False)
    assert none is None
    weights = [name for name in new if name.endswith("weight") and not is_head(name, model)]
    assert any(not torch.equal(scratch.state_dict()[n], old[n]) for n in weights)


def test_12_the_licence_is_that_of_the_weights(folder, tmp_path, monkeypatch):
    model = read_checkpoint(folder, SHALLOW)
    assert licence_of(folder) == "bsd-3-clause"  # upstream: that of the class, unasked
    (folder / "README.md").write_text("---\ntags:\n- eeg\nlicense: cc-by-nc-4.0\n---\n")
    assert licence_of(folder) == "cc-by-nc-4.0"
    (folder / "README.md").unlink()
    assert licence_of(folder) == "unknown"
    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path / "cache"))
    card = {"licence": "cc-by-nc-4.0", "origin": "a/b@1", "about": "Right in .62 of 16."}
    again = share(model, "mine", scale="uV", **card)
    assert licence_of(again) == "cc-by-nc-4.0"
    assert "Right in .62 of 16." in (again / "README.md").read_text()
    assert expected_windows(again, read_checkpoint(again)).channels == CAP
    X = torch.randn(3, len(CAP), 200)
    assert torch.equal(read_checkpoint(again)(X), model(X))
    assert not list(again.glob(".*"))


def test_a_checkpoint_is_one_object(folder, windows, tmp_path, monkeypatch):
    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("EEG_TUTORIAL_CHECKPOINT_CLASS", SHALLOW)
    (folder / "windows.json").write_text('{"scale": "uV/100"}')
    opened = open_checkpoint(folder)
    assert (opened.origin, opened.licence) == (folder.name, "bsd-3-clause")
    assert opened.expected.channels == CAP
    assert not opened.network.training
    X, steps = opened.windows(windows, CAP, 100.0)
    np.testing.assert_allclose(X, windows / 100, rtol=1e-6)
    assert steps["by name"] == list(CAP)
    model, loaded = opened.model(X.shape[2], 3)
    assert loaded.n == loaded.of
    assert opened.model(X.shape[2], 3, keep=False)[1] is None
    again = open_checkpoint(opened.share(model, "mine", "Right in .62 of 16."))
    assert (again.origin, again.licence) == ("mine", opened.licence)
    assert (again.expected.channels, again.expected.scale) == (CAP, "uV/100")
    assert torch.equal(again.network(torch.tensor(X)), model(torch.tensor(X)))
    monkeypatch.delenv("EEG_TUTORIAL_CHECKPOINT_CLASS")
    with pytest.raises(CheckpointError, match="names no class"):
        open_checkpoint(folder)


def test_a_family_has_the_scale_of_its_published_weights(tmp_path):
    torch.manual_seed(0)
    how = {"embed_dim": 16, "num_heads": 2, "num_layers": 1, "max_seq_len": 64}
    model = BIOT(**SIZES | {"sfreq": 200.0}, chs_info=channel_infos(CAP), **how)
    model.save_pretrained(tmp_path / "biot")
    assert expected_windows(tmp_path / "biot", model).scale == "percentile"


def test_an_id_of_the_hub_needs_permission_and_says_its_size(
    monkeypatch, tmp_path, capsys, saved
):
    import huggingface_hub

    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("EEG_TUTORIAL_DOWNLOAD", raising=False)
    with pytest.raises(CheckpointError, match="set EEG_TUTORIAL_DOWNLOAD=1 to fetch"):
        find_checkpoint("somebody/model@v2")
    with pytest.raises(CheckpointError, match="no such file or folder"):
        find_checkpoint("no such folder/../x y")
    asked = []

    class Api:
        def model_info(self, name, **how):
            asked.append((name, how["revision"]))
            file = type("F", (), {"rfilename": "model.safetensors", "size": 20_000_000})
            return type("I", (), {"sha": "a" * 40, "siblings": [file]})

    def fetch(name, *, revision, local_files_only=False, **how):
        if local_files_only:
            raise huggingface_hub.errors.LocalEntryNotFoundError("not here")
        asked.append((name, revision))
        assert Path(how["cache_dir"]).is_relative_to(tmp_path)
        assert not any(
            pattern.endswith((".bin", ".pt")) for pattern in how["allow_patterns"]
        )
        return str(saved)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    monkeypatch.setenv("EEG_TUTORIAL_DOWNLOAD", "1")
    folder, name = find_checkpoint("somebody/model@v2")
    assert (folder, name) == (saved, f"somebody/model@{'a' * 8}")
    assert asked == [("somebody/model", "v2"), ("somebody/model", "a" * 40)]
    assert "20.0 MB" in capsys.readouterr().out
    assert _model.share.HUB.fullmatch("a/b")


@pytest.mark.slow
def test_the_page_runs_on_a_folder_that_plain_braindecode_wrote(tmp_path):
    names = [
        "OZ",
        "PZ",
        "p4",
        "P3",
        "C4",
        "C3",
        "FCz",
    ]  # other letters, order and electrode
    torch.manual_seed(5)
    how = {"n_outputs": 4, "n_times": 600, "sfreq": 200.0, "n_chans": len(names)}
    ShallowFBCSPNet(**how, chs_info=channel_infos(names)).save_pretrained(
        tmp_path / "theirs"
    )
    env = {**os.environ, "EEG_TUTORIAL_CHECKPOINT": str(tmp_path / "theirs")}
    env |= {
        "EEG_TUTORIAL_CHECKPOINT_CLASS": SHALLOW,
        "EEG_TUTORIAL_CHECKPOINT_SCALE": "window",
    }
    env |= {"EEGDASH_CACHE_DIR": str(tmp_path)}
    page = next((ROOT / "examples").glob("plot_92_*.py"))
    run = subprocess.run(
        [sys.executable, page.name],
        cwd=page.parent,
        env=env,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr[-2000:]
    line = json.loads(run.stdout.splitlines()[-1])
    assert (line["model"], line["n_by_name"], line["n_by_position"]) == (
        "ShallowFBCSPNet",
        6,
        1,
    )
    assert line["tensors_loaded"] == line["tensors_total"]
