"""Run the pipeline's steps over images of known truth, and set what they say against it, unit by unit."""

import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics import pipelines
from analytics.evaluation import scoring
from analytics.evaluation.measures import overlap
from analytics.evaluation.outcomes import Outcome
from analytics.evaluation.truth import Truth, tuned_on
from analytics.steps import specimen
from analytics.steps.deadline import DeadlinePassed, deadline
from analytics.steps.image import SheetImage
from analytics.steps.model import Finding, StepContext, StepResult, Unseen
from iiif.image.errors import RejectedImage
from iiif.image.request import PixelBox
from iiif.image.service import DecodeLimits, pixels_of_file, rgb_of
from ontology.segment_classes import class_of

IGNORED, PLANT = 128, 255  # grey levels of the plant masks
LIMITS = DecodeLimits(max_pixels=1_000_000_000, seconds=300, address_space=6_000_000_000)
DECODE = "decode"
QUARTERS = {3: 2, 6: 3, 8: 1}  # EXIF orientation to turns counter-clockwise


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What an image gave: outcomes, and seconds and failures by step. "decode" and "shared: …" stand among the seconds; what was
    detected for several steps is counted there alone."""

    image: str
    outcomes: tuple[Outcome, ...]
    seconds: dict[str, float] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Analysed:
    """What the steps say of an image: findings by step, the sentence of a step that found nothing, seconds and failures."""

    earlier: dict[str, tuple[Finding, ...]]
    unresolved: dict[str, str]
    seconds: dict[str, float]
    failures: dict[str, str]


def plan(steps: Sequence[str] = (), pipeline: str = "sheet") -> tuple[pipelines.StepPlan, ...]:
    """The steps of the pipeline, or those named, in its order. ValueError for a name that it has not."""
    whole = pipelines.load(pipeline).steps
    if unknown := set(steps) - {step.name for step in whole}:
        named = ", ".join(step.name for step in whole)
        raise ValueError(f"The pipeline {pipeline} has no step {', '.join(sorted(unknown))}; it has: {named}.")
    return tuple(step for step in whole if not steps or step.name in steps)


def analyse(image: SheetImage, steps: Sequence[pipelines.StepPlan]) -> Analysed:
    """One step after another, each within its deadline; one that raises or gives up counts as a failure of its own."""
    done = Analysed({}, {}, {}, {})
    for step in steps:
        shared, started = sum(image.shared_seconds.values()), image.clock()
        try:
            module = importlib.import_module(f"analytics.steps.{step.name}")
            context = StepContext("", done.earlier, frozenset(done.failures), unseen=_unseen(done.earlier))
            with deadline(step.deadline_s):
                result: StepResult = module.run(image, step.parameters, context)
        except DeadlinePassed:
            done.failures[step.name] = f"gave up after {step.deadline_s:g} s"
        except Exception as error:  # noqa: BLE001 - it goes into the report
            done.failures[step.name] = f"{type(error).__name__}: {error}"
        else:
            done.earlier[step.name], done.unresolved[step.name] = result.findings, result.nothing_found
        taken = image.clock() - started - (sum(image.shared_seconds.values()) - shared)
        done.seconds[step.name] = taken
    done.seconds.update({f"shared: {name}": value for name, value in image.shared_seconds.items()})
    return done


def _unseen(earlier: Mapping[str, tuple[Finding, ...]]) -> tuple[Unseen, ...]:
    """What the step of vectors has to look at: the image, and all that becomes a segment."""
    found = [one.box for several in earlier.values() for one in several if class_of(one.kind) and one.box is not None]
    boxes = [PixelBox(int(box.x0), int(box.y0), ceil(box.x1 - box.x0), ceil(box.y1 - box.y0)) for box in found]
    return (Unseen("image", 0, None), *(Unseen(f"segment {number}", 1, box) for number, box in enumerate(boxes)))


def evaluate_image(truth: Truth, steps: Sequence[str] = ()) -> Evaluated:
    """The steps of the pipeline, or those named, on one image."""
    chosen, started = plan(steps), time.monotonic()
    with pixels_of_file(truth.path, LIMITS) as pixels:
        image, decoded = SheetImage(pixels), time.monotonic() - started
        done = analyse(image, chosen)
        overlaps = _plant_overlap(image, truth, done) if truth.mask and "specimen" in done.earlier else None
    ran = frozenset(step.name for step in chosen)
    outcomes = scoring.outcomes(truth, done.earlier, done.unresolved, ran, overlaps)
    return Evaluated(truth.path.name, outcomes, {DECODE: decoded, **done.seconds}, done.failures)


def opened(do: Callable[[], Evaluated], image: str) -> Evaluated:
    """What that gives; an image that cannot be opened is told as a failure of `decode`, for the others are still wanted."""
    try:
        return do()
    except FileNotFoundError:
        return Evaluated(image, (), {}, {DECODE: "there is no such file"})
    except (OSError, RejectedImage) as error:
        return Evaluated(image, (), {}, {DECODE: str(error)})


def evaluate_beetle(path: Path) -> Evaluated:
    """The overlap on a crop of `images/` with its mask in `masks/`, where anything but 0 is beetle."""
    image = SheetImage(rgb_of(path, LIMITS))
    grey = rgb_of(path.parent.parent / "masks" / path.name, LIMITS).max(axis=2)
    mask = specimen.segment(image, 1.0, StepContext())
    value = overlap(mask, grey > 0, np.ones(mask.shape, bool))
    name = f"beetles/{path.name}"
    outcome = Outcome("outline beetles", name, name, value, source="beetles", tuned=name in tuned_on())
    return Evaluated(name, (outcome,))


def known_mask(truth: Truth) -> NDArray[np.uint8]:
    """The mask of the plant in the frame of the upright image, at its own size."""
    drawn = rgb_of(Path(str(truth.mask)), LIMITS)[:, :, 0]
    return np.ascontiguousarray(np.rot90(drawn, QUARTERS.get(truth.orientation, 0)))


def _plant_overlap(image: SheetImage, truth: Truth, done: Analysed) -> float:
    """Of all that is taken for specimen with the mask, at the step's own size."""
    long_side = next(step.parameters["long_side_px"] for step in pipelines.load("sheet").steps if step.name == "specimen")
    context = StepContext("", done.earlier)
    found = specimen.segment(image, min(1.0, long_side / max(image.height_px, image.width_px)), context)
    known = cv2.resize(known_mask(truth), found.shape[::-1], interpolation=cv2.INTER_NEAREST)
    return overlap(found, known == PLANT, known != IGNORED)
