"""Writing an export: specimen by specimen, each image before the manifest that shows it, the list of all at the end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from annotations import manifest_extras
from app.export import documents, images, removal
from app.export.documents import StaticAddresses
from app.export.folder import Folder, opened
from app.export.segments import SegmentExport
from app.runtime.context import Runtime
from app.runtime.principal import NOBODY, Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from iiif.image.pyramid.format import TILE_PX, Pyramid, PyramidError
from iiif.image.request import SizeLimits
from iiif.image.serving import embedded_metadata
from iiif.presentation.canvases import canvas_views
from iiif.presentation.manifest import Publisher

COLLECTION = "top"


@dataclass(frozen=True, slots=True)
class Skipped:
    """An image, or a specimen without any, that is not in the export, and why."""

    specimen: str
    image: str
    reason: str
    withdrawn: bool = False


@dataclass(slots=True)
class ExportReport:
    """What an export came to; files and bytes count what this run wrote, `kept` what was there already."""

    base: str
    manifests: list[str] = field(default_factory=list)
    collection: str | None = None
    images: int = 0
    written: int = 0
    kept: int = 0
    bytes_written: int = 0
    skipped: list[Skipped] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {
            "base": self.base,
            "manifests": self.manifests,
            "collection": self.collection,
            "images": self.images,
            "filesWritten": self.written,
            "filesKept": self.kept,
            "bytesWritten": self.bytes_written,
            "skipped": [
                {"specimen": one.specimen, "image": one.image or None, "reason": one.reason, "withdrawn": one.withdrawn}
                for one in self.skipped
            ],
        }


class Export:
    """One export from a hub into a folder."""

    def __init__(self, runtime: Runtime, folder: Folder, *, with_restricted: bool) -> None:
        settings = runtime.settings
        self.runtime, self.folder, self.with_restricted = runtime, folder, with_restricted
        self.by = Principal.of_operator() if with_restricted else NOBODY
        self.hub = runtime.addresses
        self.addresses = StaticAddresses(folder.base, settings.naan)
        self.publisher = Publisher(settings.provider_name, settings.provider_url or f"{folder.base}/index.html")
        self.limits = SizeLimits(max(settings.max_width, TILE_PX), max(settings.max_area, TILE_PX**2))
        self.policy = embedded_metadata.Policy.of(settings)
        self.report = ExportReport(folder.base)
        self.segments = SegmentExport(folder, self.addresses, self.hub, self.publisher, self.limits, self.by)
        self.pictures: set[str] = set()  # of segments, that the folder showed before

    def add(self, key: str) -> None:
        """Write a specimen: its images, their annotations, its manifest. Raises UnknownSpecimen."""
        with self.runtime.reads.begin() as session:
            specimen, media = catalogue.get_specimen(session, key), catalogue.media_of(session, key)
        self.pictures |= documents.pictures_of(self.folder, self.addresses.manifest(key))
        if not media:
            self._skip(specimen.key, "", "The specimen has no image.")
        opened_images = [(replace(one, access="open"), pyramid) for one in media if (pyramid := self._open(one)) is not None]
        if opened_images:
            self._write(specimen, opened_images)
        else:
            self.folder.remove(self.addresses.manifest(key))

    def finish(self) -> ExportReport:
        """Write the collection, if there are several manifests, and the page of links; what no manifest names goes."""
        with self.runtime.reads.begin() as session:
            listed = [entry for entry in documents.entries(self.folder, self.addresses) if not entry.is_segment]
            self.pictures |= self.segments.remove_ended(session, [one for entry in listed for one in entry.named])
            named = {one for entry in documents.entries(self.folder, self.addresses) for one in entry.named}
            removal.remove_unnamed(session, self.folder, named, self.pictures, self.addresses, self.by)
        address = self.addresses.collection(COLLECTION)
        if len(listed) > 1:
            self.folder.write_json(address, documents.collection(listed, address, self.publisher))
            self.report.collection = address
        else:
            self.folder.remove(address)
        page = documents.index_page(listed, self.folder.base, self.report.collection or "", self.publisher)
        self.folder.write(f"{self.folder.base}/index.html", page)
        self.report.written, self.report.kept = self.folder.written, self.folder.kept
        self.report.bytes_written = self.folder.bytes_written
        return self.report

    def _open(self, media: Media) -> Pyramid | None:
        """The derivative, if the image may be exported and has one; otherwise it is reported, and goes if it was there."""
        try:
            if not (reason := self._why_not(media)):
                return Pyramid(self.runtime.blobs.file(media.pyramid_sha256))
        except (FileNotFoundError, PyramidError):
            reason = "Its derivative is lost or of an older version: `lectotype derive` makes it again."
        self._skip(media.specimen_key, media.key, reason)
        return None

    def _why_not(self, media: Media) -> str:
        if media.state != "ready":
            return f"It is not ready: {media.state_reason or 'its derivative is still being made.'}"
        if media.access != "open" and not self.with_restricted:
            return f"Its access is {media.access}; --with-restricted exports it as if it were open."
        return ""

    def _skip(self, specimen_key: str, media_key: str, reason: str) -> None:
        withdrawn = False
        if media_key:
            withdrawn = self.folder.remove_image(media_key, self.addresses.image(media_key))
            pages = removal.pages_of(self.folder, media_key, self.addresses)
            with self.runtime.reads.begin() as session:
                removal.remove_pages(session, self.folder, pages, self.addresses, self.by)
        self.report.skipped.append(Skipped(specimen_key, media_key, reason, withdrawn))

    def _write(self, specimen: Specimen, opened_images: Sequence[tuple[Media, Pyramid]]) -> None:
        media, address = [one for one, _ in opened_images], self.addresses.manifest(specimen.key)
        with self.runtime.reads.begin() as session:
            added = manifest_extras.of_images(session, media, self.addresses, self.by, specimen.key)
            views = canvas_views(session, specimen.key, media, self.by)
            withheld = {one.key for one in media if self.policy.gps and catalogue.withholds_place(session, one.key)}
        for one, pyramid in opened_images:
            policy = self.policy.of_withheld_place() if one.key in withheld else self.policy
            packet = embedded_metadata.packet(one, self.hub.pid(one.key), pyramid.camera, policy)
            services = added.canvas_services.get(one.key, ())
            home = self.addresses.manifest(one.specimen_key)
            shown_in = home if self.folder.path(home).is_file() else address
            document = images.information(self.addresses.image(one.key), one, shown_in, services, self.limits)
            images.write(self.folder, document, one, pyramid, packet)
            for view in views:
                if view.media.key == one.key and view.segment is not None:
                    images.write_segment(self.folder, document["id"], view.segment, self.limits, pyramid)
        with self.runtime.reads.begin() as session:
            for one in media:
                documents.write_annotations(session, self.folder, added, one, specimen.key, self.addresses, self.by)
            for one, pyramid in opened_images:
                if one.specimen_key == specimen.key:
                    self.segments.write(session, specimen, one, pyramid)
            added = replace(added, structures=self.segments.contents(session, specimen, media))
        pid = self.hub.pid(specimen.key)
        shown = documents.manifest_of(specimen, views, added, self.addresses, self.publisher, pid, self.limits)
        self.folder.write_json(address, shown)
        self.report.manifests.append(address)
        self.report.images += len(media)


def export(
    runtime: Runtime,
    specimen_keys: Sequence[str],
    root: Path,
    base: str,
    *,
    with_restricted: bool = False,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> ExportReport:
    """Write the specimens into the folder, to be served at `base`; a second run goes on where one was stopped.

    Raises:
        NotAnExport: the folder holds other things.
        UnknownSpecimen: a specimen has gone meanwhile.
    """
    with opened(root, base) as folder:
        work = Export(runtime, folder, with_restricted=with_restricted)
        for number, key in enumerate(specimen_keys):
            progress(number, len(specimen_keys))
            work.add(key)
        progress(len(specimen_keys), len(specimen_keys))
        return work.finish()
