"""Labels and what stands on them: text is found on a reduced copy, then read block by block at full resolution."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps import layout, shared, writing_kind
from analytics.steps.model import Finding, SheetImage, StepContext, StepResult, TooManyPixels
from analytics.steps.ocr_engine import LONGEST_SIDE_PX, TextLine, read
from analytics.steps.text_language import language_of
from analytics.steps.text_script import script_of
from analytics.steps.writing_kind import LineMeasures
from annotations.model import CanvasBox
from annotations.regions import Region

MOTIVATIONS = ("supplementing", "transcribing")
CONFIDENCE_IS = "the mean of the recogniser's scores of the characters, which is no probability"
MOST_BLOCKS = 60  # that are read closer up; the others stay as the first look has them, and say so
NOT_CLOSER = "the lines are as the first look at the whole reduced image has them, for they could not be read again closer up"
FEWEST_CHARACTERS = 3
MARGIN = 0.06  # of the block's longer side: tight crops are read badly (and at least MARGIN_PX)
MARGIN_PX = 24
SURE = 0.85  # a block that is read so well is not turned
SURE_UPRIGHT = 0.75  # and one of lines from side to side that is read so well: upside down they are read worse
AS_GOOD = 0.8  # of what the first look has read: a turned reading with so much is better, for its order is right
CLEAR = 0.98  # a block of upright lines that is read so well is not read again closer up
LINE_PX = 40.0  # the height of lines that the reader likes: crops are scaled to it
SMALL_LINE_PX = 24.0  # lower lines are read again, enlarged
TALL, CLEAR_TALL = 0.7, 0.93  # of LINE_PX: lines so high in the first look are read again only if they were read worse
LARGEST_GAIN = 3.0
MOST_MEASURED = 30  # lines of a block that are looked at to tell how it was written


@dataclass(frozen=True, slots=True)
class BlockReading:
    """The lines of a block in reading order, in pixels of the image; `turned` degrees counter-clockwise made them upright.
    `closer`: it could be read again at full resolution."""

    lines: tuple[TextLine, ...]
    text: str
    turned: int
    closer: bool = True

    @property
    def score(self) -> float:
        """Mean score of the characters."""
        weights = [len(line.text) for line in self.lines]
        return float(np.average([line.score for line in self.lines], weights=weights)) if weights else 0.0

    @property
    def worth(self) -> float:
        """Characters read, each weighted by how surely: the better of two readings has more."""
        return sum(len(line.text) * max(0.0, line.score - 0.5) for line in self.lines)


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
    """One finding "label" per block of text; `notReadCloser` in its data where only the first look has read it, and why.

    `lowest_score`: lines recognised with less are left out.
    """
    lowest = float(parameters.get("lowest_score", 0.6))
    scale = min(1.0, LONGEST_SIDE_PX / max(image.height_px, image.width_px))
    overview = shared.text_lines(image)
    rulers = [finding.box for finding in context.of_kind("ruler") if finding.box is not None]
    wanted = [line for line in overview if not any(_inside(line, ruler) for ruler in rulers)]
    regions = layout.regions(wanted, LINE_PX, LONGEST_SIDE_PX)
    found = [reading for region in regions[:MOST_BLOCKS] for reading in _best(image, region, scale)]
    found += [reading for region in regions[MOST_BLOCKS:] for reading in _as_found(region, closer=False)]
    readings = [_kept(reading, lowest) for reading in found]
    readings = [reading for reading in readings if sum(map(str.isalnum, reading.text)) >= FEWEST_CHARACTERS]
    findings = tuple(_finding(reading, image) for reading in _without_doubles(readings))
    if findings:
        return StepResult(findings)
    seen = f"{len(overview)} places looked like text, but none was read surely enough" if overview else "nothing looked like text"
    return StepResult((), f"Looked for printed, typed and written text in the whole image: {seen}.")


def _best(image: SheetImage, region: Sequence[TextLine], overview_scale: float) -> list[BlockReading]:
    """The best reading of a region, block by block: as it was found, closer up, and turned if it is not read well upright."""
    upright = all(map(layout.is_upright, region))
    found = _as_found(region)
    height = layout.line_height(region)
    x0, y0, x1, y1 = layout.bounds(region)
    margin = max(MARGIN_PX, MARGIN * max(x1 - x0, y1 - y0), height)
    try:
        crop, left, top = image.crop(x0 - margin, y0 - margin, x1 + margin, y1 + margin)
    except TooManyPixels:  # a page that fills a large image: scaled down to be read, it would be as the first look had it
        return _as_found(region, closer=False)
    if upright:
        best = found
        tall = height * overview_scale >= LINE_PX * TALL
        if _score(found) < (CLEAR_TALL if tall else CLEAR) or height < SMALL_LINE_PX:
            closer = _read_turned(crop, (left, top), 0, height)
            if not closer:  # lines are seen whichever way they run, so none is seen when it is turned, either
                return found
            best = _better(found, closer)
        return best if _score(best) >= SURE_UPRIGHT else _best_turned(best, crop, (left, top), (1, 2, 3), height)
    turned = _best_turned([], crop, (left, top), (3, 1), height)  # the first look reads the lines, but not in their order
    return turned if _worth(turned) >= AS_GOOD * _worth(found) else found


def _as_found(lines: Sequence[TextLine], *, closer: bool = True) -> list[BlockReading]:
    """Upright lines, block by block, as they were recognised."""
    return [BlockReading(tuple(block), layout.text_of(block), 0, closer) for block in layout.blocks(lines)]


def _best_turned(
    before: list[BlockReading], crop: NDArray[np.uint8], origin: tuple[int, int], turns: Sequence[int], line_px: float
) -> list[BlockReading]:
    """The best of what was read before and of the crop turned, until one is read well."""
    best = before
    for turn in turns:
        tried = _read_turned(crop, origin, turn, line_px)
        if _worth(tried) > _worth(best):
            best = tried
        if best is tried and _score(best) >= SURE:
            break
    return best


def _better(found: list[BlockReading], closer: list[BlockReading]) -> list[BlockReading]:
    """The reading from close up, with what only the first look has seen; the first look where that has read more."""
    if _worth(closer) < _worth(found):
        return found
    lines = [line for reading in closer for line in reading.lines]
    missed = [line for reading in found for line in reading.lines if not any(_same_place(line, other) for other in lines)]
    if not missed:
        return closer
    return _as_found([*lines, *missed])


def _score(readings: Sequence[BlockReading]) -> float:
    """Mean score of the characters of all of them."""
    lines = [line for reading in readings for line in reading.lines]
    return BlockReading(tuple(lines), "", 0).score


def _worth(readings: Sequence[BlockReading]) -> float:
    return sum(reading.worth for reading in readings)


def _read_turned(crop: NDArray[np.uint8], origin: tuple[int, int], turns: int, line_px: float) -> list[BlockReading]:
    """The crop turned counter-clockwise by quarters and read, with lines as high as the reader likes them; block by block, in
    pixels of the image that `origin` is the corner in. `line_px` is the height of a line in the crop."""
    height, width = crop.shape[:2]
    scale = min(LARGEST_GAIN, max(1.0, LINE_PX / line_px), LONGEST_SIDE_PX / max(height, width))
    lines = [line for line in read(np.rot90(_scaled(crop, scale), turns)) if turns == 0 or layout.is_upright(line)]
    readings = []
    for block in layout.blocks(lines):
        back = (_turned_back(line.quad / scale, turns, width, height) + origin for line in block)
        placed = tuple(TextLine(line.text, line.score, quad) for line, quad in zip(block, back, strict=True))
        readings.append(BlockReading(placed, layout.text_of(block), turns * 90))
    return readings


def _turned_back(points: NDArray[np.float64], turns: int, width: float, height: float) -> NDArray[np.float64]:
    """Points of `np.rot90(picture, turns)` in the frame of the picture, which is `width` by `height`."""
    x, y = points[:, 0], points[:, 1]
    return np.column_stack([(x, y), (width - y, x), (width - x, height - y), (y, height - x)][turns])


def _kept(reading: BlockReading, lowest: float) -> BlockReading:
    """Without the lines that are not sure enough."""
    lines = tuple(line for line in reading.lines if line.score >= lowest)
    if len(lines) == len(reading.lines):
        return reading
    return replace(reading, lines=lines, text=_text(lines, reading.turned))


def _text(lines: Sequence[TextLine], turned: int) -> str:
    """The words of a block that lost lines: rows are told by place where it is upright, else each line is one."""
    return "\n".join(line.text for line in lines) if turned else layout.text_of(lines)


def _without_doubles(readings: Sequence[BlockReading]) -> list[BlockReading]:
    """Close up, a block may have caught its neighbour too: of two that overlap mostly, the richer stays."""
    kept: list[BlockReading] = []
    for reading in sorted(readings, key=lambda reading: -reading.worth):
        fresh = tuple(
            line for line in reading.lines if not any(_same_place(line, other) for done in kept for other in done.lines)
        )
        if fresh and len(fresh) == len(reading.lines):
            kept.append(reading)
        elif fresh:
            text = _text(fresh, reading.turned)
            if sum(char.isalnum() for char in text) >= FEWEST_CHARACTERS:
                kept.append(replace(reading, lines=fresh, text=text))
    return sorted(kept, key=lambda reading: (layout.bounds(reading.lines)[1], layout.bounds(reading.lines)[0]))


def _same_place(one: TextLine, other: TextLine) -> bool:
    """Whether half of the smaller line lies in the other."""
    a, b = one.bounds, other.bounds
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return width > 0 and height > 0 and width * height > 0.5 * smaller


def _inside(line: TextLine, box: CanvasBox) -> bool:
    x, y = line.quad.mean(axis=0)
    return bool(box.x0 <= x <= box.x1 and box.y0 <= y <= box.y1)


def _finding(reading: BlockReading, image: SheetImage) -> Finding:
    lines = [{"text": line.text, "confidence": round(line.score, 3), "xywh": _xywh(line.bounds)} for line in reading.lines]
    x0, y0, x1, y1 = layout.bounds(reading.lines)
    region = image.within(Region.of_box(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)))
    data: dict[str, Any] = {"turnedDegrees": reading.turned, "lines": lines, "confidenceIs": CONFIDENCE_IS}
    if not reading.closer:
        data["notReadCloser"] = NOT_CLOSER
    if language := language_of(reading.text):
        data["language"] = language
    if script := script_of(reading.lines):
        data["script"] = script
    data["writing"], data["writingFigures"] = writing_kind.kind(_measured(reading, image))
    return Finding("label", reading.text, region, confidence=round(reading.score, 3), motivations=MOTIVATIONS, data=data)


def _measured(reading: BlockReading, image: SheetImage) -> list[LineMeasures]:
    """Of its lines, as far as they tell how they were written."""
    found = []
    for line in reading.lines[:MOST_MEASURED]:
        x0, y0, x1, y1 = line.bounds
        try:
            rgb, left, top = image.crop(x0 - 1, y0 - 1, x1 + 1, y1 + 1)
        except TooManyPixels:
            continue
        if min(rgb.shape[:2]) > 1 and (
            one := writing_kind.measure(writing_kind.laid_level(rgb, line.quad - (left, top)), line.text)
        ):
            found.append(one)
    return found


def _xywh(bounds: tuple[float, float, float, float]) -> str:
    x0, y0, x1, y1 = (max(0, round(value)) for value in bounds)
    return f"{x0},{y0},{max(1, x1 - x0)},{max(1, y1 - y0)}"


def _scaled(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1:
        return rgb
    kernel = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(np.ascontiguousarray(rgb), None, fx=scale, fy=scale, interpolation=kernel), np.uint8)
