"""Codes that are written here and read back, and their agreement with the catalogue number."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import zxingcpp
from numpy.typing import NDArray

from analytics.steps import barcode
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


def test_short_values_are_no_codes() -> None:
    result = barcode.run(SheetImage(_page(_code("Code128", "123"), 500, 800)), {"shortest": 4}, StepContext())
    assert not result.findings
    assert "Code 39" in result.nothing_found


def test_formats_that_rulers_imitate_are_not_read() -> None:
    assert not barcode.run(SheetImage(_page(_code("EAN13", "4006381333931"), 500, 800)), {}, StepContext()).findings


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
