"""Promise of plot_80: a score per person from band power."""

from typing import Literal

from _helpers.contracts import base


class Page(base.PersonScore):
    headline = (
        "ridge r {pearson_r:+.2f}, R2 {r2:+.2f}, error {mse_ratio:.2f} of the train mean's; "
        "null r {null_r:+.2f}, error {null_mse_ratio:.2f}"
    )
    evidence = base.Evidence(
        "simulated-pfactor",
        12,
        (
            base.Claim("r of ridge", "r of ridge", "pearson_r", "r_ci", "correlation"),
            base.Claim(
                "r of its null",
                "r of ridge on the null",
                "null_r",
                "null_r_ci",
                "correlation",
            ),
            base.Claim(
                "error of ridge",
                "squared error of ridge, part of the train mean's",
                "mse_ratio",
                "mse_ratio_ci",
                "ratio of errors",
                1.0,
            ),
        ),
    )
    on_real = True

    tutorial: Literal["plot_80"]
    n_dropped: base.Count
    """people without a score"""
    mae: base.Positive
    """mean absolute error, in units of the score"""
    baseline_mae: base.Positive
    """mae of predicting the training mean"""
    forest: base.Scores
    """the random forest's numbers"""
