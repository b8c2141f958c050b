"""Segments as people and clients meet them: their manifests and pages, and what people change in them."""
