"""A manifest of Presentation API 2 or 3 as what can be taken in: its metadata, and the pictures of its canvases.

What has no place here (sound, video, three-dimensional things, further pictures of a choice, styles) is told in a sentence, and
the rest goes in. A document that is no manifest is refused.
"""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from iiif.harvest.errors import NotReadable
from iiif.harvest.model import RemoteCanvas, RemoteImage, RemoteManifest

HARVESTED = "harvestedFrom"  # the profile of a link to the manifest that one was harvested from ends so
DARWIN_CORE = "http://rs.tdwg.org/dwc/terms/"
MOST_CANVASES, MOST_PAIRS, LONGEST = 5_000, 500, 10_000
LOST = {
    "placeholderCanvas": "It has a placeholder, which is not taken in.",
    "accompanyingCanvas": "It has an accompanying canvas, which is not taken in.",
    "structures": "It has ranges (a table of contents), which are not taken in.",
    "rendering": "It has other forms of itself (rendering), which are not taken in.",
    "start": "It says at which canvas to start, which is not taken in.",
}
LANGUAGES = ("none", "en")
TAG = re.compile(r"<[^<>]{0,2000}>")


def read(document: Any, iri: str) -> RemoteManifest:
    """The manifest that lies at the address. Raises NotReadable."""
    if not isinstance(document, Mapping):
        raise NotReadable(f"{iri[:200]} is no manifest: its JSON is no object.")
    kind = document.get("type", document.get("@type"))
    if kind == "Manifest":
        return _read_3(document, iri)
    if kind == "sc:Manifest":
        return _read_2(document, iri)
    raise NotReadable(f"{iri[:200]} is no manifest of Presentation API 2 or 3, but {str(kind)[:60]!r}.")


def text_of(value: Any) -> str:
    """A label or value of either version as plain text; English, or in no language, before other languages."""
    return "; ".join(dict.fromkeys(plain(text) for text in _texts(value)))[:LONGEST]


def plain(text: str) -> str:
    """The text without the HTML that a manifest may hold (Presentation API 3.0, 4.5)."""
    bare = TAG.sub(" ", text) if text.lstrip().startswith("<") and text.rstrip().endswith(">") else text
    return " ".join(html.unescape(bare).split()) if bare is not text else text.strip()


def several(value: Any) -> Sequence[Any]:
    """A value that may stand alone or in a list, as a list."""
    return value if isinstance(value, list) else [] if value is None else [value]


def id_of(thing: Any) -> str:
    """The address of a thing that is given whole or by its address alone; empty for neither."""
    if isinstance(thing, Mapping):
        thing = thing.get("id", thing.get("@id", ""))
    return thing if isinstance(thing, str) else ""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str | int | float):
        yield str(value)
    elif isinstance(value, list):
        yield from _of_list(value)
    elif isinstance(value, Mapping) and "@value" in value:
        yield str(value["@value"])
    elif isinstance(value, Mapping) and value:
        language = next((name for name in LANGUAGES if value.get(name)), next(iter(value)))
        yield from (str(one) for one in several(value[language]) if isinstance(one, str | int | float))


def _of_list(values: Sequence[Any]) -> Iterator[str]:
    """Of several languages English or none, else all (Presentation API 2.1, 3.3)."""
    tagged = [one for one in values if isinstance(one, Mapping)]
    wanted = [one for one in tagged if str(one.get("@language", "en"))[:2] == "en"]
    for one in values:
        if not isinstance(one, Mapping) or one in (wanted or tagged):
            yield from _texts(one)


def _read_3(document: Mapping[str, Any], iri: str) -> RemoteManifest:
    losses: list[str] = []
    canvases = [_canvas_3(one, losses) for one in _canvases(document.get("items"), iri, losses)]
    statement = document.get("requiredStatement")
    losses += [sentence for name, sentence in LOST.items() if document.get(name)]
    return RemoteManifest(
        id=id_of(document) or iri,
        label=text_of(document.get("label")),
        pairs=_pairs(document.get("metadata")),
        rights=_address(document.get("rights")),
        credit=text_of(statement.get("value")) if isinstance(statement, Mapping) else "",
        canvases=tuple(canvases),
        records=_records(document.get("seeAlso")),
        origin=_origin(document.get("seeAlso")) or id_of(document) or iri,
        losses=tuple(dict.fromkeys(losses)),
        summary=text_of(document.get("summary")),
    )


def _read_2(document: Mapping[str, Any], iri: str) -> RemoteManifest:
    losses: list[str] = []
    sequences = [one for one in several(document.get("sequences")) if isinstance(one, Mapping)]
    if len(sequences) > 1:
        losses.append(f"It has {len(sequences)} sequences; its first is taken in.")
    losses += [sentence for name, sentence in LOST.items() if document.get(name)]
    canvases = _canvases(sequences[0].get("canvases") if sequences else None, iri, losses)
    return RemoteManifest(
        id=id_of(document) or iri,
        label=text_of(document.get("label")),
        pairs=_pairs(document.get("metadata")),
        rights=_address(document.get("license")),
        credit=text_of(document.get("attribution")),
        canvases=tuple(_canvas_2(one, losses) for one in canvases),
        records=_records(document.get("seeAlso")),
        origin=_origin(document.get("seeAlso")) or id_of(document) or iri,
        losses=tuple(dict.fromkeys(losses)),
        summary=text_of(document.get("description")),
    )


def _canvases(items: Any, iri: str, losses: list[str]) -> list[Mapping[str, Any]]:
    found = [one for one in several(items) if isinstance(one, Mapping)]
    if not found:
        raise NotReadable(f"{iri[:200]} has no canvas.")
    if len(found) > MOST_CANVASES:
        losses.append(f"It has {len(found):,} canvases; the first {MOST_CANVASES:,} are taken in.")
    return found[:MOST_CANVASES]


def _canvas_3(canvas: Mapping[str, Any], losses: list[str]) -> RemoteCanvas:
    images: list[RemoteImage] = []
    for page in several(canvas.get("items")):
        for painting in several(page.get("items") if isinstance(page, Mapping) else None):
            if isinstance(painting, Mapping) and "painting" in several(painting.get("motivation")):
                images += _painted(painting.get("body"), losses)
    return _made(canvas, images, tuple(several(canvas.get("annotations"))), _address(canvas.get("rights")), losses)


def _canvas_2(canvas: Mapping[str, Any], losses: list[str]) -> RemoteCanvas:
    images: list[RemoteImage] = []
    for painting in several(canvas.get("images")):
        images += _painted(painting.get("resource") if isinstance(painting, Mapping) else None, losses)
    return _made(canvas, images, tuple(several(canvas.get("otherContent"))), _address(canvas.get("license")), losses)


def _made(
    canvas: Mapping[str, Any], images: list[RemoteImage], pages: tuple[Any, ...], rights: str, losses: list[str]
) -> RemoteCanvas:
    if len(images) > 1:
        losses.append("A canvas is composed of several pictures; each is taken in as an image of its own.")
    width, height = (_number(canvas.get(side)) for side in ("width", "height"))
    return RemoteCanvas(id_of(canvas), text_of(canvas.get("label")), width, height, tuple(dict.fromkeys(images)), pages, rights)


def _painted(body: Any, losses: list[str]) -> Iterator[RemoteImage]:
    """The picture that a body paints; of a choice the first, which is the one to show (Presentation API 3.0, 5.6)."""
    for one in several(body):
        if not isinstance(one, Mapping):
            losses.append("Something is painted of which the manifest gives the address alone; it is not taken in.")
            continue
        kind = _kind(one)
        if kind in ("Choice", "oa:Choice"):
            choices = [*several(one.get("default")), *several(one.get("item")), *several(one.get("items"))]
            if len(choices) > 1:
                losses.append(f"A canvas has {len(choices)} pictures to choose from; the first is taken in.")
            yield from _painted(choices[:1], losses)
        elif kind in ("SpecificResource", "oa:SpecificResource"):
            whole = several(one.get("source", one.get("full")))
            yield from (_part(picture, one.get("selector"), losses) for picture in _painted(whole, losses))
        elif kind in ("Image", "dctypes:Image"):
            yield _image(one)
        else:
            losses.append(f"Something painted is no picture, but {kind[:40] or 'of no type'}; it is not taken in.")


def _part(picture: RemoteImage, selectors: Any, losses: list[str]) -> RemoteImage:
    for selector in several(selectors):
        if isinstance(selector, Mapping) and _kind(selector) in ("ImageApiSelector", "iiif:ImageApiSelector"):
            if not picture.service:
                losses.append("A part is painted of a picture that has no image service; all of it is taken in.")
                return picture
            region, rotation = (str(selector.get(name, default)) for name, default in (("region", "full"), ("rotation", "0")))
            return RemoteImage(picture.url, picture.service, picture.version, region, rotation)
        losses.append("A part of a picture is selected in a way that is not read; all of it is taken in.")
    return picture


def _image(body: Mapping[str, Any]) -> RemoteImage:
    for service in several(body.get("service")):
        if isinstance(service, Mapping) and (version := _version(service)):
            return RemoteImage(id_of(body), id_of(service).rstrip("/"), version)
    return RemoteImage(id_of(body))


def _version(service: Mapping[str, Any]) -> int:
    """1, 2 or 3 for an image service; 0 for another service."""
    kind = _kind(service)
    if kind.startswith("ImageService"):
        return int(kind[-1]) if kind[-1] in "123" else 0
    said = f"{service.get('@context', '')} {several(service.get('profile'))[:1]}"
    match = re.search(r"iiif\.io/api/image/([123])|library\.stanford\.edu/iiif/image-api/(1)\.", said)
    return int(match[1] or match[2]) if match else 0


def _kind(thing: Mapping[str, Any]) -> str:
    """Its type, in the words of either version."""
    return str(thing.get("type", thing.get("@type", "")))


def _pairs(metadata: Any) -> tuple[tuple[str, str], ...]:
    pairs = [one for one in several(metadata) if isinstance(one, Mapping)][:MOST_PAIRS]
    return tuple((text_of(one.get("label")), text_of(one.get("value"))) for one in pairs)


def _records(links: Any) -> tuple[str, ...]:
    return tuple(id_of(one) for one in several(links) if isinstance(one, Mapping) and one.get("profile") == DARWIN_CORE)[:1]


def _origin(links: Any) -> str:
    wanted = (one for one in several(links) if isinstance(one, Mapping) and str(one.get("profile", "")).endswith(f"#{HARVESTED}"))
    return next(map(id_of, wanted), "")


def _address(value: Any) -> str:
    text = next((one for one in several(value) if isinstance(one, str)), "")
    return text[:1000]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 1e9 else 0.0
