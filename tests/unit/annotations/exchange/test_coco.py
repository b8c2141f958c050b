"""COCO both ways: the same doubles back, pixels as pycocotools sees them, and what foreign files get wrong."""

import io
import json
from contextlib import redirect_stdout
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO

from annotations import region_measures, region_rle
from annotations.exchange.classes import ClassTable, ExchangeClass
from annotations.exchange.model import Keypoint, Note, Options, ReadImage, ReadObject, ReadOptions, Refused
from annotations.exchange.unions import of_union
from annotations.region_masks import Mask
from annotations.regions import Region, of_mask
from app.runtime.errors import Invalid
from tests.unit.annotations.exchange.exchange_cases import HEIGHT, HOLED, IMAGE, PARTS, WIDTH, image, read, statement, written
from tests.unit.annotations.region_strategies import doubles, masks, regions

NAME = "annotations.json"


def opened(data: bytes) -> COCO:
    """The file as pycocotools reads it."""
    coco = COCO()
    coco.dataset = json.loads(data)
    with redirect_stdout(io.StringIO()):
        coco.createIndex()
    return coco


def foreign(**members: Any) -> dict[str, bytes]:
    """A file of one image, with one class."""
    said = {"images": [{"id": 0, "file_name": "a/b.jpg", "width": 5, "height": 3}], "categories": [{"id": 0, "name": "leaf"}]}
    return {"a.json": json.dumps({**said, **members}).encode()}


def objects(found: Any) -> list[ReadObject]:
    return [one for one in found if isinstance(one, ReadObject)]


def refusals(found: Any) -> list[str]:
    return [one.reason for one in found if isinstance(one, Refused)]


@settings(max_examples=60)
@given(
    regions(doubles).filter(lambda region: region.has_area and region.box.x1 > region.box.x0 and region.box.y1 > region.box.y0)
)
def test_a_region_comes_back_from_coco_as_the_same_doubles(region: Region) -> None:
    files, losses = written("coco", [(IMAGE, [statement(region)])])
    if losses.left_out:  # rings that cover nothing, or no centre of a pixel
        assert region.raster() is None or region_measures.area(region) == 0
        return
    back = objects(read("coco", files))
    assert [one.region for one in back] == [region]
    assert losses.is_whole


@pytest.mark.filterwarnings("ignore:__array__ implementation")  # of pycocotools
@settings(max_examples=40)
@given(masks, st.sampled_from(["compressed", "plain"]))
def test_pycocotools_sees_the_same_pixels_of_masks_and_of_their_rings(mask: Mask, runs: Any) -> None:
    stream = [(IMAGE, [statement(of_mask(mask), 1), statement(Region.of_pixels(mask.pixels(), mask.x, mask.y), 2)])]
    files, losses = written("coco", stream, options=Options(runs=runs))
    coco = opened(files[NAME])
    for one in coco.loadAnns(coco.getAnnIds()):
        assert np.array_equal(coco.annToMask(one).astype(bool), mask.on_canvas(WIDTH, HEIGHT))
        assert one["area"] == mask.count()
    assert losses.exact + losses.with_loss == losses.asked == 2
    assert [one.region.raster() for one in objects(read("coco", files)) if one.region] == [mask, mask]


def test_a_hole_comes_back_and_three_parts_stay_one_object() -> None:
    files, losses = written("coco", [(IMAGE, [statement(HOLED, 1), statement(PARTS, 2)])])
    holed, parts = objects(read("coco", files))
    assert holed.region == HOLED
    assert parts.region == PARTS
    document = json.loads(files[NAME])
    assert isinstance(document["annotations"][0]["segmentation"]["counts"], str)
    assert len(document["annotations"][1]["segmentation"]) == 3
    assert document["annotations"][0]["area"] == 50 * 50 - 20 * 20
    assert losses.is_whole


def test_coco_has_ids_from_one_relative_names_and_images_without_objects() -> None:
    files, losses = written("coco", [(IMAGE, [statement(HOLED)]), (image(2), [])])
    document = json.loads(files[NAME])
    assert [one["id"] for one in document["images"]] == [1, 2]
    assert [one["id"] for one in document["annotations"]] == [1]
    assert all(not one["file_name"].startswith("/") and "\\" not in one["file_name"] for one in document["images"])
    assert (losses.images, losses.images_without_objects) == (2, 1)
    assert files["ids.csv"].decode().splitlines()[1:] == [
        f"image,1,{IMAGE.iri}", "annotation,1,http://lectotype.test/ark:99999/n10000000001.v1", f"image,2,{image(2).iri}",
    ]  # fmt: skip
    assert [one.image.name for one in read("coco", files) if isinstance(one, ReadImage)] == [image(2).path]


def test_class_numbers_come_from_the_table_and_unused_ones_stay() -> None:
    table = ClassTable([ExchangeClass(7, "ruler"), ExchangeClass(3, "leaf")], grows=False)
    files, losses = written("coco", [(IMAGE, [statement(HOLED), statement(HOLED, 2, class_name="stamp")])], table)
    document = json.loads(files[NAME])
    assert [(one["id"], one["name"]) for one in document["categories"]] == [(3, "leaf"), (7, "ruler")]
    assert document["annotations"][0]["category_id"] == 3
    assert losses.left_out == 1
    assert losses.to_json()["leftOut"] == {
        "class 'stamp' is not in the table of classes": {"count": 1, "examples": [statement(None, 2).iri]}
    }


def test_crowd_follows_the_statement_and_not_the_encoding() -> None:
    square = Region.of_rings([[(1, 1), (9, 1), (9, 9), (1, 9)]])
    files, _ = written("coco", [(IMAGE, [statement(HOLED, 1), statement(square, 2, crowd=True)])])
    assert [one["iscrowd"] for one in json.loads(files[NAME])["annotations"]] == [0, 1]
    assert [one.crowd for one in objects(read("coco", files))] == [False, True]


def test_keypoints_keep_their_places_and_visibility() -> None:
    table = ClassTable([ExchangeClass(1, "fish", keypoints=("eye", "fin", "tail"), skeleton=((1, 2), (2, 3)))], grows=False)
    points = (Keypoint("tail", 7.5, 8, 1), Keypoint("eye", 1, 2.25, 2))
    files, _ = written("coco", [(IMAGE, [statement(HOLED, class_name="fish", keypoints=points)])], table)
    document = json.loads(files[NAME])
    assert document["annotations"][0]["keypoints"] == [1, 2.25, 2, 0, 0, 0, 7.5, 8, 1]
    assert document["annotations"][0]["num_keypoints"] == 2
    assert document["categories"][0]["skeleton"] == [[1, 2], [2, 3]]
    back = objects(read("coco", files))[0].keypoints
    assert back == (Keypoint("eye", 1, 2.25, 2), Keypoint("fin", 0, 0, 0), Keypoint("tail", 7.5, 8, 1))
    shifted = objects(read("coco", files, ReadOptions(pixel_index=True)))[0].keypoints
    assert [(one.x, one.y) for one in shifted] == [(1.5, 2.75), (0, 0), (8, 8.5)]


def test_a_mask_of_3_by_5_with_one_pixel_survives_down_the_columns() -> None:
    one = {"id": 0, "image_id": 0, "category_id": 0, "segmentation": {"size": [3, 5], "counts": [13, 1, 1]}, "iscrowd": 0}
    found = objects(read("coco", foreign(annotations=[one])))
    pixels = np.zeros((3, 5), bool)
    pixels[1, 4] = True
    assert found[0].region is not None
    assert found[0].region.raster() == Mask.of_pixels(pixels)


BAD = [
    ({"segmentation": {"size": [5, 3], "counts": [13, 1, 1]}}, "[5, 3] is swapped"),
    ({"segmentation": {"size": [3, 5], "counts": [13, 1]}}, "add up to 14 pixels, not to 15"),
    ({"segmentation": {"size": [3, 5], "counts": [13, -1, 3]}}, "0 or more"),
    ({"segmentation": {"size": [3, 5], "counts": "\x7f\x7f"}}, "not a COCO string"),
    ({"segmentation": [[1, 1, 2, 2]]}, "three points"),
    ({"segmentation": [[1, 1, 2, 2, 3]]}, "even number"),
    ({"segmentation": [[1, 1, 2, 2, 3, None]]}, "finite numbers"),
    ({"segmentation": [[1, 1, 2, 1, 3, 1]]}, "no extent"),
    ({"bbox": [1, 1, 0, 0]}, "no extent"),
    ({"segmentation": "M0 0"}, "list of rings"),
    ({}, "neither a segmentation nor a bbox"),
    ({"bbox": [1, 1, 1, 1], "category_id": 9}, "no category"),
    ({"bbox": [1, 1, 1, 1], "image_id": 9}, "no image"),
]


@pytest.mark.parametrize(("said", "reason"), BAD)
def test_a_row_that_cannot_be_taken_is_refused_with_its_reason_and_the_others_come_in(said: dict[str, Any], reason: str) -> None:
    good = {"id": 2, "image_id": 0, "category_id": 0, "bbox": [0, 0, 2, 2]}
    found = list(read("coco", foreign(annotations=[{"id": 1, "image_id": 0, "category_id": 0, **said}, good])))
    assert len(objects(found)) == 1
    assert len(refusals(found)) == 1
    assert reason in refusals(found)[0]


def test_ids_as_text_or_twice_bring_both_objects_in_and_are_told() -> None:
    one = {"id": "7", "image_id": "0", "category_id": 0, "bbox": [0, 0, 2, 2]}
    found = list(read("coco", foreign(annotations=[one, {**one, "id": 7, "bbox": [1, 1, 1, 1]}])))
    assert len(objects(found)) == 2
    assert [type(one) for one in found if isinstance(one, Note)] == [Note]


def test_annotations_may_stand_before_images_and_a_box_without_segmentation_comes_in_as_a_box() -> None:
    text = b'{"annotations":[{"id":1,"image_id":1,"category_id":1,"bbox":[1,1,2,1]}],"categories":[{"id":1,"name":"x"}],'
    text += b'"images":[{"id":1,"file_name":"a.jpg","width":5,"height":3}]}'
    assert objects(read("coco", {"a.json": text}))[0].region == Region.of_box(1, 1, 3, 2)


def test_an_image_id_of_two_images_is_refused_and_never_guessed() -> None:
    two = [{"id": 1, "file_name": name, "width": 5, "height": 3} for name in ("a.jpg", "b.jpg")]
    found = list(
        read("coco", foreign(images=two, annotations=[{"id": 1, "image_id": 1, "category_id": 0, "bbox": [0, 0, 1, 1]}]))
    )
    assert not objects(found)
    assert len(refusals(found)) == 2


def test_rings_of_one_object_that_overlap_are_a_union() -> None:
    region = of_union([[(0, 0), (4, 0), (4, 4), (0, 4)], [(2, 2), (6, 2), (6, 6), (2, 6)]])
    mask = region.raster()
    assert mask is not None
    assert mask.count() == 16 + 16 - 4


@pytest.mark.parametrize("text", [b"", b"[]", b"{", b'{"images": [', b"\xff\xfe{}", b"{}", b'{"images": 7}', b"null"])
def test_a_file_that_is_no_coco_is_refused_in_words(text: bytes) -> None:
    with pytest.raises(Invalid):
        list(read("coco", {"a.json": text}))


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=80)
@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("segmentation", "bbox", "keypoints", "id", "lectotype"), json_values)))
def test_any_object_is_taken_or_refused_with_a_reason(said: dict[str, Any]) -> None:
    found = list(read("coco", foreign(annotations=[{"image_id": 0, "category_id": 0, **said}])))
    assert len(objects(found)) + len(refusals(found)) == 1


@settings(max_examples=80)
@given(st.text(st.characters(min_codepoint=48, max_codepoint=111), max_size=12))
def test_run_lengths_from_anyone_are_read_or_refused(counts: str) -> None:
    one = {"id": 1, "image_id": 0, "category_id": 0, "segmentation": {"size": [3, 5], "counts": counts}}
    found = list(read("coco", foreign(annotations=[one])))
    assert len(objects(found)) + len(refusals(found)) == 1
    if objects(found):
        assert sum(region_rle.expanded(counts)) == 15
