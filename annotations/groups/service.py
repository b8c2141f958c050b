"""Decisions about groups of like segments: who is in one, and what is proposed for the records of all.

Each proposal is one as people make them by hand, from what is said of the segment: others judge it, and nothing is in a record
before that. The work goes in parts; whoever is stopped half-way asks again, and what is there is not made twice.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import service as annotations
from annotations import store as statements
from annotations.groups import store
from annotations.proposals import service as proposals
from annotations.proposals import store as proposed
from annotations.proposed import form
from annotations.review import store as reviews
from annotations.segments import service as segments
from annotations.segments import store as segment_store
from annotations.segments.errors import UnknownSegment
from annotations.segments.likeness import RULES
from annotations.segments.model import Segment
from annotations.tables import AnnotationRow
from app.runtime.addresses import Addresses
from app.runtime.errors import DomainError, Invalid
from app.runtime.principal import Principal, may, require_somewhere
from iiif.catalogue import service as catalogue

MOST = 1_000  # segments at once
SHOWN = 10
AT_ONCE = 50  # proposals in one transaction
CURSOR = re.compile(r"(\d{1,9})\.([0-9a-f]{32})", re.ASCII)
Begin = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Name:
    """What is to be said of all that are like a segment by that rule: the value of a Darwin Core term. `after` is the key of the
    last segment to which it went before; empty to begin with."""

    segment_key: str
    rule: str
    term: str
    value: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class Member:
    """A segment of the group with a specimen that it lies on."""

    segment: Segment
    specimen_key: str


@dataclass(frozen=True, slots=True)
class Group:
    """Its members, each specimen once, as many as are seen to at once; the key after which there are more, empty at the end."""

    members: tuple[Member, ...]
    segments: int
    following: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The keys of the proposals that were made, how many were there before, why others were not made, by specimen, and the key
    after which the group goes on, empty at its end."""

    made: tuple[str, ...]
    known: int
    passed_over: tuple[tuple[str, str], ...]
    following: str


@dataclass(frozen=True, slots=True)
class WordGroup:
    """Segments of a class that read the same: how many who looks sees, the first of them, and its words."""

    segment: Segment
    size: int
    words: str


def largest(session: Session, class_name: str, *, by: Principal, after: str, limit: int) -> tuple[Sequence[WordGroup], str]:
    """A page of the groups of a class with the same words, the largest first, and the `after` of the next page, empty at the end.
    What lies on images that are closed to `by` is not counted, and groups of which they see less than two are passed over.
    Raises Invalid."""
    found = store.largest_groups(session, class_name, after=_behind(after), limit=limit + 1)
    seen = store.groups_seen(session, class_name, [words for _, words in found[:limit]], by)
    shown = [seen[words] for _, words in found[:limit] if seen.get(words, (0, ""))[0] > 1]
    rows = segment_store.many(session, [key for _, key in shown])
    texts = words_of(session, [segment_store.segment(row) for row in rows.values()], by=by)
    groups = [WordGroup(segment_store.segment(rows[key]), size, texts.get(key, "")) for size, key in shown if key in rows]
    return groups, "{}.{}".format(*found[limit - 1]) if len(found) > limit else ""


def words_of(session: Session, some: Sequence[Segment], *, by: Principal) -> dict[str, str]:
    """What is read in these segments by what leads them, by key, where `by` may see that."""
    leaders = {one.leader_key: one.key for one in some}
    query = select(AnnotationRow.key, AnnotationRow.text).where(AnnotationRow.key.in_(leaders), statements.is_shown(by))
    return {leaders[row.key]: row.text for row in session.execute(query)}


def _behind(after: str) -> tuple[int, str]:
    if not after:
        return 2**31 - 1, ""
    found = CURSOR.fullmatch(after)
    if found is None:
        raise Invalid("after is what the page before names as its next.", parameter="after")
    return int(found[1]), found[2]


def like(session: Session, key: str, rule: str, *, by: Principal, after: str, limit: int) -> Sequence[Segment]:
    """A page of those that are like the segment. Raises UnknownSegment, EndedSegment, Closed, NotYours, Invalid."""
    if rule not in RULES:
        raise Invalid(f"by is one of {', '.join(RULES)}.", parameter="by")
    segments.get(session, key, by=by)
    row = segment_store.find(session, key)
    if row is None:
        raise UnknownSegment(f"There is no segment {key[:64]!r} here.")
    return store.like(session, row, rule, by, after=after, limit=limit)


def group(session: Session, name: Name, *, by: Principal) -> Group:
    """Who would get the name, where `by` is a reviewer. Raises as `like` does, and NotAllowed, Forbidden, MalformedAnnotation."""
    require_somewhere(by, "judge")
    form.term_of(name.term)
    if not name.value.strip():
        raise Invalid("Say the value that all of them are to get.", parameter="value")
    found = like(session, name.segment_key, name.rule, by=by, after=name.after, limit=MOST + 1)
    shown = found[:MOST]
    lying = segments.specimens_of(session, shown)
    first: dict[str, Segment] = {}
    for one in shown:
        for specimen_key in lying[one.key]:
            first.setdefault(specimen_key, one)
    specimens = catalogue.specimens_by_key(session, first)
    members = (Member(one, key) for key, one in sorted(first.items()) if key in specimens and may(by, "judge", specimens[key]))
    return Group(tuple(members), len(shown), shown[-1].key if len(found) > MOST else "")


def propose(begin: Begin, name: Name, *, by: Principal, addresses: Addresses, at: datetime) -> Outcome:
    """Propose it for each of the group, from what leads its segment. Raises as `group` does."""
    with begin() as session:
        found = group(session, name, by=by)
    made, passed, known = list[str](), list[tuple[str, str]](), 0
    for some in _in_parts(found.members):
        with begin() as session:
            for member in some:
                asked = proposals.Asked(member.specimen_key, name.term, name.value, read_from=member.segment.leader_key)
                try:
                    with session.begin_nested():
                        told = proposals.propose(session, asked, by=by, addresses=addresses, at=at)
                except DomainError as error:
                    passed.append((member.specimen_key, error.sentence))
                    continue
                known += not told.fresh
                made += [told.proposal.annotation.key] if told.fresh else []
    return Outcome(tuple(made), known, tuple(passed), found.following)


def take_back(begin: Begin, name: Name, *, by: Principal, at: datetime) -> tuple[int, str]:
    """Delete one's own proposals of that value in the group that nobody else has judged; how many that seemed to be, and the key
    after which the group goes on, empty at its end. Raises as `group` does.

    What others judged blind stays and is counted with the others, so that the number does not tell of it.
    """
    with begin() as session:
        found = group(session, name, by=by)
    number = 0
    for some in _in_parts(found.members):
        with begin() as session:
            keys = _own(session, name, [member.specimen_key for member in some], by)
            statements.lock(session, keys)
            for key in sorted(set(keys) - reviews.judged_by_others(session, keys, by.name)):
                annotations.delete(session, key, by=by, at=at)
            number += len(keys)
    return number, found.following


def _own(session: Session, name: Name, specimen_keys: Sequence[str], by: Principal) -> list[str]:
    """The keys of one's own proposals of that value for these records of which nothing is told yet."""
    found = proposed.of_author(session, form.term_of(name.term), specimen_keys, by)
    value = name.value.strip()
    return [one.annotation.key for one in found if one.given == value and one.annotation.state == "unreviewed"]


def _in_parts(members: Sequence[Member]) -> Iterator[Sequence[Member]]:
    for start in range(0, len(members), AT_ONCE):
        yield members[start : start + AT_ONCE]
