"""The real files beside the project come in and go out again unchanged."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from annotations.exchange import gray
from app.exchange import exporting, importing
from app.exchange.exporting import Export
from app.exchange.importing import AskedImport
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from tests.sheets import add_sheet

US = Principal.of_operator()
CLASSES = ("fish", "ruler", "eye", "two", "three")
TABLE = "name,class\n" + "".join(f"{name},http://example.org/{name} {name}\n" for name in CLASSES)


def exported(runtime: Runtime, name: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for path, data in exporting.pieces(runtime, Export(name), US)[1]:
        files[path] = files.get(path, b"") + data
    return files


def shapes(document: Any) -> list[Any]:
    """Image, class and rings of every object, without ids."""
    images = {one["id"]: one.get("lectotype", {}).get("originalName", one["file_name"]) for one in document["images"]}
    names = {one["id"]: one["name"] for one in document["categories"]}
    found = [(images[one["image_id"]], names[one["category_id"]], one["segmentation"]) for one in document["annotations"]]
    return sorted(found, key=repr)


@pytest.mark.parametrize("name", ["two_three.json", "idigbio1_w_eyes.json"])
def test_polygons_of_fishes_come_in_and_go_out_unchanged(runtime: Runtime, shared: Path, name: str) -> None:
    path = shared / "data/annotations/drexel_fish_coco" / name
    if not path.exists():
        pytest.skip(f"needs {path}")
    document = json.loads(path.read_text())
    document["images"] = document["images"][:25]
    kept = {one["id"] for one in document["images"]}
    document["annotations"] = [one for one in document["annotations"] if one["image_id"] in kept]
    sizes = {one["file_name"]: (one["width"], one["height"]) for one in document["images"]}
    for file_name, size in sizes.items():
        add_sheet(runtime, file_name, {}, sizes=(size,), file_name=file_name)
    source = runtime.settings.data_dir / "fish.json"
    source.write_text(json.dumps(document))
    report = importing.run(runtime, source, AskedImport("coco", classes=TABLE, dry=False), US)
    assert (report.added, report.refused) == (len(document["annotations"]), 0)
    assert shapes(json.loads(exported(runtime, "coco")["annotations.json"])) == shapes(document)
    assert importing.run(runtime, source, AskedImport("coco", classes=TABLE, dry=False), US).added == 0


def test_masks_of_beetles_come_in_and_go_out_unchanged(runtime: Runtime, shared: Path) -> None:
    paths = sorted((shared / "data/beetles/masks").glob("*.png"))[:4]
    if not paths:
        pytest.skip("needs data/beetles/masks in the folder beside the project")
    source = runtime.settings.data_dir / "beetles"
    (source / "masks").mkdir(parents=True)
    before = {path.stem: gray.colours(path.read_bytes()) for path in paths}
    for path in paths:
        (source / "masks" / path.name).write_bytes(path.read_bytes())
        height, width = before[path.stem].shape
        add_sheet(runtime, path.stem, {}, sizes=((width, height),), file_name=f"{path.stem}.png")
    values = sorted({f"#{value:06x}" for numbers in before.values() for value in np.unique(numbers).tolist() if value})
    table = "name,class\n" + "".join(f"{value},http://example.org/part/{value[1:]} {value}\n" for value in values)
    report = importing.run(runtime, source, AskedImport("masks-colour", classes=table, dry=False), US)
    assert (report.added, report.refused) == (sum(len(np.unique(numbers)) - 1 for numbers in before.values()), 0)
    files = exported(runtime, "masks-colour")
    after = {name.partition("-")[2].removesuffix(".png"): gray.colours(data) for name, data in files.items() if ".png" in name}
    assert after.keys() == before.keys()
    assert all(np.array_equal(after[stem], before[stem]) for stem in before)
    assert importing.run(runtime, source, AskedImport("masks-colour", classes=table, dry=False), US).added == 0
