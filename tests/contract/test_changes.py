"""Every change that somebody asks for records who asked, deletion too; curators read the record, page by page."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from annotations import service as annotations
from app import compose
from app.cli import main
from app.runtime import changes, tokens
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue
from tests import databases
from tests.sheets import Hub, add_sheet, comment, make_hub

SYSTEM = Principal.of_system()


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    more = {} if request.param == "sqlite" else {"database_url": request.getfixturevalue("migrated_url")}
    runtime = compose.build(Settings(data_dir=tmp_path, base_url="http://lectotype.test", **more))
    databases.prepare(runtime)
    yield make_hub(runtime)
    runtime.search.close()
    runtime.database.engine.dispose()


def token(hub: Hub, name: str, role: Any, *collections: str) -> dict[str, str]:
    with hub.runtime.db.begin() as session:
        secret = tokens.create(session, name, hub.runtime.clock(), by=SYSTEM, role=role, collections=collections or ("all",))
    return {"Authorization": f"Bearer {secret}"}


def told(hub: Hub, headers: dict[str, str], query: str = "") -> Any:
    answer = hub.client.get(f"/api/changes?{query}", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "private"
    assert "Authorization" in answer.headers["Vary"]
    return answer.json


def test_every_change_names_who_made_it(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    other, _ = add_sheet(hub.runtime, "BR 2")
    canvas = hub.addresses.canvas(specimen.key, media.key)
    made = hub.post(comment(canvas), Slug="note")
    assert made.status_code == 201
    iri = hub.addresses.annotation("note")
    assert hub.write("PUT", iri, comment(canvas, "better")).status_code == 200
    assert hub.write("DELETE", iri).status_code == 204
    ann = Principal("ann", SYSTEM.grants)
    with hub.runtime.db.begin() as session:
        at = hub.runtime.clock()
        catalogue.set_access(session, media.key, "closed", by=ann, at=at)
        catalogue.depict(session, other.key, media.key, role="detail", by=ann, at=at)
        catalogue.end_depiction(session, other.key, media.key, by=ann, at=at)
        tokens.revoke(session, "test", at, by=ann)
    curator = token(hub, "cora", "curator")
    listed = [(c["by"], c["action"], c["kind"], c["key"], c["version"]) for c in told(hub, curator)["items"]]
    assert listed == [
        ("system", "create", "token", "cora", None),
        ("ann", "revoke", "token", "test", None),
        ("ann", "end depiction", "media", media.key, None),
        ("ann", "depict", "media", media.key, None),
        ("ann", "access", "media", media.key, media.version + 1),
        ("test", "delete", "annotation", "note", 3),
        ("test", "replace", "annotation", "note", 2),
        ("test", "create", "annotation", "note", 1),
        ("system", "create", "token", "test", None),
    ]
    (closing,) = [c for c in told(hub, curator, f"kind=media&key={media.key}")["items"] if c["action"] == "access"]
    assert closing["details"] == {"before": "open", "access": "closed"}
    assert {c["by"] for c in told(hub, curator, "by=ann")["items"]} == {"ann"}


def test_the_record_comes_in_pages(hub: Hub) -> None:
    curator = token(hub, "cora", "curator")
    with hub.runtime.db.begin() as session:
        for number in range(7):
            changes.record(session, SYSTEM, "count", "thing", f"{number}", at=hub.runtime.clock(), said="x" * 600)
    seen: list[str] = []
    address: str | None = "/api/changes?kind=thing&limit=3"
    while address:
        page: Any = hub.client.get(address.removeprefix(hub.addresses.base), headers=curator).json
        assert len(page["items"]) <= 3
        assert all(len(item["details"]["said"]) == changes.LONGEST_DETAIL for item in page["items"])
        seen += [item["key"] for item in page["items"]]
        address = page["next"]
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


def test_only_curators_of_the_whole_hub_read_it(hub: Hub) -> None:
    assert hub.client.get("/api/changes").status_code == 401
    for headers in (token(hub, "rea", "reader"), token(hub, "revi", "reviewer"), token(hub, "of-br", "curator", "BR")):
        assert hub.client.get("/api/changes", headers=headers).status_code == 403
    admin = token(hub, "ada", "administrator")
    assert hub.client.get("/api/changes?key=x", headers=admin).status_code == 400
    assert hub.client.get("/api/changes?before=-1", headers=admin).status_code == 400


def test_a_deletion_is_a_version_without_a_document(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    hub.post(comment(hub.addresses.canvas(specimen.key, media.key)), Slug="note")
    iri = hub.addresses.annotation("note")
    hub.write("DELETE", iri)
    gone = hub.get(f"{iri}/versions/2")
    assert gone.status_code == 410
    body: Any = gone.json
    assert body["lastVersion"] == f"{iri}/versions/1"
    assert hub.get(body["lastVersion"]).status_code == 200
    with hub.runtime.reads.begin() as session:
        row = session.execute(text("SELECT document, stored_by FROM annotation_versions WHERE version = 2")).one()
    assert (row.document, row.stored_by) == (None, "test")


def test_what_a_machine_states_is_not_recorded_one_by_one(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    with hub.runtime.db.begin() as session:
        annotations.create_machine(
            session,
            comment(hub.addresses.canvas(specimen.key, media.key)),
            media=media,
            run_key="x1bcdfghjkmn",
            kind="text",
            addresses=hub.addresses,
            at=hub.runtime.clock(),
        )
    with hub.runtime.reads.begin() as session:
        assert changes.page(session, kind="annotation", limit=10) == ()


def test_the_command_lists_them(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LECTOTYPE_DATA_DIR", str(settings.data_dir))
    run = CliRunner()
    assert run.invoke(main, ["token", "create", "loader", "--role", "reader"]).exit_code == 0
    listed = run.invoke(main, ["changes"])
    assert listed.exit_code == 0
    assert "create token loader, role reader, collections all" in listed.stdout
    (change,) = json.loads(run.invoke(main, ["changes", "--json", "--kind", "token"]).stdout)
    assert change["by"].startswith("operator")
    assert run.invoke(main, ["changes", "--key", "loader"]).exit_code == 2


def test_no_page_of_the_record_is_sorted(prepared: Runtime) -> None:
    """The millionth change costs what the first one did."""
    for where in ("kind = 'x'", "kind = 'x' AND key = 'y'", "by = 'z'", "kind = 'x' AND by = 'z'", "id < 9"):
        with prepared.reads.begin() as session:
            plan = session.execute(
                text(f"EXPLAIN QUERY PLAN SELECT * FROM changes WHERE {where} ORDER BY id DESC LIMIT 51")
            ).all()
        assert "TEMP B-TREE" not in str(plan), (where, plan)
        assert "SEARCH" in str(plan), (where, plan)
        assert str(plan).count("=?") == where.count("="), (where, plan)  # all that is asked is found by the index
