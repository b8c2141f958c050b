"""What the published schema of Presentation 3 does not see in a manifest: rules between its parts, and traps of viewers.

Errors break the Presentation API or the Web Annotation model; warnings are right and yet fail in a viewer in use.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from annotations import clipping, selectors
from annotations.model import Canvas
from annotations.validation import several
from app.runtime.errors import DomainError
from iiif.catalogue.rights import iri_of

CONTEXT = "http://iiif.io/api/presentation/3/context.json"
TYPES = ("Manifest", "Collection", "AnnotationPage", "AnnotationCollection")
MAX_NODES = 2_000_000


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, where (the id of the nearest thing that has one), and how bad it is."""

    level: Literal["error", "warning"]
    where: str
    sentence: str


@dataclass(slots=True)
class _Findings:
    faults: list[Fault] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    canvases: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def error(self, thing: Any, sentence: str) -> None:
        self.faults.append(Fault("error", _id(thing), sentence))

    def warning(self, thing: Any, sentence: str) -> None:
        self.faults.append(Fault("warning", _id(thing), sentence))

    def named(self, thing: Mapping[str, Any]) -> None:
        """The thing defines its id, which nothing else may define."""
        iri = thing.get("id")
        if not isinstance(iri, str) or not iri.startswith(("http://", "https://")):
            self.error(thing, f"{thing.get('type')} needs an id that is an HTTP address.")
        elif iri in self.seen:
            self.error(thing, f"The id {iri} is used twice.")
        else:
            self.seen.add(iri)


def lint(document: Any) -> tuple[Fault, ...]:
    """All faults of a manifest, collection or annotation page of Presentation 3."""
    found = _Findings()
    if not isinstance(document, Mapping) or document.get("type") not in TYPES:
        found.error(document, f"The document is none of {', '.join(TYPES)} of Presentation 3.")
        return tuple(found.faults)
    contexts = several(document.get("@context"))
    if not contexts or contexts[-1] != CONTEXT:
        found.error(document, f"@context must be {CONTEXT}, or a list that ends with it.")
    found.named(document)
    if document["type"] == "Manifest":
        _manifest(document, found)
    if document["type"] == "AnnotationPage":
        _page(document, None, found)
    for thing in _walk(document):
        _links(thing, found)
        _services(thing, found)
    return tuple(found.faults)


def _manifest(manifest: Mapping[str, Any], found: _Findings) -> None:
    canvases = _things(manifest.get("items"))
    if not canvases:
        found.error(manifest, "A manifest needs at least one canvas.")
    found.canvases = {str(canvas.get("id")): canvas for canvas in canvases}
    for canvas in canvases:
        _canvas(canvas, found)
    for page in _things(manifest.get("annotations")):
        _page(page, None, found)


def _canvas(canvas: Mapping[str, Any], found: _Findings) -> None:
    found.named(canvas)
    if "#" in _id(canvas):
        found.error(canvas, "The id of a canvas may have no fragment.")
    if not (_above_0(canvas.get("width")) and _above_0(canvas.get("height"))) and not _above_0(canvas.get("duration")):
        found.error(canvas, "A canvas needs a width and a height, or a duration.")
    for page in _things(canvas.get("items")):
        _page(page, canvas, found)
    for page in _things(canvas.get("annotations")):
        _page(page, None, found)


def _page(page: Mapping[str, Any], painted: Mapping[str, Any] | None, found: _Findings) -> None:
    """`painted` is the canvas whose content the page is, None where the page holds annotations about it."""
    if "items" not in page:
        return
    if page.get("items") == [] and painted is None and "@context" not in page:
        found.warning(page, "A reference to a page must carry no items, or viewers never fetch it.")
    if page.get("id") not in found.seen or "@context" not in page:
        found.named(page)
    for annotation in _things(page["items"]):
        _annotation(annotation, painted, found)


def _annotation(annotation: Mapping[str, Any], painted: Mapping[str, Any] | None, found: _Findings) -> None:
    found.named(annotation)
    motivations = several(annotation.get("motivation"))
    if not motivations:
        found.error(annotation, "An annotation without motivation is never shown.")
    targets = several(annotation.get("target"))
    if not targets:
        found.error(annotation, "An annotation needs a target.")
    if painted is not None and "painting" not in motivations:
        found.error(annotation, "In the items of a canvas an annotation must have the motivation painting.")
    if painted is None and "painting" in motivations:
        found.error(annotation, "An annotation with the motivation painting belongs into the items of its canvas.")
    if "painting" in motivations and not several(annotation.get("body")):
        found.error(annotation, "A painting annotation needs a body.")
    for target in targets:
        _target(annotation, target, painted, found)


def _target(annotation: Mapping[str, Any], target: Any, painted: Mapping[str, Any] | None, found: _Findings) -> None:
    source = target.get("source", target.get("id")) if isinstance(target, Mapping) else target
    iri = source.get("id") if isinstance(source, Mapping) else source
    if not isinstance(iri, str) or not iri:
        found.error(annotation, "A target must name what it is about.")
        return
    name, _, fragment = iri.partition("#")
    if painted is not None and name != painted.get("id"):
        found.error(annotation, f"It paints another canvas than the one it belongs to: {name}.")
    if painted is not None and not isinstance(target, str):
        found.warning(annotation, "The target of a painting annotation that is an object crashes Mirador.")
    canvas = found.canvases.get(name)
    selector = target.get("selector") if isinstance(target, Mapping) else None
    _region(annotation, fragment, selector, canvas, found)


def _region(
    annotation: Mapping[str, Any], fragment: str, selector: Any, canvas: Mapping[str, Any] | None, found: _Findings
) -> None:
    """Spatial selectors must be readable, and lie on their canvas where that is known."""
    width, height = (canvas.get("width"), canvas.get("height")) if canvas else (None, None)
    known = isinstance(width, int) and isinstance(height, int)
    size = Canvas(width, height) if isinstance(width, int) and isinstance(height, int) else Canvas(1, 1)
    said = [part for part in fragment.split("&") if part.startswith("xywh=")]
    spatial = [{"type": "FragmentSelector", "value": part} for part in said]
    for one in several(selector):
        if isinstance(one, Mapping) and one.get("type") == "SvgSelector":
            spatial.append({**one})
        if isinstance(one, Mapping) and one.get("type") == "PointSelector" and ("x" in one or "y" in one):
            spatial.append({**one})  # else it is a point in time
        if isinstance(one, Mapping) and one.get("type") == "FragmentSelector":
            parts = str(one.get("value", "")).split("&")
            spatial += [{**one, "value": part} for part in parts if part.startswith("xywh=")]
    for one in spatial:
        try:
            region = selectors.read({name: value for name, value in one.items() if name != "refinedBy"}, size)
            if region is not None and known:
                clipping.check_within(region, size)
        except DomainError as error:
            found.error(annotation, error.sentence)


def _links(thing: Mapping[str, Any], found: _Findings) -> None:
    for name in ("seeAlso", "rendering"):
        for link in _things(thing.get(name)):
            if "format" not in link or "label" not in link:
                found.warning(thing, f"{name} should have a format and a label.")
    if thing.get("type") not in ("Manifest", "Canvas", "Collection", "Range"):
        return
    if "thumbnail" in thing and not isinstance(thing["thumbnail"], list):
        found.error(thing, "thumbnail must be a list.")
    rights = thing.get("rights")
    if rights is not None and not (isinstance(rights, str) and rights.startswith("http://") and iri_of(rights)):
        found.error(thing, "rights must be the http address of a Creative Commons licence or a RightsStatements.org statement.")


def _services(thing: Mapping[str, Any], found: _Findings) -> None:
    for service in _things(thing.get("service")):
        nested = service.get("service")
        if nested is not None and not isinstance(nested, list):
            found.error(thing, "The service of a service must be a list in Presentation 3.")
        for name in ("id", "@id"):
            if name in service and not str(service[name]).startswith(("http://", "https://")):
                found.error(thing, "A service needs an id that is an HTTP address.")


def _walk(document: Any) -> Iterator[Mapping[str, Any]]:
    """Every object in it, without recursion."""
    left, count = [document], 0
    while left and count < MAX_NODES:
        value, count = left.pop(), count + 1
        if isinstance(value, Mapping):
            yield value
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)


def _things(value: Any) -> Iterable[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _above_0(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _id(thing: Any) -> str:
    found = thing.get("id") if isinstance(thing, Mapping) else None
    return found if isinstance(found, str) else ""
