"""Runs, their tasks and pipelines over HTTP. `/api/runs/j1…` still answers for an ingest."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from analytics import pipelines, selections, service
from analytics.errors import BadRun
from analytics.model import RUN_STATES, TASK_STATES, Run, Selection, Task
from app.runtime import clock, context, ids
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.http import answer, integer
from app.runtime.principal import Principal, of_request, of_writer, require
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import sees
from iiif.ingest import service as ingests
from iiif.ingest import views as ingest_views
from iiif.ingest.model import Ingest

blueprint = Blueprint("analytics", __name__)
LAST_PAGE = 10_000
FILTERS = ("state", "pipeline", "ingest", "media", "specimen")
ASKABLE = {"pipeline", "selection", "seed", "again", "retry"}
OF_THE_IMAGE = {"reason", "inputDigest", "steps"}  # what a machine made of it, and its digest
SELECTION = {"kind", "media", "specimens", "query"}


@blueprint.get("/api/runs")
def runs() -> Response:
    """A page of runs, newest first. `state=running` are those that have not ended, waiting included."""
    if request.args.get("kind") == "ingest":
        return ingest_views.listing("/api/runs?kind=ingest&", _ingest_as_run)
    runtime, by = context.current(), of_request()
    where = {name: request.args.get(name, "")[:64] for name in FILTERS}
    if where["state"] not in ("", *RUN_STATES):
        raise Invalid(f"state is one of {', '.join(RUN_STATES)}.", parameter="state")
    page, size = integer("page", 1, 1, LAST_PAGE), integer("limit", runtime.settings.page_size, 1, 1000)
    with runtime.reads.begin() as session:
        total = service.count(session, **where)
        found = service.page(session, **where, offset=(page - 1) * size, limit=size)
        items = _with_only_images(session, found, runtime.addresses, by, short=True)
    addresses = runtime.addresses
    body: dict[str, Any] = {"total": total, "page": page, "items": items}
    if page * size < total and page < LAST_PAGE:
        asked = {name: value for name, value in where.items() if value} | {"limit": size, "page": page + 1}
        body["next"] = f"{addresses.base}/api/runs?{urlencode(asked)}"
    return answer(body, by=by)


@blueprint.post("/api/runs")
def ask() -> Response:
    """202: a run of a pipeline over a selection, whose images the workers look up. Needs the role curator."""
    by, runtime = of_writer(), context.current()
    require(by, "curate")
    asked = _asked(ASKABLE)
    selection = _selection(asked.get("selection"))
    how = {"seed": _typed(asked, "seed", int, 0), "again": _typed(asked, "again", bool, False)}
    how |= {"retry": _typed(asked, "retry", bool, False)}
    pipeline, naan = _typed(asked, "pipeline", str, "sheet"), runtime.settings.naan
    service.check(selection, how["seed"])
    selections.check(runtime, selection)
    with runtime.db.begin() as session:
        run = service.ask(session, selection, pipeline, by=by, naan=naan, at=runtime.clock(), **how)
    return answer(to_json(run, runtime.addresses), status=202, headers={"Location": runtime.addresses.run(run.key)})


@blueprint.get("/api/runs/<key>")
def run(key: str) -> Response:
    """One run; of a run over one image also what became of that."""
    if key.startswith(ids.INGEST):
        by = of_request()
        with context.current().reads.begin() as session:
            ingest = ingests.get(session, key, by=by)
        return answer(_ingest_as_run(ingest, context.current().addresses), by=by)
    return _one(key)


@blueprint.get("/api/runs/<key>/tasks")
def run_tasks(key: str) -> Response:
    """A page of the run's images in the order of their keys, each with its steps; `state=` narrows it, `after=` goes on."""
    runtime = context.current()
    state, after = request.args.get("state", ""), request.args.get("after", "")[:64]
    if state not in ("", *TASK_STATES):
        raise Invalid(f"state is one of {', '.join(TASK_STATES)}.", parameter="state")
    size = integer("limit", runtime.settings.page_size, 1, 1000)
    with runtime.reads.begin() as session:
        counts = service.get(session, key).counts
        found = service.list_tasks(session, key, state=state, after=after, limit=size + 1)
        media = catalogue.media_by_key(session, [task.media_key for task in found])
    addresses, by = runtime.addresses, of_request()
    shown = found[:size]
    total = counts[state] if state else sum(counts.values())
    body: dict[str, Any] = {
        "total": total,
        "items": [task_json(task, media.get(task.media_key), addresses, by) for task in shown],
    }
    if len(found) > size:
        asked = ({"state": state} if state else {}) | {"limit": size, "after": shown[-1].media_key}
        body["next"] = f"{addresses.run(key)}/tasks?{urlencode(asked)}"
    return answer(body, by=by)


@blueprint.post("/api/runs/<key>/cancel")
def cancel(key: str) -> Response:
    """Waiting tasks never begin; steps that are being done end."""
    by, runtime = of_writer(), context.current()
    with runtime.db.begin() as session:
        service.cancel(session, key, by=by, at=runtime.clock())
    return _one(key)


@blueprint.post("/api/runs/<key>/retract")
def retract(key: str) -> Response:
    """202: all that the run stated is withdrawn, for the `reason` given."""
    by, runtime = of_writer(), context.current()
    reason = _typed(_asked({"reason"}), "reason", str, "")
    with runtime.db.begin() as session:
        service.retract(session, key, reason, by=by, at=runtime.clock())
    return _one(key, 202)


@blueprint.post("/api/runs/<key>/restore")
def restore(key: str) -> Response:
    """202: all that a retracted run stated stands again as it was."""
    by, runtime = of_writer(), context.current()
    with runtime.db.begin() as session:
        service.restore(session, key, by=by, at=runtime.clock())
    return _one(key, 202)


@blueprint.get("/api/pipelines")
def all_pipelines() -> Response:
    names = pipelines.names()
    return answer({"total": len(names), "items": [pipelines.load(name).to_json() for name in names]})


@blueprint.get("/api/pipelines/<name>")
def pipeline(name: str) -> Response:
    return answer(pipelines.load(name).to_json())


def to_json(run: Run, addresses: Addresses, *, short: bool = False) -> dict[str, Any]:
    """A run under camelCase names; `short` leaves out parameters, models and environment."""
    at = {
        "createdAt": run.created_at,
        "frozenAt": run.frozen_at,
        "startedAt": run.started_at,
        "endedAt": run.ended_at,
        "cancelledAt": run.cancelled_at,
        "retractedAt": run.retracted_at,
        "restoredAt": run.restored_at,
    }
    body: dict[str, Any] = {
        "id": addresses.run(run.key),
        "key": run.key,
        "kind": "analysis",
        "state": run.state,
        "underWay": run.under_way,
        "reason": run.reason,
        "pipeline": run.pipeline,
        "pipelineVersion": run.pipeline_version,
        "codeVersion": run.code_version,
        "otherCodeVersions": list(run.other_code) or None,
        "selection": run.selection,
        "done": run.done,
        "total": run.images,
        "tasks": run.counts,
        "tasksAt": f"{addresses.run(run.key)}/tasks",
        "askedBy": run.asked_by,
        "cancelledBy": run.cancelled_by,
        "retractedBy": run.retracted_by,
        "retractionReason": run.retraction_reason,
        "restoredBy": run.restored_by,
        **{name: clock.iso(moment) for name, moment in at.items() if moment},
    }
    if not short:
        body |= {"models": run.models, "parameters": run.parameters, "seed": run.seed, "environment": run.environment}
        body |= {"fingerprint": f"sha256:{run.fingerprint}" if run.fingerprint else "", "again": run.again, "retry": run.retry}
    return {name: value for name, value in body.items() if value not in ("", None)}


def task_json(task: Task, media: Media | None, addresses: Addresses, by: Principal) -> dict[str, Any]:
    """A task under camelCase names; of one over an image that is closed to `by` no more than how far it is."""
    home = media.specimen_key if media else ""
    body: dict[str, Any] = {
        "media": addresses.image(task.media_key),
        "canvas": addresses.canvas(home, task.media_key) if home else "",
        "specimen": addresses.specimen_record(home) if home else "",
        "state": task.state,
        "reason": task.reason,
        "inputDigest": f"sha256:{task.input_digest}" if task.input_digest else "",
        "codeVersion": task.code_version,
        "steps": task.steps,
        "startedAt": clock.iso(task.started_at) if task.started_at else "",
        "endedAt": clock.iso(task.ended_at) if task.ended_at else "",
    }
    if media is None or not sees(media, by):
        body = {name: value for name, value in body.items() if name not in OF_THE_IMAGE}
    return {name: value for name, value in body.items() if value not in ("", None)}


def _ingest_as_run(ingest: Ingest, addresses: Addresses, *, short: bool = False) -> dict[str, Any]:
    """As the first release gave it out, when an ingest was a run; its own address is /api/ingests/{key}."""
    body = ingest_views.to_json(ingest, addresses, short=short)
    body |= {"id": addresses.run(ingest.key), "ingest": body["id"], "pipeline": "ingest", "pipelineVersion": ingest.code_version}
    body |= {"steps": {}, "startedAt": body["createdAt"]}
    if short or ingest.names_left_out:
        return body
    return body | {"parameters": {"sources": list(ingest.sources), "process": ingest.process}}


def _one(key: str, status: int = 200) -> Response:
    runtime, by = context.current(), of_request()
    with runtime.reads.begin() as session:
        (body,) = _with_only_images(session, [service.get(session, key)], runtime.addresses, by, short=False)
    return answer(body, status=status, by=by)


def _with_only_images(
    session: Session, runs: Sequence[Run], addresses: Addresses, by: Principal, *, short: bool
) -> list[dict[str, Any]]:
    """The runs; one over a single image also tells what its task does."""
    tasks = service.only_tasks(session, runs)
    media = catalogue.media_by_key(session, [task.media_key for task in tasks.values()])
    bodies = [to_json(run, addresses, short=short) for run in runs]
    for run, body in zip(runs, bodies, strict=True):
        task = tasks.get(run.key)
        if task is not None:
            only = task_json(task, media.get(task.media_key), addresses, by)
            body |= {name: only[name] for name in ("media", "canvas", "specimen", "inputDigest", "steps") if name in only}
            body |= {"reason": run.reason or only["reason"]} if run.reason or "reason" in only else {}
    return bodies


def _asked(known: set[str]) -> Mapping[str, Any]:
    """The members of the JSON object that was sent. Raises BadRun."""
    asked = request.get_json(silent=True)
    if not isinstance(asked, dict):
        raise BadRun("Send a JSON object as application/json.")
    if unknown := asked.keys() - known:
        name = min(unknown)
        raise BadRun(
            f"{name[:40]!r} is not a member of this request; these are: {', '.join(sorted(known))}.", parameter=name[:40]
        )
    return asked


def _typed(asked: Mapping[str, Any], name: str, kind: type, default: Any) -> Any:
    value = asked.get(name, default)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        words = {int: "a whole number", bool: "true or false", str: "a text"}
        raise BadRun(f"{name} is {words[kind]}.", parameter=name)
    return value


def _selection(asked: Any) -> Selection:
    """What a client asks for: images or specimens by key, a query, or all. Raises BadRun."""
    if not isinstance(asked, dict) or asked.keys() - SELECTION:
        raise BadRun(f"selection is an object with {', '.join(sorted(SELECTION))}.", parameter="selection")
    kind = asked.get("kind")
    given = {"images": {"media", "specimens"}, "query": {"query"}, "all": set[str]()}
    if kind not in given:
        raise BadRun(f"kind is one of {', '.join(given)}.", parameter="kind")
    if surplus := asked.keys() - given[kind] - {"kind"}:
        raise BadRun(f"A selection of the kind {kind} has no {min(surplus)}.", parameter=min(surplus))
    return Selection(
        kind, media=_keys(asked, "media"), specimens=_keys(asked, "specimens"), query=_typed(asked, "query", str, "")
    )


def _keys(asked: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Keys, or addresses of ours."""
    values = asked.get(name, [])
    if not isinstance(values, list) or not all(isinstance(value, str) and value for value in values):
        raise BadRun(f"{name} is a list of keys.", parameter=name)
    addresses = context.current().addresses
    found = [(addresses.identify(value), value) for value in values]
    return tuple(dict.fromkeys(named.key if named else value[:64] for named, value in found))
