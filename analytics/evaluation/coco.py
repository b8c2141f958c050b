"""COCO as truth: a folder of images, and a file of instances that says which objects are on them and where."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from analytics.evaluation import objects
from analytics.evaluation.measures import overlap
from analytics.evaluation.objects import OUTLINE, KnownObject
from analytics.evaluation.outcomes import Outcome
from analytics.evaluation.run import DECODE, LIMITS, Evaluated, analyse, plan
from analytics.steps.image import SheetImage
from analytics.steps.model import Finding
from annotations.exchange import coco_read
from annotations.exchange.model import ReadImage, ReadObject, ReadOptions, Refused
from annotations.region_frames import Frame
from app.runtime.errors import Invalid
from iiif.image.service import pixels_of_file

KINDS = {  # what a class may be called, by what steps call it
    OUTLINE: ("specimen", "plant", "leaf", "insect", "beetle", "fish", "organism", "fossil", "shell", "bone", "body", OUTLINE),
    "label": ("label", "text", "handwriting"),
    "ruler": ("ruler", "scale", "scale bar", "scalebar"),
    "chart": ("chart", "colour chart", "color chart", "colorchecker", "colour card", "color card", "colour_card"),
    "barcode": ("barcode", "qr code", "code", "data matrix"),
}
STEP_OF = {OUTLINE: "specimen", "label": "ocr", "ruler": "ruler", "chart": "chart", "barcode": "barcode"}
NEAR = 0.01  # relative, of the sides' ratio that a file states


class OneFile:
    """The instances alone, as the reader of exchanges takes files."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def names(self) -> Sequence[str]:
        return (self._path.name,)

    def open(self, _: str) -> BinaryIO:
        return self._path.open("rb")

    def size(self, _: str) -> int:
        return self._path.stat().st_size


@dataclass(frozen=True, slots=True)
class CocoImage:
    """One image with its objects, in pixels of the (width, height) that the file states; 0 where it states none."""

    path: Path
    stated: tuple[float, float]
    known: tuple[KnownObject, ...]


@dataclass(frozen=True, slots=True)
class CocoTruth:
    """`unmeasured`: classes that no step states; `refused`: rows that cannot be read, each with why; `crowds` are left out."""

    images: tuple[CocoImage, ...]
    unmeasured: tuple[str, ...]
    refused: tuple[str, ...]
    crowds: int = 0


def read(folder: Path, instances: Path, classes: Mapping[str, str]) -> CocoTruth:
    """All images of the file, whose pictures lie in the folder. `classes`: what steps call a class ("" for nothing), where its
    name does not say so. ValueError for what is no COCO file."""
    known: dict[tuple[str, tuple[float, float]], list[KnownObject]] = {}
    refused, unmeasured, crowds = list[str](), dict[str, None](), 0
    try:
        for found in coco_read.read(OneFile(instances), ReadOptions()):
            if isinstance(found, Refused):
                refused.append(f"{found.row}: {found.reason}")
            elif isinstance(found, ReadImage | ReadObject):
                there = known.setdefault((found.image.name, (found.image.width, found.image.height)), [])
                if isinstance(found, ReadObject) and found.crowd:
                    crowds += 1
                elif isinstance(found, ReadObject) and found.region is not None:
                    kind = kind_of(found.class_name, classes)
                    there.append(KnownObject(found.class_name, kind, found.region))
                    if not kind:
                        unmeasured[found.class_name] = None
    except Invalid as error:
        raise ValueError(str(error)) from error
    images = tuple(CocoImage(folder / name, size, tuple(several)) for (name, size), several in sorted(known.items()))
    return CocoTruth(images, tuple(unmeasured), tuple(refused), crowds)


def kind_of(name: str, classes: Mapping[str, str] = {}) -> str:
    """What steps call it; empty where none states it."""
    if name in classes:
        return classes[name]
    plain = name.strip().lower().replace("_", " ").rstrip("s")
    return next((kind for kind, names in KINDS.items() if plain in {one.rstrip("s") for one in names}), "")


def evaluate(truth: CocoImage, steps: Sequence[str] = ()) -> Evaluated:
    """The steps of the pipeline, or those named, on one image: every object that is known of kinds that they look for."""
    chosen = plan(steps)
    with pixels_of_file(truth.path, LIMITS) as decoded:
        image = SheetImage(decoded)
        size = image.width_px, image.height_px
        if said := _misfit(truth, size):
            return Evaluated(truth.path.name, (), {}, {DECODE: said})
        done = analyse(image, chosen)
    ran = {step.name for step in chosen}
    known = [placed(one, truth.stated, size) for one in truth.known if STEP_OF.get(one.kind) in ran]
    stated = [finding for findings in done.earlier.values() for finding in findings]
    made = partial(Outcome, image=truth.path.name, source="COCO")
    found = [*objects.outcomes(known, stated, size, made, "object"), *_outlines(known, stated, size, made)]
    return Evaluated(truth.path.name, tuple(found), done.seconds, done.failures)


def _misfit(truth: CocoImage, size: tuple[int, int]) -> str:
    """Why its objects cannot be laid on the picture; empty where they can."""
    wide, high = truth.stated
    if not wide or not high or abs(wide / high / (size[0] / size[1]) - 1) <= NEAR:
        return ""
    return f"the file says {wide:g} × {high:g} pixels, but upright the picture has {size[0]} × {size[1]}"


def placed(one: KnownObject, stated: tuple[float, float], size: tuple[int, int]) -> KnownObject:
    """In pixels of the picture, which may be larger or smaller than the file says."""
    if not all(stated) or stated == size:
        return one
    return replace(one, region=Frame.resized(int(stated[0]), int(stated[1]), *size).over(one.region))


def _outlines(
    known: Sequence[KnownObject], stated: Sequence[Finding], size: tuple[int, int], made: "partial[Outcome]"
) -> Iterator[Outcome]:
    """All that is outlined with all that is known to be specimen."""
    ours = [objects.pixels(one.region, size) for one in known if one.kind == OUTLINE]
    theirs = [objects.pixels(one.region, size) for one in stated if one.kind == OUTLINE and one.region is not None]
    if ours:
        whole = ours[0] & False
        one, other = (sum(parts, whole) > 0 for parts in (ours, theirs))
        value = overlap(one, other, ~whole)
        yield made("outline coco", unit=made.keywords["image"], value=value, note=f"outlines overlap by {value:.3f}")
