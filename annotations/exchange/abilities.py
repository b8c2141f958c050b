"""What each format can carry, as data: the report of losses and docs/exchange.md follow from it.

`exact`: a reader of that format gets it back as it was. `near`: it is written, but not to the last digit or pixel, and the
report says how near. `beside`: other programs do not see it, but this hub reads it back. `lost`: the object is written without
it. `out`: an object that is such is not written at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from annotations import region_masks
from annotations.exchange.model import Statement
from annotations.regions import Region

Keeping = Literal["exact", "near", "beside", "lost", "out"]
Feature = Literal[
    "box", "rings", "parts", "holes", "mask", "oriented box", "line", "point", "whole image",
    "class", "class term", "crowd", "score", "keypoints", "text", "language", "comment", "number with unit", "attributes",
    "identifier", "creator", "run", "licence", "several targets", "further bodies",
]  # fmt: skip
GEOMETRY: tuple[Feature, ...] = (
    "box", "rings", "parts", "holes", "mask", "oriented box", "line", "point", "whole image",
)  # fmt: skip
FEATURES: tuple[Feature, ...] = (
    *GEOMETRY,
    *("class", "class term", "crowd", "score", "keypoints", "text", "language", "comment", "number with unit", "attributes"),
    *("identifier", "creator", "run", "licence", "several targets", "further bodies"),
)


@dataclass(frozen=True, slots=True)
class Ability:
    """How a format keeps a feature, and what is done where it cannot."""

    keeps: Keeping
    done: str = ""


EXACT = Ability("exact")
BESIDE = Ability("beside", "in a member of our own, which other readers ignore")
Abilities = Mapping[Feature, Ability]


def table(**kept: Ability) -> Abilities:
    """The abilities of a format by feature, whose blanks are written as `_`; what is not named is lost."""
    said = {name.rstrip("_").replace("_", " "): ability for name, ability in kept.items()}
    if unknown := said.keys() - set(FEATURES):
        raise ValueError(f"no features: {sorted(unknown)}")
    return {feature: said.get(feature, Ability("lost")) for feature in FEATURES}


def out(reason: str) -> Ability:
    return Ability("out", reason)


def near(done: str) -> Ability:
    return Ability("near", done)


def lost(done: str) -> Ability:
    return Ability("lost", done)


def features_of(statement: Statement) -> tuple[Feature, ...]:
    """What of the features the statement has, in their order."""
    has = {
        **_geometry(statement),
        "class": bool(statement.class_name),
        "class term": bool(statement.class_iri),
        "crowd": statement.crowd,
        "score": statement.score is not None,
        "keypoints": bool(statement.keypoints),
        "text": bool(statement.text),
        "language": bool(statement.language),
        "comment": bool(statement.comment),
        "number with unit": statement.value is not None,
        "attributes": bool(statement.attributes),
        "identifier": bool(statement.iri),
        "creator": bool(statement.creator),
        "run": bool(statement.run),
        "licence": bool(statement.licence),
        "several targets": statement.parts > 1,
        "further bodies": statement.bodies > 0,
    }
    return tuple(feature for feature in FEATURES if has.get(feature))


def _geometry(statement: Statement) -> dict[str, bool]:
    region = statement.region
    if region is None:
        return {"whole image": True}
    kind = region.kind
    if kind != "rings":
        return {kind: True}
    several = len(region.rings) > 1
    holes = sum(region_masks.signed_area(ring) < 0 for ring in region.rings) if several else 0
    outer = len(region.rings) - holes
    return {
        "rings": not statement.oriented,
        "oriented box": statement.oriented,
        "parts": outer > 1,
        "holes": holes > 0 and outer > 0,
    }


def is_area(region: Region | None) -> bool:
    return region is not None and region.has_area
