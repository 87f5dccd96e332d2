"""Promise of plot_73: three ways to adapt a pretrained encoder."""

from typing import Annotated

from pydantic import Field, model_validator

from _helpers.contracts.base import (
    Contract,
    Count,
    Evidence,
    Fraction,
    Positive,
    Regime,
    Signed,
    Some,
    Text,
    check_close,
    every,
    interval,
)


class Page(Contract):
    """plot_73: three ways to adapt a pretrained encoder."""

    headline = (
        "{best_regime} {best_accuracy:.2f} against chance {chance_level:.2f}; "
        "{gap_vs_scratch:+.2f} over from-scratch"
    )
    evidence = Evidence("simulated-transfer", 12)
    on_real = True

    pretrain_task: Text
    """what the encoder learned to tell apart"""
    target_task: Text
    """what it is adapted to"""
    n_train_subjects: Some
    """labelled target people"""
    n_val_subjects: Some
    """people who choose learning rate and regime"""
    n_test_subjects: Annotated[int, Field(ge=2)]
    """people looked at once"""
    best_regime: Regime
    """most validation answers right; a tie goes to fewer trainable parameters"""
    best_accuracy: Fraction
    """test accuracy of best_regime, mean over people"""
    chance_level: Fraction
    """accuracy of guessing, by design of the classes"""
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
    val_n_correct: every(Regime, Count)
    """right answers to validation windows, of all initialisations"""
    n_val_windows: Some
    """validation windows times initialisations"""
    frozen_state_unchanged: bool
    """the probe's encoder is bit-identical before and after"""
    subject_overlap: Count
    """people on both sides of any split"""

    @model_validator(mode="after")
    def _frozen_is_frozen(self):
        if not self.frozen_state_unchanged:
            raise ValueError("the linear probe changed its encoder")
        for regime, count in self.trainable_params.items():
            of = f"{regime} trains {count} of {self.total_params}"
            if count > self.total_params:
                raise ValueError(f"{of} parameters")
            if (count == self.total_params) != (regime != "linear-probe"):
                raise ValueError(f"{of}: only the probe freezes anything")
        return self

    @model_validator(mode="after")
    def _chosen_by_counts(self):
        best = max(
            self.val_n_correct,
            key=lambda r: (self.val_n_correct[r], -self.trainable_params[r]),
        )
        if best != self.best_regime:
            raise ValueError(f"best_regime is {self.best_regime}, counts say {best}")
        if max(self.val_n_correct.values()) > self.n_val_windows:
            raise ValueError(f"more than {self.n_val_windows} validation answers are right")
        return self

    @model_validator(mode="after")
    def _gaps_agree(self):
        best = self.accuracy[self.best_regime]
        for name, value, other in (
            ("best_accuracy and accuracy", self.best_accuracy, best),
            ("gap_vs_chance and the two", self.gap_vs_chance, best - self.chance_level),
            (
                "gap_vs_scratch and the two accuracies",
                self.gap_vs_scratch,
                best - self.accuracy["from-scratch"],
            ),
        ):
            check_close(name, value, other)
        return self
