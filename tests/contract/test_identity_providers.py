"""Signing in by a provider of OpenID Connect, against a real small one: PKCE, state, nonce, whose account, and signing out."""

import socket
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc.jwk import RSAKey
from pydantic import ValidationError
from werkzeug.test import TestResponse

from app import compose
from app.runtime import changes, clock
from app.runtime.accounts import service, store
from app.runtime.context import Runtime
from app.runtime.principal import Grant, Principal
from app.runtime.settings import Settings
from app.web.account import provider as protocol
from tests.contract.test_accounts import Browser, invited
from tests.identity_provider import CLIENT, SECRET, IdentityProvider, serving

SYSTEM = Principal.of_system()


@pytest.fixture(scope="module")
def vouching() -> Iterator[IdentityProvider]:
    with serving() as provider:
        yield provider


@pytest.fixture
def provider(vouching: IdentityProvider) -> IdentityProvider:
    fresh = IdentityProvider()
    vouching.person, vouching.spoil, vouching.key, vouching.published = fresh.person, {}, fresh.key, None
    return vouching


def hub_with(folder: Path, provider: IdentityProvider, **more: Any) -> Runtime:
    said = {"name": "museum", "label": "Museum", "issuer": provider.issuer, "client_id": CLIENT, "client_secret": SECRET, **more}
    runtime = compose.build(Settings(data_dir=folder, base_url="https://hub.test", oidc=[said]))
    compose.prepare(runtime)
    protocol._documents.drop(f"{provider.issuer}/keys")
    return runtime


@pytest.fixture
def hub(tmp_path: Path, provider: IdentityProvider) -> Iterator[Runtime]:
    runtime = hub_with(tmp_path, provider, sign_up=True)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


def way(browser: Browser, path: str = "/login/oidc/museum?next=/runs") -> str:
    """To the provider, through it, and the path by which the browser comes back."""
    leaving = browser.get(path)
    assert leaving.status_code == 303, leaving.text
    back = requests.get(leaving.headers["Location"], allow_redirects=False, timeout=10).headers["Location"]
    parts = urlsplit(back)
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == "https://hub.test/login/oidc/museum/callback"
    return f"{parts.path}?{parts.query}"


def sign_in(browser: Browser, path: str = "/login/oidc/museum?next=/runs") -> TestResponse:
    return browser.get(way(browser, path), **{"Sec-Fetch-Site": "cross-site"})


def test_who_is_vouched_for_gets_an_account_once_and_no_role(hub: Runtime, provider: IdentityProvider) -> None:
    browser = Browser(hub)
    assert "Museum</a>" in browser.get("/login").text
    done = sign_in(browser)
    assert (done.status_code, done.headers["Location"]) == (303, "/runs")
    assert "Josiah Carberry</a>" in browser.get("/").text
    again = Browser(hub)
    sign_in(again)
    with hub.reads.begin() as session:
        (account,) = store.page(session, limit=9)
    assert (account.name, account.orcid, account.email, account.grants) == ("Josiah Carberry", "", "", ())
    asked = provider.asked[-1]
    assert (asked["code_challenge_method"], asked["response_mode"], asked["response_type"]) == ("S256", "query", "code")
    assert asked["scope"] == "openid profile email"
    assert len(asked["state"]) >= 40
    assert len(asked["nonce"]) >= 40


def test_an_account_is_never_joined_by_e_mail(hub: Runtime, provider: IdentityProvider) -> None:
    key, code = invited(hub, "ada", Grant("administrator"))
    ada = Browser(hub)
    ada.join(code)
    ada.post("/account", name="Ada", email="ada@hub.test", orcid="")
    provider.person = {"sub": "mallory", "preferred_username": "Ada", "email": "ada@hub.test", "email_verified": True}
    mallory = Browser(hub)
    sign_in(mallory)
    assert mallory.get("/accounts").status_code == 403
    with hub.reads.begin() as session:
        made = next(one for one in store.page(session, limit=9) if one.key != key)
    assert made.login == made.key, "nor does it get a login name that is taken"


def test_only_the_browser_that_left_comes_back(hub: Runtime) -> None:
    """A cached or stolen way in is bound to the browser that began it."""
    attacker, victim = Browser(hub), Browser(hub)
    stolen = way(attacker)
    assert victim.get(stolen).status_code == 401
    way(victim)
    assert victim.get(stolen).status_code == 401, "also on a way of its own"
    assert attacker.get(stolen).status_code == 303
    assert attacker.get(stolen).status_code == 401, "and once"


@pytest.mark.parametrize(
    "spoil",
    [
        {"nonce": "another"}, {"aud": "another client"}, {"iss": "https://evil.example"}, {"exp": 1}, {"azp": "another"},
        {"iat": 1}, {"nonce": ""}, {"aud": ["another"]},
    ],
)  # fmt: skip
def test_a_token_that_is_not_sound_lets_nobody_in(hub: Runtime, provider: IdentityProvider, spoil: dict[str, Any]) -> None:
    provider.spoil = spoil
    browser = Browser(hub)
    assert sign_in(browser).status_code == 401
    assert browser.get("/account").status_code == 401


def test_a_token_of_another_key_or_of_none_lets_nobody_in(hub: Runtime, provider: IdentityProvider) -> None:
    provider.published = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
    assert sign_in(Browser(hub)).status_code == 401
    provider.published = None
    assert sign_in(Browser(hub)).status_code == 303, "a new key is fetched"
    for token in ("", "x.y.z", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0."):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(provider, "sign", lambda _claims, answer=token, **_: answer)
            assert sign_in(Browser(hub)).status_code == 401


def test_the_code_cannot_be_used_without_the_verifier(hub: Runtime, provider: IdentityProvider) -> None:
    browser = Browser(hub)
    path = way(browser)
    code = parse_qs(urlsplit(path).query)["code"][0]
    provider.codes[code]["code_challenge"] = "of another verifier"
    assert browser.get(path).status_code == 401


def test_another_provider_cannot_answer_in_its_place(hub: Runtime) -> None:
    browser = Browser(hub)
    path = way(browser)
    assert browser.get(path.replace("iss=http", "iss=https")).status_code == 401
    refused = Browser(hub)
    state = parse_qs(urlsplit(way(refused)).query)["state"][0]
    assert "did not let you in" in refused.get(f"/login/oidc/museum/callback?error=access_denied&state={state}").text
    assert browser.get("/login/oidc/elsewhere").status_code == 404


def test_without_sign_up_an_account_is_connected_on_its_own_page(tmp_path: Path, provider: IdentityProvider) -> None:
    hub = hub_with(tmp_path, provider)
    assert "Ask for an invitation" in sign_in(Browser(hub)).text
    key, code = invited(hub, "ada")
    ada = Browser(hub)
    ada.join(code)
    assert "Connect<" in ada.get("/account").text
    connecting = "/login/oidc/museum?connect=1"
    assert ada.get(connecting, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403, "no foreign page connects"
    assert Browser(hub).get(connecting).status_code == 403
    assert sign_in(ada, connecting).headers["Location"] == "/account?done=connected"
    assert "connected</span>" in ada.get("/account").text
    elsewhere = Browser(hub)
    assert sign_in(elsewhere).status_code == 303
    assert "Ada</a>" in elsewhere.get("/").text
    ben = Browser(hub)
    ben.join(invited(hub, "ben")[1], "Ben")
    assert "another account" in sign_in(ben, connecting).text
    with hub.db.begin() as session:
        service.block(session, key, at=clock.now(), by=SYSTEM)
    assert sign_in(Browser(hub)).status_code == 401
    hub.search.close()
    hub.database.engine.dispose()


def test_roles_follow_the_claim_at_each_sign_in(tmp_path: Path, provider: IdentityProvider) -> None:
    roles = {"herbarium-staff": "reviewer BR/HERB", "herbarium-head": "curator BR/HERB", "visitor": "reader P"}
    hub = hub_with(tmp_path, provider, sign_up=True, roles_claim="realm_access.roles", roles=roles)

    kay = Browser(hub)

    def granted(*said: Any) -> tuple[Grant, ...]:
        nonlocal kay
        provider.person = {"sub": "k1", "name": "Kay", "realm_access": {"roles": list(said)}}
        kay = Browser(hub)
        assert sign_in(kay).status_code == 303
        with hub.reads.begin() as session:
            (account,) = store.page(session, limit=9)
        return account.grants

    assert granted("herbarium-staff", "herbarium-head", "unknown", 7) == (Grant("curator", "BR", "HERB"),)
    with hub.db.begin() as session:
        key = store.page(session, limit=1)[0].key
        service.grant(session, key, Grant("annotator", "K"), at=clock.now(), by=SYSTEM)
    assert granted("visitor") == (Grant("annotator", "K"), Grant("reader", "P")), "what it does not speak of stays"
    before = kay
    granted("visitor")
    assert before.get("/account").status_code == 200
    assert granted() == (Grant("annotator", "K"),)
    assert before.get("/account").status_code == 401, "no session goes on with other rights"
    assert kay.get("/account").status_code == 200
    hub.search.close()
    hub.database.engine.dispose()


def test_signing_out_at_the_provider_ends_its_sessions_here(hub: Runtime, provider: IdentityProvider) -> None:
    _, code = invited(hub, "ada")
    local = Browser(hub)
    local.join(code)

    def tell(token: str) -> int:
        path, form = "/login/oidc/museum/logout", {"logout_token": token}
        return Browser(hub).client.post(path, data=form, headers={"Accept": "application/json"}).status_code

    for how in ({"sid": "session-1"}, {"sub": provider.person["sub"]}):
        browser = Browser(hub)
        sign_in(browser)
        for wrong in ({"nonce": "x"}, {"events": {}}, {"aud": "x"}, {"iss": "x"}, {"iat": int(time.time()) - 3600}):
            assert tell(provider.logout_token(**{**how, **wrong})) == 400
        assert tell(provider.logout_token()) == 400
        assert tell("nonsense") == 400
        assert browser.get("/account").status_code == 200
        assert tell(provider.logout_token(**how)) == 200
        assert browser.get("/account").status_code == 401
    assert local.get("/account").status_code == 200


def test_who_signs_out_here_is_told_where_to_sign_out_there(hub: Runtime, provider: IdentityProvider) -> None:
    ada = Browser(hub)
    sign_in(ada)
    out = ada.post("/logout")
    assert out.headers["Location"] == "/login?left=museum"
    page = ada.get("/login?left=museum").text
    asked = "client_id=lectotype&amp;post_logout_redirect_uri=https%3A%2F%2Fhub.test%2Flogin"
    assert f'href="{provider.issuer}/out?{asked}"' in page
    assert "You are signed out here" in page
    assert "sign out there" not in ada.get("/login?left=elsewhere").text


def test_an_identity_is_disconnected_where_something_else_lets_in(hub: Runtime, provider: IdentityProvider) -> None:
    ada = Browser(hub)
    sign_in(ada)
    refused = ada.post("/account/disconnect", name="museum")
    assert (refused.status_code, "Nothing else lets you in" in refused.text) == (400, True)
    with hub.db.begin() as session:
        (account,) = store.page(session, limit=5)
        store.row_of(session, account.key).password_hash = "a hash"
    elsewhere = Browser(hub)
    sign_in(elsewhere)
    assert ada.post("/account/disconnect", name="museum").headers["Location"] == "/account?done=disconnected"
    assert ada.get("/account").status_code == 200, "who asks stays signed in"
    assert elsewhere.get("/account").status_code == 401, "others that began so have ended"
    assert ada.post("/account/disconnect", name="museum").status_code == 400
    provider.person = {**provider.person, "name": "Somebody"}
    sign_in(Browser(hub))
    with hub.reads.begin() as session:
        assert store.count(session) == 2, "who comes by it is somebody else now"


def test_addresses_in_the_record_of_changes_are_forgotten_after_a_while(hub: Runtime) -> None:
    at = hub.clock()
    with hub.db.begin() as session:
        for days in (400, 10):
            by = Principal("v1somebody", account="v1somebody", address="192.0.2.7")
            changes.record(session, by, "describe", "account", "v1somebody", at=at - timedelta(days=days))
    sign_in(Browser(hub))
    with hub.reads.begin() as session:
        told = changes.page(session, by="v1somebody", limit=5)
    assert [one.address for one in told] == ["192.0.2.7", None]


def test_a_provider_that_is_away_is_said_and_nobody_is_kept_out_by_it(tmp_path: Path, provider: IdentityProvider) -> None:
    away = IdentityProvider(issuer="http://127.0.0.1:9")
    hub = hub_with(tmp_path, away)
    answer = Browser(hub).get("/login/oidc/museum")
    assert (answer.status_code, "does not answer now" in answer.text) == (503, True)
    assert Browser(hub).join(invited(hub, "ada")[1]).status_code == 303
    hub.search.close()
    hub.database.engine.dispose()


def test_a_provider_that_breaks_off_is_said(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def half() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(10_000)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")

        answering = threading.Thread(target=half)
        answering.start()
        hub = hub_with(tmp_path, IdentityProvider(issuer=f"http://127.0.0.1:{listening.getsockname()[1]}"))
        assert Browser(hub).get("/login/oidc/museum").status_code == 503
        answering.join(10)
    hub.search.close()
    hub.database.engine.dispose()


def test_an_orcid_is_known_by_its_issuer_and_an_address_only_if_verified() -> None:
    from app.runtime.accounts.identities import Person

    orcid = Person.of_claims("https://orcid.org", "0000-0002-1825-0097", {"given_name": "Josiah", "family_name": "Carberry"})
    assert (orcid.orcid, orcid.name) == ("0000-0002-1825-0097", "Josiah Carberry")
    assert Person.of_claims("https://k.test", "0000-0002-1825-0097", {}).orcid == ""
    for verified, email in ((True, "a@b.test"), (False, ""), ("true", ""), (None, "")):
        assert Person.of_claims("https://k.test", "s", {"email": "a@b.test", "email_verified": verified}).email == email
    odd = Person.of_claims("https://k.test", "s", {"name": "x" * 300 + "\u202e", "email": "no address", "email_verified": True})
    assert (len(odd.name), odd.email) == (100, "")


def test_settings_of_providers_reach_child_processes_and_are_checked(tmp_path: Path, provider: IdentityProvider) -> None:
    said = {"name": "museum", "label": "Museum", "issuer": "https://id.test", "client_id": "a", "client_secret": "very secret"}
    settings = Settings(data_dir=tmp_path, oidc=[said])
    assert "very secret" not in repr(settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LECTOTYPE_OIDC", settings.environment()["LECTOTYPE_OIDC"])
        assert Settings(data_dir=tmp_path).oidc == settings.oidc
    for wrong in (
        {"issuer": "http://id.test"},
        {"name": "A/B"},
        {"roles": {"x": "king all"}, "roles_claim": "r"},
        {"roles_claim": "r"},
    ):
        with pytest.raises(ValidationError):
            Settings(data_dir=tmp_path, oidc=[{**said, **wrong}])
