"""Tables of Darwin Core columns: each row becomes a record with the images that it names."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from iiif.ingest.columns import NUMBER_TERMS
from iiif.ingest.delimited import TableRow
from iiif.ingest.files import Finder
from iiif.ingest.model import IngestIssue, Place, Record, readable, warning
from iiif.ingest.references import Resolution, by_number, references_of, resolve
from ontology import darwin_core

_ROUNDED = re.compile(r"\d(?:[.,]\d+)?[eE]\+\d{1,3}", re.ASCII)


@dataclass(slots=True)
class Taken:
    """Image files that rows speak of, so that they do not come in by themselves too, and those that look like one's.

    Both by their real paths.
    """

    files: set[str] = field(default_factory=set)
    resembling: dict[str, str] = field(default_factory=dict)

    def note(self, number: str, found: Resolution, finder: Finder) -> None:
        """Remember what a row takes, what it could have meant, and what has its number at the beginning of its name."""
        self.files.update(finder.real(image.path) for image in found.images)
        self.files.update(finder.real(path) for path in found.held)
        for path in finder.beginning_with(number) if number else ():
            self.resembling.setdefault(finder.real(path), number)


def number_of(cells: Mapping[str, str]) -> str:
    """The number by which a row calls its specimen; empty where it gives none."""
    given = (cells[column].strip() for column in _number_columns(tuple(cells)))
    return next((text for text in given if text not in darwin_core.MISSING), "")


def doubts_of(number: str) -> tuple[IngestIssue, ...]:
    """What is doubtful in a number: that a spreadsheet has rounded it."""
    if _ROUNDED.fullmatch(number) is None:
        return ()
    sentence = f"{number!r} is what a spreadsheet makes of a long number: its last digits are lost, and others may look the same."
    return (warning("rounded-number", sentence, "catalogNumber", number),)


@lru_cache(maxsize=512)
def _number_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Those that may give the number, in the order of trust."""
    return tuple(column for term in NUMBER_TERMS for column in columns if darwin_core.term_of(column) == term)


def records_of(rows: Iterable[TableRow], name: str, archive: str, finder: Finder, taken: Taken) -> Iterator[Record]:
    """One record per row of the table of that name; `taken` is told of the image files that a row speaks of."""
    for row in rows:
        yield record_of(row, Place(name, row.line, archive), finder, taken)


def record_of(row: TableRow, place: Place, finder: Finder, taken: Taken) -> Record:
    """The record of a row at that place."""
    if not row.is_row:
        return Record.remark(place, *row.issues)
    if row.refused:
        return Record.refusal(place, *row.issues)
    number = number_of(row.cells)
    references = references_of(row.cells, finder)
    found = by_number(number, resolve(references, finder), finder)
    taken.note(number, found, finder)
    numbered = bool(number)
    if not number:
        number = readable(found.images[0].path.stem) if found.images else Path(references[0][1][-1]).stem if references else ""
    issues = (*row.issues, *found.issues, *doubts_of(number))
    if not number:
        issues += (IngestIssue("missing-id", "The row has no catalogue number and names no image to take one from."),)
    return Record(place, number, numbered, row.cells, tuple(found.images), issues, refused=not number)
