"""The same manifest as Presentation 2.1, for viewers that read only that version."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

CONTEXT = "http://iiif.io/api/presentation/2/context.json"


def manifest(shown: Mapping[str, Any], iri: str) -> dict[str, Any]:
    """From a Presentation 3 manifest of ours; canvases keep their ids, so annotations fit both versions."""
    old: dict[str, Any] = {
        "@context": CONTEXT,
        "@id": iri,
        "@type": "sc:Manifest",
        "label": _text(shown["label"]),
        "metadata": [{"label": _text(entry["label"]), "value": _text(entry["value"])} for entry in shown.get("metadata", ())],
        "attribution": _text(shown["requiredStatement"]["value"]),
        **_thumbnail(shown),
        "related": [{"@id": page["id"], "format": page["format"], "label": _text(page["label"])} for page in shown["homepage"]],
        "seeAlso": [
            {"@id": record["id"], "format": record["format"], "label": _text(record["label"])} for record in shown["seeAlso"]
        ],
        "sequences": [{"@id": f"{iri}#sequence", "@type": "sc:Sequence", "canvases": [_canvas(one) for one in shown["items"]]}],
    }
    if "rights" in shown:
        old["license"] = shown["rights"]
    if "navDate" in shown:
        old["navDate"] = shown["navDate"]
    if services := [_nested(service) for service in shown.get("service", ()) if "@id" in service]:
        old["service"] = services
    if ranges := [two for one in shown.get("structures", ()) for two in _ranges(one, top=True)]:
        old["structures"] = ranges
    return old


def _ranges(shown: Mapping[str, Any], *, top: bool = False) -> Iterator[dict[str, Any]]:
    """A Range and those in it, one after the other: version 2.1 names them by address (section 5.5)."""
    inner = [one for one in shown["items"] if one["type"] == "Range"]
    canvases = [
        f"{one['source']['id']}#{one['selector']['value']}" for one in shown["items"] if one["type"] == "SpecificResource"
    ]
    old: dict[str, Any] = {"@id": shown["id"], "@type": "sc:Range", "label": _text(shown["label"])}
    if top:
        old["viewingHint"] = "top"
    if canvases:
        old["canvases"] = canvases
    if inner:
        old["ranges"] = [one["id"] for one in inner]
    yield old
    for one in inner:
        yield from _ranges(one)


def _canvas(canvas: Mapping[str, Any]) -> dict[str, Any]:
    if not canvas["items"]:  # it is closed
        shown = {name: canvas[name] for name in ("height", "width")}
        return {"@id": canvas["id"], "@type": "sc:Canvas", "label": _text(canvas["label"]), **shown, "images": []}
    painting = canvas["items"][0]["items"][0]
    body = painting["body"]
    service = next(service for service in body["service"] if "@id" in service)
    old: dict[str, Any] = {
        "@id": canvas["id"],
        "@type": "sc:Canvas",
        "label": _text(canvas["label"]),
        "height": canvas["height"],
        "width": canvas["width"],
        **_thumbnail(canvas),
        "images": [
            {
                "@id": painting["id"],
                "@type": "oa:Annotation",
                "motivation": "sc:painting",
                "on": canvas["id"],
                "resource": {
                    "@id": f"{service['@id']}/full/full/0/default.jpg",
                    "@type": "dctypes:Image",
                    "format": body["format"],
                    "height": body["height"],
                    "width": body["width"],
                    "service": {
                        "@context": "http://iiif.io/api/image/2/context.json",
                        "@id": service["@id"],
                        "profile": service["profile"],
                    },
                },
            }
        ],
    }
    if services := canvas.get("service"):
        old["service"] = services
    return old


def _nested(service: Mapping[str, Any]) -> dict[str, Any]:
    """A Search 1 service as Presentation 2 has it: without types, its own service not in a list."""
    old = {name: value for name, value in service.items() if name not in ("@type", "service")}
    inner: Sequence[Mapping[str, Any]] = service.get("service", ())
    return {**old, "service": _nested(inner[0])} if inner else old


def _thumbnail(shown: Mapping[str, Any]) -> dict[str, str]:
    """Empty where there is none, as for an image that is not public."""
    return {"thumbnail": shown["thumbnail"][0]["id"]} if "thumbnail" in shown else {}


def _text(language_map: Mapping[str, list[str]]) -> str:
    """The values of the first language, in one line."""
    return "; ".join(next(iter(language_map.values())))
