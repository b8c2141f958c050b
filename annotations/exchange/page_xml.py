"""PAGE XML 2019: regions, lines and words of a page with their texts, in whole pixels.

http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15. Confidence is from 0 to 1. Reading: lines with a text, and with
`words` the words, too; regions where they hold no line. Points below 0 are clipped; PrintSpace is no offset.
"""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from annotations.exchange import text_tree
from annotations.exchange.abilities import EXACT, near
from annotations.exchange.classes import ClassTable
from annotations.exchange.losses import Losses
from annotations.exchange.model import (
    ExchangeImage,
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
from annotations.exchange.text_tree import TextBlock, TextLine, outline, told
from annotations.exchange.xml_tree import Node, NoXml, parse
from annotations.model import CanvasBox, Ring
from annotations.region_text import exact
from annotations.regions import Region, bounds, box_ring
from app.runtime.errors import Invalid

NAMESPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
WHOLE = near("whole pixels")
ABILITIES = text_tree.abilities(box=WHOLE, rings=WHOLE, score=EXACT)
REGIONS = ("TextRegion",)
OWN_TEXT = "statement {}"  # of a region whose text is not that of its lines


def write(stream: ImageStream, _classes: ClassTable, losses: Losses, _options: Options) -> Iterator[Piece]:
    """`page/*.xml`, also for images without texts."""
    for image, statements in stream:
        losses.image(len(statements))
        blocks = text_tree.tree(text_tree.texts_of(statements, losses))
        body = "".join(_region(place, block, image, losses) for place, block in enumerate(blocks))
        order = "".join(f'<RegionRefIndexed index="{place}" regionRef="r{place}"/>' for place in range(len(blocks)))
        group = f'<ReadingOrder><OrderedGroup id="o">{order}</OrderedGroup></ReadingOrder>\n' if blocks else ""
        size = f'imageWidth="{image.width}" imageHeight="{image.height}"'
        head = f'<?xml version="1.0" encoding="UTF-8"?>\n<PcGts xmlns="{NAMESPACE}">\n<Metadata><Creator>Lectotype</Creator>'
        head += "<Created>1980-01-01T00:00:00</Created><LastChange>1980-01-01T00:00:00</LastChange></Metadata>\n"
        head += f"<Page imageFilename={quoteattr(image.path)} {size}>\n"
        yield beside(image, "page", "xml"), f"{head}{group}{body}</Page>\n</PcGts>\n".encode()


def _region(place: int, block: TextBlock, image: ExchangeImage, losses: Losses) -> str:
    name = f"r{place}"
    lines = "".join(_line(f"{name}l{number}", line, image, losses) for number, line in enumerate(block.lines))
    own = f' custom="{OWN_TEXT}"' if block.own is not None else ""
    return f'<TextRegion id="{name}"{own}{_coords(block.own, block.box, image, losses, lines)}</TextRegion>\n'


def _line(name: str, line: TextLine, image: ExchangeImage, losses: Losses) -> str:
    words = "".join(
        f'<Word id="{name}w{number}"{_coords(word, text_tree.box_of(word), image, losses)}</Word>'
        for number, word in enumerate(line.words)
    )
    return f'<TextLine id="{name}"{_coords(line.own, line.box, image, losses, words)}</TextLine>\n'


def _coords(one: Statement | None, box: CanvasBox, image: ExchangeImage, losses: Losses, inner: str = "") -> str:
    """The rest of an element: language, outline, what is in it, and its text."""
    ring = box_ring(box) if one is None else outline(one)
    pixels = tuple((min(max(round(x), 0), image.width), min(max(round(y), 0), image.height)) for x, y in ring)
    points = " ".join(f"{x},{y}" for x, y in pixels)
    if one is None:
        return f'>\n<Coords points="{points}"/>{inner}'
    same = ring == tuple((float(x), float(y)) for x, y in pixels) and one.region is not None and len(one.region.outlines()) == 1
    told(one, losses, _region_of(tuple((float(x), float(y)) for x, y in pixels)), exact=same)
    language = f" primaryLanguage={quoteattr(one.language)}" if one.language else ""
    score = "" if one.score is None else f' conf="{exact(one.score)}"'
    return f'{language}>\n<Coords points="{points}"/>{inner}<TextEquiv{score}><Unicode>{escape(one.text)}</Unicode></TextEquiv>'


def _region_of(ring: Ring) -> Region:
    """The region of a ring, which is a box where it is an upright rectangle from its upper left corner."""
    if len(ring) == 4 and ring == box_ring(bounds([ring])):
        return Region(bounds([ring]))
    return Region(bounds([ring]), (ring,))


def read(files: Files, options: ReadOptions) -> Iterator[Found]:
    """Every `.xml` file that is PAGE. Raises Invalid where there is none."""
    names = [name for name in files.names() if name.lower().endswith(".xml")]
    if not names:
        raise Invalid("PAGE is a file of XML for each image, and there is none.")
    for name in names:
        try:
            root = parse(whole(files, name))
            page = root.child("Page")
            if root.name != "PcGts" or page is None:
                raise NoXml("It is no PAGE: it has no PcGts with a Page.")
        except (NoXml, ValueError) as error:
            yield Refused(name, str(error))
            continue
        yield from _page(page, name, options)


def _page(page: Node, name: str, options: ReadOptions) -> Iterator[Found]:
    width, height = (_side(page.attributes.get(side, "")) for side in ("imageWidth", "imageHeight"))
    image = ImageReference(page.attributes.get("imageFilename", ""), "", "", width, height)
    regions = _in_order(page)
    yield ReadImage(image, name, len(regions))
    for region in regions:
        lines = [child for child in region.children if child.name == "TextLine"]
        if not lines or region.attributes.get("custom") == OWN_TEXT:
            yield from _text(region, "block", image, name)
        for line in lines:
            yield from _text(line, "line", image, name)
            words = [child for child in line.children if child.name == "Word"]
            if options.words or line.child("TextEquiv") is None:
                for word in words:
                    yield from _text(word, "word", image, name)


def _text(node: Node, granularity: str, image: ImageReference, name: str) -> Iterator[Found]:
    said = node.child("TextEquiv")
    text = "" if said is None else said.of("Unicode") or said.of("PlainText")
    if not text or said is None:
        return
    row = f"{name}: {node.name} {node.attributes.get('id', '')}"
    coords = node.child("Coords")
    try:
        region = _region_of(points_of("" if coords is None else coords.attributes.get("points", "")))
        if not (region.box.x1 > region.box.x0 and region.box.y1 > region.box.y0):
            raise ValueError("The text has no extent.")
    except ValueError as error:
        yield Refused(row, str(error))
        return
    language = node.attributes.get("primaryLanguage") or node.attributes.get("language") or ""
    yield ReadObject(
        image, row, region, text=text, language=language, score=score_of(said.attributes.get("conf", "")),
        attributes={"granularity": granularity},
    )  # fmt: skip


def _in_order(page: Node) -> list[Node]:
    """The regions in the order of reading, as far as that is said; those in regions after them."""
    regions = list(page.all(*REGIONS))
    indexed: dict[str, tuple[int, int]] = {}
    for place, node in enumerate(page.all("RegionRefIndexed", "RegionRef", "OrderedGroupIndexed", "UnorderedGroupIndexed")):
        index = node.attributes.get("index", "")
        indexed.setdefault(node.attributes.get("regionRef", ""), (int(index) if index.isdigit() and len(index) < 9 else 0, place))
    last = (2**31, 0)
    return sorted(regions, key=lambda node: indexed.get(node.attributes.get("id", ""), last))


def points_of(text: str) -> Ring:
    """`x,y x,y …`, also parted by blanks alone; below 0 is 0. ValueError."""
    words = text.replace(",", " ").split()
    if len(words) < 6 or len(words) % 2 or len(words) > 400_000:
        raise ValueError("An outline needs three points, as x,y x,y x,y.")
    numbers = [max(0.0, number_of(word)) for word in words]
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def number_of(text: str) -> float:
    try:
        number = float(text)
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is no number.") from error
    if not abs(number) < 1e9:
        raise ValueError(f"{text[:40]!r} is no number.")
    return number


def score_of(text: str, whole: float = 1.0) -> float | None:
    """A confidence from 0 to `whole`, as one from 0 to 1; None where there is none."""
    try:
        score = float(text) / whole
    except ValueError:
        return None
    return score if 0 <= score <= 1 else None


def _side(text: str) -> int:
    return int(text) if text.isdigit() and len(text) < 10 else 0
