"""PAGE XML, ALTO and hOCR both ways, and what files of others hold."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.exchange import fitting
from annotations.exchange.model import ReadObject, ReadOptions, Refused
from annotations.regions import Region
from tests.unit.annotations.exchange.exchange_cases import IMAGE, image, read, statement, written

NAMES = ("page", "alto", "hocr")
BOX = Region.of_box(10, 20, 300, 60)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Co", "Cn")), min_size=1, max_size=20).filter(
    lambda text: text == " ".join(text.split()) and text
)


def objects(name: str, files: dict[str, bytes], **options: Any) -> list[ReadObject]:
    return [one for one in read(name, files, ReadOptions(**options)) if isinstance(one, ReadObject)]


@settings(max_examples=40)
@given(texts, st.sampled_from(NAMES), st.integers(0, 100))
def test_a_text_comes_back_to_the_code_point_with_its_score(text: str, name: str, percent: int) -> None:
    files, losses = written(name, [(IMAGE, [statement(BOX, text=text, score=percent / 100, language="de")])])
    (back,) = objects(name, files)
    assert (back.text, back.score, back.language, back.region) == (text, percent / 100, "de", BOX)
    assert losses.left_out == 0


@pytest.mark.parametrize("name", NAMES)
def test_blocks_lines_and_words_come_back_as_what_they_were(name: str) -> None:
    block = statement(Region.of_box(0, 0, 400, 400), 1, text="first\nsecond & <third>", attributes={"granularity": "block"})
    line = statement(BOX, 2, text="Quercus robur", attributes={"granularity": "line"})
    words = [
        statement(
            Region.of_box(10 + 100 * place, 20, 100 + 100 * place, 60), 3 + place, text=text, attributes={"granularity": "word"}
        )
        for place, text in enumerate(("Quercus", "robur"))
    ]
    apart = statement(Region.of_box(500, 400, 600, 420), 6, text="det.", attributes={"granularity": "word"})
    files, losses = written(name, [(IMAGE, [block, line, *words]), (image(2), [apart])])
    found = {(one.attributes["granularity"], one.text) for one in objects(name, files, words=True)}
    assert {("block", block.text), ("line", "Quercus robur"), ("word", "Quercus"), ("word", "robur"), ("word", "det.")} <= found
    lines = [one.text for one in objects(name, files) if one.attributes["granularity"] == "line"]
    assert "Quercus robur" in lines
    assert losses.asked == 5


@pytest.mark.parametrize("name", NAMES)
def test_what_has_no_text_is_left_out_and_an_image_without_any_has_a_file(name: str) -> None:
    files, losses = written(name, [(IMAGE, [statement(BOX), statement(BOX, 2, text="a\x0bb")]), (image(2), [])])
    assert losses.left_out == 2
    assert len(files) == 3
    assert not objects(name, files)


PAGE = """<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2013-07-15">
<Page imageFilename="a.jpg" imageWidth="100" imageHeight="50"><ReadingOrder>
<OrderedGroup id="o"><RegionRefIndexed index="0" regionRef="b"/>
<RegionRefIndexed index="1"
regionRef="a"/></OrderedGroup></ReadingOrder><TextRegion id="a"><Coords points="0,0 9,0 9,9"/><TextLine id="a1"><Coords
points="-1,0 9,0 9,9 0,9"/><TextEquiv conf="0.09"><Unicode>later</Unicode></TextEquiv></TextLine></TextRegion><TextRegion id="b">
<Coords points="0,0 9,0 9,9"/><TextEquiv><Unicode>first</Unicode></TextEquiv></TextRegion><TextRegion id="c"><Coords points=""/>
<TextEquiv><Unicode>lost</Unicode></TextEquiv></TextRegion></Page></PcGts>"""


def test_page_is_read_in_its_order_and_points_below_0_are_clipped() -> None:
    found = list(read("page", {"a.xml": PAGE.encode()}))
    back = [one for one in found if isinstance(one, ReadObject)]
    assert [(one.text, one.score) for one in back] == [("first", None), ("later", 0.09)]
    assert back[1].region == Region.of_box(0, 0, 9, 9)
    assert len([one for one in found if isinstance(one, Refused)]) == 1


@pytest.mark.parametrize(("unit", "frame"), [("pixel", "pixels"), ("mm10", "page"), ("inch1200", "page")])
def test_alto_in_other_units_is_scaled_by_the_page(unit: str, frame: str) -> None:
    line = (
        '<TextLine HPOS="100" VPOS="50" WIDTH="200" HEIGHT="10"><String CONTENT="Quercus" WC="0.9"/><SP/><String CONTENT="alba"/>'
    )
    text = f"""<alto xmlns="http://www.loc.gov/standards/alto/ns-v3#"><Description><MeasurementUnit>{unit}</MeasurementUnit>
    <sourceImageInformation><fileName>a.jpg</fileName></sourceImageInformation></Description>
    <Layout><Page WIDTH="1000" HEIGHT="500">
    <PrintSpace HPOS="90" VPOS="40"><TextBlock ID="b">{line}</TextLine></TextBlock></PrintSpace></Page></Layout></alto>"""
    (one,) = objects("alto", {"a.xml": text.encode()})
    assert (one.text, one.image.frame, one.image.width) == ("Quercus alba", frame, 1000)
    assert one.region == Region.of_box(100, 50, 300, 60)
    if frame == "page":
        canvas = fitting.in_canvas(
            one.region, fitting._scaled(one.image, type("Media", (), {"width_px": 500, "height_px": 250})())
        )
        assert canvas == Region.of_box(50, 25, 150, 30)


def test_hocr_has_confidence_in_per_cent() -> None:
    text = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1.dtd"><html><body>
    <div class='ocr_page' title='image "scans/a b.jpg"; bbox 0 0 100 50'><span class='ocr_line' title='bbox 1 2 30 10; x_wconf 9'>
    <span class='ocrx_word' title='bbox 1 2 9 10'>Quercus</span>
    <span class='ocrx_word' title='bbox 10 2 30 10'>alba</span></span>
    <span class='ocr_line' title='x 3'>nowhere</span></div></body></html>"""
    found = list(read("hocr", {"a.html": text.encode()}, ReadOptions(words=True)))
    back = [one for one in found if isinstance(one, ReadObject)]
    assert [(one.text, one.score) for one in back] == [("Quercus alba", 0.09), ("Quercus", None), ("alba", None)]
    assert (back[0].image.name, back[0].image.width) == ("scans/a b.jpg", 100)
    assert len([one for one in found if isinstance(one, Refused)]) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("data", [b"", b"<a", b"<a/>", b"<!DOCTYPE a [<!ENTITY b 'c'>]><a/>", b"\xff\xfe", b"<a>" * 1000])
def test_files_that_are_none_of_these_are_refused_one_by_one(name: str, data: bytes) -> None:
    suffix = "html" if name == "hocr" else "xml"
    assert [type(one) for one in read(name, {f"a.{suffix}": data})] == [Refused]
