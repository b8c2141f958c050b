"""What can be wrong with a specimen or an image."""

from app.runtime.errors import Conflict, NotFound


class UnknownSpecimen(NotFound):
    """No specimen of that key."""


class UnknownMedia(NotFound):
    """No image of that key."""


class DuplicateSpecimen(Conflict):
    """Institution, collection and catalogue number are taken."""


class DuplicateMedia(Conflict):
    """The same bytes are here already."""
