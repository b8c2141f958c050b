"""Who asks: what roles over collections add up to, what a token of an account may do, and where the cookie is read."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Response
from hypothesis import given
from hypothesis import strategies as st

from app import compose
from app.runtime import changes, clock, context, principal, sessions, tokens
from app.runtime.accounts_table import AccountRoleRow, AccountRow
from app.runtime.context import Runtime
from app.runtime.errors import Forbidden
from app.runtime.principal import ROLES, Grant, Principal, may, require, shared
from app.runtime.settings import Settings
from app.web import create_app
from tests import databases
from tests.people import OUR_PAGE, Person, add_person
from tests.sheets import add_sheet, comment, make_hub

SYSTEM = Principal.of_system()
HERBARIUM, OTHER = "BR/HERB", "P"


class Thing:
    def __init__(self, institution: str, collection: str) -> None:
        self.institution_code, self.collection_code = institution, collection


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    more = {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("migrated_url")}
    runtime = compose.build(Settings(data_dir=tmp_path, base_url="http://lectotype.test", **more))
    databases.prepare(runtime)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


grants = st.builds(
    lambda role, code: Grant.parse(role, code),
    st.sampled_from(ROLES),
    st.sampled_from(("all", "BR", "BR/HERB", "BR/CARPO", "P", "P/HERB")),
)
things = st.sampled_from([None, *(Thing(i, c) for i in ("BR", "P", "") for c in ("HERB", "CARPO", ""))])


@given(st.lists(grants, max_size=3), st.lists(grants, max_size=3), things)
def test_a_token_of_an_account_may_do_just_what_both_may(mine: list[Grant], its: list[Grant], thing: Thing | None) -> None:
    account, token = Principal("v", tuple(mine)), Principal("t", tuple(its))
    both = Principal("v", shared(its, mine))
    for action in principal.LEAST:
        assert may(both, action, thing) == (may(account, action, thing) and may(token, action, thing))


@given(grants)
def test_the_name_of_a_collection_is_read_back(grant: Grant) -> None:
    assert Grant.parse(grant.role, grant.of) == grant


def test_a_code_with_a_slash_is_read_back() -> None:
    grant = Grant("reader", "B/R", "100% H")
    assert Grant.parse("reader", grant.of) == grant


def test_people_revise_what_is_theirs_and_curators_what_is_not() -> None:
    ann = Principal("v1", (Grant("annotator"),), account="v1", shown="Ann")
    cora = Principal("v2", (Grant("curator", "BR"),), account="v2")
    client = Principal("loader", (Grant("annotator"),))
    assert may(ann, "revise", author="v1")
    assert not may(ann, "revise", author="v2")
    assert not may(ann, "revise", author="")
    assert may(cora, "revise", Thing("BR", "H"), author="v1")
    assert not may(cora, "revise", Thing("P", "H"), author="v1")
    assert may(client, "revise", author="v1")  # machine clients keep what they could do
    with pytest.raises(Forbidden, match="role curator, which the account of 'Ann' does not have"):
        require(ann, "revise", author="v2")


def asked(hub: Runtime, person: Person, **headers: str) -> Principal:
    app = create_app(hub)
    with app.test_request_context("/", headers={**person.cookie, **headers}, environ_base={"REMOTE_ADDR": "203.0.113.9"}):
        return principal.of_page()


def test_a_cookie_says_who_asks_only_where_that_is_asked(hub: Runtime) -> None:
    ann = add_person(hub, "ann", "annotator", HERBARIUM)
    by = asked(hub, ann)
    assert (by.name, by.account, by.shown, by.address) == (ann.key, ann.key, "Ann", "203.0.113.9")
    assert by.grants == (Grant("annotator", "BR", "HERB"),)
    app = create_app(hub)
    with app.test_request_context("/", headers=ann.cookie):
        assert principal.of_request() == principal.NOBODY


def test_a_token_goes_before_the_cookie(hub: Runtime) -> None:
    ann, ben = add_person(hub, "ann", "annotator"), add_person(hub, "ben", "reader")
    assert asked(hub, ann, **ben.bearer).shown == "Ben"
    assert asked(hub, ann, Authorization="Bearer nonsense").refused.startswith("This token is unknown")
    assert asked(hub, ann, Authorization="Basic cHJveHk6cHJveHk=").shown == "Ann"  # a proxy's own password is not ours


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        (OUR_PAGE, True),
        ({"Origin": "http://lectotype.test"}, True),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://elsewhere.test"}, True),  # reached by another of our names
        ({}, False),
        ({"Origin": "null"}, False),
        ({"Origin": "http://lectotype.test.evil.example"}, False),
        ({"Origin": "https://lectotype.test"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://lectotype.test"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Referer": "http://lectotype.test/account"}, False),
    ],
)
def test_a_change_by_cookie_comes_from_our_own_page(runtime: Runtime, headers: dict[str, str], passes: bool) -> None:
    ann = add_person(runtime, "ann", "annotator")
    app = create_app(runtime)
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        with app.test_request_context("/", method=method, headers={**ann.cookie, **headers}):
            if passes:
                assert principal.of_page_writer().account == ann.key
            else:
                with pytest.raises(Forbidden, match="not sent by a page of this hub"):
                    principal.of_page_writer()


def test_a_session_ends_when_it_is_idle_or_old_or_its_account_blocked(hub: Runtime) -> None:
    ann, began = add_person(hub, "ann", "annotator"), clock.now()
    secret = ann.cookie["Cookie"].partition("=")[2]

    def holds(after: timedelta) -> bool:
        with hub.reads.begin() as session:
            return sessions.find(session, secret, began + after) is not None

    assert holds(timedelta(hours=11, minutes=59))
    assert not holds(timedelta(hours=12, minutes=1))
    for half_days in range(1, 28):
        with hub.db.begin() as session:
            sessions.seen(session, sessions.digest(secret), began + half_days * timedelta(hours=12))
    assert holds(timedelta(days=13, hours=23))
    with hub.db.begin() as session:
        sessions.seen(session, sessions.digest(secret), began + timedelta(days=14))
    assert not holds(timedelta(days=14, minutes=1))
    with hub.db.begin() as session:
        account = session.get(AccountRow, ann.key)
        assert account is not None
        account.state = "blocked"
    assert not holds(timedelta(days=13))
    with hub.reads.begin() as session:
        by = principal.of_secret(session, ann.bearer["Authorization"][7:], began)
        assert by.refused == "The account of this token is blocked."


def test_a_renewed_session_has_another_id_and_the_old_one_opens_nothing(hub: Runtime) -> None:
    ann, at = add_person(hub, "ann"), clock.now()
    old = ann.cookie["Cookie"].partition("=")[2]
    with hub.db.begin() as session:
        new = sessions.renew(session, sessions.digest(old), at)
    with hub.reads.begin() as session:
        assert sessions.find(session, old, at) is None
        found = sessions.find(session, new, at)
        assert found is not None
        assert found.account_key == ann.key


def test_that_a_session_was_used_is_written_once_a_minute_after_the_answer(hub: Runtime) -> None:
    ann, app = add_person(hub, "ann"), create_app(hub)
    began = clock.now()
    now: list[datetime] = [began]
    object.__setattr__(hub, "clock", lambda: now[0])
    app.add_url_rule("/who", "who", lambda: Response(principal.of_page().shown))
    for later, written in ((30, 0), (61, 61), (90, 61), (125, 125)):
        now[0] = began + timedelta(seconds=later)
        answer = app.test_client(use_cookies=False).get("/who", headers=ann.cookie)
        assert answer.text == "Ann"
        answer.close()
        with hub.reads.begin() as session:
            (visit,) = sessions.of_account(session, ann.key, now[0])
        assert abs((visit.seen_at - began).total_seconds() - written) < 2
        assert visit.browser == "Firefox on Linux"


def test_what_a_cookie_opened_is_kept_nowhere_and_what_it_did_not_is_as_before(hub: Runtime) -> None:
    ann, app = add_person(hub, "ann"), create_app(hub)
    app.add_url_rule("/who", "who", lambda: Response(principal.of_page().shown, headers={"Cache-Control": "no-cache"}))
    client = app.test_client(use_cookies=False)
    anonymous, signed_in = client.get("/who"), client.get("/who", headers=ann.cookie)
    assert anonymous.headers["Cache-Control"] == "no-cache"
    assert signed_in.headers["Cache-Control"] == "private, no-store"
    assert "Cookie" in anonymous.headers["Vary"]
    assert "Cookie" in signed_in.headers["Vary"]
    dead = client.get("/who", headers={"Cookie": "lectotype=dead"})
    assert dead.text == ""
    assert "lectotype=;" in dead.headers["Set-Cookie"]


def test_annotations_images_and_manifests_read_no_cookie(hub: Runtime) -> None:
    sheets = make_hub(hub)
    specimen, (media,) = add_sheet(hub)
    admin = add_person(hub, "ada", "administrator")
    for path in (
        "/annotations/",
        f"/iiif/3/{media.key}/info.json",
        f"/iiif/presentation/3/{specimen.key}/manifest.json",
        f"/canvases/{media.key}/annotations/people.json",
        "/assets/nothing.js",
        "/health",
    ):
        plain, with_cookie = sheets.get(path), sheets.client.get(path, headers=admin.cookie)
        assert (plain.status_code, plain.data) == (with_cookie.status_code, with_cookie.data), path
        assert "Cookie" not in with_cookie.headers.get("Vary", "")
    refused = sheets.client.post("/annotations/", headers={**admin.cookie, **OUR_PAGE}, json=comment("http://x.test/"))
    assert refused.status_code == 401


def test_statements_and_changes_name_the_account_and_the_token(hub: Runtime) -> None:
    sheets = make_hub(hub)
    specimen, (media,) = add_sheet(hub, terms={"institutionCode": "BR", "collectionCode": "HERB"})
    ann, ben = add_person(hub, "ann", "annotator", HERBARIUM), add_person(hub, "ben", "annotator", HERBARIUM)
    cora, away = add_person(hub, "cora", "curator", "BR"), add_person(hub, "pia", "curator", OTHER)
    canvas = hub.addresses.canvas(specimen.key, media.key)
    send = {"Content-Type": "application/ld+json"}
    made = sheets.client.post("/annotations/", json=comment(canvas), headers={**ann.bearer, "Slug": "note"})
    assert made.status_code == 201
    note = "/annotations/note"
    assert sheets.client.put(note, json=comment(canvas, "mine"), headers={**ben.bearer, **send}).status_code == 403
    assert sheets.client.put(note, json=comment(canvas, "mine"), headers={**away.bearer, **send}).status_code == 403
    assert sheets.client.delete(note, headers=ben.bearer).status_code == 403
    assert sheets.client.put(note, json=comment(canvas, "better"), headers={**ann.bearer, **send}).status_code == 200
    assert sheets.client.delete(note, headers=cora.bearer).status_code == 204
    with hub.reads.begin() as session:
        found = changes.page(session, kind="annotation", key="note", limit=9)
    assert [(change.by, change.token, change.action, change.version, change.address) for change in found] == [
        (cora.key, "of-cora", "delete", 3, "127.0.0.1"),
        (ann.key, "of-ann", "replace", 2, "127.0.0.1"),
        (ann.key, "of-ann", "create", 1, "127.0.0.1"),
    ]


def test_a_token_does_no_more_than_its_account_does_now(hub: Runtime) -> None:
    ann = add_person(hub, "ann", "curator", "BR")
    secret = ann.bearer["Authorization"][7:]
    with hub.reads.begin() as session:
        assert principal.of_secret(session, secret, clock.now()).grants == (Grant("curator", "BR"),)
    with hub.db.begin() as session:
        role = session.get(AccountRoleRow, (ann.key, "BR"))
        assert role is not None
        role.role = "reader"
    with hub.reads.begin() as session:
        assert principal.of_secret(session, secret, clock.now()).grants == (Grant("reader", "BR"),)


def test_people_make_tokens_for_themselves_when_signed_in(hub: Runtime) -> None:
    ann, ben = add_person(hub, "ann", "annotator"), add_person(hub, "ben", "annotator")
    by_cookie, by_token = asked(hub, ann), Principal(ann.key, (Grant("annotator"),), account=ann.key, token="of-ann")
    at = clock.now()
    with hub.db.begin() as session:
        tokens.create(session, "mine", at, by=by_cookie, account=ann.key)
        assert [row.name for row in tokens.of_account(session, ann.key)] == ["mine", "of-ann"]
        for by, account in ((by_cookie, ben.key), (by_cookie, ""), (by_token, ann.key)):
            with pytest.raises(Forbidden):
                tokens.create(session, "not-mine", at, by=by, account=account)
        with pytest.raises(Forbidden):
            tokens.revoke(session, "of-ben", at, by=by_cookie)
        tokens.revoke(session, "mine", at, by=by_cookie)
        assert [row.name for row in tokens.of_account(session, ann.key)] == ["of-ann"]


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, "198.51.100.7", "203.0.113.9"),
        (1, "198.51.100.7", "198.51.100.7"),
        (1, "10.0.0.1, 198.51.100.7", "198.51.100.7"),
        (2, "6.6.6.6, 198.51.100.7, 10.0.0.1", "198.51.100.7"),
        (2, "198.51.100.7", "203.0.113.9"),
        (1, "", "203.0.113.9"),
        (1, "not an address", ""),
        (1, "2001:db8::1", "2001:db8::1"),
    ],
)
def test_the_address_of_a_client_is_what_our_outermost_proxy_saw(
    runtime: Runtime, hops: int, forwarded: str, address: str
) -> None:
    app = create_app(runtime)
    context.use(compose.build(runtime.settings.with_(proxy_hops=hops)))
    said = {"X-Forwarded-For": forwarded} if forwarded else {}
    with app.test_request_context("/", headers=said, environ_base={"REMOTE_ADDR": "203.0.113.9"}):
        assert principal.client_address() == address
