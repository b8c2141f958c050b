"""Events reach whoever listens, from any process, and tell nobody what is not theirs to know; on both databases and on Redis."""

import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from werkzeug.test import Client

from annotations.review import service as review
from annotations.review.service import Judgement
from app import announcements, compose
from app.runtime import context, events
from app.runtime.events import EventRow
from app.runtime.outbox import OutboxRow
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from app.web.live import stream
from iiif.catalogue import service as catalogue
from tests import databases
from tests.live import ROOT, Live, web
from tests.people import OUR_PAGE, add_person
from tests.services import wait_until
from tests.sheets import Hub, add_sheet, comment, make_hub

SYSTEM = Principal.of_system()


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    url = str(request.getfixturevalue("migrated_url")) if request.param == "postgresql" else f"sqlite:///{tmp_path / 'test.db'}"
    runtime = compose.build(Settings(data_dir=tmp_path / "data", database_url=url, base_url="http://hub.test"))
    databases.prepare(runtime)
    hub = make_hub(runtime)
    carry(hub)
    yield hub
    runtime.search.close()
    runtime.database.engine.dispose()


def carry(hub: Hub) -> int:
    count = 0
    while some := announcements.carry(hub.runtime):
        count += some
    return count


def heard(hub: Hub, query: str = "", *, after: int | None = None, **headers: str) -> list[dict[str, Any]]:
    """What one who listens is sent before anything more happens, as the `data` of each event with its `event` and `id`."""
    held = [stream.STREAMS.acquire(blocking=False) for _ in range(4)]  # so that the answer ends
    try:
        said = {name.replace("_", "-"): value for name, value in headers.items()}
        said |= {"Last-Event-ID": str(after)} if after is not None else {}
        answer = Client(hub.client.application, use_cookies=False).get(f"/api/events{query}", headers=said)
        assert answer.status_code == 200, answer.text
        return parsed(answer.text)
    finally:
        for one in held:
            if one:
                stream.STREAMS.release()


def parsed(text: str) -> list[dict[str, Any]]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "data" in fields:
            found.append({"event": fields.get("event", ""), "number": int(fields.get("id", 0)), **json.loads(fields["data"])})
    return found


def newest(hub: Hub) -> int:
    with hub.runtime.reads.begin() as session:
        return events.ends(session)[1]


def changes_of(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["type"], one["key"]) for one in found if one["event"] == "change"]


def say(hub: Hub, target: str, text: str = "A galled leaf") -> str:
    answer = hub.post(comment(target, text))
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"].rpartition("/")[2]


def test_what_changes_is_told_in_order_to_who_comes_back_with_what_it_has_seen(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    canvas = hub.addresses.canvas(specimen.key, media.key)
    carry(hub)
    before = newest(hub)
    key = say(hub, canvas)
    iri = hub.addresses.annotation(key)
    assert hub.write("PUT", iri, comment(canvas, "Not galled")).status_code == 200
    with hub.runtime.db.begin() as session:
        judged = review.judge(session, Judgement(key, 2, "rejected"), by=SYSTEM, addresses=hub.addresses, at=hub.runtime.clock())
    assert hub.write("DELETE", iri).status_code == 204
    carry(hub)
    found = heard(hub, after=before)
    types = ["created", "changed", "reviewed", "deleted"]
    assert changes_of(found)[:4] == [(f"annotation.{name}", key) for name in types]
    assert judged.key not in json.dumps(found), "a verdict is named by no event"
    assert "rejected" not in json.dumps(found)
    assert "Not galled" not in json.dumps(found), "events say which thing, not what it says"
    told = [one for one in found if one["event"] == "change"]
    assert told[0] | {"at": "", "number": 0} == {
        "event": "change", "number": 0, "type": "annotation.created", "id": iri, "key": key, "at": "", "version": 1,
        "specimens": [specimen.key], "images": [media.key],
    }  # fmt: skip
    numbers = [one["number"] for one in told]
    assert numbers == sorted(set(numbers))
    assert changes_of(heard(hub, after=numbers[1])) == changes_of(told)[2:], "the rest, once"
    assert heard(hub, "?type=annotation.created", after=newest(hub)) == []


def test_who_listens_hears_only_what_was_asked_for(hub: Hub) -> None:
    (one, (first,)), (other, (second,)) = add_sheet(hub.runtime, "BR 1"), add_sheet(hub.runtime, "BR 2")
    carry(hub)
    before = newest(hub)
    here = say(hub, hub.addresses.canvas(one.key, first.key))
    there = say(hub, hub.addresses.canvas(other.key, second.key))
    carry(hub)
    for query in (f"?specimen={one.key}", f"?image={first.key}", f"?annotation={here}", f"?annotation={here},n1other"):
        assert changes_of(heard(hub, query, after=before)) == [("annotation.created", here)], query
    assert changes_of(heard(hub, f"?specimen={one.key}&specimen={other.key}", after=before)) == [
        ("annotation.created", here), ("annotation.created", there),
    ]  # fmt: skip
    assert not changes_of(heard(hub, f"?specimen={one.key}&type=annotation.deleted", after=before))
    assert [one["event"] for one in heard(hub, "?type=progress", after=before)] == ["progress"]
    assert heard(hub, f"?specimen={one.key}")[0]["event"] == "ready", "who has seen nothing hears what comes"
    for query in ("?type=nothing", "?after=-1", f"?specimen={'x' * 70}", f"?image={','.join('abc' * 20)}"):
        if query.startswith("?image"):
            query = f"?image={','.join(['m1'] * 51)}"
        assert hub.client.get(f"/api/events{query}").status_code == 400, query


def test_what_is_closed_is_told_to_who_may_see_it(hub: Hub) -> None:
    terms = {"scientificName": "Quercus robur L.", "institutionCode": "BR"}
    specimen, (media,) = add_sheet(hub.runtime, terms=terms)
    people: Mapping[str, Any] = {
        "reader": add_person(hub.runtime, "reader", "reader", "BR"),
        "elsewhere": add_person(hub.runtime, "elsewhere", "curator", "P"),
    }
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, media.key, "closed", by=SYSTEM, at=hub.runtime.clock())
    carry(hub)
    before = newest(hub)
    key = say(hub, hub.addresses.canvas(specimen.key, media.key))
    hub.write("DELETE", hub.addresses.annotation(key))
    carry(hub)
    both = [("annotation.created", key), ("annotation.deleted", key)]
    for headers, expected in (
        ({}, []),
        (people["elsewhere"].bearer, []),
        (people["elsewhere"].cookie, []),
        (people["reader"].bearer, both),
        (people["reader"].cookie | OUR_PAGE, both),
    ):
        for query in ("", f"?specimen={specimen.key}", f"?annotation={key}"):
            assert changes_of(heard(hub, query, after=before, **headers)) == expected, (headers, query)


def test_who_was_away_too_long_is_told_so(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEPT", 3)
    specimen, (media,) = add_sheet(hub.runtime)
    carry(hub)
    before = newest(hub)
    for number in range(6):
        say(hub, hub.addresses.canvas(specimen.key, media.key), f"Leaf {number}")
        carry(hub)
    with hub.runtime.reads.begin() as session:
        assert session.scalar(select(func.count()).select_from(EventRow)) == 3, "no more are kept"
    for away in (before, newest(hub) + 1_000):
        found = heard(hub, "?type=annotation.created", after=away)
        assert [(one["event"], one["number"]) for one in found] == [("reset", newest(hub))]
    assert len(changes_of(heard(hub, after=newest(hub) - 2))) == 2


def test_a_crash_before_the_commit_leaves_every_announcement_to_be_carried_once(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    carry(hub)
    before = newest(hub)
    keys = [say(hub, hub.addresses.canvas(specimen.key, media.key), f"Leaf {number}") for number in range(3)]

    def killed(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(announcements, "delete", killed)  # everything is written, and not committed
        with pytest.raises(KeyboardInterrupt):
            announcements.carry(hub.runtime)
    assert newest(hub) == before
    threads = [threading.Thread(target=announcements.carry, args=(hub.runtime,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    carry(hub)
    found = heard(hub, "?type=annotation.created", after=before)
    assert changes_of(found) == [("annotation.created", key) for key in keys], "once each, though three carried at a time"
    with hub.runtime.reads.begin() as session:
        assert not session.scalar(select(func.count()).select_from(OutboxRow).where(OutboxRow.kind == "event"))


def test_streams_are_few_and_end_by_themselves(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "LONGEST_S", 0.2)
    monkeypatch.setattr(stream, "LOOK_EVERY_S", 0.05)
    open_now = [hub.client.get("/api/events?type=annotation.created", buffered=False) for _ in range(4)]
    starts = [next(iter(one.response)) for one in open_now]
    assert all("retry: 2000" in start for start in map(str, starts))
    assert "retry: 10000" in hub.client.get("/api/events").text, "the fifth is answered at once, and comes back later"
    open_now[0].close()
    with hub.client.get("/api/events") as answer:
        assert "retry: 2000" in answer.text
    for one in open_now[1:]:
        one.close()


class Listener(threading.Thread):
    """A client of another process, which comes back with what it has seen whenever the stream ends."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.seen, self.found = url, "", list[dict[str, Any]]()
        self.ready, self.over = threading.Event(), False

    def run(self) -> None:
        while not self.over:
            headers = {"Last-Event-ID": self.seen} if self.seen else {}
            request = urllib.request.Request(f"{self.url}/api/events?type=annotation.created", headers=headers)
            try:
                with urllib.request.urlopen(request, timeout=5) as answer:
                    block: list[str] = []
                    for line in answer:
                        block.append(line.decode().strip())
                        if block[-1]:
                            continue
                        self.seen = next((one[4:] for one in block if one.startswith("id: ")), self.seen)
                        self.found += parsed("\n".join(block))
                        self.ready.set()
                        block = []
                        if self.over:
                            return
            except OSError:
                continue


def test_a_change_in_one_process_reaches_listeners_of_another_and_a_killed_relay_loses_none(
    tmp_path: Path, postgresql_url: str, redis_url: str
) -> None:
    """Two web processes and a relay on one PostgreSQL and Redis; the relay is killed in the middle."""
    with web(tmp_path, database_url=postgresql_url, broker_url=redis_url) as live:
        context.use(live.runtime)
        hub = make_hub(live.runtime)
        specimen, (media,) = add_sheet(live.runtime)
        relay = start_relay(live)
        listener = Listener(live.url)
        listener.start()
        assert listener.ready.wait(20)
        made = []
        for number in range(12):
            made.append(say(hub, hub.addresses.canvas(specimen.key, media.key), f"Leaf {number}"))
            if number in (3, 7):
                relay.kill()
                relay.wait()
                relay = start_relay(live)
        try:
            wait_until(lambda: len(changes_of(listener.found)) >= 12, "twelve events", 40)
            assert changes_of(listener.found) == [("annotation.created", key) for key in made]
        finally:
            listener.over = True
            relay.kill()
            relay.wait()


def start_relay(live: Live) -> "subprocess.Popen[bytes]":
    command, settings = [sys.executable, "-m", "app.cli", "relay"], live.runtime.settings
    return subprocess.Popen(command, cwd=ROOT, env=settings.environment(), stderr=subprocess.DEVNULL)
