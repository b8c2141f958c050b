"""Catalogue numbers that differ only by case or by the Unicode form of their letters: two specimens, and a warning names both."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from iiif.catalogue import service
from iiif.catalogue.identity import folded
from iiif.ingest.model import IngestIssue, Record, warning

Collected = tuple[str, str, str]  # institution, collection, catalogue number


@dataclass(slots=True)
class Spelt:
    """Numbers that came before, each with where it stands, by their collection and their folded form; and how many specimens of
    the hub have each."""

    found: dict[Collected, dict[str, str]] = field(default_factory=dict)
    taken: dict[Collected, int] = field(default_factory=dict)

    @classmethod
    def of_hub(cls, session: Session, numbers: Iterable[Collected]) -> "Spelt":
        """What the hub has that is one of these, or differs so from it."""
        spelt = cls()
        for known in service.numbers_alike(session, numbers):
            spelt.note(known.number, known.source)
            spelt.taken[known.number] = known.specimens
        return spelt

    def note(self, number: Collected, place: str) -> None:
        self.found.setdefault(_folded(number), {}).setdefault(number[2], place)

    def doubt(self, number: Collected) -> IngestIssue | None:
        """The warning for a new specimen of that number, if another number is the same but for case or form."""
        others = self.found.get(_folded(number), {})
        other = next((other for other in others if other != number[2]), None)
        if other is None:
            return None
        how = "case" if unicodedata.normalize("NFC", other) != unicodedata.normalize("NFC", number[2]) else "Unicode form"
        sentence = f"{number[2]!r} differs from {other!r} of {others[other]} by {how} only; they are two specimens."
        return warning("similar-number", sentence, "catalogNumber", number[2])


def collected(record: Record, terms: Mapping[str, str]) -> Collected:
    """The record's number in the collection that `terms` name."""
    return (terms.get("institutionCode", ""), terms.get("collectionCode", ""), record.number)


def _folded(number: Collected) -> Collected:
    return (number[0], number[1], folded(number[2]))
