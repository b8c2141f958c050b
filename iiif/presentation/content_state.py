"""A place in a manifest as one text for links: Content State API 1.0, section 2 (forms) and section 6 (encoding).

A whole manifest is its plain IRI. A canvas, or a box on one, is an annotation with the motivation `contentState` whose target
names its manifest by `partOf`; that is encoded: UTF-8 JSON, then `encodeURIComponent`, then base64url without padding.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from app.runtime.errors import Invalid

SPEC = "https://iiif.io/api/content-state/1.0/"
CONTEXT = "http://iiif.io/api/presentation/3/context.json"
LONGEST = 8_000  # characters of a content state that is read
UNESCAPED = "-_.!~*'()"  # what encodeURIComponent leaves, beside letters and digits (ECMA-262, 19.2.6.4)
BOX = re.compile(r"(?:.*[#&])?xywh=(?:pixel:)?(\d{1,9}(?:\.\d{1,6})?(?:,\d{1,9}(?:\.\d{1,6})?){3})(?:&.*)?", re.ASCII)


class BadContentState(Invalid):
    """It is no content state, or one of a form that this hub does not read."""

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, parameter="iiif-content", spec=SPEC)


@dataclass(frozen=True, slots=True)
class ContentState:
    """What is to be shown: a manifest, or one of its canvases, or a box on that, as `x,y,w,h` in canvas units.

    Of a state that names a canvas alone `manifest` is empty.
    """

    manifest: str
    canvas: str = ""
    xywh: str = ""

    def document(self) -> dict[str, Any]:
        """As an annotation; the canvas is given."""
        target = {
            "id": f"{self.canvas}#xywh={self.xywh}" if self.xywh else self.canvas,
            "type": "Canvas",
            "partOf": [{"id": self.manifest, "type": "Manifest"}],
        }
        return {"@context": CONTEXT, "type": "Annotation", "motivation": ["contentState"], "target": target}


def encode(state: ContentState) -> str:
    """The value of `iiif-content`, not yet escaped for a query string (base64url needs none, an IRI does)."""
    if not state.canvas:
        return state.manifest
    text = json.dumps(state.document(), ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(quote(text, safe=UNESCAPED).encode()).decode().rstrip("=")


def decode(text: str) -> ContentState:
    """Read the value of `iiif-content`: a plain IRI, JSON, or JSON that was encoded. Raises BadContentState."""
    text = text.strip()
    if not text or len(text) > LONGEST:
        raise BadContentState(f"iiif-content is a text of up to {LONGEST:,} characters.")
    if re.match(r"https?://", text):
        return _of_iri(text)
    return _of_document(_json(text if text.startswith(("{", "[")) else _decoded(text)))


def _decoded(text: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_-]+={0,2}", text, re.ASCII) is None:
        raise BadContentState("iiif-content is an address, or JSON that was encoded as base64url.")
    bare = text.rstrip("=")
    try:
        return unquote_to_bytes(base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise BadContentState("iiif-content cannot be decoded: it is not base64url of UTF-8 text.") from error


def _json(text: str) -> Any:
    if re.match(r"https?://", text):  # an IRI that was encoded, which some viewers do
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadContentState("iiif-content holds no JSON.") from error


def _of_document(value: Any) -> ContentState:
    """Of several targets the first is shown, as section 2.2 lets a viewer do."""
    if isinstance(value, str):
        return _of_iri(value)
    target = _first(value)
    if isinstance(target, Mapping) and "target" in target:
        target = _first(target["target"])
    if isinstance(target, str):
        return _of_iri(target)
    if not isinstance(target, Mapping):
        raise BadContentState("A content state is an annotation, a canvas or a manifest.")
    if target.get("type") in ("Manifest", "sc:Manifest"):
        return ContentState(_iri(target))
    box = _box_of(target.get("selector"))
    if target.get("type") == "SpecificResource" or "source" in target:
        target = _first(target.get("source"))
        target = {"id": target} if isinstance(target, str) else target
        if not isinstance(target, Mapping):
            raise BadContentState("The target of a content state has a source.")
    iri = _of_iri(_iri(target))
    parent = _first(target.get("partOf"))
    manifest = parent if isinstance(parent, str) else _iri(parent) if isinstance(parent, Mapping) else ""
    return ContentState(manifest, iri.manifest, box or iri.xywh)


def _of_iri(iri: str) -> ContentState:
    """A plain IRI may name a manifest or a canvas, which only its owner tells apart: it stands as the manifest."""
    bare, _, fragment = iri.partition("#")
    return ContentState(bare, "", _xywh(fragment) if fragment else "")


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, list) and value else value


def _iri(thing: Mapping[str, Any]) -> str:
    iri = thing.get("id", thing.get("@id"))
    if not isinstance(iri, str) or not iri:
        raise BadContentState("What a content state shows has an id.")
    return iri


def _box_of(selector: Any) -> str:
    one = _first(selector)
    value = one.get("value") if isinstance(one, Mapping) else None
    return _xywh(value) if isinstance(value, str) else ""


def _xywh(fragment: str) -> str:
    """The box in a fragment; empty where it has none in canvas units, so that the whole is shown."""
    match = BOX.fullmatch(fragment)
    return match[1] if match else ""
