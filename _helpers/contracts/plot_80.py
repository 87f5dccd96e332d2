"""Promise of plot_80: a score per person from band power."""

from _helpers.contracts import base


class Page(base.PersonScore, base.Scores):
    headline = "{r_ci:In this draw, yes|That cannot be told|In this draw, no}: predictions of ridge on band power have r = {pearson_r:+.2f} {r_ci:+.2f} with the score of new people; where there is nothing to learn, {null_r:+.2f} {null_r_ci:+.2f}."
    questions = """number pearson_r: What is r between predicted and true score, over people nobody trained on?
    yes forest.mse < mse: Is the squared error of a random forest smaller than that of ridge?"""
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
