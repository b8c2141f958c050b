"""Blind judging: what others think of an open statement shows nowhere until one has judged it, or it is decided."""

from typing import Any

import pytest

from annotations.review import blindness
from annotations.search import consistency
from annotations.states import policy
from app.runtime.principal import of_secret
from iiif.catalogue.model import Media
from tests.contract.test_verdicts import hub, media, person, right, say, settings, stands, state
from tests.databases import on_both
from tests.drain import drain
from tests.people import Person
from tests.sheets import Hub

__all__ = ["hub", "media", "on_both", "settings"]  # fixtures


def looks(hub: Hub, media: Media, key: str, who: dict[str, str]) -> dict[str, Any]:
    """Everything by which a verdict could show: each address with its answer and its ETag."""
    addresses = (
        "/annotations/", "/annotations/?page=first", f"/annotations/?target={hub.addresses.annotation(key)}",
        f"/annotations/?target={hub.addresses.annotation(key)}&page=first", f"/annotations/{key}",
        f"/annotations/?target={hub.addresses.image(media.key)}", "/api/search?type=all&q=Carex&facets=kind,layer,state",
        "/api/search?type=annotation&state=disputed", f"/api/search?q={media.specimen_key}",
        f"{hub.addresses.search(2, media.specimen_key)}?q=Carex", f"{hub.addresses.search(1, media.specimen_key)}?q=Carex",
        f"{hub.addresses.autocomplete(2, media.specimen_key)}?q=Car", hub.addresses.manifest(media.specimen_key),
        f"/canvases/{media.key}/annotations/people.json", f"/canvases/{media.key}/annotations/machine.json",
        f"/specimens/{media.specimen_key}", f"/api/specimens/{media.specimen_key}", "/api/proposals?state=disputed",
        "/api/proposals?state=unreviewed", f"/api/annotations/{key}/history", "/api/agreement", "/api/annotations",
    )  # fmt: skip
    found = {}
    for address in addresses:
        answer = hub.client.get(address.removeprefix(hub.addresses.base), headers=who)
        found[address] = (answer.status_code, answer.headers.get("ETag"), answer.text)
    return found


def test_the_verdicts_of_others_show_nowhere_until_ones_own_is_given(hub: Hub, media: Media) -> None:
    ana, ben, dan = (person(hub, name, "reviewer") for name in ("ana", "ben", "dan"))
    cat, key = person(hub, "cat", "curator"), state(hub, media, kind="name")
    drain(hub.runtime)
    seekers = ({}, ben.bearer)
    before = [looks(hub, media, key, who) for who in seekers]
    first = say(hub, ana, key, "rejected", comment="Ambiguissima", correction=right(hub, media, "Carex alba"))
    assert (first.status_code, first.json["state"]) == (201, "unreviewed")
    hidden = [first.json["id"], first.json["correction"]]
    drain(hub.runtime)
    for who, known in zip(seekers, before, strict=True):
        now = looks(hub, media, key, who)
        assert [address for address in known if now[address] != known[address]] == []
        for iri in (*hidden, *(f"{one}/versions/1" for one in hidden)):
            assert hub.client.get(iri.removeprefix(hub.addresses.base), headers=who).status_code == 404
        assert hub.client.get(f"/api/annotations/{key}/consensus", headers=who).status_code == (403 if who else 401)
    for who in (ana, cat):
        told = hub.client.get(f"/api/annotations/{key}/history", headers=who.bearer).json
        assert [one["by"] for one in told["verdicts"]] == [ana.key]
        assert hub.client.get(hidden[1].removeprefix(hub.addresses.base), headers=who.bearer).status_code == 200
    with hub.runtime.reads.begin() as session:
        assert list(consistency.differences(session, hub.runtime.search)) == []
    second = say(hub, ben, key, "approved")
    assert second.json["state"] == "disputed", "who has judged is told"
    told = hub.client.get(f"/api/annotations/{key}/history", headers=ben.bearer).json
    assert (told["state"], {one["by"] for one in told["verdicts"]}) == ("disputed", {ana.key, ben.key})
    drain(hub.runtime)
    assert key in hub.client.get("/api/proposals?state=unreviewed", headers=dan.bearer).text
    assert key not in hub.client.get("/api/proposals?state=disputed", headers=dan.bearer).text
    assert key in hub.client.get("/api/proposals?state=disputed", headers=cat.bearer).text
    _decided(hub, media, key, cat, hidden)


def _decided(hub: Hub, media: Media, key: str, cat: Person, hidden: list[str]) -> None:
    """A curator settles it, and everybody is told."""
    assert say(hub, cat, key, "rejected").json["state"] == "rejected"
    drain(hub.runtime)
    assert [hub.get(iri).status_code for iri in hidden] == [200, 200]
    assert len(hub.get(f"/api/annotations/{key}/history").json["verdicts"]) == 3
    assert hub.get("/api/search?type=annotation&q=alba").json["total"] == 1
    with hub.runtime.reads.begin() as session:
        assert list(consistency.differences(session, hub.runtime.search)) == []


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_what_is_taken_back_leaves_no_trace_either(hub: Hub, media: Media) -> None:
    ana, ben, key = person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer"), state(hub, media, kind="name")
    drain(hub.runtime)
    before = looks(hub, media, key, ben.bearer)
    given = say(hub, ana, key, "approved")
    assert hub.client.delete(f"/api/verdicts/{given.json['key']}", headers=ana.bearer).status_code == 200
    drain(hub.runtime)
    assert looks(hub, media, key, ben.bearer) == before


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_gold_tells_how_people_judge_and_counts_for_nothing(hub: Hub, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = {**policy.rules(), "default": {**policy.rules()["default"], "gold": 0.05}}
    monkeypatch.setattr(policy, "rules", lambda: rules)
    policy.of.cache_clear()
    ana, cat = person(hub, "ana", "reviewer"), person(hub, "cat", "curator")
    keys = [state(hub, media, f"Carex {number}") for number in range(22)]
    for key in keys:
        assert say(hub, cat, key, "approved").json["state"] == "accepted"
    with hub.runtime.reads.begin() as session:
        by = of_secret(session, ana.bearer["Authorization"].partition(" ")[2], hub.runtime.clock())
        assert set(blindness.gold(session, "label", by=by, limit=50)) == set(keys)
    for number, key in enumerate(keys):
        given = say(hub, ana, key, "rejected" if number % 11 == 0 else "approved")
        assert given.json["state"] == ("rejected" if number % 11 == 0 else "accepted"), "as if nobody had judged it"
        assert given.json["counts"]["rule"] == "enough voices"
        own = hub.client.get("/api/agreement", headers=ana.bearer).json["gold"]["own"]
        assert (own["value"] is None) == (number < 19), "no score from fewer than twenty"
    assert (own["units"], own["value"]) == (22, round(20 / 22, 4))
    assert {stands(hub, key) for key in keys} == {"accepted"}
    told = hub.client.get(f"/api/annotations/{keys[0]}/history", headers=person(hub, "dan", "reviewer").bearer).json
    assert [one["by"] for one in told["verdicts"]] == [cat.key]
    policy.of.cache_clear()
