"""Numbers and lengths of SVG, in user units (SVG 1.1, 4.2 and 7.10)."""

import math
import re
from dataclasses import dataclass

from annotations.errors import BadSelector
from annotations.svg_styles import Properties, Value

NUMBERS = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
LENGTH = re.compile(rf"({NUMBERS.pattern})([a-zA-Z]{{0,2}}|%)", re.ASCII)
PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "q": 24 / 25.4, "in": 96.0}
MAX_COORDINATE = 10_000_000.0  # canvas units


@dataclass(frozen=True, slots=True)
class Viewport:
    """The size of the nearest viewport in user units, of which lengths in per cent are parts; None where nothing says it."""

    width: float | None = None
    height: float | None = None

    @property
    def diagonal(self) -> float | None:
        """What a length that is neither across nor down is a part of."""
        if self.width is None or self.height is None:
            return None
        return math.hypot(self.width, self.height) / math.sqrt(2)


def length(properties: Properties, name: str, whole: float | None, default: float | None = None) -> float:
    """A length; a part of `whole` where it is in per cent. Raises BadSelector."""
    text = properties.get(name, Value("")).text.strip()
    if text in ("", "auto") and default is not None:
        return default
    match = LENGTH.fullmatch(text)
    unit = match[2].lower() if match else ""
    if match is None or (unit == "%" and whole is None) or unit not in (*PIXELS, "%"):
        why = (
            ": what depends on a font or a page has no place on an image" if re.search(r"\d[a-z]|\(", text, re.IGNORECASE) else ""
        )
        raise BadSelector(f"The SVG needs a number for {name}, not {text[:40]!r}{why}.", parameter="selector")
    if unit == "%" and whole is not None:
        return float(match[1]) * whole / 100
    return float(match[1]) * PIXELS[unit]


def numbers_in(text: str, what: str) -> list[float]:
    """The numbers of a list. Raises BadSelector where it holds anything else."""
    if NUMBERS.sub("", text).strip(" ,\t\r\n"):
        raise BadSelector(f"{what} holds something that is no number.", parameter="selector")
    return [float(found) for found in NUMBERS.findall(text)]
