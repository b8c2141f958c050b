"""What can be wrong with a specimen or an image."""

from app.runtime.errors import Conflict, Invalid, NotFound


class UnknownSpecimen(NotFound):
    """No specimen of that key."""


class UnknownMedia(NotFound):
    """No image of that key."""


class DuplicateSpecimen(Conflict):
    """Institution, collection and catalogue number are taken."""


class DuplicateMedia(Conflict):
    """The same bytes are here already."""


class RejectedImage(Invalid):
    """The file cannot be taken as an image; the sentence says why. `code` is for reports and statistics."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
