"""The changes in force in the records of an institution, so that they can go home: as a table, or as annotations.

Each page of them is read in a transaction of its own, so that an export of any length holds none for long.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy.orm import Session, sessionmaker

from annotations import projections, versions
from app.runtime import clock
from app.runtime.accounts import store as accounts
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from app.runtime.spreadsheets import harmless_line
from iiif.catalogue import places, records
from iiif.catalogue.model import RecordChange, Specimen
from ontology import darwin_core

PAGE = 500
ANNO = "http://www.w3.org/ns/anno.jsonld"
COLUMNS = (
    *("institutionCode", "collectionCode", "catalogNumber", "occurrenceID", "specimen", "term", "termIRI", "sourceVerbatim"),
    *("sourceValue", "newValue", "sourceValueNow", "state", "acceptedBy", "acceptedByName", "acceptedAt", "statement"),
)
Changed = tuple[Specimen, RecordChange]


def as_csv(reads: sessionmaker[Session], institution: str, *, by: Principal, addresses: Addresses) -> Iterator[str]:
    """Lines of CSV with a header, as `by` sees the records; no cell is taken for a formula."""
    yield harmless_line(COLUMNS)
    for session, page in _pages(reads, institution, by):
        names = accounts.names(session, {change.by for _, change in page})
        for specimen, change in page:
            yield harmless_line(_cells(specimen, change, names, addresses))


def as_lines(reads: sessionmaker[Session], institution: str, *, by: Principal, addresses: Addresses) -> Iterator[str]:
    """The statements that were accepted, one W3C annotation a line (JSON Lines), as far as `by` sees them."""
    for document in _documents(reads, institution, by, addresses):
        yield f"{json.dumps(document, ensure_ascii=False)}\n"


def as_page(reads: sessionmaker[Session], institution: str, own: str, *, by: Principal, addresses: Addresses) -> Iterator[str]:
    """The same as one AnnotationPage, written piece by piece; `own` is its address."""
    head = json.dumps({"@context": ANNO, "id": own, "type": "AnnotationPage"}, ensure_ascii=False)
    yield f'{head[:-1]}, "items": ['
    between = ""
    for document in _documents(reads, institution, by, addresses):
        yield f"{between}\n{json.dumps(document, ensure_ascii=False)}"
        between = ","
    yield "\n]}\n"


def _pages(reads: sessionmaker[Session], institution: str, by: Principal) -> Iterator[tuple[Session, list[Changed]]]:
    after = ""
    while True:
        with reads.begin() as session:
            found = records.in_force(session, institution, after=after, limit=PAGE)
            seen = [(places.as_seen(specimen, by), change) for specimen, change in found]
            yield session, [(specimen, change) for specimen, change in seen if change.term in specimen.changes]
        if len(found) < PAGE:
            return
        after = found[-1][1].statement


def _documents(
    reads: sessionmaker[Session], institution: str, by: Principal, addresses: Addresses
) -> Iterator[Mapping[str, Any]]:
    for session, page in _pages(reads, institution, by):
        wanted = [(change.statement, change.statement_version) for _, change in page]
        found = versions.documents(session, wanted, by=by, addresses=addresses)
        for key, version in wanted:
            if (document := found.get((key, version))) is not None:  # else it lies on an image that is closed to `by`
                yield {**projections.w3c(document), "id": f"{addresses.annotation(key)}/versions/{version}"}


def _cells(specimen: Specimen, change: RecordChange, names: Mapping[str, str], addresses: Addresses) -> list[str]:
    term = change.term
    wrote = next((text for column, text in specimen.verbatim.items() if darwin_core.term_of(column) == term), "")
    state = "adopted by the source" if change.is_adopted else "the source has changed since" if change.is_stale else "in force"
    return [
        specimen.institution_code,
        specimen.collection_code,
        specimen.catalog_number,
        specimen.interpreted.get("occurrenceID", ""),
        addresses.pid(specimen.key),
        term,
        darwin_core.iri_of(term),
        wrote,
        change.source_value,
        change.value,
        change.source_now or "",
        state,
        addresses.who(change.by),
        names.get(change.by, ""),
        clock.iso(change.at),
        f"{addresses.annotation(change.statement)}/versions/{change.statement_version}",
    ]
