"""The formats by name: how each is read and written, and what it can carry."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from annotations.exchange import coco_read, coco_write
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


FORMATS: Mapping[str, Format] = {
    one.name: one
    for one in (
        Format(
            "coco", "COCO (instances, keypoints)", "https://cocodataset.org/#format-data", coco_write.ABILITIES, coco_write.write,
            coco_read.read,
        ),
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
