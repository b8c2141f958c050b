"""A zip written as a stream: the same pieces give the same bytes on another day, and memory stays flat."""

import zipfile
from collections.abc import Iterable, Iterator

from annotations.exchange.model import Piece
from annotations.exchange.pieces import Sink

DAY = (1980, 1, 1, 0, 0, 0)
PACKED = (".json", ".jsonl", ".csv", ".txt", ".xml", ".yaml", ".html", ".md", ".bib", ".parquet")
READABLE = 0o100644 << 16


def zipped(pieces: Iterable[Piece]) -> Iterator[bytes]:
    """The bytes of the zip; texts are packed, pictures stored."""
    out = Sink()
    with zipfile.ZipFile(out, "w", allowZip64=True) as archive:
        for name, parts in _by_file(pieces):
            with archive.open(_entry(name), "w", force_zip64=True) as file:
                for data in parts:
                    file.write(data)
                    if packed := out.taken():
                        yield packed
            yield out.taken()
    yield out.taken()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, DAY)
    entry.external_attr = READABLE
    entry.compress_type = zipfile.ZIP_DEFLATED if name.lower().endswith(PACKED) else zipfile.ZIP_STORED
    return entry


def _by_file(pieces: Iterable[Piece]) -> Iterator[tuple[str, Iterator[bytes]]]:
    iterator = iter(pieces)
    head = next(iterator, None)
    while head is not None:
        name, rest = head[0], [head]

        def parts(name: str = name, rest: list[Piece] = rest) -> Iterator[bytes]:
            current: Piece | None = rest.pop()
            while current is not None and current[0] == name:
                yield current[1]
                current = next(iterator, None)
            if current is not None:
                rest.append(current)

        yield name, parts()
        head = rest.pop() if rest else None
