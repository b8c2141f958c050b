"""What a manifest of either version says, and what of it has no place here."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iiif.harvest.errors import NotReadable
from iiif.harvest.reading import plain, read, text_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "@type", "items", "id", "body", "motivation", "service", "selector", "label", "metadata", "value"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=25,
)
KINDS = st.sampled_from(["Manifest", "sc:Manifest"])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"en": ["A leaf"], "de": ["Ein Blatt"]}, "A leaf"),
        ({"de": ["Ein Blatt", "Noch eins"]}, "Ein Blatt; Noch eins"),
        ([{"@value": "Ein Blatt", "@language": "de"}, {"@value": "A leaf", "@language": "en"}], "A leaf"),
        ("plain", "plain"),
        (["one", "two"], "one; two"),
        ({"@value": "x"}, "x"),
        ("<p>A <b>leaf</b> &amp; stem</p>", "A leaf & stem"),
        ("Length < 5 mm & > 3", "Length < 5 mm & > 3"),
        (None, ""),
        ({}, ""),
    ],
)
def test_a_label_is_read_as_plain_text(value: Any, text: str) -> None:
    assert text_of(value) == text


@settings(max_examples=30)
@given(st.text(max_size=60))
def test_text_that_is_no_html_stays(text: str) -> None:
    if not (text.lstrip().startswith("<") and text.rstrip().endswith(">")):
        assert plain(text) == text.strip()


@given(JSON, KINDS)
def test_whatever_a_manifest_holds_it_is_read_or_refused(inner: Any, kind: str) -> None:
    document = {
        "type": kind,
        "@type": kind,
        "items": inner,
        "sequences": [{"canvases": inner}],
        "metadata": inner,
        "seeAlso": inner,
    }
    with suppress(NotReadable):
        assert read(document, "https://museum.example/m").canvases


def test_every_recipe_of_the_cookbook_is_read_or_refused_with_the_reason(shared: Path) -> None:
    """What each still image recipe paints is found; sound and video are told."""
    taken = refused = without = 0
    for path in sorted((shared / "cookbook").glob("*/*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        if document.get("type", document.get("@type")) not in ("Manifest", "sc:Manifest") or not document.get("items", [0]):
            with pytest.raises(NotReadable, match=r"is no manifest|has no canvas"):
                read(document, path.name)
            refused += 1
            continue
        manifest = read(document, path.name)
        if any(canvas.images for canvas in manifest.canvases):
            taken += 1
        else:
            assert any("is no picture" in loss for loss in manifest.losses), path
            without += 1
    assert (taken, without, refused) == (69, 15, 18)


def test_a_part_of_a_picture_is_asked_of_its_image_service(shared: Path) -> None:
    document = json.loads((shared / "cookbook/0299-region/manifest.json").read_text(encoding="utf-8"))
    (canvas,) = read(document, "x").canvases
    (image,) = canvas.images
    assert (image.region, image.version) == ("1768,2423,1768,2080", 3)
