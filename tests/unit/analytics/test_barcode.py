"""Codes that are written here and read back, and their agreement with the catalogue number."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray

from analytics.steps import barcode, barcode_places
from analytics.steps import image as images
from analytics.steps.model import SheetImage, StepContext
from tests.photographs import pixels_of


def _code(kind: str, text: str, scale: int = 4) -> NDArray[np.uint8]:
    code = zxingcpp.create_barcode(text, getattr(zxingcpp.BarcodeFormat, kind))
    return np.array(zxingcpp.write_barcode_to_image(code, scale=scale))


def _page(code: NDArray[np.uint8], left: int, top: int, size: tuple[int, int] = (1800, 1600)) -> NDArray[np.uint8]:
    page = np.full((*size, 3), 235, np.uint8)
    page[top : top + code.shape[0], left : left + code.shape[1]] = code[..., np.newaxis] if code.ndim == 2 else code
    return page


@pytest.mark.parametrize(("kind", "name"), [("Code128", "Code 128"), ("QRCode", "QR code"), ("DataMatrix", "Data Matrix")])
def test_a_code_is_read_where_it_stands(kind: str, name: str) -> None:
    code = _code(kind, "BM001128286")
    page = _page(code, 700, 1100)
    (finding,) = barcode.run(SheetImage(page), {}, StepContext("BM001128286")).findings
    assert finding.text == "BM001128286"
    assert finding.data == {"format": name, "value": "BM001128286", "catalogNumber": "match"}
    assert finding.box is not None
    assert 690 <= finding.box.x0 < finding.box.x1 <= 710 + code.shape[1]
    assert 1090 <= finding.box.y0 <= finding.box.y1 <= 1110 + code.shape[0]


def test_a_code_that_stands_askew_is_read() -> None:
    page = _page(_code("Code128", "MICH1556924"), 500, 800)
    turned = cv2.warpAffine(page, cv2.getRotationMatrix2D((800, 900), 27, 1), (1600, 1800), borderValue=(235, 235, 235))
    (finding,) = barcode.run(SheetImage(np.asarray(turned, np.uint8)), {}, StepContext()).findings
    assert finding.text == "MICH1556924"
    assert finding.data["catalogNumber"] == "unknown"


VALUES = {
    "Code39": "BR0000123",
    "Code128": "NHMUK012539905",
    "Codabar": "A12345678B",
    "QRCode": "http://n2t.net/u/1b5441",
    "DataMatrix": "012539905",
}


def _photograph(kind: str, module_px: float, degrees: float, blur_px: float, quality: int) -> NDArray[np.uint8]:
    """A code with modules of that size on grey paper, turned, out of focus, with noise, as a JPEG gives it back."""
    random, fine = np.random.default_rng(7), 8
    code = zxingcpp.create_barcode(VALUES[kind], getattr(zxingcpp.BarcodeFormat, kind))
    drawn = np.array(zxingcpp.write_barcode_to_image(code, scale=1, add_quiet_zones=False))
    if kind in ("Code39", "Code128", "Codabar"):
        drawn = np.repeat(drawn[:1], drawn.shape[1] // 4, axis=0)
    side = round(module_px * fine)
    drawn = cv2.resize(drawn, None, fx=side, fy=side, interpolation=cv2.INTER_NEAREST)
    drawn = np.pad(drawn, 8 * side, constant_values=250)
    drawn = cv2.GaussianBlur(drawn, (0, 0), fine / 2)
    turn = cv2.getRotationMatrix2D((drawn.shape[1] / 2, drawn.shape[0] / 2), degrees, side / module_px / fine**2)
    turn[:, 2] += np.array((520, 610)) - (drawn.shape[1] / 2, drawn.shape[0] / 2)
    page = cv2.warpAffine(drawn, turn, (1000, 1300), borderValue=225).astype(float)
    page = cv2.GaussianBlur(page, (0, 0), blur_px) if blur_px else page
    grey = np.clip(page + random.normal(0, 4, page.shape), 0, 255).astype(np.uint8)
    jpeg = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.cvtColor(cv2.imdecode(jpeg, cv2.IMREAD_GRAYSCALE), cv2.COLOR_GRAY2RGB), np.uint8)


@pytest.mark.parametrize("kind", VALUES)
@pytest.mark.parametrize(
    ("module_px", "degrees", "blur_px", "quality"), [(3, 45, 0.7, 70), (2.5, 133, 0.6, 70), (2.5, -28, 0.7, 60), (2, 7, 0, 40)]
)
def test_a_small_code_is_read_at_any_angle(kind: str, module_px: float, degrees: float, blur_px: float, quality: int) -> None:
    page = _photograph(kind, module_px, degrees, blur_px, quality)
    (finding,) = barcode.run(SheetImage(page), {}, StepContext()).findings
    assert finding.text == VALUES[kind]
    assert finding.box is not None
    assert finding.box.x0 < 520 < finding.box.x1
    assert finding.box.y0 < 610 < finding.box.y1


def test_several_small_matrices_in_a_drawer_are_each_read() -> None:
    page = np.full((1600, 2000, 3), 200, np.uint8)
    for number in range(12):
        code = _code("DataMatrix", f"NHMUK{number:09}", 2)
        top, left = 150 + 480 * (number // 4), 150 + 470 * (number % 4)
        page[top : top + code.shape[0], left : left + code.shape[1]] = code[..., np.newaxis]
    found = barcode.run(SheetImage(page), {}, StepContext()).findings
    assert {one.text for one in found} == {f"NHMUK{number:09}" for number in range(12)}


def test_text_and_ticks_are_no_codes() -> None:
    page = np.full((1200, 1600, 3), 235, np.uint8)
    for x in range(100, 1500, 8):
        page[100 : 130 if x % 80 else 160, x : x + 2] = 20
    for row in range(12):
        cv2.putText(
            page, "Herbarium of the University 1887", (100, 300 + 60 * row), cv2.FONT_HERSHEY_SIMPLEX, 1.1, (20, 20, 20), 2
        )
    assert not barcode.run(SheetImage(page), {}, StepContext()).findings


def test_stripes_over_most_of_a_large_image_hide_no_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MOST_HELD_PX", 1_000_000)
    monkeypatch.setattr(barcode_places, "LONG_SIDE_PX", 1000)
    monkeypatch.setattr(barcode, "TILE_PX", 800)
    monkeypatch.setattr(barcode, "OVERLAP_PX", 300)
    page = _page(_code("QRCode", "BM001128286"), 1250, 100, (1000, 1500))
    page[100:900, 100:900] = np.where(np.arange(800) % 12 < 6, 20, 235)[np.newaxis, :, np.newaxis]
    found = barcode.run(SheetImage(page), {}, StepContext()).findings
    assert [one.text for one in found] == ["BM001128286"]


def test_short_values_are_no_codes() -> None:
    result = barcode.run(SheetImage(_page(_code("Code128", "123"), 500, 800)), {"shortest": 4}, StepContext())
    assert not result.findings
    assert "Code 39" in result.nothing_found


def test_formats_that_rulers_imitate_are_not_read() -> None:
    assert not barcode.run(SheetImage(_page(_code("EAN13", "4006381333931"), 500, 800)), {}, StepContext()).findings


def test_an_ean_is_read_only_where_it_says_the_catalogue_number() -> None:
    image = SheetImage(_page(_code("EAN13", "0000005182879"), 500, 800))
    (finding,) = barcode.run(image, {}, StepContext("BR0000005182879")).findings
    assert (finding.text, finding.data["format"], finding.data["catalogNumber"]) == ("0000005182879", "EAN-13", "contains")
    assert not barcode.run(image, {}, StepContext("BR0000005182880")).findings


@pytest.mark.parametrize(
    ("value", "number", "verdict"),
    [
        ("BM001128286", "BM 001128286", "match"),
        ("000154404", "154404", "match"),
        ("bm001128286", "BM001128286", "match"),
        ("1556924", "MICH1556924", "contains"),
        ("http://coll.mfn-berlin.de/u/1b5441", "1b5441", "contains"),
        ("BM001128287", "BM001128286", "differs"),
        ("BM001128287", "", "unknown"),
    ],
)
def test_agreement_with_the_catalogue_number(value: str, number: str, verdict: str) -> None:
    assert barcode.agreement(value, number) == verdict


def test_real_codes_on_one_sheet(shared: Path) -> None:
    image = SheetImage(pixels_of(shared / "data/specimens/plant_gouda_bm001128287.jpg"))
    values = {finding.text for finding in barcode.run(image, {}, StepContext()).findings}
    assert values == {"BM001128286", "BM001128287", "BM001128288"}
