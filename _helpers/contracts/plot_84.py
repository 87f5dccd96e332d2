"""Promise of plot_84: what the best of many runs reaches by luck."""

from typing import Annotated, ClassVar

from pydantic import Field

from _helpers.contracts import base

Best = Annotated[list[base.Signed], Field(min_length=3, max_length=3)]
Errors = Annotated[list[base.Positive], Field(min_length=3, max_length=3)]


class Page(base.Contract):
    headline = "By luck: where nobody finds anything, the best of {n_runs[1]:,} runs is expected to reach r = {best_r[0][1]:.2f} over {n_people[0]} people, an nRMSE of {best_nrmse[0][1]:.3f}."
    questions = """number best_r.0.1: Nobody found anything. More than a thousand runs are scored over a few hundred people. Which r has the best of them?
    yes effective_runs < n_board_runs: Are the runs of one leaderboard worth fewer independent ones?"""
    bands: ClassVar = {"effective_runs": 20.0, "simulation_off": 0.02, "best_nrmse": 0.001}

    effect: Annotated[float, Field(ge=0, le=0)] | None
    """planted effect: none; null where scores of a real study were exchanged"""
    n_people: list[base.Several]
    """test people of two imagined leaderboards"""
    n_runs: list[base.Some]
    """runs on each of them"""
    best_r: list[Best]
    """expected largest correlation, by people and runs"""
    best_nrmse: list[Errors]
    """expected smallest error in standard deviations of the score, by people and runs"""
    simulation_off: dict[str, base.Signed]
    """runs -> how far the simulated best r is off the formula, as a part of it"""
    people_needed: dict[str, base.Several]
    """true r -> people for 80 % power of one planned test"""
    people_above_luck: dict[str, base.Several]
    """true r -> people from which the best of the middle number of runs is below it"""
    n_train_subjects: base.Several
    """people trained on"""
    n_test_subjects: Annotated[int, Field(ge=10)]
    """people whom the nulls are scored on"""
    subject_overlap: base.Count
    """people on both sides of the split"""
    n_nulls: base.Some
    """null runs of ridge on band power, all scores exchanged"""
    n_board_runs: base.Some
    """runs of ridge on one leaderboard, training scores exchanged"""
    formula_r: dict[str, base.Signed]
    """runs -> expected best r of independent runs, by formula"""
    null_r: dict[str, base.Signed]
    """the same, all scores exchanged for each run"""
    board_r: dict[str, base.Signed]
    """the same, runs of one leaderboard"""
    effective_runs: Annotated[float, Field(ge=1)]
    """independent runs that n_board_runs are worth"""
    runs_alike: base.Fraction
    """mean size of the correlation between two runs of one leaderboard"""
    winner_p_alone: base.Probability
    """p of the best run of one board, as if it were the only one"""
    winner_p: base.Probability
    """p of the same run beside the best of null boards"""

    def check(self):
        for what, tables in (("r", self.best_r), ("nRMSE", self.best_nrmse)):
            base.refuse(
                len(tables) != len(self.n_people), f"best {what}: one list per people"
            )
        for rs, errors in zip(self.best_r, self.best_nrmse, strict=True):
            base.refuse(rs != sorted(rs), f"best r {rs} does not grow with runs")
            falls = errors == sorted(errors, reverse=True)
            base.refuse(not falls, f"best nRMSE {errors} does not fall with runs")
        for runs, off in self.simulation_off.items():
            far = abs(off) > 0.02
            base.refuse(far, f"simulation and formula are {off:+.1%} apart for {runs} runs")
        more = self.effective_runs > self.n_board_runs * 1.1
        base.refuse(more, f"{self.n_board_runs} runs are worth {self.effective_runs}")
