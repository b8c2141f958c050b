"""Tables of Darwin Core columns: each row becomes a record with the images that it names."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from iiif.ingest.columns import NUMBER_TERMS
from iiif.ingest.delimited import TableRow
from iiif.ingest.files import Finder
from iiif.ingest.model import MAX_VALUE, IngestIssue, Place, Record, readable, warning
from iiif.ingest.references import Resolution, by_number, references_of, resolve
from ontology import darwin_core

_UNSEEN = re.compile("[\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_SAYS_NONE = frozenset(  # what people and programs write where there is no number
    (
        *("nan", "na", "n/a", "n.a.", "none", "nil", "-", "--", "---", "–", "—", "?", "??", "s.n.", "s. n.", "s.no.", "unknown"),
        *("unnumbered", "no number", "without number", "not numbered", "unbekannt", "ohne", "ohne nummer", "sans numéro"),
        *("sin número", "senza numero", "sine numero", "missing", "tbd", "<na>", "nat", "undefined", "#"),
    )
)
_WITH_POINT = re.compile(r"\d+\.0", re.ASCII)
_BELOW = re.compile(
    r"(?:grand |sub)?total(?!-)\b|(?:summe|gesamt|anzahl)(?!-)\b|(?:sum|count)(?:\s*[:=].*|\s*$|\s+of\b)|page \d+ of\b"
    r"|(?:records|rows|specimens|source|quelle|notes?) ?:"
    r"|(?:exported|generated|created|printed|downloaded|erstellt|exportiert|exporté|exportado)"
    r" (?:by|from|on|at|am|von|par|por|le|el)\b"
    r"|\d+ (?:records|rows|specimens|items|zeilen|datensätze|belege)\b",
    re.IGNORECASE,
)
_HEADINGS = frozenset(  # as `darwin_core.spelling` writes them
    (
        *("catalognumber", "catalogno", "catalognr", "catno", "catnumber", "accessionnumber", "accessionno", "specimennumber"),
        *("specimenno", "barcode", "barcodenumber", "inventorynumber", "inventoryno", "inventarnummer", "inventarnr"),
        *("katalognummer", "katalognr", "numerodecatalogo", "numérodecatalogue", "occurrenceid", "materialentityid"),
    )
)
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
    number = next((text for text in given if text not in darwin_core.MISSING and text.casefold() not in _SAYS_NONE), "")
    return number if number.isprintable() else _UNSEEN.sub("", number).strip()


def doubts_of(number: str, cells: Mapping[str, str]) -> tuple[IngestIssue, ...]:
    """What is doubtful in a row and its number: errors of a spreadsheet, characters that nobody sees, digits rounded away."""
    doubts = [
        warning(
            "lost-cells", f"{column} holds {text.strip()!r}, an error of a spreadsheet; it is no value.", column, text.strip()
        )
        for column, text in cells.items()
        if "#" in text[:8] and text.strip() in darwin_core.SPREADSHEET_ERRORS
    ]
    for column in _number_columns(tuple(cells)):
        if not (text := cells[column].strip()).isprintable() and _UNSEEN.sub("", text).strip() == number:
            sentence = f"{column} {ascii(text)[:MAX_VALUE]} holds characters that nobody sees; the number is {number!r}."
            doubts.append(warning("unseen-characters", sentence, column, ascii(text)[:MAX_VALUE]))
    return (*doubts, *_rounded(number))


def no_row(number: str, cells: Mapping[str, str]) -> IngestIssue | None:
    """Why a line of a table is no row: it is a total or a note below the rows, or a second line of headings."""
    if len(cells) == 1 and _BELOW.match(number):
        sentence = f"{number[:MAX_VALUE]!r} stands alone on its line and is taken for a total or a note, not for a specimen."
        return warning("no-row", sentence, value=number[:MAX_VALUE])
    if darwin_core.spelling(number).rstrip(".:") in _HEADINGS:
        sentence = f"The line is taken for a second line of headings: {number[:MAX_VALUE]!r} is no catalogue number."
        return warning("no-row", sentence, value=number[:MAX_VALUE])
    return None


def _no_number(cells: Mapping[str, str]) -> IngestIssue:
    column = next((column for column in _number_columns(tuple(cells)) if cells[column].strip() not in darwin_core.MISSING), "")
    none = f" ({column} {cells[column].strip()!r} is taken for none)" if column else ""
    sentence = f"The row has no catalogue number{none} and names no image to take one from."
    return IngestIssue("missing-id", sentence, column, cells[column].strip() if column else "")


def _rounded(number: str) -> tuple[IngestIssue, ...]:
    if _WITH_POINT.fullmatch(number) is not None:
        sentence = f"{number!r} looks like the whole number {number[:-2]!r}, which a program has written with a point."
        return (warning("rounded-number", sentence, "catalogNumber", number),)
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
    heading = no_row(number, row.cells) if number else None
    if heading is not None:
        return Record.remark(place, *row.issues, heading)
    references = references_of(row.cells, finder)
    found = by_number(number, resolve(references, finder), finder)
    taken.note(number, found, finder)
    numbered = bool(number)
    if not number:
        number = readable(found.images[0].path.stem) if found.images else Path(references[0][1][-1]).stem if references else ""
    issues = (*row.issues, *found.issues, *doubts_of(number, row.cells))
    if not number:
        issues += (_no_number(row.cells),)
    return Record(place, number, numbered, row.cells, tuple(found.images), issues, refused=not number)
