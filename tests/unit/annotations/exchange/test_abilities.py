"""Every feature goes to every format: what the table says is kept comes back, and what is lost is in the report."""

import json
from dataclasses import replace

import pytest

from annotations.exchange import fitting
from annotations.exchange.abilities import features_of
from annotations.exchange.classes import ClassTable, read_table
from annotations.exchange.formats import FORMATS
from annotations.exchange.model import ReadObject
from annotations.region_frames import Frame
from tests.unit.annotations.exchange.exchange_cases import HEIGHT, IMAGE, WIDTH, every_feature, read, written

CASES = [(name, feature) for name in FORMATS for feature, _ in every_feature()]
OF_TEXTS = ("page", "alto", "hocr")  # which hold nothing without a text
BY_FEATURE = dict(every_feature())


@pytest.mark.parametrize(("name", "feature"), CASES)
def test_a_feature_comes_back_or_stands_in_the_report(name: str, feature: str) -> None:
    case, ability = BY_FEATURE[feature], FORMATS[name].abilities[feature]  # type: ignore[index]
    if name in OF_TEXTS:
        case = replace(case, text=case.text or "a text")
    assert feature in features_of(case)
    files, _losses = written(name, [(IMAGE, [case])])
    report = json.loads(files["losses.json"])
    counted = report["objects"]
    assert counted["asked"] == counted["exact"] + counted["withLoss"] + counted["leftOut"] == 1
    if ability.keeps == "out":
        assert counted["leftOut"] == 1
    elif ability.keeps in ("lost", "near"):
        assert feature in report["lost"]
        assert case.iri in report["lost"][feature]["examples"]
    else:
        assert counted["leftOut"] == 0
        assert feature not in report["lost"]
        if FORMATS[name].read is not None and not name.startswith("w3c"):  # of which the document is what comes back
            assert_kept(feature, next(map(in_canvas, read_objects(name, files))))


def read_objects(name: str, files: dict[str, bytes]) -> list[ReadObject]:
    return [one for one in read(name, files) if isinstance(one, ReadObject)]


def in_canvas(one: ReadObject) -> ReadObject:
    """The object in canvas units, as an import places it."""
    frame = Frame.fractions(WIDTH, HEIGHT) if one.image.frame == "fractions" else None
    region = None if one.region is None else fitting.in_canvas(one.region, frame)
    return replace(one, region=region, keypoints=fitting.placed_points(one.keypoints, frame))


def assert_kept(feature: str, back: ReadObject) -> None:
    """What was written of the feature is what comes back."""
    case = BY_FEATURE[feature]
    if feature in ("box", "rings", "parts", "holes", "line", "point"):
        assert back.region == case.region
    elif feature == "oriented box":
        assert back.region == case.region
        assert back.oriented
    elif feature == "whole image":
        assert back.region is None
    elif feature == "number with unit":
        assert (back.value, back.unit) == (case.value, case.unit)
    elif feature == "class":
        assert back.class_name == case.class_name
    elif feature == "keypoints":
        assert back.keypoints == case.keypoints
    elif feature in ("crowd", "score", "text", "language", "comment", "creator"):
        assert getattr(back, feature) == getattr(case, feature)
    elif feature == "attributes":
        assert dict(back.attributes) == dict(case.attributes)
    elif feature == "identifier":
        assert back.iri == case.iri


def test_an_export_of_nothing_is_whole_files_and_a_report() -> None:
    for name in FORMATS:
        files, losses = written(name, [])
        assert losses.asked == 0
        assert json.loads(files["losses.json"])["images"] == 0
        if FORMATS[name].read is not None and len(files) > 1:
            assert not [one for one in read_or_nothing(name, files) if isinstance(one, ReadObject)]


def read_or_nothing(name: str, files: dict[str, bytes]) -> list[object]:
    from app.runtime.errors import Invalid

    try:
        return list(read(name, files))
    except Invalid:
        return []


def test_a_table_that_grows_numbers_classes_in_the_order_in_which_they_come() -> None:
    table = ClassTable()
    assert [table.of(name).number for name in ("b", "a", "b", "")] == [1, 2, 1, 3]  # type: ignore[union-attr]
    assert [one.name for one in table] == ["b", "a", "object"]
    assert read_table(table.to_csv()).to_csv() == table.to_csv()
