"""Documents and values as both engines hold them, so that neither decides anything by itself.

A text field becomes two columns, its words and their stems; a date becomes milliseconds since 1970 in UTC.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from app.runtime.search import words
from app.runtime.search.port import And, Document, Everything, Field, Kind, Not, Or, Phrase, Query, Value, Words

LAYOUT = 1  # of the columns; raise it when they change, and every index is made anew
LONGEST_KEYWORD = 1000  # characters
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STEM = "_stem"


def digest(fields: Sequence[Field]) -> str:
    """Eight hexadecimal characters that change when an index must be made anew."""
    said = json.dumps([LAYOUT, words.LONGEST, *sorted([field.name, field.kind, field.many] for field in fields)])
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def values(kind: Kind, given: Value | Sequence[Value]) -> list[Any]:
    """The values as the index compares them; what cannot be one (an empty text, a NaN, no date) is left out."""
    many: Iterable[Value] = [given] if isinstance(given, str | int | float) else given
    return [value for value in (_value(kind, one) for one in many) if value is not None]


def of(document: Document, fields: Mapping[str, Field]) -> dict[str, list[Any]]:
    """Column name to values. KeyError where a document has a field that the schema lacks."""
    columns: dict[str, list[Any]] = {}
    for name, given in document.fields.items():
        field = fields[name]
        held = values(field.kind, given)
        if field.kind != "text":
            columns[name] = held if field.many else held[:1]
            continue
        split = [found for found in map(words.split, held) if found]
        columns[name] = [" ".join(one) for one in split]
        columns[name + STEM] = [" ".join(words.stems(one)) for one in split]
    return {name: held for name, held in columns.items() if held}


def ranks(query: Query) -> bool:
    """Whether some documents that match are more relevant than others; if not, relevance is the order of keys."""
    match query:
        case Words() | Phrase():
            return True
        case And(parts) | Or(parts):
            return any(ranks(part) for part in parts)
        case Not() | Everything() | _:
            return False


def facet_value(value: object) -> str:
    """A facet's value as text: 1890 rather than 1890.0, and true or false."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _value(kind: Kind, value: Value) -> Any:
    match kind:
        case "text":
            return str(value) or None
        case "keyword":
            return str(value)[:LONGEST_KEYWORD] or None
        case "number":
            return _number(value)
        case "date":
            return _milliseconds(str(value))
        case "flag":
            return value if isinstance(value, bool) else str(value).lower() in ("true", "1", "yes")


def _number(value: Value) -> float | None:
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number + 0.0 if math.isfinite(number) else None  # -0.0 + 0.0 is 0.0


def _milliseconds(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)
