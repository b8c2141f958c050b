"""Statements: W3C annotations, their protocol, their projections for viewers, and search over them."""
