"""Versions of a record: what people accepted for a term in place of what its source gave, and how that came.

The source's own values stay where they are. A change in force lies over them; of several accepted for one term the one that was
accepted last. Each change of what the record says makes a version. The first is that of the source, which is written down only
when a second one comes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.runtime import changes, events
from app.runtime.addresses import Addresses
from app.runtime.clock import iso
from app.runtime.memento import Stamp
from app.runtime.principal import Principal
from iiif.catalogue import places, store
from iiif.catalogue.depictions import touched
from iiif.catalogue.entries import LONGEST_NAME
from iiif.catalogue.errors import UnknownSpecimen, UnknownVersion
from iiif.catalogue.model import RecordChange, Specimen
from iiif.catalogue.tables import RecordChangeRow, RecordVersionRow, SpecimenRow

MOST_TOLD = 500  # versions of one record in its history


@dataclass(frozen=True, slots=True)
class Acceptance:
    """That a version of a statement was accepted, with the value that it gives the term: by whom and when."""

    statement: str
    statement_version: int
    term: str
    value: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RecordVersion:
    """A version of a record: what it said (`specimen`), who made it of what statement, when, and in what way.

    `action` is "source", "accept", "take back", or "replace" where one accepted statement took the place of another. `withheld`:
    its place is held back from who asks.
    """

    number: int
    specimen: Specimen
    at: datetime
    by: str
    action: str
    term: str
    statement: str
    statement_version: int
    withheld: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """A term of which two versions say different things; empty for nothing."""

    term: str
    before: str
    after: str


def accept(session: Session, specimen_key: str, acceptance: Acceptance) -> set[str]:
    """Let the record say what was accepted: a new version of it. The same again changes nothing. The keys of the specimens whose
    records were touched. Raises UnknownSpecimen."""
    known = session.get(RecordChangeRow, acceptance.statement)
    if known is not None and (known.specimen_key, known.term, known.value) == (specimen_key, acceptance.term, acceptance.value):
        return set()
    changed = {specimen_key}
    was = store.find_specimen(session, specimen_key)
    now = ((was.accepted or {}) if was is not None else {}).get(acceptance.term, {}).get("now")
    if known is not None:
        changed |= take_back(session, known.statement_key, by=acceptance.by, at=acceptance.at)
    row = touched(session, specimen_key, at=acceptance.at)
    session.add(
        RecordChangeRow(
            statement_key=acceptance.statement,
            specimen_key=specimen_key,
            institution_code=row.institution_code,
            term=acceptance.term,
            value=acceptance.value,
            statement_version=acceptance.statement_version,
            accepted_by=acceptance.by,
            accepted_at=acceptance.at,
            in_force=False,
            source_now=now,
        )
    )
    session.flush()
    _settle(session, row, acceptance.term, acceptance.statement, by=acceptance.by, at=acceptance.at)
    return changed


def take_back(session: Session, statement: str, *, by: str, at: datetime) -> set[str]:
    """Let the statement count for its record no more: what was accepted before it, or what the source says, stands again. The
    keys of the specimens whose records were touched."""
    known = session.get(RecordChangeRow, statement)
    if known is None:
        return set()
    row = touched(session, known.specimen_key, at=at)
    session.delete(known)
    session.flush()
    _settle(session, row, known.term, statement, by=by, at=at)
    return {row.key}


def source_says(session: Session, specimen_key: str, terms: Mapping[str, str], *, at: datetime) -> tuple[RecordChange, ...]:
    """Note what the source says now of the terms that people changed, empty for nothing; the changes for which that is news.

    Terms of which it does not speak are left out. A value is neither lost nor taken over: the accepted one stays in force.
    Raises UnknownSpecimen.
    """
    row = store.find_specimen(session, specimen_key)
    if row is None:
        raise UnknownSpecimen(f"There is no specimen {specimen_key!r} here.")
    known = store.specimen(row).changes
    news = {term: terms[term] for term, change in known.items() if term in terms and _is_news(change, terms[term])}
    if not news:
        return ()
    row = touched(session, specimen_key, at=at)
    accepted = {term: dict(said) for term, said in (row.accepted or {}).items()}
    for term, text in news.items():
        now = None if text == row.interpreted.get(term, "") else text
        accepted[term].pop("now", None)
        accepted[term] |= {} if now is None else {"now": now}
        change = session.get(RecordChangeRow, accepted[term]["statement"])
        if change is not None:
            change.source_now = now
        details = {"term": term, "source": text, "accepted": accepted[term]["value"]}
        changes.record(session, Principal.of_system(), "source", "specimen", specimen_key, at=at, **details)
    row.accepted = accepted
    session.flush()
    found = store.changes_of(accepted, row.interpreted)
    return tuple(found[term] for term in news)


def source_gives(session: Session, row: SpecimenRow, interpreted: dict[str, Any], verbatim: dict[str, Any], at: datetime) -> None:
    """Let these be what the source gives, in place of what it gave before: a new version of the record, if that is other."""
    if (interpreted, verbatim) == (row.interpreted, row.verbatim):
        return
    _keep_first(session, row)
    row.interpreted, row.verbatim, row.record_version = interpreted, verbatim, row.record_version + 1
    _keep(session, row, action="source", by="", at=at)


def history(session: Session, key: str, *, by: Principal, before: int = 0, limit: int = MOST_TOLD) -> tuple[RecordVersion, ...]:
    """The versions of the record as `by` sees them, newest first, from the one before `before` (0: from the newest).

    Raises UnknownSpecimen.
    """
    row = _row(session, key)
    query = select(RecordVersionRow).where(RecordVersionRow.specimen_key == key)
    query = query.where(RecordVersionRow.version < before) if before else query
    found = session.scalars(query.order_by(RecordVersionRow.version.desc()).limit(min(limit, MOST_TOLD))).all()
    if not found and row.record_version == 1 and before != 1:
        return (_as_seen(row, _first(row), by),)
    return tuple(_as_seen(row, one, by) for one in found)


def version(session: Session, key: str, number: int, *, by: Principal) -> RecordVersion:
    """One version of the record as `by` sees it. Raises UnknownSpecimen, UnknownVersion."""
    row = _row(session, key)
    found = session.get(RecordVersionRow, (key, number))
    if found is None and number == row.record_version == 1:
        found = _first(row)
    if found is None:
        raise UnknownVersion(f"The record of {key!r} has no version {number}.")
    return _as_seen(row, found, by)


def day_of(session: Session, specimen: Specimen) -> date:
    """The day (UTC) on which the version of its record came about that stands now."""
    if specimen.record_version == 1:
        return specimen.created_at.date()
    at = select(RecordVersionRow.stored_at).where(
        RecordVersionRow.specimen_key == specimen.key, RecordVersionRow.version == specimen.record_version
    )
    return session.execute(at).scalar_one().date()


def differences(before: RecordVersion | None, after: RecordVersion) -> tuple[Difference, ...]:
    """The terms of which two versions say different things, by name."""
    old = before.specimen.interpreted if before else {}
    new = after.specimen.interpreted
    terms = sorted(term for term in {*old, *new} if old.get(term, "") != new.get(term, ""))
    return tuple(Difference(term, old.get(term, ""), new.get(term, "")) for term in terms)


def in_force(session: Session, institution: str, *, after: str = "", limit: int) -> Sequence[tuple[Specimen, RecordChange]]:
    """A page of the changes in force in the records of an institution, by the key of the statement."""
    row = RecordChangeRow
    where = (row.in_force.is_(True), row.institution_code == institution, row.statement_key > after)
    pairs = select(row.term, row.statement_key, SpecimenRow).join(SpecimenRow, SpecimenRow.key == row.specimen_key).where(*where)
    found = session.execute(pairs.order_by(row.statement_key).limit(limit))
    specimens = [(term, store.specimen(specimen_row)) for term, _, specimen_row in found]
    return [(specimen, specimen.changes[term]) for term, specimen in specimens]


def change_json(change: RecordChange, addresses: Addresses) -> dict[str, Any]:
    """A value that was accepted in place of the source's: whose it is, and what the source said and says."""
    return {
        "term": change.term,
        "value": change.value,
        "sourceValue": change.source_value or None,
        "sourceNow": change.source_now,
        "stale": change.is_stale,
        "acceptedBy": addresses.who(change.by),
        "acceptedAt": iso(change.at),
        "statement": f"{addresses.annotation(change.statement)}/versions/{change.statement_version}",
    }


def version_json(version: RecordVersion, earlier: RecordVersion | None, addresses: Addresses) -> dict[str, Any]:
    """A version in a history, with what differs from the one before."""
    record = addresses.specimen_record(version.specimen.key)
    statement = f"{addresses.annotation(version.statement)}/versions/{version.statement_version}" if version.statement else None
    return {
        "version": version.number,
        "id": f"{record}/versions/{version.number}",
        "at": iso(version.at),
        "by": addresses.who(version.by) or None,
        "action": version.action,
        "term": version.term or None,
        "statement": statement,
        "differs": [difference_json(one) for one in differences(earlier, version)] if earlier else [],
    }


def difference_json(difference: Difference) -> dict[str, Any]:
    return {"term": difference.term, "from": difference.before or None, "to": difference.after or None}


def stamps(session: Session, key: str, *, before: int = 0) -> tuple[Stamp, ...]:
    """When which version of the record was stored, oldest first; the newest `MOST_TOLD`, or those before `before`.

    Raises UnknownSpecimen.
    """
    row = _row(session, key)
    query = select(RecordVersionRow.version, RecordVersionRow.stored_at).where(RecordVersionRow.specimen_key == key)
    query = query.where(RecordVersionRow.version < before) if before else query
    found = session.execute(query.order_by(RecordVersionRow.version.desc()).limit(MOST_TOLD)).all()
    if not found and row.record_version == 1 and before != 1:
        return (Stamp(1, row.created_at),)
    return tuple(Stamp(version, at) for version, at in reversed(found))


def edges(session: Session, key: str) -> tuple[Stamp, Stamp]:
    """The first and the last version of the record. Raises UnknownSpecimen."""
    row = _row(session, key)
    first = Stamp(1, row.created_at)
    last = session.get(RecordVersionRow, (key, row.record_version))
    return first, first if last is None else Stamp(last.version, last.stored_at)


def stood_at(session: Session, key: str, when: datetime) -> Stamp:
    """The last version that was stored before `when`; the first where none was. Raises UnknownSpecimen."""
    row = RecordVersionRow
    query = select(row.version, row.stored_at).where(row.specimen_key == key, row.stored_at < when)
    found = session.execute(query.order_by(row.version.desc()).limit(1)).first()
    return edges(session, key)[0] if found is None else Stamp(*found)


def etag_of(number: int) -> str:
    """By what a client says which version it has seen."""
    return f"record.{number}"


def _is_news(change: RecordChange, said: str) -> bool:
    return said != (change.source_value if change.source_now is None else change.source_now)


def _settle(session: Session, row: SpecimenRow, term: str, statement: str, *, by: str, at: datetime) -> None:
    """Bring into force what was accepted last for the term, and make a version where the record says something else then."""
    of_term = (RecordChangeRow.specimen_key == row.key, RecordChangeRow.term == term)
    order = (RecordChangeRow.accepted_at.desc(), RecordChangeRow.statement_key.desc())
    rows = session.scalars(select(RecordChangeRow).where(*of_term).order_by(*order)).all()
    for place, one in enumerate(rows):
        one.in_force = place == 0
    before, winner = (row.accepted or {}).get(term), rows[0] if rows else None
    if before is not None and winner is not None and before["statement"] == winner.statement_key:
        return
    accepted = {other: said for other, said in (row.accepted or {}).items() if other != term}
    if winner is not None:
        winner.source_now = winner.source_now if before is None else before.get("now")  # it is of the term, whoever's word stands
        accepted[term] = _column(winner)
    _keep_first(session, row)
    row.accepted, row.record_version = accepted, row.record_version + 1
    row.scientific_name = store.specimen(row).scientific_name[:LONGEST_NAME]
    action = "take back" if winner is None else "replace" if before is not None else "accept"
    named = winner or RecordChangeRow(statement_key=statement, statement_version=(before or {}).get("version", 0))
    of = {"term": term, "statement_key": named.statement_key, "statement_version": named.statement_version}
    _keep(session, row, action=action, by=by, at=at, **of)
    session.flush()


def _column(change: RecordChangeRow) -> dict[str, Any]:
    """The change as the column of the specimen holds it."""
    said = {
        "value": change.value,
        "statement": change.statement_key,
        "version": change.statement_version,
        "by": change.accepted_by,
        "at": change.accepted_at.isoformat(),
    }
    return said if change.source_now is None else {**said, "now": change.source_now}


def _keep_first(session: Session, row: SpecimenRow) -> None:
    if row.record_version == 1 and session.get(RecordVersionRow, (row.key, 1)) is None:
        session.add(_first(row))


def _first(row: SpecimenRow) -> RecordVersionRow:
    """The version that the source made, while there is no other."""
    said = {"interpreted": row.interpreted, "verbatim": row.verbatim, "accepted": {}}
    return RecordVersionRow(
        specimen_key=row.key, version=1, **said, stored_at=row.created_at, stored_by="", action="source", term="",
        statement_key="", statement_version=0,
    )  # fmt: skip


def _keep(session: Session, row: SpecimenRow, *, action: str, by: str, at: datetime, **of: Any) -> None:
    said = {"interpreted": dict(store.specimen(row).interpreted), "verbatim": row.verbatim, "accepted": row.accepted or {}}
    session.add(
        RecordVersionRow(
            specimen_key=row.key, version=row.record_version, **said, stored_at=at, stored_by=by, action=action, **of
        )
    )
    events.announce(session, "specimen.changed", row.key, at=at, version=row.record_version)


def _as_seen(row: SpecimenRow, found: RecordVersionRow, by: Principal) -> RecordVersion:
    """What the record holds back now, or held back then, is in no version that the public sees."""
    now = store.specimen(row)
    changed = store.changes_of(found.accepted, row.interpreted)
    then = replace(now, interpreted=found.interpreted, verbatim=found.verbatim, record_version=found.version, changes=changed)
    seen = places.as_seen_with(now, then, by)
    hidden = places.tells_place(found.term) and seen is not then
    named = ("", "", 0) if hidden else (found.term, found.statement_key, found.statement_version)
    return RecordVersion(found.version, seen, found.stored_at, found.stored_by, found.action, *named, withheld=seen is not then)


def _row(session: Session, key: str) -> SpecimenRow:
    row = store.find_specimen(session, key)
    if row is None:
        raise UnknownSpecimen(f"There is no specimen {key!r} here.")
    return row
