"""Role and region in the terms of Audiovisual Core, and archives that give them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.runtime.context import Runtime
from iiif.catalogue import service
from iiif.catalogue.model import Depiction, OwnRegion
from iiif.ingest import depicted
from iiif.ingest.depicted import Fractions
from tests.unit.iiif.ingest.conftest import Ingest, all_of, picture, reasons

META = """<archive xmlns="http://rs.tdwg.org/dwc/text/">
<core rowType="http://rs.tdwg.org/dwc/terms/Occurrence" encoding="UTF-8" fieldsTerminatedBy="," ignoreHeaderLines="1">
<files><location>occurrence.txt</location></files><id index="0"/>
<field index="0" term="http://rs.tdwg.org/dwc/terms/occurrenceID"/>
<field index="1" term="http://rs.tdwg.org/dwc/terms/catalogNumber"/></core>
<extension rowType="http://rs.tdwg.org/ac/terms/Multimedia" encoding="UTF-8" fieldsTerminatedBy="," ignoreHeaderLines="1">
<files><location>media.txt</location></files><coreid index="0"/>
<field index="1" term="http://purl.org/dc/terms/identifier"/><field index="2" term="http://rs.tdwg.org/ac/terms/accessURI"/>
<field index="3" term="http://rs.tdwg.org/ac/terms/isROIOf"/><field index="4" term="http://rs.tdwg.org/ac/terms/xFrac"/>
<field index="5" term="http://rs.tdwg.org/ac/terms/yFrac"/><field index="6" term="http://rs.tdwg.org/ac/terms/widthFrac"/>
<field index="7" term="http://rs.tdwg.org/ac/terms/heightFrac"/><field index="8" term="http://rs.tdwg.org/ac/terms/subjectPart"/>
</extension></archive>"""


def archive(folder: Path, core: str, media: str) -> Path:
    (folder / "meta.xml").write_text(META)
    (folder / "occurrence.txt").write_text("id,number\n" + core)
    (folder / "media.txt").write_text("id,identifier,access,roi,x,y,w,h,part\n" + media)
    return folder


def depictions(runtime: Runtime) -> dict[str, Depiction]:
    """The one depiction of each specimen, by number."""
    specimens, _ = all_of(runtime)
    with runtime.reads.begin() as session:
        return {number: service.depictions_of(session, one.key)[0] for number, one in specimens.items()}


def test_regions_on_rows_of_their_own_are_those_of_their_specimens(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "drawer.jpg", size=(200, 100))
    archive(
        folder,
        "urn:1,A\nurn:2,B\nurn:3,C\n",
        "urn:1,http://x/d,http://x/pics/drawer.jpg,,,,,,\nurn:1,http://x/d#1,,http://x/d,0,0,0.25,1,\n"
        "urn:2,http://x/d#2,,http://x/d,0.25,0.1,0.5,0.75,acpart:p0001\nurn:3,,http://x/pics/drawer.jpg,,.75,0,.25,.5,\n",
    )
    report = take_in(folder)
    found = depictions(runtime)
    assert {number: (one.region, one.role) for number, one in found.items()} == {
        "A": (OwnRegion(0, 0, 50, 100), ""),
        "B": (OwnRegion(50, 10, 150, 85), "whole"),
        "C": (OwnRegion(150, 0, 200, 50), ""),
    }
    assert len({one.media_key for one in found.values()}) == 1
    assert (report.media_added, report.depictions_added, report.rejected) == (1, 2, 0)
    again = take_in(folder)
    assert (again.already_here, again.rejected, again.warnings, depictions(runtime)) == (3, 0, 0, found)


def test_several_regions_of_one_record_are_none_of_the_whole_specimen(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "a.jpg"), picture(folder / "b.jpg", shade=7)
    archive(
        folder,
        "urn:1,A\nurn:2,B\n",
        "urn:1,i:1,a.jpg,,,,,,\nurn:1,,,i:1,0,0,0.5,1,\nurn:1,,,i:1,0.5,0,0.5,1,\n"
        "urn:2,i:2,b.jpg,,,,,,\nurn:2,,,i:2,0,0,0.5,1,acpart:p0005\nurn:2,,,i:9,0,0,0.5,1,\n",
    )
    report = take_in(folder)
    assert [one.region for one in depictions(runtime).values()] == [None, None]
    assert depictions(runtime)["B"].role == "detail"
    assert {code for code, _ in reasons(report)} == {"other-region"}
    assert len(report.entries) == 3


def test_a_region_that_is_no_part_of_its_image_is_named_and_the_image_comes_in(
    runtime: Runtime, take_in: Ingest, folder: Path
) -> None:
    picture(folder / "a.jpg")
    archive(folder, "urn:1,A\n", "urn:1,i:1,a.jpg,,0.5,0,0.6,1,\n")
    report = take_in(folder)
    assert depictions(runtime)["A"].region is None
    assert reasons(report) == [("bad-region", "images: occurrence.txt, line 2, a.jpg")]


def test_a_later_archive_adds_the_region_that_was_not_known(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "a.jpg", size=(100, 100))
    take_in(archive(folder, "urn:1,A\n", "urn:1,i:1,a.jpg,,,,,,\n"))
    take_in(archive(folder, "urn:1,A\n", "urn:1,i:1,a.jpg,,0,0,0.5,1,\n"))
    assert depictions(runtime)["A"].region == OwnRegion(0, 0, 50, 100)
    take_in(archive(folder, "urn:1,A\n", "urn:1,i:1,a.jpg,,0,0,1,0.5,\n"))
    assert depictions(runtime)["A"].region == OwnRegion(0, 0, 50, 100)


@pytest.mark.parametrize(
    ("row", "role"),
    [
        ({"subjectPart": "http://rs.tdwg.org/acpart/values/p0001"}, "whole"),
        ({"ac:subjectPartLiteral": "entire organism"}, "whole"),
        ({"subjectPart": "acpart:p0012"}, "detail"),
        ({"subjectPartLiteral": "Leaf"}, "detail"),
        ({"Iptc4xmpExt:CVterm": "http://rs.tdwg.org/accd/values/c01"}, "label"),
        ({"title": "Label"}, "label"),
        ({"title": "in situ"}, "in situ"),
        ({"title": "Label of the holotype, and the whole sheet"}, ""),
        ({"subjectPart": "acpart:p0099"}, ""),
        ({"subjectPart": "acpart:p0001", "title": "label"}, ""),
        ({"subtypeLiteral": "Photograph"}, ""),
        ({}, ""),
    ],
)
def test_a_role_follows_from_a_controlled_word_alone(row: dict[str, str], role: str) -> None:
    assert depicted.read(row).role == role


@pytest.mark.parametrize(
    "given",
    [
        *[("", "0", "1", "1"), ("nan", "0", "1", "1"), ("0", "0", "0", "1"), ("1", "0", "1", "1"), ("-0.1", "0", "1", "1")],
        *[("0", "0", "2", "1"), ("0.5", "0", "0.500002", "1"), ("1e-5", "0", "1e400", "1"), (".", "0", "1", "1")],
    ],
)
def test_what_is_no_box_of_fractions_is_no_region(given: tuple[str, str, str, str]) -> None:
    read = depicted.read(dict(zip(("xFrac", "yFrac", "widthFrac", "heightFrac"), given, strict=True)))
    assert read.region is None
    assert read.problem is not None


@given(st.data())
def test_fractions_of_seven_decimals_give_back_the_exact_pixels(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(1, 1_000_000)), data.draw(st.integers(1, 1_000_000))
    x0, y0 = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    x1, y1 = data.draw(st.integers(x0 + 1, width)), data.draw(st.integers(y0 + 1, height))
    sides = {"xFrac": x0 / width, "yFrac": y0 / height, "widthFrac": (x1 - x0) / width, "heightFrac": (y1 - y0) / height}
    region = depicted.read({name: f"{side:.7f}" for name, side in sides.items()}).region
    if min(sides["widthFrac"], sides["heightFrac"]) >= 1e-7:
        assert region is not None
        assert region.within(width, height) == OwnRegion(x0, y0, x1, y1)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(1e-9, 1), st.floats(1e-9, 1), st.integers(1, 10**6), st.integers(1, 10**6))
def test_every_region_that_is_read_lies_within_its_image(
    x: float, y: float, width: float, height: float, width_px: int, height_px: int
) -> None:
    row = {"xFrac": f"{x:.9f}", "yFrac": f"{y:.9f}", "widthFrac": f"{width:.9f}", "heightFrac": f"{height:.9f}"}
    region = depicted.read(row).region
    assert region is None or region.within(width_px, height_px).lies_within(width_px, height_px)
    assert Fractions(0, 0, 1, 1).within(width_px, height_px) == OwnRegion(0, 0, width_px, height_px)


def test_regions_of_the_tdwg_examples_are_read(shared: Path) -> None:
    document = json.loads((shared / "data/archives/audubon/fragments/relative.json").read_text())
    found = [depicted.read({name: str(value) for name, value in roi.items()}).region for roi in document["ac:hasROI"]]
    assert [region.within(1000, 800) for region in found if region] == [
        OwnRegion(500, 200, 700, 520),
        OwnRegion(0, 400, 100, 800),
    ]


def test_a_row_of_a_table_says_the_region_in_its_only_image(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "tray.jpg", size=(200, 100))
    picture(folder / "b.jpg", shade=3)
    (folder / "t.csv").write_text(
        "catalogNumber,file,ac:xFrac,ac:yFrac,ac:widthFrac,ac:heightFrac,subjectPart,title\n"
        "1,tray.jpg,0,0,0.5,1,,label\n2,tray.jpg,0.5,0,0.5,1,acpart:p0001,\n3,tray.jpg;b.jpg,0,0,0.5,1,,\n"
    )
    take_in(folder)
    found = depictions(runtime)
    assert [(found[number].region, found[number].role) for number in "123"] == [
        (OwnRegion(0, 0, 100, 100), ""),
        (OwnRegion(100, 0, 200, 100), "whole"),
        (None, ""),
    ]


def test_other_terms_of_use_for_an_image_that_is_here_are_named_and_not_taken_over(
    runtime: Runtime, take_in: Ingest, folder: Path
) -> None:
    picture(folder / "tray.jpg")
    (folder / "t.csv").write_text(
        "catalogNumber,file,license\n1,tray.jpg,CC BY 4.0\n2,tray.jpg,All rights reserved\n"
        "3,tray.jpg,https://creativecommons.org/licenses/by/4.0/\n4,tray.jpg,\n"
    )
    report = take_in(folder)
    assert [place for code, place in reasons(report) if code == "other-rights"] == ["t.csv, line 3, tray.jpg"]
    (media,) = {one.key: one for several in all_of(runtime)[1].values() for one in several}.values()
    assert media.rights == "CC BY 4.0"
