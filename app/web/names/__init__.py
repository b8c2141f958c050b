"""Names: what an ARK, a digest or a page says of the thing that it names, to people and to programs."""
