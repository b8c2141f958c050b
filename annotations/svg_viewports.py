"""Where svg elements and symbols put their contents: the viewports that they make, each as a matrix to the user space around it.

The outermost viewport is the whole canvas, whatever size it says: "the dimensions of the SVG shape or canvas must be relative to
the dimensions of the source" (Web Annotation Data Model, 4.2.7). SVG 1.1, 7.7 and 7.9 (viewBox), 7.8 (preserveAspectRatio).
"""

import math
import re
from dataclasses import dataclass

from annotations.errors import BadSelector
from annotations.svg_lengths import Viewport, length, numbers_in
from annotations.svg_styles import Properties, Value
from annotations.svg_transforms import IDENTITY, Matrix, moved, times

ALIGNED = re.compile(r"(?:defer\s+)?(?:none|x(Min|Mid|Max)Y(Min|Mid|Max))(?:\s+(meet|slice))?", re.ASCII)
SHARES = {"Min": 0.0, "Mid": 0.5, "Max": 1.0}
Box = tuple[float, float, float, float]  # of a viewBox: x, y, width, height


@dataclass(frozen=True, slots=True)
class Frame:
    """`matrix` brings the contents to the viewport, `place` the viewport to the user space around it.

    `size` is the size of the viewport, beyond which nothing is drawn; None where it is not known or what lies beyond is drawn
    too. `said` is that of which the element's own transforms mean parts, `inner` that of what stands within.
    """

    matrix: Matrix
    place: Matrix
    size: tuple[float, float] | None
    said: Viewport
    inner: Viewport


def outermost(properties: Properties, canvas: Viewport) -> Frame:
    """That of the outermost svg element. Raises BadSelector."""
    box = _view_box(properties)
    width, height = (_size(properties, name, whole) for name, whole in (("width", canvas.width), ("height", canvas.height)))
    if canvas.width is None or canvas.height is None:
        return Frame(IDENTITY, IDENTITY, None, Viewport(), Viewport())
    ratio = box[3] / box[2] if box else canvas.height / canvas.width
    width, height = width or (height / ratio if height else None), height or (width * ratio if width else None)
    if width is None or height is None:
        width, height = canvas.width, canvas.height
    matrix, inner = _viewed(box, Viewport(width, height), properties)
    stretched = (canvas.width / width, 0.0, 0.0, canvas.height / height, 0.0, 0.0)
    return Frame(matrix, stretched, None, Viewport(width, height), inner)  # the canvas clips, as it does every region


def nested(properties: Properties, around: Viewport) -> Frame:
    """That of an svg element in another, or of a symbol where it is used. Raises BadSelector."""
    x, y = length(properties, "x", around.width, 0.0), length(properties, "y", around.height, 0.0)
    width = _size(properties, "width", around.width) or around.width
    height = _size(properties, "height", around.height) or around.height
    matrix, inner = _viewed(_view_box(properties), Viewport(width, height), properties)
    is_open = properties.get("overflow", Value("hidden")).text in ("visible", "auto")
    size = None if is_open or width is None or height is None else (width, height)
    return Frame(matrix, moved(x, y), size, around, inner)


def _size(properties: Properties, name: str, whole: float | None) -> float | None:
    """A width or height above 0; None for none, `auto` and what the whole would be."""
    if properties.get(name, Value("auto")).text.strip() in ("auto", "100%", ""):
        return None
    found = length(properties, name, whole)
    if not 0 < found < math.inf:
        raise BadSelector(f"The {name} of an svg element must be above 0.", parameter="selector")
    return found


def _view_box(properties: Properties) -> Box | None:
    if "viewBox" not in properties:
        return None
    numbers = numbers_in(properties["viewBox"].text, "The viewBox")
    if len(numbers) != 4 or not (0 < numbers[2] < math.inf and 0 < numbers[3] < math.inf):
        raise BadSelector("A viewBox is four numbers, the last two above 0.", parameter="selector")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _viewed(box: Box | None, viewport: Viewport, properties: Properties) -> tuple[Matrix, Viewport]:
    """The matrix of a viewBox in a viewport, and the size of the user space in it."""
    if box is None:
        return IDENTITY, viewport
    if viewport.width is None or viewport.height is None:
        raise BadSelector("A viewBox needs a viewport with a size.", parameter="selector")
    sx, sy = viewport.width / box[2], viewport.height / box[3]
    aligned = ALIGNED.fullmatch(properties.get("preserveAspectRatio", Value("xMidYMid meet")).text.strip())
    if aligned is None:
        raise BadSelector("preserveAspectRatio cannot be read.", parameter="selector")
    x = y = 0.0
    if aligned[1]:
        sx = sy = (max if aligned[3] == "slice" else min)(sx, sy)
        x = (viewport.width - box[2] * sx) * SHARES[aligned[1]]
        y = (viewport.height - box[3] * sy) * SHARES[aligned[2]]
    return times(moved(x, y), (sx, 0.0, 0.0, sy, -box[0] * sx, -box[1] * sy)), Viewport(box[2], box[3])
