"""Make the data folder and the recording that the upgrade test begins with, by the code of release 70fa686.

    git worktree add /tmp/release 70fa686 && make -C /tmp/release .venv/dev assets
    cd /tmp/release && .venv/bin/python …/tests/upgrade/make_release.py …/tests/upgrade/release-70fa686.tar.xz

It runs in a checkout of that release, with the release's own environment. The archive holds `data/` (database, blobs,
index), as the release left it with work still waiting, and `recording.json` (what it answered at every address).
"""

import csv
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

sys.path[:0] = [str(Path.cwd()), str(Path(__file__).parent)]

import cv2
import numpy as np
from iiif.addresses import Addresses
from PIL import Image
from recording import Hub
from sqlalchemy import delete, text

from analytics import execution, synth
from analytics import service as analytics
from analytics.jobs import Analyse
from analytics.steps import barcode, quality
from annotations import service as annotations
from app import compose, relay
from app.cli.ingest import ingest_paths
from app.runtime import outbox, processes, tokens
from app.runtime.broker import DatabaseBroker
from app.runtime.context import Runtime
from app.runtime.outbox import OutboxRow
from app.runtime.settings import Settings
from app.web import create_app
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from iiif.image import deriving
from tests.drain import drain

BASE = "https://hub.upgrade.example"
PAGE_SIZE = 20
ANNO = "http://www.w3.org/ns/anno.jsonld"
ORIENTATION, MAKE, MODEL, TAKEN = 274, 271, 272, 306  # tags of EXIF
COLUMNS = ("file", "catalogNumber", "institutionCode", "collectionCode", "occurrenceID", "scientificName", "country",
           "eventDate", "recordedBy", "typeStatus", "license", "rightsHolder")  # fmt: skip
LEAF = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M40,60 L200,80 C240,120 220,200 160,220 Z"/></svg>'
STAIN = '<svg xmlns="http://www.w3.org/2000/svg"><ellipse cx="120" cy="90" rx="30" ry="20"/></svg>'


class Killed(BaseException):
    """Stands for a worker that dies in the middle of a step."""


def draw_first(folder: Path) -> None:
    """A drawn sheet with a photograph of its label, and records of every kind with small images."""
    folder.mkdir()
    drawn = folder.parent / "drawn"
    (sheet,) = synth.draw_sheets(drawn, count=1, seed=11)
    with Image.open(drawn / sheet.record["file"]) as full:
        half = full.resize((full.width // 2, full.height // 2), Image.Resampling.LANCZOS)
    half.save(folder / "sheet.jpg", quality=70)
    half.crop((0, half.height - 180, 260, half.height)).save(folder / "label.png")
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKE], exif[MODEL], exif[TAKEN] = 6, "Nikon", "D850", "2019:05:04 10:11:12"
    scene(3, 360, 240).save(folder / "turned.jpg", quality=85, exif=exif)
    cv2.imwrite(str(folder / "scan.tif"), np.asarray(scene(4, 300, 300))[..., ::-1].astype(np.uint16) * 257)
    scene(5, 1300, 900).save(folder / "drawing.png")
    scene(6, 320, 260).save(folder / "other.jpg", quality=80)
    scene(7, 280, 210).save(folder / "loose.tiff", compression="tiff_lzw")
    (folder / "broken.jpg").write_bytes((folder / "other.jpg").read_bytes()[:900])
    quercus = {"scientificName": "Quercus robur L.", "country": "Belgium", "license": "CC BY 4.0", "rightsHolder": "Meise"}
    write_table(
        folder / "specimens.csv",
        {"file": "sheet.jpg; label.png", "catalogNumber": "BR 0001", "institutionCode": "MeiseBG", "collectionCode": "BR",
         "occurrenceID": "https://example.org/specimen/BR0001", "eventDate": "1887-06-12", "typeStatus": "holotype", **quercus},
        {"file": "turned.jpg", "catalogNumber": "BR 0002", "institutionCode": "MeiseBG", "collectionCode": "BR",
         "eventDate": "1901", "recordedBy": "Élise Müller", **quercus},
        {"file": "scan.tif", "catalogNumber": "BR 0003", "occurrenceID": "urn:uuid:0f0c1f4e-7b1f-4b8e-9a3e-5f4f6b1c2d3e",
         "scientificName": "Fagus sylvatica L.", "license": "all rights reserved"},
        {"file": "drawing.png", "catalogNumber": "BR 0004", "scientificName": "Rosa canina L.", "eventDate": "188X",
         "license": "http://rightsstatements.org/vocab/InC/1.0/"},
        {"catalogNumber": "BR 0005", "scientificName": "Carex nigra", "country": "Österreich"},
        {"file": "other.jpg", "catalogNumber": "BR 0001", "institutionCode": "P", "scientificName": "Salix alba L."},
        {"file": "broken.jpg", "catalogNumber": "BR 0006"},
    )  # fmt: skip


def draw_more(folder: Path, *names: str) -> None:
    """Small images with rows of their own."""
    folder.mkdir()
    rows = []
    for name in names:
        scene(int(name.split()[1]), 240, 200).save(folder / f"{name}.jpg", quality=80)
        rows.append({"file": f"{name}.jpg", "catalogNumber": name, "scientificName": "Betula pendula Roth"})
    write_table(folder / "specimens.csv", *rows)


def scene(seed: int, width: int, height: int) -> Image.Image:
    """A picture with colours, edges and directions, so that no wrong turn of it looks the same."""
    random = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:height, 0:width]
    rgb = np.stack([columns * 200 / width, rows * 200 / height, np.full((height, width), 30 * (seed % 7))], -1).astype(np.uint8)
    for _ in range(12):
        x, y = int(random.integers(0, width - 20)), int(random.integers(0, height - 20))
        colour = tuple(int(value) for value in random.integers(0, 255, 3))
        cv2.rectangle(rgb, (x, y), (x + int(random.integers(5, 60)), y + int(random.integers(5, 40))), colour, -1)
    return Image.fromarray(rgb)


def write_table(path: Path, *rows: Mapping[str, str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)


def numbered(runtime: Runtime, number: str, institution: str | None = None) -> tuple[Specimen, tuple[Media, ...]]:
    with runtime.reads.begin() as session:
        found = catalogue.list_specimens_by_number(session, number, limit=9)
        (specimen,) = [one for one in found if institution is None or one.institution_code == institution]
        return specimen, catalogue.media_of(session, specimen.key)


def fill(runtime: Runtime, folder: Path) -> str:
    """Everything that a hub holds after some use; gives the secret of the token that still opens."""
    draw_first(folder / "first")
    with patch.object(quality, "run", fails_for("BR 0002")):
        ingest_paths(runtime, [folder / "first"])
        drain(runtime)
    with runtime.db.begin() as session:
        for number, access in (("BR 0003", "closed"), ("BR 0004", "reduced")):
            catalogue.set_access(session, numbered(runtime, number)[1][0].key, access, at=runtime.clock())
        secret = tokens.create(session, "curator", runtime.clock())
        tokens.create(session, "gone", runtime.clock())
        tokens.revoke(session, "gone", runtime.clock())
    refuse_one(runtime, folder / "refused")
    annotate(runtime, secret)
    drain(runtime)
    leave_work(runtime, folder / "later")
    return secret


def fails_for(catalog_number: str) -> Callable[..., Any]:
    """The step of quality, which breaks at the images of one specimen."""
    true = quality.run

    def run(image: Any, parameters: Any, context: Any) -> Any:
        if context.catalog_number == catalog_number:
            raise ValueError("too dark to judge")
        return true(image, parameters, context)

    return run


def refuse_one(runtime: Runtime, folder: Path) -> None:
    """An image that could not be prepared, so that its run failed."""
    draw_more(folder, "BR 0010")
    ingest_paths(runtime, [folder])
    _, (media,) = numbered(runtime, "BR 0010")
    with runtime.db.begin() as session:
        session.execute(delete(OutboxRow).where(OutboxRow.name == "derive_image"))
        catalogue.media_failed(session, media.key, "The data of the image are broken.", at=runtime.clock())
    drain(runtime)


def leave_work(runtime: Runtime, folder: Path) -> None:
    """In the outbox: an image to be derived, a specimen to be indexed. In the jobs table: a run to begin, and one that was
    interrupted after its first step."""
    draw_more(folder, "BR 0020", "BR 0021 half", "BR 0022 third")
    ingest_paths(runtime, [folder])
    _, (derived,) = numbered(runtime, "BR 0021 half")
    _, (interrupted,) = numbered(runtime, "BR 0022 third")
    _, (pending,) = numbered(runtime, "BR 0020")
    with runtime.db.begin() as session:
        session.execute(delete(OutboxRow).where(OutboxRow.name == "derive_image"))
    for media in (derived, interrupted):
        deriving.derive(runtime, media.key)
    with runtime.db.begin() as session:
        session.execute(delete(OutboxRow).where(OutboxRow.payload["media_key"].as_string() == interrupted.key))
        (run,) = analytics.of_media(session, [interrupted.key])
        outbox.add(session, Analyse(run.key))
    broker = DatabaseBroker(runtime.database)
    relay.send_jobs(runtime, broker)
    with patch.object(barcode, "run", side_effect=Killed), suppress(Killed):
        execution.perform(runtime, run.key)
    while relay.update_index(runtime):
        pass
    with runtime.db.begin() as session:
        catalogue.derive_again(session, pending.key)
        outbox.touch(session, "specimen", numbered(runtime, "BR 0001", "P")[0].key)


def annotate(runtime: Runtime, secret: str) -> None:
    """What people say: versions, names of their own, several targets, comments on annotations, shapes, corrections, deletions."""
    client, addresses = create_app(runtime).test_client(), Addresses.of(runtime.settings)
    sheet, (whole, label) = numbered(runtime, "BR 0001", "MeiseBG")
    turned, (image,) = numbered(runtime, "BR 0002")
    closed, (hidden,) = numbered(runtime, "BR 0003")
    reduced, (small,) = numbered(runtime, "BR 0004")
    canvas = addresses.canvas(sheet.key, whole.key)
    other = addresses.canvas(turned.key, image.key)

    def write(method: str, iri: str, document: Any, status: int, **headers: str) -> Any:
        said = {"Authorization": f"Bearer {secret}", "Content-Type": "application/ld+json", **headers}
        answer = client.open(iri.removeprefix(BASE), method=method, data=json.dumps(document), headers=said)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer

    def post(target: Any, words: str, status: int = 201, slug: str = "", **more: Any) -> str:
        headers = {"Slug": slug} if slug else {}
        return str(write("POST", "/annotations/", document(target, words, **more), status, **headers).headers["Location"])

    note = post(f"{canvas}#xywh=10,20,300,200", "The label of Crépin", slug="crepins-label")
    for words in ("The label of François Crépin", "The label of François Crépin, in his own hand"):
        etag = client.get(note.removeprefix(BASE)).headers["ETag"]
        write("PUT", note, document(f"{canvas}#xywh=10,20,310,200", words, id=note), 200, **{"If-Match": etag})
    post([f"{canvas}#xywh=400,400,90,90", f"{other}#xywh=10,10,50,60"], "The same leaf on two sheets")
    post(note, "I agree with this reading", motivation="replying")
    post(shape(canvas, LEAF), "A leaf")
    post(shape(canvas, STAIN), "A stain", motivation=["tagging", "identifying"])
    post(shape(other, None), "The lower half, in percent")
    gone = post(canvas, "Said too soon")
    write("PUT", gone, document(canvas, "Said too soon, and wrongly", id=gone), 200)
    write("DELETE", gone, None, 204)
    for target in (
        addresses.pid(sheet.key),
        addresses.manifest(turned.key),
        addresses.image(label.key),
        addresses.pid(image.key),
    ):
        post(target, f"About {target.rsplit('/', 1)[-1]} as a whole", unknown={"kept": [1, 2.5, None, True, 1.0, 1e-7]})
    post(f"{addresses.canvas(closed.key, hidden.key)}#xywh=5,5,100,100", "Seen by few")
    post(f"{addresses.canvas(reduced.key, small.key)}#xywh=600,400,200,100", "سند قديم", language="ar")
    with runtime.reads.begin() as session:
        machine = annotations.of_media(session, whole.key, "machine")
    assert {one.kind for one in machine} >= {"quality", "ruler"}, [one.kind for one in machine]
    first, second = machine[:2]
    post(addresses.annotation(first.key), "Confirmed", motivation="assessing")
    write(
        "PUT",
        addresses.annotation(second.key),
        {**second.document, "rights": "https://creativecommons.org/licenses/by/4.0/"},
        200,
    )
    write("DELETE", addresses.annotation(machine[-1].key), None, 204)


def document(target: Any, words: str, *, motivation: Any = "commenting", language: str = "en", **more: Any) -> dict[str, Any]:
    body = {"type": "TextualBody", "value": words, "format": "text/plain", "language": language}
    return {"@context": ANNO, "type": "Annotation", "motivation": motivation, "body": body, "target": target, **more}


def shape(canvas: str, svg: str | None) -> dict[str, Any]:
    selector = {"type": "SvgSelector", "value": svg} if svg else {"type": "FragmentSelector", "value": "xywh=percent:0,50,100,50"}
    return {"type": "SpecificResource", "source": canvas, "selector": selector}


def seeds(runtime: Runtime) -> Iterator[str]:
    """Addresses that no answer names, or not all of; what their answers name is found by following them."""
    yield from ("/", "/runs", "/runs?state=failed", "/annotations/", "/annotations/?page=last", "/ns/1/context.jsonld")
    yield from ("/api/specimens?limit=4", "/api/media?limit=4", "/api/media?state=failed", "/api/media?state=pending")
    yield from ("/api/specimens?catalogNumber=BR%200001", "/api/runs?limit=50", "/api/runs?state=failed", "/api/runs?kind=ingest")
    yield from ("/iiif/presentation/3/collection/all.json", "/api/specimens/s1nothing", "/annotations/nothing")
    for query in ("", "?q=quercus", "?q=label", "?q=Belgium&limit=2", "?country=Belgium", "?q=nothingofthekind"):
        yield f"/api/search{query}"
    with runtime.reads.begin() as session:
        specimens = catalogue.list_specimens(session, limit=100)
        media = catalogue.list_media(session, limit=100)
        statements = session.execute(text("SELECT key, version FROM annotations")).all()
    for specimen in specimens:
        yield from (f"/specimens/{specimen.key}", f"/ark:99999/{specimen.key}", f"/ark:/99999/{specimen.key}")
        yield from (f"/iiif/presentation/{version}/{specimen.key}/manifest.json" for version in (3, 2))
        yield from (f"/search/{version}/{specimen.key}?q=label" for version in (2, 1))
        yield from (f"/search/2/{specimen.key}/autocomplete?q=la", f"/search/2/{specimen.key}?motivation=commenting")
    for one in media:
        yield from (f"/ark:99999/{one.key}", f"/api/media?specimen={one.specimen_key}")
        yield from (f"/canvases/{one.key}/annotations/{layer}.json" for layer in ("machine", "people"))
        yield from pictures(one)
    for key, version in statements:
        yield from (f"/annotations/{key}", f"/ark:99999/{key}")
        yield from (f"/annotations/{key}?profile={profile}" for profile in ("w3c", "iiif3", "iiif2", "annotorious"))
        yield from (f"/annotations/{key}/versions/{number}" for number in range(version + 2))


def pictures(media: Media) -> Iterator[str]:
    image = f"/iiif/3/{media.key}"
    yield from (f"{image}/info.json", f"/iiif/2/{media.key}/info.json", image)
    yield from (f"{image}/full/max/0/default.jpg", f"{image}/full/!150,150/0/default.jpg", f"{image}/square/100,/0/default.png")
    width, height = min(media.width_px, 512), min(media.height_px, 512)
    yield from (f"{image}/0,0,{width},{height}/max/0/default.jpg", f"{image}/0,0,200,180/!100,100/90/gray.jpg")
    yield from (f"{image}/pct:10,10,50,50/120,/!180/default.jpg", f"/iiif/2/{media.key}/full/full/0/default.jpg")


@contextmanager
def served(settings: Settings) -> Iterator[None]:
    """The release's own web process."""
    process = subprocess.Popen([sys.executable, "-m", "app.cli", "web"], env=settings.environment())
    try:
        for _ in range(600):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{settings.port}/health/live", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(20)


def pack(out: Path, data: Path, recording: dict[str, Any]) -> None:
    """Database, blobs and index; nothing that names this machine."""
    files = [
        path for path in sorted(data.rglob("*")) if path.is_file() and not {"cache", "incoming", "metrics"} & set(path.parts)
    ]
    with tarfile.open(out, "w:xz", preset=9) as archive:
        for path in files:
            add(archive, f"data/{path.relative_to(data)}", path.read_bytes())
        add(archive, "recording.json", json.dumps(recording, ensure_ascii=False).encode())


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    private = [
        word
        for word in (tempfile.gettempdir(), str(Path.cwd()), f"{socket.gethostname()}.{os.getpid()}")
        if word.encode() in content
    ]
    assert not private, f"{name} names this machine: {private}"
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def main(out: Path) -> None:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        listener.close()
        chosen = {"base_url": BASE, "page_size": PAGE_SIZE}
        settings = Settings(data_dir=Path(folder) / "data", port=port, **chosen)
        runtime = compose.build(settings)
        compose.prepare(runtime)
        with patch.object(processes, "name", lambda: "release.1.1"):
            secret = fill(runtime, Path(folder))
        with served(settings):
            exchanges = Hub(port, BASE, secret).record(seeds(runtime))
        runtime.search.close()
        with runtime.database.engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            left = {table: connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() for table in ("outbox", "jobs")}
        runtime.database.engine.dispose()
        pack(out, settings.data_dir, {"settings": chosen, "token": secret, "exchanges": exchanges})
    sys.stdout.write(f"{len(exchanges)} answers, {out.stat().st_size} bytes; waiting: {left}" + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
