"""Linked data of all that is here: what every thing says of itself, whichever package keeps it."""
