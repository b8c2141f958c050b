"""Decisions about runs: when one is opened, what it has done, and when it is over."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from analytics import pipelines, provenance, store
from analytics.errors import UnknownRun
from analytics.jobs import Analyse
from analytics.model import Run
from analytics.pipelines import Pipeline
from analytics.tables import RunRow
from app.runtime import ids, outbox, processes
from iiif.catalogue.jobs import DeriveImage
from iiif.catalogue.model import Media

INGEST = "ingest"
ENDED_STEPS = ("done", "nothing found", "failed")


def open_run(session: Session, media: Media, pipeline: str = "sheet", *, naan: str, at: datetime, retry: bool = False) -> Run:
    """Have the pipeline run over the image, as soon as the image is ready.

    A pipeline's version runs over one image once: a second call gives the run that is there; with `retry`, a failed one
    does what failed again. Raises UnknownPipeline.
    """
    plan = pipelines.load(pipeline)
    found = store.find_of_media(session, media.key, plan.version)
    if found is not None:
        if retry and found.state == "failed":
            _reopen(session, found, media)
        return store.run(found)
    row = _row(plan, media, naan=naan, at=at)
    session.add(row)
    session.flush()
    if media.state != "pending":
        outbox.add(session, Analyse(row.key))
    return store.run(row)


def _reopen(session: Session, row: RunRow, media: Media) -> None:
    """Let a failed run go on with the steps that failed; an image that could not be prepared is prepared again first."""
    row.state, row.reason, row.ended_at = "running", "", None
    row.steps = {name: {"state": "waiting"} if mark["state"] == "failed" else mark for name, mark in row.steps.items()}
    row.done = sum(mark["state"] in ENDED_STEPS for mark in row.steps.values())
    if media.state == "failed":
        row.started_at = None
        outbox.add(session, DeriveImage(media.key))
    else:
        outbox.add(session, Analyse(row.key))


def media_settled(session: Session, media: Media, *, at: datetime) -> int:
    """Let the runs that waited for the image begin, or fail if the image did; how many there were."""
    rows = [row for row in store.unfinished_of_media(session, media.key) if row.started_at is None]
    for row in rows:
        if media.state == "failed":
            _end(row, "failed", f"The image could not be prepared: {media.state_reason}", at)
        else:
            outbox.add(session, Analyse(row.key))
    return len(rows)


@dataclass(frozen=True, slots=True)
class StepMark:
    """How a step ended: "done", "nothing found" or "failed", why, and how long it took."""

    state: str
    reason: str
    seconds: float
    annotations: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        more = {name: value for name, value in (("reason", self.reason), ("annotations", list(self.annotations))) if value}
        return {"state": self.state, "seconds": round(self.seconds, 3), **more}


def begin(session: Session, key: str, *, at: datetime) -> Run:
    """The run, begun if it was not. Raises UnknownRun."""
    row = _standing(session, key)
    if row.started_at is None:
        row.started_at = at
    return store.run(row)


def begin_step(session: Session, key: str, step: str) -> bool:
    """Show that the step is under way; False if it needs no doing, as another worker has ended it or the run."""
    row = _standing(session, key)
    if _is_over(row, step):
        return False
    _mark(row, step, {"state": "running"})
    return True


def is_over(session: Session, key: str, step: str) -> bool:
    """Whether the step, or the whole run, has ended; the run is locked, so it stays so in this transaction."""
    return _is_over(_standing(session, key), step)


def end_step(session: Session, key: str, step: str, mark: StepMark) -> None:
    """Set the step's mark, unless it has one; to be called in the transaction that stores the step's annotations."""
    row = _standing(session, key)
    if _is_over(row, step):
        return
    _mark(row, step, mark.to_json())
    row.done = sum(one["state"] in ENDED_STEPS for one in row.steps.values())


def end(session: Session, key: str, *, at: datetime) -> Run:
    """Close the run whose steps have all ended: failed if one of them failed. Safe to repeat."""
    row = _standing(session, key)
    failed = [f"{name}: {mark.get('reason', '')}" for name, mark in row.steps.items() if mark["state"] == "failed"]
    if row.ended_at is None:
        _end(row, "failed" if failed else "completed", "; ".join(failed), at)
    return store.run(row)


def fail(session: Session, key: str, reason: str, *, at: datetime) -> None:
    """Close the run as failed as a whole."""
    row = _standing(session, key)
    if row.ended_at is None:
        _end(row, "failed", reason, at)


def open_ingest(session: Session, sources: list[str], *, naan: str, at: datetime) -> Run:
    """Begin an ingest, which is a run of its own and counts its rows; those that a killed process left behind are ended."""
    abandon_ingests(session, at=at)
    key = ids.new_key(ids.INGEST, naan)
    row = RunRow(
        key=key,
        kind=INGEST,
        state="running",
        pipeline=INGEST,
        pipeline_version=provenance.code_version(),
        media_key=key,
        code_version=provenance.code_version(),
        parameters={"sources": sources, "process": processes.name()},
        environment=provenance.environment(),
        steps={},
        report={},
        created_at=at,
        started_at=at,
    )
    session.add(row)
    session.flush()
    return store.run(row)


def progress(session: Session, key: str, done: int, total: int) -> None:
    """How many of the ingest's rows have been seen to, and how many there are as far as is known."""
    row = _standing(session, key)
    row.done, row.total = done, total


def close_ingest(session: Session, key: str, report: Mapping[str, Any], *, failure: str = "", at: datetime) -> Run:
    """End an ingest with its report; `failure` says why nothing of it could be read."""
    row = _standing(session, key)
    row.report = dict(report)
    if row.ended_at is None:
        _end(row, "failed" if failure else "completed", failure, at)
    return store.run(row)


def abandon_ingests(session: Session, *, at: datetime) -> int:
    """End the ingests whose process was killed; how many."""
    rows = store.page(session, {"kind": INGEST, "state": "running"}, offset=0, limit=100)
    dead = [row for row in rows if processes.is_dead(row.parameters["process"])]
    for row in dead:
        _end(row, "failed", "The program was stopped in the middle; run it again, what is in already stays.", at)
    return len(dead)


def get(session: Session, key: str) -> Run:
    """Raises UnknownRun."""
    return store.run(_standing(session, key))


def exists(session: Session, key: str) -> bool:
    """Whether there is a run of that key."""
    return store.find(session, key) is not None


def page(
    session: Session,
    *,
    state: str = "",
    kind: str = "",
    pipeline: str = "",
    media: str = "",
    specimen: str = "",
    offset: int = 0,
    limit: int,
) -> tuple[Run, ...]:
    """Runs, newest first; empty filters let every run through."""
    where = {"state": state, "kind": kind, "pipeline": pipeline, "media": media, "specimen": specimen}
    return tuple(map(store.run, store.page(session, where, offset=offset, limit=limit)))


def count(session: Session, *, state: str = "", kind: str = "", pipeline: str = "", media: str = "", specimen: str = "") -> int:
    """How many runs `page` would list in all."""
    return store.count(session, {"state": state, "kind": kind, "pipeline": pipeline, "media": media, "specimen": specimen})


def of_media(session: Session, media_keys: Sequence[str]) -> tuple[Run, ...]:
    """The runs over these images, newest first."""
    return tuple(map(store.run, store.of_media(session, media_keys)))


def counts(session: Session) -> Mapping[tuple[str, str], int]:
    """How many runs there are, by kind and state."""
    return store.counts_by_state(session)


def latest_change(session: Session) -> str:
    """A token that changes whenever a run makes a step: for those who watch."""
    return store.latest_change(session)


def _row(plan: Pipeline, media: Media, *, naan: str, at: datetime) -> RunRow:
    return RunRow(
        key=ids.new_key(ids.RUN, naan),
        kind="analysis",
        state="running",
        pipeline=plan.name,
        pipeline_version=plan.version,
        media_key=media.key,
        specimen_key=media.specimen_key,
        input_digest=media.sha256,
        code_version=provenance.code_version(),
        parameters={step.name: dict(step.parameters) for step in plan.steps},
        environment={},
        steps={step.name: {"state": "waiting"} for step in plan.steps},
        total=len(plan.steps),
        report={},
        created_at=at,
    )


def record_environment(session: Session, key: str, environment: Mapping[str, Any], code_version: str) -> None:
    """Where the run is really done: the worker's libraries and code, not those of who asked for it."""
    row = _standing(session, key)
    row.environment, row.code_version = dict(environment), code_version


def _standing(session: Session, key: str) -> RunRow:
    row = store.find(session, key, lock=True)
    if row is None:
        raise UnknownRun(f"There is no run {key[:64]!r} here.")
    return row


def _is_over(row: RunRow, step: str) -> bool:
    return row.state != "running" or row.steps[step]["state"] in ENDED_STEPS


def _mark(row: RunRow, step: str, mark: Mapping[str, Any]) -> None:
    row.steps = {**row.steps, step: dict(mark)}


def _end(row: RunRow, state: str, reason: str, at: datetime) -> None:
    row.state, row.reason, row.ended_at = state, reason, at
