"""What the tests of exchange share: statements with every feature, files in memory, and a format's files read back."""

import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from annotations.exchange import formats
from annotations.exchange.classes import ClassTable
from annotations.exchange.losses import Losses
from annotations.exchange.model import ExchangeImage, Found, Keypoint, Options, ReadOptions, Statement
from annotations.regions import Region

WIDTH, HEIGHT = 640, 480
IMAGE = ExchangeImage(
    "m10000000001", "http://lectotype.test/ark:99999/m10000000001", "images/m10000000001.jpg", WIDTH, HEIGHT, sha256="ab" * 32,
    file_name="Schädel № 7.jpg", specimen_iri="http://lectotype.test/ark:99999/s10000000001", specimen_key="s10000000001",
    licence="http://creativecommons.org/licenses/by/4.0/", record={"scientificName": "Quercus robur L.", "catalogNumber": "7"},
)  # fmt: skip


class InMemory:
    """Files that are there as bytes."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def names(self) -> Sequence[str]:
        return sorted(self.files)

    def open(self, name: str) -> BinaryIO:
        if name not in self.files:
            raise FileNotFoundError(name)
        return io.BytesIO(self.files[name])

    def size(self, name: str) -> int:
        return len(self.files[name])


def image(number: int, **said: Any) -> ExchangeImage:
    key = f"m1{number:010}"
    about = {"width": WIDTH, "height": HEIGHT, **said}
    return ExchangeImage(key, f"http://lectotype.test/ark:99999/{key}", f"images/{key}.jpg", **about)


def statement(region: Region | None, number: int = 1, **said: Any) -> Statement:
    key = f"n1{number:010}"
    about = {"class_name": "leaf", **said}
    document = {"type": "Annotation", "id": f"http://lectotype.test/annotations/{key}", "target": IMAGE.iri}
    return Statement(key, 1, f"http://lectotype.test/ark:99999/{key}.v1", region, document=document, **about)


def written(
    name: str,
    stream: Iterable[tuple[ExchangeImage, Sequence[Statement]]],
    classes: ClassTable | None = None,
    options: Options | None = None,
) -> tuple[dict[str, bytes], Losses]:
    """The files of an export, whole, and its report."""
    losses, pieces = formats.written(name, stream, ClassTable() if classes is None else classes, options or Options())
    files: dict[str, bytes] = {}
    last = ""
    for path, data in pieces:
        assert path == last or path not in files, f"the pieces of {path} stand apart"
        files[path] = files.get(path, b"") + data
        last = path
    return files, losses


def read(name: str, files: dict[str, bytes], options: ReadOptions | None = None) -> Iterator[Found]:
    reader = formats.format_of(name).read
    assert reader is not None
    return reader(InMemory(files), options or ReadOptions())


HOLED = Region.of_rings([[(10, 10), (60, 10), (60, 60), (10, 60)], [(20, 20), (20, 40), (40, 40), (40, 20)]])
PARTS = Region.of_rings(
    [[(10, 10), (60, 10), (60, 60)], [(100.5, 10.25), (160, 10), (160, 60)], [(200, 200), (220, 200), (210, 230)]]
)
BOX = Region.of_box(10.25, 20.5, 110.125, 220.75)
FACTS: dict[str, dict[str, Any]] = {
    "class": {"class_name": "leaf"},
    "class term": {"class_iri": "http://rs.tdwg.org/accd/values/c06"},
    "crowd": {"crowd": True},
    "score": {"score": 0.1 + 0.2},
    "keypoints": {"keypoints": (Keypoint("tip", 12.5, 30, 2), Keypoint("base", 100, 200.25, 1), Keypoint("middle", 0, 0, 0))},
    "text": {"text": "Schädel № 7, 東京"},
    "language": {"text": "Schädel", "language": "de"},
    "comment": {"comment": "to be seen again"},
    "number with unit": {"value": 12.125, "unit": "mm"},
    "attributes": {"attributes": {"truncated": True}},
    "creator": {"creator": "http://lectotype.test/ark:99999/v10000000001"},
    "run": {"run": "http://lectotype.test/api/runs/x10000000001"},
    "licence": {"licence": "https://creativecommons.org/publicdomain/zero/1.0/"},
    "several targets": {"parts": 2},
    "further bodies": {"bodies": 1},
}
SHAPES: dict[str, Region | None] = {
    "box": BOX,
    "rings": Region.of_rings([[(10.1, 10), (60, 10.7), (33.3, 60)]]),
    "parts": PARTS,
    "holes": HOLED,
    "oriented box": Region.of_rings([[(50, 10), (90, 50), (50, 90), (10, 50)]]),
    "line": Region.of_line([(1, 1), (20, 30)]),
    "point": Region.of_point(30.5, 40),
    "whole image": None,
}


def every_feature() -> Iterator[tuple[str, Statement]]:
    """A statement for each feature, which has it."""
    for number, (feature, region) in enumerate(SHAPES.items(), 100):
        yield feature, statement(region, number, oriented=feature == "oriented box")
    for number, (feature, said) in enumerate(FACTS.items(), 200):
        yield feature, statement(BOX, number, **said)
