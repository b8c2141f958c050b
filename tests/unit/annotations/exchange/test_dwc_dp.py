"""Darwin Core Data Packages: valid by frictionless and by the schemas of the standard, and read back."""

import json
from pathlib import Path

import frictionless
import pytest

from annotations.exchange import fitting
from annotations.exchange.model import ReadObject
from annotations.region_frames import Frame
from annotations.regions import Region
from app.runtime.errors import Invalid
from iiif.ingest import data_package
from tests.unit.annotations.exchange.exchange_cases import HEIGHT, HOLED, IMAGE, WIDTH, image, read, statement, written

BOX = Region.of_box(10.25, 20.5, 110.125, 220.75)


@pytest.fixture
def package(tmp_path: Path) -> Path:
    stream = [
        (IMAGE, [statement(BOX, text="Schädel, № 7\nzweite"), statement(HOLED, 2)]),
        (image(2, specimen_iri="http://x.test/s2", specimen_key="s2"), []),
    ]
    files, _ = written("dwc-dp", stream)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def test_frictionless_finds_no_error_and_our_own_ingest_knows_it(package: Path) -> None:
    report = frictionless.validate(str(package / "datapackage.json"))
    assert report.valid, report.flatten(["type", "note"])
    assert data_package.is_package(package)


def test_every_column_is_one_of_the_standards_tables(package: Path, shared: Path) -> None:
    schemas = shared / "schemas/dwc-dp/table-schemas"
    if not schemas.is_dir():
        pytest.skip(f"needs {schemas}")
    for resource in json.loads((package / "datapackage.json").read_text())["resources"]:
        official = json.loads((schemas / f"{resource['name']}.json").read_text())
        fields = {one["name"]: one for one in official["fields"]}
        ours = [fields[one["name"]] for one in resource["schema"]["fields"]]
        required = {name for name, one in fields.items() if one.get("constraints", {}).get("required")}
        assert required <= {one["name"] for one in ours}
        told = {"fields": ours, "primaryKey": official.get("primaryKey")}
        schema = frictionless.Schema.from_descriptor({name: value for name, value in told.items() if value})
        report = frictionless.Resource(path=resource["path"], basepath=str(package), schema=schema).validate()
        assert report.valid, (resource["name"], report.flatten(["type", "note"]))


def test_a_box_comes_back_from_the_package_exactly(package: Path) -> None:
    files = {path.name: path.read_bytes() for path in package.iterdir()}
    first, second = [one for one in read("dwc-dp", files) if isinstance(one, ReadObject)]
    assert first.region is not None
    assert fitting.in_canvas(first.region, Frame.fractions(WIDTH, HEIGHT)) == BOX
    assert (first.class_name, first.text, first.image.iri, first.image.sha256) == (
        "leaf",
        "Schädel, № 7\nzweite",
        IMAGE.iri,
        IMAGE.sha256,
    )
    assert second.region is not None
    for broken in ({}, {"datapackage.json": b"{"}, {"datapackage.json": b"{}"}, {"datapackage.json": b'{"resources": []}'}):
        with pytest.raises(Invalid):
            list(read("dwc-dp", broken))
