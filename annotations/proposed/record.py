"""What becomes of a record when a proposal comes, changes, is judged, or goes.

The row of a proposal says what queries need, its state among it. `settle` is called wherever the state of a statement, or
whether it stands, may have changed, and brings row and record in line with that.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import store
from annotations.errors import WithheldTerm
from annotations.proposed import form
from annotations.tables import AnnotationRow, ProposalRow, VerdictRow
from app.runtime.addresses import Addresses
from app.runtime.principal import ROLES
from iiif.catalogue import places, records
from iiif.catalogue import service as catalogue
from iiif.catalogue.records import Acceptance
from ontology import darwin_core

GONE = "gone"  # the state of a proposal that was deleted, or withdrawn with its run
POLICIES = {"typeStatus": "typeStatus", "decimalLatitude": "georeference", "decimalLongitude": "georeference"}
NAMES = frozenset(darwin_core.GROUPS["Taxon"])


def keep(session: Session, row: AnnotationRow, addresses: Addresses) -> None:
    """Keep what queries need of a proposal, which was just written; nothing of another statement.

    Raises MalformedAnnotation, UnknownSpecimen, and WithheldTerm where it would tell a place that the record withholds.
    """
    if row.kind != form.KIND:
        return
    proposed = form.read(row.document, addresses)
    specimen = catalogue.get_specimen(session, proposed.specimen_key)
    if places.tells_place(proposed.term) and places.withheld_by(specimen.interpreted) and not places.are_shown():
        raise WithheldTerm(
            f"The record withholds its place, and statements are public: {proposed.term} is changed at its source.",
            parameter="term",
        )
    value, _ = darwin_core.read_value(proposed.term, proposed.value)
    kept = session.get(ProposalRow, row.key) or ProposalRow(key=row.key, state=row.state)
    kept.specimen_key, kept.term, kept.value, kept.verbatim = specimen.key, proposed.term, value, proposed.verbatim
    kept.institution_code, kept.collection_code = specimen.institution_code, specimen.collection_code
    session.add(kept)
    session.flush()


def policy_of(session: Session, row: AnnotationRow) -> str:
    """By the rules of which kind the statement is decided: a proposal by those of what it proposes."""
    proposal = session.get(ProposalRow, row.key) if row.kind == form.KIND else None
    if proposal is None:
        return row.kind
    return POLICIES.get(proposal.term, "name" if proposal.term in NAMES else row.kind)


def settle(session: Session, keys: Iterable[str], *, by: str, at: datetime) -> set[str]:
    """Let the records of those of the statements that are proposals say what follows from their states now; the keys of the
    specimens whose records changed.

    `by` is the name of the principal who brought it about.
    """
    changed = set[str]()
    rows = session.scalars(select(ProposalRow).where(ProposalRow.key.in_(list(keys))).order_by(ProposalRow.key)).all()
    for proposal in rows:
        row = store.find(session, proposal.key, lock=True)
        if row is None:
            continue
        proposal.state = row.state if store.stands(row) else GONE
        session.flush()
        if proposal.state == "accepted" and proposal.value:
            accepted_by, accepted_at = _accepted(session, row, at)
            said = (proposal.key, row.version, proposal.term, proposal.value)
            moved = records.accept(session, proposal.specimen_key, Acceptance(*said, accepted_by, accepted_at))
        else:
            moved = records.take_back(session, proposal.key, by=by, at=at)
        changed |= moved
    return changed


def _accepted(session: Session, row: AnnotationRow, at: datetime) -> tuple[str, datetime]:
    """Who accepted the statement and when: the curator who decided, else the last whose word was needed, else who made it."""
    query = select(VerdictRow).where(
        VerdictRow.annotation_key == row.key, VerdictRow.verdict == "approved", VerdictRow.withdrawn_at.is_(None)
    )
    voices = session.scalars(query).all()
    curates = ROLES.index("curator")
    first = max(voices, key=lambda one: (ROLES.index(one.role) >= curates, one.given_at), default=None)
    return (first.account, first.given_at) if first else (store.author(session, row.key), row.state_at or at)
