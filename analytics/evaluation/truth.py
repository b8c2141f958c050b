"""What is known of the images: `truth.csv` beside them, and label regions and masks in `../annotations`, `../beetles`."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from annotations.model import CanvasBox
from annotations.region_frames import Frame
from annotations.regions import Region

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class TrueRegion:
    """A label whose text is known; `box` in pixels of the upright image."""

    kind: str
    text: str
    box: CanvasBox


@dataclass(frozen=True, slots=True)
class Truth:
    """One image; `px_per_mm` None where there is no scale in mm, `mask` None where no outline is known.

    The mask's pixels are in the frame of the stored image, which `orientation` (EXIF) turns upright.
    """

    path: Path
    has_ruler: bool
    px_per_mm: float | None
    codes: tuple[str, ...]
    text: str
    regions: tuple[TrueRegion, ...]
    mask: Path | None
    orientation: int


def read(folder: Path) -> list[Truth]:
    """Every image that `truth.csv` in the folder names. FileNotFoundError without it."""
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    beside = folder.parent / "annotations"
    labels: list[dict[str, Any]] = []
    if (beside / "labels.json").is_file():
        labels = json.loads((beside / "labels.json").read_text(encoding="utf-8"))
    return [_truth(folder, beside, row, [label for label in labels if label["file"] == row["file"]]) for row in rows]


def _truth(folder: Path, beside: Path, row: Mapping[str, str], labels: Sequence[Mapping[str, Any]]) -> Truth:
    path = folder / row["file"]
    mask = beside / "plant_masks" / f"{path.stem}.png"
    stored = int(row["width"] or 0), int(row["height"] or 0)
    orientation = int(row["exif_orientation"] or 1)
    regions = tuple(
        TrueRegion(label["kind"], label["text"], upright(label["box"] or (0, 0, *stored), stored, orientation))
        for label in labels
    )
    codes = tuple(re.sub(r" \([^()]*\)$", "", code.strip()) for code in row["barcode_values"].split(" | ") if code.strip())
    known = row["px_per_mm"]
    return Truth(
        path,
        row["has_ruler"] == "yes",
        float(known) if known else None,
        codes,
        row["label_text_ground_truth"],
        regions,
        mask if mask.is_file() else None,
        orientation,
    )


def upright(box: Sequence[float], stored: Size, orientation: int) -> CanvasBox:
    """A box of the stored image of that size in the frame of the upright one, by its EXIF orientation."""
    width, height = stored if orientation <= 4 else (stored[1], stored[0])
    return Frame.stored(width, height, orientation).back(Region.of_box(*box)).box
