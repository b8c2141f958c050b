"""Decisions about the queue: who is given what next, and why it comes."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import store as statements
from annotations.frames import shown_region
from annotations.model import Annotation, Canvas
from annotations.proposed import form
from annotations.queue import gold, store
from annotations.queue.model import LEASE, MOST_HELD, Asked, Count, Cursor, Waiting
from annotations.region_text import path, rounded
from annotations.states import policy
from annotations.states.derive import State
from annotations.tables import AnnotationRow, AnnotationTargetRow, QueueLineRow
from annotations.worth import CONFLICT
from app.runtime.errors import TooMuch
from app.runtime.principal import Principal, may, require_somewhere
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen

ROUNDS = 8  # of taking, where others take the same at the same moment
SPARE = 20  # items looked at beyond those that are wanted
READ = ("text", "label")  # what stands on the sheet itself
MOST_WORDS = 6  # labels told beside an item
LONGEST_WORDS = 2_000


@dataclass(frozen=True, slots=True)
class Question:
    """An item with all that is needed to judge it.

    `outline` is SVG path data in canvas units, empty for all of the image. `words` are what was read on the image, by kind.
    """

    item: Waiting
    annotation: Annotation
    specimen: Specimen | None
    media: Media | None
    outline: str
    words: tuple[tuple[str, str], ...]


def look(
    session: Session, asked: Asked, *, by: Principal, after: Cursor | None, limit: int
) -> tuple[tuple[Question, ...], Cursor | None]:
    """A page of the queue, items of one sheet together, and where the next one begins. Of what `by` does not see nothing is
    told, so that a page may hold less than asked."""
    lines = [line for line in store.lines(session, replace(asked, state="")) if _may_be(line, asked.state, by)]
    found = store.in_order(session, lines, asked.order, after=after, limit=limit + 1)
    page = found[:limit]
    following = page[-1].cursor(asked.order) if len(found) > limit else None
    curated = {line.key for line in lines if may(by, "curate", line)}
    told = questions(session, _by_sheet(page), by=by, curated=curated)
    return tuple(one for one in told if asked.state in ("", one.item.state)), following


def counts(session: Session, *, by: Principal) -> tuple[Count, ...]:
    """How many items wait, by kind, in the collections where `by` may judge. Raises NotAllowed, Forbidden."""
    lines = _lines(session, Asked(), by)
    numbers = store.counts(session, lines)
    states: dict[str, Counter[str]] = {}
    classes: dict[str, Counter[str]] = {}
    for line in lines:
        if number := numbers.get(line.key, 0):
            states.setdefault(line.kind, Counter())[line.state if _is_told(line, by) else "unreviewed"] += number
            classes.setdefault(line.kind, Counter())[line.stated_class] += number
    found = [
        Count(kind, of_kind.total(), tuple(sorted(of_kind.items())), tuple(classes[kind].most_common(20)))
        for kind, of_kind in states.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.waiting, one.kind)))


def take(
    session: Session, asked: Asked, number: int, *, by: Principal, at: datetime, have: Sequence[str] = ()
) -> tuple[Question, ...]:
    """Lease the next items of a kind to `by`: first what they hold already but for those that they `have` in hand, then free
    ones, those of one sheet together. Raises NotAllowed, Forbidden, TooMuch.

    Nobody is given what they wrote, judged or passed over, nor what somebody else holds; disputed items go to curators.
    """
    lines = [line for line in _lines(session, asked, by) if line.state != "disputed" or may(by, "curate", line)]
    leased, holds = store.held(session, by.name, at, lines, asked.order)
    of_gold, also = gold.held(session, asked, by=by, at=at)
    mine, holds = gold.mixed(of_gold, leased), holds + also
    taken = [item for item in mine if item.annotation_key not in have][:number]
    renew(session, [item.annotation_key for item in taken], by=by, at=at)
    missing, known = number - len(taken), {item.annotation_key for item in mine} | set(have)
    if missing and holds + missing > MOST_HELD:
        raise TooMuch(f"You hold {holds} items: judge, pass over or give back some of them before you take more.")
    of_gold = gold.give(session, asked, gold.number_of(asked, missing), by=by, until=at + LEASE)
    missing, number = missing - len(of_gold), number - len(of_gold)
    for _ in range(ROUNDS):
        if missing <= 0:
            break
        candidates = _candidates(session, lines, asked, missing, by, at, known)
        if not candidates:
            break
        claimed = store.claim(session, [item.annotation_key for item in candidates], by.name, at, at + LEASE)
        taken += [item for item in candidates if item.annotation_key in claimed]
        missing, known = number - len(taken), known.union(item.annotation_key for item in candidates)
    if of_gold and not taken:  # alone at the end of the queue it would tell what it is
        gold.give_back(session, [item.annotation_key for item in of_gold], by)
        of_gold = []
    taken = gold.mixed(of_gold, taken)
    found = questions(session, taken, by=by)
    unseen = {item.annotation_key for item in taken} - {question.item.annotation_key for question in found}
    store.give_back(session, sorted(unseen), by.name)
    return found


def renew(session: Session, keys: Sequence[str], *, by: Principal, at: datetime) -> set[str]:
    """Hold these for as long again; those that are still theirs. Who lost one may judge it all the same."""
    return store.renew(session, keys, by.name, at, at + LEASE) | gold.renew(session, keys, by, at, at + LEASE)


def give_back(session: Session, keys: Sequence[str], *, by: Principal) -> None:
    """Let others have them."""
    store.give_back(session, keys, by.name)
    gold.give_back(session, keys, by)


def skip(session: Session, versions: Mapping[str, int], *, by: Principal, at: datetime) -> None:
    """Write down that they passed over these versions, which do not come to them again, and let others have them."""
    store.skip(session, by.name, versions, at)
    gold.let_go(session, sorted(versions), by)
    store.give_back(session, sorted(versions), by.name)


def questions(
    session: Session, items: Sequence[Waiting], *, by: Principal, curated: Collection[str] | None = None
) -> tuple[Question, ...]:
    """The items with their statements, as far as `by` sees these. Where only the lines `curated` are told all, what is disputed
    and judged blind in others counts as unreviewed."""
    keys = [item.annotation_key for item in items]
    rows = session.scalars(select(AnnotationRow).where(AnnotationRow.key.in_(keys), statements.is_shown(by)))
    found_rows = {row.key: row for row in rows}
    told = {key: statements.annotation(row) for key, row in found_rows.items()}
    media = catalogue.media_by_key(session, {one.media_key for one in told.values() if one.media_key})
    specimens = {
        key: places.as_seen(one, by)
        for key, one in catalogue.specimens_by_key(session, {one.specimen_key for one in told.values()}).items()
    }
    words = {key: _words(session, key, by) for key in media}
    found = []
    for item in items:
        if (annotation := told.get(item.annotation_key)) is not None:
            image = media.get(annotation.media_key)
            of_image = tuple(said for key, *said in words.get(annotation.media_key, ()) if key != annotation.key)
            specimen = specimens.get(annotation.specimen_key)
            pairs = tuple((kind, text) for kind, text in of_image)
            if curated is not None and item.line not in curated:
                item = replace(item, state=statements.told_state(found_rows[item.annotation_key]))
            found.append(Question(item, annotation, specimen, image, _outline(annotation, image), pairs))
    return tuple(found)


def _lines(session: Session, asked: Asked, by: Principal) -> list[QueueLineRow]:
    """The lines that are meant, as far as `by` may write there. Raises NotAllowed, Forbidden."""
    require_somewhere(by, "annotate")
    return [line for line in store.lines(session, asked) if may(by, "annotate", line)]


def _may_be(line: QueueLineRow, state: State | Literal[""], by: Principal) -> bool:
    """Whether something in the line may be in that state as `by` is told it; empty for any."""
    return state in ("", line.state) or (state == "unreviewed" and not _is_told(line, by))


def _is_told(line: QueueLineRow, by: Principal) -> bool:
    """Whether `by` may know the state of what is in the line: that people disagree about what is judged blind is for curators."""
    blind = line.kind == form.KIND or policy.of(line.kind).blind  # some proposals are, by their terms
    return line.state != "disputed" or not blind or may(by, "curate", line)


def _candidates(
    session: Session,
    lines: Sequence[QueueLineRow],
    asked: Asked,
    number: int,
    by: Principal,
    at: datetime,
    known: Collection[str],
) -> list[Waiting]:
    """Free items that are new to `by`: the first in the order, each with all of its kind from the same image."""
    allowed = (store.is_free(by.name, at), store.is_new_to(by.name))
    leads = [
        item
        for item in store.in_order(session, lines, asked.order, *allowed, limit=number + SPARE + len(known))
        if item.annotation_key not in known
    ][: number + SPARE]
    images = list(dict.fromkeys(item.media_key for item in leads if item.media_key))[:number]
    together: dict[str, list[Waiting]] = {}
    for item in store.beside(session, lines, images, asked.order, *allowed):
        if item.annotation_key not in known:
            together.setdefault(item.media_key, []).append(item)
    found: dict[str, Waiting] = {}
    for lead in leads:
        for item in together.get(lead.media_key, [lead]):
            found.setdefault(item.annotation_key, item)
    return list(found.values())[:number]


def _by_sheet(items: Sequence[Waiting]) -> list[Waiting]:
    """Those of one image one after the other, images in the order of their first."""
    together: dict[str, list[Waiting]] = {}
    for item in items:
        together.setdefault(item.media_key or item.annotation_key, []).append(item)
    return [item for of_image in together.values() for item in of_image]


def _outline(annotation: Annotation, media: Media | None) -> str:
    """Its region as SVG path data; a point as a cross."""
    if media is None or not media.width_px:
        return ""
    region = shown_region(annotation, Canvas(media.width_px, media.height_px))
    if region is None:
        return ""
    if region.point is not None:
        x, y = region.point
        arm = max(media.width_px, media.height_px) / 100
        return path((), (((x - arm, y), (x + arm, y)), ((x, y - arm), (x, y + arm))), rounded)
    return path(region.outlines(), region.lines, rounded)


def _words(session: Session, media_key: str, by: Principal) -> Sequence[tuple[str, str, str]]:
    """Key, kind and text of what was read on the image and stands."""
    row, target = AnnotationRow, AnnotationTargetRow
    query = (
        select(row.key, row.kind, row.text)
        .join(target, target.annotation_key == row.key)
        .where(target.media_key == media_key, row.kind.in_(READ), row.text != "", *statements.STANDING_OF_FEW)
        .where(*statements.TOLD, statements.is_shown(by))
        .distinct()
        .limit(MOST_WORDS)
    )
    return [(key, kind, text[:LONGEST_WORDS]) for key, kind, text in session.execute(query)]


def reasons(question: Question) -> tuple[str, ...]:
    """Why it comes, in sentences."""
    item, annotation = question.item, question.annotation
    told = []
    if item.state == "disputed":
        told.append("Verdicts go both ways.")
    if item.state == "stale":
        told.append(str((annotation.state_reason or {}).get("rule", "judged before it was changed")).capitalize() + ".")
    if item.disagreement == CONFLICT:
        told.append("Another run says otherwise.")
    if question.specimen is not None and (type_status := question.specimen.interpreted.get("typeStatus")):
        told.append(f"The specimen is a type: {type_status[:60]}.")
    if item.resting:
        told.append(f"{item.resting} {'statement rests' if item.resting == 1 else 'statements rest'} on it.")
    if annotation.confidence is None:
        told.append("Nothing says how sure it is.")
    else:
        told.append(f"Whoever made it gives it {annotation.confidence:.2f} of 1.")
    return tuple(told)
