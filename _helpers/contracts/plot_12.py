"""Promise of plot_12: a cohort with a score is opened, cost first."""

from typing import Literal

from _helpers.contracts import base


class Page(base.Contract):
    headline = "With the cost first: resting state of ds005505 is {gigabytes[ds005505, everybody]:.1f} GB, of the small release {gigabytes[release R5, mini]:.1f} GB; here {n_scored} of {n_people} people have a score, {score_mean:+.2f} {score_mean_ci:+.2f} on average."
    questions = """number gigabytes.ds005505, everybody: How many gigabytes are the resting states of all people in ds005505?
    yes n_dropped > 0: Is there a person with recordings and without a score?"""

    target: base.Text
    """column of participants.tsv"""
    n_people: base.Some
    """people with recordings"""
    n_scored: base.Several
    """of these, with a score"""
    n_dropped: base.Count
    """of these, without"""
    score_mean: float
    """mean score"""
    score_mean_ci: base.ci_type(float)
    score_sd: base.Positive
    """standard deviation of the score over people"""
    mistake: Literal["TypeError"]
    """what the mean of a score that is text raises"""
    n_download: dict[str, base.Some]
    """people per download"""
    gigabytes: dict[str, base.Positive]
    """size of resting state per download, in GB"""
    n_asked: base.Some
    """people opened by hand"""
    n_opened: base.Some
    """of these, with a score"""
    n_windows: base.Some
    """windows of those"""
    n_chans: base.Some
    """channels of a window"""
    same_as_find_study: bool
    """find_study opens the same people, window by window"""

    def check(self):
        n, scored, dropped = self.n_people, self.n_scored, self.n_dropped
        both = f"{n} people, but {scored} with and {dropped} without a score"
        base.refuse(scored + dropped != n, both)
        asked = f"asked for {self.n_asked}, one without a score: {self.n_opened}"
        base.refuse(self.n_asked - self.n_opened != min(1, dropped), asked)
        sizes = f"sizes of {sorted(self.gigabytes)}, people of other downloads"
        base.refuse(set(self.n_download) != set(self.gigabytes), sizes)
        same = self.same_as_find_study
        base.refuse(not same, "the page and find_study do not open the same windows")
