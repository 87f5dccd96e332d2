"""Checkpoints as people save them, and places of electrodes from frames as people have them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import mne
import numpy as np
import pytest
import torch
from braindecode.models import BIOT, LUNA, EEGNet
from mne.channels import make_standard_montage, transform_to_head
from safetensors.torch import load_file, save_file

import _study
from _model.checkpoint import CheckpointError, read_checkpoint
from _model.families import FACTS, WEIGHTS, families
from _model.fit import SCALES, Expected, channel_matrix, expected_windows, match_windows
from _model.share import find_checkpoint, licence_of, open_checkpoint, share
from _study.places import give_positions, in_head_frame, standard_places
from tidy import (
    NAMES,
    beside,
    share_on_right_side,
    stem,
    write_channels,
    write_study,
    write_table,
)

ROOT = Path(__file__).resolve().parents[1]
NET = (*(f"E{i}" for i in range(1, 129)), "Cz")
TEN_TWENTY = [
    "Fp1",
    "Fp2",
    "F7",
    "F3",
    "Fz",
    "F4",
    "F8",
    "T7",
    "C3",
    "Cz",
    "C4",
    "T8",
    "P7",
    "P3",
    "Pz",
    "P4",
    "P8",
    "O1",
    "O2",
]
SIZES = {"n_outputs": 2, "n_times": 256, "sfreq": 128.0}
#: One frame seen from another: x to the front and y to the left, moved by 2 cm, in mm.
TURN = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1.0]])
MOVE = np.array([0.02, 0.01, -0.02])


def expected(channels, places=None, scale="uV"):
    return Expected("X", tuple(channels), places or {}, 128.0, 256, scale)


def weights_of(matrix, channels, ch_names, name):
    """Recorded electrodes that make one of the checkpoint, the largest weight first."""
    row = matrix[list(channels).index(name)]
    return {ch_names[at]: row[at] for at in np.abs(row).argsort()[::-1]}


def head_places(title):
    return transform_to_head(make_standard_montage(title)).get_positions()["ch_pos"]


def elsewhere(places, unit=1e3):
    return {name: (TURN @ (place + MOVE)) * unit for name, place in places.items()}


@pytest.fixture(scope="module")
def info():
    """What a recording knows of its channels: a montage, and NaN where MNE knows nothing."""
    info = mne.create_info(list(NAMES), 128.0, "eeg")
    info.set_montage("standard_1005")
    return info


@pytest.fixture
def folder(info, tmp_path):
    """A checkpoint that was saved with the channels of a recording."""
    torch.manual_seed(0)
    EEGNet(**SIZES, chs_info=info["chs"]).save_pretrained(tmp_path / "runs")
    return tmp_path / "runs"


def test_a_hydrocel_net_and_the_ten_twenty_system_stand_in_one_frame():
    matrix, steps = channel_matrix(NET, expected(TEN_TWENTY))
    for name, (net, weight) in {
        "Fz": ("E11", 0.72),
        "C3": ("E36", 0.74),
        "P3": ("E52", 0.75),
        "Fp1": ("E22", 0.88),
    }.items():
        near, size = next(iter(weights_of(matrix, TEN_TWENTY, NET, name).items()))
        assert (near, round(size, 2)) == (net, weight)
    assert steps["by name"] == ["Cz"]
    assert steps["nearest"][0].startswith("E62 is 22 mm from Pz, the farthest of 18")
    mine, theirs = standard_places(NET), standard_places(TEN_TWENTY)
    rng, errors = np.random.default_rng(0), []
    for _ in range(300):  # a source in the head, seen by both caps
        at, moment = rng.normal(size=3), rng.normal(size=3)
        at = [0, 0, 0.04] + 0.05 * at / np.linalg.norm(at)
        seen = [
            ((np.array(list(cap.values())) - at) @ moment)
            / np.linalg.norm(np.array(list(cap.values())) - at, axis=1) ** 3
            for cap in (mine, theirs)
        ]
        errors.append(np.linalg.norm(matrix @ seen[0] - seen[1]) / np.linalg.norm(seen[1]))
    assert np.median(errors) < 0.3  # 0.45 where frames are mixed


def test_places_of_a_checkpoint_and_of_a_montage_stand_in_one_frame():
    mine = ("FC1", "CP1", "FC5", "CP5", "Fz", "Pz", "P3", "T7", "Cz", "F3", "C4")
    right, _ = channel_matrix(mine, expected(["C3", *mine[4:]]))
    assert set(list(weights_of(right, ["C3"], mine, "C3"))[:4]) == set(mine[:4])
    theirs = {name: head_places("standard_1005")[name] for name in ("C3", *mine[4:])}
    for frame in (
        theirs,
        elsewhere(theirs),
        make_standard_montage("standard_1005").get_positions()["ch_pos"],
    ):
        saved = {name: frame[name] for name in theirs}
        found, _ = channel_matrix(mine, expected(theirs, saved))
        np.testing.assert_allclose(found, right, atol=1e-6)
    renamed = {{"C3": "X9"}.get(n, n): place for n, place in elsewhere(theirs).items()}
    found, steps = channel_matrix(
        mine, expected(renamed, renamed)
    )  # a name that no montage has
    np.testing.assert_allclose(found, right, atol=1e-4)
    assert steps["by position"] == ["X9"]


@pytest.mark.parametrize("unit", [1.0, 1e2, 1e3, 10.0], ids=["m", "cm", "mm", "radius"])
@pytest.mark.parametrize("by", ["landmarks", "names", "nothing"])
def test_a_cap_comes_into_the_head_frame(unit, by):
    montage = transform_to_head(make_standard_montage("standard_1005")).get_positions()
    cap = {name: montage["ch_pos"][name] for name in TEN_TWENTY}
    if by == "nothing":  # MNE's frame already
        cap = {f"X{name}": place for name, place in cap.items()}
        found = in_head_frame({name: place * unit for name, place in cap.items()})
    else:
        marks = {name: montage[name] for name in ("nasion", "lpa", "rpa")}
        marks = elsewhere(marks, unit) if by == "landmarks" else None
        found = in_head_frame(elsewhere(cap, unit), marks)
    assert list(found) == list(cap)
    np.testing.assert_allclose(list(found.values()), list(cap.values()), atol=1e-4)


def test_names_of_another_cap_are_not_laid_on_a_montage():
    rng = np.random.default_rng(0)
    cap = {f"E{i}": place for i, place in enumerate(rng.normal(0, 0.06, (30, 3)), 1)}
    assert all(np.array_equal(place, cap[n]) for n, place in in_head_frame(cap).items())
    assert in_head_frame({}) == {}


@pytest.mark.parametrize(
    "landmarks", ["coordsystem.json", "electrodes.tsv", "of another frame", None]
)
def test_electrodes_of_a_table_come_into_the_head_frame(tmp_path, info, landmarks):
    montage = transform_to_head(make_standard_montage("standard_1005")).get_positions()
    cap = elsewhere({name: montage["ch_pos"][name] for name in NAMES})
    marks = elsewhere(
        {
            n: montage[key]
            for n, key in zip(("NAS", "LPA", "RPA"), ("nasion", "lpa", "rpa"), strict=True)
        }
    )
    at = stem(tmp_path, "01")
    rows = cap | marks if landmarks == "electrodes.tsv" else cap
    write_table(
        beside(at, "electrodes.tsv"),
        [("name", *"xyz"), *((n, *xyz) for n, xyz in rows.items())],
    )
    about = {"EEGCoordinateSystem": "CTF", "EEGCoordinateUnits": "mm"}
    if landmarks in ("coordsystem.json", "of another frame"):
        frame = "CTF" if landmarks == "coordsystem.json" else "Other"
        scale = 1 if frame == "CTF" else -1
        about |= {"AnatomicalLandmarkCoordinateSystem": frame}
        about |= {
            "AnatomicalLandmarkCoordinates": {
                n: list(scale * xyz) for n, xyz in marks.items()
            }
        }
    beside(at, "coordsystem.json").write_text(json.dumps(about))
    raw = mne.io.RawArray(
        np.zeros((8, 10)), mne.create_info(list(NAMES), 128.0, "eeg"), verbose="ERROR"
    )
    assert give_positions(raw, list(NAMES), tmp_path, beside(at, "eeg.edf"))
    for mine, theirs in zip(raw.info["chs"], info["chs"], strict=True):
        np.testing.assert_allclose(mine["loc"][:3], theirs["loc"][:3], atol=1e-4)


def test_a_bad_channel_is_interpolated_from_places_in_mm_without_a_unit(tmp_path):
    root = write_study(tmp_path / "study")
    cap = elsewhere({name: head_places("standard_1005")[name] for name in NAMES})
    for file in root.glob("sub-*/eeg/*_channels.tsv"):
        write_channels(file, status={"C3": "bad"})
        table = file.with_name(file.name.replace("channels", "electrodes"))
        write_table(table, [("name", *"xyz"), *((n, *xyz) for n, xyz in cap.items())])
    assert share_on_right_side(_study.open_study(root)) > 0.85


@pytest.mark.parametrize("kind", [None, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("unknown", [float("nan"), float("inf"), None])
def test_a_checkpoint_with_the_channels_of_a_recording_loads(
    folder, monkeypatch, kind, unknown
):
    monkeypatch.setenv("EEG_TUTORIAL_CHECKPOINT_CLASS", "EEGNet")
    monkeypatch.setenv("EEG_TUTORIAL_CHECKPOINT_SCALE", "uV")
    config = json.loads((folder / "config.json").read_text())
    assert "NaN" in (folder / "config.json").read_text()
    config["chs_info"][2]["loc"][:3] = [unknown] * 3
    (folder / "config.json").write_text(json.dumps(config))
    state = load_file(folder / WEIGHTS)
    if kind:
        few = {k: v.to(kind) if v.is_floating_point() else v for k, v in state.items()}
        save_file(few, folder / WEIGHTS)
    opened = open_checkpoint(folder)
    assert opened.expected.channels == NAMES
    assert set(opened.expected.places) == set(NAMES) - {NAMES[2]}
    for name, value in opened.network.state_dict().items():
        torch.testing.assert_close(value, state[name], atol=2e-2, rtol=2e-2)
    assert "NaN" not in json.dumps(opened.network.get_config(), default=str)
    mine = [name for name in NAMES if name != NAMES[2]]  # its place is that of its name
    _, steps = channel_matrix(mine, opened.expected)
    assert steps["by position"] == [NAMES[2]]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9])
def test_other_numbers_of_a_configuration_stay_numbers(folder, value):
    config = json.loads((folder / "config.json").read_text()) | {"drop_prob": value}
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match="drop_prob is .* not a number"):
        read_checkpoint(folder, "EEGNet")


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("runs", None),
        ("runs/model.safetensors", None),
        ("runs/config.json", None),
        ("runs/pytorch_model.bin", None),
        ("runs/best.pt", "runs/best.pt is a file, .*save_pretrained"),
        ("{here}/runs/best.pt", "best.pt is a file"),
        ("alone/model.safetensors", "model.safetensors is a file"),
        ("runs/none.pt", "no such file or folder: {here}/runs/none.pt"),
        ("./runs/none", "no such file or folder"),
        ("{here}/none", "no such file or folder"),
        ("org/model.safetensors", "no such file or folder"),
        ("x" * 5000, "cannot be a folder|no such file"),
        ("braindecode/labram-pretrained", "set EEG_TUTORIAL_DOWNLOAD=1"),
    ],
)
def test_a_file_that_is_there_is_never_an_id(folder, tmp_path, monkeypatch, where, message):
    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("EEG_TUTORIAL_DOWNLOAD", raising=False)
    monkeypatch.chdir(tmp_path)
    torch.save({}, folder / "best.pt")
    (tmp_path / "alone").mkdir()
    shutil.copy(folder / WEIGHTS, tmp_path / "alone")
    where = where.format(here=tmp_path)
    if message is None:
        path, name = find_checkpoint(where)
        assert (path.resolve(), name) == (folder, "runs")
        return
    with pytest.raises(CheckpointError, match=message.format(here=tmp_path)):
        find_checkpoint(where)


def test_the_page_says_so_in_one_line_and_before_it_reads_a_study(tmp_path):
    page = next((ROOT / "examples").glob("plot_92_*.py"))
    (tmp_path / "best.pt").touch()
    env = {**os.environ, "EEGDASH_CACHE_DIR": str(tmp_path)}
    env |= {
        "EEG_TUTORIAL_CHECKPOINT": str(tmp_path / "best.pt"),
        "EEG_TUTORIAL_STUDY": "nobody",
    }
    run = subprocess.run(
        [sys.executable, str(page)], env=env, capture_output=True, text=True
    )
    assert run.returncode == 1
    assert run.stderr.startswith("CheckpointError: ")
    assert len(run.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("scale", "size"),
    [("V", 1e-6), ("mV", 1e-3), ("0.01", 0.01), ("1e-6", 1e-6), ("-2", 2.0)],
)
def test_a_scale_may_be_a_unit_or_a_number(folder, monkeypatch, scale, size):
    monkeypatch.setenv("EEG_TUTORIAL_CHECKPOINT_SCALE", scale)
    known = expected_windows(folder, read_checkpoint(folder, "EEGNet"))
    windows = np.random.default_rng(0).normal(0, 10, (3, len(NAMES), 256))
    X, _ = match_windows(windows, NAMES, 128.0, known)
    np.testing.assert_allclose(np.abs(X), np.abs(windows) * size, rtol=1e-5)


def test_moving_standardisation_is_that_of_braindecode():
    windows = np.random.default_rng(0).normal(5, 10, (3, len(NAMES), 256))
    X, steps = match_windows(windows, NAMES, 128.0, expected(NAMES, scale="ems"))
    np.testing.assert_allclose(X.std(-1), 1, rtol=1e-5)
    assert steps["scale"] == [
        "ems: moving standardisation within each window, not over a recording"
    ]


@pytest.mark.parametrize("scale", ["0", "nan", "inf", "volts"])
def test_every_scale_that_can_be_said_is_listed(folder, monkeypatch, scale):
    monkeypatch.setenv("EEG_TUTORIAL_CHECKPOINT_SCALE", scale)
    with pytest.raises(CheckpointError) as caught:
        expected_windows(folder, read_checkpoint(folder, "EEGNet"))
    assert all(
        known in str(caught.value) for known in (scale, *SCALES, "a number by which")
    )


def test_a_reader_knows_the_scale_of_an_own_model_of_a_family(info, tmp_path, monkeypatch):
    how = {"embed_dim": 16, "num_heads": 2, "num_layers": 1, "max_seq_len": 64}
    model = BIOT(**SIZES | {"sfreq": 200.0, "n_times": 400}, chs_info=info["chs"], **how)
    assert expected_windows(tmp_path, model).scale == "percentile"
    monkeypatch.setenv("EEG_TUTORIAL_CHECKPOINT_SCALE", "V")
    assert expected_windows(tmp_path, model).scale == "V"


def test_the_file_of_a_family_is_what_is_fetched_and_read(tmp_path, monkeypatch, capsys):
    import huggingface_hub

    others = {name for name, family in families().items() if family.weights != WEIGHTS}
    assert (
        others
        == {"LUNA"}
        == {name for name in FACTS if "filename=" in FACTS[name]["hub"][1]}
    )
    family = families()["LUNA"]
    model = LUNA(
        n_outputs=2,
        n_chans=4,
        n_times=80,
        sfreq=256.0,
        embed_dim=16,
        depth=1,
        drop_path=0.1,
    )
    there = tmp_path / "hub" / "snapshot"
    model.save_pretrained(there)
    (there / WEIGHTS).rename(there / family.weights)
    config = json.loads((there / "config.json").read_text()) | {"model_class": "LUNA"}
    (there / "config.json").write_text(json.dumps(config))
    sizes = {family.weights: 28e6, "LUNA_huge.safetensors": 1e9, "config.json": 1000}

    class Api:
        def model_info(self, name, **how):
            files = [
                type("F", (), {"rfilename": n, "size": int(s)}) for n, s in sizes.items()
            ]
            return type("I", (), {"sha": "a" * 40, "siblings": files})

    def fetch(name, *, local_files_only=False, allow_patterns=(), **how):
        if local_files_only:
            raise huggingface_hub.errors.LocalEntryNotFoundError("not here")
        assert [n for n in allow_patterns if "safetensors" in n] == [family.weights]
        return str(there)

    monkeypatch.setattr(huggingface_hub, "HfApi", Api)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    monkeypatch.setenv("EEG_TUTORIAL_DOWNLOAD", "1")
    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("EEG_TUTORIAL_CHECKPOINT_CHANNELS", "Fz, Cz, Pz, Oz")
    opened = open_checkpoint(family.hub)
    assert "28.0 MB" in capsys.readouterr().out
    state = opened.network.state_dict()
    assert all(
        torch.equal(value, state[name]) for name, value in model.state_dict().items()
    )
    assert opened.licence == "unknown"  # nobody states that of its weights


@pytest.mark.parametrize(
    ("card", "licence", "shared"),
    [
        ("license: mit", "mit", True),
        ("license: 'cc-by-nc-4.0'", "cc-by-nc-4.0", True),
        ("license:\n- apache-2.0", "apache-2.0", True),
        ("license: unlicense", "unlicense", True),
        ("license: cc-by-nd-4.0", "cc-by-nd-4.0", False),
        ("license: CC BY-NC-ND 4.0", "CC BY-NC-ND 4.0", False),
        ("license: other", "other", False),
        ("license: mit\nextra_gated_prompt: Agree.", "mit (gated)", False),
        ("tags: [eeg]", "unknown", False),
        (None, "unknown", False),
    ],
)
def test_a_licence_that_forbids_copies_is_refused_by_name(
    folder, tmp_path, monkeypatch, capsys, card, licence, shared
):
    monkeypatch.setenv("EEGDASH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("EEG_TUTORIAL_CHECKPOINT_CLASS", "EEGNet")
    monkeypatch.setenv("EEG_TUTORIAL_CHECKPOINT_SCALE", "uV")
    (folder / "README.md").write_text(f"---\n{card}\n---\nlicense: mit\n" if card else "")
    opened = open_checkpoint(folder)
    assert opened.licence == licence == licence_of(folder)
    if shared:
        assert opened.share(opened.network, "mine", "Good.").is_dir()
        return
    with pytest.raises(
        CheckpointError, match="not shared: the licence of its weights is "
    ) as caught:
        opened.share(opened.network, "mine", "Good.")
    assert licence in str(caught.value)
    assert "the head and your code" in str(caught.value)
    kept = opened.share_or_keep(opened.network, "mine", "Good.")
    assert licence in capsys.readouterr().out
    assert licence_of(kept).split()[0] == licence.split()[0]
    with pytest.raises(
        CheckpointError, match=f"is {licence.replace('(', '.').replace(')', '.')}, which"
    ):
        share(opened.network, "x", scale="uV", licence=licence, origin="a", about="")
