"""What a manifest says of its specimen, in Darwin Core.

The record that it links to says it best. Else the metadata do, as far as a label is the name of a term (`scientificName`) or what
people call it (`Scientific name`). Verbatim is what that record says verbatim, or else every pair under its own label.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iiif.harvest.model import RemoteManifest
from ontology import darwin_core
from ontology.darwin_core import Note, term_of_label

MOST_NUMBER = 255  # characters of a catalogue number
LABEL, SUMMARY, RIGHTS, CREDIT = "iiif:label", "iiif:summary", "iiif:rights", "iiif:requiredStatement"


@dataclass(frozen=True, slots=True)
class Description:
    """Terms as in `Specimen.interpreted`, with `catalogNumber`; `numbered` tells that the source itself gives that number."""

    terms: Mapping[str, str]
    verbatim: Mapping[str, str]
    number: str
    numbered: bool
    notes: tuple[Note, ...]


def describe(manifest: RemoteManifest, record: Any = None) -> Description:
    """`record` is the JSON of a Darwin Core record: `interpreted` and `verbatim`, or the terms alone."""
    verbatim = _verbatim(manifest)
    named = {term: text for label, text in manifest.pairs if (term := term_of_label(label)) and text}
    if isinstance(record, Mapping):
        given, own = record.get("interpreted", record), record.get("verbatim")
        named = (
            {str(name): str(text) for name, text in given.items() if isinstance(text, str)} if isinstance(given, Mapping) else {}
        )
        named |= {"catalogNumber": text} if isinstance(text := record.get("catalogNumber"), str) and text else {}
        verbatim = {str(name): str(text) for name, text in own.items()} if isinstance(own, Mapping) else {**verbatim, **named}
    if manifest.rights and not named.get("license"):
        named["license"] = manifest.rights
    reading = darwin_core.interpret(named)
    given_number = reading.terms.get("catalogNumber", "")
    number = (given_number or manifest.label or manifest.id.rstrip("/").rsplit("/", 1)[-1])[:MOST_NUMBER]
    return Description({**reading.terms, "catalogNumber": number}, verbatim, number, bool(given_number), reading.notes)


def _verbatim(manifest: RemoteManifest) -> dict[str, str]:
    """Every pair under its label; the texts of one label one after another."""
    said: dict[str, str] = {}
    for label, text in manifest.pairs:
        said[label] = f"{said[label]}; {text}" if said.get(label) else text
    whole = {LABEL: manifest.label, SUMMARY: manifest.summary, RIGHTS: manifest.rights, CREDIT: manifest.credit}
    return {**said, **{name: text for name, text in whole.items() if text}}
