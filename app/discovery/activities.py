"""What the relay makes of events: activities for those who keep copies of manifests, annotations and datasets.

An image that is closed takes with it what is said about it: each of these statements goes; opened again, each comes.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from annotations import store as statements
from app.runtime import activities
from app.runtime.activities import Activity
from app.runtime.context import Runtime
from app.runtime.events import Event
from app.runtime.outbox import OutboxRow
from app.runtime.principal import NOBODY
from iiif.catalogue import service as catalogue
from iiif.catalogue.visibility import hidden_of

BATCH = 500
OF_ANNOTATIONS: dict[str, activities.Type] = {
    "annotation.created": "Create",
    "annotation.changed": "Update",
    "annotation.reviewed": "Update",
    "annotation.restored": "Create",
    "annotation.deleted": "Delete",
    "annotation.withdrawn": "Delete",
}
OF_DATASETS: dict[str, activities.Type] = {"dataset.frozen": "Update", "dataset.withdrawn": "Update"}


def note(session: Session, happened: Sequence[Event]) -> None:
    """Keep what these events mean for copies, in the transaction that makes them events."""
    public = _public(session, [one for one in happened if one.type in OF_ANNOTATIONS])
    found: list[Activity] = []
    for one in happened:
        if one.type in OF_ANNOTATIONS:
            found.append(Activity(OF_ANNOTATIONS[one.type], "annotation", one.key, one.at, one.version, public=one.key in public))
        elif one.type in OF_DATASETS:
            first = one.type == "dataset.frozen" and one.version == 1
            found.append(Activity("Create" if first else OF_DATASETS[one.type], "dataset", one.key, one.at, one.version))
        else:
            found += _of_catalogue(session, one, {other.key for other in found if other.kind == "manifest"})
    activities.add(session, list(_without_repeats(found)))


def carry_moves(runtime: Runtime) -> int:
    """Keep the moves that wait in the outbox; how many."""
    kind = OutboxRow.kind == activities.OUTBOX_KIND
    with runtime.reads.begin() as session:
        if not session.scalar(select(OutboxRow.id).where(kind).limit(1)):
            return 0
    with runtime.db.begin() as session:
        rows = session.scalars(select(OutboxRow).where(kind).order_by(OutboxRow.id).limit(BATCH).with_for_update()).all()
        activities.add(session, [_move(row) for row in rows])
        session.execute(delete(OutboxRow).where(OutboxRow.id.in_([row.id for row in rows])))
    return len(rows)


def seen(session: Session, page: Sequence[Activity]) -> list[Activity]:
    """Those that everybody may know of: of what came or changed nothing that is closed now."""
    keys = [one.key for one in page if one.kind == "annotation" and one.type != "Delete"]
    shown = statements.shown_of(session, keys, NOBODY)
    return [one for one in page if one.public and (one.key in shown or one.kind != "annotation" or one.type == "Delete")]


def _move(row: OutboxRow) -> Activity:
    said = row.payload
    at = datetime.fromisoformat(str(said["at"]))
    return Activity("Move", "manifest", str(said["key"]), at, target=str(said["target"]))


def _of_catalogue(session: Session, one: Event, told: Collection[str]) -> Iterator[Activity]:
    """A manifest comes with the first image that is ready, and changes with record and images. `told` are the keys of manifests
    that were told of in this transaction."""
    if one.type == "image.failed":
        return
    for key in one.specimens:
        if any(image.state == "ready" for image in catalogue.media_of(session, key)):
            is_known = key in told or activities.is_known(session, "manifest", key)
            yield Activity("Update" if is_known else "Create", "manifest", key, one.at, one.version)
    if one.type == "image.access":
        yield from _closed_or_opened(session, one)


def _closed_or_opened(session: Session, one: Event) -> Iterator[Activity]:
    """All that is said about the image goes or comes with it."""
    closed, after = bool(hidden_of(session, [one.key], NOBODY)), ""
    while keys := statements.keys_on(session, one.key, after=after, limit=BATCH):
        after = keys[-1]
        rows = statements.rows_by_key(session, keys)
        standing = [key for key in keys if statements.stands(rows[key]) and rows[key].layer != "review" and not rows[key].veil]
        shown = set() if closed else statements.shown_of(session, standing, NOBODY)
        for key in standing:
            if closed or key in shown:
                yield Activity("Delete" if closed else "Create", "annotation", key, one.at, rows[key].version)


def _public(session: Session, said: Sequence[Event]) -> set[str]:
    """The annotations that lie on nothing that is closed; of one that is deleted where it lay counts."""
    hidden = hidden_of(session, sorted({image for one in said for image in one.images}), NOBODY)
    return {one.key for one in said if hidden.isdisjoint(one.images)}


def _without_repeats(found: Sequence[Activity]) -> Iterator[Activity]:
    """Of one thing that changed several times at once the last change; that it came or went counts."""
    for place, one in enumerate(found):
        later = (other for other in found[place + 1 :] if (other.kind, other.key) == (one.kind, one.key))
        if one.type != "Update" or next(later, None) is None:
            yield one
