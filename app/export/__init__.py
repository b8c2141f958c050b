"""Static export: a collection, or part of one, as files that any web server can hand out (IIIF Image API, level 0)."""
