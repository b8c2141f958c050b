"""Datasets over HTTP: making, freezing, comparing and withdrawing them."""

from typing import Any

from flask import Blueprint, Response, request

from annotations.datasets import differences, drafts, manifest, service, work
from annotations.datasets.errors import BadDataset
from app.runtime import context, ids, principal
from app.runtime.http import JSON, answer, integer
from app.runtime.principal import Principal

blueprint = Blueprint("datasets", __name__)
IMMUTABLE = "public, max-age=31536000, immutable"
JSON_LINES = "application/x-ndjson"


def _writer() -> Principal:
    """Who changes something. Raises NotAllowed, Forbidden for who may annotate nowhere."""
    by = principal.of_writer()
    principal.require_somewhere(by, "annotate")
    return by


@blueprint.get("/api/datasets")
def listing() -> Response:
    """Datasets with a version, those frozen last first; `after` is the key of the last one of the page before."""
    runtime, limit = context.current(), integer("limit", 50, 1, 500)
    with runtime.reads.begin() as session:
        found = service.page(session, after=request.args.get("after", "")[:16], limit=limit + 1)
        total = service.count(session)
    items = [
        {**service.to_json(one, runtime.addresses), "version": service.version_json(version, runtime.addresses)}
        for one, version in found[:limit]
    ]
    return answer({"total": total, "items": items, "next": found[limit - 1][0].key if len(found) > limit else None}, JSON)


@blueprint.post("/api/datasets")
def create() -> Response:
    """201: a dataset. Its first version is frozen in the background, unless `freeze=0`: the job is told."""
    by, runtime = _writer(), context.current()
    draft = drafts.draft_of(request.get_json())
    with runtime.db.begin() as session:
        dataset = service.create(session, draft, by=by, naan=runtime.settings.naan, at=runtime.clock())
        job = None
        if integer("freeze", 1, 0, 1):
            job = work.ask_freeze(session, dataset.key, by=by, naan=runtime.settings.naan, at=runtime.clock())
    said = {**service.to_json(dataset, runtime.addresses), "job": job and work.to_json(job, runtime.addresses)}
    return answer(said, JSON, 201, by=by, headers={"Location": runtime.addresses.dataset_record(dataset.key)})


@blueprint.get("/api/datasets/<key>")
def read(key: str) -> Response:
    """A dataset with its newest version, if it has one."""
    runtime = context.current()
    with runtime.reads.begin() as session:
        dataset = service.get(session, key)
        found = service.versions(session, key, limit=1)
    version = service.version_json(found[0], runtime.addresses) if found else None
    return answer({**service.to_json(dataset, runtime.addresses), "version": version}, JSON)


@blueprint.put("/api/datasets/<key>")
def describe(key: str) -> Response:
    """Describe it anew; versions that are frozen keep what was said of them."""
    by, runtime = _writer(), context.current()
    with runtime.reads.begin() as session:
        service.require_keeper(by, service.get(session, key).created_by)
    draft = drafts.draft_of(request.get_json())
    with runtime.db.begin() as session:
        dataset = service.describe(session, key, draft, by=by)
    return answer(service.to_json(dataset, runtime.addresses), JSON, by=by)


@blueprint.get("/api/datasets/<key>/versions")
def versions(key: str) -> Response:
    """Its versions, the newest first; `before` is the number of the last one of the page before."""
    runtime, limit = context.current(), integer("limit", 50, 1, 500)
    with runtime.reads.begin() as session:
        found = service.versions(session, key, before=integer("before", 0, 0, 10**9), limit=limit + 1)
    items = [service.version_json(one, runtime.addresses) for one in found[:limit]]
    return answer({"items": items, "next": found[limit - 1].number if len(found) > limit else None}, JSON)


@blueprint.post("/api/datasets/<key>/versions")
def freeze(key: str) -> Response:
    """202 and the job that freezes the next version; none comes of it where nothing has changed."""
    by, runtime = _writer(), context.current()
    with runtime.db.begin() as session:
        job = work.ask_freeze(session, key, by=by, naan=runtime.settings.naan, at=runtime.clock())
    said = work.to_json(job, runtime.addresses)
    return answer(said, JSON, 202, by=by, headers={"Location": said["id"]})


@blueprint.post("/api/datasets/<key>/versions/<int:number>/withdraw")
def withdraw(key: str, number: int) -> Response:
    """Withdraw a version, with a `reason`; what it was is told for ever."""
    by, runtime = _writer(), context.current()
    with runtime.reads.begin() as session:
        service.require_keeper(by, service.get(session, key).created_by)
    said: Any = request.get_json()
    if not isinstance(said, dict) or not isinstance(said.get("reason"), str):
        raise BadDataset("Send a JSON object with the reason, a text.", parameter="reason")
    with runtime.db.begin() as session:
        version = service.withdraw(session, key, number, said["reason"], by=by, at=runtime.clock())
    return answer(service.version_json(version, runtime.addresses), JSON, by=by)


@blueprint.get("/api/datasets/<key>/diff")
def diff(key: str) -> Response:
    """What is different from version `from` to version `to`: counts of all, and the first thousand of each kind."""
    runtime = context.current()
    earlier, later = integer("from", 0, 0, 10**9), integer("to", 0, 0, 10**9)
    with runtime.reads.begin() as session:
        dataset = service.get(session, key)
        after = service.get_standing(session, key, later or dataset.newest)
        before = service.get_standing(session, key, earlier or after.previous)
        found = differences.compare(session, before, after)
    return answer({"from": before.number, "to": after.number, **found.to_json()}, JSON)


@blueprint.get("/api/exports/<key>")
def job(key: str) -> Response:
    """How far a freeze or an export is."""
    runtime = context.current()
    with runtime.reads.begin() as session:
        found = work.get(session, key)
    return answer(work.to_json(found, runtime.addresses), JSON, headers={"Cache-Control": "no-cache"})


@blueprint.delete("/api/exports/<key>")
def cancel(key: str) -> Response:
    """Have a freeze or an export end."""
    by, runtime = _writer(), context.current()
    with runtime.db.begin() as session:
        found = work.cancel(session, key, by=by, at=runtime.clock())
    return answer(work.to_json(found, runtime.addresses), JSON, by=by)


@blueprint.get("/datasets/<name>/members.jsonl")
def members(name: str) -> Response:
    """The manifest of a version, which never changes: its SHA-256 is the content id, and its strong ETag."""
    runtime = context.current()
    key, number = service.split_key(name)
    with runtime.reads.begin() as session:
        version = service.get_standing(session, key, number or service.get(session, key).newest)

    def body() -> Any:
        with runtime.reads.begin() as session:
            yield from manifest.lines(session, key, version.number, version.told, runtime.settings.naan)

    response = Response(body(), content_type=JSON_LINES)
    response.headers["Content-Length"] = str(version.manifest_bytes)
    response.headers["Cache-Control"] = IMMUTABLE if number else "no-cache"
    response.headers["Content-Disposition"] = f'attachment; filename="{version.name}.members.jsonl"'
    response.set_etag(version.content_id)
    response.make_conditional(request)
    return response


@blueprint.get("/datasets/<name>/manifest.sha256")
def checksum(name: str) -> Response:
    """For `sha256sum -c` beside `members.jsonl`."""
    runtime = context.current()
    key, number = service.split_key(name)
    with runtime.reads.begin() as session:
        version = service.get_standing(session, key, number or service.get(session, key).newest)
    response = Response(f"{version.content_id}  members.jsonl\n", content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = IMMUTABLE if number else "no-cache"
    response.set_etag(ids.ni(version.content_id).rpartition(";")[2])
    response.make_conditional(request)
    return response
