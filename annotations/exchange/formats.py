"""The formats by name: how each is read and written, and what it can carry."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from annotations.exchange import (
    alto,
    coco_read,
    coco_write,
    csv_format,
    dwc_dp,
    dwca,
    hocr,
    masks_read,
    masks_write,
    page_xml,
    parquet_format,
    voc,
    w3c,
    yolo_read,
    yolo_write,
)
from annotations.exchange.abilities import Abilities
from annotations.exchange.classes import ClassTable
from annotations.exchange.losses import Losses
from annotations.exchange.model import ImageStream, Options, Piece, Reader
from annotations.exchange.pieces import gathered, report_of
from app.runtime.errors import Invalid

Writer = Callable[[ImageStream, ClassTable, Losses, Options], Iterator[Piece]]


@dataclass(frozen=True, slots=True)
class Format:
    """`label` is for people, `spec` the address of what defines it; `read` is None for one that is only written."""

    name: str
    label: str
    spec: str
    abilities: Abilities
    write: Writer
    read: Reader | None


YOLO = "https://docs.ultralytics.com/datasets/"
PNG = "https://www.w3.org/TR/png-3/"
VOC = "http://host.robots.ox.ac.uk/pascal/VOC/voc2012/htmldoc/devkit_doc.html"
W3C = "https://www.w3.org/TR/annotation-model/"
FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format(
            "coco", "COCO (instances, keypoints)", "https://cocodataset.org/#format-data", coco_write.ABILITIES, coco_write.write,
            coco_read.read,
        ),
        Format("voc", "Pascal VOC", VOC, voc.ABILITIES, voc.write, voc.read),
        Format("yolo", "YOLO detect", f"{YOLO}detect/", yolo_write.DETECT, yolo_write.write_detect, yolo_read.read_detect),
        Format(
            "yolo-segment", "YOLO segment", f"{YOLO}segment/", yolo_write.SEGMENT, yolo_write.write_segment,
            yolo_read.read_segment,
        ),
        Format("yolo-obb", "YOLO OBB", f"{YOLO}obb/", yolo_write.OBB, yolo_write.write_obb, yolo_read.read_obb),
        Format("yolo-pose", "YOLO pose", f"{YOLO}pose/", yolo_write.POSE, yolo_write.write_pose, yolo_read.read_pose),
        Format("masks", "Masks of classes", PNG, masks_write.SEMANTIC, masks_write.write_semantic, masks_read.read_classes),
        Format(
            "masks-palette", "Masks of classes, with a palette", PNG, masks_write.SEMANTIC, masks_write.write_palette,
            masks_read.read_classes,
        ),
        Format(
            "masks-instance", "Masks of instances", PNG, masks_write.INSTANCE, masks_write.write_instance,
            masks_read.read_instances,
        ),
        Format(
            "masks-colour", "Masks of classes by colour", PNG, masks_write.SEMANTIC, masks_write.write_colour,
            masks_read.read_colours,
        ),
        Format("csv", "CSV", "https://www.rfc-editor.org/rfc/rfc4180", csv_format.TABLE, csv_format.write, csv_format.read),
        Format(
            "parquet", "Parquet", "https://parquet.apache.org/docs/file-format/", parquet_format.TABLE, parquet_format.write,
            parquet_format.read,
        ),
        Format("page", "PAGE XML", page_xml.NAMESPACE, page_xml.ABILITIES, page_xml.write, page_xml.read),
        Format("alto", "ALTO", "https://www.loc.gov/standards/alto/", alto.ABILITIES, alto.write, alto.read),
        Format("hocr", "hOCR", "http://kba.github.io/hocr-spec/1.2/", hocr.ABILITIES, hocr.write, hocr.read),
        Format("dwca", "Darwin Core Archive", "https://dwc.tdwg.org/text/", dwca.ABILITIES, dwca.write, dwca.read),
        Format(
            "dwc-dp", "Darwin Core Data Package", "https://gbif.github.io/dwc-dp/", dwc_dp.ABILITIES, dwc_dp.write, dwc_dp.read
        ),
        Format("w3c", "W3C Web Annotations, JSON Lines", W3C, w3c.ABILITIES, w3c.write_lines, w3c.read_lines),
        Format("w3c-page", "W3C AnnotationPage", W3C, w3c.ABILITIES, w3c.write_page, w3c.read_page),
    )
}  # fmt: skip


def format_of(name: str) -> Format:
    """Raises Invalid."""
    if name not in FORMATS:
        raise Invalid(f"There is no format {name[:40]!r}: there are {', '.join(FORMATS)}.", parameter="format")
    return FORMATS[name]


def written(
    name: str, stream: ImageStream, classes: ClassTable, options: Options, losses: Losses | None = None
) -> tuple[Losses, Iterator[Piece]]:
    """The files of an export, and the report that is filled while they are drawn; `losses.json` is the last of them."""
    of = format_of(name)
    report = losses or Losses(of.name, of.abilities)

    def pieces() -> Iterator[Piece]:
        yield from gathered(of.write(stream, classes, report, options))
        yield "losses.json", report_of(report)

    return report, pieces()
