"""A static export is a whole level 0 tree: every address that its documents promise is a file, and says what the server says."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from werkzeug.test import Client

from annotations import service
from annotations.lint import lint
from annotations.segments import store as segments
from app.export.folder import NotAnExport
from app.export.run import ExportReport, export
from app.runtime.addresses import Addresses
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from app.web import create_app
from app.web.fast_images import FastImages
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, OwnRegion
from iiif.image.request import other_side
from iiif.image.serving import open_images
from tests.contract.presentation_schema import failure
from tests.sheets import add_sheet, comment
from tests.unit.iiif.image.pictures import derived, drawn, file_of

BASE = "https://files.example.org/herbarium"
ROOT = Path(__file__).resolve().parents[2]
SIZES = [(1, 1), (512, 512), (513, 300), (1031, 1537), (97, 2053)]
TILE_PX = 512


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the export goes, beside the hub's own data."""
    return tmp_path / "export"


@pytest.fixture
def server(runtime: Runtime) -> Client:
    """The running hub, images by the fast path."""
    return Client(FastImages(create_app(runtime).wsgi_app, open_images.of(runtime)))


def sheet(runtime: Runtime, width: int = 600, height: int = 700) -> Media:
    return derived(runtime, file_of(drawn(width, height)))


def said(runtime: Runtime, media: Media, text: str) -> None:
    """A comment of a person on the image."""
    addresses = runtime.addresses
    document = comment(addresses.canvas(media.specimen_key, media.key) + "#xywh=10,20,30,40", text)
    with runtime.db.begin() as session:
        service.create(session, document, by=Principal.of_system(), addresses=addresses, at=runtime.clock())


def read(folder: Path, address: str) -> Any:
    """The JSON document that is served at that address."""
    return json.loads((folder / address.removeprefix(f"{BASE}/")).read_text())


def viewer_asks(info: dict[str, Any]) -> Iterator[tuple[str, tuple[int, int]]]:
    """What a viewer computes from info.json: paths with the sizes of what they must give (Image API 3.0, section 4.7)."""
    width, height = info["width"], info["height"]
    largest = info.get("maxWidth", width), info.get("maxHeight", height)
    yield "full/max/0/default.jpg", largest
    for size in info["sizes"]:
        yield f"full/{size['width']},{size['height']}/0/default.jpg", (size["width"], size["height"])
    (tiles,) = info["tiles"]
    for scale in tiles["scaleFactors"]:
        span = tiles["width"] * scale
        for column in range(ceil(width / span)):
            for row in range(ceil(height / span)):
                x, y = column * span, row * span
                w, h = min(span, width - x), min(span, height - y)
                region = "full" if (w, h) == (width, height) else f"{x},{y},{w},{h}"
                size = ceil(w / scale), ceil(h / scale)
                yield f"{region}/{size[0]},{size[1]}/0/default.jpg", size


def size_of(path: Path) -> tuple[int, int]:
    return Image.open(io.BytesIO(path.read_bytes())).size


def pixels(body: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_promised_picture_is_a_file_and_the_one_that_the_server_gives(
    runtime: Runtime, server: Client, out: Path, width: int, height: int
) -> None:
    media = sheet(runtime, width, height)
    export(runtime, [media.specimen_key], out, BASE)
    folder = out / "iiif" / "3" / media.key
    info = json.loads((folder / "info.json").read_text())
    live = server.get(f"/iiif/3/{media.key}/info.json").json
    assert (info["profile"], info["sizes"], info["tiles"]) == ("level0", live["sizes"], live["tiles"])
    assert info["id"] == f"{BASE}/iiif/3/{media.key}"
    asked = dict(viewer_asks(info))
    if width > 90:  # Universal Viewer asks for it unpromised
        asked["full/90,/0/default.jpg"] = (90, other_side(width, height, 90))
    for path, size in asked.items():
        body = (folder / path).read_bytes()
        assert Image.open(io.BytesIO(body)).size == size, path
        assert body == server.get(f"/iiif/3/{media.key}/{path}").data, path
    written = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert written == {*asked, "info.json"}


def test_tiles_lie_there_as_they_are_stored(runtime: Runtime, out: Path) -> None:
    media = sheet(runtime, 1300, 900)
    export(runtime, [media.specimen_key], out, BASE)
    original = drawn(1300, 900)
    for name, box in {"512,0,512,512": (512, 0, 1024, 512), "1024,512,276,388": (1024, 512, 1300, 900)}.items():
        left, top, right, bottom = box
        tile = out / "iiif" / "3" / media.key / name / f"{right - left},{bottom - top}" / "0" / "default.jpg"
        difference = np.abs(pixels(tile.read_bytes()).astype(int) - original[top:bottom, left:right])
        assert difference.mean() < 3


def test_where_the_limits_allow_no_full_picture_max_is_the_largest_of_the_sizes(runtime: Runtime, out: Path) -> None:
    media = sheet(runtime, 1500, 1100)
    limited = Runtime(runtime.settings.with_(max_area=1_000_000), runtime.database, runtime.blobs, runtime.search, runtime.clock)
    export(limited, [media.specimen_key], out, BASE)
    info = read(out, f"{BASE}/iiif/3/{media.key}/info.json")
    assert (info["maxWidth"], info["maxHeight"]) == (750, 550)
    assert info["sizes"][-1] == {"width": 750, "height": 550}
    folder = out / "iiif" / "3" / media.key
    for path, size in viewer_asks(info):
        assert size_of(folder / path) == size
    assert not (folder / "full" / "1500,1100").exists()


def test_documents_are_valid_and_lead_nowhere_but_to_files_and_the_persistent_identifier(
    runtime: Runtime, out: Path, shared: Path
) -> None:
    media = [sheet(runtime, 600 + number, 700) for number in range(2)]
    for one in media:
        said(runtime, one, "A galled leaf")
    report = export(runtime, [one.specimen_key for one in media], out, BASE)
    schema = shared / "schemas" / "iiif" / "iiif_3_0.json"
    pid = runtime.addresses.pid
    for address in (*report.manifests, report.collection):
        assert failure(read(out, address), schema) == ""
        assert lint(read(out, address)) == ()
    for one in media:
        manifest = read(out, f"{BASE}/iiif/presentation/3/{one.specimen_key}/manifest.json")
        assert [entry["id"] for entry in manifest.pop("seeAlso")] == [pid(one.specimen_key)]
        assert not {"service", "homepage", "partOf"} & set(manifest)
        (canvas,) = manifest["items"]
        body = canvas["items"][0]["items"][0]["body"]
        assert [(entry["type"], entry["profile"]) for entry in body["service"]] == [("ImageService3", "level0")]
        for linked in (*manifest["thumbnail"], *canvas["thumbnail"], body):
            assert (out / linked["id"].removeprefix(f"{BASE}/")).is_file()
            assert read(out, linked["service"][0]["id"] + "/info.json")["id"] == linked["service"][0]["id"]
        assert "lectotype.test" not in json.dumps(manifest)


def test_annotations_are_files_too(runtime: Runtime, out: Path, shared: Path) -> None:
    media = sheet(runtime)
    said(runtime, media, "A galled leaf")
    (address,) = export(runtime, [media.specimen_key], out, BASE).manifests
    canvas = read(out, address)["items"][0]
    (reference,) = canvas["annotations"]
    assert "items" not in reference
    page = read(out, reference["id"])
    assert failure(page, shared / "schemas" / "iiif" / "iiif_3_0.json") == ""
    (annotation,) = page["items"]
    assert annotation["target"]["source"]["id"] == canvas["id"]
    assert read(out, annotation["id"])["body"][0]["value"] == "A galled leaf"
    assert "lectotype.test" not in json.dumps(page)


def test_the_page_of_links_needs_no_server(runtime: Runtime, out: Path) -> None:
    media = [sheet(runtime, 600 + number, 300) for number in range(2)]
    export(runtime, [one.specimen_key for one in media], out, BASE)
    page = (out / "index.html").read_text()
    assert "://" not in page
    assert "<script" not in page
    for one in media:
        assert f'href="iiif/presentation/3/{one.specimen_key}/manifest.json"' in page
    assert 'href="iiif/presentation/3/collection/top.json"' in page


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


KILLED_WHILE_WRITING = """
import os, signal, sys
from pathlib import Path
from app import compose
from app.export.folder import Folder
from app.export.run import export
from app.runtime.settings import Settings

def replace(self, target, replace=Path.replace):
    if Path(target).name == "default.jpg":
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)
    return replace(self, target)

left = [int(sys.argv[1])]
Path.replace = replace
export(compose.build(Settings()), [sys.argv[2]], Path(sys.argv[3]), sys.argv[4])
"""


def test_killed_half_way_and_run_again_it_is_whole(runtime: Runtime, out: Path) -> None:
    media = sheet(runtime, 1300, 1700)
    whole, broken = out / "whole", out / "broken"
    export(runtime, [media.specimen_key], whole, BASE)
    environment = {**runtime.settings.environment(), "PYTHONPATH": str(ROOT)}
    for count in (1, 7):
        command = [sys.executable, "-c", KILLED_WHILE_WRITING, str(count), media.specimen_key, str(broken), BASE]
        assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
        assert not list(broken.rglob("info.json"))
    here = [path for path in broken.rglob("default.jpg") if path.read_bytes() == (whole / path.relative_to(broken)).read_bytes()]
    assert len(here) == 6
    report = export(runtime, [media.specimen_key], broken, BASE)
    assert report.kept == 6
    del (expected := files(whole))[".lectotype/lock"], (found := files(broken))[".lectotype/lock"]
    found.pop(".lectotype/incoming/file", None)
    assert found == expected


def test_a_second_run_keeps_what_stands_and_writes_what_is_new(runtime: Runtime, out: Path) -> None:
    first, second = sheet(runtime, 600, 500), sheet(runtime, 500, 600)
    assert export(runtime, [first.specimen_key], out, BASE).collection is None
    before = files(out)
    again = export(runtime, [first.specimen_key], out, BASE)
    assert (again.written, again.kept) == (0, len(before) - len([name for name in before if name.startswith(".lectotype")]))
    more = export(runtime, [second.specimen_key], out, BASE)
    listed = read(out, str(more.collection))["items"]
    assert {item["id"].split("/")[-2] for item in listed} == {first.specimen_key, second.specimen_key}
    for item in listed:
        assert read(out, item["id"])["type"] == "Manifest"


def test_what_changed_at_the_hub_changes_in_the_export(runtime: Runtime, out: Path) -> None:
    media = sheet(runtime)
    said(runtime, media, "A galled leaf")
    export(runtime, [media.specimen_key], out, BASE)
    (annotation,) = read(out, f"{BASE}/canvases/{media.key}/annotations/people.json")["items"]
    stale = out / "iiif" / "3" / media.key / "full" / "300,350" / "0" / "default.jpg"
    other = sheet(runtime, 600, 800)
    with runtime.db.begin() as session:
        service.delete(
            session, annotation["id"].rsplit("/", 1)[1].removesuffix(".json"), by=Principal.of_system(), at=runtime.clock()
        )
        catalogue.media_ready(
            session, media.key, catalogue.Derivative(600, 800, 1, "", other.pyramid_sha256, 2), at=runtime.clock()
        )
    export(runtime, [media.specimen_key], out, BASE)
    assert not (out / annotation["id"].removeprefix(f"{BASE}/")).exists()
    assert not list((out / "canvases").rglob("*.json"))
    assert "annotations" not in read(out, f"{BASE}/iiif/presentation/3/{media.specimen_key}/manifest.json")["items"][0]
    assert not stale.exists()
    assert size_of(stale.parents[2] / "max" / "0" / "default.jpg") == (600, 800)


def test_an_annotation_on_two_images_is_a_file_while_it_is_about_one_of_them(runtime: Runtime, out: Path) -> None:
    media, by = [sheet(runtime), sheet(runtime, 600, 800)], Principal.of_system()
    canvases = [runtime.addresses.canvas(one.specimen_key, one.key) for one in media]
    with runtime.db.begin() as session:
        more = {"by": by, "addresses": runtime.addresses, "at": runtime.clock()}
        key = service.create(session, comment([f"{iri}#xywh=10,20,30,40" for iri in canvases]), **more).key
    export(runtime, [one.specimen_key for one in media], out, BASE)
    for one in media:
        (item,) = read(out, f"{BASE}/canvases/{one.key}/annotations/people.json")["items"]
        assert item["target"]["source"]["id"] == f"{BASE}/iiif/presentation/3/{one.specimen_key}/canvas/{one.key}"
    with runtime.db.begin() as session:
        service.replace(session, key, comment(canvases[0]), **more)
    for again in (media[0], media[1]):
        export(runtime, [again.specimen_key], out, BASE)
        assert read(out, f"{BASE}/annotations/{key}.json")["id"] == f"{BASE}/annotations/{key}.json"
    assert not (out / "canvases" / media[1].key / "annotations" / "people.json").exists()


@pytest.mark.parametrize("access", ["reduced", "closed"])
def test_what_is_not_open_stays_at_home_and_is_taken_back(runtime: Runtime, out: Path, access: Any) -> None:
    media = sheet(runtime)
    said(runtime, media, "A galled leaf")
    export(runtime, [media.specimen_key], out, BASE)
    with runtime.db.begin() as session:
        catalogue.set_access(session, media.key, access, by=Principal.of_system(), at=runtime.clock())
    report = export(runtime, [media.specimen_key], out, BASE)
    assert [(one.image, one.withdrawn) for one in report.skipped] == [(media.key, True)]
    assert f"access is {access}" in report.skipped[0].reason
    assert report.manifests == []
    left = {name for name in files(out) if not name.startswith(".lectotype")}
    assert left == {"index.html"}
    report = export(runtime, [media.specimen_key], out, BASE, with_restricted=True)
    assert report.skipped == []
    info = read(out, f"{BASE}/iiif/3/{media.key}/info.json")
    for path, size in viewer_asks(info):
        assert size_of(out / "iiif" / "3" / media.key / path) == size
    shown = read(out, report.manifests[0])
    assert (out / shown["thumbnail"][0]["id"].removeprefix(f"{BASE}/")).is_file()


def test_images_that_cannot_be_exported_are_named_one_by_one(runtime: Runtime, out: Path) -> None:
    lost, failed, good = (sheet(runtime, 400, 300 + number) for number in range(3))
    runtime.blobs.delete(lost.pyramid_sha256)
    with runtime.db.begin() as session:
        catalogue.media_failed(session, failed.key, "The file ends too soon.", at=runtime.clock())
        draft = catalogue.SpecimenDraft("BR 7", {}, {}, "test")
        empty = catalogue.add_specimen(session, draft, naan=runtime.settings.naan, at=runtime.clock())
    keys = [lost.specimen_key, failed.specimen_key, good.specimen_key, empty.key]
    report = export(runtime, keys, out, BASE)
    assert len(report.manifests) == 1
    reasons = {one.image or one.specimen: one.reason for one in report.skipped}
    assert set(reasons) == {lost.key, failed.key, empty.key}
    assert "lost" in reasons[lost.key]
    assert "ends too soon" in reasons[failed.key]


def test_a_folder_of_other_things_is_not_touched(runtime: Runtime, out: Path) -> None:
    media = sheet(runtime, 40, 30)

    def refused(folder: Path, base: str = BASE) -> bool:
        before = files(folder)
        with pytest.raises(NotAnExport):
            export(runtime, [media.specimen_key], folder, base)
        return files(folder) == before

    mine, others = out / "mine", out / "others"
    others.mkdir(parents=True)
    (others / "thesis.txt").write_text("all of it")
    assert refused(others)
    export(runtime, [media.specimen_key], mine, BASE)
    assert refused(mine, "https://elsewhere.example.org")


def test_two_exports_do_not_write_to_one_folder_at_once(runtime: Runtime, out: Path) -> None:
    media = sheet(runtime, 40, 30)
    second: list[type[Exception]] = []

    def while_it_works(done: int, total: int) -> None:
        try:
            export(runtime, [media.specimen_key], out, BASE)
        except NotAnExport as refused:
            second.append(type(refused))

    report: ExportReport = export(runtime, [media.specimen_key], out, BASE, progress=while_it_works)
    assert second == [NotAnExport, NotAnExport]
    assert len(report.manifests) == 1


def test_names_suit_file_servers_and_object_stores(runtime: Runtime, out: Path) -> None:
    media = sheet(runtime, 1100, 700)
    said(runtime, media, "A galled leaf")
    export(runtime, [media.specimen_key], out, BASE)
    allowed = re.compile(r"[A-Za-z0-9,.-]+", re.ASCII)
    for folder, folders, names in os.walk(out):
        assert not set(folders) & set(names), folder
        assert all(allowed.fullmatch(name) for name in folders + names), folder


def test_each_specimen_of_a_shared_image_has_its_own_region_as_a_file(runtime: Runtime, out: Path) -> None:
    media = sheet(runtime)
    other, _ = add_sheet(runtime, "B 2", sizes=())
    with runtime.db.begin() as session:
        catalogue.depict(
            session, other.key, media.key, region=OwnRegion(100, 50, 400, 250), by=Principal.of_system(), at=runtime.clock()
        )
    said(runtime, media, "Two in one")
    export(runtime, [other.key, media.specimen_key], out, BASE)
    own, whole = read(out, f"{BASE}/iiif/presentation/3/{other.key}/manifest.json")["items"]
    body = own["items"][0]["items"][0]["body"]
    assert (own["width"], own["height"], body["width"], body["height"], "service" in body) == (300, 200, 300, 200, False)
    for picture in (body, own["thumbnail"][0]):
        assert size_of(out / picture["id"].removeprefix(f"{BASE}/")) == (picture["width"], picture["height"])
    difference = np.abs(
        pixels((out / body["id"].removeprefix(f"{BASE}/")).read_bytes()).astype(int) - drawn(600, 700)[50:250, 100:400]
    )
    assert difference.mean() < 4
    (reference,) = whole["annotations"]
    (item,) = read(out, reference["id"])["items"]
    assert item["target"]["source"]["id"] == whole["id"]
    home = f"{BASE}/iiif/presentation/3/{media.specimen_key}"
    assert read(out, item["id"])["target"]["source"]["id"] == f"{home}/canvas/{media.key}"
    assert [canvas["id"] for canvas in read(out, f"{home}/manifest.json")["items"]] == [f"{home}/canvas/{media.key}"]
    with runtime.db.begin() as session:
        catalogue.set_access(session, media.key, "closed", by=Principal.of_system(), at=runtime.clock())
    export(runtime, [other.key], out, BASE)
    assert not list((out / "canvases").rglob("*.json"))
    assert not list((out / "iiif" / "3").rglob("*.jpg"))


def test_an_image_that_no_longer_shows_the_specimen_leaves_the_export(runtime: Runtime, out: Path) -> None:
    media, by = sheet(runtime), Principal.of_system()
    other, _ = add_sheet(runtime, "B 2", sizes=())
    said(runtime, media, "Two in one")
    box = OwnRegion(100, 50, 400, 250)
    home = f"iiif/presentation/3/{media.specimen_key}/manifest.json"

    def turn(shown: bool) -> None:
        with runtime.db.begin() as session:
            if shown:
                catalogue.depict(session, other.key, media.key, region=box, by=by, at=runtime.clock())
            else:
                catalogue.end_depiction(session, other.key, media.key, by=by, at=runtime.clock())

    def left() -> set[str]:
        return {name for name in files(out) if not name.startswith(".lectotype")}

    turn(shown=True)
    export(runtime, [other.key], out, BASE)
    turn(shown=False)
    export(runtime, [other.key], out, BASE)
    assert left() == {"index.html"}, "no other manifest shows it"
    export(runtime, [media.specimen_key], out, BASE)
    before = left()
    turn(shown=True)
    export(runtime, [media.specimen_key, other.key], out, BASE)
    assert len(left() - before) > 3, "a manifest, a page, pictures and the collection"
    turn(shown=False)
    export(runtime, [other.key], out, BASE)
    assert left() == before, "its home specimen has it whole"
    assert home in before


def test_an_annotation_stays_where_one_of_its_images_leaves(runtime: Runtime, out: Path) -> None:
    media, by = [sheet(runtime), sheet(runtime, 600, 800)], Principal.of_system()
    canvases = [runtime.addresses.canvas(one.specimen_key, one.key) for one in media]
    with runtime.db.begin() as session:
        more = {"by": by, "addresses": runtime.addresses, "at": runtime.clock()}
        key = service.create(session, comment([f"{iri}#xywh=10,20,30,40" for iri in canvases]), **more).key
    file = out / "annotations" / f"{key}.json"
    export(runtime, [one.specimen_key for one in media], out, BASE)
    for one, stays in ((media[0], True), (media[1], False)):
        with runtime.db.begin() as session:
            catalogue.media_failed(session, one.key, "The file ends too soon.", at=runtime.clock())
        export(runtime, [one.specimen_key], out, BASE)
        assert file.exists() == stays
    assert not list((out / "canvases").rglob("*.json"))


def test_each_segment_has_a_manifest_and_a_range_in_files_while_there_is_such_a_segment(
    runtime: Runtime, server: Client, out: Path, shared: Path
) -> None:
    media = sheet(runtime)
    addresses = Addresses(BASE, runtime.settings.naan)
    with runtime.db.begin() as session:
        found = comment(f"{runtime.addresses.canvas(media.specimen_key, media.key)}#xywh=101,203,77,51", "Quercus suber")
        how: Any = {"addresses": runtime.addresses, "at": runtime.clock()}
        label = service.create_machine(session, found, media=media, run_key="x1", kind="label", **how)
        (segment,) = segments.on_image(session, media.key)
    export(runtime, [media.specimen_key], out, BASE)
    shown = read(out, addresses.manifest(segment.key))
    (canvas,) = shown["items"]
    body = canvas["items"][0]["items"][0]["body"]
    assert (canvas["width"], canvas["height"], body["width"], body["height"]) == (77, 51, 77, 51)
    assert "service" not in body
    picture, page = (out / iri.removeprefix(f"{BASE}/") for iri in (body["id"], canvas["annotations"][0]["id"]))
    assert size_of(picture) == (77, 51)
    assert json.loads(page.read_text())["items"][0]["target"]["source"]["id"] == canvas["id"]
    assert shown["partOf"] == [{"id": addresses.manifest(media.specimen_key), "type": "Manifest"}]
    sheet_manifest = read(out, addresses.manifest(media.specimen_key))
    assert failure(sheet_manifest, shared / "schemas" / "iiif" / "iiif_3_0.json") == ""
    (contents,) = sheet_manifest["structures"]
    at_hub = server.get(f"/iiif/presentation/3/{media.specimen_key}/manifest.json")
    live = at_hub.get_json(force=True)["structures"]
    assert [contents] == json.loads(json.dumps(live).replace(runtime.addresses.base, BASE)), "as a running hub has it"
    assert [one["id"] for one in contents["items"]] == [f"{addresses.manifest(media.specimen_key)}#{segment.key}"]
    assert contents["items"][0]["items"][0]["source"]["id"] == sheet_manifest["items"][0]["id"]
    assert contents["items"][0]["seeAlso"][0]["id"] == shown["id"]
    assert not (out / "iiif/presentation/3/collection").exists(), "one specimen and its label are no collection"
    export(runtime, [media.specimen_key], out, BASE)
    assert picture.is_file()
    assert page.is_file()
    with runtime.db.begin() as session:
        service.delete(session, label.key, by=Principal.of_system(), at=runtime.clock())
    export(runtime, [media.specimen_key], out, BASE)
    assert not [path for path in (out / addresses.manifest(segment.key).removeprefix(f"{BASE}/"), picture, page) if path.exists()]
    assert "structures" not in read(out, addresses.manifest(media.specimen_key))
