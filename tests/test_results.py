"""The measuring."""

import copy
import json

import pytest
import torch
from braindecode.models import ShallowFBCSPNet

from _helpers import measure, record
from bench import cohort, finetune, run
from tools import Fork


def test_pairs_are_taken_in_turn_and_give_the_ratio(monkeypatch):
    order, clock = [], [0.0]

    def burn(name, seconds):
        order.append(name)
        clock[0] += seconds

    monkeypatch.setattr(measure.time, "process_time", lambda: clock[0])
    result = measure.paired(lambda: burn("a", 0.25), lambda: burn("b", 1.0), repeats=3)
    assert order == ["a", "b"] * 4
    assert result["lowest"] == result["ratio"] == result["highest"] == 4.0
    assert (result["seconds"], result["against_seconds"]) == (0.25, 1.0)


def test_json_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    record.write_json(path, {"a": 1})
    monkeypatch.setattr(
        record.json, "dumps", lambda *a, **k: (_ for _ in ()).throw(OSError("full"))
    )
    with pytest.raises(OSError, match="full"):
        record.write_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}


def test_one_part_of_a_file_is_measured_and_the_others_stay(tmp_path, monkeypatch):
    path = tmp_path / "benchmarks.json"
    path.write_text('{"finetune": 1, "scale": 2}')
    monkeypatch.setattr(run, "BENCHMARKS", path)
    monkeypatch.setattr(cohort, "measure_cohort", lambda rounds: {"new": rounds})
    assert cohort.main(["--rounds", "3"]) == 0
    content = json.loads(path.read_text())
    assert content["finetune"] == 1
    assert content["scale"]["new"] == 3
    assert "torch" in content["scale"]["versions"]
    assert content["scale"]["machine"]["cpu"].endswith("cores")


def test_a_cohort_of_links_is_a_cohort(tmp_path):
    study = tmp_path / cohort.NAME
    blocks = ((2, "open"), (6, "open"), (6, "closed"), (2, "open"))
    cohort.write_cohort(study, blocks, 3, n_different=2)
    found = cohort.in_fresh_process(
        cohort.process_people, tmp_path, str(study), 3, str(tmp_path / "windows")
    )
    assert found["people"] == 3
    assert found["n_windows"] == 3 * 6
    assert found["window_bytes"] == 3 * 6 * 8 * 200 * 4
    assert found["peak_mb"] >= found["first_mb"] > 100
    fork = Fork(cohort.process_at_once, tmp_path, str(study), 3)
    assert "hold the same signal" in fork.printed()  # the third is a copy of the first
    assert cohort.process_at_once(str(study), 2)["people"] == 2


def test_the_loops_that_are_compared_do_the_same():
    torch.manual_seed(0)
    X, y = torch.randn(40, 4, 200), torch.arange(40) % 2
    start = ShallowFBCSPNet(4, 2, n_times=200, sfreq=100)
    settings = {"lr": 1e-3, "n_steps": 3, "batch_size": 8}
    finetune.encoder.freeze_encoder(start)
    one = finetune.our_loop(copy.deepcopy(start), X, y, look=(X, y), **settings)
    other = finetune.plain_loop(copy.deepcopy(start), X, y, frozen=True, **settings)
    assert not torch.equal(start(X), one(X))
    torch.testing.assert_close(one(X), other(X))
