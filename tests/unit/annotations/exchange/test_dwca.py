"""Darwin Core Archives with regions of interest: read by python-dwca-reader, by our own ingest, and back."""

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
from dwca.read import DwCAReader

from annotations.exchange import dwca, fitting
from annotations.exchange.model import ReadObject, Refused
from annotations.region_frames import Frame
from annotations.regions import Region
from app.exchange.files import FolderFiles
from iiif.ingest import metafile
from tests.unit.annotations.exchange.exchange_cases import HEIGHT, HOLED, IMAGE, WIDTH, image, read, statement, written

BOX = Region.of_box(10.25, 20.5, 110.125, 220.75)


def test_other_readers_and_our_own_ingest_take_the_archive(tmp_path: Path) -> None:
    stream = [
        (IMAGE, [statement(BOX, text="Schädel, № 7\nzweite Zeile", class_name="label"), statement(HOLED, 2)]),
        (image(2), []),
    ]
    files, losses = written("dwca", stream)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    with DwCAReader(str(path)) as reader:
        assert reader.descriptor.core.type.endswith("Occurrence")
        rows = list(reader.rows)
        first = next(row for row in rows if row.id == IMAGE.specimen_iri)
        assert first.data["http://rs.tdwg.org/dwc/terms/scientificName"] == "Quercus robur L."
        regions = [one for one in first.extensions if one.rowtype == dwca.ROI]
        assert [one.data["http://rs.tdwg.org/ac/terms/isROIOf"] for one in regions] == [IMAGE.iri, IMAGE.iri]
        assert regions[0].data["http://purl.org/dc/terms/description"] == "Schädel, № 7\nzweite Zeile"
    assert losses.to_json()["lost"]["rings"]["leastIou"] == pytest.approx(2100 / 2500)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    found = metafile.read_metafile(tmp_path)
    assert "occurrence.csv" in repr(found.core)


def test_a_box_comes_back_from_its_fractions_exactly() -> None:
    files, _ = written("dwca", [(IMAGE, [statement(BOX, text="x", comment="y")])])
    (back,) = [one for one in read("dwca", files) if isinstance(one, ReadObject)]
    assert back.region is not None
    assert fitting.in_canvas(back.region, Frame.fractions(WIDTH, HEIGHT)) == BOX
    assert (back.class_name, back.text, back.comment) == ("leaf", "x", "y")
    assert back.image.sha256 == IMAGE.sha256
    row = next(csv.DictReader(io.StringIO(files["region_of_interest.csv"].decode())))
    assert row["CVterm"] == "http://rs.tdwg.org/accd/values/c06"


def meta(fields: str) -> bytes:
    form = 'encoding="UTF-8" fieldsTerminatedBy="\\t" linesTerminatedBy="\\n" fieldsEnclosedBy="" ignoreHeaderLines="1"'
    head = '<archive xmlns="http://rs.tdwg.org/dwc/text/">'
    return f'{head}<core {form} rowType="x"><files><location>a.txt</location></files>{fields}</core></archive>'.encode()


def fields(*terms: str) -> str:
    return "".join(f'<field index="{place}" term="http://rs.tdwg.org/ac/terms/{term}"/>' for place, term in enumerate(terms))


def test_older_absolute_terms_are_read_and_parts_of_sounds_are_refused() -> None:
    absolute = {"meta.xml": meta(fields("isROIOf", "x", "y", "w", "h")), "a.txt": b"h\nhttp://x.test/a.jpg\t1\t2\t3\t4\n"}
    (one,) = [found for found in read("dwca", absolute) if isinstance(found, ReadObject)]
    assert (one.region, one.image.frame, one.image.name) == (Region.of_box(1, 2, 4, 6), "pixels", "a.jpg")
    sound = {"meta.xml": meta(fields("isROIOf", "startTime")), "a.txt": b"h\na.wav\t1.5\nb.wav\t\n"}
    assert ["recording in time" in found.reason for found in read("dwca", sound) if isinstance(found, Refused)] == [True, False]


def test_examples_of_audiovisual_core_are_read_or_refused_row_by_row(shared: Path, tmp_path: Path) -> None:
    folder = shared / "data/archives/audubon/fragments/sound"
    if not folder.is_dir():
        pytest.skip(f"needs {folder}")
    rows = list(csv.DictReader(io.StringIO((folder / "roi.csv").read_text(encoding="utf-8-sig"))))
    names = list(rows[0])
    text = "h\n" + "".join("\t".join(row[name] for name in names) + "\n" for row in rows)
    (tmp_path / "meta.xml").write_bytes(meta(fields(*(name.rpartition(":")[2] for name in names))))
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    found = list(dwca.read(FolderFiles(tmp_path), dwca.ReadOptions()))
    assert found
    assert all(isinstance(one, Refused) for one in found)
    assert json.dumps([one.reason for one in found if isinstance(one, Refused)])
