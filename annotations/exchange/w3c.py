"""W3C Web Annotations, as they are stored: JSON Lines, one document a line, or one AnnotationPage.

Members are sorted by name, so the same annotation is the same bytes on every database. Nothing is lost. What comes in from a
hub of this address keeps its name where that is free; other ids go to `via`.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import ijson

from annotations import validation
from annotations.errors import MalformedAnnotation
from annotations.exchange.abilities import EXACT, FEATURES, table
from annotations.exchange.classes import ClassTable
from annotations.exchange.losses import Losses
from annotations.exchange.model import Files, Found, ImageReference, ImageStream, Options, Piece, ReadObject, ReadOptions, Refused
from app.runtime.errors import Invalid

LINES, PAGE = "annotations.jsonl", "annotations.json"
ABILITIES = table(**{feature.replace(" ", "_"): EXACT for feature in FEATURES})
LONGEST_LINE = 20_000_000


def text_of(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _documents(stream: ImageStream, losses: Losses) -> Iterator[str]:
    told: set[str] = set()  # of those that lie on several images
    for _, statements in stream:
        losses.image(len(statements))
        for one in sorted(statements, key=lambda each: each.key):
            if one.key in told:
                continue
            if one.parts > 1:
                told.add(one.key)
            losses.wrote(one)
            yield text_of(one.document)


def write_lines(stream: ImageStream, _classes: ClassTable, losses: Losses, _options: Options) -> Iterator[Piece]:
    """`annotations.jsonl`."""
    yield LINES, b""
    for text in _documents(stream, losses):
        yield LINES, f"{text}\n".encode()


def write_page(stream: ImageStream, _classes: ClassTable, losses: Losses, options: Options) -> Iterator[Piece]:
    """`annotations.json`, an AnnotationPage (Web Annotation Data Model, 5.2)."""
    head = {"@context": validation.CONTEXT, "type": "AnnotationPage", **({"label": options.title} if options.title else {})}
    yield PAGE, f'{json.dumps(head, ensure_ascii=False)[:-1]}, "items": ['.encode()
    between = "\n"
    for text in _documents(stream, losses):
        yield PAGE, f"{between}{text}".encode()
        between = ",\n"
    yield PAGE, b"\n]}\n"


def read_lines(files: Files, _options: ReadOptions) -> Iterator[Found]:
    """Every `.jsonl` file. Raises Invalid where there is none."""
    names = [name for name in files.names() if name.lower().endswith((".jsonl", ".ndjson"))]
    if not names:
        raise Invalid("JSON Lines are a file that ends in .jsonl, and there is none.")
    for name in names:
        with files.open(name) as stream:
            place = 0
            while line := stream.readline(LONGEST_LINE + 1):
                place += 1
                row = f"{name}: line {place}"
                if len(line) > LONGEST_LINE:
                    yield Refused(row, f"A line may have up to {LONGEST_LINE:,} bytes.")
                    while line and not line.endswith(b"\n"):
                        line = stream.readline(LONGEST_LINE)
                elif line.strip():
                    yield _line(line, row)


def _line(line: bytes, row: str) -> Found:
    try:
        return _found(json.loads(line), row)
    except (ValueError, RecursionError):
        return Refused(row, "The line is no JSON in UTF-8.")


def read_page(files: Files, _options: ReadOptions) -> Iterator[Found]:
    """The items of every AnnotationPage. Raises Invalid where there is no JSON."""
    names = [name for name in files.names() if name.lower().endswith((".json", ".jsonld")) and not name.endswith("losses.json")]
    if not names:
        raise Invalid("An AnnotationPage is a JSON file, and there is none.")
    for name in names:
        with files.open(name) as stream:
            try:
                for place, one in enumerate(ijson.items(stream, "items.item", use_float=True)):
                    yield _found(one, f"{name}: items[{place}]")
            except (ijson.JSONError, UnicodeDecodeError) as error:
                raise Invalid(f"{name[:200]} is no JSON that can be read to its end: {str(error)[:100]}") from error


def _found(document: Any, row: str) -> Found:
    """The annotation, of the image that its first target names."""
    if not isinstance(document, Mapping) or "Annotation" not in validation.several(document.get("type")):
        return Refused(row, "It is no Annotation.")
    targets = validation.several(document.get("target"))
    try:
        iri = validation.iri_of(targets[0] if targets else None)
    except MalformedAnnotation as error:
        return Refused(row, str(error))
    return ReadObject(ImageReference(iri=iri.partition("#")[0]), row, None, document=document)
