"""Measurements: `python -m tests.bench` makes all of them."""
