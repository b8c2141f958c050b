"""Sizes and distances as people write them: a number with a unit, read as millimetres, square millimetres, metres or pixels."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

LENGTHS: Mapping[str, float] = {
    "µm": 0.001,
    "um": 0.001,
    "mm": 1.0,
    "cm": 10.0,
    "dm": 100.0,
    "m": 1000.0,
    "in": 25.4,
    "ft": 304.8,
}
AREAS: Mapping[str, float] = {f"{unit}2": factor**2 for unit, factor in LENGTHS.items()}
DISTANCES: Mapping[str, float] = {"m": 1.0, "km": 1000.0, "mi": 1609.344, "ft": 0.3048}
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?"
_QUANTITY = re.compile(rf"({_NUMBER})\s*([A-Za-zµμ]*[2²]?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with the unit that stands behind it, in lower case, or none."""

    number: float
    unit: str

    def times(self, units: Mapping[str, float], plain: float = 1.0) -> float | None:
        """In the unit whose factor is 1; without a unit it is `plain` of it. None for a unit that is not of that kind."""
        factor = plain if not self.unit else units.get(self.unit)
        return None if factor is None else self.number * factor


def quantity(text: str) -> Quantity | None:
    """`5.2cm`, `5.2 cm`, `12cm²` or a number alone; None for what is none of these."""
    match = _QUANTITY.fullmatch(text.strip().replace("μ", "µ"))
    if match is None or not math.isfinite(float(match[1])):
        return None
    return Quantity(float(match[1]), match[2].lower().replace("²", "2"))


def between(text: str) -> tuple[str, str]:
    """Both ends of `5..9cm`; a unit that stands behind the second alone is that of both. Equal ends for one value."""
    low, dots, high = text.partition("..")
    if not dots:
        return text, text
    first, last = quantity(low), quantity(high)
    if first is not None and last is not None and not first.unit and last.unit:
        low = f"{low.strip()}{last.unit}"
    return low, high
