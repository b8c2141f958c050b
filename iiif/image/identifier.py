"""Which image an identifier in an address means: a key, an ARK, or a segment of either as an image of its own.

    m1vpbgmz128mk                        the key
    ark:/99999/m1vpbgmz128mk             the ARK, in both spellings, its slashes escaped or not
    m1vpbgmz128mk:1200,300,800,500       the segment x,y,w,h in pixels of the upright image

Web servers hand addresses over unescaped (PEP 3333), so nothing here unescapes; what still holds a `%` names nothing.
"""

import re
from dataclasses import dataclass

from iiif.catalogue.errors import UnknownMedia
from iiif.image.request import PixelBox

FORM = re.compile(r"(?:ark:/?(\d{5,9})/)?([0-9a-z]{1,32})(?::(\d{1,9}),(\d{1,9}),(\d{1,9}),(\d{1,9}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Identifier:
    """An image and, for a segment, the part of it that is meant; whether there is such an image is not known yet."""

    key: str
    segment: PixelBox | None = None

    @classmethod
    def parse(cls, text: str, naan: str) -> "Identifier":
        """Raises UnknownMedia for what can name no image here."""
        match = FORM.fullmatch(text)
        if match is None or match[1] not in (None, naan):
            raise UnknownMedia(f"There is no image {text[:80]!r} here.")
        if match[3] is None:
            return cls(match[2])
        return cls(match[2], PixelBox(int(match[3]), int(match[4]), int(match[5]), int(match[6])))

    @property
    def suffix(self) -> str:
        """What follows the key: `:x,y,w,h`, or nothing for the whole image."""
        box = self.segment
        return "" if box is None else f":{box.x},{box.y},{box.width},{box.height}"
