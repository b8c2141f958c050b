"""The table of permissions: every address, asked by people of every role, by cookie and by token. It rests on the table of
addresses in test_visibility.py, and on NEEDS for those that change something.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pytest
from werkzeug.test import Client

from annotations.review import service as review
from app.runtime import context, tokens
from app.runtime.principal import ROLES, Principal
from tests.contract import test_visibility
from tests.contract.test_visibility import HERE, TABLE, Hub, Row, Sheet
from tests.people import OUR_PAGE, Person, add_person
from tests.sheets import comment

Need = Literal["nobody", "reader", "annotator", "reviewer", "curator", "administrator", "person"]
Over = Literal["sheet", "hub", "any"]
REFUSED = (401, 403)
# Addresses that read the cookie; all others must answer as if none was sent.
BY_COOKIE = {
    "/ns", "/ark:<naan>/<name>", "/ark:/<naan>/<name>", "/ark:<naan>/<name>/<path:rest>", "/ark:/<naan>/<name>/<path:rest>",
    "/sparql", "/notices", "/notices/<key>/<any(accept, reject):decision>",
    "/exchange", "/exchange/export.zip", "/exchange/imports", "/exchange/imports/<key>", "/exchange/imports/<key>/accept",
    "/datasets", "/datasets/new", "/datasets/<name>", "/datasets/<key>/versions", "/datasets/<name>/withdraw",
    "/similar", "/queries", "/queries/<key>", "/queries/<key>/<any(change, delete):deed>", "/api/queries", "/api/queries/<key>",
    "/webhooks", "/webhooks/<key>", "/webhooks/<key>/<any(revoke, test, redeliver):change>", "/api/webhooks",
    "/api/webhooks/<key>", "/api/webhooks/<key>/deliveries", "/api/webhooks/<key>/test",
    "/api/webhooks/<key>/deliveries/<int:delivery>/redeliver",
    "/segments/<segment:key>/change", "/segments/<segment:key>/split", "/segments/<segment:key>/merge",
    "/api/media/<key>/file",
    "/review/groups", "/segments/<segment:key>/like", "/segments/<segment:key>/like/proposals",
    "/segments/<segment:key>/restore", "/api/segments/<segment:key>/versions/<int:number>",
    "/api/segments/<segment:key>/timemap", "/api/segments/<segment:key>/restore",
    "/segments/<segment:key>/delete", "/specimens/<key>/segments/<media_key>",
    "/segments/<segment:key>", "/api/segments", "/api/segments/<segment:key>", "/api/segments/merge",
    "/api/segments/<segment:key>/split", "/api/segments/<segment:key>/like", "/api/segments/<segment:key>/like/proposals",
    "/login/oidc/<name>", "/login/oidc/<name>/callback",
    "/specimens/<key>/record.csv", "/specimens/<key>/regions.csv", "/specimens/<key>/cite.<form>",
    "/specimens/<key>/verdicts", "/specimens/<key>/verdicts/<verdict>/undo", "/specimens/<key>/comments",
    "/specimens/<key>/statements/<name>/<any(change, delete):deed>", "/specimens/<key>/lines", "/specimens/<key>/proposals",
    "/", "/specimens/<key>", "/runs", "/runs/<key>", "/runs/<key>/<any(cancel, retract, restore):change>", "/login", "/logout",
    "/join", "/account", "/account/password", "/account/sessions/end", "/account/tokens", "/account/tokens/revoke",
    "/account/export", "/account/remove",
    "/account/disconnect", "/accounts", "/members", "/accounts/<key>", "/accounts/<key>/role", "/accounts/<key>/link",
    "/accounts/<key>/<any(block, unblock, remove):change>", "/audit", "/api/changes", "/api/proposals",
    "/api/annotations", "/api/annotations/<key>", "/api/events",
    "/statements/<key>/history", "/statements/<key>/restore", "/api/annotations/<key>/diff",
    "/specimens/<key>/draw/<media_key>", "/statements/<key>", "/statements/<key>/verdicts",
    "/statements/<key>/verdicts/<verdict>/undo", "/statements/<key>/comments",
    "/api/agreement", "/api/agreement/people", "/review/agreement", "/api/annotations/<key>/consensus",
    "/api/specimens/<key>/restore", "/api/specimens/<key>/history", "/api/specimens/<key>/diff",
    "/api/annotations/<key>/history", "/api/annotations/<key>/restore", "/api/verdicts", "/api/verdicts/<key>",
    "/review", "/review/<kind>",
    "/api/queue", "/api/queue/counts", "/api/queue/leases", "/api/verdicts/batch", "/api/verdicts/batch/<key>",
}  # fmt: skip
FORM, JSON, JSON_LD = "application/x-www-form-urlencoded", "application/json", "application/ld+json"
NO_VERSION = {"annotation": "note-open", "version": 9, "verdict": "approved"}
PROPOSAL = {"specimen": "that of the sheet", "term": "recordedBy", "value": "Nobody"}
WITHOUT_ACCOUNT = {
    ("POST", "/login/oidc/<name>/logout"),  # a provider asks, by a token that it signs
    ("POST", "/sparql"),  # anybody asks, and nothing changes
    ("POST", "/inbox"),  # anybody leaves a notice, of which curators decide
}


@dataclass(frozen=True)
class Change:
    """Who may do it, over the collection of the sheet, over all (`hub`) or over any at all; and what is sent."""

    need: Need
    path: str
    body: Any = ""
    content_type: str = FORM
    over: Over = "sheet"


def curates(path: str, body: Any = "", content_type: str = "application/json") -> Change:
    return Change("curator", path, body, content_type, over="hub")


def administers(path: str, body: Any = "") -> Change:
    return Change("administrator", path, body, over="hub")


NEEDS: dict[tuple[str, str], Change] = {
    ("POST", "/api/notices/<key>/<any(accept, reject):decision>"): Change("curator", "/api/notices/c1none/accept", over="any"),
    ("POST", "/notices/<key>/<any(accept, reject):decision>"): Change("curator", "/notices/c1none/accept", over="any"),
    ("POST", "/exchange/imports"): Change("curator", "/exchange/imports", over="hub"),
    ("POST", "/exchange/imports/<key>/accept"): Change("curator", "/exchange/imports/b1nothing/accept", over="hub"),
    ("POST", "/api/imports"): Change("curator", "/api/imports", over="hub"),
    ("POST", "/api/imports/<key>/accept"): Change("curator", "/api/imports/b1nothing/accept", over="hub"),
    ("POST", "/api/exports"): Change("nobody", "/api/exports", {"format": "x"}, JSON, over="any"),
    ("POST", "/annotations/"): Change("annotator", "/annotations/", "comment", JSON_LD),
    ("PUT", "/annotations/<key>"): Change("curator", "/annotations/note-{access}", "comment", JSON_LD),  # of somebody else
    ("DELETE", "/annotations/<key>"): Change("curator", "/annotations/mask-{access}"),
    ("POST", "/statements/<key>/verdicts"): Change(
        "annotator", "/statements/note-{access}/verdicts", "verdict=uncertain&version=9"
    ),
    ("POST", "/statements/<key>/verdicts/<verdict>/undo"): Change("curator", "/statements/note-{access}/verdicts/{verdict}/undo"),
    ("POST", "/statements/<key>/comments"): Change("annotator", "/statements/note-{access}/comments", "text=talk"),
    ("POST", "/specimens/<key>/draw/<media_key>"): Change("annotator", "/specimens/{specimen}/draw/{media}", "value=x"),
    ("POST", "/api/annotations"): Change("annotator", "/api/annotations", "comment", JSON_LD),
    ("PUT", "/api/annotations/<key>"): Change("curator", "/api/annotations/note-{access}", "comment", JSON_LD),  # somebody's
    ("DELETE", "/api/annotations/<key>"): Change("curator", "/api/annotations/mask-{access}"),
    ("POST", "/api/verdicts"): Change("annotator", "/api/verdicts", NO_VERSION, JSON),
    ("POST", "/queries"): Change("reader", "/queries", "title=&question=", over="any"),
    ("POST", "/queries/<key>/<any(change, delete):deed>"): Change("reader", "/queries/k1nothing/delete", over="any"),
    ("POST", "/api/queries"): Change("reader", "/api/queries", {"title": "", "question": ""}, JSON, over="any"),
    ("PUT", "/api/queries/<key>"): Change("reader", "/api/queries/k1nothing", {"title": "x", "question": ""}, JSON, over="any"),
    ("DELETE", "/api/queries/<key>"): Change("reader", "/api/queries/k1nothing", over="any"),
    ("POST", "/api/proposals"): Change("annotator", "/api/proposals", PROPOSAL, JSON),
    ("POST", "/api/specimens/<key>/restore"): Change("curator", "/api/specimens/{specimen}/restore", {"version": 1}, JSON),
    ("POST", "/statements/<key>/restore"): Change("curator", "/statements/note-{access}/restore", "version=1&etag=x"),
    ("DELETE", "/api/verdicts/<key>"): Change("curator", "/api/verdicts/{verdict}"),  # of somebody else
    ("POST", "/api/annotations/<key>/restore"): Change(
        "curator",
        "/api/annotations/note-{access}/restore",
        {"version": 1},
        JSON,  # of somebody else
    ),
    ("POST", "/api/queue/leases"): Change("annotator", "/api/queue/leases", {"take": 1, "kind": "none"}, JSON, over="any"),
    ("POST", "/api/verdicts/batch"): Change(
        "curator", "/api/verdicts/batch", {"kind": "none", "minConfidence": 0.9}, JSON, over="any"
    ),
    ("DELETE", "/api/verdicts/batch/<key>"): Change("annotator", "/api/verdicts/batch/b1nothing", over="any"),
    ("POST", "/specimens/<key>/verdicts"): Change(
        "annotator", "/specimens/{specimen}/verdicts", "annotation=note-open&version=9&verdict=approved"
    ),
    ("POST", "/specimens/<key>/verdicts/<verdict>/undo"): Change("curator", "/specimens/{specimen}/verdicts/{verdict}/undo"),
    ("POST", "/specimens/<key>/comments"): Change("annotator", "/specimens/{specimen}/comments", "text="),
    ("POST", "/specimens/<key>/statements/<name>/<any(change, delete):deed>"): Change(
        "curator",
        "/specimens/{specimen}/statements/note-{access}/delete",
        "etag=another",  # of somebody else
    ),
    ("POST", "/specimens/<key>/proposals"): Change(
        "annotator", "/specimens/{specimen}/proposals", "term=recordedBy&value=Nobody"
    ),
    ("POST", "/specimens/<key>/lines"): Change("annotator", "/specimens/{specimen}/lines", "media=m1nothing"),
    ("POST", "/api/segments"): Change("annotator", "/api/segments", {"media": "m1nothing"}, JSON, over="any"),
    ("PATCH", "/api/segments/<segment:key>"): Change("reviewer", "/api/segments/{segment}", {"class": "leafs"}, JSON),
    ("POST", "/api/segments/merge"): Change("annotator", "/api/segments/merge", {"segments": {}}, JSON, over="any"),
    ("POST", "/api/segments/<segment:key>/split"): Change(
        "reviewer", "/api/segments/{segment}/split", {"parts": [{"class": "leafs"}, {"class": "leafs"}]}, JSON
    ),
    **{
        (method, "/api/segments/<segment:key>/like/proposals"): Change(
            "reviewer", "/api/segments/{segment}/like/proposals", {"by": "nothing"}, JSON, over="any"
        )
        for method in ("POST", "DELETE")
    },
    ("POST", "/segments/<segment:key>/like/proposals"): Change(
        "reviewer", "/segments/{segment}/like/proposals", "by=nothing&value=x", over="any"
    ),
    ("POST", "/segments/<segment:key>/change"): Change("reviewer", "/segments/{segment}/change", "class=leafs&etag=x"),
    ("POST", "/segments/<segment:key>/split"): Change(
        "reviewer", "/segments/{segment}/split", "class=leafs&etag=x&side=top&at=1"
    ),
    ("POST", "/segments/<segment:key>/merge"): Change("reviewer", "/segments/{segment}/merge", "with=x1nothing&etag=x"),
    ("POST", "/segments/<segment:key>/restore"): Change("reviewer", "/segments/{segment}/restore", "version=1&etag=x"),
    ("POST", "/api/segments/<segment:key>/restore"): Change("reviewer", "/api/segments/{segment}/restore", {"version": 1}, JSON),
    ("POST", "/segments/<segment:key>/delete"): Change("curator", "/segments/{segment}/delete", "etag=x"),
    ("POST", "/specimens/<key>/segments/<media_key>"): Change("annotator", "/specimens/{specimen}/segments/{media}", "label=x"),
    ("DELETE", "/api/segments/<segment:key>"): Change("curator", "/api/segments/{segment}"),
    ("POST", "/masks/"): Change("annotator", "/masks/", "no picture", "image/png", over="any"),
    ("POST", "/api/datasets"): Change("annotator", "/api/datasets", {"title": ""}, JSON, over="any"),
    ("PUT", "/api/datasets/<key>"): Change("annotator", "/api/datasets/d1nothing", {"title": ""}, JSON, over="any"),
    ("POST", "/api/datasets/<key>/versions"): Change("annotator", "/api/datasets/d1nothing/versions", {}, JSON, over="any"),
    ("POST", "/api/datasets/<key>/versions/<int:number>/withdraw"): Change(
        "annotator", "/api/datasets/d1nothing/versions/1/withdraw", {"reason": "wrong"}, JSON, over="any"
    ),
    ("POST", "/datasets"): Change("annotator", "/datasets", "title=", over="any"),
    ("POST", "/datasets/<key>/versions"): Change("annotator", "/datasets/d1nothing/versions", over="any"),
    ("POST", "/datasets/<name>/withdraw"): Change("annotator", "/datasets/d1nothing.v1/withdraw", "reason=x", over="any"),
    ("POST", "/api/datasets/<key>/versions/<int:number>/exports"): Change(
        "annotator", "/api/datasets/d1nothing/versions/1/exports", {"format": "coco"}, JSON, over="any"
    ),
    ("DELETE", "/api/exports/<key>"): Change("annotator", "/api/exports/e1nothing", over="any"),
    ("POST", "/api/runs"): curates("/api/runs", {"selection": {"kind": "nothing"}}),
    ("POST", "/api/runs/<key>/cancel"): curates("/api/runs/x1nothing/cancel"),
    ("POST", "/api/runs/<key>/retract"): curates("/api/runs/x1nothing/retract", {"reason": "wrong"}),
    ("POST", "/api/runs/<key>/restore"): curates("/api/runs/x1nothing/restore"),
    ("PUT", "/api/specimens/<key>/media/<media_key>"): Change(
        "curator", "/api/specimens/{specimen}/media/{media}", {"role": "whole"}, "application/json"
    ),
    ("DELETE", "/api/specimens/<key>/media/<media_key>"): Change("curator", "/api/specimens/{specimen}/media/{media}"),
    ("POST", "/runs/<key>/<any(cancel, retract, restore):change>"): curates("/runs/x1nothing/cancel", "", FORM),
    ("POST", "/account"): Change("person", "/account", "name=&email=&orcid="),
    ("POST", "/account/password"): Change("person", "/account/password", "current=x"),
    ("POST", "/account/sessions/end"): Change("person", "/account/sessions/end", "session=none"),
    ("POST", "/account/tokens"): Change("person", "/account/tokens", "name=&role=reader"),
    ("POST", "/account/tokens/revoke"): Change("person", "/account/tokens/revoke", "name=spare-of-{login}"),
    ("POST", "/account/disconnect"): Change("person", "/account/disconnect", "name=none"),
    ("POST", "/account/remove"): Change("person", "/account/remove", "current=x"),
    ("POST", "/webhooks"): administers("/webhooks", "url=nothing"),
    ("POST", "/webhooks/<key>/<any(revoke, test, redeliver):change>"): administers("/webhooks/wh0nothing/revoke"),
    ("POST", "/api/webhooks"): Change("administrator", "/api/webhooks", {"url": "nothing"}, JSON, over="hub"),
    ("DELETE", "/api/webhooks/<key>"): administers("/api/webhooks/wh0nothing"),
    ("POST", "/api/webhooks/<key>/test"): administers("/api/webhooks/wh0nothing/test"),
    ("POST", "/api/webhooks/<key>/deliveries/<int:delivery>/redeliver"): administers(
        "/api/webhooks/wh0nothing/deliveries/1/redeliver"
    ),
    ("POST", "/accounts"): administers("/accounts", "login=%20"),
    ("POST", "/accounts/<key>/role"): administers("/accounts/v1nothing/role", "role=reader"),
    ("POST", "/accounts/<key>/link"): administers("/accounts/v1nothing/link"),
    ("POST", "/accounts/<key>/<any(block, unblock, remove):change>"): administers("/accounts/v1nothing/block"),
    ("POST", "/members"): Change("curator", "/members", f"login=%20&role=annotator&collection={HERE}"),
    ("POST", "/login"): Change("nobody", "/login", "login=a&password=b"),
    ("POST", "/join"): Change("nobody", "/join", "code=x&name=a&password=b&again=c"),
    ("POST", "/logout"): Change("nobody", "/logout"),
}
AS_THE_PUBLIC = {"/embed", "/embed/<key>", "/oembed"}  # they stand in pages of others, and show nobody more than all see
# What is read by who may write or decide: in any collection, and told of those; or there.
FOR_THOSE: dict[str, tuple[Need, Over]] = {
    "/datasets/new": ("annotator", "any"), "/notices": ("curator", "any"),
    "/api/queue/counts": ("annotator", "any"), "/review": ("annotator", "any"), "/review/<kind>": ("annotator", "any"),
    "/review/groups": ("annotator", "any"),
    "/specimens/<key>/draw/<media_key>": ("annotator", "sheet"),
    "/specimens/<key>/segments/<media_key>": ("annotator", "sheet"),
}  # fmt: skip
PERSONAL = {("GET", "/queries"), ("GET", "/account"), ("GET", "/account/export")}


hub = test_visibility.hub  # the fixture


@pytest.fixture
def client(hub: Hub) -> Client:
    """One that keeps no cookies: those that are sent stand in each request."""
    context.use(hub.runtime)
    return Client(hub.client.application, use_cookies=False)


@pytest.fixture(scope="module")
def people(hub: Hub) -> dict[str, Person]:
    """For each role one over all, one over the collection of the sheets, and one over another; and one without a role."""
    context.use(hub.runtime)
    made = {"none": add_person(hub.runtime, "none")}
    for role in ROLES:
        for place, collection in (("all", "all"), ("here", HERE), ("elsewhere", "P")):
            made[f"{role}-{place}"] = add_person(hub.runtime, f"{role}-{place}", role, collection)
    with hub.runtime.db.begin() as session:
        for login, person in made.items():
            how: Any = {"by": Principal.of_system(), "account": person.key}
            tokens.create(session, f"spare-of-{login}", hub.runtime.clock(), **how)
    return made


@pytest.fixture(scope="module")
def verdict(hub: Hub) -> str:
    """The key of a verdict on a note of the open sheet, which was taken back: for who may take it back, 410."""
    context.use(hub.runtime)
    by, at = Principal.of_system(), hub.runtime.clock()
    with hub.runtime.db.begin() as session:
        judgement = review.Judgement("note-open", 1, "uncertain")
        judged = review.judge(session, judgement, by=by, addresses=hub.runtime.addresses, at=at)
        review.undo(session, judged.key, by=by, at=at)
    return judged.key


def may(need: Need, who: str, over: Over) -> bool:
    """What the table says."""
    role, _, place = who.partition("-")
    if need in ("nobody", "person"):
        return need == "nobody" or who != ""
    if role not in ROLES or (place == "elsewhere" and over != "any") or (over == "hub" and place != "all"):
        return False
    return ROLES.index(role) >= ROLES.index(need)  # type: ignore[arg-type]


def ways(rule: str, person: Person, who: str) -> Iterator[tuple[str, dict[str, str]]]:
    """As whom a person asks who sends a token, and who sends a cookie: where that is not read, as nobody."""
    yield who, person.bearer
    yield who if rule in BY_COOKIE else "", {**person.cookie, **OUR_PAGE}


def filled(form: str, sheet: Sheet, **more: str) -> str:
    return form.format(
        specimen=sheet.specimen.key, media=sheet.media.key, access=sheet.media.access, segment=sheet.segment, **more
    )


def test_every_address_that_changes_something_says_who_may() -> None:
    changing = {address for address in TABLE if address[0] != "GET"}
    assert changing == set(NEEDS) | WITHOUT_ACCOUNT


@pytest.mark.parametrize(("method", "rule"), [rule for rule in NEEDS if rule[1] != "/logout"])
def test_what_changes_something_is_done_for_who_may(
    hub: Hub,
    people: dict[str, Person],
    client: Client,
    verdict: str,
    method: str,
    rule: str,
) -> None:
    change, sheet = NEEDS[method, rule], hub.sheets["open"]
    for login, person in (*people.items(), ("", Person(""))):
        for who, headers in ways(rule, person, login):
            body = change.body
            if body == "comment":
                body = comment(hub.runtime.addresses.canvas(sheet.specimen.key, sheet.media.key))
            data = filled(body, sheet, login=login) if isinstance(body, str) else json.dumps(body)
            if body is PROPOSAL:
                data = json.dumps({**PROPOSAL, "specimen": sheet.specimen.key})
            said = {**headers, **(OUR_PAGE if change.need == "nobody" else {}), "Content-Type": change.content_type}
            said |= {"If-Match": '"another"'}  # so that who may delete does not
            path = filled(change.path, sheet, verdict=verdict)
            answer = client.open(path, method=method, headers=said, data=data)
            allowed = may(change.need, who, change.over) and (change.need != "person" or "Cookie" in headers)
            if change.need == "nobody":
                assert answer.status_code in (200, 303, 400, 401, 429), (rule, login, answer.text)
                assert "sign in again" not in answer.text
            elif allowed:
                assert answer.status_code not in REFUSED, (rule, who, list(headers), answer.text[:300])
            else:
                expected = 403 if who and change.need != "person" else 401
                assert answer.status_code == expected, (rule, login, list(headers), answer.status_code, answer.text[:300])


READ = [
    (rule, number, access)
    for (method, rule), rows in TABLE.items()
    for number in range(len(rows))
    for access in ("open", "closed")
    if method == "GET"
]


@pytest.mark.parametrize(("rule", "number", "access"), READ)
def test_what_is_read_is_told_to_who_may(
    hub: Hub,
    people: dict[str, Person],
    client: Client,
    rule: str,
    number: int,
    access: Any,
) -> None:
    row: Row = TABLE["GET", rule][number]
    sheet = hub.sheets[access]
    nobody, _, reader, curator = row.statuses(access).values()
    need: Need = "nobody"
    of_hub = ("/api/changes", "/api/agreement/people", "/audit", "/api/ingests/<key>/report.csv")
    of_hub += ("/api/imports", "/api/imports/<key>", "/exchange/imports/<key>")
    over: Over = "hub" if rule in of_hub else "sheet"
    if ("GET", rule) in PERSONAL:
        need = "person"
    elif nobody in REFUSED and nobody != 403:
        need = "reader" if reader not in REFUSED else "curator" if curator not in REFUSED else "administrator"
        over = "hub" if need == "administrator" else over
    elif nobody == 403:
        return  # /metrics, which has a token of its own
    if rule in FOR_THOSE:
        need, over = FOR_THOSE[rule]
    if rule == "/api/ingests/<key>/report.csv":
        need = "reader"  # of every collection
    for login, person in people.items():
        for who, headers in ways(rule, person, login):
            answer = client.get(row.path(hub, sheet), headers={**headers, "Accept": "application/json"})
            allowed = may(need, who, over) and (need != "person" or "Cookie" in headers)
            if rule in AS_THE_PUBLIC:
                assert answer.status_code == nobody, (rule, who)
            elif allowed:
                assert answer.status_code not in REFUSED, (rule, who, list(headers), answer.text[:300])
            else:
                expected = 403 if who and need != "person" else 401
                assert answer.status_code == expected, (rule, who, list(headers), answer.status_code, answer.text[:300])
            assert ("Cookie" in answer.headers.get("Vary", "")) == (rule in BY_COOKIE)


def test_who_signs_out_is_out(hub: Hub, client: Client) -> None:
    zoe = add_person(hub.runtime, "zoe", "administrator")
    assert client.get("/accounts", headers=zoe.cookie).status_code == 200
    assert client.post("/logout", headers={**zoe.cookie, **OUR_PAGE}).status_code == 303
    assert client.get("/accounts", headers=zoe.cookie).status_code == 401
