"""Addresses of images, right, wrong and hostile, through the whole application: never a 500, never a size that is not told."""

import io
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_from_bytes

import pytest
from hypothesis import HealthCheck, event, example, given, settings
from hypothesis import strategies as st
from PIL import Image
from werkzeug.test import Client, TestResponse

from app import compose
from app.runtime.db import Base
from app.runtime.settings import Settings
from app.web import create_app
from app.web.fast_images import FastImages
from iiif.image.serving import open_images
from tests.unit.iiif.image.pictures import derived, drawn, file_of

WIDTH, HEIGHT = 613, 389
BASE = "http://lectotype.test"
CANONICAL = re.compile(r'<([^>]+)>;rel="canonical"')
HEADERS = {"ETag", "Link", "Cache-Control", "Access-Control-Allow-Origin"}

edges = st.sampled_from([0, 1, 2, 255, 256, 257, 388, 389, 390, 512, 612, 613, 614, 10**6, 10**12, 10**13, 10**40])
whole = (st.integers(0, 700) | edges).map(str)
odd_numbers = st.sampled_from([".5", "5.", "1e2", "-1", "\u0663", "+1", " 1", "0x1"])
number = whole | st.decimals(0, 200, places=4, allow_nan=False).map(str) | odd_numbers
good_regions = st.sampled_from(["full", "square", "pct:10.5,0,33,100", "pct:0,0,.5,.5"]) | st.tuples(
    st.integers(0, 612), st.integers(0, 388), st.integers(1, 700), st.integers(1, 500)
).map(lambda four: ",".join(map(str, four)))
regions = (
    st.sampled_from(["FULL", "", "pct:", "0,0"])
    | st.tuples(*[whole] * 4).map(",".join)
    | st.tuples(*[number] * 4).map(",".join)
    | st.tuples(*[number] * 4).map(lambda four: "pct:" + ",".join(four))
)
side = st.integers(1, 700).map(str)
good_sizes = st.sampled_from(["max", "^max", "^pct:101.5", "pct:33"]) | st.one_of(
    side.map(lambda w: f"^{w},"),
    side.map(lambda h: f"^,{h}"),
    st.tuples(side, side).map(lambda two: "^" + ",".join(two)),
    st.tuples(side, side).map(lambda two: "!" + ",".join(two)),
)
shapes = st.sampled_from(["max", "full", "", ",", "!"]) | st.one_of(
    whole.map(lambda w: f"{w},"),
    number.map(lambda h: f",{h}"),
    number.map(lambda n: f"pct:{n}"),
    st.tuples(whole, whole).map(",".join),
    st.tuples(whole, whole).map(lambda two: "!" + ",".join(two)),
)
sizes = st.tuples(st.sampled_from(["", "", "^", "^^"]), shapes).map("".join)
good_rotations = st.sampled_from(["0", "0", "0", "90", "!0", "!270", "360", "12.5"])
rotations = st.sampled_from(["361", "-0", "NaN", "inf"]) | st.tuples(st.sampled_from(["", "!"]), number).map("".join)
good_lasts = st.sampled_from(
    ["default.jpg", "default.jpg", "color.png", "gray.webp", "bitonal.tif", "default.gif", "gray.pdf", "default.avif"]
)
lasts = st.sampled_from(
    ["default", "default.", ".jpg", "default.jpeg", "default.jp2", "native.jpg", "default.jpg.exe", "..", "%2e%2e"]
)
hostile = st.text(max_size=12) | st.sampled_from(
    ["..", ".", "%00", "\x00", "a/../..", "\\", "%2F", "%", "%zz", "\u0661", "\ud7ff", "a" * 3000, ";x", "?", "#"]
)
segments = st.builds(lambda text, twice: quote(quote(text, safe="") if twice else text, safe=",:!^."), hostile, st.booleans())


def _mostly(good: st.SearchStrategy[str], bad: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.integers(0, 7).flatmap(lambda chance: bad if chance == 0 else good)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, str]]:
    """The application as the web process runs it, and the key of its one image."""
    runtime = compose.build(
        Settings(data_dir=tmp_path_factory.mktemp("urls") / "data", base_url=BASE, max_width=900, max_area=500_000)
    )
    Base.metadata.create_all(runtime.database.engine)
    runtime.blobs.prepare(used=False)
    media = derived(runtime, file_of(drawn(WIDTH, HEIGHT)))
    yield Client(FastImages(create_app(runtime).wsgi_app, open_images.of(runtime))), media.key
    runtime.search.close()
    runtime.database.engine.dispose()


def _get(site: tuple[Client, str], path: str) -> TestResponse:
    response = site[0].get(path)
    assert response.status_code < 500, path
    if response.status_code >= 400:
        assert response.headers["Content-Type"] == "application/problem+json", path
        assert response.json is not None
        assert response.json["status"] == response.status_code
        assert len(response.data) < 5000
    return response


def _check_picture(site: tuple[Client, str], response: TestResponse) -> None:
    """The size is that of the canonical address, which itself leads to the very same picture."""
    assert set(response.headers.keys()) >= HEADERS
    canonical = CANONICAL.search(response.headers["Link"])[1]
    again = site[0].get(canonical.removeprefix(BASE))
    assert again.status_code == 200
    assert again.data == response.data
    assert again.headers["ETag"] == response.headers["ETag"]
    assert CANONICAL.search(again.headers["Link"])[1] == canonical
    _, size, rotation, last = canonical.split("/")[-4:]
    asked = re.fullmatch(r"\^?(\d+),(\d*)", size)
    if asked is None or rotation.lstrip("!") not in ("0", "90", "180", "270") or last.endswith(".pdf"):
        return
    picture = Image.open(io.BytesIO(response.data)).size
    width, height = picture[::-1] if rotation.lstrip("!") in ("90", "270") else picture
    assert width == int(asked[1])
    assert not asked[2] or height == int(asked[2])
    assert width * height <= 500_000
    assert max(width, height) <= 900


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.sampled_from([2, 3, 3, 3]),
    _mostly(good_regions, regions | hostile),
    _mostly(good_sizes, sizes | hostile),
    _mostly(good_rotations, rotations | hostile),
    _mostly(good_lasts, lasts | hostile),
)
@example(3, "0,0,512,389", "512,389", "0", "default.jpg")
@example(3, "512,0,101,389", "101,", "0", "default.jpg")
@example(2, "full", "full", "0", "default.jpg")
@example(3, "full", "^max", "45", "default.png")
@example(3, "\u0660,\u0660,\u0665,\u0665", "max", "0", "default.jpg")
def test_any_parameters_give_a_picture_or_a_problem(
    site: tuple[Client, str], version: int, region: str, size: str, rotation: str, last: str
) -> None:
    path = f"/iiif/{version}/{site[1]}/" + "/".join(quote(part, safe=",:!^.%") for part in (region, size, rotation, last))
    response = _get(site, path)
    event(f"status {response.status_code}")
    if response.status_code == 200:
        _check_picture(site, response)
    else:
        assert response.status_code in (400, 403, 404, 308), path


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(segments | st.sampled_from(["full", "max", "0", "default.jpg", "info.json", "KEY", "ark:", "99999"]), max_size=9))
@example(["..", "..", "..", "etc", "passwd", "info.json"])
@example(["KEY:0,0,0,0", "info.json"])
@example(["KEY:5,5,9,9", "full", "max", "0", "default.jpg"])
@example(["KEY:600,380,99,99", "info.json"])
def test_any_segments_give_an_answer_or_a_problem(site: tuple[Client, str], parts: list[str]) -> None:
    for version in (2, 3):
        _get(site, f"/iiif/{version}/" + "/".join(part.replace("KEY", site[1]) for part in parts))


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary(max_size=40), st.integers(0, 60))
def test_any_bytes_in_an_address_give_an_answer_or_a_problem(site: tuple[Client, str], junk: bytes, place: int) -> None:
    path = f"/iiif/3/{site[1]}/full/50,/0/default.jpg"
    at = min(place, len(path))
    _get(site, path[:at] + quote_from_bytes(junk, safe="") + path[at:])


def test_the_same_picture_under_other_names_is_one_picture(site: tuple[Client, str]) -> None:
    names = [
        "full/300,190/0/default.jpg",
        f"0,0,{WIDTH},{HEIGHT}/300,190/360/color.jpg",
        "pct:0,0,100,100/300,/0.0/default.jpg",
    ]
    found = [_get(site, f"/iiif/3/{site[1]}/{name}") for name in names]
    assert len({response.data for response in found}) == 1
    assert len({response.headers["ETag"] for response in found}) == 1
