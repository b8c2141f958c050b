"""Pascal VOC and YOLO both ways, and what users of other tools stumble over."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from hypothesis import given, settings

from annotations.exchange import fitting
from annotations.exchange.classes import ClassTable, ExchangeClass
from annotations.exchange.model import Keypoint, Note, Options, ReadImage, ReadObject, ReadOptions, Refused
from annotations.exchange.rings import bridged, unbridged
from annotations.region_frames import Frame
from annotations.region_masks import Mask, mask_of, trace
from annotations.regions import Region
from app.runtime.errors import Invalid
from tests.unit.annotations.exchange.exchange_cases import HEIGHT, HOLED, IMAGE, PARTS, WIDTH, image, read, statement, written
from tests.unit.annotations.region_strategies import masks

STEM = "m10000000001"
FRACTIONS = Frame.fractions(WIDTH, HEIGHT)


def objects(name: str, files: dict[str, bytes], options: ReadOptions | None = None) -> list[ReadObject]:
    return [one for one in read(name, files, options) if isinstance(one, ReadObject)]


def in_canvas(found: list[ReadObject]) -> list[Region | None]:
    return [None if one.region is None else fitting.in_canvas(one.region, FRACTIONS) for one in found]


def voc(*boxes: tuple[float, float, float, float], size: tuple[int, int] = (640, 480)) -> bytes:
    said = "".join(
        f"<object><name>leaf</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax><ymax>{d}</ymax></bndbox></object>"
        for a, b, c, d in boxes
    )
    head = f"<filename>a.jpg</filename><size><width>{size[0]}</width><height>{size[1]}</height></size>"
    return f"<annotation>{head}{said}</annotation>".encode()


def test_voc_counts_from_one_with_both_ends_and_has_a_file_for_an_empty_image() -> None:
    whole = statement(Region.of_box(0, 0, WIDTH, HEIGHT), 1)
    inner = statement(Region.of_box(10.25, 20, 30, 40), 2, attributes={"difficult": True, "other": 1})
    files, losses = written("voc", [(IMAGE, [whole, inner]), (image(2), [])])
    root = ElementTree.fromstring(files[f"Annotations/{STEM}.xml"])
    boxes = [[int(side.text or "") for side in box] for box in root.iter("bndbox")]
    assert boxes == [[1, 1, 640, 480], [11, 21, 30, 40]]
    assert [node.findtext("difficult") for node in root.iter("object")] == ["0", "1"]
    assert not list(ElementTree.fromstring(files["Annotations/m10000000002.xml"]).iter("object"))
    assert losses.to_json()["lost"]["box"]["largestShiftPx"] == 0.25
    assert losses.to_json()["lost"]["attributes"]["count"] == 1
    back = objects("voc", files)
    assert [one.region for one in back] == [whole.region, Region.of_box(10, 20, 30, 40)]
    assert [dict(one.attributes) for one in back] == [{}, {"difficult": True}]


@pytest.mark.parametrize(
    ("boxes", "base", "region", "told"),
    [
        ([(1, 1, 640, 480)], None, (0, 0, 640, 480), "from 1"),
        ([(0, 0, 639, 479)], None, (0, 0, 640, 480), "from 0 and both ends are included"),
        ([(0, 0, 640, 480)], None, (0, 0, 640, 480), "from 0 and ends are not included"),
        ([(1.5, 2, 3, 4)], None, (1.5, 2, 3, 4), "continuous"),
        ([(5, 5, 9, 9)], 0, (5, 5, 10, 10), "as was asked for"),
    ],
)
def test_how_voc_counts_is_decided_once_and_told(boxes: Any, base: int | None, region: Any, told: str) -> None:
    found = list(read("voc", {"a.xml": voc(*boxes)}, ReadOptions(voc_base=base)))
    assert [one.region for one in found if isinstance(one, ReadObject)] == [Region.of_box(*region)]
    assert any(told in one.sentence for one in found if isinstance(one, Note))


def test_one_file_that_counts_from_zero_decides_for_all() -> None:
    files = {"a.xml": voc((0, 3, 9, 9)), "b.xml": voc((1, 1, 9, 9))}
    assert [one.region for one in objects("voc", files)] == [Region.of_box(0, 3, 10, 10), Region.of_box(1, 1, 10, 10)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<annotation>",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]><annotation>&b;</annotation>",
        b"<other/>",
        b"\xff",
        b"<a>" * 100,
        voc((5, 5, 3, 3)),
        voc(("x", 1, 2, 3)),  # type: ignore[arg-type]
    ],
)
def test_xml_that_is_none_of_voc_is_refused_file_by_file_and_the_others_come_in(data: bytes) -> None:
    found = list(read("voc", {"a.xml": data, "b.xml": voc((1, 1, 2, 2))}))
    assert len([one for one in found if isinstance(one, Refused)]) == 1
    assert len([one for one in found if isinstance(one, ReadObject)]) == 1


def test_yolo_writes_shortest_doubles_an_empty_file_and_the_names_from_zero() -> None:
    table = ClassTable([ExchangeClass(3, "Blüte: 花"), ExchangeClass(7, "leaf")], grows=False)
    third = Region.of_box(1 / 3, 2, 100.7, 479.999)
    files, losses = written("yolo", [(IMAGE, [statement(third)]), (image(2), [])], table)
    assert files["labels/m10000000002.txt"] == b""
    assert yaml.safe_load(files["data.yaml"])["names"] == {0: "Blüte: 花", 1: "leaf"}
    number, across, down, width, height = files[f"labels/{STEM}.txt"].decode().split()
    assert number == "1"
    sides = [float(across) * WIDTH, float(down) * HEIGHT, float(width) * WIDTH, float(height) * HEIGHT]
    assert sides == pytest.approx([(1 / 3 + 100.7) / 2, 240.9995, 100.7 - 1 / 3, 477.999], abs=5e-12)
    assert losses.is_whole is False  # the identifier is lost
    (back,) = in_canvas(objects("yolo", files))
    assert back is not None
    assert [back.box.x0, back.box.y0, back.box.x1, back.box.y1] == pytest.approx([1 / 3, 2, 100.7, 479.999], abs=1e-11)
    assert [one.objects for one in read("yolo", files) if isinstance(one, ReadImage)] == [1, 0]


@settings(max_examples=60)
@given(masks)
def test_a_ring_with_bridges_covers_the_same_pixels_and_is_cut_again(mask: Mask) -> None:
    rings = trace(mask)
    joined = bridged(rings)
    assert mask_of([joined]) == mask
    assert mask_of(unbridged(joined)) == mask


def test_holes_and_parts_are_bridged_or_split_and_listed() -> None:
    files, losses = written("yolo-segment", [(IMAGE, [statement(HOLED, 1), statement(PARTS, 2)])])
    assert len(files[f"labels/{STEM}.txt"].splitlines()) == 2
    assert losses.to_json()["lost"]["holes"]["leastIou"] == 1
    bridges = in_canvas(objects("yolo-segment", files))
    cut = in_canvas(objects("yolo-segment", files, ReadOptions(unbridge=True)))
    for found in (bridges, cut):
        assert [one.raster() for one in found if one] == [HOLED.raster(), PARTS.raster()]
    assert [len(one.rings) for one in cut if one] == [2, 3]
    split, report = written("yolo-segment", [(IMAGE, [statement(HOLED, 1), statement(PARTS, 2)])], options=Options(parts="split"))
    assert len(split[f"labels/{STEM}.txt"].splitlines()) == 4
    assert report.to_json()["lost"]["holes"]["leastIou"] == pytest.approx(2100 / 2500)


def test_a_turned_box_is_four_points_clockwise_from_the_upper_left() -> None:
    turned = Region.of_rings([[(50, 90), (10, 50), (50, 10), (90, 50)]])
    files, losses = written("yolo-obb", [(IMAGE, [statement(turned, oriented=True), statement(HOLED, 2)])])
    numbers = [float(word) for word in files[f"labels/{STEM}.txt"].decode().splitlines()[0].split()[1:]]
    assert numbers == pytest.approx([50 / 640, 10 / 480, 90 / 640, 50 / 480, 50 / 640, 90 / 480, 10 / 640, 50 / 480])
    assert losses.to_json()["lost"]["rings"]["leastIou"] == pytest.approx(2100 / 2500)
    assert [one.oriented for one in objects("yolo-obb", files)] == [True, False]


def test_poses_have_all_points_of_their_class_in_order() -> None:
    points = (Keypoint("eye", 64, 48, 2), Keypoint("tail", 0, 0, 0))
    files, losses = written("yolo-pose", [(IMAGE, [statement(HOLED, keypoints=points), statement(HOLED, 2)])])
    first, second = files[f"labels/{STEM}.txt"].decode().splitlines()
    assert first.split()[5:] == ["0.1", "0.1", "2", "0", "0", "0"]
    assert second.split()[5:] == ["0"] * 6
    assert yaml.safe_load(files["data.yaml"])["kpt_shape"] == [2, 3]
    assert objects("yolo-pose", files)[0].keypoints[0] == Keypoint("eye", 0.1, 0.1, 2)
    assert losses.left_out == 0


def test_a_crowd_is_no_object_of_yolo_and_voc() -> None:
    for name in ("yolo", "voc"):
        _, losses = written(name, [(IMAGE, [statement(HOLED, crowd=True)])])
        assert losses.left_out == 1


@pytest.mark.parametrize(
    ("name", "line", "reason"),
    [
        ("yolo", "0 .5 .5 .1", "four numbers"),
        ("yolo", "0 .5 .5 .1 .1 .1 .1 .1 .1", "four numbers"),
        ("yolo", "9 .5 .5 .1 .1", "number of no class"),
        ("yolo", "0 .5 .5 nan .1", "no number"),
        ("yolo", "0 .5 .5 0 .1", "no extent"),
        ("yolo-segment", "0 .5 .5 .1 .1", "three corners"),
        ("yolo-obb", "0 .5 .5 .1 .1", "eight numbers"),
        ("yolo-pose", "0 .5 .5 .1 .1 .2", "A pose has 4 and 1 times 3"),
    ],
)
def test_a_row_of_another_task_is_refused_and_never_guessed(name: str, line: str, reason: str) -> None:
    files = {"data.yaml": b"names: [leaf]\nkpt_shape: [1, 3]\n", "labels/a.txt": f"{line}\n".encode()}
    found = [one for one in read(name, files) if isinstance(one, ReadObject | Refused)]
    assert [type(one) for one in found] == [Refused]
    assert reason in found[0].reason  # type: ignore[union-attr]


def test_names_of_classes_come_from_a_file_or_nothing_is_read() -> None:
    line = {"labels/a.b.txt": b"0 .5 .5 .5 .5\n"}
    (one,) = objects("yolo", {**line, "classes.txt": "Blüte\n".encode()})
    assert (one.class_name, one.image.name) == ("Blüte", "images/a.b.jpg")
    for more in ({}, {"data.yaml": b"a: &a [*a]\nnames: 3"}, {"data.yaml": b"names: {x: y}"}, {"data.yaml": b"\xff"}):
        with pytest.raises(Invalid):
            list(read("yolo", {**line, **more}))


def test_numbers_just_beyond_the_picture_are_clipped_on_the_way_out() -> None:
    files, _ = written("yolo-segment", [(IMAGE, [statement(Region.of_rings([[(-0.5, 0), (700, 0), (30, 481)]]))])])
    numbers = [float(word) for word in files[f"labels/{STEM}.txt"].decode().split()[1:]]
    assert min(numbers) == 0
    assert max(numbers) == 1
    assert json.loads(files["losses.json"])["objects"]["asked"] == 1
