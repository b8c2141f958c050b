"""Annotations of older releases get rows for their targets, read from their documents, alike on SQLite and PostgreSQL."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command

from annotations import laying, service
from annotations.model import About, CanvasBox
from app import migrate
from app.runtime.db import Database, Json, Moment, connect
from app.runtime.outbox import OutboxRow
from app.runtime.principal import NOBODY

AT = datetime(2026, 11, 25, tzinfo=UTC)
BASE = "https://before.example"
SPECIMENS = ("s1bcdfghjkm0", "s1bcdfghjkm1")
IMAGES = ("m1bcdfghjkm0", "m1bcdfghjkm1")
NAMES = ("key", "layer", "media_key", "specimen_key", "etag", "kind", "text", "run_key", "unit")
OLD = sa.table(
    "annotations",
    *map(sa.column, (*NAMES, "version", "x0", "y0", "x1", "y1")),
    *(sa.column(name, Json) for name in ("motivations", "document")),
    *(sa.column(name, Moment) for name in ("created_at", "modified_at", "deleted_at")),
)
ROWS = "SELECT annotation_key, position, kind, key, media_key, specimen_key, x0, y0, x1, y1 FROM annotation_targets"


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """As the first release left it, with two specimens and an image of each."""
    url = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else f"sqlite:///{tmp_path / 'test.db'}"
    database = connect(url)
    with database.engine.begin() as connection:
        command.upgrade(migrate._config(connection), "0002")
        for number, (specimen, image) in enumerate(zip(SPECIMENS, IMAGES, strict=True)):
            connection.execute(
                sa.text(
                    "INSERT INTO specimens (key, version, catalog_number, institution_code, collection_code, scientific_name,"
                    f" interpreted, verbatim, source, created_at, updated_at) VALUES ('{specimen}', 1, 'B {number}', 'B', '', '',"
                    " '{}', '{}', '', '2026-11-25', '2026-11-25')"
                )
            )
            connection.execute(
                sa.text(
                    "INSERT INTO media (key, specimen_key, version, sequence, sha256, byte_size, format, width_px, height_px,"
                    " exif_orientation, icc_profile, file_name, rights, rights_holder, creator, state, state_reason,"
                    f" pyramid_sha256, created_at) VALUES ('{image}', '{specimen}', 1, 1, '{image}', 1, '', 1000, 500, 1, '',"
                    " '', '', '', '', 'ready', '', '', '2026-11-25')"
                )
            )
    yield database
    database.engine.dispose()


def canvas(number: int) -> str:
    return f"{BASE}/iiif/presentation/3/{SPECIMENS[number]}/canvas/{IMAGES[number]}"


def row(key: str, target: Any, place: tuple[str, str] = (IMAGES[0], SPECIMENS[0]), **more: Any) -> dict[str, Any]:
    """An annotation as the first release kept it: with the columns of its first target."""
    corners = dict(zip(("x0", "y0", "x1", "y1"), more.pop("box", (None,) * 4), strict=True))
    plain = dict.fromkeys(NAMES, "") | {"key": key, "layer": "people", "media_key": place[0], "specimen_key": place[1]}
    made = {"version": 1, "created_at": AT, "modified_at": AT, "deleted_at": None, "motivations": []}
    return {**plain, **made, **corners, "document": {"target": target, "id": f"{BASE}/annotations/{key}"}, **more}


def upgraded(database: Database, rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    with database.engine.begin() as connection:
        connection.execute(sa.insert(OLD), rows)
    migrate.upgrade(database)
    with database.engine.begin() as connection:
        found = connection.execute(sa.text(f"{ROWS} ORDER BY annotation_key, position, place")).all()
    return [tuple(one) for one in found]


def fragment(number: int, value: str) -> dict[str, Any]:
    return {"source": canvas(number), "selector": {"type": "FragmentSelector", "value": value}}


def test_every_target_of_every_annotation_gets_its_rows(database: Database) -> None:
    polygon = "<svg xmlns='http://www.w3.org/2000/svg'><polygon points='10,20 110,20 60,80'/></svg>"
    shape = {"source": {"id": canvas(1)}, "selector": {"type": "SvgSelector", "value": polygon}}
    whole, nothing = ("", SPECIMENS[0]), (None,) * 4
    found = upgraded(
        database,
        [
            row("a-found", fragment(0, "xywh=1,2,30,40"), layer="machine", box=(1, 2, 31, 42)),
            row("b-changed", [canvas(0), fragment(1, "xywh=percent:10,10,20,20")], layer="machine", version=2),
            row("c-two", [f"{canvas(0)}#xywh=1,1,5,5", shape], box=(1, 1, 6, 6)),
            row("d-specimen", [f"{BASE}/iiif/presentation/2/{SPECIMENS[0]}/manifest.json", f"ark:/99999/{IMAGES[1]}"], whole),
            row("e-image", f"{BASE}/iiif/3/{IMAGES[0]}", deleted_at=AT),
            row("f-gone", [f"{BASE}/ark:99999/{SPECIMENS[0]}", f"{BASE}/iiif/3/m1zzzzzzzzzz"], whole),
        ],
    )
    first, second = (IMAGES[0], SPECIMENS[0]), (IMAGES[1], SPECIMENS[1])
    assert found == [
        ("a-found", 0, "canvas", IMAGES[0], *first, 1, 2, 31, 42),
        ("b-changed", 0, "canvas", IMAGES[0], *first, *nothing),
        ("b-changed", 1, "canvas", IMAGES[1], *second, 100, 50, 300, 150),
        ("c-two", 0, "canvas", IMAGES[0], *first, 1, 1, 6, 6),
        ("c-two", 1, "canvas", IMAGES[1], *second, 10, 20, 110, 80),
        ("d-specimen", 0, "specimen", SPECIMENS[0], *whole, *nothing),
        ("d-specimen", 1, "image", IMAGES[1], *second, *nothing),
        ("e-image", 0, "image", IMAGES[0], *first, *nothing),
        ("f-gone", 0, "specimen", SPECIMENS[0], *whole, *nothing),
        ("f-gone", 1, "image", "m1zzzzzzzzzz", "", "", *nothing),
    ]
    with database.reads.begin() as session:
        on_second = service.page(session, About(media_key=IMAGES[1]), by=NOBODY, limit=9)
        assert [one.key for one in on_second] == ["b-changed", "c-two", "d-specimen"]


def test_what_is_about_annotations_lies_where_those_lie_however_deep(database: Database) -> None:
    rows = [row("z-first", [f"{canvas(0)}#xywh=1,1,5,5", canvas(1)], box=(1, 1, 6, 6))]
    rows.append(row("y000", f"{BASE}/annotations/z-first"))
    rows += [row(f"y{number:03}", f"{BASE}/annotations/y{number - 1:03}") for number in range(1, 12)]
    found = upgraded(database, rows)
    places = [(IMAGES[0], SPECIMENS[0], 1, 1, 6, 6), (IMAGES[1], SPECIMENS[1], None, None, None, None)]
    for number in range(12):
        assert [one[4:] for one in found if one[0] == f"y{number:03}"] == places
    assert {one[2] for one in found if one[0].startswith("y")} == {"annotation"}


def test_an_annotation_says_of_itself_that_it_lies_where_its_first_target_does(database: Database) -> None:
    moved = (IMAGES[0], SPECIMENS[0])  # where what it is about lay once
    rows = [row("a-first", f"{canvas(1)}#xywh=1,1,5,5", (IMAGES[1], SPECIMENS[1]), box=(1, 1, 6, 6))]
    rows += [row("b-reply", f"{BASE}/annotations/a-first", moved), row("c-answer", f"{BASE}/annotations/b-reply", moved)]
    upgraded(database, rows)
    with database.reads.begin() as session:
        for one in service.page(session, by=NOBODY, limit=9):
            assert (one.media_key, one.specimen_key) == (one.front.media_key, one.front.specimen_key) == (IMAGES[1], SPECIMENS[1])
            assert one.box == one.front.box == CanvasBox(1, 1, 6, 6)


def test_many_annotations_are_read_page_by_page(database: Database) -> None:
    rows = [row(f"n{number:04}", canvas(number % 2), (IMAGES[number % 2], SPECIMENS[number % 2])) for number in range(1234)]
    found = upgraded(database, rows)
    assert [one[0] for one in found] == [one["key"] for one in rows]
    assert {one[3:6] for one in found} == {(IMAGES[0], IMAGES[0], SPECIMENS[0]), (IMAGES[1], IMAGES[1], SPECIMENS[1])}


def test_what_lies_on_each_specimen_of_a_drawer_is_marked_and_laid_again(database: Database) -> None:
    migrate.upgrade(database, "0014")
    with database.engine.begin() as connection:
        shown = "INSERT INTO depictions (specimen_key, media_key, sequence, role) VALUES"
        connection.execute(sa.text(f"{shown} ('{SPECIMENS[1]}', '{IMAGES[0]}', 2, '')"))
        document = {"@context": "http://www.w3.org/ns/anno.jsonld", "type": "Annotation", "target": canvas(0)}
        columns = "annotation_key, position, place, kind, key, version, media_key, specimen_key, x0, y0, x1, y1"
        for key, corners in (("a-whole", "NULL, NULL, NULL, NULL"), ("b-part", "1, 1, 9, 9")):
            connection.execute(sa.insert(OLD), [{**row(key, canvas(0)), "document": {**document, "id": key}}])
            for place, specimen in enumerate(SPECIMENS):
                said = f"'{key}', 0, {place}, 'canvas', '{IMAGES[0]}', 0, '{IMAGES[0]}', '{specimen}', {corners}"
                connection.execute(sa.text(f"INSERT INTO annotation_targets ({columns}) VALUES ({said})"))
    migrate.upgrade(database)
    with database.sessions.begin() as session:
        jobs = session.scalars(sa.select(OutboxRow).where(OutboxRow.name == "depictions_changed")).all()
        assert [job.payload for job in jobs] == [{"media_key": IMAGES[0]}]
        for _ in range(2):  # before and after it is laid again
            for specimen in SPECIMENS:
                assert service.count(session, About(specimen_key=specimen), by=NOBODY) == 2
            laying.lay_again(session, IMAGES[0], after="", at=AT)
        rows = session.execute(sa.text("SELECT annotation_key, specimen_key, whole FROM annotation_targets ORDER BY 1")).all()
        assert [tuple(one) for one in rows] == [("a-whole", SPECIMENS[0], True), ("b-part", SPECIMENS[0], False)]
