"""A hub below a path of its host, behind a proxy that hands the path on or takes it off."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from pydantic import ValidationError
from werkzeug.test import Client, TestResponse

from app import compose
from app.runtime import context
from app.runtime.context import Runtime
from app.runtime.db import Base
from app.runtime.settings import FIRST_SEGMENTS, Settings
from app.web import create_app
from app.web.below_path import BelowPath
from app.web.fast_images import FastImages
from iiif.image.serving import open_images
from tests import live
from tests.drain import drain
from tests.sheets import comment, make_hub
from tests.unit.iiif.image.pictures import derived, drawn, file_of

BASE = "https://museum.example/natural/collections"
PATH = "/natural/collections"
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


class Site:
    """What a browser in front of the proxy reaches; `strips` is what the proxy does with the path."""

    def __init__(self, client: Client, strips: bool) -> None:
        self.client, self.strips = client, strips

    def get(self, address: str, **headers: str) -> TestResponse:
        parts = urlsplit(address)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}".startswith(f"{BASE}/"), f"{address} leads out of the hub"
        path = parts.path.removeprefix(PATH) if self.strips else parts.path
        return self.client.get(path, query_string=parts.query, headers=headers)


@pytest.fixture(params=[True, False], ids=["the proxy takes the path off", "the proxy hands the path on"])
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    runtime = compose.build(Settings(data_dir=tmp_path / "data", base_url=BASE))
    Base.metadata.create_all(runtime.database.engine)
    runtime.blobs.prepare(used=False)
    media = derived(runtime, file_of(drawn(700, 500)))
    hub = make_hub(runtime)
    hub.post(comment(hub.addresses.canvas(media.specimen_key, media.key) + "#xywh=10,20,30,40"))
    drain(runtime)
    context.use(runtime)
    images = open_images.of(runtime)
    yield Site(Client(BelowPath(FastImages(create_app(runtime).wsgi_app, images), BASE)), request.param)
    runtime.search.close()
    runtime.database.engine.dispose()


def links(page: TestResponse, address: str) -> set[str]:
    """Every address that the page leads to or fetches, of the hub's own host."""
    found = re.findall(r'(?:href|src|action|data-manifest|data-show)="([^"]+)"', page.text)
    whole = {urljoin(address, unescape(one)) for one in found}
    return {one for one in whole if urlsplit(one).netloc == urlsplit(BASE).netloc}


def test_every_link_of_every_page_leads_to_an_answer(site: Site) -> None:
    waiting, seen, pages = [f"{BASE}/"], set(), 0
    while waiting:
        address = waiting.pop().partition("#")[0]
        if address in seen:
            continue
        seen.add(address)
        answer = site.get(address, **BROWSER)
        assert answer.status_code < 400 or "/ark:" in address, f"{address}: {answer.status_code}"
        if answer.mimetype == "text/html":
            pages += 1
            waiting += links(answer, address)
    assert pages >= 3
    assert any("/iiif/3/" in address for address in seen)


def test_the_addresses_in_documents_lead_to_answers(site: Site) -> None:
    top = site.get(f"{BASE}/iiif/presentation/3/collection/top.json").json
    manifest = site.get(top["items"][0]["id"]).json
    canvas = manifest["items"][0]
    service = canvas["items"][0]["items"][0]["body"]["service"][0]["id"]
    for address in (canvas["id"], f"{service}/info.json", f"{service}/full/max/0/default.jpg", canvas["annotations"][0]["id"]):
        assert site.get(address).status_code == 200, address
    assert site.get(f"{service}/info.json").json["id"] == service
    (annotation,) = site.get(canvas["annotations"][0]["id"]).json["items"]
    assert site.get(annotation["id"]).json["id"] == annotation["id"]


def test_redirections_stay_below_the_path(site: Site) -> None:
    service = site.get(f"{BASE}/iiif/presentation/3/collection/top.json").json["items"][0]["thumbnail"][0]["service"][0]
    for address in (service["id"], f"{BASE}/annotations"):
        there = site.get(address)
        assert there.status_code in (301, 303, 308), address
        assert urljoin(address, there.headers["Location"]).startswith(f"{BASE}/"), there.headers["Location"]


def test_a_real_server_answers_below_its_path(tmp_path: Path) -> None:
    with live.web(tmp_path, path="/collections", web_processes=1) as server:
        assert server.get("/")[0] == 200
        assert b'href="/collections/assets/' in server.get("/")[1]
        assert server.get("/iiif/presentation/3/collection/top.json")[0] == 200


def test_the_first_segments_of_all_routes_are_known(tmp_path: Path) -> None:
    runtime = compose.build(Settings(data_dir=tmp_path))
    routes = {str(rule).strip("/").partition("/")[0] for rule in create_app(runtime).url_map.iter_rules()}
    assert {one for one in routes if one and not one.startswith("ark:")} == FIRST_SEGMENTS


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("https://museum.example/iiif", "begins with /iiif"),
        ("https://museum.example/ark:/12345", "begins with /ark:"),
        ("museum.example", "must be what users type"),
        ("https://museum.example/hub?x=1", "must be what users type"),
    ],
)
def test_a_public_address_that_cannot_work_is_refused_with_the_reason(address: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Settings(base_url=address)


def test_a_redirection_names_the_public_host_whatever_host_the_client_sent(runtime: Runtime) -> None:
    client = make_hub(runtime).client
    for path in ("/annotations", "/iiif//3/nothing/info.json"):
        answer = client.get(path, headers={"Host": "evil.example"})
        assert answer.status_code == 308
        assert answer.headers["Location"].startswith("http://lectotype.test/")


def test_no_number_of_slashes_leads_past_what_a_proxy_guards(runtime: Runtime) -> None:
    client = make_hub(runtime).client
    for path in ("//metrics", "///metrics", "//health/ready", "//api/search"):
        asked = client.get("/", headers={"Authorization": "Bearer numbers"}, environ_overrides={"PATH_INFO": path})
        assert asked.status_code == 404, path
