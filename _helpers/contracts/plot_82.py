"""Promise of plot_82: which rhythm a network uses."""

from _helpers.contracts import base


class Page(base.Correlation):
    headline = "Of the map of a trained network (r = {pearson_r:+.2f} {r_ci:+.2f}) {attribution_share:.0%} lie on Cz and Pz at 8 to 13 Hz; of untrained ones {attribution_share_random_init:.0%} on average, of one trained on the null {attribution_share_null:.0%}, of a map without structure {attribution_share_even:.0%}."
    questions = """number attribution_share: Which part of the trained network's map lies on the two channels and the band of the effect?
    yes attribution_share_random_init > attribution_share_even: Does an untrained network put more there than a map without structure would?"""
    evidence = base.Evidence("simulated-pfactor", 12)
    claims = {  # noqa: RUF012
        "attribution_share": "share in the right place, trained",
        "attribution_share_random_init": "share, untrained",
        "attribution_share_null": "share, trained on the null",
    }
    on_real = True

    n_untrained: base.Several
    """untrained networks"""
    attribution_share: base.Fraction
    """part of the frequency map on Cz and Pz (E62) at 8 to 13 Hz"""
    attribution_share_random_init: base.Fraction
    """the same, mean of the untrained networks"""
    attribution_share_null: base.Fraction
    """the same, trained on the null"""
    attribution_share_even: base.Fraction
    """the same of a map without any structure"""
    time_map_rank_correlation: base.Signed
    """Spearman correlation of maps over time, trained and untrained, mean"""
    time_map_rank_correlation_null: base.Signed
    """the same, trained and trained on the null"""
    time_map_among_untrained: base.Signed
    """the same, among the untrained networks"""
    frequency_map_rank_correlation: base.Signed
    """Spearman correlation of maps over frequency, trained and untrained, mean"""
    frequency_map_rank_correlation_null: base.Signed
    """the same, trained and trained on the null"""
    frequency_map_among_untrained: base.Signed
    """the same, among the untrained networks"""
