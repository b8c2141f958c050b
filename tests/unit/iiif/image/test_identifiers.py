"""Identifiers: keys, ARKs, segments as images of their own; and names that try to be something else."""

import io
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from werkzeug.test import Client

from app.runtime.context import Runtime
from iiif.catalogue.model import Media
from iiif.image.request import ImageRequest
from iiif.image.serving import delivery, open_images
from tests.unit.iiif.image.pictures import derived, drawn, file_of, psnr

WIDTH, HEIGHT = 1700, 1300
X, Y, W, H = 512, 1024 - 512, 900, 700  # begins on the grid of the full image
SEGMENT = f"{X},{Y},{W},{H}"


NOBODY = (
    "..",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2fblobs",
    "..%252f..%252fetc",
    "%252e%252e",
    "ark:%252F99999%252F{key}",
    "ark:/12345/{key}",
    "ark:/99999/../{key}",
    "ark:/99999//{key}",
    "ark:{key}",
    "{key}%2f..%2f{key}",
    "{key}%00",
    "{key}%0a",
    "{key};x",
    "{key}:",
    "{key}:1,2,3",
    "{key}:1,2,3,4,5",
    "{key}:a,b,c,d",
    "{key}:-1,0,10,10",
    "{key}:0.5,0,10,10",
    "{key}:١,٢,٣,٤",
    "/etc/passwd",
    "x" * 300,
    "",
)


@pytest.fixture
def media(runtime: Runtime) -> Media:
    return derived(runtime, file_of(drawn(WIDTH, HEIGHT)))


def _pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)))


def test_an_image_answers_to_its_ark(client: Client, slow: Client, media: Media) -> None:
    forms = ("ark:/99999/{}", "ark:99999/{}", "ark:%2F99999%2F{}", "ark%3A%2F99999%2F{}", "ark%3a99999%2f{}")
    for rest in ("info.json", "full/max/0/default.jpg", "0,0,512,512/512,512/0/default.jpg", "full/100,/0/gray.png"):
        by_key = client.get(f"/iiif/3/{media.key}/{rest}")
        for form in forms:
            for either in (client, slow):
                by_ark = either.get(f"/iiif/3/{form.format(media.key)}/{rest}")
                assert (by_ark.status_code, by_ark.data) == (200, by_key.data)
                assert by_ark.headers["ETag"] == by_key.headers["ETag"], "one image, one canonical form"
                assert by_ark.headers["Link"] == by_key.headers["Link"]


def test_the_base_address_by_ark_leads_to_the_document(client: Client, media: Media) -> None:
    for form in (f"ark:/99999/{media.key}", f"ark:%2F99999%2F{media.key}", f"{media.key}:{SEGMENT}/"):
        response = client.get(f"/iiif/3/{form}")
        assert response.status_code == 303
        assert client.get(response.headers["Location"].removeprefix("http://lectotype.test")).status_code == 200


def test_what_names_no_image_is_404_and_never_a_path(
    client: Client, slow: Client, media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Doubled slashes may lead to the address without them, and a NUL is refused before."""

    def no_file(*_: object) -> None:
        raise AssertionError("a file was looked for")

    monkeypatch.setattr("app.runtime.blobs.FolderBlobs.path", no_file)
    for name in NOBODY:
        for rest in ("", "/info.json", "/full/max/0/default.jpg", "/0,0,512,512/512,512/0/default.jpg"):
            path = f"/iiif/3/{quote(name.format(key=media.key), safe='%/:;,')}{rest}"
            for either in (client, slow):
                response = either.get(path, follow_redirects="//" in path)
                assert response.status_code in ((404, 400) if "%00" in path else (404,)), path
                assert response.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("form", [f":{SEGMENT}", f"%3A{SEGMENT.replace(',', '%2C')}"])
def test_a_segment_is_an_image_of_its_own(client: Client, slow: Client, media: Media, version: int, form: str) -> None:
    base = f"http://lectotype.test/iiif/{version}/{media.key}:{SEGMENT}"
    for either in (client, slow):
        document = either.get(f"/iiif/{version}/{media.key}{form}/info.json").json
        assert document is not None
        assert document["id" if version == 3 else "@id"] == base
        assert (document["width"], document["height"]) == (W, H)
        assert [list(size.values()) for size in document["sizes"]] == [[450, 350], [900, 700]]
        assert document["tiles"] == [{"width": 512, "height": 512, "scaleFactors": [1, 2]}]
        whole = either.get(f"/iiif/{version}/{media.key}{form}/full/{'max' if version == 3 else 'full'}/0/default.jpg")
        assert f'<{base}/full/{"max" if version == 3 else "full"}/0/default.jpg>;rel="canonical"' in whole.headers["Link"]
        assert _pixels(whole.data).shape == (H, W, 3)


def test_the_pixels_of_a_segment_are_those_of_its_image(client: Client, media: Media) -> None:
    full = _pixels(client.get(f"/iiif/3/{media.key}/full/max/0/default.png").data)
    odd = (333, 217, 451, 389)
    name = f"{media.key}:{','.join(map(str, odd))}"
    x, y, w, h = odd
    assert psnr(_pixels(client.get(f"/iiif/3/{name}/full/max/0/default.png").data), full[y : y + h, x : x + w]) > 40
    inner = _pixels(client.get(f"/iiif/3/{name}/50,60,100,80/max/0/default.png").data)
    assert psnr(inner, full[y + 60 : y + 140, x + 50 : x + 150]) > 40
    square = _pixels(client.get(f"/iiif/3/{name}/square/max/0/default.png").data)
    left = x + (w - h) // 2
    assert psnr(square, full[y : y + h, left : left + h]) > 40
    small = _pixels(client.get(f"/iiif/3/{name}/pct:50,50,50,50/max/0/default.png").data)
    assert psnr(small, full[y + 195 : y + h, x + 226 : x + w][: small.shape[0], : small.shape[1]]) > 20


def test_tiles_of_a_segment_on_the_grid_are_stored_tiles(client: Client, runtime: Runtime, media: Media) -> None:
    path = "0,0,512,512/512,512/0/default.jpg"
    of_segment = client.get(f"/iiif/3/{media.key}:{SEGMENT}/{path}")
    of_image = client.get(f"/iiif/3/{media.key}/{X},{Y},512,512/512,512/0/default.jpg")
    assert of_segment.data == of_image.data
    assert not any(runtime.settings.pictures_dir.glob("??/*")), "something was rendered"
    at_edge = client.get(f"/iiif/3/{media.key}:{SEGMENT}/512,0,388,512/388,512/0/default.jpg")
    assert Image.open(io.BytesIO(at_edge.data)).size == (388, 512)
    assert any(runtime.settings.pictures_dir.glob("??/*"))


def test_a_segment_must_lie_within_its_image(client: Client, slow: Client, media: Media) -> None:
    for segment in ("1600,0,101,10", "0,1290,10,11", "1700,0,1,1", "0,0,0,10", "0,0,10,0", "0,0,999999999,999999999"):
        for rest in ("info.json", "full/max/0/default.jpg", "0,0,8,8/8,8/0/default.jpg"):
            for either in (client, slow):
                response = either.get(f"/iiif/3/{media.key}:{segment}/{rest}")
                assert response.status_code == 404
                assert response.json is not None
                assert f"{WIDTH} × {HEIGHT}" in response.json["detail"]
    assert client.get(f"/iiif/3/{media.key}:0,0,{WIDTH},{HEIGHT}/info.json").status_code == 200


def test_the_same_pixels_asked_for_by_segment_and_by_region_are_kept_once(runtime: Runtime, media: Media) -> None:
    found = open_images.of(runtime)
    whole, segment = found.find(media.key), found.find(f"{media.key}:{SEGMENT}")

    by_region = ImageRequest.parse(3, "612,562,300,200", "200,", "0", "default", "jpg").resolve(WIDTH, HEIGHT, found.limits)
    by_segment = ImageRequest.parse(3, "100,50,300,200", "200,", "0", "default", "jpg").resolve(W, H, found.limits)
    assert delivery.key_of(whole, by_region) == delivery.key_of(segment, by_segment.shifted(X, Y, WIDTH, HEIGHT))
