"""Runs as people read them: what is under way, what each step did, and what an ingest refused and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from analytics import service as analytics
from analytics.model import RUN_STATES, TASK_STATES, Run, Task
from app.runtime import clock
from app.runtime.accounts import store as accounts
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from app.web.runs import lines
from app.web.runs.lines import RunLine, Shown
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import sees
from iiif.ingest import service as ingests
from iiif.ingest.model import Ingest

INGESTS = "ingests"
ANALYSES_SHOWN = 3  # of one ingest
TASKS_SHOWN = 50
ENTRIES_SHOWN = 500
COUNTED = (
    ("records", "Records read"),
    ("specimensAdded", "Specimens added"),
    ("mediaAdded", "Images added"),
    ("alreadyHere", "Here already"),
    ("merged", "Merged into specimens that are here"),
    ("refused", "Records refused"),
    ("rejectedTotal", "Refusals"),
    ("warningsTotal", "Warnings"),
)
ENTRIES = (
    ("rejected", "rejectedTotal", "Refused, and why"),
    ("warnings", "warningsTotal", "Taken in, but doubtful"),
)


@dataclass(frozen=True, slots=True)
class Work:
    """How far the hub is: of its images `ready` can be shown, `failed` cannot, and the others are not zoomable yet; of the
    `tasks` of runs that have not ended so many are over (`ended`); `running` counts runs and ingests that have not ended."""

    images: int
    ready: int
    failed: int
    tasks: int
    ended: int
    running: int


def work(session: Session) -> Work:
    """The numbers of the progress strip."""
    images, tasks = catalogue.count_media(session), analytics.tasks_of_running(session)
    running = sum(counts.get("running", 0) for counts in (analytics.counts(session), ingests.counts(session)))
    there = sum(tasks.values())
    ended = there - tasks["waiting"] - tasks["running"]
    return Work(sum(images.values()), images.get("ready", 0), images.get("failed", 0), there, ended, running)


def of_media(session: Session, images: Sequence[Media]) -> list[RunLine]:
    """What the runs over these images are for them, newest first; without those that passed them over."""
    names = {image.key: image.file_name if len(images) > 1 else "" for image in images}
    found = analytics.of_media(session, list(names))
    return [lines.of_task_of_run(run, task, names[task.media_key]) for run, task in found if task.state != "skipped"]


def listing(session: Session, state: str, page: int, size: int, by: Principal) -> dict[str, Any]:
    """What the template of the list needs; an unknown state lists all. "ingests" is the list of ingests alone."""
    state = state if state in (*RUN_STATES, INGESTS) else ""
    of_runs, of_ingests = analytics.counts(session), ingests.counts(session)
    counts: dict[str, int] = {name: of_runs.get(name, 0) + of_ingests.get(name, 0) for name in RUN_STATES}
    counts |= {"": sum(counts.values()), INGESTS: sum(of_ingests.values())}
    there = (sum(of_runs.values()), sum(of_ingests.values())) if not state else (of_runs.get(state, 0), of_ingests.get(state, 0))
    return {
        "work": work(session),
        "runs": _lines(session, state, page, size, there, by),
        "tabs": [
            {"label": name.capitalize() or "All", "count": counts[name], "active": name == state, "href": _href(name, 1)}
            for name in ("", *RUN_STATES, INGESTS)
        ],
        "filtered": bool(state),
        "page": page,
        "pages": -(-counts[state] // size),
        "page_link": lambda number: _href(state, number),
    }


def _lines(session: Session, state: str, page: int, size: int, there: tuple[int, int], by: Principal) -> list[RunLine]:
    """Runs and ingests in that state together, newest first; `there` is how many of each there are."""
    if state == INGESTS:
        return list(map(lines.of_ingest, ingests.page(session, by=by, offset=(page - 1) * size, limit=size)))
    keys = _newest(session, state, (page - 1) * size, size, there)
    found, brought = analytics.by_key(session, keys), ingests.by_key(session, keys, by=by)
    shown = _shown(session, tuple(found.values()), (), by)
    return [lines.of_run(found[key], shown) if key in found else lines.of_ingest(brought[key]) for key in keys]


def _newest(session: Session, state: str, offset: int, limit: int, there: tuple[int, int]) -> list[str]:
    """The keys of a page. Of the first `offset` of both together, all but as many as there are ingests must be runs, and the
    other way about: these are not read, so that a page reads no more keys than the shorter list has and a page more."""
    runs, brought = there
    skipped = max(0, offset - brought), max(0, offset - runs)
    left = max(0, offset - sum(skipped))
    kinds = zip((analytics, ingests), skipped, strict=True)
    both = merge(*(kind.newest(session, state=state, offset=skip, limit=left + limit) for kind, skip in kinds), reverse=True)
    return [key for _, key in islice(both, left, left + limit)]


def _shown(
    session: Session, runs: Sequence[Run], tasks: Sequence[Task], by: Principal, only: Mapping[str, Task] | None = None
) -> Shown:
    """All that the lines of these runs and tasks name, with a query for each sort of thing."""
    only = analytics.only_tasks(session, runs) if only is None else only
    media = catalogue.media_by_key(session, [task.media_key for task in (*only.values(), *tasks)])
    specimens = catalogue.specimens_by_key(session, {image.specimen_key for image in media.values()})
    seen = frozenset(image.key for image in media.values() if sees(image, by))
    brought = ingests.by_key(session, [run.ingest_key for run in runs if run.ingest_key], by=by)
    return Shown(only, media, specimens, brought, seen)


def ingest_detail(session: Session, key: str, addresses: Addresses, by: Principal) -> dict[str, Any]:
    """What the template of one ingest needs. Raises UnknownIngest."""
    ingest = ingests.get(session, key, by=by)
    runs = analytics.page(session, ingest=key, limit=ANALYSES_SHOWN)
    return {
        "run": lines.of_ingest(ingest),
        "counts": [(label, f"{ingest.report[name]:,}") for name, label in COUNTED if name in ingest.report],
        "notes": ingest.report.get("notes", []),
        "listed": [
            {"title": title, "rows": ingest.report[name][:ENTRIES_SHOWN], "total": ingest.report.get(total, 0)}
            for name, total, title in ENTRIES
            if ingest.report.get(name)
        ],
        "analyses": [{"href": f"/runs/{run.key}", "title": f"Pipeline {run.pipeline}", "state": run.state} for run in runs],
        "provenance": list(_provenance_of_ingest(ingest)),
        "json_url": addresses.ingest(key),
    }


def detail(
    session: Session, key: str, state: str, after: str, media_key: str, addresses: Addresses, by: Principal
) -> dict[str, Any]:
    """What the template of one run needs: a page of its images, or the steps of its only one or of the one that is asked for.

    Raises UnknownRun.
    """
    run = analytics.get(session, key)
    state = state if state in TASK_STATES else ""
    found = analytics.list_tasks(session, key, state=state, after=after, limit=TASKS_SHOWN + 1)
    tasks = found[:TASKS_SHOWN]
    asked_for = {key: analytics.get_task(session, key, media_key)} if media_key else None
    shown = _shown(session, [run], tasks, by, asked_for)
    only = shown.tasks.get(key)
    specimen = shown.specimen_of(only.media_key) if only else None
    return {
        "run": lines.of_run(run, shown),
        "all_href": f"/runs/{key}" if media_key and run.images > 1 else "",
        "events": list(_events(run, accounts.names(session, [run.cancelled_by, run.retracted_by, run.restored_by]))),
        "under_way": bool(run.under_way),
        "may_be_retracted": run.ended_at is not None and not media_key,
        "tasks": [] if only else [lines.of_task(task, shown) for task in tasks],
        "states": [
            {"label": name.capitalize() or "All", "count": number, "active": name == state, "href": _tasks_href(key, name)}
            for name, number in {"": run.images, **run.counts}.items()
            if number or not name
        ],
        "next_href": _tasks_href(key, state, tasks[-1].media_key) if len(found) > TASKS_SHOWN else "",
        "provenance": list(_provenance(run, only if only and only.media_key in shown.seen else None)),
        "ingest": _ingest_link(shown.ingests.get(run.ingest_key)),
        "specimen_href": f"/specimens/{specimen.key}" if specimen else "",
        "specimen_name": lines.name(specimen) if specimen else "",
        "json_url": addresses.run(key),
    }


def _events(run: Run, names: Mapping[str, str]) -> Iterable[str]:
    """What people did with the run, and what is under way."""
    if run.frozen_at is None and run.state == "running":
        yield "Its list of images is not complete yet."
    if run.cancelled_at:
        yield f"Cancelled by {names.get(run.cancelled_by, run.cancelled_by)}, {clock.iso(run.cancelled_at)}."
    if run.retracted_at and run.state == "retracted":
        under_way = " That is under way." if run.under_way else ""
        who = names.get(run.retracted_by, run.retracted_by)
        yield f"Retracted by {who}, {clock.iso(run.retracted_at)}: all that it stated is withdrawn.{under_way}"
    if run.restored_at and run.state != "retracted":
        under_way = " That is under way." if run.under_way else ""
        who = names.get(run.restored_by, run.restored_by)
        yield f"Restored by {who}, {clock.iso(run.restored_at)}: what it stated stands again.{under_way}"


def _ingest_link(ingest: Ingest | None) -> dict[str, str]:
    return {"href": f"/runs/{ingest.key}", "title": lines.ingest_title(ingest)} if ingest else {}


def _provenance(run: Run, only: Task | None) -> Iterable[tuple[str, str]]:
    named = (
        ("Pipeline", run.pipeline),
        ("Pipeline version", run.pipeline_version),
        ("Code", run.code_version),
        ("Code of other workers", ", ".join(run.other_code)),
        ("Input, SHA-256", only.input_digest if only else ""),
        ("Asked for by", run.asked_by),
        ("Seed", str(run.seed)),
    )
    yield from ((name, value) for name, value in named if value)
    yield from ((f"Model {path.rpartition('/')[2]}", digest) for path, digest in run.models.items())
    steps = {name: value for name, value in run.parameters.items() if isinstance(value, Mapping) and value}
    for step, values in steps.items():
        yield f"Parameters of {step}", _listed(values)
    if run.environment:
        yield "Environment", _listed(run.environment)


def _provenance_of_ingest(ingest: Ingest) -> Iterable[tuple[str, str]]:
    named = (("Code", ingest.code_version), ("Asked for by", ingest.asked_by), ("Environment", _listed(ingest.environment)))
    yield from ((name, value) for name, value in named if value)


def _listed(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_listed(value) if isinstance(value, Mapping) else value}" for name, value in values.items())


def _href(state: str, page: int) -> str:
    asked = ({"state": state} if state else {}) | ({"page": page} if page > 1 else {})
    return "/runs" + (f"?{urlencode(asked)}" if asked else "")


def _tasks_href(key: str, state: str, after: str = "") -> str:
    asked = ({"state": state} if state else {}) | ({"after": after} if after else {})
    return f"/runs/{key}" + (f"?{urlencode(asked)}" if asked else "")
