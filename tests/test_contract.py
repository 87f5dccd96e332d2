"""The JSON line: what passes, and that each rule can fail."""

import json
import time
from typing import Literal, get_args

import pytest

from _helpers.contracts import CONTRACTS, ContractError, parse, plot_78
from _helpers.pages import short_name, tutorials

GOOD = {
    "tutorial": "plot_73", "version": 4, "data": "simulated",
    "pretrain_task": "delta vs alpha (source cohort)",
    "target_task": "delta vs alpha (target cohort)",
    "n_train_subjects": 2, "n_val_subjects": 4, "n_test_subjects": 16,
    "best_regime": "full-finetune", "best_accuracy": 0.84, "chance_level": 0.5,
    "gap_vs_chance": 0.34, "gap_vs_scratch": 0.18, "gap_vs_scratch_ci": [0.1, 0.25],
    "trainable_params": {"from-scratch": 14802, "linear-probe": 882, "full-finetune": 14802},
    "total_params": 14802,
    "accuracy": {"from-scratch": 0.66, "linear-probe": 0.74, "full-finetune": 0.84},
    "accuracy_ci":
        {"from-scratch": [0.6, 0.7], "linear-probe": [0.7, 0.8], "full-finetune": [0.8, 0.9]},
    "lr": {"from-scratch": 0.001, "linear-probe": 0.03, "full-finetune": 0.003},
    "val_n_correct": {"from-scratch": 92, "linear-probe": 118, "full-finetune": 127},
    "n_val_windows": 144, "frozen_state_unchanged": True, "subject_overlap": 0,
}  # fmt: skip


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
    assert contract.val_n_correct["linear-probe"] == 118


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
            "only the probe freezes any",
        ),
        ({"frozen_state_unchanged": False}, "the linear probe changed its encoder"),
        ({"subject_overlap": 1}, "1 people are on both sides of a split"),
        (
            {"val_n_correct": {**GOOD["val_n_correct"], "linear-probe": 127}},
            "best_regime is full-finetune, the counts say linear-probe",  # a tie
        ),
        (
            {"val_n_correct": {**GOOD["val_n_correct"], "full-finetune": 145}},
            "val_n_correct is above n_val_windows, 144",
        ),
        ({"version": 0}, "version: Input should be greater than or equal to 1"),
        ({"data": ""}, "data: String should have at least 1 character"),
    ],
)
def test_each_rule_can_be_broken(changes, message):
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


def hostile():
    """Lines that nobody prints by accident."""
    line = printed().splitlines()[-1]

    def added(more):
        return f"{line[:-1]}, {more}}}"

    many = ", ".join(f'"k{i}": {i}' for i in range(40_000))
    yield (
        "50 MB of keys",
        added('"k": 1, ' * 6_000_000),
    )
    yield "50 MB of one string", '"' + "x" * 50_000_000 + '"'
    yield "50 MB of brackets", "[" * 50_000_000
    yield "keys up to the limit", added(many)
    yield "one long key", added(f'"{"k" * 900_000}": 1')
    yield "deep, and unknown", added('"deep": ' + "[" * 100_000 + "]" * 100_000)
    yield "deep, in objects", '{"a":' * 100_000 + "1" + "}" * 100_000
    yield (
        "deep, in a known key",
        line.replace('"lr":', '"lr": ' + "[" * 900 + "]" * 900 + ', "lr_":'),
    )
    yield "a huge integer", added('"n": ' + "9" * 5000)
    yield "a huge integer in a known key", line.replace("14802", "9" * 5000)
    yield "an integer that is a float too large", line.replace("14802", "9" * 400)
    yield "a float too large", line.replace("0.34", "1e999")
    yield "tutorial twice", added('"tutorial": "plot_10"')
    yield (
        "overlap twice",
        line.replace('"subject_overlap": 0', '"subject_overlap": 3, "subject_overlap": 0'),
    )
    yield (
        "twice, deep inside",
        line.replace('"linear-probe": 882', '"linear-probe": 1, "linear-probe": 882'),
    )
    for value in (
        "[]",
        "{}",
        "null",
        "true",
        "3",
        '[{"a": []}]',
        '"' + "p" * 900_000 + '"',
    ):
        yield f"tutorial is {value[:9]}", line.replace('"plot_73"', value)
    for key, value in GOOD.items():
        for other in (
            '"\\ud800"',
            "[[[]]]",
            '{"a": {"b": 1}}',
            "null",
            "-0",
            "1e308",
            '""',
        ):
            if (
                key not in ("tutorial", "data", "pretrain_task", "target_task")
                and json.loads(other) != value
            ):
                yield (
                    f"{key} is {other}",
                    json.dumps(GOOD | {key: "PLACE"}).replace('"PLACE"', other),
                )
    yield "not encodable", added('"\ud800": 1')
    yield "a NUL", line.replace("plot_73", "plot_73\0")


def test_no_line_ends_in_anything_but_a_short_contract_error_in_a_second():
    accepted = set()
    for name, line in hostile():
        before = time.process_time()
        try:
            parse(f"a table\n{line}\n")
            accepted.add(name)
        except ContractError as err:
            assert len(str(err)) < 2000, name  # noqa: PT017
        assert time.process_time() - before < 1.0, name
    # A value that is possible is no harm: what is refused above all is the line itself.
    assert {name for name in accepted if " is " not in name} == set()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"subject_overlap": 0',
            '"subject_overlap": 3, "subject_overlap": 0',
            "a key twice: .'subject_overlap'",
        ),
        ('"plot_73"', '["plot_73"]', "unknown tutorial .'plot_73'"),
        (
            '"n_val_windows": 144',
            f'"n_val_windows": {"9" * 5000}',
            "not JSON .Exceeds the limit",
        ),
        (
            '"version": 4',
            '"version": 4, "a": 1, "b": 1, "c": 1, "d": 1, "e": 1, "f": 1, "g": 1',
            "and 2 more$",
        ),
    ],
)
def test_what_a_hostile_line_is_told(old, new, message):
    with pytest.raises(ContractError, match=message):
        parse(printed().replace(old, new))


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


EXPLAINED = ("from-scratch", "shuffled labels", "random encoder", "zero-shot", "band power")
NEW = dict.fromkeys(get_args(plot_78.WAYS), 0.5)
WAYS = (
    "linear-probe", "last-block", "LoRA, rank 2", "LP-FT", "full-finetune", "keep the head",
    "closed-form probe",
)  # fmt: skip
PAIRS = ("a>a", "a>b", "b>a", "b>b")
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
    "plot_74": {
        "tutorial": "plot_74", "version": 1, "data": "simulated", "n_train_subjects": 2,
        "n_test_subjects": 16, "chance_level": 0.5, "running_var": {"naive": 0.7, "frozen": 1.0},
        "accuracy": {"naive": 0.6}, "accuracy_ci": {"naive": [0.5, 0.7]}, "n_few_steps": 10,
        "naive_minus_frozen": {
            "few": {"mean": 0.0, "ci": [-0.1, 0.1], "p": 0.5},
            "all": {"mean": -0.1, "ci": [-0.2, 0.1], "p": 0.5},
        },
        "n_models": 47, "n_foundation": 11, "models_moved": 31, "foundation_moved": 0,
        "foundation_differs": 9, "n_moved_when_frozen": 0, "subject_overlap": 0,
    },
    "plot_75": {
        "tutorial": "plot_75", "version": 1, "data": "simulated", "n_train_subjects": 2,
        "n_test_subjects": 16, "chance_level": 0.5,
        "accuracy": {"full-finetune": 0.8} | dict.fromkeys(EXPLAINED, 0.6),
        "accuracy_ci": {"full-finetune": [0.7, 0.9]} | {key: [0.5, 0.7] for key in EXPLAINED},
        "gains": {key: {"mean": 0.2, "ci": [0.1, 0.3], "p": 0.01} for key in EXPLAINED},
        "warm_start": {"mean": 0.0, "ci": [-0.1, 0.1], "p": 0.5}, "subject_overlap": 0,
    },
    "plot_76": {
        "tutorial": "plot_76", "version": 1, "data": "simulated", "n_test_subjects": 16,
        "chance_level": 0.5, "budgets": [1, 4],
        "accuracy": {
            "from-scratch": [0.5, 0.8], "linear-probe": [0.7, 0.7], "full-finetune": [0.7, 0.8],
            "closed-form probe": [0.6, 0.7],
        },
        "gain": {"1": 0.2, "4": 0.0}, "gain_ci": {"1": [0.1, 0.3], "4": [-0.1, 0.1]},
        "gain_p": {"1": 0.01, "4": 0.9}, "scratch_over_probe": [4], "subject_overlap": 0,
    },
    "plot_77": {
        "tutorial": "plot_77", "version": 1, "data": "simulated", "n_train_subjects": 2,
        "n_test_subjects": 16, "chance_level": 0.5,
        "trainable_params": dict.fromkeys(WAYS, 900) | {"full-finetune": 14802},
        "accuracy": dict.fromkeys(WAYS, 0.7), "accuracy_ci": {key: [0.6, 0.8] for key in WAYS},
        "closed_form_alpha": 100, "minus_full": {"LP-FT": 0.0}, "minus_full_p": {"LP-FT": 0.9},
        "gflop": {"LP-FT": 3.7}, "subject_overlap": 0,
    },
    "plot_78": {
        "tutorial": "plot_78", "version": 1, "data": "simulated", "n_people": 12, "n_classes": 4,
        "chance_level": 0.25, "shift": 1.0, "own_seconds": 64.0, "class_is_recording": False,
        "accuracy": dict.fromkeys(NEW, 0.5), "accuracy_ci": {key: [0.4, 0.6] for key in NEW},
        "best_method": "keep the head", "gap_vs_scratch": 0.0, "gap_vs_scratch_ci": [-0.1, 0.1],
        "best_unlabelled": "alignment", "inductive_gain": 0.0, "inductive_gain_ci": [-0.1, 0.1],
        "transductive_gain": 0.0, "transductive_gain_ci": [-0.1, 0.1],
        "minus_control": {"shuffled labels": 0.2, "another person": 0.1},
        "n_lose": 0, "subject_overlap": 0,
    },
    "plot_79": {
        "tutorial": "plot_79", "version": 2, "data": "simulated", "tasks": ["a", "b"],
        "n_train_subjects": 16, "n_labelled_subjects": 1, "n_test_subjects": 20,
        "subject_overlap": 0, "chance_level": 0.5, "scratch": {"a": 0.6, "b": 0.7},
        "gain": dict.fromkeys(PAIRS, 0.1), "gain_ci": {key: [0.05, 0.2] for key in PAIRS},
        "learned": dict.fromkeys(PAIRS, 0.0), "learned_ci": {key: [-0.1, 0.1] for key in PAIRS},
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
    "plot_84": {
        "tutorial": "plot_84", "version": 1, "data": "simulated", "effect": 0.0,
        "n_people": [300, 132], "n_runs": [183, 1183, 8622],
        "best_r": [[0.16, 0.19, 0.22], [0.23, 0.28, 0.32]],
        "best_nrmse": [[0.989, 0.984, 0.980], [0.978, 0.970, 0.962]],
        "simulation_off": {"183": -0.005}, "people_needed": {"0.137": 416},
        "people_above_luck": {"0.137": 573}, "n_train_subjects": 36, "n_test_subjects": 40,
        "subject_overlap": 0, "n_nulls": 2000, "n_board_runs": 200, "formula_r": {"50": 0.35},
        "null_r": {"50": 0.38}, "board_r": {"50": 0.32}, "effective_runs": 66.0,
        "runs_alike": 0.3, "winner_p_alone": 0.011, "winner_p": 0.36,
    },
    "plot_90": {
        "tutorial": "plot_90", "version": 1, "data": "simulated", "engine": "dask",
        "n_recordings": 53, "n_done": 2, "n_skipped": 50, "n_failed": 1, "n_windows": 1072,
        "n_tasks": 6, "results_identical": True, "chance_level": 0.5,
        "accuracy": {"from-scratch": 0.7, "linear-probe": 0.7, "full-finetune": 0.8},
        "accuracy_ci": {"from-scratch": [0.6, 0.8], "linear-probe": [0.6, 0.8], "full-finetune": [0.7, 0.9]},
        "subject_overlap": 0,
    },
    "plot_91": {
        "tutorial": "plot_91", "version": 1, "data": "simulated", "n_chans": 8, "sfreq": 128.0,
        "window_s": 2.0, "n_people": 52, "n_families": 12,
        "verdicts": {
            "yours": {"fits": 0, "fits after": 10, "loses spatial weights": 2, "refuses": 0},
            "net": {"fits": 0, "fits after": 11, "loses spatial weights": 1, "refuses": 0},
            "headband": {"fits": 0, "fits after": 10, "loses spatial weights": 1, "refuses": 1},
        },
        "n_without_rate_or_scale": 4, "n_without_licence": 8, "n_classes": 47, "n_run": 42,
        "n_silent_rate": 29, "n_all_weights": 2, "n_some_lost": 39,
    },
    "plot_92": {
        "tutorial": "plot_92", "version": 1, "data": "simulated", "checkpoint": "elsewhere",
        "model": "BIOT", "total_params": 100, "tensors_loaded": 30, "tensors_total": 30,
        "n_by_name": 7, "n_by_position": 1, "n_train_subjects": 2, "n_test_subjects": 16,
        "chance_level": 0.5, "subject_overlap": 0, "best_regime": "linear-probe",
        "accuracy": {"from-scratch": 0.7, "linear-probe": 0.8, "full-finetune": 0.7},
        "accuracy_ci": {"from-scratch": [0.6, 0.8], "linear-probe": [0.7, 0.9], "full-finetune": [0.6, 0.8]},
        "gap_vs_scratch": 0.1, "gap_vs_scratch_ci": [0.0, 0.2],
        "lr": {"from-scratch": 0.001, "linear-probe": 0.01, "full-finetune": 0.001},
        "val_n_correct": {"from-scratch": 80, "linear-probe": 85, "full-finetune": 85},
        "n_val_windows": 144, "frozen_state_unchanged": True, "reloaded_unchanged": True,
    },
}  # fmt: skip


@pytest.mark.parametrize("page", list(KEPT))
def test_good_lines_of_the_road_there(page):
    assert parse(json.dumps(KEPT[page])).tutorial == page


@pytest.mark.parametrize(
    ("page", "change", "message"),
    [
        ("plot_84", {"effect": 0.5}, "effect"),
        ("plot_84", {"simulation_off": {"183": 0.03}}, r"\+3.0% apart for 183 runs"),
        ("plot_84", {"effective_runs": 300.0}, "200 runs are worth 300"),
        ("plot_84", {"best_r": [[0.16, 0.19, 0.22]]}, "best r: one list per people"),
        ("plot_84", {"best_r": [[0.2, 0.19, 0.22]] * 2}, "does not grow with runs"),
        ("plot_84", {"best_nrmse": [[0.98, 0.99, 0.97]] * 2}, "does not fall with runs"),
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
        ("plot_91", {"n_families": 13}, r"verdicts\[yours\] are 12, families 13"),
        ("plot_91", {"verdicts": {"yours": {"fits": 12}}}, "verdicts"),
        ("plot_91", {"n_without_licence": 13}, "more families lack a fact than there are"),
        ("plot_91", {"n_run": 48}, "n_run is 48, of 47 classes"),
        ("plot_91", {"n_silent_rate": 43}, "43 of 42 classes that run"),
        ("plot_92", {"tensors_loaded": 29}, "29 of 30 tensors were loaded"),
        ("plot_92", {"best_regime": "from-scratch"}, "the counts say otherwise"),
        ("plot_92", {"gap_vs_scratch": 0.05}, "gap_vs_scratch and accuracies disagree"),
        ("plot_92", {"n_val_windows": 80}, "val_n_correct is above n_val_windows, 80"),
        ("plot_92", {"frozen_state_unchanged": False}, "the probe changed its encoder"),
        ("plot_92", {"reloaded_unchanged": False}, "gives other answers"),
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
        ("plot_74", {"n_moved_when_frozen": 1}, "the frozen encoder moved"),
        ("plot_74", {"running_var": {"naive": 0.7, "frozen": 0.9}}, "encoder moved"),
        ("plot_74", {"models_moved": 48}, "more models moved than there are"),
        ("plot_74", {"foundation_differs": 12}, "more moved than there are"),
        ("plot_75", {"gains": {}}, r"gains: has \[\]"),
        (
            "plot_75",
            {"accuracy": {"full-finetune": 0.8} | dict.fromkeys(EXPLAINED, 0.65)},
            "gains.from-scratch. and the two accuracies disagree",
        ),
        ("plot_76", {"budgets": [4, 1]}, "budgets are"),
        ("plot_76", {"gain": {"1": 0.2}, "gain_ci": {"1": [0, 1]}}, "other budgets"),
        ("plot_76", {"gain": {"1": 0.2, "4": 0.1}}, "the two accuracies disagree"),
        ("plot_77", {"minus_full": {"LP-FT": 0.1}}, "minus_full.LP-FT. and the two"),
        ("plot_77", {"trainable_params": dict.fromkeys(WAYS, 9) | {"LP-FT": 10}}, "less"),
        ("plot_77", {"closed_form_alpha": 0}, "closed_form_alpha"),
        ("plot_78", {"n_people": 5}, "n_people"),
        ("plot_78", {"gap_vs_scratch": 0.1}, "gap_vs_scratch and the two accuracies"),
        ("plot_78", {"chance_level": 0.5}, "chance_level and classes disagree"),
        ("plot_78", {"n_lose": 13}, "13 of 12 lose"),
        ("plot_78", {"inductive_gain": 0.1}, "inductive_gain disagree"),
        ("plot_78", {"accuracy": NEW | {"chosen": 0.55}, "gap_vs_scratch": 0.05}, "chosen"),
        ("plot_79", {"scratch": {"a": 0.6}}, "scratch has"),
        ("plot_79", {"n_labelled_subjects": 17}, "more labelled than training"),
        ("plot_79", {"gain_ci": {}}, r"gain_ci has \[\], gain has"),
        (
            "plot_79",
            {"learned": {"a>a": 0.0}, "learned_ci": {"a>a": [0, 1]}},
            "learned has",
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
