"""One ingest, alike on SQLite and PostgreSQL: hostile text, doubles, and two that run at the same time."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from app import compose
from app.cli.ingest import ingest_paths
from app.runtime.context import Runtime
from app.runtime.settings import Settings
from iiif.catalogue import service
from iiif.ingest.report import IngestReport
from tests import databases


@pytest.fixture(params=["sqlite", "postgresql"])
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    url = request.getfixturevalue("migrated_url") if request.param == "postgresql" else ""
    runtime = compose.build(Settings(data_dir=tmp_path / "data", database_url=url))
    databases.prepare(runtime)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "images"
    path.mkdir()
    for number in range(6):
        Image.effect_noise((40, 30), 20 + number).save(path / f"{number}.jpg")
    rows = [f"{number}.jpg,N{number},Quercus \U0001f33f\0 robur,{'長' * (900 if number == 1 else 1)}" for number in range(5)]
    rows.append(f"5.jpg,N5,{''.join(chr(0x4E00 + 7 * number) for number in range(999))},x")
    (path / "t.csv").write_text("\n".join(["file,catalogNumber,scientificName,locality", *rows]), encoding="utf-8")
    return path


def test_it_adds_the_same_and_then_nothing(hub: Runtime, folder: Path) -> None:
    first, second = ingest_paths(hub, [folder]), ingest_paths(hub, [folder])
    assert (first.specimens_added, first.media_added, first.rejected) == (6, 6, 0)
    assert (second.specimens_added, second.media_added, second.already_here, second.rejected) == (0, 0, 6, 0)
    with hub.reads.begin() as session:
        (specimen,) = service.list_specimens_by_number(session, "N1", limit=5)
    assert len(specimen.interpreted["locality"]) == 900
    assert specimen.scientific_name == "Quercus \U0001f33f robur"


def test_two_at_the_same_time_add_each_thing_once(hub: Runtime, folder: Path) -> None:
    reports: list[IngestReport] = []
    threads = [threading.Thread(target=lambda: reports.append(ingest_paths(hub, [folder]))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reports) == 2
    assert sum(report.specimens_added for report in reports) == 6
    assert sum(report.media_added for report in reports) == 6
    with hub.reads.begin() as session:
        assert service.count_specimens(session) == sum(service.count_media(session).values()) == 6


# NOIMPORT
