"""Whose word a statement is: its creator, whose statement nobody replaces, and what those who come second are told."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from annotations import service as annotations
from annotations.errors import NotReplaced
from app.runtime.principal import Principal
from iiif.catalogue.model import Media
from tests.contract.test_verdicts import hub, media, person, right, say, settings, stands, state
from tests.databases import on_both
from tests.drain import drain
from tests.sheets import Hub, comment

__all__ = ["hub", "media", "on_both", "settings"]  # fixtures


def test_what_a_person_writes_is_said_in_their_name_and_in_no_other(hub: Hub, media: Media) -> None:
    ana, cat = person(hub, "ana", "annotator"), person(hub, "cat", "curator")
    own = {"id": hub.addresses.pid(ana.key), "type": "Person"}
    for claimed in (None, own["id"], {**own, "name": "Anastasia"}):
        document = right(hub, media, **({} if claimed is None else {"creator": claimed}))
        said = hub.client.post("/annotations/", json=document, headers=ana.bearer)
        assert (said.status_code, said.json["creator"]) == (201, own)
    total = hub.get("/annotations/").json["total"]
    for other in (hub.addresses.pid(cat.key), {"type": "Person", "name": "Ana"}, [own, "https://orcid.org/0000-0001"]):
        refused = hub.client.post("/annotations/", json=right(hub, media, creator=other), headers=ana.bearer)
        assert (refused.status_code, refused.json["parameter"]) == (403, "creator")
        assert "one's own name" in refused.json["detail"]
    assert hub.get("/annotations/").json["total"] == total
    changed = {**said.json, "body": {"type": "TextualBody", "value": "Carex alba"}}
    unsigned = {name: value for name, value in changed.items() if name != "creator"}
    by_curator = hub.client.put(said.json["id"], json=unsigned, headers=cat.bearer)
    assert (by_curator.status_code, by_curator.json["creator"]) == (200, own), "who said it first stays its creator"
    theft = hub.client.put(said.json["id"], json={**changed, "creator": "https://orcid.org/0000-0001"}, headers=cat.bearer)
    assert theft.status_code == 403
    client = hub.post(comment(hub.addresses.image(media.key), creator={"type": "Person", "name": "A source"}))
    assert client.json["creator"]["name"] == "A source", "a machine client tells what its source says"


def test_no_person_replaces_what_a_machine_said_whichever_way_they_come(hub: Hub, media: Media) -> None:
    key, cat = state(hub, media), person(hub, "cat", "curator")
    for profile in ("w3c", "iiif3", "annotorious"):
        seen = hub.get(f"/annotations/{key}?profile={profile}").json
        refused = hub.client.put(f"/annotations/{key}?profile={profile}", json=seen, headers=cat.bearer)
        assert (refused.status_code, refused.json["title"]) == (409, "NotReplaced")
        assert f"{hub.addresses.base}/api/verdicts" in refused.json["detail"]
    signed_in = replace(Principal.of_system(), account=cat.key, session="a session")
    for by in (signed_in, Principal.of_operator()):
        with hub.runtime.db.begin() as session, pytest.raises(NotReplaced):
            annotations.replace(session, key, {}, by=by, addresses=hub.addresses, at=hub.runtime.clock())
    assert hub.get(f"/api/annotations/{key}/history").json["version"] == 1


def test_of_two_who_change_one_statement_at_once_the_second_is_told_and_nothing_is_lost(hub: Hub, media: Media) -> None:
    ana, cat = person(hub, "ana", "annotator"), person(hub, "cat", "curator")
    first = hub.client.post("/annotations/", json=right(hub, media), headers=ana.bearer)
    key, together = first.json["id"].rpartition("/")[2], threading.Barrier(2)

    def change(who: Any, text: str) -> Any:
        document = {**first.json, "body": {"type": "TextualBody", "value": text}}
        client = hub.client.application.test_client()
        together.wait(10)
        headers = {**who.bearer, "If-Match": first.headers["ETag"]}
        return client.put(f"/annotations/{key}", json=document, headers=headers)

    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(change, who, text) for who, text in ((ana, "Carex alba"), (cat, "Carex flava"))]
        answers = sorted((one.result(30) for one in waiting), key=lambda one: one.status_code)
    assert [one.status_code for one in answers] == [200, 412]
    assert "version 2" in answers[1].json["detail"]
    told = hub.get(f"/api/annotations/{key}/history").json
    assert [one["version"] for one in told["versions"]] == [2, 1]
    assert hub.get(f"/annotations/{key}").json["body"] == answers[0].json["body"]


def test_two_corrections_in_the_same_instant_both_stay_and_wait_for_a_third(hub: Hub, media: Media) -> None:
    key, people = state(hub, media), [person(hub, name, "reviewer") for name in ("ana", "ben")]
    together = threading.Barrier(2)

    def correct(who: Any, text: str) -> Any:
        together.wait(10)
        other = Hub(hub.runtime, hub.client.application.test_client(), "")
        return say(other, who, key, "rejected", correction=right(hub, media, text))

    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(correct, *pair) for pair in zip(people, ("Carex alba", "Carex flava"), strict=True)]
        answers = [one.result(30) for one in waiting]
    assert [one.status_code for one in answers] == [201, 201]
    corrections = [one.json["correction"].rpartition("/")[2] for one in answers]
    assert [stands(hub, one) for one in (key, *corrections)] == ["rejected", "unreviewed", "unreviewed"]


def test_a_search_inside_a_specimen_counts_no_more_than_it_lists(hub: Hub, media: Media) -> None:
    ana, keys = person(hub, "ana", "reviewer"), [state(hub, media, f"Carex rubra {number}") for number in range(4)]
    say(hub, ana, keys[0], "rejected")
    say(hub, ana, keys[1], "rejected", correction=right(hub, media, "Carex rubra correcta"))
    drain(hub.runtime)
    one = hub.get(f"{hub.addresses.search(1, media.specimen_key)}?q=rubra").json
    assert (one["within"]["total"], len(one["resources"])) == (3, 3)
    assert len(hub.get(f"{hub.addresses.search(2, media.specimen_key)}?q=rubra").json["items"]) == 3
