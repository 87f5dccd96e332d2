"""Many people: files of windows, a grid of trainings, workers."""
