"""Reading a master: what its header says, and its pixels upright, in sRGB, 8 bit, without alpha.

Everything that decodes foreign files is here. The frame of the pixels handed out, that of the upright image, is the
frame of every region in the whole system.
"""

import io
import mmap
from dataclasses import dataclass
from pathlib import Path

import pyvips
import structlog
from PIL import ImageCms

from iiif.catalogue.errors import RejectedImage

pyvips.cache_set_max(0)  # libvips would otherwise keep decoded images of files that never come again

LOADERS = {
    "VipsForeignLoadJpegFile": "image/jpeg",
    "VipsForeignLoadPngFile": "image/png",
    "VipsForeignLoadTiffFile": "image/tiff",
    "VipsForeignLoadWebpFile": "image/webp",
    "VipsForeignLoadNsgifFile": "image/gif",
    "VipsForeignLoadHeifFile": "image/avif",
}
ENDINGS = {"image/jpeg": b"\xff\xd9", "image/png": b"IEND"}
SRGB_NAMES = frozenset({"sRGB", "sRGB built-in", "sRGB IEC61966-2.1", "sRGB IEC61966-2-1 black scaled"})
MAX_SIDE_PX = 200_000
DAMAGE = ("premature end", "bad huffman", "missing code", "out of order", "crc error", "truncated")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the header tells; width and height are those of the upright image, `icc_profile` its profile's own name."""

    format: str
    width_px: int
    height_px: int
    exif_orientation: int
    icc_profile: str


def decode_check(path: Path, *, max_pixels: int) -> ImageFacts:
    """The facts of an image file from its header; pixels are not decoded.

    Raises:
        RejectedImage: `not-an-image`, `too-many-pixels`, or `truncated-image` where the end is plainly missing.
    """
    image, media_type = _open_header(path)
    width, height = int(image.width), int(image.height)
    if width * height > max_pixels or max(width, height) > MAX_SIDE_PX:
        limit = f"{max_pixels:,} pixels and {MAX_SIDE_PX:,} on a side (LECTOTYPE_MAX_PIXELS)"
        raise RejectedImage("too-many-pixels", f"The image has {width:,} × {height:,} pixels; the limit is {limit}.")
    if not _ends(path, media_type):
        raise RejectedImage("truncated-image", "The file is cut off: the end mark of the image is missing.")
    orientation = _orientation(image)
    if orientation >= 5:
        width, height = height, width
    return ImageFacts(media_type, width, height, orientation, _profile_name(image))


def open_upright(path: Path, *, strict: bool = False) -> pyvips.Image:
    """The pixels as a libvips pipeline: upright, sRGB, three bands of 8 bit, alpha flattened on white.

    Nothing is decoded yet. Read it once and from top to bottom, unless the image had to be turned. What breaks during
    decoding is raised by libvips as pyvips.Error when the pixels are asked for (`broken` puts that into words); with
    `strict` so is every warning of a decoder, of which only some tell of lost pixels (`is_damage`).
    """
    header, _ = _open_header(path)
    turned = _orientation(header) > 1
    options = {"access": "random" if turned else "sequential", "fail_on": "warning" if strict else "truncated"}
    image = pyvips.Image.new_from_file(str(path), **options)
    image = _to_srgb(image.autorot() if turned else image)
    if image.hasalpha():
        image = image.flatten(background=[255, 255, 255])
    if image.bands != 3:
        image = image[0].bandjoin([image[0], image[0]]) if image.bands < 3 else image[0:3]
    return image.copy(interpretation="srgb")


def is_damage(error: pyvips.Error) -> bool:
    """Whether a failure or warning of a decoder says that pixels are lost."""
    text = str(error).lower()
    return any(word in text for word in DAMAGE)


def broken(error: pyvips.Error) -> RejectedImage:
    """A failure of decoding in one sentence: the last line of libvips names the cause."""
    detail = str(error.detail or error).strip().splitlines()
    return RejectedImage("truncated-image", f"The file is cut off or its data are broken: {detail[-1] if detail else error}.")


def _open_header(path: Path) -> tuple[pyvips.Image, str]:
    loader = _find_load(path)
    if loader not in LOADERS:
        raise RejectedImage("not-an-image", "The file is no image of a kind that can be read (JPEG, PNG, TIFF, WebP, GIF, AVIF).")
    try:
        return pyvips.Image.new_from_file(str(path), access="sequential"), LOADERS[loader]
    except pyvips.Error as error:
        raise RejectedImage(
            "not-an-image", f"The header of the image cannot be read: {str(error.detail or error).strip()}."
        ) from error


def _find_load(path: Path) -> str | None:
    found = pyvips.vips_lib.vips_foreign_find_load(str(path).encode())
    return None if found == pyvips.ffi.NULL else pyvips.ffi.string(found).decode()


def _orientation(image: pyvips.Image) -> int:
    value = int(image.get("orientation")) if image.get_typeof("orientation") else 1
    return value if 1 <= value <= 8 else 1


def _profile_name(image: pyvips.Image) -> str:
    if not image.get_typeof("icc-profile-data"):
        return ""
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(image.get("icc-profile-data")))
        return ImageCms.getProfileDescription(profile).strip()[:255]
    except (ImageCms.PyCMSError, OSError):
        return "unreadable"


def _to_srgb(image: pyvips.Image) -> pyvips.Image:
    """By the embedded profile; without one (or with one that does not fit) by what the numbers are said to be."""
    has_profile = bool(image.get_typeof("icc-profile-data"))
    cmyk = image.interpretation == "cmyk"
    if cmyk or (has_profile and _profile_name(image) not in SRGB_NAMES | {"unreadable"}):
        options = {"input_profile": "cmyk"} if cmyk else {}
        try:
            return image.icc_transform("srgb", embedded=True, intent="relative", black_point_compensation=True, **options)
        except pyvips.Error as error:
            log.warning("an embedded colour profile does not fit and is left out", reason=str(error))
    if image.interpretation == "multiband" or image.format not in ("uchar", "ushort"):
        image = _guess_interpretation(image)
    return image.colourspace("srgb") if image.interpretation != "srgb" or image.format != "uchar" else image


def _guess_interpretation(image: pyvips.Image) -> pyvips.Image:
    grey = image.bands < 3
    if image.format == "uchar":
        return image.copy(interpretation="b-w" if grey else "srgb")
    if image.format == "ushort":
        return image.copy(interpretation="grey16" if grey else "rgb16")
    return image


def _ends(path: Path, media_type: str) -> bool:
    """Whether the end mark stands behind the beginning of the pixels; cheap, for it is sought from the end backwards."""
    mark = ENDINGS.get(media_type)
    if mark is None:
        return True
    with path.open("rb") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.rfind(mark) > (_start_of_scan(data) if media_type == "image/jpeg" else 0)


def _start_of_scan(data: mmap.mmap) -> int:
    """Where the first scan of a JPEG begins: behind all headers, hence behind any embedded thumbnail."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        at += 1 if data[at + 1] == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4])
    return at
