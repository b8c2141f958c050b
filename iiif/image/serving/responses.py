"""Whole HTTP answers of the image server, without any web framework: the fast path and the views share them.

A request comes as its WSGI environment (PEP 3333), whose path is unescaped already. An address is read from the right, for
an identifier may hold slashes: `{identifier}/{region}/{size}/{rotation}/{quality}.{format}`, `{identifier}/info.json`, or
the identifier alone. What the address of a picture comes to is kept as a `Plan`, so that asking again costs next to nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from app.runtime.http import encode, etag_of
from app.runtime.kept import Kept
from iiif.catalogue import rights
from iiif.catalogue.visibility import View
from iiif.image import info
from iiif.image.errors import BadParameter
from iiif.image.pyramid.format import PyramidError
from iiif.image.rendering import render
from iiif.image.request import FORMATS, Geometry, ImageRequest, PixelBox, Rotation, Size, SizeLimits, Version, other_side
from iiif.image.serving import conditions, delivery
from iiif.image.serving.delivery import Order, PictureSource, SentPicture
from iiif.image.serving.open_images import OpenImages, Served

Environ = Mapping[str, Any]
Headers = list[tuple[str, str]]
EXPOSED = "ETag, Link, Allow, Location, Content-Location, Vary, Prefer, Accept-Ranges, Content-Range, Retry-After"
CORS: Headers = [("Access-Control-Allow-Origin", "*"), ("Access-Control-Expose-Headers", EXPOSED)]
CACHE: dict[View, str] = {"whole": "public, max-age=86400", "reduced": "public, max-age=60", "private": "private, max-age=60"}
CACHE_INFO: dict[View, str] = CACHE | {"whole": "public, max-age=60"}
KEPT_PLANS = 2048
KEPT_DOCUMENTS = 256
PLAIN = re.compile(r"(?:full|(\d{1,9}),(\d{1,9}),(\d{1,9}),(\d{1,9}))/(\d{1,9}),(\d{0,9})/0/default\.jpg", re.ASCII)
UPRIGHT = Rotation.parse("0")


class ImageResponse(NamedTuple):  # made for every picture, in a third of the time of a frozen dataclass
    """Status, headers and body; for the statistics also the format, and where the body comes from (with 304: would come)."""

    status: int
    headers: Headers
    body: bytes
    format: str
    source: PictureSource | None


@dataclass(frozen=True, slots=True)
class Plan:
    """How to answer the address of a picture for one digest, name and view of an image; `headers` lack those that need the body.

    It may outlive the open image, so it holds no `Served`, and thus no file.
    """

    digest: str
    view: View
    name: str
    order: Order
    etag: str
    headers: Headers

    def holds(self, served: Served) -> bool:
        """Whether `served` still gives the same pictures to the same people."""
        return self.digest == served.digest and self.view == served.view and self.name == served.name


@dataclass(frozen=True, slots=True)
class InfoDocument:
    """The answers that give an image information document; valid until `until`, when the open image is read again."""

    until: float
    etag: str
    whole: ImageResponse
    unchanged: ImageResponse


class ImageResponses:
    """Answers requests from the open images of a process."""

    def __init__(self, images: OpenImages) -> None:
        self.images = images
        self._plans: Kept[str, Plan] = Kept(KEPT_PLANS)
        self._documents: Kept[tuple[Version, str, View, str], InfoDocument] = Kept(KEPT_DOCUMENTS)

    def answer(self, environ: Environ) -> ImageResponse:
        """The answer to a GET or HEAD of `/iiif/{2 or 3}/…`.

        Raises:
            BadParameter, OnlyReduced, Busy, and what OpenImages.find raises.
        """
        path: str = environ["PATH_INFO"]
        version: Version = 2 if path[6] == "2" else 3
        rest = path[8:]
        if rest.endswith("/info.json"):
            return self._information(version, rest[:-10], environ)
        parts = rest.rsplit("/", 4)
        if len(parts) == 5:
            return self._picture(version, parts[0], rest[len(parts[0]) + 1 :], path, environ)
        return self._base(version, rest.removesuffix("/"), environ)

    def _base(self, version: Version, name: str, environ: Environ) -> ImageResponse:
        """Section 2: the base URI leads to the information document."""
        served = self.images.find(name, environ.get("HTTP_AUTHORIZATION", ""))
        headers = [("Location", f"{self._id(served, version)}/info.json"), ("Content-Length", "0"), *_vary(served), *CORS]
        return ImageResponse(303, headers, b"", "json", None)

    def _picture(self, version: Version, name: str, parameters: str, path: str, environ: Environ) -> ImageResponse:
        """Section 4."""
        served = self.images.find(name, environ.get("HTTP_AUTHORIZATION", ""))
        plan = self._plans.get(path)
        if plan is None or not plan.holds(served):
            plan = self._plan(served, version, parameters)
            self._plans.put(path, plan)
        form = plan.order.geometry.format
        if conditions.unchanged(environ, plan.etag):
            return ImageResponse(304, plan.headers, b"", form, "stored" if plan.order.stored else None)
        try:
            found = delivery.at_hand(self.images, served, plan.order)
            if found is None and environ["REQUEST_METHOD"] == "HEAD":
                return ImageResponse(200, [("Content-Type", FORMATS[form]), *plan.headers], b"", form, None)
            if found is None:
                found = delivery.made(self.images, served, plan.order)
        except PyramidError as error:
            raise self.images.lost(served.media.key) from error
        answer = _whole_or_part(environ, plan, found)
        if plan.order.stored is None and environ["REQUEST_METHOD"] != "HEAD":
            delivery.sent(self.images, plan.order, len(answer.body))
        return answer

    def _plan(self, served: Served, version: Version, parameters: str) -> Plan:
        """`parameters` is what follows the identifier."""
        local = _plainly_stored(served, parameters, self.images.limits) or self._resolved(served, version, parameters)
        part, media, limits = served.part, served.media, self.images.limits
        if served.frame is not None:
            limits = served.frame.limits(local.region, limits)
        canonical = local.canonical(version, limits)
        whole = served.name == media.key
        geometry = local if whole else local.shifted(part.x, part.y, media.width_px, media.height_px)
        order = delivery.order(served, geometry)
        renderer = "stored" if order.stored else render.RENDER_VERSION
        etag = etag_of(f"{served.digest}/{served.name}/{canonical}/{renderer}".encode())
        link = f'<{self._id(served, version)}/{canonical}>;rel="canonical", <{info.PROFILE[version]}>;rel="profile"'
        headers = [*_headers(etag, CACHE[served.view], link), ("Accept-Ranges", "bytes"), *_vary(served)]
        return Plan(served.digest, served.view, served.name, order, etag, headers)

    def _resolved(self, served: Served, version: Version, parameters: str) -> Geometry:
        """The geometry in the frame of what is served. Raises BadParameter, OnlyReduced."""
        region, size, rotation, last = parameters.split("/")
        quality, dot, format_ = last.rpartition(".")
        if not dot:
            raise BadParameter("format", "", "is missing", version=version)
        request = ImageRequest.parse(version, region, size, rotation, quality, format_)
        part, frame, limits = served.part, served.frame, self.images.limits
        if frame is None:
            return request.resolve(part.width, part.height, limits)
        width, height = frame.size(request.size, request.region.resolve(part.width, part.height), limits)
        given = replace(request, size=Size("wh", upscale=True, width=width, height=height))
        return given.resolve(part.width, part.height, limits)

    def _information(self, version: Version, name: str, environ: Environ) -> ImageResponse:
        """Section 5."""
        served = self.images.find(name, environ.get("HTTP_AUTHORIZATION", ""))
        media_type = _info_type(version, environ.get("HTTP_ACCEPT", ""))
        key = version, media_type, served.view, served.name
        document = self._documents.get(key)
        if document is None or document.until != served.until:
            document = self._document(served, version, media_type)
            self._documents.put(key, document)
        return document.unchanged if conditions.unchanged(environ, document.etag) else document.whole

    def _document(self, served: Served, version: Version, media_type: str) -> InfoDocument:
        with self.images.runtime.reads.begin() as session:
            services = self.images.services_of(session, served.media)
        media, part = served.media, served.part
        shown = info.build(
            version,
            base=self._id(served, version),
            width=part.width,
            height=part.height,
            limits=self.images.limits,
            rights=rights.iri_of(media.rights),
            services=services,
            part_of=[{"id": self.images.addresses.manifest(media.specimen_key), "type": "Manifest"}],
            smallest_scale=float(served.frame.scale) if served.frame else 1,
        )
        body = encode(shown)
        etag = etag_of(body + media_type.encode())
        link = f'<{info.PROFILE[version]}>;rel="profile"'
        if media_type == "application/json":
            link += f', <{info.CONTEXT[version]}>;rel="http://www.w3.org/ns/json-ld#context";type="application/ld+json"'
        head = [("Content-Type", media_type), ("Content-Length", str(len(body)))]
        headers = [*_headers(etag, CACHE_INFO[served.view], link), *_vary(served, "Accept")]
        whole = ImageResponse(200, head + headers, body, "json", "made")
        return InfoDocument(served.until, etag, whole, ImageResponse(304, headers, b"", "json", None))

    def _id(self, served: Served, version: Version) -> str:
        return f"{self.images.addresses.image(served.media.key, version)}{served.name.removeprefix(served.media.key)}"


def _plainly_stored(served: Served, parameters: str, limits: SizeLimits) -> Geometry | None:
    """The geometry of a stored picture named in full, in the frame of what is served: what viewers ask for, unparsed."""
    match = PLAIN.fullmatch(parameters)
    if match is None:
        return None
    part = served.part
    box = PixelBox(0, 0, part.width, part.height)
    if match[1] is not None:
        x, y = int(match[1]), int(match[2])
        box = PixelBox(x, y, min(int(match[3]), part.width - x), min(int(match[4]), part.height - y))
    width = int(match[5])
    if box.width < 1 or box.height < 1 or width < 1:
        return None
    height = int(match[6]) if match[6] else other_side(box.width, box.height, width)
    if not limits.allow(width, height):
        return None
    local = Geometry(part.width, part.height, box, width, height, UPRIGHT, "default", "jpg")
    is_stored = served.pyramid.stored_at(part.x + box.x, part.y + box.y, box.width, box.height, width, height) is not None
    return local if is_stored and served.frame is None else None


def _whole_or_part(environ: Environ, plan: Plan, found: SentPicture) -> ImageResponse:
    """200, or what the header Range comes to."""
    if "HTTP_RANGE" in environ and conditions.may_be_parted(environ, plan.etag):
        part = conditions.part_of(environ["HTTP_RANGE"], len(found.body))
        if part is not None:
            return _partial(part, found.body, plan, found.source)
    form = plan.order.geometry.format
    head = [("Content-Type", FORMATS[form]), ("Content-Length", str(len(found.body)))]
    return ImageResponse(200, head + plan.headers, found.body, form, found.source)


def _partial(part: tuple[int, int], body: bytes, plan: Plan, source: PictureSource) -> ImageResponse:
    """206 with the bytes from `part[0]` up to, without, `part[1]`; 416 where there are none (RFC 9110, section 14)."""
    first, end = part
    form, length = plan.order.geometry.format, len(body)
    if first >= end:
        refusal = [("Content-Range", f"bytes */{length}"), ("Content-Length", "0"), ("Cache-Control", "no-store"), *CORS]
        return ImageResponse(416, refusal, b"", form, source)
    head = [("Content-Type", FORMATS[form]), ("Content-Length", str(end - first))]
    head.append(("Content-Range", f"bytes {first}-{end - 1}/{length}"))
    return ImageResponse(206, head + plan.headers, body[first:end], form, source)


def _info_type(version: Version, accept: str) -> str:
    """3.0 prefers JSON-LD with its profile unless plain JSON alone is asked for; 2.1 gives JSON-LD only when asked."""
    linked = "application/ld+json" in accept
    if version == 2:
        return "application/ld+json" if linked else "application/json"
    if "application/json" in accept and not linked:
        return "application/json"
    return f'application/ld+json;profile="{info.CONTEXT[3]}"'


def _vary(served: Served, *names: str) -> Headers:
    """What other than the address the answer depends on."""
    names += ("Authorization",) if served.media.access != "open" else ()
    return [("Vary", ", ".join(names))] if names else []


def _headers(etag: str, cache: str, link: str) -> Headers:
    return [
        ("ETag", f'"{etag}"'),
        ("Cache-Control", cache),
        ("Link", link),
        *CORS,
    ]


_answers: list[ImageResponses] = []


def of(images: OpenImages) -> ImageResponses:
    """The answers of this process's images."""
    if not _answers or _answers[0].images is not images:
        _answers[:] = [ImageResponses(images)]
    return _answers[0]
