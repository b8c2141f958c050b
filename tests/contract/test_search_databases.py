"""The comparison of database and index needs one order of keys: that of their bytes, on either database."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, insert
from sqlalchemy.orm import Session

from annotations import store as annotation_store
from annotations.search import store
from annotations.store import About
from annotations.tables import AnnotationRow, AnnotationTargetRow
from app.runtime.db import Base, connect
from app.runtime.principal import NOBODY

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
        lambda session: annotation_store.of_specimens(session, ["s1a", "s1b"]),
        lambda session: annotation_store.count(session, About(specimen_key="s1a"), NOBODY),
    ],
    ids=["texts", "statements", "count"],
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
    database.engine.dispose()


def twice(key: object, specimen_key: object) -> list[dict[str, object]]:
    """Two targets of an annotation that lie on the same specimen."""
    plain = {"annotation_key": key, "place": 0, "kind": "specimen", "key": specimen_key, "version": 0, "media_key": ""}
    return [{**plain, "position": position, "specimen_key": specimen_key} for position in (0, 1)]
