"""Segments: the parts of images that statements find, and how they follow the statements behind them."""
