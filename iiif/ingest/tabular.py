"""Tables of Darwin Core columns: each row becomes a record with the images that it names."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from iiif.ingest.columns import NUMBER_TERMS
from iiif.ingest.delimited import TableRow
from iiif.ingest.files import Finder
from iiif.ingest.model import IngestIssue, Place, Record, readable
from iiif.ingest.references import Resolution, by_number, references_of, resolve
from ontology import darwin_core


@dataclass(slots=True)
class Taken:
    """Image files that rows speak of, so that they do not come in by themselves too, and those that look like one's."""

    files: set[Path] = field(default_factory=set)
    resembling: dict[Path, str] = field(default_factory=dict)

    def note(self, number: str, found: Resolution, finder: Finder) -> None:
        """Remember what a row takes, what it could have meant, and what has its number at the beginning of its name."""
        self.files.update(image.path.resolve() for image in found.images)
        self.files.update(path.resolve() for path in found.held)
        for path in finder.beginning_with(number) if number else ():
            self.resembling.setdefault(path.resolve(), number)


def number_of(terms: Mapping[str, str]) -> str:
    """The number by which a record calls its specimen; empty where it gives none."""
    return next((terms[term] for term in NUMBER_TERMS if terms.get(term)), "")


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
    number = number_of(darwin_core.terms_of(row.cells))
    references = references_of(row.cells, finder)
    found = by_number(number, resolve(references, finder), finder)
    taken.note(number, found, finder)
    numbered = bool(number)
    if not number:
        number = readable(found.images[0].path.stem) if found.images else Path(references[0][1][-1]).stem if references else ""
    issues = (*row.issues, *found.issues)
    if not number:
        issues += (IngestIssue("missing-id", "The row has no catalogue number and names no image to take one from."),)
    return Record(place, number, numbered, row.cells, tuple(found.images), issues, refused=not number)
