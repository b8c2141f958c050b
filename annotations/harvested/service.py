"""Take in what other servers say of a canvas: new statements, changed ones, and that others are said no more.

Each keeps its own words, its creator and its address (`via`). It is a statement of that server: nobody here has said it, and it
can be judged like any other.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import service
from annotations.bodies import several
from annotations.errors import UnknownAnnotation, UnknownTarget
from annotations.harvested.placing import moved
from annotations.harvested.tables import HarvestedAnnotationRow
from annotations.model import Annotation, Layer
from annotations.projections import MARK, Profile
from app.runtime.context import Runtime
from app.runtime.errors import DomainError
from app.runtime.principal import Grant, Principal
from iiif.catalogue.model import Media

MOST_OF_CANVAS, MOST_PAGES = 2_000, 100
PAINTING = frozenset({"painting", "sc:painting"})
Ask = Callable[[str], Any]
"""Gives the JSON document at an address. Raises DomainError."""


@dataclass(frozen=True, slots=True)
class CanvasThere:
    """A canvas of another server, with its size in its own units (0 where it says none), and its pages of annotations: their
    addresses, or the pages themselves."""

    iri: str
    width: float
    height: float
    pages: tuple[Any, ...]


@dataclass(slots=True)
class Outcome:
    """How many statements were added, changed and taken away, and a sentence on each that was left out. `is_whole` tells that
    every page could be read."""

    added: int = 0
    changed: int = 0
    ended: int = 0
    is_whole: bool = True
    left_out: list[str] = field(default_factory=list)


def take_in(runtime: Runtime, source_key: str, canvas: CanvasThere, media: Media, ask: Ask) -> Outcome:
    """Bring what is said here of the image in line with what is said there of the canvas, in transactions of its own.

    Nothing is taken away where a page cannot be read.
    """
    outcome, seen = Outcome(), set[str]()
    by = Principal(f"harvest:{source_key}", (Grant("curator"),))
    for one, profile in _statements(canvas, ask, outcome):
        if one is None:
            outcome.is_whole = False
            continue
        iri = str(one.get("id", one.get("@id", "")))
        if not iri or runtime.addresses.path_of(iri) is not None:
            outcome.left_out.append(
                "A statement has no address of its own." if not iri else f"{iri[:200]} is a statement of this hub."
            )
            continue
        seen.add(_name(iri))
        try:
            with runtime.db.begin() as session:
                _keep(session, runtime, one, iri, profile, canvas, media, by, outcome)
        except DomainError as error:
            outcome.left_out.append(f"The statement {iri[:200]} was not taken in: {error.sentence}")
    if outcome.is_whole:
        with runtime.db.begin() as session:
            _end_others(session, runtime, canvas, media, seen, by, outcome)
    return outcome


def _statements(canvas: CanvasThere, ask: Ask, outcome: Outcome) -> Iterator[tuple[Mapping[str, Any] | None, Profile]]:
    """The statements on the canvas's pages, each with the form that it has; None for a page that cannot be read."""
    waiting, asked, found = list(canvas.pages), 0, 0
    while waiting:
        page = waiting.pop(0)
        address = page if isinstance(page, str) else page.get("id", page.get("@id", "")) if isinstance(page, Mapping) else ""
        if not isinstance(page, Mapping) or not ("items" in page or "resources" in page):
            asked += 1
            try:
                page = ask(str(address)) if asked <= MOST_PAGES else None
            except DomainError as error:
                outcome.left_out.append(f"The page {str(address)[:200]} was not read: {error.sentence}")
                page = None
        if not isinstance(page, Mapping):
            yield None, "iiif3"
            continue
        if following := page.get("next"):
            waiting.append(following)
        profile: Profile = "iiif2" if "resources" in page else "iiif3"
        for one in several(page.get("items", page.get("resources"))):
            if not isinstance(one, Mapping) or PAINTING.intersection(map(str, several(one.get("motivation")))):
                continue
            found += 1
            if found > MOST_OF_CANVAS:
                outcome.left_out.append(f"The canvas {canvas.iri[:200]} has more than {MOST_OF_CANVAS:,} statements.")
                yield None, profile
                return
            yield one, profile


def _keep(
    session: Session,
    runtime: Runtime,
    one: Mapping[str, Any],
    iri: str,
    profile: Profile,
    canvas: CanvasThere,
    media: Media,
    by: Principal,
    outcome: Outcome,
) -> None:
    digest = hashlib.sha256(json.dumps(one, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    row = session.get(HarvestedAnnotationRow, _name(iri))
    if row is not None and row.digest == digest:
        return
    document = _as_ours(one, iri, canvas, media, runtime)
    at, addresses = runtime.clock(), runtime.addresses
    if row is None:
        layer: Layer = "machine" if _is_machine(one) else "people"
        made = service.create(session, document, by=by, addresses=addresses, at=at, profile=profile, layer=layer)
        _check_place(made, media)
        session.add(
            HarvestedAnnotationRow(name=_name(iri), iri=iri, place=_name(canvas.iri), annotation_key=made.key, digest=digest)
        )
        outcome.added += 1
        return
    if not _is_of(session, row, media):
        raise UnknownTarget("It is said of another specimen here already, and stays there.", parameter="target")
    stored = {**document, "id": addresses.annotation(row.annotation_key)}
    _check_place(service.replace(session, row.annotation_key, stored, by=by, addresses=addresses, at=at, restored=True), media)
    row.digest = digest
    outcome.changed += 1


def _is_of(session: Session, row: HarvestedAnnotationRow, media: Media) -> bool:
    """Whether the statement lies on the specimen of the image: no page of one manifest touches what another one brought."""
    known = service.find(session, row.annotation_key)
    return known is not None and known.specimen_key == media.specimen_key


def _check_place(made: Annotation, media: Media) -> None:
    """Another server speaks of its own canvas, and of nothing else that is here. Raises UnknownTarget."""
    if any(target.media_key != media.key for target in made.targets):
        raise UnknownTarget("It is about something of this hub that did not come from there.", parameter="target")


def _as_ours(one: Mapping[str, Any], iri: str, canvas: CanvasThere, media: Media, runtime: Runtime) -> dict[str, Any]:
    """Without its address, which is told by `via` (Web Annotation Data Model, 3.3.6), and on our canvas."""
    ours = runtime.addresses.canvas(media.specimen_key, media.key)
    sized = canvas.width > 0 and canvas.height > 0
    scale = (media.width_px / canvas.width, media.height_px / canvas.height) if sized else (1.0, 1.0)
    made = {name: value for name, value in one.items() if name not in ("id", "@id")}
    made |= {name: _without_state(made[name], iri) for name in ("body", "resource") if name in made}
    made["via"] = [*dict.fromkeys([iri, *(text for text in several(one.get("via")) if isinstance(text, str))])]
    for name in ("target", "on"):
        if name in made:
            made[name] = moved(made[name], canvas.iri, ours, scale)
    return made


def _without_state(bodies: Any, iri: str) -> Any:
    """Another Lectotype adds a body that tells of its own review; that is no word of the statement."""
    mark = f"{iri}{MARK}"
    return [one for one in several(bodies) if not (isinstance(one, Mapping) and one.get("id", one.get("@id")) == mark)]


def _is_machine(one: Mapping[str, Any]) -> bool:
    """Whether every creator says of itself that it is software."""
    creators = several(one.get("creator"))
    return bool(creators) and all(isinstance(each, Mapping) and "Software" in several(each.get("type")) for each in creators)


def _end_others(
    session: Session, runtime: Runtime, canvas: CanvasThere, media: Media, seen: set[str], by: Principal, outcome: Outcome
) -> None:
    """Statements that were on the canvas's pages and are no more are deleted here; their versions stay."""
    row = HarvestedAnnotationRow
    for known in session.scalars(select(row).where(row.place == _name(canvas.iri))).all():
        if known.name in seen or not known.digest or not _is_of(session, known, media):
            continue
        try:
            service.delete(session, known.annotation_key, by=by, at=runtime.clock())
            outcome.ended += 1
        except UnknownAnnotation:
            pass
        known.digest = ""


def _name(iri: str) -> str:
    return hashlib.sha256(iri.encode()).hexdigest()
