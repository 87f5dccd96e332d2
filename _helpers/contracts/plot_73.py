"""Promise of plot_73: three ways to adapt a pretrained encoder."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from _helpers.contracts.base import (
    REGIMES,
    Contract,
    Count,
    Evidence,
    Fraction,
    Gap,
    Paired,
    Positive,
    Regime,
    Signed,
    Some,
    check_close,
    check_interval,
    every,
    interval,
)

Feature = Literal["encoder", "band power"]
LabelSource = Literal["source people", "labelled people", "own windows"]
CONTROLS = {"zero-shot", "shuffled pretraining", "random frozen encoder", "band power"}


class Page(Contract):
    """plot_73: three ways to adapt a pretrained encoder."""

    headline = (
        "{best_regime} {best_accuracy:.2f} against chance {chance_level:.2f}; "
        "{gap_vs_scratch:+.2f} over from-scratch"
    )
    bands = {"lr": 0.0, "frozen_running_var": 0.0}  # noqa: RUF012
    evidence = Evidence("simulated-transfer", 12)
    on_real = True

    tutorial: Literal["plot_73"]
    pretrain_task: str
    """what the encoder was pretrained to tell apart"""
    target_task: str
    """what it is adapted to"""
    n_source_subjects: Some
    """people the encoder was pretrained on"""
    n_train_subjects: Some
    """labelled target people"""
    n_val_subjects: Some
    """people who choose learning rate and regime"""
    n_test_subjects: Annotated[int, Field(ge=2)]
    """people looked at once"""
    n_windows: dict[str, Count]
    """windows of each group of people"""
    n_steps: every(Literal["pretraining", "regime"], Count)
    """training steps"""
    best_regime: Regime
    """highest validation accuracy"""
    best_accuracy: Fraction
    """test accuracy of best_regime, mean over people"""
    chance_level: Fraction
    """accuracy of guessing, by design of the classes"""
    chance_interval: interval(Fraction)
    """95 % of scores by guessing on that many windows"""
    gap_vs_chance: Signed
    """best_accuracy - chance_level"""
    gap_vs_scratch: Signed
    """best_accuracy - accuracy of from-scratch"""
    gap_vs_scratch_ci: interval(Signed)
    """95 % interval of gap_vs_scratch, paired within test people"""
    trainable_params: every(Regime, Count)
    """parameters that learn, per regime"""
    total_params: Some
    """parameters of the network"""
    accuracy: every(Regime, Fraction)
    """test accuracy per regime, mean over people"""
    accuracy_ci: every(Regime, interval(Fraction))
    """95 % interval over test people, per regime"""
    lr: every(Regime, Positive)
    """learning rate chosen on validation people"""
    budgets: every(
        Regime,
        dict[str, Annotated[tuple[Fraction, Fraction, Fraction], Field(strict=False)]],
    )
    """labelled people -> mean accuracy, low, high (95 % interval over people)"""
    paired: dict[str, Paired]
    """"one - other" -> paired difference"""
    controls: dict[str, Fraction]
    """test accuracy of each control"""
    controls_ci: dict[str, interval(Fraction)]
    """95 % interval over test people, per control"""
    controls_over_scratch: dict[str, Gap]
    """control minus from-scratch, within test people"""
    labels_from: every(Feature, every(LabelSource, Fraction))
    """accuracy on the later windows of test people, by whose labels a logistic regression learned from"""
    labels_from_ci: every(Feature, every(LabelSource, interval(Fraction)))
    """95 % interval over test people"""
    own_gain: every(Feature, Paired)
    """own windows minus labelled people, within test people"""
    gflop: every(Literal[(*REGIMES, "pretraining, once")], Positive)
    """1e9 floating-point operations to train, per regime and for pretraining"""
    naive_running_var: Positive
    """running variance after a naive probe, as a multiple of its start"""
    frozen_running_var: float
    """the same after a frozen probe: exactly 1"""
    frozen_state_unchanged: bool
    """the probe's encoder is bit-identical before and after"""
    subject_overlap: Count
    """people on both sides of any split"""

    @model_validator(mode="after")
    def _frozen_is_frozen(self):
        if not self.frozen_state_unchanged:
            raise ValueError("the linear probe changed its encoder")
        if self.frozen_running_var != 1.0:
            raise ValueError(f"frozen_running_var is {self.frozen_running_var}: it moved")
        for regime, count in self.trainable_params.items():
            of = f"{regime} trains {count} of {self.total_params}"
            if count > self.total_params:
                raise ValueError(f"{of} parameters")
            if (count == self.total_params) != (regime != "linear-probe"):
                raise ValueError(f"{of}: only the probe freezes anything")
        return self

    @model_validator(mode="after")
    def _gaps_agree(self):
        scratch = self.accuracy["from-scratch"]
        best, gap = self.accuracy[self.best_regime], self.best_accuracy - self.chance_level
        check_close("best_accuracy and accuracy[best_regime]", self.best_accuracy, best)
        check_close(
            "gap_vs_chance and best_accuracy - chance_level", self.gap_vs_chance, gap
        )
        check_close(
            "gap_vs_scratch and best_accuracy - accuracy[from-scratch]",
            self.gap_vs_scratch,
            self.best_accuracy - scratch,
        )
        for name, pair in self.paired.items():
            one, _, other = name.partition(" - ")
            if {one, other} - set(self.accuracy):
                raise ValueError(f"paired {name!r} names a regime that is not there")
            check_close(
                f"paired {name!r}", pair.mean, self.accuracy[one] - self.accuracy[other]
            )
        return self

    @model_validator(mode="after")
    def _budgets_agree(self):
        main = str(self.n_train_subjects)
        if len({tuple(points) for points in self.budgets.values()}) != 1:
            sizes = {regime: list(points) for regime, points in self.budgets.items()}
            raise ValueError(f"budgets differ between regimes: {sizes}")
        for regime, points in self.budgets.items():
            for n, (mean, *ends) in points.items():
                check_interval(f"budgets[{regime}][{n}]", ends, mean, "its mean")
            if main not in points or points[main][0] != self.accuracy[regime]:
                raise ValueError(
                    f"budgets[{regime}] disagrees with accuracy at {main} people"
                )
        return self

    @model_validator(mode="after")
    def _controls_agree(self):
        if missing := CONTROLS - set(self.controls):
            raise ValueError(f"controls lack {sorted(missing)}")
        if set(self.controls_over_scratch) != set(self.controls):
            raise ValueError(
                f"controls_over_scratch has {sorted(self.controls_over_scratch)}"
            )
        for name, over in self.controls_over_scratch.items():
            gain = self.controls[name] - self.accuracy["from-scratch"]
            check_close(f"controls_over_scratch[{name}]", over.mean, gain)
        for kind, own in self.labels_from.items():
            gain = own["own windows"] - own["labelled people"]
            check_close(f"own_gain[{kind}]", self.own_gain[kind].mean, gain)
        return self
