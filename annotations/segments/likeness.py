"""Which segments are like one another: by what is read there, or by their form.

Each rule gives the conditions under which another segment is like one, and an index serves it. Groups by similarity of what is
seen are one more rule here, once there are embeddings of segments.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import ColumnElement, false

from annotations.segments.tables import SegmentRow
from annotations.words_compared import folded

LEAST_WORDS = 4  # characters
SAME_SIZE = 0.05  # of width and height, in pixels of their images


def digest_of(words: str) -> str:
    """Of words without case, punctuation and line breaks; empty for too few."""
    plain = folded(words, loose=True)
    return hashlib.sha256(plain.encode()).hexdigest()[:32] if len(plain) >= LEAST_WORDS else ""


def by_words(row: SegmentRow) -> Sequence[ColumnElement[bool]]:
    """Of the same class with the same words, or the same code."""
    if not row.words:
        return (false(),)
    return (SegmentRow.class_name == row.class_name, SegmentRow.words == row.words)


def by_form(row: SegmentRow) -> Sequence[ColumnElement[bool]]:
    """Of the same class and size in pixels, so of images of one scale; what is in them is not looked at."""
    least, most = 1 - SAME_SIZE, 1 + SAME_SIZE
    return (
        SegmentRow.class_name == row.class_name,
        SegmentRow.area_px.between(row.area_px * least**2, row.area_px * most**2),
        SegmentRow.width.between(row.width * least, row.width * most),
        SegmentRow.height.between(row.height * least, row.height * most),
    )


RULES: Mapping[str, Callable[[SegmentRow], Sequence[ColumnElement[bool]]]] = {"words": by_words, "form": by_form}
