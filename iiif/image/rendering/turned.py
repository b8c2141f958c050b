"""Pictures that are turned, by way of a temporary file: what comes first then is what was read last.

A turn by quarters takes bands in and gives bands out. Of one by 90 or 270 degrees the columns that become a band lie together
in the file, so that each band is read in one piece.
"""

import ctypes
import os
import tempfile
from collections.abc import Iterator
from typing import IO

import numpy as np
import pyvips
from numpy.typing import NDArray

COLOURS = 3
Pixels = NDArray[np.uint8]


def by_quarters(bands: Iterator[Pixels], width: int, height: int, degrees: int, band_px: int) -> Iterator[Pixels]:
    """The picture of these bands (rows, width, 3), turned clockwise by 90, 180 or 270 degrees, in bands of `band_px` rows, of
    which the last may have fewer. The bands are taken at once, so that whatever they are made of can be let go."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by what reads it
    if degrees == 180:
        _write(file, bands)
    else:
        _write_columns(file, bands, range(0, width, band_px), height, degrees)
    give_back()
    return _half(file, width, height, band_px) if degrees == 180 else _quarter(file, width, height, degrees, band_px)


def kept(bands: Iterator[Pixels], width: int, height: int) -> pyvips.Image:
    """An image whose pixels lie in a file that is gone with it, and may be asked for in any order."""
    with tempfile.NamedTemporaryFile() as file:
        _write(file, bands)
        return pyvips.Image.rawload(file.name, width, height, COLOURS).copy(interpretation="srgb")


def _write(file: IO[bytes], bands: Iterator[Pixels]) -> None:
    for band in bands:
        file.write(np.ascontiguousarray(band).data)
    file.flush()


def _write_columns(file: IO[bytes], bands: Iterator[Pixels], starts: range, height: int, degrees: int) -> None:
    """`starts` are those of the columns of each band that comes out: from the left, for 270 degrees from the right."""
    y = 0
    for band in bands:
        towards = band if degrees == 90 else band[:, ::-1]
        for start in starts:
            columns = np.ascontiguousarray(towards[:, start : start + starts.step])
            file.seek((start * height + y * columns.shape[1]) * COLOURS)
            file.write(columns.data)
        y += len(band)
    file.flush()


def _half(file: IO[bytes], width: int, height: int, band_px: int) -> Iterator[Pixels]:
    with file:
        for y in range(0, height, band_px):
            rows = min(band_px, height - y)
            yield _read(file, (height - y - rows) * width * COLOURS, (rows, width))[::-1, ::-1]


def _quarter(file: IO[bytes], width: int, height: int, degrees: int, band_px: int) -> Iterator[Pixels]:
    with file:
        for start in range(0, width, band_px):
            columns = _read(file, start * height * COLOURS, (height, min(band_px, width - start))).transpose(1, 0, 2)
            yield columns[:, ::-1] if degrees == 90 else columns


def give_back() -> None:
    """Let the system have what was freed (malloc_trim(3), where there is one): what comes next needs other sizes, and both would
    be held."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _read(file: IO[bytes], at: int, shape: tuple[int, int]) -> Pixels:
    """(rows, columns, 3) from that place of the file. Raises OSError where it ends before."""
    size = shape[0] * shape[1] * COLOURS
    data = os.pread(file.fileno(), size, at)
    if len(data) < size:
        raise OSError("The temporary file of a picture ends too early.")
    return np.frombuffer(data, np.uint8).reshape(*shape, COLOURS)
