"""Many verdicts at once: looked at first, given once, taken back as a whole; alike on SQLite and PostgreSQL."""

from typing import Any

import pytest
from sqlalchemy import select

from annotations.queue import batches
from annotations.tables import VerdictBatchRow, VerdictRow
from iiif.catalogue.model import Media
from tests.contract.test_queue import hub, in_line, listed, media, settings
from tests.contract.test_verdicts import person, say, state
from tests.databases import on_both
from tests.people import Person
from tests.sheets import Hub

__all__ = ["hub", "media", "on_both", "settings"]  # fixtures


def test_a_batch_is_looked_at_given_once_and_taken_back_as_a_whole(hub: Hub, media: Media) -> None:
    sure = [state(hub, media, f"word {number}", confidence=0.9) for number in range(3)]
    poor, disputed, silent = state(hub, media, confidence=0.6), state(hub, media, confidence=0.99), state(hub, media)
    ana, ben, cat = person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer"), person(hub, "cat", "curator")
    say(hub, ana, disputed, "approved")
    say(hub, ben, disputed, "rejected")

    def batch(who: Person = cat, query: str = "", **body: Any) -> Any:
        asked = {"kind": "label", "minConfidence": 0.8} | body
        return hub.client.post(f"/api/verdicts/batch{query}", json=asked, headers=who.bearer)

    seen = batch(query="?dry_run=1").json
    assert (seen["count"], seen["more"], seen["passedOver"]) == (3, False, {"disputed": 1, "stale": 0})
    assert {one["key"] for one in seen["sample"]} == set(sure)
    assert batch(ana).status_code == 403
    for bad in ({"minConfidence": 0.5}, {"minConfidence": "x"}, {"kind": ""}, {"odd": 1}, {"clientKey": 7}):
        assert batch(**bad).status_code == 400, bad
    assert batch(query="?dry_run=1", run="x9").json["count"] == 0
    done = batch(clientKey="one").json
    assert (done["chosen"], done["accepted"], done["refused"]) == (3, 3, [])
    assert batch(clientKey="one").json == done, "the same again is the same batch"
    assert batch(clientKey="one", minConfidence=0.9).status_code == 409
    assert {one["key"] for one in listed(hub)} == {poor, disputed, silent}
    path = f"/api/verdicts/batch/{done['key']}"
    assert hub.client.delete(path, headers=ana.bearer).status_code == 404
    assert hub.client.delete(path, headers=cat.bearer).json["undone"] is True
    assert hub.client.delete(path, headers=cat.bearer).status_code == 410
    assert batch(clientKey="one").status_code == 410
    assert len(listed(hub)) == 6
    with hub.runtime.reads.begin() as session:
        of_cat = session.scalars(select(VerdictRow).where(VerdictRow.account == cat.key)).all()
    assert len(of_cat) == 3
    assert all(one.withdrawn_at for one in of_cat)
    assert in_line(hub)


def accept_all(hub: Hub, who: Person, name: str) -> Any:
    asked = {"kind": "label", "minConfidence": 0.8, "clientKey": name}
    return hub.client.application.test_client().post("/api/verdicts/batch", json=asked, headers=who.bearer)


def standing_of(hub: Hub, who: Person) -> list[VerdictRow]:
    with hub.runtime.reads.begin() as session:
        theirs = (VerdictRow.account == who.key, VerdictRow.withdrawn_at.is_(None))
        return list(session.scalars(select(VerdictRow).where(*theirs).order_by(VerdictRow.client_key)))


def test_a_batch_that_is_taken_back_while_it_goes_on_stops(hub: Hub, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken back between two parts of it: what was given is withdrawn, and no more is given."""
    monkeypatch.setattr(batches, "AT_ONCE", 1)
    for number in range(3):
        state(hub, media, f"word {number}", confidence=0.9)
    cat, parts = person(hub, "cat", "curator"), batches._in_parts
    undone: list[int] = []

    def in_parts(several: Any) -> Any:
        for number, part in enumerate(parts(several)):
            if number == 1 and not undone:
                undone.append(len(standing_of(hub, cat)))
                with hub.runtime.reads.begin() as session:
                    key = session.scalars(select(VerdictBatchRow.key)).one()
                answer = hub.client.application.test_client().delete(f"/api/verdicts/batch/{key}", headers=cat.bearer)
                undone.append(answer.status_code)
            yield part

    monkeypatch.setattr(batches, "_in_parts", in_parts)
    stopped = accept_all(hub, cat, "one")
    assert undone == [1, 200]
    assert (stopped.status_code, stopped.json["detail"]) == (410, "This batch was taken back.")
    assert standing_of(hub, cat) == []
    assert accept_all(hub, cat, "one").status_code == 410
    assert in_line(hub)


def test_taking_a_batch_back_goes_on_where_it_was_stopped(hub: Hub, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "AT_ONCE", 1)
    for number in range(3):
        state(hub, media, f"word {number}", confidence=0.9)
    cat = person(hub, "cat", "curator")
    path = f"/api/verdicts/batch/{accept_all(hub, cat, 'one').json['key']}"
    with monkeypatch.context() as patch:
        parts = batches._in_parts
        patch.setattr(batches, "_in_parts", lambda several: iter(list(parts(several))[:1]))  # killed after the first part
        assert hub.client.delete(path, headers=cat.bearer).status_code == 200
    assert len(standing_of(hub, cat)) == 2
    assert accept_all(hub, cat, "one").status_code == 410, "none is given any more"
    assert hub.client.delete(path, headers=cat.bearer).status_code == 200
    assert standing_of(hub, cat) == []
    assert hub.client.delete(path, headers=cat.bearer).status_code == 410


def test_a_batch_asked_for_again_does_not_count_what_was_taken_back_by_itself(hub: Hub, media: Media) -> None:
    keys = {state(hub, media, f"word {number}", confidence=0.9) for number in range(3)}
    cat = person(hub, "cat", "curator")
    assert accept_all(hub, cat, "one").json["accepted"] == 3
    one, other, _ = standing_of(hub, cat)
    assert hub.client.delete(f"/api/verdicts/{one.key}", headers=cat.bearer).status_code == 200
    assert say(hub, cat, other.annotation_key, "rejected").status_code == 201
    again = accept_all(hub, cat, "one").json
    assert (again["chosen"], again["accepted"]) == (3, 1)
    assert {refused["annotation"] for refused in again["refused"]} == {one.annotation_key, other.annotation_key} < keys
    assert {row.verdict for row in standing_of(hub, cat)} == {"approved", "rejected"}
    assert len(standing_of(hub, cat)) == 2
