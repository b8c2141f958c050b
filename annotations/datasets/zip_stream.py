"""A zip whose every byte follows from its entries: names, sizes and CRC-32s, which are known beforehand.

Entries are stored, dated 1980-01-01, with their names in UTF-8; zip64 where a size, an offset or the number of entries asks for
it. There are no data descriptors, so readers that stream accept it. Length, offsets and any range follow by arithmetic; the bytes
of files are read only where they are asked for. APPNOTE.TXT 6.3.10, sections 4.3 to 4.5.
"""

import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

MOST_32, MOST_16 = 0xFFFFFFFF, 0xFFFF
UTF8 = 1 << 11
DATE = 33  # 1980-01-01
PLAIN, WITH_ZIP64 = 20, 45  # version needed to extract
MADE_BY = 3 << 8 | WITH_ZIP64  # Unix
MODE = 0o100644 << 16
READ = 1 << 18  # bytes of a file read at once


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in the archive; `source` is what `Read` knows it by."""

    name: str
    size: int
    crc32: int
    source: str


Entries = Callable[[], Iterable[Entry]]  # the same ones, in the same order, each time
Read = Callable[[str, int, int], bytes]  # source, length, offset


@dataclass(frozen=True, slots=True)
class Shape:
    """Lengths in bytes: of all, and of what stands before the directory."""

    length: int
    directory_at: int
    directory_length: int
    entries: int


def shape(entries: Entries) -> Shape:
    """The lengths, by a pass over the entries."""
    offset = directory = count = 0
    for entry in entries():
        directory += len(_directory_record(entry, offset))
        offset += len(_local_header(entry)) + entry.size
        count += 1
    return Shape(offset + directory + len(_end(count, directory, offset)), offset, directory, count)


def stream(entries: Entries, read: Read, of: Shape, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """The bytes from `start` to before `stop`."""
    end = of.length if stop is None else min(stop, of.length)
    at = 0
    if start < of.directory_at:
        for entry in entries():
            if at >= end:
                return
            header = _local_header(entry)
            yield from _cut(header, at, start, end)
            at += len(header)
            yield from _file(entry, read, max(start - at, 0), min(end - at, entry.size))
            at += entry.size
    at, offset = of.directory_at, 0
    if start < of.directory_at + of.directory_length:
        for entry in entries():
            if at >= end:
                return
            record = _directory_record(entry, offset)
            yield from _cut(record, at, start, end)
            at += len(record)
            offset += len(_local_header(entry)) + entry.size
    tail = _end(of.entries, of.directory_length, of.directory_at)
    yield from _cut(tail, of.directory_at + of.directory_length, start, end)


def _file(entry: Entry, read: Read, begin: int, end: int) -> Iterator[bytes]:
    while begin < end:
        data = read(entry.source, min(READ, end - begin), begin)
        if not data:
            raise EOFError(f"{entry.name} is shorter than it was")
        begin += len(data)
        yield data


def _cut(data: bytes, at: int, start: int, end: int) -> Iterator[bytes]:
    """What of the data, which stands at that place, lies in the range."""
    if part := data[max(start - at, 0) : max(end - at, 0)]:
        yield part


def _local_header(entry: Entry) -> bytes:
    """Section 4.3.7."""
    name, large = entry.name.encode(), entry.size >= MOST_32
    size = MOST_32 if large else entry.size
    extra = struct.pack("<HHQQ", 1, 16, entry.size, entry.size) if large else b""
    version = WITH_ZIP64 if large else PLAIN
    fixed = (0x04034B50, version, UTF8, 0, 0, DATE, entry.crc32, size, size, len(name), len(extra))
    return struct.pack("<IHHHHHIIIHH", *fixed) + name + extra


def _directory_record(entry: Entry, offset: int) -> bytes:
    """Section 4.3.12."""
    name, large, far = entry.name.encode(), entry.size >= MOST_32, offset >= MOST_32
    extra = b""
    if large or far:
        numbers = ([entry.size, entry.size] if large else []) + ([offset] if far else [])
        extra = struct.pack(f"<HH{len(numbers)}Q", 1, 8 * len(numbers), *numbers)
    size = MOST_32 if large else entry.size
    version = WITH_ZIP64 if extra else PLAIN
    fixed = (0x02014B50, MADE_BY, version, UTF8, 0, 0, DATE, entry.crc32, size, size, len(name), len(extra), 0, 0, 0, MODE)
    return struct.pack("<IHHHHHHIIIHHHHHII", *fixed, MOST_32 if far else offset) + name + extra


def _end(count: int, directory: int, at: int) -> bytes:
    """Sections 4.3.14 to 4.3.16."""
    tail = b""
    if count >= MOST_16 or directory >= MOST_32 or at >= MOST_32:
        tail = struct.pack("<IQHHIIQQQQ", 0x06064B50, 44, MADE_BY, WITH_ZIP64, 0, 0, count, count, directory, at)
        tail += struct.pack("<IIQI", 0x07064B50, 0, at + directory, 1)
    shown = min(count, MOST_16)
    return tail + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, shown, shown, min(directory, MOST_32), min(at, MOST_32), 0)
