"""Blobs in a folder: what only a folder has. The suite of all stores is tests/contract/test_blobs.py."""

import io
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from app.runtime.blobs import MARKER, FolderBlobs, StoreAway


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    blobs = FolderBlobs(tmp_path / "blobs")
    blobs.prepare(used=False)
    return blobs


def test_a_stream_that_breaks_and_a_workspace_leave_nothing_in_the_folder(blobs: FolderBlobs) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        blobs.put(Breaking(b"Hello World!"))
    with blobs.workspace() as folder:
        (folder / "scratch").write_bytes(b"half")
    assert not list((blobs.root / "incoming").iterdir())


def test_a_file_is_closed_with_its_last_holder(blobs: FolderBlobs) -> None:
    sha256, _ = blobs.put(io.BytesIO(b"Hello World!"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    file = blobs.file(sha256)
    assert len(list(Path("/proc/self/fd").iterdir())) == before + 1
    read = file.read_at
    del file
    assert read(5, 0) == b"Hello"
    del read
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_what_is_no_blob_is_a_stranger(blobs: FolderBlobs) -> None:
    sha256, _ = blobs.put(io.BytesIO(b"Hello World!"))
    folder = blobs.root / sha256[:2]
    (folder / "notes.txt").touch()
    (folder / ("0" * 64 if sha256[:2] != "00" else "1" * 64)).touch()
    (folder / f"{sha256[:2]}{'f' * 62}").mkdir()
    assert [entry.sha256 for entry in blobs.entries()] == [sha256]
    assert len(list(blobs.strangers())) == 3


def test_a_process_killed_while_it_puts_leaves_no_blob_and_its_leftover_is_swept(blobs: FolderBlobs) -> None:
    putting = subprocess.Popen(
        [sys.executable, "-c", "import sys, pathlib; from app.runtime.blobs import FolderBlobs; "
         f"FolderBlobs(pathlib.Path({str(blobs.root)!r})).put(sys.stdin.buffer)"],
        stdin=subprocess.PIPE, cwd=Path(__file__).resolve().parents[3],
    )  # fmt: skip
    assert putting.stdin is not None
    with putting.stdin as stream:
        stream.write(b"x" * 2_500_000)
        stream.flush()
        incoming = blobs.root / "incoming"
        deadline = time.monotonic() + 20
        while not (incoming.is_dir() and any(file.stat().st_size for file in incoming.iterdir())):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        putting.kill()
        putting.wait()
    assert list(blobs.entries()) == []
    assert blobs.sweep() == 0, "a fresh file may still be written to"
    assert blobs.sweep(older_than=-1) == 1
    assert not list(incoming.iterdir())


def test_a_folder_that_is_not_the_store_is_neither_read_nor_written_to(tmp_path: Path) -> None:
    blobs = FolderBlobs(tmp_path / "disk" / "blobs")
    digest = "0" * 64

    def everything_is_refused() -> None:
        for use in (
            blobs.check,
            blobs.sweep,
            lambda: blobs.prepare(used=True),
            lambda: blobs.put(io.BytesIO(b"Hello World!")),
            lambda: blobs.workspace().__enter__(),
            lambda: blobs.adopt(tmp_path / "file"),
            lambda: blobs.local_path(digest).__enter__(),
            *(partial(read, digest) for read in (blobs.has, blobs.size, blobs.open, blobs.file)),
        ):
            with pytest.raises(StoreAway, match="its disk is not mounted"):
                use()

    (tmp_path / "file").write_bytes(b"Hello World!")
    everything_is_refused()
    assert not (tmp_path / "disk").exists()
    (blobs.root / "incoming").mkdir(parents=True)
    (blobs.root / "incoming" / "of somebody else").touch()
    everything_is_refused()
    assert [path.name for path in blobs.root.rglob("*")] == ["incoming", "of somebody else"]
    blobs.prepare(used=False)
    assert blobs.adopt(tmp_path / "file")[1] == 12


def test_a_folder_of_an_older_release_is_known_by_its_blobs(blobs: FolderBlobs) -> None:
    sha256, _ = blobs.put(io.BytesIO(b"Hello World!"))
    (blobs.root / MARKER).unlink()
    blobs.prepare(used=True)
    blobs.check()
    assert blobs.has(sha256)
    assert list(blobs.strangers()) == []
