"""COCO, read as a stream: first images and classes, wherever they stand, then the objects one by one.

Nothing of it is handed to pycocotools, whose memory foreign run lengths corrupt (2.0.11). Rings of one object are a union.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import ijson

from annotations import region_rle, region_text, selectors
from annotations.errors import AnnotationTooBig, BadSelector
from annotations.exchange.model import (
    Files,
    Found,
    ImageReference,
    Keypoint,
    Note,
    ReadImage,
    ReadObject,
    ReadOptions,
    Refused,
)
from annotations.exchange.unions import of_union
from annotations.model import Canvas
from annotations.regions import Region, of_mask
from app.runtime.errors import Invalid

MOST_IMAGES = 2_000_000
MOST_POINTS = 200_000
SAME_PX = 1e-6  # corners so near are those of one box
NOT_JSON = "The file is no JSON that can be read to its end"


@dataclass(slots=True)
class _Head:
    """The images and classes of a file, by id."""

    images: dict[str, ImageReference] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    keypoints: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set)
    objects: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)


def read(files: Files, options: ReadOptions) -> Iterator[Found]:
    """All objects of every `.json` file. Raises Invalid where there is none."""
    names = [name for name in files.names() if name.lower().endswith(".json") and not name.endswith("losses.json")]
    if not names:
        raise Invalid("COCO is a JSON file, and there is none.")
    for name in names:
        try:
            yield from _read_one(files, name, options)
        except ijson.JSONError as error:
            raise Invalid(f"{NOT_JSON}: {name[:200]!r}, {str(error)[:200]}") from error
        except UnicodeDecodeError as error:
            raise Invalid(f"{name[:200]!r} is not UTF-8.") from error


def _read_one(files: Files, name: str, options: ReadOptions) -> Iterator[Found]:
    with files.open(name) as stream:
        first = stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if first != b"{":
        raise Invalid(
            f"{name[:200]!r} is no COCO file: it has no object with images, annotations and categories. A list of results "
            "alone does not say of which images it is."
        )
    head = _Head()
    yield from _read_images(files, name, head)
    yield from _read_classes(files, name, head)
    if not head.images:
        raise Invalid(f"{name[:200]!r} lists no images, so it is no COCO file.")
    with files.open(name) as stream:
        for place, one in enumerate(ijson.items(stream, "annotations.item", use_float=True)):
            yield from _object(one, f"{name}: annotations[{place}]", head, options)
    for number, image in head.images.items():
        if number not in head.objects and number not in head.ambiguous:
            yield ReadImage(image, f"{name}: image {number}")


def _read_images(files: Files, name: str, head: _Head) -> Iterator[Found]:
    with files.open(name) as stream:
        for place, one in enumerate(ijson.items(stream, "images.item", use_float=True)):
            row = f"{name}: images[{place}]"
            if place >= MOST_IMAGES:
                raise Invalid(f"A COCO file may list up to {MOST_IMAGES:,} images.")
            if not isinstance(one, Mapping) or _id(one.get("id")) is None:
                yield Refused(row, "An image needs an id, a number or a text.")
                continue
            number, image = str(_id(one["id"])), _image(one)
            if number in head.images and head.images[number] != image:
                head.ambiguous.add(number)
                yield Refused(row, f"The id {number[:40]} is that of two images, so nothing tells which one an object is of.")
            head.images.setdefault(number, image)


def _image(one: Mapping[str, Any]) -> ImageReference:
    own = one.get("lectotype")
    own = own if isinstance(own, Mapping) else {}
    width, height = (_whole(one.get(side)) for side in ("width", "height"))
    file_name = one.get("file_name")
    return ImageReference(
        file_name if isinstance(file_name, str) else "", _text(own.get("id")), _text(own.get("sha256")), width, height
    )


def _read_classes(files: Files, name: str, head: _Head) -> Iterator[Found]:
    with files.open(name) as stream:
        for place, one in enumerate(ijson.items(stream, "categories.item", use_float=True)):
            row = f"{name}: categories[{place}]"
            number = _id(one.get("id")) if isinstance(one, Mapping) else None
            if number is None or not isinstance(one.get("name"), str):
                yield Refused(row, "A category needs an id and a name.")
                continue
            if head.names.get(number, one["name"]) != one["name"]:
                yield Note(row, f"The category {number} has two names; the first counts: {head.names[number]!r}.")
            head.names.setdefault(number, one["name"])
            points = one.get("keypoints")
            if isinstance(points, list) and all(isinstance(point, str) for point in points):
                head.keypoints.setdefault(number, tuple(points))


def _object(one: Any, row: str, head: _Head, options: ReadOptions) -> Iterator[Found]:
    if not isinstance(one, Mapping):
        yield Refused(row, "An annotation must be an object.")
        return
    number, image_id, category = (_id(one.get(name)) for name in ("id", "image_id", "category_id"))
    image = head.images.get(image_id or "")
    if image is None or image_id is None or image_id in head.ambiguous:
        yield Refused(row, f"image_id {str(one.get('image_id'))[:40]!r} is that of no image of the file, or of two.")
        return
    head.objects.add(image_id)
    if category not in head.names:
        yield Refused(row, f"category_id {str(one.get('category_id'))[:40]!r} is that of no category of the file.")
        return
    if number is not None and number in head.seen:
        yield Note(row, "An id of an annotation stands twice; each of the objects comes in.")
    head.seen.add(number or "")
    try:
        region = _region(one, image)
        points = _keypoints(one, head.keypoints.get(str(category), ()), options)
    except (BadSelector, AnnotationTooBig, ValueError) as error:
        yield Refused(row, str(error))
        return
    yield _made(one, row, image, region, head.names[str(category)], points)


def _made(
    one: Mapping[str, Any], row: str, image: ImageReference, region: Region, name: str, points: tuple[Keypoint, ...]
) -> ReadObject:
    own = one.get("lectotype")
    own = own if isinstance(own, Mapping) else {}
    score, value, attributes = one.get("score"), own.get("value"), own.get("attributes")
    return ReadObject(
        image=image,
        row=row,
        region=region,
        class_name=name,
        number=_id(one.get("id")) or "",
        text=_text(own.get("text")),
        language=_text(own.get("language")),
        comment=_text(own.get("comment")),
        score=float(score) if _is_number(score) and 0 <= score <= 1 else None,
        crowd=one.get("iscrowd") in (1, True),
        oriented=own.get("oriented") is True,
        keypoints=points,
        value=float(value) if _is_number(value) else None,
        unit=_text(own.get("unit")),
        creator=_text(own.get("creator")),
        iri=_text(own.get("id")),
        attributes=attributes if isinstance(attributes, Mapping) else {},
    )


def _region(one: Mapping[str, Any], image: ImageReference) -> Region:
    """Raises ValueError, BadSelector, AnnotationTooBig with a sentence."""
    shape, own = one.get("segmentation"), one.get("lectotype")
    if isinstance(own, Mapping) and own.get("shape") == "box" and one.get("bbox"):
        return _own_box(_box(one["bbox"]), shape)
    if isinstance(shape, Mapping):
        return _of_runs(shape, image, own if isinstance(own, Mapping) else {})
    if isinstance(shape, list) and shape:
        rings = [shape] if _is_number(shape[0]) else shape
        if sum(len(ring) if isinstance(ring, list) else 0 for ring in rings) > 2 * MOST_POINTS:
            raise AnnotationTooBig(f"An object may have up to {MOST_POINTS:,} points.", parameter="segmentation")
        region = of_union([_ring(ring) for ring in rings])
        if not (region.box.x1 > region.box.x0 and region.box.y1 > region.box.y0):
            raise ValueError("The object has no extent.")
        return region
    if shape not in (None, [], ""):
        raise ValueError("segmentation must be a list of rings or an object with counts and size.")
    if one.get("bbox"):
        return _box(one["bbox"])
    raise ValueError("The object has neither a segmentation nor a bbox.")


def _box(box: Any) -> Region:
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise ValueError("bbox must be four numbers: x, y, width, height.")
    if not (box[2] > 0 and box[3] > 0):
        raise ValueError("The object has no extent: its bbox has no width or no height.")
    found = region_text.box_of(*(region_text.exact(number) for number in box))
    return Region.of_box(found.x0, found.y0, found.x1, found.y1)


def _own_box(told: Region, shape: Any) -> Region:
    """The box of which the ring says the corners to the last digit, as long as that is the box which `bbox` says."""
    if isinstance(shape, list) and len(shape) == 1:
        drawn = of_union([_ring(shape[0])]).box
        corners = ((drawn.x0, told.box.x0), (drawn.y0, told.box.y0), (drawn.x1, told.box.x1), (drawn.y1, told.box.y1))
        if all(abs(one - other) < SAME_PX for one, other in corners):
            return Region(drawn)
    return told


def _ring(flat: Any) -> Sequence[tuple[float, float]]:
    if not isinstance(flat, list) or len(flat) % 2 or not all(map(_is_number, flat)):
        raise ValueError("A ring must be an even number of finite numbers: x, y, x, y, …")
    if len(flat) < 6:
        raise ValueError("A ring needs three points.")
    return [(float(x), float(y)) for x, y in zip(flat[::2], flat[1::2], strict=True)]


def _of_runs(shape: Mapping[str, Any], image: ImageReference, own: Mapping[str, Any]) -> Region:
    counts, size = shape.get("counts"), shape.get("size")
    if not isinstance(counts, str | list) or not isinstance(size, list) or len(size) != 2 or not all(map(_is_number, size)):
        raise ValueError("Run lengths need counts, and size as [height, width].")
    height, width = (int(image.height) or int(size[0]), int(image.width) or int(size[1]))
    if min(width, height) < 1:
        raise ValueError("Run lengths need a size of at least one pixel.")
    mask = region_rle.mask_of(counts, [int(side) for side in size], width, height)
    if mask is None:
        raise ValueError("The object has no extent: no pixel of its mask is set.")
    path = own.get("path")
    if isinstance(path, str):  # our own outline, as long as it says the same pixels
        drawn = _drawn(path, Canvas(width, height))
        if drawn is not None and drawn.raster() == mask:
            return drawn
    return of_mask(mask)


def _drawn(path: str, canvas: Canvas) -> Region | None:
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><path fill-rule="evenodd" d="{path}"/></svg>'
    try:
        return selectors.read_shape(svg, canvas)
    except (BadSelector, AnnotationTooBig):
        return None


def _keypoints(one: Mapping[str, Any], names: tuple[str, ...], options: ReadOptions) -> tuple[Keypoint, ...]:
    flat = one.get("keypoints")
    if not flat:
        return ()
    if not isinstance(flat, list) or len(flat) % 3 or not all(map(_is_number, flat)) or len(flat) != 3 * len(names):
        raise ValueError(f"keypoints must be x, y, visibility for each of the {len(names)} points of the category.")
    half = 0.5 if options.pixel_index else 0.0
    made = []
    for place, name in enumerate(names):
        x, y, visibility = flat[3 * place : 3 * place + 3]
        if visibility not in (0, 1, 2):
            raise ValueError("The visibility of a keypoint is 0, 1 or 2.")
        shift = half if visibility else 0.0
        made.append(Keypoint(name, float(x) + shift, float(y) + shift, 2 if visibility == 2 else 1 if visibility == 1 else 0))
    return tuple(made)


def _id(value: Any) -> str | None:
    """An id as text; whole numbers without a fraction, so that 7, 7.0 and "7" are the same."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float):
        return str(int(value)) if math.isfinite(value) and value.is_integer() else None
    return str(value)[:200] if isinstance(value, int | str) and str(value) else None


def _whole(value: Any) -> int:
    return int(value) if _is_number(value) and 0 < value < 2**31 else 0


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
