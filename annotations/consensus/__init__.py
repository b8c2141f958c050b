"""Several independent answers: how far they agree, and what they agree on. Nothing here is stored or written over anybody's."""
