"""Columns that tables of specimens have: numbers, files and addresses of images, and the terms of Darwin Core."""

import re
from collections.abc import Iterable
from functools import lru_cache

from ontology import darwin_core

FILE_COLUMNS = (
    *("file", "filename", "filepath", "path", "image", "imagefile", "imagename", "imagepath", "media", "mediafile"),
    *("attachmentname", "attachment", "picture", "photo", "photofile", "photoname", "scan"),
)
ADDRESS_COLUMNS = (
    *(
        "accessuri",
        "associatedmedia",
        "imageurl",
        "mediaurl",
        "url",
        "identifier",
        "goodqualityaccessuri",
        "imageuri",
        "mediauri",
    ),
)
NUMBER_TERMS = ("catalogNumber", "materialEntityID", "occurrenceID")
_NUMBERED = re.compile(r"(image|file|filename|photo|picture|imagefile|imageurl|media|attachment|attachmentname|scan)\d{1,3}")
_NAMES = frozenset((*FILE_COLUMNS, *ADDRESS_COLUMNS, "creator", "photographer"))


@lru_cache(maxsize=4096)
def kind_of(column: str) -> str:
    """ "file" or "address" for a column that names images, else empty; `image 1` and `image 2` are columns of files."""
    name = darwin_core.spelling(column)
    numbered = _NUMBERED.fullmatch(name)
    name = numbered[1] if numbered else name
    return "file" if name in FILE_COLUMNS else "address" if name in ADDRESS_COLUMNS else ""


@lru_cache(maxsize=4096)
def order_of(column: str) -> int:
    """Columns of files come before those of addresses, each in the order above."""
    name = darwin_core.spelling(column)
    numbered = _NUMBERED.fullmatch(name)
    name = numbered[1] if numbered else name
    return (*FILE_COLUMNS, *ADDRESS_COLUMNS).index(name)


@lru_cache(maxsize=4096)
def is_known(column: str) -> bool:
    """Whether the column is a term of Darwin Core or names images."""
    return darwin_core.term_of(column) is not None or darwin_core.spelling(column) in _NAMES or bool(kind_of(column))


def names_images_or_specimens(columns: Iterable[str]) -> bool:
    """Whether a table has a column by which its rows can become specimens."""
    return any(kind_of(column) or darwin_core.term_of(column) in NUMBER_TERMS for column in columns)
