"""Manifests, collections and change lists of other servers, taken in as specimens with their images."""
