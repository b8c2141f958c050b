"""Access: open, reduced and closed images, with a token and without; nothing leaks and nothing fine can be put together."""

import io
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from werkzeug.test import Client, TestResponse

from app.cli.access import access
from app.runtime import context, tokens
from app.runtime.context import Runtime
from app.runtime.principal import NOBODY, Principal
from app.web import create_app
from app.web.fast_images import FastImages
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Access, Media
from iiif.image import service
from iiif.image.pyramid.format import Pyramid
from iiif.image.rendering import render
from iiif.image.request import PixelBox
from iiif.image.serving import open_images, responses
from iiif.image.serving.delivery import Order
from tests.unit.iiif.image.pictures import derived, drawn, file_of

WIDTH, HEIGHT = 1900, 1300
REDUCED = 400


@pytest.fixture
def runtime(runtime: Runtime) -> Runtime:
    smaller = Runtime(
        settings=runtime.settings.with_(reduced_width=REDUCED),
        database=runtime.database,
        blobs=runtime.blobs,
        search=runtime.search,
    )
    context.use(smaller)
    return smaller


@pytest.fixture
def media(runtime: Runtime) -> Media:
    return derived(runtime, file_of(drawn(WIDTH, HEIGHT)))


@pytest.fixture
def token(runtime: Runtime) -> dict[str, str]:
    with runtime.db.begin() as session:
        return {"Authorization": f"Bearer {tokens.create(session, 'curator', runtime.clock(), by=Principal.of_system())}"}


def _set(runtime: Runtime, media: Media, access: Access) -> None:
    """At once: the gallery forgets what it knows."""
    with runtime.db.begin() as session:
        catalogue.set_access(session, media.key, access, by=Principal.of_system(), at=runtime.clock())
    open_images._of_process.clear()


def _both(runtime: Runtime, slow: Client) -> tuple[Client, Client]:
    """Clients of a gallery that was made after the change."""
    return Client(FastImages(slow.application, open_images.of(runtime))), slow


def _size(response: TestResponse) -> tuple[int, int]:
    return Image.open(io.BytesIO(response.data)).size


PATHS = (
    "info.json",
    "full/max/0/default.jpg",
    "0,0,512,512/512,512/0/default.jpg",
    "7,7,90,90/50,/0/gray.png",
    "full/^max/0/default.jpg",
)


def test_a_closed_image_tells_nothing_without_a_token(
    runtime: Runtime, slow: Client, media: Media, token: dict[str, str]
) -> None:
    _set(runtime, media, "closed")
    for client in _both(runtime, slow):
        for name in (media.key, f"ark:/99999/{media.key}", f"{media.key}:0,0,512,512"):
            for path in ("", *PATHS):
                address = f"/iiif/3/{name}/{path}"
                for headers in (
                    {},
                    {"Authorization": "Bearer lt_wrong"},
                    {"Authorization": "Basic YTpi"},
                    {"Authorization": "Bearer"},
                ):
                    for refused in (client.get(address, headers=headers), client.head(address, headers=headers)):
                        assert refused.status_code == 401
                        assert refused.headers["WWW-Authenticate"].startswith("Bearer")
                        assert "Authorization" in refused.headers["Vary"]
                        assert refused.headers["Cache-Control"] == "no-store"
                        assert "ETag" not in refused.headers
                shown = client.get(address, headers=token)
                assert shown.status_code == (200 if path else 303)
                assert "Authorization" in shown.headers["Vary"]
                if path:
                    assert shown.headers["Cache-Control"].startswith("private")
                    tag = {"If-None-Match": shown.headers["ETag"]}
                    assert client.get(address, headers=token | tag).status_code == 304
                    assert client.get(address, headers=tag).status_code == 401, "304 tells that it is there"
                assert client.get(address).status_code == 401, "what a token opened is kept for others"


def test_a_revoked_token_opens_nothing(runtime: Runtime, slow: Client, media: Media, token: dict[str, str]) -> None:
    _set(runtime, media, "closed")
    client, _ = _both(runtime, slow)
    assert client.get(f"/iiif/3/{media.key}/info.json", headers=token).status_code == 200
    with runtime.db.begin() as session:
        tokens.revoke(session, "curator", runtime.clock(), by=Principal.of_system())
    open_images._of_process.clear()
    for client in _both(runtime, slow):
        assert client.get(f"/iiif/3/{media.key}/info.json", headers=token).status_code == 401


def test_an_open_image_asks_nobody_for_a_token(runtime: Runtime, slow: Client, media: Media) -> None:
    for client in _both(runtime, slow):
        for path in PATHS:
            with_any = client.get(f"/iiif/3/{media.key}/{path}", headers={"Authorization": "Bearer lt_wrong"})
            without = client.get(f"/iiif/3/{media.key}/{path}")
            assert (with_any.status_code, with_any.data) == (without.status_code, without.data)
            assert "Authorization" not in with_any.headers.get("Vary", "")
            assert with_any.headers["Cache-Control"].startswith("public")


def test_a_reduced_image_is_given_out_no_finer_than_its_frame(
    runtime: Runtime, slow: Client, media: Media, token: dict[str, str]
) -> None:
    _set(runtime, media, "reduced")
    base = f"/iiif/3/{media.key}"
    for client in _both(runtime, slow):
        assert _size(client.get(f"{base}/full/max/0/default.jpg")) == (400, 274)
        assert _size(client.get(f"{base}/full/^max/0/default.png")) == (400, 274)
        assert _size(client.get(f"{base}/full/!1900,1900/0/default.jpg")) in ((400, 274), (399, 273))
        assert _size(client.get(f"{base}/0,0,950,650/max/0/default.jpg")) == (200, 137)
        assert _size(client.get(f"{base}/pct:0,0,50,50/max/90/default.jpg")) == (137, 200)
        assert _size(client.get(f"{base}/0,0,1,1/max/0/default.jpg")) == (1, 1)
        assert _size(client.get(f"{base}/full/238,163/0/default.jpg")) == (238, 163)
        assert _size(client.get(f"{base}:100,100,475,475/full/max/0/default.jpg")) == (100, 100)
        for path in (
            "full/401,/0/default.jpg",
            "full/pct:100/0/default.jpg",
            "0,0,512,512/512,512/0/default.jpg",
            "0,0,100,100/23,/0/color.png",
            "full/^500,/0/default.jpg",
        ):
            refused = client.get(f"{base}/{path}")
            assert refused.status_code == 403, path
            assert refused.headers["Content-Type"] == "application/problem+json"
            assert client.get(f"{base}/{path}", headers=token).status_code == 200
        assert client.get(f"{base}:0,0,512,512/full/512,512/0/default.jpg").status_code == 403
        assert _size(client.get(f"{base}/full/max/0/default.jpg", headers=token)) == (WIDTH, HEIGHT)
        assert _size(client.get(f"{base}/full/max/0/default.jpg")) == (400, 274), "the token holder's picture leaked"
        assert _size(client.get(f"{base}/full/max/0/default.jpg", headers={"Authorization": "Bearer lt_wrong"})) == (400, 274)


@pytest.mark.parametrize("version", [2, 3])
def test_all_that_the_document_of_a_reduced_image_offers_is_given_out(
    runtime: Runtime, slow: Client, media: Media, token: dict[str, str], version: int
) -> None:
    _set(runtime, media, "reduced")
    for client in _both(runtime, slow):
        for name, width, height in ((media.key, WIDTH, HEIGHT), (f"{media.key}:300,200,1000,900", 1000, 900)):
            base = f"/iiif/{version}/{name}"
            document: Any = client.get(f"{base}/info.json").json
            most = document if version == 3 else document["profile"][1]
            assert (document["width"], document["height"]) == (width, height)
            assert most["maxWidth"] <= REDUCED
            assert most["maxHeight"] <= REDUCED
            for size in document["sizes"]:
                asked = f"{size['width']},{size['height']}"
                assert _size(client.get(f"{base}/full/{asked}/0/default.jpg")) == (size["width"], size["height"])
            for scale in document["tiles"][0]["scaleFactors"]:
                assert scale >= WIDTH / REDUCED
                span = 512 * scale
                for x in range(0, width, span):
                    for y in range(0, height, span):
                        w, h = min(span, width - x), min(span, height - y)
                        path = f"{base}/{x},{y},{w},{h}/{-(-w // scale)},{-(-h // scale)}/0/default.jpg"
                        assert client.get(path).status_code == 200, path
            full: Any = client.get(f"{base}/info.json", headers=token).json
            assert len(full["tiles"][0]["scaleFactors"]) > len(document["tiles"][0]["scaleFactors"])


def test_a_change_of_access_is_in_force_when_what_was_found_is_old(
    runtime: Runtime, slow: Client, media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = _both(runtime, slow)
    now = [1000.0]
    monkeypatch.setattr("iiif.image.serving.open_images.time.monotonic", lambda: now[0])
    path = f"/iiif/3/{media.key}/full/max/0/default.jpg"
    segment = f"/iiif/3/{media.key}:0,0,512,512/info.json"
    document = f"/iiif/3/{media.key}/info.json"
    assert {client.get(one).status_code for one in (path, segment, document)} == {200}
    with runtime.db.begin() as session:
        catalogue.set_access(session, media.key, "closed", by=Principal.of_system(), at=runtime.clock())
    now[0] += open_images.KEPT_S + 0.1
    assert {client.get(one).status_code for one in (path, segment, document)} == {401}


def test_the_command_sets_images_and_all_of_a_specimen(runtime: Runtime, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.compose.build", lambda: runtime)
    monkeypatch.setattr("app.compose.prepare", lambda _: None)

    def now() -> str:
        with runtime.reads.begin() as session:
            return catalogue.get_media(session, media.key).access

    run = CliRunner()
    said = run.invoke(access, [media.key, "closed"])
    assert (said.exit_code, now()) == (0, "closed")
    assert "10 seconds" in said.output
    assert run.invoke(access, [media.specimen_key, media.key, "reduced", "--json"]).exit_code == 0
    assert now() == "reduced"
    assert run.invoke(access, [media.key, "m1nothere", "open"]).exit_code == 1
    assert now() == "reduced", "half of it was done"
    assert run.invoke(access, [media.key, "hidden"]).exit_code == 2


def test_a_closed_image_has_no_thumbnail_and_a_reduced_one_none_that_is_refused(
    runtime: Runtime, slow: Client, media: Media
) -> None:
    addresses = runtime.addresses
    for state in ("reduced", "closed"):
        _set(runtime, media, state)
        client, _ = _both(runtime, slow)
        with runtime.reads.begin() as session:
            thumbnail = service.thumbnail(addresses, catalogue.get_media(session, media.key), NOBODY, 1500)
        if state == "closed":
            assert thumbnail is None
        else:
            assert thumbnail is not None
            assert client.get(thumbnail["id"].removeprefix("http://lectotype.test")).status_code == 200


NUMBER = st.integers(0, 1900)
REGIONS = st.one_of(
    st.sampled_from(["full", "square"]),
    st.tuples(NUMBER, NUMBER, st.integers(1, 1900), st.integers(1, 1900)).map(lambda box: ",".join(map(str, box))),
    st.tuples(*[st.integers(0, 100)] * 4).map(lambda box: "pct:" + ",".join(map(str, box))),
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([256, 512, 1024])).map(
        lambda grid: f"{grid[0] * grid[2]},{grid[1] * grid[2]},{grid[2]},{grid[2]}"
    ),
)
SIZES = st.one_of(
    st.sampled_from(["max", "^max", "pct:100", "pct:21", "^pct:200", "512,512", "256,", "!512,512", "^!900,900", "1,1"]),
    st.tuples(st.integers(1, 700), st.integers(1, 700), st.sampled_from(["{},{}", "{},", ",{}", "!{},{}", "^{},{}", "^{},"])).map(
        lambda size: size[2].format(size[0], size[1]) if size[2].count("{}") == 2 else size[2].format(size[0])
    ),
)
SEGMENTS = st.one_of(st.none(), st.tuples(st.integers(0, 1800), st.integers(0, 1200), st.integers(1, 1900), st.integers(1, 1300)))


class Reduced:
    """A reduced image behind a client, whose pictures may be made of nothing but its frame."""

    def __init__(self, runtime: Runtime, client: Client, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
        self.client = client
        self.media = media
        self.answers = responses.of(open_images.of(runtime))
        scaled = render.scaled

        def only_the_frame(pyramid: Pyramid, region: PixelBox, width: int, height: int) -> NDArray[np.uint8]:
            assert (region, width, height) == (PixelBox(0, 0, WIDTH, HEIGHT), 400, 274), "other pixels than the frame's were read"
            return scaled(pyramid, region, width, height)

        def nothing_else(*_: object) -> bytes:
            raise AssertionError("rendered from the whole image")

        monkeypatch.setattr(render, "scaled", only_the_frame)
        monkeypatch.setattr(render, "render", nothing_else)

    def plan_of(self, path: str) -> Order:
        plan = self.answers._plans.get(path)
        assert plan is not None
        return plan.order


@pytest.fixture
def reduced(runtime: Runtime, slow: Client, media: Media, monkeypatch: pytest.MonkeyPatch) -> Reduced:
    _set(runtime, media, "reduced")
    return Reduced(runtime, _both(runtime, slow)[0], media, monkeypatch)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(region=REGIONS, size=SIZES, segment=SEGMENTS, turned=st.sampled_from(["0", "90", "!180"]))
def test_no_answer_of_a_reduced_image_is_sampled_finer_than_its_frame(
    reduced: Reduced, region: str, size: str, segment: tuple[int, ...] | None, turned: str
) -> None:
    """Regions and segments off the grid, tiles, percentages, enlargements: of nothing but the frame, and no larger."""
    name = reduced.media.key + ("" if segment is None else ":" + ",".join(map(str, segment)))
    path = f"/iiif/3/{name}/{region}/{size}/{turned}/default.jpg"
    response = reduced.client.get(path)
    assert response.status_code in (200, 400, 403, 404), path
    if response.status_code != 200:
        return
    wanted = reduced.plan_of(path)
    box, scale = wanted.geometry.region, WIDTH / REDUCED
    assert wanted.geometry.width <= max(1, -(-box.width // scale))
    assert wanted.geometry.height <= max(1, -(-box.height // scale))
    if wanted.stored is not None:
        assert 1 << wanted.stored.level >= scale


def test_pixels_asked_for_one_by_one_are_those_of_the_frame(runtime: Runtime, slow: Client) -> None:
    """Stripes of four pixels are not in a frame whose pixels are almost five of the image."""
    striped = np.where((np.arange(WIDTH) // 4 % 2)[None, :, None], 230, 20).repeat(HEIGHT, 0).repeat(3, 2).astype(np.uint8)
    media = derived(runtime, file_of(striped))
    base = f"/iiif/3/{media.key}"

    def column(client: Client, x: int) -> int:
        data = client.get(f"{base}/{x},600,1,1/1,1/0/default.png").data
        return int(np.asarray(Image.open(io.BytesIO(data)))[0, 0, 0])

    client, _ = _both(runtime, slow)
    assert np.std([column(client, x) for x in range(800, 824)]) > 80
    _set(runtime, media, "reduced")
    client, _ = _both(runtime, slow)
    frame = np.asarray(Image.open(io.BytesIO(client.get(f"{base}/full/max/0/default.png").data)))[:, :, 0].astype(int)
    for x in range(800, 824):
        touched = frame[600 * 274 // HEIGHT, x * REDUCED // WIDTH :][:2]
        assert min(touched) - 1 <= column(client, x) <= max(touched) + 1


def test_pages_and_manifests_show_a_closed_image_without_asking_for_it(runtime: Runtime, media: Media) -> None:
    _set(runtime, media, "closed")
    client = Client(create_app(runtime))
    page = client.get(f"/specimens/{media.specimen_key}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert "is not public" in page.text
    assert f"/iiif/3/{media.key}/" not in page.text
    assert f"/iiif/3/{media.key}/" not in client.get("/", headers={"Accept": "text/html"}).text
    for version in (2, 3):
        manifest: Any = client.get(f"/iiif/presentation/{version}/{media.specimen_key}/manifest.json").json
        canvas = manifest["items"][0] if version == 3 else manifest["sequences"][0]["canvases"][0]
        assert (canvas["width"], canvas["height"]) == (1000, 1000), "its true size is not told"
        assert "thumbnail" not in manifest
        assert "thumbnail" not in canvas
    collection: Any = client.get("/iiif/presentation/3/collection/top.json").json
    assert "thumbnail" not in collection["items"][0]
