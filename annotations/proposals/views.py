"""Proposals for records over HTTP, and statements of every kind by their review state."""

import re
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, request
from werkzeug.exceptions import PreconditionRequired

from annotations.model import Annotation
from annotations.proposals import export, service
from annotations.proposals.service import Asked, Told
from annotations.proposed import form
from annotations.review import service as review
from annotations.states.derive import STATES, State
from annotations.views import seen_tags
from app.runtime import clock, context, principal
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.http import ANNO, JSON, answer, depends_on, integer
from app.runtime.principal import ALL, Grant
from iiif.catalogue import records
from ontology import darwin_core

blueprint = Blueprint("proposals", __name__)
MEMBERS = ("specimen", "term", "value", "verbatim", "source", "target")


@blueprint.post("/api/proposals")
def propose() -> Response:
    """Propose a value for a term of a record: 201 with the statement and what is doubtful in it; 200 where it is there."""
    by, runtime = principal.of_page_writer(), context.current()
    asked = _asked(request.get_json(), runtime.addresses)
    with runtime.db.begin() as session:
        told = service.propose(session, asked, by=by, addresses=runtime.addresses, at=runtime.clock())
    headers = {"Location": runtime.addresses.annotation(told.proposal.annotation.key)}
    return answer(proposal_json(told, runtime.addresses), JSON, 201 if told.fresh else 200, by=by, headers=headers)


@blueprint.get("/api/proposals")
def list_proposals() -> Response:
    """A page of statements in one review state, by key; `kind` narrows it, `after` is the key of the last one before.

    With `kind=proposal`, `term` or `collection`, of proposals for records, each beside what the record says.
    """
    by, runtime = principal.of_page(), context.current()
    state, limit, after = _state(), integer("limit", 50, 1, 500), request.args.get("after", "")[:64]
    kind, term = request.args.get("kind", "")[:32], request.args.get("term", "")[:200]
    collection = request.args.get("collection", "")[:600]
    if kind == form.KIND or term or collection:
        if kind not in ("", form.KIND):
            raise Invalid("term and collection are asked of proposals alone: leave `kind` out.", parameter="kind")
        where = _collection(collection)
        with runtime.reads.begin() as session:
            told = service.page(session, state, term=term, collection=where, by=by, after=after, limit=limit + 1)
        items = [proposal_json(one, runtime.addresses) for one in told[:limit]]
        following = told[limit - 1].proposal.annotation.key if len(told) > limit else None
    else:
        with runtime.reads.begin() as session:
            found = review.proposals(session, state, kind=kind, by=by, after=after, limit=limit + 1)
        items = [_statement_json(one, runtime.addresses) for one in found[:limit]]
        following = found[limit - 1].key if len(found) > limit else None
    return answer({"state": state, "items": items, "next": following}, JSON, by=by)


@blueprint.post("/api/specimens/<key>/restore")
def restore_record(key: str) -> Response:
    """Let the record say what people had accepted in an earlier version (`{"version": 1}`), as a new one; If-Match says which
    version is looked at now."""
    by, runtime = principal.of_page_writer(), context.current()
    body = request.get_json()
    number = body.get("version") if isinstance(body, dict) else None
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**31:
        raise Invalid("version is the number of a version of the record, from 1.", parameter="version")
    if "If-Match" not in request.headers:
        raise PreconditionRequired("Send If-Match with the ETag of the version that stands now, so that nobody's change is lost.")
    how: Any = {"seen": seen_tags(), "by": by, "addresses": runtime.addresses, "at": runtime.clock()}
    with runtime.db.begin() as session:
        version = service.restore_record(session, key[:64], number, **how)
    return answer(records.version_json(version, None, runtime.addresses), JSON, by=by, etag=records.etag_of(version.number))


@blueprint.get("/api/changes/<institution>.<any(csv, json, jsonl):form_name>")
def export_changes(institution: str, form_name: str) -> Response:
    """What people changed in the records of an institution, by its code (`-` for records without one): a table, an
    AnnotationPage, or an annotation a line."""
    by, runtime = principal.of_request(), context.current()
    code = "" if institution == "-" else institution[:255]
    how: Any = {"by": by, "addresses": runtime.addresses}
    if form_name == "csv":
        written, media_type = export.as_csv(runtime.reads, code, **how), "text/csv; charset=utf-8; header=present"
    elif form_name == "jsonl":
        written, media_type = export.as_lines(runtime.reads, code, **how), "application/x-ndjson"
    else:
        own = f"{runtime.addresses.base}/api/changes/{quote(institution, safe='')}.json"
        written, media_type = export.as_page(runtime.reads, code, own, **how), ANNO
    response = Response(written, content_type=media_type)
    response.headers["Content-Disposition"] = f'attachment; filename="changes-{_file_name(code)}.{form_name}"'
    depends_on(response, by)
    return response


def _file_name(code: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", code) or "none"


def proposal_json(told: Told, addresses: Addresses) -> dict[str, Any]:
    """The statement, what it proposes, and the record beside it."""
    proposal = told.proposal
    return {
        **_statement_json(proposal.annotation, addresses),
        "specimen": proposal.specimen_key,
        "page": addresses.specimen_page(proposal.specimen_key),
        "proposal": {
            "term": proposal.term,
            "termIri": darwin_core.iri_of(proposal.term),
            "value": proposal.value or None,
            "given": proposal.given,
            "verbatim": proposal.verbatim or None,
        },
        "record": {
            "column": told.column or None,
            "verbatim": told.verbatim or None,
            "sourceValue": told.source_value or None,
            "value": told.now or None,
        },
        "warnings": [{"code": note.code, "sentence": note.sentence} for note in told.notes],
    }


def _statement_json(annotation: Annotation, addresses: Addresses) -> dict[str, Any]:
    front, box = annotation.front, annotation.box
    return {
        "key": annotation.key,
        "id": addresses.annotation(annotation.key),
        "version": annotation.version,
        "etag": annotation.etag,
        "layer": annotation.layer,
        "kind": annotation.kind,
        "text": annotation.text[:500],
        "value": annotation.value,
        "unit": annotation.unit,
        "confidence": annotation.confidence,
        "state": annotation.state,
        "reason": annotation.state_reason,
        "run": addresses.run(annotation.run_key) if annotation.run_key else None,
        "specimen": front.specimen_key or None,
        "canvas": addresses.canvas(front.specimen_key, front.media_key) if front.media_key else None,
        "box": [box.x0, box.y0, box.x1, box.y1] if box else None,
        "created": clock.iso(annotation.created_at),
    }


def _state() -> State:
    asked = request.args.get("state", "unreviewed")
    for state in STATES:
        if state == asked:
            return state
    raise Invalid(f"state is one of {', '.join(STATES)}.", parameter="state")


def _collection(name: str) -> tuple[str, str]:
    """`BR` or `BR/HERB`, written as in grants; two empty texts for all. Raises Invalid."""
    grant = Grant.parse("reader", name or ALL)
    return ("", "") if grant.institution == ALL else (grant.institution, grant.collection)


def _asked(body: Any, addresses: Addresses) -> Asked:
    """Raises Invalid."""
    if not isinstance(body, dict):
        raise Invalid("Send a JSON object.")
    if unknown := sorted(set(body) - set(MEMBERS)):
        raise Invalid(f"There is no member {unknown[0][:40]!r} of a proposal: it has {', '.join(MEMBERS)}.")
    texts = {name: body.get(name, "") for name in MEMBERS[:-1]}
    for name, text in texts.items():
        if not isinstance(text, str) or len(text) > form.LONGEST_VALUE:
            raise Invalid(f"{name} is a text of up to {form.LONGEST_VALUE:,} characters.", parameter=name)
    for name in ("specimen", "term", "value"):
        if not texts[name].strip():
            raise Invalid(f"A proposal needs {name}.", parameter=name)
    if texts["source"] and "target" in body:
        raise Invalid(
            "Give `source`, a statement, or `target`, a region; the statement has a place of its own.", parameter="target"
        )
    specimen, source = (_key(texts[name], kind, addresses) for name, kind in (("specimen", "specimen"), ("source", "annotation")))
    return Asked(specimen, texts["term"], texts["value"], texts["verbatim"], source, body.get("target"))


def _key(name: str, kind: str, addresses: Addresses) -> str:
    named = addresses.identify(name) if name else None
    return named.key if named is not None and named.kind == kind else name[:64]
