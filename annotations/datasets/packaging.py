"""The documents of a package: tables, statements, rights, citation, and what describes them (RO-Crate 1.1, Croissant).

They are files among the blobs, each with its digest, made once for a content, a format, options, an exporter and what is withheld
(`spec`), in a fixed order and without the time of their making: made again they are the same bytes. Where nobody asks for them
they go, and are made again.
"""

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from annotations.datasets import canonical, citing, content, crate, croissant, datacite, manifest, store
from annotations.datasets.content import Shown, Withheld
from annotations.datasets.croissant import MadeFile
from annotations.datasets.describing import Described, https
from annotations.datasets.model import Version
from annotations.datasets.tables import DatasetFileRow
from app.runtime import ids
from app.runtime.context import Runtime
from app.runtime.principal import NOBODY
from app.runtime.spreadsheets import csv_line, harmless
from iiif.catalogue import records

EXPORTER = "package 2"  # to be counted up when the documents change
PACKAGE = "package"
Piece = tuple[str, bytes]
Progress = Callable[[str, int], None]
COLUMNS = (
    "id", "path", "url", "width", "height", "sha256", "size", "media_type", "specimen", "record_version", "licence", "rights",
    "holder", "creator", "split", "group", "access",
)  # fmt: skip
MEDIA_TYPES = {
    "csv": "text/csv",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "md": "text/markdown",
    "txt": "text/plain",
    "sha256": "text/plain",
    "bib": "application/x-bibtex",
    "ris": "application/x-research-info-systems",
    "xml": "application/xml",
    "tar": "application/x-tar",
    "png": "image/png",
    "tif": "image/tiff",
    "yaml": "application/yaml",
    "parquet": "application/vnd.apache.parquet",
    "zip": "application/zip",
}


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that was made, among the blobs."""

    name: str
    sha256: str
    byte_size: int
    crc32: int
    media_type: str

    @property
    def made(self) -> MadeFile:
        return MadeFile(self.name, self.sha256, self.byte_size, self.media_type)


def spec_of(version: Version, held: Withheld, format_name: str, options: Mapping[str, Any], exporter: str, base: str) -> str:
    """What the files of an export follow from, as a digest."""
    kept_back = [sorted(held.closed), sorted(held.reduced), sorted(held.placed), held.originals, sorted(held.unsaid)]
    return canonical.digest(
        [version.name, version.content_id, version.doi, format_name, dict(options), exporter, *kept_back, base]
    )


def files_of(session: Session, spec: str) -> dict[str, KeptFile]:
    """The files that are here, by name."""
    rows = session.scalars(select(DatasetFileRow).where(DatasetFileRow.spec == spec).order_by(DatasetFileRow.name))
    return {row.name: KeptFile(row.name, row.sha256, row.byte_size, row.crc32, row.media_type) for row in rows}


def package(
    runtime: Runtime, version: Version, progress: Progress = lambda _stage, _done: None
) -> tuple[str, dict[str, KeptFile]]:
    """The documents of the default package, made where they are not here; with their spec."""
    with runtime.reads.begin() as session:
        held = content.withheld(session, version, runtime.settings)
        spec = spec_of(version, held, PACKAGE, {}, EXPORTER, runtime.addresses.base)
        known = files_of(session, spec)
    if known and all(runtime.blobs.has(one.sha256) for one in known.values()):
        _used(runtime, spec)
        return spec, known
    of = Described(version, runtime.addresses)
    made: dict[str, KeptFile] = {}
    for pieces in (_tables(runtime, of, held, progress), _attribution(runtime, of), _plain(of)):
        made |= keep(runtime, pieces)
    made |= keep(runtime, _described(runtime, of, held, list(made.values())))
    made |= keep(runtime, _checksums(runtime, version, held, list(made.values())))
    remember(runtime, version, spec, PACKAGE, made.values())
    return spec, made


def keep(runtime: Runtime, pieces: Iterable[Piece]) -> dict[str, KeptFile]:
    """Write files to the blobs; the pieces of one stand together."""
    made: dict[str, KeptFile] = {}
    with runtime.blobs.workspace() as folder:
        name, crc32 = "", 0
        path = folder / "file"
        out = None
        try:
            for own, data in pieces:
                if own != name or out is None:
                    if out is not None:
                        out.close()
                        made[name] = _adopt(runtime, path, name, crc32)
                    name, crc32, out = own, 0, path.open("wb")
                out.write(data)
                crc32 = zlib.crc32(data, crc32)
        finally:
            if out is not None:
                out.close()
        if name:
            made[name] = _adopt(runtime, path, name, crc32)
    return made


def _adopt(runtime: Runtime, path: Path, name: str, crc32: int) -> KeptFile:
    sha256, size = runtime.blobs.adopt(path)
    return KeptFile(name, sha256, size, crc32, MEDIA_TYPES.get(name.rpartition(".")[2], "application/octet-stream"))


def remember(runtime: Runtime, version: Version, spec: str, format_name: str, made: Iterable[KeptFile]) -> None:
    """Note what was made; twice is once."""
    now = runtime.clock()
    with runtime.db.begin() as session:
        for one in made:
            session.merge(
                DatasetFileRow(
                    spec=spec,
                    name=one.name,
                    dataset_key=version.key,
                    number=version.number,
                    format=format_name,
                    sha256=one.sha256,
                    byte_size=one.byte_size,
                    crc32=one.crc32,
                    media_type=one.media_type,
                    made_at=now,
                    used_at=now,
                )
            )


def _used(runtime: Runtime, spec: str) -> None:
    """Note that it was given out, once a day at most."""
    now = runtime.clock()
    with runtime.reads.begin() as session:
        last = session.scalar(select(DatasetFileRow.used_at).where(DatasetFileRow.spec == spec).limit(1))
    if last is not None and (now - last).days >= 1:
        with runtime.db.begin() as session:
            session.execute(update(DatasetFileRow).where(DatasetFileRow.spec == spec).values(used_at=now))


def _tables(runtime: Runtime, of: Described, held: Withheld, progress: Progress) -> Iterator[Piece]:
    """members.jsonl, images.csv, annotations.jsonl, records.jsonl and withheld.csv; what is long is written as it is read."""
    version = of.version
    with runtime.reads.begin() as session:
        for line in manifest.lines(session, version.key, version.number, version.told, runtime.settings.naan):
            yield "members.jsonl", line
    yield "images.csv", _row(COLUMNS)
    for image in content.images(runtime, version):
        if image.media_key in held.closed:
            continue
        given = held.gives(image)
        pid = ids.ark(image.media_key, runtime.settings.naan)
        yield "images.csv", _row(
            [pid, content.path_of(image) if given else "", of.addresses.image(image.media_key), image.width_px, image.height_px,
             image.sha256, image.byte_size, image.media_type, ids.ark(image.specimen_key, runtime.settings.naan),
             image.record_version, image.licence, image.rights, image.holder, image.creator, image.split, image.group_id,
             "open" if given else "reduced"]
        )  # fmt: skip
    yield "annotations.jsonl", b""
    for done, shown in enumerate(content.read(runtime, version, held)):
        for one in _statements(shown, of, runtime.settings.naan):
            yield "annotations.jsonl", one
        if done % 500 == 0:
            progress("documents", done)
    yield "records.jsonl", b""
    yield from (("records.jsonl", line) for line in _records(runtime, version, held))
    yield "withheld.csv", _row(["id", "why"])
    for image in content.images(runtime, version):
        if not held.gives(image):
            yield "withheld.csv", _row([ids.ark(image.media_key, runtime.settings.naan), held.why(image)])


def _row(values: Sequence[Any]) -> bytes:
    return csv_line(harmless(str(value)) for value in values).encode()


def _statements(shown: Shown, of: Described, naan: str) -> Iterator[bytes]:
    for one in shown.annotations:
        box = one.region.box if one.region else None
        corners = [box.x0, box.y0, box.x1, box.y1] if box else [0, 0, shown.image.width_px, shown.image.height_px]
        said = {
            "id": of.addresses.annotation(one.member.annotation_key),
            "version": one.member.version,
            "image": ids.ark(shown.image.media_key, naan),
            "class": one.member.class_name,
            "split": shown.image.split,
            "state": one.member.state,
            "box": corners,
            "document": one.annotation.document,
        }
        yield canonical.encoded(said) + b"\n"


def _records(runtime: Runtime, version: Version, held: Withheld) -> Iterator[bytes]:
    """The Darwin Core record of each specimen in the version that is a member, as the public sees it."""
    told: set[tuple[str, int]] = set()
    for image in content.images(runtime, version):
        place = (image.specimen_key, image.record_version)
        if place in told or image.media_key in held.closed:
            continue
        told.add(place)
        with runtime.reads.begin() as session:
            found = records.version(session, *place, by=NOBODY)
        said = {"id": ids.ark(image.specimen_key, runtime.settings.naan), "recordVersion": image.record_version}
        yield canonical.encoded({**said, "record": dict(found.specimen.interpreted)}) + b"\n"


def _attribution(runtime: Runtime, of: Described) -> Iterator[Piece]:
    """Whom to name: of images by holder, creator and licence, summing to their number, and who wrote how many annotations.

    People are named by their identifiers, which tell name and ORCID: what somebody is called may change, a version does not.
    """
    version = of.version
    yield "ATTRIBUTION.csv", _row(["of", "holder", "creator", "licence", "rights", "count"])
    with runtime.reads.begin() as session:
        for licence, said, holder, creator, images in store.rights_counts(session, version.key, version.number):
            yield "ATTRIBUTION.csv", _row(["images", holder, creator, https(licence), said, images])
        authors = store.author_counts(session, version.key, version.number)
    for name, several in sorted(authors.items()):
        yield "ATTRIBUTION.csv", _row(["annotations", "", of.addresses.who(name), "", "", several])


def _plain(of: Described) -> Iterator[Piece]:
    """Citation, DataCite, description of the version, licence."""
    yield "manifest.sha256", f"{of.version.content_id}  members.jsonl\n".encode()
    for form in citing.FORMS:
        yield f"citation.{form}", citing.written(of, form).encode()
    yield "datacite.json", _pretty(datacite.attributes(of))
    yield "datacite.xml", datacite.xml(of).encode()
    yield "dataset.json", _pretty(description(of))
    yield "LICENSE.txt", licence_text(of).encode()


def description(of: Described) -> dict[str, Any]:
    """What the manifest leaves out: number, dates, words, counts."""
    return {
        "id": of.pid,
        "dataset": of.concept,
        "version": of.version.number,
        "contentId": of.content_id,
        "frozen": of.day,
        "codeVersion": of.version.code_version,
        "told": dict(of.told),
        "summary": dict(of.summary),
    }


def licence_text(of: Described) -> str:
    """The compilation's licence, and those of the pictures, counted."""
    lines = [f"The compilation, that is the choice and the tables, is under {of.licence}.", "", "The pictures are under:"]
    for one in of.summary["licences"]:
        named = https(one["licence"]) or (f"“{one['said']}”" if one["said"] else "no licence that their source states")
        lines.append(f"- {one['images']}: {named}")
    lines += ["", "ATTRIBUTION.csv says whom to name, images.csv the licence of each picture."]
    return "\n".join(lines) + "\n"


def _described(runtime: Runtime, of: Described, held: Withheld, files: Sequence[KeptFile]) -> Iterator[Piece]:
    """README, Croissant and RO-Crate, which name the files with their digests."""
    made = sorted((one.made for one in files), key=lambda one: one.name)
    yield "README.md", crate.readme(of, made).encode()
    yield "croissant.json", _pretty(croissant.croissant(of, made))
    images: Iterable[Any] = ()
    if of.summary["images"] <= crate.MOST_IMAGES:
        images = (one for one in content.images(runtime, of.version) if held.gives(one))
    readme = MadeFile("README.md", "", len(crate.readme(of, made).encode()), "text/markdown")
    yield "ro-crate-metadata.json", _pretty(crate.metadata(of, [*made, readme], images))


def _checksums(runtime: Runtime, version: Version, held: Withheld, files: Sequence[KeptFile]) -> Iterator[Piece]:
    """The SHA-256 of every file of the package, for `sha256sum -c`."""
    for one in sorted(files, key=lambda file: file.name):
        yield "manifest-sha256.txt", f"{one.sha256}  {one.name}\n".encode()
    for image in content.images(runtime, version):
        if held.gives(image):
            yield "manifest-sha256.txt", f"{image.sha256}  {content.path_of(image)}\n".encode()


def _pretty(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
