"""The catalogue: specimens, their media, and how both come in."""
