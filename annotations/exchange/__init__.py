"""Exchange: statements in the files that other programs read and write, both ways, and what is lost on the way."""
