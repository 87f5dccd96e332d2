"""Promise of plot_83: a regression that holds across people."""

from typing import Literal

from _helpers.contracts import base

Way = Literal["none", "window", "person"]


class Page(base.Contract):
    headline = "On this hold-out normalising by person takes the error within people from {error_ratio[none]:.2f} {error_ratio_ci[none]:.2f} to {error_ratio[person]:.2f} {error_ratio_ci[person]:.2f} of what their own mean leaves; people told apart go from {identity_accuracy[none]:.0%} to {identity_accuracy[person]:.0%}."
    questions = """order error_ratio: Which normalisation leaves the largest error within people? The largest first.
    number identity_accuracy.person: After normalising by person, which part of the people is still told apart? All is 1."""
    evidence = base.Evidence("simulated-tasks", 12, shown=4)
    claims = {  # noqa: RUF012
        "person_minus_none.squared error.mean": "error, by person minus none",
        "person_minus_none.within r.mean": "r within people, by person minus none",
    }

    target: base.Text
    """column of events.tsv"""
    n_subjects: base.Several
    """people"""
    n_test_subjects: base.Several
    """people held out"""
    n_trials: base.Several
    """trials of all people"""
    subject_overlap: base.Count
    """people on both sides of the split"""
    within_r: base.every(Way, base.Signed)
    """correlation over the trials of a test person, mean over people"""
    within_r_ci: base.every(Way, base.ci_type(base.Signed))
    error_ratio: base.every(Way, base.Positive)
    """squared error within test people, part of what their own mean leaves"""
    error_ratio_ci: base.every(Way, base.ci_type(base.Positive))
    person_minus_none: base.every(Literal["within r", "squared error"], base.Change)
    """normalised by person minus not normalised, paired within test people"""
    identity_accuracy: base.every(Way, base.Fraction)
    """people told apart, statistics, learning and test on different thirds of their trials"""
    identity_accuracy_ci: base.every(Way, base.ci_type(base.Fraction))
    identity_chance: base.Fraction
    """people told apart by guessing"""
    identity_same_trials: base.Fraction
    """people told apart when statistics, learning and test share trials: chance by construction"""
    permutation_p: base.Probability
    """one-sided, exchanged inside people, fitted again each time"""
    null_mean: base.Signed
    """mean within_r under permutation"""

    def check(self):
        gain = self.within_r["person"] - self.within_r["none"]
        off = abs(self.person_minus_none["within r"].mean - gain) > 2 * base.ROUNDING
        base.refuse(off, f"person_minus_none and within_r disagree by {gain:.4f}")
        off = abs(self.identity_chance * self.n_subjects - 1)
        wrong = off > self.n_subjects * base.ROUNDING
        base.refuse(wrong, "identity_chance is not one in n_subjects")
