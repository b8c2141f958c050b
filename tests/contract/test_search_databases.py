"""The comparison of database and index needs one order of keys: that of their bytes, on either database."""

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import event, insert
from sqlalchemy.orm import Session

from annotations import store as annotation_store
from annotations.search import consistency, service, store
from annotations.store import About
from annotations.tables import AnnotationRow, AnnotationTargetRow
from app import compose
from app.runtime import context
from app.runtime.db import Base, connect
from app.runtime.principal import NOBODY
from app.runtime.settings import Settings
from tests import databases
from tests.bench import collection

AT = datetime(2026, 11, 21, tzinfo=UTC)
KEYS = ["n1z", "Bee", "a-b", "a.b", "a_b", "ab", "n1a", "~", "0"]


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    return "sqlite://" if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


def test_annotations_come_in_the_order_of_the_bytes_of_their_keys(database_url: str) -> None:
    database = connect(database_url)
    Base.metadata.create_all(database.engine)
    plain = {"version": 1, "etag": "", "media_key": "", "specimen_key": "", "layer": "people", "motivations": [], "document": {}}
    rows = [{"key": key, **plain, "created_at": AT, "modified_at": AT} for key in KEYS]
    with database.sessions.begin() as session:
        session.execute(insert(AnnotationRow), rows)
    with database.reads.begin() as session:
        assert list(store.annotation_versions(session)) == [(key, 1) for key in sorted(KEYS)]
    database.engine.dispose()


@pytest.mark.parametrize(
    "ask",
    [
        lambda session: store.texts_of_specimens(session, ["s1a", "s1b"], 10, NOBODY),
        lambda session: store.texts_of_specimens(session, ["s1a", "s1b"], 10, NOBODY, among=["n1", "n2"]),
        lambda session: annotation_store.of_specimens(session, ["s1a", "s1b"], ("key", "text")),
        lambda session: annotation_store.count(session, About(specimen_key="s1a"), NOBODY),
    ],
    ids=["texts", "some texts", "statements", "count"],
)
def test_what_lies_on_some_specimens_is_found_by_indexes(database_url: str, ask: Callable[[Session], object]) -> None:
    """A question whose plan walks a table costs more with every record. What is sorted are the rows of these specimens."""
    database = connect(database_url)
    Base.metadata.create_all(database.engine)
    asked: list[tuple[str, tuple[object, ...]]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    with database.reads.begin() as session:
        assert not ask(session)
        if database_url == "sqlite://":
            statement, parameters = asked[-1]
            plan = [row[3] for row in session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)]
            assert {step for step in plan if step.startswith("SCAN")} <= {"SCAN anon_1"}  # the pairs of these specimens
            assert any("annotation_targets" in step and "(specimen_key=?)" in step for step in plan)
            assert [step.rpartition("(")[2] for step in plan if step.startswith("SEARCH annotations ")] == ["key=?)"]
    database.engine.dispose()


def test_texts_come_by_specimen_up_to_the_limit(database_url: str) -> None:
    database = connect(database_url)
    Base.metadata.create_all(database.engine)
    plain = {"version": 1, "etag": "", "media_key": "", "layer": "people", "motivations": [], "document": {}}
    at = {"created_at": AT, "modified_at": AT, "deleted_at": None}
    said = [("n3", "s1a", "three"), ("n1", "s1b", "one"), ("n2", "s1a", "two"), ("n4", "s1a", ""), ("n5", "s1c", "else")]
    rows = [{"key": key, "specimen_key": specimen, "text": text, **plain, **at} for key, specimen, text in said]
    rows.append({"key": "n0", "specimen_key": "s1a", "text": "gone", **plain, **at, "deleted_at": AT})
    with database.sessions.begin() as session:
        session.execute(insert(AnnotationRow), rows)
        session.execute(
            insert(AnnotationTargetRow), [target for row in rows for target in twice(row["key"], row["specimen_key"])]
        )
    with database.reads.begin() as session:
        found = store.texts_of_specimens(session, ["s1a", "s1b"], 10, NOBODY)
        assert found == {"s1a": [("n2", "two"), ("n3", "three")], "s1b": [("n1", "one")]}
        assert store.texts_of_specimens(session, ["s1a", "s1b"], 1, NOBODY) == {"s1a": [("n2", "two")]}
        among = store.texts_of_specimens(session, ["s1a", "s1b"], 10, NOBODY, among=["n3", "n5", "n9"])
        assert among == {"s1a": [("n3", "three")]}
    database.engine.dispose()


def test_a_page_of_hits_costs_the_same_however_many_specimens_there_are(tmp_path: Path) -> None:
    """Counted in steps of the virtual machine of SQLite, which grow with every row and entry of an index that it visits."""
    asked = ("common", "comm*", '"common rare0"')
    few, many = (_steps_of_search(tmp_path / str(number), number, asked) for number in (40, 400))
    for q, least, most in zip(asked, few, many, strict=True):
        assert 100 < least <= most < least * 1.1, q


def _steps_of_search(data_dir: Path, specimens: int, asked: Sequence[str]) -> list[int]:
    runtime = compose.build(Settings(data_dir=data_dir, base_url="http://test.test"))
    databases.prepare(runtime)
    context.use(runtime)
    with runtime.database.engine.begin() as connection:
        collection.fill(connection, specimens, of_each=(1, 5), said="common rare{}")
    with runtime.reads.begin() as session:
        consistency.rebuild(session, runtime.search, runtime.addresses, lambda _: None)
    steps = []
    with runtime.reads.begin() as session:
        for q in asked:
            service.search(session, runtime.search, service.Question(q=q), runtime.addresses)  # what is cached is so in both
            counter = itertools.count()
            raw = session.connection().connection.driver_connection
            assert raw is not None
            raw.set_progress_handler(lambda counter=counter: next(counter) < 0, 1)
            found = service.search(session, runtime.search, service.Question(q=q), runtime.addresses)
            raw.set_progress_handler(None, 1)
            assert found.items
            assert all(item["snippet"] for item in found.items)
            steps.append(next(counter))
    runtime.search.close()
    runtime.database.engine.dispose()
    return steps


def twice(key: object, specimen_key: object) -> list[dict[str, object]]:
    """Two targets of an annotation that lie on the same specimen."""
    plain = {"annotation_key": key, "place": 0, "kind": "specimen", "key": specimen_key, "version": 0, "media_key": ""}
    return [{**plain, "position": position, "specimen_key": specimen_key} for position in (0, 1)]
