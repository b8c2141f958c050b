"""The folder of an export holds whole files only."""

import os
from pathlib import Path

import pytest

from app.export import folder

BASE = "https://hub.example"


def test_an_empty_file_is_written_again(tmp_path: Path) -> None:
    with folder.opened(tmp_path, BASE) as out:
        (tmp_path / "tile.jpg").touch()
        assert not out.has(f"{BASE}/tile.jpg")
        out.write(f"{BASE}/tile.jpg", b"tile")
        assert out.has(f"{BASE}/tile.jpg")


def test_bytes_are_on_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []

    def fsync(handle: int) -> None:
        assert not (tmp_path / "tile.jpg").exists()
        synced.append(os.fstat(handle).st_size)

    monkeypatch.setattr(os, "fsync", fsync)
    with folder.opened(tmp_path, BASE) as out:
        out.write(f"{BASE}/tile.jpg", b"tile")
    assert synced == [len(b"tile")]
    assert (tmp_path / "tile.jpg").read_bytes() == b"tile"
