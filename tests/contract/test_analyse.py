"""Runs asked for, listed, cancelled, retracted and restored: from the command line and over HTTP."""

import json
import secrets
from dataclasses import replace
from typing import Any

import pytest
from click.testing import CliRunner

from analytics import pipelines
from analytics import service as analytics
from app import relay
from app.cli import main
from app.runtime import tokens
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.ingest import service as ingests
from tests.drain import drain
from tests.sheets import Hub, add_sheet, make_hub


@pytest.fixture
def runtime(prepared: Runtime) -> Runtime:
    return prepared


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    made = make_hub(runtime)
    with runtime.db.begin() as session:
        return replace(made, token=tokens.create(session, "ana", runtime.clock(), by=Principal.of_system(), role="curator"))


@pytest.fixture
def lectotype(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command on the test's own data; gives exit status and parsed output."""
    for name, value in runtime.settings.environment().items():
        if name.startswith("LECTOTYPE_"):
            monkeypatch.setenv(name, value)

    def call(*words: str) -> tuple[int, Any]:
        said = CliRunner().invoke(main, [*words, "--json"])
        return said.exit_code, json.loads(said.stdout) if said.exit_code != 1 or said.stdout else said.stderr

    return call


def make_hub_of_annotator(hub: Hub) -> Hub:
    """The same hub, asked by somebody who may only annotate."""
    with hub.runtime.db.begin() as session:
        name = f"annotator {secrets.token_hex(4)}"
        return replace(hub, token=tokens.create(session, name, hub.runtime.clock(), by=Principal.of_system(), role="annotator"))


def ended(runtime: Runtime, *media: Any) -> str:
    """The key of a run over the images that has ended, without a worker."""
    at = runtime.clock()
    with runtime.db.begin() as session:
        by, naan = Principal.of_operator(), runtime.settings.naan
        run = analytics.run_over(session, media, by=by, naan=naan, at=at)
        analytics.cancel(session, run.key, by=by, at=at)
        while analytics.settle_batch(session, run.key, at=at):
            pass
        return run.key


def test_the_images_of_a_specimen_are_one_run_and_the_very_same_is_passed_over(runtime: Runtime, lectotype: Any) -> None:
    specimen, media = add_sheet(runtime, sizes=((400, 600), (300, 200)))
    add_sheet(runtime, "BR 0002")
    status, opened = lectotype("run", "sheet", "--specimen", specimen.key)
    assert (status, opened["state"], opened["tasks"]["waiting"]) == (0, "running", 2)
    assert opened["askedBy"].startswith("operator")
    _, shown = lectotype("runs", "show", opened["key"])
    assert {task["canvas"].rpartition("/")[2] for task in shown["items"]} == {image.key for image in media}
    _, again = lectotype("run", "sheet", "--specimen", specimen.key)
    assert (again["state"], again["tasks"]["skipped"]) == ("completed", 2)
    _, all_the_same = lectotype("run", "sheet", "--specimen", specimen.key, "--again")
    assert all_the_same["tasks"]["waiting"] == 2
    _, listed = lectotype("runs", "--state", "running")
    assert {run["key"] for run in listed["items"]} == {opened["key"], all_the_same["key"]}
    assert lectotype("runs", "--specimen", specimen.key)[1]["total"] == 3


def test_one_image_a_query_or_all(runtime: Runtime, lectotype: Any) -> None:
    _, (image,) = add_sheet(runtime)
    add_sheet(runtime, "BR 0002")
    while relay.update_index(runtime):
        pass
    assert lectotype("run", "sheet", "--media", image.key)[1]["total"] == 1
    _, found = lectotype("run", "sheet", "--query", "robur")
    assert (found["selection"], found["total"], found["tasks"]["skipped"]) == ({"kind": "query", "query": "robur"}, 2, 1)
    assert lectotype("run", "sheet")[1]["total"] == lectotype("run", "sheet", "--all")[1]["total"] == 2
    assert CliRunner().invoke(main, ["run", "sheet", "--all", "--query", "robur"]).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("run", "nothing"),
        ("run", "sheet", "--media", "m1nothing"),
        ("run", "sheet", "--specimen", "s1"),
        ("runs", "show", "x1nothing"),
        ("runs", "cancel", "x1nothing"),
        ("runs", "retract", "x1nothing", "--reason", "x"),
    ],
)
def test_what_is_not_there_ends_with_1_and_opens_nothing(runtime: Runtime, lectotype: Any, words: tuple[str, ...]) -> None:
    status, said = lectotype(*words)
    assert status == 1
    assert "There is no" in said
    assert lectotype("runs")[1]["total"] == 0


def test_a_run_is_cancelled_retracted_and_restored_from_the_command_line(runtime: Runtime, lectotype: Any) -> None:
    add_sheet(runtime)
    _, opened = lectotype("run", "sheet")
    status, said = lectotype("runs", "retract", opened["key"], "--reason", "bad light")
    assert (status, "cancel it first" in said) == (1, True)
    _, cancelled = lectotype("runs", "cancel", opened["key"])
    assert (cancelled["state"], cancelled["tasks"]["cancelled"]) == ("cancelled", 1)
    _, retracted = lectotype("runs", "retract", opened["key"], "--reason", "bad light")
    assert (retracted["state"], retracted["retractionReason"]) == ("retracted", "bad light")
    assert lectotype("runs", "--state", "retracted")[1]["total"] == 1
    _, restored = lectotype("runs", "restore", opened["key"])
    assert (restored["state"], restored["restoredBy"][:8]) == ("cancelled", "operator")


def test_a_run_is_asked_for_over_http_and_the_workers_list_its_images(hub: Hub) -> None:
    _, (image,) = add_sheet(hub.runtime)
    asked = {"pipeline": "sheet", "selection": {"kind": "images", "media": [hub.addresses.image(image.key)]}, "seed": 3}
    answer = hub.write("POST", "/api/runs", asked, Content_Type="application/json")
    body = answer.get_json()
    assert (answer.status_code, body["state"], body["seed"], body["askedBy"], body["total"]) == (202, "running", 3, "ana", 0)
    assert answer.headers["Location"] == body["id"]
    drain(hub.runtime, may_fail=True)
    ended = hub.get(body["id"]).get_json()
    assert (ended["total"], ended["media"]) == (1, hub.addresses.image(image.key))
    assert hub.get("/api/runs?media=" + image.key).get_json()["total"] == 1


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ([], 400),
        ({}, 400),
        ({"selection": {"kind": "ingest"}}, 400),
        ({"selection": {"kind": "images"}}, 400),
        ({"selection": {"kind": "images", "media": "m1"}}, 400),
        ({"selection": {"kind": "images", "media": [str(n) for n in range(1001)]}}, 400),
        ({"selection": {"kind": "images", "media": ["m1nothing"]}}, 404),
        ({"selection": {"kind": "all", "query": "x"}}, 400),
        ({"selection": {"kind": "query", "query": "a" * 1001}}, 400),
        ({"selection": {"kind": "query", "query": 7}}, 400),
        ({"selection": {"kind": "all"}, "seed": True}, 400),
        ({"selection": {"kind": "all"}, "seed": -1}, 400),
        ({"selection": {"kind": "all"}, "again": "yes"}, 400),
        ({"selection": {"kind": "all"}, "colour": 1}, 400),
        ({"selection": {"kind": "all"}, "pipeline": "nothing"}, 404),
    ],
)
def test_a_run_that_cannot_be_is_refused_and_leaves_nothing(hub: Hub, asked: Any, status: int) -> None:
    answer = hub.write("POST", "/api/runs", asked, Content_Type="application/json")
    assert answer.status_code == status
    assert answer.get_json()["detail"]
    assert hub.get("/api/runs").get_json()["total"] == 0


def test_runs_are_changed_over_http_with_the_right_alone(hub: Hub) -> None:
    _, media = add_sheet(hub.runtime)
    key = ended(hub.runtime, *media)
    for path in ("/api/runs", f"/api/runs/{key}/cancel", f"/api/runs/{key}/retract", f"/api/runs/{key}/restore"):
        assert hub.client.post(path, json={}).status_code == 401
        assert make_hub_of_annotator(hub).write("POST", path, {}, Content_Type="application/json").status_code == 403
    json_type = {"Content_Type": "application/json"}
    assert hub.write("POST", f"/api/runs/{key}/cancel", **json_type).status_code == 409
    assert hub.write("POST", f"/api/runs/{key}/restore", **json_type).status_code == 409
    assert hub.write("POST", f"/api/runs/{key}/retract", {"reason": ""}, **json_type).status_code == 400
    assert hub.write("POST", f"/api/runs/{key}/retract", {"reason": "x" * 2001}, **json_type).status_code == 400
    retracted = hub.write("POST", f"/api/runs/{key}/retract", {"reason": "bad light"}, **json_type)
    assert (retracted.status_code, retracted.get_json()["underWay"]) == (202, "withdrawing")
    drain(hub.runtime)
    assert "underWay" not in hub.get(f"/api/runs/{key}").get_json()
    assert hub.get("/api/runs?state=retracted").get_json()["total"] == 1
    page = hub.client.get(f"/runs/{key}", headers={"Accept": "text/html"}).text
    assert "Retracted by ana" in page
    assert "bad light" in page
    restored = hub.write("POST", f"/api/runs/{key}/restore", **json_type).get_json()
    assert (restored["state"], restored["restoredBy"]) == ("cancelled", "ana")


def test_tasks_are_paged_by_key_and_narrowed_by_state(hub: Hub) -> None:
    _, media = add_sheet(hub.runtime, sizes=((40, 60),) * 5)
    key = ended(hub.runtime, *media)
    seen, path = [], f"/api/runs/{key}/tasks?limit=2&state=cancelled"
    while path:
        body = hub.get(path).get_json()
        assert body["total"] == 5
        seen += [task["canvas"].rpartition("/")[2] for task in body["items"]]
        path = body.get("next", "")
    assert seen == sorted(image.key for image in media)
    assert hub.get(f"/api/runs/{key}/tasks?state=failed").get_json() == {"total": 0, "items": []}
    assert hub.get(f"/api/runs/{key}/tasks?state=odd").status_code == 400
    assert hub.get("/api/runs/x1nothing/tasks").status_code == 404
    assert media[0].file_name in hub.client.get(f"/runs/{key}?state=cancelled", headers={"Accept": "text/html"}).text
    one = hub.client.get(f"/runs/{key}?media={media[0].key}", headers={"Accept": "text/html"}).text
    assert one.count('<th scope="row">') == len(pipelines.load("sheet").steps)
    assert hub.client.get(f"/runs/{key}?media=m1nothing").status_code == 404
    specimen = hub.client.get(f"/specimens/{media[0].specimen_key}", headers={"Accept": "text/html"}).text
    assert f"/runs/{key}?media={media[0].key}" in specimen


def test_an_ingest_answers_at_its_own_address_and_at_the_old_one(hub: Hub) -> None:
    with hub.runtime.db.begin() as session:
        ingest = ingests.begin(
            session,
            ["sheets"],
            by=Principal.of_operator(),
            code_version="1",
            environment={},
            naan=hub.runtime.settings.naan,
            at=hub.runtime.clock(),
        )
    own, old = hub.get(f"/api/ingests/{ingest.key}").get_json(), hub.get(f"/api/runs/{ingest.key}").get_json()
    assert (own["id"], old["ingest"], old["id"]) == (own["id"], own["id"], hub.addresses.run(ingest.key))
    assert (own["sources"], old["parameters"]["sources"], old["kind"]) == (["sheets"], ["sheets"], "ingest")
    assert [one["key"] for one in hub.get("/api/ingests?state=running").get_json()["items"]] == [ingest.key]
    assert [one["key"] for one in hub.get("/api/runs?kind=ingest").get_json()["items"]] == [ingest.key]
    assert hub.get("/api/ingests?state=odd").status_code == 400
    assert hub.get("/api/ingests/j1nothing").status_code == hub.get("/runs/j1nothing").status_code == 404
    assert hub.client.get(f"/runs/{ingest.key}", headers={"Accept": "text/html"}).status_code == 200
