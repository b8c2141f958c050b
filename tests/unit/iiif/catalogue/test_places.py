"""Places that a record withholds are in no public answer, and in those for who may see them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from PIL import Image

from annotations.search import consistency, documents
from app import compose
from app.cli.ingest import ingest_paths
from app.export.run import export
from app.runtime.context import Runtime
from app.runtime.principal import NOBODY, Grant, Principal
from app.runtime.search.port import Standing
from app.web import create_app
from iiif.catalogue import places, service
from iiif.catalogue.model import Specimen
from iiif.catalogue.service import Derivative, MediaDraft, SpecimenDraft
from iiif.image.actors import derive_image
from tests.unit.iiif.ingest.conftest import picture

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
RECORD = {
    "catalogNumber": "SE-1",
    "institutionCode": "M",
    "country": "Switzerland",
    "decimalLatitude": "47.12345",
    "decimalLongitude": "8.54321",
    "locality": "Exact ravine",
    "informationWithheld": "Exact location withheld",
}
VERBATIM = {**RECORD, "GPS": "47.12345 N", "Identification 1, locality": "Exact ravine", "shelf": "12b"}
ADDRESSES = ("/api/specimens/{key}", "/api/specimens", "/iiif/presentation/3/{key}/manifest.json", "/specimens/{key}")
SECRETS = ("47.12345", "8.54321", "ravine")


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    return create_app(runtime).test_client()


@pytest.fixture
def specimen(runtime: Runtime) -> Specimen:
    with runtime.db.begin() as session:
        added = service.add_specimen(session, SpecimenDraft("SE-1", RECORD, VERBATIM, "t.csv, line 2"), naan="99999", at=AT)
        media = service.add_media(session, MediaDraft(added.key, "00" * 32, 9, "image/jpeg", "a.jpg"), naan="99999", at=AT)
        service.media_ready(session, media.key, Derivative(40, 30, 1, "sRGB", "00" * 32, 1), at=AT)
    return added


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_withheld_place_is_in_no_public_answer(client: FlaskClient, specimen: Specimen, address: str) -> None:
    answer = client.get(address.format(key=specimen.key))
    assert answer.status_code == 200
    assert not any(secret in answer.text for secret in SECRETS)
    assert "Switzerland" in answer.text
    assert "Exact location withheld" in answer.text


def test_nobody_finds_a_record_by_the_place_that_it_withholds(runtime: Runtime, specimen: Specimen) -> None:
    with runtime.reads.begin() as session:
        held = str(documents.build(session, "specimen", specimen.key, runtime.addresses).fields)
    assert not any(secret in held for secret in SECRETS)
    assert "Switzerland" in held


def test_who_may_see_the_collection_sees_the_place(specimen: Specimen) -> None:
    assert places.as_seen(specimen, NOBODY).interpreted.keys() == {
        "catalogNumber",
        "institutionCode",
        "country",
        "informationWithheld",
    }
    assert places.as_seen(specimen, NOBODY).verbatim.keys() == {*places.public(specimen).interpreted, "shelf"}
    assert places.as_seen(specimen, Principal("a", (Grant("reader", "M"),))) == specimen
    assert places.as_seen(specimen, Principal("b", (Grant("reader", "X"),))) != specimen


@pytest.fixture
def hub_that_shows(runtime: Runtime) -> Iterator[Callable[[bool], Runtime]]:
    """The same hub, started anew with and without the setting."""
    started: list[Runtime] = []

    def start(shows: bool) -> Runtime:
        started.append(compose.build(runtime.settings.with_(show_withheld_places=shows)))
        return started[-1]

    yield start
    for one in started:
        one.search.close()
        one.database.engine.dispose()


def make_index(runtime: Runtime) -> None:
    with runtime.reads.begin() as session:
        consistency.rebuild(session, runtime.search, runtime.addresses, lambda _: None)


ASKED = ("q=ravine", "near=47.12,8.54,5000", "q=place:ravine", "bbox=8,47,9,48")


def hits(client: FlaskClient) -> list[int]:
    return [client.get(f"/api/search?{asked}").get_json()["total"] for asked in ASKED]


def test_a_setting_shows_withheld_places_to_everybody(hub_that_shows: Callable[[bool], Runtime], specimen: Specimen) -> None:
    shows = hub_that_shows(True)
    make_index(shows)
    client = create_app(shows).test_client()
    for address in ADDRESSES:
        assert "ravine" in client.get(address.format(key=specimen.key)).text, address
    assert hits(client) == [1] * len(ASKED)


def test_with_the_setting_taken_back_no_old_index_tells_the_place(
    hub_that_shows: Callable[[bool], Runtime], specimen: Specimen
) -> None:
    make_index(hub_that_shows(True))
    hides = hub_that_shows(False)
    client = create_app(hides).test_client()
    assert hides.search.standing() == Standing("other", rebuilding=False)  # so the relay makes it anew
    assert hits(client) == [0] * len(ASKED)
    assert client.get("/api/search?q=SE-1").get_json()["total"] == 0
    make_index(hides)
    assert hits(client) == [0] * len(ASKED)
    assert client.get("/api/search?q=SE-1").get_json()["total"] == 1


@pytest.mark.parametrize("shows", [True, False])
def test_an_export_and_its_pictures_follow_the_setting(
    hub_that_shows: Callable[[bool], Runtime], tmp_path: Path, shows: bool
) -> None:
    """The place stands in the record and in the EXIF of the photograph."""
    hub = hub_that_shows(shows)
    object.__setattr__(hub, "settings", hub.settings.with_(picture_metadata="camera", picture_gps=True))
    exif = Image.Exif()
    exif[0x8825] = {1: "N", 2: (47.0, 7.0, 24.0), 3: "E", 4: (8.0, 32.0, 35.0)}
    picture(tmp_path / "in" / "SE-1.jpg", exif=exif)
    (tmp_path / "in" / "list.csv").write_text("catalogNumber,locality,informationWithheld\nSE-1,Exact ravine,withheld\n")
    ingest_paths(hub, [tmp_path / "in"])
    with hub.reads.begin() as session:
        (found,) = service.list_specimens(session, limit=2)
        (media,) = service.media_of(session, found.key)
    derive_image.fn(media.key)
    export(hub, [found.key], tmp_path / "out", "https://files.example.org")
    (manifest,) = (tmp_path / "out").rglob("manifest.json")
    assert ("ravine" in manifest.read_text()) == shows
    pictures = [path.read_bytes() for path in (tmp_path / "out").rglob("*.jpg")]
    pictures.append(create_app(hub).test_client().get(f"/iiif/3/{media.key}/full/max/0/default.jpg").data)
    assert any(b"GPSLatitude" in one for one in pictures[:-1]) == shows
    assert (b"GPSLatitude" in pictures[-1]) == shows


@pytest.mark.parametrize("shows", [True, False])
def test_the_report_of_an_ingest_follows_the_setting(
    hub_that_shows: Callable[[bool], Runtime], tmp_path: Path, shows: bool
) -> None:
    table = tmp_path / "list.csv"
    table.write_text(
        "catalogNumber,locality,decimalLatitude,informationWithheld\n1,Exact ravine,47 N 8 E,withheld\n1,Other ravine,,withheld\n"
    )
    hub = hub_that_shows(shows)
    ingest_paths(hub, [table])
    client = create_app(hub).test_client()
    (listed,) = client.get("/api/ingests").get_json()["items"]
    answers = [client.get(f"/api/ingests/{listed['key']}{form}") for form in ("", "/report.csv")]
    answers += [client.get(f"/runs/{listed['key']}")]
    assert [("ravine" in answer.text, "47 N" in answer.text) for answer in answers] == [(shows, shows)] * 2 + [(False, shows)]
    assert [answer.status_code for answer in answers] == [200, 200 if shows else 401, 200]


@pytest.mark.parametrize(
    ("terms", "term"),
    [
        ({"informationWithheld": "Coordinates available on request"}, "informationWithheld"),
        ({"dataGeneralizations": "Coordinates rounded to 10 km"}, "dataGeneralizations"),
        ({"accessRights": "not-for-public-usage"}, "accessRights"),
        ({"accessRights": "Restricted"}, "accessRights"),
        ({"informationWithheld": "none"}, ""),
        ({"dataGeneralizations": "No"}, ""),
        ({"dataGeneralizations": "Identification aligned to national taxonomy"}, ""),
        ({"accessRights": "no restrictions, open access"}, ""),
        ({"accessRights": "http://vertnet.org/resources/norms.html"}, ""),
        ({}, ""),
    ],
)
def test_these_hold_a_place_back(terms: dict[str, str], term: str) -> None:
    assert places.withheld_by(terms) == term
