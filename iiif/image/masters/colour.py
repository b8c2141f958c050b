"""From the colours of a master to sRGB: by its ICC profile, or by what its numbers are said to be. Decoding child only."""

import struct
from typing import Any

import pyvips

from iiif.image.errors import RejectedImage

SRGB_NAMES = frozenset({"sRGB", "sRGB built-in", "sRGB IEC61966-2.1", "sRGB IEC61966-2-1 black scaled"})
UNREADABLE = "unreadable"
INTENT: dict[str, Any] = {"intent": "relative", "black_point_compensation": True}
PROFILE = "icc-profile-data"
INTEROPERABILITY = "exif-ifd4-InteroperabilityIndex"
D50 = (0.9642, 1.0, 0.8249)
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))  # XYZ at D50
LAB = ("lab", "labs")
KINDS = {
    "float": "32-bit floating-point numbers",
    "double": "64-bit floating-point numbers",
    "int": "32-bit integers",
    "uint": "32-bit integers",
    "short": "integers that may be negative",
    "char": "integers that may be negative",
    "complex": "complex numbers",
    "dpcomplex": "complex numbers",
}
MAX_NAME = 255


def to_srgb(image: pyvips.Image) -> pyvips.Image:
    """Three bands of 8 bit sRGB, alpha flattened on white.

    Relative colorimetric with black point compensation, as browsers and Photoshop do. CMYK without a profile is taken for
    that of libvips; a profile that does not fit is left out. Raises RejectedImage for numbers that are no colours.
    """
    image = _readable(image)
    if image.hasalpha():
        alpha = image[image.bands - 1]
        alpha = (alpha >> 8 if alpha.format == "ushort" else alpha).cast("uchar")
        colours = _converted(_tagged(image[0 : image.bands - 1] if image.bands > 2 else image[0]))
        image = colours.bandjoin(alpha).flatten(background=[255, 255, 255])
    else:
        image = _converted(_tagged(image))
    if image.bands != 3:
        image = image[0].bandjoin([image[0], image[0]]) if image.bands < 3 else image[0:3]
    return image.copy(interpretation="srgb")


def check(image: pyvips.Image) -> None:
    """Raises RejectedImage for numbers that are no colours; nothing is decoded."""
    _readable(image)


def profile_name(image: pyvips.Image) -> str:
    """The profile's own name; empty where there is none, nor a camera that says which it means."""
    image = _tagged(image)
    return name_of(image.get(PROFILE)) if image.get_typeof(PROFILE) else ""


def name_of(profile: bytes) -> str:
    """The `desc` tag of an ICC profile of version 2 or 4 (ICC.1, section 9.2.41)."""
    try:
        if profile[36:40] != b"acsp":
            return UNREADABLE
        (count,) = struct.unpack_from(">I", profile, 128)
        for number in range(min(count, 200)):
            tag, at, length = struct.unpack_from(">4sII", profile, 132 + 12 * number)
            if tag == b"desc":
                return _text(profile[at : at + length])
    except (struct.error, UnicodeDecodeError):
        pass
    return UNREADABLE


def adobe_rgb() -> bytes:
    """An ICC profile of Adobe RGB (1998), by the definition of its primaries and its gamma of 563/256."""
    return matrix_profile("Adobe RGB (1998)", ADOBE, 563 / 256)


def matrix_profile(title: str, primaries: tuple[tuple[float, float, float], ...], gamma: float) -> bytes:
    """An ICC 2.1 profile of RGB with one gamma, by the XYZ of its primaries at D50."""
    name = title.encode() + b"\0"
    text = b"desc" + struct.pack(">II", 0, len(name)) + name + bytes(78)
    curve = b"curv" + struct.pack(">IIHxx", 0, 1, round(gamma * 256))
    tags = {b"desc": text, b"cprt": b"text" + bytes(4) + b"public domain\0", b"wtpt": _xyz(D50)}
    tags |= {b"%cXYZ" % letter: _xyz(primary) for letter, primary in zip(b"rgb", primaries, strict=True)}
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    place, table, body = 132 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for signature, data in tags.items():
        table += signature + struct.pack(">II", place + len(body), len(data))
        body += data.ljust(-(-len(data) // 4) * 4, b"\0")
    head = struct.pack(">I4xI", place + len(body), 0x02100000) + b"mntrRGB XYZ " + bytes(12) + b"acsp" + bytes(28)
    return (head + _xyz(D50)[8:]).ljust(128, b"\0") + table + body


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65_536) for value in values))


def _tagged(image: pyvips.Image) -> pyvips.Image:
    """With the profile of Adobe RGB where a camera embeds none, but names it as DCF 2.0 has it (R03, section 4.3)."""
    said = image.get(INTEROPERABILITY) if image.get_typeof(INTEROPERABILITY) else ""
    if image.get_typeof(PROFILE) or not said.startswith("R03") or image.bands < 3 or image.interpretation == "cmyk":
        return image
    return with_profile(image, adobe_rgb())


def three_bands(image: pyvips.Image) -> pyvips.Image:
    """Grey as RGB, alpha as it is."""
    if image.bands > 2:
        return image
    grey, alpha = image[0], [image[1]] if image.bands == 2 else []
    return grey.bandjoin([grey, grey, *alpha]).copy(interpretation="rgb16" if image.format == "ushort" else "srgb")


def with_profile(image: pyvips.Image, profile: bytes) -> pyvips.Image:
    """The same pixels, said to be of that ICC profile."""
    image = image.copy()
    image.set_type(pyvips.GValue.blob_type, PROFILE, profile)
    return image


def _text(data: bytes) -> str:
    if data[:4] == b"mluc":
        length, at = struct.unpack_from(">II", data, 20)
        text = data[at : at + length].decode("utf-16-be")
    else:
        (length,) = struct.unpack_from(">I", data, 8)
        text = data[12 : 12 + length].decode("latin-1")
    return "".join(letter for letter in text if letter.isprintable()).strip()[:MAX_NAME] or UNREADABLE


def _readable(image: pyvips.Image) -> pyvips.Image:
    """With an interpretation that says what the bands are."""
    if image.interpretation in LAB:
        return image
    if image.format not in ("uchar", "ushort"):
        kind = KINDS.get(image.format, f"'{image.format}' numbers")
        sentence = f"The pixels are {kind}, which are measures and not colours; save them with 8 or 16 bits a channel."
        raise RejectedImage("unsupported-pixels", sentence)
    if image.interpretation != "multiband" and (image.format == "uchar" or image.interpretation in ("grey16", "rgb16", "cmyk")):
        return image
    grey = image.bands < 3
    if image.format == "uchar":
        return image.copy(interpretation="b-w" if grey else "srgb")
    return image.copy(interpretation="grey16" if grey else "rgb16")


def _converted(image: pyvips.Image) -> pyvips.Image:
    """8 bit sRGB or grey, with alpha if there was any."""
    if image.interpretation in LAB:  # white is D50's here, as in every TIFF that names none, and in ICC itself
        return image.colourspace("lab").icc_export(output_profile="srgb", depth=8, **INTENT)
    cmyk = image.interpretation == "cmyk"
    if cmyk or (image.get_typeof(PROFILE) and profile_name(image) not in SRGB_NAMES | {UNREADABLE}):
        options = {"input_profile": "cmyk"} if cmyk else {}
        try:
            return image.icc_transform("srgb", embedded=True, depth=8, **options, **INTENT)
        except pyvips.Error:  # the profile is broken, or one for another number of channels
            image = image.copy()
            image.remove(PROFILE)
    if image.interpretation == "srgb" and image.format == "uchar":
        return image
    return image.colourspace("srgb")
