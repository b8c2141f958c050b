"""What the relay makes of announcements: events with a number, where they lie, and for whom they are."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from annotations import happenings
from app.runtime import clock, events
from app.runtime.addresses import Addresses
from app.runtime.context import Runtime
from app.runtime.events import Event
from app.runtime.outbox import OutboxRow
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.visibility import hidden_of

BATCH = 500  # announcements carried over in one transaction


Also = Callable[[Session, Sequence[Event]], None]


def carry(runtime: Runtime, also: Also = lambda *_: None) -> int:
    """Make events of the next announcements, and let those go, in one transaction: each becomes an event exactly once.

    `also` is called with the events in that transaction.
    """
    with runtime.reads.begin() as session:
        if not session.scalar(select(OutboxRow.id).where(OutboxRow.kind == events.OUTBOX_KIND).limit(1)):
            return 0
    with runtime.db.begin() as session:
        kind = OutboxRow.kind == events.OUTBOX_KIND
        rows = session.scalars(select(OutboxRow).where(kind).order_by(OutboxRow.id).limit(BATCH).with_for_update()).all()
        also(session, events.add(session, _placed(session, rows)))
        session.execute(delete(OutboxRow).where(OutboxRow.id.in_([row.id for row in rows])))
    return len(rows)


def _placed(session: Session, rows: Sequence[OutboxRow]) -> list[Event]:
    """As they are announced, each with the images and specimens that it is about."""
    of_annotations = {str(row.payload["key"]) for row in rows if row.name.startswith("annotation.")}
    images = {str(row.payload["key"]) for row in rows if row.name.startswith("image.")}
    lying = happenings.lying(session, sorted(of_annotations))
    homes = {key: media.specimen_key for key, media in catalogue.media_by_key(session, sorted(images)).items()}
    placed = []
    for row in rows:
        key, subject = str(row.payload["key"]), row.name.partition(".")[0]
        where = {
            "annotation": lying.get(key, ((), ())),
            "image": ((key,), (homes[key],) if key in homes else ()),
            "specimen": ((), (key,)),
            "dataset": ((), ()),
        }[subject]
        at = datetime.fromisoformat(row.payload["at"])
        placed.append(Event(0, at, row.name, key, int(row.payload["version"]), *where))
    return placed


def seen(session: Session, happened: Sequence[Event], by: Principal) -> list[Event]:
    """Those that `by` may know of: nothing that is said about an image that is closed to them.

    That an image is there, ready, failed or closed is public (iiif/catalogue/visibility.py).
    """
    said_of: Collection[str] = {image for one in happened if one.type.startswith("annotation.") for image in one.images}
    hidden = hidden_of(session, said_of, by)
    return [one for one in happened if not one.type.startswith("annotation.") or hidden.isdisjoint(one.images)]


def to_json(event: Event, addresses: Addresses) -> dict[str, Any]:
    """The event under camelCase names: what happened, to which thing, and where that lies; nothing of what it says."""
    subject = event.type.partition(".")[0]
    iri = {
        "annotation": addresses.annotation(event.key),
        "specimen": addresses.specimen_record(event.key),
        "image": addresses.image(event.key),
        "dataset": addresses.dataset_record(event.key),
    }[subject]
    return {
        "type": event.type,
        "id": iri,
        "key": event.key,
        "at": clock.iso(event.at),
        "version": event.version,
        "specimens": list(event.specimens),
        "images": list(event.images),
    }
