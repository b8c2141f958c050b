"""The queue over HTTP: what waits and why, leases, and many verdicts at once; for pages and programs."""

import math
import secrets
from typing import Any

from flask import Blueprint, Response, request

from annotations.model import Annotation
from annotations.proposed import form
from annotations.queue import batches, service
from annotations.queue.batches import Batch, Rule
from annotations.queue.model import LEASE, MOST_HELD, MOST_TAKEN, ORDERS, Asked, Cursor
from annotations.queue.service import Question
from annotations.review.service import LONGEST_CLIENT_KEY
from annotations.waiting import WAITING
from app.runtime import clock, context, principal
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.http import JSON, answer, integer
from app.runtime.principal import Grant
from ontology.darwin_core import label_of

blueprint = Blueprint("queue", __name__)
LEASING = ("kind", "class", "collection", "state", "order", "take", "have", "renew", "giveBack", "skip")
BATCHING = ("kind", "class", "collection", "run", "minConfidence", "clientKey")
RECORD = (
    "scientificName", "typeStatus", "catalogNumber", "institutionCode", "collectionCode", "recordedBy", "recordNumber",
    "eventDate", "country", "stateProvince", "locality",
)  # fmt: skip


@blueprint.get("/api/queue")
def look() -> Response:
    """A page of what waits, in order, each with why it comes; nothing is leased."""
    by, runtime = principal.of_page(), context.current()
    asked, limit = _asked(dict(request.args)), integer("limit", 20, 1, 100)
    after = Cursor.read(request.args["after"]) if request.args.get("after") else None
    with runtime.reads.begin() as session:
        found, following = service.look(session, asked, by=by, after=after, limit=limit)
    items = [_question(one, runtime.addresses) for one in found]
    return answer({"items": items, "next": following.text() if following else None}, JSON, by=by)


@blueprint.get("/api/queue/counts")
def counts() -> Response:
    """How many statements wait, by kind, where who asks may write."""
    by, runtime = principal.of_page(), context.current()
    with runtime.reads.begin() as session:
        found = service.counts(session, by=by)
    kinds = [
        {"kind": one.kind, "waiting": one.waiting, "states": dict(one.states), "classes": dict(one.classes)} for one in found
    ]
    return answer({"waiting": sum(one.waiting for one in found), "kinds": kinds}, JSON, by=by)


@blueprint.post("/api/queue/leases")
def lease() -> Response:
    """Pass over, give back, hold on to, and take items, in this order; the answer has those taken and those held on to."""
    by, runtime = principal.of_page_writer(), context.current()
    given = _object(request.get_json(), LEASING)
    skipped = _versions(given.get("skip", []))
    back, longer, have = (_keys(given.get(name, []), name) for name in ("giveBack", "renew", "have"))
    number = _whole(given.get("take", 0), "take", MOST_TAKEN)
    asked = _asked(given)
    if number and not asked.kind:
        raise Invalid("Say which question is to be answered: kind is label, say.", parameter="kind")
    principal.require_somewhere(by, "annotate")
    at = runtime.clock()
    with runtime.db.begin() as session:
        service.skip(session, skipped, by=by, at=at)
        service.give_back(session, back, by=by)
        renewed = service.renew(session, longer, by=by, at=at)
        taken = service.take(session, asked, number, by=by, at=at, have=have) if number else ()
    body = {
        "items": [_question(one, runtime.addresses, whole=True) for one in taken],
        "renewed": sorted(renewed),
        "until": clock.iso(at + LEASE),
    }
    return answer(body, JSON, by=by)


@blueprint.post("/api/verdicts/batch")
def batch() -> Response:
    """Accept all that a rule chooses: with `dry_run=1` how many that would be and some of them, and nothing is written."""
    by, runtime = principal.of_page_writer(), context.current()
    given = _object(request.get_json(), BATCHING)
    rule, addresses = _rule(given), runtime.addresses
    if integer("dry_run", 0, 0, 1):
        with runtime.reads.begin() as session:
            seen = batches.preview(session, rule, by=by)
        body: dict[str, Any] = {
            "count": seen.count,
            "more": seen.more,
            "sample": [_question(one, addresses) for one in seen.sample],
            "passedOver": {"disputed": seen.disputed, "stale": seen.stale},
        }
        return answer(body, JSON, by=by)
    client_key = given.get("clientKey") or secrets.token_urlsafe(16)
    if not isinstance(client_key, str) or len(client_key) > LONGEST_CLIENT_KEY:
        raise Invalid(f"clientKey is a text of up to {LONGEST_CLIENT_KEY} characters.", parameter="clientKey")
    at = runtime.clock()
    with runtime.db.begin() as session:
        key = batches.choose(session, rule, by=by, client_key=client_key, at=at, naan=addresses.naan)
    done = batches.accept(runtime.db.begin, key, by=by, addresses=addresses, at=at)
    return answer(_batch(done, addresses), JSON, by=by, headers={"Location": f"{addresses.base}/api/verdicts/batch/{key}"})


@blueprint.delete("/api/verdicts/batch/<key>")
def undo_batch(key: str) -> Response:
    """Take back all verdicts of a batch of one's own."""
    by, runtime = principal.of_page_writer(), context.current()
    principal.require_somewhere(by, "annotate")
    done = batches.undo(runtime.db.begin, key[:64], by=by, at=runtime.clock())
    return answer(_batch(done, runtime.addresses), JSON, by=by)


def _asked(given: dict[str, Any]) -> Asked:
    """Raises Invalid."""
    order = next((known for known in ORDERS if known == given.get("order", "gain")), None)
    if order is None:
        raise Invalid(f"order is one of {', '.join(ORDERS)}.", parameter="order")
    state = given.get("state", "")
    if state not in ("", *WAITING):
        raise Invalid(f"state is one of {', '.join(WAITING)}.", parameter="state")
    kind, stated_class = _text(given, "kind", 32), _text(given, "class", 100)
    institution, collection = _collection(given)
    return Asked(kind, stated_class, institution, collection, state, order)


def _collection(given: dict[str, Any]) -> tuple[str, str]:
    """`BR` or `BR/HERB`, as roles name them. Raises Invalid."""
    named = _text(given, "collection", 255)
    if not named or named == "all":
        return "", ""
    grant = Grant.parse("reader", named)
    return grant.institution, grant.collection


def _rule(given: dict[str, Any]) -> Rule:
    confidence = given.get("minConfidence")
    if not isinstance(confidence, int | float) or isinstance(confidence, bool) or not math.isfinite(confidence):
        raise Invalid("minConfidence is a number above 0.5 and at most 1.", parameter="minConfidence")
    institution, collection = _collection(given)
    run = _text(given, "run", 200).rpartition("/")[2][:16]
    return Rule(_text(given, "kind", 32), float(confidence), _text(given, "class", 100), institution, collection, run)


def _object(body: Any, members: tuple[str, ...]) -> dict[str, Any]:
    if not isinstance(body, dict):
        raise Invalid("Send a JSON object.")
    if unknown := sorted(set(body) - set(members)):
        raise Invalid(f"There is no member {str(unknown[0])[:40]!r} here: known are {', '.join(members)}.")
    return body


def _text(given: dict[str, Any], name: str, longest: int) -> str:
    text = given.get(name, "")
    if not isinstance(text, str) or len(text) > longest or "\0" in text:
        raise Invalid(f"{name} is a text of up to {longest} characters.", parameter=name)
    return text


def _keys(given: Any, name: str) -> list[str]:
    if not isinstance(given, list) or len(given) > MOST_HELD or not all(isinstance(key, str) for key in given):
        raise Invalid(f"{name} is a list of up to {MOST_HELD} keys of annotations.", parameter=name)
    return [key[:64] for key in given]


def _versions(given: Any) -> dict[str, int]:
    sentence = f'skip is a list of up to {MOST_HELD} of {{"annotation": key, "version": number}}.'
    if not isinstance(given, list) or len(given) > MOST_HELD or not all(isinstance(one, dict) for one in given):
        raise Invalid(sentence, parameter="skip")
    found = {}
    for one in given:
        key, version = one.get("annotation"), one.get("version")
        if not isinstance(key, str) or not isinstance(version, int) or not 0 < version < 2**31:
            raise Invalid(sentence, parameter="skip")
        found[key[:64]] = version
    return found


def _whole(value: Any, name: str, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
        raise Invalid(f"{name} is a whole number from 0 to {most}.", parameter=name)
    return value


def _batch(done: Batch, addresses: Addresses) -> dict[str, Any]:
    return {
        "key": done.key,
        "id": f"{addresses.base}/api/verdicts/batch/{done.key}",
        "chosen": done.chosen,
        "accepted": done.accepted,
        "refused": [{"annotation": key, "why": why} for key, why in done.refused],
        "undone": done.undone,
    }


def _term(annotation: Annotation, addresses: Addresses) -> str | None:
    """For people, the Darwin Core term for which a value is proposed; None for all that is no proposal."""
    return label_of(form.read(annotation.document, addresses).term) if annotation.kind == form.KIND else None


def _question(question: Question, addresses: Addresses, *, whole: bool = False) -> dict[str, Any]:
    """An item; `whole` with the statement's document, from which a correction is made."""
    item, annotation, specimen = question.item, question.annotation, question.specimen
    box, media = annotation.box, question.media
    told: dict[str, Any] = {
        "key": item.annotation_key,
        "id": addresses.annotation(item.annotation_key),
        "version": annotation.version,
        "etag": annotation.etag,
        "layer": annotation.layer,
        "kind": item.kind,
        "class": item.stated_class,
        "term": _term(annotation, addresses),
        "state": item.state,
        "why": list(service.reasons(question)),
        "gain": item.gain,
        "uncertainty": item.uncertainty,
        "disagreement": item.disagreement,
        "confidence": annotation.confidence,
        "text": annotation.text[: service.LONGEST_WORDS],
        "value": annotation.value,
        "unit": annotation.unit,
        "since": clock.iso(item.since),
        "specimen": specimen.key if specimen else None,
        "canvas": addresses.canvas(annotation.specimen_key, annotation.media_key) if media and annotation.specimen_key else None,
        "box": [box.x0, box.y0, box.x1, box.y1] if box else None,
        "outline": question.outline,
        "record": {term: specimen.interpreted[term] for term in RECORD if specimen and specimen.interpreted.get(term)},
        "words": [{"kind": kind, "text": text} for kind, text in question.words],
        "image": None,
    }
    if media is not None:
        shown = media.state == "ready" and media.access != "closed"
        told["image"] = {
            "key": media.key,
            "width": media.width_px,
            "height": media.height_px,
            "access": media.access,
            "shown": shown,
        }
    return told | ({"document": dict(annotation.document)} if whole else {})
