"""Files of an export, written in pieces: JSON of any length, lists that are held back on disk until their turn, and folders."""

import io
import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from annotations.exchange.losses import Losses
from annotations.exchange.model import Piece
from app.runtime.errors import Invalid

IN_MEMORY = 4_000_000  # bytes of what is held back, before it goes to disk
CHUNK = 1 << 16


def compact(value: Any) -> str:
    """JSON without blanks, whole numbers without a fraction, every script as itself."""
    return json.dumps(_plain(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def report_of(losses: Losses) -> bytes:
    """`losses.json`."""
    return (json.dumps(losses.to_json(), ensure_ascii=False, indent=1) + "\n").encode()


class HeldBack:
    """Text that is written later than it is made. It goes to disk where it is long."""

    def __init__(self) -> None:
        self._file: IO[bytes] = io.BytesIO()
        self._in_memory = True
        self.rows = 0

    def add(self, text: str) -> None:
        self._file.write(text.encode())
        if self._in_memory and self._file.tell() > IN_MEMORY:
            on_disk = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `pieces`, or with this
            on_disk.write(self._file.getvalue())  # type: ignore[attr-defined]  # it is in memory
            self._file, self._in_memory = on_disk, False
        self.rows += 1

    def add_item(self, text: str) -> None:
        """A further item of a JSON list."""
        self.add(text if not self.rows else f",\n{text}")

    def lines(self) -> Iterator[str]:
        """All of it by lines, once."""
        self._file.seek(0)
        with self._file:
            for line in self._file:
                yield line.decode()

    def pieces(self, name: str) -> Iterator[Piece]:
        """All of it, once."""
        self._file.seek(0)
        with self._file:
            while chunk := self._file.read(CHUNK):
                yield name, chunk


class Sink(io.RawIOBase):
    """A file that a library writes forwards, in pieces: what it has written since it was asked last. Memory stays flat."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._place = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:  # any buffer
        self._parts.append(bytes(data))
        self._place += len(self._parts[-1])
        return len(self._parts[-1])

    def tell(self) -> int:
        return self._place

    def close(self) -> None:
        """Writers close it; what they have written is still to be taken."""

    def taken(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def gathered(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The same in larger pieces."""
    name, size = "", 0
    parts: list[bytes] = []
    for own, data in pieces:
        if own != name or size > CHUNK:
            if name:
                yield name, b"".join(parts)
            name, parts, size = own, [], 0
        parts.append(data)
        size += len(data)
    if name:
        yield name, b"".join(parts)


def to_folder(pieces: Iterable[Piece], folder: Path) -> list[str]:
    """Write them below the folder; the names of the files. Raises Invalid where one would lie outside or stands twice."""
    written: dict[str, None] = {}
    current, file = "", None
    try:
        for name, data in pieces:
            if name != current or file is None:
                if file is not None:
                    file.close()
                if name in written:
                    raise Invalid(f"The export holds {name[:200]!r} twice.")
                file = _create(folder, name)
                current, written[name] = name, None
            file.write(data)
    finally:
        if file is not None:
            file.close()
    return list(written)


def _create(folder: Path, name: str) -> IO[bytes]:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Invalid(f"{name[:200]!r} lies outside the export.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value
