"""Real truth: herbarium sheets with boxes and plant masks, and crops of pinned beetles with masks of their parts.

Classes of pixels are those of `component_classes`, and two more: IGNORE where the truth says nothing, NOT_SPECIMEN where it says
only that no specimen is there. Pictures are small, in the frame of the stored image.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps.component_classes import COMPONENTS, PARTS, SHEET, SPECIMEN
from analytics.synth.patch import Patch
from analytics.training.errors import BadPlan

IGNORE, NOT_SPECIMEN = 255, 254
MASKED, UNDECIDED = 255, 128  # grey levels of the plant masks
LONG_SIDE_PX, BEETLE_PX = 900, 480  # pictures are reduced to it, crops of beetles brought to it
BENEATH_FIRST = ("packet", "label", "stamp", "barcode", "ruler", "chart")  # of boxes that overlap, the later is on top
COLOURS = {
    "head": (100, 0, 0), "eyes": (0, 100, 0), "mouthparts": (0, 0, 100), "pronotum": (100, 100, 0), "elytra": (100, 0, 100),
    "tail": (0, 100, 100), "legs": (200, 0, 0), "antennae": (0, 200, 0), "pin": (0, 0, 200),
}  # fmt: skip
SMALLEST_CUTOUT = 0.01  # of the picture


@dataclass(frozen=True, slots=True)
class Example:
    """`rgb` uint8 (H, W, 3); `components` and `parts` uint8 (H, W)."""

    name: str
    rgb: NDArray[np.uint8]
    components: NDArray[np.uint8]
    parts: NDArray[np.uint8]


def sheets(data: Path, names: Sequence[str]) -> list[Example]:
    """Those sheets. BadPlan where the folder lacks one, its boxes or its mask."""
    boxes = data / "annotations" / "components_boxes.json"
    try:
        known: Mapping[str, Any] = json.loads(boxes.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadPlan(f"{boxes} cannot be read: {error}") from error
    return [_sheet(data, name, known) for name in names]


def _sheet(data: Path, name: str, known: Mapping[str, Any]) -> Example:
    file = next((file for file in known if Path(file).stem == name), "")
    rgb, mask = (
        _read(path, colours) for path, colours in (
            (data / "specimens" / (file or name), True), (data / "annotations" / "plant_masks" / f"{name}.png", False)
        )
    )  # fmt: skip
    scale = LONG_SIDE_PX / max(rgb.shape)
    height, width = round(rgb.shape[0] * scale), round(rgb.shape[1] * scale)
    classes = np.zeros((height, width), np.uint8)
    _fill(classes, [known[file]["sheet"]], SHEET, scale)
    _fill(classes, known[file].get("logo", []), IGNORE, scale)
    for part in BENEATH_FIRST:
        _fill(classes, known[file].get(part, []), COMPONENTS.index(part), scale)
    plant = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)
    undecided = cv2.resize((mask == UNDECIDED).astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    classes[(plant > 127) & ~undecided] = SPECIMEN
    classes[undecided] = IGNORE
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return Example(name, small, classes, np.full(classes.shape, IGNORE, np.uint8))


def _fill(classes: NDArray[np.uint8], boxes: Sequence[Sequence[float]], number: int, scale: float) -> None:
    for x0, y0, x1, y1 in boxes:
        classes[round(y0 * scale) : round(y1 * scale), round(x0 * scale) : round(x1 * scale)] = number


def beetles(data: Path, every: int, *, held_out: bool) -> Iterator[Example]:
    """Every so-many-th crop, the first included, if held out; else the others."""
    paths = sorted((data / "beetles" / "images").glob("*.png"))
    if not paths:
        raise BadPlan(f"{data / 'beetles' / 'images'} has no crops.")
    for number, path in enumerate(paths):
        if (number % every == 0) == held_out:
            yield beetle(path, data / "beetles" / "masks" / path.name)


def beetle(image: Path, mask: Path) -> Example:
    """One crop; the pin is a part, and no specimen."""
    rgb, drawn = _read(image, True), _read(mask, True)
    scale = BEETLE_PX / max(rgb.shape)
    size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
    rgb = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    drawn = cv2.resize(drawn, size, interpolation=cv2.INTER_NEAREST)
    parts = np.zeros(drawn.shape[:2], np.uint8)
    for part, colour in COLOURS.items():
        parts[(drawn == colour).all(axis=2)] = PARTS.index(part)
    specimen = (parts > 0) & (parts != PARTS.index("pin"))
    return Example(image.name, rgb, np.where(specimen, SPECIMEN, NOT_SPECIMEN).astype(np.uint8), parts)


def cutouts(example: Example) -> list[Patch]:
    """The specimen's pieces with a soft edge, to be pasted into drawn scenes."""
    mask = (example.components == SPECIMEN).astype(np.uint8)
    joined = cv2.dilate(mask, np.ones((5, 5), np.uint8))
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    found = []
    for number in range(1, count):
        x, y, width, height = stats[number, :4]
        place = np.s_[y : y + height, x : x + width]
        own = mask[place] * (numbers[place] == number)
        if own.sum() >= SMALLEST_CUTOUT * mask.size:
            alpha = cv2.GaussianBlur(own * np.uint8(255), (0, 0), 0.7)
            found.append(Patch(example.rgb[place].copy(), np.asarray(alpha, np.uint8), 1.0))
    return found


def _read(path: Path, colours: bool) -> NDArray[np.uint8]:
    """As it is stored, whatever its EXIF orientation. BadPlan where it cannot be read."""
    how = (cv2.IMREAD_COLOR if colours else cv2.IMREAD_GRAYSCALE) | cv2.IMREAD_IGNORE_ORIENTATION
    stored = cv2.imread(str(path), how) if path.is_file() else None
    if stored is None:
        raise BadPlan(f"{path} is not there or no picture.")
    return np.asarray(cv2.cvtColor(stored, cv2.COLOR_BGR2RGB) if colours else stored, np.uint8)


def boxes(data: Path, name: str) -> dict[str, list[list[float]]]:
    """The boxes of a sheet's single things by class: x0, y0, x1, y1 as fractions of the stored image's sides."""
    known = json.loads((data / "annotations" / "components_boxes.json").read_text(encoding="utf-8"))
    file = next(file for file in known if Path(file).stem == name)
    high, wide = _read(data / "specimens" / file, True).shape[:2]
    return {
        part: [[x0 / wide, y0 / high, x1 / wide, y1 / high] for x0, y0, x1, y1 in several]
        for part, several in known[file].items()
        if part in COMPONENTS and several and isinstance(several[0], list)
    }
