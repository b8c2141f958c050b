"""Pixels: from a derivative to the picture that was asked for, encoded."""
