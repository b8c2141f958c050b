"""The Image API over HTTP, behind the fast path and without it."""

import io
import json
import threading
from collections.abc import Callable

import pytest
from flask import Flask
from PIL import Image
from werkzeug.test import Client

from app.runtime import context
from app.runtime.context import Runtime
from app.runtime.principal import NOBODY
from app.web.fast_images import FastImages
from iiif.catalogue.model import Media
from iiif.image import info, service
from iiif.image.errors import NotYetDerived
from iiif.image.request import PixelBox
from iiif.image.serving import open_images
from tests.services import wait_until
from tests.unit.iiif.image.pictures import derived, drawn, enter, file_of

WIDTH, HEIGHT = 1333, 1999
FUTURE = "Fri, 01 Jan 2100 00:00:00 GMT"


@pytest.fixture
def media(runtime: Runtime) -> Media:
    return derived(runtime, file_of(drawn(WIDTH, HEIGHT)))


def _path(media: Media, rest: str, version: int = 3) -> str:
    return f"/iiif/{version}/{media.key}/{rest}"


@pytest.mark.parametrize("version", [2, 3])
def test_every_advertised_tile_and_size_comes_alike_from_both_paths(
    client: Client, slow: Client, media: Media, version: int
) -> None:
    document = client.get(_path(media, "info.json", version)).json
    assert document is not None
    tile = document["tiles"][0]
    paths = [f"full/{size['width']},{size['height']}/0/default.jpg" for size in document["sizes"]]
    for scale in tile["scaleFactors"]:
        span = tile["width"] * scale
        for x in range(0, WIDTH, span):
            for y in range(0, HEIGHT, span):
                width, height = min(span, WIDTH - x), min(span, HEIGHT - y)
                size = f"{-(-width // scale)}," + ("" if version == 2 else str(-(-height // scale)))
                paths.append(f"{x},{y},{width},{height}/{size}/0/default.jpg")
    for path in paths:
        fast, plain = client.get(_path(media, path, version)), slow.get(_path(media, path, version))
        assert fast.status_code == plain.status_code == 200, path
        assert fast.data == plain.data
        assert {name: fast.headers[name] for name in ("ETag", "Link", "Content-Type")} == {
            name: plain.headers[name] for name in ("ETag", "Link", "Content-Type")
        }
        asked = [int(number or 0) for number in path.split("/")[1].split(",")]
        assert Image.open(io.BytesIO(fast.data)).size == (asked[0], asked[1] or Image.open(io.BytesIO(fast.data)).size[1])


def test_the_information_document_of_3_0(client: Client, media: Media) -> None:
    response = client.get(_path(media, "info.json"))
    document = json.loads(response.data)
    assert document["id"] == f"http://lectotype.test/iiif/3/{media.key}"
    assert (document["type"], document["profile"], document["protocol"]) == (
        "ImageService3",
        "level2",
        "http://iiif.io/api/image",
    )
    assert (document["width"], document["height"]) == (WIDTH, HEIGHT)
    assert document["sizes"][0] == {"width": 334, "height": 500}
    assert document["tiles"] == [{"width": 512, "height": 512, "scaleFactors": [1, 2, 4]}]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Content-Type"].startswith("application/ld+json")


def test_the_information_document_is_negotiated(client: Client, slow: Client, media: Media) -> None:
    for either in (client, slow):
        for version in (2, 3):
            path = _path(media, "info.json", version)
            plain = either.get(path, headers={"Accept": "application/json"})
            linked = either.get(path, headers={"Accept": "application/ld+json"})
            assert plain.headers["Content-Type"] == "application/json"
            assert "json-ld#context" in plain.headers["Link"]
            assert linked.headers["Content-Type"].startswith("application/ld+json")
            assert "json-ld#context" not in linked.headers["Link"]
            assert plain.data == linked.data
            assert plain.headers["Vary"] == "Accept"


def test_the_document_of_2_1_has_its_own_names(client: Client, media: Media) -> None:
    document = client.get(_path(media, "info.json", 2)).json
    assert document is not None
    assert document["@id"] == f"http://lectotype.test/iiif/2/{media.key}"
    assert document["profile"][0] == info.PROFILE[2]
    assert "id" not in document


@pytest.mark.parametrize("path", ["info.json", "full/334,500/0/default.jpg", "100,100,300,300/200,/0/gray.png"])
def test_what_a_client_has_is_not_sent_again(client: Client, media: Media, path: str) -> None:
    first = client.get(_path(media, path))
    again = client.get(_path(media, path), headers={"If-None-Match": f'"other", W/{first.headers["ETag"]}'})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == first.headers["ETag"]
    assert client.get(_path(media, path), headers={"If-None-Match": '"other"'}).status_code == 200
    assert "Last-Modified" not in first.headers, "what is sent depends on more than a file"
    assert client.get(_path(media, path), headers={"If-Modified-Since": FUTURE}).status_code == 200


def test_the_canonical_address_is_in_the_link(client: Client, media: Media) -> None:
    link = client.get(_path(media, "pct:0,0,100,100/!200,200/360/color.jpg")).headers["Link"]
    assert f'<http://lectotype.test/iiif/3/{media.key}/full/133,200/0/default.jpg>;rel="canonical"' in link
    assert f'<{info.PROFILE[3]}>;rel="profile"' in link


def test_the_base_address_leads_to_the_document(client: Client, media: Media) -> None:
    for path in (f"/iiif/3/{media.key}", f"/iiif/3/{media.key}/"):
        response = client.get(path)
        assert response.status_code == 303
        assert response.headers["Location"] == f"http://lectotype.test/iiif/3/{media.key}/info.json"


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("x/max/0/default.jpg", "region"),
        ("5000,0,1,1/max/0/default.jpg", "region"),
        ("5000,0,512,512/512,512/0/default.jpg", "region"),
        ("full/x/0/default.jpg", "size"),
        ("full/0,0/0/default.jpg", "size"),
        ("full/2000,/0/default.jpg", "size"),
        ("full/^16001,/0/default.jpg", "size"),
        ("full/max/x/default.jpg", "rotation"),
        ("full/max/361/default.jpg", "rotation"),
        ("full/max/0/x.jpg", "quality"),
        ("full/max/0/default.x", "format"),
        ("full/max/0/default", "format"),
    ],
)
def test_a_bad_parameter_is_named_with_its_clause(client: Client, media: Media, path: str, parameter: str) -> None:
    response = client.get(_path(media, path))
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json is not None
    assert response.json["parameter"] == parameter
    assert response.json["spec"].startswith("https://iiif.io/api/image/")


def test_images_that_cannot_be_served_say_why(client: Client, runtime: Runtime) -> None:
    pending, failed = enter(runtime, file_of(drawn(30, 20))), derived(runtime, b"no image")
    waiting = client.get(_path(pending, "info.json"))
    assert waiting.status_code == 503
    assert int(waiting.headers["Retry-After"]) > 0
    refused = client.get(_path(failed, "full/max/0/default.jpg"))
    assert refused.status_code == 404
    assert refused.json is not None
    assert "not an image of a kind" in refused.json["detail"]
    for path in (
        "/iiif/3/m1nothere/info.json",
        "/iiif/3/a%2Fb/info.json",
        "/iiif/3/a%2Fb/full/max/0/default.jpg",
        "/iiif/4/x/info.json",
    ):
        assert client.get(path).status_code == 404


def test_head_and_options(client: Client, media: Media) -> None:
    head = client.head(_path(media, "full/334,500/0/default.jpg"))
    got = client.get(_path(media, "full/334,500/0/default.jpg"))
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == str(len(got.data))
    options = client.options(_path(media, "info.json"))
    assert options.status_code == 200
    assert "GET" in options.headers["Allow"]  # the rest of the preflight is the whole application's (tests/contract)
    assert client.post(_path(media, "info.json")).status_code == 405


def test_a_thumbnail_is_an_advertised_size_of_one_stored_tile(client: Client, runtime: Runtime, media: Media) -> None:
    addresses = runtime.addresses
    thumbnail = service.thumbnail(addresses, media, NOBODY)
    assert (thumbnail["width"], thumbnail["height"]) == (334, 500)
    response = client.get(thumbnail["id"].removeprefix("http://lectotype.test"))
    assert Image.open(io.BytesIO(response.data)).size == (334, 500)
    assert service.thumbnail(addresses, media, NOBODY, 900)["height"] == 1000
    assert service.thumbnail(addresses, media, NOBODY, 5000)["height"] == HEIGHT
    small = derived(runtime, file_of(drawn(40, 30)))
    assert service.thumbnail(addresses, small, NOBODY)["width"] == 40
    with pytest.raises(NotYetDerived):
        service.thumbnail(addresses, enter(runtime, file_of(drawn(31, 20))), NOBODY)


@pytest.mark.parametrize(
    "limits", [{"max_width": 479}, {"max_width": 100}, {"max_width": 3}, {"max_area": 40_000}, {"max_area": 1}]
)
def test_a_thumbnail_is_of_a_size_that_is_given_out(
    flask_app: Flask, runtime: Runtime, media: Media, limits: dict[str, int]
) -> None:
    narrow = Runtime(runtime.settings.with_(**limits), runtime.database, runtime.blobs, runtime.search)
    context.use(narrow)
    open_images._of_process.clear()
    client = Client(FastImages(flask_app.wsgi_app, open_images.of(narrow)))
    for segment in (None, PixelBox(10, 20, 900, 300)):
        thumbnail = service.thumbnail(narrow.addresses, media, NOBODY, segment=segment)
        assert thumbnail is not None
        offered = client.get(thumbnail["service"][0]["id"].removeprefix("http://lectotype.test") + "/info.json").json["sizes"]
        assert {"width": thumbnail["width"], "height": thumbnail["height"]} in offered
        response = client.get(thumbnail["id"].removeprefix("http://lectotype.test"))
        assert Image.open(io.BytesIO(response.data)).size == (thumbnail["width"], thumbnail["height"])


def test_tiles_and_pictures_made_before_pass_while_renders_wait(client: Client, runtime: Runtime, media: Media) -> None:
    client.get(_path(media, "full/400,/0/default.jpg"))
    found = open_images.of(runtime)
    places, free = found.lane.most, threading.Event()
    assert places < runtime.settings.web_threads, "renders may take every thread"
    occupants = [threading.Thread(target=found.lane.make, args=(str(number), _until(free))) for number in range(places)]
    for one in occupants:
        one.start()
    try:
        wait_until(lambda: found.lane.waiting == places, "a full lane")
        busy = client.get(_path(media, "10,10,50,50/max/0/default.jpg"))
        assert busy.status_code == 503
        assert int(busy.headers["Retry-After"]) > 0
        assert busy.json is not None
        assert busy.json["status"] == 503
        for path in ("full/334,500/0/default.jpg", "full/!400,600/0/default.jpg", "info.json"):
            assert client.get(_path(media, path)).status_code == 200
    finally:
        free.set()
        for one in occupants:
            one.join()
    assert client.get(_path(media, "10,10,50,50/max/0/default.jpg")).status_code == 200


def _until(free: threading.Event) -> Callable[[], bytes]:
    def work() -> bytes:
        free.wait(30)
        return b""

    return work
