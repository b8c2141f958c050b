"""Barcodes, QR codes and Data Matrices, and whether they say the specimen's catalogue number."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import zxingcpp
from numpy.typing import NDArray

from analytics.steps.model import Finding, SheetImage, StepContext, StepResult
from annotations.regions import Region

FORMATS = ("Code39", "Code128", "Codabar", "QRCode", "DataMatrix")
NAMES = {"Code39": "Code 39", "Code128": "Code 128", "QRCode": "QR code", "DataMatrix": "Data Matrix"}
TILE_PX = 1400
OVERLAP_PX = 300
LARGEST_ENLARGED = 12_000_000  # pixels of an image that is also read at twice its size as a whole
SHORTEST = 4
TURNS_DEGREES = (15, -15, 30, -30)
Code = tuple[str, str, NDArray[np.float64]]  # format, text, four corners in pixels of the image


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
    """One finding "barcode" per code.

    `formats` names the symbologies; `shortest`: shorter values are ticks of rulers and the like, not codes.
    """
    names = tuple(parameters.get("formats", FORMATS))
    shortest = int(parameters.get("shortest", SHORTEST))
    found = _read_all(image.rgb, names, shortest)
    if not found:
        listed = ", ".join(NAMES.get(name, name) for name in names)
        return StepResult((), f"Looked for {listed} in the whole image, enlarged and askew: none could be read.")
    return StepResult(tuple(_finding(code, image, context.catalog_number) for code in found))


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


def _read_all(rgb: NDArray[np.uint8], names: Sequence[str], shortest: int) -> list[Code]:
    """Every code once: at full size and in tiles; enlarged and then askew only while none was found."""
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    found = _without_doubles(_read(grey, names, shortest))
    for tile, corner in _tiles(grey):
        found = _without_doubles([*found, *_shifted(_read(tile, names, shortest), 1.0, corner)])
    if found:
        return found
    for picture, scale, corner in _enlarged(grey):
        found = _without_doubles([*found, *_shifted(_read(picture, names, shortest), scale, corner)])
    return found or _without_doubles(list(_askew(grey, names, shortest)))


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
    name = str(format_).replace(" ", "").replace("BarcodeFormat.", "")
    return next((known for known in FORMATS if name.startswith(known)), name)


def _tiles(grey: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], tuple[int, int]]]:
    height, width = grey.shape
    if max(height, width) <= TILE_PX:
        return
    step = TILE_PX - OVERLAP_PX
    for top in range(0, max(1, height - OVERLAP_PX), step):
        for left in range(0, max(1, width - OVERLAP_PX), step):
            yield np.ascontiguousarray(grey[top : top + TILE_PX, left : left + TILE_PX]), (left, top)


def _enlarged(grey: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], float, tuple[int, int]]]:
    """Twice the size: the whole if it is small, else tile by tile."""
    parts = [(grey, (0, 0))] if grey.size <= LARGEST_ENLARGED // 4 else _tiles(grey)
    for part, corner in parts:
        yield np.asarray(cv2.resize(part, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), np.uint8), 2.0, corner


def _askew(grey: NDArray[np.uint8], names: Sequence[str], shortest: int) -> Iterator[Code]:
    height, width = grey.shape
    scale = min(1.0, 3000 / max(height, width))
    for degrees in TURNS_DEGREES:
        turn = cv2.getRotationMatrix2D((width * scale / 2, height * scale / 2), degrees, 1.0)
        turn[:, :2] *= scale
        turned = cv2.warpAffine(grey, turn, (round(width * scale), round(height * scale)), borderValue=255)
        back = cv2.invertAffineTransform(turn)
        for name, text, corners in _read(np.asarray(turned, np.uint8), names, shortest):
            yield name, text, corners @ back[:, :2].T + back[:, 2]


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


def _finding(code: Code, image: SheetImage, catalog_number: str) -> Finding:
    name, text, corners = code
    inside = np.clip(corners, 0, (image.width_px, image.height_px))
    x0, y0 = np.minimum(inside.min(axis=0), (image.width_px - 1, image.height_px - 1)).tolist()
    x1, y1 = np.maximum(inside.max(axis=0), (x0 + 1, y0 + 1)).tolist()
    data = {"format": NAMES.get(name, name), "value": text, "catalogNumber": agreement(text, catalog_number)}
    has_area = cv2.contourArea(inside.astype(np.float32)) > 1
    region = Region.of_rings([inside]) if has_area else Region.of_box(x0, y0, x1, y1)
    return Finding("barcode", text, region, motivations=("identifying",), data=data)


def _normal(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", text.lower())
