"""Files of the embedded index that are damaged or gone: search says so, everything else works, and reindex heals."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from app.cli import main
from app.runtime.context import Runtime
from app.web import create_app
from tests.drain import drain
from tests.sheets import add_sheet

BROWSER = {"Accept": "text/html"}


def _cut_all(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file() and file.name != "meta.json" and file.stat().st_size:
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])


def _scramble(folder: Path) -> None:
    for file in folder.rglob("*"):
        if file.is_file() and file.name != "meta.json":
            data = bytearray(file.read_bytes())
            data[len(data) // 4 :] = b"\xa5" * (len(data) - len(data) // 4)
            file.write_bytes(data)


def _spoil_meta(folder: Path) -> None:
    (folder / "meta.json").write_text("{")


def _take_files_away(folder: Path) -> None:
    for file in folder.glob("*.*"):
        if file.name != "meta.json":
            file.unlink()


@pytest.mark.parametrize("damage", [_cut_all, _scramble, _spoil_meta, _take_files_away, shutil.rmtree])
def test_a_damaged_index_stops_search_alone_and_reindex_heals(prepared: Runtime, damage: Callable[[Path], None]) -> None:
    specimen, _ = add_sheet(prepared)
    drain(prepared)
    index = prepared.settings.index_dir
    folder = index / (index / "current").read_text().strip()
    prepared.search.close()
    damage(folder)
    client = create_app(prepared).test_client()
    assert client.get("/api/search?q=robur").status_code == 503
    assert client.get(f"/specimens/{specimen.key}", headers=BROWSER).status_code == 200
    home = client.get("/", headers=BROWSER)
    assert (home.status_code, "search does not answer" in home.text) == (200, True)
    ready = client.get("/health/ready")
    assert (ready.status_code, "reindex" in ready.get_json()["checks"]["search"]) == (503, True)
    runner = CliRunner(env=prepared.settings.environment())
    checked = runner.invoke(main, ["check-index"])
    assert (checked.exit_code, type(checked.exception)) == (1, SystemExit)
    assert "reindex" in checked.output
    assert runner.invoke(main, ["reindex"]).exit_code == 0
    assert client.get("/api/search?q=robur").get_json()["total"] == 1
    assert client.get("/health/ready").status_code == 200


def test_an_index_that_is_gone_under_a_running_hub_is_noticed(prepared: Runtime) -> None:
    add_sheet(prepared)
    drain(prepared)
    client = create_app(prepared).test_client()
    assert client.get("/api/search?q=robur").get_json()["total"] == 1
    shutil.rmtree(prepared.settings.index_dir)
    answer = client.get("/api/search?q=robur")
    assert (answer.status_code, "reindex" in json.loads(answer.data)["detail"]) == (503, True)
    ready = client.get("/health/ready")
    assert (ready.status_code, "reindex" in ready.get_json()["checks"]["search"]) == (503, True)
