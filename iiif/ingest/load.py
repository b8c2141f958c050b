"""Take records in: every good one, none twice. Plain records share a transaction; one that needs a decision has its own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import places, records, rights, service
from iiif.catalogue.errors import DuplicateMedia, DuplicateSpecimen
from iiif.catalogue.model import Depiction, Media, Specimen
from iiif.image.masters.derivatives import decode_check
from iiif.ingest import depicted, matching
from iiif.ingest.alike import Spelt, collected
from iiif.ingest.batches import Batch, NewSpecimen
from iiif.ingest.errors import HUB_IS_AWAY
from iiif.ingest.model import ImageFile, IngestIssue, IngestLimits, IngestSource, Place, Progress, Record, SourceError, warning
from iiif.ingest.receive import MAX_TEXT, ReceivedImage, digests, draft_of, place_of, receive
from iiif.ingest.report import IngestReport
from ontology import darwin_core

log = structlog.get_logger()
OnMedia = Callable[[Session, Sequence[Media]], None]
BY = Principal.of_system()
FULL = IngestIssue(
    "too-many-specimens", f"The image is here and shows {service.MAX_SPECIMENS:,} specimens; one may show no more."
)
MAX_CODE = 255


@dataclass(slots=True)
class Entry:
    """What of one record is new: the specimen, its images, images that are here and show it too; and what to report.

    `known` are images that show it since before, of which the record may say more.
    `before` is the specimen as it was here already.
    """

    before: Specimen | None = None
    is_new: bool = False
    fresh: list[ReceivedImage] = field(default_factory=list)
    shared: list[tuple[ReceivedImage, Media]] = field(default_factory=list)
    known: list[tuple[ReceivedImage, Depiction]] = field(default_factory=list)
    refusals: list[tuple[ImageFile, IngestIssue]] = field(default_factory=list)
    warnings: list[tuple[Place, IngestIssue]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads into the hub; `on_media` is told of images in the transaction that adds them."""

    runtime: Runtime
    limits: IngestLimits
    on_media: OnMedia
    started_at: datetime

    def load(self, source: IngestSource, report: IngestReport, progress: Progress) -> None:
        """Take in every record of a source. What was read before a source breaks off is in, whatever breaks it."""
        report.notes.extend(source.notes)
        batch, begun = Batch(self.runtime, self.limits, self.started_at), report.records

        def tell() -> None:
            done = report.records - begun - len(batch.records)
            progress(done, max(done, source.total))

        try:
            for record in source.records:
                for issue in record.findings:
                    report.add(record.place, record.number, issue)
                if not record.is_row:
                    continue
                self._check_rows(report.records - begun)
                report.records += 1
                if record.refused:
                    report.refused += 1
                else:
                    batch.add(record)
                if batch.is_full:
                    self._flush(batch, report)
                if not batch.records:
                    tell()
        except Exception:
            self._flush(batch, report)
            raise
        self._flush(batch, report)
        progress(report.records - begun, report.records - begun)

    def _check_rows(self, before: int) -> None:
        if before >= self.limits.max_rows:
            allowed = f"{self.limits.max_rows:,} rows are allowed (LECTOTYPE_MAX_ROWS)"
            raise SourceError("too-many-rows", f"It has more rows; {allowed}. Those are in, the others were not read.")

    def take(self, record: Record, report: IngestReport) -> None:
        """Take one record in by itself; an error that it meets costs nothing but it."""
        counted = (report.specimens_added, report.already_here, report.merged)
        try:
            self._take(record, report)
        except HUB_IS_AWAY:
            raise
        except Exception as error:
            log.exception("ingest.record", place=str(record.place))
            sentence = f"The record could not be taken in ({type(error).__name__}: {str(error)[:200]})."
            report.add(record.place, record.number, IngestIssue("internal-error", sentence))
        if (report.specimens_added, report.already_here, report.merged) == counted:
            report.refused += 1

    def _flush(self, batch: Batch, report: IngestReport) -> None:
        """Enter what is new of a batch at once; what needs a decision is taken by itself, each in its turn."""
        for step in batch.steps(report):
            if isinstance(step, Record):
                self.take(step, report)
                continue
            entered = [each for each in step if each.images or each.record.numbered]
            try:
                self._enter_all(entered)
            except HUB_IS_AWAY:
                raise
            except Exception as error:  # noqa: BLE001 - one is bad or came in meanwhile: then each is tried by itself
                log.warning("ingest.batch", records=len(step), error=f"{type(error).__name__}: {str(error)[:200]}")
                for each in step:
                    self.take(each.record, report)
                continue
            for each in step:
                _count_new(each, report)

    def _enter_all(self, news: Sequence[NewSpecimen]) -> None:
        """Enter new specimens with their images in one transaction."""
        with self.runtime.db.begin() as session:
            drafts = [(each.draft, [draft_of(each.record, master) for master in each.images]) for each in news]
            media = service.add_new(session, drafts, naan=self.runtime.settings.naan, at=self.runtime.clock())
            if media:
                self.on_media(session, media)

    def _take(self, record: Record, report: IngestReport) -> None:
        reading = darwin_core.interpret(record.verbatim)
        terms = {**reading.terms, "catalogNumber": record.number}
        report.places_withheld += bool(places.withheld_by(terms))
        problem = too_long(terms) or self._objection(record, terms, report)
        if problem is not None:
            report.add(record.place, record.number, problem)
            return
        images = self._own_images(record, terms, report)
        masters: list[ReceivedImage] = []
        for image in images:
            received = receive(image, self.runtime, self.limits)
            if isinstance(received, IngestIssue):
                report.add(place_of(record, image), record.number, received)
            else:
                masters.append(received)
        if not masters and not record.numbered:
            return
        try:
            is_new = self._enter(record, terms, masters, report)
        except (IntegrityError, DuplicateSpecimen, DuplicateMedia):  # another ingest was faster: now its rows are seen
            is_new = self._enter(record, terms, masters, report)
        if is_new:
            _warn(record, reading, report)

    def _objection(self, record: Record, terms: Mapping[str, str], report: IngestReport) -> IngestIssue | None:
        """Why the record cannot be what is here, or why it cannot be told what it is."""
        with self.runtime.reads.begin() as session:
            match = matching.find(session, terms, numbered=record.numbered)
            if match.undecided:
                match = matching.settle(session, match, digests(record.images))
        if match.specimen is not None and not places.withheld_by(terms):
            report.places_withheld += bool(places.withheld_by(match.specimen.interpreted))
        if match.specimen is not None and match.specimen.changes:
            self._note_source(record, terms, match.specimen, report)
        return matching.ambiguous(record.number, match.namesakes) if match.undecided else matching.clash(terms, match)

    def _note_source(self, record: Record, terms: Mapping[str, str], specimen: Specimen, report: IngestReport) -> None:
        """Keep what the source says now of the terms that people changed, and tell of it: the accepted values stay."""
        said = matching.speaks_of(record, terms, specimen.changes)
        with self.runtime.db.begin() as session:
            news = records.source_says(session, specimen.key, said, at=self.runtime.clock())
        for change in news:
            report.add(record.place, record.number, matching.changed_since(record.number, change))

    def _own_images(self, record: Record, terms: Mapping[str, str], report: IngestReport) -> list[ImageFile]:
        """The record's images. Those that only bear its number are nobody's where several specimens have that number."""
        if not any(image.by_number for image in record.images):
            return list(record.images)
        with self.runtime.reads.begin() as session:
            match = matching.find(session, terms, numbered=record.numbered)
            specimen, others = match.specimen, match.namesakes
            if specimen is not None:
                others = service.same_number(session, specimen)
                shown = {media.sha256 for media in service.media_of(session, specimen.key)}
                named = [image for image in record.images if not image.by_number or shown.issuperset(digests([image]))]
            else:
                named = [image for image in record.images if not image.by_number]
        if not others:
            return list(record.images)
        for image in record.images:
            if image not in named:
                report.add(place_of(record, image), record.number, matching.ambiguous(record.number, others))
        return named

    def _enter(self, record: Record, terms: Mapping[str, str], masters: list[ReceivedImage], report: IngestReport) -> bool:
        """Add what is new in one transaction, then count it; whether a specimen was added."""
        now = self.runtime.clock()
        draft = service.SpecimenDraft(record.number, terms, dict(record.verbatim), str(record.place))
        with self.runtime.db.begin() as session:
            match = matching.find(session, terms, numbered=record.numbered)
            if match.undecided:
                match = matching.settle(session, match, [master.sha256 for master in masters])
            entry = self._sift(session, match.specimen, masters, record)
            specimen = match.specimen
            if specimen is None and (entry.fresh or record.numbered):
                specimen = service.add_specimen(session, draft, naan=self.runtime.settings.naan, at=now)
                entry.is_new = True
                if doubt := Spelt.of_hub(session, (number := collected(record, terms),)).doubt(number):
                    entry.warnings.append((record.place, doubt))
                if match.namesakes:
                    entry.warnings.append((record.place, matching.same_number(record.number, terms, match.namesakes)))
            elif specimen is not None and match.identifies:
                entry.before = specimen = service.identify(session, specimen.key, draft, at=now)
                entry.warnings.append((record.place, matching.identified(record.number, terms)))
            if specimen is not None:
                for master in entry.fresh:
                    media = self._add_media(session, specimen, master, record, now)
                    self._depict(session, specimen, master, record, media, None, now)
                for master, media in entry.shared:
                    service.depict(session, specimen.key, media.key, by=BY, at=now)
                    self._depict(session, specimen, master, record, media, None, now)
                for master, depiction in entry.known:
                    media = service.get_media(session, depiction.media_key)
                    self._depict(session, specimen, master, record, media, depiction, now)
            entry.warnings += [
                (place_of(record, master.image), problem)
                for master in (*entry.fresh, *(master for master, _ in entry.shared))
                if (problem := depicted.of_image(record, master.image).problem) is not None
            ]
            entry.warnings += [
                (place_of(record, master.image), other)
                for master, media in entry.shared
                if (other := _other_rights(master, record, media)) is not None
            ]
        self._count(record, entry, report)
        return entry.is_new

    def _sift(self, session: Session, specimen: Specimen | None, masters: list[ReceivedImage], record: Record) -> Entry:
        """Which images are new, which are here and show this specimen too, and why others are neither.

        Those that the specimen has since before are in none of the lists. A file by itself, of which no row speaks, makes no
        specimen of an image that is here: it is a copy.
        """
        entry = Entry(specimen)
        for master in masters:
            there = service.find_media_by_hash(session, master.sha256)
            if there is None and all(master.sha256 != other.sha256 for other in entry.fresh):
                entry.fresh.append(master)
                continue
            shown = service.specimens_of_media(session, [there.key])[there.key] if there else ()
            has_it = specimen is not None and any(depiction.specimen_key == specimen.key for depiction in shown)
            repeated = there is None or any(there == media for _, media in entry.shared)
            if there is None or repeated or (has_it and there.created_at >= self.started_at) or not (specimen or record.numbered):
                other = service.get_specimen(session, there.specimen_key).catalog_number if there else "this very record"
                name = there.file_name if there else master.image.file_name
                finding = IngestIssue("duplicate-by-hash", f"The same bytes are here as {name!r} of {other!r}.")
                entry.refusals.append((master.image, finding))
            elif has_it:
                entry.known += [(master, each) for each in shown if specimen and each.specimen_key == specimen.key]
            elif len(shown) >= service.MAX_SPECIMENS:
                entry.refusals.append((master.image, FULL))
            else:
                entry.shared.append((master, there))
                entry.warnings.append((place_of(record, master.image), _shows_too(session, there, shown)))
        return entry

    def _count(self, record: Record, entry: Entry, report: IngestReport) -> None:
        for image, issue in entry.refusals:
            report.add(place_of(record, image), record.number, issue)
        for place, issue in entry.warnings:
            report.add(place, record.number, issue)
        report.media_added += len(entry.fresh)
        report.depictions_added += len(entry.shared)
        report.specimens_added += entry.is_new
        if entry.before is None:
            return
        more = matching.says_more(record, entry.before)
        if more is not None:
            report.add(record.place, record.number, more)
        identified = any(issue.code == "identified" for _, issue in entry.warnings)
        if entry.fresh or entry.shared:
            report.merged += 1
        elif entry.before.created_at < self.started_at:
            report.already_here += 1
        elif more is not None or identified:
            report.merged += 1
        elif not entry.refusals:
            sentence = f"{record.number!r} came in with an earlier row, and this one adds nothing."
            report.add(record.place, record.number, IngestIssue("duplicate-by-catalog-number", sentence))

    def _depict(
        self,
        session: Session,
        specimen: Specimen,
        master: ReceivedImage,
        record: Record,
        media: Media,
        known: Depiction | None,
        at: datetime,
    ) -> None:
        """Keep role and region that the source gives, where none is known."""
        said = depicted.of_image(record, master.image)
        role, region = (known.role, known.region) if known else ("", None)
        size = (media.width_px, media.height_px)
        if said.region is not None and region is None and media.state != "ready":
            facts = decode_check(master.image.path, self.limits.decode)
            size = (facts.width_px, facts.height_px)
        new = (role or said.role, region or (said.region.within(*size) if said.region and all(size) else None))
        if new != (role, region):
            service.depict(session, specimen.key, media.key, role=new[0], region=new[1], by=BY, at=at, size_px=size)

    def _add_media(self, session: Session, specimen: Specimen, master: ReceivedImage, record: Record, at: datetime) -> Media:
        draft = draft_of(record, master, specimen.key)
        media = service.add_media(session, draft, naan=self.runtime.settings.naan, at=at)
        self.on_media(session, (media,))
        return media


def _count_new(new: NewSpecimen, report: IngestReport) -> None:
    """Count what came in of a batch, and tell what is doubtful in it."""
    record = new.record
    for image, refusal in new.refusals:
        report.add(place_of(record, image), record.number, refusal)
    if not new.images and not record.numbered:
        report.refused += 1
        return
    report.specimens_added += 1
    report.media_added += len(new.images)
    report.places_withheld += bool(places.withheld_by(new.reading.terms))
    for doubt in new.doubts:
        report.add(record.place, record.number, doubt)
    _warn(record, new.reading, report)


def _other_rights(master: ReceivedImage, record: Record, media: Media) -> IngestIssue | None:
    """That a further record has other terms of use for an image that is here; those that it came in with stay."""
    terms_of_use = rights.read(master.image.terms).statement or rights.read(record.verbatim).statement
    if (
        not terms_of_use
        or terms_of_use[:MAX_TEXT] == media.rights
        or (rights.iri_of(terms_of_use) and rights.iri_of(terms_of_use) == rights.iri_of(media.rights))
    ):
        return None
    sentence = (
        f"The image is here under {media.rights[:100] or 'no stated rights'!r}, which stay; this row says {terms_of_use[:100]!r}."
    )
    return warning("other-rights", sentence)


def _shows_too(session: Session, media: Media, shown: Sequence[Depiction]) -> IngestIssue:
    """Which specimens an image that is here shows already."""
    known = service.specimens_by_key(session, [depiction.specimen_key for depiction in shown[: matching.NAMED]])
    numbers = ", ".join(repr(known[depiction.specimen_key].catalog_number) for depiction in shown[: matching.NAMED])
    more = f" and {len(shown) - matching.NAMED} more" if len(shown) > matching.NAMED else ""
    return warning("same-image", f"The image is here as {media.file_name!r} and shows {numbers}{more}; it shows this too.")


def too_long(terms: Mapping[str, str]) -> IngestIssue | None:
    """The columns of the database bound these three."""
    for term in ("catalogNumber", "institutionCode", "collectionCode"):
        if len(terms.get(term, "")) > MAX_CODE:
            sentence = f"{term} has {len(terms[term])} characters; {MAX_CODE} are allowed."
            return IngestIssue("value-too-long", sentence, term, terms[term])
    return None


def _warn(record: Record, reading: darwin_core.Interpretation, report: IngestReport) -> None:
    """What is doubtful in a record that went in."""
    for note in reading.notes:
        report.add(record.place, record.number, warning(note.code, note.sentence, note.term, note.value))
    if said := places.withheld_by(reading.terms):
        shown = "shown to everybody, by LECTOTYPE_SHOW_WITHHELD_PLACES" if places.are_shown() else "not shown to the public"
        sentence = f"{said} says {reading.terms[said][:100]!r}: the place of the record is {shown}."
        report.add(record.place, record.number, warning("withheld-place", sentence, said, reading.terms[said]))
    for columns in (record.verbatim, *(image.terms for image in record.images)):
        rights_reading = rights.read(columns) if columns else None
        if rights_reading is not None and rights_reading.problem:
            about = (rights_reading.column, rights_reading.value)
            report.add(record.place, record.number, warning("rights-contradiction", f"{rights_reading.problem}.", *about))
