"""`/api/imports`: a file of annotations, read by a worker; first a dry run, then, if it is accepted, taken in."""

from typing import Any

from flask import Blueprint, Response, request

from annotations.exchange.store import Import
from app.exchange import import_jobs
from app.exchange.importing import AskedImport
from app.runtime import clock, context, principal
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.http import answer, integer
from app.runtime.principal import Principal, require

blueprint = Blueprint("imports", __name__)
LAST_PAGE = 10_000
LONGEST_TABLE = 400_000
FIELDS = ("format", "layer", "classes", "write", "option")


@blueprint.get("/api/imports")
def listing() -> Response:
    """A page of imports, newest first; for curators."""
    by, runtime = principal.of_request(), context.current()
    number, size = integer("page", 1, 1, LAST_PAGE), integer("limit", runtime.settings.page_size, 1, 1000)
    with runtime.reads.begin() as session:
        found = import_jobs.page(session, by, offset=(number - 1) * size, limit=size + 1)
    body: dict[str, Any] = {"page": number, "items": [to_json(one, runtime.addresses, short=True) for one in found[:size]]}
    if len(found) > size:
        body["next"] = f"{runtime.addresses.base}/api/imports?limit={size}&page={number + 1}"
    return answer(body, by=by)


@blueprint.post("/api/imports")
def ask() -> Response:
    """202 with the address of the import. multipart/form-data: `file`, `format`, and as wished `layer`, `classes` (a table of
    CSV), `write` (yes: take it in; else it is only read), `option` (name=value)."""
    by = principal.of_writer()
    require(by, "curate")
    return _accepted(take(by), by)


@blueprint.get("/api/imports/<key>")
def one(key: str) -> Response:
    """One import with its report, once it has ended."""
    by, runtime = principal.of_request(), context.current()
    with runtime.reads.begin() as session:
        found = import_jobs.get(session, key, by)
    return answer(to_json(found, runtime.addresses), by=by)


@blueprint.post("/api/imports/<key>/accept")
def accept(key: str) -> Response:
    """202: what the dry run has read is taken in, by another import."""
    by = principal.of_writer()
    return _accepted(import_jobs.accept(context.current(), key, by), by)


def take(by: Principal) -> Import:
    """Keep the file that the form holds, and write the import down. Raises Invalid."""
    runtime = context.current()
    request.max_content_length = runtime.settings.max_import_bytes
    file = request.files.get("file")
    if file is None or not file.filename:
        raise Invalid("Send a file, as multipart/form-data with the field file.", parameter="file")
    asked = asked_of()
    asked.check()
    sha256, size = runtime.blobs.put(file.stream)  # type: ignore[arg-type]  # a file of bytes
    if not size:
        raise Invalid("The file has no content.", parameter="file")
    return import_jobs.ask(runtime, asked, file.filename, sha256, by)


def asked_of() -> AskedImport:
    """What the fields of the form say. Raises Invalid."""
    form = request.form
    unknown = set(form) - set(FIELDS)
    if unknown:
        raise Invalid(f"There is no field {sorted(unknown)[0][:40]!r}.", parameter=sorted(unknown)[0][:40])
    classes = form.get("classes", "")
    if len(classes) > LONGEST_TABLE:
        raise Invalid(f"A table of classes has up to {LONGEST_TABLE:,} characters.", parameter="classes")
    pairs = [pair.partition("=") for pair in form.getlist("option") if pair.strip()]
    options = {name.strip(): value.strip() for name, _, value in pairs}
    layer: Any = form.get("layer") or "people"
    return AskedImport(
        form.get("format", ""), layer, classes, dry=form.get("write", "") not in ("yes", "true", "1"), options=options
    )


def _accepted(made: Import, by: Principal) -> Response:
    addresses = context.current().addresses
    headers = {"Location": f"{addresses.base}/api/imports/{made.key}"}
    return answer(to_json(made, addresses), status=202, headers=headers, by=by)


def to_json(one: Import, addresses: Addresses, *, short: bool = False) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": f"{addresses.base}/api/imports/{one.key}",
        "key": one.key,
        "state": one.state,
        "reason": one.reason,
        "format": one.format,
        "file": one.file_name,
        "sha256": one.file_sha256,
        "dryRun": bool(one.options.get("dry")),
        "layer": one.options.get("layer"),
        "run": addresses.run(one.run_key) if one.run_key else "",
        "askedBy": addresses.who(one.asked_by),
        "createdAt": clock.iso(one.created_at),
        "endedAt": clock.iso(one.ended_at) if one.ended_at else "",
    }
    if not short and one.report is not None:
        body["report"] = one.report
    return {name: value for name, value in body.items() if value not in ("", None)}
