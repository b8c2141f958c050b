"""One suite over every store of blobs, and the whole way of an image through a store that has no paths."""

import ast
import dataclasses
import hashlib
import io
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from werkzeug.test import Client

from app.fsck import Check
from app.runtime import context
from app.runtime.blobs import Blobs, FolderBlobs
from app.runtime.context import Runtime
from app.web import create_app
from app.web.fast_images import FastImages
from iiif.catalogue import service as catalogue
from iiif.image import service as images
from iiif.image.serving import open_images
from tests.live import ROOT
from tests.remote_blobs import RemoteBlobs
from tests.unit.iiif.image.pictures import derived, drawn, file_of

HELLO = b"Hello World!"
DIGEST = hashlib.sha256(HELLO).hexdigest()
NOBODY = "0" * 64


@pytest.fixture(params=["folder", "remote"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    blobs: Blobs = FolderBlobs(tmp_path / "blobs") if request.param == "folder" else RemoteBlobs()
    blobs.prepare(used=False)
    return blobs


def names(blobs: Blobs, prefix: str = "") -> list[str]:
    return sorted(entry.sha256 for entry in blobs.entries(prefix))


def test_what_was_put_comes_back_under_its_digest(blobs: Blobs) -> None:
    assert not blobs.has(DIGEST)
    assert blobs.put(io.BytesIO(HELLO)) == (DIGEST, len(HELLO))
    assert blobs.has(DIGEST)
    assert blobs.size(DIGEST) == len(HELLO)
    with blobs.open(DIGEST) as stream:
        assert stream.read() == HELLO
        stream.seek(6)
        assert stream.read(5) == b"World"
    assert names(blobs) == [DIGEST]


def test_what_was_put_twice_is_there_once_and_deleted_once(blobs: Blobs) -> None:
    for _ in range(2):
        assert blobs.put(io.BytesIO(HELLO)) == (DIGEST, len(HELLO))
    assert blobs.delete(DIGEST)
    assert not blobs.delete(DIGEST)
    assert not blobs.has(DIGEST)
    assert names(blobs) == []


def test_an_empty_blob_is_a_blob(blobs: Blobs) -> None:
    sha256, size = blobs.put(io.BytesIO())
    assert (size, blobs.size(sha256), blobs.file(sha256).size, blobs.file(sha256).read_at(5, 0)) == (0, 0, 0, b"")


def test_a_blob_that_is_not_here_is_not_found(blobs: Blobs) -> None:
    for ask in (blobs.size, blobs.open, blobs.file):
        with pytest.raises(FileNotFoundError):
            ask(NOBODY)
    with pytest.raises(FileNotFoundError), blobs.local_path(NOBODY):
        pass


def test_a_file_is_read_at_any_place_by_many_threads_and_outlives_a_deletion(blobs: Blobs) -> None:
    content = os.urandom(300_000)
    sha256, _ = blobs.put(io.BytesIO(content))
    file = blobs.file(sha256)
    assert file.size == len(content)
    assert file.read_at(10, len(content) - 4) == content[-4:], "fewer where the file ends"
    assert file.read_at(10, len(content) + 4) == b""
    wrong: list[int] = []

    def read(start: int) -> None:
        wrong.extend(at for at in range(start, 290_000, 997) if file.read_at(1000, at) != content[at : at + 1000])

    threads = [threading.Thread(target=read, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    blobs.delete(sha256)
    assert file.read_at(9, 100) == content[100:109]


def test_a_local_path_has_the_bytes_and_a_deletion_or_an_error_inside_does_no_harm(blobs: Blobs) -> None:
    blobs.put(io.BytesIO(HELLO))
    with blobs.local_path(DIGEST) as path:
        assert path.read_bytes() == HELLO
    with pytest.raises(ValueError, match="of the caller"), blobs.local_path(DIGEST):
        raise ValueError("of the caller")
    assert blobs.has(DIGEST)


def test_a_file_of_a_workspace_is_adopted_and_the_rest_of_it_goes(blobs: Blobs) -> None:
    with blobs.workspace() as folder:
        (folder / "made").write_bytes(HELLO)
        (folder / "scratch").write_bytes(b"half")
        assert blobs.adopt(folder / "made") == (DIGEST, len(HELLO))
        assert not (folder / "made").exists()
    assert not folder.exists()
    with blobs.open(DIGEST) as stream:
        assert stream.read() == HELLO
    assert names(blobs) == [DIGEST]


def test_a_stream_that_breaks_leaves_nothing(blobs: Blobs) -> None:
    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise ConnectionError("gone")
            return super().read(5)

    with pytest.raises(ConnectionError):
        blobs.put(Breaking(HELLO))
    assert names(blobs) == []


def test_entries_tell_size_and_time_and_go_by_the_beginning_of_a_name(blobs: Blobs) -> None:
    before = time.time() - 2
    kept = {blobs.put(io.BytesIO(bytes([number]) * number))[0]: number for number in range(1, 20)}
    found = list(blobs.entries())
    assert {entry.sha256: entry.size for entry in found} == kept
    assert all(before < entry.changed_at < time.time() + 2 for entry in found)
    for prefix in {name[:length] for name in kept for length in (1, 2, 5)}:
        assert names(blobs, prefix) == sorted(name for name in kept if name.startswith(prefix))


def test_entries_may_be_deleted_while_they_are_read(blobs: Blobs) -> None:
    for number in range(10):
        blobs.put(io.BytesIO(bytes([number])))
    assert sum(blobs.delete(entry.sha256) for entry in blobs.entries()) == 10
    assert names(blobs) == []


def test_what_came_in_since_is_not_deleted(blobs: Blobs) -> None:
    blobs.put(io.BytesIO(HELLO))
    assert not blobs.delete(DIGEST, unless_changed_since=time.time() - 60)
    assert blobs.has(DIGEST)
    later = time.time() + 60
    assert blobs.delete(DIGEST, unless_changed_since=later)


def test_many_may_put_the_same_at_once(blobs: Blobs) -> None:
    content = os.urandom(1_000_000)
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
    assert names(blobs) == [digest]
    assert blobs.sweep(older_than=-1) == 0


@pytest.fixture
def far(prepared: Runtime) -> Iterator[Runtime]:
    """A hub whose blobs have no paths."""
    runtime = dataclasses.replace(prepared, blobs=RemoteBlobs())
    context.use(runtime)
    yield runtime
    context.use(prepared)


def test_an_image_is_derived_served_analysed_and_checked_in_a_store_without_paths(far: Runtime) -> None:
    assert isinstance(far.blobs, RemoteBlobs)
    pixels = drawn(700, 600)
    media = derived(far, file_of(pixels, "PNG"))
    assert media.state == "ready"
    client = Client(FastImages(create_app(far).wsgi_app, open_images.of(far)))
    copies = far.blobs.copies
    for address in ("full/max/0/default.jpg", "0,0,512,512/512,/0/default.jpg", "256,0,256,256/256,/0/default.jpg",
                    "10,10,333,222/100,/90/gray.png"):  # fmt: skip
        assert client.get(f"/iiif/3/{media.key}/{address}").status_code == 200
    assert far.blobs.copies == copies, "tiles are read where they lie"
    assert (images.load_rgb(far.blobs, media, images.DecodeLimits.of(far.settings)) == pixels).all()
    far.blobs.put(io.BytesIO(b"nobody names me"))
    check = Check(far, deep=True, collect=True, older_than_s=-60)
    assert list(check.findings()) == []
    assert (check.account.images, check.account.orphans) == (1, 1)
    far.blobs.delete(media.sha256)
    assert [finding.fault for finding in Check(far).findings()] == ["lost original"]
    with far.reads.begin() as session:
        assert catalogue.get_media(session, media.key).state == "ready"


def test_only_the_composition_names_an_implementation() -> None:
    """Everybody else knows the port, which tells nobody where a blob lies."""
    named = set()
    for package in ("app", "iiif", "annotations", "analytics", "ontology"):
        for path in (ROOT / package).rglob("*.py"):
            words = {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.alias)}
            if "FolderBlobs" in words:
                named.add(str(path.relative_to(ROOT)))
    assert named == {"app/compose.py"}
