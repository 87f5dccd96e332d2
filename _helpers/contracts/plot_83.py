"""Promise of plot_83: a regression that holds across people."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from _helpers.contracts.base import (
    ROUNDING,
    Change,
    Claim,
    Contract,
    Count,
    Evidence,
    Fraction,
    Positive,
    Probability,
    Signed,
    Text,
    every,
    interval,
)

Way = Literal["none", "window", "person"]


class Page(Contract):
    """plot_83: a regression that holds across people."""

    headline = (
        "error within people {error_ratio[none]:.2f} to {error_ratio[person]:.2f} of their own mean's; "
        "people told apart {identity_accuracy[none]:.2f} to {identity_accuracy[person]:.2f}"
    )
    evidence = Evidence(
        "simulated-tasks",
        12,
        tuple(
            Claim(
                short,
                f"normalised by person minus not normalised, {short}",
                f"person_minus_none.{short}.mean",
                f"person_minus_none.{short}.ci",
                short,
            )
            for short in ("squared error", "within r")
        ),
    )

    tutorial: Literal["plot_83"]
    target: Text
    """column of events.tsv"""
    n_subjects: Annotated[int, Field(ge=2)]
    """people"""
    n_test_subjects: Annotated[int, Field(ge=2)]
    """people held out"""
    n_trials: Annotated[int, Field(ge=2)]
    """trials of all people"""
    subject_overlap: Count
    """people on both sides of the split"""
    within_r: every(Way, Signed)
    """correlation over the trials of a test person, mean over people"""
    within_r_ci: every(Way, interval(Signed))
    """its 95 % interval over people"""
    error_ratio: every(Way, Positive)
    """squared error within test people, part of what their own mean leaves"""
    error_ratio_ci: every(Way, interval(Positive))
    """its 95 % interval over people"""
    person_minus_none: every(Literal["within r", "squared error"], Change)
    """normalised by person minus not normalised, paired within test people"""
    identity_accuracy: every(Way, Fraction)
    """people told apart, statistics, learning and test on different thirds of their trials"""
    identity_accuracy_ci: every(Way, interval(Fraction))
    """its 95 % interval over people"""
    identity_chance: Fraction
    """people told apart by guessing"""
    identity_same_trials: Fraction
    """people told apart when statistics, learning and test share trials: chance by construction"""
    permutation_p: Probability
    """one-sided, exchanged inside people, fitted again each time"""
    null_mean: Signed
    """mean within_r under permutation"""

    @model_validator(mode="after")
    def _rows_agree(self):
        gain = self.within_r["person"] - self.within_r["none"]
        if abs(self.person_minus_none["within r"].mean - gain) > 2 * ROUNDING:
            raise ValueError(f"person_minus_none and within_r disagree by {gain:.4f}")
        if abs(self.identity_chance * self.n_subjects - 1) > self.n_subjects * ROUNDING:
            raise ValueError("identity_chance is not one in n_subjects")
        return self
