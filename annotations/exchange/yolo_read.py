"""YOLO files read: which task they are of, the user says by the format, for a row of nine numbers may be two things.

`names` of `data.yaml` (or `classes.txt`, `obj.names`) name the classes. Coordinates are fractions of the image; a label file
means the image of the same stem.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import PurePosixPath
from typing import Any, Literal

import yaml

from annotations.exchange.model import (
    Files,
    Found,
    ImageReference,
    Keypoint,
    ReadImage,
    ReadObject,
    ReadOptions,
    Refused,
)
from annotations.exchange.naming import text_of
from annotations.exchange.rings import unbridged
from annotations.regions import Region, bounds
from app.runtime.errors import Invalid

Task = Literal["detect", "segment", "obb", "pose"]
MOST_YAML, MOST_NUMBERS, MOST_LINES = 2_000_000, 400_000, 1_000_000
NAME_FILES = ("classes.txt", "obj.names", "_darknet.labels")
NOT_LABELS = ("readme.txt", "train.txt", "val.txt", "test.txt", "requirements.txt", "license.txt", *NAME_FILES)


@dataclass(slots=True)
class _Set:
    """What a set of files says of itself."""

    names: dict[int, str] = field(default_factory=dict)
    points: int = -1
    has_visibility: bool = True
    point_names: dict[int, tuple[str, ...]] = field(default_factory=dict)


def _read(task: Task, files: Files, options: ReadOptions) -> Iterator[Found]:
    """Every label file. Raises Invalid where there is none, where no file names the classes, or the number of keypoints."""
    about = _about(files)
    names = [name for name in files.names() if _is_label(name)]
    if not names:
        raise Invalid("YOLO is a text file for each image, and there is none.")
    if not about.names:
        raise Invalid("No file names the classes: data.yaml with names, classes.txt or obj.names.")
    if task == "pose" and about.points < 0:
        raise Invalid("data.yaml must say kpt_shape: how many keypoints an object has, and with which numbers.")
    for name in names:
        yield from _file(task, files, name, about, options)


read_detect, read_segment = partial(_read, "detect"), partial(_read, "segment")
read_obb, read_pose = partial(_read, "obb"), partial(_read, "pose")


def _is_label(name: str) -> bool:
    path = PurePosixPath(name)
    return path.suffix.lower() == ".txt" and path.name.lower() not in NOT_LABELS


def _file(task: Task, files: Files, name: str, about: _Set, options: ReadOptions) -> Iterator[Found]:
    parts = ["images" if part == "labels" else part for part in PurePosixPath(name).parts]
    image = ImageReference("/".join(parts).removesuffix(PurePosixPath(name).suffix) + ".jpg", frame="fractions")
    try:
        lines = text_of(files, name).splitlines()
    except ValueError as error:
        yield Refused(name, str(error))
        return
    rows = [(place, line.split()) for place, line in enumerate(lines[:MOST_LINES], 1) if line.strip()]
    yield ReadImage(image, name, len(rows))
    for place, words in rows:
        row = f"{name}: line {place}"
        try:
            yield _object(task, words, row, image, about, options)
        except ValueError as error:
            yield Refused(row, str(error))


def _object(task: Task, words: list[str], row: str, image: ImageReference, about: _Set, options: ReadOptions) -> ReadObject:
    """ValueError with a sentence."""
    if len(words) > MOST_NUMBERS:
        raise ValueError(f"A row may have up to {MOST_NUMBERS:,} numbers.")
    numbers = [_number(word) for word in words[1:]]
    number = int(words[0]) if words[0].isascii() and words[0].isdigit() and len(words[0]) < 7 else -1
    if number not in about.names:
        raise ValueError(f"{words[0][:40]!r} is the number of no class.")
    region, points, score = _shape(task, numbers, number, about, options)
    return ReadObject(
        image, row, region, about.names[number], score=score, oriented=task == "obb" and region.kind == "rings", keypoints=points
    )


def _shape(
    task: Task, numbers: list[float], number: int, about: _Set, options: ReadOptions
) -> tuple[Region, tuple[Keypoint, ...], float | None]:
    if task == "segment":
        if len(numbers) < 6 or len(numbers) % 2:
            raise ValueError(f"A segment is three corners or more, an even number of numbers, not {len(numbers)}.")
        ring = tuple(zip(numbers[::2], numbers[1::2], strict=True))
        rings = unbridged(ring) if options.unbridge else (ring,)
        if not rings:
            raise ValueError("The object has no extent.")
        return (Region.of_rings(rings) if len(rings) > 1 else Region(bounds(rings), rings)), (), None
    if task == "obb":
        if len(numbers) not in (8, 9):
            raise ValueError(f"A turned box is four corners, eight numbers, not {len(numbers)}.")
        return _turned(numbers[:8]), (), _score(numbers[8:])
    if task == "pose":
        each = 3 if about.has_visibility else 2
        if len(numbers) != 4 + each * about.points:
            raise ValueError(f"A pose has 4 and {about.points} times {each} numbers, not {len(numbers)}.")
        found = _points(numbers[4:], each, about.point_names.get(number, ()))
        return _box(numbers[:4]), found if any(point.visibility for point in found) else (), None
    if len(numbers) not in (4, 5):
        raise ValueError(f"A box is four numbers (x, y, width, height), not {len(numbers)}.")
    return _box(numbers[:4]), (), _score(numbers[4:])


def _box(numbers: list[float]) -> Region:
    across, down, width, height = numbers
    if not (width > 0 and height > 0):
        raise ValueError("The object has no extent: its width or height is 0.")
    x, y, half_x, half_y = Fraction(across), Fraction(down), Fraction(width) / 2, Fraction(height) / 2
    return Region.of_box(float(x - half_x), float(y - half_y), float(x + half_x), float(y + half_y))


def _turned(numbers: list[float]) -> Region:
    ring = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = ring
    if (ay, bx, cy, dx) == (by, cx, dy, ax) and bx > ax and cy > by:
        return Region.of_box(ax, ay, cx, cy)
    return Region(bounds([ring]), (ring,))


def _points(numbers: list[float], each: int, names: tuple[str, ...]) -> tuple[Keypoint, ...]:
    found = []
    for place in range(len(numbers) // each):
        x, y, *more = numbers[each * place : each * (place + 1)]
        visibility = more[0] if more else (2.0 if x or y else 0.0)
        if visibility not in (0, 1, 2):
            raise ValueError("The visibility of a keypoint is 0, 1 or 2.")
        name = names[place] if place < len(names) else str(place + 1)
        found.append(Keypoint(name, x, y, 2 if visibility == 2 else 1 if visibility == 1 else 0))
    return tuple(found)


def _score(numbers: list[float]) -> float | None:
    return numbers[0] if numbers and 0 <= numbers[0] <= 1 else None


def _number(word: str) -> float:
    try:
        found = float(word)
    except ValueError:
        found = math.nan
    if not abs(found) < 1e9:
        raise ValueError(f"{word[:40]!r} is no number.")
    return found


def _about(files: Files) -> _Set:
    """Raises Invalid for a data.yaml that cannot be read."""
    about = _Set()
    for name in files.names():
        base = PurePosixPath(name).name.lower()
        try:
            if base in ("data.yaml", "data.yml", "dataset.yaml"):
                _of_yaml(text_of(files, name, MOST_YAML), about)
            elif base in NAME_FILES and not about.names:
                lines = [line.strip() for line in text_of(files, name, MOST_YAML).splitlines()]
                about.names = {place: line for place, line in enumerate(lines) if line}
        except (ValueError, yaml.YAMLError, RecursionError) as error:
            raise Invalid(f"{name[:200]} cannot be read: {str(error)[:200]}") from error
    return about


def _of_yaml(text: str, about: _Set) -> None:
    if "&" in text and "*" in text:
        raise ValueError("anchors and aliases are not read.")
    said: Any = yaml.safe_load(text)
    if not isinstance(said, Mapping):
        raise ValueError("it is no mapping.")
    names = said.get("names")
    pairs = names.items() if isinstance(names, Mapping) else enumerate(names) if isinstance(names, list) else ()
    about.names = {int(place): str(name) for place, name in pairs}
    shape = said.get("kpt_shape")
    if isinstance(shape, list) and len(shape) == 2 and shape[1] in (2, 3) and isinstance(shape[0], int) and 0 <= shape[0] <= 1000:
        about.points, about.has_visibility = shape[0], shape[1] == 3
    named = said.get("kpt_names")
    if isinstance(named, Mapping):
        about.point_names = {int(place): tuple(map(str, one)) for place, one in named.items() if isinstance(one, list)}
