"""Promise of plot_81: a score per person from a network."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from _helpers.contracts.base import (
    ROUNDING,
    Errors,
    Evidence,
    Model,
    PersonScore,
    Probability,
    Some,
    check_close,
    every,
    interval,
)


def _three(values):
    if len(values) != 3:
        raise ValueError(f"{len(values)} training seeds, expected 3")
    return values


class ErrorGain(Model):
    """A difference in squared error, taken within test people."""

    mean: float
    """mean difference over people"""
    ci: interval(float)
    """95 % interval over people"""
    p: Probability
    """two-sided sign-flip permutation test"""


class Page(PersonScore):
    """plot_81: a score per person from a network; the main numbers are the mean prediction of three seeds."""

    headline = (
        "squared error of ridge minus the network's {ridge_minus_network.mean:+.2f}; network r "
        "{pearson_r:+.2f}, null {null_r:+.2f}"
    )
    evidence = Evidence("simulated-pfactor", 24)
    on_real = True

    tutorial: Literal["plot_81"]
    n_parameters: Some
    """parameters of the network"""
    ridge: Errors
    """ridge on band power, same people"""
    seeds: every(
        Literal["pearson_r", "mse"], Annotated[list[float], AfterValidator(_three)]
    ) = Field(description="the same of each training seed alone")
    ridge_minus_network: ErrorGain
    """squared error of ridge minus that of the network, paired within test people"""

    @model_validator(mode="after")
    def _gain_agrees(self):
        name, gain = "ridge_minus_network and the errors", self.ridge.mse - self.mse
        check_close(name, self.ridge_minus_network.mean, gain, 2 * ROUNDING)
        # The square of a mean is never above the mean of squares.
        if self.mse > sum(self.seeds["mse"]) / 3 + ROUNDING:
            raise ValueError(f"mse {self.mse} is above the mean of its seeds")
        return self
