"""Darwin Core Archive with Audiovisual Core: specimens, their images, and regions of interest in these.

Darwin Core text guide; Audiovisual Core, sections 7.11 and 7.12 (regions of interest, 2023). Regions are boxes as fractions of
the image. Reading takes the regions: of the extension for them, with `xFrac` and so on, and of rows of media that say `isROIOf`.
What is no part of a picture (times of sounds) is refused by its row.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from xml.sax.saxutils import quoteattr

from annotations.exchange.abilities import EXACT, Ability, near, out, table
from annotations.exchange.classes import ClassTable, term_of
from annotations.exchange.losses import Losses, Miss
from annotations.exchange.model import (
    ExchangeImage,
    Files,
    Found,
    ImageReference,
    ImageStream,
    Options,
    Piece,
    ReadObject,
    ReadOptions,
    Refused,
    Statement,
)
from annotations.exchange.naming import whole
from annotations.exchange.nearness import iou_of_box
from annotations.exchange.page_xml import number_of, score_of
from annotations.exchange.pieces import HeldBack
from annotations.exchange.xml_tree import Node, NoXml, parse
from annotations.region_text import exact
from annotations.regions import Region
from app.runtime.errors import Invalid
from app.runtime.spreadsheets import csv_line
from ontology import darwin_core

AC, DC, DCTERMS = "http://rs.tdwg.org/ac/terms/", "http://purl.org/dc/elements/1.1/", "http://purl.org/dc/terms/"
DWC, IPTC, XMP = (
    "http://rs.tdwg.org/dwc/terms/",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "http://ns.adobe.com/xap/1.0/rights/",
)
MEDIA = (
    ("identifier", f"{DCTERMS}identifier"), ("type", f"{DC}type"), ("format", f"{DC}format"), ("accessURI", f"{AC}accessURI"),
    ("title", f"{DCTERMS}title"), ("creator", f"{DC}creator"), ("Owner", f"{XMP}Owner"), ("UsageTerms", f"{XMP}UsageTerms"),
    ("WebStatement", f"{XMP}WebStatement"), ("hashFunction", f"{AC}hashFunction"), ("hashValue", f"{AC}hashValue"),
    ("PixelXDimension", "http://ns.adobe.com/exif/1.0/PixelXDimension"),
    ("PixelYDimension", "http://ns.adobe.com/exif/1.0/PixelYDimension"),
)  # fmt: skip
REGIONS = (
    ("identifier", f"{DCTERMS}identifier"), ("isROIOf", f"{AC}isROIOf"), ("xFrac", f"{AC}xFrac"), ("yFrac", f"{AC}yFrac"),
    ("widthFrac", f"{AC}widthFrac"), ("heightFrac", f"{AC}heightFrac"), ("CVterm", f"{IPTC}CVterm"),
    ("subjectPart", f"{AC}subjectPartLiteral"), ("scientificName", f"{DWC}scientificName"),
    ("description", f"{DCTERMS}description"), ("language", f"{DCTERMS}language"), ("comments", f"{AC}comments"),
    ("creator", f"{DC}creator"), ("rights", f"{DCTERMS}rights"),
)  # fmt: skip
BOX = near("the upright box around it")
ABILITIES = table(
    box=EXACT, rings=BOX, parts=BOX, holes=BOX, mask=BOX, oriented_box=BOX,
    line=out("a line is no region of interest"), point=out("a region of interest has a width and a height"),
    whole_image=out("a region of interest is a part of an image"), class_=EXACT, class_term=Ability("exact", "as CVterm"),
    text=EXACT, language=EXACT, comment=EXACT, identifier=EXACT, creator=EXACT, licence=EXACT,
)  # fmt: skip
ROI = f"{AC}RegionOfInterest"
OLDER = ("x", "y", "w", "h")


def write(stream: ImageStream, classes: ClassTable, losses: Losses, _options: Options) -> Iterator[Piece]:
    """`occurrence.csv`, `multimedia.csv`, `region_of_interest.csv` and `meta.xml`; of specimens the terms that records have."""
    records, media, regions = HeldBack(), HeldBack(), HeldBack()
    terms: dict[str, None] = {}
    specimens: set[str] = set()
    for image, statements in stream:
        losses.image(len(statements))
        if image.specimen_key not in specimens:
            specimens.add(image.specimen_key)
            terms.update(dict.fromkeys(name for name, value in image.record.items() if value))
            records.add(json.dumps([image.specimen_iri, dict(image.record)], ensure_ascii=False) + "\n")
        media.add(csv_line([image.specimen_iri, *_media(image)]))
        for one in statements:
            if (row := region_row(image, one, classes, losses)) is not None:
                regions.add(csv_line([image.specimen_iri, *row]))
    columns = sorted(name for name in terms if darwin_core.iri_of(name))
    yield "occurrence.csv", csv_line(["id", *columns]).encode()
    for line in records.lines():
        iri, record = json.loads(line)
        yield "occurrence.csv", csv_line([iri, *(record.get(name, "") for name in columns)]).encode()
    for name, rows, members in (("multimedia.csv", media, MEDIA), ("region_of_interest.csv", regions, REGIONS)):
        yield name, csv_line(["coreid", *(column for column, _ in members)]).encode()
        yield from rows.pieces(name)
    yield "meta.xml", _meta(columns).encode()


def _media(image: ExchangeImage) -> list[Any]:
    return [
        image.iri, "StillImage", image.media_type, image.access_iri, image.file_name, image.creator, image.rights_holder,
        image.licence, image.licence, "SHA-256" if image.sha256 else "", image.sha256, image.width, image.height,
    ]  # fmt: skip


def region_row(image: ExchangeImage, one: Statement, classes: ClassTable, losses: Losses) -> list[Any] | None:
    """The values of REGIONS; None where it is left out."""
    if losses.refuses(one) or one.region is None:
        return None
    of_class = classes.of_statement(one, losses)
    box = one.region.box
    if of_class is None:
        return None
    if not (box.x1 > box.x0 and box.y1 > box.y0):
        losses.leave_out(one, "it has no extent")
        return None
    kind = "oriented box" if one.oriented else one.region.kind
    losses.wrote(one, [] if kind == "box" else [Miss(kind, iou=iou_of_box(one.region, box))])
    shares = (box.x0 / image.width, box.y0 / image.height, (box.x1 - box.x0) / image.width, (box.y1 - box.y0) / image.height)
    named = (of_class.iri or one.class_iri or term_of(of_class.name), of_class.name, image.record.get("scientificName", ""))
    said = (one.text, one.language, one.comment, one.creator, one.licence)
    return [one.iri, image.iri, *(exact(min(max(share, 0.0), 1.0)) for share in shares), *named, *said]


def _meta(columns: list[str]) -> str:
    form = 'encoding="UTF-8" fieldsTerminatedBy="," linesTerminatedBy="\\n" fieldsEnclosedBy="&quot;" ignoreHeaderLines="1"'

    def fields(members: list[tuple[str, str]]) -> str:
        return "".join(f'<field index="{place}" term={quoteattr(term)}/>' for place, (_, term) in enumerate(members, 1))

    core = fields([(name, darwin_core.iri_of(name)) for name in columns])
    located = "<files><location>occurrence.csv</location></files>"
    found = f'<core {form} rowType="{DWC}Occurrence">{located}<id index="0"/>{core}</core>\n'
    for name, row_type, members in (
        ("multimedia.csv", f"{AC}Multimedia", MEDIA),
        ("region_of_interest.csv", ROI, REGIONS),
    ):
        files = f'<files><location>{name}</location></files><coreid index="0"/>'
        found += f'<extension {form} rowType="{row_type}">{files}{fields(list(members))}</extension>\n'
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<archive xmlns="http://rs.tdwg.org/dwc/text/">\n{found}</archive>\n'


@dataclass(frozen=True, slots=True)
class _Table:
    """A data file of an archive: which column holds which term, by the name of the term without its namespace."""

    name: str
    columns: Mapping[int, str]
    delimiter: str
    quote: str
    header: int
    encoding: str


def read(files: Files, _options: ReadOptions) -> Iterator[Found]:
    """Every region of interest. Raises Invalid where there is no meta.xml, or none that can be read."""
    name = next((name for name in files.names() if PurePosixPath(name).name == "meta.xml"), "")
    if not name:
        raise Invalid("A Darwin Core Archive has a meta.xml, and there is none.")
    try:
        tables = list(_tables(parse(whole(files, name)), str(PurePosixPath(name).parent)))
    except (NoXml, ValueError) as error:
        raise Invalid(f"meta.xml cannot be read: {error}") from error
    media = {}
    for one in tables:
        for _, row in _rows(files, one):
            if row.get("identifier") and not row.get("isROIOf") and (row.get("accessURI") or row.get("hashValue")):
                media[row["identifier"]] = row
    for one in tables:
        for place, row in _rows(files, one):
            if row.get("isROIOf"):
                yield region_of(row, f"{one.name}: row {place}", media)


def _tables(root: Node, folder: str) -> Iterator[_Table]:
    for node in root.children:
        location = next((found.text.strip() for found in node.all("location")), "")
        if node.name not in ("core", "extension") or not location:
            continue
        columns = {}
        for field in node.children:
            index = field.attributes.get("index", "")
            if field.name == "field" and index.isdigit() and len(index) < 5:
                term = field.attributes.get("term", "").rstrip("/")
                columns[int(index)] = term.rpartition("/")[2].rpartition("#")[2]
        said = node.attributes
        header = said.get("ignoreHeaderLines", "0")
        yield _Table(
            location if folder == "." else f"{folder}/{location}", columns, _character(said.get("fieldsTerminatedBy", ",")),
            _character(said.get("fieldsEnclosedBy", '"')), int(header) if header.isdigit() and len(header) < 4 else 0,
            said.get("encoding", "UTF-8"),
        )  # fmt: skip


def _character(text: str) -> str:
    return {"\\t": "\t", "\\n": "\n"}.get(text, text)[:1]


def _rows(files: Files, of: _Table) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows by term. Raises Invalid where the file is none of that form."""
    try:
        with files.open(of.name) as binary:
            text = io.TextIOWrapper(binary, encoding=of.encoding, newline="")
            reader = csv.reader(text, _dialect(of))
            for place, cells in enumerate(reader, 1):
                if place > of.header:
                    yield place, {term: cells[index].strip("\r") for index, term in of.columns.items() if index < len(cells)}
    except FileNotFoundError as missing:
        raise Invalid(f"The file {of.name[:200]!r} that meta.xml names is not there.") from missing
    except (csv.Error, UnicodeDecodeError, LookupError, TypeError) as error:
        raise Invalid(f"{of.name[:200]!r} cannot be read as meta.xml describes it: {str(error)[:100]}") from error


def _dialect(of: _Table) -> type[csv.Dialect]:
    class Told(csv.Dialect):
        delimiter, quotechar, lineterminator = of.delimiter or ",", of.quote or None, "\n"
        quoting = csv.QUOTE_MINIMAL if of.quote else csv.QUOTE_NONE

    return Told


def region_of(row: Mapping[str, str], where: str, media: Mapping[str, Mapping[str, str]]) -> Found:
    """The region that a row says by the names of terms; `media` are the rows of media by their identifier."""
    about = media.get(row["isROIOf"], {})
    digest = about.get("hashValue", "") if about.get("hashFunction", "").upper().replace("-", "") == "SHA256" else ""
    name = PurePosixPath(about.get("title") or about.get("accessURI", row["isROIOf"])).name
    try:
        region, image = _box(row, about, ImageReference(name, row["isROIOf"], digest.lower(), frame="fractions"))
    except ValueError as error:
        return Refused(where, str(error))
    of_class = row.get("subjectPartLiteral") or row.get("subjectPart") or row.get("CVterm") or ""
    return ReadObject(
        image, where, region, of_class, text=row.get("description", ""), language=row.get("language", ""),
        comment=row.get("comments", ""), creator=row.get("creator", ""), iri=row.get("identifier", ""),
    )  # fmt: skip


def _box(row: Mapping[str, str], about: Mapping[str, str], image: ImageReference) -> tuple[Region, ImageReference]:
    """The box in fractions, or of the older absolute terms in pixels. ValueError."""
    if all(row.get(name) for name in ("xFrac", "yFrac", "widthFrac", "heightFrac")):
        x, y, width, height = (number_of(row[name]) for name in ("xFrac", "yFrac", "widthFrac", "heightFrac"))
    elif all(row.get(name) for name in OLDER):
        x, y, width, height = (number_of(row[name]) for name in OLDER)
        sizes = [score_of(about.get(name, ""), 1e9) for name in ("PixelXDimension", "PixelYDimension")]
        across, down = (round((size or 0) * 1e9) for size in sizes)
        image = ImageReference(image.name, image.iri, image.sha256, across, down)
    elif row.get("startTime") or row.get("endTime"):
        raise ValueError("The region is a part of a recording in time, and no part of a picture.")
    else:
        raise ValueError("The region says no xFrac, yFrac, widthFrac and heightFrac.")
    if not (width > 0 and height > 0):
        raise ValueError("The region has no extent.")
    return Region.of_box(x, y, x + width, y + height), image
