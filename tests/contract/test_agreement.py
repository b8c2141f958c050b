"""How far people agree with one another and with machines, over HTTP and as a page; and what several say together."""

from typing import Any

import pytest

from annotations.states import policy
from annotations.states.derive import Facts, Voice, derive
from app.runtime import clock
from iiif.catalogue.model import Media
from tests.contract.test_verdicts import hub, media, person, right, say, settings, state
from tests.databases import on_both
from tests.sheets import Hub, comment

__all__ = ["hub", "media", "on_both", "settings"]  # fixtures


def test_figures_tell_people_and_machines_apart_with_numbers_and_intervals(hub: Hub, media: Media) -> None:
    people = [person(hub, name, "reviewer") for name in ("ana", "ben")]
    cat = person(hub, "cat", "curator")
    keys = [state(hub, media, f"Carex {word}", kind="name") for word in ("nigra", "alba", "flava", "rubra")]
    own = [right(hub, media, "Carex acuta"), right(hub, media, "Carex  acuta")]
    answers = (("approved", "approved"), ("approved", "rejected"), ("rejected", "rejected"), ("approved", "approved"))
    for number, (key, said) in enumerate(zip(keys, answers, strict=True)):
        for who, verdict, correction in zip(people, said, own, strict=True):
            more = {"correction": correction} if number == 2 else {}
            assert say(hub, who, key, verdict, **more).status_code == 201
    open_ = hub.get("/api/agreement?kind=name").json
    assert open_["units"] == 3, "what is still in dispute is not told"
    assert say(hub, cat, keys[1], "approved").json["state"] == "accepted"
    found = hub.get("/api/agreement?kind=name").json
    assert (found["units"], found["verdicts"], found["leftOut"]) == (4, 8, 1), "who settles a dispute has seen it"
    verdicts = found["people"]["verdicts"]
    assert (verdicts["units"], verdicts["values"]) == (4, 8)
    assert verdicts["low"] <= verdicts["value"] <= verdicts["high"]
    assert "fewer than 30" in verdicts["note"]
    assert found["people"]["classes"]["raw"] == 1.0, "the two corrections are one text, folded"
    assert found["machines"]["verdicts"]["value"] == pytest.approx(5 / 8, abs=0.001)
    assert found["people"]["overlap"]["value"] == 1.0
    assert found["gold"]["all"]["note"] == "no score before 20"
    assert hub.get("/api/agreement?kind=label").json["units"] == 0
    assert hub.get("/api/agreement?from=2100-01-01").json["units"] == 0
    assert hub.get("/api/agreement?run=x1").json["units"] == 4
    assert hub.get("/api/agreement?from=yesterday").status_code == 400
    page = hub.client.get("/review/agreement?kind=name", headers={"Accept": "text/html"})
    assert (page.status_code, "8 independent verdicts on 4 statements" in page.text) == (200, True)
    assert hub.client.get("/review/agreement?to=never", headers={"Accept": "text/html"}).status_code == 400
    together = hub.client.get(f"/api/annotations/{keys[2]}/consensus", headers=people[0].bearer).json
    assert (together["verdicts"], together["text"]["support"]) == ({"approved": 0, "rejected": 2, "uncertain": 0}, 2)
    assert (together["region"]["support"], together["region"]["overlap"]) == (2, 1.0)


def test_who_saw_what_others_think_is_left_out(hub: Hub, media: Media) -> None:
    key = state(hub, media)  # of a kind that is not judged blind
    for name in ("ana", "ben", "cat"):
        say(hub, person(hub, name, "reviewer"), key, "approved")
    found = hub.get("/api/agreement?kind=label").json
    assert (found["verdicts"], found["leftOut"]) == (1, 2)
    assert found["people"]["verdicts"]["note"] == "no unit has two values"


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_regions_and_readings_of_several_come_to_one_that_somebody_made(hub: Hub, media: Media) -> None:
    key, image = state(hub, media, kind="name"), hub.addresses.image(media.key)
    boxes = {"ana": "0,0,100,100", "ben": "10,0,100,100", "dan": "20,0,100,100", "eva": "500,500,50,50"}
    texts = {"ana": "leg. Novák 1905", "ben": "leg. Novák 1905", "dan": "leg. Novak 1905", "eva": "det. Novák"}
    given: dict[str, Any] = {}
    for name, box in boxes.items():
        own = comment(f"{image}#xywh={box}", texts[name], motivation="supplementing")
        given[name] = say(hub, person(hub, name, "reviewer"), key, "rejected", correction=own).json
    told = hub.client.get(f"/api/annotations/{key}/consensus").json
    assert told["region"]["medoid"] == given["ben"]["correction"].rpartition("/")[2]
    assert (told["region"]["support"], told["region"]["of"]) == (3, 4)
    assert told["text"]["together"] == "leg. Novák 1905"
    assert told["text"]["support"] == 2
    disputed = [slot for slot in told["text"]["slots"] if slot["disputed"]]
    assert disputed == []


def test_a_policy_may_let_one_reviewer_suffice() -> None:
    at, needed = clock.now(), policy.of("name")
    alone = policy.Policy(2, needed.share, {**needed.weights, "annotator": 1}, True, True, False, 0.0, "")
    hint, expert = Voice("rejected", "annotator", at, True), Voice("approved", "reviewer", at, True)
    assert derive(Facts((hint, expert)), alone).state == "accepted"
    assert derive(Facts((hint, expert)), alone).rule == "a reviewer decided"
    assert derive(Facts((expert, Voice("rejected", "curator", at, True))), alone).state == "rejected"
    assert derive(Facts((expert,)), needed).state == "unreviewed"
