"""Like segments over HTTP, and a name for all of them."""

from typing import Any

from flask import Blueprint, Response, request

from annotations.groups import service
from annotations.groups.service import Name
from annotations.segments import service as segments
from app.runtime import context, principal
from app.runtime.errors import Invalid
from app.runtime.http import JSON, answer, integer

blueprint = Blueprint("groups", __name__)
MEMBERS = ("by", "term", "value", "after")


@blueprint.get("/api/segments/<segment:key>/like")
def like(key: str) -> Response:
    """A page of the segments that are like this one, `by=words` or `by=form`; `after` is the key of the last one before."""
    by, runtime, limit = principal.of_page(), context.current(), integer("limit", 50, 1, 500)
    rule, after = request.args.get("by", "words"), request.args.get("after", "")[:64]
    with runtime.reads.begin() as session:
        found = service.like(session, key, rule, by=by, after=after, limit=limit + 1)
        shown = found[:limit]
        lying, media = segments.specimens_of(session, shown), segments.images_of(session, shown)
    items = [segments.to_json(one, media[one.media_key], lying[one.key], runtime.addresses) for one in shown]
    return answer({"by": rule, "items": items, "next": shown[-1].key if len(found) > limit else None}, JSON, by=by)


@blueprint.post("/api/segments/<segment:key>/like/proposals")
def propose(key: str) -> Response:
    """Propose `value` for `term` of the records of all of them; with `dry_run=1` who they are, and nothing is written."""
    by, runtime = principal.of_page_writer(), context.current()
    principal.require_somewhere(by, "judge")
    name = _name(key)
    if integer("dry_run", 0, 0, 1):
        with runtime.reads.begin() as session:
            found = service.group(session, name, by=by)
        sample = [{"specimen": member.specimen_key, "segment": member.segment.key} for member in found.members[: service.SHOWN]]
        told = {"segments": found.segments, "specimens": len(found.members), "next": found.following or None, "sample": sample}
        return answer(told, JSON, by=by)
    done = service.propose(runtime.db.begin, name, by=by, addresses=runtime.addresses, at=runtime.clock())
    passed = [{"specimen": specimen, "why": why} for specimen, why in done.passed_over]
    outcome = {"made": list(done.made), "known": done.known, "passedOver": passed, "next": done.following or None}
    return answer(outcome, JSON, by=by)


@blueprint.delete("/api/segments/<segment:key>/like/proposals")
def take_back(key: str) -> Response:
    """Take back one's own of these that nobody has judged."""
    by, runtime = principal.of_page_writer(), context.current()
    principal.require_somewhere(by, "judge")
    number, following = service.take_back(runtime.db.begin, _name(key), by=by, at=runtime.clock())
    return answer({"takenBack": number, "next": following or None}, JSON, by=by)


def _name(key: str) -> Name:
    given: Any = request.get_json()
    if not isinstance(given, dict) or set(given) - set(MEMBERS):
        raise Invalid(f"Send a JSON object with {', '.join(MEMBERS)}.")
    if not all(isinstance(value, str) and len(value) <= 10_000 and "\0" not in value for value in given.values()):
        raise Invalid("by, term, value and after are texts.")
    return Name(key, given.get("by", "words"), given.get("term", ""), given.get("value", ""), given.get("after", "")[:64])
