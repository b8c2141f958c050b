"""What a manifest shows beyond the catalogue; packages further left provide it, and only `app` composes the two."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from app.runtime.principal import Principal
from iiif.catalogue.model import DepictionRole, Media, Specimen
from iiif.image.request import PixelBox


@dataclass(frozen=True, slots=True)
class CanvasView:
    """What one canvas of a specimen shows: an image, or the segment of it that is this specimen's own.

    `others` are other specimens in the picture, as many as are named, of `others_total`; a segment shows none of them.
    """

    media: Media
    segment: PixelBox | None = None
    role: DepictionRole = ""
    others: tuple[Specimen, ...] = ()
    others_total: int = 0


@dataclass(frozen=True, slots=True)
class ManifestExtras:
    """JSON-LD to be spliced in: services and ranges of the manifest, and per media key the canvas's services and annotation
    pages."""

    services: tuple[Mapping[str, Any], ...] = ()
    canvas_services: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    canvas_annotations: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    structures: tuple[Mapping[str, Any], ...] = ()


ExtrasOf = Callable[[Session, Specimen, Sequence[Media], Principal], ManifestExtras]
