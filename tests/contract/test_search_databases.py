"""The comparison of database and index needs one order of keys: that of their bytes, on either database."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from annotations.search import store
from annotations.tables import AnnotationRow
from app.runtime.db import Base, connect

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
