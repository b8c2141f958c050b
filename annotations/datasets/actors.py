"""Jobs of datasets."""

import dramatiq

from annotations.datasets import exporting, freezing, service, work
from annotations.datasets.errors import BeingFrozen, IndexLags
from app.runtime import context
from app.runtime.errors import DomainError, Unavailable
from app.runtime.principal import Principal


@dramatiq.actor(actor_name="freeze_dataset", queue_name="runs", max_retries=20, min_backoff=2_000, time_limit=12 * 3_600_000)
def freeze_dataset(job_key: str) -> None:
    """Freeze a version. Safe to repeat and to be killed: what was staged is cleared, and begun anew."""
    runtime = context.current()
    with runtime.db.begin() as session:
        job = work.begin(session, job_key)
    if job is None:
        return

    try:
        version = freezing.freeze(runtime, job.dataset_key, by=Principal.of_system(), progress=_progress_of(job_key))
    except (IndexLags, BeingFrozen, Unavailable):
        raise  # later it can be
    except Cancelled:
        return
    except DomainError as error:
        with runtime.db.begin() as session:
            work.end(session, job_key, "failed", {"error": error.sentence}, at=runtime.clock())
        return
    outcome = {"version": version.number} if version else {"unchanged": True}
    with runtime.db.begin() as session:
        work.end(session, job_key, "done", outcome, at=runtime.clock())


@dramatiq.actor(actor_name="export_dataset", queue_name="runs", max_retries=5, min_backoff=2_000, time_limit=12 * 3_600_000)
def export_dataset(job_key: str) -> None:
    """Make the files of a version in a format. Safe to repeat and to be killed: what is kept already is not made again."""
    runtime = context.current()
    with runtime.db.begin() as session:
        job = work.begin(session, job_key)
    if job is None:
        return
    try:
        with runtime.reads.begin() as session:
            version = service.get_standing(session, job.dataset_key, job.number)
        _, made = exporting.export(runtime, version, job.format, _progress_of(job_key))
    except Cancelled:
        return
    except DomainError as error:
        if isinstance(error, Unavailable):
            raise
        with runtime.db.begin() as session:
            work.end(session, job_key, "failed", {"error": error.sentence}, at=runtime.clock())
        return
    with runtime.db.begin() as session:
        work.end(session, job_key, "done", {"files": sorted(made)}, at=runtime.clock())


def _progress_of(job_key: str) -> freezing.Progress:
    """Notes how far the job is. It raises Cancelled where somebody cancelled it."""
    runtime = context.current()

    def progress(stage: str, done: int) -> None:
        with runtime.db.begin() as session:
            if not work.note(session, job_key, stage, done):
                raise Cancelled

    return progress


class Cancelled(Exception):
    """Somebody cancelled the job."""
