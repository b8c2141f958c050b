"""Datasets over HTTP: making, freezing, comparing and withdrawing them."""

from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, request

from annotations.datasets import (
    citing,
    content,
    croissant,
    differences,
    drafts,
    exporting,
    manifest,
    packaging,
    service,
    web_dataset,
    work,
)
from annotations.datasets.archive import Archive
from annotations.datasets.describing import Described
from annotations.datasets.errors import BadDataset, UnknownDataset
from annotations.datasets.model import Version
from annotations.datasets.packaging import KeptFile
from app.runtime import context, ids, principal
from app.runtime.blobs import CHUNK
from app.runtime.errors import Unavailable
from app.runtime.http import JSON, answer, integer
from app.runtime.principal import Principal

blueprint = Blueprint("datasets", __name__)
IMMUTABLE = "public, max-age=31536000, immutable"
MADE_AT_ONCE = 20_000  # images and annotations of which documents are made while somebody waits
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


@blueprint.post("/api/datasets/<key>/versions/<int:number>/exports")
def export(key: str, number: int) -> Response:
    """202 and the job that makes the files of a version in a `format`. Whoever may annotate anywhere may."""
    by, runtime = _writer(), context.current()
    said: Any = request.get_json()
    if not isinstance(said, dict) or set(said) != {"format"} or not isinstance(said["format"], str):
        raise BadDataset("Send a JSON object with the format, a text.", parameter="format")
    exporting.check(said["format"])
    version = _standing(f"{key}.v{number}")
    with runtime.db.begin() as session:
        job = work.ask_export(session, version, said["format"], by=by.name, naan=runtime.settings.naan, at=runtime.clock())
    told = work.to_json(job, runtime.addresses)
    return answer(told, JSON, 202, by=by, headers={"Location": told["id"]})


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
    version = _standing(name)

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


@blueprint.get("/datasets/<name>/archive.zip")
def archive(name: str) -> Response:
    """A version in a `format` with the originals, as one zip that is streamed; with `images=0` its documents alone."""
    runtime, version = context.current(), _standing(name)
    format_name = request.args.get("format", packaging.PACKAGE)
    exporting.check(format_name)
    spec, files = _files(version, format_name)
    with runtime.reads.begin() as session:
        held = content.withheld(session, version, runtime.settings)
    images = bool(integer("images", 1, 0, 1)) and format_name != web_dataset.NAME  # whose shards hold them
    whole = Archive(runtime, version, files, held, spec, with_images=images)
    suffix = "" if format_name == packaging.PACKAGE else f".{format_name}"
    return _ranged(whole, f"{version.name}{suffix}.zip")


@blueprint.get("/datasets/<name>/files/<path:file>")
def kept_file(name: str, file: str) -> Response:
    """A document of the default package."""
    version = _standing(name)
    _, files = _package(version)
    if file not in files:
        raise UnknownDataset(f"{version.name} has no file {file[:80]!r}; there are {', '.join(sorted(files))}.")
    return _of_file(files[file])


@blueprint.get("/datasets/<name>/<any('croissant.json', 'ro-crate-metadata.json', 'datacite.json', 'datacite.xml'):file>")
def described(name: str, file: str) -> Response:
    """A description of the version for machines."""
    version = _standing(name)
    if file == "croissant.json":
        of = Described(version, context.current().addresses)
        _, files = _package(version)
        said = croissant.croissant(of, [one.made for one in files.values()], base=of.below("files/"))
        return answer(said, 'application/ld+json; profile="http://mlcommons.org/croissant/1.1"')
    return kept_file(name, file)


@blueprint.get("/datasets/<name>/citation.<any(txt, bib, ris, json):form>")
def citation(name: str, form: citing.Form) -> Response:
    """How the version is cited."""
    version = _standing(name)
    response = Response(
        citing.written(Described(version, context.current().addresses), form), content_type=citing.MEDIA_TYPES[form]
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{version.name}.{form}"'
    response.add_etag()
    response.make_conditional(request)
    return response


def _standing(name: str) -> Version:
    """The version of that name; of a dataset its newest. Raises UnknownDataset, WithdrawnVersion."""
    key, number = service.split_key(name)
    with context.current().reads.begin() as session:
        return service.get_standing(session, key, number or service.get(session, key).newest)


def _package(version: Version) -> tuple[str, dict[str, KeptFile]]:
    return _files(version, packaging.PACKAGE)


def _files(version: Version, format_name: str) -> tuple[str, dict[str, KeptFile]]:
    """Its files in that format. Raises Unavailable where a job has to make them first."""
    runtime = context.current()
    size = version.summary["images"] + version.summary["annotations"]
    large = size > MADE_AT_ONCE or (format_name == web_dataset.NAME and size > MADE_AT_ONCE // 20)
    if large and not exporting.is_made(runtime, version, format_name):
        with runtime.db.begin() as session:
            work.ask_export(session, version, format_name, by=version.asked_by, naan=runtime.settings.naan, at=runtime.clock())
        raise Unavailable("The files of this version are being made: ask again in some minutes.")
    return exporting.export(runtime, version, format_name)


def _of_file(one: KeptFile) -> Response:
    """A file among the blobs, whole or in part."""
    blobs = context.current().blobs

    def body() -> Iterator[bytes]:
        with blobs.open(one.sha256) as stream:
            while chunk := stream.read(CHUNK):
                yield chunk

    response = Response(body(), content_type=one.media_type)
    response.content_length = one.byte_size
    response.set_etag(one.sha256)
    response.headers["Cache-Control"] = "no-cache"  # what is withheld is asked each time
    response.make_conditional(request, accept_ranges=True, complete_length=one.byte_size)
    return response


def _ranged(whole: Archive, file_name: str) -> Response:
    """An archive, whole or a range of it (RFC 9110, section 14)."""
    length, tag = whole.shape().length, whole.tag
    fresh = "If-Range" not in request.headers or request.if_range.etag == tag
    asked = request.range.range_for_length(length) if request.range is not None and fresh else None
    head = {"Accept-Ranges": "bytes", "Cache-Control": "no-cache"}
    head["Content-Disposition"] = f'attachment; filename="{file_name}"'
    if request.range is not None and fresh and asked is None and len(request.range.ranges) == 1:
        return Response(status=416, headers={**head, "Content-Range": f"bytes */{length}"})
    start, stop = asked or (0, length)
    body = () if request.method == "HEAD" else whole.stream(start, stop)
    response = Response(body, 206 if asked else 200, content_type="application/zip", headers=head)
    response.content_length = stop - start
    if asked:
        response.headers["Content-Range"] = f"bytes {start}-{stop - 1}/{length}"
    response.set_etag(tag)
    if request.if_none_match and tag in request.if_none_match:
        return Response(status=304, headers={"ETag": f'"{tag}"'})
    return response
