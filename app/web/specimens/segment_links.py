"""The segments of a specimen's images, as links to their pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from annotations.segments import service, store
from app.web.image_links import is_pictured
from iiif.catalogue.model import Media
from ontology.segment_classes import CLASSES

MOST = 100


@dataclass(frozen=True, slots=True)
class SegmentLink:
    """`label` is its class, with a number where there are several of that; `name` the class alone, and `leader_key` the statement
    that says what and where it is. `etag` is that of what is seen."""

    key: str
    label: str
    name: str
    leader_key: str
    state: str
    class_name: str
    media_key: str
    etag: str


def segment_links(session: Session, media: Sequence[Media]) -> list[SegmentLink]:
    """Those that there are on the images that the page shows, class by class and from top to bottom."""
    found = [one for image in media if is_pictured(image) for one in store.on_image(session, image.key)]
    order = list(CLASSES)
    found.sort(key=lambda one: (order.index(one.class_name), one.media_key, one.box.y, one.box.x, one.key))
    totals = {name: sum(one.class_name == name for one in found) for name in order}
    tags = service.etags_of(session, [one.key for one in found[:MOST]])
    links, numbers = [], dict.fromkeys(order, 0)
    for one in found[:MOST]:
        numbers[one.class_name] += 1
        label = CLASSES[one.class_name].label
        numbered = f"{label} {numbers[one.class_name]}" if totals[one.class_name] > 1 else label
        known = (one.leader_key, one.state, one.class_name, one.media_key, tags.get(one.key, ""))
        links.append(SegmentLink(one.key, numbered, label, *known))
    return links
