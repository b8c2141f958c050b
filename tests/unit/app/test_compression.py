"""What is compressed on its way out, what is not, and what becomes of ETags."""

import gzip

import pytest
from werkzeug.test import TestResponse

from app.runtime import tokens
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from tests.sheets import Hub, comment, make_hub
from tests.unit.iiif.image.pictures import derived, drawn, file_of

GZIP = {"Accept-Encoding": "gzip, deflate, br"}


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    hub = make_hub(runtime)
    media = derived(runtime, file_of(drawn(300, 200)))
    for number in range(20):
        hub.post(comment(hub.addresses.canvas(media.specimen_key, media.key), f"remark {number} " * 20))
    return hub


def _addresses(hub: Hub) -> list[str]:
    top = hub.client.get("/iiif/presentation/3/collection/top.json").json
    manifest = top["items"][0]["id"].removeprefix("http://lectotype.test")
    media = hub.client.get("/api/media").json["items"][0]["key"]
    return [manifest, f"/specimens/{manifest.split('/')[-2]}", f"/canvases/{media}/annotations/people.json"]


def _same(plain: TestResponse, packed: TestResponse) -> None:
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.data) < len(plain.data)
    assert gzip.decompress(packed.data) == plain.data
    assert packed.headers["Content-Length"] == str(len(packed.data))
    for answer in (plain, packed):
        assert "Accept-Encoding" in answer.headers["Vary"]


def test_pages_and_documents_are_compressed_for_whoever_takes_that(hub: Hub) -> None:
    for address in _addresses(hub):
        plain, packed = hub.client.get(address), hub.client.get(address, headers=GZIP)
        assert "Content-Encoding" not in plain.headers
        _same(plain, packed)
        refused = hub.client.get(address, headers={"Accept-Encoding": "gzip;q=0, identity"})
        assert "Content-Encoding" not in refused.headers


def test_two_encodings_share_a_weak_etag_which_answers_conditions(hub: Hub) -> None:
    for address in _addresses(hub):
        packed = hub.client.get(address, headers=GZIP)
        assert packed.headers["ETag"].startswith('W/"'), address
        for headers in (GZIP, {}):
            again = hub.client.get(address, headers={**headers, "If-None-Match": packed.headers["ETag"]})
            assert (again.status_code, again.data) == (304, b"")
            assert "Accept-Encoding" in again.headers["Vary"]


def test_an_annotation_keeps_the_strong_etag_that_if_match_needs(hub: Hub) -> None:
    container = hub.client.get("/annotations/?page=first", headers=GZIP).json
    address = container["items"][0]["id"].removeprefix("http://lectotype.test")
    answer = hub.client.get(address, headers=GZIP)
    assert "Content-Encoding" not in answer.headers
    assert answer.headers["ETag"].startswith('"')


def test_what_only_one_client_may_see_is_never_compressed(hub: Hub, runtime: Runtime) -> None:
    with runtime.db.begin() as session:
        token = tokens.create(session, "reader", runtime.clock(), by=Principal.of_system())
    for address in _addresses(hub):
        answer = hub.client.get(address, headers={**GZIP, "Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        if answer.cache_control.private:
            assert "Content-Encoding" not in answer.headers, address
    page = hub.client.get(_addresses(hub)[1], headers={**GZIP, "Authorization": f"Bearer {token}"})
    assert page.cache_control.private


def test_pictures_are_sent_as_they_are(hub: Hub) -> None:
    media = hub.client.get("/api/media").json["items"][0]["key"]
    answer = hub.client.get(f"/iiif/3/{media}/full/max/0/default.jpg", headers=GZIP)
    assert "Content-Encoding" not in answer.headers
    assert answer.data.startswith(b"\xff\xd8")
