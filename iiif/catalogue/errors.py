"""What can be wrong with a specimen or an image."""

from app.runtime.errors import Conflict, Forbidden, Invalid, NotAllowed, NotFound, TooMuch


class UnknownSpecimen(NotFound):
    """No specimen of that key."""


class UnknownVersion(NotFound):
    """The record has no version of that number."""


class UnknownMedia(NotFound):
    """No image of that key."""


class DuplicateSpecimen(Conflict):
    """The identity is that of another specimen."""


class DuplicateMedia(Conflict):
    """The same bytes are here already."""


class UnknownDepiction(NotFound):
    """The image does not show that specimen."""


class HomeDepiction(Conflict):
    """The image came in with that specimen, and its canonical canvas is there."""


class BadDepiction(Invalid):
    """A role that is no role, or a region that is no part of the image."""


class TooManyDepicted(TooMuch):
    """The image shows as many specimens as one image may."""


class Closed(NotAllowed):
    """The image, and what is said about it, is shown only to who bears a token."""


class NotYours(Forbidden):
    """The image, and what is said about it, is shown only to who has a role in its collection."""
