"""Run the pipeline's steps over images of known truth, one image after another, and set what they say against it."""

import importlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from analytics import pipelines
from analytics.evaluation.measures import block_distance, overlap, plain, words
from analytics.evaluation.truth import TrueRegion, Truth
from analytics.steps import specimen
from analytics.steps.model import Finding, SheetImage, StepContext, StepResult
from annotations.model import CanvasBox
from iiif.image.service import DecodeLimits, rgb_of

MARGIN = 0.02  # of a region's longer side, within which a line's middle may lie outside it
IGNORED, PLANT = 128, 255  # grey levels of the plant masks
LIMITS = DecodeLimits(max_pixels=1_000_000_000, seconds=300, address_space=6_000_000_000)
QUARTERS = {3: 2, 6: 3, 8: 1}  # EXIF orientation to turns counter-clockwise


@dataclass(frozen=True, slots=True)
class RegionResult:
    """`errors` of `characters`, of a label of that kind (printed, typed, mixed, handwritten)."""

    kind: str
    characters: int
    errors: int


@dataclass(frozen=True, slots=True)
class ImageResult:
    """What was found on an image, beside its truth. `scale` is px_per_mm; `seconds` by step; `failures` by step."""

    truth: Truth
    scale: float | None
    unresolved: str
    codes: tuple[str, ...]
    regions: tuple[RegionResult, ...]
    words_known: int
    words_found: int
    overlap: float | None
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


def evaluate_image(truth: Truth, pipeline: str = "sheet") -> ImageResult:
    """Every step of the pipeline on one image; a step that raises counts as a failure of its own."""
    image = SheetImage(rgb_of(truth.path, LIMITS))
    earlier: dict[str, tuple[Finding, ...]] = {}
    seconds, failures, unresolved = {}, {}, ""
    for step in pipelines.load(pipeline).steps:
        started = time.monotonic()
        try:
            module = importlib.import_module(f"analytics.steps.{step.name}")
            result: StepResult = module.run(image, step.parameters, StepContext("", earlier))
        except Exception as error:  # noqa: BLE001 - it goes into the report
            failures[step.name] = f"{type(error).__name__}: {error}"
            continue
        seconds[step.name] = time.monotonic() - started
        earlier[step.name] = result.findings
        unresolved = result.nothing_found if step.name == "ruler" else unresolved
    context = StepContext("", earlier)
    labels, scale = context.of_kind("label"), context.scale
    read = words(" ".join(label.text for label in labels))
    return ImageResult(
        truth,
        scale.value if scale else None,
        unresolved,
        tuple(str(finding.data["value"]) for finding in context.of_kind("barcode")),
        tuple(_region(region, labels) for region in truth.regions),
        len(words(truth.text)),
        len(words(truth.text) & read),
        _plant_overlap(image, truth, context) if truth.mask else None,
        seconds,
        failures,
    )


def evaluate_beetles(folder: Path, every: int) -> Iterator[tuple[str, float]]:
    """The overlap on every so-many-th crop of `images/` with its mask in `masks/`, where anything but 0 is beetle."""
    for path in sorted((folder / "images").glob("*.png"))[::every]:
        image = SheetImage(rgb_of(path, LIMITS))
        grey = rgb_of(folder / "masks" / path.name, LIMITS).max(axis=2)
        mask = specimen.segment(image, 1.0, StepContext())
        yield path.name, overlap(mask, grey > 0, np.ones(mask.shape, bool))


def _plant_overlap(image: SheetImage, truth: Truth, context: StepContext) -> float:
    long_side = next(step.parameters["long_side_px"] for step in pipelines.load("sheet").steps if step.name == "specimen")
    found = specimen.segment(image, min(1.0, long_side / max(image.height_px, image.width_px)), context)
    drawn = rgb_of(Path(str(truth.mask)), LIMITS)[:, :, 0]
    drawn = np.ascontiguousarray(np.rot90(drawn, QUARTERS.get(truth.orientation, 0)))
    known = cv2.resize(drawn, found.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return overlap(found, known == PLANT, known != IGNORED)


def _region(region: TrueRegion, labels: tuple[Finding, ...]) -> RegionResult:
    """Errors in what was read of one label: those lines of each block whose middle lies in the region."""
    blocks = []
    for label in labels:
        inside = [line["text"] for line in label.data["lines"] if _holds(region.box, line["xywh"])]
        blocks += [" ".join(inside)] if inside else []
    return RegionResult(region.kind, len(plain(region.text)), block_distance(region.text, blocks))


def _holds(box: CanvasBox, xywh: str) -> bool:
    x, y, width, height = map(float, xywh.split(","))
    margin = MARGIN * max(box.x1 - box.x0, box.y1 - box.y0)
    x, y = x + width / 2, y + height / 2
    return box.x0 - margin <= x <= box.x1 + margin and box.y0 - margin <= y <= box.y1 + margin
