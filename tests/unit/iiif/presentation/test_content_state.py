"""Content states: the specification's own examples, round trips, and whatever else may come in a link."""

import base64
import json
from contextlib import suppress
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iiif.presentation.content_state import BadContentState, ContentState, decode, encode

MANIFEST = "https://example.org/iiif/item1/manifest"
CANVAS = "https://example.org/iiif/item1/canvas37"
# Content State API 1.0, section 6: the encoded form of {"id": …canvas7, "type": "Canvas", "partOf": […]}
SPEC_DOCUMENT = (
    '{"id":"https://example.org/object1/canvas7","type":"Canvas",'
    '"partOf":[{"id":"https://example.org/object1/manifest","type":"Manifest"}]}'
)
SPEC_ENCODED = (
    "JTdCJTIyaWQlMjIlM0ElMjJodHRwcyUzQSUyRiUyRmV4YW1wbGUub3JnJTJGb2JqZWN0MSUyRmNhbnZhczclMjIlMkMlMjJ0eXBlJTIyJTNBJTIyQ2FudmFz"
    "JTIyJTJDJTIycGFydE9mJTIyJTNBJTVCJTdCJTIyaWQlMjIlM0ElMjJodHRwcyUzQSUyRiUyRmV4YW1wbGUub3JnJTJGb2JqZWN0MSUyRm1hbmlmZXN0JTIy"
    "JTJDJTIydHlwZSUyMiUzQSUyMk1hbmlmZXN0JTIyJTdEJTVEJTdE"
)


def of_json(value: object) -> str:
    return base64.urlsafe_b64encode(quote(json.dumps(value), safe="").encode()).decode()


def test_the_example_of_the_specification_is_read() -> None:
    found = decode(SPEC_ENCODED)
    assert found == ContentState("https://example.org/object1/manifest", "https://example.org/object1/canvas7")
    assert decode(SPEC_DOCUMENT) == found


def test_a_whole_manifest_is_its_plain_address() -> None:
    assert encode(ContentState(MANIFEST)) == MANIFEST
    assert decode(MANIFEST) == ContentState(MANIFEST)


def test_what_is_encoded_is_safe_in_a_link_and_padded_by_nothing() -> None:
    text = encode(ContentState(MANIFEST, CANVAS, "10,20,30,40"))
    assert quote(text, safe="") == text
    assert decode(text) == ContentState(MANIFEST, CANVAS, "10,20,30,40")


@given(st.text(alphabet="abc/ÆØ漢~é?=-", max_size=40), st.sampled_from(["", "0,0,1,1", "1.5,2,30000,4"]))
def test_every_place_comes_back(tail: str, box: str) -> None:
    state = ContentState(f"{MANIFEST}{tail}", f"{CANVAS}{tail}", box)
    assert decode(encode(state)) == state


@pytest.mark.parametrize(
    ("value", "state"),
    [
        ({"type": "Annotation", "motivation": "contentState", "target": MANIFEST}, ContentState(MANIFEST)),
        ({"type": "Annotation", "target": {"id": MANIFEST, "type": "Manifest"}}, ContentState(MANIFEST)),
        ([{"id": CANVAS, "type": "Canvas", "partOf": MANIFEST}], ContentState(MANIFEST, CANVAS)),
        (
            {"type": "Annotation", "target": [{"type": "SpecificResource", "source": {"id": CANVAS, "partOf": [{"id": MANIFEST}]},
             "selector": {"type": "FragmentSelector", "value": "xywh=1,2,3,4"}}]},
            ContentState(MANIFEST, CANVAS, "1,2,3,4"),
        ),
        ({"id": f"{CANVAS}#xywh=5,6,7,8", "type": "Canvas"}, ContentState("", CANVAS, "5,6,7,8")),
        ({"id": f"{CANVAS}#t=10", "type": "Canvas"}, ContentState("", CANVAS)),
    ],
)  # fmt: skip
def test_each_form_is_read(value: object, state: ContentState) -> None:
    assert decode(of_json(value)) == state
    assert decode(json.dumps(value)) == state


NONE = ["", " ", "!", "a" * 9_000, "AAAA", "[" * 5_000]
NONE += [of_json(value) for value in (5, {}, {"type": "Annotation", "target": 1}, {"type": "Canvas"}, [[[]]])]


@pytest.mark.parametrize("text", NONE)
def test_what_is_none_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(BadContentState, match=r"\.$"):
        decode(text)


@given(st.text(max_size=300))
def test_no_text_does_more_than_be_refused(text: str) -> None:
    with suppress(BadContentState):
        assert decode(text).manifest
