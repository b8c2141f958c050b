"""Take records in: each in a transaction of its own, good ones always, none twice."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.runtime.context import Runtime
from iiif.catalogue import rights, service
from iiif.catalogue.errors import DuplicateMedia, DuplicateSpecimen
from iiif.catalogue.model import Media, Specimen
from iiif.image.errors import RejectedImage
from iiif.image.masters.derivatives import decode_check
from iiif.ingest.model import ImageFile, IngestIssue, IngestLimits, IngestSource, Progress, Record
from iiif.ingest.report import IngestReport
from ontology import darwin_core

OnMedia = Callable[[Session, Media], None]
OF_IMAGES = frozenset({"license", "rights", "rightsHolder", "accessRights", "associatedMedia", "type", "modified", "language"})
MAX_CODE = 255
MAX_TEXT = 1000


@dataclass(frozen=True, slots=True)
class ReceivedImage:
    """An image file that was read to its end; `media_type` is empty where its bytes are an image of ours already."""

    image: ImageFile
    sha256: str
    byte_size: int
    media_type: str


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
        problem = _too_long(terms) or self._clash(terms)
        if problem is not None:
            report.reject(record.place, record.number, problem)
            return
        masters = [master for image in record.images if (master := self._master(image, record, report)) is not None]
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

    def _clash(self, terms: Mapping[str, str]) -> IngestIssue | None:
        """Why the record cannot be what is here under its number: both speak of a term, and not alike."""
        with self.runtime.reads.begin() as session:
            specimen = _find(session, terms)
        if specimen is None:
            return None
        unlike = [term for term, text in terms.items() if specimen.interpreted.get(term, text) != text and term not in OF_IMAGES]
        if not unlike:
            return None
        sentence = f"{terms['catalogNumber']!r} is here already with another {', '.join(unlike[:5])}; nothing is overwritten."
        return IngestIssue("duplicate-by-catalog-number", sentence)

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
            return _media_type_of(self.runtime.blobs.path(sha256), self.limits)
        except RejectedImage:
            with self.runtime.reads.begin() as session:
                known = service.find_media_by_hash(session, sha256) is not None
            if not known:
                self.runtime.blobs.delete(sha256)
            raise

    def _enter(self, record: Record, terms: Mapping[str, str], masters: list[ReceivedImage], report: IngestReport) -> bool:
        """Add what is new in one transaction, then count it; whether a specimen was added."""
        now = self.runtime.clock()
        with self.runtime.db.begin() as session:
            before = specimen = _find(session, terms)
            fresh, refusals = self._sift(session, specimen, masters)
            if specimen is None and (fresh or record.numbered):
                draft = service.SpecimenDraft(record.number, terms, dict(record.verbatim), record.place)
                specimen = service.add_specimen(session, draft, naan=self.runtime.settings.naan, at=now)
            if specimen is not None:
                for master in fresh:
                    self._add_media(session, specimen, master, record, now)
        for image, finding in refusals:
            report.reject(_place(record, image), record.number, finding)
        report.media_added += len(fresh)
        is_new = before is None and specimen is not None
        report.specimens_added += is_new
        if before is not None and not fresh and not refusals:
            self._count_as_here(record, before, report)
        return is_new

    def _sift(
        self, session: Session, specimen: Specimen | None, masters: list[ReceivedImage]
    ) -> tuple[list[ReceivedImage], list[tuple[ImageFile, IngestIssue]]]:
        """The images that are new, and why others are not; those that the specimen has since before are in neither."""
        fresh: list[ReceivedImage] = []
        refusals: list[tuple[ImageFile, IngestIssue]] = []
        for master in masters:
            there = service.find_media_by_hash(session, master.sha256)
            if there is None and all(master.sha256 != other.sha256 for other in fresh):
                fresh.append(master)
            elif there is None or specimen is None or there.specimen_key != specimen.key or there.created_at >= self.started_at:
                other = service.get_specimen(session, there.specimen_key).catalog_number if there else "this very record"
                name = there.file_name if there else master.image.file_name
                finding = IngestIssue("duplicate-by-hash", f"The same bytes are here as {name!r} of {other!r}.")
                refusals.append((master.image, finding))
        return fresh, refusals

    def _add_media(self, session: Session, specimen: Specimen, master: ReceivedImage, record: Record, at: datetime) -> None:
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
        self.on_media(session, service.add_media(session, draft, naan=self.runtime.settings.naan, at=at))

    def _count_as_here(self, record: Record, specimen: Specimen, report: IngestReport) -> None:
        if specimen.created_at < self.started_at:
            report.already_here += 1
        else:
            sentence = f"{record.number!r} came in with an earlier row, and this one adds nothing."
            report.reject(record.place, record.number, IngestIssue("duplicate-by-catalog-number", sentence))


def _find(session: Session, terms: Mapping[str, str]) -> Specimen | None:
    institution, collection = terms.get("institutionCode", ""), terms.get("collectionCode", "")
    return service.find_specimen_by_number(session, institution, collection, terms["catalogNumber"])


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


def _place(record: Record, image: ImageFile) -> str:
    return record.place if record.place.endswith(image.file_name) else f"{record.place}, {image.file_name}"


def _creator_of(columns: Mapping[str, str]) -> str:
    """dc:creator of an image; Darwin Core itself has no such term."""
    return next(
        (text.strip() for column, text in columns.items() if darwin_core.spelling(column) in ("creator", "photographer")), ""
    )
