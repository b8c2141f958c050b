"""Cursors: where a page of hits ended, so that the next one goes on there whatever others write meanwhile.

Where hits are sorted by a field, or nothing makes one more relevant than another, a cursor is the last hit's value and key. By
relevance it is the last hit's key and its number: the engine reckons relevance anew after every write, so a hit that moved by a
few places is looked for around it.
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from app.runtime.errors import Invalid
from app.runtime.search.port import After, Hit, Kind, Value

AROUND = 50  # hits before a cursor by relevance among which its hit is looked for
LONGEST = 4_000  # characters


@dataclass(frozen=True, slots=True)
class Place:
    """Behind a hit of that key in the index; `number` hits came before, that one included."""

    key: str
    value: Value | None
    number: int

    @property
    def after(self) -> After:
        return After(self.key, self.value)


def written(hit: Hit, number: int, question: str) -> str:
    """The cursor behind that hit, which is the `number`th of the question."""
    said = json.dumps([_digest(question), hit.key, hit.value, number], ensure_ascii=False, separators=(",", ":"))
    return urlsafe_b64encode(said.encode()).decode().rstrip("=")


def read(cursor: str, question: str, kind: Kind | None) -> Place:
    """The place; `kind` is that of the field of the order, None without one. Raises Invalid."""
    said = _decoded(cursor)
    if not (isinstance(said, list) and len(said) == 4 and isinstance(said[1], str) and _is_number(said[3])):
        raise Invalid(
            "This cursor cannot be read. Ask again without one, and take the cursor of each answer as it is.", parameter="cursor"
        )
    digest, key, value, number = said
    if digest != _digest(question):
        raise Invalid("This cursor belongs to another question, or to another order of its hits.", parameter="cursor")
    if value is not None and not _is_held(value, kind):
        raise Invalid("This cursor cannot be read: it names no place in this order.", parameter="cursor")
    return Place(key, value, number)


def behind(hits: Sequence[Hit], place: Place, offset: int) -> Sequence[Hit]:
    """Of hits by relevance from that offset those that come behind the place: behind its hit, or where that was."""
    for index, hit in enumerate(hits):
        if hit.key == place.key:
            return hits[index + 1 :]
    return hits[place.number - offset :]


def _decoded(cursor: str) -> Any:
    try:
        if len(cursor) > LONGEST:
            return None
        return json.loads(urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        return None


def _is_held(value: Any, kind: Kind | None) -> bool:
    """Whether an engine may hold that in the column that stands for such a field."""
    match kind:
        case "keyword":
            return isinstance(value, str)
        case "number":
            return isinstance(value, float) and isfinite(value)
        case "date" | "interval" | "flag":
            return isinstance(value, int) and -(2**63) <= value < 2**63
    return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53


def _digest(question: str) -> str:
    return hashlib.sha256(question.encode()).hexdigest()[:12]
