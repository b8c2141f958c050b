"""Take in what a reader yields: find the image, place the region, map the class, store the statement; row by row.

Rows are independent: good ones go in, in transactions of BATCH, and each refused one is in the report with its reason. A dry run
does all of it but store. What came in before and stands is counted and not stored again.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from annotations import masks, region_measures, service
from annotations.exchange import described, fitting, store, stored
from annotations.exchange.classes import ClassMap, Meaning, UnknownClass
from annotations.exchange.finding import ImageFinder
from annotations.exchange.import_report import ImportReport
from annotations.exchange.model import Found, ImageReference, Note, ReadImage, ReadObject, Refused, Statement
from annotations.exchange.stored import SourceFile
from annotations.mask_selectors import MaskReference
from annotations.model import Canvas, Layer
from annotations.region_outlines import storable
from annotations.regions import Region
from annotations.segments import making
from app.runtime import clock, ids
from app.runtime.context import Runtime
from app.runtime.errors import DomainError, Unavailable
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import sees
from ontology.segment_classes import CLASSES

BATCH = 500
ALIKE_IOU = 0.9
MOST_COMPARED = 200  # statements of one image that a new one is compared with


@dataclass(slots=True)
class Import:
    """One import under way. `run_key` is empty for a dry run."""

    runtime: Runtime
    by: Principal
    source: SourceFile
    classes: ClassMap
    report: ImportReport
    run_key: str = ""
    layer: Layer = "people"
    seen: dict[str, int] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)

    @property
    def dry(self) -> bool:
        return not self.run_key


def take_in(import_: Import, read: Callable[[], Iterable[Found]], progress: Callable[[int], None] | None = None) -> ImportReport:
    """Read twice: first for the names of images, then for all. Raises Invalid where the file as a whole cannot be read."""
    finder = ImageFinder(import_.runtime.reads, import_.runtime.addresses)
    finder.prepare(_references(read()))
    found = iter(read())
    while batch := list(islice(found, BATCH)):
        if import_.dry:
            with import_.runtime.reads.begin() as session:
                _take_batch(session, import_, finder, batch)
        else:
            with import_.runtime.db.begin() as session:
                _take_batch(session, import_, finder, batch)
        if progress is not None:
            progress(import_.report.read)
    import_.report.images = len(import_.images)
    return import_.report


def _references(found: Iterable[Found]) -> Iterator[ImageReference]:
    return (one.image for one in found if isinstance(one, ReadObject | ReadImage))


def _take_batch(session: Session, import_: Import, finder: ImageFinder, batch: Iterable[Found]) -> None:
    taker = _Batch(session, import_, finder, import_.runtime.clock())
    for one in batch:
        if isinstance(one, Refused):
            import_.report.refuse(one.row, one.reason)
        elif isinstance(one, Note):
            import_.report.notes[one.sentence] += 1
        elif isinstance(one, ReadImage):
            taker.image(one)
        else:
            taker.object(one)


class _Batch:
    """The rows of one transaction."""

    def __init__(self, session: Session, import_: Import, finder: ImageFinder, at: datetime) -> None:
        self.session, self.its, self.finder, self.at = session, import_, finder, at
        self.report = import_.report
        self._media: dict[ImageReference, Media | str] = {}
        self._standing: dict[str, list[Statement]] = {}

    def image(self, one: ReadImage) -> None:
        """An image that the file lists without objects."""
        media = self._find(one.image)
        if isinstance(media, str):
            self.report.notes["An image that the file lists without objects is not here"] += 1
            return
        self.its.images.add(media.key)
        self.report.images_without_objects += not one.objects

    def object(self, one: ReadObject) -> None:
        try:
            if self.its.dry:
                self._take(one)
            else:
                with self.session.begin_nested():
                    self._take(one)
        except UnknownClass as error:
            self.report.unknown_classes[error.name] += 1
            self.report.refuse(one.row, str(error))
        except Unavailable:
            raise
        except (DomainError, ValueError) as error:
            self.report.refuse(one.row, str(error))

    def _take(self, one: ReadObject) -> None:
        media = self._find(one.image)
        if isinstance(media, str):
            self.report.refuse(one.row, media)
            return
        if one.document is not None:
            self._take_document(one, media)
            return
        meaning = self.its.classes.meaning(one.class_name) if one.class_name else None
        if one.class_name and meaning is None:
            self.report.left_out += 1
            return
        frame, told = fitting.frame_of(one.image, media)
        region, clipped = (None, False) if one.region is None else fitting.placed(one.region, frame, media)
        one = replace(one, keypoints=fitting.placed_points(one.keypoints, frame))
        digest = self._digest(one, meaning, region, media)
        if store.standing_of(self.session, [digest]):
            self._count(media, known=True)
            return
        self._compare(one, meaning, region, media)
        if not self.its.dry:
            self._store(one, meaning, region, media, digest)
        self._count(media, meaning=meaning)
        for sentence in (told, "An object that reached up to a pixel past the edge was clipped" if clipped else ""):
            self.report.notes.update([sentence] if sentence else [])

    def _count(self, media: Media, *, known: bool = False, meaning: Meaning | None = None) -> None:
        self.its.images.add(media.key)
        self.report.known += known
        self.report.added += not known
        if meaning is not None and not known:
            self.report.classes[meaning.name] += 1

    def _find(self, reference: ImageReference) -> Media | str:
        if reference not in self._media:
            found = self.finder.find(self.session, reference)
            if not isinstance(found, str) and not sees(found, self.its.by):
                found = f"There is no image {(reference.name or reference.iri)[:200]!r} here."
            if not isinstance(found, str) and found.state != "ready":
                found = f"The image {found.key} has no canvas yet: it is {found.state}."
            self._media[reference] = found
        return self._media[reference]

    def _digest(self, one: ReadObject, meaning: Meaning | None, region: Region | None, media: Media) -> str:
        """Of all that it says; the second and third that say the same in one file differ by their number."""
        shape: Any = None
        if region is not None:
            mask = None if region.mask is None else hashlib.sha256(region.mask.bits).hexdigest()
            shape = [list(map(repr, vars_of(region))), mask]
        points = described.kept_keypoints(one.keypoints)
        author = one.creator or self.its.source.creator.get("id") or self.its.source.creator.get("name")
        said = [media.key, meaning.name if meaning else "", meaning.iri if meaning else "", shape, one.text, one.language]
        said += [one.comment, repr(one.score), repr(one.value), one.unit, one.crowd, points, author, dict(one.attributes)]
        said += [one.iri, self.report.format]
        return self._numbered(said)

    def _numbered(self, said: Any) -> str:
        plain = hashlib.sha256(json.dumps(said, sort_keys=True, ensure_ascii=False, default=str).encode()).hexdigest()
        number = self.its.seen[plain] = self.its.seen.get(plain, 0) + 1
        return plain if number == 1 else hashlib.sha256(f"{plain} {number}".encode()).hexdigest()

    def _store(self, one: ReadObject, meaning: Meaning | None, region: Region | None, media: Media, digest: str) -> None:
        kept, mask = (None, None) if region is None else self._kept(region)
        document = stored.document(one, meaning, kept, mask, media, self.its.source, self.its.runtime.addresses)
        self._enter(document, media, meaning.name if meaning is not None and meaning.name in CLASSES else "", digest)

    def _kept(self, region: Region) -> tuple[Region, MaskReference | None]:
        """The form in which it is stored; a mask of many corners among the blobs."""
        found = storable(region)
        if found.mask is None:
            return found, None
        file = masks.keep(self.its.runtime.blobs, found.mask)
        masks.register(self.session, [file], by=self.its.by, at=self.at)
        return found, masks.reference(found.mask, file, found.tolerance, self.its.runtime.addresses)

    def _enter(
        self, document: Any, media: Media, kind: str, digest: str, slug: str | None = None, at: datetime | None = None
    ) -> None:
        machine = self.its.layer == "machine"
        if machine:
            catalogue.lock_specimens_of(self.session, media.key)
        made = service.create(
            self.session,
            document,
            by=self.its.by,
            addresses=self.its.runtime.addresses,
            at=at or self.at,
            slug=slug,
            layer=self.its.layer,
            kind=kind,
            run_key=self.its.run_key,
        )
        if machine:
            making.of_finding(self.session, made, media, naan=self.its.runtime.settings.naan, at=self.at)
        store.remember(self.session, digest, made.key)

    def _take_document(self, one: ReadObject, media: Media) -> None:
        """A W3C annotation: it comes in as it is. One of this hub keeps its name and its time where they are free."""
        document = dict(one.document or {})
        digest = self._numbered([document, "w3c"])
        named = self.its.runtime.addresses.identify(str(document.get("id", "")))
        slug = named.key if named is not None and named.kind == "annotation" else None
        same = None if slug is None else service.find(self.session, slug)
        if store.standing_of(self.session, [digest]) or (same is not None and same.stands and same.document == document):
            self._count(media, known=True)
            return
        if not self.its.dry:
            at = clock.read(document["modified"]) if slug and same is None and "modified" in document else None
            self._enter(document, media, str(one.attributes.get("kind", "")), digest, None if same else slug, at)
        self._count(media)

    def _compare(self, one: ReadObject, meaning: Meaning | None, region: Region | None, media: Media) -> None:
        """Tell of a statement of the same class that lies at the same place."""
        if region is None or meaning is None or not region.has_area:
            return
        for other in self._standing_on(media)[:MOST_COMPARED]:
            if other.class_name != meaning.name or other.region is None or not other.region.has_area:
                continue
            near = region_measures.iou(Region(region.box), Region(other.region.box))
            if near >= ALIKE_IOU * 0.8 and (shared := region_measures.iou(region, other.region)) >= ALIKE_IOU:
                self.report.resembles(one.row, other.iri, shared)
                return

    def _standing_on(self, media: Media) -> list[Statement]:
        if media.key not in self._standing:
            found = store.on_images(self.session, [media.key], self.its.by).get(media.key, [])
            canvas, addresses = Canvas(media.width_px, media.height_px), self.its.runtime.addresses
            self._standing[media.key] = [described.statement(each, canvas, addresses) for each in found]
        return self._standing[media.key]


def vars_of(region: Region) -> tuple[Any, ...]:
    """All of a region but the bits of its mask."""
    box = region.box
    place = None if region.mask is None else (region.mask.x, region.mask.y, region.mask.width, region.mask.height)
    return (box.x0, box.y0, box.x1, box.y1, region.rings, region.lines, region.point, place)


def new_key(naan: str) -> str:
    """Of an import."""
    return ids.new_key(ids.BATCH, naan)
