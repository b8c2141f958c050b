"""Statements of other servers about the canvases of harvested manifests."""
