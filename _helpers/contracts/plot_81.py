"""Promise of plot_81: a score per person from a network; the main numbers are the network's."""

from typing import Literal

from _helpers.contracts import base


class Page(base.PersonScore):
    headline = "network r {pearson_r:+.2f}, error {mse_ratio:.2f} of the train mean's; null {null_r:+.2f}"
    evidence = base.Evidence("simulated-pfactor", 24)
    on_real = True

    tutorial: Literal["plot_81"]
    n_parameters: base.Some
    """parameters of the network"""
    ridge: base.Scores
    """ridge on band power, same people"""
    ridge_minus_network: float
    """squared error of ridge minus that of the network, mean over people"""
    ridge_minus_network_ci: base.interval(float)
    """its 95 % interval over people; a tie if it holds 0"""
    attribution_share: base.Fraction
    """part of the frequency map on Cz and E62 at 8 to 13 Hz"""
    attribution_share_random_init: base.Fraction
    """the same, mean of five untrained networks"""
    attribution_share_null: base.Fraction
    """the same, trained on the null"""
    time_map_rank_correlation: base.Signed
    """Spearman correlation of maps over time, trained and untrained, mean of five"""
    frequency_map_rank_correlation: base.Signed
    """the same for the maps over frequency"""

    def check(self):
        super().check()
        name, gain = "ridge_minus_network and the errors", self.ridge.mse - self.mse
        base.check_close(name, self.ridge_minus_network, gain, 2 * base.ROUNDING)
