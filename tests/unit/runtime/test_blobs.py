"""Blobs: whole or absent, whatever happens."""

import hashlib
import io
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.runtime.blobs import FolderBlobs

HELLO = b"Hello World!"
DIGEST = hashlib.sha256(HELLO).hexdigest()


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


def test_what_was_put_comes_back_under_its_digest(blobs: FolderBlobs) -> None:
    assert not blobs.has(DIGEST)
    assert blobs.put(io.BytesIO(HELLO)) == (DIGEST, len(HELLO))
    assert blobs.has(DIGEST)
    with blobs.open(DIGEST) as stream:
        assert stream.read() == HELLO
    assert list(blobs) == [DIGEST]
    blobs.delete(DIGEST)
    blobs.delete(DIGEST)
    assert not blobs.has(DIGEST)
    with pytest.raises(FileNotFoundError):
        blobs.open(DIGEST)


def test_an_adopted_file_is_moved(blobs: FolderBlobs, tmp_path: Path) -> None:
    file = tmp_path / "made"
    file.write_bytes(HELLO)
    assert blobs.adopt(file) == (DIGEST, len(HELLO))
    assert not file.exists()
    assert blobs.path(DIGEST).read_bytes() == HELLO


def test_many_may_put_the_same_at_once(blobs: FolderBlobs) -> None:
    content = os.urandom(3_000_000)
    digest = hashlib.sha256(content).hexdigest()
    seen: list[bool] = []

    def put_and_read() -> None:
        for _ in range(5):
            blobs.put(io.BytesIO(content))
            with blobs.open(digest) as stream:
                seen.append(stream.read() == content)

    threads = [threading.Thread(target=put_and_read) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [True] * 30
    assert list(blobs) == [digest]
    assert not list((blobs.root / "incoming").iterdir())


def test_a_stream_that_breaks_leaves_nothing(blobs: FolderBlobs) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise ConnectionError("gone")
            return super().read(5)

    with pytest.raises(ConnectionError):
        blobs.put(Breaking(HELLO))
    assert list(blobs) == []
    assert not list((blobs.root / "incoming").iterdir())


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
    assert list(blobs) == []
    assert blobs.sweep() == 0, "a fresh file may still be written to"
    assert blobs.sweep(older_than=-1) == 1
    assert not list(incoming.iterdir())
