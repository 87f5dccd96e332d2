"""Promise of plot_90: the same work in a loop and on workers."""

from typing import Literal

from _helpers.contracts import base


class Page(base.Contract):
    headline = "In steps that can be repeated: a second pass over {n_recordings} tasks did {n_done}, skipped {n_skipped} and reported {n_failed}; {n_tasks} trainings on {engine} and in a loop are {results_identical:equal bit for bit|not equal}."
    questions = """number n_failed: One recording of the cohort is damaged. How many does the second pass report as failed?
    order accuracy: Put the three regimes in order of test accuracy, the highest first."""

    engine: Literal["dask", "loop"]
    """who did it the second time; loop where dask is not installed"""
    n_recordings: base.Several
    """people asked for in a pass, with a damaged copy of one"""
    n_done: base.Count
    """people done in the second pass"""
    n_skipped: base.Count
    """people left alone there, because they were finished"""
    n_failed: base.Count
    """people whose recording could not be used"""
    n_windows: base.Some
    """windows in all finished files"""
    n_tasks: base.Some
    """cells of the grid"""
    results_identical: bool
    """files, weights and scores of loop and workers are equal bit for bit"""
    chance_level: base.Fraction
    """accuracy of guessing"""
    accuracy: base.every(base.Regime, base.Fraction)
    """test accuracy per regime, mean over people"""
    accuracy_ci: base.every(base.Regime, base.ci_type(base.Fraction))
    subject_overlap: base.Count
    """people on both sides of a fold"""

    def check(self):
        n, seen = self.n_recordings, self.n_done + self.n_skipped + self.n_failed
        base.refuse(seen != n, f"{n} recordings, but {seen} done, skipped or failed")
        base.refuse(not self.results_identical, "loop and workers gave different bits")
        whole = f"{self.n_tasks} cells are no grid of {len(self.accuracy)}"
        base.refuse(self.n_tasks % len(self.accuracy), whole)
