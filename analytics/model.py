"""Runs, their selections and their tasks, as the rest of the system sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

RunState = Literal["running", "completed", "failed", "cancelled", "retracted"]
TaskState = Literal["waiting", "running", "completed", "failed", "cancelled", "skipped"]
RUN_STATES: tuple[RunState, ...] = ("running", "completed", "failed", "cancelled", "retracted")
TASK_STATES: tuple[TaskState, ...] = ("waiting", "running", "completed", "failed", "cancelled", "skipped")
ENDED_STEPS = ("done", "nothing found", "failed")


@dataclass(frozen=True, slots=True)
class Selection:
    """The images that a run goes over: named ("images", with those of named specimens), found by a query ("query"), "all",
    or those of an ingest ("ingest", by its key)."""

    kind: Literal["images", "query", "all", "ingest"]
    media: tuple[str, ...] = ()
    specimens: tuple[str, ...] = ()
    query: str = ""
    ingest: str = ""

    def to_json(self) -> dict[str, Any]:
        given = {"media": list(self.media), "specimens": list(self.specimens), "query": self.query, "ingest": self.ingest}
        return {"kind": self.kind, **{name: value for name, value in given.items() if value}}

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "Selection":
        several = {name: tuple(stored.get(name, ())) for name in ("media", "specimens")}
        return cls(stored["kind"], **several, query=stored.get("query", ""), ingest=stored.get("ingest", ""))


@dataclass(frozen=True, slots=True)
class Run:
    """One pipeline over a selection of images. "running" means not yet ended, waiting included.

    The counters say how many of its tasks are in each state. `fingerprint` stands for all that a result depends on beside the
    image: pipeline version, code, models, parameters, seed. `code_version` is that of who asked; `other_code` lists those of
    workers that had another one.
    """

    key: str
    state: RunState
    pipeline: str
    pipeline_version: str
    code_version: str
    other_code: Sequence[str]
    models: Mapping[str, str]
    parameters: Mapping[str, Any]
    seed: int
    fingerprint: str
    environment: Mapping[str, Any]
    selection: Mapping[str, Any]
    ingest_key: str
    again: bool
    retry: bool
    waiting: int
    running: int
    completed: int
    failed: int
    cancelled: int
    skipped: int
    reason: str
    asked_by: str
    created_at: datetime
    frozen_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    cancelled_by: str
    cancelled_at: datetime | None
    retracted_by: str
    retracted_at: datetime | None
    retraction_reason: str
    restored_by: str
    restored_at: datetime | None
    under_way: str

    @property
    def images(self) -> int:
        """How many images it has, as far as they are listed."""
        return sum(self.counts.values())

    @property
    def done(self) -> int:
        """How many of them need no more doing."""
        return self.images - self.waiting - self.running

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of its tasks by state."""
        return {state: getattr(self, state) for state in TASK_STATES}


@dataclass(frozen=True, slots=True)
class Task:
    """One image of a run.

    `steps` maps each step's name to `{"state": "waiting"|"running"|"done"|"nothing found"|"failed", "reason": …, "seconds": …,
    "annotations": […]}`; `done` of them have ended.
    """

    run_key: str
    media_key: str
    state: TaskState
    input_digest: str
    fingerprint: str
    code_version: str
    steps: Mapping[str, Any]
    done: int
    reason: str
    started_at: datetime | None
    ended_at: datetime | None


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


@dataclass(frozen=True, slots=True)
class Worker:
    """What a task is done with: the worker's code, and the fingerprint and environment that follow from it."""

    code_version: str
    fingerprint: str
    environment: Mapping[str, Any]
