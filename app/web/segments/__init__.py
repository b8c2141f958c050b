"""The page of a segment."""
