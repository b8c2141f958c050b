"""Decisions about tasks: when one begins, what its steps have done, when it is over, and with the last of them its run.

A change of a task's state needs the lock on its run, whose counters change with it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from analytics import store
from analytics.errors import UnknownRun
from analytics.jobs import Analyse
from analytics.model import ENDED_STEPS, Run, StepMark, Task, TaskState, Worker
from analytics.tables import RunRow, TaskRow
from annotations import service as annotations
from app.runtime import outbox
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media

CANCEL_BATCH = 1_000


def get(session: Session, run_key: str, media_key: str) -> Task:
    """Raises UnknownRun."""
    return store.task(_task(session, run_key, media_key))


def begin(session: Session, run_key: str, media_key: str, worker: Worker, *, at: datetime) -> tuple[Run, Task] | None:
    """The task, begun if it was not; None if there is nothing to do, as it has ended or its run is cancelled.

    What a task is done with is the worker's code and models, not those of who asked for the run. Raises UnknownRun.
    """
    run = lock_run(session, run_key)
    row = _task(session, run_key, media_key, lock=True)
    if row.state not in ("waiting", "running"):
        return None
    if run.state != "running":
        if row.state == "running":  # its worker was killed, and the run was cancelled since
            _settle(run, row, _state_of(row), "", at)
            end_run_if_done(run, at)
        return None
    if row.state == "waiting":
        _move(run, row, "running")
        row.started_at = at
    row.code_version, row.fingerprint = worker.code_version, worker.fingerprint
    if run.started_at is None:
        run.started_at, run.environment = at, dict(worker.environment)
    if worker.code_version not in (run.code_version, *run.other_code):
        run.other_code = [*run.other_code, worker.code_version]
    return store.run(run), store.task(row)


def begin_step(session: Session, run_key: str, media_key: str, step: str) -> bool:
    """Show that the step is under way; False if it needs no doing: another worker has ended it, or the run is cancelled."""
    run = store.find(session, run_key)
    row = _task(session, run_key, media_key, lock=True)
    if run is None or run.state != "running" or _is_over(row, step):
        return False
    row.steps = {**row.steps, step: {"state": "running"}}
    return True


def is_over(session: Session, run_key: str, media_key: str, step: str) -> bool:
    """Whether the step, or the whole task, has ended; the task is locked, so it stays so in this transaction."""
    return _is_over(_task(session, run_key, media_key, lock=True), step)


def end_step(session: Session, run_key: str, media_key: str, step: str, mark: StepMark) -> None:
    """Set the step's mark, unless it has one; to be called in the transaction that stores the step's annotations."""
    row = _task(session, run_key, media_key, lock=True)
    if _is_over(row, step):
        return
    row.steps = {**row.steps, step: mark.to_json()}
    row.done = _steps_ended(row)


def end(session: Session, run_key: str, media_key: str, *, at: datetime) -> None:
    """Close the task: failed if a step did, cancelled if some never began; with the last one its run. Safe to repeat."""
    run = lock_run(session, run_key)
    row = _task(session, run_key, media_key, lock=True)
    if row.state == "running":
        failed = [f"{name}: {mark.get('reason', '')}" for name, mark in row.steps.items() if mark["state"] == "failed"]
        _settle(run, row, _state_of(row), "; ".join(failed), at)
        end_run_if_done(run, at)


def fail(session: Session, run_key: str, media_key: str, reason: str, *, at: datetime) -> None:
    """Close the task as failed as a whole, unless it has ended."""
    run = lock_run(session, run_key)
    row = _task(session, run_key, media_key, lock=True)
    if row.state in ("waiting", "running"):
        _settle(run, row, "failed", reason, at)
        end_run_if_done(run, at)


def fail_waiting(session: Session, media_key: str, reason: str, *, at: datetime) -> None:
    """Close all tasks that wait for the image as failed."""
    for run_key, key in store.waiting_for(session, media_key):
        fail(session, run_key, key, reason, at=at)


def media_settled(session: Session, media: Media, *, at: datetime) -> None:
    """Let the tasks that waited for the image begin, or fail if the image did."""
    if media.state == "failed":
        fail_waiting(session, media.key, unprepared(media), at=at)
        return
    for run_key, media_key in store.waiting_for(session, media.key):
        outbox.add(session, Analyse(run_key, media_key))


def reopen(session: Session, run: RunRow, media: Media, *, at: datetime) -> None:
    """Let a failed task go on with the steps that failed; an image that could not be prepared is prepared again first."""
    row = _task(session, run.key, media.key, lock=True)
    if row.state != "failed":
        return
    _move(run, row, "waiting")
    row.reason, row.ended_at = "", None
    _take_back(session, row, at)
    row.steps = {name: {"state": "waiting"} if mark["state"] == "failed" else mark for name, mark in row.steps.items()}
    row.done = _steps_ended(row)
    run.state, run.ended_at = "running", None
    start(session, run.key, media, at=at)


def _take_back(session: Session, row: TaskRow, at: datetime) -> None:
    """Delete what failed steps of the task said: that they gave up."""
    said = [key for mark in row.steps.values() if mark["state"] == "failed" for key in mark.get("annotations", ())]
    for key in said:
        statement = annotations.find(session, key)
        if statement is not None and statement.deleted_at is None:
            annotations.delete(session, key, by=Principal.of_run(row.run_key), at=at)


def start(session: Session, run_key: str, media: Media, *, at: datetime) -> None:
    """Have a waiting task begin: the analysis, or first another try at an image that failed; one that is being prepared tells
    by itself."""
    if media.state == "ready":
        outbox.add(session, Analyse(run_key, media.key))
    elif media.state == "failed":
        catalogue.try_again(session, media.key, at=at)


def cancel_batch(session: Session, run: RunRow, *, at: datetime) -> int:
    """Let the next waiting tasks of a cancelled run never begin; how many, 0 when none waits."""
    keys = store.lock_waiting(session, run.key, CANCEL_BATCH)
    store.set_tasks(session, run.key, keys, state="cancelled", ended_at=at)
    run.waiting -= len(keys)
    run.cancelled += len(keys)
    end_run_if_done(run, at)
    return len(keys)


def unprepared(media: Media) -> str:
    return f"The image could not be prepared: {media.state_reason}"


def lock_run(session: Session, key: str) -> RunRow:
    """The run's row, locked. Raises UnknownRun."""
    row = store.find(session, key, lock=True)
    if row is None:
        raise unknown(key)
    return row


def unknown(key: str) -> UnknownRun:
    return UnknownRun(f"There is no run {key[:64]!r} here.")


def end_run_if_done(run: RunRow, at: datetime) -> None:
    """Close the run when its list of images is complete and none of them is left to do."""
    if run.ended_at is None and run.frozen_at is not None and run.waiting + run.running == 0:
        run.ended_at = at
        if run.state == "running":
            run.state = ended_state(run)


def ended_state(run: RunRow) -> str:
    """The state of a run that has ended, retraction apart."""
    if run.cancelled_at is not None:
        return "cancelled"
    return "failed" if run.failed or run.reason else "completed"


def _task(session: Session, run_key: str, media_key: str, *, lock: bool = False) -> TaskRow:
    row = store.find_task(session, run_key, media_key, lock=lock)
    if row is None:
        raise UnknownRun(f"Run {run_key[:64]!r} has no image {media_key[:64]!r}.")
    return row


def _is_over(row: TaskRow, step: str) -> bool:
    return row.state != "running" or row.steps[step]["state"] in ENDED_STEPS


def _steps_ended(row: TaskRow) -> int:
    return sum(mark["state"] in ENDED_STEPS for mark in row.steps.values())


def _state_of(row: TaskRow) -> TaskState:
    """What a task ends as, by its steps."""
    states = [mark["state"] for mark in row.steps.values()]
    if any(state not in ENDED_STEPS for state in states):
        return "cancelled"
    return "failed" if "failed" in states else "completed"


def _settle(run: RunRow, row: TaskRow, state: TaskState, reason: str, at: datetime) -> None:
    _move(run, row, state)
    row.reason, row.ended_at = reason, at


def _move(run: RunRow, row: TaskRow, state: TaskState) -> None:
    """Into another state, with the counters of the locked run."""
    setattr(run, row.state, getattr(run, row.state) - 1)
    setattr(run, state, getattr(run, state) + 1)
    row.state = state


def marks(steps: Mapping[str, Any]) -> dict[str, Any]:
    """The steps of a task that has not begun."""
    return {name: {"state": "waiting"} for name in steps}
