"""What the page of one statement shows: its piece of the image with its shape, who says it, how it stands, replies."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from analytics import service as analytics
from analytics.model import Run
from annotations import annotation_pages, frames
from annotations import service as annotations
from annotations.model import About, Annotation, Canvas, CanvasBox
from annotations.region_text import rounded
from annotations.regions import Region
from annotations.review import service as review
from annotations.review.service import Opinion
from annotations.viewer_selectors import picture_of
from app.runtime.accounts import store as accounts
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal, may
from app.web import statement_words
from app.web.drawing import statement_form
from app.web.drawing.statement_form import Said
from app.web.image_links import ImageLink, is_pictured, piece_of
from app.web.specimens import annotation_cards, opinions, threads
from app.web.specimens.opinions import Standing, Viewer
from app.web.specimens.threads import Thread
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from iiif.catalogue.visibility import sees

PIECE_PX = (900, 560)
MARGIN = 0.2  # of the longer side, around the shape
LEAST_MARGIN = 40.0  # canvas units
MOST_REPLIES = 100
MOST_POINTS = 5_000


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of the image; `view` is the same as `x y w h` in canvas units, those of `path` and `points`, the shape."""

    link: ImageLink
    view: str
    path: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Source:
    """Who or what says it: `author`, the `software` that made it, and the run with its models, where a machine did."""

    author: str
    when: str
    software: str
    run: Run | None


@dataclass(frozen=True, slots=True)
class Page:
    """`place` is the specimen and image that it lies on, None for those that lie on none; `corrects` and `corrections` are keys,
    and so is `replies_to`, of what a comment is about.

    `verdicts` are those that stand, for curators, and for all once it is decided.
    """

    statement: Annotation
    specimen: Specimen | None
    media: Media | None
    piece: Piece | None
    says: str
    said: Said
    source: Source
    standing: Standing
    verdicts: tuple[str, ...]
    corrects: str
    corrections: tuple[str, ...]
    threads: tuple[Thread, ...]
    replies_to: str

    @property
    def is_comment(self) -> bool:
        return threads.is_comment(self.statement)


def look(session: Session, key: str, by: Principal, addresses: Addresses) -> Page:
    """Raises UnknownAnnotation, DeletedAnnotation, WithdrawnAnnotation, Closed, NotYours."""
    statement = annotations.get(session, key, by=by)
    specimen, media = _place(session, statement)
    viewer = Viewer(by, may(by, "annotate", specimen), addresses.pid(by.account) if by.account else "")
    replies = _replies(session, statement, by)
    judged = review.opinions(session, [statement.key]).get(statement.key, ())
    history = review.history(session, statement.key, by=by, addresses=addresses)
    names = _names(session, (statement, *replies), judged, addresses)
    people = {addresses.pid(one): name for one, name in names.items()}
    region = _region(session, statement)
    standing = opinions.standing(statement, judged, viewer, names, nothing=False)
    told = judged if may(by, "curate", specimen) else ()
    talk = threads.threads((statement, *replies), people, viewer, addresses.annotation(""))
    return Page(
        statement,
        specimen,
        media,
        _piece(media, region) if media and sees(media, by) else None,
        annotation_cards.said(statement),
        statement_form.said_of(statement.document),
        _source(session, statement, people),
        standing,
        tuple(opinions.told(one, names) for one in told) or standing.decided,
        _key(history["revisionOf"]),
        tuple(_key(one["correction"]) for one in history["verdicts"] if one["correction"] and not one["takenBack"]),
        _about(statement, talk),
        statement.front.key if threads.is_comment(statement) and statement.front.kind == "annotation" else "",
    )


def _about(statement: Annotation, talk: threads.Threads) -> tuple[Thread, ...]:
    """What was written about it; of a comment the replies to it, and those to these."""
    if not threads.is_comment(statement):
        return talk.on(statement.key)
    every = (thread for several in talk.about.values() for thread in several)
    own = next((one for one in every if any(comment.key == statement.key for comment in one.comments)), None)
    replies = tuple(comment for comment in own.comments if comment.key != statement.key) if own else ()
    return (Thread(replies),) if replies else ()


def _place(session: Session, statement: Annotation) -> tuple[Specimen | None, Media | None]:
    front = statement.front
    known = catalogue.specimens_by_key(session, {front.specimen_key} if front.specimen_key else set())
    media = catalogue.get_media(session, front.media_key) if front.media_key else None
    return known.get(front.specimen_key), media if media and media.state == "ready" else None


def _region(session: Session, statement: Annotation) -> Region | None:
    canvas = annotation_pages.canvas_of(session, statement)
    return None if canvas is None else frames.shown_region(statement, canvas)


def _replies(session: Session, statement: Annotation, by: Principal) -> list[Annotation]:
    """Comments on it, and on those, the first hundred."""
    found: list[Annotation] = []
    asked = [statement.key]
    while asked and len(found) < MOST_REPLIES:
        about = About(kind="annotation", key=asked.pop(0), layer="people", told=True)
        more = annotations.page(session, about, by=by, limit=MOST_REPLIES - len(found))
        more = tuple(one for one in more if threads.is_comment(one))
        found += more
        asked += [one.key for one in more]
    return found


def _names(session: Session, said: Sequence[Annotation], judged: Sequence[Opinion], addresses: Addresses) -> Mapping[str, str]:
    ours = addresses.pid("")
    keys = {iri.removeprefix(ours) for one in said for iri in statement_words.creators(one) if iri.startswith(ours)}
    keys |= {one.account for one in judged}
    return accounts.names(session, keys) if keys else {}


def _source(session: Session, statement: Annotation, people: Mapping[str, str]) -> Source:
    generator = statement.document.get("generator")
    software = str(generator.get("name") or "") if isinstance(generator, Mapping) else ""
    runs = analytics.by_key(session, [statement.run_key]) if statement.run_key else {}
    when = statement_words.when(statement.modified_at)
    return Source(statement_words.author(statement, people), when, software, runs.get(statement.run_key))


def _key(iri: str | None) -> str:
    return (iri or "").rpartition("/")[2]


def _piece(media: Media, region: Region | None) -> Piece | None:
    """The shape with what is around it; the whole image where it has no place of its own."""
    if not is_pictured(media):
        return None
    canvas = Canvas(media.width_px, media.height_px)
    box = CanvasBox(0.0, 0.0, float(canvas.width), float(canvas.height)) if region is None else _around(region.box, canvas)
    asked = picture_of(box, canvas)
    link = piece_of(media, asked, PIECE_PX)
    if region is None:
        return Piece(link, asked.replace(",", " "), "", ())
    points = (region.point,) if region.kind == "point" and region.point is not None else ()
    return Piece(link, asked.replace(",", " "), "" if points else _path(region), points)


def _around(box: CanvasBox, canvas: Canvas) -> CanvasBox:
    margin = max(LEAST_MARGIN, MARGIN * max(box.x1 - box.x0, box.y1 - box.y0))
    return CanvasBox(
        max(0.0, box.x0 - margin),
        max(0.0, box.y0 - margin),
        min(float(canvas.width), box.x1 + margin),
        min(float(canvas.height), box.y1 + margin),
    )


def _path(region: Region) -> str:
    """The shape as an SVG path; the box of one with very many corners."""
    box = region.box
    rings, lines = region.rings, region.lines
    if not (rings or lines) or sum(map(len, (*rings, *lines))) > MOST_POINTS:
        rings, lines = (((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1)),), ()
    drawn = [(ring, " Z") for ring in rings] + [(line, "") for line in lines]
    return " ".join("M" + " L".join(f"{rounded(x)} {rounded(y)}" for x, y in path) + end for path, end in drawn)
