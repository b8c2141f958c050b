"""SQL of proposals: rows out."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.orm import Session

from annotations import store
from annotations.model import Annotation
from annotations.proposed.record import GONE
from annotations.tables import AnnotationRow, AnnotationVersionRow, ProposalRow
from app.runtime.principal import Principal

MOST_OF_RECORD = 200


@dataclass(frozen=True, slots=True)
class Proposal:
    """A proposal with its statement. `value` is what was read, empty where that could not be; `given` what was sent."""

    annotation: Annotation
    specimen_key: str
    term: str
    value: str
    verbatim: str

    @property
    def given(self) -> str:
        return self.annotation.text.strip()


def page(
    session: Session, state: str, term: str, collection: tuple[str, str], by: Principal, *, sealed: bool, after: str, limit: int
) -> Sequence[Proposal]:
    """Standing proposals in that state that `by` sees, by key, from the one behind `after`. Empty texts narrow nothing;
    `collection` is an institution code and a collection code. Unless `sealed` is to be told, those in dispute that are judged
    blind count as unreviewed: were they left out, that would tell."""
    asked = {"term": term, "institution_code": collection[0], "collection_code": collection[1]}
    where: list[ColumnElement[bool]] = [ProposalRow.key > after, store.is_shown(by)]
    where += [getattr(ProposalRow, name) == value for name, value in asked.items() if value]
    pairs = select(ProposalRow, AnnotationRow).join(AnnotationRow, AnnotationRow.key == ProposalRow.key).where(*where)
    hidden = AnnotationRow.sealed.is_(True)
    of_state = [pairs.where(ProposalRow.state == state, *([] if sealed or state != "disputed" else [~hidden]))]
    of_state += [pairs.where(ProposalRow.state == "disputed", hidden)] if state == "unreviewed" and not sealed else []
    found = [pair for query in of_state for pair in session.execute(query.order_by(ProposalRow.key).limit(limit))]
    return [_proposal(*pair) for pair in sorted(found, key=lambda pair: pair[0].key)[:limit]]


def of_statement(session: Session, key: str) -> Proposal | None:
    """The proposal that the statement of that key is; None for one that is none."""
    row, statement = session.get(ProposalRow, key), session.get(AnnotationRow, key)
    return None if row is None or statement is None else _proposal(row, statement)


def of_specimen(session: Session, specimen_key: str, by: Principal) -> Sequence[Proposal]:
    """The standing proposals for the record of a specimen that `by` sees, by key, at most `MOST_OF_RECORD`."""
    pairs = select(ProposalRow, AnnotationRow).join(AnnotationRow, AnnotationRow.key == ProposalRow.key)
    where = (ProposalRow.specimen_key == specimen_key, ProposalRow.state != GONE, store.is_shown(by))
    query = pairs.where(*where).order_by(ProposalRow.key).limit(MOST_OF_RECORD)
    return [_proposal(*pair) for pair in session.execute(query)]


def of_author(session: Session, term: str, specimen_keys: Sequence[str], by: Principal) -> Sequence[Proposal]:
    """The standing proposals of that term for the records of these specimens that `by` wrote, by key."""
    pairs = select(ProposalRow, AnnotationRow).join(AnnotationRow, AnnotationRow.key == ProposalRow.key)
    first = AnnotationVersionRow
    own = exists().where(first.key == ProposalRow.key, first.version == 1, first.stored_by == by.name)
    where = (ProposalRow.specimen_key.in_(specimen_keys), ProposalRow.term == term, ProposalRow.state != GONE, own)
    query = pairs.where(*where, store.is_shown(by)).order_by(ProposalRow.key).limit(MOST_OF_RECORD * len(specimen_keys))
    return [_proposal(*pair) for pair in session.execute(query)]


def _proposal(row: ProposalRow, statement: AnnotationRow) -> Proposal:
    return Proposal(store.annotation(statement), row.specimen_key, row.term, row.value, row.verbatim)
