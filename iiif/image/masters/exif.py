"""The few facts of a camera that are kept, from the EXIF of a master (CIPA DC-008). Decoding child only."""

import contextlib
import math
import re
import struct
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, BinaryIO

from PIL import Image

from iiif.image.pyramid.camera_facts import MAX_TEXT, CameraFacts

EXIF, GPS, INTEROPERABILITY = 0x8769, 0x8825, 0xA005
MAKE, MODEL, ARTIST, COPYRIGHT = 0x010F, 0x0110, 0x013B, 0x8298
EXPOSURE, F_NUMBER, ISO, TAKEN_AT, OFFSET, FOCAL_LENGTH, LENS = 0x829A, 0x829D, 0x8827, 0x9003, 0x9011, 0x920A, 0xA434
UNREADABLE = (SyntaxError, struct.error, ValueError, TypeError, KeyError, IndexError, OverflowError, EOFError, ArithmeticError)
_DATE = re.compile(r"(\d{4}):([01]\d):([0-3]\d) ([0-2]\d):([0-5]\d):([0-6]\d)", re.ASCII)
_OFFSET = re.compile(r"[+-][01]\d:[0-5]\d", re.ASCII)


def of_block(data: bytes) -> CameraFacts:
    """From an EXIF block as it stands in JPEG, PNG, WebP and AVIF; nothing where it is broken."""
    exif = Image.Exif()
    try:
        exif.load(data)
        return _facts(exif)
    except UNREADABLE:
        return CameraFacts()


def of_tiff(stream: BinaryIO) -> CameraFacts:
    """From the first directory of a TIFF, or of a raw file or DNG built like one."""
    exif = Image.Exif()
    try:
        stream.seek(0)
        exif.bigtiff = stream.read(4) in (b"II+\0", b"MM\0+")
        stream.seek(0)
        exif.load_from_fp(stream)
        return _facts(exif)
    except UNREADABLE:
        return CameraFacts()


def _facts(exif: Image.Exif) -> CameraFacts:
    taken = exif.get_ifd(EXIF)
    place = exif.get_ifd(GPS)
    return CameraFacts(
        taken_at=_moment(taken),
        make=_text(exif.get(MAKE)),
        model=_text(exif.get(MODEL)),
        lens=_text(taken.get(LENS)),
        exposure=_fraction(taken.get(EXPOSURE)),
        f_number=_number(taken.get(F_NUMBER)),
        iso=_whole(taken.get(ISO)),
        focal_length_mm=_number(taken.get(FOCAL_LENGTH)),
        artist=_text(exif.get(ARTIST)),
        copyright=_text(exif.get(COPYRIGHT)),
        latitude=_degrees(place.get(2), place.get(1), "S", 90),
        longitude=_degrees(place.get(4), place.get(3), "W", 180),
    )


def _text(value: Any) -> str:
    """Pillow reads the bytes as Latin-1, where cameras and people often write UTF-8."""
    if not isinstance(value, str):
        return ""
    with contextlib.suppress(UnicodeError):
        value = value.encode("latin-1").decode()
    return "; ".join(part.strip() for part in value.split("\0") if part.strip())[:MAX_TEXT]


def _moment(taken: Mapping[int, Any]) -> str:
    match = _DATE.fullmatch(_text(taken.get(TAKEN_AT)))
    if match is None:
        return ""
    offset = _text(taken.get(OFFSET))
    year, month, day, hour, minute, second = match.groups()
    return f"{year}-{month}-{day}T{hour}:{minute}:{second}" + (offset if _OFFSET.fullmatch(offset) else "")


def _number(value: Any) -> float | None:
    number = None if value is None else float(value)
    return number if number is not None and math.isfinite(number) and 0 < number < 1e6 else None


def _whole(value: Any) -> int | None:
    number = _number(value[0] if isinstance(value, tuple) else value)
    return None if number is None else round(number)


def _fraction(value: Any) -> str:
    number = _number(value)
    return "" if number is None else str(Fraction(number).limit_denominator(100_000))


def _degrees(value: Any, letter: Any, negative: str, most: int) -> float | None:
    """Degrees, minutes and seconds with N, S, E or W."""
    if not isinstance(value, tuple) or len(value) != 3 or not isinstance(letter, str):
        return None
    degrees, minutes, seconds = (float(part) for part in value)
    total = degrees + minutes / 60 + seconds / 3600
    if not 0 <= total <= most:  # neither is "not a number"
        return None
    return round(-total if letter.strip("\0 ").upper() == negative else total, 7)
