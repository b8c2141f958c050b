"""The page of a segment: its picture, what it is, of which sheet, what is said of it and who says so, and what became of it."""

from typing import Any

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from annotations.segment_api import pages
from annotations.segments import service
from annotations.segments.model import Segment
from app.runtime import clock, context, ids, principal
from app.runtime.accounts import store as accounts
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from app.web import layout
from app.web.image_links import is_pictured, picture_of
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.presentation.manifest import title
from ontology.segment_classes import CLASSES

PICTURE_PX = (960, 720)
PARTS = {
    "made": "found it",
    "confirms": "confirms it",
    "corrects": "says where it is",
    "changes": "says what and where it is",
}
STEPS = {"made": "made", "moved": "moved or reshaped", "reclassified": "of another class"}
blueprint = Blueprint("segment_pages", __name__, template_folder="templates")


@blueprint.get("/segments/<segment:key>")
def segment(key: str) -> Response:
    """One segment; of one that has ended what is known of it, with status 410."""
    runtime, by = context.current(), principal.of_page()
    with runtime.reads.begin() as session:
        found, media = service.find(session, key, by=by)
        values = _values(session, found, media, by, runtime.addresses)
    return layout.page("segment.html", by=by, here="specimens", status=200 if found.is_live else 410, **values)


def _values(session: Session, found: Segment, media: Media, by: Principal, addresses: Addresses) -> dict[str, Any]:
    history = service.history(session, found.key, addresses)
    lying = service.specimens_of(session, [found])[found.key] or (media.specimen_key,)
    known = catalogue.specimens_by_key(session, lying)
    specimens = [{"key": key, "title": title(places.as_seen(known[key], by))} for key in lying if key in known]
    box = found.box
    names = _names(session, {str(one["by"]) for one in (*history["statements"], *history["versions"])})
    return {
        "segment": found,
        "label": CLASSES[found.class_name].label,
        "term": CLASSES[found.class_name].term,
        "pid": addresses.pid(found.key),
        "specimens": specimens,
        "media": media,
        "place": f"{box.x},{box.y},{box.width},{box.height}",
        "canvas": addresses.canvas(media.specimen_key, media.key),
        "manifest": addresses.manifest(found.key),
        "record": addresses.segment_record(found.key),
        "picture": picture_of(media, PICTURE_PX, box) if is_pictured(media) else None,
        "said": pages.words_of(session, found, by) if found.is_live else [],
        "ended": "" if found.is_live else service.WHY[found.state],
        "statements": [{**one, "part": PARTS[one["part"]], "name": names[str(one["by"])]} for one in history["statements"]],
        "versions": [
            {**one, "how": STEPS.get(one["how"], one["how"]), "name": names[str(one["by"])], "when": one["at"][:10]}
            for one in history["versions"]
        ],
        "made": clock.iso(found.created_at)[:10],
    }


def _names(session: Session, principals: set[str]) -> dict[str, str]:
    """What who wrote is called: an account by its name, a run by its key, a client by its token."""
    people = accounts.names(session, {name for name in principals if name.startswith(ids.AGENT)})
    runs = {name: f"run {name}" for name in principals if name.startswith(ids.RUN)}
    return {name: people.get(name) or runs.get(name) or name or "somebody" for name in principals}
