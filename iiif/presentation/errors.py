"""What can be missing from what is presented."""

from app.runtime.errors import NotFound


class NoManifest(NotFound):
    """The specimen has no image that is ready, so there is no canvas to show."""


class UnknownCollection(NotFound):
    """No collection of that name, or nothing in it."""
