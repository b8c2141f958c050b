"""What people think of statements: verdicts on versions, corrections, states; alike on SQLite and PostgreSQL."""

import re
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import event, select, text, update

from analytics.evaluation import reviewed
from annotations import recount
from annotations import service as annotations
from annotations.search import consistency
from annotations.tables import AnnotationRow, VerdictRow
from app.cli import main
from app.runtime.accounts import service as accounts
from app.runtime.accounts.model import PSEUDONYM
from app.runtime.context import Runtime
from app.runtime.principal import NOBODY, Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from tests.databases import on_both
from tests.drain import drain
from tests.people import Person, add_person
from tests.sheets import Hub, add_sheet, comment, make_hub

SIDE = 1000
settings = on_both


@pytest.fixture
def hub(prepared: Runtime) -> Hub:
    return make_hub(prepared)


@pytest.fixture
def media(hub: Hub) -> Media:
    _, (media,) = add_sheet(hub.runtime, "V 1", sizes=((SIDE, SIDE),))
    return media


def person(hub: Hub, name: str, role: Any, *collections: str) -> Person:
    return add_person(hub.runtime, name, role, *collections)


def state(hub: Hub, media: Media, text: str = "Carex rubra", kind: str = "label", run: str = "x1", **more: Any) -> str:
    """A machine's statement; its key."""
    body: list[Any] = [{"type": "TextualBody", "value": text}]
    body += [more.pop("assertion")] if "assertion" in more else []
    document = {**comment(f"{hub.addresses.image(media.key)}#xywh=10,10,50,50", motivation="supplementing"), "body": body}
    with hub.runtime.db.begin() as session:
        return annotations.create_machine(
            session, document, media=media, run_key=run, kind=kind, addresses=hub.addresses, at=hub.runtime.clock(), **more
        ).key


def ruler(hub: Hub, media: Media, value: float) -> str:
    return state(hub, media, "ruler", "ruler", value=value, unit="px/mm")


def say(hub: Hub, who: Person, key: str, verdict: str, version: int = 1, **more: Any) -> Any:
    said = {"annotation": hub.addresses.annotation(key), "version": version, "verdict": verdict, **more}
    return hub.client.post("/api/verdicts", json=said, headers=who.bearer)


def stands(hub: Hub, key: str) -> str:
    with hub.runtime.reads.begin() as session:
        row = session.get(AnnotationRow, key)
        assert row is not None
        return row.state


def right(hub: Hub, media: Media, text: str = "Carex nigra", **more: Any) -> dict[str, Any]:
    return comment(f"{hub.addresses.image(media.key)}#xywh=10,10,50,50", text, motivation="supplementing", **more)


def scale(value: str) -> list[dict[str, str]]:
    return [
        {"type": "TextualBody", "value": "ruler"},
        {"type": "dwc:Assertion", "id": "urn:a", "dwc:assertionValue": value, "dwc:assertionUnit": "px/mm"},
    ]


def test_a_reviewer_accepts_and_takes_it_back_and_the_hint_of_an_annotator_weighs_nothing(hub: Hub, media: Media) -> None:
    key, ana, ben = state(hub, media), person(hub, "ana", "reviewer"), person(hub, "ben", "annotator")
    hint = say(hub, ben, key, "rejected", reason="wrong text")
    assert (hint.status_code, hint.json["state"]) == (201, "unreviewed")
    answer = say(hub, ana, key, "approved", comment="Well read")
    assert (answer.status_code, answer.json["state"], answer.json["counts"]["rule"]) == (201, "accepted", "enough voices")
    assert stands(hub, key) == "accepted"
    said = hub.get(answer.json["id"]).json
    assert said["motivation"] == "assessing"
    assert said["target"] == f"{hub.addresses.annotation(key)}/versions/1"
    assert said["creator"] == {"id": hub.addresses.pid(ana.key), "type": "Person"}
    assert (said["body"][0]["source"], said["body"][1]["value"]) == ("hub:approved", "Well read")
    assert hub.client.delete(f"/api/verdicts/{answer.json['key']}", headers=ben.bearer).status_code == 403
    back = hub.client.delete(f"/api/verdicts/{answer.json['key']}", headers=ana.bearer)
    assert (back.status_code, back.json["state"]) == (200, "unreviewed")
    assert hub.client.delete(f"/api/verdicts/{answer.json['key']}", headers=ana.bearer).status_code == 410
    again = {"path": f"/api/annotations/{answer.json['key']}/restore", "json": {"version": 1}}
    refused = hub.client.post(**again, headers={**ana.bearer, "If-Match": "*"})
    assert (refused.status_code, refused.json["title"]) == (409, "NotReplaced"), "a verdict is given, not restored"
    assert hub.get(answer.json["id"]).status_code == 410
    assert hub.get(f"{answer.json['id']}/versions/1").status_code == 200
    told = hub.get(f"/api/annotations/{key}/history").json
    assert [(one["verdict"], one["role"], bool(one["takenBack"])) for one in told["verdicts"]] == [
        ("approved", "reviewer", True),
        ("rejected", "annotator", False),
    ]


def test_nobody_says_which_state_follows_and_bad_verdicts_leave_nothing(hub: Hub, media: Media) -> None:
    key, ana = state(hub, media), person(hub, "ana", "reviewer", "OTHER")
    cat = person(hub, "cat", "reviewer")
    assert hub.client.post("/api/verdicts", json={}).status_code == 401
    assert say(hub, ana, key, "approved").status_code == 403  # of another collection
    for change, status in (
        ({"state": "accepted"}, 400), ({"verdict": "accepted"}, 400), ({"reason": "because"}, 400), ({"version": 2}, 400),
        ({"version": 0}, 400), ({"annotation": "n1nothing"}, 404), ({"comment": 7}, 400),
        ({"correction": right(hub, media)}, 400),
        ({"verdict": "rejected", "correction": "x"}, 400), ({"verdict": "rejected", "correction": {"target": "x"}}, 400),
    ):  # fmt: skip
        asked = {"annotation": key, "version": 1, "verdict": "approved", **change}
        assert hub.client.post("/api/verdicts", json=asked, headers=cat.bearer).status_code == status, change
    assert hub.client.delete("/api/verdicts/n1nothing", headers=cat.bearer).status_code == 404
    with hub.runtime.reads.begin() as session:
        assert session.scalars(select(VerdictRow)).all() == []
    assert hub.get("/annotations/").json["total"] == 1


def test_the_same_again_is_the_same_verdict_and_another_takes_its_place(hub: Hub, media: Media) -> None:
    key, ana = state(hub, media), person(hub, "ana", "reviewer")
    first = say(hub, ana, key, "approved", clientKey="a")
    for again in (say(hub, ana, key, "approved"), say(hub, ana, key, "rejected", clientKey="a")):
        assert (again.status_code, again.json["key"]) == (200, first.json["key"])
    other = say(hub, ana, key, "rejected")
    assert (other.status_code, other.json["state"]) == (201, "rejected")
    assert other.json["counts"] | {"policy": ""} == {
        "rule": "enough voices", "approved": 0, "rejected": 1, "uncertain": 0, "needed": 1, "policy": "",
    }  # fmt: skip
    assert hub.get(first.json["id"]).status_code == 410


def test_two_disagree_and_a_curator_settles_it(hub: Hub, media: Media) -> None:
    key = state(hub, media)
    ana, ben, cat = person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer"), person(hub, "cat", "curator")
    assert say(hub, ana, key, "approved").json["state"] == "accepted"
    assert say(hub, ben, key, "rejected").json["state"] == "disputed"
    listed = hub.get("/api/proposals?state=disputed").json
    assert [one["key"] for one in listed["items"]] == [key]
    assert listed["items"][0]["reason"]["rule"] == "voices on both sides"
    settled = say(hub, cat, key, "rejected")
    assert (settled.json["state"], settled.json["counts"]["rule"]) == ("rejected", "a curator decided")
    assert hub.get("/api/proposals?state=disputed").json["items"] == []
    assert hub.get("/api/proposals?state=odd").status_code == 400


def test_two_in_the_same_instant_are_both_counted(hub: Hub, media: Media) -> None:
    key, people = state(hub, media), [person(hub, name, "reviewer") for name in ("ana", "ben")]
    together = threading.Barrier(2)

    def judge(who: Person, verdict: str) -> Any:
        together.wait(10)
        return say(Hub(hub.runtime, hub.client.application.test_client(), ""), who, key, verdict)

    with ThreadPoolExecutor(2) as pool:
        given = [pool.submit(judge, who, verdict) for who, verdict in zip(people, ("approved", "rejected"), strict=True)]
        answers = [one.result(30) for one in given]
    assert [one.status_code for one in answers] == [201, 201]
    assert stands(hub, key) == "disputed"
    assert sorted(one.json["state"] for one in answers)[0] in ("accepted", "disputed")
    same = ThreadPoolExecutor(2)
    twice = [same.submit(judge, people[0], "uncertain") for _ in range(2)]
    assert sorted(one.result(30).status_code for one in twice) == [200, 201]


def test_a_correction_is_a_statement_of_ones_own_and_takes_the_place_of_the_machines(hub: Hub, media: Media) -> None:
    key, ana, ben = state(hub, media), person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer")
    machine = hub.get(hub.addresses.annotation(key)).json
    refused = hub.client.put(f"/annotations/{key}", json=machine, headers=person(hub, "cat", "curator").bearer)
    assert refused.status_code == 409
    assert f"{hub.addresses.base}/api/verdicts" in refused.json["detail"]
    own = {**right(hub, media), "generator": {"id": "urn:x", "type": "Software"}, "confidence": 1.0}
    answer = say(hub, ana, key, "rejected", reason="wrong text", correction=own)
    assert (answer.status_code, answer.json["state"]) == (201, "superseded")
    said = hub.get(answer.json["correction"]).json
    assert said["wasRevisionOf"] == f"{hub.addresses.annotation(key)}/versions/1"
    assert said["creator"]["id"] == hub.addresses.pid(ana.key)
    assert not {"generator", "confidence"} & set(said)
    corrected = answer.json["correction"].rpartition("/")[2]
    assert (stands(hub, key), stands(hub, corrected)) == ("superseded", "accepted")
    assert hub.get(hub.addresses.annotation(key)).json == machine  # it stays as it was said
    assert hub.get(f"/api/annotations/{corrected}/history").json["revisionOf"] == hub.addresses.annotation(key)
    assert say(hub, ana, corrected, "approved").status_code == 409  # of one's own
    assert say(hub, ben, corrected, "rejected").json["state"] == "disputed"
    assert stands(hub, key) == "rejected"
    back = hub.client.delete(f"/api/verdicts/{answer.json['key']}", headers=ana.bearer)
    assert (back.json["state"], stands(hub, key)) == ("unreviewed", "unreviewed")
    assert hub.get(answer.json["correction"]).status_code == 410


def test_who_removes_their_account_leaves_no_name_in_what_they_said(hub: Hub, media: Media) -> None:
    key, ana = state(hub, media), add_person(hub.runtime, "ana", "reviewer", name="Anastasia Unmistaken")

    def page() -> str:
        return hub.client.get(f"/specimens/{media.specimen_key}", headers={"Accept": "text/html"}).text

    answer = say(hub, ana, key, "rejected", correction=right(hub, media))
    assert "Said by Anastasia Unmistaken" in page()
    with hub.runtime.db.begin() as session:
        accounts.remove(session, ana.key, at=hub.runtime.clock(), by=Principal.of_system())
    assert f"Said by {PSEUDONYM}" in page()
    assert hub.get(answer.json["correction"]).json["creator"] == {"id": hub.addresses.pid(ana.key), "type": "Person"}
    with hub.runtime.reads.begin() as session:
        tables = ("accounts", "annotations", "annotation_versions", "changes", "verdicts")
        left = "".join(str(session.execute(text(f"SELECT * FROM {table}")).all()) for table in tables)
    assert "Unmistaken" not in left


def test_of_two_corrections_neither_stands_until_one_is_accepted(hub: Hub, media: Media) -> None:
    key, ana, ben = state(hub, media), person(hub, "ana", "reviewer"), person(hub, "ben", "reviewer")
    first = say(hub, ana, key, "rejected", correction=right(hub, media)).json["correction"].rpartition("/")[2]
    second = say(hub, ben, key, "rejected", correction=right(hub, media, "Carex alba")).json["correction"].rpartition("/")[2]
    assert [stands(hub, one) for one in (key, first, second)] == ["rejected", "unreviewed", "unreviewed"]
    say(hub, ana, second, "approved")
    assert [stands(hub, one) for one in (key, first, second)] == ["superseded", "unreviewed", "accepted"]


def test_one_truth_everywhere_after_a_correction(hub: Hub, media: Media) -> None:
    key, ana = state(hub, media), person(hub, "ana", "reviewer")
    measure = ruler(hub, media, 20.0)
    rests = {"type": "dwc:Assertion", "id": "urn:b", "wasDerivedFrom": hub.addresses.annotation(measure)}
    length = state(hub, media, "50 mm", "length", value=50.0, unit="mm", assertion=rests)
    say(hub, ana, length, "approved")
    drain(hub.runtime)
    say(hub, ana, key, "rejected", correction=right(hub, media))
    say(hub, ana, measure, "rejected", correction=right(hub, media, body=scale("10")))
    drain(hub.runtime)
    assert stands(hub, length) == "stale"
    manifest = hub.get(hub.addresses.manifest(media.specimen_key)).json
    canvas = manifest["items"][0]
    assert next(one for one in canvas["service"] if "physicalScale" in one)["physicalScale"] == 0.1
    pages = {one["id"].rpartition("/")[2]: hub.get(one["id"]).json for one in canvas["annotations"]}
    assert set(pages) == {"machine.json", "people.json", "segments.json"}
    (marked,) = (one for one in pages["machine.json"]["items"] if one["id"].endswith(f"/{length}"))
    assert marked["body"][-1]["value"] == "Stale: what it rests on has changed"
    described = hub.get("/annotations/?iris=0&page=first").json["items"]
    assert [one["id"].rpartition("/")[2] for one in described if one.get("hub:reviewState") == "stale"] == [length]
    sent = {**comment(hub.addresses.canvas(media.specimen_key, media.key), "mine"), "hub:reviewState": "accepted"}
    theirs = {"id": "https://hub.example/annotations/n1#state", "type": "TextualBody", "value": "what another hub says"}
    kept = hub.post({**sent, "body": [sent["body"], marked["body"][-1], theirs]}).json
    assert "hub:reviewState" not in kept
    assert theirs in kept["body"], "what another hub says of its own stays"
    assert "Stale" not in str(kept["body"]), "no state is taken from a client"
    assert "rubra" not in str(pages["machine.json"]["items"]) + str(pages["segments.json"]["items"])
    assert "nigra" in str(pages["people.json"]["items"])
    page = hub.client.get(f"/specimens/{media.specimen_key}", headers={"Accept": "text/html"}).text
    assert "Carex nigra" in page
    for words, specimens in (("rubra", 0), ("nigra", 1)):
        assert hub.get(f"/api/search?q={words}").json["total"] == specimens
    assert hub.get("/api/search?pxPerMm=10").json["total"] == 1
    states = {one["key"]: one["state"] for one in hub.get("/api/search?type=annotation&q=Carex").json["items"]}
    assert states[key] == "superseded"
    assert [*states.values()].count("accepted") == 1
    assert hub.get(f"{hub.addresses.search(2, media.specimen_key)}?q=rubra").json["items"] == []
    with hub.runtime.reads.begin() as session:
        assert annotations.scale_of(session, [media.key], by=NOBODY)[media.key].value == 10.0
        assert list(consistency.differences(session, hub.runtime.search)) == []


def test_verdicts_are_on_no_page_of_a_viewer_and_in_no_search(hub: Hub, media: Media) -> None:
    key, ana = state(hub, media), person(hub, "ana", "reviewer")
    answer = say(hub, ana, key, "uncertain", comment="Ambiguissima")
    drain(hub.runtime)
    manifest = hub.get(hub.addresses.manifest(media.specimen_key)).json
    pages = [one["id"] for one in manifest["items"][0]["annotations"]]
    assert [iri.rpartition("/")[2] for iri in pages] == ["machine.json", "segments.json"]
    assert not any("Ambiguissima" in str(hub.get(iri).json) for iri in pages)
    assert hub.get(f"/canvases/{media.key}/annotations/review.json").status_code == 404
    assert hub.get("/api/search?type=all&q=Ambiguissima").json["total"] == 0
    page = hub.client.get(f"/specimens/{media.specimen_key}", headers={"Accept": "text/html"}).text
    assert "Ambiguissima" not in page
    for method in ("PUT", "DELETE"):
        refused = hub.write(method, answer.json["id"], {**hub.get(answer.json["id"]).json})
        assert refused.status_code == 409
    assert hub.get(f"/annotations/?target={hub.addresses.annotation(key)}").json["total"] == 1


def test_a_verdict_is_about_what_stands_and_a_change_of_provenance_keeps_it(hub: Hub, media: Media) -> None:
    ana, ben = person(hub, "ana", "reviewer"), person(hub, "ben", "annotator")
    said = hub.client.post("/annotations/", json=right(hub, media), headers=ben.bearer)
    key = said.json["id"].rpartition("/")[2]
    assert say(hub, ana, key, "approved").json["state"] == "accepted"
    same = hub.client.put(f"/annotations/{key}", json={**said.json, "rights": "http://x.example/"}, headers=ben.bearer)
    assert (same.status_code, stands(hub, key)) == (200, "accepted")
    other = {**same.json, "body": {"type": "TextualBody", "value": "Carex alba"}}
    assert hub.client.put(f"/annotations/{key}", json=other, headers=ben.bearer).status_code == 200
    assert stands(hub, key) == "stale"
    late = say(hub, ana, key, "approved", version=2)
    assert (late.status_code, late.json["title"]) == (412, "VersionPassed")
    assert "version 3 stands" in late.json["detail"]
    assert say(hub, ana, key, "approved", version=3).json["state"] == "accepted"


def test_every_version_names_who_made_it_and_can_be_restored(hub: Hub, media: Media) -> None:
    ana, ben = person(hub, "ana", "annotator"), person(hub, "ben", "annotator")
    first = hub.client.post("/annotations/", json=right(hub, media), headers=ana.bearer)
    key = first.json["id"].rpartition("/")[2]
    changed = {**first.json, "body": {"type": "TextualBody", "value": "Carex alba"}}
    second = hub.client.put(f"/annotations/{key}", json=changed, headers=ana.bearer)

    def restore(version: int, etag: str, who: Person = ana) -> Any:
        headers = {**who.bearer, **({"If-Match": etag} if etag else {})}
        return hub.client.post(f"/api/annotations/{key}/restore", json={"version": version}, headers=headers)

    assert restore(1, "").status_code == 428
    assert restore(1, first.headers["ETag"]).status_code == 412
    assert restore(1, second.headers["ETag"], ben).status_code == 403
    assert restore(9, second.headers["ETag"]).status_code == 404
    third = restore(1, second.headers["ETag"])
    assert (third.status_code, third.json["body"]) == (200, first.json["body"])
    assert hub.client.delete(f"/annotations/{key}", headers=ana.bearer).status_code == 204
    assert restore(4, "*").status_code == 404  # the version that the deletion is
    assert restore(2, "*").json["body"] == changed["body"]
    assert hub.get(f"/annotations/{key}").status_code == 200
    told = hub.get(f"/api/annotations/{key}/history").json
    assert [(one["version"], one["by"], one["deletion"]) for one in told["versions"]] == [
        (5, ana.key, False), (4, ana.key, True), (3, ana.key, False), (2, ana.key, False), (1, ana.key, False),
    ]  # fmt: skip


def test_a_closed_statement_is_judged_and_told_of_only_by_who_sees_it(hub: Hub, media: Media) -> None:
    key, ana, ben = state(hub, media), person(hub, "ana", "curator"), person(hub, "ben", "reviewer", "OTHER")
    say(hub, ana, key, "rejected")
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, media.key, "closed", by=Principal.of_system(), at=hub.runtime.clock())
    for path in (f"/api/annotations/{key}/history", "/api/proposals?state=rejected"):
        seen = hub.client.get(path, headers=ana.bearer)
        assert key in seen.text
        assert key not in hub.client.get(path).text or hub.client.get(path).status_code == 401
        assert hub.client.get(path, headers=ben.bearer).json.get("items", []) == []
    assert say(hub, ben, key, "approved").status_code == 403


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_whoever_judges_or_changes_a_statement_walks_through_no_table(hub: Hub, media: Media) -> None:
    """The verdict on the millionth statement costs what the first one did."""
    key, ana = state(hub, media), person(hub, "ana", "reviewer")
    said = hub.client.post("/annotations/", json=right(hub, media), headers=ana.bearer)
    asked: list[Any] = []
    engine = hub.runtime.database.engine
    event.listen(engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    judged = say(hub, ana, key, "rejected", correction=right(hub, media))
    assert judged.status_code == 201
    changed = {**said.json, "body": {"type": "TextualBody", "value": "Carex alba"}}
    assert hub.client.put(said.json["id"], json=changed, headers=ana.bearer).status_code == 200
    assert hub.get(f"/api/annotations/{key}/history").status_code == 200
    assert hub.client.delete(f"/api/verdicts/{judged.json['key']}", headers=ana.bearer).status_code == 200
    assert hub.client.delete(said.json["id"], headers=ana.bearer).status_code == 204
    questions = {statement: given for statement, given in asked if statement.startswith("SELECT")}
    for statement, step in steps(hub, questions):
        walked = re.match(r"(SCAN|SEARCH) (annotations|annotation_targets|annotation_versions|verdicts)\b(.*)", step)
        assert not walked or re.search(r"\(.*(key|rests_on|remakes)=\?", walked[3]), (statement, step)


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_a_list_of_statements_by_state_begins_where_the_page_does(hub: Hub) -> None:
    asked: list[Any] = []
    event.listen(hub.runtime.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    for path, found in (
        ("/api/proposals?state=stale&after=n", "(state=? AND deleted_at=? AND withdrawn_at=? AND key>?)"),
        ("/api/proposals?kind=label&after=n", "(state=? AND kind=? AND deleted_at=? AND withdrawn_at=? AND key>?)"),
    ):
        asked.clear()
        assert hub.get(path).status_code == 200
        plan = [step for _, step in steps(hub, dict(asked[-1:]))]
        assert found in plan[0], plan
        assert "TEMP B-TREE" not in str(plan)


def steps(hub: Hub, questions: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """How SQLite answers each of the questions."""
    with hub.runtime.database.engine.connect() as connection:
        for statement, given in questions.items():
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given).all():
                yield statement, step[3]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_every_state_is_held_to_its_verdicts_page_by_page(hub: Hub, media: Media) -> None:
    ana = person(hub, "ana", "reviewer")
    keys = [state(hub, media) for _ in range(5)]
    for key in keys[:3]:
        say(hub, ana, key, "rejected", correction=right(hub, media))
    with hub.runtime.db.begin() as session:  # wrong: one that was judged, its correction, and one that nobody has judged
        corrected = select(VerdictRow.correction_key).where(VerdictRow.annotation_key == keys[0])
        wrong = sorted([keys[0], keys[3], *session.scalars(corrected)])
        session.execute(update(AnnotationRow).where(AnnotationRow.key.in_(wrong)).values(state="disputed"))
    found, after, pages = list[str](), "", 0
    with hub.runtime.reads.begin() as session:
        while pages == 0 or after:
            part, after = recount.check(session, after=after, limit=2)
            found += [one.key for one in part]
            pages += 1
    assert found == wrong
    assert pages == 4  # of seven statements


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
def test_states_are_rebuilt_and_compared(hub: Hub, media: Media, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTOTYPE_DATA_DIR", str(hub.runtime.settings.data_dir))
    monkeypatch.setenv("LECTOTYPE_DATABASE_URL", hub.runtime.settings.database_url)
    key, ana = state(hub, media), person(hub, "ana", "reviewer")
    say(hub, ana, key, "rejected", correction=right(hub, media))
    assert CliRunner().invoke(main, ["check-states"]).exit_code == 0
    with hub.runtime.db.begin() as session:
        session.execute(update(AnnotationRow).where(AnnotationRow.key == key).values(state="accepted"))
    found = CliRunner().invoke(main, ["check-states"])
    assert (found.exit_code, f"{key}: stored accepted, derived superseded" in found.output) == (1, True)
    assert CliRunner().invoke(main, ["check-states", "--repair"]).exit_code == 0
    assert stands(hub, key) == "superseded"
    assert CliRunner().invoke(main, ["check-states", "--json"]).exit_code == 0


def test_what_reviewers_decided_is_an_evaluation(hub: Hub, media: Media) -> None:
    ana = person(hub, "ana", "curator")
    good, bad, corrected, open_ = (state(hub, media, word, confidence=0.9) for word in ("one", "two", "three", "four"))
    assert say(hub, ana, good, "approved").status_code in (200, 201)
    assert say(hub, ana, bad, "rejected").status_code in (200, 201)
    assert say(hub, ana, corrected, "rejected", correction=right(hub, media)).status_code in (200, 201)
    with hub.runtime.reads.begin() as session:
        found = {one.unit: one for one in reviewed.outcomes(session, by=Principal.of_operator())}
    assert {key: one.value for key, one in found.items()} == {good: 1.0, bad: 0.0, corrected: 0.0}
    assert open_ not in found
    assert (found[good].kind, found[good].confidence) == ("label", 0.9)
