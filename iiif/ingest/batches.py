"""Batches of plain records, which need no image and no decision: the new ones go in with one transaction.

Those that another record of the hub or of the batch may speak of too are handed back one by one, in their turn.
"""

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from app.runtime.context import Runtime
from iiif.catalogue import places, service
from iiif.catalogue.identity import identities_of
from iiif.catalogue.model import Specimen
from iiif.ingest.model import Record
from iiif.ingest.report import IngestReport
from ontology import darwin_core

BATCH = 1000
MAX_CODE = 255


@dataclass(frozen=True, slots=True)
class NewSpecimen:
    """A record that is certain to be a new specimen, as far as the hub was seen."""

    record: Record
    reading: darwin_core.Interpretation
    draft: service.SpecimenDraft


@dataclass(frozen=True, slots=True)
class _Sought:
    """A record with what it is looked up by."""

    record: Record
    identities: tuple[str, ...]
    number: tuple[str, str, str]


@dataclass(slots=True)
class Batch:
    """Records that wait to be entered together."""

    records: list[Record] = field(default_factory=list)

    def steps(self, runtime: Runtime, started_at: datetime, report: IngestReport) -> Iterator[list[NewSpecimen] | Record]:
        """What to do for the batch, in order: enter these together, or take that one by itself. Empties it.

        Those that are here to the letter since before `started_at` are only counted.
        """
        sought = [_sought(record) for record in self.records]
        self.records = []
        if not sought:
            return
        with runtime.reads.begin() as session:
            known = service.specimens_by_identity(session, {each for one in sought for each in one.identities})
            taken = service.numbers_taken(session, [one.number for one in sought])
        seen: set[Hashable] = set()
        together: list[NewSpecimen] = []
        for one in sought:
            keys: set[Hashable] = {one.number, *one.identities}
            here = known.get(one.identities[0])
            if here is not None and not seen & keys and _is_same(one, here, started_at):
                report.already_here += 1
                report.places_withheld += bool(places.withheld_by(here.interpreted))
                continue
            is_new = one.number not in taken and not known.keys() & set(one.identities) and not seen & keys
            if is_new and max(map(len, one.number)) <= MAX_CODE:
                together.append(_new(one.record))
            else:
                if together:
                    yield together
                    together = []
                yield one.record
            seen |= keys
        if together:
            yield together


def _sought(record: Record) -> _Sought:
    terms = darwin_core.terms_of(record.verbatim)
    number = (terms.get("institutionCode", ""), terms.get("collectionCode", ""), record.number)
    return _Sought(record, identities_of(terms, record.number), number)


def _is_same(one: _Sought, here: Specimen, started_at: datetime) -> bool:
    return here.catalog_number == one.record.number and here.verbatim == one.record.verbatim and here.created_at < started_at


def _new(record: Record) -> NewSpecimen:
    reading = darwin_core.interpret(record.verbatim)
    terms = {**reading.terms, "catalogNumber": record.number}
    return NewSpecimen(record, reading, service.SpecimenDraft(record.number, terms, dict(record.verbatim), str(record.place)))
