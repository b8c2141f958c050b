"""What is known of the images: `truth.csv` beside them, and label regions and masks in `../annotations`, `../beetles`."""

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from analytics.evaluation.objects import KnownObject
from annotations.model import CanvasBox
from annotations.region_frames import Frame
from annotations.regions import Region

Size = tuple[int, int]
SHEET = "sheet"
RULERS = (  # words of `ruler_unit`, and the kind that they tell; the first that fits
    ("checkerboard", "checkerboard"),
    ("graph paper", "graph paper"),
    ("round markers", "template with markers"),
    ("square", "drawn square"),
    (r"drawn|\bSEM\b", "drawn bar"),
    (r"scale on Color|comb on the chart", "comb on a colour chart"),
    ("blocks", "bar of centimetre blocks"),
    ("outlined", "ladder"),
    ("comb|mm card", "comb without digits"),
    ("inch", "centimetres and inches"),
    ("", "metric ruler"),
)


@dataclass(frozen=True, slots=True)
class TrueRegion:
    """A label whose text is known; `box` in pixels of the upright image."""

    kind: str
    text: str
    box: CanvasBox


@dataclass(frozen=True, slots=True)
class Truth:
    """One image; `px_per_mm` None where there is no scale in mm, `mask` None where no outline is known.

    `px_per_mm_error` is its relative standard uncertainty. The mask's pixels are in the frame of the stored image, which
    `orientation` (EXIF) turns upright. `ruler` and `chart` name the kinds, `source` the
    collection of images that it comes from; `tuned` says that a step was tuned on it. `components` are all that
    lie on the sheet; none where that is not known.
    """

    path: Path
    has_ruler: bool
    px_per_mm: float | None
    codes: tuple[str, ...]
    text: str
    regions: tuple[TrueRegion, ...]
    mask: Path | None
    orientation: int
    px_per_mm_error: float = 0.0
    ruler: str = ""
    chart: str = ""
    source: str = ""
    tuned: bool = False
    components: tuple[KnownObject, ...] = ()


@cache
def tuned_on() -> frozenset[str]:
    """Names of the images that steps were tuned on."""
    lines = (resources.files(__package__) / "tuned.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def read(folder: Path) -> list[Truth]:
    """Every image that `truth.csv` in the folder names. Columns that are missing tell nothing.

    Raises FileNotFoundError without the file, ValueError that names the line that cannot be read.
    """
    rows, beside = _rows(folder / "truth.csv"), folder.parent / "annotations"
    labels: list[dict[str, Any]] = _beside(beside / "labels.json") or []
    boxes: Mapping[str, Any] = _beside(beside / "components_boxes.json") or {}
    known = []
    for number, row in enumerate(rows, 2):
        try:
            own = [label for label in labels if label["file"] == row["file"]]
            known.append(_truth(folder, beside, row, own, boxes.get(row["file"], {})))
        except (KeyError, ValueError, TypeError) as error:
            raise ValueError(f"Line {number} of {folder / 'truth.csv'} cannot be read: {error!r}.") from error
    return known


def _rows(path: Path) -> list[dict[str, str]]:
    """Of `truth.csv`. ValueError where it is no table in UTF-8 or has no column of names."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows, columns = list(reader), list(reader.fieldnames or ())
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} is no table of comma-separated values in UTF-8: {error}.") from error
    if "file" not in columns:
        raise ValueError(f"{path} has no column file, which names the images; it has: {', '.join(columns) or 'none'}.")
    return rows


def _beside(path: Path) -> Any:
    """What such a file says; None where there is none. ValueError that names it where it cannot be read."""
    if not path.is_file():
        return None
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{path} is no JSON: {error}.") from error


def _truth(
    folder: Path, beside: Path, row: Mapping[str, str], labels: Sequence[Mapping[str, Any]], boxes: Mapping[str, Any]
) -> Truth:
    path = folder / row["file"]
    mask = beside / "plant_masks" / f"{path.stem}.png"
    cells = {name: value or "" for name, value in row.items()}
    stored = int(cells.get("width") or 0), int(cells.get("height") or 0)
    orientation = int(cells.get("exif_orientation") or 1)
    regions = tuple(
        TrueRegion(label["kind"], label["text"], upright(label["box"] or (0, 0, *stored), stored, orientation))
        for label in labels
    )
    values = cells.get("barcode_values", "").split(" | ")
    codes = tuple(re.sub(r" \([^()]*\)$", "", code.strip()) for code in values if code.strip())
    known = cells.get("px_per_mm", "")
    return Truth(
        path,
        cells.get("has_ruler") == "yes",
        float(known) if known else None,
        codes,
        cells.get("label_text_ground_truth", ""),
        regions,
        mask if mask.is_file() else None,
        orientation,
        relative(cells.get("px_per_mm_uncertainty", "")),
        ruler_kind(cells.get("ruler_unit", "")) if cells.get("has_ruler") == "yes" else "",
        cells.get("colour_chart_type", "") if cells.get("has_colour_chart", "no").startswith("yes") else "",
        cells.get("source_repo", ""),
        path.name in tuned_on(),
        tuple(_components(boxes, stored, orientation)),
    )


def _components(boxes: Mapping[str, Any], stored: Size, orientation: int) -> Iterator[KnownObject]:
    """What lies on the sheet; steps call each as its boxes are called."""
    for name, several in boxes.items():
        for box in several if name != SHEET else [several]:
            if name != "logo":  # on labels and charts, of which it is a part
                turned = upright(box, stored, orientation)
                yield KnownObject(name, name, Region.of_box(turned.x0, turned.y0, turned.x1, turned.y1))


def ruler_kind(said: str) -> str:
    """The kind of a scale, from what is said of its unit."""
    return next(kind for words, kind in RULERS if re.search(words, said, re.IGNORECASE))


def relative(said: str) -> float:
    """The relative standard uncertainty in "+-0.3%"; 0 where none is said."""
    found = re.search(r"([0-9.]+) ?%", said)
    return float(found[1]) / 100 if found else 0.0


def upright(box: Sequence[float], stored: Size, orientation: int) -> CanvasBox:
    """A box of the stored image of that size in the frame of the upright one, by its EXIF orientation."""
    width, height = stored if orientation <= 4 else (stored[1], stored[0])
    return Frame.stored(width, height, orientation).back(Region.of_box(*box)).box
