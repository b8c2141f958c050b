"""Public addresses and ids: made from the one configured base URL, never from a request, and read back."""

import re
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal
from urllib.parse import quote, unquote

from app.runtime import ids
from app.runtime.settings import Settings

Kind = Literal["canvas", "segment", "image", "specimen", "annotation", "run", "dataset", "resource"]
SPECIMEN, MEDIA = (rf"(?P<{name}>(?!{ids.REGION}){ids.KEY_PATTERN})" for name in ("specimen", "media"))
REGION = rf"(?P<region>(?={ids.REGION}){ids.KEY_PATTERN})"
NAME = r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}"
SEGMENT = r"(?P<segment>\d{1,9},\d{1,9},[1-9]\d{0,8},[1-9]\d{0,8})"
PICTURE = r"(?P<picture>[^/]{1,80}/[^/]{1,40}/[^/]{1,40}/[a-z]{1,10}\.[a-z0-9]{1,5})"
BY_SHOULDER: dict[str, Kind] = {
    ids.SPECIMEN: "specimen", ids.MEDIA: "image", ids.ANNOTATION: "annotation", ids.RUN: "run", ids.INGEST: "run",
    ids.REGION: "segment", ids.DATASET: "dataset",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Named:
    """What an address of ours names: a kind of thing and its key.

    The key of a canvas and of an image is that of the image, of a segment and its canvas `r1…`, of a part of an image that is
    no segment of ours `m1…:x,y,w,h` in pixels of the upright image, of another resource its path below the base; an ingest
    counts as a run. `media_key`, `specimen_key` and `segment_key` are the image, specimen and segment that the address itself
    says; `version` is 0 where it says none. `picture` is what follows the identifier in the address of a picture,
    `region/size/rotation/quality.format`, and `api` the version of the Image API that it is asked of.
    """

    kind: Kind
    key: str
    specimen_key: str = ""
    media_key: str = ""
    version: int = 0
    picture: str = ""
    api: Literal[2, 3] = 3
    segment_key: str = ""


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

    def who(self, name: str) -> str:
        """The identifier of the person whose account has that key; other principals are called by their name."""
        return self.pid(name) if name[:2] == ids.AGENT and ids.is_key(name, self.naan) else name

    def image(self, media_key: str, version: int = 3) -> str:
        """Id of the image service; that of a segment for `m1…:x,y,w,h`."""
        return f"{self.base}/iiif/{version}/{quote(media_key, safe='')}"

    def manifest(self, specimen_key: str, version: int = 3) -> str:
        return f"{self.base}/iiif/presentation/{version}/{specimen_key}/manifest.json"

    def canvas(self, specimen_key: str, media_key: str) -> str:
        return f"{self.base}/iiif/presentation/3/{specimen_key}/canvas/{media_key}"

    def segment_canvas(self, segment_key: str) -> str:
        return f"{self.manifest(segment_key).removesuffix('/manifest.json')}/canvas/{segment_key}"

    def segment_page(self, segment_key: str) -> str:
        return f"{self.base}/segments/{segment_key}"

    def segment_record(self, segment_key: str) -> str:
        """The segment as JSON."""
        return f"{self.base}/api/segments/{segment_key}"

    def collection(self, name: str) -> str:
        return f"{self.base}/iiif/presentation/3/collection/{name}.json"

    def annotation(self, key: str) -> str:
        return f"{self.base}/annotations/{key}"

    def annotation_key(self, name: str) -> str:
        """The key that the identifier of the annotation has: its own, or for one that its author named, one that follows."""
        return (
            name
            if name[:2] == ids.ANNOTATION and ids.is_key(name, self.naan)
            else ids.derived_key(ids.ANNOTATION, self.naan, name)
        )

    def pipeline(self, name: str) -> str:
        """A pipeline, whichever version of it: the agent that states what its runs find."""
        return f"{self.base}/api/pipelines/{name}"

    def mask(self, sha256: str) -> str:
        """The file of a mask that annotations name."""
        return f"{self.base}/masks/{sha256}.png"

    def annotation_page(self, media_key: str, layer: str, specimen_key: str = "") -> str:
        """The complete AnnotationPage of one layer of an image, for viewers: on its canonical canvas, or under that specimen.
        That of a segment, on its own canvas, for the key of the segment."""
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

    def dataset_page(self, name: str) -> str:
        """The page of a dataset, `d1…`, or of a version of it, `d1….v2`; its documents lie below."""
        return f"{self.base}/datasets/{name}"

    def dataset_record(self, dataset_key: str) -> str:
        """The dataset as JSON."""
        return f"{self.base}/api/datasets/{dataset_key}"

    def question(self, question_key: str) -> str:
        """The page of a saved question."""
        return f"{self.base}/queries/{question_key}"

    def question_feed(self, question_key: str) -> str:
        return f"{self.base}/queries/{question_key}/feed.atom"

    def ingest(self, ingest_key: str) -> str:
        return f"{self.base}/api/ingests/{ingest_key}"

    def path_of(self, iri: str) -> str | None:
        """The path below our base, or the bare ARK, with escapes undone; None for an address that is not ours.

        http and https of one host are the same: a proxy before the hub may speak either.
        """
        if re.match(rf"ark:/?{self.naan}/", iri):
            return iri
        scheme, separator, rest = iri.partition("://")
        host = self.base.partition("://")[2]
        if scheme not in ("http", "https") or not separator or not (rest == host or rest.startswith(f"{host}/")):
            return None
        return unquote(rest.removeprefix(host).removeprefix("/"))

    def identify(self, iri: str) -> Named | None:
        """What of ours the IRI names; None if it is not ours, or names nothing that can be pointed at."""
        path = self.path_of(iri)
        if path is None or len(path) > MAX_PATH:
            return None
        for kind, pattern in _patterns(self.naan):
            if match := pattern.fullmatch(path):
                return _named(kind, path, match)
        return None


MAX_PATH = 500  # characters of an address of ours, below the base
Form = Kind | Literal["ark", "region"]


@cache
def _patterns(naan: str) -> tuple[tuple[Form, re.Pattern[str]], ...]:
    """The forms of our addresses below the base, no two of which share a text."""
    forms: tuple[tuple[Form, str], ...] = (
        ("canvas", rf"iiif/presentation/[23]/{SPECIMEN}/canvas/{MEDIA}(?::{SEGMENT})?"),
        ("specimen", rf"iiif/presentation/[23]/{SPECIMEN}/manifest\.json"),
        ("resource", rf"iiif/presentation/3/{SPECIMEN}/canvas/{MEDIA}(?::{SEGMENT})?/(?:page|painting)"),
        ("resource", rf"iiif/presentation/3/collection/{NAME}\.json"),
        ("image", rf"iiif/(?P<api>[23])/(?:ark:/?{naan}/)?{MEDIA}(?::{SEGMENT})?(?:/(?:info\.json|{PICTURE})?)?"),
        ("image", rf"api/media/{MEDIA}"),
        ("region", rf"iiif/presentation/[23]/{REGION}/(?:manifest\.json|canvas/(?P=region))"),
        ("region", rf"(?:api/)?segments/{REGION}"),
        ("resource", rf"iiif/presentation/3/{REGION}/canvas/(?P=region)/(?:page|painting)"),
        ("resource", rf"canvases/{REGION}/annotations/[a-z]{{1,16}}\.json"),
        ("specimen", rf"(?:api/)?specimens/{SPECIMEN}"),
        ("annotation", rf"annotations/(?P<annotation>{NAME})(?:/versions/(?P<version>\d{{1,9}}))?"),
        ("run", rf"(?:api/)?(?:runs|ingests)/(?P<run>{ids.KEY_PATTERN})"),
        ("dataset", rf"(?:api/)?datasets/(?P<dataset>{NAME})"),
        ("resource", rf"canvases/{MEDIA}/annotations/[a-z]{{1,16}}(?:/{SPECIMEN})?\.json"),
        ("resource", rf"search/[12]/(?:top|{SPECIMEN})(?:/autocomplete)?"),
        ("ark", rf"ark:/?{naan}/(?P<name>[0-9a-z-]{{12,40}})(?:\.v(?P<version>\d{{1,9}}))?"),
    )
    return tuple((kind, re.compile(pattern, re.ASCII)) for kind, pattern in forms)


def _named(form: Form, path: str, match: re.Match[str]) -> Named | None:
    parts = {name: text for name, text in match.groupdict().items() if text}
    version, specimen, media = int(parts.get("version", 0)), parts.get("specimen", ""), parts.get("media", "")
    if form == "ark":
        return _of_ark(parts["name"].replace("-", ""), version)  # hyphens mean nothing (ARK specification)
    region = parts.get("region", "")
    if form == "resource":
        return Named("resource", path, specimen, media, segment_key=region)
    if form == "region":
        return Named("segment", region, segment_key=region)
    if form in ("image", "canvas"):
        corners = ",".join(str(int(number)) for number in parts["segment"].split(",")) if "segment" in parts else ""
        named = Named("segment", f"{media}:{corners}", specimen, media) if corners else Named(form, media, specimen, media)
        return replace(named, picture=parts.get("picture", ""), api=2 if parts.get("api") == "2" else 3)
    return Named(form, parts[form], specimen, version=version)


def _of_ark(key: str, version: int) -> Named | None:
    kind = BY_SHOULDER.get(key[:2])
    if kind is None or not re.fullmatch(ids.KEY_PATTERN, key, re.ASCII):
        return None
    of = {name: key if kind == name else "" for name in ("specimen", "image", "segment")}
    return Named(kind, key, of["specimen"], of["image"], version, segment_key=of["segment"])
