"""Blocks, reading order and turned labels; text is drawn here, so its truth is known."""

from pathlib import Path

import numpy as np
import pytest
from font_caladea import Caladea
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from analytics.steps import image as images
from analytics.steps import layout, ocr, ocr_engine
from analytics.steps import shared as detections
from analytics.steps.model import Finding, SheetImage, StepContext
from analytics.steps.ocr_engine import TextLine
from analytics.steps.text_language import language_of
from annotations.regions import Region
from tests.photographs import pixels_of

LABEL = ("Herbarium of the University", "Quercus robur L.", "Belgium, Meise, in silva", "12 June 1887")


def _sheet(lines: tuple[str, ...] = LABEL, turned: int = 0, size: tuple[int, int] = (1600, 2200)) -> SheetImage:
    """A label of these lines at (900, 1700) of a cream sheet, `turned` degrees counter-clockwise."""
    font = ImageFont.truetype(Caladea, 36)
    label = Image.new("RGB", (560, 60 * len(lines) + 20), (252, 250, 240))
    for row, line in enumerate(lines):
        ImageDraw.Draw(label).text((20, 10 + 60 * row), line, (20, 20, 20), font=font)
    sheet = Image.new("RGB", size, (238, 232, 216))
    sheet.paste(label.rotate(turned, expand=True), (900, 1500))
    return SheetImage(np.asarray(sheet))


def _line(text: str, x: float, y: float, width: float = 100, height: float = 20) -> TextLine:
    quad = np.array([(x, y), (x + width, y), (x + width, y + height), (x, y + height)], float)
    return TextLine(text, 0.9, quad)


def test_lines_side_by_side_are_one_row_and_rows_stand_below_each_other() -> None:
    lines = [_line("robur", 120, 2), _line("below", 0, 30), _line("Quercus", 0, 0)]
    assert layout.text_of(lines) == "Quercus robur\nbelow"
    assert len(layout.blocks(lines)) == 1


def test_what_stands_far_apart_or_runs_another_way_is_another_block() -> None:
    lines = [_line("one", 0, 0), _line("two", 0, 300), _line("up", 400, 0, 20, 200)]
    assert [layout.text_of(block) for block in layout.blocks(lines)] == ["one", "up", "two"]


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_points_are_turned_back(turns: int) -> None:
    picture: NDArray[np.uint8] = np.zeros((5, 8), np.uint8)
    picture[1, 6] = 1
    y, x = (int(axis[0]) for axis in np.nonzero(np.rot90(picture, turns)))
    back = ocr._turned_back(np.array([(x + 0.5, y + 0.5)]), turns, 8, 5)
    assert back[0].tolist() == [6.5, 1.5]


@pytest.mark.parametrize("turned", [0, 90, 270, 180])
def test_a_label_is_read_whichever_way_it_lies(turned: int) -> None:
    (finding,) = ocr.run(_sheet(turned=turned), {"lowest_score": 0.6}, StepContext()).findings
    assert finding.text.splitlines() == list(LABEL)
    assert finding.kind == "label"
    assert finding.motivations == ("supplementing", "transcribing")
    assert finding.box is not None
    assert 890 < finding.box.x0 < finding.box.x1 < 1480
    assert 1490 < finding.box.y0 < finding.box.y1 < 2080
    assert [line["text"] for line in finding.data["lines"]] == list(LABEL)


def test_what_stands_on_the_ruler_is_no_label() -> None:
    ruler = Finding("ruler", "", Region.of_box(880, 1480, 1500, 1800), value=10.0, unit="px/mm")
    assert not ocr.run(_sheet(), {}, StepContext("", {"ruler": (ruler,)})).findings


def test_an_empty_sheet_says_that_nothing_looked_like_text() -> None:
    result = ocr.run(SheetImage(np.full((900, 700, 3), 240, np.uint8)), {}, StepContext())
    assert not result.findings
    assert "nothing looked like text" in result.nothing_found


def test_a_block_larger_than_may_be_held_is_read_as_the_first_look_had_it(monkeypatch: pytest.MonkeyPatch) -> None:
    sheet = _sheet()
    detections.text_lines(sheet)
    monkeypatch.setattr(images, "MOST_HELD_PX", 10_000)
    (finding,) = ocr.run(sheet, {}, StepContext()).findings
    assert finding.text.splitlines()[-1] == LABEL[-1]
    assert "could not be read again" in finding.data["notReadCloser"]


def test_blocks_beyond_those_that_are_read_closer_up_are_kept_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = tuple(_line(f"label number {n}", 0, 300 * n) for n in range(3))
    monkeypatch.setattr(ocr, "MOST_BLOCKS", 2)
    monkeypatch.setattr(detections, "text_lines", lambda image: lines)
    monkeypatch.setattr(ocr, "read", lambda rgb: ())
    found = ocr.run(SheetImage(np.full((900, 700, 3), 240, np.uint8)), {}, StepContext()).findings
    assert [one.text for one in found] == ["label number 0", "label number 1", "label number 2"]
    assert ["notReadCloser" in one.data for one in found] == [False, False, True]


def test_blocks_are_put_together_also_where_one_comes_near_by_growing() -> None:
    """The first is too far from the second for its low lines, and from the third; it is near to both when they are one."""
    lines = [_line("low", 0, 0, 40, 10), _line("apart", 115, 0, 40, 10), _line("high", 255, 5, 40, 28)]
    assert len(layout.blocks(lines)) == 3
    assert [layout.text_of(region) for region in layout.regions(lines, 40, 2000)] == ["low apart\nhigh"]
    assert len(layout.regions(lines[:2], 40, 2000)) == 2


def test_a_single_pixel_is_borne() -> None:
    assert ocr.run(SheetImage(np.zeros((1, 1, 3), np.uint8)), {}, StepContext()).nothing_found


@pytest.mark.slow
def test_a_real_label_is_read(shared: Path) -> None:
    image = SheetImage(pixels_of(shared / "data/specimens/plant_vv_mich_1556924.jpg"))
    text = "\n".join(finding.text for finding in ocr.run(image, {}, StepContext()).findings)
    assert "Carex typhina Michx." in text
    assert "Coll. Date: August 22, 1989" in text


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Growing in upland forest on the trail, along the creek", "en"),
        ("In den Wäldern bei Jena, am Ufer der Saale", "de"),
        ("Près de la forêt, sur le bord du chemin", "fr"),
        ("Cerca del río, en el camino a los bosques", "es"),
        ("Perto da estrada, na mata do município", "pt"),
        ("Skog vid sjö, nära socken", "sv"),
        ("Langs het bos bij de gemeente", "nl"),
        ("In silva prope locis montis", "la"),
        ("NHMUK 012539905", ""),
        ("Quercus robur L.", ""),
    ],
)
def test_the_language_of_a_label_is_told_where_its_words_tell_it(text: str, language: str) -> None:
    assert language_of(text) == language


def test_a_word_far_to_the_right_of_a_row_is_of_the_block_that_it_lies_in() -> None:
    lines = [
        _line("Bell Museum of Natural History", 0, 0, 600),
        _line("Acropomatidae", 0, 30, 150),
        _line("Specimens: 9", 500, 30, 90),
    ]
    lines.append(_line("Synagrops japonicus", 0, 60, 180))
    (block,) = layout.blocks(lines)
    assert layout.text_of(block).splitlines() == [
        "Bell Museum of Natural History",
        "Acropomatidae Specimens: 9",
        "Synagrops japonicus",
    ]


def test_blocks_of_one_label_are_one_region_as_long_as_they_are_not_too_large_to_be_read() -> None:
    lines = [_line("above", 0, 0), _line("below", 0, 100), _line("elsewhere", 2000, 1500)]
    near, far = layout.regions(lines, 40, 2000)
    assert ([line.text for line in near], [line.text for line in far]) == (["above", "below"], ["elsewhere"])
    assert len(layout.regions(lines, 40, 200)) == 3


def test_the_dots_of_a_form_are_no_text() -> None:
    assert ocr_engine._plain("Location..Swift Current....Station…") == "Location Swift Current Station"
    assert ocr_engine._plain("J. R. Smith, U.S.A.") == "J. R. Smith, U.S.A."
