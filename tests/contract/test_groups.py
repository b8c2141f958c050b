"""Like segments, and a name that goes to all of them as proposals; alike on SQLite and PostgreSQL."""

import re
from typing import Any

import pytest
from sqlalchemy import event, update

from annotations.groups import service
from annotations.segments.tables import SegmentRow
from iiif.catalogue.model import Media
from tests.contract.test_queue import plans
from tests.contract.test_segments import find, hub, settings
from tests.databases import on_both
from tests.people import Person, add_person
from tests.sheets import QUERCUS, Hub, add_sheet

__all__ = ["hub", "on_both", "settings"]  # fixtures


def sheet(hub: Hub, number: str, **terms: str) -> Media:
    _, (media,) = add_sheet(hub.runtime, number, {**QUERCUS, **terms}, sizes=((1000, 1500),))
    return media


def segment_of(hub: Hub, media: Media) -> str:
    (one,) = hub.get(f"/api/segments?media={media.key}").get_json()["items"]
    return str(one["key"])


def like(hub: Hub, key: str, query: str = "") -> set[str]:
    answer = hub.client.get(f"/api/segments/{key}/like?{query}")
    assert answer.status_code == 200, answer.text
    return {one["key"] for one in answer.get_json()["items"]}


def name(hub: Hub, who: Person, key: str, method: str = "POST", query: str = "", **given: Any) -> Any:
    said = {"by": "words", "term": "recordedBy", "value": "A. v. Humboldt"} | given
    return hub.client.open(f"/api/segments/{key}/like/proposals{query}", method=method, json=said, headers=who.bearer)


def test_segments_are_like_by_their_words_or_their_form_and_follow_what_is_said(hub: Hub) -> None:
    media = [sheet(hub, f"G {number}") for number in range(5)]
    places = ("10,10,300,200", "50,80,500,120", "10,10,305,198", "10,10,300,200", "9,9,300,200")
    words = ("Leg. A. v. Humboldt, Berlin", "leg A v HUMBOLDT\nBerlin", "no", "No", "Leg. A. v. Humboldt, Berlin")
    made = [
        find(hub, one, place, text=text, kind="barcode" if number == 4 else "label")
        for number, (one, place, text) in enumerate(zip(media, places, words, strict=True))
    ]
    keys = [segment_of(hub, one) for one in media]
    assert like(hub, keys[0]) == {keys[0], keys[1]}, "whatever case, punctuation and lines; of the same class"
    assert like(hub, keys[2]) == set(), "two letters say too little"
    assert like(hub, keys[0], "by=form") == {keys[0], keys[2], keys[3]}
    assert hub.client.get(f"/api/segments/{keys[0]}/like?by=colour").status_code == 400
    first = hub.client.get(f"/api/segments/{keys[0]}/like?limit=1").get_json()
    assert like(hub, keys[0], f"after={first['next']}") | {first["items"][0]["key"]} == {keys[0], keys[1]}
    reviewer = add_person(hub.runtime, "ana", "reviewer")
    said = {"annotation": made[1], "version": 1, "verdict": "rejected", "reason": "wrong text"}
    document = hub.get(f"/annotations/{made[1]}").get_json()
    correction = {
        "target": document["target"],
        "motivation": "supplementing",
        "body": {"type": "TextualBody", "value": "Bonpland"},
    }
    answer = hub.client.post("/api/verdicts", json=said | {"correction": correction}, headers=reviewer.bearer)
    assert answer.status_code == 201, answer.text
    assert like(hub, keys[0]) == {keys[0]}, "it reads otherwise now"


def test_a_name_goes_to_all_of_a_group_as_proposals_and_is_taken_back_as_a_whole(hub: Hub) -> None:
    media = [sheet(hub, f"G {number}", institutionCode="BR" if number < 3 else "P") for number in range(4)]
    for one in media:
        find(hub, one, "10,10,300,200", text="Leg. A. v. Humboldt, Berlin")
    key = segment_of(hub, media[0])
    ana, ben = add_person(hub.runtime, "ana", "reviewer", "BR"), add_person(hub.runtime, "ben", "annotator")
    cat = add_person(hub.runtime, "cat", "curator")
    assert name(hub, ben, key).status_code == 403
    for bad in ({"term": "nonsense"}, {"value": " "}, {"by": "colour"}, {"value": 7}, {"odd": "x"}):
        assert name(hub, ana, key, **bad).status_code == 400, bad
    seen = name(hub, ana, key, query="?dry_run=1").get_json()
    assert (seen["segments"], seen["specimens"], seen["next"], len(seen["sample"])) == (4, 3, None, 3), "those of BR"
    assert hub.get("/api/proposals?term=recordedBy").get_json()["items"] == [], "nothing was written"
    done = name(hub, ana, key).get_json()
    assert (len(done["made"]), done["known"], done["passedOver"]) == (3, 0, [])
    proposed = hub.get("/api/proposals?term=recordedBy").get_json()["items"]
    assert {one["key"] for one in proposed} == set(done["made"])
    assert {one["state"] for one in proposed} == {"unreviewed"}, "in no record before others judged it"
    again = name(hub, ana, key).get_json()
    assert (again["made"], again["known"]) == ([], 3), "the same again makes none twice"
    accepted = {"annotation": done["made"][0], "version": 1, "verdict": "approved"}
    assert hub.client.post("/api/verdicts", json=accepted, headers=cat.bearer).get_json()["state"] == "accepted"
    later = name(hub, cat, key).get_json()
    assert (len(later["made"]), [one["why"] for one in later["passedOver"]]) == (3, ["The record says 'A. v. Humboldt' already."])
    assert name(hub, ana, key, "DELETE").get_json() == {"takenBack": 2, "next": None}, "one's own, and none that others judged"
    left = hub.get("/api/proposals?term=recordedBy").get_json()["items"]
    assert {one["key"] for one in left} == set(later["made"])


def test_what_others_judged_blind_stays_and_the_number_taken_back_does_not_tell(hub: Hub) -> None:
    media = [sheet(hub, f"G {number}") for number in range(3)]
    for one in media:
        find(hub, one, "10,10,300,200", text="Holotypus, leg. A. v. Humboldt")
    key, ana = segment_of(hub, media[0]), add_person(hub.runtime, "ana", "reviewer")
    of_type = {"term": "typeStatus", "value": "holotype"}
    disputed, half_way, alone = name(hub, ana, key, **of_type).get_json()["made"]
    for who, judged, verdict in (("ben", disputed, "approved"), ("dan", disputed, "rejected"), ("eve", half_way, "approved")):
        said = {"annotation": judged, "version": 1, "verdict": verdict}
        person = add_person(hub.runtime, who, "reviewer")
        assert hub.client.post("/api/verdicts", json=said, headers=person.bearer).status_code == 201
    asked = list[str]()
    event.listen(hub.runtime.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert name(hub, ana, key, "DELETE", **of_type).get_json() == {"takenBack": 3, "next": None}
    assert len([one for one in asked if "proposals.specimen_key IN" in one]) == 1, "one question for all of them"
    there = {one: hub.get(f"/annotations/{one}").status_code for one in (disputed, half_way, alone)}
    assert there == {disputed: 200, half_way: 200, alone: 410}


def test_like_segments_are_found_by_an_index(hub: Hub) -> None:
    media = sheet(hub, "G 1")
    find(hub, media, "10,10,300,200", text="Leg. A. v. Humboldt, Berlin")
    key, asked = segment_of(hub, media), list[Any]()
    with hub.runtime.db.begin() as session:
        session.execute(update(SegmentRow).values(modified_at=SegmentRow.modified_at))
    event.listen(hub.runtime.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    like(hub, key)
    like(hub, key, "by=form")
    questions = {said: given for said, given in asked if re.search(r"segments\.(words|area_px) (=|BETWEEN)", said)}
    assert len(questions) == 2
    for said, plan in plans(hub, questions):
        assert not re.search(r"SCAN segments|Seq Scan on segments", plan), (said, plan)


def test_a_group_of_more_than_are_seen_to_at_once_is_seen_to_in_portions(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "MOST", 2)
    media = [sheet(hub, f"G {number}") for number in range(3)]
    for one in media:
        find(hub, one, "10,10,300,200", text="Leg. A. v. Humboldt, Berlin")
    key, ana = segment_of(hub, media[0]), add_person(hub.runtime, "ana", "reviewer")
    first = name(hub, ana, key).get_json()
    last = name(hub, ana, key, after=first["next"]).get_json()
    assert (len(first["made"]), len(last["made"]), last["next"]) == (2, 1, None)
    back = [name(hub, ana, key, "DELETE", after=after).get_json()["takenBack"] for after in ("", first["next"])]
    assert back == [2, 1]
