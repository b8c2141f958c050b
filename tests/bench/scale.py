"""The scale of every photograph whose scale was measured by hand, as it is and changed: turned, halved, compressed, lighter.

`make accuracy-scale` prints one line per photograph and change, and sums. A result is *right* within 1 %, *wrong* otherwise, and
*held* where the true scale lies within twice the stated uncertainty and that of the truth.
"""

import argparse
import csv
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps import ruler
from analytics.steps.model import SheetImage, StepContext
from tests.photographs import pixels_of

Rgb = NDArray[np.uint8]
RIGHT = 0.01


def turned(rgb: Rgb, degrees: float) -> Rgb:
    """All of the picture, turned; what comes in at the corners is grey."""
    height, width = rgb.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    reach = np.abs(turn[:, :2]) @ np.array([width, height])
    turn[:, 2] += reach / 2 - np.array([width, height]) / 2
    size = (round(float(reach[0])), round(float(reach[1])))
    return np.asarray(cv2.warpAffine(rgb, turn, size, flags=cv2.INTER_CUBIC, borderValue=(128, 128, 128)), np.uint8)


def compressed(rgb: Rgb) -> Rgb:
    _, stored = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 40])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1])


def halved(rgb: Rgb) -> Rgb:
    even = rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2]
    return np.asarray(cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def exposed(rgb: Rgb, factor: float) -> Rgb:
    """As with so much more light: linear light times the factor."""
    linear = (np.arange(256) / 255) ** 2.2 * factor
    table = np.round(255 * np.minimum(linear, 1) ** (1 / 2.2)).astype(np.uint8)
    return np.asarray(cv2.LUT(rgb, table), np.uint8)


CHANGES: dict[str, tuple[Callable[[Rgb], Rgb], float]] = {  # what is done, and by how much the scale changes
    "as it is": (lambda rgb: rgb, 1.0),
    "turned by 90°": (lambda rgb: np.ascontiguousarray(np.rot90(rgb)), 1.0),
    "turned by 180°": (lambda rgb: np.ascontiguousarray(np.rot90(rgb, 2)), 1.0),
    "turned by 270°": (lambda rgb: np.ascontiguousarray(np.rot90(rgb, 3)), 1.0),
    "turned by 7°": (lambda rgb: turned(rgb, 7), 1.0),
    "halved": (halved, 0.5),
    "JPEG, quality 40": (compressed, 1.0),
    "30 % more light": (lambda rgb: exposed(rgb, 1.3), 1.0),
    "30 % less light": (lambda rgb: exposed(rgb, 0.7), 1.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("images", type=Path, help="folder with photographs and truth.csv")
    parser.add_argument("--changes", action="store_true", help="also turned, halved, compressed and lighter")
    parser.add_argument("--only", nargs="*", help="names of files")
    asked = parser.parse_args()
    cv2.setNumThreads(1)
    sums: dict[str, Counter[str]] = {name: Counter() for name in (CHANGES if asked.changes else ["as it is"])}
    for row in csv.DictReader((asked.images / "truth.csv").read_text(encoding="utf-8").splitlines()):
        if asked.only and row["file"] not in asked.only:
            continue
        rgb = pixels_of(asked.images / row["file"])
        for name, counted in sums.items():
            change, factor = CHANGES[name]
            counted.update(_measured(row, name, change(rgb), factor))
    for name, counted in sums.items():
        sys.stdout.write(f"{name}\t{dict(sorted(counted.items()))}\n")


def _measured(row: dict[str, str], change: str, rgb: Rgb, factor: float) -> list[str]:
    started = time.process_time()
    result = ruler.run(SheetImage(rgb), {}, StepContext())
    seconds = time.process_time() - started
    known = float(row["px_per_mm"]) * factor if row["px_per_mm"] else None
    if not result.findings:
        verdict, said = "unresolved" if known else "rightly none", result.nothing_found
    else:
        finding = result.findings[0]
        value, uncertainty = finding.value or 0.0, finding.uncertainty or 0.0
        said = f"{value:.4f} ± {uncertainty:.4f} ({finding.data['pattern']})"
        verdict = "false"
        if known:
            off, known_to = abs(value / known - 1), re.search(r"([\d.]+)%", row["px_per_mm_uncertainty"])
            verdict = "right" if off < RIGHT else "wrong"
            held = off <= float(np.hypot(2 * uncertainty / value, float(known_to[1]) / 100 if known_to else 0.0))
            said += f" {100 * (value / known - 1):+.2f} %{', held' if held else ', not held'}"
    sys.stdout.write(f"{row['file']}\t{change}\t{known}\t{verdict}\t{seconds:.1f} s\t{said}\n")
    sys.stdout.flush()
    return [verdict, "held"] if said.endswith(", held") else [verdict]


if __name__ == "__main__":
    sys.exit(main())
