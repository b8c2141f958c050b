"""Proposals as people and clients meet them: how they are made, listed and taken home."""
