"""Groups of like segments, and a name that goes to all of them as proposals."""
