"""Take records in: each in a transaction of its own, good ones always, none twice."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import rights, service
from iiif.catalogue.errors import DuplicateMedia, DuplicateSpecimen
from iiif.catalogue.model import Depiction, Media, Specimen
from iiif.image.errors import RejectedImage
from iiif.image.masters.derivatives import decode_check
from iiif.ingest import depicted, matching
from iiif.ingest.model import ImageFile, IngestIssue, IngestLimits, IngestSource, Progress, Record
from iiif.ingest.report import IngestReport
from ontology import darwin_core

OnMedia = Callable[[Session, Media], None]
BY = Principal.of_system()
FULL = IngestIssue(
    "too-many-specimens", f"The image is here and shows {service.MAX_SPECIMENS:,} specimens; one may show no more."
)
MAX_CODE = 255
MAX_TEXT = 1000


@dataclass(frozen=True, slots=True)
class ReceivedImage:
    """An image file that was read to its end; `media_type` is empty where its bytes are an image of ours already."""

    image: ImageFile
    sha256: str
    byte_size: int
    media_type: str


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
    warnings: list[tuple[str, IngestIssue]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Loader:
    """Loads into the hub; `on_media` runs in the transaction that adds an image."""

    runtime: Runtime
    limits: IngestLimits
    on_media: OnMedia
    started_at: datetime

    def load(self, source: IngestSource, report: IngestReport, progress: Progress) -> None:
        """Take in every record of a source."""
        report.notes.extend(source.notes)
        done = 0
        for done, record in enumerate(source.records, 1):
            report.records += 1
            self._take(record, report)
            progress(done, max(done, source.total))
        progress(done, done)

    def _take(self, record: Record, report: IngestReport) -> None:
        for finding in record.findings:
            report.reject(record.place, record.number, finding)
        if record.refused:
            return
        reading = darwin_core.interpret(record.verbatim)
        terms = {**reading.terms, "catalogNumber": record.number}
        problem = _too_long(terms) or self._objection(record, terms)
        if problem is not None:
            report.reject(record.place, record.number, problem)
            return
        images = self._own_images(record, terms, report)
        masters = [master for image in images if (master := self._master(image, record, report)) is not None]
        if not masters and not record.numbered:
            return
        try:
            is_new = self._enter(record, terms, masters, report)
        except (IntegrityError, DuplicateSpecimen, DuplicateMedia):  # another ingest was faster: now its rows are seen
            is_new = self._enter(record, terms, masters, report)
        for note in reading.notes if is_new else ():
            report.warn(record.place, record.number, IngestIssue(note.code, note.sentence))
        for columns in (record.verbatim, *(image.terms for image in record.images)) if is_new else ():
            if contradiction := rights.read(columns).problem:
                report.warn(record.place, record.number, IngestIssue("rights-contradiction", f"{contradiction}."))

    def _objection(self, record: Record, terms: Mapping[str, str]) -> IngestIssue | None:
        """Why the record cannot be what is here, or why it cannot be told what it is."""
        with self.runtime.reads.begin() as session:
            match = matching.find(session, terms, numbered=record.numbered)
            if match.undecided:
                match = matching.settle(session, match, _digests(record.images))
        return matching.ambiguous(record.number, match.namesakes) if match.undecided else matching.clash(terms, match)

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
                named = [image for image in record.images if not image.by_number or shown.issuperset(_digests([image]))]
            else:
                named = [image for image in record.images if not image.by_number]
        if not others:
            return list(record.images)
        for image in record.images:
            if image not in named:
                report.reject(_place(record, image), record.number, matching.ambiguous(record.number, others))
        return named

    def _master(self, image: ImageFile, record: Record, report: IngestReport) -> ReceivedImage | None:
        """Keep the file among the blobs and check it there, for that is what will be served.

        None, and an entry in the report, where it is refused; then no blob stays behind.
        """
        try:
            _check_size(image.path, self.limits)
            sha256, size = _digest(image.path)
            with self.runtime.reads.begin() as session:
                if service.find_media_by_hash(session, sha256) is not None:
                    return ReceivedImage(image, sha256, size, "")
            with image.path.open("rb") as stream:
                sha256, size = self.runtime.blobs.put(stream)
            return ReceivedImage(image, sha256, size, self._checked(sha256))
        except RejectedImage as error:
            finding = IngestIssue(error.code, error.sentence)
        except OSError as error:
            finding = IngestIssue("unreadable", f"The file could not be read ({error.strerror}).")
        report.reject(_place(record, image), record.number, finding)
        return None

    def _checked(self, sha256: str) -> str:
        """The media type of a new blob. Raises RejectedImage, and forgets the blob unless another ingest entered it meanwhile."""
        try:
            with self.runtime.blobs.local_path(sha256) as path:
                return _media_type_of(path, self.limits)
        except RejectedImage:
            with self.runtime.reads.begin() as session:
                known = service.find_media_by_hash(session, sha256) is not None
            if not known:
                self.runtime.blobs.delete(sha256)
            raise

    def _enter(self, record: Record, terms: Mapping[str, str], masters: list[ReceivedImage], report: IngestReport) -> bool:
        """Add what is new in one transaction, then count it; whether a specimen was added."""
        now = self.runtime.clock()
        draft = service.SpecimenDraft(record.number, terms, dict(record.verbatim), record.place)
        with self.runtime.db.begin() as session:
            match = matching.find(session, terms, numbered=record.numbered)
            if match.undecided:
                match = matching.settle(session, match, [master.sha256 for master in masters])
            entry = self._sift(session, match.specimen, masters, record)
            specimen = match.specimen
            if specimen is None and (entry.fresh or record.numbered):
                specimen = service.add_specimen(session, draft, naan=self.runtime.settings.naan, at=now)
                entry.is_new = True
                if match.namesakes:
                    entry.warnings.append((record.place, matching.same_number(record.number, terms, match.namesakes)))
            elif specimen is not None and match.identifies:
                specimen = service.identify(session, specimen.key, draft, at=now)
                entry.warnings.append((record.place, matching.identified(record.number, terms)))
            if specimen is not None:
                for master in entry.fresh:
                    media = self._add_media(session, specimen, master, record, now)
                    self._depict(session, specimen, master, media, None, now)
                for master, media in entry.shared:
                    service.depict(session, specimen.key, media.key, by=BY, at=now)
                    self._depict(session, specimen, master, media, None, now)
                for master, depiction in entry.known:
                    media = service.get_media(session, depiction.media_key)
                    self._depict(session, specimen, master, media, depiction, now)
            entry.warnings += [
                (_place(record, master.image), problem)
                for master in (*entry.fresh, *(master for master, _ in entry.shared))
                if (problem := depicted.read(master.image.terms).problem) is not None
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
                entry.warnings.append((_place(record, master.image), _shows_too(session, there, shown)))
        return entry

    def _count(self, record: Record, entry: Entry, report: IngestReport) -> None:
        for image, finding in entry.refusals:
            report.reject(_place(record, image), record.number, finding)
        for place, warning in entry.warnings:
            report.warn(place, record.number, warning)
        report.media_added += len(entry.fresh)
        report.depictions_added += len(entry.shared)
        report.specimens_added += entry.is_new
        if entry.before is not None and not entry.fresh and not entry.shared and not entry.refusals:
            self._count_as_here(record, entry.before, report)

    def _depict(
        self, session: Session, specimen: Specimen, master: ReceivedImage, media: Media, known: Depiction | None, at: datetime
    ) -> None:
        """Keep role and region that the source gives, where none is known."""
        said = depicted.read(master.image.terms)
        role, region = (known.role, known.region) if known else ("", None)
        size = (media.width_px, media.height_px)
        if said.region is not None and region is None and media.state != "ready":
            facts = decode_check(master.image.path, self.limits.decode)
            size = (facts.width_px, facts.height_px)
        new = (role or said.role, region or (said.region.within(*size) if said.region and all(size) else None))
        if new != (role, region):
            service.depict(session, specimen.key, media.key, role=new[0], region=new[1], by=BY, at=at, size_px=size)

    def _add_media(self, session: Session, specimen: Specimen, master: ReceivedImage, record: Record, at: datetime) -> Media:
        """What a media row says of its image goes before what the specimen's row says of all."""
        own, shared = rights.read(master.image.terms), rights.read(record.verbatim)
        draft = service.MediaDraft(
            specimen_key=specimen.key,
            sha256=master.sha256,
            byte_size=master.byte_size,
            format=master.media_type,
            file_name=master.image.file_name[-MAX_TEXT:],
            rights=(own.statement or shared.statement)[:MAX_TEXT],
            rights_holder=(own.holder or shared.holder)[:MAX_TEXT],
            creator=(_creator_of(master.image.terms) or _creator_of(record.verbatim))[:MAX_TEXT],
        )
        media = service.add_media(session, draft, naan=self.runtime.settings.naan, at=at)
        self.on_media(session, media)
        return media

    def _count_as_here(self, record: Record, specimen: Specimen, report: IngestReport) -> None:
        if specimen.created_at < self.started_at:
            report.already_here += 1
        else:
            sentence = f"{record.number!r} came in with an earlier row, and this one adds nothing."
            report.reject(record.place, record.number, IngestIssue("duplicate-by-catalog-number", sentence))


def _shows_too(session: Session, media: Media, shown: Sequence[Depiction]) -> IngestIssue:
    """Which specimens an image that is here shows already."""
    known = service.specimens_by_key(session, [depiction.specimen_key for depiction in shown[: matching.NAMED]])
    numbers = ", ".join(repr(known[depiction.specimen_key].catalog_number) for depiction in shown[: matching.NAMED])
    more = f" and {len(shown) - matching.NAMED} more" if len(shown) > matching.NAMED else ""
    return IngestIssue("same-image", f"The image is here as {media.file_name!r} and shows {numbers}{more}; it shows this too.")


def _too_long(terms: Mapping[str, str]) -> IngestIssue | None:
    """The columns of the database bound these three."""
    for term in ("catalogNumber", "institutionCode", "collectionCode"):
        if len(terms.get(term, "")) > MAX_CODE:
            return IngestIssue("value-too-long", f"{term} has {len(terms[term])} characters; {MAX_CODE} are allowed.")
    return None


def _check_size(path: Path, limits: IngestLimits) -> None:
    """Raises RejectedImage for a file with no content, or too much of it to be read at all."""
    size = path.stat().st_size
    if size == 0:
        raise RejectedImage("empty-file", "The file has no content.")
    if size > limits.max_file_bytes:
        allowed = f"{limits.max_file_bytes:,} are allowed (LECTOTYPE_MAX_FILE_BYTES)"
        raise RejectedImage("too-many-bytes", f"The file has {size:,} bytes; {allowed}.")


def _media_type_of(path: Path, limits: IngestLimits) -> str:
    """The media type of an image that decodes to its end; memory stays flat. Raises RejectedImage."""
    _check_size(path, limits)
    return decode_check(path, limits.decode, whole=True).format


def _digest(path: Path) -> tuple[str, int]:
    with path.open("rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    return sha256, path.stat().st_size


def _digests(images: Iterable[ImageFile]) -> list[str]:
    """The SHA-256 of each file; empty for one that cannot be read."""
    found = []
    for image in images:
        try:
            found.append(_digest(image.path)[0])
        except OSError:
            found.append("")
    return found


def _place(record: Record, image: ImageFile) -> str:
    return record.place if record.place.endswith(image.file_name) else f"{record.place}, {image.file_name}"


def _creator_of(columns: Mapping[str, str]) -> str:
    """dc:creator of an image; Darwin Core itself has no such term."""
    return next(
        (text.strip() for column, text in columns.items() if darwin_core.spelling(column) in ("creator", "photographer")), ""
    )
