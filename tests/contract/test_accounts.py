"""Accounts over HTTP and at the command line: coming in, sessions, passwords, roles, leaving; and what is tried against them."""

import json
import re
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import text
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from analytics import service as analytics
from analytics import tasks
from analytics.model import Worker
from analytics.tasks import StepMark
from app import compose
from app.cli import demo, main
from app.runtime import clock
from app.runtime.accounts import attempts, model, passwords, service, store
from app.runtime.context import Runtime
from app.runtime.errors import Conflict, Invalid, TooOften
from app.runtime.principal import Grant, Principal, digest
from app.runtime.settings import Settings
from app.web import create_app
from tests import databases
from tests.drain import drain
from tests.people import BROWSER, OUR_PAGE
from tests.sheets import add_sheet

SYSTEM = Principal.of_system()
SECRET = "a long enough secret"
HEADERS = {**OUR_PAGE, "Accept": "text/html", "User-Agent": BROWSER}


@pytest.fixture(scope="module", autouse=True)
def _quick_hashes() -> Iterator[None]:
    """Of the same form, with the least effort; what the effort is, test_the_effort_of_a_hash looks at."""
    with pytest.MonkeyPatch.context() as patch:
        quick = passwords.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
        patch.setattr(passwords, "OF_NOBODY", quick.hash("nobody's"))
        patch.setattr(passwords, "_hasher", quick)
        yield


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    more = {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("migrated_url")}
    runtime = compose.build(Settings(data_dir=tmp_path, base_url="https://hub.test", **more))
    databases.prepare(runtime)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


class Browser:
    """A browser in front of a person: it keeps cookies, and sends forms from our pages."""

    def __init__(self, runtime: Runtime, address: str = "203.0.113.9") -> None:
        self.client: FlaskClient = create_app(runtime).test_client()
        self.where: dict[str, Any] = {"base_url": "https://hub.test", "environ_base": {"REMOTE_ADDR": address}}

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers={**HEADERS, **headers}, **self.where)

    def post(self, path: str, headers: Any = None, **form: str) -> TestResponse:
        return self.client.post(path, data=form, headers=headers or HEADERS, **self.where)

    def cookie(self) -> str:
        held = self.client.get_cookie("__Host-lectotype", domain="hub.test")
        return held.value if held else ""

    def sign_in(self, login: str, password: str = SECRET, **form: str) -> TestResponse:
        return self.post("/login", login=login, password=password, **form)

    def join(self, code: str, name: str = "Ada", password: str = SECRET) -> TestResponse:
        return self.post("/join", code=code, name=name, password=password, again=password)


def invited(runtime: Runtime, login: str = "ada", *grants: Grant) -> tuple[str, str]:
    """The key of a new account, and the code of its link."""
    with runtime.db.begin() as session:
        account, code = service.invite(session, login, naan="99999", at=clock.now(), by=SYSTEM)
        for grant in grants:
            service.grant(session, account.key, grant, at=clock.now(), by=SYSTEM)
    return account.key, code


def administrator(runtime: Runtime) -> Browser:
    """Ada, who came in by her link."""
    browser = Browser(runtime)
    assert browser.join(invited(runtime, "ada", Grant("administrator"))[1]).status_code == 303
    return browser


def link_on(page: str) -> str:
    found = re.search(r"https://hub\.test/join#([\w-]+)", page)
    assert found, page
    return found[1]


def test_from_an_invitation_to_a_colleague_who_leaves_again(hub: Runtime) -> None:
    ada = administrator(hub)
    front = ada.get("/").text
    assert "Ada</a>" in front
    assert "Accounts</a>" in front
    page = ada.post("/accounts", login="Ben", name="Ben B.", role="annotator", collection="BR/HERB").text
    ben = Browser(hub)
    code = link_on(page)
    assert ben.join(code, "Ben Bot").headers["Location"] == "/account?done=joined"
    assert "annotator of BR/HERB" in ben.get("/account").text
    assert ben.get("/accounts").status_code == 403
    assert ben.get("/audit").status_code == 403
    assert "Accounts</a>" not in ben.get("/").text
    assert (
        ben.post("/account", name="Ben Bot", email="ben@br.test", orcid="https://orcid.org/0000-0002-1825-0097").status_code
        == 303
    )
    made = ben.post("/account/tokens", name="ben-script", role="reader", expires="2099-12-31").text
    token = re.search(r"lt_[\w-]+", made)
    assert token
    bearer = {"Authorization": f"Bearer {token[0]}"}
    assert ben.client.get("/api/search", headers=bearer).status_code == 200
    with hub.reads.begin() as session:
        row = store.by_login(session, "ben")
        assert row is not None
        key = row.key
    agent: Any = ada.get(f"/api/agents/{key}").json
    assert agent == {
        "id": f"https://hub.test/ark:99999/{key}",
        "type": "Person",
        "name": "Ben Bot",
        "sameAs": "https://orcid.org/0000-0002-1825-0097",
    }
    exported = [json.loads(line) for line in ben.get("/account/export").text.splitlines()]
    assert (exported[0]["login"], exported[0]["email"]) == ("ben", "ben@br.test")
    assert [(change["action"], change["address"]) for change in exported[1:]] == [
        ("create", "203.0.113.9"), ("describe", "203.0.113.9"), ("set password", "203.0.113.9"),
    ]  # fmt: skip
    assert ben.post("/account/remove", current="wrong").status_code == 400
    assert ben.post("/account/remove", current=SECRET).headers["Location"] == "/"
    assert ben.cookie() == ""
    assert ben.client.get("/annotations/", headers=bearer).status_code == 200  # public, but as nobody
    assert ben.client.post("/annotations/", headers=bearer, json={}).status_code == 401
    assert ada.get(f"/api/agents/{key}").json == {"id": agent["id"], "type": "Person", "name": model.PSEUDONYM}
    with hub.reads.begin() as session:
        tables = ("accounts", "account_roles", "account_links", "sessions", "login_attempts", "changes")
        left = "".join(str(session.execute(text(f"SELECT * FROM {table}")).all()) for table in tables)
    for trace in ("ben@", "Ben Bot", "0000-0002-1825-0097", attempts.digest("ben")):
        assert trace not in left
    assert ben.sign_in("ben").status_code == 401
    with hub.reads.begin() as session:
        of_ben = session.execute(text('SELECT count(address) FROM changes WHERE "by" = :key'), {"key": key}).scalar_one()
    assert of_ben == 0


def test_a_link_holds_once_and_for_seven_days(hub: Runtime) -> None:
    key, code = invited(hub)
    assert Browser(hub).join("nonsense").status_code == 400
    weak = Browser(hub).join(code, password="short")
    assert weak.status_code == 400
    assert "10 to 200 characters" in weak.text
    assert Browser(hub).post("/join", code=code, name="Ada", password=SECRET, again="another").status_code == 400
    assert Browser(hub).join(f"https://hub.test/join#{code}").status_code == 303  # the whole link may be pasted
    assert "used already" in Browser(hub).join(code).text
    with hub.db.begin() as session:
        old, new = (service.new_link(session, key, at=clock.now(), by=SYSTEM) for _ in range(2))
    assert Browser(hub).join(old).status_code == 400
    late = clock.now() + timedelta(days=7, minutes=1)
    with hub.reads.begin() as session:
        assert store.of_link(session, digest(new), late) is None
    browser = Browser(hub)
    assert browser.sign_in("ada").status_code == 303
    assert Browser(hub).join(new, password="another good one").status_code == 303
    assert "Sign in</a>" in browser.get("/").text, "a new password ends the sessions of before"
    assert Browser(hub).sign_in("ada").status_code == 401
    assert Browser(hub).sign_in("ADA ", "another good one").status_code == 303


def test_the_cookie_is_bound_to_the_host_and_to_https(hub: Runtime) -> None:
    _, code = invited(hub)
    answer = Browser(hub).join(code)
    cookie = answer.headers["Set-Cookie"]
    assert re.fullmatch(r"__Host-lectotype=[\w-]{43}; Secure; HttpOnly; Path=/; SameSite=Lax", cookie)
    assert answer.headers["Cache-Control"] == "private, no-store"
    with hub.reads.begin() as session:
        stored = str(session.execute(text("SELECT * FROM sessions")).all())
    assert cookie.partition("=")[2].partition(";")[0] not in stored


def test_a_session_that_was_brought_along_is_not_the_one_that_is_signed_in(hub: Runtime) -> None:
    """Fixation: an attacker's id, known or made up, opens nothing after the victim signed in."""
    _, code = invited(hub, "ada", Grant("administrator"))
    victim = Browser(hub)
    victim.client.set_cookie("__Host-lectotype", "x" * 43, domain="hub.test", secure=True)
    victim.join(code)
    assert victim.cookie() != "x" * 43
    first = victim.cookie()
    victim.sign_in("ada")
    second = victim.cookie()
    assert first != second
    attacker = Browser(hub)
    for brought in ("x" * 43, first):
        attacker.client.set_cookie("__Host-lectotype", brought, domain="hub.test", secure=True)
        assert attacker.get("/account").status_code == 401
    assert victim.get("/account").status_code == 200


def test_the_id_changes_with_the_password_and_with_a_role(hub: Runtime) -> None:
    ada, elsewhere = administrator(hub), Browser(hub)
    elsewhere.sign_in("ada")
    before = ada.cookie()
    assert ada.post("/account/password", current="wrong", password=SECRET, again=SECRET).status_code == 400
    done = ada.post("/account/password", current=SECRET, password="quite another one", again="quite another one")
    assert done.status_code == 303
    assert ada.cookie() not in ("", before)
    assert ada.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 401
    with hub.reads.begin() as session:
        row = store.by_login(session, "ada")
        assert row is not None
    before = ada.cookie()
    assert ada.post(f"/accounts/{row.key}/role", role="reader", collection="P").status_code == 303
    assert ada.cookie() not in ("", before)
    key, code = invited(hub, "ben")
    ben = Browser(hub)
    ben.join(code)
    ada.post(f"/accounts/{key}/role", role="curator", collection="")
    assert ben.get("/audit").status_code == 200, "more than before ends nothing"
    ada.post(f"/accounts/{key}/role", role="reader", collection="")
    assert ben.get("/account").status_code == 401
    ben.sign_in("ben")
    ada.post(f"/accounts/{key}/role", role="none", collection="")
    assert ben.get("/account").status_code == 401


def test_signing_out_ends_the_session_and_not_only_the_cookie(hub: Runtime) -> None:
    ada = administrator(hub)
    cookie = ada.cookie()
    assert ada.post("/logout", headers={"Accept": "text/html"}).status_code == 403, "not by a foreign page"
    assert ada.post("/logout").status_code == 303
    assert ada.cookie() == ""
    thief = Browser(hub)
    thief.client.set_cookie("__Host-lectotype", cookie, domain="hub.test", secure=True)
    assert thief.get("/account").status_code == 401


def test_sessions_are_listed_and_ended_one_by_one(hub: Runtime) -> None:
    ada, other, third = administrator(hub), Browser(hub), Browser(hub)
    other.sign_in("ada")
    third.sign_in("ada")
    page = ada.get("/account").text
    assert page.count("Firefox on Linux</span>") == 3
    with hub.reads.begin() as session:
        digests = set(session.execute(text("SELECT digest FROM sessions")).scalars())
    assert set(re.findall(r'name="session" value="([0-9a-f]{64})"', page)) == digests
    ada.post("/account/sessions/end", session=digest(other.cookie()))
    assert other.get("/account").status_code == 401
    _, code = invited(hub, "ben")
    ben = Browser(hub)
    ben.join(code)
    ben.post("/account/sessions/end", session=digest(third.cookie()))
    assert third.get("/account").status_code == 200, "nobody ends the session of somebody else"
    ada.post("/account/sessions/end", session="others")
    assert third.get("/account").status_code == 401
    assert ada.get("/account").status_code == 200


def test_a_blocked_account_is_out_at_once_and_what_it_said_stays(hub: Runtime) -> None:
    ada = administrator(hub)
    key, code = invited(hub, "ben", Grant("annotator"))
    ben = Browser(hub)
    ben.join(code)
    token = re.search(r"lt_[\w-]+", ben.post("/account/tokens", name="t", role="annotator").text)
    assert token
    ada.post(f"/accounts/{key}/block")
    assert ben.get("/account").status_code == 401
    assert ben.sign_in("ben").status_code == 401
    refused = ben.client.post("/annotations/", headers={"Authorization": f"Bearer {token[0]}"}, json={})
    assert "account of this token is blocked" in refused.text
    assert "unblock it first" in ada.post(f"/accounts/{key}/link").text
    ada.post(f"/accounts/{key}/unblock")
    assert ben.sign_in("ben").status_code == 303


def test_the_last_administrator_stays_but_for_the_command_line(hub: Runtime) -> None:
    ada = administrator(hub)
    with hub.reads.begin() as session:
        row = store.by_login(session, "ada")
        assert row is not None
        key = row.key
    for path, form in (
        ("block", {}), ("remove", {"login": "ada"}), ("role", {"role": "none"}), ("role", {"role": "curator"}),
    ):  # fmt: skip
        assert "Nobody else administers" in ada.post(f"/accounts/{key}/{path}", **form).text
    assert "Nobody else administers" in ada.post("/account/remove", current=SECRET).text
    ben, code = invited(hub, "ben", Grant("administrator"))
    assert "Nobody else administers" in ada.post(f"/accounts/{key}/block").text, "who was invited is not there yet"
    Browser(hub).join(code, "Ben")
    assert ada.post(f"/accounts/{ben}/remove", login="bem").status_code == 400
    assert ada.post(f"/accounts/{key}/role", role="curator").status_code == 303
    assert ada.get("/accounts").status_code == 403
    with hub.db.begin() as session:
        service.remove(session, ben, at=clock.now(), by=Principal.of_operator())


@pytest.mark.parametrize(
    "following",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example", "javascript:alert(1)",
        "/\t/evil.example", " //evil.example", "/\x00/", "evil", "///evil.example", "/%0d%0aSet-Cookie:x\r\n",
    ],
)  # fmt: skip
def test_next_leads_nowhere_but_into_this_hub(runtime: Runtime, following: str) -> None:
    _, code = invited(runtime)
    browser = Browser(runtime)
    browser.client.post("/join", data={"code": code, "name": "A", "password": SECRET, "again": SECRET}, headers=HEADERS)
    answer = browser.client.post("/login", data={"login": "ada", "password": SECRET, "next": following}, headers=HEADERS)
    assert answer.status_code in (303, 400)
    if answer.status_code == 303:
        assert answer.headers["Location"] == "/"
    ours = browser.client.post(
        "/login", data={"login": "ada", "password": SECRET, "next": "/runs?state=ingests"}, headers=HEADERS
    )
    assert ours.headers["Location"] == "/runs?state=ingests"


def test_a_form_that_a_foreign_page_sends_does_nothing(hub: Runtime) -> None:
    ada = administrator(hub)
    foreign: tuple[dict[str, str], ...] = (
        {},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
    )
    for said in foreign:
        for path, form in (
            ("/accounts", {"login": "mallory", "role": "administrator"}),
            ("/account", {"name": "Mallory"}),
            ("/account/password", {"current": SECRET, "password": "evil evil evil", "again": "evil evil evil"}),
            ("/account/tokens", {"name": "evil", "role": "administrator"}),
            ("/account/remove", {"current": SECRET}),
            ("/login", {"login": "ada", "password": SECRET}),
            ("/logout", {}),
        ):
            assert ada.post(path, headers={"Accept": "text/html", **said}, **form).status_code == 403, (path, said)
    assert "Ada</a>" in ada.get("/").text
    with hub.reads.begin() as session:
        assert store.by_login(session, "mallory") is None


def test_failures_under_a_name_wait_longer_and_longer_and_lock_nobody_out(hub: Runtime) -> None:
    """Brute force, from any number of networks; the person in their own network waits for none of it."""
    _, code = invited(hub)
    now: list[datetime] = [clock.now()]
    object.__setattr__(hub, "clock", lambda: now[0])
    home = Browser(hub, "198.51.100.7")
    home.join(code)
    assert home.sign_in("ada").status_code == 303
    answered = []
    for number in range(24):
        now[0] += timedelta(seconds=1)
        answer = Browser(hub, f"203.0.{number}.9").sign_in("ada", f"guess {number}")
        answered.append(answer.status_code)
        if answer.status_code == 429:
            assert 0 < int(answer.headers["Retry-After"]) <= attempts.LONGEST_WAIT_S
    assert answered[:6] == [401] * 6
    assert 9 >= answered.count(401) > 6
    assert home.sign_in("ada").status_code == 303, "from where she signed in before, nothing waits"
    now[0] += timedelta(seconds=attempts.LONGEST_WAIT_S + 1)
    assert Browser(hub, "192.0.2.1").sign_in("ada").status_code == 303, "and from elsewhere after a minute at most"


def test_an_unknown_name_is_answered_just_as_a_known_one(hub: Runtime) -> None:
    _, code = invited(hub, "ada")
    Browser(hub).join(code)
    blocked, code = invited(hub, "bob")
    Browser(hub).join(code)
    invited(hub, "eve")
    with hub.db.begin() as session:
        service.block(session, blocked, at=clock.now(), by=SYSTEM)
    checks: list[str] = []
    real = passwords.fits

    def counted(kept: str, password: str) -> bool:
        checks.append(kept)
        return real(kept, password)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "fits", counted)
        pages = []
        for login, password in (("ada", "wrong"), ("nobody", "wrong"), ("bob", SECRET), ("eve", ""), ("a/b", "x")):
            answer = Browser(hub).sign_in(login, password)
            pages.append((answer.status_code, answer.text.replace(f'value="{login}"', "")))
    assert len(checks) == len(pages), "each of them costs a check"
    assert len(set(pages)) == 1
    for number in range(8):
        last = Browser(hub, f"203.0.{number}.9").sign_in("no such person", "wrong")
    assert last.status_code == 429, "and waits as long"


def test_a_network_has_its_failures_and_an_institution_behind_one_address_is_not_shut_out(hub: Runtime) -> None:
    at = clock.now()
    with hub.db.begin() as session:
        for number in range(attempts.OF_NETWORK):
            attempts.begin(session, f"name{number}", f"2001:db8:0:{number % 256:x}::1", at)
        with pytest.raises(TooOften, match="your network"):
            attempts.begin(session, "ada", "2001:db8:0:99::2", at + timedelta(minutes=1))
        attempts.begin(session, "ada", "2001:db8:0:100::2", at)
        attempts.begin(session, "ada", "2001:db8:0:99::2", at + timedelta(minutes=61))
        for number in range(120):
            attempts.succeed(session, attempts.begin(session, f"name{number}", "192.0.2.77", at))
        assert session.execute(text("SELECT count(*) FROM login_attempts")).scalar_one() == attempts.OF_NETWORK + 122
        attempts.begin(session, "ada", "", at + timedelta(days=31))
        assert session.execute(text("SELECT count(*) FROM login_attempts")).scalar_one() == 1


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.0/24"), ("2001:db8:1:2ff::1", "2001:db8:1:200::/56"), ("::ffff:203.0.113.9", "203.0.113.0/24"),
        ("127.0.0.1", ""), ("::1", ""), ("", ""),
    ],
)  # fmt: skip
def test_the_network_of_an_address(address: str, network: str) -> None:
    assert attempts.network_of(address) == network


def test_tries_at_the_same_moment_are_all_counted(hub: Runtime) -> None:
    _, code = invited(hub)
    Browser(hub).join(code)
    browsers = [Browser(hub, f"203.0.{number}.9") for number in range(12)]
    answered: list[int] = []
    threads = [
        threading.Thread(target=lambda b=browser: answered.append(b.sign_in("ada", "wrong").status_code)) for browser in browsers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answered.count(401) <= attempts.FREE + 4  # who comes two seconds later may try again
    assert answered.count(429) >= 3


def test_the_effort_of_a_hash_and_how_many_are_made_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = passwords.PasswordHasher()
    assert (usual.memory_cost, usual.time_cost) == (65536, 3)
    together, most, lock = [0], [0], threading.Lock()

    class Slow:
        def verify(self, _kept: str, _password: str) -> None:
            with lock:
                together[0] += 1
                most[0] = max(most[0], together[0])
            threading.Event().wait(0.02)
            with lock:
                together[0] -= 1

    monkeypatch.setattr(passwords, "_hasher", Slow())
    threads = [threading.Thread(target=passwords.fits, args=("x", "y")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most[0] == passwords.AT_A_TIME


def test_the_hash_of_nobody_takes_the_effort_of_the_others() -> None:
    source = Path(passwords.__file__).read_text()
    kept = re.search(r'OF_NOBODY = "([^"]+)"', source)
    assert kept
    assert not passwords.PasswordHasher().check_needs_rehash(kept[1])


def test_a_hash_of_less_effort_is_made_anew_at_the_next_sign_in(hub: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    key, code = invited(hub)
    Browser(hub).join(code)

    def kept() -> str:
        with hub.reads.begin() as session:
            return store.row_of(session, key).password_hash

    before = kept()
    monkeypatch.setattr(passwords, "_hasher", passwords.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert Browser(hub).sign_in("ada").status_code == 303
    assert kept() != before
    assert "t=2" in kept()
    assert Browser(hub).sign_in("ada").status_code == 303


def test_a_password_is_the_same_from_every_keyboard() -> None:
    assert passwords.fits(passwords.hashed("Ångström ﬁeld"), "A\u030angstro\u0308m field")
    for weak in ("short", "x" * 201, "aaaaaaaaaaaaaaaa"):
        with pytest.raises(Invalid):
            passwords.hashed(weak)


def test_secrets_come_into_no_log_and_no_record(hub: Runtime) -> None:
    key, code = invited(hub, "ada", Grant("administrator"))
    with capture_logs() as logs:
        ada = Browser(hub)
        ada.join(code)
        ada.sign_in("ada", "a wrong password")
        ada.sign_in("ada")
        secret = re.search(r"lt_[\w-]+", ada.post("/account/tokens", name="t", role="curator").text)
        again = link_on(ada.post(f"/accounts/{key}/link").text)
        ada.get("/audit")
    assert secret
    with hub.reads.begin() as session:
        tables = ("accounts", "account_links", "sessions", "tokens", "login_attempts", "changes")
        stored = "".join(str(session.execute(text(f"SELECT * FROM {table}")).all()) for table in tables)
    for word in (code, again, secret[0], ada.cookie(), SECRET, "a wrong password"):
        assert word not in str(logs)
        assert word not in stored


def test_people_make_accounts_for_themselves_only_where_that_is_allowed(hub: Runtime) -> None:
    form = {"code": "", "login": "zoe", "name": "Zoe", "password": SECRET, "again": SECRET}
    closed = Browser(hub).post("/join", **form)
    assert (closed.status_code, "by invitation" in closed.text) == (403, True)
    opened = compose.build(hub.settings.with_(sign_up="open"))
    zoe = Browser(opened)
    assert 'name="login"' in zoe.get("/join").text
    assert zoe.post("/join", **form).status_code == 303
    assert "none yet; an administrator gives them" in zoe.get("/account").text
    assert "already" in Browser(opened).post("/join", **{**form, "login": " ZOE"}).text
    for number in range(attempts.SIGN_UPS - 2):
        Browser(opened).post("/join", **{**form, "login": f"bot{number}"})
    assert Browser(opened).post("/join", **{**form, "login": "one-more"}).status_code == 429
    opened.search.close()
    opened.database.engine.dispose()


@pytest.mark.parametrize("login", ["a", "a b", "x" * 65, "a/b", "<b>", "a\u0000b", ""])
def test_a_login_name_that_cannot_be_one_is_refused(login: str) -> None:
    with pytest.raises(Invalid):
        model.login_of(login)


def test_a_login_name_is_the_same_however_it_is_typed(hub: Runtime) -> None:
    assert model.login_of(" Straße ") == model.login_of("STRASSE") == "strasse"
    assert model.login_of("Ａｄａ") == "ada"
    invited(hub, "Straße")
    with pytest.raises(Conflict, match="already"):
        invited(hub, "STRASSE")


@pytest.mark.parametrize("orcid", ["0000-0002-1825-0098", "0000-0002-1825", "1234", "0000-0002-1825-009X"])
def test_an_orcid_with_a_wrong_character_is_refused(orcid: str) -> None:
    with pytest.raises(Invalid):
        model.orcid_of(orcid)
    assert model.orcid_of("0000-0002-9079-593X") == "0000-0002-9079-593X"


def test_what_people_call_themselves_is_escaped_everywhere(hub: Runtime) -> None:
    ada = administrator(hub)
    nasty = "<script>alert(1)</script>\"'"
    assert ada.post("/account", name=nasty, email="", orcid="").status_code == 303
    with hub.reads.begin() as session:
        row = store.by_login(session, "ada")
        assert row is not None
    ada.post("/account/tokens", name="<img src=x>", role="curator")
    for path in (
        "/",
        "/account",
        "/accounts",
        f"/accounts/{row.key}",
        "/audit",
        "/audit?by=<b>",
        "/accounts?login=<b>",
        "/nowhere<b>",
    ):
        page = ada.get(path).text
        assert "&lt;script&gt;alert" in page
        assert not re.search(r"<script>|<img src=x>|<b>", page)


def test_accounts_and_changes_come_in_pages(hub: Runtime) -> None:
    ada = administrator(hub)
    for number in range(53):
        invited(hub, f"person{number:02}")
    first = ada.get("/accounts").text
    assert first.count('scope="row"') == 50
    assert "54 in all" in first
    after = re.search(r"after=([\w]+)", first)
    assert after
    assert ada.get(f"/accounts?after={after[1]}").text.count('scope="row"') == 4
    assert ada.get("/accounts?login=PERSON07").text.count('scope="row"') == 1
    audit = ada.get("/audit?kind=account").text
    assert audit.count("<tr>") == 51
    assert re.search(r'href="/audit\?kind=account&amp;before=\d+"', audit)
    assert "203.0.113.9" in ada.get("/audit?by=ada").text
    assert "system" not in ada.get("/audit?by=ada").text


def test_network_addresses_are_for_administrators(hub: Runtime) -> None:
    ada = administrator(hub)
    _, code = invited(hub, "cora", Grant("curator"))
    cora = Browser(hub, "192.0.2.55")
    cora.join(code, "Cora")
    cora.post("/account", name="Cora C.", email="", orcid="")
    items: Any = ada.get("/api/changes?kind=account", Accept="application/json").json["items"]
    assert items[0]["address"] == "192.0.2.55"
    assert all("address" not in item for item in cora.get("/api/changes", Accept="application/json").json["items"])
    assert "192.0.2.55" not in cora.get("/audit").text
    assert "192.0.2.55" in ada.get("/audit").text


def test_personal_pages_are_kept_nowhere_and_framed_by_none(hub: Runtime) -> None:
    ada, anonymous = administrator(hub), Browser(hub)
    for path in ("/account", "/accounts", "/audit", "/login", "/join", "/account/export"):
        answer = ada.get(path)
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert "Cookie" in answer.headers["Vary"]
        if "export" not in path:
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    for path in ("/", "/runs"):
        public = anonymous.get(path)
        assert public.headers["Cache-Control"] == "no-cache"
        assert public.headers["ETag"]
        assert anonymous.get(path, **{"If-None-Match": public.headers["ETag"]}).status_code == 304
        mine = ada.get(path, **{"If-None-Match": public.headers["ETag"]})
        assert (mine.status_code, mine.headers["Cache-Control"]) == (200, "private, no-store")
        assert "Set-Cookie" not in public.headers


def test_the_commands_do_what_the_pages_do(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTOTYPE_DATA_DIR", str(settings.data_dir))

    def run(*words: str) -> Any:
        return CliRunner().invoke(main, ["account", *words])

    made = run("create", "Ada", "--role", "curator", "--collection", "BR", "--collection", "P/HERB", "--json")
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/join#[\w-]{43}", json.loads(made.stdout)["link"])
    assert "already" in run("create", "ADA").stderr
    assert "is one of" not in run("role", "ada", "administrator").stdout
    assert run("role", "ada", "none", "--collection", "BR").exit_code == 0
    (listed,) = json.loads(run("list", "--json").stdout)
    assert listed["roles"] == [
        {"role": "curator", "collection": "P/HERB"}, {"role": "administrator", "collection": "all"},
    ]  # fmt: skip
    assert "invited, curator of P/HERB" in run("list").stdout
    assert run("block", "ada").exit_code == 0
    assert "unblock it first" in run("link", "ada").stderr
    assert run("unblock", "ada").exit_code == 0
    assert "/join#" in run("link", "ada").stdout
    assert json.loads(run("export", "ada").stdout.splitlines()[0])["login"] == "ada"
    assert run("remove", "ada").exit_code == 1, "it asks first"
    assert run("remove", "ada", "--yes").exit_code == 0
    assert "There is no account" in run("block", "ada").stderr
    assert run("list").stdout == ""


def test_the_demo_lets_its_administrator_in(prepared: Runtime) -> None:
    first = demo._administrator(prepared)
    second = demo._administrator(prepared)
    assert first != second, "a link that was not used yet is printed anew"
    browser = Browser(prepared)
    form = {"code": second.partition("#")[2], "name": "A", "password": SECRET, "again": SECRET}
    assert browser.client.post("/join", data=form, headers=HEADERS).status_code == 303
    assert demo._administrator(prepared) == ""
    with prepared.reads.begin() as session:
        (account,) = store.page(session, limit=5)
    assert (account.login, account.grants) == ("admin", (Grant("administrator"),))


def test_who_is_signed_in_by_another_account_is_signed_out_of_it(hub: Runtime) -> None:
    ada = administrator(hub)
    _, code = invited(hub, "ben")
    before = ada.cookie()
    ada.join(code, "Ben")
    assert "Ben</a>" in ada.get("/").text
    thief = Browser(hub)
    thief.client.set_cookie("__Host-lectotype", before, domain="hub.test", secure=True)
    assert thief.get("/account").status_code == 401


def test_a_curator_retracts_and_restores_a_run_on_its_page(hub: Runtime) -> None:
    _, (media,) = add_sheet(hub)
    with hub.db.begin() as session:
        at = hub.clock()
        run = analytics.run_over(session, [media], by=SYSTEM, naan="99999", at=at)
        tasks.begin(session, run.key, media.key, Worker("1", "f", {}), at=at)
        for step in run.parameters:
            tasks.end_step(session, run.key, media.key, step, StepMark("nothing found", "", 1.0))
        tasks.end(session, run.key, media.key, at=at)
    reader, cora = Browser(hub), Browser(hub)
    reader.join(invited(hub, "rea", Grant("reader"))[1])
    cora.join(invited(hub, "cora", Grant("curator"))[1], "Cora")
    page = f"/runs/{run.key}"
    assert "Retract this run" in cora.get(page).text
    assert "Retract this run" not in reader.get(page).text
    assert reader.post(f"{page}/retract", reason="because").status_code == 403
    refused = cora.post(f"{page}/retract", reason=" ")
    assert (refused.status_code, "Say why" in refused.text) == (400, True)
    too_early = cora.post(f"{page}/restore")
    assert (too_early.status_code, "only a retracted one can be restored" in too_early.text) == (409, True)
    assert cora.post(f"{page}/retract", headers={"Accept": "text/html"}, reason="by a foreign page").status_code == 403
    assert cora.post(f"{page}/retract", reason="The ruler was read in inches.").status_code == 303
    assert "Retracted by Cora" in cora.get(page).text
    drain(hub)
    assert "Restore all that it stated" in cora.get(page).text
    assert cora.post(f"{page}/restore").status_code == 303
    assert "Restored by Cora" in cora.get(page).text
