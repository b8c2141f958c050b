"""What a statement proposes for the record of a specimen, and what becomes of the record."""
