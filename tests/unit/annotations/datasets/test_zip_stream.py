"""Zips that are streamed: accepted by readers that are not ours, and the same byte by byte from any place on."""

import io
import shutil
import subprocess
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from annotations.datasets.zip_stream import Entry, shape, stream

FILES = {"a.txt": b"first", "bilder/schädel № 7.jpg": b"\xff\xd8" * 300, "empty": b"", "z/写真.png": b"x" * 70_000}


def entries(files: dict[str, bytes]) -> list[Entry]:
    return [Entry(name, len(data), zlib.crc32(data), name) for name, data in files.items()]


def written(files: dict[str, bytes], start: int = 0, stop: int | None = None) -> bytes:
    found = entries(files)
    return b"".join(
        stream(lambda: found, lambda name, length, at: files[name][at : at + length], shape(lambda: found), start, stop)
    )


def test_python_and_info_zip_read_it(tmp_path: Path) -> None:
    data = written(FILES)
    assert len(data) == shape(lambda: entries(FILES)).length
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {one.filename: archive.read(one) for one in archive.infolist()} == FILES
        assert not any(one.flag_bits & 8 for one in archive.infolist())  # no data descriptor
    if shutil.which("unzip"):
        (tmp_path / "a.zip").write_bytes(data)
        done = subprocess.run(["unzip", "-tq", str(tmp_path / "a.zip")], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@given(some.data())
def test_any_range_is_a_part_of_the_whole(data: some.DataObject) -> None:
    whole = written(FILES)
    start = data.draw(some.integers(0, len(whole)))
    stop = data.draw(some.integers(start, len(whole)))
    assert written(FILES, start, stop) == whole[start:stop]


class Sparse(io.RawIOBase):
    """A zip as a file of which no more is kept than is asked for."""

    def __init__(self, found: list[Entry]) -> None:
        self.found, self.at = found, 0
        self.shape = shape(lambda: found)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = {0: 0, 1: self.at, 2: self.shape.length}[whence] + offset
        return self.at

    def tell(self) -> int:
        return self.at

    def read(self, size: int = -1) -> bytes:
        stop = self.shape.length if size is None or size < 0 else self.at + size
        data = b"".join(stream(lambda: self.found, lambda _s, length, _a: bytes(length), self.shape, self.at, stop))
        self.at += len(data)
        return data


@pytest.mark.parametrize("size", [0xFFFFFFFE, 0xFFFFFFFF, 0x100000000, 5 * 2**30])
def test_entries_about_four_gigabytes_are_told_right(size: int) -> None:
    found = [Entry("large", size, 7, ""), Entry("after", 3, zlib.crc32(b"\0\0\0"), "")]
    with zipfile.ZipFile(Sparse(found)) as archive:  # type: ignore[arg-type]  # it reads as a file does
        assert [(one.filename, one.file_size) for one in archive.infolist()] == [("large", size), ("after", 3)]
        assert archive.read("after") == b"\0\0\0"
        with archive.open("large") as file:
            assert file.read(2) == b"\0\0"


def test_seventy_thousand_entries_are_read() -> None:
    files = {f"images/{number:05}.jpg": b"" for number in range(70_000)}
    with zipfile.ZipFile(io.BytesIO(written(files))) as archive:
        assert archive.namelist() == list(files)
