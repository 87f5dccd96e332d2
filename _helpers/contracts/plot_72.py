"""Promise of plot_72: a regression that holds across people."""

from typing import Literal

from _helpers.contracts import base


class Page(base.Contract):
    headline = (
        "r within people {within_r[person]:+.2f}; identity read with accuracy "
        "{identity_accuracy[none]:.2f} before, {identity_accuracy[person]:.2f} after"
    )

    tutorial: Literal["plot_72"]
    target: base.Text
    """column of events.tsv"""
    n_subjects: base.Several
    """people"""
    n_trials: base.Several
    """trials of all people"""
    subject_overlap: base.Count
    """people on both sides of a fold"""
    within_r: dict[str, base.Signed]
    """correlation over the trials of a person, mean over people"""
    within_r_ci: dict[str, base.interval(base.Signed)]
    """its 95 % interval"""
    error_ratio: dict[str, base.Positive]
    """squared error within people, part of what their own mean leaves"""
    between_r: dict[str, base.Signed]
    """correlation over means of people, mean of folds, where it is defined"""
    identity_accuracy: dict[str, base.Fraction]
    """people told apart"""
    identity_chance: base.Fraction
    """people told apart by guessing"""
    permutation_p: base.Probability
    """one-sided, exchanged inside people, every fold fitted again"""
    null_mean: base.Signed
    """mean within_r under permutation"""
    pooled_constant_r: base.Signed
    """pooled correlation of the train mean, which knows nothing"""

    def check(self):
        for name in ("error_ratio", "identity_accuracy"):
            if set(getattr(self, name)) != set(self.within_r):
                raise ValueError(f"{name} has {sorted(getattr(self, name))}")
        if set(self.between_r) - set(self.within_r):
            raise ValueError(f"between_r has {sorted(self.between_r)}")
        if (
            abs(self.identity_chance * self.n_subjects - 1)
            > self.n_subjects * base.ROUNDING
        ):
            raise ValueError("identity_chance is not one in n_subjects")
