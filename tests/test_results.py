"""Measured numbers on pages, and the measuring itself."""

import json
import subprocess
import sys
import time

import pytest

from _helpers import bench, measure, record
from _helpers.pages import ROOT
from _helpers.results import (
    REGIMES,
    benchmark_lines,
    cost_lines,
    evidence_lines,
    machine_lines,
    pfactor_lines,
    scale_figure,
    scale_lines,
)

MEASURED_ON = {"machine": record.machine(), "versions": record.versions()}


def run(seed, full):
    points = {"from-scratch": 0.6, "linear-probe": 0.7, "full-finetune": full}
    line = {
        "budgets": {r: {"2": [points[r], 0.5, 0.9]} for r in REGIMES},
        "paired": {"full-finetune - from-scratch": {"mean": full - 0.6, "ci": [full - 0.7, 0.3], "p": 0.01}},
        "controls": {"zero-shot": 0.55},
    }  # fmt: skip
    return {"seed": seed, "contract": line}


def test_evidence_counts_wins_and_means():
    text = "\n".join(evidence_lines({"plot_73": [run(0, 0.8), run(1, 0.5)]}))
    assert "over 2 draws of people" in text
    for cell in ("0.600 (sd 0.000)", "0.650 (sd 0.212)", "1 of 2", "2 of 2", "0.550"):
        assert cell in text
    assert (
        "full-finetune - from-scratch: +0.050 on average; interval above zero in 1 of 2."
        in text
    )


def test_benchmarks_say_ratio_spread_and_difference():
    row = {"what": "this", "against": "that", "ratio": 3.14, "lowest": 2.5, "highest": 4.0}
    content = {
        "finetune": {
            "rows": [{**row, "difference": 2e-7}, row],
            "peak": {"training_gflop_per_s": 30, "sgemm_gflop_per_s": 100, "fraction": 0.3},
            "line": {
                "seconds_per_person": 0.06,
                "people": [1, 16],
                "worst_residual": 0.004,
            },
        }
    }
    text = "\n".join(benchmark_lines(content))
    for cell in ("3.1x", "2.5 to 4.0", "2e-07", "30%", "60 ms", "1 to 16 people"):
        assert cell in text


def test_machine_is_described_and_not_named():
    import platform

    (line, _) = machine_lines(MEASURED_ON)
    assert "torch" in line
    assert platform.node() not in line


def test_committed_results_can_be_shown():
    for name, lines in (
        ("evidence", evidence_lines),
        ("benchmarks", benchmark_lines),
        ("benchmarks", scale_lines),
        ("benchmarks", cost_lines),
    ):
        content = json.loads((ROOT / "docs" / f"{name}.json").read_text("utf-8"))
        assert lines(content)


def test_pairs_are_taken_in_turn_and_give_the_ratio():
    order = []

    def burn(name, seconds):
        order.append(name)
        end = time.process_time() + seconds
        while time.process_time() < end:
            pass

    found = measure.paired(lambda: burn("a", 0.01), lambda: burn("b", 0.04), repeats=3)
    assert order == ["a", "b"] * 4
    assert found["lowest"] <= found["ratio"] <= found["highest"]
    assert found["ratio"] == pytest.approx(4, rel=0.3)


def test_json_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    record.write_json(path, {"a": 1})
    monkeypatch.setattr(
        record.json, "dumps", lambda *a, **k: (_ for _ in ()).throw(OSError("full"))
    )
    with pytest.raises(OSError, match="full"):
        record.write_json(path, {"a": 2})
    assert json.loads(path.read_text()) == {"a": 1}


@pytest.mark.parametrize("content", ["", '{"machine": {}}', None])
def test_a_missing_number_stops_the_build(tmp_path, content):
    conf = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nextensions = ['_helpers.results']\n"
    (tmp_path / "conf.py").write_text(conf)
    (tmp_path / "index.rst").write_text(
        "Title\n=====\n\n.. measured:: x.json\n   :show: finetune\n"
    )
    if content is not None:
        (tmp_path / "x.json").write_text(content)
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "-q",
        "-W",
        "-b",
        "html",
        str(tmp_path),
        str(tmp_path / "out"),
    ]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert "x.json cannot be shown" in done.stderr


def person_run(r, ratio, null_low):
    scores = {"pearson_r": r, "r_ci": [r - 0.5, r + 0.1], "mse_ratio": ratio}
    features = {
        **scores,
        "forest": scores,
        "null_r": 0.1,
        "null_r_ci": [null_low, 0.4],
        "null_mse_ratio": 1.2,
        "window_split_r": 0.8,
        "subject_split_r": 0.0,
        "window_split_r_ridge": 0.3,
        "subject_split_r_ridge": 0.1,
    }
    shares = (
        "attribution_share",
        "attribution_share_random_init",
        "attribution_share_null",
    )
    deep = {
        **features,
        "ridge_minus_network": r - 0.5,
        "ridge_minus_network_ci": [r - 0.7, 0.4],
        **dict.fromkeys(shares, r),
    }
    return features, deep


def test_evidence_of_the_score_counts_what_it_should():
    runs = [person_run(0.8, 0.5, -0.2), person_run(0.4, 1.1, 0.05)]
    features, deep = zip(*runs, strict=True)
    content = {"plot_80": features, "plot_81": deep}
    content = {page: [{"contract": line} for line in own] for page, own in content.items()}
    text = "\n".join(pfactor_lines(content))
    assert "2 draws of people" in text
    for cell in ("0.600 (sd 0.283)", "1 of 2", "0.800 (sd 0.000)", "0.40 to 0.80"):
        assert cell in text
    assert (
        "smaller error in 1 of 2 draws; by its paired interval the two tie in 1 of 2"
        in text
    )


def scale_part(ratio=1.8):
    row = {"cpu_seconds": 2.0, "wall_seconds": 2.5, "peak_mb": 500.0, "people": 20}
    way = {"ratio": ratio, "lowest": ratio - 0.1, "highest": ratio + 0.1}
    saved = 1 - 1 / ratio
    return {
        "recording_seconds": 60,
        "sizes": [row, row | {"people": 40, "cpu_seconds": 4.0, "peak_mb": 510.0}],
        "seconds_per_person": 0.1,
        "worst_residual": 0.004,
        "at_once": row | {"peak_mb": 900.0},
        "hbn": row | {"recording_seconds": 381, "cpu_seconds": 36.0, "window_bytes": 2e7},
        "workers": {
            "ways": {"this page": way, "other": way},
            "n_cells": 8,
            "rounds": 3,
            "cell_seconds": 1.5,
            "task_seconds": 0.003,
            "paid_once_seconds": 4.0,
            "pays_from_seconds": 4.0 / saved if saved > 0 else None,
            "task_pays_from_seconds": 0.003 / saved if saved > 0 else None,
        },
        "reader": {
            "people": 40,
            "bytes_per_window": 6400,
            "windows_per_second": 50000.0,
            "memmap_windows_per_second": 100000.0,
            "ratio": 0.5,
            "lowest": 0.4,
            "highest": 0.6,
        },
    }


def test_scale_says_cost_memory_gain_and_from_when_it_pays():
    text = "\n".join(scale_lines({"scale": scale_part()}))
    for words in ("100 ms", "500 MB", "900 MB", "as one study", "1.80x", "1.70 to 1.90"):
        assert words in text
    assert "takes a loop more than 9 s, in tasks longer than 7 ms" in text
    assert "50,000 windows a second" in text
    text = "\n".join(scale_lines({"scale": scale_part(ratio=0.9)}))
    assert "not faster than the loop" in text


def test_cost_follows_the_benchmark_and_the_catalogue():
    from _study import download_size

    n_people, megabytes = download_size("ds005505")
    each = megabytes / n_people
    text = "\n".join(cost_lines({"scale": scale_part()}))
    assert f"{136 * each / 1e3:,.1f} GB" in text
    assert f"{3000 * each / 1e3:,.1f} GB" in text
    assert f"{3000 * 36 / 20 / 3600:.2f} core-hours" in text
    assert f"{3000 * 1 / 1e3:.2f} GB" in text
    assert f"{3000 * 1.8 / 1.8 / 60:.1f} min" in text


def test_scale_is_drawn_the_same_twice_and_described(tmp_path):
    paths = [tmp_path / "a" / "1.svg", tmp_path / "a" / "2.svg"]
    alts = [scale_figure({"scale": scale_part()}, path) for path in paths]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert alts[0] == alts[1]
    assert "500, 510 MB one by one, 900 MB for 20 people" in alts[0]


def test_a_site_shows_and_draws_the_numbers_of_its_file(tmp_path):
    part = {"scale": scale_part() | MEASURED_ON}
    (tmp_path / "x.json").write_text(json.dumps(part))
    conf = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nextensions = ['_helpers.results']\n"
    (tmp_path / "conf.py").write_text(conf)
    shown = "".join(
        f".. measured:: x.json\n   :show: {kind}\n\n"
        for kind in ("scale", "cost", "scale-machine")
    )
    (tmp_path / "index.rst").write_text(
        f"Title\n=====\n\n{shown}.. measured-figure:: x.json\n"
    )
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html"]
    done = subprocess.run(
        [*command, tmp_path, tmp_path / "out"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "out" / "index.html").read_text()
    for words in ("100 ms", "core-hours", 'alt="Two panels against 20 to 40 people'):
        assert words in page
    (tmp_path / "x.json").write_text("{}")
    done = subprocess.run(
        [*command, tmp_path, tmp_path / "out"], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "x.json cannot be shown" in done.stderr


def test_one_part_of_a_file_is_measured_and_the_others_stay(tmp_path, monkeypatch):
    path = tmp_path / "benchmarks.json"
    path.write_text('{"finetune": 1, "scale": 2}')
    monkeypatch.setattr(bench, "BENCHMARKS", path)
    monkeypatch.setattr(bench, "bench_scale", lambda rounds: {"new": rounds})
    monkeypatch.setattr(bench, "show_scale", print)
    assert bench.main(["scale", "--rounds", "3"]) == 0
    content = json.loads(path.read_text())
    assert content["finetune"] == 1
    assert content["scale"]["new"] == 3
    assert "torch" in content["scale"]["versions"]
    assert content["scale"]["machine"]["cpu"].endswith("cores")


def test_a_cohort_of_links_is_a_cohort(tmp_path):
    from _helpers import bench_scale

    study = tmp_path / bench_scale.NAME
    blocks = ((2, "open"), (6, "open"), (6, "closed"), (2, "open"))
    bench_scale.write_cohort(study, blocks, 3, n_different=1)
    found = measure.in_fresh_process(
        bench_scale.process_people, str(study), 3, str(tmp_path / "windows")
    )
    assert found["people"] == 3
    assert found["n_windows"] == 3 * 6
    assert found["window_bytes"] == 3 * 6 * 8 * 200 * 4
    assert found["peak_mb"] >= found["first_mb"] > 100
    at_once = measure.in_fresh_process(bench_scale.process_at_once, str(study), 3, "")
    assert at_once["people"] == 3
