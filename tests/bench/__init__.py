"""Programs that measure; ``nox -s bench`` and its like run them."""
