"""The JSON line: what passes, and that each rule can fail."""

import json
from typing import Literal

import pytest

from _helpers.contracts import CONTRACTS, ContractError, parse
from _helpers.pages import short_name, tutorials

GOOD = {
    "tutorial": "plot_73",
    "version": 3,
    "data": "simulated",
    "pretrain_task": "delta vs alpha (source cohort)",
    "target_task": "delta vs alpha (target cohort)",
    "n_train_subjects": 2,
    "n_val_subjects": 4,
    "n_test_subjects": 16,
    "best_regime": "full-finetune",
    "best_accuracy": 0.84,
    "chance_level": 0.5,
    "gap_vs_chance": 0.34,
    "gap_vs_scratch": 0.18,
    "gap_vs_scratch_ci": [0.1, 0.25],
    "trainable_params": {
        "from-scratch": 14802,
        "linear-probe": 882,
        "full-finetune": 14802,
    },
    "total_params": 14802,
    "accuracy": {"from-scratch": 0.66, "linear-probe": 0.74, "full-finetune": 0.84},
    "accuracy_ci": {
        "from-scratch": [0.6, 0.7],
        "linear-probe": [0.7, 0.8],
        "full-finetune": [0.8, 0.9],
    },
    "lr": {"from-scratch": 0.001, "linear-probe": 0.03, "full-finetune": 0.003},
    "chance_interval": [0.43, 0.57],
    "budgets": {
        "from-scratch": {"1": [0.6, 0.5, 0.7], "2": [0.66, 0.6, 0.7]},
        "linear-probe": {"1": [0.7, 0.6, 0.8], "2": [0.74, 0.7, 0.8]},
        "full-finetune": {"1": [0.7, 0.6, 0.8], "2": [0.84, 0.8, 0.9]},
    },
    "paired": {
        "full-finetune - from-scratch": {"mean": 0.18, "ci": [0.1, 0.25], "p": 0.001}
    },
    "controls": {
        "zero-shot": 0.6,
        "shuffled pretraining": 0.7,
        "random frozen encoder": 0.5,
        "band power": 0.6,
    },
    "gflop": {
        "from-scratch": 9.5,
        "linear-probe": 0.1,
        "full-finetune": 9.5,
        "pretraining, once": 71.3,
    },
    "naive_running_var": 0.7,
    "frozen_running_var": 1.0,
    "frozen_state_unchanged": True,
    "subject_overlap": 0,
}


LABELS = {"source people": 0.6, "labelled people": 0.6, "own windows": 0.7}
AROUND = {name: [value - 0.1, value + 0.1] for name, value in LABELS.items()}
GOOD |= {
    "controls_ci": {name: [v - 0.1, v + 0.1] for name, v in GOOD["controls"].items()},
    "controls_over_scratch": {
        name: {"mean": round(v - 0.66, 4), "ci": [-0.5, 0.5]}
        for name, v in GOOD["controls"].items()
    },
    "labels_from": {"encoder": LABELS, "band power": LABELS},
    "labels_from_ci": {"encoder": AROUND, "band power": AROUND},
    "own_gain": {
        kind: {"mean": 0.1, "ci": [0.0, 0.2], "p": 0.1}
        for kind in ("encoder", "band power")
    },
    "n_source_subjects": 16,
    "n_windows": {"source": 640, "train": 24, "test": 192},
    "n_steps": {"pretraining": 150, "regime": 80},
}


def printed(**changes):
    values = {**GOOD, **changes}
    return (
        "a table\n{not json}\n"
        + json.dumps({k: v for k, v in values.items() if v is not None})
        + "\n"
    )


def test_a_good_line_is_read_with_its_values():
    contract = parse(printed())
    assert contract.best_accuracy == 0.84
    assert contract.accuracy_ci["linear-probe"] == (0.7, 0.8)
    assert contract.labels_from["encoder"]["own windows"] == 0.7


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lr": None}, "lr: Field required"),
        ({"seconds": 3.2}, "seconds: Extra inputs are not permitted"),
        ({"n_test_subjects": "16"}, "n_test_subjects: Input should be a valid integer"),
        ({"best_accuracy": 1.2}, "best_accuracy: Input should be less than or equal to 1"),
        ({"best_regime": "magic"}, "best_regime: Input should be 'from-scratch'"),
        (
            {"best_accuracy": 0.85},
            "best_accuracy and accuracy.best_regime. disagree: 0.8500 and 0.8400",
        ),
        ({"gap_vs_chance": 0.3}, "gap_vs_chance and best_accuracy - chance_level disagree"),
        (
            {"gap_vs_scratch": 0.2},
            "gap_vs_scratch and best_accuracy - accuracy.from-scratch. disagree",
        ),
        (
            {"gap_vs_scratch_ci": [0.2, 0.3]},
            "gap_vs_scratch_ci .* does not contain 0.18 .gap_vs_scratch.",
        ),
        ({"gap_vs_scratch_ci": [0.3, 0.1]}, "the lower end is above the upper end"),
        (
            {"accuracy_ci": {**GOOD["accuracy_ci"], "linear-probe": [0.1, 0.2]}},
            "accuracy_ci.linear-probe. .* does not contain",
        ),
        (
            {"accuracy": {"full-finetune": 0.84}},
            r"accuracy: has \['full-finetune'\], expected",
        ),
        (
            {"trainable_params": {**GOOD["trainable_params"], "full-finetune": 99999}},
            "full-finetune trains 99999 of 14802",
        ),
        (
            {"trainable_params": {**GOOD["trainable_params"], "linear-probe": 14802}},
            "only the probe freezes anything",
        ),
        ({"frozen_state_unchanged": False}, "the linear probe changed its encoder"),
        ({"subject_overlap": 1}, "1 people are on both sides of a split"),
        ({"frozen_running_var": 0.99}, "frozen_running_var is 0.99: it moved"),
        ({"gflop": {"from-scratch": 9.5}}, "gflop: has .*pretraining, once"),
        (
            {
                name: {"zero-shot": GOOD[name]["zero-shot"]}
                for name in ("controls", "controls_ci", "controls_over_scratch")
            },
            "controls lack .'band power', 'random frozen",
        ),
        (
            {"budgets": {**GOOD["budgets"], "linear-probe": {"2": [0.74, 0.7, 0.8]}}},
            "budgets differ between regimes",
        ),
        (
            {
                "budgets": {
                    regime: {"1": points["1"]} for regime, points in GOOD["budgets"].items()
                }
            },
            "disagrees with accuracy at 2 people",
        ),
        (
            {
                "budgets": {
                    **GOOD["budgets"],
                    "linear-probe": {"1": [0.9, 0.6, 0.8], "2": [0.74, 0.7, 0.8]},
                }
            },
            r"budgets\[linear-probe\]\[1\] .* does not contain 0.9 .its mean.",
        ),
        (
            {"paired": {"magic - from-scratch": {"mean": 0.1, "ci": [0, 0.2], "p": 0.5}}},
            "not there",
        ),
        (
            {
                "paired": {
                    "linear-probe - from-scratch": {"mean": 0.1, "ci": [0, 0.2], "p": 0.5}
                }
            },
            "disagree: 0.1000 and 0.0800",
        ),
        (
            {
                "paired": {
                    "linear-probe - from-scratch": {
                        "mean": 0.08,
                        "ci": [0.1, 0.2],
                        "p": 0.5,
                    }
                }
            },
            "does not contain 0.08",
        ),
        (
            {
                "paired": {
                    "linear-probe - from-scratch": {"mean": 0.08, "ci": [0, 0.2], "p": 0}
                }
            },
            "p: Input should be greater than 0",
        ),
        ({"version": 0}, "version: Input should be greater than or equal to 1"),
        ({"data": ""}, "data: String should have at least 1 character"),
    ],
)
def test_each_rule_can_be_broken(changes, message):
    with pytest.raises(ContractError, match=message):
        parse(printed(**changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_steps": None}, "n_steps: Field required"),
        ({"controls_ci": {"zero-shot": [0, 1]}}, r"controls_ci has \['zero-shot'\]"),
        (
            {"controls_ci": {**GOOD["controls_ci"], "band power": [0.7, 0.8]}},
            r"controls_ci\[band power\] .* does not contain 0.6",
        ),
        (
            {
                "controls_over_scratch": {
                    **GOOD["controls_over_scratch"],
                    "band power": {"mean": 0.1, "ci": [0, 0.2]},
                }
            },
            r"controls_over_scratch\[band power\] disagree: 0.1000 and -0.06",
        ),
        ({"labels_from": None}, "labels_from: Field required"),
        ({"labels_from": {"encoder": LABELS}}, r"labels_from: has \['encoder'\]"),
        (
            {"labels_from": {"encoder": LABELS, "band power": {"own windows": 0.7}}},
            r"labels_from.band power: has \['own windows'\]",
        ),
        (
            {
                "labels_from": {
                    "encoder": LABELS,
                    "band power": {**LABELS, "source people": 0.9},
                }
            },
            r"labels_from_ci\[band power\]\[source people\] .* does not contain 0.9",
        ),
        (
            {
                "own_gain": {
                    **GOOD["own_gain"],
                    "encoder": {"mean": 0.2, "ci": [0, 1], "p": 1},
                }
            },
            r"own_gain\[encoder\] disagree: 0.2000 and 0.1000",
        ),
        (
            {
                "own_gain": {
                    **GOOD["own_gain"],
                    "encoder": {"mean": 0.1, "ci": [0.2, 1], "p": 1},
                }
            },
            r"own_gain.encoder: .* does not contain 0.1",
        ),
    ],
)
def test_each_rule_about_controls_and_labels_can_be_broken(changes, message):
    with pytest.raises(ContractError, match=message):
        parse(printed(**changes))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_are_finite(number):
    with pytest.raises(ContractError, match=f"{number}, which is not a finite number"):
        parse(printed().replace("0.34", number))


@pytest.mark.parametrize(
    ("stdout", "message"),
    [
        ("", "printed nothing"),
        ("accuracy 0.8\n", "the last line is not JSON"),
        (printed() + "done\n", "the last line is not JSON"),
        ("[1, 2]\n", "not a contract"),
        ('{"leakage_report": {"overlap": 0}}\n', "no key 'tutorial'"),
        (
            '{"tutorial": "plot_99"}\n',
            r"unknown tutorial 'plot_99': known are .*'plot_73'",
        ),
    ],
)
def test_output_without_a_contract(stdout, message):
    with pytest.raises(ContractError, match=message):
        parse(stdout)


def test_every_tutorial_has_a_contract_and_every_field_says_what_it_is():
    assert {short_name(script) for script in tutorials()} == set(CONTRACTS)
    for page, model in CONTRACTS.items():
        assert model.model_fields["tutorial"].annotation == Literal[page]
        for name, field in model.model_fields.items():
            assert field.description or name == "tutorial", f"{page}: {name} says nothing"


SCORES = {
    "pearson_r": 0.7,
    "r_ci": [0.5, 0.8],
    "permutation_p": 0.0005,
    "r2": 0.45,
    "mae": 0.7,
    "mse": 0.8,
    "baseline_mae": 0.9,
    "baseline_mse": 1.6,
    "mse_ratio": 0.5,
    "mse_ratio_ci": [0.3, 0.9],
}
PERSON = {
    "version": 1,
    "data": "simulated",
    "target": "p_factor",
    "effect": 0.5,
    "n_train_subjects": 36,
    "n_test_subjects": 40,
    "n_dropped": 1,
    "subject_overlap": 0,
    **SCORES,
    "null_r": 0.1,
    "null_r_ci": [-0.2, 0.4],
    "null_mse_ratio": 1.3,
    "null_mse_ratio_ci": [1.1, 1.6],
}
FEATURES = {"tutorial": "plot_80", **PERSON, "forest": SCORES}
OF_NETWORK = {key: value for key, value in SCORES.items() if "mae" not in key}
DEEP = {
    "tutorial": "plot_81",
    **{k: v for k, v in PERSON.items() if "mae" not in k and k != "n_dropped"},
    "n_parameters": 46529,
    "ridge": {**OF_NETWORK, "mse": 0.88, "mse_ratio": 0.55},
    "seeds": {"pearson_r": [0.7, 0.6, 0.7], "mse": [0.8, 0.9, 0.8]},
    "ridge_minus_network": {"mean": 0.08, "ci": [-0.1, 0.2], "p": 0.4},
}
WHICH = {
    "tutorial": "plot_82", "version": 1, "data": "simulated", "target": "p_factor", "effect": 0.5,
    "n_train_subjects": 36, "n_test_subjects": 40, "subject_overlap": 0, "pearson_r": 0.7,
    "r_ci": [0.5, 0.8], "null_r": 0.1, "null_r_ci": [-0.2, 0.4], "n_untrained": 5,
    "attribution_share": 0.6, "attribution_share_random_init": 0.1, "attribution_share_null": 0.2,
    "attribution_share_even": 0.027, "time_map_rank_correlation": 0.8,
    "time_map_rank_correlation_null": 0.8, "time_map_among_untrained": 0.8,
    "frequency_map_rank_correlation": 0.4, "frequency_map_rank_correlation_null": 0.5,
    "frequency_map_among_untrained": 0.5,
}  # fmt: skip


@pytest.mark.parametrize("good", [FEATURES, DEEP, WHICH, FEATURES | {"effect": None}])
def test_good_lines_about_a_score_per_person(good):
    assert parse(json.dumps(good)).pearson_r == 0.7


@pytest.mark.parametrize(
    ("good", "change", "message"),
    [
        (FEATURES, {"r_ci": [0.71, 0.8]}, "r_ci .* does not contain 0.7"),
        (FEATURES, {"r_ci": [0.8, 0.5]}, "lower end is above"),
        (FEATURES, {"mse_ratio": 0.6}, "mse_ratio and mse / baseline_mse disagree"),
        (FEATURES, {"mse_ratio_ci": [0.6, 0.9]}, "mse_ratio_ci .* does not contain 0.5"),
        (
            FEATURES,
            {"null_mse_ratio_ci": [0.6, 0.9]},
            "null_mse_ratio_ci .* does not contain",
        ),
        (FEATURES, {"mae": 0.95}, "mae 0.95 is larger than the root"),
        (FEATURES, {"subject_overlap": 1}, "subject_overlap"),
        (FEATURES, {"null_r": 0.5}, "null_r_ci .* does not contain 0.5"),
        (FEATURES, {"null_r_ci": [0.4, -0.2]}, "null_r_ci .*lower end is above"),
        (FEATURES, {"effect": -0.1}, "effect"),
        (FEATURES, {"forest": {**SCORES, "mse_ratio": 0.7}}, "mse_ratio"),
        (
            FEATURES,
            {"forest": {**SCORES, "baseline_mae": 0.8}},
            "forest was compared with another",
        ),
        (
            DEEP,
            {"ridge_minus_network": {"mean": -0.05, "ci": [-0.1, 0.2], "p": 0.4}},
            "ridge_minus_network and the errors disagree",
        ),
        (
            DEEP,
            {"ridge_minus_network": {"mean": 0.08, "ci": [0.1, 0.2], "p": 0.4}},
            "does not contain 0.08",
        ),
        (
            DEEP,
            {"seeds": {"pearson_r": [0.7] * 3, "mse": [0.7] * 3}},
            "mse 0.8 is above the mean of its seeds",
        ),
        (
            DEEP,
            {"seeds": {"pearson_r": [0.7], "mse": [0.8] * 3}},
            "seeds.pearson_r: List should have at least 3",
        ),
        (WHICH, {"attribution_share": 1.2}, "attribution_share"),
        (WHICH, {"r_ci": [0.8, 0.9]}, "does not contain 0.7"),
        (WHICH, {"n_untrained": 1}, "n_untrained"),
        (DEEP, {"n_test_subjects": 2}, "n_test_subjects"),
    ],
)
def test_each_rule_about_a_score_per_person_can_fail(good, change, message):
    with pytest.raises(ContractError, match=message):
        parse(json.dumps(good | change))


KEPT = {
    "plot_10": {
        "tutorial": "plot_10", "version": 2, "data": "simulated", "n_recordings": 2,
        "n_chans_recorded": 129, "sfreq_recorded": 500.0, "cz_rms_before_uv": 0.001,
        "cz_rms_after_uv": 8.0, "pick_first_difference": 0.3, "mains_db_removed": 40.0,
        "order_difference": {"pick before reference": 0.3, "cut before filter": 0.4, "pick last": 0.0},
        "order_difference_without_ends":
            {"pick before reference": 0.3, "cut before filter": 0.4, "pick last": 0.0},
        "alpha_db_removed": 0.0, "n_windows": {"2 s": 40}, "saved_and_loaded_identical": True,
        "alpha_closed_over_open": 3.0,
    },
    "plot_11": {
        "tutorial": "plot_11", "version": 3, "data": "simulated", "effect": 0.0, "n_subjects": 76,
        "n_windows": 912, "window_split_r": 0.7, "subject_split_r": 0.0,
        "window_split_person_r": 0.8, "window_split_person_r_ci": [0.5, 0.9],
        "subject_split_person_r": 0.1, "subject_split_person_r_ci": [-0.4, 0.4],
        "shared_people": {"k-fold over windows": 9, "group k-fold": 0, "leave one person out": 0},
        "n_folds": {"k-fold over windows": 5, "group k-fold": 5, "leave one person out": 76},
        "pooled_r_of_train_mean":
            {"k-fold over windows": 0.0, "group k-fold": -0.2, "leave one person out": -1.0},
        "selection_r": {"training people": 0.0, "all people": 0.6},
        "selection_r_ci": {"training people": [-0.5, 0.5], "all people": [0.2, 0.8]},
        "n_splits": 20, "n_splits_selection_leak_higher": 19,
        "manifest_replayed": True, "subject_overlap": 0,
    },
    "plot_71": {
        "tutorial": "plot_71", "version": 1, "data": "simulated", "tasks": ["a", "b"],
        "n_train_subjects": 16, "n_labelled_subjects": 1, "n_test_subjects": 20,
        "subject_overlap": 0, "chance_level": 0.5, "scratch": {"a": 0.6, "b": 0.7},
        "controls": {"band power": {"a": 0.6, "b": 0.6}},
        "gain": {"probe": {"a -> b": 0.1}}, "gain_ci": {"probe": {"a -> b": [0.05, 0.2]}},
    },
    "plot_83": {
        "tutorial": "plot_83", "version": 2, "data": "simulated", "target": "rt",
        "n_subjects": 36, "n_test_subjects": 18, "n_trials": 1152, "subject_overlap": 0,
        "within_r": {"none": 0.69, "window": 0.68, "person": 0.71},
        "within_r_ci": {way: [0.6, 0.8] for way in ("none", "window", "person")},
        "error_ratio": {"none": 0.9, "window": 0.9, "person": 0.5},
        "error_ratio_ci": {"none": [0.7, 1.1], "window": [0.7, 1.1], "person": [0.4, 0.6]},
        "person_minus_none": {
            "within r": {"mean": 0.02, "ci": [0.01, 0.04], "p": 0.01},
            "squared error": {"mean": -0.03, "ci": [-0.05, -0.01], "p": 0.001},
        },
        "identity_accuracy": {"none": 0.95, "window": 0.94, "person": 0.23},
        "identity_accuracy_ci": {"none": [0.9, 1.0], "window": [0.9, 1.0], "person": [0.2, 0.3]},
        "identity_chance": 0.0278, "identity_same_trials": 0.0278,
        "permutation_p": 0.01, "null_mean": 0.0,
    },
    "plot_90": {
        "tutorial": "plot_90", "version": 1, "data": "simulated", "engine": "dask",
        "n_recordings": 53, "n_done": 2, "n_skipped": 50, "n_failed": 1, "n_windows": 1072,
        "n_tasks": 6, "results_identical": True, "chance_level": 0.5,
        "accuracy": {"from-scratch": 0.7, "linear-probe": 0.7, "full-finetune": 0.8},
        "accuracy_ci": {"from-scratch": [0.6, 0.8], "linear-probe": [0.6, 0.8], "full-finetune": [0.7, 0.9]},
        "subject_overlap": 0,
    },
}  # fmt: skip


@pytest.mark.parametrize("page", list(KEPT))
def test_good_lines_of_the_road_there(page):
    assert parse(json.dumps(KEPT[page])).tutorial == page


@pytest.mark.parametrize(
    ("page", "change", "message"),
    [
        ("plot_90", {"n_skipped": 49}, "53 recordings, but 52 done, skipped or failed"),
        ("plot_90", {"results_identical": False}, "gave different bits"),
        (
            "plot_90",
            {"accuracy": {"from-scratch": 0.7}},
            r"accuracy: has \['from-scratch'\]",
        ),
        ("plot_90", {"n_tasks": 7}, "7 cells are no grid of 3"),
        ("plot_90", {"engine": "magic"}, "engine"),
        ("plot_90", {"subject_overlap": 1}, "subject_overlap"),
        (
            "plot_90",
            {"accuracy": {"from-scratch": 0.9, "linear-probe": 0.7, "full-finetune": 0.8}},
            "does not contain 0.9",
        ),
        ("plot_10", {"cz_rms_before_uv": 1.0}, "Cz is not flat before"),
        ("plot_10", {"mains_db_removed": 3.0}, "the filter takes 3.0 dB at 60 Hz"),
        ("plot_10", {"alpha_db_removed": 4.0}, "4.0 dB at 10 Hz"),
        ("plot_10", {"saved_and_loaded_identical": False}, "not the same after loading"),
        ("plot_10", {"pick_first_difference": 0.2}, "is not in order_difference"),
        ("plot_10", {"order_difference_without_ends": {}}, "two lists of orders"),
        (
            "plot_10",
            {
                "order_difference": {
                    "pick before reference": 0.3,
                    "cut before filter": 0.4,
                    "pick last": 0.2,
                }
            },
            "are not the orders that do harm",
        ),
        ("plot_11", {"effect": 0.5}, "effect"),
        ("plot_11", {"subject_overlap": 3}, "subject_overlap"),
        (
            "plot_11",
            {
                "shared_people": {
                    "k-fold over windows": 9,
                    "group k-fold": 2,
                    "leave one person out": 0,
                }
            },
            "group k-fold shares 2 people",
        ),
        ("plot_11", {"n_subjects": 5}, "needs a fold per person"),
        ("plot_11", {"n_folds": {"group k-fold": 5}}, "n_folds: has"),
        ("plot_11", {"n_splits_selection_leak_higher": 21}, "21 of 20 splits"),
        ("plot_11", {"window_split_person_r_ci": [0.9, 0.5]}, "lower end is above"),
        ("plot_11", {"subject_split_person_r": 0.5}, "does not contain 0.5"),
        ("plot_83", {"within_r": {"none": 0.7}}, r"has \['none'\], expected"),
        ("plot_11", {"manifest_replayed": False}, "does not give the same rows"),
        ("plot_71", {"scratch": {"a": 0.6}}, "scratch has"),
        ("plot_71", {"controls": {"band power": {"a": 0.6}}}, "band power has"),
        ("plot_71", {"n_labelled_subjects": 17}, "more labelled than training"),
        (
            "plot_71",
            {"gain_ci": {"probe": {}}},
            r"gain_ci\[probe\] has \[\], gain\[probe\] has",
        ),
        ("plot_71", {"gain": {"probe": {"a -> b": 0.3}}}, "does not contain 0.3"),
        (
            "plot_71",
            {"scratch": {"a": 0.6, "b": 0.95}},
            "leaves the range of an accuracy",
        ),
        ("plot_83", {"error_ratio": {"other": 0.5}}, "error_ratio"),
        (
            "plot_83",
            {"within_r": {"none": 0.9, "window": 0.7, "person": 0.7}},
            "does not contain 0.9",
        ),
        (
            "plot_83",
            {"within_r": {"none": 0.6, "window": 0.7, "person": 0.7}},
            "person_minus_none and within_r disagree",
        ),
        ("plot_83", {"identity_chance": 0.1}, "not one in n_subjects"),
    ],
)
def test_each_rule_of_the_road_there_can_fail(page, change, message):
    with pytest.raises(ContractError, match=message):
        parse(json.dumps(KEPT[page] | change))
