"""The actors, bound to a broker: what the worker can do."""

import importlib
from collections.abc import Sequence

import dramatiq

MODULES = ("iiif.image.actors", "analytics.actors")


def declare(broker: dramatiq.Broker, modules: Sequence[str] = MODULES) -> None:
    """Import the actors and declare them on the broker; those that were imported before move over to it."""
    dramatiq.set_broker(broker)
    for name in modules:
        module = importlib.import_module(name)
        for actor in vars(module).values():
            if isinstance(actor, dramatiq.Actor):
                actor.broker = broker
                broker.declare_actor(actor)
