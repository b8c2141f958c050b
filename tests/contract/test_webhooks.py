"""Webhooks: signed, tried again for a day, never sent into inner networks, and told to who may know; on both databases."""

import base64
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import event

from app import compose, relay
from app.cli import main
from app.runtime import clock, context
from app.runtime.context import Runtime
from app.runtime.errors import Forbidden, Invalid, NotAllowed
from app.runtime.principal import NOBODY, Grant, Principal
from app.runtime.settings import Settings
from app.webhooks import receiver, sender, service
from iiif.catalogue import service as catalogue
from tests import databases
from tests.live import ROOT
from tests.people import OUR_PAGE, add_person
from tests.services import free_port, wait_until
from tests.sheets import Hub, add_sheet, comment, make_hub

SYSTEM = Principal.of_system()
DAY = timedelta(days=1)


@dataclass
class Receiver:
    """A server of somebody else, and what it was sent. It answers with the next of `statuses`, then with 204."""

    url: str
    statuses: list[int] = field(default_factory=list)
    found: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    drips: bool = False

    @property
    def events(self) -> list[tuple[str, str]]:
        return [(one["type"], one["data"].get("key", "")) for one in (json.loads(body) for _, body in self.found)]


@contextmanager
def receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            there.found.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(there.statuses.pop(0) if there.statuses else 204)
            for name, value in there.headers.items():
                self.send_header(name, value)
            self.flush_headers()
            while there.drips:
                try:
                    self.wfile.write(b"X-Slow: 1\r\n")
                except OSError:
                    return
                time.sleep(0.05)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    there = Receiver(f"http://127.0.0.1:{server.server_port}/hook?a=b")
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield there
    finally:
        there.drips = False
        server.shutdown()
        server.server_close()


@dataclass
class Time:
    now: datetime

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    url = str(request.getfixturevalue("migrated_url")) if request.param == "postgresql" else f"sqlite:///{tmp_path / 'test.db'}"
    settings = Settings(data_dir=tmp_path / "data", database_url=url, base_url="http://hub.test", webhook_private_addresses=True)
    runtime = compose.build(settings)
    databases.prepare(runtime)
    runtime = replace(runtime, clock=Time(clock.now()))
    context.use(runtime)
    yield make_hub(runtime)
    runtime.search.close()
    runtime.database.engine.dispose()


def make(hub: Hub, url: str, *types: str, closed: bool = False) -> tuple[str, str]:
    with hub.runtime.db.begin() as session:
        made, secret = service.create(session, url, types, by=SYSTEM, at=hub.runtime.clock(), closed=closed, private=True)
    return made.key, secret


def say(hub: Hub, text: str = "A galled leaf", access: str = "open") -> str:
    specimen, (media,) = add_sheet(hub.runtime, text)
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, media.key, access, by=SYSTEM, at=hub.runtime.clock())  # type: ignore[arg-type]
    return hub.post(comment(hub.addresses.canvas(specimen.key, media.key), text)).headers["Location"].rpartition("/")[2]


def tell(runtime: Runtime) -> None:
    while relay.tell(runtime):
        pass


def send_all(hub: Hub, key: str) -> None:
    """Messages that are due now, until one is not taken."""
    tell(hub.runtime)
    while sender.deliver_next(hub.runtime, key):
        pass


def pass_by(hub: Hub, seconds: float) -> None:
    assert isinstance(hub.runtime.clock, Time)
    hub.runtime.clock.now += timedelta(seconds=seconds)


def messages(hub: Hub, key: str, state: str = "") -> tuple[service.Delivery, ...]:
    with hub.runtime.reads.begin() as session:
        return service.deliveries(session, key, by=SYSTEM, state=state, limit=100)


def test_the_example_of_standard_webhooks_is_signed_as_it_says() -> None:
    secret, message = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek"
    signed = receiver.sign(secret, message, 1614265330, b'{"test": 2432232314}')
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_that_fails_twice_gets_the_message_signed_at_the_third_try(hub: Hub) -> None:
    with receiving() as there:
        key, secret = make(hub, there.url, "annotation.created")
        there.statuses = [500, 503]
        said = say(hub)
        send_all(hub, key)
        assert len(there.found) == 1
        send_all(hub, key)
        assert len(there.found) == 1, "not before it is due again"
        for wait in service.LATER_S[:2]:
            pass_by(hub, wait)
            send_all(hub, key)
        assert there.events == [("annotation.created", said)] * 3
        assert len({headers["webhook-id"] for headers, _ in there.found}) == 1, "known again by its id"
        for headers, body in there.found:
            signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
            digest = hmac.new(base64.b64decode(secret.removeprefix("whsec_")), signed, hashlib.sha256).digest()
            assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
            assert "authorization" not in headers
            assert "cookie" not in headers
        (message,) = messages(hub, key)
        assert (message.state, message.attempts, [one["status"] for one in message.tries]) == ("done", 3, [500, 503, 204])
        pass_by(hub, 86_400)
        send_all(hub, key)
        assert len(there.found) == 3


def test_the_receiver_of_the_manual_takes_what_is_signed_and_nothing_else(hub: Hub, tmp_path: Path) -> None:
    text = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    program, port, out = tmp_path / "receiver.py", free_port(), tmp_path / "out.txt"
    program.write_text(text.partition("```python\n")[2].partition("```")[0], encoding="utf-8")
    url = f"http://127.0.0.1:{port}/"
    (key, secret), (other, _) = make(hub, url, "annotation.created"), make(hub, url, "annotation.created")
    assert isinstance(hub.runtime.clock, Time)
    with out.open("w") as written:
        environment = {"SECRET": secret, "PATH": os.environ["PATH"]}
        process = subprocess.Popen(
            [sys.executable, str(program), str(port)], env=environment, stdout=written, stderr=subprocess.PIPE
        )
    try:
        wait_until(lambda: process.poll() is None and is_open(port), "the receiver", 30)
        said = say(hub)
        send_all(hub, key)
        send_all(hub, other)
        assert [one.state for one in messages(hub, key)] == ["done"]
        (forged,) = messages(hub, other)
        assert (forged.state, forged.tries[0]["status"]) == ("waiting", 400), "signed with another secret"
        body = json.dumps({"type": "annotation.created", "data": {}}).encode()
        old = receiver.send(url, secret, "msg_old", body, at_s=int(time.time()) - 400, private=True)
        assert old.status == 400, "caught and sent again"
        for _ in range(2):
            assert receiver.send(url, secret, "msg_twice", body, at_s=int(time.time()), private=True).taken
    finally:
        process.terminate()
        process.communicate(timeout=20)
    assert out.read_text().splitlines() == [f"annotation.created {hub.addresses.annotation(said)}", "annotation.created "]


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_what_nobody_takes_is_tried_for_a_day_and_then_listed_until_it_is_sent_again(hub: Hub) -> None:
    with receiving() as there:
        key, _ = make(hub, there.url, "annotation.created")
        there.statuses = [500] * 50
        said = say(hub)
        began = hub.runtime.clock()
        tell(hub.runtime)
        gaps = [0.0]
        while waiting := messages(hub, key, "waiting"):
            gap = (waiting[0].due_at - hub.runtime.clock()).total_seconds()
            gaps.append(gap)
            pass_by(hub, gap)
            sender.deliver_next(hub.runtime, key)
        assert timedelta(hours=22) < hub.runtime.clock() - began <= DAY
        assert gaps[2:] == sorted(gaps[2:]), "ever longer"
        assert len(there.found) == len(service.LATER_S) + 1
        (dead,) = messages(hub, key, "dead")
        there.statuses = []
        pass_by(hub, 3_600)
        with hub.runtime.db.begin() as session:
            service.redeliver(session, key, dead.id, by=SYSTEM, at=hub.runtime.clock())
        send_all(hub, key)
        assert there.events[-1] == ("annotation.created", said)
        assert [one.state for one in messages(hub, key)] == ["done"]


def test_killed_between_sending_and_writing_down_it_is_sent_again_and_nothing_is_lost(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with receiving() as there:
        key, _ = make(hub, there.url, "annotation.created")
        made = [say(hub, f"Leaf {number}") for number in range(3)]
        tell(hub.runtime)
        with monkeypatch.context() as patch:
            patch.setattr(service, "note", killed)
            with pytest.raises(KeyboardInterrupt):
                sender.deliver_next(hub.runtime, key)
        send_all(hub, key)
        assert there.events == [("annotation.created", one) for one in (made[0], *made)]
        assert there.found[0][0]["webhook-id"] == there.found[1][0]["webhook-id"]


def test_only_what_was_chosen_is_sent_and_what_is_closed_to_those_that_have_it(hub: Hub) -> None:
    with receiving() as public, receiving() as trusted:
        first, _ = make(hub, public.url, "annotation.created", "image.access")
        second, _ = make(hub, trusted.url, "annotation.created", closed=True)
        seen, hidden = say(hub, "Open leaf"), say(hub, "Closed leaf", "closed")
        hub.write("DELETE", hub.addresses.annotation(seen))
        send_all(hub, first)
        send_all(hub, second)
        assert [one for one in public.events if one[0] == "annotation.created"] == [("annotation.created", seen)]
        assert {one[0] for one in public.events} == {"annotation.created", "image.access"}
        assert trusted.events == [("annotation.created", seen), ("annotation.created", hidden)]
        assert b"leaf" not in b"".join(body for _, body in (*public.found, *trusted.found)), "no words of anybody"


def test_who_is_gone_gets_nothing_more_and_redirections_lead_nowhere(hub: Hub) -> None:
    with receiving() as there, receiving() as elsewhere:
        key, _ = make(hub, there.url, "annotation.created")
        there.statuses, there.headers = [307], {"Location": elsewhere.url}
        say(hub, "Leaf 1")
        send_all(hub, key)
        assert "redirections" in messages(hub, key)[0].tries[0]["error"]
        assert elsewhere.found == []
        there.statuses = [410]
        pass_by(hub, 60)
        send_all(hub, key)
        with hub.runtime.reads.begin() as session:
            assert service.get(session, key, by=SYSTEM).state == "stopped"
        say(hub, "Leaf 2")
        pass_by(hub, 3_600)
        send_all(hub, key)
        assert len(there.found) == 2


def test_a_receiver_that_drips_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "ALL_S", 0.5)
    with receiving() as there:
        there.drips = True
        began = time.monotonic()
        answer = receiver.send(there.url, "whsec_AAAA", "msg_1", b"{}", at_s=1, private=True)
        assert time.monotonic() - began < 3
        assert (answer.status, answer.taken) == (0, False)
        assert "no answer" in answer.error


def test_messages_that_were_sent_are_swept_away_without_a_look_at_those_that_wait(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "KEPT", 2)
    with receiving() as there:
        key, _ = make(hub, there.url, "annotation.created")
        away, _ = make(hub, there.url + "&away", "annotation.created")
        for number in range(4):
            say(hub, f"Leaf {number}")
            send_all(hub, key)
        swept: list[tuple[str, Any]] = []
        engine = hub.runtime.database.engine

        @event.listens_for(engine, "before_cursor_execute")
        def note(_connection: Any, _cursor: Any, statement: str, given: Any, *_: Any) -> None:
            if statement.startswith("DELETE FROM webhook_deliveries"):
                swept.append((statement, given))

        say(hub, "Leaf 4")
        tell(hub.runtime)
        assert [one.state for one in messages(hub, away)] == ["waiting"] * 5
        assert [one.state for one in messages(hub, key)] == ["waiting"], "those that were sent are too old"
        ((statement, given),) = swept
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
            how = "EXPLAIN" if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
            plan = " ".join(str(column) for row in connection.exec_driver_sql(f"{how} {statement}", given) for column in row)
        assert "ix_webhook_deliveries_state_id" in plan, plan


INNER = ("127.0.0.1", "10.0.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1", "[::1]", "[fd00::1]",
         "[fe80::1]", "[::ffff:127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[ff02::1]", "[::]")  # fmt: skip


def test_no_address_of_an_inner_network_is_taken() -> None:
    for host in INNER:
        with pytest.raises(Invalid, match="inner network"):
            receiver.check_address(f"https://{host}/", private=False)
    for url in ("http://museum.example/", "ftp://museum.example/", "https://", "https://a:b@museum.example/", "museum.example",
                "https://museum.example/#x", "https://museum.example:0/", f"https://museum.example/{'x' * 500}", "https://a b/",
                "https://museum.example:99999/", "https://[::1/"):  # fmt: skip
        with pytest.raises(Invalid):
            receiver.check_address(url, private=False)
    receiver.check_address("https://museum.example:8443/hook?a=b", private=False)
    receiver.check_address("https://[2606:4700::1111]/", private=False)


def test_a_name_is_resolved_once_and_only_the_checked_address_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answers: dict[str, list[str]] = {"inner.example": ["10.0.0.1"], "both.example": ["93.184.215.14", "127.0.0.1"]}
    connected: list[Any] = []

    def look_up(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        if host == "turns.example":  # public when it is checked, inner a moment later
            return [(2, 1, 6, "", ("93.184.215.14" if asked.count(host) == 1 else "127.0.0.1", port))]
        return [(2, 1, 6, "", (one, port)) for one in answers[host]]

    def connect(address: Any, _timeout: float) -> socket.socket:
        connected.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    monkeypatch.setattr(socket, "create_connection", connect)
    for host in answers:
        answer = receiver.send(f"https://{host}/", "whsec_AAAA", "msg_1", b"{}", at_s=1, private=False)
        assert "not public" in answer.error
    assert connected == []
    answer = receiver.send("https://turns.example/", "whsec_AAAA", "msg_1", b"{}", at_s=1, private=False)
    assert connected == [("93.184.215.14", 443)]
    assert asked.count("turns.example") == 1
    assert "refused" in answer.error.lower()


def test_administrators_alone_make_them_and_a_secret_is_shown_once(hub: Hub) -> None:
    for by, error in ((NOBODY, NotAllowed), (Principal("c", (Grant("curator"),)), Forbidden)):
        with hub.runtime.db.begin() as session, pytest.raises(error):
            service.create(session, "https://a.example/", [], by=by, at=hub.runtime.clock())
    ada = add_person(hub.runtime, "ada", "administrator")
    url = "https://museum.example/<script>alert(1)</script>"
    made: Any = hub.client.post("/api/webhooks", headers=ada.bearer, json={"url": url, "types": ["annotation.created"]})
    assert made.status_code == 201, made.text
    key, secret = made.json["key"], made.json["secret"]
    assert len(base64.b64decode(secret.removeprefix("whsec_"))) == 32
    listed = hub.client.get("/api/webhooks", headers=ada.bearer)
    assert secret not in listed.text
    assert listed.json["items"][0]["key"] == key  # type: ignore[index]
    for path in ("/webhooks", f"/webhooks/{key}"):
        page = hub.client.get(path, headers={**ada.bearer, "Accept": "text/html"})
        assert page.status_code == 200
        assert secret not in page.text
        assert "<script>alert" not in page.text
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    form = {"url": "https://other.example/", "types": "annotation.created"}
    shown = hub.client.post("/webhooks", headers={**ada.bearer, **OUR_PAGE}, data=form)
    assert "whsec_" in shown.text
    assert "no-store" in shown.headers["Cache-Control"]
    for body in (
        {"url": "https://a.example", "types": ["nothing"]},
        {"url": 5},
        {"url": "x"},
        [],
        {"url": "https://a.b", "more": 1},
    ):
        assert hub.client.post("/api/webhooks", headers=ada.bearer, json=body).status_code == 400, body
    assert hub.client.post(f"/api/webhooks/{key}/test", headers=ada.bearer).status_code == 202
    items: Any = hub.client.get(f"/api/webhooks/{key}/deliveries?state=waiting", headers=ada.bearer).json
    assert [one["type"] for one in items["items"]] == ["webhook.test"]
    assert hub.client.delete(f"/api/webhooks/{key}", headers=ada.bearer).status_code == 204
    assert hub.client.delete(f"/api/webhooks/{key}", headers=ada.bearer).status_code == 409
    assert [one.state for one in messages(hub, key)] == ["dead"]
    assert (
        hub.client.post(f"/api/webhooks/{key}/deliveries/{items['items'][0]['id']}/redeliver", headers=ada.bearer).status_code
        == 409
    )


def test_the_command_makes_lists_and_revokes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTOTYPE_DATA_DIR", str(tmp_path / "data"))
    run = CliRunner()
    made = run.invoke(main, ["webhook", "create", "https://museum.example/hook", "--type", "annotation.created", "--json"])
    assert made.exit_code == 0, made.output
    key = json.loads(made.stdout)["key"]
    assert json.loads(run.invoke(main, ["webhook", "list", "--json"]).stdout)[0]["url"] == "https://museum.example/hook"
    assert run.invoke(main, ["webhook", "create", "https://127.0.0.1/"]).exit_code == 1
    assert run.invoke(main, ["webhook", "revoke", key]).exit_code == 0
    assert run.invoke(main, ["webhook", "revoke", key]).exit_code == 1
    assert f"{key}  revoked" in run.invoke(main, ["webhook", "list"]).stdout


def test_the_relay_sends_to_several_and_one_that_hangs_holds_up_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiver, "ALL_S", 2.0)
    runtime = compose.build(Settings(data_dir=tmp_path / "data", base_url="http://hub.test", webhook_private_addresses=True))
    compose.prepare(runtime)
    hub = make_hub(runtime)
    with receiving() as slow, receiving() as quick, sender.Sender(runtime).at_work():
        slow.drips = True
        make(hub, slow.url, "annotation.created")
        make(hub, quick.url, "annotation.created")
        made = [say(hub, f"Leaf {number}") for number in range(5)]
        tell(runtime)
        wait_until(lambda: len(quick.found) == 5, "five messages", 10)
        assert quick.events == [("annotation.created", one) for one in made]
    runtime.search.close()
    runtime.database.engine.dispose()
