"""The SVG of a selector, from anyone, as rings and lines where browsers draw them: bounded, and only what marks a region.

Curves become straight pieces. What is closed is a ring; a line, a polyline and an open subpath are lines, unless they end
where they began. SVG 1.1 and 2, section 5 (structure, `use`), and what `svg_styles`, `svg_transforms` and `svg_viewports` read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from annotations.errors import AnnotationTooBig, BadSelector
from annotations.model import CanvasBox, Line, Point, Ring
from annotations.region_outlines import cut_line, cut_ring
from annotations.regions import bounds, opened
from annotations.svg_areas import Area, covered
from annotations.svg_lengths import MAX_COORDINATE, Viewport, length
from annotations.svg_paths import MAX_POINTS
from annotations.svg_shapes import shape
from annotations.svg_styles import Properties, Styles, Value
from annotations.svg_transforms import IDENTITY, Matrix, applied, matrix_of, moved
from annotations.svg_tree import MAX_DEPTH, Element, parse
from annotations.svg_viewports import Frame, nested, outermost

MAX_SVG_CHARACTERS = 250_000
MAX_DRAWN = 1_000  # elements, those that are used several times counted as often
GROUPS = frozenset({"g", "a"})
# What browsers do not draw as a shape of the picture, with all in it.
IGNORED = frozenset(
    {
        *("title", "desc", "metadata", "style", "view", "cursor", "font"),
        *("defs", "symbol", "marker", "clipPath", "mask", "pattern", "filter", "linearGradient", "radialGradient"),
        *("text", "tspan", "textPath", "foreignObject"),
        *("animate", "animateColor", "animateMotion", "animateTransform", "set", "mpath"),
    }
)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Rings of three points or more and lines of two or more; at least one of either."""

    rings: tuple[Ring, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Path:
    """A subpath of the shape of that number, and by which rule that is filled."""

    points: tuple[Point, ...]
    closed: bool
    shape: int
    even_odd: bool


@dataclass(frozen=True, slots=True)
class _Around:
    """What an element is drawn in: the viewport, what holds for shapes there, which `use` elements it stands in, and how
    many elements altogether."""

    viewport: Viewport
    visible: bool = True
    even_odd: bool = False
    uses: tuple[Element, ...] = ()
    depth: int = 0


def read_svg(text: str, size: tuple[float, float] | None = None) -> Drawing:
    """Every shape in it, in units of the canvas, of which `size` is width and height (without it one that the svg does not
    scale to). Raises BadSelector, AnnotationTooBig."""
    if len(text) > MAX_SVG_CHARACTERS:
        raise AnnotationTooBig(f"An SvgSelector may have up to {MAX_SVG_CHARACTERS:,} characters.", parameter="selector")
    paths = _Reader(text).drawn(Viewport(*size) if size else Viewport())
    if not paths:
        raise BadSelector("The SVG holds no polygon, polyline, line, path, rect, circle or ellipse.", parameter="selector")
    if not all(abs(x) <= MAX_COORDINATE and abs(y) <= MAX_COORDINATE for path in paths for x, y in path.points):
        raise BadSelector("The SVG holds a coordinate that is not a usable number.", parameter="selector")
    shapes = groupby((path for path in paths if path.closed), key=lambda path: (path.shape, path.even_odd))
    areas = [Area(tuple(opened(path.points) for path in of_one), even_odd) for (_, even_odd), of_one in shapes]
    return Drawing(covered(areas), tuple(path.points for path in paths if not path.closed))


class _Reader:
    """Goes through the elements that are drawn. Each method returns paths in the user space around the element."""

    def __init__(self, text: str) -> None:
        self.tree = parse(text)
        self.styles = Styles(self.tree)
        self.drawn_elements = self.points = 0

    def drawn(self, canvas: Viewport) -> list[Path]:
        root = self.tree.root
        properties = self.styles.of(root)
        if _is_undrawn(properties):
            return []
        frame = outermost(properties, canvas)
        around = _inherited(properties, _Around(frame.inner))
        paths = _put(self._children(root, around), frame.matrix)
        own = matrix_of(properties, frame.said, lambda: _bounds(paths), is_root=True)
        return _put(_put(paths, own), frame.place)

    def _children(self, element: Element, around: _Around) -> list[Path]:
        return [path for child in element.children for path in self._element(child, around)]

    def _element(self, element: Element, around: _Around) -> list[Path]:
        if element.name in IGNORED:
            return []
        self.drawn_elements += 1
        if self.drawn_elements > MAX_DRAWN:
            raise AnnotationTooBig(f"An SvgSelector may draw up to {MAX_DRAWN:,} elements.", parameter="selector")
        properties = self.styles.of(element)
        if _is_undrawn(properties):
            return []
        around = replace(_inherited(properties, around), depth=around.depth + 1)
        if around.depth > MAX_DEPTH:
            raise AnnotationTooBig(f"What an SVG uses may be nested up to {MAX_DEPTH} levels deep.", parameter="selector")
        paths = self._contents(element, properties, around)
        return _put(paths, matrix_of(properties, around.viewport, lambda: _bounds(paths)))

    def _contents(self, element: Element, properties: Properties, around: _Around) -> list[Path]:
        """What it draws, before its own transform."""
        if element.name == "svg":
            return self._framed(element, nested(properties, around.viewport), around)
        if element.name == "use":
            return self._used(element, properties, around)
        if element.name == "switch":
            chosen = next((child for child in element.children if _is_chosen(child)), None)
            return [] if chosen is None else self._element(chosen, around)
        if element.name in GROUPS:
            return self._children(element, around)
        drawn = [
            Path(tuple(points), closed, self.drawn_elements, around.even_odd)
            for points, closed in shape(element, properties, around.viewport)
        ]
        self.points += sum(len(path.points) for path in drawn)
        if self.points > MAX_POINTS:
            raise AnnotationTooBig(f"A shape may have up to {MAX_POINTS:,} points.", parameter="selector")
        return drawn if around.visible else []

    def _framed(self, element: Element, frame: Frame, around: _Around) -> list[Path]:
        """The contents of an svg element or a symbol, clipped to its viewport."""
        paths = _put(self._children(element, replace(around, viewport=frame.inner)), frame.matrix)
        if frame.size is not None:
            paths = _clipped(paths, *frame.size)
        return _put(paths, frame.place)

    def _used(self, element: Element, properties: Properties, around: _Around) -> list[Path]:
        """A copy of the element that a `use` refers to, moved by its x and y."""
        used = self.tree.find(element.refers_to)
        if used is None:
            raise BadSelector(
                f"A use refers to an element of the same SVG by #id, not to {element.refers_to[:60]!r}.", parameter="selector"
            )
        if element in around.uses or _holds(used, element):
            raise BadSelector("A use may not refer to what it stands in.", parameter="selector")
        viewport = around.viewport
        offset = moved(length(properties, "x", viewport.width, 0.0), length(properties, "y", viewport.height, 0.0))
        around = replace(around, uses=(*around.uses, element))
        if used.name not in ("svg", "symbol"):
            return _put(self._element(used, around), offset)
        own = self.styles.of(used)
        if used.name == "svg" and _is_undrawn(own):
            return []
        around = _inherited(own, around)
        sized = {
            name: value for name, value in properties.items() if name in ("width", "height") and value.text.strip() != "auto"
        }
        placed = {name: value for name, value in own.items() if used.name == "svg" or name not in ("x", "y")}
        paths = self._framed(used, nested({**placed, **sized}, viewport), around)
        return _put(_put(paths, matrix_of(own, viewport, lambda: _bounds(paths))), offset)


def _is_undrawn(properties: Properties) -> bool:
    return properties.get("display", Value("inline")).text.strip() == "none"


def _inherited(properties: Properties, around: _Around) -> _Around:
    """What holds for shapes in an element with these properties."""
    visibility, rule = (properties.get(name, Value("")).text.strip() for name in ("visibility", "fill-rule"))
    return replace(
        around,
        visible=visibility == "visible" if visibility in ("visible", "hidden", "collapse") else around.visible,
        even_odd=rule == "evenodd" if rule in ("nonzero", "evenodd") else around.even_odd,
    )


def _is_chosen(child: Element) -> bool:
    """Whether a switch draws this child: the first whose conditions hold (SVG 1.1, 5.8), for readers of English."""
    languages = child.attributes.get("systemLanguage")
    fits = languages is None or any(one.strip().lower().startswith("en") for one in languages.split(","))
    return fits and not child.attributes.get("requiredExtensions", "").strip() and child.name not in IGNORED


def _holds(element: Element, inner: Element) -> bool:
    above: Element | None = inner
    while above is not None and above is not element:
        above = above.parent
    return above is element


def _put(paths: list[Path], matrix: Matrix) -> list[Path]:
    if matrix == IDENTITY:
        return paths
    return [replace(path, points=tuple(applied(matrix, point) for point in path.points)) for path in paths]


def _bounds(paths: Sequence[Path]) -> CanvasBox | None:
    return bounds([path.points for path in paths]) if paths else None


def _clipped(paths: list[Path], width: float, height: float) -> list[Path]:
    """What of them lies in a viewport of that size."""
    box = _bounds(paths)
    if box is None or (box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height):
        return paths
    kept: list[Path] = []
    for path in paths:
        if not path.closed:
            kept += [replace(path, points=piece) for piece in cut_line(path.points, width, height)]
        elif len(ring := cut_ring(opened(path.points), width, height)) >= 3:
            kept.append(replace(path, points=ring))
    return kept
