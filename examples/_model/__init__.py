"""Networks: encoders, training, regimes, checkpoints and what fits them."""
