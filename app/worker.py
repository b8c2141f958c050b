"""The worker process: takes jobs from the broker and does them, several at a time, until it is told to stop."""

import threading
from collections.abc import Sequence

import dramatiq
import structlog

from app import actors, compose
from app.runtime.broker import make_broker, release_dead
from app.runtime.settings import Settings
from iiif.image.masters import derivatives

IDLE_MS = 250  # how long a thread sleeps at most before it looks whether it should stop
GRACE_MS = 20_000  # how long running jobs may go on after a stop; what is not done by then is done again later
log = structlog.get_logger()


def run(settings: Settings, stop: threading.Event, modules: Sequence[str] = actors.MODULES) -> None:
    """Do the jobs of the actors in these modules until `stop` is set, then let running jobs end.

    Raises StoreAway where the stored files are not there.
    """
    runtime = compose.build(settings)
    runtime.blobs.check()
    if again := derivatives.try_again_under_new_limits(runtime):
        log.info("images that failed under other limits are tried again", images=again)
    broker = make_broker(settings, runtime.database)
    actors.declare(broker, modules)
    release_dead(broker)
    broker.emit_after("process_boot")
    worker = dramatiq.Worker(broker, worker_threads=settings.worker_threads, worker_timeout=IDLE_MS)
    worker.start()
    log.info("the worker is ready", threads=settings.worker_threads)
    stop.wait()
    log.info("the worker ends its jobs")
    worker.stop(timeout=GRACE_MS)
    broker.close()
    runtime.search.close()
    runtime.database.engine.dispose()
