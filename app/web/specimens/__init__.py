"""Pages of specimens: the search with its facets, and one specimen with what is said of it."""
