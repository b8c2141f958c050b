"""From an annotation to the statement that writers are given."""

import math
from collections.abc import Mapping
from typing import Any

from annotations import frames, region_text, validation
from annotations.bodies import STATED, label_of, several
from annotations.errors import BadSelector, UnknownMask
from annotations.exchange.classes import term_of
from annotations.exchange.model import Keypoint, Statement
from annotations.mask_selectors import LoadMask
from annotations.model import Annotation, Canvas
from annotations.regions import Region
from app.runtime import ids
from app.runtime.addresses import Addresses
from ontology.segment_classes import CLASSES, class_of

DETAILS = "exchange"  # member of the details of an assertion that keeps what only formats know
READS = ("supplementing", "transcribing")
TALK = ("commenting", "describing", "replying")
NAMES = ("classifying", "tagging")


def statement(annotation: Annotation, canvas: Canvas, addresses: Addresses, load: LoadMask | None = None) -> Statement:
    """What the annotation says of the target that it has in front; its region in canvas units."""
    document = annotation.document
    told = _Bodies(annotation)
    kept = told.details.get(DETAILS)
    more: Mapping[str, Any] = kept if isinstance(kept, Mapping) else {}
    attributes = more.get("attributes")
    return Statement(
        key=annotation.key,
        version=annotation.version,
        iri=version_iri(annotation, addresses),
        region=_region(annotation, canvas, load),
        class_name=told.class_name,
        class_iri=told.class_iri,
        text=told.text,
        language=told.language,
        comment=told.comment,
        score=annotation.confidence,
        crowd=more.get("crowd") is True,
        oriented=more.get("oriented") is True,
        keypoints=_keypoints(more.get("keypoints")),
        value=annotation.value,
        unit=annotation.unit if annotation.value is not None else "",
        layer=annotation.layer,
        state=annotation.state,
        creator=_creator(document),
        run=addresses.run(annotation.run_key) if annotation.run_key else "",
        licence=next((iri for iri in several(document.get("rights")) if isinstance(iri, str)), ""),
        created=str(document.get("created", "")),
        parts=len(several(document.get("target"))),
        bodies=told.others,
        attributes={**told.granularity, **(attributes if isinstance(attributes, Mapping) else {})},
        document=document,
    )


def version_iri(annotation: Annotation, addresses: Addresses) -> str:
    """`…/ark:99999/n1….v2`; the address of the version for an annotation whose name is no ARK."""
    if ids.is_key(annotation.key, addresses.naan):
        return f"{addresses.pid(annotation.key)}.v{annotation.version}"
    return f"{addresses.annotation(annotation.key)}/versions/{annotation.version}"


def _region(annotation: Annotation, canvas: Canvas, load: LoadMask | None) -> Region | None:
    try:
        return frames.shown_region(annotation, canvas, load)
    except (UnknownMask, BadSelector):  # the file of the mask is lost: its outline stands beside it
        return frames.shown_region(annotation, canvas)


class _Bodies:
    """What each of the bodies is for."""

    def __init__(self, annotation: Annotation) -> None:
        self.text = self.language = self.comment = self.class_name = self.class_iri = ""
        self.details: Mapping[str, Any] = {}
        self.granularity: Mapping[str, str] = {}
        self.others = 0
        self.reads = any(motivation in READS for motivation in annotation.motivations)
        for body in several(annotation.document.get("body")):
            self.others += not self._takes(body)
        if isinstance(annotation.document.get("bodyValue"), str):
            self._say(annotation.document["bodyValue"])
        kind = annotation.kind
        named = self.class_name
        if kind and (not named or named == kind):
            self.class_name = class_of(kind) or kind
        if not self.class_iri and self.class_name in CLASSES:
            self.class_iri = term_of(self.class_name)

    def _takes(self, body: Any) -> bool:
        """Whether it is told by one of the members."""
        if not isinstance(body, Mapping):
            return False
        purpose = body.get("purpose")
        if STATED in several(body.get("type")):
            self.details = body["details"] if isinstance(body.get("details"), Mapping) else self.details
            return not isinstance(body.get("details"), Mapping) or set(body["details"]) <= {DETAILS}
        if purpose in NAMES and not self.class_name:
            source = body.get("source")
            self.class_name = body["value"] if isinstance(body.get("value"), str) else label_of(body)
            iri = source.get("id") if isinstance(source, Mapping) else source
            self.class_iri = iri if isinstance(iri, str) and validation.is_iri(iri) else ""
            return bool(self.class_name)
        if isinstance(body.get("textGranularity"), str):
            self.granularity = {"granularity": body["textGranularity"]}
        return isinstance(body.get("value"), str) and self._say(body["value"], purpose, body.get("language"))

    def _say(self, value: str, purpose: Any = None, language: Any = None) -> bool:
        if purpose in READS or (purpose is None and self.reads):
            if self.text:
                return False
            self.text, self.language = value, language if isinstance(language, str) else ""
            return True
        if (purpose in TALK or purpose is None) and not self.comment:
            self.comment = value
            return True
        return False


def _creator(document: Mapping[str, Any]) -> str:
    for one in several(document.get("creator")):
        if isinstance(one, str):
            return one
        if isinstance(one, Mapping):
            found = one.get("id", one.get("name"))
            if isinstance(found, str):
                return found
    return ""


def _keypoints(said: Any) -> tuple[Keypoint, ...]:
    """What of it is keypoints as formats bring them in; anybody may write such details."""
    if not isinstance(said, list):
        return ()
    found = []
    for one in said:
        if isinstance(one, list) and len(one) == 4 and isinstance(one[0], str) and one[3] in (0, 1, 2):
            x, y = _finite(one[1]), _finite(one[2])
            if x is not None and y is not None:
                found.append(Keypoint(one[0], x, y, one[3]))
    return tuple(found)


def _finite(said: Any) -> float | None:
    try:
        number = float(said) if isinstance(said, str | int | float) else math.nan
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def kept_keypoints(points: tuple[Keypoint, ...]) -> list[Any]:
    """As the details keep them: numbers as text, as databases of JSON round what is a number."""
    return [[point.name, region_text.exact(point.x), region_text.exact(point.y), point.visibility] for point in points]
