"""Notices: taken in from anybody, shown once a curator of the thing's collection has accepted them."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from app.inbox import reading
from app.inbox.reading import BadNotice, Kind
from app.inbox.tables import NoticeRow
from app.linked import things
from app.runtime import changes, ids
from app.runtime.addresses import Named
from app.runtime.context import Runtime
from app.runtime.errors import Conflict, DomainError, NotFound, TooOften
from app.runtime.principal import ALL, NOBODY, Principal, require, require_somewhere
from iiif.catalogue import service as catalogue

State = Literal["waiting", "accepted", "rejected"]
SHOULDER = "c1"
MOST_WAITING, MOST_OF_ADDRESS = 10_000, 50  # notices that may wait, in all and from one network address
MOST_SHOWN = 100  # on the page of a thing


class UnknownNotice(NotFound):
    """No notice of that key, or none that is for who asks."""


class NoticeDecided(Conflict):
    """Somebody has decided about the notice already."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice, as in its row; `source` is the address of what cites or offers a review, `actor` that of who says so."""

    key: str
    received_at: datetime
    state: State
    kind: Kind
    about_kind: str
    about_key: str
    institution_code: str
    collection_code: str
    actor: str
    actor_name: str
    source: str
    title: str
    document: Mapping[str, Any]
    decided_by: str


def receive(session: Session, runtime: Runtime, document: Any, *, address: str) -> tuple[Notice, bool]:
    """Keep a notice until somebody decides, and whether it is new. Raises BadNotice, TooOften."""
    told = reading.read(document, runtime.addresses)
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    known = session.scalar(select(NoticeRow).where(NoticeRow.digest == digest))
    if known is not None:
        return _notice(known), False
    _check_room(session, address)
    institution, collection = _collection(session, runtime, told.about)
    row = NoticeRow(
        key=ids.new_key(SHOULDER, runtime.settings.naan),
        received_at=runtime.clock(),
        state="waiting",
        kind=told.kind,
        about_kind="image" if told.about.kind == "canvas" else told.about.kind,
        about_key=told.about.key[:64],
        institution_code=institution,
        collection_code=collection,
        actor=told.actor,
        actor_name=told.actor_name,
        source=told.source,
        title=told.title,
        document=document,
        digest=digest,
        address=address,
    )
    session.add(row)
    session.flush()
    return _notice(row), True


def decide(session: Session, key: str, state: State, *, by: Principal, at: datetime) -> Notice:
    """Have it shown, or not. Raises UnknownNotice, NoticeDecided, NotAllowed, Forbidden."""
    row = session.get(NoticeRow, key, with_for_update=True)
    if row is None:
        require_somewhere(by, "curate")
        raise UnknownNotice(f"There is no notice {key[:20]!r} here.")
    require(by, "curate", _notice(row))
    if row.state == state:
        raise NoticeDecided(f"The notice {key} is {state} already.")
    row.state, row.decided_by, row.decided_at, row.address = state, by.name, at, ""
    changes.record(session, by, state, "notice", key, at=at, about=row.about_key, source=row.source)
    return _notice(row)


def get(session: Session, key: str, *, by: Principal) -> Notice:
    """One that is accepted; others for who decides. Raises UnknownNotice."""
    row = session.get(NoticeRow, key)
    if row is None or (row.state != "accepted" and not _is_decider(by, row)):
        raise UnknownNotice(f"There is no notice {key[:20]!r} here, or nobody has decided about it yet.")
    return _notice(row)


def page(session: Session, state: State, *, by: Principal, after: str = "", limit: int) -> tuple[Notice, ...]:
    """Notices in that state by key, from the one behind `after`: accepted ones, or what `by` decides about."""
    where = [NoticeRow.state == state, NoticeRow.key > after]
    where += [] if state == "accepted" else [_theirs(by)]
    return tuple(map(_notice, session.scalars(select(NoticeRow).where(*where).order_by(NoticeRow.key).limit(limit))))


def about(session: Session, keys: Sequence[str]) -> tuple[Notice, ...]:
    """What is accepted about these things, at most MOST_SHOWN."""
    query = select(NoticeRow).where(NoticeRow.about_key.in_(keys), NoticeRow.state == "accepted")
    return tuple(map(_notice, session.scalars(query.order_by(NoticeRow.key).limit(MOST_SHOWN))))


def _theirs(by: Principal) -> ColumnElement[bool]:
    """That it lies in a collection which `by` curates. Raises NotAllowed, Forbidden."""
    require_somewhere(by, "curate")
    found = []
    for grant in by.granted("curate"):
        if grant.institution == ALL:
            return NoticeRow.key != ""
        own = NoticeRow.institution_code == grant.institution
        found.append(and_(own, NoticeRow.collection_code == grant.collection) if grant.collection else own)
    return or_(*found)


def _is_decider(by: Principal, row: NoticeRow) -> bool:
    return any(grant.covers(_notice(row)) for grant in by.granted("curate"))


def _check_room(session: Session, address: str) -> None:
    waiting = select(func.count()).select_from(NoticeRow).where(NoticeRow.state == "waiting")
    if (session.scalar(waiting) or 0) >= MOST_WAITING:
        raise TooOften("So many notices wait to be looked at that no more are taken now: try again tomorrow.", 86_400)
    if address and (session.scalar(waiting.where(NoticeRow.address == address)) or 0) >= MOST_OF_ADDRESS:
        raise TooOften(f"{MOST_OF_ADDRESS} notices from your address wait to be looked at: try again tomorrow.", 86_400)


def _collection(session: Session, runtime: Runtime, about: Named) -> tuple[str, str]:
    """Institution and collection of the thing, empty where it has none. Raises BadNotice for what is not here, or not public."""
    try:
        if about.kind == "dataset":
            return "", ""
        thing = things.describe(session, about.key.partition(":")[0], runtime, NOBODY)
        if thing.kind == "specimen":
            specimen = catalogue.get_specimen(session, about.key)
            return specimen.institution_code, specimen.collection_code
        media_key = about.media_key or runtime.addresses.path_of(str(thing.document.get("isROIOf", ""))) or ""
        media = catalogue.get_media(session, media_key.rpartition("/")[2]) if media_key else None
        return (media.institution_code, media.collection_code) if media else ("", "")
    except DomainError as error:
        raise BadNotice(f"The notice is about something that is not here for everybody: {error.sentence}") from error


def _notice(row: NoticeRow) -> Notice:
    return Notice(**{name: getattr(row, name) for name in Notice.__dataclass_fields__})
