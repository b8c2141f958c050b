"""Whole HTTP answers of the image server, without any web framework: the fast path and the views share them."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate, parsedate_to_datetime

from app.runtime.http import encode, etag_of
from iiif.image import info, service
from iiif.image.gallery import Gallery, Served
from iiif.image.request import FORMATS, Geometry, ImageRequest, Version

Headers = list[tuple[str, str]]
EXPOSED = "ETag, Link, Allow, Location, Content-Location, Vary, Prefer"
CACHE = "public, max-age=86400"
CACHE_INFO = "public, max-age=60"


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditional headers of a request, as sent (RFC 9110, section 13)."""

    if_none_match: str = ""
    if_modified_since: str = ""

    def unchanged(self, etag: str, modified_s: int) -> bool:
        """Whether the client has this already; If-Modified-Since counts only without If-None-Match."""
        if self.if_none_match:
            sent = [tag.strip().removeprefix("W/").strip('"') for tag in self.if_none_match.split(",")]
            return etag in sent or "*" in sent
        if not self.if_modified_since:
            return False
        try:
            return modified_s <= parsedate_to_datetime(self.if_modified_since).timestamp()
        except (ValueError, OverflowError):
            return False


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body."""

    status: int
    headers: Headers
    body: bytes


def of_picture(gallery: Gallery, key: str, request: ImageRequest, conditions: Conditions) -> Answer:
    """A picture, or 304. Raises BadParameter, Busy, and what Gallery.find raises."""
    served = gallery.find(key)
    geometry = request.resolve(served.media.width_px, served.media.height_px, gallery.limits)
    return of_geometry(gallery, served, geometry, request.version, conditions)


def of_geometry(gallery: Gallery, served: Served, geometry: Geometry, version: Version, conditions: Conditions) -> Answer:
    """A picture whose geometry is known. Raises Busy."""
    canonical = geometry.canonical(version, gallery.limits)
    etag = etag_of(f"{served.media.pyramid_sha256}/{canonical}".encode())
    address = f"{gallery.addresses.image(served.media.key, version)}/{canonical}"
    link = f'<{address}>;rel="canonical", <{info.PROFILE[version]}>;rel="profile"'
    headers = _headers(etag, served.pyramid.modified_s, CACHE, link)
    if conditions.unchanged(etag, served.pyramid.modified_s):
        return Answer(304, headers, b"")
    body = service.picture(gallery, served, geometry)
    return Answer(200, [("Content-Type", FORMATS[geometry.format]), ("Content-Length", str(len(body))), *headers], body)


def of_info(gallery: Gallery, key: str, version: Version, accept: str, conditions: Conditions) -> Answer:
    """The image information document, or 304 (section 5.1). Raises what Gallery.find raises."""
    served = gallery.find(key)
    media = served.media
    base = gallery.addresses.image(media.key, version)
    document = info.build(
        version, base=base, width=media.width_px, height=media.height_px, limits=gallery.limits, rights=media.rights
    )
    body = encode(document)
    media_type = _info_type(version, accept)
    etag = etag_of(body + media_type.encode())
    link = f'<{info.PROFILE[version]}>;rel="profile"'
    if media_type == "application/json":
        link += f', <{info.CONTEXT[version]}>;rel="http://www.w3.org/ns/json-ld#context";type="application/ld+json"'
    headers = [*_headers(etag, served.pyramid.modified_s, CACHE_INFO, link), ("Vary", "Accept")]
    if conditions.unchanged(etag, served.pyramid.modified_s):
        return Answer(304, headers, b"")
    return Answer(200, [("Content-Type", media_type), ("Content-Length", str(len(body))), *headers], body)


def _info_type(version: Version, accept: str) -> str:
    """3.0 prefers JSON-LD with its profile unless plain JSON alone is asked for; 2.1 gives JSON-LD only when asked."""
    wants: Mapping[str, bool] = {name: name in accept for name in ("application/ld+json", "application/json", "*/*")}
    if version == 2:
        return "application/ld+json" if wants["application/ld+json"] else "application/json"
    if wants["application/json"] and not wants["application/ld+json"]:
        return "application/json"
    return f'application/ld+json;profile="{info.CONTEXT[3]}"'


def _headers(etag: str, modified_s: int, cache: str, link: str) -> Headers:
    return [
        ("ETag", f'"{etag}"'),
        ("Last-Modified", formatdate(modified_s, usegmt=True)),
        ("Cache-Control", cache),
        ("Link", link),
        ("Access-Control-Allow-Origin", "*"),
        ("Access-Control-Expose-Headers", EXPOSED),
    ]
