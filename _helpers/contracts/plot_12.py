"""Promise of plot_12: a cohort with a score is opened, cost first."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from _helpers.contracts.base import Contract, Count, Positive, Some, Text, interval


class Page(Contract):
    """plot_12: a cohort with a score is opened, cost first."""

    headline = (
        "{n_scored} of {n_people} people have a score; resting state of ds005505: "
        "{gigabytes[ds005505, everybody]:.1f} GB, of the small release: "
        "{gigabytes[release R5, mini]:.1f} GB"
    )

    tutorial: Literal["plot_12"]
    target: Text
    """column of participants.tsv"""
    n_people: Some
    """people with recordings"""
    n_scored: Annotated[int, Field(ge=2)]
    """of these, with a score"""
    n_dropped: Count
    """of these, without"""
    score_mean: float
    """mean score"""
    score_mean_ci: interval(float)
    """its 95 % interval over people"""
    score_sd: Positive
    """standard deviation of the score over people"""
    mistake: Literal["TypeError"]
    """what the mean of a score that is text raises"""
    n_download: dict[str, Some]
    """people per download"""
    gigabytes: dict[str, Positive]
    """size of resting state per download, in GB"""
    n_asked: Some
    """people opened by hand"""
    n_opened: Some
    """of these, with a score"""
    n_windows: Some
    """windows of those"""
    n_chans: Some
    """channels of a window"""
    same_as_find_study: bool
    """find_study opens the same people, window by window"""

    @model_validator(mode="after")
    def _nobody_is_lost(self):
        if self.n_scored + self.n_dropped != self.n_people:
            raise ValueError(
                f"{self.n_people} people, but {self.n_scored} with and {self.n_dropped} without a score"
            )
        if self.n_asked - self.n_opened != min(1, self.n_dropped):
            raise ValueError(
                f"asked for {self.n_asked}, one without a score: {self.n_opened}"
            )
        if set(self.n_download) != set(self.gigabytes):
            raise ValueError(
                f"sizes of {sorted(self.gigabytes)}, people of other downloads"
            )
        if not self.same_as_find_study:
            raise ValueError("the page and find_study do not open the same windows")
        return self
