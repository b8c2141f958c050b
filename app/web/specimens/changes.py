"""What people proposed for a record and what was accepted, as people read it: beside the source's value, with the crop."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from annotations.model import Annotation, Canvas
from annotations.proposals import service as proposals
from annotations.proposals.service import Told
from annotations.proposed.form import OF_THE_SOURCE
from annotations.states.derive import FALLEN
from annotations.viewer_selectors import picture_of
from app.runtime.accounts import store as accounts
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal, may
from app.web.image_links import ImageLink, is_pictured, piece_of
from app.web.statement_words import author, creators, when
from iiif.catalogue import records
from iiif.catalogue.model import Media, RecordChange, Specimen
from iiif.catalogue.records import Difference, RecordVersion
from iiif.catalogue.visibility import sees
from ontology import darwin_core

CROP_PX = (420, 160)
VERSIONS_SHOWN = 20
READ = ("label", "text")
READING_CHARACTERS = 80
MOST_READINGS = 100
TONES = {"accepted": "good", "rejected": "bad", "superseded": "bad", "disputed": "warn", "stale": "warn"}
ACTIONS = {
    "source": "from the source",
    "accept": "accepted",
    "replace": "another statement in force",
    "take back": "taken back",
}


@dataclass(frozen=True, slots=True)
class ProposalLine:
    """A proposal beside its record. `mine`: who looks made it; `judgeable`: they may accept or reject it; `verdict` is the key of
    what they said of it, empty for nothing."""

    key: str
    iri: str
    version: int
    term: str
    label: str
    value: str
    verbatim: str
    source_verbatim: str
    source_value: str
    state: str
    tone: str
    by: str
    when: str
    warnings: tuple[str, ...]
    crop: ImageLink | None
    judgeable: bool
    verdict: str


@dataclass(frozen=True, slots=True)
class ChangeLine:
    """Whose the value of a term is that was accepted, and what its source says."""

    by: str
    when: str
    iri: str
    source_value: str
    source_now: str
    stale: bool


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version of the record: who made it when, from which statement, and what differs from the one before."""

    number: int
    action: str
    label: str
    by: str
    when: str
    iri: str
    differs: tuple[tuple[str, Difference], ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a form for a proposal offers: groups of terms, each with its label, and statements that a value may be read from, by
    key with the beginning of what they say."""

    terms: tuple[tuple[str, tuple[tuple[str, str], ...]], ...]
    readings: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class RecordWork:
    """All that a page tells of the changes of one record. `offer` is for those who may propose one."""

    proposals: tuple[ProposalLine, ...]
    changes: Mapping[str, ChangeLine]
    versions: tuple[VersionLine, ...]
    more_versions: bool
    offer: Offer | None


def work(
    session: Session,
    specimen: Specimen,
    media: Sequence[Media],
    statements: Sequence[Annotation],
    addresses: Addresses,
    by: Principal,
) -> RecordWork:
    """As `by` sees it; `specimen` is what they see of the record, `statements` all that is said of it."""
    told = proposals.of_specimen(session, specimen.key, by=by)
    versions = records.history(session, specimen.key, by=by, limit=VERSIONS_SHOWN + 1)
    names = _names(session, told, specimen, versions, addresses)
    verdicts = proposals.verdicts_of(session, [one.proposal.annotation.key for one in told], by=by)
    images = {image.key: image for image in media if is_pictured(image) and sees(image, by)}
    judges = may(by, "judge", specimen)
    return RecordWork(
        tuple(_proposal(one, images, names, addresses, judges=judges, verdict=verdicts.get(_key(one), "")) for one in told),
        {term: _change(change, names, addresses) for term, change in specimen.changes.items()},
        tuple(_versions(versions, names, addresses))[:VERSIONS_SHOWN],
        len(versions) > VERSIONS_SHOWN,
        offer(statements) if may(by, "annotate", specimen) else None,
    )


def offer(statements: Sequence[Annotation]) -> Offer:
    """What may be proposed, and from which words that are read on its images."""
    groups = [
        (darwin_core.label_of(group), tuple((term, darwin_core.label_of(term)) for term in terms if term not in OF_THE_SOURCE))
        for group, terms in darwin_core.GROUPS.items()
    ]
    readings = [one for one in statements if one.kind in READ and one.state not in FALLEN and one.text.strip()]
    told = tuple((one.key, " ".join(one.text.split())[:READING_CHARACTERS]) for one in readings[:MOST_READINGS])
    return Offer(tuple((group, terms) for group, terms in groups if terms), told)


def line_of(session: Session, statement: Annotation, addresses: Addresses, by: Principal) -> ProposalLine | None:
    """What the statement proposes, beside its record, without its crop and without buttons; None where it proposes nothing."""
    told = proposals.of_statement(session, statement, by=by)
    return None if told is None else _proposal(told, {}, {}, addresses, judges=False, verdict="")


def _key(told: Told) -> str:
    return told.proposal.annotation.key


def _names(
    session: Session, told: Iterable[Told], specimen: Specimen, versions: Iterable[RecordVersion], addresses: Addresses
) -> Mapping[str, str]:
    """What people are called now, by their identifiers."""
    ours = addresses.pid("")
    iris = [iri for one in told for iri in creators(one.proposal.annotation)]
    keys = {iri.removeprefix(ours) for iri in iris if iri.startswith(ours)}
    keys |= {change.by for change in specimen.changes.values()} | {version.by for version in versions}
    return {addresses.pid(key): name for key, name in accounts.names(session, keys).items()}


def _proposal(
    told: Told, images: Mapping[str, Media], names: Mapping[str, str], addresses: Addresses, *, judges: bool, verdict: str
) -> ProposalLine:
    proposal, statement = told.proposal, told.proposal.annotation
    return ProposalLine(
        key=statement.key,
        iri=addresses.annotation(statement.key),
        version=statement.version,
        term=proposal.term,
        label=darwin_core.label_of(proposal.term),
        value=proposal.value or proposal.given,
        verbatim=proposal.verbatim if proposal.verbatim != proposal.value else "",
        source_verbatim=told.verbatim,
        source_value=told.source_value,
        state=statement.state,
        tone=TONES.get(statement.state, ""),
        by=author(statement, names),
        when=when(statement.created_at),
        warnings=tuple(note.sentence for note in told.notes),
        crop=_crop(statement, images),
        judgeable=judges and not told.mine,
        verdict=verdict,
    )


def _crop(statement: Annotation, images: Mapping[str, Media]) -> ImageLink | None:
    """The piece of the image that it was read from."""
    read = next((target for target in statement.targets if target.media_key in images and target.box is not None), None)
    if read is None or read.box is None:
        return None
    image = images[read.media_key]
    return piece_of(image, picture_of(read.box, Canvas(image.width_px, image.height_px)), CROP_PX)


def _change(change: RecordChange, names: Mapping[str, str], addresses: Addresses) -> ChangeLine:
    return ChangeLine(
        by=_who(change.by, names, addresses),
        when=when(change.at),
        iri=f"{addresses.annotation(change.statement)}/versions/{change.statement_version}",
        source_value=change.source_value,
        source_now=change.source_now or "",
        stale=change.is_stale,
    )


def _versions(versions: Sequence[RecordVersion], names: Mapping[str, str], addresses: Addresses) -> Iterable[VersionLine]:
    for version, earlier in zip(versions, [*versions[1:], None], strict=True):
        differs = records.differences(earlier, version) if earlier else ()
        yield VersionLine(
            number=version.number,
            action=ACTIONS[version.action],
            label=darwin_core.label_of(version.term) if version.term else "",
            by=_who(version.by, names, addresses),
            when=when(version.at),
            iri=f"{addresses.annotation(version.statement)}/versions/{version.statement_version}" if version.statement else "",
            differs=tuple((darwin_core.label_of(one.term), one) for one in differs),
        )


def _who(name: str, names: Mapping[str, str], addresses: Addresses) -> str:
    return names.get(addresses.pid(name), name)
