"""Who heads one collection invites people to it and gives roles in it, and does nothing else; on both databases."""

import re

import pytest

from app.runtime import changes
from app.runtime.accounts import store
from app.runtime.context import Runtime
from app.runtime.principal import Grant, Principal, may_give
from tests.contract import test_accounts
from tests.contract.test_accounts import Browser, administrator, invited, link_on

HERE = "BR/HERB"
hub = test_accounts.hub  # the fixtures
_quick_hashes = test_accounts._quick_hashes


def head(hub: Runtime, login: str, role: str, collection: str) -> Browser:
    browser = Browser(hub)
    assert browser.join(invited(hub, login, Grant.parse(role, collection))[1], login.title()).status_code == 303
    return browser


def roles(hub: Runtime, login: str) -> set[str]:
    with hub.reads.begin() as session:
        row = store.by_login(session, login)
        assert row is not None
        return {f"{one.role} of {one.of}" for one in store.grants_of(session, row.key)}


def give(browser: Browser, login: str, role: str, collection: str = HERE) -> tuple[int, str]:
    answer = browser.post("/members", login=login, name=login.title(), role=role, collection=collection)
    return answer.status_code, answer.text


@pytest.mark.parametrize(
    ("held", "given", "may"),
    [
        ("curator BR", "reviewer BR", True),
        ("curator BR", "reviewer BR/HERB", True),
        ("curator BR", "curator BR", False),
        ("curator BR/HERB", "annotator BR", False),
        ("curator BR/HERB", "annotator all", False),
        ("curator BR", "annotator P", False),
        ("administrator BR", "administrator BR/HERB", True),
        ("administrator BR", "administrator all", False),
        ("administrator BR", "reader P", False),
        ("administrator all", "administrator all", True),
        ("reviewer all", "reader BR", False),
    ],
)
def test_nobody_gives_more_than_they_have_nor_elsewhere(held: str, given: str, may: bool) -> None:
    mine, its = (Grant.parse(*words.split()) for words in (held, given))
    assert may_give(Principal("x", (mine,)), its) == may


def test_a_curator_invites_to_the_collection_and_gives_roles_in_it(hub: Runtime) -> None:
    cat = head(hub, "cat", "curator", "BR")
    status, page = give(cat, "dan", "reviewer")
    assert status == 200
    dan = Browser(hub)
    assert dan.join(link_on(page), "Dan").status_code == 303
    assert roles(hub, "dan") == {f"reviewer of {HERE}"}
    listed = cat.get(f"/members?collection={HERE}").text
    assert ">dan<" in listed
    assert ">Dan<" in listed
    key = re.search(r'name="key" value="([^"]+)"', listed)
    assert key
    head(hub, "eve", "annotator", "P")
    assert give(cat, "eve", "annotator", "BR")[0] == 200
    assert roles(hub, "eve") == {"annotator of P", "annotator of BR"}
    for role, collection in (("curator", "BR"), ("administrator", "BR"), ("annotator", "P"), ("annotator", "all"), ("", "BR")):
        assert give(cat, "eve", role, collection)[0] in (400, 403), (role, collection)
    assert cat.post("/members", key=key[1], role="none", collection=HERE).status_code == 200
    assert roles(hub, "dan") == set()
    assert roles(hub, "eve") == {"annotator of P", "annotator of BR"}
    for path in ("/accounts", f"/accounts/{key[1]}", "/audit", "/members?collection=P", "/members?collection=all"):
        assert cat.get(path).status_code == 403, path
    for path in ("/accounts", f"/accounts/{key[1]}/link", f"/accounts/{key[1]}/block", f"/accounts/{key[1]}/role"):
        assert cat.post(path, login="x", role="reader").status_code == 403, path
    with hub.reads.begin() as session:
        done = [(one.action, one.details.get("role")) for one in changes.page(session, kind="account", key=key[1], limit=9)]
    assert ("withdraw role", "reviewer") in done
    assert ("invite", "reviewer") in done


def test_who_heads_a_collection_takes_nothing_from_those_above(hub: Runtime) -> None:
    cat, _ = head(hub, "cat", "curator", "BR"), head(hub, "ben", "administrator", "BR")
    status, refused_page = give(cat, "ben", "reviewer", "BR")
    assert (status, "<option selected>reviewer</option>" in refused_page) == (403, True), "nothing of the form is lost"
    page = cat.get("/members?collection=BR").text
    assert 'Take away<span class="hidden"> the role administrator' not in page
    with hub.reads.begin() as session:
        row = store.by_login(session, "ben")
        assert row is not None
    refused = cat.post("/members", key=row.key, role="none", collection="BR")
    assert "cannot take away" in refused.text
    assert roles(hub, "ben") == {"administrator of BR"}
    assert give(head(hub, "dan", "reviewer", "BR"), "zoe", "annotator", "BR")[0] == 403


def test_a_link_that_another_has_made_opens_nothing_once_somebody_else_gives_more(hub: Runtime) -> None:
    cat = head(hub, "cat", "curator", "BR")
    link = link_on(give(cat, "dan", "reviewer")[1])
    assert give(cat, "dan", "annotator", "BR")[0] == 200, "her own, who made the link, leaves it"
    ada = administrator(hub)
    with hub.reads.begin() as session:
        row = store.by_login(session, "dan")
        assert row is not None
    ada.post(f"/accounts/{row.key}/role", role="administrator", collection="all")
    assert Browser(hub).join(link, "Cat, who knows the link").status_code in (400, 401)
    again = link_on(ada.post(f"/accounts/{row.key}/link").text)
    assert Browser(hub).join(again, "Dan").status_code == 303


def test_a_link_of_somebody_above_stays_when_less_is_given(hub: Runtime) -> None:
    ada, cat = administrator(hub), head(hub, "cat", "curator", "BR")
    link = link_on(ada.post("/accounts", login="dan", name="Dan", role="reader", collection="P").text)
    assert give(cat, "dan", "reviewer", "BR")[0] == 200
    assert Browser(hub).join(link, "Dan").status_code == 303
    assert roles(hub, "dan") == {"reader of P", "reviewer of BR"}


def test_a_link_of_somebody_who_heads_nothing_any_more_opens_nothing(hub: Runtime) -> None:
    ada, cat = administrator(hub), head(hub, "cat", "curator", "BR")
    link = link_on(give(cat, "dan", "reader", "BR")[1])
    with hub.reads.begin() as session:
        row = store.by_login(session, "cat")
        assert row is not None
    ada.post(f"/accounts/{row.key}/block")
    assert give(ada, "dan", "annotator", "BR")[0] == 200
    assert Browser(hub).join(link, "Cat, who knows the link").status_code in (400, 401)


def test_only_a_role_that_is_lowered_or_taken_away_ends_sessions(hub: Runtime) -> None:
    ada, cat = administrator(hub), head(hub, "cat", "curator", "BR")
    assert give(cat, "ada", "reader", "BR")[0] == 200
    assert ada.get("/accounts").status_code == 200, "an administrator who is given a role somewhere stays signed in"
    dan = head(hub, "dan", "annotator", "BR")
    for role, stays in (("annotator", True), ("reviewer", True), ("reader", False)):
        assert give(cat, "dan", role, "BR")[0] == 200
        assert (dan.get("/account").status_code == 200) is stays, role


def test_the_form_keeps_what_was_typed_where_the_collection_is_none_of_theirs(hub: Runtime) -> None:
    cat = head(hub, "cat", "curator", "BR")
    for collection, expected in (("P", 403), ("all", 403), ("BR//HERB", 400)):
        status, page = give(cat, "dan", "reviewer", collection)
        assert status == expected
        assert all(f'value="{typed}"' in page for typed in (collection, "dan", "Dan")), collection
        assert 'role="alert"' in page
        assert "People of BR" in page
    assert give(head(hub, "eve", "annotator", "BR"), "dan", "reader", "P")[0] == 403
