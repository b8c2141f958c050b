"""Synthetic herbarium sheets with known truth, for the demo and for tests: the same seed draws the same sheets."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import cv2

from analytics.synth.records import COLUMNS
from analytics.synth.sheet import Sheet, draw

__all__ = ["Sheet", "draw", "draw_sheets"]


def draw_sheets(folder: Path, *, count: int, seed: int, progress: Callable[[Path], None] | None = None) -> list[Sheet]:
    """Draw sheets into the folder, with `specimens.csv` (Darwin Core) and `truth.json` beside them.

    `truth.json` maps each file name to its px_per_mm, boxes and outlines (x, y in pixels of the image), texts and codes.
    Both files are written last, so a folder that has them is whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sheets = []
    for number in range(count):
        sheet = draw(seed * 100_003 + number, number)
        path = folder / sheet.record["file"]
        encoded, data = cv2.imencode(".jpg", cv2.cvtColor(sheet.rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
        if not encoded:
            raise OSError(f"{path} could not be encoded")
        path.write_bytes(data.tobytes())
        sheets.append(Sheet(sheet.rgb[:0, :0], sheet.record, sheet.truth))  # the pixels are on disk now
        if progress is not None:
            progress(path)
    with (folder / "specimens.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(sheet.record for sheet in sheets)
    truth = {sheet.record["file"]: sheet.truth for sheet in sheets}
    (folder / "truth.json").write_text(json.dumps(truth, indent=1), encoding="utf-8")
    return sheets
