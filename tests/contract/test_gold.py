"""Gold: decided statements among the items of the queue, to see how people judge; alike on SQLite and PostgreSQL."""

from typing import Any

import pytest

from iiif.catalogue.model import Media
from tests.contract.test_blind import rules_for
from tests.contract.test_queue import in_line, lease, take
from tests.contract.test_verdicts import hub, media, person, say, settings, stands, state
from tests.databases import on_both
from tests.people import Person
from tests.sheets import Hub

__all__ = ["hub", "media", "on_both", "settings"]  # fixtures
ROUNDS = 12


def decided(hub: Hub, media: Media, cat: Person, number: int) -> list[str]:
    keys = [state(hub, media, f"Carex {one}", confidence=0.5) for one in range(number)]
    for key in keys:
        assert say(hub, cat, key, "approved").json["state"] == "accepted"
    return keys


def handed(hub: Hub, who: Person, number: int, have: list[str]) -> list[dict[str, Any]]:
    answer = lease(hub, who, kind="label", take=number, have=have)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json["items"]
    return items


def test_gold_comes_among_the_others_and_nothing_tells_which_it_is(hub: Hub, media: Media) -> None:
    ana, ben, cat = person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer"), person(hub, "cat", "curator")
    keys = set(decided(hub, media, cat, 20))
    open_ = {state(hub, media, f"Quercus {number}", confidence=0.5) for number in range(40)}
    with rules_for("label", gold=0.5):
        got: list[dict[str, Any]] = []
        for _ in range(3):
            got += handed(hub, ana, 10, [one["key"] for one in got])
        given = [one["key"] for one in got]
        of_gold = keys & set(given)
        assert len(given) == len(set(given)) == 30
        assert 3 <= len(of_gold) <= 20, "half of them, by chance; this fails once in a hundred thousand times"
        assert given[-len(of_gold) :] != sorted(of_gold), "not in a row at the end"
        for of_one in (set, lambda one: {name: type(value) for name, value in one.items()}):
            assert len({str(sorted(of_one(one))) for one in got}) == 1, "all have the same members"
        for name in ("state", "class", "why", "gain", "uncertainty", "disagreement", "layer", "confidence"):
            assert len({str(one[name]) for one in got}) == 1, name
        assert lease(hub, ana, renew=given).get_json()["renewed"] == sorted(given)
        assert {one["key"] for one in handed(hub, ana, 20, [])} <= set(given), "who comes back finds what they held"
        gold, real = min(of_gold), min(open_ & set(given))
        answers = [say(hub, ana, key, "rejected") for key in (gold, real)]
        alike = [{**one.json, "key": "", "id": "", "annotation": ""} for one in answers]
        assert alike[0] == alike[1], "nor does the answer tell"
        assert (stands(hub, gold), stands(hub, real)) == ("accepted", "rejected")
        skipped, back = sorted(of_gold - {gold})[:2]
        lease(hub, ana, skip=[{"annotation": skipped, "version": 1}], giveBack=[back])
        renewed = lease(hub, ana, renew=[gold, real, skipped, back]).get_json()["renewed"]
        assert renewed == [], "judged, passed over and given back are held no more, of whichever kind"
        assert take(hub, cat) != [], "curators get what waits"
        assert not keys & set(take(hub, cat, 20)), "and none of their decisions"
    assert say(hub, ben, min(keys), "rejected").status_code == 201
    told = hub.client.get(f"/api/annotations/{min(keys)}/history", headers=cat.bearer).get_json()["verdicts"]
    assert ben.key in [one["by"] for one in told], "who comes by themselves gives a verdict as any other"
    assert in_line(hub)


def test_gold_never_comes_alone_nor_without_a_share_nor_twice(hub: Hub, media: Media) -> None:
    ana, cat = person(hub, "ana", "reviewer"), person(hub, "cat", "curator")
    keys = set(decided(hub, media, cat, 3))
    assert take(hub, ana, 20) == [], "the share is 0"
    with rules_for("label", gold=0.5):
        assert [take(hub, ana, 20) for _ in range(ROUNDS)] == [[]] * ROUNDS, "at the end of the queue it would be known"
        seen = set()
        for number in range(ROUNDS):
            state(hub, media, f"Quercus {number}")
            for key in take(hub, ana, 4):
                assert key not in seen
                seen.add(key)
                say(hub, ana, key, "approved")
        assert len(seen) == ROUNDS + len(seen & keys)
        assert seen & keys


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_score_is_told_from_twenty_on_to_the_person_and_to_curators(hub: Hub, media: Media) -> None:
    ana, cat = person(hub, "ana", "reviewer"), person(hub, "cat", "curator")
    keys = set(decided(hub, media, cat, 22))
    with rules_for("label", gold=0.5):
        judged: list[str] = []
        for number in range(200):
            if len(judged) == len(keys):
                break
            state(hub, media, f"Quercus {number}", confidence=0.01)
            for key in take(hub, ana, 6):
                right = key not in keys or len(judged) % 11
                assert say(hub, ana, key, "approved" if right else "rejected").status_code == 201
                judged += [key] if key in keys else []
            if len(judged) in (1, 19, 21):
                told = hub.client.get("/api/agreement", headers=ana.bearer).get_json()["gold"]
                full = (20, 0.9) if len(judged) > 20 else (0, None)
                assert {(one["units"], one["value"]) for one in told.values()} == {full}, (
                    "in steps, or it would be known which was gold"
                )
    assert set(judged) == keys
    own = hub.client.get("/api/agreement", headers=ana.bearer).get_json()["gold"]["own"]
    assert (own["units"], own["value"]) == (20, 0.9)
    assert {stands(hub, key) for key in keys} == {"accepted"}
    history = hub.client.get(f"/api/annotations/{judged[0]}/history", headers=person(hub, "dan", "reviewer").bearer).get_json()
    assert [one["by"] for one in history["verdicts"]] == [cat.key], "nor does the history tell"
    assert hub.client.get("/api/agreement/people", headers=ana.bearer).status_code == 403
    people = hub.client.get("/api/agreement/people?kind=label", headers=cat.bearer).get_json()["people"]
    told = {one["name"]: (one["gold"]["units"], one["gold"]["value"], one["machines"]["value"]) for one in people}
    assert told == {"Ana": (22, round(20 / 22, 4), 1.0), "Cat": (0, None, 1.0)}
    page = hub.client.get("/review/agreement", headers={**cat.bearer, "Accept": "text/html"}).text
    assert "By person" in page
    assert "By person" not in hub.client.get("/review/agreement", headers={**ana.bearer, "Accept": "text/html"}).text
