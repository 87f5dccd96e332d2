"""Promise of plot_80: a score per person from band power."""

from _helpers.contracts import base


class Page(base.PersonScore, base.Scores):
    headline = (
        "ridge r {pearson_r:+.2f}, R2 {r2:+.2f}, error {mse_ratio:.2f} of the train mean's; "
        "null r {null_r:+.2f}, error {null_mse_ratio:.2f}"
    )
    evidence = base.Evidence("simulated-pfactor", 12)
    claims = {  # noqa: RUF012
        "pearson_r": "r of ridge",
        "null_r": "r of ridge on the null",
        "mse_ratio": "error of ridge, part of the train mean's",
    }
    on_real = True

    n_dropped: base.Count
    """people without a score"""
    forest: base.Scores
    """the random forest's numbers"""
