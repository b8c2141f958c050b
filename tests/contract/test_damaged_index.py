"""A search index of the embedded engine that is damaged or gone: search says so, all else goes on, `reindex` heals."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import compose
from app.runtime.context import Runtime
from app.runtime.settings import Settings
from iiif.catalogue.model import Media
from tests import live
from tests.drain import drain
from tests.live import ROOT, Live
from tests.services import wait_until
from tests.unit.iiif.image.pictures import derived, drawn, file_of

pytestmark = pytest.mark.slow
Damage = Callable[[Path], None]


def garbled(folder: Path) -> None:
    """Every file of it is overwritten from its middle on."""
    for path in folder.rglob("*"):
        if path.is_file():
            size = path.stat().st_size
            with path.open("r+b") as file:
                file.seek(size // 2)
                file.write(b"\xff" * (size - size // 2))


def cut(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])


def gone(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Live, Media]]:
    with live.web(tmp_path_factory.mktemp("index"), web_processes=1) as server:
        media = derived(server.runtime, file_of(drawn(700, 500)))
        drain(server.runtime)
        yield server, media


def found(server: Live) -> int:
    status, body = server.get("/api/search")
    return int(json.loads(body)["total"]) if status == 200 else -status


def lectotype(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "app.cli", *words]
    return subprocess.run(command, env=settings.environment(), cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("damage", [garbled, cut, gone])
def test_search_alone_is_out_of_order_and_reindex_heals_it(served: tuple[Live, Media], damage: Damage) -> None:
    server, media = served
    settings = server.runtime.settings
    wait_until(lambda: found(server) > 0, "an index", 20)
    damage(settings.index_dir)
    wait_until(lambda: found(server) == -503, "that search notices", 30)
    status, body = server.get("/health/ready")
    assert (status, "index" in json.loads(body)["checks"]["search"]) == (503, True), body
    for path in (
        "/",
        f"/specimens/{media.specimen_key}",
        f"/iiif/3/{media.key}/full/90,/0/default.jpg",
        "/annotations/",
        "/runs",
    ):
        assert server.get(path, Accept="text/html,*/*")[0] in (200, 503 if path == "/" else 200), path
    for words in (("check-index",), ("search", "x"), ("doctor",)):
        done = lectotype(settings, *words)
        assert (done.returncode, "Traceback" in done.stdout + done.stderr) == (1, False), (words, done.stderr)
    healed = lectotype(settings, "reindex")
    assert healed.returncode == 0, healed.stderr
    wait_until(lambda: found(server) > 0, "the index made anew", 20)
    assert server.get("/health/ready")[0] == 200


@pytest.mark.parametrize("damage", [garbled, cut])
def test_a_hub_starts_on_a_damaged_index(tmp_path: Path, damage: Damage) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    runtime: Runtime = compose.build(settings)
    compose.prepare(runtime)
    media = derived(runtime, file_of(drawn(300, 200)))
    drain(runtime)
    runtime.search.close()
    runtime.database.engine.dispose()
    damage(settings.index_dir)
    with live.web(tmp_path, web_processes=1) as server:
        assert found(server) == -503
        assert server.get(f"/specimens/{media.specimen_key}")[0] == 200
