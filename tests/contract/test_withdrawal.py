"""Statements withdrawn with their run and restored: gone from everywhere, then exactly as before; on both databases."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from annotations import service as annotations
from annotations import withdrawal
from annotations.search import consistency, documents
from app import compose
from app.runtime.principal import NOBODY
from app.runtime.settings import Settings
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from tests import databases
from tests.drain import drain
from tests.sheets import Hub, add_sheet, comment, make_hub

RUN, OTHER = "x1bad", "x1good"


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    url = request.getfixturevalue("migrated_url") if request.param == "postgresql" else ""
    runtime = compose.build(Settings(data_dir=tmp_path / "data", database_url=url, base_url="http://lectotype.test"))
    databases.prepare(runtime)
    yield make_hub(runtime)
    runtime.search.close()
    runtime.database.engine.dispose()


def state(hub: Hub, media: Media, text: str, run_key: str = RUN, kind: str = "label") -> str:
    """A machine's statement on the whole image; its key."""
    runtime = hub.runtime
    document = comment(hub.addresses.canvas(media.specimen_key, media.key), text, motivation="supplementing")
    with runtime.db.begin() as session:
        return annotations.create_machine(
            session, document, media=media, run_key=run_key, kind=kind, addresses=hub.addresses, at=runtime.clock()
        ).key


def withdraw(hub: Hub, run_key: str = RUN, limit: int = 2) -> int:
    """In batches of two, as a job would, until nothing is left; how many."""
    total, at = 0, hub.runtime.clock()
    with hub.runtime.db.begin() as session:
        withdrawal.withdraw(session, run_key, by="ana", reason="the ruler was mirrored", at=at)
    while True:
        with hub.runtime.db.begin() as session:
            done = withdrawal.withdraw_batch(session, run_key, at=at, limit=limit)
        total += done
        if not done:
            drain(hub.runtime)
            return total


def restore(hub: Hub, run_key: str = RUN, limit: int = 2) -> int:
    total = 0
    with hub.runtime.db.begin() as session:
        withdrawal.restore(session, run_key)
    while True:
        with hub.runtime.db.begin() as session:
            done = withdrawal.restore_batch(session, run_key, at=hub.runtime.clock(), limit=limit)
        total += done
        if not done:
            drain(hub.runtime)
            return total


def seen(hub: Hub, specimen: str, media: Media, keys: list[str]) -> dict[str, Any]:
    """What everybody is shown of the statements, wherever they are shown."""
    canvas = f"/canvases/{media.key}/annotations/machine.json"
    paths = [
        f"/iiif/presentation/3/{specimen}/manifest.json",
        canvas,
        "/annotations/?page=first",
        f"/annotations/?target={hub.addresses.canvas(specimen, media.key)}",
        "/api/search?q=rubra&facets=kind",
        f"/search/2/{specimen}?q=rubra",
        f"/search/2/{specimen}/autocomplete?q=rub",
        *(f"/annotations/{key}" for key in keys),
    ]
    answers = {path: hub.client.get(path) for path in paths}
    shown = {path: (one.status_code, one.headers.get("ETag"), one.get_json()) for path, one in answers.items()}
    page = hub.client.get(f"/specimens/{specimen}", headers={"Accept": "text/html"})
    return shown | {"page": (page.status_code, "rubra" in page.text)}


def test_what_is_withdrawn_is_gone_from_everywhere_and_comes_back_exactly_as_it_was(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    keys = [state(hub, media, f"Carex rubra {number}") for number in range(5)]
    kept = state(hub, media, "Quercus robur", run_key=OTHER)
    drain(hub.runtime)
    before = seen(hub, specimen.key, media, [*keys, kept])
    assert before["/api/search?q=rubra&facets=kind"][2]["total"] == 1
    assert before["page"] == (200, True)

    assert withdraw(hub) == 5
    during = seen(hub, specimen.key, media, [*keys, kept])
    assert during["page"] == (200, False)
    canvas, found = f"/canvases/{media.key}/annotations/machine.json", f"/search/2/{specimen.key}?q=rubra"
    assert (len(during[canvas][2]["items"]), during[found][2]["items"]) == (1, [])
    assert during[f"/search/2/{specimen.key}/autocomplete?q=rub"][2]["items"] == []
    assert during["/annotations/?page=first"][2]["partOf"]["total"] == 1
    assert during["/api/search?q=rubra&facets=kind"][2]["total"] == 0
    for key in keys:
        status, _, body = during[f"/annotations/{key}"]
        assert (status, body["withdrawnBy"], body["reason"]) == (410, "ana", "the ruler was mirrored")
        assert body["run"] == hub.addresses.run(RUN)
        assert hub.get(body["lastVersion"]).status_code == 200
    assert during[f"/annotations/{kept}"] == before[f"/annotations/{kept}"]

    assert restore(hub) == 5
    assert seen(hub, specimen.key, media, [*keys, kept]) == before


def test_index_and_database_agree_in_every_state(hub: Hub) -> None:
    _, (media,) = add_sheet(hub.runtime)
    state(hub, media, "Carex rubra")
    for step in (withdraw, restore, withdraw):
        step(hub)
        with hub.runtime.reads.begin() as session:
            assert list(consistency.differences(session, hub.runtime.search)) == []


def test_a_rebuild_that_read_before_the_withdrawal_brings_nothing_back(hub: Hub) -> None:
    _, (media,) = add_sheet(hub.runtime)
    key = state(hub, media, "Carex rubra")
    drain(hub.runtime)
    with hub.runtime.search.rebuild() as fresh:
        with hub.runtime.reads.begin() as session:
            stale = documents.build(session, "annotation", key, hub.addresses)
        withdraw(hub)
        fresh.write([stale])
    assert hub.client.get("/api/search?q=rubra").get_json()["total"] == 0


def test_what_a_person_changed_or_deleted_stays_as_the_person_left_it(hub: Hub) -> None:
    _, (media,) = add_sheet(hub.runtime)
    changed, deleted = state(hub, media, "Carex rubra"), state(hub, media, "Carex rubra")
    document = hub.get(f"/annotations/{changed}").get_json()
    document["body"]["value"] = "Carex nigra"
    assert hub.write("PUT", f"/annotations/{changed}", document).status_code == 200
    assert hub.write("DELETE", f"/annotations/{deleted}").status_code == 204
    assert withdraw(hub) == 0
    assert hub.get(f"/annotations/{changed}").status_code == 200
    assert "deleted" in hub.get(f"/annotations/{deleted}").get_json()
    assert restore(hub) == 0


def test_a_withdrawn_statement_takes_no_changes_and_is_no_target(hub: Hub) -> None:
    _, (media,) = add_sheet(hub.runtime)
    key = state(hub, media, "Carex rubra")
    document = hub.get(f"/annotations/{key}").get_json()
    withdraw(hub)
    assert hub.write("PUT", f"/annotations/{key}", document).status_code == 410
    assert hub.write("DELETE", f"/annotations/{key}").status_code == 410
    assert hub.post(comment(f"{hub.addresses.base}/annotations/{key}")).status_code == 400


def test_the_scale_of_an_image_is_no_withdrawn_one(hub: Hub) -> None:
    _, (media,) = add_sheet(hub.runtime)
    runtime = hub.runtime
    for run_key, value in ((OTHER, 10.0), (RUN, 99.0)):
        document = comment(hub.addresses.canvas(media.specimen_key, media.key), "ruler")
        with runtime.db.begin() as session:
            annotations.create_machine(
                session, document, media=media, run_key=run_key, kind="ruler", value=value, unit="px/mm",
                addresses=hub.addresses, at=runtime.clock(),
            )  # fmt: skip
    withdraw(hub)
    with runtime.reads.begin() as session:
        assert annotations.scale_of(session, [media.key], by=NOBODY)[media.key].value == 10.0


def test_a_batch_takes_few_statements_whatever_it_holds(hub: Hub) -> None:
    """The number of SQL statements of a batch does not grow with the statements in it."""
    counts: list[int] = []
    for number in (3, 30):
        _, (media,) = add_sheet(hub.runtime, f"BR {number}")
        for _ in range(number):
            state(hub, media, "Carex", run_key=f"x1of{number}")
        counts.append(0)
        engine = hub.runtime.database.engine

        def count(*_arguments: object) -> None:
            counts[-1] += 1

        event.listen(engine, "before_cursor_execute", count)
        with hub.runtime.db.begin() as session:
            withdrawal.withdraw_batch(session, f"x1of{number}", at=hub.runtime.clock())
        event.remove(engine, "before_cursor_execute", count)
    assert counts[0] == counts[1] <= 8


def test_a_retraction_that_is_carried_out_late_sets_no_time_back(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    state(hub, media, "Carex rubra")
    with hub.runtime.reads.begin() as session:
        before = catalogue.get_specimen(session, specimen.key)
    with hub.runtime.db.begin() as session:
        withdrawal.withdraw_batch(session, RUN, at=before.updated_at - timedelta(hours=1))
    with hub.runtime.reads.begin() as session:
        after = catalogue.get_specimen(session, specimen.key)
    assert (after.version, after.updated_at) == (before.version + 1, before.updated_at)
