"""Which statements people are to look at next: lists, counts, leases, and many verdicts at once."""
