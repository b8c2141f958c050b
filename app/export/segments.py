"""Segments in an export: the manifest of each that lies on an image which is exported, its pictures and pages of annotations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from annotations import manifest_extras
from annotations.segment_api import pages, presentation
from annotations.segments import store
from annotations.segments.model import Segment
from app.export import documents, images
from app.export.folder import Folder
from app.runtime import ids
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from iiif.catalogue.model import Media, Specimen
from iiif.image.pyramid.format import Pyramid
from iiif.image.request import SizeLimits
from iiif.presentation.manifest import Publisher


@dataclass(frozen=True, slots=True)
class SegmentExport:
    """Where segments are written to, as what, and for whom. `hub` has the addresses that lead back to the hub."""

    folder: Folder
    addresses: Addresses
    hub: Addresses
    publisher: Publisher
    limits: SizeLimits
    by: Principal

    def write(self, session: Session, specimen: Specimen, media: Media, pyramid: Pyramid) -> None:
        """All that there are on the image, which is of that home specimen."""
        address = self.addresses.image(media.key)
        for segment in store.on_image(session, media.key):
            if segment.area.x1 > media.width_px or segment.area.y1 > media.height_px:  # of a file that another replaced
                continue
            images.write_segment(self.folder, address, segment.box, self.limits, pyramid)
            layers = pages.layers_of(session, segment, self.by)
            for layer in layers:
                page = pages.of_segment(session, segment, media, layer, by=self.by, addresses=self.addresses)
                self.folder.write_json(page["id"], page)
            how: Any = {"by": self.by, "addresses": self.addresses, "publisher": self.publisher}
            shown = self._static(presentation.manifest(segment, media, specimen, layers, **how), segment, media)
            self.folder.write_json(shown["id"], shown)

    def contents(self, session: Session, specimen: Specimen, media: Sequence[Media]) -> tuple[dict[str, Any], ...]:
        """The Range of the segments, as the hub has it; it leads to the manifests that are in the folder."""
        found = manifest_extras.contents(session, specimen, media, self.addresses)
        below = list(found)
        while below:
            one = below.pop()
            below += [item for item in one["items"] if item["type"] == "Range"]
            if any(not self.folder.path(each["id"]).is_file() for each in one.get("seeAlso", ())):
                del one["seeAlso"]
        return found

    def remove_ended(self, session: Session, shown: Sequence[str]) -> set[str]:
        """Take out the manifests of segments that there are no more, or that lie on none of the images `shown` (their
        addresses); the pictures that these showed."""
        found = {path.parent.name: path for path in self.folder.path(self._folder()).glob(f"{ids.REGION}*/manifest.json")}
        rows, pictures = store.many(session, found), set[str]()
        for key in found:
            row = rows.get(key)
            if row is None or not row.live or self.addresses.image(row.media_key) not in shown:
                pictures |= documents.pictures_of(self.folder, self.addresses.manifest(key))
                self.folder.remove(self.addresses.manifest(key))
        return pictures

    def _folder(self) -> str:
        return self.addresses.manifest("x").removesuffix("/x/manifest.json")

    def _static(self, shown: dict[str, Any], segment: Segment, media: Media) -> dict[str, Any]:
        """The same for files: what needs a server goes, and pictures are files."""
        image, (large, small) = self.addresses.image(media.key), images.of_segment(segment.box, self.limits)
        shown.pop("homepage")
        record = {"id": self.hub.pid(segment.key), "type": "Dataset", "label": {"en": ["Segment record"]}}
        shown["seeAlso"] = [{**record, "format": "application/ld+json"}]
        shown["partOf"] = [one for one in shown["partOf"] if one["type"] == "Manifest"]
        (canvas,) = shown["items"]
        canvas.pop("seeAlso")
        canvas["items"][0]["items"][0]["body"] = documents.picture(image, large)
        shown["thumbnail"] = canvas["thumbnail"] = [documents.picture(image, small)]
        return shown
