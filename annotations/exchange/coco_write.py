"""COCO (instances and keypoints), written as a stream: images and classes are held back until the objects are written.

cocodataset/cocoapi, https://cocodataset.org/#format-data. Rings of an object are a list, which readers fill as a union; an object
with holes, with parts that overlap or a mask is written as run lengths. What COCO has no member for stands in `lectotype`, which
other readers ignore. Numbers are shortest doubles; ids are whole numbers from 1, which `ids.csv` maps to ours.
"""

from collections.abc import Iterator
from typing import Any

from annotations import region_masks, region_rle, region_text
from annotations.exchange.abilities import BESIDE, EXACT, Ability, out, table
from annotations.exchange.classes import ClassTable
from annotations.exchange.losses import Losses, Miss
from annotations.exchange.model import ExchangeImage, ImageStream, Options, Piece, Statement
from annotations.exchange.pieces import HeldBack, compact
from annotations.exchange.unions import is_union
from annotations.regions import Region, box_ring
from app.runtime.spreadsheets import csv_line

NAME = "annotations.json"
ABILITIES = table(
    box=EXACT, rings=EXACT, parts=EXACT, mask=EXACT,
    holes=Ability("beside", "run lengths, exact to the pixel; the outline itself in a member of our own"),
    oriented_box=Ability("beside", "its four corners, as any ring"),
    line=out("a line has no area, and COCO knows only areas"),
    point=out("a single point is no object of COCO: it has keypoints only as parts of one"),
    whole_image=out("COCO says nothing of whole images"),
    class_=EXACT, class_term=BESIDE, crowd=EXACT, score=EXACT, keypoints=EXACT, text=BESIDE, language=BESIDE, comment=BESIDE,
    number_with_unit=BESIDE, attributes=BESIDE, identifier=BESIDE, creator=BESIDE, run=BESIDE, licence=BESIDE,
)  # fmt: skip


def write(stream: ImageStream, classes: ClassTable, losses: Losses, options: Options) -> Iterator[Piece]:
    """`annotations.json` and `ids.csv`."""
    writer = _Writer(classes, losses, options)
    title = compact({"description": options.title, "version": "1.0"})
    yield NAME, f'{{"info":{title},\n"annotations":[\n'.encode()
    between = ""
    for image, statements in stream:
        number = writer.image(image)
        losses.image(len(statements))
        for statement in statements:
            item = writer.object(image, number, statement)
            if item is not None:
                yield NAME, (between + compact(item)).encode()
                between = ",\n"
    yield NAME, b'\n],\n"images":[\n'
    yield from writer.images.pieces(NAME)
    licences = [{"id": number, "name": iri, "url": iri} for iri, number in writer.licences.items()]
    yield NAME, f'\n],\n"licenses":{compact(licences)},\n"categories":{compact(_categories(classes, options))}\n}}\n'.encode()
    yield "ids.csv", b"kind,id,iri\n"
    yield from writer.ids.pieces("ids.csv")


class _Writer:
    def __init__(self, classes: ClassTable, losses: Losses, options: Options) -> None:
        self.classes, self.losses, self.options = classes, losses, options
        self.images, self.ids = HeldBack(), HeldBack()
        self.licences: dict[str, int] = {}
        self.count = 0

    def image(self, image: ExchangeImage) -> int:
        """Its number."""
        number = self.images.rows + 1
        said: dict[str, Any] = {"id": number, "file_name": image.path, "width": image.width, "height": image.height}
        if image.licence:
            said["license"] = self.licences.setdefault(image.licence, len(self.licences) + 1)
        own = {"id": image.iri, "sha256": image.sha256, "specimen": image.specimen_iri, "rightsHolder": image.rights_holder}
        own |= {"creator": image.creator, "originalName": image.file_name}
        self.images.add_item(compact({**said, "lectotype": {name: value for name, value in own.items() if value}}))
        self._id("image", number, image.iri)
        return number

    def object(self, image: ExchangeImage, number: int, statement: Statement) -> dict[str, Any] | None:
        if self.losses.refuses(statement) or statement.region is None:
            return None
        names = tuple(point.name for point in statement.keypoints)
        of_class = self.classes.of_statement(statement, self.losses, names)
        if of_class is None:
            return None
        segmentation, area, own = _shape(image, statement.region, self.options)
        if area <= 0:
            self.losses.leave_out(statement, "it has no extent")
            return None
        self.count += 1
        box = statement.region.box
        said: dict[str, Any] = {"id": self.count, "image_id": number, "category_id": _number(of_class.number, self.options)}
        said |= {"segmentation": segmentation, "area": area, "bbox": [box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0]}
        said["iscrowd"] = int(statement.crowd)
        misses = list(_keypoints(said, statement, of_class.keypoints))
        if statement.score is not None:
            said["score"] = statement.score
        self._id("annotation", self.count, statement.iri)
        self.losses.wrote(statement, misses)
        return {**said, "lectotype": {**own, **_own(statement)}}

    def _id(self, kind: str, number: int, iri: str) -> None:
        self.ids.add(csv_line([kind, number, iri]))


def _number(number: int, options: Options) -> int:
    return number - 1 + options.category_base


def _shape(image: ExchangeImage, region: Region, options: Options) -> tuple[Any, float, dict[str, Any]]:
    """Segmentation, area, and what our own member says of the shape."""
    if region.kind == "box":
        ring = [number for point in box_ring(region.box) for number in point]
        return [ring], (region.box.x1 - region.box.x0) * (region.box.y1 - region.box.y0), {"shape": "box"}
    if region.mask is None and is_union(region.rings):
        rings = [[number for point in ring for number in point] for ring in region.rings]
        return rings, sum(abs(region_masks.signed_area(ring)) for ring in region.rings), {}
    mask = region.raster()
    if mask is None:
        return [], 0.0, {}
    runs = region_rle.counts(mask, image.width, image.height)
    counts: Any = region_rle.compressed(runs) if options.runs == "compressed" else runs
    own = {"path": region_text.path(region.rings)} if region.rings else {}
    return {"size": [image.height, image.width], "counts": counts}, float(mask.count()), own


def _keypoints(said: dict[str, Any], statement: Statement, names: tuple[str, ...]) -> Iterator[Miss]:
    """Enter the keypoints in the order of their class; one that the class has and the object lacks is 0, 0, 0."""
    if not statement.keypoints:
        return
    by_name = {point.name: point for point in statement.keypoints}
    found = [by_name.get(name) for name in names]
    flat = [(0, 0, 0) if point is None else (point.x, point.y, point.visibility) for point in found]
    said["keypoints"] = [number for triple in flat for number in triple]
    said["num_keypoints"] = sum(triple[2] > 0 for triple in flat)
    if not set(by_name) <= set(names):
        yield Miss("keypoints that the class does not have")


def _own(statement: Statement) -> dict[str, Any]:
    """What COCO has no member for; empty members are left out."""
    said: dict[str, Any] = {
        "id": statement.iri,
        "class": statement.class_iri,
        "text": statement.text,
        "language": statement.language,
        "comment": statement.comment,
        "value": statement.value,
        "unit": statement.unit,
        "creator": statement.creator,
        "run": statement.run,
        "licence": statement.licence,
        "state": statement.state,
        "oriented": statement.oriented,
        "attributes": dict(statement.attributes),
    }
    return {name: value for name, value in said.items() if value not in ("", None, False, {})}


def _categories(classes: ClassTable, options: Options) -> list[dict[str, Any]]:
    found = []
    for one in classes:
        said: dict[str, Any] = {"id": _number(one.number, options), "name": one.name}
        if one.keypoints:
            said |= {"keypoints": list(one.keypoints), "skeleton": [list(pair) for pair in one.skeleton]}
        found.append({**said, "lectotype": {"id": one.iri}} if one.iri else said)
    return found
