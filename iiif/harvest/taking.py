"""Take one manifest in: a new specimen with its images, what has changed of one that is here, or nothing.

Files are fetched and checked first; then one transaction enters everything that the manifest brings. A manifest that came in by
way of another hub is known by the first in its chain, so that what goes round in a circle ends where it began.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.identity import is_identified
from iiif.catalogue.model import Media, Specimen
from iiif.harvest import closing, pictures, store
from iiif.harvest.errors import CannotFetch, NotReadable
from iiif.harvest.fetching import Fetched, Fetcher, Known
from iiif.harvest.model import Item, Picture, Reference, RemoteManifest, Source
from iiif.harvest.reading import read
from iiif.harvest.terms import Description, describe
from iiif.ingest import matching
from iiif.ingest.load import OnMedia, too_long
from iiif.ingest.model import ImageFile, IngestIssue, IngestLimits, Place, warning
from iiif.ingest.receive import MAX_TEXT, ReceivedImage, receive
from iiif.ingest.report import IngestReport

BY = Principal.of_system()
LONGEST_NAME = 150
OnStatements = Callable[[RemoteManifest, Mapping[str, Media], Fetcher], tuple[Sequence[str], bool]]
"""Takes in what is said of a manifest's canvases, given the image that each became; what was left out, in sentences, and whether
everything that is said was had."""


@dataclass(slots=True)
class _Gathered:
    """The pictures of a manifest as they were fetched: those that are new, and those that are as they were. Canvases whose
    picture was not had are `missed`."""

    fresh: list[tuple[Picture, ReceivedImage, str]] = field(default_factory=list)
    same: list[Picture] = field(default_factory=list)
    missed: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Taker:
    """Takes the manifests of one round in; `folder` holds files while they come."""

    runtime: Runtime
    source: Source
    round_key: str
    fetcher: Fetcher
    limits: IngestLimits
    folder: Path
    on_media: OnMedia
    on_statements: OnStatements | None
    report: IngestReport

    def take(self, reference: Reference, given: Fetched | None = None) -> bool:
        """Take the manifest in, or say why not; `given` is the document where it has come already. Whether its server gave it,
        so that it need not be asked again."""
        self.report.records += 1
        before, answered = (self.report.specimens_added, self.report.already_here, self.report.merged), True
        try:
            if reference.change == "gone":
                self.withdraw(reference.iri, "the list of changes says that it was deleted")
            else:
                self._take(reference.iri, given)
        except CannotFetch as error:
            if error.is_gone:
                self.withdraw(reference.iri, "its server answers 410 Gone")
            else:
                answered = False
                self._refuse(reference.iri, IngestIssue("cannot-fetch", error.sentence))
        except NotReadable as error:
            self._refuse(reference.iri, IngestIssue("not-a-manifest", error.sentence))
        if (self.report.specimens_added, self.report.already_here, self.report.merged) == before:
            self.report.refused += 1
        return answered

    def withdraw(self, iri: str, why: str) -> None:
        """The manifest is no more: the images that came by it alone are closed to the public, and what was said of them stays."""
        with self.runtime.db.begin() as session:
            item = store.item(session, iri)
            if item is None or item.state == "gone":
                self.report.already_here += 1
                return
            at = self.runtime.clock()
            if item.own:
                had = [picture.media_key for picture in store.pictures(session, item.name)]
                closing.close(session, item.specimen_key, item.name, had, at)
            store.keep(
                session, replace(item, state="gone", reason=why, etag="", modified="", digest="", changed_at=at), self.round_key
            )
        sentence = f"It is no more ({why}): images that came by it alone are closed to the public; record and statements stay."
        self._warn(iri, "gone-at-source", sentence)
        self.report.merged += 1

    def _take(self, iri: str, given: Fetched | None) -> None:
        if self.runtime.addresses.path_of(iri) is not None:
            self._known_already(iri, "It is of this hub itself: what goes round in a circle ends here.")
            return
        with self.runtime.db.begin() as session:
            item = store.item(session, iri)
            if item is not None:  # what is named is not gone, whether it can be had now or not
                store.named(session, iri, self.source.key, self.round_key)
        known = Known(item.etag, item.modified) if item and item.state == "here" else Known()
        fetched = given or self.fetcher.document(iri, known)
        digest = "" if fetched is None else _digest(fetched.document)
        if item is not None and item.state == "here" and (fetched is None or digest == item.digest):
            self.report.already_here += 1
            return
        if fetched is None:
            raise NotReadable(f"{iri[:200]} answered 304 to a question without a condition.")
        manifest = read(fetched.document, iri)
        if self._is_elsewhere(manifest, iri):
            return
        self._take_in(replace(manifest, id=iri), item, fetched, digest)

    def _is_elsewhere(self, manifest: RemoteManifest, iri: str) -> bool:
        """Whether what the manifest is a copy of is here already, from here or by another way; then that is told."""
        if self.runtime.addresses.path_of(manifest.origin) is not None:
            self._known_already(iri, f"It was harvested from this hub ({manifest.origin[:200]}): the circle ends here.")
            return True
        with self.runtime.reads.begin() as session:
            other = store.of_origin(session, manifest.origin)
        if other is not None and other.iri != iri:
            self._known_already(iri, f"It is here already, from {other.iri[:200]}.")
            return True
        return False

    def _known_already(self, iri: str, sentence: str) -> None:
        self._warn(iri, "harvested-already", sentence)
        self.report.already_here += 1

    def _take_in(self, manifest: RemoteManifest, item: Item | None, fetched: Fetched, digest: str) -> None:
        record = self._record(manifest)
        said = describe(manifest, record)
        gathered = self._gather(manifest, item, pictures.originals(record))
        if not gathered.fresh and not gathered.same:
            if item is not None and item.state == "here" and not gathered.missed:
                self.withdraw(manifest.id, "it has no picture any more")
                return
            self._refuse(manifest.id, IngestIssue("no-picture", "It has no picture that could be taken in."), said.number)
            return
        at, is_new = self.runtime.clock(), item is None or not item.specimen_key
        with self.runtime.db.begin() as session:
            problem, specimen, own = self._specimen(session, said, manifest, item, at)
            if problem is not None or specimen is None:
                self._refuse(manifest.id, problem or IngestIssue("internal-error", "No specimen was found."), said.number)
                return
            found = [*gathered.same, *self._enter(session, specimen, gathered, manifest, at)]
            kept = Item(
                name=store.name_of(manifest.id),
                iri=manifest.id,
                origin=manifest.origin,
                source_key=self.source.key,
                specimen_key=specimen.key,
                own=own,
                etag="",
                modified="",
                digest="",
                state="here",
                reason="",
                changed_at=at,
            )
            if item is not None and own:
                closing.open_again(session, specimen.key, [picture.media_key for picture in found], at)
            store.keep(session, kept, self.round_key)
            self._end_others(session, specimen, item, found, at)
            store.keep_pictures(session, kept.name, found)
            media = catalogue.media_by_key(session, [picture.media_key for picture in found])
        self.report.specimens_added += is_new and own
        self.report.merged += not (is_new and own)
        for sentence in manifest.losses:
            self._warn(manifest.id, "not-represented", sentence, said.number)
        for note in said.notes:
            self.report.add(_place(manifest.id), said.number, warning(note.code, note.sentence, note.term, note.value))
        is_whole = self._statements(manifest, found, media, said.number) and not gathered.missed
        if is_whole:  # else, or killed before, the next round asks for it again
            known = replace(kept, etag=fetched.known.etag, modified=fetched.known.modified, digest=digest)
            with self.runtime.db.begin() as session:
                store.keep(session, known, self.round_key)

    def _record(self, manifest: RemoteManifest) -> Any:
        """The Darwin Core record that the manifest links to; None where it has none or that cannot be had."""
        for url in manifest.records:
            try:
                fetched = self.fetcher.document(url)
                return None if fetched is None else fetched.document
            except (CannotFetch, NotReadable) as error:
                self._warn(manifest.id, "not-represented", f"Its record cannot be read: {error.sentence}")
        return None

    def _gather(self, manifest: RemoteManifest, item: Item | None, originals: Mapping[str, pictures.Place]) -> _Gathered:
        """Fetch every picture that is not as it was."""
        with self.runtime.reads.begin() as session:
            before = {(one.url, one.canvas): one for one in (store.pictures(session, item.name) if item else ())}
        gathered = _Gathered()
        for number, canvas in enumerate(manifest.canvases, 1):
            for image in canvas.images:
                places = [originals[canvas.id]] if canvas.id in originals else []
                try:
                    self._fetch(manifest, canvas.id, [*places, image], before, gathered, canvas.label or f"canvas {number}")
                except (CannotFetch, NotReadable) as error:
                    code, sentence = "cannot-fetch", f"The picture of {canvas.label or canvas.id!r} was not had: {error.sentence}"
                    self.report.add(_place(manifest.id, canvas.id), "", IngestIssue(code, sentence))
                    gathered.missed.add(canvas.id)
        gathered.same += [one for one in before.values() if one.canvas in gathered.missed and one not in gathered.same]
        return gathered

    def _fetch(
        self,
        manifest: RemoteManifest,
        canvas: str,
        ways: Sequence[Any],
        before: Mapping[tuple[str, str], Picture],
        gathered: _Gathered,
        label: str,
    ) -> None:
        """Fetch a picture by the first way that leads to it. Raises CannotFetch, NotReadable where the last one does not."""
        for left, way in enumerate(ways, 1 - len(ways)):
            place = way if isinstance(way, pictures.Place) else pictures.place_of(way, self.fetcher)
            had, path = before.get((place.url, canvas)), self.folder / store.name_of(place.url)
            try:
                known = self.fetcher.image(place.url, path, Known(had.etag, had.modified) if had else Known())
            except CannotFetch as error:
                if left == 0:
                    raise
                self._warn(manifest.id, "not-represented", pictures.ORIGINAL_LOST.format(error.sentence))
                continue
            if known is None and had is not None:
                gathered.same.append(had)
                return
            self._receive(manifest, place, canvas, path, known or Known(), gathered, label)
            return

    def _receive(
        self, manifest: RemoteManifest, place: pictures.Place, canvas: str, path: Path, known: Known, into: _Gathered, label: str
    ) -> None:
        name = f"{label[:LONGEST_NAME]}".replace("/", "_")
        try:
            received = receive(ImageFile(path, name), self.runtime, self.limits)
        finally:
            path.unlink(missing_ok=True)
        if isinstance(received, IngestIssue):
            self.report.add(_place(manifest.id, canvas), "", received)
            into.missed.add(canvas)
            return
        if place.sha256 and place.sha256 != received.sha256:
            sentence = f"The file at {place.url[:200]} has another SHA-256 than its record says. It was not taken in."
            self.report.add(_place(manifest.id, canvas), "", IngestIssue("wrong-checksum", sentence))
            into.missed.add(canvas)
            return
        for sentence in place.losses:
            self._warn(manifest.id, "not-represented", sentence)
        into.fresh.append((Picture(place.url, canvas, "", known.etag, known.modified), received, label))

    def _specimen(
        self, session: Session, said: Description, manifest: RemoteManifest, item: Item | None, at: datetime
    ) -> tuple[IngestIssue | None, Specimen | None, bool]:
        """The specimen of the manifest, new or as it is now, and whether it is this source's; or why there is none."""
        draft = catalogue.SpecimenDraft(
            said.number, said.terms, said.verbatim, manifest.origin, "" if is_identified(said.terms) else manifest.origin
        )
        if problem := too_long(said.terms):
            return problem, None, False
        if item is not None and item.specimen_key:
            specimen = catalogue.get_specimen(session, item.specimen_key)
            if problem := _moved(said, specimen):
                return problem, None, False
            if item.own and catalogue.revise(session, specimen.key, draft, at=at):
                specimen = catalogue.get_specimen(session, specimen.key)
            return None, specimen, item.own
        match = matching.Match()
        if is_identified(said.terms) or (said.numbered and said.terms.get("institutionCode")):
            match = matching.find(session, said.terms, numbered=said.numbered)
        if match.undecided:
            return matching.ambiguous(said.number, match.namesakes), None, False
        if match.specimen is None:
            return None, catalogue.add_specimen(session, draft, naan=self.runtime.settings.naan, at=at), True
        return matching.clash(said.terms, match), match.specimen, False

    def _enter(
        self, session: Session, specimen: Specimen, gathered: _Gathered, manifest: RemoteManifest, at: datetime
    ) -> Iterable[Picture]:
        """Enter the pictures that are new; of one whose bytes are here already the specimen is shown by that image too."""
        found, added = [], []
        rights = {canvas.id: canvas.rights or manifest.rights for canvas in manifest.canvases}
        for picture, master, label in gathered.fresh:
            media = catalogue.find_media_by_hash(session, master.sha256)
            if media is None:
                draft = catalogue.MediaDraft(
                    specimen_key=specimen.key,
                    sha256=master.sha256,
                    byte_size=master.byte_size,
                    format=master.media_type,
                    file_name=label[:MAX_TEXT],
                    rights=rights.get(picture.canvas, "")[:MAX_TEXT],
                    rights_holder=specimen.interpreted.get("rightsHolder", manifest.credit)[:MAX_TEXT],
                )
                media = catalogue.add_media(session, draft, naan=self.runtime.settings.naan, at=at)
                added.append(media)
            elif all(one.specimen_key != specimen.key for one in catalogue.specimens_of_media(session, [media.key])[media.key]):
                catalogue.depict(session, specimen.key, media.key, by=BY, at=at)
                self.report.depictions_added += 1
            found.append(replace(picture, media_key=media.key))
        if added:
            self.on_media(session, added)
        self.report.media_added += len(added)
        return found

    def _end_others(
        self, session: Session, specimen: Specimen, item: Item | None, found: Sequence[Picture], at: datetime
    ) -> None:
        """Pictures that the manifest does not have any more are closed to the public; nothing is thrown away."""
        if item is None or not item.own:
            return
        stay = {picture.media_key for picture in found}
        left = [picture.media_key for picture in store.pictures(session, item.name) if picture.media_key not in stay]
        for key in closing.close(session, specimen.key, item.name, left, at):
            sentence = f"A picture is no more in it, or is another one; image {key} is closed to the public."
            self._warn(item.iri, "gone-at-source", sentence, specimen.catalog_number)

    def _statements(self, manifest: RemoteManifest, found: Sequence[Picture], media: Mapping[str, Media], number: str) -> bool:
        """Whether everything that is said of it was had."""
        if self.on_statements is None:
            return True
        of_canvas = {picture.canvas: media[picture.media_key] for picture in reversed(found) if picture.media_key in media}
        left_out, is_whole = self.on_statements(manifest, of_canvas, self.fetcher)
        for sentence in left_out:
            self._warn(manifest.id, "not-represented", sentence, number)
        return is_whole

    def _refuse(self, iri: str, issue: IngestIssue, number: str = "") -> None:
        self.report.add(_place(iri), number, issue)

    def _warn(self, iri: str, code: str, sentence: str, number: str = "") -> None:
        self.report.add(_place(iri), number, warning(code, sentence))


def _moved(said: Description, specimen: Specimen) -> IngestIssue | None:
    """A specimen stays in its collection, by which its rights go."""
    for term in ("institutionCode", "collectionCode"):
        before, now = specimen.read.get(term, ""), said.terms.get(term, "")
        if before != now:
            sentence = f"It says {term} {now[:100]!r} now, and said {before[:100]!r}; a specimen is not moved by a harvest."
            return IngestIssue("duplicate-by-identifier", sentence, term, now)
    return None


def _place(iri: str, canvas: str = "") -> Place:
    return Place(iri, image=canvas)


def _digest(document: Any) -> str:
    """The same for the same content, in whatever order its members stand."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
