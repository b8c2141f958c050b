"""The catalogue over HTTP: pages, records, and what is not there."""

import hashlib
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import problems
from app.runtime.context import Runtime
from iiif.catalogue import service, views
from iiif.catalogue.model import Media, Specimen
from iiif.catalogue.service import Derivative, MediaDraft, SpecimenDraft

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    app = Flask(__name__)
    problems.install(app)
    app.register_blueprint(views.blueprint)
    return app.test_client()


def add(runtime: Runtime, number: str, collection: str = "", images: int = 1) -> tuple[Specimen, list[Media]]:
    terms = {"catalogNumber": number, "collectionCode": collection, "scientificName": "Quercus robur L."}
    draft = SpecimenDraft(number, terms, {"Nr": f" {number} "}, "t.csv, line 2")
    with runtime.db.begin() as session:
        specimen = service.add_specimen(session, draft, naan="99999", at=AT)
        media = []
        for position in range(images):
            sha256 = hashlib.sha256(f"{collection} {number} {position}".encode()).hexdigest()
            image = MediaDraft(specimen.key, sha256, 9, "image/jpeg", f"{number}-{position}.jpg", rights="CC BY 4.0")
            media.append(service.add_media(session, image, naan="99999", at=AT))
    return specimen, media


def test_a_specimen_shows_both_readings_its_images_and_where_else_it_is(runtime: Runtime, client: FlaskClient) -> None:
    specimen, media = add(runtime, "N 1", images=2)
    body = client.get(f"/api/specimens/{specimen.key}").get_json()
    assert body["id"] == f"http://lectotype.test/ark:99999/{specimen.key}"
    assert (body["interpreted"]["catalogNumber"], body["verbatim"], body["source"]) == ("N 1", {"Nr": " N 1 "}, "t.csv, line 2")
    assert [one["key"] for one in body["media"]] == [one.key for one in media]
    assert body["links"] == {
        "self": f"http://lectotype.test/api/specimens/{specimen.key}",
        "pid": body["id"],
        "page": f"http://lectotype.test/specimens/{specimen.key}",
        "manifest": None,
    }
    with runtime.db.begin() as session:
        service.media_ready(session, media[0].key, Derivative(40, 30, 6, "sRGB", "00" * 32, 1), at=AT)
    links = client.get(f"/api/specimens/{specimen.key}").get_json()["links"]
    assert links["manifest"] == f"http://lectotype.test/iiif/presentation/3/{specimen.key}/manifest.json"
    assert body["created"] == "2026-11-22T12:00:00Z"


def test_an_image_shows_its_bytes_rights_and_state(runtime: Runtime, client: FlaskClient) -> None:
    _, (media,) = add(runtime, "N1")
    body = client.get(f"/api/media/{media.key}").get_json()
    assert (body["fileName"], body["state"], body["width"]) == ("N1-0.jpg", "pending", 0)
    assert (body["rights"], body["rightsIri"]) == ("CC BY 4.0", "http://creativecommons.org/licenses/by/4.0/")
    assert body["contentId"].startswith("ni:///sha-256;")
    with runtime.db.begin() as session:
        service.media_ready(session, media.key, Derivative(40, 30, 6, "sRGB", "00" * 32, 1), at=AT)
    body = client.get(f"/api/media/{media.key}").get_json()
    assert (body["state"], body["width"], body["height"], body["exifOrientation"]) == ("ready", 40, 30, 6)


@pytest.mark.parametrize("kind", ["specimens", "media"])
def test_pages_lead_through_everything_once(runtime: Runtime, client: FlaskClient, kind: str) -> None:
    keys = set()
    for number in range(7):
        specimen, (media,) = add(runtime, f"N{number}")
        keys.add(specimen.key if kind == "specimens" else media.key)
    seen, address = [], f"/api/{kind}?limit=3"
    while address:
        body = client.get(address.removeprefix("http://lectotype.test")).get_json()
        assert body["total"] == 7
        seen += [item["key"] for item in body["items"]]
        address = body["next"]
    assert seen == sorted(keys)


def test_a_full_last_page_has_no_next(runtime: Runtime, client: FlaskClient) -> None:
    for number in range(2):
        add(runtime, f"N{number}")
    assert client.get("/api/specimens?limit=2").get_json()["next"] is None


def test_a_catalogue_number_picks_its_specimens(runtime: Runtime, client: FlaskClient) -> None:
    add(runtime, "N1", "birds"), add(runtime, "N1", "plants"), add(runtime, "N2")
    body = client.get("/api/specimens?catalogNumber=N1&limit=1").get_json()
    assert (body["total"], len(body["items"])) == (2, 1)
    assert "catalogNumber=N1" in body["next"]
    assert client.get("/api/specimens?catalogNumber=N9").get_json() == {"total": 0, "items": [], "next": None}


def test_images_are_picked_by_specimen_and_state(runtime: Runtime, client: FlaskClient) -> None:
    specimen, media = add(runtime, "N1", images=2)
    add(runtime, "N2")
    with runtime.db.begin() as session:
        service.media_failed(session, media[0].key, "It broke.", at=AT)
    assert client.get("/api/media").get_json()["total"] == 3
    assert client.get(f"/api/media?specimen={specimen.key}").get_json()["total"] == 2
    failed = client.get("/api/media?state=failed").get_json()
    assert (failed["total"], failed["items"][0]["stateReason"]) == (1, "It broke.")


@pytest.mark.parametrize("path", ["/api/specimens/s1nothing", "/api/media/m1nothing"])
def test_what_is_not_there_is_a_problem_document(client: FlaskClient, path: str) -> None:
    response = client.get(path)
    assert (response.status_code, response.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize("limit", ["0", "-1", "1001", "many", "1e3"])
def test_limits_have_limits(client: FlaskClient, limit: str) -> None:
    assert client.get(f"/api/specimens?limit={limit}").status_code == 400


def test_a_record_that_has_not_changed_is_not_sent_again(runtime: Runtime, client: FlaskClient) -> None:
    specimen, _ = add(runtime, "N1")
    first = client.get(f"/api/specimens/{specimen.key}")
    assert client.get(f"/api/specimens/{specimen.key}", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
