"""What is taken along of a dataset: packages that foreign readers accept, the same bytes each time."""

import csv
import hashlib
import io
import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from annotations.datasets import actors, exporting, packaging, service, web_dataset
from annotations.datasets.model import Version
from app.runtime import context
from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue
from iiif.catalogue.tables import SpecimenRow
from tests.datasets import SYSTEM, add, freeze, make
from tests.sheets import Hub, comment


@pytest.fixture
def version(hub: Hub) -> Version:
    """Of five images of four specimens with notes; one image can be reduced only."""
    runtime = hub.runtime
    for number in range(4):
        specimen, images = add(runtime, f"Q {number}", images=1 + (number == 3), rights="CC BY-SA 4.0", creator="Ada, with é")
        region = f"{hub.addresses.canvas(specimen.key, images[0].key)}#xywh=4,6,10,12"
        assert hub.post(comment(region)).status_code == 201
    _, (reduced,) = add(runtime, "Q 9")
    with runtime.db.begin() as session:
        catalogue.set_access(session, reduced.key, "reduced", by=SYSTEM, at=runtime.clock())
    said: Any = {
        "creators": [{"name": "Ada Lovelace", "orcid": "0000-0002-1825-0097"}, "Banks, J."],
        "keywords": ["oaks", "galls"],
    }
    made = freeze(runtime, make(runtime, 'Oaks & their "galls"', selection={"q": "Quercus"}, **said).key)
    assert made is not None
    return made


@pytest.fixture
def taken(hub: Hub, version: Version, tmp_path: Path) -> Path:
    """The package, taken along and unpacked."""
    got = hub.client.get(f"/datasets/{version.name}/archive.zip")
    assert got.status_code == 200, got.text
    assert int(got.headers["Content-Length"]) == len(got.data)
    with zipfile.ZipFile(io.BytesIO(got.data)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path / "taken")
    return tmp_path / "taken"


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"), newline="")))


def test_a_package_proves_itself(version: Version, taken: Path) -> None:
    for list_ in ("manifest-sha256.txt", "manifest.sha256"):
        done = subprocess.run(["sha256sum", "-c", "--quiet", list_], cwd=taken, check=False, capture_output=True, text=True)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
    listed = {line.split("  ")[1] for line in (taken / "manifest-sha256.txt").read_text().splitlines()}
    there = {str(path.relative_to(taken)) for path in taken.rglob("*") if path.is_file()}
    assert there - listed == {"manifest-sha256.txt"}
    assert hashlib.sha256((taken / "members.jsonl").read_bytes()).hexdigest() == version.content_id
    assert len(list((taken / "images").iterdir())) == 5


def test_attribution_adds_up_to_the_images(taken: Path, version: Version) -> None:
    rows = rows_of(taken / "ATTRIBUTION.csv")
    assert sum(int(row["count"]) for row in rows if row["of"] == "images") == version.summary["images"] == 6
    assert sum(int(row["count"]) for row in rows if row["of"] == "annotations") == version.summary["annotations"] == 4
    assert {row["creator"] for row in rows if row["of"] == "images"} == {"Ada, with é", ""}
    assert "by-sa/4.0" in (taken / "LICENSE.txt").read_text()


def test_reduced_images_are_told_and_not_given(taken: Path) -> None:
    rows = rows_of(taken / "images.csv")
    assert sorted(row["access"] for row in rows) == ["open"] * 5 + ["reduced"]
    assert [row["path"] for row in rows if row["access"] == "reduced"] == [""]


def test_the_zip_is_the_same_each_time_and_resumes_anywhere(hub: Hub, version: Version) -> None:
    address = f"/datasets/{version.name}/archive.zip"
    whole = hub.client.get(address)
    tag = whole.headers["ETag"]
    for start in (0, 1, 700, len(whole.data) // 2, len(whole.data) - 1):
        part = hub.client.get(address, headers={"Range": f"bytes={start}-", "If-Range": tag})
        assert (part.status_code, part.data) == (206, whole.data[start:])
        assert part.headers["Content-Range"] == f"bytes {start}-{len(whole.data) - 1}/{len(whole.data)}"
    assert hub.client.get(address, headers={"Range": "bytes=-20"}).data == whole.data[-20:]
    assert hub.client.get(address, headers={"Range": f"bytes={len(whole.data)}-"}).status_code == 416
    assert hub.client.get(address, headers={"Range": "bytes=0-9", "If-Range": '"other"'}).status_code == 200
    assert hub.client.get(address, headers={"If-None-Match": tag}).status_code == 304
    head = hub.client.head(address)
    assert (head.headers["Content-Length"], head.data) == (str(len(whole.data)), b"")
    _forget(hub.runtime)
    again = hub.client.get(address)
    assert (again.data, again.headers["ETag"]) == (whole.data, tag)


def _forget(runtime: Runtime) -> None:
    """As when nobody has asked for the documents for long."""
    from sqlalchemy import delete, select

    from annotations.datasets.tables import DatasetFileRow

    with runtime.db.begin() as session:
        digests = session.scalars(select(DatasetFileRow.sha256)).all()
        session.execute(delete(DatasetFileRow))
    for digest in digests:
        runtime.blobs.delete(digest)


def _hold_back(runtime: Runtime, specimen_key: str) -> None:
    with runtime.db.begin() as session:
        terms = catalogue.get_specimen(session, specimen_key).interpreted
        held = {"interpreted": {**terms, "informationWithheld": "locality"}}
        session.execute(update(SpecimenRow).where(SpecimenRow.key == specimen_key).values(held))


def test_a_place_that_is_withheld_then_or_later_is_told_by_no_package(hub: Hub) -> None:
    runtime = hub.runtime
    place = {"locality": "Secretplace", "decimalLatitude": "50.1", "decimalLongitude": "4.2"}
    (first, (image,)), (later, (other,)), (_, (third,)) = (add(runtime, f"Q {number}", place) for number in range(3))
    _hold_back(runtime, first.key)
    version = freeze(runtime, make(runtime).key)
    assert version is not None
    address = f"/datasets/{version.name}/archive.zip"

    def got(path: str = address) -> tuple[str, set[str], str]:
        answer = hub.client.get(path)
        with zipfile.ZipFile(io.BytesIO(answer.data)) as archive:
            assert archive.testzip() is None
            names = {Path(name).stem for name in archive.namelist() if name.startswith("images/")}
            files = {name: archive.read(name).decode() for name in archive.namelist() if not name.startswith("images/")}
        return "".join(files.values()), names, files["withheld.csv"]

    told, names, kept_back = got()
    assert names == {other.key, third.key}
    assert f'{image.key},"its record holds the place back' in kept_back
    assert told.count("Secretplace") == 2
    _hold_back(runtime, later.key)
    told, names, _ = got()
    assert (told.count("Secretplace"), names) == (1, {third.key})
    context.use(replace(runtime, settings=runtime.settings.model_copy(update={"original_files": False})))
    _, names, kept_back = got()
    assert not names
    assert f"{third.key},this hub gives no originals out" in kept_back


def test_what_is_said_of_an_image_that_is_closed_later_too_is_not_told(hub: Hub) -> None:
    runtime = hub.runtime
    (one, (first,)), (two, (second,)) = (add(runtime, f"Q {number}") for number in range(2))
    targets = [f"{hub.addresses.canvas(one.key, first.key)}#xywh=4,6,10,12", hub.addresses.canvas(two.key, second.key)]
    assert hub.post(comment(targets, "wellingtonia")).status_code == 201
    version = freeze(runtime, make(runtime, selection={"filters": {"catalogNumber": ["Q 0"]}}).key)
    assert version is not None
    address = f"/datasets/{version.name}/files/annotations.jsonl"
    assert "wellingtonia" in hub.client.get(address).text
    with runtime.db.begin() as session:
        catalogue.set_access(session, second.key, "closed", by=SYSTEM, at=runtime.clock())
    assert "wellingtonia" not in hub.client.get(address).text


def test_no_cell_of_a_table_is_a_formula(hub: Hub) -> None:
    runtime = hub.runtime
    add(runtime, "Q 1", rights='=HYPERLINK("http://evil.example")', creator="@SUM(1)")
    version = freeze(runtime, make(runtime).key)
    assert version is not None
    for name in ("images.csv", "ATTRIBUTION.csv"):
        table = hub.client.get(f"/datasets/{version.name}/files/{name}").text
        cells = [cell for row in csv.reader(io.StringIO(table, newline="")) for cell in row]
        assert {"'@SUM(1)", '\'=HYPERLINK("http://evil.example")'} <= set(cells)
        assert not any(cell.startswith(("=", "@", "+")) for cell in cells)


def test_an_image_that_is_closed_later_is_left_out_with_all_that_is_said_of_it(hub: Hub, version: Version, taken: Path) -> None:
    address = f"/datasets/{version.name}/archive.zip"
    tag = hub.client.get(address).headers["ETag"]
    image = json.loads((taken / "annotations.jsonl").read_text().splitlines()[0])["image"].rpartition("/")[2]
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, image, "closed", by=SYSTEM, at=hub.runtime.clock())
    got = hub.client.get(address)
    assert got.headers["ETag"] != tag
    with zipfile.ZipFile(io.BytesIO(got.data)) as archive:
        assert f"images/{image}.jpg" not in archive.namelist()
        assert image not in archive.read("annotations.jsonl").decode()
        assert image not in archive.read("images.csv").decode()
        assert f"ark:99999/{image},closed since it was frozen" in archive.read("withheld.csv").decode()
        assert hashlib.sha256(archive.read("members.jsonl")).hexdigest() == version.content_id


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of rdflib, which mlcroissant calls
def test_mlcroissant_validates_and_loads(taken: Path, version: Version) -> None:
    mlcroissant = pytest.importorskip("mlcroissant")
    dataset = mlcroissant.Dataset(jsonld=str(taken / "croissant.json"))
    assert not dataset.metadata.ctx.issues.errors
    images = list(dataset.records("images"))
    assert len(images) == version.summary["images"]
    said = list(dataset.records("annotations"))
    assert len(said) == version.summary["annotations"]
    assert [float(x) for x in said[0]["annotations/box"]] == [4, 6, 14, 18]
    assert {one["splits/name"] for one in dataset.records("splits")} == {"train", "validation", "test"}


def test_a_ro_crate_reader_reads_it(taken: Path, version: Version) -> None:
    rocrate = pytest.importorskip("rocrate.rocrate")
    crate = rocrate.ROCrate(str(taken))
    assert crate.name == 'Oaks & their "galls"'
    files = [one for one in crate.data_entities if one.type == "File"]
    assert {one.id for one in files} >= {"images.csv", "annotations.jsonl", "README.md", "LICENSE.txt"}
    assert sum(one.id.startswith("images/") for one in files) == 5
    for one in files:
        assert (taken / one.id).stat().st_size == int(one["contentSize"])
    assert str(crate.root_dataset["license"].id).startswith("https://creativecommons.org/")
    assert crate.root_dataset["datePublished"][:10] == (version.frozen_at.date().isoformat() if version.frozen_at else "")


def test_citations_are_read_by_foreign_readers(hub: Hub, version: Version) -> None:
    texts = {form: hub.client.get(f"/datasets/{version.name}/citation.{form}").text for form in ("txt", "bib", "ris", "json")}
    year = version.frozen_at.year if version.frozen_at else 0
    assert texts["txt"].startswith(f'Ada Lovelace; Banks, J. ({year}): Oaks & their "galls". Version 1.')
    assert texts["txt"].rstrip().endswith(f"http://lectotype.test/ark:99999/{version.name}")
    assert 'title = {{Oaks \\& their "galls"}}' in texts["bib"]
    assert "AU  - Banks, J." in texts["ris"].splitlines()
    citeproc = pytest.importorskip("citeproc.source.json")
    source = citeproc.CiteProcJSON(json.loads(texts["json"]))
    assert version.name in source


def test_datacite_says_the_same_as_json_and_xml(hub: Hub, version: Version) -> None:
    said = hub.client.get(f"/datasets/{version.name}/datacite.json").json
    assert (said["titles"][0]["title"], said["version"]) == ('Oaks & their "galls"', "1")
    assert said["creators"][0]["nameIdentifiers"][0]["nameIdentifier"] == "https://orcid.org/0000-0002-1825-0097"
    assert {one["rightsUri"] for one in said["rightsList"]} >= {
        "https://creativecommons.org/publicdomain/zero/1.0/", "https://creativecommons.org/licenses/by-sa/4.0/"
    }  # fmt: skip
    from xml.etree import ElementTree

    tree = ElementTree.fromstring(hub.client.get(f"/datasets/{version.name}/datacite.xml").text)
    assert tree.findtext("{*}titles/{*}title") == 'Oaks & their "galls"'
    assert [one.get("rightsURI") for one in tree.findall("{*}rightsList/{*}rights")] == [
        one.get("rightsUri") for one in said["rightsList"]
    ]


def test_hidden_labels_are_in_no_document(hub: Hub, version: Version) -> None:
    said: Any = {"kind": "benchmark", "split": {"shares": {"train": 1, "test": 1}, "hidden": ["test"], "seed": 4}}
    hidden = freeze(hub.runtime, make(hub.runtime, "Hidden", selection={"q": "Quercus"}, **said).key)
    assert hidden is not None
    assert set(hidden.summary["splits"]) == {"train", "test"}
    got = hub.client.get(f"/datasets/{hidden.name}/archive.zip").data
    with zipfile.ZipFile(io.BytesIO(got)) as archive:
        images = list(csv.DictReader(io.StringIO(archive.read("images.csv").decode())))
        lines = [json.loads(line) for line in archive.read("annotations.jsonl").splitlines()]
        members = [json.loads(line) for line in archive.read("members.jsonl").splitlines()]
    assert {one["split"] for one in images} == {"train", "test"}
    assert {one["split"] for one in lines} == {"train"}
    secret = [one for one in members if one.get("hidden")]
    assert len(secret) + len(lines) == hidden.summary["annotations"]
    assert all(set(one) == {"type", "hidden", "image", "sha256"} for one in secret)
    assert sum(sum(of.values()) for of in hidden.summary["classes"].values()) == len(lines), "nor are their classes counted"


def test_earlier_versions_of_statements_are_packed_as_they_were(hub: Hub, version: Version, taken: Path) -> None:
    before = (taken / "annotations.jsonl").read_bytes()
    one = json.loads(before.splitlines()[0])
    got = hub.get(one["id"])
    document = {**one["document"], "body": {"type": "TextualBody", "value": "other"}}
    document["target"] = one["document"]["target"].replace("4,6,10,12", "1,1,5,5")
    assert hub.write("PUT", one["id"], document, If_Match=got.headers["ETag"]).status_code == 200
    _forget(hub.runtime)
    _, files = packaging.package(hub.runtime, version)
    with hub.runtime.blobs.open(files["annotations.jsonl"].sha256) as stream:
        assert stream.read() == before
    with hub.runtime.reads.begin() as session:
        assert service.get_standing(session, version.key, 1) == version


def test_pycocotools_reads_what_is_exported_as_coco(hub: Hub, version: Version, tmp_path: Path) -> None:
    coco = pytest.importorskip("pycocotools.coco")
    got = hub.client.get(f"/datasets/{version.name}/archive.zip?format=coco")
    assert got.status_code == 200, got.text
    with zipfile.ZipFile(io.BytesIO(got.data)) as archive:
        archive.extractall(tmp_path / "coco")
    read = coco.COCO(str(tmp_path / "coco" / "annotations.json"))
    assert len(read.getImgIds()) == version.summary["images"]
    assert [one["bbox"] for one in read.loadAnns(read.getAnnIds())] == [[4, 6, 10, 12]] * 4
    losses = json.loads((tmp_path / "coco" / "losses.json").read_text())
    asked = losses["objects"]
    assert asked["asked"] == asked["exact"] + asked["withLoss"] + asked["leftOut"] == 4
    names = [one["file_name"] for one in read.loadImgs(read.getImgIds())]
    assert sum((tmp_path / "coco" / name).is_file() for name in names) == 5  # of the reduced one nothing but its place


def test_files_are_made_by_a_job_that_can_be_cancelled(hub: Hub, version: Version) -> None:
    said = {"Content_Type": "application/json"}
    there = f"/api/datasets/{version.key}/versions/1/exports"
    asked = hub.write("POST", there, {"format": "coco"}, **said)
    assert (asked.status_code, asked.json["state"]) == (202, "waiting")
    assert hub.write("POST", there, {"format": "coco"}, **said).json["key"] == asked.json["key"]
    actors.export_dataset.fn(asked.json["key"])
    done = hub.get(asked.json["id"]).json
    assert (done["state"], done["outcome"]) == ("done", {"files": ["annotations.json", "ids.csv", "losses.json"]})
    other = hub.write("POST", there, {"format": "package"}, **said)
    assert hub.write("DELETE", other.json["id"]).json["state"] == "cancelled"
    actors.export_dataset.fn(other.json["key"])
    assert hub.get(other.json["id"]).json["state"] == "cancelled"
    refused = hub.write("POST", there, {"format": "slides"}, **said)
    assert (refused.status_code, "coco" in refused.json["detail"]) == (400, True)


READ_SHARDS = """
import json, sys, webdataset
samples = webdataset.WebDataset(sys.argv[1:], shardshuffle=False)
print(json.dumps([[one["jpg"][:2].hex(), one["json"].decode()] for one in samples]))
"""  # in a process of its own, as it closes its files late


def test_webdataset_reads_the_shards_which_go_on_after_a_kill(
    hub: Hub, version: Version, tmp_path: Path, monkeypatch: Any
) -> None:
    pytest.importorskip("webdataset")
    monkeypatch.setattr(web_dataset, "SHARD", 2)
    address = f"/datasets/{version.name}/archive.zip?format=webdataset"
    written: list[str] = []
    real = web_dataset._write

    def killed(runtime: Runtime, name: str, samples: Any) -> Any:
        if len(written) == 1:
            raise KeyboardInterrupt  # as by a signal
        written.append(name)
        return real(runtime, name, samples)

    monkeypatch.setattr(web_dataset, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        exporting.export(hub.runtime, version, "webdataset")
    assert not exporting.is_made(hub.runtime, version, "webdataset")

    def counted(runtime: Runtime, name: str, samples: Any) -> Any:
        written.append(name)
        return real(runtime, name, samples)

    monkeypatch.setattr(web_dataset, "_write", counted)
    got = hub.client.get(address)
    assert got.status_code == 200
    assert len(written) == len(set(written))  # nothing twice
    with zipfile.ZipFile(io.BytesIO(got.data)) as archive:
        archive.extractall(tmp_path / "shards")
        shards = json.loads(archive.read("shards.json"))["shards"]
    assert sorted(one["name"] for one in shards) == sorted(written)
    files = sorted(str(path) for path in (tmp_path / "shards").glob("*.tar"))
    read = subprocess.run([sys.executable, "-c", READ_SHARDS, *files], check=True, capture_output=True, text=True, timeout=120)
    samples = json.loads(read.stdout)
    assert len(samples) == 5 == sum(one["samples"] for one in shards)
    assert all(begins == "ffd8" for begins, _ in samples)
    assert sum('"box":[4,6,14,18]' in said for _, said in samples) == 4
    _forget(hub.runtime)
    assert hub.client.get(address).data == got.data


def test_feedparser_reads_the_feeds(hub: Hub, version: Version) -> None:
    feedparser = pytest.importorskip("feedparser")
    for address in ("/datasets/feed.atom", f"/datasets/{version.key}/feed.atom"):
        feed = feedparser.parse(hub.client.get(address).data)
        assert not feed.bozo
        assert feed.entries[0].id == f"http://lectotype.test/ark:99999/{version.name}"
        assert feed.entries[0].title == 'Oaks & their "galls", version 1'


def test_files_that_nobody_asks_for_go_and_come_back(hub: Hub, version: Version) -> None:
    address = f"/datasets/{version.name}/archive.zip"
    before = hub.client.get(address).data
    with hub.runtime.db.begin() as session:
        assert service.forget_files(session, before=hub.runtime.clock() - timedelta(days=1)) == 0
        assert service.forget_files(session, before=hub.runtime.clock() + timedelta(days=1)) > 10
    assert hub.client.get(address).data == before
