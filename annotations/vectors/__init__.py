"""Vectors (embeddings) of images and segments: by which network, of which version of the thing, and by which run."""
