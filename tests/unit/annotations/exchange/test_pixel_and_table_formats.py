"""Masks, CSV, Parquet and W3C both ways."""

import csv
import io
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from annotations.exchange import gray
from annotations.exchange.classes import ClassTable, ExchangeClass
from annotations.exchange.gray import NoMask
from annotations.exchange.model import Options, ReadImage, ReadObject, ReadOptions, Refused
from annotations.region_masks import Mask
from annotations.regions import Region, of_mask
from app.runtime.errors import Invalid
from tests.unit.annotations.exchange.exchange_cases import HEIGHT, HOLED, IMAGE, WIDTH, image, read, statement, written
from tests.unit.annotations.region_strategies import doubles, drawn_lines, masks, regions

STEM = "m10000000001"
shapes = st.tuples(st.integers(1, 9), st.integers(1, 9))


def objects(name: str, files: dict[str, bytes], options: ReadOptions | None = None) -> list[ReadObject]:
    return [one for one in read(name, files, options) if isinstance(one, ReadObject)]


@settings(max_examples=40)
@given(shapes.flatmap(lambda shape: arrays(np.uint8, shape)), shapes.flatmap(lambda shape: arrays(np.uint16, shape)))
def test_pillow_sees_the_numbers_that_are_written(small: Any, large: Any) -> None:
    palette = [(7, 7, 7)] * 256  # one colour for all: only the numbers tell them apart
    for numbers, data in ((small, gray.png(small)), (large, gray.png(large)), (small, gray.png(small, palette))):
        with Image.open(io.BytesIO(data)) as picture:
            assert np.array_equal(np.asarray(picture), numbers)
        assert np.array_equal(gray.read(data), numbers)
    deep = large.astype(np.uint32) << 16
    with Image.open(io.BytesIO(gray.tiff(deep))) as picture:
        assert np.array_equal(np.asarray(picture).astype(np.uint32), deep)
    assert np.array_equal(gray.read(gray.tiff(deep)), deep)


@settings(max_examples=30)
@given(
    shapes.flatmap(lambda shape: arrays(np.uint8, shape)),
    st.sampled_from(["L", "P", "I;16", "I"]),
    st.sampled_from(["PNG", "TIFF"]),
)
def test_what_pillow_writes_is_read(numbers: Any, mode: str, form: str) -> None:
    deep = {"L": np.uint8, "P": np.uint8, "I;16": np.uint16, "I": np.int32}[mode]
    if (mode, form) in (("I", "PNG"), ("P", "TIFF")):
        return
    picture = Image.fromarray(numbers.astype(deep))
    if mode == "P":
        picture = picture.convert("L")
        picture.putpalette([value for _ in range(256) for value in (1, 2, 3)])
    out = io.BytesIO()
    picture.save(out, form, **({"compression": "tiff_deflate"} if form == "TIFF" else {}))
    if mode == "I":  # signed, so that it is refused
        with pytest.raises(NoMask):
            gray.read(out.getvalue())
    else:
        assert np.array_equal(gray.read(out.getvalue()), numbers)


def is_sound(region: Region) -> bool:
    """Not one that no selector says: without extent, or a line of one place."""
    flat = region.box.x1 == region.box.x0 or region.box.y1 == region.box.y0
    return region.kind == "point" or (region.kind != "line" and not flat)


def saved(mode: str, form: str) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (3, 2)).save(out, form)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        saved("RGB", "PNG"),
        saved("RGBA", "PNG"),
        saved("LA", "PNG"),
        saved("L", "JPEG"),
        b"",
        b"II*\x00",
        gray.png(np.zeros((2, 2), np.uint8))[:50],
    ],
)
def test_colours_transparency_jpeg_and_damage_are_refused(data: bytes) -> None:
    found = list(read("masks", {"masks/a.png": data, "masks/b.png": gray.png(np.ones((2, 2), np.uint8))}))
    assert len([one for one in found if isinstance(one, Refused)]) == 1
    assert len([one for one in found if isinstance(one, ReadObject)]) == 1


def test_a_picture_that_says_it_is_vast_is_refused_before_it_is_unpacked() -> None:
    data = bytearray(gray.png(np.zeros((2, 2), np.uint8)))
    data[16:24] = (10**9).to_bytes(4, "big") * 2
    with pytest.raises(NoMask):
        gray.read(bytes(data))


@settings(max_examples=40)
@given(st.binary(max_size=80), st.integers(0, 70))
def test_any_damage_of_a_picture_is_told(noise: bytes, place: int) -> None:
    for data in (gray.png(np.arange(64, dtype=np.uint8).reshape(8, 8)), gray.tiff(np.arange(64, dtype=np.uint32).reshape(8, 8))):
        damaged = data[:place] + noise + data[place + len(noise) :]
        try:
            assert gray.read(damaged).size
        except NoMask:
            continue


@settings(max_examples=15)
@given(masks)
def test_a_mask_of_instances_gives_back_the_pixels(mask: Mask) -> None:
    for options in (Options(), Options(depth=32)):
        files, losses = written("masks-instance", [(IMAGE, [statement(of_mask(mask))])], options=options)
        assert [one.region for one in objects("masks-instance", files)] == [of_mask(mask)]
        assert losses.to_json()["lost"] == {}


def test_the_smaller_lies_over_the_larger_and_lost_pixels_are_counted() -> None:
    large, small = Region.of_box(0, 0, 20, 20), Region.of_box(5, 5, 10, 10)
    table = ClassTable([ExchangeClass(1, "a"), ExchangeClass(2, "b")], grows=False)
    stream = [(IMAGE, [statement(small, 1, class_name="a"), statement(large, 2, class_name="b")])]
    for name in ("masks", "masks-palette", "masks-instance"):
        files, losses = written(name, stream, table)
        numbers = gray.read(files[f"masks/{STEM}.png"])
        assert (numbers.shape, int(numbers[7, 7]), int(numbers[1, 1]), int(numbers[30, 30])) == ((HEIGHT, WIDTH), 1, 2, 0)
        assert losses.to_json()["lost"]["pixels that a smaller object covers"]["leastIou"] == 375 / 400
        assert {one.class_name for one in objects(name, files)} == {"a", "b"}


def test_index_masks_without_a_legend_are_called_by_their_numbers_and_255_is_void() -> None:
    numbers = np.array([[0, 1, 1], [2, 255, 0]], np.uint8)
    found = objects("masks", {"deep/masks/a.b.png": gray.png(numbers)})
    assert [(one.class_name, one.image.name, one.image.width, one.image.height) for one in found] == [
        ("1", "deep/images/a.b.jpg", 3, 2), ("2", "deep/images/a.b.jpg", 3, 2),
    ]  # fmt: skip


@settings(max_examples=60)
@given(regions(doubles).filter(is_sound) | drawn_lines(doubles))
def test_a_region_comes_back_from_csv_and_parquet(region: Region) -> None:
    for name in ("csv", "parquet"):
        files, _ = written(name, [(IMAGE, [statement(region)])])
        (back,) = objects(name, files)
        if region.kind == "mask":
            assert back.region is not None
            assert back.region.raster() == region.raster()
        elif region.kind == "line":
            assert back.region is not None
            assert back.region.lines == region.lines
        else:
            assert back.region == region


def test_csv_has_a_row_for_an_empty_image_every_script_and_no_formula_on_request() -> None:
    stream = [(IMAGE, [statement(HOLED, text='=1+1\n"東京", ünïcode')]), (image(2), [])]
    files, losses = written("csv", stream)
    rows = list(csv.DictReader(io.StringIO(files["annotations.csv"].decode())))
    assert [row["class"] for row in rows] == ["leaf", ""]
    assert objects("csv", files)[0].text == '=1+1\n"東京", ünïcode'
    assert [one.image.name for one in read("csv", files) if isinstance(one, ReadImage)] == [image(2).path]
    assert losses.is_whole
    safe, report = written("csv", stream, options=Options(spreadsheet_safe=True))
    assert next(csv.DictReader(io.StringIO(safe["annotations.csv"].decode())))["text"].startswith("'=")
    assert report.with_loss == 1


def test_parquet_has_typed_columns() -> None:
    files, _ = written("parquet", [(IMAGE, [statement(HOLED, score=0.5)])])
    table = pyarrow.parquet.read_table(io.BytesIO(files["annotations.parquet"]))
    assert (table.num_rows, str(table.schema.field("score").type), table["x1"][0].as_py()) == (1, "double", 60)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("a.jpg,box,1,2,x,4,", "x1 must be a number"),
        ("a.jpg,box,1,2,,4,", "needs x0, y0, x1 and y1"),
        ("a.jpg,box,1,2,1,4,", "a width and a height above 0"),
        ("a.jpg,rings,1,2,3,4,M0", "path"),
        ("a.jpg,rings,1,2,3,4,<b>", "path"),
        (",box,1,2,3,4,", "names no image"),
    ],
)
def test_a_bad_row_of_csv_is_refused_with_its_reason(row: str, reason: str) -> None:
    found = list(read("csv", {"a.csv": f"image,shape,x0,y0,x1,y1,path\n{row}\na.jpg,box,1,2,3,4,\n".encode()}))
    assert reason in next(one.reason for one in found if isinstance(one, Refused))
    assert len([one for one in found if isinstance(one, ReadObject)]) == 1


def test_files_that_are_none_of_these_are_refused_in_words() -> None:
    for name, files in (("csv", {"a.csv": b"x,y\n"}), ("csv", {"a.csv": b"image\n\xff"}), ("parquet", {"a.parquet": b"PAR1"})):
        with pytest.raises(Invalid):
            list(read(name, files))


def test_a_document_is_a_line_with_sorted_members_and_comes_back_as_it_is() -> None:
    body = {"value": "東京", "x": 1.5}
    document = {"type": "Annotation", "id": "http://x.test/a", "target": IMAGE.iri, "body": body, "@context": "c"}
    stream = [(IMAGE, [replace(statement(HOLED), document=document)])]
    for name in ("w3c", "w3c-page"):
        files, losses = written(name, stream)
        (back,) = objects(name, files)
        assert back.document == document
        assert losses.is_whole
    line = written("w3c", stream)[0]["annotations.jsonl"].decode()
    assert list(json.loads(line)) == sorted(document)


@pytest.mark.parametrize("line", [b"{", b"[]", b"\xff", b'{"type":"Annotation"}', b'{"type":"x","target":"y"}', b"[" * 5000])
def test_a_line_that_is_no_annotation_is_refused(line: bytes) -> None:
    found = list(read("w3c", {"a.jsonl": line + b"\n"}))
    assert [type(one) for one in found] == [Refused]
