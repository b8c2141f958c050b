"""One annotation in the forms that its readers can use: `w3c`, `iiif3`, `iiif2` and `annotorious`.

The stored form is W3C and is served nearly as it is. Viewers get what they really draw: one target, a box of whole units,
a shape as one absolute path, a motivation, and a text that a person can read.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from annotations import bodies, validation, viewer_selectors
from annotations.frames import shown_region
from annotations.model import Annotation, Canvas, CanvasBox
from app.runtime.addresses import Addresses

MARK = "#state"  # behind the address of an annotation: the body that tells viewers of its state
STATE = "hub:reviewState"
Profile = Literal["w3c", "iiif3", "iiif2", "annotorious"]
PROFILES: tuple[Profile, ...] = get_args(Profile)
IIIF3 = "http://iiif.io/api/presentation/3/context.json"
IIIF2 = "http://iiif.io/api/presentation/2/context.json"
PAINTING = ("painting", "sc:painting")
SHOWN_BY_DEFAULT = ("commenting", "tagging")  # what Mirador shows unless told otherwise


def project(annotation: Annotation, profile: Profile, canvas: Canvas | None, addresses: Addresses) -> dict[str, Any]:
    """The annotation in that form, with its context. `canvas` is None where the target is a whole specimen."""
    if profile == "iiif3":
        return {"@context": IIIF3, **iiif3(annotation, canvas, addresses)}
    if profile == "iiif2":
        return {"@context": IIIF2, **iiif2(annotation, canvas, addresses)}
    if profile == "annotorious":
        return annotorious(annotation, canvas, addresses)
    return w3c(annotation.document)


def w3c(document: Mapping[str, Any]) -> dict[str, Any]:
    """As stored, less what the Web Annotation context does not know: empty lists of bodies and the type `Canvas`."""
    shown = {name: value for name, value in document.items() if not (name == "body" and value == [])}
    shown["target"] = _without_canvas_type(document["target"])
    return shown


def with_stored_target(document: Mapping[str, Any], stored: Mapping[str, Any]) -> Mapping[str, Any]:
    """The document with the target as it was stored, if it says what `w3c` had shown of that."""
    return {**document, "target": stored["target"]} if document["target"] == w3c(stored)["target"] else document


def _without_canvas_type(target: Any) -> Any:
    if isinstance(target, list):
        return [_without_canvas_type(one) for one in target]
    if not isinstance(target, Mapping):
        return target
    shown = {name: value for name, value in target.items() if not (name == "type" and value == "Canvas")}
    if isinstance(target.get("source"), Mapping):
        shown["source"] = _without_canvas_type(target["source"])
    return shown


def iiif3(annotation: Annotation, canvas: Canvas | None, addresses: Addresses) -> dict[str, Any]:
    """The normalised viewer form, without context, for an AnnotationPage of Presentation 3."""
    shown: dict[str, Any] = {"id": addresses.annotation(annotation.key), "type": "Annotation"}
    shown["motivation"] = viewer_motivations(annotation)
    shown["body"] = viewer_bodies(annotation)
    shown["target"] = _viewer_target(annotation, canvas, addresses)
    for name in ("created", "modified"):
        if isinstance(annotation.document.get(name), str):
            shown[name] = annotation.document[name]
    return shown


def on_page(shown: dict[str, Any], annotation: Annotation) -> dict[str, Any]:
    """The viewer form as pages of several have it: of a statement that is stale a further text says so, and why."""
    if annotation.state != "stale":
        return shown
    said = {"type": "TextualBody", "value": _stale(annotation), "purpose": "tagging", "format": "text/plain", "language": "en"}
    return {**shown, "body": [*shown["body"], {"id": f"{shown['id']}{MARK}", **said}]}


def on_page_of_w3c(annotation: Annotation, addresses: Addresses) -> dict[str, Any]:
    """The W3C form as pages of several have it: of a statement that is stale `hub:reviewState` says so."""
    shown = w3c(annotation.document)
    if annotation.state != "stale":
        return shown
    ours, known = f"{addresses.base}/ns/1/context.jsonld", bodies.several(shown.get("@context"))
    return {**shown, "@context": known if ours in known else [ours, *known], STATE: "stale"}


def without_marks(document: Mapping[str, Any], addresses: Addresses) -> dict[str, Any]:
    """A document that comes back, without what pages tell of its state: no state is taken from a client."""
    kept = {name: value for name, value in document.items() if name != STATE}
    if isinstance(kept.get("body"), list):
        kept["body"] = [body for body in kept["body"] if not _is_mark(body, addresses)]
    return kept


def _is_mark(body: Any, addresses: Addresses) -> bool:
    """Whether the body is one that we put behind an annotation of ours; what another hub says of its own stays."""
    iri = body.get("id") if isinstance(body, Mapping) else None
    if not isinstance(iri, str) or not iri.endswith(MARK):
        return False
    named = addresses.identify(iri.removesuffix(MARK))
    return named is not None and named.kind == "annotation"


def _stale(annotation: Annotation) -> str:
    rule = str((annotation.state_reason or {}).get("rule", ""))
    return f"Stale: {rule}" if rule else "Stale"


def viewer_motivations(annotation: Annotation) -> list[str]:
    """Its motivations, and `commenting` where it has none that viewers show by default; never `painting`, which only the
    content of a canvas may have (Presentation 3.0, 3.4, annotations)."""
    own = [word for word in annotation.motivations if word not in PAINTING]
    return own if any(word in SHOWN_BY_DEFAULT for word in own) else [*own, "commenting"]


def viewer_bodies(annotation: Annotation) -> list[dict[str, Any]]:
    """Its bodies as TextualBody, or one made from its kind, so that there is always something to read."""
    return [shown for _, shown in viewer_bodies_by_place(annotation)]


def viewer_bodies_by_place(annotation: Annotation) -> list[tuple[int, dict[str, Any]]]:
    """The same, each with the place of the stored body that it shows (`stored_bodies`), -1 for a text of our own."""
    stored = stored_bodies(annotation.document)
    found = [(place, bodies.as_text(body)) for place, body in enumerate(stored) if bodies.is_shown(body)]
    found = found or [(place, bodies.as_text(body)) for place, body in enumerate(stored) if bodies.readable(body)]
    text = annotation.text or annotation.kind or "(no text)"
    return found or [(-1, {"type": "TextualBody", "value": text, "format": "text/plain"})]


def stored_bodies(document: Mapping[str, Any]) -> list[Any]:
    """Its bodies as a list; a bodyValue is a plain text (Web Annotation Data Model, 3.2.5)."""
    if "bodyValue" in document:
        return [{"type": "TextualBody", "value": document["bodyValue"], "format": "text/plain"}]
    return bodies.several(document.get("body"))


def _viewer_target(annotation: Annotation, canvas: Canvas | None, addresses: Addresses) -> Any:
    if canvas is None:
        return _whole(annotation, addresses.manifest)
    iri = addresses.canvas(annotation.specimen_key, annotation.media_key)
    region = shown_region(annotation, canvas)
    if region is None:
        return iri
    part_of = [{"id": addresses.manifest(annotation.specimen_key), "type": "Manifest"}]
    source = {"id": iri, "type": "Canvas", "partOf": part_of}
    return {"type": "SpecificResource", "source": source, "selector": viewer_selectors.viewer_selectors(region, canvas)}


def _whole(annotation: Annotation, address_of: Callable[[str], str]) -> str:
    """The address of the specimen; of what lies on none, the IRI of its target as it was sent."""
    if annotation.specimen_key:
        return address_of(annotation.specimen_key)
    return validation.iri_of(validation.several(annotation.document["target"])[annotation.front.position])


def box_of(annotation: Annotation, canvas: Canvas) -> CanvasBox:
    """Its box, which is the whole canvas where it has none (Content Search 1 hits must always carry `#xywh`)."""
    return annotation.box or CanvasBox(0, 0, canvas.width, canvas.height)


def iiif2(annotation: Annotation, canvas: Canvas | None, addresses: Addresses) -> dict[str, Any]:
    """Open Annotation as Presentation 2.1 and Content Search 1 have it, without context."""
    on = _whole(annotation, addresses.manifest)
    if canvas is not None:
        iri = addresses.canvas(annotation.specimen_key, annotation.media_key)
        on = f"{iri}#xywh={viewer_selectors.xywh(box_of(annotation, canvas), canvas)}"
    return {
        "@id": addresses.annotation(annotation.key),
        "@type": "oa:Annotation",
        "motivation": [word if ":" in word else f"oa:{word}" for word in viewer_motivations(annotation)],
        "resource": [
            {"@type": "cnt:ContentAsText", "chars": body["value"], "format": body["format"]} for body in viewer_bodies(annotation)
        ],
        "on": on,
    }


def annotorious(annotation: Annotation, canvas: Canvas | None, addresses: Addresses) -> dict[str, Any]:
    """W3C with plain bodies and the one selector that Annotorious reads."""
    shown = {
        name: value for name, value in annotation.document.items() if name in ("id", "type", "motivation", "created", "modified")
    }
    target: Any = _whole(annotation, addresses.pid)
    if canvas is not None:
        target = {"source": addresses.canvas(annotation.specimen_key, annotation.media_key)}
        if (region := shown_region(annotation, canvas)) is not None:
            target["selector"] = viewer_selectors.drawing_selector(region, canvas)
    whole = [body if isinstance(body, Mapping) else {"id": body} for body in stored_bodies(annotation.document)]
    return {"@context": validation.CONTEXT, **shown, **({"body": whole} if whole else {}), "target": target}
