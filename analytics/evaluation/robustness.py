"""The same image turned, halved, compressed, lighter or darker: what is stated of it has to hold within what was said of its
uncertainty, or to be left open."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import hypot

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.evaluation.outcomes import Outcome
from analytics.evaluation.run import LIMITS, Analysed, Evaluated, analyse, plan
from analytics.evaluation.scoring import codes_read
from analytics.evaluation.truth import Truth
from analytics.steps.image import SheetImage
from analytics.steps.model import Finding, StepContext
from iiif.image.service import rgb_of

Rgb = NDArray[np.uint8]
COVERAGE = 2.0  # of the combined standard uncertainties
GREY = (128, 128, 128)


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to the image, and by how much lengths in pixels change."""

    apply: Callable[[Rgb], Rgb]
    factor: float = 1.0


def turned(rgb: Rgb, degrees: float) -> Rgb:
    """All of the picture, turned counter-clockwise; what comes in at the corners is grey."""
    height, width = rgb.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    reach = np.abs(turn[:, :2]) @ np.array([width, height])
    turn[:, 2] += reach / 2 - np.array([width, height]) / 2
    size = (round(float(reach[0])), round(float(reach[1])))
    return np.asarray(cv2.warpAffine(rgb, turn, size, flags=cv2.INTER_CUBIC, borderValue=GREY), np.uint8)


def compressed(rgb: Rgb, quality: int) -> Rgb:
    """As JPEG of that quality, and back."""
    _, stored = cv2.imencode(".jpg", rgb[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(np.asarray(cv2.imdecode(stored, cv2.IMREAD_COLOR), np.uint8)[:, :, ::-1])


def halved(rgb: Rgb) -> Rgb:
    """Exactly half the size; an odd row or column is left out."""
    even = np.ascontiguousarray(rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2])
    return np.asarray(cv2.resize(even, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)


def exposed(rgb: Rgb, factor: float) -> Rgb:
    """As with so many times the light, in linear light."""
    linear = (np.arange(256) / 255) ** 2.2 * factor
    table = np.round(255 * np.minimum(linear, 1) ** (1 / 2.2)).astype(np.uint8)
    return np.asarray(cv2.LUT(rgb, table), np.uint8)


CHANGES: Mapping[str, Change] = {
    "turned by 90°": Change(lambda rgb: np.ascontiguousarray(np.rot90(rgb))),
    "turned by 180°": Change(lambda rgb: np.ascontiguousarray(np.rot90(rgb, 2))),
    "turned by 270°": Change(lambda rgb: np.ascontiguousarray(np.rot90(rgb, 3))),
    "turned by 7°": Change(lambda rgb: turned(rgb, 7)),
    "halved": Change(halved, 0.5),
    "JPEG of quality 40": Change(lambda rgb: compressed(rgb, 40)),
    "30 % more light": Change(lambda rgb: exposed(rgb, 1.3)),
    "30 % less light": Change(lambda rgb: exposed(rgb, 0.7)),
}


def evaluate_changed(truth: Truth, steps: Sequence[str] = (), names: Sequence[str] = ()) -> Evaluated:
    """The steps of the pipeline, or those named, on the image as it is and after each change, or those named."""
    chosen, rgb = plan(steps), rgb_of(truth.path, LIMITS)
    first = analyse(SheetImage(rgb), chosen)
    outcomes: list[Outcome] = []
    seconds, failures = dict(first.seconds), dict(first.failures)
    for name in names or CHANGES:
        done = analyse(SheetImage(CHANGES[name].apply(rgb)), chosen)
        failures |= {f"{step}, {name}": why for step, why in done.failures.items()}
        outcomes += compared(truth, name, first, done)
    return Evaluated(truth.path.name, tuple(outcomes), seconds, failures)


def compared(truth: Truth, name: str, first: Analysed, done: Analysed) -> Iterator[Outcome]:
    """Scale, sizes and codes of the changed image beside those of the image as it is, and beside the truth."""
    factor, before, after = CHANGES[name].factor, StepContext("", first.earlier), StepContext("", done.earlier)

    def made(measure: str, what: str, held: bool, note: str) -> Outcome:
        unit, said = f"{truth.path.name}#{name}#{what}", f"{name}: {note}"
        return Outcome(measure, unit, truth.path.name, float(held), 1.0, name, truth.source, truth.tuned, note=said)

    if "ruler" in done.earlier and (before.scale or after.scale or truth.px_per_mm):
        yield made("changed scale", "scale", *_scale(truth, factor, before.scale, after.scale))
    for kind in ("length", "width", "area"):
        old, new = (next(iter(context.of_kind(kind)), None) for context in (before, after))
        if old is not None and new is not None:
            yield made("changed size", kind, *_size(old, new, factor))
    if "barcode" in done.earlier:
        given = tuple(str(one.data["value"]) for one in after.of_kind("barcode"))
        known = (*truth.codes, *(str(one.data["value"]) for one in before.of_kind("barcode")))
        false = codes_read(known, given)[2]
        yield made("changed codes", "codes", not false, f"false code {', '.join(false)[:80]}")


def _scale(truth: Truth, factor: float, old: Finding | None, new: Finding | None) -> tuple[bool, str]:
    """Whether it is unresolved, or agrees with the truth where that is known, else with the image as it is."""
    if new is None or not new.value:
        return True, "unresolved"
    value, stated = new.value / factor, (new.uncertainty or 0.0) / factor
    if truth.px_per_mm:
        known, error = truth.px_per_mm, truth.px_per_mm_error * truth.px_per_mm
    elif old is not None and old.value:
        known, error = old.value, old.uncertainty or 0.0
    else:
        return False, f"a scale of {value:.4g} px/mm, where none was found before and none is known"
    held = abs(value - known) <= COVERAGE * hypot(stated, error)
    return held, f"a scale of {value:.4g} ± {stated:.2g} px/mm where {known:.4g} ± {error:.2g} is right"


def _size(old: Finding, new: Finding, factor: float) -> tuple[bool, str]:
    """Whether the two agree, or one of them says that it is doubtful, or they are in different units, as without a scale."""
    if old.data.get("doubts") or new.data.get("doubts"):
        return True, "doubtful"
    if old.unit != new.unit or old.value is None or new.value is None:
        return True, "in other units"
    power = (2 if old.kind == "area" else 1) if old.unit.startswith("px") else 0
    value, stated = new.value / factor**power, (new.uncertainty or 0.0) / factor**power
    held = abs(value - old.value) <= COVERAGE * hypot(stated, old.uncertainty or 0.0)
    shown = f"{value:.4g} ± {stated:.2g}", f"{old.value:.4g} ± {old.uncertainty or 0.0:.2g}"
    return held, f"{old.kind} {shown[0]} {old.unit} where the image as it is has {shown[1]}"
