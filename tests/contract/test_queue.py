"""What waits for verdicts: order and reasons, leases, counts and batches; alike on SQLite and PostgreSQL."""

import re
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import event, select, text, update

from annotations import waiting, withdrawal
from annotations.queue import service
from annotations.queue.model import LEASE
from annotations.tables import QueueCountRow, QueueItemRow, QueueLineRow, QueueSkipRow
from app.cli import main
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from tests.contract.test_verdicts import person, right, ruler, say, state, steps
from tests.databases import on_both
from tests.people import Person
from tests.sheets import QUERCUS, Hub, add_sheet, comment, make_hub

SIDE = 1000
settings = on_both


@pytest.fixture
def hub(prepared: Runtime) -> Hub:
    return make_hub(prepared)


@pytest.fixture
def media(hub: Hub) -> Media:
    return sheet(hub, "V 1")


def sheet(hub: Hub, number: str, **terms: str) -> Media:
    _, (media,) = add_sheet(hub.runtime, number, {**QUERCUS, **terms}, sizes=((SIDE, SIDE),))
    return media


def lease(hub: Hub, who: Person, **body: Any) -> Any:
    client = hub.client.application.test_client()
    return client.post("/api/queue/leases", json=body, headers=who.bearer)


def take(hub: Hub, who: Person, number: int = 10, **more: Any) -> list[str]:
    answer = lease(hub, who, take=number, **({"kind": "label"} | more))
    assert answer.status_code == 200, answer.text
    return [one["key"] for one in answer.json["items"]]


def listed(hub: Hub, query: str = "", who: Person | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = hub.client.get(f"/api/queue?{query}", headers=who.bearer if who else {}).json["items"]
    return found


def in_line(hub: Hub) -> bool:
    """Whether all items, and all counts, are what they follow from."""
    with hub.runtime.reads.begin() as session:
        wrong, after = waiting.check(session, after="", limit=500)
        assert not after
        return not wrong and waiting.check_counts(session) == 0


def later(hub: Hub, monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    now = hub.runtime.clock
    monkeypatch.setattr(type(hub.runtime), "clock", property(lambda _: lambda: now() + by), raising=False)


def test_what_waits_comes_in_the_order_that_is_asked_for_and_says_why(hub: Hub, media: Media) -> None:
    sure, unsure = state(hub, media, confidence=0.9), state(hub, media, confidence=0.3)
    on_type = state(hub, sheet(hub, "V 2", typeStatus="holotype"), confidence=0.6)
    measure = ruler(hub, media, 20.0)
    rests = {"type": "dwc:Assertion", "id": "urn:b", "wasDerivedFrom": hub.addresses.annotation(measure)}
    state(hub, media, "50 mm", "length", value=50.0, unit="mm", assertion=rests)
    assert [one["key"] for one in listed(hub, "kind=label")] == [on_type, unsure, sure]
    assert [one["key"] for one in listed(hub, "class=label&order=uncertainty")] == [unsure, sure, on_type], "by sheet"
    assert [one["key"] for one in listed(hub, "kind=label&order=oldest&collection=all")] == [sure, unsure, on_type]
    assert listed(hub, "kind=label&collection=ELSEWHERE") == []
    first = listed(hub, "kind=label")[0]
    assert first["why"] == ["The specimen is a type: holotype.", "Whoever made it gives it 0.60 of 1."]
    assert first["outline"] == "M10,10 L60,10 L60,60 L10,60 Z"
    assert "1 statement rests on it." in listed(hub, "kind=ruler")[0]["why"]
    for bad in ("order=best", "state=accepted", "limit=1000", "after=x", "collection=a/b/c"):
        assert hub.get(f"/api/queue?{bad}").status_code == 400, bad
    seen, after = [], ""
    while after is not None:
        page = hub.get(f"/api/queue?order=uncertainty&limit=2&after={after}").json
        seen += [one["key"] for one in page["items"]]
        after = page["next"]
    assert len(seen) == len(set(seen)) == 5
    assert in_line(hub)


def test_the_queue_follows_every_change_and_its_counts_too(hub: Hub, media: Media) -> None:
    ana, ben, cat = person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer"), person(hub, "cat", "curator")
    key, other = state(hub, media), state(hub, media, "8 mm", run="x2")

    def told() -> Any:
        assert in_line(hub)
        counted = hub.client.get("/api/queue/counts", headers=ana.bearer).json
        return {one["kind"]: one["states"] for one in counted["kinds"]}

    assert told() == {"label": {"unreviewed": 2}}
    assert {one["disagreement"] for one in listed(hub)} == {0.5}, "two runs read the same place otherwise"
    with hub.runtime.db.begin() as session:
        withdrawal.withdraw_batch(session, "x2", at=hub.runtime.clock())
    assert told() == {"label": {"unreviewed": 1}}
    assert {one["disagreement"] for one in listed(hub)} == {0.0}, "the other run is withdrawn"
    with hub.runtime.db.begin() as session:
        withdrawal.restore_batch(session, "x2", at=hub.runtime.clock())
    assert {one["disagreement"] for one in listed(hub)} == {0.5}
    given = say(hub, ana, key, "approved").json
    assert told() == {"label": {"unreviewed": 1}}
    assert {one["disagreement"] for one in listed(hub)} == {0.0}, "the other one is decided"
    say(hub, ben, key, "rejected")
    assert told() == {"label": {"disputed": 1, "unreviewed": 1}}
    assert listed(hub, "order=disagreement")[0]["why"][0] == "Verdicts go both ways."
    hub.client.delete(f"/api/verdicts/{given['key']}", headers=ana.bearer)
    assert told() == {"label": {"unreviewed": 1}}
    say(hub, cat, other, "rejected", correction=right(hub, media))
    assert told() == {}
    with hub.runtime.db.begin() as session:
        withdrawal.withdraw_batch(session, "x1", at=hub.runtime.clock())
        withdrawal.restore_batch(session, "x1", at=hub.runtime.clock())
    said = hub.client.post("/annotations/", json=right(hub, media), headers=ana.bearer)
    assert told() == {}, "what people write freely is no question"
    hub.client.delete(said.json["id"].removeprefix(hub.addresses.base), headers=ana.bearer)
    for number in range(3):
        ruler(hub, media, 10.0 + number)
    assert told() == {"ruler": {"unreviewed": 3}}
    with hub.runtime.db.begin() as session:
        assert withdrawal.withdraw_batch(session, "x1", at=hub.runtime.clock()) == 4
    assert told() == {}


def test_the_gain_follows_all_that_rests_on_a_statement_and_the_record(hub: Hub, media: Media) -> None:
    ana, ben, cat = person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer"), person(hub, "cat", "curator")
    first, second = ruler(hub, media, 20.0), state(hub, media, "outline", "outline")

    def length(*bases: str) -> dict[str, Any]:
        rests = {"type": "dwc:Assertion", "id": "urn:b", "dwc:assertionValue": "50", "dwc:assertionUnit": "mm"}
        derived = [hub.addresses.annotation(one) for one in bases]
        body = [{"type": "TextualBody", "value": "50 mm"}, rests | {"wasDerivedFrom": derived}]
        target = f"{hub.addresses.image(media.key)}#xywh=10,10,50,50"
        return {**comment(target, motivation="supplementing"), "body": body}

    written = hub.client.post("/annotations/", json=length(first, second), headers=ana.bearer)
    assert written.status_code == 201, written.text

    def resting() -> dict[str, int]:
        with hub.runtime.reads.begin() as session:
            return {row.annotation_key: row.resting for row in session.scalars(select(QueueItemRow))}

    assert resting() == {first: 1, second: 1}, "on each of them, not the first alone"
    iri = written.json["id"]
    etag = {"If-Match": written.headers["ETag"]}
    changed = hub.client.put(iri.removeprefix(hub.addresses.base), json=length(second) | {"id": iri}, headers=ana.bearer | etag)
    assert changed.status_code == 200, changed.text
    assert resting() == {first: 0, second: 1}
    gains = {one["key"]: one["gain"] for one in listed(hub)}
    proposal = {"specimen": media.specimen_key, "term": "typeStatus", "value": "holotype"}
    key = hub.client.post("/api/proposals", json=proposal, headers=ben.bearer).json["key"]
    settled = say(hub, cat, key, "approved")
    assert {one["key"]: one["gain"] for one in listed(hub)} == {key: value * 2 for key, value in gains.items()}, "a type now"
    assert in_line(hub)
    hub.client.delete(f"/api/verdicts/{settled.json['key']}", headers=cat.bearer)
    assert {one["key"]: one["gain"] for one in listed(hub)} == gains | {key: 0.5}, "and no more"
    assert in_line(hub)


def test_two_people_never_get_the_same_item(hub: Hub, media: Media) -> None:
    keys = {state(hub, media if number % 2 else sheet(hub, f"W {number}")) for number in range(24)}
    people = [person(hub, name, "reviewer") for name in ("ana", "ben", "cat", "dan")]
    together = threading.Barrier(4)

    def work(who: Person) -> list[str]:
        together.wait(10)
        got: list[str] = []
        for _ in range(4):
            got += take(hub, who, 2, have=got)
        return got

    with ThreadPoolExecutor(4) as pool:
        got = [one.result(60) for one in [pool.submit(work, who) for who in people]]
    given = Counter(key for of_one in got for key in of_one)
    assert set(given.values()) == {1}
    assert set(given) == keys, "and none is left lying"
    assert take(hub, person(hub, "eva", "reviewer")) == []
    assert set(take(hub, people[0], 20)) == set(got[0]), "who comes back finds what they held"
    assert say(hub, people[0], max(got[1:], key=len)[0], "approved").status_code == 201, "a lease stands in nobody's way"
    assert in_line(hub)


def test_a_lease_ends_is_renewed_and_given_back(hub: Hub, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = [state(hub, media, confidence=number / 10) for number in range(4)]
    ana, ben = person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer")
    assert take(hub, ana, 2) == keys[:2]
    assert lease(hub, ana, giveBack=[keys[0]], renew=keys).json["renewed"] == [keys[1]]
    assert take(hub, ben, 1) == [keys[0]]
    assert lease(hub, ben, giveBack=[keys[1]]).status_code == 200, "of others nothing is given back"
    assert take(hub, ben, 4, have=[keys[0]]) == [keys[2], keys[3]]
    with hub.runtime.db.begin() as session:
        session.execute(update(QueueItemRow).values(leased_until=hub.runtime.clock() - LEASE))
    assert lease(hub, ana, renew=[keys[1]]).json["renewed"] == []
    assert set(take(hub, ben, 4)) == set(keys)
    for bad in (
        {"take": 99, "kind": "label"}, {"take": 1}, {"take": "1", "kind": "label"}, {"renew": "x"}, {"skip": [{}]}, {"odd": 1},
        {"skip": [{"annotation": keys[0], "version": 0}]}, {"kind": 7, "take": 1}, {"have": [1]},
    ):  # fmt: skip
        assert lease(hub, ana, **bad).status_code == 400, bad
    assert hub.client.post("/api/queue/leases", json={}).status_code == 401
    assert lease(hub, person(hub, "rea", "reader"), take=1, kind="label").status_code == 403


def test_nobody_holds_more_than_a_person_can_whatever_they_ask_for(
    hub: Hub, media: Media, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "MOST_HELD", 3)
    keys = [state(hub, media, confidence=number / 10) for number in range(4)]
    for number in range(3):
        ruler(hub, media, 10.0 + number)
    ana = person(hub, "ana", "reviewer")
    assert take(hub, ana, 2) == keys[:2]
    refused = lease(hub, ana, take=2, kind="ruler")
    assert refused.status_code == 413
    assert "You hold 2 items" in refused.text, "of whatever question they are"
    assert len(take(hub, ana, 1, kind="ruler")) == 1
    assert take(hub, ana, 2) == keys[:2], "what they hold they may have again"
    assert say(hub, ana, keys[0], "uncertain").status_code == 201
    assert take(hub, ana, 2) == keys[1:3], "what is judged is held no more"


def test_nobody_is_given_the_same_version_twice_nor_what_they_wrote(hub: Hub, media: Media) -> None:
    skipped, unsure, third = (state(hub, media, confidence=number / 10) for number in range(3))
    ana, ben, cat = person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer"), person(hub, "cat", "curator")
    lease(hub, ana, skip=[{"annotation": skipped, "version": 1}, {"annotation": "n1nothing", "version": 1}])
    assert say(hub, ana, unsure, "uncertain").status_code == 201
    assert take(hub, ana) == [third]
    assert take(hub, ben) == [skipped, unsure], "a skip counts as nothing"
    with hub.runtime.reads.begin() as session:
        assert [row.annotation_key for row in session.scalars(select(QueueSkipRow))] == [skipped]
    first = say(hub, ana, third, "rejected", correction=right(hub, media, "one")).json["correction"].rpartition("/")[2]
    second = say(hub, ben, third, "rejected", correction=right(hub, media, "two")).json["correction"].rpartition("/")[2]
    assert set(take(hub, cat)) == {first, second}
    lease(hub, cat, giveBack=[first, second])
    assert take(hub, ana) == [second]
    assert in_line(hub)


def test_disputed_items_go_to_curators_and_everybody_stays_in_their_collections(hub: Hub, media: Media) -> None:
    here = sheet(hub, "X 1", institutionCode="BR", collectionCode="HERB")
    disputed, at_br = state(hub, media), state(hub, here)
    ana, ben, cat = person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer"), person(hub, "cat", "curator", "BR")
    say(hub, ana, disputed, "approved")
    say(hub, ben, disputed, "rejected")
    dan = person(hub, "dan", "reviewer", "BR/HERB")
    assert take(hub, dan) == [at_br]
    lease(hub, dan, giveBack=[at_br])
    counted = hub.client.get("/api/queue/counts", headers=dan.bearer).json
    assert counted == {
        "waiting": 1,
        "kinds": [{"kind": "label", "waiting": 1, "states": {"unreviewed": 1}, "classes": {"label": 1}}],
    }
    assert take(hub, cat) == [at_br], "a curator of BR settles what is of BR"
    assert take(hub, person(hub, "eva", "curator")) == [disputed]
    assert [one["key"] for one in listed(hub, "collection=BR/HERB")] == [at_br]
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, here.key, "closed", by=Principal.of_system(), at=hub.runtime.clock())
    assert [one["key"] for one in listed(hub)] == [disputed], "of what is closed nothing is told"
    assert [one["image"]["shown"] for one in listed(hub, "collection=BR", dan)] == [False]


def test_counts_are_summed_up_without_being_lost(hub: Hub, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "SUM_UP_EVERY", 4)
    for number in range(10):
        state(hub, media, str(number))
    with hub.runtime.reads.begin() as session:
        assert len(session.scalars(select(QueueCountRow)).all()) < 5
        assert waiting.check_counts(session) == 0


def test_every_question_to_the_queue_goes_by_an_index(hub: Hub, media: Media) -> None:
    """The item that is next costs what it cost when there were few."""
    for number in range(3):
        state(hub, media, str(number), confidence=0.9)
    ana, cat = person(hub, "ana", "reviewer"), person(hub, "cat", "curator")
    asked: list[Any] = []
    event.listen(hub.runtime.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    for order in ("gain", "uncertainty", "disagreement", "oldest"):
        page = hub.get(f"/api/queue?kind=label&order={order}&limit=1").json
        assert hub.get(f"/api/queue?kind=label&order={order}&limit=1&after={page['next']}").json["items"]
    hub.client.get("/api/queue/counts", headers=ana.bearer)
    (key, *_) = take(hub, ana, 2)
    lease(hub, ana, renew=[key], skip=[{"annotation": key, "version": 1}])
    hub.client.post("/api/verdicts/batch?dry_run=1", json={"kind": "label", "minConfidence": 0.8}, headers=cat.bearer)
    say(hub, cat, key, "approved")
    questions = {said: given for said, given in asked if re.search(r"\bqueue_(items|counts|skips)\b", said)}
    assert len(questions) > 12
    for said, plan in plans(hub, questions):
        assert not re.search(r"SCAN queue_(items|counts|skips)|Seq Scan on (queue_(items|counts|skips)|annotations)\b", plan), (
            said,
            plan,
        )


def plans(hub: Hub, questions: dict[str, Any]) -> Any:
    if hub.runtime.database.engine.dialect.name == "sqlite":
        yield from steps(hub, {said: given for said, given in questions.items() if not said.startswith("INSERT")})
        return
    with hub.runtime.database.engine.connect() as connection:
        connection.execute(text("SET enable_seqscan = off"))  # of a table so small it would be cheaper
        for said, given in questions.items():
            if not said.startswith("INSERT"):
                rows = connection.exec_driver_sql(f"EXPLAIN {said}", given).all()
                yield said, "\n".join(row[0] for row in rows)
        connection.rollback()


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_the_queue_is_compared_and_mended(hub: Hub, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTOTYPE_DATA_DIR", str(hub.runtime.settings.data_dir))
    monkeypatch.setenv("LECTOTYPE_DATABASE_URL", hub.runtime.settings.database_url)
    for number in range(3):
        state(hub, media, str(number))
    assert CliRunner().invoke(main, ["check-states"]).exit_code == 0
    with hub.runtime.db.begin() as session:
        session.execute(update(QueueItemRow).values(gain=7.0))
        line = session.scalars(select(QueueLineRow.key)).one()
        session.add(QueueCountRow(line=line, change=5))
    found = CliRunner().invoke(main, ["check-states"])
    assert (found.exit_code, "3 places in the queue and 1 counts of it are wrong." in found.output) == (1, True)
    assert CliRunner().invoke(main, ["check-states", "--repair"]).exit_code == 0
    assert CliRunner().invoke(main, ["check-states"]).exit_code == 0


def test_a_verdict_locks_the_items_beside_it_in_the_order_of_their_keys_before_it_ends_its_own_lease(
    hub: Hub, media: Media
) -> None:
    """Two who judge what two runs say of one image would wait for one another otherwise."""
    key, ana, asked = state(hub, media, "Quercus", confidence=0.5), person(hub, "ana", "annotator"), list[str]()
    assert take(hub, ana, 1) == [key]
    event.listen(hub.runtime.database.engine, "before_cursor_execute", lambda *given: asked.append(" ".join(given[2].split())))
    assert say(hub, ana, key, "uncertain").status_code == 201
    ended = next(number for number, sql in enumerate(asked) if sql.startswith("UPDATE queue_items SET leased_by"))
    locked = [number for number, sql in enumerate(asked) if sql.startswith("SELECT queue_items.annotation_key, queue_items.line")]
    assert locked
    assert min(locked) < ended
