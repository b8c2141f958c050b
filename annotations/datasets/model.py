"""What a dataset is to the rest of the system: a concept, its versions, and what these are made of."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from annotations.states.derive import State

Kind = Literal["corpus", "benchmark"]
KINDS: tuple[Kind, ...] = get_args(Kind)
VersionState = Literal["building", "frozen", "withdrawn"]
Policy = Literal["open", "stated", "any"]
POLICIES: tuple[Policy, ...] = get_args(Policy)
COUNTED = ("specimen", "media", "annotation", "segment")  # what a question may ask for
LAYERS = ("machine", "people")
CC0 = "http://creativecommons.org/publicdomain/zero/1.0/"
DEFAULT_SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1}


@dataclass(frozen=True, slots=True)
class Person:
    """Who is cited. `orcid` is an ORCID iD as an address, or empty."""

    name: str
    orcid: str = ""


@dataclass(frozen=True, slots=True)
class Selection:
    """The question that a dataset is made of.

    `type` is what `q` and `filters` ask for: the images of specimens that are found, images, images of segments, or annotations
    with their images. Of the annotations on these images those go along (of a question for annotations: of those found) that have
    one of the `kinds`, `layers`, `states` and `runs`, where these are given, and at least `min_confidence`; what says nothing of
    its confidence does. Without `states`, all but what was rejected or superseded. `saved_query` names the saved question.
    """

    q: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    type: str = "specimen"
    annotations: bool = True
    kinds: tuple[str, ...] = ()
    layers: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    min_confidence: float | None = None
    saved_query: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "q": self.q,
            "filters": {name: list(values) for name, values in self.filters.items()},
            "type": self.type,
            "annotations": self.annotations,
            "kinds": list(self.kinds),
            "layers": list(self.layers),
            "states": list(self.states),
            "runs": list(self.runs),
            "minConfidence": self.min_confidence,
            "savedQuery": self.saved_query,
        }

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> "Selection":
        """From what `to_json` has made."""
        return cls(
            q=said["q"],
            filters=said["filters"],
            type=said["type"],
            annotations=said["annotations"],
            kinds=tuple(said["kinds"]),
            layers=tuple(said["layers"]),
            states=tuple(said["states"]),
            runs=tuple(said["runs"]),
            min_confidence=said["minConfidence"],
            saved_query=said["savedQuery"],
        )


@dataclass(frozen=True, slots=True)
class SplitRule:
    """Which group of images goes where: by a digest of `seed` and group, against the shares, in the order of their names here.

    `hidden` are the splits of a benchmark whose labels are not given out.
    """

    seed: int = 0
    shares: Mapping[str, float] = field(default_factory=lambda: dict(DEFAULT_SHARES))
    hidden: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        shares = [[name, share] for name, share in self.shares.items()]
        return {"seed": self.seed, "shares": shares, "hidden": list(self.hidden)}

    @classmethod
    def of_json(cls, said: Mapping[str, Any]) -> "SplitRule":
        return cls(said["seed"], dict(said["shares"]), tuple(said["hidden"]))


@dataclass(frozen=True, slots=True)
class Draft:
    """What is said of a dataset when it is made or described anew."""

    title: str
    description: str = ""
    creators: tuple[Person, ...] = ()
    keywords: tuple[str, ...] = ()
    kind: Kind = "corpus"
    selection: Selection = field(default_factory=Selection)
    split: SplitRule = field(default_factory=SplitRule)
    policy: Policy = "any"
    licence: str = CC0


@dataclass(frozen=True, slots=True)
class Dataset:
    """The concept. `classes` is its class table, which only grows: [number from 1, name]. `newest` is the number of its newest
    frozen version, 0 before the first. `licence` is that of the compilation, apart from those of the pictures."""

    key: str
    title: str
    description: str
    creators: tuple[Person, ...]
    keywords: tuple[str, ...]
    kind: Kind
    selection: Selection
    split: SplitRule
    policy: Policy
    licence: str
    classes: tuple[tuple[int, str], ...]
    newest: int
    created_at: datetime
    created_by: str


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `told` is what was said of the dataset when it was frozen: title, description, creators, publisher, question,
    split rule and class table. `summary` has counts, licences, attribution and what was left out. `content_id` is the SHA-256
    of its manifest."""

    key: str
    number: int
    state: VersionState
    content_id: str
    manifest_bytes: int
    told: Mapping[str, Any]
    summary: Mapping[str, Any]
    code_version: str
    outbox_position: int
    previous: int
    asked_at: datetime
    asked_by: str
    frozen_at: datetime | None
    withdrawn_at: datetime | None
    withdrawn_by: str
    withdrawn_why: str
    doi: str = ""

    @property
    def name(self) -> str:
        """`d1….v2`: what stands in addresses."""
        return f"{self.key}.v{self.number}"


@dataclass(frozen=True, slots=True)
class ImageMember:
    """An image of a version. `licence` is the address of its licence, empty where none is known; `rights` what its source says.
    Of one whose `access` was not "open" only the record goes out, not the bytes. `crc32` is of the master's bytes."""

    media_key: str
    sha256: str
    byte_size: int
    crc32: int
    media_type: str
    width_px: int
    height_px: int
    specimen_key: str
    record_version: int
    licence: str
    rights: str
    holder: str
    creator: str
    access: str
    group_id: str
    split: str

    def values(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class AnnotationMember:
    """An annotation of a version; `sha256` is that of its document in canonical form, `media_key` the image that it lies on,
    `state` its review state when it was frozen."""

    annotation_key: str
    version: int
    media_key: str
    sha256: str
    kind: str
    class_name: str
    author: str
    run_key: str
    state: State
