"""Verdicts, history and restoration over HTTP; for pages and programs."""

from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import PreconditionRequired

from annotations import differences, projections
from annotations import service as annotations
from annotations.review import service
from annotations.review.service import REASONS, Judged, Judgement
from annotations.states import policy
from annotations.states.derive import VERDICTS
from app.runtime import context, principal
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.http import ANNO, JSON, answer, integer

blueprint = Blueprint("review", __name__)
MEMBERS = ("annotation", "version", "verdict", "reason", "comment", "correction", "clientKey")


@blueprint.post("/api/verdicts")
def judge() -> Response:
    """Keep what somebody thinks of a version of a statement: 201, or 200 where the same account has said the same before."""
    by, runtime = principal.of_page_writer(), context.current()
    judgement = _judgement(request.get_json(), runtime.addresses)
    with runtime.db.begin() as session:
        judged = service.judge(session, judgement, by=by, addresses=runtime.addresses, at=runtime.clock())
    headers = {"Location": f"{runtime.addresses.base}/api/verdicts/{judged.key}"}
    return answer(_to_json(judged, runtime.addresses), JSON, 201 if judged.fresh else 200, by=by, headers=headers)


@blueprint.delete("/api/verdicts/<key>")
def undo(key: str) -> Response:
    """Take a verdict back; the answer is the state of the statement without it."""
    by, runtime = principal.of_page_writer(), context.current()
    with runtime.db.begin() as session:
        judged = service.undo(session, key[:64], by=by, at=runtime.clock())
    return answer(_to_json(judged, runtime.addresses), JSON, by=by)


@blueprint.get("/api/policy")
def rules() -> Response:
    """The rules by which verdicts decide, with their digest."""
    return answer({"digest": policy.digest(), "verdicts": VERDICTS, "reasons": REASONS[1:], **policy.rules()}, JSON)


@blueprint.get("/api/annotations/<key>/history")
def history(key: str) -> Response:
    """Who did what to an annotation and when, what people think of it, and what was put in its place."""
    by, runtime = principal.of_page(), context.current()
    with runtime.reads.begin() as session:
        body = service.history(session, key[:64], by=by, addresses=runtime.addresses)
    return answer(body, JSON, by=by)


@blueprint.get("/api/annotations/<key>/diff")
def diff(key: str) -> Response:
    """What differs between the versions `from` and `to`: words, numbers, shapes with their IoU, and other members."""
    by, runtime = principal.of_page(), context.current()
    numbers = integer("from", 0, 1, 2**31 - 1), integer("to", 0, 1, 2**31 - 1)
    if 0 in numbers:
        raise Invalid("Name two versions: from=1&to=2.", parameter="from" if not numbers[0] else "to")
    with runtime.reads.begin() as session:
        found = service.diff(session, key[:64], numbers, by=by, addresses=runtime.addresses)
    iri = runtime.addresses.annotation(key)
    told = differences.to_json(found, runtime.addresses)
    return answer({"from": f"{iri}/versions/{numbers[0]}", "to": f"{iri}/versions/{numbers[1]}", **told}, JSON, by=by)


@blueprint.post("/api/annotations/<key>/restore")
def restore(key: str) -> Response:
    """Let an earlier version (`{"version": 1}`) stand again, as a new one; If-Match says which one is looked at now."""
    by, runtime = principal.of_page_writer(), context.current()
    if "If-Match" not in request.headers:
        raise PreconditionRequired("Send If-Match with the ETag of what stands now, so that nobody's change is lost.")
    tags = request.if_match
    if_match = None if tags.star_tag else frozenset(tag.partition("-")[0] for tag in tags.as_set(include_weak=True))
    version = _whole(_object(request.get_json()).get("version"), "version")
    with runtime.db.begin() as session:
        annotation = annotations.restore(
            session, key[:64], version, by=by, addresses=runtime.addresses, at=runtime.clock(), if_match=if_match
        )
    headers = {"Location": runtime.addresses.annotation(annotation.key)}
    return answer(projections.w3c(annotation.document), ANNO, by=by, etag=annotation.etag, headers=headers)


def _judgement(body: Any, addresses: Addresses) -> Judgement:
    """Raises Invalid."""
    given = _object(body)
    if unknown := sorted(set(given) - set(MEMBERS)):
        raise Invalid(f"There is no member {unknown[0][:40]!r} of a verdict: the hub alone says what state follows.")
    name, verdict = given.get("annotation"), next((known for known in VERDICTS if known == given.get("verdict")), None)
    if verdict is None:
        raise Invalid(f"verdict is one of {', '.join(VERDICTS)}.", parameter="verdict")
    if not isinstance(name, str) or len(name) > 500:
        raise Invalid("annotation is the address of an annotation, or its key.", parameter="annotation")
    named = addresses.identify(name)
    key = named.key if named is not None and named.kind == "annotation" else name[:64]
    texts = {member: given.get(member, "") for member in ("reason", "comment", "clientKey")}
    for member, text in texts.items():
        if not isinstance(text, str):
            raise Invalid(f"{member} is a text.", parameter=member)
    version = _whole(given.get("version", named.version if named is not None and named.version else None), "version")
    return Judgement(key, version, verdict, texts["reason"], texts["comment"], given.get("correction"), texts["clientKey"])


def _object(body: Any) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Invalid("Send a JSON object.")
    return body


def _whole(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**31:
        raise Invalid(f"{name} is the number of a version, from 1.", parameter=name)
    return value


def _to_json(judged: Judged, addresses: Addresses) -> dict[str, Any]:
    return {
        "key": judged.key,
        "id": addresses.annotation(judged.key),
        "annotation": addresses.annotation(judged.annotation_key),
        "version": judged.version,
        "verdict": judged.verdict,
        "reason": judged.reason,
        "correction": addresses.annotation(judged.correction_key) if judged.correction_key else None,
        "state": judged.decision.state,
        "counts": judged.decision.to_json(),
    }
