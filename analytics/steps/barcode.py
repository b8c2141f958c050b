"""Barcodes, QR codes and Data Matrices, and whether they say the specimen's catalogue number."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from analytics.steps.barcode_places import CodePlace, places
from analytics.steps.model import Finding, SheetImage, StepContext, StepResult, TooManyPixels
from annotations.regions import Region

FORMATS = ("Code39", "Code128", "Codabar", "QRCode", "DataMatrix")
IMITATED = "EAN13"  # ticks of rulers are read as such codes: one counts only where it says the catalogue number
FEWEST_DIGITS = 8  # of a catalogue number that such a code may say
NAMES = {"EAN13": "EAN-13", "Code39": "Code 39", "Code128": "Code 128", "QRCode": "QR code", "DataMatrix": "Data Matrix"}
TILE_PX, OVERLAP_PX = 5500, 1500  # most images are one tile: a code that is cut is not read
REDUCED_PX = 3200  # of the longer side: what is out of focus is read on a reduced copy
MOST_CLOSE_PX = 8_000_000  # that are looked at closely
PAD = 0.2  # of a place's longer side, at least PAD_PX: a code needs its quiet zone
PAD_PX = 24
SMALL_PX, MOST_CROP_PX = 700, 2200  # a crop that is smaller is enlarged; one that is larger is reduced
SMALL_IMAGE_PX = 4_000_000  # an image that is so small is also read at twice its size as a whole
TURN_OFF_DEGREES = 3.0  # bars that stand so nearly upright are read as they are
SHORTEST = 4
Code = tuple[str, str, NDArray[np.float64]]  # format, text, four corners in pixels of the image


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
    """One finding "barcode" per code.

    `formats` names the symbologies; `shortest`: shorter values are ticks of rulers and the like, not codes.
    """
    names = tuple(parameters.get("formats", FORMATS))
    shortest = int(parameters.get("shortest", SHORTEST))
    asked = (*names, IMITATED) if len(re.findall(r"\d", context.catalog_number)) >= FEWEST_DIGITS else names
    read = _read_all(image, asked, shortest)
    found = [code for code in read if code[0] != IMITATED or agreement(code[1], context.catalog_number) in ("match", "contains")]
    if not found:
        listed = ", ".join(NAMES.get(name, name) for name in names)
        return StepResult((), f"Looked for {listed} in the whole image, and closely at any angle: none could be read.")
    return StepResult(tuple(_finding(code, image, context) for code in found))


def agreement(value: str, catalog_number: str) -> str:
    """ "match", "contains" or "differs", by letters and digits alone and without leading zeros; "unknown" without a number."""
    said, known = _normal(value), _normal(catalog_number)
    if not known or not said:
        return "unknown"
    if said == known or said.lstrip("0") == known.lstrip("0"):
        return "match"
    digits = re.sub(r"\D", "", known).lstrip("0")
    if known in said or said in known or (len(digits) >= 4 and digits == re.sub(r"\D", "", said).lstrip("0")):
        return "contains"
    return "differs"


def _read_all(image: SheetImage, names: Sequence[str], shortest: int) -> list[Code]:
    """Every code once: at full size, on a reduced copy (of what is out of focus), and closely where bars or a matrix may be."""
    found: list[Code] = []
    for tile in image.tiles(TILE_PX, OVERLAP_PX):
        found += _shifted(_read(_grey(tile.rgb), names, shortest), 1.0, (tile.x, tile.y))
    if max(image.width_px, image.height_px) > REDUCED_PX:
        copy = image.copy(REDUCED_PX)
        found += [(name, text, copy.to_image(corners)) for name, text, corners in _read(copy.grey, names, shortest)]
    left_px = MOST_CLOSE_PX
    for place in places(image):
        if left_px > 0 and not any(_holds(corners, place) for _, _, corners in found):
            codes, seen_px = _read_closely(image, place, names, shortest)
            found, left_px = [*found, *codes], left_px - seen_px
    if not found and image.width_px * image.height_px <= SMALL_IMAGE_PX:
        twice = _scaled(_grey(image.level(1).rgb), 2.0)
        found = _shifted(_read(twice, names, shortest), 2.0, (0, 0))
    return _without_doubles(found)


def _read_closely(image: SheetImage, place: CodePlace, names: Sequence[str], shortest: int) -> tuple[list[Code], int]:
    """What is read at a place, turned until its bars stand upright, at its own size and enlarged; and the pixels that it took."""
    half = max(place.width, place.height) * (0.5 + PAD) + PAD_PX
    try:
        tile = image.crop(place.x - half, place.y - half, place.x + half, place.y + half)
    except TooManyPixels:  # a cloth or graph paper: so large a code would have been read on the reduced copy
        return [], 0
    if tile.rgb.size == 0:
        return [], 0
    crop, longest, seen_px = _grey(tile.rgb), max(tile.rgb.shape[:2]), 0
    turned = 0.0 if place.matrix or abs(place.turned) < TURN_OFF_DEGREES else place.turned
    scales = [min(1.0, MOST_CROP_PX / longest)] if turned else []  # what stands upright was read at its size
    scales += [2.0] if longest <= SMALL_PX else []
    scales += [3.0] if longest <= SMALL_PX // 2 else []
    for scale in scales:
        matrix = _turn(crop, turned, scale)
        side = math.ceil(math.hypot(*crop.shape) * scale)
        size = (side, side) if turned else (round(crop.shape[1] * scale), round(crop.shape[0] * scale))
        kernel = cv2.INTER_CUBIC if scale >= 1 else cv2.INTER_AREA
        picture = cv2.warpAffine(crop, matrix, size, flags=kernel, borderMode=cv2.BORDER_REPLICATE)
        seen_px += picture.size
        codes = _read(np.asarray(picture, np.uint8), names, shortest)
        if codes:
            back = cv2.invertAffineTransform(matrix)
            corner = (tile.x, tile.y)
            return [(name, text, corners @ back[:, :2].T + back[:, 2] + corner) for name, text, corners in codes], seen_px
    return [], seen_px


def _turn(crop: NDArray[np.uint8], degrees: float, scale: float) -> NDArray[np.float64]:
    """The affine map that turns and scales the crop into a square that holds it."""
    height, width = crop.shape
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), degrees, scale), np.float64)
    side = math.hypot(width, height) * scale
    middle = (side / 2, side / 2) if degrees else (width * scale / 2, height * scale / 2)
    matrix[:, 2] += np.array(middle) - (width / 2, height / 2)
    return matrix


def _holds(corners: NDArray[np.float64], place: CodePlace) -> bool:
    """Whether the middle of the place lies in a code that was read already."""
    return bool(cv2.pointPolygonTest(corners.astype(np.float32), (place.x, place.y), True) > -PAD_PX)


def _grey(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY), np.uint8)


def _scaled(grey: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC), np.uint8)


def _read(grey: NDArray[np.uint8], names: Sequence[str], shortest: int) -> list[Code]:
    formats = [getattr(zxingcpp.BarcodeFormat, name) for name in names]
    codes = []
    for barcode in zxingcpp.read_barcodes(grey, formats=formats, text_mode=zxingcpp.TextMode.Plain):
        text = barcode.text.strip()
        if barcode.valid and len(text) >= shortest and text.isprintable() and any(map(str.isalnum, text)):
            place = barcode.position
            corners = [(point.x, point.y) for point in (place.top_left, place.top_right, place.bottom_right, place.bottom_left)]
            codes.append((_name(barcode.format), text, np.array(corners, float)))
    return codes


def _name(format_: Any) -> str:
    name = re.sub(r"[\s\-]|BarcodeFormat\.", "", str(format_))
    return next((known for known in FORMATS if name.startswith(known)), name)


def _shifted(codes: Sequence[Code], scale: float, corner: tuple[int, int]) -> list[Code]:
    return [(name, text, corners / scale + corner) for name, text, corners in codes]


def _without_doubles(codes: Sequence[Code]) -> list[Code]:
    """The same value stands once, where the passes saw most of it (tiles overlap and may cut a code)."""
    largest: dict[tuple[str, str], Code] = {}
    for code in codes:
        key = code[:2]
        if key not in largest or _extent(code[2]) > _extent(largest[key][2]):
            largest[key] = code
    return list(largest.values())


def _extent(corners: NDArray[np.float64]) -> float:
    return float(np.prod(np.ptp(corners, axis=0) + 1))


def _finding(code: Code, image: SheetImage, context: StepContext) -> Finding:
    name, text, corners = code
    inside = np.clip(corners, 0, (image.width_px, image.height_px))
    x0, y0 = np.minimum(inside.min(axis=0), (image.width_px - 1, image.height_px - 1)).tolist()
    x1, y1 = np.maximum(inside.max(axis=0), (x0 + 1, y0 + 1)).tolist()
    data = {"format": NAMES.get(name, name), "value": text, "catalogNumber": agreement(text, context.catalog_number)}
    has_area = cv2.contourArea(inside.astype(np.float32)) > 1
    region = Region.of_rings([inside]) if has_area else Region.of_box(x0, y0, x1, y1)
    return Finding("barcode", text, region, motivations=("identifying",), data=data)


def _normal(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", text.lower())
