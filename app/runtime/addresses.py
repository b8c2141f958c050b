"""Public addresses and ids: made from the one configured base URL, never from a request, and read back."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from app.runtime import ids
from app.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Named:
    """What an address of ours names: the kind of thing and its key; `specimen_key` where the address says that too."""

    kind: str  # "media", "specimen" or "annotation"
    key: str
    specimen_key: str = ""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Every address the world is shown. Keys are ARK names without the NAAN."""

    base: str
    naan: str

    @classmethod
    def of(cls, settings: Settings) -> "Addresses":
        return cls(settings.base_url, settings.naan)

    def pid(self, key: str) -> str:
        """The persistent identifier as a URL, `https://host/ark:99999/s1…`."""
        return f"{self.base}/{ids.ark(key, self.naan)}"

    def image(self, media_key: str, version: int = 3) -> str:
        """Id of the image service."""
        return f"{self.base}/iiif/{version}/{quote(media_key, safe='')}"

    def manifest(self, specimen_key: str, version: int = 3) -> str:
        return f"{self.base}/iiif/presentation/{version}/{specimen_key}/manifest.json"

    def canvas(self, specimen_key: str, media_key: str) -> str:
        return f"{self.base}/iiif/presentation/3/{specimen_key}/canvas/{media_key}"

    def collection(self, name: str) -> str:
        return f"{self.base}/iiif/presentation/3/collection/{name}.json"

    def annotation(self, key: str) -> str:
        return f"{self.base}/annotations/{key}"

    def annotation_page(self, media_key: str, layer: str, specimen_key: str = "") -> str:
        """The complete AnnotationPage of one layer of an image, for viewers: on its canonical canvas, or under that specimen."""
        return f"{self.base}/canvases/{media_key}/annotations/{layer}{specimen_key and f'/{specimen_key}'}.json"

    def search(self, version: int, specimen_key: str) -> str:
        return f"{self.base}/search/{version}/{specimen_key}"

    def autocomplete(self, version: int, specimen_key: str) -> str:
        return f"{self.base}/search/{version}/{specimen_key}/autocomplete"

    def specimen_page(self, specimen_key: str) -> str:
        return f"{self.base}/specimens/{specimen_key}"

    def specimen_record(self, specimen_key: str) -> str:
        """The Darwin Core record as JSON."""
        return f"{self.base}/api/specimens/{specimen_key}"

    def run(self, run_key: str) -> str:
        return f"{self.base}/api/runs/{run_key}"

    def identify(self, iri: str) -> Named | None:
        """What of ours the IRI names; None if it is not ours, or names nothing that can be pointed at."""
        key = ids.KEY_PATTERN
        path = iri.removeprefix(f"{self.base}/")
        if path == iri and not iri.startswith("ark:"):
            return None
        if match := re.fullmatch(rf"iiif/presentation/[23]/({key})/canvas/({key})", path, re.ASCII):
            return Named("media", match[2], match[1])
        if match := re.fullmatch(rf"iiif/presentation/[23]/({key})/manifest\.json", path, re.ASCII):
            return Named("specimen", match[1])
        if match := re.fullmatch(rf"iiif/[23]/({key})", path, re.ASCII):
            return Named("media", match[1])
        if match := re.fullmatch(rf"ark:/?{self.naan}/({key})", path, re.ASCII):
            kind = {ids.SPECIMEN: "specimen", ids.MEDIA: "media", ids.ANNOTATION: "annotation"}.get(match[1][:2])
            return Named(kind, match[1]) if kind else None
        if match := re.fullmatch(r"annotations/([A-Za-z0-9._~-]{1,64})", path, re.ASCII):
            return Named("annotation", match[1])
        return None
