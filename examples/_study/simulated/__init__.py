"""Studies that are written here: signals, people, BIDS folders, planted faults."""
