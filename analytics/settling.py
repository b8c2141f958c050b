"""What follows from a change of a run, in batches of one transaction each: its images are looked up, tasks that wait are
cancelled, statements are withdrawn or restored. If a call is killed in the middle, the next call does the rest."""

from collections.abc import Callable

from analytics import selections, service
from analytics.model import Selection
from app.runtime.context import Runtime
from app.runtime.errors import DomainError, Unavailable

Advance = Callable[[int], None]


def settle(runtime: Runtime, key: str, advance: Advance = lambda _: None) -> None:
    """Do all of it that is left; `advance` is told of every batch. Raises UnknownRun, and what `selections.images_of` does."""
    with runtime.reads.begin() as session:
        run = service.get(session, key)
    if run.state == "running" and run.frozen_at is None and run.selection["kind"] != "ingest":
        _freeze(runtime, key, Selection.of(run.selection), advance)
    while True:
        with runtime.db.begin() as session:
            done = service.settle_batch(session, key, at=runtime.clock())
        if not done:
            return
        advance(done)


def _freeze(runtime: Runtime, key: str, selection: Selection, advance: Advance) -> None:
    """Make every image of the selection a task; those that are there already are passed over."""
    try:
        for images in selections.images_of(runtime, selection):
            with runtime.db.begin() as session:
                if not service.add_images(session, key, images, at=runtime.clock()):
                    return
            advance(len(images))
    except Unavailable:
        raise
    except DomainError as error:
        with runtime.db.begin() as session:
            service.break_off(session, key, f"Its images could not be found: {error}", at=runtime.clock())
        raise
    with runtime.db.begin() as session:
        service.close(session, key, at=runtime.clock())
