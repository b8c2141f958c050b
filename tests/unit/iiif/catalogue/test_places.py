"""Places that a record withholds are in no public answer, and in those for who may see them."""

from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient

from annotations.search import documents
from app.runtime.context import Runtime
from app.runtime.principal import NOBODY, Grant, Principal
from app.web import create_app
from iiif.catalogue import places, service
from iiif.catalogue.model import Specimen
from iiif.catalogue.service import Derivative, MediaDraft, SpecimenDraft

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


@pytest.mark.parametrize(
    "address", ["/api/specimens/{key}", "/api/specimens", "/iiif/presentation/3/{key}/manifest.json", "/specimens/{key}"]
)
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
