"""JSON in one form only, so that equal values have equal digests on every database and machine.

Keys are sorted by their code points, there are no blanks, text is UTF-8, and a number is the shortest text that reads back as the
same double; whole ones have no fraction, as databases differ in whether they keep `1.0` and `1` apart. After RFC 8785, but for
the order of keys beyond the Basic Multilingual Plane and the form of exponents.
"""

import hashlib
import json
import math
from collections.abc import Mapping
from typing import Any

EXACT = 2**53  # from here on a double does not tell whole numbers apart
PLAIN = 1e21  # whole numbers below are written without an exponent


def encoded(value: Any) -> bytes:
    """The value in that form. ValueError for NaN and infinities, which JSON has not."""
    plain = _plain(value)
    return json.dumps(plain, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def digest(value: Any) -> str:
    """SHA-256 of that form, in hexadecimal."""
    return hashlib.sha256(encoded(value)).hexdigest()


def _plain(value: Any) -> Any:
    match value:
        case bool() | None | str():
            return value
        case int() if abs(value) < EXACT:
            return value
        case int() | float():
            number = float(value)
            if not math.isfinite(number):
                raise ValueError("JSON has no such number")
            return int(number) if number.is_integer() and abs(number) < PLAIN else number
        case Mapping():
            return {str(name): _plain(part) for name, part in value.items()}
        case list() | tuple():
            return [_plain(part) for part in value]
    raise TypeError(f"no JSON: {type(value).__name__}")
