"""Decisions about runs: opened over a selection, filled with images, cancelled, retracted, restored; and how they are listed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from analytics import descriptions, pipelines, provenance, store, tasks
from analytics.errors import BadRun, RunInState
from analytics.jobs import Analyse, SettleRun
from analytics.model import Run, Selection, Task
from analytics.tables import RunRow, TaskRow
from annotations import withdrawal
from app.runtime import changes, ids, outbox, processes
from app.runtime.principal import Principal, require
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.ingest import service as ingests

MOST_NAMED = 1_000  # images or specimens that a selection may name one by one
LONGEST_REASON = 2_000  # characters
LONGEST_QUERY = 2_000
MOST_OF_MEDIA = 200
SEEDS = 2**31


def open_run(
    session: Session,
    selection: Selection,
    pipeline: str = "sheet",
    *,
    by: Principal,
    naan: str,
    at: datetime,
    seed: int = 0,
    again: bool = False,
    retry: bool = False,
    process: str = "",
) -> Run:
    """Open a run, to which images are added until it is closed.

    An image for which the same work was done before is skipped, unless `again`; with `retry` a task that failed is taken
    up once more, in the run that it belongs to. `process` is who adds the images (`processes.name()`), empty for the workers.
    Raises UnknownPipeline, BadRun, NotAllowed, Forbidden.
    """
    require(by, "curate")
    plan = pipelines.load(pipeline)
    check(selection, seed)
    code, models = provenance.code_version(), provenance.models_of(step.name for step in plan.steps)
    parameters = {step.name: dict(step.parameters) for step in plan.steps}
    row = RunRow(
        key=ids.new_key(ids.RUN, naan),
        state="running",
        pipeline=plan.name,
        pipeline_version=plan.version,
        code_version=code,
        other_code=[],
        models=models,
        parameters=parameters,
        seed=seed,
        fingerprint=provenance.fingerprint(plan.version, code, models, parameters, seed),
        environment={},
        selection=selection.to_json(),
        ingest_key=selection.ingest,
        again=again,
        retry=retry,
        process=process,
        asked_by=by.name,
        created_at=at,
    )
    session.add(row)
    descriptions.keep_names(session, plan, models, naan)
    changes.record(session, by, "ask", "run", row.key, at=at, pipeline=plan.name, selection=selection.kind)
    session.flush()
    return store.run(row)


def ask(session: Session, selection: Selection, pipeline: str = "sheet", **how: Any) -> Run:
    """Open a run whose images the workers look up; arguments as those of `open_run`."""
    run = open_run(session, selection, pipeline, **how)
    outbox.add(session, SettleRun(run.key))
    return run


def run_over(session: Session, media: Sequence[Media], pipeline: str = "sheet", *, at: datetime, **how: Any) -> Run:
    """Open a run over these images and close it; arguments as those of `open_run`."""
    run = open_run(session, Selection("images", media=tuple(image.key for image in media)), pipeline, at=at, **how)
    add_images(session, run.key, media, at=at)
    return close(session, run.key, at=at)


def add_new_images(session: Session, key: str, media: Sequence[Media], *, at: datetime) -> bool:
    """Make each image a task of the run, as soon as the image is ready. They were entered in this very transaction, so that no
    run has any of them and nobody else can change one.

    False if the run takes no more, because it is closed or cancelled. Raises UnknownRun.
    """
    rows = store.lock_runs(session, [key])
    row = rows.get(key)
    if row is None:
        raise tasks.unknown(key)
    if row.state != "running" or row.frozen_at is not None:
        return False
    made = [_new_task(session, rows, row, image, None, at) for image in media]
    store.insert_tasks(session, made)
    row.waiting += len(made)
    return True


def add_images(session: Session, key: str, media: Sequence[Media], *, at: datetime) -> bool:
    """Make each image that the run does not have yet a task of it, as soon as the image is ready; safe to repeat.

    False if the run takes no more, because it is closed or cancelled. Raises UnknownRun.
    """
    run = get(session, key)
    others = {} if run.again else _before(session, run, [image.key for image in media])
    rows = store.lock_runs(session, [key, *(task.run_key for task in others.values())])
    row = rows[key]
    if row.state != "running" or row.frozen_at is not None:
        return False
    before = {} if run.again else _before(session, run, [image.key for image in media], rows)  # as it stands under the locks
    known = store.known_media(session, key, [image.key for image in media])
    fresh = {image.key: image for image in media if image.key not in known}
    for image in catalogue.lock_media(session, [image.key for image in fresh.values() if image.state == "pending"]):
        fresh[image.key] = image  # it may have become ready since it was read
    made = [_new_task(session, rows, row, image, before.get(image.key), at) for image in fresh.values()]
    store.insert_tasks(session, made)
    waiting = [fresh[task["media_key"]] for task in made if task["state"] == "waiting"]
    outbox.add_all(session, [Analyse(row.key, image.key) for image in waiting if image.state == "ready"])
    for failed in sorted((image for image in waiting if image.state == "failed"), key=lambda image: image.key):
        tasks.start(session, row.key, failed, at=at)
    for task in made:
        setattr(row, task["state"], getattr(row, task["state"]) + 1)
    return True


def close(session: Session, key: str, *, at: datetime) -> Run:
    """The list of images is complete from now on; safe to repeat. Raises UnknownRun."""
    row = tasks.lock_run(session, key)
    row.frozen_at = row.frozen_at or at
    tasks.end_run_if_done(row, at)
    return store.run(row)


def break_off(session: Session, key: str, reason: str, *, at: datetime) -> None:
    """Close a run whose images could not all be found, with the reason; the tasks it has are done."""
    row = tasks.lock_run(session, key)
    if row.frozen_at is None:
        row.reason = reason
        close(session, key, at=at)


def cancel(session: Session, key: str, *, by: Principal, at: datetime) -> Run:
    """Let no waiting task begin, and no further step; steps that are being done end. Raises UnknownRun, RunInState."""
    require(by, "curate")
    row = tasks.lock_run(session, key)
    if row.state != "running":
        raise RunInState(f"Run {key} is {row.state}; only a running one can be cancelled.")
    row.state, row.cancelled_by, row.cancelled_at = "cancelled", by.name, at
    row.frozen_at = row.frozen_at or at
    tasks.end_run_if_done(row, at)
    outbox.add(session, SettleRun(key))
    changes.record(session, by, "cancel", "run", key, at=at)
    return store.run(row)


def retract(session: Session, key: str, reason: str, *, by: Principal, at: datetime) -> Run:
    """Withdraw all that the run stated; `settle_batch` does it. Raises UnknownRun, RunInState, BadRun."""
    require(by, "curate")
    row = tasks.lock_run(session, key)
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise BadRun(f"Say why, in 1 to {LONGEST_REASON:,} characters.", parameter="reason")
    if row.state == "retracted":
        raise RunInState(f"Run {key} is retracted already.")
    if row.ended_at is None:
        raise RunInState(f"Run {key} has not ended: cancel it first, or wait until its last steps are done.")
    row.state, row.retracted_by, row.retracted_at, row.retraction_reason = "retracted", by.name, at, reason.strip()
    row.under_way = "withdrawing"
    withdrawal.withdraw(session, key, by=by.name, reason=reason.strip(), at=at)
    outbox.add(session, SettleRun(key))
    changes.record(session, by, "retract", "run", key, at=at, reason=reason.strip())
    return store.run(row)


def restore(session: Session, key: str, *, by: Principal, at: datetime) -> Run:
    """Let all that the run stated stand again, exactly as it was; `settle_batch` does it. Raises UnknownRun, RunInState."""
    require(by, "curate")
    row = tasks.lock_run(session, key)
    if row.state != "retracted":
        raise RunInState(f"Run {key} is {row.state}; only a retracted one can be restored.")
    row.state, row.restored_by, row.restored_at, row.under_way = tasks.ended_state(row), by.name, at, "restoring"
    withdrawal.restore(session, key)
    outbox.add(session, SettleRun(key))
    changes.record(session, by, "restore", "run", key, at=at)
    return store.run(row)


def settle_batch(session: Session, key: str, *, at: datetime) -> int:
    """Bring the next tasks or statements of the run in line with its state; how many, 0 when all are. Raises UnknownRun."""
    row = tasks.lock_run(session, key)
    done, anew = 0, row.pipeline == pipelines.REMEASURE
    if row.state == "cancelled" and row.waiting:
        done = tasks.cancel_batch(session, row, at=at)
    elif row.under_way == "withdrawing":
        done = withdrawal.withdraw_batch(session, key, at=at, withdrawn_at=row.retracted_at, anew=anew)
    elif row.under_way == "restoring":
        done = withdrawal.restore_batch(session, key, at=at, anew=anew)
    if not done:
        row.under_way = ""
    return done


def note_failure(session: Session, key: str, reason: str) -> None:
    """Say at the run why what it asked for in the background was given up."""
    tasks.lock_run(session, key).reason = reason


def resume_selections(session: Session, ingests_running: Sequence[str], *, at: datetime) -> int:
    """Have the workers complete the lists of images that killed processes left incomplete; how many.

    A run of an ingest that runs no more is closed.
    """
    resumed = 0
    for row in store.open_selections(session, 100):
        if row.ingest_key:
            if row.ingest_key not in ingests_running:
                close(session, row.key, at=at)
        elif row.process and processes.is_dead(row.process):
            row.process = ""
            outbox.add(session, SettleRun(row.key))
            resumed += 1
    return resumed


def get(session: Session, key: str) -> Run:
    """Raises UnknownRun."""
    row = store.find(session, key)
    if row is None:
        raise tasks.unknown(key)
    return store.run(row)


def exists(session: Session, key: str) -> bool:
    """Whether there is a run of that key, or an ingest, which was a run once."""
    return store.find(session, key) is not None or bool(ingests.by_key(session, [key], by=Principal.of_system()))


def page(
    session: Session,
    *,
    state: str = "",
    pipeline: str = "",
    ingest: str = "",
    media: str = "",
    specimen: str = "",
    offset: int = 0,
    limit: int,
) -> tuple[Run, ...]:
    """Runs, newest first; empty filters let every run through. `media` and `specimen` are of images that a run goes over."""
    where = {"state": state, "pipeline": pipeline, "ingest": ingest}
    rows = store.page(session, where, _media_keys(session, media, specimen), offset=offset, limit=limit)
    return tuple(map(store.run, rows))


def newest(session: Session, *, state: str = "", offset: int = 0, limit: int) -> list[tuple[datetime, str]]:
    """When each of the newest runs was asked for, and its key."""
    return store.newest(session, state, offset, limit)


def by_key(session: Session, keys: Sequence[str]) -> Mapping[str, Run]:
    """Those of the runs that are here; for one page of a list."""
    return {row.key: store.run(row) for row in store.by_key(session, keys)}


def keys(session: Session, *, after: str = "", limit: int) -> Sequence[str]:
    """The keys of the runs, from the one behind `after`."""
    return store.keys(session, after, limit)


def count(session: Session, *, state: str = "", pipeline: str = "", ingest: str = "", media: str = "", specimen: str = "") -> int:
    """How many runs `page` would list in all."""
    where = {"state": state, "pipeline": pipeline, "ingest": ingest}
    return store.count(session, where, _media_keys(session, media, specimen))


def of_media(session: Session, media_keys: Sequence[str], limit: int = MOST_OF_MEDIA) -> tuple[tuple[Run, Task], ...]:
    """The runs over these images, newest first, each with the task of the image."""
    return tuple((store.run(run), store.task(task)) for run, task in store.of_media(session, media_keys, limit))


def list_tasks(session: Session, key: str, *, state: str = "", after: str = "", limit: int) -> tuple[Task, ...]:
    """A page of a run's tasks in the order of their images' keys. Raises UnknownRun."""
    get(session, key)
    return tuple(map(store.task, store.page_of_tasks(session, key, state, after=after, limit=limit)))


def get_task(session: Session, key: str, media_key: str) -> Task:
    """The task of one image of a run. Raises UnknownRun."""
    return tasks.get(session, key, media_key)


def only_tasks(session: Session, runs: Sequence[Run]) -> Mapping[str, Task]:
    """The tasks of those of the runs that go over one image, by run; for one page of a list."""
    keys = [run.key for run in runs if run.images == 1]
    return {row.run_key: store.task(row) for row in store.tasks_of_runs(session, keys)}


def only_task(session: Session, run: Run) -> Task | None:
    """The task of a run over one image; None for others."""
    return only_tasks(session, [run]).get(run.key)


def counts(session: Session) -> Mapping[str, int]:
    """How many runs there are, by state."""
    return store.counts_by_state(session)


def tasks_of_running(session: Session) -> Mapping[str, int]:
    """How many tasks the runs have that have not ended, by state."""
    return store.running(session)


def latest_change(session: Session) -> str:
    """A token that changes whenever a running run makes a step: for those who watch."""
    return ".".join(map(str, [*store.running(session).values(), store.steps_done(session)]))


def check(selection: Selection, seed: int) -> None:
    """The limits of what may be asked for. Raises BadRun."""
    if not 0 <= seed < SEEDS:
        raise BadRun(f"A seed is a whole number from 0 to {SEEDS - 1:,}.", parameter="seed")
    named = len(selection.media) + len(selection.specimens)
    if selection.kind == "images" and not 1 <= named <= MOST_NAMED:
        raise BadRun(f"Name 1 to {MOST_NAMED:,} images or specimens, or give a query.", parameter="media")
    if selection.kind == "query" and len(selection.query) > LONGEST_QUERY:
        raise BadRun(f"A query has up to {LONGEST_QUERY:,} characters.", parameter="query")


def _before(
    session: Session, run: Run, media_keys: Sequence[str], locked: Mapping[str, RunRow] | None = None
) -> dict[str, TaskRow]:
    """Of each image a task that did, does or failed at the very same work in another run: the best of them.

    With `locked` only tasks of those runs, which nobody changes now. A run that began such work since the locks were taken is
    passed over, and does it beside this one.
    """
    ranks = ("completed", "running", "waiting", "failed")
    same = store.same_work(session, run.fingerprint, media_keys)
    found = [task for task in same if task.run_key != run.key and (locked is None or task.run_key in locked)]
    best: dict[str, TaskRow] = {}
    for task in sorted(found, key=lambda task: ranks.index(task.state)):
        best.setdefault(task.media_key, task)
    return best


def _new_task(
    session: Session, rows: Mapping[str, RunRow], run: RunRow, image: Media, before: TaskRow | None, at: datetime
) -> dict[str, Any]:
    """The row of a new task. A failed one of another run is taken up there where the run is to retry."""
    state, reason = "waiting", ""
    if before is not None and before.input_digest == image.sha256:
        state, reason = _beside(session, rows[before.run_key], before, image, retry=run.retry, at=at)
    if state == "waiting" and image.state == "failed" and not run.retry:
        state, reason = "failed", tasks.unprepared(image)
    return {
        "run_key": run.key,
        "media_key": image.key,
        "state": state,
        "input_digest": image.sha256,
        "fingerprint": run.fingerprint,
        "code_version": "",
        "steps": tasks.marks(run.parameters),
        "done": 0,
        "reason": reason,
        "started_at": None,
        "ended_at": None if state == "waiting" else at,
    }


def _beside(session: Session, other: RunRow, before: TaskRow, image: Media, *, retry: bool, at: datetime) -> tuple[str, str]:
    """State and reason of a new task beside one of another run that is the very same work."""
    if before.state == "completed":
        return "skipped", f"Run {other.key} has done the very same."
    if before.state in ("running", "waiting"):
        return "skipped", f"Run {other.key} is about to do the very same."
    if not retry:
        return "skipped", f"The very same failed in run {other.key}."
    if other.state in ("cancelled", "retracted"):
        return "waiting", ""
    tasks.reopen(session, other, image, at=at)
    return "skipped", f"The very same failed in run {other.key}, which now does it again."


def _media_keys(session: Session, media: str, specimen: str) -> list[str] | None:
    """The images by which runs are filtered; None for no filter."""
    if not specimen:
        return [media] if media else None
    keys = [image.key for image in catalogue.media_of(session, specimen)]
    return [key for key in keys if media in ("", key)]
