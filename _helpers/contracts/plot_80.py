"""Promise of plot_80: a score per person from band power; the main numbers are the ridge's."""

from typing import Literal

from _helpers.contracts.base import Evidence, PersonScore, Scores, Signed


class Page(PersonScore):
    headline = "ridge r {pearson_r:+.2f}, error {mse_ratio:.2f} of the train mean's; null {null_r:+.2f}"
    evidence = Evidence("simulated-pfactor", 24)
    on_real = True

    tutorial: Literal["plot_80"]
    forest: Scores
    """the random forest's numbers"""
    window_split_r: Signed
    """null study, forest, windows shuffled: r over held-out windows, mean of folds"""
    subject_split_r: Signed
    """the same with people kept whole"""
    window_split_r_ridge: Signed
    """window_split_r of the ridge"""
    subject_split_r_ridge: Signed
    """subject_split_r of the ridge"""
