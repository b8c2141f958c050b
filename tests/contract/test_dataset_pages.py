"""Pages of datasets: made of a question, cited, taken along, withdrawn."""

import json
import re
from typing import Any

import pytest
from werkzeug.test import Client

from annotations.datasets import actors, service, work
from annotations.datasets.model import Version
from app.runtime import context
from tests.datasets import SYSTEM, add, freeze, index, make
from tests.people import OUR_PAGE, Person, add_person
from tests.sheets import Hub, comment


@pytest.fixture
def version(hub: Hub) -> Version:
    for number in range(3):
        specimen, images = add(hub.runtime, f"Q {number}")
        hub.post(comment(hub.addresses.canvas(specimen.key, images[0].key)))
    said: Any = {"creators": ["Ada </script><b>Lovelace"], "description": "Leaves with galls."}
    made = freeze(hub.runtime, make(hub.runtime, "Oaks", selection={"q": "Quercus"}, **said).key)
    assert made is not None
    return made


@pytest.fixture
def ada(hub: Hub) -> Person:
    return add_person(hub.runtime, "ada", "annotator")


@pytest.fixture
def browser(hub: Hub) -> Client:
    context.use(hub.runtime)
    return Client(hub.client.application, use_cookies=False)


def test_the_list_leads_to_a_page_that_tells_all_of_a_version(hub: Hub, version: Version) -> None:
    listed = hub.client.get("/datasets")
    assert "1 dataset" in listed.text
    assert f'href="/datasets/{version.name}"' in listed.text
    page = hub.client.get(f"/datasets/{version.name}")
    assert page.status_code == 200
    for told in ("<strong>3</strong> images", "(of the compilation)", "ni:///sha-256;", "Version 1.", "by/4.0", "archive.zip"):
        assert told in page.text, told
    assert "Ada &lt;/script&gt;" in page.text
    assert "</script><b>" not in page.text
    for href in re.findall(rf'href="(/datasets/{re.escape(version.name)}/[^"]+)"', page.text):
        assert hub.client.get(href.replace("&amp;", "&")).status_code == 200, href


def test_the_page_embeds_what_it_says_for_machines(hub: Hub, version: Version) -> None:
    page = hub.client.get(f"/datasets/{version.name}")
    found = re.search(r'<script type="application/ld\+json">(.+?)</script>', page.text, re.DOTALL)
    assert found is not None
    said = json.loads(found[1])
    assert (said["@type"], said["name"], said["version"]) == ("Dataset", "Oaks", "1")
    assert said["license"] == [
        "https://creativecommons.org/publicdomain/zero/1.0/",
        "https://creativecommons.org/licenses/by/4.0/",
    ]
    links = page.headers.getlist("Link")
    assert f'<http://lectotype.test/ark:99999/{version.name}>; rel="cite-as"' in links
    assert any('rel="item"; type="application/zip"' in link for link in links)
    described = [link for link in links if 'rel="describedby"' in link]
    assert len(described) == 4
    for link in described:
        assert hub.get(link[1 : link.index(">")]).status_code == 200
    linkset = hub.client.get(f"/datasets/{version.name}/linkset.json")
    assert json.loads(linkset.text)["linkset"][0]["cite-as"][0]["href"].endswith(version.name)


def test_the_identifier_leads_to_the_page_or_to_what_machines_read(hub: Hub, version: Version) -> None:
    ark = f"/ark:99999/{version.name}"
    html = hub.client.get(ark, headers={"Accept": "text/html"})
    assert (html.status_code, html.headers["Location"]) == (303, f"http://lectotype.test/datasets/{version.name}")
    read = hub.client.get(ark, headers={"Accept": "application/ld+json"})
    assert read.headers["Location"].endswith(f"/datasets/{version.name}/croissant.json")
    newest = hub.client.get(f"/ark:99999/{version.key}", headers={"Accept": "text/html"})
    assert newest.headers["Location"].endswith(f"/datasets/{version.key}")
    assert hub.client.get(f"/datasets/{version.key}").headers["Location"] == f"/datasets/{version.name}"
    assert hub.client.get(f"/ark:99999/{version.key}.v7").status_code == 404


def test_a_withdrawn_version_tells_why_and_gives_nothing(hub: Hub, version: Version) -> None:
    with hub.runtime.db.begin() as session:
        service.withdraw(session, version.key, 1, "A <b>mistake</b>.", by=SYSTEM, at=hub.runtime.clock())
    page = hub.client.get(f"/datasets/{version.name}", headers={"Accept": "text/html"})
    assert page.status_code == 410
    assert "A &lt;b&gt;mistake&lt;/b&gt;." in page.text
    assert "3 images of 3 specimens" in page.text
    for name in ("archive.zip", "members.jsonl", "croissant.json", "citation.bib", "files/images.csv"):
        assert hub.client.get(f"/datasets/{version.name}/{name}").status_code == 410, name


def test_a_question_becomes_a_dataset_by_a_form(hub: Hub, browser: Client, ada: Person) -> None:
    for number in range(3):
        add(hub.runtime, f"Q {number}")
    index(hub.runtime)
    cookie = {**ada.cookie, **OUR_PAGE}
    found = browser.get("/?q=Quercus&country=Belgium", headers=cookie)
    href = re.search(r'href="(/datasets/new[^"]+)"', found.text)
    assert href is not None
    form = browser.get(href[1].replace("&amp;", "&"), headers=cookie)
    assert 'value="Quercus"' in form.text
    assert 'name="country" value="Belgium"' in form.text
    sent = {
        "q": "Quercus",
        "country": "Belgium",
        "title": "Oaks of Belgium",
        "creators": "Ada <0000-0002-1825-0097>",
        "shares": "a=1",
        **{"sort": "-year", "view": "list", "type": "specimen"},
    }
    made = browser.post("/datasets", data=sent, headers=cookie)
    assert made.status_code == 303, made.text
    key = made.headers["Location"].rpartition("/")[2]
    assert "is being frozen" in browser.get(f"/datasets/{key}", headers=cookie).text
    with hub.runtime.reads.begin() as session:
        (job,) = work.of_dataset(session, key, 5)
    actors.freeze_dataset.fn(job.key)
    page = browser.get(f"/datasets/{key}.v1", headers=cookie)
    assert "<strong>3</strong> images" in page.text
    assert "Ask again and freeze what has changed" in page.text
    assert "country: Belgium" in page.text
    assert "view: list" not in page.text
    assert "Ask again" not in browser.get(f"/datasets/{key}.v1").text


def test_what_cannot_be_made_comes_back_with_what_was_typed(hub: Hub, browser: Client, ada: Person) -> None:
    cookie = {**ada.cookie, **OUR_PAGE}
    sent = {"q": "famly:Fagaceae", "title": "Mine", "creators": "Ada", "shares": "train=1"}
    refused = browser.post("/datasets", data=sent, headers=cookie)
    assert refused.status_code == 400
    assert 'value="Mine"' in refused.text
    assert "family:Fagaceae" in refused.text
    for seed in ("²", "9" * 5000, "-1"):
        refused = browser.post("/datasets", data={**sent, "q": "", "seed": seed}, headers=cookie)
        assert (refused.status_code, "seed is a whole number" in refused.text) == (400, True)
    refused = browser.post("/datasets", data={**sent, "q": "", "shares": "train=x"}, headers=cookie)
    assert "shares has names of splits" in refused.text
    assert json.loads(hub.client.get("/api/datasets").text)["total"] == 0
