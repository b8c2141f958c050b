"""What looks alike, by the API and on the page: nearest first, of one network, joined with a question, nothing that is closed."""

import numpy as np
import pytest
from flask.testing import FlaskClient

from annotations.vectors import service as vectors
from annotations.vectors.model import Unseen
from app import relay
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from tests.databases import on_both
from tests.sheets import Hub, add_sheet, make_hub

settings = on_both
OLD, NEW = "sha256:" + "0" * 64, "sha256:" + "1" * 64


def keep(runtime: Runtime, media: Media, degrees: float, model: str = NEW) -> None:
    """A vector in a plane, so that the cosine of two is that of the angle between them."""
    values = np.zeros(256, np.float16)
    values[:2] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    with runtime.db.begin() as session:
        seen = [Unseen(media.key, 0, None)]
        vectors.keep(session, media.key, {media.key: values}, seen, model=model, run_key="x1", at=runtime.clock())


def index(runtime: Runtime) -> None:
    while relay.update_index(runtime):
        pass


@pytest.fixture
def sheets(runtime: Runtime) -> list[tuple[Specimen, Media]]:
    made = []
    for number, degrees in enumerate((0, 5, 40, 20, 90)):
        specimen, (media,) = add_sheet(runtime, f"N {number}", {"scientificName": "Quercus" if number % 2 else "Fagus"})
        keep(runtime, media, degrees)
        made.append((specimen, media))
    specimen, (media,) = add_sheet(runtime, "old", {})
    keep(runtime, media, 1, OLD)
    add_sheet(runtime, "unseen", {})
    index(runtime)
    return made


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    return make_hub(runtime)


def like(client: FlaskClient, to: str, **asked: str) -> list[tuple[str, float]]:
    answer = client.get("/api/similar", query_string={"to": to, **asked})
    assert answer.status_code == 200, answer.text
    return [(item["catalogNumber"], item["score"]) for item in answer.json["items"]]


def test_what_looks_most_alike_comes_first(hub: Hub, sheets: list[tuple[Specimen, Media]]) -> None:
    specimen, media = sheets[0]
    for to in (specimen.key, hub.addresses.pid(specimen.key), hub.addresses.image(media.key)):
        found = like(hub.client, to)
        assert [number for number, _ in found] == ["N 1", "N 3", "N 2", "N 4"], to
        assert found[0][1] == pytest.approx(np.cos(np.radians(5)), abs=1e-3)
    assert [number for number, _ in like(hub.client, specimen.key, q="quercus")] == ["N 1", "N 3"]
    assert [number for number, _ in like(hub.client, specimen.key, least="0.95")] == ["N 1"]
    assert [number for number, _ in like(hub.client, specimen.key, limit="2")] == ["N 1", "N 3"]


def test_a_closed_image_is_like_nothing(hub: Hub, sheets: list[tuple[Specimen, Media]]) -> None:
    closed = sheets[1][1]
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, closed.key, "closed", by=Principal.of_system(), at=hub.runtime.clock())
    index(hub.runtime)
    assert [number for number, _ in like(hub.client, sheets[0][0].key)] == ["N 3", "N 2", "N 4"]
    assert hub.client.get(f"/api/similar?to={closed.key}").status_code == 401


def test_what_has_no_vector_and_what_is_none_are_told(hub: Hub, sheets: list[tuple[Specimen, Media]]) -> None:
    unseen = hub.client.get("/api/search?q=unseen").json["items"][0]["key"]
    assert hub.client.get(f"/api/similar?to={unseen}").status_code == 404
    for query in (
        "",
        "to=nonsense",
        "to=https://example.org/x",
        f"to={sheets[0][0].key}&least=2",
        f"to={sheets[0][0].key}&sort=year",
    ):
        assert hub.client.get(f"/api/similar?{query}").status_code == 400, query


def test_the_page_shows_them_and_every_specimen_leads_to_it(hub: Hub, sheets: list[tuple[Specimen, Media]]) -> None:
    key = sheets[0][0].key
    assert f"/similar?to={key}" in hub.client.get(f"/specimens/{key}", headers={"Accept": "text/html"}).text
    page = hub.client.get(f"/similar?to={key}&q=quercus", headers={"Accept": "text/html"}).text
    assert "99 % alike · <strong>probably the same</strong>" in page
    assert page.index("N 1") < page.index("N 3")
    assert "N 2" not in page
