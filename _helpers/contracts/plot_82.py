"""Promise of plot_82: which rhythm a network uses."""

from typing import Annotated, Literal

from pydantic import Field

from _helpers.contracts.base import (
    Claim,
    Contract,
    Count,
    Evidence,
    Fraction,
    Signed,
    Text,
    interval,
)


class Page(Contract):
    """plot_82: which rhythm a network uses, beside untrained networks and one trained on the null."""

    headline = (
        "share of the map on the planted rhythm: trained {attribution_share:.2f}, on the null "
        "{attribution_share_null:.2f}, untrained {attribution_share_random_init:.2f}"
    )
    interval_of = {"ci": "mean", "r_ci": "pearson_r"}  # noqa: RUF012
    evidence = Evidence(
        "simulated-pfactor",
        12,
        tuple(
            Claim(
                short,
                f"share of the frequency map in the right place, {short}",
                key,
                None,
                "share",
            )
            for short, key in (
                ("trained", "attribution_share"),
                ("untrained", "attribution_share_random_init"),
                ("trained on the null", "attribution_share_null"),
            )
        ),
    )
    on_real = True

    tutorial: Literal["plot_82"]
    target: Text
    """column of participants.tsv"""
    effect: Annotated[float, Field(ge=0)] | None
    """planted effect; null where nobody knows"""
    n_train_subjects: Annotated[int, Field(ge=2)]
    """people trained on"""
    n_test_subjects: Annotated[int, Field(ge=3)]
    """people whose windows the maps are computed on"""
    subject_overlap: Count
    """people on both sides of the split"""
    pearson_r: Signed
    """correlation over test people, of the network that is explained"""
    r_ci: interval(Signed)
    """its 95 % interval over people"""
    null_r: Signed
    """the same of the network trained on the null"""
    null_r_ci: interval(Signed)
    """its 95 % interval"""
    n_untrained: Annotated[int, Field(ge=2)]
    """untrained networks"""
    attribution_share: Fraction
    """part of the frequency map on Cz and Pz (E62) at 8 to 13 Hz"""
    attribution_share_random_init: Fraction
    """the same, mean of the untrained networks"""
    attribution_share_null: Fraction
    """the same, trained on the null"""
    attribution_share_even: Fraction
    """the same of a map without any structure"""
    time_map_rank_correlation: Signed
    """Spearman correlation of maps over time, trained and untrained, mean"""
    time_map_rank_correlation_null: Signed
    """the same, trained and trained on the null"""
    time_map_among_untrained: Signed
    """the same, among the untrained networks"""
    frequency_map_rank_correlation: Signed
    """Spearman correlation of maps over frequency, trained and untrained, mean"""
    frequency_map_rank_correlation_null: Signed
    """the same, trained and trained on the null"""
    frequency_map_among_untrained: Signed
    """the same, among the untrained networks"""
