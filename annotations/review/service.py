"""Decisions about verdicts: who may judge which version, what takes the place of what, and how it is undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from annotations import creators, differences, guards, recount, validation, waiting
from annotations import service as annotations
from annotations import store as statements
from annotations.errors import MalformedAnnotation, OwnStatement, UnknownAnnotation, UnknownVerdict, VersionPassed
from annotations.model import Annotation
from annotations.review import blindness, store
from annotations.review.blindness import role_over as role_over
from annotations.states.derive import VERDICTS, Decision, State, Verdict
from annotations.tables import VerdictRow
from app.runtime import changes, clock
from app.runtime.addresses import Addresses
from app.runtime.errors import Forbidden, Gone, Invalid, NotAllowed
from app.runtime.principal import Principal, require_somewhere

REASONS = ("", "wrong place", "wrong class", "wrong text", "wrong value", "duplicate", "nothing there", "not public")
LONGEST_COMMENT = 5_000
LONGEST_CLIENT_KEY = 64
CLAIMS = ("creator", "generator", "generated", "confidence", "wasGeneratedBy", "wasRevisionOf", "id", "created", "modified")


@dataclass(frozen=True, slots=True)
class Judgement:
    """What somebody thinks of a version of a statement; `correction` is what they say in its place, a whole annotation.

    `client_key` is what the client calls the request, so that it may repeat it: the same account is answered the same.
    """

    annotation_key: str
    version: int
    verdict: Verdict
    reason: str = ""
    comment: str = ""
    correction: Mapping[str, Any] | None = None
    client_key: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict as it was kept, and the state of the statement after it. `fresh`: it was not there before."""

    key: str
    annotation_key: str
    version: int
    verdict: str
    reason: str
    correction_key: str
    decision: Decision
    fresh: bool


@dataclass(frozen=True, slots=True)
class Opinion:
    """A verdict that stands, as it is told: whose it is, the role that they had then, and what they wrote beside it."""

    key: str
    account: str
    role: str
    verdict: str
    reason: str
    comment: str
    version: int
    at: datetime


def opinions(session: Session, keys: Sequence[str]) -> Mapping[str, tuple[Opinion, ...]]:
    """The standing verdicts on these annotations, by annotation, the oldest first."""
    rows = store.standing_on(session, keys)
    comments = store.comments_of(session, [row.key for row in rows]) if rows else {}
    found: dict[str, tuple[Opinion, ...]] = {}
    for row in rows:
        said = (row.key, row.account, row.role, row.verdict, row.reason, comments.get(row.key, ""), row.version, row.given_at)
        found[row.annotation_key] = (*found.get(row.annotation_key, ()), Opinion(*said))
    return found


def judge(session: Session, judgement: Judgement, *, by: Principal, addresses: Addresses, at: datetime) -> Judged:
    """Keep the verdict, with the correction if there is one, and count again: all of it or nothing.

    A new verdict of the same account takes the place of the one before. Of two in the same instant the second waits for the
    first and is counted with it. Raises Invalid, UnknownAnnotation, DeletedAnnotation, WithdrawnAnnotation, VersionPassed,
    OwnStatement, NotAllowed, Forbidden, Closed, NotYours, and what `annotations.create` does for the correction.
    """
    _check(judgement)
    key = judgement.annotation_key
    recount.lock(session, [key])
    known = store.of_client(session, by.name, judgement.client_key) if judgement.client_key else None
    if known is not None:
        return _judged(session, known, fresh=False)
    judged = annotations.get(session, key, by=by)
    guards.require_place(session, by, judged.targets)
    _require_current(session, judgement, judged)
    if judgement.verdict == "approved" and statements.author(session, key) == by.name:
        raise OwnStatement("You said this yourself: that others accept it is for others to say.")
    before = store.standing(session, key, by.name)
    if before is not None and _same(before, judgement):
        return _judged(session, before, fresh=False)
    if before is not None:
        _take_back(session, before, by=by, at=at)
    role = role_over(session, judged, by)
    knowing = blindness.of(session, key, by, role)
    how: dict[str, Any] = {"by": by, "addresses": addresses, "at": at, "veil": knowing.veil}
    correction = _correct(session, judged, judgement.correction, how) if judgement.correction else None
    document = _assessment(judgement, correction, by, addresses)
    said = annotations.create(session, document, layer="review", **how)
    row = VerdictRow(
        key=said.key,
        annotation_key=key,
        version=judgement.version,
        account=by.name,
        role=role,
        kind=judged.kind,
        independent=knowing.independent,
        gold=knowing.gold,
        verdict=judgement.verdict,
        reason=judgement.reason,
        correction_key=correction.key if correction else "",
        client_key=judgement.client_key,
        given_at=at,
    )
    session.add(row)
    session.flush()
    recount.recount(session, key, by=by.name, at=at, judged=True)
    waiting.let_go(session, key, by.name)  # which is locked by now, in the order of the keys of those beside it
    blindness.let_go(session, key, by)
    what = {"verdict": judgement.verdict, "reason": judgement.reason, "correction": row.correction_key}
    changes.record(session, by, "judge", "annotation", key, version=judgement.version, at=at, **what)
    return _judged(session, row, fresh=True)


def undo(session: Session, key: str, *, by: Principal, at: datetime) -> Judged:
    """Take the verdict back, with the correction that came with it if nobody has changed that since, and count again.

    People take back what is theirs, and curators what is not. Raises UnknownVerdict, Gone, NotAllowed, Forbidden.
    """
    row = store.find(session, key)
    if row is None:
        raise UnknownVerdict(f"There is no verdict {key[:64]!r} here.")
    recount.lock(session, {row.annotation_key, *([row.correction_key] if row.correction_key else [])})
    row = store.find(session, key, lock=True) or row
    judged = annotations.find(session, row.annotation_key)
    if judged is None:
        raise UnknownAnnotation(f"There is no annotation {row.annotation_key!r} here.")
    guards.require_sight(session, judged.key, by)
    guards.require_place(session, by, judged.targets, "annotate" if row.account == by.name else "curate")
    if row.withdrawn_at is not None:
        raise Gone("This verdict was taken back before.")
    _take_back(session, row, by=by, at=at)
    session.flush()
    recount.recount(session, judged.key, by=by.name, at=at, judged=True)
    changes.record(session, by, "take back", "annotation", judged.key, version=row.version, at=at, verdict=row.verdict)
    return _judged(session, row, fresh=False)


def proposals(
    session: Session, state: State, *, kind: str = "", by: Principal, after: str = "", limit: int
) -> Sequence[Annotation]:
    """A page of the statements in that state that `by` sees, by key. To who does not curate all, what is judged blind and in
    dispute is unreviewed."""
    rows = store.proposals(session, state, kind, by, sealed=blindness.sees_all(by), after=after, limit=limit)
    return tuple(replace(statements.annotation(row), state=state) for row in rows)


def disputed(session: Session, *, kind: str = "", by: Principal, after: str = "", limit: int) -> Sequence[Annotation]:
    """A page of the statements about which people disagree, for who curates. Raises NotAllowed, Forbidden."""
    require_somewhere(by, "curate")
    rows = store.in_state(session, "disputed", kind, by, (), after=after, limit=limit)
    return tuple(replace(statements.annotation(row), state="disputed", state_reason=row.state_reason) for row in rows)


def history(session: Session, key: str, *, by: Principal, addresses: Addresses) -> dict[str, Any]:
    """Each version with who and when, the verdicts on it, and what stands in whose place; the newest first.

    Raises UnknownAnnotation, Closed, NotYours.
    """
    annotation = annotations.find(session, key)
    if annotation is None:
        raise UnknownAnnotation(f"There is no annotation {key[:64]!r} here.")
    guards.require_sight(session, key, by)
    iri, corrected = addresses.annotation(key), store.corrected_by(session, key)
    versions, known = stored_versions(session, key), blindness.known(session, annotation, by)
    return {
        "id": iri,
        "key": key,
        "version": annotation.version,
        "state": known.state,
        "reason": known.reason,
        "deleted": clock.iso(annotation.deleted_at) if annotation.deleted_at else None,
        "withdrawn": clock.iso(annotation.withdrawn_at) if annotation.withdrawn_at else None,
        "revisionOf": addresses.annotation(corrected) if corrected else None,
        "versions": [
            {
                "version": one.number,
                "id": f"{iri}/versions/{one.number}",
                "at": clock.iso(one.at),
                "by": one.by,
                "deletion": one.document is None,
                "differs": list(differences.named(before.document, one.document)) if before else [],
            }
            for one, before in zip(versions, [*versions[1:], None], strict=True)
        ],
        "verdicts": [_told(row, addresses) for row in store.verdicts_of(session, key) if known.tells(row)],
    }


@dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version as it was stored: when and by whom (the name of the principal); that of a deletion has no document."""

    number: int
    at: datetime
    by: str
    document: Mapping[str, Any] | None


def stored_versions(session: Session, key: str, *, before: int = 0, limit: int = store.MOST_TOLD) -> tuple[StoredVersion, ...]:
    """Versions, the newest first, from the one before the number `before` (0: from the newest); who sees them asks `guards`."""
    rows = store.versions_of(session, key, before=before, limit=limit)
    return tuple(StoredVersion(row.version, row.stored_at, row.stored_by, row.document) for row in rows)


def may_restore(session: Session, annotation: Annotation, by: Principal) -> bool:
    """Whether `by` may let an earlier version of the statement stand again."""
    if annotation.layer == "review" or annotation.withdrawn_at is not None:
        return False
    try:
        guards.require_place(session, by, annotation.targets, "revise", statements.author(session, annotation.key))
    except (NotAllowed, Forbidden):
        return False
    return True


def diff(session: Session, key: str, numbers: tuple[int, int], *, by: Principal, addresses: Addresses) -> differences.Difference:
    """What differs between two versions. Raises UnknownAnnotation, Closed, NotYours, and DeletedAnnotation for a deletion."""
    before, after = (annotations.get_version(session, key, number, by=by, addresses=addresses) for number in numbers)
    return differences.between(session, before, after, by=by, addresses=addresses)


def _told(row: VerdictRow, addresses: Addresses) -> dict[str, Any]:
    return {
        "key": row.key,
        "version": row.version,
        "by": row.account,
        "role": row.role,
        "verdict": row.verdict,
        "reason": row.reason,
        "at": clock.iso(row.given_at),
        "takenBack": clock.iso(row.withdrawn_at) if row.withdrawn_at else None,
        "correction": addresses.annotation(row.correction_key) if row.correction_key else None,
    }


def _check(judgement: Judgement) -> None:
    if judgement.verdict not in VERDICTS:
        raise Invalid(f"A verdict is one of {', '.join(VERDICTS)}.", parameter="verdict")
    if judgement.reason not in REASONS:
        raise Invalid(f"A reason is one of {', '.join(REASONS[1:])}, or none.", parameter="reason")
    if len(judgement.comment) > LONGEST_COMMENT:
        raise Invalid(f"A comment has up to {LONGEST_COMMENT:,} characters.", parameter="comment")
    if len(judgement.client_key) > LONGEST_CLIENT_KEY:
        raise Invalid(f"The key of a request has up to {LONGEST_CLIENT_KEY} characters.", parameter="clientKey")
    if judgement.correction is not None and judgement.verdict != "rejected":
        raise Invalid("A correction goes with the verdict rejected: it says what is right instead.", parameter="correction")


def _require_current(session: Session, judgement: Judgement, judged: Annotation) -> None:
    """The version must say what stands now. Raises Invalid, VersionPassed."""
    row = statements.find(session, judged.key, lock=True)
    since = row.substance_version if row is not None else judged.version
    if judged.layer == "review":
        raise Invalid("A verdict takes no verdict: judge what it is about.", parameter="annotation")
    if not 1 <= judgement.version <= judged.version:
        raise Invalid(f"Say which version you have seen, from 1 to {judged.version}.", parameter="version")
    if judgement.version < since:
        raise VersionPassed(
            f"Version {judgement.version} does not stand any more: it was changed, and version {judged.version} stands. "
            "Look at that and judge it."
        )


def _same(row: VerdictRow, judgement: Judgement) -> bool:
    asked = (judgement.version, judgement.verdict, judgement.reason)
    return judgement.correction is None and not judgement.comment and (row.version, row.verdict, row.reason) == asked


def _take_back(session: Session, row: VerdictRow, *, by: Principal, at: datetime) -> None:
    """The assessing annotation is deleted, its versions stay; a correction goes along while it is as it came."""
    row.withdrawn_at = at
    session.flush()
    annotations.delete(session, row.key, by=by, at=at, verdict=True)
    correction = annotations.find(session, row.correction_key) if row.correction_key else None
    if correction is not None and correction.stands and correction.version == 1:
        annotations.delete(session, correction.key, by=by, at=at)


def _correct(session: Session, judged: Annotation, given: Mapping[str, Any], how: Mapping[str, Any]) -> Annotation:
    """The statement in its place: complete, of the same kind, by who says it, and a revision of what was judged."""
    if not isinstance(given, Mapping):
        raise MalformedAnnotation("A correction is a whole annotation.", parameter="correction")
    by, addresses, claimed = how["by"], how["addresses"], given.get("creator")
    creators.refuse_other(claimed, by, addresses)
    kept = {name: value for name, value in given.items() if name not in CLAIMS}
    document = {
        "@context": validation.CONTEXT,
        "type": "Annotation",
        **kept,
        "creator": creators.creator(by, addresses),
        "wasRevisionOf": f"{addresses.annotation(judged.key)}/versions/{judged.version}",
    }
    return annotations.create(session, document, kind=judged.kind, **how)


def _assessment(judgement: Judgement, correction: Annotation | None, by: Principal, addresses: Addresses) -> dict[str, Any]:
    """The W3C annotation of the verdict, about the version that was judged."""
    body: list[Any] = [{"type": "SpecificResource", "source": f"hub:{judgement.verdict}", "purpose": "assessing"}]
    if judgement.reason:
        body.append({"type": "TextualBody", "value": judgement.reason, "purpose": "classifying", "language": "en"})
    if judgement.comment:
        body.append({"type": "TextualBody", "value": judgement.comment, "purpose": "commenting"})
    if correction is not None:
        body.append({"type": "SpecificResource", "source": addresses.annotation(correction.key), "purpose": "editing"})
    return {
        "@context": validation.CONTEXT,
        "type": "Annotation",
        "motivation": "assessing",
        "creator": creators.creator(by, addresses),
        "body": body,
        "target": f"{addresses.annotation(judgement.annotation_key)}/versions/{judgement.version}",
    }


def _judged(session: Session, row: VerdictRow, *, fresh: bool) -> Judged:
    judged = statements.find(session, row.annotation_key)
    if judged is None:
        raise UnknownAnnotation(f"There is no annotation {row.annotation_key!r} here.")
    decision = blindness.as_judged(session, judged, row)
    told = (row.key, row.annotation_key, row.version, row.verdict, row.reason, row.correction_key)
    return Judged(*told, decision, fresh)
