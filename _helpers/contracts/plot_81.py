"""Promise of plot_81: a score per person from a network."""

from typing import Annotated, Literal

from pydantic import Field

from _helpers.contracts import base

Three = Annotated[list[float], Field(min_length=3, max_length=3)]


class Page(base.PersonScore):
    headline = "{ridge_minus_network[ci]:Yes|That is not shown|No}: the squared error of ridge minus the network's is {ridge_minus_network[mean]:+.2f} {ridge_minus_network[ci]:+.2f}; the network's r is {pearson_r:+.2f} {r_ci:+.2f}, on the null {null_r:+.2f}."
    questions = """yes ridge_minus_network.ci.0 > 0: Is the network clearly better than ridge: a whole interval above zero?
    number null_r: The network trains where nothing can be learned. What is its r over new people?"""
    evidence = base.Evidence("simulated-pfactor", 12)
    claims = {  # noqa: RUF012
        "ridge_minus_network.mean": "error of ridge minus the network's",
        "pearson_r": "r of the network",
        "null_r": "r of the network on the null",
    }
    on_real = True

    n_parameters: base.Some
    """parameters of the network"""
    ridge: base.Errors
    """ridge on band power, same people"""
    seeds: base.every(Literal["pearson_r", "mse"], Three)
    """the same of each training seed alone"""
    ridge_minus_network: base.Change
    """squared error of ridge minus that of the network, paired within test people"""

    def check(self):
        super().check()
        name, gain = "ridge_minus_network and the errors", self.ridge.mse - self.mse
        base.check_close(name, self.ridge_minus_network.mean, gain, 2 * base.ROUNDING)
        # The square of a mean is never above the mean of squares.
        mean = sum(self.seeds["mse"]) / 3 + base.ROUNDING
        base.refuse(self.mse > mean, f"mse {self.mse} is above the mean of its seeds")
