"""Batches of records that need no decision: the new ones go in with one transaction, images included.

Those that another record of the hub or of the batch may speak of too are handed back one by one, in their turn.
"""

import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from app.runtime.context import Runtime
from iiif.catalogue import places, service
from iiif.catalogue.identity import identities_of
from iiif.catalogue.model import KnownMedia, KnownSpecimen
from iiif.ingest import depicted
from iiif.ingest.alike import Spelt, collected
from iiif.ingest.errors import HUB_IS_AWAY
from iiif.ingest.model import ImageFile, IngestIssue, IngestLimits, Record
from iiif.ingest.receive import ReceivedImage, digests, receive_new, size_of
from iiif.ingest.report import IngestReport
from ontology import darwin_core

MOST_RECORDS, MOST_IMAGES = 1000, 250
MOST_BYTES = 500_000_000  # of images, each of which is read twice: to know it, and to keep it
PATIENCE_S = 5.0  # for how long images are decoded before what is good so far goes in
MAX_CODE = 255
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class NewSpecimen:
    """A record that is certain to be a new specimen, as far as the hub was seen, with its images that are good, and why others
    are not."""

    record: Record
    reading: darwin_core.Interpretation
    draft: service.SpecimenDraft
    images: tuple[ReceivedImage, ...] = ()
    refusals: tuple[tuple[ImageFile, IngestIssue], ...] = ()
    doubts: tuple[IngestIssue, ...] = ()


@dataclass(frozen=True, slots=True)
class _Sought:
    """A record with what it is looked up by; `sha256s` are those of its images, empty for one that cannot be read."""

    record: Record
    terms: Mapping[str, str]
    identities: tuple[str, ...]
    number: tuple[str, str, str]
    sha256s: tuple[str, ...]

    @property
    def keys(self) -> set[Hashable]:
        return {self.number, *self.identities, *self.sha256s}

    @property
    def by_number(self) -> bool:
        return any(image.by_number for image in self.record.images)


@dataclass(frozen=True, slots=True)
class _Here:
    """What the hub has of that for which a batch looks: specimens by identity and by number, images by digest."""

    specimens: Mapping[str, KnownSpecimen]
    media: Mapping[str, KnownMedia]
    spelt: Spelt
    started_at: datetime

    def has(self, one: _Sought) -> bool:
        """Whether the record is here to the letter since before the ingest, with all its images."""
        here = self.specimens.get(one.identities[0])
        if here is None or here.created_at >= self.started_at or here.catalog_number != one.record.number:
            return False
        if here.moved or here.verbatim != one.record.verbatim or (one.by_number and self.spelt.taken.get(one.number) != 1):
            return False
        shown = [self.media.get(sha256) for sha256 in one.sha256s]
        return all(media and media.created_at < self.started_at and here.key in media.specimen_keys for media in shown)

    def may_have(self, one: _Sought) -> bool:
        """Whether something of the record may be here, so that more has to be asked."""
        known = one.number in self.spelt.taken or not self.specimens.keys().isdisjoint(one.identities)
        return known or not self.media.keys().isdisjoint(one.sha256s)


@dataclass(slots=True)
class Batch:
    """Records that wait to be entered together."""

    runtime: Runtime
    limits: IngestLimits
    started_at: datetime
    records: list[Record] = field(default_factory=list)
    images: int = 0
    image_bytes: int = 0

    def add(self, record: Record) -> None:
        self.records.append(record)
        self.images += len(record.images)
        self.image_bytes += sum(size_of(image) for image in record.images)

    @property
    def is_full(self) -> bool:
        return len(self.records) >= MOST_RECORDS or self.images >= MOST_IMAGES or self.image_bytes >= MOST_BYTES

    def steps(self, report: IngestReport) -> Iterator[list[NewSpecimen] | Record]:
        """What to do for the batch, in order: enter these together, or take that one by itself. Empties it.

        Those that are here to the letter since before the ingest are only counted.
        """
        sought = [_sought(record) for record in self.records]
        self.records, self.images, self.image_bytes = [], 0, 0
        if not sought:
            return
        here, seen = self._look(sought), set[Hashable]()
        together: list[NewSpecimen] = []
        since = time.monotonic()
        for one in sought:
            keys = one.keys
            is_first = seen.isdisjoint(keys)
            seen |= keys
            if is_first and here.has(one) and not _says_how(one.record):
                report.already_here += 1
                report.places_withheld += bool(places.withheld_by(one.terms))
                continue
            new = self._new(one) if is_first and not here.may_have(one) and _is_plain(one) else None
            doubt = here.spelt.doubt(one.number) if new is not None else None
            here.spelt.note(one.number, str(one.record.place))
            if new is not None:
                together.append(new if doubt is None else replace(new, doubts=(doubt,)))
            else:
                if together:
                    yield together
                yield one.record
                together = []
            if together and time.monotonic() - since > PATIENCE_S:
                yield together
                together, since = [], time.monotonic()
        if together:
            yield together

    def _look(self, sought: Sequence[_Sought]) -> _Here:
        with self.runtime.reads.begin() as session:
            specimens = service.specimens_by_identity(session, {each for one in sought for each in one.identities})
            sha256s = {each for one in sought for each in one.sha256s}
            media = service.media_by_hash(session, sha256s) if sha256s else {}
            spelt = Spelt.of_hub(session, (one.number for one in sought))
        return _Here(specimens, media, spelt, self.started_at)

    def _new(self, one: _Sought) -> NewSpecimen | None:
        """The new specimen, its images received; None where that meets an error, which is the record's alone."""
        record = one.record
        images: list[ReceivedImage] = []
        refusals: list[tuple[ImageFile, IngestIssue]] = []
        try:
            reading = darwin_core.interpret(record.verbatim)
            for image in record.images:
                received = receive_new(image, self.runtime, self.limits)
                if isinstance(received, IngestIssue):
                    refusals.append((image, received))
                else:
                    images.append(received)
        except HUB_IS_AWAY:
            raise
        except Exception:
            log.exception("ingest.batch", place=str(record.place))
            return None
        terms = {**reading.terms, "catalogNumber": record.number}
        draft = service.SpecimenDraft(record.number, terms, dict(record.verbatim), str(record.place))
        return NewSpecimen(record, reading, draft, tuple(images), tuple(refusals))


def _sought(record: Record) -> _Sought:
    terms = darwin_core.terms_of(record.verbatim)
    number = collected(record, terms)
    sha256s = tuple(digests(record.images)) if record.images else ()
    return _Sought(record, terms, identities_of(terms, record.number), number, sha256s)


def _is_plain(one: _Sought) -> bool:
    """Whether nothing of the record needs a decision: no code is too long, and each image can be read and says nothing more."""
    if max(map(len, one.number)) > MAX_CODE or not (one.sha256s or one.record.numbered):
        return False
    return "" not in one.sha256s and len(set(one.sha256s)) == len(one.sha256s) and not _says_how(one.record)


def _says_how(record: Record) -> bool:
    """Whether the source says how an image shows the specimen: in what role, or in which region."""
    return any(depicted.of_image(record, image) != depicted.NOTHING for image in record.images)
