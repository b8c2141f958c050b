"""Regions as text: numbers, `xywh` and SVG. Exact in what is stored and handed out, rounded only in what viewers draw.

Exact means the shortest decimal that reads back as the same double, never with an exponent. A width is written so that
left plus width, added as decimals, is the right side again (`box_of`).
"""

from collections.abc import Callable, Sequence
from decimal import Context, Decimal

import numpy as np

from annotations.model import CanvasBox, Line, Ring
from annotations.regions import Region

LINE = 'data-kind="line"'  # of a path: none of its subpaths is a ring unless it says Z
EXACT = Context(prec=1500)  # digits enough for the sum of any two doubles
Numbers = Callable[[float], str]


def exact(number: float) -> str:
    """The shortest decimal that reads back as the same double: no exponent, no `.0`, no minus before zero."""
    text = repr(float(number))
    if "e" in text:
        text = np.format_float_positional(float(number), unique=True, trim="-")
    text = text.removesuffix(".0")
    return "0" if text == "-0" else text


def rounded(number: float) -> str:
    """At most three decimals, for viewers."""
    text = f"{number:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def xywh(box: CanvasBox) -> str:
    """`x,y,w,h` of the box, exactly."""
    width = EXACT.subtract(Decimal(exact(box.x1)), Decimal(exact(box.x0)))
    height = EXACT.subtract(Decimal(exact(box.y1)), Decimal(exact(box.y0)))
    return f"{exact(box.x0)},{exact(box.y0)},{_plain(width)},{_plain(height)}"


def box_of(x: str, y: str, width: str, height: str) -> CanvasBox:
    """The box of four decimals, the sums rounded once; infinite where they are beyond any double."""
    left, top = Decimal(x), Decimal(y)
    right, bottom = EXACT.add(left, Decimal(width)), EXACT.add(top, Decimal(height))
    return CanvasBox(float(left), float(top), float(right), float(bottom))


def path(rings: Sequence[Ring], lines: Sequence[Line] = (), number: Numbers = exact) -> str:
    """Absolute SVG path data: `M…L…Z` for each ring, `M…L…` for each line."""
    closed = ["M" + " L".join(f"{number(x)},{number(y)}" for x, y in ring) + " Z" for ring in rings]
    return " ".join(closed + ["M" + " L".join(f"{number(x)},{number(y)}" for x, y in line) for line in lines])


def svg(region: Region, number: Numbers = exact) -> str:
    """Its rings as one path filled by the even-odd rule, and its lines as one without filling; a box and a mask as rings.

    A line that ends where it began would be read as a ring, so its path says that it is a line. ValueError for a point, which
    SVG has no shape for.
    """
    rings = region.outlines()
    shapes = f'<path fill-rule="evenodd" d="{path(rings, number=number)}"/>' if rings else ""
    if region.lines:
        said = f" {LINE}" if any(_returns(line, number) for line in region.lines) else ""
        shapes += f'<path fill="none"{said} d="{path((), region.lines, number)}"/>'
    if not shapes:
        raise ValueError("SVG has no shape for a point")
    return f'<svg xmlns="http://www.w3.org/2000/svg">{shapes}</svg>'


def _returns(line: Line, number: Numbers) -> bool:
    """Whether it ends, as it is written, where it began."""
    return all(number(first) == number(last) for first, last in zip(line[0], line[-1], strict=True))


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
