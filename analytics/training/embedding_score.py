"""How well like pictures lie near each other by vectors: copies of an image and its original, parts of sheets of one class.

Images that the directions were fitted on stand apart: only the others foretell.
"""

import json
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from analytics.steps import embedding
from analytics.training.photographs import read

Pixels = NDArray[np.uint8]
Change = Callable[[Pixels, Generator], Pixels]
See = Callable[[Pixels], NDArray[np.float16]]
CLASSES = ("barcode", "chart", "label", "packet", "ruler", "stamp")
EVERY_BEETLE = 3  # of those held out
NEAREST = 10


@dataclass(frozen=True, slots=True)
class Scores:
    """`copies`: by what was done to the copy, how many found their original first, among all and among those never fitted on,
    each (found, of). `parts`: by class, how many have one of their class first, how many among the ten nearest, of how many."""

    gallery: int
    copies: Mapping[str, tuple[tuple[int, int], tuple[int, int]]]
    parts: Mapping[str, tuple[int, int, int]]
    cpu_ms: float


def score(data: Path, session: Any, fitted_on: Collection[str], every_beetle: int) -> Scores:
    """Of all photographs and those beetles that were not fitted on, with a session of the network."""
    photographs = {path.name: read(path) for path in sorted((data / "specimens").glob("*")) if path.suffix != ".csv"}
    beetles = sorted((data / "beetles" / "images").glob("*"))[:: every_beetle * EVERY_BEETLE]
    named = list(photographs.items()) + [(f"beetles/{path.name}", read(path)) for path in beetles]
    see = partial(embedding.vector, session=session)
    began = time.process_time()
    gallery = _stacked([see(rgb) for _, rgb in named])
    cpu_ms = 1000 * (time.process_time() - began) / len(named)
    unfitted = np.array([name not in fitted_on for name, _ in named])
    copies = {}
    for what, change in COPIES.items():
        random = np.random.default_rng(1)
        copy = _stacked([see(change(rgb, random)) for _, rgb in named])
        right = (copy @ gallery.T).argmax(axis=1) == np.arange(len(named))
        copies[what] = ((int(right.sum()), len(right)), (int(right[unfitted].sum()), int(unfitted.sum())))
    return Scores(len(named), copies, _parts(data, see, fitted_on), cpu_ms)


def _parts(
    data: Path, see: Callable[[Pixels], NDArray[np.float16]], fitted_on: Collection[str]
) -> dict[str, tuple[int, int, int]]:
    """Each box of a sheet that was not fitted on, asked among the boxes of all the other sheets."""
    boxes: Mapping[str, Any] = json.loads((data / "annotations" / "components_boxes.json").read_text(encoding="utf-8"))
    vectors, classes, sheets = [], [], []
    for name, parts in boxes.items():
        whole = read(data / "specimens" / name, reduce=False)
        for one in CLASSES:
            for box in parts.get(one, []):
                vectors.append(see(_around(whole, box)))
                classes.append(one)
                sheets.append(name)
    stacked, of, sheet = _stacked(vectors), np.array(classes), np.array(sheets)
    found = {}
    for one in CLASSES:
        first = near = asked = 0
        for number in np.flatnonzero((of == one) & np.array([name not in fitted_on for name in sheets])):
            others = np.flatnonzero(sheet != sheet[number])
            if not (of[others] == one).any():
                continue
            nearest = others[np.argsort(-(stacked[others] @ stacked[number]), kind="stable")[:NEAREST]]
            first, near, asked = first + (of[nearest[0]] == one), near + bool((of[nearest] == one).any()), asked + 1
        found[one] = (int(first), int(near), asked)
    return found


def _around(rgb: Pixels, box: Sequence[float]) -> Pixels:
    """As the step cuts a segment out."""
    x0, y0, x1, y1 = box
    around = embedding.PADDING * max(x1 - x0, y1 - y0)
    return rgb[max(0, round(y0 - around)) : round(y1 + around), max(0, round(x0 - around)) : round(x1 + around)]


def _stacked(vectors: Sequence[NDArray[np.float16]]) -> NDArray[np.float32]:
    return np.asarray(np.stack(vectors), np.float32)


def _turned(degrees: float, rgb: Pixels, _: Generator) -> Pixels:
    height, width = rgb.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    ground = [float(value) for value in np.median(rgb[0], axis=0)]
    return np.asarray(cv2.warpAffine(rgb, turn, (width, height), borderValue=ground), np.uint8)


def _quarter(rgb: Pixels, _: Generator) -> Pixels:
    return np.ascontiguousarray(np.rot90(rgb))


def _cropped(rgb: Pixels, random: Generator) -> Pixels:
    """80 % of each side, anywhere."""
    height, width = rgb.shape[:2]
    y, x = int(random.integers(height // 5 + 1)), int(random.integers(width // 5 + 1))
    return rgb[y : y + height * 4 // 5, x : x + width * 4 // 5]


def _compressed(rgb: Pixels, _: Generator) -> Pixels:
    """Halved, and as JPEG of quality 40."""
    small = cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR), np.uint8)


def _lit(factor: float, rgb: Pixels, _: Generator) -> Pixels:
    return np.asarray(np.clip(rgb * factor, 0, 255), np.uint8)


def _all(rgb: Pixels, random: Generator) -> Pixels:
    return _compressed(_cropped(_turned(187, _lit(0.8, rgb, random), random), random), random)


COPIES: Mapping[str, Change] = {
    "turned by 90°": _quarter,
    "turned by 7°": partial(_turned, 7.0),
    "turned by 33°": partial(_turned, 33.0),
    "cropped to 80 %": _cropped,
    "halved, JPEG 40": _compressed,
    "30 % lighter": partial(_lit, 1.3),
    "30 % darker": partial(_lit, 0.7),
    "darker, turned by 187°, cropped, halved, JPEG 40": _all,
}


PARTS = "Parts of sheets that were not fitted on, asked among those of all other sheets: how many find one of their class."


def tables(scores: Scores) -> str:
    """Markdown."""
    lines = [f"Copies among {scores.gallery} images: how many find their original first.", ""]
    lines += ["| copy | all | not fitted on |", "|---|---|---|"]
    lines += [f"| {what} | {a} of {b} | {c} of {d} |" for what, ((a, b), (c, d)) in scores.copies.items()]
    lines += ["", PARTS, "", "| class | first | among the ten nearest | of |", "|---|---|---|---|"]
    lines += [f"| {one} | {first} | {near} | {asked} |" for one, (first, near, asked) in scores.parts.items()]
    return "\n".join([*lines, "", f"A vector takes {scores.cpu_ms:.0f} ms of CPU.", ""])
