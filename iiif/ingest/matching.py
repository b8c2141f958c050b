"""Which specimen of the catalogue a record speaks of, if it is here: by its identifier, or else by its number."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from iiif.catalogue import identity, service
from iiif.catalogue.model import RecordChange, Specimen
from iiif.ingest.columns import kind_of
from iiif.ingest.model import IngestIssue, Record, warning
from ontology import darwin_core
from ontology.dates import date_of

OF_IMAGES = frozenset({"license", "rights", "rightsHolder", "accessRights", "associatedMedia", "type", "modified", "language"})
NAMED = 5  # of several specimens or terms in one sentence


@dataclass(frozen=True, slots=True)
class Match:
    """The specimen that a record speaks of; None for a new one.

    `identifies` tells that the record gives an identifier to a specimen that had none, or a stronger one. `namesakes` are
    others of its catalogue number in its collection. `undecided` tells that it may be any of these, for the record has no
    identifier and they have.
    """

    specimen: Specimen | None = None
    identifies: bool = False
    namesakes: tuple[Specimen, ...] = ()
    undecided: bool = False


def find(session: Session, terms: Mapping[str, str], *, numbered: bool) -> Match:
    """By `terms`, the interpreted record with its number; `numbered` as in `Record`."""
    number = terms["catalogNumber"]
    collected = (terms.get("institutionCode", ""), terms.get("collectionCode", ""), number)
    identities = identity.identities_of(terms, number)
    known = [service.find_specimen_by_identity(session, each) for each in identities]
    if known[0] is not None and known[0].catalog_number == number and (numbered or identity.is_identified(terms)):
        return Match(known[0])
    namesakes = service.specimens_of_number(session, *collected)
    if not identity.is_identified(terms):
        return _by_number(namesakes)
    alike = next((each for each in namesakes if identity.agree(terms, each.read)), None)
    if alike is not None and not (_is_stronger(terms, alike) and known[0] is not None):
        return Match(alike, identifies=_is_stronger(terms, alike))
    same = next((each for each in known if each is not None), None)
    if same is not None:
        return Match(same)
    unnamed = next((each for each in namesakes if not identity.is_identified(each.read)), None)
    if unnamed is not None and not unlike(terms, unnamed):
        return Match(unnamed, identifies=True)
    return Match(namesakes=namesakes)


def settle(session: Session, match: Match, sha256s: Iterable[str]) -> Match:
    """An undecided match, decided where one of the specimens has all these images, at least one, already."""
    shown: set[str] | None = None
    for sha256 in sha256s:
        media = service.find_media_by_hash(session, sha256)
        depictions = service.specimens_of_media(session, [media.key])[media.key] if media else ()
        keys = {depiction.specimen_key for depiction in depictions}
        shown = keys if shown is None else shown & keys
    specimen = next((each for each in match.namesakes if each.key in (shown or ())), None)
    return match if specimen is None else Match(specimen)


def unlike(terms: Mapping[str, str], specimen: Specimen) -> list[str]:
    """The terms of which both speak, and not alike."""
    return [term for term, text in terms.items() if specimen.read.get(term, text) != text and term not in OF_IMAGES]


def clash(terms: Mapping[str, str], match: Match) -> IngestIssue | None:
    """Why the record cannot be what is here under its identifier or number."""
    if match.specimen is None or not (differing := unlike(terms, match.specimen)):
        return None
    named = next((term for term in identity.ID_TERMS if terms.get(term) == match.specimen.read.get(term, "")), "")
    code = "duplicate-by-identifier" if named else "duplicate-by-catalog-number"
    text = terms.get(named, "") if named else terms["catalogNumber"]
    sentence = f"{text[:200]!r} is here already with another {', '.join(differing[:NAMED])}; nothing is overwritten."
    return IngestIssue(code, sentence, differing[0], terms[differing[0]])


def says_more(record: Record, specimen: Specimen) -> IngestIssue | None:
    """What a further record of a known specimen says beyond it, which is not taken over; columns of images aside."""
    more = [
        column
        for column, text in record.verbatim.items()
        if specimen.verbatim.get(column) != text and not kind_of(column) and not _is_known(column, text, specimen)
    ]
    if not more:
        return None
    named = ", ".join(f"{column} {record.verbatim[column][:60]!r}" for column in more[:NAMED])
    left = f" and {len(more) - NAMED} more columns" if len(more) > NAMED else ""
    sentence = f"The row adds to the earlier one of {record.number!r}, and this is not taken over: {named}{left}."
    return warning("says-more", sentence, more[0], record.verbatim[more[0]])


def speaks_of(record: Record, terms: Mapping[str, str], changed: Iterable[str]) -> dict[str, str]:
    """What the record says now of those of these terms of which it speaks; empty where it has a column for one and no value."""
    named = {darwin_core.term_of(column) for column in record.verbatim}
    return {term: terms.get(term, "") for term in changed if term in terms or term in named}


def changed_since(number: str, change: RecordChange) -> IngestIssue:
    """The source says something new of a term for which people accepted a value of their own."""
    said = change.source_value if change.source_now is None else change.source_now
    if change.is_adopted:
        sentence = f"The source of {number!r} now says {said[:200]!r} too, as was accepted here."
    elif change.is_stale:
        sentence = (
            f"The source of {number!r} now says {said[:200]!r}; {change.value[:200]!r} was accepted here when it said "
            f"{change.source_value[:200]!r}, and stays in force. Both are kept."
        )
    else:
        sentence = f"The source of {number!r} says {said[:200]!r} again, as when {change.value[:200]!r} was accepted here."
    return warning("accepted-change", sentence, change.term, said)


def ambiguous(number: str, several: Sequence[Specimen]) -> IngestIssue:
    """Several specimens have the number, and nothing says which of them is meant."""
    named = "; ".join(f"{each.key} ({_identifier_of(each)})" for each in several[:NAMED])
    more = f" and {len(several) - NAMED} more" if len(several) > NAMED else ""
    sentence = f"{number!r} is the number of several specimens: {named}{more}. Give the identifier of the one that is meant."
    return IngestIssue("ambiguous-number", sentence, "catalogNumber", number)


def same_number(number: str, terms: Mapping[str, str], others: Sequence[Specimen]) -> IngestIssue:
    """A new specimen has the number of others that are here."""
    identifiers = ", ".join(f"{term} {terms[term][:200]!r}" for term in identity.ID_TERMS if terms.get(term))
    named = ", ".join(each.key for each in others[:NAMED])
    sentence = f"{number!r} is also the number of {named}; {identifiers} makes this one another specimen."
    return warning("same-number", sentence)


def identified(number: str, terms: Mapping[str, str]) -> IngestIssue:
    """A specimen that was known by its number alone has got an identifier."""
    given = ", ".join(f"{term} {terms[term][:200]!r}" for term in identity.ID_TERMS if terms.get(term))
    return warning("identified", f"{number!r} was here without it, and has {given} from now on.")


def _is_known(column: str, text: str, specimen: Specimen) -> bool:
    """Whether the specimen says the same under another column's name, or the column speaks of an image."""
    term = darwin_core.term_of(column)
    return term in OF_IMAGES or (term is not None and specimen.read.get(term) in (text.strip(), date_of(text)))


def _by_number(namesakes: tuple[Specimen, ...]) -> Match:
    if len(namesakes) > 1:
        return Match(namesakes=namesakes, undecided=True)
    return Match(namesakes[0]) if namesakes else Match()


def _is_stronger(terms: Mapping[str, str], specimen: Specimen) -> bool:
    """Whether the record has an identifier of a kind that the specimen lacks, and that says more than those it has."""
    weakest = next(place for place, term in enumerate(identity.ID_TERMS) if specimen.read.get(term))
    return any(terms.get(term) for term in identity.ID_TERMS[:weakest])


def _identifier_of(specimen: Specimen) -> str:
    return next((specimen.read[term] for term in identity.ID_TERMS if specimen.read.get(term)), "no identifier")[:200]
