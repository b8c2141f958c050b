"""What a foreign TIFF holds: which of its directories is the image, and whether there are several, or a camera's raw data."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from iiif.image.errors import RejectedImage
from iiif.image.masters.tiff_pixels import BITS, CIELAB, PHOTOMETRIC, TAGS, Samples, samples_of

KIND, WIDTH, HEIGHT, SUB_DIRECTORIES, DNG_VERSION = 254, 256, 257, 330, 50706
WANTED = frozenset({KIND, WIDTH, HEIGHT, SUB_DIRECTORIES, DNG_VERSION}) | TAGS
CFA, LINEAR_RAW = 32803, 34892
REDUCED, MASK = 1, 4  # bits of NewSubfileType
CODES = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
MAX_VALUES = 64
MAX_DIRECTORIES = 5000
MAX_ENTRIES = 4096
Fields = dict[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Pages:
    """`main` is the directory of the image, counted from 0; `is_raw` tells of a camera's sensor data (DNG, NEF, CR2, ARW…).

    `is_lab` tells of CIE L*a*b* with 8 bits a channel; `samples` of what its pixels are made of.
    """

    main: int
    is_lab: bool
    is_raw: bool
    is_dng: bool
    samples: Samples


def survey(stream: BinaryIO) -> Pages:
    """Look through the directories of a TIFF or BigTIFF.

    Raises:
        RejectedImage: `several-pages`, `unsupported-pixels`, or `not-an-image` where the directories are broken.
    """
    try:
        head = stream.read(16)
        reader = _Reader(stream, head)
        chain = [fields for _, fields in zip(range(MAX_DIRECTORIES), reader.chain(), strict=False)]
        inner = [fields for directory in chain[:8] for fields in reader.inner(directory)]
    except (struct.error, KeyError) as error:
        raise RejectedImage("not-an-image", "The directories of the TIFF are broken.") from error
    if not chain:
        raise RejectedImage("not-an-image", "The TIFF holds no image.")
    photometric = {fields.get(PHOTOMETRIC, (0,))[0] for fields in chain + inner}
    is_dng = any(DNG_VERSION in fields for fields in chain)
    is_raw = is_dng or bool(photometric & {CFA, LINEAR_RAW}) or head[8:10] == b"CR"
    main = 0 if is_raw else _main(chain)
    is_lab = chain[main].get(PHOTOMETRIC) == (CIELAB,) and set(chain[main].get(BITS, ())) == {8}
    return Pages(main, is_lab, is_raw, is_dng, Samples() if is_raw else samples_of(chain[main]))


def _main(chain: list[Fields]) -> int:
    """The first directory of full size. A pyramid's levels are no pages, even where nothing but their sizes says so."""
    full = [number for number, fields in enumerate(chain) if not fields.get(KIND, (0,))[0] & (REDUCED | MASK)]
    if not full:
        return 0
    last, pages = _size(chain[full[0]]), 1
    for number in full[1:]:
        size = _size(chain[number])
        if _is_level_of(size, last):
            last = size
        else:
            pages += 1
    if pages > 1:
        advice = "let each come in as a file of its own (`tiffsplit FILE` takes them apart)"
        raise RejectedImage("several-pages", f"The TIFF holds {pages} pages, and one file is one image here: {advice}.")
    return full[0]


def _size(fields: Fields) -> tuple[int, int]:
    return fields.get(WIDTH, (0,))[0], fields.get(HEIGHT, (0,))[0]


def _is_level_of(size: tuple[int, int], last: tuple[int, int]) -> bool:
    """Whether it is the same picture, at least a third smaller."""
    if min(size) < 1 or size[0] * 1.5 > last[0] or size[1] * 1.5 > last[1]:
        return False
    return abs(size[0] * last[1] / last[0] - size[1]) <= 2 + 0.02 * size[1]


class _Reader:
    """Directories of one file, in its own byte order and kind."""

    def __init__(self, stream: BinaryIO, head: bytes) -> None:
        self._stream = stream
        self._order = {b"II": "<", b"MM": ">"}[head[:2]]
        self._big = struct.unpack_from(self._order + "H", head, 2)[0] == 43
        self._count, self._address = ("Q", "Q") if self._big else ("H", "I")
        self._first: int = struct.unpack_from(self._order + self._address, head, 8 if self._big else 4)[0]

    def chain(self) -> Iterator[Fields]:
        """Directory after directory; one that refers back ends it."""
        at, seen = self._first, set[int]()
        while at and at not in seen:
            seen.add(at)
            fields, at = self._directory(at)
            yield fields

    def inner(self, fields: Fields) -> Iterator[Fields]:
        """The directories that one refers to as its own."""
        for at in fields.get(SUB_DIRECTORIES, ())[:16]:
            yield self._directory(at)[0]

    def _directory(self, at: int) -> tuple[Fields, int]:
        count_bytes, address_bytes = struct.calcsize("=" + self._count), struct.calcsize("=" + self._address)
        entry_bytes = 4 + 2 * address_bytes
        (count,) = struct.unpack(self._order + self._count, self._read(at, count_bytes))
        if count > MAX_ENTRIES:
            raise struct.error("too many fields")
        table = self._read(at + count_bytes, count * entry_bytes + address_bytes)
        fields: Fields = {}
        for start in range(0, count * entry_bytes, entry_bytes):
            tag, kind, number = struct.unpack_from(f"{self._order}HH{self._address}", table, start)
            code = CODES.get(kind)
            if tag in WANTED and code is not None:
                fields[tag] = self._values(code, min(number, MAX_VALUES), table[start + 4 + address_bytes :], address_bytes)
        return fields, struct.unpack_from(self._order + self._address, table, count * entry_bytes)[0]

    def _values(self, code: str, number: int, value: bytes, inline: int) -> tuple[int, ...]:
        size = struct.calcsize("=" + code) * number
        if size > inline:
            value = self._read(struct.unpack_from(self._order + self._address, value)[0], size)
        return struct.unpack_from(f"{self._order}{number}{code}", value) or (0,)

    def _read(self, at: int, size: int) -> bytes:
        try:
            self._stream.seek(at)
        except (ValueError, OverflowError) as error:
            raise struct.error("an address beyond any file") from error
        return self._stream.read(size)
