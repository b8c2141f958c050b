"""A master: what its header says, and its pixels upright, in sRGB, 8 bit, without alpha. Decoding child only.

The frame of the pixels handed out, that of the upright image, is the frame of every region in the whole system.
"""

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import pyvips

from iiif.image.errors import RejectedImage
from iiif.image.masters import colour, png_colours, tiff_directories
from iiif.image.masters.decoder_protocol import MAX_SIDE_PX, ImageFacts
from iiif.image.masters.tiff_pixels import Samples
from iiif.image.pyramid.camera_facts import CameraFacts

pyvips.cache_set_max(0)  # libvips would otherwise keep decoded images of files that never come again

LOADERS = {
    "VipsForeignLoadJpegSource": "image/jpeg",
    "VipsForeignLoadPngSource": "image/png",
    "VipsForeignLoadTiffSource": "image/tiff",
    "VipsForeignLoadWebpSource": "image/webp",
    "VipsForeignLoadNsgifSource": "image/gif",
    "VipsForeignLoadHeifSource": "image/avif",
}
TIFF_MAGICS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
HEVC_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis")
READ = "JPEG, PNG, TIFF, WebP, GIF, AVIF, JPEG 2000, DNG or a camera's raw file"
DAMAGE = ("premature end", "bad huffman", "missing code", "out of order", "crc error", "truncated", "not enough")
NO_MEMORY = ("out of memory", "insufficient memory", "cannot allocate", "memory limit")
JPEG_SHRINK = 8
ORIENTATION = 274
TILE_PX = 512
TAIL_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Master:
    """An opened file. `load` gives its pixels as they are stored, to be read once from top to bottom; with its argument
    True every warning of the decoder is an error, of which only some tell of lost pixels. `turn` is the EXIF orientation that
    they still need. `read_through` decodes it to its end."""

    facts: ImageFacts
    turn: int
    load: Callable[[bool], pyvips.Image]
    read_through: Callable[[], object]
    camera: Callable[[], CameraFacts]


class Reader(io.RawIOBase):
    """Reads an open file without moving its own position, which libvips minds."""

    def __init__(self, handle: int) -> None:
        self._handle, self._at, self.size = handle, 0, os.fstat(handle).st_size

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence] + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]  # the two kinds that BufferedReader gives
        data = os.pread(self._handle, len(buffer), self._at) if self._at < self.size else b""
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def open_master(handle: int, *, max_pixels: int) -> Master:
    """The image in an open file, from its header; pixels are not decoded.

    Raises:
        RejectedImage: `not-an-image`, `too-many-pixels`, `several-pages`, `unsupported-pixels`, or `truncated-image` where
            the end is plainly missing.
    """
    head = os.pread(handle, 64, 0)
    from iiif.image.masters import jpeg2000, raw

    if jpeg2000.is_jpeg2000(head):
        return _jpeg2000(handle, max_pixels)
    if raw.is_raw(head):
        return _raw(handle, "image/x-dcraw", max_pixels)
    if head[4:8] == b"ftyp" and head[8:12] in HEVC_BRANDS:
        raise RejectedImage("not-an-image", f"HEIC is not read; export it as {READ}.")
    page, samples = 0, Samples()
    if head[:4] in TIFF_MAGICS:
        found = tiff_directories.survey(_stream(handle))
        if found.is_raw:
            return _raw(handle, "image/x-adobe-dng" if found.is_dng else "image/x-dcraw", max_pixels)
        if found.is_lab:
            return _lab(handle, max_pixels)
        page, samples = found.main, found.samples
    return _of_libvips(handle, page, samples, max_pixels)


def upright(master: Master, scratch: BinaryIO, *, strict: bool) -> pyvips.Image:
    """The pixels as a libvips pipeline: upright, sRGB, three bands of 8 bit, alpha flattened on white.

    Nothing is decoded yet, unless the image has to be turned: then it is laid down in `scratch` in tiles first, so that it is
    never in memory as a whole. What breaks during decoding is raised by libvips as pyvips.Error when the pixels are asked for.
    """
    image = colour.to_srgb(master.load(strict))
    if master.turn == 1:
        return image
    scratch.seek(0)
    scratch.truncate()
    image.tiffsave_target(
        pyvips.Target.new_to_descriptor(scratch.fileno()),
        tile=True,
        tile_width=TILE_PX,
        tile_height=TILE_PX,
        bigtiff=image.width * image.height > 1_000_000_000,
        keep="none",
    )
    scratch.seek(0)
    laid_down = pyvips.Image.new_from_source(pyvips.Source.new_from_descriptor(scratch.fileno()), "").copy()
    laid_down.set_type(pyvips.GValue.gint_type, "orientation", master.turn)
    return laid_down.autorot()


def is_damage(error: pyvips.Error) -> bool:
    """Whether a failure or warning of a decoder says that pixels are lost."""
    text = str(error).lower()
    return any(word in text for word in DAMAGE + NO_MEMORY)


def broken(error: pyvips.Error) -> RejectedImage:
    """A failure of decoding in one sentence: the last line of libvips names the cause. Raises MemoryError where it is that."""
    if any(word in str(error).lower() for word in NO_MEMORY):
        raise MemoryError from error
    detail = str(error.detail or error).strip().splitlines()
    return RejectedImage("truncated-image", f"The file is cut off or its data are broken: {detail[-1] if detail else error}.")


def _of_libvips(handle: int, page: int, samples: Samples, max_pixels: int) -> Master:
    name = _loader(handle)
    media_type = LOADERS.get(name)
    if media_type is None:
        raise RejectedImage("not-an-image", f"The file is not an image of a kind that can be read ({READ}).")
    options = {"page": page} if page else {}
    try:
        image = _image(handle, fail_on="none", **options)
    except pyvips.Error as error:
        detail = "; ".join(dict.fromkeys(str(error.detail or error).strip().splitlines()))
        raise RejectedImage("not-an-image", f"The header of the image cannot be read: {detail}.") from error
    width, height, turn = int(image.width), int(image.height), _orientation(image)
    _check_size(width, height, max_pixels)
    colour.check(samples.shown(image))
    if not _ends(handle, media_type):
        raise RejectedImage("truncated-image", "The file is cut off: the end mark of the image is missing.")
    frames = int(image.get("n-pages")) if image.get_typeof("n-pages") and media_type != "image/tiff" else 1
    exif = image.get("exif-data") if image.get_typeof("exif-data") else b""
    sides = (height, width) if turn >= 5 else (width, height)
    shrink = {"shrink": JPEG_SHRINK} if media_type == "image/jpeg" else {}
    profile = png_colours.profile(_stream(handle)) if media_type == "image/png" else None

    def load(strict: bool) -> pyvips.Image:
        shown = samples.shown(_image(handle, fail_on="warning" if strict else "truncated", **options))
        return shown if profile is None else colour.with_profile(colour.three_bands(shown), profile)

    return Master(
        facts=ImageFacts(media_type, *sides, turn, colour.name_of(profile) if profile else colour.profile_name(image), frames),
        turn=turn,
        load=load,
        read_through=lambda: _image(handle, fail_on="error", **options, **shrink).avg(),
        camera=lambda: _camera(handle, media_type, exif),
    )


def _lab(handle: int, max_pixels: int) -> Master:
    """A TIFF in L*a*b* of 8 bit, which libvips reads only from itself."""
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # the limit is the next thing that is seen to
    with Image.open(_stream(handle), formats=["TIFF"]) as picture:
        (width, height), value = picture.size, picture.getexif().get(ORIENTATION, 1)
    _check_size(width, height, max_pixels)
    turn = value if isinstance(value, int) and 1 <= value <= 8 else 1

    def load(_: bool) -> pyvips.Image:
        with Image.open(_stream(handle), formats=["TIFF"]) as picture:
            numbers = pyvips.Image.new_from_memory(picture.tobytes(), width, height, 3, "uchar")
        signed = numbers[1:3].copy(format="char")
        return numbers[0].linear(100 / 255, 0).bandjoin(signed).copy(interpretation="lab")

    sides = (height, width) if turn >= 5 else (width, height)
    facts = ImageFacts("image/tiff", *sides, turn, "")
    return Master(facts, turn, load, lambda: load(True), lambda: _camera(handle, "image/tiff", b""))


def _jpeg2000(handle: int, max_pixels: int) -> Master:
    from iiif.image.masters import jpeg2000

    data = _stream(handle).read()
    header = jpeg2000.header(data)
    _check_size(header.width_px, header.height_px, max_pixels)
    if not header.ends:
        raise RejectedImage("truncated-image", "The file is cut off: the end mark of the image is missing.")
    profile = colour.name_of(header.profile) if header.profile else ""
    return Master(
        facts=ImageFacts("image/jp2", header.width_px, header.height_px, 1, profile),
        turn=1,
        load=lambda _: jpeg2000.load(data, header),
        read_through=lambda: None,  # it would take as much as deriving, which comes next and tells as well
        camera=CameraFacts,
    )


def _raw(handle: int, media_type: str, max_pixels: int) -> Master:
    from iiif.image.masters import exif, raw

    data = _stream(handle).read()
    width, height, orientation = raw.size(data)
    _check_size(width, height, max_pixels)
    tiff = data[:4] in TIFF_MAGICS
    return Master(
        facts=ImageFacts(media_type, width, height, orientation, ""),
        turn=1,
        load=lambda _: raw.load(data),
        read_through=lambda: raw.unpack(data),
        camera=lambda: exif.of_tiff(io.BytesIO(data)) if tiff else CameraFacts(),
    )


def _check_size(width: int, height: int, max_pixels: int) -> None:
    if width * height > max_pixels or max(width, height) > MAX_SIDE_PX:
        limit = f"{max_pixels:,} pixels and {MAX_SIDE_PX:,} on a side (LECTOTYPE_MAX_PIXELS)"
        raise RejectedImage("too-many-pixels", f"The image has {width:,} × {height:,} pixels; the limit is {limit}.")


def _stream(handle: int) -> BinaryIO:
    return io.BufferedReader(Reader(handle))


def _image(handle: int, **options: object) -> pyvips.Image:
    return pyvips.Image.new_from_source(_source(handle), "", access="sequential", **options)


def _source(handle: int) -> pyvips.Source:
    os.lseek(handle, 0, os.SEEK_SET)
    return pyvips.Source.new_from_descriptor(handle)


def _loader(handle: int) -> str:
    found = pyvips.vips_lib.vips_foreign_find_load_source(_source(handle).pointer)
    return "" if found == pyvips.ffi.NULL else str(pyvips.ffi.string(found).decode())


def _orientation(image: pyvips.Image) -> int:
    value = int(image.get("orientation")) if image.get_typeof("orientation") else 1
    return value if 1 <= value <= 8 else 1


def _camera(handle: int, media_type: str, block: bytes) -> CameraFacts:
    if not block and media_type != "image/tiff":
        return CameraFacts()
    from iiif.image.masters import exif

    return exif.of_tiff(_stream(handle)) if media_type == "image/tiff" else exif.of_block(block)


def _ends(handle: int, media_type: str) -> bool:
    """Whether the end mark stands behind the beginning of the pixels; cheap, for it is sought from the end backwards."""
    mark = {"image/jpeg": b"\xff\xd9", "image/png": b"IEND"}.get(media_type)
    if mark is None:
        return True
    stream = _stream(handle)
    start = _start_of_scan(stream) if media_type == "image/jpeg" else 0
    at = stream.seek(0, os.SEEK_END)
    while at > start:
        behind, at = at, max(start, at - TAIL_BYTES)
        stream.seek(at)
        if mark in stream.read(behind - at + len(mark)):
            return True
    return False


def _start_of_scan(stream: BinaryIO) -> int:
    """Where the first scan of a JPEG begins: behind all headers, hence behind any embedded thumbnail."""
    at = 2
    while True:
        stream.seek(at)
        head = stream.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] == 0xDA:
            return at
        at += 1 if head[1] == 0xFF else 2 + int.from_bytes(head[2:])
