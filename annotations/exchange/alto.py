"""ALTO 4: blocks, lines and strings of a page, in pixels; read also in mm10 and inch1200.

https://www.loc.gov/standards/alto/. Text stands in strings alone: a line that holds no words has one string, and a block with a
text of its own has a line for each line of it. Confidence (WC) is from 0 to 1. Coordinates of other units are scaled by
WIDTH and HEIGHT of the page. Reading: lines, and with `words` the strings, too.
"""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from annotations.exchange import text_tree
from annotations.exchange.abilities import EXACT
from annotations.exchange.classes import ClassTable
from annotations.exchange.losses import Losses, Miss
from annotations.exchange.model import (
    Files,
    Found,
    ImageReference,
    ImageStream,
    Options,
    Piece,
    ReadImage,
    ReadObject,
    ReadOptions,
    Refused,
    Statement,
)
from annotations.exchange.naming import beside, whole
from annotations.exchange.page_xml import number_of, points_of, score_of
from annotations.exchange.text_tree import TextBlock, TextLine, outline, told
from annotations.exchange.xml_tree import Node, NoXml, parse
from annotations.model import CanvasBox, Ring
from annotations.region_text import exact
from annotations.regions import Region, bounds, box_ring
from app.runtime.errors import Invalid

NAMESPACE = "http://www.loc.gov/standards/alto/ns-v4#"
ABILITIES = text_tree.abilities(box=EXACT, rings=EXACT, score=EXACT)
UNITS = ("pixel", "mm10", "inch1200")
OWN_TEXT = "text_"  # how the ID of a block begins that has a text of its own


def write(stream: ImageStream, _classes: ClassTable, losses: Losses, _options: Options) -> Iterator[Piece]:
    """`alto/*.xml`, also for images without texts."""
    for image, statements in stream:
        losses.image(len(statements))
        blocks = text_tree.tree(text_tree.texts_of(statements, losses))
        body = "".join(_block(place, block, losses) for place, block in enumerate(blocks))
        head = f'<?xml version="1.0" encoding="UTF-8"?>\n<alto xmlns="{NAMESPACE}">\n<Description><MeasurementUnit>pixel'
        head += f"</MeasurementUnit><sourceImageInformation><fileName>{escape(image.path)}</fileName></sourceImageInformation>"
        head += f'</Description>\n<Layout><Page ID="page" PHYSICAL_IMG_NR="1" WIDTH="{image.width}" HEIGHT="{image.height}">\n'
        space = f'<PrintSpace HPOS="0" VPOS="0" WIDTH="{image.width}" HEIGHT="{image.height}">\n'
        yield beside(image, "alto", "xml"), f"{head}{space}{body}</PrintSpace></Page></Layout>\n</alto>\n".encode()


def _block(place: int, block: TextBlock, losses: Losses) -> str:
    lines = "".join(_line(f"line_{place}_{number}", line, losses) for number, line in enumerate(block.lines))
    if block.own is None:
        return f'<TextBlock ID="block_{place}"{_place(block.box)}>{lines}</TextBlock>\n'
    one = block.own
    _tell(one, losses)
    of_text = "".join(
        f'<TextLine ID="of_{place}_{number}"{_place(block.box)}>{_string(text, block.box, one.score)}</TextLine>'
        for number, text in enumerate(one.text.split("\n"))
    )
    name = f"{OWN_TEXT}{place}"
    first = f'<TextBlock ID="{name}"{_language(one)}{_place(block.box)}>{_shape(one)}{of_text}</TextBlock>\n'
    return first + (f'<TextBlock ID="block_{place}"{_place(block.box)}>{lines}</TextBlock>\n' if lines else "")


def _line(name: str, line: TextLine, losses: Losses) -> str:
    own = line.own
    for word in line.words:
        _tell(word, losses)
    strings = "<SP/>".join(
        f"<String{_place(text_tree.box_of(word))} CONTENT={quoteattr(word.text)}{_score(word.score)}>{_shape(word)}</String>"
        for word in line.words
    )
    if own is None:
        return f'<TextLine ID="{name}"{_place(line.box)}>{strings}</TextLine>\n'
    said = " ".join(word.text for word in line.words)
    _tell(own, losses, [Miss("text")] if line.words and said != own.text else [])
    strings = strings or _string(own.text, line.box, own.score)
    return f'<TextLine ID="{name}"{_language(own)}{_place(line.box)}>{_shape(own)}{strings}</TextLine>\n'


def _tell(one: Statement, losses: Losses, more: list[Miss] | None = None) -> None:
    rings = () if one.region is None else one.region.outlines()
    written = Region(bounds([outline(one)]), (outline(one),))
    told(one, losses, written, exact=len(rings) == 1 and (one.region is None or one.region.mask is None), more=more or [])


def _place(box: CanvasBox) -> str:
    size = f'WIDTH="{exact(box.x1 - box.x0)}" HEIGHT="{exact(box.y1 - box.y0)}"'
    return f' HPOS="{exact(box.x0)}" VPOS="{exact(box.y0)}" {size}'


def _shape(one: Statement) -> str:
    """The outline, also of a box: its width may be rounded, its corners are not."""
    return f'<Shape><Polygon POINTS="{" ".join(f"{exact(x)},{exact(y)}" for x, y in outline(one))}"/></Shape>'


def _string(text: str, box: CanvasBox, score: float | None) -> str:
    return f"<String{_place(box)} CONTENT={quoteattr(text)}{_score(score)}/>"


def _score(score: float | None) -> str:
    return "" if score is None else f' WC="{exact(score)}"'


def _language(one: Statement) -> str:
    return f" LANG={quoteattr(one.language)}" if one.language else ""


def read(files: Files, options: ReadOptions) -> Iterator[Found]:
    """Every `.xml` file that is ALTO. Raises Invalid where there is none."""
    names = [name for name in files.names() if name.lower().endswith((".xml", ".alto"))]
    if not names:
        raise Invalid("ALTO is a file of XML for each image, and there is none.")
    for name in names:
        try:
            root = parse(whole(files, name))
            if root.name.lower() != "alto":
                raise NoXml(f"It is no ALTO: its root is {root.name[:40]!r}.")
            unit = next((node.text.strip() for node in root.all("MeasurementUnit")), "pixel")
            if unit not in UNITS:
                raise NoXml(f"ALTO counts in {', '.join(UNITS)}, not in {unit[:40]!r}.")
        except (NoXml, ValueError) as error:
            yield Refused(name, str(error))
            continue
        file_name = next((node.text.strip() for node in root.all("fileName")), "") or f"{name.rpartition('.')[0]}.jpg"
        for page in root.all("Page"):
            yield from _page(page, name, file_name, unit, options)


def _page(page: Node, name: str, file_name: str, unit: str, options: ReadOptions) -> Iterator[Found]:
    width, height = (_side(page.attributes.get(side, "")) for side in ("WIDTH", "HEIGHT"))
    if unit != "pixel" and not (width and height):
        yield Refused(name, f"A page in {unit} must say its WIDTH and HEIGHT.")
        return
    image = ImageReference(file_name, "", "", width, height, "pixels" if unit == "pixel" else "page")
    blocks = list(page.all("TextBlock"))
    yield ReadImage(image, name, len(blocks))
    for block in blocks:
        lines = [child for child in block.children if child.name == "TextLine"]
        if block.attributes.get("ID", "").startswith(OWN_TEXT):
            text = "\n".join(_content(line) for line in lines)
            yield from _text(block, text, "block", image, name, _strings(lines[0])[0] if lines and _strings(lines[0]) else None)
            continue
        for line in lines:
            strings = _strings(line)
            yield from _text(line, _content(line), "line", image, name, strings[0] if len(strings) == 1 else None)
            if options.words:
                for string in strings:
                    yield from _text(string, string.attributes.get("CONTENT", ""), "word", image, name, string)


def _strings(line: Node) -> list[Node]:
    return [child for child in line.children if child.name == "String"]


def _content(line: Node) -> str:
    return " ".join(string.attributes.get("CONTENT", "") for string in _strings(line))


def _text(node: Node, text: str, granularity: str, image: ImageReference, name: str, scored: Node | None) -> Iterator[Found]:
    if not text.strip():
        return
    row = f"{name}: {node.name} {node.attributes.get('ID', '')}"
    try:
        region = _region(node)
    except ValueError as error:
        yield Refused(row, str(error))
        return
    score = None if scored is None else score_of(scored.attributes.get("WC", ""))
    language = node.attributes.get("LANG") or node.attributes.get("language") or ""
    yield ReadObject(image, row, region, text=text, language=language, score=score, attributes={"granularity": granularity})


def _region(node: Node) -> Region:
    """ValueError."""
    shape = node.child("Shape")
    polygon = None if shape is None else shape.child("Polygon")
    if polygon is not None:
        ring = points_of(polygon.attributes.get("POINTS", ""))
        if len(ring) == 4 and ring == box_ring(bounds([ring])):
            return _with_extent(Region(bounds([ring])))
        return _with_extent(_of_ring(ring))
    x, y, width, height = (number_of(node.attributes.get(side, "")) for side in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
    if not (width > 0 and height > 0):
        raise ValueError("The text has no extent: WIDTH or HEIGHT is 0.")
    left, top = max(0.0, x), max(0.0, y)
    return Region.of_box(left, top, max(x + width, left + 1e-6), max(y + height, top + 1e-6))


def _of_ring(ring: Ring) -> Region:
    return Region(bounds([ring]), (ring,))


def _with_extent(region: Region) -> Region:
    if not (region.box.x1 > region.box.x0 and region.box.y1 > region.box.y0):
        raise ValueError("The text has no extent.")
    return region


def _side(text: str) -> float:
    """Width or height of a page; 0 where it says none."""
    try:
        return max(0.0, number_of(text)) if text else 0.0
    except ValueError:
        return 0.0
