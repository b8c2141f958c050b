"""Tables of Darwin Core columns: each row becomes a record with the images that it names."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from iiif.ingest.delimited import Table, TableRow, rows_of
from iiif.ingest.files import Finder, is_image_name, is_url
from iiif.ingest.model import ImageFile, IngestIssue, Record, SourceError, readable
from ontology import darwin_core

FILE_COLUMNS = ("file", "filename", "filepath", "path", "image", "imagefile", "imagename", "imagepath", "media", "mediafile")
ADDRESS_COLUMNS = ("accessuri", "associatedmedia", "imageurl", "mediaurl", "url", "identifier")
NUMBER_TERMS = ("catalogNumber", "materialEntityID", "occurrenceID")


def names_images_or_specimens(columns: tuple[str, ...]) -> bool:
    """Whether a table has a column by which its rows can become specimens."""
    spellings = {darwin_core.spelling(column) for column in columns}
    wanted = {*FILE_COLUMNS, *ADDRESS_COLUMNS, *(term.lower() for term in NUMBER_TERMS)}
    return not wanted.isdisjoint(spellings)


def number_of(terms: Mapping[str, str]) -> str:
    """The number by which a record calls its specimen; empty where it gives none."""
    return next((terms[term] for term in NUMBER_TERMS if terms.get(term)), "")


def records_of(table: Table, finder: Finder, claim: Callable[[Path], None]) -> Iterator[Record]:
    """One record per row; `claim` is told each image file that a row takes."""
    for row in rows_of(table):
        record = record_of(row, table.path.name, finder)
        for image in record.images:
            claim(image.path)
        yield record


def record_of(row: TableRow, name: str, finder: Finder) -> Record:
    """The record of a row of the table of that name."""
    place = f"{name}, line {row.line}"
    if row.finding is not None:
        return Record(place, "", False, {}, findings=(row.finding,), refused=True)
    terms = darwin_core.interpret(row.cells).terms
    number = number_of(terms)
    references = image_references(row.cells)
    images, findings = images_of(number, references, finder)
    numbered = bool(number)
    if not number:
        number = readable(images[0].path.stem) if images else Path(references[0][-1]).stem if references else ""
    if not number:
        findings += (IngestIssue("missing-id", "The row has no catalogue number and names no image to take one from."),)
    return Record(place, number, numbered, row.cells, images, findings, refused=not number)


def images_of(number: str, references: list[list[str]], finder: Finder) -> tuple[tuple[ImageFile, ...], tuple[IngestIssue, ...]]:
    """The files that a record names, or else those that have its number as their name."""
    images, findings = resolve(references, finder)
    return (images, findings) if images else instead(number, findings, finder)


def instead(
    number: str, findings: tuple[IngestIssue, ...], finder: Finder
) -> tuple[tuple[ImageFile, ...], tuple[IngestIssue, ...]]:
    """Where a record's own references led to no file: the files named by its number, and what is then left to complain of."""
    if not number or any(finding.code != "missing-file" for finding in findings):
        return (), findings
    images = tuple(replace(ImageFile.at(path), by_number=True) for path in finder.of_stem(number))
    return images, () if images else findings


def image_references(cells: Mapping[str, str]) -> list[list[str]]:
    """What a row says of its images: one list per column that speaks of them, those of files before addresses."""
    by_spelling: dict[str, str] = {}
    for column, value in cells.items():
        by_spelling.setdefault(darwin_core.spelling(column), value)
    found = []
    for column in (*FILE_COLUMNS, *ADDRESS_COLUMNS):
        references = split_references(by_spelling.get(column, ""))
        if column in ADDRESS_COLUMNS:
            references = [text for text in references if is_url(text) or is_image_name(text)]
        if references:
            found.append(references)
    return found


def split_references(text: str) -> list[str]:
    """The names or addresses in a list that is parted by bars or semicolons."""
    return [part.strip() for part in re.split(r"[|;\n]", text) if part.strip()]


def resolve(references: list[list[str]], finder: Finder) -> tuple[tuple[ImageFile, ...], tuple[IngestIssue, ...]]:
    """The files of the first column that leads to any, and why others of that column were not found.

    Where no column leads to a file, the first one's references are what is missing.
    """
    misses: list[tuple[IngestIssue, ...]] = []
    for column in references:
        images, findings = _resolve_column(column, finder)
        if images or any(finding.code == "path-outside" for finding in findings):
            return images, findings
        misses.append(findings)
    return (), misses[0] if misses else ()


def _resolve_column(column: list[str], finder: Finder) -> tuple[tuple[ImageFile, ...], tuple[IngestIssue, ...]]:
    images: list[ImageFile] = []
    findings: list[IngestIssue] = []
    for reference in column:
        try:
            path = finder.find(reference)
        except SourceError as error:
            findings.append(error.finding)
            continue
        if path is None:
            findings.append(IngestIssue("missing-file", f"The image {reference[:200]!r} is not among the files."))
        elif all(path != image.path for image in images):
            images.append(ImageFile.at(path))
    return tuple(images), tuple(findings)
