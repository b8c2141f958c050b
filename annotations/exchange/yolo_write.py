"""YOLO: a text file for each image, one object a line, in fractions of the picture; detect, segment, OBB and pose.

https://docs.ultralytics.com/datasets/. An image without objects has an empty file. A segment is one ring: holes and further
parts are joined to it by bridges, which readers by the even-odd rule fill exactly, or each part becomes an object.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial

from annotations import region_masks, region_measures
from annotations.exchange.abilities import EXACT, Abilities, Ability, near, out, table
from annotations.exchange.classes import ClassTable
from annotations.exchange.losses import Losses, Miss
from annotations.exchange.model import ExchangeImage, ImageStream, Options, Piece, Statement
from annotations.exchange.naming import beside
from annotations.exchange.nearness import iou_of_box
from annotations.exchange.rings import bridged, from_upper_left, turned_rectangle
from annotations.model import CanvasBox, Ring
from annotations.region_text import exact
from annotations.regions import Region, box_ring

Line = Callable[[ExchangeImage, Statement, Options], tuple[list[list[str]], list[Miss]]]
THIN = {"line": out("a line has no area"), "point": out("a point has no area"), "whole image": out("YOLO has no whole images")}
CROWD = out("a crowd is no single object")


def _abilities(box: Ability, rings: Ability, joined: Ability, turned: Ability, keypoints: Ability | None = None) -> Abilities:
    return table(
        box=box, rings=rings, parts=joined, holes=joined, mask=rings, oriented_box=turned, class_=EXACT, crowd=CROWD,
        line=THIN["line"], point=THIN["point"], whole_image=THIN["whole image"],
        **({"keypoints": keypoints} if keypoints else {}),
    )  # fmt: skip


AS_BOX = near("the upright box around it")
JOINED = near("one ring with bridges, or an object for each part (`parts=split`)")
DETECT = _abilities(EXACT, AS_BOX, AS_BOX, AS_BOX)
SEGMENT = _abilities(near("its four corners: a box comes back as a ring"), EXACT, JOINED, near("its four corners, as any ring"))
OBB = _abilities(EXACT, near("the smallest turned rectangle around it"), near("the smallest turned rectangle around it"), EXACT)
POSE = _abilities(EXACT, AS_BOX, AS_BOX, AS_BOX, EXACT)


def _write(line: Line, stream: ImageStream, classes: ClassTable, losses: Losses, options: Options) -> Iterator[Piece]:
    """`labels/*.txt` and `data.yaml`. Of poses all objects have as many keypoints as the first image with objects shows."""
    points: int | None = None
    for image, statements in stream:
        losses.image(len(statements))
        if points is None and statements:
            known = [len(one.keypoints) for one in classes] + [len(one.keypoints) for one in statements]
            points = max(known) if line is pose_line else 0
        rows = [row for one in statements for row in _rows(line, image, one, classes, losses, options, points or 0)]
        yield beside(image, "labels", "txt"), "".join(f"{' '.join(row)}\n" for row in rows).encode()
    yield "data.yaml", _data(classes, points if line is pose_line else None)


def _rows(
    line: Line, image: ExchangeImage, one: Statement, classes: ClassTable, losses: Losses, options: Options, points: int
) -> list[list[str]]:
    """The rows of one statement; none where it is left out."""
    if losses.refuses(one):
        return []
    of_class = classes.of_statement(one, losses, tuple(point.name for point in one.keypoints))
    if of_class is None:
        return []
    if line is pose_line and len(one.keypoints) not in (0, points):
        losses.leave_out(one, f"all poses of an export have {points} keypoints, or none")
        return []
    rows, misses = line(image, one, options)
    if not rows:
        losses.leave_out(one, "it has no extent")
        return []
    losses.wrote(one, misses)
    missing = ["0"] * (3 * (points - len(one.keypoints))) if line is pose_line else []
    return [[str(classes.place_of(of_class)), *row, *missing] for row in rows]


def _data(classes: ClassTable, points: int | None) -> bytes:
    """data.yaml; `points` is how many keypoints a pose has, None for other tasks."""
    lines = ["path: .", "train: images", "val: images"]
    if points is not None:
        lines.append(f"kpt_shape: [{points}, 3]")
    lines += ["names:" if len(classes) else "names: {}"]
    lines += [f"  {place}: {json.dumps(one.name, ensure_ascii=False)}" for place, one in enumerate(classes)]
    named = [(place, one.keypoints) for place, one in enumerate(classes) if one.keypoints]
    if points and named:
        lines += ["kpt_names:", *(f"  {place}: {json.dumps(names, ensure_ascii=False)}" for place, names in named)]
    iris = {str(place): one.iri for place, one in enumerate(classes) if one.iri}
    if iris:
        lines.append(f"class_iris: {json.dumps(iris, ensure_ascii=False)}")
    return ("\n".join(lines) + "\n").encode()


def detect_line(image: ExchangeImage, one: Statement, _options: Options) -> tuple[list[list[str]], list[Miss]]:
    """Centre, width and height of the box."""
    region = one.region
    if region is None or not _has_extent(region.box):
        return [], []
    shape = "" if region.kind == "box" else "oriented box" if one.oriented else "mask" if region.mask is not None else "rings"
    return [_box(image, region.box)], [Miss(shape, iou=iou_of_box(region, region.box))] if shape else []


def pose_line(image: ExchangeImage, one: Statement, options: Options) -> tuple[list[list[str]], list[Miss]]:
    """The box, and x, y and visibility of each keypoint."""
    rows, misses = detect_line(image, one, options)
    if not rows:
        return [], []
    row = rows[0]
    for point in one.keypoints:
        x, y = (point.x / image.width, point.y / image.height) if point.visibility else (0.0, 0.0)
        row += [_number(x), _number(y), str(point.visibility)]
    return [row], misses


def segment_line(image: ExchangeImage, one: Statement, options: Options) -> tuple[list[list[str]], list[Miss]]:
    """The corners of one ring, or of one for each part."""
    region = one.region
    rings = () if region is None else region.outlines()
    if region is None or not rings or not _has_extent(region.box):
        return [], []
    holes = [ring for ring in rings if region_masks.signed_area(ring) < 0]
    if len(rings) == 1:
        return [_corners(image, rings[0])], []
    if options.parts == "split":
        outer = [ring for ring in rings if region_masks.signed_area(ring) >= 0]
        written = Region.of_rings(outer)
        kinds = (["parts"] if len(outer) > 1 else []) + (["holes"] if holes else [])
        return [_corners(image, ring) for ring in outer], [Miss(kind, iou=_iou(region, written)) for kind in kinds]
    kinds = (["holes"] if holes else []) + (["parts"] if len(rings) - len(holes) > 1 else [])
    return [_corners(image, bridged(rings))], [Miss(kind, iou=1.0) for kind in kinds]


def obb_line(image: ExchangeImage, one: Statement, _options: Options) -> tuple[list[list[str]], list[Miss]]:
    """Four corners, clockwise from the upper left."""
    region = one.region
    if region is None or not _has_extent(region.box):
        return [], []
    if region.kind == "box":
        return [_corners(image, box_ring(region.box))], []
    rings = region.outlines()
    if one.oriented and len(rings) == 1 and len(rings[0]) == 4:
        return [_corners(image, from_upper_left(rings[0]))], []
    corners = turned_rectangle(rings)
    if len(corners) < 4:
        return [], []
    shape = "mask" if region.mask is not None else "rings"
    return [_corners(image, corners)], [Miss(shape, iou=_iou(region, Region.of_rings([corners])))]


write_detect = partial(_write, detect_line)
write_segment = partial(_write, segment_line)
write_obb = partial(_write, obb_line)
write_pose = partial(_write, pose_line)


def _box(image: ExchangeImage, box: CanvasBox) -> list[str]:
    across, down = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    width, height = box.x1 - box.x0, box.y1 - box.y0
    return [
        _number(across / image.width), _number(down / image.height), _number(width / image.width), _number(height / image.height),
    ]  # fmt: skip


def _corners(image: ExchangeImage, ring: Ring) -> list[str]:
    return [text for x, y in ring for text in (_number(x / image.width), _number(y / image.height))]


def _number(share: float) -> str:
    """Nothing above 1 or below 0 leaves."""
    return exact(min(max(share, 0.0), 1.0))


def _has_extent(box: CanvasBox) -> bool:
    return box.x1 > box.x0 and box.y1 > box.y0


def _iou(one: Region, other: Region) -> float:
    return region_measures.iou(one, other)
