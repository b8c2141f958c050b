"""What a writer of a format is given and what a reader yields.

A writer takes a stream of images, each with its statements, and yields pieces of files; a reader takes files and yields
what stands in them, row by row. Neither knows the database. Regions are in canvas units of the picture that is written
(`ExchangeImage.width` by `height`), which is the image itself or a resized copy of it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Literal, Protocol

from annotations.regions import Region
from app.runtime.errors import Invalid

Visibility = Literal[0, 1, 2]  # not labelled, labelled but hidden, visible (COCO, keypoints)
FrameKind = Literal["pixels", "fractions", "page"]
Piece = tuple[str, bytes]  # path of a file in the export, with `/`, and the next bytes of it; those of one file stand together


@dataclass(frozen=True, slots=True)
class Keypoint:
    """A named place of an object, in canvas units; one that is not labelled (visibility 0) lies nowhere and is 0, 0."""

    name: str
    x: float
    y: float
    visibility: Visibility


@dataclass(frozen=True, slots=True)
class ExchangeImage:
    """An image as it is exported.

    `path` is the name of the picture's file below the export's folder, unique whatever the case of letters; `width` and
    `height` are those of that picture, upright. `record` are Darwin Core terms of its specimen. `licence` is an IRI, empty
    where none is stated. `looked` says that somebody or a step looked at the image, whether anything was found or not.
    `versions` are those of the image and of the record of its specimen.
    """

    key: str
    iri: str
    path: str
    width: int
    height: int
    sha256: str = ""
    file_name: str = ""
    specimen_key: str = ""
    specimen_iri: str = ""
    licence: str = ""
    rights_holder: str = ""
    creator: str = ""
    looked: bool = False
    record: Mapping[str, str] = field(default_factory=dict)
    access_iri: str = ""
    media_type: str = "image/jpeg"
    versions: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement about an image, with all that any format can carry of it.

    `iri` names the version (`…/ark:99999/n1….v2`), `document` is the stored W3C annotation of it. `region` is None for one
    that is about all of the image. `score` is from 0 to 1. `crowd`: the region covers many objects of the class. `parts` counts
    the targets, `bodies` the bodies that no field here tells. `attributes` are further members of formats (truncated, difficult,
    occluded, order, granularity), by name.
    """

    key: str
    version: int
    iri: str
    region: Region | None
    class_name: str = ""
    class_iri: str = ""
    text: str = ""
    language: str = ""
    comment: str = ""
    score: float | None = None
    crowd: bool = False
    oriented: bool = False
    keypoints: tuple[Keypoint, ...] = ()
    value: float | None = None
    unit: str = ""
    layer: str = ""
    state: str = ""
    creator: str = ""
    run: str = ""
    licence: str = ""
    created: str = ""
    parts: int = 1
    bodies: int = 0
    attributes: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)


ImageStream = Iterable[tuple[ExchangeImage, Sequence[Statement]]]


@dataclass(frozen=True, slots=True)
class Options:
    """What the user may choose of an export. Each format says which of these it heeds (docs/exchange.md).

    Args:
        title: of the export, for those formats that name it.
        runs: how COCO writes run lengths.
        parts: how YOLO writes holes and parts: one ring with bridges, or an object for each part.
        category_base: the number of the first class in COCO.
        spreadsheet_safe: cells of CSV that a spreadsheet would run are defused, and told so.
        depth: bits a pixel of instance masks.
    """

    title: str = ""
    runs: Literal["compressed", "plain"] = "compressed"
    parts: Literal["bridge", "split"] = "bridge"
    category_base: int = 1
    spreadsheet_safe: bool = False
    depth: Literal[16, 32] = 16

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "Options":
        """Options as words. Raises Invalid for one that there is not, and for a value that it does not have."""
        return cls(**_parsed(given, OPTION_VALUES))


@dataclass(frozen=True, slots=True)
class ImageReference:
    """How a file names an image: by whatever of these it says.

    `width` and `height` are the size that it states, 0 for none; `frame` is what its coordinates count: pixels of that size,
    fractions of the image (0 to 1), or units of a page that is the whole image (`width` and `height` in them).
    """

    name: str = ""
    iri: str = ""
    sha256: str = ""
    width: float = 0
    height: float = 0
    frame: FrameKind = "pixels"


@dataclass(frozen=True, slots=True)
class ReadObject:
    """One object of a foreign file. `row` says where it stands, for people; `number` is its own id there, as text.

    `region` is in the frame of its image; None for one that is about all of it. `document` is a W3C annotation, where the
    file holds such: then nothing else is read.
    """

    image: ImageReference
    row: str
    region: Region | None
    class_name: str = ""
    number: str = ""
    text: str = ""
    language: str = ""
    comment: str = ""
    score: float | None = None
    crowd: bool = False
    oriented: bool = False
    keypoints: tuple[Keypoint, ...] = ()
    value: float | None = None
    unit: str = ""
    creator: str = ""
    iri: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ReadImage:
    """An image that a file names, whether it has objects or not. `objects` is how many it has, where the reader knows it."""

    image: ImageReference
    row: str
    objects: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that cannot be taken, and why."""

    row: str
    reason: str


@dataclass(frozen=True, slots=True)
class Note:
    """What was noticed and decided while reading, which refuses nothing. Equal sentences are counted."""

    row: str
    sentence: str


Found = ReadObject | ReadImage | Refused | Note


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user must or may say of a foreign file where it does not say it itself.

    Args:
        task: of a YOLO file: "detect", "segment", "obb" or "pose"; empty for what its data.yaml says.
        voc_base: the number of the first pixel in Pascal VOC; None for what the files show.
        pixel_index: keypoints of COCO are indices of pixels, so that half a pixel is added.
        unbridge: bridges of YOLO outlines are cut.
        ground: names of classes in masks that are background.
        words: of texts the words come in beside their lines.
    """

    task: Literal["", "detect", "segment", "obb", "pose"] = ""
    voc_base: int | None = None
    pixel_index: bool = False
    unbridge: bool = False
    ground: tuple[str, ...] = ("background",)
    words: bool = False

    @classmethod
    def parse(cls, given: Mapping[str, str]) -> "ReadOptions":
        """Options as words. Raises Invalid for one that there is not, and for a value that it does not have."""
        return cls(**_parsed(given, READ_VALUES))


class Files(Protocol):
    """The files of an import: a folder, or an archive, or one file."""

    def names(self) -> Sequence[str]:
        """Paths with `/`, sorted."""

    def open(self, name: str) -> BinaryIO:
        """From its beginning. FileNotFoundError where there is none."""

    def size(self, name: str) -> int:
        """Bytes."""


OPTION_VALUES: Mapping[str, tuple[str, ...] | type] = {
    "title": str,
    "runs": ("compressed", "plain"),
    "parts": ("bridge", "split"),
    "category_base": int,
    "spreadsheet_safe": bool,
    "depth": int,
}
READ_VALUES: Mapping[str, tuple[str, ...] | type] = {
    "task": ("detect", "segment", "obb", "pose"),
    "voc_base": int,
    "pixel_index": bool,
    "unbridge": bool,
    "ground": tuple,
    "words": bool,
}
TRUE, FALSE = ("yes", "true", "1"), ("no", "false", "0", "")


def _parsed(given: Mapping[str, str], values: Mapping[str, tuple[str, ...] | type]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for written, text in given.items():
        name = written.replace("-", "_")
        allowed = values.get(name)
        if allowed is None:
            raise Invalid(f"There is no option {written[:40]!r}; there are {', '.join(values)}.", parameter="option")
        try:
            made[name] = _value(text, allowed)
        except ValueError as error:
            raise Invalid(f"The option {written} does not take {text[:40]!r}: {error}", parameter="option") from error
    return made


def _value(text: str, allowed: tuple[str, ...] | type) -> Any:
    if isinstance(allowed, tuple):
        if text not in allowed:
            raise ValueError(f"it is one of {', '.join(allowed)}.")
        return text
    if allowed is bool:
        if text.lower() not in (*TRUE, *FALSE):
            raise ValueError("it is yes or no.")
        return text.lower() in TRUE
    if allowed is tuple:
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return int(text) if allowed is int else text


Reader = Callable[[Files, ReadOptions], Iterator[Found]]
