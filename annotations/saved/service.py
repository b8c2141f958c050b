"""Saving, changing and reading questions. They may be read by everybody; what they find depends on who asks."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations.saved.tables import SavedQuestionRow, SavedQuestionVersionRow
from annotations.search import parameters
from annotations.search import service as search
from annotations.search.service import Question
from annotations.search.values import FIELDS
from app.runtime import changes, ids
from app.runtime.errors import Forbidden, Gone, Invalid, NotFound, StaleVersion, TooMuch
from app.runtime.principal import Principal, may, require_somewhere

TAKEN = ("q", "type", "sort", "bbox", "near", "xywh", *FIELDS)
LONGEST, LONGEST_TITLE, MOST_PARTS = 4_000, 200, 60
MOST_SAVED = 1_000  # of one owner


class UnknownQuestion(NotFound):
    """No saved question has that key."""


class DeletedQuestion(Gone):
    """The saved question was deleted."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved question, or a version of it as it stood."""

    key: str
    owner: str
    title: str
    question: str
    version: int
    created_at: datetime
    modified_at: datetime

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return parse_qsl(self.question)

    @property
    def etag(self) -> str:
        return f"{self.key}.{self.version}"


def save(session: Session, title: str, question: str, *, by: Principal, naan: str, at: datetime) -> Saved:
    """For whoever has a role anywhere. Raises NotAllowed, Forbidden, Invalid, TooMuch."""
    require_somewhere(by, "see")
    title, question = _title(title), canonical(question)
    mine = select(SavedQuestionRow.key).where(SavedQuestionRow.owner == by.name).limit(MOST_SAVED)
    if len(session.scalars(mine).all()) >= MOST_SAVED:
        raise TooMuch(f"One may save {MOST_SAVED:,} questions.")
    said = {"title": title, "question": question, "version": 1}
    row = SavedQuestionRow(key=ids.new_key(ids.QUESTION, naan), owner=by.name, created_at=at, modified_at=at, **said)
    session.add(row)
    session.flush()
    _keep_version(session, row, by, "add", at)
    return _saved(row)


def change(
    session: Session, key: str, title: str, question: str, *, by: Principal, at: datetime, seen: str | None = None
) -> Saved:
    """A new version. `seen` is the ETag of the version that who changes it has seen. Raises StaleVersion and as `save`."""
    row = _own(session, key, by)
    if seen is not None and seen != _saved(row).etag:
        raise StaleVersion("The question was changed meanwhile: look at it again, then change it.")
    title, question = _title(title), canonical(question)
    if (title, question) == (row.title, row.question):
        return _saved(row)
    row.title, row.question, row.version, row.modified_at = title, question, row.version + 1, at
    _keep_version(session, row, by, "change", at)
    return _saved(row)


def delete(session: Session, key: str, *, by: Principal, at: datetime) -> None:
    """Raises UnknownQuestion, DeletedQuestion, NotAllowed, Forbidden."""
    row = _own(session, key, by)
    row.deleted_at = at
    changes.record(session, by, "delete", "question", row.key, version=row.version, at=at)


def get(session: Session, key: str) -> Saved:
    """Raises UnknownQuestion, DeletedQuestion."""
    return _saved(_row(session, key))


def version(session: Session, key: str, number: int) -> Saved:
    """As it once stood. Raises UnknownQuestion, DeletedQuestion."""
    row = _row(session, key)
    kept = session.get(SavedQuestionVersionRow, (row.key, number))
    if kept is None:
        raise UnknownQuestion(f"The question {row.key} has no version {number}.")
    return Saved(row.key, row.owner, kept.title, kept.question, number, row.created_at, kept.stored_at)


def versions(session: Session, key: str, limit: int = 50) -> list[Saved]:
    """The last versions, the newest first."""
    row = _row(session, key)
    kept = select(SavedQuestionVersionRow).where(SavedQuestionVersionRow.key == row.key)
    found = session.scalars(kept.order_by(SavedQuestionVersionRow.version.desc()).limit(limit))
    return [Saved(row.key, row.owner, one.title, one.question, one.version, row.created_at, one.stored_at) for one in found]


def of_owner(session: Session, owner: str, *, after: str = "", limit: int) -> list[Saved]:
    """By key, from the one behind `after`."""
    where = (SavedQuestionRow.owner == owner, SavedQuestionRow.key > after, SavedQuestionRow.deleted_at.is_(None))
    return [
        _saved(row) for row in session.scalars(select(SavedQuestionRow).where(*where).order_by(SavedQuestionRow.key).limit(limit))
    ]


def may_change(by: Principal, saved: Saved) -> bool:
    """Its owner may, and who may administer the hub."""
    return bool(by.name) and (by.name == saved.owner or may(by, "administer"))


def canonical(question: str) -> str:
    """The query of an address with what belongs to a question alone, in its order. Raises Invalid where it cannot be asked."""
    if len(question) > LONGEST or "\0" in question:
        raise Invalid(f"A question has at most {LONGEST:,} characters.", parameter="question")
    try:
        pairs = parse_qsl(question.removeprefix("?"), max_num_fields=MOST_PARTS)
    except ValueError as error:
        raise Invalid(f"A question has at most {MOST_PARTS} parts.", parameter="question") from error
    parameters.chosen(pairs)  # a misspelled field is refused rather than dropped
    first = dict(reversed(pairs))  # of what is given once alone the search takes the first
    taken = ((name, value) for name, value in dict.fromkeys(pairs) if name in TAKEN)
    kept = urlencode([(name, value) for name, value in taken if name in FIELDS or value == first[name]])
    asked(kept)
    return kept


def asked(question: str, **how: Any) -> Question:
    """As the search takes it. Raises Invalid."""
    pairs = parse_qsl(question)
    given = dict(reversed(pairs))
    found = Question(
        q=given.get("q", ""),
        chosen=parameters.chosen(pairs),
        type=given.get("type", "specimen"),
        sort=given.get("sort", ""),
        box=parameters.box(given.get("xywh", "")),
        where=parameters.place(given.get("bbox", ""), given.get("near", "")),
        **how,
    )
    search.check(found)
    return found


def _title(text: str) -> str:
    title = " ".join(text.split())
    if not 0 < len(title) <= LONGEST_TITLE:
        raise Invalid(f"A title has from 1 to {LONGEST_TITLE} characters.", parameter="title")
    return title


def _row(session: Session, key: str) -> SavedQuestionRow:
    row = session.get(SavedQuestionRow, key[:16])
    if row is None:
        raise UnknownQuestion(f"There is no saved question {key[:16]!r}.")
    if row.deleted_at is not None:
        raise DeletedQuestion("This saved question was deleted.")
    return row


def _own(session: Session, key: str, by: Principal) -> SavedQuestionRow:
    require_somewhere(by, "see")
    row = _row(session, key)
    if not may_change(by, _saved(row)):
        raise Forbidden("Only who saved a question changes it. Save it as one of your own.")
    session.refresh(row, with_for_update=True)
    return row


def _keep_version(session: Session, row: SavedQuestionRow, by: Principal, action: str, at: datetime) -> None:
    kept = {"key": row.key, "version": row.version, "title": row.title, "question": row.question}
    session.add(SavedQuestionVersionRow(**kept, stored_at=at))
    changes.record(session, by, action, "question", row.key, version=row.version, at=at)


def _saved(row: SavedQuestionRow) -> Saved:
    return Saved(row.key, row.owner, row.title, row.question, row.version, row.created_at, row.modified_at)
