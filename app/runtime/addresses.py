"""Public addresses and ids, made from the one configured base URL, never from a request."""

from dataclasses import dataclass
from urllib.parse import quote

from app.runtime import ids
from app.runtime.settings import Settings


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

    def manifest(self, specimen_key: str) -> str:
        return f"{self.base}/iiif/presentation/3/{specimen_key}/manifest.json"

    def canvas(self, specimen_key: str, media_key: str) -> str:
        return f"{self.base}/iiif/presentation/3/{specimen_key}/canvas/{media_key}"

    def collection(self, name: str) -> str:
        return f"{self.base}/iiif/presentation/3/collection/{name}.json"

    def annotation(self, key: str) -> str:
        return f"{self.base}/annotations/{key}"

    def annotation_page(self, media_key: str, layer: str) -> str:
        """The complete AnnotationPage of one canvas and layer, for viewers."""
        return f"{self.base}/canvases/{media_key}/annotations/{layer}.json"

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
