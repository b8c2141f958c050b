"""What can be wrong with an image file, and with a request for an image."""

from app.runtime.errors import Forbidden, Invalid, NotFound, Unavailable

SPEC = {2: "https://iiif.io/api/image/2.1/", 3: "https://iiif.io/api/image/3.0/"}
SECTIONS = {"region": "4.1", "size": "4.2", "rotation": "4.3", "quality": "4.4", "format": "4.5"}
ANCHORS = {"region": "#41-region", "size": "#42-size", "rotation": "#43-rotation", "quality": "#quality", "format": "#45-format"}


class BadParameter(Invalid):
    """A part of an image request breaks the Image API; the section of the same subject has one number in 2.1 and 3.0."""

    def __init__(self, parameter: str, text: str, why: str, *, version: int = 3) -> None:
        sentence = f"The {parameter} {text[:80]!r} {why} (Image API, section {SECTIONS[parameter]})."
        super().__init__(sentence, parameter=parameter, spec=SPEC[version] + ANCHORS[parameter])


class NotYetDerived(Unavailable):
    """The image is known, but its derivative is still being made."""


class CannotBeServed(NotFound):
    """The image is known, but no derivative could be made of it; the sentence says why."""


class OutsideImage(NotFound):
    """The segment that the identifier names does not lie within its image."""


class OnlyReduced(Forbidden):
    """The image is shown so large only to who bears a token."""


class Busy(Unavailable):
    """As many pictures as may wait to be rendered are waiting."""


class RejectedImage(Invalid):
    """The file cannot be taken as an image; the sentence says why. `code` is for reports and statistics."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
