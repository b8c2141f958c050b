"""hOCR: lines and words of a page as HTML, with boxes in whole pixels and confidence in per cent.

http://kba.github.io/hocr-spec/1.2/. What is written is XHTML, so that readers of XML read it; read is XHTML alone. Reading:
lines, and with `words` the words, too.
"""

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from annotations.exchange import text_tree
from annotations.exchange.abilities import Feature, near
from annotations.exchange.classes import ClassTable
from annotations.exchange.losses import Losses, Miss
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
from annotations.exchange.page_xml import score_of
from annotations.exchange.text_tree import TextBlock, TextLine, told
from annotations.exchange.xml_tree import Node, NoXml, parse
from annotations.model import CanvasBox
from annotations.regions import Region
from app.runtime.errors import Invalid

BOX = near("the upright box around it, in whole pixels")
ABILITIES = text_tree.abilities(box=near("whole pixels"), rings=BOX, score=near("whole per cent"))
LINES = ("ocr_line", "ocr_textfloat", "ocr_header", "ocr_caption", "ocrx_line")
WORDS = ("ocrx_word", "ocr_word")
OWN_TEXT = "ocrx_block"  # a block with a text of its own
NUMBERS = re.compile(r"\bbbox\s+(-?\d{1,9})\s+(-?\d{1,9})\s+(-?\d{1,9})\s+(-?\d{1,9})", re.ASCII)
IMAGE = re.compile(r"\bimage\s+(?:\"([^\"]*)\"|'([^']*)'|([^;]+))")
SCORE = re.compile(r"\b(?:x_wconf|x_conf)\s+(\d{1,3}(?:\.\d{1,9})?)", re.ASCII)


def write(stream: ImageStream, _classes: ClassTable, losses: Losses, _options: Options) -> Iterator[Piece]:
    """`hocr/*.html`, also for images without texts."""
    for image, statements in stream:
        losses.image(len(statements))
        blocks = text_tree.tree(text_tree.texts_of(statements, losses))
        body = "".join(_block(block, image, losses) for block in blocks)
        head = '<html xmlns="http://www.w3.org/1999/xhtml"><head><title></title><meta http-equiv="Content-Type" '
        head += 'content="text/html; charset=utf-8"/><meta name="ocr-system" content="lectotype"/>'
        head += '<meta name="ocr-capabilities" content="ocr_page ocr_carea ocr_line ocrx_word"/></head>\n<body>\n'
        title = quoteattr(f'image "{image.path}"; bbox 0 0 {image.width} {image.height}')
        page = f'<div class="ocr_page" title={title}>\n{body}</div>'
        yield beside(image, "hocr", "html"), f'<?xml version="1.0" encoding="UTF-8"?>\n{head}{page}\n</body></html>\n'.encode()


def _block(block: TextBlock, image: ExchangeImage, losses: Losses) -> str:
    lines = "".join(_line(line, image, losses) for line in block.lines)
    own = "" if block.own is None else _element("p", OWN_TEXT, block.own, image, losses)
    return f'<div class="ocr_carea" title="{_bbox(block.box, image)}">\n{own}{lines}</div>\n'


def _line(line: TextLine, image: ExchangeImage, losses: Losses) -> str:
    words = " ".join(_element("span", "ocrx_word", word, image, losses) for word in line.words)
    if line.own is None:
        return f'<span class="ocr_line" title="{_bbox(line.box, image)}">{words}</span>\n'
    said = " ".join(word.text for word in line.words)
    more = [Miss("text")] if line.words and said != line.own.text else []
    return _element("span", "ocr_line", line.own, image, losses, words, more) + "\n"


def _element(
    tag: str, name: str, one: Statement, image: ExchangeImage, losses: Losses, inner: str = "", more: list[Miss] | None = None
) -> str:
    box = _whole(text_tree.box_of(one), image)
    misses = list(more or [])
    percent = None if one.score is None else round(one.score * 100)
    kept: tuple[Feature, ...] = ("score",) if percent is not None and one.score is not None and percent / 100 == one.score else ()
    same = one.region is not None and one.region.kind == "box" and one.region.box == box
    told(one, losses, Region(box), exact=same, more=misses, kept=kept)
    title = _bbox(box, image) + ("" if percent is None else f"; x_wconf {percent}")
    language = f" lang={quoteattr(one.language)} xml:lang={quoteattr(one.language)}" if one.language else ""
    text = inner or escape(one.text).replace("\n", "<br/>")
    return f'<{tag} class="{name}"{language} title="{title}">{text}</{tag}>'


def _whole(box: CanvasBox, image: ExchangeImage) -> CanvasBox:
    x0, y0 = max(0, round(box.x0)), max(0, round(box.y0))
    return CanvasBox(x0, y0, min(max(round(box.x1), x0 + 1), image.width), min(max(round(box.y1), y0 + 1), image.height))


def _bbox(box: CanvasBox, image: ExchangeImage) -> str:
    whole_box = _whole(box, image)
    return f"bbox {int(whole_box.x0)} {int(whole_box.y0)} {int(whole_box.x1)} {int(whole_box.y1)}"


def read(files: Files, options: ReadOptions) -> Iterator[Found]:
    """Every `.html`, `.hocr` or `.xhtml` file. Raises Invalid where there is none."""
    names = [name for name in files.names() if name.lower().endswith((".html", ".hocr", ".xhtml", ".htm"))]
    if not names:
        raise Invalid("hOCR is a file of HTML for each image, and there is none.")
    for name in names:
        try:
            root = parse(_plain(whole(files, name)))
        except (NoXml, ValueError) as error:
            yield Refused(name, f"Only hOCR that is XHTML is read. {error}")
            continue
        pages = [node for node in root.all("div", "body") if "ocr_page" in _classes(node)]
        if not pages:
            yield Refused(name, "It is no hOCR: it has no element of the class ocr_page.")
        for page in pages:
            yield from _page(page, name, options)


def _page(page: Node, name: str, options: ReadOptions) -> Iterator[Found]:
    title = page.attributes.get("title", "")
    named, size = IMAGE.search(title), NUMBERS.search(title)
    file_name = next((part for part in named.groups() if part), "").strip() if named else f"{name.rpartition('.')[0]}.jpg"
    width, height = (int(size[3]), int(size[4])) if size else (0, 0)
    image = ImageReference(file_name, "", "", max(width, 0), max(height, 0))
    found = [node for node in page.all("span", "div", "p", "h1", "h2", "h3") if _classes(node) & {*LINES, OWN_TEXT}]
    yield ReadImage(image, name, len(found))
    for place, node in enumerate(found):
        row = f"{name}: {node.attributes.get('id') or f'line {place + 1}'}"
        is_block = OWN_TEXT in _classes(node)
        text = node.whole_text() if node.children else node.text.strip("\n")
        yield from _text(node, text, "block" if is_block else "line", image, row)
        if options.words:
            for word in node.all("span"):
                if _classes(word) & set(WORDS):
                    yield from _text(word, word.whole_text(), "word", image, f"{row}, {word.attributes.get('id', 'word')}")


def _text(node: Node, text: str, granularity: str, image: ImageReference, row: str) -> Iterator[Found]:
    if not text:
        return
    title = node.attributes.get("title", "")
    found, score = NUMBERS.search(title), SCORE.search(title)
    if found is None:
        yield Refused(row, "The text has no bbox.")
        return
    x0, y0, x1, y1 = (max(0, int(number)) for number in found.groups())
    if not (x1 > x0 and y1 > y0):
        yield Refused(row, "The text has no extent.")
        return
    yield ReadObject(
        image, row, Region.of_box(x0, y0, x1, y1), text=text, language=node.attributes.get("lang", ""),
        score=score_of(score[1], 100.0) if score else None, attributes={"granularity": granularity},
    )  # fmt: skip


def _classes(node: Node) -> set[str]:
    return set(node.attributes.get("class", "").split())


def _plain(data: bytes) -> bytes:
    """XHTML has a document type that names nothing of its own; one with an internal subset stays, and is refused. A break is a
    new line."""
    plain = re.sub(rb"<!DOCTYPE\s+html[^>\[\]]{0,500}>", b"", data, count=1, flags=re.IGNORECASE)
    return re.sub(rb"<br\s*/>", b"\n", plain)
