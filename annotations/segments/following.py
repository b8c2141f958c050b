"""Segments follow the statements behind them: their state, and what and where they are, in the transaction of the change.

Segments are locked after annotations and specimens, in the order of their keys.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, defer

from annotations import frames, selectors
from annotations import store as statements
from annotations.model import Canvas
from annotations.segments import likeness, store
from annotations.segments.derive import NOTHING_THERE, OF_CONTENT, Voice, derive
from annotations.segments.model import ENDED, whole_box
from annotations.segments.tables import SegmentRow, SegmentStatementRow
from annotations.states.derive import OF_SEGMENT
from annotations.tables import AnnotationRow, VerdictRow
from app.runtime import outbox
from iiif.catalogue import service as catalogue
from ontology.segment_classes import class_of


def follow(session: Session, annotation_keys: Iterable[str], at: datetime) -> list[str]:
    """Bring every segment that any of these statements stands behind in line with what they are now; the keys of those that are
    there now and were not, or the reverse."""
    said = sorted(set(annotation_keys))
    return refresh(session, sorted(store.behind(session, said)), at) if said else []


def refresh(session: Session, keys: Sequence[str], at: datetime) -> list[str]:
    """Bring the segments in line with the statements behind them, except those that a person has ended. As `follow`."""
    turned = []
    for start in range(0, len(keys), store.AT_ONCE):
        rows = [row for row in store.lock(session, keys[start : start + store.AT_ONCE]) if row.state not in ENDED]
        found = _behind(session, [row.key for row in rows])
        for row in rows:
            was_live = row.live
            _follow(session, row, found.get(row.key, []), at)
            turned += [row.key] if row.live != was_live else []
            row.changes += 1  # their words are found with it, whatever else has changed
        keep_words(session, rows)
        session.flush()
        outbox.touch_all(session, "segment", [row.key for row in rows])
    return turned


@dataclass(frozen=True, slots=True)
class _Link:
    """A statement behind a segment, with the class that it gives it."""

    class_name: str
    voice: Voice
    version: int


def differing(session: Session, *, after: str, limit: int) -> tuple[list[tuple[str, str]], str]:
    """Of a page of all segments those that are stored otherwise than follows, each with a sentence; and the last key, empty at
    the end. What a person has ended is as it is stored."""
    rows = store.every(session, after=after, limit=limit)
    links = _links(session, [row.key for row in rows])
    images = catalogue.media_by_key(session, {row.media_key for row in rows})
    found = []
    for row in rows:
        image = images.get(row.media_key)
        if image is None or row.x + row.width > image.width_px or row.y + row.height > image.height_px:
            found.append((row.key, f"It reaches past image {row.media_key}, or that is not there."))
        elif row.state not in ENDED:
            state, leader = derive([link.voice for link in links.get(row.key, [])])
            if (row.state, row.live) != (state, store.is_live(state)) or (leader and leader != row.leader_key):
                found.append(
                    (
                        row.key,
                        f"It is stored as {row.state}, led by {row.leader_key}; {state} follows, led by {leader or 'none'}.",
                    )
                )
    return found, rows[-1].key if len(rows) == limit else ""


def rejected_by_others(session: Session, annotation_key: str) -> bool:
    """Whether of all segments that the statement says there are, others said so and people answered that nothing is there. Any
    other reason is about one statement, and leaves the rest to be judged for itself."""
    keys = store.behind(session, [annotation_key])
    links = _links(session, sorted(keys)) if keys and len(store.beside(session, [annotation_key])) > 1 else {}
    others = [[link.voice for link in several if link.voice.key != annotation_key] for several in links.values()]
    if not others or any(derive(voices)[0] != "rejected" for voices in others):
        return False
    denied = _reasons(session, [voice.key for voices in others for voice in voices if voice.state == "rejected"])
    return all(any(NOTHING_THERE in denied.get(voice.key, ()) for voice in voices) for voices in others)


def _follow(session: Session, row: SegmentRow, links: Sequence[_Link], at: datetime) -> None:
    state, leader_key = derive([link.voice for link in links])
    leader = next((link for link in links if link.voice.key == leader_key), None)
    if (row.state, row.live) != (state, store.is_live(state)):
        row.state, row.live, row.modified_at = state, store.is_live(state), at
    if leader is not None and (row.leader_key, row.leader_version) != (leader_key, leader.version):
        row.leader_key, row.leader_version = leader_key, leader.version
        _lead(session, row, leader, at)


def _lead(session: Session, row: SegmentRow, leader: _Link, at: datetime) -> None:
    """Let the segment be what and where its leading statement says, in a new version where it was not so before."""
    annotation = statements.find(session, leader.voice.key)
    media = catalogue.get_media(session, row.media_key)
    if annotation is None:
        return
    seen = statements.annotation(annotation).seen_from(media_key=row.media_key)
    region = frames.shown_region(seen, Canvas(media.width_px, media.height_px))
    if region is None or seen.media_key != row.media_key:  # it is said of all of the image, or of another one, now
        return
    selector, box = selectors.stored_selectors(region), whole_box(region.box, media.width_px, media.height_px)
    moved, renamed = selector != row.selector, leader.class_name != row.class_name
    if not moved and not renamed:
        return
    row.selector, row.class_name = selector, leader.class_name
    row.x, row.y, row.width, row.height = box.x, box.y, box.width, box.height
    row.area_px = box.width * box.height
    row.version, row.modified_at = row.version + 1, at
    by = statements.last_author(session, annotation.key, annotation.version)
    store.add_version(session, row, "moved" if moved else "reclassified", by, at)


def _behind(session: Session, keys: Sequence[str]) -> dict[str, list[_Link]]:
    """The statements behind each segment. Standing corrections of those that were superseded come to stand behind it, too."""
    found = _links(session, keys)
    superseded = {link.voice.key: key for key, links in found.items() for link in links if link.voice.state == "superseded"}
    if superseded and _add_corrections(session, superseded, found):
        return _links(session, keys)
    return found


def _links(session: Session, keys: Sequence[str]) -> dict[str, list[_Link]]:
    pairs = (
        select(SegmentStatementRow, AnnotationRow)
        .join(AnnotationRow, AnnotationRow.key == SegmentStatementRow.annotation_key)
        .where(SegmentStatementRow.segment_key.in_(keys))
        .options(defer(AnnotationRow.document), defer(AnnotationRow.text))
        .execution_options(populate_existing=True)
    )
    rows = [(pair[0], pair[1]) for pair in session.execute(pairs)] if keys else []
    denied = _reasons(session, [said.key for _, said in rows if said.state == "rejected"])
    found: dict[str, list[_Link]] = {}
    for link, said in rows:
        reasons = denied.get(said.key, set())
        spared = bool(reasons) and reasons <= set(OF_CONTENT)
        voice = Voice(said.key, _own_state(said), statements.stands(said), spared, link.as_role, link.said_at)
        found.setdefault(link.segment_key, []).append(_Link(link.class_name, voice, said.version))
    return found


def _own_state(said: AnnotationRow) -> str:
    """The state of the statement, but for what it is because of its segment."""
    rule = str((said.state_reason or {}).get("rule", ""))
    return "unreviewed" if rule.startswith(OF_SEGMENT) else statements.told_state(said)


def _reasons(session: Session, keys: Sequence[str]) -> Mapping[str, set[str]]:
    """Why each of the statements was rejected, by those whose verdicts stand."""
    found: dict[str, set[str]] = {}
    which = (VerdictRow.annotation_key.in_(keys), VerdictRow.withdrawn_at.is_(None), VerdictRow.verdict == "rejected")
    for key, reason in session.execute(select(VerdictRow.annotation_key, VerdictRow.reason).where(*which)) if keys else ():
        found.setdefault(key, set()).add(reason)
    return found


def _add_corrections(session: Session, superseded: Mapping[str, str], found: Mapping[str, Sequence[_Link]]) -> bool:
    """Whether there were any that did not stand behind their segment yet."""
    which = (VerdictRow.annotation_key.in_(list(superseded)), VerdictRow.correction_key != "")
    corrections = select(VerdictRow).where(*which).order_by(VerdictRow.given_at)
    added = False
    for verdict in session.scalars(corrections):
        key = superseded[verdict.annotation_key]
        correction = statements.find(session, verdict.correction_key)
        if correction is None or any(link.voice.key == correction.key for link in found[key]):
            continue
        was = next(link for link in found[key] if link.voice.key == verdict.annotation_key)
        class_name = class_of(correction.kind) or was.class_name
        store.add_statement(session, key, correction, "corrects", class_name, verdict.role, verdict.given_at)
        added = True
    return added


def keep_words(session: Session, rows: Sequence[SegmentRow]) -> None:
    """Let each say what its leading statement reads there now."""
    leaders = AnnotationRow.key.in_({row.leader_key for row in rows})
    texts = {row.key: row.text for row in session.execute(select(AnnotationRow.key, AnnotationRow.text).where(leaders))}
    for row in rows:
        row.words = likeness.digest_of(texts.get(row.leader_key, ""))
