"""Decisions about proposals: who may propose what, from where, and what is told of it beside the record."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from annotations import placing, validation
from annotations import service as annotations
from annotations import store as statements
from annotations.creators import creator
from annotations.errors import NothingNew, NotRestored, RecordChanged, UnknownAnnotation
from annotations.model import Annotation
from annotations.proposals import store
from annotations.proposals.store import Proposal
from annotations.proposed import form
from annotations.proposed.form import Proposed
from annotations.review import service as review
from annotations.review import store as reviews
from annotations.review.blindness import sees_all
from annotations.review.service import Judgement
from annotations.states.derive import State, Verdict
from app.runtime import changes
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.principal import Principal, require
from iiif.catalogue import places, records
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import RecordChange, Specimen
from iiif.catalogue.records import RecordVersion
from ontology import darwin_core
from ontology.darwin_core import Note

REJECTED: Verdict = "rejected"
MOST_ROUNDS = 20  # statements accepted for one term that a restoration of the record passes over


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody proposes. `read_from` is the key of the statement that it was read from, or `region` a W3C target on an image
    of the specimen; both may be missing."""

    specimen_key: str
    term: str
    value: str
    verbatim: str = ""
    read_from: str = ""
    region: Any = None


@dataclass(frozen=True, slots=True)
class Told:
    """A proposal beside its record: what the source wrote (`verbatim`) and how that was read, what the record says now, and what
    is doubtful in the value. `mine`: who asks made it, so that others judge it; `fresh`: it was not there before."""

    proposal: Proposal
    column: str
    verbatim: str
    source_value: str
    now: str
    notes: tuple[Note, ...]
    mine: bool
    fresh: bool = True


def propose(session: Session, asked: Asked, *, by: Principal, addresses: Addresses, at: datetime) -> Told:
    """Keep a proposal as a statement; the same of the same principal again is the one that is there.

    Raises Invalid, UnknownSpecimen, NothingNew, WithheldTerm, UnknownAnnotation and what `annotations.create` does.
    """
    specimen = catalogue.get_specimen(session, asked.specimen_key)
    term = form.term_of(asked.term)
    proposed = Proposed(specimen.key, term, asked.value.strip(), asked.verbatim)
    value, _ = darwin_core.read_value(term, proposed.value)
    known = _known(session, proposed, by)
    if known is not None:
        return _told(known, specimen, by, mine=True, fresh=False)
    seen = places.as_seen(specimen, by)  # or guesses of a place that is held back would be told to be right
    if value and seen.interpreted.get(term) == value:
        raise NothingNew(f"The record says {value[:200]!r} already.", parameter="value")
    read_from, derived = asked.region, ""
    if asked.read_from:
        source = annotations.get(session, asked.read_from, by=by)
        lie_on = placing.specimens_of(session, source.targets).values()
        if all(specimen.key not in keys for keys in lie_on):
            raise Invalid(f"The statement {source.key!r} is not about this specimen.", parameter="source")
        read_from, derived = addresses.annotation(source.key), f"{addresses.annotation(source.key)}/versions/{source.version}"
    document = form.document(proposed, read_from, derived, creator(by, addresses), addresses)
    layer: Any = "people" if by.account else "machine"
    annotation = annotations.create(session, document, by=by, addresses=addresses, at=at, layer=layer, kind=form.KIND)
    return _told(Proposal(annotation, specimen.key, term, value, proposed.verbatim), specimen, by, mine=True)


def page(
    session: Session, state: State, *, term: str, collection: tuple[str, str], by: Principal, after: str, limit: int
) -> Sequence[Told]:
    """A page of the proposals in that state, by key, each beside its record. Raises MalformedAnnotation for no term."""
    asked = form.term_of(term) if term else ""
    return _all_told(
        session, store.page(session, state, asked, collection, by, sealed=sees_all(by), after=after, limit=limit), by
    )


def of_specimen(session: Session, specimen_key: str, *, by: Principal) -> Sequence[Told]:
    """The proposals for one record, by term and then by key, each beside it."""
    found = _all_told(session, store.of_specimen(session, specimen_key, by), by)
    return sorted(found, key=lambda told: (told.proposal.term, told.proposal.annotation.key))


def of_statement(session: Session, statement: Annotation, *, by: Principal) -> Told | None:
    """What the statement, which `by` sees, proposes, beside the record; None for one that proposes nothing."""
    found = store.of_statement(session, statement.key) if statement.kind == form.KIND else None
    told = _all_told(session, [found], by) if found is not None else []
    return told[0] if told else None


def restore_record(
    session: Session,
    specimen_key: str,
    number: int,
    *,
    seen: frozenset[str] | None,
    by: Principal,
    addresses: Addresses,
    at: datetime,
) -> RecordVersion:
    """Let the record say of each term what people had accepted in that version, by verdicts of `by`: what came since is rejected,
    and what has gone since is accepted again; the version that stands then. All of it or nothing.

    `seen` are the ETags of which one must be that of the version that stands now, None for any. Raises UnknownSpecimen,
    UnknownVersion, NotAllowed, Forbidden, RecordChanged, and what `review.judge` does for a statement that has gone.
    """
    specimen, everything = catalogue.get_specimen(session, specimen_key), Principal.of_system()
    require(by, "curate", specimen)
    if seen is not None and records.etag_of(specimen.record_version) not in seen:
        raise RecordChanged("The record has changed since you read it: look at what it says now, and restore it then.")
    wanted = records.version(session, specimen_key, number, by=everything).specimen.changes
    how: dict[str, Any] = {"by": by, "addresses": addresses, "at": at}
    why = f"The record was restored to its version {number}."
    for term in sorted({*wanted, *specimen.changes}):
        for _ in range(MOST_ROUNDS):
            now = catalogue.get_specimen(session, specimen_key).changes.get(term)
            then = wanted.get(term)
            if _alike(now, then):
                break
            _come_nearer(session, now, then, why, how)
        else:
            raise NotRestored(f"More than {MOST_ROUNDS} statements are accepted for {term}: reject those that are not to count.")
    last = catalogue.get_specimen(session, specimen_key).record_version
    details = {"restored": number}
    changes.record(session, by, "restore", "specimen", specimen_key, version=last, at=at, **details)
    return records.version(session, specimen_key, last, by=by)


def _alike(now: RecordChange | None, then: RecordChange | None) -> bool:
    """Whether the record says the same by the same statement."""
    return (now and (now.statement, now.value)) == (then and (then.statement, then.value))


def _come_nearer(session: Session, now: RecordChange | None, then: RecordChange | None, why: str, how: dict[str, Any]) -> None:
    """One step from what the record says of a term to what it said `then`: a verdict, or the statement's own wording first."""
    key, verdict = "", REJECTED
    if now is not None and (then is None or now.statement != then.statement):
        key = now.statement
    elif then is not None:
        if _bring_back(session, then, **how):
            return
        key, verdict = then.statement, "approved"
    stated = annotations.get(session, key, by=how["by"])
    review.judge(session, Judgement(key, stated.version, verdict, comment=why), **how)


def _bring_back(session: Session, then: RecordChange, *, by: Principal, addresses: Addresses, at: datetime) -> bool:
    """Let the statement say again what was accepted of it, as a new version; False where it says so already."""
    stated = annotations.find(session, then.statement)
    found = statements.find_version(session, then.statement, then.statement_version)
    if stated is None or found is None or found.document is None:
        raise UnknownAnnotation(f"Version {then.statement_version} of the statement {then.statement!r} is not here any more.")
    if stated.deleted_at is None and validation.same_substance(stated.document, found.document):
        return False
    annotations.restore(session, stated.key, found.version, by=by, addresses=addresses, at=at, if_match=None)
    return True


def _all_told(session: Session, found: Sequence[Proposal], by: Principal) -> list[Told]:
    specimens = catalogue.specimens_by_key(session, {one.specimen_key for one in found})
    mine = statements.by_author(session, [one.annotation.key for one in found], by.name) if by.name else frozenset()
    return [
        _told(one, specimens[one.specimen_key], by, mine=one.annotation.key in mine)
        for one in found
        if one.specimen_key in specimens
    ]


def verdicts_of(session: Session, keys: Sequence[str], *, by: Principal) -> Mapping[str, str]:
    """Of these statements those that `by` has judged, with the key of the verdict that stands; for one page of a list."""
    return reviews.verdicts_by(session, keys, by.name) if by.name else {}


def _told(proposal: Proposal, specimen: Specimen, by: Principal, *, mine: bool, fresh: bool = True) -> Told:
    seen = places.as_seen(specimen, by)
    column, verbatim = _of_source(proposal.term, seen.verbatim)
    _, notes = darwin_core.read_value(proposal.term, proposal.given)
    term = proposal.term
    return Told(proposal, column, verbatim, seen.read.get(term, ""), seen.interpreted.get(term, ""), notes, mine, fresh)


def _of_source(term: str, verbatim: Mapping[str, str]) -> tuple[str, str]:
    """The source's own column for the term, and what it wrote there."""
    return next(((column, text) for column, text in verbatim.items() if darwin_core.term_of(column) == term), ("", ""))


def _known(session: Session, proposed: Proposed, by: Principal) -> Proposal | None:
    """The standing proposal of the same by the same principal."""
    for one in store.of_specimen(session, proposed.specimen_key, by):
        same = (one.term, one.given, one.verbatim) == (proposed.term, proposed.value, proposed.verbatim)
        if same and statements.author(session, one.annotation.key) == by.name:
            return one
    return None
