"""Jobs of datasets."""

import dramatiq

from annotations.datasets import freezing, work
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

    def progress(stage: str, done: int) -> None:
        with runtime.db.begin() as session:
            if not work.note(session, job_key, stage, done):
                raise Cancelled

    try:
        version = freezing.freeze(runtime, job.dataset_key, by=Principal.of_system(), progress=progress)
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


class Cancelled(Exception):
    """Somebody cancelled the job."""
