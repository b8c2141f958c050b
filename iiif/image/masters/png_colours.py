"""What a PNG without an ICC profile says of its colours (chunks gAMA and cHRM), as a profile. Decoding child only.

PNG, third edition, section 4.3: cICP goes before iCCP, that before sRGB, and that before gAMA and cHRM.
"""

import struct
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from iiif.image.masters import colour

BEFORE = frozenset((b"cICP", b"iCCP", b"sRGB"))
LAST = frozenset((b"PLTE", b"IDAT", b"IEND"))
MAX_CHUNKS = 1000
UNIT = 100_000
LEAST_GAMMA, MOST_GAMMA = 0.1, 10.0  # of decoding; what lies beyond is no gamma of any device
SRGB_CHROMATICITIES = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)  # white, red, green, blue: x and y of each
NEAR = 0.002
SRGB_GAMMA = (2.17, 2.23)  # what writers put down for the curve of sRGB
BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
Matrix = NDArray[np.float64]


def profile(stream: BinaryIO) -> bytes | None:
    """The ICC profile of RGB that its gAMA and cHRM come to; None where they say no more than sRGB, or something goes before
    them."""
    found = _chunks(stream)
    if BEFORE & found.keys() or not {b"gAMA", b"cHRM"} & found.keys():
        return None
    gamma = _gamma(found.get(b"gAMA", b""))
    chromaticities = _chromaticities(found.get(b"cHRM", b""))
    is_srgb = np.allclose(chromaticities, SRGB_CHROMATICITIES, atol=NEAR)
    if is_srgb and (gamma is None or SRGB_GAMMA[0] <= gamma <= SRGB_GAMMA[1]):
        return None
    return colour.matrix_profile("PNG, by its gAMA and cHRM", _at_d50(chromaticities), 2.2 if gamma is None else gamma)


def _chunks(stream: BinaryIO) -> dict[bytes, bytes]:
    """Those before the pixels, by their kind; of long ones no content."""
    found: dict[bytes, bytes] = {}
    stream.seek(8)
    for _ in range(MAX_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            break
        length, kind = struct.unpack(">I4s", head)
        if kind in LAST:
            break
        found.setdefault(kind, stream.read(length) if length <= 32 else b"")
        stream.seek(4 + (length if length > 32 else 0), 1)
    return found


def _gamma(data: bytes) -> float | None:
    """The exponent that leads from samples to light; None where it says none that can be."""
    if len(data) != 4 or not (number := int.from_bytes(data)):
        return None
    gamma = UNIT / number
    return gamma if LEAST_GAMMA <= gamma <= MOST_GAMMA else None


def _chromaticities(data: bytes) -> tuple[float, ...]:
    """Those of sRGB where the chunk is missing, or says what can be no colours."""
    values = tuple(value / UNIT for value in struct.unpack(">8I", data)) if len(data) == 32 else SRGB_CHROMATICITIES
    if any(not 0 < y <= 1 for y in values[1::2]) or any(not 0 <= x <= 1 for x in values[::2]):
        return SRGB_CHROMATICITIES
    return values if abs(np.linalg.det(_xyz_of(values)[:, 1:])) > 1e-3 else SRGB_CHROMATICITIES


def _xyz_of(values: tuple[float, ...]) -> Matrix:
    """(3, 4): XYZ of white, red, green and blue, each with a luminance of 1."""
    pairs = zip(values[::2], values[1::2], strict=True)
    return np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in pairs]).T


def _at_d50(values: tuple[float, ...]) -> tuple[tuple[float, float, float], ...]:
    """XYZ of red, green and blue as they look under D50 (Bradford), which together are white (ICC.1, annex E)."""
    xyz = _xyz_of(values)
    white, primaries = xyz[:, 0], xyz[:, 1:]
    scaled = primaries * np.linalg.solve(primaries, white)
    cones = (BRADFORD @ np.array(colour.D50)) / (BRADFORD @ white)
    adapted = np.linalg.inv(BRADFORD) @ np.diag(cones) @ BRADFORD @ scaled
    return tuple((float(x), float(y), float(z)) for x, y, z in adapted.T)
