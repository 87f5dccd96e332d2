"""Promise of plot_81: a score per person from a network."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from _helpers.contracts.base import (
    ROUNDING,
    Change,
    Claim,
    Errors,
    Evidence,
    PersonScore,
    Some,
    check_close,
    every,
)

Three = Annotated[list[float], Field(min_length=3, max_length=3)]


class Page(PersonScore):
    """plot_81: a score per person from a network; the main numbers are the mean prediction of three seeds."""

    headline = (
        "squared error of ridge minus the network's {ridge_minus_network[mean]:+.2f}; network r "
        "{pearson_r:+.2f}, null {null_r:+.2f}"
    )
    evidence = Evidence(
        "simulated-pfactor",
        24,
        (
            Claim(
                "ridge minus network",
                "squared error of ridge minus that of the network",
                "ridge_minus_network.mean",
                "ridge_minus_network.ci",
                "squared error",
            ),
            Claim(
                "r of the network", "r of the network", "pearson_r", "r_ci", "correlation"
            ),
            Claim("r of its null", "r on the null", "null_r", "null_r_ci", "correlation"),
        ),
    )
    on_real = True

    tutorial: Literal["plot_81"]
    n_parameters: Some
    """parameters of the network"""
    ridge: Errors
    """ridge on band power, same people"""
    seeds: every(Literal["pearson_r", "mse"], Three)
    """the same of each training seed alone"""
    ridge_minus_network: Change
    """squared error of ridge minus that of the network, paired within test people"""

    @model_validator(mode="after")
    def _gain_agrees(self):
        name, gain = "ridge_minus_network and the errors", self.ridge.mse - self.mse
        check_close(name, self.ridge_minus_network.mean, gain, 2 * ROUNDING)
        # The square of a mean is never above the mean of squares.
        if self.mse > sum(self.seeds["mse"]) / 3 + ROUNDING:
            raise ValueError(f"mse {self.mse} is above the mean of its seeds")
        return self
