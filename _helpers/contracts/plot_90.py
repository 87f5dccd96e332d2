"""Promise of plot_90: the same work in a loop and on workers."""

from typing import Annotated, Literal

from pydantic import Field

from _helpers.contracts.base import Contract, Count, Fraction, Regime, Some, every, interval


class Page(Contract):
    headline = (
        "second pass over {n_recordings} recordings: {n_done} done again, {n_skipped} skipped, "
        "{n_failed} failed; {n_tasks} cells on {engine} and in a loop identical: {results_identical}"
    )

    tutorial: Literal["plot_90"]
    engine: Literal["dask", "loop"]
    """who did it the second time; loop where dask is not installed"""
    n_recordings: Annotated[int, Field(ge=2)]
    """people asked for in a pass, with a damaged copy of one"""
    n_done: Count
    """people done in the second pass"""
    n_skipped: Count
    """people left alone there, because they were finished"""
    n_failed: Count
    """people whose recording could not be used"""
    n_windows: Some
    """windows in all finished files"""
    n_tasks: Some
    """cells of the grid"""
    results_identical: bool
    """files, weights and scores of loop and workers are equal bit for bit"""
    chance_level: Fraction
    """accuracy of guessing"""
    accuracy: every(Regime, Fraction)
    """test accuracy per regime, mean over people"""
    accuracy_ci: every(Regime, interval(Fraction))
    """its 95 % bootstrap interval over people"""
    subject_overlap: Count
    """people on both sides of a fold"""

    def check(self):
        seen = self.n_done + self.n_skipped + self.n_failed
        if seen != self.n_recordings:
            there = f"{self.n_recordings} recordings"
            raise ValueError(f"{there}, but {seen} done, skipped or failed")
        if not self.results_identical:
            raise ValueError("loop and workers gave different bits")
        if self.n_tasks % len(self.accuracy):
            raise ValueError(f"{self.n_tasks} cells are no grid of {len(self.accuracy)}")
