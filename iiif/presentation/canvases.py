"""Which canvases a specimen has: its images in sequence, before each the segment that is its own, where that is known.

No viewer of today draws a part of an image on a canvas by a selector, nor begins with a part of one; every viewer shows a
segment as an image service of its own. So a specimen's own region is a canvas by itself, and the whole image follows.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Depiction, Media, Specimen
from iiif.catalogue.visibility import sees, view_of
from iiif.image.errors import OutsideImage
from iiif.image.identifier import Identifier
from iiif.image.service import segment_of
from iiif.presentation.errors import NoManifest
from iiif.presentation.model import CanvasView

NAMED = 20  # other specimens in a picture


def ready_media(session: Session, specimen_key: str) -> tuple[Media, ...]:
    return tuple(one for one in catalogue.media_of(session, specimen_key) if one.state == "ready")


def canvas_views(session: Session, specimen_key: str, media: Sequence[Media], by: Principal) -> tuple[CanvasView, ...]:
    """The canvases of those of the specimen's images, in their order. One that is closed to `by` has no segment to show."""
    shown = catalogue.specimens_of_media(session, [one.key for one in media])
    named = _named(
        session, specimen_key, [depiction for several in shown.values() for depiction in _others(specimen_key, several)]
    )
    views: list[CanvasView] = []
    for one in media:
        own = next((depiction for depiction in shown[one.key] if depiction.specimen_key == specimen_key), None)
        role = own.role if own else ""
        if (segment := segment_of(one, own.region if own else None)) and sees(one, by):
            views.append(CanvasView(one, segment, role))
        others = [named[depiction.specimen_key] for depiction in _others(specimen_key, shown[one.key])]
        views.append(CanvasView(one, None, role, tuple(others), max(0, len(shown[one.key]) - 1)))
    return tuple(views)


def canvas_view(session: Session, specimen_key: str, name: str, by: Principal, naan: str) -> CanvasView:
    """The canvas of that name under the specimen: `m1…`, or `m1…:x,y,w,h` for a segment.

    Raises:
        UnknownMedia, UnknownDepiction: there is no such image, or it does not show the specimen.
        Closed, NotYours: it is not public, and `by` may not see it.
        NoManifest: the image is not ready.
        OutsideImage: it has no such segment.
    """
    identifier = Identifier.parse(name, naan)
    own = catalogue.get_depiction(session, specimen_key, identifier.key)
    media = catalogue.get_media(session, identifier.key)
    view_of(media, by)
    if media.state != "ready":
        raise NoManifest(f"Image {media.key!r} has no canvas: it is {media.state}.")
    box = identifier.segment
    if box is None:
        return next(view for view in canvas_views(session, specimen_key, [media], by) if view.segment is None)
    if not (box.width and box.height and box.x + box.width <= media.width_px and box.y + box.height <= media.height_px):
        raise OutsideImage(f"There is no canvas {name[:80]!r}: x,y,w,h must lie within {media.width_px} × {media.height_px}.")
    return CanvasView(media, box, own.role)


def _others(specimen_key: str, depictions: Sequence[Depiction]) -> list[Depiction]:
    """Those of other specimens, as many as are named."""
    return [depiction for depiction in depictions if depiction.specimen_key != specimen_key][:NAMED]


def _named(session: Session, specimen_key: str, depictions: Sequence[Depiction]) -> dict[str, Specimen]:
    keys = {depiction.specimen_key for depiction in depictions} - {specimen_key}
    return dict(catalogue.specimens_by_key(session, keys)) if keys else {}
