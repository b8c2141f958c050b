"""How a selector names a mask: as its member hub:mask, with the address of the file and the box that it fills.

The selector that bears it, an SvgSelector as a rule, says the same place for readers that know nothing of masks. Statements of
an earlier form have a selector of its own in its place, a hub:MaskSelector; they are read, and no more written.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.errors import BadSelector, SelectorOutsideCanvas
from annotations.model import Canvas, CanvasBox
from annotations.region_masks import Mask
from annotations.region_text import exact
from annotations.svg_lengths import MAX_COORDINATE, NUMBERS

EARLIER_FORM = "hub:MaskSelector"
MASK_IRI = re.compile(r"https?://[^\s]{1,500}/masks/([0-9a-f]{64})\.png", re.ASCII)
PLACE = ("hub:x", "hub:y", "hub:width", "hub:height")


@dataclass(frozen=True, slots=True)
class MaskReference:
    """A mask that a selector names: its address, the digest of its file, and the box of canvas units that it fills."""

    iri: str
    sha256: str
    x: int
    y: int
    width: int
    height: int
    tolerance: float = 0.0

    @property
    def box(self) -> CanvasBox:
        return CanvasBox(self.x, self.y, self.x + self.width, self.y + self.height)


LoadMask = Callable[[MaskReference], Mask]


def masks_in(selectors: Sequence[Any], canvas: Canvas) -> list[MaskReference]:
    """The masks that these selectors name; whether they are here is not asked. Raises BadSelector, SelectorOutsideCanvas."""
    return [_read(named, canvas) for one in selectors if (named := _named_by(one)) is not None]


def mask_member(reference: MaskReference) -> dict[str, Any]:
    """The member of a selector that names the mask."""
    place = {"hub:x": reference.x, "hub:y": reference.y, "hub:width": reference.width, "hub:height": reference.height}
    stated = {"hub:tolerance": exact(reference.tolerance)} if reference.tolerance else {}
    return {"hub:mask": {"id": reference.iri, **place, **stated}}


def tolerance_of(says: Mapping[str, Any]) -> float:
    """How much a selector or its mask says that it may miss what it stands for; 0 where it says nothing. Raises BadSelector."""
    if "hub:tolerance" not in says:
        return 0.0
    text = str(says["hub:tolerance"])
    value = float(text) if NUMBERS.fullmatch(text) else -1.0
    if not 0 <= value <= MAX_COORDINATE:
        raise BadSelector("hub:tolerance must be a number of 0 or more, in canvas units.", parameter="hub:tolerance")
    return value


def is_earlier_form(selector: Any) -> bool:
    """Whether it is a hub:MaskSelector, which does nothing but name a mask."""
    types = selector.get("type") if isinstance(selector, Mapping) else None
    return types == EARLIER_FORM or types == [EARLIER_FORM]


def _named_by(selector: Any) -> Any:
    """What the selector says of a mask: the value of its member; None where it names none."""
    if is_earlier_form(selector):
        named = selector.get("hub:mask")
        return {**selector, "id": named.get("id") if isinstance(named, Mapping) else named}
    if not isinstance(selector, Mapping) or "hub:mask" not in selector:
        return None
    return selector["hub:mask"] or {}


def _read(named: Any, canvas: Canvas) -> MaskReference:
    says: Mapping[str, Any] = named if isinstance(named, Mapping) else {"id": named}
    iri = says.get("id")
    match = MASK_IRI.fullmatch(iri) if isinstance(iri, str) else None
    if match is None:
        raise BadSelector(
            "hub:mask needs as its id the address of a mask of this hub, …/masks/{SHA-256}.png.", parameter="hub:mask"
        )
    x, y, width, height = (_whole(says, name) for name in PLACE)
    if not width or not height:
        raise BadSelector("A mask is at least one pixel wide and high.", parameter="hub:width")
    if x + width > canvas.width or y + height > canvas.height:
        raise SelectorOutsideCanvas(
            f"The mask of {width} by {height} at ({x}, {y}) reaches past the canvas of {canvas.width} by {canvas.height}.",
            parameter="selector",
        )
    return MaskReference(match[0], match[1], x, y, width, height, tolerance_of(says))


def _whole(says: Mapping[str, Any], name: str) -> int:
    value = says.get(name)
    if type(value) is not int or not 0 <= value <= MAX_COORDINATE:
        raise BadSelector(f"hub:mask needs a whole number of 0 or more for {name}.", parameter=name)
    return value
