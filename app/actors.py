"""The actors, bound to a broker: what the worker can do, and what follows when it could not."""

import importlib
from collections.abc import Sequence
from typing import Any

import dramatiq
import structlog
from dramatiq.broker import MessageProxy
from dramatiq.middleware import Middleware
from sqlalchemy.orm import Session

from analytics import service as analytics
from analytics import tasks
from annotations.datasets import work as datasets
from app.exchange import import_jobs
from app.runtime import clock, context
from iiif.catalogue import service as catalogue
from iiif.image.service import DecodeLimits

MODULES = ("iiif.image.actors", "annotations.actors", "annotations.datasets.actors", "analytics.actors", "app.exchange.actors")
log = structlog.get_logger()


def declare(broker: dramatiq.Broker, modules: Sequence[str] = MODULES) -> None:
    """Import the actors and declare them on the broker; those that were imported before move over to it."""
    dramatiq.set_broker(broker)
    broker.add_middleware(GivenUp())
    for name in modules:
        module = importlib.import_module(name)
        for actor in vars(module).values():
            if isinstance(actor, dramatiq.Actor):
                actor.broker = broker
                broker.declare_actor(actor)


class GivenUp(Middleware):
    """When a job is given up for good, what waits for it fails too, with the reason, rather than wait for ever."""

    def before_nack(self, broker: dramatiq.Broker, message: MessageProxy) -> None:  # noqa: ARG002 - dramatiq's signature
        lines = str(message.options.get("traceback", "")).strip().splitlines()
        reason = f"Given up: {lines[-1] if lines else 'the job was refused.'}"
        log.error("a job is given up", actor=message.actor_name, arguments=message.kwargs, reason=reason)
        with context.current().db.begin() as session:
            _conclude(session, message.actor_name, message.kwargs, reason)


def _conclude(session: Session, actor: str, arguments: dict[str, Any], reason: str) -> None:
    match actor, arguments:
        case "derive_image", {"media_key": key} if catalogue.get_media(session, key).state == "pending":
            limits = DecodeLimits.of(context.current().settings)
            catalogue.media_failed(session, key, reason, at=clock.now(), under=str(limits))
        case "analyse", {"run_key": run_key, "media_key": media_key}:
            tasks.fail(session, run_key, media_key, reason, at=clock.now())
        case "media_settled", {"media_key": key}:
            tasks.fail_waiting(session, key, reason, at=clock.now())
        case "freeze_dataset" | "export_dataset", {"job_key": key}:
            datasets.end(session, key, "failed", {"error": reason}, at=clock.now())
        case "import_file", {"import_key": key}:
            import_jobs.give_up(session, key, reason, at=clock.now())
        case "settle_run", {"run_key": key}:
            analytics.note_failure(session, key, reason)
