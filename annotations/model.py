"""What annotations are to the rest of the system: a draft that was checked, and an annotation that stands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from annotations.states.derive import State
from app.runtime.addresses import Kind

Layer = Literal["machine", "people", "review"]
LAYERS: tuple[Layer, ...] = ("machine", "people")  # those that viewers are shown; verdicts are not drawn
FOUND_NOTHING, GAVE_UP = ("assessing",), ("assessing", "describing")  # motivations of what a step says that did so
Point = tuple[float, float]  # x, y
Ring = tuple[Point, ...]  # closed without repeating the first point; three points or more
Line = tuple[Point, ...]  # open; two points or more


@dataclass(frozen=True, slots=True)
class Canvas:
    """The size of a canvas, in canvas units."""

    width: int
    height: int


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
class Target:
    """One target of an annotation, on one of the images and specimens that it finally lies on.

    A target is told several times where it lies on several: in the own regions of several specimens, an annotation on several
    canvases. What lies on every specimen that the image shows is told once, as `whole` (see `placing`).

    `position` is that of the target in the document, from 0. `kind` and `key` are those of the thing that it names (see `Named`
    in app/runtime/addresses.py; a thing elsewhere is a "resource", too), `version` the version of it, 0 for none. `media_key`
    and `specimen_key` are empty where it lies on none; `box` is None for all of what it names. `frame` is the box, x,y,w,h in
    canvas units of the image, that the canvas of a segment had when the target was placed: its selectors count from there.
    """

    position: int
    kind: Kind
    key: str
    version: int
    media_key: str
    specimen_key: str
    box: CanvasBox | None
    whole: bool = False
    frame: str = ""


@dataclass(frozen=True, slots=True)
class About:
    """Which annotations are meant: those that lie on that specimen; or those with a target on that image, or that is that thing,
    where all of what is given must hold of one target. `layer` narrows them, and `told`: neither verdicts nor
    what was rejected or superseded; with `fallen` what was is told, too. Empty: all annotations."""

    media_key: str = ""
    specimen_key: str = ""
    kind: Kind | Literal[""] = ""
    key: str = ""
    version: int = 0
    layer: Layer | Literal[""] = ""
    told: bool = False
    fallen: bool = False


EVERYTHING = About()


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation as it stands.

    `document` is the W3C form exactly as accepted, with our `id`, `created` and `modified`. `kind` is our short word
    for what it says ("ruler", "label", "barcode", "quality", "outline", "length", …; empty for what people wrote freely).
    `media_key`, `specimen_key` and `box` are those of the first of its `targets` that lies on something.
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
    targets: tuple[Target, ...]
    withdrawn_at: datetime | None = None
    state: State = "unreviewed"
    state_reason: Mapping[str, Any] | None = None

    @property
    def stands(self) -> bool:
        """Whether it is neither deleted nor withdrawn with its run."""
        return self.deleted_at is None and self.withdrawn_at is None

    @property
    def front(self) -> Target:
        """The target that is shown where only one can be: the first that lies on something."""
        return front_of(self.targets)

    def seen_from(self, *, media_key: str = "", specimen_key: str = "") -> "Annotation":
        """The same with the first target that lies on that image, or that specimen, in front; as it is where none does."""
        for target in self.targets:
            if media_key in ("", target.media_key) and specimen_key in ("", target.specimen_key):
                return self.with_front(target, target.specimen_key)
        return self

    def with_front(self, target: Target, specimen_key: str) -> "Annotation":
        """The same with that target of it in front, as one on that specimen."""
        now = (self.targets[0], self.media_key, self.specimen_key, self.box)
        if now == (target, target.media_key, specimen_key, target.box) and target.specimen_key == specimen_key:
            return self  # most have one target; a copy of each would be a third of the time of a canvas's page
        others = tuple(other for other in self.targets if other != target)
        front = replace(target, specimen_key=specimen_key)
        where = {"media_key": front.media_key, "specimen_key": front.specimen_key, "box": front.box}
        return replace(self, **where, targets=(front, *others))  # type: ignore[arg-type]  # each has the type of its member


def front_of(targets: Sequence[Target]) -> Target:
    """The first of the targets that lies on something; the first of all where none does."""
    return next((target for target in targets if target.specimen_key), targets[0])
