"""Pascal VOC: a file of XML for each image, with upright boxes in whole pixels, counted from 1, both ends included.

The devkit of the PASCAL VOC challenge 2012, section 9. A box is rounded outwards: xmin = x0 + 1, xmax = x1. Many tools count from
0 or write fractions: which it is, is decided once for all files of an import and told.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from xml.sax.saxutils import escape

from annotations.exchange.abilities import EXACT, Ability, Feature, near, out, table
from annotations.exchange.classes import ClassTable
from annotations.exchange.losses import Losses, Miss
from annotations.exchange.model import (
    ExchangeImage,
    Files,
    Found,
    ImageReference,
    ImageStream,
    Note,
    Options,
    Piece,
    ReadImage,
    ReadObject,
    ReadOptions,
    Refused,
    Statement,
)
from annotations.exchange.naming import beside, whole
from annotations.exchange.nearness import iou_of_box
from annotations.exchange.text_tree import NOT_XML
from annotations.exchange.xml_tree import Node, NoXml, parse
from annotations.regions import Region
from app.runtime.errors import Invalid

FLAGS = ("truncated", "difficult", "occluded")
AS_BOX = near("the upright box around it")
ABILITIES = table(
    box=near("rounded outwards to whole pixels"),
    rings=AS_BOX, parts=AS_BOX, holes=AS_BOX, mask=AS_BOX, oriented_box=AS_BOX,
    line=out("a line is no box"), point=out("a point is no box"), whole_image=out("VOC says nothing of whole images"),
    class_=EXACT, crowd=out("a crowd is no single object"),
    attributes=Ability("exact", "truncated, difficult and occluded; no others"),
)  # fmt: skip


def write(stream: ImageStream, classes: ClassTable, losses: Losses, _options: Options) -> Iterator[Piece]:
    """`Annotations/*.xml`, also for images without objects."""
    for image, statements in stream:
        losses.image(len(statements))
        objects = [_object(image, one, classes, losses) for one in statements if not losses.refuses(one)]
        folder, name = PurePosixPath(image.path).parent.name, PurePosixPath(image.path).name
        head = f"<annotation>\n<folder>{escape(folder)}</folder>\n<filename>{escape(name)}</filename>\n"
        head += f"<source><database>{escape(image.iri)}</database></source>\n"
        head += f"<size><width>{image.width}</width><height>{image.height}</height><depth>3</depth></size>\n"
        head += "<segmented>0</segmented>\n"
        yield beside(image, "Annotations", "xml"), f"{head}{''.join(objects)}</annotation>\n".encode()


def _object(image: ExchangeImage, one: Statement, classes: ClassTable, losses: Losses) -> str:
    of_class = classes.of_statement(one, losses)
    if of_class is None or one.region is None:  # without a region it was refused before
        return ""
    if NOT_XML.search(of_class.name):
        losses.leave_out(one, "its class holds a character that XML has no place for")
        return ""
    box = one.region.box
    x0, y0 = math.floor(box.x0), math.floor(box.y0)
    x1, y1 = min(max(math.ceil(box.x1), x0 + 1), image.width), min(max(math.ceil(box.y1), y0 + 1), image.height)
    misses, kept = _misses(one, Region.of_box(x0, y0, x1, y1))
    losses.wrote(one, misses, kept)
    flags = "".join(f"<{name}>{int(bool(one.attributes.get(name)))}</{name}>" for name in FLAGS)
    corners = f"<xmin>{x0 + 1}</xmin><ymin>{y0 + 1}</ymin><xmax>{x1}</xmax><ymax>{y1}</ymax>"
    return f"<object><name>{escape(of_class.name)}</name><pose>Unspecified</pose>{flags}<bndbox>{corners}</bndbox></object>\n"


def _misses(one: Statement, written: Region) -> tuple[list[Miss], tuple[Feature, ...]]:
    region, box = one.region, written.box
    if region is None:
        return [], ()
    own = region.box
    shift = max(abs(own.x0 - box.x0), abs(own.y0 - box.y0), abs(own.x1 - box.x1), abs(own.y1 - box.y1))
    shape = "oriented box" if one.oriented else "mask" if region.mask is not None else "rings" if region.rings else "box"
    misses = [] if shape == "box" and not shift else [Miss(shape, iou=iou_of_box(region, written.box), shift_px=shift)]
    if set(one.attributes) - set(FLAGS):
        misses.append(Miss("attributes"))
    return misses, () if shift or shape != "box" else ("box",)


@dataclass(frozen=True, slots=True)
class _Counting:
    """How a set of files counts pixels: the number of the first, and whether the last of a box is in it."""

    base: int
    inclusive: bool


def read(files: Files, options: ReadOptions) -> Iterator[Found]:
    """Every `.xml` file that is an annotation of VOC. Raises Invalid where there is none."""
    names = [name for name in files.names() if name.lower().endswith(".xml")]
    if not names:
        raise Invalid("Pascal VOC is a file of XML for each image, and there is none.")
    counting, sentence = _counting(files, names, options.voc_base)
    yield Note("", sentence)
    for name in names:
        try:
            root = _root(files, name)
        except (NoXml, ValueError) as error:
            yield Refused(name, str(error))
            continue
        yield from _file(root, name, counting)


def _root(files: Files, name: str) -> Node:
    root = parse(whole(files, name))
    if root.name != "annotation":
        raise NoXml(f"It is no annotation of VOC: its root is {root.name[:40]!r}.")
    return root


def _file(root: Node, name: str, counting: _Counting) -> Iterator[Found]:
    size = root.child("size")
    width, height = (_side(size, side) for side in ("width", "height"))
    file_name, database = root.of("filename"), (root.child("source") or Node("")).of("database")
    folder = root.of("folder")
    named = f"{folder}/{file_name}" if folder and file_name else file_name or f"{PurePosixPath(name).stem}.jpg"
    image = ImageReference(named, database if "ark:" in database else "", "", width, height)
    objects = [node for node in root.children if node.name == "object"]
    yield ReadImage(image, name, len(objects))
    for place, node in enumerate(objects):
        row = f"{name}: object {place + 1}"
        try:
            yield _read_object(node, row, image, counting)
        except ValueError as error:
            yield Refused(row, str(error))


def _read_object(node: Node, row: str, image: ImageReference, counting: _Counting) -> ReadObject:
    """ValueError with a sentence."""
    box = node.child("bndbox")
    if box is None:
        raise ValueError("The object has no bndbox.")
    xmin, ymin, xmax, ymax = (_number(box.of(side), side) for side in ("xmin", "ymin", "xmax", "ymax"))
    more = 1 - counting.base if counting.inclusive else -counting.base
    x0, y0, x1, y1 = xmin - counting.base, ymin - counting.base, xmax + more, ymax + more
    if not (x1 > x0 and y1 > y0):
        raise ValueError(f"The object has no extent: its box is {xmin:g}, {ymin:g}, {xmax:g}, {ymax:g}.")
    flags = {name: True for name in FLAGS if node.of(name).lower() in ("1", "true")}
    return ReadObject(image, row, Region.of_box(x0, y0, x1, y1), node.of("name"), attributes=flags)


def _counting(files: Files, names: list[str], base: int | None) -> tuple[_Counting, str]:
    """How all the files count, and the sentence that tells it."""
    if base is not None:
        return _Counting(base, True), f"Pixels are counted from {base}, as was asked for"
    lowest, fractions, beyond = math.inf, False, False
    for name in names:
        try:
            root = _root(files, name)
        except (NoXml, ValueError):
            continue
        size = root.child("size")
        sides = [_side(size, side) for side in ("width", "height")]
        for box in root.all("bndbox"):
            numbers = [_found(box.of(side)) for side in ("xmin", "ymin", "xmax", "ymax")]
            if None in numbers:
                continue
            xmin, ymin, xmax, ymax = (number or 0.0 for number in numbers)
            lowest = min(lowest, xmin, ymin)
            fractions |= any(not number.is_integer() for number in (xmin, ymin, xmax, ymax))
            beyond |= xmax == sides[0] or ymax == sides[1]
    if fractions:
        return _Counting(0, False), "The files hold fractions of pixels, so coordinates are taken as continuous"
    if lowest < 1:
        ends = "ends are not included" if beyond else "both ends are included"
        return _Counting(0, not beyond), f"The files hold a 0, so pixels are counted from 0 and {ends}"
    return _Counting(1, True), "Pixels are counted from 1, both ends included, as VOC has it"


def _side(size: Node | None, side: str) -> int:
    found = None if size is None else _found(size.of(side))
    return int(found) if found and 0 < found < 2**31 else 0


def _found(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 1e9 else None


def _number(text: str, side: str) -> float:
    found = _found(text)
    if found is None:
        raise ValueError(f"{side} must be a number, not {text[:40]!r}.")
    return found
