"""What annotations are to the rest of the system: a draft that was checked, and an annotation that stands."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Layer = Literal["machine", "people"]
LAYERS: tuple[Layer, ...] = ("machine", "people")
Point = tuple[float, float]  # x, y
Ring = tuple[Point, ...]  # closed without repeating the first point; three points or more
Line = tuple[Point, ...]  # open; two points or more


@dataclass(frozen=True, slots=True)
class CanvasBox:
    """A box in canvas units, which are pixels of the upright image: 0 <= x0 <= x1 <= width, y downwards, half-open.

    Around a point or a level line it has no width or no height.
    """

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation as it stands.

    `document` is the W3C form exactly as accepted, with our `id`, `created` and `modified`. `kind` is our short word
    for what it says ("ruler", "label", "barcode", "quality", "outline", "length", …; empty for what people wrote freely).
    """

    key: str
    version: int
    etag: str
    media_key: str
    specimen_key: str
    layer: Layer
    kind: str
    motivations: tuple[str, ...]
    text: str
    box: CanvasBox | None
    run_key: str
    confidence: float | None
    value: float | None
    unit: str
    document: Mapping[str, Any]
    created_at: datetime
    modified_at: datetime
    deleted_at: datetime | None
    withdrawn_at: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether it is neither deleted nor withdrawn with its run."""
        return self.deleted_at is None and self.withdrawn_at is None
