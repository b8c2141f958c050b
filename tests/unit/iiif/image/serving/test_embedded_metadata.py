"""What pictures carry, read back by other readers, and pixels that are not touched by it."""

import dataclasses
import io
from datetime import UTC, datetime
from xml.etree import ElementTree

import numpy as np
import pytest
import pyvips
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from iiif.catalogue.model import Media
from iiif.image.pyramid.camera_facts import CameraFacts
from iiif.image.serving import embedded_metadata
from iiif.image.serving.embedded_metadata import Policy
from tests.unit.iiif.image.pictures import drawn, file_of

RIGHTS, CAMERA, ALL = Policy("rights", gps=False), Policy("camera", gps=False), Policy("camera", gps=True)
ADDRESS = "https://herbarium.example/ark:99999/s1abc?a=1&b=2"
MEDIA = Media(
    key="s1abc",
    specimen_key="s1xyz",
    version=1,
    sequence=1,
    sha256="0" * 64,
    byte_size=1,
    format="image/jpeg",
    width_px=1,
    height_px=1,
    exif_orientation=1,
    icc_profile="",
    file_name="sheet.jpg",
    rights="CC BY 4.0",
    rights_holder="Herbarium <Berlin> & Friends",
    creator="Ä. Müller 花",
    state="ready",
    state_reason="",
    pyramid_sha256="",
    derivative_version=2,
    access="open",
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    institution_code="B",
    collection_code="",
)
FACTS = CameraFacts(
    taken_at="2019-05-06T10:11:12+02:00",
    make="Canon",
    model="EOS 5D",
    lens="EF 100mm",
    exposure="1/125",
    f_number=8.0,
    iso=100,
    focal_length_mm=100.0,
    artist="B. Camera",
    copyright="by the camera",
    latitude=-52.5186,
    longitude=13.4081,
)
NAMES = embedded_metadata.NAMESPACES | {"rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#"}


def _texts(packet: bytes) -> dict[str, str]:
    """The values of a packet by their prefixed names."""
    description = ElementTree.fromstring(packet).find(".//rdf:Description", NAMES)
    assert description is not None
    prefix = {iri: name for name, iri in NAMES.items()}
    values = {}
    for element in description:
        iri, _, local = element.tag[1:].partition("}")
        values[f"{prefix[iri]}:{local}"] = "".join(element.itertext())
    return values


def _encoded() -> dict[str, bytes]:
    pixels = drawn(301, 203)
    clear = np.dstack([pixels, np.full(pixels.shape[:2], 120, np.uint8)])
    image, clear_image = (pyvips.Image.new_from_array(array, interpretation="srgb") for array in (pixels, clear))
    return {
        "jpg": file_of(pixels),
        "jpg of RGB": image.jpegsave_buffer(Q=92, keep="none"),
        "png": image.pngsave_buffer(),
        "png with alpha": clear_image.pngsave_buffer(),
        "webp": image.webpsave_buffer(keep="none"),
        "webp with alpha": clear_image.webpsave_buffer(keep="none"),
        "webp lossless": image.webpsave_buffer(lossless=True, keep="none"),
        "webp lossless with alpha": clear_image.webpsave_buffer(lossless=True, keep="none"),
        "tif": image.tiffsave_buffer(compression="deflate", keep="none"),
        "tif of one bit": image.colourspace("b-w").tiffsave_buffer(compression="ccittfax4", bitdepth=1, keep="none"),
    }


ENCODED = _encoded()


@pytest.mark.parametrize("name", ENCODED)
def test_other_readers_find_the_packet_and_the_same_pixels(name: str) -> None:
    body, packet = ENCODED[name], embedded_metadata.packet(MEDIA, ADDRESS, FACTS, ALL)
    told = embedded_metadata.embed(body, name.split()[0], packet)
    before, after = (pyvips.Image.new_from_buffer(data, "", fail_on="warning") for data in (body, told))
    assert np.array_equal(before.numpy(), after.numpy())
    assert after.get("xmp-data") == packet
    with Image.open(io.BytesIO(body)) as plain, Image.open(io.BytesIO(told)) as picture:
        assert picture.mode == plain.mode
        assert np.array_equal(np.asarray(plain), np.asarray(picture))
        xmp = picture.info.get("xmp") or picture.tag_v2[700]
        assert (xmp.encode() if isinstance(xmp, str) else xmp) == packet


def test_the_scan_of_a_jpeg_is_untouched() -> None:
    body, packet = ENCODED["jpg"], embedded_metadata.packet(MEDIA, ADDRESS, None, RIGHTS)
    told = embedded_metadata.embed(body, "jpg", packet)
    assert told.endswith(body[20:])
    assert told[:20] == body[:20]


def test_formats_without_a_place_stay_as_they_are() -> None:
    packet = embedded_metadata.packet(MEDIA, ADDRESS, None, RIGHTS)
    assert embedded_metadata.embed(b"GIF89a...", "gif", packet) == b"GIF89a..."
    assert embedded_metadata.embed(ENCODED["jpg"], "jpg", b"") == ENCODED["jpg"]


@pytest.mark.parametrize("format_", ["jpg", "png", "webp", "tif"])
def test_a_body_of_another_format_is_refused(format_: str) -> None:
    with pytest.raises(ValueError, match="no"):
        embedded_metadata.embed(b"no picture at all, but long enough to be looked at", format_, b"<x/>")


def test_rights_say_who_made_it_who_owns_it_and_where_it_comes_from() -> None:
    assert _texts(embedded_metadata.packet(MEDIA, ADDRESS, FACTS, RIGHTS)) == {
        "dc:creator": "Ä. Müller 花",
        "dc:rights": "CC BY 4.0",
        "dc:identifier": ADDRESS,
        "dc:source": ADDRESS,
        "xmpRights:Owner": "Herbarium <Berlin> & Friends",
        "xmpRights:WebStatement": "http://creativecommons.org/licenses/by/4.0/",
        "xmpRights:UsageTerms": "CC BY 4.0",
        "xmpRights:Marked": "True",
    }


def test_camera_facts_come_only_where_they_are_allowed() -> None:
    camera = _texts(embedded_metadata.packet(MEDIA, ADDRESS, FACTS, CAMERA))
    assert camera["exif:DateTimeOriginal"] == "2019-05-06T10:11:12+02:00"
    assert camera["tiff:Model"] == "EOS 5D"
    assert camera["exif:ExposureTime"] == "1/125"
    assert camera["exif:FNumber"] == "8000/1000"
    assert not any("GPS" in name for name in camera)
    everything = _texts(embedded_metadata.packet(MEDIA, ADDRESS, FACTS, ALL))
    assert everything["exif:GPSLatitude"] == "52,31.116000S"
    assert everything["exif:GPSLongitude"] == "13,24.486000E"
    assert embedded_metadata.packet(MEDIA, ADDRESS, FACTS, Policy("none", gps=True)) == b""
    assert "exif:GPSLatitude" not in _texts(embedded_metadata.packet(MEDIA, ADDRESS, FACTS, Policy("rights", gps=True)))


def test_the_camera_speaks_where_the_record_is_silent() -> None:
    silent = dataclasses.replace(MEDIA, creator="", rights="")
    assert _texts(embedded_metadata.packet(silent, ADDRESS, FACTS, CAMERA))["dc:creator"] == "B. Camera"
    assert _texts(embedded_metadata.packet(silent, ADDRESS, FACTS, CAMERA))["dc:rights"] == "by the camera"
    assert "dc:creator" not in _texts(embedded_metadata.packet(silent, ADDRESS, FACTS, RIGHTS))


@given(text=st.text(max_size=60))
def test_any_text_makes_a_packet_that_parses(text: str) -> None:
    media = dataclasses.replace(MEDIA, creator=text, rights=text, rights_holder=text)
    facts = CameraFacts(make=text, lens=text)
    told = _texts(embedded_metadata.packet(media, ADDRESS, facts, CAMERA))
    kept = "".join(letter for letter in text if letter in "\t\n\r" or (letter >= " " and letter not in "\ufffe\uffff"))
    kept = "".join(letter for letter in kept if not "\ud800" <= letter <= "\udfff")
    assert told.get("dc:creator", "").replace("\n", "") == kept.replace("\r", "").replace("\n", "") or "\r" in kept


def test_the_longest_texts_still_fit_into_a_jpeg() -> None:
    long = "&" * 5000
    media = dataclasses.replace(MEDIA, creator=long, rights=long, rights_holder=long)
    facts = CameraFacts(**dict.fromkeys(("taken_at", "make", "model", "lens", "exposure"), long[:200]))
    packet = embedded_metadata.packet(media, ADDRESS + long, facts, ALL)
    assert len(packet) < embedded_metadata.MAX_PACKET
    told = embedded_metadata.embed(ENCODED["jpg"], "jpg", packet)
    assert pyvips.Image.new_from_buffer(told, "").get("xmp-data") == packet
    with pytest.raises(ValueError, match="segment"):
        embedded_metadata.embed(ENCODED["jpg"], "jpg", bytes(70_000))
