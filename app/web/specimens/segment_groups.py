"""Which statements belong together on the page: what lies in a label goes with it, and sizes with the outline of their specimen.

A segment is told here by the statement that found it, its class and its box; canvas units.
"""

from collections.abc import Mapping, Sequence

from annotations import validation
from annotations.model import Annotation, CanvasBox

TITLES = {"label": "Label", "text": "Label", "ruler": "Scale", "chart": "Colour chart", "barcode": "Code", "outline": "Specimen"}
ON_PAPER = ("label", "text", "ruler", "barcode")
WITHIN: Mapping[str, tuple[str, ...]] = {
    "text": ("label",),
    "barcode": ("label", "text"),
    **dict.fromkeys(("length", "width", "area", "perimeter", "feret", "aspect", "solidity", "colour", "distance"), ("outline",)),
}
MOST_COMPARED = 500_000  # pairs; a drawer of thousands of findings is listed as it is


def homes(found: Sequence[Annotation]) -> dict[str, Annotation]:
    """For each statement of the segment of another, that other, by key: the one that it says it was derived from, else the
    smallest of those in which it lies."""
    makers = [one for one in found if one.kind in TITLES and one.box is not None]
    if len(makers) * len(found) > MOST_COMPARED:
        return {}
    held, by_key = dict[str, Annotation](), {maker.key: maker for maker in makers}
    for one in found:
        fit = [maker for maker in makers if maker.kind in _within(one) and _holds(maker, one)]
        named = [by_key[key] for key in _derived_from(one) if key in by_key and by_key[key].kind in _within(one)]
        if named or fit:
            held[one.key] = named[0] if named else min(fit, key=lambda maker: _area(maker.box))
    return {key: held.get(maker.key, maker) for key, maker in held.items()}


def in_order(group: Sequence[Annotation], home: Mapping[str, Annotation]) -> list[tuple[Annotation, str]]:
    """The statements of a group, those of a segment together and what made it first, each with the heading above it: that of a
    segment where there are several, above its first statement. Their order is kept otherwise."""
    clusters: dict[str, list[Annotation]] = {}
    for one in group:
        clusters.setdefault(home.get(one.key, one).key, []).append(one)
    segments = [members for root, members in clusters.items() if _made(root, members)]
    many, counts = len(segments) > 1, dict[str, int]()
    found: list[tuple[Annotation, str]] = []
    for root, members in clusters.items():
        members.sort(key=lambda one, root=root: one.key != root)  # type: ignore[misc]  # the default binds the loop's value
        heading = ""
        if many and (kind := _made(root, members)):
            title = TITLES[kind]
            counts[title] = counts.get(title, 0) + 1
            heading = f"{title} {counts[title]}"
        found += [(one, heading if place == 0 else "") for place, one in enumerate(members)]
    return found


def _made(root: str, members: Sequence[Annotation]) -> str:
    """The kind of the statement that found the segment; empty where these make none."""
    return next((one.kind for one in members if one.key == root and one.kind in TITLES and one.box is not None), "")


def _within(one: Annotation) -> tuple[str, ...]:
    if one.kind in WITHIN:
        return WITHIN[one.kind]
    return ON_PAPER if one.layer == "people" else ()


def _derived_from(one: Annotation) -> list[str]:
    """The keys of the annotations that it names as what it was derived from."""
    return [iri.rpartition("/")[2] for iri in validation.derived_from(one.document)]


def _holds(maker: Annotation, one: Annotation) -> bool:
    """Whether the middle of the statement's place lies in the segment."""
    box, inner = maker.box, one.box
    if box is None or inner is None or maker.key == one.key or maker.media_key != one.media_key:
        return False
    x, y = (inner.x0 + inner.x1) / 2, (inner.y0 + inner.y1) / 2
    return box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1 and (_area(inner), maker.key) <= (_area(box), one.key)


def _area(box: CanvasBox | None) -> float:
    return 0.0 if box is None else (box.x1 - box.x0) * (box.y1 - box.y0)
