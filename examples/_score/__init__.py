"""What a result is judged by: splits, features, scores, intervals, luck."""
