"""WebDataset: tar files of up to a thousand images of one split, each image with its annotations beside it.

A sample is `{key}.jpg` (or what the original is) and `{key}.json`; keys have no dot, and the two stand together. USTAR, without
times and owners, so that a shard made again is the same bytes. Each shard is kept as soon as it is made, so that an export that
was killed goes on behind the last one.
"""

import io
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from annotations.datasets import canonical, content, packaging
from annotations.datasets.content import Shown, Withheld
from annotations.datasets.model import Version
from annotations.datasets.packaging import KeptFile, Progress
from app.runtime.blobs import CHUNK
from app.runtime.context import Runtime

NAME = "webdataset"
SHARD = 1_000  # images
INDEX = "shards.json"


def export(runtime: Runtime, version: Version, held: Withheld, spec: str, progress: Progress) -> dict[str, KeptFile]:
    """All shards, and `shards.json`, which is made last; what is kept already is not made again."""
    with runtime.reads.begin() as session:
        known = packaging.files_of(session, spec)
    made: dict[str, KeptFile] = {}
    listed: list[dict[str, Any]] = []
    for split in dict(version.told["split"]["shares"]):
        for number, samples in enumerate(_shards(runtime, version, held, split)):
            name = f"{split}-{number:06}.tar"
            one = known.get(name)
            if one is None or not runtime.blobs.has(one.sha256):
                one = _write(runtime, name, samples)
                packaging.remember(runtime, version, spec, NAME, [one])
            made[name] = one
            listed.append({"name": name, "split": split, "samples": len(samples), "sha256": one.sha256, "size": one.byte_size})
            progress("shards", len(listed))
    index = packaging.keep(runtime, [(INDEX, canonical.encoded({"shards": listed}) + b"\n")])
    packaging.remember(runtime, version, spec, NAME, index.values())
    return made | index


def _shards(runtime: Runtime, version: Version, held: Withheld, split: str) -> Iterator[list[Shown]]:
    shard: list[Shown] = []
    for shown in content.read(runtime, version, held, split=split):
        if shown.given:
            shard.append(shown)
        if len(shard) == SHARD:
            yield shard
            shard = []
    if shard:
        yield shard


def _write(runtime: Runtime, name: str, samples: Sequence[Shown]) -> KeptFile:
    with runtime.blobs.workspace() as folder:
        path = folder / "shard.tar"
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            for shown in samples:
                image = shown.image
                extension = content.path_of(image).rpartition(".")[2]
                with runtime.blobs.open(image.sha256) as stream:
                    _add(tar, f"{image.media_key}.{extension}", image.byte_size, stream)
                said = canonical.encoded(_described(shown))
                _add(tar, f"{image.media_key}.json", len(said), io.BytesIO(said))
        crc32 = _crc32(path)
        sha256, size = runtime.blobs.adopt(path)
    return KeptFile(name, sha256, size, crc32, "application/x-tar")


def _add(tar: tarfile.TarFile, name: str, size: int, stream: BinaryIO) -> None:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    tar.addfile(info, stream)


def _crc32(path: Path) -> int:
    crc32 = 0
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            crc32 = zlib.crc32(chunk, crc32)
    return crc32


def _described(shown: Shown) -> dict[str, Any]:
    image = shown.image
    said = []
    for one in shown.annotations:
        box = one.region.box if one.region else None
        said.append(
            {
                "id": one.member.annotation_key,
                "version": one.member.version,
                "class": one.member.class_name,
                "box": [box.x0, box.y0, box.x1, box.y1] if box else None,
                "text": one.annotation.text,
            }
        )
    return {
        "image": image.media_key,
        "specimen": image.specimen_key,
        "width": image.width_px,
        "height": image.height_px,
        "licence": image.licence,
        "annotations": said,
    }
