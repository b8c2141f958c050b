"""`/api/events`: server-sent events (HTML, 9.2) of what changes in the hub, from whichever process.

All of it is read from the database, so it is the same on every broker and from every web process. A stream holds a thread, so
few are held open in each process; whoever finds no place gets what is there at once and is told to come back in a while, as a
browser does by itself with the number of what it has seen (`Last-Event-ID`). So nobody misses anything, and no crowd holds
more than it may.
"""

import json
import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from analytics import service as analytics
from app import announcements
from app.runtime import context, events, principal
from app.runtime.addresses import Addresses
from app.runtime.context import Runtime
from app.runtime.errors import Invalid
from app.runtime.events import Event
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.ingest import service as ingests

PROGRESS, CHANGE = "progress", "change"
STREAMS = threading.BoundedSemaphore(4)  # held open in this process; each holds a thread
LOOK_EVERY_S, COUNT_EVERY_S, BEAT_EVERY_S = 0.5, 1.0, 15.0
LONGEST_S, LONGEST_OF_SOMEBODY_S = 600.0, 60.0  # then who asks is looked at again
COME_BACK_MS, COME_BACK_FULL_MS = 2_000, 10_000
PAGE = 500  # events read at once
MOST_PAGES = 4  # of them sent to who finds no place
MOST_KEYS = 50
blueprint = Blueprint("live", __name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a listener wants to hear: of these types, about one of these things; empty sets narrow nothing."""

    types: frozenset[str]
    specimens: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    annotations: frozenset[str] = frozenset()

    @property
    def narrowed(self) -> bool:
        return bool(self.specimens or self.images or self.annotations)

    def meets(self, event: Event) -> bool:
        if event.type not in self.types:
            return False
        if not self.narrowed:
            return True
        about = event.key if event.type.startswith("annotation.") else ""
        return about in self.annotations or not (
            self.specimens.isdisjoint(event.specimens) and self.images.isdisjoint(event.images)
        )


@blueprint.get("/api/events")
def listen() -> Response:
    """`change` for what changed, `progress` with the numbers of runs, `reset` where something was missed.

    `specimen`, `image` and `annotation` narrow changes, `type` names what is wanted.
    """
    runtime, by = context.current(), principal.of_page()
    wish, after = _wish(runtime), _after()
    held = STREAMS.acquire(blocking=False)
    try:
        lasts = 0.0 if not held else LONGEST_OF_SOMEBODY_S if by.name else LONGEST_S
        stream = _stream(runtime, wish, by, after, lasts)
    except BaseException:
        if held:
            STREAMS.release()
        raise
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = Response(stream, content_type="text/event-stream", headers=headers)
    response.vary.add("Authorization")
    if held:
        response.call_on_close(STREAMS.release)
    return response


def _stream(runtime: Runtime, wish: Wish, by: Principal, after: int | None, lasts_s: float) -> Iterator[str]:
    """Until the client goes, which a beat notices, or its time is over; then the client comes back by itself.

    `after` is the number that it has seen last, None for whoever wants only what comes.
    """
    began = beaten = time.monotonic()
    with runtime.reads.begin() as session:
        oldest, newest = events.ends(session)
    yield f"retry: {COME_BACK_MS if lasts_s else COME_BACK_FULL_MS}\n{_start(after, oldest, newest)}"
    seen = after if after is not None and oldest - 1 <= after <= newest else newest
    sent, counted = "", 0.0
    while True:
        said = ""
        if PROGRESS in wish.types and time.monotonic() - counted >= COUNT_EVERY_S:
            counted, numbers = time.monotonic(), _progress(runtime)
            said, sent = (f"event: {PROGRESS}\ndata: {numbers}\n\n" if numbers != sent else ""), numbers
        for _ in range(MOST_PAGES):
            with runtime.reads.begin() as session:
                happened = events.page(session, after=seen, limit=PAGE)
                told = announcements.seen(session, [one for one in happened if wish.meets(one)], by)
            seen = happened[-1].id if happened else seen
            said += "".join(_told(one, runtime.addresses) for one in told)
            if len(happened) < PAGE:
                break
        if said:
            yield said
            beaten = time.monotonic()
        elif time.monotonic() - beaten > BEAT_EVERY_S:
            beaten = time.monotonic()
            yield f": still here\nid: {seen}\n\n"  # without data nothing is dispatched, but the number is remembered
        if time.monotonic() - began >= lasts_s:
            yield f"id: {seen}\n\n"  # who comes back looks from here on, though nothing was told
            return
        time.sleep(LOOK_EVERY_S)


def _start(after: int | None, oldest: int, newest: int) -> str:
    """The number from which the client counts; `reset` where it has missed what is not kept any more."""
    if after is not None and oldest - 1 <= after <= newest:
        return f"id: {after}\n\n"
    return f"id: {newest}\nevent: {'ready' if after is None else 'reset'}\ndata: {{}}\n\n"


def _told(event: Event, addresses: Addresses) -> str:
    return f"id: {event.id}\nevent: {CHANGE}\ndata: {json.dumps(announcements.to_json(event, addresses))}\n\n"


def _progress(runtime: Runtime) -> str:
    """The numbers of runs and ingests by state."""
    with runtime.reads.begin() as session:
        counted = [("analysis", analytics.counts(session)), ("ingest", ingests.counts(session))]
        latest = analytics.latest_change(session)
    numbers = [{"kind": kind, "state": state, "total": n} for kind, found in counted for state, n in sorted(found.items())]
    return json.dumps({"runs": numbers, "latest": latest})


def _after() -> int | None:
    """What the client has seen: `Last-Event-ID`, which browsers send by themselves, or `after`."""
    text = request.headers.get("Last-Event-ID", "").strip() or request.args.get("after", "")
    if not text:
        return None
    if re.fullmatch(r"\d{1,18}", text, re.ASCII) is None:
        raise Invalid("Last-Event-ID is the number of an event of this hub.", parameter="after")
    return int(text)


def _wish(runtime: Runtime) -> Wish:
    kinds = frozenset(_list("type"))
    known = {PROGRESS, *events.TYPES}
    if unknown := kinds - known:
        raise Invalid(f"{min(unknown)[:40]!r} is no type; these are: {', '.join(sorted(known))}.", parameter="type")
    specimens, images, annotations = map(_list, ("specimen", "image", "annotation"))
    narrowed = bool(specimens or images or annotations)
    with runtime.reads.begin() as session:
        of_specimens = _images_of(session, specimens)
    types = kinds or (frozenset(events.TYPES) if narrowed else frozenset(known))
    return Wish(types, frozenset(specimens), frozenset(images) | of_specimens, frozenset(annotations))


def _images_of(session: Session, specimen_keys: Sequence[str]) -> frozenset[str]:
    """The images that show them: what lies on an image may lie on any specimen in it."""
    shown = catalogue.media_of_many(session, specimen_keys) if specimen_keys else {}
    return frozenset(media.key for several in shown.values() for media in several)


def _list(name: str) -> list[str]:
    """Repeated, or with commas between."""
    values = [value for text in request.args.getlist(name) for value in text.split(",") if value]
    if len(values) > MOST_KEYS or any(len(value) > 64 for value in values):
        raise Invalid(f"{name} takes up to {MOST_KEYS} keys.", parameter=name)
    return values
