"""Small studies that are broken in every way and opened; ``nox -s fuzz`` runs them."""
