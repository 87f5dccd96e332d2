"""The JSON line: every committed one passes, and each rule can fail."""

import ast
import copy
import json
import sys
import time
from pathlib import Path
from typing import Literal

import pytest

import _helpers.contracts
from _helpers.contracts import CONTRACTS, ContractError, base, parse
from _helpers.pages import short_name, tutorials
from _helpers.record import REFERENCE

LINES = {
    path.stem: json.loads(path.read_text("utf-8"))["contract"]
    for path in sorted(REFERENCE.glob("*.json"))
}
GONE = object()


def mutated(page, edits):
    """The committed line of a page with other values.

    Parameters
    ----------
    page : str
        Such as ``"plot_73"``.
    edits : dict
        Key, with dots where it lies deeper -> its value, a function of the value, or ``GONE``.
    """
    line = copy.deepcopy(LINES[page])
    for path, value in edits.items():
        *above, last = path.split(".")
        place = line
        for key in above:
            place = place[key]
        if value is GONE:
            del place[last]
        else:
            place[last] = value(place[last]) if callable(value) else value
    return json.dumps(line)


def printed(page="plot_73", **edits):
    """What a tutorial prints that ends in its line."""
    return f"a table\n{{not json}}\n{mutated(page, edits)}\n"


def up(value):
    """A number, or both ends of an interval, a little higher."""
    return [end + 0.05 for end in value] if isinstance(value, list) else value + 0.05


def over(value):
    """An interval in which its estimate is not."""
    return [value[1] + 0.01, value[1] + 0.02]


def turned(value):
    """A list, or both ends of an interval, the other way round."""
    return value[::-1]


@pytest.mark.parametrize("page", LINES)
def test_a_line_is_one_that_a_person_can_read(page):
    assert len(LINES[page]) <= 24
    assert len(json.dumps(LINES[page])) <= 1_500


def test_every_tutorial_has_a_contract_and_every_field_says_what_it_is():
    assert {short_name(script) for script in tutorials()} == set(CONTRACTS)
    for page, model in CONTRACTS.items():
        assert model.model_fields["tutorial"].annotation == Literal[page]
        for name, field in model.model_fields.items():
            assert field.description or name == "tutorial", f"{page}: {name} says nothing"


@pytest.mark.parametrize("page", CONTRACTS)
def test_the_committed_line_is_read_with_its_values(page):
    contract = parse(printed(page))
    assert contract.tutorial == page
    assert json.loads(contract.model_dump_json()) == LINES[page]


@pytest.mark.parametrize("page", ["plot_80", "plot_81", "plot_82"])
def test_an_effect_may_be_unknown(page):
    assert parse(printed(page, effect=None)).effect is None


#: A page, what is edited in its line, and what the refusal says.
BROKEN = [
    # What any line can break.
    ("plot_73", {"lr": GONE}, "lr: Field required"),
    ("plot_73", {"seconds": 3.2}, "seconds: Extra inputs are not permitted"),
    ("plot_73", {"n_test_subjects": "16"}, "n_test_subjects: Input should be a valid integer"),
    ("plot_73", {"best_accuracy": 1.2}, "best_accuracy: Input should be less than or equal to 1"),
    ("plot_73", {"version": 0}, "version: Input should be greater than or equal to 1"),
    ("plot_73", {"data": ""}, "data: String should have at least 1 character"),
    ("plot_73", {"subject_overlap": 1}, "1 people are on both sides of a split"),
    # Three regimes.
    ("plot_73", {"best_regime": "magic"}, "best_regime: Input should be 'from-scratch'"),
    ("plot_73", {"best_accuracy": up}, "best_accuracy and accuracy.best_regime. disagree: 0.8816 and 0.8316"),
    ("plot_73", {"gap_vs_chance": up}, "gap_vs_chance and best_accuracy - chance_level disagree"),
    ("plot_73", {"gap_vs_scratch": up}, "gap_vs_scratch and best_accuracy - accuracy.from-scratch. disagree"),
    ("plot_73", {"gap_vs_scratch_ci": over}, "gap_vs_scratch_ci .* does not contain .* .gap_vs_scratch."),
    ("plot_73", {"gap_vs_scratch_ci": turned}, "the lower end is above the upper end"),
    ("plot_73", {"accuracy_ci.linear-probe": over}, "accuracy_ci.linear-probe. .* does not contain"),
    ("plot_73", {"accuracy": {"full-finetune": 0.84}}, r"accuracy: has \['full-finetune'\], expected"),
    ("plot_73", {"trainable_params.full-finetune": 99999}, "full-finetune trains 99999 of 14802"),
    ("plot_73", {"trainable_params.linear-probe": 14802}, "only the probe freezes any"),
    ("plot_73", {"frozen_state_unchanged": False}, "the linear probe changed its encoder"),
    ("plot_73", {"val_n_correct.linear-probe": 117}, "best_regime is full-finetune, the counts say linear-probe"),  # a tie
    ("plot_73", {"val_n_correct.full-finetune": 145}, "val_n_correct is above n_val_windows, 144"),
    # A score per person.
    ("plot_80", {"r_ci": over}, "r_ci .* does not contain 0.681"),
    ("plot_80", {"r_ci": turned}, "lower end is above"),
    ("plot_80", {"mse_ratio": up}, "mse_ratio and mse / baseline_mse disagree"),
    ("plot_80", {"mse_ratio_ci": over}, "mse_ratio_ci .* does not contain 0.5105"),
    ("plot_80", {"null_mse_ratio_ci": over}, "null_mse_ratio_ci .* does not contain"),
    ("plot_80", {"mae": 0.95}, "mae 0.95 is larger than the root"),
    ("plot_80", {"subject_overlap": 1}, "subject_overlap"),
    ("plot_80", {"null_r_ci": over}, "null_r_ci .* does not contain 0.1751"),
    ("plot_80", {"null_r_ci": turned}, "null_r_ci .*lower end is above"),
    ("plot_80", {"effect": -0.1}, "effect"),
    ("plot_80", {"forest.mse_ratio": up}, "mse_ratio"),
    ("plot_80", {"forest.baseline_mae": up}, "forest was compared with another"),
    ("plot_81", {"ridge_minus_network.mean": up}, "ridge_minus_network and the errors disagree"),
    ("plot_81", {"ridge_minus_network.ci": over}, "does not contain 0.1081"),
    ("plot_81", {"seeds.mse": [0.6] * 3}, "mse 0.6589 is above the mean of its seeds"),
    ("plot_81", {"seeds.pearson_r": [0.7]}, "seeds.pearson_r: List should have at least 3"),
    ("plot_81", {"n_test_subjects": 2}, "n_test_subjects"),
    ("plot_82", {"attribution_share": 1.2}, "attribution_share"),
    ("plot_82", {"r_ci": over}, "does not contain 0.7659"),
    ("plot_82", {"n_untrained": 1}, "n_untrained"),
    # The other pages.
    ("plot_10", {"cz_rms_before_uv": 1.0}, "Cz is not flat before"),
    ("plot_10", {"mains_db_removed": 3.0}, "the filter takes 3.0 dB at 60 Hz"),
    ("plot_10", {"alpha_db_removed": 4.0}, "4.0 dB at 10 Hz"),
    ("plot_10", {"saved_and_loaded_identical": False}, "not the same after loading"),
    ("plot_10", {"pick_first_difference": up}, "is not in order_difference"),
    ("plot_10", {"order_difference_without_ends": {}}, "two lists of orders"),
    ("plot_10", {"order_difference.pick last": 0.2}, "are not the orders that do harm"),
    ("plot_11", {"effect": 0.5}, "effect"),
    ("plot_11", {"subject_overlap": 3}, "subject_overlap"),
    ("plot_11", {"shared_people.group k-fold": 2}, "group k-fold shares 2 people"),
    ("plot_11", {"n_subjects": 5}, "needs a fold per person"),
    ("plot_11", {"n_folds": {"group k-fold": 5}}, "n_folds: has"),
    ("plot_11", {"n_splits_selection_leak_higher": 21}, "21 of 20 splits"),
    ("plot_11", {"window_split_person_r_ci": turned}, "lower end is above"),
    ("plot_11", {"subject_split_person_r": 0.5}, "does not contain 0.5"),
    ("plot_11", {"manifest_replayed": False}, "does not give the same rows"),
    ("plot_12", {"n_dropped": 2}, "77 people, but 76 with and 2 without a score"),
    ("plot_12", {"n_opened": 3}, "asked for 3, one without a score: 3"),
    ("plot_12", {"gigabytes.release R5, mini": GONE}, "people of other downloads"),
    ("plot_12", {"same_as_find_study": False}, "do not open the same windows"),
    ("plot_74", {"n_moved_when_frozen": 1}, "the frozen encoder moved"),
    ("plot_74", {"running_var.frozen": 0.9}, "encoder moved"),
    ("plot_74", {"models_moved": 48}, "more models moved than there are"),
    ("plot_74", {"foundation_differs": 12}, "more moved than there are"),
    ("plot_75", {"gains": {}}, r"gains: has \[\]"),
    ("plot_75", {"accuracy.from-scratch": up}, "gains.from-scratch. and the two accuracies disagree"),
    ("plot_76", {"budgets": turned}, "budgets are"),
    ("plot_76", {"gain.16": GONE, "gain_ci.16": GONE}, "other budgets"),
    ("plot_76", {"gain.4": up}, "the two accuracies disagree"),
    ("plot_77", {"minus_full.LP-FT": up}, "minus_full.LP-FT. and the two"),
    ("plot_77", {"trainable_params.LP-FT": 14803}, "less"),
    ("plot_77", {"closed_form_alpha": 0}, "closed_form_alpha"),
    ("plot_78", {"n_people": 5}, "n_people"),
    ("plot_78", {"gap_vs_scratch": up}, "gap_vs_scratch and the two accuracies"),
    ("plot_78", {"band_power_gap": up}, "band_power_gap and the two accuracies"),
    ("plot_78", {"best_pretrained": "band power"}, r"best_pretrained has \['band power'\]"),
    ("plot_78", {"n_lose": 13}, "13 of 12 lose"),
    ("plot_78", {"best_method": "magic"}, r"best_method has \['magic'\]"),
    ("plot_78", {"best_unlabelled": "alignment", "inductive_gain": up}, "inductive_gain disagree"),
    ("plot_78", {"best_method": "linear-probe"}, "chosen"),
    ("plot_79", {"scratch.side": GONE}, "scratch has"),
    ("plot_79", {"n_labelled_subjects": 17}, "more labelled than training"),
    ("plot_79", {"gain_ci": {}}, r"gain_ci has \[\], gain has"),
    ("plot_79", {"learned": {"rest>rest": 0.0}, "learned_ci": {"rest>rest": [0, 1]}}, "learned has"),
    ("plot_83", {"error_ratio": {"other": 0.5}}, "error_ratio"),
    ("plot_83", {"within_r": {"none": 0.7}}, r"has \['none'\], expected"),
    ("plot_83", {"within_r.none": 0.9}, "does not contain 0.9"),
    ("plot_83", {"within_r.none": lambda r: r - 0.01}, "person_minus_none and within_r disagree"),
    ("plot_83", {"identity_chance": 0.1}, "not one in n_subjects"),
    ("plot_84", {"effect": 0.5}, "effect"),
    ("plot_84", {"simulation_off.183": 0.03}, r"\+3.0% apart for 183 runs"),
    ("plot_84", {"effective_runs": 300.0}, "200 runs are worth 300"),
    ("plot_84", {"best_r": lambda rows: rows[:1]}, "best r: one list per people"),
    ("plot_84", {"best_r": lambda rows: [turned(row) for row in rows]}, "does not grow with runs"),
    ("plot_84", {"best_nrmse": lambda rows: [turned(row) for row in rows]}, "does not fall with runs"),
    ("plot_90", {"n_skipped": 49}, "53 recordings, but 52 done, skipped or failed"),
    ("plot_90", {"results_identical": False}, "gave different bits"),
    ("plot_90", {"accuracy": {"from-scratch": 0.7}}, r"accuracy: has \['from-scratch'\]"),
    ("plot_90", {"n_tasks": 7}, "7 cells are no grid of 3"),
    ("plot_90", {"engine": "magic"}, "engine"),
    ("plot_90", {"subject_overlap": 1}, "subject_overlap"),
    ("plot_90", {"accuracy.from-scratch": 0.9}, "does not contain 0.9"),
    ("plot_91", {"n_families": 13}, r"verdicts\[yours\] are 12, families 13"),
    ("plot_91", {"verdicts": {"yours": {"fits": 12}}}, "verdicts"),
    ("plot_91", {"n_without_licence": 13}, "more families lack a fact than there are"),
    ("plot_91", {"n_run": 48}, "n_run is 48, of 47 classes"),
    ("plot_91", {"n_silent_rate": 43}, "43 of 42 classes that run"),
    ("plot_92", {"tensors_loaded": 29}, "29 of 30 tensors were loaded"),
    ("plot_92", {"best_regime": "from-scratch"}, "the counts say otherwise"),
    ("plot_92", {"gap_vs_scratch": lambda gap: gap + 0.03}, "gap_vs_scratch and accuracies disagree"),
    ("plot_92", {"n_val_windows": 80}, "val_n_correct is above n_val_windows, 80"),
    ("plot_92", {"frozen_state_unchanged": False}, "the probe changed its encoder"),
    ("plot_92", {"reloaded_unchanged": False}, "gives other answers"),
]  # fmt: skip


@pytest.mark.parametrize(("page", "edits", "message"), BROKEN)
def test_each_rule_can_be_broken(page, edits, message):
    with pytest.raises(ContractError, match=message):
        parse(mutated(page, edits))


def test_every_rule_is_broken_by_a_line_above(monkeypatch):
    folder = Path(_helpers.contracts.__file__).parent
    broken, refuse = set(), base.refuse

    def note(wrong, why):
        frame = sys._getframe(1) if wrong else None
        while frame and Path(frame.f_code.co_filename).parent == folder:
            broken.add((Path(frame.f_code.co_filename).name, frame.f_lineno))
            frame = frame.f_back
        refuse(wrong, why)

    monkeypatch.setattr(base, "refuse", note)
    for page, edits, _ in BROKEN:
        with pytest.raises(ContractError):
            parse(mutated(page, edits))
    kept = []
    for path in sorted(folder.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            rule = ast.unparse(node.func).removeprefix("base.")
            lines = range(node.lineno, node.end_lineno + 1)
            fails = any((path.name, line) in broken for line in lines)
            if rule in ("refuse", "check_close", "agree") and not fails:
                kept.append(f"{path.name}, line {node.lineno}: {ast.unparse(node)}")
    assert not kept


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_are_finite(number):
    with pytest.raises(ContractError, match=f"{number}, which is not a finite number"):
        parse(printed(gap_vs_chance="PLACE").replace('"PLACE"', number))


@pytest.mark.parametrize(
    ("stdout", "message"),
    [
        ("", "printed nothing"),
        ("accuracy 0.8\n", "the last line is not JSON"),
        (printed() + "done\n", "the last line is not JSON"),
        ("[1, 2]\n", "not a contract"),
        ('{"leakage_report": {"overlap": 0}}\n', "no key 'tutorial'"),
        ('{"tutorial": "plot_99"}\n', r"unknown tutorial 'plot_99': known are .*'plot_73'"),
    ],
)
def test_output_without_a_contract(stdout, message):
    with pytest.raises(ContractError, match=message):
        parse(stdout)


# ------------------------------------------------------------ lines that nobody prints by accident

LINE = mutated("plot_73", {})
#: What stands in the place of a value.
ODD_VALUES = ('"\\ud800"', "[[[]]]", '{"a": {"b": 1}}', "null", "-0", "1e308", '""')
ODD_NAMES = ("[]", "{}", "null", "true", "3", '[{"a": []}]', f'"{"p" * 900_000}"')
WORDS = ("tutorial", "data", "pretrain_task", "target_task")


def added(more):
    """The line with something at its end."""
    return f"{LINE[:-1]}, {more}}}"


def placed(key, text):
    """The line with any text in the place of a value."""
    return mutated("plot_73", {key: "PLACE"}).replace('"PLACE"', text)


def too_long():
    """Lines that are not looked into."""
    yield "keys", added('"k": 1, ' * 200_000)
    yield "one string", f'"{"x" * 1_000_000}"'
    yield "brackets", "[" * 1_000_001


def hostile():
    """Lines that are looked into."""
    yield "keys up to the limit", added(", ".join(f'"k{i}": {i}' for i in range(40_000)))
    yield "one long key", added(f'"{"k" * 900_000}": 1')
    yield "deep, and unknown", added('"deep": ' + "[" * 100_000 + "]" * 100_000)
    yield "deep, in objects", '{"a":' * 100_000 + "1" + "}" * 100_000
    yield "deep, in a known key", placed("lr", "[" * 900 + "]" * 900)
    yield "a huge integer", added('"n": ' + "9" * 5000)
    yield "a huge integer in a known key", placed("total_params", "9" * 5000)
    yield "an integer that is a float too large", placed("total_params", "9" * 400)
    yield "a float too large", placed("gap_vs_chance", "1e999")
    yield "tutorial twice", added('"tutorial": "plot_10"')
    yield "overlap twice", placed("subject_overlap", '3, "subject_overlap": 0')
    yield "twice, deep inside", placed("lr.linear-probe", '1, "linear-probe": 0.03')
    yield "not encodable", added('"\ud800": 1')
    yield "a NUL", LINE.replace("plot_73", "plot_73\0")
    for value in ODD_NAMES:
        yield f"tutorial is {value[:9]}", placed("tutorial", value)
    for key in LINES["plot_73"].keys() - WORDS:
        for value in ODD_VALUES:
            if json.loads(value) != LINES["plot_73"][key]:
                yield f"{key} is {value}", placed(key, value)


def test_a_line_that_is_too_long_is_not_looked_into(monkeypatch):
    monkeypatch.setattr(json, "loads", None)
    for name, line in too_long():
        with pytest.raises(
            ContractError, match=r"the last line has 1,\d+,\d+ char"
        ) as error:
            parse(f"a table\n{line}\n")
        assert len(str(error.value)) < 300, name


def test_no_line_ends_in_anything_but_a_short_contract_error():
    accepted = set()
    for name, line in hostile():
        before = time.process_time()
        try:
            parse(f"a table\n{line}\n")
            accepted.add(name)
        except ContractError as err:
            assert len(str(err)) < 2000, name  # noqa: PT017
        assert time.process_time() - before < 30, name  # a hundredth of a second on its own
    # A value that is possible is no harm: what is refused above all is the line itself.
    assert {name for name in accepted if " is " not in name} == set()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (placed("subject_overlap", '3, "subject_overlap": 0'), "a key twice: .'subject_overlap'"),
        (placed("tutorial", '["plot_73"]'), "unknown tutorial .'plot_73'"),
        (placed("n_val_windows", "9" * 5000), "not JSON .Exceeds the limit"),
        (added(", ".join(f'"{key}": 1' for key in "abcdefg")), "and 2 more$"),
    ],
)  # fmt: skip
def test_what_a_hostile_line_is_told(line, message):
    with pytest.raises(ContractError, match=message):
        parse(line)
