"""The pages on which people review: what waits, and one item after the other."""
