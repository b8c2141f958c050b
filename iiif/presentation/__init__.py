"""The Presentation API: manifests and collections."""
