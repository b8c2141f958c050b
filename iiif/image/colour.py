"""From the colours of a master to sRGB: by its ICC profile, or by what its numbers are said to be. Decoding child only."""

import struct
from typing import Any

import pyvips

from iiif.catalogue.errors import RejectedImage

SRGB_NAMES = frozenset({"sRGB", "sRGB built-in", "sRGB IEC61966-2.1", "sRGB IEC61966-2-1 black scaled"})
UNREADABLE = "unreadable"
INTENT: dict[str, Any] = {"intent": "relative", "black_point_compensation": True}
PROFILE = "icc-profile-data"
LAB = ("lab", "labs")
MAX_NAME = 255


def to_srgb(image: pyvips.Image) -> pyvips.Image:
    """Three bands of 8 bit sRGB, alpha flattened on white.

    Relative colorimetric with black point compensation, as browsers and Photoshop do. CMYK without a profile is taken for
    that of libvips; a profile that does not fit is left out. Raises RejectedImage for numbers that are no colours.
    """
    image = _converted(_readable(image))
    if image.hasalpha():
        image = image.flatten(background=[255, 255, 255])
    if image.bands != 3:
        image = image[0].bandjoin([image[0], image[0]]) if image.bands < 3 else image[0:3]
    return image.copy(interpretation="srgb")


def profile_name(image: pyvips.Image) -> str:
    """The profile's own name, empty without one."""
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
        kind = {"float": "32-bit floating-point", "double": "64-bit floating-point"}.get(image.format, f"'{image.format}'")
        sentence = f"The pixels are {kind} numbers, which are measures and no colours; save them with 8 or 16 bits a channel."
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
