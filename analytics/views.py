"""Runs and pipelines over HTTP, and their progress as server-sent events."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request, stream_with_context

from analytics import pipelines, service
from analytics.model import Run
from app.runtime import clock, context
from app.runtime.addresses import Addresses
from app.runtime.context import Runtime
from app.runtime.errors import Invalid, Unavailable
from app.runtime.http import answer, integer

blueprint = Blueprint("analytics", __name__)
LAST_PAGE = 10_000
STATES = ("running", "completed", "failed")
FILTERS = ("state", "kind", "pipeline", "media", "specimen")
LISTENERS = threading.BoundedSemaphore(4)  # each holds a thread of this process
LOOK_EVERY_S, BEAT_EVERY_S, LONGEST_S = 1.0, 15.0, 600.0


@blueprint.get("/api/runs")
def runs() -> Response:
    """A page of runs, newest first. `state=running` are those that have not ended, waiting included."""
    runtime = context.current()
    where = {name: request.args.get(name, "")[:64] for name in FILTERS}
    if where["state"] not in ("", *STATES):
        raise Invalid(f"state is one of {', '.join(STATES)}.", parameter="state")
    page, size = integer("page", 1, 1, LAST_PAGE), integer("limit", runtime.settings.page_size, 1, 1000)
    with runtime.reads.begin() as session:
        total = service.count(session, **where)
        found = service.page(session, **where, offset=(page - 1) * size, limit=size)
    addresses = runtime.addresses
    body: dict[str, Any] = {"total": total, "page": page, "items": [to_json(run, addresses, short=True) for run in found]}
    if page * size < total and page < LAST_PAGE:
        asked = {name: value for name, value in where.items() if value} | {"limit": size, "page": page + 1}
        body["next"] = f"{addresses.base}/api/runs?{urlencode(asked)}"
    return answer(body)


@blueprint.get("/api/runs/<key>")
def run(key: str) -> Response:
    runtime = context.current()
    with runtime.reads.begin() as session:
        found = service.get(session, key)
    return answer(to_json(found, runtime.addresses))


@blueprint.get("/api/pipelines")
def all_pipelines() -> Response:
    names = pipelines.names()
    return answer({"total": len(names), "items": [pipelines.load(name).to_json() for name in names]})


@blueprint.get("/api/pipelines/<name>")
def pipeline(name: str) -> Response:
    return answer(pipelines.load(name).to_json())


@blueprint.get("/api/events")
def events() -> Response:
    """Server-sent events: `progress` with the numbers of runs by kind and state, whenever they change."""
    if not LISTENERS.acquire(blocking=False):
        raise Unavailable("Too many listen already; ask /api/runs now and then instead.")
    try:
        stream = stream_with_context(_events(context.current()))
    except BaseException:
        LISTENERS.release()
        raise
    response = Response(
        stream, content_type="text/event-stream", headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    )
    response.call_on_close(LISTENERS.release)
    return response


def _events(runtime: Runtime) -> Iterator[str]:
    """Until the client goes, which a beat notices, or the longest time is over; then the client comes back by itself."""
    began = beaten = time.monotonic()
    said = ""
    yield "retry: 2000\n\n"
    while time.monotonic() - began < LONGEST_S:
        with runtime.reads.begin() as session:
            counted = service.counts(session)
            latest = service.latest_change(session)
        now = json.dumps(
            {"runs": [{"kind": k, "state": s, "total": n} for (k, s), n in sorted(counted.items())], "latest": latest}
        )
        if now != said:
            said = now
            yield f"event: progress\ndata: {now}\n\n"
        elif time.monotonic() - beaten > BEAT_EVERY_S:
            beaten = time.monotonic()
            yield ": still here\n\n"
        time.sleep(LOOK_EVERY_S)


def to_json(run: Run, addresses: Addresses, *, short: bool = False) -> dict[str, Any]:
    """A run under camelCase names; `short` leaves out parameters, environment and report."""
    body: dict[str, Any] = {
        "id": addresses.run(run.key),
        "key": run.key,
        "kind": run.kind,
        "state": run.state,
        "reason": run.reason,
        "pipeline": run.pipeline,
        "pipelineVersion": run.pipeline_version,
        "codeVersion": run.code_version,
        "media": addresses.image(run.media_key) if run.kind == "analysis" else "",
        "canvas": addresses.canvas(run.specimen_key, run.media_key) if run.kind == "analysis" else "",
        "specimen": addresses.specimen_record(run.specimen_key) if run.specimen_key else "",
        "inputDigest": f"sha256:{run.input_digest}" if run.input_digest else "",
        "done": run.done,
        "total": run.total,
        "steps": run.steps,
        "createdAt": clock.iso(run.created_at),
        "startedAt": clock.iso(run.started_at) if run.started_at else "",
        "endedAt": clock.iso(run.ended_at) if run.ended_at else "",
    }
    if not short:
        body |= {"parameters": run.parameters, "environment": run.environment, "report": run.report}
    return {name: value for name, value in body.items() if value not in ("", None)}
