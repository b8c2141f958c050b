"""Pictures that tests of the image server draw, and the way they take into a collection."""

import io
import re
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.image.actors import derive_image

ADOBE_RGB = {"r": (0.60974, 0.31111, 0.01947), "g": (0.20528, 0.62567, 0.06087), "b": (0.14919, 0.06322, 0.74457)}  # at D50
ADOBE_GAMMA = 563 / 256


def drawn(width: int, height: int) -> NDArray[np.uint8]:
    """(height, width, 3): soft colours with some edges, so that no two places look alike."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    waves = [127 + 80 * np.sin(x / 37 + y / 91), 127 + 80 * np.sin(y / 53 - x / 211), 127 + 80 * np.cos((x + y) / 67)]
    pixels = np.stack(waves, axis=-1)
    pixels[height // 3 : height // 3 + 9] = 30
    pixels[:, width // 4 : width // 4 + 7] = (200, 180, 90)
    return pixels.clip(0, 255).astype(np.uint8)


def file_of(pixels: NDArray[np.uint8] | Image.Image, format_: str = "JPEG", **options: object) -> bytes:
    """The picture as the bytes of a file."""
    out = BytesIO()
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(pixels)
    image.save(out, format_, **({"quality": 95} if format_ == "JPEG" else {}) | options)
    return out.getvalue()


def enter(runtime: Runtime, data: bytes, name: str = "sheet.jpg") -> Media:
    """A new specimen with that file as its only image, still pending."""
    sha256, size = runtime.blobs.put(BytesIO(data))
    naan, at = runtime.settings.naan, runtime.clock()
    with runtime.db.begin() as session:
        draft = catalogue.SpecimenDraft(sha256[:12], {"catalogNumber": sha256[:12]}, {}, "test")
        specimen = catalogue.add_specimen(session, draft, naan=naan, at=at)
        return catalogue.add_media(session, catalogue.MediaDraft(specimen.key, sha256, size, "", name), naan=naan, at=at)


def derived(runtime: Runtime, data: bytes, name: str = "sheet.jpg") -> Media:
    """The same after the worker has seen it."""
    media = enter(runtime, data, name)
    derive_image.fn(media.key)
    with runtime.reads.begin() as session:
        return catalogue.get_media(session, media.key)


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two pictures of one shape, in decibels."""
    error = float(np.mean((one.astype(float) - other.astype(float)) ** 2))
    return 99.0 if error == 0 else 10 * np.log10(255**2 / error)


def adobe_rgb_profile() -> bytes:
    """An ICC 2.1 matrix profile with the primaries and the gamma of Adobe RGB (1998)."""
    return icc_profile("Adobe RGB (1998)", tuple(ADOBE_RGB.values()), ADOBE_GAMMA)


def icc_profile(name: str, primaries: tuple[tuple[float, float, float], ...], gamma: float) -> bytes:
    """An ICC 2.1 profile with one gamma: of RGB by the XYZ of its primaries at D50, of grey where there are none."""
    text = name.encode() + b"\0"
    description = b"desc" + struct.pack(">II", 0, len(text)) + text + bytes(78)
    tags = {b"desc": description, b"cprt": b"text" + bytes(4) + b"none\0", b"wtpt": _xyz(0.9642, 1.0, 0.8249)}
    curve = b"curv" + struct.pack(">IIHxx", 0, 1, round(gamma * 256))
    for letter, primary in zip("rgb", primaries, strict=False):
        tags |= {f"{letter}XYZ".encode(): _xyz(*primary), f"{letter}TRC".encode(): curve}
    tags |= {} if primaries else {b"kTRC": curve}
    place, table, body = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for signature, data in tags.items():
        table += signature + struct.pack(">II", place + len(body), len(data))
        body += data.ljust(-(-len(data) // 4) * 4, b"\0")
    length = place + len(body)
    white = struct.pack(">iii", 63190, 65536, 54061)
    space = b"RGB " if primaries else b"GRAY"
    head = struct.pack(">I4sI", length, b"none", 0x02100000) + b"mntr" + space + b"XYZ " + bytes(12) + b"acsp" + bytes(28) + white
    return head.ljust(128, b"\0") + table + body


def adobe_rgb_as_srgb(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What Adobe RGB numbers look like in sRGB, by the definitions of both."""
    linear = (pixels / 255.0) ** ADOBE_GAMMA
    xyz = linear @ np.array(list(ADOBE_RGB.values()))
    to_srgb = np.array(
        [[3.1338561, -1.6168667, -0.4906146], [-0.9787684, 1.9161415, 0.0334540], [0.0719453, -0.2289914, 1.4052427]]
    )
    srgb = (xyz @ to_srgb.T).clip(0, 1)
    curved = np.where(srgb <= 0.0031308, 12.92 * srgb, 1.055 * srgb ** (1 / 2.4) - 0.055)
    return (curved * 255).round().astype(np.uint8)


def _xyz(x: float, y: float, z: float) -> bytes:
    return b"XYZ " + struct.pack(">Iiii", 0, *(round(value * 65536) for value in (x, y, z)))


def stored_level(path: Path, number: int) -> np.ndarray:
    """(height, width, 3): a level of a derivative as any zip reader and JPEG decoder see it."""
    rows: dict[int, dict[int, np.ndarray]] = {}
    with zipfile.ZipFile(path) as members:
        for name in members.namelist():
            found = re.fullmatch(rf"{1 << number}/(\d+)_(\d+)\.jpg", name)
            if found is not None:
                tile = np.asarray(Image.open(io.BytesIO(members.read(name))).convert("RGB"))
                rows.setdefault(int(found[2]), {})[int(found[1])] = tile
    return np.vstack([np.hstack([tiles[column] for column in sorted(tiles)]) for _, tiles in sorted(rows.items())])
