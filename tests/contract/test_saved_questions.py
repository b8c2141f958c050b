"""Saved questions: by the API, the pages and the command line, on both databases; and the feed of what is new in them."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import feedparser
import pytest
from click.testing import CliRunner
from sqlalchemy import update
from werkzeug.test import Client, TestResponse

from annotations.saved.tables import SavedQuestionRow
from app import relay
from app.cli.query import query
from app.runtime import clock
from app.runtime.context import Runtime
from app.runtime.ids import is_key
from tests.databases import on_both
from tests.people import OUR_PAGE, add_person
from tests.sheets import Hub, add_sheet, make_hub

settings = on_both


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    for number in range(3):
        add_sheet(runtime, f"N {number}", {"scientificName": "Quercus & <robur>", "country": "Portugal"})
    index(runtime)
    return make_hub(runtime)


def index(runtime: Runtime) -> None:
    while relay.update_index(runtime):
        pass


def send(hub: Hub, method: str, path: str, body: Any = None, **headers: str) -> TestResponse:
    said = {"Authorization": f"Bearer {hub.token}"} | {name.replace("_", "-"): value for name, value in headers.items()}
    return hub.client.open(path, method=method, json=body, headers=said)


def test_a_question_is_saved_read_changed_and_deleted(hub: Hub) -> None:
    question = "?q=quercus&country=Portugal&page=3&view=map"
    made = send(hub, "POST", "/api/queries", {"title": " Oaks  of Portugal", "question": question})
    assert made.status_code == 201, made.text
    saved = made.json
    assert is_key(saved["key"], "99999")
    assert (saved["title"], saved["question"]) == ("Oaks of Portugal", "q=quercus&country=Portugal")
    path = f"/api/queries/{saved['key']}"
    read = hub.client.get(path)
    assert (read.status_code, read.json["versions"]) == (200, [1])
    changed = {"title": "Oaks", "question": "q=quercus"}
    assert send(hub, "PUT", path, changed).status_code == 428
    assert send(hub, "PUT", path, changed, If_Match='"another"').status_code == 412
    second = send(hub, "PUT", path, changed, If_Match=read.headers["ETag"])
    assert (second.status_code, second.json.get("version")) == (200, 2), second.text
    assert send(hub, "PUT", path, changed, If_Match=read.headers["ETag"]).status_code == 412
    assert hub.client.get(f"{path}/versions/1").json["title"] == "Oaks of Portugal"
    assert hub.client.get(f"{path}/versions/3").status_code == 404
    assert [one["key"] for one in send(hub, "GET", "/api/queries").json["items"]] == [saved["key"]]
    assert hub.client.get("/api/queries").json["items"] == []
    assert hub.client.delete(path).status_code == 401
    assert send(hub, "DELETE", path).status_code == 204
    assert hub.client.get(path).status_code == 410
    assert hub.client.get(f"/queries/{saved['key']}/feed.atom").status_code == 410


def test_what_cannot_be_asked_is_not_saved(hub: Hub) -> None:
    refused: list[tuple[Any, str | None]] = [
        ({"title": "", "question": "q=x"}, "title"),
        ({"title": "x" * 201, "question": "q=x"}, "title"),
        ({"title": "x", "question": "q=famly:x"}, "q"),
        ({"title": "x", "question": "famly=x"}, "famly"),
        ({"title": "x", "question": "type=leaf"}, "type"),
        ({"title": "x", "question": "year=9..1"}, "year"),
        ({"title": "x", "question": "q=" + "x" * 5000}, "question"),
        ({"title": "x", "question": "&".join(f"family=a{number}" for number in range(61))}, "question"),
        ({"title": "x", "question": 'q=relation:"stamp inside label"&type=annotation'}, "type"),
        ({"title": "x", "question": "q=\ud800"}, None),
        ({"title": "x"}, None),
        (["x"], None),
    ]
    for body, parameter in refused:
        answer = send(hub, "POST", "/api/queries", body)
        assert (answer.status_code, answer.json.get("parameter")) == (400, parameter), body


def test_what_is_given_twice_is_saved_as_the_search_takes_it(hub: Hub) -> None:
    saved = send(hub, "POST", "/api/queries", {"title": "x", "question": "q=quercus&q=nowhere&family=a&family=b&family=a"}).json
    assert saved["question"] == "q=quercus&family=a&family=b"


def test_the_page_of_a_question_that_can_be_asked_no_more_says_why(hub: Hub) -> None:
    saved = send(hub, "POST", "/api/queries", {"title": "x", "question": "q=quercus"}).json
    with hub.runtime.db.begin() as session:
        session.execute(update(SavedQuestionRow).values(question="q=gone:x"))
    page = hub.get(f"/queries/{saved['key']}", Accept="text/html")
    assert page.status_code == 200
    assert "There is no field &#39;gone&#39;" in page.text


def test_the_feed_names_what_came_last_and_is_sound_atom(hub: Hub) -> None:
    saved = send(hub, "POST", "/api/queries", {"title": "Oaks <&> more", "question": "q=quercus"}).json
    path = saved["feed"].removeprefix(hub.addresses.base)
    first = feedparser.parse(hub.client.get(path).data)
    assert not first.bozo, first.get("bozo_exception")
    assert (first.version, first.feed.title, len(first.entries)) == ("atom10", "Oaks <&> more", 3)
    later = replace(hub.runtime, clock=lambda: clock.now() + timedelta(hours=1))
    new, _ = add_sheet(later, "N 9", {"scientificName": "Quercus suber"})
    index(hub.runtime)
    second = feedparser.parse(hub.client.get(path).data)
    assert second.entries[0].id == hub.addresses.pid(new.key)
    assert second.entries[0].title == "Quercus suber · N 9"
    assert {entry.id for entry in second.entries[1:]} == {entry.id for entry in first.entries}
    assert second.feed.updated >= first.feed.updated
    tag = hub.client.get(path).headers["ETag"]
    assert hub.client.get(path, headers={"If-None-Match": tag}).status_code == 304
    for kind in ("annotation", "segment"):
        other = send(hub, "POST", "/api/queries", {"title": kind, "question": f"type={kind}"}).json
        assert not feedparser.parse(hub.client.get(other["feed"].removeprefix(hub.addresses.base)).data).bozo


def test_people_save_from_the_search_page_and_only_the_owner_changes(hub: Hub) -> None:
    ann, bob = (add_person(hub.runtime, name, "reader", "all") for name in ("ann", "bob"))
    client = Client(hub.client.application, use_cookies=False)
    assert "Save this question" in client.get("/?q=quercus", headers={**ann.cookie, "Accept": "text/html"}).text
    assert "Save this question" not in client.get("/?q=quercus", headers={"Accept": "text/html"}).text
    sent = client.post("/queries", data={"title": "Mine", "question": "q=quercus"}, headers={**ann.cookie, **OUR_PAGE})
    assert sent.status_code == 303
    path = sent.headers["Location"]
    page = client.get(path, headers={"Accept": "text/html"})
    assert "All 3 found" in page.text
    assert "application/atom+xml" in page.headers["Link"]
    assert "Change it" not in page.text
    assert "Change it" in client.get(path, headers={**ann.cookie, "Accept": "text/html"}).text
    assert "Mine" in client.get("/queries", headers={**ann.cookie, "Accept": "text/html"}).text
    assert client.get("/queries", headers={"Accept": "text/html"}).status_code == 401
    change = {"title": "Ours", "question": "q=fagus"}
    assert client.post(f"{path}/change", data=change, headers={**bob.cookie, **OUR_PAGE}).status_code == 403
    assert client.post(f"{path}/change", data=change, headers={**ann.cookie, **OUR_PAGE}).status_code == 303
    assert "Version 1: Mine" in client.get(path, headers={"Accept": "text/html"}).text
    old = client.get(f"{path}?version=1", headers={"Accept": "text/html"}).text
    assert "version 1 of 2" in old
    assert client.post(f"{path}/delete", headers={**ann.cookie, **OUR_PAGE}).headers["Location"] == "/queries"


def test_an_identifier_of_a_question_leads_to_its_page(hub: Hub) -> None:
    saved = send(hub, "POST", "/api/queries", {"title": "x", "question": ""}).json
    path = saved["id"].removeprefix(hub.addresses.base)
    assert hub.client.get(path, headers={"Accept": "text/html"}).headers["Location"] == saved["page"]
    told = hub.client.get(path, headers={"Accept": "application/json"}).headers["Location"]
    assert told.endswith(f"/api/queries/{saved['key']}")


def test_the_command_line_saves_lists_changes_and_deletes(prepared: Runtime) -> None:
    def run(*words: str) -> Any:
        result = CliRunner().invoke(query, [*words, "--json"], env={"LECTOTYPE_DATA_DIR": str(prepared.settings.data_dir)})
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    key = run("save", "Oaks", "q=quercus")["key"]
    assert [one["title"] for one in run("list")] == ["Oaks"]
    assert run("change", key, "Beeches", "q=fagus")["version"] == 2
    run("delete", key)
    assert run("list") == []
    assert CliRunner().invoke(query, ["save", "x", "q=famly:x"]).exit_code == 1
